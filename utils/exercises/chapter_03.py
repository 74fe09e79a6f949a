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
def _course() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from utils import simulate  # brings scipy, for which other exercises need not wait

    return *simulate.course_latencies(), simulate.course_latencies(drifted=False)[1]


def _gap(a, b, at_ms=170):
    return abs(np.mean(a <= at_ms) - np.mean(b <= at_ms))


def _slips_in_gap():
    historical, recent, control = _course()
    both = np.concatenate([historical, recent])
    shares = [np.mean(sample <= 170) for sample in (historical, recent)]
    counts = abs(np.sum(historical <= 170) - np.sum(recent <= 170))
    one_alone = "the share of one sample alone. A gap needs both curves: did you read the other one, too?"
    sizes = (
        "a difference of counts over one size for both. Does each count belong over its own sample's size?"
    )
    pooled = "a gap to a share of both samples together: did you keep the two apart?"
    return {
        **{share: one_alone for share in (*shares, *(1 - share for share in shares))},
        **{counts / size: sizes for size in (500, 1_000, 1_500)},
        **{_gap(both, sample): pooled for sample in (historical, recent)},
        _gap(
            historical, recent, 150
        ): "the gap at 150 ms, where the cell above reads. Which latency is asked for?",
        _gap(
            historical, control
        ): "the gap between the historical requests and the control: are these the two?",
        _gap(recent, control): "the gap between the recent requests and the control: are these the two?",
        max(
            _gap(historical, recent, x) for x in both
        ): "the largest gap of all: did you read at one latency?",
        shares[1] / shares[0]: "the ratio of the two shares. Is a gap a ratio, or a difference?",
        0: "no gap at all. Did you count the requests at or below, or those that take 170 ms to the last digit?",
        sum(shares): "the sum of the two shares. Is a gap a sum, or a difference?",
    }


def _no_gap(value):
    if value < 0:
        return "a gap has no sign, whichever curve is higher: did you take the absolute difference?"
    if value > 1:
        return (
            "a gap between two shares is never above 1. Is this a number of requests, or a distance in "
            "milliseconds? Read upwards at one latency, and divide each count by its own sample's size."
        )
    return (
        "the gap at 170 ms is another one, of the size of those that the cell above prints. Which share of each "
        "sample lies at or below?"
    )


_GAP = number_exercise(
    "3.1",
    right=lambda: _gap(*_course()[:2]),
    within=0.002,
    slips=_slips_in_gap,
    otherwise=_no_gap,
    hints=(
        "The share at or below a latency is the mean of a comparison: np.mean(historical <= ...).",
        "Do it for both samples at the same latency, then take the absolute difference.",
    ),
    why="D is the largest of such gaps, so one gap understood is the whole distance understood.",
)


# 3.2: D by hand --------------------------------------------------------------------------------------------


def _gaps(a, b, at=None, sides=("right", "right"), sort=np.sort):
    """Return the gaps between the ECDFs, with their signs, at some values: at all observed ones by default."""
    at = np.concatenate([a, b]) if at is None else at
    shares = [
        np.searchsorted(sort(sample), at, side) / len(sample)
        for sample, side in zip((a, b), sides, strict=True)
    ]
    return shares[0] - shares[1]


def _largest_gap(a, b, **options):
    return np.abs(_gaps(a, b, **options)).max()


def _on_a_grid(points):
    def largest(a, b):
        return _largest_gap(a, b, at=np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), points))

    return largest


