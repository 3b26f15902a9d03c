#include "server/device_choice.h"

#include <algorithm>
#include <functional>

#include "proto/support/nearest.h"
#include "proto/support/status.h"
#include "server/selector.h"

namespace laptime {
namespace {

using storage::DeviceRow;

std::string Listed(const std::vector<DeviceRow>& devices) {
  std::string text;
  int shown = 0;
  constexpr int kMost = 8;
  for (const DeviceRow& row : devices) {
    if (!row.offered) continue;
    if (++shown > kMost) continue;
    text += " " + row.device.id();
    if (row.device.state() == v1::DEVICE_STATE_AWAY) text += " (away)";
    if (row.device.state() == v1::DEVICE_STATE_DRAINED) text += " (drained)";
  }
  if (shown > kMost) text += " …";
  return "laptime device list shows " + std::to_string(shown) + (text.empty() ? "" : ":" + text);
}

bool TakesRuns(const DeviceRow& row) {
  return row.device.state() != v1::DEVICE_STATE_AWAY && !row.drained;
}

// The nearest name and what there is.
std::string Suggestion(const std::string& text, const std::vector<DeviceRow>& devices) {
  std::vector<std::string> names;
  for (const DeviceRow& row : devices) names.push_back(row.device.id());
  const auto nearest = Nearest(text, names);
  return (nearest ? "did you mean '" + *nearest + "'? " : "") + Listed(devices);
}

// Every device that a selector chooses, each once, in the order of the list; each selector must
// choose one.
absl::StatusOr<std::vector<DeviceRow>> Select(
    const SelectorTexts& texts, const std::vector<DeviceRow>& devices,
    const std::function<bool(const Selector&, const DeviceRow&)>& eligible) {
  absl::StatusOr<std::vector<Selector>> selectors = ParseSelectors({texts.begin(), texts.end()});
  if (!selectors.ok()) return selectors.status();
  std::vector<bool> chosen(devices.size(), false);
  for (const Selector& selector : *selectors) {
    bool any = false;
    for (size_t i = 0; i < devices.size(); ++i) {
      if (!selector.Matches(devices[i].device) || !eligible(selector, devices[i])) continue;
      chosen[i] = true;
      any = true;
    }
    if (!any) {
      return WithHint(absl::StatusCode::kFailedPrecondition,
                      "no device matches '" + selector.text() + "'",
                      Suggestion(selector.text(), devices));
    }
  }
  std::vector<DeviceRow> result;
  for (size_t i = 0; i < devices.size(); ++i) {
    if (chosen[i]) result.push_back(devices[i]);
  }
  return result;
}

// Without a selector the choice must be clear.
absl::StatusOr<std::vector<DeviceRow>> OnlyDevice(const std::vector<DeviceRow>& devices) {
  std::vector<DeviceRow> ready;
  std::ranges::copy_if(devices, std::back_inserter(ready),
                       [](const DeviceRow& row) { return row.offered && TakesRuns(row); });
  if (ready.size() == 1) return ready;
  if (ready.empty()) {
    return WithHint(absl::StatusCode::kFailedPrecondition, "no device matches: none is attached",
                    Listed(devices));
  }
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "which device? " + std::to_string(ready.size()) + " are attached",
                  "choose with --device, or --device all; " + Listed(devices));
}

}  // namespace

absl::StatusOr<std::vector<DeviceRow>> ChooseForJob(const SelectorTexts& selectors,
                                                    const std::vector<DeviceRow>& devices) {
  if (selectors.empty()) return OnlyDevice(devices);
  // A pattern means what is there now; a full name also means a device that comes back later.
  return Select(selectors, devices, [](const Selector& selector, const DeviceRow& row) {
    return row.offered && (selector.exact() || TakesRuns(row));
  });
}

absl::StatusOr<std::vector<DeviceRow>> ChooseForList(const SelectorTexts& selectors,
                                                     const std::vector<DeviceRow>& devices) {
  if (selectors.empty()) return devices;
  return Select(selectors, devices, [](const Selector&, const DeviceRow&) { return true; });
}

absl::StatusOr<DeviceRow> FindDevice(const std::vector<DeviceRow>& devices, const std::string& id) {
  auto row = std::ranges::find_if(
      devices, [&](const DeviceRow& device) { return device.device.id() == id; });
  if (row != devices.end()) return *row;
  return WithHint(absl::StatusCode::kNotFound, "no device '" + id + "'", Suggestion(id, devices));
}

}  // namespace laptime
