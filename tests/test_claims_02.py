"""What chapter 02 claims, measured by the chapter's own functions with other seeds."""

from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import gaussian_kde, ks_2samp

from tests.chapter import definitions
from utils import simulate
from utils.exercises import chapter_02

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
chapter = definitions("02")

# Bandwidth -------------------------------------------------------------------------------------------------


def test_exercise_2_2_knows_how_often_the_default_finds_the_bad_node():
    rng = np.random.default_rng(1_002)
    for size, share in chapter_02.FOUND.items():
        windows = simulate.bad_node(rng.normal(150, 20, size=(400, size)), rng, share=1 / 3, factor=1.6)
        assert chapter.share_with_humps(windows, 1) == pytest.approx(share, abs=0.05), size


@pytest.mark.parametrize(("height", "humps"), [(0.016, 1), (0.027, 2)])
def test_a_hump_counts_when_it_stands_out_by_2_percent_of_the_highest_peak(height, humps):
    hill = NormalDist(0, 20)
    evenly = np.array([hill.inv_cdf((i + 0.5) / 4_000) for i in range(4_000)])
    sample = np.r_[150 + evenly, 320 + evenly[:: round(1 / height)]]
    assert chapter.count_humps(sample, 0.5) == humps


@SEEDS
def test_two_causes_make_a_curve_eight_times_as_low(seed):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(150, 20, size=1_000), rng.normal(150, 40, size=250)
    at = np.linspace(50, 250, 401)
    heights = [gaussian_kde(sample)(at).max() * sample.size for sample in (before, after)]
    assert heights[0] / heights[1] == pytest.approx(8, abs=1)


# The gap ---------------------------------------------------------------------------------------------------


@SEEDS
def test_the_widest_gap_is_that_of_the_ks_test_with_ties_too(seed):
    rng = np.random.default_rng(seed)
    historical, recent = rng.normal(150, 20, size=200).round(), rng.normal(155, 22, size=90).round()
    expected = ks_2samp(historical, recent)
    assert chapter.widest_gap(historical, recent) == (
        pytest.approx(expected.statistic, abs=1e-12),
        expected.statistic_location,
    )


def test_exercise_2_3_knows_how_often_quiet_windows_ring():
    historical, _ = simulate.course_latencies()
    rng = np.random.default_rng(1_003)
    for size, share in chapter_02.RINGS.items():
        gaps = [chapter.widest_gap(historical, rng.normal(150, 20, size))[0] for _ in range(500)]
        assert np.mean(np.array(gaps) > 0.1) == pytest.approx(share, abs=0.04), size


# The eye ---------------------------------------------------------------------------------------------------


@SEEDS
def test_a_line_up_hides_the_real_pair_among_shuffled_ones(seed):
    rng = np.random.default_rng(seed)
    historical, recent = rng.normal(150, 20, size=40), rng.normal(200, 20, size=30)
    numbers = []
    for _ in range(60):
        befores, afters, number = chapter.line_up(historical, recent, rng)
        numbers.append(number)
    assert befores.shape == (5, 40) and afters.shape == (5, 30) and set(numbers) == {1, 2, 3, 4, 5}
    real = [np.array_equal(before, historical) for before in befores]
    assert np.flatnonzero(real) + 1 == [number] and np.array_equal(afters[number - 1], recent)
    shuffled = np.sort(np.hstack([befores, afters]), axis=1)
    np.testing.assert_array_equal(shuffled, np.tile(np.sort(np.r_[historical, recent]), (5, 1)))
    assert chapter.pick_by_means(befores, afters) == number


@pytest.mark.parametrize(
    ("shift_ms", "size", "share"),
    [(0, 20, 0.2), (0, 200, 0.2), (5, 50, 0.42), (5, 200, 0.85), (-10, 50, 0.8)],
)
def test_a_line_up_without_drift_is_a_guess_and_a_small_drift_needs_a_large_window(shift_ms, size, share):
    rng = np.random.default_rng(1_009)
    assert chapter.share_found(shift_ms, size, rng) == pytest.approx(share, abs=0.07)
