#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/support/clock.h"
#include "server/agent_registry.h"
#include "server/agent_service.h"
#include "server/control_service.h"
#include "server/coordinator.h"
#include "server/enroll_service.h"
#include "server/event_hub.h"
#include "server/grpc_server.h"
#include "server/job_desk.h"
#include "server/security/access_desk.h"
#include "server/security/auth.h"
#include "server/security/tls_files.h"
#include "storage/store.h"

namespace laptime {

struct CoordinatorServerOptions {
  std::string state_dir;  // the database is state_dir/laptime.db
  GrpcServerOptions grpc;
  CoordinatorOptions coordinator;
  std::chrono::milliseconds agent_certificate_lifetime = kDefaultAgentCertificateLifetime;
  Authenticator::Trust trust = IsLoopback;  // before init
};

// The whole coordinator: builds its parts in order, ends them in reverse. Thread-safe once started;
// `clock` must outlive it.
class CoordinatorServer {
 public:
  // Opens the database, imports the published results, listens. Runs that had not ended go on: they
  // are matched with their agents as these come back, and lost after
  // CoordinatorOptions::lost_after. Where `laptime-server init` has been, every address demands TLS
  // and credentials. Errors carry a hint.
  static absl::StatusOr<std::unique_ptr<CoordinatorServer>> Start(
      const CoordinatorServerOptions& options, const Clock& clock);
  // As Stop.
  ~CoordinatorServer();

  const std::string& address() const { return grpc_->address(); }
  // Whether `laptime-server init` has been: TLS and credentials on every address.
  bool secured() const { return security_.desk->initialised(); }

  // Health says NOT_SERVING, agents are told and cut, calls under way end, what was
  // taken is committed. Running trainers do not notice.
  void Stop();

 private:
  // What stands between the port and whoever comes, once init has been; else null.
  struct Security {
    std::unique_ptr<CertificateAuthority> authority;
    std::unique_ptr<TlsFiles> files;
    std::unique_ptr<AccessDesk> desk;  // always there
  };
  static absl::StatusOr<Security> OpenSecurity(const CoordinatorServerOptions& options,
                                               storage::Store& store, const Clock& clock);

  CoordinatorServer(std::unique_ptr<storage::Store> store, Security security,
                    const CoordinatorServerOptions& options, const Clock& clock);
  void SweepUntilStopped(const std::stop_token& stop);

  // Constant after construction; in the order in which each needs the ones above.
  const std::chrono::milliseconds sweep_period_;
  std::unique_ptr<storage::Store> store_;
  Security security_;
  AgentRegistry registry_;
  EventHub hub_;
  Authenticator authenticator_;
  Coordinator coordinator_;
  JobDesk desk_;
  AgentService agent_service_;
  ControlService control_service_;
  EnrollService enroll_service_;
  std::unique_ptr<GrpcServer> grpc_;
  std::jthread sweeper_;
};

}  // namespace laptime
