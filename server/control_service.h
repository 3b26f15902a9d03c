#pragma once

#include <atomic>
#include <string>

#include "laptime/v1/control.grpc.pb.h"
#include "server/coordinator.h"
#include "server/job_desk.h"
#include "server/security/access_desk.h"
#include "server/security/auth.h"

namespace laptime {

// What GetServerInfo tells beside the database's counts.
struct ServerFacts {
  std::string database;
  int64_t started_unix_ms = 0;
};

// Adapts people's calls: checks, translates, calls, translates back. Unary handlers use the sync
// API and may block on the database; WatchJob lives long and uses the callback API.
class ControlService
    : public v1::ControlService::WithCallbackMethod_WatchJob<v1::ControlService::Service> {
 public:
  ControlService(JobDesk& desk, AccessDesk& access, Coordinator& coordinator, EventHub& hub,
                 storage::Store& store, AgentRegistry& registry, const Authenticator& authenticator,
                 const Clock& clock, ServerFacts facts)
      : desk_(desk),
        access_(access),
        coordinator_(coordinator),
        hub_(hub),
        store_(store),
        registry_(registry),
        authenticator_(authenticator),
        clock_(clock),
        facts_(std::move(facts)) {}

  grpc::Status SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest*,
                         v1::SubmitJobResponse*) override;
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*,
                        v1::ListJobsResponse*) override;
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::GetJobResponse*) override;
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest*,
                         v1::GetJobResponse*) override;
  grpc::ServerWriteReactor<v1::JobEvent>* WatchJob(grpc::CallbackServerContext*,
                                                   const v1::WatchJobRequest*) override;
  grpc::Status ListRuns(grpc::ServerContext*, const v1::ListRunsRequest*,
                        v1::ListRunsResponse*) override;
  grpc::Status GetRun(grpc::ServerContext*, const v1::GetRunRequest*, v1::GetRunResponse*) override;
  grpc::Status GetRunLog(grpc::ServerContext*, const v1::GetRunLogRequest*,
                         v1::GetRunLogResponse*) override;
  grpc::Status ListSamples(grpc::ServerContext*, const v1::ListSamplesRequest*,
                           v1::ListSamplesResponse*) override;
  grpc::Status AnnotateRun(grpc::ServerContext*, const v1::AnnotateRunRequest*,
                           v1::GetRunResponse*) override;
  grpc::Status ExportRows(grpc::ServerContext*, const v1::ExportRowsRequest*,
                          grpc::ServerWriter<v1::ExportRowsResponse>*) override;
  grpc::Status ListDevices(grpc::ServerContext*, const v1::ListDevicesRequest*,
                           v1::ListDevicesResponse*) override;
  grpc::Status GetDevice(grpc::ServerContext*, const v1::GetDeviceRequest*,
                         v1::GetDeviceResponse*) override;
  grpc::Status ListCapabilities(grpc::ServerContext*, const v1::ListCapabilitiesRequest*,
                                v1::ListCapabilitiesResponse*) override;
  grpc::Status UpdateDevice(grpc::ServerContext*, const v1::UpdateDeviceRequest*,
                            v1::GetDeviceResponse*) override;
  grpc::Status ListWorkloads(grpc::ServerContext*, const v1::ListWorkloadsRequest*,
                             v1::ListWorkloadsResponse*) override;
  grpc::Status GetTable(grpc::ServerContext*, const v1::GetTableRequest*,
                        v1::GetTableResponse*) override;
  grpc::Status CompareRuns(grpc::ServerContext*, const v1::CompareRunsRequest*,
                           v1::Comparison*) override;
  grpc::Status GetHistory(grpc::ServerContext*, const v1::GetHistoryRequest*,
                          v1::GetHistoryResponse*) override;
  grpc::Status GetMatrix(grpc::ServerContext*, const v1::GetMatrixRequest*,
                         v1::GetMatrixResponse*) override;
  grpc::Status ImportResults(grpc::ServerContext*, const v1::ImportResultsRequest*,
                             v1::ImportResultsResponse*) override;
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::ServerInfo*) override;
  grpc::Status BackUp(grpc::ServerContext*, const v1::BackUpRequest*,
                      grpc::ServerWriter<v1::BackUpResponse>*) override;
  grpc::Status CheckDatabase(grpc::ServerContext*, const v1::CheckDatabaseRequest*,
                             v1::CheckDatabaseResponse*) override;
  grpc::Status CollectGarbage(grpc::ServerContext*, const v1::CollectGarbageRequest*,
                              v1::CollectGarbageResponse*) override;

  // In control_access.cc.
  grpc::Status CreateToken(grpc::ServerContext*, const v1::CreateTokenRequest*,
                           v1::CreateTokenResponse*) override;
  grpc::Status ListTokens(grpc::ServerContext*, const v1::ListTokensRequest*,
                          v1::ListTokensResponse*) override;
  grpc::Status RevokeToken(grpc::ServerContext*, const v1::RevokeTokenRequest*,
                           v1::Token*) override;
  grpc::Status RemoveHost(grpc::ServerContext*, const v1::RemoveHostRequest*,
                          v1::RemoveHostResponse*) override;
  grpc::Status ListAudit(grpc::ServerContext*, const v1::ListAuditRequest*,
                         v1::ListAuditResponse*) override;

 private:
  // `method` is the name alone.
  absl::StatusOr<Caller> Check(const grpc::ServerContextBase& context,
                               const std::string& method) const;
  // Checks the caller, then runs the query on a reader.
  grpc::Status Read(const grpc::ServerContext& context, const std::string& method,
                    const std::function<absl::Status(const storage::Reader&)>& query);
  // Checks the caller, makes the change, and notes both in the audit log; `detail` says of what.
  grpc::Status Change(const grpc::ServerContext& context, const std::string& method,
                      const std::string& detail,
                      const std::function<absl::Status(const Caller&)>& change);

  JobDesk& desk_;
  AccessDesk& access_;
  Coordinator& coordinator_;
  EventHub& hub_;
  storage::Store& store_;
  AgentRegistry& registry_;
  const Authenticator& authenticator_;
  const Clock& clock_;
  const ServerFacts facts_;

  std::atomic<int> exports_{0};  // that run
  std::atomic<int> upkeep_{0};   // backups, checks and collections, likewise
};

}  // namespace laptime
