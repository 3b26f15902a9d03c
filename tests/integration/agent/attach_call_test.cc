#include "agent/attach_call.h"

#include <gmock/gmock.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>
#include <vector>

#include "proto/support/channel.h"
#include "tests/testing/status_matchers.h"

namespace laptime::agent {
namespace {

using std::chrono::seconds;
using ::testing::Not;
using testing::StatusIs;

// Collects what a stream tells.
class Events : public LinkEvents {
 public:
  void OnMessage(v1::CoordinatorMessage message) override {
    MutexLock lock(mu_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  void OnClosed(absl::Status status) override {
    MutexLock lock(mu_);
    closed_ = std::move(status);
    changed_.notify_all();
  }

  std::vector<v1::CoordinatorMessage> WaitForMessages(size_t count) {
    MutexLock lock(mu_);
    changed_.wait_for(mu_, seconds(30), [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return messages_.size() >= count;
    });
    return messages_;
  }
  std::optional<absl::Status> WaitForClose() {
    MutexLock lock(mu_);
    changed_.wait_for(mu_, seconds(30),
                      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return closed_.has_value(); });
    return closed_;
  }

 private:
  Mutex mu_;
  std::condition_variable_any changed_;
  std::vector<v1::CoordinatorMessage> messages_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(mu_);
};

// A coordinator that acknowledges every report, and ends the stream as it is told when a Heartbeat
// comes.
class EchoService : public v1::AgentService::Service {
 public:
  grpc::Status end = grpc::Status::OK;

  grpc::Status Attach(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::CoordinatorMessage, v1::AgentMessage>* stream) override {
    v1::AgentMessage message;
    while (stream->Read(&message)) {
      if (message.has_heartbeat()) return end;
      v1::CoordinatorMessage ack;
      ack.mutable_report_ack()->set_through_seq(message.report().seq());
      stream->Write(ack);
    }
    return grpc::Status::OK;
  }
};

class AttachCallTest : public ::testing::Test {
 protected:
  AttachCallTest() {
    Serve();
    connector_.emplace("127.0.0.1:" + std::to_string(port_));
  }
  ~AttachCallTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  // On the port of the server before, if there was one.
  void Serve() {
    grpc::ServerBuilder builder;
    ConfigureServer(builder);
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port_),
                             grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }

  static v1::AgentMessage Report(uint64_t seq) {
    v1::AgentMessage message;
    message.mutable_report()->set_seq(seq);
    return message;
  }
  static v1::AgentMessage Heartbeat() {
    v1::AgentMessage message;
    message.mutable_heartbeat();
    return message;
  }

  EchoService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::optional<GrpcConnector> connector_;
  Events events_;
};

TEST_F(AttachCallTest, CarriesMessagesBothWaysInOrder) {
  const auto link = connector_->Connect(events_);
  for (uint64_t seq = 1; seq <= 500; ++seq) ASSERT_TRUE(link->Send(Report(seq)));
  const auto messages = events_.WaitForMessages(500);
  ASSERT_EQ(messages.size(), 500u);
  for (size_t i = 0; i < messages.size(); ++i)
    EXPECT_EQ(messages[i].report_ack().through_seq(), i + 1);
}

TEST_F(AttachCallTest, TellsWhyTheServerEndedTheStream) {
  service_.end = grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "another agent is named box");
  const auto link = connector_->Connect(events_);
  ASSERT_TRUE(link->Send(Heartbeat()));
  const auto closed = events_.WaitForClose();
  ASSERT_TRUE(closed);
  EXPECT_THAT(*closed, StatusIs(absl::StatusCode::kAlreadyExists, "another agent is named box"));
  EXPECT_FALSE(link->Send(Report(1)));
}

TEST_F(AttachCallTest, EndsWhenItIsDestroyedInTheMiddle) {
  auto link = connector_->Connect(events_);
  for (uint64_t seq = 1; seq <= 100; ++seq) link->Send(Report(seq));
  link.reset();
  EXPECT_TRUE(events_.WaitForClose());
}

TEST_F(AttachCallTest, OpensOneStreamAfterTheOther) {
  for (int i = 0; i < 5; ++i) {
    Events events;
    const auto link = connector_->Connect(events);
    link->Send(Report(7));
    EXPECT_EQ(events.WaitForMessages(1).size(), 1u);
  }
}

TEST_F(AttachCallTest, ClosesWhenTheServerGoesAway) {
  const auto link = connector_->Connect(events_);
  link->Send(Report(1));
  ASSERT_EQ(events_.WaitForMessages(1).size(), 1u);
  server_->Shutdown(std::chrono::system_clock::now());
  const auto closed = events_.WaitForClose();
  ASSERT_TRUE(closed);
  EXPECT_THAT(*closed, Not(testing::IsOk()));
}

TEST_F(AttachCallTest, AfterAFailureItIsThereAsSoonAsTheServerIs) {
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
  Events before;
  auto link = connector_->Connect(before);
  ASSERT_TRUE(before.WaitForClose());
  link.reset();
  link = connector_->Connect(events_);
  ASSERT_TRUE(link->Send(Report(1)));
  Serve();
  EXPECT_EQ(events_.WaitForMessages(1).size(), 1u);
}

TEST(AttachCallToNobodyTest, ClosesAsUnavailable) {
  Events events;
  GrpcConnector connector("127.0.0.1:1");
  const auto link = connector.Connect(events);
  const auto closed = events.WaitForClose();
  ASSERT_TRUE(closed);
  EXPECT_THAT(*closed, StatusIs(absl::StatusCode::kUnavailable, ::testing::_));
}

}  // namespace
}  // namespace laptime::agent
