#pragma once

#include <optional>
#include <vector>

namespace laptime::trainer {

// What tells whether a run learns as it must: the mean loss of steps 51 to 60 of the first epoch,
// which the coordinator holds against what many seeds gave (server/validity). Absent when there are
// fewer steps. `losses`: of the epoch's steps, in order.
std::optional<double> GateLoss(const std::vector<double>& losses);

}  // namespace laptime::trainer
