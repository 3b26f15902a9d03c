#pragma once

#include <optional>
#include <string>
#include <vector>

namespace laptime::trainer {

// What the NVIDIA driver says, asked by dlopen: no build needs it and no host must have it.
struct CudaDriver {
  std::string version;               // "13.0", the newest CUDA it can run
  std::vector<std::string> devices;  // names, by CUDA's numbers
};

// Nothing when there is no driver or it does not start.
std::optional<CudaDriver> FindCudaDriver();

// Opens LibTorch's CUDA library, which registers itself: the same program then serves CPU and CUDA.
// Call it before the first CUDA tensor. Returns what went wrong, nothing when all is well.
std::optional<std::string> LoadTorchCuda();

}  // namespace laptime::trainer
