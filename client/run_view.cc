#include "client/run_view.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/lap_conditions.h"
#include "client/struct_facts.h"

namespace laptime::client {
namespace {

using v1::Attempt;
using v1::Epoch;
using v1::Run;

std::string FailureText(const v1::Failure& failure) {
  if (failure.message().empty() || failure.cause() == v1::FAILURE_CAUSE_UNSPECIFIED)
    return failure.message();
  return failure.message() + " (" + Word(failure.cause()) + ")";
}

Column<Run> StateColumn() {
  return {{"state", "STATE", false, false},
          [](const Run& run) { return TextCell(Word(run.state()), StyleOf(run.state())); }};
}

// "1/2" on screens, the laps done in csv.
Column<Run> LapsColumn() {
  return {{"epochs_done", "LAPS", true, false}, [](const Run& run) {
            Cell cell = NumberCell(run.epochs_done());
            cell.text += "/" + std::to_string(run.epochs());
            return cell;
          }};
}

std::vector<Column<Run>> RunColumns() {
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Run>("id", "RUN", [](const Run& r) { return r.id(); }),
      TextColumn<Run>("device", "DEVICE", [](const Run& r) { return r.device(); }),
      TextColumn<Run>("workload", "WORKLOAD", [](const Run& r) { return r.workload(); }),
      StateColumn(),
      LapsColumn(),
      MeasuredColumn<Run>(
          "median_epoch_seconds", "LAP",
          [](const Run& r) { return LAPTIME_MEASURED(r, median_epoch_seconds); }, Duration),
      MeasuredColumn<Run>(
          "knn_accuracy", "KNN", [](const Run& r) { return LAPTIME_MEASURED(r, knn_accuracy); },
          Accuracy),
      MeasuredColumn<Run>(
          "utilization_percent", "UTIL",
          [](const Run& r) { return LAPTIME_MEASURED(r, utilization_percent); }, Percent),
      TextColumn<Run>("marks", "MARKS", MarksOf),
      TextColumn<Run>(
          "job_id", "JOB", [](const Run& r) { return r.job_id(); }, kWide),
      TextColumn<Run>(
          "kind", "KIND", [](const Run& r) { return Word(r.kind()); }, kWide),
      TextColumn<Run>(
          "device_model", "MODEL", [](const Run& r) { return r.device_model(); }, kWide),
      NumberColumn<Run>(
          "attempt", "ATTEMPT", [](const Run& r) { return r.attempt(); }, kWide),
      NumberColumn<Run>(
          "repetition", "REPETITION", [](const Run& r) { return r.repetition(); }, kWide),
      NumberColumn<Run>(
          "epochs", "EPOCHS", [](const Run& r) { return r.epochs(); }, kWide),
      NumberColumn<Run>(
          "seed", "SEED", [](const Run& r) { return r.seed(); }, kWide),
      MeasuredColumn<Run>(
          "fit_seconds_per_epoch", "FIT/EPOCH",
          [](const Run& r) { return LAPTIME_MEASURED(r, fit_seconds_per_epoch); }, Duration, kWide),
      MeasuredColumn<Run>(
          "median_step_seconds", "STEP",
          [](const Run& r) { return LAPTIME_MEASURED(r, median_step_seconds); }, Duration, kWide),
      MeasuredColumn<Run>(
          "mean_loss", "LOSS", [](const Run& r) { return LAPTIME_MEASURED(r, mean_loss); },
          Significant3, kWide),
      MeasuredColumn<Run>(
          "peak_memory_bytes", "MEMORY",
          [](const Run& r) { return LAPTIME_MEASURED(r, peak_memory_bytes); }, Bytes, kWide),
      TextColumn<Run>(
          "dataset", "DATA", [](const Run& r) { return r.dataset(); }, kWide),
      TextColumn<Run>(
          "validity", "VALIDITY", [](const Run& r) { return Word(r.validity()); }, kWide),
      TextColumn<Run>(
          "workload_hash", "HASH", [](const Run& r) { return r.workload_hash(); }, kWide),
      TimeColumn<Run>(
          "created_unix_ms", "CREATED",
          [](const Run& r) { return std::optional<int64_t>(r.created_unix_ms()); }, kWide),
      TimeColumn<Run>(
          "started_unix_ms", "STARTED",
          [](const Run& r) { return LAPTIME_MEASURED(r, started_unix_ms); }, kWide),
      TimeColumn<Run>(
          "ended_unix_ms", "ENDED", [](const Run& r) { return LAPTIME_MEASURED(r, ended_unix_ms); },
          kWide),
      TextColumn<Run>(
          "failure", "FAILURE", [](const Run& r) { return FailureText(r.failure()); }, kWide),
  };
}

// One phase: its share of the lap for people, its seconds in csv.
Column<Epoch> PhaseColumn(const std::string& name, const std::string& header,
                          std::optional<double> (*get)(const v1::Phases&),
                          Shown shown = Shown::kAlways) {
  return {{name, header, true, shown == Shown::kWide}, [get](const Epoch& epoch) {
            const double lap = epoch.wall_seconds();
            return MeasuredCell(get(epoch.phases()), [lap](double seconds) {
              if (!(lap > 0)) return Duration(seconds);
              return Share(seconds / lap);
            });
          }};
}

#define LAPTIME_PHASE(field) \
  [](const v1::Phases& p) -> std::optional<double> { return LAPTIME_MEASURED(p, field); }
#define LAPTIME_LAP(field) \
  [](const Epoch& e) -> std::optional<double> { return LAPTIME_MEASURED(e, field); }
#define LAPTIME_STEP(field) \
  [](const Epoch& e) -> std::optional<double> { return LAPTIME_MEASURED(e.step_seconds(), field); }
#define LAPTIME_UTIL(field) \
  [](const Epoch& e) -> std::optional<double> { return LAPTIME_MEASURED(e.utilization(), field); }

#define LAPTIME_TREND(field) \
  [](const Epoch& e) -> std::optional<double> { return LAPTIME_MEASURED(e.trend(), field); }

std::string Tera(double value) { return Significant3(value / 1e12); }

// What is odd about the lap's steps, in words.
std::string ShapeOf(const Epoch& epoch) {
  constexpr double kDrift = 0.03;
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ", ") + word; };
  if (std::abs(epoch.trend().drift()) > kDrift) add("drifts");
  if (const int jumps = epoch.trend().jumps(); jumps > 0) add(Counted(jumps, "jump"));
  if (epoch.trend().bimodal()) add("bimodal");
  return text;
}

