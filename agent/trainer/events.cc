#include "agent/trainer/events.h"

#include <array>

#include "agent/trainer/log.h"

namespace laptime::trainer {
namespace {

using nlohmann::json;

template <typename T>
void SetIf(json& object, const char* name, const std::optional<T>& value) {
  if (value.has_value()) object[name] = *value;
}

json PhasesToJson(const LapResult& lap) {
  constexpr std::array<const char*, kPhases> kNames = {
      "load_wait", "host_to_device", "forward", "loss", "backward",
      "optimizer", "bank",           "knn",     "other"};
  json phases = {{"augment", lap.augment_seconds}};
  for (size_t phase = 0; phase < kPhases; ++phase) phases[kNames[phase]] = lap.phases[phase];
  if (lap.phases_profiled) phases["profiled"] = true;
  return phases;
}

json QuantilesToJson(const Quantiles& q) {
  return {{"p1", q.p1},   {"p5", q.p5},   {"p50", q.p50},
          {"p95", q.p95}, {"p99", q.p99}, {"max", q.max}};
}

json TrendToJson(const StepTrend& trend) {
  return {{"cold_steps", trend.cold_steps},
          {"warm_seconds", trend.warm_seconds},
          {"sustained_seconds", trend.sustained_seconds},
          {"drift", trend.drift},
          {"jumps", trend.jumps},
          {"bimodal", trend.bimodal}};
}

json EstimateToJson(const LapEstimate& lap) {
  return {{"epoch_seconds", lap.epoch_seconds}, {"low_seconds", lap.low_seconds},
          {"high_seconds", lap.high_seconds},   {"timed_steps", lap.timed_steps},
          {"timed_images", lap.timed_images},   {"steady", lap.steady}};
}

}  // namespace

json ToJson(const LapResult& lap) {
  json body = {{"number", lap.number},
               {"wall_seconds", lap.wall_seconds},
               {"mean_loss", lap.mean_loss},
               {"images_per_second", lap.images_per_second},
               {"phases", PhasesToJson(lap)},
               {"steps", lap.steps},
               {"train_seconds", lap.train_seconds},
               {"evaluation_seconds", lap.evaluation_seconds},
               {"learning_rate", lap.learning_rate},
               {"first_loss", lap.first_loss},
               {"last_loss", lap.last_loss},
               {"evaluated_images", lap.bank_images + lap.test_images},
               {"flops_per_second", lap.flops_per_second},
               {"started_unix_ms", lap.started_unix_ms},
               {"ended_unix_ms", lap.ended_unix_ms}};
  if (lap.step_seconds.has_value()) body["step_seconds"] = QuantilesToJson(*lap.step_seconds);
  SetIf(body, "knn_accuracy", lap.knn_accuracy);
  SetIf(body, "gate_loss", lap.gate_loss);
  if (lap.trend.has_value()) body["trend"] = TrendToJson(*lap.trend);
  SetIf(body, "peak_memory_bytes", lap.peak_memory_bytes);
  return body;
}

json ToJson(const Progress& progress) {
  json body = {{"epoch", progress.epoch},
               {"step", progress.step},
               {"steps", progress.steps},
               {"phase", progress.phase}};
  SetIf(body, "step_seconds", progress.step_seconds);
  SetIf(body, "loss", progress.loss);
  return body;
}

json ToJson(const FitResult& fit) {
  json body = {{"fit_seconds", fit.fit_seconds},
               {"total_seconds", fit.total_seconds},
               {"epochs", fit.epochs}};
  SetIf(body, "max_knn_accuracy", fit.max_knn_accuracy);
  if (fit.estimate.has_value()) body["estimate"] = EstimateToJson(*fit.estimate);
  SetIf(body, "peak_memory_bytes", fit.peak_memory_bytes);
  return body;
}

std::string ToText(const FitResult& fit) {
  std::string text = "finished: " + std::to_string(fit.epochs) + " epochs in " +
                     Decimals(fit.fit_seconds, 1) + " s";
  if (fit.max_knn_accuracy)
    text += ", best kNN accuracy " + Decimals(100 * *fit.max_knn_accuracy, 2) + " %";
  if (!fit.estimate) return text;
  return text + ", an epoch takes " + Decimals(fit.estimate->epoch_seconds, 1) + " s (" +
         Decimals(fit.estimate->low_seconds, 1) + " to " + Decimals(fit.estimate->high_seconds, 1) +
         " at 95 %), estimated from " + std::to_string(fit.estimate->timed_steps) + " steps and " +
         std::to_string(fit.estimate->timed_images) + " images";
}

json ToJson(FailureCause cause, const std::string& message, const std::string& hint) {
  const char* name = cause == FailureCause::kWorkload ? "FAILURE_CAUSE_WORKLOAD"
                     : cause == FailureCause::kSetup  ? "FAILURE_CAUSE_SETUP"
                                                      : "FAILURE_CAUSE_INFRASTRUCTURE";
  return {{"cause", name}, {"message", message}, {"hint", hint}};
}

}  // namespace laptime::trainer
