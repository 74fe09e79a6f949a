"""Answers to chapter 01: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.simulate import ARCHIVE_KINDS


def _timeouts(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.where(rng.random(len(latencies_ms)) < share, timeout_ms, latencies_ms)


def _timeouts_chosen(latencies_ms, rng, share=0.02, timeout_ms=900):
    drifted = latencies_ms.copy()
    drifted[rng.choice(drifted.size, size=round(share * drifted.size), replace=False)] = timeout_ms
    return drifted


def _timeouts_of_the_slowest(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.where(latencies_ms > np.quantile(latencies_ms, 1 - share), timeout_ms, latencies_ms)


def _timeouts_on_top(latencies_ms, rng, share=0.02, timeout_ms=900):
    return latencies_ms + timeout_ms * (rng.random(latencies_ms.size) < share)


def _timeouts_in_place(latencies_ms, rng, share=0.02, timeout_ms=900):
    latencies_ms[rng.random(latencies_ms.size) < share] = timeout_ms
    return latencies_ms


def _timeouts_only(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.full(round(share * latencies_ms.size), timeout_ms)


def _timeouts_not_returned(latencies_ms, rng, share=0.02, timeout_ms=900):
    latencies_ms = _timeouts(latencies_ms, rng, share, timeout_ms)


def _timeouts_own_seed(latencies_ms, rng, share=0.02, timeout_ms=900):
    return _timeouts(latencies_ms, np.random.default_rng(42), share, timeout_ms)


def _timeouts_percent(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.where(rng.random(latencies_ms.size) < share * 100, timeout_ms, latencies_ms)


def _timeouts_at_the_end(latencies_ms, rng, share=0.02, timeout_ms=900):
    timed_out = rng.random(latencies_ms.size) < share
    return np.append(latencies_ms[~timed_out], np.full(timed_out.sum(), timeout_ms))


def _timeouts_fixed_share(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.where(rng.random(latencies_ms.size) < 1 / 50, timeout_ms, latencies_ms)


def _timeouts_without_their_rng(latencies_ms, rng, share=0.02, timeout_ms=900):
    return _timeouts(latencies_ms, np.random.default_rng(), share, timeout_ms)


def _timeouts_drawn_twice(latencies_ms, rng, share=0.02, timeout_ms=900):
    drifted = latencies_ms.copy()
    drifted[rng.integers(drifted.size, size=rng.binomial(drifted.size, share))] = timeout_ms
    return drifted


def _timeouts_at_900(latencies_ms, rng, share=0.02, timeout_ms=900):
    return _timeouts(latencies_ms, rng, share, 900)


def _timeouts_by_loop(latencies_ms, rng, share=0.02, timeout_ms=900):
    drifted = []
    for latency in latencies_ms:
        drifted.append(timeout_ms if rng.random() < share else latency)
    return drifted


def _timeouts_as_series(latencies_ms, rng, share=0.02, timeout_ms=900):
    series = pd.Series(latencies_ms)
    return series.mask(rng.random(len(series)) < share, timeout_ms)


def _timeouts_by_binomial(latencies_ms, rng, share=0.02, timeout_ms=900):
    drifted = np.array(latencies_ms)
    drifted[rng.binomial(1, share, size=drifted.size).astype(bool)] = timeout_ms
    return drifted


def _wandering(seed):
    return np.random.default_rng(seed).normal(150, 20, size=(1_000, 500)).mean(axis=1).std()


def _days(**changed):
    return ARCHIVE_KINDS | changed


def _slow_in(hours, extra_ms=40) -> np.ndarray:
    pattern = np.zeros(24)
    pattern[list(hours)] = extra_ms
    return pattern


WRONG = {
    "1.1": (
        (20.02, "one request"),
        (2.94, "is it a range"),
        (150, "where the means lie"),
        (
            np.random.default_rng(1).normal(150, 20, size=(1_000, 500)).mean(axis=0).std(),
            "across the 1,000 days",
        ),
        (0.4, "one row a day"),
        (89, "multiply by 100"),
        ("0.9", "a number is expected"),
        (np.random.default_rng(1).normal(150, 20, size=(1_000, 500)).mean(axis=1), "a number is expected"),
    ),
    "1.2": (
        (_timeouts_of_the_slowest, "prefers slow requests or fast ones"),
        (_timeouts_chosen, "exactly as many"),
        (_timeouts_on_top, "on top"),
        (_timeouts_in_place, "changes the latencies that it was given"),
        (_timeouts_only, "values are expected"),
        (_timeouts_own_seed, "whatever generator"),
        (_timeouts_without_their_rng, "the second time"),
        (_timeouts_percent, "taken for percent"),
        (_timeouts_at_the_end, "their place"),
        (_timeouts_fixed_share, "Is `share` used"),
        (_timeouts_drawn_twice, "exactly once"),
        (_timeouts_at_900, "is the argument used"),
        (_timeouts_not_returned, "return missing"),
        (lambda latencies_ms, rng, share=0.02, timeout_ms=900: latencies_ms.copy(), "it is 0.000"),
        (lambda latencies_ms, rng: _timeouts(latencies_ms, rng), "TypeError"),
    ),
    "1.3": (
        ((["mean", "sd", "median", "p99"], ["sd", "p5", "p99"]), "sort the 500 requests"),
        ((["sd", "p99"], ["sd", "p5", "p99"]), "add to the sum"),
        ((["mean", "sd"], ["sd", "p5", "p99"]), "beyond p99"),
        ((["mean", "p99"], ["sd", "p5", "p99"]), "squared distance"),
        ((["mean", "sd", "p5", "p99"], ["sd", "p5", "p99"]), "fastest requests"),
        (([], ["sd", "p5", "p99"]), "timeouts: a number that it moves is missing"),
        ((["mean", "sd", "p99"], ["mean", "sd", "p5", "p99"]), "what happens to the mean"),
        ((["mean", "sd", "p99"], ["sd", "p99"]), "does a wider spread leave them"),
        ((["mean", "sd", "p99"], ["p5", "p99"]), "what is the sd a measure of"),
        ((["mean", "sd", "p99"], ["sd", "p5", "median", "p99"]), "where does the middle go"),
        ((["sd", "p5", "p99"], ["mean", "sd", "p99"]), "which of them belongs to which"),
        ((["average"], ["sd"]), "choose one of"),
        (("mean", "sd"), "belong in a list"),
        ((["mean", "sd", "p99"],), "2 things are expected"),
        (["mean", "sd", "p99"], "2 things are expected"),
    ),
    "1.4": (
        (["bad node", "no drift"], "5 things are expected"),
        (_days(A="latency"), "choose one of"),
        (dict(A="bad node", B="no drift"), "C, D and E are missing"),
    ),
    "1.5": (
        (np.full(24, 30), "leaves the quiet band"),
        (_slow_in((11, 12, 13)), "what weight does an hour have"),
        (_slow_in((2, 3, 4), extra_ms=29.9), "at least three"),
        (_slow_in((2, 3, 4), extra_ms=-40), "a positive number"),
        (_slow_in((2, 3, 4), extra_ms=400), "by how much may any hour move"),
        (_slow_in((2, 3, 4)) + _slow_in((12,), extra_ms=-90), "by how much may any hour move"),
        (np.full(24, 150) + _slow_in((2, 3, 4)), "look like latencies"),
        ([30, 30, 30], "24 values"),
        (30, "a list or an array"),
        (np.where(np.arange(24) < 12, 300, -300), "before it is asked"),
        (_slow_in((2, 3, 4)).astype(int).astype(str), "every value should be a number"),
    ),
    "1.6": (
        (["data drift", "concept drift", "label shift", "none"], "choose one of"),
        (["data drift"], "4 things are expected"),
        ({"A": "data drift", "B": "concept drift"}, "C and D are missing"),
    ),
}

RIGHT = {
    "1.1": (20 / np.sqrt(500), 0.9, np.float32(0.87), _wandering(57), _wandering(7), 0.89),
    "1.2": (_timeouts_by_loop, _timeouts_as_series, _timeouts_by_binomial),
    "1.3": (
        ({"p99", "sd", "mean"}, {"p99", "p5", "sd"}),
        [("Mean", "SD", "p99"), ["p5", "p99", "sd"]],
        {"timeouts": ["mean", "sd", "p99"], "spread": np.array(["sd", "p5", "p99"])},
    ),
    "1.4": (
        tuple(ARCHIVE_KINDS.values()),
        dict(ARCHIVE_KINDS),
        {day.lower(): kind for day, kind in ARCHIVE_KINDS.items()},
        np.array(["Bad node", "No drift", "Timeouts", "Slower", "Spread"]),
        pd.Series(ARCHIVE_KINDS),
    ),
    "1.5": (
        _slow_in((1, 2, 3, 4), extra_ms=30).tolist(),
        _slow_in((2, 3, 4), extra_ms=99),
        _slow_in((11, 12, 16), extra_ms=30) - _slow_in((10, 13, 17), extra_ms=30),
        _slow_in((0, 1, 2), extra_ms=30),
    ),
    "1.6": (
        ("Data drift", "Concept drift", "Label shift", "Concept drift"),
        np.array(["Covariate shift", "concept drift", "label shift", "concept drift"]),
        {"a": "data drift", "b": "concept drift", "c": "label shift", "d": "concept drift"},
    ),
}
