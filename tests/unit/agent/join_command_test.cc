#include "agent/join_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "proto/support/pem.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using testing::FakeClock;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

constexpr std::chrono::hours kGoodFor{24};

std::string SelfSigned(EVP_PKEY& key) {
  const Certificate made(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 60);
  X509_set_pubkey(made.get(), &key);
  X509_sign(made.get(), &key, EVP_sha256());
  return PemOf(*made);
}

// Whether it went on to join shows in what it says of its token, which is none.
class JoinIfNeededTest : public ::testing::Test {
 protected:
  JoinIfNeededTest() { std::ofstream(dir_.File("token")) << "no token"; }

  absl::StatusOr<std::string> Join(const std::string& token_file = "token", bool if_needed = true) {
    std::istringstream in;
    return RunJoin({"box:7440", dir_.path() / "state", dir_.File(token_file), if_needed}, in,
                   clock_);
  }

  void HaveJoined() {
    std::filesystem::create_directories(dir_.path() / "state");
    ASSERT_OK_AND_ASSIGN(const PrivateKey key, NewPrivateKey());
    const std::string certificate = SelfSigned(*key);
    Identity identity;
    identity.server = "lab:7440";
    identity.security = {certificate, certificate, PemOf(*key), ""};
    identity.issued_unix_ms = UnixMs(clock_.WallNow());
    identity.expires_unix_ms = UnixMs(clock_.WallNow() + kGoodFor);
    ASSERT_OK(WriteIdentity(dir_.path() / "state", identity));
  }

  const TempDir dir_;
  FakeClock clock_;
};

auto ReadTheToken() {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no token of a coordinator"));
}

TEST_F(JoinIfNeededTest, JoinsAMachineThatHasNot) { EXPECT_THAT(Join(), ReadTheToken()); }

TEST_F(JoinIfNeededTest, LeavesAMachineThatHasJoined) {
  HaveJoined();
  ASSERT_OK_AND_ASSIGN(const std::string told, Join());
  EXPECT_THAT(told, HasSubstr("has joined lab:7440 already\n"));
  EXPECT_OK(Join("none")) << "its token may be gone";
  EXPECT_THAT(Join("token", /*if_needed=*/false), ReadTheToken()) << "the control";
}

TEST_F(JoinIfNeededTest, JoinsAnewWhenTheCertificateHasExpired) {
  HaveJoined();
  clock_.Advance(kGoodFor);
  EXPECT_THAT(Join(), ReadTheToken());
}

TEST_F(JoinIfNeededTest, JoinsAnewWhenTheIdentityIsDamaged) {
  HaveJoined();
  std::ofstream(IdentityPath(dir_.path() / "state"), std::ios::trunc) << "{";
  EXPECT_THAT(Join(), ReadTheToken());
}

TEST_F(JoinIfNeededTest, LeavesAMachineForWhichThereIsNoToken) {
  ASSERT_OK_AND_ASSIGN(const std::string told, Join("none"));
  EXPECT_THAT(told, HasSubstr("there is no token in "));
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "state"));
  EXPECT_THAT(Join("none", /*if_needed=*/false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot read a token")));
}

}  // namespace
}  // namespace laptime::agent
