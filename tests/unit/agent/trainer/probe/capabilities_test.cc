#include "agent/trainer/probe/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace laptime::trainer {
namespace {

TEST(CapabilitiesTest, WithoutTimeNothingIsMeasuredAndEveryPrecisionIsTold) {
  std::vector<std::string> precisions;
  MeasureCapabilities(
      Device::Open("cpu"), [] { return false; },
      [&](const Capability& cell) {
        if (cell.feature == "compile" || cell.feature == "cuda_graph") return;
        EXPECT_EQ(cell.state, CapabilityState::kNotMeasured) << cell.precision;
        EXPECT_FALSE(cell.reason.empty());
        if (cell.feature == "training") precisions.push_back(cell.precision);
      });
  EXPECT_THAT(precisions, ::testing::ElementsAre("fp32", "fp32-strict", "bf16", "fp16"));
}

TEST(CapabilitiesTest, MeasuresUntilTheTimeIsOver) {
  int asked = 0;
  std::vector<Capability> measured;
  MeasureCapabilities(
      Device::Open("cpu"), [&asked] { return ++asked <= 4; },
      [&](const Capability& cell) {
        if (cell.seconds) measured.push_back(cell);
      });
  ASSERT_FALSE(measured.empty());
  for (const Capability& cell : measured) EXPECT_GT(*cell.seconds, 0) << cell.feature;
}

}  // namespace
}  // namespace laptime::trainer
