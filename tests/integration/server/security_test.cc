// A coordinator after `laptime-server init`: who may call what, and how one joins.
#include <algorithm>
#include <fstream>
#include <future>
#include <map>

#include "proto/support/pinned_authority.h"
#include "tests/integration/server/secured_server.h"
#include "tests/testing/agent_hello.h"
#include "tests/testing/every_method.h"
#include "tests/testing/kept_log.h"

namespace laptime {
namespace {

using testing::AgentStream;
using ::testing::HasSubstr;
using testing::kPatience;
using testing::Slurp;
using testing::StatusIs;

using SecurityTest = testing::SecuredServer;

// A call of one method by one caller, and what came of it.
struct Cell {
  const google::protobuf::MethodDescriptor* method;
  const SecurityTest::Who* who;
  absl::Status status;

  std::string path() const { return testing::PathOf(*method); }
};

// Whether a cell is as it should be, where `least` names the least role that a person needs for
// each method; one that is not in it is wrong. What is let in fails otherwise, or is cancelled by
// the test; what is not is UNAUTHENTICATED or PERMISSION_DENIED, and nothing else.
bool IsRight(const Cell& cell, const std::map<std::string, v1::Role>& least) {
  const v1::Role role = cell.who->role;
  const absl::StatusCode code = cell.status.code();
  if (!cell.who->shakes_hands && code == absl::StatusCode::kUnavailable) return true;
  // Join is for everybody, but its token is looked at: an empty one is none.
  const std::string method(cell.method->name());
  if (method == "Join") {
    return code == absl::StatusCode::kUnauthenticated ||
           code == absl::StatusCode::kResourceExhausted;
  }
  const bool machines = method == "Attach" || method == "Renew";
  const auto found = least.find(method);
  if (!machines && found == least.end()) return false;  // a new one: say below who may call it
  const bool may =
      machines ? role == v1::ROLE_AGENT : role != v1::ROLE_AGENT && role >= found->second;
  if (may) {
    return code != absl::StatusCode::kUnauthenticated &&
           code != absl::StatusCode::kPermissionDenied && code != absl::StatusCode::kUnavailable;
  }
  return code == (role == v1::ROLE_UNSPECIFIED ? absl::StatusCode::kUnauthenticated
                                               : absl::StatusCode::kPermissionDenied);
}

// Every RPC there is × everybody who may come.
TEST_F(SecurityTest, TheMatrixOfMethodsAndCallers) {
  // Said here once more, independently of the server's table.
  std::map<std::string, v1::Role> least = {
      {"ListJobs", v1::ROLE_VIEWER},         {"GetJob", v1::ROLE_VIEWER},
      {"WatchJob", v1::ROLE_VIEWER},         {"ListRuns", v1::ROLE_VIEWER},
      {"GetRun", v1::ROLE_VIEWER},           {"GetRunLog", v1::ROLE_VIEWER},
      {"ListSamples", v1::ROLE_VIEWER},      {"ExportRows", v1::ROLE_VIEWER},
      {"ListDevices", v1::ROLE_VIEWER},      {"GetDevice", v1::ROLE_VIEWER},
      {"ListCapabilities", v1::ROLE_VIEWER}, {"ListWorkloads", v1::ROLE_VIEWER},
      {"GetTable", v1::ROLE_VIEWER},         {"CompareRuns", v1::ROLE_VIEWER},
      {"GetHistory", v1::ROLE_VIEWER},       {"GetMatrix", v1::ROLE_VIEWER},
      {"GetServerInfo", v1::ROLE_VIEWER},    {"SubmitJob", v1::ROLE_USER},
      {"CancelJob", v1::ROLE_USER},          {"AnnotateRun", v1::ROLE_USER},
      {"ImportResults", v1::ROLE_USER},      {"UpdateDevice", v1::ROLE_ADMIN},
      {"CreateToken", v1::ROLE_ADMIN},       {"ListTokens", v1::ROLE_ADMIN},
      {"RevokeToken", v1::ROLE_ADMIN},       {"RemoveHost", v1::ROLE_ADMIN},
      {"ListAudit", v1::ROLE_ADMIN},         {"BackUp", v1::ROLE_ADMIN},
      {"CheckDatabase", v1::ROLE_ADMIN},     {"CollectGarbage", v1::ROLE_ADMIN}};
  const std::vector<Who> callers = Everybody();
  std::vector<Cell> cells;
  for (const google::protobuf::MethodDescriptor* method : testing::EveryMethod()) {
    for (const Who& who : callers) {
      cells.push_back({method, &who, absl::OkStatus()});
      cells.back().status = CallEmpty(cells.back().path(), who.security);
    }
  }
  const auto is_wrong = [&](const Cell& cell) { return !IsRight(cell, least); };
  for (const Cell& cell : cells) {
    if (is_wrong(cell))
      ADD_FAILURE() << cell.who->name << " " << cell.path() << ": " << cell.status;
  }
  testing::PrintTried("S2", "cells of the matrix of methods and callers",
                      static_cast<int64_t>(cells.size()), std::ranges::count_if(cells, is_wrong));
  EXPECT_GE(cells.size(), 350u);
  // The control: were the server's table another, cells would be wrong.
  least["ListTokens"] = v1::ROLE_USER;
  const auto wrong = std::ranges::count_if(cells, is_wrong);
  testing::PrintTried("S2 ctrl", "the same, where users could list tokens: must be wrong", 1,
                      wrong);
  EXPECT_GT(wrong, 0);
}

// Beside the matrix, for it is another's protocol: what a stranger does get.
TEST_F(SecurityTest, EverybodyWhoShakesHandsMayAskForHealth) {
  for (const Who& who : Everybody()) {
    if (!who.shakes_hands) continue;
    // CallEmpty cancels what has been answered.
    EXPECT_THAT(CallEmpty("/grpc.health.v1.Health/Check", who.security).code(),
                ::testing::AnyOf(absl::StatusCode::kOk, absl::StatusCode::kCancelled))
        << who.name;
  }
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
  context.AddMetadata("x", std::string(kMaxMetadataBytes, 'x'));  // with what else a call says
  EXPECT_EQ(Control(admin_)->GetServerInfo(&context, {}, &info).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_OK(Info(admin_)) << "the server goes on";
  Bypass("metadata beyond " + std::to_string(kMaxMetadataBytes) + " bytes");
}

TEST_F(SecurityTest, AConnectionHasOnlySoManyStreams) {
  AgentStream machine(NewChannel(server_->address(), NewMachine("host-a")),
                      testing::HelloOf("host-a", "box-a"));
  const std::string job = NewJob(machine);
  const auto stub = Control(admin_);
  std::vector<std::unique_ptr<testing::JobWatch>> watches;
  for (int i = 0; i < kMaxStreamsPerConnection; ++i) {
    watches.push_back(std::make_unique<testing::JobWatch>(*stub, job));
    ASSERT_TRUE(watches.back()->begun) << i;
  }
  auto surplus = std::async(std::launch::async, [&] {
    const testing::JobWatch watch(*stub, job);
    return watch.begun;
  });
  // Others come meanwhile: the server is not slow, this connection is full.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(testing::JobWatch(*Control(admin_), job).begun);
  EXPECT_EQ(surplus.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  watches.front()->context.TryCancel();
  EXPECT_TRUE(surplus.get()) << "its turn, when another has ended";
  for (const auto& watch : watches) watch->context.TryCancel();
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

TEST_F(SecurityTest, AMachineTellsNothingOfAnothersRun) {
  AgentStream owner(NewChannel(server_->address(), NewMachine("host-b")),
                    testing::HelloOf("host-b", "b"));
  owner.Await(&v1::CoordinatorMessage::has_welcome);
  v1::SubmitJobRequest job;
  job.set_workload("simclr-cifar10");
  job.add_selectors("b/cpu");
  v1::SubmitJobResponse submitted;
  grpc::ClientContext submit;
  Limit(submit);
  ASSERT_OK(FromGrpc(Control(admin_)->SubmitJob(&submit, job, &submitted)));
  const v1::AttemptRef attempt =
      owner.Await(&v1::CoordinatorMessage::has_start_run).start_run().attempt();
  v1::AgentMessage started;
  *started.mutable_report()->mutable_attempt() = attempt;
  started.mutable_report()->mutable_started();
  owner.Report(started, 1);
  grpc::ClientContext watching;
  Limit(watching);
  v1::WatchJobRequest watched;
  watched.set_id(submitted.job().id());
  const auto watch = Control(admin_)->WatchJob(&watching, watched);
  v1::JobEvent event;
  ASSERT_TRUE(watch->Read(&event));

  v1::AgentMessage progress;
  *progress.mutable_progress()->mutable_attempt() = attempt;
  progress.mutable_progress()->mutable_step()->set_step(7);
  v1::AgentMessage lap;
  *lap.mutable_report()->mutable_attempt() = attempt;
  lap.mutable_report()->mutable_epoch_finished()->set_number(1);
  lap.mutable_report()->mutable_epoch_finished()->set_wall_seconds(1);
  AgentStream other(NewChannel(server_->address(), NewMachine("host-a")),
                    testing::HelloOf("host-a", "a"));
  other.Await(&v1::CoordinatorMessage::has_welcome);
  other.call->Write(progress);
  other.Report(lap, 1);
  progress.mutable_progress()->mutable_step()->set_step(8);
  owner.call->Write(progress);
  lap.mutable_report()->mutable_epoch_finished()->set_wall_seconds(2);
  owner.Report(lap, 2);

  std::vector<int64_t> steps;
  while (watch->Read(&event) && !event.has_epoch_finished()) {
    if (event.has_progress()) steps.push_back(event.progress().step().step());
  }
  EXPECT_EQ(steps, std::vector<int64_t>{8});
  EXPECT_EQ(event.epoch_finished().wall_seconds(), 2);
  Bypass("one machine reports of another's run, and of its progress");
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

// Whoever may ask often must not push out what others did.
TEST_F(SecurityTest, WhatChangesNothingIsNotInTheAuditLog) {
  const ChannelSecurity machine = NewMachine("host-a");
  EXPECT_FALSE(CallEmpty("/laptime.v1.EnrollService/Renew", machine).ok());
  v1::SubmitJobRequest request;
  request.set_workload("simclr-cifar10");
  request.set_dry_run(true);
  v1::SubmitJobResponse response;
  grpc::ClientContext submit;
  Limit(submit);
  (void)Control(admin_)->SubmitJob(&submit, request, &response);
  v1::ListAuditResponse log;
  grpc::ClientContext context;
  Limit(context);
  ASSERT_OK(FromGrpc(Control(admin_)->ListAudit(&context, {}, &log)));
  std::vector<std::string> actions;
  for (const v1::AuditEntry& entry : log.entries()) actions.push_back(entry.action());
  EXPECT_THAT(actions, ::testing::ElementsAre("Join", "CreateToken"));
}

TEST_F(SecurityTest, RefusedCallsAreToldInTheLogButNotWithoutEnd) {
  const testing::KeptLog log;
  for (int i = 0; i <= kRefusalsPerMinute; ++i) EXPECT_FALSE(Info({.ca = ca()}).ok());
  EXPECT_GE(log.Count("ControlService.GetServerInfo from"), 1);
  EXPECT_LE(log.Count("is refused"), kRefusalsPerMinute);
}

}  // namespace
}  // namespace laptime
