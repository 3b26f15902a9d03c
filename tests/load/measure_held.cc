// R1: many agents that only stay.
#include "tests/load/scenario.h"
#include "tests/testing/promise_row.h"

namespace laptime::load {
namespace {

constexpr std::chrono::seconds kBetweenLooks{5};

}  // namespace

absl::Status MeasureHeld(const Settings& settings, Figures& figures) {
  auto scenario = Scenario::Start(settings);
  if (!scenario.ok()) return scenario.status();
  ServerProcess& server = (*scenario)->server();
  const double alone = server.ResidentBytes();
  const auto machines = (*scenario)->Join(0, settings.agents);
  if (!machines.ok()) return machines.status();
  const TimePoint begin = std::chrono::steady_clock::now();
  Fleet fleet(server.address(), *machines, ScriptOf(settings));
  if (!fleet.AwaitWelcome(kPatience)) return absl::DeadlineExceededError("not all are attached");
  const TimePoint attached = std::chrono::steady_clock::now();
  figures.Note("R1", std::to_string(settings.agents) + " agents attached in",
               Text(std::chrono::duration<double>(attached - begin).count(), "s"));
  const double cpu_before = server.CpuSeconds();
  int most_away = 0;
  double most_memory = 0;
  TimePoint next_look = attached + kBetweenLooks;
  absl::Status asked;
  const auto over = [&] {
    const TimePoint now = std::chrono::steady_clock::now();
    if (now >= next_look) {
      next_look = now + kBetweenLooks;
      const absl::StatusOr<int> away = (*scenario)->DevicesAway();
      if (!away.ok()) asked = away.status();
      most_away = std::max(most_away, away.value_or(settings.agents));
      most_memory = std::max(most_memory, server.ResidentBytes());
    }
    return !asked.ok() || now - attached >= std::chrono::duration<double>(settings.seconds);
  };
  Eventually(std::chrono::duration<double>(settings.seconds + 60), over);
  const std::chrono::duration<double> window = std::chrono::steady_clock::now() - attached;
  const double share = (server.CpuSeconds() - cpu_before) / window.count();
  most_memory = std::max(most_memory, server.ResidentBytes());
  figures.Line("R1", "resident memory", Asked::kAtMost, 256, most_memory / 1e6, "MB",
               Text(alone / 1e6, "MB") + " without agents");
  figures.Line("R1", "share of one core over " + Text(window.count(), "s"), Asked::kAtMost, 0.5,
               share, "");
  figures.Count("R1", "devices shown as away", most_away,
                "the most at any look, each " + Text(kBetweenLooks.count(), "s"));
  figures.Count("R1", "streams that ended", fleet.counters().closed);
  const auto seconds = static_cast<int64_t>(window.count());
  const bool all_stayed = most_away == 0 && fleet.counters().closed == 0;
  testing::PrintTried("R1", "seconds that all were held, none away", seconds,
                      all_stayed ? 0 : seconds);
  figures.Note("R1", "threads, open files of the server",
               std::to_string(server.Threads()) + ", " + std::to_string(server.OpenFiles()));
  return asked;
}

}  // namespace laptime::load
