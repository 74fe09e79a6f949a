"""The claims of chapter 03, by its own functions, with other seeds."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import ks_2samp

from tests.chapter import definitions
from utils import simulate
from utils.alarm.drift import detect_drift
from utils.exercises import verdict

SEEDS = pytest.mark.parametrize("seed", [101, 202, 303])
APART = np.arange(30.0), np.arange(50.0, 70.0)
chapter = definitions("03")
ALPHA = chapter.ALPHA


def D(a, b):
    return max(chapter.slower_gap(a, b), chapter.slower_gap(b, a))


def pairs(seed, count, n, m, mean=150.0):
    rng = np.random.default_rng(seed)
    return list(zip(rng.normal(150, 20, (count, n)), rng.normal(mean, 20, (count, m)), strict=True))


def alerts(p_value, pairs):
    return np.mean([p_value(*pair) < ALPHA for pair in pairs])


def permutation_p(historical, recent, rounds, seed=5):
    return chapter.p_by_shuffling(historical, recent, D, np.random.default_rng(seed), rounds)


@SEEDS
@pytest.mark.parametrize("decimals", [12, 0, -1])
def test_d_by_hand_is_scipys_and_the_librarys_with_ties_and_without(seed, decimals):
    for n, m in ((300, 150), (37, 80), (5, 3)):
        a, b = (np.round(sample, decimals) for sample in pairs(seed, 1, n, m, mean=155)[0])
        assert D(a, b) == pytest.approx(ks_2samp(a, b).statistic, abs=1e-12)
        assert D(a, b) == pytest.approx(detect_drift(a, b).statistic, abs=1e-12)


def test_equal_values_are_counted_on_the_same_side_in_both_samples():
    tied = np.array([150, 150, 160, 160])
    assert D(tied, tied) == 0
    assert D(tied, tied[:2]) == D(tied[:2], tied) == 0.5


def test_d_is_a_third_for_the_recent_requests_and_small_but_not_zero_for_the_control():
    historical, recent = simulate.course_latencies()
    control = simulate.course_latencies(drifted=False)[1]
    assert f"{D(historical, recent):.3f} {D(historical, control):.3f}" == "0.329 0.038"
    assert D(np.log(historical), np.log(recent)) == pytest.approx(D(historical, recent), abs=1e-12)


@SEEDS
def test_d_hardly_sees_one_request_in_fifty_however_slow_it_is(seed):
    calm = pairs(seed, 1, 20_000, 1)[0][0]
    late = simulate.slow_tail(calm, np.random.default_rng(seed), share=0.02, factor=4)
    assert 0.01 < ks_2samp(calm, late).statistic < 0.025
    for factor, enough in ((0.85, False), (1, True)):
        n = 36_889 * factor
        assert (chapter.distance_needed(n) < 0.01001) == (verdict("3.5", n).state == "right") == enough


@pytest.mark.parametrize("n", [50, 500, 5_000])
def test_the_d_needed_is_where_p_is_alpha(n):
    for factor, rejects in ((0.97, False), (1.05, True)):
        steps = round(factor * chapter.distance_needed(n) * n + 0.5 * rejects)
        assert (ks_2samp(np.arange(n), np.arange(n) + steps).pvalue < ALPHA) == rejects


@SEEDS
def test_the_null_distribution_is_that_of_1000_against_500_whatever_was_pooled(seed):
    samples = simulate.course_latencies(seed)
    null = chapter.shuffled_distances(np.concatenate(samples), 400, np.random.default_rng(seed))
    assert null.shape == (400,)
    np.testing.assert_allclose(1_000 * null, np.round(1_000 * null), atol=1e-6)  # steps of 1/1000 and 1/500
    assert np.quantile(null, [0.5, 0.95]) == pytest.approx([0.044, 0.074], abs=0.007)
    assert 0 < null.min() and null.max() < 0.15 < D(*samples)


@SEEDS
@pytest.mark.parametrize("shift_ms", [0, 10])
def test_shuffling_and_the_formula_agree_on_p(seed, shift_ms):
    pair = pairs(seed, 1, 40, 25, mean=150 + shift_ms)[0]
    p = ks_2samp(*pair).pvalue
    assert permutation_p(*pair, 499) == pytest.approx(p, abs=5 * np.sqrt(p / 500) + 0.002)


def test_a_p_by_shuffling_counts_the_observed_arrangement_ties_and_nothing_that_is_nearer():
    assert [permutation_p(*APART, rounds) for rounds in (9, 99)] == [1 / 10, 1 / 100]
    assert (
        permutation_p(*map(np.array, ([1, 3], [2, 2])), 99) == 1
    )  # each way to deal these out has the same D
    lowest = np.array([0]), np.arange(1, 20)  # the next largest D is a twentieth smaller
    assert permutation_p(*lowest, 600) == pytest.approx(2 / 20, abs=0.045)


@SEEDS
def test_rounding_makes_scipys_p_too_large_and_shuffling_mends_it(seed):
    for pair in pairs(seed, 4, 1_000, 500, mean=153):
        coarse = [np.round(sample, -1) for sample in pair]
        d, p = ks_2samp(*coarse)
        null = chapter.shuffled_distances(np.concatenate(coarse), 200, np.random.default_rng(seed))
        assert (1 + np.sum(null >= d - 1e-12)) / 201 < p + 0.01


@SEEDS
def test_the_rule_alerts_far_too_often_where_slow_requests_come_in_a_row(seed):
    def share(rho):
        rng = np.random.default_rng(seed)
        both = [simulate.autocorrelated_latencies((40, n), rho, rng) for n in (300, 150)]
        return alerts(lambda a, b: ks_2samp(a, b).pvalue, zip(*both, strict=True))

    assert share(0) < 0.25 and share(0.9) > 0.4


@pytest.mark.parametrize("n", [300, 400, 500])
def test_five_hundred_requests_are_enough_for_5_ms_and_fewer_are_not(n):
    before, after = np.random.default_rng(n).normal(150, 20, (2, 1_000, n))
    caught = np.mean(ks_2samp(before, after + 5, axis=1).pvalue < ALPHA)
    assert (caught >= 0.9) == (verdict("3.4", n).state == "right")


@pytest.mark.parametrize("shift_ms", [0, 3, 15])
def test_the_pictures_show_the_shift_its_gap_and_what_the_test_says(shift_ms):
    p = {}
    for requests in (50, 500, 5_000):
        (ax,) = chapter.draw_gap(shift_ms, requests).axes
        *curves, gap = (line.get_xydata() for line in ax.get_lines()[:3])
        samples = [curve[np.isfinite(curve[:, 0]), 0] for curve in curves]
        p[requests] = float(re.search(r"p = (\S+)", ax.get_title("left") or ax.get_title())[1])
        for sample, mean in zip(samples, (150, 150 + shift_ms), strict=True):
            assert sample.size == requests
            assert np.mean(sample) == pytest.approx(mean, abs=80 / np.sqrt(requests))
        assert np.ptp(gap[:, 1]) == pytest.approx(ks_2samp(*samples).statistic, abs=1e-9)
        assert ax.get_xlim() == (65, 235)  # one for all, to be compared
        plt.close(ax.figure)
    seen = {0: [False] * 3, 3: [False, True, True], 15: [True] * 3}[shift_ms]
    assert [value < ALPHA for value in p.values()] == seen


def test_twenty_nights_are_half_with_drift_and_half_without_in_three_sizes():
    nights, truth = simulate.twenty_nights()
    assert sorted(truth) == ["d"] * 10 + ["n"] * 10
    assert {before.size for before, _ in nights} == {after.size for _, after in nights} == {50, 500, 5_000}
