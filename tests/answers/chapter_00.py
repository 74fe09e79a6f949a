"""Answers to chapter 00: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.simulate import course_latencies


def _prints(historical, recent):
    print(recent.mean() - historical.mean() >= 10)


def _pair_by_pair(historical, recent):
    return recent - historical >= 10


def _by_steps(historical, recent):
    if sum(recent) / len(recent) >= sum(historical) / len(historical) + 10:
        return 1
    return 0


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
        (694.7, "multiply by 100"),
        (13.2, "take the share among"),
        (0.13, "one data set"),
        (3.5, "not of one size"),
        (5, "take the share among"),
        ("7", "a number is expected"),
    ),
    "0.3": (
        (_prints, "print"),
        (_pair_by_pair, "ValueError"),
        (lambda historical, recent: np.mean(historical) - np.mean(recent) >= 10, "swapped"),
        (lambda historical, recent: np.mean(recent) - np.mean(historical), "True or False"),
        (lambda historical, recent: "page", "True or False"),
        (lambda historical, recent: True, "for every case"),
        (lambda historical, recent: np.mean(recent) >= 160, "one of the two samples alone"),
        (
            lambda historical, recent: np.mean(recent) - np.mean(historical) >= 15,
            "or False where somebody should",
        ),
        (True, "a function is expected"),
    ),
}

RIGHT = {
    "0.1": (15.5, 15.49, np.float32(15.4915), np.array(15.4915)),
    "0.2": (7, 6.9, 6.95, np.float64(66 / 500 / 0.019)),
    "0.3": (
        _by_steps,
        lambda historical, recent: bool(np.mean(recent) - np.mean(historical) >= 10),
        lambda a, b: pd.Series(b).mean() - pd.Series(a).mean() >= 10,
    ),
}
