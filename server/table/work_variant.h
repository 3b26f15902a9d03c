#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "storage/reader.h"

namespace laptime {

// The same work in another amount (limits, generated images), and in a best table with another
// batch size or precision.
struct WorkVariant {
  nlohmann::json hashed;  // the hashed keys
  bool partial = false;
  bool synthetic = false;
  int full_steps = 0;   // of an epoch without limits
  int full_images = 0;  // bank and test images of a full evaluation; 0 where there is none

  // "batch 512, bf16".
  std::string Name() const;

  // One run's time: its median lap, the estimate of a quick run, or what a lap without limits would
  // take by its median step and evaluation. Absent where it lacks what that takes.
  std::optional<double> LapOf(const storage::Reader::MeasuredRun& run) const;
};

// Nothing for keys that only another version knows. `hashed_json`: the hashed keys.
std::optional<WorkVariant> ReadVariant(const std::string& preset, const std::string& hashed_json);

// What is common to all variants of a work. `best`: batch size and precision are left free too.
nlohmann::json CoreOf(nlohmann::json hashed, bool best);

}  // namespace laptime
