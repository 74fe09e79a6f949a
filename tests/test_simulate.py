"""The simulated latencies have the distributions that their docstrings promise."""

import numpy as np
import pytest

from utils import simulate


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
    assert np.array_equal(historical, same_historical)
    pooled = np.concatenate([simulate.course_latencies(seed, drifted=False)[1] for seed in range(60)])
    assert pooled.mean() == pytest.approx(150, abs=0.6) and pooled.std() == pytest.approx(20, abs=0.4)


def test_the_same_seed_gives_the_same_data_and_another_gives_others():
    first, again, other = (
        simulate.course_latencies(1),
        simulate.course_latencies(1),
        simulate.course_latencies(2),
    )
    assert np.array_equal(first[1], again[1]) and not np.array_equal(first[1], other[1])


@pytest.mark.parametrize("rho", [0, 0.5, 0.9])
def test_autocorrelated_noise_is_stationary_with_the_promised_correlation(rho):
    noise = simulate.autocorrelated_noise((4_000, 60), rho, np.random.default_rng(3))
    spread = noise.std(axis=0)
    assert spread[0] == pytest.approx(1, abs=0.05) and spread[-1] == pytest.approx(1, abs=0.05)
    neighbours = np.mean(noise[:, 1:] * noise[:, :-1])
    assert neighbours == pytest.approx(rho, abs=0.03)


def test_one_series_is_as_autocorrelated_as_one_row_of_many():
    single = simulate.autocorrelated_noise(200, 0.9, np.random.default_rng(3))
    (row,) = simulate.autocorrelated_noise((1, 200), 0.9, np.random.default_rng(3))
    np.testing.assert_array_equal(single, row)
    step_by_step = np.random.default_rng(3).normal(size=200)
    step_by_step[1:] *= np.sqrt(1 - 0.9**2)
    for i in range(1, 200):
        step_by_step[i] += 0.9 * step_by_step[i - 1]
    np.testing.assert_allclose(single, step_by_step, rtol=0, atol=1e-13)


@pytest.mark.parametrize("rho", [-0.1, 1, 1.5])
def test_a_rho_that_never_settles_is_refused(rho):
    with pytest.raises(ValueError, match="rho must lie in"):
        simulate.autocorrelated_noise(10, rho, np.random.default_rng(1))


def test_a_service_has_its_cycle_and_goes_on_where_it_ended():
    rng = np.random.default_rng(5)
    week = simulate.service_latencies(24 * 28, rng, weekly=0)
    by_hour = np.log(week).reshape(-1, 24, 60).mean(axis=(0, 2))
    assert by_hour[5] - by_hour[17] == pytest.approx(0.3, abs=0.03)
    assert week.min() > 0
    late = simulate.service_latencies(24 * 28, rng, start_hour=6, weekly=0)
    assert np.argmax(np.log(late).reshape(-1, 24, 60).mean(axis=(0, 2))) in (22, 23, 0, 1)


def test_incidents_change_what_they_say_and_leave_the_healthy_data_alone():
    rng = np.random.default_rng(9)
    healthy = rng.lognormal(5, 0.2, size=50_000)
    kept = healthy.copy()
    assert np.median(simulate.slower(healthy)) == pytest.approx(1.1 * np.median(healthy))
    wider = simulate.more_spread(healthy)
    assert np.median(wider) == pytest.approx(np.median(healthy), rel=1e-3)
    assert np.log(wider).std() == pytest.approx(1.8 * np.log(healthy).std(), rel=1e-6)
    assert np.mean(simulate.slow_tail(healthy, rng) != healthy) == pytest.approx(0.05, abs=0.005)
    assert np.mean(simulate.bad_node(healthy, rng) != healthy) == pytest.approx(0.33, abs=0.01)
    leaking = simulate.leak(healthy)
    assert leaking[0] == healthy[0] and leaking[-1] == pytest.approx(1.4 * healthy[-1])
    assert np.array_equal(healthy, kept)
