"""What chapter 07 claims of rulers, thresholds, categories and classifiers, by its own functions and other seeds."""

from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from tests.chapter import definitions
from utils import simulate

chapter = definitions("07")
BINNED, ORDER = ["PSI", "Jensen-Shannon"], ["KS", "Cramér-von Mises", "Anderson-Darling"]
CODES = [0.93, 0.04, 0.02, 0.01, 0.0]


@cache
def _power(requests, make=chapter.healthy, seed=7):
    """Return the chapter's table in percent, as numbers."""
    return chapter.power_table(requests, seed=seed, make=make).map(lambda text: int(text.rstrip("%")))


# The measures ----------------------------------------------------------------------------------------------


def test_the_services_are_what_the_chapter_says_of_them():
    healthy, search = (
        make((200, 500), np.random.default_rng(1)) for make in (chapter.healthy, chapter.search_windows)
    )
    assert np.median(healthy) == pytest.approx(150, rel=0.005)
    assert np.log(healthy).std() == pytest.approx(0.13, rel=0.02)
    assert np.mean(search > 350) == pytest.approx(1 / 50, rel=0.1)
    assert np.median(search[search > 350]) == pytest.approx(4 * 150, rel=0.05)
    delays = chapter.retry_delays(50_000, np.random.default_rng(2))
    assert (np.mean(delays == 0), delays[delays > 0].mean()) == pytest.approx((0.92, 30), rel=0.05)


@pytest.mark.parametrize(("n", "m", "factor"), [(300, 300, 1), (300, 120, 1.05), (80, 200, 1.1)])
def test_the_five_measures_by_hand_are_scipys_and_the_textbooks(n, m, factor):
    rng = np.random.default_rng(n + m)
    before, after = chapter.healthy(n, rng), factor * chapter.healthy(m, rng)
    by_hand = chapter.gap_measures(before, after)
    assert by_hand["KS"] == pytest.approx(stats.ks_2samp(before, after).statistic)
    assert by_hand["Wasserstein"] == pytest.approx(stats.wasserstein_distance(before, after))
    assert by_hand["Energy"] == pytest.approx(stats.energy_distance(before, after))
    scale = n * m * (n + m - 1) / (n + m) ** 2  # of the statistics that have p-values
    cramer_von_mises = stats.cramervonmises_2samp(before, after).statistic
    assert scale * by_hand["Cramér-von Mises"] == pytest.approx(cramer_von_mises)
    i, first = np.arange(1, n + m), np.cumsum(np.argsort([*before, *after]) < n)[:-1]
    pettitt = np.sum(((n + m) * first - n * i) ** 2 / (i * (n + m - i))) / (n * m)
    assert scale * by_hand["Anderson-Darling"] == pytest.approx(pettitt)


def test_the_bins_are_the_tenths_of_the_historical_requests():
    before = chapter.healthy(1_000, np.random.default_rng(3))
    edge = np.quantile(before, 0.1)
    historical, recent = chapter.bin_counts(before, np.array([1.0, edge, edge + 1e-6, 900.0]))
    assert historical.tolist() == [100] * 10 and recent.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert chapter.share_at_or_below(np.array([3.0, 1, 2, 2]), np.array([0.9, 2, 2.5, 3])).tolist() == [
        0,
        0.75,
        0.75,
        1,
    ]


def test_all_measures_are_the_exercise_s_psi_scipy_s_jensen_shannon_and_the_means_row_by_row():
    befores, afters = chapter.healthy((2, 3, 300), np.random.default_rng(4))
    afters[afters > np.quantile(befores, 0.8)] = 150  # the last bin runs empty
    together = chapter.all_measures(befores, afters)
    for i, (before, after) in enumerate(zip(befores, afters, strict=True)):
        counts = chapter.bin_counts(before, after)
        expected = chapter.gap_measures(before, after) | {
            "PSI": chapter.psi(*counts),
            "Jensen-Shannon": jensenshannon(*counts),
            "Mean": abs(before.mean() - after.mean()),
        }
        assert counts[1][-1] == 0 and together.keys() == expected.keys()
        assert [values[i] for values in together.values()] == pytest.approx([*expected.values()])
    filled = chapter.bin_counts(befores[0], chapter.healthy(5_000, np.random.default_rng(5)))
    assert chapter.psi_of_counts(*filled) == pytest.approx(chapter.psi(*filled))


# Which measure catches which drift -------------------------------------------------------------------------


def test_each_drift_is_what_its_name_says():
    windows = chapter.healthy((20, 500), np.random.default_rng(6))
    ratio = {
        name: drifted / windows for name, drifted in chapter.drifts(windows, np.random.default_rng(7)).items()
    }
    assert np.ptp(ratio["none"]) == 0 and ratio["all 3 % slower"] == pytest.approx(
        np.full(windows.shape, 1.03)
    )
    spread = np.log(ratio["a quarter more spread"] * windows).std() / np.log(windows).std()
    assert spread == pytest.approx(1.25)
    for name, share, factor in [("one in fifty hangs", 1 / 50, 4), ("one node in ten is bad", 1 / 10, 1.35)]:
        assert np.mean(ratio[name] > 1.001) == pytest.approx(share, rel=0.2)
        assert ratio[name].max() == pytest.approx(factor)
    leak = ratio["leak, 6 % at the end"]
    assert (leak[:, 0].max(), leak[:, -1].min(), leak.mean()) == pytest.approx((1, 1.06, 1.03))


