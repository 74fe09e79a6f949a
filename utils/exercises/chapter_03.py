"""Exercises of chapter 03, "Can a machine see it?"."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_function,
    call,
    choice_exercise,
    function_exercise,
    number_exercise,
    one_number,
)

# 3.1: one gap between two ECDFs ----------------------------------------------------------------------------


@cache
def _course():
    from utils import simulate  # brings scipy, for which other exercises need not wait

    return simulate.course_latencies()


def _gap(at_ms=170):
    historical, recent = _course()
    return abs(np.mean(historical <= at_ms) - np.mean(recent <= at_ms))


def _slips_in_gap():
    historical, recent = _course()
    one_alone = "the share of one sample alone. Did you read the other curve, too?"
    return {
        np.mean(historical <= 170): one_alone,
        np.mean(recent <= 170): one_alone,
        abs(np.sum(historical <= 170) - np.sum(recent <= 170)) / 1_000: (
            "a difference of counts over one size. Does each count belong over its own sample's size?"
        ),
        _gap(150): "the gap at 150 ms, where the cell above reads. Which latency is asked for?",
        _largest_gap(historical, recent): "the largest gap of all: did you read at one latency?",
    }


_GAP = number_exercise(
    "3.1",
    right=_gap,
    within=0.002,
    slips=_slips_in_gap,
    otherwise="the gap at 170 ms is another one. Which share of each sample lies at or below?",
    hints=(
        "The share at or below a latency is the mean of a comparison: np.mean(historical <= ...).",
        "Do it for both samples at the same latency, then take the absolute difference.",
    ),
    why="D is the largest of such gaps, so one gap understood is the whole distance understood.",
)


# 3.2: D by hand --------------------------------------------------------------------------------------------


def _gaps(a, b, at=None, sort=np.sort, sizes=None):
    """Return the gaps between the ECDFs, with signs, by default at all observed values."""
    at = np.concatenate([a, b]) if at is None else at
    n, m = sizes or (len(a), len(b))
    return np.searchsorted(sort(a), at, "right") / n - np.searchsorted(sort(b), at, "right") / m


def _largest_gap(a, b, **options):
    return np.abs(_gaps(a, b, **options)).max()


def _one_value_at_a_time(a, b):
    """Walk through the pooled values one by one, which tears runs of equal values apart."""
    is_a = (np.arange(len(a) + len(b)) < len(a))[np.argsort(np.concatenate([a, b]), kind="stable")]
    return np.abs(np.cumsum(is_a) / len(a) - np.cumsum(~is_a) / len(b)).max()


def _rank_by_rank(a, b):
    size = min(len(a), len(b))
    return np.abs(np.sort(a)[:size] - np.sort(b)[:size]).max()


@cache
def _samples_for_d():
    """Return pairs of samples by a few words on each: every slip shows on one of them."""
    rng = np.random.default_rng(301)
    four = [150, 140, 155, 170]
    pairs = {
        "two samples of three with nothing in common": ([171, 190, 182], [151, 142, 160]),
        "one value against four": ([165], four),
        "a sample against itself": (four, four),
        "equal values in one sample and in both": ([150, 150, 160, 160], [150, 160, 160, 160, 170]),
        "values below zero": ([-3, -1, 0, 2], [-2, -2, 5]),
        "latencies a thousandth of a ms apart, with one far out in each sample": (
            [9_000, 100, 150.001, 150.002, 150.003],
            [100, 150.004, 9_000, 150.005, 150.006],
        ),
    }
    for n, m in ((40, 25), (13, 60), (50, 50)):
        a, b = rng.normal(150, 20, n), rng.normal(rng.choice([140, 165]), 25, m)
        pairs[f"{n} against {m} latencies"] = a, b
        pairs[f"{n} against {m} latencies in steps of 10 ms"] = np.round(a, -1), np.round(b, -1)
    return {case: (np.array(a, float), np.array(b, float)) for case, (a, b) in pairs.items()}


def _by_hand(function):
    """Say so when scipy did the work that the exercise asks for."""
    if {"ks_2samp", "kstest"} & set(getattr(getattr(function, "__code__", None), "co_names", ())):
        return "scipy found it. Can you do it without `ks_2samp`, from the two ECDFs?"
    return None


_D = function_exercise(
    "3.2",
    cases=_samples_for_d,
    right=_largest_gap,
    slips={
        lambda a, b: _largest_gap(a, b, at=np.linspace(min(*a, *b), max(*a, *b), 1_000)): (
            "a grid can miss the largest gap. At which values, exactly, can one of the curves step?"
        ),
        lambda a, b: _gaps(a, b).max(): "only gaps of one sign are counted. Does a distance have a sign?",
        lambda a, b: _largest_gap(a, b, at=a): "both curves step. At whose values do you look?",
        _one_value_at_a_time: "equal values are torn apart. How many of each sample lie at or below?",
        lambda a, b: _largest_gap(a, b, sort=np.array): (
            "searchsorted counts rightly in a sorted array only. In which order do the samples come?"
        ),
        lambda a, b: _largest_gap(a, b, sizes=(1_000, 500)): (
            "each count belongs over the size of its own sample. Over which sizes do you divide?"
        ),
        lambda a, b: np.concatenate([a, b])[np.abs(_gaps(a, b)).argmax()]: (
            "this is where the gap lies, a latency. How large is it there, as a share?"
        ),
        _rank_by_rank: "this measures sideways, in milliseconds. What does D measure, at one latency?",
    },
    hints=(
        "The cell above holds every step; what changes is that the sizes come from a and b.",
        "Two ECDFs can change only at an observed value. Take the values of both samples, all of them.",
        'np.searchsorted(np.sort(a), values, side="right") counts how many of a lie at or below each.',
    ),
    why="your D is exact for any sizes and with ties, which is where hand-made ones usually break.",
    further=_by_hand,
)


# 3.3: a p-value by permutation -----------------------------------------------------------------------------

_ORDINARY, _APART = "an ordinary pair without drift", "two samples with nothing in common"


@cache
def _ordinary_pair():
    """Return a pair without drift whose p, 0.285, is well inside (0, 1), and so is its complement."""
    rng = np.random.default_rng(332)
    return rng.normal(150, 20, 30), rng.normal(150, 20, 21)


def _p_of(function: Callable, historical, recent, rounds: int, case: str) -> float:
    """Return the learner's p for one pair, by shuffles that are drawn from the given generator."""
    historical, recent, rng = np.array(historical, float), np.array(recent, float), np.random.default_rng(306)
    before = rng.bit_generator.state
    kept = historical.copy(), recent.copy()
    # Handed over as it is: `call` would hand over a copy, which could not tell whether it is drawn from.
    p = one_number(call(lambda: function(historical, recent, rng, rounds), case=f"{case}, {rounds} shuffles"))
    if not (np.array_equal(kept[0], historical) and np.array_equal(kept[1], recent)):
        raise NotYet("your function changes the samples that it was given. Work on a copy.")
    if not 0 <= p <= 1:
        raise NotYet(f"for {case} your function returns {p:.3g}. Between which two numbers lies a p-value?")
    if case == _ORDINARY and rng.bit_generator.state == before:
        raise NotYet("your function draws nothing from `rng`. Where do its shuffles come from?")
    return p


