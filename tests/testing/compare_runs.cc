#include <cmath>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/history/trend.h"
#include "server/run_statistics.h"

// What server/run_statistics says, for a comparison with another implementation (tests/parity).
// Reads a line {"a":[seconds, …],"b":[seconds, …]} after the other and answers each with a line.

namespace {

using laptime::RunGroup;
using nlohmann::json;

template <typename T>
json OrNull(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json OrNull(const std::optional<laptime::Interval>& interval) {
  return interval ? json{interval->low, interval->high} : json();
}

json TrendOf(std::vector<double> seconds) {
  for (double& value : seconds) value = std::log(value);
  const auto trend = laptime::TheilSenTrend(seconds);
  return trend ? json{trend->change, trend->low, trend->high} : json();
}

json Answer(const RunGroup& a, const RunGroup& b) {
  const laptime::Comparison comparison = laptime::CompareRuns(a, b);
  return {{"ratio", comparison.ratio},
          {"interval", OrNull(comparison.interval)},
          {"degrees_of_freedom", OrNull(comparison.degrees_of_freedom)},
          {"different", comparison.verdict == laptime::Verdict::kDifferent},
          {"equivalent", comparison.verdict == laptime::Verdict::kEquivalent},
          {"detectable_difference", OrNull(laptime::DetectableDifference(a, b))},
          {"runs_to_decide", OrNull(laptime::RunsToDecide(a, b))},
          {"next_of_a", OrNull(laptime::PredictNextRun(a))},
          {"half_width_of_a", OrNull(laptime::RelativeHalfWidth(a))}};
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const json groups = json::parse(line);
    const auto a = laptime::SummarizeRuns(groups.at("a"));
    const auto b = laptime::SummarizeRuns(groups.at("b"));
    if (!a.ok() || !b.ok()) {
      std::cerr << "error: " << (a.ok() ? b : a).status().message() << "\n";
      return EXIT_FAILURE;
    }
    json answer = Answer(*a, *b);
    answer["trend_of_a"] = TrendOf(groups.at("a"));
    std::cout << answer << "\n";
  }
}
