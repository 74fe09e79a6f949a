"""Exercises of chapter 01, "What does drift look like in numbers?"."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_array,
    as_choice,
    as_flag,
    as_function,
    as_parts,
    call,
    choice_exercise,
    number_exercise,
)
from utils.simulate import ARCHIVE_KINDS, twenty_days

# 1.1: how far p99 wanders -----------------------------------------------------------------------------------


def _no_wandering(value):
    if value > 100:
        return "this looks like where the p99s lie. How far do they lie apart?"
    if value > 12:
        return "few of the p99s lie this far apart. Is it a range, or the sd of single requests?"
    if value > 8:
        return "this is the size of a variance, in ms squared, or of several wanderings. What is one, in ms?"
    return "simulate many quiet days, one row a day. How far do the p99s of the rows lie apart?"


_WANDERING = number_exercise(
    "1.1",
    right=3.2,
    within=0.25,  # a thousand simulated days are right to about 0.08
    slips={
        0.9: "what the means of the days give. Which number of each day is asked for?",
        1.1: "what the medians of the days give. p99 is the quantile at 0.99.",
        2.37: "what p99 across the 1,000 days gives. Is yours taken of the requests of one day?",
    },
    slips_within=0.1,
    otherwise=_no_wandering,
    hints=(
        "`rng.normal(150, 20, size=(1_000, 500))` is a table of 1,000 quiet days, one row a day.",
        "`np.quantile(table, 0.99, axis=1)` takes p99 of each row; `.std()` says how far they lie apart.",
    ),
    why="every summary number has a wandering of its own, and a move counts only beside it.",
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
        return f"the share should be 0.02, and it is {share:.3f}. Taken for percent, turned round, or one draw for all?"
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
    "slower": "one factor moves all five numbers alike. Are the quotients of this day alike?",
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
        "Quotients near 1 are wandering. Look at p5, the median and p99 of each day first.",
        "Slower moves every number by one factor. Spread moves p5 and p99 apart. Timeouts leave p5 and "
        "the median alone. A bad node lifts the upper numbers more than p5.",
    ),
    why="three of these days have nearly the same mean, and ask for three different people to be called.",
)

# 1.5: a rule that wakes somebody ----------------------------------------------------------------------------

_MISSED = {
    "slower": "every request takes a tenth longer. Which numbers move, and by how many wanderings?",
    "spread": "both ends move away from the middle. Which number sees that?",
    "timeouts": "one request in fifty takes 900 ms. Which numbers lean on so few?",
    "bad node": "one request in five is half as slow again. Which numbers see that?",
}


def judge_wakes(answer):
    """Judge a rule by its false alarms and its misses on twenty days of the archive."""
    function, days = as_function(answer), twenty_days()
    woken = [as_flag(call(function, latencies, case="a day of the archive")) for _, latencies in days]
    if len(set(woken)) == 1:
        does = "wakes somebody on all" if woken[0] else "sleeps through all"
        return f"your rule {does} of the twenty days. Ten of them are quiet, and ten are not."
    false_alarms = sum(wakes for wakes, (kind, _) in zip(woken, days, strict=True) if kind == "no drift")
    missed = [kind for wakes, (kind, _) in zip(woken, days, strict=True) if not wakes and kind in _MISSED]
    if false_alarms <= 1 and len(missed) <= 1:
        return None
    told = f"false alarms on {false_alarms} of 10 quiet days, and {len(missed)} of 10 incidents missed. "
    if false_alarms > 1:
        return told + "How often does each of your limits go off on the 200 quiet days?"
    most = max(_MISSED, key=missed.count)
    return f"{told}Missed most often, {most}: {_MISSED[most]}"


# 1.6: a concept drift that no count shows -------------------------------------------------------------------

_ITEMS = 1 + np.arange(60)
_CUSTOMERS = stats.poisson(9).pmf(_ITEMS - 1)
_BEFORE = 0.034555  # late.mean() in the notebook


def _late(base_ms):
    return float(_CUSTOMERS @ stats.norm(base_ms + 3 * _ITEMS, 20).sf(200))


_HIDDEN = number_exercise(
    "1.6",
    right=lambda: optimize.brentq(lambda base_ms: _late(base_ms) - _BEFORE, 0, 200),
    within=1.05,
    slips={
        120: "what keeps the mean latency where it was. Are as many requests above 200 ms?",
        90: "the base_ms from before. Are still as many requests late when each item takes half the time?",
        60: "90 ms less 3 ms for each of ten items. The items take less time now: which way must the rest go?",
    },
    otherwise=lambda base_ms: (
        f"with it {_late(base_ms):.1%} of the requests are late, and before {_BEFORE:.1%} were."
    ),
    hints=(
        "`requests(rng, ms_per_item=3, base_ms=120)[1].mean()` is the share of late requests of one try.",
        "Try `base_ms` in steps of 1, and take the one whose share is nearest to `late.mean()`.",
    ),
    why="the same baskets and as many late requests, yet a basket of a given size meets another outcome: a "
    "concept drift that neither a test of the inputs nor a count of the outcomes sees.",
)

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
        why="each drift leaves its own pattern: which numbers moved says more than how far one of them did.",
    ),
    _ARCHIVE,
    Exercise(
        "1.5",
        judge_wakes,
        hints=(
            '`off_by(latencies_ms)["mean"]` says by how many of its wanderings the mean is off, up or down; `abs` '
            "takes away the sign.",
            "No single number sees all four incidents. Take two that miss different ones, and wake somebody "
            "when either is off by more than three wanderings.",
        ),
        why="whom a rule wakes for nothing and what it lets pass are two counts, and only both together say "
        "what it is good for.",
    ),
    _HIDDEN,
)
