#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How devices look. Pure functions of the messages.
Grid DeviceGrid(const google::protobuf::RepeatedPtrField<v1::Device>& devices);
Grid DeviceGrid(const v1::Device& device);

// `device show` for people: the device, then its host.
std::string DevicePage(const v1::GetDeviceResponse& response);

}  // namespace laptime::client
