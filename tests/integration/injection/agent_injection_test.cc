// Payloads in every text that an agent may send, against a real coordinator, and what the client
// then prints of it; and payloads in every text that a coordinator may send, against a real agent.

#include <random>
#include <sstream>

#include "agent/agent.h"
#include "agent/runner.h"
#include "client/commands.h"
#include "client/session.h"
#include "client/settings.h"
#include "proto/support/log.h"
#include "tests/integration/injection/payloads.h"
#include "tests/integration/injection/text_fields.h"
#include "tests/integration/injection/victim.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/output_dangers.h"
#include "tests/testing/promise_row.h"

namespace laptime::testing {
namespace {

std::vector<Payload> AllPayloads(const std::string& outside) {
  std::vector<Payload> all = SqlPayloads(outside);
  for (Payload& payload : PathPayloads(outside)) all.push_back(std::move(payload));
  for (Payload& payload : OutputPayloads()) all.push_back(std::move(payload));
  return all;
}

class AgentInjectionTest : public VictimTest {
 protected:
  // A message of the kind that the field is in, right but for the payload.
  v1::AgentMessage With(const TextField& field, const std::string& text) {
    v1::AgentMessage message;
    const std::string kind(field.way[0]->name());
    if (kind == "hello") message = Hello();
    if (kind == "report") message = ReportOf(++seq_, running_);
    if (kind == "progress") *message.mutable_progress()->mutable_attempt() = running_;
    if (kind == "device_probe") {
      message.mutable_device_probe()->set_device("cpu");
      message.mutable_device_probe()->set_probed_unix_ms(static_cast<int64_t>(++seq_));
    }
    PutText(message, field, text);
    if (message.report().has_epoch_finished())
      message.mutable_report()->mutable_epoch_finished()->set_number(static_cast<int>(seq_));
    return message;
  }

  // On a stream of its own: a Hello may be refused.
  void SayHello(const TextField& field, const std::string& text) {
    const auto agent = Connect();
    agent->Say(With(field, text));
    v1::CoordinatorMessage first;
    agent->call->Read(&first);
    agent->context.TryCancel();
  }

  // The stream is box's own; a Hello that passed for box's has ended it.
  void Reattach() {
    box_->context.TryCancel();
    box_ = Connect();
    v1::AgentMessage hello = Hello();
    for (const v1::AttemptRef& attempt : {running_}) {
      v1::HeldAttempt& held = *hello.mutable_hello()->add_attempts();
      *held.mutable_attempt() = attempt;
      held.set_alive(true);
    }
    box_->Say(hello);
    ASSERT_TRUE(box_->Await(v1::CoordinatorMessage::kWelcome).has_welcome());
  }

  int Attack(const TextField& field, const std::vector<Payload>& payloads) {
    const bool hello = field.way[0]->name() == "hello";
    for (const Payload& payload : payloads) {
      if (hello) {
        SayHello(field, payload.text);
      } else {
        box_->Say(With(field, payload.text));
      }
    }
    if (hello) Reattach();
    box_->Say(ReportOf(++seq_, running_));
    EXPECT_TRUE(box_->AwaitAck(seq_)) << field.name;
    return static_cast<int>(payloads.size());
  }

