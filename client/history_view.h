#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How histories look. Pure functions of the messages.

// A page shows the newest so many runs of a series, and so many series; wide ones show all.
inline constexpr int kMostRowsOfSeries = 20;
inline constexpr int kMostSeriesShown = 20;

// One row a run, or a result measured elsewhere.
Grid HistoryGrid(const v1::GetHistoryResponse& history);

// For people: each series with its line, runs and changes, and where its next run is expected. What
// was measured elsewhere has no development: it is listed when wide or when there is nothing else,
// and else counted.
std::string HistoryPage(const v1::GetHistoryResponse& history, bool wide, bool color);

}  // namespace laptime::client
