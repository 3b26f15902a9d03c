#include "client/child_process.h"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <future>
#include <iterator>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Optional;
using Clock = std::chrono::steady_clock;

std::unique_ptr<ChildProcess> Shell(const std::string& script, const std::string& error_file = "",
                                    std::function<void()> on_exit = nullptr) {
  auto child = ChildProcess::Start({"/bin/sh", {"-c", script}, error_file}, std::move(on_exit));
  EXPECT_OK(child);
  return *std::move(child);
}

TEST(ChildProcessTest, ReadsLinesAndTheExitCode) {
  const auto child = Shell("echo one; printf two; exit 3");
  const auto deadline = Clock::now() + seconds(20);
  EXPECT_THAT(child->ReadLine(deadline, {}), Optional(std::string("one")));
  EXPECT_THAT(child->ReadLine(deadline, {}), Optional(std::string("two")));
  EXPECT_EQ(child->ReadLine(deadline, {}), std::nullopt);
  EXPECT_THAT(child->Wait(deadline), Optional(3));
}

TEST(ChildProcessTest, TellsOfItsEndOnce) {
  std::promise<void> ended;
  const auto child = Shell("exit 0", "", [&ended] { ended.set_value(); });
  EXPECT_EQ(ended.get_future().wait_for(seconds(20)), std::future_status::ready);
  EXPECT_THAT(child->exit_code(), Optional(0));
}

TEST(ChildProcessTest, AppendsStandardErrorToTheFile) {
  const TempDir dir;
  std::ofstream(dir.File("log")) << "before\n";
  const auto child = Shell("echo words >&2", dir.File("log"));
  EXPECT_THAT(child->Wait(Clock::now() + seconds(20)), Optional(0));
  std::ifstream in(dir.File("log"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "before\nwords\n");
}

TEST(ChildProcessTest, StopEndsTheWholeGroup) {
  const auto child = Shell("sleep 1000 & echo $!; wait");
  const auto grandchild = child->ReadLine(Clock::now() + seconds(20), {});
  ASSERT_TRUE(grandchild);
  child->Stop(seconds(10));
  EXPECT_THAT(child->exit_code(), Optional(128 + SIGTERM));
  // It dies in its own time, and is then gone or waits for init to reap it.
  const auto ended = [&grandchild] {
    std::ifstream stat("/proc/" + *grandchild + "/stat");
    const std::string text(std::istreambuf_iterator<char>(stat), {});
    return text.empty() || text.find(") Z ") != std::string::npos;
  };
  const auto deadline = Clock::now() + seconds(20);
  while (!ended() && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(ended());
}

TEST(ChildProcessTest, KillsWhatDoesNotListen) {
  const auto child = Shell("trap '' TERM; echo ready; while :; do sleep 1; done");
  ASSERT_THAT(child->ReadLine(Clock::now() + seconds(20), {}), Optional(std::string("ready")));
  child->Stop(std::chrono::milliseconds(50));
  EXPECT_THAT(child->exit_code(), Optional(128 + SIGKILL));
}

TEST(ChildProcessTest, ReceivesSignalsThatThisProcessBlocks) {
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  const auto child = Shell("echo ready; exec sleep 1000");
  ASSERT_TRUE(child->ReadLine(Clock::now() + seconds(20), {}));
  child->Stop(seconds(10));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(child->exit_code(), Optional(128 + SIGTERM));
}

TEST(ChildProcessTest, ReadingEndsAtTheDeadlineAndWhenStopped) {
  const auto child = Shell("exec sleep 1000");
  EXPECT_EQ(child->ReadLine(Clock::now() + std::chrono::milliseconds(10), {}), std::nullopt);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(child->ReadLine(Clock::now() + seconds(100), stop.get_token()), std::nullopt);
}

TEST(ChildProcessTest, MissingProgramIsAnError) {
  EXPECT_THAT(ChildProcess::Start({"/nonexistent/laptime-server", {}, ""}, nullptr),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nonexistent/laptime-server")));
}

TEST(RunProgramTest, CollectsBothOutputs) {
  const auto result = RunProgram("/bin/sh", {"-c", "echo out; echo err >&2; exit 4"}, seconds(20));
  ASSERT_OK(result);
  EXPECT_EQ(result->output, "out\nerr\n");
  EXPECT_EQ(result->exit_code, 4);
}

TEST(RunProgramTest, GivesUpAtItsLimit) {
  EXPECT_THAT(RunProgram("/bin/sleep", {"1000"}, std::chrono::milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("sleep")));
}

}  // namespace
}  // namespace laptime::client
