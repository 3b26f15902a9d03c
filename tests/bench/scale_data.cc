#include "tests/bench/scale_data.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <map>
#include <random>
#include <stdexcept>
#include <variant>

#include "proto/support/sha256.h"
#include "proto/support/workload_spec.h"
#include "storage/epoch_columns.h"

namespace laptime::bench {
namespace {

constexpr int kDevicesPerHost = 3;
constexpr int kDevices = kHosts * kDevicesPerHost;
constexpr int kSensors = 10;
constexpr int kSnapshots = 60;
constexpr int64_t kYear = 365LL * 24 * 3600 * 1000;

struct Work {
  std::string preset;
  std::map<std::string, std::string> settings;
};

// Of ten jobs, one each; the first is the main one and has three more.
const std::vector<Work>& Works() {
  static const std::vector<Work> works = {
      {"simclr-cifar10", {}},
      {"simclr-cifar10", {}},
      {"simclr-cifar10", {}},
      {"simclr-cifar10", {{"batch_size", "256"}}},
      {"simclr-cifar10", {{"precision", "bf16"}}},
      {"simclr-cifar10", {{"max_steps_per_epoch", "20"}}},
      {"simclr-synthetic-cifar10", {}},
      {"simclr-cifar10-quick", {}},
      {"resnet50-imagenet-shape", {}},
      {"vgg16-imagenet-shape", {}},
  };
  return works;
}

WorkloadSpec SpecOf(const Work& work) {
  auto resolved = ResolveWorkload(work.preset, work.settings);
  if (auto* error = std::get_if<SpecError>(&resolved)) throw std::runtime_error(error->message);
  return std::get<WorkloadSpec>(resolved);
}

std::string HashOf(const WorkloadSpec& spec) { return Sha256Hex(spec.HashedText()); }

std::string Id(int64_t number) { return Sha256Hex(std::to_string(number)).substr(0, 12); }

class Generator {
 public:
  Generator(const std::string& path, const Scale& scale, int64_t now_unix_ms)
      : database_(path, SQLite::OPEN_READWRITE), scale_(scale), now_(now_unix_ms) {}

  void Run() {
    database_.exec("PRAGMA synchronous = OFF; BEGIN");
    Machines();
    Jobs();
    Runs();
    Laps();
    Samples();
    database_.exec("COMMIT");
  }

 private:
  // Binds the values in order and runs it.
  template <typename... Values>
  static void Put(SQLite::Statement& statement, const Values&... values) {
    int index = 0;
    (statement.bind(++index, values), ...);
    statement.exec();
    statement.reset();
  }

  void Machines();
  void Jobs();
  void Runs();
  void Laps();
  void Samples();

  int64_t Pick(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }
  double Around(double value) {
    return value * (0.98 + 0.04 * std::generate_canonical<double, 53>(random_));
  }
  int jobs() const { return (scale_.runs + kRunsPerJob - 1) / kRunsPerJob; }
  int64_t CreatedOf(int64_t run) const { return now_ - kYear + kYear * run / scale_.runs; }

  SQLite::Database database_;
  const Scale scale_;
  const int64_t now_;
  std::mt19937_64 random_{42};  // NOLINT: the same each time
};

void Generator::Machines() {
  const std::vector<std::string> names = {"cpu", "cuda:0", "mps"};
  SQLite::Statement host(database_,
                         "INSERT INTO host (id, name, os, kernel, cpu_model, physical_cores, "
                         "logical_cores, memory_bytes, agent_version, first_seen_unix_ms, "
                         "last_seen_unix_ms) VALUES (?1, ?2, 'Debian GNU/Linux 12', "
                         "'6.1.0', 'a processor', 8, 16, 6e10, '0.1', 0, 0)");
  SQLite::Statement device(
      database_, "INSERT INTO device VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?3, 8, 8e10, 1, 0, 1)");
  for (int i = 0; i < kHosts; ++i) {
    Put(host, "h" + std::to_string(i), "lab-" + std::to_string(i));
    for (int j = 0; j < kDevicesPerHost; ++j) {
      Put(device, i * kDevicesPerHost + j + 1, "h" + std::to_string(i), names[j], j + 1,
          "model " + std::to_string(i % 3) + " of " + names[j]);
    }
  }
  database_.exec("INSERT INTO device_label SELECT key, 'room', 'b' || key % 4 FROM device");
  SQLite::Statement snapshot(database_, "INSERT INTO snapshot VALUES (?1, ?2)");
  for (int i = 0; i < kSnapshots; ++i) {
    const std::string json =
        R"({"trainer":{"versions":{"libtorch":"2.)" + std::to_string(i % 3 + 9) +
        R"(.0","laptime":"0.1"},"flags":{"tf32_convolution":true,"tf32_matmul":false,"loader_workers":8}},)" +
        R"("host":{"name":"lab","facts":")" + std::string(1500, 'x') + R"("}})";
    Put(snapshot, Id(-i - 1), json);
  }
  database_.exec(
      "INSERT INTO segment VALUES ('s0', 'Debian 12, LibTorch 2.9.0'), "
      "('s1', 'Debian 12, LibTorch 2.10.0'), ('s2', 'Debian 12, LibTorch 2.11.0')");
  SQLite::Statement sensor(database_,
                           "INSERT INTO sensor VALUES (?1, ?2, 'percent', 'procfs', 'of all', 1)");
  for (int i = 1; i <= kSensors; ++i) Put(sensor, i, "sensor_" + std::to_string(i));
}

