"""What chapter 02 claims, measured by the chapter's own functions with other seeds."""

from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn as sns
from scipy.signal import find_peaks
from scipy.stats import ks_2samp

from tests.chapter import definitions
from utils import plots, simulate
from utils.exercises.chapter_02 import DAYS, HUMPS

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
chapter = definitions("02")


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


# Bandwidth -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bw_adjust", [0.25, 1, 3])
def test_the_kde_written_out_is_the_one_that_seaborn_draws(bw_adjust, ax):
    sample = np.random.default_rng(1_001).normal(150, 20, size=200)
    at, drawn = sns.kdeplot(sample, bw_adjust=bw_adjust, ax=ax).lines[0].get_data()
    np.testing.assert_allclose(chapter.density_at(at, sample, bw_adjust), drawn, rtol=1e-9)
    if bw_adjust == 1:
        np.testing.assert_allclose(chapter.density_at(at, sample), drawn, rtol=1e-9)


def _humps(size, windows=100):
    """Return the shares of healthy and of bad-node windows with several humps: {bw_adjust: (invented, found)}."""
    rng = np.random.default_rng(1_002)
    healthy = rng.normal(150, 20, size=(windows, size))
    bad = simulate.bad_node(rng.normal(150, 20, size=(windows, size)), rng, factor=1.6)
    return {
        bw_adjust: [
            np.mean([chapter.count_humps(window, bw_adjust) > 1 for window in some])
            for some in (healthy, bad)
        ]
        for bw_adjust in HUMPS
    }


def test_a_narrow_bandwidth_invents_humps_and_a_wide_one_hides_the_bad_node():
    humps = _humps(200)
    assert humps[0.5][0] > 0.5 and humps[0.5][1] > 0.9
    assert humps[2] == [0, 0]
    assert humps[1][0] < 0.1 and 0.5 < humps[1][1] < 0.9, (
        "the default hardly invents, and misses one in three"
    )


def test_exercise_2_2_knows_what_the_chapters_counter_counts():
    for bw_adjust, shares in _humps(500).items():
        assert shares == pytest.approx(HUMPS[bw_adjust], abs=0.12), bw_adjust


@pytest.mark.parametrize(("height", "humps"), [(0.016, 1), (0.027, 2)])
def test_a_hump_counts_when_it_stands_out_by_2_percent_of_the_highest_peak(height, humps):
    hill = NormalDist(0, 20)
    evenly = np.array([hill.inv_cdf((i + 0.5) / 4_000) for i in range(4_000)])
    sample = np.r_[150 + evenly, 320 + evenly[:: round(1 / height)]]
    assert chapter.count_humps(sample, 0.5) == humps


def test_the_grid_is_fine_enough_for_many_narrow_humps():
    def on_a_fine_grid(sample):
        density = chapter.density_at(np.linspace(sample.min(), sample.max(), 1_000), sample, 0.25)
        return len(find_peaks(density, prominence=0.02 * density.max())[0])

    windows = np.random.default_rng(5).normal(150, 20, size=(100, 200))
    assert np.mean([chapter.count_humps(window, 0.25) == on_a_fine_grid(window) for window in windows]) > 0.75


# The tail and the axis -------------------------------------------------------------------------------------


@SEEDS
def test_the_tail_drift_is_small_in_the_kde_and_large_in_the_share_beyond(seed):
    rng = np.random.default_rng(seed)
    healthy = rng.normal(150, 20, size=2_000)
    retried = simulate.slow_tail(healthy, rng, share=0.02, factor=2)
    at = np.linspace(60, 420, 361)
    before, after = chapter.density_at(at, healthy), chapter.density_at(at, retried)
    assert np.abs(after - before).max() < 0.15 * before.max()
    assert after[at > 230].max() < 0.03 * before.max()
    assert 1 - chapter.ecdf(retried, 230) > 50 * (1 - chapter.ecdf(healthy, 230))


@SEEDS
def test_a_few_extreme_requests_flatten_the_kde_of_all_others(seed):
    rng = np.random.default_rng(seed)
    body = rng.normal(150, 20, size=500)
    extreme = simulate.slow_tail(body, rng, share=0.02, factor=8)
    at = np.linspace(100, 200, 101)
    assert abs(np.median(extreme) - np.median(body)) < 2
    assert chapter.density_at(at, extreme).max() < 0.7 * chapter.density_at(at, body).max()


# Q-Q plot --------------------------------------------------------------------------------------------------


