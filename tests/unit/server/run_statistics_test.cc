#include "server/run_statistics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A group of the given mean and variance of the logarithms.
RunGroup Group(int runs, double mean, double variance) { return {runs, mean, variance}; }

// Runs whose logarithms are these.
RunGroup OfLogs(std::vector<double> logs) {
  for (double& value : logs) value = std::exp(value);
  return SummarizeRuns(logs).value();
}

// Groups whose difference has a standard error of `error` and, of equal sizes and scatter, 2n - 2
// degrees of freedom.
RunGroup Scattering(int runs, double mean, double error) {
  return Group(runs, mean, error * error * runs / 2);
}

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheTwoThere) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 9}), 3);
  EXPECT_EQ(Median({7}), 7);
}

TEST(RunStatisticsTest, SummarizesLogarithms) {
  ASSERT_OK_AND_ASSIGN(const RunGroup group, SummarizeRuns({1, std::exp(2), std::exp(4)}));
  EXPECT_EQ(group.runs, 3);
  EXPECT_DOUBLE_EQ(group.mean_log, 2);
  EXPECT_DOUBLE_EQ(group.variance_log, 4);
}

TEST(RunStatisticsTest, EqualValuesHaveNoVarianceAtAll) {
  for (const double value : {0.1, 15.3, 1e-300, 1e300}) {
    ASSERT_OK_AND_ASSIGN(const RunGroup group, SummarizeRuns(std::vector<double>(7, value)));
    EXPECT_EQ(group.mean_log, std::log(value));
    EXPECT_EQ(group.variance_log, 0);
  }
}

