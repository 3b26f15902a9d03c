#include <unordered_map>

#include "storage/filter_sql.h"
#include "storage/reader.h"
#include "storage/run_value.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

// NULL for a snapshot that does not say, or is damaged.
constexpr char kLibTorch[] =
    "CASE WHEN json_valid(snapshot.json) THEN "
    "json_extract(snapshot.json, '$.trainer.versions.libtorch') END";

}  // namespace

absl::StatusOr<std::vector<Reader::MatrixRun>> Reader::MatrixRuns(
    const std::vector<std::string>& workload_hashes) const {
  return Guard("reading runs", [&]() -> absl::StatusOr<std::vector<MatrixRun>> {
    // Parsed once for each snapshot, of which there are few, and not for each run.
    std::unordered_map<std::string, std::string> libtorch;
    Query snapshot = Prepare(std::string("SELECT hash, ") + kLibTorch + " FROM snapshot");
    while (snapshot.Step()) libtorch[snapshot.Text(0)] = snapshot.Text(1);

    std::vector<MatrixRun> runs;
    if (workload_hashes.empty()) return runs;  // an empty filter would mean all
    RunFilter filter;
    filter.workload_hashes = workload_hashes;
    const FilterSql sql(filter, 1);
    Query query = Prepare(
        std::string("SELECT job.workload, run.device, run.state, run.validity, newest.snapshot, ") +
        kRunValueSql +
        ", run.ended_unix_ms, CASE WHEN run.state = 5 THEN run.failure_message "
        "WHEN run.validity = 5 THEN json_extract(run.validity_reasons, '$[0]') END "
        "FROM run CROSS JOIN job ON job.key = run.job LEFT JOIN attempt AS newest ON "
        "newest.run = run.key AND newest.number = run.attempt WHERE 1" +
        sql.Text() + " ORDER BY run.key DESC");
    sql.Bind(query);
    while (query.Step()) {
      MatrixRun& run = runs.emplace_back();
      run.workload_hash = query.Text(0);
      run.device_key = query.Int64(1);
      run.state = static_cast<v1::RunState>(query.Int(2));
      run.validity = static_cast<v1::Validity>(query.Int(3));
      if (!query.IsNull(4)) run.libtorch = libtorch[query.Text(4)];
      // NULL reads as 0, which is neither a time nor a duration of a lap.
      if (const double seconds = query.Real(5); seconds > 0) run.seconds = seconds;
      if (const int64_t ended = query.Int64(6); ended > 0) run.ended_unix_ms = ended;
      run.trouble = query.Text(7);
    }
    return runs;
  });
}

absl::StatusOr<std::string> Reader::PresentLibTorch(int64_t device_key) const {
  return Guard("reading the software of a device", [&]() -> absl::StatusOr<std::string> {
    // The newest run by its key, which index run_by_device holds too.
    Query query = Prepare(
        std::string("SELECT * FROM (SELECT attempt.started_unix_ms AS at, ") + kLibTorch +
        " AS version FROM run JOIN attempt ON attempt.run = run.key "
        "JOIN snapshot ON snapshot.hash = attempt.snapshot "
        "WHERE run.device = ?1 ORDER BY run.key DESC, attempt.number DESC LIMIT 1) UNION ALL "
        "SELECT * FROM (SELECT probe.probed_unix_ms, " +
        kLibTorch +
        " FROM probe JOIN snapshot ON snapshot.hash = probe.snapshot "
        "WHERE probe.device = ?1 ORDER BY probe.probed_unix_ms DESC LIMIT 1) "
        "ORDER BY at DESC");
    query.Bind(device_key);
    while (query.Step()) {
      if (!query.IsNull(1)) return query.Text(1);
    }
    return std::string();
  });
}

}  // namespace laptime::storage
