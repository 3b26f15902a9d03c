#include "agent/outbox.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "proto/support/status.h"

namespace laptime::agent {

void Outbox::Post(v1::Report report) {
  MutexLock lock(mu_);
  const bool best_effort = report.has_samples() || report.has_log_chunk();
  waiting_.push_back(std::move(report));
  if (Store()) return;
  if (best_effort) waiting_.pop_back();
}

bool Outbox::Retry() {
  MutexLock lock(mu_);
  return Store();
}

bool Outbox::HoldsEndOf(const v1::AttemptRef& attempt) const {
  MutexLock lock(mu_);
  return std::ranges::any_of(waiting_, [&](const v1::Report& report) {
    return (report.has_finished() || report.has_failed() || report.has_stopped()) &&
           report.attempt().run_id() == attempt.run_id() &&
           report.attempt().number() == attempt.number();
  });
}

bool Outbox::Store() {
  while (!waiting_.empty()) {
    auto seq = spool_.Append(waiting_.front());
    if (!seq.ok()) {
      // Once, not at each try: the log may lie on the same full disk.
      if (!refused_)
        spdlog::error("{}; reports wait in memory until it works", MessageOf(seq.status()));
      refused_ = true;
      return false;
    }
    if (refused_) spdlog::info("the spool takes reports again");
    refused_ = false;
    waiting_.pop_front();
  }
  return true;
}

}  // namespace laptime::agent
