"""Answers to chapter 03: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, permutation_test

# 3.1: the gap of slower requests ----------------------------------------------------------------------------


def _slower(a, b, at=None):
    return max(np.mean(a <= x) - np.mean(b <= x) for x in (np.concatenate([a, b]) if at is None else at))


def _by_searchsorted(a, b):
    values = np.sort(np.concatenate([a, b]))
    share_a = np.searchsorted(np.sort(a), values, side="right") / a.size
    return (share_a - np.searchsorted(np.sort(b), values, side="right") / b.size).max()


def _by_pandas(a, b):
    step = pd.Series(np.repeat([1 / len(a), -1 / len(b)], [len(a), len(b)]), index=np.concatenate([a, b]))
    return step.groupby(level=0).sum().cumsum().max()


def _sorting_in_place(a, b):
    a.sort()
    b.sort()
    return _slower(a, b)


def _one_unsorted(a, b):
    at = np.concatenate([a, b])
    share = np.searchsorted(np.sort(a), at, "right") / a.size
    return max(0, (share - np.searchsorted(b, at, "right") / b.size).max())


def _by_its_sign(a, b):
    found = ks_2samp(a, b)
    return found.statistic if found.statistic_sign > 0 else 0


def _widest_gap(a, b):
    """Return the gap of chapter 02."""
    at = np.concatenate([a, b])
    return max(abs(np.mean(a <= x) - np.mean(b <= x)) for x in at)


# 3.2: a p-value for any distance ---------------------------------------------------------------------------


def _p(count=np.greater_equal, of=lambda b, rounds: (1 + b) / (1 + rounds), deal=None, cut=None):
    """Return the function of 3.2 that deals out, cuts and counts so, and makes its p of b and rounds so."""

    def p_by_shuffling(historical, recent, distance, rng, rounds=199):
        n, b = len(historical) if cut is None else cut, 0
        observed = distance(historical, recent)
        for _ in range(rounds):
            if deal:
                b += count(distance(*deal(historical, recent, rng)), observed)
            else:
                shuffled = rng.permutation(_both(historical, recent))
                b += count(distance(shuffled[:n], shuffled[n:]), observed)
        return of(b, rounds)

    return p_by_shuffling


def _both(historical, recent):
    return np.concatenate([historical, recent])


def _with_replacement(historical, recent, rng):
    drawn = rng.choice(_both(historical, recent), len(historical) + len(recent))
    return drawn[: len(historical)], drawn[len(historical) :]


def _drawn_apart(historical, recent, rng):
    return [rng.choice(_both(historical, recent), len(one), replace=False) for one in (historical, recent)]


def _overlapping(historical, recent, rng):
    shuffled = rng.permutation(_both(historical, recent))
    return shuffled[: len(historical)], shuffled[-len(historical) :]


def _new_ones(historical, recent, rng):
    both = _both(historical, recent)
    return [rng.normal(both.mean(), both.std(), len(sample)) for sample in (historical, recent)]


def _one_shuffle(historical, recent, distance, rng, rounds=199):
    shuffled = rng.permutation(_both(historical, recent))
    far = distance(shuffled[: len(historical)], shuffled[len(historical) :]) >= distance(historical, recent)
    return (1 + rounds * far) / (1 + rounds)


def _never_observed(historical, recent, distance, rng, rounds=199):
    shuffled = rng.permutation(_both(historical, recent))
    return _p()(shuffled[: len(historical)], shuffled[len(historical) :], distance, rng, rounds)


def _sorts_what_it_is_given(historical, recent, distance, rng, rounds=199):
    historical.sort()
    return _p()(historical, recent, distance, rng, rounds)


def _of_d(historical, recent, distance, rng, rounds=199):
    return _p()(historical, recent, _widest_gap, rng, rounds)


def _by_labels(historical, recent, distance, rng, rounds=199):
    """Shuffle the labels instead of the values."""
    pooled = _both(historical, recent)
    is_recent = np.arange(pooled.size) >= len(historical)
    count = 1
    for _ in range(rounds):
        labels = rng.permutation(is_recent)
        count += distance(pooled[~labels], pooled[labels]) >= distance(historical, recent)
    return count / (rounds + 1)


def _by_scipy(historical, recent, distance, rng, rounds=199):
    options = {"n_resamples": rounds, "alternative": "greater", "vectorized": False, "random_state": rng}
    return permutation_test((historical, recent), distance, **options).pvalue


def _all_at_once(historical, recent, distance, rng, rounds=199):
    n = len(historical)
    shuffles = rng.permuted(np.tile(_both(historical, recent), (rounds, 1)), axis=1)
    null = np.array([distance(row[:n].tolist(), row[n:].tolist()) for row in shuffles])
    return (1 + np.sum(null >= distance(historical, recent) - 1e-12)) / (1 + rounds)


WRONG = {
    "3.1": (
        (lambda a, b: 0.329, "for every case"),
        (lambda a, b: _slower(a, b, np.arange(100, 201, 10)), "a grid can"),
        (lambda a, b: _slower(a, b, np.arange(0, 10_000)), "a grid steps over"),
        (lambda a, b: [np.mean(a <= x) - np.mean(b <= x) for x in a], "a number is expected"),
        (lambda a, b: (_slower(a, b), 159.0), "a tuple of 2"),
        (lambda a, b: round(_slower(a, b), 3), "rounds"),
        (lambda a, b: 100 * _slower(a, b), "percent"),
        (lambda a, b: _slower(b, a), "faster requests open"),
        (_widest_gap, "faster requests count, too"),
        (_one_unsorted, "your function returns"),
        (_sorting_in_place, "Work on a copy"),
        (ks_2samp, "a number is expected"),
        (lambda a, b: ks_2samp(a, b).statistic, "faster requests count, too"),
        (_by_its_sign, "D's own sign"),
        (lambda a, b: ks_2samp(a, b).statistic if b.mean() > a.mean() else 0, "the means decide"),
        (lambda a, b: ks_2samp(a, b, alternative="less").statistic, "these are the gaps that faster"),
        (0.329, "a function is expected"),
    ),
    "3.2": (
        (_p(of=lambda b, rounds: b / rounds), "left out"),
        (_p(of=lambda b, rounds: (1 + b) / rounds), "above the line only"),
        (_p(of=lambda b, rounds: b), "which two numbers"),
        (_p(of=lambda b, rounds: 100 * (1 + b) / (1 + rounds)), "which two numbers"),
        (_p(of=lambda b, rounds: round((1 + b) / (1 + rounds), 3)), "rounded"),
        (_p(of=lambda b, rounds: (1 + b) / (1 + rounds) < 0.05), "truth value"),
        (_p(of=lambda b, rounds: min(1, 2 * (1 + b) / (1 + rounds))), "are at least as far apart"),
        (_p(np.greater), "exactly as far apart"),
        (_p(np.less_equal), "closer together"),
        (_p(deal=lambda a, b, rng: (rng.permutation(a), rng.permutation(b))), "ever change samples"),
        (_p(deal=lambda a, b, rng: (a, rng.permutation(_both(a, b))[: len(b)])), "dealt out once"),
        (_p(deal=_with_replacement), "dealt out once"),
        (_p(deal=_drawn_apart), "dealt out once"),
        (_p(deal=_new_ones), "dealt out once"),
        (_p(deal=_overlapping), "30 against 30"),
        (_p(cut=25), "25 against 26"),
        (_p(cut=31), "31 against 20"),
        (_one_shuffle, "one and the same"),
        (_never_observed, "never measured"),
        (lambda a, b, distance, rng, rounds: _p()(a, b, distance, rng, 199), "199 shuffles"),
        (
            lambda a, b, distance, rng, rounds: _p()(a, b, distance, np.random.default_rng(4), rounds),
            "from `rng`",
        ),
        (lambda a, b, distance, rng, rounds: ks_2samp(a, b).pvalue, "never calls"),
        (_of_d, "never calls"),
        (_sorts_what_it_is_given, "Work on a copy"),
    ),
    "3.3": (
        ("A", "4 things"),
        (dict.fromkeys("ABCD", "no"), "A:"),
        ({"A": "yes", "B": "no", "C": "yes", "D": "yes"}, "turns the condition round"),
    ),
    "3.4": ((300.0, "too few"), (450, "steps of 100"), (-100, "steps of 100"), (1_000, "not the smallest")),
    "3.5": (
        (10_000, "Put that for the D needed"),
        (30_000, "Put that for the D needed"),
        (100, "Put that for"),
        ("36900", "a number is expected"),
    ),
}

RIGHT = {
    "3.1": (
        _slower,
        _by_searchsorted,
        _by_pandas,
        lambda a, b: _slower(a, b, a),
        lambda a, b: np.float32(_slower(a, b)),
        lambda a, b: ks_2samp(a, b, alternative="greater").statistic,
    ),
    "3.2": (_p(), _by_labels, _all_at_once, _by_scipy),
    "3.3": (["yes", "no", "no", "yes"],),
    "3.4": (500.0, np.int64(500)),
    "3.5": (36_889, np.float64(36_888.79), 37_000, 40_000),
}
