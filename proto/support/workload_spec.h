#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace laptime {

// One row of proto/workloads.json: what a key accepts and whether it is part of the comparison key.
struct WorkloadKey {
  enum class Type { kInteger, kNumber, kBoolean, kChoice };

  std::string name;
  Type type = Type::kInteger;
  double min = 0;  // kInteger, kNumber: inclusive bounds
  double max = 0;
  std::vector<std::string> choices;  // kChoice
  nlohmann::json default_value;
  std::string unit;     // may be empty
  bool hashed = false;  // enters the hash: runs that differ in it are different workloads
  // False for keys that came later: at their default the work is what it was before, and so is its
  // hash.
  bool hashes_default = true;
  std::string help;
};

struct WorkloadPreset {
  std::string name;
  std::string summary;
  nlohmann::json values;  // object: key -> value that differs from the default
};

// Why a workload cannot be resolved: `message` names the key, `hint` says what would be right.
struct SpecError {
  std::string message;
  std::string hint;
};

// A workload with every key filled in. A value.
struct WorkloadSpec {
  std::string name;       // the preset it came from
  nlohmann::json config;  // object: every key of the catalog -> value of its declared type

  // The compact JSON, keys sorted, of all hashed keys: what the workload hash is taken of.
  std::string HashedText() const;

  // Fewer images or steps than the full data set: never mixed with full results.
  bool partial() const;
  bool synthetic() const;
  // Each epoch ends with a vote about test images; not so where the data set has none.
  bool evaluated() const;

  // Images really used, limits applied.
  int train_images() const;
  int eval_images() const;
  // Optimizer steps in an epoch: incomplete batches are dropped, then the limit is applied.
  int steps_per_epoch() const;
};

// The keys and presets of proto/workloads.json, which is embedded at build. All functions are
// thread-safe.
const std::vector<WorkloadKey>& WorkloadKeys();
const std::vector<WorkloadPreset>& WorkloadPresets();

// A finite decimal number as people and files write it, whatever the locale.
std::optional<double> ParseNumber(const std::string& text);

// nullptr when there is none of that name.
const WorkloadKey* FindWorkloadKey(const std::string& name);
const WorkloadPreset* FindWorkloadPreset(const std::string& name);

// Fills in the preset and the defaults, applies `settings` (key -> text as typed by a person) and
// checks types, ranges and the rules between keys (batch and kNN neighbours against the images
// there are).
std::variant<WorkloadSpec, SpecError> ResolveWorkload(
    const std::string& preset, const std::map<std::string, std::string>& settings);

// The same from a complete configuration, as StartRun carries it: a missing key takes its default.
std::variant<WorkloadSpec, SpecError> ResolveConfig(const std::string& preset,
                                                    const nlohmann::json& config);

}  // namespace laptime
