#include "client/settings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "client/answer.h"
#include "client/text.h"
#include "client/toml_text.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"

namespace laptime::client {
namespace {

using Environment = std::function<std::optional<std::string>(const std::string&)>;

absl::Status InvalidSetting(const std::string& message, const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument, message, hint);
}

std::vector<std::string> KeyNames() {
  std::vector<std::string> names;
  for (const SettingKey& key : SettingKeys()) names.push_back(key.name);
  return names;
}

absl::Status OneOf(const std::string& key, const Setting& setting,
                   const std::vector<std::string>& choices) {
  if (std::ranges::find(choices, setting.value) != choices.end()) return absl::OkStatus();
  return InvalidSetting(
      key + ": '" + setting.value + "' is not allowed (" + setting.origin + ")",
      NearestHint(setting.value, choices, key + " takes one of " + Joined(choices)));
}

absl::Status Check(const std::string& key, const Setting& setting) {
  if (key == "output") return OneOf(key, setting, FormatNames());
  if (key == "color") return OneOf(key, setting, {"auto", "always", "never"});
  if (key == "no_input") return OneOf(key, setting, {"true", "false"});
  if (key == "timeout") {
    const std::optional<double> seconds = ParseNumber(setting.value);
    if (!seconds || !(*seconds > 0 && *seconds <= 1e6)) {
      return InvalidSetting(
          "timeout: '" + setting.value + "' is not allowed (" + setting.origin + ")",
          "timeout takes seconds, more than 0 and at most 1000000");
    }
  }
  return absl::OkStatus();
}

absl::Status Merge(const std::string& file, const toml::table& table, Settings& settings) {
  const std::vector<std::string> names = KeyNames();
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (std::ranges::find(names, name) == names.end()) {
      return InvalidSetting(file + ": unknown key '" + name + "'",
                            NearestHint(name, names, "keys: " + Joined(names)));
    }
    const std::optional<std::string> value = TomlText(node);
    if (!value)
      return InvalidSetting(file + ": " + name + " must be a text, a number, true or false", "");
    settings[name] = {*value, file};
  }
  return absl::OkStatus();
}

absl::Status MergeFile(const std::string& file, Settings& settings) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return absl::OkStatus();
  try {
    return Merge(file, toml::parse_file(file), settings);
  } catch (const toml::parse_error& problem) {
    return InvalidSetting(file + ":" + std::to_string(problem.source().begin.line) + ": " +
                              std::string(problem.description()),
                          "laptime config path lists the files that are read");
  }
}

// The directory that a variable names, else one below the home directory; empty without either.
std::string BaseDirectory(const Environment& environment, const char* variable,
                          const char* below_home) {
  if (auto named = environment(variable); named && !named->empty()) return *named;
  const std::optional<std::string> home = environment("HOME");
  return home && !home->empty() ? *home + below_home : "";
}

}  // namespace

const std::vector<SettingKey>& SettingKeys() {
  static const std::vector<SettingKey> keys{
      {"server", kDefaultServer, "the coordinator's address"},
      {"output", "table", "how data is printed: " + Joined(FormatNames())},
      {"color", "auto", "auto, always or never; auto is off without a terminal or with NO_COLOR"},
      {"timeout", "10", "seconds that one call may take"},
      {"no_input", "false", "never ask a question"},
      {"data", "", "where `laptime up` finds the data sets"},
      {"state", "", "where `laptime up` keeps database, logs and the agent's files"},
      {"name", "", "the host name that the agent of `laptime up` uses"},
  };
  return keys;
}

std::string EnvironmentName(const std::string& name) {
  std::string variable = "LAPTIME_";
  for (char letter : name) {
    variable += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return variable;
}

std::vector<std::string> SettingFiles(const Environment& environment) {
  std::vector<std::string> files{"./laptime.toml"};
  const std::string base = BaseDirectory(environment, "XDG_CONFIG_HOME", "/.config");
  if (!base.empty()) files.push_back(base + "/laptime/config.toml");
  files.emplace_back("/etc/laptime/config.toml");
  return files;
}

std::string DefaultStateDirectory(const Environment& environment) {
  const std::string base = BaseDirectory(environment, "XDG_STATE_HOME", "/.local/state");
  return base.empty() ? "" : base + "/laptime";
}

absl::StatusOr<Settings> LoadSettings(const SettingSources& sources) {
  Settings settings;
  for (const SettingKey& key : SettingKeys()) settings[key.name] = {key.default_value, "default"};
  settings["state"].value = DefaultStateDirectory(sources.environment);
  for (auto file = sources.files.rbegin(); file != sources.files.rend(); ++file) {
    LAPTIME_RETURN_IF_ERROR(MergeFile(*file, settings));
  }
  for (const SettingKey& key : SettingKeys()) {
    const std::string variable = EnvironmentName(key.name);
    // Set but empty is as good as not set.
    if (auto value = sources.environment(variable); value && !value->empty()) {
      settings[key.name] = {*value, "environment " + variable};
    }
  }
  for (const auto& [name, value] : sources.flags) {
    std::string flag = name;
    std::ranges::replace(flag, '_', '-');
    settings[name] = {value, "flag --" + flag};
  }
  for (const auto& [name, setting] : settings) LAPTIME_RETURN_IF_ERROR(Check(name, setting));
  return settings;
}

}  // namespace laptime::client
