#include "server/table/work_variant.h"

#include <variant>

#include "proto/support/workload_spec.h"
#include "server/run_statistics.h"
#include "storage/run_value.h"

namespace laptime {

using nlohmann::json;

std::optional<WorkVariant> ReadVariant(const std::string& preset, const std::string& hashed_json) {
  WorkVariant variant;
  variant.hashed = json::parse(hashed_json, nullptr, /*allow_exceptions=*/false);
  auto resolved = ResolveConfig(preset, variant.hashed);
  const auto* spec = std::get_if<WorkloadSpec>(&resolved);
  if (spec == nullptr) return std::nullopt;
  variant.partial = spec->partial();
  variant.synthetic = spec->synthetic();
  json full = variant.hashed;
  for (const char* key : {"max_steps_per_epoch", "train_images", "eval_images"}) full[key] = 0;
  full["quick"] = false;
  auto unlimited = ResolveConfig(preset, full);
  const auto* whole = std::get_if<WorkloadSpec>(&unlimited);
  if (whole == nullptr) return std::nullopt;
  variant.full_steps = whole->steps_per_epoch();
  if (whole->evaluated()) variant.full_images = whole->train_images() + whole->eval_images();
  return variant;
}

json CoreOf(json hashed, bool best) {
  for (const char* key : {"max_steps_per_epoch", "train_images", "eval_images", "dataset", "quick"})
    hashed.erase(key);
  if (best) {
    hashed.erase("batch_size");
    hashed.erase("precision");
  }
  return hashed;
}

std::string WorkVariant::Name() const {
  return "batch " + std::to_string(hashed.value("batch_size", 0)) + ", " +
         hashed.value("precision", "");
}

std::optional<double> WorkVariant::LapOf(const storage::Reader::MeasuredRun& run) const {
  if (!partial || run.run.has_estimate()) return storage::RunValue(run.run);
  if (run.step_seconds.empty()) return std::nullopt;
  const double steps = full_steps * Median(run.step_seconds);
  if (full_images == 0) return steps;
  if (run.evaluation_seconds.empty() || run.evaluated_images == 0) return std::nullopt;
  return steps + Median(run.evaluation_seconds) * full_images / run.evaluated_images;
}

}  // namespace laptime
