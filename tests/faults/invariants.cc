#include "tests/faults/invariants.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <sstream>

#include "laptime/v1/control.pb.h"
#include "storage/sqlite/database.h"

namespace laptime::faults {
namespace {

constexpr size_t kMostComplaints = 20;

enum class Kind { kLost, kDoubled };

void Complain(Findings& findings, Kind kind, const std::string& what) {
  ++(kind == Kind::kLost ? findings.lost : findings.doubled);
  if (findings.complaints.size() < kMostComplaints) findings.complaints.push_back(what);
}

// A query that gives a row for each thing that is wrong; its first column names it.
struct Rule {
  Kind kind;
  const char* wrong;
  const char* sql;
};

constexpr Rule kRules[] = {
    {Kind::kLost, "a row refers to nothing in table", "PRAGMA foreign_key_check"},
    {Kind::kDoubled, "an epoch is there twice",
     "SELECT run.id || ' ' || attempt.number || ' ' || epoch.number FROM epoch "
     "JOIN attempt ON attempt.key = epoch.attempt JOIN run ON run.key = attempt.run "
     "GROUP BY run.id, attempt.number, epoch.number HAVING count(*) > 1"},
    {Kind::kDoubled, "two attempts of a run succeeded",
     "SELECT run.id FROM attempt JOIN run ON run.key = attempt.run WHERE attempt.state = 4 "
     "GROUP BY run.key HAVING count(*) > 1"},
    {Kind::kDoubled, "two attempts of a run are under way",
     "SELECT run.id FROM attempt JOIN run ON run.key = attempt.run WHERE attempt.state < 4 "
     "GROUP BY run.key HAVING count(*) > 1"},
    {Kind::kDoubled, "a job has a repetition twice",
     "SELECT job.id FROM run JOIN job ON job.key = run.job "
     "GROUP BY run.job, run.device, run.repetition HAVING count(*) > 1"},
    {Kind::kDoubled, "a piece of a log is there twice",
     "SELECT attempt || ' at ' || offset FROM (SELECT attempt, offset, lag(offset + bytes) OVER "
     "(PARTITION BY attempt ORDER BY offset) AS before FROM log) WHERE offset < before"},
    {Kind::kLost, "a run ended with an attempt under way",
     "SELECT run.id FROM run JOIN attempt ON attempt.run = run.key "
     "WHERE run.state >= 4 AND attempt.state < 4"},
    {Kind::kLost, "a run's attempts are not those it counts",
     "SELECT run.id FROM run LEFT JOIN attempt ON attempt.run = run.key GROUP BY run.key "
     "HAVING count(attempt.key) <> run.attempt OR coalesce(max(attempt.number), 0) <> run.attempt"},
    {Kind::kLost, "a run under way has no attempt under way",
     "SELECT run.id FROM run WHERE run.state IN (2, 3) AND NOT EXISTS (SELECT 1 FROM attempt "
     "WHERE attempt.run = run.key AND attempt.number = run.attempt AND attempt.state < 4)"},
    {Kind::kLost, "a run succeeded without all of its epochs",
     "SELECT run.id FROM run JOIN job ON job.key = run.job WHERE run.state = 4 AND job.epochs <> "
     "(SELECT count(*) FROM epoch JOIN attempt ON attempt.key = epoch.attempt "
     "WHERE attempt.run = run.key AND attempt.number = run.attempt AND attempt.state = 4)"},
    {Kind::kLost, "a run's count of epochs is not theirs",
     "SELECT run.id FROM run WHERE run.epochs_done <> (SELECT count(*) FROM epoch JOIN attempt ON "
     "attempt.key = epoch.attempt WHERE attempt.run = run.key AND attempt.number = run.attempt)"},
    {Kind::kLost, "an attempt misses an epoch between others",
     "SELECT run.id || ' ' || attempt.number FROM attempt JOIN run ON run.key = attempt.run "
     "JOIN epoch ON epoch.attempt = attempt.key GROUP BY attempt.key "
     "HAVING max(epoch.number) <> count(*)"},
};

void CheckRules(SQLite::Database& database, Findings& findings) {
  SQLite::Statement check(database, "PRAGMA integrity_check");
  while (check.executeStep()) {
    const std::string said = check.getColumn(0).getString();
    if (said != "ok") Complain(findings, Kind::kLost, "integrity_check: " + said);
  }
  for (const Rule& rule : kRules) {
    SQLite::Statement query(database, rule.sql);
    while (query.executeStep()) {
      Complain(findings, rule.kind,
               std::string(rule.wrong) + ": " + query.getColumn(0).getString());
    }
  }
}

// What watchers were told, in the order in which they were: no end and no lap twice.
class Events {
 public:
  explicit Events(Findings& findings) : findings_(findings) {}

  void Take(const v1::JobEvent& event) {
    const std::string& run = event.run_id();
    if (event.has_job_ended()) {
      Once(job_ends_.insert(event.job_id()).second, "the end of job " + event.job_id());
    } else if (event.has_epoch_finished()) {
      const EpochKey key{run, attempts_[run], event.epoch_finished().number()};
      Once(epochs_.insert(key).second, "epoch " + std::to_string(key.epoch) + " of run " + run);
    } else if (event.has_run_changed()) {
      attempts_[run] = event.run_changed().attempt();
      if (event.run_changed().state() < v1::RUN_STATE_SUCCEEDED) return;
      Once(run_ends_.insert(run).second, "the end of run " + run);
    }
  }
  const std::set<std::string>& run_ends() const { return run_ends_; }

