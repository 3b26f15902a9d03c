#include "agent/trainer/model_state.h"

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/trainer/failure.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

using ::testing::HasSubstr;

class ModelStateTest : public ::testing::Test {
 protected:
  ModelStateTest() {
    Model model(1);
    for (const auto& [name, tensor] : StateOf(model)) tensors_["state/" + name] = tensor;
  }

  at::ScalarType Load(Model& model) {
    WriteTensors(file_, tensors_);
    return LoadState(TensorFile::Read(file_), model);
  }

  std::string Error() {
    Model model(2);
    try {
      Load(model);
    } catch (const TrainerError& error) {
      return error.what();
    }
    return "no error";
  }

  const testing::TempDir dir_;
  const std::string file_ = dir_.File("file");
  NamedTensors tensors_;
};

TEST_F(ModelStateTest, ReplacesAllOfTheState) {
  Model model(2);
  EXPECT_EQ(Load(model), at::kFloat);
  for (const auto& [name, tensor] : StateOf(model))
    EXPECT_TRUE(tensor.equal(tensors_.at("state/" + name))) << name;
}

TEST_F(ModelStateTest, MakesTheModelComputeInTheStatesType) {
  for (auto& [name, tensor] : tensors_) tensor = tensor.to(at::kDouble);
  tensors_["state/backbone.1.num_batches_tracked"] = at::ones({}, at::kLong);
  Model model(2);
  EXPECT_EQ(Load(model), at::kDouble);
  for (const at::Tensor& parameter : model.Parameters())
    EXPECT_EQ(parameter.scalar_type(), at::kDouble);
}

TEST_F(ModelStateTest, RefusesAnotherNetworksState) {
  tensors_["state/head.layers.0.bias"] = at::ones({512});
  EXPECT_THAT(Error(), HasSubstr("state/head.layers.0.bias is no tensor of this network"));
  tensors_.erase("state/head.layers.0.bias");
  tensors_["state/backbone.0.weight"] = at::ones({64, 3, 7, 7});
  EXPECT_THAT(Error(), HasSubstr("must be float32 [64,3,3,3], but is float32 [64,3,7,7]"));
  tensors_.erase("state/backbone.0.weight");
  EXPECT_THAT(Error(), HasSubstr("state/backbone.0.weight is missing"));
}

}  // namespace
}  // namespace laptime::trainer
