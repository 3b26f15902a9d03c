#include "agent/trainer/process_clock.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#ifdef __APPLE__
#include <sys/sysctl.h>
#include <sys/time.h>
#endif

namespace laptime::trainer {
namespace {

double Seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double ReadClock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return Seconds(now);
}

#ifdef __APPLE__

double AgeNow() {
  int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()};
  kinfo_proc process{};
  size_t size = sizeof(process);
  if (sysctl(name, 4, &process, &size, nullptr, 0) != 0) return 0;
  timeval now{};
  gettimeofday(&now, nullptr);
  const timeval& start = process.kp_proc.p_starttime;
  return static_cast<double>(now.tv_sec - start.tv_sec) +
         static_cast<double>(now.tv_usec - start.tv_usec) * 1e-6;
}

#else

// Field 22 of /proc/self/stat: the start in clock ticks since boot. The name in field 2 may hold
// spaces.
double AgeNow() {
  constexpr int kFieldsAfterName = 20;
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 0; i < kFieldsAfterName; ++i) fields >> field;
  const double start =
      std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return ReadClock(CLOCK_BOOTTIME) - start;
}

#endif

}  // namespace

double ProcessSeconds() {
  struct Anchor {
    double age = AgeNow();
    double at = ReadClock(CLOCK_MONOTONIC);
  };
  static const Anchor anchor;
  return anchor.age + ReadClock(CLOCK_MONOTONIC) - anchor.at;
}

double ThreadCpuSeconds() { return ReadClock(CLOCK_THREAD_CPUTIME_ID); }

int64_t UnixMilliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

double PeakResidentBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return static_cast<double>(usage.ru_maxrss);
#else
  return static_cast<double>(usage.ru_maxrss) * 1024;
#endif
}

}  // namespace laptime::trainer
