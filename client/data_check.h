#pragma once

#include <string>

namespace laptime::client {

// Whether this machine has the CIFAR-10 data set, as `laptime-agent data check` says.
struct DataCheck {
  bool found = false;
  std::string text;  // one line for people
  std::string hint;  // how to get it; empty when found
};

// Asks the agent's program in `program_directory`; `data` is the data directory, empty = the
// agent's default.
DataCheck CheckData(const std::string& program_directory, const std::string& data);

}  // namespace laptime::client
