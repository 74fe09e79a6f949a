"""The simulated latencies have the distributions that their docstrings promise."""

import numpy as np
import pytest
from scipy import stats

from utils import simulate


def rng():
    return np.random.default_rng(3)


def lag_1(series):
    """Return the correlation between neighbors along the last axis."""
    return np.corrcoef(series[..., :-1].ravel(), series[..., 1:].ravel())[0, 1]


# The course's own data ---------------------------------------------------------------------------------------


def test_the_course_data_have_the_promised_sizes_and_moments():
    many = [simulate.course_latencies(seed) for seed in range(60)]
    historical = np.concatenate([pair[0] for pair in many])
    recent = np.concatenate([pair[1] for pair in many])
    assert many[0][0].shape == (1000,) and many[0][1].shape == (500,)
    assert historical.mean() == pytest.approx(150, abs=0.4) and historical.std() == pytest.approx(20, abs=0.3)
    assert recent.mean() == pytest.approx(165, abs=0.6) and recent.std() == pytest.approx(22, abs=0.4)


def test_the_control_shares_the_history_and_draws_recent_from_it():
    historical, _ = simulate.course_latencies(7)
    same_historical, control = simulate.course_latencies(7, drifted=False)
    assert np.array_equal(historical, same_historical) and control.shape == (500,)
    pooled = np.concatenate([simulate.course_latencies(seed, drifted=False)[1] for seed in range(60)])
    assert pooled.mean() == pytest.approx(150, abs=0.6) and pooled.std() == pytest.approx(20, abs=0.4)


def test_without_a_seed_it_is_42_and_another_seed_gives_other_data():
    default, chosen = simulate.course_latencies(), simulate.course_latencies(42)
    assert np.array_equal(default[0], chosen[0]) and np.array_equal(default[1], chosen[1])
    assert not np.array_equal(default[1], simulate.course_latencies(2)[1])


# A slow request follows a slow one ---------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0, 0.5, 0.9])
def test_noise_is_stationary_from_the_first_value_on_and_neighbors_correlate_by_rho(rho):
    noise = simulate.autocorrelated_noise((4_000, 60), rho, rng())
    assert noise.mean() == pytest.approx(0, abs=0.03)
    np.testing.assert_allclose(noise.std(axis=0)[[0, 1, -1]], 1, atol=0.04)
    assert lag_1(noise) == pytest.approx(rho, abs=0.01)


def test_each_value_is_rho_times_the_one_before_plus_new_noise():
    single = simulate.autocorrelated_noise(200, 0.9, rng())
    (row,) = simulate.autocorrelated_noise((1, 200), 0.9, rng())
    np.testing.assert_array_equal(single, row)
    new = np.sqrt(1 - 0.9**2) * rng().normal(size=200)
    np.testing.assert_allclose(single[1:], 0.9 * single[:-1] + new[1:], atol=1e-12)


@pytest.mark.parametrize("rho", [-0.1, 1, 1.5])
def test_a_rho_that_never_settles_is_refused(rho):
    with pytest.raises(ValueError, match="rho must lie in"):
        simulate.autocorrelated_noise(10, rho, rng())


def test_autocorrelated_latencies_have_the_mean_and_spread_asked_for_at_every_rho():
    noise = simulate.autocorrelated_noise(1_000, 0.8, rng())
    np.testing.assert_allclose(simulate.autocorrelated_latencies(1_000, 0.8, rng()), 150 + 20 * noise)
    other = simulate.autocorrelated_latencies(1_000, 0.8, rng(), mean_ms=90, sd_ms=5)
    np.testing.assert_allclose(other, 90 + 5 * noise)


# A healthy service -------------------------------------------------------------------------------------------


def level(hours=24 * 14, **options):
    """Return a service's latencies without noise, at every full hour."""
    return simulate.service_latencies(hours, rng(), sd_log=0, **options)[::60]


def test_the_daily_cycle_is_15_percent_up_at_six_and_down_at_eighteen():
    hourly = level(weekly=0)
    np.testing.assert_allclose(hourly[[0, 6, 12, 18]], 150 * np.exp([0, 0.15, 0, -0.15]))
    np.testing.assert_allclose(hourly[24:], hourly[:-24])
    np.testing.assert_allclose(level(weekly=0, median_ms=80, daily=0.4)[6], 80 * np.exp(0.4))


