#include "agent/idle_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>

#include "agent/machine_lock.h"
#include "agent/probe_files.h"
#include "agent/runner.h"
#include "tests/testing/kept_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/agent/scripted_machine.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// With the fake trainer, whose probe measures nothing.
class IdleProbeTest : public ::testing::Test {
 protected:
  IdleProbeTest() : context_{LAPTIME_FAKE_TRAINER, facts_, nullptr, clock_} {
    context_.telemetry = Quiet;
    Offer("cpu");
  }

  void Offer(const std::string& name) {
    OfferedDevice& offered = devices_.emplace_back();
    offered.device.set_name(name);
    offered.device.set_address(name);
  }
  std::unique_ptr<IdleProbe> Start(const std::string& script = "succeed") {
    return Start(script, context_);
  }
  std::unique_ptr<IdleProbe> Start(const std::string& script, const ProbeContext& context) {
    setenv("LAPTIME_FAKE_SCRIPT", script.c_str(), 1);
    auto stop = WakePipe::Open();
    EXPECT_OK(stop);
    return std::make_unique<IdleProbe>(
        IdleProbeOptions{probes_, dir_.File("machine.lock"), milliseconds(5), between_}, context,
        devices_, *std::move(stop));
  }
  std::string Basis(const std::string& device = "cpu") const {
    return ProbeFiles(probes_).Basis(device);
  }
  // The result with which a device is known already.
  absl::Status WriteKnown(const OfferedDevice& offered) const {
    v1::DeviceProbe known;
    known.set_device(offered.device.name());
    known.mutable_result()->set_device_model("known");
    return ProbeFiles(probes_).Write(known, ProbeBasis(context_, offered));
  }
  std::map<std::string, std::string> Models() const {
    std::map<std::string, std::string> models;
    for (const v1::DeviceProbe& found : ProbeFiles(probes_).TakeNew())
      models[found.device()] = found.result().device_model();
    return models;
  }
  bool Logged(const std::string& text) const { return log_.Count(text) > 0; }
  bool MachineIsFree() const {
    auto lock = MachineLock::Open(dir_.File("machine.lock"));
    return lock.ok() && lock->TryLock(MachineLock::Mode::kAlone);
  }
  static void WaitUntil(const std::function<bool()>& condition) {
    std::mutex mu;
    std::condition_variable never;
    std::unique_lock lock(mu);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition() && std::chrono::steady_clock::now() < deadline)
      never.wait_for(lock, milliseconds(5));
    ASSERT_TRUE(condition());
  }

  static inline std::atomic<int> looks{0};

  const testing::TempDir dir_;
  const std::filesystem::path probes_ = dir_.path() / "probes";
  const testing::KeptLog log_;
  const SystemClock clock_;
  const HostFacts facts_;
  ProbeContext context_;
  std::vector<OfferedDevice> devices_;
  milliseconds between_{1};
};

TEST_F(IdleProbeTest, ProbesNewDevices) {
  Offer("cpu-1t");
  const auto probe = Start();
  WaitUntil([this] { return Basis("cpu-1t") == ProbeBasis(context_, devices_[1]); });
  EXPECT_EQ(Basis(), ProbeBasis(context_, devices_[0]));
  EXPECT_THAT(Models(), UnorderedElementsAre(Pair("cpu", "fake"), Pair("cpu-1t", "fake")));
}

TEST_F(IdleProbeTest, LeavesAloneWhatWasProbedAlready) {
  ASSERT_OK(WriteKnown(devices_[0]));
  Offer("cpu-1t");
  const auto probe = Start();
  WaitUntil([this] { return Basis("cpu-1t") != ""; });
  EXPECT_THAT(Models(), UnorderedElementsAre(Pair("cpu", "known"), Pair("cpu-1t", "fake")));
}

TEST_F(IdleProbeTest, LooksAgainWhenTheMachineWasBusy) {
  auto run = MachineLock::Open(dir_.File("machine.lock"));
  ASSERT_OK(run);
  ASSERT_TRUE(run->TryLock(MachineLock::Mode::kAlone));
  Offer("cpu-1t");
  const auto probe = Start();
  WaitUntil([this] { return Logged("probing cpu waits: a run is under way"); });
  EXPECT_EQ(Basis(), "");
  EXPECT_FALSE(Logged("it is new"));
  // Somebody else has probed one of them meanwhile.
  ASSERT_OK(WriteKnown(devices_[0]));
  run = absl::UnavailableError("over");
  WaitUntil([this] { return Basis("cpu-1t") != ""; });
  EXPECT_THAT(Models(), UnorderedElementsAre(Pair("cpu", "known"), Pair("cpu-1t", "fake")));
}

TEST_F(IdleProbeTest, LeavesTheMachineAloneBetweenDevices) {
  Offer("cpu-1t");
  between_ = std::chrono::hours(1);
  const auto probe = Start();
  WaitUntil([this] { return Basis() != "" && MachineIsFree(); });
  EXPECT_EQ(Basis("cpu-1t"), "");
  EXPECT_GT(IdleProbeOptions().between, RunnerOptions().lock_poll);
}

TEST_F(IdleProbeTest, GoesOnAfterADeviceThatHangs) {
  devices_.clear();
  Offer("cuda:0");
  Offer("cpu");
  context_.stall_timeout = std::chrono::seconds(2);
  const auto probe = Start("silent-on-cuda:0");
  WaitUntil([this] { return Basis() != ""; });
  EXPECT_EQ(Basis("cuda:0"), "");
  EXPECT_TRUE(Logged("probing cuda:0 failed: the trainer gave no sign of life for 2 s"));
}

TEST_F(IdleProbeTest, KeepsNothingThatOthersDisturbed) {
  looks = 0;
  const SteppingClock clock;
  ProbeContext context{LAPTIME_FAKE_TRAINER, facts_, nullptr, clock};
  context.telemetry = [](const OfferedDevice&, const HostFacts&, const Nvml*, RunProcesses&) {
    return OneCpuOf(/*foreign=*/++looks <= 2);
  };
  const auto probe = Start("succeed", context);
  WaitUntil([this] { return Basis() != ""; });
  EXPECT_EQ(looks, 3);
  EXPECT_TRUE(Logged("probing cpu is tried again later: other programs took 100 %"));
}

TEST_F(IdleProbeTest, TheAgentsEndBreaksAProbeOff) {
  auto probe = Start("silent");
  WaitUntil([this] { return !MachineIsFree(); });
  probe.reset();
  EXPECT_TRUE(MachineIsFree());
  EXPECT_EQ(Basis(), "");
}

}  // namespace
}  // namespace laptime::agent
