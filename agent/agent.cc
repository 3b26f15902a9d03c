#include "agent/agent.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/attempt_end.h"
#include "agent/state_dir.h"
#include "proto/support/channel.h"
#include "proto/support/log.h"
#include "proto/support/nearest.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::steady_clock;

// Between two tries of a disk that refused reports.
constexpr std::chrono::seconds kDiskRetry{1};

steady_clock::duration Ticks(duration<double> time) {
  return duration_cast<steady_clock::duration>(time);
}

// Numbers from outside, kept where they make sense; 0 = not told.
duration<double> Sane(double seconds, double least, double most, duration<double> otherwise) {
  if (!(seconds > 0)) return otherwise;
  return duration<double>(std::clamp(seconds, least, most));
}

// Trying again cannot change these.
bool IsFinal(absl::StatusCode code) {
  return code == absl::StatusCode::kUnauthenticated ||
         code == absl::StatusCode::kPermissionDenied ||
         code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kUnimplemented ||
         code == absl::StatusCode::kAlreadyExists;
}

std::string HintFor(absl::StatusCode code, const std::string& server) {
  switch (code) {
    case absl::StatusCode::kAlreadyExists:
      return "--name gives this agent another name";
    case absl::StatusCode::kUnimplemented:
      return "is " + server + " a laptime-server, of this version?";
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "the coordinator takes only agents it trusts";
    default:
      return "agent and coordinator should be of one version";
  }
}

}  // namespace

Agent::AttemptKey Agent::KeyOf(const v1::AttemptRef& attempt) {
  return {attempt.run_id(), attempt.number()};
}

// One connection and where its events go.
class Agent::Stream : public LinkEvents {
 public:
  Stream(Agent& agent, uint64_t number) : agent_(agent), number_(number) {}
  void Open(Connector& connector) { link_ = connector.Connect(*this); }

  uint64_t number() const { return number_; }
  CoordinatorLink& link() { return *link_; }

  void OnMessage(v1::CoordinatorMessage message) override {
    agent_.Push(LinkMessage{number_, std::move(message)});
  }
  void OnClosed(absl::Status status) override {
    agent_.Push(LinkClosed{number_, std::move(status)});
  }

 private:
  Agent& agent_;
  const uint64_t number_;
  std::unique_ptr<CoordinatorLink> link_;
};

Agent::Agent(AgentOptions options, const AgentParts& parts)
    : options_(std::move(options)),
      clock_(parts.clock),
      spool_(parts.spool),
      outbox_(parts.outbox),
      connector_(parts.connector),
      starter_(parts.starter),
      probes_(parts.probes),
      backoff_(parts.random),
      reports_(spool_),
      connected_at_(clock_.Now()),
      next_connect_(clock_.Now()),
      next_heartbeat_(clock_.Now()),
      lease_(kLease),
      heartbeat_(kHeartbeat) {}

Agent::~Agent() {
  // Attempts first: they tell this object of their end. All at once: each may take a while.
  for (auto& [key, attempt] : attempts_) attempt->Stop(StopCause::kAgentStopping);
  attempts_.clear();
  stream_.reset();
}

absl::Status Agent::Run() {
  for (auto due = Step(); due; due = Step()) {
    MutexLock lock(mu_);
    changed_.wait_until(mu_, *due, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return !inbox_.empty() || !progress_.empty() || spool_grew_ || (stop_ && !ending_);
    });
  }
  return result_;
}

void Agent::Stop() {
  MutexLock lock(mu_);
  stop_ = true;
  changed_.notify_all();
}

void Agent::OnReport() {
  MutexLock lock(mu_);
  spool_grew_ = true;
  changed_.notify_all();
}

void Agent::OnProgress(v1::Progress progress) {
  MutexLock lock(mu_);
  const AttemptKey key = KeyOf(progress.attempt());
  progress_[key] = std::move(progress);
  changed_.notify_all();
}

void Agent::OnAttemptOver(const v1::AttemptRef& attempt) { Push(AttemptOver{KeyOf(attempt)}); }

void Agent::Push(Event event) {
  MutexLock lock(mu_);
  inbox_.push_back(std::move(event));
  changed_.notify_all();
}

std::optional<Agent::TimePoint> Agent::Step() {
  HandleInbox();
  RunTimers();
  CheckEnd();
  if (over_) {
    stream_.reset();
    return std::nullopt;
  }
  return NextDue();
}

