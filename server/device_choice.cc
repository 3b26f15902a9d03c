#include "server/device_choice.h"

#include <algorithm>
#include <functional>
#include <set>

#include "proto/support/nearest.h"
#include "proto/support/status.h"
#include "server/device_group.h"
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

bool IsOffered(const DeviceRow& row) { return row.offered; }

bool TakesRuns(const DeviceRow& row) {
  return row.offered && row.device.state() != v1::DEVICE_STATE_AWAY && !row.drained;
}

// The nearest name and what there is.
std::string Suggestion(const std::string& text, const std::vector<DeviceRow>& devices) {
  std::vector<std::string> names;
  for (const DeviceRow& row : devices) names.push_back(row.device.id());
  const auto nearest = Nearest(text, names);
  return (nearest ? "did you mean '" + *nearest + "'? " : "") + Listed(devices);
}

absl::Status NoDevice(const std::string& why, const std::string& hint) {
  return WithHint(absl::StatusCode::kFailedPrecondition, "no device matches" + why, hint);
}

using Eligible = std::function<bool(const DeviceRow&)>;

// The devices that the selector chooses of those eligible, at least one.
absl::StatusOr<std::vector<DeviceRow>> Matching(const Selector& selector,
                                                const std::vector<DeviceRow>& devices,
                                                const Eligible& eligible) {
  std::vector<DeviceRow> matching;
  std::ranges::copy_if(devices, std::back_inserter(matching), [&](const DeviceRow& row) {
    return selector.Matches(row.device) && eligible(row);
  });
  if (!matching.empty()) return matching;
  return NoDevice(" '" + selector.text() + "'", Suggestion(selector.text(), devices));
}

absl::StatusOr<std::vector<Selector>> Parse(const SelectorTexts& texts) {
  return ParseSelectors({texts.begin(), texts.end()});
}

// The list without what is not among `keys`.
std::vector<DeviceRow> InOrderOfList(const std::set<int64_t>& keys,
                                     const std::vector<DeviceRow>& devices) {
  std::vector<DeviceRow> result;
  std::ranges::copy_if(devices, std::back_inserter(result),
                       [&](const DeviceRow& row) { return keys.contains(row.key); });
  return result;
}

std::string With(int devices_per_run) {
  return devices_per_run == 1 ? "" : " with devices_per_run=" + std::to_string(devices_per_run);
}

constexpr char kOneDevice[] = "--set devices_per_run=1 needs one device";

// A device named in full that too few follow; the hint names those of its kind that would do.
absl::Status TooFew(const DeviceRow& named, int offered, int devices_per_run,
                    const std::vector<DeviceRow>& devices) {
  const std::string kind = KindName(named.device.kind());
  std::string others;
  for (const DeviceRow& row : devices) {
    if (row.device.kind() != named.device.kind()) continue;
    if (LargestRun(row, devices, IsOffered) >= devices_per_run) others += " " + row.device.id();
  }
  return NoDevice(" '" + named.device.id() + "'" + With(devices_per_run) + ": host '" +
                      named.device.host() + "' has " + std::to_string(offered) + " " + kind +
                      (offered == 1 ? " device" : " devices") + " from it on",
                  (others.empty() ? "" : "the first can be" + others + "; ") + kOneDevice);
}

// What `text` matches takes work, but not as many together as a run needs.
absl::Status NoGroup(const std::string& text, int devices_per_run,
                     const std::vector<DeviceRow>& devices) {
  return NoDevice(text + With(devices_per_run) + ": none is the first of " +
                      std::to_string(devices_per_run) +
                      " of its kind on its host that take work and are not chosen already",
                  std::string(kOneDevice) + "; " + Listed(devices));
}

// The devices that a job's runs are named after so far, and all that they reserve.
struct Choice {
  std::set<int64_t> firsts;
  std::set<int64_t> reserved;
};

