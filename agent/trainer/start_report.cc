#include "agent/trainer/start_report.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "agent/trainer/layout.h"
#include "agent/trainer/log.h"
#include "agent/trainer/versions.h"

namespace laptime::trainer {
namespace {

constexpr double kBytesPerParameter = 4;
constexpr double kMegabyte = 1e6;

std::string OnOff(bool on) { return on ? "on" : "off"; }

std::string AutocastName(Precision precision) {
  if (precision == Precision::kFp16) return "float16, gradients scaled";
  return precision == Precision::kBf16 ? "bfloat16" : "off";
}

std::map<std::string, std::string> EffectiveFlags(const TrainConfig& config, const Device& device) {
  const at::Context& context = at::globalContext();
  std::map<std::string, std::string> flags = {
      {"precision", config.workload.spec.config.at("precision")},
      {"autocast", AutocastName(config.workload.precision)},
      {"memory_format", NameOf(device.pixel_layout())},
      {"optimizer", "fused_sgd"},
      {"threads", std::to_string(at::get_num_threads())},
      {"loader_workers", std::to_string(config.workload.loader_workers)}};
  if (device.cuda()) {
    flags["tf32_convolution"] = OnOff(context.allowTF32CuDNN());
    flags["tf32_matmul"] = OnOff(context.allowTF32CuBLAS());
    flags["cudnn_benchmark"] = OnOff(context.benchmarkCuDNN());
  }
  return flags;
}

// 11497792 as "11,497,792".
std::string Grouped(int64_t value) {
  std::string text = std::to_string(value);
  for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<size_t>(at), ",");
  return text;
}

void AppendModules(const StartReport& report, std::ostringstream& out) {
  const auto row = [&out](const std::string& name, const std::string& type,
                          const std::string& count) {
    char line[128];
    std::snprintf(line, sizeof(line), "  %-10s %-22s %12s\n", name.c_str(), type.c_str(),
                  count.c_str());
    out << line;
  };
  row("Name", "Type", "Params");
  for (const ModuleFact& module : report.modules)
    row(module.name, module.type, Grouped(module.parameters));
  out << Grouped(report.trainable_parameters) << " trainable params, 0 non-trainable\n"
      << Decimals(report.model_megabytes(), 3) << " total estimated model params size (MB)\n";
}

void AppendPairs(const char* title, const std::map<std::string, std::string>& pairs,
                 std::ostringstream& out) {
  out << title << ":\n";
  for (const auto& [name, value] : pairs) out << "  " << name << ": " << value << "\n";
}

// "GPU available: True (cuda:0), used: False"
std::string GpuLine(const StartReport& report) {
  std::string names;
  for (const std::string& name : report.accelerators) {
    if (name != "cpu") names += (names.empty() ? "" : ", ") + name;
  }
  return "GPU available: " + (names.empty() ? "False" : "True (" + names + ")") +
         ", used: " + (report.device == "cpu" ? "False" : "True");
}

}  // namespace

double StartReport::model_megabytes() const {
  return static_cast<double>(trainable_parameters) * kBytesPerParameter / kMegabyte;
}

StartReport MakeStartReport(const TrainConfig& config, const Device& device, Model& model,
                            const std::map<std::string, std::string>& process_flags) {
  StartReport report;
  report.config = config.workload.spec.config;
  report.workload = config.workload.spec.name;
  report.device = device.name();
  report.device_model = device.model();
  report.accelerators = Accelerators();
  report.versions = Versions(device);
  report.flags = EffectiveFlags(config, device);
  report.flags.insert(process_flags.begin(), process_flags.end());
  report.modules = ModuleFacts(model);
  for (const ModuleFact& module : report.modules) report.trainable_parameters += module.parameters;
  report.train_images = config.workload.train_images;
  report.eval_images = config.workload.eval_images;
  report.steps_per_epoch = config.workload.steps_per_epoch;
  return report;
}

nlohmann::json ToJson(const StartReport& report) {
  nlohmann::json modules = nlohmann::json::array();
  for (const ModuleFact& module : report.modules) {
    modules.push_back(
        {{"name", module.name}, {"type", module.type}, {"parameters", module.parameters}});
  }
  return {{"config", report.config},
          {"device", report.device},
          {"device_model", report.device_model},
          {"accelerators", report.accelerators},
          {"versions", report.versions},
          {"flags", report.flags},
          {"modules", modules},
          {"trainable_parameters", report.trainable_parameters},
          {"model_megabytes", report.model_megabytes()},
          {"train_images", report.train_images},
          {"eval_images", report.eval_images},
          {"steps_per_epoch", report.steps_per_epoch},
          {"resumed_epochs", report.resumed_epochs},
          {"pid", getpid()}};
}

std::string ToText(const StartReport& report) {
  std::ostringstream out;
  out << GpuLine(report) << "\n"
      << "Device: " << report.device << " (" << report.device_model << ")\n"
      << "Workload: " << report.workload << ": " << report.train_images << " training images, "
      << report.eval_images << " test images, " << report.steps_per_epoch << " steps an epoch\n";
  if (report.resumed_epochs > 0)
    out << "Resumed from a checkpoint after epoch " << report.resumed_epochs << "\n";
  AppendModules(report, out);
  AppendPairs("Versions", report.versions, out);
  AppendPairs("Effective flags", report.flags, out);
  std::string text = out.str();
  text.pop_back();
  return text;
}

}  // namespace laptime::trainer
