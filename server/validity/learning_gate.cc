#include "server/validity/learning_gate.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <sstream>
#include <utility>

#include "proto/support/workload_spec.h"

namespace laptime {

extern const char kRecordedLosses[];  // recorded_losses.jsonl

namespace {

using nlohmann::json;

constexpr double kContent = 0.999;
constexpr double kConfidence = 0.95;
constexpr int kSteps = 60;  // that the gate's loss comes from

// Keys that the bands leave free; every other hashed one must be at its default.
constexpr std::array<const char*, 10> kFree{
    "batch_size",          "dataset",      "precision",   "knn_k", "knn_t",
    "max_steps_per_epoch", "train_images", "eval_images", "quick", "gather_negatives"};

bool IsFree(const std::string& key) { return std::ranges::find(kFree, key) != kFree.end(); }

// Why the bands say nothing of such work; "" when they do.
std::string Foreign(const json& config) {
  for (const WorkloadKey& key : WorkloadKeys()) {
    if (!key.hashed || IsFree(key.name) || !config.contains(key.name)) continue;
    if (config.at(key.name) != key.default_value)
      return "it was recorded for " + key.name + "=" +
             (key.default_value.is_string() ? key.default_value.get<std::string>()
                                            : key.default_value.dump());
  }
  const int images = config.value("train_images", 0);
  if (images > 0 && images < kSteps * config.value("batch_size", 0))
    return "so few training images are seen again within 60 steps";
  return "";
}

std::string Text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

GateResult Skipped(const std::string& why) {
  return {Gate::kNotEvaluated, "learning not checked: " + why};
}

}  // namespace

double LearningBand::half_width() const {
  using boost::math::quantile;
  const double freedom = seeds - 1;
  const double normal = quantile(boost::math::normal(), (1 + kContent) / 2);
  const double chi = quantile(boost::math::chi_squared(freedom), 1 - kConfidence);
  return normal * std::sqrt(freedom * (1 + 1.0 / seeds) / chi) * deviation;
}

std::vector<LearningBand> BandsOf(const std::string& recorded_losses) {
  // Losses of one seed in several precisions are not independent: their mean counts once.
  std::map<std::pair<std::string, int>, std::map<int64_t, std::vector<double>>> groups;
  std::istringstream lines(recorded_losses);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const json seed = json::parse(line);
    groups[{seed.at("dataset"), seed.at("batch_size")}][seed.at("seed")].push_back(
        seed.at("gate_loss"));
  }
  std::vector<LearningBand> bands;
  for (const auto& [work, losses_by_seed] : groups) {
    const auto seeds = std::ssize(losses_by_seed);
    if (seeds < kMinSeeds) continue;
    std::vector<double> losses;
    for (const auto& [seed, of_seed] : losses_by_seed) losses.push_back(MeanOf(of_seed));
    const double mean = MeanOf(losses);
    double squares = 0;
    for (const double loss : losses) squares += (loss - mean) * (loss - mean);
    bands.push_back({work.first, work.second, static_cast<int>(seeds), mean,
                     std::sqrt(squares / static_cast<double>(seeds - 1))});
  }
  return bands;
}

const std::vector<LearningBand>& LearningBands() {
  static const std::vector<LearningBand> bands = BandsOf(kRecordedLosses);
  return bands;
}

const char* NameOf(Gate gate) {
  switch (gate) {
    case Gate::kPassed:
      return "passed";
    case Gate::kFailed:
      return "failed";
    case Gate::kNotEvaluated:
      break;
  }
  return "not evaluated";
}

GateResult EvaluateGate(const json& config, std::optional<double> gate_loss,
                        const std::vector<LearningBand>& bands) {
  if (!gate_loss) return Skipped("the first epoch has fewer than 60 steps");
  const std::string dataset = config.value("dataset", "");
  const int batch = config.value("batch_size", 0);
  const auto band = std::ranges::find_if(bands, [&](const LearningBand& candidate) {
    return candidate.dataset == dataset && candidate.batch_size == batch;
  });
  if (band == bands.end())
    return Skipped("no band was recorded for " + dataset + " and batch " + std::to_string(batch));
  if (const std::string why = Foreign(config); !why.empty()) return Skipped(why);
  // Not finite is outside too.
  if (std::abs(*gate_loss - band->mean) <= band->half_width()) return {Gate::kPassed, ""};
  return {Gate::kFailed, "did not learn as it must: loss " + Text(*gate_loss) +
                             " at steps 51 to 60, expected " +
                             Text(band->mean - band->half_width()) + " to " +
                             Text(band->mean + band->half_width())};
}

}  // namespace laptime
