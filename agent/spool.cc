#include "agent/spool.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <spdlog/spdlog.h>

#include "agent/random_id.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

using State = RecordedAttempt::State;

constexpr int kApplicationId = 0x4c54'5350;  // "LTSP"

constexpr char kTables[] = R"sql(
  CREATE TABLE spool(id TEXT NOT NULL) STRICT;
  -- AUTOINCREMENT: a sequence number is never used again, not even after its row is deleted.
  CREATE TABLE report(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,       -- field number in Report.event
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX report_kind ON report(kind, seq);
  CREATE TABLE attempt(
    position INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    fencing_token INTEGER NOT NULL,
    start BLOB NOT NULL,         -- the StartRun
    state INTEGER NOT NULL,      -- RecordedAttempt::State
    end_seq INTEGER,
    UNIQUE(run_id, number)
  ) STRICT;
)sql";

constexpr char kVersion2[] = R"sql(
  -- The highest that was stored as a report.
  ALTER TABLE attempt ADD COLUMN epochs INTEGER NOT NULL DEFAULT 0;
)sql";

const std::vector<std::string>& Migrations() {
  static const std::vector<std::string> migrations = {kTables, kVersion2};
  return migrations;
}

// Tells clang's analysis, which does not look into a lambda from outside, that the lock is held
// there.
void AssertHeld(const Mutex& mu) ABSL_ASSERT_EXCLUSIVE_LOCK(mu) {}

// What the cap may drop, and what it never may.
bool MayBeDropped(const v1::Report& report) {
  return report.has_samples() || report.has_log_chunk();
}
bool IsEnd(const v1::Report& report) {
  return report.has_finished() || report.has_failed() || report.has_stopped();
}

std::string AttemptName(const v1::AttemptRef& attempt) {
  return attempt.run_id() + "-" + std::to_string(attempt.number());
}

RecordedAttempt ReadAttempt(const storage::Query& row) {
  RecordedAttempt attempt;
  attempt.start.ParseFromString(row.Text(0));
  attempt.state = static_cast<State>(row.Int(1));
  attempt.end_seq = static_cast<uint64_t>(row.Int64(2));  // NULL reads as 0
  return attempt;
}

void MoveAside(const std::filesystem::path& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::rename(path.string() + suffix, path.string() + ".damaged" + suffix, ignored);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const std::filesystem::path& path,
                                                   const SpoolOptions& options) {
  const auto open = [&]() -> absl::StatusOr<std::unique_ptr<Spool>> {
    auto database = storage::OpenDatabase(path.string(), {});
    if (!database.ok()) return database.status();
    LAPTIME_RETURN_IF_ERROR(storage::Migrate(**database, kApplicationId, Migrations()));
    std::unique_ptr<Spool> spool(new Spool(*std::move(database), options));
    MutexLock lock(spool->mu_);
    LAPTIME_RETURN_IF_ERROR(spool->Load());
    return spool;
  };
  auto spool = open();
  if (spool.status().code() != absl::StatusCode::kDataLoss) return spool;
  spdlog::error("{}; it is kept as {}.damaged, and a new spool begins", MessageOf(spool.status()),
                path.string());
  MoveAside(path);
  return open();
}

Spool::Spool(std::unique_ptr<SQLite::Database> database, const SpoolOptions& options)
    : options_(options), database_(std::move(database)), statements_(*database_) {}

Spool::~Spool() = default;

absl::Status Spool::Load() {
  return storage::Guard("opening the spool", [this]() -> absl::Status {
    AssertHeld(mu_);
    // All of it: damage that shows only later would stop the agent at each connection.
    auto check = statements_->Get("PRAGMA quick_check(1)");
    if (check.Step() && check.Text(0) != "ok")
      return absl::DataLossError("the spool is damaged: " + check.Text(0));
    auto id = statements_->Get("SELECT id FROM spool");
    if (id.Step()) {
      id_ = id.Text(0);
    } else {
      id_ = NewUuid();
      statements_->Get("INSERT INTO spool(id) VALUES(?1)").Bind(id_).Run();
    }
    bytes_ = StoredBytes();
    return absl::OkStatus();
  });
}

int64_t Spool::StoredBytes() {
  auto sum = statements_->Get("SELECT coalesce(sum(length(bytes)), 0) FROM report");
  sum.Step();
  return sum.Int64(0);
}

// True when `wanted` more bytes may be stored. Samples go first: every second one, then all; then
// log chunks.
bool Spool::MakeRoom(int64_t wanted, bool may_be_dropped) {
  if (bytes_ + wanted <= options_.max_bytes) return true;
  const std::string samples = std::to_string(v1::Report::kSamples);
  const std::string logs = std::to_string(v1::Report::kLogChunk);
  for (const std::string& victims :
       {"kind = " + samples +
            " AND seq IN (SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS n "
            "FROM report WHERE kind = " +
            samples + ") WHERE n % 2 = 0)",
        "kind = " + samples, "kind = " + logs}) {
    statements_->Get("DELETE FROM report WHERE " + victims).Run();
    bytes_ = StoredBytes();
    spdlog::warn("the spool is full ({} bytes): left out samples or log text", options_.max_bytes);
    if (bytes_ + wanted <= options_.max_bytes) return true;
  }
  return !may_be_dropped;
}

