#pragma once

#include <chrono>
#include <mutex>
#include <optional>

namespace laptime {

// So many lines of its own gRPC may write in a minute: whoever reaches a port can cause one for
// each handshake that fails, and fill a disk.
inline constexpr int kGrpcLinesPerMinute = 20;

// Admits so many lines in each minute, which begins with its first line. Any thread.
class LineLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit LineLimit(int per_minute) : per_minute_(per_minute) {}

  // How many were left out before this one and since the last that was admitted; nothing when this
  // one is left out, too.
  std::optional<int> Admit(Time now);

 private:
  const int per_minute_;
  std::mutex mu_;
  std::optional<Time> minute_;
  int admitted_ = 0;
  int left_out_ = 0;
};

// What gRPC says of itself (errors, more where GRPC_VERBOSITY asks for it) goes to spdlog's default
// logger, at most kGrpcLinesPerMinute. Call before gRPC is used. gRPC from 1.65 on has another log,
// which this leaves as it is.
void LimitGrpcLog();

}  // namespace laptime
