#include "tests/integration/injection/victim.h"

#include "proto/support/status.h"
#include "tests/testing/agent_hello.h"

namespace laptime::testing {

namespace fs = std::filesystem;

v1::CoordinatorMessage VictimTest::Agent::Await(v1::CoordinatorMessage::MessageCase kind) {
  v1::CoordinatorMessage message;
  while (call->Read(&message))
    if (message.message_case() == kind) return message;
  return {};
}

bool VictimTest::Agent::AwaitAck(uint64_t seq) {
  v1::CoordinatorMessage message;
  while (call->Read(&message))
    if (message.report_ack().through_seq() >= seq) return true;
  return false;
}

VictimTest::VictimTest() : home_(fs::current_path()) {
  for (const char* name : {"state", "outside", "here"}) fs::create_directories(dir_.path() / name);
  fs::current_path(dir_.path() / "here");
  CoordinatorServerOptions options;
  options.state_dir = dir_.File("state");
  options.grpc.address = "127.0.0.1:0";
  auto server = CoordinatorServer::Start(options, clock_);
  EXPECT_OK(server);
  server_ = *std::move(server);
  channel_ = NewChannel(server_->address());
  control_ = v1::ControlService::NewStub(channel_);
  box_ = Connect();
  box_->Say(Hello());
  EXPECT_TRUE(box_->Await(v1::CoordinatorMessage::kWelcome).has_welcome());
  Submit();
  done_ = box_->Await(v1::CoordinatorMessage::kStartRun).start_run().attempt();
  v1::AgentMessage started = ReportOf(++seq_, done_);
  started.mutable_report()->mutable_started()->set_snapshot_json(R"({"os":"Debian"})");
  box_->Say(started);
  v1::AgentMessage lap = ReportOf(++seq_, done_);
  lap.mutable_report()->mutable_epoch_finished()->set_number(1);
  lap.mutable_report()->mutable_epoch_finished()->set_wall_seconds(10);
  box_->Say(lap);
  v1::AgentMessage finished = ReportOf(++seq_, done_);
  finished.mutable_report()->mutable_finished()->mutable_trainer()->set_epochs(1);
  box_->Say(finished);
  EXPECT_TRUE(box_->AwaitAck(seq_));
  Submit();
  running_ = box_->Await(v1::CoordinatorMessage::kStartRun).start_run().attempt();
  EXPECT_FALSE(running_.run_id().empty());
  effects_ = std::make_unique<Effects>(dir_.path(), dir_.path() / "state" / "laptime.db");
}

VictimTest::~VictimTest() {
  box_->context.TryCancel();
  box_.reset();
  server_.reset();
  fs::current_path(home_);
}

v1::AgentMessage VictimTest::Hello() { return testing::HelloOf("id-box", "box"); }

std::unique_ptr<VictimTest::Agent> VictimTest::Connect() {
  auto agent = std::make_unique<Agent>();
  agent->context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
  agent->stub = v1::AgentService::NewStub(NewChannel(server_->address()));
  agent->call = agent->stub->Attach(&agent->context);
  return agent;
}

v1::AgentMessage VictimTest::ReportOf(uint64_t seq, const v1::AttemptRef& attempt) {
  v1::AgentMessage message;
  message.mutable_report()->set_seq(seq);
  *message.mutable_report()->mutable_attempt() = attempt;
  return message;
}

void VictimTest::Submit() {
  grpc::ClientContext context;
  v1::SubmitJobRequest request;
  request.set_workload("simclr-cifar10");
  request.add_selectors("box/cpu");
  (*request.mutable_settings())["epochs"] = "1";
  v1::SubmitJobResponse response;
  EXPECT_OK(FromGrpc(control_->SubmitJob(&context, request, &response)));
}

void VictimTest::ExpectNoEffects(const std::string& what,
                                 const std::map<std::string, int64_t>& grown,
                                 const std::set<std::string>& free) {
  EXPECT_THAT(effects_->Found(grown, free), ::testing::IsEmpty()) << what;
  effects_->Begin();
}

}  // namespace laptime::testing
