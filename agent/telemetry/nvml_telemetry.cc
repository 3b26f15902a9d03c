#include "agent/telemetry/nvml_telemetry.h"

namespace laptime::agent {

NvmlTelemetry::NvmlTelemetry(const Nvml& nvml, unsigned nvml_index)
    : nvml_(nvml),
      nvml_index_(nvml_index),
      sensors_{
          NewSensor(kDeviceUtilization, "percent", "nvml",
                    "share of the driver's past sample period (1/6 to 1 s) in which at least one "
                    "kernel ran, "
                    "whatever part of the chip it used"),
          NewSensor("device_memory_used", "bytes", "nvml",
                    "memory allocated on the device, by all processes"),
          NewSensor("device_power", "watts", "nvml", "power the board draws"),
          NewSensor("device_temperature", "celsius", "nvml", "temperature of the GPU die"),
          NewSensor("device_sm_clock", "megahertz", "nvml",
                    "clock of the streaming multiprocessors"),
      } {}

std::vector<std::optional<double>> NvmlTelemetry::Read() {
  const GpuReading reading = nvml_.Read(nvml_index_);
  return {reading.utilization_percent, reading.memory_used_bytes, reading.power_watts,
          reading.temperature_celsius, reading.sm_clock_megahertz};
}

}  // namespace laptime::agent
