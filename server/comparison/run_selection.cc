#include "server/comparison/run_selection.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "proto/support/nearest.h"
#include "proto/support/status.h"
#include "server/selector.h"

namespace laptime {
namespace {

using storage::Reader;

struct Condition {
  std::string key;
  std::string value;
};

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = text.find(separator); end != std::string::npos;
       end = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

absl::Status Misunderstood(const std::string& selection, const std::string& why) {
  return WithHint(absl::StatusCode::kInvalidArgument, "selection '" + selection + "': " + why,
                  "a run, a job, a device (HOST/NAME), or conditions such as "
                  "device=studio/mps,workload=simclr-cifar10,since=30d");
}

// What a run or an imported result is selected by.
struct Candidate {
  std::string run_id;
  std::string job_id;
  v1::Device device;
  std::string workload;
  std::string workload_hash;
  std::optional<int64_t> created_unix_ms;  // imported ones have no time
};

Candidate Of(const Reader::MeasuredRun& measured) {
  const v1::Run& run = measured.run;
  Candidate candidate{run.id(),       run.job_id(),        {},
                      run.workload(), run.workload_hash(), run.created_unix_ms()};
  candidate.device.set_id(run.device());
  candidate.device.set_host(run.host());
  candidate.device.set_name(run.device().substr(run.device().find('/') + 1));
  candidate.device.set_kind(run.kind());
  return candidate;
}

Candidate Of(const ElsewhereResult& result) {
  Candidate candidate{"", "", {}, result.workload, result.workload_hash, std::nullopt};
  candidate.device.set_id(result.device_id());
  candidate.device.set_host(result.host);
  candidate.device.set_name(result.device);
  candidate.device.set_kind(result.kind);
  return candidate;
}

using Filter = std::function<bool(const Candidate&)>;

absl::StatusOr<Filter> FilterOf(const Condition& condition, const std::string& selection,
                                int64_t now_unix_ms) {
  const auto& [key, value] = condition;
  if (value.empty()) return Misunderstood(selection, "nothing behind '" + key + "='");
  if (key == "workload") {
    return [value = value](const Candidate& candidate) {
      return candidate.workload == value || candidate.workload_hash.starts_with(value);
    };
  }
  if (key == "since") {
    const std::optional<int64_t> age = ParseAge(value);
    if (!age) return Misunderstood(selection, "since takes 30d, 12h, 45m or 2w");
    return [since = now_unix_ms - *age](const Candidate& candidate) {
      return candidate.created_unix_ms && *candidate.created_unix_ms >= since;
    };
  }
  if (key != "device" && key != "host" && key != "kind") {
    const auto nearest = Nearest(key, {"device", "host", "kind", "workload", "since"});
    return Misunderstood(selection, "unknown condition '" + key + "'" +
                                        (nearest ? ", did you mean '" + *nearest + "'?" : ""));
  }
  absl::StatusOr<Selector> selector = Selector::Parse(key == "device" ? value : key + "=" + value);
  if (!selector.ok()) return selector.status();
  return [selector = *selector](const Candidate& candidate) {
    return selector.Matches(candidate.device);
  };
}

// Conditions with '='; a device with '/'; else the id of a run or of a job.
absl::StatusOr<std::vector<Filter>> FiltersOf(const Reader& reader, const std::string& selection,
                                              int64_t now_unix_ms) {
  std::vector<Filter> filters;
  if (selection.find('=') != std::string::npos) {
    for (const std::string& part : Split(selection, ',')) {
      const size_t equals = part.find('=');
      if (equals == std::string::npos)
        return Misunderstood(selection, "'" + part + "' is no condition");
      absl::StatusOr<Filter> filter =
          FilterOf({part.substr(0, equals), part.substr(equals + 1)}, selection, now_unix_ms);
      if (!filter.ok()) return filter.status();
      filters.push_back(*std::move(filter));
    }
    return filters;
  }
  if (selection.find('/') != std::string::npos) {
    absl::StatusOr<Filter> filter = FilterOf({"device", selection}, selection, now_unix_ms);
    if (!filter.ok()) return filter.status();
    return std::vector<Filter>{*std::move(filter)};
  }
  if (selection.empty()) return Misunderstood(selection, "empty");
  absl::StatusOr<std::string> run = reader.ResolveRunId(selection);
  if (run.ok()) {
    filters.emplace_back([id = *run](const Candidate& one) { return one.run_id == id; });
    return filters;
  }
  if (!absl::IsNotFound(run.status())) return run.status();
  absl::StatusOr<std::string> job = reader.ResolveJobId(selection);
  if (job.ok()) {
    filters.emplace_back([id = *job](const Candidate& one) { return one.job_id == id; });
    return filters;
  }
  if (!absl::IsNotFound(job.status())) return job.status();
  return WithHint(absl::StatusCode::kNotFound, "no run and no job '" + selection + "'",
                  "laptime run list shows the runs; a device is HOST/NAME");
}

bool Passes(const Candidate& candidate, const std::vector<Filter>& filters) {
  return std::ranges::all_of(filters, [&](const Filter& filter) { return filter(candidate); });
}

absl::Status CheckOneWorkload(const RunSelection& group) {
  std::map<std::string, std::pair<std::string, int>> found;  // hash → preset and count
  const auto count = [&found](const std::string& hash, const std::string& name) {
    found[hash].first = name;
    ++found[hash].second;
  };
  for (const auto& run : group.runs) count(run.run.workload_hash(), run.run.workload());
  for (const auto& result : group.imported) count(result.workload_hash, result.workload);
  if (found.size() == 1) return absl::OkStatus();
  std::string choices;
  for (const auto& [hash, one] : found) {
    choices += (choices.empty() ? "" : ", ") + ("workload=" + ShortHash(hash)) + " (" + one.first +
               ", " + std::to_string(one.second) + ")";
  }
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "selection '" + group.selection + "' holds runs of " +
                      std::to_string(found.size()) + " workloads",
                  "add one of " + choices);
}

}  // namespace

