#pragma once

#include <deque>

#include "agent/spool.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/mutex.h"

namespace laptime::agent {

// Where attempts put their reports. A report that the disk refuses (full, broken) waits in memory,
// in order, and is tried again with the next one and on Retry; samples and log text are dropped
// instead. So training never waits for a disk.
//
// Thread-safe. `spool` must outlive it.
class Outbox {
 public:
  explicit Outbox(Spool& spool) : spool_(spool) {}

  void Post(v1::Report report);
  // Tries again what waits; true when nothing waits any more. Cheap when nothing does.
  bool Retry();
  // True when the attempt's end waits in memory.
  bool HoldsEndOf(const v1::AttemptRef& attempt) const;

 private:
  bool Store() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Provides its own synchronization.
  Spool& spool_;

  mutable Mutex mu_;  // held while the spool's own lock is taken, never the other way round
  std::deque<v1::Report> waiting_ ABSL_GUARDED_BY(mu_);
  bool refused_ ABSL_GUARDED_BY(mu_) = false;  // by the spool, the last time
};

}  // namespace laptime::agent
