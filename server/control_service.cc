#include "server/control_service.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <sqlite3.h>

#include <algorithm>

#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "server/annotate_run.h"
#include "server/answer.h"
#include "server/comparison/comparison.h"
#include "server/device_choice.h"
#include "server/export_rows.h"
#include "server/history/history.h"
#include "server/import_results.h"
#include "server/matrix.h"
#include "server/noise_floor.h"
#include "server/run_state.h"
#include "server/security/audit.h"
#include "server/table/device_table.h"
#include "server/watch_call.h"
#include "server/workload_info.h"

namespace laptime {
namespace {

using storage::DeviceRow;
using storage::Reader;

template <typename T>
absl::Status PutAll(absl::StatusOr<std::vector<T>> result,
                    google::protobuf::RepeatedPtrField<T>* out) {
  if (!result.ok()) return result.status();
  for (T& value : *result) *out->Add() = std::move(value);
  return absl::OkStatus();
}

storage::Page PageOf(int size, const std::string& token) {
  constexpr int kDefault = 50;
  constexpr int kMost = 1000;
  return {size <= 0 ? kDefault : std::min(size, kMost), token};
}

bool IsHashPrefix(const std::string& text) {
  return text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The attempt asked for; 0 means the newest.
absl::StatusOr<int> AttemptNumber(const Reader& reader, const std::string& run_id, int asked) {
  absl::StatusOr<storage::RunRow> run = reader.FindRun(run_id);
  if (!run.ok()) return run.status();
  if (asked == 0) return run->run.attempt();
  if (asked < 0 || asked > run->run.attempt()) {
    return WithHint(absl::StatusCode::kNotFound,
                    "run " + run_id + " has no attempt " + std::to_string(asked),
                    "it has " + std::to_string(run->run.attempt()));
  }
  return asked;
}

// All that `run show` tells.
absl::Status Describe(const Reader& reader, const std::string& id_text,
                      v1::GetRunResponse* response) {
  absl::StatusOr<std::string> id = reader.ResolveRunId(id_text);
  if (!id.ok()) return id.status();
  absl::StatusOr<storage::RunRow> run = reader.FindRun(*id);
  if (!run.ok()) return run.status();
  *response->mutable_run() = run->run;
  LAPTIME_RETURN_IF_ERROR(PutAll(reader.Attempts(*id), response->mutable_attempts()));
  LAPTIME_RETURN_IF_ERROR(
      PutAll(reader.Epochs(*id, run->run.attempt()), response->mutable_epochs()));
  LAPTIME_RETURN_IF_ERROR(PutAll(reader.Annotations(*id), response->mutable_annotations()));
  absl::StatusOr<v1::Job> job = reader.FindJob(run->run.job_id());
  if (!job.ok()) return job.status();
  *response->mutable_workload() = job->workload();
  absl::StatusOr<std::string> snapshot = reader.SnapshotJson(*id, run->run.attempt());
  if (!snapshot.ok()) return snapshot.status();
  if (!snapshot->empty()) {
    // Damaged text in the database shows as an absent snapshot; the rest of the run is still good.
    (void)google::protobuf::util::JsonStringToMessage(*snapshot, response->mutable_snapshot());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Caller> ControlService::Check(const grpc::ServerContextBase& context,
                                             const std::string& method) const {
  return authenticator_.Check(context, "laptime.v1.ControlService." + method);
}

grpc::Status ControlService::Read(const grpc::ServerContext& context, const std::string& method,
                                  const std::function<absl::Status(const Reader&)>& query) {
  if (auto caller = Check(context, method); !caller.ok()) return ToGrpc(caller.status());
  return Answer(store_.Read(query));
}

grpc::Status ControlService::Change(const grpc::ServerContext& context, const std::string& method,
                                    const std::string& detail,
                                    const std::function<absl::Status(const Caller&)>& change) {
  const absl::StatusOr<Caller> caller = Check(context, method);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::Status status = change(*caller);
  access_.Audit(AuditOf(caller->name, context.peer(), method, detail, status));
  return Answer(status);
}

grpc::Status ControlService::SubmitJob(grpc::ServerContext* context,
                                       const v1::SubmitJobRequest* request,
                                       v1::SubmitJobResponse* response) {
  // It changes nothing.
  if (request->dry_run()) {
    if (auto caller = Check(*context, "SubmitJob"); !caller.ok()) return ToGrpc(caller.status());
    return Answer(Put(desk_.Submit(*request), response));
  }
  return Change(*context, "SubmitJob", request->workload(),
                [&](const Caller&) { return Put(desk_.Submit(*request), response); });
}

grpc::Status ControlService::CancelJob(grpc::ServerContext* context,
                                       const v1::CancelJobRequest* request,
                                       v1::GetJobResponse* response) {
  return Change(*context, "CancelJob", request->id(),
                [&](const Caller&) { return Put(desk_.Cancel(request->id()), response); });
}

grpc::Status ControlService::ListJobs(grpc::ServerContext* context,
                                      const v1::ListJobsRequest* request,
                                      v1::ListJobsResponse* response) {
  return Read(*context, "ListJobs", [&](const Reader& reader) {
    return Put(reader.ListJobs(PageOf(request->page_size(), request->page_token())), response);
  });
}

grpc::Status ControlService::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                                    v1::GetJobResponse* response) {
  return Read(*context, "GetJob", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::string> id = reader.ResolveJobId(request->id());
    if (!id.ok()) return id.status();
    return Put(ReadJob(reader, *id), response);
  });
}

grpc::ServerWriteReactor<v1::JobEvent>* ControlService::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  const absl::StatusOr<Caller> caller = Check(*context, "WatchJob");
  if (!caller.ok()) return RefuseWatch(caller.status());
  return StartWatch(coordinator_, hub_, *request,
                    [this, who = *caller] { return authenticator_.StillGood(who); });
}

grpc::Status ControlService::ListRuns(grpc::ServerContext* context,
                                      const v1::ListRunsRequest* request,
                                      v1::ListRunsResponse* response) {
  return Read(*context, "ListRuns", [&](const Reader& reader) -> absl::Status {
    storage::RunFilter filter;
    filter.workload = request->workload();
    filter.state = request->state();
    LAPTIME_RETURN_IF_ERROR(Put(
        storage::RunConditions::Parse(request->filter(), UnixMs(clock_.WallNow())), &filter.where));
    if (!request->job_id().empty()) {
      LAPTIME_RETURN_IF_ERROR(Put(reader.ResolveJobId(request->job_id()), &filter.job_id));
    }
    if (!request->devices().empty()) {
      absl::StatusOr<std::vector<DeviceRow>> devices = reader.Devices();
      if (!devices.ok()) return devices.status();
      absl::StatusOr<std::vector<DeviceRow>> chosen = ChooseForList(request->devices(), *devices);
      if (!chosen.ok()) return chosen.status();
      for (const DeviceRow& row : *chosen) filter.device_keys.push_back(row.key);
    }
    LAPTIME_RETURN_IF_ERROR(Put(
        reader.ListRuns(filter, PageOf(request->page_size(), request->page_token())), response));
    // Nothing of that name ran; if there is none either, it is a typing error.
    if (response->runs().empty() && !filter.workload.empty() && !IsHashPrefix(filter.workload)) {
      std::string hashed;
      return ResolveForJob(filter.workload, {}, &hashed).status();
    }
    return absl::OkStatus();
  });
}

grpc::Status ControlService::GetRun(grpc::ServerContext* context, const v1::GetRunRequest* request,
                                    v1::GetRunResponse* response) {
  return Read(*context, "GetRun",
              [&](const Reader& reader) { return Describe(reader, request->id(), response); });
}

grpc::Status ControlService::AnnotateRun(grpc::ServerContext* context,
                                         const v1::AnnotateRunRequest* request,
                                         v1::GetRunResponse* response) {
  std::string id;
  const grpc::Status done = Change(*context, "AnnotateRun", request->id(), [&](const Caller&) {
    return Put(laptime::AnnotateRun(store_, *request, UnixMs(clock_.WallNow())), &id);
  });
  if (!done.ok()) return done;
  return Read(*context, "AnnotateRun",
              [&](const Reader& reader) { return Describe(reader, id, response); });
}

grpc::Status ControlService::ExportRows(grpc::ServerContext* context,
                                        const v1::ExportRowsRequest* request,
                                        grpc::ServerWriter<v1::ExportRowsResponse>* writer) {
  const absl::StatusOr<Caller> caller = Check(*context, "ExportRows");
  if (!caller.ok()) return ToGrpc(caller.status());
  if (request->kind() == v1::EXPORT_KIND_UNSPECIFIED || !v1::ExportKind_IsValid(request->kind()))
    return ToGrpc(absl::InvalidArgumentError("export: the kind of rows is missing"));
  storage::RunFilter filter;
  const absl::Status parsed = Put(
      storage::RunConditions::Parse(request->filter(), UnixMs(clock_.WallNow())), &filter.where);
  if (!parsed.ok()) return ToGrpc(parsed);
  const Slot slot(exports_);
  if (slot.number() > kMostExports) {
    return ToGrpc(WithHint(absl::StatusCode::kResourceExhausted,
                           "export: " + std::to_string(kMostExports) + " are being sent already",
                           "try again when one of them has ended"));
  }
  RowExport rows(request->kind(), std::move(filter));
  while (!rows.done() && !context->IsCancelled()) {
    if (!authenticator_.StillGood(*caller)) return ToGrpc(CredentialsRevoked());
    v1::ExportRowsResponse page;
    const absl::Status read =
        store_.Read([&](const Reader& reader) { return rows.Next(reader, page); });
    if (!read.ok()) return Answer(read);
    // Waits while the client takes no more; false once it is gone.
    if (page.ByteSizeLong() > 0 && !writer->Write(page)) return grpc::Status::CANCELLED;
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::GetRunLog(grpc::ServerContext* context,
                                       const v1::GetRunLogRequest* request,
                                       v1::GetRunLogResponse* response) {
  return Read(*context, "GetRunLog", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::string> id = reader.ResolveRunId(request->id());
    if (!id.ok()) return id.status();
    absl::StatusOr<int> attempt = AttemptNumber(reader, *id, request->attempt());
    if (!attempt.ok()) return attempt.status();
    if (*attempt == 0) {
      // Nothing has run yet; and nothing will where the run ended in the queue.
      absl::StatusOr<storage::RunRow> run = reader.FindRun(*id);
      response->set_complete(run.ok() && IsEnd(run->run.state()));
      return run.status();
    }
    return Put(reader.Log(*id, *attempt, request->from_offset()), response);
  });
}

grpc::Status ControlService::ListSamples(grpc::ServerContext* context,
                                         const v1::ListSamplesRequest* request,
                                         v1::ListSamplesResponse* response) {
  return Read(*context, "ListSamples", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::string> id = reader.ResolveRunId(request->run_id());
    if (!id.ok()) return id.status();
    absl::StatusOr<int> attempt = AttemptNumber(reader, *id, request->attempt());
    if (!attempt.ok()) return attempt.status();
    return PutAll(reader.Samples(*id, *attempt), response->mutable_series());
  });
}

grpc::Status ControlService::ListDevices(grpc::ServerContext* context,
                                         const v1::ListDevicesRequest* request,
                                         v1::ListDevicesResponse* response) {
  return Read(*context, "ListDevices", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<DeviceRow>> devices = desk_.Devices(reader);
    if (!devices.ok()) return devices.status();
    absl::StatusOr<std::vector<DeviceRow>> chosen = ChooseForList(request->selectors(), *devices);
    if (!chosen.ok()) return chosen.status();
    for (const DeviceRow& row : *chosen) *response->add_devices() = row.device;
    return absl::OkStatus();
  });
}

grpc::Status ControlService::GetDevice(grpc::ServerContext* context,
                                       const v1::GetDeviceRequest* request,
                                       v1::GetDeviceResponse* response) {
  return Read(*context, "GetDevice", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<DeviceRow>> devices = desk_.Devices(reader);
    if (!devices.ok()) return devices.status();
    absl::StatusOr<DeviceRow> row = FindDevice(*devices, request->id());
    if (!row.ok()) return row.status();
    *response->mutable_device() = row->device;
    const auto floors = NoiseFloors(reader, {*row});
    if (!floors.ok()) return floors.status();
    for (const auto& [id, noise] : *floors) {
      response->set_noise_floor_percent(100 * noise.floor);
      response->set_calibration_runs(noise.runs);
    }
    return Put(reader.FindHost(row->host_id), response->mutable_host());
  });
}

