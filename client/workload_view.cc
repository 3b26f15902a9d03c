#include "client/workload_view.h"

#include <vector>

#include "client/columns.h"
#include "client/job_view.h"
#include "client/struct_facts.h"

namespace laptime::client {
namespace {

using v1::WorkloadKeyInfo;
using v1::WorkloadPresetInfo;

std::vector<Column<WorkloadPresetInfo>> PresetColumns() {
  using Preset = WorkloadPresetInfo;
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Preset>("name", "WORKLOAD", [](const Preset& p) { return p.name(); }),
      TextColumn<Preset>("summary", "WHAT", [](const Preset& p) { return p.summary(); }),
      NumberColumn<Preset>(
          "steps_per_epoch", "STEPS",
          [](const Preset& p) { return p.workload().steps_per_epoch(); }, kWide),
      TextColumn<Preset>(
          "marks", "MARKS", [](const Preset& p) { return MarksOf(p.workload()); }, kWide),
      TextColumn<Preset>(
          "hash", "HASH", [](const Preset& p) { return p.workload().hash(); }, kWide),
  };
}

std::vector<Column<WorkloadKeyInfo>> KeyColumns() {
  using Key = WorkloadKeyInfo;
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Key>("name", "KEY", [](const Key& k) { return k.name(); }),
      TextColumn<Key>("default_value", "DEFAULT", [](const Key& k) { return k.default_value(); }),
      TextColumn<Key>("allowed", "ALLOWED", [](const Key& k) { return k.allowed(); }),
      TextColumn<Key>("unit", "UNIT", [](const Key& k) { return k.unit(); }),
      TextColumn<Key>("hashed", "HASHED", [](const Key& k) { return k.hashed() ? "yes" : "no"; }),
      TextColumn<Key>(
          "type", "TYPE", [](const Key& k) { return k.type(); }, kWide),
      TextColumn<Key>(
          "help", "HELP", [](const Key& k) { return k.help(); }, kWide),
  };
}

}  // namespace

Grid PresetGrid(const google::protobuf::RepeatedPtrField<WorkloadPresetInfo>& presets) {
  return MakeGrid(PresetColumns(), presets);
}

Grid KeyGrid(const google::protobuf::RepeatedPtrField<WorkloadKeyInfo>& keys,
             const WorkloadPresetInfo& preset) {
  std::vector<Column<WorkloadKeyInfo>> columns = KeyColumns();
  const auto& values = preset.workload().config().fields();
  columns.insert(
      columns.begin() + 1,
      TextColumn<WorkloadKeyInfo>("value", "VALUE", [&values](const WorkloadKeyInfo& key) {
        const auto found = values.find(key.name());
        return found == values.end() ? "" : ValueText(found->second);
      }));
  return MakeGrid(columns, keys);
}

Grid KeyGrid(const WorkloadKeyInfo& key) {
  return MakeGrid(KeyColumns(), std::vector<WorkloadKeyInfo>{key});
}

std::string PresetPage(const WorkloadPresetInfo& preset, const Grid& keys, bool wide, bool color) {
  const v1::Workload& workload = preset.workload();
  return RenderFacts({{"workload", preset.name()},
                      {"what", preset.summary()},
                      {"hash", workload.hash()},
                      {"steps", std::to_string(workload.steps_per_epoch()) + " an epoch"},
                      {"marks", MarksOf(workload)}}) +
         "\n" + RenderTable(wide ? keys : Narrow(keys), color);
}

std::string KeyPage(const WorkloadKeyInfo& key) {
  return RenderFacts(
      {{"key", key.name()},
       {"what", key.help()},
       {"type", key.type()},
       {"allowed", key.allowed()},
       {"default", key.default_value()},
       {"unit", key.unit()},
       {"hashed", key.hashed() ? "yes: runs that differ in it are different workloads"
                               : "no: recorded, but runs stay comparable"}});
}

}  // namespace laptime::client
