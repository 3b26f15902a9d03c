#pragma once

#include <map>
#include <string>

#include "agent/trainer/device.h"

namespace laptime::trainer {

// Name to version of everything that can change a time: laptime, LibTorch and what it was built
// with, compiler, C library and C++ runtime, operating system, the CPU's instruction set as
// LibTorch uses it, CUDA and cuDNN when the device is an NVIDIA one. What is not there is left out.
std::map<std::string, std::string> Versions(const Device& device);

}  // namespace laptime::trainer
