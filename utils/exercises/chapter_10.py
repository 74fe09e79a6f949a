"""Exercises of chapter 10, "What if all I have is buckets?"."""

import numpy as np
from scipy import stats

from utils.exercises.engine import Exercise, as_array, function_exercise, number_exercise

# 10.1: a quantile from counts ------------------------------------------------------------------------------


def _quantile(bounds, counts, q):
    totals = np.cumsum(counts)
    return np.interp(q * totals[-1], np.append(0, totals[:-1]), np.append(0, bounds[:-1]))


def _without_zero(bounds, counts, q):
    totals = np.cumsum(counts)
    return np.interp(q * totals[-1], totals[:-1], bounds[:-1])


def _within(part):
    """Return a function that goes so far into the bucket of the quantile, wherever in it that lies."""

    def quantile(bounds, counts, q):
        bucket = np.searchsorted(np.cumsum(counts), q * np.sum(counts))
        low, high = np.append(0, bounds)[[bucket, bucket + 1]]
        return low + (high - low) * part

    return quantile


_BOUNDS = np.array([50.0, 100.0, 250.0, 500.0, np.inf])
_HISTORIES = [10, 40, 30, 20, 0], [10, 40, 30, 20, 0], [80, 10, 5, 5, 0], [0, 9, 490, 1, 0]

_QUANTILE = function_exercise(
    "10.1",
    cases=[(_BOUNDS, np.array(h), q) for h, q in zip(_HISTORIES, (0.6, 0.9, 0.3, 0.95), strict=True)],
    right=_quantile,
    slips={
        _without_zero: "the first bucket begins at 0. How many requests lie at or below 0 ms?",
        _within(1): "this is the bucket's upper bound. How far into it does the quantile lie?",
        _within(0): "this is the bucket's lower bound. How far into it does the quantile lie?",
        _within(0.5): "this is the bucket's middle. Which of its requests come before the quantile?",
        lambda b, c, q: _quantile(b, np.diff(c, prepend=0), q): "counts are taken for totals. Add them up.",
    },
    hints=(
        "The bucket goes from `bounds[bucket - 1]` to `bounds[bucket]`; the first of all begins at 0.",
        "q times all, minus what lies below the bucket, over what lies in it: so far into it you go.",
    ),
    why="a percentile from counts says as much about the bounds as about the requests.",
)

# 10.2: the largest D that counts allow ---------------------------------------------------------------------


def _shares(counts):
    """Return the shares at or below both ends of each bucket, of one histogram or of one a row."""
    below = np.cumsum(counts, axis=-1) / np.sum(counts, axis=-1, keepdims=True)
    return np.concatenate([np.zeros_like(below[..., :1]), below], axis=-1)


def _gap(historical, recent):
    return np.max(np.abs(_shares(historical) - _shares(recent)), axis=-1)


def _gap_within(historical, recent):
    return np.max(np.abs(np.diff(_shares(historical)) - np.diff(_shares(recent))), axis=-1)


def _one_way(historical, recent):
    return np.max(_shares(historical)[1:] - _shares(recent)[:-1])


_OTHER_WAY = "this looks at one way round only. Which requests may lie at the lower ends: historical, recent?"
_HISTOGRAMS = [([10, 60, 20, 10], [5, 30, 40, 25]), ([10, 50, 100, 40], [20, 50, 20, 10])]
_HISTOGRAMS += [([90, 5, 5], [10, 80, 10]), ([9, 190, 1], [1, 97, 2])]

_MOST = function_exercise(
    "10.2",
    cases=[(np.array(historical), np.array(recent)) for historical, recent in _HISTOGRAMS],
    right=lambda historical, recent: max(_one_way(historical, recent), _one_way(recent, historical)),
    slips={
        _gap: "this is the gap at the bounds, the least that D can be. How far may it open within a bucket?",
        _one_way: _OTHER_WAY,
        lambda h, r: _one_way(r, h): _OTHER_WAY,
        lambda h, r: min(
            _one_way(h, r), _one_way(r, h)
        ): "this is the smaller of both ways. Which is the most?",
        _gap_within: "this compares single buckets. What share lies at or below a bound, all in all?",
    },
    hints=(
        "Make shares at or below each bound of the counts, with a 0 in front: F and G at both ends of a bucket.",
        "With both in arrays, `f[1:] - g[:-1]` is F(b) - G(a) for all buckets at once. And the other way?",
    ),
    why='where the most is near 1, "no drift found" is a statement about the buckets.',
)

# 10.3: six bounds ------------------------------------------------------------------------------------------


def _draw(bounds, size, rng, mean=150, sd=20, slow=0.0):
    edges = np.concatenate([[-np.inf], bounds, [np.inf]])
    usual, late = (np.diff(stats.norm.cdf(edges / times, mean, sd)) for times in (1, 4))
    return rng.multinomial(size, (1 - slow) * usual + slow * late, size=2_000)


