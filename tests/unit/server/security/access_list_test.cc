#include "server/security/access_list.h"

#include <gtest/gtest.h>

#include "proto/support/sha256.h"

namespace laptime {
namespace {

constexpr int64_t kNow = 1'000'000;

storage::TokenRow Token(const std::string& id, v1::Role role, int64_t expires = 0) {
  storage::TokenRow row;
  row.token.set_id(id);
  row.token.set_role(role);
  row.token.set_label("anna");
  if (expires != 0) row.token.set_expires_unix_ms(expires);
  row.secret_sha256 = Sha256Hex("secret of " + id);
  return row;
}

class AccessListTest : public ::testing::Test {
 protected:
  AccessList list_{{Token("u", v1::ROLE_USER), Token("old", v1::ROLE_USER, kNow),
                    Token("j", v1::ROLE_AGENT, kNow + 1)},
                   {{"01", "host-a", "", 0, kNow + 1, false},
                    {"02", "host-a", "", 0, kNow, false},
                    {"03", "host-b", "", 0, kNow + 1, true}}};
};

TEST_F(AccessListTest, KnowsAPersonByTheTokensSecret) {
  const auto caller = list_.Person("u", "secret of u", kNow);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->role, v1::ROLE_USER);
  EXPECT_EQ(caller->name, "user anna (u)");
  EXPECT_FALSE(list_.Person("u", "secret of x", kNow));
  EXPECT_FALSE(list_.Person("u", "", kNow));
  EXPECT_FALSE(list_.Person("x", "secret of u", kNow));
}

TEST_F(AccessListTest, KnowsNobodyByAnExpiredToken) {
  EXPECT_TRUE(list_.Person("old", "secret of old", kNow - 1));
  EXPECT_FALSE(list_.Person("old", "secret of old", kNow));
}

TEST_F(AccessListTest, KnowsNobodyByAMachinesToken) {
  EXPECT_TRUE(list_.Find("j", "secret of j", kNow));
  EXPECT_FALSE(list_.Person("j", "secret of j", kNow));
}

TEST_F(AccessListTest, ARevokedTokenIsNoneAndEndsCallsUnderWay) {
  const Caller caller = *list_.Person("u", "secret of u", kNow);
  EXPECT_TRUE(list_.StillGood(caller, kNow));
  list_.RevokeToken("u", kNow);
  EXPECT_FALSE(list_.Person("u", "secret of u", kNow));
  EXPECT_FALSE(list_.StillGood(caller, kNow));
}

TEST_F(AccessListTest, KnowsAMachineByItsOwnCertificate) {
  const auto caller = list_.Machine("01", "host-a", kNow);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->role, v1::ROLE_AGENT);
  EXPECT_EQ(caller->host_id, "host-a");
  EXPECT_FALSE(list_.Machine("01", "host-b", kNow)) << "another's";
  EXPECT_FALSE(list_.Machine("02", "host-a", kNow)) << "expired";
  EXPECT_FALSE(list_.Machine("03", "host-b", kNow)) << "revoked";
  EXPECT_FALSE(list_.Machine("04", "host-a", kNow)) << "never given";
}

TEST_F(AccessListTest, RevokesAllThatAMachineHas) {
  const Caller caller = *list_.Machine("01", "host-a", kNow);
  EXPECT_EQ(list_.InForce("host-a", kNow), 1);
  list_.RevokeHost("host-a");
  EXPECT_EQ(list_.InForce("host-a", kNow), 0);
  EXPECT_FALSE(list_.StillGood(caller, kNow));
}

}  // namespace
}  // namespace laptime