TEST(RunStatisticsTest, RefusesWhatIsNoTime) {
  EXPECT_EQ(SummarizeRuns({}).status().code(), absl::StatusCode::kInvalidArgument);
  for (const double value : {0.0, -15.0, kInfinity, std::nan("")}) {
    EXPECT_EQ(SummarizeRuns({15, value}).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(std::string(SummarizeRuns({-2}).status().message()), HasSubstr("-2.0"));
}

TEST(RunStatisticsTest, TheLargerThresholdMakesADifference) {
  ASSERT_OK_AND_ASSIGN(const Thresholds unknown, MakeThresholds(std::nullopt));
  EXPECT_EQ(unknown.different, 0.02);
  EXPECT_EQ(unknown.equivalent, 0.02);
  ASSERT_OK_AND_ASSIGN(const Thresholds noisy, MakeThresholds(0.05, 0.03));
  EXPECT_EQ(noisy.different, 0.05);
  EXPECT_EQ(noisy.equivalent, 0.03);
  ASSERT_OK_AND_ASSIGN(const Thresholds quiet, MakeThresholds(0.001, 0.03));
  EXPECT_EQ(quiet.different, 0.03);
  for (const double value : {-0.01, kInfinity, std::nan("")}) {
    EXPECT_EQ(MakeThresholds(value).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(MakeThresholds(0.01, value).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
struct TableEntry {
  int degrees_of_freedom;
  double quantile;  // t(0.975)
};
constexpr TableEntry kStudentTable[] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},
                                        {5, 2.571},  {10, 2.228}, {30, 2.042}, {100, 1.984}};

TEST(RunStatisticsTest, OneGroupFollowsTheTableOfStudentsDistribution) {
  for (const auto [degrees_of_freedom, quantile] : kStudentTable) {
    const int runs = degrees_of_freedom + 1;
    const RunGroup group = Group(runs, std::log(15), 0.0001);
    const double margin = quantile * 0.01 * std::sqrt(1 + 1.0 / runs);
    ASSERT_TRUE(PredictNextRun(group).has_value());
    EXPECT_NEAR(PredictNextRun(group)->low, 15 * std::exp(-margin), 15 * 0.00001);
    EXPECT_NEAR(PredictNextRun(group)->high, 15 * std::exp(margin), 15 * 0.00001);
    EXPECT_THAT(RelativeHalfWidth(group),
                Optional(DoubleNear(std::exp(quantile * 0.01 / std::sqrt(runs)) - 1, 0.00001)));
  }
}

TEST(RunStatisticsTest, OneRunTellsNothingOfTheNext) {
  EXPECT_EQ(PredictNextRun(Group(1, 2, 0)), std::nullopt);
  EXPECT_EQ(RelativeHalfWidth(Group(1, 2, 0)), std::nullopt);
  EXPECT_EQ(RelativeHalfWidth(Group(2, 2, 0)), 0);
}

// t(0.975, 5) = 2.570582 (Pearson and Hartley, Biometrika Tables, 1966).
TEST(RunStatisticsTest, TheNoiseFloorIsWhatThreeAgainstThreeWouldNeed) {
  EXPECT_NEAR(NoiseFloor(Group(6, 0, 0.01 * 0.01)).value(),
              std::expm1(2.570582 * 0.01 * std::sqrt(2.0 / 3)), 1e-8);
  EXPECT_EQ(NoiseFloor(Group(3, 0, 0)), 0);
  EXPECT_EQ(NoiseFloor(Group(2, 0, 0.01)), std::nullopt);
}

// Student's sleep data (Biometrika 6, 1908), with what R's manual of t.test prints for them:
// t = -1.8608, df = 17.776, 95 percent confidence interval -3.3654832 0.2054832.
TEST(RunStatisticsTest, ComparesAsInRsManual) {
  const RunGroup a = OfLogs({0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0});
  const RunGroup b = OfLogs({1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4});
  const Comparison comparison = CompareRuns(a, b);
  EXPECT_NEAR(std::log(comparison.ratio), 0.75 - 2.33, 1e-12);
  EXPECT_THAT(comparison.degrees_of_freedom, Optional(DoubleNear(17.776, 0.0005)));
  ASSERT_TRUE(comparison.interval.has_value());
  EXPECT_NEAR(std::log(comparison.interval->low), -3.3654832, 5e-8);
  EXPECT_NEAR(std::log(comparison.interval->high), 0.2054832, 5e-8);
  EXPECT_EQ(comparison.verdict, Verdict::kInconclusive);
}

TEST(RunStatisticsTest, DegreesOfFreedomAreSatterthwaites) {
  EXPECT_THAT(CompareRuns(Group(10, 0, 9.0), Group(20, 0, 0.9)).degrees_of_freedom,
              Optional(DoubleNear(0.945 * 0.945 / (0.81 / 9 + 0.002025 / 19), 1e-9)));
  EXPECT_THAT(CompareRuns(Group(10, 0, 1.0), Group(10, 0, 1.0)).degrees_of_freedom,
              Optional(DoubleNear(18, 1e-9)));
  // All the scatter is on one side.
  EXPECT_THAT(CompareRuns(Group(10, 0, 1.0), Group(10, 0, 0)).degrees_of_freedom,
              Optional(DoubleNear(9, 1e-9)));
  EXPECT_THAT(CompareRuns(Group(10, 0, 1e-300), Group(10, 0, 1e-300)).degrees_of_freedom,
              Optional(DoubleNear(18, 1e-9)));
}

TEST(RunStatisticsTest, UnequalGroupsCountTheSmallerOne) {
  const auto degrees = [](int a, int b) {
    return *CompareRuns(Group(a, 0, 1), Group(b, 0, 1)).degrees_of_freedom;
  };
  EXPECT_EQ(degrees(2, 20), 1);
  EXPECT_EQ(degrees(20, 2), 1);
  EXPECT_EQ(degrees(6, 13), 5);
  EXPECT_GT(degrees(6, 12), 6);  // no more than twice
  EXPECT_EQ(degrees(5, 6), 4);   // too few for Welch
  EXPECT_GT(degrees(6, 7), 6);
  EXPECT_NEAR(degrees(3, 3), 4, 1e-9);
}

TEST(RunStatisticsTest, ExchangingTheGroupsInvertsTheRatioAlone) {
  const RunGroup a = Group(6, std::log(15.3), 0.0004);
  const RunGroup b = Group(9, std::log(15.0), 0.0001);
  const Comparison one = CompareRuns(a, b);
  const Comparison other = CompareRuns(b, a);
  EXPECT_NEAR(one.ratio, 15.3 / 15, 1e-12);
  EXPECT_NEAR(other.ratio, 15 / 15.3, 1e-12);
  EXPECT_NEAR(one.interval->low * other.interval->high, 1, 1e-12);
  EXPECT_NEAR(*one.degrees_of_freedom, *other.degrees_of_freedom, 1e-9);
  EXPECT_EQ(one.verdict, other.verdict);
  EXPECT_NEAR(*DetectableDifference(a, b), *DetectableDifference(b, a), 1e-12);
  EXPECT_EQ(RunsToDecide(a, b), RunsToDecide(b, a));
}

TEST(RunStatisticsTest, ASingleRunGivesARatioAndNoMore) {
  const RunGroup one = Group(1, std::log(30), 0);
  const RunGroup many = Group(10, std::log(15), 0.0001);
  const Comparison comparison = CompareRuns(one, many);
  EXPECT_NEAR(comparison.ratio, 2, 1e-12);
  EXPECT_FALSE(comparison.interval.has_value());
  EXPECT_FALSE(comparison.degrees_of_freedom.has_value());
  EXPECT_EQ(comparison.verdict, Verdict::kInconclusive);
  EXPECT_EQ(DetectableDifference(many, one), std::nullopt);
  EXPECT_EQ(RunsToDecide(many, one), std::nullopt);
}

TEST(RunStatisticsTest, TwoRunsAreNeverDifferent) {
  const RunGroup two = Group(2, std::log(30), 1e-8);
  const RunGroup three = Group(3, std::log(15), 1e-8);
  const Comparison comparison = CompareRuns(two, three);
  ASSERT_TRUE(comparison.interval.has_value());
  EXPECT_GT(comparison.interval->low, 1.9);
  EXPECT_EQ(comparison.verdict, Verdict::kInconclusive);
  EXPECT_EQ(DetectableDifference(two, three), std::nullopt);
  EXPECT_EQ(RunsToDecide(two, three), 3);
  EXPECT_EQ(CompareRuns(Group(3, std::log(30), 1e-8), three).verdict, Verdict::kDifferent);
  // They may well be equivalent.
  EXPECT_EQ(CompareRuns(Group(2, 0, 1e-8), Group(2, 0.001, 1e-8)).verdict, Verdict::kEquivalent);
}

// With 3 against 3 runs of equal scatter the half width is t(0.975, 4) = 2.776 standard errors.
TEST(RunStatisticsTest, DifferentIsBeyondTheIntervalAndTheThreshold) {
  const auto verdict = [](double apart, double error, const Thresholds& thresholds) {
    return CompareRuns(Scattering(3, apart, error), Scattering(3, 0, error), thresholds).verdict;
  };
  const Thresholds none = {.different = 0, .equivalent = 0};
  EXPECT_EQ(verdict(0.0277, 0.01, none), Verdict::kInconclusive);
  EXPECT_EQ(verdict(0.0278, 0.01, none), Verdict::kDifferent);
  EXPECT_EQ(verdict(-0.0278, 0.01, none), Verdict::kDifferent);
  // log 1.02 = 0.0198.
  EXPECT_EQ(verdict(0.0197, 0.001, {}), Verdict::kInconclusive);
  EXPECT_EQ(verdict(0.0199, 0.001, {}), Verdict::kDifferent);
  EXPECT_EQ(verdict(-0.0199, 0.001, {}), Verdict::kDifferent);
  // The devices' own noise: log 1.05 = 0.0488.
  EXPECT_EQ(verdict(0.0487, 0.001, {.different = 0.05}), Verdict::kInconclusive);
  EXPECT_EQ(verdict(0.0489, 0.001, {.different = 0.05}), Verdict::kDifferent);
}

TEST(RunStatisticsTest, EquivalentIsAnIntervalWithinTheFactor) {
  const auto verdict = [](double apart, const Thresholds& thresholds) {
    return CompareRuns(Scattering(3, apart, 0.001), Scattering(3, 0, 0.001), thresholds).verdict;
  };
  // 0.0198 - 0.0028.
  EXPECT_EQ(verdict(0.0169, {}), Verdict::kEquivalent);
  EXPECT_EQ(verdict(-0.0169, {}), Verdict::kEquivalent);
  EXPECT_EQ(verdict(0.0171, {}), Verdict::kInconclusive);
  // Noise makes nothing equivalent.
  EXPECT_EQ(verdict(0.0171, {.different = 0.05}), Verdict::kInconclusive);
}

TEST(RunStatisticsTest, WithoutScatterTheThresholdsDecide) {
  const auto compare = [](double apart, int runs, const Thresholds& thresholds) {
    return CompareRuns(Group(runs, apart, 0), Group(3, 0, 0), thresholds);
  };
  const Comparison apart = compare(0.03, 4, {});
  EXPECT_EQ(apart.verdict, Verdict::kDifferent);
  EXPECT_EQ(apart.interval->low, apart.ratio);
  EXPECT_EQ(apart.interval->high, apart.ratio);
  EXPECT_EQ(apart.degrees_of_freedom, 2);
  EXPECT_EQ(compare(0.01, 4, {}).verdict, Verdict::kEquivalent);
  EXPECT_EQ(compare(0, 3, {.different = 0, .equivalent = 0}).verdict, Verdict::kEquivalent);
  EXPECT_EQ(compare(0.03, 4, {.different = 0.05}).verdict, Verdict::kInconclusive);
  EXPECT_EQ(compare(0.03, 2, {}).verdict, Verdict::kInconclusive);
  EXPECT_THAT(DetectableDifference(Group(3, 0, 0), Group(3, 0, 0)),
              Optional(DoubleNear(0.02, 1e-12)));
  EXPECT_EQ(RunsToDecide(Group(2, 0.03, 0), Group(2, 0, 0)), 3);
}

// t(0.8, 4) = 0.941.
TEST(RunStatisticsTest, TheDetectableDifferenceClearsIntervalAndThreshold) {
  const auto detectable = [](double error, const Thresholds& thresholds) {
    return std::log1p(
        *DetectableDifference(Scattering(3, 0, error), Scattering(3, 0, error), thresholds));
  };
  EXPECT_NEAR(detectable(0.01, {}), 0.02776 + 0.00941, 0.00001);
  EXPECT_NEAR(detectable(0.001, {}), std::log(1.02) + 0.000941, 0.000001);
  EXPECT_NEAR(detectable(0.01, {.different = 0.05}), std::log(1.05) + 0.00941, 0.00001);
}

// An sd of 2 %, 4 % apart. With 5 a side s is 1.265 %, and t(0.975, 8) + t(0.8, 8) = 2.306 + 0.889
// of it are too much, 4.04 %; with 6 it is 1.155 %, and 2.228 + 0.879 of it are 3.59 %. 2.8 %
// apart, the threshold of 1.98 % and t(0.8, 16) s want 10.
TEST(RunStatisticsTest, RunsToDecideTellADifference) {
  EXPECT_EQ(RunsToDecide(Group(3, 0.04, 0.0004), Group(3, 0, 0.0004)), 6);
  EXPECT_EQ(RunsToDecide(Group(5, 0.028, 0.0004), Group(3, 0, 0.0004)), 10);
  // Decided, or within noise for ever.
  EXPECT_EQ(RunsToDecide(Group(8, 0.04, 0.0004), Group(8, 0, 0.0004)), std::nullopt);
  EXPECT_EQ(RunsToDecide(Group(3, 0.04, 0.0004), Group(3, 0, 0.0004), {.different = 0.05}),
            std::nullopt);
}

// 100 a side of sd s: (1.972 + 1.286) * s * sqrt(2 / 100) = 0.461 s against log 1.02 = 0.0198.
TEST(RunStatisticsTest, RunsToDecideTellEquivalence) {
  EXPECT_EQ(RunsToDecide(Group(3, 0, 0.01 * 0.01), Group(3, 0, 0.01 * 0.01)), 7);
  const auto at_most = [](double sd) {
    return RunsToDecide(Group(3, 0, sd * sd), Group(3, 0, sd * sd));
  };
  EXPECT_EQ(at_most(0.0429), kMaxRunsToDecide);
  EXPECT_EQ(at_most(0.0431), std::nullopt);
}

// A larger group stays as it is.
TEST(RunStatisticsTest, RunsToDecideCountsWhatThereIs) {
  const int needed = *RunsToDecide(Group(30, 0.028, 0.0004), Group(3, 0, 0.0004));
  EXPECT_GT(needed, 3);
  EXPECT_LT(needed, 10);
  EXPECT_EQ(RunsToDecide(Group(200, 0.0198, 0.01), Group(200, 0, 0.01)), std::nullopt);
}

}  // namespace
}  // namespace laptime
