"""What chapter 03 claims about the Kolmogorov-Smirnov test, again, with other seeds."""

import numpy as np
import pytest
from scipy.stats import binomtest, ks_2samp, kstest, mannwhitneyu, norm

from utils import simulate
from utils.alarm.drift import detect_drift

ALPHA = 0.05


def _largest_gap(a, b):
    values = np.concatenate([a, b])
    share_a = np.searchsorted(np.sort(a), values, side="right") / len(a)
    share_b = np.searchsorted(np.sort(b), values, side="right") / len(b)
    return np.abs(share_a - share_b).max()


def _quiet_pairs(seed, pairs=400, n=1_000, m=500):
    rng = np.random.default_rng(seed)
    return rng.normal(150, 20, size=(pairs, n)), rng.normal(150, 20, size=(pairs, m))


def _alerts(historical, recent):
    return np.mean(ks_2samp(historical, recent, axis=1).pvalue < ALPHA)


def _null_distances(pooled, n, rounds, seed):
    shuffles = np.random.default_rng(seed).permuted(np.tile(pooled, (rounds, 1)), axis=1)
    return ks_2samp(shuffles[:, :n], shuffles[:, n:], axis=1).statistic


@pytest.mark.parametrize("decimals", [12, 0, -1])
def test_d_by_hand_is_scipys_and_the_librarys_with_ties_and_without(decimals):
    rng = np.random.default_rng(1)
    for n, m in [(1_000, 500), (37, 80), (5, 3)]:
        a, b = np.round(rng.normal(150, 20, n), decimals), np.round(rng.normal(155, 22, m), decimals)
        expected = ks_2samp(a, b)
        assert _largest_gap(a, b) == pytest.approx(expected.statistic, abs=1e-12)
        found = detect_drift(a, b)
        assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_the_courses_numbers():
    historical, recent = simulate.course_latencies()
    result = ks_2samp(historical, recent)
    assert f"{result.statistic:.3f} {result.statistic_location:.1f}" == "0.329 159.0"
    assert f"{result.pvalue:.0e} {result.pvalue:.10f}" == "2e-32 0.0000000000"


def test_d_sees_only_the_order_of_the_requests():
    historical, recent = simulate.course_latencies(seed=2)
    in_ms = ks_2samp(historical, recent).statistic
    assert ks_2samp(np.log(historical), np.log(recent)).statistic == pytest.approx(in_ms, abs=1e-12)


def test_shuffling_and_the_formula_agree_on_p():
    rng = np.random.default_rng(3)
    historical = rng.normal(150, 20, 300)
    for shift_ms in (0, 4, 6):
        recent = rng.normal(150 + shift_ms, 20, 200)
        expected = ks_2samp(historical, recent)
        null = _null_distances(np.concatenate([historical, recent]), 300, 499, seed=4)
        p = (1 + np.sum(null >= expected.statistic - 1e-12)) / 500
        assert p == pytest.approx(expected.pvalue, abs=5 * np.sqrt(expected.pvalue / 500) + 0.002)


def test_p_is_spread_evenly_without_drift_and_gathers_low_with_one():
    historical, quiet = _quiet_pairs(seed=5)
    p = ks_2samp(historical, quiet, axis=1).pvalue
    assert kstest(p, "uniform").pvalue > 0.001
    assert binomtest(int(np.sum(p < ALPHA)), p.size, ALPHA).pvalue > 0.001
    assert 0.5 < _alerts(historical, quiet + 3) < 0.8


def test_most_alerts_are_false_where_drift_is_slight_and_rare():
    historical, recent = _quiet_pairs(seed=6)
    false_alerts = 380 * _alerts(historical[:380], recent[:380])
    true_alerts = 20 * _alerts(historical[380:], recent[380:] + 3)
    assert false_alerts / (false_alerts + true_alerts) > 0.4


