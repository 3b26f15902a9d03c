// A coordinator after `laptime-server init`, over real TLS on loopback: who may call what.
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "laptime/v1/access.grpc.pb.h"
#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/access_token.h"
#include "proto/support/durable_file.h"
#include "proto/support/pem.h"
#include "proto/support/pinned_authority.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "server/security/initialise.h"
#include "tests/testing/agent_hello.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

constexpr std::chrono::seconds kPatience{20};

std::string Slurp(const std::filesystem::path& path) {
  return ReadSmallFile(path, 1 << 20).value_or("");
}

class SecurityTest : public ::testing::Test {
 protected:
  SecurityTest() {
    EXPECT_OK(Initialise({dir_.File("state"), {}}, clock_));
    Start();
    admin_ = Person(Slurp(dir_.File("state/admin.token")));
  }

  void Start() {
    server_.reset();
    CoordinatorServerOptions options;
    options.state_dir = dir_.File("state");
    options.grpc.address = "127.0.0.1:0";
    auto server = CoordinatorServer::Start(options, clock_);
    ASSERT_OK(server);
    server_ = *std::move(server);
  }

  // A row of the table of promises: this way around the checks was tried.
  static void Bypass(const std::string& what) { testing::PrintTried("S3", what, 1, HasFailure()); }

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

  absl::Status Info(const ChannelSecurity& security) const {
    v1::ServerInfo info;
    grpc::ClientContext context;
    Limit(context);
    return FromGrpc(Control(security)->GetServerInfo(&context, {}, &info));
  }

  struct Who {
    std::string name;
    ChannelSecurity security;
    v1::Role role;  // ROLE_UNSPECIFIED: nobody
  };

  // One of every kind who may come.
  std::vector<Who> Everybody() {
    const ChannelSecurity agent = NewMachine("host-a");
    const v1::CreateTokenResponse revoked_token = NewToken(v1::ROLE_ADMIN);
    {
      v1::RevokeTokenRequest request;
      request.set_id(revoked_token.token().id());
      v1::Token token;
      grpc::ClientContext context;
      Limit(context);
      EXPECT_OK(FromGrpc(Control(admin_)->RevokeToken(&context, request, &token)));
    }
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
        {"revoked machine", removed, v1::ROLE_UNSPECIFIED},
        {"agent", agent, v1::ROLE_AGENT},
        {"viewer", NewPerson(v1::ROLE_VIEWER), v1::ROLE_VIEWER},
        {"user", NewPerson(v1::ROLE_USER), v1::ROLE_USER},
        {"admin", NewPerson(v1::ROLE_ADMIN), v1::ROLE_ADMIN},
    };
  }

  // What a call of that method with an empty message comes to.
  absl::Status CallEmpty(const std::string& method, const ChannelSecurity& security) const {
    grpc::GenericStub stub(NewChannel(server_->address(), security));
    grpc::ClientContext context;
    Limit(context);
    grpc::CompletionQueue queue;
    const auto next = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    auto call = stub.PrepareCall(&context, method, &queue);
    call->StartCall(nullptr);
    if (next()) {
      grpc::Slice empty;
      call->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), nullptr);
      next();
    }
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    if (next()) context.TryCancel();  // a stream that goes on
    grpc::Status status;
    call->Finish(&status, nullptr);
    next();
    return FromGrpc(status);
  }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<CoordinatorServer> server_;
  ChannelSecurity admin_;
};

