// What becomes of who has credentials when those change: renewed, revoked, expired, lost.
#include <SQLiteCpp/Database.h>

#include <fstream>
#include <thread>

#include "server/security/access_desk.h"
#include "tests/integration/server/secured_server.h"
#include "tests/testing/agent_hello.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::kPatience;
using testing::Slurp;
using testing::StatusIs;

using CredentialsTest = testing::SecuredServer;

TEST_F(CredentialsTest, RemovingAMachineCutsItsStream) {
  const ChannelSecurity agent = NewMachine("host-a");
  testing::AgentStream stream(NewChannel(server_->address(), agent),
                              testing::HelloOf("host-a", "box-a"));
  stream.Await(&v1::CoordinatorMessage::has_welcome);
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
  EXPECT_THAT(stream.End(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("revoked")));
  EXPECT_THAT(CallEmpty("/laptime.v1.AgentService/Attach", agent),
              StatusIs(absl::StatusCode::kUnauthenticated, ::testing::_));
  EXPECT_EQ(devices(), 0);
  EXPECT_OK(Join(NewToken(v1::ROLE_AGENT).text(), "host-a")) << "it may come back";
}

TEST_F(CredentialsTest, RenewalGivesTheSameMachineAnotherCertificate) {
  const ChannelSecurity agent = NewMachine("host-a");
  const auto renewed = Renew(agent);
  ASSERT_OK(renewed);
  const auto certificate = ParseCertificate(renewed->certificate());
  ASSERT_OK(certificate);
  EXPECT_EQ(HostIdOf(**certificate), "host-a");
  EXPECT_NE(SerialOf(**certificate), SerialOf(**ParseCertificate(agent.certificate)));
}

TEST_F(CredentialsTest, AMachineHasOnlySoManyCertificatesInForce) {
  const ChannelSecurity agent = NewMachine("host-a");
  for (int i = 1; i < kMaxCertificates; ++i) ASSERT_OK(Renew(agent));
  EXPECT_THAT(Renew(agent).status(), StatusIs(absl::StatusCode::kResourceExhausted,
                                              HasSubstr("20 certificates in force already")));
  EXPECT_OK(Renew(NewMachine("host-b")));
}

TEST_F(CredentialsTest, CredentialsOutliveARestart) {
  const ChannelSecurity user = NewPerson(v1::ROLE_USER);
  Start();
  EXPECT_OK(Info(user));
}

TEST_F(CredentialsTest, ABrokenServerCertificateIsRefusedAndTheLastGoodOneKept) {
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

// More than the buffers on the way to a client hold.
TEST_F(CredentialsTest, ABackupEndsWhenItsCallersTokenIsRevoked) {
  server_.reset();
  {
    SQLite::Database database(dir_.File("state/laptime.db"), SQLite::OPEN_READWRITE);
    database.exec("CREATE TABLE filler(bytes)");
    database.exec("INSERT INTO filler VALUES (randomblob(64000000))");
  }
  Start();
  const v1::CreateTokenResponse token = NewToken(v1::ROLE_ADMIN);
  grpc::ClientContext context;
  Limit(context);
  const auto backup = Control(Person(token.text()))->BackUp(&context, {});
  v1::BackUpResponse piece;
  ASSERT_TRUE(backup->Read(&piece));
  ASSERT_OK(Revoke(token.token().id()));
  while (backup->Read(&piece)) EXPECT_FALSE(piece.has_end());
  EXPECT_THAT(FromGrpc(backup->Finish()),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("revoked")));
}

TEST_F(CredentialsTest, AWatchOfAQuietJobEndsWhenItsCallersTokenIsRevoked) {
  testing::AgentStream machine(NewChannel(server_->address(), NewMachine("host-a")),
                               testing::HelloOf("host-a", "box-a"));
  const std::string job = NewJob(machine);
  const v1::CreateTokenResponse token = NewToken(v1::ROLE_VIEWER);
  const auto viewer = Control(Person(token.text()));
  testing::JobWatch watch(*viewer, job);
  ASSERT_TRUE(watch.begun);
  ASSERT_OK(Revoke(token.token().id()));
  EXPECT_THAT(watch.End(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("revoked")));
}

