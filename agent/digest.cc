#include "agent/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace laptime::agent {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_, EVP_sha256(), nullptr);
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

void Sha256::Update(const void* bytes, size_t size) { EVP_DigestUpdate(context_, bytes, size); }

std::string Sha256::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_, digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

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
  Sha256 hash;
  const absl::Status status = ReadBlocks(path, kBlock, [&hash](const char* bytes, size_t size) {
    hash.Update(bytes, size);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return hash.Finish();
}

}  // namespace laptime::agent
