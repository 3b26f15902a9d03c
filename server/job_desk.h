#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "server/coordinator.h"
#include "server/job_plan.h"

namespace laptime {

inline constexpr int kMaxDeviceName = 64;  // characters

// What people ask for: jobs to run, jobs to cancel, devices to change.
//
// Thread-safe; every method blocks until its decision is durable. What it is given must outlive it.
class JobDesk {
 public:
  JobDesk(Coordinator& coordinator, storage::Store& store, const AgentRegistry& registry,
          const Clock& clock)
      : coordinator_(coordinator), store_(store), registry_(registry), clock_(clock) {}

  // Codes as ControlService.SubmitJob says.
  absl::StatusOr<v1::SubmitJobResponse> Submit(const v1::SubmitJobRequest& request);
  // kNotFound, kAborted (ambiguous prefix). Cancelling an ended job changes nothing.
  absl::StatusOr<v1::GetJobResponse> Cancel(const std::string& id);
  // Returns the device's key. kNotFound, kAlreadyExists (the new name is taken).
  absl::StatusOr<int64_t> UpdateDevice(const v1::UpdateDeviceRequest& request);

  // Every known device with its state of now.
  absl::StatusOr<std::vector<storage::DeviceRow>> Devices(const storage::Reader& reader) const;

 private:
  Coordinator& coordinator_;
  storage::Store& store_;
  const AgentRegistry& registry_;
  const Clock& clock_;
};

// The workload of a request with every key filled in and its hash; kInvalidArgument with a hint.
absl::StatusOr<v1::Workload> ResolveForJob(const std::string& preset,
                                           const std::map<std::string, std::string>& settings,
                                           std::string* hashed_json);

// A stored job with its runs.
absl::StatusOr<v1::GetJobResponse> ReadJob(const storage::Reader& reader, const std::string& id);

}  // namespace laptime
