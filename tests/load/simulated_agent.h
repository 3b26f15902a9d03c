#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "agent/backoff.h"
#include "agent/coordinator_link.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/mutex.h"
#include "tests/load/timers.h"

namespace laptime::load {

// What a simulated trainer reports.
enum class Reports { kEpochs, kSamples, kLog };

// What an agent does wrong on purpose, once: the control that the count can find it.
enum class Mistake { kNone, kDrop, kDouble, kStartTwice };

struct AgentScript {
  Reports reports = Reports::kEpochs;
  // A lap takes so long, evenly drawn. Not used with a window.
  double least_lap_seconds = 1;
  double most_lap_seconds = 3;
  // Above 0: no laps by the clock, but always so many reports that are not yet acknowledged.
  int window = 0;
  int samples_per_report = 180;  // of six sensors
  Mistake mistake = Mistake::kNone;
};

// One execution, as its agent remembers it.
struct MadeAttempt {
  v1::AttemptRef ref;
  int epochs = 0;                    // that the run wants
  std::vector<double> wall_seconds;  // of each lap that went into the spool, in order
  bool ended = false;
  int starts = 1;  // how often it was begun; more than once is the fault that is looked for
};

// Sums over all agents, cheap to look at while they work.
struct FleetCounters {
  std::atomic<int> welcomed = 0;          // streams that have had their Welcome
  std::atomic<int64_t> closed = 0;        // streams that ended
  std::atomic<int64_t> acknowledged = 0;  // reports
  std::atomic<int64_t> waiting = 0;       // reports in spools
  std::atomic<int64_t> running = 0;       // attempts
  std::atomic<int64_t> ended = 0;
  std::atomic<int64_t> samples = 0;    // in reports
  std::atomic<bool> producing = true;  // false: trainers make no more laps
};

// An agent as the coordinator sees one: the real stream, Hello to ReportAck, with a spool in memory
// and a trainer that only waits.
//
// Thread-safe. Messages are handled on gRPC's threads, everything timed on that of `timers`, which
// is also where streams are opened and destroyed. What it is given must outlive it, and `timers`
// must have stopped before it goes.
class SimulatedAgent : public agent::LinkEvents, public Timers::Target {
 public:
  SimulatedAgent(int number, const AgentScript& script, std::unique_ptr<agent::Connector> connector,
                 FleetCounters& counters, Timers& timers);

  // Everything that it was ever told to execute.
  std::vector<MadeAttempt> Attempts() const;
  // Seconds from a report to its acknowledgement, since the last call.
  std::vector<double> TakeAckSeconds();
  // Seconds from the report that an attempt has ended to the next StartRun, since the last call.
  std::vector<double> TakeFreeSeconds();

  // Timers::Target.
  void Step(TimePoint due) override;
  // agent::LinkEvents.
  void OnMessage(v1::CoordinatorMessage message) override;
  void OnClosed(absl::Status status) override;

 private:
  struct Waiting {
    v1::Report report;
    TimePoint made;
  };
  using AttemptKey = std::pair<std::string, int>;

  void CloseStream();
  void Connect();
  v1::AgentMessage Hello() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Welcomed(const v1::Welcome& welcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Start(const v1::StartRun& start) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Stop(const v1::StopRun& stop) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Answer(const std::string& command_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Acknowledged(uint64_t through) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What the trainer has to say by now.
  void Train(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakeReport(MadeAttempt& attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakeLap(MadeAttempt& attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Finish(MadeAttempt& attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::SampleBatch NextSamples() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Spool(v1::Report report, const v1::AttemptRef& attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendReports() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Send(v1::AgentMessage message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeAt(TimePoint due) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  TimePoint NextLap(TimePoint from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const int number_;
  const AgentScript script_;
  const std::unique_ptr<agent::Connector> connector_;
  FleetCounters& counters_;
  Timers& timers_;

  mutable Mutex mu_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
  agent::Backoff backoff_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<agent::CoordinatorLink> link_ ABSL_GUARDED_BY(mu_);
  bool welcome_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  TimePoint connected_at_ ABSL_GUARDED_BY(mu_);
  TimePoint next_connect_ ABSL_GUARDED_BY(mu_);
  TimePoint next_heartbeat_ ABSL_GUARDED_BY(mu_);
  TimePoint wake_at_ ABSL_GUARDED_BY(mu_);  // of the one call of Step that counts

  std::deque<Waiting> spool_ ABSL_GUARDED_BY(mu_);
  size_t sent_ ABSL_GUARDED_BY(mu_) = 0;  // of the spool, on this stream
  uint64_t next_seq_ ABSL_GUARDED_BY(mu_) = 1;

  std::map<AttemptKey, MadeAttempt> attempts_ ABSL_GUARDED_BY(mu_);
  MadeAttempt* running_ ABSL_GUARDED_BY(mu_) = nullptr;
  TimePoint next_lap_ ABSL_GUARDED_BY(mu_);
  TimePoint free_since_ ABSL_GUARDED_BY(mu_);
  int32_t sample_time_ms_ ABSL_GUARDED_BY(mu_) = 0;
  bool mistake_made_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<double> ack_seconds_ ABSL_GUARDED_BY(mu_);
  std::vector<double> free_seconds_ ABSL_GUARDED_BY(mu_);
};

}  // namespace laptime::load
