#include "tests/load/fleet.h"

#include "agent/attach_call.h"

namespace laptime::load {
namespace {

void Append(std::vector<double> more, std::vector<double>& all) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Fleet::Fleet(const std::string& address, const std::vector<ChannelSecurity>& machines,
             const AgentScript& script, Mistake mistake)
    : timers_(std::make_unique<Timers>()) {
  for (const ChannelSecurity& machine : machines) {
    AgentScript own = script;
    if (agents_.empty()) own.mistake = mistake;
    auto connector = std::make_unique<agent::GrpcConnector>(address, [machine] { return machine; });
    agents_.push_back(
        std::make_unique<SimulatedAgent>(size(), own, std::move(connector), counters_, *timers_));
  }
}

// Streams that end call the timers: they go last. Their thread must not call an agent that is gone.
Fleet::~Fleet() {
  timers_->Stop();
  agents_.clear();
}

bool Fleet::AwaitWelcome(std::chrono::duration<double> limit) {
  return Eventually(limit, [this] { return counters_.welcomed == size(); });
}

bool Fleet::Drain(std::chrono::duration<double> limit) {
  counters_.producing = false;
  return Eventually(limit, [this] { return counters_.waiting == 0; });
}

std::vector<MadeAttempt> Fleet::Attempts() const {
  std::vector<MadeAttempt> all;
  for (const auto& agent : agents_) {
    for (MadeAttempt& attempt : agent->Attempts()) all.push_back(std::move(attempt));
  }
  return all;
}

int64_t Fleet::SamplesMade() const { return counters_.samples; }

std::vector<double> Fleet::TakeAckSeconds() {
  std::vector<double> all;
  for (const auto& agent : agents_) Append(agent->TakeAckSeconds(), all);
  return all;
}

std::vector<double> Fleet::TakeFreeSeconds() {
  std::vector<double> all;
  for (const auto& agent : agents_) Append(agent->TakeFreeSeconds(), all);
  return all;
}

}  // namespace laptime::load
