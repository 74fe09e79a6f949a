"""One metric's history: sorted once, and how far its own blocks lie from the rest of it.

`monitor` has the method; here is its arithmetic, on arrays alone.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import special

from .evidence import FEWEST_FOR_MEMORY, estimate_memory, estimate_memory_within

TAIL = 0.01  # the share of history at either end that is called its tail
CHUNK = 1 << 17  # values compared at a time: bounds the memory, and stays in the processor's cache
FEWEST_BLOCKS = 4  # with fewer, a window's rank among them is not what the budget takes it for
NEAREST = 50  # blocks of like size: fewer don't tell what is usual
KNOTS = 17  # sizes at which that is told
LEVELS = np.array([0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95])  # the last is one that few incidents don't move
PLACES = -np.log1p(-LEVELS)
FOLDS = 84
_DIRECTIONS = np.array(["slower", "faster", "none"], dtype=object)


class Found(NamedTuple):
    """What `History.look` found, one row a window.

    `sides` is the combined statistic (in all, towards slower, towards faster), `tied` the same for a block that
    equals the window, `own` the first statistic before it is brought to a common scale.
    """

    sides: np.ndarray
    tied: np.ndarray
    own: np.ndarray
    p_value: np.ndarray
    direction: np.ndarray
    location: np.ndarray
    shift: np.ndarray
    distance: np.ndarray


class History:
    """One metric's history, in blocks.

    Every statistic has three sides, the last axis of arrays here: in all, towards slower, towards faster.

    Parameters
    ----------
    values : array
        Without missing values, in the order of time.
    first, sizes : arrays of int
        Where each block begins among them, and how many values it holds.
    statistics : tuple of str
    by_size : bool
        Whether blocks differ in size by nature (windows in time), so that each is judged as its size lets one
        expect; else `window` is their size, and shorter ones lack values.
    wander : float
        The standard deviation of a common error of all values' logarithms, to be expected of windows.
    """

    def __init__(self, values, first, sizes, statistics, *, window, by_size=False, wander=0.0):
        self.window, self.statistics, self.by_size = window, statistics, by_size
        self._take(values)
        self.n_blocks = len(sizes)
        if wander:
            # Each block as it would be after such an error, so that it lies as far away as later windows do.
            errors = wander * special.ndtri((np.arange(self.n_blocks) + 0.5) / self.n_blocks)
            errors = np.random.default_rng(1954).permutation(errors)
            values, first = self._times(values, first, sizes, np.exp(errors))
        sides = np.empty((self.n_blocks, len(statistics), 3))
        for which, rows in self._rows(values, first, sizes):
            sides[which] = self._compare(rows, leave_out=True)[0]
        if by_size:
            self._each = Usual(sizes, sides * _root(sizes))
            # How several statistics hang together differs with size, too.
            self._largest = Usual(sizes, self._each.blocks.max(axis=1, keepdims=True))
            in_time = self._largest.blocks[:, 0]
        else:
            sides = self._in_proportion(sides, sizes)
            self.unit, units = _common_units(sides)
            in_time = (sides / units).max(axis=1)
        self.healthy = np.sort(in_time, axis=0)
        self.in_time = in_time[:, 1:]

    def look(self, values, first, sizes, *, tolerance=0.0):
        """Return a `Found`: how far each window of `values` lies from history."""
        k = len(sizes)
        sides, location, shift, distance = np.empty((k, len(self.statistics), 3)), *np.empty((3, k))
        for which, rows in self._rows(values, first, sizes):
            sides[which], location[which], shift[which], distance[which] = self._compare(rows, tolerance)
        combined = tied = self._combine(sides, sizes)
        if not self._distinct:
            # Of two equal samples the block, compared with a history that lacks it, lies this much further away.
            further = np.asarray(sizes / (self.total - sizes) + 1e-12)[:, np.newaxis, np.newaxis]
            tied = self._combine(sides + np.abs(sides) * further, sizes)
        reached = self.n_blocks - np.searchsorted(self.healthy[:, 0], combined[:, 0], side="left")
        which = (combined[:, 1] < combined[:, 2]).astype(np.intp)
        which[distance == 0] = 2
        p_value = (1 + reached) / (self.n_blocks + 1)
        own = sides[:, 0, 0]
        return Found(combined, tied, own, p_value, _DIRECTIONS[which], location, shift, distance)

    def threshold(self, rank, size=None):
        """Return what the statistic of a window of this size may be, if so many of the ranks may alarm."""
        limit = float(self.healthy[self.n_blocks - rank, 0])
        if not self.by_size or len(self.statistics) > 1:
            return limit
        size = np.atleast_1d(size)
        return self._each.undo(size, self._largest.undo(size, limit)) / np.sqrt(size)

    def _combine(self, sides, sizes):
        if self.by_size:
            largest = self._each(sizes, sides * _root(sizes)).max(axis=1, keepdims=True)
            return self._largest(sizes, largest)[:, 0]
        sides = self._in_proportion(sides, sizes)
        return (sides / self.unit).max(axis=1) if len(self.statistics) > 1 else sides[:, 0]

    def _in_proportion(self, sides, sizes):
        """Return sides as they would be of whole windows: where values are missing, they wander more."""
        return sides * _root(np.minimum(sizes / self.window, 1))

    # --- what `counts.CountHistory` does in its own way -----------------------------------------------------

    def _take(self, values):
        """Keep what windows are compared with."""
        self.sorted = np.sort(values)
        self.total = self.sorted.size
        self._distinct = bool((self.sorted[1:] != self.sorted[:-1]).all())

    @property
    def smallest(self):
        """The smallest value."""
        return self.sorted[0]

    @property
    def median(self):
        """The median."""
        return self.median_of(self.sorted)

    def median_of(self, values):
        """Return the median of values kept as history's are."""
        return float(np.median(values))

    def _times(self, values, first, sizes, factors):
        """Return the values with each block times its factor, and where the blocks begin."""
        values = values.copy()
        for start, size, factor in zip(first, sizes, factors, strict=True):
            values[start : start + size] *= factor
        return values, first

    def _rows(self, values, first, sizes):
        """Yield windows of one size as the rows of an array, with their places, in parts that fit the cache."""
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            step = max(1, CHUNK // size)
            for start in range(0, len(which), step):
                part = which[start : start + step]
                yield part, values[first[part, np.newaxis] + np.arange(size)]

    def memory(self, values, *, cycle=None):
        """Return how healthy windows hang together in time, a `Memory`; `values` is the history in time."""
        if self.n_blocks < FEWEST_FOR_MEMORY:
            return estimate_memory_within(values, self.window)
        return estimate_memory(self.scores_in_time, cycle)

    def _compare(self, rows, tolerance=0.0, *, leave_out=False):
        """Return the sides, location, shift and D of each row, compared with history, or with it less the row."""
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
        shift = self._areas(rows, at_or_below).sum(axis=1)
        return sides, location, shift, distance / (n * w)

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
        return sides

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
        n = self.sorted.size
        edges = np.arange(length + 1) / length
        whole = np.minimum((edges * n).astype(np.intp), n - 1)
        part = (edges * n - whole) * (self.sorted[whole] - self.sorted[0]) / n
        return edges, self._running_sums[whole] + part

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

    def scores(self, sides, places, tied=None, *, own=0):
        """Return the normal scores of the smoothed p-values towards slower and faster.

        The place of a window among the blocks that equal it, and between the two next to it, is drawn at
        random: `places` are shares from 0 to 1, shaped as the result. So healthy scores are normal however
        many values are tied. `own` is 1 for a block of history, which has itself among the healthy.
        """
        healthy, k = self.healthy[:, 1:].T, self.n_blocks
        reached, beyond = (
            k - np.stack([np.searchsorted(healthy[i], x[:, i], side=side) for i in (0, 1)], axis=1)
            for x, side in ((sides, "left"), (sides if tied is None else tied, "right"))
        )
        return -special.ndtri((beyond + places * (reached - beyond + 1 - own)) / (k + 1 - own))

    @cached_property
    def scores_in_time(self):
        """The scores of history's own blocks, each among the others."""
        places = np.random.default_rng(1954).uniform(1e-9, 1, size=self.in_time.shape)
        return self.scores(self.in_time, places, own=1)


class Usual:
    """What is usual for healthy windows of each size: the quantiles of a statistic among the blocks of like size.

    They bring it to one scale for all sizes, on which a step of 1 leaves a share of 1 / e of those blocks beyond:
    minus the logarithm of the share that exceeds it. Beyond the last quantile it goes straight on, as if what is
    left of the statistic had an exponential distribution.

    Parameters
    ----------
    sizes : array of int
    sides : array
        One row a block, times the root of its size, so that blocks of nearly one size are alike.
    """

    def __init__(self, sizes, sides):
        self._largest, self._curves = sizes.max(), _quantiles(sizes, sides)
        self.blocks, folds = np.empty_like(sides), np.arange(len(sizes)) % FOLDS
        for fold in range(FOLDS):  # no block has a part in what is usual for it, as windows have none
            mine = folds == fold
            if mine.any():
                self.blocks[mine] = _place(*_quantiles(sizes[~mine], sides[~mine]), sizes[mine], sides[mine])

    def __call__(self, sizes, sides):
        """Return the sides of windows of these sizes on the common scale."""
        # Of windows larger than any in history nobody knows that they are calmer.
        return _place(*self._curves, np.minimum(sizes, self._largest), sides)

    def undo(self, sizes, place):
        """Return which value of the first side, for windows of these sizes, has this place on the common scale."""
        knots, curves = self._curves
        at = _between(knots, curves.reshape(*curves.shape[:2], -1)[:, :, 0], np.minimum(sizes, self._largest))
        step = np.clip(np.searchsorted(PLACES, place) - 1, 0, PLACES.size - 2)
        share, each = (place - PLACES[step]) / (PLACES[step + 1] - PLACES[step]), np.arange(len(sizes))
        return at[each, step] + share * (at[each, step + 1] - at[each, step])


def _quantiles(sizes, sides):
    """Return knots of the logarithm of size, and the quantiles of the sides at each: knots, levels, sides."""
    order = np.argsort(sizes, kind="stable")
    sizes, sides = sizes[order], sides[order]
    near = min(len(sizes), max(NEAREST, len(sizes) // 3))
    apart = len(sizes) - near if sizes[0] < sizes[-1] else 0  # where all are alike, one knot will do
    starts = np.unique(np.linspace(0, apart, KNOTS).astype(int))
    knots = np.array([np.log(sizes[start : start + near]).mean() for start in starts])
    curves = np.array([np.quantile(sides[start : start + near], LEVELS, axis=0) for start in starts])
    # A statistic that is mostly zero, such as the tail's of few values, has no slope to go on with.
    most = np.array([sides[start : start + near].max(axis=0) for start in starts])
    last = np.where(curves[:, -1] > curves[:, -2], curves[:, -1], most)
    curves[:, -1] = np.where(last > curves[:, -2], last, last + 1)
    return knots, curves


def _place(knots, curves, sizes, sides):
    at = np.moveaxis(_between(knots, curves, sizes), 1, 0)
    place = np.full(sides.shape, PLACES[0])
    for step in range(PLACES.size - 1):
        low, high = at[step], at[step + 1]
        share = np.divide(sides - low, high - low, out=(sides > low).astype(float), where=high > low)
        if step > 0:
            share = np.maximum(share, 0)
        if step < PLACES.size - 2:
            share = np.minimum(share, 1)
        place += share * (PLACES[step + 1] - PLACES[step])
    return place


def _between(knots, curves, sizes):
    """Return curves at the logarithms of sizes, by straight lines between their knots."""
    place = np.interp(np.log(sizes), knots, np.arange(knots.size))
    low = np.minimum(place.astype(int), knots.size - 1)
    part = (place - low).reshape(-1, *[1] * (curves.ndim - 1))
    return (1 - part) * curves[low] + part * curves[np.minimum(low + 1, knots.size - 1)]


def _root(sizes):
    return np.sqrt(sizes)[:, np.newaxis, np.newaxis]


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
