#include <memory>
#include <vector>

#include "agent/telemetry/apple_frameworks.h"
#include "agent/telemetry/mach_telemetry.h"

namespace laptime::agent {
namespace {

class IoRegistryTelemetry : public Telemetry {
 public:
  IoRegistryTelemetry(const CoreFoundation& cf, const IoKit& io)
      : cf_(cf),
        io_(io),
        sensors_{
            NewSensor(kDeviceUtilization, "percent", "ioregistry",
                      "\"Device Utilization %\" of the GPU's PerformanceStatistics in the "
                      "IORegistry, as the "
                      "driver averages it"),
            NewSensor(
                "device_memory_used", "bytes", "ioregistry",
                "\"In use system memory\" of the GPU's PerformanceStatistics, by all processes")} {}

  const std::vector<v1::Sensor>& sensors() const override { return sensors_; }

  std::vector<std::optional<double>> Read() override {
    std::vector<std::optional<double>> values(sensors_.size());
    IoObject iterator = 0;
    // IOServiceGetMatchingServices takes over the dictionary of IOServiceMatching.
    if (io_.services(0, io_.matching("IOAccelerator"), &iterator) != KERN_SUCCESS) return values;
    for (IoObject gpu = io_.next(iterator); gpu != 0; gpu = io_.next(iterator)) {
      ReadGpu(gpu, values);
      io_.release(gpu);
    }
    io_.release(iterator);
    return values;
  }

 private:
  void ReadGpu(IoObject gpu, std::vector<std::optional<double>>& values) const {
    const CfType key = cf_.String("PerformanceStatistics");
    const CfType statistics = io_.property(gpu, key, nullptr, 0);
    cf_.release(key);
    if (statistics == nullptr) return;
    if (!values[0]) values[0] = cf_.Number(statistics, "Device Utilization %");
    if (!values[1]) values[1] = cf_.Number(statistics, "In use system memory");
    cf_.release(statistics);
  }

  const CoreFoundation cf_;
  const IoKit io_;
  const std::vector<v1::Sensor> sensors_;
};

}  // namespace

std::unique_ptr<Telemetry> OpenIoRegistryTelemetry() {
  const auto cf = CoreFoundation::Open();
  const auto io = IoKit::Open();
  if (!cf || !io) return nullptr;
  return std::make_unique<IoRegistryTelemetry>(*cf, *io);
}

}  // namespace laptime::agent