def test_a_measure_is_calibrated_on_2_000_pairs_and_tried_on_500():
    asked = []
    chapter.power_table(
        20, seed=1, make=lambda shape, rng: (asked.append(shape), chapter.healthy(shape, rng))[1]
    )
    assert asked == [(2_000, 20)] * 2 + [(500, 20)] * 2


def test_each_drift_has_its_own_winner_at_one_false_alarm_rate():
    power = _power(500)
    slower, spread, hangs = (power.loc[row] for row in power.index[1:4])
    assert power.loc["none"].between(2, 8).all()
    assert slower[["Wasserstein", "Mean", "Anderson-Darling", "Energy"]].min() > slower["KS"] + 3
    assert slower[BINNED].max() < slower["KS"] - 8
    assert spread["Wasserstein"] == spread.max() and spread["Mean"] < 25
    assert spread["KS"] + 30 < spread["Anderson-Darling"]
    assert hangs["Wasserstein"] > 95 and hangs[["KS", "Cramér-von Mises", *BINNED]].max() < 20
    assert (power.loc["leak, 6 % at the end"] - slower).abs().max() < 10


def test_in_windows_of_100_d_is_stepped_and_hanging_requests_are_seen_by_wasserstein_and_the_mean():
    power = sum(_power(100, seed=seed) for seed in range(6)) / 6
    none = power.loc["none"]
    assert none["KS"] < none.drop(["KS", *BINNED]).min() and 4.5 < none.mean() < 5.6
    hangs = power.loc["one in fifty hangs"]
    assert hangs["Wasserstein"] > 70 and hangs["Mean"] > 55 and hangs[ORDER + BINNED].max() < 12


def test_a_heavy_tailed_history_blinds_wasserstein_to_a_shift_and_leaves_the_order_alone():
    calm, heavy = (
        _power(500, make).loc["all 3 % slower"] for make in (chapter.healthy, chapter.search_windows)
    )
    assert heavy[["Wasserstein", "Mean"]].max() < 45 < 85 < calm[["Wasserstein", "Mean"]].min()
    assert (heavy - calm)[ORDER + BINNED].abs().max() < 10 and heavy["Energy"] > 70


# Thresholds ------------------------------------------------------------------------------------------------


def test_rules_of_thumb_depend_on_the_window_and_calibrated_thresholds_do_not():
    rng, names, rates = np.random.default_rng(12), ["Wasserstein", *BINNED], {}
    for n in (50, 150, 500):
        histories, windows = chapter.healthy((500, 1_200), rng), chapter.healthy((500, n), rng)
        values = chapter.all_measures(histories, windows)
        values["Wasserstein"] /= histories.std(axis=-1)
        rates[n] = [np.mean(values[name] > 0.1) for name in names] + [np.mean(values["PSI"] > 0.25)]
        for name in names:  # half of the windows set the threshold, the other half test it
            assert 0.015 < np.mean(values[name][250:] > np.quantile(values[name][:250], 0.95)) < 0.12
        if n > 50:  # in theory PSI is a chi-square variable, as long as no bin runs empty
            in_theory = (1 / n + 1 / 1_200) * stats.chi2.ppf(0.95, 9)
            assert np.quantile(values["PSI"], 0.95) == pytest.approx(in_theory, rel=0.15)
    assert min(rates[50][:3]) > 0.75 and 0.15 < rates[50][3] < 0.5
    assert max(rates[500][1:]) < 0.03 and rates[500][0] < 0.2


def test_mean_plus_three_sd_of_ten_chunks_breaks_its_promise_many_times_over():
    chunks, fresh = chapter.healthy((2, 100, 10, 100), np.random.default_rng(14))
    history = np.broadcast_to(chunks.reshape(100, 1, 1_000), (100, 10, 1_000))
    inside, outside = (chapter.gap_measures(history, windows)["Wasserstein"] for windows in (chunks, fresh))
    flagged = np.mean(outside > chapter.limit_from_chunks(inside)[:, None])
    around_0 = np.array([[-1.0, 1.0] * 5])  # mean 0, standard deviation 1
    assert chapter.limit_from_chunks(5 + around_0) == pytest.approx([8])
    assert 24 * stats.norm.sf(3) < flagged < 0.15


