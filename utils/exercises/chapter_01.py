"""The exercises of chapter 01, "What does drift look like in numbers?", and the data that two of them use."""

from __future__ import annotations

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_array,
    as_choice,
    as_function,
    as_number,
    call,
)
from utils.simulate import (
    ARCHIVE_KINDS,
    HISTORICAL_MEAN_MS,
    HISTORICAL_SD_MS,
    HISTORICAL_SIZE,
    RECENT_SD_MS,
    RECENT_SIZE,
    REQUESTS_PER_HOUR,
)


def _as_plain(answer):
    """Return an array or a Series as a list, and everything else as it is."""
    return answer.tolist() if hasattr(answer, "tolist") else answer


# 1.1 How far a mean wanders ---------------------------------------------------------------------------------


def judge_wandering_of_a_mean(answer) -> str | None:
    """Judge the standard deviation of the mean of 500 quiet requests, in ms, against a simulation of it."""
    wander_ms = as_number(answer)
    rng = np.random.default_rng(11)
    means = rng.normal(HISTORICAL_MEAN_MS, HISTORICAL_SD_MS, size=(4_000, RECENT_SIZE)).mean(axis=1)
    right = means.std()
    low, high = np.quantile(means, [0.05, 0.95])
    sd, n = HISTORICAL_SD_MS, RECENT_SIZE

    def near(value):
        return abs(wander_ms - value) <= 0.08 * value

    # Not much below: the variance of the means is only a tenth smaller.
    if -0.06 * right <= wander_ms - right <= 0.08 * right:
        return None
    if wander_ms == 1:
        return "not far off, but a round number. Simulate the quiet days, and hand in what you measure there."
    if near(sd):
        return "this is how far one request wanders. A mean of many is steadier than one request."
    if near(sd / n):
        return (
            "this is divided by the number of requests. Try four times as many requests in a simulation: "
            "does the wandering fall to a quarter?"
        )
    if near(sd / np.sqrt(HISTORICAL_SIZE)):
        return (
            "this is how far a mean of 1,000 values wanders. A day has fewer requests than that; does your "
            "mean run along the requests of a day, or across the days? (The sd of a day wanders as far, too: "
            "is it the mean that you took of each day?)"
        )
    if near(RECENT_SD_MS / np.sqrt(n)):
        return (
            "this is the wandering of the drifted days. The question is about days on which nothing changed."
        )
    if near(right**2):
        return "this is the variance of the means, in ms squared. Its square root is in ms."
    if near(np.sqrt(sd**2 / n + sd**2 / HISTORICAL_SIZE)):
        return (
            "the means of quiet days wander less. Is it the mean that you took of each day? (A median wanders "
            "as far as this, and so does the difference of a recent and a historical mean.)"
        )
    if near(high - low) or near((high - low) / 2) or near(np.ptp(means)):
        return "this is a range of the means. The question asks for their standard deviation."
    if near(HISTORICAL_MEAN_MS):
        return "this is where the means lie. The question asks how far they lie apart."
    return (
        "simulate many quiet days, one mean for each day, then the standard deviation of these means. One "
        "row a day, and the mean along the row."
    )


# 1.2 A drift of the tail alone ------------------------------------------------------------------------------