void AddDetail(std::vector<Column<Epoch>>& columns) {
  constexpr Shown kWide = Shown::kWide;
  columns.push_back(PhaseColumn("augment", "AUGMENT*", LAPTIME_PHASE(augment), kWide));
  columns.push_back(
      MeasuredColumn<Epoch>("train_seconds", "TRAIN", LAPTIME_LAP(train_seconds), Duration, kWide));
  columns.push_back(MeasuredColumn<Epoch>("evaluation_seconds", "EVAL",
                                          LAPTIME_LAP(evaluation_seconds), Duration, kWide));
  columns.push_back(NumberColumn<Epoch>(
      "steps", "STEPS", [](const Epoch& e) { return e.steps(); }, kWide));
  columns.push_back(MeasuredColumn<Epoch>("step_p5", "STEP P5", LAPTIME_STEP(p5), Duration, kWide));
  columns.push_back(
      MeasuredColumn<Epoch>("step_p50", "STEP P50", LAPTIME_STEP(p50), Duration, kWide));
  columns.push_back(
      MeasuredColumn<Epoch>("step_p95", "STEP P95", LAPTIME_STEP(p95), Duration, kWide));
  columns.push_back(
      MeasuredColumn<Epoch>("step_p99", "STEP P99", LAPTIME_STEP(p99), Duration, kWide));
  columns.push_back(TextColumn<Epoch>(
      "cold_steps", "COLD",
      [](const Epoch& e) { return e.has_trend() ? std::to_string(e.trend().cold_steps()) : ""; },
      kWide));
  columns.push_back(MeasuredColumn<Epoch>("sustained_seconds", "SUSTAINED",
                                          LAPTIME_TREND(sustained_seconds), Duration, kWide));
  columns.push_back(MeasuredColumn<Epoch>(
      "drift", "DRIFT", LAPTIME_TREND(drift),
      [](double share) { return SignedPercent(100 * share); }, kWide));
  columns.push_back(TextColumn<Epoch>("shape", "SHAPE", ShapeOf, kWide));
  columns.push_back(MeasuredColumn<Epoch>("flops_per_second", "TFLOP/S",
                                          LAPTIME_LAP(flops_per_second), Tera, kWide));
  columns.push_back(MeasuredColumn<Epoch>("first_loss", "FIRST LOSS", LAPTIME_LAP(first_loss),
                                          Significant3, kWide));
  columns.push_back(
      MeasuredColumn<Epoch>("last_loss", "LAST LOSS", LAPTIME_LAP(last_loss), Significant3, kWide));
  columns.push_back(MeasuredColumn<Epoch>("utilization_min_percent", "UTIL MIN",
                                          LAPTIME_UTIL(min_percent), Percent, kWide));
  columns.push_back(MeasuredColumn<Epoch>("utilization_p5_percent", "UTIL P5",
                                          LAPTIME_UTIL(p5_percent), Percent, kWide));
  columns.push_back(MeasuredColumn<Epoch>("utilization_above_90_fraction", "ABOVE 90 %",
                                          LAPTIME_UTIL(above_90_fraction), Accuracy, kWide));
  columns.push_back(TextColumn<Epoch>(
      "utilization_source", "UTIL FROM", [](const Epoch& e) { return e.utilization().source(); },
      kWide));
  columns.push_back(MeasuredColumn<Epoch>("learning_rate", "RATE", LAPTIME_LAP(learning_rate),
                                          Significant3, kWide));
  columns.push_back(MeasuredColumn<Epoch>("peak_memory_bytes", "MEMORY",
                                          LAPTIME_LAP(peak_memory_bytes), Bytes, kWide));
}

