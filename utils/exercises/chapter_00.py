"""Exercises of chapter 00, "How do I use this?"."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from utils.exercises.engine import function_exercise, number_exercise
from utils.simulate import course_latencies

HISTORICAL, RECENT = course_latencies()
_, CONTROL = course_latencies(drifted=False)

# 0.1: how much slower ---------------------------------------------------------------------------------------

_SLOWER_MS = RECENT.mean() - HISTORICAL.mean()
_ONE_MEAN = "the mean of one data set. How much slower asks for the distance between two of them."
_CONTROL = "a distance from or to the no-drift control. The question asks for the other two data sets."
_RELATIVE = "a distance relative to a mean, or a percentage. The question asks for it in ms."

_SLOWER = number_exercise(
    "0.1",
    right=_SLOWER_MS,
    within=0.05,
    slips={
        RECENT.mean(): _ONE_MEAN,
        HISTORICAL.mean(): _ONE_MEAN,
        165: _ONE_MEAN,
        150: _ONE_MEAN,
        15: "the distance that the simulation was told to make. The samples that it drew came out a little "
        "different: measure them.",
        RECENT.mean() - CONTROL.mean(): _CONTROL,
        CONTROL.mean() - RECENT.mean(): _CONTROL,
        CONTROL.mean() - HISTORICAL.mean(): _CONTROL,
        np.median(RECENT) - np.median(HISTORICAL): "the distance between the medians. A good number, but the "
        "question asks for the means.",
        _SLOWER_MS / HISTORICAL.mean(): _RELATIVE,
        100 * _SLOWER_MS / HISTORICAL.mean(): _RELATIVE,
        100 * _SLOWER_MS / RECENT.mean(): _RELATIVE,
        RECENT.mean()
        / HISTORICAL.mean(): "one mean divided by the other. The question asks for the distance "
        "between them, in ms.",
        np.abs(
            HISTORICAL - np.resize(RECENT, HISTORICAL.size)
        ).mean(): "what comparing requests pair by pair "
        "gives, but they do not come in pairs: take the means first.",
        16: "the right distance, but rounded. Hand in the number as it was computed.",
    },
    otherwise="take the mean of each data set first, then the recent one minus the historical one: the picture above "
    "shows about how far they lie apart.",
    hints=(
        "`recent.mean()` is the mean of the recent latencies, in ms.",
        "Subtract one mean from the other, so that a slower service gives a positive number.",
    ),
    why="the recent requests are slower by about a tenth, and that is the drift you saw in the picture.",
)


def judge_how_much_slower(answer):
    """Judge the distance of two means; the chapter shows what is said of the wrong sign, word for word."""
    problem = _SLOWER.judge(answer)
    if problem and "with the other sign" in problem:
        return (
            "the size is right, the sign is not. What is slower than what? Start from the recent requests, so that "
            "slower comes out as a positive number."
        )
    return problem


# 0.2: a share -----------------------------------------------------------------------------------------------

_SLOW = RECENT > 190
_BEFORE = (HISTORICAL > 190).mean()

_SLOW_SHARE = number_exercise(
    "0.2",
    right=_SLOW.mean(),
    within=0.0005,
    slips_within=0.004,
    slips={
        _SLOW.sum(): "the count of the slow requests. A share is that count divided by how many requests there are.",
        1 - _SLOW.mean(): "the share of the fast requests. Which ones took longer than 190 ms?",
        _BEFORE: "the share among the historical requests. The question asks about the recent ones.",
        (
            CONTROL > 190
        ).mean(): "the share in the no-drift control. The question asks about the recent requests.",
        _SLOW.sum()
        / 1_000: "the slow requests divided by the size of the other data set. Of which set is the share?",
        _SLOW.sum()
        / 1_500: "the slow requests divided by the requests of both sets together. Of which set is the "
        "share?",
        _SLOW.mean()
        / _BEFORE: "how many times as large the share has become. The question asks for the share itself.",
        1.1 * _BEFORE: "a tenth more than the historical share, as if it grew with the mean. Count, and see.",
        _SLOW.mean() - _BEFORE: "by how much the share has grown. The question asks for the share itself.",
    },
    otherwise=lambda share: (
        f"a share lies between 0 and 1, this is {share:g}."
        if not 0 <= share <= 1
        else "close, but rounded or counted a little differently. Hand in the number as it was computed."
        if abs(share - _SLOW.mean()) < 0.008
        else "compare every recent request with 190 ms; the mean of the True and False is the share."
    ),
    hints=(
        "`recent > 190` is an array of True and False, one for each request.",
        "The mean of True and False, counted as 1 and 0, is the share of True.",
    ),
    why="a tenth slower on average, and several times as many slow requests: a detector that counts beyond "
    "an edge feels a small shift as a large one.",
)

# 0.3: a function --------------------------------------------------------------------------------------------


def _pairs():
    rng = np.random.default_rng(0)
    sizes = {"a slower service": 22, "a faster one": 12, "one that is much slower": 30}
    return {
        case: (rng.gamma(9, 16, size=5 + shape), rng.gamma(9, shape, size=40))
        for case, shape in sizes.items()
    }


_RATIO = "this is a ratio. The question asks for a difference, in ms."
_OUTSIDE = (
    "your function uses one of the two samples that it is given, and data from outside for the other one."
)

_SHIFT = function_exercise(
    "0.3",
    cases=_pairs,
    right=lambda historical, recent: np.mean(recent) - np.mean(historical),
    slips={
        lambda historical, recent: np.mean(recent): (
            "this is the mean of the second sample. By how much does it differ from that of the first?"
        ),
        lambda historical, recent: np.mean(recent) - HISTORICAL.mean(): _OUTSIDE,
        lambda historical, recent: RECENT.mean() - np.mean(historical): _OUTSIDE,
        lambda historical, recent: np.median(recent) - np.median(historical): (
            "this is the distance between the medians. The question asks for the means."
        ),
        lambda historical, recent: np.mean(recent) / np.mean(historical): _RATIO,
        lambda historical, recent: np.mean(recent) / np.mean(historical) - 1: _RATIO,
        lambda historical, recent: 100 * (np.mean(recent) / np.mean(historical) - 1): _RATIO,
        lambda historical, recent: max(0, np.mean(recent) - np.mean(historical)): (
            "a service can also become faster. Your function reports that as no change: the sign is lost."
        ),
    },
    hints=(
        "It is your answer to 0.1, with `return` before it, and with the two samples as the function's own.",
        "`np.mean(recent)` is one of the two numbers that you need.",
    ),
    why="a comparison that is a function can be asked of every pair of samples, also of the pair in "
    "which nothing has changed.",
)

EXERCISES = (replace(_SLOWER, judge=judge_how_much_slower), _SLOW_SHARE, _SHIFT)
