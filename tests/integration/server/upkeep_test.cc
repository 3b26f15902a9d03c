// Backup, check and garbage collection over the wire.

#include <grpcpp/grpcpp.h>

#include <fstream>

#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "storage/store.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

class UpkeepTest : public ::testing::Test {
 protected:
  UpkeepTest() : server_(Start(dir_.File("state"))) {
    control_ = v1::ControlService::NewStub(NewChannel(server_->address()));
  }

  std::unique_ptr<CoordinatorServer> Start(const std::string& state_dir) {
    CoordinatorServerOptions options;
    options.state_dir = state_dir;
    options.grpc.address = "127.0.0.1:0";
    return CoordinatorServer::Start(options, clock_).value();
  }

  static int Imported(v1::ControlService::Stub& control) {
    grpc::ClientContext context;
    v1::GetTableResponse table;
    EXPECT_OK(FromGrpc(control.GetTable(&context, v1::GetTableRequest(), &table)));
    return table.rows_size();
  }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<CoordinatorServer> server_;
  std::unique_ptr<v1::ControlService::Stub> control_;
};

TEST_F(UpkeepTest, ABackupIsADatabaseThatServes) {
  grpc::ClientContext context;
  auto stream = control_->BackUp(&context, v1::BackUpRequest());
  std::string bytes;
  v1::BackUpResponse part;
  while (stream->Read(&part) && !part.has_end()) bytes += part.data();
  ASSERT_TRUE(part.has_end());
  EXPECT_FALSE(stream->Read(&part));
  ASSERT_OK(FromGrpc(stream->Finish()));
  EXPECT_EQ(part.end().bytes(), static_cast<double>(bytes.size()));
  EXPECT_EQ(part.end().sha256(), Sha256Hex(bytes));
  std::filesystem::create_directory(dir_.File("restored"));
  std::ofstream(dir_.File("restored/laptime.db"), std::ios::binary) << bytes;
  const auto restored = Start(dir_.File("restored"));
  const auto control = v1::ControlService::NewStub(NewChannel(restored->address()));
  EXPECT_GT(Imported(*control), 0);
  EXPECT_EQ(Imported(*control), Imported(*control_));
}

TEST_F(UpkeepTest, OnlySoManyAtATime) {
  // Larger than what lies on the way to a client that does not read.
  storage::StoreOptions large;
  large.path = dir_.File("large/laptime.db");
  std::string text = "\"";
  text.append(40'000'000, 'x').append("\"");
  ASSERT_OK((*storage::Store::Open(large))->Write([&text](storage::Transaction& tx) {
    return tx.InsertImported({"hash", text, false, 1}).status();
  }));
  const auto server = Start(dir_.File("large"));
  const auto control = v1::ControlService::NewStub(NewChannel(server->address()));
  grpc::ClientContext first;
  grpc::ClientContext second;
  const auto one = control->BackUp(&first, v1::BackUpRequest());
  const auto other = control->BackUp(&second, v1::BackUpRequest());
  v1::BackUpResponse part;
  ASSERT_TRUE(one->Read(&part));  // both have their place, and the rest waits for a reader
  ASSERT_TRUE(other->Read(&part));
  const auto check = [&] {
    grpc::ClientContext context;
    v1::CheckDatabaseResponse checked;
    return FromGrpc(control->CheckDatabase(&context, v1::CheckDatabaseRequest(), &checked));
  };
  EXPECT_THAT(check(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("under way")));
  first.TryCancel();
  (void)one->Finish();
  // Its place comes free as soon as the coordinator has seen it go.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  absl::Status checked = check();
  while (!checked.ok() && std::chrono::steady_clock::now() < deadline) checked = check();
  EXPECT_OK(checked);
  second.TryCancel();
  (void)other->Finish();
}

TEST_F(UpkeepTest, ChecksAndCollects) {
  grpc::ClientContext context;
  v1::CheckDatabaseResponse checked;
  ASSERT_OK(FromGrpc(control_->CheckDatabase(&context, v1::CheckDatabaseRequest(), &checked)));
  EXPECT_GE(checked.checks_size(), 10);
  for (const v1::DatabaseCheck& check : checked.checks()) EXPECT_EQ(check.wrong(), 0);
  grpc::ClientContext again;
  v1::CollectGarbageResponse collected;
  ASSERT_OK(FromGrpc(control_->CollectGarbage(&again, v1::CollectGarbageRequest(), &collected)));
  EXPECT_EQ(collected.runs(), 0);
  EXPECT_EQ(collected.keep_days(), 180);
  grpc::ClientContext wrong;
  v1::CollectGarbageRequest never;
  never.set_keep_days(-1);
  EXPECT_THAT(FromGrpc(control_->CollectGarbage(&wrong, never, &collected)),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
}

}  // namespace
}  // namespace laptime
