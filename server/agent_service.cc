#include "server/agent_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <string>

#include "proto/support/log.h"
#include "proto/support/mutex.h"
#include "proto/support/status.h"
#include "proto/support/stream_sender.h"

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
    registry_.Renew(host_id_, this);
    switch (message.message_case()) {
      case v1::AgentMessage::kReport:
        return TakeReport(std::move(*message.mutable_report()));
      case v1::AgentMessage::kCommandResult:
        coordinator_.Answered(host_id_, message.command_result());
        return true;
      case v1::AgentMessage::kProgress:
        coordinator_.Progressed(message.progress());
        return true;
      case v1::AgentMessage::kDeviceProbe:
        coordinator_.Probed(host_id_, message.device_probe());
        return true;
      case v1::AgentMessage::kHello:
        Close(absl::InvalidArgumentError("a second Hello on one stream"));
        return false;
      default:
        return true;  // a heartbeat, or something newer
    }
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

  bool TakeReport(v1::Report report) {
    bool go_on = false;
    {
      MutexLock lock(mu_);
      go_on = ++pending_ < kMaxPendingReports;
      paused_ = !go_on;
    }
    const uint64_t seq = report.seq();
    coordinator_.Take(reports_, std::move(report),
                      [self = shared_from_this(), seq](const absl::Status& status) {
                        self->ReportTaken(seq, status);
                      });
    return go_on;
  }

  // One ack for all that were committed together, through the latest of them.
  void ReportTaken(uint64_t seq, const absl::Status& status) {
    bool resume = false;
    bool acknowledge = false;
    {
      MutexLock lock(mu_);
      --pending_;
      // After one that must come again nothing later may be acknowledged on this stream.
      if (!status.ok()) broken_ = true;
      if (status.ok()) settled_ = std::max(settled_, seq);
      seq = settled_;
      acknowledge = !broken_ && (pending_ == 0 || ++unacked_ >= kMaxPendingReports / 4);
      if (acknowledge) unacked_ = 0;
      resume = paused_ && pending_ < kMaxPendingReports / 2 && !broken_;
      if (resume) paused_ = false;
    }
    if (!status.ok()) return Close(status);
    if (acknowledge) {
      v1::CoordinatorMessage ack;
      ack.mutable_report_ack()->set_through_seq(seq);
      Send(std::move(ack));
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
  int pending_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t settled_ ABSL_GUARDED_BY(mu_) = 0;
  int unacked_ ABSL_GUARDED_BY(mu_) = 0;
  bool paused_ ABSL_GUARDED_BY(mu_) = false;
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
