#include "client/mlperf_log.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "client/json.h"
#include "client/progress.h"
#include "proto/support/workload_spec.h"

namespace laptime::client {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr char kPoint[] = "POINT_IN_TIME";
constexpr char kStart[] = "INTERVAL_START";
constexpr char kEnd[] = "INTERVAL_END";
constexpr double kMillisecond = 1000;

// The trainer's reference: learning_rate is meant for this batch, others scale it linearly.
constexpr double kReferenceBatch = 128;

class Log {
 public:
  void Add(const char* type, const char* key, int64_t time_ms, ordered_json value,
           ordered_json metadata = ordered_json::object()) {
    const ordered_json line{{"namespace", ""},           {"time_ms", time_ms},
                            {"event_type", type},        {"key", key},
                            {"value", std::move(value)}, {"metadata", std::move(metadata)}};
    text_ += ":::MLLOG " +
             line.dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace) +
             "\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AddWork(const v1::GetRunResponse& run, int64_t at, Log& log) {
  log.Add(kPoint, "submission_benchmark", at, run.run().workload());
  log.Add(kPoint, "submission_division", at, "open");
  log.Add(kPoint, "submission_platform", at, run.run().device_model());
  log.Add(kPoint, "seed", at, run.run().seed());
  const json config = json::parse(ToJson(run.workload().config(), false), nullptr, false);
  const auto resolved = ResolveConfig(run.workload().name(), config);
  const auto* spec = std::get_if<WorkloadSpec>(&resolved);
  if (spec == nullptr) return;  // written by a version with other keys
  const int batch = spec->config.at("batch_size");
  const double rate = spec->config.at("learning_rate");
  log.Add(kPoint, "global_batch_size", at, batch);
  log.Add(kPoint, "train_samples", at, spec->train_images());
  log.Add(kPoint, "eval_samples", at, spec->eval_images());
  log.Add(kPoint, "opt_name", at, "sgd");
  log.Add(kPoint, "opt_base_learning_rate", at, rate * batch / kReferenceBatch);
  log.Add(kPoint, "opt_learning_rate_alt_decay_func", at, "cosine");
  log.Add(kPoint, "opt_learning_rate_warmup_epochs", at, 0);
  log.Add(kPoint, "opt_weight_decay", at, spec->config.at("weight_decay").get<double>());
  log.Add(kPoint, "sgd_opt_momentum", at, spec->config.at("momentum").get<double>());
}

ordered_json EpochNumber(const v1::Epoch& epoch) { return {{"epoch_num", epoch.number()}}; }

// The evaluation is the end of the lap.
void AddEvaluation(const v1::Epoch& epoch, Log& log) {
  if (!epoch.has_evaluation_seconds() || !epoch.has_knn_accuracy()) return;
  const auto duration =
      static_cast<int64_t>(std::llround(epoch.evaluation_seconds() * kMillisecond));
  const int64_t end = epoch.ended_unix_ms();
  log.Add(kStart, "eval_start", end - duration, nullptr, EpochNumber(epoch));
  log.Add(kPoint, "eval_accuracy", end, epoch.knn_accuracy(), EpochNumber(epoch));
  log.Add(kEnd, "eval_stop", end, nullptr, EpochNumber(epoch));
}

void AddEpoch(const v1::Epoch& epoch, Log& log) {
  if (!epoch.has_started_unix_ms() || !epoch.has_ended_unix_ms()) return;
  log.Add(kStart, "epoch_start", epoch.started_unix_ms(), nullptr, EpochNumber(epoch));
  AddEvaluation(epoch, log);
  log.Add(kEnd, "epoch_stop", epoch.ended_unix_ms(), nullptr, EpochNumber(epoch));
}

// When the attempt was sent that began the first lap: the newest, or an earlier one that the newest
// resumed. Of several that began anew the last one's checkpoint went on.
int64_t BeginOf(const v1::GetRunResponse& run) {
  for (auto attempt = run.attempts().rbegin(); attempt != run.attempts().rend(); ++attempt) {
    const bool newest = attempt == run.attempts().rbegin();
    if (attempt->resumed_epochs() == 0 && (newest || attempt->epochs_done() > 0))
      return attempt->created_unix_ms();
  }
  return run.run().created_unix_ms();
}

}  // namespace

std::string MlperfLog(const v1::GetRunResponse& run) {
  const int64_t created = BeginOf(run);
  Log log;
  log.Add(kStart, "init_start", created, nullptr);
  AddWork(run, created, log);
  if (run.epochs().empty() || !run.epochs(0).has_started_unix_ms()) return log.text();
  const int64_t begin = run.epochs(0).started_unix_ms();
  log.Add(kEnd, "init_stop", begin, nullptr);
  log.Add(kStart, "run_start", begin, nullptr);
  for (const v1::Epoch& epoch : run.epochs()) AddEpoch(epoch, log);
  const v1::Epoch& last = *run.epochs().rbegin();
  if (!HasEnded(run.run().state()) || !last.has_ended_unix_ms()) return log.text();
  const bool success = run.run().state() == v1::RUN_STATE_SUCCEEDED;
  log.Add(kEnd, "run_stop", last.ended_unix_ms(), nullptr,
          {{"status", success ? "success" : "aborted"}});
  return log.text();
}

}  // namespace laptime::client
