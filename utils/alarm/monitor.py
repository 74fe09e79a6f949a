"""Many comparisons against one history, under one alarm budget.

A `DriftMonitor` sorts the history once and then judges window after window. Its threshold is not a
significance level but a promise: `false_alarm_rate`, the share of healthy windows that may alarm.

>>> import numpy as np
>>> rng = np.random.default_rng(42)
>>> historical = rng.normal(loc=150, scale=20, size=60_000)
>>> monitor = DriftMonitor(historical, window=60, false_alarm_rate=1 / 720)
>>> monitor
DriftMonitor(1,000 blocks of 60, statistic ks, at most 1 false alarm in 720 windows)
>>> healthy, drifted = rng.normal(150, 20, size=60), rng.normal(165, 22, size=60)
>>> monitor.check(healthy).drifted, monitor.check(drifted).drifted
(False, True)

How it decides
--------------
*The budget.* History is cut into consecutive blocks as long as a window. Each block is compared with the rest
of history, which gives k healthy statistics S_1 ... S_k, and a recent window with statistic S gets the
conformal p-value [1]_

    ``p = (1 + #{i: S_i >= S}) / (k + 1)``.

It alarms when ``p <= false_alarm_rate``. If window and blocks are exchangeable, the ranks of S are as good as
equally likely (with four blocks simulations tell the difference, with nine no more), and P(alarm) is
`attainable_rate`, less if statistics are tied. p is an average over histories: of one history the share of
healthy windows that reach its largest block is Beta(1, k), above ``1 / (k + 1)`` in 37 of 100 histories. A block
carries its autocorrelation with it, which is why the budget holds where the KS p-value cries wolf.

*Memory.* Blocks that hang together from one to the next, for hours or for weeks, are not exchangeable with later
windows: they lie closer to a history that they are part of, and the largest come in clusters. How they hang
together is estimated from their scores (`evidence`); where that makes alarms more than a twentieth oftener than
promised, fewer ranks may alarm (so a window with ``p <= false_alarm_rate`` may not), and where no rank is rare
enough the monitor warns.

*Leaving a block out is free.* All of n values are the block's w and the rest's n - w, so
``F_block - F_rest = (F_block - F_all) * n / (n - w)`` at every x. Whatever is a maximum or an area of that
difference needs comparing with all of history only: the KS and the Wasserstein distance, and the mean excess
beyond a given limit. (The limits of "tail" stay those of all of history; with few blocks its tails are taken
so wide that no single block makes them up.)

*Cycles.* Least squares of the logarithm, taken out of history and recent alike: sines and cosines of each period,
or a week of free days and others, or of hours, whichever history votes for (`cycles`). Each stretch of history is
cleaned with the cycle that the other stretches suggest, as a recent window is cleaned with one that it had no
part in.

*Accumulation.* A drift too small for one window may be plain over six. Each window's conformal p-value, taken
for "slower" and "faster" separately, is turned into a normal score z (large when p is small), and two
cumulative sums (CUSUM, Page [2]_) add it up:

    ``evidence = max(0, evidence + z - 1)``,  and 0 as soon as z < 0.

The second half makes it forget: one in two healthy windows has z < 0, so evidence of an incident that is over
does not spill far into the hours after it. An alarm comes when one of them exceeds `threshold`, and sets both
back to 0. The p-value is smoothed [1]_: where blocks tie with the window, and in the gap between two blocks, its
place is drawn by lot (always the same for the same window of the same monitor). So z is standard normal, however
the latencies are distributed, for windows that are exchangeable with history. The threshold that alarms as rarely
as the budget says is found by simulating healthy runs, each with a history as long as this one and with its
memory; it is raised, with a warning, if history's own blocks alarm too often by it. That sums of transformed
conformal p-values detect changes is from [3]_. There p-values are computed online, each among all values before
it, which makes them independent, and bounds false alarms without simulation; here history is fixed, so that a
drift which lasts never becomes the reference, and all windows share its luck.

References
----------
.. [1] V. Vovk, A. Gammerman and G. Shafer (2005), Algorithmic Learning in a Random World, Springer.
.. [2] E. S. Page (1954), Continuous inspection schemes, Biometrika 41, 100-115.
.. [3] V. Vovk, I. Petej, I. Nouretdinov, E. Ahlberg, L. Carlsson and A. Gammerman (2021), Retrain or not
   retrain: conformal test martingales for change-point detection, Proceedings of Machine Learning Research
   152, 191-210.
.. [4] Y. Benjamini and Y. Hochberg (1995), Controlling the false discovery rate, Journal of the Royal
   Statistical Society B 57, 289-300.
"""

import math
import warnings
import zlib
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from .cycles import Cycles
from .drift import as_fraction, as_sample, ks_p_value
from .evidence import (
    FEWEST_FOR_MEMORY,
    LONGEST,
    accumulate,
    alarm_rates,
    count_alarms,
    estimate_memory,
    estimate_memory_within,
    evidence_threshold,
    moves,
)

STATISTICS = ("ks", "wasserstein", "tail")
TAIL = 0.01  # the share of history at either end that is called its tail
FEWEST_PERIODS = 7  # with fewer, how much one period differs from the next cannot be told
CLOSE_ENOUGH = 1.05  # times the budget, to which simulation knows how often a rank is reached
FEWEST_BLOCKS = 4  # with fewer, a window's rank among them is not what the budget takes it for
_DIRECTIONS = np.array(["slower", "faster", "none"], dtype=object)
_MADE_BY = "monitor"  # where a table of windows keeps its monitor's identity
CHUNK = 1 << 17  # values compared at a time: bounds the memory, and stays in the processor's cache


# --- one history -------------------------------------------------------------------------------------------


