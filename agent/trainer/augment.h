#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/trainer/random_stream.h"
#include "agent/trainer/resample.h"

namespace laptime::trainer {

// Everything that is random about one view of one image. The jitter numbers its operations 0
// brightness, 1 contrast, 2 saturation, 3 hue; `order` is the permutation they are applied in.
struct ViewDraw {
  CropBox crop;
  bool flip = false;
  bool jitter = false;
  std::array<int, 4> order = {0, 1, 2, 3};
  std::array<double, 4> factors = {1, 1, 1, 0};
  bool grayscale = false;
};

// Draws a view with SimCLR's distributions ("simclr-1" in proto/workloads.json).
ViewDraw DrawView(RandomStream& random);

// The draw of a run's view: `view` is 0 or 1, epochs count from 1. It depends on nothing else.
ViewDraw DrawView(uint64_t seed, int epoch, int image, size_t view);

// Makes the view of a planar 32x32 image: byte for byte what torchvision makes of a PIL image with
// the same draw. `out` is planar too and must not overlap `image`.
void MakeView(const uint8_t* image, const ViewDraw& draw, uint8_t* out);

// R, G, B planes to RGBRGB…: the memory of a channels-last tensor.
void Interleave(const uint8_t* planar, uint8_t* out);

}  // namespace laptime::trainer
