"""Exercises of chapter 06, "How often is the alarm wrong?"."""

from __future__ import annotations

from functools import cache

from utils.exercises.engine import (
    DECISIONS,
    Exercise,
    as_choice,
    as_number,
    as_parts,
    choice_exercise,
    function_exercise,
    number_exercise,
)

# 6.1: how many checks --------------------------------------------------------------------------------------

_CHECKS = number_exercise(
    "6.1",
    right=1_521,
    within=130,
    slips={
        396: "one standard error to either side. How many make 95 %?",
        380: "what one point to either side takes. How wide is such an interval from end to end?",
        6_085: "what half a point from end to end takes. How far may the interval reach to either side?",
        7_299: "what a rate of 5 % takes. Which rate is to be measured here?",
        38_416: "what a rate of one half takes. Is a rate of 1 % as uncertain?",
        2_000: "the count of the run above. How wide was its interval, around which rate?",
    },
    slips_within=7,
    otherwise=lambda checks: (
        f"{checks:,.0f} checks make the interval {196 * 2 * (0.0099 / checks) ** 0.5:.2f} points wide."
        if checks >= 1
        else "a number of checks is asked for."
    ),
    hints=(
        "The standard error of a share p that was counted in n checks is the root of p (1 - p) / n.",
        "The interval reaches 1.96 standard errors to either side. How many checks make that 0.005? Or try "
        "`stats.binomtest(n // 100, n).proportion_ci()` for growing n.",
    ),
    why="you know before the run how well a rate will be known; half the width takes four times the checks.",
)


# 6.2: any false alarm --------------------------------------------------------------------------------------


def _any_false_alarm(alpha, checks):
    return 1 - (1 - alpha) ** checks


