#ifdef __linux__

#include "agent/telemetry/proc_telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

// user nice system idle iowait irq softirq steal guest guest_nice
constexpr char kBefore[] =
    "cpu  1000 0 200 6000 100 0 0 0 50 0\n"
    "cpu0 500 0 100 3000 50 0 0 0 50 0\n"
    "cpu1 500 0 100 3000 50 0 0 0 0 0\n"
    "intr 1 2 3\n";
// In 100 ticks: cpu0 wholly busy (10 of it stolen), cpu1 busy for 20.
constexpr char kAfter[] =
    "cpu  1100 0 210 6075 105 0 0 10 50 0\n"
    "cpu0 580 0 110 3000 50 0 0 10 50 0\n"
    "cpu1 520 0 100 3075 55 0 0 0 0 0\n"
    "intr 1 2 3\n";

class ProcTelemetryTest : public ::testing::Test {
 protected:
  void WriteStat(const std::string& text) { Write("stat", text); }
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(dir_.path() / "proc");
    std::ofstream(dir_.path() / "proc" / name) << text;
  }

  // The last value of a Read after kBefore became kAfter.
  std::optional<double> DeviceUtilization(ProcTelemetryOptions options) {
    WriteStat(kBefore);
    options.root = dir_.path();
    ProcTelemetry telemetry(options);
    EXPECT_EQ(telemetry.sensors().back().name(), kDeviceUtilization);
    WriteStat(kAfter);
    return telemetry.Read().back();
  }

  testing::TempDir dir_;
};

TEST_F(ProcTelemetryTest, ReadsCpuStealAndMemory) {
  WriteStat(kBefore);
  Write("meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n");
  ProcTelemetryOptions options;
  options.root = dir_.path();
  ProcTelemetry telemetry(options);
  WriteStat(kAfter);
  const auto values = telemetry.Read();
  ASSERT_EQ(values.size(), telemetry.sensors().size());
  EXPECT_THAT(values, ElementsAre(Optional(60.0), Optional(5.0), Optional(600.0 * 1024)));
}

TEST_F(ProcTelemetryTest, MeasuresACpuDeviceByTheCpusItMayUse) {
  ProcTelemetryOptions options;
  options.device_threads = 0;
  EXPECT_THAT(DeviceUtilization(options), Optional(60.0));
  options.cpus = {1};
  EXPECT_THAT(DeviceUtilization(options), Optional(20.0));
}

TEST_F(ProcTelemetryTest, CapsADeviceOfFewThreadsAtAHundred) {
  ProcTelemetryOptions options;
  options.device_threads = 1;  // 1.2 CPUs were busy
  EXPECT_THAT(DeviceUtilization(options), Optional(100.0));
}

TEST_F(ProcTelemetryTest, MeasuresAgainstAQuota) {
  ProcTelemetryOptions options;
  options.device_threads = 0;
  options.cpu_quota = 1.5;
  EXPECT_THAT(DeviceUtilization(options), Optional(80.0));
}

TEST_F(ProcTelemetryTest, SaysNothingWhenNoTimeHasPassedOrNothingCanBeRead) {
  WriteStat(kBefore);
  ProcTelemetryOptions options;
  options.root = dir_.path();
  options.device_threads = 0;
  ProcTelemetry telemetry(options);
  EXPECT_THAT(telemetry.Read(),
              ElementsAre(std::nullopt, std::nullopt, std::nullopt, std::nullopt));
  std::filesystem::remove(dir_.path() / "proc" / "stat");
  EXPECT_THAT(telemetry.Read(),
              ElementsAre(std::nullopt, std::nullopt, std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace laptime::agent

#endif
