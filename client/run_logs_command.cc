#include <chrono>
#include <ostream>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "client/job_watch.h"
#include "client/log_text.h"
#include "proto/support/pause.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

// How often `--follow` asks for more.
constexpr std::chrono::milliseconds kFollowPeriod{1000};

}  // namespace

int RunRunLogs(Session& session, const RunLogsOptions& options) {
  const auto get = &Session::Stub::GetRunLog;
  v1::GetRunLogRequest request;
  request.set_id(options.id);
  request.set_attempt(options.attempt);
  absl::StatusOr<v1::GetRunLogResponse> log = session.Call(get, request);
  std::stop_token stop;
  if (options.follow) stop = session.interrupt().Take();
  const auto start = std::chrono::steady_clock::now();
  const auto limit = session.wait_limit();
  LogText text;
  while (log.ok()) {
    session.console().out << text.Append(log->pieces()) << std::flush;
    if (!session.console().out.good()) return session.Fail(CannotPrint());
    if (!options.follow || log->complete()) return kExitOk;
    if (limit && std::chrono::steady_clock::now() - start >= *limit) {
      return session.Fail(WithHint(absl::StatusCode::kDeadlineExceeded,
                                   "the log of run " + options.id + " has not ended within " +
                                       session.setting("timeout") + " s",
                                   "without --timeout it is followed to its end"));
    }
    if (!Pause(kFollowPeriod, stop)) return kExitInterrupted;
    // Stay with the attempt that was shown first: a newer one has a log of its own.
    request.set_attempt(log->attempt());
    request.set_from_offset(text.next_offset());
    log = CallAgain(session, kPatiencePlain, stop, get, request);
  }
  if (log.status().code() == absl::StatusCode::kCancelled) return kExitInterrupted;
  return session.Fail(log.status());
}

}  // namespace laptime::client
