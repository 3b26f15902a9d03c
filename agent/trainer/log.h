#pragma once

#include <string>

namespace laptime::trainer {

// One line of the run's log, on standard error.
void Log(const std::string& line);

// `value` with `digits` decimals.
std::string Decimals(double value, int digits);

}  // namespace laptime::trainer
