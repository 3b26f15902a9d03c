#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/channel.h"

namespace laptime::load {

// `laptime-server init` on the state directory, before the coordinator starts.
absl::Status InitialiseState(const std::string& state_dir);

// The first administrator's token, and the authority that it pins at `address`.
absl::StatusOr<ChannelSecurity> AdministratorOf(const std::string& state_dir,
                                                const std::string& address);

// Certificates for `count` simulated machines from number `first` on, all with one token, as
// `laptime-agent join` gets them.
absl::StatusOr<std::vector<ChannelSecurity>> JoinMachines(const std::string& address,
                                                          const ChannelSecurity& administrator,
                                                          int first, int count);

}  // namespace laptime::load
