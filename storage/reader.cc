#include "storage/reader.h"

#include <charconv>

#include "proto/support/status.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

// Where ids are looked for: a table and what people call one of its rows.
struct IdSpace {
  std::string table;
  std::string noun;
};

// So much of what was asked for is repeated in an error.
constexpr size_t kMaxEcho = 80;

// `table` is also what people call one of its rows.
absl::Status NotFound(const std::string& table, const std::string& text) {
  return WithHint(absl::StatusCode::kNotFound,
                  "no " + table + " '" + text.substr(0, kMaxEcho) + "'",
                  "laptime " + table + " list shows them");
}

// "last" is 1, "last:3" is 3; kInvalidArgument for "last:0" or "last:x".
absl::StatusOr<int64_t> PlaceFromEnd(const std::string& text) {
  if (text == "last") return 1;
  const std::string digits = text.substr(text.find(':') + 1);
  int64_t place = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place);
  if (error == std::errc() && rest == digits.data() + digits.size() && place >= 1) return place;
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "'" + text.substr(0, kMaxEcho) + "' is not a place",
                  "last is the newest, last:2 the one before");
}

absl::StatusOr<std::string> ResolveFromEnd(Query query, const std::string& table,
                                           const std::string& text) {
  const absl::StatusOr<int64_t> place = PlaceFromEnd(text);
  if (!place.ok()) return place.status();
  if (!query.Bind(*place - 1).Step()) return NotFound(table, text);
  return query.Text(0);
}

// Ids are ASCII, so '~' sorts after every id that begins with the prefix. An exact match comes
// first.
absl::StatusOr<std::string> ResolvePrefix(Query query, const std::string& table,
                                          const std::string& text) {
  if (text.empty() || !query.Bind(text, text + "~").Step()) return NotFound(table, text);
  const std::string first = query.Text(0);
  if (first == text || !query.Step()) return first;
  return WithHint(absl::StatusCode::kAborted,
                  table + " '" + text + "' is ambiguous: " + first + ", " + query.Text(0),
                  "give more of the id");
}

absl::StatusOr<std::string> Resolve(Statements& statements, const std::string& table,
                                    const std::string& text) {
  return Guard("finding " + table, [&] {
    if (text == "last" || text.rfind("last:", 0) == 0) {
      return ResolveFromEnd(
          statements.Get("SELECT id FROM " + table + " ORDER BY key DESC LIMIT 1 OFFSET ?1"), table,
          text);
    }
    return ResolvePrefix(statements.Get("SELECT id FROM " + table +
                                        " WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2"),
                         table, text);
  });
}

}  // namespace

Reader::Reader(SQLite::Database& database) : statements_(std::make_unique<Statements>(database)) {}

Reader::~Reader() = default;

Query Reader::Prepare(const std::string& sql) const { return statements_->Get(sql); }

absl::StatusOr<std::string> Reader::ResolveJobId(const std::string& text) const {
  return Resolve(*statements_, "job", text);
}

absl::StatusOr<std::string> Reader::ResolveRunId(const std::string& text) const {
  return Resolve(*statements_, "run", text);
}

absl::StatusOr<uint64_t> Reader::SpoolMark(const std::string& host_id,
                                           const std::string& spool_id) const {
  return Guard("reading spool mark of host " + host_id, [&]() -> absl::StatusOr<uint64_t> {
    Query query = Prepare("SELECT committed_seq FROM spool WHERE host = ?1 AND spool_id = ?2");
    if (!query.Bind(host_id, spool_id).Step()) return 0;
    return static_cast<uint64_t>(query.Int64(0));
  });
}

absl::StatusOr<std::vector<ImportedResult>> Reader::ImportedResults() const {
  return Guard("reading imported results", [&]() -> absl::StatusOr<std::vector<ImportedResult>> {
    std::vector<ImportedResult> results;
    Query query =
        Prepare("SELECT hash, json, published, imported_unix_ms FROM result_import ORDER BY key");
    while (query.Step()) {
      results.push_back({query.Text(0), query.Text(1), query.Bool(2), query.Int64(3)});
    }
    return results;
  });
}

absl::StatusOr<Counts> Reader::CountAll() const {
  return Guard("counting", [&]() -> absl::StatusOr<Counts> {
    Query query = Prepare(
        "SELECT (SELECT count(*) FROM host), (SELECT count(*) FROM device), "
        "(SELECT count(*) FROM job), (SELECT count(*) FROM run)");
    query.Step();
    return Counts{query.Int(0), query.Int(1), query.Int(2), query.Int(3)};
  });
}

}  // namespace laptime::storage
