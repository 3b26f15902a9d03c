#include "storage/run_fields.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "laptime/v1/control.pb.h"
#include "proto/support/workload_spec.h"
#include "storage/run_value.h"

namespace laptime::storage {
namespace {

using Type = RunField::Type;
using Of = RunField::Of;

constexpr char kConfigPrefix[] = "config.";

// "not evaluated" of VALIDITY_NOT_EVALUATED, for every value but the unspecified one.
std::vector<std::pair<std::string, int64_t>> WordsOf(const google::protobuf::EnumDescriptor& type,
                                                     const std::string& prefix) {
  std::vector<std::pair<std::string, int64_t>> words;
  for (int i = 0; i < type.value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor& value = *type.value(i);
    if (value.number() == 0) continue;
    std::string word = std::string(value.name()).substr(prefix.size());
    std::ranges::transform(word, word.begin(), [](unsigned char letter) {
      return letter == '_' ? ' ' : static_cast<char>(std::tolower(letter));
    });
    words.emplace_back(word, value.number());
  }
  return words;
}

RunField Text(const char* name, Of of, const char* sql, const char* help) {
  return {name, Type::kText, of, sql, help, {}};
}

RunField Number(const char* name, const char* sql, const char* help) {
  return {name, Type::kNumber, Of::kRun, sql, help, {}};
}

RunField Time(const char* name, const char* sql, const char* help) {
  return {name, Type::kTime, Of::kRun, sql, help, {}};
}

// Expressions about a run see the table `run` alone, so that they hold wherever it is read.
std::vector<RunField> OwnFields() {
  return {
      Text("device", Of::kDevice, "host.name || '/' || device.name", "HOST/DEVICE, or all"),
      Text("host", Of::kDevice, "host.name", "the device's host"),
      {"kind", Type::kChoice, Of::kDevice, "device.kind", "of device",
       WordsOf(*v1::DeviceKind_descriptor(), "DEVICE_KIND_")},
      Text("model", Of::kRun, "run.device_model", "the device's, as it was when the run was made"),
      {"workload",
       Type::kWorkload,
       Of::kJob,
       "job.preset",
       "a preset, or the beginning of a hash",
       {}},
      {"state", Type::kChoice, Of::kRun, "run.state", "of the run",
       WordsOf(*v1::RunState_descriptor(), "RUN_STATE_")},
      {"validity", Type::kChoice, Of::kRun, "max(run.validity, 1)", "whether its numbers count",
       WordsOf(*v1::Validity_descriptor(), "VALIDITY_")},
      Text("reason", Of::kRun, "run.validity_reasons", "why it is not clean"),
      Text("learning_gate", Of::kRun, "run.learning_gate", "passed, failed or not evaluated"),
      {"run", Type::kId, Of::kRun, "run.id", "the run itself", {}},
      {"job", Type::kId, Of::kJob, "job.id", "the job it belongs to", {}},
      {"since",
       Type::kWindow,
       Of::kRun,
       kRunTimeSql,
       "began then or later; without a start: was made",
       {}},
      {"until",
       Type::kWindow,
       Of::kRun,
       kRunTimeSql,
       "began then or earlier; without a start: was made",
       {}},
      Time("created", "run.created_unix_ms", "when it was submitted"),
      Time("started", "run.started_unix_ms", "when it began to train"),
      Time("ended", "run.ended_unix_ms", "when it ended"),
      Text("dataset", Of::kRun, "run.dataset", "its name, or with its hash: cifar10@1a2b3c4d"),
      Text("segment", Of::kRun, "run.segment", "the name of the software it ran on"),
      Text("software", Of::kSegment, "segment.software", "OS, driver and LibTorch it ran on"),
      {"partial", Type::kBoolean, Of::kJob, "job.partial", "less than the full data set", {}},
      {"synthetic", Type::kBoolean, Of::kJob, "job.synthetic", "on generated images", {}},
      Number("seed", "run.seed", "the run's own"),
      Number("repetition", "run.repetition", "from 1"),
      Number("attempt", "run.attempt", "the newest one's number"),
      Number("epochs_done", "run.epochs_done", "laps it has"),
      Number("epoch_seconds", kRunValueSql, "median lap, or the estimate of a quick run"),
      Number("fit_seconds_per_epoch", "run.fit_seconds_per_epoch", "whole fit / epochs"),
      Number("step_seconds", "run.median_step_seconds", "median step"),
      Number("mean_loss", "run.mean_loss", "of the last lap"),
      Number("knn_accuracy", "run.knn_accuracy", "best of the laps, 0 to 1"),
      Number("utilization_percent", "run.utilization_percent", "mean over the laps"),
      Number("above_90_fraction", "run.above_90_fraction", "of the utilization samples, 0 to 1"),
      Number("mfu_fraction", "run.mfu_fraction", "model FLOP utilization, 0 to 1"),
      Number("joules_per_epoch", "run.joules_per_epoch", "median over the laps"),
      Number("images_per_joule", "run.images_per_joule", "median over the laps"),
      Number("peak_memory_bytes", "run.peak_memory_bytes", "most over the laps"),
      Text("failure", Of::kRun, "run.failure_message", "why it failed"),
      Text("note", Of::kNote, "annotation.text", "what `run annotate` added"),
  };
}

Type TypeOf(const WorkloadKey& key) {
  switch (key.type) {
    case WorkloadKey::Type::kInteger:
    case WorkloadKey::Type::kNumber:
      return Type::kNumber;
    case WorkloadKey::Type::kBoolean:
      return Type::kBoolean;
    case WorkloadKey::Type::kChoice:
      break;
  }
  return Type::kText;
}

// Key names are ours and plain; json_extract gives 0 and 1 for booleans.
RunField FieldOf(const WorkloadKey& key, const std::string& name) {
  return {name,     TypeOf(key), Of::kJob, "json_extract(job.config, '$." + key.name + "')",
          key.help, {}};
}

const std::vector<RunField>& ConfigFields() {
  static const std::vector<RunField> fields = [] {
    std::vector<RunField> all;
    for (const WorkloadKey& key : WorkloadKeys())
      all.push_back(FieldOf(key, kConfigPrefix + key.name));
    return all;
  }();
  return fields;
}

std::string ValuesOf(const RunField& field) {
  switch (field.type) {
    case Type::kText:
    case Type::kWorkload:
      return "text";
    case Type::kId:
      return "beginning of an id, `last`, `last:2`";
    case Type::kBoolean:
      return "`true`, `false`";
    case Type::kNumber:
      return "number";
    case Type::kTime:
      return "`2026-11-01`, `2026-11-01T08:30`";
    case Type::kWindow:
      return "`30d`, `12h`, `45m`, `2w`, or a time";
    case Type::kChoice:
      break;
  }
  std::string text;
  for (const auto& [word, number] : field.choices)
    text += (text.empty() ? "`" : ", `") + word + "`";
  return text;
}

// A key of the workload under its own name.
bool IsConfig(const RunField& field) {
  return field.of == Of::kJob && field.sql.starts_with("json_extract");
}

std::string Row(const std::string& name, const std::string& operators, const std::string& values,
                const std::string& help) {
  return "| `" + name + "` | `" + operators + "` | " + values + " | " + help + " |\n";
}

}  // namespace

const std::vector<RunField>& RunFields() {
  static const std::vector<RunField> fields = [] {
    std::vector<RunField> all = OwnFields();
    for (const WorkloadKey& key : WorkloadKeys()) {
      if (std::ranges::find(all, key.name, &RunField::name) == all.end())
        all.push_back(FieldOf(key, key.name));
    }
    return all;
  }();
  return fields;
}

const RunField* FindRunField(const std::string& name) {
  static const RunField label = {
      kLabelPrefix, Type::kText, Of::kLabel, "device_label.value", "a label of the device", {}};
  for (const std::vector<RunField>* fields : {&RunFields(), &ConfigFields()}) {
    const auto found = std::ranges::find(*fields, name, &RunField::name);
    if (found != fields->end()) return &*found;
  }
  const bool labelled =
      name.starts_with(kLabelPrefix) && name.size() > std::string_view(kLabelPrefix).size();
  return labelled ? &label : nullptr;
}

std::string OperatorsOf(RunField::Type type) {
  switch (type) {
    case Type::kText:
    case Type::kWorkload:
      return "= != ~";
    case Type::kId:
    case Type::kChoice:
    case Type::kBoolean:
      return "= !=";
    case Type::kNumber:
    case Type::kTime:
      return "= != < <= > >=";
    case Type::kWindow:
      break;
  }
  return "=";
}

std::string RunFieldsReference() {
  std::string text = "| name | operators | value | what it is |\n| --- | --- | --- | --- |\n";
  for (const RunField& field : RunFields()) {
    if (!IsConfig(field))
      text += Row(field.name, OperatorsOf(field.type), ValuesOf(field), field.help);
  }
  text += Row("label.NAME", OperatorsOf(Type::kText), "text", "a label of the device");
  std::string keys;
  for (const RunField& field : RunFields()) {
    if (IsConfig(field)) keys += (keys.empty() ? "`" : ", `") + field.name + "`";
  }
  return text +
         "| any workload key | as its type | as `--set` takes it | `laptime workload explain "
         "KEY`: " +
         keys + " |\n" +
         Row("config.KEY", "as KEY", "as KEY",
             "a workload key whose name means something else above: `config.model` is the network");
}

}  // namespace laptime::storage
