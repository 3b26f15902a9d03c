#include "client/patience.h"

#include <gtest/gtest.h>

#include "proto/support/pause.h"
#include "tests/testing/fake_clock.h"

namespace laptime::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(PatienceTest, WaitsLongerAndLongerButNeverBeyondTheLongest) {
  laptime::testing::FakeClock clock;
  Patience patience(clock, seconds(60));
  milliseconds ceiling = kRetryFirst;
  for (int i = 0; i < 20; ++i) {
    const milliseconds wait = patience.NextWait();
    EXPECT_GT(wait.count(), 0);
    EXPECT_LE(wait, ceiling);
    ceiling = std::min(kRetryLongest, 2 * ceiling);
  }
}

TEST(PatienceTest, EndsAtItsLimit) {
  laptime::testing::FakeClock clock;
  Patience patience(clock, seconds(60));
  patience.NextWait();
  clock.Advance(seconds(59));
  EXPECT_GT(patience.NextWait().count(), 0);
  clock.Advance(seconds(1));
  EXPECT_EQ(patience.NextWait().count(), 0);
}

TEST(PatienceTest, SuccessStartsTheLimitAnew) {
  laptime::testing::FakeClock clock;
  Patience patience(clock, seconds(60));
  patience.NextWait();
  clock.Advance(seconds(50));
  patience.Succeeded();
  clock.Advance(seconds(50));
  EXPECT_GT(patience.NextWait().count(), 0);
  clock.Advance(seconds(50));
  EXPECT_GT(patience.NextWait().count(), 0);
}

TEST(WaitForTest, EndsAtOnceWhenStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(Pause(std::chrono::hours(1), stop.get_token()));
}

}  // namespace
}  // namespace laptime::client
