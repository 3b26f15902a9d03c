#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "laptime/v1/access.grpc.pb.h"
#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/access_token.h"
#include "proto/support/durable_file.h"
#include "proto/support/pem.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "server/security/initialise.h"
#include "tests/integration/server/call_empty.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::testing {

inline std::string Slurp(const std::filesystem::path& path) {
  return ReadSmallFile(path, 1 << 20).value_or("");
}

// One machine's stream.
struct AgentStream {
  AgentStream(const std::shared_ptr<grpc::Channel>& channel, const v1::AgentMessage& hello)
      : stub(v1::AgentService::NewStub(channel)) {
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    call = stub->Attach(&context);
    call->Write(hello);
  }
  // The next message for which that holds.
  v1::CoordinatorMessage Await(bool (v1::CoordinatorMessage::*has)() const) {
    v1::CoordinatorMessage message;
    while (call->Read(&message)) {
      if ((message.*has)()) return message;
    }
    ADD_FAILURE() << "the stream ended: " << call->Finish().error_message();
    return {};
  }
  // Returns once what was written before is settled, too.
  void Report(v1::AgentMessage report, uint64_t seq) {
    report.mutable_report()->set_seq(seq);
    call->Write(report);
    EXPECT_GE(Await(&v1::CoordinatorMessage::has_report_ack).report_ack().through_seq(), seq);
  }

  // How the stream ends, whatever comes before.
  absl::Status End() {
    for (v1::CoordinatorMessage message; call->Read(&message);) continue;
    return FromGrpc(call->Finish());
  }

  std::unique_ptr<v1::AgentService::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>> call;
};

// A person's look at what happens to a job from now on. What the coordinator says first has been
// read, unless it says nothing within kPatience.
struct JobWatch {
  JobWatch(v1::ControlService::Stub& control, const std::string& job) {
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::WatchJobRequest request;
    request.set_id(job);
    request.set_after_seq(std::numeric_limits<int64_t>::max());
    call = control.WatchJob(&context, request);
    v1::JobEvent first;
    begun = call->Read(&first);
  }
  // How it ends, whatever comes before.
  absl::Status End() {
    for (v1::JobEvent event; call->Read(&event);) continue;
    return FromGrpc(call->Finish());
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> call;
  bool begun = false;
};

// A coordinator after `laptime-server init`, over real TLS on loopback.
class SecuredServer : public ::testing::Test {
 public:
  struct Who {
    std::string name;
    ChannelSecurity security;
    v1::Role role;             // ROLE_UNSPECIFIED: nobody
    bool shakes_hands = true;  // false: may be turned away before a call begins
  };

 protected:
  SecuredServer() {
    EXPECT_OK(Initialise({dir_.File("state"), {}}, clock_));
    Start();
    admin_ = Person(Slurp(dir_.File("state/admin.token")));
  }

  absl::StatusOr<std::unique_ptr<CoordinatorServer>> Serve() {
    CoordinatorServerOptions options;
    options.state_dir = dir_.File("state");
    options.grpc.address = "127.0.0.1:0";
    options.agent_certificate_lifetime = agent_certificate_lifetime_;
    return CoordinatorServer::Start(options, clock_);
  }
  void Start() {
    server_.reset();
    auto server = Serve();
    ASSERT_OK(server);
    server_ = *std::move(server);
  }

  // A row of the table of promises: this way around the checks was tried.
  static void Bypass(const std::string& what) { PrintTried("S3", what, 1, HasFailure()); }

  std::string ca() const { return Slurp(dir_.File("state/ca.pem")); }

  ChannelSecurity Person(const std::string& text) const {
    const auto token = ParseAccessToken(text);
    EXPECT_OK(token);
    return {.ca = ca(), .bearer = token->bearer()};
  }
  std::unique_ptr<v1::ControlService::Stub> Control(const ChannelSecurity& security) const {
    return v1::ControlService::NewStub(NewChannel(server_->address(), security));
  }
  static void Limit(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
  }

  v1::CreateTokenResponse NewToken(v1::Role role, int uses = 0, double ttl_seconds = 0) {
    v1::CreateTokenRequest request;
    request.set_role(role);
    request.set_uses(uses);
    request.set_ttl_seconds(ttl_seconds);
    v1::CreateTokenResponse response;
    grpc::ClientContext context;
    Limit(context);
    EXPECT_OK(FromGrpc(Control(admin_)->CreateToken(&context, request, &response)));
    return response;
  }
  absl::Status Revoke(const std::string& token_id) const {
    v1::RevokeTokenRequest request;
    request.set_id(token_id);
    v1::Token token;
    grpc::ClientContext context;
    Limit(context);
    return FromGrpc(Control(admin_)->RevokeToken(&context, request, &token));
  }
  ChannelSecurity NewPerson(v1::Role role) { return Person(NewToken(role).text()); }

