#pragma once

#include <compare>
#include <cstdint>
#include <istream>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime::faults {

struct EpochKey {
  std::string run;
  int attempt = 0;
  int epoch = 0;
  bool operator==(const EpochKey&) const = default;
  bool operator<(const EpochKey& other) const {
    return std::tie(run, attempt, epoch) < std::tie(other.run, other.attempt, other.epoch);
  }
};

// What must be in the coordinator's database, whatever happened to it.
struct Witness {
  std::set<std::string> runs;  // of submissions that were acknowledged
  std::set<EpochKey> epochs;   // acknowledged, or durable in an agent's spool
  // Host id and spool id, and the number through which reports were acknowledged.
  std::map<std::pair<std::string, std::string>, uint64_t> acknowledged;
  bool complete = false;  // `runs` and `epochs` are all that there ever were: no other may be there
  bool all_ended = false;  // every run must have come to its end
};

// Reads a witness, one thing a line:
//   run RUN        epoch RUN ATTEMPT NUMBER        acknowledged HOST SPOOL SEQ
//   complete       all_ended
// kInvalidArgument names the line.
absl::StatusOr<Witness> ReadWitness(std::istream& lines);

// What is wrong with a database. `lost` counts what is gone and what is only half there, `doubled`
// what is there twice or from nowhere; `complaints` says the first of them in words.
struct Findings {
  int lost = 0;
  int doubled = 0;
  std::vector<std::string> complaints;

  bool ok() const { return lost == 0 && doubled == 0; }
  std::string Text() const;  // the complaints, a line each
};

// The one judge of every fault here: whether the coordinator's database at `path` holds what the
// witness demands, each thing once, and agrees with itself. Nobody may be writing to it. A file
// that cannot be read is a finding too.
Findings CheckInvariants(const std::string& path, const Witness& witness);

}  // namespace laptime::faults
