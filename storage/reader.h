#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/agent.pb.h"
#include "laptime/v1/control.pb.h"
#include "storage/run_conditions.h"

namespace SQLite {
class Database;
}

namespace laptime::storage {

class Query;
class Statements;

// A device as the database knows it. `device.state` is DRAINED or UNSPECIFIED: whether it is
// attached or busy is the coordinator's to say.
struct DeviceRow {
  int64_t key = 0;  // the database's number for it, stable over renames
  std::string host_id;
  std::string agent_name;  // the name its agent gave it; `device.name` is what people call it
  bool drained = false;
  bool offered = false;  // named in its agent's last Hello
  bool removed = false;  // its host was taken away
  v1::Device device;
};

// A token as it is stored. `token.uses_left` and `token.expires_unix_ms` are absent where it has no
// such limit.
struct TokenRow {
  v1::Token token;
  std::string secret_sha256;  // lower-case hex
};

// A machine's certificate.
struct CertificateRow {
  std::string serial;
  std::string host_id;
  std::string token_id;  // that it was given for; "" when it followed an earlier certificate
  int64_t issued_unix_ms = 0;
  int64_t expires_unix_ms = 0;
  bool revoked = false;
};

// A run with what the coordinator needs to move it on.
struct RunRow {
  v1::Run run;
  int64_t device_key = 0;
  std::string host_id;
  std::string agent_device;  // the device's name on its host
  // Every workload key with its value, as the job has it: WithSeed puts the run's own seed in.
  std::string config_json;
};

// A run that has not ended, with what its being lost depends on.
struct OpenRun {
  std::string id;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  int64_t created_unix_ms = 0;
  int64_t device_key = 0;
  std::string host_id;
  int devices_per_run = 1;
};

struct AttemptRow {
  v1::AttemptRef ref;
  v1::AttemptState state = v1::ATTEMPT_STATE_UNSPECIFIED;
  std::string command_id;  // of its StartRun
  std::string host_id;
  v1::RunState run_state = v1::RUN_STATE_UNSPECIFIED;
  bool newest = false;  // no later attempt of the run exists
};

// A run that waits, with what it is ranked by among those of other devices.
struct QueuedRun {
  std::string id;
  int priority = 0;     // higher first
  int64_t job_key = 0;  // lower is older
  int position = 0;     // in the job's order of execution
};

// The runs of a job on one device.
struct JobDevice {
  int64_t device_key = 0;
  int position = 0;         // of the first
  int last_repetition = 0;  // the highest
};

// Which runs: all that is given holds together.
struct RunFilter {
  std::string job_id;
  std::vector<int64_t> device_keys;  // empty = all
  std::string workload;              // preset name or hash prefix; empty = all
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  std::vector<std::string> workload_hashes = {};  // one of these; empty = all
  RunConditions where = {};                       // of the filter language
};

// A SUCCEEDED run with a time, as far as a history needs it.
struct HistoryRun {
  int64_t key = 0;
  std::string id;
  int64_t device_key = 0;
  std::string workload;  // the preset
  std::string workload_hash;
  std::string segment;     // empty: not known
  int64_t at_unix_ms = 0;  // when it started
  double seconds = 0;      // its value (run_value.h)
  v1::Validity validity = v1::VALIDITY_UNSPECIFIED;
};

struct Page {
  int size = 50;
  std::string token;  // from the page before; empty = the first
};

// A result measured elsewhere, as `laptime import` and deploy/references write it.
struct ImportedResult {
  std::string hash;        // SHA-256 of the canonical line: what makes it the same result
  std::string json;        // the line
  bool published = false;  // one of the built-in references
  int64_t imported_unix_ms = 0;
};

// Samples and logs that may go.
struct OldOutput {
  std::vector<int64_t> attempts;  // that have some
  int runs = 0;                   // whose attempts these are
  double samples = 0;
  double log_bytes = 0;
};

struct Counts {
  int hosts = 0;
  int devices = 0;
  int jobs = 0;
  int runs = 0;
};

// Queries over one connection. Not thread-safe: Store hands it to one thread at a time. Errors:
// kNotFound names what is missing, kAborted an ambiguous prefix, kUnavailable a busy or interrupted
// database, kDataLoss a damaged one.
class Reader {
 public:
  explicit Reader(SQLite::Database& database);
  virtual ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // `text` is an id, a unique prefix of one, "last" or "last:N" (the N-th newest, from 1).
  absl::StatusOr<std::string> ResolveJobId(const std::string& text) const;
  absl::StatusOr<std::string> ResolveRunId(const std::string& text) const;

