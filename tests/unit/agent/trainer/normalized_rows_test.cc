#include "agent/trainer/normalized_rows.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

TEST(NormalizedRowsTest, HaveLengthOneInTheirOwnType) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor rows = NormalizedRows(at::tensor({3.0f, 4.0f}).view({1, 2}).to(type));
    EXPECT_EQ(rows.scalar_type(), type);
    EXPECT_FLOAT_EQ(rows[0][0].item<float>(), 0.6f);
    EXPECT_FLOAT_EQ(rows[0][1].item<float>(), 0.8f);
  }
}

TEST(NormalizedRowsTest, SixteenBitsBecomeFloatFirst) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const at::Tensor rows = NormalizedRows(at::tensor({3.0f, 4.0f}).view({1, 2}).to(type));
    EXPECT_EQ(rows.scalar_type(), at::kFloat);
    EXPECT_FLOAT_EQ(rows[0][0].item<float>(), 0.6f);
  }
}

TEST(NormalizedRowsTest, ZerosStay) {
  EXPECT_TRUE(NormalizedRows(at::zeros({2, 3})).equal(at::zeros({2, 3})));
}

}  // namespace
}  // namespace laptime::trainer
