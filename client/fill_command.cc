#include <ostream>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/fill_plan.h"
#include "client/job_follow.h"
#include "client/job_view.h"
#include "client/job_watch.h"
#include "client/matrix_command.h"

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

absl::StatusOr<v1::ListJobsResponse> Submit(Session& session, const FillPlan& plan,
                                            const v1::GetMatrixRequest& request,
                                            std::stop_token stop) {
  v1::ListJobsResponse jobs;
  for (const FillJob& job : plan.jobs) {
    const auto submitted = CallAgain(session, kPatiencePlain, stop, &Session::Stub::SubmitJob,
                                     SubmissionOf(job, request.settings()));
    if (!submitted.ok()) return submitted.status();  // what was said before is submitted
    session.Say(ResolvedText(*submitted, /*dry_run=*/false));
    *jobs.add_jobs() = submitted->job();
  }
  return jobs;
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

// One after the other, as they run; the first bad end is the whole's.
int Follow(Session& session, const v1::ListJobsResponse& jobs, std::stop_token stop) {
  FollowOptions follow;
  follow.prints = false;
  int code = kExitOk;
  for (const v1::Job& job : jobs.jobs()) {
    const int ended = FollowJob(session, job.id(), follow, stop);
    if (ended == kExitInterrupted) return ended;
    if (code == kExitOk) code = ended;
  }
  return code;
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
  const absl::StatusOr<v1::ListJobsResponse> jobs = Submit(session, plan, *request, stop);
  if (!jobs.ok()) return session.Fail(jobs.status());
  if (options.detach) return PrintDetached(session, *jobs);
  const int code = Follow(session, *jobs, stop);
  if (code == kExitInterrupted) return code;
  if (!jobs->jobs().empty()) matrix = CallAgain(session, kPatiencePlain, stop, get, *request);
  if (!matrix.ok()) return session.Fail(matrix.status());
  const int printed = PrintMatrix(session, *matrix);
  return printed == kExitOk ? code : printed;
}

}  // namespace laptime::client
