"""The exercises of chapter 06: how often the alarm is wrong."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special, stats

from utils.alarm.monitor import DriftMonitor
from utils.exercises.engine import (
    DECISIONS,
    Exercise,
    NotYet,
    as_choice,
    as_function,
    as_number,
    call,
    known_slip,
)
from utils.simulate import autocorrelated_week, two_days

HEALTHY_WINDOWS, ALARMS_SEEN = 400, 31
WINDOW = 200


# 6.1 --------------------------------------------------------------------------------------------------------


def judge_promise(answer: Any) -> str | None:
    """Compare with three standard intervals for a share, then the decision with the interval."""
    if isinstance(answer, str) or not isinstance(answer, tuple | list) or len(answer) != 3:
        return 'give three things: (decision, low, high), the decision "kept" or "broken".'
    decision = as_choice(answer[0], ("kept", "broken"))
    low, high = as_number(answer[1]), as_number(answer[2])
    if low > high:
        return "the lower end of the interval comes first."
    share = ALARMS_SEEN / HEALTHY_WINDOWS
    spread = np.sqrt(share * (1 - share))
    if high > 1:
        return "an interval for a rate lies between 0 and 1; these are counts or percentages."

    def given(ends: tuple[float, float]) -> bool:
        return bool(np.allclose((low, high), ends, atol=0.0015))

    found = stats.binomtest(ALARMS_SEEN, HEALTHY_WINDOWS)
    right = [tuple(found.proportion_ci(method=method)) for method in ("exact", "wilson", "wilsoncc")]
    error = spread / np.sqrt(HEALTHY_WINDOWS)
    right.append((share - 1.96 * error, share + 1.96 * error))
    if not any(given(ends) for ends in right):
        if given((share - error, share + error)):
            return "these are one standard error to each side. How many make 95 %?"
        promised = np.sqrt(0.05 * 0.95 / HEALTHY_WINDOWS)
        if given((0.05 - 1.96 * promised, 0.05 + 1.96 * promised)):
            return (
                "this is where the rate would lie if the promise held. Put the interval around what was seen."
            )
        if high == 1:
            return "this interval is open upwards. Give both ends, with 2.5 % left out at either."
        if any(np.allclose((low, high), ends, atol=0.005) for ends in right):
            return "nearly: give the ends of the interval to three decimals or better."
        if high - low > 0.3:
            return (
                "this is the spread of single windows, alarm or no alarm. The rate of 400 of them is known "
                "better."
            )
        return (
            f"this is no 95 % interval for {ALARMS_SEEN} alarms in {HEALTHY_WINDOWS} healthy windows. It "
            "should hold the rate that was seen, and `stats.binomtest` can compute it."
        )
    if decision == "kept":
        return "the interval is right, and it speaks against the decision: does it reach down to the promise?"
    return None


# 6.2 --------------------------------------------------------------------------------------------------------


def judge_two_days(answer: Any) -> str | None:
    """Compare the evidence with the measured shift, then the decision with the rule of 2 ms."""
    if isinstance(answer, str) or not isinstance(answer, tuple | list) or len(answer) != 2:
        return 'give two things: (decision, slower_by_ms), the decision "page" or "don\'t page".'
    decision, slower_by_ms = as_choice(answer[0], DECISIONS), as_number(answer[1])
    historical, recent = two_days()
    shift_ms = recent.mean() - historical.mean()
    distance = float(stats.ks_2samp(historical, recent).statistic)
    if abs(slower_by_ms + shift_ms) < 0.1:
        return "the sign: how much slower are the recent requests, recent minus historical?"
    if abs(slower_by_ms - distance) < 1e-3:
        return "this is D, a difference of shares. The rule asks for milliseconds."
    if abs(slower_by_ms - shift_ms / 1_000) < 1e-4:
        return "this looks like seconds. The rule asks for milliseconds."
    if abs(slower_by_ms - shift_ms / historical.mean()) < 1e-4:
        return "this is a share of the mean. The rule asks for milliseconds."
    if 0 <= slower_by_ms < 1e-3:
        return (
            "this looks like a p-value: how surprising a shift is, not how large. The rule asks for "
            "milliseconds."
        )
    if abs(slower_by_ms - 100 * shift_ms / historical.mean()) < 0.01:
        return "this is a percentage of the mean. The rule asks for milliseconds."
    if abs(slower_by_ms - shift_ms) > 0.1:
        return "the recent requests are not slower by that much on average. Compare the two means."
    if decision == "page":
        return (
            "the evidence is right, and it speaks against the decision. The shift is real; the rule asks "
            "whether it is large."
        )
    return None


# 6.3 --------------------------------------------------------------------------------------------------------


def judge_any_false_alarm(answer: Any) -> str | None:
    """Compare with the share of simulated quiet days on which at least one of many checks rejects."""
    function = as_function(answer)
    cases = ((0.05, 24), (0.05, 17), (0.01, 100), (0.2, 1), (0.5, 3))
    given = [
        as_number(call(function, alpha, checks, case=f"alpha={alpha}, checks={checks}"))
        for alpha, checks in cases
    ]
    rng = np.random.default_rng(63)
    measured = [np.mean((rng.random((40_000, checks)) < alpha).any(axis=1)) for alpha, checks in cases]
    if np.allclose(given, measured, atol=0.012):
        return None
    diagnosis = known_slip(cases, given, _COUNTING_MISTAKES, atol=0.002)
    if diagnosis:
        return diagnosis
    return (
        f"with alpha {cases[0][0]} and {cases[0][1]} checks, {measured[0]:.0%} of simulated quiet days had a "
        f"false alarm; your function says {given[0]:.3g}. How likely is it that every check stays quiet?"
    )


def _added(alpha, checks):
    return alpha * checks


def _added_but_capped(alpha, checks):
    return min(1, alpha * checks)


def _all_quiet(alpha, checks):
    return (1 - alpha) ** checks


def _all_alarm(alpha, checks):
    return alpha**checks


def _one_minus_all_alarm(alpha, checks):
    return 1 - alpha**checks


def _only_one(alpha, checks):
    return alpha


def _exactly_one(alpha, checks):
    return checks * alpha * (1 - alpha) ** (checks - 1)


def _in_percent(alpha, checks):
    return 100 * (1 - (1 - alpha) ** checks)


def _alpha_shared_out(alpha, checks):
    return alpha / checks


_COUNTING_MISTAKES = (
    (
        _added,
        "this adds the rates up. That is how many false alarms to expect, and it can exceed 1; days with two "
        "alarms are counted twice.",
    ),
    (
        _added_but_capped,
        "this adds the rates up and stops at 1. Days with two alarms are counted twice.",
    ),
    (_all_quiet, "this is the share of days on which every check stays quiet. The other days are asked for."),
    (_all_alarm, "this is the share of days on which every single check alarms."),
    (
        _one_minus_all_alarm,
        "this is the share of days on which not every check alarms. One alarm is enough to spoil a day.",
    ),
    (_only_one, "this is the rate of one check. A day has more than one."),
    (
        _exactly_one,
        "this is the share of days with one false alarm, no more. Days with two are spoiled as well.",
    ),
    (_in_percent, "this is a percentage. A probability lies between 0 and 1."),
    (
        _alpha_shared_out,
        "this shares alpha out among the checks, which is a remedy. How bad is it without one?",
    ),
)


# 6.4 --------------------------------------------------------------------------------------------------------


def judge_drifted_metrics(answer: Any) -> str | None:
    """Try the flags on quiet nights, on nights with drift, and for several numbers of metrics."""
    function = as_function(answer)
    rng = np.random.default_rng(64)

    def flags(p_values: np.ndarray, case: str, rate: float = 0.05) -> np.ndarray:
        result = call(function, p_values, rate, case=case)
        array = np.asarray(result)
        if array.shape != p_values.shape:
            raise NotYet(
                f"one True or False a metric is expected, {p_values.size} in all; your function returned "
                f"{'the shape ' + str(array.shape) if array.ndim else 'a single value'}."
            )
        if array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
            return array.astype(bool)
        if array.dtype != bool:
            raise NotYet(
                "True or False is expected for each metric; these look like numbers. Compare them with the "
                "rate."
            )
        return array

    for metrics in (20, 5, 80):
        case = f"a quiet night with {metrics} metrics"
        quiet = rng.random((400, metrics))
        any_alarm = float(np.mean([flags(night, case).any() for night in quiet]))
        if any_alarm > 0.09:
            if abs(any_alarm - (1 - 0.95**metrics)) < 0.08:
                return (
                    f"on {any_alarm:.0%} of quiet nights with {metrics} metrics something is flagged: this is "
                    "every p-value against the rate itself, with no correction."
                )
            return (
                f"on {any_alarm:.0%} of quiet nights with {metrics} metrics something is flagged. Does the "
                "correction grow with the number of metrics?"
            )
    drifted = rng.uniform(0.3, 1, 20)
    moved = np.isin(np.arange(20), (4, 11, 17))
    drifted[moved] = 1e-9, 0.0004, 1e-5
    found = flags(drifted, "a night with three drifted metrics")
    if found.sum() == 3 and found[:3].all():
        return (
            "the flags come in the order of the sorted p-values. Which metric is which? Return them in the order "
            "in which the p-values came."
        )
    if found[~moved].any():
        return (
            "metrics with large p-values are flagged. Each needs a small one of its own: that another metric has "
            "drifted says nothing of this one."
        )
    if not found[moved].all():
        return (
            "on a night with three p-values of 0.0004 or less among twenty, not all three are flagged. That is "
            "more careful than a correction has to be."
        )
    if flags(drifted, "the same night at a rate of 0.001", rate=0.001)[11]:
        return (
            "at a rate of 0.001 a p-value of 0.0004 among twenty is flagged, as at 0.05. Does the function use "
            "the rate that it gets?"
        )
    close = rng.uniform(0.3, 1, 20)
    close[[3, 8]] = 0.004, 0.0048  # by the ranks' own limits, 0.0025 and 0.005, only the second is small
    found = flags(close, "a night with two p-values close to each other")
    if found[8] and not found[3]:
        return (
            "of twenty p-values, 0.0048 is flagged and the smaller 0.004 is not. Benjamini-Hochberg looks for the "
            "largest p-value below its limit, and flags every smaller one with it."
        )
    return None


# 6.5 --------------------------------------------------------------------------------------------------------


def judge_conformal_p(answer: Any) -> str | None:
    """Compare with a rank counted one by one, for typical, extreme, tied and unsorted statistics."""
    function = as_function(answer)
    rng = np.random.default_rng(65)
    cases = [(rng.random(99), 0.7), (rng.random(59), 2.0), (np.array([3.0, 1.0, 2.0, 2.0]), 2.0)]
    cases += [(rng.integers(0, 6, 19).astype(float), 3.0), (rng.random(39), -1.0)]
    given = [
        as_number(call(function, healthy, observed, case=f"{healthy.size} healthy statistics"))
        for healthy, observed in cases
    ]
    right = [
        (1 + sum(value >= observed for value in healthy)) / (1 + len(healthy)) for healthy, observed in cases
    ]
    if np.allclose(given, right, atol=1e-9):
        return None
    diagnosis = known_slip(cases, given, _RANK_MISTAKES)
    if diagnosis:
        return diagnosis
    return (
        f"for the healthy statistics 3, 1, 2, 2 and an observed 2 your function says {given[2]:.3g}. Count the "
        "observed one among the healthy: of these five, how many are 2 or more?"
    )


def _share_without_itself(healthy, observed):
    return float(np.mean(healthy >= observed))


def _ties_left_out(healthy, observed):
    return (1 + np.sum(healthy > observed)) / (len(healthy) + 1)


def _wrong_tail(healthy, observed):
    return (1 + np.sum(healthy <= observed)) / (len(healthy) + 1)


def _share_below(healthy, observed):
    return float(np.mean(healthy <= observed))


def _itself_on_top_only(healthy, observed):
    return (1 + np.sum(healthy >= observed)) / len(healthy)


def _itself_below_only(healthy, observed):
    return np.sum(healthy >= observed) / (len(healthy) + 1)


def _rank_in_percent(healthy, observed):
    return 100 * (1 + np.sum(healthy >= observed)) / (len(healthy) + 1)


def _rank_itself(healthy, observed):
    return 1 + np.sum(healthy >= observed)


_RANK_MISTAKES = (
    (
        _share_without_itself,
        "the window itself is not counted, so the p-value can be 0: a claim that no number of healthy blocks "
        "supports. Count it above and below the line.",
    ),
    (_ties_left_out, "a healthy block with the very same statistic has reached it too. Count ties."),
    (_wrong_tail, "these are the blocks that reach at most the observed statistic. Drift makes it large."),
    (_share_below, "these are the blocks that reach at most the observed statistic. Drift makes it large."),
    (
        _itself_on_top_only,
        "the window is counted above the line only, so the p-value can exceed 1. Count it below as well.",
    ),
    (
        _itself_below_only,
        "the window is counted below the line only, so the p-value can be 0. It reaches its own statistic.",
    ),
    (_rank_in_percent, "this is a percentage. A p-value lies between 0 and 1."),
    (_rank_itself, "this is a count. A p-value is a share: of how many?"),
)


# 6.6 --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _measured_windows() -> dict[str, tuple[float, float]]:
    """Return the conformal p-value and the KS p-value of each window."""
    history, windows = autocorrelated_week()
    monitor = DriftMonitor(history, window=WINDOW, false_alarm_rate=0.05)
    results = {name: monitor.check(window) for name, window in windows.items()}
    return {name: (result.p_value, result.ks_p_value) for name, result in results.items()}


def judge_windows(answer: Any) -> str | None:
    """Compare each window's evidence with its conformal p-value, then its decision with the evidence."""
    if not isinstance(answer, dict) or set(answer) != {"A", "B"}:
        return 'give a dictionary with the keys "A" and "B", each with a pair (decision, p_value).'
    evidence = {}
    for name in ("A", "B"):
        pair = answer[name]
        if isinstance(pair, str) or not isinstance(pair, tuple | list) or len(pair) != 2:
            return f"window {name} needs a pair: (decision, p_value)."
        evidence[name] = as_choice(pair[0], DECISIONS), as_number(pair[1])
    measured = _measured_windows()
    blocks = autocorrelated_week()[0].size // WINDOW
    for name, (_, p_value) in evidence.items():
        conformal, ks = measured[name]
        if not 0 <= p_value <= 1:
            return f"the p-value of window {name} is not between 0 and 1."
        if abs(p_value - conformal) < max(0.02, 0.15 * conformal) and p_value >= 0.9 / (blocks + 1):
            continue
        if 0 < p_value <= max(100 * ks, 1e-9) and p_value < 0.9 / (blocks + 1):
            return (
                f"the p-value of window {name} is smaller than {blocks} healthy blocks can support. It takes the "
                "requests for independent, which they are not."
            )
        if abs(1 - p_value - conformal) < 0.04:
            return f"window {name}: this is the share of healthy blocks that stay below. Count the others."
        if p_value < 0.9 / (blocks + 1):
            return f"the p-value of window {name} is smaller than one in {blocks + 1}. Was the window itself counted?"
        return (
            f"window {name}: this is not how often a healthy block of {WINDOW} requests reaches such a D. Compare "
            "every block with the rest of the history, and the window with the history."
        )
    for name, (decision, _) in evidence.items():
        should_page = measured[name][0] <= 0.05
        if (decision == "page") != should_page:
            reason = (
                "healthy blocks hardly ever come out like this one"
                if should_page
                else "healthy blocks come out like this one often"
            )
            return f"window {name}: the evidence is right, and it speaks against the decision: {reason}."
    return None


