#include "tests/faults/fault_vfs.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>

namespace laptime::faults {
namespace {

// SQLite allocates it, with room for the usual file behind it.
struct File {
  sqlite3_file head;
  FaultVfs* vfs;
  std::string* path;
  bool syncs_directory;  // as SQLite's own does with the first sync of a journal or log

  sqlite3_file* usual() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
FaultVfs& Of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }

int Close(sqlite3_file* file) {
  sqlite3_file* const usual = Of(file).usual();
  const int result = usual->pMethods->xClose(usual);
  delete Of(file).path;
  return result;
}
int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  return Of(file).vfs->Read(Of(file).usual(), bytes, size, offset);
}
int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  return Of(file).vfs->Write(*Of(file).path, Of(file).usual(), bytes, size, offset);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Of(file).vfs->Truncate(*Of(file).path, Of(file).usual(), size);
}
int Sync(sqlite3_file* file, int /*flags*/) {
  const int result = Of(file).vfs->Sync(*Of(file).path, Of(file).syncs_directory);
  if (result == SQLITE_OK) Of(file).syncs_directory = false;
  return result;
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Of(file).usual()->pMethods->xFileSize(Of(file).usual(), size);
}
int Lock(sqlite3_file* file, int level) {
  return Of(file).usual()->pMethods->xLock(Of(file).usual(), level);
}
int Unlock(sqlite3_file* file, int level) {
  return Of(file).usual()->pMethods->xUnlock(Of(file).usual(), level);
}
int CheckReservedLock(sqlite3_file* file, int* held) {
  return Of(file).usual()->pMethods->xCheckReservedLock(Of(file).usual(), held);
}
// A pragma that is answered here is not carried out.
int FileControl(sqlite3_file* file, int operation, void* argument) {
  if (operation == SQLITE_FCNTL_PRAGMA && Of(file).vfs->synchronous_is_off()) {
    char** const words = static_cast<char**>(argument);
    if (sqlite3_stricmp(words[1], "synchronous") == 0 && words[2] != nullptr &&
        sqlite3_stricmp(words[2], "OFF") != 0)
      return SQLITE_OK;
  }
  return Of(file).usual()->pMethods->xFileControl(Of(file).usual(), operation, argument);
}
int SectorSize(sqlite3_file* file) {
  return Of(file).usual()->pMethods->xSectorSize(Of(file).usual());
}
int DeviceCharacteristics(sqlite3_file* file) {
  return Of(file).usual()->pMethods->xDeviceCharacteristics(Of(file).usual());
}
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return Of(file).usual()->pMethods->xShmMap(Of(file).usual(), page, size, extend, memory);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Of(file).usual()->pMethods->xShmLock(Of(file).usual(), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Of(file).usual()->pMethods->xShmBarrier(Of(file).usual()); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Of(file).usual()->pMethods->xShmUnmap(Of(file).usual(), remove);
}

// Version 2: the log's shared memory, but no mapped database, whose reads would not come by here.
constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  return Of(vfs).Open(path, file, flags, out_flags);
}
int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  return Of(vfs).Delete(path, sync_directory);
}
int Access(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
  return Of(vfs).usual()->xAccess(Of(vfs).usual(), path, flags, result);
}
int FullPathname(sqlite3_vfs* vfs, const char* path, int size, char* full) {
  return Of(vfs).usual()->xFullPathname(Of(vfs).usual(), path, size, full);
}

// Each connection's first statements. The log is checkpointed and begun anew every few commits, as
// it is after a long time.
int SetUp(sqlite3* database, char** /*error*/, const sqlite3_api_routines* /*api*/) {
  sqlite3_exec(database, "PRAGMA wal_autocheckpoint = 50", nullptr, nullptr, nullptr);
  return SQLITE_OK;
}
void (*const kSetUp)() = reinterpret_cast<void (*)()>(SetUp);

