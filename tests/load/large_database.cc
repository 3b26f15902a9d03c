#include "tests/load/large_database.h"

#include <filesystem>

#include "proto/support/clock.h"
#include "storage/store.h"
#include "tests/bench/scale_data.h"

namespace laptime::load {

absl::StatusOr<std::string> LargeDatabase(const Settings& settings, const std::string& directory) {
  const std::string path = settings.database.empty() ? directory + "/large.db" : settings.database;
  if (std::filesystem::exists(path)) return path;
  const std::string unfinished = path + ".part";
  std::filesystem::remove(unfinished);
  if (auto made = storage::Store::Open({.path = unfinished}); !made.ok()) return made.status();
  bench::Generate(unfinished, {settings.database_runs, settings.database_samples},
                  UnixMs(SystemClock().WallNow()));
  std::filesystem::rename(unfinished, path);
  return path;
}

}  // namespace laptime::load
