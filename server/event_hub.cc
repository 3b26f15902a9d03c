#include "server/event_hub.h"

#include <utility>
#include <vector>

namespace laptime {

int64_t EventHub::Watch(const std::string& job_id, Watcher watcher) {
  auto shared = std::make_shared<Watcher>(std::move(watcher));
  bool closed = false;
  int64_t number = 0;
  {
    MutexLock lock(mu_);
    closed = closed_;
    number = next_++;
    watchers_[job_id].emplace(number, shared);
  }
  if (closed) (*shared)(v1::JobEvent());
  return number;
}

void EventHub::CloseAll() {
  std::vector<std::shared_ptr<Watcher>> called;
  {
    MutexLock lock(mu_);
    closed_ = true;
    for (const auto& [job_id, watchers] : watchers_) {
      for (const auto& [number, watcher] : watchers) called.push_back(watcher);
    }
  }
  for (const auto& watcher : called) (*watcher)(v1::JobEvent());
}

void EventHub::Recheck() {
  std::vector<std::pair<std::string, std::shared_ptr<Watcher>>> called;
  {
    MutexLock lock(mu_);
    for (const auto& [job_id, watchers] : watchers_) {
      for (const auto& [number, watcher] : watchers) called.emplace_back(job_id, watcher);
    }
  }
  v1::JobEvent nothing;
  for (const auto& [job_id, watcher] : called) {
    nothing.set_job_id(job_id);
    (*watcher)(nothing);
  }
}

void EventHub::Unwatch(const std::string& job_id, int64_t number) {
  MutexLock lock(mu_);
  auto found = watchers_.find(job_id);
  if (found == watchers_.end()) return;
  found->second.erase(number);
  if (found->second.empty()) watchers_.erase(found);
}

bool EventHub::IsWatched() const {
  MutexLock lock(mu_);
  return !watchers_.empty();
}

void EventHub::Publish(const v1::JobEvent& event) {
  std::vector<std::shared_ptr<Watcher>> called;
  {
    MutexLock lock(mu_);
    auto found = watchers_.find(event.job_id());
    if (found == watchers_.end()) return;
    for (const auto& [number, watcher] : found->second) called.push_back(watcher);
  }
  for (const auto& watcher : called) (*watcher)(event);
}

}  // namespace laptime