  // Ordered by host, name; of one host, or of all ("").
  absl::StatusOr<std::vector<DeviceRow>> Devices(const std::string& host_id = "") const;
  // The device's newest probe, without snapshot; nothing when it has none.
  absl::StatusOr<std::optional<v1::DeviceCapabilities>> Capabilities(int64_t device_key) const;
  // Of the same probe, the rates alone.
  absl::StatusOr<std::vector<v1::PeakRate>> PeakRates(int64_t device_key) const;
  absl::StatusOr<v1::Host> FindHost(const std::string& host_id) const;
  // By name, or by id; kNotFound.
  absl::StatusOr<v1::Host> FindHostByName(const std::string& name) const;

  absl::StatusOr<std::vector<TokenRow>> Tokens() const;  // newest first
  absl::StatusOr<std::vector<CertificateRow>> Certificates() const;
  absl::StatusOr<std::vector<v1::AuditEntry>> Audit(int limit) const;  // newest first

  // `state`, `runs` and `runs_ended` follow from the job's runs.
  absl::StatusOr<v1::Job> FindJob(const std::string& job_id) const;
  // The same in little, whatever the number of runs: what the end of one of them may lead to.
  struct JobOutlook {
    bool repeats_until = false;  // has until_percent
    bool open = false;           // has runs that have not ended
  };
  absl::StatusOr<JobOutlook> OutlookOf(const std::string& job_id) const;
  // The job made with that idempotency key, with the digest of its request; nothing when there is
  // none.
  struct KeyedJob {
    std::string job_id;
    std::string request_digest;
  };
  absl::StatusOr<std::optional<KeyedJob>> FindJobByKey(const std::string& idempotency_key) const;
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const Page& page) const;

  absl::StatusOr<RunRow> FindRun(const std::string& run_id) const;
  // In the job's order of execution, then by device, repetition.
  absl::StatusOr<std::vector<v1::Run>> RunsOfJob(const std::string& job_id) const;
  // Those of them that are on one device; without one, all.
  absl::StatusOr<std::vector<v1::Run>> RunsOfJobOn(const std::string& job_id,
                                                   std::optional<int64_t> device_key) const;
  absl::StatusOr<std::vector<JobDevice>> DevicesOfJob(const std::string& job_id) const;  // by key
  absl::StatusOr<v1::ListRunsResponse> ListRuns(const RunFilter& filter, const Page& page) const;
  absl::StatusOr<std::vector<OpenRun>> OpenRuns() const;  // oldest first
  // Oldest first.
  absl::StatusOr<std::vector<v1::Annotation>> Annotations(const std::string& run_id) const;
  absl::StatusOr<std::vector<v1::Attempt>> Attempts(const std::string& run_id) const;
  absl::StatusOr<std::vector<v1::Epoch>> Epochs(const std::string& run_id, int attempt) const;
  // JSON text; empty when the attempt never started.
  absl::StatusOr<std::string> SnapshotJson(const std::string& run_id, int attempt) const;
  absl::StatusOr<v1::GetRunLogResponse> Log(const std::string& run_id, int attempt,
                                            int64_t from_offset) const;
  absl::StatusOr<std::vector<v1::SampleSeries>> Samples(const std::string& run_id,
                                                        int attempt) const;
  absl::StatusOr<std::vector<v1::JobEvent>> Events(const std::string& job_id, int64_t after_seq,
                                                   int limit) const;

  // kNotFound when that attempt never existed.
  absl::StatusOr<AttemptRow> FindAttempt(const std::string& run_id, int number) const;
  // Attempts that have not ended, of one host or (empty) of all.
  absl::StatusOr<std::vector<AttemptRow>> OpenAttempts(const std::string& host_id) const;
  // The QUEUED run that should start next on the device, of those with devices_per_run of at most
  // `most_devices`: highest priority, then oldest job, then position, then repetition.
  absl::StatusOr<std::optional<QueuedRun>> NextQueuedRun(int64_t device_key,
                                                         int most_devices) const;
  // Highest sequence number committed from that spool; 0 when it is new.
  absl::StatusOr<uint64_t> SpoolMark(const std::string& host_id, const std::string& spool_id) const;

  // Every workload that a job was submitted for, by hash: few, however many runs there are.
  struct WorkloadRow {
    std::string hash;
    std::string preset;       // it was first submitted as
    std::string hashed_json;  // the hashed keys, compact JSON
  };
  absl::StatusOr<std::vector<WorkloadRow>> Workloads() const;