def test_cramer_von_mises_on_zeros_answers_by_the_sizes_alone_and_shuffling_mends_it():
    rng = np.random.default_rng(15)
    for n, m, low, high in [(1_000, 1_000, 0.05, 1), (1_000, 500, 0, 1e-4)]:
        delays = chapter.retry_delays((30, n), rng), chapter.retry_delays((30, m), rng)
        p = stats.cramervonmises_2samp(*delays, axis=1).pvalue
        assert low <= p.min() and p.max() <= high
    both = np.concatenate([chapter.retry_delays(400, rng), chapter.retry_delays(200, rng)])
    shuffled = np.vstack([both, rng.permuted(np.tile(both, (99, 1)), axis=1)])
    statistics = stats.cramervonmises_2samp(shuffled[:, :400], shuffled[:, 400:], axis=1).statistic
    assert np.mean(statistics >= statistics[0]) > 0.05


# Categories ------------------------------------------------------------------------------------------------


def test_the_measures_of_categories_are_scipys_and_the_exercise_s():
    first, second = np.array([[40, 30, 20, 10, 0, 0], [50, 20, 20, 0, 10, 0]])
    measures = chapter.category_measures(first, second)
    assert measures["chi-square"] == pytest.approx(stats.chi2_contingency([first[:5], second[:5]]).statistic)
    assert measures["PSI"] == pytest.approx(chapter.psi(first, second))
    assert measures["Jensen-Shannon"] == pytest.approx(jensenshannon(first, second))


def test_calibrated_measures_of_categories_differ_on_a_code_that_was_never_seen_and_hardly_elsewhere():
    rng, caught = np.random.default_rng(17), {}
    for name, new in [
        ("none", CODES),
        ("500s", [0.91, 0.04, 0.02, 0.03, 0]),
        ("new", [0.92, 0.04, 0.02, 0.01, 0.01]),
    ]:
        counts = [chapter.draw_counts(1_500, 500, shares, rng) for shares in (CODES, CODES, CODES, new)]
        assert (counts[3].sum(axis=1) == 500).all()
        assert counts[3].mean(axis=0) / 500 == pytest.approx(new, abs=0.002)
        quiet, drifted = chapter.category_measures(*counts[:2]), chapter.category_measures(*counts[2:])
        caught[name] = [
            np.mean(drifted[one].round(9) > np.quantile(quiet[one].round(9), 0.95)) for one in quiet
        ]
    assert 0.02 < min(caught["none"]) and max(caught["none"]) < 0.08 and np.ptp(caught["500s"]) < 0.1
    chi_square, psi, divergence = caught["new"]
    assert chi_square + 0.2 < psi and divergence + 0.05 < psi


def test_jensen_shannon_on_many_categories_alarms_without_drift():
    rng = np.random.default_rng(18)
    for categories, expected in ((5, 0), (240, 1)):
        counts = (chapter.draw_counts(40, 1_800, np.full(categories, 1 / categories), rng) for _ in range(2))
        assert np.mean(chapter.category_measures(*counts)["Jensen-Shannon"] > 0.1) == expected


# Several features together ---------------------------------------------------------------------------------


def test_rows_have_the_correlation_asked_for_and_each_feature_keeps_its_distribution():
    for correlation in (0.6, -0.6):
        rows = chapter.requests_with(correlation, 40_000, np.random.default_rng(19))
        between = np.corrcoef(rows.T)
        assert (between[0, 1], between[0, 2], between[1, 2]) == pytest.approx((correlation, 0, 0), abs=0.02)
        assert rows.mean(axis=0) == pytest.approx([150, 40, 30], rel=0.01)
        assert rows.std(axis=0) == pytest.approx([20, 8, 3], rel=0.02)


def test_a_flipped_correlation_is_found_by_a_tree_and_not_by_ks_or_a_straight_line():
    for seed in (20, 21, 22):
        rng = np.random.default_rng(seed)
        old, flipped, same = (
            chapter.requests_with(correlation, 300, rng) for correlation in (0.6, -0.6, 0.6)
        )
        assert min(stats.ks_2samp(old[:, i], flipped[:, i]).pvalue for i in range(3)) > 0.01
        assert chapter.domain_auc(old, flipped) > 0.62 > 0.58 > chapter.domain_auc(old, same)
        on_training_rows = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
        rows, label = np.vstack([old, same]), np.repeat([0, 1], 300)
        scores = on_training_rows.fit(rows, label).predict_proba(rows)[:, 1]
        assert stats.mannwhitneyu(scores[300:], scores[:300]).statistic / 300**2 > 0.65
    z = (np.vstack([old, flipped]) - [150, 40, 30]) / [20, 8, 3]
    straight, bent = (
        cross_val_score(LogisticRegression(), features, label, cv=5, scoring="roc_auc").mean()
        for features in (z, np.c_[z, z[:, 0] * z[:, 1]])
    )
    assert straight < 0.58 < chapter.domain_auc(old, flipped) < bent


def test_a_classifier_tells_two_quiet_periods_apart_where_neighbors_in_time_are_alike():
    rng = np.random.default_rng(23)
    aucs = {
        rho: [
            chapter.domain_auc(*np.split(simulate.autocorrelated_noise((3, 600), rho, rng).T, 2))
            for _ in range(5)
        ]
        for rho in (0, 0.9)
    }
    assert max(aucs[0]) < 0.6 < np.median(aucs[0.9])
