"""Exercises of chapter 06, "How often is the alarm wrong?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    DECISIONS,
    Exercise,
    as_choice,
    as_flags,
    as_number,
    as_parts,
    function_exercise,
    number_exercise,
)

# 6.1: an interval around a rate ----------------------------------------------------------------------------

_INTERVALS = (  # for 31 alarms in 400 windows, 95 %
    (0.0513, 0.1037),  # normal
    (0.0551, 0.1079),  # Wilson
    (0.0541, 0.1093),  # Wilson, corrected for continuity
    (0.0533, 0.1082),  # exact
    (0.0543, 0.1068),  # Jeffreys
    (0.0525, 0.1050),  # bootstrap
)
_NO_INTERVALS = {
    (0.0641, 0.0909): "one standard error to each side. How many make 95 %?",
    (0.0286, 0.0714): "an interval around the promise. Around which rate does it belong?",
    (0.0582, 0.1024): "a 90 % interval. How much does a 95 % one leave out at either end?",
    (-0.4466, 0.6016): "the spread of single windows. How much better is the rate of 400 known?",
}


def interval_of_a_rate(answer):
    """Judge the ends of a 95 % interval, by any method in use, and then the decision."""
    decided, *ends = as_parts(answer, ["decision", "low", "high"])
    decided = as_choice(decided, ("kept", "broken"))
    low, high = ends = [as_number(end) for end in ends]

    def are(pair, within=0.0015):  # three decimals or better
        return np.allclose(ends, pair, rtol=0, atol=within)

    if not any(map(are, _INTERVALS)):
        for pair, sentence in _NO_INTERVALS.items():
            if are(pair):
                return f"close to {sentence}"
        if low > high:
            return "the lower end of the interval comes first."
        if low < 0 or high > 1:
            return "an interval for a rate lies between 0 and 1. Are these counts, or percentages?"
        if any(are(pair, within=0.0055) for pair in _INTERVALS):
            return "nearly: give the ends of a 95 % interval to three decimals or better."
        return "a 95 % interval should hold the rate that was seen. What does `stats.binomtest` compute?"
    if decided == "kept":
        return "the interval is right, and it speaks against the decision: does it reach down to the promise?"
    return None


# 6.2: significant and small --------------------------------------------------------------------------------


@cache
def _slower_by_ms():
    from utils.simulate import two_days  # brings scipy, for which others need not wait

    day_before, recent = two_days()
    return recent.mean() - day_before.mean()


def _no_shifts():
    return {
        8.5e-10: "the p-value: how surprising a shift is, not how large. How large is it in ms?",
        0.0005: "the shift in seconds. Which unit does the rule ask for?",
        0.0104: "the D of the test, a difference of shares. How large is the shift in ms?",
        100 * _slower_by_ms() / 150: "the shift in percent of the mean. Which unit does the rule ask for?",
    }


_SHIFT = number_exercise(
    "6.2",
    right=_slower_by_ms,
    within=0.05,
    slips=_no_shifts,
    slips_within=0.001,
    otherwise="the recent requests are not slower by that. What is the recent mean minus the earlier one?",
    hints=(
        "The p-value says that the shift is no accident. It does not say how large it is.",
        "`yesterday.mean() - day_before.mean()` is how much slower the recent day is, in ms.",
    ),
    why="with enough requests every difference is significant: the size decides, not the p-value.",
)


def significant_and_small(answer):
    """Judge how much slower the recent day is, and then the decision by the rule of 2 ms."""
    decided, slower_by_ms = as_parts(answer, ["decision", "slower_by_ms"])
    decided, problem = as_choice(decided, DECISIONS), _SHIFT.judge(slower_by_ms)
    if problem is None and decided == "page":
        return "the evidence is right, and it speaks against the decision: the rule asks whether it is large."
    return problem


# 6.3: any false alarm --------------------------------------------------------------------------------------


def _any_false_alarm(alpha, checks):
    return 1 - (1 - alpha) ** checks


_ANY = function_exercise(
    "6.3",
    cases=[(0.05, 24), (0.05, 17), (0.01, 100), (0.2, 1), (0.3, 3)],
    right=_any_false_alarm,
    slips={  # a and k are alpha and checks
        lambda a, k: a * k: "this adds the rates up. How often are days with two alarms counted?",
        lambda a, k: (1 - a) ** k: "this is how often every check stays quiet. Which other days are there?",
        lambda a, k: a**k: "this is how often every check alarms. How many alarms spoil a day?",
        lambda a, k: k * a * (1 - a) ** (k - 1): "this is exactly one alarm. Are days with two not spoiled?",
        lambda a, k: a / k: "this shares alpha out, which is a remedy. How bad is it without one?",
    },
    hints=(
        "It is easier to say how likely a day is on which every check stays quiet.",
        "One check stays quiet with probability 1 - alpha; independent checks multiply.",
    ),
    why="a rate that sounds small for one look is large for a day of looks.",
)


# 6.4: corrected for their number ---------------------------------------------------------------------------


def _bonferroni(p_values, rate):
    return p_values < rate / len(p_values)


def _benjamini_hochberg(p_values, rate):
    ordered = np.sort(p_values)
    small = ordered[ordered <= rate * np.arange(1, ordered.size + 1) / ordered.size]
    return p_values <= small.max(initial=-1)


def _nights():
    """Return nights on which all corrections agree; on the last one, the gentle agree and the strict."""
    rng = np.random.default_rng(64)

    def night(metrics, at, *small, rate=0.05):
        p_values = rng.uniform(0.1, 1, metrics)
        p_values[at : at + len(small)] = small
        return p_values, rate

    return {
        "12 p-values, three small ones, and a rate of 0.001": night(12, 4, 1e-6, 4e-4, 1e-9, rate=0.001),
        "12 p-values, three of them 0.00004 or less": night(12, 4, 1e-5, 4e-5, 1e-9),
        "a quiet night of 20 p-values, one of them 0.03": night(20, 6, 0.03),
        "a quiet night of 80 p-values, one of them 0.002": night(80, 70, 0.002),
        "a quiet night of 2 p-values, one of them 0.03": night(2, 1, 0.03),
        "5 p-values, one of them 0.004": night(5, 2, 0.004),
        "one p-value alone, 0.04": night(1, 0, 0.04),
        "10 p-values, two of them 0.009 and 0.0098": night(10, 3, 0.009, 0.0098),
    }


_METRICS = function_exercise(
    "6.4",
    cases=_nights,
    right=[_bonferroni, _benjamini_hochberg],
    returns=as_flags,
    slips={  # p and r are p_values and rate
        lambda p, r: p < r: "this is uncorrected. On how many quiet nights is one of twenty so small?",
        lambda p, r: p < r / 20: "this is the same factor on any night. What if there are more metrics?",
        lambda p, r: _benjamini_hochberg(np.sort(p), r): (
            "the flags come in the order of the sorted p-values. Which metric is which?"
        ),
        lambda p, r: p <= r * (1 + np.argsort(np.argsort(p))) / len(p): (
            "a p-value is flagged while a smaller one is not. What does Benjamini-Hochberg say of that one?"
        ),
        lambda p, r: p < r / len(p) ** 2: "this is corrected twice. Which correction is enough, alone?",
    },
    hints=(
        "`stats.false_discovery_control(p_values)` returns p-values that are corrected for their number.",
        "What is left is one comparison with the rate. Bonferroni is right as well: `rate / len(p_values)`.",
    ),
    why="the budget belongs to the night, however many metrics share it.",
)


# 6.5: a window among healthy blocks ------------------------------------------------------------------------


def _conformal_p(healthy, observed):
    return (1 + np.sum(healthy >= observed)) / (len(healthy) + 1)


def _statistics():
    rng = np.random.default_rng(65)
    return {
        "the healthy statistics 3, 1, 2, 2 and an observed 2": (np.array([3.0, 1.0, 2.0, 2.0]), 2.0),
        "99 healthy statistics and a typical one": (rng.random(99), 0.7),
        "59 healthy statistics and one beyond them": (rng.random(59), 2.0),
        "39 healthy statistics and one below them": (rng.random(39), -1.0),
    }


_TAIL = "these are the blocks at or below the observed statistic. Does drift make it small?"

_RANK = function_exercise(
    "6.5",
    cases=_statistics,
    right=_conformal_p,
    slips={  # h and o are healthy and observed
        lambda h, o: np.mean(h >= o): "the window itself is not counted. May a p-value be 0?",
        lambda h, o: (1 + np.sum(h > o)) / (len(h) + 1): (
            "a healthy block with the very same statistic is left out. Has it reached it, too?"
        ),
        lambda h, o: np.mean(h <= o): _TAIL,
        lambda h, o: (1 + np.sum(h <= o)) / (len(h) + 1): _TAIL,
        lambda h, o: (1 + np.sum(h >= o)) / len(h): (
            "the window is counted above the line only. Of how many is it one?"
        ),
        lambda h, o: 1 + np.sum(h >= o): "this is a count. A p-value is a share: of how many?",
    },
    hints=(
        "How many of the healthy statistics are at least as large as the observed one?",
        "The observed window counts as one of them: one more above the line, and one more below.",
    ),
    why="counting the window itself keeps the promise: no number of blocks proves that a healthy window never "
    "looks like this.",
)


# 6.6: two windows ------------------------------------------------------------------------------------------


@cache
def _windows():
    """Return by window its conformal p-value and the wrong ones, each with what it is."""
    from utils.alarm.monitor import DriftMonitor
    from utils.simulate import autocorrelated_week

    history, windows = autocorrelated_week()
    monitor, found = DriftMonitor(history, window=200, false_alarm_rate=0.05), {}
    for name, window in windows.items():
        result = monitor.check(window)
        reached = round(result.p_value * 60) - 1  # of the 59 healthy blocks
        wrong = {
            result.ks_p_value: "the p-value of KS. Does it know that a slow request follows a slow one?",
            reached / 59: "a share that leaves the window itself out. Does it not reach its own D?",
            1 - reached / 60: "the share of healthy blocks that stay below. Which others are asked for?",
            result.statistic: "D itself. How many healthy blocks reach it?",
        }
        found[name] = (result.p_value, wrong)
    return found


def two_windows(answer):
    """Judge each window's conformal p-value, and its decision."""
    for name, pair in zip("AB", as_parts(answer, ["A", "B"]), strict=True):
        decided, p_value = as_parts(pair, ["decision", "p_value"])
        decided, p_value = as_choice(decided, DECISIONS), as_number(p_value)
        right, wrong = _windows()[name]
        if not any(abs(p_value - round(right, digits)) < 1e-9 for digits in range(2, 17)):
            for at, sentence in wrong.items():
                if abs(p_value - at) <= 0.005 * at:
                    return f"the p-value of window {name} is close to {sentence}"
            if not 0 <= p_value <= 1:
                return f"the p-value of window {name} is not between 0 and 1. Of how many is it a share?"
            return f"window {name}: this is not how often healthy blocks reach such a D. How does 6.5 count?"
        if (decided == "page") != (p_value <= 0.05):
            often = "hardly ever" if p_value <= 0.05 else "often"
            return (
                f"window {name}: the evidence is right, and it speaks against the decision: "
                f"healthy blocks come out like this one {often}."
            )
    return None


