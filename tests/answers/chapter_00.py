"""Answers to chapter 00: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np

from utils.simulate import course_latencies


def _outside_data(historical, recent):
    historical, recent = course_latencies()
    return recent.mean() - historical.mean()


def _prints(historical, recent):
    print(recent.mean() - historical.mean())


WRONG = {
    "0.1": (
        (course_latencies()[0].mean() - course_latencies()[1].mean(), "sign"),
        (165, "mean of one data set"),
        (15, "the simulation was told"),
        (np.median(course_latencies()[1]) - np.median(course_latencies()[0]), "medians"),
        (0.104, "relative"),
        (1.104, "divided by the other"),
        (course_latencies()[1].mean() - course_latencies(drifted=False)[1].mean(), "no-drift control"),
        (16, "rounded"),
        ("15.5", "a number is expected"),
        (25, "take the mean of each"),
    ),
    "0.2": (
        (66, "counts the slow requests"),
        (13.2, "percentage"),
        (0.868, "fast requests"),
        (0.019, "historical"),
        (0.024, "no-drift control"),
        (0.066, "size of the other"),
        (0.13, "rounded"),
        (0.125, "rounded"),
        (6.95, "how many times"),
        (0.0209, "as if it grew with the mean"),
        (0.044, "both data sets"),
        (0.5, "compare every recent request"),
    ),
    "0.3": (
        (_outside_data, "same number for every pair"),
        (_prints, "print"),
        (lambda historical, recent: np.mean(historical) - np.mean(recent), "subtract"),
        (lambda historical, recent: abs(np.mean(recent) - np.mean(historical)), "sign is lost"),
        (lambda historical, recent: np.median(recent) - np.median(historical), "medians"),
        (lambda historical, recent: np.mean(recent) / np.mean(historical), "ratio"),
        (lambda historical, recent: recent - historical, "ValueError"),
        (lambda historical, recent: round(np.mean(recent) - np.mean(historical)), "rounds"),
        (lambda historical, recent: round(np.mean(recent) - np.mean(historical), 1), "rounds"),
        (lambda historical, recent: int(np.mean(recent) - np.mean(historical)), "rounds"),
        (lambda historical, recent: max(0, np.mean(recent) - np.mean(historical)), "sign is lost"),
        (lambda historical, recent: 100 * (np.mean(recent) / np.mean(historical) - 1), "ratio"),
        (lambda historical, recent: np.mean(recent), "mean of the second sample"),
        (lambda first, second: np.mean(second) - course_latencies()[0].mean(), "stand outside"),
        (15.5, "a function is expected"),
    ),
}

RIGHT = {
    "0.1": (15.5, 15.49, np.float32(15.4915)),
    "0.2": (0.132, np.float64(66 / 500)),
    "0.3": (
        lambda historical, recent: sum(recent) / len(recent) - sum(historical) / len(historical),
        lambda a, b: np.array([np.mean(b) - np.mean(a)]),
    ),
}
