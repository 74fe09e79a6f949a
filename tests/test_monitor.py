import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import lfilter

from tests.benchmarks.promises import fractional_noise
from utils.alarm.drift import detect_drift
from utils.alarm.evidence import Memory, alarm_rates, estimate_memory, evidence_threshold
from utils.alarm.monitor import DriftMonitor

ALL = ("ks", "wasserstein", "tail")
DAY, WEEK = 24 * 10, 168 * 10  # with ten values an hour


def autocorrelated(rng, size, rho=0.0):
    noise = lfilter([1], [1, -rho], rng.normal(size=size + 300))[300:]
    return noise * np.sqrt(1 - rho**2)


def service(rng, size, start=0, rho=0.5, daily=0.3, weekly=0.1):
    hour = (start + np.arange(size)) / 10
    level = daily * np.sin(2 * np.pi * hour / 24) + weekly * np.sin(2 * np.pi * hour / 168)
    return 150 * np.exp(level + 0.13 * autocorrelated(rng, size, rho))


def whole_numbers(rng, size):
    return rng.integers(0, rng.integers(2, 60), size=size).astype(float)


# --- what is computed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [whole_numbers, lambda rng, size: rng.normal(size=size)])
def test_distance_location_direction_and_shift_are_those_of_one_comparison(draw):
    rng = np.random.default_rng(1)
    for _ in range(150):
        window = int(rng.integers(2, 40))
        historical = draw(rng, window * int(rng.integers(4, 30)) + int(rng.integers(0, window)))
        recent = draw(rng, (3, window))
        monitor = DriftMonitor(historical, window, false_alarm_rate=0.5)
        for row, values in zip(monitor.check_many(recent).itertuples(), recent, strict=True):
            scipys = stats.ks_2samp(historical, values, method="asymp")
            assert row.statistic == pytest.approx(scipys.statistic, abs=1e-12)
            one = detect_drift(historical, values)
            assert (row.location, row.direction) == (one.location, one.direction)
            assert row.shift == pytest.approx(stats.wasserstein_distance(historical, values), abs=1e-9)
            single = monitor.check(values)
            assert (single.statistic, single.p_value, single.location) == (
                row.statistic,
                row.p_value,
                row.location,
            )
            assert single.shift == pytest.approx(row.shift, abs=1e-12)


def test_a_window_result_gives_the_ks_p_value_on_request():
    rng = np.random.default_rng(2)
    historical, recent = rng.normal(size=600), rng.normal(0.3, size=60)
    result = DriftMonitor(historical, false_alarm_rate=0.2).check(recent)
    assert result.ks_p_value == pytest.approx(stats.ks_2samp(historical, recent).pvalue, rel=1e-9)


@pytest.mark.parametrize("draw", [whole_numbers, lambda rng, size: rng.normal(size=size)])
def test_leaving_a_block_out_is_exact(draw):
    rng = np.random.default_rng(3)
    for _ in range(20):
        window = int(rng.integers(2, 30))
        historical = draw(rng, window * int(rng.integers(4, 12)) + 1)
        whole = historical[: historical.size // window * window]
        brute_ks, brute_wasserstein = [], []
        for i, block in enumerate(whole.reshape(-1, window)):
            rest = np.delete(historical, slice(i * window, (i + 1) * window))
            brute_ks.append(stats.ks_2samp(rest, block, method="asymp").statistic)
            brute_wasserstein.append(stats.wasserstein_distance(rest, block))
        for statistic, brute in (("ks", brute_ks), ("wasserstein", brute_wasserstein)):
            monitor = DriftMonitor(historical, window, false_alarm_rate=0.5, statistic=statistic)
            np.testing.assert_allclose(monitor._histories[None].healthy[:, 0], np.sort(brute), atol=1e-9)


def test_the_p_value_counts_the_healthy_blocks_that_reach_the_statistic():
    rng = np.random.default_rng(4)
    historical, recent = rng.normal(size=(50, 20)), rng.normal(0.3, size=20)
    distance = stats.ks_2samp(historical.ravel(), recent, method="asymp").statistic
    healthy = [
        stats.ks_2samp(np.delete(historical, i, axis=0).ravel(), historical[i], method="asymp").statistic
        for i in range(50)
    ]
    result = DriftMonitor(historical.ravel(), 20, false_alarm_rate=0.1).check(recent)
    assert result.p_value == (1 + sum(one >= distance for one in healthy)) / 51


def test_the_threshold_is_the_largest_statistic_that_does_not_alarm():
    rng = np.random.default_rng(5)
    monitor = DriftMonitor(rng.normal(size=2_000), 20, false_alarm_rate=0.1, tolerance=0.05)
    rows = monitor.check_many(rng.normal(0.2, size=(400, 20)))
    assert 0 < rows["drifted"].sum() < 400
    pd.testing.assert_series_equal(
        rows["drifted"], rows["statistic"] > monitor.threshold + 1e-12, check_names=False
    )


# --- the budget --------------------------------------------------------------------------------------------


def alarms_of_fresh_histories(count, make, seed, **options):
    """Return the share of fresh histories whose next window, as healthy as they are, alarms."""
    rng = np.random.default_rng(seed)
    window, blocks = 60, 39
    drifted = 0
    for _ in range(count):
        values = make(rng, window * (blocks + 1))
        monitor = DriftMonitor(values[:-window], window, false_alarm_rate=0.05, **options)
        drifted += monitor.check(values[-window:]).drifted
    assert monitor.attainable_rate == pytest.approx(0.05)
    return drifted


HEALTHY = {
    "independent": lambda rng, size: rng.normal(150, 20, size),
    "rho 0.5": lambda rng, size: 150 + 20 * autocorrelated(rng, size, 0.5),
    "rho 0.9": lambda rng, size: 150 + 20 * autocorrelated(rng, size, 0.9),
    "daily cycle": lambda rng, size: service(rng, size, start=rng.integers(DAY), weekly=0),
}


@pytest.mark.parametrize("kind", HEALTHY)
def test_the_budget_holds_on_a_thousand_fresh_histories(kind):
    options = {"cycles": (DAY,)} if kind == "daily cycle" else {}
    drifted = alarms_of_fresh_histories(1_000, HEALTHY[kind], seed=6, **options)
    low, high = stats.binom.interval(0.99, 1_000, 0.05)
    assert low <= drifted <= high


@pytest.mark.parametrize("statistic", ["ks", "wasserstein", "tail"])
def test_the_budget_holds_with_nine_blocks(statistic):
    rng = np.random.default_rng(32)
    drifted = 0
    for _ in range(1_500):
        values = rng.normal(size=20 * 10)
        drifted += DriftMonitor(values[:180], 20, 0.1, statistic=statistic).check(values[180:]).drifted
    low, high = stats.binom.interval(0.99, 1_500, 0.1)
    assert low <= drifted <= high


def test_a_tail_begins_at_the_outer_hundredth_of_a_long_history_and_of_a_short_one_further_in():
    values = np.random.default_rng(35).permutation(10_000) / 10_000
    long, short = (DriftMonitor(values[:size], 20, 0.2, statistic="tail") for size in (10_000, 200))
    for within, beyond in ((0.985, 0.995), (0.015, 0.005)):
        assert long.check([within] * 20).statistic <= 0 < long.check([beyond] * 20).statistic
    assert short.check([0.95] * 20).statistic > 0  # one window of ten is a tenth


def test_a_block_that_makes_up_a_tail_is_compared_with_the_others():
    values = np.concatenate([np.tile(np.arange(20.0), 4), np.arange(20.0) + 50])
    history = DriftMonitor(values, 20, 0.2, statistic="tail")._histories[None]
    assert history.in_time[-1].max() > 5 > 0 == history.in_time[:-1, 0].max()


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["ks", "wasserstein", "tail", ALL])
@pytest.mark.parametrize("kind", HEALTHY)
def test_the_budget_holds_for_every_statistic(kind, statistic):
    options = {"cycles": (DAY,)} if kind == "daily cycle" else {}
    drifted = alarms_of_fresh_histories(4_000, HEALTHY[kind], seed=7, statistic=statistic, **options)
    low, high = stats.binom.interval(0.99, 4_000, 0.05)
    assert drifted <= high
    if statistic == ALL and drifted < low:
        pytest.xfail("known gap: the common unit errs on the quiet side with as few as 39 blocks")
    assert low <= drifted


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_accumulated_evidence_keeps_the_budget_over_many_histories(rho):
    rng = np.random.default_rng(8)
    rates = []
    for _ in range(300):
        values = 150 + 20 * autocorrelated(rng, 60 * 600, rho)
        monitor = DriftMonitor(values[: 60 * 200], 60, false_alarm_rate=0.01, statistic=ALL, accumulate=True)
        rates.append(monitor.check_many(values[60 * 200 :])["drifted"].mean())
    assert 0.005 <= np.mean(rates) <= 0.011


