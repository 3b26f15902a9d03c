#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/reader.h"
#include "storage/transaction.h"

namespace laptime::storage {

struct StoreOptions {
  std::string path;                          // the database file; made when missing
  std::chrono::milliseconds group_delay{5};  // a commit waits at most so long for company
  int group_size = 64;                       // … or until so many pieces of work are in it
  int max_queued = 65536;                    // beyond it Write answers kResourceExhausted
  int readers = 4;                           // read-only connections
  std::chrono::seconds read_limit{10};       // a longer query is interrupted: kUnavailable
};

// The coordinator's database: one writer thread with group commit, read-only readers.
//
// Thread-safe. Open takes a lock beside the file, so that a second coordinator on the same database
// is refused (kFailedPrecondition); a file of a newer schema is refused too, an older one is
// migrated after a backup. The destructor commits what is queued, then joins the writer.
class Store {
 public:
  using Work = std::function<absl::Status(Transaction&)>;
  using Done = std::function<void(const absl::Status&)>;

  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  virtual ~Store() = default;

  // Runs `work` on the writer thread and returns after its commit is durable. When the work fails
  // its changes alone are undone and its status is returned. Blocks; never call it from the writer
  // thread or a gRPC reaction.
  virtual absl::Status Write(Work work) = 0;

  // The same without waiting: `done` is called on the writer thread, after the commit, in the order
  // of the calls. A commit that fails (disk full) is reported to every piece of work in it. Only a
  // full queue is told at once, on the calling thread: kResourceExhausted.
  virtual void WriteAsync(Work work, Done done) = 0;

  // Returns once nothing is queued and no `done` is running, what these queued included: whoever
  // calls may then destroy what work and `done` refer to. Not on the writer thread.
  virtual void Drain() = 0;

  // Runs `query` in a read transaction on a read-only connection of the calling thread's turn;
  // waits when all of them are in use.
  virtual absl::Status Read(const std::function<absl::Status(const Reader&)>& query) = 0;

  // What becomes of pages that hold nothing any more.
  enum class Space { kKeep, kReturn };
  // Moves the write-ahead log into the database and empties it. With kReturn the database is
  // rewritten and shrinks, too: nothing else is written meanwhile, and about its size of disk is
  // needed. Blocks, like Write.
  virtual absl::Status Tidy(Space space) = 0;

  virtual int schema_version() const = 0;
  virtual double database_bytes() const = 0;
};

}  // namespace laptime::storage
