#include "server/watch_call.h"

#include <atomic>
#include <memory>

#include "proto/support/mutex.h"
#include "proto/support/status.h"
#include "proto/support/stream_sender.h"
#include "server/security/auth.h"

namespace laptime {
namespace {

using Reactor = grpc::ServerWriteReactor<v1::JobEvent>;

// Stored events sent in one call; a watcher so far behind comes again for the rest.
constexpr size_t kPage = kMaxQueuedToWatcher / 2;

// One watcher. The look-up of stored events and the subscription happen in one turn of the writer
// thread, which also publishes: nothing is missed between them and nothing comes twice.
class WatchCall : public Reactor,
                  public StreamWriter<v1::JobEvent>,
                  public std::enable_shared_from_this<WatchCall> {
 public:
  WatchCall(Coordinator& coordinator, EventHub& hub, const v1::WatchJobRequest& request,
            std::function<bool()> still_good)
      : coordinator_(coordinator),
        hub_(hub),
        request_(request),
        still_good_(std::move(still_good)),
        sender_(*this, kMaxQueuedToWatcher) {}

  void Begin() {
    self_ = shared_from_this();
    auto stored = std::make_shared<std::vector<v1::JobEvent>>();
    auto self = shared_from_this();
    coordinator_.DecideAsync([self, stored](storage::Transaction& tx, RunLifecycle&,
                                            Outbox&) { return self->Load(tx, *stored); },
                             [self, stored](const absl::Status& status) {
                               if (!status.ok()) return self->Close(status);
                               self->Tell(self->Begun());
                               for (const v1::JobEvent& event : *stored) self->Tell(event);
                               if (stored->size() >= kPage) {
                                 return self->Close(absl::AbortedError(
                                     "more events are stored; watch again from the last seq"));
                               }
                               if (self->over_) return self->Close(absl::OkStatus());
                               self->Subscribe();
                             });
  }

  void OnWriteDone(bool ok) override { sender_.OnWriteDone(ok); }
  void OnCancel() override {
    Close(absl::CancelledError("the watcher is gone"));
    sender_.Close(/*now=*/true);
  }
  void OnDone() override {
    gone_ = true;
    if (const int64_t number = watch_number_; number != 0) hub_.Unwatch(job_id_, number);
    self_.reset();
  }

  // StreamWriter.
  void StartWrite(const v1::JobEvent* event) override { Reactor::StartWrite(event); }
  void End() override {
    absl::Status status;
    {
      MutexLock lock(mu_);
      status = status_;
    }
    Finish(ToGrpc(status));
  }

 private:
  absl::Status Load(const storage::Reader& reader, std::vector<v1::JobEvent>& stored) {
    absl::StatusOr<std::string> job_id = reader.ResolveJobId(request_.id());
    if (!job_id.ok()) return job_id.status();
    job_id_ = *job_id;
    absl::StatusOr<std::vector<v1::JobEvent>> events =
        reader.Events(job_id_, request_.after_seq(), static_cast<int>(kPage));
    if (!events.ok()) return events.status();
    absl::StatusOr<v1::Job> job = reader.FindJob(job_id_);
    if (!job.ok()) return job.status();
    over_ = job->runs_ended() == job->runs();
    stored = *std::move(events);
    return absl::OkStatus();
  }

  // Tells the watcher of a quiet job that it is connected.
  v1::JobEvent Begun() const {
    v1::JobEvent begun;
    begun.set_job_id(job_id_);
    return begun;
  }

  void Subscribe() {
    watch_number_ = hub_.Watch(job_id_, [weak = weak_from_this()](const v1::JobEvent& event) {
      if (auto self = weak.lock()) self->Hear(event);
    });
    if (gone_) hub_.Unwatch(job_id_, watch_number_);
    // Whoever was revoked while it subscribed.
    if (!still_good_()) Revoke();
  }

  // What the hub says.
  void Hear(const v1::JobEvent& event) {
    if (event.job_id().empty()) return Close(absl::UnavailableError("the coordinator is stopping"));
    if (!still_good_()) return Revoke();
    if (event.event_case() != v1::JobEvent::EVENT_NOT_SET) Tell(event);
  }

  void Tell(const v1::JobEvent& event) {
    if (!sender_.Send(event)) {
      return Close(
          absl::AbortedError("the watcher reads too slowly; watch again from the last seq"));
    }
    if (event.event_case() == v1::JobEvent::kJobEnded) Close(absl::OkStatus());
  }

  // What waits is not sent.
  void Revoke() {
    Close(CredentialsRevoked());
    sender_.Close(/*now=*/true);
  }

  void Close(const absl::Status& status) {
    {
      MutexLock lock(mu_);
      if (!closed_) status_ = status;
      closed_ = true;
    }
    sender_.Close();
  }

  // Constant after construction.
  Coordinator& coordinator_;
  EventHub& hub_;
  const v1::WatchJobRequest request_;
  const std::function<bool()> still_good_;

  // Written on the writer thread before the subscription.
  std::string job_id_;
  bool over_ = false;  // the job had ended already

  std::atomic<int64_t> watch_number_ = 0;
  std::atomic<bool> gone_ = false;
  std::shared_ptr<WatchCall> self_;  // until OnDone
  StreamSender<v1::JobEvent> sender_;

  Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

class RefusedWatch : public Reactor {
 public:
  explicit RefusedWatch(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::JobEvent>* StartWatch(Coordinator& coordinator, EventHub& hub,
                                                   const v1::WatchJobRequest& request,
                                                   std::function<bool()> still_good) {
  auto call = std::make_shared<WatchCall>(coordinator, hub, request, std::move(still_good));
  call->Begin();
  return call.get();
}

grpc::ServerWriteReactor<v1::JobEvent>* RefuseWatch(const absl::Status& status) {
  return new RefusedWatch(status);
}

}  // namespace laptime
