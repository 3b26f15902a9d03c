#include "agent/dataset_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

constexpr int64_t kFileBytes = int64_t{kRecordBytes} * kRecordsPerFile;

// Six files of the right size, holes but for what a test writes: all labels and pixels are 0.
class DatasetFilesTest : public ::testing::Test {
 protected:
  DatasetFilesTest() : folder_(dir_.path() / kFolder) {
    std::filesystem::create_directories(folder_);
    for (const std::string& name : DatasetFileNames()) Resize(name, kFileBytes);
  }
  void Resize(const std::string& name, int64_t bytes) {
    std::ofstream(folder_ / name, std::ios::app).flush();
    std::filesystem::resize_file(folder_ / name, static_cast<uintmax_t>(bytes));
  }
  void WriteByte(const std::string& name, int64_t at, char byte) {
    std::fstream file(folder_ / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at).put(byte);
  }
  absl::StatusOr<DatasetFiles> Check() {
    return CheckDataset(dir_.path(), dir_.path() / "cache.json");
  }

  TempDir dir_;
  const std::filesystem::path folder_;
};

TEST_F(DatasetFilesTest, FindsTheFilesAndHashesThemInOrder) {
  ASSERT_OK_AND_ASSIGN(const DatasetFiles files, Check());
  // sha256sum of 6 × 30,730,000 zero bytes.
  Sha256Digest expected;
  const std::string zeros(static_cast<size_t>(kFileBytes), '\0');
  for (int i = 0; i < 6; ++i) expected.Update(zeros.data(), zeros.size());
  EXPECT_EQ(files.sha256, expected.Finish());
  EXPECT_EQ(files.dir, folder_);
  EXPECT_FALSE(files.official);
  EXPECT_EQ(files.Name(), "cifar10@" + files.sha256.substr(0, 8));
  // The same files named by their own directory.
  EXPECT_EQ(*LocateDataset(folder_), folder_);
}

TEST_F(DatasetFilesTest, ReadsAgainOnlyWhatChanged) {
  ASSERT_OK_AND_ASSIGN(const DatasetFiles before, Check());
  // A cache that says otherwise is believed while size and time are the same: nothing was read.
  std::string cache = [this] {
    std::ifstream in(dir_.path() / "cache.json");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  cache.replace(cache.find(before.sha256), 64, std::string(64, 'e'));
  std::ofstream(dir_.path() / "cache.json") << cache;
  EXPECT_EQ(Check()->sha256, std::string(64, 'e'));
  WriteByte("test_batch.bin", 0, 3);
  const auto later =
      std::filesystem::last_write_time(folder_ / "test_batch.bin") + std::chrono::seconds(1);
  std::filesystem::last_write_time(folder_ / "test_batch.bin", later);
  ASSERT_OK_AND_ASSIGN(const DatasetFiles after, Check());
  EXPECT_NE(after.sha256, std::string(64, 'e'));
  EXPECT_NE(after.sha256, before.sha256);
}

TEST_F(DatasetFilesTest, SurvivesADamagedCache) {
  std::ofstream(dir_.path() / "cache.json") << "{\"x\": [1, 2";
  EXPECT_OK(Check());
}

TEST_F(DatasetFilesTest, NamesATruncatedFile) {
  Resize("data_batch_3.bin", kFileBytes - 1);
  const auto files = Check();
  EXPECT_THAT(files, StatusIs(absl::StatusCode::kDataLoss,
                              HasSubstr("data_batch_3.bin has 30729999 bytes, expected 30730000")));
  EXPECT_THAT(HintOf(files.status()), HasSubstr("data fetch"));
}

TEST_F(DatasetFilesTest, NamesAMissingFile) {
  std::filesystem::remove(folder_ / "data_batch_5.bin");
  EXPECT_THAT(Check(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("data_batch_5.bin is missing")));
}

TEST_F(DatasetFilesTest, NamesAnImpossibleLabel) {
  WriteByte("data_batch_1.bin", int64_t{777} * kRecordBytes, 10);
  EXPECT_THAT(Check(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("data_batch_1.bin record 777 has label 10, expected 0 to 9")));
}

TEST_F(DatasetFilesTest, IsOfficialOnlyWithTheHashOfTheNote) {
  ASSERT_OK_AND_ASSIGN(const DatasetFiles files, Check());
  std::ofstream(folder_ / kOfficialNote) << "{\"files_sha256\":\"" << files.sha256 << "\"}";
  EXPECT_TRUE(Check()->official);
  std::ofstream(folder_ / kOfficialNote) << "{\"files_sha256\":\"" << std::string(64, '0') << "\"}";
  EXPECT_FALSE(Check()->official);
}

TEST(LocateDatasetTest, SaysWhereItLookedAndHowToGetIt) {
  const TempDir dir;
  const auto found = LocateDataset(dir.path());
  EXPECT_THAT(found, StatusIs(absl::StatusCode::kNotFound, HasSubstr("data_batch_1.bin")));
  EXPECT_THAT(found, StatusIs(absl::StatusCode::kNotFound, HasSubstr(kFolder)));
  EXPECT_THAT(HintOf(found.status()), HasSubstr("laptime-agent data fetch cifar10"));
}

}  // namespace
}  // namespace laptime::agent
