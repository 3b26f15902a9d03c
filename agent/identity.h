#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/support/channel.h"

namespace laptime::agent {

// What a machine has from the coordinator that it joined: STATE/identity.json, of mode 0600.
struct Identity {
  std::string server;        // the address under which it joined
  ChannelSecurity security;  // its certificate and key, and the only authority it believes
  int64_t issued_unix_ms = 0;
  int64_t expires_unix_ms = 0;

  // When two thirds of its time are over.
  int64_t renew_unix_ms() const {
    return issued_unix_ms + (expires_unix_ms - issued_unix_ms) / 3 * 2;
  }
};

std::filesystem::path IdentityPath(const std::filesystem::path& state_dir);

// Nothing when this state directory never joined. kFailedPrecondition with a hint: the file cannot
// be read or is damaged.
absl::StatusOr<std::optional<Identity>> ReadIdentity(const std::filesystem::path& state_dir);
// Durably, in one step.
absl::Status WriteIdentity(const std::filesystem::path& state_dir, const Identity& identity);

}  // namespace laptime::agent
