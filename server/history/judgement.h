#pragma once

#include "laptime/v1/control.pb.h"

namespace laptime {

// An interval for the next run needs so many runs, or it says nothing.
inline constexpr int kMinRunsToExpect = 3;

// From the points of a series, oldest first: its changes of level, where each run was expected and
// whether it came there, the present level, its trend, where the next run is expected.
//
// A run is judged by those before it on its level (PredictNextRun of run_statistics.h), so the
// first ones after a change have no verdict: the change is what is to be said of them. Runs that do
// not count (validity.h) have no verdict and are in nothing else, but are told what was expected of
// them.
void JudgeSeries(v1::HistorySeries& series);

}  // namespace laptime
