#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How the matrix looks. Pure functions of the message; `now_unix_ms` tells how old cells are.

// "fresh 3", "stale 3 (41d)", "missing 1/3", "invalid", with ", 2 running" for runs that are on
// their way.
std::string CellText(const v1::MatrixCell& cell, int64_t now_unix_ms);

// One row a cell.
Grid MatrixGrid(const v1::GetMatrixResponse& matrix, int64_t now_unix_ms);

// Devices down, workloads across, with the LibTorch that each device has now; why cells are invalid
// below. `wide` lists the cells.
std::string MatrixPage(const v1::GetMatrixResponse& matrix, int64_t now_unix_ms, bool wide,
                       bool color);

}  // namespace laptime::client
