#pragma once

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "server/comparison/run_selection.h"

namespace laptime {

// What a time depends on besides the device, each with the values that occur in the group:
// "libtorch" → {"2.11.0"}. What is not known of any of its runs is left out.
using GroupFacts = std::map<std::string, std::set<std::string>>;

// `whole_fit`: the comparison is of whole fits, where they are known.
absl::StatusOr<GroupFacts> FactsOf(const storage::Reader& reader, const RunSelection& group,
                                   bool whole_fit);

// Sets `grade` and `differences`. "not comparable": another workload or data set, or an invalid
// run; "caveats": another fact differs, or is known of one group only because the other was
// measured elsewhere, or a run is contaminated; else "same".
void Grade(const GroupFacts& a, const GroupFacts& b, v1::Comparison& comparison);

inline constexpr char kGradeSame[] = "same";
inline constexpr char kGradeCaveats[] = "caveats";
inline constexpr char kNotComparable[] = "not comparable";

}  // namespace laptime
