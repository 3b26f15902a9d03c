// C13: peers that stop reading cost the coordinator little memory each.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <limits>

#include "laptime/v1/agent.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "server/agent_service.h"
#include "tests/load/messages.h"
#include "tests/load/scenario.h"

namespace laptime::load {
namespace {

// Watches what happens to the job from now on, and reads the first event alone.
struct SilentWatcher {
  std::unique_ptr<v1::ControlService::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> call;
};

std::unique_ptr<SilentWatcher> Watch(const Scenario& scenario, const std::string& job) {
  auto watcher = std::make_unique<SilentWatcher>();
  watcher->stub = v1::ControlService::NewStub(
      NewChannel(scenario.server().address(), scenario.administrator()));
  v1::WatchJobRequest request;
  request.set_id(job);
  request.set_after_seq(std::numeric_limits<int64_t>::max());
  watcher->call = watcher->stub->WatchJob(&watcher->context, request);
  v1::JobEvent first;
  watcher->call->Read(&first);
  return watcher;
}

// Reports and never reads what it is answered.
struct SilentAgent {
  std::unique_ptr<v1::AgentService::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>> call;
};

std::unique_ptr<SilentAgent> Report(const std::string& address, const ChannelSecurity& machine,
                                    int number, int reports) {
  auto agent = std::make_unique<SilentAgent>();
  grpc::ChannelArguments small;  // so few bytes are under way that nearly all acks wait
  small.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64);
  small.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  agent->stub = v1::AgentService::NewStub(grpc::CreateCustomChannel(
      address,
      machine.ca.empty() ? grpc::InsecureChannelCredentials()
                         : grpc::SslCredentials({machine.ca, machine.key, machine.certificate}),
      small));
  agent->call = agent->stub->Attach(&agent->context);
  agent->call->Write(HelloOf(number));
  v1::CoordinatorMessage welcome;
  agent->call->Read(&welcome);
  v1::AgentMessage message;
  message.mutable_report()->set_seq(1);  // from the second on seen before: acknowledged at once
  *message.mutable_report()->mutable_epoch_finished() = LapOf(1, 1);
  for (int i = 0; i < reports && agent->call->Write(message); ++i) {
  }
  return agent;
}

template <typename Peers>
void EndAll(Peers& peers) {
  for (auto& peer : peers) peer->context.TryCancel();
  for (auto& peer : peers) peer->call->Finish();
}

absl::StatusOr<std::string> NewestJob(v1::ControlService::Stub& control) {
  grpc::ClientContext context;
  v1::ListJobsResponse jobs;
  if (const grpc::Status status = control.ListJobs(&context, {}, &jobs); !status.ok()) {
    return FromGrpc(status);
  }
  if (jobs.jobs_size() == 0) return absl::NotFoundError("no job");
  return jobs.jobs(0).id();
}

// Until that many more reports are acknowledged.
void AwaitReports(Fleet& fleet, int64_t more) {
  const int64_t wanted = fleet.counters().acknowledged + more;
  Eventually(kPatience, [&] {
    return fleet.counters().acknowledged >= wanted || fleet.counters().running == 0;
  });
}

}  // namespace

absl::Status MeasureSlowPeers(const Settings& settings, Figures& figures) {
  auto scenario = Scenario::Start(settings);
  if (!scenario.ok()) return scenario.status();
  ServerProcess& server = (*scenario)->server();
  const auto attached = (*scenario)->Attach(settings, ScriptOf(settings));
  if (!attached.ok()) return attached.status();
  Fleet& fleet = **attached;
  if (auto runs = (*scenario)->Submit(settings.repeats, settings.epochs); !runs.ok()) {
    return runs.status();
  }
  const auto job = NewestJob((*scenario)->control());
  if (!job.ok()) return job.status();
  Eventually(kPatience, [&] { return fleet.counters().running == settings.agents; });
  AwaitReports(fleet, settings.reports);
  const double before = server.ResidentBytes();
  std::vector<std::unique_ptr<SilentWatcher>> watchers;
  for (int i = 0; i < settings.rounds; ++i) watchers.push_back(Watch(**scenario, *job));
  AwaitReports(fleet, settings.reports);
  // What the coordinator grows by itself meanwhile counts, too.
  const double each = (server.ResidentBytes() - before) / settings.rounds / 1e6;
  figures.Line("C13", "memory for a watcher that does not read", Asked::kAtMost, 2, each, "MB",
               std::to_string(settings.rounds) + " of them, " + Text(settings.reports, "reports"));
  EndAll(watchers);
  fleet.Drain(kPatience);
  const double quiet = server.ResidentBytes();
  const auto machines = (*scenario)->Join(settings.agents, settings.rounds);
  if (!machines.ok()) return machines.status();
  constexpr int kReports = kMaxQueuedToAgent - 1;  // one more ack might end the stream
  std::vector<std::unique_ptr<SilentAgent>> agents;
  for (int i = 0; i < settings.rounds; ++i) {
    agents.push_back(Report(server.address(), (*machines)[i], settings.agents + i, kReports));
  }
  figures.Line(
      "C13", "memory for an agent that does not read", Asked::kAtMost, 2,
      (server.ResidentBytes() - quiet) / settings.rounds / 1e6, "MB",
      std::to_string(settings.rounds) + " of them, " + Text(kReports, "reports") + " each");
  EndAll(agents);
  return absl::OkStatus();
}

}  // namespace laptime::load
