#pragma once

#include <vector>

namespace laptime::trainer {

struct Quantiles {
  double p1 = 0;
  double p5 = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;
};

// Linear interpolation between the order statistics. `values` must not be empty.
Quantiles QuantilesOf(std::vector<double> values);

}  // namespace laptime::trainer
