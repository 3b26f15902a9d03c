#pragma once

#include <cmath>
#include <numbers>

namespace laptime::trainer {

// The batch that a workload's learning_rate is meant for; others scale it linearly.
inline constexpr int kReferenceBatch = 128;

// The rate of a whole epoch (counted from 0): a cosine from the scaled rate towards 0, no warm-up.
inline double LearningRate(double at_reference_batch, int batch_size, int epoch, int epochs) {
  const double peak = at_reference_batch * batch_size / kReferenceBatch;
  return peak / 2 * (1 + std::cos(std::numbers::pi * epoch / epochs));
}

}  // namespace laptime::trainer
