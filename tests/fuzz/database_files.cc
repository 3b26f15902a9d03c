// The coordinator's database file after damage: changes to a good one, or any bytes. It opens, or
// says why not; every query on what it then holds answers, or says what is wrong.

#include <spdlog/spdlog.h>

#include "server/coordinator.h"
#include "server/history/history.h"
#include "server/import_results.h"
#include "server/job_desk.h"
#include "server/matrix.h"
#include "server/software_segment.h"
#include "server/table/device_table.h"
#include "storage/schema.h"
#include "storage/sqlite/database.h"
#include "tests/fuzz/coordinator_parts.h"
#include "tests/fuzz/damaged_file.h"
#include "tests/fuzz/harness.h"

namespace {

using namespace laptime;
using fuzz::Must;

const std::string& Good() {
  static const std::string* const bytes = [] {
    fuzz::SeededStore seeded;
    seeded.store.database().exec("COMMIT");
    const std::string path = fuzz::Scratch().File("good.db");
    seeded.store.database().exec("VACUUM INTO '" + path + "'");
    seeded.store.database().exec("BEGIN");
    return new std::string(fuzz::ReadBytes(path));
  }();
  return *bytes;
}

void Typed(const absl::Status& status) {
  Must(status.ok() || (status.code() != absl::StatusCode::kUnknown && !status.message().empty()),
       "a damaged file is told as such");
}

// What the coordinator asks a database, at its start and for people.
absl::Status AskAll(const storage::Reader& reader) {
  Typed(reader.CountAll().status());
  Typed(reader.OpenAttempts("").status());
  const auto devices = reader.Devices();
  Typed(devices.status());
  const auto jobs = reader.ListJobs({});
  Typed(jobs.status());
  if (jobs.ok())
    for (const v1::Job& job : jobs->jobs()) Typed(ReadJob(reader, job.id()).status());
  const auto runs = reader.ListRuns({}, {});
  Typed(runs.status());
  if (runs.ok()) {
    for (const v1::Run& run : runs->runs()) {
      Typed(reader.Epochs(run.id(), run.attempt()).status());
      Typed(reader.Attempts(run.id()).status());
      Typed(reader.Annotations(run.id()).status());
      Typed(reader.Log(run.id(), run.attempt(), 0).status());
      Typed(reader.Samples(run.id(), run.attempt()).status());
      Typed(reader.SnapshotJson(run.id(), run.attempt()).status());
    }
  }
  Typed(BuildTable(reader, {}).status());
  Typed(BuildHistory(reader, {}, 1).status());
  if (devices.ok()) Typed(BuildMatrix(reader, {}, *devices, 1).status());
  return absl::OkStatus();
}

void Use(const std::string& path) {
  auto database = storage::OpenDatabase(path, {});
  Typed(database.status());
  if (!database.ok()) return;
  const absl::Status migrated =
      storage::Migrate(**database, storage::kApplicationId, storage::Migrations());
  Typed(migrated);
  if (!migrated.ok()) return;
  storage::Transaction transaction(**database);
  Typed(storage::Guard("reading", [&]() -> absl::Status { return AskAll(transaction); }));
  Typed(storage::Guard("writing", [&]() -> absl::Status {
    const auto hello = fuzz::BoxHello();
    return transaction.UpsertHost(hello.host(), {hello.devices().begin(), hello.devices().end()},
                                  7);
  }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  spdlog::set_level(spdlog::level::off);
  fuzz::Input input(data, size);
  const std::string path = fuzz::FileWith("laptime.db", fuzz::Damaged(Good(), input));
  Use(path);
  // With all that lies beside it, backups of each version, too.
  for (const auto& file : std::filesystem::directory_iterator(fuzz::Scratch().path())) {
    if (file.path().string().starts_with(path)) std::filesystem::remove(file.path());
  }
  return 0;
}