 private:
  void Once(bool is_first, const std::string& what) {
    if (!is_first) Complain(findings_, Kind::kDoubled, "told twice: " + what);
  }

  Findings& findings_;
  std::map<std::string, int> attempts_;
  std::set<EpochKey> epochs_;
  std::set<std::string> run_ends_, job_ends_;
};

void CheckEvents(SQLite::Database& database, bool all_ended, Findings& findings) {
  Events events(findings);
  SQLite::Statement rows(database, "SELECT message FROM event ORDER BY seq");
  while (rows.executeStep()) {
    v1::JobEvent event;
    if (!event.ParseFromString(rows.getColumn(0).getString()))
      Complain(findings, Kind::kLost, "an event cannot be read");
    events.Take(event);
  }
  SQLite::Statement runs(database, "SELECT id, state FROM run");
  while (runs.executeStep()) {
    const std::string id = runs.getColumn(0).getString();
    const bool ended = runs.getColumn(1).getInt() >= v1::RUN_STATE_SUCCEEDED;
    if (ended != events.run_ends().contains(id))
      Complain(findings, Kind::kLost, "what was told of its end is not so: run " + id);
    if (all_ended && !ended) Complain(findings, Kind::kLost, "never ended: run " + id);
  }
}

std::string NameOf(const EpochKey& key) {
  return "epoch " + std::to_string(key.epoch) + " of attempt " + std::to_string(key.attempt) +
         " of run " + key.run;
}

void CheckRuns(SQLite::Database& database, const Witness& witness, Findings& findings) {
  std::set<std::string> stored;
  SQLite::Statement rows(database, "SELECT id FROM run");
  while (rows.executeStep()) stored.insert(rows.getColumn(0).getString());
  for (const std::string& id : witness.runs) {
    if (!stored.contains(id)) Complain(findings, Kind::kLost, "run " + id + " is lost");
  }
  for (const std::string& id : stored) {
    if (witness.complete && !witness.runs.contains(id))
      Complain(findings, Kind::kDoubled, "run " + id + " comes from nowhere");
  }
}

void CheckMarks(SQLite::Database& database, const Witness& witness, Findings& findings) {
  SQLite::Statement mark(database,
                         "SELECT committed_seq FROM spool WHERE host = ?1 AND spool_id = ?2");
  for (const auto& [spool, seq] : witness.acknowledged) {
    if (seq == 0) continue;
    mark.bind(1, spool.first);
    mark.bind(2, spool.second);
    if (!mark.executeStep() || mark.getColumn(0).getInt64() < static_cast<int64_t>(seq))
      Complain(findings, Kind::kLost, "reports of host " + spool.first + " are lost");
    mark.reset();
  }
}

void CheckEpochs(SQLite::Database& database, const Witness& witness, Findings& findings) {
  std::set<EpochKey> stored, adopted;
  SQLite::Statement rows(
      database,
      "SELECT run.id, attempt.number, epoch.number, epoch.measured_in FROM epoch "
      "JOIN attempt ON attempt.key = epoch.attempt "
      "JOIN run ON run.key = attempt.run");
  while (rows.executeStep()) {
    EpochKey key{rows.getColumn(0).getString(), rows.getColumn(1).getInt(),
                 rows.getColumn(2).getInt()};
    if (!rows.getColumn(3).isNull()) adopted.insert(key);
    stored.insert(std::move(key));
  }
  for (const EpochKey& key : witness.epochs) {
    if (!stored.contains(key)) Complain(findings, Kind::kLost, NameOf(key) + " is lost");
  }
  for (const EpochKey& key : stored) {
    if (witness.complete && !witness.epochs.contains(key) && !adopted.contains(key))
      Complain(findings, Kind::kDoubled, NameOf(key) + " comes from nowhere");
  }
}

}  // namespace

absl::StatusOr<Witness> ReadWitness(std::istream& lines) {
  Witness witness;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind, first, second;
    uint64_t number = 0;
    words >> kind;
    if (kind == "complete") {
      witness.complete = true;
    } else if (kind == "all_ended") {
      witness.all_ended = true;
    } else if (kind == "run" && words >> first) {
      witness.runs.insert(first);
    } else if (EpochKey key; kind == "epoch" && words >> key.run >> key.attempt >> key.epoch) {
      witness.epochs.insert(key);
    } else if (kind == "acknowledged" && words >> first >> second >> number) {
      witness.acknowledged[{first, second}] = number;
    } else {
      return absl::InvalidArgumentError("no line of a witness: " + line);
    }
  }
  return witness;
}

std::string Findings::Text() const {
  std::string text;
  for (const std::string& complaint : complaints) text += complaint + "\n";
  return text;
}

Findings CheckInvariants(const std::string& path, const Witness& witness) {
  Findings findings;
  auto database = storage::OpenDatabase(path, {.read_only = true});
  absl::Status status = database.status();
  if (status.ok()) {
    status = storage::Guard("checking", [&] {
      CheckRules(**database, findings);
      CheckEvents(**database, witness.all_ended, findings);
      CheckEpochs(**database, witness, findings);
      CheckRuns(**database, witness, findings);
      CheckMarks(**database, witness, findings);
    });
  }
  if (status.ok()) return findings;
  // Nothing of it can be read.
  Complain(findings, Kind::kLost, status.ToString());
  findings.lost += static_cast<int>(witness.epochs.size());
  return findings;
}

}  // namespace laptime::faults
