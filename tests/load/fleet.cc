#include "tests/load/fleet.h"

#include "agent/attach_call.h"

namespace laptime::load {
namespace {

// How an agent reaches the coordinator: the one place to give it credentials.
std::unique_ptr<agent::Connector> NewConnector(const std::string& address, int /*agent*/) {
  return std::make_unique<agent::GrpcConnector>(address);
}

void Append(std::vector<double> more, std::vector<double>& all) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Fleet::Fleet(const std::string& address, int agents, const AgentScript& script, Mistake mistake)
    : timers_(std::make_unique<Timers>()) {
  for (int i = 0; i < agents; ++i) {
    AgentScript own = script;
    if (i == 0) own.mistake = mistake;
    agents_.push_back(
        std::make_unique<SimulatedAgent>(i, own, NewConnector(address, i), counters_, *timers_));
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