def test_the_ks_p_value_breaks_the_promise_that_the_budget_keeps():
    rng = np.random.default_rng(9)
    values = 150 + 20 * autocorrelated(rng, 60 * 400, 0.9)
    monitor = DriftMonitor(values[: 60 * 300], false_alarm_rate=0.05)
    windows = values[60 * 300 :].reshape(-1, 60)
    assert np.mean([monitor.check(window).ks_p_value <= 0.05 for window in windows]) > 0.3
    assert monitor.check_many(windows)["drifted"].mean() < 0.15


def test_a_budget_that_history_cannot_support_is_refused_with_what_would_help():
    historical = np.random.default_rng(10).normal(size=14 * 60)
    with pytest.raises(ValueError, match=r"14 blocks of 60 .* no rate below 1/15; give 43,140 observations"):
        DriftMonitor(historical)
    DriftMonitor(historical, false_alarm_rate=1 / 15)
    assert DriftMonitor(np.resize(historical, 43_140)).attainable_rate == pytest.approx(1 / 720)
    with pytest.raises(ValueError, match="43,140"):
        DriftMonitor(np.resize(historical, 43_139))


@pytest.mark.parametrize("n", [49, 98, 107, 161, 187])
def test_one_in_n_takes_n_minus_one_blocks_also_where_its_float_is_not_exact(n):
    assert 1 / (1 / n) > n or n * (1 / n) < 1
    monitor = DriftMonitor(np.arange(2.0 * (n - 1)) % 7, 2, false_alarm_rate=1 / n)
    assert monitor.attainable_rate == pytest.approx(1 / n)
    assert monitor.check([90.0, 91.0]).drifted  # at the smallest p-value there is


def test_a_tolerated_distance_does_not_alarm_and_a_larger_one_does():
    rng = np.random.default_rng(11)
    historical = rng.uniform(size=40_000)
    tolerant = DriftMonitor(historical, 400, false_alarm_rate=0.05, tolerance=0.2)
    strict = DriftMonitor(historical, 400, false_alarm_rate=0.05)
    at_the_boundary = rng.uniform(size=(300, 400)) + 0.2  # D = 0.2 between the distributions
    assert strict.check_many(at_the_boundary)["drifted"].all()
    assert tolerant.check_many(at_the_boundary)["drifted"].mean() <= 0.09
    assert tolerant.check_many(at_the_boundary + 0.2)["drifted"].all()
    assert tolerant.check(at_the_boundary[0]).statistic == strict.check(at_the_boundary[0]).statistic


# --- what it catches ---------------------------------------------------------------------------------------


def test_every_statistic_sees_its_kind_of_drift_and_none_sees_drift_in_a_control():
    rng = np.random.default_rng(12)
    historical = rng.lognormal(5, 0.13, size=60 * 800)
    control = rng.lognormal(5, 0.13, size=(100, 60))
    drifts = {
        "ks": control * np.where(rng.random(control.shape) < 0.5, 1.15, 1),
        "wasserstein": control * 1.15,
        "tail": np.where(rng.random(control.shape) < 0.08, control * 4, control),
    }
    for statistic, drifted in drifts.items():
        monitor = DriftMonitor(historical, statistic=statistic, false_alarm_rate=0.01)
        together = DriftMonitor(historical, statistic=ALL, false_alarm_rate=0.01)
        for one in (monitor, together):
            assert one.check_many(control)["drifted"].mean() <= 0.05
            assert one.check_many(drifted)["drifted"].mean() >= 0.7
    blind = DriftMonitor(historical, statistic="ks", false_alarm_rate=0.01)
    assert blind.check_many(drifts["tail"])["drifted"].mean() <= 0.3


def test_the_direction_is_slower_for_slower_and_faster_for_faster():
    rng = np.random.default_rng(13)
    historical, window = rng.lognormal(5, 0.2, size=6_000), rng.lognormal(5, 0.2, size=60)
    for statistic in ("ks", "wasserstein", "tail", ALL):
        monitor = DriftMonitor(historical, statistic=statistic, false_alarm_rate=0.05)
        for factor, direction in ((1.5, "slower"), (0.5, "faster")):
            result = monitor.check(window * factor)
            assert (result.direction, result.drifted, bool(result)) == (direction, True, True)
            assert direction in str(result)
    assert "No drift found" in str(monitor.check(window))


def test_cycles_in_values_are_taken_out():
    rng = np.random.default_rng(14)
    values = service(rng, 5 * WEEK)
    historical, recent = values[: 4 * WEEK], values[4 * WEEK :]
    kept = DriftMonitor(historical, window=20, false_alarm_rate=0.01)
    removed = DriftMonitor(historical, window=20, false_alarm_rate=0.01, cycles=(DAY, WEEK))
    assert removed.check_many(recent)["drifted"].mean() <= 0.06
    assert kept.check_many(recent * 1.2)["drifted"].mean() <= 0.15
    assert removed.check_many(recent * 1.2)["drifted"].mean() >= 0.6


