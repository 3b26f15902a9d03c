#pragma once

#include <cstdint>

namespace laptime::trainer {

// Seconds since this process was started, on a clock that a step of the wall clock does not move.
// It counts from the process's birth, so a program that executed itself again has not become
// younger.
double ProcessSeconds();

// CPU seconds of the calling thread.
double ThreadCpuSeconds();

// Wall-clock time, for records only.
int64_t UnixMilliseconds();

// The largest resident size the process has had.
double PeakResidentBytes();

}  // namespace laptime::trainer
