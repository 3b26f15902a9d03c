#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <string>

#include "agent/coordinator_link.h"
#include "laptime/v1/agent.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/mutex.h"
#include "proto/support/stream_sender.h"

namespace laptime::agent {

// Messages on their way to a coordinator that reads slowly; the report window is far below.
inline constexpr size_t kMaxQueuedToCoordinator = 1024;

// One Attach call over gRPC's callback API.
//
// Thread-safe. `stub` and `events` must outlive it. The destructor cancels the call and waits for
// its end.
class AttachCall final : public CoordinatorLink,
                         private grpc::ClientBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>,
                         private StreamWriter<v1::AgentMessage> {
 public:
  // With `wait_for_ready` it waits for a connection instead of failing when there is none.
  AttachCall(v1::AgentService::Stub& stub, LinkEvents& events, bool wait_for_ready);
  ~AttachCall() override;

  bool Send(v1::AgentMessage message) override { return sender_.Send(std::move(message)); }

 private:
  using Reactor = grpc::ClientBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>;

  // Reactions.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { sender_.OnWriteDone(ok); }
  void OnDone(const grpc::Status& status) override;

  // StreamWriter.
  void StartWrite(const v1::AgentMessage* message) override { Reactor::StartWrite(message); }
  void End() override;

  LinkEvents& events_;
  grpc::ClientContext context_;

  // Owned by the reading side: one reaction at a time.
  v1::CoordinatorMessage incoming_;

  // Provides its own synchronization.
  StreamSender<v1::AgentMessage> sender_;

  Mutex mu_;
  std::condition_variable_any changed_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

// Opens AttachCalls on one channel, which it keeps: gRPC's last reference must not go on one of
// gRPC's threads. Used by one thread; the call before has ended when the next one begins.
class GrpcConnector : public Connector {
 public:
  // `security` says what the next connection is to use; a channel lives as long as that stays.
  using Security = std::function<ChannelSecurity()>;

  explicit GrpcConnector(
      std::string address, Security security = [] { return ChannelSecurity(); })
      : address_(std::move(address)), security_(std::move(security)) {}

  std::unique_ptr<CoordinatorLink> Connect(LinkEvents& events) override;

 private:
  const std::string address_;
  const Security security_;

  ChannelSecurity in_use_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::AgentService::Stub> stub_;
};

}  // namespace laptime::agent
