#pragma once

#include <array>
#include <chrono>
#include <functional>

namespace laptime::trainer {

// What a lap's wall time is spent on. kOther is what no phase claims.
enum class Phase {
  kLoadWait,
  kHostToDevice,
  kForward,
  kLoss,
  kBackward,
  kOptimizer,
  kBank,
  kKnn,
  kOther
};
inline constexpr size_t kPhases = 9;

using PhaseSeconds = std::array<double, kPhases>;

// One look at the clock: seconds since Start, and each phase's share of just these seconds.
struct LapTime {
  double seconds = 0;
  PhaseSeconds phases{};
};

// Splits a lap's wall time among its phases. At every moment exactly one phase runs, so they add up
// to the lap. Not thread-safe. `synchronize`, when there is one, runs before every change of phase:
// then the phases of an asynchronous device are true, at the price of its overlap; only profiled
// steps outside the laps pay it.
class LapClock {
 public:
  using Now = std::function<std::chrono::steady_clock::time_point()>;

  explicit LapClock(Now now = std::chrono::steady_clock::now,
                    std::function<void()> synchronize = nullptr);

  // Forgets everything and starts a lap, in kOther.
  void Start();

  // What follows counts as `phase`.
  void Enter(Phase phase);

  // Seconds since Start.
  double Elapsed() const;

  // Both at one moment; the running phase up to now.
  LapTime Read() const;

 private:
  Now now_;
  std::function<void()> synchronize_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point since_;
  Phase current_ = Phase::kOther;
  PhaseSeconds seconds_{};
};

}  // namespace laptime::trainer
