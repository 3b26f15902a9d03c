#include "agent/trainer/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "agent/trainer/failure.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr uintmax_t kFileBytes = 30730000;
constexpr int kRecordBytes = 3073;

// Six files of the right size that take no space on the disk.
class DatasetTest : public ::testing::Test {
 protected:
  DatasetTest() {
    fs::create_directory(dir_);
    for (int i = 1; i <= 5; ++i) Create("data_batch_" + std::to_string(i) + ".bin");
    Create("test_batch.bin");
  }

  void Create(const std::string& name) {
    std::ofstream(dir_ / name).close();
    fs::resize_file(dir_ / name, kFileBytes);
  }

  void Put(const std::string& name, int record, int offset, char byte) {
    std::fstream file(dir_ / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(std::streamoff{kRecordBytes} * record + offset);
    file.put(byte);
  }

  std::string ErrorOf(const fs::path& where, int train_images = 3, int eval_images = 2) {
    try {
      ReadCifar10(where, train_images, eval_images);
    } catch (const TrainerError& error) {
      EXPECT_EQ(error.cause(), FailureCause::kSetup);
      EXPECT_THAT(error.hint(), HasSubstr("laptime-agent data fetch cifar10"));
      return error.what();
    }
    return "no error";
  }

  const testing::TempDir temp_dir_;
  const fs::path root_ = temp_dir_.path();
  const fs::path dir_ = root_ / "cifar-10-batches-bin";
};

TEST_F(DatasetTest, ReadsLabelsAndPlanes) {
  Put("data_batch_1.bin", 1, 0, 7);
  Put("data_batch_1.bin", 1, 1, 11);
  Put("data_batch_1.bin", 1, 3072, 13);
  Put("test_batch.bin", 0, 0, 9);
  const Dataset data = ReadCifar10(root_, 2, 1);
  ASSERT_EQ(data.train.size(), 2);
  ASSERT_EQ(data.eval.size(), 1);
  EXPECT_EQ(data.train.labels[1], 7);
  EXPECT_EQ(data.train.image(1)[0], 11);
  EXPECT_EQ(data.train.image(1)[kImageBytes - 1], 13);
  EXPECT_EQ(data.eval.labels[0], 9);
}

TEST_F(DatasetTest, FindsTheFilesInTheDirectoryItself) {
  EXPECT_EQ(ReadCifar10(dir_, 1, 1).train.size(), 1);
}

TEST_F(DatasetTest, GoesOnInTheNextFile) {
  Put("data_batch_2.bin", 0, 0, 5);
  const Dataset data = ReadCifar10(root_, 10001, 1);
  ASSERT_EQ(data.train.size(), 10001);
  EXPECT_EQ(data.train.labels[10000], 5);
}

TEST_F(DatasetTest, NamesAMissingFile) {
  fs::remove(dir_ / "data_batch_4.bin");
  EXPECT_THAT(ErrorOf(root_), HasSubstr("cannot read " + (dir_ / "data_batch_4.bin").string()));
}

TEST_F(DatasetTest, NamesATruncatedFileWithBothSizes) {
  fs::resize_file(dir_ / "test_batch.bin", 1000);
  EXPECT_THAT(ErrorOf(root_), HasSubstr("test_batch.bin has 1000 bytes, expected 30730000"));
}

TEST_F(DatasetTest, NamesAnImpossibleLabelWithItsRecord) {
  Put("data_batch_1.bin", 2, 0, 10);
  EXPECT_THAT(ErrorOf(root_),
              HasSubstr("data_batch_1.bin: record 2 has label 10, expected 0 to 9"));
}

TEST_F(DatasetTest, SaysThatNoDirectoryWasGiven) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("no data directory"));
}

}  // namespace
}  // namespace laptime::trainer
