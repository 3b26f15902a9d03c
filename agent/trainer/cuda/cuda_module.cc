#include "agent/trainer/cuda/cuda_module.h"

#include <dlfcn.h>

namespace laptime::trainer {
namespace {

std::string LastError() {
  const char* error = dlerror();
  return error == nullptr ? "unknown error" : error;
}

}  // namespace

std::variant<const CudaModule*, std::string> OpenCudaModule() {
  // Found by the program's RPATH, which names its own folder.
  void* library = dlopen(kCudaModuleFile, RTLD_NOW);
  if (library == nullptr) return LastError();
  auto* entry = reinterpret_cast<CudaModuleEntry*>(dlsym(library, kCudaModuleEntry));
  if (entry == nullptr) return LastError();
  return entry();
}

}  // namespace laptime::trainer
