"""What chapter 02 claims, measured again with other seeds."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn as sns
from scipy.signal import find_peaks
from scipy.stats import gaussian_kde

from utils import simulate


def density_at(at, sample, bw_adjust=1):
    """Return the height of the KDE at each latency in at, as the chapter writes it out."""
    bandwidth_ms = bw_adjust * sample.std(ddof=1) * sample.size ** (-1 / 5)
    bells = np.exp(-0.5 * ((at[:, None] - sample) / bandwidth_ms) ** 2)
    return bells.sum(axis=1) / (sample.size * bandwidth_ms * np.sqrt(2 * np.pi))


def share_with_several_humps(windows, bw_adjust):
    """Return the share of windows whose KDE has more than one hump, counted as the chapter counts them."""
    several = 0
    for sample in windows:
        density = density_at(np.linspace(sample.min(), sample.max(), 120), sample, bw_adjust)
        several += len(find_peaks(density, prominence=0.02 * density.max())[0]) > 1
    return several / len(windows)


def widest_gap(historical, recent):
    at = np.concatenate([historical, recent])
    shares = [np.searchsorted(np.sort(s), at, side="right") / s.size for s in (historical, recent)]
    return np.abs(shares[0] - shares[1]).max()


@pytest.fixture(scope="module")
def humps():
    """Shares of windows with several humps: {bw_adjust: (healthy, bad node)}."""
    rng = np.random.default_rng(1_002)
    healthy = rng.normal(150, 20, size=(60, 200))
    bad = simulate.bad_node(rng.normal(150, 20, size=(60, 200)), rng, factor=1.6)
    return {b: (share_with_several_humps(healthy, b), share_with_several_humps(bad, b)) for b in (0.5, 1, 2)}


@pytest.mark.parametrize("bw_adjust", [0.25, 1, 3])
def test_the_kde_written_out_is_the_one_that_seaborn_draws(bw_adjust):
    sample = np.random.default_rng(1_001).normal(150, 20, size=200)
    ax = sns.kdeplot(sample, bw_adjust=bw_adjust)
    at, drawn = ax.lines[0].get_data()
    plt.close(ax.figure)
    np.testing.assert_allclose(density_at(at, sample, bw_adjust), drawn, rtol=1e-9)


def test_a_narrow_bandwidth_invents_humps_in_healthy_data(humps):
    assert humps[0.5][0] > 0.5 and humps[0.5][1] > 0.9


def test_a_wide_bandwidth_hides_the_bad_node(humps):
    assert humps[2] == (0, 0)


def test_the_default_bandwidth_is_quiet_and_misses_some_bad_nodes(humps):
    invented, found = humps[1]
    assert invented < 0.15
    assert 0.3 < found < 0.9


def test_a_tenth_of_the_density_of_skewed_latencies_lies_below_zero():
    rng = np.random.default_rng(1_003)
    leaks = [
        gaussian_kde(rng.lognormal(np.log(20), 1, 1_000)).integrate_box_1d(-np.inf, 0) for _ in range(20)
    ]
    assert 0.07 < np.mean(leaks) < 0.13


def test_a_smaller_sample_of_the_same_latencies_leaks_more():
    rng = np.random.default_rng(1_004)
    leak = {
        size: np.mean(
            [gaussian_kde(rng.lognormal(np.log(20), 1, size)).integrate_box_1d(-np.inf, 0) for _ in range(80)]
        )
        for size in (100, 1_000)
    }
    assert leak[100] > leak[1_000]


def test_the_tail_drift_is_small_in_the_kde_and_large_in_the_exceedance():
    rng = np.random.default_rng(1_005)
    healthy = rng.normal(150, 20, size=5_000)
    retried = simulate.slow_tail(healthy, rng, share=0.02, factor=2)
    at = np.linspace(60, 420, 361)
    peak = gaussian_kde(healthy)(at).max()
    assert np.abs(gaussian_kde(retried)(at) - gaussian_kde(healthy)(at)).max() < 0.15 * peak
    assert gaussian_kde(retried)(at[at > 230]).max() < 0.03 * peak
    assert np.mean(retried > 230) > 50 * np.mean(healthy > 230)


def test_a_few_extreme_requests_flatten_the_kde_of_all_others():
    rng = np.random.default_rng(1_006)
    body = rng.normal(150, 20, size=500)
    extreme = simulate.slow_tail(body, rng, share=0.02, factor=8)
    at = np.linspace(100, 200, 101)
    assert abs(np.median(extreme) - np.median(body)) < 2
    assert gaussian_kde(extreme)(at).max() < 0.7 * gaussian_kde(body)(at).max()


def test_the_smallest_window_that_shows_a_one_in_fifty_tail_is_228():
    assert 0.98**228 <= 0.01 < 0.98**227
    rng = np.random.default_rng(1_007)
    assert np.mean((rng.random((4_000, 228)) < 0.02).any(axis=1)) == pytest.approx(0.99, abs=0.01)


def test_medians_of_quiet_windows_of_fifty_are_often_5_ms_apart_and_of_five_hundred_hardly_ever():
    rng = np.random.default_rng(1_008)
    apart = {
        size: np.mean(np.abs(np.diff(np.median(rng.normal(150, 20, (1_000, 2, size)), axis=2))) > 5)
        for size in (50, 500)
    }
    assert 0.2 < apart[50] < 0.4
    assert apart[500] < 0.02


def test_peaks_of_quiet_windows_wander_more_than_their_medians():
    rng = np.random.default_rng(1_012)
    at = np.linspace(110, 190, 161)
    for size, (low, high) in {50: (0.35, 0.7), 500: (0.15, 0.5)}.items():
        pairs = rng.normal(150, 20, (80, 2, size))
        peaks = np.array([[at[density_at(at, sample).argmax()] for sample in pair] for pair in pairs])
        peaks_apart = np.mean(np.abs(np.diff(peaks)) > 5)
        assert low < peaks_apart < high
        assert peaks_apart > np.mean(np.abs(np.diff(np.median(pairs, axis=2))) > 5)


def share_picked(shift_ms, size, rng, line_ups=300):
    """Return how often the pair whose medians are furthest apart is the real one of twenty."""
    hits = 0
    for _ in range(line_ups):
        pooled = np.concatenate([rng.normal(150, 20, size), rng.normal(150 + shift_ms, 20, size)])
        panels = rng.permuted(np.tile(pooled, (20, 1)), axis=1)
        panels[0] = pooled
        moved = np.abs(np.median(panels[:, size:], axis=1) - np.median(panels[:, :size], axis=1))
        hits += moved.argmax() == 0
    return hits / line_ups


def test_a_line_up_without_drift_is_hit_one_time_in_twenty():
    assert share_picked(0, 50, np.random.default_rng(1_009), line_ups=600) == pytest.approx(0.05, abs=0.03)


def test_a_line_up_needs_a_large_window_for_a_small_drift():
    rng = np.random.default_rng(1_010)
    assert share_picked(15, 50, rng) > 0.7
    assert share_picked(5, 50, rng) < 0.3
    assert 0.3 < share_picked(5, 200, rng) < 0.7


def test_thirty_quiet_requests_open_a_gap_about_as_wide_as_8_ms_do_with_five_hundred():
    rng = np.random.default_rng(1_011)
    quiet, drifted = (
        np.mean([widest_gap(rng.normal(150, 20, 1_000), rng.normal(150 + ms, 20, n)) for _ in range(200)])
        for ms, n in ((0, 30), (8, 500))
    )
    assert 0.7 < quiet / drifted < 1.1
