#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'000'000;

class AccessTest : public DatabaseTest {
 protected:
  void AddToken(const std::string& id, int64_t created_unix_ms,
                std::optional<int64_t> expires_unix_ms = std::nullopt,
                std::optional<int> uses_left = std::nullopt) {
    TokenRow row;
    row.token.set_id(id);
    row.token.set_role(v1::ROLE_AGENT);
    row.token.set_created_unix_ms(created_unix_ms);
    if (expires_unix_ms) row.token.set_expires_unix_ms(*expires_unix_ms);
    if (uses_left) row.token.set_uses_left(*uses_left);
    row.secret_sha256 = "hash";
    ASSERT_OK(tx_.InsertToken(row));
  }
  std::vector<std::string> Tokens() const {
    std::vector<std::string> ids;
    const std::vector<TokenRow> rows = tx_.Tokens().value();
    for (const TokenRow& row : rows) ids.push_back(row.token.id());
    return ids;
  }
  void Audit(const std::string& action, const std::string& detail, int most) {
    v1::AuditEntry entry;
    entry.set_action(action);
    entry.set_detail(detail);
    ASSERT_OK(tx_.InsertAudit(entry, most));
  }
  std::string AuditLog() {
    std::string text;
    SQLite::Statement rows(database(), "SELECT action || ' ' || detail FROM audit ORDER BY key");
    while (rows.executeStep()) text += rows.getColumn(0).getString() + ", ";
    return text;
  }
};

TEST_F(AccessTest, CountsTheTokensThatAreGood) {
  EXPECT_EQ(*tx_.CountLiveTokens(kNow), 0);
  AddToken("for ever", 1);
  AddToken("for long", 2, kNow + 1, 1);
  AddToken("expired", 3, kNow);
  AddToken("used up", 4, kNow + 1, 0);
  AddToken("revoked", 5);
  ASSERT_OK(tx_.RevokeToken("revoked", kNow));
  EXPECT_EQ(*tx_.CountLiveTokens(kNow), 2);
}

TEST_F(AccessTest, ForgetsTheOldestDeadTokensAndKeepsTheirCertificates) {
  AddToken("good", 0);
  for (const char* id : {"a", "b", "c"}) AddToken(id, id[0], kNow);
  ASSERT_OK(tx_.InsertCertificate({"serial", "host", "a", 1, kNow + 1}));
  EXPECT_THAT(*tx_.ForgetDeadTokens(3, kNow), IsEmpty());
  EXPECT_THAT(*tx_.ForgetDeadTokens(1, kNow), ElementsAre("b", "a"));
  EXPECT_THAT(Tokens(), ElementsAre("c", "good"));
  const std::vector<CertificateRow> certificates = tx_.Certificates().value();
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_EQ(certificates[0].token_id, "");
}

TEST_F(AccessTest, WhatIsDoneOftenDoesNotPushOutWhatOthersDid) {
  Audit("RemoveHost", "1", 2);
  for (const char* detail : {"1", "2", "3", "4"}) Audit("Renew", detail, 2);
  EXPECT_EQ(AuditLog(), "RemoveHost 1, Renew 3, Renew 4, ");
}

TEST_F(AccessTest, TheAuditLogIsCutNowAndThen) {
  constexpr int kMost = 300;
  constexpr int kFew = 3;  // a hundredth of it
  for (int i = 1; i < kMost + kFew; ++i) Audit("Renew", "", kMost);
  const auto entries = [this] {
    return database().execAndGet("SELECT count(*) FROM audit").getInt();
  };
  EXPECT_EQ(entries(), kMost + kFew - 1);
  Audit("Renew", "", kMost);
  EXPECT_EQ(entries(), kMost);
}

}  // namespace
}  // namespace laptime::storage
