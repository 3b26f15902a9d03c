#pragma once

#include <string>

namespace laptime::trainer {

// One line of the run's log, on standard error.
void Log(const std::string& line);

// What every later line begins with: whose it is, where several processes share the log. Before any
// other thread logs.
void SetLogPrefix(const std::string& prefix);

// `value` with `digits` decimals.
std::string Decimals(double value, int digits);

}  // namespace laptime::trainer
