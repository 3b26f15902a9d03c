#include <nlohmann/json.hpp>

#include "storage/filter_sql.h"
#include "storage/reader.h"
#include "storage/run_value.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

std::string HistoryQuery(const FilterSql& filter) {
  return std::string(
             "SELECT run.key, run.id, run.device, job.preset, job.workload, "
             "coalesce(run.segment, ''), ") +
         kRunTimeSql + ", " + kRunValueSql +
         " AS seconds, run.validity FROM run CROSS JOIN job ON job.key = run.job "
         "WHERE seconds > 0" +
         filter.Text() + " ORDER BY run.key DESC LIMIT ?1";
}

}  // namespace

absl::StatusOr<std::vector<HistoryRun>> Reader::HistoryRuns(const RunFilter& filter,
                                                            int limit) const {
  return Guard("reading the history of runs", [&]() -> absl::StatusOr<std::vector<HistoryRun>> {
    const FilterSql sql(Succeeded(filter), 2);
    Query query = Prepare(HistoryQuery(sql));
    query.Bind(limit);
    sql.Bind(query);
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
    const std::vector<int64_t>& run_keys, int limit) const {
  using ByRun = std::map<int64_t, std::vector<v1::Annotation>>;
  return Guard("reading annotations", [&]() -> absl::StatusOr<ByRun> {
    ByRun by_run;
    Query query = Prepare(
        "SELECT run, at_unix_ms, author, text FROM (SELECT * FROM annotation WHERE run IN "
        "(SELECT value FROM json_each(?1)) ORDER BY key DESC LIMIT ?2) ORDER BY key");
    query.Bind(nlohmann::json(run_keys).dump(), limit);
    while (query.Step()) {
      v1::Annotation& annotation = by_run[query.Int64(0)].emplace_back();
      annotation.set_at_unix_ms(query.Int64(1));
      annotation.set_author(query.Text(2));
      annotation.set_text(query.Text(3));
    }
    return by_run;
  });
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Reader::RunsWithoutSegment()
    const {
  using Runs = std::vector<std::pair<std::string, std::string>>;
  return Guard("reading runs without a segment", [&]() -> absl::StatusOr<Runs> {
    Runs runs;
    Query query = Prepare(
        "SELECT run.id, newest.snapshot FROM run JOIN attempt AS newest ON newest.run = run.key "
        "AND newest.number = run.attempt WHERE run.segment IS NULL AND newest.snapshot NOT NULL");
    while (query.Step()) runs.emplace_back(query.Text(0), query.Text(1));
    return runs;
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

}  // namespace laptime::storage
