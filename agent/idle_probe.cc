#include "agent/idle_probe.h"

#include <spdlog/spdlog.h>

#include "agent/machine_lock.h"
#include "agent/probe_files.h"
#include "proto/support/log.h"
#include "proto/support/status.h"

namespace laptime::agent {

IdleProbe::IdleProbe(IdleProbeOptions options, const ProbeContext& context,
                     std::vector<OfferedDevice> devices, WakePipe stop)
    : options_(std::move(options)),
      context_(context),
      devices_(std::move(devices)),
      stop_(std::move(stop)),
      thread_([this] { Run(); }) {}

IdleProbe::~IdleProbe() { stop_.Wake(); }

void IdleProbe::Run() {
  const ProbeFiles files(options_.probes);
  std::vector<OfferedDevice> stale = devices_;
  std::erase_if(stale, [&](const OfferedDevice& offered) {
    return files.Basis(offered.device.name()) == ProbeBasis(context_, offered);
  });
  while (!stale.empty()) {
    if (WaitReadable(stop_.fd(), options_.after)) return;
    auto lock = MachineLock::Open(options_.machine_lock);
    if (!lock.ok()) return spdlog::warn("no probes: {}", MessageOf(lock.status()));
    if (!lock->TryLock(MachineLock::Mode::kAlone)) continue;
    return ProbeAll(stale);
  }
}

void IdleProbe::ProbeAll(const std::vector<OfferedDevice>& devices) {
  const ProbeFiles files(options_.probes);
  for (const OfferedDevice& offered : devices) {
    const std::string& name = offered.device.name();
    spdlog::info("probing {}: it is new, or its software is", name);
    auto probe = ProbeDevice(context_, offered, stop_.fd());
    if (absl::IsCancelled(probe.status())) return;
    absl::Status status = probe.status();
    if (status.ok()) status = files.Write(*probe, ProbeBasis(context_, offered));
    if (!status.ok()) spdlog::warn("{}", Printable(MessageOf(status)));
  }
}

}  // namespace laptime::agent
