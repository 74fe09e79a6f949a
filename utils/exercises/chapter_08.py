"""Exercises of chapter 08, "How do I run this every hour for a year?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils import simulate
from utils.exercises.engine import (
    Exercise,
    as_flag,
    as_function,
    call,
    function_exercise,
    number_exercise,
)

# 8.1: how long until a false page --------------------------------------------------------------------------


def _days_until_a_page(alpha, checks_a_day):
    return np.log(0.5) / np.log1p(-alpha) / checks_a_day


_WHOLE = "this counts whole checks or whole days. Do parts of a day count?"

_WAITING = function_exercise(
    "8.1",
    cases=[(0.05, 24), (0.05, 48), (0.01, 24), (1 / 720, 24), (0.5, 3), (0.3, 1), (0.001, 1_440)],
    right=_days_until_a_page,
    slips={  # a and n are alpha and checks_a_day
        lambda a, n: 1 / (a * n): (
            "this is the mean time between two false pages. By when has one come in half of all cases?"
        ),
        lambda a, n: 0.5 / (a * n): (
            "this adds up rates until they make a half. How likely is it that every check stays silent?"
        ),
        lambda a, n: np.log(0.5) / np.log1p(-a): "this is a number of checks. How many does a day have?",
        lambda a, n: np.ceil(np.log(0.5) / np.log1p(-a)) / n: _WHOLE,
        lambda a, n: np.ceil(_days_until_a_page(a, n)): _WHOLE,
        lambda a, n: np.log(2) / np.log1p(-a) / n: (
            "this is a negative number of days: one logarithm is negative, the other isn't. Of what is each one?"
        ),
        lambda a, n: 1 - (1 - a) ** n: "this is the chance of a page within one day. When is it one half?",
    },
    hints=(
        "It is easier to ask for the opposite: no page at all, in so many checks.",
        "All of n checks stay silent with probability (1 - alpha) ** n. For which n is that one half, and "
        "how many days are n checks? A logarithm brings n down.",
    ),
    why="an hourly check at 5 % is as likely as not to page before its first day is over; start from how "
    "long you want to sleep.",
)


# 8.2: how much history a budget needs ----------------------------------------------------------------------


def _other_history(days):
    if days > 180:
        return f"{days:g} days are enough, but fewer will do. How does the smallest p-value fit the budget?"
    if days > 179:
        return "whole days are asked for, and this is a part of one more. Which way do you round?"
    blocks = int(days * 24)
    return (
        f"{days:g} days are {blocks:,} blocks, whose smallest p-value is 1 in {blocks + 1:,}. One in how many windows "
        "may alarm, for each of the three?"
    )


_BLOCKS = "a number of blocks, one an hour. How many days do they take?"

_HISTORY = number_exercise(
    "8.2",
    right=180,
    within=0,
    slips={
        4_319: _BLOCKS,
        4_320: _BLOCKS,
        60: "what one monitor takes for a page in 60 days. How many pages do three of them send in that time?",
        20: "a third of what one monitor would take. Does a rarer page need less history, or more?",
    },
    otherwise=_other_history,
    hints=(
        "If all three may send one page in 60 days, how often may each?",
        "With k healthy blocks, a p-value is (1 + how many reach it) / (k + 1). How small can it get? An alarm is "
        "possible when the smallest is no larger than the share of windows that may alarm.",
    ),
    why="to promise one false page in a time, each monitor must have seen about that time in good health.",
)


# 8.3: the threshold of a CUSUM -----------------------------------------------------------------------------

_PAGES = {1: 100, 2: 35, 3: 12, 4: 4.3}  # a month, at thresholds that are too low


def _other_threshold(threshold):
    if threshold <= 0:
        return "evidence is never negative, so a threshold of 0 is passed all the time. How high must it be?"
    if threshold != int(threshold):
        return "a whole number is asked for. Which way do you round, so that the budget is kept?"
    if threshold in _PAGES:
        return f"at {threshold:g} there are about {_PAGES[threshold]:g} false pages a month. Which way must it go?"
    return f"at {threshold:g} the budget is kept, but at a smaller threshold it is, too, and that one catches sooner."


_THRESHOLD = number_exercise(
    "8.3",
    right=6,
    within=0,
    slips={5: "what would do if one side alone were watched. Did you count both, slower and faster?"},
    otherwise=_other_threshold,
    hints=(
        "Run cusum on the scores with one threshold, and take the mean of its alarms.",
        "The mean of the alarms times 720 is the number of false pages a month. Try 4, 5, 6 and 7.",
    ),
    why="a threshold in a textbook belongs to a promise; compute your own for yours.",
)


# 8.4: the window for a small, long drift -------------------------------------------------------------------


def _other_window(minutes):
    if minutes == 480:  # between it and 240 the year decides: both are right
        return None
    if minutes in (15, 60):
        return (
            "so few minutes are noisy for a drift this small, and a limit that keeps the budget lies far out. What "
            "does a longer window know?"
        )
    if minutes in (960, 2880):
        return "such a window has to fill before it speaks. Did you simulate drifts of three days, as it is asked?"
    return (
        "this is none of the six windows that the exercise lists in minutes. If it is a delay, or a length in "
        "hours: of which window?"
    )


_WINDOW = number_exercise(
    "8.4",
    right=240,
    within=0,
    slips={},
    otherwise=_other_window,
    hints=(
        "Neither the shortest nor the longest. Print the median delay of each and compare.",
        "`long_onsets = 6 * 24 * 60 * np.arange(60)` lie six days apart, and three days last 3 * 24 * 60 minutes.",
    ),
    why="the smaller the drift, the longer the window that sees it first; there is no window for all.",
)


# 8.5: a policy ---------------------------------------------------------------------------------------------


def _tally(retrain_now, hourly, normal):
    """Return pages, retrainings and bad hours of a policy in one year."""
    model, alarms = 0.0, []
    pages = retrainings = bad_hours = 0
    for hour, level in enumerate(hourly):
        alarms = [*alarms[-47:], abs(level - model) > 0.128]
        pages += alarms[-1] and not any(alarms[-2:-1])
        bad_hours += abs(normal[hour] - model) > 0.1
        decision = retrain_now(list(alarms))
        if decision is Ellipsis:
            return Ellipsis
        if decision:
            lately = hourly[max(0, hour - 11) : hour + 1]
            model, alarms, retrainings = sum(lately) / len(lately), [], retrainings + 1
    return np.array([pages, retrainings, bad_hours])


def _hours(counts):
    return float(counts @ [1, 4, 1])


def _after(hours):
    return lambda alarms: len(alarms) >= hours and all(alarms[-hours:])


@cache
def _policy_years():
    """Return four years and the hours that the best waiting time takes in them."""
    drawn = (simulate.releases_and_incidents(np.random.default_rng([86, seed])) for seed in range(4))
    years = [[values.tolist() for values in year] for year in drawn]
    hours = [_hours(sum(_tally(_after(wait), *year) for year in years)) for wait in (11, 12, 13)]
    return years, min(hours)


def retraining_policy(answer):
    """Judge a policy by the hours that it takes in years of its own."""
    function = as_function(answer)
    as_flag(call(function, [False], case="one calm hour"))
    as_flag(call(function, [False] * 24 + [True] * 24, case="24 calm hours and 24 alarming ones"))
    if call(function, [True], case="one alarming hour after a retraining"):
        return (
            "the list starts again from nothing, and your policy retrains on a list of one alarming hour. "
            "Has it seen as many hours as it needs?"
        )
    noise = np.random.default_rng(860).normal(scale=0.04, size=2_000).tolist()
    calm = call(_tally, function, noise, [0.0] * 2_000, case="hours in which nothing happens")
    if calm[1]:
        return (
            f"in 2,000 hours of noise, with no release at all, your policy retrains {calm[1]} times. What in "
            "those hours makes it?"
        )
    years, best = _policy_years()
    counts = sum(call(_tally, function, *year, case="a year of releases and incidents") for year in years)
    if _hours(counts) <= 1.1 * best:
        return None
    backwards = sum(_tally(lambda alarms: function(alarms[::-1]), *year) for year in years)
    if _hours(backwards) <= 1.1 * best:
        return "your policy would do if the newest hour came first. At which end of the list does it stand?"
    releases, retrainings = 24, int(counts[1])
    if not retrainings:
        return f"in four years with {releases} releases your policy never retrains. What does it wait for?"
    took = (
        f"your policy retrains {retrainings} times for {releases} releases, with {_hours(counts) / best:.2f} "
        "times the hours of the best waiting time"
    )
    if retrainings > 1.3 * releases:
        return (
            f"{took}: it learns noise, incidents that pass, or levels half old and half new. How long do "
            "incidents last, and how many hours does the model learn from?"
        )
    if retrainings < releases:
        return f"{took}: some releases never convince it. What does one calm hour in a long alarm do to it?"
    return f"{took}: that is late, in bad hours after each release. How many hours does it take to be sure?"


EXERCISES = (
    _WAITING,
    _HISTORY,
    _THRESHOLD,
    _WINDOW,
    Exercise(
        id="8.5",
        judge=retraining_policy,
        hints=(
            "How long does the longest incident last? An alarm that lasts longer is something else.",
            "The model learns from the last 12 hours. Retrain when nearly all of them belong to the new "
            "level.",
        ),
        why="waiting until a release can be told from an incident takes few hours; learning an incident "
        "takes many.",
    ),
)
