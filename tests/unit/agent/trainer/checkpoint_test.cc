#include "agent/trainer/checkpoint.h"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

class CheckpointTest : public ::testing::Test {
 protected:
  static std::vector<at::Tensor> Zeros() {
    return {at::zeros({2, 3}), at::zeros({4, 3, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast)};
  }

  const testing::TempDir temp_dir_;
  const std::filesystem::path dir_ = temp_dir_.path();
  const std::filesystem::path file_ = dir_ / "run";
};

TEST_F(CheckpointTest, GivesBackWhatItKept) {
  std::vector<at::Tensor> state = Zeros();
  state[0].fill_(1.5);
  state[1].uniform_();
  const Layout layout{PixelLayout::kPlanar, 3};
  Checkpoint(file_, "work").Keep(state, {7, 0.5, layout});
  EXPECT_EQ(Checkpoint(file_, "whatever").Peek()->layout, layout);
  const std::vector<at::Tensor> restored = Zeros();
  const auto progress = Checkpoint(file_, "work").Restore(restored, std::nullopt);
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->epochs, 7);
  EXPECT_EQ(progress->max_knn_accuracy, 0.5);
  EXPECT_EQ(progress->layout, layout);
  for (size_t i = 0; i < state.size(); ++i) EXPECT_TRUE(restored[i].equal(state[i]));
  EXPECT_TRUE(restored[1].is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_FALSE(std::filesystem::exists(file_.string() + ".new"));
}

TEST_F(CheckpointTest, LeavesTheStateAloneWhenTheFileDoesNotFit) {
  EXPECT_FALSE(Checkpoint("", "work").Restore(Zeros(), std::nullopt).has_value());
  EXPECT_FALSE(Checkpoint(file_, "work").Restore(Zeros(), std::nullopt).has_value());  // no file
  Checkpoint(file_, "work").Keep({at::ones({2, 3}), at::ones({4, 3, 2, 2})}, {1, 0, {}});
  const std::vector<at::Tensor> state = Zeros();
  EXPECT_FALSE(Checkpoint(file_, "other work").Restore(state, std::nullopt).has_value());
  EXPECT_FALSE(
      Checkpoint(file_, "work").Restore({state[0], at::zeros({4})}, std::nullopt).has_value());
  std::filesystem::resize_file(file_, 100);
  EXPECT_FALSE(Checkpoint(file_, "work").Restore(state, std::nullopt).has_value());
  EXPECT_TRUE(state[0].equal(at::zeros({2, 3})));
}

TEST_F(CheckpointTest, DoesNotGoOnBeyondWhatIsRecorded) {
  Checkpoint(file_, "work").Keep(Zeros(), {7, 0.5, {}});
  EXPECT_FALSE(Checkpoint(file_, "work").Restore(Zeros(), 6).has_value());
  EXPECT_TRUE(Checkpoint(file_, "work").Restore(Zeros(), 7).has_value());
}

TEST_F(CheckpointTest, NoticesAHoleInTheState) {
  Checkpoint(file_, "work").Keep({at::full({64, 64}, 1.5)}, {7, 0.5, {}});
  std::string bytes(std::filesystem::file_size(file_), '\0');
  std::ifstream(file_, std::ios::binary).read(bytes.data(), std::ssize(bytes));
  const std::string value("\x00\x00\xc0\x3f", 4);  // 1.5f
  const size_t at = bytes.find(value + value + value);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 1024, 1024, '\0');
  std::ofstream(file_, std::ios::binary) << bytes;
  const std::vector<at::Tensor> state = {at::zeros({64, 64})};
  EXPECT_FALSE(Checkpoint(file_, "work").Restore(state, std::nullopt).has_value());
  EXPECT_TRUE(state[0].equal(at::zeros({64, 64})));
}

TEST_F(CheckpointTest, KeepsOneInAPeriodAndGoesOnWithoutADisk) {
  Checkpoint checkpoint(file_, "work");
  checkpoint.Keep(Zeros(), {1, 0, {}});
  checkpoint.Keep(Zeros(), {2, 0, {}});  // too soon
  EXPECT_EQ(Checkpoint(file_, "work").Restore(Zeros(), std::nullopt)->epochs, 1);
  Checkpoint nowhere(dir_ / "missing" / "run", "work");
  nowhere.Keep(Zeros(), {1, 0, {}});
  EXPECT_FALSE(std::filesystem::exists(dir_ / "missing"));
}

}  // namespace
}  // namespace laptime::trainer
