#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "proto/support/mutex.h"
#include "storage/store.h"
#include "storage/wal_limit.h"

namespace laptime::storage {

// Runs pieces of work on the one writing connection, many to a commit.
//
// Thread-safe. A group is committed as soon as somebody waits for a piece of it, it is full, or its
// oldest piece is `group_delay` old; meanwhile the next one gathers. Each piece has a savepoint, so
// that its failure undoes it alone. `database` must outlive the writer, whose thread is the only
// one to use it. The destructor commits what is queued; nothing may be added once it began.
class GroupWriter {
 public:
  GroupWriter(SQLite::Database& database, const StoreOptions& options);
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;
  ~GroupWriter();

  // How soon a piece of work wants its commit.
  enum class Wait { kNobodyWaits, kSomebodyWaits };

  // `done` runs on the writer's thread after the commit. False, with both left as they were, when
  // the queue is full.
  [[nodiscard]] bool Add(Store::Work&& work, Store::Done&& done, Wait wait);

  // Runs `work` on the connection outside of a transaction, after what was added before. False as
  // for Add.
  using LoneWork = std::function<absl::Status(SQLite::Database&)>;
  [[nodiscard]] bool AddAlone(LoneWork work, Store::Done done);

  // As Store::Drain.
  void Drain();

 private:
  struct Piece {
    Store::Work work;
    LoneWork alone;  // instead of `work`
    Store::Done done;
    Wait wait = Wait::kNobodyWaits;
    std::chrono::steady_clock::time_point added;
  };

  void Loop(const std::stop_token& stop);
  // Waits for the next group; empty once it is time to stop.
  std::vector<Piece> NextGroup(const std::stop_token& stop);
  // Queues what `make` returns; false, and `make` is not called, when the queue is full.
  template <typename Make>
  bool Push(Make make);
  bool IsGroupReady() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CommitGroup(std::vector<Piece>& group);
  // How many of the queue's pieces go into the next group.
  size_t NextSize() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Fills `statuses` with the outcome of each piece; an error means that nothing of the group was
  // kept.
  absl::Status RunGroup(const std::vector<Piece>& group, std::vector<absl::Status>& statuses);
  absl::Status RunAlone(const LoneWork& work, std::vector<absl::Status>& statuses);
  absl::Status RunPiece(const Store::Work& work);
  void Execute(const char* sql);
  // False when an error made SQLite roll the whole transaction back.
  bool InTransaction() const;

  // Constant after construction.
  SQLite::Database& database_;
  const std::chrono::milliseconds group_delay_;
  const size_t group_size_;
  const size_t max_queued_;

  // Owned by the writer's thread.
  Transaction transaction_;
  const std::unique_ptr<Statements> statements_;
  WalLimit wal_limit_;

  Mutex mu_;
  std::condition_variable_any changed_;
  std::condition_variable_any idle_;
  std::deque<Piece> queue_ ABSL_GUARDED_BY(mu_);
  size_t waited_for_ ABSL_GUARDED_BY(mu_) = 0;  // pieces in queue_ that somebody waits for

  bool committing_ ABSL_GUARDED_BY(mu_) = false;  // from taking a group to its last `done`

  std::jthread thread_;
};

}  // namespace laptime::storage
