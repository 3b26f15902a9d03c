#pragma once

#include <memory>

#include "absl/status/status.h"
#include "laptime/v1/agent.pb.h"

namespace laptime::agent {

// One stream to the coordinator, as the agent needs it. Thread-safe. Destroying it ends the stream;
// then no more LinkEvents come.
class CoordinatorLink {
 public:
  virtual ~CoordinatorLink() = default;
  // False when the stream is closing or the coordinator does not read; the message is then dropped.
  virtual bool Send(v1::AgentMessage message) = 0;
};

// What comes from a stream, from threads that must not be blocked.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual void OnMessage(v1::CoordinatorMessage message) = 0;
  // The last call of a stream, also of one that never came to be.
  virtual void OnClosed(absl::Status status) = 0;
};

// Opens streams. An interface, so that what the agent decides is tested without sockets.
class Connector {
 public:
  virtual ~Connector() = default;
  // Returns at once; `events` must outlive the link.
  virtual std::unique_ptr<CoordinatorLink> Connect(LinkEvents& events) = 0;
};

}  // namespace laptime::agent
