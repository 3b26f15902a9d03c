#pragma once

#include <cstddef>
#include <vector>

namespace laptime {

// Where a series of times changes its level for good, as opposed to an outlier. Pure.
//
// The fit is the function of constant pieces ("levels") that minimises Σ |x - median of its level|
// + penalty × number of levels, over all such functions whose levels have kMinLevelRuns or more:
// the L1 Potts problem (Friedrich, Kempe, Liebscher, Winkler: Complexity penalized M-estimation,
// Journal of Computational and Graphical Statistics 17, 2008; in L1: Weinmann, Storath, Demaret,
// SIAM Journal on Numerical Analysis 53, 2015). asv finds the steps of benchmarks by it. Absolute
// deviations, not squares: a single slow run then moves neither a level nor its ends.

// A level has so many runs at least: fewer may be outliers, and no interval could be told. Two
// outliers in a row may therefore take a third run into a level of theirs.
inline constexpr size_t kMinLevelRuns = 3;

// Time grows with the square of the number of runs.
inline constexpr size_t kMostRunsFitted = 500;

// The index of the first run of every level, so 0 first; empty without runs. `logs`: natural
// logarithms of times, oldest first, at most kMostRunsFitted of them. Neighbouring levels whose
// medians differ by less than kPracticalFactor (run_statistics.h) are one.
std::vector<size_t> FitLevels(const std::vector<double>& logs);

// What a level costs. The standard deviation of the noise is estimated by the median absolute
// difference of successive runs, which changes of level hardly touch (the first differences of
// Rice, Annals of Statistics 12, 1984, with a median for robustness), and is taken times
// kPenaltyFactor × ln(runs), as BIC has it for the scale of a Laplace distribution. It is at least
// what kMinLevelRuns gain by a change of kPracticalFactor.
double LevelPenalty(const std::vector<double>& logs);

}  // namespace laptime
