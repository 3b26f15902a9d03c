#include "agent/certificate_renewal.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "proto/support/pause.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr std::chrono::milliseconds kLeastWait{1000};
constexpr std::chrono::hours kMostWait{1};

}  // namespace

CertificateRenewal::CertificateRenewal(std::filesystem::path state_dir, Identity identity,
                                       const Clock& clock, Renew renew)
    : state_dir_(std::move(state_dir)),
      clock_(clock),
      renew_(std::move(renew)),
      identity_(std::move(identity)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

ChannelSecurity CertificateRenewal::security() const {
  MutexLock lock(mu_);
  return identity_.security;
}

void CertificateRenewal::Run(const std::stop_token& stop) {
  while (Pause(Turn(stop), stop)) continue;
}

std::chrono::milliseconds CertificateRenewal::Turn(const std::stop_token& stop) {
  Identity old;
  {
    MutexLock lock(mu_);
    old = identity_;
  }
  const int64_t now = UnixMs(clock_.WallNow());
  const auto until = [now](int64_t unix_ms) {
    return std::clamp<std::chrono::milliseconds>(std::chrono::milliseconds(unix_ms - now),
                                                 kLeastWait, kMostWait);
  };
  const auto retry = [&](const std::string& what, const absl::Status& status) {
    spdlog::warn("the certificate could not be {}: {}", what, MessageOf(status));
    const int64_t left = std::max<int64_t>(0, old.expires_unix_ms - now);
    return std::clamp<std::chrono::milliseconds>(std::chrono::milliseconds(left / 10), kLeastWait,
                                                 kRenewalRetry);
  };
  if (!saved_) {
    if (absl::Status status = WriteIdentity(state_dir_, old); !status.ok())
      return retry("saved", status);
    saved_ = true;
  }
  if (now < old.renew_unix_ms()) return until(old.renew_unix_ms());
  absl::StatusOr<Identity> renewed = renew_(old, now, stop);
  if (!renewed.ok()) return retry("renewed", renewed.status());
  spdlog::info("the certificate was renewed");
  saved_ = false;
  MutexLock lock(mu_);
  identity_ = *std::move(renewed);
  return std::chrono::milliseconds(0);
}

}  // namespace laptime::agent
