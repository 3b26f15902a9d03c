#include "agent/telemetry/nvml_telemetry.h"

#include "agent/telemetry/nvml_processes.h"

namespace laptime::agent {
namespace {

constexpr char kNvml[] = "nvml";

}  // namespace

NvmlTelemetry::NvmlTelemetry(const Nvml& nvml, unsigned nvml_index, const RunProcesses& run)
    : device_(nvml, nvml_index),
      run_(run),
      driver_(nvml.DriverVersion()),
      gpm_(NvmlGpm::Open(device_)),
      event_reasons_(device_.EventReasons()) {
  AddLoad();
  AddPower();
  AddClocks();
  AddGpm();
}

void NvmlTelemetry::AddLoad() {
  sensors_.AddIfThere(NewSensor(kDeviceUtilization, "percent", kNvml,
                                "share of the driver's past sample period (1/6 to 1 s) in which "
                                "at least one kernel ran, whatever part of the chip it used"),
                      [this] { return device_.UtilizationPercent(); });
  const bool split = device_.MemoryReservedBytes().has_value();
  sensors_.AddIfThere(
      NewSensor("device_memory_used", "bytes", kNvml,
                split ? "memory allocated on the device, by all processes, without what driver "
                        "and firmware reserve"
                      : "memory allocated on the device, by all processes, driver and firmware"),
      [this] { return device_.MemoryUsedBytes(); });
  sensors_.AddIfThere(NewSensor("device_memory_reserved", "bytes", kNvml,
                                "memory that driver and firmware keep for themselves"),
                      [this] { return device_.MemoryReservedBytes(); });
}

void NvmlTelemetry::AddPower() {
  if (device_.PowerFieldWatts(nvml::kPowerAverage)) {
    sensors_.Add(NewSensor(kDevicePower, "watts", kNvml,
                           "power the GPU draws, averaged over the past second"),
                 [this] { return device_.PowerFieldWatts(nvml::kPowerAverage); });
  } else {
    sensors_.AddIfThere(
        NewSensor(kDevicePower, "watts", kNvml, "power the board draws, as the driver averages it"),
        [this] { return device_.PowerUsageWatts(); });
  }
  sensors_.AddIfThere(
      NewSensor("device_power_instant", "watts", kNvml, "power the GPU draws at this moment"),
      [this] { return device_.PowerFieldWatts(nvml::kPowerInstant); });
}

void NvmlTelemetry::AddClocks() {
  sensors_.AddIfThere(
      NewSensor("device_temperature", "celsius", kNvml, "temperature of the GPU die"),
      [this] { return device_.TemperatureCelsius(); });
  sensors_.AddIfThere(
      NewSensor("device_sm_clock", "megahertz", kNvml, "clock of the streaming multiprocessors"),
      [this] { return device_.ClockMegahertz(nvml::kClockSm); });
  sensors_.AddIfThere(
      NewSensor("device_memory_clock", "megahertz", kNvml, "clock of the device's memory"),
      [this] { return device_.ClockMegahertz(nvml::kClockMemory); });
  sensors_.AddIfThere(
      NewSensor("device_performance_state", "state", kNvml, "performance state, 0 (fastest) to 15"),
      [this] { return device_.PerformanceState(); });
  sensors_.AddIfThere(
      NewSensor("device_throttled", "boolean", kNvml,
                "1 while the clocks are held down for a reason other than idleness, a clock that "
                "somebody set, or the power limit"),
      [this]() -> std::optional<double> {
        if (!event_reasons_) return std::nullopt;
        return ThrottledBy(*event_reasons_) == 0 ? 0 : 1;
      });
  sensors_.AddIfThere(NewSensor("device_power_capped", "boolean", kNvml,
                                "1 while the power limit holds the clocks down"),
                      [this]() -> std::optional<double> {
                        if (!event_reasons_) return std::nullopt;
                        return (*event_reasons_ & nvml::kSwPowerCap) == 0 ? 0 : 1;
                      });
}

void NvmlTelemetry::AddGpm() {
  if (gpm_ == nullptr) return;
  constexpr char kGpm[] = "nvml-gpm";
  sensors_.Add(NewSensor("device_sm_activity", "percent", kGpm,
                         "share of the streaming multiprocessors that were busy, over the past "
                         "period"),
               [this] { return gpm_reading_.sm; });
  sensors_.Add(NewSensor("device_tensor_activity", "percent", kGpm,
                         "share of the past period in which the streaming multiprocessors did "
                         "tensor operations of any kind"),
               [this] { return gpm_reading_.tensor; });
  sensors_.Add(NewSensor("device_dram_utilization", "percent", kGpm,
                         "share of the memory's bandwidth that was used, over the past period"),
               [this] { return gpm_reading_.dram; });
}

std::vector<std::optional<double>> NvmlTelemetry::Read() {
  if (gpm_ != nullptr) gpm_reading_ = gpm_->Read();
  event_reasons_ = device_.EventReasons();
  return sensors_.Read();
}

void NvmlTelemetry::Observe(Moment& moment) {
  if (const auto joules = device_.EnergyJoules()) {
    moment.joules = joules;
    moment.energy_source = kNvml;
  }
  if (const auto reasons = device_.EventReasons()) moment.throttled = ThrottledBy(*reasons);
  moment.foreign_gpu = ForeignProcessOn(device_, run_);
  const std::string driver = device_.nvml().DriverVersion();
  if (!driver_.empty() && !driver.empty()) moment.driver_changed = driver != driver_;
}

}  // namespace laptime::agent
