#pragma once

#include <chrono>
#include <condition_variable>
#include <queue>
#include <stop_token>
#include <thread>
#include <vector>

#include "proto/support/mutex.h"

namespace laptime::load {

using TimePoint = std::chrono::steady_clock::time_point;

// One thread that calls many objects when each is due, instead of a thread for each.
//
// Thread-safe. Targets must live until Stop. A target is called once for each At, by
// this thread alone, so that two calls of Step never overlap.
class Timers {
 public:
  class Target {
   public:
    virtual ~Target() = default;
    // `due` is what At was told.
    virtual void Step(TimePoint due) = 0;
  };

  Timers();
  ~Timers() { Stop(); }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  void At(TimePoint due, Target& target);
  // Calls nobody any more; the call under way is over when it returns.
  void Stop();

 private:
  struct Entry {
    TimePoint due;
    Target* target;
    bool operator>(const Entry& other) const { return due > other.due; }
  };
  void Loop(const std::stop_token& stop);

  Mutex mu_;
  std::condition_variable_any changed_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> due_ ABSL_GUARDED_BY(mu_);
  std::jthread thread_;
};

// Asks until the answer is true or `limit` has passed; the last answer.
template <typename Condition>
bool Eventually(std::chrono::duration<double> limit, Condition&& condition) {
  const TimePoint end = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::nanoseconds>(limit);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace laptime::load
