#include "client/job_follow.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <future>
#include <sstream>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "tests/testing/status_matchers.h"

namespace laptime::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// A coordinator that plays a script: one job with one run, and what each watch sends before it
// breaks.
class ScriptedControl : public v1::ControlService::Service {
 public:
  struct WatchScript {
    std::vector<std::string> events;  // text format
    grpc::Status end = grpc::Status::OK;
    bool hangs = false;  // after the events, until the caller goes away
  };

  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::ServerInfo* info) override {
    info->set_version("0.1.0");
    return grpc::Status::OK;
  }

  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*,
                      v1::GetJobResponse* response) override {
    *response = Job(watches_done() ? v1::JOB_STATE_SUCCEEDED : v1::JOB_STATE_RUNNING);
    return grpc::Status::OK;
  }

  grpc::Status SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest* request,
                         v1::SubmitJobResponse* response) override {
    keys.push_back(request->idempotency_key());
    if (static_cast<int>(keys.size()) <= failing_submits)
      return {grpc::StatusCode::UNAVAILABLE, "stopping"};
    if (refusal) return *refusal;
    *response->mutable_job() = Job(v1::JOB_STATE_QUEUED).job();
    *response->add_runs() = Job(v1::JOB_STATE_QUEUED).runs(0);
    return grpc::Status::OK;
  }

  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::JobEvent>* writer) override {
    after.push_back(request->after_seq());
    const WatchScript script = watches[std::min(after.size(), watches.size()) - 1];
    for (const std::string& event : script.events) writer->Write(FromText<v1::JobEvent>(event));
    if (script.hangs) {
      hanging.set_value();
      while (!context->IsCancelled()) std::this_thread::yield();
    }
    return script.end;
  }

  bool watches_done() const { return after.size() >= watches.size(); }

  static v1::GetJobResponse Job(v1::JobState state) {
    auto job = FromText<v1::GetJobResponse>(
        R"(job { id: "j1" repeats: 1 runs: 1 workload { name: "w" steps_per_epoch: 3 } }
           runs { id: "r1" job_id: "j1" device: "box/cpu" kind: DEVICE_KIND_CPU epochs: 2 state: RUN_STATE_QUEUED })");
    job.mutable_job()->set_state(state);
    if (state == v1::JOB_STATE_SUCCEEDED) job.mutable_runs(0)->set_state(v1::RUN_STATE_SUCCEEDED);
    return job;
  }

  std::vector<WatchScript> watches;
  std::vector<int64_t> after;  // what each watch asked for
  std::vector<std::string> keys;
  int failing_submits = 0;
  std::optional<grpc::Status> refusal;
  std::promise<void> hanging;
};

class JobFollowTest : public ::testing::Test {
 protected:
  JobFollowTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&control_);
    server_ = builder.BuildAndStart();
  }
  ~JobFollowTest() override {
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }

  Session Make(GlobalOptions options = {}) {
    SettingSources sources;
    sources.flags = options.settings;
    sources.flags.emplace("server", "127.0.0.1:" + std::to_string(port_));
    sources.environment = [](const std::string&) { return std::nullopt; };
    return {*LoadSettings(sources), options, {out_, err_, in_}, interrupt_};
  }

  ScriptedControl control_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::istringstream in_;
  Interrupt interrupt_;
};

constexpr char kBegun[] = R"(job_id: "j1")";
constexpr char kRunning[] =
    R"(seq: 1 run_id: "r1" run_changed { state: RUN_STATE_RUNNING attempt: 1 })";
constexpr char kLapOne[] = R"(seq: 2 run_id: "r1" epoch_finished { number: 1 wall_seconds: 3 })";
constexpr char kProgress[] = R"(run_id: "r1" progress { step { epoch: 2 step: 1 steps: 3 } })";
constexpr char kLapTwo[] = R"(seq: 3 run_id: "r1" epoch_finished { number: 2 wall_seconds: 4 })";
constexpr char kEnded[] =
    R"(seq: 5 run_id: "r1" run_changed { state: RUN_STATE_SUCCEEDED attempt: 1 })";
constexpr char kJobEnded[] = R"(seq: 6 job_id: "j1" job_ended: JOB_STATE_SUCCEEDED)";

TEST_F(JobFollowTest, FollowsToTheEndAndPrintsTheRuns) {
  control_.watches = {{{kRunning, kLapOne, kProgress, kLapTwo, kEnded, kJobEnded}}};
  Session session = Make();
  EXPECT_EQ(FollowJob(session, "j1", {}, {}), kExitOk);
  EXPECT_EQ(err_.str(),
            "box/cpu: running\nbox/cpu: epoch 1/2 in 3.00 s\nbox/cpu: epoch 2/2 in 4.00 "
            "s\nbox/cpu: succeeded\n");
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("RUN"), HasSubstr("r1"), HasSubstr("succeeded")));
}

