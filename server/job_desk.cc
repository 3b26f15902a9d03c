#include "server/job_desk.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "server/device_choice.h"
#include "server/device_group.h"
#include "server/new_id.h"
#include "server/repeat_until.h"
#include "server/run_state.h"
#include "server/selector.h"

namespace laptime {
namespace {

using storage::DeviceRow;

std::map<std::string, std::string> Sorted(
    const google::protobuf::Map<std::string, std::string>& map) {
  return {map.begin(), map.end()};
}

// The devices that the planned job's runs are named after, as many as its repeats allow.
absl::StatusOr<std::vector<DeviceRow>> DevicesOf(const v1::SubmitJobRequest& request,
                                                 const v1::Job& planned,
                                                 const std::vector<DeviceRow>& devices) {
  const auto devices_per_run =
      static_cast<int>(planned.workload().config().fields().at("devices_per_run").number_value());
  absl::StatusOr<std::vector<DeviceRow>> chosen =
      ChooseForJob(request.selectors(), devices_per_run, devices);
  if (!chosen.ok()) return chosen.status();
  if (static_cast<int64_t>(chosen->size()) * MostRunsOnDevice(planned) > kMaxRunsPerJob) {
    return absl::InvalidArgumentError("a job has at most " + std::to_string(kMaxRunsPerJob) +
                                      " runs");
  }
  return chosen;
}

std::string HostOf(const std::string& id) { return id.substr(0, id.find('/')); }

// The name that a rename asks for, with or without the host before it.
absl::StatusOr<std::string> NewName(const v1::UpdateDeviceRequest& request) {
  std::string name = request.new_name();
  const std::string host = HostOf(request.id()) + "/";
  if (name.rfind(host, 0) == 0) name = name.substr(host.size());
  if (name.size() <= kMaxDeviceName && IsPlainName(name)) return name;
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "'" + request.new_name() + "' is no device name",
                  "1 to " + std::to_string(kMaxDeviceName) +
                      " letters, digits, '.', '_', ':' or '-'; a device stays on its host");
}

// The device under the name that the request gives it: there when the request was carried out
// before and comes again because its answer was lost.
absl::StatusOr<DeviceRow> FindRenamed(const v1::UpdateDeviceRequest& request,
                                      const std::vector<DeviceRow>& devices) {
  absl::StatusOr<std::string> name = NewName(request);
  if (!name.ok()) return name.status();
  return FindDevice(devices, HostOf(request.id()) + "/" + *name);
}

// Which run each busy device is reserved for: device key → run id.
absl::StatusOr<std::map<int64_t, std::string>> RunningOn(const storage::Reader& reader,
                                                         const std::vector<DeviceRow>& devices) {
  std::map<int64_t, std::string> running;
  for (v1::RunState state : {v1::RUN_STATE_ASSIGNED, v1::RUN_STATE_RUNNING}) {
    storage::RunFilter filter;
    filter.state = state;
    absl::StatusOr<v1::ListRunsResponse> runs = reader.ListRuns(filter, {1000, ""});
    if (!runs.ok()) return runs.status();
    for (const v1::Run& listed : runs->runs()) {
      absl::StatusOr<storage::RunRow> run = reader.FindRun(listed.id());
      if (!run.ok()) return run.status();
      for (int64_t key : ReservedBy(*run, devices)) running[key] = listed.id();
    }
  }
  return running;
}

v1::SubmitJobResponse AsSubmitResponse(const v1::GetJobResponse& job) {
  v1::SubmitJobResponse response;
  *response.mutable_job() = job.job();
  *response.mutable_runs() = job.runs();
  return response;
}

}  // namespace

absl::StatusOr<v1::Workload> ResolveForJob(const std::string& preset,
                                           const std::map<std::string, std::string>& settings,
                                           std::string* hashed_json) {
  auto resolved = ResolveWorkload(preset, settings);
  if (auto* error = std::get_if<SpecError>(&resolved)) {
    return WithHint(absl::StatusCode::kInvalidArgument, error->message, error->hint);
  }
  const WorkloadSpec& spec = std::get<WorkloadSpec>(resolved);
  *hashed_json = spec.HashedText();
  v1::Workload workload;
  workload.set_name(spec.name);
  workload.set_hash(Sha256Hex(*hashed_json));
  workload.set_partial(spec.partial());
  workload.set_synthetic(spec.synthetic());
  workload.set_steps_per_epoch(spec.steps_per_epoch());
  // A JSON object always fits a Struct.
  (void)google::protobuf::util::JsonStringToMessage(spec.config.dump(), workload.mutable_config());
  return workload;
}

