#include <nlohmann/json.hpp>

#include "storage/reader.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

constexpr char kOfWorkload[] =
    "(job.preset = ?3 OR (job.workload >= ?3 AND job.workload < ?3 || '~'))";

constexpr int kFirstOfWhere = 5;

// ?1 is the limit, then the device (several: a JSON array), workload, instant. Only what is asked
// for is in the text, so that SQLite can choose an index.
std::string HistoryQuery(const HistoryFilter& filter) {
  std::string sql =
      "SELECT run.key, run.id, run.device, job.preset, job.workload, coalesce(run.segment, ''), "
      "coalesce(run.started_unix_ms, run.created_unix_ms) AS at, "
      "coalesce(newest.estimated_epoch_seconds, run.median_epoch_seconds) AS seconds, "
      "run.validity FROM run CROSS JOIN job ON job.key = run.job LEFT JOIN attempt AS newest ON "
      "newest.run = run.key AND newest.number = run.attempt WHERE seconds > 0";
  // One device's runs are found by their device, several ones' by their state: both indices have
  // them in the order of their keys.
  sql += filter.device_keys.size() == 1 ? " AND +run.state = 4" : " AND run.state = 4";
  if (filter.device_keys.size() == 1) sql += " AND run.device = ?2";
  if (filter.device_keys.size() > 1) {
    sql += " AND run.device IN (SELECT value FROM json_each(?2))";
  }
  if (!filter.workload.empty()) sql += std::string(" AND ") + kOfWorkload;
  if (filter.since_unix_ms > 0) sql += " AND at >= ?4";
  if (!filter.where.empty()) sql += " AND " + filter.where.Sql(kFirstOfWhere);
  return sql + " ORDER BY run.key DESC LIMIT ?1";
}

}  // namespace

absl::StatusOr<std::vector<HistoryRun>> Reader::HistoryRuns(const HistoryFilter& filter) const {
  return Guard("reading the history of runs", [&]() -> absl::StatusOr<std::vector<HistoryRun>> {
    Query query = Prepare(HistoryQuery(filter));
    query.BindAt(1, filter.limit);
    const std::vector<int64_t>& devices = filter.device_keys;
    if (devices.size() == 1) query.BindAt(2, devices.front());
    if (devices.size() > 1) query.BindAt(2, nlohmann::json(devices).dump());
    if (!filter.workload.empty()) query.BindAt(3, filter.workload);
    if (filter.since_unix_ms > 0) query.BindAt(4, filter.since_unix_ms);
    filter.where.Bind(query, kFirstOfWhere);
    std::vector<HistoryRun> runs;
    while (query.Step()) {
      runs.push_back({.key = query.Int64(0),
                      .id = query.Text(1),
                      .device_key = query.Int64(2),
                      .workload = query.Text(3),
                      .workload_hash = query.Text(4),
                      .segment = query.Text(5),
                      .at_unix_ms = query.Int64(6),
                      .seconds = query.Real(7),
                      .validity = static_cast<v1::Validity>(query.Int(8))});
    }
    return runs;
  });
}

absl::StatusOr<std::map<int64_t, std::vector<v1::Annotation>>> Reader::Annotations(
    int64_t first, int64_t last) const {
  using ByRun = std::map<int64_t, std::vector<v1::Annotation>>;
  return Guard("reading annotations", [&]() -> absl::StatusOr<ByRun> {
    ByRun by_run;
    Query query = Prepare(
        "SELECT run, at_unix_ms, author, text FROM annotation WHERE run BETWEEN ?1 AND ?2 "
        "ORDER BY run, key");
    query.Bind(first, last);
    while (query.Step()) {
      v1::Annotation& annotation = by_run[query.Int64(0)].emplace_back();
      annotation.set_at_unix_ms(query.Int64(1));
      annotation.set_author(query.Text(2));
      annotation.set_text(query.Text(3));
    }
    return by_run;
  });
}

absl::StatusOr<std::map<std::string, std::string>> Reader::Segments() const {
  using Names = std::map<std::string, std::string>;
  return Guard("reading segments", [&]() -> absl::StatusOr<Names> {
    Names software;
    Query query = Prepare("SELECT name, software FROM segment");
    while (query.Step()) software.emplace(query.Text(0), query.Text(1));
    return software;
  });
}

absl::StatusOr<bool> Reader::HasWorkload(const std::string& workload) const {
  return Guard("looking for workload " + workload, [&]() -> absl::StatusOr<bool> {
    Query query = Prepare(std::string("SELECT 1 FROM job WHERE ") + kOfWorkload + " LIMIT 1");
    query.BindAt(3, workload);
    return query.Step();
  });
}

}  // namespace laptime::storage
