"""The claims of chapter 08, by its own functions, with other seeds."""

import numpy as np
import pandas as pd
import pytest

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
    }


@pytest.mark.parametrize(("id", "name"), [("8.1", "days_until_a_page"), ("8.5", "retrain_now")])
def test_the_chapters_solutions_are_right(id, name):
    said = verdict(id, getattr(chapter, name))
    assert said.state == "right", str(said)


# A year ----------------------------------------------------------------------------------------------------


def test_the_year_has_the_sizes_and_the_incidents_that_the_chapter_tells():
    assert (WINDOW, MONTH, chapter.HISTORY_HOURS, chapter.YEAR_HOURS) == (60, 720, 840, 8_760)
    assert chapter.LASTS == 12 * 60
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


def test_an_incident_is_caught_from_its_first_hour_to_its_last_and_timed_from_its_start(measured):
    rows = [(kind, 100 * i, 6) for i, kind in enumerate(chapter.INCIDENTS)]
    measured(calendar=pd.DataFrame(rows, columns=["kind", "first", "hours"]))
    quiet, alarms = np.zeros(8_760, dtype=bool), np.zeros(8_760, dtype=bool)
    quiet[:73] = True
    alarms[[0, 105, 206, 299, 402, 403]] = True
    caught = dict(zip(chapter.INCIDENTS, [1, 1, 0, 0, 1, 0], strict=True))
    assert chapter.judge(quiet, alarms) == {"false pages a month": 6.0, **caught, "all kinds": 3}
    waits = dict(zip(chapter.INCIDENTS, [1, 6, np.inf, np.inf, 3, np.inf], strict=True))
    assert dict(chapter.hours_until_page(alarms).median()) == waits


def test_a_median_says_how_many_were_missed_and_never_where_half_were():
    inf = np.inf
    assert chapter.in_words(np.array([3, 1, 2.0])) == "2"
    assert chapter.in_words(np.array([3, 1, inf])) == "3, 1 missed"
    assert chapter.in_words(np.array([1, 2, inf, inf])) == "never, 2 missed"


def test_each_step_brings_what_the_chapter_says_and_stays_near_the_budget(world, measured):
    measured(**world)
    options = {"budget": {}, "cycle": {"cycles": chapter.CYCLES}}
    options["tail"] = options["cycle"] | {"statistic": chapter.ALL}
    options["sum"] = options["tail"] | {"accumulate": True}
    runs, rows = {}, {}
    for name, chosen in options.items():
        runs[name] = chapter.run_both(DriftMonitor(world["historical"], WINDOW, BUDGET, **chosen))
        rows[name] = chapter.judge(*(run["drifted"].to_numpy() for run in runs[name]))
    of_each = world["calendar"].groupby("kind").size().min()
    assert max(row["false pages a month"] for row in rows.values()) < 4
    assert rows["budget"]["deployment"] < 0.9 * of_each <= rows["cycle"]["deployment"]
    assert rows["cycle"]["timeouts"] < 0.3 * of_each and rows["tail"]["timeouts"] > 0.9 * of_each
    assert rows["tail"]["slowdown"] < 0.6 * of_each and rows["sum"]["slowdown"] > 0.7 * of_each
    waits = {
        name: chapter.hours_until_page(run["drifted"].to_numpy()).median() for name, (_, run) in runs.items()
    }
    assert waits["sum"]["slowdown"] < waits["tail"]["slowdown"]
    assert waits["sum"]["timeouts"] > waits["tail"]["timeouts"]


# Window and baseline --------------------------------------------------------------------------------------


def drifts(seed, hours, days, size):
    """Return what `delays_in_minutes` measures with: a calm history and year, and the onsets of its drifts."""
    rng = np.random.default_rng(seed)
    history, calm = 0.13 * simulate.autocorrelated_noise((2, hours * WINDOW), 0.7, rng)
    onsets = days * 24 * 60 * np.arange(size) + rng.integers(0, 24 * 60, size=size)
    return {"calm_history": history, "calm_year": calm}, onsets


def test_a_delay_lasts_until_the_end_of_the_window_that_alarms_and_what_is_missed_has_none(measured):
    measured(calm_history=np.linspace(0, 60, 6_001))
    assert chapter.distances_in_windows(np.arange(60)[::-1] + 0.5, 60) == pytest.approx([0], abs=1e-9)
    calm = np.random.default_rng(4).normal(scale=1e-3, size=30 * 24 * 60)
    measured(calm_history=calm, calm_year=calm)
    moved = chapter.distances_in_windows(np.append(calm[:120] + 0.5, 9.0), 60)
    assert moved == pytest.approx([0.5, 0.5], abs=0.002)
    for onsets, delays in (([2_940, 3_000], [60, 60]), ([3_045], [15]), ([3_000, 9_045], [60, 15])):
        assert chapter.delays_in_minutes(60, 25, np.array(onsets), lasts=60).tolist() == delays
    assert np.isinf(chapter.delays_in_minutes(60, 0, np.array([3_000]), lasts=60)).all()
    assert np.isinf(chapter.delays_in_minutes(720, 25, np.array([3_000]), lasts=60)).all()  # over by then


@pytest.mark.parametrize(("percent", "best", "worse"), [(10, 120, (10, 720)), (25, 30, (240, 720))])
def test_the_best_window_is_neither_the_shortest_nor_the_longest_and_depends_on_the_drift(
    percent, best, worse, measured
):
    calm, onsets = drifts(3, HOURS, 2, 59)
    measured(**calm)
    delay = {
        window: np.median(chapter.delays_in_minutes(window, percent, onsets)) for window in (best, *worse)
    }
    assert all(delay[best] < 0.8 * delay[window] for window in worse)


def test_for_a_small_long_drift_240_and_480_minutes_are_the_best(measured):
    years, windows = [], (15, 60, 240, 480, 960, 2880)
    for seed in (11, 12, 13):
        calm, onsets = drifts(seed, 365 * 24, 6, 60)
        measured(**calm)
        waits = [chapter.delays_in_minutes(window, 5, onsets, lasts=3 * 24 * 60) for window in windows]
        years.append(np.median(waits, axis=1))
    delays = np.median(years, axis=0)
    right = [verdict("8.4", window).state == "right" for window in windows]
    assert (delays < 1.3 * delays.min()).tolist() == right


# Evidence, and when to retrain -----------------------------------------------------------------------------


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
    assert (verdict("8.3", threshold).state == "right") == (threshold == 6)


@SEEDS
def test_the_exercise_counts_as_the_chapter_does_and_haste_and_patience_take_more_hours(seed):
    year = simulate.releases_and_incidents(np.random.default_rng(seed))
    took = {}
    for hours in (1, 3, 6, 12, 40):
        tally = chapter.tally(chapter.after(hours), *year)
        counts = chapter_08._tally(chapter_08._after(hours), *(values.tolist() for values in year))
        assert [tally["pages"], tally["retrainings"], tally["bad hours"]] == counts.tolist()
        took[hours] = tally["hours in all"]
        assert took[hours] == chapter_08._hours(counts)
    assert np.sum(np.diff(year[1]) != 0) == 6
    assert 5 * took[40] < took[6] and 1.5 * took[12] < took[40]


def test_noise_alone_retrains_nothing_and_pages_eleven_times_a_year_or_so():
    noise = np.random.default_rng(9).normal(scale=0.04, size=8_760)
    tally = chapter.tally(chapter.after(3), noise, np.zeros(8_760))
    assert tally["retrainings"] == tally["bad hours"] == 0 and 4 < tally["pages"] < 22
