#include <dlfcn.h>
#include <mach/mach.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "agent/telemetry/mach_telemetry.h"

namespace laptime::agent {
namespace {

// The few prototypes of IOKit and CoreFoundation that are used, written out: their headers come
// only with Xcode, and both libraries are opened at run time, like NVML.
using CfType = const void*;
using IoObject = mach_port_t;
constexpr uint32_t kUtf8 = 0x08000100;  // kCFStringEncodingUTF8
constexpr long kSint64 = 4;             // kCFNumberSInt64Type

struct IoKit {
  void* kit = nullptr;
  void* foundation = nullptr;
  CfType (*matching)(const char*) = nullptr;
  kern_return_t (*services)(mach_port_t, CfType, IoObject*) = nullptr;
  IoObject (*next)(IoObject) = nullptr;
  CfType (*property)(IoObject, CfType, CfType, uint32_t) = nullptr;
  kern_return_t (*release_object)(IoObject) = nullptr;
  CfType (*make_string)(CfType, const char*, uint32_t) = nullptr;
  CfType (*value)(CfType, CfType) = nullptr;
  unsigned char (*number)(CfType, long, void*) = nullptr;
  void (*release)(CfType) = nullptr;

  template <typename Function>
  static bool Find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
  }
  bool Open() {
    kit = dlopen("/System/Library/Frameworks/IOKit.framework/IOKit", RTLD_NOW | RTLD_LOCAL);
    foundation = dlopen("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation",
                        RTLD_NOW | RTLD_LOCAL);
    return kit != nullptr && foundation != nullptr && Find(kit, "IOServiceMatching", matching) &&
           Find(kit, "IOServiceGetMatchingServices", services) &&
           Find(kit, "IOIteratorNext", next) &&
           Find(kit, "IORegistryEntryCreateCFProperty", property) &&
           Find(kit, "IOObjectRelease", release_object) &&
           Find(foundation, "CFStringCreateWithCString", make_string) &&
           Find(foundation, "CFDictionaryGetValue", value) &&
           Find(foundation, "CFNumberGetValue", number) && Find(foundation, "CFRelease", release);
  }
};

class IoRegistryTelemetry : public Telemetry {
 public:
  explicit IoRegistryTelemetry(const IoKit& io)
      : io_(io),
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
      io_.release_object(gpu);
    }
    io_.release_object(iterator);
    return values;
  }

 private:
  void ReadGpu(IoObject gpu, std::vector<std::optional<double>>& values) const {
    const CfType key = io_.make_string(nullptr, "PerformanceStatistics", kUtf8);
    const CfType statistics = io_.property(gpu, key, nullptr, 0);
    io_.release(key);
    if (statistics == nullptr) return;
    if (!values[0]) values[0] = Number(statistics, "Device Utilization %");
    if (!values[1]) values[1] = Number(statistics, "In use system memory");
    io_.release(statistics);
  }

  std::optional<double> Number(CfType dictionary, const char* name) const {
    const CfType key = io_.make_string(nullptr, name, kUtf8);
    const CfType number = io_.value(dictionary, key);
    io_.release(key);
    int64_t value = 0;
    if (number == nullptr || io_.number(number, kSint64, &value) == 0) return std::nullopt;
    return static_cast<double>(value);
  }

  const IoKit io_;
  const std::vector<v1::Sensor> sensors_;
};

}  // namespace

std::unique_ptr<Telemetry> OpenIoRegistryTelemetry() {
  IoKit io;
  if (!io.Open()) return nullptr;
  return std::make_unique<IoRegistryTelemetry>(io);
}

}  // namespace laptime::agent
