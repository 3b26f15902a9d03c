#include <algorithm>
#include <unordered_map>

#include "storage/reader.h"
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

    std::unordered_map<int64_t, size_t> jobs;  // key → index of its workload
    Query job = Prepare("SELECT key, workload FROM job");
    while (job.Step()) {
      const auto asked = std::ranges::find(workload_hashes, job.Text(1));
      if (asked != workload_hashes.end()) jobs[job.Int64(0)] = asked - workload_hashes.begin();
    }

    std::vector<MatrixRun> runs;
    Query query = Prepare(
        "SELECT run.job, run.device, run.state, run.validity, newest.snapshot, "
        "coalesce(newest.estimated_epoch_seconds, run.median_epoch_seconds), run.ended_unix_ms, "
        "CASE WHEN run.state = 5 THEN run.failure_message ELSE "
        "json_extract(run.validity_reasons, '$[0]') END "
        "FROM run LEFT JOIN attempt AS newest ON newest.run = run.key "
        "AND newest.number = run.attempt ORDER BY run.key DESC");
    while (query.Step()) {
      const auto of_job = jobs.find(query.Int64(0));
      if (of_job == jobs.end()) continue;
      MatrixRun& run = runs.emplace_back();
      run.workload = of_job->second;
      run.device_key = query.Int64(1);
      run.state = static_cast<v1::RunState>(query.Int(2));
      run.validity = static_cast<v1::Validity>(query.Int(3));
      if (!query.IsNull(4)) run.libtorch = libtorch[query.Text(4)];
      // NULL reads as 0, which is neither a time nor a duration of a lap.
      if (const double seconds = query.Real(5); seconds > 0) run.seconds = seconds;
      if (const int64_t ended = query.Int64(6); ended > 0) run.ended_unix_ms = ended;
      if (run.state == v1::RUN_STATE_FAILED || run.validity == v1::VALIDITY_INVALID)
        run.trouble = query.Text(7);
    }
    return runs;
  });
}

absl::StatusOr<std::set<std::string>> Reader::WorkloadsWithRuns() const {
  return Guard("reading workloads", [&]() -> absl::StatusOr<std::set<std::string>> {
    std::set<std::string> hashes;
    Query query = Prepare("SELECT DISTINCT workload FROM job");
    while (query.Step()) hashes.insert(query.Text(0));
    return hashes;
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
