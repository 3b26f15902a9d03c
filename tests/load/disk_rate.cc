#include "tests/load/disk_rate.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <vector>

#include "tests/load/figures.h"

namespace laptime::load {

DiskRate MeasureDisk(const std::string& directory) {
  std::filesystem::create_directories(directory);
  const std::string path = directory + "/fdatasync.tmp";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return {};
  const std::array<char, 4096> block{};
  std::vector<double> milliseconds;
  const auto begin = std::chrono::steady_clock::now();
  auto last = begin;
  while (last - begin < std::chrono::seconds(1)) {
    if (write(file, block.data(), block.size()) < 0 || fdatasync(file) != 0) break;
    const auto now = std::chrono::steady_clock::now();
    milliseconds.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  }
  close(file);
  std::filesystem::remove(path);
  const double seconds = std::chrono::duration<double>(last - begin).count();
  if (milliseconds.empty()) return {};
  const auto count = static_cast<double>(milliseconds.size());
  return {count / seconds, Percentile(milliseconds, 50), Percentile(milliseconds, 99)};
}

}  // namespace laptime::load
