#pragma once

#include <memory>
#include <string>

#include "agent/trainer/networks/network.h"

namespace laptime::trainer {

// A row of the table of networks: what `model` in proto/workloads.json can be.
struct NetworkKind {
  const char* name;  // "resnet50"
  const char* type;  // "ResNet", as tables of modules show it
  int image_side;    // pixels
  std::unique_ptr<Network> (*make)(at::Generator& random);
};

// There is one for every name that the catalog of workloads allows.
const NetworkKind& NetworkNamed(const std::string& name);

}  // namespace laptime::trainer
