#include "server/workload_info.h"

#include "proto/support/workload_spec.h"
#include "server/job_desk.h"

namespace laptime {
namespace {

std::string TypeName(WorkloadKey::Type type) {
  switch (type) {
    case WorkloadKey::Type::kInteger:
      return "integer";
    case WorkloadKey::Type::kNumber:
      return "number";
    case WorkloadKey::Type::kBoolean:
      return "boolean";
    case WorkloadKey::Type::kChoice:
      return "choice";
  }
  return "";
}

std::string Bound(const WorkloadKey& key, double value) {
  if (key.type == WorkloadKey::Type::kInteger) return std::to_string(static_cast<int64_t>(value));
  return nlohmann::json(value).dump();
}

std::string AllowedValues(const WorkloadKey& key) {
  if (key.type == WorkloadKey::Type::kBoolean) return "true, false";
  if (key.type != WorkloadKey::Type::kChoice)
    return Bound(key, key.min) + " to " + Bound(key, key.max);
  std::string text;
  for (const std::string& choice : key.choices) text += (text.empty() ? "" : ", ") + choice;
  return text;
}

std::string Plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

absl::StatusOr<v1::ListWorkloadsResponse> DescribeWorkloads() {
  v1::ListWorkloadsResponse response;
  for (const WorkloadPreset& preset : WorkloadPresets()) {
    std::string hashed_json;
    absl::StatusOr<v1::Workload> workload = ResolveForJob(preset.name, {}, &hashed_json);
    if (!workload.ok()) return workload.status();
    v1::WorkloadPresetInfo& info = *response.add_presets();
    info.set_name(preset.name);
    info.set_summary(preset.summary);
    *info.mutable_workload() = *std::move(workload);
  }
  for (const WorkloadKey& key : WorkloadKeys()) {
    v1::WorkloadKeyInfo& info = *response.add_keys();
    info.set_name(key.name);
    info.set_type(TypeName(key.type));
    info.set_allowed(AllowedValues(key));
    info.set_default_value(Plain(key.default_value));
    info.set_unit(key.unit);
    info.set_hashed(key.hashed);
    info.set_help(key.help);
  }
  return response;
}

}  // namespace laptime
