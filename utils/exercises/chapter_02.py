"""Exercises of chapter 02, "Can I see it?"."""

from __future__ import annotations

import re

import numpy as np

from utils import simulate
from utils.exercises.engine import (
    Exercise,
    NotYet,
    Scoreboard,
    as_array,
    as_function,
    call,
    choice_exercise,
    describe,
    function_exercise,
    number_exercise,
    one_number,
)

# 2.1: area, not height --------------------------------------------------------------------------------------


def _share(latencies, low=160, high=170):
    return np.mean((latencies >= low) & (latencies <= high))


def _slips_of_a_share():
    historical, recent = simulate.course_latencies()
    share = _share(recent)
    one_edge = "what one edge alone gives. How many edges has the strip?"
    return {
        _share(historical): "the share of the historical requests in the strip. Which are asked for?",
        _share(simulate.course_latencies(drifted=False)[1]): "the control's share. Which are asked for?",
        share / 10: "the height of the curve, in shares per ms. A share is an area: how wide is the strip?",
        share * 500: "a count of requests. Which part of all recent requests is it?",
        _share(recent, high=np.inf): one_edge,
        _share(recent, low=0): one_edge,
        1: "what `|` gives: every request keeps to one of the edges. Which ones keep to both?",
    }


_AREA = number_exercise(
    "2.1",
    right=lambda: _share(simulate.course_latencies()[1]),
    within=0.02,
    slips=_slips_of_a_share,
    slips_within=0.008,
    otherwise=lambda share: (
        f"a share lies between 0 and 1, this is {share:g}."
        if not 0 <= share <= 1
        else "the strip holds more than a tenth of the requests, and less than a quarter. Which are in it?"
    ),
    hints=(
        "The curve's unit is 1/ms. What must a height be multiplied by to lose that unit?",
        "You need no curve: a comparison gives an array of True and False, and its mean is a share.",
        "Combine two comparisons with &: (recent >= 160) & …, each in brackets, and take the mean.",
    ),
    why="a share is an area under the curve; a height says nothing until you know how wide the strip is.",
)

# 2.2: the bandwidth that finds the bad node -----------------------------------------------------------------

# Of windows of 500 requests, the shares that show a second hump: healthy ones, and those with a bad node.
HUMPS = {0.5: (0.69, 1.0), 0.75: (0.08, 0.98), 1: (0.01, 0.91), 1.25: (0, 0.69), 1.5: (0, 0.19), 2: (0, 0)}

_BANDWIDTH = number_exercise(
    "2.2",
    right=0.75,
    within=0,
    slips={
        0.5: "a bandwidth that invents a second hump in about 69% of quiet windows. How many may show one?"
    }
    | {
        bw_adjust: f"a bandwidth that is quiet enough, but misses the bad node in about {1 - found:.0%} of windows. "
        "Does another find more, in two hundred windows?"
        for bw_adjust, (_, found) in HUMPS.items()
        if bw_adjust >= 1
    },
    otherwise=lambda bw_adjust: f"choose one of {', '.join(map(str, HUMPS))}; this is {bw_adjust:g}.",
    hints=(
        "Two numbers decide: how often a candidate invents a hump, and how often it finds the real one.",
        "Make 200 quiet windows and 200 with a bad node, as in the cell above, but of 500 requests each.",
        "Strike out those whose quiet share is above 0.20; the largest bad-node share of the rest wins.",
    ),
    why="a bandwidth trades humps invented for humps hidden; only a no-drift control shows the first.",
)

# 2.3: an ECDF, exact with ties ------------------------------------------------------------------------------


def _ecdf(sample, at):
    return np.searchsorted(np.sort(sample), at, side="right") / len(sample)


def _ecdf_cases():
    milliseconds = np.random.default_rng(230).integers(140, 160, size=200)
    at = np.array([147.5, 100.0, 159.0, 139.5, 150.0, 200.0, 140.0, 147.0])
    return {
        "an unsorted sample with ties and eight latencies": (milliseconds, at),
        "four requests and six latencies": (np.array([152.0, 148, 150, 148]), np.arange(152.0, 146, -1)),
        "a single latency, 150.0": (milliseconds, 150.0),
        "a sample in a list, and the single latency 148.0": ([152.0, 148.0, 150.0, 148.0], 148.0),
    }


