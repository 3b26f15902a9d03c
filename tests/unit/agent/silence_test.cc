#include "agent/silence.h"

#include <gtest/gtest.h>

namespace laptime::agent {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SilenceTest, AddsUpWhatWasWaited) {
  Silence silence;
  silence.Waited(seconds(10), seconds(10));
  silence.Waited(seconds(10), seconds(3));
  EXPECT_EQ(silence.length(), seconds(13));
  silence.Broken();
  EXPECT_EQ(silence.length(), seconds(0));
}

TEST(SilenceTest, DoesNotCountTheTimeInWhichTheMachineSlept) {
  Silence silence;
  silence.Waited(seconds(10), hours(8));
  EXPECT_LT(silence.length(), seconds(12));
}

TEST(SilenceTest, ForgivesABusyMachine) {
  Silence silence;
  silence.Waited(milliseconds(100), milliseconds(400));
  EXPECT_EQ(silence.length(), milliseconds(400));
}

}  // namespace
}  // namespace laptime::agent
