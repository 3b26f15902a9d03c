#include "tests/faults/scripted_fleet.h"

#include <future>

#include "proto/support/status.h"

namespace laptime::faults {
namespace {

std::string NameOf(const v1::AttemptRef& attempt) {
  return attempt.run_id() + "/" + std::to_string(attempt.number());
}

// What is due comes within two.
constexpr int kMostIdleTurns = 10;

bool IsEnd(const v1::Report& report) { return report.has_finished(); }

}  // namespace

absl::StatusOr<std::unique_ptr<ScriptedCoordinator>> ScriptedCoordinator::Open(
    const std::string& path) {
  auto store = storage::Store::Open(
      {.path = path, .group_delay = std::chrono::milliseconds(0), .readers = 1});
  if (!store.ok()) return store.status();
  std::unique_ptr<ScriptedCoordinator> made(new ScriptedCoordinator());
  made->store_ = *std::move(store);
  made->registry_ = std::make_unique<AgentRegistry>(made->clock_, std::chrono::seconds(15));
  made->coordinator_ = std::make_unique<Coordinator>(*made->store_, *made->registry_, made->hub_,
                                                     made->clock_, CoordinatorOptions{});
  made->desk_ =
      std::make_unique<JobDesk>(*made->coordinator_, *made->store_, *made->registry_, made->clock_);
  return made;
}

absl::Status ScriptedCoordinator::Attach(std::shared_ptr<testing::FakeLink> link,
                                         const v1::Hello& hello) {
  std::promise<absl::Status> outcome;
  coordinator_->Attach(std::move(link), hello,
                       [&](const absl::Status& status) { outcome.set_value(status); });
  absl::Status status = outcome.get_future().get();
  Settle();
  return status;
}

size_t ScriptedCoordinator::Take(std::shared_ptr<ReportStream> stream,
                                 const std::deque<v1::Report>& reports, absl::Status* error) {
  std::vector<std::promise<absl::Status>> outcomes(reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    coordinator_->Take(stream, reports[i], [&outcomes, i](const absl::Status& status) {
      outcomes[i].set_value(status);
    });
  }
  size_t taken = 0;
  for (std::promise<absl::Status>& outcome : outcomes) {
    const absl::Status status = outcome.get_future().get();
    if (error->ok()) *error = status;
    if (error->ok()) ++taken;
  }
  Settle();
  return taken;
}

void ScriptedCoordinator::Answer(const std::string& host_id, const v1::CommandResult& result) {
  coordinator_->Answered(host_id, result);
  Settle();
}

ScriptedAgent::ScriptedAgent() {
  hello_.set_protocol(1);
  hello_.mutable_host()->set_id("id-box");
  hello_.mutable_host()->set_name("box");
  hello_.set_spool_id("spool-box");
  v1::Device& device = *hello_.add_devices();
  device.set_name("cpu");
  device.set_kind(v1::DEVICE_KIND_CPU);
  device.set_model("a chip");
  device.set_address("cpu");
}

absl::Status ScriptedAgent::Work(ScriptedCoordinator& coordinator, int jobs) {
  LAPTIME_RETURN_IF_ERROR(Attach(coordinator));
  int idle = 0;
  // A job may run and end although the answer to its submission was lost.
  const auto owes_answer = [this] { return !changes_keys_ && submissions_ < ended_; };
  for (const int enough = ended_ + jobs; ended_ < enough || owes_answer();) {
    const int ended = ended_;
    Obey(coordinator);
    LAPTIME_RETURN_IF_ERROR(Report(coordinator));
    if (link_->closed()) return absl::UnavailableError("the coordinator ended the stream");
    if (owes_answer() || (submissions_ <= ended_ && ended_ < enough))
      LAPTIME_RETURN_IF_ERROR(Submit(coordinator));
    // What a failed look for work left lying.
    if (ended_ == ended) coordinator.Sweep();
    coordinator.Settle();
    idle = ended_ == ended ? idle + 1 : 0;
    if (idle > kMostIdleTurns) return absl::DeadlineExceededError("nothing moves any more");
  }
  return absl::OkStatus();
}

absl::Status ScriptedAgent::Attach(ScriptedCoordinator& coordinator) {
  link_ = std::make_shared<testing::FakeLink>();
  stream_ = std::make_shared<ReportStream>("id-box", "spool-box");
  obeyed_ = 0;
  hello_.set_next_seq(seq_ + 1);
  hello_.clear_attempts();
  for (const auto& [name, attempt] : held_) {
    v1::HeldAttempt& held = *hello_.add_attempts();
    *held.mutable_attempt() = attempt;
    held.set_alive(true);
  }
  LAPTIME_RETURN_IF_ERROR(coordinator.Attach(link_, hello_));
  for (const v1::CoordinatorMessage& message : link_->sent()) {
    if (!spool_.empty() && message.welcome().acked_seq() >= spool_.front().seq()) ++unheard_;
  }
  return absl::OkStatus();
}

absl::Status ScriptedAgent::Submit(ScriptedCoordinator& coordinator) {
  v1::SubmitJobRequest request;
  request.set_workload("simclr-synthetic-cifar10");
  request.add_selectors("box/cpu");
  (*request.mutable_settings())["epochs"] = std::to_string(kEpochs);
  // The same until it is acknowledged: whoever asks again must not get two.
  ++tries_;
  request.set_idempotency_key("submission " +
                              std::to_string(changes_keys_ ? tries_ : submissions_));
  const auto submitted = coordinator.Submit(request);
  if (!submitted.ok()) return submitted.status();
  if (IsAnswerLost()) return absl::UnavailableError("the answer is lost");
  ++submissions_;
  for (const v1::Run& run : submitted->runs()) witness_.runs.insert(run.id());
  coordinator.Settle();
  return absl::OkStatus();
}

void ScriptedAgent::Obey(ScriptedCoordinator& coordinator) {
  const std::vector<v1::CoordinatorMessage> messages = link_->sent();
  for (; obeyed_ < messages.size(); ++obeyed_) {
    const v1::CoordinatorMessage& message = messages[obeyed_];
    if (message.has_welcome()) Acknowledged(message.welcome().acked_seq());
    v1::CommandResult result;
    result.set_accepted(true);
    if (message.has_start_run()) {
      result.set_command_id(message.start_run().command_id());
      const v1::AttemptRef& attempt = message.start_run().attempt();
      if (known_.emplace(NameOf(attempt), attempt).second) Train(attempt);
    } else if (message.has_stop_run()) {
      result.set_command_id(message.stop_run().command_id());  // it has ended by itself
    } else {
      continue;
    }
    coordinator.Answer("id-box", result);
  }
}

absl::Status ScriptedAgent::Report(ScriptedCoordinator& coordinator) {
  absl::Status error;
  const size_t taken = coordinator.Take(stream_, spool_, &error);
  if (taken > 0 && IsAnswerLost()) return absl::UnavailableError("the answer is lost");
  if (taken > 0) Acknowledged(spool_[taken - 1].seq());
  return error;
}

void ScriptedAgent::Train(const v1::AttemptRef& attempt) {
  held_[NameOf(attempt)] = attempt;
  v1::Report report;
  *report.mutable_attempt() = attempt;
  report.mutable_started()->set_snapshot_json(R"({"dataset":{"name":"synthetic"}})");
  report.mutable_started()->set_started_unix_ms(1000);
  Add(report);
  for (int number = 1; number <= kEpochs; ++number) {
    report.mutable_epoch_finished()->set_number(number);
    report.mutable_epoch_finished()->set_wall_seconds(0.5);
    Add(report);
    v1::SampleSeries& series = *report.mutable_samples()->add_series();
    series.mutable_sensor()->set_name("cpu.utilization");
    series.mutable_sensor()->set_unit("%");
    for (int i = 0; i < 20; ++i) {
      series.add_times_ms(number * 1000 + i);
      series.add_values(50);
    }
    Add(report);
    report.mutable_log_chunk()->set_offset((number - 1) * 100);
    report.mutable_log_chunk()->set_text(std::string(100, 'x'));
    Add(report);
  }
  report.mutable_finished()->mutable_trainer()->set_epochs(kEpochs);
  report.mutable_finished()->set_ended_unix_ms(2000);
  Add(report);
}

void ScriptedAgent::Add(v1::Report report) {
  report.set_seq(++seq_);
  spool_.push_back(std::move(report));
}

void ScriptedAgent::LoseAnswers(double share, uint64_t seed) {
  loses_answer_ = std::bernoulli_distribution(share);
  random_.seed(seed);
}

bool ScriptedAgent::IsAnswerLost() {
  if (!loses_answer_(random_)) return false;
  ++answers_lost_;
  return true;
}

void ScriptedAgent::Acknowledged(uint64_t through) {
  while (!spool_.empty() && spool_.front().seq() <= through) {
    const v1::Report& report = spool_.front();
    const v1::AttemptRef& attempt = report.attempt();
    if (report.has_epoch_finished()) {
      witness_.epochs.insert(
          {attempt.run_id(), attempt.number(), report.epoch_finished().number()});
    }
    if (IsEnd(report)) {
      held_.erase(NameOf(attempt));
      ++ended_;
    }
    spool_.pop_front();
  }
  witness_.acknowledged[{"id-box", "spool-box"}] =
      std::max(through, witness_.acknowledged[{"id-box", "spool-box"}]);
}

Findings JudgeAfterStart(const std::string& path, const Witness& witness) {
  const absl::Status started = storage::Store::Open({.path = path, .readers = 1}).status();
  if (started.ok()) return CheckInvariants(path, witness);
  Findings findings;
  findings.lost = 1 + static_cast<int>(witness.epochs.size());
  findings.complaints.push_back(started.ToString());
  return findings;
}

}  // namespace laptime::faults
