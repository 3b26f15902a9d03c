#include "agent/trainer/fused_norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/trainer/vector_clones.h"

namespace laptime::trainer {
namespace {

// Whatever is compared or bounded below lets a NaN pass: a loss that diverged must show.

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows whose sum is taken in the type of the values.
constexpr int64_t kBlockRows = 64;
// Into which all rows are cut, whatever the number of threads.
constexpr int64_t kGroups = 64;

// at::parallel_for is in the header, and runs in one thread where that is compiled without OpenMP.
#ifdef _OPENMP
constexpr bool kThreaded = true;
#else
constexpr bool kThreaded = false;
#endif

// Values of `rows` places with `channels` each, row after row.
struct Shape {
  int64_t rows;
  int64_t channels;
};

Shape ShapeOf(const at::Tensor& x) { return {x.numel() / x.size(1), x.size(1)}; }

// ---- what is done to a few rows, where all time goes ----
// Pointers are to the first of the rows, or to one value per channel.

// Adds the rows' distances from `origin`, and their squares. Squares of the values themselves would
// cancel far from 0.
template <typename T>
LAPTIME_TEMPLATE_CLONES void AddDistances(const T* __restrict x, const T* __restrict origin,
                                          T* __restrict sum, T* __restrict square, Shape part) {
  for (int64_t row = 0; row < part.rows; ++row, x += part.channels) {
    for (int64_t c = 0; c < part.channels; ++c) {
      const T distance = x[c] - origin[c];
      sum[c] += distance;
      square[c] += distance * distance;
    }
  }
}

// y = activation((x - mean) * scale + bias + residual)
template <typename T, bool relu, bool add>
LAPTIME_TEMPLATE_CLONES void Apply(const T* __restrict x, const T* __restrict residual,
                                   const T* __restrict mean, const T* __restrict scale,
                                   const T* __restrict bias, T* __restrict y, Shape part) {
  for (int64_t row = 0; row < part.rows; ++row) {
    const int64_t at = row * part.channels;
    for (int64_t c = 0; c < part.channels; ++c) {
      T value = (x[at + c] - mean[c]) * scale[c] + bias[c];
      if constexpr (add) value += residual[at + c];
      if constexpr (relu) value = value < 0 ? 0 : value;
      y[at + c] = value;
    }
  }
}

// Where ReLU let values pass: dy where y is not 0.
template <typename T>
LAPTIME_TEMPLATE_CLONES void Pass(const T* __restrict dy, const T* __restrict y,
                                  T* __restrict passed, int64_t count) {
  for (int64_t i = 0; i < count; ++i) passed[i] = y[i] <= 0 ? 0 : dy[i];
}

// Adds the rows' dy, and dy * (x - mean); of dy only what ReLU let pass.
template <typename T, bool relu>
LAPTIME_TEMPLATE_CLONES void AddGradients(const T* __restrict dy, const T* __restrict y,
                                          const T* __restrict x, const T* __restrict mean,
                                          T* __restrict sum, T* __restrict product, Shape part) {
  for (int64_t row = 0; row < part.rows; ++row) {
    const int64_t at = row * part.channels;
    for (int64_t c = 0; c < part.channels; ++c) {
      T gradient = dy[at + c];
      if constexpr (relu) gradient = y[at + c] <= 0 ? 0 : gradient;
      sum[c] += gradient;
      product[c] += gradient * (x[at + c] - mean[c]);
    }
  }
}

// dx = scale * (dy - offset - (x - mean) * slope)
template <typename T, bool relu>
LAPTIME_TEMPLATE_CLONES void ApplyGradients(const T* __restrict dy, const T* __restrict y,
                                            const T* __restrict x, const T* __restrict mean,
                                            const T* __restrict scale, const T* __restrict offset,
                                            const T* __restrict slope, T* __restrict dx,
                                            Shape part) {
  for (int64_t row = 0; row < part.rows; ++row) {
    const int64_t at = row * part.channels;
    for (int64_t c = 0; c < part.channels; ++c) {
      T gradient = dy[at + c];
      if constexpr (relu) gradient = y[at + c] <= 0 ? 0 : gradient;
      dx[at + c] = scale[c] * (gradient - offset[c] - (x[at + c] - mean[c]) * slope[c]);
    }
  }
}

// ---- all rows, in threads ----

bool LiesInRows(const at::Tensor& x) {
  return x.dim() == 4 ? x.is_contiguous(at::MemoryFormat::ChannelsLast) : x.is_contiguous();
}

at::Tensor InRows(const at::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

// Calls work(first row, end, group) for all groups, in at::get_num_threads() threads.
template <typename Work>
void ForGroups(int64_t rows, const Work& work) {
  at::parallel_for(0, kGroups, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group)
      work(group * rows / kGroups, (group + 1) * rows / kGroups, group);
  });
}

// Two sums per channel over all rows. add(start, part, sum, sum) adds the values of some rows,
// which begin at the value `start`, to what it is given.
template <typename T, typename Add>
std::array<std::vector<double>, 2> SumOverRows(Shape shape, const Add& add) {
  const auto channels = static_cast<size_t>(shape.channels);
  std::vector<double> partial(static_cast<size_t>(kGroups) * 2 * channels, 0.0);
  ForGroups(shape.rows, [&](int64_t row, int64_t end, int64_t group) {
    double* sums = partial.data() + static_cast<size_t>(group) * 2 * channels;
    std::vector<T> own(2 * channels);
    for (; row < end; row += kBlockRows) {
      std::fill(own.begin(), own.end(), T{0});
      const Shape part = {std::min(end - row, kBlockRows), shape.channels};
      add(row * shape.channels, part, own.data(), own.data() + channels);
      for (size_t i = 0; i < own.size(); ++i) sums[i] += own[i];
    }
  });
  std::array<std::vector<double>, 2> total = {std::vector<double>(channels, 0.0),
                                              std::vector<double>(channels, 0.0)};
  for (size_t i = 0; i < partial.size(); ++i) total[i / channels % 2][i % channels] += partial[i];
  return total;
}

template <typename T>
struct Statistics {
  std::vector<T> mean;
  std::vector<T> inverse_deviation;
};

// The batch's mean and 1 / sqrt(variance + epsilon), after moving the running ones.
template <typename T>
Statistics<T> TakeStatistics(const T* x, Shape shape, const NormState& state) {
  const int64_t channels = shape.channels;
  const std::vector<T> origin(x, x + channels);
  const auto [sums, squares] =
      SumOverRows<T>(shape, [&](int64_t start, Shape part, T* sum, T* square) {
        AddDistances(x + start, origin.data(), sum, square, part);
      });
  const auto rows = static_cast<double>(shape.rows);
  T* running_mean = state.running_mean.data_ptr<T>();
  T* running_var = state.running_var.data_ptr<T>();
  Statistics<T> statistics;
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<size_t>(c);
    const double offset = sums[i] / rows;
    const double mean = static_cast<double>(x[c]) + offset;
    const double deviations = std::max(squares[i] - sums[i] * offset, 0.0);
    statistics.mean.push_back(static_cast<T>(mean));
    statistics.inverse_deviation.push_back(
        static_cast<T>(1 / std::sqrt(deviations / rows + kNormEpsilon)));
    running_mean[c] = static_cast<T>((1 - kNormMomentum) * running_mean[c] + kNormMomentum * mean);
    running_var[c] = static_cast<T>((1 - kNormMomentum) * running_var[c] +
                                    kNormMomentum * deviations / (rows - 1));
  }
  return statistics;
}

