"""Answers to chapter 05: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np

_NIGHTS = {"A": "don't page", "B": "recall", "C": "don't page"}

WRONG = {
    "5.1": (
        (3, "more than two are flagged"),
        (5, "a smaller width is enough"),
        (360, "multiply by 100"),
        ("3.6 sigma", "a number is expected"),
    ),
    "5.2": (
        (0.5, "of 100,000 requests"),
        (3.0, "percent"),
        (0, "of 100,000 requests"),
        ([0.03, 0.9], "a number"),
    ),
    "5.3": (
        (0.02, "still above one half"),
        (0.12, "below one half already"),
        (3.7, "in percent"),
        (3_700, "between 0 and 1"),
        (None, "a number is expected"),
    ),
    "5.4": (
        (132, "still above one half"),
        (156, "a smaller multiple"),
        (139, "a multiple of twelve is asked for"),
        (-144, "other sign"),
        ("many", "a number is expected"),
    ),
    "5.5": (
        (_NIGHTS | {"A": "precision"}, "as good as ever"),
        (_NIGHTS | {"B": "both"}, "were flagged"),
        (_NIGHTS | {"C": "recall"}, "night C"),
        (("don't page", "recall"), "3 things"),
        (_NIGHTS | {"A": "ticket"}, "choose one of"),
        ("recall", "3 things"),
    ),
}

RIGHT = {
    "5.1": (np.float64(3.6), 3.61),
    "5.2": (0.0307, 1 / 33, np.float64(0.035)),
    "5.3": (0.03, 0.04, 0.05, 0.0375),
    "5.4": (np.int64(144), 144.0),
    "5.5": (["don't page", "Recall", "do not page"], tuple(_NIGHTS.values())),
}
