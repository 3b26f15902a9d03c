#include "agent/trainer/norm_passes.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "agent/trainer/tensor_data.h"
#include "agent/trainer/vector_clones.h"

namespace laptime::trainer {
namespace {

// Whatever is compared or bounded below lets a NaN pass: a loss that diverged must show.

// Rows whose sum is taken in the type of the arithmetic.
constexpr int64_t kBlockRows = 64;
// Into which all rows are cut, whatever the number of threads.
constexpr int64_t kGroups = 64;

// What values of type T are computed in.
template <typename T>
struct ArithmeticOf {
  using Type = T;
};
template <>
struct ArithmeticOf<at::BFloat16> {
  using Type = float;
};
template <typename T>
using Arithmetic = typename ArithmeticOf<T>::Type;

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
template <typename T, typename A>
LAPTIME_TEMPLATE_CLONES void AddDistances(const T* __restrict x, const A* __restrict origin,
                                          A* __restrict sum, A* __restrict square, Shape part) {
  for (int64_t row = 0; row < part.rows; ++row, x += part.channels) {
    for (int64_t c = 0; c < part.channels; ++c) {
      const A distance = static_cast<A>(x[c]) - origin[c];
      sum[c] += distance;
      square[c] += distance * distance;
    }
  }
}

// y = activation((x - mean) * scale + bias + residual)
template <typename T, typename A, bool relu, bool add>
LAPTIME_TEMPLATE_CLONES void Apply(const T* __restrict x, const T* __restrict residual,
                                   const A* __restrict mean, const A* __restrict scale,
                                   const A* __restrict bias, T* __restrict y, Shape part) {
  for (int64_t row = 0; row < part.rows; ++row) {
    const int64_t at = row * part.channels;
    for (int64_t c = 0; c < part.channels; ++c) {
      A value = (static_cast<A>(x[at + c]) - mean[c]) * scale[c] + bias[c];
      if constexpr (add) value += static_cast<A>(residual[at + c]);
      if constexpr (relu) value = value < 0 ? 0 : value;
      y[at + c] = static_cast<T>(value);
    }
  }
}

// Where ReLU let values pass: dy where y is not 0.
template <typename T>
LAPTIME_TEMPLATE_CLONES void Pass(const T* __restrict dy, const T* __restrict y,
                                  T* __restrict passed, int64_t count) {
  using A = Arithmetic<T>;
  for (int64_t i = 0; i < count; ++i) {
    const A gradient = static_cast<A>(dy[i]);  // in the arithmetic's type: compilers vectorise that
    passed[i] = static_cast<T>(static_cast<A>(y[i]) <= 0 ? 0 : gradient);
  }
}

// Adds the rows' dy, and dy * (x - mean); of dy only what ReLU let pass.
template <typename T, typename A, bool relu>
LAPTIME_TEMPLATE_CLONES void AddGradients(const T* __restrict dy, const T* __restrict y,
                                          const T* __restrict x, const A* __restrict mean,
                                          A* __restrict sum, A* __restrict product, Shape part) {
  for (int64_t row = 0; row < part.rows; ++row) {
    const int64_t at = row * part.channels;
    for (int64_t c = 0; c < part.channels; ++c) {
      A gradient = static_cast<A>(dy[at + c]);
      if constexpr (relu) gradient = static_cast<A>(y[at + c]) <= 0 ? 0 : gradient;
      sum[c] += gradient;
      product[c] += gradient * (static_cast<A>(x[at + c]) - mean[c]);
    }
  }
}

// dx = scale * (dy - offset - (x - mean) * slope)
template <typename T, typename A, bool relu>
LAPTIME_TEMPLATE_CLONES void ApplyGradients(const T* __restrict dy, const T* __restrict y,
                                            const T* __restrict x, const A* __restrict mean,
                                            const A* __restrict scale, const A* __restrict offset,
                                            const A* __restrict slope, T* __restrict dx,
                                            Shape part) {
  for (int64_t row = 0; row < part.rows; ++row) {
    const int64_t at = row * part.channels;
    for (int64_t c = 0; c < part.channels; ++c) {
      A gradient = static_cast<A>(dy[at + c]);
      if constexpr (relu) gradient = static_cast<A>(y[at + c]) <= 0 ? 0 : gradient;
      dx[at + c] = static_cast<T>(
          scale[c] * (gradient - offset[c] - (static_cast<A>(x[at + c]) - mean[c]) * slope[c]));
    }
  }
}

// ---- all rows, in threads ----

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
template <typename A, typename Add>
std::array<std::vector<double>, 2> SumOverRows(Shape shape, const Add& add) {
  const auto channels = static_cast<size_t>(shape.channels);
  std::vector<double> partial(static_cast<size_t>(kGroups) * 2 * channels, 0.0);
  ForGroups(shape.rows, [&](int64_t row, int64_t end, int64_t group) {
    double* sums = partial.data() + static_cast<size_t>(group) * 2 * channels;
    std::vector<A> own(2 * channels);
    for (; row < end; row += kBlockRows) {
      std::fill(own.begin(), own.end(), A{0});
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

// The batch's statistics, after moving the running ones.
template <typename T>
NormStatistics TakeStatistics(const T* x, Shape shape, const NormState& state) {
  using A = Arithmetic<T>;
  const std::vector<A> origin(x, x + shape.channels);
  const auto [sums, squares] =
      SumOverRows<A>(shape, [&](int64_t start, Shape part, A* sum, A* square) {
        AddDistances(x + start, origin.data(), sum, square, part);
      });
  const auto rows = static_cast<double>(shape.rows);
  A* running_mean = state.running_mean.data_ptr<A>();
  A* running_var = state.running_var.data_ptr<A>();
  NormStatistics statistics = {at::empty_like(state.running_mean),
                               at::empty_like(state.running_var)};
  A* means = statistics.mean.mutable_data_ptr<A>();
  A* inverse_deviations = statistics.inverse_deviation.mutable_data_ptr<A>();
  for (size_t c = 0; c < origin.size(); ++c) {
    const double offset = sums[c] / rows;
    const double mean = static_cast<double>(origin[c]) + offset;
    const double deviations = std::max(squares[c] - sums[c] * offset, 0.0);
    means[c] = static_cast<A>(mean);
    inverse_deviations[c] = static_cast<A>(1 / std::sqrt(deviations / rows + kNormEpsilon));
    running_mean[c] = static_cast<A>((1 - kNormMomentum) * running_mean[c] + kNormMomentum * mean);
    running_var[c] = static_cast<A>((1 - kNormMomentum) * running_var[c] +
                                    kNormMomentum * deviations / (rows - 1));
  }
  return statistics;
}

template <typename T>
NormResult Forward(const at::Tensor& x, const at::Tensor& residual, const NormState& state,
                   bool relu) {
  using A = Arithmetic<T>;
  const Shape shape = ShapeOf(x);
  NormStatistics statistics = TakeStatistics(DataOf<T>(x), shape, state);
  const A* weight = DataOf<A>(state.weight);
  const A* inverse_deviation = DataOf<A>(statistics.inverse_deviation);
  std::vector<A> scale(inverse_deviation, inverse_deviation + shape.channels);
  for (size_t c = 0; c < scale.size(); ++c) scale[c] *= weight[c];

  at::Tensor y = at::empty_like(x);
  const auto apply = [&](auto function) {
    const T* from = DataOf<T>(x);
    const T* added = residual.defined() ? DataOf<T>(residual) : nullptr;
    const A* mean = DataOf<A>(statistics.mean);
    const A* bias = DataOf<A>(state.bias);
    T* to = y.mutable_data_ptr<T>();
    ForGroups(shape.rows, [&](int64_t row, int64_t end, int64_t) {
      const int64_t start = row * shape.channels;
      function(from + start, added == nullptr ? nullptr : added + start, mean, scale.data(), bias,
               to + start, {end - row, shape.channels});
    });
  };
  if (residual.defined()) {
    apply(relu ? Apply<T, A, true, true> : Apply<T, A, false, true>);
  } else {
    apply(relu ? Apply<T, A, true, false> : Apply<T, A, false, false>);
  }
  return {y, statistics};
}

template <typename T>
NormGradients Backward(const at::Tensor& dy, const NormSaved& saved) {
  using A = Arithmetic<T>;
  const Shape shape = ShapeOf(saved.x);
  const T* d = DataOf<T>(dy);
  const T* y = saved.y.defined() ? DataOf<T>(saved.y) : nullptr;
  const T* x = DataOf<T>(saved.x);
  const A* mean = DataOf<A>(saved.statistics.mean);
  NormGradients gradients;
  T* passed = nullptr;  // what ReLU let pass, where somebody else needs it too
  if (saved.has_residual) {
    gradients.residual = y == nullptr ? dy : at::empty_like(dy);
    if (y != nullptr) passed = gradients.residual.mutable_data_ptr<T>();
  }
  const auto [sums, products] =
      SumOverRows<A>(shape, [&](int64_t start, Shape part, A* sum, A* product) {
        if (passed != nullptr) {
          Pass(d + start, y + start, passed + start, part.rows * part.channels);
          AddGradients<T, A, false>(passed + start, nullptr, x + start, mean, sum, product, part);
        } else if (y != nullptr) {
          AddGradients<T, A, true>(d + start, y + start, x + start, mean, sum, product, part);
        } else {
          AddGradients<T, A, false>(d + start, nullptr, x + start, mean, sum, product, part);
        }
      });

  gradients.weight = at::empty_like(saved.weight);
  gradients.bias = at::empty_like(saved.weight);
  const auto rows = static_cast<double>(shape.rows);
  const A* weight = DataOf<A>(saved.weight);
  const A* inverse_deviation = DataOf<A>(saved.statistics.inverse_deviation);
  std::vector<A> scale;
  std::vector<A> offset;
  std::vector<A> slope;
  for (size_t c = 0; c < sums.size(); ++c) {
    const double inverse = inverse_deviation[c];
    gradients.weight.mutable_data_ptr<A>()[c] = static_cast<A>(products[c] * inverse);
    gradients.bias.mutable_data_ptr<A>()[c] = static_cast<A>(sums[c]);
    scale.push_back(static_cast<A>(weight[c] * inverse));
    offset.push_back(static_cast<A>(sums[c] / rows));
    slope.push_back(static_cast<A>(products[c] / rows * inverse * inverse));
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
    apply(ApplyGradients<T, A, false>, passed, nullptr);
  } else if (y != nullptr) {
    apply(ApplyGradients<T, A, true>, d, y);
  } else {
    apply(ApplyGradients<T, A, false>, d, nullptr);
  }
  return gradients;
}

}  // namespace

NormResult NormForward(const at::Tensor& x, const at::Tensor& residual, const NormState& state,
                       bool relu) {
  switch (x.scalar_type()) {
    case at::kDouble:
      return Forward<double>(x, residual, state, relu);
    case at::kBFloat16:
      return Forward<at::BFloat16>(x, residual, state, relu);
    default:
      return Forward<float>(x, residual, state, relu);
  }
}

NormGradients NormBackward(const at::Tensor& dy, const NormSaved& saved) {
  switch (saved.x.scalar_type()) {
    case at::kDouble:
      return Backward<double>(dy, saved);
    case at::kBFloat16:
      return Backward<at::BFloat16>(dy, saved);
    default:
      return Backward<float>(dy, saved);
  }
}

}  // namespace laptime::trainer
