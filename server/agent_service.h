#pragma once

#include "laptime/v1/agent.grpc.pb.h"
#include "server/agent_registry.h"
#include "server/coordinator.h"
#include "server/security/auth.h"

namespace laptime {

// A session acknowledges at the latest after so many reports, and whenever none waits.
inline constexpr int kMostUnacknowledged = 128;
// Messages to one agent that it has not read. One more ends its stream (AgentLink::CutOff): when it
// reads on it comes back and is told anew.
inline constexpr size_t kMaxQueuedToAgent = 1024;

// Adapts agents' streams to the coordinator: checks, translates, hands over. Callback API;
// reactions never block.
class AgentService : public v1::AgentService::CallbackService {
 public:
  AgentService(Coordinator& coordinator, AgentRegistry& registry,
               const Authenticator& authenticator)
      : coordinator_(coordinator), registry_(registry), authenticator_(authenticator) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>* Attach(
      grpc::CallbackServerContext* context) override;

 private:
  Coordinator& coordinator_;
  AgentRegistry& registry_;
  const Authenticator& authenticator_;
};

}  // namespace laptime