std::vector<Column<Epoch>> LapColumns() {
  std::vector<Column<Epoch>> columns{
      NumberColumn<Epoch>("number", "LAP", [](const Epoch& e) { return e.number(); }),
      MeasuredColumn<Epoch>("wall_seconds", "WALL", LAPTIME_LAP(wall_seconds), Duration),
      MeasuredColumn<Epoch>("mean_loss", "LOSS", LAPTIME_LAP(mean_loss), Significant3),
      MeasuredColumn<Epoch>("knn_accuracy", "KNN", LAPTIME_LAP(knn_accuracy), Accuracy),
      MeasuredColumn<Epoch>("images_per_second", "IMG/S", LAPTIME_LAP(images_per_second),
                            Significant3),
      MeasuredColumn<Epoch>("utilization_percent", "UTIL", LAPTIME_UTIL(mean_percent), Percent),
      PhaseColumn("load_wait", "LOAD", LAPTIME_PHASE(load_wait)),
      PhaseColumn("host_to_device", "COPY", LAPTIME_PHASE(host_to_device)),
      PhaseColumn("forward", "FWD", LAPTIME_PHASE(forward)),
      PhaseColumn("loss", "NT-XENT", LAPTIME_PHASE(loss)),
      PhaseColumn("backward", "BWD", LAPTIME_PHASE(backward)),
      PhaseColumn("optimizer", "SGD", LAPTIME_PHASE(optimizer)),
      PhaseColumn("bank", "BANK", LAPTIME_PHASE(bank)),
      PhaseColumn("knn", "VOTE", LAPTIME_PHASE(knn)),
      PhaseColumn("other", "OTHER", LAPTIME_PHASE(other)),
  };
  AddDetail(columns);
  AddConditionColumns(columns);
  return columns;
}

