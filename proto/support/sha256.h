#pragma once

#include <cstddef>
#include <string>

struct evp_md_ctx_st;

namespace laptime {

// SHA-256 of bytes that come in pieces. Not thread-safe.
class Sha256Digest {
 public:
  Sha256Digest();
  ~Sha256Digest();
  Sha256Digest(const Sha256Digest&) = delete;
  Sha256Digest& operator=(const Sha256Digest&) = delete;

  void Update(const void* bytes, size_t size);
  // The digest as lower-case hex; ends the object's use.
  std::string Finish();

 private:
  evp_md_ctx_st* context_;
};

// Lower-case hex SHA-256 of the bytes.
std::string Sha256Hex(const std::string& bytes);

}  // namespace laptime
