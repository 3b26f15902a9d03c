#include "agent/trainer/process_setup.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <fstream>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/prctl.h>

#include <filesystem>
#endif

namespace laptime::trainer {

#ifdef __GLIBC__

namespace {

constexpr char kTunables[] = "GLIBC_TUNABLES";
constexpr char kHugePages[] = "glibc.malloc.hugetlb";
constexpr char kSpin[] = "GOMP_SPINCOUNT";
constexpr char kWaitPolicy[] = "OMP_WAIT_POLICY";
constexpr char kSpinCount[] = "10000";  // rounds of the pause instruction: well under a millisecond
constexpr int kMmapThreshold = 1 << 30;
constexpr int kTopPad = 64 << 20;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "madvise" of the kernel's "always [madvise] never".
std::string ChosenHugePages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  const size_t open = line.find('[');
  const size_t close = line.find(']');
  return close == std::string::npos ? "unknown" : line.substr(open + 1, close - open - 1);
}

// Each returns whether the environment had to be changed.
bool AskForHugePages() {
  std::string tunables = Variable(kTunables);
  if (tunables.find(kHugePages) != std::string::npos) return false;
  tunables += (tunables.empty() ? "" : ":") + std::string(kHugePages) + "=1";
  return setenv(kTunables, tunables.c_str(), 1) == 0;
}

bool ShortenSpinning() {
  if (!Variable(kSpin).empty() || !Variable(kWaitPolicy).empty()) return false;
  return setenv(kSpin, kSpinCount, 1) == 0;
}

}  // namespace

std::string KeepFreedMemory() {
  // Without its own mapping a block comes from the heap, which then neither shrinks nor grows in
  // small steps.
  const bool kept = mallopt(M_MMAP_THRESHOLD, kMmapThreshold) == 1 &&
                    mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1 && mallopt(M_TOP_PAD, kTopPad) == 1;
  return kept ? "glibc, freed memory kept" : "glibc, default";
}

std::map<std::string, std::string> PrepareEnvironment(char** argv) {
  const bool huge_pages = AskForHugePages();
  const bool spinning = ShortenSpinning();
  if (huge_pages || spinning) {
    execv("/proc/self/exe", argv);
    return {{"environment", "could not be set: the program cannot execute itself again"}};
  }
  // After it has executed itself, the kernel calls it "exe".
  prctl(PR_SET_NAME, std::filesystem::path(argv[0]).filename().c_str());
  return {{"glibc_tunables", Variable(kTunables)},
          {"transparent_huge_pages", ChosenHugePages()},
          {"openmp_waiting",
           Variable(kWaitPolicy).empty() ? "spins " + Variable(kSpin) : Variable(kWaitPolicy)}};
}

#else

std::string KeepFreedMemory() { return "default"; }
std::map<std::string, std::string> PrepareEnvironment(char**) { return {}; }

#endif

int TakeStandardOutput() {
  const int events = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  return events;
}

}  // namespace laptime::trainer
