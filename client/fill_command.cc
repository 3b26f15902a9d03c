#include <ostream>
#include <vector>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/fill_plan.h"
#include "client/job_follow.h"
#include "client/job_series.h"
#include "client/job_view.h"
#include "client/job_watch.h"
#include "client/matrix_command.h"
#include "client/text.h"

namespace laptime::client {
namespace {

void SayWhatIsLeftOut(Session& session, const FillPlan& plan) {
  for (const auto& [device, why] : plan.skipped) session.Say("skipped " + device + ": " + why);
  if (plan.jobs.empty()) {
    session.Say("nothing to submit" +
                (plan.coming > 0 ? ": " + std::to_string(plan.coming) + " runs are on their way"
                                 : std::string()));
  }
}

absl::StatusOr<v1::Job> Submit(Session& session, const FillJob& job,
                               const v1::GetMatrixRequest& request, std::stop_token stop) {
  const auto submitted = CallAgain(session, kPatiencePlain, stop, &Session::Stub::SubmitJob,
                                   SubmissionOf(job, request.settings()));
  if (!submitted.ok()) return submitted.status();
  session.Say(ResolvedText(*submitted, /*dry_run=*/false));
  return submitted->job();
}

void SayWhatGoesOn(Session& session, const std::vector<std::string>& ids) {
  if (!ids.empty())
    session.Say("going on: job " + Joined(ids) + "; " + session.ComeBack(ids.front()));
}

// The ids alone, so that a script can take them.
int PrintDetached(Session& session, const v1::ListJobsResponse& jobs) {
  const Format format = session.look().format;
  if (format == Format::kJson || format == Format::kJsonLines)
    return session.Print({&jobs, "jobs", JobGrid(jobs.jobs()), nullptr});
  for (const v1::Job& job : jobs.jobs()) session.console().out << job.id() << "\n";
  session.console().out << std::flush;
  return kExitOk;
}

// Some jobs are made, and then there was a refusal or Ctrl-C.
int BreakOff(Session& session, const SubmittedSeries& series, bool detach) {
  std::vector<std::string> ids;
  for (const v1::Job& job : series.made.jobs()) ids.push_back(job.id());
  if (detach && !ids.empty()) {
    const int printed = PrintDetached(session, series.made);
    if (printed != kExitOk) return printed;
  }
  SayWhatGoesOn(session, ids);
  return session.Fail(series.status);
}

// As they run.
int Follow(Session& session, const v1::ListJobsResponse& jobs, std::stop_token stop) {
  FollowOptions follow;
  follow.prints = false;
  follow.detaches = false;
  const auto one = [&](const std::string& id, std::optional<std::chrono::milliseconds> left) {
    follow.limit = left;
    return FollowJob(session, id, follow, stop);
  };
  const FollowedSeries series = FollowSeries(jobs, SystemClock(), session.wait_limit(), one);
  SayWhatGoesOn(session, series.left);
  return series.code;
}

}  // namespace

int RunFill(Session& session, const FillOptions& options) {
  const absl::StatusOr<v1::GetMatrixRequest> request = MatrixRequest(options.matrix);
  if (!request.ok()) return session.Fail(request.status());
  const auto get = &Session::Stub::GetMatrix;
  auto matrix = session.Call(get, *request);
  if (!matrix.ok()) return session.Fail(matrix.status());
  const auto devices = session.Call(&Session::Stub::ListDevices, v1::ListDevicesRequest());
  if (!devices.ok()) return session.Fail(devices.status());
  const FillPlan plan = PlanFill(*matrix, *devices);
  SayWhatIsLeftOut(session, plan);
  if (options.dry_run) return session.Print({nullptr, "jobs", FillGrid(plan), nullptr});

  const std::stop_token stop = session.interrupt().Take();
  const auto submit = [&](const FillJob& job) { return Submit(session, job, *request, stop); };
  const SubmittedSeries series = SubmitSeries(plan.jobs, submit, stop);
  if (!series.status.ok()) return BreakOff(session, series, options.detach);
  if (options.detach) return PrintDetached(session, series.made);
  const int code = Follow(session, series.made, stop);
  if (!IsAnEnd(code)) return code;
  if (!series.made.jobs().empty()) matrix = CallAgain(session, kPatiencePlain, stop, get, *request);
  if (!matrix.ok()) return session.Fail(matrix.status());
  const int printed = PrintMatrix(session, *matrix);
  return printed == kExitOk ? code : printed;
}

}  // namespace laptime::client
