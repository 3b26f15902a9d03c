#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "laptime/v1/agent.pb.h"

namespace laptime {

// How much a machine may say of itself: it is stored, and everybody who lists devices gets it.
inline constexpr int kMaxDevicesOffered = 256;
inline constexpr int kMaxDeviceLabels = 64;
inline constexpr size_t kMaxHelloText = 256;  // bytes of each name, model, address, label, …
inline constexpr int kMaxHeldAttempts = 10'000;

// Whether the coordinator can serve who says this first. kInvalidArgument, with a hint where a
// person can do something about it.
absl::Status CheckHello(const v1::Hello& hello);

}  // namespace laptime
