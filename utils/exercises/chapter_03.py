"""Exercises of chapter 03, "Can a machine see it?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    EXACT,
    Exercise,
    NotYet,
    as_function,
    call,
    choice_exercise,
    function_exercise,
    number_exercise,
    one_number,
)

# 3.1: the gap of slower requests ----------------------------------------------------------------------------


def _gaps(historical, recent, at=None):
    """Return how far the historical ECDF lies above the recent one, by default at all observed values."""
    at = np.concatenate([historical, recent]) if at is None else at
    shares = [np.searchsorted(np.sort(sample), at, "right") / len(sample) for sample in (historical, recent)]
    return shares[0] - shares[1]


def _slower_gap(historical, recent):
    return _gaps(historical, recent).max()


def _by_the_sign_of_d(a, b):
    gaps = _gaps(a, b)
    return gaps.max() if gaps.max() >= -gaps.min() else 0


def _where_higher(center):
    return lambda a, b: np.abs(_gaps(a, b)).max() if center(b) > center(a) else 0


def _one_value_at_a_time(a, b):
    """Walk through the pooled values one by one, which tears runs of equal values apart."""
    is_a = (np.arange(len(a) + len(b)) < len(a))[np.argsort(np.concatenate([a, b]), kind="stable")]
    return (np.cumsum(is_a) / len(a) - np.cumsum(~is_a) / len(b)).max()


def _unsorted(a, b):
    """Search in samples that are in no order."""
    at = np.concatenate([a, b])
    return max(0, (np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)).max())


@cache
def _samples():
    """Return pairs of samples by a few words on each: every slip shows on one of them."""
    rng = np.random.default_rng(301)
    close = [100, 150.001, 150.002, 9_000, 150.003], [150.004, 9_000, 150.005, 100, 150.006]
    pairs = {
        "latencies a thousandth of a ms apart, which a grid steps over": close,
        "one value against four": ([145], [150, 140, 155, 170]),
        "one sample far slower than the other": ([151, 142, 160], [171, 190, 182]),
        "one sample far faster than the other": ([171, 190, 182], [151, 142, 160]),
        "a few very slow ones that lift the mean": ([150, 152, 154, 156], [141, 142, 143, 153, 400]),
        "equal values in one sample and in both": ([150, 160, 160, 160, 170], [150, 150, 160, 160]),
    }
    for n, m in ((40, 25), (13, 60), (50, 50)):
        a, b = rng.normal(150, 20, n), rng.normal(rng.choice([145, 165]), 30, m)
        pairs[f"{n} against {m} latencies"] = a, b
        pairs[f"{n} against {m} latencies in steps of 10 ms"] = np.round(a, -1), np.round(b, -1)
    pairs["a lower mean and twice the spread"] = rng.normal((150, 140), (20, 40), (200, 2)).T
    return {case: (np.array(a, float), np.array(b, float)) for case, (a, b) in pairs.items()}


_SLOWER = function_exercise(
    "3.1",
    cases=_samples,
    right=_slower_gap,
    slips={
        lambda a, b: np.abs(
            _gaps(a, b)
        ).max(): "faster requests count, too. On which side do slower ones stand?",
        lambda a, b: max(0, -_gaps(a, b).min()): (
            "these are the gaps that faster requests open. Of slower ones, are more or fewer done by 150 ms?"
        ),
        lambda a, b: _gaps(a, b, b).max(): (
            "you look past the largest gap, as a grid can. At which latencies, exactly, do the curves step?"
        ),
        _where_higher(np.mean): "the means decide here. Can slower requests open a gap despite a lower mean?",
        _where_higher(np.median): "the medians decide here. Can slower requests open a gap elsewhere?",
        _by_the_sign_of_d: "D's own sign decides here. Can slower requests open a smaller gap elsewhere?",
        _one_value_at_a_time: "equal values are torn apart. How many of each sample lie at or below?",
        _unsorted: "a sample is not sorted. `searchsorted` counts only in sorted ones.",
        lambda a, b: np.concatenate([a, b])[_gaps(a, b).argmax()]: (
            "this is where the gap lies, a latency. How large is it there, as a share?"
        ),
    },
    hints=(
        "Two ECDFs can change only at an observed value. Take the values of both samples, all of them.",
        "At each of these values take the share of either sample at or below it. Which one is lower, when slower?",
    ),
    why="D counts gaps of both signs, so an alert on D alone does not say that anything became slower.",
)


# 3.2: a p-value for any distance ---------------------------------------------------------------------------


@cache
def _pair():
    """Return 30 and 21 whole latencies: equal distances are common, and p is well inside (0, 1)."""
    rng = np.random.default_rng(332)
    return rng.normal(150, 8, 30).round(), rng.normal(155, 8, 21).round()


def _between_medians(a, b):
    return abs(np.median(a) - np.median(b))


def _watched(function, rounds):
    """Return p, and each pair of samples that the learner's function measured on the way."""
    historical, recent = (sample.copy() for sample in _pair())
    rng, seen = np.random.default_rng(306), []
    before = rng.bit_generator.state

    def distance(a, b):
        seen.append((np.array(a, float), np.array(b, float)))
        return _between_medians(a, b)

    # Handed over as they are: `call` would hand over copies, and rng's could not tell whether it is drawn from.
    case = f"30 and 21 requests and {rounds} rounds"
    p = one_number(call(lambda: function(historical, recent, distance, rng, rounds), case=case))
    if not all(map(np.array_equal, (historical, recent), _pair())):
        raise NotYet("your function changes the samples that it was given. Work on a copy.")
    if not seen:
        raise NotYet("your function never calls `distance`. Which distance does it measure?")
    if rng.bit_generator.state == before:
        raise NotYet("your function draws nothing from `rng`. Where do its shuffles come from?")
    return p, seen


