#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/grid.h"
#include "client/options.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// What `fill` submits. Pure functions of messages.

// One job: so many runs of a workload on each of those devices.
struct FillJob {
  std::string workload;
  int repeats = 0;
  std::vector<std::string> devices;
};

struct FillPlan {
  std::vector<FillJob> jobs;  // devices that lack as many runs of a workload share one
  std::vector<std::pair<std::string, std::string>> skipped;  // device, why
  int coming = 0;  // runs that are on their way in cells that are not fresh
};

// What the matrix lacks, but for devices that take no runs now.
FillPlan PlanFill(const v1::GetMatrixResponse& matrix, const v1::ListDevicesResponse& devices);

// The job's submission; `settings` as given to the matrix.
v1::SubmitJobRequest SubmissionOf(const FillJob& job,
                                  const google::protobuf::Map<std::string, std::string>& settings);

// One row a job.
Grid FillGrid(const FillPlan& plan);

}  // namespace laptime::client
