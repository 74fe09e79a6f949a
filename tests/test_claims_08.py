"""The claims of chapter 08, by its own functions, with other seeds."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from tests.chapter import definitions
from utils import simulate
from utils.alarm.monitor import DriftMonitor
from utils.exercises import chapter_08, verdict

chapter = definitions("08")
WINDOW, MONTH = chapter.WINDOW, chapter.MONTH
HISTORY, HOURS = 35 * 24, 120 * 24
BUDGET = 1 / 720
SEEDS = pytest.mark.parametrize("seed", [7, 8])


@pytest.fixture
def measured(monkeypatch):
    """Return a function that gives the chapter's functions what its cells would have measured."""
    names = chapter.judge.__globals__
    return lambda **values: [monkeypatch.setitem(names, name, value) for name, value in values.items()]


@pytest.fixture(scope="module")
def world():
    """Return what the chapter's cells measure, for four months with an incident every 53 hours."""
    rng = np.random.default_rng(808)
    historical, quiet = np.split(simulate.service_latencies(HISTORY + HOURS, rng), [HISTORY * WINDOW])
    year, kinds = quiet.copy(), [kind for kind in chapter.INCIDENTS if kind != "leak"]
    rows = [(kinds[i % 5], first, 6) for i, first in enumerate(range(30, HOURS - 60, 53))]
    for kind, first, hours in rows:
        during = slice(first * WINDOW, (first + hours) * WINDOW)
        year[during] = chapter.INCIDENTS[kind][1](year[during], rng)
    return {
        "historical": historical,
        "quiet_year": quiet,
        "year": year,
        "calendar": pd.DataFrame(rows, columns=["kind", "first", "hours"]),
        "quantiles": np.quantile(historical, (np.arange(WINDOW) + 0.5) / WINDOW),
        "history_by_hour": historical.reshape(-1, 168, WINDOW),
        "table": {},
    }


@pytest.mark.parametrize(
    ("id", "name"), [("8.1", "days_until_a_page"), ("8.3", "same_hour_of_week"), ("8.6", "retrain_now")]
)
def test_the_chapters_solutions_are_right(id, name):
    said = verdict(id, getattr(chapter, name))
    assert said.state == "right", str(said)


# A year ----------------------------------------------------------------------------------------------------


def test_the_year_has_the_sizes_and_the_incidents_that_the_chapter_tells():
    assert (WINDOW, MONTH, chapter.HISTORY_HOURS, chapter.YEAR_HOURS) == (60, 720, 840, 8_760)
    assert chapter.HOLIDAY == 358 * 24 and chapter.WEEK == 168 * 60 and chapter.LASTS == 12 * 60
    assert chapter.CYCLES == (24 * 60, 168 * 60) and set(chapter.ALL) == {"ks", "wasserstein", "tail"}
    assert [hours for hours, _ in chapter.INCIDENTS.values()] == [6, 6, 6, 6, 6, 48]
    calm = np.random.default_rng(1).lognormal(5, 0.13, 50_000)
    changed = {
        kind: change(calm, np.random.default_rng(2)) for kind, (_, change) in chapter.INCIDENTS.items()
    }
    ratio = {kind: values / calm for kind, values in changed.items()}
    assert np.allclose(ratio["deployment"], 1.25) and np.allclose(ratio["slowdown"], 1.10)
    assert np.median(ratio["spread"]) == pytest.approx(1, abs=0.01) and np.std(
        changed["spread"]
    ) > 1.5 * np.std(calm)
    assert np.mean(ratio["timeouts"] > 1) == pytest.approx(1 / 20, abs=0.005)
    assert np.mean(ratio["bad node"] > 1) == pytest.approx(1 / 3, abs=0.02)
    assert np.all(np.diff(ratio["leak"]) > 0)


def test_a_history_sorted_once_gives_scipys_d_and_about_its_p(world):
    history, windows = np.sort(world["historical"]), world["quiet_year"].reshape(-1, WINDOW)[:20]
    expected = [ks_2samp(history, window) for window in windows]
    d, p = chapter.ks_distances(windows, history), chapter.ks_p_values(windows, history)
    np.testing.assert_allclose(d, [one.statistic for one in expected], atol=1e-12)
    small = np.random.default_rng(1).normal(size=(5, 400))
    history = np.sort(np.random.default_rng(2).normal(size=500))
    asymptotic = [ks_2samp(history, one, method="asymp").pvalue for one in small]
    np.testing.assert_allclose(chapter.ks_p_values(small, history), asymptotic, atol=0.05)
    assert p.shape == (20,)