// Every RPC there is × everybody who may come. What is let in fails otherwise, or is cancelled by
// the test; what is not is UNAUTHENTICATED or PERMISSION_DENIED, and nothing else.
TEST_F(SecurityTest, TheMatrixOfMethodsAndCallers) {
  const std::vector<Who> callers = Everybody();
  // Said here once more, independently of the server's table.
  const std::map<std::string, v1::Role> least = {
      {"SubmitJob", v1::ROLE_USER},      {"CancelJob", v1::ROLE_USER},
      {"AnnotateRun", v1::ROLE_USER},    {"ImportResults", v1::ROLE_USER},
      {"UpdateDevice", v1::ROLE_ADMIN},  {"CreateToken", v1::ROLE_ADMIN},
      {"ListTokens", v1::ROLE_ADMIN},    {"RevokeToken", v1::ROLE_ADMIN},
      {"RemoveHost", v1::ROLE_ADMIN},    {"ListAudit", v1::ROLE_ADMIN},
      {"BackUp", v1::ROLE_ADMIN},        {"CheckDatabase", v1::ROLE_ADMIN},
      {"CollectGarbage", v1::ROLE_ADMIN}};
  int cells = 0;
  int wrong = 0;
  for (const google::protobuf::FileDescriptor* file :
       {v1::Token::descriptor()->file(), v1::Hello::descriptor()->file(),
        v1::Job::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const google::protobuf::ServiceDescriptor* service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) {
        const std::string name(service->method(j)->name());
        if (name == "Join") continue;  // for everybody: its token is looked at instead
        for (const Who& who : callers) {
          const bool machines = name == "Attach" || name == "Renew";
          const auto found = least.find(name);
          const v1::Role needed = found == least.end() ? v1::ROLE_VIEWER : found->second;
          const bool may = machines ? who.role == v1::ROLE_AGENT
                                    : who.role != v1::ROLE_AGENT && who.role >= needed;
          const std::string path = "/" + std::string(service->full_name()) + "/" + name;
          const absl::Status status = CallEmpty(path, who.security);
          const absl::StatusCode refused = who.role == v1::ROLE_UNSPECIFIED
                                               ? absl::StatusCode::kUnauthenticated
                                               : absl::StatusCode::kPermissionDenied;
          const bool let_in = status.code() != absl::StatusCode::kUnauthenticated &&
                              status.code() != absl::StatusCode::kPermissionDenied &&
                              status.code() != absl::StatusCode::kUnavailable;
          const bool right = may ? let_in : status.code() == refused;
          ++cells;
          if (right) continue;
          ++wrong;
          ADD_FAILURE() << who.name << " " << path << ": " << status;
        }
      }
    }
  }
  testing::PrintTried("S2", "cells of the matrix of methods and callers", cells, wrong);
  EXPECT_GE(cells, 200);
}

TEST_F(SecurityTest, PlaintextGetsNothingNotEvenOnLoopback) {
  EXPECT_THAT(Info({}), StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
  Bypass("plaintext to the port with TLS");
}

TEST_F(SecurityTest, AClientDoesNotBelieveAnotherAuthority) {
  const auto other = CertificateAuthority::Create(UnixMs(clock_.WallNow()));
  ASSERT_OK(other);
  ChannelSecurity security = admin_;
  security.ca = other->certificate_pem();
  EXPECT_THAT(Info(security), StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
}

TEST_F(SecurityTest, AMachineOfAnotherAuthorityIsNobody) {
  const auto other = CertificateAuthority::Create(UnixMs(clock_.WallNow()));
  ASSERT_OK(other);
  const PrivateKey key = *NewPrivateKey();
  const auto issued = other->IssueAgent(*NewSigningRequest(*key), "host-a", std::chrono::hours(1),
                                        UnixMs(clock_.WallNow()));
  ASSERT_OK(issued);
  const absl::Status status =
      CallEmpty("/laptime.v1.AgentService/Attach",
                {.ca = ca(), .certificate = issued->certificate, .key = PemOf(*key)});
  EXPECT_TRUE(status.code() == absl::StatusCode::kUnavailable ||
              status.code() == absl::StatusCode::kUnauthenticated)
      << status;
  Bypass("a machine of another authority");
}

TEST_F(SecurityTest, TwoTokensInOneCallAreNone) {
  v1::ServerInfo info;
  grpc::ClientContext context;
  Limit(context);
  context.AddMetadata("authorization", "Bearer " + admin_.bearer);
  EXPECT_THAT(FromGrpc(Control(admin_)->GetServerInfo(&context, {}, &info)),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("more than one")));
  Bypass("two tokens in one call");
}

TEST_F(SecurityTest, MetadataBeyondTheLimitIsRefused) {
  v1::ServerInfo info;
  grpc::ClientContext context;
  Limit(context);
  context.AddMetadata("x", std::string(64 * 1024, 'x'));
  EXPECT_FALSE(Control(admin_)->GetServerInfo(&context, {}, &info).ok());
  EXPECT_OK(Info(admin_)) << "the server goes on";
  Bypass("metadata of 64 KB");
}

TEST_F(SecurityTest, AMachineSpeaksForItselfAlone) {
  const ChannelSecurity agent = NewMachine("host-a");
  const auto stub = v1::AgentService::NewStub(NewChannel(server_->address(), agent));
  grpc::ClientContext context;
  Limit(context);
  const auto call = stub->Attach(&context);
  call->Write(testing::HelloOf("host-b", "b"));
  v1::CoordinatorMessage answer;
  while (call->Read(&answer)) EXPECT_FALSE(answer.has_welcome());
  EXPECT_THAT(FromGrpc(call->Finish()),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("not for host host-b")));
  Bypass("one machine speaks for another");
}

