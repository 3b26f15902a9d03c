#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct evp_md_ctx_st;

namespace laptime::agent {

// SHA-256 of bytes that come in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(const void* bytes, size_t size);
  // The digest as lower-case hex; ends the object's use.
  std::string Finish();

 private:
  evp_md_ctx_st* context_;
};

// Reads a file in blocks of `block` bytes (the last may be shorter); stops at the first error of
// `take`.
absl::Status ReadBlocks(const std::filesystem::path& path, size_t block,
                        const std::function<absl::Status(const char* bytes, size_t size)>& take);

absl::StatusOr<std::string> Sha256OfFile(const std::filesystem::path& path);

}  // namespace laptime::agent
