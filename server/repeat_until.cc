#include "server/repeat_until.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "server/job_plan.h"
#include "server/new_id.h"
#include "server/run_state.h"
#include "server/run_statistics.h"
#include "server/validity/validity.h"
#include "storage/run_value.h"

namespace laptime {
namespace {

constexpr double kPercent = 100;
// So many failures at the end are no accident.
constexpr size_t kFailuresToStop = 2;

// A run's value in seconds; nothing when it does not count.
std::optional<double> ValueOf(const v1::Run& run) {
  if (run.state() != v1::RUN_STATE_SUCCEEDED || !Counts(run.validity())) return std::nullopt;
  return storage::RunValue(run);
}

bool IsStopped(const v1::Run& run) {
  return run.state() == v1::RUN_STATE_CANCELLED || run.state() == v1::RUN_STATE_LOST;
}

bool HasEnded(const v1::Run& run) { return IsEnd(run.state()); }

// `runs` by repetition.
bool IsFailing(const std::vector<v1::Run>& runs) {
  return runs.size() >= kFailuresToStop &&
         std::all_of(runs.end() - kFailuresToStop, runs.end(),
                     [](const v1::Run& run) { return run.state() == v1::RUN_STATE_FAILED; });
}

std::string StateOf(const v1::Job& job, const v1::DeviceRepeats& repeats,
                    const std::vector<v1::Run>& runs) {
  if (std::ranges::any_of(runs, IsStopped)) return kRepeatsCancelled;
  if (!std::ranges::all_of(runs, HasEnded)) return kRepeatsGoOn;
  if (repeats.runs_counted() >= kFewestRepeatsUntil && repeats.has_half_width_percent() &&
      repeats.half_width_percent() <= job.until_percent())
    return kRepeatsNarrow;
  if (IsFailing(runs)) return kRepeatsFailing;
  return repeats.runs() >= job.most_repeats() ? kRepeatsSpent : kRepeatsGoOn;
}

v1::DeviceRepeats JudgeDevice(const v1::Job& job, const std::string& device,
                              std::vector<v1::Run> runs) {
  std::ranges::sort(runs, {}, &v1::Run::repetition);
  std::vector<double> seconds;
  for (const v1::Run& run : runs) {
    if (const std::optional<double> value = ValueOf(run)) seconds.push_back(*value);
  }
  v1::DeviceRepeats repeats;
  repeats.set_device(device);
  repeats.set_runs(static_cast<int>(runs.size()));
  repeats.set_runs_counted(static_cast<int>(seconds.size()));
  // No value at all is no error here: the interval is then unknown.
  if (const absl::StatusOr<RunGroup> group = SummarizeRuns(seconds); group.ok()) {
    const std::optional<double> half_width = RelativeHalfWidth(*group);
    if (half_width && std::isfinite(*half_width))
      repeats.set_half_width_percent(*half_width * kPercent);
  }
  repeats.set_state(StateOf(job, repeats, runs));
  return repeats;
}

}  // namespace

std::vector<v1::DeviceRepeats> JudgeRepeats(const v1::Job& job, const std::vector<v1::Run>& runs) {
  std::vector<v1::DeviceRepeats> judged;
  if (!job.has_until_percent()) return judged;
  std::map<std::string, std::vector<v1::Run>> by_device;
  for (const v1::Run& run : runs) by_device[run.device()].push_back(run);
  for (auto& [device, its_runs] : by_device)
    judged.push_back(JudgeDevice(job, device, std::move(its_runs)));
  return judged;
}

absl::StatusOr<std::optional<storage::NewRun>> NextRepetition(const storage::Reader& reader,
                                                              const v1::Job& job,
                                                              const storage::RunRow& ended,
                                                              int64_t now_unix_ms) {
  if (!job.has_until_percent()) return std::nullopt;
  absl::StatusOr<std::vector<v1::Run>> runs = reader.RunsOfJobOn(job.id(), ended.device_key);
  if (!runs.ok()) return runs.status();
  if (!std::ranges::all_of(*runs, HasEnded)) return std::nullopt;
  if (JudgeDevice(job, ended.run.device(), *runs).state() != kRepeatsGoOn) return std::nullopt;

  absl::StatusOr<std::vector<storage::JobDevice>> devices = reader.DevicesOfJob(job.id());
  if (!devices.ok()) return devices.status();
  std::vector<int64_t> keys;
  for (const storage::JobDevice& device : *devices) keys.push_back(device.device_key);
  const auto here = std::ranges::find(*devices, ended.device_key, &storage::JobDevice::device_key);
  const int repetition = here->last_repetition + 1;
  const int position = job.interleave()
                           ? PositionInBlocks(job.id(), repetition, ended.device_key, keys)
                           : here->position;
  return storage::NewRun{
      NewId(),     job.id(), ended.device_key, repetition, SeedOf(job, repetition),
      now_unix_ms, position};
}

}  // namespace laptime