TEST_F(SecurityTest, AOneTimeTokenRacedAHundredWaysLetsOneIn) {
  const std::string token = NewToken(v1::ROLE_AGENT).text();
  // Connected before the race, so that it is one of calls and not of handshakes.
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 10; ++i) {
    channels.push_back(NewChannel(server_->address(), {.ca = ca()}));
    ASSERT_TRUE(channels.back()->WaitForConnected(std::chrono::system_clock::now() + kPatience));
  }
  std::vector<std::future<absl::Status>> racers;
  for (int i = 0; i < 100; ++i) {
    racers.push_back(std::async(std::launch::async, [&, i] {
      return Join(token, "host-" + std::to_string(i), channels[i % channels.size()]).status();
    }));
  }
  int won = 0;
  int refused = 0;
  for (std::future<absl::Status>& racer : racers) {
    const absl::Status status = racer.get();
    won += status.ok() ? 1 : 0;
    refused += absl::IsUnauthenticated(status) || absl::IsResourceExhausted(status) ? 1 : 0;
  }
  testing::PrintTried("S4", "ways to race a token of one use", 100,
                      won + refused == 100 ? won - 1 : 100);
  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, 99);
}

// The control: it is the number of uses that lets one in.
TEST_F(SecurityTest, ATokenOfManyUsesLetsAsManyIn) {
  const std::string token = NewToken(v1::ROLE_AGENT, /*uses=*/3).text();
  int joined = 0;
  for (int i = 0; i < 5; ++i) joined += Join(token, "host-" + std::to_string(i)).ok() ? 1 : 0;
  EXPECT_EQ(joined, 3);
}

TEST_F(SecurityTest, AJoinTokenIsGoodForItsTime) {
  EXPECT_THAT(Join(NewToken(v1::ROLE_AGENT, 0, /*ttl_seconds=*/0.001).text(), "host-a"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(SecurityTest, APersonsTokenJoinsNoMachine) {
  EXPECT_THAT(Join(Slurp(dir_.File("state/admin.token")), "host-a"),
              StatusIs(absl::StatusCode::kUnauthenticated, ::testing::_));
}

TEST_F(SecurityTest, AfterFiveFailuresNoMoreTokensAreLookedAt) {
  const AccessToken wrong{std::string(12, '0'), std::string(32, '0'), std::string(64, '0')};
  for (int i = 0; i < kMaxFailures; ++i)
    EXPECT_THAT(Join(wrong.text(), "host-a"),
                StatusIs(absl::StatusCode::kUnauthenticated, ::testing::_));
  EXPECT_THAT(Join(NewToken(v1::ROLE_AGENT).text(), "host-a"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("minute")));
}

TEST_F(SecurityTest, WhoHoldsAJoinTokenCannotTakeAnothersPlace) {
  NewMachine("host-a");
  EXPECT_THAT(Join(NewToken(v1::ROLE_AGENT).text(), "host-a"),
              StatusIs(absl::StatusCode::kAlreadyExists, ::testing::_));
}

TEST_F(SecurityTest, ThePinFindsTheAuthorityAndNothingElse) {
  const std::string pin = ParseAccessToken(Slurp(dir_.File("state/admin.token")))->ca_sha256;
  const auto fetched = FetchPinnedAuthority(server_->address(), pin);
  ASSERT_OK(fetched);
  EXPECT_EQ(*fetched, ca());
  EXPECT_THAT(FetchPinnedAuthority(server_->address(), std::string(64, '0')),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("not the one")));
  EXPECT_THAT(FetchPinnedAuthority("127.0.0.1:1", pin),
              StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
}

TEST_F(SecurityTest, RemovingAMachineCutsItsStream) {
  const ChannelSecurity agent = NewMachine("host-a");
  const auto stub = v1::AgentService::NewStub(NewChannel(server_->address(), agent));
  grpc::ClientContext context;
  Limit(context);
  const auto call = stub->Attach(&context);
  call->Write(testing::HelloOf("host-a", "box-a"));
  v1::CoordinatorMessage answer;
  ASSERT_TRUE(call->Read(&answer));
  ASSERT_TRUE(answer.has_welcome());
  const auto devices = [&] {
    v1::ListDevicesResponse response;
    grpc::ClientContext list;
    Limit(list);
    EXPECT_OK(FromGrpc(Control(admin_)->ListDevices(&list, {}, &response)));
    return response.devices_size();
  };
  EXPECT_EQ(devices(), 1);

  v1::RemoveHostRequest request;
  request.set_host("box-a");
  v1::RemoveHostResponse removed;
  grpc::ClientContext remove;
  Limit(remove);
  ASSERT_OK(FromGrpc(Control(admin_)->RemoveHost(&remove, request, &removed)));
  EXPECT_EQ(removed.certificates_revoked(), 1);
  while (call->Read(&answer)) {
  }
  EXPECT_THAT(FromGrpc(call->Finish()),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("revoked")));
  EXPECT_THAT(CallEmpty("/laptime.v1.AgentService/Attach", agent),
              StatusIs(absl::StatusCode::kUnauthenticated, ::testing::_));
  EXPECT_EQ(devices(), 0);
  EXPECT_OK(Join(NewToken(v1::ROLE_AGENT).text(), "host-a")) << "it may come back";
}

TEST_F(SecurityTest, RenewalGivesTheSameMachineAnotherCertificate) {
  const ChannelSecurity agent = NewMachine("host-a");
  const PrivateKey key = *NewPrivateKey();
  v1::RenewRequest request;
  request.set_signing_request(*NewSigningRequest(*key));
  v1::JoinResponse response;
  grpc::ClientContext context;
  Limit(context);
  const auto stub = v1::EnrollService::NewStub(NewChannel(server_->address(), agent));
  ASSERT_OK(FromGrpc(stub->Renew(&context, request, &response)));
  const auto certificate = ParseCertificate(response.certificate());
  ASSERT_OK(certificate);
  EXPECT_EQ(HostIdOf(**certificate), "host-a");
  EXPECT_NE(SerialOf(**certificate), SerialOf(**ParseCertificate(agent.certificate)));
}

TEST_F(SecurityTest, CredentialsOutliveARestart) {
  const ChannelSecurity user = NewPerson(v1::ROLE_USER);
  Start();
  EXPECT_OK(Info(user));
}

TEST_F(SecurityTest, TheDatabaseHoldsNoSecret) {
  const AccessToken token = *ParseAccessToken(NewToken(v1::ROLE_USER).text());
  server_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(dir_.File("state"))) {
    if (!entry.is_regular_file() || entry.path().extension() == ".token") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find(token.secret), std::string::npos) << entry.path();
    // The control: what is public is found.
    if (entry.path().filename() == "laptime.db") {
      EXPECT_NE(bytes.find(token.id), std::string::npos);
    }
  }
}

