#pragma once

#include <string>
#include <vector>

namespace laptime::storage {

// In the file's header, so that tools and a wrong --state are told apart: "lapt".
constexpr int kApplicationId = 0x6c617074;

// The numbered migrations of the coordinator's database, in order. One that was released is never
// edited: a change is a new one at the end.
const std::vector<std::string>& Migrations();

}  // namespace laptime::storage
