#include "agent/trainer/resample.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/trainer/dataset.h"
#include "agent/trainer/vector_clones.h"

namespace laptime::trainer {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);

// How one output pixel is made of two neighbouring input pixels. A crop is never larger than the
// result, so the filter never widens and two taps are all there are.
struct Taps {
  int first = 0;
  int second = 0;
  int32_t first_weight = 0;
  int32_t second_weight = 0;
};

using AxisTaps = std::array<Taps, kImageSide>;

double Triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

int32_t Fixed(double weight) { return static_cast<int32_t>(0.5 + weight * (1 << kPrecisionBits)); }

Taps TapsOf(int output, int input_size) {
  const double scale = static_cast<double>(input_size) / kImageSide;
  const double center = (output + 0.5) * scale;
  const int begin = std::max(0, static_cast<int>(center - 1.0 + 0.5));
  const int end = std::min(input_size, static_cast<int>(center + 1.0 + 0.5));
  const double first = Triangle(begin - center + 0.5);
  const double second = end - begin > 1 ? Triangle(begin + 1 - center + 0.5) : 0.0;
  const double sum = first + second;
  return {begin, std::min(begin + 1, input_size - 1), Fixed(first / sum), Fixed(second / sum)};
}

// The taps for every crop size 1 … 32.
const AxisTaps& TapsForSize(int size) {
  static const std::array<AxisTaps, kImageSide + 1> tables = [] {
    std::array<AxisTaps, kImageSide + 1> all{};
    for (int size = 1; size <= kImageSide; ++size) {
      for (int output = 0; output < kImageSide; ++output) {
        all[static_cast<size_t>(size)][static_cast<size_t>(output)] = TapsOf(output, size);
      }
    }
    return all;
  }();
  return tables[static_cast<size_t>(size)];
}

uint8_t Mix(const Taps& taps, uint8_t first, uint8_t second) {
  return static_cast<uint8_t>((first * taps.first_weight + second * taps.second_weight + kHalf) >>
                              kPrecisionBits);
}

LAPTIME_VECTOR_CLONES
void MixRows(const uint8_t* first, const uint8_t* second, int32_t first_weight,
             int32_t second_weight, uint8_t* out) {
  for (int x = 0; x < kImageSide; ++x) {
    out[x] = static_cast<uint8_t>((first[x] * first_weight + second[x] * second_weight + kHalf) >>
                                  kPrecisionBits);
  }
}

}  // namespace

void ResizedCrop(const uint8_t* image, const CropBox& box, bool flip, uint8_t* out) {
  // Mirroring the columns' taps mirrors the result: the vertical pass works on each column alone.
  AxisTaps across = TapsForSize(box.width);
  if (flip) std::ranges::reverse(across);
  const AxisTaps& down = TapsForSize(box.height);
  uint8_t wide[kImageSide][kImageSide];  // the box's rows, stretched
  for (int channel = 0; channel < kChannels; ++channel) {
    const uint8_t* plane = image + channel * kPlaneBytes + box.top * kImageSide + box.left;
    for (int y = 0; y < box.height; ++y) {
      const uint8_t* row = plane + y * kImageSide;
      for (int x = 0; x < kImageSide; ++x) {
        const Taps& taps = across[static_cast<size_t>(x)];
        wide[y][x] = Mix(taps, row[taps.first], row[taps.second]);
      }
    }
    for (int y = 0; y < kImageSide; ++y, out += kImageSide) {
      const Taps& taps = down[static_cast<size_t>(y)];
      MixRows(wide[taps.first], wide[taps.second], taps.first_weight, taps.second_weight, out);
    }
  }
}

}  // namespace laptime::trainer
