#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/sqlite/backup.h"

namespace laptime::storage {

// So much stays free on the disk when a copy is made beside the database, whose writer needs room.
inline constexpr int64_t kSpareBytes = int64_t{64} << 20;

// The whole database as it was at one moment: a copy without a name beside it, to be read from
// begin to end. It goes with the object, or with the process. Belongs to one thread.
class Backup {
 public:
  // Copies while others write. kResourceExhausted with a hint: the disk would be left with less
  // than kSpareBytes; kCancelled: `stop` said so.
  static absl::StatusOr<std::unique_ptr<Backup>> Make(const std::string& database,
                                                      const Stop& stop);
  ~Backup();
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  int64_t bytes() const { return bytes_; }
  // The next bytes, at most so many; none at the end.
  absl::StatusOr<std::string> Read(size_t most);

 private:
  Backup(int descriptor, int64_t bytes) : descriptor_(descriptor), bytes_(bytes) {}

  const int descriptor_;
  const int64_t bytes_;
};

// Removes the copies that a process that was killed left beside `database`. Only with its lock.
void RemoveStaleCopies(const std::string& database);

}  // namespace laptime::storage