_WIDE = np.linspace(-3, 3, 40)
_TURNS = np.append(np.arange(19.0), 1e6)  # three historical values, then two recent ones, and so on
_RECENT = np.arange(20) % 5 >= 3
# Pairs, how many shuffles, the range of p but for one time in ten thousand, and what is said outside.
# Each way to deal out [1, 3] and [2, 2] in pairs has one and the same D.
_PAIRS = (
    (
        *("[1, 3] against [2, 2]", [1, 3], [2, 2], 49, 0.1, 1),
        "a shuffle that is exactly as far apart as the observed pair counts too: which comparison does that?",
    ),
    (
        *("four values against two", [0, 90, 91, 92], [1, 2], 199, 0.26, 0.54),
        "these six, dealt out, give another p. Does a shuffle hold each once, cut into the sizes observed?",
    ),
    (
        *("[1, 3] against [2, 2]", [1, 3], [2, 2], 49, 1, 1),
        "it looks as if values are drawn with replacement. How often does a shuffle keep each request?",
    ),
    (
        *("two samples of one mean, one wider", _WIDE / 9, 3 * _WIDE, 99, 0, 0.05),
        "a change of spread goes unseen. Is your statistic D, or a difference of means or medians?",
    ),
    (
        *("alternating values, one of them far out", _TURNS[~_RECENT], _TURNS[_RECENT], 99, 0.75, 1),
        "one value far out moves your p. Does your statistic look at the order alone, as D does?",
    ),
    (
        *("three slow requests of many", [9, 9, 9, 1, 1, 1, 1, 1], [1] * 8, 199, 0.05, 0.43),
        "equal latencies are not equal in your shuffles. Are they these requests, or new ones?",
    ),
)