absl::StatusOr<uint64_t> Spool::Append(const v1::Report& report) {
  MutexLock lock(mu_);
  const int64_t bytes_before = bytes_;
  const auto body = [&]() -> absl::StatusOr<uint64_t> {
    AssertHeld(mu_);
    const std::string bytes = report.SerializeAsString();
    SQLite::Transaction transaction(*database_);
    if (!MakeRoom(static_cast<int64_t>(bytes.size()), MayBeDropped(report))) {
      transaction.commit();
      return 0;
    }
    auto insert = statements_->Get("INSERT INTO report(kind, bytes) VALUES(?1, ?2)");
    insert.BindAt(1, static_cast<int>(report.event_case()));
    insert.BindBlob(2, bytes);
    insert.Run();
    const int64_t seq = database_->getLastInsertRowid();
    if (report.has_epoch_finished()) {
      statements_->Get("UPDATE attempt SET epochs = ?1 WHERE run_id = ?2 AND number = ?3")
          .Bind(report.epoch_finished().number(), report.attempt().run_id(),
                report.attempt().number())
          .Run();
    }
    if (IsEnd(report)) {
      statements_
          ->Get(
              "UPDATE attempt SET state = ?1, end_seq = ?2 WHERE run_id = ?3 AND number = ?4 AND "
              "state = ?5")
          .Bind(State::kEndSpooled, seq, report.attempt().run_id(), report.attempt().number(),
                State::kOpen)
          .Run();
    }
    transaction.commit();
    bytes_ += static_cast<int64_t>(bytes.size());
    return static_cast<uint64_t>(seq);
  };
  auto seq = storage::Guard("spooling a report of " + AttemptName(report.attempt()), body);
  if (!seq.ok()) bytes_ = bytes_before;  // what was left out is there again
  return seq;
}

// The attempt that report `seq` ends; nothing where it ends none.
std::optional<v1::AttemptRef> Spool::EndedWith(int64_t seq) {
  auto row = statements_->Get("SELECT start, state, end_seq FROM attempt WHERE end_seq = ?1");
  row.Bind(seq);
  if (!row.Step()) return std::nullopt;
  return ReadAttempt(row).start.attempt();
}

absl::StatusOr<std::vector<v1::Report>> Spool::ReadFrom(uint64_t seq, int limit) {
  MutexLock lock(mu_);
  const auto body = [&]() -> absl::StatusOr<std::vector<v1::Report>> {
    AssertHeld(mu_);
    std::vector<v1::Report> reports;
    auto rows = statements_->Get("SELECT seq, bytes FROM report WHERE seq >= ?1 ORDER BY seq");
    rows.Bind(static_cast<int64_t>(seq));
    while (std::ssize(reports) < limit && rows.Step()) {
      v1::Report report;
      if (!report.ParseFromString(rows.Text(1))) {
        // What follows it must not wait for ever; the next acknowledgement deletes it.
        spdlog::error("report {} in the spool is damaged and left out", rows.Int64(0));
        const std::optional<v1::AttemptRef> ended = EndedWith(rows.Int64(0));
        if (!ended) continue;
        // A run must end, though nobody knows any more how.
        report.Clear();
        *report.mutable_attempt() = *ended;
        v1::Failure& failure = *report.mutable_failed();
        failure.set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
        failure.set_message("what the agent's spool says of its end is damaged");
      }
      report.set_seq(static_cast<uint64_t>(rows.Int64(0)));
      reports.push_back(std::move(report));
    }
    return reports;
  };
  return storage::Guard("reading the spool", body);
}

absl::Status Spool::DeleteThrough(uint64_t seq) {
  MutexLock lock(mu_);
  return storage::Guard("deleting acknowledged reports", [&]() {
    AssertHeld(mu_);
    const auto through = static_cast<int64_t>(seq);
    SQLite::Transaction transaction(*database_);
    auto sum =
        statements_->Get("SELECT coalesce(sum(length(bytes)), 0) FROM report WHERE seq <= ?1");
    sum.Bind(through).Step();
    const int64_t freed = sum.Int64(0);
    statements_->Get("DELETE FROM report WHERE seq <= ?1").Bind(through).Run();
    statements_->Get("UPDATE attempt SET state = ?1 WHERE state = ?2 AND end_seq <= ?3")
        .Bind(State::kEnded, State::kEndSpooled, through)
        .Run();
    if (database_->getChanges() > 0) {
      statements_
          ->Get(
              "DELETE FROM attempt WHERE state >= ?1 AND position <= "
              "(SELECT max(position) FROM attempt) - ?2")
          .Bind(State::kEnded, kRememberedAttempts)
          .Run();
    }
    transaction.commit();
    bytes_ -= freed;
  });
}

