#include "server/coordinator_server.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <future>

#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "server/agent_service.h"
#include "server/read_limit.h"
#include "server/security/method_access.h"
#include "storage/schema.h"
#include "tests/integration/server/call_empty.h"
#include "tests/testing/agent_hello.h"
#include "tests/testing/every_method.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

// A real coordinator on loopback, port 0, with real SQLite; agents are bare gRPC streams.
class CoordinatorServerTest : public ::testing::Test {
 protected:
  CoordinatorServerTest() { Start("127.0.0.1:0"); }

  void Start(const std::string& address) {
    server_.reset();
    auto server = CoordinatorServer::Start(Options(address), clock_);
    ASSERT_OK(server);
    server_ = *std::move(server);
    channel_ = NewChannel(server_->address());
    control_ = v1::ControlService::NewStub(channel_);
  }
  CoordinatorServerOptions Options(const std::string& address) {
    CoordinatorServerOptions options;
    options.state_dir = dir_.File("state");
    options.grpc.address = address;
    return options;
  }

  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (v1::ControlService::Stub::*method)(grpc::ClientContext*,
                                                                     const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return FromGrpc((control_.get()->*method)(&context, request, response));
  }

  // One agent's stream, read and written by the test's thread.
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<v1::AgentService::Stub> stub;
    std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>> call;

    v1::CoordinatorMessage Read() {
      v1::CoordinatorMessage message;
      call->Read(&message);
      return message;
    }
    absl::Status End() {
      v1::CoordinatorMessage message;
      while (call->Read(&message)) {
      }
      return FromGrpc(call->Finish());
    }
  };
  std::unique_ptr<Stream> Attach(const std::string& host) {
    auto stream = std::make_unique<Stream>();
    stream->stub = v1::AgentService::NewStub(NewChannel(server_->address()));
    stream->call = stream->stub->Attach(&stream->context);
    stream->call->Write(testing::HelloOf("id-" + host, host));
    EXPECT_TRUE(stream->Read().has_welcome());
    return stream;
  }
  v1::SubmitJobResponse Submit() {
    v1::SubmitJobRequest request;
    request.set_workload("simclr-cifar10");
    request.add_selectors("kind=cpu");
    v1::SubmitJobResponse response;
    EXPECT_OK(Call(&v1::ControlService::Stub::SubmitJob, request, &response));
    return response;
  }
  static v1::AgentMessage ReportOf(uint64_t seq, const v1::AttemptRef& attempt) {
    v1::AgentMessage message;
    message.mutable_report()->set_seq(seq);
    *message.mutable_report()->mutable_attempt() = attempt;
    return message;
  }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<CoordinatorServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ControlService::Stub> control_;
};

TEST_F(CoordinatorServerTest, AnswersWithItsFacts) {
  v1::ServerInfo info;
  ASSERT_OK(Call(&v1::ControlService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info));
  EXPECT_EQ(info.version(), kVersion);
  EXPECT_EQ(info.schema_version(), std::ssize(storage::Migrations()));
}

// Every method there is, as its descriptor tells: one whose handler forgets its check is found
// here.
TEST_F(CoordinatorServerTest, EveryMethodAsksWhoCalls) {
  CoordinatorServerOptions options = Options("127.0.0.1:0");
  options.state_dir = dir_.File("distrustful");
  options.trust = [](const std::string&) { return false; };
  auto distrustful = CoordinatorServer::Start(options, clock_);
  ASSERT_OK(distrustful);
  const auto channel = NewChannel((*distrustful)->address());
  for (const google::protobuf::MethodDescriptor* method : testing::EveryMethod()) {
    if (AccessTo(std::string(method->full_name())) == Access::kAnyone) continue;
    EXPECT_THAT(testing::CallEmpty(channel, testing::PathOf(*method)),
                StatusIs(absl::StatusCode::kPermissionDenied, ::testing::_))
        << method->full_name();
  }
}

TEST_F(CoordinatorServerTest, AcknowledgesWhatFollowsAnImpossibleReport) {
  auto stream = Attach("box");
  Submit();
  const v1::AttemptRef attempt = stream->Read().start_run().attempt();
  v1::AttemptRef unknown = attempt;
  unknown.set_run_id("ffffff");
  v1::AgentMessage impossible = ReportOf(1, unknown);
  impossible.mutable_report()->mutable_started()->set_started_unix_ms(5);
  v1::AgentMessage good = ReportOf(2, attempt);
  good.mutable_report()->mutable_started()->set_started_unix_ms(5);
  stream->call->Write(impossible);
  stream->call->Write(good);
  uint64_t acked = 0;
  while (acked < 2) {
    const uint64_t through = stream->Read().report_ack().through_seq();
    ASSERT_GT(through, acked);  // never backwards
    acked = through;
  }
}

