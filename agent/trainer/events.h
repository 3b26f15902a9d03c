#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/failure.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/lap_estimate.h"
#include "agent/trainer/quantiles.h"
#include "agent/trainer/step_trend.h"

namespace laptime::trainer {

// One lap as measured: laptime.v1.Epoch. What was not measured is absent.
struct LapResult {
  int number = 0;  // from 1
  int steps = 0;
  double wall_seconds = 0;
  double train_seconds = 0;
  double evaluation_seconds = 0;
  double images_per_second = 0;
  double learning_rate = 0;
  double mean_loss = 0;
  double first_loss = 0;
  double last_loss = 0;
  std::optional<double> gate_loss;  // of the first lap: mean of steps 51 to 60
  std::optional<double> knn_accuracy;
  int bank_images = 0;
  int test_images = 0;
  PhaseSeconds phases{};
  double augment_seconds = 0;  // CPU seconds of the loader threads
  bool phases_profiled = false;
  std::optional<Quantiles> step_seconds;
  std::optional<StepTrend> trend;
  double flops_per_second = 0;
  std::optional<double> peak_memory_bytes;
  int64_t started_unix_ms = 0;
  int64_t ended_unix_ms = 0;
};

struct Progress {
  int epoch = 0;
  int step = 0;
  int steps = 0;
  std::optional<double> step_seconds;
  std::optional<double> loss;
  std::string phase;  // "train", "bank", "knn"
};

struct FitResult {
  double fit_seconds = 0;
  double total_seconds = 0;
  std::optional<double> max_knn_accuracy;
  std::optional<LapEstimate> estimate;
  std::optional<double> peak_memory_bytes;
  int epochs = 0;
};

// The bodies of the events, with the field names of proto/laptime/v1/{trainer,common}.proto.
nlohmann::json ToJson(const LapResult& lap);
nlohmann::json ToJson(const Progress& progress);
nlohmann::json ToJson(const FitResult& fit);
nlohmann::json ToJson(FailureCause cause, const std::string& message, const std::string& hint);

// The last line of the log.
std::string ToText(const FitResult& fit);

}  // namespace laptime::trainer
