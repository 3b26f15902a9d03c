#pragma once

#include <string>
#include <vector>

#include "client/columns.h"
#include "laptime/v1/common.pb.h"

namespace laptime::client {

// What a lap used and what went on beside it, a column each: wide pages and csv.
void AddConditionColumns(std::vector<Column<v1::Epoch>>& columns);

// The worst that went on beside any lap, in one line: "foreign CPU load up to 33 % (lap 2), on
// battery (lap 1)". Shares under a hundredth are nothing; empty when nothing was worth a word.
std::string ConditionsNote(const google::protobuf::RepeatedPtrField<v1::Epoch>& epochs);

}  // namespace laptime::client
