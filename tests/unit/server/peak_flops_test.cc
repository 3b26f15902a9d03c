#include "server/peak_flops.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

void AddRate(v1::ProbeResult& probe, const char* operation, const char* type, const char* unit,
             double per_second) {
  v1::PeakRate& rate = *probe.add_rates();
  rate.set_operation(operation);
  rate.set_type(type);
  rate.set_unit(unit);
  rate.set_per_second(per_second);
}

TEST(PeakFlopsTest, IsTheBestRateOfThePrecisionsType) {
  v1::ProbeResult probe;
  AddRate(probe, "matmul", "float32", "FLOP/s", 3e12);
  AddRate(probe, "convolution", "float32", "FLOP/s", 4e12);
  AddRate(probe, "matmul", "bfloat16", "FLOP/s", 9e12);
  AddRate(probe, "copy", "float32", "B/s", 8e12);
  EXPECT_EQ(PeakFlops(probe, "fp32"), 4e12);
  EXPECT_EQ(PeakFlops(probe, "fp32-strict"), 4e12);
  EXPECT_EQ(PeakFlops(probe, "bf16"), 9e12);
  EXPECT_EQ(PeakFlops(probe, "fp16"), std::nullopt);
}

TEST(PeakFlopsTest, ARateThatFailedIsNone) {
  v1::ProbeResult probe;
  AddRate(probe, "matmul", "float32", "FLOP/s", 0);
  probe.mutable_rates(0)->clear_per_second();
  EXPECT_EQ(PeakFlops(probe, "fp32"), std::nullopt);
}

}  // namespace
}  // namespace laptime
