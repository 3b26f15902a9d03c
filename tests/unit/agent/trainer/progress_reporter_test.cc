#include "agent/trainer/progress_reporter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace laptime::trainer {
namespace {

using std::chrono::milliseconds;

TEST(ProgressReporterTest, WritesAtMostTwiceASecond) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  EventWriter events(fds[1]);
  std::chrono::steady_clock::time_point time{};
  ProgressReporter reporter(events, [&time] { return time; });
  for (int i = 0; i < 100; ++i, time += milliseconds(20))
    reporter.Report({1, i, 100, std::nullopt, 5.0, "train"});
  close(fds[1]);
  char buffer[8192];
  const ssize_t size = read(fds[0], buffer, sizeof(buffer));
  close(fds[0]);
  EXPECT_EQ(std::count(buffer, buffer + size, '\n'), 4);  // at 0, 0.5, 1 and 1.5 of two seconds
}

}  // namespace
}  // namespace laptime::trainer