def _of_counts(sizes):
    """Return the function that finds the largest gap between counts over these sizes, of (n, m)."""

    def largest(a, b):
        n, m = sizes(len(a), len(b))
        return np.abs([np.sum(a <= x) / n - np.sum(b <= x) / m for x in np.concatenate([a, b])]).max()

    return largest


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
    three, later, four = [151, 142, 160], [171, 190, 182], [150, 140, 155, 170]
    pairs = {
        "two samples of three with nothing in common": (three, later),
        "the same two, the other way round": (later, three),
        "one value against four": ([165], four),
        "four values against one": (four, [145]),
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


def _d_alone(result):
    if hasattr(result, "statistic"):
        raise NotYet(
            "this is scipy's whole result. One number is asked for, found without `ks_2samp`: which steps does "
            "the cell above take?"
        )
    return one_number(result)


def _by_hand(function):
    """Say so when scipy did the work that the exercise asks for."""
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    if {"ks_2samp", "kstest"} & set(names):
        return (
            "the number is right, and scipy found it. Can you do it without `ks_2samp`, from the two ECDFs?"
        )
    return None


_BOTH_SIGNS = (
    "only gaps of one sign are counted, so it matters which sample comes first. Does a distance have a sign?"
)
_POINTS = "the curves step at the values of both samples. At whose values do you look?"
_GRID = "a grid can miss the place of the largest gap. At which values, exactly, can one of the curves step?"
_TIES = (
    "equal values must be counted together, in both samples, at or below: in the middle of a run of ties "
    "neither curve ever stands. How many values of each sample lie at or below?"
)
_SIZES = "each count belongs over the size of its own sample. Over which sizes do you divide?"

_D = function_exercise(
    "3.2",
    cases=_samples_for_d,
    right=_largest_gap,
    returns=_d_alone,
    slips={
        **{_on_a_grid(points): _GRID for points in (10, 100, 1_000, 10_000)},
        lambda a, b: _gaps(a, b).max(): _BOTH_SIGNS,
        lambda a, b: -_gaps(a, b).min(): _BOTH_SIGNS,
        lambda a, b: _gaps(a, b).min(): _BOTH_SIGNS,
        lambda a, b: np.ptp([0, *_gaps(a, b)]): (
            "the largest gap of each sign is taken, and the two are added. Which of them is the largest of all?"
        ),
        lambda a, b: _largest_gap(a, b, at=a): _POINTS,
        lambda a, b: _largest_gap(a, b, at=b): _POINTS,
        _one_value_at_a_time: _TIES,
        lambda a, b: _largest_gap(a, b, sides=("left", "right")): _TIES,
        lambda a, b: _largest_gap(a, b, sides=("right", "left")): _TIES,
        lambda a, b: _largest_gap(a, b, sort=np.array): (
            "searchsorted counts rightly in a sorted array only. In which order do the samples come?"
        ),
        _of_counts(lambda n, m: (1_000, 500)): _SIZES,
        _of_counts(lambda n, m: (1, 1)): _SIZES,
        _of_counts(lambda n, m: (n, n)): _SIZES,
        _of_counts(lambda n, m: (n + m, n + m)): _SIZES,
        lambda a, b: np.concatenate([a, b])[np.abs(_gaps(a, b)).argmax()]: (
            "this is where the gap lies, a latency. How large is it there, as a share?"
        ),
        _rank_by_rank: "this measures sideways, in milliseconds. What does D measure, at one latency?",
        lambda a, b: abs(np.mean(a) - np.mean(b)): (
            "this is how far the means are apart, in milliseconds. What does D compare at each latency?"
        ),
        lambda a, b: np.abs(_gaps(a, b)).mean(): "this is the mean of the gaps. Which one of them is D?",
        lambda a, b: _ks()(b, a): "this is the p-value. Which distance is it computed from?",
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


@cache
def _ordinary_pair():
    """Return a pair without drift whose p, 0.285, is well inside (0, 1), so that its complement stands out."""
    rng = np.random.default_rng(332)
    return rng.normal(150, 20, 30), rng.normal(150, 20, 21)


def _p_of(function: Callable, historical, recent, rounds: int, case: str) -> float:
    """Return the learner's p for one pair, a share of 1 + rounds arrangements drawn from the given generator."""
    historical, recent, rng = np.array(historical, float), np.array(recent, float), np.random.default_rng(306)
    before = rng.bit_generator.state
    kept = historical.copy(), recent.copy()
    # Handed over as it is, since `call` would hand over a copy, which could not tell whether it is drawn from.
    result = call(lambda: function(historical, recent, rng, rounds), case=f"{case}, {rounds} shuffles")
    p = one_number(result)
    if not (np.array_equal(kept[0], historical) and np.array_equal(kept[1], recent)):
        raise NotYet("your function changes the samples that it was given. Work on a copy.")
    if not 0 <= p <= 1:
        raise NotYet(f"for {case} your function returns {p:.3g}. Between which two numbers lies a p-value?")
    if case == _ORDINARY and rng.bit_generator.state == before:
        raise NotYet(
            "your function draws nothing from `rng`, the generator that it is given. Where do its shuffles come from?"
        )
    return p


_ORDINARY, _APART = "an ordinary pair without drift", "two samples with nothing in common"
_FAST, _SLOW = range(30), range(50, 70)
_WIDE = np.linspace(-3, 3, 40)
_TURNS = np.append(np.arange(19.0), 1e6)  # three historical values, then two recent ones, and so on
_RECENT = np.arange(20) % 5 >= 3
_OF_THESE_SIZES = (
    "two values against four get a p that dealing out these six does not give. Is every shuffle cut into two "
    "samples of the sizes observed, and does each request lie in exactly one of them?"
)
_AS_FAR = (
    "a shuffle that is exactly as far apart as the observed pair counts too: which comparison does that?"
)
# Pairs, how many shuffles, the range in which p lies but for one time in ten thousand, and what is said below
# and above it. Each way to deal out [1, 3] and [2, 2] in pairs has one and the same D.
_PAIRS = (
    ("[1, 3] against [2, 2]", [1, 3], [2, 2], 49, 0.1, 1, _AS_FAR, ""),
    ("two values against four", [1, 2], [0, 90, 91, 92], 199, 0.26, 0.54, _OF_THESE_SIZES, _OF_THESE_SIZES),
    (
        "[1, 3] against [2, 2]",
        *([1, 3], [2, 2], 49, 1, 1),
        "it looks as if a request could turn up twice, as when values are drawn with replacement. How often does "
        "a shuffle keep each request?",
        "",
    ),
    ("four values against two", [0, 90, 91, 92], [1, 2], 199, 0.26, 0.54, _OF_THESE_SIZES, _OF_THESE_SIZES),
    (
        "two samples of one mean, one wider",
        *(_WIDE / 9, 3 * _WIDE, 99, 0, 0.05, ""),
        "a change of spread goes unseen. Is your statistic D, or a difference of means or medians?",
    ),
    (
        "alternating values, one of them far out",
        *(_TURNS[~_RECENT], _TURNS[_RECENT], 99, 0.75, 1),
        "one value far out moves your p. Does your statistic look at the order of the values alone, as D does?",
        "",
    ),
    (
        "three slow requests among many equal ones",
        *([9, 9, 9, 1, 1, 1, 1, 1], [1] * 8, 199, 0.05, 0.43, _AS_FAR),
        "equal latencies are not equal in your shuffles. Are these the requests of the pair, in another order, or "
        "new ones out of a distribution?",
    ),
)


def permutation_p(answer):
    """Judge a permutation p-value by its behavior on small pairs whose exact p is known."""
    function = as_function(answer)
    p = _p_of(function, *_ordinary_pair(), 199, _ORDINARY)
    if abs(p - _largest_gap(*_ordinary_pair())) < 1e-9:
        return "this is D itself. In what share of the shuffles is it at least as large?"
    if p == 1:
        return (
            "every shuffle comes out at least as far apart as the observed pair. Do requests change samples, "
            "and is each shuffle a new one? Shuffling each sample by itself moves nothing across."
        )
    if p <= 2 / 200:
        return (
            "without drift, for an ordinary pair, next to no shuffle reaches the observed D. Does every round "
            "count, with a shuffle of its own, cut where the first sample of this very pair ends?"
        )
    for rounds in (96, 48):
        apart = [_p_of(function, *pair, rounds, _APART) for pair in ((_FAST, _SLOW), (_SLOW, _FAST))]
        if 0 in apart:
            return (
                f"a p of 0 claims more than {rounds} shuffles can know. The observed arrangement is "
                "possible too: where is it counted, above and below the line?"
            )
        if min(apart) > 0.9:
            return "this counts the shuffles that lie closer together than the observed pair. Which count?"
        if max(apart) > 0.9:
            return (
                "two samples with nothing in common get a small p only when the first lies on one side, else 1. "
                "Does your D have a sign?"
            )
        if abs(apart[0] - 1 / (1 + rounds)) > 1e-9:
            if apart[0] in [round(1 / (1 + rounds), places) for places in range(2, 7)]:
                return "your function rounds. Return the number as it is, and round where you print it."
            if rounds == 48 or abs(apart[0] - 1 / 200) < 1e-9:
                return "the number of shuffles seems to be fixed inside. Whose choice is it?"
            return (
                f"for {_APART}, none of {rounds} shuffles comes near, and your function returns {apart[0]:.3g}. "
                "What does (1 + b) / (1 + rounds) give there?"
            )
    for case, historical, recent, rounds, low, high, below, above in _PAIRS:
        given = _p_of(function, historical, recent, rounds, case)
        if not low <= given <= high:
            return below if given < low else above
    if abs(p - 0.285) > 0.16:
        return (
            f"for {_ORDINARY} your p is {p:.2f}, too far from the exact one. Is every shuffle a new one, and is "
            "its D compared with the observed D?"
        )
    return None


# 3.5: how many requests ------------------------------------------------------------------------------------

_CAUGHT = {
    100: 0.28,
    200: 0.54,
    300: 0.73,
    400: 0.85,
}  # of shifts by 5 ms, with so many requests on each side


def _other_than_needed(n):
    if n <= 0 or n % 100:
        return (
            "a multiple of 100 is asked for, for each of the two samples. To which one do you round, and why?"
        )
    if n not in _CAUGHT:
        return (
            f"{n:,.0f} requests on each side are more than needed. Is a smaller multiple of 100 enough too, with "
            "many hundred pairs at each size?"
        )
    about = f"with {n:.0f} requests on each side about {_CAUGHT[n]:.0%} of such shifts are caught"
    if n in (100, 300):
        return f"{about}. Nine of ten are asked for: which way must the size go?"
    if n == 200:
        return f"{about}: the D that turns up is about the D that is needed, and half fall short. And nine of ten?"
    return (
        f"{about}. Nine of ten are asked for: did you simulate enough pairs to tell these two shares apart?"
    )


# 3.6: only when it got slower ------------------------------------------------------------------------------


def _ks(side="two-sided", method="auto", of=lambda result: result.pvalue):
    """Return the function of 3.6 that asks scipy for this side, recent first."""

    def p(historical, recent):
        from scipy.stats import ks_2samp

        return of(ks_2samp(recent, historical, alternative=side, method=method))

    return p


_asymptotic, _exact = _ks("less", "asymp"), _ks("less")


def _by_formula(historical, recent):
    """Return the one-sided p of large samples, without the correction that scipy adds."""
    n, m = len(historical), len(recent)
    return np.exp(-2 * n * m / (n + m) * max(0, _gaps(historical, recent).max()) ** 2)


def _p_alone(result):
    if hasattr(result, "pvalue"):
        raise NotYet(
            "the p-value alone is asked for, this is the whole result. Which of its fields is the p-value?"
        )
    p = one_number(result)
    if not 0 <= p <= 1:
        raise NotYet("a p-value lies between 0 and 1. Is this the statistic, or its sign?")
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
    no_look = (
        "the data decide first which side is tested. Is the side chosen with a look at them, or beforehand, so "
        "that the one-sided test itself decides?"
    )
    add_up = "this is one minus the p-value of a side. Do the two one-sided p-values add up to 1?"
    statistic = (
        "this is the statistic, how far the curves are apart. Which field of the result is the p-value?"
    )
    rounds = "your function rounds. Return the number as it is, and round where you print it."
    return {
        **{(lambda h, r, places=places: round(less(h, r), places)): rounds for places in (1, 2, 3, 4)},
        lambda h, r: both(h, r) if r.mean() > h.mean() else 1.0: no_look,
        lambda h, r: (less if r.mean() > h.mean() else greater)(h, r): no_look,
        lambda h, r: min(less(h, r), greater(h, r)): no_look,
        greater: (
            "a clear slowdown gets a p near 1. The alternative speaks of the height of the first sample's "
            "CDF: when requests get slower, does their curve rise or sink?"
        ),
        both: "this is two-sided: it rejects as readily when requests get faster. Who is to be woken for that?",
        lambda h, r: both(h, r) / 2: "half a two-sided p forgets the direction: what p does a speed-up get?",
        lambda h, r: both(h, r) / 2 if r.mean() > h.mean() else 1 - both(h, r) / 2: (
            "half a two-sided p, turned round for the other direction, is the way of tests of a mean. Which gaps does "
            "a one-sided KS test count?"
        ),
        lambda h, r: 1 - less(h, r): add_up,
        lambda h, r: 1 - greater(h, r): add_up,
        _ks("less", method, of=lambda result: result.statistic): statistic,
        _ks(method=method, of=lambda result: result.statistic): statistic,
    }


_SLOWER = function_exercise(
    "3.6",
    cases=_pairs_for_direction,
    right=(_asymptotic, _exact, _by_formula),
    returns=_p_alone,
    within=0.1,  # a p by shuffling is one, too
    slips=_slips_in_side("asymp") | _slips_in_side("auto"),
    hints=(
        "Take one latency, say 160 ms. When requests get slower, do more or fewer lie below it?",
        "`alternative` says what the first CDF is, somewhere: less than the second, or greater.",
        'Pass recent first. Slower requests: their CDF lies lower, which scipy calls "less".',
    ),
    why="an alarm on the wrong side stays silent through the worst slowdown you will ever have.",
)


EXERCISES = (
    _GAP,
    _D,
    Exercise(
        id="3.3",
        judge=permutation_p,
        hints=(
            "Put both samples into one array, shuffle it (rng.permutation), cut it where the first ended.",
            "Collect the D of every shuffle in a loop of `rounds`, then count how many reach the observed D.",
            "b counts the shuffles with a D at least as large; return (1 + b) / (1 + rounds).",
        ),
        why="you can now test any statistic you can compute, with no formula for its null distribution.",
    ),
    choice_exercise(
        "3.4",
        right="B",
        choices="ABCDE",
        slips={
            "A": "this turns the condition round. The p-value is computed as if nothing had drifted, so it "
            "cannot be the chance of that. How many of the alerts in the mixed month rang on nothing?",
            "C": "p mixes the size of a drift with the number of requests. Which number here speaks of size "
            "alone?",
            "D": "a p-value moves as much as the data do. How far are the p-values of pairs with one and the "
            "same drift spread out in the right-hand histogram?",
            "E": "alpha is the rate of false alarms among comparisons without drift. What share of the alerts "
            "that did ring was false in the mixed month?",
        },
        hints=(
            "A p-value is computed under one assumption. Which of the sentences begins by making it?",
            'The right one holds a "had" or an "if", and speaks of a D, not of a drift.',
        ),
        why="read like this, a p-value can't be mistaken for the chance that the service is fine.",
    ),
    number_exercise(
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
    ),
    _SLOWER,
)