  absl::StatusOr<ChannelSecurity> Join(const std::string& token_text, const std::string& host,
                                       std::shared_ptr<grpc::Channel> channel = nullptr) {
    if (channel == nullptr) channel = NewChannel(server_->address(), {.ca = ca()});
    const AccessToken token = *ParseAccessToken(token_text);
    const PrivateKey key = *NewPrivateKey();
    v1::JoinRequest request;
    request.set_token_id(token.id);
    request.set_token_secret(token.secret);
    request.set_host_id(host);
    request.set_signing_request(*NewSigningRequest(*key));
    v1::JoinResponse response;
    grpc::ClientContext context;
    Limit(context);
    const auto stub = v1::EnrollService::NewStub(channel);
    const absl::Status status = FromGrpc(stub->Join(&context, request, &response));
    if (!status.ok()) return status;
    return ChannelSecurity{.ca = ca(), .certificate = response.certificate(), .key = PemOf(*key)};
  }
  ChannelSecurity NewMachine(const std::string& host) {
    auto machine = Join(NewToken(v1::ROLE_AGENT).text(), host);
    EXPECT_OK(machine);
    return machine.value_or(ChannelSecurity());
  }

  // A job with a run for that machine, which has attached and lets it wait.
  std::string NewJob(AgentStream& machine) {
    machine.Await(&v1::CoordinatorMessage::has_welcome);
    v1::SubmitJobRequest request;
    request.set_workload("simclr-cifar10");
    request.add_selectors("kind=cpu");
    v1::SubmitJobResponse submitted;
    grpc::ClientContext context;
    Limit(context);
    EXPECT_OK(FromGrpc(Control(admin_)->SubmitJob(&context, request, &submitted)));
    machine.Await(&v1::CoordinatorMessage::has_start_run);
    return submitted.job().id();
  }

  absl::StatusOr<v1::JoinResponse> Renew(const ChannelSecurity& machine) const {
    v1::RenewRequest request;
    request.set_signing_request(*NewSigningRequest(**NewPrivateKey()));
    v1::JoinResponse response;
    grpc::ClientContext context;
    Limit(context);
    const auto stub = v1::EnrollService::NewStub(NewChannel(server_->address(), machine));
    const absl::Status status = FromGrpc(stub->Renew(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  // A certificate for host-a that this coordinator did not give, an hour long from `since` on.
  ChannelSecurity Forged(const CertificateAuthority& authority, std::chrono::hours since) const {
    const PrivateKey key = *NewPrivateKey();
    const auto issued =
        authority.IssueAgent(*NewSigningRequest(*key), "host-a", std::chrono::hours(1),
                             UnixMs(clock_.WallNow()) + std::chrono::milliseconds(since).count());
    EXPECT_OK(issued);
    return {.ca = ca(), .certificate = issued->certificate, .key = PemOf(*key)};
  }

  absl::Status Info(const ChannelSecurity& security) const {
    v1::ServerInfo info;
    grpc::ClientContext context;
    Limit(context);
    return FromGrpc(Control(security)->GetServerInfo(&context, {}, &info));
  }

  // One of every kind who may come.
  std::vector<Who> Everybody() {
    const ChannelSecurity agent = NewMachine("host-a");
    const v1::CreateTokenResponse revoked_token = NewToken(v1::ROLE_ADMIN);
    EXPECT_OK(Revoke(revoked_token.token().id()));
    const ChannelSecurity removed = NewMachine("host-removed");
    {
      v1::RemoveHostRequest request;
      v1::RemoveHostResponse response;
      // It has never attached: it is known by its certificate alone.
      grpc::ClientContext context;
      Limit(context);
      request.set_host("host-removed");
      EXPECT_OK(FromGrpc(Control(admin_)->RemoveHost(&context, request, &response)));
    }
    ChannelSecurity bad = admin_;
    bad.bearer.back() = bad.bearer.back() == '0' ? '1' : '0';

    return {
        {"none", {.ca = ca()}, v1::ROLE_UNSPECIFIED},
        {"bad token", bad, v1::ROLE_UNSPECIFIED},
        {"revoked token", Person(revoked_token.text()), v1::ROLE_UNSPECIFIED},
        {"expired token", Person(NewToken(v1::ROLE_ADMIN, 0, /*ttl_seconds=*/0.001).text()),
         v1::ROLE_UNSPECIFIED},
        {"revoked machine", removed, v1::ROLE_UNSPECIFIED},
        {"expired machine", Forged(*ReadAuthority({dir_.File("state")}), std::chrono::hours(-24)),
         v1::ROLE_UNSPECIFIED, false},
        {"unknown machine", Forged(*ReadAuthority({dir_.File("state")}), {}), v1::ROLE_UNSPECIFIED,
         false},
        {"machine of another authority",
         Forged(*CertificateAuthority::Create(UnixMs(clock_.WallNow())), {}), v1::ROLE_UNSPECIFIED,
         false},
        {"agent", agent, v1::ROLE_AGENT},
        {"viewer", NewPerson(v1::ROLE_VIEWER), v1::ROLE_VIEWER},
        {"user", NewPerson(v1::ROLE_USER), v1::ROLE_USER},
        {"admin", NewPerson(v1::ROLE_ADMIN), v1::ROLE_ADMIN},
    };
  }

  // What a call of that method with an empty message comes to.
  absl::Status CallEmpty(const std::string& method, const ChannelSecurity& security) const {
    return testing::CallEmpty(NewChannel(server_->address(), security), method);
  }

  TempDir dir_;
  SystemClock clock_;
  std::chrono::milliseconds agent_certificate_lifetime_ =
      CoordinatorServerOptions().agent_certificate_lifetime;  // from the next Start on
  std::unique_ptr<CoordinatorServer> server_;
  ChannelSecurity admin_;
};

}  // namespace laptime::testing
