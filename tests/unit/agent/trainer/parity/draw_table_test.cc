#include "agent/trainer/parity/draw_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "agent/trainer/failure.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

using ::testing::HasSubstr;

constexpr ViewDraw kDraw = {.crop = {1, 2, 30, 4},
                            .flip = true,
                            .jitter = true,
                            .order = {3, 1, 0, 2},
                            .factors = {0.7, 1.3, 1, -0.05},
                            .grayscale = true};

// What becomes of a draw that is written to a file and read from it.
ViewDraw ReadBack(const ViewDraw& draw) {
  const testing::TempDir dir;
  const std::string file = dir.File("file");
  DrawTable table(2);
  table.SetRow(0, ViewDraw());
  table.SetRow(1, draw);
  WriteTensors(file, table.Tensors());
  return DrawTable::Of(TensorFile::Read(file), 2).Row(1);
}

std::string ErrorOf(const ViewDraw& draw) {
  try {
    ReadBack(draw);
  } catch (const TrainerError& error) {
    return error.what();
  }
  return "no error";
}

TEST(DrawTableTest, KeepsADraw) {
  const ViewDraw read = ReadBack(kDraw);
  EXPECT_EQ(read.crop.top, 1);
  EXPECT_EQ(read.crop.left, 2);
  EXPECT_EQ(read.crop.height, 30);
  EXPECT_EQ(read.crop.width, 4);
  EXPECT_EQ(read.order, kDraw.order);
  EXPECT_EQ(read.factors, kDraw.factors);
  EXPECT_TRUE(read.flip && read.jitter && read.grayscale);
}

TEST(DrawTableTest, RefusesWhatCannotBeDrawn) {
  ViewDraw draw = kDraw;
  draw.crop.top = 3;
  EXPECT_THAT(ErrorOf(draw), HasSubstr("row 1: crop leaves the image"));
  draw.crop = {0, 0, 0, 5};
  EXPECT_THAT(ErrorOf(draw), HasSubstr("row 1: crop leaves the image"));
  draw = kDraw;
  draw.order = {0, 1, 1, 3};
  EXPECT_THAT(ErrorOf(draw), HasSubstr("order is no permutation"));
  draw = kDraw;
  draw.factors[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ErrorOf(draw), HasSubstr("a factor is negative or no number"));
  draw = kDraw;
  draw.factors[3] = 0.51;
  EXPECT_THAT(ErrorOf(draw), HasSubstr("hue's factor"));
}

}  // namespace
}  // namespace laptime::trainer
