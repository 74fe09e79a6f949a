"""A new baseline after a release: history moved by what was measured, begun anew, or extended."""

import warnings

import numpy as np
import pandas as pd
import pytest

from utils.alarm.monitor import DriftMonitor

HOUR = 60


def service(hours, start="2026-03-02", seed=1, factor=1.0):
    """Return latencies once a minute, with a daily cycle, in hours that differ by 2 %."""
    rng, times = np.random.default_rng(seed), pd.date_range(start, periods=hours * HOUR, freq="min", tz="UTC")
    day = 0.2 * np.sin(2 * np.pi * (times.hour * HOUR + times.minute) / (24 * HOUR))
    level = day + np.repeat(0.02 * rng.normal(size=hours), HOUR)
    values = factor * 150 * np.exp(level + 0.13 * rng.normal(size=times.size))
    return pd.Series(values, times, name="latency_ms")


AFTER = "2026-03-16"  # two weeks on
HISTORY = service(14 * 24)


def build(history=HISTORY, window="1h", **options):
    return DriftMonitor(history, window, 1 / 100, **{"cycles": "1D"} | options)


@pytest.fixture(scope="module", params=["1h", 60])
def monitor(request):
    return build(window=request.param)


def test_a_rescaled_history_is_moved_by_what_was_measured_and_watches_the_new_level(monitor):
    released = service(72, AFTER, seed=2, factor=1.08)
    old, new = (
        m.check_many(released[24 * HOUR :], after=m.start) for m in (monitor, build(window=monitor.window))
    )
    assert old["drifted"].mean() > 0.2  # as long as nothing is done
    moved = monitor.rebase(released[: 24 * HOUR])
    assert moved.factor == pytest.approx(1.08, rel=0.01) and 0 < moved.factor_error < 0.02
    np.testing.assert_allclose(moved.historical, HISTORY * moved.factor)
    new = moved.check_many(released[24 * HOUR :], after=moved.start)
    assert new["drifted"].mean() <= 0.05 and moved.unit == "ms"
    back = moved.check_many(service(24, AFTER, seed=3), after=moved.start)
    assert (back["direction"] == "faster").mean() > 0.9 and back["drifted"].any()


def test_each_column_of_a_table_is_moved_by_its_own_factor():
    table = pd.DataFrame({"a": HISTORY, "b": service(14 * 24, seed=5)})
    monitor = DriftMonitor(table, "1h", 1 / 20, cycles="1D")
    released = pd.DataFrame({"a": service(24, AFTER, 2), "b": service(24, AFTER, 3, factor=1.2)})
    moved = monitor.rebase(released)
    assert moved.factor == pytest.approx({"a": 1, "b": 1.2}, rel=0.01)
    pd.testing.assert_frame_equal(moved.historical, table * pd.Series(moved.factor))


def test_a_restarted_history_has_the_old_cycles_and_the_budget_that_it_supports(monitor):
    released = service(30, AFTER, seed=2, factor=1.3)
    moved = monitor.rebase(released, "restart")
    assert moved.false_alarm_rate == pytest.approx(1 / 31) and moved.calendar == monitor.calendar
    after = service(48, "2026-03-17 06:00", seed=3, factor=1.3)
    assert moved.check_many(after, after=moved.start)["drifted"].mean() <= 0.15
    longer = moved.rebase(service(10 * 24, "2026-03-17 06:00", seed=3, factor=1.3), "extend")
    assert longer.n_blocks > 200 and longer.false_alarm_rate == pytest.approx(1 / 100)


def test_cycles_by_count_cannot_go_on_from_a_short_recent():
    monitor = DriftMonitor(HISTORY.to_numpy(), 60, 1 / 100, cycles=24 * HOUR)
    with pytest.raises(ValueError, match='recent holds less than two of the longest cycle.*how="rescale"'):
        monitor.rebase(service(30, AFTER).to_numpy(), "restart")


def test_extending_leaves_out_what_alarms_and_says_so():
    monitor, recent = build(), service(24, AFTER, seed=2)
    incident = recent.copy()
    incident[5 * HOUR : 9 * HOUR] *= 2
    with pytest.warns(UserWarning, match="4 of 24 windows are in alarm and were left out"):
        longer = monitor.rebase(incident, "extend")
    assert longer.n_blocks == monitor.n_blocks + 20
    assert longer.historical.max() < 1.5 * HISTORY.max()


