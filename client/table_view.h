#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How the comparison of devices looks. Pure functions of the message.
Grid ComparisonGrid(const v1::GetTableResponse& table);

// For people: what is compared with what, the rows at 100 columns, and one line for each mark that
// occurs.
std::string ComparisonPage(const v1::GetTableResponse& table, bool wide, bool color);

}  // namespace laptime::client
