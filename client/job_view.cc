#include "client/job_view.h"

#include <map>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/run_view.h"

namespace laptime::client {
namespace {

// "1 epoch", "2 epochs".
std::string Counted(int count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

using v1::Job;

std::string SelectorsOf(const Job& job) {
  std::string text;
  for (const std::string& selector : job.selectors()) text += (text.empty() ? "" : " ") + selector;
  return text;
}

Style StyleOfJob(v1::JobState state) {
  if (state == v1::JOB_STATE_SUCCEEDED) return Style::kGood;
  if (state == v1::JOB_STATE_FAILED) return Style::kBad;
  return state == v1::JOB_STATE_CANCELLED ? Style::kWarning : Style::kPlain;
}

Column<Job> StateColumn() {
  return {{"state", "STATE", false, false},
          [](const Job& job) { return TextCell(Word(job.state()), StyleOfJob(job.state())); }};
}

Column<Job> RunsColumn() {
  return {{"runs_ended", "RUNS", true, false}, [](const Job& job) {
            Cell cell = NumberCell(job.runs_ended());
            cell.text += "/" + std::to_string(job.runs());
            return cell;
          }};
}

std::vector<Column<Job>> JobColumns() {
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Job>("id", "JOB", [](const Job& j) { return j.id(); }),
      TextColumn<Job>("workload", "WORKLOAD", [](const Job& j) { return j.workload().name(); }),
      StateColumn(),
      RunsColumn(),
      TextColumn<Job>("selectors", "DEVICES", SelectorsOf),
      TextColumn<Job>("marks", "MARKS", [](const Job& j) { return MarksOf(j.workload()); }),
      TimeColumn<Job>("created_unix_ms", "CREATED",
                      [](const Job& j) { return std::optional<int64_t>(j.created_unix_ms()); }),
      TimeColumn<Job>(
          "ended_unix_ms", "ENDED", [](const Job& j) { return LAPTIME_MEASURED(j, ended_unix_ms); },
          kWide),
      NumberColumn<Job>(
          "runs", "OF", [](const Job& j) { return j.runs(); }, kWide),
      NumberColumn<Job>(
          "repeats", "REPEATS", [](const Job& j) { return j.repeats(); }, kWide),
      NumberColumn<Job>(
          "priority", "PRIORITY", [](const Job& j) { return j.priority(); }, kWide),
      TextColumn<Job>(
          "workload_hash", "HASH", [](const Job& j) { return j.workload().hash(); }, kWide),
  };
}

}  // namespace

std::string MarksOf(const v1::Workload& workload) {
  std::string marks = workload.partial() ? "partial" : "";
  if (workload.synthetic()) marks += marks.empty() ? "synthetic" : ", synthetic";
  return marks;
}

Grid JobGrid(const google::protobuf::RepeatedPtrField<Job>& jobs) {
  return MakeGrid(JobColumns(), jobs);
}

std::string JobPage(const v1::GetJobResponse& response, bool wide, bool color) {
  const Job& job = response.job();
  std::string page = RenderFacts({
      {"job", job.id()},
      {"workload", job.workload().name() + " " + job.workload().hash().substr(0, 8)},
      {"marks", MarksOf(job.workload())},
      {"state", Word(job.state())},
      {"devices", SelectorsOf(job)},
      {"repeats", std::to_string(job.repeats())},
      {"priority", job.priority() == 0 ? "" : std::to_string(job.priority())},
      {"created", LocalTime(job.created_unix_ms())},
      {"ended", job.has_ended_unix_ms() ? LocalTime(job.ended_unix_ms()) : ""},
  });
  const Grid grid = RunGrid(response.runs());
  return page + "\n" + RenderTable(wide ? grid : Narrow(grid), color);
}

std::string ResolvedText(const v1::SubmitJobResponse& response, bool dry_run) {
  const v1::Workload& workload = response.job().workload();
  std::map<std::string, int> runs_on;
  for (const v1::Run& run : response.runs()) ++runs_on[run.device()];
  std::string devices;
  for (const auto& [device, runs] : runs_on) {
    devices +=
        (devices.empty() ? "" : ", ") + device + (runs > 1 ? " x" + std::to_string(runs) : "");
  }
  const std::string marks = MarksOf(workload);
  std::string text = dry_run ? "would submit " : "job " + response.job().id() + ": ";
  text += workload.name() + ", " + Counted(workload.steps_per_epoch(), "step") + " an epoch";
  if (response.runs_size() > 0) text += ", " + Counted(response.runs(0).epochs(), "epoch");
  return text + (marks.empty() ? "" : " (" + marks + ")") + ", on " + devices;
}

}  // namespace laptime::client
