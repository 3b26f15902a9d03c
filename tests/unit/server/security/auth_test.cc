#include "server/security/auth.h"

#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

TEST(AuthenticatorTest, TrustsThisMachine) {
  EXPECT_OK(Authenticator().CheckPeer("ipv4:127.0.0.1:50000"));
  EXPECT_OK(Authenticator().CheckPeer("ipv6:%5B::1%5D:50000"));
}

TEST(AuthenticatorTest, RefusesEveryOtherAddress) {
  for (const char* peer : {"ipv4:10.0.0.7:50000", "ipv6:%5Bfe80::1%5D:50000", ""}) {
    EXPECT_THAT(Authenticator().CheckPeer(peer),
                testing::StatusIs(absl::StatusCode::kPermissionDenied, ::testing::HasSubstr(peer)));
  }
}

}  // namespace
}  // namespace laptime
