"""Whether two samples can be of one distribution.

All samples come from fixed seeds, so the answer never changes by chance. A bound is what a right sample passes
but once in 100,000 seeds.
"""
import math

import torch

CHANCE = 1e-5
DEVIATIONS = 4.42  # of a normal distribution, two-sided, at that chance


def distance(ours, theirs):
    """Kolmogorov and Smirnov's: how far two samples' distribution functions lie apart at most."""
    ours, theirs = ours.double().sort().values, theirs.double().sort().values
    at = torch.cat([ours, theirs])
    return (torch.searchsorted(ours, at, right=True) / len(ours) -
            torch.searchsorted(theirs, at, right=True) / len(theirs)).abs().max().item()


def allowed_distance(n, m):
    return math.sqrt(-math.log(CHANCE / 2) / 2 * (n + m) / (n * m))
