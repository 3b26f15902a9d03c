#include "storage/check.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include "storage/long_read.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

// One row for each place where the check does not hold; its columns, joined, say which. The numbers
// are those of RunState and AttemptState: 4 and more are ends, 4 is SUCCEEDED.
struct Check {
  const char* name;
  const char* sql;
};

static_assert(v1::RUN_STATE_QUEUED == 1 && v1::RUN_STATE_SUCCEEDED == 4);
static_assert(v1::ATTEMPT_STATE_SUCCEEDED == 4);

constexpr Check kChecks[] = {
    {"the file is whole",
     "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"},
    {"no row refers to a missing one",
     "SELECT 'table ' || \"table\", 'row ' || coalesce(rowid, '?'), 'refers to ' || parent "
     "FROM pragma_foreign_key_check"},
    {"attempts are numbered without a gap",
     "SELECT 'run ' || run.id, 'newest ' || run.attempt, 'numbers ' || "
     "group_concat(attempt.number) "
     "FROM run LEFT JOIN attempt ON attempt.run = run.key GROUP BY run.key "
     "HAVING run.attempt <> coalesce(max(attempt.number), 0) OR run.attempt <> count(attempt.key)"},
    {"epochs are numbered without a gap",
     "SELECT 'run ' || run.id, 'attempt ' || attempt.number, 'has ' || count(*) || ' epochs up to "
     "' "
     "|| max(epoch.number) FROM epoch JOIN attempt ON attempt.key = epoch.attempt "
     "JOIN run ON run.key = attempt.run GROUP BY epoch.attempt "
     "HAVING count(*) <> max(epoch.number) OR min(epoch.number) <> 1"},
    {"succeeded attempts have every epoch",
     "SELECT 'run ' || run.id, 'attempt ' || attempt.number, 'has ' || count(epoch.number) || "
     "' epochs of ' || job.epochs FROM attempt JOIN run ON run.key = attempt.run "
     "JOIN job ON job.key = run.job LEFT JOIN epoch ON epoch.attempt = attempt.key "
     "WHERE attempt.state = 4 GROUP BY attempt.key HAVING count(epoch.number) < job.epochs"},
    {"runs count the epochs of their newest attempt",
     "SELECT 'run ' || run.id, 'says ' || run.epochs_done, 'has ' || count(epoch.number) FROM run "
     "LEFT JOIN attempt ON attempt.run = run.key AND attempt.number = run.attempt "
     "LEFT JOIN epoch ON epoch.attempt = attempt.key GROUP BY run.key "
     "HAVING run.epochs_done <> count(epoch.number)"},
    {"only the newest attempt of an assigned run is open",
     "SELECT 'run ' || run.id, 'attempt ' || attempt.number, 'is open' FROM attempt "
     "JOIN run ON run.key = attempt.run WHERE attempt.state < 4 AND "
     "(attempt.number <> run.attempt OR run.state >= 4 OR run.state = 1)"},
    {"every assigned run has an open attempt",
     "SELECT 'run ' || run.id, 'has none' FROM run LEFT JOIN attempt ON attempt.run = run.key "
     "AND attempt.number = run.attempt WHERE run.state IN (2, 3) "
     "AND coalesce(attempt.state, 4) >= 4"},
    {"runs and their newest attempts succeed together",
     "SELECT 'run ' || run.id, 'state ' || run.state, 'attempt state ' || "
     "coalesce(attempt.state, 'none') FROM run LEFT JOIN attempt ON attempt.run = run.key AND "
     "attempt.number = run.attempt WHERE (run.state = 4) <> (coalesce(attempt.state, 0) = 4)"},
    {"ended runs, and no others, have an end",
     "SELECT 'run ' || id, 'state ' || state FROM run "
     "WHERE (state >= 4) <> (ended_unix_ms IS NOT NULL)"},
};

std::string RowText(SQLite::Statement& row) {
  std::string text;
  for (int column = 0; column < row.getColumnCount(); ++column) {
    if (column > 0) text += ", ";
    text += row.getColumn(column).getString();
  }
  return text;
}

v1::DatabaseCheck Run(SQLite::Database& database, const Check& check) {
  v1::DatabaseCheck result;
  result.set_name(check.name);
  SQLite::Statement places(database, check.sql);
  while (result.wrong() < kMostWrong && places.executeStep()) {
    result.set_wrong(result.wrong() + 1);
    if (result.examples_size() < kMostExamples) result.add_examples(RowText(places));
  }
  return result;
}

}  // namespace

absl::StatusOr<v1::CheckDatabaseResponse> CheckDatabase(const std::string& path, const Stop& stop) {
  auto read = LongRead::Open(path, stop);
  if (!read.ok()) return read.status();
  SQLite::Database& database = (*read)->database();
  v1::CheckDatabaseResponse response;
  const absl::Status checked = Guard("checking database " + path, [&] {
    const SQLite::Transaction moment(database);
    for (const Check& check : kChecks) {
      *response.add_checks() = Run(database, check);
      // What stands in a damaged file says nothing.
      if (response.checks_size() == 1 && response.checks(0).wrong() > 0) return;
    }
  });
  if (!checked.ok()) return (*read)->Ended(checked);
  return response;
}

}  // namespace laptime::storage
