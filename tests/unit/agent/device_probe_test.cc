#include "agent/device_probe.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "proto/support/status.h"
#include "tests/testing/fake_nvml.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/agent/scripted_machine.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

// With the fake trainer, whose probe measures nothing.
class DeviceProbeTest : public ::testing::Test {
 protected:
  DeviceProbeTest() {
    device_.device.set_name("cpu");
    device_.device.set_address("cpu");
  }
  ProbeContext Context() const { return {LAPTIME_FAKE_TRAINER, facts_, nullptr, clock_}; }
  absl::StatusOr<MeasuredProbe> Probe(const ProbeContext& context, const std::string& script) {
    setenv("LAPTIME_FAKE_SCRIPT", script.c_str(), 1);
    return ProbeDevice(context, device_);
  }

  const SteppingClock clock_;
  HostFacts facts_;
  OfferedDevice device_;
};

TEST_F(DeviceProbeTest, GivesWhatTheTrainerMeasured) {
  ASSERT_OK_AND_ASSIGN(const MeasuredProbe measured, Probe(Context(), "succeed"));
  EXPECT_EQ(measured.probe.device(), "cpu");
  EXPECT_EQ(measured.probe.result().device_model(), "fake");
  EXPECT_THAT(measured.probe.snapshot_json(), HasSubstr("\"device_model\":\"fake\""));
  EXPECT_THAT(Probe(Context(), "setup-failure"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("there is no such device")));
}

TEST_F(DeviceProbeTest, GivesATrainerUpThatSaysNothing) {
  ProbeContext context = Context();
  context.stall_timeout = std::chrono::milliseconds(100);
  const auto measured = Probe(context, "silent");
  EXPECT_THAT(measured, StatusIs(absl::StatusCode::kDeadlineExceeded,
                                 HasSubstr("probing cpu failed: the trainer gave no sign of life "
                                           "for 100 ms")));
  EXPECT_THAT(HintOf(measured.status()), HasSubstr("--stall-timeout"));
}

TEST_F(DeviceProbeTest, TellsWhoDisturbedIt) {
  ProbeContext context = Context();
  context.telemetry = Disturbed;
  ASSERT_OK_AND_ASSIGN(MeasuredProbe measured, Probe(context, "succeed"));
  EXPECT_EQ(measured.disturbed_by, "other programs took 100 % of the CPU time");
  context.telemetry = Quiet;
  ASSERT_OK_AND_ASSIGN(measured, Probe(context, "succeed"));
  EXPECT_EQ(measured.disturbed_by, "");
}

TEST_F(DeviceProbeTest, AnotherKernelWantsAnotherProbe) {
  facts_.host.set_kernel("6.1");
  const std::string before = ProbeBasis(Context(), device_);
  EXPECT_EQ(ProbeBasis(Context(), device_), before);
  facts_.host.set_kernel("6.2");
  EXPECT_NE(ProbeBasis(Context(), device_), before);
}

TEST_F(DeviceProbeTest, AnotherPowerLimitWantsAnotherProbe) {
  void* library = dlopen(LAPTIME_FAKE_NVML, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto state_of =
      reinterpret_cast<testing::FakeNvmlStateOf>(dlsym(library, testing::kFakeNvmlStateOf));
  {
    const std::unique_ptr<Nvml> nvml = Nvml::Load(LAPTIME_FAKE_NVML);
    ASSERT_NE(nvml, nullptr);
    ProbeContext context = Context();
    context.nvml = nvml.get();
    device_.gpu = GpuInfo{0, "GPU", "GPU-aaaa", std::nullopt};
    const std::string before = ProbeBasis(context, device_);
    state_of()->power_limit_milliwatts = 450000;
    EXPECT_NE(ProbeBasis(context, device_), before);
  }
  dlclose(library);
}

}  // namespace
}  // namespace laptime::agent
