#include "client/received_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "proto/support/durable_file.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnerOnly = 0600;

absl::Status CannotWrite(const std::string& file, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device || error == std::errc::file_too_large;
  return WithHint(
      full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kFailedPrecondition,
      "cannot write " + file + ": " + error.message(),
      full ? "what was there is unchanged; name a file on a larger disk"
           : "does its folder exist, and may you write there?");
}

std::error_code LastError() { return {errno, std::generic_category()}; }

}  // namespace

absl::StatusOr<std::unique_ptr<ReceivedFile>> ReceivedFile::Create(const std::string& file) {
  std::error_code error;
  const fs::path linked = fs::canonical(file, error);  // an error: it is not there yet
  const std::string target = error ? file : linked.string();
  if (fs::exists(target, error) && !fs::is_regular_file(target, error)) {
    return WithHint(absl::StatusCode::kFailedPrecondition, file + " is no ordinary file",
                    "name one that is, or that is not there yet");
  }
  const std::string part = target + "." + std::to_string(getpid()) + ".part";
  const int descriptor = open(part.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) return CannotWrite(file, LastError());
  return std::unique_ptr<ReceivedFile>(new ReceivedFile(descriptor, target, part));
}

ReceivedFile::ReceivedFile(int descriptor, std::string target, std::string part)
    : descriptor_(descriptor), target_(std::move(target)), part_(std::move(part)) {}

ReceivedFile::~ReceivedFile() {
  close(descriptor_);
  std::error_code gone;  // after Finish
  fs::remove(part_, gone);
}

absl::Status ReceivedFile::Append(const std::string& bytes) {
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t now = write(descriptor_, bytes.data() + written, bytes.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return CannotWrite(target_, LastError());
    written += static_cast<size_t>(now);
  }
  return absl::OkStatus();
}

absl::Status ReceivedFile::Finish() {
  const std::error_code error = ReplaceDurably(part_, target_);
  return error ? CannotWrite(target_, error) : absl::OkStatus();
}

}  // namespace laptime::client
