"""Answers to chapter 01: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np

from utils.simulate import (
    ARCHIVE_KINDS,
)


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


def _timeouts_in_whole_ms(latencies_ms, rng, share=0.02, timeout_ms=900):
    return _timeouts(latencies_ms, rng, share, timeout_ms).astype(int)


def _timeouts_fixed_share(latencies_ms, rng, share=0.02, timeout_ms=900):
    return np.where(rng.random(latencies_ms.size) < 1 / 50, timeout_ms, latencies_ms)


def _slow_in(hours, extra_ms=40) -> np.ndarray:
    pattern = np.zeros(24)
    pattern[list(hours)] = extra_ms
    return pattern


WRONG = {
    "1.1": (
        (20, "one request"),
        (0.04, "divided by the number"),
        (0.632, "across the days"),
        (0.984, "drifted days"),
        (0.8, "variance"),
        (np.random.default_rng(1).normal(150, 20, size=(1_000, 500)).mean(axis=1).var(), "variance"),
        (1.095, "difference"),
        (1.12, "median wanders"),
        (2.94, "range"),
        (150, "where the means lie"),
        (5, "simulate many quiet days"),
        (1, "a round number"),
        ("0.9", "a number is expected"),
    ),
    "1.2": (
        (_timeouts_of_the_slowest, "slowest requests"),
        (_timeouts_on_top, "on top"),
        (_timeouts_in_place, "changes the latencies that it was given"),
        (_timeouts_only, "come out"),
        (_timeouts_own_seed, "whatever generator"),
        (_timeouts_percent, "percentage"),
        (_timeouts_at_the_end, "their place"),
        (_timeouts_in_whole_ms, "decimals"),
        (_timeouts_fixed_share, "use its argument"),
        (_timeouts_not_returned, "return missing"),
        (
            lambda latencies_ms, rng, share=0.02, timeout_ms=900: latencies_ms.copy(),
            "no request times out",
        ),
        (lambda latencies_ms, rng: _timeouts(latencies_ms, rng), "TypeError"),
    ),
    "1.3": (
        ((["mean", "sd", "median", "p99"], ["sd", "p5", "p99"]), "sort the 500 requests"),
        ((["sd", "p99"], ["sd", "p5", "p99"]), "add to the sum"),
        ((["mean", "sd"], ["sd", "p5", "p99"]), "beyond p99"),
        ((["mean", "p99"], ["sd", "p5", "p99"]), "squared distance"),
        ((["mean", "sd", "p5", "p99"], ["sd", "p5", "p99"]), "fastest requests"),
        ((["mean", "sd", "p99"], ["mean", "sd", "p5", "p99"]), "what happens to the mean"),
        ((["mean", "sd", "p99"], ["sd", "p99"]), "does a wider spread leave them"),
        ((["mean", "sd", "p99"], ["sd", "p5", "median", "p99"]), "where does the middle go"),
        ((["average"], ["sd"]), "choose one of"),
        ((["mean", "sd", "p99"],), "two lists"),
    ),
    "1.4": (
        (["slower", "no drift", "timeouts", "slower", "spread"], "divide its p5"),
        (["bad node", "slower", "timeouts", "slower", "spread"], "any two days"),
        (["bad node", "no drift", "bad node", "slower", "spread"], "how many requests"),
        (["bad node", "no drift", "slower", "slower", "spread"], "the typical request"),
        (["bad node", "no drift", "timeouts", "slower", "no drift"], "further from those"),
        (["bad node", "no drift", "timeouts", "slower", "timeouts"], "pulls at both ends"),
        (["bad node", "no drift", "timeouts", "bad node", "spread"], "divide its p5"),
        (["bad node", "no drift"], "five names"),
    ),
    "1.5": (
        (np.zeros(24), "no-drift control"),
        (np.full(24, 30), "leaves the quiet band"),
        (_slow_in((11, 12, 13)), "what weight does an hour have"),
        (_slow_in((3,)), "at least three"),
        (_slow_in((2, 3, 4), extra_ms=-40), "become faster"),
        (_slow_in((2, 3, 4), extra_ms=400), "by how much may each of them"),
        (_slow_in((2, 3, 4)) + _slow_in((12,), extra_ms=-90), "made faster"),
        (np.full(24, 150) + _slow_in((2, 3, 4)), "look like latencies"),
        ([30, 30, 30], "24 values"),
        (30, "a list or an array"),
        (np.where(np.arange(24) < 12, 300, -300), "before it is asked"),
    ),
    "1.6": (
        (["concept drift", "concept drift", "label shift", "concept drift"], "two baskets of one size"),
        (["data drift", "data drift", "label shift", "concept drift"], "basket of ten items"),
        (["data drift", "concept drift", "data drift", "concept drift"], "orders of one kind"),
        (["data drift", "concept drift", "label shift", "label shift"], "two totals"),
        (["data drift", "concept drift", "label shift", "none"], "choose one of"),
        (["data drift"], "four names"),
    ),
}

RIGHT = {
    "1.1": (20 / np.sqrt(500), 0.9, np.float32(0.87)),
    "1.2": (
        _timeouts_chosen,
        lambda latencies_ms, rng, share=0.02, timeout_ms=900: [
            timeout_ms if rng.random() < share else latency for latency in latencies_ms
        ],
    ),
    "1.3": (
        ({"p99", "sd", "mean"}, {"p99", "p5", "sd"}),
        [("Mean", "SD", "p99"), ["p5", "p99", "sd"]],
    ),
    "1.4": (
        tuple(ARCHIVE_KINDS.values()),
        dict(ARCHIVE_KINDS),
        np.array(["Bad node", "No drift", "Timeouts", "Slower", "Spread"]),
    ),
    "1.5": (
        _slow_in((1, 2, 3, 4), extra_ms=30).tolist(),
        _slow_in((2, 3, 4), extra_ms=99),
        _slow_in((11, 12, 16), extra_ms=30) - _slow_in((10, 13, 17), extra_ms=30),
    ),
    "1.6": (
        ("Data drift", "Concept drift", "Label shift", "Concept drift"),
        np.array(["Covariate shift", "concept drift", "label shift", "concept drift"]),
    ),
}
