#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace laptime::faults {

// What a disk is sure to have of the files that are written to it, and what may be missing when
// the power goes. It only keeps account: the files themselves are somebody else's.
//
// A write, a truncation, a new name and a removed name are certain once they are synced: content
// by a sync of the file, names by one of the directory. Of what is not, a power cut leaves any
// part: each sector that was written may be there or not, whatever came before or after it.
// Not thread-safe.
class SimulatedDisk {
 public:
  static constexpr size_t kSectorBytes = 512;

  bool Knows(const std::string& path) const { return names_.contains(path); }
  // A file that is not known yet is open. `content`: what it holds if it was there before; that is
  // on the disk.
  void Open(const std::string& path, const std::optional<std::string>& content);
  void Write(const std::string& path, int64_t offset, const std::string& bytes);
  void Truncate(const std::string& path, int64_t size);
  void Sync(const std::string& path);
  // A sync failed, and with it the system forgot what it had not written, as Linux does: no later
  // sync makes up for it.
  void FailSync(const std::string& path);
  void Remove(const std::string& path);
  // Names are certain now. One directory holds all files.
  void SyncDirectory();

  // What a power cut leaves of each file that was ever opened; nullopt: no such file. `random`
  // draws which changes arrived. Forgets everything: the image is the disk from now on.
  std::map<std::string, std::optional<std::string>> Cut(std::mt19937_64& random);

 private:
  struct Change {
    int64_t offset = 0;
    std::string bytes;  // of one sector at most
    bool truncates = false;
  };
  struct File {
    std::string content;            // certain
    std::vector<Change> uncertain;  // since then, in order
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  static void Apply(const Change& change, std::string& content);
  static std::string Torn(const File& file, std::mt19937_64& random);

  Names names_;    // as programs see them
  Names certain_;  // as they are on the disk
};

}  // namespace laptime::faults
