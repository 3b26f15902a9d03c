#include <algorithm>
#include <nlohmann/json.hpp>

#include "storage/config_json.h"
#include "storage/page_token.h"
#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

// The WHERE of a filter: ?1 is the page's key, ?2 its size, then job, devices (JSON array),
// workload, state. Only what is asked for is in the text, so that SQLite can choose an index.
std::string Where(const RunFilter& filter) {
  std::string where = "WHERE run.key < ?1";
  if (!filter.job_id.empty()) where += " AND run.job = (SELECT key FROM job WHERE id = ?3)";
  if (!filter.device_keys.empty()) where += " AND run.device IN (SELECT value FROM json_each(?4))";
  if (!filter.workload.empty()) {
    where += " AND (job.preset = ?5 OR (job.workload >= ?5 AND job.workload < ?5 || '~'))";
  }
  if (filter.state != v1::RUN_STATE_UNSPECIFIED) where += " AND run.state = ?6";
  return where;
}

void BindFilter(const RunFilter& filter, const PageBounds& bounds, Query& query) {
  query.Bind(bounds.before_key, bounds.size + 1);
  if (!filter.job_id.empty()) query.BindAt(3, filter.job_id);
  if (!filter.device_keys.empty()) query.BindAt(4, nlohmann::json(filter.device_keys).dump());
  if (!filter.workload.empty()) query.BindAt(5, filter.workload);
  if (filter.state != v1::RUN_STATE_UNSPECIFIED) query.BindAt(6, filter.state);
}

}  // namespace

absl::StatusOr<RunRow> Reader::FindRun(const std::string& run_id) const {
  return Guard("reading run " + run_id, [&]() -> absl::StatusOr<RunRow> {
    Query query = Prepare(Select(RunRows(), "WHERE run.id = ?1",
                                 "device.key, device.host, device.agent_name, job.config"));
    if (!query.Bind(run_id).Step()) return absl::NotFoundError("no run " + run_id);
    const int more = RunRows().count;
    RunRow row;
    row.run = RunFrom(query);
    row.device_key = query.Int64(more);
    row.host_id = query.Text(more + 1);
    row.agent_device = query.Text(more + 2);
    row.config_json = WithSeed(query.Text(more + 3), row.run.seed());
    return row;
  });
}

absl::StatusOr<std::vector<v1::Run>> Reader::RunsOfJob(const std::string& job_id) const {
  const absl::StatusOr<int64_t> job = JobKey(job_id);
  if (!job.ok()) return job.status();
  return Guard("reading runs of job " + job_id, [&]() -> absl::StatusOr<std::vector<v1::Run>> {
    std::vector<v1::Run> runs;
    Query query = Prepare(Select(RunRows(),
                                 "WHERE run.job = ?1 ORDER BY run.position, host.name, "
                                 "device.name, run.repetition, run.key"));
    query.Bind(*job);
    while (query.Step()) runs.push_back(RunFrom(query));
    return runs;
  });
}

absl::StatusOr<std::vector<JobDevice>> Reader::DevicesOfJob(const std::string& job_id) const {
  const absl::StatusOr<int64_t> job = JobKey(job_id);
  if (!job.ok()) return job.status();
  return Guard("reading devices of job " + job_id, [&]() -> absl::StatusOr<std::vector<JobDevice>> {
    std::vector<JobDevice> devices;
    Query query = Prepare(
        "SELECT device, min(position), max(repetition) FROM run WHERE job = ?1 GROUP BY device "
        "ORDER BY device");
    query.Bind(*job);
    while (query.Step()) devices.push_back({query.Int64(0), query.Int(1), query.Int(2)});
    return devices;
  });
}

absl::StatusOr<v1::ListRunsResponse> Reader::ListRuns(const RunFilter& filter,
                                                      const Page& page) const {
  const absl::StatusOr<PageBounds> bounds = BoundsOf('r', page);
  if (!bounds.ok()) return bounds.status();
  return Guard("listing runs", [&]() -> absl::StatusOr<v1::ListRunsResponse> {
    v1::ListRunsResponse response;
    // One row more than the page shows whether there is another page.
    Query query =
        Prepare(Select(RunRows(), Where(filter) + " ORDER BY run.key DESC LIMIT ?2", "run.key"));
    BindFilter(filter, *bounds, query);
    int64_t last = 0;
    while (query.Step()) {
      if (response.runs_size() == bounds->size) {
        response.set_next_page_token(PageToken('r', last));
        break;
      }
      *response.add_runs() = RunFrom(query);
      last = query.Int64(RunRows().count);
    }
    return response;
  });
}

absl::StatusOr<std::optional<QueuedRun>> Reader::NextQueuedRun(int64_t device_key,
                                                               int most_devices) const {
  return Guard("finding the next run", [&]() -> absl::StatusOr<std::optional<QueuedRun>> {
    // The words are those of index run_queue, or it is not used.
    Query query = Prepare(
        "SELECT id, priority, job, position FROM run WHERE device = ?1 AND state = 1 AND "
        "coalesce((SELECT "
        "json_extract(config, '$.devices_per_run') FROM job WHERE key = run.job), 1) <= ?2 "
        "ORDER BY priority DESC, job, position, repetition LIMIT 1");
    if (!query.Bind(device_key, most_devices).Step()) return std::nullopt;
    return QueuedRun{query.Text(0), query.Int(1), query.Int64(2), query.Int(3)};
  });
}

absl::StatusOr<std::vector<Reader::MeasuredRun>> Reader::MeasuredRuns() const {
  return Guard("reading measured runs", [&]() -> absl::StatusOr<std::vector<MeasuredRun>> {
    std::vector<MeasuredRun> measured;
    Query query =
        Prepare(Select(RunRows(), "WHERE run.state = 4 ORDER BY run.key",
                       "run.key, (SELECT spec FROM workload WHERE workload.hash = job.workload)"));
    while (query.Step()) {
      MeasuredRun& row = measured.emplace_back();
      row.run = RunFrom(query);
      row.workload_json = query.Text(RunRows().count + 1);
      Query epoch = Prepare(
          "SELECT evaluation_seconds, evaluated_images, "
          "coalesce(step_p50_seconds, train_seconds / steps) FROM epoch WHERE attempt = "
          "(SELECT key FROM attempt WHERE run = ?1 AND number = ?2) ORDER BY number");
      epoch.Bind(query.Int64(RunRows().count), row.run.attempt());
      while (epoch.Step()) {
        if (!epoch.IsNull(0)) row.evaluation_seconds.push_back(epoch.Real(0));
        if (!epoch.IsNull(2)) row.step_seconds.push_back(epoch.Real(2));
        row.evaluated_images = std::max(row.evaluated_images, epoch.Int(1));
      }
    }
    return measured;
  });
}

}  // namespace laptime::storage
