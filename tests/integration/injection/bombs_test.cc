// Messages that are meant to be too much for a coordinator: each is refused and told why, or borne,
// and takes no memory that stays or peaks by more than 32 MB. The coordinator is the real program,
// so that its memory is its own.

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <thread>

#include "laptime/v1/agent.grpc.pb.h"
#include "laptime/v1/control.grpc.pb.h"
#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "tests/testing/agent_hello.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

extern char** environ;

namespace laptime {
namespace {

constexpr int64_t kMostKib = 32 * 1024;

// laptime-server on a free port of loopback, until this object goes.
class ServerProgram {
 public:
  explicit ServerProgram(const std::string& state) {
    std::array<int, 2> out{};
    EXPECT_EQ(pipe(out.data()), 0);
    posix_spawn_file_actions_t files{};
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&files, out[0]);
    std::vector<std::string> words = {LAPTIME_SERVER, "serve", "--state",     state,
                                      "--port",       "0",     "--log-level", "error"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, LAPTIME_SERVER, &files, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(out[1]);
    std::string line;
    for (char letter = 0; read(out[0], &letter, 1) == 1 && letter != '\n';) line += letter;
    close(out[0]);
    address_ = line.substr(line.rfind(' ') + 1);
  }
  ~ServerProgram() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  ServerProgram(const ServerProgram&) = delete;
  ServerProgram& operator=(const ServerProgram&) = delete;

  const std::string& address() const { return address_; }

  // In KiB: "VmRSS" as it is, "VmHWM" the most since Forget.
  int64_t Memory(const std::string& what) const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string word; status >> word;) {
      int64_t value = 0;
      if (word == what + ":" && status >> value) return value;
    }
    return 0;
  }
  void Forget() const { std::ofstream("/proc/" + std::to_string(pid_) + "/clear_refs") << "5"; }

 private:
  pid_t pid_ = 0;
  std::string address_;
};

class BombsTest : public ::testing::Test {
 protected:
  BombsTest()
      : server_(dir_.File("state")),
        channel_(Channel()),
        control_(v1::ControlService::NewStub(channel_)) {}
  ~BombsTest() override {
    testing::PrintTried("S6",
                        "bombs refused with a typed error or borne, at most " +
                            std::to_string(most_ / 1024) + " MB more memory",
                        thrown_, HasFailure());
  }

  // Sends what the server will not take, too.
  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxSendMessageSize(-1);
    return grpc::CreateCustomChannel(server_.address(), grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  // What the server answers, and how much memory it took at most meanwhile: the first time, and
  // again, when what the first has left behind is there.
  void Throw(const std::string& name, const std::function<absl::Status()>& bomb,
             absl::StatusCode code) {
    for (const char* time : {"", ", again"}) {
      server_.Forget();
      const int64_t before = server_.Memory("VmRSS");
      const absl::Status status = bomb();
      const int64_t more = server_.Memory("VmHWM") - before;
      ++thrown_;
      most_ = std::max(most_, more);
      std::printf("%-52s %-20s %+6.1f MB\n", (name + time).c_str(),
                  absl::StatusCodeToString(status.code()).c_str(),
                  static_cast<double>(more) / 1024);
      EXPECT_EQ(status.code(), code) << name << ": " << status.ToString().substr(0, 300);
#ifndef LAPTIME_SANITIZED
      EXPECT_LE(more, kMostKib) << name << time;
#endif
    }
  }

  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (v1::ControlService::Stub::*method)(grpc::ClientContext*,
                                                                     const Request&, Response*),
                    const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    Response response;
    return FromGrpc((control_.get()->*method)(&context, request, &response));
  }
  absl::Status Submit(const v1::SubmitJobRequest& request) {
    return Call<v1::SubmitJobRequest, v1::SubmitJobResponse>(&v1::ControlService::Stub::SubmitJob,
                                                             request);
  }
  absl::Status Import(const std::string& lines) {
    v1::ImportResultsRequest request;
    request.set_json_lines(lines);
    return Call<v1::ImportResultsRequest, v1::ImportResultsResponse>(
        &v1::ControlService::Stub::ImportResults, request);
  }
  absl::Status List(const std::string& filter) {
    v1::ListRunsRequest request;
    request.set_filter(filter);
    return Call<v1::ListRunsRequest, v1::ListRunsResponse>(&v1::ControlService::Stub::ListRuns,
                                                           request);
  }

