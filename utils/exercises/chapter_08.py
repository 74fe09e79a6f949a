"""Exercises of chapter 08, "How do I run this every hour for a year?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    Exercise,
    as_array,
    as_flag,
    as_function,
    as_number,
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
    if days > 90:
        return f"{days:g} days are enough, but fewer will do. How does the smallest p-value fit the budget?"
    if days > 89:
        return "whole days are asked for, and this is a part of one more. Which way do you round?"
    blocks = int(days * 24)
    return (
        f"{days:g} days are {blocks:,} blocks, whose smallest p-value is 1 in {blocks + 1:,}. With this "
        "budget, could the alarm ever ring?"
    )


_BLOCKS = "a number of blocks, one an hour. How many days do they take?"

_HISTORY = number_exercise(
    "8.2",
    right=90,
    within=0,
    slips={
        2_159: _BLOCKS,
        2_160: _BLOCKS,
        30: "what one false page in 30 days takes. What does a rarer page need more of?",
        35: "what this chapter has. With k blocks, what is the smallest p-value there is?",
    },
    otherwise=_other_history,
    hints=(
        "With k healthy blocks, a p-value is (1 + how many reach it) / (k + 1). How small can it get?",
        "The budget is one in 90 times 24 windows. An alarm is possible when 1 / (k + 1) is no larger.",
    ),
    why="to promise one false page in a time, you must have seen about that time in good health.",
)


# 8.3: like with like ---------------------------------------------------------------------------------------


def _weeks(historical):
    return np.reshape(historical, (-1, 168, 60))


@cache
def _histories():
    five_weeks = np.random.default_rng(83).lognormal(5, 0.2, 5 * 168 * 60)
    return {
        f"hour {hour:,} and {weeks} weeks of history": (five_weeks[: weeks * 168 * 60], hour)
        for hour, weeks in ((0, 5), (30, 5), (167, 5), (900, 5), (8_000, 5), (170, 2))
    }


_SAME_HOUR = function_exercise(
    "8.3",
    cases=_histories,
    right=lambda historical, hour: _weeks(historical)[:, hour % 168].ravel(),
    returns=lambda result: np.sort(as_array(result)),  # their order was not asked for
    slips={
        lambda historical, hour: np.reshape(historical, (-1, 24, 60))[:, hour % 24].ravel(): (
            "these are the same hour of every day, but a Sunday is no Tuesday. How long is the cycle?"
        ),
        lambda historical, hour: historical[hour * 60 : (hour + 1) * 60]: (
            "this starts at the hour with this very number. Which hour of its week is it, in every week?"
        ),
        lambda historical, hour: _weeks(historical)[0, hour % 168]: (
            "this is the hour of one week alone. How many such hours does history hold?"
        ),
        lambda historical, hour: np.mean(_weeks(historical)[:, hour % 168], axis=1): (
            "this is one number a week, the mean of the hour. Which latencies is it the mean of?"
        ),
        lambda historical, hour: historical[hour % 168 :: 168]: (
            "this steps through the minutes as if they were hours. How many values in a row are an hour?"
        ),
        lambda historical, hour: _weeks(historical)[: hour // 168, hour % 168].ravel(): (
            "only weeks before the given hour are taken. Is all of history asked for, whatever the hour?"
        ),
    },
    hints=(
        "A week has 168 hours. Hour 170 is hour 2 of its week.",
        "Reshape history to weeks, hours of the week and minutes, and pick along the middle one.",
    ),
    why="a window that is compared with its own kind needs no model of the cycle, and has little history "
    "left.",
)


# 8.4: the window for a small, long drift -------------------------------------------------------------------

# Hours of median delay, over many simulated years. Between 240 and 480 the year decides: both are right.
_DELAYS = {15: np.inf, 60: 26, 240: 9.5, 480: 10, 960: 16, 2880: 35}


def window_for_a_small_drift(answer):
    """Judge a window length by the delay that it has."""
    window = as_number(answer)
    if window in (240, 480):
        return None
    if 60 * window in _DELAYS:
        return "minutes are asked for, this reads like hours. How many minutes are they?"
    if window not in _DELAYS:
        return "choose one of the windows that the exercise lists, in minutes. Which of them comes nearest?"
    about = f"with {window:g} minutes " + (
        "about half of the drifts or more are missed"
        if np.isinf(_DELAYS[window])
        else f"the median delay is about {_DELAYS[window]:g} hours"
    )
    if window < 240:
        return f"{about}: so few minutes are noisy for a drift this small. What does a longer window know?"
    return f"{about}: such a window has to fill before it speaks. Did you simulate drifts of three days?"


# 8.5: the threshold of a CUSUM -----------------------------------------------------------------------------

_PAGES = {1: 100, 2: 35, 3: 12, 4: 4.3, 5: 1.5}  # a month, at thresholds that are too low


def _other_threshold(threshold):
    if threshold <= 0:
        return "evidence is never negative, so a threshold of 0 is passed all the time. How high must it be?"
    if threshold != int(threshold):
        return "a whole number is asked for. Which way do you round, so that the budget is kept?"
    if threshold in _PAGES:
        return (
            f"at {threshold:g} there are about {_PAGES[threshold]:g} false pages a month, more than the "
            "budget. Which way must it go?"
        )
    return (
        f"at {threshold:g} the budget is kept, but at a smaller threshold it is, too, and that one catches "
        "sooner. Did you simulate enough scores to tell?"
    )


_THRESHOLD = number_exercise(
    "8.5",
    right=6,
    within=0,
    slips={5: "what would do if one side alone were watched. Did you count both, slower and faster?"},
    otherwise=_other_threshold,
    hints=(
        "Draw 100,000 standard normal scores, run cusum on them with one threshold, and take the mean.",
        "The mean of the alarms times 720 is the number of false pages a month. Try 4, 5, 6 and 7.",
    ),
    why="a threshold in a textbook belongs to a promise; compute your own for yours.",
)


# 8.6: a policy ---------------------------------------------------------------------------------------------


def _policy_year(rng, hours=365 * 24):
    """Return a year as in the chapter: hourly levels, and the level that the model should know."""
    normal, passing = np.zeros(hours), np.zeros(hours)
    for number, first in enumerate(rng.permutation(np.arange(100, hours - 100, 240))[:36]):
        first += int(rng.integers(0, 48))
        if number < 6:
            normal[first:] += np.log(1.25) * (1 if normal[first] <= 0 else -1)
        else:
            passing[first : first + int(rng.integers(2, 11))] = np.log(1.3)
    return (normal + passing + rng.normal(scale=0.04, size=hours)).tolist(), normal.tolist()


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
    years = [_policy_year(np.random.default_rng([86, seed])) for seed in range(4)]
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
            f"in 2,000 hours of noise, with no release at all, your policy retrains {calm[1]} times. Is a "
            "single alarming hour, or a calm one, a reason?"
        )
    years, best = _policy_years()
    counts = sum(call(_tally, function, *year, case="a year of releases and incidents") for year in years)
    if _hours(counts) <= 1.1 * best:
        return None
    backwards = sum(_tally(lambda alarms: function(alarms[::-1]), *year) for year in years)
    if _hours(backwards) <= 1.1 * best:
        return "your policy would do if the newest hour came first. At which end of the list does it stand?"
    releases, retrainings = 24, int(counts[1])
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
    _SAME_HOUR,
    Exercise(
        id="8.4",
        judge=window_for_a_small_drift,
        hints=(
            "The threshold of each window is the quantile 1 - window / (720 * 60) of its quiet distances.",
            "Neither the shortest nor the longest. Print the median delay of each and compare.",
        ),
        why="the smaller the drift, the longer the window that sees it first; there is no window for all.",
    ),
    _THRESHOLD,
    Exercise(
        id="8.6",
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
