#include "client/fill_plan.h"

#include <algorithm>
#include <map>

#include "client/columns.h"
#include "client/submission.h"
#include "client/text.h"

namespace laptime::client {
namespace {

// Why a device gets no runs now; empty when it does.
std::string WhyNot(const v1::Device& device) {
  if (device.state() == v1::DEVICE_STATE_AWAY) return "its agent is away";
  if (device.state() == v1::DEVICE_STATE_DRAINED)
    return "it is drained; `laptime device resume " + device.id() + "`";
  return "";
}

}  // namespace

FillPlan PlanFill(const v1::GetMatrixResponse& matrix, const v1::ListDevicesResponse& devices) {
  std::map<std::string, std::string> reasons;
  for (const v1::Device& device : devices.devices()) reasons[device.id()] = WhyNot(device);
  FillPlan plan;
  for (const v1::MatrixCell& cell : matrix.cells()) {
    if (cell.state() != "fresh") plan.coming += cell.runs_coming();
    if (cell.runs_missing() == 0) continue;
    const std::string& why = reasons[cell.device()];
    if (!why.empty()) {
      const std::pair entry(cell.device(), why);
      if (std::ranges::find(plan.skipped, entry) == plan.skipped.end())
        plan.skipped.push_back(entry);
      continue;
    }
    auto job = std::ranges::find_if(plan.jobs, [&](const FillJob& other) {
      return other.workload == cell.workload() && other.repeats == cell.runs_missing();
    });
    if (job == plan.jobs.end())
      job = plan.jobs.insert(plan.jobs.end(), {cell.workload(), cell.runs_missing(), {}});
    job->devices.push_back(cell.device());
  }
  return plan;
}

v1::SubmitJobRequest SubmissionOf(const FillJob& job,
                                  const google::protobuf::Map<std::string, std::string>& settings) {
  v1::SubmitJobRequest request;
  request.set_workload(job.workload);
  *request.mutable_settings() = settings;
  for (const std::string& device : job.devices) request.add_selectors(device);
  request.set_repeats(job.repeats);
  request.set_interleave(true);
  request.set_idempotency_key(RandomKey());
  return request;
}

Grid FillGrid(const FillPlan& plan) {
  const std::vector<Column<FillJob>> columns{
      TextColumn<FillJob>("workload", "WORKLOAD", [](const FillJob& j) { return j.workload; }),
      NumberColumn<FillJob>("repeats", "RUNS EACH", [](const FillJob& j) { return j.repeats; }),
      TextColumn<FillJob>("devices", "DEVICES",
                          [](const FillJob& j) { return Joined(j.devices, " "); }),
      NumberColumn<FillJob>("runs", "RUNS",
                            [](const FillJob& j) { return j.repeats * std::ssize(j.devices); }),
  };
  return MakeGrid(columns, plan.jobs);
}

}  // namespace laptime::client
