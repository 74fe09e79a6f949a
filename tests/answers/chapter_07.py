"""Answers to chapter 07: wrong ones that are no slip, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from tests.chapter import definitions

_CHAPTER = definitions("07")

# 7.2 -------------------------------------------------------------------------------------------------------


def _gap_of(statistic):
    """Return the ruler that compares one number of each window."""
    return lambda before, after: abs(statistic(before) - statistic(after))


def _quantile(level):
    return _gap_of(lambda window: np.quantile(window, level))


def _ks_p(before, after):
    return stats.ks_2samp(before, after, method="asymp").pvalue


def _ruler_sorts(before, after):
    before.sort(), after.sort()
    return abs(before[250] - after[250])


def _u_from_its_middle(before, after):
    return abs(stats.mannwhitneyu(after, before).statistic - before.size * after.size / 2)


def _measure(name):
    """Return the ruler that is one of the chapter's own measures."""
    return lambda before, after: _CHAPTER.all_measures(before, after)[name]


# 7.4 -------------------------------------------------------------------------------------------------------


def _table(historical, recent, fill=0):
    counts = {"old": pd.Series(historical).value_counts(), "new": pd.Series(recent).value_counts()}
    return pd.DataFrame(counts).fillna(fill).T


def _category_p_crosstab(historical, recent):
    sample = np.repeat(["historical", "recent"], [len(historical), len(recent)])
    return stats.chi2_contingency(pd.crosstab(sample, np.concatenate([historical, recent]))).pvalue


def _category_p_shuffled(historical, recent):
    rng = np.random.default_rng(42)
    categories, codes = np.unique(np.concatenate([historical, recent]), return_inverse=True)
    totals = np.bincount(codes)
    expected = totals * len(historical) / codes.size

    def distance(codes):
        first = np.bincount(codes[: len(historical)], minlength=len(categories))
        return np.sum((first - expected) ** 2 / totals)

    observed = distance(codes)
    return (1 + sum(distance(rng.permutation(codes)) >= observed - 1e-9 for _ in range(199))) / 200


def _category_p_sorts(historical, recent):
    historical.sort(), recent.sort()
    return _CHAPTER.category_p_value(historical, recent)


def _category_p_lumped(historical, recent):
    table = _table(historical, recent)
    rare = table.columns[table.sum() < 5]
    if len(rare):
        table = table.drop(columns=rare).assign(other=table[rare].sum(axis=1))
    return stats.chi2_contingency(table).pvalue


def _category_p_ks(historical, recent):
    codes = np.unique(np.concatenate([historical, recent]), return_inverse=True)[1]
    return stats.ks_2samp(codes[: len(historical)], codes[len(historical) :], method="asymp").pvalue


def _goodness_of_fit(historical, recent):
    first, second = _table(historical, recent, fill=0.01).to_numpy()
    return stats.chisquare(second, first / np.sum(first) * np.sum(second)).pvalue


WRONG = {
    "7.1": (
        (0.0194, "a thousandth of what is asked for"),
        (-19.4, "the other sign"),
        (14, "the area between the curves"),
        ("10 ms", "a number is expected"),
    ),
    "7.2": (
        (stats.wasserstein_distance, "few cached requests"),
        (_gap_of(np.mean), "few cached requests"),
        (_quantile(0.9), "throw away"),
        (_measure("PSI"), "throw away"),
        (_quantile(0.99), "throw away"),
        (_gap_of(np.std), "look where"),
        (_ks_p, "which way"),
        (lambda before, after: np.median(before) - np.median(after), "which way"),
        (lambda before, after: np.median(after) - np.median(before), "has a direction"),
        (lambda before, after: max(0, np.median(after) - np.median(before)), "has a direction"),
        (lambda before, after: stats.mannwhitneyu(after, before).statistic, "has a direction"),
        (lambda before, after: abs(np.median(after) - 147.3), "whatever `before` is"),
        (lambda before, after: _ks_p(before, after) < 0.05, "truth value"),
        (lambda before, after: 1.0, "hardly any different numbers"),
        (lambda before, after: stats.ks_2samp(before, after), "a number is expected"),
        (_ruler_sorts, "on a copy"),
        ("KS", "a function is expected"),
    ),
    "7.3": (
        (1.0, "which quantile"),
        (-0.1, "which quantile"),
        (25.9, "percent"),
        ("0.1", "a number is expected"),
    ),
    "7.4": (
        (_category_p_ks, "is expected"),
        (lambda *pair: stats.chi2_contingency(_table(*pair)).statistic, "Is this the statistic"),
        (lambda *pair: stats.chi2_contingency(_table(*pair)), "the p-value alone"),
        (lambda *pair: stats.chi2_contingency(_table(*pair, fill=np.nan)).pvalue, "this is nan"),
        (lambda *pair: round(stats.chi2_contingency(_table(*pair)).pvalue, 2), "rounds"),
        (lambda *pair: stats.chi2_contingency(_table(*pair)).pvalue < 0.05, "a number is expected"),
        (_goodness_of_fit, "shares as known"),
        (lambda *pair: float(set(pair[0]) == set(pair[1])), "is expected"),
        (_category_p_sorts, "on a copy"),
        (_category_p_lumped, "come and go"),
    ),
    "7.5": (
        (("cpu_percent", "cpu_percent"), "together with itself"),
        (("cpu_percent", "disk"), "choose one of"),
        ("cpu_percent", "2 things"),
    ),
}

RIGHT = {
    "7.1": (np.float64(19.4), 19.95, [19]),
    "7.2": (
        _measure("KS"),
        _measure("Anderson-Darling"),
        _CHAPTER.ruler,
        _gap_of(np.median),
        _u_from_its_middle,
        lambda before, after: -stats.mannwhitneyu(before, after).pvalue,
        lambda before, after: stats.wasserstein_distance(np.maximum(before, 90), np.maximum(after, 90)),
    ),
    "7.3": (0.26, np.float32(0.262), 0.255, 0.27),
    "7.4": (
        _CHAPTER.category_p_value,
        _category_p_crosstab,
        _category_p_shuffled,
        lambda *pair: stats.chi2_contingency(_table(*pair), lambda_="log-likelihood").pvalue,
    ),
    "7.5": (["queue_length", "cpu_percent"], ("cpu_percent", "queue_length")),
}