# 6.7: how many requests it takes ---------------------------------------------------------------------------


def _too_few_or_many(requests):
    if requests > 640:
        return "at that size more than nine windows in ten see it. How many fewer requests are enough?"
    if requests > 230:
        return "at that size more than half of the windows see it: a start. How many more make nine in ten?"
    return "at that size not even half of the windows see it. How do requests grow when shifts get smaller?"


_REQUESTS = number_exercise(
    "6.7",
    right=640,
    within=65,
    slips={
        182: "what a shift of 5 ms takes, eight times in ten. Which shift is asked for, and how often?",
        303: "what 5 ms take, times 5 / 3. Does half the shift take twice the requests, or more?",
        750: "what a shift of 3 ms takes, nineteen times in twenty. How often is it to be seen here?",
    },
    slips_within=5,
    otherwise=_too_few_or_many,
    hints=(
        "Call `share_seen(3, requests)` for growing windows, as the function above does for 5 ms. More windows, "
        "say `windows=4_000`, give a steadier share.",
        "The smallest drift that n requests see shrinks like 1 / sqrt(n): scale from the answer for 5 ms, then "
        "a little more, since nine in ten is asked for.",
    ),
    why="the size of the window is a decision about the smallest drift that you want to see.",
)


EXERCISES = (
    Exercise(
        "6.1",
        interval_of_a_rate,
        hints=(
            "A rate that was counted has a binomial interval: look at how `rate` computes one.",
            '`stats.binomtest(alarms, windows).proportion_ci(method="wilson")` has `.low` and `.high`; does 0.05 '
            "lie between them?",
        ),
        why="an interval that leaves the promised rate out is evidence that the promise is broken.",
        slips=lambda: [(("broken", *pair), sentence) for pair, sentence in _NO_INTERVALS.items()],
    ),
    Exercise(
        "6.2",
        significant_and_small,
        hints=_SHIFT.hints,
        why=_SHIFT.why,
        slips=lambda: [(("don't page", shift), sentence) for shift, sentence in _SHIFT.slips()],
    ),
    _ANY,
    _METRICS,
    _RANK,
    Exercise(
        "6.6",
        two_windows,
        hints=(
            "Build `DriftMonitor(history, window=200, false_alarm_rate=0.05)` and look at what `check` returns.",
            "Its `p_value` is the conformal one; `ks_p_value` is the one that takes requests for independent.",
        ),
        why="both windows look drifted to the KS test; only one of them looks unlike a healthy window.",
        slips=lambda: [
            ({"A": ("don't page", p_value), "B": ("page", _windows()["B"][0])}, sentence)
            for p_value, sentence in _windows()["A"][1].items()
        ],
    ),
    _REQUESTS,
)
