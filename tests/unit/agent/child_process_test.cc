#include "agent/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>

#include "agent/wake_pipe.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr milliseconds kPatience{20'000};

class ChildProcessTest : public ::testing::Test {
 protected:
  std::unique_ptr<ChildProcess> Shell(const std::string& script) {
    auto child =
        ChildProcess::Spawn({"/bin/sh", {"-c", script}, {{"LAPTIME_TEST", "told"}}, std::nullopt});
    EXPECT_OK(child);
    return *std::move(child);
  }
  // Reads until `done` says so or the child has ended.
  void ReadUntil(ChildProcess& child, const std::function<bool()>& done) {
    while (!ended_ && !done()) {
      const auto output = child.Wait(wake_.fd(), kPatience);
      out_ += output.out;
      err_ += output.err;
      ended_ = output.ended;
    }
  }
  void ReadAll(ChildProcess& child) {
    ReadUntil(child, [] { return false; });
  }

  WakePipe wake_ = *WakePipe::Open();
  std::string out_, err_;
  bool ended_ = false;
};

bool IsGone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

TEST_F(ChildProcessTest, GivesBackOutputErrorsAndExitCode) {
  auto child = Shell("echo out; echo err >&2; exit 3");
  ReadAll(*child);
  EXPECT_EQ(out_, "out\n");
  EXPECT_EQ(err_, "err\n");
  EXPECT_EQ(child->Reap().code, 3);
  EXPECT_FALSE(child->Reap().signal);
}

TEST_F(ChildProcessTest, ReadsMoreThanAPipeHolds) {
  auto child = Shell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2");
  ReadAll(*child);
  EXPECT_EQ(out_.size(), 1'000'000u);
  EXPECT_EQ(err_.size(), 1'000'000u);
}

TEST_F(ChildProcessTest, TellsTheSignalThatEndedIt) {
  auto child = Shell("kill -SEGV $$");
  ReadAll(*child);
  EXPECT_EQ(child->Reap().signal, SIGSEGV);
}

TEST_F(ChildProcessTest, GivesTheChildNothingToReadAndItsOwnEnvironment) {
  auto child = Shell("cat; echo $LAPTIME_TEST; ls /proc/self/fd 2>/dev/null | wc -l");
  ReadAll(*child);
  // ls itself opens the directory as its fourth descriptor.
  EXPECT_THAT(out_, ::testing::AnyOf("told\n4\n", "told\n0\n"));
}

TEST_F(ChildProcessTest, LeavesNoBlockedSignals) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto child = Shell("echo ready; exec cat /proc/self/status; sleep 1000");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ReadAll(*child);
  if (out_.find("SigBlk") == std::string::npos) GTEST_SKIP() << "no /proc here";
  EXPECT_THAT(out_, HasSubstr("SigBlk:\t0000000000000000"));
}

TEST_F(ChildProcessTest, IsWokenWhileItWaits) {
  auto child = Shell("exec cat /dev/zero > /dev/null");
  wake_.Wake();
  EXPECT_FALSE(child->Wait(wake_.fd(), kPatience).ended);
}

TEST_F(ChildProcessTest, ReachesTheWholeGroup) {
  auto child = Shell("sh -c 'trap \"\" HUP; echo $$; exec cat /dev/zero > /dev/null' & wait");
  ReadUntil(*child, [this] { return out_.find('\n') != std::string::npos; });
  const pid_t grandchild = std::stoi(out_);
  child->Signal(SIGTERM);
  ReadAll(*child);
  EXPECT_EQ(child->Reap().signal, SIGTERM);
  // The grandchild is init's to reap, but it runs no more.
  while (!IsGone(grandchild)) {
    std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
    std::string text(std::istreambuf_iterator<char>(stat), {});
    if (text.empty() || text.find(") Z ") != std::string::npos) break;
  }
}

TEST_F(ChildProcessTest, DoesNotWaitForAGrandchildThatKeepsThePipe) {
  auto child = Shell("cat /dev/zero > /dev/null & echo $!");
  ReadAll(*child);
  EXPECT_EQ(child->Reap().code, 0);
  EXPECT_TRUE(ended_);
}

TEST_F(ChildProcessTest, KillsAndReapsWhenDestroyed) {
  pid_t pid = 0;
  {
    auto child = Shell("trap '' TERM; echo ready; while :; do :; done");
    ReadUntil(*child, [this] { return out_ == "ready\n"; });
    pid = child->pid();
  }
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(ChildProcessTest, SaysThatThereIsNoSuchProgram) {
  EXPECT_THAT(
      ChildProcess::Spawn({"/nowhere/laptime-trainer", {}, {}, std::nullopt}),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("cannot start /nowhere/laptime-trainer")));
  const testing::TempDir dir;
  std::ofstream(dir.File("text")) << "no program";
  EXPECT_THAT(ChildProcess::Spawn({dir.File("text"), {}, {}, std::nullopt}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot start")));
}

TEST_F(ChildProcessTest, HoldsAPipeThatTellsTheChildOfItsParent) {
  auto spawned = ChildProcess::Spawn(
      {"/bin/sh", {"-c", "test -p /dev/fd/3 && echo pipe; kill -TERM $$"}, {}, 3});
  ASSERT_OK(spawned);
  ReadAll(**spawned);
  EXPECT_EQ(out_, "pipe\n");
}

}  // namespace
}  // namespace laptime::agent
