"""Exercises of chapter 02, "Can I see it?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    Exercise,
    as_function,
    call,
    choice_exercise,
    number_exercise,
    one_number,
)

# 2.1: a height depends on how many requests there are, and on how far they spread -----------------------------

_HEIGHT = number_exercise(
    "2.1",
    right=8,
    within=1,
    slips={
        4: "what the numbers of requests alone give. What does twice the spread do to the height?",
        2: "what the spread alone gives. What does the default of `hue` do with a quarter of the requests?",
        6: "the sum of two factors. If each alone makes the curve lower, what do both together?",
        1 / 8: "the recent peak as a part of the historical one. Which is how many times the other?",
    },
    slips_within=0.4,
    otherwise=lambda times: (
        "near what a drawing of one night gives, whose heights scatter. What do the sizes and spreads give?"
        if 6.5 <= times <= 10
        else "two things make the recent curve lower: fewer requests, and more spread. How much is each?"
    ),
    hints=(
        "With `hue` and the default, the areas are as the numbers of requests. What is the ratio of the areas?",
        "A height is an area divided by a width. How do the widths of the two curves compare?",
        "The ratio of the areas times the ratio of the widths.",
    ),
    why="a curve may be lower for lack of traffic, for more spread, or for both: ask which before you call it drift.",
)

# 2.2: how often the default finds the bad node in larger windows ----------------------------------------------

FOUND = {200: 0.73, 500: 0.917}  # the share of windows with a bad node that show a second hump, by their size

_FOUND = number_exercise(
    "2.2",
    right=FOUND[500],
    within=0.06,
    slips={
        FOUND[200]: "what windows of 200 requests give. How many requests do Mira's hold?",
        1 - FOUND[500]: "the share of windows in which the bad node is missed. In how many is it found?",
        0.01: "what healthy windows give, or a smaller factor than the text's. Which windows did you make?",
        1: "what a narrower bandwidth gives. Which one is the default?",
    },
    slips_within=0.03,
    otherwise="measure 200 windows of 500 requests, with a bad node each, and bw_adjust 1: one window is one row.",
    hints=(
        "Make the windows with a bad node as in the cell above. What changes in `size=`?",
        "`size=(200, 500)` has 200 windows of 500 requests each.",
        "share_with_humps(windows, 1) is the share in which the default shows a second hump.",
    ),
    why="more requests make the bells narrower; what a picture can show depends on the size of its window.",
)

# 2.3: a window whose widest gap means something ---------------------------------------------------------------

# The shares of quiet windows of so many requests whose widest gap to the historical ones is above 0.10.
RINGS = {30: 0.91, 60: 0.6, 120: 0.22, 240: 0.04, 480: 0.002}

_GAP = number_exercise(
    "2.3",
    right=240,
    within=0,
    slips={
        size: f"a size at which about {share:.0%} of quiet windows open a gap wider than 0.10. How many may?"
        for size, share in RINGS.items()
        if share > 0.1
    }
    | {480: "a size that is quiet enough. Is there a smaller one that is, too?"},
    otherwise=lambda size: f"choose one of {', '.join(map(str, RINGS))}; this is {size:g}.",
    hints=(
        "A quiet window is rng.normal(150, 20, size). How wide is its widest gap to `historical`?",
        "widest_gap returns two values; the first is the width. Collect it from 500 windows of one size.",
        "np.mean(np.array(widths) > 0.10) is the share that rings. Start with the smallest size.",
    ),
    why="a gap means nothing without the size of its window; chapter 03 turns this sentence into a test.",
)

# 2.4: what a Q-Q plot does under incidents that the chapter doesn't draw --------------------------------------

INCIDENTS = {
    "factor": "steeper, all above",
    "queue": "parallel above",
    "limit": "level at the end",
}
_WOULD_BE = {
    "parallel above": "parallel points are all moved by the same number of ms. Are the lowest and the highest?",
    "steeper, crossing": "points that cross the line have a fast end that became faster. Did any request?",
    "steeper, all above": "steeper points move the more, the slower they are. Do the fast ones move less here?",
    "level at the end": "level points are requests that all take equally long. Does one latency stop them all?",
    "last points leave": "a few points leave upward when a few requests become much slower. Which ones did?",
}

_QQ = choice_exercise(
    "2.4",
    right=INCIDENTS,
    choices=tuple(_WOULD_BE),
    slips={
        (incident, choice): f"{incident}: {text}"
        for incident, truth in INCIDENTS.items()
        for choice, text in _WOULD_BE.items()
        if choice != truth
    },
    hints=(
        "Draw 500 requests with rng.normal(150, 20, 500), do to them what the incident does, and call qq_plots.",
        "1.3 * sample, sample + 25 and np.minimum(sample, 170) are the three incidents.",
        "Read the lowest point first, then the highest: on the line, above it, and by how many ms?",
    ),
    why="where the points leave the line tells you which requests changed: look for the cause there.",
)

# 2.5: a window in which a rare tail shows at all --------------------------------------------------------------

_WINDOW = number_exercise(
    "2.5",
    right=228,
    within=10,
    slips={
        0.99: "the share of windows that is asked for. Of how many requests each?",
        50: "what holds one retry on average. How many of such windows hold none at all?",
        149: "what leaves one window in twenty without a retry. How many are allowed?",
    },
    slips_within=0.005,
    otherwise=lambda size: (
        f"a window holds at least one request; this is {size:g}."
        if size < 1
        else f"{100 * 0.98**size:.2g} % of windows of {size:,.0f} requests hold no retry, one in 100 may. "
        f"How many {'more' if size < 228 else 'fewer'} does it take?"
    ),
    hints=(
        "Ask the opposite: how likely is a window in which not one of n requests is retried?",
        "One request is not retried with probability 0.98; n of them in a row with 0.98 ** n.",
        "Find the smallest n with 0.98 ** n at most 0.01, by a loop or with a logarithm.",
    ),
    why="a rare event has to be in the window before any picture, or any test, can show it.",
)

# 2.6: a rule for another drift --------------------------------------------------------------------------------


@cache
def _line_ups():
    """Return 100 line-ups in which the spread of the real pair has drifted: (befores, afters, number)."""
    rng, made = np.random.default_rng(260), []
    for _ in range(100):
        pooled = np.concatenate([rng.normal(150, 20, 100), rng.normal(150, 30, 100)])
        panels = rng.permuted(np.tile(pooled, (5, 1)), axis=1)
        number = int(rng.integers(1, 6))
        panels[number - 1] = pooled
        made.append((panels[:, :100], panels[:, 100:], number))
    return made


def _finds_the_spread(rule):
    picks = []
    for befores, afters, _ in _line_ups():
        pick = one_number(call(as_function(rule), befores, afters, case="a line-up of five panels"))
        if pick not in range(1, 6):
            return f"your rule picks panel {pick:g}, and the panels are numbered from 1 to 5."
        picks.append(pick)
    hits = sum(pick == number for pick, (_, _, number) in zip(picks, _line_ups(), strict=True))
    if hits >= 70:
        return None
    if len(set(picks)) == 1:
        return f"your rule picks panel {picks[0]:g} in every line-up. Does it use what it is given?"
    if hits < 10:
        return f"your rule finds {hits} of 100, fewer than chance does. Is a difference taken the wrong way round?"
    if hits < 35:
        return f"your rule finds {hits} of 100, and chance finds about 20. Does what it compares differ here?"
    return f"your rule finds {hits} of 100, at least 70 are asked for. What says most about the distance from 150 ms?"


EXERCISES = (
    _HEIGHT,
    _FOUND,
    _GAP,
    _QQ,
    _WINDOW,
    Exercise(
        "2.6",
        _finds_the_spread,
        hints=(
            "What differs in the real pair, if not the mean? Which number measures that?",
            "Change one thing in pick_by_means: what is taken of each row before the difference.",
            "befores.std(axis=1) has one spread a panel. The panel with the largest difference is the pick.",
        ),
        why="a rule sees the drift that it was made for; chapter 07 compares rules for all kinds of drift.",
    ),
)
