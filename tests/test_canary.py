"""A canary beside stable: false alarms as promised, releases caught, what cancels, and clear messages."""

from datetime import timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.benchmarks.canary import p_values, serve
from utils.alarm import canary as module
from utils.alarm.canary import compare_canary

START = pd.Timestamp("2026-03-02 08:00")


def pair(seed=7, hours=2, share=0.2, rho=0.0, **service):
    return serve(np.random.default_rng(seed), hours, share, rho, **service)


def most(runs, rate):
    """Return a count that a rate this large exceeds in one of 10,000 series of so many runs."""
    return stats.binom.isf(1e-4, runs, rate)


# --- false alarms and catches ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "service",
    [
        {"share": 0.05, "rho": 0.0},
        {"share": 0.05, "rho": 0.7},
        {"share": 0.5, "rho": 0.7},
        {"share": 2 / 60, "rho": 0.0, "noise": 1.0},  # about ten values of a canary in a block, and skewed
    ],
)
def test_a_release_that_changes_nothing_is_blamed_no_more_often_than_alpha_says(service):
    found = p_values(200, seed=11, hours=2, **service)
    assert (found <= 0.05).sum() <= most(200, 0.05)


def test_the_pooled_test_cries_wolf_where_each_wanders_by_itself():
    assert (p_values(50, seed=11, pooled=True, hours=2, share=0.5, rho=0.7) <= 0.05).mean() > 0.5


def test_a_wander_that_outlasts_the_blocks_is_allowed_for(monkeypatch):
    service = {"runs": 60, "seed": 11, "hours": 6, "share": 0.5, "rho": 0.95}
    assert (p_values(**service) <= 0.05).sum() <= most(60, 0.05)
    monkeypatch.setattr(module, "_correlation", lambda gaps: 0.0)
    assert (p_values(**service) <= 0.05).mean() > 0.3


@pytest.mark.parametrize("change", [{"factor": 1.10}, {"timeouts": 0.05}])
def test_a_bad_release_is_caught_in_three_hours(change):
    found = p_values(50, seed=12, hours=3, share=0.2, rho=0.7, **change)
    assert (found <= 0.01).mean() >= 0.6


def test_what_was_found_is_described():
    result = compare_canary(*pair(factor=1.10))
    assert result and result.drifted and result.direction == "slower"
    assert result.ratio == pytest.approx(1.10, abs=0.03)
    assert str(result).startswith("Drift: canary is slower, the share of values above ")
    timeouts = compare_canary(*pair(hours=6, timeouts=0.05))
    assert timeouts.statistic == pytest.approx(0.05, abs=0.02) and timeouts.ratio == pytest.approx(
        1, abs=0.03
    )


def test_a_healthy_canary_is_no_drift():
    result = compare_canary(*pair(seed=8))
    assert not result and str(result).startswith("No drift found: ") and "no more than chance" in str(result)


def test_a_host_that_was_always_slower_is_blamed_on_the_release():
    assert compare_canary(*pair(factor=1.02, wander=0.0, a_minute=600), alpha=0.01)


def test_traffic_that_moves_to_the_canary_while_the_hour_gets_busy_is_no_drift():
    rng, minutes = np.random.default_rng(3), np.arange(180)
    level = np.linspace(np.log(150), np.log(250), minutes.size)
    arms = []
    for a_minute in (60 - minutes / 4, 15 + minutes / 4):
        minute = np.repeat(minutes, rng.poisson(a_minute))
        latencies = np.exp(level[minute] + rng.normal(scale=0.13, size=minute.size))
        arms.append(pd.Series(latencies, START + pd.to_timedelta(minute, unit="min")))
    assert not compare_canary(*arms)
    assert stats.ks_2samp(*arms).pvalue < 1e-6


# --- how it decides ----------------------------------------------------------------------------------------


def test_the_p_value_is_that_of_all_flips():
    scores = np.random.default_rng(5).normal(loc=0.4, size=(8, 3))
    every = np.array(list(product([-1.0, 1.0], repeat=8))) @ scores
    exact = (np.abs(every).max(axis=1) >= np.abs(scores.sum(axis=0)).max() * (1 - 1e-9)).mean()
    assert module._p_value(scores, 1.0) == pytest.approx(exact, abs=5 * np.sqrt(exact / 10_000))
    assert module._p_value(scores, 1.5) > module._p_value(scores, 1.0)


@pytest.mark.parametrize("rho", [0.3, 0.7])
def test_the_correlation_of_few_blocks_is_corrected_for_its_bias(rho):
    rng, found = np.random.default_rng(5), []
    for _ in range(500):
        gaps = rng.normal(size=24)
        for i in range(1, gaps.size):
            gaps[i] = rho * gaps[i - 1] + np.sqrt(1 - rho**2) * gaps[i]
        found.append(module._correlation(gaps + 1))
    assert np.median(found) == pytest.approx(rho, abs=0.06)
    assert 0 <= min(found) and max(found) <= 0.9


