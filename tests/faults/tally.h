#pragma once

#include <cstdint>
#include <string>

#include "tests/faults/invariants.h"

namespace laptime::faults {

// What came of the faults of one kind. A fault survives when every invariant held after it.
struct Tally {
  int64_t tried = 0;
  int64_t survived = 0;
  int64_t lost = 0;     // acknowledged things that are gone, and runs that never ended
  int64_t doubled = 0;  // things that are there twice, or that nobody reported

  // One more fault, after which that was found.
  void Count(const Findings& findings);
};

// Prints the tally as a line of the table, and appends it to the file that LAPTIME_FAULTS_TABLE
// names: "C5   10000 tried  10000 survived  0 lost  0 doubled  power cuts of the coordinator".
void PrintRow(const std::string& id, const std::string& what, const Tally& tally);

// How often a fault is tried: `briefly` with the other tests, `at_length` when LAPTIME_FAULTS is
// "long"; a sanitizer's build, which is slow, tries a fifth.
int Times(int briefly, int at_length);

// Where every call is to fail in turn: every how many-th does, which is each at length.
int EveryNth(int briefly);

// LAPTIME_FAULTS_SEED, or 1: the same seed draws the same faults.
uint64_t Seed();

}  // namespace laptime::faults
