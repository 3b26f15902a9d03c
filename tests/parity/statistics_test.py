"""The statistics of runs, beside SciPy's."""
import json
import math
import os
import random
import subprocess
import unittest

from scipy import stats

PROGRAM = os.path.join(os.path.abspath(os.environ["LAPTIME_BIN"]), "laptime_compare_runs")
PAIRS = 500
TOLERANCE = 1e-9
# As server/run_statistics.h says: where Welch's degrees of freedom are taken, and what decides.
MIN_RUNS_FOR_WELCH = 6
THRESHOLD = math.log(1.02)


def compare(pairs):
    """What the program answers, a dict for each pair of groups."""
    lines = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in pairs)
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def draw(rng):
    """Two groups of 2 to 20 runs that scatter by 0.01 to 10 % and are up to 6 % apart."""
    first = math.log(rng.uniform(0.1, 1000))
    return [[rng.lognormvariate(center, scatter) for _ in range(rng.randint(2, 20))]
            for center, scatter in [(first, 10 ** rng.uniform(-4, -1)),
                                    (first + rng.uniform(-0.06, 0.06), 10 ** rng.uniform(-4, -1))]]


class StatisticsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random(20)
        pairs = [draw(rng) for _ in range(PAIRS)]
        cls.cases = [([math.log(x) for x in a], [math.log(x) for x in b], answer)
                     for (a, b), answer in zip(pairs, compare(pairs), strict=True)]

    def assert_close(self, ours, theirs):
        """Relatively; both are further from 0 than rounding."""
        self.assertLessEqual(abs(ours - theirs), TOLERANCE * abs(theirs), f"{ours} beside {theirs}")

    def test_intervals(self):
        by_welch = 0
        for a, b, answer in self.cases:
            fewer, more = sorted([len(a), len(b)])
            test = stats.ttest_ind(a, b, equal_var=False)
            interval = test.confidence_interval(0.95)
            if fewer == more or (fewer >= MIN_RUNS_FOR_WELCH and more <= 2 * fewer):
                by_welch += 1
                df, low, high = test.df, interval.low, interval.high
            else:
                df = fewer - 1
                center = (interval.low + interval.high) / 2
                half_width = (interval.high - center) / stats.t.ppf(0.975, test.df) * stats.t.ppf(0.975, df)
                low, high = center - half_width, center + half_width
            self.assert_close(answer["degrees_of_freedom"], df)
            self.assert_close(answer["ratio"], math.exp((low + high) / 2))
            self.assert_close(answer["interval"][0], math.exp(low))
            self.assert_close(answer["interval"][1], math.exp(high))
        print(f"{PAIRS} pairs of groups, {by_welch} with Welch's degrees of freedom", flush=True)
        self.assertGreater(by_welch, PAIRS // 4)
        self.assertLess(by_welch, PAIRS * 3 // 4)

    def test_verdicts(self):
        counts = {"different": 0, "equivalent": 0, "inconclusive": 0}
        for a, b, answer in self.cases:
            low, high = map(math.log, answer["interval"])
            apart = abs(math.log(answer["ratio"]))
            different = (low > 0 or high < 0) and apart > THRESHOLD and min(len(a), len(b)) >= 3
            equivalent = -THRESHOLD <= low and high <= THRESHOLD
            self.assertEqual((answer["different"], answer["equivalent"]), (different, equivalent))
            counts["different" if different else "equivalent" if equivalent else "inconclusive"] += 1
        print(counts, flush=True)
        self.assertGreater(min(counts.values()), PAIRS // 20)

    def test_detectable_differences(self):
        for a, b, answer in self.cases:
            if min(len(a), len(b)) < 3:
                self.assertIsNone(answer["detectable_difference"])
                continue
            df = answer["degrees_of_freedom"]
            error = math.hypot(stats.sem(a), stats.sem(b))
            theirs = max(stats.t.ppf(0.975, df) * error, THRESHOLD) + stats.t.ppf(0.8, df) * error
            self.assert_close(answer["detectable_difference"], math.expm1(theirs))

    def test_trends(self):
        told = 0
        for a, _, answer in self.cases:
            if len(a) < 5:
                self.assertIsNone(answer["trend_of_a"])
                continue
            told += 1
            slopes = stats.theilslopes(a, range(len(a)), 0.95)
            line = [math.expm1(slopes[i] * (len(a) - 1)) for i in (0, 2, 3)]
            for ours, theirs in zip(answer["trend_of_a"], line, strict=True):
                self.assertAlmostEqual(ours, theirs, delta=TOLERANCE)
        self.assertGreater(told, PAIRS // 2)

    def test_one_group(self):
        for a, _, answer in self.cases:
            low, high = stats.t.interval(0.95, len(a) - 1, loc=stats.tmean(a), scale=stats.sem(a))
            self.assert_close(answer["half_width_of_a"], math.expm1((high - low) / 2))
            low, high = stats.t.interval(0.95, len(a) - 1, loc=stats.tmean(a),
                                         scale=stats.tstd(a) * math.sqrt(1 + 1 / len(a)))
            self.assert_close(answer["next_of_a"][0], math.exp(low))
            self.assert_close(answer["next_of_a"][1], math.exp(high))


if __name__ == "__main__":
    unittest.main()
