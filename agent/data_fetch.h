#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace laptime::agent {

inline constexpr char kOfficialUrl[] = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
inline constexpr char kOfficialSha256[] =
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";
// The archive has 170 MB; a server that sends more is stopped.
inline constexpr int64_t kMaxArchiveBytes = 512LL * 1024 * 1024;

struct FetchOptions {
  std::filesystem::path data_dir;
  std::string url = kOfficialUrl;
  std::string sha256 = kOfficialSha256;  // of the archive; another content is refused
  int64_t max_bytes = kMaxArchiveBytes;
  // Told now and then how many bytes there are, and of how many (0 = unknown).
  std::function<void(int64_t done, int64_t total)> progress = [](int64_t, int64_t) {};
};

// Downloads the archive into DIR, verifies it, unpacks it into DIR/cifar-10-batches-bin and notes
// there that it is official. A download that was cut goes on where it stopped. kUnavailable: no
// network or no such file; kDataLoss: the content is not the official one (and is removed);
// kResourceExhausted: the disk is full.
absl::Status FetchCifar10(const FetchOptions& options);

}  // namespace laptime::agent
