// Drives the agent's NVML code with a library built for the tests; see tests/testing/fake_nvml.h.
#include "agent/telemetry/nvml_telemetry.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/testing/fake_nvml.h"
#include "tests/testing/file_tree.h"

namespace laptime::agent {
namespace {

using ::testing::Contains;
using testing::FakeNvmlState;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr int kTrainer = 100, kStranger = 900;

class NvmlTelemetryTest : public ::testing::Test {
 protected:
  explicit NvmlTelemetryTest(const char* library = LAPTIME_FAKE_NVML) : library_(library) {
    opened_ = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(opened_, nullptr) << dlerror();
    const auto state_of =
        reinterpret_cast<testing::FakeNvmlStateOf>(dlsym(opened_, testing::kFakeNvmlStateOf));
    state_ = state_of();
    *state_ = FakeNvmlState();
    nvml_ = Nvml::Load(library);
  }
  ~NvmlTelemetryTest() override {
    nvml_.reset();
    dlclose(opened_);
  }

  std::map<std::string, std::string> Sources() {
    const NvmlTelemetry telemetry(*nvml_, 0, run_);
    std::map<std::string, std::string> sources;
    for (const v1::Sensor& sensor : telemetry.sensors()) {
      EXPECT_NE(sensor.unit(), "");
      EXPECT_NE(sensor.definition(), "");
      sources[sensor.name()] = sensor.source();
    }
    return sources;
  }
  static std::map<std::string, double> Read(NvmlTelemetry& telemetry) {
    std::map<std::string, double> values;
    const auto read = telemetry.Read();
    EXPECT_EQ(read.size(), telemetry.sensors().size());
    for (size_t i = 0; i < read.size(); ++i) {
      if (read[i]) values[telemetry.sensors()[i].name()] = *read[i];
    }
    return values;
  }
  Moment Observe() {
    Moment moment;
    NvmlTelemetry(*nvml_, 0, run_).Observe(moment);
    return moment;
  }

