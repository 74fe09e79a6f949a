"""Answers to chapter 01: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.simulate import ARCHIVE_KINDS, quiet_days


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


def _timeouts_one_draw(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.where(rng.random() < share, timeout_ms, latencies_ms)


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


def _p99s(axis=1, seed=1):
    return np.quantile(np.random.default_rng(seed).normal(150, 20, size=(1_000, 500)), 0.99, axis=axis)


def _days(**changed):
    return ARCHIVE_KINDS | changed


QUIET = quiet_days()
NUMBERS = {"mean": np.mean, "sd": np.std, "median": np.median} | {
    f"p{percent}": lambda day, percent=percent: np.quantile(day, percent / 100) for percent in (5, 99)
}


def _rule(*names, limit=3):
    def off(name, day):
        usual = [NUMBERS[name](quiet) for quiet in QUIET]
        return abs(NUMBERS[name](day) - np.mean(usual)) / np.std(usual)

    return lambda day: any(off(name, day) > limit for name in names)


WRONG = {
    "1.1": (
        (20.02, "sd of single requests"),
        (196, "where the p99s lie"),
        (_p99s(axis=0).std(), "across the 1,000 days"),
        (_p99s().var(), "in ms squared"),
        (3 * _p99s().std(), "several wanderings"),
        (5, "one row a day"),
        (318, "multiply by 100"),
        ("3.3", "a number is expected"),
        (_p99s(), "a number is expected"),
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
        (_timeouts_one_draw, "it is 0.000"),
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
        (_rule("mean"), "missed most often, spread"),
        (_rule("sd"), "missed most often, slower"),
        (_rule("median"), "false alarms on 0 of 10 quiet days, and 5 of 10 incidents missed"),
        (_rule(*NUMBERS, limit=2), "false alarms on 2 of 10 quiet days, and 0 of 10 incidents missed"),
        (lambda day: True, "wakes somebody on all"),
        (lambda day: day.mean() > 900, "sleeps through all"),
        (lambda day: day > 200, "True or False is expected"),
        (True, "a function is expected"),
    ),
    "1.6": (
        (150, "and before 3.5% were"),
        (125, "of the requests are late"),
        ([1, 2], "a number is expected"),
    ),
}

RIGHT = {
    "1.1": (_p99s(seed=57).std(), _p99s(seed=7).std(), np.float32(3.4)),
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
        _rule("mean", "p99"),
        _rule(*NUMBERS),
        _rule("mean", "sd", limit=2),
        _rule("mean", "sd", limit=4),
        _rule(*NUMBERS, limit=2.5),
        lambda day: np.bool_(abs(day.mean() - 157) > 6 or day.std() > 56),
    ),
    "1.6": (130, np.int64(129), 130.4),
}
