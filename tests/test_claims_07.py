"""What chapter 07 claims about rulers, thresholds, categories and classifiers, again, with other seeds."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from utils import simulate


def _healthy(shape, rng):
    return 150 * np.exp(0.13 * rng.normal(size=shape))


def _search(shape, rng):
    return simulate.slow_tail(_healthy(shape, rng), rng, share=0.02, factor=4)


def _measures(before, after):
    """Return the measures that start from the gap of two ECDFs, row by row, and the mean's."""
    n, m = before.shape[-1], after.shape[-1]
    values = np.concatenate([before, after], axis=-1)
    order = np.argsort(values, axis=-1)
    width = np.diff(np.take_along_axis(values, order, axis=-1))
    gap = np.cumsum(np.where(order < n, 1 / n, -1 / m), axis=-1)[..., :-1]
    share = np.arange(1, n + m) / (n + m)
    return {
        "KS": np.abs(gap).max(axis=-1),
        "Cramér-von Mises": (gap**2).mean(axis=-1),
        "Anderson-Darling": (gap**2 / (share * (1 - share))).mean(axis=-1),
        "Wasserstein": (np.abs(gap) * width).sum(axis=-1),
        "Energy": np.sqrt(2 * (gap**2 * width).sum(axis=-1)),
        "Mean": np.abs(before.mean(axis=-1) - after.mean(axis=-1)),
    }


def _binned(before, after):
    """Return PSI and Jensen-Shannon in tenths of `before`, row by row."""
    edges = np.quantile(before, np.arange(1, 10) / 10, axis=-1)
    shares = []
    for windows in (before, after):
        at_or_below = np.stack([np.mean(windows <= edge[:, None], axis=-1) for edge in edges], axis=-1)
        shares.append(np.diff(at_or_below, axis=-1, prepend=0, append=1))
    p, q = (np.maximum(share, 0.0001) for share in shares)
    return {"PSI": np.sum((q - p) * np.log(q / p), axis=-1), "JS": jensenshannon(*shares, axis=-1)}


def _powers(make, requests, seed, pairs=250):
    rng = np.random.default_rng(seed)

    def measures(before, after):
        return _measures(before, after) | _binned(before, after)

    quiet = measures(make((1_000, requests), rng), make((1_000, requests), rng))
    limits = {name: np.quantile(values, 0.95) for name, values in quiet.items()}
    before, after = make((pairs, requests), rng), make((pairs, requests), rng)
    drifts = {
        "none": after,
        "slower": simulate.slower(after, 1.03),
        "spread": simulate.more_spread(after, 1.25),
        "hangs": simulate.slow_tail(after, rng, share=0.02, factor=4),
        "leak": simulate.leak(after, 1.06),
    }
    return {
        drift: {name: np.mean(values > limits[name]) for name, values in measures(before, windows).items()}
        for drift, windows in drifts.items()
    }


def test_the_measures_by_hand_are_scipys():
    rng = np.random.default_rng(1)
    statistics = []
    for n, m in [(300, 300), (300, 120)]:
        for shift in (1.0, 1.05):
            before, after = _healthy(n, rng), shift * _healthy(m, rng)
            by_hand = _measures(before, after)
            assert by_hand["KS"] == pytest.approx(stats.ks_2samp(before, after).statistic)
            assert by_hand["Wasserstein"] == pytest.approx(stats.wasserstein_distance(before, after))
            assert by_hand["Energy"] == pytest.approx(stats.energy_distance(before, after))
            criterion = stats.cramervonmises_2samp(before, after).statistic
            statistics.append((by_hand["Cramér-von Mises"] * n * m / (n + m), criterion))
    by_hand, library = np.array(statistics).T
    assert by_hand == pytest.approx(library, abs=0.01)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_anderson_darling_by_hand_grows_with_scipys():
    rng = np.random.default_rng(2)
    pairs = [(_healthy(80, rng), (1 + i / 100) * _healthy(80, rng)) for i in range(6)]
    by_hand = [_measures(*pair)["Anderson-Darling"] for pair in pairs]
    library = [stats.anderson_ksamp(list(pair)).statistic for pair in pairs]
    assert np.corrcoef(by_hand, library)[0, 1] == pytest.approx(1, abs=1e-3)