_STAIRCASE = function_exercise(
    "2.3",
    cases=_ecdf_cases,
    right=_ecdf,
    returns=lambda result: as_array(result) if np.ndim(result) else one_number(result),
    slips={
        lambda sample, at: np.searchsorted(np.sort(sample), at) / len(sample): (
            "your function leaves out requests that took exactly as long. Does at or below count these ties?"
        ),
        lambda sample, at: np.searchsorted(np.sort(sample), at, side="right"): (
            "your function returns counts. A share ends at 1: a part of what?"
        ),
        lambda sample, at: np.searchsorted(sample, at, side="right") / len(sample): (
            "your function searches the sample as if it were sorted. In which order do requests come?"
        ),
        lambda sample, at: _ecdf(np.unique(sample), at): (
            "your function counts each latency once, however many took as long. What happens to the ties?"
        ),
        lambda sample, at: np.atleast_1d(_ecdf(sample, at)): (
            "at a single latency your function returns an array of one. Where is a number asked for?"
        ),
        lambda sample, at: np.arange(1, len(sample) + 1) / len(sample): (
            "your function returns one share per request. Where does it use `at`?"
        ),
    },
    hints=(
        "For a single latency the answer is one comparison and its mean.",
        "np.searchsorted on a sorted copy counts for many latencies at once; look at its argument side.",
        'np.searchsorted(np.sort(sample), at, side="right") counts the requests at or below.',
    ),
    why="an ECDF has nothing to tune, and every point of it can be checked by counting.",
)

# 2.4: what a Q-Q plot says ----------------------------------------------------------------------------------

DAYS = {"Monday": "spread", "Tuesday": "none", "Wednesday": "tail", "Thursday": "shift"}
_SIGNATURES = {
    "shift": "a shift moves all quantiles alike. Are the lowest points as far above the line as the middle?",
    "spread": "more spread makes the line of points too steep. Do the lowest lie below the line?",
    "tail": "a slow tail lifts the last few points, and these far. Where are they, and where is the middle?",
    "none": "with no drift only the ends wander, a little. How many ms off are the middle, and both ends?",
}

_WEEKDAYS = choice_exercise(
    "2.4",
    right=DAYS,
    choices=simulate.WEEKDAY_KINDS,
    slips={
        (day, kind): f"{day}: {text}"
        for day, truth in DAYS.items()
        for kind, text in _SIGNATURES.items()
        if kind != truth
    },
    hints=(
        "Draw one Q-Q plot a day, with the three lines above in a loop.",
        "Read the middle first: are the points parallel to the line, steeper, on it? Then the last few.",
        "Print by how much np.quantile(day, [0.1, 0.5, 0.9, 0.99]) differs from the same of historical.",
    ),
    why="where the points leave the line tells you which requests changed: look for the cause there.",
)

# 2.5: a window in which a rare tail shows at all ------------------------------------------------------------

_WINDOW = number_exercise(
    "2.5",
    right=228,
    within=10,
    slips={
        0.99: "the share of windows that is asked for. Of how many requests each?",
        50: "what holds one retry on average. How many of such windows hold none at all?",
        149: "what leaves one window in twenty without a retry. How many are allowed?",
    },
    slips_within=1.5,
    otherwise=lambda size: (
        f"{100 * 0.98**size:.2g} % of windows of {size:,.0f} requests hold not one retry, one in 100 may. "
        f"How many {'more' if size < 228 else 'fewer'} does it take? (If you simulated: take more windows.)"
    ),
    hints=(
        "Ask the opposite: how likely is a window in which not one of n requests is retried?",
        "One request is not retried with probability 0.98; n of them in a row with 0.98 ** n.",
        "Find the smallest n with 0.98 ** n at most 0.01, by a loop or with a logarithm.",
    ),
    why="a rare event has to be in the window before any picture, or any test, can show it.",
)

# 2.6: a title that states the finding -----------------------------------------------------------------------

HISTORY, RECENT = simulate.course_latencies()
_WHOLE = np.array([148.0, 150.0, 151.0, 153.0, 170.0])  # a median without a rounding error


def _title(finding, recent, case, historical=HISTORY):
    """Return the learner's title for some recent data."""
    title = call(as_function(finding), historical, recent, case=case)
    if not isinstance(title, str):
        raise NotYet(f"a title is a text, this is {describe(title)}.")
    return title


