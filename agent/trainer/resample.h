#pragma once

#include <cstdint>

namespace laptime::trainer {

struct CropBox {
  int top = 0;
  int left = 0;
  int height = 32;
  int width = 32;
};

// Cuts `box` out of a planar 32x32 image and enlarges it to 32x32 exactly as Pillow's crop and
// bilinear resize do: half-pixel centres, 22-bit fixed-point weights, rows first, rounded to bytes
// between the passes. Mirrors the result left to right when `flip` is set. `out` must not overlap
// `image`.
void ResizedCrop(const uint8_t* image, const CropBox& box, bool flip, uint8_t* out);

}  // namespace laptime::trainer