void Agent::HandleInbox() {
  std::deque<Event> events;
  std::map<AttemptKey, v1::Progress> progress;
  bool stop = false;
  {
    MutexLock lock(mu_);
    events.swap(inbox_);
    progress.swap(progress_);
    spool_grew_ = false;
    stop = stop_;
  }
  for (Event& event : events) {
    std::visit([this](auto& one) { Handle(std::move(one)); }, event);
  }
  for (auto& [key, one] : progress) {
    if (!welcome_) break;
    v1::AgentMessage message;
    *message.mutable_progress() = std::move(one);
    stream_->link().Send(std::move(message));
  }
  if (stop && !ending_) {
    spdlog::info("stopping");
    ending_ = true;
    for (auto& [key, attempt] : attempts_) attempt->Stop(StopCause::kAgentStopping);
  }
}

void Agent::Handle(LinkMessage event) {
  if (!stream_ || event.stream != stream_->number()) return;
  using Message = v1::CoordinatorMessage;
  const Message& message = event.message;
  if (!welcome_ && !message.has_welcome() && !message.has_goodbye()) {
    return Disconnect("the first message was no Welcome");
  }
  switch (message.message_case()) {
    case Message::kWelcome:
      return HandleWelcome(message.welcome());
    case Message::kStartRun:
      return HandleStartRun(message.start_run());
    case Message::kStopRun:
      return HandleStopRun(message.stop_run());
    case Message::kReportAck:
      return HandleAck(message.report_ack().through_seq());
    case Message::kDrain:
      return spdlog::info("device {} is {}", Printable(message.drain().device()),
                          message.drain().drained() ? "drained" : "taking runs again");
    case Message::kGoodbye:
      return Disconnect("the coordinator said goodbye: " + Printable(message.goodbye().reason()));
    default:
      return;  // something newer
  }
}

void Agent::Handle(const LinkClosed& event) {
  if (!stream_ || event.stream != stream_->number()) return;
  if (IsFinal(event.status.code())) {
    const std::string hint = Printable(HintOf(event.status));
    return Fail(WithHint(event.status.code(),
                         "coordinator at " + options_.server +
                             " refuses this agent: " + Printable(MessageOf(event.status)),
                         hint.empty() ? HintFor(event.status.code(), options_.server) : hint));
  }
  Disconnect(event.status.ok() ? "the coordinator ended the stream"
                               : Printable(MessageOf(event.status)));
}

void Agent::Handle(const AttemptOver& event) {
  attempts_.erase(event.key);  // waits for a thread that is about to end
  const auto stop = stop_commands_.extract(event.key);
  if (!stop.empty() && welcome_) Answer(stop.mapped(), std::nullopt);
}

void Agent::Connect() {
  connected_at_ = clock_.Now();
  stream_ = std::make_unique<Stream>(*this, ++streams_);
  stream_->Open(connector_);
  SendHello();
}

void Agent::SendHello() {
  auto held = spool_.OpenAttempts();
  auto next_seq = spool_.NextSeq();
  if (!held.ok()) return SpoolFailed(held.status());
  if (!next_seq.ok()) return SpoolFailed(next_seq.status());
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(kProtocolVersion);
  *hello.mutable_host() = options_.host;
  for (const OfferedDevice& offered : options_.devices) *hello.add_devices() = offered.device;
  told_dead_.clear();
  for (const RecordedAttempt& recorded : *held) {
    const v1::AttemptRef& attempt = recorded.start.attempt();
    const bool alive = recorded.state == RecordedAttempt::State::kEndSpooled || IsUnderWay(attempt);
    v1::HeldAttempt& listed = *hello.add_attempts();
    *listed.mutable_attempt() = attempt;
    listed.set_alive(alive);
    listed.set_end_seq(recorded.end_seq);
    if (!alive) told_dead_.push_back(attempt);
  }
  hello.set_spool_id(spool_.id());
  hello.set_next_seq(*next_seq);
  hello.set_run_in_parallel(options_.run_in_parallel);
  stream_->link().Send(std::move(message));
}

void Agent::Disconnect(const std::string& why) {
  const auto now = clock_.Now();
  if (welcome_) {
    spdlog::warn("lost the coordinator at {}: {}; attempts go on", options_.server, why);
  } else if (!told_away_ || now - *told_away_ >= kAwayReminder) {
    spdlog::warn("cannot reach the coordinator at {}: {}; trying again{}", options_.server, why,
                 options_.joined ? ""
                                 : " (after `laptime-server init` it wants certificates: "
                                   "`laptime-agent join` gets one)");
    told_away_ = now;
  }
  if (welcome_ && now - connected_at_ >= lease_) backoff_.Reset();
  welcome_ = false;
  stop_commands_.clear();  // asked again by whoever still wants to know
  stream_.reset();
  next_connect_ = now + backoff_.Next();
}

// A spool that only refuses may recover. One that turns out to be damaged is healed at the start.
void Agent::SpoolFailed(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kDataLoss)
    return Disconnect("this agent's spool failed: " + MessageOf(status));
  Fail(WithHint(absl::StatusCode::kDataLoss, "the spool is damaged: " + MessageOf(status),
                "start the agent again: it keeps the damaged file and begins a new one"));
}