TEST_F(JobFollowTest, ComesBackAfterTheCoordinatorAndTellsNothingTwice) {
  control_.watches = {{{kRunning, kLapOne}, {grpc::StatusCode::UNAVAILABLE, "stopping"}},
                      {{}, grpc::Status::OK},
                      {{kLapOne, kLapTwo, kEnded, kJobEnded}}};
  Session session = Make();
  EXPECT_EQ(FollowJob(session, "j1", {}, {}), kExitOk);
  EXPECT_THAT(control_.after, ElementsAre(0, 2, 2));
  EXPECT_EQ(err_.str(),
            "box/cpu: running\nbox/cpu: epoch 1/2 in 3.00 s\n"
            "the coordinator went away; the runs go on, trying again\nthe coordinator is back\n"
            "box/cpu: epoch 2/2 in 4.00 s\nbox/cpu: succeeded\n");
}

// A job that waits in a queue has nothing to tell, before and after the coordinator's restarts.
TEST_F(JobFollowTest, AQuietJobOutlivesTheCoordinatorToo) {
  control_.watches = {{{}, {grpc::StatusCode::UNAVAILABLE, "stopping"}},
                      {{kBegun}, {grpc::StatusCode::UNAVAILABLE, "stopping"}},
                      {{kBegun, kRunning, kEnded, kJobEnded}}};
  Session session = Make();
  EXPECT_EQ(FollowJob(session, "j1", {}, {}), kExitOk);
  EXPECT_EQ(err_.str(),
            "the coordinator went away; the runs go on, trying again\nthe coordinator is back\n"
            "the coordinator went away; the runs go on, trying again\nthe coordinator is back\n"
            "box/cpu: running\nbox/cpu: succeeded\n");
}

TEST_F(JobFollowTest, OneRunIsEnough) {
  control_.watches = {{{kRunning, kEnded}, grpc::Status::OK, /*hangs=*/true}};
  Session session = Make();
  FollowOptions options;
  options.only_run = "r1";
  EXPECT_EQ(FollowJob(session, "j1", options, {}), kExitOk);
}

TEST_F(JobFollowTest, StopDetachesAndSaysHowToComeBack) {
  control_.watches = {{{kRunning}, grpc::Status::OK, /*hangs=*/true}, {}};
  Session session = Make();
  std::stop_source stop;
  auto code = std::async(std::launch::async,
                         [&] { return FollowJob(session, "j1", {}, stop.get_token()); });
  control_.hanging.get_future().wait();
  stop.request_stop();
  EXPECT_EQ(code.get(), kExitInterrupted);
  EXPECT_THAT(err_.str(), HasSubstr("`laptime job watch j1 --server 127.0.0.1:" +
                                    std::to_string(port_) + "` comes back"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(JobFollowTest, TimesOut) {
  control_.watches = {{{kRunning}, grpc::Status::OK, /*hangs=*/true}, {}};
  GlobalOptions options;
  options.settings["timeout"] = "0.3";
  Session session = Make(options);
  EXPECT_EQ(FollowJob(session, "j1", {}, {}), kExitTimedOut);
  EXPECT_THAT(err_.str(), HasSubstr("has not ended within 0.3 s"));
}

TEST_F(JobFollowTest, SilentSaysNothing) {
  control_.watches = {{{kRunning, kEnded, kJobEnded}}};
  Session session = Make();
  FollowOptions options;
  options.silent = true;
  EXPECT_EQ(FollowJob(session, "j1", options, {}), kExitOk);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(JobFollowTest, SubmitRepeatsWithTheSameKey) {
  control_.failing_submits = 2;
  control_.watches = {{{kRunning, kEnded, kJobEnded}}};
  Session session = Make();
  SubmitOptions options;
  options.workload = "w";
  EXPECT_EQ(RunSubmit(session, options), kExitOk);
  ASSERT_EQ(control_.keys.size(), 3u);
  EXPECT_EQ(control_.keys[0], control_.keys[2]);
  EXPECT_THAT(err_.str(), HasSubstr("job j1: w, 3 steps an epoch, 2 epochs, on box/cpu\n"));
}

TEST_F(JobFollowTest, DetachPrintsTheIdAlone) {
  Session session = Make();
  SubmitOptions options;
  options.workload = "w";
  options.detach = true;
  EXPECT_EQ(RunSubmit(session, options), kExitOk);
  EXPECT_EQ(out_.str(), "j1\n");
}

TEST_F(JobFollowTest, NoDeviceIsSix) {
  control_.refusal = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                                  "no device matches 'kind=mps'\nthere are 2");
  Session session = Make();
  SubmitOptions options;
  options.workload = "w";
  EXPECT_EQ(RunSubmit(session, options), kExitNoDevice);
  EXPECT_EQ(err_.str(), "error: no device matches 'kind=mps'\nhint: there are 2\n");
}

TEST_F(JobFollowTest, UnreachableIsSaidWithinASecond) {
  GlobalOptions options;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  Session session = Make(options);
  SubmitOptions submit;
  submit.workload = "w";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(RunSubmit(session, submit), kExitUnreachable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("no coordinator answers at 127.0.0.1:" + std::to_string(port_)),
                    Not(HasSubstr("went away"))));
}

}  // namespace
}  // namespace laptime::client
