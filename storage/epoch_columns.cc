#include "storage/epoch_columns.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace laptime::storage {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

// A column with its fields, found once: an epoch has 60 of them.
struct Place {
  const EpochColumn* column;
  const FieldDescriptor* part;  // nullptr: the field is the epoch's own
  const FieldDescriptor* field;
};

const std::vector<Place>& Places() {
  static const std::vector<Place> places = [] {
    std::vector<Place> all;
    const google::protobuf::Descriptor& epoch = *v1::Epoch::descriptor();
    for (const EpochColumn& column : EpochColumns()) {
      const FieldDescriptor* part =
          *column.part == '\0' ? nullptr : epoch.FindFieldByName(column.part);
      const google::protobuf::Descriptor& owner = part == nullptr ? epoch : *part->message_type();
      all.push_back({&column, part, owner.FindFieldByName(column.field)});
    }
    return all;
  }();
  return places;
}

// The message that holds the column's field; nullptr when that part of the epoch is absent.
const Message* PartOf(const v1::Epoch& epoch, const Place& place) {
  if (place.part == nullptr) return &epoch;
  const google::protobuf::Reflection& reflection = *epoch.GetReflection();
  return reflection.HasField(epoch, place.part) ? &reflection.GetMessage(epoch, place.part)
                                                : nullptr;
}

Message& MutablePartOf(v1::Epoch& epoch, const Place& place) {
  if (place.part == nullptr) return epoch;
  return *epoch.GetReflection()->MutableMessage(&epoch, place.part);
}

// False when the value is NaN, which is left to the caller.
bool BindField(const Message& message, const FieldDescriptor& field, Query& query, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value = reflection.GetDouble(message, &field);
      if (std::isnan(value)) return false;
      query.BindAt(index, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_INT32:
      query.BindAt(index, reflection.GetInt32(message, &field));
      return true;
    case FieldDescriptor::CPPTYPE_INT64:
      query.BindAt(index, reflection.GetInt64(message, &field));
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
      query.BindAt(index, reflection.GetBool(message, &field));
      return true;
    default:
      query.BindAt(index, reflection.GetString(message, &field));
      return true;
  }
}

void SetField(Message& message, const FieldDescriptor& field, const Query& query, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, &field, query.Real(index));
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, &field, query.Int(index));
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field, query.Int64(index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&message, &field, query.Bool(index));
    default:
      return reflection.SetString(&message, &field, query.Text(index));
  }
}

