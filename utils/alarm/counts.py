"""Drift where nothing is kept but counts in buckets, as Prometheus, OpenTelemetry or a database's GROUP BY keep them.

One histogram is a Series of counts whose index is an IntervalIndex, closed on the right: ``(0, 5], (5, 10], …,
(10000, inf]``. Many are a DataFrame, one row a stretch of time, named by when it begins; `buckets.load_counts` reads
it, and `DriftMonitor` takes it in place of measurements.

>>> import numpy as np
>>> rng = np.random.default_rng(42)
>>> historical, recent = rng.normal(150, 20, size=1_000), rng.normal(165, 22, size=500)
>>> fine, coarse = exponential_bounds(2 ** (1 / 8), 50, 400), [50, 100, 250, 500]
>>> for bounds in (fine, coarse):
...     result = compare_counts(count_into_buckets(historical, bounds), count_into_buckets(recent, bounds))
...     print(f"D is at least {result.statistic:.3f} and at most {result.at_most:.3f}")
D is at least 0.287 and at most 0.533
D is at least 0.005 and at most 0.998

What is known of D
------------------
The shares at or below a bound are exact, so the largest gap between them is the least that D can be. Within a
bucket (a, b] the two shares F and G only rise, so that no gap there exceeds ``max(F(b) - G(a), G(b) - F(a))``.

The p-value
-----------
That of the KS test takes every value for a place to look at; at a few bounds it is far too large [1]_. With labels
shuffled, the counts of one sample are a multivariate hypergeometric draw from both. In the limit the gaps, times the
root of ``n m / (n + m)``, are a Brownian bridge at the pooled shares, which is Markovian: how often it
leaves a band there is found by carrying its density from one bound to the next. Where the smaller sample expects fewer
than five values on the thin side of the bound there is no such limit, and labels are shuffled.

References
----------
.. [1] W. J. Conover (1972), A Kolmogorov goodness-of-fit test for discontinuous distributions, Journal of the American
   Statistical Association 67, 591-596.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from .drift import as_fraction, as_sample
from .evidence import FEWEST_FOR_MEMORY, estimate_memory
from .history import TAIL, History

CELLS = 501  # between the ends of the band that a bridge may leave
FEW = 5  # values beyond a bound: with fewer expected their share has no bell
ZERO = 1e-30  # a bucket up to here holds zeros, as the lowest of exponential ones does
COARSE = 0.5  # of history in one bucket: no cycle of it can be taken out
MOST = 1e9  # values that numpy draws from
SMALLEST = 1e-4  # p-values below are lost in the differences between cells


# --- counts in buckets -------------------------------------------------------------------------------------


def count_into_buckets(values, bounds):
    """Return how many values lie in each bucket, a Series: ``(…, bounds[0]], …, (bounds[-1], inf]``.

    Parameters
    ----------
    values : sequence of numbers
    bounds : sequence of numbers
        The upper bounds, rising, in the unit of `values`; that of the last bucket, inf, need not be named.
    """
    edges = as_edges(bounds)
    counts = np.bincount(np.searchsorted(edges[1:], as_sample(values, "values")), minlength=edges.size - 1)
    return pd.Series(counts, index=as_buckets(edges), name=getattr(values, "name", None))


def exponential_bounds(growth, lowest, highest):
    """Return bounds that are powers of `growth`, from the last at or below `lowest` to the first at or above `highest`.

    Prometheus' native histograms and OpenTelemetry's exponential ones have a growth of ``2 ** (1 / 2 ** schema)``:
    9 % at schema 3.
    """
    if not (growth > 1 and 0 < lowest < highest < math.inf):
        raise ValueError("growth must be above 1, and lowest a number above 0 and below highest.")
    step = round(math.log2(growth), 12)  # 1/8, say, which the root that growth is misses by the last bit
    first, last = (math.log2(end) / step for end in (lowest, highest))
    # As powers of 2, so that bounds of two schemas that are the same are so to the last bit.
    return 2.0 ** (step * np.arange(math.floor(first + 1e-9), math.ceil(last - 1e-9) + 1))


def quantile_of_counts(counts, q):
    """Return a quantile as `histogram_quantile` of Prometheus: values lie evenly in the first bucket that reaches it.

    Parameters
    ----------
    counts : Series
        In buckets. In the last one a quantile is its lower end.
    q : float
        From 0 to 1.
    """
    totals, buckets = counts.to_numpy().cumsum(), counts.index
    rank = q * totals[-1]
    place = int(np.searchsorted(totals, rank))
    low, high = buckets.left[place], buckets.right[place]
    if place == len(buckets) - 1 or not counts.iloc[place]:
        return float(low)
    return float(high - (high - low) * (totals[place] - rank) / counts.iloc[place])


def as_edges(bounds):
    """Return the ends of all buckets: 0, or -inf if a bound is not above it, the bounds, and inf."""
    bounds = np.unique(np.append(np.asarray(bounds, float), math.inf))
    if np.isnan(bounds).any() or bounds.size < 2:
        raise ValueError("bounds must hold one number at least, and no missing ones.")
    return np.insert(bounds, 0, 0.0 if bounds[0] > 0 else -math.inf)


def as_buckets(edges, name=None):
    """Return the IntervalIndex of buckets with these ends."""
    return pd.IntervalIndex.from_breaks(edges, closed="right", name=name)


def are_counts(values):
    """Return whether something is a table of counts in buckets."""
    return isinstance(getattr(values, "columns", None), pd.IntervalIndex)


def as_counts(table, argument):
    """Return a table of counts as a float array, one column a bucket, or say what is wrong."""
    buckets = table.columns
    gapless = len(buckets) and (buckets.left[1:] == buckets.right[:-1]).all()
    if not gapless or buckets.closed != "right" or buckets.right[-1] != math.inf or len(buckets) < 2:
        raise ValueError(
            f"{argument} must have buckets as columns that follow each other, closed on the right, the last up to inf; "
            "make them by pandas.IntervalIndex.from_breaks."
        )
    counts = table.to_numpy(float, na_value=np.nan)
    if not np.isfinite(counts).all() or (counts < 0).any():
        row = int((~np.isfinite(counts) | (counts < 0)).any(axis=1).argmax())
        raise ValueError(
            f"{argument} holds counts that are missing, infinite or negative, the first in row {row:,}; of "
            "counters that only grow take the increases, and leave out rows that are not known."
        )
    return counts


def edges_of(buckets):
    """Return the ends of all buckets of an IntervalIndex."""
    return np.append(buckets.left, buckets.right[-1])


def shared_buckets(*tables):
    """Return the buckets between the bounds at which all these tables tell how many values lie below."""
    bounds = np.unique(np.concatenate([table.columns.right[:-1] for table in tables]))
    for table in tables:
        bounds = bounds[~_within_a_bucket(bounds, table, as_counts(table, "table"))]
    if not bounds.size:
        raise ValueError("these tables have no bound in common; count the values anew, in the same buckets.")
    return as_buckets(as_edges(bounds))


def coarsen(table, buckets, argument="table"):
    """Return a table's counts in `buckets`, whose ends it must have wherever it counts something."""
    if table.columns.equals(buckets):
        return table
    counts, want = as_counts(table, argument), edges_of(buckets)
    within = _within_a_bucket(want, table, counts)
    if within.any():
        raise ValueError(
            f"{argument} has no bound at {want[within][0]:.6g}; bring both into the buckets that they share, by "
            "monitor.in_shared_buckets(recent) or coarsen(table, shared_buckets(historical, recent))."
        )
    merged = np.zeros((len(table), len(buckets)))
    np.add.at(merged, (slice(None), np.searchsorted(want[1:], table.columns.right)), counts)
    return pd.DataFrame(merged, index=table.index, columns=buckets.rename(table.columns.name))


