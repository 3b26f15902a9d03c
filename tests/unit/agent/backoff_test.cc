#include "agent/backoff.h"

#include <gtest/gtest.h>

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, StaysBetweenHalfASecondAndACeilingThatDoubles) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    Backoff backoff(random);
    for (const milliseconds ceiling :
         {milliseconds(1000), milliseconds(2000), kMaxBackoff, kMaxBackoff}) {
      const milliseconds wait = backoff.Next();
      EXPECT_GE(wait, kMinBackoff);
      EXPECT_LE(wait, ceiling);
    }
  }
}

TEST(BackoffTest, SpreadsOverTheWholeRange) {
  std::mt19937_64 random(2);
  Backoff backoff(random);
  for (int i = 0; i < 3; ++i) backoff.Next();
  int early = 0, late = 0;
  for (int i = 0; i < 200; ++i) {
    const milliseconds wait = backoff.Next();
    early += wait < milliseconds(1000);
    late += wait > milliseconds(3500);
  }
  EXPECT_GT(early, 10);
  EXPECT_GT(late, 10);
}

TEST(BackoffTest, IsShortAgainAfterReset) {
  std::mt19937_64 random(3);
  Backoff backoff(random);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(1000));
}

}  // namespace
}  // namespace laptime::agent
