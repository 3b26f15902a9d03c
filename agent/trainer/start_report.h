#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/model.h"

namespace laptime::trainer {

// What a run is about to do, as read back from what was set up: the body of `started` and the head
// of the log.
struct StartReport {
  nlohmann::json config;
  std::string workload;
  std::string device;
  std::string device_model;
  std::vector<std::string> accelerators;
  std::map<std::string, std::string> versions;
  std::map<std::string, std::string> flags;
  std::vector<ModuleFact> modules;
  int64_t trainable_parameters = 0;
  int train_images = 0;
  int eval_images = 0;
  int steps_per_epoch = 0;
  int resumed_epochs = 0;  // trained by an earlier attempt, from whose checkpoint this one goes on

  double model_megabytes() const;
};

// `process_flags` are those that main has set up itself: allocator, huge pages.
StartReport MakeStartReport(const TrainConfig& config, const Device& device, Model& model,
                            const std::map<std::string, std::string>& process_flags);

nlohmann::json ToJson(const StartReport& report);

// The head of the log, as people know it from Lightning.
std::string ToText(const StartReport& report);

}  // namespace laptime::trainer
