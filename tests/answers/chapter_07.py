"""Answers to chapter 07: wrong ones that are no slip, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from tests.chapter import definitions

_CHAPTER = definitions("07")

# 7.2 -------------------------------------------------------------------------------------------------------


def _psi_of_lists(historical_counts, recent_counts):
    total = 0.0
    for a, b in zip(historical_counts, recent_counts, strict=True):
        p, q = max(a / sum(historical_counts), 0.0001), max(b / sum(recent_counts), 0.0001)
        total += (p - q) * np.log(p / q)
    return total


def _psi_by_entropy(historical_counts, recent_counts):
    p, q = (np.clip(pd.Series(c) / np.sum(c), 0.0001, 1) for c in (historical_counts, recent_counts))
    return np.sum(rel_entr(p, q) + rel_entr(q, p))


def _psi_no_floor(historical_counts, recent_counts):
    p, q = (c / np.sum(c) for c in (historical_counts, recent_counts))
    return np.sum((q - p) * np.log(q / p))


def _psi_each_bin(historical_counts, recent_counts):
    p, q = (np.maximum(c / np.sum(c), 0.0001) for c in (historical_counts, recent_counts))
    return (q - p) * np.log(q / p)


def _psi_floored_on_the_spot(historical_counts, recent_counts):
    value = _psi_of_lists(historical_counts, recent_counts)
    historical_counts[historical_counts == 0] = 1
    return value


# 7.3 -------------------------------------------------------------------------------------------------------


def _gap_of(statistic):
    """Return the ruler that compares one number of each window."""
    return lambda before, after: abs(statistic(before) - statistic(after))


def _quantile(level):
    return _gap_of(lambda window: np.quantile(window, level))


def _ks_p(before, after):
    return stats.ks_2samp(before, after, method="asymp").pvalue


def _ruler_sorts(before, after):
    before.sort(), after.sort()
    return np.mean(np.abs(np.log(before / after)[:450]))


def _u_from_its_middle(before, after):
    return abs(stats.mannwhitneyu(after, before).statistic - before.size * after.size / 2)


def _measure(name):
    """Return the ruler that is one of the chapter's own measures."""
    return lambda before, after: _CHAPTER.all_measures(before, after)[name]


# 7.5 -------------------------------------------------------------------------------------------------------


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


# 7.6 -------------------------------------------------------------------------------------------------------


def _stack(historical, recent):
    return np.vstack([historical, recent]), np.repeat([0, 1], [len(historical), len(recent)])


def _domain(model, shuffled=True, total=np.mean, scoring="roc_auc"):
    """Return the function that cross-validates a classifier."""
    folds = StratifiedKFold(5, shuffle=True, random_state=42) if shuffled else KFold(5)

    def auc(historical, recent):
        rows, label = _stack(historical, recent)
        return total(cross_val_score(model, rows, label, cv=folds, scoring=scoring))

    return auc


_TREE = DecisionTreeClassifier(min_samples_leaf=20, random_state=42)
_tree_auc = _domain(_TREE)


def _domain_held_out(historical, recent):
    rows, label = _stack(historical, recent)
    train_rows, rows, train_label, label = train_test_split(
        rows, label, test_size=0.5, random_state=42, stratify=label
    )
    return roc_auc_score(label, _TREE.fit(train_rows, train_label).predict_proba(rows)[:, 1])


def _domain_in_sample(historical, recent):
    rows, label = _stack(historical, recent)
    return roc_auc_score(label, _TREE.fit(rows, label).predict_proba(rows)[:, 1])


def _domain_numbered(historical, recent):
    numbers = np.arange(len(historical) + len(recent))
    old, new = np.split(numbers, [len(historical)])
    return _tree_auc(np.column_stack([old, historical]), np.column_stack([new, recent]))


def _domain_labels_turned(historical, recent):
    rows, label = np.vstack([historical, recent]), np.repeat([0, 1], [len(recent), len(historical)])
    folds = StratifiedKFold(5, shuffle=True, random_state=42)
    return cross_val_score(_TREE, rows, label, cv=folds, scoring="roc_auc").mean()


def _domain_of_globals(historical, recent):
    rng = np.random.default_rng(1)
    return _tree_auc(rng.normal(size=(100, 3)), rng.normal(0.5, size=(100, 3)))


def _domain_scales_what_it_is_given(historical, recent):
    center = historical.mean(axis=0)
    for rows in (historical, recent):
        rows -= center
    return _tree_auc(historical, recent)


