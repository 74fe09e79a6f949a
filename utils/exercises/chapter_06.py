"""Exercises of chapter 06, "How often is the alarm wrong?"."""

from __future__ import annotations

import math
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


def _decided(answer):
    return as_choice(answer, (*DECISIONS, "do not page"))


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
    (0.0775, 0.0262): "the rate, and how far its interval reaches to either side. Which two ends are that?",
    (0.0775, 0.0524): "the rate, and how wide its interval is. Which two ends are that?",
    (
        0.0286,
        0.0714,
    ): "where the rate would lie if the promise held. Around which rate does an interval belong?",
    (0.0582, 0.1024): "a 90 % interval. How much does a 95 % one leave out at either end?",
    (0.0567, 0.1032): "a 90 % interval. How much does a 95 % one leave out at either end?",
    (0.0496, 0.1192): "a 99 % interval. How much does a 95 % one leave out at either end?",
    (0.0567, 1.0): "an interval that is open upwards. How much is left out at either of two ends?",
    (0.0, 0.1032): "an interval that is open downwards. How much is left out at either of two ends?",
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
        if low < -0.5 or high > 1:
            return "an interval for a rate lies between 0 and 1; these are counts or percentages."
        if any(are(pair, within=0.0055) for pair in _INTERVALS):
            return "nearly: give the ends of the interval to three decimals or better, as a 95 % interval has them."
        if high - low > 0.3:
            return (
                "this is as wide as the spread of single windows, alarm or no alarm. The rate of 400 of them is "
                "known better: by which factor?"
            )
        return (
            "this is no 95 % interval for 31 alarms in 400 healthy windows. It should hold the rate that was seen, "
            "and `stats.binomtest` can compute it."
        )
    if decided == "kept":
        return "the interval is right, and it speaks against the decision: does it reach down to the promise?"
    return None


# 6.2: significant and small --------------------------------------------------------------------------------


def _slower_by_ms():
    return np.subtract(*map(np.mean, _two_days()[::-1]))


@cache
def _two_days():
    from utils.simulate import two_days  # brings scipy, for which others need not wait

    return two_days()


def _no_shifts():
    day_before, _ = _two_days()
    share = _slower_by_ms() / day_before.mean()
    milliseconds = "Which unit does the rule ask for?"
    return {
        0.0: "no shift at all. How far apart are the two means?",
        8.5e-10: f"the p-value of the test: how surprising a shift is, not how large. {milliseconds}",
        0.0104: f"the D of the test, a difference of shares. {milliseconds}",
        _slower_by_ms() / 1_000: f"the shift in seconds. {milliseconds}",
        share: f"the shift as a share of the mean. {milliseconds}",
        100 * share: f"the shift as a percentage of the mean. {milliseconds}",
        _slower_by_ms() / day_before.std(): f"the shift in standard deviations. {milliseconds}",
        0.4: "the shift with its decimals cut off. What is it when it is rounded to a tenth?",
        2.0: "the limit of the team's rule. How far apart are the two means?",
        150.5: "the mean of the recent day. How much larger is it than that of the day before?",
    }


_SHIFT = number_exercise(
    "6.2",
    right=_slower_by_ms,
    within=0.05,
    slips=_no_shifts,
    slips_within=0.005,
    otherwise=lambda value: (
        "the sign: how much slower are the recent requests, recent minus historical?"
        if value < 0
        else "the recent requests are not slower by that much on average. Compare the two means, which differ by less "
        "than a millisecond, and round to a tenth."
    ),
    hints=(
        "The p-value says that the shift is no accident. It does not say how large it is.",
        "`yesterday.mean() - day_before.mean()` is how much slower the recent day is, in ms.",
    ),
    why="with enough requests every difference is significant: the size decides, not the p-value.",
)


def significant_and_small(answer):
    """Judge how much slower the recent day is, and then the decision by the rule of 2 ms."""
    decided, slower_by_ms = as_parts(answer, ["decision", "slower_by_ms"])
    decided, problem = _decided(decided), _SHIFT.judge(slower_by_ms)
    if problem is None and decided == "page":
        return (
            "the evidence is right, and it speaks against the decision. The shift is real; the rule asks "
            "whether it is large."
        )
    return problem


# 6.3: any false alarm --------------------------------------------------------------------------------------


def _any_false_alarm(alpha, checks):
    return 1 - (1 - alpha) ** checks


