"""Exercises of chapter 08, "How do I run this every hour for a year?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils import simulate
from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_array,
    as_flag,
    as_function,
    as_number,
    call,
    function_exercise,
)

_MONTH = 720  # hours

# 8.1: how long until a false page --------------------------------------------------------------------------


def _days_until_a_page(alpha, checks_a_day):
    return np.log(0.5) / np.log1p(-alpha) / checks_a_day


_WAITING = function_exercise(
    "8.1",
    cases=[(0.05, 24), (0.05, 48), (0.01, 24), (1 / 720, 24), (0.5, 3), (0.3, 1), (0.001, 1_440)],
    right=_days_until_a_page,
    slips={
        lambda alpha, checks_a_day: 1 / (alpha * checks_a_day): (
            "this is how many days pass between two false pages on average. A few long silences pull a mean up: "
            "by when has the page come in half of all cases?"
        ),
        lambda alpha, checks_a_day: 0.5 / (alpha * checks_a_day): (
            "this is when half a false page is expected, as if rates added up. How likely is it that every check "
            "until then stays silent?"
        ),
        lambda alpha, checks_a_day: np.log(0.5) / np.log1p(-alpha): (
            "this is a number of checks. How many of them does a day have?"
        ),
        lambda alpha, checks_a_day: np.ceil(np.log(0.5) / np.log1p(-alpha)) / checks_a_day: (
            "this counts whole checks. Leave the parts in: parts of a day are asked for."
        ),
        lambda alpha, checks_a_day: np.ceil(_days_until_a_page(alpha, checks_a_day)): (
            "this counts whole days. Parts of a day are asked for."
        ),
        lambda alpha, checks_a_day: 24 * _days_until_a_page(alpha, checks_a_day): (
            "this is a number of hours. Days are asked for."
        ),
        lambda alpha, checks_a_day: 1 - (1 - alpha) ** checks_a_day: (
            "this is the chance of a page within one day. After how many days is such a chance one half?"
        ),
        lambda alpha, checks_a_day: np.log(0.5) / np.log(alpha) / checks_a_day: (
            "this waits until every check has alarmed. A quiet check has the probability 1 - alpha."
        ),
        lambda alpha, checks_a_day: np.log(0.05) / np.log1p(-alpha) / checks_a_day: (
            "this is when a page has come in all but one of twenty cases. As likely as not means one half."
        ),
        lambda alpha, checks_a_day: 0.5 / (1 - (1 - alpha) ** checks_a_day): (
            "this adds up the chances of whole days. Silent days multiply: when is their product one half?"
        ),
    },
    hints=(
        "It is easier to ask for the opposite: no page at all, in so many checks.",
        "All of n checks stay silent with probability (1 - alpha) ** n. For which n is that one half, and how many "
        "days are n checks? A logarithm brings n down.",
    ),
    why="an hourly check at 5 % is as likely as not to page before its first day is over; start from how long you "
    "want to sleep.",
)


# 8.2: how much history a budget needs ----------------------------------------------------------------------


def days_for_a_budget(answer):
    """Judge how many days of history support one false page in 90 days."""
    days = as_number(answer)
    windows = 90 * 24
    needed = next(day for day in range(1, 1_000) if day * 24 + 1 >= windows)  # (k + 1) * rate >= 1
    if days == needed:
        return None
    if abs(days - (windows - 1) / 24) < 0.05 and days != int(days):
        return "this is exact to the hour; the question asks for whole days."
    if days in (windows, windows - 1):
        return "this is a number of blocks, one an hour. How many days do they take?"
    if days in (windows * 60, (windows - 1) * 60):
        return "this is a number of minutes. How many days are they?"
    if days == 30:
        return "30 days support one false page in 30 days. A rarer page needs more blocks to compare with."
    if days == 35:
        return "35 days are what this chapter has. With k blocks, what is the smallest p-value there is?"
    if days <= 0:
        return "without history there is no healthy hour to compare with."
    if days < needed:
        blocks = int(days * 24)
        return (
            f"{days:g} days are {blocks:,} blocks, whose smallest p-value is 1 in {blocks + 1:,}. The budget is "
            f"1 in {windows:,}, so the alarm could never ring."
        )
    return f"{days:g} days are enough, but fewer will do. Compare the smallest p-value with the budget."


# 8.3: like with like ---------------------------------------------------------------------------------------


def _cells(hour, width, offset=0):
    """Return the minutes, of five weeks, of the hours that lie `width` hours apart."""
    hours = np.arange(5 * 168)
    return np.flatnonzero(np.repeat((hours - hour - offset) % width == 0, 60))


_SLIPS_IN_HOUR = (
    (
        lambda hour: _cells(hour, 24),
        "these are the same hour of every day. A Sunday is no Tuesday: look back in steps of a week.",
    ),
    (lambda hour: _cells(hour, 168, 1), "these are the latencies of the hour after. Hours count from 0."),
    (lambda hour: _cells(hour, 168, -1), "these are the latencies of the hour before. Hours count from 0."),
    (
        lambda hour: _cells(hour, 168)[:60],
        "this is the hour of one week alone. History holds several weeks, and each has such an hour.",
    ),
    (
        lambda hour: _cells(hour, 168)[-60:],
        "this is the hour of one week alone. History holds several weeks, and each has such an hour.",
    ),
    (
        lambda hour: np.arange(hour % 168, 5 * 168 * 60, 168),
        "this steps through the minutes as if they were hours. An hour is 60 values in a row.",
    ),
    (
        lambda hour: (hour % 168) * 60 + np.arange(5) * 168 * 60,
        "this is the first minute of each such hour. All 60 of them are asked for.",
    ),
)


def hour_of_the_week(answer):
    """Judge a function that picks history's latencies of one hour of the week."""
    function = as_function(answer)
    history = np.arange(5.0 * 168 * 60) + 0.5  # each value says when it was measured, and is no index
    picked = []
    for hour in (0, 30, 900, 8_000):
        given = call(function, history, hour, case=f"hour {hour:,} and five weeks of history")
        if np.ndim(given) == 2:
            raise NotYet("one dimension is asked for, this is a table: one row a week, perhaps. Flatten it.")
        if np.asarray(given).dtype.kind == "b":
            raise NotYet(
                "this is a mask, one truth value a minute. Pick the latencies with it: historical[mask]."
            )
        given = np.sort(as_array(given))
        if given.size and np.array_equal(given, np.floor(given)):
            raise NotYet("these are places in history, not latencies. Pick the latencies that stand there.")
        picked.append((hour, given - 0.5))
    if all(np.array_equal(given, _cells(hour, 168)) for hour, given in picked):
        two_weeks = call(function, history[: 2 * 168 * 60], 170, case="two weeks of history")
        if len(two_weeks) != 120:
            return "five weeks come out right, two weeks do not. Take the number of weeks from history."
        return None
    for slip, sentence in _SLIPS_IN_HOUR:
        if all(np.array_equal(given, np.sort(slip(hour))) for hour, given in picked):
            return sentence
    for hour, given in picked:
        if not np.array_equal(given, _cells(hour, 168)):
            if given.size == 0:
                return (
                    f"for hour {hour:,} nothing is returned. All five weeks are history, whatever the hour. Which "
                    "hour of its week is it?"
                )
            hours = ", ".join(f"{number:.0f}" for number in np.unique(given // 60)[:5])
            return (
                f"for hour {hour:,} of five weeks, 300 latencies are expected, 60 from each week; yours are "
                f"{given.size:,}, the first from these hours of history: {hours}. Which hour of its week is hour "
                f"{hour:,}, and how many hours later does it come back?"
            )
    return None


# 8.4: the window for a small, long drift -------------------------------------------------------------------

_WINDOWS = (15, 60, 240, 480, 960, 2880)


@cache
def _delays():
    """Return the median delay in minutes of each window for a slowdown of 5 % over three days."""
    lasts, every = 3 * 24 * 60, 6 * 24 * 60
    rng = np.random.default_rng(84)
    quiet = 0.13 * simulate.autocorrelated_noise(365 * 24 * 60, 0.7, rng)
    onsets = every * np.arange(60) + rng.integers(0, 2 * 24 * 60, size=60)
    drifted = quiet.copy()
    drifted[(onsets[:, np.newaxis] + np.arange(lasts)).ravel()] += np.log(1.05)
    usual = np.quantile(quiet, np.linspace(0, 1, 10_001))
    delays = {}
    for window in _WINDOWS:
        expected = np.quantile(usual, (np.arange(window) + 0.5) / window)
        quiet_distance, distance = (
            np.abs(np.sort(values[: values.size // window * window].reshape(-1, window)) - expected).mean(
                axis=1
            )
            for values in (quiet, drifted)
        )
        limit = np.quantile(quiet_distance, 1 - window / (_MONTH * 60))
        ends = np.append((np.flatnonzero(distance > limit) + 1) * window, np.inf)
        first = ends[np.searchsorted(ends, onsets, side="right")]
        delays[window] = float(np.median(np.minimum(first - onsets, lasts)))
    return delays


def window_for_a_small_drift(answer):
    """Judge a window length by the delay that it has in a year of its own."""
    window = as_number(answer)
    if window not in _WINDOWS:
        if window in [size / 60 for size in _WINDOWS]:
            return "minutes are asked for, this reads like hours."
        return "choose one of the windows that the exercise lists, in minutes."
    delays = _delays()
    shortest = min(delays.values())
    if delays[int(window)] <= 1.1 * shortest:
        return None
    hours = f"{delays[int(window)] / 60:.0f} hours"
    if window < min(size for size in _WINDOWS if delays[size] <= 1.1 * shortest):
        return (
            f"with {window:g} minutes the median delay is {hours}: so few minutes are too noisy for a drift this "
            "small, and at one false page a month the threshold lies above it."
        )
    return (
        f"with {window:g} minutes the median delay is {hours}: such a window knows enough, but it has to fill "
        "before it speaks, and the drift seldom starts with it."
    )


# 8.5: the threshold of a CUSUM -----------------------------------------------------------------------------


@cache
def _pages_a_month(threshold, sides=2):
    """Return false pages in 720 scores of a CUSUM with an allowance of 0.5, on 2,000 simulated runs."""
    rng = np.random.default_rng(85)
    sums, alarms, steps = np.zeros((sides, 2_000)), 0, 600
    signs = np.array([[1.0], [-1.0]])[:sides]
    for _ in range(steps):
        sums = np.maximum(0, sums + signs * rng.standard_normal(2_000) - 0.5)
        alarming = sums.max(axis=0) > threshold
        alarms += np.count_nonzero(alarming)
        sums[:, alarming] = 0
    return _MONTH * alarms / (steps * 2_000)


def threshold_for_a_month(answer):
    """Judge a whole-number threshold by the false pages that it sends on simulated scores."""
    threshold = as_number(answer)
    if threshold <= 0:
        return "a threshold at or below 0 is passed all the time: evidence is never negative."
    pages = _pages_a_month(threshold)
    if threshold != int(threshold):
        return f"at {threshold:g} there are {pages:.2f} false pages a month, but a whole number is asked for."
    if pages > 1:
        if _pages_a_month(threshold, sides=1) <= 1:
            return (
                f"at {threshold:g} there are {pages:.1f} false pages a month. It would do if you watched one side "
                "alone; cusum watches two, and either may page."
            )
        return f"at {threshold:g} there are {pages:.1f} false pages a month, more than the budget. Go higher."
    if _pages_a_month(threshold - 1) <= 1:
        return (
            f"at {threshold:g} there are {pages:.2f} false pages a month, which is within the budget, but a "
            "smaller threshold is, too, and catches sooner."
        )
    return None


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


def _price(retrain_now, hourly, normal):
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


def _cost(counts):
    return float(counts @ [1, 4, 1])


def _after(hours):
    return lambda alarms: len(alarms) >= hours and all(alarms[-hours:])


@cache
def _policy_years():
    """Return four years and the cost of the best waiting time in them."""
    years = [_policy_year(np.random.default_rng([86, seed])) for seed in range(4)]
    costs = [_cost(sum(_price(_after(hours), *year) for year in years)) for hours in (11, 12, 13)]
    return years, min(costs)


def retraining_policy(answer):
    """Judge a policy by what it costs in years of its own."""
    function = as_function(answer)
    as_flag(call(function, [False], case="one calm hour"))
    as_flag(call(function, [False] * 24 + [True] * 24, case="24 calm hours and 24 alarming ones"))
    if call(function, [True], case="one alarming hour after a retraining"):
        return (
            "the list starts again from nothing, and your policy retrains on a list of one alarming hour. Has it "
            "seen as many hours as it needs?"
        )
    noise = np.random.default_rng(860).normal(scale=0.04, size=2_000).tolist()
    calm = call(_price, function, noise, [0.0] * 2_000, case="a year in which nothing happens")
    if calm is Ellipsis:
        return "some branch of your function still returns `...`."
    if calm[1]:
        return (
            f"in 2,000 hours of noise, with no release at all, your policy retrains {calm[1]} times. A single "
            "alarming hour, or a calm one, is no reason."
        )
    years, best = _policy_years()
    counts = sum(call(_price, function, *year, case="a year of releases and incidents") for year in years)
    if _cost(counts) <= 1.1 * best:
        return None
    _, retrainings, bad_hours = (int(count) for count in counts)
    if not retrainings:
        return (
            f"your policy never retrains, and {bad_hours:,} hours of four years have bad predictions: from the "
            "first release on, the model describes a service that is gone."
        )
    releases = 24
    price = f"{_cost(counts) / best:.2f} times the cost of the best waiting time"
    if retrainings > 1.3 * releases:
        return (
            f"four years with {releases} releases, and your policy retrains {retrainings} times, at {price}. It "
            "learns incidents that pass, or levels half old and half new. How long do incidents last, and how "
            "many hours does the model learn from?"
        )
    if retrainings < releases:
        return (
            f"your policy retrains {retrainings} times for {releases} releases, at {price}. Some releases never "
            "convince it: what happens to it when one hour in a long alarm looks calm by chance?"
        )
    return (
        f"your policy retrains {retrainings} times for {releases} releases, as it should, but late, at {price}. "
        "Each hour of waiting is an hour of bad predictions after each release."
    )


EXERCISES = (
    _WAITING,
    Exercise(
        id="8.2",
        judge=days_for_a_budget,
        hints=(
            "With k healthy blocks, a p-value is (1 + how many reach it) / (k + 1). How small can it get?",
            "The budget is one in 90 times 24 windows. An alarm is possible when 1 / (k + 1) is no larger.",
        ),
        why="to promise one false page in a time, you must have seen about that time in good health.",
    ),
    Exercise(
        id="8.3",
        judge=hour_of_the_week,
        hints=(
            "A week has 168 hours. Hour 170 is hour 2 of its week.",
            "Reshape history to weeks, hours of the week and minutes, and pick along the middle one.",
        ),
        why="a window that is compared with its own kind needs no model of the cycle, and pays in history.",
    ),
    Exercise(
        id="8.4",
        judge=window_for_a_small_drift,
        hints=(
            "The threshold of each window is the quantile 1 - window / (720 * 60) of its quiet distances.",
            "Neither the shortest nor the longest. Print the median delay of each and compare.",
        ),
        why="the smaller the drift, the longer the window that sees it first; there is no window for all.",
    ),
    Exercise(
        id="8.5",
        judge=threshold_for_a_month,
        hints=(
            "Draw 100,000 standard normal scores, run cusum on them with one threshold, and take the mean.",
            "The mean of the alarms times 720 is the number of false pages a month. Try 4, 5, 6 and 7.",
        ),
        why="a threshold in a textbook belongs to a promise; compute your own for yours.",
    ),
    Exercise(
        id="8.6",
        judge=retraining_policy,
        hints=(
            "How long does the longest incident last? An alarm that lasts longer is something else.",
            "The model learns from the last 12 hours. Retrain when nearly all of them belong to the new level.",
        ),
        why="waiting long enough to tell a release from an incident is cheap; learning an incident is not.",
    ),
)
