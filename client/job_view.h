#pragma once

#include <string>
#include <vector>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How jobs look. Pure functions of the messages.

// One row a job.
Grid JobGrid(const google::protobuf::RepeatedPtrField<v1::Job>& jobs);

// What the workload is not: "partial, synthetic", or empty.
std::string MarksOf(const v1::Workload& workload);

// `job show` for people: facts, then its runs.
std::string JobPage(const v1::GetJobResponse& response, bool wide, bool color);

// How far a job that repeats until its interval is narrow is, one line a device: "box/cpu: ±1.4 %
// after 10 runs, asked ±1 %: the most allowed". None for other jobs.
std::vector<std::string> RepeatsLines(const v1::GetJobResponse& response);

// What a submission came to, for standard error: workload, steps, devices.
std::string ResolvedText(const v1::SubmitJobResponse& response, bool dry_run);

}  // namespace laptime::client
