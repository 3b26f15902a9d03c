#include "agent/idle_probe.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>

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
  std::deque<OfferedDevice> left(devices_.begin(), devices_.end());
  std::chrono::milliseconds wait = options_.after, patience = options_.after;
  while (!left.empty() && !WaitReadable(stop_.fd(), wait)) {
    switch (Try(left.front())) {
      case Outcome::kDone:
        left.pop_front();
        wait = options_.between;
        break;
      case Outcome::kBusy:
        wait = options_.after;
        break;
      case Outcome::kDisturbed:
        left.push_back(left.front());
        left.pop_front();
        patience = std::max(options_.after,
                            std::min<std::chrono::milliseconds>(2 * patience, kLongestProbeWait));
        wait = patience;
        break;
      case Outcome::kStop:
        return;
    }
  }
}

IdleProbe::Outcome IdleProbe::Try(const OfferedDevice& offered) {
  const std::string& name = offered.device.name();
  auto lock = MachineLock::Open(options_.machine_lock);
  if (!lock.ok()) {
    spdlog::warn("no probes: {}", MessageOf(lock.status()));
    return Outcome::kStop;
  }
  if (!lock->TryLock(MachineLock::Mode::kAlone)) {
    spdlog::debug("probing {} waits: a run is under way on this machine", name);
    return Outcome::kBusy;
  }
  const ProbeFiles files(options_.probes);
  const std::string basis = ProbeBasis(context_, offered);
  if (files.Basis(name) == basis) return Outcome::kDone;
  spdlog::info("probing {}: it is new, or its software or its power limit is", name);
  auto measured = ProbeDevice(context_, offered, stop_.fd());
  if (absl::IsCancelled(measured.status())) return Outcome::kStop;
  if (measured.ok() && !measured->disturbed_by.empty()) {
    spdlog::warn("probing {} is tried again later: {} meanwhile; laptime-agent probe takes it so",
                 name, measured->disturbed_by);
    return Outcome::kDisturbed;
  }
  absl::Status status = measured.status();
  if (status.ok()) status = files.Write(measured->probe, basis);
  if (!status.ok()) {
    const std::string hint = HintOf(status);
    spdlog::warn("{}{}", Printable(MessageOf(status)), Printable(hint.empty() ? "" : "; " + hint));
  }
  return Outcome::kDone;
}

}  // namespace laptime::agent
