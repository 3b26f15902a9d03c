#include "server/security/access_desk.h"

#include "proto/support/access_token.h"
#include "proto/support/pem.h"
#include "proto/support/status.h"
#include "storage/store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

class AccessDeskTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<AccessDesk>> Open(const CertificateAuthority* authority) {
    return AccessDesk::Open(*store_, authority, clock_, std::chrono::hours(1));
  }
  int64_t now() const { return UnixMs(clock_.WallNow()); }
  // So many tokens of administrators, each good for an hour, as if made long ago.
  void AddTokens(int count) {
    ASSERT_OK(store_->Write([&](storage::Transaction& tx) -> absl::Status {
      v1::Token token;
      token.set_role(v1::ROLE_ADMIN);
      token.set_expires_unix_ms(now() + std::chrono::milliseconds(std::chrono::hours(1)).count());
      for (int i = 0; i < count; ++i)
        LAPTIME_RETURN_IF_ERROR(tx.InsertToken(MakeToken(token, authority_.sha256()).row));
      return absl::OkStatus();
    }));
  }
  static v1::CreateTokenRequest ForAdmin() {
    v1::CreateTokenRequest request;
    request.set_role(v1::ROLE_ADMIN);
    return request;
  }

  const testing::TempDir dir_;
  testing::FakeClock clock_;
  const CertificateAuthority authority_ = *CertificateAuthority::Create(UnixMs(clock_.WallNow()));
  const std::unique_ptr<storage::Store> store_ =
      *storage::Store::Open({.path = dir_.File("laptime.db")});
};

TEST_F(AccessDeskTest, BeforeInitThereIsNothingToKnow) {
  const auto desk = Open(nullptr);
  ASSERT_OK(desk);
  EXPECT_FALSE((*desk)->initialised());
}

// Its key files are gone, or a backup was put into an empty directory.
TEST_F(AccessDeskTest, CredentialsWithoutAnAuthorityAreNotServed) {
  AddTokens(1);
  EXPECT_OK(Open(&authority_));
  EXPECT_THAT(Open(nullptr).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ca.pem")));
}

TEST_F(AccessDeskTest, OnlyGoodTokensCountAgainstTheLimit) {
  AddTokens(kMaxTokens);
  const auto desk = Open(&authority_);
  ASSERT_OK(desk);
  EXPECT_THAT((*desk)->CreateToken(ForAdmin(), "me").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("10000 tokens already")));
  clock_.Advance(std::chrono::hours(2));
  EXPECT_OK((*desk)->CreateToken(ForAdmin(), "me"));
  EXPECT_EQ((*desk)->ListTokens()->tokens_size(), kMaxTokens + 1);
}

TEST_F(AccessDeskTest, TheOldestDeadTokensAreForgotten) {
  AddTokens(kMaxDeadTokens + 5);
  clock_.Advance(std::chrono::hours(2));
  const auto desk = Open(&authority_);
  ASSERT_OK(desk);
  const auto made = (*desk)->CreateToken(ForAdmin(), "me");
  ASSERT_OK(made);
  EXPECT_EQ((*desk)->ListTokens()->tokens_size(), kMaxDeadTokens + 1);
}

TEST_F(AccessDeskTest, AMachineThatHasJoinedIsToldWhatToRemove) {
  const auto desk = Open(&authority_);
  ASSERT_OK(desk);
  v1::CreateTokenRequest request;
  request.set_role(v1::ROLE_AGENT);
  request.set_uses(2);
  const auto token = ParseAccessToken((*desk)->CreateToken(request, "me")->text());
  ASSERT_OK(token);
  v1::JoinRequest join;
  join.set_token_id(token->id);
  join.set_token_secret(token->secret);
  join.set_host_id("7f3a");
  join.set_signing_request(*NewSigningRequest(**NewPrivateKey()));
  ASSERT_OK((*desk)->Join(join, "ipv4:127.0.0.1:5000"));
  const absl::Status again = (*desk)->Join(join, "ipv4:127.0.0.1:5000").status();
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(HintOf(again), HasSubstr("laptime device remove 7f3a"));
  std::string host_id;
  EXPECT_OK((*desk)->RemoveHost("7f3a", &host_id));
  EXPECT_OK((*desk)->Join(join, "ipv4:127.0.0.1:5000"));
}

}  // namespace
}  // namespace laptime
