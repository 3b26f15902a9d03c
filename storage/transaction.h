#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/reader.h"
#include "storage/recent_laps.h"

namespace laptime::storage {

// Of one host, offered or not.
inline constexpr int kMaxKnownDevices = 1024;

struct NewJob {
  v1::Job job;                  // id, workload, selectors, repeats, priority, created_unix_ms
  std::string hashed_json;      // the workload's hashed keys, compact JSON
  std::string idempotency_key;  // unique
  std::string request_digest;
};

struct NewRun {
  std::string id;
  std::string job_id;
  int64_t device_key = 0;
  int repetition = 1;
  int64_t seed = 0;
  int64_t created_unix_ms = 0;
  int position = 0;  // in the job's order of execution; of equal ones the lower repetition is first
};

// What may be changed, within one write transaction. Lives on the writer thread only, for as long
// as one piece of work (see Store::Write); it sees its own changes. When the work fails all of its
// changes are undone.
class Transaction : public Reader {
 public:
  using Reader::Reader;

  // For the writer: changes were undone, so what is remembered of them holds no longer.
  void ForgetUndone() { recent_laps_.ForgetAll(); }

  // Inserts or renews a host and the devices that its agent offers; devices no longer named stay,
  // not offered. A device keeps the name, labels and drain state that people gave it.
  // Beyond kMaxKnownDevices those that are not offered and were never used are forgotten.
  // kAlreadyExists: another host has the name. kResourceExhausted: too many devices all the same.
  absl::Status UpsertHost(const v1::Host& host, const std::vector<v1::Device>& devices,
                          int64_t seen_unix_ms);
  absl::Status SetLastSeen(const std::string& host_id, int64_t seen_unix_ms);
  absl::Status SetDrained(int64_t device_key, bool drained);
  absl::Status SetHealth(int64_t device_key, v1::DeviceHealth health);
  // kAlreadyExists: another device of the host has the name.
  absl::Status RenameDevice(int64_t device_key, const std::string& name);

  // Stores what a device of the host can do, instead of what was stored for the same snapshot;
  // false when it is that. A host sends its newest, though its clock may have been set back.
  // kNotFound: the host has no such device.
  absl::StatusOr<bool> PutProbe(const std::string& host_id, const v1::DeviceProbe& probe);

  absl::Status InsertJob(const NewJob& job);
  absl::Status InsertRun(const NewRun& run);

  // Compare-and-set: kAborted when the run (attempt) is not in state `from`. Entering RUNNING for
  // the first time stores `at` as the start; entering an end state stores it as the end.
  absl::Status MoveRun(const std::string& run_id, v1::RunState from, v1::RunState to,
                       int64_t at_unix_ms);
  absl::Status MoveAttempt(const v1::AttemptRef& attempt, v1::AttemptState from,
                           v1::AttemptState to, int64_t at_unix_ms);

  // The next attempt of a run, in state SENT; its fencing token is higher than every earlier one.
  absl::StatusOr<v1::AttemptRef> InsertAttempt(const std::string& run_id,
                                               const std::string& command_id, int64_t at_unix_ms);
  // An attempt that goes on from a checkpoint takes over the epochs before it.
  absl::Status SetAttemptStarted(const v1::AttemptRef& attempt, const v1::AttemptStarted& started);
  absl::Status SetAttemptFinished(const v1::AttemptRef& attempt,
                                  const v1::AttemptFinished& finished);
  absl::Status SetAttemptFailure(const v1::AttemptRef& attempt, const v1::Failure& failure);
  // Shown with the run; an empty failure clears it.
  absl::Status SetRunFailure(const std::string& run_id, const v1::Failure& failure);

  // Names the software that the run's newest attempt runs on; `software` says it for people.
  absl::Status SetRunSegment(const std::string& run_id, const std::string& name,
                             const std::string& software);
  // Whether the run counts: validity, validity_reasons and learning_gate of `judged`, the rest of
  // which is not looked at.
  absl::Status SetRunValidity(const std::string& run_id, const v1::Run& judged);

