#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace laptime::trainer {

// What only LibTorch's CUDA library has, so that a program for every machine cannot link it: it
// lies in a library of its own, beside the trainer, and is opened on a machine that has a driver.
inline constexpr char kCudaModuleFile[] = "liblaptime_cuda.so";

// Work of a device that is recorded once and then replayed as a whole. One thread; the stream that
// is current must always be the same one, and not the device's default.
class CudaGraph {
 public:
  virtual ~CudaGraph() = default;

  // Records what `work` gives to the device, without doing it. What `work` throws comes out, and so
  // does a c10::Error about what cannot be recorded.
  virtual void Record(const std::function<void()>& work) = 0;

  virtual void Replay() = 0;
};

struct CudaModule {
  std::unique_ptr<CudaGraph> (*new_graph)();
  // Collective operations of CUDA tensors by NCCL; nullptr where this was built without it.
  c10::intrusive_ptr<c10d::Backend> (*new_nccl)(c10::intrusive_ptr<c10d::Store> store, int rank,
                                                int size, std::chrono::milliseconds timeout);
};

// What the library exports under this name.
inline constexpr char kCudaModuleEntry[] = "LaptimeCudaModule";
using CudaModuleEntry = const CudaModule*();

// Opens it, once LoadTorchCuda has done its part; or says why not.
std::variant<const CudaModule*, std::string> OpenCudaModule();

}  // namespace laptime::trainer