TEST_F(SecurityTest, PrivateFilesAreTheOwnersAlone) {
  for (const char* name : {"state/ca.key", "state/server.key", "state/admin.token"}) {
    const auto mode = std::filesystem::status(dir_.File(name)).permissions();
    EXPECT_EQ(mode & std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << name;
  }
}

TEST_F(SecurityTest, ChangesAreInTheAuditLogWithWhoAndOutcome) {
  const ChannelSecurity viewer = NewPerson(v1::ROLE_VIEWER);
  v1::ListAuditResponse log;
  grpc::ClientContext context;
  Limit(context);
  ASSERT_OK(FromGrpc(Control(admin_)->ListAudit(&context, {}, &log)));
  ASSERT_GE(log.entries_size(), 1);
  EXPECT_EQ(log.entries(0).action(), "CreateToken");
  EXPECT_THAT(log.entries(0).who(), HasSubstr("admin init"));
  EXPECT_EQ(log.entries(0).outcome(), "ok");
  EXPECT_THAT(log.entries(0).peer(), HasSubstr("127.0.0.1"));
}

TEST_F(SecurityTest, ABrokenServerCertificateIsRefusedAndTheLastGoodOneKept) {
  const std::filesystem::path current = dir_.File("state/tls/current/server.pem");
  const std::string good = Slurp(current);
  std::ofstream(dir_.File("state/server.pem")) << "-----BEGIN CERTIFICATE-----\nbroken\n";
  // Longer than two looks at the files; what must not change has no condition to wait for.
  const auto deadline = std::chrono::steady_clock::now() + 2 * kTlsCheckPeriod;
  while (std::chrono::steady_clock::now() < deadline) ASSERT_OK(Info(admin_));
  EXPECT_EQ(Slurp(current), good);
  // A good one is taken over.
  const auto authority = ReadAuthority({dir_.File("state")});
  ASSERT_OK(authority);
  const auto made = authority->IssueServer(DefaultNames(), UnixMs(clock_.WallNow()));
  ASSERT_OK(made);
  ASSERT_FALSE(WritePrivateFile(dir_.File("state/server.key"), made->key));
  ASSERT_FALSE(WritePrivateFile(dir_.File("state/server.pem"), made->chain));
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (Slurp(current) != made->chain && std::chrono::steady_clock::now() < end)
    ASSERT_OK(Info(admin_));
  EXPECT_EQ(Slurp(current), made->chain);
  EXPECT_OK(Info(admin_));
}

}  // namespace
}  // namespace laptime
