#include <ostream>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/job_follow.h"
#include "client/job_view.h"
#include "client/job_watch.h"
#include "client/run_view.h"
#include "client/submission.h"

namespace laptime::client {
namespace {

int PrintPlan(Session& session, const v1::SubmitJobResponse& response) {
  session.Say(ResolvedText(response, /*dry_run=*/true));
  return session.Print({&response, "runs", RunGrid(response.runs()), nullptr});
}

// The id alone, so that a script can take it; the whole answer where JSON was asked for.
int PrintDetached(Session& session, const v1::SubmitJobResponse& response) {
  const Format format = session.look().format;
  if (format == Format::kJson || format == Format::kJsonLines) {
    return session.Print({&response, "", RunGrid(response.runs()), nullptr});
  }
  session.console().out << response.job().id() << "\n" << std::flush;
  return kExitOk;
}

}  // namespace

int RunSubmit(Session& session, const SubmitOptions& options) {
  const absl::StatusOr<v1::SubmitJobRequest> request = MakeSubmission(options);
  if (!request.ok()) return session.Fail(request.status());
  // Tells at once when nobody answers; from here on the coordinator is known to be there and worth
  // waiting for.
  const auto info = session.Call(&Session::Stub::GetServerInfo, v1::GetServerInfoRequest());
  if (!info.ok()) return session.Fail(info.status());
  const std::stop_token stop = session.interrupt().Take();
  const auto response =
      CallAgain(session, kPatiencePlain, stop, &Session::Stub::SubmitJob, *request);
  if (!response.ok()) return session.Fail(response.status());
  if (options.dry_run) return PrintPlan(session, *response);
  session.Say(ResolvedText(*response, /*dry_run=*/false));
  if (options.detach) return PrintDetached(session, *response);
  return FollowJob(session, response->job().id(), {}, stop);
}

}  // namespace laptime::client