@pytest.mark.parametrize("clocked", [False, True])
def test_two_whole_periods_are_enough_to_the_last_value(clocked):
    rng = np.random.default_rng(38)
    values = service(rng, 2 * WEEK)
    if clocked:
        values = pd.Series(values, index=pd.date_range("2026-01-01", periods=values.size, freq="6min"))
    options = {"false_alarm_rate": 0.05, "cycles": ("1D", "7D") if clocked else (DAY, WEEK)}
    assert DriftMonitor(values, 20, **options).n_blocks == 2 * WEEK // 20
    with pytest.raises(ValueError, match="takes two whole periods"):
        DriftMonitor(values[:-1], 20, **options)


def test_a_day_with_three_peaks_is_a_cycle_too():
    rng = np.random.default_rng(36)
    values = 150 * np.exp(
        0.3 * np.sin(6 * np.pi * np.arange(20 * DAY) / DAY) + 0.05 * rng.normal(size=20 * DAY)
    )
    monitor = DriftMonitor(values[: 19 * DAY], window=20, false_alarm_rate=0.02, cycles=DAY)
    assert monitor.check_many(values[19 * DAY :])["drifted"].sum() <= 2
    assert monitor.check_many(values[19 * DAY :] * 1.1)["drifted"].all()


def test_a_cycle_of_values_around_zero_adds_instead_of_multiplying():
    rng = np.random.default_rng(15)
    values = 10 * np.sin(2 * np.pi * np.arange(10 * DAY) / DAY) + rng.normal(size=10 * DAY)
    monitor = DriftMonitor(values[: 9 * DAY], window=20, false_alarm_rate=0.02, cycles=DAY)
    assert monitor.check_many(values[9 * DAY :])["drifted"].sum() <= 2
    assert monitor.check_many(values[9 * DAY :] + 2)["drifted"].all()


def week_of_kinds(rng, index, holidays=()):
    """Return latencies that are lower, with a flatter day, on Saturdays, Sundays and holidays."""
    free = (index.day_of_week >= 5) | index.normalize().isin(pd.DatetimeIndex(holidays))
    minutes = index.hour * 60 + index.minute
    level = np.where(free, 0.1, 0.3) * np.sin(2 * np.pi * minutes / 1_440) - 0.3 * free
    return pd.Series(150 * np.exp(level + 0.1 * rng.normal(size=index.size)), index=index)


def test_a_week_is_drawn_as_history_shows_it():
    rng = np.random.default_rng(50)
    index = pd.date_range("2026-01-07 13:37", periods=35 * DAY, freq="6min")  # a Wednesday
    cycles, hour = {"cycles": ("1D", "7D")}, np.arange(35 * DAY) // 10 % 168
    kinds, sines = week_of_kinds(rng, index), pd.Series(service(rng, 35 * DAY), index=index)
    hours = pd.Series(np.exp(rng.normal(size=168)[hour] + 0.1 * rng.normal(size=hour.size)), index=index)
    shapes = [DriftMonitor(values, 20, 0.01, **cycles).calendar for values in (kinds, sines, hours)]
    assert shapes[0] == "days of two kinds, free: Saturday and Sunday, multiplying"
    assert shapes[1:] == ["sines, multiplying", "hours of the week, multiplying"]
    assert DriftMonitor(sines[: 27 * DAY], 20, 0.01, **cycles).calendar == "sines, multiplying"
    for _ in range(5):  # no week at all: of seven pairs of days one is better than sines, by luck
        alike = pd.Series(service(rng, 35 * DAY, weekly=0), index=index)
        assert DriftMonitor(alike, 20, 0.01, **cycles).calendar == "sines, multiplying"
    in_values = DriftMonitor(kinds["2026-01-12":].to_numpy(), 20, 0.01, cycles=(DAY, WEEK))
    assert "free: 6th and 7th" in in_values.calendar and in_values.calendar in repr(in_values)


@pytest.mark.parametrize("quarter", range(4))
def test_a_week_of_kinds_keeps_the_budget_in_each_quarter(quarter):
    rng = np.random.default_rng(51)
    index = pd.date_range("2026-01-05", periods=63 * DAY, freq="6min")
    alarms = []
    for _ in range(8):
        values = week_of_kinds(rng, index)
        monitor = DriftMonitor(values[: 35 * DAY], 20, 0.05, cycles=("1D", "7D"))
        drifted = monitor.check_many(values[35 * DAY :])["drifted"].to_numpy().reshape(4, 4, -1)
        alarms.append(drifted[:, quarter].mean())
    assert 0.025 <= np.mean(alarms) <= 0.075


def test_a_holiday_is_as_free_as_a_sunday():
    rng = np.random.default_rng(52)
    index = pd.date_range("2026-01-05", periods=38 * DAY, freq="6min", tz="UTC")
    off = ["2026-01-14", "2026-02-11"]  # Wednesdays, one in history and one after it
    values = week_of_kinds(rng, index.tz_localize(None), off).set_axis(index)
    options = {"window": 20, "false_alarm_rate": 0.02, "cycles": ("1D", "7D")}
    told, untold = (DriftMonitor(values[: 35 * DAY], holidays=days, **options) for days in (off, ()))
    on_the_day = values["2026-02-11"]
    assert told.check_many(values[35 * DAY :])["drifted"].mean() <= 0.1
    assert (
        untold.check_many(on_the_day)["drifted"].mean() >= 0.5 > told.check_many(on_the_day)["drifted"].mean()
    )
    assert told.check_many(on_the_day * 1.3)["drifted"].mean() >= 0.9


@pytest.mark.parametrize("zeros", [1, 500])
def test_zeros_do_not_turn_a_multiplying_cycle_into_an_adding_one(zeros):
    rng = np.random.default_rng(53)
    values = service(rng, 42 * DAY)
    spoiled = values.copy()
    spoiled[rng.choice(35 * DAY, size=zeros, replace=False)] = 0
    caught = []
    for historical in (values, spoiled):
        monitor = DriftMonitor(historical[: 35 * DAY], 20, 0.02, cycles=(DAY, WEEK))
        assert monitor.calendar == "sines, multiplying"
        caught.append(monitor.check_many(1.1 * values[35 * DAY :])["drifted"].mean())
    assert caught[1] >= 0.8 * caught[0] > 0.2


