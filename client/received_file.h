#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace laptime::client {

// A file that arrives in pieces. `file` holds what it held before until Finish; then all of the new
// bytes, on the disk. Without Finish nothing remains of them. Only its owner can read it.
class ReceivedFile {
 public:
  // kFailedPrecondition: `file` is no ordinary file, or its folder cannot be written.
  static absl::StatusOr<std::unique_ptr<ReceivedFile>> Create(const std::string& file);
  ~ReceivedFile();
  ReceivedFile(const ReceivedFile&) = delete;
  ReceivedFile& operator=(const ReceivedFile&) = delete;

  // kResourceExhausted: no room.
  absl::Status Append(const std::string& bytes);
  absl::Status Finish();

 private:
  ReceivedFile(int descriptor, std::string target, std::string part);

  const int descriptor_;
  const std::string target_;
  const std::string part_;  // in the same folder
};

}  // namespace laptime::client
