#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace laptime::agent {

// One channel of IOReport over a stretch of time: a counter's growth or the time in each state.
struct IoReportChannel {
  std::string group, subgroup, name, unit;
  int64_t value = 0;
  std::vector<std::pair<std::string, int64_t>> states;
};

// What the channels say of that stretch; absent where a channel is missing or not as expected.
struct IoReportReading {
  std::optional<double> cpu_joules, gpu_joules;
  std::optional<double> gpu_active_percent;            // time not in the state OFF
  std::optional<double> cpu_megahertz, gpu_megahertz;  // mean over the time in which it ran
};

// The clocks of the states in which a core or the GPU runs, slowest first.
struct IoReportClocks {
  std::vector<double> performance_cores, gpu;  // megahertz
};

// The channels' names and units are Apple's and no contract: as M1 to M4 have them ("Energy Model":
// "CPU Energy", "GPU Energy", on chips of several dies with DIE_N_ before it; "GPU Stats": GPUPH;
// "CPU Stats": PCPU…). No call of macOS in it: it is tested everywhere.
IoReportReading ReadChannels(const std::vector<IoReportChannel>& channels,
                             const IoReportClocks& clocks);

// The power manager's table of states: eight bytes each, the clock first, in Hz or (since M4) kHz,
// little-endian. States that stand still are left out.
std::vector<double> ParseVoltageStates(const std::vector<uint8_t>& bytes);

}  // namespace laptime::agent
