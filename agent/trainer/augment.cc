#include "agent/trainer/augment.h"

#include <cmath>
#include <utility>

#include "agent/trainer/color.h"
#include "agent/trainer/dataset.h"

namespace laptime::trainer {
namespace {

constexpr double kMinArea = 0.08;
constexpr double kMinAspect = 3.0 / 4.0;
constexpr double kMaxAspect = 4.0 / 3.0;
constexpr int kCropTries = 10;
constexpr double kFlipProbability = 0.5;
constexpr double kJitterProbability = 0.8;
constexpr double kGrayscaleProbability = 0.2;
constexpr double kJitterStrength = 0.4;
constexpr double kHueStrength = 0.1;

// torchvision's RandomResizedCrop. Its central fallback is the whole image, since that is square.
CropBox DrawCrop(RandomStream& random) {
  for (int attempt = 0; attempt < kCropTries; ++attempt) {
    const double area = kPlaneBytes * random.Uniform(kMinArea, 1.0);
    const double aspect = std::exp(random.Uniform(std::log(kMinAspect), std::log(kMaxAspect)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area * aspect)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area / aspect)));
    if (width > 0 && width <= kImageSide && height > 0 && height <= kImageSide) {
      const int top = random.Below(kImageSide - height + 1);
      const int left = random.Below(kImageSide - width + 1);
      return {top, left, height, width};
    }
  }
  return {};
}

void DrawJitter(RandomStream& random, ViewDraw& draw) {
  for (int left = 4; left > 1; --left) {
    std::swap(draw.order[static_cast<size_t>(left - 1)],
              draw.order[static_cast<size_t>(random.Below(left))]);
  }
  for (size_t op = 0; op < 3; ++op)
    draw.factors[op] = random.Uniform(1 - kJitterStrength, 1 + kJitterStrength);
  draw.factors[3] = random.Uniform(-kHueStrength, kHueStrength);
}

void Jitter(const ViewDraw& draw, uint8_t* image) {
  constexpr void (*kOperations[])(uint8_t*, double) = {AdjustBrightness, AdjustContrast,
                                                       AdjustSaturation, AdjustHue};
  for (int op : draw.order) kOperations[op](image, draw.factors[static_cast<size_t>(op)]);
}

}  // namespace

ViewDraw DrawView(RandomStream& random) {
  ViewDraw draw;
  draw.crop = DrawCrop(random);
  draw.flip = random.Uniform() < kFlipProbability;
  draw.jitter = random.Uniform() < kJitterProbability;
  if (draw.jitter) DrawJitter(random, draw);
  draw.grayscale = random.Uniform() < kGrayscaleProbability;
  return draw;
}

ViewDraw DrawView(uint64_t seed, int epoch, int image, size_t view) {
  RandomStream random(RandomUse::kView,
                      {seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(image), view});
  return DrawView(random);
}

void MakeView(const uint8_t* image, const ViewDraw& draw, uint8_t* out) {
  ResizedCrop(image, draw.crop, draw.flip, out);
  if (draw.jitter) Jitter(draw, out);
  if (draw.grayscale) MakeGray(out);
}

void Interleave(const uint8_t* planar, uint8_t* out) {
  for (int i = 0; i < kPlaneBytes; ++i) {
    out[kChannels * i] = planar[i];
    out[kChannels * i + 1] = planar[kPlaneBytes + i];
    out[kChannels * i + 2] = planar[2 * kPlaneBytes + i];
  }
}

}  // namespace laptime::trainer
