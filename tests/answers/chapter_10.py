"""Answers to chapter 10: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np

from utils.exercises.chapter_10 import _percentiles


def _quantile_by_loop(bounds, counts, q):
    rank, below, lower = q * sum(counts), 0, 0
    for bound, count in zip(bounds, counts, strict=True):
        if below + count >= rank:
            return lower if np.isinf(bound) else lower + (bound - lower) * (rank - below) / count
        below, lower = below + count, bound
    return lower


def _interpolated(bounds, counts, q):
    totals = np.append(0, np.cumsum(counts))
    return np.interp(q * totals[-1], totals, np.append(0, bounds))


def _from_the_lower_bound(bounds, counts, q):
    bucket = np.searchsorted(np.cumsum(counts), q * np.sum(counts))
    return bounds[bucket - 1] if bucket else 0


def _ranks_by_hand(historical, recent):
    most, f, g = 0, 0, 0
    for old, new in zip(historical / sum(historical), recent / sum(recent), strict=True):
        most = max(most, f + old - g, g + new - f)
        f, g = f + old, g + new
    return most


def _of_counts(historical, recent):
    f, g = np.append(0, np.cumsum(historical)), np.append(0, np.cumsum(recent))
    return max((f[1:] - g[:-1]).max(), (g[1:] - f[:-1]).max())


def _without_a_beginning(historical, recent):
    f, g = np.cumsum(historical) / sum(historical), np.cumsum(recent) / sum(recent)
    return max((f[1:] - g[:-1]).max(), (g[1:] - f[:-1]).max())


def _increase_by_loop(totals):
    increase, before = 0, totals[0]
    for total in totals[1:]:
        increase += total if total < before else total - before
        before = total
    return increase


def _nothing_at_restarts(totals):
    return sum(max(0, after - before) for before, after in zip(totals[:-1], totals[1:], strict=True))


WRONG = {
    "10.1": (
        (_from_the_lower_bound, "lower bound"),
        (lambda bounds, counts, q: _quantile_by_loop(bounds, counts, 0.95), "whatever `q` is"),
        (lambda bounds, counts, q: _quantile_by_loop(bounds, counts, q) / 1_000, "seconds in place of ms"),
        (lambda counts, bounds, q: _quantile_by_loop(bounds, counts, q), "a finite number"),
        (242.4, "a function is expected"),
    ),
    "10.2": (
        (_of_counts, "is expected"),
        (_without_a_beginning, "is expected"),
        (lambda historical, recent: 1.0, "for every case"),
        (lambda historical, recent: round(_ranks_by_hand(historical, recent), 2), "rounds"),
        (lambda historical, recent: 100 * _ranks_by_hand(historical, recent), "percent"),
        (0.998, "a function is expected"),
    ),
    "10.3": (
        ([0.12, 0.135, 0.15, 0.165, 0.18, 0.3], "seconds"),
        ([100, 250, 500, 1_000, 2_500, 5_000], "5 ms slower"),
        ([145, 148, 151, 154, 157, 300], "twice the spread"),
        ([125, 135, 145, 155, 165, 175], "healthy requests exceed"),
        ([125, 140, 150, 160, 175, 900], "slow requests exceed"),
        ([300, 180, 165, 155, 135, 120], "larger"),
        ([-10, 120, 150, 165, 180, 300], "positive"),
        ([125, 150, 175, 300], "6 values"),
        (150, "a list or an array"),
    ),
    "10.4": (
        (_nothing_at_restarts, "left out"),
        (lambda totals: np.diff(totals), "a number is expected"),
        (lambda totals: totals[-1], "is expected"),
        (7_094, "a function is expected"),
    ),
    "10.5": (
        (_percentiles()[1], "as many requests"),
        (_percentiles()[2], "close to the mean of three"),
        (_percentiles()[3], "weighted by traffic"),
        (_percentiles()[4], "latencies themselves"),
        (298.2, "fewer than five in a hundred"),
        (180, "more than five in a hundred"),
        ("190 ms", "a number is expected"),
    ),
}

RIGHT = {
    "10.1": (_quantile_by_loop, _interpolated),
    "10.2": (_ranks_by_hand,),
    "10.3": (
        [115, 133, 152, 171, 190, 275],
        (131, 147, 153, 168, 251, 399),
        np.array([60, 90, 128, 172, 260, 410.0]),
    ),
    "10.4": (_increase_by_loop,),
    "10.5": (round(_percentiles()[0], 1),),
}