  // The whole client, but for its process.
  std::string Print(const std::function<int(client::Session&)>& command,
                    const std::string& format) {
    client::SettingSources sources;
    sources.flags = {{"server", address()}, {"output", format}};
    sources.environment = [](const std::string&) { return std::nullopt; };
    auto settings = client::LoadSettings(sources);
    EXPECT_OK(settings);
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in;
    client::Interrupt interrupt;
    client::GlobalOptions options;
    options.settings = sources.flags;
    client::Session session(*std::move(settings), options, {out, err, in}, interrupt);
    command(session);
    return out.str() + err.str();
  }
};

// Every command that shows what agents said; `run` is the run of which they spoke.
std::map<std::string, std::function<int(client::Session&)>> Commands(const std::string& run) {
  return {
      {"run list", [](auto& session) { return client::RunRunList(session, {}); }},
      {"run show", [run](auto& session) { return client::RunRunShow(session, {run}); }},
      {"run logs",
       [run](auto& session) {
         return client::RunRunLogs(session, {run, 0, false});
       }},
      {"run export",
       [run](auto& session) {
         return client::RunRunExport(session, {run, "", ""});
       }},
      {"mlperf",
       [run](auto& session) {
         return client::RunRunExport(session, {run, "", "mlperf"});
       }},
      {"job list", [](auto& session) { return client::RunJobList(session, {}); }},
      {"job show", [](auto& session) { return client::RunJobShow(session, {"last"}); }},
      {"device list", [](auto& session) { return client::RunDeviceList(session, {}); }},
      {"device show", [](auto& session) { return client::RunDeviceShow(session, {"box/cpu"}); }},
      {"capabilities", [](auto& session) { return client::RunDeviceCapabilities(session, {}); }},
      {"table", [](auto& session) { return client::RunTable(session, {}); }},
      {"matrix", [](auto& session) { return client::RunMatrix(session, {}); }},
      {"history", [](auto& session) { return client::RunHistory(session, {}); }},
      {"server info", [](auto& session) { return client::RunServerInfo(session); }},
      {"export runs",
       [](auto& session) {
         return client::RunExport(session, {"runs", {}, ""});
       }},
      {"export epochs",
       [](auto& session) {
         return client::RunExport(session, {"epochs", {}, ""});
       }},
      {"export samples",
       [](auto& session) {
         return client::RunExport(session, {"samples", {}, ""});
       }},
  };
}

// Everything that an agent can say is stored as text, and printed as text.
TEST_F(AgentInjectionTest, NoTextOfAnAgentDoesMoreThanBeStored) {
  const std::vector<Payload> payloads = AllPayloads(outside());
  int said = 0;
  StartLog("laptime-server", "info");
  ::testing::internal::CaptureStderr();
  // A run's end last: afterwards its reports no longer count.
  auto fields = TextFields(*v1::AgentMessage::descriptor());
  std::stable_partition(fields.begin(), fields.end(), [](const TextField& field) {
    return field.name.find("failed") == std::string::npos &&
           field.name.find("finished.") == std::string::npos;
  });
  for (const TextField& field : fields) said += Attack(field, payloads);
  const std::vector<std::string> found =
      effects_->Found({}, {"host", "device", "device_label", "spool", "snapshot", "attempt",
                           "epoch", "sensor", "sample", "log", "event", "probe", "capability",
                           "peak_rate", "segment", "audit", "sqlite_sequence"});
  EXPECT_THAT(found, ::testing::IsEmpty());
  // What the coordinator wrote into its log of all that: lines of its own, each with its time.
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(TerminalDanger(log), "");
  std::istringstream lines(log);
  int logged = 0;
  for (std::string line; std::getline(lines, line); ++logged)
    EXPECT_TRUE(line.starts_with("20")) << "a forged line: " << line;
  EXPECT_GT(logged, 100);
  PrintTried("S7", "injections in what agents say, " + std::to_string(fields.size()) + " texts",
             said, static_cast<int64_t>(found.size()));
  EXPECT_GE(said, 5000);

  int pages = 0;
  for (const auto& [name, command] : Commands(running_.run_id())) {
    for (const char* format : {"table", "wide", "json", "jsonl", "csv", "md"}) {
      std::string text = Print(command, format);
      ++pages;
      if (name == "run logs") std::erase(text, '\t');
      EXPECT_EQ(TerminalDanger(text), "") << name << " -o " << format;
      const bool csv = std::string(format) == "csv" && text.find("error:") == std::string::npos;
      const bool rows = name != "run logs" && name != "run export" && name != "mlperf";
      if (csv && rows) {
        EXPECT_EQ(FormulaDanger(text), "") << name;
      }
    }
  }
  PrintTried("S9", "pages of the client over what agents said", pages, HasFailure());
}

// The agent's own side: what a coordinator says names nothing but a run, a device and a workload.
class RunnerInjectionTest : public ::testing::Test {
 protected:
  class Silent : public agent::CoordinatorLink {
   public:
    bool Send(v1::AgentMessage) override { return true; }
  };
  class Coordinator : public agent::Connector {
   public:
    std::unique_ptr<agent::CoordinatorLink> Connect(agent::LinkEvents& events) override {
      this->events = &events;
      return std::make_unique<Silent>();
    }
    agent::LinkEvents* events = nullptr;
  };
};

TEST_F(RunnerInjectionTest, NoTextOfACoordinatorTouchesAFileOutsideTheStateDirectory) {
  namespace fs = std::filesystem;
  const TempDir dir;
  const fs::path outside = dir.path() / "outside";
  for (const char* name : {"outside", "here"}) fs::create_directories(dir.path() / name);
  const fs::path home = fs::current_path();
  fs::current_path(dir.path() / "here");
  auto state = agent::StateDir::Open(dir.path() / "state");
  ASSERT_OK(state);
  auto spool = agent::Spool::Open(state->spool_path(), {});
  ASSERT_OK(spool);
  agent::Outbox outbox(**spool);
  const SystemClock clock;
  agent::HostFacts facts;
  agent::RunnerOptions runner;
  runner.trainer = "/bin/true";
  runner.data_dir = dir.path() / "data";
  runner.machine_lock = dir.File("state/machine.lock");
  agent::RunnerStarter starter(runner, {clock, *state, facts, nullptr, outbox, **spool});
  agent::ProbeFiles probes(dir.path() / "state" / "probes");
  std::mt19937_64 random{1};
  Coordinator coordinator;
  agent::AgentOptions options;
  options.server = "there";
  options.host.set_id("id");
  options.devices.emplace_back().device.set_name("cpu");
  options.devices.back().device.set_address("cpu");
  options.devices.back().device.set_kind(v1::DEVICE_KIND_CPU);
  int said = 0;
  std::set<std::string> before;
  const auto files = [&] {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(dir.path())) {
      const std::string path = entry.path().string();
      if (!path.starts_with((dir.path() / "state").string())) found.insert(path);
    }
    return found;
  };
  before = files();
  {
    agent::Agent agent(options, {clock, **spool, outbox, coordinator, starter, probes, random});
    agent.Step();
    v1::CoordinatorMessage welcome;
    welcome.mutable_welcome()->set_lease_seconds(600);
    coordinator.events->OnMessage(welcome);
    agent.Step();
    for (const TextField& field : TextFields(*v1::CoordinatorMessage::descriptor())) {
      const std::string kind(field.way[0]->name());
      if (kind == "welcome" || kind == "goodbye") continue;  // they are only logged
      for (const Payload& payload : AllPayloads(outside.string())) {
        v1::CoordinatorMessage message;
        v1::StartRun& start = *message.mutable_start_run();
        start.set_command_id("c" + std::to_string(++said));
        start.mutable_attempt()->set_run_id("run" + std::to_string(said));
        start.mutable_attempt()->set_number(1);
        start.mutable_attempt()->set_fencing_token(said);
        start.set_device("cpu");
        start.set_workload("simclr-cifar10");
        start.set_config_json(R"({"dataset":"synthetic-cifar10"})");
        if (kind != "start_run") message.Clear();
        PutText(message, field, payload.text);
        coordinator.events->OnMessage(message);
        agent.Step();
      }
    }
    agent.Stop();
    while (agent.Step()) std::this_thread::yield();
  }
  EXPECT_EQ(files(), before);
  PrintTried("S8", "injections in what coordinators say", said, HasFailure());
  EXPECT_GE(said, 1000);
  fs::current_path(home);
}

}  // namespace
}  // namespace laptime::testing
