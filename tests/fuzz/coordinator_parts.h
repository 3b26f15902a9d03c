#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/coordinator.h"
#include "server/job_desk.h"
#include "tests/fuzz/memory_store.h"
#include "tests/testing/fake_clock.h"

namespace laptime::fuzz {

// An agent's stream that takes everything and remembers the commands.
class StubLink : public AgentLink {
 public:
  bool Send(v1::CoordinatorMessage message) override {
    if (message.has_start_run()) starts.push_back(message.start_run());
    return true;
  }
  void Close(const absl::Status& /*status*/) override {}
  void CutOff() override {}

  std::vector<v1::StartRun> starts;
};

// A coordinator over a store, as CoordinatorServer puts it together, without sockets.
struct CoordinatorParts {
  explicit CoordinatorParts(storage::Store& store)
      : coordinator(store, registry, hub, clock, {}), desk(coordinator, store, registry, clock) {}

  testing::FakeClock clock;
  EventHub hub;
  AgentRegistry registry{clock, std::chrono::seconds(15)};
  Coordinator coordinator;
  JobDesk desk;
};

// What every input of the coordinator's targets meets: host "box" with devices, one run that has
// ended well (with laps, samples, a log and a remark) and one that its agent has just been given,
// one published result.
struct SeededStore {
  SeededStore();

  MemoryStore store;
  v1::AttemptRef done;     // inputs call it "1"
  v1::AttemptRef started;  // and this one "2"

  // The real attempt for one that an input names; others stay as they are.
  v1::AttemptRef Real(const v1::AttemptRef& named) const;
  std::string RealRun(const std::string& named) const;
};

v1::Hello BoxHello();

}  // namespace laptime::fuzz
