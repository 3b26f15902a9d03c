#include "server/agent_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "proto/support/log.h"
#include "proto/support/mutex.h"
#include "proto/support/status.h"
#include "proto/support/stream_sender.h"
#include "server/read_limit.h"

namespace laptime {
namespace {

using Reactor = grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>;

// One agent's stream.
//
// Reads on gRPC's threads, answers on the store's writer thread. gRPC owns a reference until
// OnDone; the registry and callbacks under way hold others.
class AgentSession : public Reactor,
                     public AgentLink,
                     public StreamWriter<v1::CoordinatorMessage>,
                     public std::enable_shared_from_this<AgentSession> {
 public:
  AgentSession(Coordinator& coordinator, AgentRegistry& registry,
               const Authenticator& authenticator, Caller caller)
      : coordinator_(coordinator),
        registry_(registry),
        authenticator_(authenticator),
        caller_(std::move(caller)),
        sender_(*this, kMaxQueuedToAgent) {}

  void Begin() {
    self_ = shared_from_this();
    StartRead(&incoming_);
  }

  // AgentLink.
  bool Send(v1::CoordinatorMessage message) override { return sender_.Send(std::move(message)); }
  void Close(const absl::Status& status) override {
    {
      MutexLock lock(mu_);
      if (!closed_) status_ = status;
      closed_ = true;
    }
    sender_.Close();
  }
  void CutOff() override {
    Close(absl::ResourceExhaustedError("the agent does not read its stream"));
    sender_.Close(/*now=*/true);
  }

  // Reactions.
  void OnReadDone(bool ok) override {
    if (!ok) return Close(absl::OkStatus());
    if (Handle(std::move(incoming_))) ReadOn();
  }
  void OnWriteDone(bool ok) override { sender_.OnWriteDone(ok); }
  void OnCancel() override {
    Close(absl::CancelledError("the agent is gone"));
    sender_.Close(/*now=*/true);
  }
  void OnDone() override {
    if (!host_id_.empty()) registry_.Detach(host_id_, this);
    self_.reset();
  }

  // StreamWriter.
  void StartWrite(const v1::CoordinatorMessage* message) override { Reactor::StartWrite(message); }
  void End() override {
    absl::Status status;
    {
      MutexLock lock(mu_);
      status = status_;
    }
    Finish(ToGrpc(status));
  }

 private:
  // True when the next message may be read at once.
  bool Handle(v1::AgentMessage message) {
    if (host_id_.empty()) return Hello(message);
    // With what it has by now it may come back: a certificate that was renewed, say.
    if (!authenticator_.StillGood(caller_)) {
      Close(absl::UnavailableError("the credentials of this stream are no longer good"));
      return false;
    }
    registry_.Renew(host_id_, this);
    const size_t bytes = message.SpaceUsedLong();
    switch (message.message_case()) {
      case v1::AgentMessage::kReport:
        return TakeReport(std::move(*message.mutable_report()), bytes);
      case v1::AgentMessage::kCommandResult:
        return HandOver(bytes, [&](Coordinator::Settled settled) {
          coordinator_.Answered(host_id_, message.command_result(), std::move(settled));
        });
      case v1::AgentMessage::kProgress:
        return HandOver(bytes, [&](Coordinator::Settled settled) {
          coordinator_.Progressed(host_id_, message.progress(), std::move(settled));
        });
      case v1::AgentMessage::kDeviceProbe:
        return HandOver(bytes, [&](Coordinator::Settled settled) {
          coordinator_.Probed(host_id_, message.device_probe(), std::move(settled));
        });
      case v1::AgentMessage::kHello:
        Close(absl::InvalidArgumentError("a second Hello on one stream"));
        return false;
      default:
        return true;  // a heartbeat, or something newer
    }
  }

  // A message that is not a report.
  bool HandOver(size_t bytes, const std::function<void(Coordinator::Settled)>& hand_over) {
    bool go_on = false;
    {
      MutexLock lock(mu_);
      go_on = limit_.Add(bytes);
    }
    hand_over([self = shared_from_this(), bytes] { self->HandedOver(bytes); });
    return go_on;
  }
  void HandedOver(size_t bytes) {
    bool resume = false;
    {
      MutexLock lock(mu_);
      resume = limit_.Remove(bytes) && !broken_;
    }
    if (resume) ReadOn();
  }

  // The first message; reading goes on when the coordinator has welcomed the host.
  bool Hello(const v1::AgentMessage& message) {
    if (!message.has_hello() || message.hello().host().id().empty()) {
      Close(absl::InvalidArgumentError("the first message must be Hello, with a host id"));
      return false;
    }
    const v1::Hello& hello = message.hello();
    if (!caller_.host_id.empty() && hello.host().id() != caller_.host_id) {
      Close(WithHint(absl::StatusCode::kPermissionDenied,
                     "the certificate is not for host " + Printable(hello.host().id()),
                     "each state directory joins for itself: laptime-agent join"));
      return false;
    }
    host_id_ = hello.host().id();
    reports_ = std::make_shared<ReportStream>(host_id_, hello.spool_id());
    const std::string name = Printable(hello.host().name());
    coordinator_.Attach(shared_from_this(), hello,
                        [self = shared_from_this(), name](absl::Status status) {
                          if (!status.ok()) {
                            spdlog::warn("agent {} is refused: {}", name, MessageOf(status));
                            return self->Close(status);
                          }
                          // Whoever was removed while it attached is not cut off by the removal.
                          if (!self->authenticator_.StillGood(self->caller_))
                            return self->Close(CredentialsRevoked());
                          spdlog::info("agent {} attached", name);
                          self->ReadOn();
                        });
    return false;
  }

  bool TakeReport(v1::Report report, size_t bytes) {
    bool go_on = false;
    {
      MutexLock lock(mu_);
      ++pending_;
      go_on = limit_.Add(bytes);
    }
    const uint64_t seq = report.seq();
    coordinator_.Take(reports_, std::move(report),
                      [self = shared_from_this(), seq, bytes](const absl::Status& status) {
                        self->ReportTaken(seq, bytes, status);
                      });
    return go_on;
  }

  // One ack for all that were committed together, through the latest of them.
  void ReportTaken(uint64_t seq, size_t bytes, const absl::Status& status) {
    bool resume = false;
    bool acknowledge = false;
    {
      MutexLock lock(mu_);
      --pending_;
      // After one that must come again nothing later may be acknowledged on this stream.
      if (!status.ok()) broken_ = true;
      if (status.ok()) settled_ = std::max(settled_, seq);
      seq = settled_;
      acknowledge = !broken_ && (pending_ == 0 || ++unacked_ >= kMostUnacknowledged);
      if (acknowledge) unacked_ = 0;
      resume = limit_.Remove(bytes) && !broken_;
    }
    if (!status.ok()) return Close(status);
    if (acknowledge) {
      v1::CoordinatorMessage ack;
      ack.mutable_report_ack()->set_through_seq(seq);
      if (!Send(std::move(ack))) CutOff();
    }
    if (resume) ReadOn();
  }

  // Once the call ends gRPC may have let go of it, whoever still holds this object.
  void ReadOn() {
    MutexLock lock(mu_);
    if (!closed_) StartRead(&incoming_);
  }

  // Constant after construction.
  Coordinator& coordinator_;
  AgentRegistry& registry_;
  const Authenticator& authenticator_;
  const Caller caller_;

  // Owned by the reading side: one reaction at a time.
  v1::AgentMessage incoming_;
  std::string host_id_;
  std::shared_ptr<ReportStream> reports_;
  std::shared_ptr<AgentSession> self_;

  // Provides its own synchronization.
  StreamSender<v1::CoordinatorMessage> sender_;

  Mutex mu_;  // nests inside the sender's lock (End), never around it
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  ReadLimit limit_ ABSL_GUARDED_BY(mu_);
  int pending_ ABSL_GUARDED_BY(mu_) = 0;  // reports
  uint64_t settled_ ABSL_GUARDED_BY(mu_) = 0;
  int unacked_ ABSL_GUARDED_BY(mu_) = 0;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
};

// A call that is refused before it begins.
class RefusedCall : public Reactor {
 public:
  explicit RefusedCall(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>* AgentService::Attach(
    grpc::CallbackServerContext* context) {
  const absl::StatusOr<Caller> caller =
      authenticator_.Check(*context, "laptime.v1.AgentService.Attach");
  if (!caller.ok()) return new RefusedCall(caller.status());
  auto session = std::make_shared<AgentSession>(coordinator_, registry_, authenticator_, *caller);
  session->Begin();
  return session.get();
}

}  // namespace laptime
