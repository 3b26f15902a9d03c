#include "agent/trainer/run_to_end.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "agent/trainer/contract.h"

namespace laptime::trainer {
namespace {

// As LibTorch's CPU allocator says it.
void RunOutOfMemory() {
  TORCH_CHECK(false, "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: ",
              "can't allocate memory: you tried to allocate 4096 bytes. Error code 12");
}

TEST(RunToEndTest, OutOfMemorySaysHowMuchWasAskedForAndWhatWouldFit) {
  const auto failure =
      RunToEnd("cpu", RunOutOfMemory, [] { return std::string("batch_size=7 fits"); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->message, "out of memory on cpu, which was asked for another 4096 bytes");
  EXPECT_EQ(failure->hint, "batch_size=7 fits");
  EXPECT_EQ(failure->cause, FailureCause::kWorkload);
  EXPECT_EQ(failure->exit_code, kExitWorkload);
}

TEST(RunToEndTest, AHintThatFailsLeavesTheGeneralOne) {
  const auto failure =
      RunToEnd("cpu", RunOutOfMemory, []() -> std::string { throw std::bad_alloc(); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->hint, "a smaller batch_size needs less memory");
}

TEST(RunToEndTest, OnlyOutOfMemoryAsksForTheHint) {
  bool asked = false;
  const auto failure = RunToEnd(
      "cpu", [] { TORCH_CHECK(false, "shapes differ"); },
      [&asked] {
        asked = true;
        return std::string();
      });
  EXPECT_FALSE(asked);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->message, "LibTorch: shapes differ");
  EXPECT_EQ(failure->cause, FailureCause::kInfrastructure);
}

TEST(RunToEndTest, KnowsOutOfMemoryByItsWordsToo) {
  EXPECT_TRUE(IsOutOfMemory(std::bad_alloc()));
  EXPECT_TRUE(IsOutOfMemory(std::runtime_error("CUDA error: out of memory")));
  EXPECT_TRUE(IsOutOfMemory(std::runtime_error("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when …")));
  EXPECT_TRUE(IsOutOfMemory(std::runtime_error("MPS backend out of memory (MPS allocated: 9 GB)")));
  EXPECT_FALSE(IsOutOfMemory(std::runtime_error("CUDA error: an illegal memory access")));
}

}  // namespace
}  // namespace laptime::trainer
