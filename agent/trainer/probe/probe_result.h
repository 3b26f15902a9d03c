#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace laptime::trainer {

// What a device can do, as measured: laptime.v1.ProbeResult.

enum class CapabilityState {
  kNotMeasured,  // the time was over
  kWorks,
  kSlower,  // works, but what it is compared with is faster
  kFails    // `reason` says why
};

// One cell of the matrix: a feature in a precision.
struct Capability {
  std::string precision;  // a workload's: "fp32", "bf16"
  std::string feature;    // "training", "channels_last", "fused_sgd", "compile"
  CapabilityState state = CapabilityState::kNotMeasured;
  std::string reason;                      // of kFails and kNotMeasured
  std::optional<double> seconds;           // with it
  std::optional<double> compared_seconds;  // of what it is compared with
  std::string compared_with;               // "training in fp32", "contiguous"
};

// The best of what was tried.
struct PeakRate {
  std::string operation;  // "matmul", "convolution", "copy"
  std::string type;       // "float32", "bfloat16", "float16"
  std::string unit;       // "FLOP/s"; "B/s", read and written
  std::optional<double> per_second;
  std::string reason;  // where there is none
};

// What is slower by less is not called slower: it is noise.
inline constexpr double kSlowerMargin = 0.03;

// Works or slower, by the two times.
Capability Measured(Capability cell, double seconds, std::optional<double> compared_seconds);
Capability Failed(Capability cell, const std::string& reason);

nlohmann::json ToJson(const Capability& cell);
nlohmann::json ToJson(const PeakRate& rate);

// For people: "bf16 training: works, 0.66 s (training in fp32 1.38 s)".
std::string ToText(const Capability& cell);
std::string ToText(const PeakRate& rate);

}  // namespace laptime::trainer
