#include "server/agent_registry.h"

#include <algorithm>

namespace laptime {

std::string AgentRegistry::Name(const v1::AttemptRef& attempt) {
  return attempt.run_id() + "/" + std::to_string(attempt.number());
}

bool AgentRegistry::Leased(const Entry& entry) const {
  return clock_.Now() - entry.last_heard < lease_;
}

void AgentRegistry::Attach(const std::string& host_id, std::shared_ptr<AgentLink> link,
                           const std::vector<v1::AttemptRef>& held, bool run_in_parallel) {
  std::shared_ptr<AgentLink> replaced;
  bool closed = false;
  {
    MutexLock lock(mu_);
    closed = closed_;
    if (!closed) {
      Entry& entry = hosts_[host_id];
      replaced = std::move(entry.link);
      entry.link = link;
      entry.last_heard = clock_.Now();
      entry.run_in_parallel = run_in_parallel;
      entry.held.clear();
      for (const v1::AttemptRef& attempt : held) entry.held.insert(Name(attempt));
    }
  }
  if (closed) link->Close(absl::UnavailableError("the coordinator is stopping"));
  if (replaced != nullptr && replaced != link) {
    v1::CoordinatorMessage goodbye;
    goodbye.mutable_goodbye()->set_reason("replaced");
    replaced->Send(goodbye);
    replaced->Close(absl::AbortedError("another stream of this host took its place"));
  }
}

void AgentRegistry::Detach(const std::string& host_id, const AgentLink* link) {
  std::shared_ptr<AgentLink> gone;  // dies after the lock
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  if (found == hosts_.end() || found->second.link.get() != link) return;
  gone = std::move(found->second.link);
}

bool AgentRegistry::Renew(const std::string& host_id, const AgentLink* link) {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  if (found == hosts_.end() || found->second.link.get() != link) return false;
  found->second.last_heard = clock_.Now();
  return true;
}

std::shared_ptr<AgentLink> AgentRegistry::LinkOf(const std::string& host_id) const {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  return found == hosts_.end() ? nullptr : found->second.link;
}

void AgentRegistry::Disconnect(const std::string& host_id, const absl::Status& status) {
  if (auto link = LinkOf(host_id)) link->Close(status);
}

bool AgentRegistry::Send(const std::string& host_id, const v1::CoordinatorMessage& message) {
  const std::shared_ptr<AgentLink> link = LinkOf(host_id);
  if (link == nullptr) return false;
  if (link->Send(message)) return true;
  link->CutOff();
  return false;
}

void AgentRegistry::Hold(const std::string& host_id, const v1::AttemptRef& attempt) {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  if (found != hosts_.end()) found->second.held.insert(Name(attempt));
}

void AgentRegistry::Release(const v1::AttemptRef& attempt) {
  MutexLock lock(mu_);
  for (auto& [host_id, entry] : hosts_) entry.held.erase(Name(attempt));
}

bool AgentRegistry::IsAttached(const std::string& host_id) const {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  return found != hosts_.end() && Leased(found->second);
}

bool AgentRegistry::IsFree(const std::string& host_id) const {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  if (found == hosts_.end()) return false;
  const Entry& entry = found->second;
  return entry.link != nullptr && Leased(entry) && (entry.run_in_parallel || entry.held.empty());
}

bool AgentRegistry::RunsInParallel(const std::string& host_id) const {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  return found != hosts_.end() && found->second.run_in_parallel;
}

std::vector<std::string> AgentRegistry::AttachedHosts() const {
  MutexLock lock(mu_);
  std::vector<std::string> names;
  for (const auto& [host_id, entry] : hosts_) {
    if (Leased(entry)) names.push_back(host_id);
  }
  return names;
}

std::chrono::milliseconds AgentRegistry::AwayFor(
    const std::string& host_id, std::chrono::steady_clock::time_point started) const {
  MutexLock lock(mu_);
  auto found = hosts_.find(host_id);
  auto since = started;
  if (found != hosts_.end()) {
    if (Leased(found->second)) return std::chrono::milliseconds(0);
    since = std::max(since, found->second.last_heard);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now() - since);
}

void AgentRegistry::CloseAll(const absl::Status& status) {
  std::vector<std::shared_ptr<AgentLink>> links;
  {
    MutexLock lock(mu_);
    closed_ = true;
    for (auto& [host_id, entry] : hosts_) {
      if (entry.link != nullptr) links.push_back(entry.link);
    }
  }
  for (const auto& link : links) {
    v1::CoordinatorMessage goodbye;
    goodbye.mutable_goodbye()->set_reason("shutdown");
    link->Send(goodbye);
    link->Close(status);
  }
}

}  // namespace laptime