absl::StatusOr<v1::GetJobResponse> ReadJob(const storage::Reader& reader, const std::string& id) {
  v1::GetJobResponse response;
  absl::StatusOr<v1::Job> job = reader.FindJob(id);
  if (!job.ok()) return job.status();
  absl::StatusOr<std::vector<v1::Run>> runs = reader.RunsOfJob(id);
  if (!runs.ok()) return runs.status();
  for (v1::DeviceRepeats& repeats : JudgeRepeats(*job, *runs))
    *response.add_repeats() = std::move(repeats);
  *response.mutable_job() = *std::move(job);
  for (v1::Run& run : *runs) *response.add_runs() = std::move(run);
  return response;
}

absl::StatusOr<std::vector<DeviceRow>> JobDesk::Devices(const storage::Reader& reader) const {
  absl::StatusOr<std::vector<DeviceRow>> devices = reader.Devices();
  if (!devices.ok()) return devices.status();
  std::erase_if(*devices, std::mem_fn(&DeviceRow::removed));
  absl::StatusOr<std::map<int64_t, std::string>> running = RunningOn(reader, *devices);
  if (!running.ok()) return running.status();
  for (DeviceRow& row : *devices) {
    v1::Device& device = row.device;
    const auto run = running->find(row.key);
    if (run != running->end()) device.set_current_run_id(run->second);
    if (!row.offered || !registry_.IsAttached(row.host_id)) {
      device.set_state(v1::DEVICE_STATE_AWAY);
    } else if (run != running->end()) {
      device.set_state(v1::DEVICE_STATE_BUSY);
    } else {
      device.set_state(row.drained ? v1::DEVICE_STATE_DRAINED : v1::DEVICE_STATE_IDLE);
    }
  }
  return devices;
}

absl::StatusOr<v1::SubmitJobResponse> JobDesk::Submit(const v1::SubmitJobRequest& request) {
  LAPTIME_RETURN_IF_ERROR(CheckSubmission(request));
  std::string hashed_json;
  absl::StatusOr<v1::Workload> workload =
      ResolveForJob(request.workload(), Sorted(request.settings()), &hashed_json);
  if (!workload.ok()) return workload.status();
  const v1::Job planned = NewJob(request, *workload, UnixMs(clock_.WallNow()));
  LAPTIME_RETURN_IF_ERROR(CheckSeeds(planned));
  const std::string digest = RequestDigest(request);
  const std::string key = request.idempotency_key().empty() ? NewId() : request.idempotency_key();

  v1::SubmitJobResponse response;
  auto preview = [&](const storage::Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<DeviceRow>> devices = Devices(reader);
    if (!devices.ok()) return devices.status();
    absl::StatusOr<std::vector<DeviceRow>> chosen = DevicesOf(request, planned, *devices);
    if (!chosen.ok()) return chosen.status();
    *response.mutable_job() = planned;
    response.mutable_job()->set_runs(static_cast<int>(chosen->size()) * planned.repeats());
    for (const storage::NewRun& run : PlanRuns(planned, *chosen)) {
      const auto device = std::ranges::find(*chosen, run.device_key, &DeviceRow::key);
      *response.add_runs() = Preview(planned, run, *device);
    }
    return absl::OkStatus();
  };
  if (request.dry_run()) {
    LAPTIME_RETURN_IF_ERROR(store_.Read(preview));
    return response;
  }
  auto decision = [&](storage::Transaction& tx, RunLifecycle&, Outbox& outbox) -> absl::Status {
    absl::StatusOr<std::optional<storage::Reader::KeyedJob>> keyed = tx.FindJobByKey(key);
    if (!keyed.ok()) return keyed.status();
    v1::Job job = planned;
    if (keyed->has_value()) {
      if ((*keyed)->request_digest != digest) {
        return WithHint(absl::StatusCode::kAlreadyExists,
                        "idempotency key '" + key + "' belongs to job " + (*keyed)->job_id +
                            ", which was another request",
                        "use a new key for a new request");
      }
      job.set_id((*keyed)->job_id);
    } else {
      absl::StatusOr<std::vector<DeviceRow>> devices = Devices(tx);
      if (!devices.ok()) return devices.status();
      absl::StatusOr<std::vector<DeviceRow>> chosen = DevicesOf(request, job, *devices);
      if (!chosen.ok()) return chosen.status();
      job.set_id(NewId());
      LAPTIME_RETURN_IF_ERROR(tx.InsertJob({job, hashed_json, key, digest}));
      for (const storage::NewRun& run : PlanRuns(job, *chosen))
        LAPTIME_RETURN_IF_ERROR(tx.InsertRun(run));
      for (const DeviceRow& device : *chosen) outbox.look_for_work.insert(device.host_id);
    }
    absl::StatusOr<v1::GetJobResponse> stored = ReadJob(tx, job.id());
    if (!stored.ok()) return stored.status();
    response = AsSubmitResponse(*stored);
    return absl::OkStatus();
  };
  LAPTIME_RETURN_IF_ERROR(coordinator_.Decide(decision));
  return response;
}

