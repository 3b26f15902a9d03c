#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "server/outbox.h"
#include "storage/transaction.h"

namespace laptime {

// How a run lives: what each thing that can happen does to the run, its attempt and its job.
//
// Decisions only: no gRPC, no SQL, no clock. One object serves one transaction on the store's
// writer thread; what should happen outside is put into the outbox and sent after the commit. See
// server/README.md.
class RunLifecycle {
 public:
  // `max_retries`: further attempts after one that ended for infrastructure reasons.
  RunLifecycle(storage::Transaction& transaction, Outbox& outbox, int max_retries,
               int64_t now_unix_ms)
      : tx_(transaction), outbox_(outbox), max_retries_(max_retries), now_(now_unix_ms) {}

  // QUEUED → ASSIGNED with a new attempt, whose StartRun goes out.
  absl::Status Assign(const std::string& run_id);
  // The same StartRun once more (same command id), for an agent that does not know the attempt.
  absl::Status SendAgain(const storage::AttemptRow& attempt);

  // The agent's answer to StartRun.
  absl::Status Accepted(const storage::AttemptRow& attempt);
  // Refused for infrastructure reasons: tried again, but not before the next look for work.
  absl::Status Refused(const storage::AttemptRow& attempt, const v1::Failure& failure);

  // A spooled report. Reports of attempts that have ended are stored under them and never counted.
  absl::Status Apply(const storage::AttemptRow& attempt, const v1::Report& report);

  // The attempt ended for a reason outside the workload: retried, or FAILED when the retries are
  // spent.
  absl::Status Fail(const storage::AttemptRow& attempt, const v1::Failure& failure);

  // Ends a run that has not ended. CANCELLED also tells the agent to stop; LOST does not: late laps
  // are welcome.
  absl::Status End(const storage::RunRow& run, v1::RunState end, const v1::Failure& failure);

 private:
  absl::Status Started(const storage::AttemptRow& attempt, const v1::AttemptStarted& started);
  absl::Status EpochFinished(const storage::AttemptRow& attempt, v1::Epoch epoch);
  // What of a run no report changes. Good until the next call.
  absl::StatusOr<const storage::RunRow*> RunOfLap(const std::string& run_id);
  // What share of the device's peak the lap's arithmetic was; needs the device to be probed.
  absl::Status SetMfu(const storage::RunRow& run, v1::Epoch& epoch) const;
  // Whether the run counts, once all its laps are there.
  absl::Status Judge(const storage::RunRow& run, const std::vector<v1::Epoch>& laps);
  absl::Status Finished(const storage::AttemptRow& attempt, const v1::AttemptFinished& finished);
  absl::Status Stopped(const storage::AttemptRow& attempt);
  absl::Status Move(const storage::RunRow& run, v1::RunState to, const v1::Failure& failure);
  absl::Status Publish(v1::JobEvent event, const v1::Run& run);
  // A run is at its end: its job goes on with another one on the device, or has perhaps ended too.
  // What the run came to must be stored by now.
  absl::Status RunEnded(const storage::RunRow& run, v1::RunState how);
  absl::Status Repeat(const storage::RunRow& ended, const storage::NewRun& next);
  absl::Status SendStart(const storage::RunRow& run, const v1::AttemptRef& attempt,
                         const std::string& command_id);

  storage::Transaction& tx_;
  Outbox& outbox_;
  const int max_retries_;
  const int64_t now_;
  std::optional<storage::RunRow> run_of_lap_;
};

}  // namespace laptime
