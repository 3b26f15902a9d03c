#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/sqlite/file_lock.h"

namespace laptime::agent {

// How many attempts' directories are kept for a look afterwards.
inline constexpr int kKeptAttempts = 20;
// How many runs' checkpoints, of 90 MB each, are kept for attempts to come.
inline constexpr int kKeptCheckpoints = 4;

// The directory in which an agent keeps what must survive it: its host id, the spool, one directory
// per attempt. Locked while this object lives, so that a second agent on it is refused. Not
// thread-safe but for the accessors.
class StateDir {
 public:
  // Makes the directory (private to the user) when it is missing. kFailedPrecondition with a hint:
  // it cannot be written, or another agent uses it.
  static absl::StatusOr<StateDir> Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // Stands for this machine; made once, never changed.
  const std::string& host_id() const { return host_id_; }
  std::filesystem::path spool_path() const { return path_ / "spool.db"; }
  std::filesystem::path dataset_cache_path() const { return path_ / "datasets.json"; }

  // STATE/attempts/RUN-N, empty and fresh; the oldest beyond kKeptAttempts go. `run_id` must be
  // IsSafeName.
  absl::StatusOr<std::filesystem::path> NewAttemptDir(const std::string& run_id, int number) const;

  // STATE/checkpoints/RUN: what attempts of that run go on from. Makes room: only the newest
  // kKeptCheckpoints stay. `run_id` must be IsSafeName.
  absl::StatusOr<std::filesystem::path> CheckpointOf(const std::string& run_id) const;
  void DropCheckpoint(const std::string& run_id) const;

 private:
  StateDir(std::filesystem::path path, std::string host_id, storage::FileLock lock)
      : path_(std::move(path)), host_id_(std::move(host_id)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  std::string host_id_;
  storage::FileLock lock_;
};

// 1 to 64 letters, digits and "._:-", not beginning with a dot: safe as a file name and on a
// terminal.
bool IsSafeName(const std::string& name);

// $XDG_STATE_HOME/laptime/agent, or ~/.local/state/laptime/agent.
std::filesystem::path DefaultStateDir();

// Writes `text` so that a reader sees the old file or the new one, never half of it.
absl::Status WriteFileAtomically(const std::filesystem::path& path, const std::string& text);

}  // namespace laptime::agent