def test_few_periods_are_enough_to_judge_by_and_said_to_be_few():
    rng = np.random.default_rng(54)
    values = service(rng, 8 * DAY, weekly=0)
    with pytest.warns(UserWarning, match=r"historical covers 3 periods of 240 values, too few"):
        DriftMonitor(values[: 3 * DAY], 20, 0.05, cycles=DAY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DriftMonitor(values, 20, 0.05, cycles=DAY)


def test_cycles_in_time_follow_the_clock_of_a_series_even_over_a_gap():
    rng = np.random.default_rng(16)
    minutes = pd.date_range("2026-01-01", periods=6 * WEEK, freq="6min", tz="UTC")
    values = pd.Series(service(rng, 6 * WEEK), index=minutes)
    historical, after_a_gap = values[: 4 * WEEK], values[4 * WEEK + 77 :][: 7 * DAY // 20 * 20]
    in_time = DriftMonitor(historical, 20, 0.01, cycles=("1D", "7D"))
    in_values = DriftMonitor(historical, 20, 0.01, cycles=(DAY, WEEK))
    np.testing.assert_allclose(
        in_time._histories[None].healthy[:, 0], in_values._histories[None].healthy[:, 0], atol=1e-9
    )
    rows = in_time.check_many(after_a_gap)
    assert rows.index[1] == after_a_gap.index[20]
    assert rows["drifted"].mean() <= 0.06
    assert in_values.check_many(after_a_gap)["drifted"].mean() >= 0.3  # nobody told it of the gap


def test_cycles_follow_the_clock_on_the_wall_when_it_changes():
    rng = np.random.default_rng(55)
    index = pd.date_range(
        "2026-02-20", periods=49 * DAY, freq="6min", tz="Europe/Berlin"
    )  # summer from 29 March
    values = week_of_kinds(rng, index.tz_localize(None)).set_axis(index)
    monitor = DriftMonitor(values[: 35 * DAY], 20, 0.02, cycles=("1D", "7D"))
    summer = values["2026-03-30":][: 10 * DAY]
    assert monitor.check_many(summer)["drifted"].mean() <= 0.06
    by_another_clock = monitor.check_many(summer.tz_convert("UTC"))
    assert by_another_clock["drifted"].tolist() == monitor.check_many(summer)["drifted"].tolist()


# --- what cannot be promised ------------------------------------------------------------------------------


@pytest.mark.parametrize("clocked", [False, True])
def test_evidence_of_days_takes_six_of_them(clocked):
    values = service(np.random.default_rng(55), 6 * DAY, weekly=0)
    index = pd.date_range("2026-01-05", periods=values.size, freq="6min")
    values, cycles = (pd.Series(values, index), "1D") if clocked else (values, DAY)
    with pytest.warns(UserWarning, match="covers 5 periods"):
        DriftMonitor(values[: 5 * DAY], 20, 0.02, cycles=cycles)
    with pytest.warns(UserWarning, match="covers 6 periods"):
        DriftMonitor(values, 20, 0.02, cycles=cycles, accumulate=True)
    with pytest.raises(ValueError, match="covers 5 periods of the shortest cycle, and accumulate takes 6"):
        DriftMonitor(values[: 5 * DAY], 20, 0.02, cycles=cycles, accumulate=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_advice_says_what_a_history_is_long_enough_for(seed):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2026-01-05", periods=35 * DAY, freq="6min", tz="UTC")
    values = pd.Series(service(rng, index.size), index)
    short = DriftMonitor(values[: 7 * DAY // 2], 10, 0.05).advice()
    assert short.startswith("84 blocks of 10 in 3.5 days: at best 1 false alarm in ")
    for missing in ("1D: needs 7 days", "7D: needs 14 days", "accumulate: needs 6 days"):
        assert f"{missing}, has 3.5" in short
    assert short.endswith(", statistic=('ks', 'wasserstein', 'tail'))")
    few = DriftMonitor(values[: 7 * DAY], 10, 0.05, cycles="1D").advice()
    assert "cycles 1D: holds" in few and "cycles 7D: needs 14 days, has 7" in few
    long = DriftMonitor(values, 10, 0.05, cycles=("1D", "7D")).advice()
    assert "needs" not in long and "at best 1 false alarm in 841 windows" in long
    assert long.endswith(
        "1 / 20, statistic=('ks', 'wasserstein', 'tail'), cycles=('1D', '7D'), accumulate=True)"
    )


def test_what_advice_says_to_pass_can_be_passed():
    rng = np.random.default_rng(3)
    values = np.exp(0.1 * (autocorrelated(rng, 1_200, 0.5) + np.repeat(rng.normal(size=5), 240)))
    historical = pd.Series(values, pd.date_range("2026-01-05", periods=1_200, freq="6min"))
    with pytest.warns(UserWarning, match="wanders"):
        monitor = DriftMonitor(historical, 10, 0.01)
    advice = monitor.advice()
    assert "historical wanders" in advice and "accumulate: needs 6 days, has 5" in advice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        advised = eval(advice.splitlines()[-1].removeprefix("pass: "))
    assert advised.false_alarm_rate > monitor.false_alarm_rate and advised.statistic == ALL


def test_advice_on_values_without_times_and_on_a_table():
    untimed = DriftMonitor(GOOD, 60, 0.05).advice()
    assert "cycles 1D: needs 7 days, and historical has no time stamps to tell them by" in untimed
    assert untimed.endswith("1 / 20, statistic=('ks', 'wasserstein', 'tail'))")
    tolerant = DriftMonitor(GOOD, 60, 0.05, tolerance=0.1).advice()
    assert tolerant.endswith("1 / 20, statistic=('ks',), tolerance=0.1)")
    assert DriftMonitor(TABLE, 60, 0.05).advice().startswith("100 blocks of 60: at best 1 false alarm in ")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_halves_of_history_lie_apart_only_where_it_changed(seed, correlation):
    rng = np.random.default_rng(seed)
    quiet = autocorrelated(rng, 4 * DAY, correlation)
    changed = quiet + 3 * (np.arange(quiet.size) >= 2 * DAY)
    for values, apart in ((quiet, False), (changed, True)):
        monitor = DriftMonitor(np.exp(5 + 0.1 * values), 20, 0.05)
        assert monitor.halves_apart > 0.9 if apart else 0.5 <= monitor.halves_apart < 0.8


@pytest.mark.parametrize("seed", [4, 5])
def test_a_level_that_moves_from_day_to_day_is_warned_of_though_a_long_memory_might_explain_it(seed):
    rng = np.random.default_rng(seed)
    quiet = autocorrelated(rng, 14 * DAY, 0.9)
    steps = np.arange(14 * DAY) >= 6 * DAY
    for moving in (quiet + 2 * steps, quiet + np.cumsum(rng.normal(size=quiet.size)) * 2 / DAY**0.5):
        with pytest.warns(UserWarning, match="wanders"):
            DriftMonitor(moving, 20, 0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DriftMonitor(quiet, 20, 0.01)


def test_a_history_whose_level_moves_is_warned_of_and_a_quiet_one_is_not():
    rng = np.random.default_rng(56)
    quiet = autocorrelated(rng, 60 * 840, 0.9)
    with pytest.warns(UserWarning, match="a trend, or a level that moves"):
        DriftMonitor(quiet + np.linspace(0, 0.7, quiet.size), 60, 0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DriftMonitor(quiet, 60, 0.01)


def test_a_cycle_left_in_raises_the_threshold_for_evidence_and_is_said():
    rng = np.random.default_rng(57)
    values = service(rng, 70 * DAY, weekly=0)
    with pytest.warns(UserWarning, match=r"would alarm \d+ times, where 8.4 are promised"):
        monitor = DriftMonitor(values[: 35 * DAY], 10, 0.01, accumulate=True)
    assert monitor.check_many(values[35 * DAY :])["drifted"].mean() <= 0.02


def test_a_table_whose_windows_hang_together_warns_and_still_alarms():
    values = autocorrelated(np.random.default_rng(58), 60 * 100, 0.998)
    with pytest.warns(UserWarning, match=r"historical\['a'\] wanders"):
        monitor = DriftMonitor(pd.DataFrame({"a": values[:5_940]}), 60, 0.01)
    assert monitor.check_frame(pd.DataFrame({"a": values[5_940:] + 1e3}))["drifted"].all()


def test_short_windows_without_a_tail_are_no_drift():
    rng = np.random.default_rng(59)
    monitor = DriftMonitor(rng.normal(size=8_400), 10, 0.2, statistic="tail")
    assert 0.1 <= monitor.check_many(rng.normal(size=10_000))["drifted"].mean() <= 0.3


# --- accumulated evidence ----------------------------------------------------------------------------------


def test_accumulated_evidence_catches_what_single_windows_cannot():
    rng = np.random.default_rng(17)
    historical = 150 + 20 * autocorrelated(rng, 60 * 800, 0.7)
    healthy = 150 + 20 * autocorrelated(rng, 60 * 400, 0.7)
    options = dict(false_alarm_rate=1 / 400, statistic=ALL)
    single, accumulated = (
        DriftMonitor(historical, **options),
        DriftMonitor(historical, accumulate=True, **options),
    )
    assert accumulated.check_many(healthy)["drifted"].sum() <= 4
    caught = np.zeros(2, int)
    for _ in range(30):
        incident = 162 + 20 * autocorrelated(rng, 60 * 6, 0.7)
        caught += [monitor.check_many(incident)["drifted"].any() for monitor in (single, accumulated)]
    assert caught[1] >= 27 > 22 >= caught[0]


def test_evidence_adds_up_as_documented_and_starts_again_after_an_alarm():
    rng = np.random.default_rng(18)
    historical = rng.normal(150, 20, size=60 * 200)
    monitor = DriftMonitor(historical, false_alarm_rate=0.01, accumulate=True)
    windows = rng.normal(154, 20, size=(60, 60))
    rows = monitor.check_many(windows)
    history = monitor._histories[None]

    def sides_of(rows):
        first = np.arange(len(rows)) * rows.shape[1]
        return history.look(rows.ravel(), first, np.full(len(rows), rows.shape[1])).sides[:, 1:]

    sides = sides_of(rng.normal(150, 20, size=(5, 60)))
    reached = (history.healthy[:, 1] >= sides[0, 0]).sum()
    for place in (0.1, 0.5):
        score = history.scores(sides, np.full((5, 2), place))[0, 0]
        assert score == pytest.approx(stats.norm.isf((reached + place) / 201))
    evidence = rows[["evidence_slower", "evidence_faster"]].to_numpy()
    assert (rows["drifted"] == (evidence.max(axis=1) > monitor.threshold)).all()
    assert 1 < rows["drifted"].sum() < 60
    places = np.random.Generator(np.random.PCG64(monitor._identity).advance(2 * 200)).uniform(size=(60, 2))
    scores = history.scores(sides_of(windows), places)
    now = np.zeros(2)
    for score, shown, drifted in zip(scores, evidence, rows["drifted"], strict=True):
        now = np.where(score < 0, 0, np.maximum(0, now + score - 1))
        assert shown == pytest.approx(now)
        now = now * (not drifted)
    slower = rows.loc[rows["drifted"], "evidence_slower"] > rows.loc[rows["drifted"], "evidence_faster"]
    assert slower.all() and (rows.loc[rows["drifted"], "direction"] == "slower").all()


def test_an_alarm_by_evidence_is_told_by_its_evidence_and_not_by_one_windows_p_value():
    rng = np.random.default_rng(41)
    monitor = DriftMonitor(rng.normal(150, 20, size=60 * 200), false_alarm_rate=0.01, accumulate=True)
    state, told = monitor.start, []
    for window in rng.normal(154, 20, size=(60, 60)):
        result = monitor.check(window, after=state)
        state = result.state
        told += [str(result)] * result.drifted
        assert f"alarming above {monitor.threshold:.3g}" in str(result) and "healthy windows" not in str(
            result
        )
    assert told and all(sentence.startswith("Drift: recent is slower") for sentence in told)


def test_shares_of_windows_are_told_as_a_person_would():
    monitor = build(np.resize(np.arange(60.0), 6_000))
    told = str(monitor.check(np.arange(60.0)))
    assert "conformal p = 1, an average over histories" in told and "exactly as history is" in told


def test_checks_one_after_the_other_are_the_same_as_many_at_once():
    rng = np.random.default_rng(19)
    values = service(rng, 5 * WEEK)
    monitor = DriftMonitor(values[: 4 * WEEK], 20, 0.01, statistic=ALL, cycles=(DAY, WEEK), accumulate=True)
    recent = values[4 * WEEK :][:400] * 1.05
    rows, state = monitor.check_many(recent), monitor.start
    for row, window in zip(rows.itertuples(), recent.reshape(-1, 20), strict=True):
        result = monitor.check(window, after=state)
        state = result.state
        assert (result.start, result.drifted) == (row.start, row.drifted)
        assert result.evidence == pytest.approx((row.evidence_slower, row.evidence_faster))
    halves = pd.concat([monitor.follow(recent[:213]), monitor.follow(recent[213:])], ignore_index=True)
    pd.testing.assert_frame_equal(halves, rows, check_names=False)
    again = monitor.check_many(recent, after=monitor.start)
    pd.testing.assert_frame_equal(again, rows)  # only follow goes on by itself


def test_memory_is_told_from_the_scores_short_or_long():
    rng = np.random.default_rng(33)
    for rho in (0.0, 0.9, 0.99):
        values = autocorrelated(rng, 60_000, rho)
        means = values.reshape(-1, 60).mean(axis=1)
        monitor = DriftMonitor(values, 60, 0.01)
        assert monitor.correlation == pytest.approx(np.corrcoef(means[1:], means[:-1])[0, 1], abs=0.1)
        assert monitor.long_memory <= 0.1
    for d in (0.2, 0.4):
        scores = fractional_noise(rng, 4_000, d)[:, np.newaxis]
        assert estimate_memory(scores).long == pytest.approx(d, abs=0.06)


def test_few_blocks_are_told_by_shorter_parts_of_them():
    rng = np.random.default_rng(36)
    assert DriftMonitor(rng.normal(size=60 * 9), 60, 0.1).long_memory <= 0.2
    assert DriftMonitor(autocorrelated(rng, 60 * 19, 0.98), 60, 0.1).correlation >= 0.2
    long = [DriftMonitor(fractional_noise(rng, 540, 0.4), 60, 0.2).long_memory for _ in range(9)]
    assert np.median(long) >= 0.3


def test_days_that_differ_are_no_memory():
    rng = np.random.default_rng(37)
    heights = np.repeat(rng.normal(0.3, 0.1, size=35), DAY)
    values = 150 * np.exp(
        heights * np.sin(2 * np.pi * np.arange(35 * DAY) / DAY) + 0.1 * rng.normal(size=35 * DAY)
    )
    monitor = DriftMonitor(values, 10, 0.02, cycles=DAY)
    assert (
        monitor.long_memory
        < estimate_memory(
            monitor._histories[None].scores(monitor._histories[None].in_time, np.full((840, 2), 0.5), own=1)
        ).long
    )


def test_blocks_that_hang_together_ask_for_a_larger_threshold():
    exchangeable = alarm_rates(Memory(0.2, 0.05), 100, 5)
    assert exchangeable == pytest.approx(np.arange(1, 6) / 101)
    short, long = alarm_rates(Memory(0.9, 0), 100, 5), alarm_rates(Memory(0, 0.45), 100, 5)
    assert (short > 1.2 * exchangeable).all() and (long > 1.5 * exchangeable).all()
    rng = np.random.default_rng(38)
    values = autocorrelated(rng, 60 * 840, 0.998)
    monitor = DriftMonitor(values, 60, 0.02)
    assert (monitor._histories[None].healthy[:, 0] > monitor.threshold).sum() < 0.02 * 841 - 1
    with pytest.warns(UserWarning, match=r"expect about 2\.\d times as many false alarms"):
        DriftMonitor(values, 60, 1 / 720)


def test_a_block_of_history_is_scored_among_the_others():
    rng = np.random.default_rng(34)
    history = DriftMonitor(rng.normal(size=50 * 20), 20, 0.05)._histories[None]
    others = np.delete(history.in_time[:, 0], 7)
    reached = (others >= history.in_time[7, 0]).sum()
    expected = stats.norm.isf((reached + 0.5) / 50)
    places = np.full(history.in_time.shape, 0.5)
    assert history.scores(history.in_time, places, own=1)[7, 0] == pytest.approx(expected)


def test_the_threshold_for_evidence_keeps_the_rate_it_was_found_for():
    rng = np.random.default_rng(20)
    for rate, correlation in ((0.01, 0.0), (0.002, 0.5)):
        threshold = evidence_threshold(rate, Memory(correlation), 10**4)  # a history that leaves no doubt
        # Means over stretches of an autoregression, neighbors correlated as the memory says.
        rho = {0.0: 0.0, 0.5: 0.963}[correlation]
        scores = autocorrelated(rng, 30 * 200_000, rho).reshape(-1, 30).mean(axis=1)
        assert np.corrcoef(scores[1:], scores[:-1])[0, 1] == pytest.approx(correlation, abs=0.02)
        evidence, alarms = 0.0, 0
        for score in (scores / scores.std()).tolist():
            evidence = 0.0 if score < 0 else max(0.0, evidence + score - 1)
            if evidence > threshold:
                evidence, alarms = 0.0, alarms + 1
        assert alarms / scores.size == pytest.approx(rate, rel=0.2)


def test_a_window_just_like_history_is_no_evidence():
    monitor = DriftMonitor(np.full(6_000, 3.0), 60, 0.1, accumulate=True)
    rows = monitor.check_many(np.full(60 * 500, 3.0))
    assert not rows["drifted"].any() and not rows[["evidence_slower", "evidence_faster"]].any(axis=None)


def test_tied_statistics_do_not_blind_accumulated_evidence():
    rng = np.random.default_rng(39)
    historical = rng.normal(20, 1.2, size=60 * 400).round()
    monitor = DriftMonitor(historical, 60, 0.02, accumulate=True)
    history = monitor._histories[None]
    rows = rng.normal(20, 1.2, size=(4_000, 60)).round()
    found = history.look(rows.ravel(), np.arange(4_000) * 60, np.full(4_000, 60))
    sides = found.sides[:, 1:]
    scores = history.scores(sides, rng.uniform(size=sides.shape), found.tied[:, 1:])
    assert np.unique(sides).size < 200 and abs(scores.mean()) < 0.1  # in hundreds of ties, and yet
    assert scores.std() == pytest.approx(1, abs=0.05)


# --- tables ------------------------------------------------------------------------------------------------


def features(rng, rows, count=6):
    return pd.DataFrame({f"feature_{i}": rng.normal(size=rows) for i in range(count)})


def test_a_frame_names_the_feature_that_drifted_and_corrects_for_looking_at_many():
    rng = np.random.default_rng(21)
    historical, recent = features(rng, 60 * 200), features(rng, 60)
    monitor = DriftMonitor(historical, false_alarm_rate=0.05)
    assert not monitor.check_frame(recent)["drifted"].any()
    recent["feature_2"] += 2
    table = monitor.check_frame(recent[recent.columns[::-1]])
    assert list(table.index) == list(historical.columns)
    assert list(table.index[table["drifted"]]) == ["feature_2"]
    assert table.loc["feature_2", "direction"] == "slower"
    assert table.loc["feature_2", "shift"] == pytest.approx(2, abs=0.5)
    np.testing.assert_allclose(table["corrected_p_value"], stats.false_discovery_control(table["p_value"]))
    for name, row in table.iterrows():
        alone = DriftMonitor(historical[name], false_alarm_rate=0.05).check(recent[name])
        assert (row["statistic"], row["p_value"], row["location"]) == (
            alone.statistic,
            alone.p_value,
            alone.location,
        )


def test_many_healthy_features_together_alarm_no_more_often_than_one_may():
    rng = np.random.default_rng(22)
    monitor = DriftMonitor(features(rng, 20 * 400, count=20), 20, false_alarm_rate=0.05)
    rows = monitor.check_frame(features(rng, 20 * 120, count=20), after=monitor.start)
    assert rows["drifted"].groupby("window").any().mean() <= 0.13


def test_missing_values_are_counted_reported_and_a_rise_is_flagged():
    rng = np.random.default_rng(23)
    historical = features(rng, 60 * 200, count=3)
    historical.loc[rng.random(len(historical)) < 0.05, "feature_0"] = np.nan
    monitor = DriftMonitor(historical, false_alarm_rate=0.05)
    recent = features(rng, 60, count=3)
    recent.loc[[7, 8, 9], "feature_0"] = np.nan
    table = monitor.check_frame(recent)
    assert list(table["missing"]) == [3, 0, 0]
    assert not table["missing_rise"].any() and not table["drifted"].any()
    assert table.loc["feature_0", "usual_missing_share"] == pytest.approx(0.05, abs=0.01)
    recent.loc[:20, "feature_0"] = np.nan
    recent.loc[5, "feature_1"] = np.nan  # never before in 200 blocks
    table = monitor.check_frame(recent)
    assert list(table["missing_rise"]) == [True, True, False]
    assert list(table["missing"]) == [21, 1, 0]
    there = recent["feature_0"].dropna()
    distance = stats.ks_2samp(historical["feature_0"].dropna(), there).statistic
    assert table.loc["feature_0", "statistic"] == pytest.approx(distance * np.sqrt(39 / 60), abs=1e-12)
    assert table.loc["feature_0", "shift"] == pytest.approx(
        stats.wasserstein_distance(historical["feature_0"].dropna(), there), abs=1e-9
    )


def test_a_feature_that_is_missing_altogether_is_reported_and_not_called_healthy():
    rng = np.random.default_rng(24)
    monitor = DriftMonitor(features(rng, 60 * 100, count=3), false_alarm_rate=0.05, statistic=ALL)
    recent = features(rng, 60, count=3)
    recent["feature_1"] = None
    table = monitor.check_frame(recent)
    assert np.isnan(table.loc["feature_1", ["statistic", "p_value", "corrected_p_value"]].astype(float)).all()
    assert list(table["missing_rise"]) == [False, True, False]
    assert table["p_value"].drop("feature_1").notna().all()


@pytest.mark.parametrize("present", [1, 2])
def test_a_feature_with_fewer_than_two_values_has_no_statistic(present):
    rng = np.random.default_rng(37)
    recent = features(rng, 60, count=1)
    recent.iloc[present:] = np.nan
    row = DriftMonitor(features(rng, 6_000, count=1), false_alarm_rate=0.05).check_frame(recent).iloc[0]
    assert np.isnan(row["statistic"]) == np.isnan(row["p_value"]) == (present < 2)
    assert (row["direction"] == "none") == (present < 2)


def test_shorter_windows_by_missing_values_keep_the_budget():
    rng = np.random.default_rng(25)
    monitor = DriftMonitor(features(rng, 60 * 200, count=1), false_alarm_rate=0.05)
    recent = features(rng, 60 * 250, count=1)
    recent[np.argsort(rng.random((250, 60))).reshape(-1, 1) < 40] = np.nan  # forty of each sixty
    alarms = monitor.check_frame(recent, after=monitor.start)["drifted"].sum()
    low, high = stats.binom.interval(0.999, 250, 0.05)
    assert low <= alarms <= high


def test_a_frame_whose_single_features_could_never_alarm_says_so():
    rng = np.random.default_rng(26)
    with pytest.warns(UserWarning, match="at least 5 features drift together; .* 5,940 rows"):
        DriftMonitor(features(rng, 60 * 19, count=5), false_alarm_rate=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DriftMonitor(features(rng, 60 * 99, count=5), false_alarm_rate=0.05)


def test_cycles_are_taken_out_of_tables_by_their_clock():
    rng = np.random.default_rng(27)
    index = pd.date_range("2026-01-01", periods=5 * WEEK, freq="6min")
    table = pd.DataFrame({"a": service(rng, 5 * WEEK), "b": service(rng, 5 * WEEK)}, index=index)
    table.iloc[3, 0] = np.nan
    monitor = DriftMonitor(table[: 4 * WEEK], 20, 0.05, cycles=("1D", "7D"))
    drifted = table[4 * WEEK :] * [1, 1.4]
    found = [monitor.check_frame(drifted[i : i + 20])["drifted"].to_numpy() for i in range(0, 1_600, 40)]
    assert np.mean(found, axis=0)[1] > 0.9 and np.mean(found, axis=0)[0] < 0.2


# --- input -------------------------------------------------------------------------------------------------

GOOD = np.random.default_rng(28).normal(150, 20, size=6_000)
TABLE = pd.DataFrame({"a": GOOD, "b": GOOD})
CLOCKED = pd.Series(GOOD, index=pd.date_range("2026-01-01", periods=6_000, freq="1min"))


def build(*args, **kwargs):
    return DriftMonitor(*args, **({"false_alarm_rate": 0.05} | kwargs))


def spoiled(value, size=60):
    values = GOOD[:size].astype(object)
    values[7] = value
    return values


BAD = [
    (lambda: build([]), ValueError, "historical is empty"),
    (
        lambda: build(spoiled(np.nan, 6_000).astype(float)),
        ValueError,
        "historical holds 1 missing .* position 7",
    ),
    (lambda: build(GOOD.reshape(-1, 2)), ValueError, "historical has 2 dimensions"),
    (lambda: build("abc"), TypeError, "historical is text"),
    (lambda: build(None), TypeError, "historical"),
    (lambda: build(GOOD[:30]), ValueError, "0 blocks of 60 .* give 1,140 observations"),
    (lambda: build(GOOD[:180], false_alarm_rate=0.5), ValueError, "3 blocks of 60, but 4 are .* give 240"),
    (lambda: build(GOOD, window=1), ValueError, "window is 1, but must be at least 2"),
    (lambda: build(GOOD, window=60.0), TypeError, "window is 60.0, but must be a whole number"),
    (lambda: build(GOOD, window=True), TypeError, "window is True"),
    (lambda: build(GOOD, false_alarm_rate=0), ValueError, "false_alarm_rate is 0"),
    (lambda: build(GOOD, false_alarm_rate=720), ValueError, "false_alarm_rate is 720, .* pass 1/720"),
    (lambda: build(GOOD, false_alarm_rate="1/720"), TypeError, "false_alarm_rate is '1/720'"),
    (lambda: build(GOOD, statistic="psi"), ValueError, "statistic is 'psi', but must be one of"),
    (lambda: build(GOOD, statistic=()), ValueError, "statistic is ()"),
    (lambda: build(GOOD, statistic=None), ValueError, "statistic is None"),
    (lambda: build(GOOD, statistic=("ks", ["tail"])), ValueError, "statistic is"),
    (lambda: build(GOOD, tolerance=1), ValueError, "tolerance is 1"),
    (lambda: build(GOOD, tolerance=0.1, statistic="tail"), ValueError, "tolerance is a KS distance"),
    (lambda: build(GOOD, accumulate="yes"), TypeError, "accumulate is 'yes'"),
    (lambda: build(GOOD, cycles=()), ValueError, "cycles is ()"),
    (lambda: build(GOOD, cycles=(2,)), ValueError, "period of 2 values, but historical has a value every 1"),
    (lambda: build(CLOCKED, cycles=("1D", 1440)), ValueError, "cycles is .* all of them in time"),
    (lambda: build(CLOCKED, cycles="1440"), ValueError, "cycles is '1440'"),
    (lambda: build(CLOCKED, cycles=("1D", "90s")), ValueError, "period of 90 s, .* every 60 s"),
    (lambda: build(GOOD, cycles=(-24,)), ValueError, "cycles is"),
    (lambda: build(GOOD, cycles=(np.nan,)), ValueError, "cycles is"),
    (lambda: build(GOOD, cycles=5j), ValueError, "cycles is"),
    (lambda: build(GOOD, cycles=(3_001,)), ValueError, "period of 3,001 values, .* covers 6,000"),
    (lambda: build(GOOD, cycles="1D"), TypeError, "historical has no DatetimeIndex"),
    (lambda: build(CLOCKED, cycles=("1D", "often")), ValueError, "cycles is"),
    (lambda: build(CLOCKED, cycles="7D"), ValueError, "period of 7 days, but historical covers"),
    (lambda: build(CLOCKED[::-1], cycles="1D"), ValueError, "historical has time stamps"),
    (lambda: build(TABLE, cycles=(24,)), ValueError, "cycles of a table"),
    (lambda: build(TABLE.assign(b="x")), TypeError, r"historical\['b'\] holds text"),
    (lambda: build(TABLE[[]]), ValueError, "historical must have at least one column"),
    (lambda: build(TABLE.assign(b=np.nan)), ValueError, r"historical\['b'\]"),
    (
        lambda: build(TABLE, window=60).check(GOOD[:60]),
        TypeError,
        "check needs a monitor built on one metric",
    ),
    (lambda: build(TABLE).check_many(GOOD[:60]), TypeError, "check_many needs"),
    (
        lambda: build(GOOD).check_frame(TABLE[:60]),
        TypeError,
        "check_frame needs a monitor built on a DataFrame",
    ),
    (lambda: build(TABLE).check_frame(GOOD[:60]), TypeError, "recent is of type ndarray"),
    (lambda: build(TABLE).check_frame(TABLE[["a"]][:60]), ValueError, r"recent lacks \['b'\]"),
    (lambda: build(TABLE).check_frame(TABLE[:60].assign(c=1)), ValueError, r"recent has \['c'\]"),
    (lambda: build(TABLE).check_frame(TABLE[:61]), ValueError, "recent has 61 rows"),
    (
        lambda: build(TABLE).check_frame(TABLE[:60].assign(b=np.inf)),
        ValueError,
        r"recent\['b'\] holds 60 inf",
    ),
    (lambda: build(GOOD).check([]), ValueError, "recent is empty"),
    (lambda: build(GOOD).check(GOOD[:59]), ValueError, "recent has 59 values, .* windows of 60"),
    (lambda: build(GOOD).check(spoiled(np.nan)), ValueError, "recent holds 1 missing value .* position 7"),
    (lambda: build(GOOD).check(spoiled(np.inf).astype(float)), ValueError, "recent holds 1 infinite"),
    (lambda: build(GOOD).check(spoiled("12")), TypeError, "recent holds text"),
    (lambda: build(GOOD).check(spoiled(None)), ValueError, "recent holds 1 missing"),
    (lambda: build(GOOD).check(GOOD[:60] > 150), TypeError, "recent holds truth values"),
    (lambda: build(GOOD).check(GOOD[:60] * 1j), TypeError, "recent holds complex"),
    (lambda: build(GOOD).check(TABLE[:60]), TypeError, "recent is a table"),
    (lambda: build(GOOD).check(CLOCKED.index[:60]), TypeError, "recent holds dates"),
    (lambda: build(GOOD).check(GOOD[:60].reshape(1, -1)), ValueError, "recent has 2 dimensions"),
    (lambda: build(GOOD).check(GOOD[:60], after=3), TypeError, "after is of type int; give a State"),
    (lambda: build(GOOD).check_many(GOOD[:90]), ValueError, "90 values, 1 windows of 60 and 30 left over"),
    (lambda: build(GOOD).check_many(GOOD[:30]), ValueError, "0 windows"),
    (lambda: build(GOOD).check_many(GOOD.reshape(-1, 30)), ValueError, "rows of 30 values"),
    (lambda: build(GOOD).check_many(GOOD.reshape(10, 10, 60)), ValueError, "3 dimensions"),
    (lambda: build(GOOD).check_many(spoiled(np.nan).reshape(1, -1)), ValueError, "recent holds 1 missing"),
    (lambda: build(GOOD).check_many([GOOD[:60], GOOD[:30]]), ValueError, "rows of 30, 60 values"),
    (lambda: build(GOOD).check_many(TABLE[:60]), TypeError, "recent is a table"),
    (lambda: build(GOOD).check_many(None), TypeError, "recent"),
    (lambda: build(CLOCKED, cycles="1D").check(GOOD[:60]), TypeError, "recent has no DatetimeIndex"),
    (lambda: build(GOOD, holidays=["2026-01-06"]), ValueError, "holidays belong to a weekly cycle"),
    (lambda: build(CLOCKED, cycles="1D", holidays=["2026-01-06"]), ValueError, "weekly cycle"),
    (lambda: build(CLOCKED, cycles="1D", holidays="2026-01-06"), TypeError, "must be a list of dates"),
    (lambda: build(CLOCKED, cycles="1D", holidays=5), TypeError, "must be a list of dates"),
    (lambda: build(CLOCKED, cycles="1D", holidays=[20260106]), ValueError, "20260106, which is no date"),
    (lambda: build(CLOCKED, cycles="1D", holidays=["06/01/2026"]), ValueError, "write dates as"),
    (lambda: build(CLOCKED, cycles="1D", holidays=[pd.NaT]), ValueError, "NaT, which is no date"),
    (lambda: build(GOOD, cycles=(100, 700), holidays=["2026-01-06"]), ValueError, "need a DatetimeIndex"),
    (lambda: build(CLOCKED, cycles="1D").check(CLOCKED[:60].tz_localize("UTC")), TypeError, "time zone"),
]


@pytest.mark.parametrize(
    "other",
    [
        {"accumulate": True},
        {"window": 30},
        {"statistic": "tail"},
        {"cycles": (1_440,)},
        {"tolerance": 0.1},
        {"historical": GOOD[::-1]},
        {"historical": GOOD[:5_940]},
    ],
    ids=str,
)
def test_what_another_monitor_returned_is_no_state_of_this_one(other):
    this, other = build(GOOD), build(**{"historical": GOOD} | other)
    with pytest.raises(ValueError, match="after comes from another monitor, .*; pass a state of this one"):
        this.check(GOOD[:60], after=other.start)


def gets_one_sentence(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 320


@pytest.mark.parametrize("case", BAD, ids=[message for _, _, message in BAD])
def test_bad_input_gets_one_sentence(case):
    gets_one_sentence(*case)


def test_every_kind_of_sequence_gives_the_same_answer_and_is_left_alone():
    monitor, window = build(GOOD), GOOD[60:120]
    expected = monitor.check(window).statistic
    frozen = window.copy()
    frozen.flags.writeable = False
    every_other = np.repeat(window, 2)[::2]
    masked = np.ma.masked_array(window, mask=False)
    kinds = [
        list(window),
        tuple(window),
        pd.Series(window, index=range(60, 0, -1)),
        frozen,
        every_other,
        masked,
    ]
    for values in kinds:
        assert monitor.check(values).statistic == expected
        assert monitor.check_many(values)["statistic"].item() == expected
    assert monitor.check_many([list(window), list(window)])["statistic"].tolist() == [expected] * 2
    whole = np.round(window)
    assert monitor.check(whole.astype(np.int32)).statistic == monitor.check(whole).statistic


def test_inputs_are_never_changed():
    rng = np.random.default_rng(29)
    historical, recent = CLOCKED * 1.0, CLOCKED[:120] * 1.0
    kept = historical.copy(), recent.copy()
    monitor = DriftMonitor(historical, 60, 0.05, statistic=ALL, cycles="8h", accumulate=True)
    monitor.check_many(recent)
    monitor.check(recent[:60])
    pd.testing.assert_series_equal(historical, kept[0])
    pd.testing.assert_series_equal(recent, kept[1])
    table, window = features(rng, 6_000, 2), features(rng, 60, 2)
    window.iloc[3, 1] = np.nan
    kept = table.copy(), window.copy()
    DriftMonitor(table, 60, 0.05).check_frame(window)
    pd.testing.assert_frame_equal(table, kept[0])
    pd.testing.assert_frame_equal(window, kept[1])
    historical.iloc[:] = 0.0
    assert monitor.check(recent[:60]).statistic < 100  # nor does the monitor look at them again
