#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <thread>

#include "absl/status/statusor.h"
#include "agent/identity.h"
#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime::agent {

// How long after a renewal that failed the next one is tried; sooner where less time is left.
inline constexpr std::chrono::minutes kRenewalRetry{5};

// Keeps a machine's identity fresh while its agent runs: asks for the next certificate when two
// thirds of the time are over, gives it to new connections and writes it to the state directory.
// The connection under way keeps its own. One that cannot be written is in force all the same, and
// is written later: the coordinator gives a machine only so many.
//
// Thread-safe; a thread of its own asks. `clock` must outlive it.
class CertificateRenewal {
 public:
  // Comes back soon after `stop` is requested.
  using Renew = std::function<absl::StatusOr<Identity>(const Identity&, int64_t now_unix_ms,
                                                       const std::stop_token& stop)>;

  CertificateRenewal(std::filesystem::path state_dir, Identity identity, const Clock& clock,
                     Renew renew);

  // What the next connection is to use.
  ChannelSecurity security() const;

 private:
  void Run(const std::stop_token& stop);
  // How long until the next look.
  std::chrono::milliseconds Turn(const std::stop_token& stop);

  const std::filesystem::path state_dir_;
  const Clock& clock_;
  const Renew renew_;

  mutable Mutex mu_;
  Identity identity_ ABSL_GUARDED_BY(mu_);

  bool saved_ = true;  // the thread's: identity_ is in the state directory

  std::jthread thread_;
};

}  // namespace laptime::agent
