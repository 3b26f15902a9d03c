#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace laptime::trainer {

// Whose fault an end is; the numbers are laptime.v1.FailureCause.
enum class FailureCause { kWorkload = 1, kSetup = 2, kInfrastructure = 3 };

// Why the trainer cannot go on: `what()` is one line for people, `hint` says what to do. LibTorch
// reports by exception, so this program does too; run_to_end.h catches once, and main turns it into
// a `failed` event and an exit code.
class TrainerError : public std::runtime_error {
 public:
  TrainerError(FailureCause cause, const std::string& message, std::string hint)
      : std::runtime_error(message), cause_(cause), hint_(std::move(hint)) {}

  FailureCause cause() const { return cause_; }
  const std::string& hint() const { return hint_; }

 private:
  FailureCause cause_;
  std::string hint_;
};

// A signal asked the trainer to stop; thrown between two steps.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped by a signal") {}
};

}  // namespace laptime::trainer
