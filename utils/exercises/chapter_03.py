"""Exercises of chapter 03, "Can a machine see it?"."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.stats import ks_2samp

from utils import simulate
from utils.exercises.engine import Exercise, NotYet, as_choice, as_function, as_number, call, known_slip

# 3.1: one gap between two ECDFs ----------------------------------------------------------------------------

_AT_MS = 170


def _share_at_or_below(sample, latency_ms):
    return float(np.mean(np.asarray(sample) <= latency_ms))


def _gap(a, b, latency_ms):
    return abs(_share_at_or_below(a, latency_ms) - _share_at_or_below(b, latency_ms))


def gap_at_170(answer):
    """Judge the height of the gap between the course's two ECDFs at 170 ms."""
    historical, recent = simulate.course_latencies()
    shares = [_share_at_or_below(sample, _AT_MS) for sample in (historical, recent)]
    gap = abs(shares[0] - shares[1])
    answer = as_number(answer)
    if abs(answer - gap) <= 0.002:
        return None
    if abs(answer + gap) <= 0.002:
        return "the size fits, the sign does not: a distance has none, whichever curve is higher."
    if abs(answer - 100 * gap) <= 0.2:
        return "a share between 0 and 1 is asked for, this reads like a percentage."
    if min(abs(answer - share) for share in (*shares, *(1 - share for share in shares))) <= 0.002:
        return "this is the share of one sample alone. A gap needs both curves, read at the same latency."
    if abs(abs(answer) - _gap(historical, recent, 150)) <= 0.002:
        return "this is the gap at 150 ms, where the cell above reads it. The question names another latency."
    if abs(abs(answer) - _gap(historical, simulate.course_latencies(drifted=False)[1], _AT_MS)) <= 0.002:
        return "this is the gap between the historical requests and the control. Which two are asked for?"
    counts = abs(np.sum(historical <= _AT_MS) - np.sum(recent <= _AT_MS))
    if min(abs(abs(answer) - counts / size) for size in (500, 1_000, 1_500)) <= 0.002:
        return "each count belongs over the size of its own sample, and only then are the two compared."
    both = np.concatenate([historical, recent])
    if abs(abs(answer) - abs(np.mean(both <= _AT_MS) - shares[0])) <= 0.002:
        return "one of these shares is counted over both samples together; keep them apart."
    if answer > 1:
        return (
            "a gap between two shares is never above 1. Is this a number of requests, or a distance in "
            "milliseconds? Read upwards at one latency, and divide each count by its own sample's size."
        )
    if abs(answer - ks_2samp(historical, recent).statistic) <= 0.002:
        return "this is the largest gap of all. The question asks for the one at a single, given latency."
    return f"at {_AT_MS} ms the gap is another one. Which share of each sample lies at or below?"


# 3.2: D by hand --------------------------------------------------------------------------------------------


def _gaps(a, b, at=None):
    """Return F_a - F_b, signed, at each of the given values; at every observed value by default."""
    at = np.concatenate([a, b]) if at is None else at
    return np.array([np.mean(a <= x) - np.mean(b <= x) for x in at])


def _one_sign_a(a, b):
    return _gaps(np.asarray(a), np.asarray(b)).max()


def _one_sign_b(a, b):
    return _gaps(np.asarray(b), np.asarray(a)).max()


def _lowest_signed(a, b):
    return _gaps(np.asarray(a), np.asarray(b)).min()


def _at_points_of_a_only(a, b):
    return np.abs(_gaps(np.asarray(a), np.asarray(b), at=np.asarray(a))).max()


def _at_points_of_b_only(a, b):
    return np.abs(_gaps(np.asarray(a), np.asarray(b), at=np.asarray(b))).max()


