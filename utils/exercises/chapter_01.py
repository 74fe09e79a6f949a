"""Exercises of chapter 01, "What does drift look like in numbers?"."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_array,
    as_choice,
    as_function,
    as_parts,
    call,
    choice_exercise,
    number_exercise,
)
from utils.simulate import ARCHIVE_KINDS, REQUESTS_PER_HOUR

# 1.1: how far a mean wanders --------------------------------------------------------------------------------


def _slips_of_a_wandering():
    quiet = np.random.default_rng(1).normal(150, 20, (1_000, 500)).mean(axis=1)  # the seed of the chapter
    variance = "what the variance of the means gives. That is in ms squared: what has the unit ms?"
    return {
        quiet.var(): variance,
        quiet.var(ddof=1): variance,
        0.8: variance,
        0.04: "what dividing by 500 gives. With four times as many, does the wandering fall to a quarter?",
        0.632: "what means across the 1,000 days give, or the sds of the days. What is your mean taken of?",
    }


def _no_wandering(value):
    if value > 100:
        return "this looks like where the means lie. How far do they lie apart?"
    if value > 10:
        return "this is nearer to how far one request wanders. Is a mean of many as unsteady?"
    if value > 2:
        return "few of the means lie this far apart. Is it a range? Their standard deviation is asked for."
    return "simulate many quiet days, one row a day. How far do the means of the rows lie apart?"


_WANDERING = number_exercise(
    "1.1",
    right=0.9,
    within=0.08,  # a thousand simulated days are right to about 0.02
    slips=_slips_of_a_wandering,
    slips_within=0.04,
    otherwise=_no_wandering,
    hints=(
        "`rng.normal(150, 20, size=(1_000, 500))` is a table of 1,000 quiet days, one row a day.",
        "`.mean(axis=1)` takes the mean of each row; `.std()` says how far the means lie apart.",
    ),
    why="a mean of 500 is steadier than one request by the square root of 500, and this is the ruler for "
    "every move of it.",
)

# 1.2: a drift of the tail alone -----------------------------------------------------------------------------

_HEALTHY = np.random.default_rng(12).normal(150, 20, size=20_000)


def _timed_out(function, case, seed=1, **options):
    """Return which of the healthy requests a learner's function lets time out."""
    given, at = _HEALTHY.copy(), options.get("timeout_ms", 900)
    result = call(lambda: function(given, np.random.default_rng(seed), **options), case=case)
    if not np.array_equal(given, _HEALTHY):
        raise NotYet("your function changes the latencies that it was given. Make a new array.")
    drifted = as_array(result, size=given.size)
    changed = drifted != given
    if changed.any() and np.allclose(drifted[changed], given[changed] + at):
        raise NotYet(f"a request that times out takes {at} ms in all. Does yours wait on top of the rest?")
    if np.any(drifted[changed] != at):
        raise NotYet(
            f"with {case} some requests are neither at timeout_ms nor what they were, to the last decimal. "
            "Is the argument used, and do all others stay as they are, and in their place?"
        )
    return changed


def judge_with_timeouts(answer):
    """Judge a function that lets a share of requests time out, by what it does to many samples."""
    function = as_function(answer)
    runs = [_timed_out(function, "the signature's share and timeout", seed) for seed in (1, 2, 3)]
    share = np.mean(runs)
    if abs(share - 0.02) > 0.003:
        return f"the share should be 0.02, and it is {share:.3f}. Is it taken for percent, or turned round?"
    if abs(np.mean([_HEALTHY[run].mean() for run in runs]) - 150) > 4:
        return "yours prefers slow requests or fast ones. Does a fast one hang as easily as a slow one?"
    if np.array_equal(runs[0], runs[1]):
        return "the same requests time out whatever generator is handed in. Is `rng` used?"
    if not np.array_equal(runs[0], _timed_out(function, "the same seed twice")):
        return "the same seed gives other timeouts the second time. Is all randomness taken from `rng`?"
    if len({run.sum() for run in runs}) == 1:
        return "yours lets exactly as many time out every time. Does each request draw for itself?"
    for share in (0.3, 1, 0):
        case = f"share={share} and timeout_ms=2_000"
        got = _timed_out(function, case, share=share, timeout_ms=2_000).mean()
        if abs(got - share) > 0.02 * (share == 0.3):
            return f"with {case} {got:.2f} time out. Is `share` used, and does each draw exactly once?"
    return None


