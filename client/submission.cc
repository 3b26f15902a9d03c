#include "client/submission.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <random>
#include <vector>

#include "client/text.h"
#include "client/toml_text.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

absl::Status InvalidJob(const std::string& message, const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument, message, hint);
}

bool IsFile(const std::string& workload) {
  return workload.ends_with(".toml") || workload.find('/') != std::string::npos;
}

const std::vector<std::string>& JobKeys() {
  static const std::vector<std::string> keys{"workload", "set",        "devices", "repeat",
                                             "priority", "interleave", "until",   "max_repeats"};
  return keys;
}

absl::Status UnknownKey(const std::string& file, const std::string& key) {
  return InvalidJob(file + ": unknown key '" + key + "'",
                    NearestHint(key, JobKeys(),
                                "a job file holds workload, devices, repeat, interleave, until, "
                                "max_repeats, priority and the table [set]"));
}

absl::Status ReadSettings(const std::string& file, const toml::node& node,
                          v1::SubmitJobRequest& request) {
  const toml::table* table = node.as_table();
  if (table == nullptr)
    return InvalidJob(file + ": set must be a table",
                      "write [set] on a line and epochs = 1 below it");
  for (const auto& [key, value] : *table) {
    const std::optional<std::string> text = TomlText(value);
    if (!text) {
      return InvalidJob(
          file + ": [set] " + std::string(key.str()) + " must be a text, a number, true or false",
          "");
    }
    (*request.mutable_settings())[std::string(key.str())] = *text;
  }
  return absl::OkStatus();
}

absl::Status ReadDevices(const std::string& file, const toml::node& node,
                         v1::SubmitJobRequest& request) {
  const absl::Status wrong = InvalidJob(file + ": devices must be a list of texts",
                                        "devices = [\"kind=cpu\", \"studio/mps\"]");
  if (auto one = node.value_exact<std::string>()) {
    request.add_selectors(*one);
    return absl::OkStatus();
  }
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong;
  for (const toml::node& item : *list) {
    const auto selector = item.value_exact<std::string>();
    if (!selector) return wrong;
    request.add_selectors(*selector);
  }
  return absl::OkStatus();
}

absl::StatusOr<int> ReadInteger(const std::string& file, const std::string& key,
                                const toml::node& node) {
  const int64_t least = key == "priority" ? -1'000'000 : 1;
  const auto number = node.value_exact<int64_t>();
  if (!number || *number < least || *number > 1'000'000) {
    return InvalidJob(
        file + ": " + key + " must be an integer from " + std::to_string(least) + " to 1000000",
        "");
  }
  return static_cast<int>(*number);
}

absl::Status ReadNumber(const std::string& file, const std::string& key, const toml::node& node,
                        v1::SubmitJobRequest& request) {
  if (key != "repeat" && key != "priority" && key != "max_repeats") return UnknownKey(file, key);
  const absl::StatusOr<int> number = ReadInteger(file, key, node);
  if (!number.ok()) return number.status();
  if (key == "repeat") request.set_repeats(*number);
  if (key == "priority") request.set_priority(*number);
  if (key == "max_repeats") request.set_most_repeats(*number);
  return absl::OkStatus();
}

absl::Status ReadEntry(const std::string& file, const std::string& key, const toml::node& node,
                       v1::SubmitJobRequest& request) {
  if (key == "set") return ReadSettings(file, node, request);
  if (key == "devices") return ReadDevices(file, node, request);
  if (key == "workload") {
    const auto name = node.value_exact<std::string>();
    if (!name)
      return InvalidJob(file + ": workload must be a text", "workload = \"simclr-cifar10\"");
    request.set_workload(*name);
    return absl::OkStatus();
  }
  if (key == "interleave") {
    const auto interleave = node.value_exact<bool>();
    if (!interleave) return InvalidJob(file + ": interleave must be true or false", "");
    request.set_interleave(*interleave);
    return absl::OkStatus();
  }
  if (key == "until") {
    // An integer is a number, too.
    const auto percent = node.is_number() ? node.value<double>() : std::nullopt;
    if (!percent) return InvalidJob(file + ": until must be a number, in percent", "until = 1.5");
    request.set_until_percent(*percent);
    return absl::OkStatus();
  }
  return ReadNumber(file, key, node, request);
}

absl::Status ReadJobFile(const std::string& file, v1::SubmitJobRequest& request) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    return InvalidJob("job file " + file + " does not exist",
                      "laptime workload list shows the workloads that need no file");
  }
  try {
    for (const auto& [key, node] : toml::parse_file(file)) {
      LAPTIME_RETURN_IF_ERROR(ReadEntry(file, std::string(key.str()), node, request));
    }
  } catch (const toml::parse_error& problem) {
    return InvalidJob(file + ":" + std::to_string(problem.source().begin.line) + ": " +
                          std::string(problem.description()),
                      "");
  }
  if (request.workload().empty()) {
    return InvalidJob(file + ": workload is missing", "workload = \"simclr-cifar10\"");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> ParseSetting(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return InvalidJob("--set: '" + text + "' is not KEY=VALUE", "for example --set epochs=1");
  }
  return std::make_pair(text.substr(0, equals), text.substr(equals + 1));
}

absl::StatusOr<v1::SubmitJobRequest> MakeSubmission(const SubmitOptions& options) {
  v1::SubmitJobRequest request;
  if (IsFile(options.workload)) {
    LAPTIME_RETURN_IF_ERROR(ReadJobFile(options.workload, request));
  } else {
    request.set_workload(options.workload);
  }
  for (const std::string& text : options.settings) {
    const auto setting = ParseSetting(text);
    if (!setting.ok()) return setting.status();
    (*request.mutable_settings())[setting->first] = setting->second;
  }
  if (!options.devices.empty()) {
    request.clear_selectors();
    for (const std::string& device : options.devices) request.add_selectors(device);
  }
  if (options.repeats) request.set_repeats(*options.repeats);
  if (options.priority) request.set_priority(*options.priority);
  if (options.interleave) request.set_interleave(true);
  if (options.until_percent) request.set_until_percent(*options.until_percent);
  if (options.most_repeats) request.set_most_repeats(*options.most_repeats);
  request.set_dry_run(options.dry_run);
  request.set_idempotency_key(options.idempotency_key.empty() ? RandomKey()
                                                              : options.idempotency_key);
  return request;
}

std::string RandomKey() {
  std::random_device random;
  std::string key;
  for (int i = 0; i < 4; ++i) {
    std::array<char, 9> word{};
    std::snprintf(word.data(), word.size(), "%08x", random());
    key += word.data();
  }
  return key;
}

}  // namespace laptime::client
