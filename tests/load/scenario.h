#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "tests/load/figures.h"
#include "tests/load/fleet.h"
#include "tests/load/server_process.h"
#include "tests/load/simulated_agent.h"
#include "tests/testing/temp_dir.h"

namespace laptime::load {

// How long anything that has to happen may take.
constexpr std::chrono::seconds kPatience{600};

// How much of everything; each measurement has its own defaults (main.cc).
struct Settings {
  int agents = 0;
  bool plaintext = false;  // without certificates, as before `laptime-server init`
  double seconds = 0;      // of the measurement itself
  int repeats = 0;         // runs for each agent
  int epochs = 0;          // laps of a run
  double least_lap_seconds = 0;
  double most_lap_seconds = 0;
  int window = 0;
  int samples_per_report = 0;
  int rounds = 0;
  int reports = 0;
  double rate = 0;  // reports a second of all agents
  std::string kind = {};
  std::string mistake = {};
  std::string database = {};  // kept between calls, so that it is made once; empty: made each time
  int database_runs = 0;
  int database_samples = 0;  // of a run
};

// A real coordinator in a directory of its own, and an administrator's connection to it.
//
// Belongs to one thread.
class Scenario {
 public:
  // `database`, when not empty, is copied to be the coordinator's.
  static absl::StatusOr<std::unique_ptr<Scenario>> Start(const Settings& settings,
                                                         const std::string& database = "");

  ServerProcess& server() { return *server_; }
  const ServerProcess& server() const { return *server_; }
  v1::ControlService::Stub& control() { return *control_; }
  const ChannelSecurity& administrator() const { return administrator_; }
  std::string state_dir() const { return dir_.File("state"); }
  std::string database() const { return state_dir() + "/laptime.db"; }

  // kill -9; then Restart on the same port. `forget`: the database must be read from the disk.
  void Kill() { server_->Kill(); }
  absl::Status Restart(bool forget = false);

  // What `count` simulated machines from number `first` on show: each its own certificate, or
  // nothing in plaintext.
  absl::StatusOr<std::vector<ChannelSecurity>> Join(int first, int count) const;
  // A fleet of settings.agents that have had their Welcome.
  absl::StatusOr<std::unique_ptr<Fleet>> Attach(const Settings& settings, const AgentScript& script,
                                                Mistake mistake = Mistake::kNone) const;

  // `repeats` runs of `epochs` laps on each simulated agent that is attached.
  absl::StatusOr<int> Submit(int repeats, int epochs);
  // Devices of simulated agents whose lease has ended.
  absl::StatusOr<int> DevicesAway();
  double WalBytes() const;

 private:
  testing::TempDir dir_;
  ChannelSecurity administrator_;  // nothing in plaintext
  int port_ = 0;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<v1::ControlService::Stub> control_;
};

AgentScript ScriptOf(const Settings& settings);

// The measurements. Each starts what it needs, adds rows to `figures` and ends it all.
absl::Status MeasureHeld(const Settings& settings, Figures& figures);        // R1
absl::Status MeasureReports(const Settings& settings, Figures& figures);     // R2
absl::Status MeasureRestart(const Settings& settings, Figures& figures);     // R3
absl::Status MeasureQueries(const Settings& settings, Figures& figures);     // R4
absl::Status MeasureStart(const Settings& settings, Figures& figures);       // R5
absl::Status MeasureAssignment(const Settings& settings, Figures& figures);  // R7
absl::Status MeasureSlowPeers(const Settings& settings, Figures& figures);   // C13

}  // namespace laptime::load
