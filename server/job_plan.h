#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "laptime/v1/control.pb.h"
#include "storage/transaction.h"

namespace laptime {

// What a submission becomes: a job, and its runs in the order in which they are to start. Pure
// functions.
//
// Without `interleave` a device has all its repetitions one after the other, and of one machine,
// which runs one at a time, the device whose name comes first goes first. With it the job goes in
// blocks: block r is repetition r on every device, in an order that is drawn for each block (a
// randomised complete block design; Fisher, The Design of Experiments, 1935): what changes on the
// machine meanwhile, its temperature say, meets all devices alike. Machines do not wait for each
// other: each starts the earliest of its own runs.

inline constexpr int kMaxRepeats = 1000;
inline constexpr int kMaxRunsPerJob = 10000;
inline constexpr int kMaxSettings = 64;
inline constexpr int kMaxIdempotencyKey = 128;  // characters

// Of jobs that repeat until their interval is narrow (see repeat_until.h).
inline constexpr int kFewestRepeatsUntil = 3;  // what they start with; fewer tell no scatter
inline constexpr int kDefaultMostRepeats = 10;
inline constexpr double kLeastUntilPercent = 0.1;
inline constexpr double kMostUntilPercent = 50;

// kInvalidArgument with a hint: a number or a size is out of its limits.
absl::Status CheckSubmission(const v1::SubmitJobRequest& request);

// What makes two requests the same one.
std::string RequestDigest(const v1::SubmitJobRequest& request);

// The job of a checked request, without id.
v1::Job NewJob(const v1::SubmitJobRequest& request, const v1::Workload& workload,
               int64_t now_unix_ms);

// The most runs that the job may come to have on one device.
int MostRunsOnDevice(const v1::Job& job);

// Each repetition has a seed of its own, and the last one's must be in range too.
absl::Status CheckSeeds(const v1::Job& job);
int64_t SeedOf(const v1::Job& job, int repetition);

// The devices in the order in which block `repetition` goes over them. It follows from the job's
// id, the block and which devices they are; with an id still to be given they stay as they are.
std::vector<int64_t> BlockOrder(const std::string& job_id, int repetition,
                                std::vector<int64_t> device_keys);

// Where in the order of an interleaved job over these devices that run is.
int PositionInBlocks(const std::string& job_id, int repetition, int64_t device_key,
                     const std::vector<int64_t>& device_keys);

// The runs that a job begins with, in the order in which they are to start.
std::vector<storage::NewRun> PlanRuns(const v1::Job& job,
                                      const std::vector<storage::DeviceRow>& devices);

// A planned run as a dry run shows it.
v1::Run Preview(const v1::Job& job, const storage::NewRun& planned,
                const storage::DeviceRow& device);

}  // namespace laptime
