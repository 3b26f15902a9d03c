#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "agent/device_probe.h"
#include "agent/wake_pipe.h"

namespace laptime::agent {

struct IdleProbeOptions {
  std::filesystem::path probes;  // directory of the results
  std::string machine_lock;
  // Looks so long after the start, and as often again, whether the machine is free.
  std::chrono::milliseconds after{60'000};
};

// Probes the devices that were not probed with the present operating system, driver and trainer,
// once nothing runs on this machine; a run that comes meanwhile waits. On a thread of its own,
// which the destructor ends, breaking off a probe. A device that cannot be probed is told to the
// log and tried again at the agent's next start.
class IdleProbe {
 public:
  IdleProbe(IdleProbeOptions options, const ProbeContext& context,
            std::vector<OfferedDevice> devices, WakePipe stop);
  ~IdleProbe();

 private:
  void Run();
  void ProbeAll(const std::vector<OfferedDevice>& devices);

  const IdleProbeOptions options_;
  const ProbeContext context_;
  const std::vector<OfferedDevice> devices_;
  WakePipe stop_;
  std::jthread thread_;
};

}  // namespace laptime::agent
