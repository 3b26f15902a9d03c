#include "agent/trainer/fused_norm.h"

#include <torch/csrc/autograd/custom_function.h>

#include <optional>

namespace laptime::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// at::parallel_for is in the header, and runs in one thread where that is compiled without OpenMP.
#ifdef _OPENMP
constexpr bool kThreaded = true;
#else
constexpr bool kThreaded = false;
#endif

bool LiesInRows(const at::Tensor& x) {
  return x.dim() == 4 ? x.is_contiguous(at::MemoryFormat::ChannelsLast) : x.is_contiguous();
}

at::Tensor InRows(const at::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

// What a state must be of for values of `type`; nothing where those cannot be taken.
std::optional<at::ScalarType> StateType(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
    case at::kDouble:
      return type;
    case at::kBFloat16:
      return at::kFloat;
    default:
      return std::nullopt;
  }
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& /*bias*/, const std::optional<at::Tensor>& residual,
                            const NormState* state, bool relu) {
    const NormResult result = NormForward(x, residual.value_or(at::Tensor()), *state, relu);
    context->save_for_backward({x, relu ? result.y : at::Tensor(), weight, result.statistics.mean,
                                result.statistics.inverse_deviation});
    context->saved_data["residual"] = residual.has_value();
    return result.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list tensors = context->get_saved_variables();
    const NormSaved saved = {tensors[0],
                             tensors[1],
                             tensors[2],
                             {tensors[3], tensors[4]},
                             context->saved_data["residual"].toBool()};
    const NormGradients result = NormBackward(InRows(gradients[0]), saved);
    return {result.x, result.weight, result.bias, result.residual, {}, {}};
  }
};

}  // namespace

bool CanFuseNorm(const at::Tensor& x, const NormState& state) {
  return kThreaded && x.is_cpu() && StateType(x.scalar_type()) == state.weight.scalar_type() &&
         (x.dim() == 2 || x.dim() == 4) && LiesInRows(x);
}

at::Tensor FusedNorm(const at::Tensor& x, const NormState& state, Activation activation,
                     const at::Tensor& residual) {
  TORCH_CHECK(x.numel() > x.size(1), "one value per channel has no variance");
  TORCH_CHECK(!residual.defined() ||
                  (residual.sizes() == x.sizes() && residual.scalar_type() == x.scalar_type()),
              "the residual is not like x");
  const auto added =
      residual.defined() ? std::optional<at::Tensor>(InRows(residual)) : std::nullopt;
  return Function::apply(x, state.weight, state.bias, added, &state,
                         activation == Activation::kRelu);
}

}  // namespace laptime::trainer
