#include "agent/trainer/color.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "agent/trainer/dataset.h"
#include "agent/trainer/vector_clones.h"

// Compiled with -ffp-contract=off: a fused multiply-add would round differently from Pillow's
// builds.
namespace laptime::trainer {
namespace {

// ITU-R 601 luma in 16-bit fixed point, rounded.
LAPTIME_VECTOR_CLONES
void Luma(const uint8_t* image, uint8_t* luma) {
  const uint8_t* red = image;
  const uint8_t* green = image + kPlaneBytes;
  const uint8_t* blue = image + 2 * kPlaneBytes;
  for (int i = 0; i < kPlaneBytes; ++i) {
    luma[i] = static_cast<uint8_t>(
        (red[i] * 19595u + green[i] * 38470u + blue[i] * 7471u + 0x8000u) >> 16);
  }
}

// Pillow's blend of one plane with `base`: in float, clipped, truncated. Within 0 … 1 the clip
// changes nothing.
LAPTIME_VECTOR_CLONES
void BlendWithPlane(const uint8_t* base, float factor, uint8_t* plane) {
  for (int i = 0; i < kPlaneBytes; ++i) {
    const int from = base[i];
    const float mixed = static_cast<float>(from) + factor * static_cast<float>(plane[i] - from);
    plane[i] = static_cast<uint8_t>(static_cast<int>(std::min(255.0f, std::max(0.0f, mixed))));
  }
}

LAPTIME_VECTOR_CLONES
void BlendWithValue(uint8_t base, float factor, uint8_t* image) {
  const int from = base;
  for (int i = 0; i < kImageBytes; ++i) {
    const float mixed = static_cast<float>(from) + factor * static_cast<float>(image[i] - from);
    image[i] = static_cast<uint8_t>(static_cast<int>(std::min(255.0f, std::max(0.0f, mixed))));
  }
}

// Pillow's 8-bit HSV. What is float and what is double here follows Pillow, whose truncations it
// decides. No branches, choices made by masks: only so does a loop over pixels become vector code.
struct Hsv {
  int hue;
  int saturation;
  int value;
};

struct Rgb {
  int red;
  int green;
  int blue;
};

// All bits where `condition` holds, none elsewhere.
[[gnu::always_inline]] inline int Mask(bool condition) { return -static_cast<int>(condition); }

[[gnu::always_inline]] inline float Pick(int mask, float yes, float no) {
  return std::bit_cast<float>((std::bit_cast<int>(yes) & mask) | (std::bit_cast<int>(no) & ~mask));
}

// A gray pixel comes out as Pillow's special case for it does: hue and saturation 0.
[[gnu::always_inline]] inline Hsv ToHsv(const Rgb& pixel) {
  const int high = std::max(pixel.red, std::max(pixel.green, pixel.blue));
  const int low = std::min(pixel.red, std::min(pixel.green, pixel.blue));
  const float range = static_cast<float>(std::max(high - low, 1));
  const float red_part = static_cast<float>(high - pixel.red) / range;
  const float green_part = static_cast<float>(high - pixel.green) / range;
  const float blue_part = static_cast<float>(high - pixel.blue) / range;
  const float from_red = blue_part - green_part;
  const float from_green = static_cast<float>(2.0 + red_part - blue_part);
  const float from_blue = static_cast<float>(4.0 + green_part - red_part);
  const float sixths = Pick(Mask(pixel.red == high), from_red,
                            Pick(Mask(pixel.green == high), from_green, from_blue));
  const double circle = sixths / 6.0 + 1.0;
  const float hue = static_cast<float>(circle - static_cast<int>(circle));
  const float chroma = static_cast<float>(high - low) / static_cast<float>(std::max(high, 1));
  return {static_cast<int>(hue * 255.0), static_cast<int>(chroma * 255.0), high};
}

[[gnu::always_inline]] inline Rgb ToRgb(const Hsv& pixel) {
  const double position = pixel.hue * 6.0 / 255.0;
  const int sector = static_cast<int>(position);  // 0 … 6, and 6 is 0 again
  const float within = static_cast<float>(position - sector);
  const float share = static_cast<float>(pixel.saturation / 255.0);
  const double value = pixel.value;
  const int high = pixel.value;
  const int low = static_cast<int>(value * (1.0 - share) + 0.5);
  const int falling = static_cast<int>(value * (1.0 - static_cast<double>(share * within)) + 0.5);
  const int rising = static_cast<int>(value * (1.0 - share * (1.0 - within)) + 0.5);
  const int first = Mask(sector == 0) | Mask(sector == 6);
  const int second = Mask(sector == 1);
  const int third = Mask(sector == 2);
  const int fourth = Mask(sector == 3);
  const int fifth = Mask(sector == 4);
  const int sixth = Mask(sector == 5);
  return {
      (high & (first | sixth)) | (falling & second) | (low & (third | fourth)) | (rising & fifth),
      (rising & first) | (high & (second | third)) | (falling & fourth) | (low & (fifth | sixth)),
      (low & (first | second)) | (rising & third) | (high & (fourth | fifth)) | (falling & sixth)};
}

LAPTIME_VECTOR_CLONES
void TurnHue(uint8_t turn, uint8_t* image) {
  uint8_t* reds = image;
  uint8_t* greens = image + kPlaneBytes;
  uint8_t* blues = image + 2 * kPlaneBytes;
  for (int i = 0; i < kPlaneBytes; ++i) {
    Hsv pixel = ToHsv({reds[i], greens[i], blues[i]});
    pixel.hue = (pixel.hue + turn) & 255;
    const Rgb turned = ToRgb(pixel);
    reds[i] = static_cast<uint8_t>(turned.red);
    greens[i] = static_cast<uint8_t>(turned.green);
    blues[i] = static_cast<uint8_t>(turned.blue);
  }
}

uint8_t RoundedMean(const uint8_t* plane) {
  unsigned sum = 0;
  for (int i = 0; i < kPlaneBytes; ++i) sum += plane[i];
  return static_cast<uint8_t>(static_cast<int>(static_cast<double>(sum) / kPlaneBytes + 0.5));
}

}  // namespace

void AdjustBrightness(uint8_t* image, double factor) {
  BlendWithValue(0, static_cast<float>(factor), image);
}

void AdjustContrast(uint8_t* image, double factor) {
  uint8_t luma[kPlaneBytes];
  Luma(image, luma);
  BlendWithValue(RoundedMean(luma), static_cast<float>(factor), image);
}

void AdjustSaturation(uint8_t* image, double factor) {
  uint8_t luma[kPlaneBytes];
  Luma(image, luma);
  for (int channel = 0; channel < kChannels; ++channel) {
    BlendWithPlane(luma, static_cast<float>(factor), image + channel * kPlaneBytes);
  }
}

void AdjustHue(uint8_t* image, double hue) {
  // Truncated towards zero, then taken modulo 256: as NumPy turns the number into a byte.
  TurnHue(static_cast<uint8_t>(static_cast<int>(hue * 255)), image);
}

void MakeGray(uint8_t* image) {
  uint8_t luma[kPlaneBytes];
  Luma(image, luma);
  for (int channel = 0; channel < kChannels; ++channel)
    std::memcpy(image + channel * kPlaneBytes, luma, kPlaneBytes);
}

}  // namespace laptime::trainer
