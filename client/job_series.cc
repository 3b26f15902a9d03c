#include "client/job_series.h"

#include <algorithm>

#include "client/exit_codes.h"

namespace laptime::client {

using std::chrono::milliseconds;

SubmittedSeries SubmitSeries(const std::vector<FillJob>& jobs,
                             const std::function<absl::StatusOr<v1::Job>(const FillJob&)>& submit,
                             std::stop_token stop) {
  SubmittedSeries series;
  for (const FillJob& job : jobs) {
    if (stop.stop_requested()) {
      series.status = absl::CancelledError("interrupted");
      break;
    }
    absl::StatusOr<v1::Job> made = submit(job);
    series.status = made.status();
    if (!made.ok()) break;
    *series.made.add_jobs() = *std::move(made);
  }
  return series;
}

FollowedSeries FollowSeries(
    const v1::ListJobsResponse& jobs, const Clock& clock, std::optional<milliseconds> limit,
    const std::function<int(const std::string& id, std::optional<milliseconds> left)>& follow) {
  const auto begun = clock.Now();
  std::optional<milliseconds> left;
  FollowedSeries series;
  for (int i = 0; i < jobs.jobs_size(); ++i) {
    const auto passed = std::chrono::duration_cast<milliseconds>(clock.Now() - begun);
    if (limit) left = std::max(milliseconds(0), *limit - passed);
    const int code = follow(jobs.jobs(i).id(), left);
    if (!IsAnEnd(code)) {
      series.code = code;
      for (; i < jobs.jobs_size(); ++i) series.left.push_back(jobs.jobs(i).id());
    } else if (series.code == kExitOk) {
      series.code = code;
    }
  }
  return series;
}

}  // namespace laptime::client
