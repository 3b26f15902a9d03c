// R3: kill -9 of the coordinator under all its agents.
#include <algorithm>

#include "tests/load/scenario.h"
#include "tests/load/tally.h"

namespace laptime::load {
namespace {

Mistake MistakeOf(const std::string& name) {
  if (name == "drop") return Mistake::kDrop;
  if (name == "double") return Mistake::kDouble;
  if (name == "start-twice") return Mistake::kStartTwice;
  return Mistake::kNone;
}

// The time from the kill until every agent has its Welcome again.
absl::StatusOr<double> KillOnce(Scenario& scenario, Fleet& fleet) {
  const int64_t closed_before = fleet.counters().closed;
  scenario.Kill();
  const TimePoint killed = std::chrono::steady_clock::now();
  if (absl::Status status = scenario.Restart(); !status.ok()) return status;
  const auto resumed = [&] {
    return fleet.counters().closed >= closed_before + fleet.size() &&
           fleet.counters().welcomed == fleet.size();
  };
  if (!Eventually(kPatience, resumed)) {
    return absl::DeadlineExceededError("not all agents came back");
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count();
}

}  // namespace

absl::Status MeasureRestart(const Settings& settings, Figures& figures) {
  auto scenario = Scenario::Start(settings);
  if (!scenario.ok()) return scenario.status();
  const auto attached =
      (*scenario)->Attach(settings, ScriptOf(settings), MistakeOf(settings.mistake));
  if (!attached.ok()) return attached.status();
  Fleet& fleet = **attached;
  const absl::StatusOr<int> runs = (*scenario)->Submit(settings.repeats, settings.epochs);
  if (!runs.ok()) return runs.status();
  const TimePoint begin = std::chrono::steady_clock::now();
  const double mean_lap = (settings.least_lap_seconds + settings.most_lap_seconds) / 2;
  const double whole = mean_lap * settings.epochs * settings.repeats;
  double slowest = 0;
  for (int i = 0; i < settings.rounds; ++i) {
    // At even distances over the time that the runs take, while reports come.
    const double at = whole * (i + 0.5) / settings.rounds;
    Eventually(std::chrono::duration<double>(at + 60), [&] {
      return std::chrono::steady_clock::now() - begin >= std::chrono::duration<double>(at);
    });
    const absl::StatusOr<double> took = KillOnce(**scenario, fleet);
    if (!took.ok()) return took.status();
    slowest = std::max(slowest, *took);
  }
  figures.Line("R3",
               std::to_string(settings.rounds) + " x kill -9, " + std::to_string(settings.agents) +
                   " agents: all resumed",
               Asked::kAtMost, 30, slowest, "s", "the slowest, from the kill");
  const bool ended = Eventually(std::chrono::duration<double>(whole + 120), [&] {
    return fleet.counters().ended >= *runs && fleet.counters().waiting == 0;
  });
  const bool drained = fleet.Drain(kPatience);
  figures.Count("R3", "runs without an end", ended ? 0 : *runs - fleet.counters().ended);
  figures.Count("R3", "reports never acknowledged", drained ? 0 : fleet.counters().waiting.load());
  Print("R3", Count((*scenario)->database(), fleet.Attempts()), /*runs_must_succeed=*/true,
        figures);
  return absl::OkStatus();
}

}  // namespace laptime::load
