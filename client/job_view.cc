#include "client/job_view.h"

#include <map>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/run_view.h"
#include "client/text.h"

namespace laptime::client {
namespace {

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

// What the coordinator's word for it means to the reader.
std::string Because(const v1::DeviceRepeats& repeats, const Job& job) {
  if (repeats.state() == "most repeats")
    return ": " + std::to_string(job.most_repeats()) + " are the most allowed";
  if (repeats.state() == "cancelled") return ": a run was cancelled or lost";
  if (repeats.state() == "failing") return ": the last runs failed";
  return repeats.state() == "goes on" ? ": goes on" : "";
}

// "3, and on until ±1 %, at most 10"
std::string RepeatsOf(const Job& job) {
  std::string text = std::to_string(job.repeats());
  if (!job.has_until_percent()) return text;
  return text + ", and on until ±" + Exact(job.until_percent()) + " %, at most " +
         std::to_string(job.most_repeats());
}

constexpr char kInBlocks[] = "blocks of one run on every device, in random order";

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

std::vector<std::string> RepeatsLines(const v1::GetJobResponse& response) {
  std::vector<std::string> lines;
  for (const v1::DeviceRepeats& repeats : response.repeats()) {
    std::string line = repeats.device() + ": ";
    line += repeats.has_half_width_percent()
                ? "±" + Significant(repeats.half_width_percent(), 2) + " %"
                : "no interval";
    line += " after " + Counted(repeats.runs(), "run");
    if (repeats.runs_counted() < repeats.runs())
      line += ", " + std::to_string(repeats.runs_counted()) + " counted";
    line += ", asked ±" + Exact(response.job().until_percent()) + " %";
    lines.push_back(line + Because(repeats, response.job()));
  }
  return lines;
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
      {"repeats", RepeatsOf(job)},
      {"order", job.interleave() ? kInBlocks : ""},
      {"priority", job.priority() == 0 ? "" : std::to_string(job.priority())},
      {"created", LocalTime(job.created_unix_ms())},
      {"ended", job.has_ended_unix_ms() ? LocalTime(job.ended_unix_ms()) : ""},
  });
  for (const std::string& line : RepeatsLines(response)) page += SafeText(line) + "\n";
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
  text += (marks.empty() ? "" : " (" + marks + ")") + ", on " + devices;
  if (response.job().has_until_percent()) text += ", " + RepeatsOf(response.job());
  if (!response.job().interleave()) return text;
  text += std::string(", in ") + kInBlocks;
  return dry_run ? text + ", which is drawn when the job is submitted" : text;
}

}  // namespace laptime::client
