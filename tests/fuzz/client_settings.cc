// laptime.toml and the environment, as the client reads them.

#include "client/settings.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  const std::string variable = input.Piece();
  const std::string value = input.Piece();
  laptime::client::SettingSources sources;
  sources.environment = [&](const std::string& name) -> std::optional<std::string> {
    if (name == variable) return value;
    return std::nullopt;
  };
  sources.files = {laptime::fuzz::FileWith("laptime.toml", input.Rest())};
  const auto settings = laptime::client::LoadSettings(sources);
  if (settings.ok()) {
    for (const auto& key : laptime::client::SettingKeys())
      laptime::fuzz::Must(settings->contains(key.name), "every key has a value");
  }
  return 0;
}
