#pragma once

#include "absl/status/status.h"
#include "agent/options.h"

namespace laptime::agent {

// `laptime-agent data fetch`: progress on standard error, what is there now on standard output.
absl::Status RunDataFetch(const DataOptions& options);

// `laptime-agent data check`: one line, "cifar10@1a2b3c4d official DIR".
absl::Status RunDataCheck(const DataOptions& options);

}  // namespace laptime::agent