  // False when the attempt already has an epoch of that number (it is then kept as it was). Renews
  // the run's figures (median lap, kNN maximum, …) when the attempt is the run's newest.
  absl::StatusOr<bool> InsertEpoch(const v1::AttemptRef& attempt, const v1::Epoch& epoch);
  absl::Status InsertSamples(const v1::AttemptRef& attempt, const v1::SampleBatch& batch);
  absl::Status InsertLog(const v1::AttemptRef& attempt, const v1::LogChunk& chunk);

  // Removes samples and logs of the last of `attempts` (their keys), at most so many rows, and from
  // the list those that have none any more.
  absl::Status RemoveOutput(std::vector<int64_t>& attempts, int most_rows);

  // Adds a remark to a run; kNotFound.
  absl::Status InsertAnnotation(const std::string& run_id, const v1::Annotation& annotation);

  // Raises the spool's mark to `seq`; false when the mark is already there or beyond.
  absl::StatusOr<bool> AdvanceSpool(const std::string& host_id, const std::string& spool_id,
                                    uint64_t seq);

  // Stores the event, whose number is not set, for watchers, and returns its number.
  absl::StatusOr<int64_t> InsertEvent(const v1::JobEvent& event);

  // False when a result with that hash is already there.
  // The published results alone, before those of this version are inserted.
  absl::Status DeletePublished();
  absl::StatusOr<bool> InsertImported(const ImportedResult& result);

  // Tokens, certificates and the audit log.
  absl::Status InsertToken(const TokenRow& row);
  // Those that are neither revoked, expired nor used up.
  absl::StatusOr<int> CountLiveTokens(int64_t now_unix_ms) const;
  // Deletes the others but for the newest `most`; returns the ids of those deleted. Certificates
  // that were given for one stay, and no longer say for which.
  absl::StatusOr<std::vector<std::string>> ForgetDeadTokens(int most, int64_t now_unix_ms);
  // Takes one of its uses; false when none is left, it is revoked, or it has expired by `now`.
  absl::StatusOr<bool> SpendToken(const std::string& id, int64_t now_unix_ms);
  // kNotFound. A second time changes nothing.
  absl::Status RevokeToken(const std::string& id, int64_t now_unix_ms);
  // Its host is no longer removed.
  absl::Status InsertCertificate(const CertificateRow& row);
  // How many of the host's certificates were in force.
  absl::StatusOr<int> RevokeCertificates(const std::string& host_id, int64_t now_unix_ms);
  // Keeps the newest `most` entries of each action, and a hundredth more: so whoever may do one
  // thing often cannot push out what others did.
  absl::Status InsertAudit(const v1::AuditEntry& entry, int most);
  // Its devices are offered no more, and it is in no list.
  absl::Status RemoveHost(const std::string& host_id, int64_t now_unix_ms);

 private:
  struct AttemptKeys {
    int64_t attempt = 0;
    int64_t run = 0;
    bool newest = false;  // of its run
  };

  // kNotFound also when the fencing token is another attempt's.
  absl::StatusOr<AttemptKeys> KeysOf(const v1::AttemptRef& attempt) const;

  // These throw SQLite::Exception.
  std::string KeepSnapshot(const std::string& json);  // returns its hash
  void UpsertDevice(const std::string& host_id, const v1::Device& device);
  absl::Status BoundDevices(const v1::Host& host);
  // The laps of an attempt, from the database or, of which `number` is the newest, as remembered.
  const Laps& ReadLaps(int64_t attempt);
  const Laps& LapsWith(int64_t attempt, int number);
  void StoreFigures(int64_t run, const Laps& laps);
  // The first so many epochs of earlier attempts, from whose checkpoint this one goes on, become
  // this one's too.
  void AdoptEpochs(const AttemptKeys& keys, int epochs);
  void SetEstimate(const AttemptKeys& keys, const v1::EpochEstimate& estimate);
  int64_t SensorKey(const v1::Sensor& sensor);
  int64_t LogEnd(int64_t attempt_key) const;
  int Delete(const std::string& sql, int64_t attempt_key, int most_rows);
  void TrimLog(int64_t attempt_key, int64_t end);

  RecentLaps recent_laps_;
};

}  // namespace laptime::storage
