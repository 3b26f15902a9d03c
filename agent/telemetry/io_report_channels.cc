#include "agent/telemetry/io_report_channels.h"

#include <map>

namespace laptime::agent {
namespace {

// Absent for a unit of something else.
std::optional<double> Joules(const IoReportChannel& channel) {
  static const std::map<std::string, double> kUnits = {
      {"J", 1}, {"mJ", 1e-3}, {"uJ", 1e-6}, {"\u00b5J", 1e-6}, {"nJ", 1e-9}};
  // Some chips pad the unit.
  const size_t end = channel.unit.find_last_not_of(' ');
  const auto unit = kUnits.find(end == std::string::npos ? "" : channel.unit.substr(0, end + 1));
  if (unit == kUnits.end() || channel.value < 0) return std::nullopt;
  return static_cast<double>(channel.value) * unit->second;
}

bool Idle(const std::string& state) { return state == "OFF" || state == "IDLE" || state == "DOWN"; }

// Time in the states, in the order of the table of clocks.
struct Residency {
  double idle = 0, active = 0;
  std::vector<double> running;

  // A channel with a time below 0, of a counter that began anew, tells nothing.
  void Add(const IoReportChannel& channel) {
    std::vector<double> times;
    double idle_times = 0;
    for (const auto& [state, time] : channel.states) {
      if (time < 0) return;
      if (Idle(state)) {
        idle_times += static_cast<double>(time);
      } else {
        times.push_back(static_cast<double>(time));
      }
    }
    idle += idle_times;
    if (running.empty()) running.resize(times.size());
    for (size_t i = 0; i < times.size() && i < running.size(); ++i) running[i] += times[i];
    for (const double time : times) active += time;
  }

  // Divided before it is multiplied: never more than 100, however the sums were rounded.
  std::optional<double> ActivePercent() const {
    if (!(idle + active > 0)) return std::nullopt;
    return 100 * (active / (idle + active));
  }

  std::optional<double> Megahertz(const std::vector<double>& clocks) const {
    if (clocks.size() != running.size() || !(active > 0)) return std::nullopt;
    double sum = 0;
    for (size_t i = 0; i < clocks.size(); ++i) sum += clocks[i] * running[i];
    return sum / active;
  }
};

void AddTo(std::optional<double>& sum, std::optional<double> part) {
  if (part) sum = sum.value_or(0) + *part;
}

}  // namespace

IoReportReading ReadChannels(const std::vector<IoReportChannel>& channels,
                             const IoReportClocks& clocks) {
  IoReportReading reading;
  Residency gpu, cores;
  for (const IoReportChannel& channel : channels) {
    if (channel.group == "Energy Model") {
      if (channel.name.ends_with("CPU Energy")) AddTo(reading.cpu_joules, Joules(channel));
      if (channel.name.ends_with("GPU Energy")) AddTo(reading.gpu_joules, Joules(channel));
    } else if (channel.group == "GPU Stats" && channel.subgroup == "GPU Performance States" &&
               channel.name.ends_with("GPUPH")) {
      gpu.Add(channel);
    } else if (channel.group == "CPU Stats" && channel.subgroup == "CPU Core Performance States" &&
               channel.name.find("PCPU") != std::string::npos) {
      cores.Add(channel);
    }
  }
  reading.gpu_active_percent = gpu.ActivePercent();
  reading.gpu_megahertz = gpu.Megahertz(clocks.gpu);
  reading.cpu_megahertz = cores.Megahertz(clocks.performance_cores);
  return reading;
}

std::vector<double> ParseVoltageStates(const std::vector<uint8_t>& bytes) {
  constexpr double kSlowestInHertz = 100e6;  // as kHz it would be 100 GHz
  std::vector<double> megahertz;
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    const double clock =
        bytes[at] + 256.0 * bytes[at + 1] + 65536.0 * bytes[at + 2] + 16777216.0 * bytes[at + 3];
    if (clock > 0) megahertz.push_back(clock > kSlowestInHertz ? clock / 1e6 : clock / 1e3);
  }
  return megahertz;
}

}  // namespace laptime::agent