WRONG = {
    "7.1": (
        (0.01, "a thousandth of what is asked for"),
        (1_000, "in percent"),
        (-10, "the other sign"),
        (14, "how wide is the gap"),
        ("10 ms", "a number is expected"),
    ),
    "7.2": (
        (_psi_no_floor, "Where does the floor belong"),
        (_psi_each_bin, "a number for each bin"),
        (lambda *counts: round(_psi_of_lists(*counts), 2), "rounds"),
        (lambda *counts: -_psi_of_lists(*counts), "the other sign"),
        (lambda p, q: jensenshannon(p, q), "is expected"),
        (_psi_floored_on_the_spot, "on a copy"),
        (0.1, "a function is expected"),
    ),
    "7.3": (
        (stats.wasserstein_distance, "few hanging requests"),
        (_gap_of(np.mean), "few hanging requests"),
        (_quantile(0.9), "throw away"),
        (_measure("PSI"), "throw away"),
        (_quantile(0.99), "look where"),
        (_gap_of(np.std), "look where"),
        (_ks_p, "which way"),
        (lambda before, after: np.median(before) - np.median(after), "which way"),
        (lambda before, after: np.median(after) - np.median(before), "has a direction"),
        (lambda before, after: max(0, np.median(after) - np.median(before)), "has a direction"),
        (lambda before, after: stats.mannwhitneyu(after, before).statistic, "has a direction"),
        (lambda before, after: abs(np.median(after) - 150), "whatever `before` is"),
        (lambda before, after: _ks_p(before, after) < 0.05, "truth value"),
        (lambda before, after: 1.0, "hardly any different numbers"),
        (lambda before, after: stats.ks_2samp(before, after), "a number is expected"),
        (_ruler_sorts, "on a copy"),
        ("KS", "a function is expected"),
    ),
    "7.4": (
        (1.0, "which quantile"),
        (-0.1, "which quantile"),
        (13.4, "percent"),
        ("0.1", "a number is expected"),
    ),
    "7.5": (
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
    "7.6": (
        (_domain_in_sample, "has not seen it"),
        (
            lambda *pair: max(_tree_auc(*(rows[:, [i]] for rows in pair)) for i in range(3)),
            "the best of several",
        ),
        (lambda *pair: min(stats.ks_2samp(*pair).pvalue), "a p-value"),
        (_domain(DecisionTreeClassifier(random_state=42)), "by heart"),
        (_domain(make_pipeline(StandardScaler(), LogisticRegression())), "a straight line"),
        (_domain(GaussianNB()), "two features together"),
        (lambda historical, recent: _tree_auc(historical[:, :2], recent[:, :2]), "all columns"),
        (_domain_labels_turned, "the label of its own sample"),
        (_domain(_TREE, scoring="accuracy"), "the larger class"),
        (_domain(_TREE, total=np.max), "the best of several"),
        (lambda *pair: 2 * _tree_auc(*pair) - 1, "AUC of guessing"),
        (_domain(_TREE, shuffled=False), "both kinds"),
        (lambda *pair: 1 - _tree_auc(*pair), "higher score"),
        (_domain_numbered, "a row number"),
        (_domain(_TREE, total=np.asarray), "a number is expected"),
        (_domain_of_globals, "the notebook's variables"),
        (_domain_scales_what_it_is_given, "on a copy"),
        (lambda historical, recent: _tree_auc(historical, recent[:, :2]), "raised ValueError"),
        (0.7, "a function is expected"),
    ),
}

RIGHT = {
    "7.1": (np.float64(10.0), 10, [10]),
    "7.2": (_CHAPTER.psi, _psi_of_lists, _psi_by_entropy),
    "7.3": (
        _measure("KS"),
        _measure("Anderson-Darling"),
        _CHAPTER.ruler,
        _gap_of(np.median),
        _gap_of(lambda window: stats.trim_mean(window, 0.05)),
        _u_from_its_middle,
        lambda before, after: -stats.mannwhitneyu(before, after).pvalue,
        lambda before, after: stats.wasserstein_distance(np.minimum(before, 300), np.minimum(after, 300)),
        lambda before, after: np.sum(
            np.abs(np.quantile(before, [0.3, 0.5, 0.7]) - np.quantile(after, [0.3, 0.5, 0.7]))
        ),
        stats.energy_distance,
    ),
    "7.4": (0.13, np.float32(0.128), 0.127, 0.14),
    "7.5": (
        _CHAPTER.category_p_value,
        _category_p_crosstab,
        _category_p_shuffled,
        lambda *pair: stats.chi2_contingency(_table(*pair), lambda_="log-likelihood").pvalue,
    ),
    "7.6": (
        _CHAPTER.domain_auc,
        _domain(QuadraticDiscriminantAnalysis()),
        _domain(KNeighborsClassifier(25)),
        _domain(DecisionTreeClassifier(max_depth=5, random_state=1)),
        _domain_held_out,
    ),
}