  // The SUCCEEDED runs that the filter lets through, oldest first. Those of limited work come with
  // their epochs' figures, of which a whole epoch is estimated; where the median lap or an estimate
  // says it all, these stay empty.
  struct MeasuredRun {
    v1::Run run;
    std::vector<double> evaluation_seconds;  // of each lap
    std::vector<double> step_seconds;        // of each lap: the median, or the mean without one
    int evaluated_images = 0;
  };
  absl::StatusOr<std::vector<MeasuredRun>> MeasuredRuns(const RunFilter& filter = {}) const;

  // The SUCCEEDED ones with a value that the filter lets through: `limit` of them, those created
  // last first.
  absl::StatusOr<std::vector<HistoryRun>> HistoryRuns(const RunFilter& filter, int limit) const;
  // The newest `limit` of all that people said of those runs, by the run's key, oldest first.
  absl::StatusOr<std::map<int64_t, std::vector<v1::Annotation>>> Annotations(
      const std::vector<int64_t>& run_keys, int limit) const;
  // Runs that started on a software that nobody named: id and the snapshot's hash.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> RunsWithoutSegment() const;
  // What segments are for people, by name.
  absl::StatusOr<std::map<std::string, std::string>> Segments() const;

  // A run as `laptime matrix` counts it.
  struct MatrixRun {
    int64_t device_key = 0;
    std::string workload_hash;
    v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
    v1::Validity validity = v1::VALIDITY_UNSPECIFIED;
    std::string libtorch;           // that its newest attempt ran on; empty when it did not start
    std::optional<double> seconds;  // its value (run_value.h)
    std::optional<int64_t> ended_unix_ms;
    std::string trouble;  // of a failed or invalid one: why, if it is known
  };
  // Every run of those workloads, newest first.
  absl::StatusOr<std::vector<MatrixRun>> MatrixRuns(
      const std::vector<std::string>& workload_hashes) const;
  // The LibTorch of the device's newest run that has started, or of its newest probe, whichever is
  // later; empty when there is neither.
  absl::StatusOr<std::string> PresentLibTorch(int64_t device_key) const;

  absl::StatusOr<std::vector<ImportedResult>> ImportedResults() const;

  // Of the newest attempts of many runs, each run once. What they started with: the JSON texts,
  // each different one once.
  absl::StatusOr<std::vector<std::string>> SnapshotsOf(
      const std::vector<std::string>& run_ids) const;
  // The phases of their laps, a vector for each run that has laps, oldest run first.
  absl::StatusOr<std::vector<std::vector<v1::Phases>>> PhasesOf(
      const std::vector<std::string>& run_ids) const;

  // For exports, which read page by page, each in a transaction of its own.
  struct ExportRun {
    int64_t key = 0;          // grows in the order of creation
    int64_t attempt_key = 0;  // of its newest attempt; 0 before the first
    v1::Run run;
  };
  // The runs with a greater key that match, oldest first.
  absl::StatusOr<std::vector<ExportRun>> RunsAfter(const RunFilter& filter, int64_t run_key,
                                                   int limit) const;
  absl::StatusOr<std::vector<v1::Epoch>> EpochsAfter(int64_t attempt_key, int number,
                                                     int limit) const;
  // An attempt's samples are ordered by sensor, then by time.
  struct SamplePlace {
    int64_t sensor = 0;
    int64_t t_ms = 0;
  };
  struct ExportSample {
    SamplePlace place;
    v1::SampleRow row;  // without run and device
  };
  absl::StatusOr<std::vector<ExportSample>> SamplesAfter(int64_t attempt_key,
                                                         const SamplePlace& place, int limit) const;
  absl::StatusOr<Counts> CountAll() const;
  // Counts every sample: it may take longer than a reader of the pool has.
  absl::StatusOr<OldOutput> OutputOfRunsEndedBefore(int64_t unix_ms) const;

 protected:
  // A prepared statement, kept for the next use. Throws SQLite::Exception: call it under Guard.
  Query Prepare(const std::string& sql) const;

  // The tables' own keys; kNotFound. Attempt 0 is the newest one; nothing when the run has none.
  absl::StatusOr<int64_t> JobKey(const std::string& job_id) const;
  absl::StatusOr<std::optional<int64_t>> AttemptKey(const std::string& run_id, int number) const;

 private:
  const std::unique_ptr<Statements> statements_;
};

}  // namespace laptime::storage