void Agent::HandleWelcome(const v1::Welcome& welcome) {
  if (welcome_) return Disconnect("a second Welcome on one stream");
  // The first version did not say.
  const int protocol = std::max(1, welcome.protocol());
  if (protocol > kProtocolVersion || !CommonProtocol(protocol)) {
    return Fail(WithHint(absl::StatusCode::kInvalidArgument,
                         "coordinator at " + options_.server + " speaks protocol " +
                             std::to_string(protocol) + ", this agent " +
                             std::to_string(kProtocolVersion),
                         "they may be one apart, no more: install the same version of laptime on "
                         "both"));
  }
  if (welcome.acked_seq() >= kMaxReportSeq) {
    const std::string why = "it says that it has report " + std::to_string(welcome.acked_seq()) +
                            ", which leaves this agent no number";
    spdlog::error("{}: {}", options_.server, why);
    return Disconnect(why);
  }
  lease_ = Sane(welcome.lease_seconds(), 0.1, 3600, kLease);
  heartbeat_ = Sane(welcome.heartbeat_seconds(), 0.05, 600, kHeartbeat);
  sampling_ = Sane(welcome.sampling_seconds(), 0.1, 3600, std::chrono::seconds(1));
  welcome_ = true;
  told_away_.reset();
  next_heartbeat_ = clock_.Now() + Ticks(heartbeat_);
  spdlog::info("attached to {} ({}) as {}", options_.server, Printable(welcome.server_version()),
               options_.host.name());
  // The coordinator has ended them with this Hello; not listing them again says the same.
  for (const v1::AttemptRef& attempt : told_dead_) {
    if (absl::Status status = spool_.MarkDead(attempt); !status.ok())
      spdlog::error("{}", MessageOf(status));
  }
  told_dead_.clear();
  if (absl::Status status = reports_.Begin(welcome.acked_seq()); !status.ok())
    return SpoolFailed(status);
  SendReports();
  probes_.Forget();
  SendProbes();
}

void Agent::HandleAck(uint64_t through_seq) {
  if (absl::Status status = reports_.Acknowledged(through_seq); !status.ok())
    return SpoolFailed(status);
  SendReports();
}

void Agent::HandleStartRun(const v1::StartRun& start) {
  // Unanswered it stays with the coordinator, which sends it again to the agent's next life.
  const bool another = taken_ && KeyOf(*taken_) != KeyOf(start.attempt());
  if (ending_ || (options_.once && another)) return;
  const auto failure = Accept(start);
  if (failure) {
    spdlog::warn("run {} is refused: {}", Printable(start.attempt().run_id()),
                 Printable(failure->message()));
  }
  Answer(start.command_id(), failure);
}

// Why the attempt cannot be taken; nullopt: it is under way, or was before.
std::optional<v1::Failure> Agent::Accept(const v1::StartRun& start) {
  const v1::AttemptRef& attempt = start.attempt();
  if (!IsSafeName(attempt.run_id()) || attempt.number() < 1) {
    return NewFailure(v1::FAILURE_CAUSE_SETUP, "the run's id or attempt number is impossible");
  }
  auto known = spool_.Find(attempt);
  if (!known.ok()) return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, MessageOf(known.status()));
  if (*known) {
    if ((*known)->start.attempt().fencing_token() != attempt.fencing_token()) {
      return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE,
                        "this agent has had another attempt of that number, as where the "
                        "coordinator's database is a restored backup");
    }
    const bool lost = (*known)->state == RecordedAttempt::State::kDead ||
                      ((*known)->state == RecordedAttempt::State::kOpen && !IsUnderWay(attempt));
    if (lost)
      return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, "the agent died during this attempt");
    if ((*known)->state != RecordedAttempt::State::kEnded) return std::nullopt;
    // Silence would leave the run waiting for ever: its reports are not here any more.
    return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE,
                      "this attempt has ended, and its reports were acknowledged: the coordinator "
                      "has forgotten them, as after a restored backup");
  }
  auto token = spool_.HighestToken(attempt.run_id());
  if (token.ok() && *token >= attempt.fencing_token()) {
    return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE,
                      "this agent has had a newer attempt of the run");
  }
  const auto device = std::ranges::find_if(options_.devices, [&](const OfferedDevice& offered) {
    return offered.device.name() == start.device();
  });
  if (device == options_.devices.end()) {
    std::vector<std::string> names;
    for (const OfferedDevice& offered : options_.devices) names.push_back(offered.device.name());
    const auto nearest = Nearest(start.device(), names);
    return NewFailure(
        v1::FAILURE_CAUSE_SETUP, "this host has no device '" + start.device() + "'",
        nearest ? "did you mean '" + *nearest + "'?" : "laptime device list shows what there is");
  }
  if (!nlohmann::json::parse(start.config_json(), nullptr, /*allow_exceptions=*/false)
           .is_object()) {
    return NewFailure(v1::FAILURE_CAUSE_SETUP, "the run's configuration is no JSON object");
  }
  if (absl::Status status = spool_.Record(start); !status.ok()) {
    return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, MessageOf(status));
  }
  auto begun = starter_.Start(start, *device, sampling_, *this);
  if (begun == nullptr) {
    spool_.MarkDead(attempt).IgnoreError();
    return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE,
                      "the agent has no resources to start an attempt");
  }
  attempts_[KeyOf(attempt)] = std::move(begun);
  if (!taken_) taken_ = attempt;
  return std::nullopt;
}