_ANY = function_exercise(
    "6.3",
    cases=[(0.05, 24), (0.05, 17), (0.01, 100), (0.2, 1), (0.5, 3)],
    right=_any_false_alarm,
    slips={
        lambda alpha, checks: alpha * checks: (
            "this adds the rates up. That is how many false alarms to expect, and it can exceed 1: how often are "
            "days with two alarms counted?"
        ),
        lambda alpha, checks: min(1, alpha * checks): (
            "this adds the rates up and stops at 1. How often are days with two alarms counted?"
        ),
        lambda alpha, checks: (1 - alpha) ** checks: (
            "this is the share of days on which every check stays quiet. Which other days are there?"
        ),
        lambda alpha, checks: alpha**checks: (
            "this is the share of days on which every single check alarms. How many alarms spoil a day?"
        ),
        lambda alpha, checks: 1 - alpha**checks: (
            "this is the share of days on which not every check alarms. How many alarms spoil a day?"
        ),
        lambda alpha, checks: alpha: "this is the rate of one check. How many does a day have?",
        lambda alpha, checks: checks * alpha * (1 - alpha) ** (checks - 1): (
            "this is the share of days with one false alarm, no more. Are days with two not spoiled?"
        ),
        lambda alpha, checks: 1 - (1 - alpha) ** checks - checks * alpha * (1 - alpha) ** (checks - 1): (
            "this is the share of days with two false alarms or more. Is a day with one not spoiled?"
        ),
        lambda alpha, checks: 1 - (1 - alpha) ** (checks - 1): (
            "this leaves one check out. How many can alarm?"
        ),
        lambda alpha, checks: 1 - math.exp(-alpha * checks): (
            "this is nearly right where alpha is small (the formula of Poisson). How likely is it, exactly, that "
            "so many checks all stay quiet?"
        ),
        lambda alpha, checks: alpha / checks: (
            "this shares alpha out among the checks, which is a remedy. How bad is it without one?"
        ),
        lambda alpha, checks: 1 - (1 - alpha) ** (1 / checks): (
            "this is the alpha that each check may have, which is a remedy. How bad is it without one?"
        ),
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
        "12 p-values, three of them 0.0004 or less, and a rate of 0.001": night(
            12, 4, 1e-6, 4e-4, 1e-9, rate=0.001
        ),
        "12 p-values, three of them 0.00004 or less": night(12, 4, 1e-5, 4e-5, 1e-9),
        "a quiet night of 20 p-values, one of them 0.03": night(20, 6, 0.03),
        "a quiet night of 80 p-values, one of them 0.002": night(80, 70, 0.002),
        "a quiet night of 2 p-values, one of them 0.03": night(2, 1, 0.03),
        "5 p-values, one of them 0.004": night(5, 2, 0.004),
        "one p-value alone, 0.04": night(1, 0, 0.04),
        "10 p-values, two of them 0.009 and 0.0098": night(10, 3, 0.009, 0.0098),
    }


_LARGE = "metrics with large p-values are flagged. Which p-values speak for a drift?"
_FIXED = (
    "this corrects by the same factor for any night. Does the correction grow with the number of metrics?"
)
_SORTED = "the flags come in the order of the sorted p-values. Which metric is which?"

_METRICS = function_exercise(
    "6.4",
    cases=_nights,
    right=[_bonferroni, _benjamini_hochberg],
    returns=as_flags,
    slips={  # p and r are p_values and rate
        lambda p, r: p < r: (
            "this flags about what the rate itself would, uncorrected. On how many quiet nights are all of twenty "
            "p-values larger than that?"
        ),
        lambda p, r: p < r / 20: _FIXED,
        lambda p, r: p < r / 100: _FIXED,
        lambda p, r: p > r / len(p): _LARGE,
        lambda p, r: ~_benjamini_hochberg(p, r): _LARGE,
        lambda p, r: np.full(len(p), p.min() < r / len(p)): (
            "all metrics are flagged as soon as one has drifted. What does its small p-value say of the others?"
        ),
        lambda p, r: (p == p.min()) & (p < r / len(p)): (
            "the smallest p-value alone is ever flagged. Can several metrics drift in one night?"
        ),
        lambda p, r: _bonferroni(np.sort(p), r): _SORTED,
        lambda p, r: _benjamini_hochberg(np.sort(p), r): _SORTED,
        lambda p, r: p <= r * (1 + np.argsort(np.argsort(p))) / len(p): (
            "each p-value is held against its own rank's limit, and one is flagged while a smaller one is not. "
            "What does Benjamini-Hochberg say of the smaller ones?"
        ),
        lambda p, r: p < r / len(p) ** 2: (
            "this is corrected for the number of metrics twice. Which correction is enough, alone?"
        ),
        lambda p, r: p / len(p) < r: (
            "the p-values become smaller by their number. In which direction does a correction go?"
        ),
        lambda p, r: np.zeros(len(p), bool): "nothing is ever flagged. Does a p-value of 1e-9 say nothing?",
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
        "19 healthy statistics with ties": (rng.integers(0, 6, 19).astype(float), 3.0),
        "39 healthy statistics and one below them": (rng.random(39), -1.0),
    }


_TAIL = "these are the blocks that stay at or below the observed statistic. Does drift make it small?"

_RANK = function_exercise(
    "6.5",
    cases=_statistics,
    right=_conformal_p,
    slips={  # h and o are healthy and observed
        lambda h, o: np.mean(h >= o): (
            "the window itself is not counted, so the p-value can be 0: a claim that no number of healthy blocks "
            "supports. Where does it count?"
        ),
        lambda h, o: (1 + np.sum(h > o)) / (len(h) + 1): (
            "a healthy block with the very same statistic is left out. Has it reached it, too?"
        ),
        lambda h, o: np.mean(h > o): (
            "neither a tie nor the window itself is counted, so the p-value can be 0. Do they reach the statistic?"
        ),
        lambda h, o: np.sum(h > o) / (len(h) + 1): (
            "neither a tie nor the window itself is counted, so the p-value can be 0. Do they reach the statistic?"
        ),
        lambda h, o: np.mean(h <= o): _TAIL,
        lambda h, o: (1 + np.sum(h <= o)) / (len(h) + 1): _TAIL,
        lambda h, o: np.sum(h <= o) / (len(h) + 1): _TAIL,
        lambda h, o: np.mean(h < o): _TAIL,
        lambda h, o: np.sum(h < o) / (len(h) + 1): _TAIL,
        lambda h, o: (1 + np.sum(h >= o)) / len(h): (
            "the window is counted above the line only, so the p-value can exceed 1. Of how many is it one?"
        ),
        lambda h, o: np.sum(h >= o) / (len(h) + 1): (
            "the window is counted below the line only, so the p-value can be 0. Does it reach its own statistic?"
        ),
        lambda h, o: np.mean(h >= o) + 1 / (len(h) + 1): (
            "the healthy blocks and the window are shares of different wholes. Of how many is each of them one?"
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


_ITSELF = "a share that leaves the window itself out. Does it not reach its own D?"
_BELOW = "the share of healthy blocks that stay below. Which others are asked for?"


@cache
def _windows():
    """Return by window its conformal p-value and the wrong ones, each with what it is."""
    from utils.alarm.monitor import DriftMonitor
    from utils.simulate import autocorrelated_week

    history, windows = autocorrelated_week()
    monitor, found = DriftMonitor(history, window=200, false_alarm_rate=0.05), {}
    for name, result in ((name, monitor.check(window)) for name, window in windows.items()):
        reached = round(result.p_value * 60) - 1  # of the 59 healthy blocks
        found[name] = (
            result.p_value,
            {
                result.ks_p_value: "the p-value of KS. Does it know that a slow request follows a slow one?",
                reached / 59: _ITSELF,
                reached / 60: _ITSELF,
                (reached + 1) / 59: "a share with the window above the line only. Of how many is it one?",
                1 - result.p_value: _BELOW,
                1 - reached / 59: _BELOW,
                reached + 1: "a count. A p-value is a share: of how many?",
                result.statistic: "D itself. How many healthy blocks reach it?",
            },
        )
    return found


def two_windows(answer):
    """Judge each window's conformal p-value, and then its decision."""
    pairs = [as_parts(pair, ["decision", "p_value"]) for pair in as_parts(answer, ["A", "B"])]
    given = {name: (_decided(pair[0]), as_number(pair[1])) for name, pair in zip("AB", pairs, strict=True)}
    for name, (_, p_value) in given.items():
        right, wrong = _windows()[name]
        if any(abs(p_value - round(right, digits)) < 1e-9 for digits in range(2, 17)):
            continue
        for at, sentence in wrong.items():
            if abs(p_value - at) <= 0.005 * at:
                return f"the p-value of window {name} is close to {sentence}"
        if not 0 <= p_value <= 1:
            return f"the p-value of window {name} is not between 0 and 1. Of how many is it a share?"
        if p_value < 1 / 61:
            return (
                f"the p-value of window {name} is smaller than 59 healthy blocks can support. Does it take the "
                "requests for independent?"
            )
        return (
            f"window {name}: this is not how often a healthy block of 200 requests reaches such a D. Compare every "
            "block with the rest of the history, the window with the history, and round to three decimals."
        )
    for name, (decided, p_value) in given.items():
        if (decided == "page") != (p_value <= 0.05):
            often = "hardly ever" if p_value <= 0.05 else "often"
            return (
                f"window {name}: the evidence is right, and it speaks against the decision: healthy blocks come out "
                f"like this one {often}."
            )
    return None


# 6.7: how many requests it takes ---------------------------------------------------------------------------


def _too_few_or_many(requests):
    if requests < 8:
        return "a window of so few requests sees next to nothing. Which size did a shift of 5 ms take?"
    if requests > 5_000:
        return (
            "windows of that size see the shift practically always. Nine in ten is enough: try smaller ones."
        )
    if requests > 640:
        return "at that size more than nine windows in ten see the shift. How many fewer requests are enough?"
    if requests > 230:
        return "at that size more than half of the windows see the shift: a start, but nine in ten are asked for."
    return (
        "at that size not even half of the windows see the shift. How does the number of requests grow when the shift "
        "gets smaller: the error of a share falls with the square root of it."
    )


_REQUESTS = number_exercise(
    "6.7",
    right=640,
    within=65,
    slips={
        182: "what a shift of 5 ms takes, eight times in ten. Which shift is asked for, and how often?",
        221: "what a shift of 5 ms takes, nine times in ten. Which shift is asked for?",
        303: "what 5 ms take, times 5 / 3. Does half the shift take twice the requests, or more?",
        368: "what 5 ms take, times 5 / 3. Does half the shift take twice the requests, or more?",
        459: "what a shift of 3 ms takes, eight times in ten. How often is it to be seen here?",
        505: "what 5 ms take, scaled by the square to 3 ms, eight times in ten. How often is it to be seen here?",
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
