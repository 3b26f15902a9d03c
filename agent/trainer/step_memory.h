#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"

namespace laptime::trainer {

// Bytes that LibTorch's allocator gives out at most at one time, on a CPU or an NVIDIA device, for
// a model of `workload` and one training step of `images` images. Measured by doing that; throws
// what LibTorch throws.
int64_t StepMemoryBytes(const Workload& workload, const Device& device, int64_t images);

// Bytes of a step of N images: a + b·N + c·N², for activations grow with the images and SimCLR's
// similarities with their pairs.
struct MemoryModel {
  double fixed = 0;
  double image = 0;
  double pair = 0;

  double Bytes(double images) const { return fixed + images * (image + images * pair); }

  // The most images, up to `most`, whose step takes at most `bytes`; 0 where none.
  int64_t Fitting(double bytes, int64_t most) const;
};

// The most images, up to `most`, of which `fits` is true, or up to a sixteenth fewer; 0 where of
// none. Asks about `most` first, and expects that what fits one batch fits a smaller one.
int64_t LargestThatFits(int64_t most, const std::function<bool(int64_t images)>& fits);

// Through the steps of three small batches.
MemoryModel MeasureMemory(const Workload& workload, const Device& device);

// What to do about a batch that did not fit on one device, with the size that would and how that is
// known. MPS tells nobody what it allocates: there it is only that less is needed.
std::string MemoryHint(const Workload& workload, const Device& device);

}  // namespace laptime::trainer