int SetSynchronousOff(sqlite3* database, char** /*error*/, const sqlite3_api_routines* /*api*/) {
  sqlite3_exec(database, "PRAGMA synchronous = OFF", nullptr, nullptr, nullptr);
  return SQLITE_OK;
}
void (*const kSetSynchronousOff)() = reinterpret_cast<void (*)()>(SetSynchronousOff);

std::optional<std::string> ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool Changes(Call call) { return call != Call::kRead && call != Call::kOpen; }

}  // namespace

const std::vector<Failure>& Failures() {
  using Done = Failure::Done;
  static const std::vector<Failure> failures = {
      {"EMFILE on open", Call::kOpen, Done::kNothing, SQLITE_CANTOPEN},
      {"EIO on read", Call::kRead, Done::kNothing, SQLITE_IOERR_READ},
      {"EIO on write", Call::kWrite, Done::kNothing, SQLITE_IOERR_WRITE},
      {"ENOSPC on write", Call::kWrite, Done::kNothing, SQLITE_FULL},
      // So SQLite says of a write that ends early.
      {"short write", Call::kWrite, Done::kHalf, SQLITE_FULL},
      {"written but reported failed", Call::kWrite, Done::kAll, SQLITE_IOERR_WRITE},
      {"EIO on sync", Call::kSync, Done::kNothing, SQLITE_IOERR_FSYNC},
      {"synced but reported failed", Call::kSync, Done::kAll, SQLITE_IOERR_FSYNC},
      {"EIO on truncate", Call::kTruncate, Done::kNothing, SQLITE_IOERR_TRUNCATE},
      {"EIO on delete", Call::kDelete, Done::kNothing, SQLITE_IOERR_DELETE},
  };
  return failures;
}

FaultVfs::FaultVfs() : vfs_(), usual_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *usual_;
  vfs_.iVersion = 1;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + usual_->szOsFile;
  vfs_.pNext = nullptr;
  vfs_.zName = "laptime-faults";
  vfs_.pAppData = this;
  vfs_.xOpen = faults::Open;
  vfs_.xDelete = faults::Delete;
  vfs_.xAccess = Access;
  vfs_.xFullPathname = FullPathname;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
  sqlite3_auto_extension(kSetUp);
}

FaultVfs::~FaultVfs() {
  sqlite3_cancel_auto_extension(kSetUp);
  if (synchronous_off_) sqlite3_cancel_auto_extension(kSetSynchronousOff);
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(usual_, /*makeDflt=*/1);
}

void FaultVfs::CutPowerAt(int64_t change) {
  MutexLock lock(mu_);
  changes_left_ = change;
}

bool FaultVfs::is_cut() const {
  MutexLock lock(mu_);
  return !power_;
}

void FaultVfs::Reboot(std::mt19937_64& random) {
  MutexLock lock(mu_);
  for (const auto& [path, content] : disk_.Cut(random)) {
    std::filesystem::remove(path);
    // The log's index is memory, although it has a name.
    std::filesystem::remove(path + "-shm");
    if (content) std::ofstream(path, std::ios::binary) << *content;
  }
  power_ = true;
  changes_left_.reset();
}

void FaultVfs::FailAt(const Failure& failure, int64_t call) {
  MutexLock lock(mu_);
  failures_ = {failure};
  calls_left_ = call;
  failed_ = 0;
}

void FaultVfs::FailOften(const std::vector<Failure>& failures, double share, uint64_t seed) {
  MutexLock lock(mu_);
  failures_ = failures;
  calls_left_.reset();
  share_ = share;
  random_.seed(seed);
  failed_ = 0;
}

void FaultVfs::FailNoMore() {
  MutexLock lock(mu_);
  failures_.clear();
  calls_left_.reset();
}

int64_t FaultVfs::failed() const {
  MutexLock lock(mu_);
  return failed_;
}

void FaultVfs::IgnoreSyncs() {
  MutexLock lock(mu_);
  syncs_ignored_ = true;
}

void FaultVfs::TurnSynchronousOff() {
  synchronous_off_ = true;
  sqlite3_auto_extension(kSetSynchronousOff);
}

