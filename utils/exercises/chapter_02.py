"""Exercises of chapter 02, "Can I see it?"."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from utils import simulate
from utils.exercises.engine import (
    Exercise,
    NotYet,
    Scoreboard,
    as_array,
    as_choice,
    as_function,
    as_number,
    call,
)
from utils.simulate import WEEKDAY_KINDS, weekdays

# 2.1: area, not height --------------------------------------------------------------------------------------


def share_between_160_and_170(answer):
    """Judge the share of recent latencies from 160 to 170 ms; the area under the KDE is near enough."""
    share = as_number(answer)
    historical, recent = simulate.course_latencies()
    _, quiet = simulate.course_latencies(drifted=False)
    true, of_historical, of_quiet = (np.mean((s >= 160) & (s <= 170)) for s in (recent, historical, quiet))
    if share == of_quiet:  # exactly, since it's near enough to pass otherwise
        return "that is the share in the no-drift control; the recent requests are asked for."
    if abs(share - true) <= 0.02:
        return None
    if abs(share - true / 10) <= 0.004:
        return (
            f"{share:g} is the height of the curve, in shares per ms. A share is an area: how many ms wide "
            "is the strip?"
        )
    if abs(share - 100 * true) <= 2:
        return f"{share:g} reads as percent; a share lies between 0 and 1."
    if abs(share - true * len(recent)) <= 10:
        return (
            f"{share:g} counts requests. Counts depend on how many were recorded; the question is which "
            "part of them."
        )
    if abs(share - of_historical) <= 0.02:
        return (
            "that is near the share of the historical requests in this strip; the recent ones are asked for."
        )
    if abs(share - np.mean(recent <= 170)) <= 0.02:
        return "that is everything up to 170 ms. The strip has two edges."
    if abs(share - np.mean(recent >= 160)) <= 0.02:
        return "that is everything from 160 ms upward. The strip has two edges."
    if not 0 <= share <= 1:
        return f"a share lies between 0 and 1, this is {share:g}."
    return (
        f"{share:g} is not the part of the recent requests in the strip. Which of them are at least 160 ms "
        "and at most 170 ms?"
    )


# 2.2: the bandwidth that finds the bad node -----------------------------------------------------------------

CANDIDATES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
WINDOWS, WINDOW_SIZE, TOLERATED = 150, 500, 0.20


@cache
def _windows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(220)
    quiet = rng.normal(150, 20, size=(WINDOWS, WINDOW_SIZE))
    return quiet, simulate.bad_node(rng.normal(150, 20, size=(WINDOWS, WINDOW_SIZE)), rng, factor=1.6)


@cache
def _humped_shares(bw_adjust: float) -> tuple[float, float]:
    """Return the shares of quiet and of bad-node windows whose KDE has a second hump."""
    shares = []
    for windows in _windows():
        humped = 0
        for window in windows:
            # A KDE on a grid of 1 ms is a smoothed histogram, and a good deal faster.
            counts = np.histogram(window, bins=np.arange(0, 500))[0].astype(float)
            bandwidth_ms = window.std(ddof=1) * WINDOW_SIZE**-0.2 * bw_adjust
            density = gaussian_filter1d(counts, bandwidth_ms)
            humped += len(find_peaks(density, prominence=0.02 * density.max())[0]) > 1
        shares.append(humped / WINDOWS)
    return shares[0], shares[1]


def bandwidth_for_the_bad_node(answer):
    """Judge the bandwidth by simulation: quiet enough first, then the one that finds most."""
    bw_adjust = as_number(answer)
    listed = ", ".join(f"{candidate:g}" for candidate in CANDIDATES)
    if bw_adjust not in CANDIDATES:
        return f"choose one of {listed}; this is {bw_adjust:g}."
    invented, found = _humped_shares(bw_adjust)
    if invented > TOLERATED:
        return (
            f"at {bw_adjust:g}, {invented:.0%} of quiet windows show a second hump. Mira tolerates one in "
            "five, so count humps where there is no bad node, too."
        )
    better = [b for b in CANDIDATES if _humped_shares(b)[0] <= TOLERATED and _humped_shares(b)[1] > found]
    if better:
        return (
            f"{bw_adjust:g} is quiet enough, but it smooths over the bad node: it shows a second hump in "
            f"{found:.0%} of the windows that have one. Another candidate is quiet enough and finds more."
        )
    return None


# 2.3: an ECDF, exact with ties ------------------------------------------------------------------------------


def ecdf_exact_with_ties(answer):
    """Judge an ECDF by what it returns for samples with ties, unsorted, and at many latencies."""
    ecdf = as_function(answer)
    rng = np.random.default_rng(230)
    sample = rng.integers(140, 160, size=200).astype(float)
    at = np.array([100.0, 139.5, 140.0, 147.0, 147.5, 150.0, 159.0, 200.0])
    expected = np.mean(sample[:, None] <= at, axis=0)

    shares = call(ecdf, sample, at, case="an array of eight latencies")
    if np.ndim(shares) == 0:
        return (
            f"at eight latencies your function returned one value, {as_number(shares):.3g}; one share per "
            "latency is asked for."
        )
    if np.ndim(shares) == 1 and np.size(shares) == sample.size != at.size:
        return "your function returned one value per request; one share per entry of at is asked for."
    problem = _ecdf_problem(as_array(shares, size=at.size), expected, sample, at)
    if problem:
        return problem

    one = _one_share(call(ecdf, sample, 150.0, case="a single latency"))
    if not np.isclose(one, np.mean(sample <= 150)):
        return f"right for arrays, but for the single latency 150.0 your function returned {one:.3g}."
    in_a_list = [152.0, 148.0, 150.0, 148.0]
    for latency, share in ((148.0, 0.5), (149.0, 0.5), (152.0, 1.0)):
        # Not handed over by `call`, which would hand over a copy.
        shares = call(lambda at: ecdf(in_a_list, at), latency, case="a sample given as a list")
        got = _one_share(shares)
        if in_a_list != [152.0, 148.0, 150.0, 148.0]:
            return (
                "your function sorts the caller's own list. Sort a copy, and leave the input as it was found."
            )
        if not np.isclose(got, share):
            return f"for the sample [152, 148, 150, 148] at {latency:g} ms your function returned {got:.3g}."
    return None


def _one_share(result) -> float:
    """Return the share for one latency, also when it comes alone in a list or a Series."""
    return as_number(np.ravel(result)[0] if np.size(result) == 1 and np.ndim(result) else result)


def _ecdf_problem(shares, expected, sample, at) -> str | None:
    """Name the idea behind a wrong array of shares; None when it is right."""
    if np.allclose(shares, expected):
        return None
    below = np.mean(sample[:, None] < at, axis=0)
    if np.allclose(shares, below):
        return (
            "your function leaves out the requests that took exactly as long as asked. At or below counts "
            "them, and recorded latencies are full of ties."
        )
    if np.allclose(shares, 1 - expected) or np.allclose(shares, 1 - below):
        return "your function returns the share above. That is what is left over of the ECDF."
    if np.allclose(shares, expected * sample.size) or np.allclose(shares, 100 * expected):
        return (
            f"your function returns {shares.max():g} beyond the slowest request. A share ends at 1: a part "
            "of what?"
        )
    if np.allclose(shares, expected * sample.size / at.size):
        return (
            "your function divides by the number of latencies asked about. A share of which set is asked for?"
        )
    if np.allclose(shares, np.searchsorted(sample, at, side="right") / sample.size):
        return "your function searches the sample as if it were sorted. Requests come in the order of time."
    if np.all(np.diff(shares) >= 0) and not np.isclose(shares[4], shares[3]):
        return (
            "between 147 and 147.5 ms your function climbs, though no request lies between. An ECDF is a "
            "staircase: it moves only at a request."
        )
    if any(np.allclose(shares, np.round(expected, decimals)) for decimals in (1, 2, 3)):
        return "your function rounds. Return the share as it is, and round where you print it."
    worst = int(np.argmax(np.abs(shares - expected)))
    return (
        f"at {at[worst]:g} ms your function returned {shares[worst]:.3g}. Count by hand the requests at or "
        "below that."
    )


# 2.4: what a Q-Q plot says ----------------------------------------------------------------------------------


def kind_by_quantiles(historical: np.ndarray, recent: np.ndarray) -> str:
    """Return "shift", "spread", "tail" or "none" by how far the quantiles have moved."""
    low, middle, high, extreme = _moves(historical, recent)
    if extreme - high > 40:
        return "tail"
    if high - low > 12:
        return "spread"
    return "shift" if abs(middle) > 6 else "none"


def _moves(historical: np.ndarray, recent: np.ndarray) -> np.ndarray:
    """Return by how many ms the 10, 50, 90 and 99 % quantiles have moved."""
    levels = (0.10, 0.50, 0.90, 0.99)
    return np.quantile(recent, levels) - np.quantile(historical, levels)


_SIGNATURES = {
    "shift": "a shift moves every quantile by about the same",
    "spread": "more spread moves low quantiles down and high ones up, a straight line that is too steep",
    "tail": "a slow tail leaves all but the last few points where they were",
    "none": "with no drift every point stays near the line, those at the ends wandering a little",
}


def kinds_of_the_mystery_days(answer):
    """Judge the four kinds; a wrong one is held against the quantiles of its day."""
    try:
        given = {str(day).strip().capitalize(): kind for day, kind in dict(answer).items()}
    except (TypeError, ValueError):
        return 'a dictionary is expected, as in {"Monday": "shift", "Tuesday": …}.'
    days, (historical, _) = weekdays(), simulate.course_latencies()
    kinds = {}
    for day in days:
        if day not in given:
            return f"{day} is missing; the days are {', '.join(days)}."
        kinds[day] = as_choice(given[day], WEEKDAY_KINDS)
    for day, latencies in days.items():
        if kinds[day] != kind_by_quantiles(historical, latencies):
            low, middle, high, extreme = _moves(historical, latencies)
            return (
                f"{day}: {_SIGNATURES[kinds[day]]}. Here the 10, 50, 90 and 99 % quantiles moved by "
                f"{low:+.0f}, {middle:+.0f}, {high:+.0f} and {extreme:+.0f} ms."
            )
    return None


# 2.5: a window in which a rare tail shows at all ------------------------------------------------------------


def window_that_shows_the_tail(answer):
    """Judge the window by the chance that it holds at least one of the one-in-fifty slow requests."""
    size = as_number(answer)
    if size != int(size) or size < 1:
        return f"a window holds a whole number of requests, at least one; this is {size:g}."
    empty = 0.98**size
    if 0.98**240 <= empty <= 0.98**216:
        return None
    if size == 50:
        return (
            f"50 requests hold one retry on average. Averages hide: {empty:.0%} of such windows hold none "
            "at all."
        )
    if empty > 0.01:
        return (
            f"{empty:.1%} of windows of {size:g} requests hold not one retry, and no picture can show what "
            "is not in the data. One window in a hundred is allowed."
        )
    return (
        f"{size:,.0f} requests are enough, and a smaller window is, too. The question asks for the smallest, "
        "to within ten requests."
    )


# 2.6: a title that states the finding -----------------------------------------------------------------------


def _title(finding: Callable, recent, case: str) -> str:
    """Return the learner's title for the course's history against some recent data."""
    title = call(finding, simulate.course_latencies()[0], recent, case=case)
    if title is None:
        raise NotYet("a title is a text, this is None: is a return missing?")
    if not isinstance(title, str):
        raise NotYet(f"a title is a text, this is of type {type(title).__name__}.")
    return title


def _amounts(title: str) -> list[float]:
    return [
        float(number)
        for number in re.findall(r"((?<!\d)[-+−]?\d+(?:\.\d+)?)\s*ms\b", title.replace("−", "-"))
    ]


def _names_slower(finding):
    title = _title(as_function(finding), simulate.course_latencies()[1], "the course's data")
    if "slower" not in title.casefold():
        return f'the title {title!r} does not say that recent requests are "slower".'
    return "the title says both directions." if "faster" in title.casefold() else None


def _names_faster(finding):
    history = simulate.course_latencies()[0]
    title = _title(as_function(finding), history - 12, "recent requests that are 12 ms quicker")
    if "no visible shift" in title.casefold():
        return f"the medians differ by 12 ms, and the title is {title!r}. A difference can be below zero."
    if "faster" not in title.casefold() or "slower" in title.casefold():
        return f"for quicker recent requests the title is {title!r}. Which of the two medians is larger?"
    if any(amount < 0 for amount in _amounts(title)):
        return f"the title {title!r} says the direction twice: by its word and by a minus sign."
    return None


def _names_the_amount(finding):
    historical, recent = simulate.course_latencies()
    title, moved = (
        _title(as_function(finding), recent, "the course's data"),
        np.median(recent) - np.median(historical),
    )
    if not _amounts(title):
        return f'the title {title!r} has no number followed by the unit "ms".'
    if not any(abs(abs(amount) - moved) <= 0.6 for amount in _amounts(title)):
        if any(abs(amount) == int(moved) for amount in _amounts(title)):
            return (
                f"the medians differ by {moved:.2f} ms, and the title {title!r} cuts the decimals off. Round."
            )
        return f"the title {title!r} gives another amount than the medians have moved by."
    return None


def _is_short(finding):
    title = _title(as_function(finding), simulate.course_latencies()[1], "the course's data")
    if len(title) > 60 or "\n" in title:
        return f"the title has {len(title)} characters; a person on call reads one line of at most 60."
    long_numbers = re.findall(r"\d+\.\d{2,}", title)
    return f"nobody reads {long_numbers[0]} ms: round to whole ms." if long_numbers else None


def _claims_nothing_without_drift(finding):
    for seed in range(20):
        quiet = simulate.course_latencies(seed, drifted=False)[1]
        if abs(np.median(quiet) - np.median(simulate.course_latencies()[0])) > 2.5:
            continue
        title = _title(as_function(finding), quiet, "recent requests that have not drifted")
        if "slower" in title.casefold() or "faster" in title.casefold():
            said = f"nothing drifted, and the title says {title!r}. "
            if "no visible shift" in title.casefold():
                return said + "Leave both words out of it: who skims a title reads them."
            return said + "Two samples never have the same median."
        if "no visible shift" not in title.casefold():
            return f'nothing drifted, and the title {title!r} does not say "no visible shift".'
    return None


def _keeps_to_the_limit(finding):
    history = simulate.course_latencies()[0]
    for moved in (3.4, -3.4):
        title = _title(as_function(finding), history + moved, f"medians that differ by {moved:+g} ms")
        if ("slower" if moved > 0 else "faster") not in title.casefold():
            return f"the medians differ by 3.4 ms, which is more than the limit, and the title is {title!r}."
    title = _title(as_function(finding), history + 2.6, "medians that differ by 2.6 ms")
    if "no visible shift" not in title.casefold():
        said = f"the medians differ by 2.6 ms, which is less than the limit, and the title is {title!r}."
        return said + " Is it rounded before it is compared?" * (_amounts(title) == [3.0])
    return None


def _ignores_a_few_timeouts(finding):
    rng = np.random.default_rng(260)
    with_timeouts = np.where(rng.random(500) < 0.02, 2_000.0, rng.normal(150, 20, size=500))
    title = _title(as_function(finding), with_timeouts, "a few timeouts of 2,000 ms")
    plain = title.casefold()
    if ("slower" in plain or "faster" in plain) and "no visible shift" not in plain:
        said = (
            f"a few requests in 500 took 2,000 ms, the others as long as ever, and the title says {title!r}. "
        )
        if max(map(abs, _amounts(title)), default=np.inf) < 3:
            return said + "The medians differ by less than the limit."
        return said + "Which summary do a few extreme values leave alone?"
    return None


def _takes_lists(finding):
    recent = simulate.course_latencies()[1]
    as_given = _title(as_function(finding), recent, "the course's data")
    if _title(as_function(finding), recent.tolist(), "a list") != as_given:
        return "the title for a list differs from the title for the same latencies in an array."
    return None


TITLE_BEHAVIOURS = (
    ('says "slower" when recent requests are slower', _names_slower),
    ('says "faster" when they are faster', _names_faster),
    ("gives the amount in ms", _names_the_amount),
    ("is one short line, rounded", _is_short),
    ("claims nothing when nothing drifted", _claims_nothing_without_drift),
    ("draws the line at 3 ms", _keeps_to_the_limit),
    ("is not moved by a few timeouts", _ignores_a_few_timeouts),
    ("takes a list, too", _takes_lists),
)


# Wrong and other right answers that are functions -----------------------------------------------------------


EXERCISES = (
    Exercise(
        id="2.1",
        judge=share_between_160_and_170,
        hints=(
            "The curve's unit is 1/ms. What must a height be multiplied by to lose that unit?",
            "You need no curve: a comparison gives an array of True and False, and its mean is a share.",
            "Combine two comparisons with &: (recent >= 160) & …, each in brackets, and take the mean.",
        ),
        why="a share is an area under the curve; a height says nothing until you know how wide the strip is.",
    ),
    Exercise(
        id="2.2",
        judge=bandwidth_for_the_bad_node,
        hints=(
            "Two numbers decide: how often a candidate invents a hump, and how often it finds the real one.",
            "Make 40 quiet windows and 40 with a bad node, as in the cell above, but of 500 requests each.",
            "Strike out those whose quiet share is above 0.20; the largest bad-node share of the rest wins.",
        ),
        why="a bandwidth trades humps invented for humps hidden; only a no-drift control shows the first.",
    ),
    Exercise(
        id="2.3",
        judge=ecdf_exact_with_ties,
        hints=(
            "For a single latency the answer is one comparison and its mean.",
            "np.searchsorted on a sorted copy counts for many latencies at once; look at its argument side.",
            'np.searchsorted(np.sort(sample), at, side="right") counts the requests at or below.',
        ),
        why="an ECDF has nothing to tune, and every point of it can be checked by counting.",
    ),
    Exercise(
        id="2.4",
        judge=kinds_of_the_mystery_days,
        hints=(
            "Draw one Q-Q plot a day, with the three lines above in a loop.",
            "Read the middle first: are the points parallel to the line, steeper, on it? Then the last few.",
            "Print by how much np.quantile(day, [0.1, 0.5, 0.9, 0.99]) differs from the same of historical.",
        ),
        why="where the points leave the line tells you which requests changed: look for the cause there.",
    ),
    Exercise(
        id="2.5",
        judge=window_that_shows_the_tail,
        hints=(
            "Ask the opposite: how likely is a window in which not one of n requests is retried?",
            "One request is not retried with probability 0.98; n of them in a row with 0.98 ** n.",
            "Find the smallest n with 0.98 ** n at most 0.01, by a loop or with a logarithm.",
        ),
        why="a rare event has to be in the window before any picture, or any test, can show it.",
    ),
    Exercise(
        id="2.6",
        judge=Scoreboard(TITLE_BEHAVIOURS),
        hints=(
            "Begin with moved = np.median(recent) - np.median(historical), and three cases of it.",
            "The word gives the direction, so the number after it is abs(moved), in an f-string with :.0f.",
            'First: if abs(moved) < 3, return "No visible shift". Then a title with a word for the sign.',
        ),
        why="whoever is paged may read the title and nothing else, so it must be true on quiet nights too.",
    ),
)
