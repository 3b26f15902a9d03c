#include "server/grpc_server.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

std::string WithPort(const std::string& address, int port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

absl::Status CheckAddress(const std::string& address, bool secured) {
  const size_t colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(port) > 65535) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "'" + address + "' is no address to listen on",
                    "--listen 127.0.0.1:7440, or --port 7440 alone; port 0 takes any free one");
  }
  if (secured || IsLoopback(address)) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot listen on " + address + ": it is not a loopback address",
                  "without certificates a coordinator serves its own machine only: 127.0.0.1, "
                  "[::1] or localhost; `laptime-server init` makes them");
}

void SetServing(grpc::Server& server, bool serving) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  if (health == nullptr) return;
  health->SetServingStatus(serving);
  health->SetServingStatus(v1::AgentService::service_full_name(), serving);
  health->SetServingStatus(v1::ControlService::service_full_name(), serving);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options, const std::shared_ptr<grpc::ServerCredentials>& tls,
    const std::vector<grpc::Service*>& services) {
  LAPTIME_RETURN_IF_ERROR(CheckAddress(options.address, tls != nullptr));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  ConfigureServer(builder);
  grpc::ResourceQuota quota("laptime");
  quota.SetMaxThreads(options.max_threads);
  quota.Resize(options.max_memory_bytes);
  builder.SetResourceQuota(quota);
  int port = 0;
  builder.AddListeningPort(options.address,
                           tls == nullptr ? grpc::InsecureServerCredentials() : tls, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "cannot listen on " + options.address + ": the port is in use",
                    "--port 0 takes any free port; laptime server info shows who answers there");
  }
  SetServing(*server, true);
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(server), WithPort(options.address, port), options.drain));
}

GrpcServer::~GrpcServer() { Shutdown(); }

void GrpcServer::StopHealth() {
  if (server_ != nullptr) SetServing(*server_, false);
}

void GrpcServer::Shutdown() {
  if (server_ == nullptr) return;
  if (auto* health = server_->GetHealthCheckService()) health->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + drain_);
  server_->Wait();
  server_.reset();
}

}  // namespace laptime
