#include "server/history/trend.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace laptime {
namespace {

constexpr double kNormalQuantile = 1.959963984540054;  // 97.5 %

// The variance of Kendall's S without a trend: pairs in order less pairs out of order.
double VarianceOfOrder(const std::vector<double>& values) {
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5) / 18; };
  std::map<double, int> equal;
  for (const double value : values) ++equal[value];
  double variance = term(static_cast<double>(values.size()));
  for (const auto& [value, times] : equal) variance -= term(times);
  return variance;
}

// The value that stands at `place` (from 0) once they are sorted.
double At(std::vector<double>& values, size_t place) {
  const auto nth = values.begin() + static_cast<ptrdiff_t>(place);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace

std::optional<Trend> TheilSenTrend(const std::vector<double>& logs) {
  const size_t runs = logs.size();
  if (runs < kMinTrendRuns) return std::nullopt;
  std::vector<double> slopes;
  slopes.reserve(runs * (runs - 1) / 2);
  for (size_t a = 0; a < runs; ++a) {
    for (size_t b = a + 1; b < runs; ++b)
      slopes.push_back((logs[b] - logs[a]) / static_cast<double>(b - a));
  }
  const auto pairs = static_cast<double>(slopes.size());
  const double half_width = kNormalQuantile * std::sqrt(VarianceOfOrder(logs));
  const auto low = std::max(0L, std::lround((pairs - half_width) / 2) - 1);
  const auto high = std::min(std::lround(pairs) - 1, std::lround((pairs + half_width) / 2));
  const double middle = (At(slopes, (slopes.size() - 1) / 2) + At(slopes, slopes.size() / 2)) / 2;
  const auto change = [&](double slope) {
    return std::expm1(slope * static_cast<double>(runs - 1));
  };
  return Trend{change(middle), change(At(slopes, static_cast<size_t>(low))),
               change(At(slopes, static_cast<size_t>(high)))};
}

}  // namespace laptime
