#pragma once

#include <vector>

#include "proto/support/mutex.h"
#include "server/agent_registry.h"

namespace laptime::testing {

// An agent's stream that only remembers what it was given. Thread-safe.
class FakeLink : public AgentLink {
 public:
  bool Send(v1::CoordinatorMessage message) override {
    MutexLock lock(mu_);
    if (!reads_) return false;
    sent_.push_back(std::move(message));
    return true;
  }
  void Close(const absl::Status& status) override {
    MutexLock lock(mu_);
    if (closes_++ == 0) end_ = status;
  }
  void CutOff() override { Close(absl::ResourceExhaustedError("cut off")); }

  void StopReading() {
    MutexLock lock(mu_);
    reads_ = false;
  }
  std::vector<v1::CoordinatorMessage> sent() const {
    MutexLock lock(mu_);
    return sent_;
  }
  bool closed() const {
    MutexLock lock(mu_);
    return closes_ > 0;
  }
  absl::Status end() const {
    MutexLock lock(mu_);
    return end_;
  }
  // The messages of one kind, in their order.
  std::vector<v1::StartRun> starts() const {
    std::vector<v1::StartRun> found;
    for (const v1::CoordinatorMessage& message : sent()) {
      if (message.has_start_run()) found.push_back(message.start_run());
    }
    return found;
  }
  std::vector<v1::StopRun> stops() const {
    std::vector<v1::StopRun> found;
    for (const v1::CoordinatorMessage& message : sent()) {
      if (message.has_stop_run()) found.push_back(message.stop_run());
    }
    return found;
  }

 private:
  mutable Mutex mu_;
  std::vector<v1::CoordinatorMessage> sent_ ABSL_GUARDED_BY(mu_);
  bool reads_ ABSL_GUARDED_BY(mu_) = true;
  int closes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace laptime::testing
