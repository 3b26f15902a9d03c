#include "proto/support/status.h"

namespace laptime {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
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
