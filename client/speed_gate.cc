#include "client/speed_gate.h"

#include "proto/support/status.h"

namespace laptime::client {

absl::StatusOr<bool> IsSlower(const v1::Comparison& comparison, double allowed_percent) {
  if (comparison.has_low()) return comparison.low() > 1 + allowed_percent / 100;
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "--fail-if-slower: there is no interval to judge by",
                  comparison.has_ratio()
                      ? "two runs on each side are the least for an interval"
                      : "the sides did other work, or hold invalid runs: compare runs of one "
                        "workload that count");
}

}  // namespace laptime::client