def _words(title):
    """Return which of the three findings a title states."""
    return [word for word in ("slower", "faster", "no visible shift") if word in title.casefold()]


def _amounts(title):
    plain = title.replace("−", "-")
    return [float(number) for number in re.findall(r"((?<!\d)[-+]?\d+(?:\.\d+)?)\s*ms\b", plain)]


def _names_slower(finding):
    title = _title(finding, RECENT, "the course's data")
    return None if _words(title) == ["slower"] else f"the title is {title!r}. Which median is larger?"


def _names_faster(finding):
    title = _title(finding, HISTORY - 12, "recent requests that are 12 ms quicker")
    if _words(title) != ["faster"]:
        return f"for requests 12 ms quicker the title is {title!r}. Can a difference be below zero?"
    if min(_amounts(title), default=0) < 0:
        return f"the title {title!r} says the direction twice: by its word and by a minus sign."
    return None


def _names_the_amount(finding):
    title = _title(finding, RECENT, "the course's data")
    moved = np.median(RECENT) - np.median(HISTORY)
    if any(abs(abs(amount) - moved) <= 0.51 for amount in _amounts(title)):
        return None
    return f'the title is {title!r}. By how much did the median move, rounded and followed by "ms"?'


def _is_short(finding):
    title = _title(finding, RECENT, "the course's data")
    if len(title) > 60 or "\n" in title:
        return f"the title has {len(title)} characters; a person on call reads one line of at most 60."
    decimals = re.findall(r"\d+\.\d+", title)
    return f'nobody reads {decimals[0]} ms: round to whole ms, as in "12 ms".' if decimals else None


def _claims_nothing_without_drift(finding):
    for seed in range(5):
        _, quiet = simulate.course_latencies(seed, drifted=False)
        quiet += np.median(HISTORY) - np.median(quiet) + seed - 2
        title = _title(finding, quiet, "recent requests that have not drifted")
        if _words(title) != ["no visible shift"]:
            return f"nothing drifted, and the title is {title!r}. Which of the three wordings may it hold?"
    return None


def _keeps_to_the_limit(finding):
    findings = {3.4: "slower", -3.4: "faster", 3: "slower", -3: "faster", 2.6: "no visible shift"}
    for moved, expected in findings.items():
        title = _title(finding, _WHOLE + moved, f"medians that differ by {moved:+g} ms", _WHOLE)
        if expected not in _words(title):
            return f"medians {moved:+g} ms apart get {title!r}. Is that 3 ms or more, before rounding?"
    return None


def _ignores_a_few_timeouts(finding):
    rng = np.random.default_rng(260)
    hanging = np.where(rng.random(500) < 0.02, 2_000.0, rng.normal(150, 20, size=500))
    title = _title(finding, hanging, "a few timeouts of 2,000 ms")
    if "no visible shift" in _words(title):
        return None
    return f"a few requests took 2,000 ms, and the title is {title!r}. How far does the median move?"


def _takes_lists(finding):
    title = _title(finding, (HISTORY - 12).tolist(), "lists", HISTORY.tolist())
    if title != _title(finding, HISTORY - 12, "arrays"):
        return "the title for lists differs from the title for the same latencies in arrays."
    return None


_TITLE = Scoreboard(
    (
        ('says "slower" when recent requests are slower', _names_slower),
        ('says "faster" when they are faster', _names_faster),
        ("gives the amount in ms", _names_the_amount),
        ("is one short line, rounded", _is_short),
        ("claims nothing when nothing drifted", _claims_nothing_without_drift),
        ("draws the line at 3 ms", _keeps_to_the_limit),
        ("is not moved by a few timeouts", _ignores_a_few_timeouts),
        ("takes a list, too", _takes_lists),
    )
)


EXERCISES = (
    _AREA,
    _BANDWIDTH,
    _STAIRCASE,
    _WEEKDAYS,
    _WINDOW,
    Exercise(
        "2.6",
        _TITLE,
        hints=(
            "Begin with moved = np.median(recent) - np.median(historical), and three cases of it.",
            "The word gives the direction, so the number after it is abs(moved), in an f-string with :.0f.",
            'First: if abs(moved) < 3, return "No visible shift". Then a title with a word for the sign.',
        ),
        why="whoever is paged may read the title and nothing else, so it must be true on quiet nights too.",
    ),
)
