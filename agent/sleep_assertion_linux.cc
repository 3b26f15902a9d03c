#include "agent/sleep_assertion.h"

namespace laptime::agent {

// Only a desktop's session manager sends an idle Linux to sleep, and takes its orders over D-Bus.
SleepAssertion::SleepAssertion(const std::string& /*why*/) {}
SleepAssertion::~SleepAssertion() = default;

}  // namespace laptime::agent
