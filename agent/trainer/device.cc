#include "agent/trainer/device.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/detail/MPSHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <charconv>
#include <cstdlib>
#include <utility>

#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/cuda/cuda_driver.h"
#include "agent/trainer/failure.h"
#include "agent/trainer/host_memory.h"
#include "agent/trainer/process_clock.h"

namespace laptime::trainer {
namespace {

constexpr char kCudaPrefix[] = "cuda:";

[[noreturn]] void Fail(const std::string& name, const std::string& why, const std::string& hint) {
  throw TrainerError(FailureCause::kSetup, "device " + name + ": " + why, hint);
}

int CudaIndex(const std::string& name) {
  if (name == "cuda") return 0;
  const char* begin = name.data() + sizeof(kCudaPrefix) - 1;
  const char* end = name.data() + name.size();
  int index = -1;
  const auto [rest, error] = std::from_chars(begin, end, index);
  if (error != std::errc() || rest != end || index < 0) {
    Fail(name, "not a device number", "cuda:0 is the first NVIDIA device");
  }
  return index;
}

// Of this process, by the driver. LibTorch's allocator keeps what it was once given.
double MpsMemoryBytes() {
  return static_cast<double>(at::detail::getMPSHooks().getDriverAllocatedMemory());
}

// All work of this thread goes to one stream, which is not the default one: that cannot be
// recorded.
void UseOwnStream(c10::Device device) {
  const c10::impl::VirtualGuardImpl implementation(device.type());
  at::accelerator::setCurrentStream(implementation.getStreamFromGlobalPool(device));
}

// Returns the device's model.
std::string OpenCuda(const std::string& name, int index) {
  const std::optional<CudaDriver> driver = FindCudaDriver();
  if (!driver.has_value()) Fail(name, "no NVIDIA driver (libcuda.so.1)", "--device cpu needs none");
  const auto count = driver->devices.size();
  if (static_cast<size_t>(index) >= count) {
    Fail(name, "the driver shows " + std::to_string(count) + " devices",
         count == 0 ? "--device cpu needs none"
                    : "cuda:0 to cuda:" + std::to_string(count - 1) + " exist");
  }
  if (const auto error = LoadTorchCuda()) {
    Fail(name, "LibTorch's CUDA library does not load: " + *error,
         "deploy/setup installs it on a machine with an NVIDIA driver");
  }
  if (!at::hasCUDA())
    Fail(name, "LibTorch cannot use the driver", "is it newer than CUDA " + driver->version + "?");
  at::accelerator::setDeviceIndex(static_cast<c10::DeviceIndex>(index));
  UseOwnStream(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)));
  return driver->devices[static_cast<size_t>(index)];
}

constexpr char kMpsFallback[] = "PYTORCH_ENABLE_MPS_FALLBACK";

void OpenMps() {
  const char* fallback = std::getenv(kMpsFallback);
  if (fallback != nullptr && std::string(fallback) == "1") {
    Fail("mps", std::string(kMpsFallback) + "=1 would let the CPU do a part of the work",
         std::string("unset ") + kMpsFallback);
  }
  if (!at::hasMPS())
    Fail("mps", "there is no Metal device here",
         "mps exists on Apple silicon; --device cpu everywhere");
}

}  // namespace

Device::Device(c10::Device device, std::string name, std::string model)
    : device_(device),
      memory_format_(device.is_mps() ? c10::MemoryFormat::Contiguous
                                     : c10::MemoryFormat::ChannelsLast),
      name_(std::move(name)),
      model_(std::move(model)) {}

Device Device::Open(const std::string& name) {
  if (name == "cpu") return {c10::Device(c10::kCPU), name, CpuModel()};
  if (name == "mps") {
    OpenMps();
    return {c10::Device(c10::kMPS, 0), name, CpuModel()};
  }
  if (name == "cuda" || name.starts_with(kCudaPrefix)) {
    const int index = CudaIndex(name);
    std::string model = OpenCuda(name, index);
    return {c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)),
            kCudaPrefix + std::to_string(index), std::move(model)};
  }
  Fail(name, "unknown", "devices are cpu, cuda:N and mps");
}

PixelLayout Device::pixel_layout() const {
  return memory_format_ == c10::MemoryFormat::ChannelsLast ? PixelLayout::kInterleaved
                                                           : PixelLayout::kPlanar;
}

Device Device::With(PixelLayout layout) const {
  Device device = *this;
  device.memory_format_ = layout == PixelLayout::kInterleaved ? c10::MemoryFormat::ChannelsLast
                                                              : c10::MemoryFormat::Contiguous;
  return device;
}

void Device::Synchronize() const {
  if (!cpu()) at::accelerator::synchronizeDevice(device_.index());
}

std::optional<double> Device::PeakMemoryBytes() const {
  if (cpu()) return PeakResidentBytes();
  if (!cuda()) return MpsMemoryBytes();
  const auto stats = at::accelerator::getDeviceStats(device_.index());
  return static_cast<double>(
      stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak);
}

void Device::GiveBackUnusedMemory() const {
  if (cpu()) return GiveBackUnusedHostMemory();
  if (cuda()) at::accelerator::emptyCache();
}

std::optional<double> Device::FreeMemoryBytes() const {
  if (cpu()) return FreeHostMemoryBytes();
  if (!cuda()) return std::nullopt;
  return static_cast<double>(at::accelerator::getMemoryInfo(device_.index()).first);
}

void Device::ForgetPeakMemory() const {
  if (cuda()) at::accelerator::resetPeakStats(device_.index());
}

std::vector<std::string> Accelerators() {
  std::vector<std::string> names = {"cpu"};
  if (const auto driver = FindCudaDriver()) {
    for (size_t i = 0; i < driver->devices.size(); ++i)
      names.push_back(kCudaPrefix + std::to_string(i));
  }
#ifdef __APPLE__
  if (at::hasMPS()) names.emplace_back("mps");
#endif
  return names;
}

}  // namespace laptime::trainer