def permutation_p(answer):
    """Judge a permutation p-value by the shuffles that it measures and by how it counts them."""
    p, seen = _watched(as_function(answer), 96)
    for a, b in seen:
        if (a.size, b.size) != (30, 21):
            return (
                f"your function measures {a.size} against {b.size} requests, where 30 and 21 were observed."
            )
        if not np.array_equal(np.sort(np.concatenate([a, b])), np.sort(np.concatenate(_pair()))):
            return "in a shuffle some requests come twice and others never. Is each one dealt out once?"
    first = sorted(_pair()[0])
    shuffles = [pair for pair in seen if sorted(pair[0]) != first]
    if not shuffles:
        return "in every shuffle both samples keep their requests. Does a request ever change samples?"
    if len(shuffles) == len(seen):
        return "the distance of the observed samples is never measured. What are the shuffles compared with?"
    if len({tuple(sorted(a)) for a, _ in shuffles}) == 1:
        return "all shuffles are one and the same. Is a new one made in each round?"
    if len(shuffles) != 96:
        return f"your function makes {len(shuffles)} shuffles for `rounds` = 96. How many are asked for?"
    observed, null = _between_medians(*_pair()), np.array([_between_medians(*pair) for pair in shuffles])
    b, more, nearer = (int(np.sum(count)) for count in (null >= observed, null > observed, null <= observed))
    if not 0 <= p <= 1:
        return f"your function returns {p:.3g}. Between which two numbers does a p-value lie?"
    for value, sentence in (
        ((1 + b) / 97, None),
        (b / 96, "it looks as if the observed labels are left out. Where are they counted?"),
        ((1 + b) / 96, "it looks as if the observed labels count above the line only. And below?"),
        (
            (1 + more) / 97,
            "it looks as if shuffles exactly as far apart as the observed pair are left out. Do they count?",
        ),
        ((1 + nearer) / 97, "it looks as if you count the shuffles that lie closer together."),
        (round((1 + b) / 97, 3), "it looks as if p is rounded. Return it as it is."),
    ):
        if abs(p - value) <= EXACT:
            return sentence
    return (
        f"{b} of 96 shuffles are at least as far apart as the observed pair; your function returns {p:.3g}."
    )


_SHUFFLED = Exercise(
    id="3.2",
    judge=permutation_p,
    hints=(
        "Measure the distance of the observed samples once: the shuffles are compared with it.",
        "In a loop of `rounds`, call `dealt_out` anew and measure the distance of its two samples.",
        "Count the shuffles that are at least as far apart, then add the observed labels to both counts.",
    ),
    why="you can now test any distance you can compute, with no formula for its null distribution.",
)


# 3.3: what a p-value says ----------------------------------------------------------------------------------

_MEANING = choice_exercise(
    "3.3",
    right={"A": "yes", "B": "no", "C": "no", "D": "yes"},
    choices=("yes", "no"),
    slips={
        "A": "A: recall the definition. p is the probability of what, computed as if what were true?",
        "B": "B: p mixes the size of a drift with the number of requests. Which number speaks of size alone?",
        "C": "C: this turns the condition round. Is p the chance of that which it takes for granted?",
        "D": "D: 100 requests can leave a wide gap open to chance. How wide was Monday's, and how wide Tuesday's?",
    },
    hints=(
        "Recall the definition: p is the probability of what, computed as if what were true?",
        "No p knows how probable a drift is, or how large. And an all-clear says only: does not reject.",
    ),
    why="read like this, a p-value can't be mistaken for the chance that the service is fine.",
)


# 3.4: how many requests ------------------------------------------------------------------------------------


def _too_few_or_many(requests):
    if requests <= 0 or requests % 100:
        return "a number of requests in steps of 100 is asked for: 100, 200 and so on."
    if requests < 500:
        return "too few: simulate 1,000 pairs at this size. Are nine of ten rejected?"
    return "enough, but not the smallest. Did you try smaller sizes, in steps of 100?"


_REQUESTS = number_exercise(
    "3.4",
    right=500,
    within=0,
    slips={},
    otherwise=_too_few_or_many,
    hints=(
        "Hand both of `slower_pairs` to `ks_2samp`, with axis=1. Print the share of p below alpha, size by size.",
        "At 300 on each side the share lies between one half and nine tenths. Go on in steps of 100.",
    ),
    why="what a test can miss depends on the window's size, and you can know it before the first alarm.",
)


# 3.5: a change that needs many requests ---------------------------------------------------------------------

_LATE = number_exercise(
    "3.5",
    right=lambda: -np.log(0.025) / 0.01**2,
    within=3_700,
    slips={
        -np.log(0.025) / 0.02**2: "what one request in fifty needs. Which share is it now?",
        -np.log(0.025) / 0.04**2: "what a gap of 0.04 needs. Does the gap depend on how slow the few are?",
        -np.log(0.025) / 0.01: "what you get when the gap is not squared. How does n stand in the formula?",
        0.01: "the gap. With how many requests is the D needed no larger?",
    },
    slips_within=50,
    otherwise="how large a gap can one request in a hundred open? Put that for the D needed, and solve for n.",
    hints=(
        "At 300 ms, say: which share of the requests lies at or below it before, and which after?",
        "`distance_needed` falls as n grows. Try values of n until it is as small as the gap.",
    ),
    why="D sees which share of the requests crosses a latency, not how far beyond it they land.",
)

EXERCISES = (_SLOWER, _SHUFFLED, _MEANING, _REQUESTS, _LATE)