def test_looking_every_hour_pages_on_most_quiet_days_though_each_check_keeps_alpha():
    rng = np.random.default_rng(1)
    windows = rng.normal(150, 20, size=(200 * 24, WINDOW))
    alarms = chapter.ks_p_values(windows, np.sort(rng.normal(150, 20, size=50_000))) < 0.05
    assert 0.03 < alarms.mean() < 0.06
    assert np.mean(alarms.reshape(-1, 24).any(axis=1)) > 0.55


def test_a_window_that_lies_one_standard_deviation_higher_is_at_a_normed_distance_of_one(world, measured):
    measured(historical=world["historical"], quantiles=world["quantiles"])
    higher = world["quantiles"] + np.array([[1.0], [-2.0], [0.0]]) * world["historical"].std()
    assert chapter.normed_wasserstein(higher[:, ::-1]) == pytest.approx([1, 2, 0])


def test_an_incident_is_caught_from_its_first_hour_to_its_last_and_timed_from_its_start(measured):
    rows = [(kind, 100 * i, 6) for i, kind in enumerate(chapter.INCIDENTS)]
    measured(calendar=pd.DataFrame(rows, columns=["kind", "first", "hours"]), table={})
    quiet, alarms = np.zeros(8_760, dtype=bool), np.zeros(8_760, dtype=bool)
    quiet[:73] = True
    alarms[[0, 105, 206, 299, 402, 403, chapter.HOLIDAY, chapter.HOLIDAY + 23, chapter.HOLIDAY + 24]] = True
    kinds = list(chapter.INCIDENTS)
    caught = dict(zip(kinds, [1, 1, 0, 0, 1, 0], strict=True))
    assert chapter.judge(quiet, alarms) == {"false pages a month": 6.0, **caught, "holiday pages": 2}
    waits = dict(zip(kinds, ["1", "6", "never", "never", "3", "never"], strict=True))
    assert chapter.hours_until_page(alarms) == waits
    chapter.judge.__globals__["table"]["rule"] = chapter.judge(quiet, alarms)
    shown = chapter.show_table()
    assert shown.loc["rule"].tolist() == [6.0, *caught.values(), 2] and shown["leak"].dtype.kind == "i"


def test_each_step_brings_what_the_chapter_says_and_stays_near_the_budget(world, measured):
    measured(**world)
    options = {"budget": {}, "cycle": {"cycles": chapter.CYCLES}}
    options["tail"] = options["cycle"] | {"statistic": chapter.ALL}
    options["sum"] = options["tail"] | {"accumulate": True}
    for name, chosen in options.items():
        chapter.add(name, DriftMonitor(world["historical"], WINDOW, BUDGET, **chosen))
    rows, of_each = world["table"], world["calendar"].groupby("kind").size().min()
    assert max(row["false pages a month"] for row in rows.values()) < 4
    assert rows["budget"]["deployment"] < 0.9 * of_each <= rows["cycle"]["deployment"]
    assert rows["cycle"]["timeouts"] < 0.3 * of_each and rows["tail"]["timeouts"] > 0.9 * of_each
    assert rows["tail"]["slowdown"] < 0.6 * of_each and rows["sum"]["slowdown"] > 0.7 * of_each


def test_like_with_like_is_the_d_to_the_same_hour_of_the_week_and_does_not_save_the_p_value(world, measured):
    measured(**world)
    windows, by_hour = world["quiet_year"].reshape(-1, WINDOW)[: 4 * 168], world["history_by_hour"]
    d = chapter.like_with_like(windows)
    for hour in (0, 1, 170, 400):
        alike = chapter.same_hour_of_week(world["historical"], hour)
        assert alike.size == 300 and d[hour] == pytest.approx(ks_2samp(alike, windows[hour]).statistic)
    p = [chapter.ks_p_values(windows[h::168], np.sort(by_hour[:, h].ravel())) for h in range(168)]
    assert 0.2 < np.mean(np.concatenate(p) < 0.05) < 0.6


# Cycle, window and baseline --------------------------------------------------------------------------------