absl::StatusOr<v1::GetJobResponse> JobDesk::Cancel(const std::string& id) {
  v1::GetJobResponse response;
  v1::Failure reason;
  reason.set_message("cancelled");
  auto decision = [&](storage::Transaction& tx, RunLifecycle& lifecycle, Outbox&) -> absl::Status {
    absl::StatusOr<std::string> job_id = tx.ResolveJobId(id);
    if (!job_id.ok()) return job_id.status();
    absl::StatusOr<std::vector<v1::Run>> runs = tx.RunsOfJob(*job_id);
    if (!runs.ok()) return runs.status();
    for (const v1::Run& run : *runs) {
      if (IsEnd(run.state())) continue;
      absl::StatusOr<storage::RunRow> row = tx.FindRun(run.id());
      if (!row.ok()) return row.status();
      LAPTIME_RETURN_IF_ERROR(lifecycle.End(*row, v1::RUN_STATE_CANCELLED, reason));
    }
    absl::StatusOr<v1::GetJobResponse> stored = ReadJob(tx, *job_id);
    if (!stored.ok()) return stored.status();
    response = *std::move(stored);
    return absl::OkStatus();
  };
  LAPTIME_RETURN_IF_ERROR(coordinator_.Decide(decision));
  return response;
}

absl::StatusOr<int64_t> JobDesk::UpdateDevice(const v1::UpdateDeviceRequest& request) {
  int64_t key = 0;
  LAPTIME_RETURN_IF_ERROR(coordinator_.Decide(
      [&](storage::Transaction& tx, RunLifecycle&, Outbox& outbox) -> absl::Status {
        absl::StatusOr<std::vector<DeviceRow>> devices = Devices(tx);
        if (!devices.ok()) return devices.status();
        absl::StatusOr<DeviceRow> row = FindDevice(*devices, request.id());
        if (!row.ok() && !request.new_name().empty()) {
          if (auto renamed = FindRenamed(request, *devices); renamed.ok()) row = *renamed;
        }
        if (!row.ok()) return row.status();
        key = row->key;
        if (request.has_drained()) {
          LAPTIME_RETURN_IF_ERROR(tx.SetDrained(row->key, request.drained()));
          v1::CoordinatorMessage message;
          message.mutable_drain()->set_device(row->agent_name);
          message.mutable_drain()->set_drained(request.drained());
          outbox.messages.push_back({row->host_id, std::move(message)});
          outbox.look_for_work.insert(row->host_id);
        }
        if (request.new_name().empty()) return absl::OkStatus();
        absl::StatusOr<std::string> name = NewName(request);
        if (!name.ok()) return name.status();
        return tx.RenameDevice(row->key, *name);
      }));
  return key;
}

}  // namespace laptime
