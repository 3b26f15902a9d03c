// The part of ControlService that is about who may talk to this coordinator.
#include <algorithm>

#include "proto/support/status.h"
#include "server/answer.h"
#include "server/control_service.h"

namespace laptime {
namespace {

constexpr int kDefaultAuditEntries = 100;
constexpr int kMostAuditEntries = 1000;

}  // namespace

grpc::Status ControlService::CreateToken(grpc::ServerContext* context,
                                         const v1::CreateTokenRequest* request,
                                         v1::CreateTokenResponse* response) {
  const std::string detail = RoleName(request->role()) + " " + request->label();
  return Change(*context, "CreateToken", detail, [&](const Caller& caller) {
    return Put(access_.CreateToken(*request, caller.name), response);
  });
}

grpc::Status ControlService::ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest*,
                                        v1::ListTokensResponse* response) {
  if (auto caller = Check(*context, "ListTokens"); !caller.ok()) return ToGrpc(caller.status());
  return ToGrpc(Put(access_.ListTokens(), response));
}

grpc::Status ControlService::RevokeToken(grpc::ServerContext* context,
                                         const v1::RevokeTokenRequest* request,
                                         v1::Token* response) {
  return Change(*context, "RevokeToken", request->id(), [&](const Caller&) {
    LAPTIME_RETURN_IF_ERROR(Put(access_.RevokeToken(request->id()), response));
    hub_.Recheck();
    return absl::OkStatus();
  });
}

grpc::Status ControlService::RemoveHost(grpc::ServerContext* context,
                                        const v1::RemoveHostRequest* request,
                                        v1::RemoveHostResponse* response) {
  return Change(*context, "RemoveHost", request->host(), [&](const Caller&) {
    std::string host_id;
    LAPTIME_RETURN_IF_ERROR(access_.CheckRemovable(request->host(), registry_));
    LAPTIME_RETURN_IF_ERROR(Put(access_.RemoveHost(request->host(), &host_id), response));
    registry_.Disconnect(host_id, WithHint(absl::StatusCode::kUnauthenticated,
                                           "this machine was removed: its certificate is revoked",
                                           "`laptime-agent join` with a new token brings it back"));
    return absl::OkStatus();
  });
}

grpc::Status ControlService::ListAudit(grpc::ServerContext* context,
                                       const v1::ListAuditRequest* request,
                                       v1::ListAuditResponse* response) {
  const int limit =
      request->limit() <= 0 ? kDefaultAuditEntries : std::min(request->limit(), kMostAuditEntries);
  return Read(*context, "ListAudit", [&](const storage::Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<v1::AuditEntry>> entries = reader.Audit(limit);
    if (!entries.ok()) return entries.status();
    for (v1::AuditEntry& entry : *entries) *response->add_entries() = std::move(entry);
    return absl::OkStatus();
  });
}

}  // namespace laptime