def permutation_p(answer):
    """Judge a permutation p-value by its behavior on small pairs whose exact p is known."""
    function = as_function(answer)
    p = _p_of(function, *_ordinary_pair(), 199, _ORDINARY)
    if p == 1:
        return "every shuffle is as far apart as the pair itself. Does a request ever change samples?"
    low, high = range(30), range(50, 70)
    apart = [_p_of(function, *pair, 96, _APART) for pair in ((low, high), (high, low))]
    if 0 in apart:
        return "a p of 0 claims more than 96 shuffles can know. Where is the observed arrangement counted?"
    if min(apart) > 0.9:
        return f"for {_APART} p is near 1. Do you count the shuffles that lie closer together?"
    if max(apart) > 0.9:
        return f"for {_APART} p is small only when the first lies on one side. Does your D have a sign?"
    if abs(apart[0] - 1 / 97) > 1e-9:
        return (
            f"for {_APART}, none of 96 shuffles comes near, and your function returns {apart[0]:.3g}. "
            "What does (1 + b) / (1 + rounds) give there, not rounded?"
        )
    if abs(p - 0.285) > 0.16:
        return f"for {_ORDINARY} p is far off. Is each shuffle a new one of all requests, and its D compared?"
    for case, historical, recent, rounds, least, most, sentence in _PAIRS:
        if not least <= _p_of(function, historical, recent, rounds, case) <= most:
            return sentence
    return None


_SHUFFLED = Exercise(
    id="3.3",
    judge=permutation_p,
    hints=(
        "Put both samples into one array, shuffle it (rng.permutation), cut it where the first ended.",
        "Collect the D of every shuffle in a loop of `rounds`, then count how many reach the observed D.",
        "b counts the shuffles with a D at least as large; return (1 + b) / (1 + rounds).",
    ),
    why="you can now test any statistic you can compute, with no formula for its null distribution.",
)


# 3.4: what a p-value says ----------------------------------------------------------------------------------

_MEANING = choice_exercise(
    "3.4",
    right="B",
    choices="ABCDE",
    slips={
        "A": "this turns the condition round: p is computed as if nothing drifted. Is it the chance of that?",
        "C": "p mixes the size of a drift with the number of requests. Which number speaks of size alone?",
        "D": "a p-value moves as much as the data do. How far is p spread out in the right-hand histogram?",
        "E": "alpha is a share of the comparisons without drift. What share of the alerts was false?",
    },
    hints=(
        "A p-value is computed under one assumption. Which of the sentences begins by making it?",
        'The right one holds a "had" or an "if", and speaks of a D, not of a drift.',
    ),
    why="read like this, a p-value can't be mistaken for the chance that the service is fine.",
)


