#include "server/job_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "server/new_id.h"

namespace laptime {
namespace {

using storage::DeviceRow;

std::string Shortest(double value) { return nlohmann::json(value).dump(); }

absl::Status NotAllowed(const std::string& flag, const std::string& value,
                        const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument, flag + ": " + value + " is not allowed",
                  hint);
}

// How many runs a device gets to begin with, and at most.
int RepeatsOf(const v1::SubmitJobRequest& request) {
  if (request.repeats() > 0) return request.repeats();
  return request.has_until_percent() ? kFewestRepeatsUntil : 1;
}

int MostRepeatsOf(const v1::SubmitJobRequest& request) {
  if (!request.has_until_percent()) return 0;
  if (request.most_repeats() != 0) return request.most_repeats();
  return std::max(kDefaultMostRepeats, RepeatsOf(request));
}

absl::Status CheckUntil(const v1::SubmitJobRequest& request) {
  if (!request.has_until_percent()) {
    if (request.most_repeats() == 0) return absl::OkStatus();
    return WithHint(absl::StatusCode::kInvalidArgument, "max-repeats says nothing without until",
                    "--until 1% repeats until the interval is within ±1 %, --repeat N N times");
  }
  const double percent = request.until_percent();
  if (!(percent >= kLeastUntilPercent && percent <= kMostUntilPercent)) {
    return NotAllowed("until", Shortest(percent) + " %",
                      "--until takes " + Shortest(kLeastUntilPercent) + "% to " +
                          std::to_string(static_cast<int>(kMostUntilPercent)) + "%");
  }
  if (RepeatsOf(request) < kFewestRepeatsUntil) {
    return NotAllowed("repeat", std::to_string(request.repeats()) + " with --until",
                      "an interval needs " + std::to_string(kFewestRepeatsUntil) +
                          " runs to begin with, which is what --until does by itself");
  }
  const int most = MostRepeatsOf(request);
  if (most < RepeatsOf(request) || most > kMaxRepeats) {
    return NotAllowed("max-repeats", std::to_string(request.most_repeats()),
                      "--max-repeats takes " + std::to_string(RepeatsOf(request)) +
                          ", which the job begins with, to " + std::to_string(kMaxRepeats));
  }
  return absl::OkStatus();
}

// An even draw of 0 to `below` - 1, the same on every platform, which std::shuffle and the
// distributions are not. 64 bits over a few devices: the remainder favours none that one could see.
size_t Draw(std::mt19937_64& random, size_t below) { return random() % below; }

// Of a repetition's block among all runs of the job.
int FirstPosition(int repetition, size_t devices) {
  return (repetition - 1) * static_cast<int>(devices);
}

}  // namespace

absl::Status CheckSubmission(const v1::SubmitJobRequest& request) {
  if (request.repeats() < 0 || request.repeats() > kMaxRepeats) {
    return NotAllowed("repeat", std::to_string(request.repeats()),
                      "--repeat takes 1 to " + std::to_string(kMaxRepeats));
  }
  LAPTIME_RETURN_IF_ERROR(CheckUntil(request));
  if (request.settings_size() > kMaxSettings) {
    return absl::InvalidArgumentError("more than " + std::to_string(kMaxSettings) + " settings");
  }
  if (request.idempotency_key().size() > kMaxIdempotencyKey) {
    return absl::InvalidArgumentError("the idempotency key is longer than " +
                                      std::to_string(kMaxIdempotencyKey) + " characters");
  }
  return absl::OkStatus();
}

std::string RequestDigest(const v1::SubmitJobRequest& request) {
  nlohmann::json content;
  content["workload"] = request.workload();
  content["settings"] =
      std::map<std::string, std::string>(request.settings().begin(), request.settings().end());
  content["selectors"] =
      std::vector<std::string>(request.selectors().begin(), request.selectors().end());
  content["repeats"] = RepeatsOf(request);
  content["priority"] = request.priority();
  // Only where they are asked for: a request that was stored before they existed stays the same.
  if (request.interleave()) content["interleave"] = true;
  if (request.has_until_percent()) {
    content["until_percent"] = request.until_percent();
    content["most_repeats"] = MostRepeatsOf(request);
  }
  return Sha256Hex(content.dump());
}

