#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace laptime {

// Numbers that both ends of a connection must agree on stand here and nowhere else: a client that
// pings more often than the server allows is cut off ("Too many pings").
inline constexpr std::chrono::seconds kKeepalivePing{10};
inline constexpr std::chrono::seconds kKeepaliveTimeout{5};
inline constexpr std::chrono::seconds kKeepaliveAccepted{5};
inline constexpr std::chrono::milliseconds kMinReconnectBackoff{3000};
inline constexpr std::chrono::milliseconds kMaxReconnectBackoff{4000};
inline constexpr int kMaxMessageBytes = 4 * 1024 * 1024;
inline constexpr int kMaxMetadataBytes = 8 * 1024;
inline constexpr int kMaxStreamsPerConnection = 16;
inline constexpr std::chrono::seconds kHandshakeTimeout{5};
inline constexpr std::chrono::seconds kHeartbeat{5};
// A silence shall be seen within 15 s by whoever asks twice a second.
inline constexpr std::chrono::milliseconds kLease{14'500};
// The highest number that a report may have: far beyond any spool, and within what SQLite counts.
inline constexpr uint64_t kMaxReportSeq = uint64_t{1} << 62;
inline constexpr int kProtocolVersion = 1;
inline constexpr int kDefaultPort = 7440;
inline constexpr char kDefaultServer[] = "127.0.0.1:7440";
inline constexpr char kVersion[] = LAPTIME_VERSION;

// The protocol that two ends speak with each other, the lower of both versions; nothing when they
// are more than one apart. Each end knows its own version and the one before it: a newer one speaks
// as the older does, which ignores what it does not know.
std::optional<int> CommonProtocol(int theirs, int ours = kProtocolVersion);

// What a caller needs for a coordinator that wants credentials; all PEM. Without `ca` the channel
// is in plaintext, for loopback.
struct ChannelSecurity {
  std::string ca{};           // the coordinator's own authority: nobody else is believed
  std::string certificate{};  // of a machine, with `key`
  std::string key{};
  std::string bearer{};  // of a person: AccessToken::bearer()

  bool operator==(const ChannelSecurity&) const = default;
};

// A channel of its own (no shared subchannels) with the numbers above. Never fails: errors come
// with the calls.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address,
                                          const ChannelSecurity& security = {});

// Applies the server's half of the numbers.
void ConfigureServer(grpc::ServerBuilder& builder);

// "127.0.0.1:7440", "[::1]:7440", "localhost:7440", "unix:…" are loopback; a name that is not
// "localhost" is not.
bool IsLoopback(const std::string& address);

}  // namespace laptime
