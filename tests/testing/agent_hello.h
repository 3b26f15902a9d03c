#pragma once

#include <string>

#include "laptime/v1/agent.pb.h"
#include "proto/support/channel.h"

namespace laptime::testing {

// The first message of an agent that offers one device, "cpu".
inline v1::AgentMessage HelloOf(const std::string& host_id, const std::string& name) {
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(kProtocolVersion);
  hello.mutable_host()->set_id(host_id);
  hello.mutable_host()->set_name(name);
  hello.set_spool_id("spool");
  v1::Device& device = *hello.add_devices();
  device.set_name("cpu");
  device.set_kind(v1::DEVICE_KIND_CPU);
  return message;
}

}  // namespace laptime::testing
