#pragma once

#include <cstdint>
#include <optional>

#include "agent/telemetry/nvml.h"

namespace laptime::agent {

// The readings of one GPU. Whatever its driver does not tell, now or ever, is absent.
//
// One thread at a time. `nvml` must outlive it.
class NvmlDevice {
 public:
  NvmlDevice(const Nvml& nvml, unsigned nvml_index);

  const Nvml& nvml() const { return nvml_; }
  const nvml::Api& api() const { return nvml_.api(); }
  nvml::Device handle() const { return handle_; }
  // Split into instances, whose load is not that of the whole.
  bool mig() const { return mig_; }

  std::optional<double> UtilizationPercent() const;
  // Without what driver and firmware keep for themselves (`reserved`), where they say how much.
  std::optional<double> MemoryUsedBytes() const;
  std::optional<double> MemoryReservedBytes() const;
  std::optional<double> PowerUsageWatts() const;
  // One of nvml::kPowerAverage and kPowerInstant.
  std::optional<double> PowerFieldWatts(unsigned field) const;
  // Since the driver was loaded.
  std::optional<double> EnergyJoules() const;
  std::optional<double> TemperatureCelsius() const;
  // One of nvml::kClockSm and kClockMemory.
  std::optional<double> ClockMegahertz(unsigned clock) const;
  // 0 (fastest) to 15.
  std::optional<double> PerformanceState() const;
  // NVML's clock event reasons, as bits.
  std::optional<uint64_t> EventReasons() const;

 private:
  const Nvml& nvml_;
  const nvml::Device handle_;
  bool mig_ = false;
};

// The event reasons as bits of kThrottleReasons: idleness, clocks set by somebody, and the power
// limit are no throttling.
uint32_t ThrottledBy(uint64_t event_reasons);

}  // namespace laptime::agent
