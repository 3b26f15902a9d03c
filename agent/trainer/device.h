#pragma once

#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/loader.h"

namespace laptime::trainer {

// The one device that trains, chosen in main. A value; the same code runs on all kinds, and what
// differs is asked here.
class Device {
 public:
  // "cpu", "cuda", "cuda:N" or "mps". Loads LibTorch's CUDA library for the second and third.
  // Throws TrainerError (setup) saying what is missing.
  static Device Open(const std::string& name);

  c10::Device torch() const { return device_; }
  bool cpu() const { return device_.is_cpu(); }
  bool cuda() const { return device_.is_cuda(); }

  // "cuda:0".
  const std::string& name() const { return name_; }
  // "NVIDIA RTX A6000".
  const std::string& model() const { return model_; }

  // How images lie in memory: what With said, else channels-last except on MPS, whose backward pass
  // is slow with it.
  c10::MemoryFormat memory_format() const { return memory_format_; }
  PixelLayout pixel_layout() const;

  // The same device with images in that layout.
  Device With(PixelLayout layout) const;

  // Blocks until the device has done everything it was given.
  void Synchronize() const;

  // CPU: the process's largest resident size. CUDA: the allocator's peak. MPS: what the driver has
  // given so far and the allocator keeps.
  std::optional<double> PeakMemoryBytes() const;
  // What this process's allocator holds and does not use, as far as it can. Not on MPS.
  void GiveBackUnusedMemory() const;
  // What is left besides. Nothing on MPS, and on a CPU whose system does not say.
  std::optional<double> FreeMemoryBytes() const;
  // CUDA: the peak counts from now on. Elsewhere it cannot be reset.
  void ForgetPeakMemory() const;

 private:
  Device(c10::Device device, std::string name, std::string model);

  c10::Device device_;
  c10::MemoryFormat memory_format_;
  std::string name_;
  std::string model_;
};

// Names of all devices here, "cpu" first.
std::vector<std::string> Accelerators();

}  // namespace laptime::trainer
