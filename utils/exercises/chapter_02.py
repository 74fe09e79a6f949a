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
    as_number,
    call,
    choice_exercise,
    function_exercise,
    number_exercise,
    one_number,
)

# 2.1: area, not height --------------------------------------------------------------------------------------


def _share(latencies, low=160, high=170):
    return np.mean((latencies >= low) & (latencies <= high))


def _slips_of_a_share():
    historical, recent = simulate.course_latencies()
    _, quiet = simulate.course_latencies(drifted=False)
    one_edge = (
        "what one edge alone gives, all above 160 ms or all below 170 ms. How many edges has the strip?"
    )
    of_others = "the right count, divided by too many. Of which set is a share asked for?"
    return {
        _share(quiet): "the share in the no-drift control; the recent requests are asked for.",
        _share(
            historical
        ): "the share of the historical requests in this strip; the recent ones are asked for.",
        _share(recent)
        / 10: "the height of the curve, in shares per ms. A share is an area: how many ms wide is the strip?",
        _share(recent)
        * 500: "a count of requests. Counts depend on how many were recorded: which part of them is it?",
        _share(recent, high=np.inf): one_edge,
        _share(recent, low=0): one_edge,
        1: "what `|` gives: every request keeps to one of the edges. Which ones keep to both?",
        1 - _share(recent): "the share outside of the strip. Which side of each edge is inside?",
        _share(recent) / 2: of_others,
        _share(recent) / 3: of_others,
        recent[(recent >= 160) & (recent <= 170)].mean(): "the mean latency in the strip. How many of the "
        "requests are in it?",
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
        else "look at the picture: the strip lies at the top of the recent curve, so it holds more than a tenth of "
        "the requests, but it is narrow, so it holds less than a quarter. Which of them are at least 160 ms and at "
        "most 170 ms?"
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


def bandwidth_for_the_bad_node(answer):
    """Judge the bandwidth: quiet enough first, then the one that finds most."""
    bw_adjust = as_number(answer)
    if bw_adjust not in HUMPS:
        return f"choose one of {', '.join(map(str, HUMPS))}; this is {bw_adjust:g}."
    invented, found = HUMPS[bw_adjust]
    if invented > 0.2:
        return (
            f"at {bw_adjust:g}, about {invented:.0%} of quiet windows show a second hump. Mira tolerates one in "
            "five, so count humps where there is no bad node, too."
        )
    if found < max(found for invented, found in HUMPS.values() if invented <= 0.2):
        return (
            f"{bw_adjust:g} is quiet enough, but it smooths over the bad node in about {1 - found:.0%} of the windows "
            "that have one. Does another candidate keep the condition and find more, in two hundred windows?"
        )
    return None


# 2.3: an ECDF, exact with ties ------------------------------------------------------------------------------


def _ecdf(sample, at):
    return np.searchsorted(np.sort(sample), at, side="right") / len(sample)


def _ecdf_cases():
    milliseconds = np.random.default_rng(230).integers(140, 160, size=200)
    at = np.array([147.5, 100.0, 159.0, 139.5, 150.0, 200.0, 140.0, 147.0])
    return {
        "an unsorted sample with ties and eight latencies": (milliseconds, at),
        "four requests and six latencies": (
            np.array([152.0, 148.0, 150.0, 148.0]),
            np.arange(152.0, 146, -1),
        ),
        "a single latency, 150.0": (milliseconds, 150.0),
        "the sample [152.0, 148.0, 150.0, 148.0], a list, and the single latency 148.0": (
            [152.0, 148.0, 150.0, 148.0],
            148.0,
        ),
    }


def _interpolated(sample, at):
    values, counts = np.unique(sample, return_counts=True)
    return np.interp(at, values, np.cumsum(counts) / len(sample), left=0)


def _by_distinct(sample, at):
    return _ecdf(np.unique(sample), at)


_TOO_MANY = "your function returns one value per request; one share per entry of `at` is asked for."

_STAIRCASE = function_exercise(
    "2.3",
    cases=_ecdf_cases,
    right=_ecdf,
    returns=lambda result: as_array(result) if np.ndim(result) else one_number(result),
    slips={
        lambda sample, at: np.searchsorted(np.sort(sample), at) / len(sample): (
            "your function leaves out the requests that took exactly as long as asked. At or below counts them, and "
            "recorded latencies are full of ties."
        ),
        lambda sample, at: 1 - np.searchsorted(np.sort(sample), at) / len(sample): (
            "your function returns the share at or above. Which side of `at` is asked for?"
        ),
        lambda sample, at: np.searchsorted(np.sort(sample), at, side="right"): (
            "your function returns counts. A share ends at 1: a part of what?"
        ),
        lambda sample, at: _ecdf(sample, at) * len(sample) / np.size(at): (
            "your function divides by the number of latencies asked about. A share of which set is asked for?"
        ),
        lambda sample, at: np.searchsorted(sample, at, side="right") / len(sample): (
            "your function searches the sample as if it were sorted. Requests come in the order of time."
        ),
        lambda sample, at: _ecdf(sample, np.sort(np.atleast_1d(at))): (
            "your function returns the shares in ascending order. Each belongs to its own entry of `at`."
        ),
        _interpolated: (
            "your function climbs between requests. An ECDF is a staircase: it moves only at a request."
        ),
        _by_distinct: (
            "your function counts each latency once, however many requests took as long. What happens to the ties?"
        ),
        lambda sample, at: np.mean(np.equal.outer(at, sample), axis=-1): (
            "your function returns the share at exactly each latency. At or below is asked for."
        ),
        lambda sample, at: np.atleast_1d(_ecdf(sample, at)): (
            "at a single latency your function returns an array of one. One share is asked for there: a number."
        ),
        lambda sample, at: np.mean(np.asarray(sample) <= np.mean(at)): (
            "your function returns one value for all latencies together; one share for each of them is asked for."
        ),
        lambda sample, at: np.mean(np.less_equal.outer(sample, np.atleast_1d(at)), axis=1): _TOO_MANY,
        lambda sample, at: np.arange(1, len(sample) + 1) / len(sample): _TOO_MANY,
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
    "shift": "a shift moves every quantile by about the same. Do the lowest points stand as far above the line as "
    "those in the middle?",
    "spread": "more spread moves low quantiles down and high ones up, a straight line that is too steep. Are the "
    "lowest points below the line?",
    "tail": "a slow tail leaves all but the last few points where they were, and these shoot up. Where are the "
    "last points, and where is the middle?",
    "none": "with no drift every point stays near the line, those at the ends wandering a little. How many ms off "
    "the line are the points in the middle, and those at both ends?",
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


def _no_window(size):
    if size < 1:
        return (
            "a window holds at least one request. Is this a probability? The number of requests is asked for."
        )
    said = f"{100 * 0.98**size:.2g} % of windows of {size:,.0f} requests hold not one retry, and one in a hundred may. "
    said += "How many more" if size < 228 else "How many fewer"
    return said + " does it take? (If you simulated: count in more windows, or multiply probabilities.)"


_WINDOW = number_exercise(
    "2.5",
    right=228,
    within=10,
    slips={
        0.99: "the share of windows that is asked for. Of how many requests each?",
        50: "what holds one retry on average. Averages hide: how many of such windows hold none at all?",
        np.log(0.05)
        / np.log(0.98): "what leaves one window in twenty without a retry. How many are allowed?",
        np.log(0.5) / np.log(0.98): "what half of the windows need. How many of them should hold a retry?",
        np.log(0.01)
        / np.log(0.99): "what one retried request in a hundred would need. How rare are they here?",
        np.log(0.001)
        / np.log(0.98): "what leaves one window in a thousand without a retry. How many are allowed?",
    },
    slips_within=1.5,
    otherwise=_no_window,
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
    if title is None:
        raise NotYet("a title is a text, this is None: is a return missing?")
    if not isinstance(title, str):
        raise NotYet(f"a title is a text, this is of type {type(title).__name__}.")
    return title


def _says(title, word):
    return word in title.casefold()


def _amounts(title):
    plain = title.replace("−", "-")
    return [float(number) for number in re.findall(r"((?<!\d)[-+]?\d+(?:\.\d+)?)\s*ms\b", plain)]


def _names_slower(finding):
    title = _title(finding, RECENT, "the course's data")
    if not _says(title, "slower"):
        return f'the title {title!r} does not say that recent requests are "slower".'
    return "the title says both directions." if _says(title, "faster") else None


def _names_faster(finding):
    title = _title(finding, HISTORY - 12, "recent requests that are 12 ms quicker")
    if _says(title, "no visible shift"):
        return f"the medians differ by 12 ms, and the title is {title!r}. A difference can be below zero."
    if not _says(title, "faster") or _says(title, "slower"):
        return f"for quicker recent requests the title is {title!r}. Which of the two medians is larger?"
    if any(amount < 0 for amount in _amounts(title)):
        return f"the title {title!r} says the direction twice: by its word and by a minus sign."
    return None


def _names_the_amount(finding):
    title = _title(finding, RECENT, "the course's data")
    moved = np.median(RECENT) - np.median(HISTORY)
    amounts = [abs(amount) for amount in _amounts(title)]
    if not amounts:
        return f'the title {title!r} has no number followed by the unit "ms".'
    if any(abs(amount - moved) <= 0.51 for amount in amounts):
        return None
    if int(moved) in amounts:
        return f"the medians differ by {moved:.2f} ms, and the title {title!r} cuts the decimals off. Round."
    return f"the title {title!r} gives another amount than the medians have moved by."


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
        if _says(title, "slower") or _says(title, "faster"):
            said = f"nothing drifted, and the title says {title!r}. "
            if _says(title, "no visible shift"):
                return said + "Leave both words out of it: who skims a title reads them."
            return said + "Two samples never have the same median."
        if not _says(title, "no visible shift"):
            return f'nothing drifted, and the title {title!r} does not say "no visible shift".'
    return None


def _keeps_to_the_limit(finding):
    for moved in (3.4, -3.4, 3, -3):
        title = _title(finding, _WHOLE + moved, f"medians that differ by {moved:+g} ms", _WHOLE)
        if not _says(title, "slower" if moved > 0 else "faster"):
            return f"the medians differ by {abs(moved):g} ms, the limit or more, and the title is {title!r}."
    title = _title(finding, _WHOLE + 2.6, "medians that differ by 2.6 ms", _WHOLE)
    if not _says(title, "no visible shift"):
        said = f"the medians differ by 2.6 ms, which is less than the limit, and the title is {title!r}."
        return said + " Is it rounded before it is compared?" * (_amounts(title) == [3.0])
    return None


def _ignores_a_few_timeouts(finding):
    rng = np.random.default_rng(260)
    hanging = np.where(rng.random(500) < 0.02, 2_000.0, rng.normal(150, 20, size=500))
    title = _title(finding, hanging, "a few timeouts of 2,000 ms")
    if _says(title, "no visible shift") or not (_says(title, "slower") or _says(title, "faster")):
        return None
    said = f"a few requests in 500 took 2,000 ms, the others as long as ever, and the title says {title!r}. "
    if max(map(abs, _amounts(title)), default=np.inf) < 3:
        return said + "The medians differ by less than the limit."
    return said + "Which summary do a few extreme values leave alone?"


def _takes_lists(finding):
    for recent in (RECENT, HISTORY - 12):
        as_given = _title(finding, recent, "the course's data")
        if _title(finding, recent.tolist(), "lists", HISTORY.tolist()) != as_given:
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
    Exercise(
        "2.2",
        bandwidth_for_the_bad_node,
        hints=(
            "Two numbers decide: how often a candidate invents a hump, and how often it finds the real one.",
            "Make 40 quiet windows and 40 with a bad node, as in the cell above, but of 500 requests each.",
            "Strike out those whose quiet share is above 0.20; the largest bad-node share of the rest wins.",
        ),
        why="a bandwidth trades humps invented for humps hidden; only a no-drift control shows the first.",
    ),
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