_ANY = function_exercise(
    "6.2",
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


# 6.3: one budget for all -----------------------------------------------------------------------------------

_EACH = number_exercise(
    "6.3",
    right=0.01 / 480,
    within=1e-6,
    slips={
        0.01 / 20: "the budget shared among the metrics. How often is each of them looked at?",
        0.01 / 24: "the budget shared among the looks. How many tests does each look run?",
        0.01 / 44: "the budget shared among metrics plus looks. How many tests does a day have?",
        0.05 / 480: "what a budget of one day in twenty gives. Which budget is asked for?",
        0.01: "the budget of the whole day. How many tests share it?",
        **dict.fromkeys(
            (0.05 / 24, 0.0021, 0.00208, 0.002),
            "what one metric needs for one bad day in twenty, or what is asked for in percent. Is it either?",
        ),
    },
    otherwise="the chances of all the tests of a day may add up. How small a part of the budget is left for each?",
    hints=(
        "How many tests run in a day? Each of twenty metrics is tested once an hour.",
        "Bonferroni's rule needs no independence: the budget of the day, divided by the tests of the day.",
    ),
    why="the budget is for all checks together, and a day has metrics times looks of them.",
)


# 6.4: two windows ------------------------------------------------------------------------------------------


@cache
def _windows():
    """Return by window its conformal p-value and the wrong ones, each with what it is."""
    from utils.alarm.monitor import DriftMonitor  # brings scipy, for which others need not wait
    from utils.simulate import autocorrelated_week

    history, windows = autocorrelated_week()
    monitor, found = DriftMonitor(history, window=200, false_alarm_rate=0.05), {}
    for name, window in windows.items():
        result = monitor.check(window)
        reached = round(result.p_value * 60) - 1  # of the 59 healthy blocks
        found[name] = (
            result.p_value,
            {
                result.ks_p_value: "the p-value of KS. Does it know that a slow request follows a slow one?",
                reached / 59: "a share that leaves the window itself out. Does it not reach its own D?",
                1 - reached / 60: "the share of healthy blocks that stay below. Which others are asked for?",
                result.statistic: "D itself. How many healthy blocks reach it?",
            },
        )
    return found


def two_windows(answer):
    """Judge each window's conformal p-value, and its decision."""
    for name, pair in zip("AB", as_parts(answer, ["A", "B"]), strict=True):
        decided, p_value = as_parts(pair, ["decision", "p_value"])
        decided, p_value = as_choice(decided, DECISIONS), as_number(p_value)
        right, wrong = _windows()[name]
        if not any(abs(p_value - round(right, digits)) < 1e-9 for digits in range(2, 17)):
            for at, sentence in wrong.items():
                if abs(p_value - at) <= (0.005 if at > 1e-4 else 0.5) * at:  # KS's is printed with one digit
                    return f"the p-value of window {name} is close to {sentence}"
            return f"window {name}: this is not the share, of 59 blocks and itself, that reach its D."
        if (decided == "page") != (p_value <= 0.05):
            often = "hardly ever" if p_value <= 0.05 else "often"
            return f"window {name}: the p-value is right. Healthy blocks reach such a D {often}: page or not?"
    return None


# 6.5: how many requests it takes where they hang together --------------------------------------------------

_REQUESTS = number_exercise(
    "6.5",
    right=750,
    within=150,
    slips={
        64: "what independent requests take. How much does the next request say that the last one did not?",
        200: "the window of the table above. What share of them saw 10 ms at rho = 0.9?",
    },
    slips_within=20,
    otherwise=lambda requests: (
        "longer than needed: windows of that size see 10 ms more often than eight times in ten."
        if requests > 750
        else "at that size the blocks see 10 ms in fewer than eight windows of ten."
    ),
    hints=(
        "Call `alarms_by_formula_and_blocks(0.9, np.random.default_rng(1), window=400)`. The last of the three "
        "arrays has the windows that saw 10 ms.",
        "Try windows that grow by 200, and then by 100 where the share comes near 0.8.",
    ),
    why="each autocorrelated request tells less that is new, so a window needs many times more of them.",
)


# 6.6: remedies ---------------------------------------------------------------------------------------------

_REMEDIES = choice_exercise(
    "6.6",
    right=dict(
        zip(
            "ABCDEF",
            ("correction", "blocks", "like with like", "tolerance", "round alike", "more requests"),
            strict=True,
        )
    ),
    choices=(
        "blocks",
        "correction",
        "like with like",
        "more requests",
        "round alike",
        "smaller alpha",
        "tolerance",
    ),
    slips={
        (
            "A",
            "smaller alpha",
        ): "A: near, but how much smaller? Which remedy says so, and goes along with the number?",
        "A": "A: one test by itself is seldom wrong here. How many are there, and how many nights do they spoil?",
        (
            "B",
            "like with like",
        ): "B: it happens by day and by night. Would another hour to compare with help?",
        (
            "B",
            "more requests",
        ): "B: longer runs of slow requests fit into longer windows. Would the formula see it?",
        "B": "B: what does one slow request say about the next, and does the p-value of the test know?",
        "C": "C: what does a Saturday morning have in common with the rest of the month?",
        (
            "D",
            "smaller alpha",
        ): "D: at so many requests p falls below any alpha. What is small here, besides p?",
        "D": "D: the difference is there, and nobody feels it. Which number says how large it is?",
        "E": "E: what is it about the values themselves that changed on Tuesday, and not about the service?",
        "F": "F: it is silent, not loud. How large must a drift be to be seen in such a window?",
    },
    hints=(
        "Ask of each: too many checks, requests that resemble their neighbors, the wrong hours, a difference too "
        "small to matter, other values, or too few of them?",
        "The smaller alpha is the one left over: it fits one day's data and says nothing about the cause.",
    ),
    why="each complaint has a cause of its own, and the alarm is quiet for the right reason once that is gone.",
)


EXERCISES = (
    _CHECKS,
    _ANY,
    _EACH,
    Exercise(
        "6.4",
        two_windows,
        hints=(
            "Build `DriftMonitor(week_history, window=200, false_alarm_rate=0.05)` and look at what `check` returns.",
            "Its `p_value` is the conformal one; `ks_p_value` is the one that takes requests for independent.",
        ),
        why="both windows look drifted to the KS test; only one of them looks unlike a healthy window.",
        slips=lambda: [
            ({"A": ("don't page", p_value), "B": ("page", _windows()["B"][0])}, sentence)
            for p_value, sentence in _windows()["A"][1].items()
        ],
    ),
    _REQUESTS,
    _REMEDIES,
)
