"""Answers to chapter 06: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
from scipy import stats

from utils.exercises.chapter_06 import _windows

A, B = _windows()["A"][0], _windows()["B"][0]
REMEDIES = dict(
    zip(
        "ABCDEF",
        ("correction", "blocks", "like with like", "tolerance", "round alike", "more requests"),
        strict=True,
    )
)

WRONG = {
    "6.1": (
        (1_000, "1.23 points wide"),
        (0.0026, "a number of checks"),
        (-5, "a number of checks"),
        ("many", "a number is expected"),
    ),
    "6.2": (
        (lambda alpha, checks: 100 * (1 - (1 - alpha) ** checks), "percent"),
        (lambda alpha, checks: round(1 - (1 - alpha) ** checks, 2), "rounds"),
        (lambda alpha, checks: 1 - 0.95**checks, "whatever `alpha` is"),
        (lambda alpha, checks: 1 - (1 - alpha) ** 24, "whatever `checks` is"),
        (lambda checks, alpha: 1 - (1 - alpha) ** checks, "swapped"),
        (0.71, "a function is expected"),
    ),
    "6.3": (
        (0.05, "may add up"),
        (480, "may add up"),
        ("tiny", "a number is expected"),
    ),
    "6.4": (
        ({"A": ("page", A), "B": ("page", B)}, "window A: the p-value is right"),
        ({"A": ("don't page", A), "B": ("don't page", B)}, "window B: the p-value is right"),
        ({"A": ("don't page", A), "B": ("page", 0.0)}, "leaves the window itself out"),
        ({"A": ("don't page", A), "B": ("page", 1 / 59)}, "not the share"),
        ({"A": ("don't page", 22), "B": ("page", B)}, "not the share"),
        ({"A": ("page", 3e-7), "B": ("page", 1e-28)}, "p-value of KS"),
        (("don't page", "page"), "2 things"),
        ({"A": "don't page", "B": "page"}, "(decision, p_value)"),
    ),
    "6.5": (
        (400, "fewer than eight"),
        (1_500, "longer than needed"),
        (44, "independent requests"),
        ("a thousand", "a number is expected"),
    ),
    "6.6": (
        (REMEDIES | {"B": "patience"}, "choose one of"),
        ({"A": "correction"}, "are missing"),
        ("correction", "6 things"),
    ),
}

RIGHT = {
    "6.1": (1_500, 1_521.27, np.int64(1_600), 0.01 * 0.99 * (2 * 1.96 / 0.01) ** 2),
    "6.2": (
        lambda alpha, checks: float(stats.binom.sf(0, checks, alpha)),
        lambda alpha, checks: 1 - np.prod([1 - alpha] * checks),
    ),
    "6.3": (2.1e-5, 0.000021, 1 - 0.99 ** (1 / 480)),
    "6.4": (
        {"A": ["Don't page", np.round(A, 3)], "B": ["Page", np.round(B, 3)]},
        {"A": ("do not page", 13 / 60), "B": ("page", 0.02)},
        (("don't page", A), ("page", B)),
    ),
    "6.5": (700, 800, np.int64(900)),
    "6.6": (REMEDIES, tuple(REMEDIES.values())),
}
