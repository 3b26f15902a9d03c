#include <unistd.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <ostream>

#include "client/commands.h"
#include "client/data_check.h"
#include "client/environment.h"
#include "client/exit_codes.h"
#include "client/job_follow.h"
#include "client/job_view.h"
#include "client/local_fleet.h"
#include "client/submission.h"
#include "client/text.h"
#include "client/up_screen.h"
#include "proto/support/pause.h"

namespace laptime::client {
namespace {

// How long the agent may take to attach its devices, and how often the coordinator is asked
// meanwhile.
constexpr std::chrono::seconds kAttachLimit{60};
constexpr std::chrono::milliseconds kAttachPeriod{100};

LocalFleet::Options FleetOptions(const Session& session, const UpOptions& options) {
  LocalFleet::Options fleet;
  fleet.program_directory = ProgramDirectory();
  fleet.state = session.setting("state");
  fleet.listen = options.listen;
  fleet.port = options.port;
  fleet.name = session.setting("name");
  fleet.data = session.setting("data");
  return fleet;
}

absl::Status CheckOptions(const Session& session) {
  if (session.setting("state").empty()) {
    return WithHint(absl::StatusCode::kInvalidArgument, "no state directory: HOME is not set",
                    "--state DIR names one");
  }
  const std::string& data = session.setting("data");
  std::error_code error;
  if (!data.empty() && !std::filesystem::is_directory(data, error)) {
    return WithHint(
        absl::StatusCode::kInvalidArgument,
        "data directory " + data + " does not exist (" + session.settings().at("data").origin + ")",
        "create it, and `laptime-agent data fetch cifar10 --data " + data + "` fills it");
  }
  return absl::OkStatus();
}

// The machine's devices, as soon as its agent has attached them.
absl::StatusOr<std::vector<v1::Device>> AwaitDevices(Session& session, std::stop_token stop) {
  std::array<char, 256> machine{};
  gethostname(machine.data(), machine.size() - 1);
  const std::string name =
      session.setting("name").empty() ? std::string(machine.data()) : session.setting("name");
  const auto deadline = std::chrono::steady_clock::now() + kAttachLimit;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto devices = session.Call(&Session::Stub::ListDevices, v1::ListDevicesRequest());
    if (!devices.ok()) return devices.status();
    std::vector<v1::Device> here = DevicesHere(devices->devices(), name);
    if (!here.empty()) return here;
    if (!Pause(kAttachPeriod, stop)) return absl::CancelledError("interrupted");
  }
  return WithHint(
      absl::StatusCode::kUnavailable,
      "laptime-agent attached no device within " + std::to_string(kAttachLimit.count()) + " s",
      "its log is " + session.setting("state") + "/agent.log");
}

int SubmitHere(Session& session, const UpOptions& options, const std::vector<v1::Device>& devices,
               std::stop_token stop) {
  SubmitOptions submit;
  submit.workload = options.run;
  submit.settings = options.settings;
  submit.devices = {DeviceForRun(devices)};
  const absl::StatusOr<v1::SubmitJobRequest> request = MakeSubmission(submit);
  if (!request.ok()) return session.Fail(request.status());
  const auto response = session.Call(&Session::Stub::SubmitJob, *request);
  if (!response.ok()) return session.Fail(response.status());
  session.Say(ResolvedText(*response, /*dry_run=*/false));
  FollowOptions follow;
  follow.detaches = false;
  return FollowJob(session, response->job().id(), follow, stop);
}

void AwaitStop(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock<std::mutex> lock(mutex);
  never.wait(lock, stop, [] { return false; });
}

// Starts both parts and shows the screen; the devices of this machine.
absl::StatusOr<std::vector<v1::Device>> BringUp(Session& session, LocalFleet& fleet,
                                                std::stop_token stop) {
  LAPTIME_RETURN_IF_ERROR(fleet.Prepare());
  const absl::StatusOr<std::string> address = fleet.StartServer(session.interrupt().Take());
  if (!address.ok()) return address.status();
  session.UseServer(*address, "started by laptime up", {});
  LAPTIME_RETURN_IF_ERROR(fleet.StartAgent(*address));
  absl::StatusOr<std::vector<v1::Device>> devices = AwaitDevices(session, stop);
  if (!devices.ok()) return devices.status();
  UpScreen screen;
  screen.address = *address;
  screen.devices = *devices;
  screen.data = CheckData(ProgramDirectory(), session.setting("data"));
  screen.state = session.setting("state");
  if (!session.options().quiet) session.console().err << ScreenText(screen) << std::flush;
  return devices;
}

int FailUp(Session& session, const LocalFleet& fleet, const absl::Status& status) {
  const absl::Status health = fleet.Health();
  const int code = session.Fail(health.ok() ? status : health);
  const std::string lines = fleet.LastLines();
  // An error that the part told itself has been printed already; anything else wants its last
  // lines.
  if (lines.find("error: ") == std::string::npos)
    session.console().err << SafeText(lines, true) << std::flush;
  return code;
}

int Serve(Session& session, const UpOptions& options, LocalFleet& fleet, std::stop_token stop) {
  const auto devices = BringUp(session, fleet, stop);
  if (!devices.ok() && session.interrupt().raised()) return kExitInterrupted;
  if (!devices.ok()) return FailUp(session, fleet, devices.status());
  int code = kExitOk;
  if (!options.run.empty()) {
    code = SubmitHere(session, options, *devices, stop);
    const bool submitted = code == kExitOk || code == kExitRunFailed || code == kExitRunCancelled;
    if (options.exit_when_done || !submitted)
      return fleet.Health().ok() ? code : FailUp(session, fleet, {});
  }
  AwaitStop(stop);
  if (session.interrupt().raised()) {
    session.Say("stopping");
    return code;
  }
  return FailUp(session, fleet, absl::OkStatus());
}

}  // namespace

int RunUp(Session& session, const UpOptions& options) {
  if (const absl::Status status = CheckOptions(session); !status.ok()) return session.Fail(status);
  std::stop_source stop;
  const std::stop_callback interrupted(session.interrupt().Take(),
                                       [&stop] { stop.request_stop(); });
  LocalFleet fleet(FleetOptions(session, options), [&stop] { stop.request_stop(); });
  const int code = Serve(session, options, fleet, stop.get_token());
  fleet.Stop();
  return code;
}

}  // namespace laptime::client
