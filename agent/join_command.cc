#include "agent/join_command.h"

#include <grpcpp/client_context.h>

#include <array>
#include <filesystem>

#include "agent/state_dir.h"
#include "proto/support/access_token.h"
#include "proto/support/durable_file.h"
#include "proto/support/pem.h"
#include "proto/support/pinned_authority.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr size_t kMaxTokenBytes = 1024;
constexpr std::chrono::seconds kCallTimeout{20};

absl::StatusOr<std::string> TokenText(const JoinOptions& options, std::istream& in) {
  if (options.token_file == "-") {
    std::array<char, kMaxTokenBytes> line{};
    in.getline(line.data(), line.size());
    return std::string(line.data());
  }
  std::optional<std::string> text = ReadSmallFile(options.token_file, kMaxTokenBytes);
  if (text) return *std::move(text);
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "cannot read a token from " + options.token_file,
                  "--token-file FILE, or - for standard input");
}

// Why there is nothing to do; "" where there is.
std::string WhyNotToJoin(const JoinOptions& options, int64_t now_unix_ms) {
  const absl::StatusOr<std::optional<Identity>> identity = ReadIdentity(options.state_dir);
  // One that is damaged is written anew.
  if (identity.ok() && identity->has_value() && (*identity)->expires_unix_ms > now_unix_ms)
    return "this machine has joined " + (*identity)->server + " already";
  std::error_code error;
  if (options.token_file == "-" || std::filesystem::exists(options.token_file, error)) return "";
  return "there is no token in " + options.token_file + ": this machine does not join";
}

absl::StatusOr<v1::JoinResponse> Answered(const grpc::Status& status, v1::JoinResponse response,
                                          const std::string& server) {
  if (status.ok()) return response;
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return FromGrpc(status);
  return WithHint(absl::StatusCode::kUnavailable,
                  "no coordinator answers at " + server + ": " + status.error_message(),
                  "does its certificate name that address? `laptime-server init --name` adds one");
}

}  // namespace

absl::StatusOr<Identity> GetCertified(
    const std::string& server, const std::string& ca, int64_t now_unix_ms,
    const std::function<absl::StatusOr<v1::JoinResponse>(const std::string& signing_request)>&
        call) {
  absl::StatusOr<PrivateKey> key = NewPrivateKey();
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> request = NewSigningRequest(**key);
  if (!request.ok()) return request.status();
  absl::StatusOr<v1::JoinResponse> response = call(*request);
  if (!response.ok()) return response.status();
  Identity identity;
  identity.server = server;
  identity.security = {ca, response->certificate(), PemOf(**key), ""};
  identity.issued_unix_ms = now_unix_ms;
  identity.expires_unix_ms = response->expires_unix_ms();
  return identity;
}

absl::StatusOr<std::string> RunJoin(const JoinOptions& options, std::istream& in,
                                    const Clock& clock) {
  if (options.if_needed) {
    std::string why = WhyNotToJoin(options, UnixMs(clock.WallNow()));
    if (!why.empty()) return why + "\n";
  }
  absl::StatusOr<std::string> text = TokenText(options, in);
  if (!text.ok()) return text.status();
  absl::StatusOr<AccessToken> token = ParseAccessToken(*text);
  if (!token.ok()) return token.status();
  absl::StatusOr<StateDir> state = StateDir::Open(options.state_dir);
  if (!state.ok()) return state.status();
  absl::StatusOr<std::string> ca = FetchPinnedAuthority(options.server, token->ca_sha256);
  if (!ca.ok()) return ca.status();
  absl::StatusOr<Identity> identity = GetCertified(
      options.server, *ca, UnixMs(clock.WallNow()), [&](const std::string& signing_request) {
        v1::JoinRequest request;
        request.set_token_id(token->id);
        request.set_token_secret(token->secret);
        request.set_host_id(state->host_id());
        request.set_signing_request(signing_request);
        const auto stub = v1::EnrollService::NewStub(NewChannel(options.server, {.ca = *ca}));
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
        v1::JoinResponse response;
        const grpc::Status status = stub->Join(&context, request, &response);
        return Answered(status, std::move(response), options.server);
      });
  if (!identity.ok()) return identity.status();
  LAPTIME_RETURN_IF_ERROR(WriteIdentity(options.state_dir, *identity));
  return "joined " + options.server + "; `laptime-agent run` serves it from now on\n";
}

absl::StatusOr<Identity> RenewIdentity(const Identity& identity, int64_t now_unix_ms,
                                       const std::stop_token& stop) {
  return GetCertified(
      identity.server, identity.security.ca, now_unix_ms, [&](const std::string& signing_request) {
        v1::RenewRequest request;
        request.set_signing_request(signing_request);
        const auto stub =
            v1::EnrollService::NewStub(NewChannel(identity.server, identity.security));
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
        const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
        v1::JoinResponse response;
        const grpc::Status status = stub->Renew(&context, request, &response);
        return Answered(status, std::move(response), identity.server);
      });
}

}  // namespace laptime::agent