void Agent::HandleStopRun(const v1::StopRun& stop) {
  const auto found = attempts_.find(KeyOf(stop.attempt()));
  if (found != attempts_.end()) {
    spdlog::info("run {}: stopping: {}", Printable(stop.attempt().run_id()),
                 Printable(stop.reason()));
    found->second->Stop(StopCause::kStopRun);
    stop_commands_[found->first] = stop.command_id();  // answered once it is over
    return;
  }
  Answer(stop.command_id(), std::nullopt);
}

void Agent::Answer(const std::string& command_id, const std::optional<v1::Failure>& failure) {
  v1::AgentMessage message;
  v1::CommandResult& result = *message.mutable_command_result();
  result.set_command_id(command_id);
  result.set_accepted(!failure);
  if (failure) *result.mutable_failure() = *failure;
  stream_->link().Send(std::move(message));
}

void Agent::RunTimers() {
  if (over_) return;
  const auto now = clock_.Now();
  disk_works_ = outbox_.Retry();
  const bool flush_over = flush_until_ && now >= *flush_until_;
  if (!stream_ && now >= next_connect_ && !flush_over) Connect();
  if (stream_ && !welcome_ && now - connected_at_ >= kWelcomeTime) Disconnect("it does not answer");
  if (!welcome_) return;
  if (now >= next_heartbeat_) SendHeartbeat();
  if (welcome_) SendReports();
}

void Agent::SendReports() {
  if (absl::Status status = reports_.Pump(stream_->link()); !status.ok()) SpoolFailed(status);
}

void Agent::SendHeartbeat() {
  next_heartbeat_ = clock_.Now() + Ticks(heartbeat_);
  v1::AgentMessage message;
  message.mutable_heartbeat();
  if (!stream_->link().Send(std::move(message))) return Disconnect("it does not read");
  SendProbes();
}

void Agent::SendProbes() {
  if (!welcome_) return;
  for (v1::DeviceProbe& probe : probes_.TakeNew()) {
    v1::AgentMessage message;
    *message.mutable_device_probe() = std::move(probe);
    stream_->link().Send(std::move(message));
  }
}

void Agent::CheckEnd() {
  if (over_) return;
  if (options_.once && taken_ && attempts_.empty() && IsSettled(*taken_)) {
    over_ = true;
    return;
  }
  if (!ending_ || !attempts_.empty()) return;
  const auto now = clock_.Now();
  if (!flush_until_) flush_until_ = now + kFlushTime;
  const auto waiting = spool_.ReadFrom(0, /*limit=*/1);
  over_ = now >= *flush_until_ || (disk_works_ && (!waiting.ok() || waiting->empty()));
}

// Somebody executes it, or its end waits to be sent. In this order: an end moves from the outbox
// into the spool at any time, never back.
bool Agent::IsUnderWay(const v1::AttemptRef& attempt) {
  if (attempts_.contains(KeyOf(attempt)) || outbox_.HoldsEndOf(attempt)) return true;
  const auto known = spool_.Find(attempt);
  return known.ok() && *known && (*known)->state == RecordedAttempt::State::kEndSpooled;
}

// Its end is acknowledged, or it never will have one.
bool Agent::IsSettled(const v1::AttemptRef& attempt) {
  const auto known = spool_.Find(attempt);
  return known.ok() && (!*known || (*known)->state >= RecordedAttempt::State::kEnded);
}

void Agent::Fail(const absl::Status& status) {
  result_ = status;
  over_ = true;
}

Agent::TimePoint Agent::NextDue() const {
  TimePoint due = clock_.Now() + std::chrono::hours(1);
  if (flush_until_) due = std::min(due, *flush_until_);
  if (!disk_works_) due = std::min(due, clock_.Now() + kDiskRetry);
  if (!stream_) return std::min(due, next_connect_);
  return std::min(due, welcome_ ? next_heartbeat_ : connected_at_ + kWelcomeTime);
}

}  // namespace laptime::agent
