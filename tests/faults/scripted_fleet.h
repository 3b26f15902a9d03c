#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/agent_registry.h"
#include "server/coordinator.h"
#include "server/event_hub.h"
#include "server/job_desk.h"
#include "storage/store.h"
#include "tests/faults/invariants.h"
#include "tests/testing/fake_clock.h"
#include "tests/unit/server/fake_link.h"

namespace laptime::faults {

// The real coordinator over the real store, without a port. Lives until the next crash.
class ScriptedCoordinator {
 public:
  static absl::StatusOr<std::unique_ptr<ScriptedCoordinator>> Open(const std::string& path);

  absl::Status Attach(std::shared_ptr<testing::FakeLink> link, const v1::Hello& hello);
  // Sends them without waiting in between; how many of the first were acknowledged, and the error
  // that ended it.
  size_t Take(std::shared_ptr<ReportStream> stream, const std::deque<v1::Report>& reports,
              absl::Status* error);
  void Answer(const std::string& host_id, const v1::CommandResult& result);
  absl::StatusOr<v1::SubmitJobResponse> Submit(const v1::SubmitJobRequest& request) {
    return desk_->Submit(request);
  }
  void Sweep() { coordinator_->Sweep(); }
  // Returns when everything decided so far has been sent.
  void Settle() { store_->Drain(); }

 private:
  ScriptedCoordinator() = default;

  testing::FakeClock clock_;
  EventHub hub_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<AgentRegistry> registry_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<JobDesk> desk_;
};

// An agent that survives everything: what it was told and what it has to report it keeps in
// memory, and tells every life of the coordinator until it is acknowledged. Its trainers finish
// all their epochs at once. It notes for the witness what was acknowledged.
class ScriptedAgent {
 public:
  static constexpr int kEpochs = 3;

  ScriptedAgent();

  // Attaches, reports, submits and obeys until `jobs` more jobs have ended or something fails;
  // then the status of that. kDeadlineExceeded: nothing moves any more.
  absl::Status Work(ScriptedCoordinator& coordinator, int jobs);
  // From now on that share of the answers is lost on its way: done, but kUnavailable for this
  // agent.
  void LoseAnswers(double share, uint64_t seed);
  int64_t answers_lost() const { return answers_lost_; }

  // From now on each try of a submission has a key of its own, as no agent or client should do it.
  void ChangeKeys() { changes_keys_ = true; }

  const Witness& witness() const { return witness_; }
  // After Work that returned OK, which leaves nothing under way.
  Witness CompleteWitness() const {
    Witness witness = witness_;
    witness.complete = witness.all_ended = true;
    return witness;
  }
  int ended() const { return ended_; }
  // How often it was welcomed with more reports than had been acknowledged.
  int unheard() const { return unheard_; }

 private:
  absl::Status Attach(ScriptedCoordinator& coordinator);
  absl::Status Submit(ScriptedCoordinator& coordinator);
  void Obey(ScriptedCoordinator& coordinator);
  absl::Status Report(ScriptedCoordinator& coordinator);
  void Train(const v1::AttemptRef& attempt);
  void Add(v1::Report report);
  void Acknowledged(uint64_t through);
  bool IsAnswerLost();

  v1::Hello hello_;
  Witness witness_;
  std::shared_ptr<testing::FakeLink> link_;
  std::shared_ptr<ReportStream> stream_;
  std::deque<v1::Report> spool_;
  std::map<std::string, v1::AttemptRef> held_;  // "run/number": taken, and its end not acknowledged
  std::map<std::string, v1::AttemptRef> known_;  // ever taken
  size_t obeyed_ = 0;                            // messages of link_
  uint64_t seq_ = 0;
  int submissions_ = 0;  // acknowledged ones
  int ended_ = 0;        // attempts whose end was acknowledged
  std::bernoulli_distribution loses_answer_{0.0};
  std::mt19937_64 random_;
  int64_t answers_lost_ = 0;
  int unheard_ = 0;
  bool changes_keys_ = false;
  int tries_ = 0;  // of submissions
};

// Opens the store as the coordinator's next start does, then judges the file.
Findings JudgeAfterStart(const std::string& path, const Witness& witness);

}  // namespace laptime::faults