grpc::Status ControlService::ListCapabilities(grpc::ServerContext* context,
                                              const v1::ListCapabilitiesRequest* request,
                                              v1::ListCapabilitiesResponse* response) {
  return Read(*context, "ListCapabilities", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<DeviceRow>> devices = desk_.Devices(reader);
    if (!devices.ok()) return devices.status();
    absl::StatusOr<std::vector<DeviceRow>> chosen = ChooseForList(request->selectors(), *devices);
    if (!chosen.ok()) return chosen.status();
    for (const DeviceRow& row : *chosen) {
      auto found = reader.Capabilities(row.key);
      if (!found.ok()) return found.status();
      if (!found->has_value()) continue;
      v1::DeviceCapabilities& device = *response->add_devices();
      device = *std::move(*found);
      device.set_device(row.device.id());
    }
    return absl::OkStatus();
  });
}

grpc::Status ControlService::UpdateDevice(grpc::ServerContext* context,
                                          const v1::UpdateDeviceRequest* request,
                                          v1::GetDeviceResponse* response) {
  int64_t key = 0;
  const grpc::Status done = Change(*context, "UpdateDevice", request->id(), [&](const Caller&) {
    return Put(desk_.UpdateDevice(*request), &key);
  });
  if (!done.ok()) return done;
  return Read(*context, "UpdateDevice", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<DeviceRow>> devices = desk_.Devices(reader);
    if (!devices.ok()) return devices.status();
    auto row = std::ranges::find(*devices, key, &DeviceRow::key);
    if (row == devices->end())
      return absl::NotFoundError("device '" + request->id() + "' was removed");
    *response->mutable_device() = row->device;
    return Put(reader.FindHost(row->host_id), response->mutable_host());
  });
}

