"""Drift where nothing is kept but counts in buckets: one comparison, and a monitor of hours x buckets."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, wasserstein_distance

from utils import simulate
from utils.alarm.counts import (
    _bridge_p_value,
    as_buckets,
    as_edges,
    coarsen,
    compare_counts,
    count_into_buckets,
    exponential_bounds,
    middles,
    scaled,
    shared_buckets,
    shuffled_p_value,
)
from utils.alarm.monitor import DriftMonitor

CLIENT = (5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000)
FINE = exponential_bounds(2 ** (1 / 8), 10, 20_000)
ALL = ("ks", "wasserstein", "tail")
DAY = 24


def hours_of(latencies, bounds=FINE, begins="2026-01-05"):
    """Return one a minute, with times, and the same counted hour by hour."""
    times = pd.date_range(begins, periods=len(latencies), freq="min", tz="UTC")
    edges, counts = as_edges(bounds), np.zeros((len(latencies) // 60, len(bounds) + 1))
    np.add.at(counts, (np.arange(len(latencies)) // 60, np.searchsorted(edges[1:], latencies)), 1)
    return pd.Series(latencies, times, name="latency_ms"), pd.DataFrame(
        counts, times[::60], as_buckets(edges, "latency_ms")
    )


def table(rows, bounds=(100, 250)):
    return pd.DataFrame(
        rows, pd.date_range("2026-01-05", periods=len(rows), freq="h"), as_buckets(as_edges(bounds))
    )


# One comparison --------------------------------------------------------------------------------------------

SAMPLES = st.lists(st.floats(1, 1_000), min_size=2, max_size=40)


@given(SAMPLES, SAMPLES, st.lists(st.floats(1, 1_000), min_size=1, max_size=8))
def test_the_true_distance_lies_between_what_counts_say_and_what_they_allow(historical, recent, bounds):
    found = compare_counts(count_into_buckets(historical, bounds), count_into_buckets(recent, bounds))
    assert found.statistic - 1e-9 <= ks_2samp(historical, recent).statistic <= found.at_most + 1e-9
    edges = as_edges(bounds)
    at_middles = [middles(edges)[np.searchsorted(edges[1:], one)] for one in (historical, recent)]
    assert found.shift == pytest.approx(wasserstein_distance(*at_middles), abs=1e-9)
    assert 0 <= found.p_value <= 1 and found.n_historical == len(historical)


def test_the_most_that_counts_allow_is_reached():
    historical, recent = np.array([150, 151, 152, 300.0]), np.array([249, 248, 247, 300.0])
    found = compare_counts(count_into_buckets(historical, CLIENT), count_into_buckets(recent, CLIENT))
    assert (found.statistic, found.direction) == (0, "none")
    assert found.at_most == ks_2samp(historical, recent).statistic == 0.75


def test_the_drift_of_the_course_is_seen_in_fine_buckets_only():
    rng = np.random.default_rng(7)
    historical, recent = rng.normal(150, 20, 1_000), rng.normal(165, 22, 500)
    coarse, fine = (
        compare_counts(count_into_buckets(historical, bounds), count_into_buckets(recent, bounds))
        for bounds in (CLIENT, FINE)
    )
    assert not coarse and coarse.statistic < 0.02 and coarse.at_most > 0.95
    assert "Between 100 and 250, where 9" in str(coarse) and "a move of up to 150" in str(coarse)
    assert fine and fine.direction == "slower" and fine.statistic > 0.25 and fine.p_value < 1e-20


@pytest.mark.parametrize("shares", [[0.5], [0.003, 0.4, 0.99], np.linspace(0.05, 0.95, 19), [0.3, 1 - 1e-9]])
@pytest.mark.parametrize("largest", [0.6, 1.2, 1.6])
def test_a_bridge_is_beyond_a_band_as_often_as_simulated_ones(shares, largest):
    shares = np.asarray(shares)
    steps = np.diff(shares, prepend=0, append=1)
    motion = np.cumsum(
        np.random.default_rng(1).standard_normal((40_000, steps.size)) * np.sqrt(steps), axis=1
    )
    bridge = motion[:, :-1] - shares * motion[:, -1:]
    beyond = np.mean(np.abs(bridge).max(axis=1) >= largest)
    assert _bridge_p_value(largest, shares) == pytest.approx(
        beyond, abs=4 * math.sqrt(beyond / 40_000) + 1e-4
    )


@pytest.mark.parametrize("bounds", [CLIENT, exponential_bounds(2, 10, 20_000), FINE])
@pytest.mark.parametrize("rule", ["limit", "shuffled"])
def test_p_values_are_below_5_and_1_percent_no_oftener_than_they_say(bounds, rule):
    rng, p_values = np.random.default_rng(11), []
    for _ in range(600):
        pair = [count_into_buckets(rng.normal(150, 20, size), bounds) for size in (1_000, 500)]
        p_values.append(
            compare_counts(*pair).p_value if rule == "limit" else shuffled_p_value(*pair, shuffles=199)
        )
    assert np.mean(np.array(p_values) <= 0.05) < 0.075 and np.mean(np.array(p_values) <= 0.01) < 0.022
    assert np.mean(np.array(p_values) <= 0.05) > 0.02


def test_one_rare_request_beyond_a_bound_is_shuffled():
    # 6 of 1,000 beyond 250: of 60 requests one alone is no bell, and the limit would call it rare.
    historical, recent = count_into_buckets([150] * 99_400 + [300] * 600, CLIENT), [150] * 58 + [300] * 2
    found = compare_counts(historical, count_into_buckets(recent, CLIENT))
    assert found.p_value == shuffled_p_value(historical, count_into_buckets(recent, CLIENT)) > 0.01


def test_fractions_of_prometheus_are_counts_too():
    whole = count_into_buckets([10, 120, 130, 300] * 50, CLIENT)
    found = compare_counts(whole * 1.013, whole * 0.994)
    assert found.statistic == pytest.approx(0, abs=1e-12) and found.direction == "none"
    assert shuffled_p_value(whole * 1.013, whole * 0.994) == 1


def test_rows_of_a_table_are_added_up():
    rows = table([[3, 4, 5], [1, 0, 2]])
    assert compare_counts(rows, rows.sum()).statistic == 0
    assert compare_counts(rows, rows).n_recent == 15


@pytest.mark.parametrize(
    ("recent", "what"),
    [
        ([1, 2, 3], "recent is of type list, not counts in buckets"),
        (count_into_buckets([1, 200], [100]), "recent has no bound at 250"),
        (table([[0, 0, 0]]), "recent counts no value"),
        (
            table([[1, -1, 0]]),
            "recent holds counts that are missing, infinite or negative, the first in row 0",
        ),
        (table([[1, 2, 3]]).drop(columns=table([[1, 2, 3]]).columns[2]), "the last up to inf"),
    ],
)
def test_what_is_no_histogram_is_refused_in_a_sentence(recent, what):
    with pytest.raises((TypeError, ValueError), match=what):
        compare_counts(table([[1, 2, 3]]), recent)


def test_bounds_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="bounds must hold"):
        count_into_buckets([1, 2], [])
    with pytest.raises(ValueError, match="growth must be above 1"):
        exponential_bounds(1, 1, 10)


def test_finer_counts_are_brought_into_coarser_buckets_and_others_refused():
    fine, coarse = count_into_buckets([50, 120, 150, 300], [100, 125, 250]).to_frame().T, [100, 250]
    merged = coarsen(fine, as_buckets(as_edges(coarse)))
    assert merged.to_numpy().tolist() == [[1, 2, 1]]
    # A bound where nothing is counted splits nothing: exponential histograms leave empty buckets out.
    quiet = count_into_buckets([50, 120], [100, 125]).to_frame().T
    assert coarsen(quiet, as_buckets(as_edges([100, 125, 250]))).to_numpy().tolist() == [[1, 1, 0, 0]]
    with pytest.raises(ValueError, match="no bound at 200"):
        coarsen(fine, as_buckets(as_edges([100, 200])))
    assert shared_buckets(fine, table([[1, 2, 3]])).right.tolist() == [100, 250, math.inf]


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4).filter(sum), st.floats(0.2, 5), st.floats(0.2, 5))
def test_scaling_keeps_every_value_and_1_changes_nothing(counts, factor, other):
    edges, counts = as_edges([10, 20, 40]), np.array([counts])
    assert scaled(counts, edges, [1.0]) == pytest.approx(counts)
    moved = scaled(counts, edges, [factor])
    assert moved.sum() == pytest.approx(counts.sum()) and moved.min() >= -1e-9
    small, large = sorted((factor, other))
    below = [np.cumsum(scaled(counts, edges, [one]), axis=1) for one in (small, large)]
    assert (below[0] >= below[1] - 1e-9).all()


def test_bounds_of_two_schemas_that_are_the_same_are_so_to_the_last_bit():
    bounds = [exponential_bounds(2 ** (1 / 2**schema), 0.001, 100_000) for schema in range(6)]
    for coarse, fine in zip(bounds, bounds[1:], strict=False):
        assert set(coarse[1:-1]) <= set(fine)
    assert set(2.0 ** np.arange(-9, 17)) <= set(bounds[0])


# A monitor -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service():
    """Return five weeks of a simulated service and twelve days more, one a minute and counted hour by hour."""
    latencies = simulate.service_latencies(47 * DAY, np.random.default_rng(3))
    return hours_of(latencies)


@pytest.mark.parametrize("statistic", ALL)
def test_counts_are_judged_as_values_at_the_middles_of_their_buckets_are(statistic):
    rng = np.random.default_rng(5)
    edges = as_edges(FINE)
    latencies = middles(edges)[np.searchsorted(edges[1:], rng.lognormal(5, 0.2, 60 * 30 * DAY))]
    values, counts = hours_of(latencies)
    many = 20 * DAY
    raw = DriftMonitor(values[: many * 60], "1h", 1 / 100, statistic=statistic)
    binned = DriftMonitor(counts[:many], "1h", 1 / 100, statistic=statistic)
    expected, found = (
        monitor.check_many(rows, after=monitor.start)
        for monitor, rows in ((raw, values[many * 60 :]), (binned, counts[many:]))
    )
    if statistic == "tail":  # its limit is a bound, and no middle
        assert np.corrcoef(expected["statistic"], found["statistic"])[0, 1] > 0.97
        return
    for column in ("statistic", "p_value", "shift", "rows", "drifted"):
        assert np.allclose(expected[column].astype(float), found[column].astype(float)), column


def test_with_cycles_and_evidence_counts_see_what_values_see(service):
    values, counts = service
    options = {"statistic": ALL, "cycles": ("1D", "7D"), "accumulate": True}
    history = 35 * DAY
    by_value = DriftMonitor(values[: history * 60], "1h", **options)
    by_count = DriftMonitor(counts[:history], "1h", **options)
    assert by_count.counts and not by_value.counts and by_count.unit == "ms"
    quiet = by_count.check_many(counts[history:], after=by_count.start)
    assert quiet["drifted"].sum() <= 2
    slower = hours_of(1.1 * values.to_numpy())[1][history:]
    found = [
        monitor.check_many(rows, after=monitor.start)["drifted"].to_numpy()
        for monitor, rows in ((by_value, 1.1 * values[history * 60 :]), (by_count, slower))
    ]
    assert found[1][:24].any() and 0.7 < found[1].sum() / found[0].sum() < 1.4


def test_one_hour_at_a_time_saved_and_loaded_is_all_at_once(service, tmp_path):
    _, counts = service
    monitor = DriftMonitor(counts[: 35 * DAY], "1h", statistic=ALL, cycles=("1D", "7D"), accumulate=True)
    recent, parts = counts[35 * DAY :], []
    for first in range(0, 60, 20):
        monitor.save(tmp_path / "state.npz")
        monitor = DriftMonitor.load(tmp_path / "state.npz")
        parts.append(monitor.follow(recent[max(0, first - 5) : first + 20]))
    whole = monitor.check_many(recent[:60], after=monitor.start)
    pd.testing.assert_frame_equal(pd.concat(parts), whole)
    assert monitor.state.skipped == 10 and (tmp_path / "state.npz").stat().st_size < 40_000
    assert "these buckets see nothing" in str(monitor.explain(whole.iloc[0]))


def test_a_stretch_that_is_told_again_counts_once(service):
    _, counts = service
    monitor = DriftMonitor(counts[: 10 * DAY], "2h", 1 / 100)
    partial = counts[10 * DAY : 10 * DAY + 3].copy()
    partial.iloc[-1] /= 2
    monitor.follow(partial)
    found = monitor.follow(counts[10 * DAY + 2 : 10 * DAY + 4])
    assert found["rows"].tolist() == [120]


def test_after_a_release_history_is_rescaled(service):
    values, counts = service
    monitor = DriftMonitor(counts[: 35 * DAY], "1h", 1 / 100, cycles=("1D", "7D"))
    after = hours_of(1.2 * values.to_numpy())[1][35 * DAY :]
    successor = monitor.rebase(after[: 3 * DAY])
    assert successor.factor == pytest.approx(1.2, abs=0.02)
    assert successor.historical.to_numpy().sum() == pytest.approx(monitor.historical.to_numpy().sum())
    assert successor.check_many(after[3 * DAY :], after=successor.start)["drifted"].mean() < 0.1
    assert monitor.rebase(after, "restart").n_blocks == 12 * DAY
    with pytest.raises(ValueError, match="give it in the same unit"):
        monitor.rebase(hours_of(20 * values.to_numpy()[: 60 * DAY])[1])


def test_what_is_no_use_to_a_monitor_is_refused_in_a_sentence(service):
    values, counts = service
    monitor, few = DriftMonitor(counts[: 10 * DAY], "1h", 1 / 100), counts[10 * DAY : 10 * DAY + 5]
    wrong = [
        (lambda: DriftMonitor(counts, 60), 'give window="1h"'),
        (lambda: DriftMonitor(counts[:40], "1h", 1 / 20), "50 are the fewest to tell how they hang together"),
        (lambda: monitor.check_many(values), "recent is of type Series; this monitor follows counts"),
        (lambda: DriftMonitor(values, "1h").follow(few), "this monitor follows measurements"),
        (lambda: monitor.follow(hours_of(values.to_numpy()[:120], CLIENT)[1]), "recent has no bound at"),
        (lambda: monitor.check_many(pd.concat([few, 2 * few])), "has several rows of 2026-01-15 00:00:00"),
        (lambda: monitor.check_many(few.where(few < 10)), "missing, infinite or negative"),
    ]
    for attempt, what in wrong:
        with pytest.raises((TypeError, ValueError), match=what):
            attempt()


def test_what_coarse_buckets_cannot_do_is_said(service):
    values, _ = service
    _, counts = hours_of(values.to_numpy(), CLIENT)
    with pytest.warns(UserWarning, match="of history lies in one bucket, out of which no cycle can be taken"):
        DriftMonitor(counts[: 20 * DAY], "1h", 1 / 100, cycles="1D")
    steady = simulate.service_latencies(20 * DAY, np.random.default_rng(3)) * 0 + 150
    steady *= np.random.default_rng(4).lognormal(0, 0.13, steady.size)
    coarse, fine = (hours_of(steady, bounds)[1] for bounds in (CLIENT, FINE))
    factors = [DriftMonitor(one, "1h", 1 / 100).smallest_slowdown(one[-6:])[0] for one in (coarse, fine)]
    assert factors[0] > 1.3 and factors[1] < 1.1
    monitor = DriftMonitor(coarse, "1h", 1 / 100)
    with pytest.raises(ValueError, match="its buckets are too coarse to move values in"):
        monitor.rebase(hours_of(1.3 * steady[: 60 * 2 * DAY], CLIENT, "2026-01-25")[1])


def test_requests_beyond_the_last_bound_are_a_tail():
    rng = np.random.default_rng(6)
    latencies = np.where(rng.random(60 * 30 * DAY) < 0.015, 3_000, rng.lognormal(5, 0.2, 60 * 30 * DAY))
    more = np.where(rng.random(60 * DAY) < 0.15, 3_000, rng.lognormal(5, 0.2, 60 * DAY))
    bounds = [50, 100, 120, 150, 180, 250, 1_000]
    monitor = DriftMonitor(hours_of(latencies, bounds)[1], "1h", 1 / 100, statistic="tail")
    found = monitor.check_many(hours_of(more, bounds, "2026-02-04")[1], after=monitor.start)
    assert found["drifted"].mean() > 0.9


def test_where_recent_is_coarser_history_is_brought_into_the_buckets_that_both_have(service):
    values, counts = service
    monitor = DriftMonitor(counts[: 20 * DAY], "1h", 1 / 100)
    _, coarse = hours_of(1.3 * values.to_numpy()[60 * 20 * DAY :], FINE[::2], "2026-01-25")
    with pytest.raises(ValueError, match="coarsen.table, shared_buckets"):
        monitor.follow(coarse)
    monitor.follow(counts[20 * DAY : 20 * DAY + 5])
    assert monitor.in_shared_buckets(counts) is monitor
    with pytest.warns(UserWarning, match="82 buckets that they share"):
        successor = monitor.in_shared_buckets(coarse)
    assert set(FINE[::2]) <= set(successor.historical.columns.right)
    assert successor.state.next_start == monitor.state.next_start
    assert successor.follow(coarse[5:30])["drifted"].mean() > 0.3
    with pytest.raises(ValueError, match="recent is counted in s, and history in ms"):
        coarse.attrs["unit"] = "s"
        successor.in_shared_buckets(coarse)


def test_an_incident_that_coarsens_its_own_histogram_rings_and_is_measured():
    # An exponential histogram has no bounds outside of what it counts; those of the incident lie beyond history's.
    rng = np.random.default_rng(8)
    _, counts = hours_of(rng.lognormal(5, 0.2, 60 * 10 * DAY), exponential_bounds(2 ** (1 / 8), 55, 400))
    latencies = rng.lognormal(6.3, 0.6, 60 * 5)
    _, slow = hours_of(latencies, exponential_bounds(2, 60, 4_000), "2026-01-15")
    monitor = DriftMonitor(counts, "1h", 1 / 100)
    with pytest.warns(UserWarning, match="buckets that they share"):
        successor = monitor.in_shared_buckets(slow)
    assert {128, 256, 512, 1_024, 2_048} <= set(successor.historical.columns.right)
    found = successor.follow(slow)
    assert found["drifted"].all() and (found["direction"] == "slower").all()
    assert found["shift"].mean() == pytest.approx(latencies.mean() - 151, rel=0.15)
