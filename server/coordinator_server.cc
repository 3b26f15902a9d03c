#include "server/coordinator_server.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "proto/support/channel.h"
#include "proto/support/pause.h"
#include "proto/support/status.h"
#include "server/import_results.h"
#include "server/software_segment.h"

namespace laptime {
namespace {

std::string DatabasePath(const CoordinatorServerOptions& options) {
  return options.state_dir + "/laptime.db";
}

// Often enough to keep `lost_after` within a tenth, seldom enough to cost nothing.
std::chrono::milliseconds SweepPeriod(std::chrono::milliseconds lost_after) {
  return std::clamp(lost_after / 10, std::chrono::milliseconds(100),
                    std::chrono::milliseconds(60'000));
}

}  // namespace

CoordinatorServer::CoordinatorServer(std::unique_ptr<storage::Store> store, Security security,
                                     const CoordinatorServerOptions& options, const Clock& clock)
    : sweep_period_(SweepPeriod(options.coordinator.lost_after)),
      store_(std::move(store)),
      security_(std::move(security)),
      registry_(clock, kLease),
      authenticator_(security_.desk->initialised() ? Authenticator(security_.desk->list(), clock)
                                                   : Authenticator(options.trust)),
      coordinator_(*store_, registry_, hub_, clock, options.coordinator),
      desk_(coordinator_, *store_, registry_, clock),
      agent_service_(coordinator_, registry_, authenticator_),
      control_service_(desk_, *security_.desk, coordinator_, hub_, *store_, registry_,
                       authenticator_, clock, {DatabasePath(options), UnixMs(clock.WallNow())}),
      enroll_service_(*security_.desk, authenticator_) {}

absl::StatusOr<CoordinatorServer::Security> CoordinatorServer::OpenSecurity(
    const CoordinatorServerOptions& options, storage::Store& store, const Clock& clock) {
  Security security;
  const absl::StatusOr<bool> initialised = IsInitialised(options.state_dir);
  if (!initialised.ok()) return initialised.status();
  if (*initialised) {
    const TlsPaths paths{options.state_dir};
    absl::StatusOr<CertificateAuthority> authority = ReadAuthority(paths);
    if (!authority.ok()) return authority.status();
    security.authority = std::make_unique<CertificateAuthority>(*std::move(authority));
    absl::StatusOr<std::unique_ptr<TlsFiles>> files =
        TlsFiles::Start(paths, *security.authority, clock);
    if (!files.ok()) return files.status();
    security.files = *std::move(files);
  }
  absl::StatusOr<std::unique_ptr<AccessDesk>> desk =
      AccessDesk::Open(store, security.authority.get(), clock, options.agent_certificate_lifetime);
  if (!desk.ok()) return desk.status();
  security.desk = *std::move(desk);
  return security;
}

absl::StatusOr<std::unique_ptr<CoordinatorServer>> CoordinatorServer::Start(
    const CoordinatorServerOptions& options, const Clock& clock) {
  storage::StoreOptions store_options;
  store_options.path = DatabasePath(options);
  absl::StatusOr<std::unique_ptr<storage::Store>> store = storage::Store::Open(store_options);
  if (!store.ok()) return store.status();
  LAPTIME_RETURN_IF_ERROR(FillSegments(**store));
  absl::StatusOr<v1::ImportResultsResponse> published =
      ImportResults(**store, kPublishedResults, /*published=*/true, UnixMs(clock.WallNow()));
  if (!published.ok()) return published.status();
  absl::StatusOr<Security> security = OpenSecurity(options, **store, clock);
  if (!security.ok()) return security.status();
  std::unique_ptr<CoordinatorServer> server(
      new CoordinatorServer(*std::move(store), *std::move(security), options, clock));
  const TlsFiles* files = server->security_.files.get();
  absl::StatusOr<std::unique_ptr<GrpcServer>> grpc = GrpcServer::Start(
      options.grpc, files == nullptr ? nullptr : files->credentials(),
      {&server->agent_service_, &server->control_service_, &server->enroll_service_});
  if (!grpc.ok()) return grpc.status();
  server->grpc_ = *std::move(grpc);
  server->sweeper_ =
      std::jthread([raw = server.get()](std::stop_token stop) { raw->SweepUntilStopped(stop); });
  return server;
}

CoordinatorServer::~CoordinatorServer() { Stop(); }

void CoordinatorServer::SweepUntilStopped(const std::stop_token& stop) {
  while (Pause(sweep_period_, stop)) coordinator_.Sweep();
}

void CoordinatorServer::Stop() {
  if (sweeper_.joinable()) {
    sweeper_.request_stop();
    sweeper_.join();
  }
  if (grpc_ == nullptr) return;
  grpc_->StopHealth();
  registry_.CloseAll(absl::UnavailableError("the coordinator is stopping"));
  hub_.CloseAll();
  grpc_->Shutdown();
}

}  // namespace laptime