class _History:
    """One metric's history: sorted once, and how far its own blocks lie from the rest of it.

    Every statistic has three sides, the last axis of arrays here: in all, towards slower, towards faster.
    """

    def __init__(self, values, window, statistics):
        self.window, self.statistics = window, statistics
        self._edges_by_length = {}
        whole = values.size // window * window
        missing = np.isnan(values)
        self.missing_shares = np.sort(missing[:whole].reshape(-1, window).mean(axis=1))
        if missing.any():
            self.sorted = np.sort(values)[: -np.count_nonzero(missing)]  # NaN sorts last
        else:
            self.sorted, order = _sorted_with_order(values)
        self._distinct = bool((self.sorted[1:] != self.sorted[:-1]).all())
        if missing.any():
            sides = self._search_blocks(values[:whole].reshape(-1, window))
        else:
            sides = self._rank_blocks(order, whole)
        self.n_blocks = len(sides)
        self.unit, units = _common_units(sides)
        in_time = (sides / units).max(axis=1)
        self.healthy = np.sort(in_time, axis=0)
        self.in_time = in_time[:, 1:]

    def _search_blocks(self, blocks):
        """Return the sides of the statistics of each block, compared with the rest of history."""
        present = self.window - np.isnan(blocks).sum(axis=1)
        sides = np.empty((len(blocks), len(self.statistics), 3))
        for length in np.unique(present[present >= 2]):
            which = np.flatnonzero(present == length)
            rows = np.sort(blocks[which], axis=1)[:, :length]  # NaN sorts last
            parts = [self.compare(part, leave_out=True).sides for part in _chunks(rows)]
            sides[which] = np.concatenate(parts)
        return sides[present >= 2]  # blocks of missing values say nothing

    def _rank_blocks(self, order, size):
        """Return the same for blocks without missing values: their ranks are known from the sort."""
        ranks, first_rank = np.empty(order.size, dtype=order.dtype), None
        if self._distinct:
            ranks[order] = np.arange(1, order.size + 1, dtype=order.dtype)
        else:
            ranks[order] = np.searchsorted(self.sorted, self.sorted, side="right")
            first_rank = np.searchsorted(self.sorted, self.sorted, side="left")
        del order
        sides = []
        for part in _chunks(ranks[:size].reshape(-1, self.window)):
            at_or_below = np.sort(part, axis=1).astype(np.intp)
            below = at_or_below - 1 if self._distinct else first_rank[at_or_below - 1]
            rows = None if self.statistics == ("ks",) else self.sorted[at_or_below - 1]
            gaps, _, _ = _largest_gaps(at_or_below, below, self.sorted.size)
            sides.append(self._sides(gaps, rows, at_or_below, leave_out=True))
        return np.concatenate(sides)

    def compare(self, rows, *, leave_out=False, tolerance=0.0):
        """Return a `_Comparison` of each row with history, if `leave_out` with history without that row."""
        n, w = self.sorted.size, rows.shape[1]
        rows = np.sort(rows, axis=1)
        at_or_below = self._count_at_or_below(rows)
        below = self._count_below(rows, at_or_below)
        gaps, first, last = _largest_gaps(at_or_below, below, n)
        each = np.arange(len(rows))
        location = np.where(gaps[:, 0] >= gaps[:, 1], self.sorted[below[each, first] - 1], rows[each, last])
        distance = np.maximum(gaps[:, 0], gaps[:, 1])
        location[distance == 0] = rows[distance == 0, 0]
        sides = self._sides(gaps, rows, at_or_below, leave_out, tolerance)
        return _Comparison(sides, location, distance / (n * w), rows, at_or_below)

    def _count_at_or_below(self, rows):
        if len(rows) == 1:
            return np.searchsorted(self.sorted, rows, side="right")
        # In order of size, as each search then ends close, in memory too, to where the one before it ended.
        flat = rows.ravel()
        by_size = np.argsort(flat)
        counts = np.empty(flat.size, dtype=np.intp)
        counts[by_size] = np.searchsorted(self.sorted, flat[by_size], side="right")
        return counts.reshape(rows.shape)

    def _count_below(self, rows, at_or_below):
        """Return how many historical values lie below each value: those at or below it, less its ties."""
        tied = self.sorted[at_or_below - 1] == rows
        if not tied.any():
            return at_or_below
        below = at_or_below - tied
        if not self._distinct:
            below[tied] = np.searchsorted(self.sorted, rows[tied], side="left")
        return below

    def _sides(self, gaps, rows, at_or_below, leave_out=False, tolerance=0.0):
        n, w = self.sorted.size, at_or_below.shape[1]
        rest = n - w if leave_out else n
        sides = np.empty((len(gaps), len(self.statistics), 3))
        for j, statistic in enumerate(self.statistics):
            if statistic == "ks":
                sides[:, j, 1:] = gaps / (rest * w) - tolerance
                np.maximum(sides[:, j, 1], sides[:, j, 2], out=sides[:, j, 0])
            elif statistic == "wasserstein":
                sides[:, j, 1:] = self._areas(rows, at_or_below) * (n / rest)
                sides[:, j, 0] = sides[:, j, 1:].sum(axis=1)
            else:
                sides[:, j, 1:] = self._tails(rows) * (n / rest)
                sides[:, j, 0] = sides[:, j, 1:].max(axis=1)
        if w < self.window:
            # Values are missing: a shorter window wanders more, as one over the root of its length.
            sides *= math.sqrt(w / self.window)
        return sides

    def shift(self, comparison):
        """Return the Wasserstein-1 distance of each row from history, in the data's units."""
        return self._areas(comparison.rows, comparison.at_or_below).sum(axis=1)

    def _areas(self, rows, at_or_below):
        """Return the areas between the quantile functions of each row and of history: row above, row below.

        Row value number i stands for the shares from i/w to (i+1)/w. Where in that stretch history's
        quantiles rise above it is the value's own rank in history; up to there the row lies above.
        """
        edges, until_edge = self._edges(rows.shape[1])
        start, end = edges[:-1], edges[1:]
        until_start, until_end = until_edge[:-1], until_edge[1:]
        crossing = np.clip(at_or_below / self.sorted.size, start, end)
        until_crossing = np.clip(self._running_sums[at_or_below], until_start, until_end)
        values = rows - self.sorted[0]
        above = values * (crossing - start) - (until_crossing - until_start)
        under = (until_end - until_crossing) - values * (end - crossing)
        return np.stack([above.sum(axis=1), under.sum(axis=1)], axis=1)

    @cached_property
    def _running_sums(self):
        """The area under history's quantile function, less its minimum, up to each value."""
        return np.concatenate([[0.0], np.cumsum(self.sorted - self.sorted[0])]) / self.sorted.size

    def _edges(self, length):
        """Return the shares at which the values of a row take turns, and the area up to each."""
        if length not in self._edges_by_length:
            n = self.sorted.size
            edges = np.arange(length + 1) / length
            whole = np.minimum((edges * n).astype(np.intp), n - 1)
            part = (edges * n - whole) * (self.sorted[whole] - self.sorted[0]) / n
            self._edges_by_length[length] = edges, self._running_sums[whole] + part
        return self._edges_by_length[length]

    def _tails(self, rows):
        """Return the mean excess beyond history's outer quantiles, less history's own: above, below."""
        low, high = self._tail_limits
        above, below = np.maximum(rows - high, 0).mean(axis=1), np.maximum(low - rows, 0).mean(axis=1)
        # At least 0: a block without any excess would lie below such a window, since it lacks its own values.
        return np.maximum(np.stack([above, below], axis=1) - self._tail_excess, 0)

    @cached_property
    def _tail_limits(self):
        last = self.sorted.size - 1
        beyond = int(max(TAIL, self.window / self.sorted.size) * last)
        return self.sorted[beyond], self.sorted[last - beyond]

    @cached_property
    def _tail_excess(self):
        low, high = self._tail_limits
        above = self.sorted[np.searchsorted(self.sorted, high) :] - high
        under = low - self.sorted[: np.searchsorted(self.sorted, low)]
        return np.array([above.sum(), under.sum()]) / self.sorted.size

    def judge(self, comparison):
        """Return the combined statistic's sides, its conformal p-value and the direction of each row."""
        several = len(self.statistics) > 1
        sides = (comparison.sides / self.unit).max(axis=1) if several else comparison.sides[:, 0]
        reached = self.n_blocks - np.searchsorted(self.healthy[:, 0], sides[:, 0], side="left")
        p_values = (1 + reached) / (self.n_blocks + 1)
        which = (sides[:, 1] < sides[:, 2]).astype(np.intp)
        which[comparison.distance == 0] = 2
        return sides, p_values, _DIRECTIONS[which]

    def scores(self, sides, places, *, own=0):
        """Return the normal scores of the smoothed p-values towards slower and faster.

        The place of a window among the blocks that equal it, and between the two next to it, is drawn at
        random: `places` are shares from 0 to 1, shaped as the result. So healthy scores are normal however
        many values are tied. `own` is 1 for a block of history, which has itself among the healthy.
        """
        at_least, above = sides, sides
        if not (self._distinct or own):
            # Of two equal samples the block, compared with a history that lacks it, lies this much further away.
            above = sides + np.abs(sides) * (self.window / (self.sorted.size - self.window) + 1e-12)
        healthy, k = self.healthy[:, 1:].T, self.n_blocks
        reached, beyond = (
            k - np.stack([np.searchsorted(healthy[i], x[:, i], side=side) for i in (0, 1)], axis=1)
            for x, side in ((at_least, "left"), (above, "right"))
        )
        return -special.ndtri((beyond + places * (reached - beyond + 1 - own)) / (k + 1 - own))

    @cached_property
    def scores_in_time(self):
        """The scores of history's own blocks, each among the others."""
        places = np.random.default_rng(1954).uniform(1e-9, 1, size=self.in_time.shape)
        return self.scores(self.in_time, places, own=1)

    def memory(self, values, *, cycle=None):
        """Return how healthy windows hang together in time, a `Memory`; `values` is the history in time."""
        if self.n_blocks < FEWEST_FOR_MEMORY:
            return estimate_memory_within(values[~np.isnan(values)], self.window)
        return estimate_memory(self.scores_in_time, cycle)


