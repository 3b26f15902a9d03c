#include "agent/trainer/learning_gate.h"

#include <numeric>

namespace laptime::trainer {
namespace {

constexpr int kFirst = 50;
constexpr int kEnd = 60;

}  // namespace

std::optional<double> GateLoss(const std::vector<double>& losses) {
  if (std::ssize(losses) < kEnd) return std::nullopt;
  return std::accumulate(losses.begin() + kFirst, losses.begin() + kEnd, 0.0) / (kEnd - kFirst);
}

}  // namespace laptime::trainer
