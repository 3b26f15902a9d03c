#include "tests/faults/simulated_disk.h"

#include <algorithm>
#include <set>

namespace laptime::faults {

void SimulatedDisk::Open(const std::string& path, const std::optional<std::string>& content) {
  const auto file = std::make_shared<File>();
  names_[path] = file;
  if (!content) return;
  file->content = *content;
  certain_[path] = file;
}

// In pieces that do not cross a sector: each may arrive without the others.
void SimulatedDisk::Write(const std::string& path, int64_t offset, const std::string& bytes) {
  const auto file = names_.find(path);
  if (file == names_.end()) return;
  for (size_t done = 0; done < bytes.size();) {
    const int64_t at = offset + static_cast<int64_t>(done);
    const size_t room = kSectorBytes - static_cast<size_t>(at) % kSectorBytes;
    const size_t size = std::min(room, bytes.size() - done);
    file->second->uncertain.push_back({at, bytes.substr(done, size), false});
    done += size;
  }
}

void SimulatedDisk::Truncate(const std::string& path, int64_t size) {
  const auto file = names_.find(path);
  if (file != names_.end()) file->second->uncertain.push_back({size, "", true});
}

void SimulatedDisk::Sync(const std::string& path) {
  const auto file = names_.find(path);
  if (file == names_.end()) return;
  for (const Change& change : file->second->uncertain) Apply(change, file->second->content);
  file->second->uncertain.clear();
}

void SimulatedDisk::FailSync(const std::string& path) {
  const auto file = names_.find(path);
  if (file != names_.end()) file->second->uncertain.clear();
}

void SimulatedDisk::Remove(const std::string& path) { names_.erase(path); }

void SimulatedDisk::SyncDirectory() { certain_ = names_; }

void SimulatedDisk::Apply(const Change& change, std::string& content) {
  const auto offset = static_cast<size_t>(change.offset);
  if (change.truncates) return content.resize(std::min(content.size(), offset));
  content.resize(std::max(content.size(), offset + change.bytes.size()));
  content.replace(offset, change.bytes.size(), change.bytes);
}

// From nearly nothing to nearly everything arrives, and mostly something between.
std::string SimulatedDisk::Torn(const File& file, std::mt19937_64& random) {
  constexpr double kShares[] = {0.0, 0.1, 0.5, 0.9, 1.0};
  std::bernoulli_distribution arrives(
      kShares[std::uniform_int_distribution<size_t>(0, std::size(kShares) - 1)(random)]);
  std::string content = file.content;
  for (const Change& change : file.uncertain) {
    if (arrives(random)) Apply(change, content);
  }
  return content;
}

std::map<std::string, std::optional<std::string>> SimulatedDisk::Cut(std::mt19937_64& random) {
  std::set<std::string> paths;
  for (const Names* names : {&names_, &certain_}) {
    for (const auto& [path, file] : *names) paths.insert(path);
  }
  std::map<std::string, std::optional<std::string>> image;
  std::bernoulli_distribution newest(0.5);
  for (const std::string& path : paths) {
    const Names& names = newest(random) ? names_ : certain_;
    const auto file = names.find(path);
    image[path] = file == names.end() ? std::nullopt
                                      : std::optional<std::string>(Torn(*file->second, random));
  }
  names_.clear();
  certain_.clear();
  return image;
}

}  // namespace laptime::faults
