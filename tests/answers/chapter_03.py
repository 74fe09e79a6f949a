"""Answers to chapter 03: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, kstest, mannwhitneyu, permutation_test, wasserstein_distance

# 3.2: D by hand --------------------------------------------------------------------------------------------


def _d(a, b):
    """Return D by the shortest way, for the answers to 3.3 as well."""
    is_a = np.concatenate([np.ones(len(a)), np.zeros(len(b))])
    pooled = np.concatenate([a, b])
    order = np.argsort(pooled, kind="stable")
    steps = np.cumsum(np.where(is_a[order] == 1, 1 / len(a), -1 / len(b)))
    last_of_run = np.append(np.diff(pooled[order]) > 0, True)
    return np.abs(steps[last_of_run]).max()


def _d_by_comparing(a, b):
    values = np.concatenate([a, b])
    return max(abs(np.mean(a <= x) - np.mean(b <= x)) for x in values)


def _d_from_sets(a, b):
    steps = sorted(set(a) | set(b))
    return max(abs(sum(v <= x for v in a) / len(a) - sum(v <= x for v in b) / len(b)) for x in steps)


def _d_from_the_left(a, b):
    values = np.concatenate([a, b])
    shares = [np.searchsorted(np.sort(sample), values) / len(sample) for sample in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


def _d_by_pandas(a, b):
    step = pd.Series(np.repeat([1 / len(a), -1 / len(b)], [len(a), len(b)]), index=np.concatenate([a, b]))
    return step.groupby(level=0).sum().cumsum().abs().max()


def _d_in_whole_ms(a, b):
    at = np.arange(int(min(a.min(), b.min())), int(max(a.max(), b.max())) + 1)
    return max(abs(np.mean(a <= x) - np.mean(b <= x)) for x in at)


def _d_sorting_in_place(a, b):
    a.sort()
    b.sort()
    return _d_from_the_left(a, b)


def _d_at_the_last_value(a, b):
    values = np.concatenate([a, b])
    return [abs(np.mean(a <= x) - np.mean(b <= x)) for x in values]


def _d_without_abs_of_a(a, b):
    return max((a <= x).mean() - (b <= x).mean() for x in a)


# 3.3: a p-value by permutation -----------------------------------------------------------------------------


def _shuffles(historical, recent, rng, rounds, statistic=_d, *, cut=None, replace=False):
    """Return the observed statistic and that of each shuffle, right unless told otherwise."""
    pooled = np.concatenate([historical, recent])
    cut = len(historical) if cut is None else cut
    null = []
    for _ in range(rounds):
        drawn = rng.choice(pooled, size=pooled.size, replace=replace)
        null.append(statistic(drawn[:cut], drawn[cut:]))
    return statistic(historical, recent), np.array(null)


def _p(count=lambda observed, null: np.sum(null >= observed - 1e-12), of=None, **options):
    """Return the function of 3.3 that shuffles and counts so, and makes its p of b and rounds so."""

    def permutation_p_value(historical, recent, rng, rounds=199):
        observed, null = _shuffles(historical, recent, rng, rounds, **options)
        b = count(observed, null)
        return of(b, rounds) if of else (1 + b) / (1 + rounds)

    return permutation_p_value


def _cut_at(cut, statistic=_d):
    def permutation_p_value(historical, recent, rng, rounds=199):
        return _p(cut=cut(len(historical), len(recent)), statistic=statistic)(historical, recent, rng, rounds)

    return permutation_p_value


def _drawing(draw):
    """Return the function of 3.3 that compares the observed D with those of what is drawn."""

    def permutation_p_value(historical, recent, rng, rounds=199):
        null = np.array([_d(*draw(historical, recent, rng)) for _ in range(rounds)])
        return (1 + np.sum(null >= _d(historical, recent) - 1e-12)) / (1 + rounds)

    return permutation_p_value


def _with_generator(make):
    def permutation_p_value(historical, recent, rng, rounds=199):
        return _p()(historical, recent, make(), rounds)

    return permutation_p_value


def _both(historical, recent):
    return np.concatenate([historical, recent])


def _new_ones(historical, recent, rng):
    both = _both(historical, recent)
    return [rng.normal(both.mean(), both.std(), len(sample)) for sample in (historical, recent)]


def _drawn_apart(historical, recent, rng):
    return [rng.choice(_both(historical, recent), len(one), replace=False) for one in (historical, recent)]


def _overlapping(historical, recent, rng):
    shuffled = rng.permutation(_both(historical, recent))
    return shuffled[: len(historical)], shuffled[-len(historical) :]


def _one_shuffle(historical, recent, rng, rounds=199):
    shuffled = rng.permutation(_both(historical, recent))
    distance = _d(shuffled[: len(historical)], shuffled[len(historical) :])
    return (1 + sum(distance >= _d(historical, recent) for _ in range(rounds))) / (1 + rounds)


def _empty_rest(a, b):
    return _d(a, b) if len(a) and len(b) else np.nan


def _one_sided(sign):
    def statistic(a, b):
        values = np.concatenate([a, b])
        shares = [np.searchsorted(np.sort(sample), values, side="right") / len(sample) for sample in (a, b)]
        return (sign * (shares[0] - shares[1])).max()

    return statistic


def _fewer(observed, null):
    return min(np.sum(null >= observed - 1e-12), np.sum(null <= observed + 1e-12))


def _sorts_what_it_is_given(historical, recent, rng, rounds=199):
    historical.sort()
    return _p()(historical, recent, rng, rounds)


def _by_labels(historical, recent, rng, rounds=199):
    """Shuffle the labels instead of the values."""
    pooled = np.concatenate([historical, recent])
    is_recent = np.arange(pooled.size) >= len(historical)
    observed = ks_2samp(historical, recent).statistic
    count = 0
    for _ in range(rounds):
        labels = rng.permutation(is_recent)
        count += ks_2samp(pooled[~labels], pooled[labels]).statistic >= observed
    return (count + 1) / (rounds + 1)


def _by_scipy(historical, recent, rng, rounds=199):
    found = permutation_test(
        (historical, recent), _d, n_resamples=rounds, alternative="greater", random_state=rng
    )
    return found.pvalue


def _all_at_once(historical, recent, rng, rounds=199):
    n = len(historical)
    shuffles = rng.permuted(np.tile(_both(historical, recent), (rounds, 1)), axis=1)
    null = ks_2samp(shuffles[:, :n], shuffles[:, n:], axis=1).statistic
    return (1 + np.sum(null >= ks_2samp(historical, recent).statistic - 1e-12)) / (1 + rounds)


def _p_by_p_values(historical, recent, rng, rounds=199):
    """Compare p-values, which fall as D grows, in place of the distances."""
    observed, null = _shuffles(historical, recent, rng, rounds, statistic=lambda a, b: ks_2samp(a, b).pvalue)
    return (1 + np.sum(null <= observed + 1e-12)) / (1 + rounds)


# 3.6: only when it got slower ------------------------------------------------------------------------------


def _slower(historical, recent):
    return ks_2samp(recent, historical, alternative="less", method="asymp").pvalue


def _slower_other_order(historical, recent):
    return ks_2samp(historical, recent, alternative="greater").pvalue


def _arguments_swapped(historical, recent):
    return ks_2samp(historical, recent, alternative="less", method="asymp").pvalue


def _mann_whitney(historical, recent):
    return mannwhitneyu(recent, historical, alternative="greater").pvalue


def _slower_by_shuffling(rounds):
    def slower_p_value(historical, recent):
        return _p(statistic=_one_sided(1))(historical, recent, np.random.default_rng(3), rounds)

    return slower_p_value


WRONG = {
    "3.1": (
        (-0.281, "other sign"),
        (28.1, "in percent"),
        (281, "a thousand times"),
        (0, "at or below"),
        ("0.281", "a number is expected"),
    ),
    "3.2": (
        (lambda a, b: 0.329, "for every case"),
        (_d_in_whole_ms, "a thousandth of a ms apart"),
        (_d_without_abs_of_a, "gaps of one sign"),
        (_d_at_the_last_value, "a number is expected"),
        (lambda a, b: (_d(a, b), 159.0), "a tuple of 2"),
        (lambda a, b: round(_d(a, b), 3), "rounds"),
        (lambda a, b: 100 * _d(a, b), "percent"),
        (lambda a, b: np.array([_d(a, b)]), "a number is expected"),
        (_d_sorting_in_place, "Work on a copy"),
        (ks_2samp, "a number is expected"),
        (lambda a, b: ks_2samp(a, b).statistic, "without `ks_2samp`"),
        (lambda a, b: kstest(a, b)[0], "without `ks_2samp`"),
        (0.329, "a function is expected"),
    ),
    "3.3": (
        (_p(of=lambda b, rounds: b / rounds), "a p of 0 claims more"),
        (_p(of=lambda b, rounds: (1 + b) / rounds), "none of 96 shuffles"),
        (_p(of=lambda b, rounds: b), "which two numbers"),
        (_p(of=lambda b, rounds: (1 + b) / (1 + rounds) < 0.05), "truth value"),
        (_p(lambda observed, null: np.sum(null > observed + 1e-12)), "which comparison"),
        (_p(lambda observed, null: np.sum(null <= observed + 1e-12)), "closer together"),
        (_p(lambda observed, null: null[0] >= observed), "a new one"),
        (_p(_fewer, of=lambda b, rounds: min(1, 2 * (1 + b) / (1 + rounds))), "none of 96 shuffles"),
        (_drawing(lambda a, b, rng: (rng.permutation(a), rng.permutation(b))), "ever change samples"),
        (_one_shuffle, "a new one"),
        (_cut_at(lambda n, m: (n + m) // 2), "sizes observed"),
        (_cut_at(lambda n, m: n + 1), "sizes observed"),
        (_cut_at(lambda n, m: 1_000, _empty_rest), "a new one"),
        (_drawing(_overlapping), "sizes observed"),
        (_drawing(_drawn_apart), "of all requests"),
        (_drawing(lambda a, b, rng: (a, rng.permutation(_both(a, b))[: len(b)])), "of all requests"),
        (_p(replace=True), "hold each once"),
        (_drawing(_new_ones), "or new ones"),
        (_p(statistic=_one_sided(1)), "have a sign"),
        (_p(statistic=_one_sided(-1)), "have a sign"),
        (_p(statistic=lambda a, b: abs(np.mean(a) - np.mean(b))), "a change of spread goes unseen"),
        (_p(statistic=lambda a, b: abs(np.median(a) - np.median(b))), "its D compared"),
        (_p(statistic=wasserstein_distance), "its D compared"),
        (lambda a, b, rng, rounds: _p()(a, b, rng, 199), "none of 96 shuffles"),
        (lambda a, b, rng, rounds: round(_p()(a, b, rng, rounds), 3), "not rounded"),
        (lambda a, b, rng, rounds: 100 * _p()(a, b, rng, rounds), "which two numbers"),
        (lambda a, b, rng, rounds=199: ks_2samp(a, b).pvalue, "nothing from `rng`"),
        (_with_generator(lambda: np.random.default_rng(4)), "nothing from `rng`"),
        (_with_generator(lambda: np.random), "nothing from `rng`"),
        (_sorts_what_it_is_given, "Work on a copy"),
    ),
    "3.4": (("A and B", "choose one of"), ("a", "turns the condition round")),
    "3.5": (
        (100, "which way must the size go"),
        (200, "54%"),
        (300, "which way must the size go"),
        (400, "over many pairs"),
        (450, "a multiple of 100"),
        (-100, "a multiple of 100"),
        (700, "a smaller size"),
        (100_000, "more than needed"),
    ),
    "3.6": (
        (_arguments_swapped, "rise or sink"),
        (_mann_whitney, "is expected"),
        (lambda historical, recent: _slower(historical, recent) < 0.05, "truth value"),
        (lambda historical, recent: ks_2samp(recent, historical, alternative="less"), "KstestResult"),
        (lambda historical, recent: f"{_slower(historical, recent):.2g}", "a number is expected"),
        (lambda historical, recent: round(_slower(historical, recent), 2), "rounds"),
    ),
}

RIGHT = {
    "3.1": (np.array(0.281),),
    "3.2": (
        _d,
        _d_by_comparing,
        _d_from_sets,
        _d_from_the_left,
        _d_by_pandas,
        lambda a, b: np.float32(_d(a, b)),
    ),
    "3.3": (_p(), _by_labels, _p_by_p_values, _all_at_once, _by_scipy),
    "3.4": ("b", " B ", ["B"], "B. If nothing had drifted, a D of 0.076 or more would come up"),
    "3.5": (500.0, np.int64(500)),
    "3.6": (_slower, _slower_other_order, _slower_by_shuffling(199), _slower_by_shuffling(999)),
}
