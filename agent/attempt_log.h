#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/log_tail.h"
#include "agent/outbox.h"
#include "laptime/v1/agent.pb.h"

namespace laptime::agent {

// One attempt's log on its way to the coordinator: what the trainer writes for people, and the
// agent's own remarks. Belongs to the attempt's thread. `outbox` must outlive it.
class AttemptLog {
 public:
  AttemptLog(Outbox& outbox, const v1::AttemptRef& attempt) : outbox_(outbox), attempt_(attempt) {}

  void Append(const std::string& bytes) { tail_.Append(bytes); }
  // A line of the agent's.
  void Remark(const std::string& line) { tail_.Append("laptime-agent: " + line + "\n"); }

  // Posts a chunk when one is due; true when it did.
  bool PostDue(std::chrono::steady_clock::time_point now) { return Post(tail_.TakeDue(now)); }
  void PostAll() {
    while (Post(tail_.Take())) {
    }
  }
  // When PostDue has something to do.
  std::optional<std::chrono::steady_clock::time_point> next_due() const {
    if (tail_.empty()) return std::nullopt;
    return tail_.next_due();
  }

 private:
  bool Post(std::optional<v1::LogChunk> chunk) {
    if (!chunk) return false;
    v1::Report report;
    *report.mutable_attempt() = attempt_;
    *report.mutable_log_chunk() = *std::move(chunk);
    outbox_.Post(std::move(report));
    return true;
  }

  Outbox& outbox_;
  const v1::AttemptRef attempt_;
  LogTail tail_;
};

}  // namespace laptime::agent
