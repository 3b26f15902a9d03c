#pragma once

#include <string>

#include "laptime/v1/control.pb.h"

namespace laptime::client {

// The run as log lines of MLPerf training (":::MLLOG {…}"), with the keys of mlcommons/logging
// (mlperf_logging/mllog/constants.py): what was trained, then the newest attempt's epochs with
// their evaluations, by wall-clock time; init_start is when the attempt was sent that began the
// first of them. A run that goes on has no run_stop yet. It is a translation for tools that read
// such logs, not a submission: what laptime does not know (organisation, cache clearing) is left
// out.
std::string MlperfLog(const v1::GetRunResponse& run);

}  // namespace laptime::client
