#include "tests/load/simulated_agent.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/support/channel.h"
#include "tests/load/messages.h"

namespace laptime::load {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::steady_clock;

// As the real agent's; the coordinator stops reading at 512.
constexpr size_t kMostUnderWay = 256;

double SecondsSince(TimePoint then) { return duration<double>(steady_clock::now() - then).count(); }

int EpochsOf(const std::string& config_json) {
  const auto config = nlohmann::json::parse(config_json, nullptr, /*allow_exceptions=*/false);
  return config.is_object() ? config.value("epochs", 1) : 1;
}

}  // namespace

SimulatedAgent::SimulatedAgent(int number, const AgentScript& script,
                               std::unique_ptr<agent::Connector> connector, FleetCounters& counters,
                               Timers& timers)
    : number_(number),
      script_(script),
      connector_(std::move(connector)),
      counters_(counters),
      timers_(timers),
      random_(static_cast<uint64_t>(number) + 1),
      backoff_(random_),
      wake_at_(TimePoint::max()) {
  MutexLock lock(mu_);
  WakeAt(steady_clock::now());
}

std::vector<MadeAttempt> SimulatedAgent::Attempts() const {
  MutexLock lock(mu_);
  std::vector<MadeAttempt> attempts;
  attempts.reserve(attempts_.size());
  for (const auto& [key, attempt] : attempts_) attempts.push_back(attempt);
  return attempts;
}

std::vector<double> SimulatedAgent::TakeAckSeconds() {
  MutexLock lock(mu_);
  return std::exchange(ack_seconds_, {});
}

std::vector<double> SimulatedAgent::TakeFreeSeconds() {
  MutexLock lock(mu_);
  return std::exchange(free_seconds_, {});
}

void SimulatedAgent::Step(TimePoint due) {
  {
    MutexLock lock(mu_);
    if (due != wake_at_) return;  // an earlier call has come between
    wake_at_ = TimePoint::max();
  }
  CloseStream();
  Connect();
  MutexLock lock(mu_);
  const TimePoint now = steady_clock::now();
  if (welcome_ && now >= next_heartbeat_) {
    v1::AgentMessage message;
    message.mutable_heartbeat();
    Send(std::move(message));
    next_heartbeat_ = now + kHeartbeat;
  }
  Train(now);
  SendReports();
  TimePoint next = TimePoint::max();
  if (welcome_) next = next_heartbeat_;
  if (link_ == nullptr) next = next_connect_;
  if (running_ != nullptr && script_.window == 0 && counters_.producing) {
    next = std::min(next, next_lap_);
  }
  if (next != TimePoint::max()) WakeAt(next);
}

// Without the lock: the end of a stream waits for its last reaction, which takes it.
void SimulatedAgent::CloseStream() {
  std::unique_ptr<agent::CoordinatorLink> gone;
  {
    MutexLock lock(mu_);
    if (!closed_ || link_ == nullptr) return;
    gone = std::move(link_);
    if (welcome_) --counters_.welcomed;
    if (welcome_ && steady_clock::now() - connected_at_ >= kLease) backoff_.Reset();
    welcome_ = false;
    closed_ = false;
    sent_ = 0;
    next_connect_ = steady_clock::now() + backoff_.Next();
  }
}

void SimulatedAgent::Connect() {
  {
    MutexLock lock(mu_);
    if (link_ != nullptr || steady_clock::now() < next_connect_) return;
    closed_ = false;
  }
  auto link = connector_->Connect(*this);
  MutexLock lock(mu_);
  link_ = std::move(link);
  connected_at_ = steady_clock::now();
  Send(Hello());
}

v1::AgentMessage SimulatedAgent::Hello() const {
  v1::AgentMessage message = HelloOf(number_);
  v1::Hello& hello = *message.mutable_hello();
  hello.set_next_seq(next_seq_);
  for (const auto& [key, attempt] : attempts_) {
    const bool end_spooled =
        attempt.ended && std::ranges::any_of(spool_, [&run = key.first](const Waiting& one) {
          return one.report.attempt().run_id() == run;
        });
    if (attempt.ended && !end_spooled) continue;
    v1::HeldAttempt& held = *hello.add_attempts();
    *held.mutable_attempt() = attempt.ref;
    held.set_alive(true);
  }
  return message;
}

void SimulatedAgent::OnMessage(v1::CoordinatorMessage message) {
  MutexLock lock(mu_);
  switch (message.message_case()) {
    case v1::CoordinatorMessage::kWelcome:
      Welcomed(message.welcome());
      break;
    case v1::CoordinatorMessage::kStartRun:
      Start(message.start_run());
      break;
    case v1::CoordinatorMessage::kStopRun:
      Stop(message.stop_run());
      break;
    case v1::CoordinatorMessage::kReportAck:
      Acknowledged(message.report_ack().through_seq());
      break;
    default:
      return;
  }
  if (script_.window > 0) Train(steady_clock::now());
  SendReports();
}

void SimulatedAgent::OnClosed(absl::Status /*status*/) {
  MutexLock lock(mu_);
  closed_ = true;
  ++counters_.closed;
  WakeAt(steady_clock::now());
}

void SimulatedAgent::Welcomed(const v1::Welcome& welcome) {
  welcome_ = true;
  ++counters_.welcomed;
  sent_ = 0;
  Acknowledged(welcome.acked_seq());
  next_heartbeat_ = steady_clock::now() + kHeartbeat;
  WakeAt(next_heartbeat_);
}

