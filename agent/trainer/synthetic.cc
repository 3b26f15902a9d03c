#include "agent/trainer/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "agent/trainer/random_stream.h"

namespace laptime::trainer {
namespace {

constexpr uint64_t kDataSeed = 20240229;
constexpr int kFigures = 5;
constexpr double kTint = 35;
constexpr int kNoise = 32;  // peak to peak, of 256

using Colour = std::array<float, kChannels>;

// What one image shows; classes differ in `figure` and `checks`.
struct Scene {
  int figure = 0;
  bool checks = false;
  float x = 0;
  float y = 0;
  float radius = 0;
  float period = 0;  // of the ground's pattern, in pixels
  float slope_x = 0;
  float slope_y = 0;
  Colour ground{};
  Colour pattern{};
  Colour figure_colour{};
};

Colour AnyColour(RandomStream& random, double low, double high) {
  Colour colour;
  for (float& channel : colour) channel = static_cast<float>(random.Uniform(low, high));
  return colour;
}

Scene DrawScene(int label, RandomStream& random) {
  Scene scene;
  scene.figure = label % kFigures;
  scene.checks = label >= kFigures;
  scene.x = static_cast<float>(random.Uniform(11, 21));
  scene.y = static_cast<float>(random.Uniform(11, 21));
  scene.radius = static_cast<float>(random.Uniform(7, 11));
  scene.period = static_cast<float>(random.Uniform(3, 5));
  const double angle = random.Uniform(-0.5, 0.5);
  scene.slope_x = static_cast<float>(std::cos(angle)) / scene.period;
  scene.slope_y = static_cast<float>(std::sin(angle)) / scene.period;
  // Each class tends to a tint of its own, as deer stand on green: seen at once, but not enough.
  scene.ground = AnyColour(random, 35, 115);
  for (int channel = 0; channel < kChannels; ++channel) {
    const double turn = 2 * std::numbers::pi * (label / 10.0 + channel / 3.0);
    scene.ground[static_cast<size_t>(channel)] += static_cast<float>(kTint * std::cos(turn));
  }
  scene.pattern = scene.ground;
  for (float& channel : scene.pattern) channel += 45;
  scene.figure_colour = AnyColour(random, 110, 235);
  return scene;
}

bool InFigure(const Scene& scene, float dx, float dy) {
  const float across = std::abs(dx);
  const float along = std::abs(dy);
  const float far = std::max(across, along);
  const float radius = scene.radius;
  switch (scene.figure) {
    case 0:
      return dx * dx + dy * dy < radius * radius;
    case 1:
      return far < 0.85f * radius;
    case 2: {
      const float square = dx * dx + dy * dy;
      return square < radius * radius && square > 0.36f * radius * radius;
    }
    case 3:
      return std::min(across, along) < 0.3f * radius && far < radius;
    default:
      return across + along < 1.2f * radius && across + along > 0.6f * radius;
  }
}

bool Odd(float value) { return (static_cast<int>(std::floor(value)) & 1) != 0; }

const Colour& ColourAt(const Scene& scene, int x, int y) {
  const float fx = static_cast<float>(x);
  const float fy = static_cast<float>(y);
  if (InFigure(scene, fx - scene.x, fy - scene.y)) return scene.figure_colour;
  bool odd = Odd(fx * scene.slope_x + fy * scene.slope_y);
  if (scene.checks) odd = odd != Odd(fy * scene.slope_x - fx * scene.slope_y);
  return odd ? scene.pattern : scene.ground;
}

void Paint(const Scene& scene, RandomStream& random, uint8_t* image) {
  for (int y = 0; y < kImageSide; ++y) {
    for (int x = 0; x < kImageSide; ++x) {
      const Colour& colour = ColourAt(scene, x, y);
      uint64_t noise = random.Next();
      for (int channel = 0; channel < kChannels; ++channel, noise >>= 8) {
        const float offset = static_cast<float>(noise & (kNoise - 1)) - kNoise / 2.0f;
        const float value = std::clamp(colour[static_cast<size_t>(channel)] + offset, 0.0f, 255.0f);
        image[channel * kPlaneBytes + y * kImageSide + x] = static_cast<uint8_t>(value);
      }
    }
  }
}

ImageSet Generate(RandomUse use, int images) {
  ImageSet set;
  set.labels.resize(static_cast<size_t>(images));
  set.pixels.resize(size_t{kImageBytes} * static_cast<size_t>(images));
  for (int i = 0; i < images; ++i) {
    RandomStream random(use, {kDataSeed, static_cast<uint64_t>(i)});
    const int label = random.Below(kClasses);
    set.labels[static_cast<size_t>(i)] = static_cast<uint8_t>(label);
    Paint(DrawScene(label, random), random,
          set.pixels.data() + size_t{kImageBytes} * static_cast<size_t>(i));
  }
  return set;
}

}  // namespace

Dataset GenerateSyntheticCifar10(int train_images, int eval_images) {
  return {Generate(RandomUse::kSyntheticTrain, train_images),
          Generate(RandomUse::kSyntheticEval, eval_images)};
}

}  // namespace laptime::trainer
