// R2: how many reports are made durable, and how soon.
#include <algorithm>

#include "tests/load/scenario.h"
#include "tests/load/tally.h"

namespace laptime::load {
namespace {

constexpr double kWarmUpSeconds = 2;

void Await(double seconds) {
  Eventually(std::chrono::duration<double>(seconds), [] { return false; });
}

}  // namespace

absl::Status MeasureReports(const Settings& settings, Figures& figures) {
  auto scenario = Scenario::Start(settings);
  if (!scenario.ok()) return scenario.status();
  ServerProcess& server = (*scenario)->server();
  const auto attached = (*scenario)->Attach(settings, ScriptOf(settings));
  if (!attached.ok()) return attached.status();
  Fleet& fleet = **attached;
  const absl::StatusOr<int> runs = (*scenario)->Submit(settings.repeats, settings.epochs);
  if (!runs.ok()) return runs.status();
  Eventually(kPatience, [&] { return fleet.counters().running == settings.agents; });
  Await(kWarmUpSeconds);
  fleet.TakeAckSeconds();
  const int64_t before = fleet.counters().acknowledged;
  const double cpu_before = server.CpuSeconds();
  const TimePoint begin = std::chrono::steady_clock::now();
  double wal = 0;
  Eventually(std::chrono::duration<double>(settings.seconds), [&] {
    wal = std::max(wal, (*scenario)->WalBytes());
    return fleet.counters().ended == *runs;  // too few runs: not a whole measurement
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double cpu = (server.CpuSeconds() - cpu_before) / took.count();
  const auto reports = static_cast<double>(fleet.counters().acknowledged - before);
  std::vector<double> acks = fleet.TakeAckSeconds();
  const bool drained = fleet.Drain(kPatience);
  const double rate = reports / took.count();
  const std::string more = std::to_string(settings.agents) + " agents, " +
                           std::to_string(settings.window) + " under way each; server " +
                           Text(cpu, "cores") + ", " + Text(1e6 * cpu / rate, "us of CPU each");
  if (settings.kind == "samples") {
    figures.Line("R2",
                 "samples durable, " + std::to_string(settings.samples_per_report) + " a report",
                 Asked::kAtLeast, 100'000, rate * settings.samples_per_report, "/s", more);
  } else {
    figures.Line("R2", "reports durable (" + settings.kind + ")", Asked::kAtLeast, 20'000, rate,
                 "/s", more);
  }
  figures.Line("R2", "report to acknowledgement, p99", Asked::kAtMost, 100,
               1e3 * Percentile(acks, 99), "ms", Milliseconds(acks));
  figures.Note("R2", "largest write-ahead log", Text(wal / 1e6, "MB"));
  figures.Count("R2", "reports never acknowledged", drained ? 0 : fleet.counters().waiting.load());
  if (settings.kind == "samples") {
    const int64_t stored = CountSamples((*scenario)->database());
    const int64_t reported = fleet.SamplesMade();
    figures.Count("R2", "samples lost or doubled", std::abs(reported - stored),
                  "of " + std::to_string(reported));
  }
  Print("R2", Count((*scenario)->database(), fleet.Attempts()), /*runs_must_succeed=*/false,
        figures);
  return absl::OkStatus();
}

}  // namespace laptime::load
