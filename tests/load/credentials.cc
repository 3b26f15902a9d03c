#include "tests/load/credentials.h"

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <thread>

#include "agent/join_command.h"
#include "laptime/v1/access.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/access_token.h"
#include "proto/support/clock.h"
#include "proto/support/durable_file.h"
#include "proto/support/pinned_authority.h"
#include "proto/support/status.h"
#include "server/security/initialise.h"
#include "tests/load/messages.h"

namespace laptime::load {
namespace {

constexpr size_t kMaxTokenBytes = 1024;
constexpr int kJoiningAtATime = 16;  // so that their commits are grouped

absl::StatusOr<AccessToken> NewMachineToken(const std::string& address,
                                            const ChannelSecurity& administrator, int uses) {
  const auto control = v1::ControlService::NewStub(NewChannel(address, administrator));
  v1::CreateTokenRequest request;
  request.set_role(v1::ROLE_AGENT);
  request.set_uses(uses);
  grpc::ClientContext context;
  v1::CreateTokenResponse response;
  const grpc::Status status = control->CreateToken(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return ParseAccessToken(response.text());
}

absl::StatusOr<ChannelSecurity> JoinOne(v1::EnrollService::Stub& stub, const std::string& address,
                                        const std::string& ca, const AccessToken& token,
                                        int number) {
  const auto call = [&](const std::string& signing_request) -> absl::StatusOr<v1::JoinResponse> {
    v1::JoinRequest request;
    request.set_token_id(token.id);
    request.set_token_secret(token.secret);
    request.set_host_id(HelloOf(number).hello().host().id());
    request.set_signing_request(signing_request);
    grpc::ClientContext context;
    v1::JoinResponse response;
    const grpc::Status status = stub.Join(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  };
  const absl::StatusOr<agent::Identity> identity =
      agent::GetCertified(address, ca, UnixMs(SystemClock().WallNow()), call);
  if (!identity.ok()) return identity.status();
  return identity->security;
}

}  // namespace

absl::Status InitialiseState(const std::string& state_dir) {
  return Initialise({.state_dir = state_dir, .names = {}}, SystemClock()).status();
}

absl::StatusOr<ChannelSecurity> AdministratorOf(const std::string& state_dir,
                                                const std::string& address) {
  const auto text = ReadSmallFile(std::filesystem::path(state_dir) / "admin.token", kMaxTokenBytes);
  if (!text) return absl::NotFoundError("no admin.token in " + state_dir);
  const absl::StatusOr<AccessToken> token = ParseAccessToken(*text);
  if (!token.ok()) return token.status();
  absl::StatusOr<std::string> ca = FetchPinnedAuthority(address, token->ca_sha256);
  if (!ca.ok()) return ca.status();
  return ChannelSecurity{.ca = *std::move(ca), .bearer = token->bearer()};
}

absl::StatusOr<std::vector<ChannelSecurity>> JoinMachines(const std::string& address,
                                                          const ChannelSecurity& administrator,
                                                          int first, int count) {
  const absl::StatusOr<AccessToken> token = NewMachineToken(address, administrator, count);
  if (!token.ok()) return token.status();
  std::vector<absl::StatusOr<ChannelSecurity>> joined(count);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kJoiningAtATime; ++thread) {
      threads.emplace_back([&, thread] {
        const auto stub = v1::EnrollService::NewStub(NewChannel(address, {.ca = administrator.ca}));
        for (int i = thread; i < count; i += kJoiningAtATime)
          joined[i] = JoinOne(*stub, address, administrator.ca, *token, first + i);
      });
    }
  }
  std::vector<ChannelSecurity> machines;
  for (absl::StatusOr<ChannelSecurity>& machine : joined) {
    if (!machine.ok()) return machine.status();
    machines.push_back(*std::move(machine));
  }
  return machines;
}

}  // namespace laptime::load