def test_the_waves_are_three_of_a_day_and_three_of_a_week(measured):
    hours = np.arange(0, 3 * 168, 0.25)
    design = chapter.waves(hours)
    assert np.linalg.matrix_rank(design) == design.shape[1] == 13
    np.testing.assert_allclose(chapter.waves(hours + 168), design, atol=1e-9)
    for period in (24, 168, 12, 84, 8, 56):
        wave = np.cos(2 * np.pi * hours / period + 0.3) + 5
        assert np.allclose(design @ np.linalg.lstsq(design, wave, rcond=None)[0], wave)
    cycle = np.random.default_rng(3).normal(size=168)
    measured(cycle=cycle)
    levels = chapter.log_levels(np.exp(np.tile(cycle, 3)[100:400]) * 2, 100)
    np.testing.assert_allclose(levels, np.log(2))
    assert chapter.per_hour(np.arange(180.0)).tolist() == [29.5, 89.5, 149.5]


def drifts(seed, hours, lasts, days, size):
    """Return what `trade` measures with: a calm year, its onsets and the minutes of its drifts."""
    rng = np.random.default_rng(seed)
    history, calm = 0.13 * simulate.autocorrelated_noise((2, hours * WINDOW), 0.7, rng)
    onsets = days * 24 * 60 * np.arange(size) + rng.integers(0, 24 * 60, size=size)
    during = (onsets[:, np.newaxis] + np.arange(lasts)).ravel()
    return {"calm_history": history, "calm": calm, "onsets": onsets, "during": during, "LASTS": lasts}


def test_a_delay_lasts_until_the_end_of_the_window_that_alarms_and_what_is_missed_counts_in_full(measured):
    measured(calm_history=np.linspace(0, 60, 6_001))
    assert chapter.distances_in_windows(np.arange(60)[::-1] + 0.5, 60) == pytest.approx([0], abs=1e-9)
    calm = np.random.default_rng(4).normal(scale=1e-3, size=30 * 24 * 60)
    measured(calm_history=calm)
    moved = chapter.distances_in_windows(np.append(calm[:120] + 0.5, 9.0), 60)
    assert moved == pytest.approx([0.5, 0.5], abs=0.002)
    for onsets, delay in (([2_940, 3_000], 60), ([3_045], 15), ([3_000, 6_000, 9_045], 60)):
        onsets = np.array(onsets)
        measured(calm=calm, onsets=onsets, during=(onsets[:, np.newaxis] + np.arange(60)).ravel())
        kept, delays = chapter.trade(60, 25, pages=(1, 2, 720))
        assert kept.tolist() == [1, 2] and delays.tolist() == [delay, delay]
    assert chapter.trade(60, 0, pages=(0.25,))[1] == [720]


@pytest.mark.parametrize(("percent", "best", "worse"), [(10, 120, (10, 720)), (25, 30, (240, 720))])
def test_the_best_window_is_neither_the_shortest_nor_the_longest_and_depends_on_the_drift(
    percent, best, worse, measured
):
    measured(**drifts(3, HOURS, 12 * 60, 2, 59))
    delay = {window: chapter.trade(window, percent, pages=(1,))[1][0] for window in (best, *worse)}
    assert all(delay[best] < 0.8 * delay[window] for window in worse)
    curve = chapter.trade(60, percent)[1]
    assert np.all(np.diff(curve) <= 0) and curve[0] > curve[-1]  # delay is paid for in false pages
    assert chapter.trade(60, 0, pages=(1,))[1][0] > 600


def test_the_pictures_show_the_delay_at_one_false_page_a_month(measured):
    measured(**drifts(3, HOURS, 12 * 60, 2, 59), curves={})
    kept, delays = chapter.trade(60, 10)
    assert chapter.draw_trade(60, (kept, delays), plt.subplots()[1]) == delays[kept == 1][0]
    title = chapter.draw_explorer(60, 10).axes[0].get_title
    assert f"{delays[kept == 1][0]:.0f} min at one false page a month" in title() + title("left")
    plt.close("all")


def test_for_a_small_long_drift_the_delays_are_those_that_the_exercise_tells(measured):
    years = []
    for seed in (11, 12, 13):
        measured(**drifts(seed, 365 * 24, 3 * 24 * 60, 6, 60))
        years.append([chapter.trade(window, 5, pages=(1,))[1][0] / 60 for window in chapter_08._DELAYS])
    delays = dict(zip(chapter_08._DELAYS, np.mean(years, axis=0), strict=True))
    for window, delay in delays.items():
        assert delay == pytest.approx(chapter_08._DELAYS[window], rel=0.25)
        assert (delay < 1.3 * min(delays.values())) == (verdict("8.4", window).state == "right")