def test_every_measure_keeps_its_false_alarm_rate_and_each_drift_has_its_own_winner():
    power = _powers(_healthy, 500, seed=3)
    assert all(0.01 < rate < 0.11 for rate in power["none"].values())
    assert min(power["slower"][name] for name in ("Wasserstein", "Mean", "Anderson-Darling")) > 0.85
    assert power["slower"]["PSI"] < power["slower"]["KS"] < power["slower"]["Wasserstein"]
    assert power["spread"]["Mean"] < 0.25 < power["spread"]["KS"] < 0.7 < power["spread"]["Anderson-Darling"]
    assert power["hangs"]["Wasserstein"] > 0.95
    assert max(power["hangs"][name] for name in ("KS", "Cramér-von Mises", "PSI", "JS")) < 0.25
    assert all(abs(power["leak"][name] - power["slower"][name]) < 0.1 for name in power["leak"])


def test_no_threshold_on_d_gives_five_percent_in_windows_of_100():
    before = np.arange(100.0)
    reaches = {
        step: stats.ks_2samp(before, before + step - 0.5, method="exact").pvalue for step in (18, 19, 20, 21)
    }
    assert not any(0.045 < p < 0.05 for p in reaches.values())
    assert reaches[19] > 0.05 > 0.04 > reaches[20]


def test_in_windows_of_100_only_wasserstein_and_the_mean_see_hanging_requests():
    power = _powers(_healthy, 100, seed=4)["hangs"]
    assert power["Wasserstein"] > 0.65 and power["Mean"] > 0.5
    assert max(power[name] for name in ("KS", "Cramér-von Mises", "Anderson-Darling", "PSI")) < 0.15


def test_a_heavy_tailed_history_blinds_wasserstein_to_a_shift_and_leaves_the_ranks_alone():
    power = _powers(_search, 500, seed=5)["slower"]
    assert max(power["Wasserstein"], power["Mean"]) < 0.45
    assert min(power["KS"], power["Cramér-von Mises"], power["Energy"]) > 0.7


def test_rules_of_thumb_depend_on_the_window_and_calibrated_thresholds_do_not():
    rng = np.random.default_rng(6)
    rates = {}
    for n in (50, 500):
        histories, windows = _healthy((500, 1_200), rng), _healthy((500, n), rng)
        values = _binned(histories, windows)
        values["W"] = _measures(histories, windows)["Wasserstein"] / histories.std(axis=-1)
        rates[n] = {name: np.mean(v > 0.1) for name, v in values.items()} | {
            "PSI 0.25": np.mean(values["PSI"] > 0.25)
        }
        for v in values.values():
            assert 0.015 < np.mean(v[250:] > np.quantile(v[:250], 0.95)) < 0.12
    assert min(rates[50][name] for name in ("PSI", "JS", "W")) > 0.75
    assert 0.15 < rates[50]["PSI 0.25"] < 0.5
    assert max(rates[500]["PSI"], rates[500]["JS"], rates[500]["PSI 0.25"]) < 0.03
    assert rates[500]["W"] < 0.2


def test_mean_plus_three_sd_of_ten_chunks_breaks_its_promise_many_times_over():
    rng = np.random.default_rng(7)
    chunks, fresh = _healthy((100, 10, 100), rng), _healthy((100, 10, 100), rng)
    history = np.broadcast_to(chunks.reshape(100, 1, 1_000), (100, 10, 1_000))
    inside, outside = (_measures(history, windows)["Wasserstein"] for windows in (chunks, fresh))
    flagged = np.mean(outside > (inside.mean(axis=1) + 3 * inside.std(axis=1))[:, None])
    assert 0.03 < flagged < 0.15