void Generator::Jobs() {
  SQLite::Statement workload(database_,
                             "INSERT INTO workload VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
  SQLite::Statement job(
      database_,
      "INSERT INTO job (key, id, idempotency_key, request_digest, workload, preset, config, "
      "partial, synthetic, steps_per_epoch, epochs, selectors, repeats, priority, "
      "created_unix_ms) VALUES (?1, ?2, ?2, '', ?3, ?4, ?5, ?6, ?7, ?8, ?9, '[]', ?10, 0, ?11)");
  for (int i = 0; i < jobs(); ++i) {
    const Work& work = Works()[static_cast<size_t>(i) % Works().size()];
    const WorkloadSpec spec = SpecOf(work);
    Put(workload, HashOf(spec), work.preset, spec.HashedText());
    Put(job, i + 1, Id(1'000'000 + i), HashOf(spec), work.preset, spec.config.dump(),
        spec.partial() ? 1 : 0, spec.synthetic() ? 1 : 0, spec.steps_per_epoch(),
        static_cast<int>(2 + Pick(9)), kRunsPerJob, CreatedOf(int64_t{i} * kRunsPerJob));
  }
}

void Generator::Runs() {
  SQLite::Statement run(
      database_,
      "INSERT INTO run (key, id, job, device, device_model, repetition, seed, priority, state, "
      "attempt, validity, created_unix_ms, started_unix_ms, ended_unix_ms, dataset, segment, "
      "validity_reasons, learning_gate) VALUES (?1, ?2, ?3, ?4, 'a model', ?5, ?5, 0, ?6, ?7, ?8, "
      "?9, ?9, ?9 + 60000, 'cifar10@1a2b3c4d', ?10, '[]', 'passed')");
  SQLite::Statement attempt(
      database_,
      "INSERT INTO attempt (run, number, command_id, state, created_unix_ms, started_unix_ms, "
      "ended_unix_ms, snapshot, fit_seconds, total_seconds, finished_epochs) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5 + 60000, ?6, 500, 510, 2)");
  SQLite::Statement log(database_, "INSERT INTO log VALUES (?1, 0, ?2, ?3)");
  const std::string text(4000, 'l');
  int64_t attempts = 0;
  for (int i = 0; i < scale_.runs; ++i) {
    const int64_t of_state = Pick(100);
    const int state = of_state < 90 ? 4 : of_state < 95 ? 5 : of_state < 98 ? 6 : 7;
    const int64_t of_validity = Pick(100);
    const int validity = state != 4         ? 1
                         : of_validity < 80 ? 2
                         : of_validity < 90 ? 3
                         : of_validity < 97 ? 4
                                            : 5;
    const int job = i / kRunsPerJob;
    const int newest = Pick(100) < 3 ? 2 : 1;
    // Jobs of one workload are spread over the devices.
    const auto device = static_cast<int>((job / static_cast<int>(Works().size())) % kDevices + 1);
    Put(run, i + 1, Id(i), job + 1, device, i % kRunsPerJob + 1, state, newest, validity,
        CreatedOf(i), "s" + std::to_string(i * 3 / scale_.runs));
    for (int number = 1; number <= newest; ++number) {
      Put(attempt, i + 1, number, Id(2'000'000 + i * 2 + number), number == newest ? state : 5,
          CreatedOf(i), Id(-1 - Pick(kSnapshots)));
      Put(log, ++attempts, static_cast<int>(text.size()), text);
    }
  }
  database_.exec(
      "INSERT INTO annotation (run, at_unix_ms, author, text) SELECT key, "
      "created_unix_ms, 'ada', 'fan replaced' FROM run WHERE key % 100 = 0");
}

void Generator::Laps() {
  const auto columns = static_cast<int>(storage::EpochColumns().size());
  std::string sql = "INSERT INTO epoch (attempt, number";
  for (const storage::EpochColumn& column : storage::EpochColumns())
    sql += std::string(", ") + column.column;
  sql += ") VALUES (?1, ?2";
  for (int i = 0; i < columns; ++i) sql += ", ?" + std::to_string(i + 3);
  SQLite::Statement lap(database_, sql + ")");
  SQLite::Statement attempt(
      database_,
      "SELECT attempt.key, job.epochs, run.device, run.created_unix_ms FROM "
      "attempt JOIN run ON run.key = attempt.run JOIN job ON job.key = run.job");
  while (attempt.executeStep()) {
    const int64_t key = attempt.getColumn(0);
    const double seconds = 100.0 * (1 + attempt.getColumn(2).getInt() % 7);
    const int64_t created = attempt.getColumn(3);
    for (int number = 1; number <= attempt.getColumn(1).getInt(); ++number) {
      lap.bind(1, key);
      lap.bind(2, number);
      for (int i = 0; i < columns; ++i) {
        const std::string name = storage::EpochColumns()[static_cast<size_t>(i)].column;
        if (name.ends_with("_unix_ms")) {
          lap.bind(i + 3, created);
        } else if (name == "utilization_source" || name == "energy_source" ||
                   name == "energy_tier" || name == "throttle_reasons" ||
                   name == "thermal_pressure") {
          lap.bind(i + 3, "nvml");
        } else if (name == "steps" || name == "evaluated_images" || name.ends_with("_samples") ||
                   name.ends_with("_steps")) {
          lap.bind(i + 3, 390);
        } else if (name == "phases_profiled" || name == "step_bimodal" || name == "step_jumps" ||
                   name == "on_battery" || name == "low_power_mode" || name == "driver_changed") {
          lap.bind(i + 3, 0);
        } else {
          lap.bind(i + 3, Around(seconds));
        }
      }
      lap.exec();
      lap.reset();
    }
  }
  database_.exec(
      "UPDATE run SET (epochs_done, median_epoch_seconds, fit_seconds_per_epoch, mean_loss, "
      "knn_accuracy, utilization_percent, median_step_seconds, peak_memory_bytes) = (SELECT "
      "count(*), avg(wall_seconds), avg(wall_seconds) + 5, 5.2, 0.4, 93, avg(step_p50_seconds), "
      "8e9 "
      "FROM epoch WHERE attempt = (SELECT key FROM attempt WHERE attempt.run = run.key AND "
      "attempt.number = run.attempt))");
  database_.exec(
      "UPDATE attempt SET estimated_epoch_seconds = 400, estimated_low_seconds = 398, "
      "estimated_high_seconds = 402, estimated_from_steps = 20, estimated_from_images = 3000, "
      "estimated_steady = 1 WHERE run IN (SELECT run.key FROM run JOIN job ON job.key = run.job "
      "WHERE job.preset = 'simclr-cifar10-quick')");
}

void Generator::Samples() {
  SQLite::Statement sample(
      database_,
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) "
      "INSERT INTO sample SELECT attempt.key, sensor.key, n.i * 1000, 50 + (n.i * 7) % 50 "
      "FROM run CROSS JOIN attempt ON attempt.run = run.key AND attempt.number = run.attempt "
      "CROSS JOIN sensor CROSS JOIN n");
  Put(sample, scale_.samples_per_run / kSensors);
}

}  // namespace

void Generate(const std::string& path, const Scale& scale, int64_t now_unix_ms) {
  Generator(path, scale, now_unix_ms).Run();
}

std::string MainWorkload() { return HashOf(SpecOf(Works().front())); }

}  // namespace laptime::bench
