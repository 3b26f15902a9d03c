#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/dataset_files.h"
#include "agent/device_discovery.h"
#include "agent/host_facts.h"
#include "laptime/v1/trainer.pb.h"

namespace laptime::agent {

// What a result depends on besides the workload, as the agent and the trainer found it.
struct SnapshotFacts {
  HostFacts host;
  OfferedDevice device;
  std::string nvidia_driver;                 // empty = none
  std::map<std::string, std::string> power;  // PowerFacts; empty = nothing is known
  std::optional<double> gpu_limit_watts, gpu_default_limit_watts;
  std::string dataset;  // "cifar10", "synthetic-cifar10"
  std::optional<DatasetFiles> files;
  std::vector<v1::Sensor> sensors;
  bool run_in_parallel = false;
};

// Canonical JSON (keys sorted, no spaces): equal facts give equal bytes, and so one stored
// snapshot. Nothing in it changes from run to run, so neither seed nor process id.
std::string SnapshotJson(const SnapshotFacts& facts, const v1::TrainerStarted& started);

}  // namespace laptime::agent
