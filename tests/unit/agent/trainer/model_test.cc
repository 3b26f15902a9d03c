#include "agent/trainer/model.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace laptime::trainer {
namespace {

std::map<std::string, at::Tensor> NamedState(Model& model) {
  std::map<std::string, at::Tensor> state;
  model.Visit(
      [&](const std::string& name, at::Tensor& tensor, bool) { state[name] = tensor.detach(); });
  return state;
}

TEST(ModelTest, HasTheReferencesParameterCounts) {
  Model model(1);
  const std::vector<ModuleFact> facts = ModuleFacts(model);
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(facts[0].name, "backbone");
  EXPECT_EQ(facts[0].parameters, 11168832);
  EXPECT_EQ(facts[1].name, "head");
  EXPECT_EQ(facts[1].parameters, 328960);
  EXPECT_EQ(model.Parameters().size(), 66u);
}

TEST(ModelTest, NamesItsStateAsTheReferenceDoes) {
  Model model(1);
  const auto state = NamedState(model);
  for (const char* name :
       {"backbone.0.weight", "backbone.1.running_var", "backbone.2.0.conv1.weight",
        "backbone.3.0.shortcut.0.weight", "backbone.5.1.bn2.bias", "head.layers.0.weight",
        "head.layers.4.running_mean"}) {
    EXPECT_EQ(state.count(name), 1u) << name;
  }
  EXPECT_EQ(state.count("backbone.2.0.shortcut.0.weight"), 0u);
  EXPECT_EQ(state.count("head.layers.0.bias"), 0u);
}

TEST(ModelTest, StartsWithPyTorchsDefaults) {
  Model model(1);
  const auto state = NamedState(model);
  const at::Tensor weight = state.at("backbone.2.0.conv1.weight");
  const double bound = 1 / std::sqrt(64.0 * 9);
  EXPECT_LE(weight.abs().max().item<double>(), bound);
  EXPECT_NEAR(weight.std().item<double>(), bound / std::sqrt(3.0), bound * 0.01);
  EXPECT_NEAR(state.at("head.layers.3.weight").abs().max().item<double>(), 1 / std::sqrt(512.0),
              1e-4);
  EXPECT_TRUE(state.at("backbone.5.1.bn2.weight").eq(1).all().item<bool>());
  EXPECT_TRUE(state.at("backbone.5.1.bn2.bias").eq(0).all().item<bool>());
}

TEST(ModelTest, DependsOnTheSeedAlone) {
  Model one(3);
  Model same(3);
  Model other(4);
  EXPECT_TRUE(
      NamedState(one).at("backbone.0.weight").equal(NamedState(same).at("backbone.0.weight")));
  EXPECT_FALSE(
      NamedState(one).at("backbone.0.weight").equal(NamedState(other).at("backbone.0.weight")));
}

TEST(ModelTest, GivesFeaturesAndEmbeddings) {
  const at::NoGradGuard no_grad;
  Model model(1);
  const at::Tensor images = at::randn({2, 3, 32, 32});
  EXPECT_EQ(model.Features(images).sizes(), at::IntArrayRef({2, 512}));
  EXPECT_EQ(model.Embed(images).sizes(), at::IntArrayRef({2, 128}));
}

TEST(ModelTest, MovesRunningStatisticsInTrainingOnly) {
  const at::NoGradGuard no_grad;
  Model model(1);
  const at::Tensor images = at::randn({2, 3, 32, 32});
  const at::Tensor mean = NamedState(model).at("backbone.1.running_mean");
  model.Features(images);
  EXPECT_TRUE(mean.eq(0).all().item<bool>());
  model.Embed(images);
  EXPECT_FALSE(mean.eq(0).all().item<bool>());
}

// The first mistake of re-implementations. With a ReLU two negative constants after the stem would
// look the same.
TEST(ModelTest, HasNoReluAfterTheStem) {
  const at::NoGradGuard no_grad;
  Model model(1);
  auto state = NamedState(model);
  state.at("backbone.1.weight").fill_(0);
  state.at("backbone.2.0.bn2.weight")
      .fill_(100);  // lets the block's convolutions outweigh its input
  const at::Tensor images = at::randn({1, 3, 32, 32});
  state.at("backbone.1.bias").fill_(-1);
  const at::Tensor features = model.Features(images);
  state.at("backbone.1.bias").fill_(-2);
  EXPECT_FALSE(features.allclose(model.Features(images)));
}

}  // namespace
}  // namespace laptime::trainer
