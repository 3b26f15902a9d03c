#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace SQLite {
class Database;
}

namespace laptime::storage {

// Asked now and then by long work; true: give up.
using Stop = std::function<bool()>;

// Copies all of `source` into the file `target`, by SQLite's online backup: one moment of it, while
// others go on to write. `target` is new, or empty; only its owner can read it. It is not yet on
// the disk: sync it before it counts. On failure it is removed.
//
// The write-ahead log of `source` cannot shrink meanwhile. `source` belongs to the caller's thread
// and is in no transaction. kCancelled: `stop` said so; kResourceExhausted: no room.
absl::Status CopyDatabase(SQLite::Database& source, const std::string& target, const Stop& stop);

// Copies `source` to FILE.before-v`version`, on the disk before it returns, then removes the oldest
// such copies beyond kKeptCopies.
inline constexpr int kKeptCopies = 3;
absl::Status CopyBeforeMigration(SQLite::Database& source, int version);

}  // namespace laptime::storage