def test_as_few_blocks_as_alpha_needs_can_reach_it(monkeypatch):
    stable, release = pair(hours=1, rho=0.0, factor=1.5)
    with pytest.raises(ValueError, match="in only 10 of .* an alpha of 0.001389 needs 11"):
        compare_canary(stable[stable.index < stable.index[0] + timedelta(minutes=50)], release, alpha=1 / 720)
    monkeypatch.setattr(module, "_correlation", lambda gaps: 0.0)
    shorter = stable[stable.index < stable.index[0] + timedelta(minutes=55)]
    assert compare_canary(shorter, release, alpha=1 / 720).blocks == 11
    assert compare_canary(shorter, release, alpha=1 / 720).drifted


def test_exchanging_the_two_turns_the_direction_and_nothing_else():
    stable, release = pair(factor=1.05)
    there, back = compare_canary(stable, release), compare_canary(release, stable)
    assert (there.direction, back.direction) == ("slower", "faster")
    assert there.p_value == back.p_value and there.location == back.location
    assert there.ratio * back.ratio == pytest.approx(1)


def test_the_same_values_are_no_drift():
    stable, _ = pair()
    result = compare_canary(stable, stable)
    assert (result.statistic, result.p_value, result.direction, result.ratio) == (0, 1, "none", 1)
    constant = pd.Series(150, stable.index)
    assert compare_canary(constant, constant).p_value == 1


def test_order_unit_and_zone_of_the_times_do_not_matter():
    stable, release = pair(factor=1.05)
    expected = compare_canary(stable, release)
    assert compare_canary(stable.sample(frac=1, random_state=1), release) == expected
    assert compare_canary(stable.set_axis(stable.index.as_unit("s")), release) == expected
    assert compare_canary(stable, release, timedelta(minutes=5)) == expected
    zones = stable.tz_localize("UTC"), release.tz_localize("UTC").tz_convert("Europe/Berlin")
    assert compare_canary(*zones) == expected
    assert compare_canary(2 * stable, 2 * release).p_value == expected.p_value


def test_what_only_one_served_is_left_out_and_inputs_stay_as_they_are():
    stable, release = pair()
    before = stable.shift(-1, freq="1D")
    longer = pd.concat([before, stable])
    copies = longer.copy(), release.copy()
    assert compare_canary(longer, release).n_stable <= stable.size
    assert compare_canary(longer, release).p_value == compare_canary(stable, release).p_value
    pd.testing.assert_series_equal(longer, copies[0])
    pd.testing.assert_series_equal(release, copies[1])


def test_blocks_in_which_the_canary_has_hardly_a_value_are_left_out():
    stable, release = pair()
    block = (release.index - max(stable.index[0], release.index[0])) // pd.Timedelta("5min")
    thin = pd.concat([release[block != 3], release[block == 3].iloc[:4]])
    assert compare_canary(stable, thin).blocks == compare_canary(stable, release).blocks - 1


# --- wrong input -------------------------------------------------------------------------------------------

STABLE, CANARY = pair()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((STABLE.to_numpy(), CANARY), TypeError, "stable has no DatetimeIndex"),
        ((STABLE, CANARY.reset_index(drop=True)), TypeError, "canary has no DatetimeIndex"),
        ((STABLE.to_frame("latency_ms"), CANARY), TypeError, "stable is a table"),
        ((STABLE, CANARY.shift(1)), ValueError, "canary holds 1 missing value"),
        ((STABLE, CANARY.set_axis(CANARY.index[:-1].append(pd.DatetimeIndex([pd.NaT])))), ValueError, "NaT"),
        ((STABLE, CANARY.tz_localize("UTC")), ValueError, "only one has a time zone"),
        ((STABLE, CANARY, "five"), ValueError, "block is 'five', but must be a stretch of time"),
        ((STABLE, CANARY, 5), ValueError, "block is 5, but"),
        ((STABLE, CANARY, "-5min"), ValueError, "block is '-5min', but"),
        ((STABLE, CANARY, "0min"), ValueError, "block is '0min', but"),
        ((STABLE, CANARY, "NaT"), ValueError, "block is 'NaT', but"),
        (
            (STABLE, CANARY, "30min"),
            ValueError,
            "in only 4 of the blocks of 30min, but an alpha of 0.05 needs 8",
        ),
        ((STABLE, CANARY.shift(1, freq="7D")), ValueError, "in only 0 of the blocks"),
    ],
)
def test_wrong_input_gets_one_sentence(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        compare_canary(*arguments)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize(("alpha", "message"), [(5, "for 5 % pass 0.05"), (1e-6, "flips need")])
def test_an_alpha_that_cannot_be_is_refused(alpha, message):
    with pytest.raises(ValueError, match=message):
        compare_canary(STABLE, CANARY, alpha=alpha)