template <typename T>
at::Tensor Forward(const at::Tensor& x, const at::Tensor& residual, const NormState& state,
                   bool relu, Statistics<T>& statistics) {
  const Shape shape = ShapeOf(x);
  statistics = TakeStatistics(x.const_data_ptr<T>(), shape, state);
  const T* weight = state.weight.const_data_ptr<T>();
  std::vector<T> scale = statistics.inverse_deviation;
  for (size_t c = 0; c < scale.size(); ++c) scale[c] *= weight[c];

  at::Tensor y = at::empty_like(x);
  const auto apply = [&](auto function) {
    const T* from = x.const_data_ptr<T>();
    const T* added = residual.defined() ? residual.const_data_ptr<T>() : nullptr;
    const T* bias = state.bias.const_data_ptr<T>();
    T* to = y.mutable_data_ptr<T>();
    ForGroups(shape.rows, [&](int64_t row, int64_t end, int64_t) {
      const int64_t start = row * shape.channels;
      function(from + start, added == nullptr ? nullptr : added + start, statistics.mean.data(),
               scale.data(), bias, to + start, {end - row, shape.channels});
    });
  };
  if (residual.defined()) {
    apply(relu ? Apply<T, true, true> : Apply<T, false, true>);
  } else {
    apply(relu ? Apply<T, true, false> : Apply<T, false, false>);
  }
  return y;
}

// What the backward pass needs of the forward pass.
struct Saved {
  at::Tensor x;
  at::Tensor y;  // undefined without ReLU
  at::Tensor weight;
  at::Tensor mean;
  at::Tensor inverse_deviation;
  bool has_residual;
};

struct Gradients {
  at::Tensor x;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor residual;
};