grpc::Status ControlService::ListWorkloads(grpc::ServerContext* context,
                                           const v1::ListWorkloadsRequest*,
                                           v1::ListWorkloadsResponse* response) {
  if (auto caller = Check(*context, "ListWorkloads"); !caller.ok()) return ToGrpc(caller.status());
  return ToGrpc(Put(DescribeWorkloads(), response));
}

grpc::Status ControlService::GetTable(grpc::ServerContext* context,
                                      const v1::GetTableRequest* request,
                                      v1::GetTableResponse* response) {
  return Read(*context, "GetTable",
              [&](const Reader& reader) { return Put(BuildTable(reader, *request), response); });
}

grpc::Status ControlService::CompareRuns(grpc::ServerContext* context,
                                         const v1::CompareRunsRequest* request,
                                         v1::Comparison* response) {
  return Read(*context, "CompareRuns", [&](const Reader& reader) {
    return Put(BuildComparison(reader, *request, UnixMs(clock_.WallNow())), response);
  });
}

grpc::Status ControlService::GetHistory(grpc::ServerContext* context,
                                        const v1::GetHistoryRequest* request,
                                        v1::GetHistoryResponse* response) {
  return Read(*context, "GetHistory", [&](const Reader& reader) {
    return Put(BuildHistory(reader, *request, UnixMs(clock_.WallNow())), response);
  });
}

