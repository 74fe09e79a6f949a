"""Latencies of a simulated server, healthy and drifted, in milliseconds.

Every function takes its randomness from a generator that the caller seeds, so that a cell run twice gives
the same data. Chapters 01 and 08 explain the models; nothing here is needed to understand them.
"""

from __future__ import annotations

import numpy as np

HISTORICAL_MEAN_MS, HISTORICAL_SD_MS, HISTORICAL_SIZE = 150, 20, 1_000
RECENT_MEAN_MS, RECENT_SD_MS, RECENT_SIZE = 165, 22, 500


def course_latencies(seed: int = 42, *, drifted: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return the two data sets of the course, historical and recent latencies.

    Historical latencies are 1,000 draws from N(150 ms, 20 ms), what the model was trained on. Recent ones are
    500 draws from N(165 ms, 22 ms), the last day, after a microservice was updated.

    Parameters
    ----------
    seed : int
        Seed of the generator that draws both.
    drifted : bool
        False gives the no-drift control: the recent latencies are drawn from the historical distribution.

    Returns
    -------
    historical, recent : ndarray of shape (1000,) and (500,)
        Latencies in ms.

    Examples
    --------
    >>> historical, recent = course_latencies()
    >>> print(f"{historical.mean():.0f} ms, then {recent.mean():.0f} ms")
    149 ms, then 165 ms
    """
    rng = np.random.default_rng(seed)
    historical = rng.normal(HISTORICAL_MEAN_MS, HISTORICAL_SD_MS, size=HISTORICAL_SIZE)
    if drifted:
        return historical, rng.normal(RECENT_MEAN_MS, RECENT_SD_MS, size=RECENT_SIZE)
    return historical, rng.normal(HISTORICAL_MEAN_MS, HISTORICAL_SD_MS, size=RECENT_SIZE)


def autocorrelated_noise(size: int | tuple[int, ...], rho: float, rng: np.random.Generator) -> np.ndarray:
    """Return stationary AR(1) noise with mean 0 and standard deviation 1, along the last axis.

    Each value is `rho` times the one before plus independent normal noise; `rho` = 0 is independent data. The
    first value is drawn from the stationary distribution, so there is nothing to burn in (Brockwell and
    Davis, Time Series: Theory and Methods, 2nd ed., 1991, section 3.1).

    Parameters
    ----------
    size : int or tuple of int
        Shape of the result; time runs along the last axis.
    rho : float
        Correlation between neighbors, 0 <= rho < 1.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ValueError
        If `rho` is outside [0, 1).
    """
    if not 0 <= rho < 1:
        raise ValueError(
            f"rho must lie in [0, 1), got {rho}: at 1 the noise is a random walk and never settles."
        )
    from scipy.signal import lfilter  # half a second, which nothing else here needs

    noise = rng.normal(size=size)
    noise[..., 1:] *= np.sqrt(1 - rho**2)
    return lfilter([1], [1, -rho], noise)


def autocorrelated_latencies(
    size: int | tuple[int, ...],
    rho: float,
    rng: np.random.Generator,
    *,
    mean_ms: float = HISTORICAL_MEAN_MS,
    sd_ms: float = HISTORICAL_SD_MS,
) -> np.ndarray:
    """Return normal latencies in ms in which a slow request tends to follow a slow one (AR(1)).

    Parameters are those of `autocorrelated_noise`; `mean_ms` and `sd_ms` set the distribution of each value,
    which is the same for every `rho`.
    """
    return mean_ms + sd_ms * autocorrelated_noise(size, rho, rng)


def service_latencies(
    hours: int,
    rng: np.random.Generator,
    *,
    start_hour: int = 0,
    rho: float = 0.7,
    daily: float = 0.15,
    weekly: float = 0.05,
    median_ms: float = 150,
    sd_log: float = 0.13,
) -> np.ndarray:
    """Return one latency a minute of a healthy service with a daily and a weekly cycle.

    The logarithm of a latency is a level that swings by `daily` over 24 hours and by `weekly` over 168, plus
    AR(1) noise of standard deviation `sd_log`: skewed, never negative, busiest at the same hours.

    Parameters
    ----------
    hours : int
        Length; the result has 60 values an hour.
    rng : numpy.random.Generator
        Source of randomness.
    start_hour : int
        Hour at which the series begins, counted from the start of the cycles, so that a second call can go
        on where a first one ended.
    rho : float
        Correlation between the noise of neighboring minutes, 0 <= rho < 1.
    daily, weekly : float
        Amplitudes of the cycles, on the logarithmic scale (0.15 is about 15 % up and down).
    median_ms : float
        Median of the latencies at the cycles' middle.
    sd_log : float
        Standard deviation of the noise on the logarithmic scale.

    Returns
    -------
    ndarray of shape (60 * hours,)
        Latencies in ms.
    """
    hour = start_hour + np.arange(60 * hours) / 60
    cycle = daily * np.sin(2 * np.pi * hour / 24) + weekly * np.sin(2 * np.pi * hour / 168)
    return median_ms * np.exp(cycle + sd_log * autocorrelated_noise(60 * hours, rho, rng))


# Incidents: each takes healthy latencies and returns what they would have been ----------------------------


def slower(latencies: np.ndarray, factor: float = 1.10) -> np.ndarray:
    """Return latencies that are all slower by the same factor: a deployment, a smaller machine."""
    return latencies * factor


def more_spread(latencies: np.ndarray, power: float = 1.8) -> np.ndarray:
    """Return latencies with the same median and `power` times the spread on the logarithmic scale."""
    median = np.median(latencies)
    return median * (latencies / median) ** power


def slow_tail(
    latencies: np.ndarray, rng: np.random.Generator, *, share: float = 0.05, factor: float = 4.0
) -> np.ndarray:
    """Return latencies of which a share, chosen at random, is slower by a large factor: timeouts, locks."""
    return np.where(rng.random(latencies.shape) < share, latencies * factor, latencies)


def bad_node(
    latencies: np.ndarray, rng: np.random.Generator, *, share: float = 0.33, factor: float = 1.35
) -> np.ndarray:
    """Return latencies of which a share, chosen at random, was served by one slower node of several."""
    return slow_tail(latencies, rng, share=share, factor=factor)


def leak(latencies: np.ndarray, final_factor: float = 1.4) -> np.ndarray:
    """Return latencies that grow steadily, up to `final_factor` times the healthy ones at the end."""
    return latencies * np.linspace(1, final_factor, latencies.shape[-1])


# Archives: the recordings that exercises ask about ---------------------------------------------------------
# Reading on here gives answers away.

REQUESTS_PER_HOUR = np.array(
    [6, 3, 2, 2, 2, 4, 8, 15, 24, 30, 34, 36, 36, 35, 34, 32, 30, 30, 32, 34, 30, 22, 13, 6]
)
REQUESTS_PER_HOUR.flags.writeable = False
ARCHIVE_KINDS = {"A": "bad node", "B": "no drift", "C": "timeouts", "D": "slower", "E": "spread"}
WEEKDAY_KINDS = ("shift", "spread", "tail", "none")


def archive_days(size: int = 20_000) -> dict[str, np.ndarray]:
    """Return log-normal latencies in ms of the day "before" and of days "A" to "E", each with an incident or none.

    Parameters
    ----------
    size : int
        Requests a day.
    """
    rng = np.random.default_rng(14)

    def healthy():
        return rng.lognormal(np.log(150), 0.3, size)

    make = {
        "no drift": healthy,
        "slower": lambda: 1.1 * healthy(),
        "spread": lambda: 150 * (healthy() / 150) ** 1.4,
        "timeouts": lambda: np.where(rng.random(size) < 1 / 50, 900, healthy()),
        "bad node": lambda: healthy() * np.where(rng.random(size) < 1 / 5, 1.5, 1),
    }
    return {"before": healthy()} | {day: make[kind]() for day, kind in ARCHIVE_KINDS.items()}


def weekdays(seed: int = 24) -> dict[str, np.ndarray]:
    """Return 500 latencies in ms of each day from "Monday" to "Thursday": of four kinds, one a day.

    Parameters
    ----------
    seed : int
        Seed of the generator, which also shuffles `WEEKDAY_KINDS` over the days.
    """
    rng = np.random.default_rng(seed)
    latencies = {kind: rng.normal(150, 20, size=500) for kind in WEEKDAY_KINDS}
    latencies["shift"] += 12
    latencies["spread"] = 150 + 1.5 * (latencies["spread"] - 150)
    latencies["tail"] = slow_tail(latencies["tail"], rng, share=0.03, factor=2)
    names = ("Monday", "Tuesday", "Wednesday", "Thursday")
    return {name: latencies[kind] for name, kind in zip(names, rng.permutation(WEEKDAY_KINDS), strict=True)}


def night(name: str, requests: int = 5_000):
    """Return one night of labelled requests, "A" or "B".

    Returns
    -------
    DataFrame
        One row a request: ``latency_ms`` and ``failed``, the label that the error log gives in the morning.

    Raises
    ------
    ValueError
        If there is no such night.
    """
    import pandas as pd  # nothing else here needs it

    if name not in ("A", "B"):
        raise ValueError(f'there is no night {name!r}: ask for night("A") or night("B").')
    mean_ms, sd_ms, unseen = {"A": (144, 17, 0.0), "B": (150, 20, 0.65)}[name]
    rng = np.random.default_rng({"A": 505, "B": 507}[name])
    latency_ms = rng.normal(mean_ms, sd_ms, requests)
    failed = rng.random(requests) < 0.02
    odd = failed & (rng.random(requests) >= unseen)
    return pd.DataFrame({"latency_ms": latency_ms + odd * rng.choice([-80, 80], requests), "failed": failed})


def two_days(requests: int = 200_000) -> tuple[np.ndarray, np.ndarray]:
    """Return the latencies in ms of two days with very many requests."""
    rng = np.random.default_rng(62)
    return rng.normal(150, 20, requests), rng.normal(150.4, 20, requests)


def autocorrelated_week(window: int = 200) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return a healthy history of 59 windows and two later windows, "A" and "B".

    Latencies are in ms and in the order of time; a slow request tends to follow a slow one.
    """
    series = autocorrelated_latencies(70 * window, 0.9, np.random.default_rng(66))
    later = {"A": series[61 * window : 62 * window], "B": series[65 * window : 66 * window] + 22}
    return series[: 59 * window], later
