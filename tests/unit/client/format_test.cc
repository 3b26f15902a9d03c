#include "client/format.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

TEST(SignificantTest, KeepsThreeDigitsWithoutAnExponent) {
  EXPECT_EQ(Significant(0.4944), "0.494");
  EXPECT_EQ(Significant(6.75), "6.75");
  EXPECT_EQ(Significant(59.3), "59.3");
  EXPECT_EQ(Significant(1234.5), "1234");
  EXPECT_EQ(Significant(0.00012345), "0.000123");
  EXPECT_EQ(Significant(0), "0");
  EXPECT_EQ(Significant(-2.5), "-2.50");
}

TEST(SignificantTest, RoundsUpIntoTheNextDecade) {
  EXPECT_EQ(Significant(9.999), "10.0");
  EXPECT_EQ(Significant(0.9996), "1.00");
}

TEST(SignificantTest, NamesWhatIsNoNumber) {
  EXPECT_EQ(Significant(std::nan("")), "NaN");
  EXPECT_EQ(Significant(INFINITY), "inf");
}

TEST(DurationTest, ChoosesTheUnit) {
  EXPECT_EQ(Duration(0.42), "0.420 s");
  EXPECT_EQ(Duration(12.34), "12.3 s");
  EXPECT_EQ(Duration(59.9), "59.9 s");
  EXPECT_EQ(Duration(59.97), "1m00");
  EXPECT_EQ(Duration(161), "2m41");
  EXPECT_EQ(Duration(3599.6), "1h00m");
  EXPECT_EQ(Duration(3780), "1h03m");
}

TEST(ShareTest, HasADecimalWhileItIsSmall) {
  EXPECT_EQ(Share(1e-7), "0.0 %");
  EXPECT_EQ(Share(0.025), "2.5 %");
  EXPECT_EQ(Share(0.0994), "9.9 %");
  EXPECT_EQ(Share(0.0996), "10 %");
  EXPECT_EQ(Share(0.5), "50 %");
}

TEST(SignedPercentTest, HasASignAndADecimalBelowAHundred) {
  EXPECT_EQ(SignedPercent(2.46), "+2.5 %");
  EXPECT_EQ(SignedPercent(-31), "-31.0 %");
  EXPECT_EQ(SignedPercent(-0.04), "0.0 %");
  EXPECT_EQ(SignedPercent(120), "+120 %");
}

TEST(TimesTest, IsAFactor) {
  EXPECT_EQ(Times(8.785), "8.79×");
  EXPECT_EQ(Times(8.7851, 4), "8.785×");
}

TEST(CountedTest, OneIsNotMany) {
  EXPECT_EQ(Counted(0, "run"), "0 runs");
  EXPECT_EQ(Counted(1, "run"), "1 run");
  EXPECT_EQ(Counted(2, "run"), "2 runs");
}

TEST(BytesTest, UsesPowersOfTen) {
  EXPECT_EQ(Bytes(512e6), "512 MB");
  EXPECT_EQ(Bytes(16.4e9), "16.4 GB");
  EXPECT_EQ(Bytes(999.6), "1.00 kB");
}

TEST(ExactTest, ReadsBackAsTheSameNumber) {
  EXPECT_EQ(Exact(0.1), "0.1");
  EXPECT_EQ(std::stod(Exact(1.0 / 3)), 1.0 / 3);
}

TEST(TimeTest, IsUtcInCsv) {
  const UtcZone utc;
  EXPECT_EQ(UtcTime(1763925005123), "2025-11-23T19:10:05Z");
  EXPECT_EQ(LocalTime(1763925005123), "2025-11-23 19:10:05");
}

TEST(WordTest, DropsThePrefixOfTheEnum) {
  EXPECT_EQ(Word(v1::RUN_STATE_SUCCEEDED), "succeeded");
  EXPECT_EQ(Word(v1::VALIDITY_NOT_EVALUATED), "not evaluated");
  EXPECT_EQ(Word(v1::DEVICE_KIND_MPS), "mps");
  EXPECT_EQ(Word(v1::JOB_STATE_CANCELLED), "cancelled");
  EXPECT_EQ(Word(v1::DEVICE_STATE_IDLE), "idle");
  EXPECT_EQ(Word(v1::DEVICE_HEALTH_OK), "ok");
  EXPECT_EQ(Word(v1::ATTEMPT_STATE_FAILED), "failed");
  EXPECT_EQ(Word(v1::FAILURE_CAUSE_SETUP), "setup");
}

}  // namespace
}  // namespace laptime::client
