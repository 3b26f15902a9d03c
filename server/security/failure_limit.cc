#include "server/security/failure_limit.h"

namespace laptime {

std::string AddressOf(const std::string& peer) {
  const size_t colon = peer.rfind(':');
  return colon == std::string::npos ? peer : peer.substr(0, colon);
}

bool FailureLimit::Allows(const std::string& peer) {
  MutexLock lock(mu_);
  Forget();
  if (failures_.size() >= kMaxFailingAddresses) return false;
  const auto found = failures_.find(AddressOf(peer));
  return found == failures_.end() || found->second.size() < kMaxFailures;
}

void FailureLimit::Failed(const std::string& peer) {
  MutexLock lock(mu_);
  failures_[AddressOf(peer)].push_back(clock_.Now());
}

void FailureLimit::Forget() {
  const auto oldest = clock_.Now() - kFailureWindow;
  for (auto& [address, times] : failures_) {
    while (!times.empty() && times.front() <= oldest) times.pop_front();
  }
  std::erase_if(failures_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace laptime
