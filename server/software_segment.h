#pragma once

#include <string>

#include "storage/store.h"

namespace laptime {

// The software that a run ran on. Times of different segments are never pooled in a history: a
// change of the operating system, a driver, LibTorch or laptime itself opens a new one, and so does
// another device under the same name.
struct SoftwareSegment {
  std::string name;      // 12 hex digits of the SHA-256 of `software`
  std::string software;  // "Debian GNU/Linux 12 (bookworm), kernel 6.1.0-30, LibTorch 2.11.0, …"
};

// From a run's snapshot (AttemptStarted.snapshot_json). Facts that it lacks are left out; empty
// when it has none of them.
SoftwareSegment SegmentOf(const std::string& snapshot_json);

// Names the software of runs that were stored before there were segments.
absl::Status FillSegments(storage::Store& store);

}  // namespace laptime
