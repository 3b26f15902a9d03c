#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How capabilities look. Pure functions of the messages.

// A row for each cell of each device's matrix.
Grid CapabilityGrid(const v1::ListCapabilitiesResponse& response);

// For people: of each device what was probed and when, its rates, its matrix.
std::string CapabilityPage(const v1::ListCapabilitiesResponse& response, bool color);

}  // namespace laptime::client
