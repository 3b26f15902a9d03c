// What strangers and operators show: tokens, certificates, keys, requests for certificates, and the
// files in which agents and people keep theirs.

#include <spdlog/spdlog.h>

#include "agent/identity.h"
#include "client/logins.h"
#include "proto/support/access_token.h"
#include "proto/support/pem.h"
#include "server/security/certificate_authority.h"
#include "tests/fuzz/harness.h"

namespace {

constexpr int64_t kNow = 1'790'000'000'000;

const laptime::CertificateAuthority& Authority() {
  static const auto* const authority =
      new laptime::CertificateAuthority(*laptime::CertificateAuthority::Create(kNow));
  return *authority;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime;
  using fuzz::Must;
  spdlog::set_level(spdlog::level::off);
  fuzz::Input input(data, size);
  const uint8_t which = input.Byte();
  const std::string first = input.Piece();
  switch (which % 5) {
    case 0: {
      const auto token = ParseAccessToken(first);
      Must(!token.ok() || ParseAccessToken(token->text()).ok(), "a token is read as it is written");
      break;
    }
    case 1: {
      const auto chain = ParseChain(first);
      if (chain.ok()) {
        for (const Certificate& one : *chain) {
          Must(HostIdOf(*one).empty() || IsHostId(HostIdOf(*one)), "a machine has a plain id");
          Must(ParseCertificate(PemOf(*one)).ok(), "a certificate is read as it is written");
          SerialOf(*one);
          ExpiryUnixMs(*one);
        }
      }
      (void)ParsePrivateKey(first);
      break;
    }
    case 2: {
      const auto issued = Authority().IssueAgent(first, input.Rest(), std::chrono::hours(1), kNow);
      Must(!issued.ok() || ParseCertificate(issued->certificate).ok(), "what is issued is one");
      break;
    }
    case 3: {
      const auto made = Authority().IssueServer({first, input.Rest()}, kNow);
      Must(!made.ok() || ParseChain(made->chain).ok(), "what is issued is one");
      break;
    }
    default: {
      fuzz::FileWith("identity.json", first);
      (void)agent::ReadIdentity(fuzz::Scratch().path());
      (void)client::ReadLogins(fuzz::FileWith("logins.json", first));
    }
  }
  return 0;
}