def judge_with_timeouts(answer) -> str | None:
    """Judge a function that lets a share of requests time out, by what it does to many samples."""
    with_timeouts = as_function(answer)
    healthy = np.random.default_rng(12).normal(150, 20, size=40_000)

    def run(case, seed=1, **options):
        given = healthy.copy()
        rng = np.random.default_rng(seed)
        result = call(lambda: with_timeouts(given, rng, **options), case=case)
        if result is None:
            raise NotYet("your function returns None. Is a return missing?")
        if not np.array_equal(given, healthy):
            raise NotYet(
                "your function changes the latencies that it was given, and the healthy ones are lost. Make "
                "a new array."
            )
        drifted = as_array(result)
        if drifted.size != healthy.size:
            raise NotYet(
                f"{healthy.size:,} requests go in and {drifted.size:,} come out. Requests that time out are "
                "still requests, and so are the others."
            )
        return drifted

    drifted = run("the share and the timeout that stand in the signature")
    changed = drifted != healthy
    share = changed.mean()
    if share == 0:
        return "no request times out in 40,000. How many should, if each draws a random number of its own?"
    if share > 0.9 and np.mean(drifted == 900) > 0.5:
        return (
            "nearly every request has changed. A tail-only drift leaves all others exactly as they were. Is "
            "the share taken for a percentage, or the condition turned round?"
        )
    if share > 0.9:
        return (
            "nearly every request has changed, most of them to something else than the timeout. The others "
            "keep their latency, with all its decimals, and their place."
        )
    if np.allclose(drifted[changed], healthy[changed] + 900):
        return "a request that times out takes 900 ms in all. Yours waits 900 ms on top of what it took."
    if not np.all(drifted[changed] == 900):
        return "some requests changed to another value than the timeout. The others should stay as they are."
    if abs(share - 0.02) > 0.004:
        return f"the share should be 0.02 and {share:.3f} of the requests time out."
    if healthy[changed].mean() > 160:
        return (
            "yours lets the slowest requests time out. In this incident a fast request hangs as easily as a "
            "slow one."
        )
    if np.array_equal(changed, run("a generator with another seed", seed=2) != healthy):
        return (
            "the same requests time out whatever generator is handed in. Take the randomness from `rng`, so "
            "that the caller decides."
        )
    if not np.array_equal(drifted, run("the same seed twice")):
        return "the same seed gives other timeouts the second time. Take all randomness from `rng`."
    other = run("share=0.3 and timeout_ms=2_000", share=0.3, timeout_ms=2_000)
    if abs(np.mean(other != healthy) - 0.3) > 0.015:
        return (
            f"with share=0.3 your function lets {np.mean(other != healthy):.2f} of the requests time out. "
            "Does it use its argument, and does each request time out at most once?"
        )
    if not np.all(other[other != healthy] == 2_000):
        return "with timeout_ms=2_000 the timeouts are not at 2,000 ms. Does your function use its argument?"
    if not np.array_equal(run("share=0", share=0.0), healthy):
        return "with share=0 nothing should change, but something does."
    return None


# 1.3 Which summary numbers move -----------------------------------------------------------------------------

SUMMARY_NAMES = ("mean", "sd", "p5", "median", "p99")

_WHAT_TO_LOOK_AT = {
    ("timeouts", "mean"): "Ten requests of 900 ms among 500: what do they add to the sum of all?",
    ("timeouts", "sd"): "The sd grows with the squared distance from the mean: how far away is a timeout?",
    ("timeouts", "p5"): "p5 looks at the fastest requests: how many of these become slower?",
    ("timeouts", "median"): "Sort the 500 requests, move ten to the end: how far does the middle go?",
    ("timeouts", "p99"): "Compare the share that times out with the share that lies beyond p99.",
    ("spread", "mean"): "Fast requests get faster, slow ones slower, by as much: what happens to the mean?",
    ("spread", "sd"): "What is the sd a measure of?",
    ("spread", "p5"): "p5 looks at the fastest requests: does a wider spread leave them where they were?",
    ("spread", "median"): "Requests move away from the middle on both sides: where does the middle go?",
    ("spread", "p99"): "p99 looks at the slowest requests: does a wider spread leave them where they were?",
}


