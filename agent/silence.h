#pragma once

#include <algorithm>
#include <chrono>

namespace laptime::agent {

// How long a process has said nothing, in time in which this one was there to listen. A wait that
// took much longer than was asked for had the machine asleep in it, or this process stopped, and
// most likely the other one too; macOS's steady clock counts such time.
class Silence {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // A wait of at most `asked` has taken `took`.
  void Waited(Duration asked, Duration took) { length_ += std::min(took, asked + kLate); }
  void Broken() { length_ = Duration::zero(); }
  Duration length() const { return length_; }

 private:
  // By which a busy machine may be late.
  static constexpr std::chrono::seconds kLate{1};

  Duration length_ = Duration::zero();
};

}  // namespace laptime::agent