v1::Job NewJob(const v1::SubmitJobRequest& request, const v1::Workload& workload,
               int64_t now_unix_ms) {
  v1::Job job;
  *job.mutable_workload() = workload;
  *job.mutable_selectors() = request.selectors();
  job.set_repeats(RepeatsOf(request));
  job.set_priority(request.priority());
  job.set_state(v1::JOB_STATE_QUEUED);
  job.set_created_unix_ms(now_unix_ms);
  job.set_interleave(request.interleave());
  if (request.has_until_percent()) job.set_until_percent(request.until_percent());
  job.set_most_repeats(MostRepeatsOf(request));
  return job;
}

int MostRunsOnDevice(const v1::Job& job) {
  return job.has_until_percent() ? job.most_repeats() : job.repeats();
}

int64_t SeedOf(const v1::Job& job, int repetition) {
  const auto first =
      static_cast<int64_t>(job.workload().config().fields().at("seed").number_value());
  return first + repetition - 1;
}

absl::Status CheckSeeds(const v1::Job& job) {
  const WorkloadKey* key = FindWorkloadKey("seed");
  const int most = MostRunsOnDevice(job);
  const int64_t last = SeedOf(job, most);
  if (key == nullptr || static_cast<double>(last) <= key->max) return absl::OkStatus();
  return WithHint(absl::StatusCode::kInvalidArgument,
                  "repetition " + std::to_string(most) + " would have seed " +
                      std::to_string(last) + ", beyond the largest",
                  "--set seed=1, or fewer repeats");
}

std::vector<int64_t> BlockOrder(const std::string& job_id, int repetition,
                                std::vector<int64_t> device_keys) {
  if (job_id.empty()) return device_keys;
  std::ranges::sort(device_keys);
  const std::string digest = Sha256Hex(job_id + "/" + std::to_string(repetition));
  std::mt19937_64 random(std::stoull(digest.substr(0, 16), nullptr, 16));
  // Fisher and Yates, as Durstenfeld's Algorithm 235 (Communications of the ACM 7, 1964) has it.
  for (size_t left = device_keys.size(); left > 1; --left) {
    std::swap(device_keys[left - 1], device_keys[Draw(random, left)]);
  }
  return device_keys;
}

int PositionInBlocks(const std::string& job_id, int repetition, int64_t device_key,
                     const std::vector<int64_t>& device_keys) {
  const std::vector<int64_t> order = BlockOrder(job_id, repetition, device_keys);
  const auto place = std::ranges::find(order, device_key) - order.begin();
  return FirstPosition(repetition, order.size()) + static_cast<int>(place);
}

std::vector<storage::NewRun> PlanRuns(const v1::Job& job, const std::vector<DeviceRow>& devices) {
  std::vector<int64_t> keys;
  for (const DeviceRow& device : devices) keys.push_back(device.key);
  std::vector<storage::NewRun> runs;
  for (int repetition = 1; repetition <= job.repeats(); ++repetition) {
    const int first = job.interleave() ? FirstPosition(repetition, keys.size()) : 0;
    const std::vector<int64_t> order =
        job.interleave() ? BlockOrder(job.id(), repetition, keys) : keys;
    for (size_t i = 0; i < order.size(); ++i) {
      runs.push_back({NewId(), job.id(), order[i], repetition, SeedOf(job, repetition),
                      job.created_unix_ms(), first + static_cast<int>(i)});
    }
  }
  std::ranges::stable_sort(runs, {}, &storage::NewRun::position);
  return runs;
}

v1::Run Preview(const v1::Job& job, const storage::NewRun& planned, const DeviceRow& device) {
  v1::Run run;
  run.set_device(device.device.id());
  run.set_host(device.device.host());
  run.set_kind(device.device.kind());
  run.set_device_model(device.device.model());
  run.set_workload(job.workload().name());
  run.set_workload_hash(job.workload().hash());
  run.set_repetition(planned.repetition);
  run.set_seed(static_cast<int32_t>(planned.seed));
  run.set_epochs(static_cast<int>(job.workload().config().fields().at("epochs").number_value()));
  run.set_partial(job.workload().partial());
  run.set_synthetic(job.workload().synthetic());
  return run;
}

}  // namespace laptime
