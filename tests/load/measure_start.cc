// R5: start after kill -9 with a large database.
#include <filesystem>

#include "proto/support/status.h"
#include "tests/load/large_database.h"
#include "tests/load/scenario.h"
#include "tests/load/tally.h"

namespace laptime::load {
absl::Status MeasureStart(const Settings& settings, Figures& figures) {
  const testing::TempDir made;
  const auto database = LargeDatabase(settings, made.path().string());
  if (!database.ok()) return database.status();
  auto scenario = Scenario::Start(settings, *database);
  if (!scenario.ok()) return scenario.status();
  const auto attached = (*scenario)->Attach(settings, ScriptOf(settings));
  if (!attached.ok()) return attached.status();
  Fleet& fleet = **attached;
  const int64_t laps_before = CountEpochs((*scenario)->database());
  if (auto runs = (*scenario)->Submit(settings.repeats, settings.epochs); !runs.ok()) {
    return runs.status();
  }
  std::vector<double> starts;
  double most_wal = 0;
  for (int i = 0; i < settings.rounds; ++i) {
    // Reports come until the kill, so that a log is left behind.
    if (!fleet.AwaitWelcome(kPatience)) return absl::DeadlineExceededError("agents stay away");
    const TimePoint begin = std::chrono::steady_clock::now();
    Eventually(kPatience, [&] {
      return std::chrono::steady_clock::now() - begin >=
             std::chrono::duration<double>(settings.seconds);
    });
    (*scenario)->Kill();
    most_wal = std::max(most_wal, (*scenario)->WalBytes());
    LAPTIME_RETURN_IF_ERROR((*scenario)->Restart(/*forget=*/true));
    starts.push_back((*scenario)->server().start_seconds());
  }
  figures.Note(
      "R5", "database",
      Text(static_cast<double>(std::filesystem::file_size((*scenario)->database())) / 1e6, "MB") +
          ", log " + Text(most_wal / 1e6, "MB"));
  figures.Line("R5", "start until it listens, the slowest of " + std::to_string(settings.rounds),
               Asked::kAtMost, 2, Percentile(starts, 100), "s", Milliseconds(starts));
  const bool drained = fleet.Drain(kPatience);
  figures.Count("R5", "reports never acknowledged", drained ? 0 : fleet.counters().waiting.load());
  const Tally tally = Count((*scenario)->database(), fleet.Attempts());
  figures.Count("R5", "laps gone that were there before",
                laps_before + tally.laps_stored - CountEpochs((*scenario)->database()),
                "of " + std::to_string(laps_before));
  Print("R5", tally, /*runs_must_succeed=*/false, figures);
  return absl::OkStatus();
}

}  // namespace laptime::load