def test_a_qq_plot_sets_quantile_against_quantile_beside_the_line_of_equality(ax):
    historical, recent = np.arange(101.0), 7 + 2 * np.arange(101.0)
    chapter.qq_plot(historical, recent, ax)
    points, line = ax.lines
    np.testing.assert_allclose(points.get_xdata(), np.arange(1, 100))
    np.testing.assert_allclose(points.get_ydata(), 7 + 2 * np.arange(1, 100))
    assert line.get_slope() == 1 and len(set(line.get_xy1())) == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Historical quantile (ms)", "Recent quantile (ms)")


def test_the_days_of_exercise_2_4_have_the_signatures_that_the_chapter_gives_them(ax):
    historical, _ = simulate.course_latencies()
    moved = {}
    for day, latencies in simulate.weekdays().items():
        chapter.qq_plot(historical, latencies, ax)
        points = ax.lines[-2]
        by = points.get_ydata() - points.get_xdata()
        moved[DAYS[day]] = by[[9, 49, 89, 98]]  # the 10, 50, 90 and 99 % quantiles
    assert set(moved) == set(simulate.WEEKDAY_KINDS)
    low, middle, high, _ = moved["shift"]
    assert min(low, middle, high) > 8 and np.ptp([low, middle, high]) < 6, "parallel to the line"
    low, middle, high, _ = moved["spread"]
    assert low < -8 and abs(middle) < 5 and high > 8, "steeper"
    assert np.abs(moved["tail"][:3]).max() < 6 and moved["tail"][3] > 50, "the last points leave"
    assert np.abs(moved["none"][:3]).max() < 6 and abs(moved["none"][3]) < 20, "on it"


# The eye ---------------------------------------------------------------------------------------------------


@SEEDS
def test_a_small_overlay_tells_where_the_two_peaks_are(seed, ax):
    before, after = np.random.default_rng(seed).normal([[150], [180]], 20, size=(2, 200))
    peaks = chapter.small_overlay(before, after, ax, title="pair 1")
    assert ax.get_title() == "pair 1"
    for sample, peak, line, color in zip(
        (before, after), peaks, ax.lines, (plots.HISTORICAL, plots.RECENT), strict=True
    ):
        at, drawn = line.get_data()
        np.testing.assert_allclose(drawn, chapter.density_at(at, sample))
        assert at[drawn.argmax()] == peak == pytest.approx(np.median(sample), abs=12)
        assert line.get_color() == color and np.array_equal(at, np.arange(80, 241))
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]


def test_peaks_of_quiet_windows_wander_more_than_medians_and_medians_settle_first():
    rng = np.random.default_rng(1_012)
    at = np.linspace(110, 190, 161)
    for size, low, high in ((50, 0.35, 0.7), (500, 0.15, 0.5)):
        pairs = rng.normal(150, 20, (80, 2, size))
        peaks = [[at[chapter.density_at(at, sample).argmax()] for sample in pair] for pair in pairs]
        peaks_apart = np.mean(np.abs(np.diff(peaks)) > 5)
        medians_apart = np.mean(np.abs(np.diff(np.median(pairs, axis=2))) > 5)
        assert low < peaks_apart < high and medians_apart < peaks_apart
    assert medians_apart < 0.02


def test_a_limit_of_3_ms_suits_windows_of_five_hundred_and_not_of_fifty():
    rng = np.random.default_rng(1_008)
    claims = {
        size: np.mean(
            ["visible" not in chapter.finding(*rng.normal(150, 20, size=(2, size))) for _ in range(300)]
        )
        for size in (50, 500)
    }
    assert claims[50] > 0.4 and claims[500] < 0.12


@SEEDS
def test_a_line_up_hides_the_real_pair_among_shuffled_ones(seed):
    rng = np.random.default_rng(seed)
    historical, recent = rng.normal(150, 20, size=40), rng.normal(200, 20, size=30)
    places = []
    for _ in range(200):
        (befores, afters), place = chapter.line_up(historical, recent, rng)
        places.append(place)
    assert befores.shape == (20, 40) and afters.shape == (20, 30)
    real = [np.array_equal(before, historical) for before in befores]
    assert np.flatnonzero(real) == [place] and np.array_equal(afters[place], recent)
    shuffled = np.sort(np.hstack([befores, afters]), axis=1)
    np.testing.assert_array_equal(shuffled, np.tile(np.sort(np.r_[historical, recent]), (20, 1)))
    means_apart = np.delete(afters.mean(axis=1) - befores.mean(axis=1), place)
    assert np.abs(means_apart).max() < 30, "shuffling destroys the drift"
    assert set(places) == set(range(20)), "the real one stands anywhere"
    (befores, _), _ = chapter.line_up(historical, recent, rng, panels=5)
    assert len(befores) == 5


