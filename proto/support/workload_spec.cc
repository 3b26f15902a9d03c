#include "proto/support/workload_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>

#include "proto/support/nearest.h"

namespace laptime {

// proto/workloads.json, made into a string by the build.
extern const char kWorkloadsJson[];

namespace {

// Batch norm has no variance of one image.
constexpr int kMinShare = 2;

using nlohmann::json;

const json& Document() {
  static const json document = json::parse(kWorkloadsJson);
  return document;
}

WorkloadKey::Type TypeFromName(const std::string& name) {
  if (name == "integer") return WorkloadKey::Type::kInteger;
  if (name == "number") return WorkloadKey::Type::kNumber;
  if (name == "boolean") return WorkloadKey::Type::kBoolean;
  return WorkloadKey::Type::kChoice;
}

WorkloadKey KeyFromJson(const json& row) {
  WorkloadKey key;
  key.name = row.at("name");
  key.type = TypeFromName(row.at("type"));
  key.min = row.value("min", 0.0);
  key.max = row.value("max", 0.0);
  key.choices = row.value("choices", std::vector<std::string>{});
  key.default_value = row.at("default");
  key.unit = row.value("unit", "");
  key.hashed = row.at("hashed") != false;
  key.hashes_default = row.at("hashed") == true;
  key.help = row.at("help");
  return key;
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string Number(double value) {
  json number = value;
  if (value == std::floor(value)) number = static_cast<int64_t>(value);
  return number.dump();
}

std::string Allowed(const WorkloadKey& key) {
  switch (key.type) {
    case WorkloadKey::Type::kInteger:
      return "an integer from " + Number(key.min) + " to " + Number(key.max);
    case WorkloadKey::Type::kNumber:
      return "a number from " + Number(key.min) + " to " + Number(key.max);
    case WorkloadKey::Type::kBoolean:
      return "true or false";
    case WorkloadKey::Type::kChoice:
      return "one of " + Join(key.choices);
  }
  return "";
}

SpecError Refuse(const WorkloadKey& key, const std::string& value) {
  std::string hint = key.name + " takes " + Allowed(key);
  if (key.type == WorkloadKey::Type::kChoice) {
    if (auto nearest = Nearest(value, key.choices))
      hint = "did you mean '" + *nearest + "'? " + hint;
  }
  return {key.name + ": '" + value + "' is not allowed", hint};
}

// What a person typed as the JSON value of the key's type; null when it is none.
json Parse(const WorkloadKey& key, const std::string& text) {
  const char* end = text.data() + text.size();
  if (key.type == WorkloadKey::Type::kInteger) {
    int64_t value = 0;
    auto [rest, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && rest == end ? json(value) : json();
  }
  if (key.type == WorkloadKey::Type::kNumber) {
    const std::optional<double> value = ParseNumber(text);
    return value ? json(*value) : json();
  }
  if (key.type == WorkloadKey::Type::kBoolean) {
    if (text == "true") return true;
    if (text == "false") return false;
    return {};
  }
  return text;
}

// Stores `value` under the key if type and range are right.
std::optional<SpecError> Assign(const WorkloadKey& key, const json& value, json& config) {
  const std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
  switch (key.type) {
    case WorkloadKey::Type::kInteger: {
      // protobuf's JSON turns integers into doubles: 128.0 is an integer here.
      if (!value.is_number()) return Refuse(key, shown);
      const double number = value;
      if (!(number >= key.min && number <= key.max) || number != std::floor(number)) {
        return Refuse(key, shown);
      }
      config[key.name] = static_cast<int64_t>(number);
      return std::nullopt;
    }
    case WorkloadKey::Type::kNumber: {
      if (!value.is_number()) return Refuse(key, shown);
      const double number = value;
      if (!(number >= key.min && number <= key.max)) return Refuse(key, shown);
      config[key.name] = number;
      return std::nullopt;
    }
    case WorkloadKey::Type::kBoolean:
      if (!value.is_boolean()) return Refuse(key, shown);
      break;
    case WorkloadKey::Type::kChoice:
      if (!value.is_string() || std::ranges::find(key.choices, shown) == key.choices.end()) {
        return Refuse(key, shown);
      }
      break;
  }
  config[key.name] = value;
  return std::nullopt;
}

std::vector<std::string> DatasetsOf(int side) {
  std::vector<std::string> names;
  for (const auto& [name, facts] : Document().at("datasets").items()) {
    if (facts.at("side") == side) names.push_back(name);
  }
  return names;
}

// Rules that need more than one key.
std::optional<SpecError> CheckTogether(const WorkloadSpec& spec) {
  const int batch = spec.config.at("batch_size");
  const int neighbours = spec.config.at("knn_k");
  const std::string model = spec.config.at("model");
  const std::string dataset = spec.config.at("dataset");
  const std::string images = std::to_string(spec.train_images());
  if (batch > spec.train_images()) {
    return SpecError{"batch_size: " + std::to_string(batch) + " is more than the " + images +
                         " training images, so an epoch would have no step",
                     "batch_size takes at most " + images + " here; or raise train_images"};
  }
  const int wanted = Document().at("models").at(model).at("side");
  const int given = Document().at("datasets").at(dataset).at("side");
  if (wanted != given) {
    const auto size = [](int side) { return std::to_string(side) + "x" + std::to_string(side); };
    return SpecError{"model: " + model + " takes images of " + size(wanted) + ", but " + dataset +
                         " has " + size(given),
                     "dataset takes " + Join(DatasetsOf(wanted)) + " with it"};
  }
  if (spec.evaluated() && neighbours > spec.train_images()) {
    return SpecError{"knn_k: " + std::to_string(neighbours) + " neighbours are more than the " +
                         images + " images of the bank",
                     "knn_k takes 1 to " + images + " here; or raise train_images"};
  }
  const int devices = spec.config.at("devices_per_run");
  if (batch % devices != 0 || batch / devices < kMinShare) {
    return SpecError{"devices_per_run: a batch of " + std::to_string(batch) +
                         " cannot be shared evenly by " + std::to_string(devices) + " devices",
                     "batch_size takes a multiple of devices_per_run, at least " +
                         std::to_string(kMinShare) + " images for each"};
  }
  if (devices > 1 && spec.config.at("quick")) {
    return SpecError{"devices_per_run: a quick workload estimates an epoch of one device",
                     "--set devices_per_run=1, or --set quick=false"};
  }
  return std::nullopt;
}

int Limited(int all, int limit) { return limit > 0 ? std::min(all, limit) : all; }

// A limit that limits nothing is none: it would give the same work another hash.
void DropIdleLimits(WorkloadSpec& spec) {
  const json& all = Document().at("datasets").at(spec.config.at("dataset").get<std::string>());
  for (const char* key : {"train_images", "eval_images"}) {
    if (spec.config.at(key) >= all.at(key)) spec.config[key] = 0;
  }
  const int batch = spec.config.at("batch_size");
  if (spec.config.at("max_steps_per_epoch") >= spec.train_images() / batch)
    spec.config["max_steps_per_epoch"] = 0;
}

std::variant<WorkloadSpec, SpecError> Resolve(const std::string& preset_name, const json& values,
                                              const std::map<std::string, std::string>& settings) {
  WorkloadSpec spec{preset_name, json::object()};
  for (const WorkloadKey& key : WorkloadKeys()) {
    json value = key.default_value;
    if (values.contains(key.name)) value = values.at(key.name);
    if (auto typed = settings.find(key.name); typed != settings.end()) {
      value = Parse(key, typed->second);
      if (value.is_null()) return Refuse(key, typed->second);
    }
    if (auto error = Assign(key, value, spec.config)) return *error;
  }
  if (spec.config.at("quick")) {
    if (settings.contains("epochs") && spec.config.at("epochs") != 1) {
      return SpecError{"epochs: a quick workload times a part of one epoch",
                       "leave epochs out, or --set quick=false"};
    }
    spec.config["epochs"] = 1;
  }
  if (auto error = CheckTogether(spec)) return *error;
  DropIdleLimits(spec);
  return spec;
}

SpecError UnknownKey(const std::string& name) {
  std::vector<std::string> names;
  for (const WorkloadKey& key : WorkloadKeys()) names.push_back(key.name);
  std::string hint = "keys: " + Join(names);
  if (auto nearest = Nearest(name, names)) hint = "did you mean '" + *nearest + "'? " + hint;
  return {"unknown workload key '" + name + "'", hint};
}

SpecError UnknownPreset(const std::string& name) {
  std::vector<std::string> names;
  for (const WorkloadPreset& preset : WorkloadPresets()) names.push_back(preset.name);
  std::string hint = "workloads: " + Join(names);
  if (auto nearest = Nearest(name, names)) hint = "did you mean '" + *nearest + "'? " + hint;
  return {"unknown workload '" + name + "'", hint};
}

}  // namespace

// Not from_chars: macOS 14's library has none for doubles.
std::optional<double> ParseNumber(const std::string& text) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  double value = 0;
  stream >> std::noskipws >> value;
  const bool whole = !stream.fail() && stream.peek() == std::istringstream::traits_type::eof();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string WorkloadSpec::HashedText() const {
  json hashed = json::object();
  for (const WorkloadKey& key : WorkloadKeys()) {
    const json& value = config.at(key.name);
    if (key.hashed && (key.hashes_default || value != key.default_value)) hashed[key.name] = value;
  }
  return hashed.dump();
}

bool WorkloadSpec::synthetic() const {
  return config.at("dataset").get<std::string>().starts_with("synthetic-");
}

bool WorkloadSpec::evaluated() const { return eval_images() > 0; }

int WorkloadSpec::train_images() const {
  const int all =
      Document().at("datasets").at(config.at("dataset").get<std::string>()).at("train_images");
  return Limited(all, config.at("train_images"));
}

int WorkloadSpec::eval_images() const {
  const int all =
      Document().at("datasets").at(config.at("dataset").get<std::string>()).at("eval_images");
  return Limited(all, config.at("eval_images"));
}

int WorkloadSpec::steps_per_epoch() const {
  const int batch = config.at("batch_size");
  return Limited(train_images() / batch, config.at("max_steps_per_epoch"));
}

bool WorkloadSpec::partial() const {
  const json& all = Document().at("datasets").at(config.at("dataset").get<std::string>());
  const int batch = config.at("batch_size");
  return config.at("quick") || train_images() < all.at("train_images") ||
         eval_images() < all.at("eval_images") ||
         steps_per_epoch() < all.at("train_images").get<int>() / batch;
}

const std::vector<WorkloadKey>& WorkloadKeys() {
  static const std::vector<WorkloadKey> keys = [] {
    std::vector<WorkloadKey> rows;
    for (const json& row : Document().at("keys")) rows.push_back(KeyFromJson(row));
    return rows;
  }();
  return keys;
}

const std::vector<WorkloadPreset>& WorkloadPresets() {
  static const std::vector<WorkloadPreset> presets = [] {
    std::vector<WorkloadPreset> rows;
    for (const json& row : Document().at("presets")) {
      rows.push_back({row.at("name"), row.at("summary"), row.at("values")});
    }
    return rows;
  }();
  return presets;
}

const WorkloadKey* FindWorkloadKey(const std::string& name) {
  auto found = std::ranges::find(WorkloadKeys(), name, &WorkloadKey::name);
  return found == WorkloadKeys().end() ? nullptr : &*found;
}

const WorkloadPreset* FindWorkloadPreset(const std::string& name) {
  auto found = std::ranges::find(WorkloadPresets(), name, &WorkloadPreset::name);
  return found == WorkloadPresets().end() ? nullptr : &*found;
}

std::variant<WorkloadSpec, SpecError> ResolveWorkload(
    const std::string& preset_name, const std::map<std::string, std::string>& settings) {
  const WorkloadPreset* preset = FindWorkloadPreset(preset_name);
  if (preset == nullptr) return UnknownPreset(preset_name);
  for (const auto& [name, text] : settings) {
    if (FindWorkloadKey(name) == nullptr) return UnknownKey(name);
  }
  return Resolve(preset_name, preset->values, settings);
}

std::variant<WorkloadSpec, SpecError> ResolveConfig(const std::string& preset, const json& config) {
  if (!config.is_object()) return SpecError{"the configuration is not a JSON object", ""};
  for (const auto& [name, value] : config.items()) {
    if (FindWorkloadKey(name) == nullptr) return UnknownKey(name);
  }
  return Resolve(preset, config, {});
}

}  // namespace laptime
