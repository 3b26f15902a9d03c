#include "server/enroll_service.h"

#include "proto/support/status.h"
#include "server/security/audit.h"

namespace laptime {

grpc::Status EnrollService::Join(grpc::ServerContext* context, const v1::JoinRequest* request,
                                 v1::JoinResponse* response) {
  absl::StatusOr<Caller> caller = authenticator_.Check(*context, "laptime.v1.EnrollService.Join");
  if (!caller.ok()) return ToGrpc(caller.status());
  absl::StatusOr<v1::JoinResponse> joined = desk_.Join(*request, context->peer());
  // Failed attempts are in the log, not in the database: strangers may not fill it.
  if (!joined.ok()) return ToGrpc(joined.status());
  desk_.Audit(AuditOf("agent " + request->host_id(), context->peer(), "Join",
                      "token " + request->token_id(), absl::OkStatus()));
  *response = *std::move(joined);
  return grpc::Status::OK;
}

grpc::Status EnrollService::Renew(grpc::ServerContext* context, const v1::RenewRequest* request,
                                  v1::JoinResponse* response) {
  absl::StatusOr<Caller> caller = authenticator_.Check(*context, "laptime.v1.EnrollService.Renew");
  if (!caller.ok()) return ToGrpc(caller.status());
  absl::StatusOr<v1::JoinResponse> renewed = desk_.Renew(*request, *caller);
  // Refused ones stay out, as those of Join: one machine may not fill the log.
  if (!renewed.ok()) return ToGrpc(renewed.status());
  desk_.Audit(AuditOf(caller->name, context->peer(), "Renew", "", absl::OkStatus()));
  *response = *std::move(renewed);
  return grpc::Status::OK;
}

}  // namespace laptime
