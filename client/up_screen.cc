#include "client/up_screen.h"

#include <algorithm>
#include <iterator>

#include "client/grid.h"
#include "client/text.h"
#include "proto/support/channel.h"

namespace laptime::client {
namespace {

std::string DeviceText(const v1::Device& device) {
  return device.id() + (device.model().empty() ? "" : " (" + device.model() + ")");
}

}  // namespace

std::string ScreenText(const UpScreen& screen) {
  std::vector<std::pair<std::string, std::string>> facts{
      {"address", screen.address},
  };
  for (size_t i = 0; i < screen.devices.size(); ++i) {
    facts.emplace_back(i == 0 ? "devices" : "", DeviceText(screen.devices[i]));
  }
  facts.emplace_back("data", screen.data.text);
  facts.emplace_back("", screen.data.hint);
  facts.emplace_back("state", screen.state + " (database and logs)");
  const std::string workload = screen.data.found ? "simclr-cifar10" : "simclr-synthetic-cifar10";
  const std::string server = screen.address == kDefaultServer ? "" : " --server " + screen.address;
  facts.emplace_back(
      "next", "laptime submit " + workload + " --device " + DeviceForRun(screen.devices) + server);
  facts.emplace_back("", "in another terminal; Ctrl-C here stops everything");
  return std::string("laptime ") + kVersion + " is up\n" + RenderFacts(facts);
}

std::vector<v1::Device> DevicesHere(const google::protobuf::RepeatedPtrField<v1::Device>& devices,
                                    const std::string& name) {
  std::vector<v1::Device> attached;
  std::ranges::copy_if(devices, std::back_inserter(attached), [](const v1::Device& device) {
    return device.state() != v1::DEVICE_STATE_AWAY &&
           device.state() != v1::DEVICE_STATE_UNSPECIFIED;
  });
  std::vector<v1::Device> here;
  const std::string first_label = name.substr(0, name.find('.'));
  std::ranges::copy_if(attached, std::back_inserter(here), [&](const v1::Device& device) {
    return device.host() == name || device.host() == first_label;
  });
  return here.empty() ? attached : here;
}

std::string DeviceForRun(const std::vector<v1::Device>& devices) {
  const auto accelerator = std::ranges::find_if(
      devices, [](const v1::Device& device) { return device.kind() != v1::DEVICE_KIND_CPU; });
  return accelerator == devices.end() ? devices.front().id() : accelerator->id();
}

}  // namespace laptime::client
