#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "agent/attempt.h"
#include "agent/backoff.h"
#include "agent/coordinator_link.h"
#include "agent/device_discovery.h"
#include "agent/outbox.h"
#include "agent/probe_files.h"
#include "agent/report_sender.h"
#include "agent/spool.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime::agent {

// What a stopping agent still waits for the coordinator to take.
inline constexpr std::chrono::seconds kFlushTime{2};
// A stream on which no Welcome comes is given up.
inline constexpr std::chrono::seconds kWelcomeTime{15};
// How often the log says that there is no coordinator, and why not by now.
inline constexpr std::chrono::minutes kAwayReminder{10};

struct AgentOptions {
  std::string server;   // for messages
  bool joined = false;  // it has a certificate; for messages
  v1::Host host;
  std::vector<OfferedDevice> devices;
  bool run_in_parallel = false;
  bool once = false;  // end after one attempt has ended and its end is acknowledged
};

// What an agent works with; all of it must outlive it.
struct AgentParts {
  const Clock& clock;
  Spool& spool;
  Outbox& outbox;
  Connector& connector;
  AttemptStarter& starter;
  ProbeFiles& probes;
  std::mt19937_64& random;
};

// Attaches to the coordinator, obeys its commands, reports what attempts do, and comes back
// whenever the stream ends; attempts go on meanwhile.
//
// One thread runs it; everything else is told to it through an inbox, so that Stop and the events
// may come from any thread.
class Agent : public AttemptEvents {
 public:
  Agent(AgentOptions options, const AgentParts& parts);
  ~Agent() override;

  // Blocks until Stop, the end of the one attempt of `once`, or a refusal that trying again cannot
  // change.
  absl::Status Run();
  // Ends attempts and, after a short time for the last reports, Run. Thread-safe.
  void Stop();

  // One turn of Run: handles what has come and what is due. When the next thing is due; nullopt:
  // Run ends, with result().
  std::optional<std::chrono::steady_clock::time_point> Step();
  const absl::Status& result() const { return result_; }

  // AttemptEvents. Thread-safe.
  void OnReport() override;
  void OnProgress(v1::Progress progress) override;
  void OnAttemptOver(const v1::AttemptRef& attempt) override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  using AttemptKey = std::pair<std::string, int>;
  static AttemptKey KeyOf(const v1::AttemptRef& attempt);
  class Stream;
  // Of a stream: its number tells events of one that was given up.
  struct LinkMessage {
    uint64_t stream;
    v1::CoordinatorMessage message;
  };
  struct LinkClosed {
    uint64_t stream;
    absl::Status status;
  };
  struct AttemptOver {
    AttemptKey key;
  };
  using Event = std::variant<LinkMessage, LinkClosed, AttemptOver>;

  void Push(Event event);
  void HandleInbox();
  void Handle(LinkMessage event);
  void Handle(const LinkClosed& event);
  void Handle(const AttemptOver& event);

  void Connect();
  void SendHello();
  void Disconnect(const std::string& why);
  void SpoolFailed(const absl::Status& status);

  void HandleWelcome(const v1::Welcome& welcome);
  void HandleAck(uint64_t through_seq);
  void HandleStartRun(const v1::StartRun& start);
  void HandleStopRun(const v1::StopRun& stop);
  std::optional<v1::Failure> Accept(const v1::StartRun& start);
  void Answer(const std::string& command_id, const std::optional<v1::Failure>& failure);

  void RunTimers();
  void SendReports();
  void SendHeartbeat();
  void SendProbes();
  void CheckEnd();
  bool IsUnderWay(const v1::AttemptRef& attempt);
  bool IsSettled(const v1::AttemptRef& attempt);
  void Fail(const absl::Status& status);
  TimePoint NextDue() const;

  // Constant after construction.
  const AgentOptions options_;
  const Clock& clock_;
  Spool& spool_;
  Outbox& outbox_;
  Connector& connector_;
  AttemptStarter& starter_;
  ProbeFiles& probes_;

  // Owned by the thread that calls Step.
  Backoff backoff_;
  ReportSender reports_;
  std::unique_ptr<Stream> stream_;
  uint64_t streams_ = 0;
  bool welcome_ = false;
  TimePoint connected_at_;
  TimePoint next_connect_;
  TimePoint next_heartbeat_;
  std::chrono::duration<double> lease_;
  std::chrono::duration<double> heartbeat_;
  std::chrono::duration<double> sampling_{1};
  std::vector<v1::AttemptRef> told_dead_;  // listed as dead in the Hello that is not answered yet
  std::map<AttemptKey, std::unique_ptr<Attempt>> attempts_;
  std::map<AttemptKey, std::string> stop_commands_;  // StopRun's ids, not answered yet
  std::optional<v1::AttemptRef> taken_;              // the first of this life, for `once`
  std::optional<TimePoint> told_away_;  // when that the coordinator is away was said last
  bool disk_works_ = true;              // the outbox has nothing waiting for it
  bool ending_ = false;
  std::optional<TimePoint> flush_until_;
  bool over_ = false;
  absl::Status result_;

  Mutex mu_;
  std::condition_variable_any changed_;
  std::deque<Event> inbox_ ABSL_GUARDED_BY(mu_);
  std::map<AttemptKey, v1::Progress> progress_ ABSL_GUARDED_BY(mu_);  // the newest of each
  bool spool_grew_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace laptime::agent
