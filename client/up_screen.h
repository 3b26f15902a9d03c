#pragma once

#include <string>
#include <vector>

#include "client/data_check.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// What `laptime up` says once everything runs. Pure functions.

struct UpScreen {
  std::string address;
  std::vector<v1::Device> devices;
  DataCheck data;
  std::string state;
};

std::string ScreenText(const UpScreen& screen);

// Those of the attached devices that belong to the host called `name`; when no host is called so,
// all of them.
std::vector<v1::Device> DevicesHere(const google::protobuf::RepeatedPtrField<v1::Device>& devices,
                                    const std::string& name);

// The device that `up --run` trains on: the first that is no CPU, else the first. `devices` is not
// empty.
std::string DeviceForRun(const std::vector<v1::Device>& devices);

}  // namespace laptime::client
