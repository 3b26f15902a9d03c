#include "storage/run_value.h"

#include <cmath>

namespace laptime::storage {

std::optional<double> RunValue(const v1::Run& run, bool whole_fit) {
  const double seconds = run.has_estimate() ? run.estimate().epoch_seconds()
                         : whole_fit && run.has_fit_seconds_per_epoch()
                             ? run.fit_seconds_per_epoch()
                             : run.median_epoch_seconds();
  return std::isfinite(seconds) && seconds > 0 ? std::optional(seconds) : std::nullopt;
}

}  // namespace laptime::storage
