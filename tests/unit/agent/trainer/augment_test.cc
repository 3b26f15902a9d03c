#include "agent/trainer/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/trainer/dataset.h"

namespace laptime::trainer {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAreArray;
using ::testing::Ge;
using ::testing::Le;
using Pixels = std::array<uint8_t, kImageBytes>;

// The picture that the golden results below were made of: a linear congruential generator's high
// bytes.
Pixels TestPicture() {
  Pixels pixels;
  uint32_t state = 12345;
  for (uint8_t& pixel : pixels) {
    state = state * 1664525u + 1013904223u;
    pixel = static_cast<uint8_t>(state >> 24);
  }
  return pixels;
}

uint64_t Fnv1a(const Pixels& pixels) {
  uint64_t hash = 0xcbf29ce484222325;
  for (uint8_t pixel : pixels) hash = (hash ^ pixel) * 0x100000001b3;
  return hash;
}

// What torchvision 0.26 with Pillow 13.0 makes of the picture: the hash of all bytes, and the first
// few to look at.
struct Golden {
  std::string name;
  ViewDraw draw;
  uint64_t hash;
  std::array<uint8_t, 8> first;
};

// A table, so as long as it is. NOLINTNEXTLINE(readability-function-size)
const std::vector<Golden>& GoldenViews() {
  static const std::vector<Golden> views = {
      {"Identity",
       {.crop = {0, 0, 32, 32}},
       0xca1d3dd2f6110deb,
       {5, 4, 139, 162, 232, 28, 126, 140}},
      {"OnePixel", {.crop = {31, 7, 1, 1}}, 0x83e5af3d5230a325, {20, 20, 20, 20, 20, 20, 20, 20}},
      {"TallCrop",
       {.crop = {3, 9, 27, 6}},
       0xa2c152fc9715ff48,
       {183, 183, 183, 158, 128, 98, 68, 38}},
      {"WideCrop",
       {.crop = {11, 0, 5, 32}},
       0x2045ee3b0ce85a0a,
       {174, 78, 172, 113, 94, 1, 197, 41}},
      {"MirroredCrop",
       {.crop = {2, 5, 19, 23}, .flip = true},
       0x645cdb60517beab3,
       {156, 157, 118, 27, 161, 206, 182, 109}},
      {"Brighter",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {1.4, 1, 1, 0}},
       0x8f100406a9bc03fd,
       {7, 5, 194, 226, 255, 39, 176, 194}},
      {"Darker",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {0.6, 1, 1, 0}},
       0x393c858e9b9e9ecd,
       {3, 2, 83, 97, 139, 16, 75, 84}},
      {"MoreContrast",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {1, 1.37, 1, 0}},
       0x623f7771a4b05553,
       {0, 0, 144, 173, 255, 0, 125, 143}},
      {"LessContrast",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {1, 0.61, 1, 0}},
       0x64efb902f4aaf2d9,
       {52, 52, 134, 148, 191, 66, 126, 134}},
      {"MoreSaturation",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {1, 1, 1.4, 0}},
       0xafbb37f4caf926e6,
       {0, 0, 134, 170, 244, 0, 141, 143}},
      {"LessSaturation",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {1, 1, 0.73, 0}},
       0xfd0cfc1667f02b54,
       {27, 39, 142, 155, 223, 55, 115, 136}},
      {"HueForward",
       {.crop = {0, 0, 32, 32}, .jitter = true, .order = {0, 1, 2, 3}, .factors = {1, 1, 1, 0.1}},
       0x7e56a69062226daf,
       {5, 5, 139, 196, 232, 29, 118, 192}},
      {"HueBackward",
       {.crop = {0, 0, 32, 32},
        .jitter = true,
        .order = {0, 1, 2, 3},
        .factors = {1, 1, 1, -0.0731}},
       0xd43684ff575851f8,
       {5, 5, 139, 129, 232, 29, 126, 110}},
      {"Gray",
       {.crop = {0, 0, 32, 32}, .grayscale = true},
       0x32f87448d9f30f7c,
       {89, 136, 151, 142, 200, 130, 88, 129}},
      {"Everything",
       {.crop = {4, 6, 20, 17},
        .flip = true,
        .jitter = true,
        .order = {2, 0, 3, 1},
        .factors = {0.83, 1.21, 1.13, 0.057}},
       0xc1e8e84130730d51,
       {0, 2, 69, 105, 121, 100, 91, 115}},
      {"EverythingInAnotherOrder",
       {.crop = {4, 6, 20, 17},
        .flip = true,
        .jitter = true,
        .order = {1, 3, 0, 2},
        .factors = {0.83, 1.21, 1.13, 0.057}},
       0x57426f64ed498c57,
       {0, 4, 69, 102, 119, 101, 91, 117}},
      {"EverythingGray",
       {.crop = {0, 0, 9, 13},
        .jitter = true,
        .order = {3, 2, 1, 0},
        .factors = {1.33, 0.74, 0.68, -0.091},
        .grayscale = true},
       0xf57d1310807f6437,
       {121, 125, 142, 160, 171, 182, 193, 185}},
  };
  return views;
}

class AugmentGoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(AugmentGoldenTest, MakesPillowsBytes) {
  const Pixels picture = TestPicture();
  Pixels view;
  MakeView(picture.data(), GetParam().draw, view.data());
  const std::vector<uint8_t> first(view.begin(), view.begin() + 8);
  EXPECT_THAT(first, ElementsAreArray(GetParam().first));
  EXPECT_EQ(Fnv1a(view), GetParam().hash);
}

INSTANTIATE_TEST_SUITE_P(Views, AugmentGoldenTest, ::testing::ValuesIn(GoldenViews()),
                         [](const auto& info) { return info.param.name; });

std::vector<ViewDraw> ManyDraws() {
  std::vector<ViewDraw> draws;
  for (uint64_t image = 0; image < 20000; ++image) {
    RandomStream random(RandomUse::kView, {1, 1, image, 0});
    draws.push_back(DrawView(random));
  }
  return draws;
}

TEST(AugmentTest, DrawsCropsInsideTheImage) {
  for (const ViewDraw& draw : ManyDraws()) {
    ASSERT_GE(draw.crop.top, 0);
    ASSERT_GE(draw.crop.left, 0);
    ASSERT_GT(draw.crop.width, 0);
    ASSERT_GT(draw.crop.height, 0);
    ASSERT_LE(draw.crop.top + draw.crop.height, kImageSide);
    ASSERT_LE(draw.crop.left + draw.crop.width, kImageSide);
  }
}

TEST(AugmentTest, DrawsCropAreasEvenlyFromEightPercentUp) {
  double sum = 0;
  int smallest = kPlaneBytes;
  const std::vector<ViewDraw> draws = ManyDraws();
  for (const ViewDraw& draw : draws) {
    const int area = draw.crop.width * draw.crop.height;
    smallest = std::min(smallest, area);
    sum += area;
  }
  // Uniform over .08 … 1 has the mean .54; shapes that do not fit are drawn again, which costs
  // large ones: .4898 with torchvision's own formula.
  const double mean = sum / static_cast<double>(draws.size()) / kPlaneBytes;
  EXPECT_NEAR(mean, 0.4898, 0.006);
  EXPECT_LT(smallest, 0.1 * kPlaneBytes);
}

TEST(AugmentTest, DrawsWithSimClrsProbabilities) {
  const std::vector<ViewDraw> draws = ManyDraws();
  double flips = 0;
  double jitters = 0;
  double grays = 0;
  for (const ViewDraw& draw : draws) {
    flips += draw.flip;
    jitters += draw.jitter;
    grays += draw.grayscale;
  }
  const auto count = static_cast<double>(draws.size());
  EXPECT_NEAR(flips / count, 0.5, 0.015);
  EXPECT_NEAR(jitters / count, 0.8, 0.015);
  EXPECT_NEAR(grays / count, 0.2, 0.015);
}

TEST(AugmentTest, DrawsEveryOrderAndFactorsInTheirRanges) {
  std::set<std::array<int, 4>> orders;
  for (const ViewDraw& draw : ManyDraws()) {
    if (!draw.jitter) continue;
    orders.insert(draw.order);
    const std::vector<double> blends(draw.factors.begin(), draw.factors.begin() + 3);
    ASSERT_THAT(blends, Each(AllOf(Ge(0.6), Le(1.4))));
    ASSERT_THAT(draw.factors[3], AllOf(Ge(-0.1), Le(0.1)));
  }
  EXPECT_EQ(orders.size(), 24u);
}

TEST(AugmentTest, InterleavesPlanes) {
  const Pixels picture = TestPicture();
  Pixels mixed;
  Interleave(picture.data(), mixed.data());
  for (int i : {0, 1, 511, 1023}) {
    for (int channel = 0; channel < kChannels; ++channel) {
      EXPECT_EQ(mixed[static_cast<size_t>(3 * i + channel)],
                picture[static_cast<size_t>(channel * kPlaneBytes + i)]);
    }
  }
}

}  // namespace
}  // namespace laptime::trainer
