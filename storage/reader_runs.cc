#include <algorithm>
#include <utility>

#include "storage/config_json.h"
#include "storage/filter_sql.h"
#include "storage/page_token.h"
#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

// The page's keys are found first and in the table `run` alone: what the rows are joined with is
// then read for the page, not for every run that matches.
std::string PageSql(const FilterSql& filter) {
  return Select(RunRows(),
                "WHERE run.key IN (SELECT run.key FROM run WHERE run.key < ?1" + filter.Text() +
                    " ORDER BY run.key DESC LIMIT ?2) ORDER BY run.key DESC",
                "run.key");
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
    row.config_json = query.Text(more + 3);
    return row;
  });
}

absl::StatusOr<std::vector<OpenRun>> Reader::OpenRuns() const {
  return Guard("reading open runs", [&]() -> absl::StatusOr<std::vector<OpenRun>> {
    std::vector<OpenRun> rows;
    Query query = Prepare(
        "SELECT run.id, run.state, run.created_unix_ms, run.device, device.host, "
        "coalesce(iif(json_valid(job.config), json_extract(job.config, '$.devices_per_run'), 1), "
        "1) "
        "FROM run "
        "CROSS JOIN device ON device.key = run.device CROSS JOIN job ON job.key = run.job "
        "WHERE run.state IN (1, 2, 3) ORDER BY run.key");
    while (query.Step()) {
      rows.push_back({query.Text(0), static_cast<v1::RunState>(query.Int(1)), query.Int64(2),
                      query.Int64(3), query.Text(4), query.Int(5)});
    }
    return rows;
  });
}

absl::StatusOr<std::vector<v1::Run>> Reader::RunsOfJob(const std::string& job_id) const {
  return RunsOfJobOn(job_id, std::nullopt);
}

absl::StatusOr<std::vector<v1::Run>> Reader::RunsOfJobOn(const std::string& job_id,
                                                         std::optional<int64_t> device_key) const {
  const absl::StatusOr<int64_t> job = JobKey(job_id);
  if (!job.ok()) return job.status();
  return Guard("reading runs of job " + job_id, [&]() -> absl::StatusOr<std::vector<v1::Run>> {
    std::vector<v1::Run> runs;
    Query query = Prepare(Select(RunRows(),
                                 "WHERE run.job = ?1 AND (?2 IS NULL OR run.device = ?2) "
                                 "ORDER BY run.position, host.name, device.name, run.repetition, "
                                 "run.key"));
    query.Bind(*job, device_key);
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
    const FilterSql sql(filter, 3);
    Query query = Prepare(PageSql(sql));
    query.Bind(bounds->before_key, bounds->size + 1);
    sql.Bind(query);
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

absl::StatusOr<std::vector<v1::Annotation>> Reader::Annotations(const std::string& run_id) const {
  return Guard("reading notes of run " + run_id,
               [&]() -> absl::StatusOr<std::vector<v1::Annotation>> {
                 std::vector<v1::Annotation> annotations;
                 Query query = Prepare(
                     "SELECT at_unix_ms, author, text FROM annotation WHERE run = "
                     "(SELECT key FROM run WHERE id = ?1) ORDER BY key");
                 query.Bind(run_id);
                 while (query.Step()) {
                   v1::Annotation& annotation = annotations.emplace_back();
                   annotation.set_at_unix_ms(query.Int64(0));
                   annotation.set_author(query.Text(1));
                   annotation.set_text(query.Text(2));
                 }
                 return annotations;
               });
}

absl::StatusOr<std::vector<Reader::WorkloadRow>> Reader::Workloads() const {
  return Guard("reading workloads", [&]() -> absl::StatusOr<std::vector<WorkloadRow>> {
    std::vector<WorkloadRow> workloads;
    Query query = Prepare("SELECT hash, name, spec FROM workload ORDER BY hash");
    while (query.Step()) workloads.push_back({query.Text(0), query.Text(1), query.Text(2)});
    return workloads;
  });
}

absl::StatusOr<std::vector<Reader::MeasuredRun>> Reader::MeasuredRuns(
    const RunFilter& filter) const {
  return Guard("reading measured runs", [&]() -> absl::StatusOr<std::vector<MeasuredRun>> {
    std::vector<MeasuredRun> measured;
    std::vector<std::pair<int64_t, size_t>> order;  // key and place
    const FilterSql sql(Succeeded(filter), 1);
    Query query = Prepare(Select(RunRows(), "WHERE 1" + sql.Text(), "newest.key, run.key"));
    sql.Bind(query);
    // Few runs are of limited work; their laps are found by the epochs' own key.
    Query epoch = Prepare(
        "SELECT evaluation_seconds, evaluated_images, "
        "coalesce(step_p50_seconds, train_seconds / steps) FROM epoch WHERE attempt = ?1 "
        "ORDER BY number");
    while (query.Step()) {
      order.emplace_back(query.Int64(RunRows().count + 1), measured.size());
      MeasuredRun& row = measured.emplace_back();
      row.run = RunFrom(query);
      if (!row.run.partial() || row.run.has_estimate()) continue;
      epoch.Bind(query.Int64(RunRows().count));
      while (epoch.Step()) {
        if (!epoch.IsNull(0)) row.evaluation_seconds.push_back(epoch.Real(0));
        if (!epoch.IsNull(2)) row.step_seconds.push_back(epoch.Real(2));
        row.evaluated_images = std::max(row.evaluated_images, epoch.Int(1));
      }
      epoch.Reset();
    }
    // SQLite would sort whole rows, though they mostly come in order.
    if (std::ranges::is_sorted(order)) return measured;
    std::ranges::sort(order);
    std::vector<MeasuredRun> in_order;
    for (const auto& [key, place] : order) in_order.push_back(std::move(measured[place]));
    return in_order;
  });
}

}  // namespace laptime::storage
