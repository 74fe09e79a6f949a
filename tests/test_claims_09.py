"""The claims of chapter 09, with other seeds, and on a real service where the chapter's is real."""

import numpy as np
import pytest

from utils import simulate
from utils.monitor import DriftMonitor
from utils.service import OrderService

SEEDS = pytest.mark.parametrize("seed", [101, 202, 303])


def test_the_lost_index_pages_in_every_window_and_the_rollback_is_unlike_the_fault():
    with OrderService() as service:
        historical = service.measure(20 * 30)
        monitor = DriftMonitor(historical, window=30, false_alarm_rate=1 / 20)
        service.deploy("v2")
        bad = service.measure(10 * 30)
        service.roll_back()
        after = service.measure(4 * 30)
    paged = monitor.check_many(bad)
    assert paged["drifted"].all() and (paged["direction"] == "slower").all()
    unlike = DriftMonitor(bad, window=30, false_alarm_rate=1 / 10).check_many(after)
    assert unlike["drifted"].all() and (unlike["direction"] == "faster").all()


def healthy_and_locked(seed, windows=200):
    """Return latencies in ms, one window of 120 a row; in the second array one request in 50 waits 13 ms more."""
    rng = np.random.default_rng(seed)
    healthy, locked = rng.lognormal(np.log(0.43), 0.15, size=(2, windows, 120))
    return healthy, locked + 13 * (rng.random(locked.shape) < 1 / 50)


@SEEDS
def test_a_lock_for_one_request_in_fifty_is_seen_by_the_tail_and_neither_by_the_mean_alert_nor_by_d(seed):
    healthy, locked = healthy_and_locked(seed)

    def share_that_page(statistic):
        monitor = DriftMonitor(healthy.ravel(), window=120, false_alarm_rate=1 / 100, statistic=statistic)
        return monitor.check_many(locked)["drifted"].mean()

    assert (locked.mean(axis=1) > 3 * healthy.mean()).mean() < 0.1
    assert share_that_page("ks") < 0.1
    # A window of 120 meets no lock at all with probability 0.98 ** 120, about 9 %.
    assert share_that_page("tail") > 0.8


@SEEDS
def test_a_model_retrained_on_the_bad_rows_takes_them_for_normal_and_the_healthy_ones_not(seed):
    rng = np.random.default_rng(seed)
    healthy, bad = rng.lognormal(np.log(0.43), 0.15, 1_000), rng.lognormal(np.log(2.1), 0.2, 700)

    def flagged(training, rows):
        logs = np.log(training)
        spread = 1.4826 * np.median(np.abs(logs - np.median(logs)))
        return np.mean(np.abs(np.log(rows) - np.median(logs)) > 3 * spread)

    assert flagged(healthy, bad) > 0.95 and flagged(healthy, healthy) < 0.02
    assert flagged(bad, bad) < 0.02 and flagged(bad, healthy) > 0.95


@SEEDS
@pytest.mark.parametrize(("share_caught", "windows"), [(0.9, 2), (0.1, 29)])
def test_so_many_quiet_windows_leave_a_doubt_of_5_percent_and_one_fewer_leaves_more(
    seed, share_caught, windows
):
    pages = np.random.default_rng(seed).random((100_000, windows)) < share_caught
    hidden, hidden_before = ~pages.any(axis=1), ~pages[:, :-1].any(axis=1)
    assert hidden.mean() < 0.05 < hidden_before.mean()


@SEEDS
def test_the_mean_alert_pages_only_when_one_request_in_fifty_waits_a_hundred_times_the_mean(seed):
    rng = np.random.default_rng(seed)
    latencies = rng.lognormal(np.log(150), 0.15, 100_000)
    unlucky = rng.random(latencies.size) < 1 / 50
    for wait_in_means, factor in ((90, 2.8), (100, 3.0), (110, 3.2)):
        grown = (latencies + unlucky * wait_in_means * latencies.mean()).mean() / latencies.mean()
        assert grown == pytest.approx(factor, abs=0.15)


@SEEDS
def test_the_stand_in_file_pages_in_its_slow_hours_and_hardly_ever_before(seed):
    latencies = simulate.service_latencies(22 * 24, np.random.default_rng(seed))
    latencies[-9 * 60 :] *= 1.3
    historical, recent = latencies[: 21 * 24 * 60], latencies[21 * 24 * 60 :]
    monitor = DriftMonitor(historical, 60, 1 / 500, cycles=(24 * 60, 168 * 60))
    pages = monitor.check_many(recent)["drifted"].to_numpy()
    assert pages[-9:].mean() > 0.8 and pages[:-9].sum() <= 1