def _quiet_and_incident_days(seed: int, days: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    healthy = rng.normal(HISTORICAL_MEAN_MS, HISTORICAL_SD_MS, size=(days, RECENT_SIZE))
    return {
        "no drift": healthy,
        "timeouts": np.where(rng.random(healthy.shape) < 1 / 50, 900, healthy),
        "spread": HISTORICAL_MEAN_MS + 1.5 * (healthy - HISTORICAL_MEAN_MS),
    }


def _summaries(days: np.ndarray) -> dict[str, np.ndarray]:
    p5, median, p99 = np.quantile(days, [0.05, 0.5, 0.99], axis=1)
    return {"mean": days.mean(axis=1), "sd": days.std(axis=1), "p5": p5, "median": median, "p99": p99}


def _moved(kind: str) -> set[str]:
    """Return the summary numbers that an incident moves by more than three times their wandering."""
    days = _quiet_and_incident_days(13)
    quiet, incident = _summaries(days["no drift"]), _summaries(days[kind])
    return {
        name
        for name in SUMMARY_NAMES
        if abs(incident[name].mean() - quiet[name].mean()) > 3 * quiet[name].std()
    }


def judge_which_numbers_move(answer) -> str | None:
    """Judge two lists of summary numbers against simulated days with and without the incident."""
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        return "two lists of names are expected, one for the timeouts and one for the spread."
    for kind, names in zip(("timeouts", "spread"), answer, strict=True):
        names = _as_plain(names)
        if not isinstance(names, list | tuple | set | frozenset):
            return f'the names that the {kind} incident moves belong in a list, as in ["mean", "sd"].'
        said = {as_choice(name, SUMMARY_NAMES) for name in names}
        moved = _moved(kind)
        for name in SUMMARY_NAMES:
            if name in said and name not in moved:
                return f"{kind}: {name} does not move more than it wanders. {_WHAT_TO_LOOK_AT[kind, name]}"
            if name in moved and name not in said:
                return f"{kind}: one number that moves is missing. {_WHAT_TO_LOOK_AT[kind, name]}"
    return None


# 1.4 Which drift produced these numbers ---------------------------------------------------------------------

KINDS = ("no drift", "slower", "spread", "timeouts", "bad node")


_TOLD_APART_BY = {
    frozenset(("slower", "bad node")): (
        "divide its p5, median and p99 by those of the day before. When everything is slower by one factor, "
        "all three quotients are that factor."
    ),
    frozenset(("slower", "spread")): "does its p5 move the same way as its p99?",
    frozenset(("slower", "timeouts")): "the mean has moved, but has the typical request, the median?",
    frozenset(("spread", "timeouts")): "a wider spread pulls at both ends. What has p5 done?",
    frozenset(("spread", "bad node")): "a slower node makes no request faster. What has p5 done?",
    frozenset(
        ("timeouts", "bad node")
    ): "how many requests are affected: the slowest few, or the median as well?",
}


def judge_mystery_days(answer) -> str | None:
    """Judge five names of incidents, for the days A to E."""
    answer = _as_plain(answer)
    if isinstance(answer, dict) and {str(day).upper() for day in answer} == set(ARCHIVE_KINDS):
        answer = [answer[day] for day in sorted(answer)]
    if not isinstance(answer, list | tuple) or len(answer) != len(ARCHIVE_KINDS):
        return "five names are expected, one for each of the days A to E."
    for said, (day, truth) in zip(
        [as_choice(name, KINDS) for name in answer], ARCHIVE_KINDS.items(), strict=True
    ):
        if said == truth:
            continue
        if truth == "no drift":
            return (
                f"day {day}: its numbers differ from those of the day before, as those of any two days do. "
                "By more than they wander?"
            )
        if said == "no drift":
            return (
                f"day {day}: at least two of its five numbers lie further from those of the day before than "
                "chance takes them. Look at all five."
            )
        return f"day {day}: {_TOLD_APART_BY[frozenset((said, truth))]}"
    return None


# 1.5 A drift that the daily mean misses ---------------------------------------------------------------------


def judge_missed_recurring_drift(answer) -> str | None:
    """Judge a daily pattern of extra latency by how often a day's mean leaves the quiet band."""
    extra_ms = as_array(answer, size=REQUESTS_PER_HOUR.size)
    slow = extra_ms >= 30
    if not extra_ms.any():
        return "this is the no-drift control: no hour is slower, so there is nothing to miss."
    if slow.sum() < 3 and (extra_ms <= -30).sum() >= 3:
        return "these hours become faster. A positive number of ms makes an hour slower."
    if slow.sum() < 3:
        return f"hours that are slower by 30 ms or more: {slow.sum()}. The job slows down at least three."
    if extra_ms.min() >= 100:
        return "these look like latencies. Give what the job adds to each hour: 0 ms where it does not run."
    if extra_ms.min() < -100:
        return "an hour that becomes faster by more than 100 ms would have to answer before it is asked."
    rng = np.random.default_rng(15)
    quiet = rng.normal(HISTORICAL_MEAN_MS, HISTORICAL_SD_MS, size=(2_000, RECENT_SIZE))
    daily_means = (quiet + np.repeat(extra_ms, REQUESTS_PER_HOUR)).mean(axis=1)
    band_ms = 3 * HISTORICAL_SD_MS / np.sqrt(RECENT_SIZE)
    caught = np.mean(np.abs(daily_means - HISTORICAL_MEAN_MS) > band_ms)
    if caught < 0.055:  # 2,000 days, and a learner's own fewer ones, can't tell this from one in twenty
        return None
    carried = REQUESTS_PER_HOUR[slow].sum() / REQUESTS_PER_HOUR.sum()
    moved_ms = daily_means.mean() - quiet.mean()
    if moved_ms < 0:
        question = "and those that you made faster?"
    elif carried <= 0.03:
        question = "that is little, so by how much may each of them be slower?"
    else:
        question = "what weight does an hour have in a mean of requests?"
    return (
        f"the daily mean moves by {moved_ms:.1f} ms and leaves the quiet band on {caught:.0%} of the days, "
        f"so it does not miss this. Your slow hours carry {carried:.0%} of the requests: {question}"
    )


# 1.6 Data drift, concept drift, label shift -----------------------------------------------------------------

SHIFTS = ("data drift", "concept drift", "label shift")
_CLAIMS = {
    "data drift": "the inputs changed and the same input fares as before",
    "concept drift": "the same input fares otherwise than before",
    "label shift": "the mix of outcomes changed and the inputs behind each outcome look as before",
}
_STORIES = (
    ("A", "data drift", "Compare two baskets of one size, before and after."),
    ("B", "concept drift", "What has changed, the baskets or what happens to a basket of ten items?"),
    ("C", "label shift", "What do the orders of one kind look like, and how many of them are there?"),
    ("D", "concept drift", "Two totals that stay can hide two changes. What happens to a small basket?"),
)


def judge_stories(answer) -> str | None:
    """Judge the names of four shifts, for the stories A to D."""
    answer = _as_plain(answer)
    if not isinstance(answer, list | tuple) or len(answer) != len(_STORIES):
        return "four names are expected, one for each of the stories A to D."
    synonyms = {"covariate shift": "data drift", "feature drift": "data drift"}
    answer = [
        synonyms.get(name.strip().casefold(), name) if isinstance(name, str) else name for name in answer
    ]
    for said, (story, truth, question) in zip(
        [as_choice(name, SHIFTS) for name in answer], _STORIES, strict=True
    ):
        if said != truth:
            return f"story {story}: {said} says that {_CLAIMS[said]}. Is that so here? {question}"
    return None


EXERCISES = (
    Exercise(
        id="1.1",
        judge=judge_wandering_of_a_mean,
        hints=(
            "`rng.normal(150, 20, size=(1_000, 500))` is a table of 1,000 quiet days, one row a day.",
            "`.mean(axis=1)` takes the mean of each row; `.std()` says how far the means lie apart.",
        ),
        why="a mean of 500 is steadier than one request by the square root of 500, and this is the ruler for "
        "every move of it.",
    ),
    Exercise(
        id="1.2",
        judge=judge_with_timeouts,
        hints=(
            "`rng.random(latencies_ms.size)` gives each request its own number between 0 and 1. How many of "
            "them are smaller than `share`?",
            "`np.where(condition, a, b)` takes `a` where the condition holds and `b` everywhere else.",
        ),
        why="a drift that leaves 49 of 50 requests exactly as they were is the kind that a dashboard of "
        "averages explains wrongly.",
    ),
    Exercise(
        id="1.3",
        judge=judge_which_numbers_move,
        hints=(
            "For the timeouts, take ten of 500 requests, wherever they stood, and put them at 900 ms. Which "
            "of the five numbers look at that end?",
            "For the spread, the middle stays where it is and both ends move away from it.",
        ),
        why="no single number sees every drift, and each drift leaves its own pattern in a few of them.",
    ),
    Exercise(
        id="1.4",
        judge=judge_mystery_days,
        hints=(
            "Divide each row of the table by the row of the day before: quotients near 1 are wandering.",
            "Slower moves every number by one factor. Spread moves p5 and p99 apart. Timeouts leave p5 and "
            "the median alone. A bad node lifts the upper numbers more than p5.",
        ),
        why="three of these days have nearly the same mean, and ask for three different people to be called.",
    ),
    Exercise(
        id="1.5",
        judge=judge_missed_recurring_drift,
        hints=(
            "A mean of requests weighs each hour by the number of its requests. Look for the hours that "
            "hardly count.",
            "Start from `np.zeros(24)`, set three of the quietest hours to 30 or more, and work out how much "
            "that adds to the mean of 500 requests.",
        ),
        why="what comes back every night and is averaged over the day can go on for months: compare an hour "
        "with the same hour of other days.",
    ),
    Exercise(
        id="1.6",
        judge=judge_stories,
        hints=(
            "Ask three questions of each story: did the inputs change? did the outcome of one and the same "
            "input change? did only the mix of outcomes change?",
            "When an input of the same kind meets another outcome, it is concept drift, whatever the totals "
            "say.",
        ),
        why="a test that watches the inputs alone stays silent in two of the four, and each kind asks for "
        "another remedy.",
    ),
)
