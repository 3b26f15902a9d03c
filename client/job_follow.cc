#include "client/job_follow.h"

#include <memory>
#include <utility>

#include "client/exit_codes.h"
#include "client/job_view.h"
#include "client/job_watch.h"
#include "client/progress_display.h"
#include "client/run_view.h"

namespace laptime::client {
namespace {

std::unique_ptr<ProgressDisplay> MakeDisplay(Session& session, bool silent) {
  if (silent || session.options().quiet) return std::make_unique<SilentDisplay>();
  Console& console = session.console();
  if (console.err_terminal) return std::make_unique<TerminalDisplay>(console.err);
  return std::make_unique<PlainDisplay>(console.err);
}

std::chrono::milliseconds PatienceOf(Session& session) {
  return session.console().err_terminal ? std::chrono::milliseconds(kPatienceTerminal)
                                        : std::chrono::milliseconds(kPatiencePlain);
}

v1::GetJobRequest JobRequest(const std::string& id) {
  v1::GetJobRequest request;
  request.set_id(id);
  return request;
}

// True when what the person follows is over, so that there is nothing to watch.
bool IsOver(const v1::GetJobResponse& job, const ProgressBoard& board,
            const std::string& only_run) {
  return HasEnded(job.job().state()) || (!only_run.empty() && HasEnded(board.StateOf(only_run)));
}

absl::Status Watch(Session& session, const v1::GetJobResponse& job, const FollowOptions& options,
                   std::stop_token stop) {
  ProgressBoard board(job, options.only_run);
  if (IsOver(job, board, options.only_run)) return absl::OkStatus();
  const std::unique_ptr<ProgressDisplay> display = MakeDisplay(session, options.silent);
  display->Update(board, std::nullopt);
  JobWatch::Observer observer;
  observer.on_event = [&](const v1::JobEvent& event) {
    display->Update(board, board.Apply(event));
    return options.only_run.empty() || !HasEnded(board.StateOf(options.only_run));
  };
  observer.on_connection = [&](const std::string& line) { display->Remark(line); };
  const SystemClock clock;
  JobWatch watch(session, clock, job.job().id(), std::move(observer),
                 {PatienceOf(session), options.limit ? options.limit : session.wait_limit()});
  return watch.Run(stop);
}

// The last word: what each run came to.
int PrintEnd(Session& session, const v1::GetJobResponse& job, const FollowOptions& options) {
  const std::string& only_run = options.only_run;
  v1::ListRunsResponse runs;
  for (const v1::Run& run : job.runs()) {
    if (only_run.empty() || run.id() == only_run) *runs.add_runs() = run;
  }
  for (const v1::Run& run : runs.runs()) {
    if (run.failure().message().empty() || run.state() == v1::RUN_STATE_SUCCEEDED) continue;
    session.Say("run " + run.id() + " on " + run.device() + ": " + run.failure().message());
    if (!run.failure().hint().empty()) session.Say("hint: " + run.failure().hint());
  }
  for (const std::string& line : RepeatsLines(job)) session.Say(line);
  if (!options.prints) return ExitCodeFor(job.job().state());
  const int printed = only_run.empty()
                          ? session.Print({&job, "runs", RunGrid(job.runs()), nullptr})
                          : session.Print({&runs, "runs", RunGrid(runs.runs()), nullptr});
  if (printed != kExitOk) return printed;
  if (!only_run.empty() && runs.runs_size() == 1) return ExitCodeFor(runs.runs(0).state());
  return ExitCodeFor(job.job().state());
}

}  // namespace

int FollowJob(Session& session, const std::string& job_id, const FollowOptions& options,
              std::stop_token stop) {
  const auto get = &Session::Stub::GetJob;
  absl::StatusOr<v1::GetJobResponse> job = session.Call(get, JobRequest(job_id));
  if (!job.ok()) return session.Fail(job.status());
  const std::string id = job->job().id();
  absl::Status watched = Watch(session, *job, options, stop);
  if (watched.ok()) {
    job = CallAgain(session, PatienceOf(session), stop, get, JobRequest(id));
    watched = job.status();
  }
  if (watched.code() == absl::StatusCode::kCancelled) {
    if (options.detaches) {
      session.Say("detached: job " + id + " goes on; " + session.ComeBack(id));
    }
    return kExitInterrupted;
  }
  if (!watched.ok()) return session.Fail(watched);
  return PrintEnd(session, *job, options);
}

}  // namespace laptime::client
