"""Answers to chapter 06: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
from scipy import stats

from utils.exercises.chapter_06 import (
    _added,
    _added_but_capped,
    _all_alarm,
    _all_quiet,
    _alpha_shared_out,
    _exactly_one,
    _in_percent,
    _itself_below_only,
    _itself_on_top_only,
    _measured_windows,
    _one_minus_all_alarm,
    _only_one,
    _rank_in_percent,
    _rank_itself,
    _share_without_itself,
    _ties_left_out,
    _wrong_tail,
)


def _uncorrected(p_values, rate):
    return np.asarray(p_values) < rate


def _corrected_for_twenty(p_values, rate):
    return np.asarray(p_values) < rate / 20


def _adjusted_p_values(p_values, rate):
    return stats.false_discovery_control(p_values)


def _wrong_side(p_values, rate):
    return stats.false_discovery_control(p_values) > rate


def _any_at_all(p_values, rate):
    return bool((np.asarray(p_values) < rate / len(p_values)).any())


def _all_or_none(p_values, rate):
    return np.full(len(p_values), np.min(p_values) < rate / len(p_values))


def _at_five_percent(p_values, rate):
    return stats.false_discovery_control(p_values) <= 0.05


def _much_too_careful(p_values, rate):
    return np.asarray(p_values) < rate / len(p_values) ** 2 / 10


def _in_sorted_order(p_values, rate):
    return np.sort(p_values) <= rate * np.arange(1, len(p_values) + 1) / len(p_values)


def _each_rank_for_itself(p_values, rate):
    return p_values <= rate * stats.rankdata(p_values) / len(p_values)


def _ones_and_zeros(p_values, rate):
    return (p_values < rate / len(p_values)).astype(int)


def _by_false_discovery(p_values, rate):
    return stats.false_discovery_control(p_values) <= rate


def _by_bonferroni(p_values, rate):
    return [p_value < rate / len(p_values) for p_value in p_values]


def _by_sidak(p_values, rate):
    return p_values < 1 - (1 - rate) ** (1 / len(p_values))


def _under_any_dependence(p_values, rate):
    return stats.false_discovery_control(p_values, method="by") <= rate


def _by_holm(p_values, rate):
    flags = np.zeros(len(p_values), dtype=bool)
    for rank, position in enumerate(np.argsort(p_values)):
        if p_values[position] >= rate / (len(p_values) - rank):
            break
        flags[position] = True
    return flags


def _by_searching(healthy, observed):
    ordered = np.sort(healthy)
    return (1 + len(ordered) - np.searchsorted(ordered, observed, side="left")) / (1 + len(ordered))


def _by_appending(healthy, observed):
    return np.mean(np.append(healthy, observed) >= observed)


def _windows_answer(decision_a: str, decision_b: str, which: int = 0) -> dict[str, tuple[str, float]]:
    measured = _measured_windows()
    return {"A": (decision_a, measured["A"][which]), "B": (decision_b, measured["B"][which])}


WRONG = {
    "6.1": (
        (("kept", *stats.binomtest(31, 400).proportion_ci(method="wilson")), "against the decision"),
        (("broken", 0.0641, 0.0909), "How many make 95 %"),
        (("broken", 0.0286, 0.0714), "around what was seen"),
        (("broken", 5.5, 10.8), "between 0 and 1"),
        (("broken", 0.0, 0.6), "spread of single windows"),
        (
            ("broken", *stats.binomtest(31, 400, alternative="greater").proportion_ci()),
            "both ends",
        ),
        (("broken", 0.06, 0.11), "three decimals"),
        (("broken", 0.108, 0.055), "comes first"),
        ("broken", "three things"),
    ),
    "6.2": (
        (("page", 0.4), "whether it is large"),
        (("don't page", -0.4), "sign"),
        (("don't page", 1e-8), "p-value"),
        (("don't page", 0.0005), "seconds"),
        (("don't page", 0.0032), "share of the mean"),
        (("don't page", 15), "Compare the two means"),
        (("page", "p < 0.05"), "a number is expected"),
        ("don't page", "two things"),
    ),
    "6.3": (
        (_added, "adds the rates up"),
        (_added_but_capped, "stops at 1"),
        (_all_quiet, "every check stays quiet"),
        (_all_alarm, "every single check alarms"),
        (_one_minus_all_alarm, "not every check"),
        (_only_one, "one check"),
        (_exactly_one, "no more"),
        (_in_percent, "percentage"),
        (_alpha_shared_out, "a remedy"),
        (0.71, "a function is expected"),
    ),
    "6.4": (
        (_uncorrected, "no correction"),
        (_corrected_for_twenty, "grow with the number"),
        (_adjusted_p_values, "look like numbers"),
        (_wrong_side, "quiet nights"),
        (_any_at_all, "a single value"),
        (_much_too_careful, "more careful"),
        (_all_or_none, "of its own"),
        (_at_five_percent, "use the rate"),
        (_in_sorted_order, "in the order"),
        (_each_rank_for_itself, "every smaller one"),
    ),
    "6.5": (
        (_share_without_itself, "can be 0"),
        (_ties_left_out, "Count ties"),
        (_wrong_tail, "Drift makes it large"),
        (_itself_on_top_only, "exceed 1"),
        (_itself_below_only, "below the line only"),
        (_rank_in_percent, "percentage"),
        (_rank_itself, "of how many"),
        (lambda healthy, observed: observed, "Count the observed one"),
    ),
    "6.6": (
        (_windows_answer("page", "page"), "window A"),
        (_windows_answer("don't page", "don't page"), "window B"),
        (_windows_answer("page", "page", which=1), "healthy blocks can support"),
        (
            {"A": ("don't page", 1 - _measured_windows()["A"][0]), "B": ("page", 1 / 60)},
            "stay below",
        ),
        (
            {"A": ("don't page", _measured_windows()["A"][0]), "B": ("page", 0.0)},
            "the window itself",
        ),
        (
            {"A": ("don't page", _measured_windows()["A"][0]), "B": ("page", 0.05)},
            "not how often",
        ),
        (("don't page", "page"), "a dictionary"),
        ({"A": "don't page", "B": "page"}, "needs a pair"),
    ),
    "6.7": (
        (200, "square root"),
        (180, "square root"),
        (480, "a start"),
        (1_500, "fewer requests"),
        (100_000, "practically always"),
        ("a thousand", "a number is expected"),
    ),
}

RIGHT = {
    "6.1": (
        ["Broken", 0.0551, 0.1081],
        ("broken", *stats.binomtest(31, 400).proportion_ci(method="exact")),
        ("broken", 0.051, 0.104),
    ),
    "6.2": (["don't page", np.float64(0.42)],),
    "6.3": (lambda alpha, checks: float(stats.binom.sf(0, checks, alpha)),),
    "6.4": (
        _by_false_discovery,
        _by_bonferroni,
        _by_holm,
        _by_sidak,
        _under_any_dependence,
        _ones_and_zeros,
    ),
    "6.5": (_by_searching, _by_appending),
    "6.6": ({name: list(pair) for name, pair in _windows_answer("don't page", "Page").items()},),
    "6.7": (620, 650, 700),
}