class _Comparison(NamedTuple):
    """What `_History.compare` found, one row a window."""

    sides: np.ndarray
    location: np.ndarray
    distance: np.ndarray
    rows: np.ndarray
    at_or_below: np.ndarray


def _common_units(sides):
    """Return what each statistic is divided by, so that several can be compared: for a window, for each block.

    That is what one healthy block in a hundred exceeds. A block is left out of its own unit, as a window has no
    part in its own: otherwise blocks would look calmer than windows, and windows alarm too often.
    """
    k, _, _ = sides.shape
    if k < 2 or sides.shape[1] == 1:
        return np.ones(sides.shape[1:]), np.ones(sides.shape)
    ordered = np.sort(sides, axis=0)
    place = k - 1 - k // 100
    unit = ordered[place]
    units = np.where(sides < unit, unit, ordered[place - 1])
    return np.where(unit > 0, unit, 1), np.where(units > 0, units, 1)


def _largest_gaps(at_or_below, below, n):
    """Return each row's largest gaps between ECDFs towards slower and faster, and at which values they lie.

    Gaps are whole numbers, in units of 1 / (n * w), so that ties are exact, as in drift.py.
    """
    rows, w = at_or_below.shape
    each, steps = np.arange(rows), n * np.arange(w + 1)
    largest = np.empty((rows, 2), dtype=np.intp)
    gaps = below * w
    gaps -= steps[:-1]
    first = gaps.argmax(axis=1)
    largest[:, 0] = gaps[each, first]
    np.multiply(at_or_below, w, out=gaps)
    np.subtract(steps[1:], gaps, out=gaps)
    last = gaps.argmax(axis=1)
    largest[:, 1] = gaps[each, last]
    return largest, first, last


def _sorted_with_order(values):
    """Return `values` sorted, and their order: twice as fast as np.argsort, in two thirds of its memory.

    The bits of a float, read as an integer, sort as the floats do. So integers are sorted, which is fast,
    their lowest bits replaced by the positions. Neighbors that differ in those bits only may come out
    swapped; sorting all that have such a neighbor mends that. NaN is not for this function.
    """
    n = values.size
    bits = n.bit_length()
    lowest = (1 << bits) - 1
    values = np.ascontiguousarray(values)
    keys = values.view(np.int64) >> 63
    keys &= np.iinfo(np.int64).max
    keys ^= values.view(np.int64)  # negative floats sort the other way round
    keys &= ~lowest
    keys |= np.arange(n)
    keys.sort()
    keys &= lowest
    order = keys.astype(np.int32 if n < 2**31 else np.int64)
    del keys
    in_order = values[order]
    if (in_order[1:] < in_order[:-1]).any():
        as_integers = in_order.view(np.int64)
        close = (as_integers[1:] ^ as_integers[:-1]) >> bits == 0
        places = np.flatnonzero(np.append(close, False) | np.append(False, close))
        order[places] = order[places][np.argsort(in_order[places])]
        in_order[places] = values[order[places]]
    return in_order, order


