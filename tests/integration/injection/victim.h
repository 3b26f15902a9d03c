#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <string>

#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "server/coordinator_server.h"
#include "tests/integration/injection/effects.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::testing {

// A real coordinator on loopback with its database, an attached host "box" and a run that has
// ended, in a directory in which nothing else may appear: this process's working directory is in
// it.
class VictimTest : public ::testing::Test {
 protected:
  using AgentStream = grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>;

  // One agent's stream, used by the test's thread.
  struct Agent {
    grpc::ClientContext context;
    std::unique_ptr<v1::AgentService::Stub> stub;
    std::unique_ptr<AgentStream> call;

    bool Say(const v1::AgentMessage& message) { return call->Write(message); }
    // The next message of the kind; an empty one when the stream ends first.
    v1::CoordinatorMessage Await(v1::CoordinatorMessage::MessageCase kind);
    // True once every report up to `seq` is acknowledged.
    bool AwaitAck(uint64_t seq);
  };

  VictimTest();
  ~VictimTest() override;

  std::string outside() const { return (dir_.path() / "outside").string(); }
  const std::string& address() const { return server_->address(); }

  static v1::AgentMessage Hello();
  // A stream that has said nothing yet.
  std::unique_ptr<Agent> Connect();
  static v1::AgentMessage ReportOf(uint64_t seq, const v1::AttemptRef& attempt);
  // Submits one run on box/cpu.
  void Submit();

  // From here to there nothing has changed but what `grown` and `free` say (see Effects).
  void ExpectNoEffects(const std::string& what, const std::map<std::string, int64_t>& grown = {},
                       const std::set<std::string>& free = {});

  TempDir dir_;
  std::filesystem::path home_;  // where this process was
  SystemClock clock_;
  std::unique_ptr<CoordinatorServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ControlService::Stub> control_;
  std::unique_ptr<Agent> box_;
  uint64_t seq_ = 0;               // of box's reports
  v1::AttemptRef done_, running_;  // box's attempts
  std::unique_ptr<Effects> effects_;
};

}  // namespace laptime::testing
