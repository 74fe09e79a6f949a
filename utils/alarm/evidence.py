"""How closely healthy windows hang together, and what that asks of a budget; evidence that adds up.

A busy hour follows a busy hour, so healthy windows alarm in clusters. This file estimates how strongly they hang
together, and what threshold keeps the budget all the same.

The scores of healthy windows are taken for a Gaussian process with the spectrum

    ``f(w) = a(w) |2 sin(w / 2)| ** (-2 d)``,

where `a` is that of means over windows of a first-order autoregression (short memory, told by the correlation of
neighboring windows) and `d` the fractional difference (long memory, Hosking [1]_). Both are estimated from the
scores of history's own blocks by Whittle's likelihood [2]_ on a grid. Simulated runs, each a history and the
windows after it, then tell what threshold or rank alarms as rarely as the budget says. That a correlation which
is ignored breaks the promise of a CUSUM is from [3]_.

References
----------
.. [1] J. R. M. Hosking (1981), Fractional differencing, Biometrika 68, 165-176.
.. [2] P. Whittle (1953), Estimation and information in stationary time series, Arkiv för Matematik 2, 423-434.
.. [3] R. A. Johnson and M. Bagshaw (1974), The effect of serial correlation on the performance of CUSUM
   tests, Technometrics 16, 103-112.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special
from scipy.stats import mannwhitneyu

from .cycles import HARMONICS

ALLOWANCE = 1.0  # evidence forgotten each window: half the shift, in normal scores, that adds up fastest
FEWEST_FOR_MEMORY = 50  # blocks: fewer do not tell how they hang together, and shorter parts of them must
PARTS = 1_000
MANY = 100  # values a window: the spectrum of means over so many is hardly told from that over more
A_LINE = 12.0  # times what is expected, which a wave of noise reaches once in exp(12)
A_MOVE = 2.0  # the same for the mean of the three longest waves: noise reaches it in one history of a hundred
FEWEST_LEVELS = 10  # in each half of history, to tell the halves apart
STEADY = 0.2  # no longer a memory is taken for one where a level may move, which looks like a longer one
LONGEST = 0.45  # a memory from here on lets history wander so far that no threshold is sure
# Of the memories that history leaves possible, the one above so many: too short breaks the promise.
_PLAUSIBLE = 0.75
_CORRELATIONS = np.array([*np.arange(0, 0.96, 0.05).round(2), 0.97, 0.98, 0.99])
_MEMORIES = np.array([*np.arange(0, 0.46, 0.05).round(2), 0.49])


class Memory(NamedTuple):
    """Short memory, as the correlation of neighbors that it makes, and the fractional difference d of long memory."""

    correlation: float = 0.0
    long: float = 0.0


def accumulate(evidence, score):
    """Return one side's evidence after one more normal score: Page's sum, emptied by a calm window."""
    return 0.0 if score < 0 else max(0.0, evidence + score - ALLOWANCE)


def count_alarms(scores, threshold):
    """Return how often the evidence of scores in time, one column a side, exceeds a threshold."""
    evidence, alarms = (0.0, 0.0), 0
    for score in scores.tolist():
        evidence = tuple(map(accumulate, evidence, score))
        if max(evidence) > threshold:
            evidence, alarms = (0.0, 0.0), alarms + 1
    return alarms


def estimate_memory(scores, cycle=None, length=MANY):
    """Return the `Memory` of blocks from their scores in time, one column a side.

    If days differ in their cycle, more than the mean cycle is left in the scores. With `cycle`, so many blocks,
    waves about as long as it and its first harmonics have no part in the estimate: they are no memory. Nor has a
    wave that stands out as noise does not: it is a cycle that was left in. `length` is how many values a score
    stands for.
    """
    if not np.ptp(scores):
        return Memory()
    blocks = len(scores)
    places, (shapes, inverse) = _some_frequencies(blocks), _log_spectra(blocks, length)
    used = np.ones(places.size, bool)
    if cycle:
        used = np.abs(places * cycle / blocks - (HARMONICS + 1) / 2) > HARMONICS / 2
    heights = _periodogram(scores)
    while True:
        fit = used.sum() * np.log(inverse @ (heights * used)) + shapes @ used
        times_expected = heights * inverse[np.unravel_index(fit.argmin(), fit.shape)]
        lines = used & (times_expected > A_LINE * times_expected[used].mean())
        if not lines.any():
            break
        used &= ~lines
    likelihood = np.exp(fit.min() - fit)
    share_up_to = np.cumsum(likelihood.sum(axis=0)) / likelihood.sum()
    long = np.searchsorted(share_up_to, _PLAUSIBLE)
    return Memory(float(_CORRELATIONS[likelihood[:, long].argmax()]), float(_MEMORIES[long]))


def share_on_one_side(levels):
    """Return how often a level of the second half lies on one side of one of the first, from 0.5 to 1.

    It is the statistic of Mann and Whitney over the number of pairs: 0.5 if the halves are alike, 1 if they lie apart.
    """
    half = len(levels) // 2
    if half < FEWEST_LEVELS:
        return 0.5
    share = mannwhitneyu(levels[half:], levels[:half]).statistic / (half * (len(levels) - half))
    return max(share, 1 - share)


def moves(scores, memory):
    """Return whether the longest waves of history rise above its memory: a trend, or a level that changes.

    A level that changes looks like a long memory, so no more of that than `STEADY` is taken for one.
    """
    heights, (shapes, inverse) = _periodogram(scores), _log_spectra(len(scores), MANY)
    short = np.searchsorted(_CORRELATIONS, memory.correlation)
    long = np.searchsorted(_MEMORIES, min(memory.long, STEADY))
    if memory.long > STEADY:
        short = (heights.size * np.log(inverse[:, long] @ heights) + shapes[:, long].sum(axis=1)).argmin()
    times_expected = heights * inverse[short, long]
    return times_expected[:3].mean() > A_MOVE * np.median(times_expected) / math.log(2)


def estimate_memory_within(values, window):
    """Return the `Memory` of blocks that are too few to tell it, from that of shorter parts of them."""
    part = max(1, values.size // PARTS)
    _, places, ties = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[places]
    scores = special.ndtri((ranks - 0.5) / values.size)
    means = scores[: values.size // part * part].reshape(-1, part).mean(axis=1)
    correlation, long = estimate_memory(means[:, np.newaxis], length=part)
    rho = np.interp(correlation, *_neighbors(part))
    variance, neighbors = _covariances(rho, window)
    return Memory(float(_CORRELATIONS[np.abs(_CORRELATIONS - neighbors / variance).argmin()]), long)


@lru_cache(maxsize=256)
def evidence_threshold(rate, memory, blocks, common=0.0):
    """Return the threshold that a CUSUM of healthy scores exceeds in a share `rate` of windows.

    By bisection on simulated runs. Each has a history of its own, so many blocks, against which its windows are
    scored as real ones are: a short history misjudges all later windows alike, and that adds up. So does whatever
    later windows have in common, which is a share `common` of their variance. The seed is fixed: the same history
    gives the same threshold.
    """
    rng = np.random.default_rng(1954)
    runs = int(np.clip(4_000_000 // blocks, 50, 2_000))
    steps = math.ceil(max(100, min(1_000 / rate, 8_000_000) / runs))  # a thousand alarms: known to 3 %
    values = _noise(rng, runs, blocks + steps, memory)
    if common:
        values *= math.sqrt(1 - common)
        errors = rng.standard_normal((runs, blocks + 1))
        values += math.sqrt(common) * errors[:, np.minimum(np.arange(values.shape[1]), blocks)]
    healthy = np.sort(values[:, :blocks], axis=1)
    reached = np.empty((steps, runs), dtype=np.int32)
    for run in range(runs):
        reached[:, run] = blocks - np.searchsorted(healthy[run], values[run, blocks:])
    scores = -special.ndtri((reached + rng.random((steps, runs))) / (blocks + 1)).astype(np.float32)
    added = np.where(scores < 0, -np.inf, scores.astype(float) - ALLOWANCE)
    low, high = 0.0, 80.0
    while high - low > 0.005:
        threshold = (low + high) / 2
        evidence, alarms = np.zeros(runs), 0
        for more in added:
            evidence += more
            np.maximum(evidence, 0, out=evidence)
            exceeded = evidence > threshold
            if exceeded.any():
                alarms += np.count_nonzero(exceeded)
                evidence[exceeded] = 0
        low, high = (threshold, high) if alarms > rate * added.size else (low, threshold)
    return high


@lru_cache(maxsize=256)
def alarm_rates(memory, blocks, ranks):
    """Return how often healthy windows alarm if 1, 2, … `ranks` of the blocks + 1 ranks may.

    For blocks and windows that are exchangeable that is ``m / (blocks + 1)``. With a memory it is more: blocks
    then lie closer to their own history than later windows do, and the largest of them come in clusters.
    Simulated runs as long again as their history, ranked by their distance from its mean.
    """
    exchangeable = np.arange(1, ranks + 1) / (blocks + 1)
    if memory.correlation < 0.5 and memory.long < 0.15:
        return exchangeable  # the difference would be within a tenth, or nearly
    rng = np.random.default_rng(1954)
    runs = int(np.clip(2_000_000 // blocks, 20, 1_000))
    values = _noise(rng, runs, 2 * blocks, memory)
    distances = np.abs(values - values[:, :blocks].mean(axis=1, keepdims=True))
    largest = np.sort(distances[:, :blocks], axis=1)[:, : -ranks - 1 : -1]
    beyond = [
        blocks - np.searchsorted(np.sort(after), limits)
        for after, limits in zip(distances[:, blocks:], largest, strict=True)
    ]
    return np.maximum(np.mean(beyond, axis=0) / blocks, exchangeable)


def _noise(rng, runs, size, memory):
    """Return Gaussian runs with this memory, each of variance 1, by the fast Fourier transform."""
    if memory == Memory():
        return rng.standard_normal((runs, size))
    circle = 2 ** math.ceil(math.log2(2 * size))  # twice as long, so that no end meets its beginning
    frequency = 2 * np.pi * np.arange(circle // 2 + 1) / circle
    frequency[0] = np.pi / circle
    spectrum = np.exp(_log_spectrum(frequency, *memory))
    spectrum[0] /= 1 - 2 * memory.long  # its mean over the frequencies next to 0
    weights = np.sqrt(spectrum / np.concatenate([spectrum, spectrum[1:-1]]).mean())
    values, at_once = np.empty((runs, size)), max(1, 2_000_000 // circle)
    for first in range(0, runs, at_once):
        rows = slice(first, first + at_once)
        shocks = np.fft.rfft(rng.standard_normal((len(values[rows]), circle)))
        values[rows] = np.fft.irfft(weights * shocks)[:, :size]
    return values


def _log_spectrum(frequency, correlation, long, length=MANY):
    """Return the logarithm of the spectrum of means over `length` values, up to a constant."""
    shape = -long * np.log(2 - 2 * np.cos(frequency))
    if correlation == 0:
        return shape
    rho = np.interp(correlation, *_neighbors(length))
    left = rho**length
    variance, neighbors = _covariances(rho, length)
    waves = (np.cos(frequency) - left) / (1 - 2 * left * np.cos(frequency) + left**2)
    return shape + np.log(variance + 2 * neighbors * waves)


def _covariances(rho, length):
    """Return the variance of means over `length` values of an autoregression, and neighbors' covariance."""
    total = (1 - rho**length) / (1 - rho)
    return length * (1 + rho) / (1 - rho) - 2 * rho * total / (1 - rho), rho * total**2


