#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "agent/spool.h"
#include "tests/faults/invariants.h"

namespace laptime::faults {

// Uses a spool as an agent does and keeps account of what the spool said OK to, over all its lives.
class SpoolLedger {
 public:
  // Records attempts, appends reports of them and deletes some, `turns` times or until an error.
  absl::Status Use(agent::Spool& spool, int turns, std::mt19937_64& random);

  // Whether the spool has what it promised, each report once and in order.
  Findings Judge(agent::Spool& spool) const;

 private:
  absl::Status RecordOne(agent::Spool& spool);
  absl::Status AppendOne(agent::Spool& spool);
  absl::Status DeleteSome(agent::Spool& spool);

  std::string id_;
  std::map<uint64_t, int> reports_;  // sequence number: the epoch in it, another in each
  uint64_t deleted_through_ = 0;
  uint64_t delete_asked_through_ = 0;  // perhaps done, too
  int runs_ = 0;                       // recorded: 1…runs
  int epochs_ = 0;                     // ever asked for: what a cut left unanswered may be there
};

// Opens the spool as the agent's next start does, and judges it.
Findings JudgeSpoolAfterStart(const std::string& path, const SpoolLedger& ledger);

}  // namespace laptime::faults
