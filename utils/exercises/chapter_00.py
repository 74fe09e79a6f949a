"""Exercises of chapter 00, "How do I use this?"."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from utils.exercises.engine import as_flag, function_exercise, number_exercise
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


# 0.2: how many times as large ------------------------------------------------------------------------------

_SLOW, _SLOW_BEFORE, _SLOW_CONTROL = (sample > 190 for sample in (RECENT, HISTORICAL, CONTROL))
_TIMES = _SLOW.mean() / _SLOW_BEFORE.mean()
_ONE_SHARE = "the share in one data set. How many times as large compares the shares in two."

_TIMES_AS_LARGE = number_exercise(
    "0.2",
    right=_TIMES,
    within=0.06,
    slips_within=0.03,
    slips={
        _SLOW.mean(): _ONE_SHARE,
        _SLOW_BEFORE.mean(): _ONE_SHARE,
        1
        / _TIMES: "the one share divided by the other, the other way around. Which one is compared with which?",
        _SLOW.sum()
        / _SLOW_BEFORE.sum(): "one count divided by the other. The two data sets are not of one size: "
        "compare shares.",
        _SLOW.mean()
        - _SLOW_BEFORE.mean(): "the one share minus the other. *How many times* asks for a quotient.",
        _SLOW_CONTROL.mean()
        / _SLOW_BEFORE.mean(): "what the control gives. The question asks about the recent requests.",
        _TIMES
        - 1: "how many times as much has been added. The question asks how many times as large it is now.",
        _SLOW.mean()
        / _SLOW_CONTROL.mean(): "what a comparison with the control gives. The question compares with "
        "the historical requests.",
        1.1: "a tenth more, as if the share grew with the mean. Count, and see.",
    },
    otherwise="take the share among the recent requests as the cell above takes it among the historical ones, then "
    "compare the two shares.",
    hints=(
        "`(recent > slow_ms).mean()` is the share among the recent requests.",
        "*How many times as large* is the one share divided by the other. What is compared with comes below the line.",
    ),
    why="a tenth slower on average, and several times as many slow requests: a detector that counts beyond "
    "an edge feels a small shift as a large one.",
)

# 0.3: a decision -------------------------------------------------------------------------------------------


def _pairs():
    rng = np.random.default_rng(0)
    sizes = {
        "a service that is 30 ms slower": (110, 140),
        "a service that is as it was": (300, 300),
        "a service that is 30 ms faster": (180, 150),
        "a fast service that is 8 ms slower": (50, 58),
        "a fast service that is 12 ms slower": (60, 72),
        "a fast service that is 13 ms slower": (70, 83),
        "a slow service that is 12 ms slower": (400, 412),
    }
    made = {
        case: (before + rng.uniform(-1, 1, size=25), after + rng.uniform(-1, 1, size=40))
        for case, (before, after) in sizes.items()
    }
    made["a service that is exactly 10 ms slower"] = (np.array([140.0, 160]), np.array([150.0, 160, 170]))
    made["a service with one very slow request in five"] = (np.full(10, 150.0), np.array([150.0] * 4 + [300]))
    return made


_OUTSIDE = "your function decides by one of the two samples alone. Compare the two that it is given."

_PAGE = function_exercise(
    "0.3",
    cases=_pairs,
    right=lambda historical, recent: np.mean(recent) - np.mean(historical) >= 10,
    returns=as_flag,
    slips={
        lambda historical, recent: np.mean(recent) - np.mean(historical) > 10: (
            "what does *at least 10 ms* say of exactly 10 ms?"
        ),
        lambda historical, recent: abs(np.mean(recent) - np.mean(historical)) >= 10: (
            "a service that has become faster wakes somebody here: the sign of the distance is lost."
        ),
        lambda historical, recent: np.mean(recent) - np.mean(historical) > 0: (
            "any slower mean wakes somebody here. From how many ms on should it?"
        ),
        lambda historical, recent: np.mean(recent) >= 1.1 * np.mean(historical): (
            "this is a limit of a tenth. The question asks for a limit in ms, the same for fast and slow services."
        ),
        lambda historical, recent: np.median(recent) - np.median(historical) >= 10: (
            "this compares the medians. The question asks for the means."
        ),
        lambda historical, recent: np.mean(recent) - HISTORICAL.mean() >= 10: _OUTSIDE,
        lambda historical, recent: RECENT.mean() - np.mean(historical) >= 10: _OUTSIDE,
        # The last one: whatever else is wrong in several cases is explained by it.
        lambda historical, recent: np.mean(recent) - np.mean(historical) < 10: (
            "your function says True where nobody should be woken, or False where somebody should. Try it on two "
            "short arrays whose means you know."
        ),
    },
    hints=(
        "Your answer to 0.1 is the distance. A comparison with `>=` makes it a True or a False.",
        "`return` the comparison itself: it is a True or a False already. A slower service has a positive distance.",
    ),
    why="a page asks for a size that users feel, not for any difference. How often chance alone reaches the limit is "
    "the other question.",
)

EXERCISES = (replace(_SLOWER, judge=judge_how_much_slower), _TIMES_AS_LARGE, _PAGE)
