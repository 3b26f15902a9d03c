#include "agent/state_dir.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "agent/random_id.h"
#include "proto/support/durable_file.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

absl::Status Refuse(const fs::path& path, const std::string& why) {
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot use the state directory " + path.string() + ": " + why,
                  "--state DIR names another directory");
}

absl::StatusOr<std::string> ReadOrMakeHostId(const fs::path& path) {
  const fs::path file = path / "host_id";
  std::string id;
  std::error_code error;
  if (fs::symlink_status(file, error).type() != fs::file_type::not_found) {
    std::ifstream(file) >> id;
    if (IsSafeName(id)) return id;
    // A new one would make this agent another host, which may not have this one's name.
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    file.string() + " cannot be read or holds no host id",
                    "make it readable; or remove it, and this agent becomes a new host, which "
                    "needs a --name of its own");
  }
  id = NewUuid();
  if (absl::Status status = WriteFileAtomically(file, id + "\n"); !status.ok()) {
    return Refuse(path, MessageOf(status));
  }
  return id;
}

// All but the newest `kept` entries of `directory` go.
void Prune(const fs::path& directory, size_t kept) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    found.emplace_back(entry->last_write_time(gone), entry->path());
  }
  std::ranges::sort(found, std::greater<>());
  for (size_t i = kept; i < found.size(); ++i) fs::remove_all(found[i].second, error);
}

}  // namespace

absl::StatusOr<StateDir> StateDir::Open(const fs::path& path) {
  std::error_code error;
  const bool made = fs::create_directories(path, error);
  if (error) return Refuse(path, error.message());
  if (made) chmod(path.c_str(), 0700);
  auto lock =
      storage::FileLock::Acquire((path / "lock").string(), "the state directory " + path.string(),
                                 "stop the other agent, or give this one a --state of its own");
  if (!lock.ok()) return lock.status();
  auto host_id = ReadOrMakeHostId(path);
  if (!host_id.ok()) return host_id.status();
  return StateDir(path, *std::move(host_id), *std::move(lock));
}

absl::StatusOr<fs::path> StateDir::NewAttemptDir(const std::string& run_id, int number) const {
  const fs::path attempts = path_ / "attempts";
  const fs::path dir = attempts / (run_id + "-" + std::to_string(number));
  std::error_code error;
  fs::remove_all(dir, error);
  fs::create_directories(dir, error);
  if (error) {
    return absl::UnavailableError("cannot make the directory " + dir.string() + ": " +
                                  error.message());
  }
  Prune(attempts, kKeptAttempts);
  return dir;
}

absl::StatusOr<fs::path> StateDir::CheckpointOf(const std::string& run_id) const {
  const fs::path checkpoints = path_ / "checkpoints";
  std::error_code error;
  fs::create_directories(checkpoints, error);
  if (error) {
    return absl::UnavailableError("cannot make the directory " + checkpoints.string() + ": " +
                                  error.message());
  }
  const fs::path file = checkpoints / run_id;
  // Its own file is safe from the pruning, however old it is.
  if (fs::exists(file, error)) fs::last_write_time(file, fs::file_time_type::clock::now(), error);
  Prune(checkpoints, kKeptCheckpoints);
  return file;
}

void StateDir::DropCheckpoint(const std::string& run_id) const {
  std::error_code ignored;
  fs::remove(path_ / "checkpoints" / run_id, ignored);
  fs::remove(path_ / "checkpoints" / (run_id + ".new"), ignored);  // of a trainer that was killed
}

bool IsSafeName(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name[0] != '.' &&
         std::ranges::all_of(name, [](unsigned char c) {
           // strchr finds the end of its text, too.
           return c != 0 && c < 0x80 && (std::isalnum(c) || std::strchr("._:-", c) != nullptr);
         });
}

fs::path DefaultStateDir() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != '\0') return fs::path(state) / "laptime" / "agent";
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "." : home) / ".local" / "state" / "laptime" / "agent";
}

absl::Status WriteFileAtomically(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".new";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  std::error_code error(out ? 0 : errno, std::generic_category());
  if (out) error = ReplaceDurably(temporary, path);
  if (out && !error) return absl::OkStatus();
  return absl::UnavailableError("cannot write " + path.string() + ": " + error.message());
}

}  // namespace laptime::agent