@pytest.mark.parametrize("window", ["1h", 60])
def test_extending_by_rows_that_history_has_loses_none_and_counts_none_twice(window):
    overlapping = pd.concat([HISTORY[-24 * HOUR :], service(24, AFTER, seed=2)])
    longer = build(window=window).rebase(overlapping, "extend")
    assert longer.n_blocks == 15 * 24 and not longer.historical.index.has_duplicates
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moved = build(window=window).rebase(service(24, AFTER, seed=2, factor=1.3))
        released = pd.concat([HISTORY[-24 * HOUR :], service(48, AFTER, seed=2, factor=1.3)])
        longer = moved.rebase(released, "extend").n_blocks
    assert 16 * 24 - 3 <= longer <= 16 * 24  # history keeps what alarms there, and a healthy window may
    if window == 60:
        with pytest.raises(ValueError, match="recent has no whole window after history's end"):
            build(window=60).rebase(HISTORY[-24 * HOUR :], "extend")


def test_one_terrible_hour_is_left_out_though_one_alone_makes_no_evidence():
    monitor = build(accumulate=True, statistic=("ks", "wasserstein", "tail"))
    with pytest.raises(ValueError, match="recent has no window that is not in alarm"):
        monitor.rebase(service(1, AFTER, seed=2, factor=5), "extend")
    recent = service(24, AFTER, seed=2)
    recent[7 * HOUR : 8 * HOUR] *= 5
    with pytest.warns(UserWarning, match="of 24 windows are in alarm"):
        assert monitor.rebase(recent, "extend").historical.max() < 2 * HISTORY.max()


def test_a_change_that_was_measured_on_little_is_warned_of_where_it_slows_the_alarm():
    monitor = DriftMonitor(HISTORY, "1h", 1 / 300, cycles="1D", accumulate=True)
    released = service(48, AFTER, seed=2, factor=1.05)
    with pytest.warns(UserWarning, match="An alarm takes .* windows in a row.*rebase with a day or more"):
        slow = monitor.rebase(released[:HOUR])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick = monitor.rebase(released)
    assert slow.fewest_windows > 3 >= quick.fewest_windows


@pytest.mark.parametrize(
    ("how", "recent", "told"),
    [
        ("replace", service(9, AFTER), "how is 'replace', but must be"),
        (
            "rescale",
            1_000 * service(9, AFTER),
            "recent has a median of 1.*e.05, and history one of 1.*same unit",
        ),
        ("restart", 0 * service(9, AFTER), "recent has a median of 0, and history one of"),
        ("rescale", -service(9, AFTER), "recent holds negative values, and history none"),
        ("rescale", service(1, AFTER)[:5], "recent has no whole window to measure the change by"),
        (
            "rescale",
            pd.concat([service(6, AFTER), service(6, f"{AFTER} 06:00", factor=1.25)]),
            "1.2.* times as slow",
        ),
        ("restart", service(3, AFTER), "recent has 3 whole windows, and 4 are the fewest"),
        ("extend", service(9, AFTER, factor=2), "recent has no window that is not in alarm"),
    ],
)
def test_what_no_release_does_is_refused_in_a_sentence(how, recent, told):
    with pytest.raises(ValueError, match=told):
        build().rebase(recent, how)


@pytest.mark.parametrize("how", ["rescale", "restart", "extend"])
def test_what_is_of_another_kind_is_refused_in_a_sentence(how):
    recent = service(24, AFTER)
    table = pd.DataFrame({"a": HISTORY, "b": HISTORY})
    of_table = DriftMonitor(table, "1h", 1 / 20, cycles="1D")
    for monitor, given, told in (
        (
            build(),
            pd.DataFrame({"a": recent}),
            "recent is of type DataFrame; this monitor follows one metric",
        ),
        (build(), "x", "recent is text"),
        (build(), recent[:0], "recent holds no value"),
        (build(), recent.to_numpy(), "recent has no DatetimeIndex"),
        (of_table, recent, "recent is of type Series; this monitor follows DataFrames"),
        (of_table, pd.DataFrame({"a": recent}), r"recent lacks \['b'\]"),
        (of_table, pd.DataFrame({"a": np.nan, "b": recent}), r"recent\['a'\] holds no value"),
    ):
        with pytest.raises((TypeError, ValueError), match=told):
            monitor.rebase(given, how)


def test_negative_history_has_no_factor():
    values = np.random.default_rng(3).normal(size=6_000)
    with pytest.raises(
        ValueError, match='historical holds negative values, which no factor moves; use how="restart"'
    ):
        DriftMonitor(values, 60, 0.05).rebase(values[:600])
