#include <spdlog/spdlog.h>

#include <cstdint>

#include "agent/sleep_assertion.h"
#include "agent/telemetry/apple_frameworks.h"

namespace laptime::agent {

SleepAssertion::SleepAssertion(const std::string& why) {
  constexpr uint32_t kOn = 255;  // kIOPMAssertionLevelOn
  const auto cf = CoreFoundation::Open();
  const auto io = IoKit::Open();
  if (!cf || !io) return;
  const CfType type = cf->String("PreventUserIdleSystemSleep");
  const CfType name = cf->String(why.c_str());
  uint32_t id = 0;
  if (type != nullptr && name != nullptr && io->assertion_create(type, kOn, name, &id) == 0) {
    release_ = [release = io->assertion_release, id] { release(id); };
  } else {
    spdlog::warn("this Mac may go to sleep during the run: no power assertion could be made");
  }
  for (const CfType text : {type, name}) {
    if (text != nullptr) cf->release(text);
  }
}

SleepAssertion::~SleepAssertion() {
  if (release_) release_();
}

}  // namespace laptime::agent