TEST_F(CredentialsTest, AnAgentsStreamEndsWhenItsCertificateExpires) {
  agent_certificate_lifetime_ = std::chrono::seconds(5);
  Start();
  const ChannelSecurity agent = NewMachine("host-a");
  testing::AgentStream stream(NewChannel(server_->address(), agent),
                              testing::HelloOf("host-a", "box-a"));
  stream.Await(&v1::CoordinatorMessage::has_welcome);
  v1::AgentMessage heartbeat;
  heartbeat.mutable_heartbeat();
  while (stream.call->Write(heartbeat)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // Not for good: it may have another certificate by now.
  EXPECT_THAT(stream.End(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no longer good")));
}

TEST_F(CredentialsTest, WithoutItsAuthorityItServesNobody) {
  const ChannelSecurity agent = NewMachine("host-a");
  const std::string authority = ca();
  server_.reset();
  for (const char* left : {"ca.key", "server.pem", "server.key", "admin.token"}) {
    for (const char* name : {"ca.pem", "ca.key", "server.pem", "server.key", "admin.token"}) {
      const std::filesystem::path path = dir_.File("state") / std::filesystem::path(name);
      const std::filesystem::path away = dir_.File(name);
      if (std::filesystem::exists(path)) std::filesystem::rename(path, away);
      if (std::string(name) == left) std::filesystem::rename(away, path);
    }
    EXPECT_THAT(Serve().status(),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ca.pem is missing")))
        << left;
  }
  // Nor with nothing but the database, as where a backup was put into an empty directory.
  std::filesystem::rename(dir_.File("state/admin.token"), dir_.File("admin.token"));
  EXPECT_THAT(Serve().status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is not beside it")));
  for (const char* name : {"ca.key", "server.pem", "server.key"})
    std::filesystem::rename(dir_.File(name), dir_.File("state") / std::filesystem::path(name));
  // Init has all that it takes.
  ASSERT_OK(Initialise({dir_.File("state"), {}}, clock_));
  EXPECT_EQ(ca(), authority);
  Start();
  EXPECT_OK(Info(admin_));
  EXPECT_EQ(CallEmpty("/laptime.v1.AgentService/Attach", agent).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CredentialsTest, InitMakesNoOtherAuthorityWhereTheKeyOfOneIs) {
  server_.reset();
  const auto other = CertificateAuthority::Create(UnixMs(clock_.WallNow()));
  ASSERT_OK(other);
  const auto pair = other->IssueServer(DefaultNames(), UnixMs(clock_.WallNow()));
  ASSERT_OK(pair);
  std::ofstream(dir_.File("state/server.pem")) << pair->chain;
  const std::string key = Slurp(dir_.File("state/ca.key"));
  std::filesystem::remove(dir_.File("state/ca.pem"));
  EXPECT_THAT(Initialise({dir_.File("state"), {}}, clock_).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("does not end with")));
  EXPECT_EQ(Slurp(dir_.File("state/ca.key")), key);
  EXPECT_FALSE(std::filesystem::exists(dir_.File("state/ca.pem")));
}

TEST_F(CredentialsTest, InitAgainKeepsTheNamesThatMachinesKnow) {
  server_.reset();
  const auto names = [this] {
    return NamesOf(**ParseCertificate(Slurp(dir_.File("state/server.pem"))));
  };
  ASSERT_OK(Initialise({dir_.File("state"), {"lab.example.org"}}, clock_));
  ASSERT_OK(Initialise({dir_.File("state"), {"other.example.org"}}, clock_));
  EXPECT_THAT(names(), ::testing::IsSupersetOf({"lab.example.org", "other.example.org"}));
  // Also of the pair that was in force, where the one in place is broken.
  Start();
  server_.reset();
  std::ofstream(dir_.File("state/server.pem")) << "broken";
  ASSERT_OK(Initialise({dir_.File("state"), {}}, clock_));
  EXPECT_THAT(names(), ::testing::IsSupersetOf({"lab.example.org", "localhost"}));
}

TEST_F(CredentialsTest, TheLastAdministratorIsNotRevoked) {
  const std::string first = ParseAccessToken(Slurp(dir_.File("state/admin.token")))->id;
  EXPECT_THAT(Revoke(first),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("the last one")));
  const v1::CreateTokenResponse second = NewToken(v1::ROLE_ADMIN, 0, /*ttl_seconds=*/4);
  EXPECT_OK(Revoke(first));
  // That one expires; who owns the state directory is let in again.
  server_.reset();
  const int64_t expired = second.token().expires_unix_ms();
  while (UnixMs(clock_.WallNow()) <= expired)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto said = Initialise({dir_.File("state"), {}}, clock_);
  ASSERT_OK(said);
  EXPECT_THAT(*said, HasSubstr("admin.token is a new one"));
  Start();
  EXPECT_OK(Info(Person(Slurp(dir_.File("state/admin.token")))));
  EXPECT_THAT(Info(admin_), StatusIs(absl::StatusCode::kUnauthenticated, ::testing::_));
  server_.reset();
  const auto again = Initialise({dir_.File("state"), {}}, clock_);
  ASSERT_OK(again);
  EXPECT_THAT(*again, ::testing::Not(HasSubstr("admin.token")));
}

}  // namespace
}  // namespace laptime