grpc::Status ControlService::GetMatrix(grpc::ServerContext* context,
                                       const v1::GetMatrixRequest* request,
                                       v1::GetMatrixResponse* response) {
  return Read(*context, "GetMatrix", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<DeviceRow>> devices = desk_.Devices(reader);
    if (!devices.ok()) return devices.status();
    return Put(BuildMatrix(reader, *request, *devices, UnixMs(clock_.WallNow())), response);
  });
}

grpc::Status ControlService::ImportResults(grpc::ServerContext* context,
                                           const v1::ImportResultsRequest* request,
                                           v1::ImportResultsResponse* response) {
  return Change(*context, "ImportResults", "", [&](const Caller&) {
    return Put(laptime::ImportResults(store_, request->json_lines(), /*published=*/false,
                                      UnixMs(clock_.WallNow())),
               response);
  });
}

grpc::Status ControlService::GetServerInfo(grpc::ServerContext* context,
                                           const v1::GetServerInfoRequest*,
                                           v1::ServerInfo* response) {
  return Read(*context, "GetServerInfo", [&](const Reader& reader) -> absl::Status {
    absl::StatusOr<storage::Counts> counts = reader.CountAll();
    if (!counts.ok()) return counts.status();
    response->set_version(kVersion);
    response->set_started_unix_ms(facts_.started_unix_ms);
    response->set_database(facts_.database);
    response->set_schema_version(store_.schema_version());
    response->set_hosts_attached(static_cast<int>(registry_.AttachedHosts().size()));
    response->set_devices(counts->devices);
    response->set_jobs(counts->jobs);
    response->set_runs(counts->runs);
    response->set_database_bytes(store_.database_bytes());
    response->set_sqlite_version(sqlite3_libversion());
    response->set_grpc_version(grpc::Version());
    response->set_protocol(kProtocolVersion);
    return absl::OkStatus();
  });
}

}  // namespace laptime
