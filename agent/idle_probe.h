#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "agent/device_probe.h"
#include "agent/machine_lock.h"
#include "agent/wake_pipe.h"

namespace laptime::agent {

// A probe that others disturb is tried again after a wait that doubles each time up to this: it
// costs a minute of the machine.
inline constexpr std::chrono::hours kLongestProbeWait{1};

struct IdleProbeOptions {
  std::filesystem::path probes;  // directory of the results
  std::string machine_lock;
  // Looks so long after the start, and as often again, whether the machine is free.
  std::chrono::milliseconds after{60'000};
  // From one device to the next the machine is left alone so long: a run that waits gets its turn.
  std::chrono::milliseconds between = 2 * kLockPoll;
};

// Probes the devices that were not probed with the present operating system, driver, power limit
// and trainer, one by one, while no run is under way on this machine; a run that comes meanwhile
// waits for one device. On a thread of its own, which the destructor ends, breaking off a probe.
//
// What was measured while other programs used the machine is not kept; that device's turn comes
// again. A device that cannot be probed is told to the log and tried again at the agent's next
// start.
class IdleProbe {
 public:
  IdleProbe(IdleProbeOptions options, const ProbeContext& context,
            std::vector<OfferedDevice> devices, WakePipe stop);
  ~IdleProbe();

 private:
  enum class Outcome {
    kDone,       // there is nothing more to do about the device
    kBusy,       // a run is under way
    kDisturbed,  // others used the machine meanwhile
    kStop,       // no more probes
  };

  void Run();
  // Takes the machine for as long as the device needs it.
  Outcome Try(const OfferedDevice& offered);

  const IdleProbeOptions options_;
  const ProbeContext context_;
  const std::vector<OfferedDevice> devices_;
  WakePipe stop_;
  std::jthread thread_;
};

}  // namespace laptime::agent
