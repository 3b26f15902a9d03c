#include "server/self_probe.h"

#include <spdlog/spdlog.h>

#include "proto/support/pause.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

void Watch(const std::stop_token& stop, const SelfProbe::Ask& ask,
           const std::function<void()>& deaf, std::chrono::milliseconds period) {
  int failures = 0;
  while (Pause(period, stop)) {
    const absl::Status answer = ask();
    if (answer.ok()) {
      failures = 0;
      continue;
    }
    spdlog::warn("nobody answers on this coordinator's own port: {}", MessageOf(answer));
    if (++failures == kSelfProbeFailures) return deaf();
  }
}

}  // namespace

SelfProbe::SelfProbe(Ask ask, std::function<void()> deaf, std::chrono::milliseconds period)
    : thread_([ask = std::move(ask), deaf = std::move(deaf), period](const std::stop_token& stop) {
        Watch(stop, ask, deaf, period);
      }) {}

std::string OwnAddress(const std::string& listening) {
  const std::string port = listening.substr(listening.rfind(':'));
  const std::string host = listening.substr(0, listening.size() - port.size());
  if (host == "0.0.0.0" || host == "*") return "127.0.0.1" + port;
  if (host == "[::]" || host == "::") return "[::1]" + port;
  return listening;
}

}  // namespace laptime
