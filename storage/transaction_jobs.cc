#include "storage/config_json.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"
#include "storage/transaction.h"

namespace laptime::storage {
namespace {

int EpochsOf(const v1::Workload& workload) {
  const auto found = workload.config().fields().find("epochs");
  if (found == workload.config().fields().end()) return 0;
  return static_cast<int>(found->second.number_value());
}

}  // namespace

absl::Status Transaction::InsertJob(const NewJob& added) {
  const v1::Job& job = added.job;
  const v1::Workload& workload = job.workload();
  return Guard("inserting job " + job.id(), [&] {
    Prepare("INSERT INTO workload VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .Bind(workload.hash(), workload.name(), added.hashed_json)
        .Run();
    Prepare(
        "INSERT INTO job (id, idempotency_key, request_digest, workload, preset, config, "
        "partial, synthetic, steps_per_epoch, epochs, selectors, repeats, priority, "
        "created_unix_ms, interleave, until_percent, most_repeats) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
        "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)")
        .Bind(job.id(), added.idempotency_key, added.request_digest, workload.hash(),
              workload.name(), StructToJson(workload.config()), workload.partial(),
              workload.synthetic(), workload.steps_per_epoch(), EpochsOf(workload),
              TextsToJson(job.selectors()), job.repeats(), job.priority(), job.created_unix_ms(),
              job.interleave(), Measured(job, &v1::Job::has_until_percent, &v1::Job::until_percent),
              job.most_repeats())
        .Run();
  });
}

absl::Status Transaction::InsertRun(const NewRun& run) {
  return Guard("inserting run " + run.id, [&]() -> absl::Status {
    Query query = Prepare(
        "INSERT INTO run (id, job, device, device_model, repetition, seed, priority, state, "
        "validity, created_unix_ms, position) "
        "SELECT ?1, job.key, device.key, device.model, ?4, ?5, job.priority, ?6, ?7, ?8, ?9 "
        "FROM job, device WHERE job.id = ?2 AND device.key = ?3");
    query.Bind(run.id, run.job_id, run.device_key, run.repetition, run.seed, v1::RUN_STATE_QUEUED,
               v1::VALIDITY_NOT_EVALUATED, run.created_unix_ms, run.position);
    if (query.RunChange()) return absl::OkStatus();
    return absl::NotFoundError("inserting run " + run.id + ": no job " + run.job_id +
                               " or no device with key " + std::to_string(run.device_key));
  });
}

absl::StatusOr<int64_t> Transaction::InsertEvent(const v1::JobEvent& event) {
  const absl::StatusOr<int64_t> job = JobKey(event.job_id());
  if (!job.ok()) return job.status();
  return Guard("inserting an event of job " + event.job_id(), [&]() -> absl::StatusOr<int64_t> {
    Query query = Prepare("INSERT INTO event (job, at_unix_ms, message) VALUES (?1, ?2, ?3)");
    query.Bind(*job, event.at_unix_ms());
    query.BindBlob(3, event.SerializeAsString());
    return query.RunInsert();
  });
}

}  // namespace laptime::storage
