#pragma once

#include <functional>
#include <string>

namespace laptime::agent {

// Keeps a Mac from going to sleep because nobody touches it, for as long as the object lives; the
// lid and the menu still send it to sleep. `why` is what `pmset -g assertions` shows. Elsewhere,
// and where it cannot be had, it does nothing: a lap with sleep in it is marked anyway.
class SleepAssertion {
 public:
  explicit SleepAssertion(const std::string& why);
  ~SleepAssertion();
  SleepAssertion(const SleepAssertion&) = delete;
  SleepAssertion& operator=(const SleepAssertion&) = delete;

 private:
  std::function<void()> release_;  // empty: none is held
};

}  // namespace laptime::agent
