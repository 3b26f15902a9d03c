#include "proto/support/grpc_log.h"

#include <grpcpp/version_info.h>
#include <spdlog/spdlog.h>

#include <utility>

#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
#include <grpc/support/log.h>
#endif

namespace laptime {

std::optional<int> LineLimit::Admit(Time now) {
  const std::lock_guard lock(mu_);
  if (!minute_ || now - *minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    admitted_ = 0;
  }
  if (admitted_ >= per_minute_) {
    ++left_out_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(left_out_, 0);
}

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
