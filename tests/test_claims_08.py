"""What chapter 08 claims about a year of hourly checks, again, with other seeds."""

from functools import cache

import numpy as np
import pytest
from scipy.special import kolmogorov
from scipy.stats import ks_2samp

from utils import simulate
from utils.alarm.monitor import DriftMonitor
from utils.exercises.chapter_08 import _after as after
from utils.exercises.chapter_08 import _policy_year as policy_year
from utils.exercises.chapter_08 import _price as price

WINDOW, MONTH, HISTORY, HOURS = 60, 720, 35 * 24, 120 * 24
CYCLES, ALL = (24 * 60, 168 * 60), ("ks", "wasserstein", "tail")


def _distances(windows, history):
    rows, history = np.sort(windows, axis=1), np.sort(history)
    size = rows.shape[1]
    share = np.searchsorted(history, rows, side="right") / history.size
    steps = np.arange(size + 1) / size
    return np.maximum(steps[1:] - share, share - steps[:-1]).max(axis=1)


def _ks_alarms(windows, history, alpha=0.05):
    n, m = history.size, windows.shape[1]
    return kolmogorov(np.sqrt(n * m / (n + m)) * _distances(windows, history)) < alpha


@cache
def _four_months():
    """Return history, a quiet third of a year, the same with incidents, and where these are."""
    rng = np.random.default_rng(808)
    historical, quiet = np.split(simulate.service_latencies(HISTORY + HOURS, rng), [HISTORY * WINDOW])
    spoiled, events = quiet.copy(), []
    changes = {
        "deployment": lambda x: simulate.slower(x, 1.25),
        "slowdown": lambda x: simulate.slower(x, 1.10),
        "timeouts": lambda x: simulate.slow_tail(x, rng),
        "bad node": lambda x: simulate.bad_node(x, rng),
    }
    for number, first in enumerate(range(30, HOURS - 60, 53)):
        kind = list(changes)[number % 4]
        during = slice(first * WINDOW, (first + 6) * WINDOW)
        spoiled[during] = changes[kind](spoiled[during])
        events.append((kind, first))
    return historical, quiet, spoiled, events


@cache
def _score(cycles=False, all_three=False, accumulate=False):
    """Return false pages in 720 quiet hours, and the share of incidents caught, by kind."""
    historical, quiet, spoiled, _ = _four_months()
    options = {"cycles": CYCLES} if cycles else {}
    options |= {"statistic": ALL} if all_three else {}
    monitor = DriftMonitor(historical, WINDOW, 1 / MONTH, accumulate=accumulate, **options)
    false, alarms = (monitor.check_many(recent)["drifted"].to_numpy() for recent in (quiet, spoiled))
    return MONTH * false.mean(), _caught(alarms)


def _caught(alarms):
    events = _four_months()[3]
    kinds = {kind for kind, _ in events}
    return {
        kind: np.mean([alarms[first : first + 6].any() for name, first in events if name == kind])
        for kind in kinds
    }


def test_a_history_sorted_once_gives_scipys_d():
    historical, quiet, _, _ = _four_months()
    windows = quiet.reshape(-1, WINDOW)[:20]
    expected = [ks_2samp(historical, window).statistic for window in windows]
    np.testing.assert_allclose(_distances(windows, historical), expected, atol=1e-12)


def test_looking_every_hour_pages_on_most_quiet_days_though_each_check_keeps_alpha():
    rng = np.random.default_rng(1)
    alarms = _ks_alarms(rng.normal(150, 20, size=(200 * 24, WINDOW)), rng.normal(150, 20, size=50_000))
    assert 0.03 < alarms.mean() < 0.06
    assert np.mean(alarms.reshape(-1, 24).any(axis=1)) > 0.55


def test_the_defaults_are_always_on_or_blind():
    historical, quiet, spoiled, _ = _four_months()
    quiet_windows, windows = quiet.reshape(-1, WINDOW), spoiled.reshape(-1, WINDOW)
    assert MONTH * _ks_alarms(quiet_windows, historical).mean() > 500
    quantiles = np.quantile(historical, (np.arange(WINDOW) + 0.5) / WINDOW)
    distance = np.abs(np.sort(quiet_windows, axis=1) - quantiles).mean(axis=1) / historical.std()
    assert np.mean(distance > 0.1) > 0.95
    no_cycle = 150 * np.exp(0.13 * np.random.default_rng(9).normal(size=(700, WINDOW)))
    usual = np.quantile(no_cycle, (np.arange(WINDOW) + 0.5) / WINDOW)
    distance = np.abs(np.sort(no_cycle, axis=1) - usual).mean(axis=1) / no_cycle.std()
    assert np.mean(distance > 0.1) > 0.8  # the window's size alone is enough

    chunks = _distances(historical.reshape(-1, WINDOW), historical)
    limit = chunks.mean() + 3 * chunks.std()
    assert MONTH * np.mean(_distances(quiet_windows, historical) > limit) < 3
    caught = _caught(_distances(windows, historical) > limit)
    assert max(caught["slowdown"], caught["timeouts"], caught["bad node"]) < 0.4