  // One agent's stream with that message first; how the stream ends, or OK when it is welcome.
  absl::Status SayHello(const v1::AgentMessage& message) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto stub = v1::AgentService::NewStub(Channel());
    const auto call = stub->Attach(&context);
    call->Write(message);
    v1::CoordinatorMessage answer;
    const bool answered = call->Read(&answer);
    if (answered) context.TryCancel();
    while (call->Read(&answer)) {
    }
    const grpc::Status status = call->Finish();
    return answered ? absl::OkStatus() : FromGrpc(status);
  }
  // A run under way: what is reported of others is not looked at.
  void StartRun() {
    v1::SubmitJobRequest request;
    request.set_workload("simclr-cifar10");
    request.add_selectors("box/cpu");
    EXPECT_OK(SayHello(Hello()));
    EXPECT_OK(Submit(request));
    grpc::ClientContext context;
    const auto stub = v1::AgentService::NewStub(Channel());
    const auto call = stub->Attach(&context);
    call->Write(Hello());
    v1::CoordinatorMessage message;
    while (!message.has_start_run() && call->Read(&message)) {
    }
    attempt_ = message.start_run().attempt();
    EXPECT_FALSE(attempt_.run_id().empty());
    context.TryCancel();
  }
  // The run as people see it.
  absl::Status ShowRun() {
    v1::GetRunRequest request;
    request.set_id(attempt_.run_id());
    return Call<v1::GetRunRequest, v1::GetRunResponse>(&v1::ControlService::Stub::GetRun, request);
  }
  // Hello, then, after `welcomed`, messages about the run as fast as the server lets them in; the
  // last is a report, and how it was taken is returned.
  absl::Status Report(
      const std::vector<v1::AgentMessage>& messages,
      const std::function<void()>& welcomed = [] {}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto stub = v1::AgentService::NewStub(Channel());
    const auto call = stub->Attach(&context);
    v1::AgentMessage hello = Hello();
    v1::HeldAttempt& held = *hello.mutable_hello()->add_attempts();
    *held.mutable_attempt() = attempt_;
    held.set_alive(true);
    call->Write(hello);
    v1::CoordinatorMessage answer;
    call->Read(&answer);
    welcomed();
    for (const v1::AgentMessage& message : messages) call->Write(message);
    const uint64_t last = messages.back().report().seq();
    bool acknowledged = false;
    while (!acknowledged && call->Read(&answer))
      acknowledged = answer.report_ack().through_seq() >= last;
    if (acknowledged) context.TryCancel();
    while (call->Read(&answer)) {
    }
    const grpc::Status status = call->Finish();
    return acknowledged ? absl::OkStatus() : FromGrpc(status);
  }
  static v1::AgentMessage Hello() { return testing::HelloOf("id-box", "box"); }
  v1::AgentMessage ReportOf() {
    v1::AgentMessage message;
    message.mutable_report()->set_seq(++seq_);
    *message.mutable_report()->mutable_attempt() = attempt_;
    return message;
  }

  std::vector<v1::AgentMessage> LogChunks(int count) {
    std::vector<v1::AgentMessage> reports;
    for (int i = 0; i < count; ++i) {
      reports.push_back(ReportOf());
      reports.back().mutable_report()->mutable_log_chunk()->set_text(std::string(4'100'000, 'x'));
    }
    return reports;
  }

  testing::TempDir dir_;
  ServerProgram server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ControlService::Stub> control_;
  int thrown_ = 0;
  int64_t most_ = 0;  // KiB that a bomb took
  v1::AttemptRef attempt_;
  uint64_t seq_ = 0;
};

std::string Deep(int levels) { return std::string(static_cast<size_t>(levels), '['); }
std::string DeepObject(int levels) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += "{\"a\":";
  return text + "1" + std::string(static_cast<size_t>(levels), '}');
}

