#include "agent/trainer/dataset.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "agent/trainer/failure.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;

constexpr int kRecordsPerFile = 10000;
constexpr int kRecordBytes = 1 + kImageBytes;
constexpr uintmax_t kFileBytes = uintmax_t{kRecordsPerFile} * kRecordBytes;
constexpr char kHint[] =
    "laptime-agent data fetch cifar10 gets it; or --data names the directory that holds "
    "cifar-10-batches-bin; "
    "the workload simclr-synthetic-cifar10 needs no data";

[[noreturn]] void Fail(const std::string& message) {
  throw TrainerError(FailureCause::kSetup, "data set cifar10: " + message, kHint);
}

std::string TrainFile(int number) { return "data_batch_" + std::to_string(number) + ".bin"; }

void CheckFile(const fs::path& file) {
  std::error_code error;
  const uintmax_t size = fs::file_size(file, error);
  if (error) Fail("cannot read " + file.string() + ": " + error.message());
  if (size != kFileBytes) {
    Fail(file.string() + " has " + std::to_string(size) + " bytes, expected " +
         std::to_string(kFileBytes));
  }
}

fs::path FindDirectory(const fs::path& data_dir) {
  if (data_dir.empty()) Fail("no data directory was given");
  const fs::path nested = data_dir / "cifar-10-batches-bin";
  std::error_code ignored;
  const fs::path dir = fs::exists(nested / TrainFile(1), ignored) ? nested : data_dir;
  for (int number = 1; number <= 5; ++number) CheckFile(dir / TrainFile(number));
  CheckFile(dir / "test_batch.bin");
  return dir;
}

// Appends the first `records` of `file`.
void Append(const fs::path& file, int records, ImageSet& set) {
  std::vector<char> bytes(size_t{kRecordBytes} * static_cast<size_t>(records));
  std::ifstream stream(file, std::ios::binary);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    Fail("cannot read " + file.string() + ": it ended after " + std::to_string(stream.gcount()) +
         " bytes");
  }
  for (int record = 0; record < records; ++record) {
    const char* from = bytes.data() + size_t{kRecordBytes} * static_cast<size_t>(record);
    const auto label = static_cast<uint8_t>(*from);
    if (label >= kClasses) {
      Fail(file.string() + ": record " + std::to_string(record) + " has label " +
           std::to_string(label) + ", expected 0 to 9");
    }
    set.labels.push_back(label);
    set.pixels.insert(set.pixels.end(), from + 1, from + kRecordBytes);
  }
}

void Reserve(int images, ImageSet& set) {
  set.labels.reserve(static_cast<size_t>(images));
  set.pixels.reserve(size_t{kImageBytes} * static_cast<size_t>(images));
}

}  // namespace

Dataset ReadCifar10(const fs::path& data_dir, int train_images, int eval_images) {
  const fs::path dir = FindDirectory(data_dir);
  Dataset data;
  Reserve(train_images, data.train);
  for (int number = 1; data.train.size() < train_images; ++number) {
    Append(dir / TrainFile(number), std::min(train_images - data.train.size(), kRecordsPerFile),
           data.train);
  }
  Reserve(eval_images, data.eval);
  Append(dir / "test_batch.bin", eval_images, data.eval);
  return data;
}

}  // namespace laptime::trainer
