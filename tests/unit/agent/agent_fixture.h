#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {

// The coordinator's end, in the hands of the test: what was sent, and events to come from it.
class FakeCoordinator : public Connector {
 public:
  std::unique_ptr<CoordinatorLink> Connect(LinkEvents& events) override {
    ++connects;
    sent.clear();
    events_ = &events;
    return std::make_unique<Link>(*this);
  }
  void Say(const v1::CoordinatorMessage& message) { events_->OnMessage(message); }
  void Close(absl::Status status) { events_->OnClosed(std::move(status)); }
  bool connected() const { return events_ != nullptr; }

  // The messages of one kind on the present stream.
  std::vector<v1::AgentMessage> Sent(v1::AgentMessage::MessageCase kind) const {
    std::vector<v1::AgentMessage> found;
    for (const v1::AgentMessage& message : sent) {
      if (message.message_case() == kind) found.push_back(message);
    }
    return found;
  }

  int connects = 0;
  std::vector<v1::AgentMessage> sent;

 private:
  class Link : public CoordinatorLink {
   public:
    explicit Link(FakeCoordinator& owner) : owner_(owner) {}
    ~Link() override { owner_.events_ = nullptr; }
    bool Send(v1::AgentMessage message) override {
      owner_.sent.push_back(std::move(message));
      return true;
    }

   private:
    FakeCoordinator& owner_;
  };

  LinkEvents* events_ = nullptr;
};

// Attempts that end when the test says so.
class FakeStarter : public AttemptStarter {
 public:
  std::unique_ptr<Attempt> Start(const v1::StartRun& start, const OfferedDevice& device,
                                 std::chrono::duration<double>, AttemptEvents& events) override {
    started.push_back(start);
    devices.push_back(device.device.name());
    events_ = &events;
    return std::make_unique<Running>(*this);
  }
  AttemptEvents& events() { return *events_; }

  std::vector<v1::StartRun> started;
  std::vector<std::string> devices;
  std::vector<StopCause> stops;
  int destroyed = 0;

 private:
  class Running : public Attempt {
   public:
    explicit Running(FakeStarter& owner) : owner_(owner) {}
    ~Running() override { ++owner_.destroyed; }
    void Stop(StopCause cause) override { owner_.stops.push_back(cause); }

   private:
    FakeStarter& owner_;
  };

  AttemptEvents* events_ = nullptr;
};

inline v1::CoordinatorMessage Welcome(uint64_t acked = 0) {
  v1::CoordinatorMessage message;
  message.mutable_welcome()->set_lease_seconds(15);
  message.mutable_welcome()->set_heartbeat_seconds(5);
  message.mutable_welcome()->set_acked_seq(acked);
  return message;
}

inline v1::CoordinatorMessage Start(const std::string& run, const std::string& device = "cpu",
                                    int64_t token = 1) {
  v1::CoordinatorMessage message;
  v1::StartRun& start = *message.mutable_start_run();
  start.set_command_id("start-" + run);
  start.mutable_attempt()->set_run_id(run);
  start.mutable_attempt()->set_number(static_cast<int>(token));
  start.mutable_attempt()->set_fencing_token(token);
  start.set_device(device);
  start.set_config_json("{}");
  return message;
}

inline v1::CoordinatorMessage Stop(const std::string& run) {
  v1::CoordinatorMessage message;
  message.mutable_stop_run()->set_command_id("stop-" + run);
  message.mutable_stop_run()->mutable_attempt()->set_run_id(run);
  message.mutable_stop_run()->mutable_attempt()->set_number(1);
  return message;
}

inline v1::CoordinatorMessage Ack(uint64_t through) {
  v1::CoordinatorMessage message;
  message.mutable_report_ack()->set_through_seq(through);
  return message;
}

// An agent over a real spool in a temporary directory; coordinator and attempts are the test's.
class AgentFixture : public ::testing::Test {
 protected:
  AgentFixture() { Restart(); }

  // As if the process had been killed and started again: the spool's file is what is left.
  void Restart(bool once = false) {
    agent_.reset();
    outbox_.reset();
    spool_.reset();
    spool_ = *Spool::Open(dir_.File("spool.db"), {});
    outbox_.emplace(*spool_);
    AgentOptions options;
    options.server = "there:7440";
    options.host.set_name("box");
    options.host.set_id("host-id");
    options.once = once;
    options.devices.emplace_back().device.set_name("cpu");
    agent_ = std::make_unique<Agent>(
        options, AgentParts{clock_, *spool_, *outbox_, coordinator_, starter_, probes_, random_});
  }
  void Attach(uint64_t acked = 0) {
    agent_->Step();
    coordinator_.Say(Welcome(acked));
    agent_->Step();
  }
  void Tell(const v1::CoordinatorMessage& message) {
    coordinator_.Say(message);
    agent_->Step();
  }
  // The attempt's end as its thread tells it.
  void End(const std::string& run) {
    v1::Report report;
    report.mutable_attempt()->set_run_id(run);
    report.mutable_attempt()->set_number(1);
    report.mutable_finished();
    outbox_->Post(report);
    starter_.events().OnAttemptOver(report.attempt());
    agent_->Step();
  }
  v1::Hello LastHello() { return coordinator_.Sent(v1::AgentMessage::kHello).at(0).hello(); }
  v1::CommandResult LastResult() {
    return coordinator_.Sent(v1::AgentMessage::kCommandResult).back().command_result();
  }
  std::vector<v1::AgentMessage> Reports() { return coordinator_.Sent(v1::AgentMessage::kReport); }
  // Until the agent tries again.
  void Wait(std::chrono::milliseconds longest) {
    const int before = coordinator_.connects;
    for (std::chrono::milliseconds waited{0}; coordinator_.connects == before && waited <= longest;
         waited += std::chrono::milliseconds(50)) {
      clock_.Advance(std::chrono::milliseconds(50));
      agent_->Step();
    }
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::mt19937_64 random_{1};
  FakeCoordinator coordinator_;
  FakeStarter starter_;
  ProbeFiles probes_{dir_.path() / "probes"};
  std::unique_ptr<Spool> spool_;
  std::optional<Outbox> outbox_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace laptime::agent
