#include "agent/trainer/stop_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "agent/trainer/failure.h"

namespace laptime::trainer {
namespace {

void AwaitRequest(const StopSignal& stop) {
  while (!stop.requested()) std::this_thread::yield();
}

// Each in a child process, which a signal that is not taken would end.
TEST(StopSignalTest, IsAskedForInsteadOfEndingTheProcess) {
  EXPECT_EXIT(
      {
        const StopSignal stop([] { _exit(1); }, std::chrono::hours(1));
        if (stop.requested()) _exit(2);
        kill(getpid(), SIGTERM);
        AwaitRequest(stop);
        try {
          stop.Check();
        } catch (const Stopped&) {
          _exit(0);
        }
        _exit(3);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(StopSignalTest, SaysWhenTheGraceTimeIsOver) {
  EXPECT_EXIT(
      {
        const StopSignal stop([] { _exit(7); }, std::chrono::milliseconds(0));
        kill(getpid(), SIGINT);
        pause();
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(StopSignalTest, StopsWaitingWhenDestroyed) {
  EXPECT_EXIT(
      {
        {
          const StopSignal idle([] { _exit(1); });
        }
        {
          const StopSignal stop([] { _exit(2); }, std::chrono::hours(1));
          kill(getpid(), SIGTERM);
          AwaitRequest(stop);
        }
        _exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace laptime::trainer
