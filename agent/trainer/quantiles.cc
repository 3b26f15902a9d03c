#include "agent/trainer/quantiles.h"

#include <algorithm>

namespace laptime::trainer {

Quantiles QuantilesOf(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&values](double share) {
    const double position = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] +
           (position - static_cast<double>(below)) * (values[above] - values[below]);
  };
  return {at(0.01), at(0.05), at(0.5), at(0.95), at(0.99), values.back()};
}

}  // namespace laptime::trainer
