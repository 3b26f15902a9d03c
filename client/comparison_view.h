#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// One row: ratio, interval, verdict, grade, runs.
Grid ComparisonSummary(const v1::Comparison& comparison);

// For people: the verdict in a sentence, both groups, what differs, where the time goes.
std::string ComparisonText(const v1::Comparison& comparison, bool color);

}  // namespace laptime::client
