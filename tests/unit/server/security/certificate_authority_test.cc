#include "server/security/certificate_authority.h"

#include <openssl/x509v3.h>

#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int64_t kToday = 1'790'000'000'000;
constexpr std::chrono::hours kDay{24};

class CertificateAuthorityTest : public ::testing::Test {
 protected:
  CertificateAuthorityTest() {
    auto made = CertificateAuthority::Create(kToday);
    EXPECT_OK(made);
    authority_ = std::make_unique<CertificateAuthority>(*std::move(made));
    auto key = NewPrivateKey();
    EXPECT_OK(key);
    key_ = *std::move(key);
    request_ = *NewSigningRequest(*key_);
  }

  std::unique_ptr<CertificateAuthority> authority_;
  PrivateKey key_;
  std::string request_;
};

TEST_F(CertificateAuthorityTest, SignsAMachinesKeyForThatMachineAlone) {
  const auto issued = authority_->IssueAgent(request_, "host-1", kDay, kToday);
  ASSERT_OK(issued);
  const auto certificate = ParseCertificate(issued->certificate);
  ASSERT_OK(certificate);
  EXPECT_EQ(HostIdOf(**certificate), "host-1");
  EXPECT_EQ(SerialOf(**certificate), issued->serial);
  EXPECT_EQ(issued->expires_unix_ms, kToday + std::chrono::milliseconds(kDay).count());
  EXPECT_EQ(X509_check_private_key(certificate->get(), key_.get()), 1);
  const auto ca = ParseCertificate(authority_->certificate_pem());
  ASSERT_OK(ca);
  EXPECT_EQ(X509_verify(certificate->get(), X509_get0_pubkey(ca->get())), 1);
  EXPECT_EQ(X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_CLIENT, 0), 1);
  EXPECT_NE(X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_SERVER, 0), 1);
}

TEST_F(CertificateAuthorityTest, GivesEachCertificateASerialNumberOfItsOwn) {
  const auto a = authority_->IssueAgent(request_, "host-1", kDay, kToday);
  const auto b = authority_->IssueAgent(request_, "host-1", kDay, kToday);
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_NE(a->serial, b->serial);
}

TEST_F(CertificateAuthorityTest, RefusesIdsThatMeanSomethingElse) {
  for (const std::string id : {"", "a b", "a,URI:laptime:host:b", "a/../b", "a\nb", "ü"}) {
    EXPECT_THAT(authority_->IssueAgent(request_, id, kDay, kToday),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("id")))
        << id;
  }
  EXPECT_THAT(authority_->IssueAgent(request_, std::string(65, 'a'), kDay, kToday),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
}

TEST_F(CertificateAuthorityTest, RefusesWhatIsNoRequest) {
  std::string forged = request_;
  // Another base64 letter in the middle of the signature.
  char& letter = forged[forged.size() - 60];
  letter = letter == 'A' ? 'B' : 'A';
  for (const std::string& text :
       {std::string(), std::string("hello"), authority_->certificate_pem(), forged,
        std::string(kMaxSigningRequestBytes + 1, 'x')}) {
    EXPECT_THAT(authority_->IssueAgent(text, "host-1", kDay, kToday),
                StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
  }
}

TEST_F(CertificateAuthorityTest, SignsAServerForItsNamesOnly) {
  const auto made = authority_->IssueServer({"box.example.org", "192.0.2.7", "::1"}, kToday);
  ASSERT_OK(made);
  const auto chain = ParseChain(made->chain);
  ASSERT_OK(chain);
  ASSERT_EQ(chain->size(), 2U);
  X509* leaf = chain->front().get();
  EXPECT_EQ(Sha256Of(*chain->back()), authority_->sha256());
  EXPECT_EQ(X509_check_host(leaf, "box.example.org", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf, "other.example.org", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(leaf, "192.0.2.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf, "::1", 0), 1);
  EXPECT_EQ(HostIdOf(*leaf), "") << "a server's certificate is no machine's";
}

TEST_F(CertificateAuthorityTest, RefusesNamesThatAreNone) {
  for (const std::string name : {"", "box:7440", "a b", "https://box", "a,IP:1.2.3.4", "-box"}) {
    EXPECT_THAT(authority_->IssueServer({name}, kToday),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'" + name + "'")));
  }
}

TEST_F(CertificateAuthorityTest, IsReadAgain) {
  const auto again =
      CertificateAuthority::Open(authority_->certificate_pem(), authority_->key_pem());
  ASSERT_OK(again);
  EXPECT_EQ(again->sha256(), authority_->sha256());
}

TEST_F(CertificateAuthorityTest, RefusesAnothersKey) {
  EXPECT_THAT(CertificateAuthority::Open(authority_->certificate_pem(), PemOf(*key_)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not that of")));
}

}  // namespace
}  // namespace laptime
