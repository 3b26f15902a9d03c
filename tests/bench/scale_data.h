#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace laptime::bench {

// How much there is to be found.
struct Scale {
  int runs = 10'000;
  int samples_per_run = 1'000;  // of ten sensors
};

inline constexpr int kHosts = 8;  // "lab-0" to "lab-7", each with "cpu", "cuda:0" and "mps"
inline constexpr int kRunsPerJob = 5;

// Fills the empty database of the newest schema at `path` with the runs of a year until `now`:
// real workloads (a third is simclr-cifar10), one attempt or two, 2 to 10 laps with every column,
// most of them succeeded and clean, with snapshots, logs, samples, and a note at each hundredth.
// The same each time. Throws when the database refuses.
void Generate(const std::string& path, const Scale& scale, int64_t now_unix_ms);

// The hash of the workload that the third is.
std::string MainWorkload();

}  // namespace laptime::bench
