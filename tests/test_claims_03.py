"""The claims of chapter 03, by its own functions, with other seeds."""

import re
import warnings
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import ks_2samp, kstwobign

from tests.chapter import definitions
from utils import simulate
from utils.alarm.drift import detect_drift
from utils.exercises import chapter_03, verdict

SEEDS = pytest.mark.parametrize("seed", [101, 202, 303])
APART = np.arange(30.0), np.arange(50.0, 70.0)
chapter = definitions("03")
ALPHA = chapter.ALPHA
D = chapter.ks_statistic


def pairs(seed, count, n, m, mean=150.0):
    rng = np.random.default_rng(seed)
    return list(zip(rng.normal(150, 20, (count, n)), rng.normal(mean, 20, (count, m)), strict=True))


def alerts(p_value, pairs):
    return np.mean([p_value(*pair) < ALPHA for pair in pairs])


def permutation_p(historical, recent, rounds, seed=5):
    return chapter.permutation_p_value(historical, recent, np.random.default_rng(seed), rounds)


@SEEDS
@pytest.mark.parametrize("decimals", [12, 0, -1])
def test_d_by_hand_is_scipys_and_the_librarys_with_ties_and_without(seed, decimals):
    for n, m in ((1_000, 500), (37, 80), (5, 3)):
        a, b = (np.round(sample, decimals) for sample in pairs(seed, 1, n, m, mean=155)[0])
        assert D(a, b) == pytest.approx(ks_2samp(a, b).statistic, abs=1e-12)
        assert D(a, b) == pytest.approx(detect_drift(a, b).statistic, abs=1e-12)


def test_equal_values_are_counted_on_the_same_side_in_both_samples():
    tied = [150, 150, 160, 160]
    assert D(tied, tied) == 0  # with one `side` to the left and one to the right it would be a half
    assert D(tied, tied[:2]) == D(tied[:2], tied) == 0.5


def test_d_is_a_third_for_the_recent_requests_and_small_but_not_zero_for_the_control():
    historical, recent = simulate.course_latencies()
    control = simulate.course_latencies(drifted=False)[1]
    assert f"{D(historical, recent):.3f} {D(historical, control):.3f}" == "0.329 0.038"
    assert D(np.log(historical), np.log(recent)) == pytest.approx(D(historical, recent), abs=1e-12)


@SEEDS
def test_d_settles_with_a_drift_shrinks_without_one_and_hardly_sees_one_request_in_fifty(seed):
    median = {
        (n, mean): np.median([D(*pair) for pair in pairs(seed, 20, n, n, mean)])
        for n in (300, 10_000)
        for mean in (150, 153)
    }
    assert 0.05 < median[10_000, 153] < 0.07 < median[300, 153] - 0.005
    assert median[10_000, 150] < median[300, 150] / 4
    calm = pairs(seed, 1, 20_000, 1)[0][0]
    late = simulate.slow_tail(calm, np.random.default_rng(seed), share=0.02, factor=4)
    assert 0.01 < D(calm, late) < 0.025


@pytest.mark.parametrize(
    ("p", "word"), [(2e-32, "ALERT"), (0.0499, "ALERT"), (0.05, "ALL CLEAR"), (0.7, "ALL CLEAR")]
)
def test_the_rule_alerts_when_p_is_below_alpha_and_prints_p_with_one_digit(p, word, capsys):
    chapter.announce("night", SimpleNamespace(statistic=0.3291, pvalue=p))
    does = "rejects" if word == "ALERT" else "does not reject"
    assert capsys.readouterr().out == (
        f"{word}, night: the test {does} 'no drift' at alpha = 0.05 (D = 0.329, p = {p:.1g}).\n"
    )


@SEEDS
def test_the_null_distribution_is_that_of_1000_against_500_whatever_was_pooled(seed):
    samples = simulate.course_latencies(seed)
    null = chapter.shuffled_distances(np.concatenate(samples), 400, np.random.default_rng(seed))
    assert null.shape == (400,)
    np.testing.assert_allclose(1_000 * null, np.round(1_000 * null), atol=1e-6)  # steps of 1/1000 and 1/500
    assert np.quantile(null, [0.5, 0.95]) == pytest.approx([0.044, 0.074], abs=0.007)
    assert 0 < null.min() and null.max() < 0.15 < D(*samples)


@SEEDS
@pytest.mark.parametrize("shift_ms", [0, 8, 14])
def test_shuffling_and_the_formula_agree_on_p(seed, shift_ms):
    pair = pairs(seed, 1, 40, 25, mean=150 + shift_ms)[0]
    p = ks_2samp(*pair).pvalue
    assert permutation_p(*pair, 499) == pytest.approx(p, abs=5 * np.sqrt(p / 500) + 0.002)


