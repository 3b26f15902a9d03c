#include "server/validity/learning_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "proto/support/workload_spec.h"

namespace laptime {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// Half-width of 20 seeds with a deviation of 0.1: 0.46.
const std::vector<LearningBand> kBands = {{"cifar10", 128, 20, 4.8, 0.1}};

json Config(const json& changes = json::object()) {
  json config = std::get<WorkloadSpec>(ResolveConfig("simclr-cifar10", json::object())).config;
  config.update(changes);
  return config;
}

Gate GateOf(const json& changes, double loss = 4.8) {
  return EvaluateGate(Config(changes), loss, kBands).gate;
}

TEST(LearningGateTest, TheBandIsHowesToleranceInterval) {
  // k for n = 20, 99.9 % of the population, confidence 95 %, by Howe's formula: 4.6217.
  EXPECT_NEAR(kBands[0].half_width() / 0.1, 4.6217, 5e-3);
}

TEST(LearningGateTest, PassesWithinTheBandAndFailsOutside) {
  EXPECT_EQ(GateOf(json::object(), 4.8 + 0.45), Gate::kPassed);
  EXPECT_EQ(GateOf(json::object(), 4.8 - 0.45), Gate::kPassed);
  EXPECT_EQ(GateOf(json::object(), 4.8 + 0.47), Gate::kFailed);
  EXPECT_EQ(GateOf(json::object(), 4.8 - 0.47), Gate::kFailed);
  EXPECT_EQ(GateOf(json::object(), std::nan("")), Gate::kFailed);
}

TEST(LearningGateTest, SaysWhatWasExpected) {
  const GateResult result = EvaluateGate(Config(), 5.5, kBands);
  EXPECT_THAT(result.reason, HasSubstr("5.500"));
  EXPECT_THAT(result.reason, HasSubstr("4.338 to 5.262"));
}

TEST(LearningGateTest, DoesNotDependOnPrecisionOrEvaluation) {
  EXPECT_EQ(GateOf({{"precision", "bf16"}, {"knn_k", 5}, {"eval_images", 10}}), Gate::kPassed);
  EXPECT_EQ(GateOf({{"epochs", 200}, {"seed", 7}, {"max_steps_per_epoch", 60}}), Gate::kPassed);
}

TEST(LearningGateTest, LeavesOtherWorkAlone) {
  EXPECT_EQ(GateOf({{"learning_rate", 0.1}}), Gate::kNotEvaluated);
  EXPECT_EQ(GateOf({{"temperature", 0.1}}), Gate::kNotEvaluated);
  EXPECT_EQ(GateOf({{"model", "resnet50"}}), Gate::kNotEvaluated);
  EXPECT_EQ(GateOf({{"devices_per_run", 2}}), Gate::kNotEvaluated);
  EXPECT_EQ(GateOf({{"batch_size", 256}}), Gate::kNotEvaluated);
  EXPECT_EQ(GateOf({{"dataset", "synthetic-cifar10"}}), Gate::kNotEvaluated);
}

TEST(LearningGateTest, WantsImagesThatAreNotSeenTwice) {
  EXPECT_EQ(GateOf({{"train_images", 60 * 128}}), Gate::kPassed);
  EXPECT_EQ(GateOf({{"train_images", 60 * 128 - 1}}), Gate::kNotEvaluated);
}

TEST(LearningGateTest, WithoutALossItSaysWhy) {
  const GateResult result = EvaluateGate(Config(), std::nullopt, kBands);
  EXPECT_EQ(result.gate, Gate::kNotEvaluated);
  EXPECT_THAT(result.reason, HasSubstr("fewer than 60 steps"));
}

std::string Recorded(const std::string& dataset, int batch, int seeds) {
  std::string lines;
  for (int seed = 1; seed <= seeds; ++seed) {
    const json line = {{"dataset", dataset},
                       {"batch_size", batch},
                       {"seed", seed},
                       {"gate_loss", seed % 2 == 0 ? 4.9 : 4.7}};
    lines += line.dump() + "\n";
  }
  return lines;
}

TEST(LearningGateTest, ABandIsMadeOfEnoughSeeds) {
  const auto bands = BandsOf(Recorded("cifar10", 128, 20) + Recorded("cifar10", 512, 19));
  ASSERT_EQ(bands.size(), 1);
  EXPECT_EQ(bands[0].batch_size, 128);
  EXPECT_EQ(bands[0].seeds, 20);
  EXPECT_NEAR(bands[0].mean, 4.8, 1e-12);
  EXPECT_NEAR(bands[0].deviation, 0.1 * std::sqrt(20.0 / 19), 1e-12);
}

// A seed in two precisions, or written twice, is one seed.
TEST(LearningGateTest, ABandCountsSeedsNotLines) {
  EXPECT_TRUE(BandsOf(Recorded("cifar10", 128, 10) + Recorded("cifar10", 128, 10)).empty());
  const std::string once = Recorded("cifar10", 128, 20);
  ASSERT_EQ(BandsOf(once + once).size(), 1);
  EXPECT_EQ(BandsOf(once + once)[0].seeds, 20);
  EXPECT_EQ(BandsOf(once + once)[0].deviation, BandsOf(once)[0].deviation);
}

TEST(LearningGateTest, TheRecordedBandsAreOfManySeeds) {
  std::set<std::pair<std::string, int>> work;
  for (const LearningBand& band : LearningBands()) {
    work.emplace(band.dataset, band.batch_size);
    EXPECT_GE(band.seeds, 20) << band.dataset << " " << band.batch_size;
    EXPECT_GT(band.deviation, 0);
    // A network that learns nothing stays at ln(2N - 1).
    EXPECT_LT(band.mean + band.half_width(), std::log(2 * band.batch_size - 1))
        << band.dataset << " " << band.batch_size;
  }
  for (const char* dataset : {"cifar10", "synthetic-cifar10"}) {
    for (const int batch : {32, 128, 512})
      EXPECT_TRUE(work.contains({dataset, batch})) << dataset << " " << batch;
  }
}

// Measured: seed 1 of each precision on an NVIDIA H200, and of the trainers with a mistake in them,
// of which the one that learns nothing ran on a CPU.
TEST(LearningGateTest, TheRecordedBandsHoldOtherPrecisionsAndNoMistake) {
  const auto gate = [](const char* dataset, int batch, double loss) {
    return EvaluateGate(Config({{"dataset", dataset}, {"batch_size", batch}}), loss).gate;
  };
  struct Measured {
    const char* dataset;
    int batch;
    double fp32, strict, fp16, one_view;
  };
  for (const Measured& measured :
       {Measured{"cifar10", 128, 4.8002, 4.7994, 4.8019, 3.5710},
        Measured{"cifar10", 512, 6.0889, 6.0848, 6.0823, 4.9599},
        Measured{"synthetic-cifar10", 128, 4.8783, 4.8971, 4.9139, 3.5705},
        Measured{"synthetic-cifar10", 512, 6.1686, 6.1586, 6.1280, 4.9591}}) {
    for (const double loss : {measured.fp32, measured.strict, measured.fp16})
      EXPECT_EQ(gate(measured.dataset, measured.batch, loss), Gate::kPassed) << loss;
    EXPECT_EQ(gate(measured.dataset, measured.batch, measured.one_view), Gate::kFailed);
  }
  EXPECT_EQ(gate("cifar10", 128, 5.4150), Gate::kFailed);
  EXPECT_EQ(gate("synthetic-cifar10", 128, 5.4535), Gate::kFailed);
}

}  // namespace
}  // namespace laptime
