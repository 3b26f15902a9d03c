// A library to preload into a program under test, so that it dies, or finds its disk full, inside
// the calls it makes. Without its variables it changes nothing.
//
//   LAPTIME_DIE_AT=CALL:N    SIGKILL to itself just before the N-th fdatasync, pwrite or sendmsg;
//                            CALL:N+ just after it
//   LAPTIME_DIE_ONCE=FILE    calls are counted once that file is there
//   LAPTIME_FULL_DISK=DIR    while the file DIR.full is there, files under DIR cannot be written:
//                            ENOSPC; with LAPTIME_FULL_DISK_LIES=1 they seem to be, and are not

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// When to die, read once.
class Death {
 public:
  Death() {
    const char* text = std::getenv("LAPTIME_DIE_AT");
    if (text == nullptr) return;
    const std::string at(text);
    const size_t colon = at.find(':');
    if (colon == std::string::npos) return;
    call_ = at.substr(0, colon);
    number_ = std::strtol(at.c_str() + colon + 1, nullptr, 10);
    after_ = at.back() == '+';
    const char* once = std::getenv("LAPTIME_DIE_ONCE");
    if (once != nullptr) once_ = once;
  }

  // Around each call: whether it is the last, before it and after it.
  bool Counts(const char* call) {
    return number_ > 0 && call_ == call && HasBegun() && calls_.fetch_add(1) + 1 == number_;
  }
  void Before(bool counts) const {
    if (counts && !after_) kill(getpid(), SIGKILL);
  }
  void After(bool counts) const {
    if (counts && after_) kill(getpid(), SIGKILL);
  }

 private:
  // Leaves errno as it was.
  bool HasBegun() {
    if (begun_ || once_.empty()) return true;
    const int before = errno;
    begun_ = access(once_.c_str(), F_OK) == 0;
    errno = before;
    return begun_;
  }

  std::string call_;
  std::string once_;
  std::atomic<bool> begun_ = false;
  long number_ = 0;
  bool after_ = false;
  std::atomic<long> calls_{0};
};

Death& TheDeath() {
  static Death death;
  return death;
}

// Runs `call`, or dies before or after it.
template <typename Function>
auto Perform(const char* name, Function&& call) {
  const bool counts = TheDeath().Counts(name);
  TheDeath().Before(counts);
  auto result = call();
  TheDeath().After(counts);
  return result;
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Leaves errno as it was.
bool IsFull(int descriptor) {
  static const char* const dir = std::getenv("LAPTIME_FULL_DISK");
  if (dir == nullptr) return false;
  static const std::string flag = std::string(dir) + ".full";
  const int before = errno;
  char path[4096] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const bool full = access(flag.c_str(), F_OK) == 0 &&
                    readlink(link.c_str(), path, sizeof(path) - 1) > 0 &&
                    std::strncmp(path, dir, std::strlen(dir)) == 0;
  errno = before;
  return full;
}

// What a call returns that would write so much to a full disk.
ssize_t WriteToFullDisk(size_t size) {
  static const bool lies = std::getenv("LAPTIME_FULL_DISK_LIES") != nullptr;
  if (lies) return static_cast<ssize_t>(size);
  errno = ENOSPC;
  return -1;
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): the names are the system's.
extern "C" {

int fdatasync(int descriptor) {
  static auto* const next = Next<int(int)>("fdatasync");
  return Perform("fdatasync", [&] { return next(descriptor); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  static auto* const next = Next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  if (IsFull(descriptor)) return WriteToFullDisk(size);
  return Perform("pwrite", [&] { return next(descriptor, bytes, size, offset); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  return pwrite64(descriptor, bytes, size, offset);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static auto* const next = Next<ssize_t(int, const void*, size_t)>("write");
  if (IsFull(descriptor)) return WriteToFullDisk(size);
  return next(descriptor, bytes, size);
}

ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  static auto* const next = Next<ssize_t(int, const msghdr*, int)>("sendmsg");
  return Perform("sendmsg", [&] { return next(socket, message, flags); });
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