// A full name also means a device that comes back later, and its group may lie across another's.
absl::Status ChooseNamed(const Selector& selector, int devices_per_run,
                         const std::vector<DeviceRow>& devices, Choice& choice) {
  absl::StatusOr<std::vector<DeviceRow>> named = Matching(selector, devices, IsOffered);
  if (!named.ok()) return named.status();
  const DeviceRow& first = named->front();
  const int offered = LargestRun(first, devices, IsOffered);
  if (offered < devices_per_run) return TooFew(first, offered, devices_per_run, devices);
  choice.firsts.insert(first.key);
  const std::vector<int64_t> group = GroupFrom(first, devices_per_run, devices);
  choice.reserved.insert(group.begin(), group.end());
  return absl::OkStatus();
}

// A pattern means what is there now.
absl::Status ChooseGroups(const Selector& selector, int devices_per_run,
                          const std::vector<DeviceRow>& devices, Choice& choice) {
  absl::StatusOr<std::vector<DeviceRow>> matching = Matching(selector, devices, TakesRuns);
  if (!matching.ok()) return matching.status();
  choice.firsts.merge(
      FirstsOfGroups(*matching, devices_per_run, devices, TakesRuns, choice.reserved));
  const bool any = std::ranges::any_of(
      *matching, [&](const DeviceRow& row) { return choice.firsts.contains(row.key); });
  return any ? absl::OkStatus() : NoGroup(" '" + selector.text() + "'", devices_per_run, devices);
}

// Without a selector the choice must be clear.
absl::StatusOr<std::vector<DeviceRow>> OnlyDevice(const std::vector<DeviceRow>& devices,
                                                  int devices_per_run) {
  std::vector<DeviceRow> ready;
  std::ranges::copy_if(devices, std::back_inserter(ready), TakesRuns);
  if (ready.empty()) return NoDevice(": none is attached", Listed(devices));
  std::set<int64_t> reserved;
  const std::set<int64_t> firsts =
      FirstsOfGroups(ready, devices_per_run, devices, TakesRuns, reserved);
  if (firsts.size() == 1) return InOrderOfList(firsts, devices);
  if (firsts.empty()) return NoGroup("", devices_per_run, devices);
  const std::string count = std::to_string(firsts.size());
  return WithHint(absl::StatusCode::kInvalidArgument,
                  devices_per_run == 1 ? "which device? " + count + " are attached"
                                       : "which devices? " + count + " can be the first of " +
                                             std::to_string(devices_per_run),
                  "choose with --device, or --device all; " + Listed(devices));
}

}  // namespace

absl::StatusOr<std::vector<DeviceRow>> ChooseForJob(const SelectorTexts& texts, int devices_per_run,
                                                    const std::vector<DeviceRow>& devices) {
  if (texts.empty()) return OnlyDevice(devices, devices_per_run);
  absl::StatusOr<std::vector<Selector>> selectors = Parse(texts);
  if (!selectors.ok()) return selectors.status();
  // Patterns choose among what the full names leave.
  std::stable_partition(selectors->begin(), selectors->end(), std::mem_fn(&Selector::exact));
  Choice choice;
  for (const Selector& selector : *selectors) {
    LAPTIME_RETURN_IF_ERROR(selector.exact()
                                ? ChooseNamed(selector, devices_per_run, devices, choice)
                                : ChooseGroups(selector, devices_per_run, devices, choice));
  }
  return InOrderOfList(choice.firsts, devices);
}

absl::StatusOr<std::vector<DeviceRow>> ChooseForList(const SelectorTexts& texts,
                                                     const std::vector<DeviceRow>& devices) {
  if (texts.empty()) return devices;
  absl::StatusOr<std::vector<Selector>> selectors = Parse(texts);
  if (!selectors.ok()) return selectors.status();
  std::set<int64_t> chosen;
  for (const Selector& selector : *selectors) {
    absl::StatusOr<std::vector<DeviceRow>> matching =
        Matching(selector, devices, [](const DeviceRow&) { return true; });
    if (!matching.ok()) return matching.status();
    for (const DeviceRow& row : *matching) chosen.insert(row.key);
  }
  return InOrderOfList(chosen, devices);
}

absl::StatusOr<DeviceRow> FindDevice(const std::vector<DeviceRow>& devices, const std::string& id) {
  auto row = std::ranges::find_if(
      devices, [&](const DeviceRow& device) { return device.device.id() == id; });
  if (row != devices.end()) return *row;
  return WithHint(absl::StatusCode::kNotFound, "no device '" + id + "'", Suggestion(id, devices));
}

}  // namespace laptime
