#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/mutex.h"
#include "server/run_lifecycle.h"
#include "storage/store.h"

namespace laptime {

// A piece of work for the store has at most so many reports of one stream, so that an agent which
// catches up does not keep the others waiting.
inline constexpr size_t kMaxReportsTogether = 32;

// The reports that come on one stream of an agent, in the order in which they must be stored.
//
// One piece of work is under way at a time, with the reports that have come until it begins. When
// it fails, its reports are tried again one by one, so that one that is impossible does not spoil
// the others. After a report that could not be stored none that follows it is: its number would
// pass for the missing one's. Thread-safe.
class ReportStream {
 public:
  using Done = storage::Store::Done;

  ReportStream(std::string host_id, std::string spool_id)
      : host_id_(std::move(host_id)), spool_id_(std::move(spool_id)) {}

  // Adds a report; `done` gets what became of it: OK also when it was seen before, or is
  // impossible, for then it is passed by. True: nothing is under way, queue Store. On a stream that
  // has failed `done` is called at once.
  bool Add(v1::Report report, Done done);

  // The work, on the store's writer thread.
  absl::Status Store(storage::Transaction& transaction, RunLifecycle& lifecycle);

  // After the work's commit or failure, whether it has run or not: tells whose reports are settled.
  // True: queue Store again.
  bool Settle(const absl::Status& status);

 private:
  struct Waiting {
    v1::Report report;
    Done done;
    bool passed_by = false;  // impossible: only its number is stored
  };

  // The next reports become those under way.
  void Begin();
  // Stores one; `attempt` is its attempt where a report before it has found it, and is left for the
  // next.
  absl::Status StoreOne(const v1::Report& report, std::optional<storage::AttemptRow>& attempt,
                        storage::Transaction& transaction, RunLifecycle& lifecycle) const;
  // Puts those under way back in front, to be tried alone.
  void PutBack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // All that are under way or wait.
  std::vector<Waiting> TakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string host_id_;
  const std::string spool_id_;

  // Owned by the work under way, then by Settle.
  std::vector<Waiting> batch_;

  Mutex mu_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  size_t alone_ ABSL_GUARDED_BY(mu_) = 0;  // so many of those that wait are tried one by one
  bool under_way_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failed_ ABSL_GUARDED_BY(mu_);  // why nothing is taken any more
};

}  // namespace laptime