void SetNaN(Message& message, const FieldDescriptor& field) {
  message.GetReflection()->SetDouble(&message, &field, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

const std::vector<EpochColumn>& EpochColumns() {
  static const std::vector<EpochColumn> columns = {
      {"started_unix_ms", "", "started_unix_ms"},
      {"ended_unix_ms", "", "ended_unix_ms"},
      {"wall_seconds", "", "wall_seconds"},
      {"train_seconds", "", "train_seconds"},
      {"evaluation_seconds", "", "evaluation_seconds"},
      {"mean_loss", "", "mean_loss"},
      {"first_loss", "", "first_loss"},
      {"last_loss", "", "last_loss"},
      {"knn_accuracy", "", "knn_accuracy"},
      {"images_per_second", "", "images_per_second"},
      {"learning_rate", "", "learning_rate"},
      {"peak_memory_bytes", "", "peak_memory_bytes"},
      {"steps", "", "steps"},
      {"evaluated_images", "", "evaluated_images"},
      {"phases_profiled", "phases", "profiled"},
      {"load_wait_seconds", "phases", "load_wait"},
      {"augment_cpu_seconds", "phases", "augment"},
      {"host_to_device_seconds", "phases", "host_to_device"},
      {"forward_seconds", "phases", "forward"},
      {"loss_seconds", "phases", "loss"},
      {"backward_seconds", "phases", "backward"},
      {"optimizer_seconds", "phases", "optimizer"},
      {"bank_seconds", "phases", "bank"},
      {"knn_seconds", "phases", "knn"},
      {"other_seconds", "phases", "other"},
      {"step_p1_seconds", "step_seconds", "p1"},
      {"step_p5_seconds", "step_seconds", "p5"},
      {"step_p50_seconds", "step_seconds", "p50"},
      {"step_p95_seconds", "step_seconds", "p95"},
      {"step_p99_seconds", "step_seconds", "p99"},
      {"step_max_seconds", "step_seconds", "max"},
      {"cold_steps", "trend", "cold_steps"},
      {"step_warm_seconds", "trend", "warm_seconds"},
      {"step_sustained_seconds", "trend", "sustained_seconds"},
      {"step_drift", "trend", "drift"},
      {"step_jumps", "trend", "jumps"},
      {"step_bimodal", "trend", "bimodal"},
      {"flops_per_second", "", "flops_per_second"},
      {"utilization_source", "utilization", "source"},
      {"utilization_samples", "utilization", "samples"},
      {"utilization_mean_percent", "utilization", "mean_percent"},
      {"utilization_min_percent", "utilization", "min_percent"},
      {"utilization_p5_percent", "utilization", "p5_percent"},
      {"utilization_above_90_fraction", "utilization", "above_90_fraction"},
      {"gate_loss", "", "gate_loss"},
      {"mfu_fraction", "", "mfu_fraction"},
      {"steal_fraction", "conditions", "steal_fraction"},
      {"foreign_cpu_fraction", "conditions", "foreign_cpu_fraction"},
      {"foreign_gpu_fraction", "conditions", "foreign_gpu_fraction"},
      {"throttled_fraction", "conditions", "throttled_fraction"},
      {"throttle_reasons", "conditions", "throttle_reasons"},
      {"thermal_pressure", "conditions", "thermal_pressure"},
      {"swap_in_fraction", "conditions", "swap_in_fraction"},
      {"on_battery", "conditions", "on_battery"},
      {"low_power_mode", "conditions", "low_power_mode"},
      {"slept_seconds", "conditions", "slept_seconds"},
      {"driver_changed", "conditions", "driver_changed"},
      {"energy_joules", "energy", "joules"},
      {"energy_tier", "energy", "tier"},
      {"energy_source", "energy", "source"},
      {"energy_mean_watts", "energy", "mean_watts"},
      {"images_per_joule", "energy", "images_per_joule"},
  };
  return columns;
}

std::string EpochColumnNames() {
  std::string names;
  for (const EpochColumn& column : EpochColumns()) {
    names += column.column;
    names += ", ";
  }
  return names + "not_a_number";
}

v1::Epoch EpochFrom(const Query& query, int first) {
  v1::Epoch epoch;
  const int last = first + static_cast<int>(EpochColumns().size());
  std::set<std::string> not_a_number;
  if (!query.IsNull(last)) {
    const json names = json::parse(query.Text(last), nullptr, /*allow_exceptions=*/false);
    for (const json& name : names) {
      if (name.is_string()) not_a_number.insert(name.get<std::string>());
    }
  }
  int index = first;
  for (const Place& place : Places()) {
    const bool is_nan = !not_a_number.empty() && not_a_number.contains(place.column->column);
    if (is_nan || !query.IsNull(index)) {
      Message& part = MutablePartOf(epoch, place);
      is_nan ? SetNaN(part, *place.field) : SetField(part, *place.field, query, index);
    }
    ++index;
  }
  return epoch;
}

void BindEpoch(const v1::Epoch& epoch, Query& query, int first) {
  json not_a_number = json::array();
  int index = first;
  for (const Place& place : Places()) {
    query.BindAt(index, std::nullopt);
    if (const Message* part = PartOf(epoch, place)) {
      const FieldDescriptor& field = *place.field;
      const bool absent = field.has_presence() && !part->GetReflection()->HasField(*part, &field);
      if (!absent && !BindField(*part, field, query, index))
        not_a_number.push_back(place.column->column);
    }
    ++index;
  }
  if (not_a_number.empty()) {
    query.BindAt(index, std::nullopt);
  } else {
    query.BindAt(index, not_a_number.dump());
  }
}

}  // namespace laptime::storage
