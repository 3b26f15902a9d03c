#include "proto/support/grpc_log.h"

#include <grpcpp/version_info.h>
#include <spdlog/spdlog.h>

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
#include <grpc/support/log.h>

#include "proto/support/line_limit.h"
#endif

namespace laptime {

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65

namespace {

spdlog::level::level_enum LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return spdlog::level::err;
    case GPR_LOG_SEVERITY_INFO:
      return spdlog::level::info;
    case GPR_LOG_SEVERITY_DEBUG:
      break;
  }
  return spdlog::level::debug;
}

void Relay(gpr_log_func_args* said) {
  static LineLimit limit(kGrpcLinesPerMinute);
  const std::optional<int> left_out = limit.Admit(std::chrono::steady_clock::now());
  if (!left_out) return;
  if (*left_out > 0) spdlog::warn("gRPC: {} lines were left out", *left_out);
  spdlog::log(LevelOf(said->severity), "gRPC: {}", said->message);
}

}  // namespace

void LimitGrpcLog() { gpr_set_log_function(Relay); }

#else

void LimitGrpcLog() {}

#endif

}  // namespace laptime