template <typename T>
Gradients Backward(const at::Tensor& dy, const Saved& saved) {
  const Shape shape = ShapeOf(saved.x);
  const T* d = dy.const_data_ptr<T>();
  const T* y = saved.y.defined() ? saved.y.const_data_ptr<T>() : nullptr;
  const T* x = saved.x.const_data_ptr<T>();
  const T* mean = saved.mean.const_data_ptr<T>();
  Gradients gradients;
  T* passed = nullptr;  // what ReLU let pass, where somebody else needs it too
  if (saved.has_residual) {
    gradients.residual = y == nullptr ? dy : at::empty_like(dy);
    if (y != nullptr) passed = gradients.residual.mutable_data_ptr<T>();
  }
  const auto [sums, products] =
      SumOverRows<T>(shape, [&](int64_t start, Shape part, T* sum, T* product) {
        if (passed != nullptr) {
          Pass(d + start, y + start, passed + start, part.rows * part.channels);
          AddGradients<T, false>(passed + start, nullptr, x + start, mean, sum, product, part);
        } else if (y != nullptr) {
          AddGradients<T, true>(d + start, y + start, x + start, mean, sum, product, part);
        } else {
          AddGradients<T, false>(d + start, nullptr, x + start, mean, sum, product, part);
        }
      });

  gradients.weight = at::empty_like(saved.weight);
  gradients.bias = at::empty_like(saved.weight);
  const auto rows = static_cast<double>(shape.rows);
  const T* weight = saved.weight.const_data_ptr<T>();
  const T* inverse_deviation = saved.inverse_deviation.const_data_ptr<T>();
  std::vector<T> scale;
  std::vector<T> offset;
  std::vector<T> slope;
  for (size_t c = 0; c < sums.size(); ++c) {
    const double inverse = inverse_deviation[c];
    gradients.weight.mutable_data_ptr<T>()[c] = static_cast<T>(products[c] * inverse);
    gradients.bias.mutable_data_ptr<T>()[c] = static_cast<T>(sums[c]);
    scale.push_back(static_cast<T>(weight[c] * inverse));
    offset.push_back(static_cast<T>(sums[c] / rows));
    slope.push_back(static_cast<T>(products[c] / rows * inverse * inverse));
  }

  gradients.x = at::empty_like(saved.x);
  T* dx = gradients.x.mutable_data_ptr<T>();
  const auto apply = [&](auto function, const T* gradient, const T* mask) {
    ForGroups(shape.rows, [&](int64_t row, int64_t end, int64_t) {
      const int64_t start = row * shape.channels;
      function(gradient + start, mask == nullptr ? nullptr : mask + start, x + start, mean,
               scale.data(), offset.data(), slope.data(), dx + start, {end - row, shape.channels});
    });
  };
  if (passed != nullptr) {
    apply(ApplyGradients<T, false>, passed, nullptr);
  } else if (y != nullptr) {
    apply(ApplyGradients<T, true>, d, y);
  } else {
    apply(ApplyGradients<T, false>, d, nullptr);
  }
  return gradients;
}

template <typename T>
at::Tensor ToTensor(const std::vector<T>& values, const at::Tensor& like) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, like.options());
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<T>());
  return tensor;
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const std::optional<at::Tensor>& residual,
                            const NormState* state, bool relu) {
    const at::Tensor added = residual.value_or(at::Tensor());
    return x.scalar_type() == at::kDouble ? Typed<double>(context, x, added, *state, relu)
                                          : Typed<float>(context, x, added, *state, relu);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list tensors = context->get_saved_variables();
    const Saved saved = {tensors[0], tensors[1], tensors[2],
                         tensors[3], tensors[4], context->saved_data["residual"].toBool()};
    const at::Tensor dy = InRows(gradients[0]);
    const Gradients result = saved.x.scalar_type() == at::kDouble ? Backward<double>(dy, saved)
                                                                  : Backward<float>(dy, saved);
    return {result.x, result.weight, result.bias, result.residual, {}, {}};
  }

 private:
  template <typename T>
  static at::Tensor Typed(AutogradContext* context, const at::Tensor& x, const at::Tensor& residual,
                          const NormState& state, bool relu) {
    Statistics<T> statistics;
    at::Tensor y = Forward<T>(x, residual, state, relu, statistics);
    context->save_for_backward({x, relu ? y : at::Tensor(), state.weight,
                                ToTensor(statistics.mean, x),
                                ToTensor(statistics.inverse_deviation, x)});
    context->saved_data["residual"] = residual.defined();
    return y;
  }
};

}  // namespace

bool CanFuseNorm(const at::Tensor& x) {
  return kThreaded && x.is_cpu() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble) &&
         (x.dim() == 2 || x.dim() == 4) && LiesInRows(x);
}

at::Tensor FusedNorm(const at::Tensor& x, const NormState& state, Activation activation,
                     const at::Tensor& residual) {
  TORCH_CHECK(ShapeOf(x).rows > 1, "one value per channel has no variance");
  const auto added =
      residual.defined() ? std::optional<at::Tensor>(InRows(residual)) : std::nullopt;
  return Function::apply(x, state.weight, state.bias, added, &state,
                         activation == Activation::kRelu);
}

}  // namespace laptime::trainer
