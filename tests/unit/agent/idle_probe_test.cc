#include "agent/idle_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>

#include "agent/machine_lock.h"
#include "agent/probe_files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;

// With the fake trainer, whose probe measures nothing.
class IdleProbeTest : public ::testing::Test {
 protected:
  IdleProbeTest() {
    OfferedDevice cpu;
    cpu.device.set_name("cpu");
    cpu.device.set_address("cpu");
    devices_.push_back(cpu);
    facts_.host.set_kernel("6.1");
  }

  std::unique_ptr<IdleProbe> Start(const std::string& script = "succeed",
                                   milliseconds after = milliseconds(5)) {
    setenv("LAPTIME_FAKE_SCRIPT", script.c_str(), 1);
    auto stop = WakePipe::Open();
    EXPECT_OK(stop);
    return std::make_unique<IdleProbe>(
        IdleProbeOptions{dir_.path() / "probes", dir_.File("machine.lock"), after}, Context(),
        devices_, *std::move(stop));
  }
  ProbeContext Context() const { return {LAPTIME_FAKE_TRAINER, facts_, nullptr, clock_}; }
  std::string Basis() const { return ProbeFiles(dir_.path() / "probes").Basis("cpu"); }
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

  const testing::TempDir dir_;
  const SystemClock clock_;
  HostFacts facts_;
  std::vector<OfferedDevice> devices_;
};

TEST_F(IdleProbeTest, ProbesANewDevice) {
  const auto probe = Start();
  WaitUntil([this] { return Basis() == ProbeBasis(Context(), devices_[0]); });
  EXPECT_EQ(ProbeFiles(dir_.path() / "probes").TakeNew().at(0).result().device_model(), "fake");
}

TEST_F(IdleProbeTest, AnotherKernelWantsAnotherProbe) {
  const std::string before = ProbeBasis(Context(), devices_[0]);
  facts_.host.set_kernel("6.2");
  EXPECT_NE(ProbeBasis(Context(), devices_[0]), before);
}

TEST_F(IdleProbeTest, LeavesAloneWhatWasProbedAlready) {
  v1::DeviceProbe known;
  known.set_device("cpu");
  known.mutable_result()->set_device_model("known");
  ProbeFiles files(dir_.path() / "probes");
  ASSERT_OK(files.Write(known, ProbeBasis(Context(), devices_[0])));
  devices_.push_back(devices_[0]);
  devices_[1].device.set_name("cpu-1t");
  const auto probe = Start();
  WaitUntil([&files] { return files.Basis("cpu-1t") != ""; });
  for (const v1::DeviceProbe& found : files.TakeNew())
    EXPECT_EQ(found.result().device_model(), found.device() == "cpu" ? "known" : "fake");
}

TEST_F(IdleProbeTest, LooksAgainWhenTheMachineWasBusy) {
  auto run = MachineLock::Open(dir_.File("machine.lock"));
  ASSERT_OK(run);
  ASSERT_TRUE(run->TryLock(MachineLock::Mode::kAlone));
  const auto probe = Start("succeed", milliseconds(1));
  EXPECT_EQ(Basis(), "");
  run = absl::UnavailableError("over");
  WaitUntil([this] { return Basis() != ""; });
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
