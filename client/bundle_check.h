#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime::client {

inline constexpr size_t kMaxBundleBytes = size_t{1} << 30;
inline constexpr size_t kMaxBundleParts = 100'000;

// One thing that was looked at.
struct BundleFinding {
  std::string what;  // "line 5, epoch/1"; "median lap"
  bool good = false;
  std::string detail;  // what was found; of a bad one, and what should be
};

// Whether the text of a bundle is what was written and agrees with itself: lengths and hashes of
// all lines, the workload's hash, that laps and attempts are complete, the run's measured figures,
// each computed anew (see FiguresOf), and that readings have times in order. What was judged
// (validity, learning gate), estimated or is text is only covered by the hashes. kDataLoss: it is
// no bundle at all, or its first line is damaged; kFailedPrecondition: it is of a newer version.
absl::StatusOr<std::vector<BundleFinding>> CheckBundle(const std::string& text);

}  // namespace laptime::client
