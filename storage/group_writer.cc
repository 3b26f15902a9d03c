#include "storage/group_writer.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "proto/support/status.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

absl::Status Call(const Store::Work& work, Transaction& transaction) {
  try {
    return Guard("writing", [&] { return work(transaction); });
  } catch (const std::exception& error) {
    return absl::InternalError(std::string("writing: ") + error.what());
  }
}

}  // namespace

GroupWriter::GroupWriter(SQLite::Database& database, const StoreOptions& options)
    : database_(database),
      group_delay_(options.group_delay),
      group_size_(static_cast<size_t>(options.group_size)),
      max_queued_(static_cast<size_t>(options.max_queued)),
      transaction_(database),
      statements_(std::make_unique<Statements>(database)),
      wal_limit_(database),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

GroupWriter::~GroupWriter() = default;

bool GroupWriter::Add(Store::Work&& work, Store::Done&& done, Wait wait) {
  return Push([&] {
    return Piece{std::move(work), nullptr, std::move(done), wait, std::chrono::steady_clock::now()};
  });
}

bool GroupWriter::AddAlone(LoneWork work, Store::Done done) {
  return Push([&] {
    return Piece{nullptr, std::move(work), std::move(done), Wait::kSomebodyWaits,
                 std::chrono::steady_clock::now()};
  });
}

template <typename Make>
bool GroupWriter::Push(Make make) {
  bool wake = false;
  {
    MutexLock lock(mu_);
    if (queue_.size() >= max_queued_) return false;
    queue_.push_back(make());
    if (queue_.back().wait == Wait::kSomebodyWaits) ++waited_for_;
    // The first piece starts the clock of its group; between it and a ready group there is nothing
    // to do.
    wake = queue_.size() == 1 || IsGroupReady();
  }
  if (wake) changed_.notify_one();
  return true;
}

void GroupWriter::Drain() {
  MutexLock lock(mu_);
  idle_.wait(
      mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return queue_.empty() && !committing_; });
}

void GroupWriter::Loop(const std::stop_token& stop) {
  for (std::vector<Piece> group = NextGroup(stop); !group.empty(); group = NextGroup(stop)) {
    CommitGroup(group);
  }
}

bool GroupWriter::IsGroupReady() const { return waited_for_ > 0 || queue_.size() >= group_size_; }

std::vector<GroupWriter::Piece> GroupWriter::NextGroup(const std::stop_token& stop) {
  MutexLock lock(mu_);
  committing_ = false;
  if (queue_.empty()) idle_.notify_all();
  changed_.wait(mu_, stop, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !queue_.empty(); });
  std::vector<Piece> group;
  if (queue_.empty()) return group;
  changed_.wait_until(mu_, stop, queue_.front().added + group_delay_,
                      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return IsGroupReady(); });
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(NextSize());
  std::move(queue_.begin(), end, std::back_inserter(group));
  queue_.erase(queue_.begin(), end);
  committing_ = true;
  waited_for_ -= static_cast<size_t>(std::ranges::count(group, Wait::kSomebodyWaits, &Piece::wait));
  return group;
}

size_t GroupWriter::NextSize() const {
  if (queue_.front().alone) return 1;
  const auto most = static_cast<std::ptrdiff_t>(std::min(queue_.size(), group_size_));
  const auto lone = std::find_if(queue_.begin(), queue_.begin() + most,
                                 [](const Piece& piece) { return piece.alone != nullptr; });
  return static_cast<size_t>(lone - queue_.begin());
}

void GroupWriter::CommitGroup(std::vector<Piece>& group) {
  std::vector<absl::Status> statuses;
  const absl::Status committed =
      group.front().alone ? RunAlone(group.front().alone, statuses) : RunGroup(group, statuses);
  for (size_t i = 0; i < group.size(); ++i) {
    if (group[i].done) group[i].done(committed.ok() ? statuses[i] : committed);
  }
  group.clear();  // with what work and `done` hold
  wal_limit_.Keep();
}

absl::Status GroupWriter::RunAlone(const LoneWork& work, std::vector<absl::Status>& statuses) {
  statuses.push_back(Guard("tidying", [&] { return work(database_); }));
  return absl::OkStatus();
}

absl::Status GroupWriter::RunGroup(const std::vector<Piece>& group,
                                   std::vector<absl::Status>& statuses) {
  const absl::Status committed = Guard("committing", [&]() -> absl::Status {
    Execute("BEGIN IMMEDIATE");
    for (const Piece& piece : group) {
      statuses.push_back(RunPiece(piece.work));
      if (!InTransaction()) return statuses.back();
    }
    Execute("COMMIT");
    return absl::OkStatus();
  });
  if (!committed.ok()) {
    if (InTransaction()) database_.tryExec("ROLLBACK");
    transaction_.ForgetUndone();
  }
  return committed;
}

absl::Status GroupWriter::RunPiece(const Store::Work& work) {
  Execute("SAVEPOINT piece");
  absl::Status status = Call(work, transaction_);
  if (!InTransaction()) {
    if (!status.ok()) return status;
    return absl::UnavailableError("writing: the transaction was rolled back");
  }
  if (!status.ok()) {
    Execute("ROLLBACK TO piece");
    transaction_.ForgetUndone();
  }
  Execute("RELEASE piece");
  return status;
}

void GroupWriter::Execute(const char* sql) { statements_->Get(sql).Run(); }

bool GroupWriter::InTransaction() const {
  return sqlite3_get_autocommit(database_.getHandle()) == 0;
}

}  // namespace laptime::storage
