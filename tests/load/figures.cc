#include "tests/load/figures.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/load/disk_rate.h"
#include "tests/testing/promise_row.h"

namespace laptime::load {
namespace {

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "an unknown processor";
}

void PrintDisk(const char* when, const std::string& state_dir) {
  const DiskRate disk = MeasureDisk(state_dir);
  std::printf("disk %s: %s fdatasync/s, one after the other (median %s, p99 %s)\n", when,
              Text(disk.per_second, "").c_str(), Text(disk.median_ms, "ms").c_str(),
              Text(disk.p99_ms, "ms").c_str());
  std::fflush(stdout);
}

}  // namespace

double Percentile(std::vector<double>& values, double percent) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double place = std::ceil(percent / 100 * static_cast<double>(values.size()));
  return values[static_cast<size_t>(std::max(1.0, place)) - 1];
}

std::string Text(double value, const std::string& unit) {
  char text[64];
  const int decimals = value == std::floor(value) || std::fabs(value) >= 100 ? 0
                       : std::fabs(value) >= 10                              ? 1
                       : std::fabs(value) >= 1                               ? 2
                                                                             : 3;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string digits = text;
  const size_t end = digits.find('.') == std::string::npos ? digits.size() : digits.find('.');
  for (size_t at = end; at > 3 && digits[at - 4] != '-'; at -= 3) digits.insert(at - 3, ",");
  return unit.empty() ? digits : digits + " " + unit;
}

std::string Milliseconds(std::vector<double>& seconds) {
  return "median " + Text(1e3 * Percentile(seconds, 50), "ms") + ", p99 " +
         Text(1e3 * Percentile(seconds, 99), "ms") + ", worst " +
         Text(1e3 * Percentile(seconds, 100), "ms");
}

void Figures::Head(const std::string& state_dir) {
  utsname system{};
  uname(&system);
  double load[1] = {};
  getloadavg(load, 1);
  std::printf("machine: %s, %u cores, %s %s, load average %s\n", CpuModel().c_str(),
              std::thread::hardware_concurrency(), system.sysname, system.release,
              Text(load[0], "").c_str());
  PrintDisk("before", state_dir);
  std::printf("%-4s %-46s %-20s %-20s %s\n", "ID", "WHAT", "ASKED", "MEASURED", "KEPT");
}

void Figures::Disk(const std::string& state_dir) { PrintDisk("after", state_dir); }

void Figures::Line(const std::string& id, const std::string& what, Asked asked, double limit,
                   double measured, const std::string& unit, const std::string& more) {
  const bool kept = asked == Asked::kAtMost ? measured <= limit : measured >= limit;
  Row(id, what, (asked == Asked::kAtMost ? "<= " : ">= ") + Text(limit, unit), Text(measured, unit),
      kept ? "yes" : "NO", more);
}

void Figures::Note(const std::string& id, const std::string& what, const std::string& text) {
  Row(id, what, "-", text, "-", "");
}

void Figures::Count(const std::string& id, const std::string& what, long long wrong,
                    const std::string& more) {
  counts_are_right_ = counts_are_right_ && wrong == 0;
  Row(id, what, "0", std::to_string(wrong), wrong == 0 ? "yes" : "NO", more);
}

void Figures::Row(const std::string& id, const std::string& what, const std::string& asked,
                  const std::string& measured, const std::string& verdict,
                  const std::string& more) {
  char row[512];
  std::snprintf(row, sizeof(row), "%-4s %-46s %-20s %-20s %-4s %s", id.c_str(), what.c_str(),
                asked.c_str(), measured.c_str(), verdict.c_str(), more.c_str());
  testing::PrintPromiseRow(row);
}

}  // namespace laptime::load
