#include "server/comparison/group_facts.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "proto/support/status.h"
#include "server/validity/validity.h"

namespace laptime {
namespace {

using nlohmann::json;
using storage::Reader;

constexpr char kWorkload[] = "workload";
constexpr char kDataset[] = "data set";
constexpr char kTime[] = "time";
constexpr char kSource[] = "source";
constexpr char kValidity[] = "validity";
constexpr char kCounts[] = "counts";
constexpr char kWholeFit[] = "whole fit / epochs";
constexpr char kLaps[] = "measured laps";

// Where the trainer and its agent say what they ran with.
constexpr std::array<std::pair<const char*, const char*>, 7> kSnapshotFacts{{
    {"LibTorch", "/trainer/versions/libtorch"},
    {"laptime", "/trainer/versions/laptime"},
    {"TF32 in convolutions", "/trainer/flags/tf32_convolution"},
    {"TF32 in matrices", "/trainer/flags/tf32_matmul"},
    {"CUDA graph", "/trainer/flags/cuda_graph"},
    {"loader threads", "/trainer/flags/loader_workers"},
    {"runs beside others", "/run_in_parallel"},
}};

// A fact is one value. What an agent sent instead may be of any depth, and printing recurses.
std::string Text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_primitive() ? value.dump() : "more than one value";
}

void AddSnapshot(const std::string& text, GroupFacts& facts) {
  const json snapshot = json::parse(text, nullptr, /*allow_exceptions=*/false);
  for (const auto& [name, place] : kSnapshotFacts) {
    const json::json_pointer pointer(place);
    if (snapshot.is_object() && snapshot.contains(pointer))
      facts[name].insert(Text(snapshot.at(pointer)));
  }
  // Governor, source, profile, …: whatever its platform tells.
  if (!snapshot.is_object() || !snapshot.contains("power") || !snapshot["power"].is_object())
    return;
  for (const auto& [name, value] : snapshot["power"].items())
    facts["power: " + name].insert(Text(value));
}

// Runs of one software share their snapshot: it is read once.
absl::Status AddSnapshots(const Reader& reader, const RunSelection& group, GroupFacts& facts) {
  std::vector<std::string> run_ids;
  for (const Reader::MeasuredRun& measured : group.runs) run_ids.push_back(measured.run.id());
  absl::StatusOr<std::vector<std::string>> snapshots = reader.SnapshotsOf(run_ids);
  if (!snapshots.ok()) return snapshots.status();
  for (const std::string& snapshot : *snapshots) AddSnapshot(snapshot, facts);
  return absl::OkStatus();
}

// A run that does not count is a caveat, though the other side has one as well.
bool Differ(const std::string& fact, const std::set<std::string>& a,
            const std::set<std::string>& b) {
  return a != b || (fact == kValidity && a != std::set<std::string>{kCounts});
}

// What the run's value is made of (storage/run_value.h).
const char* TimeOf(const v1::Run& run, bool whole_fit) {
  if (run.has_estimate()) return "estimated from a part of a lap";
  return whole_fit && run.has_fit_seconds_per_epoch() ? kWholeFit : kLaps;
}

std::string WorkloadText(const RunSelection& group) {
  return group.workload() + " " + ShortHash(group.workload_hash());
}

std::string Joined(const std::set<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

bool Has(const GroupFacts& facts, const std::string& fact, const std::string& value) {
  const auto found = facts.find(fact);
  return found != facts.end() && found->second.contains(value);
}

// What makes another piece of work of it.
bool IsDecisive(const std::string& fact) { return fact == kWorkload || fact == kDataset; }

}  // namespace

absl::StatusOr<GroupFacts> FactsOf(const Reader& reader, const RunSelection& group,
                                   bool whole_fit) {
  GroupFacts facts;
  facts[kWorkload].insert(WorkloadText(group));
  for (const Reader::MeasuredRun& measured : group.runs) {
    const v1::Run& run = measured.run;
    facts[kSource].insert("measured here");
    facts[kValidity].insert(Counts(run.validity()) ? kCounts : NameOf(run.validity()));
    facts[kTime].insert(TimeOf(run, whole_fit));
    if (!run.dataset().empty()) facts[kDataset].insert(run.dataset());
  }
  LAPTIME_RETURN_IF_ERROR(AddSnapshots(reader, group, facts));
  for (const ElsewhereResult& result : group.imported) {
    facts[kSource].insert(result.source);
    facts[kValidity].insert(kCounts);  // nothing is known against it
    facts[kTime].insert(result.whole_fit ? kWholeFit : kLaps);
  }
  return facts;
}

void Grade(const GroupFacts& a, const GroupFacts& b, v1::Comparison& comparison) {
  std::string grade = kGradeSame;
  const std::string invalid = NameOf(v1::VALIDITY_INVALID);
  if (Has(a, kValidity, invalid) || Has(b, kValidity, invalid)) grade = kNotComparable;
  for (const auto& [fact, values] : a) {
    const auto other = b.find(fact);
    if (other == b.end() || !Differ(fact, values, other->second)) continue;
    v1::FactDifference& difference = *comparison.add_differences();
    difference.set_fact(fact);
    difference.set_a(Joined(values));
    difference.set_b(Joined(other->second));
    difference.set_decisive(IsDecisive(fact));
    if (difference.decisive()) {
      grade = kNotComparable;
    } else if (grade == kGradeSame) {
      grade = kGradeCaveats;
    }
  }
  comparison.set_grade(grade);
}

}  // namespace laptime
