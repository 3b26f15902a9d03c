#include "client/job_watch.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace laptime::client {

JobWatch::JobWatch(Session& session, const Clock& clock, std::string job_id, Observer observer,
                   Limits limits)
    : session_(session),
      clock_(clock),
      job_id_(std::move(job_id)),
      observer_(std::move(observer)),
      limits_(limits),
      patience_(clock, limits.patience) {}

absl::Status JobWatch::Run(std::stop_token stop) {
  if (limits_.total) deadline_ = clock_.Now() + *limits_.total;
  while (true) {
    const absl::Status status = FromGrpc(ReadStream(stop));
    if (done_) return absl::OkStatus();
    if (stop.stop_requested()) return absl::CancelledError("interrupted");
    if (TimeIsUp()) {
      return WithHint(
          absl::StatusCode::kDeadlineExceeded,
          "job " + job_id_ + " has not ended within " + session_.setting("timeout") + " s",
          "it goes on; " + session_.ComeBack(job_id_));
    }
    // The coordinator has more than fits into one stream, or this process was slow to read.
    if (status.code() == absl::StatusCode::kAborted && heard_) continue;
    // A stream that ends well before the job did was closed by a coordinator that stops.
    const bool broken = status.ok() || status.code() == absl::StatusCode::kUnavailable;
    if (!broken) return status;
    LAPTIME_RETURN_IF_ERROR(WaitBeforeRetry(status, stop));
  }
}

grpc::Status JobWatch::ReadStream(std::stop_token stop) {
  grpc::ClientContext context;
  if (deadline_) {
    using std::chrono::system_clock;  // gRPC takes its own ticks only, which are longer on macOS
    const auto left = std::chrono::duration_cast<system_clock::duration>(*deadline_ - clock_.Now());
    context.set_deadline(system_clock::now() + left);
  }
  v1::WatchJobRequest request;
  request.set_id(job_id_);
  request.set_after_seq(last_seq_);
  const auto stream = session_.stub().WatchJob(&context, request);
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  heard_ = false;
  v1::JobEvent event;
  while (!done_ && stream->Read(&event)) Take(event);
  if (done_) context.TryCancel();
  return stream->Finish();
}

void JobWatch::Take(const v1::JobEvent& event) {
  heard_ = true;
  patience_.Succeeded();
  if (away_) {
    away_ = false;
    observer_.on_connection("the coordinator is back");
  }
  if (event.event_case() == v1::JobEvent::EVENT_NOT_SET) return;
  if (event.seq() != 0) {
    if (event.seq() <= last_seq_) return;
    last_seq_ = event.seq();
  }
  const bool wants_more = observer_.on_event(event);
  done_ = !wants_more || event.event_case() == v1::JobEvent::kJobEnded;
}

absl::Status JobWatch::WaitBeforeRetry(const absl::Status& broken, std::stop_token stop) {
  std::chrono::milliseconds wait = patience_.NextWait();
  if (wait.count() == 0) {
    absl::Status away = session_.Explain(absl::UnavailableError(MessageOf(broken)));
    return WithHint(away.code(), MessageOf(away),
                    "the job goes on without it; " + session_.ComeBack(job_id_));
  }
  if (!away_) {
    away_ = true;
    observer_.on_connection("the coordinator went away; the runs go on, trying again");
  }
  if (deadline_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - clock_.Now());
    wait = std::clamp(wait, std::chrono::milliseconds(0),
                      std::max(left, std::chrono::milliseconds(0)));
  }
  if (!Pause(wait, stop)) return absl::CancelledError("interrupted");
  session_.Reconnect();
  return absl::OkStatus();
}

}  // namespace laptime::client