# 3.5: how many requests ------------------------------------------------------------------------------------

_CAUGHT = {100: 0.28, 200: 0.54, 300: 0.73, 400: 0.85}  # of shifts by 5 ms, by requests on each side


def _other_than_needed(n):
    if n <= 0 or n % 100:
        return "a multiple of 100 is asked for, for each sample. To which one do you round, and why?"
    if n not in _CAUGHT:
        return f"{n:,.0f} on each side are more than needed. Is a smaller size enough, over many pairs?"
    return (
        f"with {n:.0f} on each side about {_CAUGHT[n]:.0%} of such shifts are caught, over many pairs. "
        "Which way must the size go for nine of ten?"
    )


_REQUESTS = number_exercise(
    "3.5",
    right=500,
    within=0,
    slips={1_000: "the requests of both samples together: did you add the two up?"},
    otherwise=_other_than_needed,
    hints=(
        "Simulate 400 pairs at one size and print the share that is rejected. Then change the size.",
        "At 300 on each side the share lies between one half and nine tenths. Go on in steps of 100.",
    ),
    why="what a test can miss depends on the window's size, and you can know it before the first alarm.",
)


# 3.6: only when it got slower ------------------------------------------------------------------------------


def _ks(side, method):
    """Return the function of 3.6 that asks scipy for this side, recent first."""

    def p(historical, recent):
        from scipy.stats import ks_2samp

        return ks_2samp(recent, historical, alternative=side, method=method).pvalue

    return p


@cache
def _pairs_for_direction():
    """Return pairs of 70 and 50 latencies that moved either way, spread, or stayed."""
    rng = np.random.default_rng(309)
    pairs = {}
    for shift_ms in (6, -6, 15, -15, 4, -4):
        case = f"recent requests {abs(shift_ms)} ms {'slower' if shift_ms > 0 else 'faster'}"
        pairs[case] = rng.normal(150, 20, 70), rng.normal(150 + shift_ms, 20, 50)
    for number in ("one", "another"):
        pairs[f"{number} pair without drift"] = rng.normal(150, 20, 70), rng.normal(150, 20, 50)
    pairs["recent requests of three times the spread"] = rng.normal(150, 20, 70), rng.normal(150, 60, 50)
    return pairs


def _slips_in_side(method):
    less, greater, both = (_ks(side, method) for side in ("less", "greater", "two-sided"))
    rounds = "your function rounds. Return the number as it is, and round where you print it."
    return {
        **{(lambda h, r, places=places: round(less(h, r), places)): rounds for places in (1, 2, 3, 4)},
        lambda h, r: both(h, r) if r.mean() > h.mean() else 1.0: (
            "the data decide first which side is tested. Is it chosen with a look at them, or beforehand?"
        ),
        greater: "a clear slowdown gets a p near 1. When requests get slower, does their CDF rise or sink?",
        both: "this is two-sided, and rejects when requests get faster, too. Who is to be woken for that?",
        lambda h, r: both(h, r) / 2: "half a two-sided p forgets the direction: what p does a speed-up get?",
        lambda h, r: 1 - greater(h, r): "this is one minus the other side's p. Do the two add up to 1?",
    }


_SLOWER = function_exercise(
    "3.6",
    cases=_pairs_for_direction,
    right=(_ks("less", "asymp"), _ks("less", "auto")),
    within=0.1,  # a p by shuffling is one, too
    slips=_slips_in_side("asymp") | _slips_in_side("auto"),
    hints=(
        "Take one latency, say 160 ms. When requests get slower, do more or fewer lie below it?",
        "`alternative` says what the first CDF is, somewhere: less than the second, or greater.",
        'Pass recent first. Slower requests: their CDF lies lower, which scipy calls "less".',
    ),
    why="an alarm on the wrong side stays silent through the worst slowdown you will ever have.",
)

EXERCISES = (_GAP, _D, _SHUFFLED, _MEANING, _REQUESTS, _SLOWER)