TEST_F(BombsTest, RequestsOfPeople) {
  using Code = absl::StatusCode;
  v1::SubmitJobRequest job;
  job.set_workload("simclr-cifar10");
  Throw(
      "a message of 5 MB",
      [&] {
        v1::SubmitJobRequest large = job;
        large.set_idempotency_key(std::string(5'000'000, 'x'));
        return Submit(large);
      },
      Code::kResourceExhausted);
  Throw(
      "a message of just under 4 MB",
      [&] {
        v1::SubmitJobRequest large = job;
        large.set_idempotency_key(std::string(4'190'000, 'x'));
        return Submit(large);
      },
      Code::kInvalidArgument);
  Throw(
      "a workload of 1 MB, one value",
      [&] {
        v1::SubmitJobRequest large = job;
        (*large.mutable_settings())["epochs"] = std::string(1'000'000, '9');
        return Submit(large);
      },
      Code::kInvalidArgument);
  Throw(
      "a workload of 1 MB, 50,000 keys",
      [&] {
        v1::SubmitJobRequest large = job;
        for (int i = 0; i < 50'000; ++i)
          (*large.mutable_settings())["key" + std::to_string(i)] = "1";
        return Submit(large);
      },
      Code::kInvalidArgument);
  Throw(
      "100,000 selectors",
      [&] {
        v1::SubmitJobRequest large = job;
        for (int i = 0; i < 100'000; ++i) large.add_selectors("host=*a*b*c*");
        return Submit(large);
      },
      Code::kInvalidArgument);
  Throw(
      "a filter of 4 MB", [&] { return List(std::string(4'000'000, '(')); },
      Code::kInvalidArgument);
  Throw(
      "an import of 100,000 levels of lists", [&] { return Import(Deep(100'000)); },
      Code::kInvalidArgument);
  Throw(
      "an import of 100,000 levels of objects", [&] { return Import(DeepObject(100'000)); },
      Code::kInvalidArgument);
  Throw(
      "an import with a deep value",
      [&] {
        return Import(
            "{\"source\":\"a\",\"device\":\"d\",\"kind\":\"cpu\",\"workload\":"
            "\"simclr-cifar10\",\"epoch_seconds\":" +
            DeepObject(100'000) + "}");
      },
      Code::kInvalidArgument);
  Throw(
      "an import of 2,000,000 empty lines", [&] { return Import(std::string(2'000'000, '\n')); },
      Code::kInvalidArgument);
}

TEST_F(BombsTest, MessagesOfAgents) {
  using Code = absl::StatusCode;
  StartRun();
  Throw(
      "a Hello of 5 MB",
      [&] {
        v1::AgentMessage hello = Hello();
        hello.mutable_hello()->mutable_host()->set_os(std::string(5'000'000, 'x'));
        return SayHello(hello);
      },
      Code::kResourceExhausted);
  Throw(
      "a snapshot of 100,000 levels",
      [&] {
        v1::AgentMessage report = ReportOf();
        report.mutable_report()->mutable_started()->set_snapshot_json(DeepObject(100'000));
        return Report({report});
      },
      Code::kOk);
  // Where the coordinator looks for a value: what copies or prints one recurses.
  for (const char* place : {R"({"dataset":)", R"({"dataset":{"name":)", R"({"host":{"os":)",
                            R"({"run_in_parallel":)", R"({"power":{"source":)"}) {
    const std::string opened = place;
    Throw(
        opened + " of 100,000 levels",
        [&] {
          v1::AgentMessage report = ReportOf();
          report.mutable_report()->mutable_started()->set_snapshot_json(
              opened + DeepObject(100'000) + std::string(std::ranges::count(opened, '{'), '}'));
          return Report({report});
        },
        Code::kOk);
  }
  Throw(
      "200,000 samples in one report",
      [&] {
        v1::AgentMessage report = ReportOf();
        v1::SampleSeries& series = *report.mutable_report()->mutable_samples()->add_series();
        for (int i = 0; i < 200'000; ++i) {
          series.add_times_ms(i);
          series.add_values(i);
        }
        return Report({report});
      },
      Code::kOk);
  Throw(
      "a log chunk of 4 MB", [&] { return Report(LogChunks(1)); }, Code::kOk);
  Throw(
      "40 log chunks of 4 MB, one after the other", [&] { return Report(LogChunks(40)); },
      Code::kOk);
  Throw(
      "40 answers of 4 MB that nobody asked for",
      [&] {
        std::vector<v1::AgentMessage> answers(40);
        for (v1::AgentMessage& answer : answers) {
          v1::CommandResult& result = *answer.mutable_command_result();
          result.set_command_id("1");
          result.mutable_failure()->set_message(std::string(4'100'000, 'x'));
        }
        answers.push_back(ReportOf());
        answers.back().mutable_report()->mutable_log_chunk()->set_text("x");
        return Report(answers);
      },
      Code::kOk);
  Throw(
      "40 log chunks of 4 MB while the disk stands still",
      [&] {
        // Somebody else writes for a second: long enough for all of them to arrive.
        SQLite::Database database(dir_.File("state/laptime.db"), SQLite::OPEN_READWRITE);
        std::jthread other;
        return Report(LogChunks(40), [&] {
          database.exec("BEGIN IMMEDIATE");
          other = std::jthread([&] {
            std::this_thread::sleep_for(std::chrono::seconds(1));
            database.exec("ROLLBACK");
          });
        });
      },
      Code::kOk);
  EXPECT_OK(ShowRun());
  EXPECT_OK(List(""));
}

}  // namespace
}  // namespace laptime
