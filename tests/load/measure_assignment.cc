// R7: many short runs over many agents.
#include "tests/load/scenario.h"
#include "tests/load/tally.h"

namespace laptime::load {
absl::Status MeasureAssignment(const Settings& settings, Figures& figures) {
  auto scenario = Scenario::Start(settings);
  if (!scenario.ok()) return scenario.status();
  ServerProcess& server = (*scenario)->server();
  const auto attached = (*scenario)->Attach(settings, ScriptOf(settings));
  if (!attached.ok()) return attached.status();
  Fleet& fleet = **attached;
  const TimePoint begin = std::chrono::steady_clock::now();
  const absl::StatusOr<int> runs = (*scenario)->Submit(settings.repeats, settings.epochs);
  if (!runs.ok()) return runs.status();
  const std::chrono::duration<double> submitted = std::chrono::steady_clock::now() - begin;
  const double longest = settings.most_lap_seconds * settings.epochs * settings.repeats;
  const bool ended = Eventually(std::chrono::duration<double>(longest + 120), [&] {
    return fleet.counters().ended >= *runs && fleet.counters().waiting == 0;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fleet.Drain(kPatience);
  std::vector<double> free = fleet.TakeFreeSeconds();
  figures.Note("R7", std::to_string(*runs) + " runs submitted in", Text(submitted.count(), "s"));
  figures.Note("R7", "all at their end after",
               Text(took.count(), "s") + ", " + Text(*runs / took.count(), "runs/s"));
  figures.Line("R7", "device free to next start, p99", Asked::kAtMost, 500,
               1e3 * Percentile(free, 99), "ms", Milliseconds(free));
  figures.Note("R7", "server",
               Text(server.CpuSeconds() / took.count(), "cores") + ", " +
                   Text(server.ResidentBytes() / 1e6, "MB"));
  figures.Count("R7", "runs without an end", ended ? 0 : *runs - fleet.counters().ended);
  Print("R7", Count((*scenario)->database(), fleet.Attempts()), /*runs_must_succeed=*/true,
        figures);
  return absl::OkStatus();
}

}  // namespace laptime::load
