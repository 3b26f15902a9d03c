#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/load/figures.h"
#include "tests/load/simulated_agent.h"

namespace laptime::load {

// What the agents made against what the database has.
struct Tally {
  int64_t laps_made = 0;
  int64_t laps_stored = 0;
  int64_t laps_lost = 0;  // made and acknowledged, but not stored
  int64_t laps_doubled =
      0;                   // stored or told to watchers though nobody made them, or once too often
  int64_t laps_wrong = 0;  // stored with another time
  int64_t runs = 0;
  int64_t runs_started = 0;  // by an agent
  int64_t runs_not_started = 0;
  int64_t runs_started_twice = 0;  // by two agents, or twice by one, or in two attempts
  int64_t runs_not_succeeded = 0;
};

// Reads the coordinator's database at `path`, whose runs are all the fleet's. Laps are compared by
// run, attempt and number with their exact times, and with the events that watchers were told.
// Throws when the file cannot be read.
Tally Count(const std::string& path, const std::vector<MadeAttempt>& attempts);

// The laps, and the samples, in the database.
int64_t CountEpochs(const std::string& path);
int64_t CountSamples(const std::string& path);

// A row for each count that must be 0.
void Print(const std::string& id, const Tally& tally, bool runs_must_succeed, Figures& figures);

}  // namespace laptime::load
