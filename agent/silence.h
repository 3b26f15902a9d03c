#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace laptime::agent {

// A trainer that says nothing for so long hangs. Steps are seconds; a first compilation may take
// minutes.
inline constexpr std::chrono::minutes kStallTimeout{10};

// "gave no sign of life for 600 s"
inline std::string NoSignOfLife(std::chrono::milliseconds time) {
  const bool whole = time % std::chrono::seconds(1) == std::chrono::milliseconds(0);
  return "gave no sign of life for " + (whole ? std::to_string(time.count() / 1000) + " s"
                                              : std::to_string(time.count()) + " ms");
}

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
