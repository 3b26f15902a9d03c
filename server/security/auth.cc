#include "server/security/auth.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <spdlog/spdlog.h>

#include <optional>
#include <string_view>

#include "proto/support/log.h"
#include "proto/support/pem.h"
#include "proto/support/status.h"
#include "server/security/certificate_authority.h"
#include "server/security/method_access.h"

namespace laptime {
namespace {

constexpr char kAuthorization[] = "authorization";
constexpr std::string_view kBearer = "Bearer ";
constexpr size_t kMaxAuthorization = 256;

absl::Status Unknown(const std::string& why) {
  return WithHint(absl::StatusCode::kUnauthenticated, why,
                  "people: `laptime login ADDRESS`; machines: `laptime-agent join`");
}

absl::StatusOr<Caller> PersonOf(const AccessList& list, std::string_view authorization,
                                int64_t now) {
  const bool bearer = authorization.size() <= kMaxAuthorization &&
                      authorization.substr(0, kBearer.size()) == kBearer;
  const std::string pair(bearer ? authorization.substr(kBearer.size()) : "");
  const size_t dot = pair.find('.');
  std::optional<Caller> caller;
  if (dot != std::string::npos) {
    caller = list.Person(pair.substr(0, dot), pair.substr(dot + 1), now);
  }
  if (caller) return *std::move(caller);
  return Unknown("the token is unknown, expired or revoked");
}

// The handshake has made sure that a certificate that is shown is one of ours and its key there.
absl::StatusOr<Caller> MachineOf(const AccessList& list, const grpc::AuthContext& context,
                                 int64_t now) {
  const std::vector<grpc::string_ref> shown =
      context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (shown.empty()) return Unknown("this coordinator wants to know who calls");
  const absl::StatusOr<Certificate> certificate =
      ParseCertificate(std::string(shown[0].data(), shown[0].size()));
  if (!certificate.ok()) return Unknown("the certificate cannot be read");
  std::optional<Caller> caller =
      list.Machine(SerialOf(**certificate), HostIdOf(**certificate), now);
  if (caller) return *std::move(caller);
  return WithHint(absl::StatusCode::kUnauthenticated,
                  "the machine's certificate has expired or was revoked",
                  "`laptime-agent join` with a new token");
}

}  // namespace

absl::Status CredentialsRevoked() {
  return WithHint(absl::StatusCode::kUnauthenticated, "the credentials of this call were revoked",
                  "an administrator gives new ones: laptime token create");
}

absl::StatusOr<Caller> Authenticator::CheckPeer(const std::string& peer) const {
  if (trust_(peer)) return Caller{.role = v1::ROLE_ADMIN, .name = "this machine"};
  return WithHint(absl::StatusCode::kPermissionDenied, "calls from " + peer + " are refused",
                  "this coordinator serves its own machine only; `laptime-server init` opens it to "
                  "others");
}

absl::StatusOr<Caller> Authenticator::Identify(const grpc::ServerContextBase& context) const {
  const int64_t now = UnixMs(clock_->WallNow());
  const auto& metadata = context.client_metadata();
  const auto [first, last] = metadata.equal_range(kAuthorization);
  if (first == last) return MachineOf(*list_, *context.auth_context(), now);
  if (std::next(first) != last) return Unknown("the call carries more than one token");
  return PersonOf(*list_, {first->second.data(), first->second.size()}, now);
}

absl::StatusOr<Caller> Authenticator::Check(const grpc::ServerContextBase& context,
                                            const std::string& method) const {
  absl::StatusOr<Caller> caller = CheckAccess(context, method);
  if (!caller.ok()) {
    if (const auto left_out = refusals_->Admit(std::chrono::steady_clock::now())) {
      if (*left_out > 0) spdlog::warn("{} more calls were refused", *left_out);
      spdlog::warn("{} from {} is refused: {}", method, context.peer(),
                   Printable(MessageOf(caller.status())));
    }
  }
  return caller;
}

absl::StatusOr<Caller> Authenticator::CheckAccess(const grpc::ServerContextBase& context,
                                                  const std::string& method) const {
  if (list_ == nullptr) return CheckPeer(context.peer());
  const Access access = AccessTo(method);
  if (access == Access::kAnyone) return Caller{};
  absl::StatusOr<Caller> caller = Identify(context);
  if (!caller.ok() || Allows(access, caller->role)) return caller;
  return WithHint(absl::StatusCode::kPermissionDenied,
                  caller->name + " may not call " + method.substr(method.rfind('.') + 1),
                  "`laptime token create --role …` by an administrator gives more");
}

bool Authenticator::StillGood(const Caller& caller) const {
  return list_ == nullptr || list_->StillGood(caller, UnixMs(clock_->WallNow()));
}

}  // namespace laptime
