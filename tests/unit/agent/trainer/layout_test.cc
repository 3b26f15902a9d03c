#include "agent/trainer/layout.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;

constexpr Layout kTwo{PixelLayout::kInterleaved, 2};
constexpr Layout kFour{PixelLayout::kInterleaved, 4};
constexpr Layout kPlanarTwo{PixelLayout::kPlanar, 2};

LayoutChoice Choose(const std::vector<std::pair<Layout, double>>& steps) {
  std::vector<Layout> candidates;
  for (const auto& [layout, seconds] : steps) candidates.push_back(layout);
  size_t asked = 0;
  return ChooseLayout(candidates, [&](const Layout& layout) {
    EXPECT_EQ(layout, steps[asked].first);
    return steps[asked++].second;
  });
}

TEST(ChooseLayoutTest, TakesTheFastest) {
  EXPECT_EQ(Choose({{kTwo, 2}, {kFour, 1.5}, {kPlanarTwo, 1}}).layout, kPlanarTwo);
  EXPECT_EQ(Choose({{kTwo, 1}, {kFour, 1.5}, {kPlanarTwo, 2}}).layout, kTwo);
}

TEST(ChooseLayoutTest, KeepsTheFirstWhereTheDifferenceIsNoise) {
  EXPECT_EQ(Choose({{kTwo, 1}, {kPlanarTwo, 0.98}}).layout, kTwo);
  EXPECT_EQ(Choose({{kTwo, 1}, {kPlanarTwo, 0.96}}).layout, kPlanarTwo);
}

TEST(ChooseLayoutTest, TellsWhatItMeasured) {
  EXPECT_EQ(
      Choose({{kTwo, 1}, {kPlanarTwo, 0.5}}).reason,
      "measured: channels_last, 2 threads 1.000 s a step; contiguous, 2 threads 0.500 s a step");
}

TEST(ChooseLayoutTest, MeasuresNothingWhereThereIsNoChoice) {
  const LayoutChoice choice = ChooseLayout({kFour}, [](const Layout&) {
    ADD_FAILURE();
    return 1.0;
  });
  EXPECT_EQ(choice.layout, kFour);
}

class LayoutMemoryTest : public ::testing::Test {
 protected:
  const testing::TempDir dir_;
  const fs::path file_ = dir_.path() / "below" / "layouts.json";
};

TEST_F(LayoutMemoryTest, RemembersByTheKey) {
  EXPECT_FALSE(LayoutMemory(file_).Find("a").has_value());
  LayoutMemory(file_).Keep("a", {kFour, "measured: 1 s"});
  LayoutMemory(file_).Keep("b", {kPlanarTwo, "measured: 2 s"});
  LayoutMemory(file_).Keep("a", {kTwo, "measured: 3 s"});
  EXPECT_EQ(LayoutMemory(file_).Find("a")->layout, kTwo);
  EXPECT_EQ(LayoutMemory(file_).Find("a")->reason, "measured: 3 s");
  EXPECT_EQ(LayoutMemory(file_).Find("b")->layout, kPlanarTwo);
  EXPECT_FALSE(LayoutMemory(file_).Find("c").has_value());
}

TEST_F(LayoutMemoryTest, ADamagedFileIsAsNone) {
  fs::create_directories(file_.parent_path());
  for (const char* text :
       {"", "{", "[1]", R"({"a":1})", R"({"a":{"memory_format":"sideways","threads":2}})",
        R"({"a":{"memory_format":"contiguous","threads":0,"reason":""}})",
        R"({"a":{"memory_format":"contiguous","threads":2}})", R"({"a":{"threads":"two"}})"}) {
    std::ofstream(file_) << text;
    EXPECT_FALSE(LayoutMemory(file_).Find("a").has_value()) << text;
    LayoutMemory(file_).Keep("a", {kTwo, "measured"});
    EXPECT_EQ(LayoutMemory(file_).Find("a")->layout, kTwo) << text;
  }
}

TEST_F(LayoutMemoryTest, GoesOnWithoutAPlaceToWrite) {
  std::ofstream(file_.parent_path()) << "a file where the directory should be";
  LayoutMemory(file_).Keep("a", {kTwo, "measured"});
  EXPECT_FALSE(LayoutMemory(file_).Find("a").has_value());
}

TEST(PixelLayoutTest, HasPyTorchsNames) {
  for (const PixelLayout layout : {PixelLayout::kInterleaved, PixelLayout::kPlanar})
    EXPECT_EQ(PixelLayoutNamed(NameOf(layout)), layout);
  EXPECT_EQ(PixelLayoutNamed("auto"), std::nullopt);
}

}  // namespace
}  // namespace laptime::trainer
