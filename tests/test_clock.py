"""Windows by time and local time: rows as they arrive in practice, and clocks that people change."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.test_monitor import gets_one_sentence
from utils.alarm.clock import Clock
from utils.alarm.history import Usual
from utils.alarm.monitor import DriftMonitor
from utils.alarm.rows import in_order_once, row_ids

DAY = 1_440  # rows, of which one comes every minute
HOURLY = 20  # of a service whose users live in a zone


def minutes(start, size, *, seed=0, every="1min", zone=None):
    """Return measurements that come regularly."""
    values = np.random.default_rng(seed).normal(150, 20, size)
    return pd.Series(values, index=pd.date_range(start, periods=size, freq=every, tz=zone), name="latency_ms")


def at_random(start, counts, *, seed=0):
    """Return measurements that come at random times, so many in each hour."""
    rng = np.random.default_rng(seed)
    hours = np.concatenate([hour + np.sort(rng.random(count)) for hour, count in enumerate(counts)])
    index = pd.Timestamp(start) + pd.to_timedelta(3_600 * hours, unit="s")
    return pd.Series(rng.normal(150, 20, hours.size), index=index)


def build(historical, window="1h", false_alarm_rate=0.05, **options):
    return DriftMonitor(historical, window, false_alarm_rate, **options)


def shuffled(rows, seed=0):
    return rows.iloc[np.random.default_rng(seed).permutation(len(rows))]


HISTORICAL = minutes("2026-01-01", 10 * DAY)
RECENT = minutes("2026-01-11", 6 * 60, seed=1)


@pytest.fixture
def monitor():
    return build(HISTORICAL)


# --- windows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [59, 60, 61])
def test_an_hour_has_as_many_rows_as_it_has_and_is_judged_by_them(size):
    counts = np.full(240, size)
    monitor, recent = build(at_random("2026-01-01", counts)), at_random("2026-01-11", counts[:24], seed=1)
    table = monitor.check_many(recent)
    assert table["rows"].tolist() == [size] * 24
    assert table.index.equals(pd.date_range("2026-01-11", periods=24, freq="1h", name="window"))
    for hour, row in table.iterrows():
        mine = recent[hour : hour + pd.Timedelta("59min 59.999999999s")]
        assert row["statistic"] == pytest.approx(stats.ks_2samp(monitor.historical, mine).statistic)


def test_irregular_arrivals_from_none_to_thousands_an_hour_keep_the_budget():
    rng = np.random.default_rng(2)
    busy = 5_000 * rng.random(30 * 24) ** 6  # half of the hours have fewer than 80 rows, some none
    values = at_random("2026-01-01", rng.poisson(busy), seed=2)
    history, recent = values[:"2026-01-20"], values["2026-01-21":]
    monitor = build(history)
    table = monitor.check_many(recent)
    counted = recent.groupby(recent.index.floor("h")).size().reindex(table.index, fill_value=0)
    assert table["rows"].tolist() == counted.tolist() and 0 < (counted < 10).sum() < 200
    assert (table["statistic"].isna() == (counted < 10)).all()
    judged = table[counted >= 10]
    low, high = stats.binom.interval(0.999, len(judged), 0.05)
    assert low <= judged["drifted"].sum() <= high
    assert monitor.check_many(recent + 30)["drifted"][counted >= 40].mean() > 0.95


def test_an_empty_and_a_thin_hour_are_said_and_evidence_passes_over_them():
    monitor = build(HISTORICAL, accumulate=True)
    slower = 1.04 * RECENT
    whole = monitor.check_many(pd.concat([slower[:60], slower[240:300]]).set_axis(RECENT.index[:120]))
    gap = monitor.follow(pd.concat([slower[:60], slower[180:189], slower[240:300]]))
    assert gap["rows"].tolist() == [60, 0, 0, 9, 60]
    assert gap["statistic"].isna().tolist() == [False, True, True, True, False]
    assert not gap["drifted"].any() and gap["drifted"].dtype == bool
    evidence = gap[["evidence_slower", "evidence_faster"]].to_numpy()
    assert evidence[0, 0] > 0 and (evidence[:4] == evidence[0]).all()
    np.testing.assert_array_equal(evidence[0], whole[["evidence_slower", "evidence_faster"]].iloc[0])
    assert str(monitor.explain(gap.iloc[3])).startswith("Not judged in latency_ms: 9 values are too few")


def test_hours_that_are_too_thin_to_judge_dont_hide_the_silence_after_them(monitor):
    assert monitor.follow(RECENT[:3], until="2026-01-11 01:00")["rows"].tolist() == [3]
    assert monitor.follow(RECENT[240:300])["rows"].tolist() == [0, 0, 0, 60]


def test_minimum_says_how_many_rows_it_takes():
    recent = at_random("2026-01-11", [29, 30, 31], seed=1)
    table = build(HISTORICAL, minimum=30).check_many(recent)
    assert table["statistic"].isna().tolist() == [True, False, False]
    assert build(HISTORICAL, minimum=2).check_many(recent)["statistic"].notna().all()
    thin = pd.concat([HISTORICAL[: 5 * DAY], HISTORICAL[5 * DAY : 5 * DAY + 9]])
    assert build(thin).n_blocks == 120 and build(thin, minimum=9).n_blocks == 121


def test_rows_out_of_order_are_the_same_rows(monitor):
    pd.testing.assert_frame_equal(
        monitor.check_many(shuffled(RECENT)), monitor.check_many(RECENT, after=monitor.start)
    )
    other = build(shuffled(HISTORICAL))
    pd.testing.assert_frame_equal(other.check_many(RECENT), monitor.check_many(RECENT, after=monitor.start))


def test_history_may_begin_and_end_within_an_hour():
    history = HISTORICAL[25:-20]
    monitor = build(history)
    assert monitor.n_blocks == 240 and monitor.start.next_start == pd.Timestamp("2026-01-11")
    table = monitor.follow(RECENT[:60])
    assert table.index.tolist() == [pd.Timestamp("2026-01-11")] and monitor.state.late == 0
    monitor = build(history)
    assert (
        not len(monitor.follow(HISTORICAL[-60:])) and monitor.state.skipped == 60
    )  # they end history's last hour


@pytest.mark.parametrize(
    ("window", "size", "starts"),
    [
        ("15min", 15, ["2026-01-01 00:00", "2026-01-01 00:15"]),
        ("6h", 360, ["2026-01-01 00:00", "2026-01-01 06:00"]),
        ("7h", 420, ["2026-01-01 00:00", "2026-01-01 07:00"]),
        ("1D", 1_440, ["2026-01-01", "2026-01-02"]),
        (pd.Timedelta("90min"), 90, ["2026-01-01 00:00", "2026-01-01 01:30"]),
        (np.timedelta64(60, "m"), 60, ["2026-01-01 00:00", "2026-01-01 01:00"]),
        (datetime.timedelta(hours=1), 60, ["2026-01-01 00:00", "2026-01-01 01:00"]),
    ],
    ids=str,
)
def test_windows_of_any_length_begin_at_midnight_before_history(window, size, starts):
    history = minutes("2026-01-01 00:03", 30 * DAY)
    table = build(history, window).check_many(history)
    assert table.index[:2].tolist() == [pd.Timestamp(start) for start in starts]
    assert table["rows"].iloc[0] == size - 3 and (table["rows"].iloc[1:-1] == size).all()
    assert table["rows"].sum() == len(history)


def test_a_length_of_time_is_told_and_known_however_it_is_given():
    monitors = [build(HISTORICAL, window) for window in ("1h", pd.Timedelta("60min"), np.timedelta64(1, "h"))]
    assert {repr(monitor).partition(",")[0] for monitor in monitors} == {"DriftMonitor(240 blocks of 1h"}
    assert len({monitor.start.monitor for monitor in monitors}) == 1


# --- rows that come more than once, or late ----------------------------------------------------------------


@pytest.mark.parametrize("times", [2, 3])
def test_an_hour_that_is_delivered_again_in_one_call_counts_once(monitor, times):
    expected = monitor.check_many(RECENT)
    for again in (RECENT, RECENT[60:120], RECENT[90:150]):  # all, an hour, and the halves of two
        rows = pd.concat([RECENT, *[again] * (times - 1)])
        for delivered in (rows, shuffled(rows)):
            pd.testing.assert_frame_equal(monitor.check_many(delivered, after=monitor.start), expected)
    pd.testing.assert_frame_equal(build(HISTORICAL).follow(pd.concat([RECENT] * times)), expected)
    twice = build(pd.concat([HISTORICAL] * times))
    pd.testing.assert_frame_equal(twice.check_many(RECENT), expected)


def test_a_file_that_grows_and_was_added_at_each_stage_counts_once(monitor):
    stages = pd.concat([RECENT[:20], RECENT[:40], RECENT[:60], RECENT[30:]])
    assert monitor.check_many(stages)["rows"].tolist() == [60] * 6


@pytest.mark.parametrize("step", [3, 7, 30, 60, 100])
def test_hours_that_overlap_over_several_calls_are_judged_once(step):
    monitor, tables = build(HISTORICAL, accumulate=True), []
    for end in range(step, 361, step):
        tables.append(monitor.follow(RECENT[max(0, end - step - 30) : end]))
    expected = build(HISTORICAL, accumulate=True).check_many(RECENT[: len(pd.concat(tables)) * 60])
    assert len(expected) >= 5
    pd.testing.assert_frame_equal(pd.concat(tables), expected, check_freq=False, check_dtype=False)
    repeated = sum(min(30, end - step) for end in range(step, 361, step))
    assert (monitor.state.skipped, monitor.state.late) == (repeated, 0)


def test_natural_duplicates_are_kept(monitor):
    second = RECENT[:60].set_axis(RECENT.index[:60].floor("2min"))  # two rows each, of which some are equal
    equal = second.round(-1)
    assert (equal.groupby([equal.index, equal.to_numpy()]).size() == 2).sum() > 3
    assert monitor.check_many(equal)["rows"].tolist() == [60]
    again = pd.concat([equal, equal])  # delivered twice, the natural ones are still there
    assert monitor.check_many(again, after=monitor.start)["rows"].tolist() == [60]
    assert monitor.follow(equal, until="2026-01-11 01:00")["rows"].tolist() == [60]


def test_coarse_stamps_and_few_levels_are_no_second_delivery():
    rng = np.random.default_rng(3)
    stamps = pd.date_range("2026-01-01", periods=2 * DAY, freq="1min").repeat(rng.poisson(40, size=2 * DAY))
    hits = pd.Series(rng.integers(0, 2, stamps.size).astype(float), index=stamps)  # each row is there often
    kept = in_order_once(hits, stamps)
    assert len(kept) > 0.98 * stamps.size and abs(hits.iloc[kept].mean() - hits.mean()) < 0.002
    twice = pd.concat([hits, hits])
    assert len(in_order_once(twice, twice.index)) == len(kept)


def test_a_row_that_comes_late_is_left_out_counted_and_told(monitor):
    missing = RECENT.index[30:35]
    monitor.follow(RECENT[:90].drop(missing))
    with pytest.warns(UserWarning, match="5 rows came after .* the first of 2026-01-11 00:30:00"):
        table = monitor.follow(RECENT[:130])
    assert table["rows"].tolist() == [60]
    assert (monitor.state.late, monitor.state.skipped) == (5, 85)


def test_late_rows_are_told_once_however_often_the_file_is_read(monitor):
    monitor.follow(RECENT[:90].drop(RECENT.index[30:35]))
    with pytest.warns(UserWarning, match="5 rows came after"):
        monitor.follow(RECENT[:130])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.follow(RECENT[:130])
    assert monitor.state.late == 5


def test_windows_of_so_many_values_skip_what_they_saw_by_its_time_too():
    monitor = build(HISTORICAL, 60)
    assert len(monitor.follow(RECENT[:90].drop(RECENT.index[50:55]))) == 1
    with pytest.warns(UserWarning, match="5 rows came after"):
        assert len(monitor.follow(shuffled(RECENT[:125]))) == 1
    assert (monitor.state.late, monitor.state.skipped, len(monitor.state.leftover)) == (5, 85, 0)
    values = RECENT.drop(RECENT.index[50:55])[:120]
    expected = build(HISTORICAL.to_numpy(), 60).check_many(values.to_numpy())
    again = build(HISTORICAL, 60).follow(shuffled(values))
    np.testing.assert_array_equal(again["statistic"], expected["statistic"])


def test_rows_of_a_table_are_known_again_and_its_names_have_levels():
    names = pd.MultiIndex.from_product([["shop"], ["read", "write"]], names=["service", "route"])
    tables = [
        pd.DataFrame({name: minutes(rows.index[0], len(rows), seed=seed + i) for i, name in enumerate(names)})
        for rows, seed in ((HISTORICAL, 5), (RECENT, 7))
    ]
    historical, recent = (table.set_axis(names, axis=1) for table in tables)
    historical.iloc[5:500, 0] = recent.iloc[7:58, 0] = np.nan
    monitor = build(historical, accumulate=True)
    table = pd.concat([monitor.follow(recent[:130]), monitor.follow(recent[100:250])])
    assert table.index.names == ["window", "service", "route"]
    assert monitor.state.skipped == 30
    read, write = (table.xs(route, level="route") for route in ("read", "write"))
    assert read["rows"].tolist() == [9, 60, 60, 60] and read["missing"].tolist() == [51, 0, 0, 0]
    assert np.isnan(read["statistic"].iloc[0]) and not read["drifted"].iloc[0]
    assert write["rows"].tolist() == [60] * 4 and write["statistic"].notna().all()
    whole = recent.round().astype({names[1]: int})
    monitor = build(historical)
    monitor.follow(recent.round()[:90])
    monitor.follow(whole[:90])  # the same numbers, read from another file as whole ones
    assert (monitor.state.skipped, monitor.state.late) == (90, 0)


def test_an_empty_hour_of_a_table_is_no_rise_of_missing_values():
    table = pd.DataFrame({"read": HISTORICAL, "write": HISTORICAL[::-1].to_numpy()})
    recent = pd.DataFrame({"read": RECENT, "write": RECENT[::-1].to_numpy()}).drop(RECENT.index[60:120])
    found = build(table).check_frame(recent).xs("2026-01-11 01:00", level="window")
    assert found["rows"].tolist() == [0, 0] and found["statistic"].isna().all()
    assert not found["missing_rise"].any() and not found["drifted"].any()


# --- when a window is complete -----------------------------------------------------------------------------


@pytest.mark.parametrize("offset", ["0s", "50s"])
def test_rows_that_come_regularly_close_the_hour_and_none_of_them_comes_late(offset):
    offset = pd.Timedelta(offset)
    monitor = build(HISTORICAL.set_axis(HISTORICAL.index + offset))
    rows, closed = RECENT.set_axis(RECENT.index + offset), {}
    for i in range(130):
        for _, row in monitor.follow(rows[i : i + 1]).iterrows():
            closed[i] = row["rows"]
    assert closed == {59: 60, 119: 60}
    assert monitor.state.late == 0


def test_rows_that_come_at_steps_which_dont_divide_the_window_are_awaited():
    monitor = build(minutes("2026-01-01", 24 * 90, every="40min"), "3h", minimum=2)
    rows = minutes("2026-03-02", 36, every="40min", seed=1)
    tables = [monitor.follow(rows[i : i + 1]) for i in range(36)]
    assert pd.concat(tables)["rows"].tolist() == [5, 4] * 4
    assert monitor.state.late == 0


def test_places_mean_the_same_at_every_size_and_can_be_undone():
    rng = np.random.default_rng(8)
    sizes = rng.integers(20, 2_000, 900)
    sides = rng.gamma(2, size=(900, 1, 3)) * (1 + 100 / sizes)[:, np.newaxis, np.newaxis]
    usual = Usual(sizes, sides)
    for third in np.array_split(np.argsort(sizes), 3):
        assert (usual.blocks[third] > 3).mean() == pytest.approx(np.exp(-3), abs=0.02)
    for place in (0.1, 2.0, 7.0):
        values = np.broadcast_to(usual.undo(sizes, place)[:, np.newaxis, np.newaxis], sides.shape)
        np.testing.assert_allclose(usual(sizes, values)[:, 0, 0], place)


def test_rows_whose_clock_is_ahead_of_until_are_left_out_and_blind_nothing():
    monitor, whole = build(HISTORICAL), build(HISTORICAL)
    ahead = RECENT[:30].set_axis(RECENT.index[:30] + pd.Timedelta(days=3))
    with pytest.warns(
        UserWarning, match="30 rows lie after 2026-01-11 01:00:00, .*, the first of 2026-01-14"
    ):
        tables = [monitor.follow(pd.concat([RECENT[:60], ahead]), until="2026-01-11 01:00")]
    tables.append(monitor.follow(RECENT[60:120], until="2026-01-11 02:00"))
    pd.testing.assert_frame_equal(pd.concat(tables), whole.follow(RECENT[:120]), check_freq=False)
    soon = RECENT[120:150]  # within the window that runs: rows of a file that was written later
    assert monitor.follow(soon, until="2026-01-11 02:00").empty
    assert len(monitor.state.leftover) == 30
    with pytest.raises(ValueError, match='until ends windows in time; give a window such as "1h"'):
        DriftMonitor(HISTORICAL, 60, 0.05).follow(RECENT, until="2026-01-11 02:00")


def test_rows_that_come_at_random_close_the_hour_with_the_next_one_or_with_until():
    monitor = build(at_random("2026-01-01", np.full(240, 60)))
    recent = at_random("2026-01-11", [60, 60, 60], seed=1)
    assert monitor.follow(
        recent[:60].set_axis([*recent.index[:59], pd.Timestamp("2026-01-11 00:59:59.9")])
    ).empty
    assert monitor.follow(recent[60:61])["rows"].tolist() == [60]
    assert monitor.follow(recent[61:120], until="2026-01-11 01:59:59").empty
    assert monitor.follow(recent[:0], until=datetime.datetime(2026, 1, 11, 2))["rows"].tolist() == [60]
    assert monitor.follow(recent[120:], until="2026-01-11 05:00")["rows"].tolist() == [60, 0, 0]


def test_an_empty_call_changes_nothing(monitor):
    monitor.follow(RECENT[:90])
    before = monitor.state
    assert monitor.follow(RECENT[:0]).empty
    assert (monitor.state.next_start, len(monitor.state.leftover)) == (before.next_start, 30)
    assert monitor.follow(RECENT[90:120])["rows"].tolist() == [60]


@pytest.mark.parametrize("window", ["1h", 60])
@pytest.mark.parametrize("wrong", ["2099-01-01", "9999-12-31"])
def test_a_row_of_a_wrong_clock_is_said_in_one_sentence_and_changes_nothing(window, wrong):
    monitor = build(HISTORICAL, window)
    monitor.follow(RECENT[:90])
    before, rows = monitor.state, RECENT[60:180]
    stamps = rows.index.as_unit("s").append(pd.DatetimeIndex([wrong], dtype="datetime64[s]"))
    spoiled = pd.Series(np.append(rows.to_numpy(), 150.0), index=stamps)
    with pytest.raises(ValueError, match="recent .*(clock|1678).*") as caught:
        monitor.follow(spoiled)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert monitor.state is before
    assert len(monitor.follow(rows)) == 2


# --- how times are written ---------------------------------------------------------------------------------


def test_times_of_every_resolution_are_the_same_rows():
    expected = build(HISTORICAL).check_many(RECENT[:300])
    for unit in ("s", "ms", "us", "ns"):
        monitor = build(HISTORICAL.set_axis(HISTORICAL.index.as_unit(unit)))
        for again in ("s", "ms", "us", "ns"):
            rows = RECENT.set_axis(RECENT.index.as_unit(again))
            pd.testing.assert_frame_equal(monitor.check_many(rows[:300], after=monitor.start), expected)
            monitor.follow(rows)
        assert (monitor.state.skipped, monitor.state.late) == (3 * len(RECENT), 0)


def test_a_row_has_one_number_in_every_unit_and_zone_and_as_a_whole_number():
    rows = RECENT.round().tz_localize("UTC")
    for same in (rows.tz_convert("Asia/Kolkata"), rows.set_axis(rows.index.as_unit("s")), rows.astype(int)):
        np.testing.assert_array_equal(row_ids(same), row_ids(rows))
    assert not np.isin(row_ids(rows + 1), row_ids(rows)).any()
    assert not np.isin(row_ids(rows.shift(freq="1s")), row_ids(rows)).any()


def test_rows_of_history_are_known_again_whatever_they_are_written_in():
    whole = HISTORICAL.round()
    for historical in (whole.astype(int), whole.set_axis(whole.index.as_unit("s")), whole.tz_localize("UTC")):
        for rows in (whole[-60:], whole[-60:].set_axis(whole.index[-60:].as_unit("ms"))):
            monitor = build(historical, timezone="Europe/Berlin")
            assert monitor.follow(rows).empty
            assert (monitor.state.skipped, monitor.state.late) == (60, 0)


def test_rows_with_fixed_offsets_follow_those_with_others():
    berlin = pd.date_range("2026-03-01", periods=28 * DAY, freq="1min", tz="Europe/Berlin")
    monitor = build(pd.Series(np.resize(HISTORICAL, berlin.size), index=berlin))
    rows = minutes(berlin[-1].tz_convert("UTC") + pd.Timedelta("1min"), 240, seed=1)
    winter, summer = (rows.tz_convert(datetime.timezone(datetime.timedelta(hours=h))) for h in (1, 2))
    assert monitor.follow(winter[:90])["rows"].tolist() == [60]
    table = monitor.follow(summer[60:])
    assert table["rows"].tolist() == [60] * 3 and monitor.state.skipped == 30
    assert table.index.strftime("%H:%M%z").tolist() == ["01:00+0100", "03:00+0200", "04:00+0200"]


def test_times_without_a_zone_are_in_utc_where_a_zone_is_given():
    naive, aware = build(HISTORICAL, timezone="Asia/Kolkata"), HISTORICAL.tz_localize("UTC")
    table = naive.check_many(RECENT)
    other = build(aware, timezone="Asia/Kolkata").check_many(
        RECENT.tz_localize("UTC").tz_convert("Asia/Tokyo")
    )
    pd.testing.assert_frame_equal(table, other)
    assert (
        table.index.tz is not None
        and (table.index.minute == 0).all()
        and (table["rows"].iloc[1:-1] == 60).all()
    )
    assert table.index[0] == pd.Timestamp("2026-01-11 05:00+05:30")
    monitor = build(HISTORICAL, timezone="Asia/Kolkata")
    monitor.follow(RECENT[30:90], until="2026-01-11 01:30")  # in UTC, as the rows are: 07:00 in Kolkata
    assert monitor.state.next_start == pd.Timestamp("2026-01-11 07:00+05:30")
    assert monitor.follow(RECENT[90:150].tz_localize("UTC"))["rows"].tolist() == [60]


# --- local time --------------------------------------------------------------------------------------------

CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Adelaide": ("2026-04-05", "2026-10-04"),
    "Asia/Kolkata": ("2026-03-29", "2026-10-25"),  # which has no change
}


def lived_in(rng, start, days, zone):
    """Return a healthy service whose users live in a zone, with stamps in UTC."""
    index = pd.date_range(start, periods=days * 24 * HOURLY, freq=f"{60 // HOURLY}min", tz="UTC")
    local = index.tz_convert(zone)
    angle = 2 * np.pi * (local.hour + local.minute / 60).to_numpy() / 24
    level = 0.3 * np.sin(angle) + 0.15 * np.sin(2 * angle + 1) - 0.1 * (local.day_of_week >= 5)
    return pd.Series(150 * np.exp(level + 0.13 * rng.normal(size=index.size)), index=index)


def alarms_after(zone, change, seed, **options):
    """Return how many hours alarm in the three weeks after a change, and how many there are."""
    rng, change = np.random.default_rng(seed), pd.Timestamp(change, tz="UTC")
    values = lived_in(rng, change - pd.Timedelta(days=56), 56 + 21, zone)
    cut = 57 * 24 * HOURLY
    monitor = DriftMonitor(values[: 56 * 24 * HOURLY], "1h", 1 / 50, cycles=("1D", "7D"), **options)
    table = monitor.check_many(values[cut:])
    return int(table["drifted"].sum()), len(table)


@pytest.mark.parametrize("zone", CHANGES)
def test_a_change_of_clocks_is_no_drift_to_a_monitor_of_local_time(zone):
    here = np.sum([alarms_after(zone, change, 1, timezone=zone) for change in CHANGES[zone]], axis=0)
    assert here[0] <= stats.binom.ppf(0.999, here[1], 1.5 / 50)
    if zone != "Asia/Kolkata":  # the control: the same service by the clock of its stamps
        alarms, windows = np.sum([alarms_after(zone, change, 1) for change in CHANGES[zone]], axis=0)
        assert alarms > 0.2 * windows


@pytest.mark.slow
@pytest.mark.parametrize("zone", CHANGES)
def test_alarms_stay_at_the_budget_over_many_changes_of_clocks(zone):
    runs = [alarms_after(zone, change, seed, timezone=zone) for change in CHANGES[zone] for seed in range(40)]
    alarms, windows = np.sum(runs, axis=0)
    assert 0.75 <= alarms / windows * 50 <= 1.25


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Adelaide", "Asia/Kathmandu", "America/St_Johns"])
def test_hours_begin_at_full_hours_of_the_local_clock(zone):
    history = minutes("2026-03-20 10:07", 20 * DAY, zone="UTC")
    starts = build(history, timezone=zone).check_many(minutes("2026-04-20", DAY, zone="UTC")).index
    assert str(starts.tz) == zone and (starts.minute == 0).all()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Adelaide", "2026-04-05", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),  # has no midnight
        ("Africa/Cairo", "2024-04-26", 23),  # neither
        ("America/Havana", "2025-11-02", 25),  # has two
        ("Asia/Kolkata", "2026-03-29", 24),
    ],
)
def test_days_begin_at_local_midnight_and_have_the_rows_of_23_or_25_hours_when_clocks_change(
    zone, day, hours
):
    begin = pd.Timestamp(day).tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    history = minutes((begin - pd.Timedelta("30D")).tz_convert("UTC"), 20 * DAY, every="1min")
    monitor = build(history, "1D", timezone=zone, exclude=())
    table = monitor.check_many(minutes((begin - pd.Timedelta("3D 5h")).tz_convert("UTC"), 8 * DAY, seed=1))
    whole = table["rows"].iloc[1:-1]
    days = whole.index.tz_localize(None).normalize()
    assert whole[days == day].tolist() == [hours * 60]
    assert (whole[days != day] == DAY).all()
    usual = whole.index[days != day]
    assert (usual == usual.normalize()).all() and whole.index[days == day][0] == begin


@pytest.mark.parametrize("window", ["1h", "6h", "1D"])
@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("America/Sao_Paulo", "2018-11-04 12:10"),
        ("Africa/Cairo", "2024-04-26 12:10"),
        ("America/Havana", "2025-11-02 12:10"),
        ("Australia/Lord_Howe", "2026-04-05 12:10"),
    ],
)
def test_history_may_begin_on_a_day_without_midnight_or_with_two(zone, start, window):
    history = minutes(start, 30 * DAY, zone="UTC")
    starts = build(history, window, timezone=zone).check_many(history).index
    hours = {"1h": range(24), "6h": (0, 6, 12, 18), "1D": (0,)}[window]
    assert (starts.minute == 0).all() and starts[1:].hour.isin(hours).all()
    assert starts[0] <= history.index[0] < starts[1]


def test_follow_goes_through_the_hour_that_clocks_show_twice():
    history = minutes("2026-10-04", 20 * DAY, zone="UTC")
    monitor = build(history, timezone="Europe/Berlin")
    rows = minutes("2026-10-24 23:00", 5 * 60, seed=1, zone="UTC")
    table = pd.concat([monitor.follow(rows[:70]), monitor.follow(rows[40:130]), monitor.follow(rows[100:])])
    assert table["rows"].tolist() == [60] * 5 and table.index.is_unique
    assert table.index.strftime("%H:%M%z").tolist()[:3] == ["01:00+0200", "02:00+0200", "02:00+0100"]


# --- incidents in history ----------------------------------------------------------------------------------


@pytest.mark.parametrize("window", ["1h", 60])
def test_an_incident_that_is_cut_out_leaves_the_threshold_of_the_clean_history(window):
    incident = slice("2026-01-04 10:20", "2026-01-04 13:40")
    spoiled = HISTORICAL.copy()
    spoiled[incident] *= 2
    cut = build(spoiled, window, 0.01, exclude=[("2026-01-04 10:00", pd.Timestamp("2026-01-04 14:00"))])
    clean = build(HISTORICAL.drop(HISTORICAL["2026-01-04 10:00":"2026-01-04 13:59"].index), window, 0.01)
    assert (cut.threshold, cut.n_blocks, cut.n_historical) == (clean.threshold, 236, 14_160)
    assert build(spoiled, window, 0.01).threshold > 1.3 * clean.threshold
    alarms = [
        build(x, window, 0.01).check_many(RECENT + 12)["drifted"].sum() for x in (spoiled, clean.historical)
    ]
    assert alarms[0] < alarms[1] == cut.check_many(RECENT + 12)["drifted"].sum()


def test_whole_hours_are_cut_out_of_windows_by_time():
    monitor = build(shuffled(HISTORICAL), exclude=[["2026-01-04 10:59", "2026-01-04 11:01"]])
    assert monitor.n_blocks == 238 and len(monitor.historical) == len(HISTORICAL) - 120
    assert len(build(HISTORICAL, 60, exclude=[["2026-01-04 10:59", "2026-01-04 11:01"]]).historical) == 14_398
    days = build(HISTORICAL, "1D", 0.2, exclude=[("2026-01-04 10:59", "2026-01-04 11:01")])
    assert days.n_blocks == 9


def test_stretches_are_on_the_clock_of_the_rows():
    for zone, start in (("Europe/Berlin", "2026-01-04 10:00"), (None, "2026-01-04 09:00")):
        aware = HISTORICAL.tz_localize("UTC").tz_convert("Europe/Berlin") if zone else HISTORICAL
        options = {} if zone else {"timezone": "Europe/Berlin"}
        end = pd.Timestamp(start) + pd.Timedelta("1h")
        left = build(aware, exclude=[(start, end)], **options).historical
        named = build(aware, exclude=[("2026-01-04 10:00+01:00", "2026-01-04T10:00Z")], **options).historical
        assert len(left) == len(HISTORICAL) - 60 and left.index.equals(named.index)


# --- input -------------------------------------------------------------------------------------------------

BERLIN = HISTORICAL.tz_localize("UTC").tz_convert("Europe/Berlin")
NO_TIME = pd.Series([150.0, 151.0], index=pd.DatetimeIndex(["2026-01-11", None]))
WRONG = {year: pd.Series([150.0], index=[pd.Timestamp(f"{year}-01-12")]) for year in (1970, 2099)}
FAR = pd.DatetimeIndex(["2026-01-11", "9999-12-31"], dtype="datetime64[s]")


def excluding(*stretches, history=HISTORICAL, window="1h"):
    return lambda: build(history, window, exclude=list(stretches))


BAD = [
    (lambda: build(HISTORICAL, "often"), ValueError, "window is 'often', which is no length of time"),
    (lambda: build(HISTORICAL, "60"), ValueError, "window is '60', which is no length"),
    (lambda: build(HISTORICAL, "-1h"), ValueError, "window is '-1h'"),
    (lambda: build(HISTORICAL, pd.NaT), ValueError, "window is NaT"),
    (lambda: build(HISTORICAL, "1M"), ValueError, "window is '1M'"),
    (lambda: build(HISTORICAL, None), TypeError, "window is None"),
    (lambda: build(HISTORICAL, "1us"), ValueError, "0 blocks of 1us .* windows of at least 10 values"),
    (lambda: build(HISTORICAL, "5D"), ValueError, "2 blocks of 5D"),
    (
        lambda: build(HISTORICAL.to_numpy()),
        TypeError,
        "historical has no DatetimeIndex, but windows are cut by",
    ),
    (
        lambda: build(pd.concat([HISTORICAL, WRONG[2099]])),
        ValueError,
        "historical has 1 rows from 2099-01-12 .* days after the others; mend their clock",
    ),
    (
        lambda: build(HISTORICAL).check_many(pd.concat([WRONG[1970], RECENT])),
        ValueError,
        "recent jumps from 1970",
    ),
    (lambda: build(NO_TIME), ValueError, "historical has time stamps that are missing, 1 of 2"),
    (lambda: build(NO_TIME.set_axis(FAR)), ValueError, "historical has time stamps from .* 1678 and 2262"),
    *[
        (lambda bad=bad: build(HISTORICAL, minimum=bad), ValueError, f"minimum is {bad!r}, but must be")
        for bad in (1, True, "10", 10.5, None)
    ],
    (lambda: build(HISTORICAL, minimum=61), ValueError, "0 blocks of 1h .* windows of at least 61 values"),
    *[
        (lambda bad=bad: build(HISTORICAL, timezone=bad), ValueError, "timezone is .* name such as")
        for bad in ("Mars/Olympus", "", "local", 5, True, ["UTC"], "dateutil/Europe/Berlin")
    ],
    (lambda: build(HISTORICAL, cycles=(24,)), ValueError, "cycles of windows in time need"),
    (lambda: build(HISTORICAL).check_many(RECENT.to_numpy()), TypeError, "recent has no DatetimeIndex"),
    (lambda: build(HISTORICAL).follow([150.0]), TypeError, "recent has no DatetimeIndex"),
    (
        lambda: build(HISTORICAL).follow(NO_TIME),
        ValueError,
        "recent has time stamps that are missing, 1 of 2",
    ),
    (lambda: build(HISTORICAL).check_many(BERLIN), TypeError, "must both have a time zone, or neither"),
    (lambda: build(BERLIN).follow(RECENT), TypeError, "must both have a time zone, or neither"),
    (lambda: build(HISTORICAL, 60).follow(BERLIN), TypeError, "must both have a time zone, or neither"),
    (lambda: build(BERLIN, 60).follow(RECENT), TypeError, "must both have a time zone, or neither"),
    (
        lambda: build(HISTORICAL).check(RECENT[:61]),
        ValueError,
        "recent lies in 2 windows of 1h; use check_many",
    ),
    (lambda: build(HISTORICAL).check(RECENT[:9]), ValueError, "recent has 9 values, and minimum is 10"),
    *[
        (
            lambda bad=bad: build(BERLIN).follow(BERLIN[:0], until=bad),
            ValueError,
            f"until is {bad!r}, but must be",
        )
        for bad in ("soon", 5, True, pd.NaT, "2026-03-29 02:30", "2026-10-25 02:30")
    ],
    (excluding(("2027-01-01", "2027-01-02")), ValueError, "exclude holds 2027-01-01 .* has no row"),
    (excluding(("2026-01-03", "2026-01-02")), ValueError, "exclude holds 2026-01-03 .* has no row"),
    (excluding("2026-01-02", "2026-01-03"), ValueError, "exclude holds '2026-01-02'; give pairs"),
    (excluding(("2026-01-02",)), ValueError, "exclude holds .*; give pairs"),
    (excluding(("2026-01-02", "soon")), ValueError, "exclude holds 'soon', but must be a time"),
    (excluding((1, 2)), ValueError, "exclude holds 1, but must be a time"),
    (excluding(("2026-01-02", None)), ValueError, "exclude holds None, but must be a time"),
    (excluding(("2020", "2030")), ValueError, "exclude leaves nothing of historical"),
    (
        excluding(("2020", "2030"), history=HISTORICAL.to_numpy(), window=60),
        TypeError,
        "but exclude names times",
    ),
    (
        lambda: build(HISTORICAL, exclude="2026-01-02"),
        TypeError,
        "exclude is '2026-01-02', but must be a list",
    ),
    (lambda: build(HISTORICAL, exclude=None), TypeError, "exclude is None, but must be a list"),
    (lambda: build(HISTORICAL, exclude=5), TypeError, "exclude is 5, but must be a list"),
]


@pytest.mark.parametrize("case", BAD, ids=[message for _, _, message in BAD])
def test_bad_input_gets_one_sentence(case):
    gets_one_sentence(*case)


def test_inputs_are_never_changed():
    historical, recent = shuffled(BERLIN), shuffled(RECENT[30:].tz_localize("UTC"))
    kept = historical.copy(), recent.copy()
    monitor = build(historical, timezone="Asia/Kolkata", exclude=[("2026-01-04", "2026-01-05")])
    monitor.check_many(recent)
    monitor.follow(recent, until="2026-01-11 12:00")
    pd.testing.assert_series_equal(historical, kept[0])
    pd.testing.assert_series_equal(recent, kept[1])


def test_a_clock_needs_no_time_where_windows_and_cycles_are_in_values():
    clock = Clock(HISTORICAL.to_numpy(), 60, cycles=(24 * 60,))
    assert (clock.by_time, clock.origin, clock.told_periods) == (False, None, "1440")