def test_the_weekly_cycle_comes_back_after_168_hours_and_is_mirrored_after_84():
    hourly = level(daily=0)
    np.testing.assert_allclose(hourly[168:], hourly[:-168])
    np.testing.assert_allclose(np.log(hourly[84:] / 150), -np.log(hourly[:-84] / 150), atol=1e-12)
    assert hourly.max() == pytest.approx(150 * np.exp(0.05)) and np.argmax(hourly[:168]) == 42
    assert level(daily=0, weekly=0.2).max() == pytest.approx(150 * np.exp(0.2))


def test_both_cycles_add_up_and_a_second_call_goes_on_where_the_first_one_ended():
    both = np.log(level() / 150)
    np.testing.assert_allclose(both, np.log(level(weekly=0) / 150) + np.log(level(daily=0) / 150), atol=1e-12)
    np.testing.assert_allclose(level(100), level(50).tolist() + level(50, start_hour=50).tolist())


def test_a_service_is_measured_every_minute_and_its_noise_is_skewed_and_autocorrelated():
    latencies = simulate.service_latencies(2_000, rng(), daily=0, weekly=0)
    assert latencies.shape == (120_000,) and latencies.min() > 0
    assert np.log(latencies).std() == pytest.approx(0.13, abs=0.002)
    assert np.median(latencies) == pytest.approx(150, rel=0.005)
    assert lag_1(np.log(latencies)) == pytest.approx(0.7, abs=0.01)
    less = simulate.service_latencies(2_000, rng(), daily=0, weekly=0, rho=0.2, sd_log=0.3)
    assert lag_1(np.log(less)) == pytest.approx(0.2, abs=0.01)
    assert np.log(less).std() == pytest.approx(0.3, abs=0.005)


# Incidents ---------------------------------------------------------------------------------------------------


@pytest.fixture
def healthy():
    latencies = np.random.default_rng(9).lognormal(5, 0.2, size=50_000)
    kept = latencies.copy()
    yield latencies
    assert np.array_equal(latencies, kept), "an incident changed the healthy latencies in place"


def test_slower_multiplies_every_latency(healthy):
    np.testing.assert_allclose(simulate.slower(healthy), 1.1 * healthy)
    np.testing.assert_allclose(simulate.slower(healthy, 3), 3 * healthy)


@pytest.mark.parametrize(("options", "power"), [({}, 1.8), ({"power": 0.5}, 0.5)])
def test_more_spread_keeps_the_median_and_multiplies_the_spread(healthy, options, power):
    wider = simulate.more_spread(healthy, **options)
    assert np.median(wider) == pytest.approx(np.median(healthy), rel=1e-3)
    assert np.log(wider).std() == pytest.approx(power * np.log(healthy).std(), rel=1e-6)


@pytest.mark.parametrize(
    ("incident", "options", "share", "factor"),
    [
        (simulate.slow_tail, {}, 0.05, 4),
        (simulate.bad_node, {}, 0.33, 1.35),
        (simulate.slow_tail, {"share": 0.2, "factor": 3}, 0.2, 3),
        (simulate.bad_node, {"share": 0.5, "factor": 1.1}, 0.5, 1.1),
    ],
)
def test_a_share_is_slower_by_exactly_the_factor_and_the_rest_as_it_was(
    healthy, incident, options, share, factor
):
    slowed = incident(healthy, rng(), **options) / healthy
    assert np.mean(slowed != 1) == pytest.approx(share, abs=0.006)
    np.testing.assert_allclose(slowed[slowed != 1], factor)


