#include "proto/support/workload_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace laptime {
namespace {

using ::testing::HasSubstr;

WorkloadSpec Resolved(const std::map<std::string, std::string>& settings) {
  auto result = ResolveWorkload("simclr-cifar10", settings);
  if (auto* error = std::get_if<SpecError>(&result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<WorkloadSpec>(result);
}

SpecError Refused(const std::string& preset, const std::map<std::string, std::string>& settings) {
  auto result = ResolveWorkload(preset, settings);
  if (auto* error = std::get_if<SpecError>(&result)) return *error;
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(WorkloadSpecTest, PresetIsTheReferenceBenchmark) {
  const WorkloadSpec spec = Resolved({});
  EXPECT_EQ(spec.config.at("batch_size"), 128);
  EXPECT_EQ(spec.config.at("temperature"), 0.5);
  EXPECT_EQ(spec.config.at("loader_workers"), 8);
  EXPECT_EQ(spec.config.at("epochs"), 2);
  EXPECT_EQ(spec.steps_per_epoch(), 390);  // 50,000 images, incomplete batch dropped
  EXPECT_FALSE(spec.partial());
  EXPECT_FALSE(spec.synthetic());
}

TEST(WorkloadSpecTest, HashIgnoresWhatDoesNotChangeTheWorkOfALap) {
  const std::string hashed = Resolved({}).HashedText();
  EXPECT_EQ(
      Resolved({{"epochs", "200"}, {"seed", "7"}, {"loader_workers", "2"}, {"cuda_graph", "false"}})
          .HashedText(),
      hashed);
  EXPECT_NE(Resolved({{"batch_size", "256"}}).HashedText(), hashed);
  EXPECT_NE(Resolved({{"max_steps_per_epoch", "20"}}).HashedText(), hashed);
}

// The comparison key of every stored result: it must never change by accident.
TEST(WorkloadSpecTest, HashedTextIsFrozen) {
  EXPECT_EQ(
      Resolved({}).HashedText(),
      R"({"augmentation":"simclr-1","batch_size":128,"dataset":"cifar10","devices_per_run":1,)"
      R"("eval_images":0,"gather_negatives":false,"knn_k":200,"knn_t":0.1,"learning_rate":0.06,)"
      R"("max_steps_per_epoch":0,"model":"resnet18-cifar","momentum":0.9,"precision":"fp32",)"
      R"("temperature":0.5,"train_images":0,"weight_decay":0.0005})");
}

TEST(WorkloadSpecTest, NumbersHashTheSameHoweverTheyAreTyped) {
  EXPECT_EQ(Resolved({{"learning_rate", "1"}}).HashedText(),
            Resolved({{"learning_rate", "1.0"}}).HashedText());
}

TEST(WorkloadSpecTest, LimitsMakeAResultPartial) {
  EXPECT_TRUE(Resolved({{"max_steps_per_epoch", "20"}}).partial());
  EXPECT_TRUE(Resolved({{"train_images", "1000"}}).partial());
  EXPECT_TRUE(Resolved({{"eval_images", "100"}}).partial());
  EXPECT_FALSE(Resolved({{"max_steps_per_epoch", "390"}}).partial());
  EXPECT_EQ(Resolved({{"max_steps_per_epoch", "20"}}).steps_per_epoch(), 20);
  EXPECT_EQ(Resolved({{"train_images", "1000"}}).train_images(), 1000);
}

TEST(WorkloadSpecTest, ALimitThatLimitsNothingIsNone) {
  const WorkloadSpec whole = Resolved({});
  for (const auto& [key, value] :
       {std::pair("max_steps_per_epoch", "390"), std::pair("max_steps_per_epoch", "1000000"),
        std::pair("train_images", "50000"), std::pair("eval_images", "10000")}) {
    EXPECT_EQ(Resolved({{key, value}}).HashedText(), whole.HashedText()) << key << "=" << value;
  }
  EXPECT_NE(Resolved({{"max_steps_per_epoch", "389"}}).HashedText(), whole.HashedText());
}

TEST(WorkloadSpecTest, QuickIsOtherWorkAndPartial) {
  const WorkloadSpec quick = Resolved({{"quick", "true"}});
  EXPECT_TRUE(quick.partial());
  EXPECT_EQ(quick.config.at("epochs"), 1);
  EXPECT_NE(quick.HashedText(), Resolved({}).HashedText());
  // A key that came later leaves the hash of what was there before alone.
  EXPECT_EQ(Resolved({{"quick", "false"}}).HashedText(), Resolved({}).HashedText());
  EXPECT_TRUE(std::holds_alternative<SpecError>(
      ResolveWorkload("simclr-cifar10", {{"quick", "true"}, {"epochs", "3"}})));
  const auto again = ResolveConfig("simclr-cifar10", nlohmann::json::parse(quick.HashedText()));
  EXPECT_EQ(std::get<WorkloadSpec>(again).HashedText(), quick.HashedText());
}

TEST(WorkloadSpecTest, UnknownNamesGetTheNearestOne) {
  EXPECT_THAT(Refused("simclr-cifar", {}).hint, HasSubstr("did you mean 'simclr-cifar10'?"));
  const SpecError error = Refused("simclr-cifar10", {{"bach_size", "64"}});
  EXPECT_THAT(error.message, HasSubstr("bach_size"));
  EXPECT_THAT(error.hint, HasSubstr("did you mean 'batch_size'?"));
  EXPECT_THAT(Refused("simclr-cifar10", {{"dataset", "cifar-10"}}).hint,
              HasSubstr("did you mean 'cifar10'?"));
}

struct BadValue {
  const char* key;
  const char* value;
  const char* allowed;
};

void PrintTo(const BadValue& bad, std::ostream* out) { *out << bad.key << "=" << bad.value; }

class WorkloadSpecBadValueTest : public ::testing::TestWithParam<BadValue> {};

TEST_P(WorkloadSpecBadValueTest, IsRefusedWithTheAllowedRange) {
  const SpecError error = Refused("simclr-cifar10", {{GetParam().key, GetParam().value}});
  EXPECT_THAT(error.message, HasSubstr(GetParam().key));
  EXPECT_THAT(error.message, HasSubstr(GetParam().value));
  EXPECT_THAT(error.hint, HasSubstr(GetParam().allowed));
}

INSTANTIATE_TEST_SUITE_P(
    Values, WorkloadSpecBadValueTest,
    ::testing::Values(
        BadValue{"batch_size", "0", "2 to 8192"}, BadValue{"batch_size", "many", "an integer"},
        BadValue{"batch_size", "12.5", "an integer"}, BadValue{"batch_size", "", "an integer"},
        BadValue{"loader_workers", "1000", "0 to 64"},
        BadValue{"temperature", "-1", "0.001 to 100"},
        BadValue{"temperature", "nan", "0.001 to 100"}, BadValue{"epochs", "0", "1 to 10000"},
        BadValue{"learning_rate", "1e999", "0 to 100"}, BadValue{"precision", "fp8", "one of fp32"},
        BadValue{"gather_negatives", "yes", "true or false"},
        BadValue{"seed", "99999999999999999999", "0 to 2147483647"}));

TEST(WorkloadSpecTest, MoreNeighboursThanBankImagesAreRefused) {
  const SpecError error = Refused("simclr-cifar10", {{"train_images", "150"}});
  EXPECT_THAT(error.message, HasSubstr("knn_k: 200"));
  EXPECT_THAT(error.hint, HasSubstr("1 to 150"));
}

TEST(WorkloadSpecTest, BatchAboveTheImagesIsRefused) {
  EXPECT_THAT(Refused("simclr-cifar10", {{"train_images", "300"}, {"batch_size", "512"}}).message,
              HasSubstr("an epoch would have no step"));
}

TEST(WorkloadSpecTest, AModelTakesImagesOfItsSize) {
  const SpecError error = Refused("simclr-cifar10", {{"model", "resnet50"}});
  EXPECT_THAT(error.message, HasSubstr("224x224"));
  EXPECT_THAT(error.hint, HasSubstr("synthetic-imagenet-shape"));
  EXPECT_THAT(Refused("vgg16-imagenet-shape", {{"dataset", "cifar10"}}).message,
              HasSubstr("32x32"));
}

TEST(WorkloadSpecTest, AClassifierIsNotEvaluated) {
  const auto resolved = ResolveWorkload("resnet50-imagenet-shape", {{"train_images", "64"}});
  const auto& spec = std::get<WorkloadSpec>(resolved);  // knn_k, 200, is more than these
  EXPECT_FALSE(spec.evaluated());
  EXPECT_TRUE(spec.synthetic());
  EXPECT_EQ(spec.steps_per_epoch(), 2);
  EXPECT_TRUE(Resolved({}).evaluated());
}

TEST(WorkloadSpecTest, DevicesShareABatchEvenly) {
  EXPECT_NE(Resolved({{"devices_per_run", "2"}}).HashedText(), Resolved({}).HashedText());
  EXPECT_THAT(Refused("simclr-cifar10", {{"devices_per_run", "3"}}).message, HasSubstr("evenly"));
  EXPECT_THAT(Refused("simclr-cifar10", {{"devices_per_run", "4"}, {"batch_size", "4"}}).hint,
              HasSubstr("at least 2 images for each"));
  EXPECT_THAT(Refused("simclr-cifar10", {{"devices_per_run", "2"}, {"quick", "true"}}).message,
              HasSubstr("one device"));
}

TEST(WorkloadSpecTest, ConfigurationFromTheWireResolvesToTheSame) {
  const WorkloadSpec spec = Resolved({{"batch_size", "64"}});
  nlohmann::json wire = spec.config;
  wire["batch_size"] = 64.0;  // protobuf's Struct knows only doubles
  auto result = ResolveConfig("simclr-cifar10", wire);
  ASSERT_TRUE(std::holds_alternative<WorkloadSpec>(result));
  EXPECT_EQ(std::get<WorkloadSpec>(result).config, spec.config);
}

TEST(WorkloadSpecTest, ConfigurationWithAnUnknownKeyIsRefused) {
  EXPECT_TRUE(std::holds_alternative<SpecError>(ResolveConfig("x", {{"command", "rm"}})));
  EXPECT_TRUE(std::holds_alternative<SpecError>(ResolveConfig("x", nlohmann::json::array())));
}

}  // namespace
}  // namespace laptime
