#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace laptime {

// Whether a run learned as it must: fast because wrong is no result.
//
// What is held against a band is the mean loss of steps 51 to 60 of the first epoch
// (Epoch.gate_loss), which many seeds gave for the same data set and batch size
// (tests/bench/record_losses).

// A band wants so many seeds, over all precisions.
inline constexpr int kMinSeeds = 20;

struct LearningBand {
  std::string dataset;
  int batch_size = 0;
  int seeds = 0;
  double mean = 0;
  double deviation = 0;  // standard deviation over the seeds

  // The band is mean ± this: a normal tolerance interval that holds 99.9 % of all seeds with a
  // confidence of 95 % (Howe, JASA 64, 1969).
  double half_width() const;
};

// One band for each data set and batch size with enough seeds. `recorded_losses`: JSON lines as
// tests/bench/record_losses writes them, one a seed. Throws json::exception for another text.
std::vector<LearningBand> BandsOf(const std::string& recorded_losses);

// Those of recorded_losses.jsonl, which is embedded at build.
const std::vector<LearningBand>& LearningBands();

enum class Gate { kNotEvaluated, kPassed, kFailed };

// "not evaluated", "passed", "failed": as Run.learning_gate has them.
const char* NameOf(Gate gate);

struct GateResult {
  Gate gate = Gate::kNotEvaluated;
  std::string reason;  // of the first two; "" when passed
};

// `config`: every workload key with its value. Not evaluated: no loss (fewer than 60 steps), no
// band of that data set and batch size, or work that the band is not of (another model, other
// learning rate, several devices, images seen twice within 60 steps).
GateResult EvaluateGate(const nlohmann::json& config, std::optional<double> gate_loss,
                        const std::vector<LearningBand>& bands = LearningBands());

}  // namespace laptime
