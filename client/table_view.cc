#include "client/table_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/text.h"

namespace laptime::client {
namespace {

using v1::TableRow;

// The page is made for terminals of this width; the model column gives way first.
constexpr int kPageColumns = 100;
constexpr int kMinModelColumns = 14;
constexpr size_t kModelColumn = 1;

// What a mark means, and how it is written where the whole word does not fit.
struct Mark {
  const char* word;
  const char* brief;
  const char* meaning;
};

constexpr std::array<Mark, 8> kMarks{{
    {"published", "published",
     "stated by its source, not measured here; it and ratios to it are whole fit time / epochs"},
    {"imported", "imported", "measured elsewhere and imported"},
    {"derived", "derived", "computed from another published figure"},
    {"estimated", "est", "extrapolated from the steps that were timed, so it claims no ratio"},
    {"partial", "part", "fewer images or steps than the full data set, so it claims no ratio"},
    {"synthetic", "syn", "trained on generated images, so it claims no ratio"},
    {"contaminated", "contam",
     "something else ran meanwhile (laptime run show), so it claims no ratio"},
    {"invalid", "invalid", "no run of it counts: laptime run show says why"},
}};

std::optional<double> SecondsOf(const TableRow& row) {
  if (row.has_epoch_seconds()) return row.epoch_seconds();
  return LAPTIME_MEASURED(row, fit_seconds_per_epoch);
}

std::string Written(const std::string& word, bool brief) {
  const auto known = std::ranges::find(kMarks, word, &Mark::word);
  return brief && known != kMarks.end() ? known->brief : word;
}

std::string MarksText(const TableRow& row, bool brief) {
  std::string text;
  for (const std::string& mark : row.marks())
    text += (text.empty() ? "" : ", ") + Written(mark, brief);
  return text;
}

std::string Minutes(double seconds) { return Significant(seconds / 60); }

std::string Joules(double joules) {
  constexpr double kKilo = 1000;
  return joules < kKilo ? Significant(joules) + " J" : Significant(joules / kKilo) + " kJ";
}

// Half of the 95 % interval, as a share of the time.
std::optional<double> HalfWidth(const TableRow& row) {
  if (!row.has_high_seconds() || !(row.low_seconds() > 0)) return std::nullopt;
  return 100 * (std::sqrt(row.high_seconds() / row.low_seconds()) - 1);
}

std::string PlusMinus(double percent) { return "±" + Significant(percent, 2) + " %"; }

std::vector<Column<TableRow>> ComparisonColumns(bool brief, bool best) {
  using Row = TableRow;
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Row>("device", "DEVICE", [](const Row& r) { return r.device(); }),
      TextColumn<Row>("model", "MODEL", [](const Row& r) { return r.model(); }),
      MeasuredColumn<Row>("epoch_seconds", "MIN/EPOCH", SecondsOf, Minutes),
      MeasuredColumn<Row>("half_width_percent", "±", HalfWidth, PlusMinus, Shown::kSparse),
      {{"runs", "RUNS", true, false},
       [](const Row& r) {
         Cell cell = NumberCell(r.runs());
         if (r.runs() == 0) cell.text = "—";
         return cell;
       }},
      MeasuredColumn<Row>(
          "ratio", "RATIO", [](const Row& r) { return LAPTIME_MEASURED(r, ratio); }, Times3),
      MeasuredColumn<Row>(
          "knn_accuracy", "KNN", [](const Row& r) { return LAPTIME_MEASURED(r, knn_accuracy); },
          Accuracy),
      MeasuredColumn<Row>(
          "utilization_percent", "UTIL",
          [](const Row& r) { return LAPTIME_MEASURED(r, utilization_percent); }, Percent),
      MeasuredColumn<Row>(
          "joules_per_epoch", "ENERGY",
          [](const Row& r) { return LAPTIME_MEASURED(r, joules_per_epoch); }, Joules,
          Shown::kSparse),
      TextColumn<Row>(
          "variant", "VARIANT", [](const Row& r) { return r.variant(); },
          best ? Shown::kAlways : kWide),
      {{"marks", "MARKS", false, false},
       [brief](const Row& r) {
         Cell cell{MarksText(r, brief), MarksText(r, false)};
         if (r.marks().empty()) cell.text = r.source();
         return cell;
       }},
      TextColumn<Row>(
          "kind", "KIND", [](const Row& r) { return Word(r.kind()); }, kWide),
      MeasuredColumn<Row>(
          "above_90_fraction", "ABOVE 90 %",
          [](const Row& r) { return LAPTIME_MEASURED(r, above_90_fraction); }, Accuracy, kWide),
      MeasuredColumn<Row>(
          "mfu_fraction", "MFU", [](const Row& r) { return LAPTIME_MEASURED(r, mfu_fraction); },
          Accuracy, kWide),
      MeasuredColumn<Row>(
          "images_per_joule", "IMG/J",
          [](const Row& r) { return LAPTIME_MEASURED(r, images_per_joule); }, Significant3, kWide),
      MeasuredColumn<Row>(
          "fit_seconds_per_epoch", "FIT MIN/EPOCH",
          [](const Row& r) { return LAPTIME_MEASURED(r, fit_seconds_per_epoch); }, Minutes, kWide),
      MeasuredColumn<Row>(
          "min_epoch_seconds", "LOWEST",
          [](const Row& r) { return LAPTIME_MEASURED(r, min_epoch_seconds); }, Minutes, kWide),
      MeasuredColumn<Row>(
          "max_epoch_seconds", "HIGHEST",
          [](const Row& r) { return LAPTIME_MEASURED(r, max_epoch_seconds); }, Minutes, kWide),
      TextColumn<Row>(
          "publishable", "PUBLISHABLE",
          [](const Row& r) { return r.publishable() ? "yes" : r.not_publishable(); }, kWide),
      NumberColumn<Row>(
          "runs_left_out", "LEFT OUT", [](const Row& r) { return r.runs_left_out(); }, kWide),
      TextColumn<Row>(
          "source", "SOURCE", [](const Row& r) { return r.source(); }, kWide),
      TextColumn<Row>(
          "workload_hash", "HASH", [](const Row& r) { return r.workload_hash().substr(0, 8); },
          kWide),
      TextColumn<Row>(
          "notes", "NOTES", [](const Row& r) { return r.notes(); }, kWide),
  };
}

std::string Caption(const v1::GetTableResponse& table, bool best) {
  std::string caption = SafeText(table.workload()) +
                        ": minutes per epoch, the median lap of each run, median over runs";
  if (best)
    caption += "\neach device at its fastest batch size and precision that learned as it must";
  if (table.baseline().empty()) return caption + "; no row can be a baseline for ratios yet\n";
  return caption + "\nratio: time of the row / time of " + SafeText(table.baseline()) +
         " (the baseline)\n";
}

std::string Footnotes(const v1::GetTableResponse& table, bool brief) {
  std::set<std::string> occurring;
  for (const TableRow& row : table.rows()) occurring.insert(row.marks().begin(), row.marks().end());
  std::vector<std::pair<std::string, std::string>> notes;
  for (const Mark& mark : kMarks) {
    if (occurring.count(mark.word) == 0) continue;
    const bool short_form = brief && std::string(mark.brief) != mark.word;
    notes.emplace_back(Written(mark.word, brief),
                       (short_form ? std::string(mark.word) + ": " : "") + mark.meaning);
  }
  return RenderFacts(notes);
}

// What is left for the model column when the others take what they need.
int RoomForModel(const Grid& grid) {
  int room = kPageColumns;
  for (size_t i = 0; i < grid.headings.size(); ++i) {
    if (i == kModelColumn) continue;
    int width = DisplayWidth(grid.headings[i].header);
    for (const auto& row : grid.rows) width = std::max(width, DisplayWidth(SafeText(row[i].text)));
    room -= width + 2;
  }
  return room;
}

void ShortenModels(Grid& grid) {
  const int room = std::max(kMinModelColumns, RoomForModel(grid));
  for (auto& row : grid.rows) {
    row[kModelColumn].text = Truncate(SafeText(row[kModelColumn].text), room);
  }
}

}  // namespace

Grid ComparisonGrid(const v1::GetTableResponse& table, bool best) {
  return MakeGrid(ComparisonColumns(/*brief=*/false, best), table.rows());
}

std::string ComparisonPage(const v1::GetTableResponse& table, bool best, bool wide, bool color) {
  Grid grid = ComparisonGrid(table, best);
  bool brief = false;
  if (!wide) {
    grid = Narrow(grid);
    brief = RoomForModel(grid) < kMinModelColumns;
    if (brief) grid = Narrow(MakeGrid(ComparisonColumns(brief, best), table.rows()));
    ShortenModels(grid);
  }
  const std::string footnotes = Footnotes(table, brief);
  return SafeText(Caption(table, best), true) + "\n" + RenderTable(grid, color) +
         (footnotes.empty() ? "" : "\n" + footnotes);
}

}  // namespace laptime::client
