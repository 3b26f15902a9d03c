#include "tests/integration/injection/effects.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace laptime::testing {
namespace {

namespace fs = std::filesystem;

std::string All(SQLite::Database& database, const std::string& sql) {
  std::string text;
  SQLite::Statement query(database, sql);
  while (query.executeStep()) text += query.getColumn(0).getString() + "\n";
  return text;
}

}  // namespace

Effects::Effects(fs::path root, fs::path database)
    : root_(std::move(root)), database_(std::move(database)) {
  Begin();
}

void Effects::Begin() { before_ = Look(); }

Effects::State Effects::Look() const {
  State state;
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    const std::string path = entry.path().string();
    if (!path.starts_with(database_.string())) state.files.insert(path);
  }
  try {
    SQLite::Database database(database_.string(), SQLite::OPEN_READONLY, 5000);
    state.schema = All(database,
                       "SELECT type || name || coalesce(sql, '') FROM sqlite_schema "
                       "ORDER BY type, name");
    SQLite::Statement tables(database, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    while (tables.executeStep()) {
      const std::string table = tables.getColumn(0).getString();
      state.rows[table] = database.execAndGet("SELECT count(*) FROM \"" + table + "\"").getInt64();
    }
    const std::string check = All(database, "PRAGMA integrity_check(1)");
    if (check != "ok\n") state.damage = check;
    state.damage +=
        All(database, "SELECT 'foreign key of ' || \"table\" FROM pragma_foreign_key_check");
  } catch (const std::exception& error) {
    state.damage = error.what();
  }
  return state;
}

int64_t Effects::RowsOf(const std::string& table) const {
  const State now = Look();
  const auto found = now.rows.find(table);
  return found == now.rows.end() ? -1 : found->second;
}

std::vector<std::string> Effects::Found(const std::map<std::string, int64_t>& grown,
                                        const std::set<std::string>& free) const {
  const State now = Look();
  std::vector<std::string> found;
  if (!now.damage.empty()) found.push_back("damage: " + now.damage);
  if (now.schema != before_.schema) found.emplace_back("the schema changed");
  for (const auto& [table, rows] : before_.rows) {
    const auto more = grown.contains(table) ? grown.at(table) : 0;
    const auto there = now.rows.find(table);
    const int64_t count = there == now.rows.end() ? -1 : there->second;
    if (count != rows + more && !free.contains(table)) {
      found.push_back("table " + table + " has " + std::to_string(count) + " rows, not " +
                      std::to_string(rows + more));
    }
  }
  for (const std::string& file : now.files)
    if (!before_.files.contains(file)) found.push_back("a file appeared: " + file);
  for (const std::string& file : before_.files)
    if (!now.files.contains(file)) found.push_back("a file is gone: " + file);
  return found;
}

}  // namespace laptime::testing
