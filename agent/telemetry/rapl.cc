#include "agent/telemetry/rapl.h"

#include <chrono>
#include <utility>

#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

// Those named "package-N" (AMD's too). Others are parts of them ("core", "dram") or hold them
// ("psys"), and "intel-rapl-mmio:0" is the same package by another way.
std::vector<fs::path> PackageDirs(const fs::path& root) {
  std::vector<fs::path> dirs;
  std::error_code error;
  for (fs::directory_iterator entry(root / "sys/class/powercap", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.rfind("intel-rapl:", 0) != 0) continue;
    if (ReadText(entry->path() / "name").rfind("package-", 0) == 0) dirs.push_back(entry->path());
  }
  return dirs;
}

}  // namespace

double Rapl::SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Rapl::Rapl(const fs::path& root, bool of_device, std::function<double()> clock)
    : of_device_(of_device), clock_(std::move(clock)) {
  for (const fs::path& dir : PackageDirs(root)) {
    const auto range = ReadNumber(dir / "max_energy_range_uj");
    const auto now = ReadNumber(dir / "energy_uj");
    if (!range || !now) {
      // Part of the machine's energy would pass for all of it.
      packages_.clear();
      break;
    }
    packages_.push_back({dir / "energy_uj", *range, *now});
  }
  read_at_ = clock_();
  if (packages_.empty()) return;
  sensors_.Add(NewSensor("package_power", "watts", "rapl",
                         "energy the CPU packages used in the past period over its length"),
               [this] { return watts_; });
}

bool Rapl::Count() {
  std::vector<double> now;
  for (const Package& package : packages_) {
    const auto counter = ReadNumber(package.counter);
    if (!counter) return false;
    now.push_back(*counter);
  }
  for (size_t i = 0; i < packages_.size(); ++i) {
    Package& package = packages_[i];
    const double wrapped = now[i] < package.last ? package.range : 0;
    joules_ += (now[i] + wrapped - package.last) / 1e6;
    package.last = now[i];
  }
  return true;
}

std::vector<std::optional<double>> Rapl::Read() {
  const double now = clock_();
  watts_.reset();
  // After a failed reading the next period is the longer.
  if (Count() && now > read_at_) {
    watts_ = (joules_ - read_joules_) / (now - read_at_);
    read_at_ = now;
    read_joules_ = joules_;
  }
  return sensors_.Read();
}

void Rapl::Observe(Moment& moment) {
  if (!of_device_ || packages_.empty() || !Count()) return;
  moment.joules = joules_;
  moment.energy_source = "rapl";
}

}  // namespace laptime::agent
