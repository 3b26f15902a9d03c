#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace laptime {

// Waits for `time`, or until a stop is requested: false then, also when it was before. Any thread.
inline bool Pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mu;
  std::condition_variable_any never;
  std::unique_lock lock(mu);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace laptime
