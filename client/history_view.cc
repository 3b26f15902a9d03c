#include "client/history_view.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/format.h"
#include "client/sparkline.h"
#include "client/text.h"

namespace laptime::client {
namespace {

using v1::HistoryPoint;
using v1::HistorySeries;

constexpr int kMostBars = 60;
// The line of bars spans 10 % or more, so that 1 % of scatter looks flat.
constexpr double kLeastSpan = 1.1;
constexpr int kRemarkColumns = 48;
constexpr size_t kHashShown = 8;

// A run with what its series says of it.
struct Row {
  const HistorySeries& series;
  const HistoryPoint& point;
  const v1::ChangePoint* change = nullptr;  // that begins with it
};

bool IsMeasured(const HistorySeries& series) { return series.source() == "measured"; }

bool IsSpoiled(const HistoryPoint& point) {
  return point.validity() == v1::VALIDITY_CONTAMINATED || point.validity() == v1::VALIDITY_INVALID;
}

// What another version sends may name a run that is not there.
bool IsWithin(const HistorySeries& series, const v1::ChangePoint& change) {
  return change.point() >= 0 && change.point() < series.points_size();
}

std::vector<Row> RowsOf(const HistorySeries& series) {
  std::vector<Row> rows;
  for (const HistoryPoint& point : series.points()) rows.push_back({series, point});
  for (const v1::ChangePoint& change : series.changes())
    if (IsWithin(series, change)) rows[static_cast<size_t>(change.point())].change = &change;
  return rows;
}

double PercentChange(double before, double after) { return 100 * (after / before - 1); }

// The middle of what was expected, in logarithms, as the interval is made.
std::optional<double> Middle(const HistoryPoint& point) {
  if (!point.has_low_seconds()) return std::nullopt;
  return std::sqrt(point.low_seconds() * point.high_seconds());
}

std::string Expected(const HistoryPoint& point) {
  if (!point.has_low_seconds()) return "";
  return Duration(point.low_seconds()) + " to " + Duration(point.high_seconds());
}

std::optional<double> Off(const Row& row) {
  const std::optional<double> middle = Middle(row.point);
  if (!middle) return std::nullopt;
  return PercentChange(*middle, row.point.seconds());
}

std::string Remarks(const HistoryPoint& point) {
  std::string text;
  for (const v1::Annotation& annotation : point.annotations()) {
    text += (text.empty() ? "" : "; ") + annotation.text();
    if (!annotation.author().empty()) text += " (" + annotation.author() + ")";
  }
  return text;
}

Style StyleOf(const std::string& verdict) {
  if (verdict == "slower") return Style::kBad;
  return verdict == "faster" ? Style::kGood : Style::kPlain;
}

// An empty place instead of a dash.
Cell QuietCell(const std::string& text, Style style = Style::kPlain) { return {text, text, style}; }

std::vector<Column<Row>> PageColumns(const std::vector<Row>& rows) {
  std::vector<Column<Row>> columns = {
      TimeColumn<Row>("at", "STARTED",
                      [](const Row& row) { return std::optional(row.point.at_unix_ms()); }),
      TextColumn<Row>("run_id", "RUN", [](const Row& row) { return row.point.run_id(); }),
      MeasuredColumn<Row>(
          "seconds", "LAP", [](const Row& row) { return std::optional(row.point.seconds()); },
          Duration),
      {{"expected", "EXPECTED", true, false},
       [](const Row& row) { return TextCell(Expected(row.point)); }},
      MeasuredColumn<Row>("off", "OFF", Off, SignedPercent),
      {{"verdict", "VERDICT", false, false},
       [](const Row& row) { return TextCell(row.point.verdict(), StyleOf(row.point.verdict())); }}};
  const auto validity = [](const Row& row) {
    const bool told = IsSpoiled(row.point) || row.point.validity() == v1::VALIDITY_SUSPECT;
    return told ? Word(row.point.validity()) : "";
  };
  if (std::ranges::any_of(rows, [&](const Row& row) { return !validity(row).empty(); })) {
    columns.push_back({{"validity", "VALIDITY", false, false}, [validity](const Row& row) {
                         return QuietCell(validity(row), Style::kWarning);
                       }});
  }
  if (std::ranges::any_of(rows, [](const Row& row) { return !row.point.annotations().empty(); })) {
    columns.push_back({{"annotations", "REMARKS", false, false}, [](const Row& row) {
                         return QuietCell(Truncate(SafeText(Remarks(row.point)), kRemarkColumns));
                       }});
  }
  return columns;
}

std::string ChangeLine(const v1::ChangePoint& change) {
  const double percent = PercentChange(change.before_seconds(), change.after_seconds());
  return "── " + SignedPercent(std::abs(percent)).substr(1) +
         (percent > 0 ? " slower" : " faster") + " from here (" +
         Duration(change.before_seconds()) + " → " + Duration(change.after_seconds()) + ")\n";
}

std::string OlderLine(const std::vector<Row>& older, int left_out) {
  const auto changes = std::ranges::count_if(older, [](const Row& row) { return row.change; });
  std::string text = "… " + std::to_string(older.size() + static_cast<size_t>(left_out)) + " older";
  if (changes > 0) text += ", with " + Counted(changes, "change");
  if (!older.empty()) text += "; -o wide, csv or json has " + std::to_string(older.size());
  return text + (older.empty() ? "; --since shows less\n" : "\n");
}

// The table of the newest rows, with a line where a level begins.
std::string Table(const HistorySeries& series, bool wide, bool color) {
  std::vector<Row> rows = RowsOf(series);
  const size_t most = wide ? rows.size() : kMostRowsOfSeries;
  const size_t hidden = rows.size() - std::min(most, rows.size());
  const std::vector<Row> older(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(hidden));
  const std::vector<Row> shown(rows.begin() + static_cast<ptrdiff_t>(hidden), rows.end());
  std::istringstream lines(RenderTable(MakeGrid(PageColumns(shown), shown), color));
  std::string text;
  std::string line;
  std::getline(lines, line);
  text += line + "\n";
  if (hidden > 0 || series.runs_left_out() > 0) text += OlderLine(older, series.runs_left_out());
  for (const Row& row : shown) {
    if (row.change != nullptr) text += ChangeLine(*row.change);
    std::getline(lines, line);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

// The runs of the present level that count.
int LevelRuns(const HistorySeries& series) {
  int first = 0;
  for (const v1::ChangePoint& change : series.changes())
    if (IsWithin(series, change)) first = change.point();
  return static_cast<int>(std::count_if(series.points().begin() + first, series.points().end(),
                                        [](const HistoryPoint& one) { return !IsSpoiled(one); }));
}

std::string TrendText(const HistorySeries& series) {
  if (!series.has_trend_percent()) return "";
  const bool none = series.trend_low_percent() <= 0 && series.trend_high_percent() >= 0;
  return (none ? "none for certain: " : "") + SignedPercent(series.trend_percent()) +
         " from first to last (95 % interval " + SignedPercent(series.trend_low_percent()) +
         " to " + SignedPercent(series.trend_high_percent()) + ")";
}

std::string Outlook(const HistorySeries& series) {
  if (!series.has_mean_seconds()) return RenderFacts({{"level", "no run counts"}});
  return RenderFacts(
      {{"level", Duration(series.mean_seconds()) + " over " + Counted(LevelRuns(series), "run")},
       {"trend", TrendText(series)},
       {"next run",
        series.has_low_seconds()
            ? Duration(series.low_seconds()) + " to " + Duration(series.high_seconds()) + " (95 %)"
            : "three runs that count tell where the next one is expected"}});
}

std::string Bars(const HistorySeries& series) {
  std::vector<std::optional<double>> values;
  for (int i = std::max(0, series.points_size() - kMostBars); i < series.points_size(); ++i) {
    values.push_back(IsSpoiled(series.points(i)) ? std::nullopt
                                                 : std::optional(series.points(i).seconds()));
  }
  return values.size() < 2 ? "" : Sparkline(values, kLeastSpan) + "\n";
}

std::string Heading(const HistorySeries& series) {
  return series.workload() + " " + series.workload_hash().substr(0, kHashShown) + " on " +
         series.device() + ", " +
         (series.software().empty() ? "software not known" : series.software());
}

std::string SeriesText(const HistorySeries& series, bool wide, bool color) {
  return SafeText(Heading(series)) + "\n" + Bars(series) + Table(series, wide, color) +
         Outlook(series);
}

std::string ElsewhereText(const std::vector<Row>& rows, bool listed, bool color) {
  if (rows.empty()) return "";
  if (!listed) {
    return Counted(std::ssize(rows), "result") +
           " measured elsewhere, it is not known when: -o wide lists them\n";
  }
  const std::vector<Column<Row>> columns = {
      TextColumn<Row>("device", "DEVICE", [](const Row& row) { return row.series.device(); }),
      TextColumn<Row>("workload", "WORKLOAD", [](const Row& row) { return row.series.workload(); }),
      MeasuredColumn<Row>(
          "seconds", "TIME/EPOCH",
          [](const Row& row) { return std::optional(row.point.seconds()); }, Duration),
      TextColumn<Row>("source", "SOURCE", [](const Row& row) { return row.series.source(); })};
  return "Measured elsewhere, it is not known when:\n" +
         RenderTable(MakeGrid(columns, rows), color);
}

std::optional<double> ChangePercent(const Row& row) {
  if (row.change == nullptr) return std::nullopt;
  return PercentChange(row.change->before_seconds(), row.change->after_seconds());
}

}  // namespace

Grid HistoryGrid(const v1::GetHistoryResponse& history) {
  constexpr Shown kWide = Shown::kWide;
  const std::vector<Column<Row>> columns = {
      TextColumn<Row>("device", "DEVICE", [](const Row& row) { return row.series.device(); }),
      TextColumn<Row>("workload", "WORKLOAD", [](const Row& row) { return row.series.workload(); }),
      TextColumn<Row>("run_id", "RUN", [](const Row& row) { return row.point.run_id(); }),
      TimeColumn<Row>("at_unix_ms", "STARTED",
                      [](const Row& row) {
                        return IsMeasured(row.series) ? std::optional(row.point.at_unix_ms())
                                                      : std::nullopt;
                      }),
      MeasuredColumn<Row>(
          "seconds", "LAP", [](const Row& row) { return std::optional(row.point.seconds()); },
          Duration),
      MeasuredColumn<Row>(
          "low_seconds", "LOW",
          [](const Row& row) { return LAPTIME_MEASURED(row.point, low_seconds); }, Duration),
      MeasuredColumn<Row>(
          "high_seconds", "HIGH",
          [](const Row& row) { return LAPTIME_MEASURED(row.point, high_seconds); }, Duration),
      TextColumn<Row>("verdict", "VERDICT", [](const Row& row) { return row.point.verdict(); }),
      TextColumn<Row>("validity", "VALIDITY",
                      [](const Row& row) { return Word(row.point.validity()); }),
      MeasuredColumn<Row>("change_percent", "CHANGE", ChangePercent, SignedPercent),
      TextColumn<Row>("annotations", "REMARKS", [](const Row& row) { return Remarks(row.point); }),
      TextColumn<Row>(
          "workload_hash", "HASH", [](const Row& row) { return row.series.workload_hash(); },
          kWide),
      TextColumn<Row>(
          "segment", "SEGMENT", [](const Row& row) { return row.series.segment(); }, kWide),
      TextColumn<Row>(
          "software", "SOFTWARE", [](const Row& row) { return row.series.software(); }, kWide),
      TextColumn<Row>(
          "source", "SOURCE", [](const Row& row) { return row.series.source(); }, kWide)};
  std::vector<Row> all;
  for (const HistorySeries& series : history.series())
    for (const Row& row : RowsOf(series)) all.push_back(row);
  return MakeGrid(columns, all);
}

std::string HistoryPage(const v1::GetHistoryResponse& history, bool wide, bool color) {
  std::string text;
  std::vector<Row> elsewhere;
  int measured = 0;
  for (const HistorySeries& series : history.series()) {
    if (!IsMeasured(series)) {
      for (const Row& row : RowsOf(series)) elsewhere.push_back(row);
    } else if (++measured <= kMostSeriesShown || wide) {
      text += (text.empty() ? "" : "\n") + SeriesText(series, wide, color);
    }
  }
  if (measured > kMostSeriesShown && !wide) {
    text += "\n… " + std::to_string(measured - kMostSeriesShown) +
            " more series; --device and --workload choose, -o wide, csv or json has all\n";
  }
  const std::string rest = ElsewhereText(elsewhere, wide || measured == 0, color);
  return text + (text.empty() || rest.empty() ? "" : "\n") + rest;
}

}  // namespace laptime::client
