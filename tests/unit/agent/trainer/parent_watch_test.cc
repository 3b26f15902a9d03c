#include "agent/trainer/parent_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/trainer/contract.h"

namespace laptime::trainer {
namespace {

TEST(ParentWatchTest, GivesUpWhenTheParentIsAnother) {
  EXPECT_EXIT(ParentWatch(getpid(), std::nullopt), ::testing::ExitedWithCode(kExitStopped), "");
}

TEST(ParentWatchTest, ExitsAtTheEndOfTheParentsPipe) {
  EXPECT_EXIT(
      {
        int fds[2];
        if (pipe(fds) != 0) _exit(1);
        const ParentWatch watch(std::nullopt, fds[0]);
        close(fds[1]);
        pause();
      },
      ::testing::ExitedWithCode(kExitStopped), "");
}

TEST(ParentWatchTest, StopsWatchingWhenDestroyed) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  { const ParentWatch watch(std::nullopt, fds[0]); }
  close(fds[1]);
  close(fds[0]);
}

}  // namespace
}  // namespace laptime::trainer
