#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime {

struct GrpcServerOptions {
  std::string address;                    // "127.0.0.1:7440"; port 0 = any free one
  std::chrono::milliseconds drain{2000};  // calls still running are cut after it
  int max_threads = 64;                   // for the unary handlers
  size_t max_memory_bytes = 512u << 20;   // of gRPC's own buffers
};

// Owns the port: builds, serves, ends in order. Services must outlive it. Not thread-safe; calls
// come on its threads.
class GrpcServer {
 public:
  // `tls`: null for plaintext, which only this machine's loopback may have. kFailedPrecondition
  // with a hint when the port is taken, or the address is not the loopback and `tls` is null.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options, const std::shared_ptr<grpc::ServerCredentials>& tls,
      const std::vector<grpc::Service*>& services);
  ~GrpcServer();

  const std::string& address() const { return address_; }  // with the real port

  // Says NOT_SERVING to health checks from now on.
  void StopHealth();
  // Waits for the calls under way, at most `drain`, then cuts them. Streams must have been closed
  // before.
  void Shutdown();

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address,
             std::chrono::milliseconds drain)
      : server_(std::move(server)), address_(std::move(address)), drain_(drain) {}

  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
  const std::chrono::milliseconds drain_;
};

}  // namespace laptime