FaultVfs::Verdict FaultVfs::Judge(Call call) {
  if (Changes(call) && changes_left_ && --*changes_left_ <= 0) power_ = false;
  if (!power_) return {Failure::Done::kNothing, SQLITE_IOERR};
  for (const Failure& failure : failures_) {
    if (failure.call != call) continue;
    if (calls_left_ ? --*calls_left_ != 0 : !std::bernoulli_distribution(share_)(random_)) continue;
    ++failed_;
    return {failure.done, failure.code};
  }
  return {};
}

int FaultVfs::Open(const char* path, sqlite3_file* file, int flags, int* out_flags) {
  File& opened = *new (file) File{{nullptr}, this, nullptr, false};
  // Temporary files, which have no name, are nobody's loss.
  if (path == nullptr) return usual_->xOpen(usual_, path, file, flags, out_flags);
  MutexLock lock(mu_);
  const Verdict verdict = Judge(Call::kOpen);
  if (verdict.code != SQLITE_OK) return verdict.code;
  const bool is_known = disk_.Knows(path);
  const std::optional<std::string> content = is_known ? std::nullopt : ContentOf(path);
  const int result = usual_->xOpen(usual_, path, opened.usual(), flags, out_flags);
  if (result != SQLITE_OK) return result;
  if (!is_known) disk_.Open(path, content);
  opened.path = new std::string(path);
  opened.syncs_directory = (flags & SQLITE_OPEN_CREATE) != 0 &&
                           (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  opened.head.pMethods = &kMethods;
  return SQLITE_OK;
}

int FaultVfs::Read(sqlite3_file* usual, void* bytes, int size, int64_t offset) {
  {
    MutexLock lock(mu_);
    const Verdict verdict = Judge(Call::kRead);
    if (verdict.code != SQLITE_OK) return verdict.code;
  }
  return usual->pMethods->xRead(usual, bytes, size, offset);
}

int FaultVfs::Write(const std::string& path, sqlite3_file* usual, const void* bytes, int size,
                    int64_t offset) {
  MutexLock lock(mu_);
  const Verdict verdict = Judge(Call::kWrite);
  if (verdict.done == Failure::Done::kNothing) return verdict.code;
  if (verdict.done == Failure::Done::kHalf) size /= 2;
  const int result = usual->pMethods->xWrite(usual, bytes, size, offset);
  if (result != SQLITE_OK) return result;
  disk_.Write(path, offset, std::string(static_cast<const char*>(bytes), size));
  return verdict.code;
}

int FaultVfs::Truncate(const std::string& path, sqlite3_file* usual, int64_t size) {
  MutexLock lock(mu_);
  const Verdict verdict = Judge(Call::kTruncate);
  if (verdict.done == Failure::Done::kNothing) return verdict.code;
  const int result = usual->pMethods->xTruncate(usual, size);
  if (result != SQLITE_OK) return result;
  disk_.Truncate(path, size);
  return verdict.code;
}

int FaultVfs::Sync(const std::string& path, bool with_directory) {
  MutexLock lock(mu_);
  const Verdict verdict = Judge(Call::kSync);
  if (verdict.done == Failure::Done::kNothing && power_) disk_.FailSync(path);
  if (verdict.done == Failure::Done::kNothing || syncs_ignored_) return verdict.code;
  disk_.Sync(path);
  if (with_directory) disk_.SyncDirectory();
  return verdict.code;
}

int FaultVfs::Delete(const char* path, int sync_directory) {
  MutexLock lock(mu_);
  const Verdict verdict = Judge(Call::kDelete);
  if (verdict.done == Failure::Done::kNothing) return verdict.code;
  const int result = usual_->xDelete(usual_, path, /*syncDir=*/0);
  if (result != SQLITE_OK) return result;
  disk_.Remove(path);
  if (sync_directory != 0 && !syncs_ignored_) disk_.SyncDirectory();
  return verdict.code;
}

}  // namespace laptime::faults