@lru_cache(maxsize=16)
def _neighbors(length):
    """Return correlations of neighboring means, rising, and the correlation of values that gives each."""
    rho = -np.expm1(-np.geomspace(1e-6, 16, 4_000))  # 0 to nearly 1
    variance, neighbors = _covariances(rho, length)
    return neighbors / variance, rho


def _some_frequencies(blocks):
    """Return the places of all frequencies, or of some if they are many: the long waves, where memory shows."""
    last = (blocks - 1) // 2
    return np.arange(1, last + 1) if last <= 1_000 else np.unique(np.geomspace(1, last, 2_000).astype(int))


def _periodogram(scores):
    """Return the height of the waves at those frequencies, the mean of both sides."""
    return (np.abs(np.fft.rfft(scores, axis=0)) ** 2).mean(axis=1)[_some_frequencies(len(scores))]


@lru_cache(maxsize=8)
def _log_spectra(blocks, length):
    """Return the logarithms of the spectra of all memories on the grid, and one over them."""
    frequency = 2 * np.pi * _some_frequencies(blocks) / blocks
    short = np.array([_log_spectrum(frequency, rho, 0, length) for rho in _CORRELATIONS])
    long = np.array([_log_spectrum(frequency, 0, d, length) for d in _MEMORIES])
    shapes = short[:, np.newaxis] + long
    return shapes, np.exp(-shapes)