TEST_F(CoordinatorServerTest, ListsOnlyWhatExists) {
  auto stream = Attach("box");
  v1::ListDevicesRequest devices;
  devices.add_selectors("box/cpi");
  v1::ListDevicesResponse found;
  EXPECT_THAT(Call(&v1::ControlService::Stub::ListDevices, devices, &found),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("no device matches 'box/cpi'\ndid you mean 'box/cpu'?")));
  v1::ListRunsRequest runs;
  runs.set_workload("simclr-cifar");
  v1::ListRunsResponse none;
  EXPECT_THAT(Call(&v1::ControlService::Stub::ListRuns, runs, &none),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("simclr-cifar10")));
  runs.set_workload("simclr-cifar10");
  EXPECT_OK(Call(&v1::ControlService::Stub::ListRuns, runs, &none));
  runs.clear_workload();
  runs.add_devices("kind=mps");
  EXPECT_THAT(Call(&v1::ControlService::Stub::ListRuns, runs, &none),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("kind=mps")));
}

// The log of a run that never started is complete once the run is over.
TEST_F(CoordinatorServerTest, TheLogOfARunThatNeverRanEnds) {
  auto stream = Attach("box");
  Submit();
  const v1::SubmitJobResponse queued = Submit();
  v1::GetRunLogRequest request;
  request.set_id(queued.runs(0).id());
  v1::GetRunLogResponse log;
  ASSERT_OK(Call(&v1::ControlService::Stub::GetRunLog, request, &log));
  EXPECT_FALSE(log.complete());
  v1::CancelJobRequest cancel;
  cancel.set_id(queued.job().id());
  v1::GetJobResponse cancelled;
  ASSERT_OK(Call(&v1::ControlService::Stub::CancelJob, cancel, &cancelled));
  ASSERT_OK(Call(&v1::ControlService::Stub::GetRunLog, request, &log));
  EXPECT_TRUE(log.complete());
}

TEST_F(CoordinatorServerTest, RefusesAUsedPortAndAUsedDatabase) {
  CoordinatorServerOptions other = Options(server_->address());
  other.state_dir = dir_.File("other");
  EXPECT_THAT(CoordinatorServer::Start(other, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("the port is in use")));
  EXPECT_THAT(CoordinatorServer::Start(Options("127.0.0.1:0"), clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(dir_.File("state"))));
}

TEST_F(CoordinatorServerTest, RefusesToListenBeyondThisMachine) {
  CoordinatorServerOptions options = Options("0.0.0.0:0");
  options.state_dir = dir_.File("other");
  EXPECT_THAT(CoordinatorServer::Start(options, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not a loopback address")));
  options.grpc.address = "127.0.0.1:70000";
  EXPECT_THAT(CoordinatorServer::Start(options, clock_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("70000")));
}

TEST_F(CoordinatorServerTest, AcknowledgesReportsAfterTheirCommit) {
  auto stream = Attach("box");
  const v1::SubmitJobResponse job = Submit();
  const v1::CoordinatorMessage start = stream->Read();
  ASSERT_TRUE(start.has_start_run());
  v1::AgentMessage report = ReportOf(7, start.start_run().attempt());
  report.mutable_report()->mutable_epoch_finished()->set_number(1);
  stream->call->Write(report);
  const v1::CoordinatorMessage ack = stream->Read();
  EXPECT_EQ(ack.report_ack().through_seq(), 7u);
  v1::GetRunRequest request;
  request.set_id(job.runs(0).id());
  v1::GetRunResponse run;
  ASSERT_OK(Call(&v1::ControlService::Stub::GetRun, request, &run));
  EXPECT_EQ(run.epochs_size(), 1);
}

TEST_F(CoordinatorServerTest, TakesMoreReportsThanMayWaitAtOnce) {
  auto stream = Attach("box");
  Submit();
  const v1::AttemptRef attempt = stream->Read().start_run().attempt();
  constexpr uint64_t kReports = 4 * kMaxPendingMessages;
  auto acks = std::async(std::launch::async, [&] {
    uint64_t acked = 0;
    while (acked < kReports) {
      const v1::CoordinatorMessage message = stream->Read();
      if (!message.has_report_ack()) break;
      EXPECT_GT(message.report_ack().through_seq(), acked);
      acked = message.report_ack().through_seq();
    }
    return acked;
  });
  for (uint64_t seq = 1; seq <= kReports; ++seq) {
    v1::AgentMessage report = ReportOf(seq, attempt);
    report.mutable_report()->mutable_epoch_finished()->set_number(static_cast<int>(seq));
    ASSERT_TRUE(stream->call->Write(report));
  }
  EXPECT_EQ(acks.get(), kReports);
}

// Left out, the last of them would leave the agent with reports that it believes are on their way.
TEST_F(CoordinatorServerTest, AnAcknowledgementThatFindsNoRoomEndsTheStream) {
  grpc::ChannelArguments small;  // so few bytes are under way that nearly all acks wait
  small.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64);
  small.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  Stream stream;
  stream.context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  stream.stub = v1::AgentService::NewStub(
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), small));
  stream.call = stream.stub->Attach(&stream.context);
  stream.call->Write(testing::HelloOf("id-box", "box"));
  ASSERT_TRUE(stream.Read().has_welcome());
  v1::AnnotateRunRequest nothing;
  nothing.set_id("none");
  for (size_t reports = 0; reports < 2 * kMaxQueuedToAgent; ++reports) {
    // Seen before, but for the first.
    ASSERT_TRUE(stream.call->Write(ReportOf(1, v1::AttemptRef())));
    // Waits for the store: most reports that have arrived until then have an ack of their own.
    v1::GetRunResponse run;
    EXPECT_FALSE(Call(&v1::ControlService::Stub::AnnotateRun, nothing, &run).ok());
  }
  size_t read = 0;
  for (v1::CoordinatorMessage message; stream.call->Read(&message);) ++read;
  EXPECT_LT(read, kMaxQueuedToAgent) << "what waited is dropped";
  EXPECT_THAT(FromGrpc(stream.call->Finish()),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("does not read")));
}

