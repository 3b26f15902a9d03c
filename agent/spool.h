#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/mutex.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::agent {

struct SpoolOptions {
  // Reports kept for a coordinator that is away: days of epochs, samples and logs. When full,
  // samples are thinned, then dropped, then log chunks; epochs and ends never.
  int64_t max_bytes = 256 * 1024 * 1024;
};

// Ended attempts remembered, so that a StartRun that comes twice is known.
inline constexpr int kRememberedAttempts = 1000;

// A StartRun that was recorded before it was answered.
struct RecordedAttempt {
  enum class State { kOpen = 0, kEndSpooled = 1, kEnded = 2, kDead = 3 };
  v1::StartRun start;
  State state = State::kOpen;
  uint64_t end_seq = 0;  // the report of its end, from kEndSpooled on
};

// What must survive the agent: the reports that the coordinator has not acknowledged, and the
// attempts it gave to this agent. One SQLite file; what a method did is on disk when it returns OK.
//
// Thread-safe. Sequence numbers grow and are never used twice in one file; the file has a random
// id, so that a deleted or replaced one is noticed.
class Spool {
 public:
  // Opens or makes the file; a damaged one is moved aside and a new one begun.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const std::filesystem::path& path,
                                                     const SpoolOptions& options);
  ~Spool();

  const std::string& id() const { return id_; }

  // Stores the report and returns its sequence number. A report that ends its attempt marks it
  // kEndSpooled in the same transaction. Returns 0, and stores nothing, for a sample batch or log
  // chunk that the cap leaves no room for.
  absl::StatusOr<uint64_t> Append(const v1::Report& report);
  // The first reports from `seq` on, at most `limit`, in order.
  absl::StatusOr<std::vector<v1::Report>> ReadFrom(uint64_t seq, int limit);
  // Forgets reports up to `seq`; attempts whose end is among them become kEnded.
  absl::Status DeleteThrough(uint64_t seq);
  // The first sequence number not yet used.
  absl::StatusOr<uint64_t> NextSeq();
  // Numbers below `seq` are used up: the coordinator has them from a life that this file does not
  // remember, because it was restored from a copy.
  absl::Status NumberFrom(uint64_t seq);

  // Records a StartRun as kOpen; one that is recorded already stays as it is.
  absl::Status Record(const v1::StartRun& start);
  absl::StatusOr<std::optional<RecordedAttempt>> Find(const v1::AttemptRef& attempt);
  // kOpen and kEndSpooled ones, oldest first.
  absl::StatusOr<std::vector<RecordedAttempt>> OpenAttempts();
  // A kOpen attempt that nobody executes any more and that the coordinator has been told of.
  absl::Status MarkDead(const v1::AttemptRef& attempt);
  // The highest epoch of the run, of all its attempts here, that was ever stored as a report; 0
  // when there is none.
  absl::StatusOr<int> RecordedEpochs(const std::string& run_id);
  // The highest fencing token recorded for a run; 0 when there is none.
  absl::StatusOr<int64_t> HighestToken(const std::string& run_id);

 private:
  Spool(std::unique_ptr<SQLite::Database> database, const SpoolOptions& options);

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MakeRoom(int64_t wanted, bool may_be_dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t StoredBytes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<v1::AttemptRef> EndedWith(int64_t seq) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const SpoolOptions options_;
  std::string id_;

  Mutex mu_;
  std::unique_ptr<SQLite::Database> database_ ABSL_GUARDED_BY(mu_);
  std::optional<storage::Statements> statements_ ABSL_GUARDED_BY(mu_);
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;  // of all stored reports
};

}  // namespace laptime::agent
