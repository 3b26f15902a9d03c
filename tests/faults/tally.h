#pragma once

#include <cstdint>
#include <string>

#include "tests/faults/invariants.h"
#include "tests/testing/promise_row.h"

namespace laptime::faults {

// What came of the faults of one kind. A fault survives when every invariant held after it; runs
// that never ended are lost, too.
struct Tally : testing::Tried {
  // One more fault, after which that was found.
  void Count(const Findings& findings);
};

// How often a fault is tried: `briefly` with the other tests, `at_length` when LAPTIME_FAULTS is
// "long"; a sanitizer's build, which is slow, tries a fifth.
int Times(int briefly, int at_length);

// Where every call is to fail in turn: every how many-th does, which is each at length.
int EveryNth(int briefly);

// LAPTIME_FAULTS_SEED, or 1: the same seed draws the same faults.
uint64_t Seed();

}  // namespace laptime::faults