def test_a_p_by_shuffling_counts_the_observed_arrangement_ties_and_nothing_that_is_nearer():
    assert [permutation_p(*APART, rounds) for rounds in (9, 99)] == [1 / 10, 1 / 100]
    assert chapter.permutation_p_value(*APART, np.random.default_rng(6)) == 1 / 200
    assert permutation_p([1, 3], [2, 2], 99) == 1  # each way to deal these out has the same D
    lowest = [0], range(1, 200)  # the next largest D is half a hundredth smaller
    assert permutation_p(*lowest, 1_500) == pytest.approx(2 / 200, abs=0.009)


@SEEDS
def test_rounding_lowers_d_and_makes_scipys_p_too_large_and_shuffling_mends_it(seed):
    for pair in pairs(seed, 4, 1_000, 500, mean=153):
        coarse = [np.round(sample, -1) for sample in pair]
        d = D(*coarse)
        null = chapter.shuffled_distances(np.concatenate(coarse), 200, np.random.default_rng(seed))
        assert d <= D(*pair) + 1e-12
        assert (1 + np.sum(null >= d - 1e-12)) / 201 < ks_2samp(*coarse).pvalue + 0.01


@SEEDS
def test_dependence_cries_wolf_and_shuffling_does_not_help(seed):
    def share(rho):
        rng = np.random.default_rng(seed)
        both = [simulate.autocorrelated_latencies((20, n), rho, rng) for n in (300, 150)]
        return alerts(lambda a, b: permutation_p(a, b, 39), zip(*both, strict=True))

    assert share(0) < 0.25 and share(0.9) > 0.4


@pytest.mark.parametrize("n", [100, 200, 300, 400, 500])
def test_five_hundred_requests_are_enough_for_5_ms_and_fewer_catch_what_the_exercise_says(n):
    quiet = kstwobign.isf(ALPHA) / np.sqrt(n / 2)
    caught = np.mean([D(*pair) > quiet for pair in pairs(n, 1_000, n, n, mean=155)])
    assert caught == pytest.approx(chapter_03._CAUGHT.get(n, 0.93), abs=0.06)
    assert (caught >= 0.9) == (verdict("3.5", n).state == "right")


@pytest.mark.parametrize("shift_ms", [0, 3, 15])
def test_the_nine_pictures_show_the_shift_its_gap_and_what_the_test_says(shift_ms):
    p = {}
    for requests in (50, 500, 5_000):
        ax = chapter.draw_gap(shift_ms, requests)
        *curves, gap = (line.get_xydata() for line in ax.get_lines()[:3])
        samples = [curve[np.isfinite(curve[:, 0]), 0] for curve in curves]
        d, p[requests] = map(
            float, re.search(r"D = ([\d.]+), p = (\S+)", ax.get_title("left") or ax.get_title()).groups()
        )
        for sample, mean in zip(samples, (150, 150 + shift_ms), strict=True):
            assert sample.size == requests
            assert np.mean(sample) == pytest.approx(mean, abs=80 / np.sqrt(requests))
            assert np.std(sample) == pytest.approx(20, abs=60 / np.sqrt(requests))
        assert d == pytest.approx(D(*samples), abs=0.005)
        assert np.ptp(gap[:, 1]) == pytest.approx(D(*samples), abs=1e-9)
        assert ax.get_xlim() == (60, 240)  # one for all, to be compared
        plt.close(ax.figure)
    seen = {0: [False] * 3, 3: [False, True, True], 15: [True] * 3}[shift_ms]
    assert [value < ALPHA for value in p.values()] == seen
    assert shift_ms == 0 or p[5_000] < 1e-10


@SEEDS
def test_less_finds_slower_requests_sleeps_through_faster_ones_and_takes_spread_for_both(seed):
    before, after = pairs(seed, 1, 1_000, 500)[0]
    wide = 150 + 2 * (after - 150)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the exact count overflows at these sizes, and scipy says so
        p = [chapter.slower_p_value(before, changed) for changed in (after + 8, after - 8, wide)]
        assert p[0] < 0.01 < 0.9 < p[1] and p[2] < 0.001
        p = [chapter.slower_p_value(changed, before) for changed in (after - 8, after + 8, wide)]
        assert p[0] < 0.01 < 0.9 < p[1] and p[2] < 0.001


@SEEDS
def test_a_side_chosen_after_looking_doubles_the_false_alarms(seed):
    slower, quiet = chapter.slower_p_value, pairs(seed, 400, 300, 150)
    always, chosen = (alerts(p, quiet) for p in (slower, lambda a, b: min(slower(a, b), slower(b, a))))
    assert always < 0.08 and always + 0.01 < chosen < 0.15
