#pragma once

namespace laptime {

// So many lines of its own gRPC may write in a minute: whoever reaches a port can cause one for
// each handshake that fails, and fill a disk.
inline constexpr int kGrpcLinesPerMinute = 20;

// What gRPC says of itself (errors, more where GRPC_VERBOSITY asks for it) goes to spdlog's default
// logger, at most kGrpcLinesPerMinute. Call before gRPC is used. gRPC from 1.65 on has another log,
// which this leaves as it is.
void LimitGrpcLog();

}  // namespace laptime
