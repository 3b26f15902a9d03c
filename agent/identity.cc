#include "agent/identity.h"

#include <nlohmann/json.hpp>

#include "proto/support/durable_file.h"
#include "proto/support/pem.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr size_t kMaxIdentityBytes = 64 * 1024;

absl::Status Damaged(const std::filesystem::path& path, const std::string& why) {
  return WithHint(absl::StatusCode::kFailedPrecondition, path.string() + ": " + why,
                  "`laptime-agent join` with a new token writes it anew");
}

}  // namespace

std::filesystem::path IdentityPath(const std::filesystem::path& state_dir) {
  return state_dir / "identity.json";
}

absl::StatusOr<std::optional<Identity>> ReadIdentity(const std::filesystem::path& state_dir) {
  const std::filesystem::path path = IdentityPath(state_dir);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<Identity>();
  const std::optional<std::string> text = ReadSmallFile(path, kMaxIdentityBytes);
  if (!text) return Damaged(path, "cannot be read");
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  Identity identity;
  try {
    identity.server = json.at("server").get<std::string>();
    identity.security.ca = json.at("ca").get<std::string>();
    identity.security.certificate = json.at("certificate").get<std::string>();
    identity.security.key = json.at("key").get<std::string>();
    identity.issued_unix_ms = json.at("issued_unix_ms").get<int64_t>();
    identity.expires_unix_ms = json.at("expires_unix_ms").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
    return Damaged(path, "is damaged");
  }
  if (!ParseCertificate(identity.security.certificate).ok() ||
      !ParseCertificate(identity.security.ca).ok() ||
      !ParsePrivateKey(identity.security.key).ok()) {
    return Damaged(path, "is damaged");
  }
  return std::optional(std::move(identity));
}

absl::Status WriteIdentity(const std::filesystem::path& state_dir, const Identity& identity) {
  const nlohmann::json json = {{"server", identity.server},
                               {"ca", identity.security.ca},
                               {"certificate", identity.security.certificate},
                               {"key", identity.security.key},
                               {"issued_unix_ms", identity.issued_unix_ms},
                               {"expires_unix_ms", identity.expires_unix_ms}};
  const std::filesystem::path path = IdentityPath(state_dir);
  const std::error_code error = WriteStateFile(path, json.dump(2) + "\n");
  if (!error) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot write " + path.string() + ": " + error.message(), "is the disk full?");
}

}  // namespace laptime::agent
