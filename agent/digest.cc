#include "agent/digest.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "proto/support/sha256.h"

namespace laptime::agent {

absl::Status ReadBlocks(const std::filesystem::path& path, size_t block,
                        const std::function<absl::Status(const char* bytes, size_t size)>& take) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError("cannot read " + path.string() + ": " + std::strerror(errno));
  std::vector<char> bytes(block);
  while (in) {
    in.read(bytes.data(), static_cast<std::streamsize>(block));
    const auto size = static_cast<size_t>(in.gcount());
    if (size == 0) break;
    if (absl::Status status = take(bytes.data(), size); !status.ok()) return status;
  }
  if (in.bad())
    return absl::DataLossError("reading " + path.string() + " failed: " + std::strerror(errno));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sha256OfFile(const std::filesystem::path& path) {
  constexpr size_t kBlock = 1 << 20;
  Sha256Digest hash;
  const absl::Status status = ReadBlocks(path, kBlock, [&hash](const char* bytes, size_t size) {
    hash.Update(bytes, size);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return hash.Finish();
}

}  // namespace laptime::agent
