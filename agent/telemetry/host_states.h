#pragma once

#include <filesystem>
#include <memory>

#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// What the machine as a whole goes through: suspends, pages coming back from swap, running on its
// battery, low-power mode, on a Mac also thermal pressure. It has no sensors, it only observes.
// `root` is "/" but in tests (Linux only).
std::unique_ptr<Telemetry> OpenHostStates(const std::filesystem::path& root);

}  // namespace laptime::agent
