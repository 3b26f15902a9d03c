#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime::agent {

// CIFAR-10's binary layout: six files of 10,000 records, each a label byte and 3,072 bytes of
// image.
inline constexpr int kRecordBytes = 3073;
inline constexpr int kRecordsPerFile = 10'000;
inline constexpr int kLabels = 10;
inline constexpr char kFolder[] = "cifar-10-batches-bin";
// Written by `data fetch` beside the files: what they hashed to when they came from the official
// archive.
inline constexpr char kOfficialNote[] = "laptime-official.json";

// data_batch_1.bin … data_batch_5.bin, test_batch.bin: the order in which they are hashed.
const std::vector<std::string>& DatasetFileNames();

// A complete CIFAR-10 on disk.
struct DatasetFiles {
  std::filesystem::path dir;
  std::string sha256;     // hex, over the six files in order
  bool official = false;  // the hash is the one that the note of `data fetch` names

  // "cifar10@1a2b3c4d"
  std::string Name() const { return "cifar10@" + sha256.substr(0, 8); }
};

// DIR or DIR/cifar-10-batches-bin, whichever holds a file of the set; kNotFound with a hint when
// neither does.
absl::StatusOr<std::filesystem::path> LocateDataset(const std::filesystem::path& data_dir);

// Finds the files, checks sizes and labels, hashes them. The result of the reading is kept in
// `cache` (a file) by path, sizes and times, so that the next run starts at once. kNotFound or
// kDataLoss: which file, what was expected, and how to get it.
absl::StatusOr<DatasetFiles> CheckDataset(const std::filesystem::path& data_dir,
                                          const std::filesystem::path& cache);

}  // namespace laptime::agent