const std::string& RunSelection::workload_hash() const {
  return runs.empty() ? imported.front().workload_hash : runs.front().run.workload_hash();
}

const std::string& RunSelection::workload() const {
  return runs.empty() ? imported.front().workload : runs.front().run.workload();
}

std::string ShortHash(const std::string& hash) {
  constexpr size_t kShown = 8;
  return hash.substr(0, kShown);
}

absl::StatusOr<RunSelection> SelectRuns(const Reader& reader, const std::string& selection,
                                        int64_t now_unix_ms) {
  absl::StatusOr<std::vector<Filter>> filters = FiltersOf(reader, selection, now_unix_ms);
  if (!filters.ok()) return filters.status();
  RunSelection group;
  group.selection = selection;
  absl::StatusOr<std::vector<Reader::MeasuredRun>> runs = reader.MeasuredRuns();
  if (!runs.ok()) return runs.status();
  for (Reader::MeasuredRun& run : *runs) {
    const bool timed = run.run.has_estimate() || run.run.has_median_epoch_seconds();
    if (timed && Passes(Of(run), *filters)) group.runs.push_back(std::move(run));
  }
  if (group.runs.empty()) {
    absl::StatusOr<std::vector<storage::ImportedResult>> results = reader.ImportedResults();
    if (!results.ok()) return results.status();
    for (const storage::ImportedResult& stored : *results) {
      absl::StatusOr<ElsewhereResult> result = ParseResult(stored.json);
      if (result.ok() && Passes(Of(*result), *filters)) group.imported.push_back(*result);
    }
  }
  if (group.size() == 0) {
    return WithHint(absl::StatusCode::kNotFound,
                    "no run that succeeded matches '" + selection + "'",
                    "laptime run list shows the runs, laptime table what was imported");
  }
  LAPTIME_RETURN_IF_ERROR(CheckOneWorkload(group));
  return group;
}

}  // namespace laptime