# 1.3: which summary numbers move ----------------------------------------------------------------------------

SUMMARY_NAMES = ("mean", "sd", "p5", "median", "p99")
MOVED = {"timeouts": {"mean", "sd", "p99"}, "spread": {"sd", "p5", "p99"}}

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


def judge_which_numbers_move(answer):
    """Judge two lists of summary numbers, of those that timeouts move and those that a spread moves."""
    said = {}
    for kind, names in zip(MOVED, as_parts(answer, list(MOVED)), strict=True):
        if isinstance(names, str) or not np.iterable(names):
            raise NotYet(f'the names that the {kind} incident moves belong in a list, as in ["mean", "sd"].')
        said[kind] = {as_choice(name, SUMMARY_NAMES) for name in names}
    if said["timeouts"] == MOVED["spread"] and said["spread"] == MOVED["timeouts"]:
        return "these are two lists of the right length: which of them belongs to which incident?"
    for kind, moved in MOVED.items():
        for name in SUMMARY_NAMES:
            if name in said[kind] - moved:
                return f"{kind}: {name} does not move more than it wanders. {_WHAT_TO_LOOK_AT[kind, name]}"
            if name in moved - said[kind]:
                return f"{kind}: a number that it moves is missing. {_WHAT_TO_LOOK_AT[kind, name]}"
    return None


# 1.4: which drift produced these numbers --------------------------------------------------------------------

_SIGNATURES = {
    "no drift": "without an incident all five numbers stay within a few percent. Do they?",
    "slower": "one factor moves all five numbers alike. Is their ratio to the day before the same?",
    "spread": "a wider spread pulls at both ends. What has p5 done, and what p99?",
    "timeouts": "timeouts leave p5 and the median where they were. Do they stay, and where does p99 lie?",
    "bad node": "with one node slower the median rises, p99 more, p5 hardly. Is it so beside the day before?",
}

_ARCHIVE = choice_exercise(
    "1.4",
    right=ARCHIVE_KINDS,
    choices=tuple(_SIGNATURES),
    slips={
        (day, kind): f"day {day}: {text}"
        for day, truth in ARCHIVE_KINDS.items()
        for kind, text in _SIGNATURES.items()
        if kind != truth
    },
    hints=(
        "Divide each row of the table by the row of the day before: quotients near 1 are wandering.",
        "Slower moves every number by one factor. Spread moves p5 and p99 apart. Timeouts leave p5 and "
        "the median alone. A bad node lifts the upper numbers more than p5.",
    ),
    why="three of these days have nearly the same mean, and ask for three different people to be called.",
)

# 1.5: a drift that the daily mean misses --------------------------------------------------------------------


def judge_missed_recurring_drift(answer):
    """Judge a daily pattern of extra latency by how often a day's mean leaves the quiet band."""
    extra_ms = as_array(answer, size=REQUESTS_PER_HOUR.size)
    slow = extra_ms >= 30
    if slow.sum() < 3:
        return (
            f"hours slower by 30 ms or more, a positive number: {slow.sum()}. The job slows at least three."
        )
    if extra_ms.min() >= 100:
        return "these look like latencies. Give what the job adds to each hour: 0 ms where it does not run."
    if extra_ms.min() < -100:
        return "an hour that becomes faster by more than 100 ms would have to answer before it is asked."
    moved_ms = np.average(extra_ms, weights=REQUESTS_PER_HOUR)
    wanderings, chance = moved_ms / (20 / 500**0.5), NormalDist().cdf
    caught = 1 - chance(3 - wanderings) + chance(-3 - wanderings)
    if caught < 0.06:  # a learner's few simulated days can't tell this from one in twenty
        return None
    carried = REQUESTS_PER_HOUR[slow].sum() / REQUESTS_PER_HOUR.sum()
    question = "what weight does an hour have in a mean of requests?"
    if carried <= 0.03:
        question = "by how much may any hour move?"
    return (
        f"the daily mean moves by {moved_ms:.1f} ms and leaves the quiet band on {caught:.0%} of the days. "
        f"Your slow hours carry {carried:.0%} of the requests: {question}"
    )


