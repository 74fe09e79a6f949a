"""The alarm's promise on fresh healthy histories: the benchmark's table, a little of it and all of it."""

import numpy as np
import pytest

from tests.benchmarks.promises import DAY, SETTINGS, kept, service
from utils.alarm.monitor import NEEDS, DriftMonitor

FEW = (
    "independent, k 4",
    "AR(1) 0.998",
    "long memory 0.3, k 99",
    "weekend step",
    "30 % zeros, cycle",
    "whole milliseconds",
    "daily height varies, 21 days",
)


def holds(name, accumulate, histories, low, high):
    """Assert that alarms come as promised, or that most of the monitors warned that they may not."""
    ratio, _, _, said = kept(SETTINGS[name], histories, seed=7, accumulate=accumulate)
    warned = sum(map(bool, said)) > 0.8 * len(said)
    assert warned or low <= ratio <= high, f"{ratio:.2f} times the promise"


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("accumulate", [False, True])
def test_the_promise_holds_on_a_few_histories(name, accumulate):
    holds(name, accumulate, histories=20, low=0.4, high=1.9)


@pytest.mark.parametrize("seed", [1, 2])
def test_evidence_takes_six_days_for_a_weekend_lies_in_them(seed):
    times = {}
    for days in (NEEDS["accumulate"] - 1, NEEDS["accumulate"]):
        times[days] = []
        for history in range(10):
            values = service(np.random.default_rng([seed, history]), 34 * DAY, step=0.1, height=0)
            monitor = DriftMonitor(values[: days * DAY], 60, 1 / 80, accumulate=True)
            times[days].append(80 * monitor.check_many(values[days * DAY :])["drifted"].mean())
    few, enough = map(np.mean, times.values())
    assert few >= 5 > 2 >= enough


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("accumulate", [False, True])
def test_the_promise_holds_on_all_kinds_of_data(name, accumulate):
    holds(name, accumulate, histories=60, low=0.45, high=1.7)
