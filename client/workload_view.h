#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How workloads and their keys look. Pure functions of the messages.
Grid PresetGrid(const google::protobuf::RepeatedPtrField<v1::WorkloadPresetInfo>& presets);
// One row a key: `keys` describe, `preset` gives the values.
Grid KeyGrid(const google::protobuf::RepeatedPtrField<v1::WorkloadKeyInfo>& keys,
             const v1::WorkloadPresetInfo& preset);
Grid KeyGrid(const v1::WorkloadKeyInfo& key);

std::string PresetPage(const v1::WorkloadPresetInfo& preset, const Grid& keys, bool wide,
                       bool color);
std::string KeyPage(const v1::WorkloadKeyInfo& key);

}  // namespace laptime::client
