"""Exercises of chapter 08, "How do I run this every hour for a year?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
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
        lambda alpha, checks_a_day: np.log(2) / alpha / checks_a_day: (
            "this is nearly right where `alpha` is tiny. How likely is it that one check stays silent, for any `alpha`?"
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


def _other_history(days):
    if days <= 0:
        return (
            "without history there is no healthy hour to compare with. How many blocks does the budget take?"
        )
    if days > 90:
        return f"{days:g} days are enough, but fewer will do. How does the smallest p-value compare with the budget?"
    if days > 89:
        return "the question asks for whole days, and this is a part of one more. Which way do you round?"
    blocks = int(days * 24)
    return (
        f"{days:g} days are {blocks:,} blocks, whose smallest p-value is 1 in {blocks + 1:,}, and the budget is 1 in "
        f"{90 * 24:,}. Could the alarm ever ring?"
    )


_HISTORY = number_exercise(
    "8.2",
    right=90,
    within=0,
    slips={
        **{
            blocks: "a number of blocks, one an hour. How many days do they take?"
            for blocks in (2_159, 2_160)
        },
        **{minutes: "a number of minutes. How many days are they?" for minutes in (129_540, 129_600)},
        30: "what one false page in 30 days takes. What does a rarer page need more of, to compare with?",
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


def _same_hour(historical, hour):
    return np.sort(_weeks(historical)[:, hour % 168].ravel())


def _latencies(result):
    if np.ndim(result) == 2:
        raise NotYet(
            "one dimension is asked for, this is a table: one row a week, perhaps. How do you flatten it?"
        )
    if np.asarray(result).dtype.kind == "b":
        raise NotYet(
            "this is a mask, one truth value a minute. Pick the latencies with it: historical[mask]."
        )
    latencies = np.sort(as_array(result))  # their order was not asked for
    if latencies.size and np.array_equal(latencies, np.floor(latencies)):
        raise NotYet("these are places in history, not latencies. Which latencies stand there?")
    return latencies


@cache
def _histories():
    five_weeks = np.random.default_rng(83).lognormal(5, 0.2, 5 * 168 * 60)
    return {
        f"hour {hour:,} and {weeks} weeks of history": (five_weeks[: weeks * 168 * 60], hour)
        for hour, weeks in ((0, 5), (30, 5), (167, 5), (900, 5), (8_000, 5), (170, 2))
    }


_ONE_WEEK = "this is the hour of one week alone. How many such hours does history hold?"

_SAME_HOUR = function_exercise(
    "8.3",
    cases=_histories,
    right=_same_hour,
    returns=_latencies,
    slips={
        lambda historical, hour: np.reshape(historical, (-1, 24, 60))[:, hour % 24].ravel(): (
            "these are the same hour of every day. A Sunday is no Tuesday: in steps of what do you look back?"
        ),
        lambda historical, hour: _same_hour(historical, hour + 1): (
            "these are the latencies of the hour after. From which number do hours count?"
        ),
        lambda historical, hour: _same_hour(historical, hour - 1): (
            "these are the latencies of the hour before. From which number do hours count?"
        ),
        lambda historical, hour: historical[hour * 60 : (hour + 1) * 60]: (
            "this is the hour with this very number, in one week alone, and later than history there is none. Which "
            "hour of its week is it?"
        ),
        lambda historical, hour: historical.reshape(-1, 60)[hour::168].ravel(): (
            "the weeks before the given hour are left out. Which hour of its week is it, and where is its first one?"
        ),
        lambda historical, hour: _weeks(historical)[0, hour % 168]: _ONE_WEEK,
        lambda historical, hour: _weeks(historical)[-1, hour % 168]: _ONE_WEEK,
        lambda historical, hour: np.median(_weeks(historical)[:, hour % 168], axis=1): (
            "this is one number a week, the median of the hour. Which latencies is it the median of?"
        ),
        lambda historical, hour: np.mean(_weeks(historical)[:, hour % 168], axis=1): (
            "this is one number a week, the mean of the hour. Which latencies is it the mean of?"
        ),
        lambda historical, hour: np.mean(_weeks(historical)[:, hour % 168], axis=0): (
            "this is one number a minute, the mean over the weeks. Which latencies is it the mean of?"
        ),
        lambda historical, hour: historical[hour % 168 :: 168]: (
            "this steps through the minutes as if they were hours. How many values in a row are an hour?"
        ),
        lambda historical, hour: _weeks(historical)[:, hour % 168, 0]: (
            "this is the first minute of each such hour. Where are the others of the hour?"
        ),
        lambda historical, hour: _weeks(historical)[: hour // 168, hour % 168].ravel(): (
            "only weeks before the given hour are taken, none for the first. Is all of history asked for, whatever the "
            "hour?"
        ),
    },
    hints=(
        "A week has 168 hours. Hour 170 is hour 2 of its week.",
        "Reshape history to weeks, hours of the week and minutes, and pick along the middle one.",
    ),
    why="a window that is compared with its own kind needs no model of the cycle, and pays in history.",
)


# 8.4: the window for a small, long drift -------------------------------------------------------------------

# Hours of median delay, over many simulated years. Between 240 and 480 minutes the year decides, so both are right.
_DELAYS = {15: 70, 60: 22, 240: 9.5, 480: 10, 960: 16, 2880: 34}


def window_for_a_small_drift(answer):
    """Judge a window length by the delay that it has."""
    window = as_number(answer)
    if window in (240, 480):
        return None
    if window not in _DELAYS:
        if window in [size / 60 for size in _DELAYS]:
            return "minutes are asked for, this reads like hours. How many minutes are they?"
        return "choose one of the windows that the exercise lists, in minutes. Which of them comes nearest?"
    about = f"with {window:g} minutes the median delay is about {_DELAYS[window]:g} hours"
    if window < 240:
        return (
            f"{about}: so few minutes are noisy for a drift this small, and at one false page a month the threshold "
            "lies above it. What does a longer window know?"
        )
    return (
        f"{about}: such a window knows enough, but it has to fill before it speaks, and the drift seldom starts with "
        "it. Did you give each window the same false pages a month, and drifts of three days?"
    )


# 8.5: the threshold of a CUSUM -----------------------------------------------------------------------------

_PAGES = {1: 100, 2: 35, 3: 12, 4: 4.3, 5: 1.5}  # a month, at thresholds that are too low


def _other_threshold(threshold):
    if threshold <= 0:
        return "a threshold at or below 0 is passed all the time: evidence is never negative. How high must it be?"
    if threshold != int(threshold):
        return "a whole number is asked for. Which way do you round, so that the budget is kept?"
    if threshold in _PAGES:
        return (
            f"at {threshold:g} there are about {_PAGES[threshold]:g} false pages a month, more than the budget. Which "
            "way must it go?"
        )
    return (
        f"at {threshold:g} the false pages are within the budget, but at a smaller threshold they are, too, and it "
        "catches sooner. Did you simulate enough scores to tell?"
    )


_THRESHOLD = number_exercise(
    "8.5",
    right=6,
    within=0,
    slips={
        5: "what would do if one side alone were watched: did you count both, slower and faster? Either may page.",
    },
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
    backwards = sum(_price(lambda alarms: function(alarms[::-1]), *year) for year in years)
    if _cost(backwards) <= 1.1 * best:
        return "your policy would do if the newest hour came first. At which end of the list does it stand?"
    _, retrainings, bad_hours = (int(count) for count in counts)
    if not retrainings:
        return (
            f"your policy never retrains, and {bad_hours:,} hours of four years have bad predictions: from the "
            "first release on, the model describes a service that is gone. When is it to learn the new one?"
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
        "Each hour of waiting is an hour of bad predictions after each release. How many does it take to be sure?"
    )


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
            "The model learns from the last 12 hours. Retrain when nearly all of them belong to the new level.",
        ),
        why="waiting long enough to tell a release from an incident is cheap; learning an incident is not.",
    ),
)
