#include <algorithm>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/job_follow.h"
#include "client/job_view.h"
#include "client/run_view.h"

namespace laptime::client {
namespace {

// The most that one answer of the coordinator holds.
constexpr int kLargestPage = 1000;

absl::StatusOr<v1::GetJobResponse> GetJob(Session& session, const std::string& id) {
  v1::GetJobRequest request;
  request.set_id(id);
  return session.Call(&Session::Stub::GetJob, request);
}

int PrintJob(Session& session, const v1::GetJobResponse& job) {
  const auto page = [&job](bool wide, bool color) { return JobPage(job, wide, color); };
  return session.Print({&job, "runs", RunGrid(job.runs()), page});
}

}  // namespace

int RunJobList(Session& session, const JobListOptions& options) {
  v1::ListJobsResponse jobs;
  v1::ListJobsRequest request;
  do {
    request.set_page_size(std::min(kLargestPage, options.limit - jobs.jobs_size()));
    const auto page = session.Call(&Session::Stub::ListJobs, request);
    if (!page.ok()) return session.Fail(page.status());
    jobs.mutable_jobs()->MergeFrom(page->jobs());
    jobs.set_next_page_token(page->next_page_token());
    request.set_page_token(page->next_page_token());
  } while (!jobs.next_page_token().empty() && jobs.jobs_size() < options.limit);
  if (!jobs.next_page_token().empty()) session.Say("there are older jobs; --limit N shows more");
  return session.Print({&jobs, "jobs", JobGrid(jobs.jobs()), nullptr});
}

int RunJobShow(Session& session, const IdOptions& options) {
  const auto job = GetJob(session, options.id);
  return job.ok() ? PrintJob(session, *job) : session.Fail(job.status());
}

int RunJobWatch(Session& session, const IdOptions& options) {
  return FollowJob(session, options.id, {}, session.interrupt().Take());
}

int RunJobWait(Session& session, const IdOptions& options) {
  FollowOptions follow;
  follow.silent = true;
  return FollowJob(session, options.id, follow, session.interrupt().Take());
}

int RunJobCancel(Session& session, const IdOptions& options) {
  const auto job = GetJob(session, options.id);
  if (!job.ok()) return session.Fail(job.status());
  const int open = job->job().runs() - job->job().runs_ended();
  const std::string& id = job->job().id();
  if (open > 0 && !session.Confirm("cancel job " + id + ", " + std::to_string(open) +
                                   " of its runs not ended?")) {
    session.Say("nothing was cancelled");
    return kExitFailure;
  }
  v1::CancelJobRequest request;
  request.set_id(id);
  const auto cancelled = session.Call(&Session::Stub::CancelJob, request);
  if (!cancelled.ok()) return session.Fail(cancelled.status());
  session.Say(open > 0 ? "job " + id + " cancelled" : "job " + id + " had ended already");
  return PrintJob(session, *cancelled);
}

}  // namespace laptime::client