std::vector<Column<Attempt>> AttemptColumns() {
  return {
      NumberColumn<Attempt>("number", "ATTEMPT", [](const Attempt& a) { return a.number(); }),
      TextColumn<Attempt>("state", "STATE", [](const Attempt& a) { return Word(a.state()); }),
      NumberColumn<Attempt>("epochs_done", "LAPS",
                            [](const Attempt& a) { return a.epochs_done(); }),
      TextColumn<Attempt>("resumed_epochs", "RESUMED",
                          [](const Attempt& a) {
                            return a.resumed_epochs() == 0
                                       ? ""
                                       : "after lap " + std::to_string(a.resumed_epochs());
                          }),
      TimeColumn<Attempt>("started_unix_ms", "STARTED",
                          [](const Attempt& a) { return LAPTIME_MEASURED(a, started_unix_ms); }),
      TimeColumn<Attempt>("ended_unix_ms", "ENDED",
                          [](const Attempt& a) { return LAPTIME_MEASURED(a, ended_unix_ms); }),
      TextColumn<Attempt>("failure", "FAILURE",
                          [](const Attempt& a) { return FailureText(a.failure()); }),
  };
}

std::vector<Column<v1::Annotation>> NoteColumns() {
  using Note = v1::Annotation;
  return {TimeColumn<Note>("at_unix_ms", "NOTED",
                           [](const Note& n) { return std::optional<int64_t>(n.at_unix_ms()); }),
          TextColumn<Note>("author", "BY", [](const Note& n) { return n.author(); }),
          TextColumn<Note>("text", "NOTE", [](const Note& n) { return n.text(); })};
}

// "contaminated: foreign CPU load: 31 % of the machine's CPU time; learning not checked: …".
std::string ValidityText(const Run& run) {
  if (run.validity() <= v1::VALIDITY_NOT_EVALUATED) return "";
  std::string text = Word(run.validity());
  for (int i = 0; i < run.validity_reasons_size(); ++i)
    text += (i == 0 ? ": " : "; ") + run.validity_reasons(i);
  return text;
}

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string UtilizationText(const Run& run) {
  std::string text = Percent(run.utilization_percent());
  if (run.has_above_90_fraction())
    text += ", above 90 % in " + Percent(100 * run.above_90_fraction()) + " of the samples";
  return text;
}

void AddMeasured(Facts& facts, const Run& run) {
  if (run.has_estimate()) {
    const v1::EpochEstimate& lap = run.estimate();
    facts.emplace_back("estimated lap",
                       Duration(lap.epoch_seconds()) + " (" + Duration(lap.low_seconds()) + " to " +
                           Duration(lap.high_seconds()) + ", 95 %) from " +
                           std::to_string(lap.timed_steps()) + " steps and " +
                           std::to_string(lap.timed_images()) + " evaluated images" +
                           (lap.steady() ? "" : "; not as steady as wanted"));
  }
  if (run.has_median_epoch_seconds())
    facts.emplace_back("median lap", Duration(run.median_epoch_seconds()));
  if (run.has_fit_seconds_per_epoch()) {
    facts.emplace_back("fit per epoch", Duration(run.fit_seconds_per_epoch()));
  }
  if (run.has_median_step_seconds())
    facts.emplace_back("median step", Duration(run.median_step_seconds()));
  if (run.has_knn_accuracy()) facts.emplace_back("kNN accuracy", Accuracy(run.knn_accuracy()));
  if (run.has_utilization_percent()) facts.emplace_back("utilization", UtilizationText(run));
  if (run.has_mfu_fraction())
    facts.emplace_back("MFU", Percent(100 * run.mfu_fraction()) + " of the peak probed here");
  if (run.has_joules_per_epoch())
    facts.emplace_back("energy per lap", Significant3(run.joules_per_epoch()) + " J");
  if (run.has_peak_memory_bytes())
    facts.emplace_back("peak memory", Bytes(run.peak_memory_bytes()));
}

