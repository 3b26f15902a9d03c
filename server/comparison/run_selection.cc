#include "server/comparison/run_selection.h"

#include <algorithm>
#include <map>
#include <utility>

#include "proto/support/status.h"
#include "server/validity/validity.h"
#include "storage/run_value.h"

namespace laptime {
namespace {

using storage::Reader;
using storage::RunConditions;

constexpr char kForms[] =
    "a run, a job, a device (HOST/NAME), or conditions such as "
    "device=studio/mps,workload=simclr-cifar10,since=30d";

absl::StatusOr<RunConditions> ConditionsOf(const Reader& reader, const std::string& selection,
                                           int64_t now_unix_ms) {
  if (selection.empty()) {
    return WithHint(absl::StatusCode::kInvalidArgument, "selection '': empty", kForms);
  }
  if (selection.find('=') != std::string::npos || storage::LooksLikeConditions(selection))
    return RunConditions::Parse(selection, now_unix_ms, "selection");
  if (selection.find('/') != std::string::npos)
    return RunConditions::Parse("device=" + selection, now_unix_ms, "selection");
  absl::StatusOr<std::string> run = reader.ResolveRunId(selection);
  if (run.ok()) return RunConditions::Parse("run=" + *run, now_unix_ms);
  if (!absl::IsNotFound(run.status())) return run.status();
  absl::StatusOr<std::string> job = reader.ResolveJobId(selection);
  if (job.ok()) return RunConditions::Parse("job=" + *job, now_unix_ms);
  if (!absl::IsNotFound(job.status())) return job.status();
  return WithHint(absl::StatusCode::kNotFound, "no run and no job '" + selection + "'",
                  "laptime run list shows the runs; a device is HOST/NAME");
}

// Whoever names a run, or says which validity is meant, wants those that do not count, too.
bool TakesAll(const RunConditions& conditions) {
  return std::ranges::any_of(conditions.conditions(), [](const storage::RunCondition& condition) {
    const bool named =
        condition.field->name == "run" && condition.op == storage::RunCondition::Operator::kEqual;
    return named || condition.field->name == "validity";
  });
}

absl::Status NoneCounts(const std::string& selection, int left_out) {
  return WithHint(absl::StatusCode::kNotFound,
                  "no run that counts matches '" + selection + "': " + std::to_string(left_out) +
                      " that do are contaminated or invalid",
                  "name one by its id, or add validity=contaminated|invalid");
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
  absl::StatusOr<RunConditions> conditions = ConditionsOf(reader, selection, now_unix_ms);
  if (!conditions.ok()) return conditions.status();
  RunSelection group;
  group.selection = selection;
  storage::RunFilter filter;
  filter.where = *conditions;
  absl::StatusOr<std::vector<Reader::MeasuredRun>> runs = reader.MeasuredRuns(filter);
  if (!runs.ok()) return runs.status();
  const bool all = TakesAll(*conditions);
  for (Reader::MeasuredRun& run : *runs) {
    if (!storage::RunValue(run.run)) continue;
    if (all || Counts(run.run.validity())) {
      group.runs.push_back(std::move(run));
    } else {
      ++group.left_out;
    }
  }
  if (group.runs.empty() && group.left_out > 0) return NoneCounts(selection, group.left_out);
  if (group.runs.empty()) {
    absl::StatusOr<std::vector<storage::ImportedResult>> results = reader.ImportedResults();
    if (!results.ok()) return results.status();
    for (const storage::ImportedResult& stored : *results) {
      absl::StatusOr<ElsewhereResult> result = ParseResult(stored.json);
      if (result.ok() && conditions->Matches(AsRunLike(*result))) group.imported.push_back(*result);
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
