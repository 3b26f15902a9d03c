#include "client/logins.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "proto/support/durable_file.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

constexpr size_t kMaxLoginsBytes = 1024 * 1024;

absl::Status Unusable(const std::string& file, const std::string& why) {
  return WithHint(absl::StatusCode::kFailedPrecondition, file + ": " + why,
                  "remove it, and `laptime login ADDRESS` writes it anew");
}

}  // namespace

ChannelSecurity Logins::SecurityFor(const std::string& address) const {
  const auto found = by_address.find(address);
  return found == by_address.end() ? ChannelSecurity() : found->second;
}

std::string LoginsFile(const ReadVariable& environment) {
  if (const auto base = environment("XDG_CONFIG_HOME"); base && !base->empty())
    return *base + "/laptime/logins.json";
  const auto home = environment("HOME");
  return home && !home->empty() ? *home + "/.config/laptime/logins.json" : "";
}

absl::StatusOr<Logins> ReadLogins(const std::string& file) {
  std::error_code error;
  if (file.empty() || !std::filesystem::exists(file, error)) return Logins();
  const std::optional<std::string> text = ReadSmallFile(file, kMaxLoginsBytes);
  if (!text) return Unusable(file, "cannot be read");
  try {
    const nlohmann::json json = nlohmann::json::parse(*text);
    Logins logins;
    logins.current = json.at("current").get<std::string>();
    for (const auto& [address, login] : json.at("logins").items()) {
      logins.by_address[address] = {.ca = login.at("ca").get<std::string>(),
                                    .bearer = login.at("token").get<std::string>()};
    }
    return logins;
  } catch (const nlohmann::json::exception&) {
    return Unusable(file, "is damaged");
  }
}

absl::Status WriteLogins(const std::string& file, const Logins& logins) {
  if (file.empty()) {
    return WithHint(absl::StatusCode::kFailedPrecondition, "there is nowhere to keep a login",
                    "set HOME, or XDG_CONFIG_HOME");
  }
  nlohmann::json by_address = nlohmann::json::object();
  for (const auto& [address, login] : logins.by_address)
    by_address[address] = {{"ca", login.ca}, {"token", login.bearer}};
  const nlohmann::json json = {{"current", logins.current}, {"logins", by_address}};
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), error);
  if (!error) error = WritePrivateFile(file, json.dump(2) + "\n");
  if (!error) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot write " + file + ": " + error.message(), "is the disk full?");
}

}  // namespace laptime::client
