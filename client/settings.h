#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime::client {

// One setting: what it is called in files and flags, what it means, and its built-in default (may
// be empty).
struct SettingKey {
  std::string name;  // "no_input"; the environment variable is LAPTIME_NO_INPUT
  std::string default_value;
  std::string help;
};

const std::vector<SettingKey>& SettingKeys();

// The variable that sets `name`: "LAPTIME_" and the name in capitals.
std::string EnvironmentName(const std::string& name);

struct Setting {
  std::string value;
  std::string
      origin;  // "flag --server", "environment LAPTIME_SERVER", "./laptime.toml", …, "default"
};

// Every key with its value and where that came from.
using Settings = std::map<std::string, Setting>;

// Where settings come from, strongest first.
struct SettingSources {
  std::map<std::string, std::string> flags;  // key -> value
  std::function<std::optional<std::string>(const std::string& name)>
      environment;                 // reads one variable
  std::vector<std::string> files;  // strongest first
};

// ./laptime.toml, then the person's file ($XDG_CONFIG_HOME or ~/.config), then
// /etc/laptime/config.toml.
std::vector<std::string> SettingFiles(
    const std::function<std::optional<std::string>(const std::string&)>& environment);

// Merges the sources. A file that is absent is skipped; one that cannot be parsed, holds an unknown
// key or a value of a wrong kind is kInvalidArgument, naming file and key. So is a value no setting
// may have.
absl::StatusOr<Settings> LoadSettings(const SettingSources& sources);

// $XDG_STATE_HOME/laptime or ~/.local/state/laptime; empty when neither variable is set.
std::string DefaultStateDirectory(
    const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace laptime::client
