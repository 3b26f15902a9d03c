#include "client/comparison_view.h"

#include <cmath>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/format.h"
#include "client/text.h"

namespace laptime::client {
namespace {

using v1::Comparison;

constexpr int kRatioDigits = 4;
constexpr size_t kMostRunsShown = 10;
constexpr double kLeastShareShown = 0.01;

std::string Ratio(double ratio) { return Times(ratio, kRatioDigits); }

std::string Sentence(const Comparison& comparison) {
  if (!comparison.has_ratio())
    return "not comparable: other work, or runs that are invalid, so no ratio is told";
  std::string text = "B takes " + Ratio(comparison.ratio()) + " the time of A";
  if (comparison.has_low())
    text += " (95 % interval " + Ratio(comparison.low()) + " to " + Ratio(comparison.high()) + ")";
  return text + ": " + comparison.verdict();
}

// Why there is no verdict, and what would bring one.
std::string Undecided(const Comparison& comparison) {
  if (comparison.verdict() != "inconclusive") return "";
  if (comparison.has_runs_needed())
    return Counted(comparison.runs_needed(), "run") + " on each side would decide it";
  if (comparison.n_a() < 2 || comparison.n_b() < 2)
    return "two runs on each side are the least for an interval, three for \"different\"";
  return "more runs may decide it";
}

std::string NoiseFloor(const Comparison& comparison) {
  if (comparison.has_noise_floor_percent())
    return "differences below " + Significant(comparison.noise_floor_percent()) +
           " % are not real here";
  const bool measured = comparison.a().run_ids_size() > 0 || comparison.b().run_ids_size() > 0;
  return measured ? "not known: laptime submit calibration --repeat 6 tells" : "";
}

std::string Seconds(const v1::RunGroup& group) {
  std::string text;
  const auto shown = std::min(kMostRunsShown, static_cast<size_t>(group.seconds_size()));
  for (size_t i = 0; i < shown; ++i)
    text += (i == 0 ? "" : ", ") + Significant(group.seconds(static_cast<int>(i)), kRatioDigits);
  if (shown < static_cast<size_t>(group.seconds_size())) text += ", …";
  return text;
}

std::string GroupText(const v1::RunGroup& group, int runs, int left_out) {
  std::string text = Duration(group.mean_seconds()) + " over " + Counted(runs, "run") + " on ";
  for (int i = 0; i < group.devices_size(); ++i) text += (i == 0 ? "" : ", ") + group.devices(i);
  text += ", " + group.workload();
  for (const auto& [is, word] :
       {std::pair(group.partial(), "partial"), std::pair(group.synthetic(), "synthetic"),
        std::pair(group.estimated(), "estimated")}) {
    if (is) text += std::string(", ") + word;
  }
  if (group.source() != "measured") text += ", " + group.source();
  text += " (" + Seconds(group) + " s)";
  if (left_out > 0) text += "; " + Counted(left_out, "contaminated or invalid run") + " left out";
  return text;
}

std::string Differences(const Comparison& comparison) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const v1::FactDifference& difference : comparison.differences())
    facts.emplace_back("  " + difference.fact(), difference.a() + " | " + difference.b());
  return facts.empty() ? "" : "\nWhat else differs (A | B):\n" + RenderFacts(facts);
}

std::string Phases(const Comparison& comparison, bool color) {
  std::vector<v1::PhaseDifference> shown;
  for (const v1::PhaseDifference& phase : comparison.phases()) {
    if (std::abs(phase.share()) >= kLeastShareShown) shown.push_back(phase);
  }
  if (shown.empty()) return "";
  using Row = v1::PhaseDifference;
  const std::vector<Column<Row>> columns = {
      TextColumn<Row>("phase", "PHASE", [](const Row& row) { return row.phase(); }),
      MeasuredColumn<Row>(
          "a_seconds", "A", [](const Row& row) { return std::optional(row.a_seconds()); },
          Duration),
      MeasuredColumn<Row>(
          "b_seconds", "B", [](const Row& row) { return std::optional(row.b_seconds()); },
          Duration),
      MeasuredColumn<Row>(
          "share", "SHARE", [](const Row& row) { return std::optional(row.share() * 100); },
          Percent)};
  return "\nWhere the difference is, by seconds of a lap:\n" +
         RenderTable(MakeGrid(columns, shown), color);
}

}  // namespace

Grid ComparisonSummary(const Comparison& comparison) {
  using Row = Comparison;
  const std::vector<Column<Row>> columns = {
      MeasuredColumn<Row>(
          "ratio", "RATIO", [](const Row& row) { return LAPTIME_MEASURED(row, ratio); }, Ratio),
      MeasuredColumn<Row>(
          "low", "LOW", [](const Row& row) { return LAPTIME_MEASURED(row, low); }, Ratio),
      MeasuredColumn<Row>(
          "high", "HIGH", [](const Row& row) { return LAPTIME_MEASURED(row, high); }, Ratio),
      TextColumn<Row>("verdict", "VERDICT", [](const Row& row) { return row.verdict(); }),
      TextColumn<Row>("grade", "GRADE", [](const Row& row) { return row.grade(); }),
      {{"n_a", "RUNS A", true, false}, [](const Row& row) { return NumberCell(row.n_a()); }},
      {{"n_b", "RUNS B", true, false}, [](const Row& row) { return NumberCell(row.n_b()); }}};
  return MakeGrid(columns, std::vector<Comparison>{comparison});
}

std::string ComparisonText(const Comparison& comparison, bool color) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"A", GroupText(comparison.a(), comparison.n_a(), comparison.left_out_a())},
      {"B", GroupText(comparison.b(), comparison.n_b(), comparison.left_out_b())},
      {"grade", comparison.grade()},
      {"compared", comparison.basis()}};
  if (comparison.has_ratio()) {
    facts.emplace_back("factor", "below " + Significant(comparison.factor_percent()) +
                                     " % a difference is of no weight");
    facts.emplace_back("noise floor", NoiseFloor(comparison));
    if (comparison.has_detectable_percent()) {
      facts.emplace_back("would show", "a difference of " +
                                           Significant(comparison.detectable_percent()) +
                                           " % or more, four times of five");
    }
    facts.emplace_back("undecided", Undecided(comparison));
  }
  return SafeText(Sentence(comparison)) + "\n\n" + RenderFacts(facts) + Differences(comparison) +
         Phases(comparison, color);
}

}  // namespace laptime::client
