#include "server/security/tls_files.h"

#include "proto/support/durable_file.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr std::chrono::hours kDay{24};

// An authority, and a server pair in place that is good for 30 days.
class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() : paths_{dir_.path()} {
    auto made = CertificateAuthority::Create(now());
    EXPECT_OK(made);
    authority_ = std::make_unique<CertificateAuthority>(*std::move(made));
    auto pair = authority_->IssueServer({"box.example.org", "192.0.2.7"}, now(), 30 * kDay);
    EXPECT_OK(pair);
    pair_ = *std::move(pair);
    Put(pair_.chain, pair_.key);
    EXPECT_FALSE(WritePrivateFile(paths_.ca_certificate(), authority_->certificate_pem()));
    EXPECT_FALSE(WritePrivateFile(paths_.ca_key(), authority_->key_pem()));
  }

  int64_t now() const { return UnixMs(clock_.WallNow()); }
  void Put(const std::string& chain, const std::string& key) {
    EXPECT_FALSE(WritePrivateFile(paths_.chain(), chain));
    EXPECT_FALSE(WritePrivateFile(paths_.key(), key));
  }
  std::string InForce(const std::string& name) const {
    return ReadSmallFile(paths_.in_force() / "current" / name, kMaxPemBytes).value_or("");
  }
  std::string chain() const { return ReadSmallFile(paths_.chain(), kMaxPemBytes).value_or(""); }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  TlsPaths paths_;
  std::unique_ptr<CertificateAuthority> authority_;
  CertificateAuthority::ServerIdentity pair_;
};

TEST_F(TlsFilesTest, KeepsACertificateForTwoThirdsOfItsOwnTime) {
  clock_.Advance(19 * kDay);
  ASSERT_OK(TlsFiles::Start(paths_, *authority_, clock_));
  EXPECT_EQ(chain(), pair_.chain);
}

TEST_F(TlsFilesTest, MakesANewOneForTheSameNamesInTheLastThird) {
  clock_.Advance(21 * kDay);
  ASSERT_OK(TlsFiles::Start(paths_, *authority_, clock_));
  EXPECT_NE(chain(), pair_.chain);
  const auto leaf = ParseCertificate(chain());
  ASSERT_OK(leaf);
  EXPECT_EQ(NamesOf(**leaf), (std::vector<std::string>{"box.example.org", "192.0.2.7"}));
  EXPECT_GT(ExpiryUnixMs(**leaf), now() + std::chrono::milliseconds(300 * kDay).count());
}

TEST_F(TlsFilesTest, SaysWhatIsWrongWithAPair) {
  const auto check = [&](const std::string& chain, const std::string& key) {
    return CheckServerPair(chain, key, *authority_, now());
  };
  EXPECT_OK(check(pair_.chain, pair_.key));
  EXPECT_THAT(check("broken", pair_.key),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no certificate")));
  EXPECT_THAT(check(pair_.chain, authority_->key_pem()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not that of")));
  const auto other = CertificateAuthority::Create(now());
  ASSERT_OK(other);
  const auto foreign = other->IssueServer({"box"}, now());
  ASSERT_OK(foreign);
  EXPECT_THAT(check(foreign->chain, foreign->key),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ca.pem")));
  // Somebody's certificate before our authority's: it is not signed by it.
  const auto forged = ParseCertificate(foreign->chain);
  ASSERT_OK(forged);
  EXPECT_THAT(check(PemOf(**forged) + authority_->certificate_pem(), foreign->key),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not signed")));
  const auto later =
      authority_->IssueServer({"box"}, now() + std::chrono::milliseconds(2 * kBackdate).count());
  ASSERT_OK(later);
  EXPECT_THAT(check(later->chain, later->key),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not valid yet")));
  clock_.Advance(31 * kDay);
  EXPECT_THAT(check(pair_.chain, pair_.key),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expired")));
}

// Renewing it would take over whatever names it is for.
TEST_F(TlsFilesTest, DoesNotRenewAnotherAuthoritysPair) {
  const auto other = CertificateAuthority::Create(now());
  ASSERT_OK(other);
  const auto foreign = other->IssueServer({"elsewhere.example.org"}, now(), 30 * kDay);
  ASSERT_OK(foreign);
  Put(foreign->chain, foreign->key);
  clock_.Advance(31 * kDay);
  EXPECT_THAT(TlsFiles::Start(paths_, *authority_, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ca.pem")));
  EXPECT_EQ(chain(), foreign->chain);
}

TEST_F(TlsFilesTest, DoesNotStartOnABrokenPair) {
  Put("broken", pair_.key);
  EXPECT_THAT(TlsFiles::Start(paths_, *authority_, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("laptime-server init")));
}

// As after a crash between the two files, or a broken file and a restart for another reason.
TEST_F(TlsFilesTest, StartsWithTheLastGoodPairWhereTheOneInPlaceIsBroken) {
  ASSERT_OK(TlsFiles::Start(paths_, *authority_, clock_));
  const auto other = authority_->IssueServer({"box.example.org"}, now(), 30 * kDay);
  ASSERT_OK(other);
  Put(pair_.chain, other->key);
  for (int life = 0; life < 2; ++life) {
    ASSERT_OK(TlsFiles::Start(paths_, *authority_, clock_));
    EXPECT_EQ(InForce("server.pem"), pair_.chain);
    EXPECT_EQ(InForce("server.key"), pair_.key);
  }
  Put(other->chain, other->key);
  ASSERT_OK(TlsFiles::Start(paths_, *authority_, clock_));
  EXPECT_EQ(InForce("server.pem"), other->chain);
  EXPECT_EQ(InForce("server.key"), other->key);
  // The pair in force and the link to it; nothing of earlier lives.
  const std::filesystem::directory_iterator left(paths_.in_force());
  EXPECT_EQ(std::distance(begin(left), end(left)), 2);
  clock_.Advance(31 * kDay);
  Put("broken", other->key);
  EXPECT_THAT(TlsFiles::Start(paths_, *authority_, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("laptime-server init")))
      << "the last good one has expired";
}

}  // namespace
}  // namespace laptime
