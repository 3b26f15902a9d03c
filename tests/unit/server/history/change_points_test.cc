#include "server/history/change_points.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "server/run_statistics.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Sanitizers make it slow, and what they look for shows in a few.
#ifdef LAPTIME_SANITIZED
constexpr int kSeries = 100;
#else
constexpr int kSeries = 1000;
#endif

std::vector<double> Logs(const std::vector<double>& seconds) {
  std::vector<double> logs;
  for (const double value : seconds) logs.push_back(std::log(value));
  return logs;
}

class Noise {
 public:
  explicit Noise(uint64_t seed) : random_(seed) {}

  // `runs` logarithms; those from `change` on are of times `factor` times as long.
  std::vector<double> Series(size_t runs, double scatter, size_t change = 0, double factor = 1) {
    std::vector<double> logs;
    for (size_t i = 0; i < runs; ++i)
      logs.push_back(scatter * normal_(random_) + (i >= change ? std::log(factor) : 0));
    return logs;
  }

 private:
  std::mt19937_64 random_;
  // Unlike the standard library's it draws the same numbers everywhere.
  boost::random::normal_distribution<double> normal_;
};

double CostOf(const std::vector<double>& logs, const std::vector<size_t>& starts) {
  double cost = LevelPenalty(logs) * static_cast<double>(starts.size());
  for (size_t level = 0; level < starts.size(); ++level) {
    const size_t end = level + 1 < starts.size() ? starts[level + 1] : logs.size();
    std::vector<double> of_level(logs.begin() + static_cast<ptrdiff_t>(starts[level]),
                                 logs.begin() + static_cast<ptrdiff_t>(end));
    const double median = Median(of_level);
    for (const double value : of_level) cost += std::abs(value - median);
  }
  return cost;
}

// The cheapest of all ways to cut the series into levels, each of them tried.
std::vector<size_t> BestOfAll(const std::vector<double>& logs) {
  std::vector<size_t> best;
  double least = std::numeric_limits<double>::infinity();
  std::vector<size_t> starts = {0};
  const std::function<void(size_t)> go = [&](size_t from) {
    if (logs.size() - starts.back() >= kMinLevelRuns && CostOf(logs, starts) < least) {
      least = CostOf(logs, starts);
      best = starts;
    }
    for (size_t next = from + kMinLevelRuns; next < logs.size(); ++next) {
      starts.push_back(next);
      go(next);
      starts.pop_back();
    }
  };
  go(0);
  return best;
}

TEST(ChangePointsTest, IsTheBestOfAllFits) {
  Noise noise(1);
  int several = 0;
  for (int i = 0; i < 200; ++i) {
    const size_t runs = 6 + static_cast<size_t>(i % 10);
    // Steps of random sizes, far above the smallest that counts.
    std::vector<double> logs = noise.Series(runs, 0.5);
    for (size_t k = 0; k < runs; ++k) logs[k] = logs[k - k % 4] + 0.02 * logs[k];
    const std::vector<size_t> fitted = FitLevels(logs);
    EXPECT_EQ(fitted, BestOfAll(logs)) << "series " << i;
    several += fitted.size() > 1 ? 1 : 0;
  }
  EXPECT_GT(several, 100);
}

TEST(ChangePointsTest, EqualTimesAndTooFewAreOneLevel) {
  EXPECT_THAT(FitLevels({}), IsEmpty());
  EXPECT_THAT(FitLevels({1}), ElementsAre(0));
  EXPECT_THAT(FitLevels(Logs({10, 10, 10, 20, 20})), ElementsAre(0));  // one level would be short
  EXPECT_THAT(FitLevels(Logs({10, 10, 10, 20, 20, 20})), ElementsAre(0, 3));
  EXPECT_THAT(FitLevels(std::vector<double>(50, 3.25)), ElementsAre(0));
}

TEST(ChangePointsTest, OutliersAreNoLevel) {
  EXPECT_THAT(FitLevels(Logs({100, 101, 99, 100, 180, 100, 101, 100, 99, 100})), ElementsAre(0));
  // Nor do they hide one, or move its beginning.
  EXPECT_THAT(FitLevels(Logs({100, 101, 99, 100, 102, 180, 101, 99, 100, 106, 107, 106, 60, 105,
                              106, 107, 105, 106})),
              ElementsAre(0, 9));
}

TEST(ChangePointsTest, SmallDifferencesAreNone) {
  std::vector<double> seconds(20, 100);
  std::fill(seconds.begin() + 10, seconds.end(), 101.5);
  EXPECT_THAT(FitLevels(Logs(seconds)), ElementsAre(0));
  std::fill(seconds.begin() + 10, seconds.end(), 102.5);
  EXPECT_THAT(FitLevels(Logs(seconds)), ElementsAre(0, 10));
}

TEST(ChangePointsTest, SmallStepsAddUp) {
  const auto levels = [](const std::vector<double>& of) {
    std::vector<double> seconds;
    for (const double level : of) seconds.insert(seconds.end(), 10, level);
    return FitLevels(Logs(seconds));
  };
  EXPECT_THAT(levels({100, 101.2, 103.5}), ElementsAre(0, 20));
  EXPECT_THAT(levels({100, 101.8, 102.6}), ElementsAre(0, 10));  // the closest ones are one first
}

TEST(ChangePointsTest, FindsSeveralChanges) {
  std::vector<double> logs = Noise(3).Series(40, 0.01);
  for (size_t i = 12; i < 28; ++i) logs[i] += 0.1;
  EXPECT_THAT(FitLevels(logs), ElementsAre(0, 12, 28));
}

TEST(ChangePointsTest, NoiseAloneRarelyLooksLikeAChange) {
  for (const double scatter : {0.003, 0.01, 0.03, 0.1}) {
    for (const size_t runs : {6U, 8U, 10U, 20U, 50U}) {
      Noise noise(runs);
      int changed = 0;
      for (int i = 0; i < kSeries; ++i) {
        changed += FitLevels(noise.Series(runs, scatter)).size() > 1 ? 1 : 0;
      }
      std::printf("%2zu runs with %4.1f %% scatter: %d of %d series have a change\n", runs,
                  100 * scatter, changed, kSeries);
      EXPECT_LE(changed, kSeries / 20);
    }
  }
}

TEST(ChangePointsTest, FindsAStepOfFivePercentWhereItIs) {
  Noise noise(20);
  int found = 0;
  for (int i = 0; i < kSeries; ++i) {
    const std::vector<size_t> starts = FitLevels(noise.Series(20, 0.01, 10, 1.05));
    found += starts.size() == 2 && starts[1] >= 9 && starts[1] <= 11 ? 1 : 0;
  }
  std::printf("found within one run: %d of %d\n", found, kSeries);
  EXPECT_GE(found, kSeries * 95 / 100);
}

TEST(LevelPenaltyTest, GrowsWithTheNoiseAndNotWithSteps) {
  const std::vector<double> quiet = Noise(5).Series(30, 0.02);
  std::vector<double> loud;
  for (const double value : quiet) loud.push_back(3 * value);
  EXPECT_NEAR(LevelPenalty(loud), 3 * LevelPenalty(quiet), 1e-12);
  std::vector<double> stepped = quiet;
  for (size_t i = 15; i < stepped.size(); ++i) stepped[i] += 5;
  EXPECT_LT(LevelPenalty(stepped), 1.3 * LevelPenalty(quiet));
  EXPECT_NEAR(LevelPenalty({1, 1, 1, 1}), 3 * std::log(1.02), 1e-12);
}

}  // namespace
}  // namespace laptime
