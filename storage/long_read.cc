#include "storage/long_read.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <utility>

#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

// Between two questions; some milliseconds.
constexpr int kInstructionsBetweenQuestions = 100'000;

int Asked(void* stop) { return (*static_cast<const Stop*>(stop))() ? 1 : 0; }

}  // namespace

absl::StatusOr<std::unique_ptr<LongRead>> LongRead::Open(const std::string& path, Stop stop) {
  auto database = OpenDatabase(path, {.read_only = true});
  if (!database.ok()) return database.status();
  return std::unique_ptr<LongRead>(new LongRead(*std::move(database), std::move(stop)));
}

LongRead::LongRead(std::unique_ptr<SQLite::Database> database, Stop stop)
    : stop_(std::move(stop)),
      database_(std::move(database)),
      reader_(std::make_unique<Reader>(*database_)) {
  if (!stop_) return;
  // SQLite calls it and changes nothing of it.
  void* const argument =
      const_cast<Stop*>(&stop_);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  sqlite3_progress_handler(database_->getHandle(), kInstructionsBetweenQuestions, Asked, argument);
}

LongRead::~LongRead() = default;

absl::Status LongRead::Ended(const absl::Status& status) const {
  if (!absl::IsUnavailable(status) || !stop_ || !stop_()) return status;
  return absl::CancelledError("given up");
}

}  // namespace laptime::storage
