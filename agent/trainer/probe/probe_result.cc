#include "agent/trainer/probe/probe_result.h"

#include <cstdio>
#include <utility>

#include "agent/trainer/log.h"

namespace laptime::trainer {
namespace {

struct StateName {
  const char* wire;  // laptime.v1.CapabilityState
  const char* words;
};

StateName NameOf(CapabilityState state) {
  switch (state) {
    case CapabilityState::kWorks:
      return {"CAPABILITY_STATE_WORKS", "works"};
    case CapabilityState::kSlower:
      return {"CAPABILITY_STATE_SLOWER", "slower"};
    case CapabilityState::kFails:
      return {"CAPABILITY_STATE_FAILS", "fails"};
    case CapabilityState::kNotMeasured:
      break;
  }
  return {"CAPABILITY_STATE_NOT_MEASURED", "not measured"};
}

std::string Seconds(double seconds) {
  return Decimals(seconds * 1000, seconds < 0.1 ? 2 : 0) + " ms";
}

}  // namespace

Capability Measured(Capability cell, double seconds, std::optional<double> compared_seconds) {
  cell.seconds = seconds;
  cell.compared_seconds = compared_seconds;
  const bool slower = compared_seconds && seconds > *compared_seconds * (1 + kSlowerMargin);
  cell.state = slower ? CapabilityState::kSlower : CapabilityState::kWorks;
  return cell;
}

Capability Failed(Capability cell, const std::string& reason) {
  cell.state = CapabilityState::kFails;
  cell.reason = reason;
  return cell;
}

nlohmann::json ToJson(const Capability& cell) {
  nlohmann::json json = {
      {"precision", cell.precision}, {"feature", cell.feature}, {"state", NameOf(cell.state).wire}};
  if (!cell.reason.empty()) json["reason"] = cell.reason;
  if (cell.seconds) json["seconds"] = *cell.seconds;
  if (cell.compared_seconds) {
    json["compared_seconds"] = *cell.compared_seconds;
    json["compared_with"] = cell.compared_with;
  }
  return json;
}

nlohmann::json ToJson(const PeakRate& rate) {
  nlohmann::json json = {{"operation", rate.operation}, {"type", rate.type}, {"unit", rate.unit}};
  if (rate.per_second) json["per_second"] = *rate.per_second;
  if (!rate.reason.empty()) json["reason"] = rate.reason;
  return json;
}

std::string ToText(const Capability& cell) {
  std::string text = cell.precision + " " + cell.feature + ": " + NameOf(cell.state).words;
  if (!cell.reason.empty()) text += " (" + cell.reason + ")";
  if (cell.seconds) text += ", " + Seconds(*cell.seconds);
  if (cell.compared_seconds)
    text += " (" + cell.compared_with + " " + Seconds(*cell.compared_seconds) + ")";
  return text;
}

std::string ToText(const PeakRate& rate) {
  const std::string name = rate.operation + " of " + rate.type + ": ";
  if (!rate.per_second) return name + "fails (" + rate.reason + ")";
  return name + Decimals(*rate.per_second / 1e9, 1) + " G" + rate.unit;
}

}  // namespace laptime::trainer
