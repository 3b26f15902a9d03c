#include "agent/trainer/flops.h"

namespace laptime::trainer {
namespace {

constexpr int kFeatures = 512;

// Multiply-adds of a convolution whose result is `side` pixels high and wide.
constexpr double Convolution(int in, int out, int kernel, int side) {
  return 1.0 * in * out * kernel * kernel * side * side;
}

// The first block of a stage halves the image, and its shortcut is a 1x1 convolution.
constexpr double HalvingStage(int in, int side) {
  const int out = 2 * in;
  return Convolution(in, out, 3, side) + 3 * Convolution(out, out, 3, side) +
         Convolution(in, out, 1, side);
}

constexpr double kBackbone = Convolution(3, 64, 3, 32) + 4 * Convolution(64, 64, 3, 32) +
                             HalvingStage(64, 16) + HalvingStage(128, 8) + HalvingStage(256, 4);
constexpr double kHead = 1.0 * kFeatures * 512 + 512.0 * 128;

}  // namespace

double BackboneFlops() { return 2 * kBackbone; }
double HeadFlops() { return 2 * kHead; }

double LapFlops(int trained_images, int bank_images, int test_images) {
  constexpr double kViews = 2;
  constexpr double kForwardAndBackward = 3;
  return trained_images * kViews * kForwardAndBackward * (BackboneFlops() + HeadFlops()) +
         (bank_images + test_images) * BackboneFlops() +
         2.0 * kFeatures * bank_images * test_images;
}

}  // namespace laptime::trainer
