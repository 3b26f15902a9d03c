#include "agent/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "agent/dataset_files.h"
#include "proto/support/mutex.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Waits for the end of an attempt, and for anything else that becomes true.
class Watcher : public AttemptEvents {
 public:
  void OnReport() override { Notify(); }
  void OnProgress(v1::Progress progress) override {
    MutexLock lock(mu_);
    phases_.push_back(progress.step().phase());
    changed_.notify_all();
  }
  void OnAttemptOver(const v1::AttemptRef&) override {
    MutexLock lock(mu_);
    over_ = true;
    changed_.notify_all();
  }

  void Reset() {
    MutexLock lock(mu_);
    over_ = false;
  }
  void WaitForEnd() {
    MutexLock lock(mu_);
    ASSERT_TRUE(changed_.wait_for(mu_, seconds(30),
                                  [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return over_; }));
  }
  void WaitUntil(const std::function<bool()>& condition) {
    MutexLock lock(mu_);
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      changed_.wait_for(mu_, milliseconds(20));
    }
    ASSERT_TRUE(condition());
  }
  void WaitForPhase(const std::string& phase) {
    MutexLock lock(mu_);
    ASSERT_TRUE(changed_.wait_for(mu_, seconds(30), [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return std::ranges::find(phases_, phase) != phases_.end();
    }));
  }

 private:
  void Notify() {
    MutexLock lock(mu_);
    changed_.notify_all();
  }

  Mutex mu_;
  std::condition_variable_any changed_;
  std::vector<std::string> phases_ ABSL_GUARDED_BY(mu_);
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    options_.trainer = LAPTIME_FAKE_TRAINER;
    options_.machine_lock = dir_.File("machine.lock");
    options_.lock_poll = milliseconds(5);
    device_.device.set_name("cpu");
    device_.device.set_kind(v1::DEVICE_KIND_CPU);
    device_.device.set_address("cpu");
    start_.mutable_attempt()->set_run_id("run");
    start_.mutable_attempt()->set_number(1);
    start_.set_workload("simclr-synthetic-cifar10");
    start_.set_config_json(R"({"dataset":"synthetic-cifar10","epochs":3})");
    unsetenv("LAPTIME_FAKE_GATE");
  }

  void Begin(const std::string& script) {
    setenv("LAPTIME_FAKE_SCRIPT", script.c_str(), 1);
    attempt_ = RunnerStarter(options_, {clock_, state_, facts_, nullptr, outbox_, *spool_})
                   .Start(start_, device_, seconds(1), watcher_);
    ASSERT_NE(attempt_, nullptr);
  }
  // The last report of the whole attempt.
  v1::Report End() {
    watcher_.WaitForEnd();
    attempt_.reset();
    return Reports().back();
  }
  v1::Report Play(const std::string& script) {
    Begin(script);
    return End();
  }
  std::vector<v1::Report> Reports() { return *spool_->ReadFrom(0, 10'000); }
  std::string Log() {
    std::string text;
    for (const v1::Report& report : Reports()) text += report.log_chunk().text();
    return text;
  }
  int Epochs() {
    const auto reports = Reports();
    return static_cast<int>(
        std::ranges::count_if(reports, [](const v1::Report& r) { return r.has_epoch_finished(); }));
  }
  pid_t TrainerPid() {
    for (const v1::Report& report : Reports()) {
      if (report.has_started()) return report.started().trainer().pid();
    }
    return -1;
  }
  // Lets the script wait after its first epoch.
  void SetGate() { setenv("LAPTIME_FAKE_GATE", dir_.File("gate").c_str(), 1); }

  testing::TempDir dir_;
  SystemClock clock_;
  StateDir state_ = *StateDir::Open(dir_.path() / "state");
  HostFacts facts_;
  std::unique_ptr<Spool> spool_ = *Spool::Open(state_.spool_path(), {});
  Outbox outbox_{*spool_};
  Watcher watcher_;
  RunnerOptions options_;
  OfferedDevice device_;
  v1::StartRun start_;
  std::unique_ptr<Attempt> attempt_;
};

MATCHER_P2(FailedWith, cause, message, "") {
  *result_listener << arg.ShortDebugString();
  return arg.has_failed() && arg.failed().cause() == cause &&
         ::testing::Matches(message)(arg.failed().message());
}

constexpr auto kInfrastructure = v1::FAILURE_CAUSE_INFRASTRUCTURE;
constexpr auto kSetup = v1::FAILURE_CAUSE_SETUP;

TEST_F(RunnerTest, ReportsARunFromStartToEnd) {
  const v1::Report end = Play("succeed");
  ASSERT_TRUE(end.has_finished()) << end.ShortDebugString();
  EXPECT_EQ(end.finished().trainer().epochs(), 3);
  EXPECT_EQ(end.finished().warm_up().warm_up_seconds(), 0.2);
  EXPECT_EQ(Epochs(), 3);
  EXPECT_GT(TrainerPid(), 0);
  EXPECT_THAT(Log(), AllOf(StartsWith("train --device cpu"), HasSubstr(" --config /"),
                           Not(HasSubstr("--threads"))));
}

TEST_F(RunnerTest, TellsTheTrainerWhatAndOnWhat) {
  device_.device.set_threads(1);
  options_.data_dir = "/some/data";  // which generated images do not need
  ASSERT_TRUE(Play("succeed").has_finished());
  EXPECT_THAT(Log(), AllOf(Not(HasSubstr("--data")), HasSubstr("--threads 1")));
  std::ifstream file(state_.path() / "attempts" / "run-1" / "config.json");
  const auto config = nlohmann::json::parse(file);
  EXPECT_EQ(config["workload"], "simclr-synthetic-cifar10");
  EXPECT_EQ(config["config"]["epochs"], 3);
}

TEST_F(RunnerTest, ACheckpointWaitsForTheNextAttempt) {
  const std::filesystem::path checkpoint = *state_.CheckpointOf("run");
  std::ofstream(checkpoint) << "state";
  ASSERT_TRUE(Play("crash").has_failed());
  EXPECT_THAT(Log(), HasSubstr("--checkpoint " + checkpoint.string()));
  EXPECT_TRUE(std::filesystem::exists(checkpoint));
}

TEST_F(RunnerTest, LetsNoTrainerGoOnBeyondTheEpochsThatWereStored) {
  ASSERT_OK(spool_->Record(start_));
  ASSERT_TRUE(Play("crash").has_failed());
  EXPECT_THAT(Log(), HasSubstr("--resume-at-most 0"));
  const int epochs = Epochs();
  ASSERT_GT(epochs, 0);
  start_.mutable_attempt()->set_number(2);
  ASSERT_OK(spool_->Record(start_));
  watcher_.Reset();
  ASSERT_TRUE(Play("succeed").has_finished());
  EXPECT_THAT(Log(), HasSubstr("--resume-at-most " + std::to_string(epochs)));
}

TEST_F(RunnerTest, ACheckpointGoesWhenTheRunHasSucceeded) {
  const std::filesystem::path checkpoint = *state_.CheckpointOf("run");
  std::ofstream(checkpoint) << "state";
  ASSERT_TRUE(Play("succeed").has_finished());
  EXPECT_FALSE(std::filesystem::exists(checkpoint));
}

TEST_F(RunnerTest, PassesOnWhatTheTrainerSaysOfItsFailure) {
  const v1::Report end = Play("workload-failure");
  EXPECT_THAT(end, FailedWith(v1::FAILURE_CAUSE_WORKLOAD, "the loss is not finite"));
  EXPECT_EQ(end.failed().hint(), "this is a test");
  EXPECT_EQ(Epochs(), 1);
}

TEST_F(RunnerTest, PassesOnASetUpFailure) {
  EXPECT_THAT(Play("setup-failure"), FailedWith(kSetup, "the data set is missing"));
}

TEST_F(RunnerTest, ReportsACrashAndKeepsTheLastLines) {
  EXPECT_THAT(Play("crash"),
              FailedWith(kInfrastructure, "trainer was killed by signal 11 (SIGSEGV)"));
  EXPECT_THAT(Log(), HasSubstr("about to crash"));
}

TEST_F(RunnerTest, ReportsAKillByTheKernel) {
  const v1::Report end = Play("kill");
  EXPECT_THAT(end, FailedWith(kInfrastructure, "trainer was killed by signal 9 (SIGKILL)"));
  EXPECT_THAT(end.failed().hint(), HasSubstr("the run's log"));
}

TEST_F(RunnerTest, ReportsAnExitCodeWithoutAWord) {
  EXPECT_THAT(Play("exit"), FailedWith(kInfrastructure, "trainer ended with exit code 7"));
}

TEST_F(RunnerTest, ReportsATrainerThatDoesNotUnderstandItsConfiguration) {
  EXPECT_THAT(Play("usage"), FailedWith(kSetup, HasSubstr("did not understand")));
}

TEST_F(RunnerTest, ReportsATrainerThatLeavesBeforeItFinished) {
  EXPECT_THAT(Play("no-finished"),
              FailedWith(kInfrastructure, "trainer ended without finishing the run"));
}

TEST_F(RunnerTest, KillsATrainerThatPrintsGarbage) {
  EXPECT_THAT(
      Play("garbage"),
      FailedWith(kInfrastructure, "trainer printed a line that is no event: not json at all"));
  EXPECT_EQ(Epochs(), 1);
}

TEST_F(RunnerTest, ShowsOnlyPrintableGarbage) {
  EXPECT_THAT(Play("garbage-first"),
              FailedWith(kInfrastructure, HasSubstr("Hello?[31m, I am no event")));
}

TEST_F(RunnerTest, KillsATrainerWhoseLineDoesNotEnd) {
  EXPECT_THAT(Play("huge-line"),
              FailedWith(kInfrastructure, HasSubstr("printed a line of more than")));
}

TEST_F(RunnerTest, KillsATrainerThatCountsALapTwice) {
  EXPECT_THAT(Play("epoch-twice"),
              FailedWith(kInfrastructure, HasSubstr("epoch 1 came after epoch 1")));
  EXPECT_EQ(Epochs(), 1);
}

TEST_F(RunnerTest, KillsATrainerThatFinishesTooEarly) {
  EXPECT_THAT(Play("finished-early"),
              FailedWith(kInfrastructure, HasSubstr("after 1 of 3 epochs")));
}

TEST_F(RunnerTest, KillsASilentTrainer) {
  options_.limits.stall_timeout = milliseconds(300);
  EXPECT_THAT(Play("silent"),
              FailedWith(kInfrastructure, "trainer gave no sign of life for 300 ms"));
}

TEST_F(RunnerTest, KillsATrainerThatFallsSilent) {
  options_.limits.stall_timeout = milliseconds(300);
  EXPECT_THAT(Play("hang"), FailedWith(kInfrastructure, HasSubstr("no sign of life")));
  EXPECT_EQ(Epochs(), 1);
}

// Nothing here can make a process that SIGKILL does not end, as one that a driver holds: it is the
// patience that is short.
TEST_F(RunnerTest, ARunEndsThoughItsTrainerDoesNot) {
  options_.limits.stall_timeout = milliseconds(300);
  options_.limits.death_grace = milliseconds(0);
  Play("hang");
  std::vector<v1::Report> ends;
  for (const v1::Report& report : Reports()) {
    if (report.has_failed() || report.has_finished()) ends.push_back(report);
  }
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_THAT(ends[0], FailedWith(kSetup, HasSubstr("does not end")));
}

TEST_F(RunnerTest, DoesNotWaitForATrainerThatFinishedAndStays) {
  options_.limits.exit_grace = milliseconds(50);
  EXPECT_TRUE(Play("linger").has_finished());
  EXPECT_THAT(Log(), HasSubstr("finished the run and then ended with signal 9"));
}

TEST_F(RunnerTest, CarriesANonFiniteLoss) {
  EXPECT_TRUE(Play("nan").has_finished());
  const auto reports = Reports();
  const auto epoch =
      std::ranges::find_if(reports, [](const v1::Report& r) { return r.has_epoch_finished(); });
  EXPECT_TRUE(std::isnan(epoch->epoch_finished().mean_loss()));
}

TEST_F(RunnerTest, StopsATrainerOnRequest) {
  SetGate();
  Begin("succeed");
  watcher_.WaitUntil([this] { return Epochs() == 1; });
  const pid_t trainer = TrainerPid();
  attempt_->Stop(StopCause::kStopRun);
  const v1::Report end = End();
  EXPECT_TRUE(end.has_stopped()) << end.ShortDebugString();
  EXPECT_NE(kill(trainer, 0), 0);
}

TEST_F(RunnerTest, KillsATrainerThatIgnoresSigterm) {
  options_.limits.stop_grace = milliseconds(100);
  Begin("ignore-term");
  watcher_.WaitForPhase("deaf");
  const pid_t trainer = TrainerPid();
  attempt_->Stop(StopCause::kStopRun);
  EXPECT_TRUE(End().has_stopped());
  EXPECT_NE(kill(trainer, 0), 0);
}

TEST_F(RunnerTest, EndsTheAttemptWhenTheAgentStops) {
  SetGate();
  Begin("succeed");
  watcher_.WaitUntil([this] { return Epochs() == 1; });
  attempt_->Stop(StopCause::kAgentStopping);
  EXPECT_THAT(End(), FailedWith(kInfrastructure, "the agent was stopped during the run"));
}

TEST_F(RunnerTest, SaysThatThereIsNoTrainer) {
  options_.trainer = dir_.File("nothing");
  const v1::Report end = Play("succeed");
  EXPECT_THAT(end, FailedWith(kSetup, HasSubstr("cannot start " + dir_.File("nothing"))));
  EXPECT_THAT(end.failed().hint(), HasSubstr("LAPTIME_TRAINER"));
}

TEST_F(RunnerTest, MayTryAgainWhenTheTrainerCannotBeStartedJustNow) {
  options_.trainer = dir_.File("trainer");
  std::filesystem::copy_file(LAPTIME_FAKE_TRAINER, options_.trainer);
  const std::ofstream being_replaced(options_.trainer, std::ios::app);
  const v1::Report end = Play("succeed");
  if (end.has_finished()) GTEST_SKIP() << "skipped: this kernel executes what is being written";
  EXPECT_THAT(end, FailedWith(kInfrastructure, HasSubstr("cannot start " + dir_.File("trainer"))));
  EXPECT_EQ(end.failed().hint(), "");
}

TEST_F(RunnerTest, FailsBeforeTheTrainerWhenTheDataSetIsMissing) {
  options_.data_dir = dir_.path();
  start_.set_config_json(R"({"dataset":"cifar10","epochs":3})");
  const v1::Report end = Play("succeed");
  EXPECT_THAT(end, FailedWith(kSetup, HasSubstr("data_batch_1.bin")));
  EXPECT_THAT(end.failed().hint(), HasSubstr("data fetch"));
  EXPECT_EQ(TrainerPid(), -1);
}

TEST_F(RunnerTest, TrainsOnTheVeryFilesThatItHashed) {
  options_.data_dir = dir_.File("data");
  const std::filesystem::path nested = options_.data_dir / "cifar-10-batches-bin";
  for (const std::filesystem::path& dir : {options_.data_dir, nested}) {
    std::filesystem::create_directories(dir);
    for (const std::string& name : DatasetFileNames()) {
      std::ofstream(dir / name).close();
      std::filesystem::resize_file(dir / name, 10'000 * 3'073);
    }
  }
  start_.set_config_json(R"({"dataset":"cifar10","epochs":3})");
  ASSERT_TRUE(Play("succeed").has_finished());
  EXPECT_THAT(Log(), HasSubstr("--data " + nested.string()));
}

TEST_F(RunnerTest, WaitsForItsTurnOnTheMachine) {
  auto other = *MachineLock::Open(options_.machine_lock);
  ASSERT_TRUE(other.TryLock(MachineLock::Mode::kAlone));
  Begin("succeed");
  watcher_.WaitUntil([this] {
    return Log().find("waiting: another run, or a probe, is under way") != std::string::npos;
  });
  EXPECT_EQ(TrainerPid(), -1);
  other = *MachineLock::Open(dir_.File("elsewhere"));
  EXPECT_TRUE(End().has_finished());
}

TEST_F(RunnerTest, CanBeStoppedWhileItWaits) {
  auto other = *MachineLock::Open(options_.machine_lock);
  ASSERT_TRUE(other.TryLock(MachineLock::Mode::kAlone));
  Begin("succeed");
  attempt_->Stop(StopCause::kStopRun);
  EXPECT_TRUE(End().has_stopped());
  EXPECT_EQ(TrainerPid(), -1);
}

TEST_F(RunnerTest, RunsBesideOthersWhenTheOperatorAllowsIt) {
  options_.run_in_parallel = true;
  auto other = *MachineLock::Open(options_.machine_lock);
  ASSERT_TRUE(other.TryLock(MachineLock::Mode::kShared));
  EXPECT_TRUE(Play("succeed").has_finished());
}

TEST_F(RunnerTest, LeavesNoProcessWhenItIsDestroyed) {
  SetGate();
  Begin("succeed");
  watcher_.WaitUntil([this] { return Epochs() == 1; });
  const pid_t trainer = TrainerPid();
  attempt_.reset();
  EXPECT_NE(kill(trainer, 0), 0);
}

}  // namespace
}  // namespace laptime::agent
