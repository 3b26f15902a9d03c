#pragma once

#include <string>
#include <vector>

#include "laptime/v1/control.pb.h"
#include "server/validity/learning_gate.h"

namespace laptime {

// Whether a run's numbers count, from what else went on during its laps. Pure.
//
// A lap is suspect, contaminated or invalid by the limits below. A run is as bad as its worst lap,
// with one mercy, since its value is the median lap: it is only suspect when fewer than a tenth of
// its laps are contaminated.

// A share of the lap (of the machine's CPU time, of the samples) from which it counts as such.
struct ValidityLimit {
  double suspect;
  double contaminated;
};

inline constexpr ValidityLimit kStealLimit{0.02, 0.10};
inline constexpr ValidityLimit kForeignCpuLimit{0.05, 0.15};
inline constexpr ValidityLimit kForeignGpuLimit{0.05, 0.15};
inline constexpr ValidityLimit kThrottledLimit{0.02, 0.20};
// Pages back from swap: any is suspect, in a fifth of the samples it is sustained.
inline constexpr ValidityLimit kSwapInLimit{0, 0.20};
inline constexpr double kContaminatedLaps = 0.1;

struct Judgement {
  v1::Validity validity = v1::VALIDITY_CLEAN;
  std::vector<std::string> reasons;  // worst first; none when clean
};

// Of a run with these laps on a device of this kind. A run whose learning was not evaluated, or of
// which nobody knows what else went on there, is suspect.
Judgement JudgeRun(const std::vector<v1::Epoch>& laps, v1::DeviceKind kind, const GateResult& gate);

// Whether it belongs to baselines, tables and histories.
bool Counts(v1::Validity validity);

// "contaminated" of VALIDITY_CONTAMINATED.
std::string NameOf(v1::Validity validity);

}  // namespace laptime
