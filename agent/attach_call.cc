#include "agent/attach_call.h"

#include "proto/support/status.h"

namespace laptime::agent {

AttachCall::AttachCall(v1::AgentService::Stub& stub, LinkEvents& events, bool wait_for_ready)
    : events_(events), sender_(*this, kMaxQueuedToCoordinator) {
  context_.set_wait_for_ready(wait_for_ready);
  stub.async()->Attach(&context_, this);
  // Writes begin outside reactions; End gives the hold back.
  AddHold();
  StartRead(&incoming_);
  StartCall();
}

AttachCall::~AttachCall() {
  context_.TryCancel();
  sender_.Close(/*now=*/true);
  MutexLock lock(mu_);
  changed_.wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return done_; });
}

void AttachCall::OnReadDone(bool ok) {
  if (!ok) return sender_.Close(/*now=*/true);
  events_.OnMessage(std::move(incoming_));
  incoming_.Clear();
  StartRead(&incoming_);
}

void AttachCall::OnDone(const grpc::Status& status) {
  events_.OnClosed(FromGrpc(status));
  MutexLock lock(mu_);
  done_ = true;
  changed_.notify_all();
}

void AttachCall::End() {
  StartWritesDone();
  RemoveHold();
}

std::unique_ptr<CoordinatorLink> GrpcConnector::Connect(LinkEvents& events) {
  const ChannelSecurity wanted = security_();
  if (channel_ == nullptr || wanted != in_use_) {
    stub_.reset();
    channel_ = NewChannel(address_, wanted);
    stub_ = v1::AgentService::NewStub(channel_);
    in_use_ = wanted;
  }
  // The agent's own backoff decides when; gRPC's beside it would only add to it.
  const bool has_failed =
      channel_->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_TRANSIENT_FAILURE;
  grpc::experimental::ChannelResetConnectionBackoff(channel_.get());
  // A channel that has failed tries again by itself, and until that has succeeded fails each call
  // at once: the agent would wait once more while the connection is there. Why it failed has been
  // told by then.
  return std::make_unique<AttachCall>(*stub_, events, /*wait_for_ready=*/has_failed);
}

}  // namespace laptime::agent
