#include "agent/trainer/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/trainer/failure.h"

namespace laptime::trainer {
namespace {

using ::testing::Contains;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

std::string ErrorOf(const std::string& name) {
  try {
    Device::Open(name);
  } catch (const TrainerError& error) {
    EXPECT_EQ(error.cause(), FailureCause::kSetup);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  return "no error";
}

TEST(DeviceTest, OpensTheCpu) {
  const Device cpu = Device::Open("cpu");
  EXPECT_TRUE(cpu.cpu());
  EXPECT_EQ(cpu.memory_format(), c10::MemoryFormat::ChannelsLast);
  EXPECT_THAT(cpu.PeakMemoryBytes(), Optional(Gt(1e6)));
  EXPECT_THAT(cpu.FreeMemoryBytes(), Optional(Gt(1e6)));
  EXPECT_THAT(Accelerators(), Contains("cpu"));
}

TEST(DeviceTest, NamesAnUnknownDevice) {
  EXPECT_THAT(ErrorOf("tpu"), HasSubstr("device tpu: unknown"));
  EXPECT_THAT(ErrorOf("cuda:x"), HasSubstr("device cuda:x: not a device number"));
  EXPECT_THAT(ErrorOf("cuda:-1"), HasSubstr("device cuda:-1: not a device number"));
}

TEST(DeviceTest, RefusesAnMpsThatTheCpuHelps) {
  setenv("PYTORCH_ENABLE_MPS_FALLBACK", "1", 1);
  EXPECT_THAT(ErrorOf("mps"), HasSubstr("PYTORCH_ENABLE_MPS_FALLBACK=1"));
  unsetenv("PYTORCH_ENABLE_MPS_FALLBACK");
  EXPECT_THAT(ErrorOf("mps"), Not(HasSubstr("FALLBACK")));
}

// No machine has a thousand, and most test machines have no driver.
TEST(DeviceTest, SaysWhatACudaDeviceLacks) {
  EXPECT_THAT(ErrorOf("cuda:999"), HasSubstr("device cuda:999: "));
}

}  // namespace
}  // namespace laptime::trainer