def _within_a_bucket(bounds, table, counts):
    """Return which bounds lie inside one of the table's buckets that counts something: an empty one may be split."""
    have = edges_of(table.columns)
    bucket = np.clip(np.searchsorted(have, bounds) - 1, 0, have.size - 2)
    return ~np.isin(bounds, have) & counts.any(axis=0)[bucket]


def middles(edges):
    """Return what stands for the values of each bucket: its middle, or the end that is finite."""
    low, high = edges[:-1], edges[1:]
    return np.where(np.isinf(high), low, np.where(np.isinf(low), high, (low + high) / 2))


def scaled(counts, edges, factors):
    """Return the counts, one row each, that values times a factor would have if they lay evenly in their buckets.

    Those of the last bucket stay there.
    """
    inner = edges[1:-1]
    before = np.cumsum(counts, axis=1)
    known = edges[:-1] if np.isfinite(edges[0]) else np.concatenate([[min(2 * inner[0], -1.0)], inner])
    after = np.empty_like(before)
    for i, factor in enumerate(factors):
        after[i, :-1] = np.interp(inner / factor, known, np.append(0.0, before[i, :-1]))
    after[:, -1] = before[:, -1]
    return np.diff(after, axis=1, prepend=0.0)


def moved(counts, edges, factor):
    """Return the counts that values times a factor would have if each lay at the middle of its bucket."""
    after = np.zeros_like(counts)
    np.add.at(after, (slice(None), np.searchsorted(edges[1:], factor * middles(edges))), counts)
    return after


