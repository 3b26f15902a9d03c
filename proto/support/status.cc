#include "proto/support/status.h"

#include "proto/support/log.h"

namespace laptime {
namespace {

// A status travels as metadata, three bytes for each that is not ASCII, and beyond
// kMaxMetadataBytes (channel.h) its reader would learn nothing but that it was too long. A message
// may quote whatever was sent.
constexpr size_t kMostMessageBytes = 1500;
constexpr size_t kMostHintBytes = 500;

std::string Shortened(const std::string& text, size_t most) {
  return text.size() <= most ? text : Beginning(text, most) + "…";
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const absl::Status sent = WithHint(status.code(), Shortened(MessageOf(status), kMostMessageBytes),
                                     Shortened(HintOf(status), kMostHintBytes));
  return {static_cast<grpc::StatusCode>(sent.code()), std::string(sent.message())};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status WithHint(absl::StatusCode code, const std::string& message, const std::string& hint) {
  return absl::Status(code, hint.empty() ? message : message + "\n" + hint);
}

std::string MessageOf(const absl::Status& status) {
  const std::string text(status.message());
  return text.substr(0, text.find('\n'));
}

std::string HintOf(const absl::Status& status) {
  const std::string text(status.message());
  const size_t end = text.find('\n');
  return end == std::string::npos ? "" : text.substr(end + 1);
}

}  // namespace laptime