Facts RunFacts(const Run& run) {
  Facts facts{
      {"run", run.id() + " (job " + run.job_id() + ", repetition " +
                  std::to_string(run.repetition()) + ")"},
      {"device",
       run.device() + (run.device_model().empty() ? "" : " (" + run.device_model() + ")")},
      {"workload", run.workload() + " " + run.workload_hash().substr(0, 8)},
      {"state", Word(run.state())},
      {"marks", MarksOf(run)},
      {"data", run.dataset()},
      {"laps", std::to_string(run.epochs_done()) + " of " + std::to_string(run.epochs())},
  };
  AddMeasured(facts, run);
  if (run.has_started_unix_ms()) facts.emplace_back("started", LocalTime(run.started_unix_ms()));
  if (run.has_ended_unix_ms()) facts.emplace_back("ended", LocalTime(run.ended_unix_ms()));
  facts.emplace_back("validity", ValidityText(run));
  facts.emplace_back("learning gate", run.learning_gate());
  facts.emplace_back("software", run.segment());
  facts.emplace_back("failure", FailureText(run.failure()));
  facts.emplace_back("hint", run.failure().hint());
  return facts;
}

std::string Table(const Grid& grid, bool wide, bool color) {
  return RenderTable(wide ? grid : Narrow(grid), color);
}

}  // namespace

Style StyleOf(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_SUCCEEDED:
      return Style::kGood;
    case v1::RUN_STATE_FAILED:
    case v1::RUN_STATE_LOST:
      return Style::kBad;
    case v1::RUN_STATE_CANCELLED:
      return Style::kWarning;
    default:
      return Style::kPlain;
  }
}

std::string MarksOf(const Run& run) {
  std::string marks;
  const auto add = [&marks](bool is, const std::string& word) {
    if (is) marks += (marks.empty() ? "" : ", ") + word;
  };
  add(run.partial(), "partial");
  add(run.synthetic(), "synthetic");
  add(run.validity() > v1::VALIDITY_CLEAN, Word(run.validity()));
  return marks;
}

Grid RunGrid(const google::protobuf::RepeatedPtrField<Run>& runs) {
  return MakeGrid(RunColumns(), runs);
}

Grid LapGrid(const google::protobuf::RepeatedPtrField<Epoch>& epochs) {
  return MakeGrid(LapColumns(), epochs);
}

Grid AttemptGrid(const google::protobuf::RepeatedPtrField<Attempt>& attempts) {
  return MakeGrid(AttemptColumns(), attempts);
}

Grid NoteGrid(const google::protobuf::RepeatedPtrField<v1::Annotation>& annotations) {
  return MakeGrid(NoteColumns(), annotations);
}

std::string RunPage(const v1::GetRunResponse& response, bool wide, bool color) {
  std::string page = RenderFacts(RunFacts(response.run()));
  if (response.epochs_size() > 0) {
    page += "\n" + Table(LapGrid(response.epochs()), wide, color);
    if (response.epochs(0).phases().profiled()) {
      page += "phases are from a few profiled steps outside the lap\n";
    }
    if (const std::string note = ConditionsNote(response.epochs()); !note.empty())
      page += "beside the laps: " + note + "\n";
    if (wide) page += "* CPU seconds of the loader threads, beside the lap and not part of it\n";
  }
  if (response.attempts_size() > 1)
    page += "\n" + Table(AttemptGrid(response.attempts()), wide, color);
  if (response.annotations_size() > 0)
    page += "\n" + Table(NoteGrid(response.annotations()), wide, color);
  const std::string snapshot = RenderFacts(FactsOf(response.snapshot()));
  if (!snapshot.empty()) page += "\nsnapshot\n" + snapshot;
  return page;
}

}  // namespace laptime::client
