#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "proto/support/mutex.h"
#include "tests/faults/simulated_disk.h"

namespace laptime::faults {

// What SQLite asks a file system for.
enum class Call { kOpen, kRead, kWrite, kTruncate, kSync, kDelete };

// How a call fails: what was done of it, and what SQLite is told.
struct Failure {
  enum class Done { kNothing, kHalf, kAll };

  const char* name;
  Call call;
  Done done;
  int code;
};

// Every failure that is tried.
const std::vector<Failure>& Failures();

// SQLite's usual file system, but with a power switch and with calls that fail. While one is alive
// it is SQLite's default, so that the code under test opens its databases on it without knowing.
// Files are read and written as ever, while a SimulatedDisk keeps account of what is synced;
// nothing is really synced. Beside its main database a directory holds no other.
//
// Thread-safe, but for one at a time; make and destroy it with no connection open.
class FaultVfs {
 public:
  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // The power goes at the n-th change (write, truncation, sync, removal) from now, which does not
  // happen any more.
  void CutPowerAt(int64_t change);
  bool is_cut() const;
  // Cuts the power if it is still on, leaves in the files what the disk has of them, and switches
  // it on again. No connection may be open.
  void Reboot(std::mt19937_64& random);

  // The n-th call of the failure's kind from now fails, once.
  void FailAt(const Failure& failure, int64_t call);
  // Each call fails with that probability, in one of those ways.
  void FailOften(const std::vector<Failure>& failures, double share, uint64_t seed);
  void FailNoMore();
  // How many calls failed since the last FailAt or FailOften.
  int64_t failed() const;

  // Controls, which must lose: a disk that says that it has synced and did not; every connection
  // with synchronous=OFF, whatever its program asks for.
  void IgnoreSyncs();
  void TurnSynchronousOff();

  // For the methods that SQLite calls.
  sqlite3_vfs* usual() { return usual_; }
  int Open(const char* path, sqlite3_file* file, int flags, int* out_flags);
  int Read(sqlite3_file* usual, void* bytes, int size, int64_t offset);
  int Write(const std::string& path, sqlite3_file* usual, const void* bytes, int size,
            int64_t offset);
  int Truncate(const std::string& path, sqlite3_file* usual, int64_t size);
  int Sync(const std::string& path, bool with_directory);
  int Delete(const char* path, int sync_directory);
  bool synchronous_is_off() const { return synchronous_off_; }

 private:
  // Whether the call goes on: not when it fails or the power is off.
  struct Verdict {
    Failure::Done done = Failure::Done::kAll;
    int code = SQLITE_OK;
  };
  Verdict Judge(Call call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  sqlite3_vfs vfs_;
  sqlite3_vfs* const usual_;
  bool synchronous_off_ = false;  // set before any connection

  mutable Mutex mu_;
  SimulatedDisk disk_ ABSL_GUARDED_BY(mu_);
  bool power_ ABSL_GUARDED_BY(mu_) = true;
  bool syncs_ignored_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<int64_t> changes_left_ ABSL_GUARDED_BY(mu_);
  std::vector<Failure> failures_ ABSL_GUARDED_BY(mu_);
  std::optional<int64_t> calls_left_ ABSL_GUARDED_BY(mu_);
  double share_ ABSL_GUARDED_BY(mu_) = 0;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
  int64_t failed_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace laptime::faults