# --- one comparison ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CountsResult:
    """What a comparison of two histograms found. Printed, it is one sentence; as a condition, it is `drifted`.

    Attributes
    ----------
    statistic, at_most : float
        The largest gap between the shares at or below a bound, which is the least that the KS distance D of the values
        can be, and the largest D that these counts allow.
    p_value : float
        How often two independent samples from one distribution show a gap at least this large at these bounds.
    location : float
        The bound at which the gap is largest, in the data's units.
    direction : str
        ``"slower"``, ``"faster"``, or ``"none"`` if all shares are the same.
    shift : float
        The Wasserstein-1 distance, with each value at its bucket's middle; of the last, at its lower end.
    n_historical, n_recent : float
        How many values were counted.
    alpha : float
        As asked for.
    blind : str
        What these buckets can't see, a sentence.
    """

    statistic: float
    at_most: float
    p_value: float
    location: float
    direction: str
    shift: float
    n_historical: float
    n_recent: float
    alpha: float
    blind: str

    @property
    def drifted(self):
        """Whether the p-value is below `alpha`."""
        return bool(self.p_value < self.alpha)

    def __bool__(self):
        return self.drifted

    def __str__(self):
        verdict = f"Drift: recent is {self.direction}" if self.drifted else "No drift found in these buckets"
        place = "" if self.direction == "none" else f" at {self.location:.4g}"
        return (
            f"{verdict} (D is at least {self.statistic:.3f}{place}, at most {self.at_most:.3f}; "
            f"p = {self.p_value:.2g}). {self.blind}"
        )


def compare_counts(historical, recent, *, alpha=0.05):
    """Compare two histograms, and return a `CountsResult`.

    Parameters
    ----------
    historical, recent : Series or DataFrame
        Counts in the same buckets; the rows of a DataFrame are added up.
    alpha : float, default 0.05
        The share of comparisons that may find drift where there is none. The counted values are taken as
        independent; autocorrelated ones alarm more often, and `DriftMonitor` is for them.

    Raises
    ------
    TypeError, ValueError
        In one sentence, for what can't be compared.
    """
    alpha = as_fraction(alpha, "alpha")
    edges, historical, recent = _as_two(historical, recent)
    n, m = historical.sum(), recent.sum()
    below, now = np.cumsum(historical) / n, np.cumsum(recent) / m
    gaps = (below - now)[:-1]
    place = int(np.abs(gaps).argmax())
    statistic = abs(gaps[place])
    before = np.append(0.0, below[:-1]), np.append(0.0, now[:-1])
    direction = "slower" if gaps[place] > 0 else "faster"
    pooled = ((n * below + m * now) / (n + m))[:-1]
    if min(n, m) * min(pooled[place], 1 - pooled[place]) < FEW and n + m < MOST:
        p_value = shuffled_p_value(historical, recent)
    else:
        p_value = _bridge_p_value(statistic * math.sqrt(n * m / (n + m)), pooled)
    return CountsResult(
        statistic=float(statistic),
        at_most=float(max((below - before[1]).max(), (now - before[0]).max())),
        p_value=p_value,
        location=float(edges[1 + place]),
        direction=direction if statistic > 1e-12 else "none",
        shift=float(np.abs(gaps) @ np.diff(middles(edges))),
        n_historical=float(n),
        n_recent=float(m),
        alpha=alpha,
        blind=blind_spot(historical, edges),
    )