@pytest.mark.parametrize(("options", "final_factor"), [({}, 1.4), ({"final_factor": 3}, 3)])
def test_a_leak_grows_evenly_along_the_time_of_each_series(options, final_factor):
    grown = simulate.leak(np.full((2, 5), 100.0), **options)
    expected = 100 + 100 * (final_factor - 1) * np.array([0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(grown, [expected, expected])


# Archives: each recording is what its exercise takes it for ----------------------------------------------------


def follows(sample, *parts):
    """Return whether a sample is a mix of (share, distribution), by a KS test at 1 %."""
    return stats.kstest(sample, lambda x: sum(share * part.cdf(x) for share, part in parts)).pvalue > 0.01


def lognormal(median, sd_log):
    return stats.lognorm(sd_log, scale=median)


def test_every_call_for_an_archive_gives_the_same_recording():
    for record in (simulate.archive_days, lambda: simulate.night("A")):
        first, again = record(), record()
        assert all(np.array_equal(first[name], again[name]) for name in first)
    for record in (simulate.two_weeks, simulate.autocorrelated_week):
        assert np.array_equal(record()[0], record()[0])


def test_the_days_of_the_archive_hold_the_incidents_they_are_said_to_hold():
    days = simulate.archive_days()
    assert list(days) == ["before", "A", "B", "C", "D", "E"] and {day.size for day in days.values()} == {
        20_000
    }
    assert {day.size for day in simulate.archive_days(300).values()} == {300}
    recorded = {kind: days[day] for day, kind in simulate.ARCHIVE_KINDS.items()}
    timeouts = recorded["timeouts"] == 900
    assert follows(days["before"], (1, lognormal(150, 0.3)))
    assert follows(recorded["no drift"], (1, lognormal(150, 0.3)))
    assert follows(recorded["slower"], (1, lognormal(165, 0.3)))
    assert follows(recorded["spread"], (1, lognormal(150, 0.39)))
    assert follows(recorded["bad node"], (0.8, lognormal(150, 0.3)), (0.2, lognormal(225, 0.3)))
    assert follows(recorded["timeouts"][~timeouts], (1, lognormal(150, 0.3)))
    assert timeouts.mean() == pytest.approx(0.02, abs=0.003)


def test_the_quiet_days_and_the_twenty_are_days_of_the_same_archive():
    assert simulate.quiet_days().shape == (200, 500)
    assert follows(simulate.quiet_days().ravel(), (1, lognormal(150, 0.3)))
    kinds = [kind for kind, latencies in simulate.twenty_days() if latencies.shape == (500,)]
    assert {kind: kinds.count(kind) for kind in {*kinds}} == {
        "no drift": 10,
        "slower": 3,
        "spread": 3,
        "timeouts": 2,
        "bad node": 2,
    }
    pooled = [day for seed in range(40) for kind, day in simulate.twenty_days(seed) if kind == "spread"]
    assert follows(np.concatenate(pooled), (1, lognormal(150, 0.39)))


@pytest.mark.parametrize(
    ("name", "mean_ms", "sd_ms", "seen"), [("A", 144, 17, 1.0), ("B", 150, 20, 0.35), ("C", 163, 21.5, 1.0)]
)
def test_a_failed_request_of_a_night_is_80_ms_off_unless_latency_does_not_tell(name, mean_ms, sd_ms, seen):
    assert len(simulate.night(name)) == 5_000
    requests = simulate.night(name, 200_000)
    failed = requests["failed"]
    assert failed.mean() == pytest.approx(0.02, abs=0.001)
    healthy = stats.norm(mean_ms, sd_ms)
    assert follows(requests.loc[~failed, "latency_ms"], (1, healthy))
    odd = [(seen / 2, stats.norm(mean_ms + away_ms, sd_ms)) for away_ms in (-80, 80)]
    assert follows(requests.loc[failed, "latency_ms"], (1 - seen, healthy), *odd)


def test_a_night_that_was_not_recorded_is_refused_by_name():
    with pytest.raises(ValueError, match="there is no night 'D': ask for"):
        simulate.night("D")


def test_of_the_two_later_windows_of_the_week_one_is_22_ms_slower_and_neither_is_history():
    history, later = simulate.autocorrelated_week()
    assert [history.size, later["A"].size, later["B"].size] == [59 * 200, 200, 200]
    for healthy in (later["A"], later["B"] - 22):
        assert not np.isin(healthy.round(6), history.round(6)).any()
    history, later = simulate.autocorrelated_week(20_000)  # long windows, so that their means are certain
    assert lag_1(history) == pytest.approx(0.9, abs=0.01)
    assert history.mean() == pytest.approx(150, abs=1) and history.std() == pytest.approx(20, abs=0.5)
    assert later["A"].mean() == pytest.approx(150, abs=2) and later["B"].mean() == pytest.approx(172, abs=2)
