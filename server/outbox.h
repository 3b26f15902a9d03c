#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "laptime/v1/agent.pb.h"
#include "laptime/v1/control.pb.h"

namespace laptime {

// What a decision wants to happen once its transaction is durable: nothing leaves the coordinator
// before. A value.
struct Outbox {
  struct Message {
    std::string host_id;
    v1::CoordinatorMessage message;
  };

  std::vector<Message> messages;
  std::vector<v1::JobEvent> events;  // already stored, with their numbers
  std::vector<v1::AttemptRef>
      ended;  // attempts whose agent has told their end: the machine is free of them
  std::set<std::string> look_for_work;  // hosts that became free, or got something queued

  void StopRun(const std::string& host_id, const v1::AttemptRef& attempt,
               const std::string& reason);
};

// A StopRun's id names its attempt, so that the answer alone says which attempt no longer runs.
std::string StopCommandId(const v1::AttemptRef& attempt);
// The attempt of such an id; nothing for the id of another command.
std::optional<v1::AttemptRef> StoppedAttempt(const std::string& command_id);

}  // namespace laptime
