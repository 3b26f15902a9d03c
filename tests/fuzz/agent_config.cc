// agent.toml.

#include "agent/config_file.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = laptime::fuzz::FileWith("agent.toml", laptime::fuzz::Input(data, size).Rest());
  const auto config = laptime::agent::ReadConfigFile(path);
  if (!config.ok()) {
    laptime::fuzz::Must(config.status().code() == absl::StatusCode::kInvalidArgument,
                        "a bad configuration is invalid");
  }
  return 0;
}
