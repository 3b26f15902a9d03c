#include "tests/load/scenario.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "proto/support/status.h"
#include "tests/load/credentials.h"

namespace laptime::load {
namespace {

// Asks the kernel to forget what it keeps of the file, so that the next reader goes to the disk.
void ForgetPages(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  fdatasync(file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Scenario>> Scenario::Start(const Settings& settings,
                                                          const std::string& database) {
  auto scenario = std::make_unique<Scenario>();
  std::filesystem::create_directories(scenario->state_dir());
  if (!database.empty()) std::filesystem::copy_file(database, scenario->database());
  if (!settings.plaintext) LAPTIME_RETURN_IF_ERROR(InitialiseState(scenario->state_dir()));
  LAPTIME_RETURN_IF_ERROR(scenario->Restart());
  const std::string& address = scenario->server().address();
  if (!settings.plaintext) {
    absl::StatusOr<ChannelSecurity> found = AdministratorOf(scenario->state_dir(), address);
    if (!found.ok()) return found.status();
    scenario->administrator_ = *std::move(found);
  }
  scenario->control_ = v1::ControlService::NewStub(NewChannel(address, scenario->administrator_));
  return scenario;
}

absl::Status Scenario::Restart(bool forget) {
  if (forget) {
    ForgetPages(database());
    ForgetPages(database() + "-wal");
  }
  auto server = ServerProcess::Start(state_dir(), port_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  port_ = server_->port();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ChannelSecurity>> Scenario::Join(int first, int count) const {
  if (administrator_.ca.empty()) return std::vector<ChannelSecurity>(count);
  return JoinMachines(server_->address(), administrator_, first, count);
}

absl::StatusOr<std::unique_ptr<Fleet>> Scenario::Attach(const Settings& settings,
                                                        const AgentScript& script,
                                                        Mistake mistake) const {
  const absl::StatusOr<std::vector<ChannelSecurity>> machines = Join(0, settings.agents);
  if (!machines.ok()) return machines.status();
  auto fleet = std::make_unique<Fleet>(server_->address(), *machines, script, mistake);
  if (!fleet->AwaitWelcome(kPatience)) return absl::DeadlineExceededError("not all are attached");
  return fleet;
}

absl::StatusOr<int> Scenario::Submit(int repeats, int epochs) {
  v1::SubmitJobRequest request;
  request.set_workload("simclr-synthetic-cifar10");
  request.add_selectors("host=load-*");
  request.set_repeats(repeats);
  (*request.mutable_settings())["epochs"] = std::to_string(epochs);
  request.set_idempotency_key(
      "load-" + std::to_string(getpid()) + "-" +
      std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
  grpc::ClientContext context;
  v1::SubmitJobResponse response;
  const grpc::Status status = control_->SubmitJob(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response.job().runs();
}

absl::StatusOr<int> Scenario::DevicesAway() {
  grpc::ClientContext context;
  v1::ListDevicesResponse response;
  const grpc::Status status = control_->ListDevices(&context, {}, &response);
  if (!status.ok()) return FromGrpc(status);
  int away = 0;
  for (const v1::Device& device : response.devices()) {
    const bool ours = device.host().rfind("load-", 0) == 0;
    if (ours && device.state() == v1::DEVICE_STATE_AWAY) ++away;
  }
  return away;
}

double Scenario::WalBytes() const {
  std::error_code missing;
  const std::uintmax_t bytes = std::filesystem::file_size(database() + "-wal", missing);
  return missing ? 0 : static_cast<double>(bytes);
}

AgentScript ScriptOf(const Settings& settings) {
  AgentScript script;
  if (settings.kind == "samples") script.reports = Reports::kSamples;
  if (settings.kind == "log") script.reports = Reports::kLog;
  script.least_lap_seconds = settings.least_lap_seconds;
  script.most_lap_seconds = settings.most_lap_seconds;
  script.window = settings.window;
  script.samples_per_report = settings.samples_per_report;
  return script;
}

}  // namespace laptime::load
