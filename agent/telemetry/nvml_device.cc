#include "agent/telemetry/nvml_device.h"

#include <array>

#include "agent/telemetry/moment.h"

namespace laptime::agent {
namespace {

// What a call writes to its last argument; absent when the call is missing or refuses.
template <typename Value>
std::optional<Value> Ask(nvml::Result (*call)(nvml::Device, Value*), nvml::Device gpu) {
  Value value = {};
  if (call == nullptr || gpu == nullptr || call(gpu, &value) != nvml::kSuccess) return std::nullopt;
  return value;
}

// The same of a call that is also told of what kind.
std::optional<unsigned> Ask(nvml::Result (*call)(nvml::Device, unsigned, unsigned*),
                            nvml::Device gpu, unsigned kind) {
  unsigned value = 0;
  if (call == nullptr || gpu == nullptr || call(gpu, kind, &value) != nvml::kSuccess)
    return std::nullopt;
  return value;
}

std::optional<nvml::MemoryV2> AskMemory(const nvml::Api& api, nvml::Device gpu) {
  nvml::MemoryV2 memory = {};
  memory.version = nvml::kMemoryV2;
  if (api.memory_v2 == nullptr || gpu == nullptr || api.memory_v2(gpu, &memory) != nvml::kSuccess)
    return std::nullopt;
  return memory;
}

// In the order of kThrottleReasons.
constexpr std::array kEventReasons = {nvml::kHwSlowdown,           nvml::kSyncBoost,
                                      nvml::kSwThermalSlowdown,    nvml::kHwThermalSlowdown,
                                      nvml::kHwPowerBrakeSlowdown, nvml::kDisplayClockSetting};

}  // namespace

NvmlDevice::NvmlDevice(const Nvml& nvml, unsigned nvml_index)
    : nvml_(nvml), handle_(nvml.Device(nvml_index)) {
  unsigned pending = 0, current = 0;
  mig_ = handle_ != nullptr && api().mig_mode != nullptr &&
         api().mig_mode(handle_, &current, &pending) == nvml::kSuccess &&
         current == nvml::kMigEnabled;
}

std::optional<double> NvmlDevice::UtilizationPercent() const {
  if (mig_) return std::nullopt;
  const auto rates = Ask(api().utilization, handle_);
  return rates ? std::optional<double>(rates->gpu) : std::nullopt;
}

std::optional<double> NvmlDevice::MemoryUsedBytes() const {
  if (const auto memory = AskMemory(api(), handle_)) return static_cast<double>(memory->used);
  const auto memory = Ask(api().memory, handle_);
  return memory ? std::optional(static_cast<double>(memory->used)) : std::nullopt;
}

std::optional<double> NvmlDevice::MemoryReservedBytes() const {
  const auto memory = AskMemory(api(), handle_);
  return memory ? std::optional(static_cast<double>(memory->reserved)) : std::nullopt;
}

std::optional<double> NvmlDevice::PowerUsageWatts() const {
  const auto milliwatts = Ask(api().power, handle_);
  return milliwatts ? std::optional(*milliwatts / 1000.0) : std::nullopt;
}

std::optional<double> NvmlDevice::PowerFieldWatts(unsigned field) const {
  nvml::FieldValue value = {};
  value.field = field;
  if (api().field_values == nullptr || handle_ == nullptr ||
      api().field_values(handle_, 1, &value) != nvml::kSuccess || value.result != nvml::kSuccess) {
    return std::nullopt;
  }
  return value.value.as_unsigned / 1000.0;
}

std::optional<double> NvmlDevice::EnergyJoules() const {
  const auto millijoules = Ask(api().energy, handle_);
  return millijoules ? std::optional(static_cast<double>(*millijoules) / 1000) : std::nullopt;
}

std::optional<double> NvmlDevice::TemperatureCelsius() const {
  const auto celsius = Ask(api().temperature, handle_, nvml::kTemperatureGpu);
  return celsius ? std::optional<double>(*celsius) : std::nullopt;
}

std::optional<double> NvmlDevice::ClockMegahertz(unsigned clock) const {
  const auto megahertz = Ask(api().clock, handle_, clock);
  return megahertz ? std::optional<double>(*megahertz) : std::nullopt;
}

std::optional<double> NvmlDevice::PerformanceState() const {
  constexpr unsigned kUnknown = 32;  // NVML_PSTATE_UNKNOWN
  const auto state = Ask(api().performance_state, handle_);
  return state && *state != kUnknown ? std::optional<double>(*state) : std::nullopt;
}

std::optional<uint64_t> NvmlDevice::EventReasons() const {
  return Ask(api().event_reasons, handle_);
}

uint32_t ThrottledBy(uint64_t event_reasons) {
  uint32_t throttled = 0;
  for (size_t i = 0; i < kEventReasons.size(); ++i) {
    if ((event_reasons & kEventReasons.at(i)) != 0) throttled |= 1U << i;
  }
  return throttled;
}

}  // namespace laptime::agent
