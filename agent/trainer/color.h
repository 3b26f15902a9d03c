#pragma once

#include <cstdint>

namespace laptime::trainer {

// Colour operations on a planar 32x32 RGB image, in place, byte for byte what torchvision does on a
// PIL image. Factors are what torchvision calls them; `hue` is a share of the colour circle, -0.5 …
// 0.5.
void AdjustBrightness(uint8_t* image, double factor);
void AdjustContrast(uint8_t* image, double factor);
void AdjustSaturation(uint8_t* image, double factor);
void AdjustHue(uint8_t* image, double hue);
void MakeGray(uint8_t* image);

}  // namespace laptime::trainer
