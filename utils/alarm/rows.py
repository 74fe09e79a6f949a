"""Rows of measurements: read, brought into the order of time, and cut into windows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from .counts import are_counts, as_counts
from .drift import as_sample

A_DAY = 86_400
FEW_AHEAD = 10  # rows so many days ahead of the others are a wrong clock, more of them a gap
# Seconds: a row so far ahead of the one before it has a wrong clock. History may have longer gaps.
LONGEST_SILENCE, LONGEST_GAP = 40 * 86_400, 400 * 86_400
_NEIGHBORS = 10  # different rows in a row that all stand there twice: no chance, but a second delivery


@dataclass(frozen=True)
class Rows:
    """Measurements in the order of time, cut into windows.

    `columns` has arrays by name, NaN where a value is missing; window number `numbers[i]`, called `labels[i]`,
    holds rows `first[i]` to `first[i] + sizes[i]`. `position` is the first row's, counted from history's first.
    """

    columns: dict
    index: object
    first: np.ndarray
    sizes: np.ndarray
    numbers: np.ndarray
    labels: object
    position: int | None

    def column(self, name, clock):
        """Return the values of a column that are there, where its windows begin among them, their sizes and times."""
        values = self.columns[name]
        seconds = None
        if clock.periods is not None:
            by_count = clock.origin is None
            seconds = (
                self.position + np.arange(len(values), dtype=float) if by_count else clock.seconds(self.index)
            )
        present = ~np.isnan(values)
        if present.all():
            return values, self.first, self.sizes, seconds
        before = np.concatenate([[0], np.cumsum(present)])
        first, end = before[self.first], before[self.first + self.sizes]
        return values[present], first, end - first, None if seconds is None else seconds[present]

    def missing_share(self, name):
        """Return the share of each window's rows in which a column lacks its value; NaN without rows."""
        return 1 - self.column_sizes(name) / np.where(self.sizes, self.sizes, np.nan)

    def column_sizes(self, name):
        """Return how many values of a column each window holds."""
        before = np.concatenate([[0], np.cumsum(~np.isnan(self.columns[name]))])
        return before[self.first + self.sizes] - before[self.first]


class CountRows(Rows):
    """Counts in buckets: `columns` has one array, a row of counts a window, and `sizes` are their sums."""

    def column(self, name, clock):
        """Return the counts, at which row each window lies, how many values it holds, and when it begins."""
        seconds = None if clock.periods is None else clock.seconds(self.labels)
        return self.columns[name], self.first, self.sizes, seconds

    def column_sizes(self, name):
        """Return how many values each window holds."""
        return self.sizes


def levels(values, first, sizes, clock):
    """Return the mean logarithm of each window that has enough values; zeros have none."""
    logs, there = np.log(np.where(values > 0, values, 1)), (values > 0).astype(float)
    sums, counts = (np.concatenate([[0.0], np.cumsum(x)]) for x in (logs, there))
    enough = (sizes >= clock.minimum) & (counts[first + sizes] > counts[first])
    first, end = first[enough], (first + sizes)[enough]
    return (sums[end] - sums[first]) / (counts[end] - counts[first])


def row_ids(values):
    """Return a number for each row that tells it, by its time and values, from other rows."""
    index = values.index.as_unit("ns")
    index = index if index.tz is None else index.tz_convert("UTC")
    return pd.util.hash_pandas_object(values.set_axis(index, axis=0).astype(float), index=True).to_numpy()


def in_order_once(values, index):
    """Return the places of rows in the order of time; of a stretch that was delivered twice, of one delivery.

    A row may equal another by chance, so that rows stand there twice here and three times there. Where the numbers
    of many neighbors have a common divisor, they were delivered so often.
    """
    order = np.argsort(index.asi8, kind="stable")
    _, first, which, counts = np.unique(
        row_ids(values)[order], return_index=True, return_inverse=True, return_counts=True
    )
    if counts.size < _NEIGHBORS or (counts == 1).all():
        return order
    in_time = np.argsort(first)
    divisors = np.gcd.reduce(sliding_window_view(counts[in_time], _NEIGHBORS), axis=1)
    deliveries = np.empty_like(counts)
    around = np.pad(divisors, _NEIGHBORS - 1, constant_values=1)
    deliveries[in_time] = sliding_window_view(around, _NEIGHBORS).max(axis=1)
    equals_before = np.empty_like(which)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    equals_before[np.argsort(which, kind="stable")] = np.arange(which.size) - starts
    return order[equals_before * deliveries[which] < counts[which]]


def refuse_jumps(index, argument, *, after=None, longest=LONGEST_SILENCE):
    """Say so if a row lies so many seconds ahead of the one before it, or `after`, that its clock must be wrong."""
    times = np.sort(index.asi8)
    if after is not None:
        times = np.append(after.value, times[times > after.value])
    steps = np.diff(times)
    if steps.size and steps.max() > A_DAY * 10**9:
        ahead = times.size - 1 - int(steps.argmax())
        if ahead < FEW_AHEAD and len(index) > 2 * ahead:
            raise ValueError(
                f"{argument} has {ahead} rows from {pd.Timestamp(times[-ahead], tz='UTC')} on, "
                f"{steps.max() / 10**9 / A_DAY:.3g} days after the others; mend their clock, or leave them out until "
                "there are more."
            )
    if steps.size and steps.max() > longest * 10**9:
        before, then = (pd.Timestamp(times[steps.argmax() + i], tz="UTC") for i in (0, 1))
        raise ValueError(
            f"{argument} jumps from {before} to {then}; mend the clock of these rows, or leave out the part before or "
            "after; if the service was really away so long, begin with a new state."
        )


def in_order(rows):
    """Return rows with times in the order of time."""
    index = getattr(rows, "index", None)
    if isinstance(index, pd.DatetimeIndex) and not index.is_monotonic_increasing:
        return rows.sort_index(kind="stable")
    return rows


def nanoseconds(index):
    """Return time stamps as whole numbers, since 1970 by UTC."""
    return index.as_unit("ns").asi8


def as_columns(values, argument):
    """Return a dict of float arrays by column name, NaN where values are missing; one metric's name is None.

    Of counts in buckets the array has one row a stretch of time, and one column a bucket.
    """
    if are_counts(values):
        return {None: as_counts(values, argument)}
    if not isinstance(values, pd.DataFrame):
        return {None: _as_values(values, argument, argument)}
    if not values.shape[1] or not values.columns.is_unique:
        raise ValueError(f"{argument} must have at least one column, and no name twice.")
    columns = {}
    for name in values.columns:
        label, column = f"{argument}[{name!r}]", values[name]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
            column = np.ascontiguousarray(column)  # a table lies in memory by rows, as a rule
        elif column.isna().all():
            column = np.full(len(values), np.nan)
        columns[name] = _as_values(column, label, argument, keep_missing=True)
    return columns


def _as_values(values, label, argument, **options):
    """Return a float array, as `as_sample` does; what comes in may also be one value, or none."""
    if (
        argument == "recent"
        and hasattr(values, "__len__")
        and len(values) < 2
        and not isinstance(values, str)
    ):
        return as_sample(np.append(np.asarray(values, float), [0.0, 0.0]), label, **options)[: len(values)]
    return as_sample(values, label, **options)
