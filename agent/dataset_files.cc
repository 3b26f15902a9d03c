#include "agent/dataset_files.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/digest.h"
#include "agent/state_dir.h"
#include "agent/telemetry/proc_files.h"
#include "proto/support/sha256.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kFileBytes = int64_t{kRecordBytes} * kRecordsPerFile;

const char* Hint() {
  return "laptime-agent data fetch cifar10 downloads it; --data DIR (or LAPTIME_DATA) names where "
         "it is";
}

absl::Status Damaged(const std::string& message) {
  return WithHint(absl::StatusCode::kDataLoss, message, Hint());
}

absl::Status CheckSize(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) {
    return WithHint(absl::StatusCode::kNotFound,
                    "data set cifar10: " + file.string() + " is missing (" + error.message() + ")",
                    Hint());
  }
  if (static_cast<int64_t>(size) == kFileBytes) return absl::OkStatus();
  return Damaged("data set cifar10: " + file.string() + " has " + std::to_string(size) +
                 " bytes, expected " + std::to_string(kFileBytes));
}

// Adds the file to the hash; kDataLoss at a label that cannot be.
absl::Status HashFile(const fs::path& file, Sha256Digest& hash) {
  constexpr size_t kRecordsPerBlock = 50;
  int64_t record = 0;
  return ReadBlocks(file, kRecordsPerBlock * kRecordBytes, [&](const char* bytes, size_t size) {
    for (size_t at = 0; at < size; at += kRecordBytes, ++record) {
      const int label = static_cast<unsigned char>(bytes[at]);
      if (label >= kLabels) {
        return Damaged("data set cifar10: " + file.string() + " record " + std::to_string(record) +
                       " has label " + std::to_string(label) + ", expected 0 to " +
                       std::to_string(kLabels - 1));
      }
    }
    hash.Update(bytes, size);
    return absl::OkStatus();
  });
}

// What must be the same for an earlier reading to hold.
json Fingerprint(const fs::path& dir) {
  json files = json::array();
  for (const std::string& name : DatasetFileNames()) {
    std::error_code error;
    const auto time = fs::last_write_time(dir / name, error);
    files.push_back({name, fs::file_size(dir / name, error), time.time_since_epoch().count()});
  }
  return files;
}

json ReadJson(const fs::path& path) {
  json read = json::parse(ReadText(path), nullptr, /*allow_exceptions=*/false);
  return read.is_object() ? read : json::object();
}

absl::StatusOr<std::string> HashFiles(const fs::path& dir) {
  Sha256Digest hash;
  for (const std::string& name : DatasetFileNames())
    LAPTIME_RETURN_IF_ERROR(HashFile(dir / name, hash));
  return hash.Finish();
}

}  // namespace

const std::vector<std::string>& DatasetFileNames() {
  static const std::vector<std::string> names = {"data_batch_1.bin", "data_batch_2.bin",
                                                 "data_batch_3.bin", "data_batch_4.bin",
                                                 "data_batch_5.bin", "test_batch.bin"};
  return names;
}

absl::StatusOr<fs::path> LocateDataset(const fs::path& data_dir) {
  for (const fs::path& dir : {data_dir / kFolder, data_dir}) {
    for (const std::string& name : DatasetFileNames()) {
      std::error_code ignored;
      if (fs::exists(dir / name, ignored)) return dir;
    }
  }
  return WithHint(absl::StatusCode::kNotFound,
                  "data set cifar10: no " + DatasetFileNames()[0] + " … " +
                      DatasetFileNames().back() + " in " + data_dir.string() + " or " +
                      (data_dir / kFolder).string(),
                  Hint());
}

absl::StatusOr<DatasetFiles> CheckDataset(const fs::path& data_dir, const fs::path& cache) {
  auto dir = LocateDataset(data_dir);
  if (!dir.ok()) return dir.status();
  for (const std::string& name : DatasetFileNames())
    LAPTIME_RETURN_IF_ERROR(CheckSize(*dir / name));
  std::error_code error;
  const std::string key = fs::weakly_canonical(*dir, error).string();
  const json fingerprint = Fingerprint(*dir);
  json known = ReadJson(cache);
  const json entry = known.value(key, json::object());
  DatasetFiles files{*dir, "", false};
  if (entry.is_object() && entry.value("files", json()) == fingerprint &&
      entry.contains("sha256")) {
    files.sha256 = entry.at("sha256").is_string() ? entry.at("sha256").get<std::string>() : "";
  }
  if (files.sha256.empty()) {
    auto sha256 = HashFiles(*dir);
    if (!sha256.ok()) return sha256.status();
    files.sha256 = *sha256;
    known[key] = {{"files", fingerprint}, {"sha256", *sha256}};
    // Without the cache the next run only reads the files again.
    WriteFileAtomically(cache, known.dump(-1, ' ', false, json::error_handler_t::replace) + "\n")
        .IgnoreError();
  }
  const json note = ReadJson(*dir / kOfficialNote);
  files.official = note.contains("files_sha256") && note.at("files_sha256") == files.sha256;
  return files;
}

}  // namespace laptime::agent
