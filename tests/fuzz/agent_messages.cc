// What an agent says, as the coordinator takes it: a list of AgentMessages on one stream, the first
// of which is Hello. Attempts are called "1" (ended) and "2" (under way), see coordinator_parts.h.

#include "server/history/history.h"
#include "server/table/device_table.h"
#include "tests/fuzz/coordinator_parts.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/fuzz/thorough.h"

namespace laptime::fuzz {
namespace {

SeededStore& Seeded() {
  static SeededStore seeded;
  return seeded;
}

// One stream, as AgentSession (server/agent_service.cc) passes it on.
class Stream {
 public:
  explicit Stream(CoordinatorParts& parts) : parts_(parts) {}

  void Take(v1::AgentMessage message) {
    if (reports_ == nullptr) return Hello(*message.mutable_hello());
    Coordinator& coordinator = parts_.coordinator;
    switch (message.message_case()) {
      case v1::AgentMessage::kReport: {
        v1::Report& report = *message.mutable_report();
        *report.mutable_attempt() = Seeded().Real(report.attempt());
        coordinator.Take(reports_, std::move(report), [](const absl::Status&) {});
        break;
      }
      case v1::AgentMessage::kCommandResult: {
        // "1" answers the latest command.
        v1::CommandResult& result = *message.mutable_command_result();
        if (result.command_id() == "1" && !link_->starts.empty())
          result.set_command_id(link_->starts.back().command_id());
        coordinator.Answered(host_id_, result);
        break;
      }
      case v1::AgentMessage::kProgress: {
        v1::Progress& progress = *message.mutable_progress();
        *progress.mutable_attempt() = Seeded().Real(progress.attempt());
        coordinator.Progressed(host_id_, progress);
        break;
      }
      case v1::AgentMessage::kDeviceProbe:
        coordinator.Probed(host_id_, message.device_probe());
        break;
      default:
        parts_.clock.Advance(std::chrono::seconds(20));
        coordinator.Sweep();
    }
  }

 private:
  void Hello(v1::Hello& hello) {
    if (hello.host().id().empty()) return;
    for (v1::HeldAttempt& held : *hello.mutable_attempts())
      *held.mutable_attempt() = Seeded().Real(held.attempt());
    host_id_ = hello.host().id();
    reports_ = std::make_shared<ReportStream>(host_id_, hello.spool_id());
    parts_.coordinator.Attach(link_, hello, [this](const absl::Status& status) {
      if (!status.ok()) reports_ = nullptr;
    });
  }

  CoordinatorParts& parts_;
  std::shared_ptr<StubLink> link_ = std::make_shared<StubLink>();
  std::string host_id_;
  std::shared_ptr<ReportStream> reports_;
};

// What was stored can be read, and says what may be said.
absl::Status LookAt(const storage::Reader& reader, const v1::AttemptRef& attempt) {
  const auto run = reader.FindRun(attempt.run_id());
  Must(run.ok() && v1::RunState_IsValid(run->run.state()) &&
           run->run.state() != v1::RUN_STATE_UNSPECIFIED,
       "a run keeps a state");
  Must(ReadJob(reader, run->run.job_id()).ok(), "the job can be read");
  const auto epochs = reader.Epochs(attempt.run_id(), run->run.attempt());
  Must(epochs.ok(), "laps can be read");
  int last = 0;
  for (const v1::Epoch& epoch : *epochs) {
    Must(epoch.number() > last, "each lap is there once");
    last = epoch.number();
  }
  Must(reader.Log(attempt.run_id(), 1, 0).ok() && reader.Samples(attempt.run_id(), 1).ok(),
       "log and samples can be read");
  return absl::OkStatus();
}

void LookAtAll() {
  SeededStore& seeded = Seeded();
  const auto read = seeded.store.Read([&](const storage::Reader& reader) {
    const absl::Status first = LookAt(reader, seeded.done);
    const absl::Status second = LookAt(reader, seeded.started);
    Must(BuildTable(reader, {}).ok(), "the table can be made");
    Must(BuildHistory(reader, {}, 1).ok(), "the history can be made");
    return first.ok() ? second : first;
  });
  Must(read.ok(), "what was stored can be read: " + std::string(read.message()));
}

}  // namespace
}  // namespace laptime::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  static const laptime::v1::AgentMessage type;
  return laptime::fuzz::MutateMessages(type, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime::fuzz;
  {
    CoordinatorParts parts(Seeded().store);
    Stream stream(parts);
    for (const std::string& bytes : SplitMessages(Input(data, size).Rest())) {
      laptime::v1::AgentMessage message;
      if (message.ParseFromString(bytes)) stream.Take(std::move(message));
    }
    if (Thorough()) LookAtAll();
  }
  Seeded().store.Reset();
  return 0;
}
