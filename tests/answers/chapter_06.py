"""Answers to chapter 06: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
from scipy import stats

from utils.exercises.chapter_06 import _slower_by_ms, _windows


def _by_holm(p_values, rate):
    flags = np.zeros(len(p_values), dtype=bool)
    for rank, position in enumerate(np.argsort(p_values)):
        if p_values[position] >= rate / (len(p_values) - rank):
            break
        flags[position] = True
    return flags


def _at_five_percent(p_values, rate):
    return stats.false_discovery_control(p_values) <= 0.05


def _by_searching(healthy, observed):
    ordered = np.sort(healthy)
    return (1 + len(ordered) - np.searchsorted(ordered, observed, side="left")) / (1 + len(ordered))


def _by_loop(healthy, observed):
    reached = 1
    for statistic in healthy:
        if statistic >= observed:
            reached += 1
    return reached / (1 + len(healthy))


def _sorted_in_place(healthy, observed):
    healthy.sort()
    return _by_searching(healthy, observed)


A, B = _windows()["A"][0], _windows()["B"][0]

WRONG = {
    "6.1": (
        (("kept", *stats.binomtest(31, 400).proportion_ci(method="wilson")), "against the decision"),
        (("broken", 5.5, 10.8), "between 0 and 1"),
        (("broken", 0.06, 0.11), "three decimals"),
        (("broken", 0.108, 0.055), "comes first"),
        (("broken", 0.05, 0.15), "should hold the rate"),
        ("broken", "3 things"),
    ),
    "6.2": (
        (("page", _slower_by_ms()), "whether it is large"),
        (("don't page", 0.42), "minus the earlier one"),
        (("don't page", -_slower_by_ms()), "other sign"),
        (("don't page", -0.4), "minus the earlier one"),
        (("don't page", 1e-8), "p-value"),
        (("don't page", 0.00049), "the shift in seconds"),
        (("don't page", 15), "not slower by that"),
        (("page", "p < 0.05"), "a number is expected"),
        ("don't page", "2 things"),
    ),
    "6.3": (
        (lambda alpha, checks: 100 * (1 - (1 - alpha) ** checks), "percent"),
        (lambda alpha, checks: round(1 - (1 - alpha) ** checks, 2), "rounds"),
        (lambda alpha, checks: 1 - 0.95**checks, "whatever `alpha` is"),
        (lambda alpha, checks: 1 - (1 - alpha) ** 24, "whatever `checks` is"),
        (lambda checks, alpha: 1 - (1 - alpha) ** checks, "swapped"),
        (0.71, "a function is expected"),
    ),
    "6.4": (
        (_at_five_percent, "whatever `rate` is"),
        (lambda p_values, rate: stats.false_discovery_control(p_values), "True or False is expected"),
        (
            lambda p_values, rate: bool((p_values < rate / len(p_values)).any()),
            "a list or an array of True and False",
        ),
        (lambda p_values, rate: np.flatnonzero(p_values < rate / len(p_values)), "is expected"),
        (lambda p_values, rate: np.asarray(p_values) < rate / len(p_values) ** 2 / 10, "is expected"),
        (lambda p_values, rate: p_values < rate / max(1, len(p_values) - 1), "2 p-values"),
    ),
    "6.5": (
        (lambda healthy, observed: observed, "whatever `healthy` is"),
        (lambda healthy, observed: 100 * _by_loop(healthy, observed), "percent"),
        (lambda healthy, observed: round(_by_loop(healthy, observed), 2), "rounds"),
        (_sorted_in_place, "Work on a copy"),
        (lambda healthy, observed: (1 + np.sum(healthy >= observed)) / 60, "is expected"),
    ),
    "6.6": (
        ({"A": ("page", A), "B": ("page", B)}, "window A: the evidence is right"),
        ({"A": ("don't page", A), "B": ("don't page", B)}, "window B: the evidence is right"),
        ({"A": ("don't page", A), "B": ("page", 0.0)}, "leaves the window itself out"),
        ({"A": ("don't page", A), "B": ("page", 1 / 59)}, "not how often"),
        ({"A": ("don't page", 22), "B": ("page", B)}, "not between 0 and 1"),
        (("don't page", "page"), "2 things"),
        ({"A": "don't page", "B": "page"}, "(decision, p_value)"),
    ),
    "6.7": (
        (200, "not even half"),
        (550, "a start"),
        (1_500, "fewer requests"),
        ("a thousand", "a number is expected"),
    ),
}

RIGHT = {
    "6.1": (
        ["Broken", 0.0551, 0.1081],
        ("broken", *stats.binomtest(31, 400).proportion_ci(method="exact")),
        ("broken", *stats.beta(31.5, 369.5).interval(0.95)),
        ("broken", 0.051, 0.104),
    ),
    "6.2": (
        ["don't page", np.float64(0.49)],
        ("Do not page", _slower_by_ms()),
        {"slower_by_ms": _slower_by_ms(), "decision": "don't page"},
    ),
    "6.3": (
        lambda alpha, checks: float(stats.binom.sf(0, checks, alpha)),
        lambda alpha, checks: 1 - np.prod([1 - alpha] * checks),
    ),
    "6.4": (
        lambda p_values, rate: stats.false_discovery_control(p_values) <= rate,
        lambda p_values, rate: stats.false_discovery_control(p_values, method="by") <= rate,
        lambda p_values, rate: [p_value <= rate / len(p_values) for p_value in p_values],
        lambda p_values, rate: (p_values < rate / len(p_values)).astype(int),
        lambda p_values, rate: p_values < 1 - (1 - rate) ** (1 / len(p_values)),
        _by_holm,
    ),
    "6.5": (
        _by_searching,
        _by_loop,
        lambda healthy, observed: np.mean(np.append(healthy, observed) >= observed),
    ),
    "6.6": (
        {"A": ["Don't page", np.round(A, 3)], "B": ["Page", np.round(B, 3)]},
        {"A": ("do not page", 13 / 60), "B": ("page", 0.02)},
        (("don't page", A), ("page", B)),
    ),
    "6.7": (620, 650, 700, np.int64(600)),
}
