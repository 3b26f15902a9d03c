#include <gmock/gmock.h>

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/run_statistics.h"

// Whether the statements hold that a comparison makes about chance: groups are drawn and compared
// many times. Seeds are fixed, so the answers never change by chance.

namespace laptime {
namespace {

// Sanitizers make it slow, and what they look for shows in a few.
#ifdef LAPTIME_SANITIZED
constexpr int kPairs = 1000;
#else
constexpr int kPairs = 10000;
#endif
constexpr int kFewestRuns = 3;
constexpr int kMostRuns = 10;
constexpr double kScatter = 0.01;  // the standard deviation of B, of the logarithms

// By how much a share of kPairs may be off by chance: three standard errors.
double Allowance(double share) { return 3 * std::sqrt(share * (1 - share) / kPairs); }

struct Case {
  int runs_a;
  int runs_b;
  double scatter_ratio;

  std::string Name() const {
    return std::to_string(runs_a) + " against " + std::to_string(runs_b) + " runs, scatter ratio " +
           std::to_string(static_cast<int>(scatter_ratio));
  }
};

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (int a = kFewestRuns; a <= kMostRuns; ++a) {
    for (int b = kFewestRuns; b <= kMostRuns; ++b) {
      // With equal scatter the mirror image is the same case.
      if (a <= b) cases.push_back({a, b, 1});
      cases.push_back({a, b, 3});
    }
  }
  return cases;
}

class Device {
 public:
  Device(std::mt19937_64& random, double scatter) : random_(random), log_(std::log(15), scatter) {}

  RunGroup Measure(int runs) {
    std::vector<double> seconds;
    for (int i = 0; i < runs; ++i) seconds.push_back(std::exp(log_(random_)));
    return SummarizeRuns(seconds).value();
  }

 private:
  std::mt19937_64& random_;
  // Unlike the standard library's it draws the same numbers everywhere.
  boost::random::normal_distribution<double> log_;
};

// The share of all pairs of groups, from equal devices, for which `holds`.
template <typename Predicate>
double ShareOf(const Case& of, const Predicate& holds) {
  std::mt19937_64 random(1000 * of.runs_a + 10 * of.runs_b + static_cast<int>(of.scatter_ratio));
  Device a(random, of.scatter_ratio * kScatter);
  Device b(random, kScatter);
  int count = 0;
  for (int i = 0; i < kPairs; ++i) {
    const RunGroup group_a = a.Measure(of.runs_a);
    if (holds(group_a, b.Measure(of.runs_b))) ++count;
  }
  return static_cast<double>(count) / kPairs;
}

// Without a practical factor, which only makes alarms rarer: the interval by itself must hold.
// Where the scatter differs, Welch's degrees of freedom are an approximation and half a percent is
// theirs.
TEST(RunStatisticsSimulationTest, EqualDevicesRarelyDiffer) {
  double most = 0;
  Case worst{};
  for (const Case& of : AllCases()) {
    const double share = ShareOf(of, [](const RunGroup& a, const RunGroup& b) {
      return CompareRuns(a, b, {.different = 0, .equivalent = 0}).verdict == Verdict::kDifferent;
    });
    const double level = of.scatter_ratio == 1 ? 0.05 : 0.055;
    EXPECT_LE(share, level + Allowance(level)) << of.Name();
    if (share > most) worst = of;
    most = std::max(most, share);
  }
  std::printf("false alarms: at most %.2f %% (%s)\n", 100 * most, worst.Name().c_str());
}

// With 10 runs that scatter by 1 % the practical factor of 2 % decides, with 3 that scatter by 3 %
// the interval does, in between now the one and now the other.
TEST(RunStatisticsSimulationTest, TheDetectableDifferenceIsDetected) {
  double least = 1;
  Case worst{};
  for (const Case& of : AllCases()) {
    const double share = ShareOf(of, [](RunGroup a, const RunGroup& b) {
      a.mean_log += std::log1p(*DetectableDifference(a, b));
      return CompareRuns(a, b).verdict == Verdict::kDifferent;
    });
    EXPECT_GE(share, 0.8 - Allowance(0.8)) << of.Name();
    if (share < least) worst = of;
    least = std::min(least, share);
  }
  std::printf("found at the detectable difference: at least %.2f %% (%s)\n", 100 * least,
              worst.Name().c_str());
}

// Devices that are as the first few runs let them seem. The number takes the scatter for known,
// which costs up to two percent when it is a few runs that tell it.
TEST(RunStatisticsSimulationTest, RunsToDecideDecide) {
  double least = 1;
  for (const double apart : {0.0, 0.01, 0.03, 0.05}) {
    for (const double scatter_ratio : {1, 3}) {
      const RunGroup a = {3, apart, scatter_ratio * scatter_ratio * kScatter * kScatter};
      const RunGroup b = {3, 0, kScatter * kScatter};
      const std::optional<int> runs = RunsToDecide(a, b);
      if (!runs) continue;
      const Case of = {*runs, *runs, scatter_ratio};
      const double share = ShareOf(of, [apart](RunGroup a, const RunGroup& b) {
        a.mean_log += apart;
        return CompareRuns(a, b).verdict != Verdict::kInconclusive;
      });
      EXPECT_GE(share, 0.78 - Allowance(0.78)) << of.Name() << ", " << apart << " apart";
      least = std::min(least, share);
    }
  }
  std::printf("decided by the runs that it takes: at least %.2f %%\n", 100 * least);
}

}  // namespace
}  // namespace laptime
