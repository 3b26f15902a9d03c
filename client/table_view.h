#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How the comparison of devices looks. Pure functions of the message. `best`: the table was asked
// for each device's best, so it says which variant that is.
Grid ComparisonGrid(const v1::GetTableResponse& table, bool best);

// For people: what is compared with what, the rows at 100 columns, and one line for each mark that
// occurs.
std::string ComparisonPage(const v1::GetTableResponse& table, bool best, bool wide, bool color);

}  // namespace laptime::client
