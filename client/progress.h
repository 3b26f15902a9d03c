#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "laptime/v1/control.pb.h"

namespace laptime::client {

// What is known about one run while it is followed.
struct RunProgressState {
  std::string device;
  std::string label;  // "studio/mps", with " #2" for the second repetition
  v1::DeviceKind kind = v1::DEVICE_KIND_UNSPECIFIED;
  v1::RunState state = v1::RUN_STATE_QUEUED;
  int attempt = 0;
  int epochs = 0;
  v1::StepProgress step;  // the newest
  std::optional<double> utilization_percent;
  std::optional<v1::Epoch> last_lap;
  v1::Failure failure;
};

// The runs of one job as they change. Pure: events in, text out. Used by one thread.
class ProgressBoard {
 public:
  // Starts with the runs as the coordinator lists them; `only_run` limits the board to one of them.
  explicit ProgressBoard(const v1::GetJobResponse& job, const std::string& only_run = "");

  // Takes an event in and returns what plain output says about it: nothing for progress and for
  // other runs. A job that repeats until its interval is narrow gets more runs as it goes.
  std::optional<std::string> Apply(const v1::JobEvent& event);

  // One line a run, running ones first, each at most `columns` wide, at most `rows` lines.
  std::vector<std::string> Lines(int columns, int rows) const;

  // The state of a run; UNSPECIFIED when it is not on the board.
  v1::RunState StateOf(const std::string& run_id) const;

 private:
  // A run that was added to the job: queued, and not tried before.
  void Add(const v1::JobEvent& event);

  std::map<std::string, RunProgressState> runs_;
  std::vector<std::string> order_;  // as the coordinator listed them
  bool whole_job_ = true;
};

// `studio/mps  epoch 1/2 [=====>    ] 61 %  1.02 s/step  gpu 97 %  eta 2m41`, cut to `columns`.
std::string ProgressLine(const RunProgressState& run, int columns);

// Seconds until the run's last lap ends, from the recent step time and the laps before; nothing
// when unknown.
std::optional<double> RemainingSeconds(const RunProgressState& run);

bool HasEnded(v1::RunState state);
bool HasEnded(v1::JobState state);

}  // namespace laptime::client