def test_d_settles_and_p_falls_with_a_drift_while_without_one_d_shrinks_and_p_stays():
    rng = np.random.default_rng(7)
    medians = {}
    for n in (300, 10_000):
        before, after = rng.normal(150, 20, size=(2, 40, n))
        for shift_ms in (0, 3):
            result = ks_2samp(before, after + shift_ms, axis=1)
            medians[n, shift_ms] = np.median(result.statistic), np.median(result.pvalue)
    distance = 2 * norm.cdf(1.5 / 20) - 1
    assert medians[300, 3][0] > distance + 0.01
    assert medians[10_000, 3][0] == pytest.approx(distance, abs=0.01)
    assert medians[10_000, 3][1] < 1e-8 < 0.01 < medians[300, 3][1]
    assert medians[10_000, 0][0] < medians[300, 0][0] / 4
    assert min(medians[300, 0][1], medians[10_000, 0][1]) > 0.2


def test_the_d_needed_follows_the_large_sample_formula():
    n = 1_000
    needed = np.sqrt(-np.log(ALPHA / 2) / 2 * (1 / n + 1 / n))
    staircase = np.arange(n)

    def p_at(d):
        return ks_2samp(staircase, staircase + round(d * n) - 0.5).pvalue

    assert p_at(needed - 0.003) > ALPHA > p_at(needed + 0.003)


@pytest.mark.parametrize(("n", "enough"), [(400, False), (500, True)])
def test_five_hundred_requests_are_enough_for_5_ms_and_four_hundred_are_not(n, enough):
    rng = np.random.default_rng(8)
    before, after = rng.normal(150, 20, size=(2, 600, n))
    assert (_alerts(before, after + 5) >= 0.9) == enough


def test_less_finds_slower_requests_and_greater_is_silent_about_them():
    rng = np.random.default_rng(9)
    before, after = rng.normal(150, 20, 1_000), rng.normal(150, 20, 500)

    def p(sample, side):
        return ks_2samp(sample, before, alternative=side, method="asymp").pvalue

    assert p(after + 6, "less") < 0.01 < 0.9 < p(after + 6, "greater")
    assert p(after - 6, "greater") < 0.01 < 0.9 < p(after - 6, "less")
    wide = 150 + 2 * (after - 150)
    assert max(p(wide, "less"), p(wide, "greater")) < 0.001


def test_a_side_chosen_after_looking_doubles_the_false_alarms():
    historical, quiet = _quiet_pairs(seed=10, n=400, m=200)
    one_sided = [
        ks_2samp(quiet, historical, alternative=side, method="asymp", axis=1).pvalue
        for side in ("less", "greater")
    ]
    chosen = np.mean(np.minimum(*one_sided) < ALPHA)
    assert 0.06 < chosen < 0.14
    assert all(np.mean(p < ALPHA) < chosen for p in one_sided)


def test_dependence_cries_wolf_and_independence_does_not():
    rng = np.random.default_rng(11)
    rates = {}
    for rho in (0, 0.5, 0.9):
        before = simulate.autocorrelated_latencies((150, 1_000), rho, rng)
        rates[rho] = _alerts(before, simulate.autocorrelated_latencies((150, 500), rho, rng))
    assert rates[0] < 0.12 < rates[0.5] < 0.4 < rates[0.9]


def test_rounding_makes_p_too_large_and_shuffling_mends_it():
    historical, quiet = _quiet_pairs(seed=12, pairs=200)
    coarse_historical, coarse_quiet = np.round(historical, -1), np.round(quiet, -1)
    as_drawn = ks_2samp(historical, quiet, axis=1)
    coarse = ks_2samp(coarse_historical, coarse_quiet, axis=1)
    assert np.all(coarse.statistic <= as_drawn.statistic + 1e-12)
    assert np.median(coarse.pvalue) > np.median(as_drawn.pvalue) + 0.15

    null = _null_distances(np.concatenate([coarse_historical[0], coarse_quiet[0]]), 1_000, 299, seed=13)
    by_shuffling = (1 + np.sum(null >= coarse.statistic[0] - 1e-12)) / 300
    assert by_shuffling < coarse.pvalue[0]


def test_ks_sees_a_doubled_spread_that_mann_whitney_does_not_and_neither_sees_a_thin_tail():
    rng = np.random.default_rng(14)
    before, after = rng.normal(150, 20, size=(2, 150, 500))
    wide, tail = 150 + 2 * (after - 150), simulate.slow_tail(after, rng, share=0.02, factor=4)
    assert _alerts(before, wide) > 0.98
    assert np.mean(mannwhitneyu(before, wide, axis=1).pvalue < ALPHA) < 0.2
    assert _alerts(before, tail) < 0.25
    assert _alerts(before, after) < 0.12
