#include "server/software_segment.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/support/sha256.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

constexpr size_t kNameLength = 12;

// What opens a new segment, and where the snapshot has it.
constexpr std::array<std::pair<const char*, const char*>, 6> kFacts{{
    {"", "/host/os"},
    {"kernel ", "/host/kernel"},
    {"NVIDIA driver ", "/driver/nvidia"},
    {"LibTorch ", "/trainer/versions/libtorch"},
    {"laptime ", "/trainer/versions/laptime"},
    {"on ", "/device/model"},
}};

}  // namespace

SoftwareSegment SegmentOf(const std::string& snapshot_json) {
  const auto snapshot = nlohmann::json::parse(snapshot_json, nullptr, /*allow_exceptions=*/false);
  SoftwareSegment segment;
  if (!snapshot.is_object()) return segment;
  for (const auto& [label, place] : kFacts) {
    const nlohmann::json::json_pointer pointer(place);
    if (!snapshot.contains(pointer) || !snapshot.at(pointer).is_string()) continue;
    segment.software += (segment.software.empty() ? "" : ", ") + std::string(label) +
                        snapshot.at(pointer).get<std::string>();
  }
  if (!segment.software.empty()) segment.name = Sha256Hex(segment.software).substr(0, kNameLength);
  return segment;
}

absl::Status FillSegments(storage::Store& store) {
  return store.Write([](storage::Transaction& tx) -> absl::Status {
    const auto runs = tx.RunsWithoutSegment();
    if (!runs.ok()) return runs.status();
    std::map<std::string, SoftwareSegment> segments;  // by the snapshot's hash
    for (const auto& [run, snapshot] : *runs) {
      const auto [segment, added] = segments.try_emplace(snapshot);
      if (added) {
        const absl::StatusOr<std::string> json = tx.SnapshotJson(run, /*attempt=*/0);
        if (!json.ok()) return json.status();
        segment->second = SegmentOf(*json);
      }
      const auto& [name, software] = segment->second;
      if (!name.empty()) LAPTIME_RETURN_IF_ERROR(tx.SetRunSegment(run, name, software));
    }
    return absl::OkStatus();
  });
}

}  // namespace laptime
