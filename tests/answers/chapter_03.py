"""Answers to chapter 03: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
from scipy.stats import ks_2samp, mannwhitneyu, wasserstein_distance

from utils.exercises.chapter_03 import (
    _at_or_below_against_below,
    _at_points_of_a_only,
    _at_points_of_b_only,
    _below_against_at_or_below,
    _counts,
    _counts_over_all,
    _counts_over_first_size,
    _course_sizes,
    _gaps,
    _half_of_two_sided,
    _location_of_gap,
    _lowest_signed,
    _mean_gap,
    _one_minus,
    _one_sign_a,
    _one_sign_b,
    _one_value_at_a_time,
    _p_value,
    _rank_by_rank,
    _searched_unsorted,
    _statistic_of_it,
    _statistic_of_two_sided,
    _two_sided,
    _wrong_tail,
)


def _always_the_course(a, b):
    return 0.329


def _coarse_grid(a, b):
    a, b = np.asarray(a), np.asarray(b)
    grid = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), 10)
    return np.abs(_gaps(a, b, at=grid)).max()


def _fine_grid(a, b):
    a, b = np.asarray(a), np.asarray(b)
    grid = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), 10_000)
    shares = [np.searchsorted(np.sort(sample), grid, side="right") / len(sample) for sample in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


def _from_the_left(a, b):
    values = np.concatenate([a, b])
    shares = [np.searchsorted(np.sort(sample), values) / len(sample) for sample in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


def _with_its_location(a, b):
    return ks_2samp(a, b).statistic, ks_2samp(a, b).statistic_location


def _rounded(a, b):
    return round(_d_from_sorted_arrays(a, b), 3)


def _d_from_sorted_arrays(a, b):
    a, b = np.sort(a), np.sort(b)
    at = np.concatenate([a, b])
    below_a = np.searchsorted(a, at, side="right") / len(a)
    return np.max(np.abs(below_a - np.searchsorted(b, at, side="right") / len(b)))


def _d_from_sets(a, b):
    steps = sorted(set(a) | set(b))
    return max(abs(sum(v <= x for v in a) / len(a) - sum(v <= x for v in b) / len(b)) for x in steps)


def _d(a, b):
    """Return D by the shortest way, for the wrong answers below."""
    is_a = np.concatenate([np.ones(len(a)), np.zeros(len(b))])
    pooled = np.concatenate([a, b])
    order = np.argsort(pooled, kind="stable")
    steps = np.cumsum(np.where(is_a[order] == 1, 1 / len(a), -1 / len(b)))
    last_of_run = np.append(np.diff(pooled[order]) > 0, True)
    return np.abs(steps[last_of_run]).max()


def _shuffles(historical, recent, rng, rounds, statistic=_d, *, cut=None, replace=False):
    """Return the observed statistic and that of each shuffle, right unless told otherwise."""
    pooled = np.concatenate([historical, recent])
    cut = len(historical) if cut is None else cut
    null = []
    for _ in range(rounds):
        drawn = rng.choice(pooled, size=pooled.size, replace=replace)
        null.append(statistic(drawn[:cut], drawn[cut:]))
    return statistic(historical, recent), np.array(null)


def _permutation_p(historical, recent, rng, rounds=199, **options):
    observed, null = _shuffles(historical, recent, rng, rounds, **options)
    return (1 + np.sum(null >= observed - 1e-12)) / (1 + rounds)


def _permutation_p_zero(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    return np.mean(null >= observed - 1e-12)


def _permutation_p_strict(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    return (1 + np.sum(null > observed + 1e-12)) / (1 + rounds)


def _permutation_p_other_side(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    return (1 + np.sum(null <= observed + 1e-12)) / (1 + rounds)


def _permutation_p_each_alone(historical, recent, rng, rounds=199):
    observed = _d(historical, recent)
    null = [_d(rng.permutation(historical), rng.permutation(recent)) for _ in range(rounds)]
    return (1 + np.sum(np.array(null) >= observed - 1e-12)) / (1 + rounds)


def _permutation_p_halves(historical, recent, rng, rounds=199):
    cut = (len(historical) + len(recent)) // 2
    return _permutation_p(historical, recent, rng, rounds, cut=cut)


def _permutation_p_course_sizes(historical, recent, rng, rounds=199):
    def distance(a, b):
        return _d(a, b) if len(a) and len(b) else np.nan

    return _permutation_p(historical, recent, rng, rounds, statistic=distance, cut=1_000)


def _permutation_p_same_shuffle(historical, recent, rng, rounds=199):
    observed, null = _d(historical, recent), []
    for _ in range(rounds):
        _, (distance,) = _shuffles(historical, recent, np.random.default_rng(4), 1)
        null.append(distance)
    return (1 + np.sum(np.array(null) >= observed)) / (1 + rounds)


def _permutation_p_is_d(historical, recent, rng, rounds=199):
    return _d(historical, recent)


def _permutation_p_with_replacement(historical, recent, rng, rounds=199):
    return _permutation_p(historical, recent, rng, rounds, replace=True)


def _permutation_p_recent_only(historical, recent, rng, rounds=199):
    """Draw the recent sample from the pool and leave the historical one as it is."""

    def distance(_, drawn):
        return _d(historical, drawn)

    return _permutation_p(historical, recent, rng, rounds, statistic=distance)


def _permutation_p_of_means(historical, recent, rng, rounds=199):
    return _permutation_p(
        historical, recent, rng, rounds, statistic=lambda a, b: abs(np.mean(a) - np.mean(b))
    )


def _permutation_p_of_wasserstein(historical, recent, rng, rounds=199):
    return _permutation_p(historical, recent, rng, rounds, statistic=wasserstein_distance)


def _permutation_p_of_two_tails(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    tails = np.sum(null >= observed - 1e-12), np.sum(null <= observed + 1e-12)
    return min(1.0, 2 * (1 + min(tails)) / (1 + rounds))


def _permutation_p_of_first_round(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    for distance in null:
        return (1 + (distance >= observed - 1e-12)) / (1 + rounds)


def _permutation_p_by_all_rounds(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    return (1 + np.sum(null >= observed - 1e-12)) / rounds


def _permutation_p_by_p_values(historical, recent, rng, rounds=199):
    """Compare p-values, which fall as D grows, in place of the distances."""
    observed, null = _shuffles(historical, recent, rng, rounds, statistic=_p_value)
    return (1 + np.sum(null <= observed + 1e-12)) / (1 + rounds)


def _permutation_p_fixed_rounds(historical, recent, rng, rounds=199):
    return _permutation_p(historical, recent, rng, 199)


def _permutation_p_count(historical, recent, rng, rounds=199):
    observed, null = _shuffles(historical, recent, rng, rounds)
    return int(np.sum(null >= observed))


def _permutation_p_alarm(historical, recent, rng, rounds=199):
    return _permutation_p(historical, recent, rng, rounds) < 0.05


def _permutation_p_with_permuted_labels(historical, recent, rng, rounds=199):
    """Shuffle the labels instead of the values."""
    pooled = np.concatenate([historical, recent])
    is_recent = np.arange(pooled.size) >= len(historical)
    observed = ks_2samp(historical, recent).statistic
    count = 0
    for _ in range(rounds):
        labels = rng.permutation(is_recent)
        count += ks_2samp(pooled[~labels], pooled[labels]).statistic >= observed
    return (count + 1) / (rounds + 1)


def _arguments_swapped(historical, recent):
    return ks_2samp(historical, recent, alternative="less", method="asymp").pvalue


def _mean_decides(historical, recent):
    return ks_2samp(recent, historical).pvalue if np.mean(recent) > np.mean(historical) else 1.0


def _whole_result(historical, recent):
    return ks_2samp(recent, historical, alternative="less", method="asymp")


def _mann_whitney(historical, recent):
    return mannwhitneyu(recent, historical, alternative="greater").pvalue


def _by_formula(historical, recent):
    """Compute the one-sided p of a large sample from the gap of one sign."""
    n, m = len(historical), len(recent)
    return np.exp(-2 * n * m / (n + m) * max(_one_sign_a(historical, recent), 0) ** 2)


def _alert_instead_of_p(historical, recent):
    return _slower(historical, recent) < 0.05


def _slower_other_order(historical, recent):
    return ks_2samp(historical, recent, alternative="greater").pvalue


def _slower(historical, recent):
    return ks_2samp(recent, historical, alternative="less", method="asymp").pvalue


WRONG = {
    "3.1": (
        (-0.281, "a distance has none"),
        (28.1, "reads like a percentage"),
        (0.859, "one sample alone"),
        (0.329, "largest gap of all"),
        (15.5, "never above 1"),
        (-0.094, "over both samples together"),
        (0.256, "gap at 150 ms"),
        (0.011, "and the control"),
        (0.571, "size of its own sample"),
        (0.381, "size of its own sample"),
        (0.18, "the gap is another one"),
        ("0.281", "a number is expected"),
    ),
    "3.2": (
        (_one_sign_a, "one sign"),
        (_one_sign_b, "one sign"),
        (_lowest_signed, "one sign"),
        (_at_points_of_a_only, "values of both samples"),
        (_at_points_of_b_only, "values of both samples"),
        (_one_value_at_a_time, "run of ties"),
        (_below_against_at_or_below, "run of ties"),
        (_at_or_below_against_below, "run of ties"),
        (_searched_unsorted, "sorted array only"),
        (_always_the_course, "not with the chapter's data"),
        (_course_sizes, "size of its own sample"),
        (_counts_over_first_size, "size of its own sample"),
        (_counts_over_all, "size of its own sample"),
        (_counts, "size of its own sample"),
        (_location_of_gap, "a latency"),
        (_rank_by_rank, "sideways"),
        (_mean_gap, "the largest alone"),
        (_coarse_grid, "any value of either sample"),
        (_fine_grid, "any value of either sample"),
        (_with_its_location, "a tuple of 2"),
        (_p_value, "the p-value"),
        (_rounded, "D, rounded"),
        (0.329, "a function is expected"),
    ),
    "3.3": (
        (_permutation_p_zero, "a p of 0 claims more"),
        (_permutation_p_strict, "at least as large"),
        (_permutation_p_other_side, "closer together"),
        (_permutation_p_each_alone, "by itself moves nothing"),
        (_permutation_p_halves, "sizes observed"),
        (_permutation_p_course_sizes, "next to no shuffle reaches"),
        (_permutation_p_of_first_round, "does every round count"),
        (_permutation_p_by_all_rounds, "nothing in common"),
        (_permutation_p_of_two_tails, "your function returns 0.02"),
        (_permutation_p_of_wasserstein, "order of the values alone"),
        (_permutation_p_same_shuffle, "a shuffle of its own"),
        (_permutation_p_is_d, "this is D itself"),
        (_permutation_p_with_replacement, "with replacement"),
        (_permutation_p_recent_only, "exactly once"),
        (_permutation_p_of_means, "a change of spread goes unseen"),
        (_permutation_p_fixed_rounds, "caller's choice"),
        (_permutation_p_count, "between 0 and 1"),
        (_permutation_p_alarm, "truth value"),
    ),
    "3.4": (
        ("A", "turns the condition round"),
        ("C", "size alone"),
        ("d", "moves as much as the data do"),
        ("E", "among comparisons without drift"),
        ("A and B", "choose one of"),
    ),
    "3.5": (
        (100, "are caught"),
        (200, "half fall short"),
        (400, "Nine of ten are asked for"),
        (450, "a multiple of 100"),
        (700, "A smaller multiple of 100"),
        (100_000, "more than needed"),
    ),
    "3.6": (
        (_wrong_tail, "rise or sink"),
        (_arguments_swapped, "rise or sink"),
        (_two_sided, "two-sided"),
        (_half_of_two_sided, "forgets the direction"),
        (_one_minus, "do not add up to 1"),
        (_mean_decides, "with no look at the data"),
        (_mann_whitney, "over the whole curve"),
        (_alert_instead_of_p, "truth value"),
        (_statistic_of_it, "this is the statistic"),
        (_statistic_of_two_sided, "this is the statistic"),
        (_whole_result, "whole result"),
        (ks_2samp, "whole result"),
    ),
}

RIGHT = {
    "3.1": (np.array(0.281),),
    "3.2": (
        _d_from_sorted_arrays,
        _d_from_sets,
        _from_the_left,
        _d,
        ks_2samp,
        lambda a, b: np.float32(_d(a, b)),
    ),
    "3.3": (_permutation_p, _permutation_p_with_permuted_labels, _permutation_p_by_p_values),
    "3.4": ("b", " B ", ["B"], "B. If nothing had drifted, a D of 0.076 or more would come up"),
    "3.5": (500.0, np.int64(500)),
    "3.6": (_slower, _slower_other_order, _by_formula),
}
