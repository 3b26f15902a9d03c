#include "storage/page_token.h"
#include "storage/reader.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {

absl::StatusOr<int64_t> Reader::JobKey(const std::string& job_id) const {
  return Guard("reading job " + job_id, [&]() -> absl::StatusOr<int64_t> {
    Query query = Prepare("SELECT key FROM job WHERE id = ?1");
    if (!query.Bind(job_id).Step()) return absl::NotFoundError("no job " + job_id);
    return query.Int64(0);
  });
}

absl::StatusOr<v1::Job> Reader::FindJob(const std::string& job_id) const {
  return Guard("reading job " + job_id, [&]() -> absl::StatusOr<v1::Job> {
    Query query = Prepare(Select(JobRows(), "WHERE job.id = ?1 GROUP BY job.key"));
    if (!query.Bind(job_id).Step()) return absl::NotFoundError("no job " + job_id);
    return JobFrom(query);
  });
}

absl::StatusOr<Reader::JobOutlook> Reader::OutlookOf(const std::string& job_id) const {
  return Guard("reading job " + job_id, [&]() -> absl::StatusOr<JobOutlook> {
    // "state < 4" as in index run_by_job: a state before the end.
    Query query = Prepare(
        "SELECT until_percent IS NOT NULL, EXISTS (SELECT 1 FROM run WHERE run.job = job.key AND "
        "run.state < 4) FROM job WHERE id = ?1");
    if (!query.Bind(job_id).Step()) return absl::NotFoundError("no job " + job_id);
    return JobOutlook{query.Bool(0), query.Bool(1)};
  });
}

absl::StatusOr<std::optional<Reader::KeyedJob>> Reader::FindJobByKey(
    const std::string& idempotency_key) const {
  return Guard("reading job by idempotency key", [&]() -> absl::StatusOr<std::optional<KeyedJob>> {
    Query query = Prepare("SELECT id, request_digest FROM job WHERE idempotency_key = ?1");
    if (!query.Bind(idempotency_key).Step()) return std::nullopt;
    return KeyedJob{query.Text(0), query.Text(1)};
  });
}

absl::StatusOr<v1::ListJobsResponse> Reader::ListJobs(const Page& page) const {
  const absl::StatusOr<PageBounds> bounds = BoundsOf('j', page);
  if (!bounds.ok()) return bounds.status();
  return Guard("listing jobs", [&]() -> absl::StatusOr<v1::ListJobsResponse> {
    v1::ListJobsResponse response;
    // One row more than the page shows whether there is another page.
    Query query = Prepare(
        Select(JobRows(), "WHERE job.key < ?1 GROUP BY job.key ORDER BY job.key DESC LIMIT ?2",
               "job.key"));
    query.Bind(bounds->before_key, bounds->size + 1);
    int64_t last = 0;
    while (query.Step()) {
      if (response.jobs_size() == bounds->size) {
        response.set_next_page_token(PageToken('j', last));
        break;
      }
      *response.add_jobs() = JobFrom(query);
      last = query.Int64(JobRows().count);
    }
    return response;
  });
}

absl::StatusOr<std::vector<v1::JobEvent>> Reader::Events(const std::string& job_id,
                                                         int64_t after_seq, int limit) const {
  const absl::StatusOr<int64_t> job = JobKey(job_id);
  if (!job.ok()) return job.status();
  return Guard(
      "reading events of job " + job_id, [&]() -> absl::StatusOr<std::vector<v1::JobEvent>> {
        std::vector<v1::JobEvent> events;
        Query query = Prepare(
            "SELECT seq, message FROM event WHERE job = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
        query.Bind(*job, after_seq, limit);
        while (query.Step()) {
          v1::JobEvent event;
          if (!event.ParseFromString(query.Text(1))) {
            return absl::DataLossError("event " + std::to_string(query.Int64(0)) + " is damaged");
          }
          event.set_seq(query.Int64(0));
          events.push_back(std::move(event));
        }
        return events;
      });
}

}  // namespace laptime::storage