@pytest.mark.parametrize("size", [20, 200])
def test_a_line_up_without_drift_is_hit_one_time_in_twenty(size):
    rng = np.random.default_rng(1_009)
    assert chapter.share_picked(0, size, rng, line_ups=500) == pytest.approx(0.05, abs=0.03)
    in_300 = 300 * np.array([chapter.share_picked(0, size, rng) for _ in range(2)])
    assert in_300 == pytest.approx(in_300.round()) and any(in_300.round() % 10), (
        "of 300 line-ups, unless told"
    )


def test_a_line_up_needs_a_large_window_for_a_small_drift():
    rng = np.random.default_rng(1_010)
    assert chapter.share_picked(15, 50, rng) > 0.7
    assert chapter.share_picked(-15, 50, rng) > 0.7, "slower or faster"
    assert chapter.share_picked(5, 50, rng) < 0.3
    assert 0.3 < chapter.share_picked(5, 200, rng) < 0.7


# The gap ---------------------------------------------------------------------------------------------------


@SEEDS
def test_the_widest_gap_is_that_of_the_ks_test_with_ties_too(seed):
    rng = np.random.default_rng(seed)
    historical, recent = rng.normal(150, 20, size=200).round(), rng.normal(155, 22, size=90).round()
    gap, location = chapter.widest_gap(historical, recent)
    expected = ks_2samp(historical, recent)
    assert gap == pytest.approx(expected.statistic, abs=1e-12)
    assert location == expected.statistic_location
    assert chapter.widest_gap(recent, historical)[0] == gap
    at = np.array([150.0, 140.5, 999.0])
    np.testing.assert_allclose(chapter.share_at_or_below(recent, at), [(recent <= ms).mean() for ms in at])
    np.testing.assert_allclose(chapter.ecdf(recent, at), chapter.share_at_or_below(recent, at))


def test_thirty_quiet_requests_open_a_gap_about_as_wide_as_8_ms_do_with_five_hundred():
    rng = np.random.default_rng(1_011)
    quiet, drifted = (
        np.mean(
            [
                chapter.widest_gap(rng.normal(150, 20, 1_000), rng.normal(150 + ms, 20, size))[0]
                for _ in range(200)
            ]
        )
        for ms, size in ((0, 30), (8, 500))
    )
    assert 0.7 < quiet / drifted < 1.1


@pytest.mark.parametrize("shift_ms", [30, -30])
def test_the_figure_to_play_with_shows_its_gap_where_it_is(shift_ms):
    fig = chapter.overlay_and_gap(shift_ms, 1_000)
    label, (left, right) = fig.get_label(), fig.axes
    (drawn,) = [line for line in right.lines if line.get_label().startswith("D = ")]
    plt.close(fig)
    gap = float(label.split()[-1].rstrip("."))
    at_ms = 150 + shift_ms / 2  # half way
    assert gap == pytest.approx(0.547, abs=0.06), "as wide as two normal distributions say"
    assert gap == pytest.approx(abs(np.diff(drawn.get_ydata())[0]), abs=0.005)
    assert drawn.get_xdata() == pytest.approx([at_ms, at_ms], abs=10)
    assert f"{shift_ms} ms and 1000 requests" in label
    assert left.get_title() == f"Shifted by {shift_ms} ms, 1000 requests"
    assert right.get_title() == f"Widest gap {gap:.2f}, at {drawn.get_xdata()[0]:.0f} ms"


# Color -----------------------------------------------------------------------------------------------------


def test_luminance_is_what_wcag_says():
    for color, luminance in (("black", 0), ("white", 1), ("#ff0000", 0.2126), ("#00ff00", 0.7152)):
        assert chapter.luminance(color) == pytest.approx(luminance, abs=1e-9)
    assert chapter.luminance("0.5") == pytest.approx(0.21404, abs=1e-5)
    assert chapter.luminance("0.3") == pytest.approx(0.07324, abs=1e-5)
    assert chapter.luminance("0.04") == pytest.approx(0.04 / 12.92)
    dark, light = sorted(map(chapter.luminance, (plots.HISTORICAL, plots.RECENT)))
    assert (light + 0.05) / (dark + 0.05) < 3, "color alone does not tell the two apart"
