#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "agent/trainer/failure.h"

namespace laptime::trainer {

// Why a command ended before it was done.
struct Failure {
  FailureCause cause = FailureCause::kInfrastructure;
  std::string message;
  std::string hint;  // may be empty
  int exit_code = 0;
};

// Where all exceptions end: does `work`, and tells why it was not done, if so. `device` is what may
// run out of memory; `memory_hint` then says what to do about it, after `work` has given back what
// it held. What it throws is ignored.
std::optional<Failure> RunToEnd(const std::string& device, const std::function<void()>& work,
                                const std::function<std::string()>& memory_hint = nullptr);

// As far as it can be told: LibTorch has one exception for its CUDA allocator, and only words for
// those of other devices and of NVIDIA's libraries.
bool IsOutOfMemory(const std::exception& error);

// For people, on standard error.
void Tell(const Failure& failure);

}  // namespace laptime::trainer
