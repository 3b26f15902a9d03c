#include "client/bundle_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "client/columns.h"

namespace laptime::client {
namespace {

using Value = std::optional<double>;
using Values = std::vector<Value>;  // one a lap

std::vector<double> Measured(const Values& values) {
  std::vector<double> measured;
  for (const Value& value : values)
    if (value && !std::isnan(*value)) measured.push_back(*value);
  return measured;
}

Value MedianOf(const Values& values) {
  std::vector<double> measured = Measured(values);
  if (measured.empty()) return std::nullopt;
  std::ranges::sort(measured);
  return (measured[(measured.size() - 1) / 2] + measured[measured.size() / 2]) / 2;
}

Value MeanOf(const Values& values) {
  const std::vector<double> measured = Measured(values);
  if (measured.empty()) return std::nullopt;
  return std::accumulate(measured.begin(), measured.end(), 0.0) /
         static_cast<double>(measured.size());
}

Value MaxOf(const Values& values) {
  const std::vector<double> measured = Measured(values);
  if (measured.empty()) return std::nullopt;
  return std::ranges::max(measured);
}

Value LastOf(const Values& values) {
  return values.empty() ? std::nullopt : MaxOf({values.back()});
}

Value FitPerEpoch(const v1::TrainerFinished& finished) {
  if (!finished.has_fit_seconds() || finished.epochs() < 1) return std::nullopt;
  return finished.fit_seconds() / finished.epochs();
}

// How a figure comes about.
struct Rule {
  const char* what;
  Value (*stated)(const v1::Run&);
  Value (*fold)(const Values&);
  Value (*of_lap)(const v1::Epoch&);
  Value (*of_end)(const v1::TrainerFinished&) = nullptr;  // one value more, of the whole fit
  bool may_be_unstated = false;  // older databases have it of laps only; a quick run no energy
};

#define LAPTIME_RUN(field) [](const v1::Run& run) -> Value { return LAPTIME_MEASURED(run, field); }
#define LAPTIME_LAP(part, field) \
  [](const v1::Epoch& lap) -> Value { return LAPTIME_MEASURED(lap part, field); }

const std::array<Rule, 11>& Rules() {
  static const std::array<Rule, 11> rules = {{
      {"median lap", LAPTIME_RUN(median_epoch_seconds), MedianOf, LAPTIME_LAP(, wall_seconds)},
      {"fit per epoch", LAPTIME_RUN(fit_seconds_per_epoch), MaxOf, nullptr, FitPerEpoch},
      {"median step", LAPTIME_RUN(median_step_seconds), MedianOf,
       LAPTIME_LAP(.step_seconds(), p50)},
      {"mean loss", LAPTIME_RUN(mean_loss), LastOf, LAPTIME_LAP(, mean_loss)},
      {"kNN accuracy", LAPTIME_RUN(knn_accuracy), MaxOf, LAPTIME_LAP(, knn_accuracy)},
      {"peak memory", LAPTIME_RUN(peak_memory_bytes), MaxOf, LAPTIME_LAP(, peak_memory_bytes),
       // Outside the laps, too.
       [](const v1::TrainerFinished& end) -> Value {
         return LAPTIME_MEASURED(end, peak_memory_bytes);
       }},
      {"utilization", LAPTIME_RUN(utilization_percent), MeanOf,
       LAPTIME_LAP(.utilization(), mean_percent)},
      {"above 90 %", LAPTIME_RUN(above_90_fraction), MeanOf,
       LAPTIME_LAP(.utilization(), above_90_fraction), nullptr, /*may_be_unstated=*/true},
      {"MFU", LAPTIME_RUN(mfu_fraction), MedianOf, LAPTIME_LAP(, mfu_fraction)},
      {"joules per epoch", LAPTIME_RUN(joules_per_epoch), MedianOf, LAPTIME_LAP(.energy(), joules),
       nullptr, /*may_be_unstated=*/true},
      {"images per joule", LAPTIME_RUN(images_per_joule), MedianOf,
       LAPTIME_LAP(.energy(), images_per_joule), nullptr, /*may_be_unstated=*/true},
  }};
  return rules;
}

}  // namespace

std::vector<RunFigure> FiguresOf(const v1::Run& run, const std::vector<v1::Epoch>& laps,
                                 const std::vector<v1::Attempt>& attempts) {
  std::vector<RunFigure> figures;
  for (const Rule& rule : Rules()) {
    const Value stated = rule.stated(run);
    if (!stated && rule.may_be_unstated) continue;
    Values values;
    for (const v1::Epoch& lap : laps)
      if (rule.of_lap != nullptr) values.push_back(rule.of_lap(lap));
    if (rule.of_end != nullptr && !attempts.empty())
      values.push_back(rule.of_end(attempts.back().finished()));
    figures.push_back({rule.what, stated, rule.fold(values)});
  }
  return figures;
}

bool Agree(const RunFigure& figure) {
  constexpr double kLastDigits = 1e-12;
  const auto& [what, a, b] = figure;
  if (!a || !b) return a.has_value() == b.has_value();
  return std::abs(*a - *b) <= kLastDigits * std::max(std::abs(*a), std::abs(*b));
}

}  // namespace laptime::client
