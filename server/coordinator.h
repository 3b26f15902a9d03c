#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "proto/support/clock.h"
#include "server/agent_registry.h"
#include "server/event_hub.h"
#include "server/outbox.h"
#include "server/report_stream.h"
#include "server/run_lifecycle.h"
#include "storage/store.h"

namespace laptime {

// Capabilities and rates together: what a probe may fill the database with.
inline constexpr int kMaxProbeRows = 200;

struct CoordinatorOptions {
  int max_retries = 2;  // after attempts that ended for infrastructure reasons
  std::chrono::milliseconds lost_after{
      std::chrono::hours(24)};  // a host away for so long has lost its runs
};

// Decides what happens: matches agents' messages with the database, hands out runs, ends what will
// not come back.
//
// Thread-safe. Every decision is one transaction on the store's writer thread; messages and events
// go out after its commit, on that thread, in the order of the commits. What it is given must
// outlive it.
class Coordinator {
 public:
  using Decision = std::function<absl::Status(storage::Transaction&, RunLifecycle&, Outbox&)>;
  using Done = storage::Store::Done;
  // Called once nothing of a message is kept any more: after its commit, or when it failed. Any
  // thread, the calling one included.
  using Settled = std::function<void()>;

  Coordinator(storage::Store& store, AgentRegistry& registry, EventHub& hub, const Clock& clock,
              const CoordinatorOptions& options)
      : store_(store),
        registry_(registry),
        hub_(hub),
        clock_(clock),
        options_(options),
        started_(clock.Now()),
        swept_(started_) {}
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  // Waits for the decisions under way.
  ~Coordinator() { store_.Drain(); }

  // Runs a decision; `done` is called on the writer thread after everything has been sent. Decide
  // blocks and must not be called there.
  void DecideAsync(Decision decision, Done done);
  absl::Status Decide(Decision decision);

  // An agent's stream said Hello. After the commit `link` is the host's live one and has been sent
  // Welcome and what follows from the attempts on both sides (see server/README.md); `done` then
  // gets the outcome.
  void Attach(std::shared_ptr<AgentLink> link, const v1::Hello& hello, Done done);

  // A report from the stream's spool. `done(OK)`: committed, or ignored because it was seen before,
  // or impossible. Another status is transient: the agent shall send the report, and all later
  // ones, again on a new stream; on this one nothing is taken any more, and `done` is called at
  // once, on the calling thread.
  void Take(std::shared_ptr<ReportStream> stream, v1::Report report, Done done);

  void Answered(
      const std::string& host_id, const v1::CommandResult& result, Settled settled = [] {});
  // Of an attempt of that host; another's is ignored.
  void Progressed(
      const std::string& host_id, const v1::Progress& progress, Settled settled = [] {});
  // What one of the host's devices can do.
  void Probed(
      const std::string& host_id, const v1::DeviceProbe& probe, Settled settled = [] {});

  // Ends what has waited for longer than `lost_after`, notes who is attached, and looks for work
  // that was left lying. Called from time to time.
  void Sweep();

 private:
  // Stores what waits on the stream, and what comes meanwhile.
  void StoreReports(std::shared_ptr<ReportStream> stream);
  // Sends out what a committed decision wants.
  void Deliver(const Outbox& outbox);
  // Ends runs whose host is away, or that wait for a device that is gone, for `lost_after`.
  absl::Status EndLost(storage::Transaction& tx, RunLifecycle& lifecycle, int64_t now);
  // Notes for each device of the host, or of all (""), and each number of its kind from it on,
  // since when they are not offered.
  absl::Status NoteOffers(const storage::Reader& reader, const std::string& host_id);
  // Assigns the next runs to those hosts, where they are free.
  void LookForWork(const std::set<std::string>& hosts);

  // Constant after construction.
  storage::Store& store_;
  AgentRegistry& registry_;
  EventHub& hub_;
  const Clock& clock_;
  const CoordinatorOptions options_;
  const std::chrono::steady_clock::time_point started_;

  // Owned by the store's writer thread: device key and devices_per_run, and since when this
  // coordinator knows that the device's host does not offer so many from it on.
  std::map<std::pair<int64_t, int>, std::chrono::steady_clock::time_point> not_offered_since_;
  // Owned by it too: runs that wait, and since when. The wall clock, by which they were created,
  // may be set meanwhile.
  std::map<std::string, std::chrono::steady_clock::time_point> queued_since_;
  std::chrono::steady_clock::time_point swept_;  // when those were looked at last
};

}  // namespace laptime