TEST_F(CoordinatorServerTest, AFirstMessageThatIsNoHelloEndsTheStream) {
  auto stub = v1::AgentService::NewStub(channel_);
  grpc::ClientContext context;
  auto call = stub->Attach(&context);
  v1::AgentMessage message;
  message.mutable_heartbeat();
  call->Write(message);
  v1::CoordinatorMessage answer;
  EXPECT_FALSE(call->Read(&answer));
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CoordinatorServerTest, ASecondStreamOfAHostReplacesTheFirst) {
  auto first = Attach("box");
  auto second = Attach("box");
  EXPECT_EQ(first->Read().goodbye().reason(), "replaced");
  EXPECT_EQ(first->End().code(), absl::StatusCode::kAborted);
}

TEST_F(CoordinatorServerTest, WatchGivesStoredEventsThenLiveOnesThenEnds) {
  auto stream = Attach("box");
  const v1::SubmitJobResponse job = Submit();
  stream->Read();
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_id(job.job().id());
  auto watch = control_->WatchJob(&context, request);
  v1::JobEvent event;
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.event_case(), v1::JobEvent::EVENT_NOT_SET);  // the watch has begun
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.run_changed().state(), v1::RUN_STATE_ASSIGNED);
  v1::GetJobResponse cancelled;
  v1::CancelJobRequest cancel;
  cancel.set_id(job.job().id());
  ASSERT_OK(Call(&v1::ControlService::Stub::CancelJob, cancel, &cancelled));
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.run_changed().state(), v1::RUN_STATE_CANCELLED);
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.job_ended(), v1::JOB_STATE_CANCELLED);
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_TRUE(watch->Finish().ok());

  // Whoever saw everything is not kept waiting.
  grpc::ClientContext again;
  request.set_after_seq(event.seq());
  auto rest = control_->WatchJob(&again, request);
  ASSERT_TRUE(rest->Read(&event));
  EXPECT_EQ(event.event_case(), v1::JobEvent::EVENT_NOT_SET);
  EXPECT_FALSE(rest->Read(&event));
  EXPECT_TRUE(rest->Finish().ok());
}

TEST_F(CoordinatorServerTest, WatchingNothingIsNotFound) {
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_id("ffffff");
  auto watch = control_->WatchJob(&context, request);
  v1::JobEvent event;
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(CoordinatorServerTest, StopsInOrderWithStreamsOpen) {
  auto stream = Attach("box");
  const v1::SubmitJobResponse job = Submit();
  stream->Read();
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_id(job.job().id());
  auto watch = control_->WatchJob(&context, request);
  v1::JobEvent event;
  ASSERT_TRUE(watch->Read(&event));
  ASSERT_TRUE(watch->Read(&event));
  const auto began = std::chrono::steady_clock::now();
  server_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_EQ(stream->Read().goodbye().reason(), "shutdown");
  EXPECT_EQ(stream->End().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CoordinatorServerTest, KeepsEverythingOverARestart) {
  const v1::SubmitJobResponse job = [&] {
    auto stream = Attach("box");
    return Submit();
  }();
  Start("127.0.0.1:0");
  v1::GetJobRequest request;
  request.set_id("last");
  v1::GetJobResponse response;
  ASSERT_OK(Call(&v1::ControlService::Stub::GetJob, request, &response));
  EXPECT_EQ(response.job().id(), job.job().id());
  EXPECT_EQ(response.runs_size(), 1);
}

TEST_F(CoordinatorServerTest, AMessageAboveTheLimitIsRefused) {
  v1::ImportResultsRequest request;
  request.set_json_lines(std::string(kMaxMessageBytes + 1, 'x'));
  v1::ImportResultsResponse response;
  EXPECT_THAT(Call(&v1::ControlService::Stub::ImportResults, request, &response),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("max")));
}

}  // namespace
}  // namespace laptime
