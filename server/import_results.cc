#include "server/import_results.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "proto/support/nearest.h"
#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "server/job_desk.h"

namespace laptime {
namespace {

using nlohmann::json;

constexpr int kMaxLines = 10000;
constexpr size_t kMaxText = 2000;  // characters of one text field
constexpr int kMaxEpochs = 10000;
constexpr double kMaxSeconds = 1e9;

const std::vector<std::string>& Fields() {
  static const std::vector<std::string> fields = {
      "source",    "host",          "device",        "kind",   "model",        "workload",
      "precision", "epoch_seconds", "total_seconds", "epochs", "knn_accuracy", "peak_memory_bytes",
      "software",  "notes",         "derived_from"};
  return fields;
}

absl::Status RefuseField(const std::string& field, const std::string& why) {
  return absl::InvalidArgumentError(field + ": " + why);
}

absl::StatusOr<std::string> Text(const json& line, const std::string& field, bool needed) {
  if (!line.contains(field) || line.at(field).is_null()) {
    if (needed) return RefuseField(field, "is missing");
    return "";
  }
  if (!line.at(field).is_string()) return RefuseField(field, "is not a text");
  std::string text = line.at(field);
  if (needed && text.empty()) return RefuseField(field, "is empty");
  if (text.size() > kMaxText)
    return RefuseField(field, "is longer than " + std::to_string(kMaxText) + " characters");
  return text;
}

absl::StatusOr<double> Positive(const json& value, const std::string& field, double most) {
  if (!value.is_number()) return RefuseField(field, "is not a number");
  const double number = value;
  if (!(number > 0 && number <= most)) return RefuseField(field, "is not a positive number");
  return number;
}

absl::StatusOr<v1::DeviceKind> Kind(const std::string& name) {
  if (name == "cpu") return v1::DEVICE_KIND_CPU;
  if (name == "cuda") return v1::DEVICE_KIND_CUDA;
  if (name == "mps") return v1::DEVICE_KIND_MPS;
  return RefuseField("kind", "'" + name + "' is none of cpu, cuda, mps");
}

absl::Status CheckFields(const json& line) {
  for (const auto& [name, value] : line.items()) {
    if (std::ranges::find(Fields(), name) != Fields().end()) continue;
    auto nearest = Nearest(name, Fields());
    return RefuseField(name,
                       nearest ? "is no field; did you mean '" + *nearest + "'?" : "is no field");
  }
  return absl::OkStatus();
}

absl::Status ReadTimes(const json& line, ElsewhereResult& result) {
  const bool laps = line.contains("epoch_seconds");
  if (laps == (line.contains("total_seconds") || line.contains("epochs"))) {
    return RefuseField("epoch_seconds", "give either the laps, or total_seconds and epochs");
  }
  if (laps) {
    const json& list = line.at("epoch_seconds");
    if (!list.is_array() || list.empty() || list.size() > kMaxEpochs) {
      return RefuseField("epoch_seconds",
                         "is not a list of 1 to " + std::to_string(kMaxEpochs) + " numbers");
    }
    for (const json& lap : list) {
      absl::StatusOr<double> seconds = Positive(lap, "epoch_seconds", kMaxSeconds);
      if (!seconds.ok()) return seconds.status();
      result.epoch_seconds.push_back(*seconds);
    }
    std::vector<double> sorted = result.epoch_seconds;
    std::ranges::sort(sorted);
    result.seconds_per_epoch = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
    return absl::OkStatus();
  }
  if (!line.contains("total_seconds") || !line.contains("epochs")) {
    return RefuseField("total_seconds", "needs epochs beside it, and epochs needs total_seconds");
  }
  absl::StatusOr<double> total = Positive(line.at("total_seconds"), "total_seconds", kMaxSeconds);
  if (!total.ok()) return total.status();
  absl::StatusOr<double> epochs = Positive(line.at("epochs"), "epochs", kMaxEpochs);
  if (!epochs.ok()) return epochs.status();
  if (*epochs != std::floor(*epochs)) return RefuseField("epochs", "is not a whole number");
  result.seconds_per_epoch = *total / *epochs;
  result.whole_fit = true;
  return absl::OkStatus();
}

absl::Status ReadMeasures(const json& line, ElsewhereResult& result) {
  if (line.contains("knn_accuracy") && !line.at("knn_accuracy").is_null()) {
    absl::StatusOr<double> accuracy = Positive(line.at("knn_accuracy"), "knn_accuracy", 1);
    if (!accuracy.ok()) return RefuseField("knn_accuracy", "is not a fraction of one");
    result.knn_accuracy = *accuracy;
  }
  if (line.contains("peak_memory_bytes") && !line.at("peak_memory_bytes").is_null()) {
    absl::StatusOr<double> bytes =
        Positive(line.at("peak_memory_bytes"), "peak_memory_bytes", 1e15);
    if (!bytes.ok()) return bytes.status();
    result.peak_memory_bytes = *bytes;
  }
  return absl::OkStatus();
}

absl::Status ReadWorkload(const json& line, ElsewhereResult& result) {
  std::map<std::string, std::string> settings;
  absl::StatusOr<std::string> precision = Text(line, "precision", /*needed=*/false);
  if (!precision.ok()) return precision.status();
  if (!precision->empty()) settings["precision"] = *precision;
  std::string hashed_json;
  absl::StatusOr<v1::Workload> workload = ResolveForJob(result.workload, settings, &hashed_json);
  if (!workload.ok())
    return RefuseField("workload",
                       MessageOf(workload.status()) + " (" + HintOf(workload.status()) + ")");
  result.workload_hash = workload->hash();
  for (const auto& [key, value] : workload->config().fields()) {
    const WorkloadKey* known = FindWorkloadKey(key);
    if (known != nullptr && known->hashed) (*result.work.mutable_fields())[key] = value;
  }
  result.partial = workload->partial();
  result.synthetic = workload->synthetic();
  return absl::OkStatus();
}

absl::Status ReadTexts(const json& line, ElsewhereResult& result) {
  struct Field {
    const char* name;
    std::string* value;
    bool needed;
  };
  std::string kind, software, derived_from;
  for (const Field& field :
       {Field{"source", &result.source, true}, Field{"host", &result.host, false},
        Field{"device", &result.device, true}, Field{"kind", &kind, true},
        Field{"model", &result.model, false}, Field{"workload", &result.workload, true},
        Field{"software", &software, false}, Field{"notes", &result.notes, false},
        Field{"derived_from", &derived_from, false}}) {
    absl::StatusOr<std::string> text = Text(line, field.name, field.needed);
    if (!text.ok()) return text.status();
    *field.value = *text;
  }
  result.derived = !derived_from.empty();
  absl::StatusOr<v1::DeviceKind> parsed = Kind(kind);
  if (!parsed.ok()) return parsed.status();
  result.kind = *parsed;
  return absl::OkStatus();
}

}  // namespace

storage::RunLike AsRunLike(const ElsewhereResult& result) {
  storage::RunLike row;
  row.texts = {{"device", result.device_id()}, {"host", result.host},
               {"model", result.model},        {"workload", result.workload},
               {"note", result.notes},         {"workload_hash", result.workload_hash}};
  row.numbers = {
      {"kind", result.kind},
      {"partial", result.partial ? 1 : 0},
      {"synthetic", result.synthetic ? 1 : 0},
      {result.whole_fit ? "fit_seconds_per_epoch" : "epoch_seconds", result.seconds_per_epoch}};
  if (result.knn_accuracy) row.numbers["knn_accuracy"] = *result.knn_accuracy;
  if (result.peak_memory_bytes) row.numbers["peak_memory_bytes"] = *result.peak_memory_bytes;
  for (const auto& [key, value] : result.work.fields()) {
    for (const std::string& name : {key, "config." + key}) {
      if (value.has_string_value()) row.texts.emplace(name, value.string_value());
      if (value.has_number_value()) row.numbers.emplace(name, value.number_value());
      if (value.has_bool_value()) row.numbers.emplace(name, value.bool_value() ? 1 : 0);
    }
  }
  return row;
}

absl::StatusOr<ElsewhereResult> ParseResult(const std::string& json_line) {
  const json line = json::parse(json_line, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) return absl::InvalidArgumentError("is not a JSON object");
  ElsewhereResult result;
  LAPTIME_RETURN_IF_ERROR(CheckFields(line));
  LAPTIME_RETURN_IF_ERROR(ReadTexts(line, result));
  LAPTIME_RETURN_IF_ERROR(ReadTimes(line, result));
  LAPTIME_RETURN_IF_ERROR(ReadMeasures(line, result));
  LAPTIME_RETURN_IF_ERROR(ReadWorkload(line, result));
  return result;
}

absl::StatusOr<v1::ImportResultsResponse> ImportResults(storage::Store& store,
                                                        const std::string& json_lines,
                                                        bool published, int64_t now_unix_ms) {
  std::vector<storage::ImportedResult> results;
  std::istringstream lines(json_lines);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    absl::StatusOr<ElsewhereResult> result = ParseResult(line);
    if (!result.ok()) {
      return WithHint(
          absl::StatusCode::kInvalidArgument,
          "line " + std::to_string(number) + ": " + std::string(result.status().message()),
          "nothing was imported; the README shows the format under \"Import\"");
    }
    const std::string canonical = json::parse(line).dump();
    results.push_back({Sha256Hex(canonical), canonical, published, now_unix_ms});
    if (static_cast<int>(results.size()) > kMaxLines) {
      return absl::InvalidArgumentError("more than " + std::to_string(kMaxLines) +
                                        " results at once");
    }
  }
  if (results.empty()) return absl::InvalidArgumentError("there is no result to import");
  v1::ImportResultsResponse response;
  LAPTIME_RETURN_IF_ERROR(store.Write([&](storage::Transaction& tx) -> absl::Status {
    response.Clear();
    // A later version may have corrected them.
    if (published) LAPTIME_RETURN_IF_ERROR(tx.DeletePublished());
    for (const storage::ImportedResult& result : results) {
      absl::StatusOr<bool> fresh = tx.InsertImported(result);
      if (!fresh.ok()) return fresh.status();
      if (*fresh)
        response.set_imported(response.imported() + 1);
      else
        response.set_already_there(response.already_there() + 1);
    }
    return absl::OkStatus();
  }));
  return response;
}

}  // namespace laptime