def test_a_rolling_baseline_sleeps_through_a_leak_that_a_fixed_one_sees(measured):
    rng = np.random.default_rng(4)
    calm = 0.13 * simulate.autocorrelated_noise((HISTORY + HOURS) * WINDOW, 0.7, rng)
    n = HISTORY * WINDOW
    measured(calm_history=calm[:n], n=n, budget=BUDGET)
    leak, quiet = np.exp(calm[n:]) * np.linspace(1, 1.2, HOURS * WINDOW), np.exp(calm[n:])
    whole_weeks = HOURS // 168 * 168
    fixed, rolling = chapter.fixed_baseline(leak), chapter.rolling_baseline(leak)
    assert fixed.size == rolling.size == whole_weeks
    assert fixed[-672:].sum() > 200 > 20 > rolling[-672:].sum()
    assert max(chapter.fixed_baseline(quiet).sum(), chapter.rolling_baseline(quiet).sum()) < 25
    assert (rolling[:168] == fixed[:168]).all()  # in the first week they know the same


# Without windows, and when to retrain ----------------------------------------------------------------------


def test_a_cusum_adds_up_what_lies_above_its_allowance_and_starts_again():
    assert (np.flatnonzero(chapter.cusum([0, 0, 0] + [2] * 8)) + 1).tolist() == [7, 11]
    assert (np.flatnonzero(chapter.cusum([0, 0, 0] + [-2] * 8)) + 1).tolist() == [7, 11]
    assert chapter.cusum([5.5]).tolist() == [False] and chapter.cusum([5.6]).tolist() == [True]
    assert chapter.cusum([-9, 3.0, 3.0, 0.6]).tolist() == [True, False, False, True]
    assert chapter.cusum([2, 2], allowance=1, threshold=1.5).tolist() == [False, True]


@pytest.mark.parametrize("threshold", [3, 4, 5, 6, 7])
def test_a_threshold_of_six_is_the_lowest_whole_one_within_the_budget(threshold):
    scores = np.random.default_rng(5).normal(size=200_000).tolist()
    pages = MONTH * chapter.cusum(scores, threshold=threshold).mean()
    assert (pages <= 1) == (threshold >= 6)
    assert pages == pytest.approx(chapter_08._PAGES.get(threshold, pages), rel=0.15)
    assert (verdict("8.5", threshold).state == "right") == (threshold == 6)


def test_a_cusum_of_dependent_minutes_cries_wolf():
    rng = np.random.default_rng(5)
    alike = chapter.cusum(simulate.autocorrelated_noise(60_000, 0.7, rng).tolist()).mean()
    assert alike > 8 * chapter.cusum(rng.normal(size=60_000).tolist()).mean()


@SEEDS
def test_the_exercise_prices_a_policy_as_the_chapter_does_and_haste_and_patience_cost(seed):
    hourly, normal = chapter.policy_year(np.random.default_rng(seed))
    for given, own in zip(
        chapter_08._policy_year(np.random.default_rng(seed)), (hourly, normal), strict=True
    ):
        np.testing.assert_array_equal(given, own)
    cost = {}
    for hours in (1, 3, 6, 12, 40):
        priced = chapter.price(chapter.after(hours), hourly, normal)
        counts = chapter_08._price(chapter_08._after(hours), hourly.tolist(), normal.tolist())
        assert [priced["pages"], priced["retrainings"], priced["bad hours"]] == counts.tolist()
        assert priced["cost in hours"] == chapter_08._cost(counts)
        cost[hours] = priced["cost in hours"]
    assert np.sum(np.diff(normal) != 0) == 6
    assert 5 * cost[40] < cost[6] and 1.5 * cost[12] < cost[40]


def test_noise_alone_retrains_nothing_and_pages_eleven_times_a_year_or_so():
    noise = np.random.default_rng(9).normal(scale=0.04, size=8_760)
    priced = chapter.price(chapter.after(3), noise, np.zeros(8_760))
    assert priced["retrainings"] == priced["bad hours"] == 0 and 4 < priced["pages"] < 22
