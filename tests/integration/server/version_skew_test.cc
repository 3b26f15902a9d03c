// Agents of other versions on the wire: raw streams that say another protocol, and bytes that this
// version does not know.

#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/grpcpp.h>

#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

constexpr int kUnknownField = 1900;

class VersionSkewTest : public ::testing::Test {
 protected:
  VersionSkewTest() {
    CoordinatorServerOptions options;
    options.state_dir = dir_.File("state");
    options.grpc.address = "127.0.0.1:0";
    server_ = CoordinatorServer::Start(options, clock_).value();
  }

  // What a coordinator answers to a Hello of that protocol.
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<v1::AgentService::Stub> stub;
    std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>> call;
    v1::CoordinatorMessage first;

    absl::Status End() {
      v1::CoordinatorMessage message;
      while (call->Read(&message)) {
      }
      return FromGrpc(call->Finish());
    }
  };
  std::unique_ptr<Stream> Attach(int protocol) {
    auto stream = std::make_unique<Stream>();
    stream->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream->stub = v1::AgentService::NewStub(NewChannel(server_->address()));
    stream->call = stream->stub->Attach(&stream->context);
    v1::AgentMessage message;
    v1::Hello& hello = *message.mutable_hello();
    hello.set_protocol(protocol);
    hello.mutable_host()->set_id("id");
    hello.mutable_host()->set_name("box");
    hello.set_spool_id("spool");
    hello.add_devices()->set_name("cpu");
    hello.mutable_devices(0)->set_kind(v1::DEVICE_KIND_CPU);
    AddUnknown(hello);
    AddUnknown(*hello.mutable_host());
    stream->call->Write(message);
    stream->call->Read(&stream->first);
    return stream;
  }

  static void AddUnknown(google::protobuf::Message& message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(
        kUnknownField, "something of a later version");
  }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<CoordinatorServer> server_;
};

TEST_F(VersionSkewTest, AnAgentOneVersionNewerIsSpokenToInOurs) {
  const auto stream = Attach(kProtocolVersion + 1);
  ASSERT_TRUE(stream->first.has_welcome());
  EXPECT_EQ(stream->first.welcome().protocol(), kProtocolVersion);
  // It sends what we do not know; we go on, and a report still counts.
  v1::AgentMessage unknown;
  AddUnknown(unknown);
  ASSERT_TRUE(stream->call->Write(unknown));
  auto control = v1::ControlService::NewStub(NewChannel(server_->address()));
  v1::SubmitJobRequest submit;
  submit.set_workload("simclr-cifar10");
  submit.add_selectors("kind=cpu");
  AddUnknown(submit);
  v1::SubmitJobResponse job;
  grpc::ClientContext context;
  ASSERT_OK(FromGrpc(control->SubmitJob(&context, submit, &job)));
  v1::CoordinatorMessage start;
  ASSERT_TRUE(stream->call->Read(&start));
  v1::AgentMessage report;
  report.mutable_report()->set_seq(3);
  *report.mutable_report()->mutable_attempt() = start.start_run().attempt();
  report.mutable_report()->mutable_epoch_finished()->set_number(1);
  AddUnknown(*report.mutable_report()->mutable_epoch_finished());
  ASSERT_TRUE(stream->call->Write(report));
  v1::CoordinatorMessage ack;
  ASSERT_TRUE(stream->call->Read(&ack));
  EXPECT_EQ(ack.report_ack().through_seq(), 3U);
}

TEST_F(VersionSkewTest, AnAgentTwoVersionsAwayIsTold) {
  for (const int protocol : {kProtocolVersion + 2, kProtocolVersion - 2, 0}) {
    const auto stream = Attach(protocol);
    EXPECT_FALSE(stream->first.has_welcome()) << protocol;
    const absl::Status end = stream->End();
    EXPECT_THAT(end, StatusIs(absl::StatusCode::kInvalidArgument,
                              HasSubstr("agent speaks protocol " + std::to_string(protocol))));
    EXPECT_THAT(HintOf(end), HasSubstr("the same version"));
  }
}

TEST_F(VersionSkewTest, ServerInfoTellsTheProtocol) {
  auto control = v1::ControlService::NewStub(NewChannel(server_->address()));
  grpc::ClientContext context;
  v1::ServerInfo info;
  ASSERT_OK(FromGrpc(control->GetServerInfo(&context, v1::GetServerInfoRequest(), &info)));
  EXPECT_EQ(info.protocol(), kProtocolVersion);
}

}  // namespace
}  // namespace laptime