void SimulatedAgent::Start(const v1::StartRun& start) {
  Answer(start.command_id());
  const AttemptKey key{start.attempt().run_id(), start.attempt().number()};
  if (const auto known = attempts_.find(key); known != attempts_.end()) return;
  if (free_since_ != TimePoint()) free_seconds_.push_back(SecondsSince(free_since_));
  free_since_ = TimePoint();
  MadeAttempt& attempt = attempts_[key];
  attempt.ref = start.attempt();
  attempt.epochs = EpochsOf(start.config_json());
  if (script_.mistake == Mistake::kStartTwice && !std::exchange(mistake_made_, true)) {
    ++attempt.starts;
  }
  running_ = &attempt;
  ++counters_.running;
  next_lap_ = NextLap(steady_clock::now());
  WakeAt(next_lap_);
  v1::Report report;
  *report.mutable_started() = StartedOf(attempt.epochs);
  Spool(std::move(report), attempt.ref);
}

void SimulatedAgent::Stop(const v1::StopRun& stop) {
  Answer(stop.command_id());
  if (running_ == nullptr || running_->ref.run_id() != stop.attempt().run_id()) return;
  running_->ended = true;
  v1::Report report;
  report.mutable_stopped();
  Spool(std::move(report), running_->ref);
  running_ = nullptr;
  --counters_.running;
}

void SimulatedAgent::Answer(const std::string& command_id) {
  v1::AgentMessage message;
  message.mutable_command_result()->set_command_id(command_id);
  message.mutable_command_result()->set_accepted(true);
  Send(std::move(message));
}

void SimulatedAgent::Acknowledged(uint64_t through) {
  while (!spool_.empty() && spool_.front().report.seq() <= through) {
    ack_seconds_.push_back(SecondsSince(spool_.front().made));
    spool_.pop_front();
    if (sent_ > 0) --sent_;
    ++counters_.acknowledged;
    --counters_.waiting;
  }
}

void SimulatedAgent::Train(TimePoint now) {
  if (running_ == nullptr || !counters_.producing) return;
  if (script_.window > 0) {
    while (running_ != nullptr && spool_.size() < static_cast<size_t>(script_.window)) {
      MakeReport(*running_);
    }
    return;
  }
  while (running_ != nullptr && now >= next_lap_) {
    next_lap_ = NextLap(next_lap_);
    MakeReport(*running_);
  }
}

void SimulatedAgent::MakeReport(MadeAttempt& attempt) {
  v1::Report report;
  switch (script_.reports) {
    case Reports::kEpochs:
      return MakeLap(attempt);
    case Reports::kSamples:
      *report.mutable_samples() = NextSamples();
      break;
    case Reports::kLog:
      report.mutable_log_chunk()->set_offset(sample_time_ms_);
      report.mutable_log_chunk()->set_text("step 100 of 390, loss 4.2\n");
      sample_time_ms_ += 26;
      break;
  }
  Spool(std::move(report), attempt.ref);
}

void SimulatedAgent::MakeLap(MadeAttempt& attempt) {
  const int number = static_cast<int>(attempt.wall_seconds.size()) + 1;
  // No two laps of all agents are alike, so that a wrong one in the database is told.
  const double seconds = 1 + number_ + 1e-9 * static_cast<double>(next_seq_);
  attempt.wall_seconds.push_back(seconds);
  v1::Report report;
  *report.mutable_epoch_finished() = LapOf(number, seconds);
  const bool faulty = script_.mistake != Mistake::kNone && !mistake_made_ && number == 1;
  if (faulty && script_.mistake == Mistake::kDrop) {
    mistake_made_ = true;
    ++next_seq_;
  } else {
    Spool(report, attempt.ref);
  }
  if (faulty && script_.mistake == Mistake::kDouble) {
    mistake_made_ = true;
    report.mutable_epoch_finished()->set_number(attempt.epochs + number);
    Spool(std::move(report), attempt.ref);
  }
  if (number == attempt.epochs) Finish(attempt);
}

void SimulatedAgent::Finish(MadeAttempt& attempt) {
  v1::Report report;
  *report.mutable_finished() = FinishedOf(attempt.epochs);
  attempt.ended = true;
  Spool(std::move(report), attempt.ref);
  running_ = nullptr;
  --counters_.running;
  ++counters_.ended;
  free_since_ = steady_clock::now();
}

v1::SampleBatch SimulatedAgent::NextSamples() {
  const int sensors = std::min(kSimulatedSensors, script_.samples_per_report);
  const int times = script_.samples_per_report / sensors;
  v1::SampleBatch batch = SamplesOf(sample_time_ms_, times, sensors);
  sample_time_ms_ += 1000 * times;
  counters_.samples += static_cast<int64_t>(times) * sensors;
  return batch;
}

void SimulatedAgent::Spool(v1::Report report, const v1::AttemptRef& attempt) {
  report.set_seq(next_seq_++);
  *report.mutable_attempt() = attempt;
  spool_.push_back({std::move(report), steady_clock::now()});
  ++counters_.waiting;
}

void SimulatedAgent::SendReports() {
  if (!welcome_ || link_ == nullptr || closed_) return;
  while (sent_ < spool_.size() && sent_ < kMostUnderWay) {
    v1::AgentMessage message;
    *message.mutable_report() = spool_[sent_].report;
    if (!link_->Send(std::move(message))) return;
    ++sent_;
  }
}

void SimulatedAgent::Send(v1::AgentMessage message) {
  if (link_ != nullptr) link_->Send(std::move(message));
}

void SimulatedAgent::WakeAt(TimePoint due) {
  if (due >= wake_at_) return;
  wake_at_ = due;
  timers_.At(due, *this);
}

TimePoint SimulatedAgent::NextLap(TimePoint from) {
  std::uniform_real_distribution<double> draw(script_.least_lap_seconds, script_.most_lap_seconds);
  return from + duration_cast<steady_clock::duration>(duration<double>(draw(random_)));
}

}  // namespace laptime::load
