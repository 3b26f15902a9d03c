#include "agent/trainer/model_state.h"

#include <set>
#include <string>

namespace laptime::trainer {
namespace {

const std::string kPrefix = "state/";
constexpr char kTypeGiver[] = "backbone.0.weight";  // all others must be of its type
constexpr char kCounter[] = ".num_batches_tracked";

}  // namespace

at::ScalarType LoadState(const TensorFile& file, Model& model) {
  const at::ScalarType type = file.FloatTypeOf(kPrefix + kTypeGiver);
  std::set<std::string> known;
  model.Visit([&](const std::string& name, at::Tensor& tensor, bool) {
    tensor = file.Get(kPrefix + name, type, tensor.sizes());
    known.insert(name);
  });
  for (const std::string& name : file.NamesUnder(kPrefix)) {
    if (!known.contains(name) && !name.ends_with(kCounter))
      file.Refuse(kPrefix + name + " is no tensor of this network");
  }
  return type;
}

NamedTensors StateOf(Model& model) {
  NamedTensors state;
  model.Visit([&](const std::string& name, at::Tensor& tensor, bool) {
    state[name] = tensor.detach().cpu().contiguous();
  });
  return state;
}

}  // namespace laptime::trainer