def test_each_step_brings_what_the_chapter_says_and_stays_near_the_budget():
    steps = [_score(), _score(True), _score(True, True), _score(True, True, True)]
    false, caught = zip(*steps, strict=True)
    assert max(false) < 4
    assert caught[0]["deployment"] < 0.9 < caught[1]["deployment"]
    assert caught[1]["timeouts"] < 0.3 and caught[2]["timeouts"] > 0.9
    assert caught[2]["slowdown"] < 0.6 and caught[3]["slowdown"] > 0.75
    assert min(caught[3].values()) > 0.75


@pytest.mark.parametrize(("blocks", "low", "high"), [(840, 0.04, 2.56), (8_400, 0.53, 1.45)])
def test_nine_histories_of_ten_keep_the_promise_within_the_range_that_the_chapter_prints(blocks, low, high):
    pays_for = (blocks + 1) // MONTH
    healthy = np.random.default_rng(6).random((1_000, blocks))  # by rank only, so any distribution will do
    threshold = np.partition(healthy, blocks - pays_for, axis=1)[:, blocks - pays_for]
    pages_a_month = MONTH * (1 - threshold)
    assert 0.87 < np.mean((low < pages_a_month) & (pages_a_month < high)) < 0.93


def test_like_with_like_does_not_save_the_p_value():
    historical, quiet, _, _ = _four_months()
    by_hour, windows = historical.reshape(5, 168, WINDOW), quiet.reshape(-1, WINDOW)
    alarms = [_ks_alarms(windows[h::168], by_hour[:, h].ravel()).mean() for h in range(0, 168, 4)]
    assert 0.2 < np.mean(alarms) < 0.6


def test_a_budget_of_one_page_in_90_days_needs_90_days_of_history():
    latencies = np.random.default_rng(2).normal(150, 20, size=90 * 24 * WINDOW)
    DriftMonitor(latencies, WINDOW, 1 / (90 * 24))
    with pytest.raises(ValueError, match="support no rate"):
        DriftMonitor(latencies[: 89 * 24 * WINDOW], WINDOW, 1 / (90 * 24))


@pytest.mark.parametrize(("slower", "best", "worse"), [(1.10, 120, (10, 720)), (1.25, 30, (240, 720))])
def test_the_best_window_is_neither_the_shortest_nor_the_longest_and_depends_on_the_drift(
    slower, best, worse
):
    rng = np.random.default_rng(3)
    calm = 0.13 * simulate.autocorrelated_noise(HOURS * WINDOW, 0.7, rng)
    lasts = 12 * 60
    onsets = 2 * 24 * 60 * np.arange(59) + rng.integers(0, 24 * 60, size=59)
    drifted = calm.copy()
    drifted[(onsets[:, np.newaxis] + np.arange(lasts)).ravel()] += np.log(slower)

    def delay(window):
        levels = np.quantile(calm, (np.arange(window) + 0.5) / window)
        quiet, recent = (
            np.abs(np.sort(x[: x.size // window * window].reshape(-1, window)) - levels).mean(axis=1)
            for x in (calm, drifted)
        )
        limit = np.quantile(quiet, 1 - window / (MONTH * 60))
        ends = np.append((np.flatnonzero(recent > limit) + 1) * window, np.inf)
        return np.median(np.minimum(ends[np.searchsorted(ends, onsets, side="right")] - onsets, lasts))

    assert all(delay(best) < 0.8 * delay(window) for window in worse)


def test_a_rolling_baseline_sleeps_through_a_leak_that_a_fixed_one_sees():
    rng = np.random.default_rng(4)
    level = np.exp(0.13 * simulate.autocorrelated_noise((HISTORY + HOURS) * WINDOW, 0.7, rng))
    n, week = HISTORY * WINDOW, 168 * WINDOW
    level[n:] *= np.linspace(1, 1.2, HOURS * WINDOW)

    def alarms(start, history):
        monitor = DriftMonitor(history, WINDOW, 1 / MONTH, statistic="wasserstein")
        return monitor.check_many(level[start : start + week])["drifted"].sum()

    last_weeks = [level.size - weeks * week for weeks in (1, 2, 3, 4)]
    fixed = sum(alarms(start, level[:n]) for start in last_weeks)
    rolling = sum(alarms(start, level[start - n : start]) for start in last_weeks)
    assert fixed > 200 > 20 > rolling


def test_a_cusum_of_dependent_minutes_cries_wolf_where_independent_scores_do_not():
    def alarms(scores):
        slower = faster = found = 0
        for score in scores.tolist():
            slower, faster = max(0.0, slower + score - 0.5), max(0.0, faster - score - 0.5)
            if max(slower, faster) > 5:
                slower, faster, found = 0.0, 0.0, found + 1
        return found / scores.size

    rng = np.random.default_rng(5)
    independent = alarms(rng.normal(size=60_000))
    dependent = alarms(simulate.autocorrelated_noise(60_000, 0.7, rng))
    assert 1 < MONTH * independent < 2.2
    assert 60 < MONTH * 60 * independent < 130  # one score a minute: the looks alone
    assert dependent > 8 * independent


@pytest.mark.parametrize("seed", [7, 8])
def test_a_hasty_policy_learns_half_a_release_and_a_patient_one_waits_too_long(seed):
    year = policy_year(np.random.default_rng(seed))
    cost = {hours: price(after(hours), *year) @ [1, 4, 1] for hours in (6, 12, 40)}
    assert 5 * cost[40] < cost[6] and 1.5 * cost[12] < cost[40]
