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


def releases_and_incidents(rng: np.random.Generator, hours: int = 365 * 24) -> tuple[np.ndarray, np.ndarray]:
    """Return hourly mean log latencies of a service, and the level that a model should know at each hour.

    Six releases stay, each slower or faster by a factor of 1.25; thirty incidents pass after two to ten hours.
    """
    normal, passing = np.zeros(hours), np.zeros(hours)
    for number, first in enumerate(rng.permutation(np.arange(100, hours - 100, 240))[:36]):
        first += int(rng.integers(0, 48))
        if number < 6:
            normal[first:] += np.log(1.25) * (1 if normal[first] <= 0 else -1)
        else:
            passing[first : first + int(rng.integers(2, 11))] = np.log(1.3)
    return normal + passing + rng.normal(scale=0.04, size=hours), normal


# Archives: the recordings that exercises ask about ---------------------------------------------------------
# Reading on here gives answers away.

ARCHIVE_KINDS = {"A": "bad node", "B": "no drift", "C": "timeouts", "D": "slower", "E": "spread"}


def archive_days(size: int = 20_000) -> dict[str, np.ndarray]:
    """Return log-normal latencies in ms of the day "before" and of days "A" to "E", each with an incident or none.

    Parameters
    ----------
    size : int
        Requests a day.
    """
    rng = np.random.default_rng(14)
    kinds = {"before": "no drift"} | ARCHIVE_KINDS
    return {day: _archived(kind, rng, size) for day, kind in kinds.items()}


def _archived(kind, rng, size):
    latencies = rng.lognormal(np.log(150), 0.3, size)
    happened = {
        "no drift": lambda: latencies,
        "slower": lambda: slower(latencies),
        "spread": lambda: 150 * (latencies / 150) ** 1.3,
        "timeouts": lambda: np.where(rng.random(size) < 1 / 50, 900, latencies),
        "bad node": lambda: bad_node(latencies, rng, share=1 / 5, factor=1.5),
    }
    return happened[kind]()


def quiet_days() -> np.ndarray:
    """Return 200 archived days without an incident, 500 latencies in ms each, one row a day."""
    return _archived("no drift", np.random.default_rng(15), (200, 500))


def twenty_days(seed: int = 526) -> list[tuple[str, np.ndarray]]:
    """Return the kind and the 500 latencies in ms of twenty archived days: ten quiet, ten with an incident.

    Parameters
    ----------
    seed : int
        Seed of the generator, which also shuffles the days.
    """
    rng = np.random.default_rng(seed)
    kinds = 10 * ["no drift"] + 3 * ["slower", "spread"] + 2 * ["timeouts", "bad node"]
    return [(str(kind), _archived(kind, rng, 500)) for kind in rng.permutation(kinds)]


def twenty_nights(seed: int = 24) -> tuple[list[tuple[np.ndarray, np.ndarray]], str]:
    """Return the latencies in ms before and after of twenty nights, and the truth: d for drift, n for none.

    Both samples of a night hold 50, 500 or 5,000 requests. On a night with drift they are slower by 16, 5 or 2 ms.
    """
    rng = np.random.default_rng(seed)
    nights, truth = [], ""
    sizes = rng.permutation(np.repeat([50, 500, 5_000], [7, 6, 7]))
    for requests, drifts in zip(sizes, rng.permutation(np.repeat([True, False], 10)), strict=True):
        before, after = rng.normal(150, 20, size=(2, requests))
        nights.append((before, after + {50: 16, 500: 5, 5_000: 2}[int(requests)] * drifts))
        truth += "d" if drifts else "n"
    return nights, truth


def night(name: str, requests: int = 5_000):
    """Return one night of labelled requests, "A", "B" or "C".

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

    if name not in ("A", "B", "C"):
        raise ValueError(f'there is no night {name!r}: ask for night("A"), night("B") or night("C").')
    mean_ms, sd_ms, unseen = {"A": (144, 17, 0.0), "B": (150, 20, 0.65), "C": (163, 21.5, 0.0)}[name]
    rng = np.random.default_rng({"A": 505, "B": 507, "C": 513}[name])
    latency_ms = rng.normal(mean_ms, sd_ms, requests)
    failed = rng.random(requests) < 0.02
    odd = failed & (rng.random(requests) >= unseen)
    return pd.DataFrame({"latency_ms": latency_ms + odd * rng.choice([-80, 80], requests), "failed": failed})


def two_weeks(requests: int = 500):
    """Return two tables of requests, historical and recent, whose columns agree one by one and not together."""
    import pandas as pd  # nothing else here but the nights needs it

    rng, tables = np.random.default_rng(708), []
    for correlation in (0.6, -0.6):
        latency, payload, cpu, memory, queue = rng.normal(size=(5, requests))
        columns = {
            "latency_ms": 150 + 20 * latency,
            "payload_kb": 40 + 8 * (0.8 * latency + 0.6 * payload),
            "cpu_percent": 30 + 3 * cpu,
            "memory_mb": 900 + 50 * memory,
            "queue_length": 12 + 2 * (correlation * cpu + 0.8 * queue),
        }
        tables.append(pd.DataFrame(columns))
    return tuple(tables)


def autocorrelated_week(window: int = 200) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return a healthy history of 59 windows and two later windows, "A" and "B".

    Latencies are in ms and in the order of time; a slow request tends to follow a slow one.
    """
    series = autocorrelated_latencies(70 * window, 0.9, np.random.default_rng(66))
    later = {"A": series[61 * window : 62 * window], "B": series[65 * window : 66 * window] + 22}
    return series[: 59 * window], later
