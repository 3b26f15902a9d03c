// SQL and path injections in every text of a machine's requests to join and to renew, against a
// real coordinator with certificates.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "laptime/v1/access.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/access_token.h"
#include "proto/support/pem.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "server/security/failure_limit.h"
#include "server/security/initialise.h"
#include "tests/integration/injection/effects.h"
#include "tests/integration/injection/payloads.h"
#include "tests/integration/injection/text_fields.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::testing {
namespace {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class EnrollInjectionTest : public ::testing::Test {
 protected:
  EnrollInjectionTest() : home_(fs::current_path()) {
    for (const char* name : {"outside", "here"}) fs::create_directories(dir_.path() / name);
    fs::current_path(dir_.path() / "here");
    // A minute passes at will, so that the limit of failures stops nobody here.
    clock_.Advance(std::chrono::system_clock::now() - clock_.WallNow());
    EXPECT_OK(Initialise({dir_.File("state"), {}}, clock_));
    CoordinatorServerOptions options;
    options.state_dir = dir_.File("state");
    options.grpc.address = "127.0.0.1:0";
    auto server = CoordinatorServer::Start(options, clock_);
    EXPECT_OK(server);
    server_ = *std::move(server);
    ca_ = Slurp(dir_.path() / "state" / "ca.pem");
    token_ = NewMachineToken();
    signing_request_ = *NewSigningRequest(**NewPrivateKey());
    stub_ = v1::EnrollService::NewStub(NewChannel(server_->address(), {.ca = ca_}));
    effects_ = std::make_unique<Effects>(dir_.path(), dir_.path() / "state" / "laptime.db");
  }
  ~EnrollInjectionTest() override {
    server_.reset();
    fs::current_path(home_);
  }

  AccessToken NewMachineToken() const {
    const auto admin = ParseAccessToken(Slurp(dir_.path() / "state" / "admin.token"));
    EXPECT_OK(admin);
    const auto control = v1::ControlService::NewStub(
        NewChannel(server_->address(), {.ca = ca_, .bearer = admin->bearer()}));
    v1::CreateTokenRequest request;
    request.set_role(v1::ROLE_AGENT);
    request.set_uses(10'000);
    request.set_ttl_seconds(std::chrono::seconds(std::chrono::hours(24 * 300)).count());
    v1::CreateTokenResponse response;
    grpc::ClientContext context;
    EXPECT_OK(FromGrpc(control->CreateToken(&context, request, &response)));
    const auto token = ParseAccessToken(response.text());
    EXPECT_OK(token);
    return *token;
  }

  v1::JoinRequest RightRequest() const {
    v1::JoinRequest request;
    request.set_token_id(token_.id);
    request.set_token_secret(token_.secret);
    request.set_host_id("host");
    request.set_signing_request(signing_request_);
    return request;
  }

  // Whether it was let in.
  bool Try(const v1::JoinRequest& request, const std::string& what) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::JoinResponse response;
    const absl::Status status = FromGrpc(stub_->Join(&context, request, &response));
    const bool typed = status.ok() || absl::IsUnauthenticated(status) ||
                       absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status);
    EXPECT_TRUE(typed) << what << ": " << status;
    if (!status.ok()) clock_.Advance(std::chrono::seconds(kFailureWindow) / (kMaxFailures - 1));
    return status.ok();
  }

  TempDir dir_;
  const fs::path home_;
  FakeClock clock_;
  std::unique_ptr<CoordinatorServer> server_;
  std::string ca_, signing_request_;
  AccessToken token_;
  std::unique_ptr<v1::EnrollService::Stub> stub_;
  std::unique_ptr<Effects> effects_;
};

TEST_F(EnrollInjectionTest, NoTextOfAMachineThatJoinsDoesMoreThanBeStored) {
  std::vector<Payload> payloads = SqlPayloads((dir_.path() / "outside").string());
  for (Payload& path : PathPayloads((dir_.path() / "outside").string()))
    payloads.push_back(std::move(path));
  int tried = 0;
  int64_t joined = 0;
  for (const TextField& field : TextFields(*v1::JoinRequest::descriptor())) {
    for (const Payload& payload : payloads) {
      v1::JoinRequest request = RightRequest();
      PutText(request, field, payload.text);
      const bool let_in = Try(request, field.name + " <- " + payload.text);
      ++tried;
      joined += let_in ? 1 : 0;
      EXPECT_TRUE(!let_in || field.name == "host_id") << field.name << " <- " << payload.text;
    }
  }
  // Each certificate spends a use of the token and is in the audit log.
  EXPECT_THAT(effects_->Found({{"certificate", joined}}, {"audit"}), ::testing::IsEmpty());
  PrintTried("S7", "injections in what joining machines say, " + std::to_string(joined) + " joined",
             tried, HasFailure());
  EXPECT_GE(tried, 500);
  EXPECT_TRUE(Try(RightRequest(), "and the right one")) << "the control: a right request joins";
}

}  // namespace
}  // namespace laptime::testing