def _chunks(rows):
    """Return `rows` in parts that fit the processor's cache."""
    step = max(1, CHUNK // rows.shape[1])
    return [rows[start : start + step] for start in range(0, len(rows), step)]


# --- the answer --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """What one window's check found. Printed, it is one sentence; as a condition, it is `drifted`.

    Attributes
    ----------
    statistic : float
        How far the window lies from history: the KS distance D, or what `DriftMonitor` was asked for.
    p_value : float
        Its conformal p-value: the share of healthy windows expected to reach the statistic, on average over
        histories.
    drifted : bool
        Whether the window alarms.
    direction : str
        ``"slower"``, ``"faster"``, or ``"none"`` if the window is distributed exactly as history is. Of an
        alarm by accumulated evidence: the side whose evidence is larger.
    location : float
        Where the shares of values at or below differ most (the place of D), in the data's units.
    evidence : tuple of float
        What has been accumulated for slower and for faster, this window included; zeros if nothing is.
    start : int
        How many values passed between history's first and this window's first.
    shift : float
        By how much values moved on average, the Wasserstein-1 distance, in the data's units.
    n_historical, n_recent : int
        How many values were compared.
    threshold : float
        What alarms beyond: the statistic, or with `accumulate` the evidence.
    false_alarm_rate, tolerance : float
        As the monitor was built.
    """

    statistic: float
    p_value: float
    drifted: bool
    direction: str
    location: float
    shift: float
    evidence: tuple[float, float]
    start: int
    n_historical: int
    n_recent: int
    threshold: float
    false_alarm_rate: float
    tolerance: float
    _accumulates: bool = field(repr=False)
    _ks_statistic: float = field(repr=False)
    _monitor: int = field(repr=False)

    @cached_property
    def ks_p_value(self):
        """The p-value of the KS test, which takes values as independent. Computed when read."""
        return ks_p_value(self._ks_statistic, self.n_historical, self.n_recent)

    def __bool__(self):
        return self.drifted

    def __str__(self):
        verdict = (
            f"Drift: recent is {self.direction}" if self.drifted else "No drift found: recent is unalarming"
        )
        difference = "the window is distributed exactly as history is"
        if self.direction != "none":
            difference = (
                f"the difference from history is largest at {self.location:.4g} and values moved by "
                f"{self.shift:.3g} on average"
            )
        if self._accumulates:
            reason = (
                f"evidence added up over the windows: {self.evidence[0]:.3g} for slower, "
                f"{self.evidence[1]:.3g} for faster, alarming above {self.threshold:.3g}"
            )
        else:
            reason = (
                f"statistic {self.statistic:.3g}, alarming above {self.threshold:.3g}; conformal p = "
                f"{self.p_value:.2g}, an average over histories"
            )
        return f"{verdict}, {difference} ({reason})."


# --- the monitor -------------------------------------------------------------------------------------------


class DriftMonitor:
    """Judges recent windows against one history, with a false-alarm rate that the user states.

    Parameters
    ----------
    historical : sequence of numbers, or DataFrame
        Healthy measurements in the order of time; a Series may bring a DatetimeIndex as its clock. A DataFrame
        makes a monitor for `check_frame`, one column a feature; only there may values be missing.
    window : int, default 60
        How many values make a window, and a block of history.
    false_alarm_rate : float, default 1/720
        The budget: the share of healthy windows that may alarm. 1/720 of hourly windows is one in 30 days.
    statistic : str or tuple of str, default "ks"
        How the distance from history is measured:

        - ``"ks"``: D, the largest gap between the two shares of values at or below some x;
        - ``"wasserstein"``: by how much values moved on average, in the data's units;
        - ``"tail"``: by how much the mean excess over history's 99 % quantile (or below its 1 % quantile)
          grew, in the data's units; it sees one request in twenty that times out, which D hardly does.

        Of several, each is divided by what one healthy block in a hundred exceeds, and the largest counts.
    cycles : tuple, optional
        Periods to take out first: in values, such as ``(24 * 60, 168 * 60)``, or, if `historical` has a
        DatetimeIndex, in time, such as ``("1D", "7D")``. History must hold two of the longest, and seven of the
        shortest to tell how much they differ. A day with its week may be drawn as sines, as free days and
        others, or hour by hour; `calendar` says which history chose. What is left keeps history's average
        level; locations and shifts refer to it.
    holidays : sequence of dates, optional
        Days that are as free as Sundays are, in history and after it; needs cycles in time, a day and its week.
    accumulate : bool, default False
        Let evidence add up over windows, under the same budget. One window by itself, however bad, then hardly
        ever alarms: give `check` the result before, as `after`. The threshold is found by simulation, which takes
        a second the first time.
    tolerance : float, default 0.0
        With the statistic "ks": the distance one is willing to live with, at least 0 and below 1. It is taken
        off D before D is compared with the healthy blocks.

    Attributes
    ----------
    n_historical, n_blocks : int
        The number of values and of healthy blocks.
    threshold : float
        What alarms beyond: the statistic, or with `accumulate` the evidence.
    attainable_rate : float
        The largest rate within the budget that so many exchangeable blocks can keep exactly, a multiple of
        ``1 / (n_blocks + 1)``.
    correlation, long_memory : float
        How blocks of one metric hang together in time: short memory, as the correlation of neighbors' scores that
        it makes, and long memory, the fractional difference d (0: none; from 0.5 on there would be no level to be
        near). The threshold allows for both. Fewer than 50 blocks tell little of it.

    Raises
    ------
    TypeError, ValueError
        In one sentence, for input that cannot be used, and for a budget that history cannot support: k blocks
        support no rate below ``1 / (k + 1)``.

    Notes
    -----
    The module's text has the method. The promise is an average over histories: one particular history gives a
    rate somewhat above or below, the more so the fewer blocks exceed the threshold. It covers windows that
    are like history's blocks: a trend, or a cycle that `cycles` leaves in, is drift to it. Over the kinds of
    healthy data of ``make bench PARTS=promises`` alarms came 0.5 to 1.5 times as often as promised, or the
    monitor warned. Not covered, and not always warned of: a level that moves by a tenth of the spread in weeks,
    spells of large spread that last for days, a third kind of day in less than four weeks of history.

    Examples
    --------
    A drift that grows, seen window by window, with its evidence added up:

    >>> import numpy as np
    >>> rng = np.random.default_rng(42)
    >>> historical = rng.normal(loc=150, scale=20, size=60_000)
    >>> recent = rng.normal(loc=150, scale=20, size=300) + np.linspace(0, 12, 300)
    >>> monitor = DriftMonitor(historical, window=60, accumulate=True)
    >>> rows = monitor.check_many(recent)
    >>> [bool(drifted) for drifted in rows["drifted"]]
    [False, False, False, False, True]
    """

    def __init__(
        self,
        historical,
        window=60,
        false_alarm_rate=1 / 720,
        *,
        statistic="ks",
        cycles=None,
        holidays=(),
        accumulate=False,
        tolerance=0.0,
    ):
        self.window = _as_window(window)
        self.false_alarm_rate = as_fraction(false_alarm_rate, "false_alarm_rate")
        self.statistic = _as_statistics(statistic)
        self.tolerance = as_fraction(tolerance, "tolerance", zero_allowed=True)
        if self.tolerance and self.statistic != ("ks",):
            raise ValueError('tolerance is a KS distance; use it with statistic="ks", or leave it 0.')
        if not isinstance(accumulate, (bool, np.bool_)):
            raise TypeError(f"accumulate is {accumulate!r}, but must be True or False.")
        self.accumulate = bool(accumulate)
        self._is_table = isinstance(historical, pd.DataFrame)
        if self._is_table:
            columns = _as_table(historical, "historical")
        else:
            columns = {None: as_sample(historical, "historical")}
        self.n_historical = len(historical)
        self._require_blocks(self.n_historical // self.window)
        holidays = _as_days(holidays)
        self._periods, self._origin, self._calendar = None, None, (None, ())
        if cycles is not None:
            clock = self._start_clock(cycles, historical)
            self._calendar = self._start_calendar(holidays)
        elif len(holidays):
            raise ValueError('holidays belong to a weekly cycle; give cycles=("1D", "7D") as well.')
        if self._is_table and accumulate:
            raise ValueError("accumulate follows one metric; build a monitor for each column that needs it.")
        self._cycles, self._histories, self._rates = {}, {}, {}
        for name, values in columns.items():
            if np.count_nonzero(np.isnan(values)) > values.size - 2:
                raise ValueError(f"historical[{name!r}] holds fewer than two values; leave the column out.")
            if self._periods is not None:
                self._cycles[name] = Cycles(values, clock, self._periods, self.window, *self._calendar)
                values = self._cycles[name].clean_history(values, clock)
            self._histories[name] = history = _History(values, self.window, self.statistic)
            self._require_blocks(history.n_blocks, name)
            blocks_a_cycle = None
            if self._periods is not None:
                blocks_a_cycle = min(self._periods) / (clock[-1] - clock[0]) * values.size / self.window
            memory = history.memory(values, cycle=blocks_a_cycle)
            rates = alarm_rates(memory, history.n_blocks, self._may_alarm(history.n_blocks))
            self._rates[name] = rates / self.false_alarm_rate
            self._warn_of_memory(history, memory, name)
        self.n_blocks = min(history.n_blocks for history in self._histories.values())
        self.attainable_rate = self._may_alarm(self.n_blocks) / (self.n_blocks + 1)
        if self._is_table:
            self._warn_if_one_feature_cannot_alarm()
            return
        self._identity = self._check_sum(columns[None])
        self.correlation, self.long_memory = memory
        if self.accumulate:
            # Of days that differ, each keeps its windows on one side for hours, which adds up like a memory.
            memory = history.memory(values)
            self.threshold = evidence_threshold(self.false_alarm_rate / 2, memory, self.n_blocks)
            self._replay_history(history.scores_in_time)
        else:
            self.threshold = float(history.healthy[self.n_blocks - self._ranks(), 0]) + self.tolerance

    def __repr__(self):
        options = f", cycles {self._periods} ({self.calendar})" if self._periods else ""
        options += ", accumulated" if self.accumulate else ""
        return (
            f"DriftMonitor({self.n_blocks:,} blocks of {self.window:,}, "
            f"statistic {' + '.join(self.statistic)}{options}, "
            f"at most 1 false alarm in {1 / self.false_alarm_rate:,.4g} windows)"
        )

    @property
    def calendar(self):
        """How the cycles run, as history tells it: in what shape, and whether they multiply or add."""
        told = {f"{c.shape}, {'multiplying' if c.multiplies else 'adding'}" for c in self._cycles.values()}
        return "; ".join(sorted(told))

    # --- checks --------------------------------------------------------------------------------------------

    def check(self, recent, *, after=None):
        """Return what one window looks like against history, a `WindowResult`.

        Parameters
        ----------
        recent : sequence of numbers
            One window, `window` values long: one of another length wanders more or less than history's blocks.
        after : WindowResult, or DataFrame from `check_many`, optional
            What this monitor gave for the window before: time and accumulated evidence go on from there. By
            default the window follows history directly, and no evidence has been accumulated.
        """
        self._refuse_table("check")
        values = as_sample(recent, "recent")
        if values.size != self.window:
            raise ValueError(
                f"recent has {values.size:,} values, but this monitor judges windows of {self.window:,}; "
                "pass that many, cut a longer series with check_many, or build a monitor for that length."
            )
        found, ks_statistic = self._judge(values, recent, after)
        found = {name: column.tolist()[0] for name, column in found.items()}
        evidence = found.pop("evidence_slower", 0.0), found.pop("evidence_faster", 0.0)
        return WindowResult(
            **found,
            evidence=evidence,
            n_historical=self.n_historical,
            n_recent=self.window,
            threshold=self.threshold,
            false_alarm_rate=self.false_alarm_rate,
            tolerance=self.tolerance,
            _accumulates=self.accumulate,
            _ks_statistic=float(ks_statistic[0]),
            _monitor=self._identity,
        )

    def check_many(self, recent, *, after=None):
        """Return a DataFrame with one row a window.

        Parameters
        ----------
        recent : 2-D array, or sequence of numbers
            One window a row, or a series to be cut into windows; they follow each other in time.
        after : WindowResult, or DataFrame from `check_many`, optional
            As for `check`.

        Returns
        -------
        DataFrame
            With the columns start, statistic, p_value, drifted, direction, location and shift of
            `WindowResult`, and, if evidence accumulates, evidence_slower and evidence_faster. The index is the
            time of each window's first value, or its number if `recent` has no DatetimeIndex.
        """
        self._refuse_table("check_many")
        found, _ = self._judge(self._as_windows(recent), recent, after)
        index = getattr(recent, "index", None)
        if isinstance(index, pd.DatetimeIndex):
            index = index[:: self.window]
        else:
            index = pd.RangeIndex(len(found["start"]), name="window")
        table = pd.DataFrame(found, index=index)
        table.attrs[_MADE_BY] = self._identity
        return table

    def _judge(self, values, recent, after):
        """Return what is found in each window, by name as in `WindowResult`, and each one's D."""
        start, evidence = self._resume(after)
        rows = self._clean(values, recent, start).reshape(-1, self.window)
        history, parts = self._histories[None], []
        for part in _chunks(rows):
            comparison = history.compare(part, tolerance=self.tolerance)
            shift = history.shift(comparison)
            parts.append((*history.judge(comparison), comparison.location, shift, comparison.distance))
        sides, p_value, direction, location, shift, distance = map(np.concatenate, zip(*parts, strict=True))
        found = {
            "start": start + self.window * np.arange(len(rows)),
            "statistic": sides[:, 0] + self.tolerance,
            "p_value": p_value,
            "drifted": p_value <= self._ranks() / (self.n_blocks + 1) * (1 + 1e-9),
            "direction": direction,
            "location": location,
            "shift": shift,
        }
        if self.accumulate:
            path = np.empty((len(rows), 2))
            # A window's places are drawn by its number, whether it is checked alone or with others.
            lots = np.random.PCG64(self._identity).advance(2 * (start // self.window))
            places = np.random.Generator(lots).uniform(1e-9, 1, size=path.shape)
            scores = history.scores(sides[:, 1:], places)
            scores[distance == 0] = 0  # whatever lot it draws, a window just like history is no evidence
            for i, score in enumerate(scores.tolist()):
                path[i] = evidence = tuple(map(accumulate, evidence, score))
                if max(evidence) > self.threshold:
                    direction[i] = "slower" if evidence[0] >= evidence[1] else "faster"
                    evidence = (0.0, 0.0)
            found["drifted"] = path.max(axis=1) > self.threshold
            found["evidence_slower"], found["evidence_faster"] = path.T
        return found, distance

    def check_frame(self, recent):
        """Return a DataFrame with one row a feature, corrected for testing many.

        Parameters
        ----------
        recent : DataFrame
            One window: `window` rows, and the columns of history in any order. Values may be missing.

        Returns
        -------
        DataFrame
            With, for each feature, statistic, p_value, corrected_p_value, drifted, direction, location and
            shift of the values that are there, and missing, missing_share, usual_missing_share,
            missing_p_value, corrected_missing_p_value and missing_rise.

        Notes
        -----
        p-values are corrected by Benjamini and Hochberg [4]_ (`scipy.stats.false_discovery_control`), and a
        feature has drifted if the corrected one is within `false_alarm_rate`: if none has drifted, one window
        in ``1 / false_alarm_rate`` at most has any such alarm (the proof takes features as independent or
        positively dependent). Rises in missing values have a budget of the same size for themselves.

        The share missing in this window is ranked among the shares missing in history's blocks. Missing
        values are left out of the statistic, which is then multiplied by the root of the share that is there,
        since a shorter window wanders more. A feature with fewer than two values has no statistic, and no
        p-value.
        """
        if not self._is_table:
            raise TypeError("check_frame needs a monitor built on a DataFrame; use check or check_many.")
        if not isinstance(recent, pd.DataFrame):
            raise TypeError(f"recent is of type {type(recent).__name__}; check_frame takes a DataFrame.")
        absent = [name for name in self._histories if name not in recent.columns]
        unknown = [name for name in recent.columns if name not in self._histories]
        if absent or unknown:
            what = f"lacks {absent}" if absent else f"has {unknown}, which history has not"
            raise ValueError(f"recent {what}; pass the columns that the monitor was built on.")
        if len(recent) != self.window:
            raise ValueError(
                f"recent has {len(recent):,} rows, but this monitor judges windows of {self.window:,}."
            )
        columns = _as_table(recent, "recent")
        found = []
        for name, history in self._histories.items():
            values = self._clean(columns[name], recent, self.n_historical, name)
            values = values[~np.isnan(values)]
            missing = self.window - values.size
            rows = values[np.newaxis] if values.size >= 2 else np.zeros((1, 2))
            comparison = history.compare(rows, tolerance=self.tolerance)
            sides, p_value, direction = (one[0] for one in history.judge(comparison))
            usual = history.missing_shares
            reached = usual.size - np.searchsorted(usual, missing / self.window, side="left")
            row = {
                "statistic": sides[0] + self.tolerance,
                "p_value": min(1.0, p_value * self._clustering(name)),
                "direction": direction,
                "location": comparison.location[0],
                "shift": history.shift(comparison)[0],
                "missing": missing,
                "missing_share": missing / self.window,
                "usual_missing_share": usual.mean(),
                "missing_p_value": (1 + reached) / (usual.size + 1),
            }
            found.append(row)
        table = pd.DataFrame(found, index=pd.Index(self._histories, name="feature"))
        silent = table["missing"] > self.window - 2
        table.loc[silent, ["statistic", "p_value", "location", "shift"]] = np.nan
        table.loc[silent, "direction"] = "none"
        for p, corrected, verdict in (
            ("p_value", "corrected_p_value", "drifted"),
            ("missing_p_value", "corrected_missing_p_value", "missing_rise"),
        ):
            known = table[p].notna().to_numpy()
            adjusted = np.full(len(table), np.nan)
            if known.any():
                adjusted[known] = stats.false_discovery_control(table[p].to_numpy(float)[known])
            table.insert(table.columns.get_loc(p) + 1, corrected, adjusted)
            table.insert(table.columns.get_loc(p) + 2, verdict, self._within_budget(adjusted))
        return table

    # --- what the checks share -----------------------------------------------------------------------------

    def _may_alarm(self, blocks):
        """Return how many of blocks + 1 equally likely ranks may alarm; 1/720 has no exact float."""
        return max(1, math.floor((blocks + 1) * self.false_alarm_rate * (1 + 1e-9)))

    def _ranks(self, name=None):
        """Return how many ranks may alarm for the budget to hold, at least 1."""
        return max(1, np.count_nonzero(self._rates[name] <= CLOSE_ENOUGH))

    def _clustering(self, name):
        """Return what a feature's p-values are multiplied by, if its blocks come in clusters."""
        times = self._may_alarm(self._histories[name].n_blocks) / self._ranks(name)
        return times if times >= 1.5 else 1.0

    def _within_budget(self, p_value):
        """Return whether p is within the budget, forgiving the last bit: 1/720 has no exact float."""
        return p_value <= self.false_alarm_rate * (1 + 1e-9)

    def _require_blocks(self, blocks, name=None):
        column = "" if name is None else f", in column {name!r}"
        needed = math.ceil(1 / self.false_alarm_rate * (1 - 1e-9)) - 1
        if blocks < max(needed, FEWEST_BLOCKS) and needed <= FEWEST_BLOCKS:
            raise ValueError(
                f"historical has {blocks:,} blocks of {self.window:,}{column}, but {FEWEST_BLOCKS} are the fewest "
                f"to judge by; give {FEWEST_BLOCKS * self.window:,} observations, or a shorter window."
            )
        if blocks < needed:
            raise ValueError(
                f"false_alarm_rate is {self.false_alarm_rate:.3g}, but {blocks:,} blocks of {self.window:,} "
                f"in historical{column} support no rate below 1/{blocks + 1:,}; give "
                f"{needed * self.window:,} observations, or a shorter window, or accept more false alarms."
            )

    def _warn_of_memory(self, history, memory, name):
        """Warn where the budget cannot hold: no rank is rare enough, or history has hardly a level."""
        expected = 1 if self.accumulate else self._rates[name][self._ranks(name) - 1]
        if expected > 1.5:
            told = (
                f"expect about {expected:.1f} times as many false alarms as false_alarm_rate says, in clusters; "
                "give a longer history or a longer window, or accept more false alarms."
            )
        elif memory.long >= LONGEST:
            told = (
                "false alarms may come twice as often as false_alarm_rate says, or more, in clusters; give a longer "
                "history or a longer window."
            )
        elif history.n_blocks >= FEWEST_FOR_MEMORY and moves(history.scores_in_time, memory):
            told = "a trend, or a level that moves, is drift to this monitor, and later windows will alarm."
        else:
            return
        warnings.warn(
            f"historical{'' if name is None else f'[{name!r}]'} wanders (short memory {memory.correlation:.2g}, long "
            f"memory {memory.long:.2g}), so that its {history.n_blocks:,} blocks say less of later windows than they "
            f"seem to: {told}",
            UserWarning,
            stacklevel=3,
        )

    def _replay_history(self, scores):
        """Raise the threshold if history's own windows alarm more often than simulated ones do, and say so."""
        promised = self.false_alarm_rate * len(scores)
        alarms = count_alarms(scores, self.threshold)
        if alarms > promised + 2 * math.sqrt(promised):
            simulated = self.threshold
            while count_alarms(scores, self.threshold) > promised:
                self.threshold += 0.1
            warnings.warn(
                f"History's own windows would alarm {alarms:,} times, where {promised:,.1f} are promised: the "
                f"threshold went from {simulated:.3g} to {self.threshold:.3g}, so smaller drifts pass; "
                "look for a cycle that cycles does not name, for days off (holidays), or for incidents in history.",
                UserWarning,
                stacklevel=3,
            )

    def _warn_if_one_feature_cannot_alarm(self):
        features = len(self._histories)
        worst = max(map(self._clustering, self._histories))
        together = math.ceil(features * worst / (self.n_blocks + 1) / self.false_alarm_rate * (1 - 1e-9))
        if together > 1:
            needed = math.ceil(features * worst / self.false_alarm_rate * (1 - 1e-9)) - 1
            warnings.warn(
                f"With {features} features and {self.n_blocks:,} blocks a drift can only be reported if at "
                f"least {together} features drift together; for a drift in one alone give "
                f"{needed * self.window:,} rows, fewer features, a shorter window or a larger "
                "false_alarm_rate.",
                UserWarning,
                stacklevel=3,
            )

    def _refuse_table(self, method):
        if self._is_table:
            raise TypeError(
                f"{method} needs a monitor built on one metric; this one takes tables: use check_frame."
            )

    def _as_windows(self, recent):
        """Return `recent` as one row of values, a whole number of windows."""
        lengths = {self.window}
        if isinstance(recent, (list, tuple)) and recent and np.ndim(recent[0]):
            rows = [as_sample(row, f"recent[{i}]") for i, row in enumerate(recent)]
            lengths, recent = {row.size for row in rows}, np.concatenate(rows)
        elif getattr(recent, "ndim", 1) == 2 and not hasattr(recent, "columns"):
            lengths, recent = {recent.shape[1]}, recent.reshape(-1)
        if lengths != {self.window}:
            raise ValueError(
                f"recent has rows of {', '.join(map(str, sorted(lengths)))} values, but this monitor judges windows "
                f"of {self.window:,}; pass one window a row, or the whole series in one dimension."
            )
        values = as_sample(recent, "recent")
        left = values.size % self.window
        if values.size < self.window or left:
            raise ValueError(
                f"recent has {values.size:,} values, {values.size // self.window:,} windows of "
                f"{self.window:,} and {left:,} left over; pass whole windows and keep the rest for the next "
                "call."
            )
        return values

    def _resume(self, after):
        """Return the position of the next value, counted from history's first, and the evidence so far."""
        if after is None:
            return self.n_historical, (0.0, 0.0)
        if isinstance(after, WindowResult):
            last, evidence, mine = after, after.evidence, after._monitor == self._identity
        elif isinstance(after, pd.DataFrame) and len(after) and {"start", "drifted"} <= set(after.columns):
            last, mine = after.iloc[-1], self._gave(after)
            evidence = tuple(float(last.get(f"evidence_{side}", 0.0)) for side in ("slower", "faster"))
        else:
            raise TypeError("after is not what check or check_many returned; pass that, or leave it out.")
        if not mine:
            raise ValueError(
                "after comes from another monitor, one that differs in history, window, statistic, cycles, "
                "accumulate or tolerance; pass what this monitor returned, or leave it out."
            )
        if last.drifted:
            evidence = (0.0, 0.0)
        return int(last.start) + self.window, evidence

    def _check_sum(self, values):
        """Return what tells this monitor's results from another's, also in the next process."""
        clock = self._periods, str(self._origin), tuple(self._calendar[1])
        settings = self.window, self.statistic, clock, self.accumulate, self.tolerance
        some = values[:: 1 + values.size // 1_000]
        return zlib.crc32(some.tobytes() + repr((values.size, settings)).encode())

    def _gave(self, rows):
        """Return whether these rows are this monitor's; of a file, which keeps no attrs, whether they can be."""
        if _MADE_BY in rows.attrs:
            return rows.attrs[_MADE_BY] == self._identity
        passed = rows["start"].to_numpy() - self.n_historical
        whole = (passed >= 0).all() and not (passed % self.window).any()
        return whole and ("evidence_slower" in rows) == self.accumulate

    # --- time ----------------------------------------------------------------------------------------------

    def _start_clock(self, cycles, historical):
        """Read `cycles` and return when each historical value was measured, in the periods' unit."""
        periods = list(cycles) if isinstance(cycles, (tuple, list, np.ndarray)) else [cycles]
        if periods and all(_is_time(period) for period in periods):
            self._origin = _time_index(historical, "historical")[0]
            periods = [pd.Timedelta(period).total_seconds() for period in periods]
        elif self._is_table:
            raise ValueError(
                'cycles of a table need a DatetimeIndex and periods in time, such as ("1D", "7D").'
            )
        usable = all(
            isinstance(period, (int, float, np.number)) and not isinstance(period, bool) and period > 0
            for period in periods
        )
        if not periods or not usable:
            raise ValueError(
                f"cycles is {cycles!r}; give periods in values, such as (24 * 60,), or all of them in time, "
                'each with its unit, such as ("1D", "7D").'
            )
        self._periods = [float(period) for period in periods]
        clock = self._clock(historical, 0, self.n_historical, "historical")
        step = (clock[-1] - clock[0]) / (clock.size - 1)
        covered = clock[-1] - clock[0] + step
        unit = "values" if self._origin is None else "seconds"
        shortest, longest = min(self._periods), max(self._periods)
        if shortest <= 2 * step:
            raise ValueError(
                f"cycles holds a period of {shortest:.4g} {unit}, but historical has a value every {step:.4g}; "
                "it takes more than two values to tell a cycle."
            )
        if covered < 2 * longest * (1 - 1e-9):
            raise ValueError(
                f"cycles holds a period of {longest:,.0f} {unit}, but historical covers {covered:,.0f}; it "
                "takes two whole periods to tell a cycle from a trend."
            )
        if covered < FEWEST_PERIODS * shortest * (1 - 1e-9):
            warnings.warn(
                f"historical covers {covered / shortest:.3g} periods of {shortest:,.0f} {unit}, too few to tell "
                "how much one differs from the next: if they do, expect two to five times as many false alarms as "
                f"false_alarm_rate says; give {FEWEST_PERIODS} periods or more.",
                UserWarning,
                stacklevel=3,
            )
        return clock

    def _start_calendar(self, holidays):
        """Return how long before the clock's 0 a Monday began, and the holidays in days from there."""
        if self._origin is None:
            if len(holidays):
                raise ValueError('holidays need a DatetimeIndex and cycles in time, such as ("1D", "7D").')
            return None, ()
        if len(holidays) and not any(
            abs(week / day - 7) < 1e-6 for day in self._periods for week in self._periods
        ):
            raise ValueError('holidays belong to a weekly cycle; give cycles=("1D", "7D").')
        start = self._origin.tz_localize(None)
        monday = start.normalize() - pd.Timedelta(days=start.day_of_week)
        return (start - monday).total_seconds(), [(day - monday.date()).days for day in holidays]

    def _clock(self, values, start, size, argument="recent"):
        if self._origin is None:
            return np.arange(start, start + size, dtype=float)
        index = _time_index(values, argument)
        if (index.tz is None) != (self._origin.tz is None):
            raise TypeError("recent and historical must both have a time zone, or neither.")
        if index.tz is not None:
            index = index.tz_convert(self._origin.tz).tz_localize(None)  # cycles follow the clock on the wall
        return ((index - self._origin.tz_localize(None)) / pd.Timedelta(seconds=1)).to_numpy(float)

    def _clean(self, values, recent, start, name=None):
        if self._periods is None:
            return values
        return self._cycles[name].clean(values, self._clock(recent, start, values.size))


# --- input -------------------------------------------------------------------------------------------------


def _as_window(window):
    if isinstance(window, (bool, np.bool_)) or not isinstance(window, (int, np.integer)):
        raise TypeError(f"window is {window!r}, but must be a whole number of values, such as 60.")
    if window < 2:
        raise ValueError(f"window is {window}, but must be at least 2.")
    return int(window)


def _as_days(holidays):
    """Return a list of dates, each from a date, a time stamp or its text as in ISO 8601."""
    if isinstance(holidays, str) or not hasattr(holidays, "__iter__"):
        raise TypeError(f'holidays is {holidays!r}, but must be a list of dates, such as ["2026-12-25"].')
    days = []
    for day in holidays:
        try:
            stamp = pd.Timestamp(date.fromisoformat(day) if isinstance(day, str) else day)
            known = isinstance(day, (str, date, np.datetime64)) and not pd.isna(stamp)
        except (ValueError, TypeError):
            known = False
        if not known:
            raise ValueError(f'holidays holds {day!r}, which is no date; write dates as "2026-12-25".')
        days.append(stamp.date())
    return days


def _as_statistics(statistic):
    names = (statistic,) if isinstance(statistic, str) else statistic
    if not isinstance(names, (tuple, list)) or not names or any(name not in STATISTICS for name in names):
        raise ValueError(f"statistic is {statistic!r}, but must be one of {STATISTICS} or a tuple of them.")
    return tuple(dict.fromkeys(names))


def _as_table(frame, argument):
    """Return a dict of float arrays, NaN where values are missing, by column name."""
    if not frame.shape[1] or not frame.columns.is_unique:
        raise ValueError(f"{argument} must have at least one column, and no name twice.")
    columns = {}
    for name in frame.columns:
        label, column = f"{argument}[{name!r}]", frame[name]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
            column = np.ascontiguousarray(column)  # a table lies in memory by rows, as a rule
        elif column.isna().all():
            column = np.full(len(frame), np.nan)
        columns[name] = as_sample(column, label, keep_missing=True)
    return columns


def _is_time(period):
    """Return whether a cycle's period is a length of time; a number in quotation marks has no unit."""
    try:
        known = pd.Timedelta(period) > pd.Timedelta(0)
    except (ValueError, TypeError):
        return False
    return known and (hasattr(period, "total_seconds") or any(map(str.isalpha, str(period))))


def _time_index(values, argument):
    index = getattr(values, "index", None)
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(
            f"{argument} has no DatetimeIndex, but cycles are given in time; pass a Series with its time "
            "stamps, or give cycles as numbers of values."
        )
    if index.hasnans or not index.is_monotonic_increasing:
        raise ValueError(
            f"{argument} has time stamps that are missing or out of order; sort it by time first."
        )
    return index