def shuffled_p_value(historical, recent, *, shuffles=999, rng=None):
    """Return the p-value of the largest gap at the bounds, by shuffling which sample each value belongs to.

    Parameters
    ----------
    historical, recent : Series, DataFrame or array
        As for `compare_counts`, or counts of the same buckets; fractions are rounded.
    shuffles : int, default 999
    rng : numpy.random.Generator, optional
        By default one with a fixed seed, so that the same counts have the same p-value.
    """
    if isinstance(historical, np.ndarray) and isinstance(recent, np.ndarray):
        if historical.shape != recent.shape or historical.ndim != 1:
            raise ValueError(
                "historical and recent are arrays of unlike shape; give one count a bucket in each."
            )
    else:
        _, historical, recent = _as_two(historical, recent)
    historical, recent = np.rint(historical).astype(np.int64), np.rint(recent).astype(np.int64)
    n, m = historical.sum(), recent.sum()
    if n + m >= MOST:
        raise ValueError(
            f"{n + m:,} values are too many to shuffle; compare_counts takes as many as there are."
        )
    pooled = historical + recent
    rng = np.random.default_rng(1954) if rng is None else rng
    draws = rng.multivariate_hypergeometric(pooled, m, size=shuffles, method="marginals")
    # Where n + m times as many as m of the pooled values would lie: whole numbers, so that ties are exact.
    gaps = np.abs(np.cumsum(np.vstack([recent, draws]) * (n + m) - pooled * m, axis=1)).max(axis=1)
    return float((1 + (gaps[1:] >= gaps[0]).sum()) / (1 + shuffles))


def blind_spot(counts, edges, unit=""):
    """Return what these buckets can't see, as a sentence: the bucket within which most could move furthest."""
    shares, unit = counts / counts.sum(), f" {unit}" if unit else ""
    widths = np.where(np.isfinite(edges[1:] - edges[:-1]), edges[1:] - edges[:-1], 0.0)
    widest = int((shares * widths).argmax())
    if shares[-1] > 0.5 or not widths[widest]:
        return f"Of the {shares[-1]:.0%} of history above {edges[-2]:.4g}{unit} these buckets tell no more."
    return (
        f"Between {edges[widest]:.4g} and {edges[widest + 1]:.4g}{unit}, where {shares[widest]:.0%} of history lies, "
        f"these buckets see nothing: a move of up to {widths[widest]:.3g}{unit} within them stays hidden."
    )


def _as_two(historical, recent):
    """Return the ends of the buckets and two arrays of counts, or say what is wrong."""
    both = []
    for name, counts in (("historical", historical), ("recent", recent)):
        if isinstance(counts, pd.Series) and isinstance(counts.index, pd.IntervalIndex):
            counts = counts.to_frame().T
        if not are_counts(counts):
            raise TypeError(
                f"{name} is of type {type(counts).__name__}, not counts in buckets; make them by count_into_buckets or "
                "load_counts."
            )
        both.append(pd.DataFrame(as_counts(counts, name).sum(axis=0)[np.newaxis], columns=counts.columns))
        if not both[-1].to_numpy().sum() > 0:
            raise ValueError(f"{name} counts no value; give a stretch of time with requests in it.")
    historical, recent = both
    recent = coarsen(recent, historical.columns, "recent")
    return edges_of(historical.columns), historical.to_numpy()[0], recent.to_numpy()[0]


