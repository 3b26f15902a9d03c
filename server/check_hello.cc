#include "server/check_hello.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "proto/support/channel.h"
#include "proto/support/log.h"
#include "proto/support/status.h"
#include "server/selector.h"

namespace laptime {
namespace {

bool AreShort(std::initializer_list<const std::string*> texts) {
  return std::ranges::all_of(texts,
                             [](const std::string* text) { return text->size() <= kMaxHelloText; });
}

bool IsShort(const v1::Host& host) {
  return AreShort({&host.id(), &host.name(), &host.os(), &host.kernel(), &host.cpu_model(),
                   &host.agent_version()});
}

bool IsShort(const v1::Device& device) {
  return AreShort({&device.name(), &device.model(), &device.address()}) &&
         device.labels_size() <= kMaxDeviceLabels &&
         std::ranges::all_of(device.labels(), [](const auto& label) {
           return AreShort({&label.first, &label.second});
         });
}

absl::Status TooMuch(const std::string& what) {
  return WithHint(absl::StatusCode::kInvalidArgument, "a machine says too much of itself: " + what,
                  "agent.toml: at most " + std::to_string(kMaxDevicesOffered) + " devices with " +
                      std::to_string(kMaxDeviceLabels) + " labels each, and no text longer than " +
                      std::to_string(kMaxHelloText) + " bytes");
}

absl::Status CheckSize(const v1::Hello& hello) {
  if (!IsShort(hello.host()) || hello.spool_id().size() > kMaxHelloText)
    return TooMuch("a text of the host is too long");
  if (hello.devices_size() > kMaxDevicesOffered)
    return TooMuch(std::to_string(hello.devices_size()) + " devices");
  for (const v1::Device& device : hello.devices()) {
    if (!IsShort(device))
      return TooMuch("device '" + Beginning(device.name(), kMaxHelloText) + "' has long texts");
  }
  if (hello.attempts_size() > kMaxHeldAttempts)
    return TooMuch(std::to_string(hello.attempts_size()) + " attempts");
  return absl::OkStatus();
}

absl::Status CheckNames(const v1::Hello& hello) {
  if (hello.host().id().empty() || hello.host().name().empty() || hello.spool_id().empty())
    return absl::InvalidArgumentError("Hello without host id, host name or spool id");
  if (!IsPlainName(hello.host().name())) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "host name '" + hello.host().name() + "' holds a character that selectors use",
                    "laptime-agent run --name NAME with letters, digits, '.', '_' and '-'");
  }
  if (!IsPlainName(hello.host().id())) return absl::InvalidArgumentError("the host id is no name");
  for (const v1::Device& device : hello.devices()) {
    if (IsPlainName(device.name())) continue;
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "device name '" + device.name() + "' holds a character that selectors use",
                    "agent.toml: [[device]] name with letters, digits, '.', '_', ':' and '-'");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckHello(const v1::Hello& hello) {
  if (!CommonProtocol(hello.protocol())) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "agent speaks protocol " + std::to_string(hello.protocol()) +
                        ", this coordinator " + std::to_string(kProtocolVersion),
                    "they may be one apart, no more: install the same version of laptime on both");
  }
  LAPTIME_RETURN_IF_ERROR(CheckSize(hello));
  return CheckNames(hello);
}

}  // namespace laptime
