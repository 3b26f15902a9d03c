#include "server/peak_flops.h"

#include <gmock/gmock.h>

namespace laptime {
namespace {

using ::testing::Eq;
using ::testing::Optional;

v1::PeakRate Rate(const char* operation, const char* type, const char* unit, double per_second) {
  v1::PeakRate rate;
  rate.set_operation(operation);
  rate.set_type(type);
  rate.set_unit(unit);
  rate.set_per_second(per_second);
  return rate;
}

TEST(PeakFlopsTest, IsTheBestRateOfThePrecisionsType) {
  const std::vector<v1::PeakRate> rates = {
      Rate("matmul", "float32", "FLOP/s", 3e12), Rate("convolution", "float32", "FLOP/s", 4e12),
      Rate("matmul", "bfloat16", "FLOP/s", 9e12), Rate("copy", "float32", "B/s", 8e12)};
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_CUDA, "fp32"), Optional(4e12));
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_CUDA, "bf16"), Optional(9e12));
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_CUDA, "fp16"), Eq(std::nullopt));
}

TEST(PeakFlopsTest, StrictComputationIsNotHeldAgainstTf32) {
  std::vector<v1::PeakRate> rates = {Rate("convolution", "float32", "FLOP/s", 80e12),
                                     Rate("matmul", "float32", "FLOP/s", 15e12)};
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_CUDA, "fp32-strict"), Optional(15e12));
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_CPU, "fp32-strict"), Optional(80e12));
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_MPS, "fp32-strict"), Optional(80e12));
  rates.pop_back();
  EXPECT_THAT(PeakFlops(rates, v1::DEVICE_KIND_CUDA, "fp32-strict"), Eq(std::nullopt));
}

TEST(PeakFlopsTest, ARateThatFailedIsNone) {
  v1::PeakRate failed = Rate("matmul", "float32", "FLOP/s", 0);
  failed.clear_per_second();
  EXPECT_THAT(PeakFlops({failed}, v1::DEVICE_KIND_CPU, "fp32"), Eq(std::nullopt));
}

}  // namespace
}  // namespace laptime
