#pragma once

#include <chrono>
#include <memory>

#include "agent/device_discovery.h"
#include "laptime/v1/agent.pb.h"

namespace laptime::agent {

enum class StopCause {
  kStopRun,        // the coordinator said so: the attempt ends as stopped
  kAgentStopping,  // this agent ends in good order: the attempt ends as failed, infrastructure
};

// One execution of a run, under way. Thread-safe. Destroying it stops it and waits for its end.
class Attempt {
 public:
  virtual ~Attempt() = default;
  // Returns at once; the end is reported soon after. A second cause changes nothing.
  virtual void Stop(StopCause cause) = 0;
};

// Told what attempts do, from their threads. Must not block.
class AttemptEvents {
 public:
  virtual ~AttemptEvents() = default;
  // The outbox has new reports.
  virtual void OnReport() = 0;
  virtual void OnProgress(v1::Progress progress) = 0;
  // The last call for an attempt; its end is in the outbox.
  virtual void OnAttemptOver(const v1::AttemptRef& attempt) = 0;
};

// Begins attempts. An interface, so that what the agent decides is tested without processes.
class AttemptStarter {
 public:
  virtual ~AttemptStarter() = default;
  virtual std::unique_ptr<Attempt> Start(const v1::StartRun& start, const OfferedDevice& device,
                                         std::chrono::duration<double> sampling_period,
                                         AttemptEvents& events) = 0;
};

}  // namespace laptime::agent
