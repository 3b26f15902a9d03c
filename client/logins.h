#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/support/channel.h"

namespace laptime::client {

// The coordinators that `laptime login` was told of: one private file (mode 0600), logins.json
// beside the person's config.toml. A value.
struct Logins {
  std::map<std::string, ChannelSecurity> by_address;  // "box:7440" -> its authority and the token
  std::string current;                                // the last one that was logged in to

  // What a connection to that address is to use; plaintext where there was no login.
  ChannelSecurity SecurityFor(const std::string& address) const;
};

using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;

// $XDG_CONFIG_HOME/laptime/logins.json or ~/.config/laptime/logins.json; "" without either
// variable.
std::string LoginsFile(const ReadVariable& environment);

// None when the file does not exist. kFailedPrecondition with a hint: it cannot be read.
absl::StatusOr<Logins> ReadLogins(const std::string& file);
// Durably, in one step; makes the directory. kFailedPrecondition with a hint.
absl::Status WriteLogins(const std::string& file, const Logins& logins);

}  // namespace laptime::client
