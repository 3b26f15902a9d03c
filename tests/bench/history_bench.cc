// How long an answer about history takes among 10,000 runs, database and statistics together.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <benchmark/benchmark.h>

#include <string>

#include "server/history/history.h"
#include "storage/store.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

constexpr int kRuns = 10'000;

// A host with `devices` devices, `workloads` workloads, and kRuns runs that each scatter by some
// per cent, with their attempts and a remark at each hundredth.
void Fill(const std::string& path, int devices, int workloads) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE);
  const std::string of_devices = std::to_string(devices);
  const std::string of_workloads = std::to_string(workloads);
  const std::string runs = std::to_string(kRuns);
  const auto numbers = [](const std::string& count) {
    return "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " + count +
           ") ";
  };
  database.exec("BEGIN");
  database.exec(
      "INSERT INTO host (id, name, os, kernel, cpu_model, agent_version, first_seen_unix_ms, "
      "last_seen_unix_ms) VALUES ('h', 'box', '', '', '', '', 0, 0)");
  database.exec(
      numbers(of_devices) +
      "INSERT INTO device SELECT i + 1, 'h', 'd' || i, 'd' || i, 1, '', '', 1, 1, 1, 0, 1 "
      "FROM n");
  database.exec(numbers(of_workloads) +
                "INSERT INTO workload SELECT printf('%064x', i), 'simclr-cifar10', '{}' FROM n");
  database.exec(
      numbers(of_workloads) +
      "INSERT INTO job (key, id, idempotency_key, request_digest, workload, preset, config, "
      "partial, synthetic, steps_per_epoch, epochs, selectors, repeats, priority, "
      "created_unix_ms) SELECT i + 1, 'j' || i, i, '', printf('%064x', i), "
      "'simclr-cifar10', '{}', 0, 0, 390, 2, '[]', 1, 0, 0 FROM n");
  database.exec(
      numbers(runs) +
      "INSERT INTO run (key, id, job, device, device_model, repetition, seed, priority, "
      "state, attempt, validity, created_unix_ms, started_unix_ms, median_epoch_seconds) "
      "SELECT i + 1, printf('%012x', i), i / " +
      of_devices + " % " + of_workloads + " + 1, i % " + of_devices +
      " + 1, '', 1, 1, 0, 4, 1, 2, i * 60000, i * 60000, 100 + abs(random() % 1000) / 400.0 "
      "FROM n");
  database.exec(numbers(runs) +
                "INSERT INTO attempt (run, number, command_id, state, created_unix_ms) "
                "SELECT i + 1, 1, '', 4, i * 60000 FROM n");
  database.exec(numbers(runs) +
                "INSERT INTO annotation (run, at_unix_ms, author, text) "
                "SELECT i + 1, 1, 'ada', 'fan replaced' FROM n WHERE i % 100 = 0");
  database.exec("COMMIT");
}

void Ask(benchmark::State& state, int devices, int workloads,
         const v1::GetHistoryRequest& request) {
  const testing::TempDir dir;
  const std::string path = dir.File("laptime.db");
  auto store = storage::Store::Open({.path = path});
  if (!store.ok()) return state.SkipWithError(store.status().ToString().c_str());
  Fill(path, devices, workloads);
  int points = 0;
  for (auto _ : state) {
    const absl::Status status = (*store)->Read([&](const storage::Reader& reader) {
      const auto history = BuildHistory(reader, request, /*now_unix_ms=*/0);
      if (!history.ok()) return history.status();
      points = 0;
      for (const v1::HistorySeries& series : history->series()) points += series.points_size();
      return absl::OkStatus();
    });
    if (!status.ok()) return state.SkipWithError(status.ToString().c_str());
  }
  state.counters["points"] = points;
}

// What people ask every day: one device, one workload, of many.
void OneOfMany(benchmark::State& state) {
  v1::GetHistoryRequest request;
  request.add_devices("box/d3");
  request.set_workload(std::string(63, '0') + "2");
  Ask(state, 10, 4, request);
}
BENCHMARK(OneOfMany)->Unit(benchmark::kMillisecond);

// Every run is of one device and one workload.
void OneOfOne(benchmark::State& state) { Ask(state, 1, 1, {}); }
BENCHMARK(OneOfOne)->Unit(benchmark::kMillisecond);

void Everything(benchmark::State& state) { Ask(state, 10, 4, {}); }
BENCHMARK(Everything)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace laptime

BENCHMARK_MAIN();
