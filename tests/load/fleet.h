#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proto/support/channel.h"
#include "tests/load/simulated_agent.h"
#include "tests/load/timers.h"

namespace laptime::load {

// Many simulated agents of one coordinator in this process, each with a connection of its own.
//
// Thread-safe. The destructor ends the streams.
class Fleet {
 public:
  // One agent for each of the machines' credentials. `mistake` is the first agent's alone.
  Fleet(const std::string& address, const std::vector<ChannelSecurity>& machines,
        const AgentScript& script, Mistake mistake = Mistake::kNone);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  int size() const { return static_cast<int>(agents_.size()); }
  FleetCounters& counters() { return counters_; }

  // True once every agent has had its Welcome.
  bool AwaitWelcome(std::chrono::duration<double> limit);
  // Makes no more laps and waits until every report is acknowledged.
  bool Drain(std::chrono::duration<double> limit);

  std::vector<MadeAttempt> Attempts() const;
  int64_t SamplesMade() const;
  std::vector<double> TakeAckSeconds();
  std::vector<double> TakeFreeSeconds();

 private:
  FleetCounters counters_;
  std::vector<std::unique_ptr<SimulatedAgent>> agents_;
  std::unique_ptr<Timers> timers_;
};

}  // namespace laptime::load
