// The coordinator's database file after damage: changes to a good one, or any bytes. It opens, or
// says why not; every query on what it then holds answers, or says what is wrong.

#include <spdlog/spdlog.h>

#include <functional>

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
#include "tests/fuzz/thorough.h"

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
using Question = std::function<void(const storage::Reader&)>;

void AskJobs(const storage::Reader& reader) {
  const auto jobs = reader.ListJobs({});
  Typed(jobs.status());
  if (!jobs.ok()) return;
  for (const v1::Job& job : jobs->jobs()) Typed(ReadJob(reader, job.id()).status());
}

void AskRuns(const storage::Reader& reader) {
  const auto runs = reader.ListRuns({}, {});
  Typed(runs.status());
  if (!runs.ok()) return;
  for (const v1::Run& run : runs->runs()) {
    Typed(reader.Epochs(run.id(), run.attempt()).status());
    Typed(reader.Attempts(run.id()).status());
    Typed(reader.Annotations(run.id()).status());
    Typed(reader.Log(run.id(), run.attempt(), 0).status());
    Typed(reader.Samples(run.id(), run.attempt()).status());
    Typed(reader.SnapshotJson(run.id(), run.attempt()).status());
  }
}

void AskMatrix(const storage::Reader& reader) {
  const auto devices = reader.Devices();
  Typed(devices.status());
  if (devices.ok()) Typed(BuildMatrix(reader, {}, *devices, 1).status());
}

const std::vector<Question>& Questions() {
  static const auto* const questions = new std::vector<Question>{
      [](const storage::Reader& reader) { Typed(reader.CountAll().status()); },
      [](const storage::Reader& reader) { Typed(reader.OpenAttempts("").status()); },
      AskJobs,
      AskRuns,
      [](const storage::Reader& reader) { Typed(BuildTable(reader, {}).status()); },
      [](const storage::Reader& reader) { Typed(BuildHistory(reader, {}, 1).status()); },
      AskMatrix,
  };
  return *questions;
}

// All of them, or one in its turn.
void Ask(const storage::Reader& reader) {
  static size_t turn = 0;
  if (!fuzz::Thorough()) return Questions()[++turn % Questions().size()](reader);
  for (const Question& question : Questions()) question(reader);
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
  Typed(storage::Guard("reading", [&] {
    Ask(transaction);
    return absl::OkStatus();
  }));
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
