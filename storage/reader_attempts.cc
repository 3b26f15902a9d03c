#include "storage/epoch_columns.h"
#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

std::string Named(const std::string& run_id, int number) {
  return "attempt " + std::to_string(number) + " of run " + run_id;
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> Reader::AttemptKey(const std::string& run_id,
                                                          int number) const {
  return Guard("reading run " + run_id, [&]() -> absl::StatusOr<std::optional<int64_t>> {
    Query query = Prepare(
        "SELECT attempt.key FROM run LEFT JOIN attempt ON attempt.run = run.key "
        "AND attempt.number = CASE ?2 WHEN 0 THEN run.attempt ELSE ?2 END WHERE run.id = ?1");
    if (!query.Bind(run_id, number).Step()) return absl::NotFoundError("no run " + run_id);
    if (!query.IsNull(0)) return query.Int64(0);
    if (number == 0) return std::nullopt;
    return absl::NotFoundError("no " + Named(run_id, number));
  });
}

absl::StatusOr<std::vector<v1::Attempt>> Reader::Attempts(const std::string& run_id) const {
  return Guard(
      "reading attempts of run " + run_id, [&]() -> absl::StatusOr<std::vector<v1::Attempt>> {
        std::vector<v1::Attempt> attempts;
        Query query = Prepare(Select(AttemptRows(), "WHERE run.id = ?1 ORDER BY attempt.number"));
        query.Bind(run_id);
        while (query.Step()) attempts.push_back(AttemptFrom(query));
        return attempts;
      });
}

absl::StatusOr<std::vector<v1::Epoch>> Reader::Epochs(const std::string& run_id,
                                                      int attempt) const {
  const absl::StatusOr<std::optional<int64_t>> key = AttemptKey(run_id, attempt);
  if (!key.ok()) return key.status();
  return Guard("reading epochs of run " + run_id, [&]() -> absl::StatusOr<std::vector<v1::Epoch>> {
    std::vector<v1::Epoch> epochs;
    Query query = Prepare("SELECT number, " + EpochColumnNames() +
                          " FROM epoch WHERE attempt = ?1 ORDER BY number");
    query.Bind(*key);
    while (query.Step()) {
      epochs.push_back(EpochFrom(query, 1));
      epochs.back().set_number(query.Int(0));
    }
    return epochs;
  });
}

absl::StatusOr<std::string> Reader::SnapshotJson(const std::string& run_id, int attempt) const {
  const absl::StatusOr<std::optional<int64_t>> key = AttemptKey(run_id, attempt);
  if (!key.ok()) return key.status();
  return Guard("reading snapshot of run " + run_id, [&]() -> absl::StatusOr<std::string> {
    Query query = Prepare(
        "SELECT json FROM snapshot WHERE hash = (SELECT snapshot FROM attempt WHERE key = ?1)");
    return query.Bind(*key).Step() ? query.Text(0) : std::string();
  });
}

absl::StatusOr<AttemptRow> Reader::FindAttempt(const std::string& run_id, int number) const {
  return Guard("reading " + Named(run_id, number), [&]() -> absl::StatusOr<AttemptRow> {
    Query query = Prepare(Select(AttemptRefRows(), "WHERE run.id = ?1 AND attempt.number = ?2"));
    if (!query.Bind(run_id, number).Step()) {
      return absl::NotFoundError("no " + Named(run_id, number));
    }
    return AttemptRefFrom(query);
  });
}

absl::StatusOr<std::vector<AttemptRow>> Reader::OpenAttempts(const std::string& host_id) const {
  return Guard("reading open attempts", [&]() -> absl::StatusOr<std::vector<AttemptRow>> {
    std::vector<AttemptRow> rows;
    // "state < 4" is what index attempt_open holds, what is said of runs is that of run_begun: a
    // run that has ended has no open attempt.
    Query query = Prepare(Select(
        AttemptRefRows(), host_id.empty()
                              ? "WHERE attempt.state < 4 ORDER BY attempt.key"
                              : "WHERE attempt.state < 4 AND run.attempt > 0 AND run.state < 4 "
                                "AND device.host = ?1 ORDER BY attempt.key"));
    if (!host_id.empty()) query.Bind(host_id);
    while (query.Step()) rows.push_back(AttemptRefFrom(query));
    return rows;
  });
}

}  // namespace laptime::storage
