#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace laptime::storage {

class Statements;

// One use of a prepared statement: bind, step, read. Goes back to its Statements at the end.
// Columns count from 0, parameters from 1. Throws SQLite::Exception: use it under Guard.
class Query {
 public:
  Query(Statements& owner, std::unique_ptr<SQLite::Statement> statement);
  Query(Query&& other) noexcept = default;
  Query& operator=(Query&&) = delete;
  ~Query();

  // Binds ?1, ?2, … in order; std::nullopt and NaN become NULL.
  template <typename... Values>
  Query& Bind(const Values&... values) {
    int index = 0;
    (BindAt(++index, values), ...);
    return *this;
  }
  template <typename Value>
  void BindAt(int index, const Value& value);
  void BindBlob(int index, const std::string& bytes);

  // Moves to the next row; false at the end.
  bool Step() { return statement_->executeStep(); }
  // Back to before the first row; the values stay bound.
  void Reset() { statement_->reset(); }
  // Runs a statement to its end, ignoring rows.
  void Run();
  // Runs a change and tells whether it changed a row.
  bool RunChange() { return statement_->exec() > 0; }
  // Runs an INSERT of one row and returns its key.
  int64_t RunInsert();
  // Runs a change with RETURNING to its end (before that its constraints are not checked) and
  // returns the integer of its only row; nothing when it changed no row. SQLite makes a table for
  // what is returned each time, so for what RunChange or RunInsert can tell they are better.
  std::optional<int64_t> RunReturning();
  // Runs it again with new values: for many rows of one kind.
  template <typename... Values>
  void RunWith(const Values&... values) {
    Bind(values...);
    Run();
    statement_->reset();
  }

  bool IsNull(int column) const { return statement_->isColumnNull(column); }
  int Int(int column) const { return statement_->getColumn(column).getInt(); }
  int64_t Int64(int column) const { return statement_->getColumn(column).getInt64(); }
  bool Bool(int column) const { return Int(column) != 0; }
  double Real(int column) const { return statement_->getColumn(column).getDouble(); }
  std::string Text(int column) const { return statement_->getColumn(column).getString(); }

 private:
  Statements* owner_;
  std::unique_ptr<SQLite::Statement> statement_;
};

// Prepared statements of one connection, kept for the next use: preparing costs more than running
// most of them. Belongs to one thread at a time, like its connection, which must outlive it.
class Statements {
 public:
  // More texts than these are forgotten all at once: what people filter by makes ever new ones.
  static constexpr size_t kMaxTexts = 256;

  explicit Statements(SQLite::Database& database) : database_(database) {}

  Query Get(const std::string& sql);
  // How many texts have a statement that waits to be used again.
  size_t size() const { return idle_.size(); }

 private:
  friend class Query;
  void GiveBack(std::unique_ptr<SQLite::Statement> statement);
  int64_t LastKey() const { return database_.getLastInsertRowid(); }

  SQLite::Database& database_;
  std::unordered_map<std::string, std::vector<std::unique_ptr<SQLite::Statement>>> idle_;
};

template <typename>
inline constexpr bool kIsOptional = false;
template <typename Value>
inline constexpr bool kIsOptional<std::optional<Value>> = true;

template <typename Value>
void Query::BindAt(int index, const Value& value) {
  if constexpr (std::is_same_v<Value, std::nullopt_t>) {
    statement_->bind(index);
  } else if constexpr (kIsOptional<Value>) {
    if (value.has_value()) {
      BindAt(index, *value);
    } else {
      statement_->bind(index);
    }
  } else if constexpr (std::is_floating_point_v<Value>) {
    statement_->bind(index, static_cast<double>(value));
  } else if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
    statement_->bind(index, static_cast<int64_t>(value));
  } else {
    statement_->bind(index, std::string(value));
  }
}

}  // namespace laptime::storage
