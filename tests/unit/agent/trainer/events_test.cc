#include "agent/trainer/events.h"

#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

using nlohmann::json;

TEST(EventsTest, NamesALapsFieldsAsTheWireDoes) {
  LapResult lap;
  lap.number = 2;
  lap.wall_seconds = 10;
  lap.phases[static_cast<size_t>(Phase::kBackward)] = 4;
  lap.phases[static_cast<size_t>(Phase::kOther)] = 0.25;
  lap.augment_seconds = 1.5;
  lap.step_seconds = Quantiles{1, 2, 3, 4, 5, 6};
  lap.trend = StepTrend{3, 1.5, 1.6, 0.07, 1, true};
  lap.bank_images = 5;
  lap.test_images = 2;
  const json body = ToJson(lap);
  EXPECT_EQ(body.at("number"), 2);
  EXPECT_EQ(body.at("phases").at("backward"), 4);
  EXPECT_EQ(body.at("phases").at("other"), 0.25);
  EXPECT_EQ(body.at("phases").at("augment"), 1.5);
  EXPECT_FALSE(body.at("phases").contains("profiled"));
  EXPECT_EQ(body.at("step_seconds").at("p50"), 3);
  EXPECT_EQ(body.at("step_seconds").at("max"), 6);
  EXPECT_EQ(body.at("trend").at("cold_steps"), 3);
  EXPECT_EQ(body.at("trend").at("bimodal"), true);
  EXPECT_EQ(body.at("evaluated_images"), 7);
}

TEST(EventsTest, LeavesOutWhatWasNotMeasured) {
  EXPECT_FALSE(ToJson(LapResult{}).contains("peak_memory_bytes"));
  EXPECT_FALSE(ToJson(LapResult{}).contains("step_seconds"));
  EXPECT_FALSE(ToJson(LapResult{}).contains("trend"));
  EXPECT_FALSE(ToJson(LapResult{}).contains("knn_accuracy"));
  EXPECT_FALSE(ToJson(FitResult{}).contains("estimate"));
  EXPECT_FALSE(ToJson(Progress{}).contains("loss"));
  EXPECT_FALSE(ToJson(FitResult{}).contains("peak_memory_bytes"));
}

TEST(EventsTest, NamesCausesByTheirEnumerators) {
  EXPECT_EQ(ToJson(FailureCause::kWorkload, "m", "h").at("cause"), "FAILURE_CAUSE_WORKLOAD");
  EXPECT_EQ(ToJson(FailureCause::kSetup, "m", "h").at("cause"), "FAILURE_CAUSE_SETUP");
  EXPECT_EQ(ToJson(FailureCause::kInfrastructure, "m", "h").at("cause"),
            "FAILURE_CAUSE_INFRASTRUCTURE");
}

}  // namespace
}  // namespace laptime::trainer
