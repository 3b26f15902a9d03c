// What a coordinator says, as the agent obeys it: a list of CoordinatorMessages on one stream. The
// agent's spool is a real one in memory; attempts are started by a stub that notes what for.

#include <spdlog/spdlog.h>

#include "agent/agent.h"
#include "agent/state_dir.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/testing/fake_clock.h"

namespace laptime::fuzz {
namespace {

using agent::AttemptEvents;
using agent::CoordinatorLink;

// The coordinator's end: what the agent says is checked for one answer a command, at most.
class StubCoordinator : public agent::Connector {
 public:
  std::unique_ptr<CoordinatorLink> Connect(agent::LinkEvents& events) override {
    events_ = &events;
    return std::make_unique<Link>(*this);
  }
  // False while the agent has no stream.
  bool Say(v1::CoordinatorMessage message) {
    if (events_ == nullptr) return false;
    events_->OnMessage(std::move(message));
    return true;
  }

 private:
  class Link : public CoordinatorLink {
   public:
    explicit Link(StubCoordinator& owner) : owner_(owner) {}
    ~Link() override { owner_.events_ = nullptr; }
    bool Send(v1::AgentMessage message) override {
      std::string bytes;
      // What is sent must be fit for the wire, or the stream would end for good.
      Must(message.SerializeToString(&bytes) && v1::AgentMessage().ParseFromString(bytes),
           "what the agent says can be read");
      return true;
    }

   private:
    StubCoordinator& owner_;
  };

  agent::LinkEvents* events_ = nullptr;
};

// Attempts that stop at once when they are told to.
class StubStarter : public agent::AttemptStarter {
 public:
  std::unique_ptr<agent::Attempt> Start(const v1::StartRun& start,
                                        const agent::OfferedDevice& device,
                                        std::chrono::duration<double> period,
                                        AttemptEvents& events) override {
    Must(agent::IsSafeName(start.attempt().run_id()), "a run's id is fit for a directory");
    Must(device.device.name() == start.device() && device.device.name() == "cpu",
         "only devices that are there are used");
    Must(period.count() > 0, "there is time between samples");
    return std::make_unique<Running>(start.attempt(), events);
  }

 private:
  class Running : public agent::Attempt {
   public:
    Running(v1::AttemptRef attempt, AttemptEvents& events)
        : attempt_(std::move(attempt)), events_(events) {}
    void Stop(agent::StopCause) override { events_.OnAttemptOver(attempt_); }

   private:
    const v1::AttemptRef attempt_;
    AttemptEvents& events_;
  };
};

}  // namespace
}  // namespace laptime::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  static const laptime::v1::CoordinatorMessage type;
  return laptime::fuzz::MutateMessages(type, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace laptime;
  using namespace laptime::fuzz;
  spdlog::set_level(spdlog::level::off);
  auto spool = agent::Spool::Open(":memory:", {});
  Must(spool.ok(), "a spool in memory opens");
  agent::Outbox outbox(**spool);
  testing::FakeClock clock;
  std::mt19937_64 random{1};
  StubCoordinator coordinator;
  StubStarter starter;
  agent::ProbeFiles probes(Scratch().path() / "no-probes");
  agent::AgentOptions options;
  options.server = "there:7440";
  options.host.set_name("box");
  options.host.set_id("id-box");
  options.devices.emplace_back().device.set_name("cpu");
  agent::Agent agent(options, {clock, **spool, outbox, coordinator, starter, probes, random});
  for (const std::string& bytes : SplitMessages(Input(data, size).Rest())) {
    if (!agent.Step()) break;
    v1::CoordinatorMessage message;
    if (!message.ParseFromString(bytes)) continue;
    if (!coordinator.Say(std::move(message))) clock.Advance(std::chrono::seconds(5));
    if (!agent.Step()) break;
  }
  agent.Stop();
  clock.Advance(std::chrono::seconds(10));
  for (int i = 0; i < 4 && agent.Step(); ++i) clock.Advance(std::chrono::seconds(10));
  return 0;
}
