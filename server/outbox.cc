#include "server/outbox.h"

#include <charconv>

namespace laptime {
namespace {

constexpr char kStop[] = "stop-";

}  // namespace

std::string StopCommandId(const v1::AttemptRef& attempt) {
  return kStop + attempt.run_id() + "/" + std::to_string(attempt.number());
}

std::optional<v1::AttemptRef> StoppedAttempt(const std::string& command_id) {
  const size_t slash = command_id.find('/');
  if (command_id.rfind(kStop, 0) != 0 || slash == std::string::npos) return std::nullopt;
  v1::AttemptRef attempt;
  const size_t start = sizeof(kStop) - 1;
  attempt.set_run_id(command_id.substr(start, slash - start));
  int number = 0;
  std::from_chars(command_id.data() + slash + 1, command_id.data() + command_id.size(), number);
  attempt.set_number(number);
  return attempt;
}

void Outbox::StopRun(const std::string& host_id, const v1::AttemptRef& attempt,
                     const std::string& reason) {
  v1::CoordinatorMessage message;
  message.mutable_stop_run()->set_command_id(StopCommandId(attempt));
  *message.mutable_stop_run()->mutable_attempt() = attempt;
  message.mutable_stop_run()->set_reason(reason);
  messages.push_back({host_id, std::move(message)});
}

}  // namespace laptime
