// laptime_load: many simulated agents in one process against a real laptime-server. README.md tells
// how; each measurement is a subcommand.
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "proto/support/status.h"
#include "tests/load/scenario.h"

namespace laptime::load {
namespace {

struct Measurement {
  const char* name;
  const char* about;
  absl::Status (*measure)(const Settings&, Figures&);
  Settings settings;
};

std::vector<Measurement> Measurements() {
  const Settings held{.agents = 1000, .seconds = 60};
  const Settings reports{.agents = 200,
                         .seconds = 10,
                         .repeats = 50,
                         .epochs = 200,
                         .window = 8,
                         .samples_per_report = 180,
                         .kind = "epochs"};
  const Settings restart{.agents = 1000,
                         .repeats = 1,
                         .epochs = 30,
                         .least_lap_seconds = 1,
                         .most_lap_seconds = 3,
                         .rounds = 3};
  // Runs that last longer than the measurement: at a run's end an agent pauses, and the rate would
  // be less than was asked for.
  const Settings queries{.agents = 100,
                         .seconds = 30,
                         .repeats = 1,
                         .epochs = 3000,
                         .rate = 5000,
                         .kind = "epochs",
                         .database_runs = 10'000,
                         .database_samples = 1'000};
  const Settings start{.agents = 20,
                       .seconds = 2,
                       .repeats = 20,
                       .epochs = 200,
                       .window = 8,
                       .rounds = 5,
                       .kind = "epochs",
                       .database_runs = 10'000,
                       .database_samples = 5'000};
  const Settings assignment{.agents = 1000,
                            .repeats = 10,
                            .epochs = 2,
                            .least_lap_seconds = 2.5,
                            .most_lap_seconds = 7.5};
  const Settings slow{
      .agents = 20, .repeats = 40, .epochs = 200, .window = 8, .rounds = 20, .reports = 40'000};
  return {
      {"held", "R1: agents that only stay", MeasureHeld, held},
      {"reports", "R2: durable reports a second", MeasureReports, reports},
      {"restart", "R3: kill -9 of the coordinator under its agents", MeasureRestart, restart},
      {"queries", "R4: questions while reports arrive", MeasureQueries, queries},
      {"start", "R5: start after kill -9 with a large database", MeasureStart, start},
      {"assignment", "R7: many short runs", MeasureAssignment, assignment},
      {"slow-peers", "C13: peers that do not read", MeasureSlowPeers, slow},
  };
}

void AddOptions(CLI::App& command, Settings& settings) {
  command.add_option("--agents", settings.agents, "simulated agents")->capture_default_str();
  command.add_flag("--plaintext", settings.plaintext, "without certificates");
  command.add_option("--seconds", settings.seconds, "of the measurement")->capture_default_str();
  command.add_option("--repeats", settings.repeats, "runs for each agent")->capture_default_str();
  command.add_option("--epochs", settings.epochs, "laps of a run")->capture_default_str();
  command.add_option("--least-lap", settings.least_lap_seconds, "seconds")->capture_default_str();
  command.add_option("--most-lap", settings.most_lap_seconds, "seconds")->capture_default_str();
  command.add_option("--window", settings.window, "reports of an agent that wait for their ack")
      ->capture_default_str();
  command.add_option("--samples", settings.samples_per_report, "of a report")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--rounds", settings.rounds, "kills, starts, peers")->capture_default_str();
  command.add_option("--reports", settings.reports, "that come meanwhile")->capture_default_str();
  command.add_option("--rate", settings.rate, "reports a second")->capture_default_str();
  command.add_option("--kind", settings.kind, "what is reported")
      ->check(CLI::IsMember({"epochs", "samples", "log"}))
      ->capture_default_str();
  command.add_option("--mistake", settings.mistake, "that one agent makes on purpose")
      ->check(CLI::IsMember({"drop", "double", "start-twice"}));
  command.add_option("--database", settings.database,
                     "file of a generated database, made when missing");
  command.add_option("--database-runs", settings.database_runs, "in it")->capture_default_str();
  command.add_option("--database-samples", settings.database_samples, "of each of its runs")
      ->capture_default_str();
}

// A stream is a descriptor here and one in the server, which inherits the limit.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Run(int argc, char** argv) {
  CLI::App app{"laptime_load: the coordinator under load; exit code 1 when a count is not 0"};
  app.require_subcommand(1);
  std::vector<Measurement> all = Measurements();
  for (Measurement& one : all) AddOptions(*app.add_subcommand(one.name, one.about), one.settings);
  CLI11_PARSE(app, argc, argv);
  RaiseFileLimit();
  spdlog::set_level(spdlog::level::warn);
  Figures figures;
  const std::string directory = std::filesystem::temp_directory_path().string();
  for (const Measurement& one : all) {
    if (!app.got_subcommand(one.name)) continue;
    figures.Head(directory);
    if (absl::Status status = one.measure(one.settings, figures); !status.ok()) {
      std::cerr << "error: " << one.name << ": " << MessageOf(status) << "\n";
      return 1;
    }
    figures.Disk(directory);
  }
  return figures.counts_are_right() ? 0 : 1;
}

}  // namespace
}  // namespace laptime::load

int main(int argc, char** argv) {
  try {
    return laptime::load::Run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
