#include "client/progress.h"

#include <algorithm>

#include "client/format.h"
#include "client/text.h"

namespace laptime::client {
namespace {

constexpr int kBarColumns = 10;

// "[=====>    ]"
std::string Bar(double fraction) {
  const int filled = std::clamp(static_cast<int>(fraction * kBarColumns), 0, kBarColumns);
  std::string bar(static_cast<size_t>(filled), '=');
  if (filled < kBarColumns) bar += '>';
  bar.resize(kBarColumns, ' ');
  return "[" + bar + "]";
}

double FractionOf(const v1::StepProgress& step) {
  if (step.steps() <= 0) return 0;
  return std::clamp(static_cast<double>(step.step()) / step.steps(), 0.0, 1.0);
}

// What the steps that are left will take: all that can be told before the first evaluation.
std::optional<double> RemainingStepSeconds(const RunProgressState& run) {
  const v1::StepProgress& step = run.step;
  if (run.last_lap || !step.has_step_seconds()) return std::nullopt;
  const int here = std::max(0, step.steps() - step.step());
  const int steps = here + std::max(0, run.epochs - step.epoch()) * step.steps();
  return steps * step.step_seconds();
}

std::string Running(const RunProgressState& run) {
  const v1::StepProgress& step = run.step;
  if (step.epoch() == 0) return "  starting";
  std::string text = "  epoch " + std::to_string(step.epoch()) + "/" + std::to_string(run.epochs);
  const double fraction = FractionOf(step);
  text += " " + Bar(fraction) + " " + Percent(100 * fraction);
  if (step.phase() == "bank" || step.phase() == "knn") {
    text += "  evaluating";
  } else if (step.has_step_seconds()) {
    text += "  " + Significant(step.step_seconds()) + " s/step";
  }
  if (run.utilization_percent) {
    text += run.kind == v1::DEVICE_KIND_CPU ? "  cpu " : "  gpu ";
    text += Percent(*run.utilization_percent);
  }
  if (auto seconds = RemainingSeconds(run)) {
    text += "  eta " + Duration(*seconds);
  } else if (auto steps = RemainingStepSeconds(run)) {
    text += "  eta > " + Duration(*steps);
  }
  return text;
}

std::string LapText(const v1::Epoch& lap, int epochs) {
  std::string text = "epoch " + std::to_string(lap.number()) + "/" + std::to_string(epochs);
  if (lap.has_wall_seconds()) text += " in " + Duration(lap.wall_seconds());
  if (lap.has_mean_loss()) text += ", loss " + Significant(lap.mean_loss());
  if (lap.has_knn_accuracy()) text += ", kNN " + Significant(lap.knn_accuracy());
  return text;
}

std::string Because(const v1::Failure& failure) {
  return failure.message().empty() ? "" : ": " + failure.message();
}

std::string ChangeText(const v1::RunChanged& change) {
  switch (change.state()) {
    case v1::RUN_STATE_QUEUED:
      if (change.attempt() == 0) return "one more, queued";
      return "attempt " + std::to_string(change.attempt()) + " failed" + Because(change.failure()) +
             "; queued again";
    case v1::RUN_STATE_ASSIGNED:
      return "starting";
    case v1::RUN_STATE_RUNNING:
      return "running" + (change.attempt() > 1 ? ", attempt " + std::to_string(change.attempt())
                                               : std::string());
    default:
      return Word(change.state()) + Because(change.failure());
  }
}

// Running ones first, then what waits, then what has ended.
int Rank(v1::RunState state) {
  if (HasEnded(state)) return 2;
  return state == v1::RUN_STATE_QUEUED ? 1 : 0;
}

}  // namespace

bool HasEnded(v1::RunState state) { return state >= v1::RUN_STATE_SUCCEEDED; }
bool HasEnded(v1::JobState state) { return state >= v1::JOB_STATE_SUCCEEDED; }

std::optional<double> RemainingSeconds(const RunProgressState& run) {
  const v1::StepProgress& step = run.step;
  const bool training = step.phase() == "train" || step.phase().empty();
  // What an evaluation takes is not known before the first lap is over.
  if (!run.last_lap) return std::nullopt;
  const double evaluation = run.last_lap->evaluation_seconds();
  double left = 0;
  if (training) {
    if (!step.has_step_seconds()) return std::nullopt;
    left = (step.steps() - step.step()) * step.step_seconds() + evaluation;
  } else {
    // Bank, then kNN: each goes over its own images.
    const int images = run.last_lap->evaluated_images();
    const int done = step.phase() == "knn" ? images - step.steps() + step.step() : step.step();
    if (images > 0) left = evaluation * (1 - static_cast<double>(done) / images);
  }
  return left + std::max(0, run.epochs - step.epoch()) * run.last_lap->wall_seconds();
}

std::string ProgressLine(const RunProgressState& run, int columns) {
  std::string text = run.label;
  switch (run.state) {
    case v1::RUN_STATE_QUEUED:
      text += run.attempt == 0 ? "  queued" : "  queued again" + Because(run.failure);
      break;
    case v1::RUN_STATE_ASSIGNED:
      text += "  starting";
      break;
    case v1::RUN_STATE_RUNNING:
      text += Running(run);
      if (run.attempt > 1) text += "  attempt " + std::to_string(run.attempt);
      break;
    default:
      text += "  " + Word(run.state) + Because(run.failure);
      if (run.last_lap) text += "  " + LapText(*run.last_lap, run.epochs);
  }
  return Truncate(SafeText(text), columns);
}

ProgressBoard::ProgressBoard(const v1::GetJobResponse& job, const std::string& only_run)
    : whole_job_(only_run.empty()) {
  for (const v1::Run& run : job.runs()) {
    if (!only_run.empty() && run.id() != only_run) continue;
    RunProgressState& state = runs_[run.id()];
    state.device = run.device();
    state.label = run.device();
    if (job.job().repeats() > 1) state.label += " #" + std::to_string(run.repetition());
    state.kind = run.kind();
    state.state = run.state();
    state.attempt = run.attempt();
    state.epochs = run.epochs();
    state.failure = run.failure();
    order_.push_back(run.id());
  }
}

void ProgressBoard::Add(const v1::JobEvent& event) {
  RunProgressState state;
  state.device = event.device();
  state.epochs = event.run_changed().epochs();
  int repetition = 1;
  for (const auto& [id, run] : runs_) {
    if (run.device != event.device()) continue;
    ++repetition;
    state.kind = run.kind;
  }
  state.label = event.device() + " #" + std::to_string(repetition);
  runs_[event.run_id()] = std::move(state);
  order_.push_back(event.run_id());
}

std::optional<std::string> ProgressBoard::Apply(const v1::JobEvent& event) {
  const v1::RunChanged& changed = event.run_changed();
  if (whole_job_ && changed.state() == v1::RUN_STATE_QUEUED && changed.attempt() == 0 &&
      runs_.count(event.run_id()) == 0) {
    Add(event);
  }
  const auto found = runs_.find(event.run_id());
  if (found == runs_.end()) return std::nullopt;
  RunProgressState& run = found->second;
  switch (event.event_case()) {
    case v1::JobEvent::kRunChanged: {
      const v1::RunChanged& change = event.run_changed();
      if (change.attempt() != run.attempt) {
        run.step.Clear();
        run.last_lap.reset();
      }
      run.state = change.state();
      run.attempt = change.attempt();
      run.failure = change.failure();
      if (change.epochs() > 0) run.epochs = change.epochs();
      return run.label + ": " + ChangeText(change);
    }
    case v1::JobEvent::kEpochFinished:
      run.last_lap = event.epoch_finished();
      return run.label + ": " + LapText(event.epoch_finished(), run.epochs);
    case v1::JobEvent::kProgress:
      run.step = event.progress().step();
      if (event.progress().has_utilization_percent()) {
        run.utilization_percent = event.progress().utilization_percent();
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::vector<std::string> ProgressBoard::Lines(int columns, int rows) const {
  std::vector<std::string> ids = order_;
  std::ranges::stable_sort(ids, {},
                           [this](const std::string& id) { return Rank(runs_.at(id).state); });
  const bool fits = static_cast<int>(ids.size()) <= rows;
  const size_t shown = fits ? ids.size() : static_cast<size_t>(std::max(1, rows - 1));
  std::vector<std::string> lines;
  for (size_t i = 0; i < shown; ++i) lines.push_back(ProgressLine(runs_.at(ids[i]), columns));
  if (!fits)
    lines.push_back(Truncate("… and " + std::to_string(ids.size() - shown) + " more", columns));
  return lines;
}

v1::RunState ProgressBoard::StateOf(const std::string& run_id) const {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? v1::RUN_STATE_UNSPECIFIED : found->second.state;
}

}  // namespace laptime::client
