#include "tests/load/tally.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "laptime/v1/control.pb.h"

namespace laptime::load {
namespace {

struct Lap {
  double wall_seconds = 0;
  int made = 0;
  int stored = 0;
  int told = 0;  // events
};

std::string NameOf(const std::string& run, int attempt, int epoch) {
  return run + "/" + std::to_string(attempt) + "/" + std::to_string(epoch);
}

using Laps = std::unordered_map<std::string, Lap>;

// Of simulated machines (HelloOf): a database that was generated before holds others.
constexpr const char* kOurs =
    "JOIN device ON device.key = run.device WHERE device.host LIKE 'id-load-%'";

void AddStored(SQLite::Database& database, Laps& laps, Tally& tally) {
  SQLite::Statement rows(database,
                         "SELECT run.id, attempt.number, epoch.number, epoch.wall_seconds "
                         "FROM epoch JOIN attempt ON attempt.key = epoch.attempt "
                         "JOIN run ON run.key = attempt.run " +
                             std::string(kOurs));
  while (rows.executeStep()) {
    ++tally.laps_stored;
    Lap& lap = laps[NameOf(rows.getColumn(0), rows.getColumn(1), rows.getColumn(2))];
    if (lap.made > 0 && lap.wall_seconds != rows.getColumn(3).getDouble()) ++tally.laps_wrong;
    ++lap.stored;
  }
}

// Events carry no attempt: a run's laps are told once each while no attempt is repeated.
std::unordered_map<std::string, int> ToldLaps(SQLite::Database& database) {
  std::unordered_map<std::string, int> told;
  SQLite::Statement rows(database, "SELECT message FROM event");
  while (rows.executeStep()) {
    v1::JobEvent event;
    const SQLite::Column blob = rows.getColumn(0);
    if (!event.ParseFromArray(blob.getBlob(), blob.getBytes()) || !event.has_epoch_finished()) {
      continue;
    }
    ++told[event.run_id() + "/" + std::to_string(event.epoch_finished().number())];
  }
  return told;
}

void CountLaps(SQLite::Database& database, const std::vector<MadeAttempt>& attempts, Tally& tally) {
  Laps laps;
  std::unordered_map<std::string, int> made;  // of a run and number, whatever the attempt
  for (const MadeAttempt& attempt : attempts) {
    for (size_t i = 0; i < attempt.wall_seconds.size(); ++i) {
      const int number = static_cast<int>(i) + 1;
      Lap& lap = laps[NameOf(attempt.ref.run_id(), attempt.ref.number(), number)];
      lap.wall_seconds = attempt.wall_seconds[i];
      ++lap.made;
      ++tally.laps_made;
      ++made[attempt.ref.run_id() + "/" + std::to_string(number)];
    }
  }
  AddStored(database, laps, tally);
  for (const auto& [name, lap] : laps) {
    tally.laps_lost += std::max(0, lap.made - lap.stored);
    tally.laps_doubled += std::max(0, lap.stored - lap.made);
  }
  // Those that nobody made are in the table, too, and are counted above.
  for (const auto& [name, times] : ToldLaps(database)) {
    if (made.contains(name)) tally.laps_doubled += std::max(0, times - made[name]);
  }
}

void CountRuns(SQLite::Database& database, const std::vector<MadeAttempt>& attempts, Tally& tally) {
  std::unordered_map<std::string, int> starts;
  for (const MadeAttempt& attempt : attempts) starts[attempt.ref.run_id()] += attempt.starts;
  tally.runs_started = static_cast<int64_t>(starts.size());
  SQLite::Statement rows(database,
                         "SELECT run.id, run.state, (SELECT count(*) FROM attempt WHERE "
                         "attempt.run = run.key) FROM run " +
                             std::string(kOurs));
  while (rows.executeStep()) {
    ++tally.runs;
    const auto found = starts.find(rows.getColumn(0).getString());
    const int started = found == starts.end() ? 0 : found->second;
    if (started == 0) ++tally.runs_not_started;
    if (started > 1 || rows.getColumn(2).getInt() > 1) ++tally.runs_started_twice;
    if (rows.getColumn(1).getInt() != v1::RUN_STATE_SUCCEEDED) ++tally.runs_not_succeeded;
  }
}

int64_t CountRows(const std::string& path, const std::string& table) {
  SQLite::Database database(path, SQLite::OPEN_READONLY, /*aBusyTimeoutMs=*/5000);
  return database.execAndGet("SELECT count(*) FROM " + table).getInt64();
}

}  // namespace

Tally Count(const std::string& path, const std::vector<MadeAttempt>& attempts) {
  SQLite::Database database(path, SQLite::OPEN_READONLY, /*aBusyTimeoutMs=*/5000);
  Tally tally;
  // One transaction: both look at the same moment.
  database.exec("BEGIN");
  CountLaps(database, attempts, tally);
  CountRuns(database, attempts, tally);
  return tally;
}

int64_t CountEpochs(const std::string& path) { return CountRows(path, "epoch"); }

int64_t CountSamples(const std::string& path) { return CountRows(path, "sample"); }

void Print(const std::string& id, const Tally& tally, bool runs_must_succeed, Figures& figures) {
  figures.Count(id, "laps lost", tally.laps_lost, "of " + std::to_string(tally.laps_made));
  figures.Count(id, "laps doubled", tally.laps_doubled,
                "of " + std::to_string(tally.laps_stored) + " stored");
  figures.Count(id, "laps with another time", tally.laps_wrong);
  figures.Count(id, "runs started more than once", tally.runs_started_twice,
                "of " + std::to_string(tally.runs_started) + " started");
  if (!runs_must_succeed) return;
  figures.Count(id, "runs never started", tally.runs_not_started,
                "of " + std::to_string(tally.runs));
  figures.Count(id, "runs that did not succeed", tally.runs_not_succeeded);
}

}  // namespace laptime::load