def _seen(bounds):
    """Return the share of windows that alarm for a shift, for more spread and for a slow tail."""
    rng = np.random.default_rng(104)

    def gaps(**drift):
        old, new = _draw(bounds, 1_000, rng), _draw(bounds, 500, rng, **drift)
        return np.abs(old.cumsum(axis=1) / 1_000 - new.cumsum(axis=1) / 500).max(axis=1)

    limit = np.quantile(gaps(), 0.99)
    old, new = _draw(bounds, 1_000, rng)[:, -1], _draw(bounds, 500, rng, slow=0.02)[:, -1]
    tail = stats.hypergeom.sf(new - 1, 1_500, old + new, 500) <= 0.01
    return [np.mean(alarms) for alarms in (gaps(mean=155) > limit, gaps(sd=40) > limit, tail)]


def six_bounds(answer):
    """Judge six bounds by the drifts that an alarm sees through them."""
    bounds = as_array(answer, size=6)
    if (np.diff(bounds, prepend=0) <= 0).any():
        return "bounds must be positive, and each larger than the one before. Are these?"
    if bounds[-1] < 5:
        return "these bounds look like seconds. In which unit are they asked for?"
    shift, spread, tail = _seen(bounds)
    if shift < 0.6:
        return f"{shift:.0%} of the windows 5 ms slower alarm. Where is their ECDF furthest from history's?"
    if spread < 0.6:
        return f"{spread:.0%} of those with twice the spread alarm. At the median ECDFs cross: where do they part?"
    if tail < 0.6:
        why = "How many healthy requests exceed" if bounds[-1] < 210 else "Do the slow requests exceed"
        return f"{tail:.0%} of the windows with a slow tail alarm. {why} your highest bound?"
    return None


_SIX = Exercise(
    "10.3",
    six_bounds,
    hints=(
        "Each drift needs a bound where its ECDF lies far from history's: draw both, or compute the gap.",
        "A shift shows at the median, spread beyond a standard deviation, a tail between healthy and slow requests.",
    ),
    why="a bound is a place to look: choose bounds by the drifts that must not pass.",
)

# 10.4: a counter's increase --------------------------------------------------------------------------------


def _increase(totals):
    steps = np.diff(totals)
    return np.where(steps < 0, totals[1:], steps).sum()


_TOTALS = [5, 9, 9, 14, 30], [100, 140, 190, 25, 60, 95], [7, 12, 20, 0, 4, 11], [40, 80, 10, 50, 5, 5, 45]

_INCREASE = function_exercise(
    "10.4",
    cases=[(np.array(totals),) for totals in _TOTALS],
    right=_increase,
    slips={
        lambda t: t[-1] - t[0]: "this is the last total minus the first. What became of it at a restart?",
        lambda t: np.diff(t).clip(0).sum(): "the step over a restart is left out. What had come by then?",
        lambda t: np.abs(np.diff(t)).sum(): "the fall at a restart is no requests. How many came?",
        lambda t: t[0] + _increase(t): "what came before the first scrape is in it, too.",
        np.sum: "this adds up totals, and each holds all that came before. What came between two?",
    },
    hints=(
        "Look at the steps from one scrape to the next, `np.diff(totals)`. A negative one is a restart.",
        "After a restart the counter began at 0, so the step is the new total itself.",
    ),
    why="counts are increases, and a restart must neither make them negative nor lose the hour.",
)

# 10.5: percentiles of hosts --------------------------------------------------------------------------------


def _percentiles():
    """Return the 95th percentile of all hosts' requests, and four wrong ones."""
    rng, bounds = np.random.default_rng(10), np.append(2 ** (np.arange(26, 108) / 8), np.inf)
    drawn = [rng.normal(mean_ms, 20, size) for size, mean_ms in ((8_000, 150), (6_000, 155), (500, 260))]
    counts = np.array([np.bincount(np.searchsorted(bounds, one), minlength=bounds.size) for one in drawn])
    sizes, p95s = counts.sum(axis=1), np.array([_quantile(bounds, one, 0.95) for one in counts])
    alike = (counts / sizes[:, np.newaxis]).sum(axis=0)
    weighted = p95s @ sizes / sizes.sum()
    exact = np.quantile(np.concatenate(drawn), 0.95)
    return (
        *(_quantile(bounds, one, 0.95) for one in (counts.sum(axis=0), alike)),
        p95s.mean(),
        weighted,
        exact,
    )


_ALL_HOSTS = number_exercise(
    "10.5",
    right=lambda: _percentiles()[0],
    within=0.2,
    slips=lambda: {
        _percentiles()[1]: "what all hosts give if each had as many requests. How many has each?",
        _percentiles()[2]: "the mean of three percentiles. How many requests does it take from each host?",
        _percentiles()[3]: "the mean of percentiles, weighted by traffic. Which histogram has all requests?",
        _percentiles()[4]: "the percentile of the latencies themselves. What do the counts say?",
    },
    otherwise=lambda p95: (
        f"{'fewer' if p95 > _percentiles()[0] else 'more'} than five in a hundred of the counted requests lie above "
        "that. What are the counts of all of them?"
    ),
    hints=(
        "A request that took 160 ms lies in the same bucket on each host.",
        "Add the hosts' counts up, bucket by bucket, and take `quantile_of_counts` of that one histogram.",
    ),
    why="counts of hosts add up to the counts of the service, and no arithmetic on percentiles does.",
)

EXERCISES = (_QUANTILE, _MOST, _SIX, _INCREASE, _ALL_HOSTS)
