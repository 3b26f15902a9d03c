#pragma once

namespace laptime::agent {

// Seconds that this machine has been suspended since it started: a clock that goes on meanwhile
// minus one that does not. Grows by the length of each suspend; jitters by microseconds.
double SleptSeconds();

}  // namespace laptime::agent
