#include "proto/support/channel.h"

#include <arpa/inet.h>
#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace laptime {
namespace {

// What a stream to the server may run ahead of who reads it, whatever its speed: from far away it
// carries so much in each round trip.
constexpr int kStreamWindowBytes = 256 * 1024;

template <typename Duration>
int Ms(Duration duration) {
  return static_cast<int>(std::chrono::milliseconds(duration).count());
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const ChannelSecurity& security) {
  if (security.ca.empty()) return grpc::InsecureChannelCredentials();
  const auto tls = grpc::SslCredentials({security.ca, security.key, security.certificate});
  if (security.bearer.empty()) return tls;
  return grpc::CompositeChannelCredentials(tls, grpc::AccessTokenCredentials(security.bearer));
}

}  // namespace

std::optional<int> CommonProtocol(int theirs, int ours) {
  if (theirs < 1 || theirs < ours - 1 || theirs > ours + 1) return std::nullopt;
  return std::min(ours, theirs);
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address,
                                          const ChannelSecurity& security) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Ms(kKeepalivePing));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Ms(kKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Ms(kMinReconnectBackoff));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Ms(kMaxReconnectBackoff));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Loopback addresses must not be sent to a proxy that the environment names.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(4 * kMaxMessageBytes);
  return grpc::CreateCustomChannel(address, CredentialsOf(security), arguments);
}

void ConfigureServer(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Ms(kKeepalivePing));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Ms(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Ms(kKeepaliveAccepted));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Ms(kHandshakeTimeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  // For newer versions of gRPC the one before is a soft limit.
#ifdef GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE
  builder.AddChannelArgument(GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE, kMaxMetadataBytes);
#endif
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
}

bool IsLoopback(const std::string& address) {
  absl::string_view rest = address;
  if (absl::StartsWith(rest, "unix:")) return true;
  if (!absl::ConsumePrefix(&rest, "ipv4:")) absl::ConsumePrefix(&rest, "ipv6:");
  if (rest == "::1") return true;
  for (const char* host : {"localhost", "[::1]", "%5B::1%5D"}) {
    absl::string_view port = rest;
    if (absl::ConsumePrefix(&port, host) && (port.empty() || port.front() == ':')) return true;
  }
  // A name may begin with 127., too.
  in_addr number{};
  const std::string host(rest.substr(0, rest.find(':')));
  return inet_pton(AF_INET, host.c_str(), &number) == 1 && ntohl(number.s_addr) >> 24 == 127;
}

}  // namespace laptime
