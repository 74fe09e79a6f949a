"""Answers to chapter 07: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import rel_entr
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from utils.exercises.chapter_07 import (
    _FLOOR,
    _category_p,
    _kl,
    _kl_back,
    _psi,
    _psi_base_2,
    _psi_base_10,
    _psi_floor_added,
    _psi_in_two_digits,
    _psi_joint_total,
    _psi_mean,
    _psi_negative,
    _psi_of_counts,
    _table,
)


def _psi_of_lists(historical_counts, recent_counts):
    total = 0.0
    for a, b in zip(historical_counts, recent_counts, strict=True):
        p, q = max(a / sum(historical_counts), _FLOOR), max(b / sum(recent_counts), _FLOOR)
        total += (p - q) * np.log(p / q)
    return total


def _psi_one_total(historical_counts, recent_counts):
    total = np.sum(historical_counts)
    p, q = (np.maximum(np.asarray(c) / total, _FLOOR) for c in (historical_counts, recent_counts))
    return np.sum((q - p) * np.log(q / p))


def _psi_no_floor(historical_counts, recent_counts):
    p, q = (np.asarray(c) / np.sum(c) for c in (historical_counts, recent_counts))
    return np.sum((q - p) * np.log(q / p))


def _psi_skips_empty(historical_counts, recent_counts):
    p, q = (np.asarray(c) / np.sum(c) for c in (historical_counts, recent_counts))
    both = (p > 0) & (q > 0)
    return np.sum((q - p)[both] * np.log((q / np.where(p > 0, p, 1))[both]))


def _psi_floors_recent_only(historical_counts, recent_counts):
    p, q = (np.asarray(c) / np.sum(c) for c in (historical_counts, recent_counts))
    q = np.maximum(q, _FLOOR)
    return np.sum((q - p) * np.log(q / p))


def _psi_other_floor(historical_counts, recent_counts):
    p, q = (np.maximum(np.asarray(c) / np.sum(c), 1e-6) for c in (historical_counts, recent_counts))
    return np.sum((q - p) * np.log(q / p))


def _psi_floors_counts(historical_counts, recent_counts):
    counts = (np.maximum(c, _FLOOR) for c in (historical_counts, recent_counts))
    p, q = (c / np.sum(c) for c in counts)
    return np.sum((q - p) * np.log(q / p))


def _psi_floors_zeros_only(historical_counts, recent_counts):
    p, q = (np.asarray(c) / np.sum(c) for c in (historical_counts, recent_counts))
    p, q = (np.where(share == 0, _FLOOR, share) for share in (p, q))
    return np.sum((q - p) * np.log(q / p))


def _psi_by_entropy(historical_counts, recent_counts):
    p, q = (np.maximum(np.asarray(c) / np.sum(c), _FLOOR) for c in (historical_counts, recent_counts))
    return np.sum(rel_entr(p, q) + rel_entr(q, p))


def _psi_in_four_digits(historical_counts, recent_counts):
    return round(_psi(historical_counts, recent_counts), 4)


def _psi_each_bin(historical_counts, recent_counts):
    p, q = (np.maximum(np.asarray(c) / np.sum(c), _FLOOR) for c in (historical_counts, recent_counts))
    return (q - p) * np.log(q / p)


def _ruler_p_value(before, after):
    return stats.ks_2samp(before, after, method="asymp").pvalue


def _ruler_mean(before, after):
    return abs(np.mean(before) - np.mean(after))


def _ruler_p99(before, after):
    return abs(np.quantile(before, 0.99) - np.quantile(after, 0.99))


def _ruler_faster(before, after):
    return np.median(before) - np.median(after)


def _ruler_slower(before, after):
    return np.median(after) - np.median(before)


def _ruler_u(before, after):
    return stats.mannwhitneyu(after, before).statistic


def _ruler_u_from_its_middle(before, after):
    return abs(stats.mannwhitneyu(after, before).statistic - before.size * after.size / 2)


def _ruler_trimmed_mean(before, after):
    return abs(stats.trim_mean(before, 0.05) - stats.trim_mean(after, 0.05))


def _ruler_log_mean(before, after):
    return abs(np.mean(np.log(before)) - np.mean(np.log(after)))


def _ruler_capped(before, after):
    return stats.wasserstein_distance(np.minimum(before, 300), np.minimum(after, 300))


def _ruler_decides(before, after):
    return stats.ks_2samp(before, after, method="asymp").pvalue < 0.05


def _ruler_sd(before, after):
    return abs(np.std(before) - np.std(after))


def _ruler_after_only(before, after):
    return 1.0


def _ruler_d(before, after):
    return stats.ks_2samp(before, after, method="asymp").statistic


def _ruler_cvm(before, after):
    return stats.cramervonmises_2samp(before, after).statistic


def _ruler_median(before, after):
    return abs(np.median(before) - np.median(after))


def _ruler_p90(before, after):
    return abs(np.quantile(before, 0.9) - np.quantile(after, 0.9))


def _ruler_psi(before, after):
    edges = np.quantile(before, np.arange(1, 10) / 10)
    return _psi(*(np.bincount(np.searchsorted(edges, one), minlength=10) for one in (before, after)))


def _ruler_one_minus_p(before, after):
    return -stats.mannwhitneyu(before, after).pvalue


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


def _category_p_known(historical, recent):
    return stats.chi2_contingency(_table(historical, recent, sorted(set(historical)))).pvalue


def _category_p_both(historical, recent):
    return stats.chi2_contingency(_table(historical, recent, sorted(set(historical) & set(recent)))).pvalue


def _category_p_recent(historical, recent):
    return stats.chi2_contingency(_table(historical, recent, sorted(set(recent)))).pvalue


def _category_p_shares(historical, recent):
    table = np.array(_table(historical, recent, sorted(set(historical) | set(recent))), dtype=float)
    return stats.chi2_contingency(table / table.sum(axis=1, keepdims=True)).pvalue


def _category_p_by_rank(historical, recent):
    counts = [np.sort(np.unique(sample, return_counts=True)[1])[::-1] for sample in (historical, recent)]
    size = max(map(len, counts))
    return stats.chi2_contingency([np.pad(count, (0, size - len(count))) for count in counts]).pvalue


def _category_p_ks(historical, recent):
    codes = np.unique(np.concatenate([historical, recent]), return_inverse=True)[1]
    return stats.ks_2samp(codes[: len(historical)], codes[len(historical) :], method="asymp").pvalue


def _category_p_smallest(historical, recent):
    (first, second), n, m = (
        _table(historical, recent, sorted(set(historical) | set(recent))),
        len(historical),
        len(recent),
    )
    return min(
        stats.chi2_contingency([[a, n - a], [b, m - b]]).pvalue for a, b in zip(first, second, strict=True)
    )


def _category_p_of_a_new_one(historical, recent):
    return _category_p(historical, recent) if set(recent) <= set(historical) else 0.0


def _category_p_other_freedom(historical, recent):
    table = np.array(_table(historical, recent, sorted(set(historical) | set(recent))))
    return stats.chi2.sf(stats.chi2_contingency(table).statistic, table.shape[1])


def _category_p_by_likelihood(historical, recent):
    table = _table(historical, recent, sorted(set(historical) | set(recent)))
    return stats.chi2_contingency(table, lambda_="log-likelihood").pvalue


def _category_statistic(historical, recent):
    return stats.chi2_contingency(_table(historical, recent, sorted(set(historical) | set(recent)))).statistic


def _category_result(historical, recent):
    return stats.chi2_contingency(_table(historical, recent, sorted(set(historical) | set(recent))))


def _category_exact_history(historical, recent):
    first, second = _table(historical, recent, sorted(set(historical) | set(recent)))
    first = np.maximum(first, 0.5)
    return stats.chisquare(second, first / np.sum(first) * np.sum(second)).pvalue


def _stack(historical, recent):
    return np.vstack([historical, recent]), np.repeat([0, 1], [len(historical), len(recent)])


def _tree():
    return DecisionTreeClassifier(min_samples_leaf=20, random_state=42)


def _scored(model, historical, recent, scoring="roc_auc"):
    rows, label = _stack(historical, recent)
    folds = StratifiedKFold(5, shuffle=True, random_state=42)
    return cross_val_score(model, rows, label, cv=folds, scoring=scoring).mean()


def _domain_tree(historical, recent):
    return _scored(_tree(), historical, recent)


def _domain_quadratic(historical, recent):
    return _scored(QuadraticDiscriminantAnalysis(), historical, recent)


def _domain_held_out(historical, recent):
    rows, label = _stack(historical, recent)
    train_rows, rows, train_label, label = train_test_split(
        rows, label, test_size=0.5, random_state=42, stratify=label
    )
    return roc_auc_score(label, _tree().fit(train_rows, train_label).predict_proba(rows)[:, 1])


def _domain_by_heart(historical, recent):
    return _scored(DecisionTreeClassifier(random_state=42), historical, recent)


def _domain_linear(historical, recent):
    return _scored(LogisticRegression(max_iter=1_000), historical, recent)


def _domain_accuracy(historical, recent):
    return _scored(_tree(), historical, recent, scoring="accuracy")


def _domain_in_sample(historical, recent):
    rows, label = _stack(historical, recent)
    return roc_auc_score(label, _tree().fit(rows, label).predict_proba(rows)[:, 1])


def _domain_each_fold(historical, recent):
    return cross_val_score(_tree(), *_stack(historical, recent), cv=5, scoring="roc_auc")


def _domain_best_fold(historical, recent):
    return _domain_each_fold(historical, recent).max()


def _domain_gini(historical, recent):
    return 2 * _domain_tree(historical, recent) - 1


def _domain_folds_in_order(historical, recent):
    return cross_val_score(_tree(), *_stack(historical, recent), cv=KFold(5), scoring="roc_auc").mean()


def _domain_naive_bayes(historical, recent):
    return _scored(GaussianNB(), historical, recent)


def _domain_neighbors(historical, recent):
    return _scored(KNeighborsClassifier(25), historical, recent)


def _domain_turned(historical, recent):
    return 1 - _domain_tree(historical, recent)


def _domain_one_column(historical, recent):
    return _domain_tree(historical[:, :1], recent[:, :1])


def _domain_order(historical, recent):
    rows, label = _stack(historical, recent)
    rows = np.column_stack([np.arange(len(rows)), rows])
    return _scored(_tree(), rows[label == 0], rows[label == 1])


WRONG = {
    "7.1": (
        (2_000, "averages over all requests"),
        (0.005, "the gap that D sees"),
        (0.01, "reads like seconds"),
        (0, "low and long"),
        (-10, "no sign"),
        (400_000, "stay put"),
        (160, "share of the requests times"),
    ),
    "7.2": (
        (_psi_of_counts, "compares counts"),
        (_psi_one_total, "a total of its own"),
        (_psi_no_floor, "Where does the floor belong"),
        (_psi_floors_recent_only, "historical sample gives inf"),
        (_psi_skips_empty, "must not be left out"),
        (_psi_other_floor, "stands in for it 0.0001"),
        (_psi_floors_counts, "a share and not a count"),
        (_psi_floors_zeros_only, "2 of 100,000"),
        (_psi_floor_added, "added to every share"),
        (_psi_joint_total, "both samples together"),
        (_psi_in_two_digits, "this is rounded"),
        (_kl, "by their difference"),
        (_kl_back, "by their difference"),
        (_psi_base_2, "base 2"),
        (_psi_base_10, "base 10"),
        (_psi_negative, "never negative"),
        (_psi_mean, "average over the bins"),
        (_psi_each_bin, "the sum over the bins"),
        (0.1, "a function is expected"),
    ),
    "7.3": (
        (stats.wasserstein_distance, "few hanging requests"),
        (_ruler_mean, "few hanging requests"),
        (_ruler_p90, "throws away too much"),
        (_ruler_psi, "throws away too much"),
        (_ruler_p99, "does not look where"),
        (_ruler_sd, "does not look where"),
        (_ruler_p_value, "Larger must mean further apart"),
        (_ruler_faster, "Larger must mean further apart"),
        (_ruler_slower, "has a direction"),
        (_ruler_u, "has a direction"),
        (_ruler_log_mean, "few hanging requests"),
        (_ruler_decides, "can't be calibrated"),
        (_ruler_after_only, "the same number"),
        (stats.ks_2samp, "whole result"),
        ("KS", "a function is expected"),
    ),
    "7.4": (
        (0.1, "rule of thumb"),
        (0.25, "rule of thumb"),
        (0.8, "another size of window"),
        (0.05, "another size of window"),
        (0.07, "needs a quantile far up"),
        (0.025, "the wrong end"),
        (1.0, "Too high"),
        (0.001, "Too low"),
        (0, "never negative"),
    ),
    "7.5": (
        (_category_p_known, "history never had"),
        (_category_p_both, "history never had"),
        (_category_p_recent, "gone from the recent"),
        (_category_p_shares, "needs counts"),
        (_category_p_by_rank, "by name"),
        (_category_p_ks, "unseen"),
        (_category_statistic, "Is this the statistic"),
        (_category_result, "the p-value alone"),
        (_category_exact_history, "a sample too"),
        (_category_p_smallest, "smallest of several"),
        (_category_p_of_a_new_one, "happens by chance"),
        (_category_p_other_freedom, "degrees of freedom"),
    ),
    "7.6": (
        (_domain_in_sample, "has not seen it"),
        (_domain_by_heart, "by heart"),
        (_domain_linear, "A straight line cannot"),
        (_domain_one_column, "nor can a single column"),
        (_domain_accuracy, "larger class gets that in accuracy"),
        (_domain_best_fold, "the best fold"),
        (_domain_gini, "guessing is a half"),
        (_domain_folds_in_order, "both kinds in each"),
        (_domain_naive_bayes, "two features together"),
        (_domain_turned, "below a half"),
        (_domain_order, "a row number"),
        (_domain_each_fold, "for each fold"),
        (0.7, "a function is expected"),
    ),
}

RIGHT = {
    "7.1": (np.float64(10.0), 10),
    "7.2": (_psi, _psi_of_lists, _psi_by_entropy, _psi_in_four_digits),
    "7.3": (
        _ruler_d,
        _ruler_cvm,
        _ruler_median,
        _ruler_one_minus_p,
        _ruler_u_from_its_middle,
        _ruler_trimmed_mean,
        _ruler_capped,
        stats.energy_distance,
    ),
    "7.4": (0.13, np.float32(0.128)),
    "7.5": (_category_p, _category_p_crosstab, _category_p_shuffled, _category_p_by_likelihood),
    "7.6": (_domain_tree, _domain_quadratic, _domain_held_out, _domain_neighbors),
}
