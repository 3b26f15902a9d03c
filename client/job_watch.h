#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "client/patience.h"
#include "client/session.h"
#include "proto/support/clock.h"
#include "proto/support/pause.h"

namespace laptime::client {

// One job's events from beginning to end, over as many connections as it takes.
//
// For a coordinator that was there a moment ago: while it is away the watch keeps trying (see
// Patience) and goes on after the last event it saw, so that nothing is told twice. Used by one
// thread, but `stop` may be requested from any. `session` and `clock` must outlive it.
class JobWatch {
 public:
  struct Observer {
    // False: enough has been seen, the watch ends well.
    std::function<bool(const v1::JobEvent&)> on_event;
    // The connection was lost or is there again, in words.
    std::function<void(const std::string&)> on_connection;
  };
  struct Limits {
    std::chrono::milliseconds patience = kPatiencePlain;
    std::optional<std::chrono::milliseconds> total;  // of the whole watch
  };

  JobWatch(Session& session, const Clock& clock, std::string job_id, Observer observer,
           Limits limits);

  // Ok when the job has ended or the observer had enough; kCancelled when `stop` was requested;
  // kDeadlineExceeded after the total limit; kUnavailable when the coordinator stayed away too
  // long.
  absl::Status Run(std::stop_token stop);

 private:
  // Reads one stream to its end. Sets `done_` when nothing more is wanted.
  grpc::Status ReadStream(std::stop_token stop);
  void Take(const v1::JobEvent& event);
  // Says what broke and waits; an error when it is time to give up.
  absl::Status WaitBeforeRetry(const absl::Status& broken, std::stop_token stop);
  bool TimeIsUp() const { return deadline_ && clock_.Now() >= *deadline_; }

  // Constant after construction.
  Session& session_;
  const Clock& clock_;
  const std::string job_id_;
  const Observer observer_;
  const Limits limits_;

  Patience patience_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  int64_t last_seq_ = 0;
  bool heard_ = false;  // anything, over the newest connection
  bool away_ = false;
  bool done_ = false;
};

// A call that is repeated while the coordinator is away, for calls that may be repeated and whose
// coordinator was there a moment ago. kCancelled when `stop` was requested.
template <typename Request, typename Response>
absl::StatusOr<Response> CallAgain(Session& session, std::chrono::milliseconds limit,
                                   std::stop_token stop,
                                   grpc::Status (Session::Stub::*method)(grpc::ClientContext*,
                                                                         const Request&, Response*),
                                   const Request& request) {
  const SystemClock clock;
  Patience patience(clock, limit);
  absl::StatusOr<Response> response = session.Call(method, request);
  while (response.status().code() == absl::StatusCode::kUnavailable) {
    const std::chrono::milliseconds wait = patience.NextWait();
    if (wait.count() == 0) break;
    if (!Pause(wait, stop)) return absl::CancelledError("interrupted");
    session.Reconnect();
    response = session.Call(method, request);
  }
  return response;
}

}  // namespace laptime::client
