#include "agent/trainer/cuda/cuda_driver.h"

#include <dlfcn.h>

namespace laptime::trainer {
namespace {

template <typename Function>
Function Symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

// The few functions of the driver's C interface that are needed, with their documented signatures.
struct DriverCalls {
  using Init = int (*)(unsigned);
  using GetInteger = int (*)(int*);
  using GetDevice = int (*)(int*, int);
  using GetName = int (*)(char*, int, int);

  explicit DriverCalls(void* library)
      : init(Symbol<Init>(library, "cuInit")),
        version(Symbol<GetInteger>(library, "cuDriverGetVersion")),
        count(Symbol<GetInteger>(library, "cuDeviceGetCount")),
        device(Symbol<GetDevice>(library, "cuDeviceGet")),
        name(Symbol<GetName>(library, "cuDeviceGetName")) {}

  bool complete() const { return init && version && count && device && name; }

  Init init;
  GetInteger version;
  GetInteger count;
  GetDevice device;
  GetName name;
};

std::string NameOf(const DriverCalls& driver, int number) {
  int device = 0;
  char name[128] = "";
  if (driver.device(&device, number) != 0 || driver.name(name, sizeof(name), device) != 0)
    return "NVIDIA GPU";
  return name;
}

}  // namespace

std::optional<CudaDriver> FindCudaDriver() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW);
  if (library == nullptr) return std::nullopt;
  const DriverCalls driver(library);
  int version = 0;
  int count = 0;
  if (!driver.complete() || driver.init(0) != 0 || driver.version(&version) != 0 ||
      driver.count(&count) != 0) {
    return std::nullopt;
  }
  CudaDriver found{std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10), {}};
  for (int number = 0; number < count; ++number) found.devices.push_back(NameOf(driver, number));
  return found;
}

std::optional<std::string> LoadTorchCuda() {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return std::nullopt;
  const char* error = dlerror();
  return error == nullptr ? "unknown error" : error;
}

}  // namespace laptime::trainer
