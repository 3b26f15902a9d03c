#include "proto/support/access_token.h"

#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

const AccessToken kToken{std::string(12, 'a'), std::string(32, 'b'), std::string(64, 'c')};

TEST(AccessTokenTest, IsReadAsItWasWritten) {
  const auto read = ParseAccessToken(" " + kToken.text() + "\r\n");
  ASSERT_OK(read);
  EXPECT_EQ(read->id, kToken.id);
  EXPECT_EQ(read->secret, kToken.secret);
  EXPECT_EQ(read->ca_sha256, kToken.ca_sha256);
  EXPECT_EQ(read->bearer(), kToken.id + "." + kToken.secret);
}

TEST(AccessTokenTest, RefusesOtherTextsWithoutRepeatingThem) {
  const std::string text = kToken.text();
  for (const std::string& wrong :
       {std::string(), std::string("secret"), text.substr(1), text.substr(0, text.size() - 1),
        text + "d", text + "_d", "laptime2" + text.substr(8), std::string(10'000, '_')}) {
    const auto read = ParseAccessToken(wrong);
    ASSERT_THAT(read, testing::StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
    EXPECT_EQ(read.status().ToString().find(std::string(8, 'b')), std::string::npos);
  }
}

}  // namespace
}  // namespace laptime