  const std::string library_;
  void* opened_ = nullptr;
  FakeNvmlState* state_ = nullptr;
  std::unique_ptr<Nvml> nvml_;
  RunProcesses run_;
};

class OldNvmlTest : public NvmlTelemetryTest {
 protected:
  OldNvmlTest() : NvmlTelemetryTest(LAPTIME_FAKE_NVML_OLD) {}
};

TEST_F(NvmlTelemetryTest, FindsTheGpu) {
  const auto gpus = nvml_->Gpus();
  ASSERT_EQ(gpus.size(), 1);
  EXPECT_EQ(gpus[0].name, "NVIDIA Fake");
  EXPECT_EQ(gpus[0].uuid, "GPU-fake");
  EXPECT_THAT(gpus[0].memory_bytes, Optional(80.0 * (1 << 30)));
  EXPECT_EQ(nvml_->DriverVersion(), "550.54.15");
  EXPECT_THAT(nvml_->PowerLimitWatts(0), Optional(700.0));
  EXPECT_EQ(nvml_->PowerLimitWatts(1), std::nullopt);
  state_->power_limit_milliwatts = 450000;
  EXPECT_THAT(nvml_->PowerLimitWatts(0), Optional(450.0));
  EXPECT_THAT(nvml_->DefaultPowerLimitWatts(0), Optional(700.0));
}

TEST_F(NvmlTelemetryTest, LeavesTheLibraryAsItFoundIt) {
  EXPECT_EQ(state_->initialized, 1);
  nvml_.reset();
  EXPECT_EQ(state_->initialized, 0);
  state_->unsupported = {"nvmlInit_v2"};
  EXPECT_EQ(Nvml::Load(library_), nullptr);
  EXPECT_EQ(Nvml::Load("/nowhere/libnvidia-ml.so.1"), nullptr);
}

TEST_F(NvmlTelemetryTest, ReadsEverythingThatThereIs) {
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  EXPECT_THAT(Read(telemetry),
              UnorderedElementsAre(
                  Pair(kDeviceUtilization, 87), Pair("device_memory_used", 20.0 * (1 << 30)),
                  Pair("device_memory_reserved", 1.0 * (1 << 30)), Pair(kDevicePower, 300),
                  Pair("device_power_instant", 320), Pair("device_temperature", 61),
                  Pair("device_sm_clock", 1755), Pair("device_memory_clock", 2619),
                  Pair("device_performance_state", 0), Pair("device_throttled", 0),
                  Pair("device_power_capped", 0)));
  state_->utilization_percent = 12;
  state_->event_reasons = 0x40;
  EXPECT_THAT(Read(telemetry), Contains(Pair(kDeviceUtilization, 12)));
  EXPECT_THAT(Read(telemetry), Contains(Pair("device_throttled", 1)));
}

TEST_F(NvmlTelemetryTest, WhatIsNotSupportedIsNoSensor) {
  EXPECT_THAT(Sources(), Contains(Key(kDeviceUtilization)));
  state_->unsupported = {"nvmlDeviceGetUtilizationRates",
                         "nvmlDeviceGetMemoryInfo",
                         "nvmlDeviceGetMemoryInfo_v2",
                         "nvmlDeviceGetPowerUsage",
                         "nvmlDeviceGetFieldValues",
                         "nvmlDeviceGetTotalEnergyConsumption",
                         "nvmlDeviceGetTemperature",
                         "nvmlDeviceGetClockInfo",
                         "nvmlDeviceGetPerformanceState",
                         "nvmlDeviceGetCurrentClocksEventReasons",
                         "nvmlDeviceGetEnforcedPowerLimit",
                         "nvmlDeviceGetPowerManagementDefaultLimit",
                         "nvmlDeviceGetComputeRunningProcesses_v3",
                         "nvmlDeviceGetMigMode",
                         "nvmlGpmQueryDeviceSupport",
                         "nvmlSystemGetDriverVersion"};
  EXPECT_THAT(Sources(), IsEmpty());
  EXPECT_EQ(nvml_->PowerLimitWatts(0), std::nullopt);
  EXPECT_EQ(nvml_->DefaultPowerLimitWatts(0), std::nullopt);
  const Moment moment = Observe();
  EXPECT_FALSE(moment.joules);
  EXPECT_FALSE(moment.throttled);
  EXPECT_FALSE(moment.foreign_gpu);
  EXPECT_FALSE(moment.driver_changed);
}

TEST_F(NvmlTelemetryTest, AReadingThatFailsOnceIsAbsentAndNotZero) {
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  state_->unsupported = {"nvmlDeviceGetTemperature"};
  EXPECT_THAT(Read(telemetry), Not(Contains(Key("device_temperature"))));
  state_->unsupported.clear();
  EXPECT_THAT(Read(telemetry), Contains(Pair("device_temperature", 61)));
}

TEST_F(NvmlTelemetryTest, TakesThePowerTheBoardTellsWhereThereAreNoFields) {
  state_->field_milliwatts.clear();
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  EXPECT_THAT(Read(telemetry), Contains(Pair(kDevicePower, 310.5)));
  EXPECT_THAT(Read(telemetry), Not(Contains(Key("device_power_instant"))));
}

TEST_F(NvmlTelemetryTest, ADeviceInPartsHasNoUtilization) {
  state_->mig = true;
  EXPECT_THAT(Sources(), Not(Contains(Key(kDeviceUtilization))));
  EXPECT_THAT(Sources(), Contains(Key("device_memory_used")));
}

TEST_F(NvmlTelemetryTest, AGpuThatIsNotThereHasNothing) {
  NvmlTelemetry telemetry(*nvml_, 5, run_);
  EXPECT_THAT(telemetry.sensors(), IsEmpty());
  Moment moment;
  telemetry.Observe(moment);
  EXPECT_FALSE(moment.joules);
  EXPECT_FALSE(moment.foreign_gpu);
}

TEST_F(NvmlTelemetryTest, ReadsHoppersActivityBetweenTwoSamples) {
  EXPECT_THAT(Sources(), Not(Contains(Key("device_sm_activity"))));
  state_->gpm = true;
  EXPECT_THAT(Sources(), Contains(Pair("device_sm_activity", "nvml-gpm")));
  {
    NvmlTelemetry telemetry(*nvml_, 0, run_);
    for (int i = 0; i < 3; ++i) {
      const auto values = Read(telemetry);
      EXPECT_THAT(values, Contains(Pair("device_sm_activity", 71.5)));
      EXPECT_THAT(values, Contains(Pair("device_tensor_activity", 33.25)));
      EXPECT_THAT(values, Contains(Pair("device_dram_utilization", 48)));
    }
    EXPECT_EQ(state_->gpm_samples_alive, 2);
    state_->gpm_metrics.erase(5);
    EXPECT_THAT(Read(telemetry), Not(Contains(Key("device_tensor_activity"))));
    state_->unsupported = {"nvmlGpmSampleGet"};
    EXPECT_THAT(Read(telemetry), Not(Contains(Key("device_sm_activity"))));
  }
  EXPECT_EQ(state_->gpm_samples_alive, 0);
  EXPECT_THAT(Sources(), Not(Contains(Key("device_sm_activity")))) << "it lets us take no sample";
  EXPECT_EQ(state_->gpm_samples_alive, 0);
}

TEST_F(NvmlTelemetryTest, ObservesEnergyAndItsDriver) {
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  Moment moment;
  telemetry.Observe(moment);
  EXPECT_THAT(moment.joules, Optional(5000.0));
  EXPECT_STREQ(moment.energy_source, "nvml");
  EXPECT_THAT(moment.driver_changed, Optional(false));
  state_->driver = "560.1";
  telemetry.Observe(moment);
  EXPECT_THAT(moment.driver_changed, Optional(true));
}

TEST_F(NvmlTelemetryTest, IdlenessClocksThatWereSetAndThePowerLimitAreNoThrottling) {
  const std::map<unsigned long long, std::string> reasons = {{0x0, ""},
                                                             {0x1, ""},
                                                             {0x2, ""},
                                                             {0x4, ""},
                                                             {0x8, "hw_slowdown"},
                                                             {0x10, "sync_boost"},
                                                             {0x20, "sw_thermal_slowdown"},
                                                             {0x40, "hw_thermal_slowdown"},
                                                             {0x80, "hw_power_brake_slowdown"},
                                                             {0x100, "display_clock_setting"}};
  for (const auto& [bits, name] : reasons) {
    state_->event_reasons = bits;
    const auto throttled = Observe().throttled;
    ASSERT_TRUE(throttled);
    std::string names;
    for (size_t i = 0; i < kThrottleReasons.size(); ++i) {
      if ((*throttled >> i & 1) != 0) names += kThrottleReasons.at(i);
    }
    EXPECT_EQ(names, name) << bits;
  }
}

TEST_F(NvmlTelemetryTest, ShowsThatThePowerLimitHoldsTheClocksDown) {
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  state_->event_reasons = 0x4;
  EXPECT_THAT(Read(telemetry), Contains(Pair("device_power_capped", 1)));
  EXPECT_THAT(Read(telemetry), Contains(Pair("device_throttled", 0)));
}

TEST_F(NvmlTelemetryTest, AsksWhyClocksAreHeldDownOnceALook) {
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  state_->event_reasons_asked = 0;
  Read(telemetry);
  EXPECT_EQ(state_->event_reasons_asked, 1);
  Moment moment;
  telemetry.Observe(moment);
  EXPECT_EQ(state_->event_reasons_asked, 2);
}

TEST_F(OldNvmlTest, GoesWithoutWhatItsDriverLacks) {
  NvmlTelemetry telemetry(*nvml_, 0, run_);
  EXPECT_THAT(
      Read(telemetry),
      UnorderedElementsAre(
          // Here the reserved part cannot be told from the rest.
          Pair(kDeviceUtilization, 87), Pair("device_memory_used", 21.0 * (1 << 30)),
          Pair(kDevicePower, 310.5), Pair("device_temperature", 61), Pair("device_sm_clock", 1755),
          Pair("device_memory_clock", 2619), Pair("device_performance_state", 0),
          Pair("device_throttled", 0), Pair("device_power_capped", 0)));
  EXPECT_THAT(nvml_->PowerLimitWatts(0), Optional(700.0));
  EXPECT_EQ(nvml_->DefaultPowerLimitWatts(0), std::nullopt);
  state_->event_reasons = 0x40;
  const Moment moment = Observe();
  EXPECT_FALSE(moment.joules);
  EXPECT_THAT(moment.throttled, Optional(1U << 3));
}

#ifdef __linux__
// A recorded /proc with a trainer and its rank.
template <typename Base>
class WithProcesses : public Base {
 protected:
  WithProcesses() : processes_(tree_.root()) {
    Write("self", 1);
    Write(std::to_string(kTrainer), 50);
    Write(std::to_string(kTrainer + 1), kTrainer);
    Write(std::to_string(kStranger), 1);
    processes_.Follow(kTrainer);
    processes_.CpuSeconds();
  }
  void Write(const std::string& pid, int parent) {
    tree_.Write(pid + "/stat",
                "1 (x) S " + std::to_string(parent) + " 1 1 0 -1 0 0 0 0 0 1 1 1 1 20 0 1 0 1 1");
  }
  std::optional<bool> Foreign() {
    Moment moment;
    NvmlTelemetry(*this->nvml_, 0, processes_).Observe(moment);
    return moment.foreign_gpu;
  }
  testing::FileTree tree_;
  RunProcesses processes_;
};
using NvmlProcessesTest = WithProcesses<NvmlTelemetryTest>;
using OldNvmlProcessesTest = WithProcesses<OldNvmlTest>;

TEST_F(NvmlProcessesTest, TellsOtherProcessesFromTheRuns) {
  state_->processes = {{kTrainer}, {kTrainer + 1}};
  EXPECT_THAT(Foreign(), Optional(false));
  state_->processes.push_back({kStranger});
  EXPECT_THAT(Foreign(), Optional(true));
}

TEST_F(NvmlProcessesTest, DoesNotKnowWhenTheRunItselfIsNotListed) {
  EXPECT_EQ(Foreign(), std::nullopt);
  // A container: the driver counts as the host does.
  state_->processes = {{kStranger}, {123456}};
  EXPECT_EQ(Foreign(), std::nullopt);
}

TEST_F(NvmlProcessesTest, ReadsAListOfAnyLength) {
  for (unsigned i = 0; i < 300; ++i) state_->processes.push_back({5000 + i});
  state_->processes.push_back({kTrainer});
  EXPECT_THAT(Foreign(), Optional(true));
  for (unsigned i = 0; i < 5000; ++i) state_->processes.push_back({5000 + i});
  EXPECT_EQ(Foreign(), std::nullopt);
}

TEST_F(NvmlProcessesTest, OnASplitDeviceOnlyTheRunsInstanceCounts) {
  state_->mig = true;
  state_->processes = {{kTrainer, 3}, {kStranger, 4}};
  EXPECT_THAT(Foreign(), Optional(false));
  state_->processes.push_back({kStranger + 1, 3});
  EXPECT_THAT(Foreign(), Optional(true));
}

TEST_F(NvmlProcessesTest, AsksTheInstancesWhereTheWholeIsNotToldToUs) {
  state_->mig = true;
  state_->instances = {{{kStranger, 1}}, {{kTrainer, 2}}};
  EXPECT_THAT(Foreign(), Optional(false));
  state_->instances[1].push_back({kStranger + 1, 2});
  EXPECT_THAT(Foreign(), Optional(true));
  state_->instances.pop_back();
  EXPECT_EQ(Foreign(), std::nullopt);
}

TEST_F(OldNvmlProcessesTest, KnowsTheFirstListOfProcesses) {
  state_->processes = {{kTrainer}};
  EXPECT_THAT(Foreign(), Optional(false));
  state_->processes.push_back({kStranger});
  EXPECT_THAT(Foreign(), Optional(true));
}
#endif

}  // namespace
}  // namespace laptime::agent