# 1.6: data drift, concept drift, label shift ----------------------------------------------------------------

_CLAIMS = {
    "data drift": "the inputs changed and the same input fares as before",
    "concept drift": "the same input fares otherwise than before",
    "label shift": "the mix of outcomes changed and the inputs behind each outcome look as before",
}
_STORIES = {
    "A": ("data drift", "How does a basket of one size fare, before and after?"),
    "B": ("concept drift", "What has changed, the baskets or what happens to a basket of ten items?"),
    "C": ("label shift", "What do the orders of one kind look like, and how many of them are there?"),
    "D": ("concept drift", "What happens to a small basket, and what to a large one?"),
}
_SYNONYMS = {"covariate shift": "data drift", "feature drift": "data drift"}

_SHIFTS = choice_exercise(
    "1.6",
    right={story: truth for story, (truth, _) in _STORIES.items()},
    choices=tuple(_CLAIMS),
    slips={
        (story, kind): f"story {story}: {kind} says that {claim}. Is that so here? {question}"
        for story, (truth, question) in _STORIES.items()
        for kind, claim in _CLAIMS.items()
        if kind != truth
    },
    hints=(
        "Ask three questions of each story: did the inputs change? did the outcome of one and the same "
        "input change? did only the mix of outcomes change?",
        "When an input of the same kind meets another outcome, it is concept drift, whatever the totals say.",
    ),
    why="a test that watches the inputs alone stays silent in two of the four, and each kind asks for "
    "another remedy.",
)


def judge_stories(answer):
    """Judge the names of four shifts, for the stories A to D."""
    given = as_parts(answer, list(_STORIES))
    return _SHIFTS.judge([_SYNONYMS.get(str(name).strip().casefold(), name) for name in given])


EXERCISES = (
    _WANDERING,
    Exercise(
        "1.2",
        judge_with_timeouts,
        hints=(
            "`rng.random(latencies_ms.size)` gives each request its own number between 0 and 1. How many of "
            "them are smaller than `share`?",
            "`np.where(condition, a, b)` takes `a` where the condition holds and `b` everywhere else.",
        ),
        why="a drift that leaves 49 of 50 requests exactly as they were is the kind that a dashboard of "
        "averages explains wrongly.",
    ),
    Exercise(
        "1.3",
        judge_which_numbers_move,
        hints=(
            "For the timeouts, take ten of 500 requests, wherever they stood, and put them at 900 ms. Which "
            "of the five numbers look at that end?",
            "For the spread, the middle stays where it is and both ends move away from it.",
        ),
        why="no single number sees every drift, and each drift leaves its own pattern in a few of them.",
    ),
    _ARCHIVE,
    Exercise(
        "1.5",
        judge_missed_recurring_drift,
        hints=(
            "A mean of requests weighs each hour by the number of its requests. Look for the hours that "
            "hardly count.",
            "Start from `np.zeros(24)`, set three of the quietest hours to 30 or more, and work out how much "
            "that adds to the mean of 500 requests.",
        ),
        why="what comes back every night and is averaged over the day can go on for months: compare an hour "
        "with the same hour of other days.",
    ),
    replace(_SHIFTS, judge=judge_stories),
)