def _one_value_at_a_time(a, b):
    """Walk through the pooled values one by one, which tears runs of equal values apart."""
    is_a = np.concatenate([np.ones(len(a), dtype=bool), np.zeros(len(b), dtype=bool)])
    is_a = is_a[np.argsort(np.concatenate([a, b]), kind="stable")]
    return np.abs(np.cumsum(is_a) / len(a) - np.cumsum(~is_a) / len(b)).max()


def _below_against_at_or_below(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return max(abs(np.mean(a < x) - np.mean(b <= x)) for x in np.concatenate([a, b]))


def _at_or_below_against_below(a, b):
    return _below_against_at_or_below(b, a)


def _searched_unsorted(a, b):
    values = np.concatenate([a, b])
    shares = [np.searchsorted(sample, values, side="right") / len(sample) for sample in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


def _course_sizes(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return max(abs(np.sum(a <= x) / 1_000 - np.sum(b <= x) / 500) for x in np.concatenate([a, b]))


def _counts_over_first_size(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return max(abs(np.sum(a <= x) - np.sum(b <= x)) for x in np.concatenate([a, b])) / len(a)


def _counts_over_all(a, b):
    return _counts_over_first_size(a, b) * len(a) / (len(a) + len(b))


def _counts(a, b):
    return _counts_over_first_size(a, b) * len(a)


def _location_of_gap(a, b):
    return np.concatenate([a, b])[np.abs(_gaps(np.asarray(a), np.asarray(b))).argmax()]


def _rank_by_rank(a, b):
    size = min(len(a), len(b))
    return np.abs(np.sort(a)[:size] - np.sort(b)[:size]).max()


def _mean_gap(a, b):
    return np.abs(_gaps(np.asarray(a), np.asarray(b))).mean()


def _p_value(a, b):
    return ks_2samp(a, b).pvalue


_BOTH_SIGNS = (
    "only gaps of one sign are counted, so it matters which sample comes first. A distance has no sign."
)
_POINTS = "the curves step at the values of both samples. One sample's values are not enough to look at."
_TIES = (
    "equal values must be counted together, in both samples, at or below: in the middle of a run of ties "
    "neither curve ever stands."
)
_SIZES = "each count belongs over the size of its own sample. The two need not be of one size."
_SLIPS_IN_D = (
    (_one_sign_a, _BOTH_SIGNS),
    (_one_sign_b, _BOTH_SIGNS),
    (_lowest_signed, _BOTH_SIGNS),
    (_at_points_of_a_only, _POINTS),
    (_at_points_of_b_only, _POINTS),
    (_one_value_at_a_time, _TIES),
    (_below_against_at_or_below, _TIES),
    (_at_or_below_against_below, _TIES),
    (
        _searched_unsorted,
        "searchsorted counts rightly in a sorted array only, and the samples come as they are.",
    ),
    (_course_sizes, _SIZES),
    (_counts, _SIZES),
    (_counts_over_first_size, _SIZES),
    (_counts_over_all, _SIZES),
    (_location_of_gap, "this is where the gap lies, a latency. D is how large it is, a share."),
    (
        _rank_by_rank,
        "this measures sideways, in milliseconds. D measures upwards, at one latency.",
    ),
    (_mean_gap, "this is the mean of the gaps. D looks at the largest alone."),
    (_p_value, "this is the p-value. D is the distance that it is computed from."),
)


@cache
def _samples_for_d():
    """Return pairs of samples with a few words on each: every slip above shows on one of them."""
    rng = np.random.default_rng(301)
    pairs = [
        ("two samples of three with nothing in common", [151.0, 142.0, 160.0], [171.0, 190.0, 182.0]),
        ("the same two, the other way round", [171.0, 190.0, 182.0], [151.0, 142.0, 160.0]),
        ("one value against four", [165.0], [150.0, 140.0, 155.0, 170.0]),
        ("four values against one", [150.0, 140.0, 155.0, 170.0], [145.0]),
        ("a sample against itself", [150.0, 160.0, 160.0, 170.0], [150.0, 160.0, 160.0, 170.0]),
        (
            "ties within and between samples",
            [150.0, 150.0, 160.0, 160.0],
            [150.0, 160.0, 160.0, 160.0, 170.0],
        ),
        ("values below zero", [-3.0, -1.0, 0.0, 2.0], [-2.0, -2.0, 5.0]),
        (
            "latencies close together and one far out",
            [100.0, 150.001, 150.002, 150.003],
            [100.0, 150.004, 150.005, 150.006, 9_000.0],
        ),
    ]
    for n, m in ((40, 25), (13, 60), (50, 50)):
        a, b = rng.normal(150, 20, n), rng.normal(rng.choice([140, 165]), 25, m)
        pairs.append((f"{n} against {m} latencies", a, b))
        pairs.append((f"{n} against {m} latencies in steps of 10 ms", np.round(a, -1), np.round(b, -1)))
    return [
        (case, np.array(a), np.array(b), float(np.abs(_gaps(np.array(a), np.array(b))).max()))
        for case, a, b in pairs
    ]


def _statistic_in(result):
    """Return the number in what a learner's function gave back; scipy's result object is welcome too."""
    return as_number(getattr(result, "statistic", result))


def ks_by_hand(answer):
    """Judge a function that computes D, on samples of many sizes, with ties and without."""
    function = as_function(answer)
    results = []
    for case, a, b, truth in _samples_for_d():
        given = _statistic_in(call(function, a, b, case=case))
        results.append((case, a, b, truth, given))
    wrong = [result for result in results if abs(result[4] - result[3]) > 1e-6]
    if not wrong:
        return _takes_lists(function)
    if len({given for *_, given in results}) == 1:
        return (
            "every pair of samples gets the same number. Compute with a and b, not with the chapter's data."
        )
    pairs, given = [(a, b) for _, a, b, *_ in results], [given for *_, given in results]
    sentence = known_slip(pairs, given, _SLIPS_IN_D, atol=1e-6)
    if sentence:
        return sentence
    if all(abs(given - truth) < 0.006 for *_, truth, given in results):
        return "this looks like D, rounded. Return it with all its digits, and round where it is printed."
    case, _, _, truth, given = wrong[0]
    if given < 0:
        return f"for {case} your function returns {given:.3f}. A distance is never negative."
    if given > 1:
        return f"for {case} your function returns {given:.3g}. A difference of two shares is never above 1."
    too = "too large" if given > truth else "too small"
    look = (
        "Is some value counted twice, or half a run of equal values?"
        if given > truth
        else "The largest gap may lie at any value of either sample."
    )
    return f"for {case} your function returns {given:.3f}, which is {too}. {look}"


def _takes_lists(function):
    """Say so when plain lists, which is what a log reader returns, end otherwise than arrays."""
    given = _statistic_in(call(function, [3, 1, 2, 2], [2, 5, 4], case="two plain lists"))
    truth = _gaps(np.array([3, 1, 2, 2]), np.array([2, 5, 4])).max()
    if abs(given - truth) > 1e-6:
        return "arrays come out right and plain lists do not. Turn both samples into arrays first."
    return None


# 3.3: a p-value by permutation -----------------------------------------------------------------------------


@cache
def _ordinary_pair():
    """Return a pair without drift whose p is well inside (0, 1), so that its complement stands out."""
    rng = np.random.default_rng(332)
    return rng.normal(150, 20, 30), rng.normal(150, 20, 21)


def permutation_p(answer):
    """Judge a permutation p-value by its behaviour on small pairs whose exact p is known."""
    function = as_function(answer)

    def p_of(historical, recent, rounds, case):
        historical, recent = np.asarray(historical, dtype=float), np.asarray(recent, dtype=float)
        rng = np.random.default_rng(306)
        p = as_number(call(function, historical, recent, rng, rounds, case=case))
        if not 0 <= p <= 1:
            raise NotYet(f"for {case} your function returns {p:.3g}. A p-value lies between 0 and 1.")
        return p

    ordinary = p_of(*_ordinary_pair(), 199, "an ordinary pair without drift")
    exact = ks_2samp(*_ordinary_pair()).pvalue
    if ordinary == 1:
        return (
            "every shuffle comes out at least as far apart as the observed pair. Do requests change samples, "
            "and is each shuffle a new one? Shuffling each sample by itself moves nothing across."
        )
    if ordinary <= 2 / 200:
        return (
            "without drift, for an ordinary pair, next to no shuffle reaches the observed D. Does every round "
            "count, with a shuffle of its own, cut where the first sample of this very pair ends?"
        )
    if abs(ordinary - ks_2samp(*_ordinary_pair()).statistic) < 1e-6:
        return "this is D itself. The p-value is the share of shuffles that get at least that far."

    fast, slow = np.arange(100.0, 130.0), np.arange(200.0, 220.0)
    apart = "two samples with nothing in common"
    if abs(ordinary - (1 - exact)) < 0.13 and p_of(fast, slow, 49, apart) > 0.5:
        return "this counts the shuffles that lie closer together than the observed pair. Which count?"
    for rounds in (99, 49):
        p = p_of(fast, slow, rounds, f"{apart}, {rounds} shuffles")
        if p == 0:
            return (
                f"a p of 0 claims more than {rounds} shuffles can know. The observed arrangement is "
                "possible too: count it, above and below the line."
            )
        if abs(p - 1 / (1 + rounds)) > 1e-9:
            if rounds == 49 or abs(p - 1 / (1 + 199)) < 1e-9:
                return "the number of shuffles seems to be fixed inside. It is the caller's choice: rounds."
            return (
                f"for two samples with nothing in common, none of {rounds} shuffles comes near, and your "
                f"function returns {p:.3g}. What does (1 + b) / (1 + rounds) give there?"
            )

    # Each of the ways to deal out 1, 2, 2, 3 in pairs has D = 1/2: whatever the shuffles, p is 1.
    all_alike = p_of([1, 3], [2, 2], 49, "[1, 3] against [2, 2]")
    if all_alike < 0.1:
        return "a shuffle that is exactly as far apart as the observed pair counts too: at least as large."
    if all_alike < 1:
        return (
            "it looks as if a request could turn up twice, as when values are drawn with replacement. A shuffle "
            "keeps each request exactly once."
        )

    few, many = np.array([3, 7]), np.delete(np.arange(1, 21), [2, 6])
    few_against_many = p_of(few, many, 199, "two values against 18")
    exact_few = ks_2samp(few, many).pvalue
    if few_against_many < exact_few / 2:
        return "every shuffle must be cut into samples of the sizes observed. These are not two halves."

    rng = np.random.default_rng(307)
    centered, wide = rng.normal(0, 1, 60), rng.normal(0, 5, 40)
    spread = p_of(centered - centered.mean(), wide - wide.mean(), 99, "two samples of one mean, one wider")
    if spread > 0.05:
        return "a change of spread goes unseen. The statistic is D, not the difference of the means."
    # Three historical values, then two recent ones, and so on: D can hardly be smaller, and p is nearly 1.
    alternating = np.arange(20.0)
    is_recent = alternating % 5 >= 3
    alternating[-1] = 1e6
    p = p_of(alternating[~is_recent], alternating[is_recent], 99, "alternating values, one of them far out")
    if p < 0.75:
        return "one value far out moves your p. The statistic is D, which looks at the order of the values alone."

    if abs(ordinary - exact) > 0.16 or abs(few_against_many - exact_few) > 0.18:
        return (
            f"for an ordinary pair without drift your p is {ordinary:.2f}, too far from the exact one. Is "
            "every shuffle a new one, and is its D compared with the observed D?"
        )
    return None


# 3.4: what a p-value says ----------------------------------------------------------------------------------

_READINGS = {
    "A": "this turns the condition round. The p-value is computed as if nothing had drifted, so it cannot be "
    "the chance of that. How many of the alerts in the mixed month rang on nothing?",
    "B": None,
    "C": "p mixes the size of a drift with the number of requests. Which number here speaks of size alone?",
    "D": "a p-value moves as much as the data do. Look how far the p-values of pairs with one and the same "
    "drift are spread out in the right-hand histogram.",
    "E": "alpha is the rate of false alarms among comparisons without drift. Of the alerts that did ring, "
    "another share is false: see the mixed month.",
}


def reading_of_p(answer):
    """Judge which sentence on a p-value its definition supports."""
    return _READINGS[as_choice(answer, tuple(_READINGS))]


# 3.5: how many requests ------------------------------------------------------------------------------------

_SHIFT_MS, _PAIRS, _ENOUGH = 5, 1_000, 0.9


def _critical_steps(n):
    """Return the smallest k for which D = k / n, between two samples of n, has p < 0.05 (scipy's)."""
    low, high = 1, n
    while low < high:
        middle = (low + high) // 2
        first = np.arange(n)
        if ks_2samp(first, first + middle - 0.5).pvalue < 0.05:  # two staircases that are middle / n apart
            high = middle
        else:
            low = middle + 1
    return low


@cache
def _caught(n):
    """Return the share of pairs with a 5 ms shift, n requests on each side, that the test rejects."""
    rng = np.random.default_rng(308)
    latencies = rng.normal(150, 20, size=(_PAIRS, 2 * n))
    latencies[:, n:] += _SHIFT_MS
    first_sample = np.argsort(latencies, axis=1) < n
    steps = np.abs(np.cumsum(np.where(first_sample, 1, -1), axis=1)).max(axis=1)
    return float(np.mean(steps >= _critical_steps(n)))


def requests_needed(answer):
    """Judge a sample size by simulating the test at it, and at the next smaller one."""
    n = as_number(answer)
    if n <= 0 or n % 100:
        return "a multiple of 100 is asked for, for each of the two samples."
    n = int(n)
    if n > 1_000:
        return f"{n:,} requests on each side are more than needed. A smaller multiple of 100 is enough too."
    power = _caught(n)
    if power < _ENOUGH:
        about = f"with {n} requests on each side about {power:.0%} of such shifts are caught"
        if 0.4 < power < 0.65:
            return f"{about}: the D that turns up is about the D that is needed, and half fall short."
        return f"{about}. Nine of ten are asked for."
    if n > 100 and _caught(n - 100) >= _ENOUGH:
        return f"{n:,} requests on each side are enough. A smaller multiple of 100 is enough too."
    return None


# 3.6: only when it got slower ------------------------------------------------------------------------------


def _wrong_tail(historical, recent):
    return ks_2samp(recent, historical, alternative="greater", method="asymp").pvalue


def _two_sided(historical, recent):
    return ks_2samp(recent, historical).pvalue


def _half_of_two_sided(historical, recent):
    return ks_2samp(recent, historical).pvalue / 2


def _one_minus(historical, recent):
    return 1 - ks_2samp(recent, historical, alternative="less", method="asymp").pvalue


def _statistic_of_it(historical, recent):
    return ks_2samp(recent, historical, alternative="less", method="asymp").statistic


def _statistic_of_two_sided(historical, recent):
    return ks_2samp(recent, historical).statistic


@cache
def _pairs_for_direction():
    """Return historical, recent and the one-sided p (slower) of pairs that moved either way or stayed."""
    rng = np.random.default_rng(309)
    pairs = []
    for shift_ms in (6, -6, 0, 0, 4, -4, 0, 15, -15):
        historical, recent = rng.normal(150, 20, 70), rng.normal(150 + shift_ms, 20, 50)
        truth = ks_2samp(recent, historical, alternative="less").pvalue
        pairs.append((historical, recent, float(truth)))
    return pairs


def slower_p(answer):
    """Judge a one-sided p-value on pairs that got slower, got faster, or stayed."""
    function = as_function(answer)
    pairs = _pairs_for_direction()
    given = []
    for historical, recent, _ in pairs:
        result = call(function, historical, recent, case="70 historical against 50 recent latencies")
        if hasattr(result, "pvalue"):
            return (
                "the p-value alone is asked for, this is the whole result. The p-value is one of its fields."
            )
        given.append(as_number(result))
    given, truth = np.array(given), np.array([pair[2] for pair in pairs])
    if np.all(np.abs(given - truth) <= 0.05):
        return None
    if np.any((given < 0) | (given > 1)):
        return "a p-value lies between 0 and 1. Is this the statistic, or its sign?"

    def all_close(function):
        return np.all(np.abs(given - [function(*pair[:2]) for pair in pairs]) <= 0.05)

    if all_close(_wrong_tail):
        return (
            "a clear slowdown gets a p near 1. The alternative speaks of the height of the first sample's "
            "CDF: when requests get slower, does their curve rise or sink?"
        )
    if all_close(_two_sided):
        return "this is two-sided: it rejects as readily when requests get faster. Nobody is woken for that."
    if all_close(_statistic_of_it) or all_close(_statistic_of_two_sided):
        return (
            "this is the statistic, how far the curves are apart. The p-value is another field of the result."
        )
    if all_close(_half_of_two_sided):
        return "half a two-sided p forgets the direction: a speed-up gets a small p as well."
    if all_close(_one_minus):
        return "one minus p is not the p of the other side: the two one-sided p-values do not add up to 1."
    faster = truth > 0.9
    if np.all(given[faster] < 0.2):
        return (
            "requests that got faster get a small p. Which sample comes first, which way does its curve move?"
        )
    return (
        "the p-values of pairs without drift are off. Let the one-sided test itself decide, over the whole "
        "curve, with no look at the data beforehand."
    )


EXERCISES = (
    Exercise(
        id="3.1",
        judge=gap_at_170,
        hints=(
            "The share at or below a latency is the mean of a comparison: np.mean(historical <= ...).",
            "Do it for both samples at the same latency, then take the absolute difference.",
        ),
        why="D is the largest of such gaps, so one gap understood is the whole distance understood.",
    ),
    Exercise(
        id="3.2",
        judge=ks_by_hand,
        hints=(
            "The cell above holds every step; what changes is that the sizes come from a and b.",
            "Two ECDFs can change only at an observed value. Take the values of both samples, all of them.",
            'np.searchsorted(np.sort(a), values, side="right") counts how many of a lie at or below each.',
        ),
        why="your D is exact for any sizes and with ties, which is where hand-made ones usually break.",
    ),
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
    Exercise(
        id="3.4",
        judge=reading_of_p,
        hints=(
            "A p-value is computed under one assumption. Which of the sentences begins by making it?",
            'The right one holds a "had" or an "if", and speaks of a D, not of a drift.',
        ),
        why="read like this, a p-value can't be mistaken for the chance that the service is fine.",
    ),
    Exercise(
        id="3.5",
        judge=requests_needed,
        hints=(
            "Simulate 400 pairs at one size and print the share that is rejected. Then change the size.",
            "At 300 on each side the share lies between one half and nine tenths. Go on in steps of 100.",
        ),
        why="what a test can miss depends on the window's size, and you can know it before the first alarm.",
    ),
    Exercise(
        id="3.6",
        judge=slower_p,
        hints=(
            "Take one latency, say 160 ms. When requests get slower, do more or fewer lie below it?",
            "`alternative` says what the first CDF is, somewhere: less than the second, or greater.",
            'Pass recent first. Slower requests: their CDF lies lower, which scipy calls "less".',
        ),
        why="an alarm on the wrong side stays silent through the worst slowdown you will ever have.",
    ),
)