def test_jensen_shannon_on_many_categories_alarms_without_drift():
    rng = np.random.default_rng(8)
    for categories, expected in ((5, 0.0), (240, 1.0)):
        counts = rng.multinomial(1_800, np.full(categories, 1 / categories), size=(2, 200))
        assert np.mean(jensenshannon(*counts, axis=-1) > 0.1) == expected


def test_cramer_von_mises_on_zeros_answers_by_the_sizes_alone_and_shuffling_mends_it():
    rng = np.random.default_rng(9)

    def delays(shape):
        return np.where(rng.random(shape) < 0.92, 0, rng.exponential(30, shape))

    def p_values(n, m):
        return stats.cramervonmises_2samp(delays((30, n)), delays((30, m)), axis=1).pvalue

    assert p_values(1_000, 1_000).min() > 0.05
    assert p_values(1_000, 500).max() < 1e-4

    by_shuffling = []
    for _ in range(12):
        history, window = delays(400), delays(200)
        shuffled = rng.permuted(np.tile(np.concatenate([history, window]), (49, 1)), axis=1)
        null = stats.cramervonmises_2samp(shuffled[:, :400], shuffled[:, 400:], axis=1).statistic
        observed = stats.cramervonmises_2samp(history, window).statistic
        by_shuffling.append((1 + np.sum(null >= observed)) / 50)
    assert np.mean(np.array(by_shuffling) <= 0.05) < 0.3
    assert np.median(by_shuffling) > 0.15


def test_a_new_category_is_seen_only_when_both_samples_name_the_categories():
    known, union = [[1_860, 80, 40, 20], [457, 20, 10, 5]], [[1_860, 80, 40, 20, 0], [457, 20, 10, 5, 8]]
    assert stats.chi2_contingency(known).pvalue > 0.5
    assert stats.chi2_contingency(union).pvalue < 1e-4


def _rows(correlation, rng, size=300):
    latency, other, load = rng.normal(size=(3, size))
    payload = correlation * latency + np.sqrt(1 - correlation**2) * other
    return np.column_stack([150 + 20 * latency, 40 + 8 * payload, 30 + 3 * load])


def test_a_classifier_tells_two_quiet_periods_apart_where_neighbors_in_time_are_alike():
    tree, label = DecisionTreeClassifier(min_samples_leaf=20, random_state=0), np.repeat([0, 1], 300)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def quiet_aucs(rho):
        rng = np.random.default_rng(13)
        series = [simulate.autocorrelated_noise((3, 600), rho, rng).T for _ in range(5)]
        return [cross_val_score(tree, rows, label, cv=folds, scoring="roc_auc").mean() for rows in series]

    assert max(quiet_aucs(0)) < 0.6 < np.median(quiet_aucs(0.9))


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_a_flipped_correlation_is_found_by_a_tree_and_not_by_ks_or_a_straight_line(seed):
    rng = np.random.default_rng(seed)
    old, flipped, same = (_rows(correlation, rng) for correlation in (0.6, -0.6, 0.6))
    assert min(stats.ks_2samp(old[:, i], flipped[:, i]).pvalue for i in range(3)) > 0.01

    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    folds, label = StratifiedKFold(5, shuffle=True, random_state=0), np.repeat([0, 1], 300)

    def auc(model, new):
        return cross_val_score(model, np.vstack([old, new]), label, cv=folds, scoring="roc_auc").mean()

    assert auc(tree, flipped) > 0.62 > 0.58 > auc(tree, same)
    assert auc(LogisticRegression(), flipped) < 0.58

    rows = np.vstack([old, same])
    scores = tree.fit(rows, label).predict_proba(rows)[:, 1]
    assert stats.mannwhitneyu(scores[300:], scores[:300]).statistic / 300**2 > 0.65
