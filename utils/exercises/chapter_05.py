"""Exercises of chapter 05, "So what?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import choice_exercise, number_exercise


@cache
def _samples():
    from utils.simulate import course_latencies  # brings scipy, for which others need not wait

    return course_latencies()


def _width(ordered, center, spread, flags=2):
    """Return the smallest width, to one decimal, beyond which at most so many of the recent requests lie."""
    away = np.sort(np.abs(ordered - center))[::-1] / spread
    return np.ceil(10 * away[flags]) / 10


def _widths():
    historical, recent = _samples()
    center, spread = historical.mean(), historical.std()
    width = _wide_enough()
    return {
        _width(recent, recent.mean(), recent.std()): (
            "the width for limits learned from the recent requests. Which ones did the rule know?"
        ),
        _width(recent, center, recent.std()): (
            "the width in standard deviations of the recent requests. Which ones are asked for?"
        ),
        _width(recent, center, spread, flags=0): "the width that flags none at all. How many may be flagged?",
        _width(recent, center, spread, flags=1): "the width that flags one. How many may be flagged?",
        width - 0.1: "a width that still flags more than two.",
        width * spread: "a distance in ms. How many standard deviations is that?",
        center + width * spread: "a limit in ms. How many standard deviations does it lie from the mean?",
    }


# 5.2: what a flag is worth, from the recall, the false alarms and how many fail -----------------------------

_RECALL, _FALSE, _RARE = 0.80, 0.025, 0.001  # of the drifted day


def _precision(failing, recall=_RECALL, false=_FALSE):
    return failing * recall / (failing * recall + (1 - failing) * false)


@cache
def _incident_share(least=0.5):
    """Return the share of waiting rows at which the recall of a rule trained on them falls below `least`."""
    from scipy import stats

    service, shares = stats.norm(165, 22), np.linspace(0, 0.3, 3_001)
    center, width = 165 + 80 * shares, 3 * np.sqrt(22**2 + 80**2 * shares * (1 - shares))
    caught = [
        service.cdf(center - width - away_ms) + service.sf(center + width - away_ms) for away_ms in (-80, 80)
    ]
    return shares[np.argmax(np.mean(caught, axis=0) < least)]


def _wide_enough():
    historical, recent = _samples()
    return _width(recent, historical.mean(), historical.std())


def _wide_or_narrow(width):
    if width < _wide_enough():
        return "more than two are flagged at this width. How many, at 3.1, 3.2, …?"
    return "a smaller width is enough. How many are flagged at 3.1, 3.2, …?"


EXERCISES = (
    number_exercise(
        "5.1",
        right=_wide_enough,
        within=0.04,
        slips=_widths,
        otherwise=_wide_or_narrow,
        hints=(
            "`flagged(recent, limits(historical, width)).sum()` counts for one width.",
            "Print that count for each of `np.arange(3, 5, 0.1)` and take the first that is at most two.",
        ),
        why="wide limits make a rule quiet. What they let through, a count of flags does not say.",
    ),
    number_exercise(
        "5.2",
        right=_precision(_RARE),
        within=0.006,
        slips={
            _precision(0.02): "the precision of the service above. How rare are the failures here?",
            _precision(_RARE, 0.80, 0.003): "the precision before the drift. Which day is asked about?",
            _RECALL: "the recall, a share of the failures. Which share of the flagged failed?",
            _RECALL / (_RECALL + _FALSE): (
                "the share of flags that are wrong, or to what as many failures as healthy requests would give. "
                "Which share is asked for, and how rare are the failures?"
            ),
        },
        otherwise=(
            "of 100,000 requests, how many fail, and how many of those are flagged on a drifted day? And how "
            "many of the healthy ones? (A day of 20,000 has too few failures to count with.)"
        ),
        hints=(
            "Recall and the false alarms per 1,000 healthy do not depend on how many fail: take the drifted day's.",
            "Imagine 100,000 requests. Count the flagged that failed and the flagged that are healthy.",
        ),
        why="where failures are rarer, the same false-alarm rate fills the pager with healthy requests.",
    ),
    number_exercise(
        "5.3",
        right=_incident_share,
        within=0.0135,
        slips=lambda: {
            _incident_share(0.5 * 0.74): (
                "the share that halves the recall of clean rows. Which recall is asked for?"
            ),
            0.3: "the share of the incident above. From which share on is the recall that low?",
        },
        otherwise=lambda share: (
            "a share lies between 0 and 1."
            if not 0 <= share <= 1
            else "at that share the recall is still above one half."
            if share < _incident_share()
            else "at a smaller share the recall is below one half already."
        ),
        hints=(
            "Begin with `recall_after(0)`, the recall of clean rows, and `recall_after(0.3)`, that of an incident "
            "like the one above.",
            "Go through `np.arange(0.01, 0.3, 0.01)` and print `recall_after` of each share.",
        ),
        why="a few rows in a hundred, which nobody notices, are enough to teach a rule to look away.",
    ),
    number_exercise(
        "5.4",
        right=144,
        within=0,
        slips={
            60: "how many were looked at above. Where does that interval end?",
            180: "the smallest multiple of sixty. A multiple of twelve is asked for.",
        },
        otherwise=lambda flags: (
            "a multiple of twelve is asked for."
            if flags % 12
            else "the upper end is still above one half."
            if flags < 144
            else "a smaller multiple of twelve is enough already."
        ),
        hints=(
            "For 60 flags it is `interval(25, 60)`: its upper end is `.high`.",
            "Go through `range(60, 600, 12)`: of n flags, `5 * n // 12` failed.",
        ),
        why="a share not far from one half needs many labels: four times as many halve the interval.",
    ),
    choice_exercise(
        "5.5",
        right={"A": "don't page", "B": "recall", "C": "don't page"},
        choices=("precision", "recall", "both", "don't page"),
        slips={
            "A": "night A did change, and its precision and recall are as good as ever. What does the rule ask for?",
            (
                "B",
                "don't page",
            ): "on night B one of the two has an interval below one half. Which did you look at?",
            "B": "most of what was flagged on night B did fail. And how many of the failed were flagged?",
            ("C", "precision"): "the precision of night C is below one half. Is its whole interval?",
            "C": "on night C most of the failed were flagged.",
        },
        hints=(
            "The hits, `(flags & failed).sum()`, are the same for both. Of how many flagged? Of how many failed?",
            "A night pages for a number when the upper end of that number's interval is below 0.5.",
        ),
        why="a page needs harm that chance, on a night with few failures, does not explain.",
    ),
)