def _bridge_p_value(largest, shares):
    """Return how often a Brownian bridge is, at one of these shares at least, as far from 0 as `largest`."""
    shares = np.unique(shares[(shares > 0) & (shares < 1)])
    if not shares.size or largest <= 0:
        return 1.0
    # No more often than if it were looked at everywhere, or each place by itself and none together.
    alone = 2 * special.ndtr(-largest / np.sqrt(shares * (1 - shares)))
    most = float(min(special.kolmogorov(largest), alone.sum()))
    # A Brownian motion that ends at 0, in cells between -largest and largest.
    width = 2 * largest / CELLS
    steps = width * np.arange(1 - CELLS, CELLS)
    within = np.zeros(CELLS)
    within[CELLS // 2] = 1.0
    for variance in np.diff(shares, prepend=0.0, append=1.0):
        ends = special.ndtr((steps[:, np.newaxis] + width * np.array([-0.5, 0.5])) / math.sqrt(variance))
        within = np.convolve(within, ends[:, 1] - ends[:, 0], mode="valid")
    stays = within[CELLS // 2] / width * math.sqrt(2 * math.pi)  # the last step ends in the middle
    return min(most, 1 - stays) if 1 - stays > SMALLEST else most


# --- many, under a budget ----------------------------------------------------------------------------------


def mean_logs(counts, edges):
    """Return the mean logarithm of each row's values, each taken at its bucket's middle; zeros have none."""
    above = edges[1:] > ZERO
    counts, logs = counts[:, above], np.log(np.maximum(middles(edges)[above], ZERO))
    with np.errstate(invalid="ignore", divide="ignore"):
        return counts @ logs / counts.sum(axis=1)


class CountHistory(History):
    """One metric's history of counts, one row a block; the sides and the ranks are those of `History`."""

    def __init__(self, edges, *arguments, **options):
        self.edges, self._middles = edges, middles(edges)
        super().__init__(*arguments, **options)

    smallest = property(lambda self: max(self.edges[0], -1.0))
    median = property(lambda self: self.median_of(np.diff(self._below, prepend=0.0)))

    def median_of(self, counts):
        """Return the middle of the bucket in which the median lies."""
        below = np.cumsum(np.reshape(counts, (-1, self._middles.size)).sum(axis=0))
        return float(self._middles[np.searchsorted(below, below[-1] / 2)])

    def _take(self, counts):
        self._distinct, total = False, counts.sum(axis=0)
        self.total, self._below = total.sum(), np.cumsum(total) / total.sum()

    def _times(self, counts, first, sizes, factors):
        return scaled(counts[first], self.edges, factors), np.arange(len(first))

    def _rows(self, counts, first, sizes):
        yield np.arange(len(first)), counts[first]

    def _compare(self, rows, tolerance=0.0, *, leave_out=False):
        w = rows.sum(axis=1, keepdims=True)
        rest = self.total / (self.total - w) if leave_out else np.ones_like(w)
        gaps = (self._below - np.cumsum(rows, axis=1) / w)[:, :-1]
        gaps[np.abs(gaps) < 1e-12] = 0
        towards = np.stack([np.maximum(gaps, 0), np.maximum(-gaps, 0)], axis=2)
        areas = np.einsum("kbs,b->ks", towards, np.diff(self._middles))
        distance = np.abs(gaps).max(axis=1)
        sides = np.empty((len(rows), len(self.statistics), 3))
        for j, statistic in enumerate(self.statistics):
            if statistic == "ks":
                sides[:, j, 1:] = towards.max(axis=1) * rest - tolerance
            elif statistic == "wasserstein":
                sides[:, j, 1:] = areas * rest
            else:
                sides[:, j, 1:] = np.maximum(self._excess(rows / w) - self._usual_excess, 0) * rest
            whole = sides[:, j, 1:]
            sides[:, j, 0] = whole.sum(axis=1) if statistic == "wasserstein" else whole.max(axis=1)
        return sides, self.edges[1 + np.abs(gaps).argmax(axis=1)], areas.sum(axis=1), distance

    def _excess(self, shares):
        """Return how far values lie, on average, beyond the bounds of history's tails: above, below."""
        beyond = max(TAIL, self.window / self.total)
        high = self.edges[1 + np.argmax(1 - self._below <= beyond)]
        low = self.edges[np.flatnonzero(np.append(0.0, self._below) <= beyond)[-1]]
        low = low if np.isfinite(low) else self._middles[0]
        # How far values lie beyond the last bound nobody knows: as far again, so that more of them are seen.
        high, middles = min(high, self.edges[-2]), np.append(self._middles[:-1], 2 * self.edges[-2])
        return shares @ np.stack([np.maximum(middles - high, 0), np.maximum(low - middles, 0)], axis=1)

    @property
    def _usual_excess(self):
        return self._excess(np.diff(self._below, prepend=0.0)[np.newaxis])[0]

    def memory(self, values, *, cycle=None):
        """Return how healthy windows hang together in time, a `Memory`."""
        if self.n_blocks < FEWEST_FOR_MEMORY:
            raise ValueError(
                f"historical has {self.n_blocks:,} windows of counts, and {FEWEST_FOR_MEMORY} are the fewest to tell "
                "how they hang together; give more of them, or shorter ones."
            )
        return estimate_memory(self.scores_in_time, cycle)
