#pragma once

#include "laptime/v1/agent.pb.h"

namespace laptime::load {

// What simulated agents say, of the size that real ones say it in. Pure functions.

inline constexpr int kSimulatedSensors = 6;

// Host "load-N" with one device "cpu"; sequence numbers and attempts are the caller's.
v1::AgentMessage HelloOf(int number);
v1::AttemptStarted StartedOf(int epochs);
// A lap with every column that the CPU of a Linux machine fills.
v1::Epoch LapOf(int number, double wall_seconds);
v1::AttemptFinished FinishedOf(int epochs);
// `times` readings of each of so many sensors, a second apart.
v1::SampleBatch SamplesOf(int32_t first_ms, int times, int sensors);

}  // namespace laptime::load
