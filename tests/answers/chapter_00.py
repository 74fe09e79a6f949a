"""Answers to chapter 00: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.simulate import course_latencies


def _outside_data(historical, recent):
    historical, recent = course_latencies()
    return recent.mean() - historical.mean()


def _prints(historical, recent):
    print(recent.mean() - historical.mean())


def _pair_by_pair(historical, recent):
    return recent - historical


def _by_loop(historical, recent):
    total = 0.0
    for latency in recent:
        total += latency / len(recent)
    for latency in historical:
        total -= latency / len(historical)
    return total


WRONG = {
    "0.1": (
        (course_latencies()[0].mean() - course_latencies()[1].mean(), "the size is right, the sign is not"),
        (164.9, "mean of one data set"),
        (0.104, "relative"),
        (10.4, "relative"),
        (1.104, "divided by the other"),
        (14.94, "medians"),
        (15.6, "take the mean of each"),
        ("15.5", "a number is expected"),
        (25, "take the mean of each"),
    ),
    "0.2": (
        (13.2, "multiply by 100"),
        (0.13, "rounded"),
        (0.125, "rounded"),
        (6.95, "how many times"),
        (0.5, "compare every recent request"),
        (3, "between 0 and 1"),
    ),
    "0.3": (
        (_outside_data, "for every case"),
        (_prints, "print"),
        (lambda historical, recent: np.mean(historical) - np.mean(recent), "which is taken from which"),
        (lambda historical, recent: abs(np.mean(recent) - np.mean(historical)), "loses the sign"),
        (_pair_by_pair, "ValueError"),
        (lambda historical, recent: round(np.mean(recent) - np.mean(historical)), "rounds"),
        (lambda historical, recent: round(np.mean(recent) - np.mean(historical), 1), "rounds"),
        (lambda historical, recent: int(np.mean(recent) - np.mean(historical)), "cuts the decimals off"),
        (lambda a, b: np.array([np.mean(b) - np.mean(a)]), "a number is expected"),
        (lambda historical, recent: f"{np.mean(recent) - np.mean(historical):.1f} ms", "the text"),
        (15.5, "a function is expected"),
    ),
}

RIGHT = {
    "0.1": (15.5, 15.49, np.float32(15.4915), np.array(15.4915)),
    "0.2": (0.132, np.float64(66 / 500)),
    "0.3": (
        _by_loop,
        lambda historical, recent: sum(recent) / len(recent) - sum(historical) / len(historical),
        lambda a, b: pd.Series(b).mean() - pd.Series(a).mean(),
    ),
}
