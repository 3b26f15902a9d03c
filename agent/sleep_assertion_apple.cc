#include <spdlog/spdlog.h>

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
  if (type != nullptr && name != nullptr && io->assertion_create(type, kOn, name, &id_) != 0) {
    id_ = 0;
    spdlog::warn("this Mac may go to sleep during the run: no power assertion could be made");
  }
  for (const CfType text : {type, name}) {
    if (text != nullptr) cf->release(text);
  }
}

SleepAssertion::~SleepAssertion() {
  if (id_ == 0) return;
  if (const auto io = IoKit::Open()) io->assertion_release(id_);
}

}  // namespace laptime::agent