absl::StatusOr<uint64_t> Spool::NextSeq() {
  MutexLock lock(mu_);
  const auto body = [&]() -> absl::StatusOr<uint64_t> {
    AssertHeld(mu_);
    auto row = statements_->Get("SELECT seq FROM sqlite_sequence WHERE name = 'report'");
    return row.Step() ? static_cast<uint64_t>(row.Int64(0)) + 1 : 1;
  };
  return storage::Guard("reading the spool's position", body);
}

absl::Status Spool::NumberFrom(uint64_t seq) {
  MutexLock lock(mu_);
  return storage::Guard("moving the spool's position", [&]() {
    AssertHeld(mu_);
    const auto last = static_cast<int64_t>(seq) - 1;
    statements_->Get("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'report' AND seq < ?1")
        .Bind(last)
        .Run();
    statements_
        ->Get(
            "INSERT INTO sqlite_sequence(name, seq) SELECT 'report', ?1 WHERE ?1 > 0 AND NOT "
            "EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'report')")
        .Bind(last)
        .Run();
  });
}

absl::Status Spool::Record(const v1::StartRun& start) {
  MutexLock lock(mu_);
  return storage::Guard("recording " + AttemptName(start.attempt()), [&]() {
    AssertHeld(mu_);
    auto insert = statements_->Get(
        "INSERT INTO attempt(run_id, number, fencing_token, state, start) "
        "VALUES(?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT DO NOTHING");
    insert.Bind(start.attempt().run_id(), start.attempt().number(), start.attempt().fencing_token(),
                State::kOpen);
    insert.BindBlob(5, start.SerializeAsString());
    insert.Run();
  });
}

absl::StatusOr<std::optional<RecordedAttempt>> Spool::Find(const v1::AttemptRef& attempt) {
  MutexLock lock(mu_);
  const auto body = [&]() -> absl::StatusOr<std::optional<RecordedAttempt>> {
    AssertHeld(mu_);
    auto row = statements_->Get(
        "SELECT start, state, end_seq FROM attempt WHERE run_id = ?1 AND number = ?2");
    row.Bind(attempt.run_id(), attempt.number());
    if (!row.Step()) return std::optional<RecordedAttempt>();
    return std::optional(ReadAttempt(row));
  };
  return storage::Guard("looking up " + AttemptName(attempt), body);
}

absl::StatusOr<std::vector<RecordedAttempt>> Spool::OpenAttempts() {
  MutexLock lock(mu_);
  const auto body = [&]() -> absl::StatusOr<std::vector<RecordedAttempt>> {
    AssertHeld(mu_);
    std::vector<RecordedAttempt> attempts;
    auto rows = statements_->Get(
        "SELECT start, state, end_seq FROM attempt WHERE state < ?1 ORDER BY position");
    rows.Bind(State::kEnded);
    while (rows.Step()) attempts.push_back(ReadAttempt(rows));
    return attempts;
  };
  return storage::Guard("reading recorded attempts", body);
}

absl::Status Spool::MarkDead(const v1::AttemptRef& attempt) {
  MutexLock lock(mu_);
  return storage::Guard("closing " + AttemptName(attempt), [&]() {
    AssertHeld(mu_);
    statements_
        ->Get("UPDATE attempt SET state = ?1 WHERE run_id = ?2 AND number = ?3 AND state = ?4")
        .Bind(State::kDead, attempt.run_id(), attempt.number(), State::kOpen)
        .Run();
  });
}

absl::StatusOr<int> Spool::RecordedEpochs(const std::string& run_id) {
  MutexLock lock(mu_);
  const auto body = [&]() -> absl::StatusOr<int> {
    AssertHeld(mu_);
    auto row = statements_->Get("SELECT coalesce(max(epochs), 0) FROM attempt WHERE run_id = ?1");
    row.Bind(run_id).Step();
    return row.Int(0);
  };
  return storage::Guard("looking up run " + run_id, body);
}

absl::StatusOr<int64_t> Spool::HighestToken(const std::string& run_id) {
  MutexLock lock(mu_);
  const auto body = [&]() -> absl::StatusOr<int64_t> {
    AssertHeld(mu_);
    auto row =
        statements_->Get("SELECT coalesce(max(fencing_token), 0) FROM attempt WHERE run_id = ?1");
    row.Bind(run_id).Step();
    return row.Int64(0);
  };
  return storage::Guard("looking up run " + run_id, body);
}

}  // namespace laptime::agent
