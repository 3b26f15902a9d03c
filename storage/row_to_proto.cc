#include "storage/row_to_proto.h"

#include "storage/config_json.h"

namespace laptime::storage {
namespace {

template <typename Message>
void SetReal(const Query& query, int column, Message& message, void (Message::*set)(double)) {
  if (!query.IsNull(column)) (message.*set)(query.Real(column));
}

template <typename Message>
void SetInt(const Query& query, int column, Message& message, void (Message::*set)(int32_t)) {
  if (!query.IsNull(column)) (message.*set)(query.Int(column));
}

template <typename Message>
void SetInt64(const Query& query, int column, Message& message, void (Message::*set)(int64_t)) {
  if (!query.IsNull(column)) (message.*set)(query.Int64(column));
}

// Three columns: cause, message, hint. Nothing when the cause is NULL.
template <typename Message>
void SetFailure(const Query& query, int column, Message& message) {
  if (query.IsNull(column)) return;
  v1::Failure& failure = *message.mutable_failure();
  failure.set_cause(static_cast<v1::FailureCause>(query.Int(column)));
  failure.set_message(query.Text(column + 1));
  failure.set_hint(query.Text(column + 2));
}

// How many runs a job has, and in which states.
struct RunCounts {
  int all = 0;
  int queued = 0;
  int open = 0;  // queued included
  int failed = 0;
  int cancelled_or_lost = 0;
};

v1::JobState StateOf(const RunCounts& runs) {
  if (runs.queued == runs.all) return v1::JOB_STATE_QUEUED;
  if (runs.open > 0) return v1::JOB_STATE_RUNNING;
  if (runs.failed > 0) return v1::JOB_STATE_FAILED;
  if (runs.cancelled_or_lost > 0) return v1::JOB_STATE_CANCELLED;
  return v1::JOB_STATE_SUCCEEDED;
}

std::string AfterPrefix(const std::string& name, const std::string& prefix) {
  return name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name;
}

v1::EpochEstimate EstimateFrom(const Query& query, int first) {
  v1::EpochEstimate estimate;
  estimate.set_epoch_seconds(query.Real(first));
  estimate.set_low_seconds(query.Real(first + 1));
  estimate.set_high_seconds(query.Real(first + 2));
  estimate.set_timed_steps(query.Int(first + 3));
  estimate.set_timed_images(query.Int(first + 4));
  estimate.set_steady(query.Bool(first + 5));
  return estimate;
}

}  // namespace

const RowKind& HostRows() {
  static const RowKind kind = {
      "id, name, os, kernel, cpu_model, agent_version, physical_cores, logical_cores, memory_bytes",
      "host", 9};
  return kind;
}

v1::Host HostFrom(const Query& query) {
  v1::Host host;
  host.set_id(query.Text(0));
  host.set_name(query.Text(1));
  host.set_os(query.Text(2));
  host.set_kernel(query.Text(3));
  host.set_cpu_model(query.Text(4));
  host.set_agent_version(query.Text(5));
  SetInt(query, 6, host, &v1::Host::set_physical_cores);
  SetInt(query, 7, host, &v1::Host::set_logical_cores);
  SetReal(query, 8, host, &v1::Host::set_memory_bytes);
  return host;
}

const RowKind& DeviceRows() {
  static const RowKind kind = {
      "device.key, device.host, device.agent_name, device.drained, device.offered, host.name, "
      "device.name, device.kind, device.model, device.address, device.health, device.threads, "
      "device.memory_bytes, host.last_seen_unix_ms, host.removed_unix_ms",
      "device JOIN host ON host.id = device.host", 15};
  return kind;
}

DeviceRow DeviceFrom(const Query& query) {
  DeviceRow row;
  row.key = query.Int64(0);
  row.host_id = query.Text(1);
  row.agent_name = query.Text(2);
  row.drained = query.Bool(3);
  row.offered = query.Bool(4);
  v1::Device& device = row.device;
  device.set_id(query.Text(5) + "/" + query.Text(6));
  device.set_host(query.Text(5));
  device.set_name(query.Text(6));
  device.set_kind(static_cast<v1::DeviceKind>(query.Int(7)));
  device.set_model(query.Text(8));
  device.set_address(query.Text(9));
  device.set_health(static_cast<v1::DeviceHealth>(query.Int(10)));
  if (row.drained) device.set_state(v1::DEVICE_STATE_DRAINED);
  SetInt(query, 11, device, &v1::Device::set_threads);
  SetReal(query, 12, device, &v1::Device::set_memory_bytes);
  SetInt64(query, 13, device, &v1::Device::set_last_seen_unix_ms);
  row.removed = !query.IsNull(14);
  return row;
}

const RowKind& JobRows() {
  static const RowKind kind = {
      "job.id, job.preset, job.workload, job.config, job.partial, job.synthetic, "
      "job.steps_per_epoch, job.selectors, job.repeats, job.priority, job.created_unix_ms, "
      "count(run.key), total(run.state = 1), total(run.state < 4), total(run.state = 5), "
      "total(run.state IN (6, 7)), max(run.ended_unix_ms), job.interleave, job.until_percent, "
      "job.most_repeats",
      "job LEFT JOIN run ON run.job = job.key", 20};
  return kind;
}

v1::Job JobFrom(const Query& query) {
  v1::Job job;
  job.set_id(query.Text(0));
  v1::Workload& workload = *job.mutable_workload();
  workload.set_name(query.Text(1));
  workload.set_hash(query.Text(2));
  *workload.mutable_config() = JsonToStruct(query.Text(3));
  workload.set_partial(query.Bool(4));
  workload.set_synthetic(query.Bool(5));
  workload.set_steps_per_epoch(query.Int(6));
  *job.mutable_selectors() = JsonToTexts(query.Text(7));
  job.set_repeats(query.Int(8));
  job.set_priority(query.Int(9));
  job.set_created_unix_ms(query.Int64(10));
  const RunCounts runs = {query.Int(11), query.Int(12), query.Int(13), query.Int(14),
                          query.Int(15)};
  job.set_runs(runs.all);
  job.set_runs_ended(runs.all - runs.open);
  job.set_state(StateOf(runs));
  if (runs.open == 0) SetInt64(query, 16, job, &v1::Job::set_ended_unix_ms);
  job.set_interleave(query.Bool(17));
  SetReal(query, 18, job, &v1::Job::set_until_percent);
  job.set_most_repeats(query.Int(19));
  return job;
}

// CROSS JOIN keeps SQLite from reordering: run comes first, so that lists are read in the order of
// its keys.
const RowKind& RunRows() {
  static const RowKind kind = {
      "run.id, job.id, host.name, device.name, device.kind, run.device_model, job.preset, "
      "job.workload, run.state, run.attempt, run.repetition, run.validity, run.epochs_done, "
      "job.epochs, job.partial, job.synthetic, run.dataset, run.seed, run.created_unix_ms, "
      "run.started_unix_ms, run.ended_unix_ms, run.failure_cause, run.failure_message, "
      "run.failure_hint, run.median_epoch_seconds, run.fit_seconds_per_epoch, run.mean_loss, "
      "run.knn_accuracy, run.utilization_percent, run.median_step_seconds, run.peak_memory_bytes, "
      "newest.estimated_epoch_seconds, newest.estimated_low_seconds, "
      "newest.estimated_high_seconds, newest.estimated_from_steps, newest.estimated_from_images, "
      "newest.estimated_steady, run.validity_reasons, run.learning_gate, run.segment, "
      "run.mfu_fraction, run.above_90_fraction, run.joules_per_epoch, run.images_per_joule",
      "run CROSS JOIN job ON job.key = run.job CROSS JOIN device ON device.key = run.device "
      "CROSS JOIN host ON host.id = device.host LEFT JOIN attempt AS newest ON "
      "newest.run = run.key AND newest.number = run.attempt",
      44};
  return kind;
}

v1::Run RunFrom(const Query& query) {
  v1::Run run;
  run.set_id(query.Text(0));
  run.set_job_id(query.Text(1));
  run.set_host(query.Text(2));
  run.set_device(query.Text(2) + "/" + query.Text(3));
  run.set_kind(static_cast<v1::DeviceKind>(query.Int(4)));
  run.set_device_model(query.Text(5));
  run.set_workload(query.Text(6));
  run.set_workload_hash(query.Text(7));
  run.set_state(static_cast<v1::RunState>(query.Int(8)));
  run.set_attempt(query.Int(9));
  run.set_repetition(query.Int(10));
  run.set_validity(static_cast<v1::Validity>(query.Int(11)));
  run.set_epochs_done(query.Int(12));
  run.set_epochs(query.Int(13));
  run.set_partial(query.Bool(14));
  run.set_synthetic(query.Bool(15));
  run.set_dataset(query.Text(16));
  run.set_seed(query.Int(17));
  run.set_created_unix_ms(query.Int64(18));
  SetInt64(query, 19, run, &v1::Run::set_started_unix_ms);
  SetInt64(query, 20, run, &v1::Run::set_ended_unix_ms);
  SetFailure(query, 21, run);
  SetReal(query, 24, run, &v1::Run::set_median_epoch_seconds);
  SetReal(query, 25, run, &v1::Run::set_fit_seconds_per_epoch);
  SetReal(query, 26, run, &v1::Run::set_mean_loss);
  SetReal(query, 27, run, &v1::Run::set_knn_accuracy);
  SetReal(query, 28, run, &v1::Run::set_utilization_percent);
  SetReal(query, 29, run, &v1::Run::set_median_step_seconds);
  SetReal(query, 30, run, &v1::Run::set_peak_memory_bytes);
  if (!query.IsNull(31)) *run.mutable_estimate() = EstimateFrom(query, 31);
  *run.mutable_validity_reasons() = JsonToTexts(query.Text(37));
  run.set_learning_gate(query.Text(38));
  run.set_segment(query.Text(39));
  SetReal(query, 40, run, &v1::Run::set_mfu_fraction);
  SetReal(query, 41, run, &v1::Run::set_above_90_fraction);
  SetReal(query, 42, run, &v1::Run::set_joules_per_epoch);
  SetReal(query, 43, run, &v1::Run::set_images_per_joule);
  return run;
}

const RowKind& AttemptRows() {
  static const RowKind kind = {
      "attempt.number, attempt.state, attempt.created_unix_ms, attempt.started_unix_ms, "
      "attempt.ended_unix_ms, attempt.failure_cause, attempt.failure_message, "
      "attempt.failure_hint, "
      "(SELECT count(*) FROM epoch WHERE epoch.attempt = attempt.key), attempt.setup_seconds, "
      "attempt.time_to_first_batch_seconds, attempt.warm_up_seconds, attempt.finished_epochs, "
      "attempt.fit_seconds, attempt.total_seconds, attempt.max_knn_accuracy, "
      "attempt.peak_memory_bytes, attempt.resumed_epochs, attempt.estimated_epoch_seconds, "
      "attempt.estimated_low_seconds, attempt.estimated_high_seconds, "
      "attempt.estimated_from_steps, attempt.estimated_from_images, attempt.estimated_steady",
      "attempt JOIN run ON run.key = attempt.run", 24};
  return kind;
}

v1::Attempt AttemptFrom(const Query& query) {
  v1::Attempt attempt;
  attempt.set_number(query.Int(0));
  attempt.set_state(static_cast<v1::AttemptState>(query.Int(1)));
  attempt.set_created_unix_ms(query.Int64(2));
  SetInt64(query, 3, attempt, &v1::Attempt::set_started_unix_ms);
  SetInt64(query, 4, attempt, &v1::Attempt::set_ended_unix_ms);
  SetFailure(query, 5, attempt);
  attempt.set_epochs_done(query.Int(8));
  attempt.set_resumed_epochs(query.Int(17));
  if (!query.IsNull(9) || !query.IsNull(10) || !query.IsNull(11)) {
    v1::TrainerWarmedUp& warm_up = *attempt.mutable_warm_up();
    SetReal(query, 9, warm_up, &v1::TrainerWarmedUp::set_setup_seconds);
    SetReal(query, 10, warm_up, &v1::TrainerWarmedUp::set_time_to_first_batch);
    SetReal(query, 11, warm_up, &v1::TrainerWarmedUp::set_warm_up_seconds);
  }
  if (query.IsNull(12)) return attempt;
  v1::TrainerFinished& finished = *attempt.mutable_finished();
  finished.set_epochs(query.Int(12));
  SetReal(query, 13, finished, &v1::TrainerFinished::set_fit_seconds);
  SetReal(query, 14, finished, &v1::TrainerFinished::set_total_seconds);
  SetReal(query, 15, finished, &v1::TrainerFinished::set_max_knn_accuracy);
  SetReal(query, 16, finished, &v1::TrainerFinished::set_peak_memory_bytes);
  if (!query.IsNull(18)) *finished.mutable_estimate() = EstimateFrom(query, 18);
  return attempt;
}

const RowKind& AttemptRefRows() {
  static const RowKind kind = {
      "run.id, attempt.number, attempt.key, attempt.state, attempt.command_id, device.host, "
      "run.state, attempt.number = run.attempt",
      "attempt JOIN run ON run.key = attempt.run JOIN device ON device.key = run.device", 8};
  return kind;
}

AttemptRow AttemptRefFrom(const Query& query) {
  AttemptRow row;
  row.ref.set_run_id(query.Text(0));
  row.ref.set_number(query.Int(1));
  row.ref.set_fencing_token(query.Int64(2));
  row.state = static_cast<v1::AttemptState>(query.Int(3));
  row.command_id = query.Text(4);
  row.host_id = query.Text(5);
  row.run_state = static_cast<v1::RunState>(query.Int(6));
  row.newest = query.Bool(7);
  return row;
}

std::string Select(const RowKind& kind, const std::string& rest, const std::string& more) {
  return "SELECT " + kind.columns + (more.empty() ? "" : ", " + more) + " FROM " + kind.from + " " +
         rest;
}

std::string NameOf(v1::RunState state) {
  return AfterPrefix(v1::RunState_Name(state), "RUN_STATE_");
}

std::string NameOf(v1::AttemptState state) {
  return AfterPrefix(v1::AttemptState_Name(state), "ATTEMPT_STATE_");
}

}  // namespace laptime::storage