# 6.7 --------------------------------------------------------------------------------------------------------


def _share_seen(requests: int, shift_ms: float = 3, windows: int = 4_000) -> float:
    """Return the share of shifted windows at which KS rejects, against a history that is as good as known."""
    rng = np.random.default_rng(67)
    alarms, limit = 0, stats.kstwo.isf(0.05, requests)
    step = max(1, 1_000_000 // requests)
    for start in range(0, windows, step):
        rows = min(step, windows - start)
        share = np.sort(special.ndtr(rng.standard_normal((rows, requests)) + shift_ms / 20), axis=1)
        steps = np.arange(requests + 1) / requests
        distance = np.maximum(share - steps[:-1], steps[1:] - share).max(axis=1)
        alarms += np.sum(distance > limit)
    return alarms / windows


def judge_requests_needed(answer: Any) -> str | None:
    """Simulate windows of that size and count how often the shift is seen."""
    requests = as_number(answer)
    if requests < 1:
        return "a window holds at least one request."
    if requests > 5_000:
        return (
            "windows of that size see the shift practically always. Nine in ten is enough: try smaller ones."
        )
    windows = 4_000 if requests < 1_200 else 1_000
    seen = _share_seen(round(requests), windows=windows)
    if seen > 0.935:  # the learner's 400 windows leave three points of doubt
        return f"at that size {seen:.1%} of the windows see the shift. Nine in ten takes fewer requests."
    if seen >= 0.875:
        return None
    if seen < 0.5:
        return (
            f"at that size only {seen:.0%} of the windows see the shift. Half the shift does not take twice the "
            "requests: the error of a share falls with the square root of their number."
        )
    return f"at that size {seen:.0%} of the windows see the shift: a start, but nine in ten are asked for."


EXERCISES = (
    Exercise(
        id="6.1",
        judge=judge_promise,
        hints=(
            "A rate that was counted has a binomial interval: look at how `rate` computes one.",
            '`stats.binomtest(alarms, windows).proportion_ci(method="wilson")` has `.low` and `.high`; does 0.05 '
            "lie between them?",
        ),
        why="an interval that leaves the promised rate out is evidence that the promise is broken.",
    ),
    Exercise(
        id="6.2",
        judge=judge_two_days,
        hints=(
            "The p-value says that the shift is no accident. It does not say how large it is.",
            "`yesterday.mean() - day_before.mean()` is how much slower the recent day is, in ms.",
        ),
        why="with enough requests every difference is significant: the size decides, not the p-value.",
    ),
    Exercise(
        id="6.3",
        judge=judge_any_false_alarm,
        hints=(
            "It is easier to say how likely a day is on which every check stays quiet.",
            "One check stays quiet with probability 1 - alpha; independent checks multiply.",
        ),
        why="a rate that sounds small for one look is large for a day of looks.",
    ),
    Exercise(
        id="6.4",
        judge=judge_drifted_metrics,
        hints=(
            "`stats.false_discovery_control(p_values)` returns p-values that are corrected for their number.",
            "What is left is one comparison with the rate. Bonferroni is right as well: `rate / len(p_values)`.",
        ),
        why="the budget belongs to the night, however many metrics share it.",
    ),
    Exercise(
        id="6.5",
        judge=judge_conformal_p,
        hints=(
            "How many of the healthy statistics are at least as large as the observed one?",
            "The observed window counts as one of them: one more above the line, and one more below.",
        ),
        why="counting the window itself keeps the promise: no number of blocks proves that a healthy window never "
        "looks like this.",
    ),
    Exercise(
        id="6.6",
        judge=judge_windows,
        hints=(
            "Build `DriftMonitor(history, window=200, false_alarm_rate=0.05)` and look at what `check` returns.",
            "Its `p_value` is the conformal one; `ks_p_value` is the one that takes requests for independent.",
        ),
        why="both windows look drifted to the KS test; only one of them looks unlike a healthy window.",
    ),
    Exercise(
        id="6.7",
        judge=judge_requests_needed,
        hints=(
            "Call `share_seen(3, requests)` for growing windows, as the function above does for 5 ms. More windows, "
            "say `windows=4_000`, give a steadier share.",
            "The smallest drift that n requests see shrinks like 1 / sqrt(n): scale from the answer for 5 ms, then "
            "a little more, since nine in ten is asked for.",
        ),
        why="the size of the window is a decision about the smallest drift that you want to see.",
    ),
)
