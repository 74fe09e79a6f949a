"""Promises: how often healthy windows alarm, as a multiple of the budget, on data of many kinds.

Each history is fresh, and the weeks after it are healthy too: 1.00 is the promise kept. Errors are standard
errors over histories. Where a week has kinds of days, the worst quarter of the week stands beside the whole.

Run it alone as ``python -m tests.benchmarks.promises``, with a number of histories and names of kinds.
"""

import sys
import time
import warnings
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy.signal import lfilter
from scipy.special import gammaln

from utils.alarm.monitor import DriftMonitor

WINDOW = 60
DAY, WEEK = 24 * 60, 7 * 24 * 60
ALL = ("ks", "wasserstein", "tail")


# --- healthy data ------------------------------------------------------------------------------------------


def ar1(rng, size, rho):
    """Return standard normal values, each correlated with the one before it."""
    shocks = rng.normal(scale=np.sqrt(1 - rho**2), size=size)
    shocks[0] /= np.sqrt(1 - rho**2)
    return lfilter([1], [1, -rho], shocks)


@cache
def _amplitudes(size, d):
    """Return what the frequencies of fractional noise weigh (Hosking 1981; Davies and Harte 1987)."""
    lags = np.arange(size + 1)
    log = gammaln(lags + d) - gammaln(lags + 1 - d) + gammaln(1 - d) - gammaln(d)
    covariance = np.exp(log)
    return np.sqrt(np.maximum(np.fft.rfft(np.concatenate([covariance, covariance[-2:0:-1]])).real, 0))


def fractional_noise(rng, size, d):
    """Return standard normal values whose correlations fade as lag ** (2 d - 1): long memory."""
    weights = _amplitudes(size, d)
    return np.fft.irfft(weights * np.fft.rfft(rng.normal(size=2 * size)))[:size]


def garch(rng, size):
    """Return values whose spread comes in spells: GARCH(1, 1)."""
    shocks, values, variance = rng.normal(size=size), np.empty(size), 1.0
    for i, shock in enumerate(shocks.tolist()):
        values[i] = np.sqrt(variance) * shock
        variance = 0.05 + 0.10 * values[i] ** 2 + 0.85 * variance
    return values


def service(rng, size, *, step=0.0, weekend=1.0, wobble=0.0, height=0.15, weekly=0.0):
    """Return latencies with a daily cycle: less on two days a week, or flatter then, or unlike each day."""
    minutes = np.arange(size)
    free = minutes % WEEK >= 5 * DAY
    heights = height + wobble * rng.normal(size=size // DAY + 1)[minutes // DAY]
    heights = np.where(free, weekend, 1) * heights
    level = heights * np.sin(2 * np.pi * minutes / DAY) - step * free
    level += weekly * np.sin(2 * np.pi * minutes / WEEK)
    return 150 * np.exp(level + 0.13 * ar1(rng, size, 0.7))


# --- the settings ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """One kind of data, how many blocks of history are known, and the promise that is made."""

    make: callable
    blocks: int
    rate: float
    options: dict = field(default_factory=dict)


CYCLES = {"cycles": (DAY, WEEK)}
SETTINGS = {
    "independent, k 840": Setting(lambda rng, n: rng.normal(150, 20, n), 840, 1 / 100),
    "independent, k 4": Setting(lambda rng, n: rng.normal(150, 20, n), 4, 1 / 5),
    "independent, k 99": Setting(lambda rng, n: rng.normal(150, 20, n), 99, 1 / 100),
    "AR(1) 0.7": Setting(lambda rng, n: ar1(rng, n, 0.7), 840, 1 / 100),
    "AR(1) 0.99": Setting(lambda rng, n: ar1(rng, n, 0.99), 840, 1 / 100),
    "AR(1) 0.99, 1/720": Setting(lambda rng, n: ar1(rng, n, 0.99), 840, 1 / 720),
    "AR(1) 0.998": Setting(lambda rng, n: ar1(rng, n, 0.998), 840, 1 / 100),
    "AR(1) 0.998, 1/720": Setting(lambda rng, n: ar1(rng, n, 0.998), 840, 1 / 720),
    "GARCH": Setting(garch, 840, 1 / 100),
    "Pareto 1.5": Setting(lambda rng, n: 100 * (1 + rng.pareto(1.5, n)), 840, 1 / 100),
    "long memory 0.3, 1/720": Setting(lambda rng, n: fractional_noise(rng, n, 0.3), 1_000, 1 / 720),
    "long memory 0.3, k 99": Setting(lambda rng, n: fractional_noise(rng, n, 0.3), 99, 1 / 100),
    "long memory 0.3, k 9": Setting(lambda rng, n: fractional_noise(rng, n, 0.3), 9, 1 / 10),
    "long memory 0.45, k 500": Setting(lambda rng, n: fractional_noise(rng, n, 0.45), 500, 1 / 100),
    "sine cycles": Setting(lambda rng, n: service(rng, n, weekly=0.05), 840, 1 / 100, CYCLES),
    "sine cycles, 1/720": Setting(lambda rng, n: service(rng, n, weekly=0.05), 840, 1 / 720, CYCLES),
    "weekend step": Setting(lambda rng, n: service(rng, n, step=0.2), 840, 1 / 100, CYCLES),
    "weekend step, 1/720, all": Setting(
        lambda rng, n: service(rng, n, step=0.2), 840, 1 / 720, CYCLES | {"statistic": ALL}
    ),
    "weekend amplitude": Setting(lambda rng, n: service(rng, n, weekend=0.3), 840, 1 / 100, CYCLES),
    "30 % zeros, cycle": Setting(
        lambda rng, n: np.where(rng.random(n) < 0.3, 0, service(rng, n)), 840, 1 / 100, {"cycles": (DAY,)}
    ),
    "counts of requests, cycle": Setting(
        lambda rng, n: rng.poisson(service(rng, n, step=0.2) / 8).astype(float), 840, 1 / 100, CYCLES
    ),
    "a daily cycle left in": Setting(service, 840, 1 / 100),
    "tail alone": Setting(lambda rng, n: rng.normal(150, 20, n), 840, 1 / 100, {"statistic": "tail"}),
    "a slow trend": Setting(lambda rng, n: ar1(rng, n, 0.7) + np.linspace(0, 0.8, n), 840, 1 / 100),
    "whole milliseconds": Setting(lambda rng, n: rng.normal(20, 1.2, n).round(), 840, 1 / 100),
} | {
    f"daily height varies, {days} days": Setting(
        lambda rng, n: service(rng, n, height=0.3, wobble=0.1), 24 * days, 1 / 40, {"cycles": (DAY,)}
    )
    for days in (2, 3, 5, 7, 10, 14, 21, 35)
}


def kept(setting, histories, seed=2026, **options):
    """Return alarms as a multiple of the promise: the mean, its error, by quarters of the week, and warnings."""
    whole, by_quarter, said = [], [], []
    size, windows = setting.blocks * WINDOW, max(100, setting.blocks)
    for history in range(histories):
        rng = np.random.default_rng([seed, history])
        values = setting.make(rng, size + windows * WINDOW)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                monitor = DriftMonitor(values[:size], WINDOW, setting.rate, **setting.options | options)
            except ValueError as refusal:
                return None, None, None, [str(refusal)]
        said.append("; ".join(str(warning.message) for warning in caught))
        alarms = monitor.check_many(values[size:])["drifted"].to_numpy()
        whole.append(alarms.mean() / setting.rate)
        quarters = (setting.blocks + np.arange(alarms.size)) % 168 // 42
        by_quarter.append(
            [alarms[quarters == i].mean() / setting.rate for i in range(4) if (quarters == i).any()]
        )
    return np.mean(whole), np.std(whole) / np.sqrt(histories), np.mean(by_quarter, axis=0), said


def main(histories=200, only=()):
    """Print the table: each setting alone and accumulated."""
    started = time.perf_counter()
    print(f"Promises: healthy windows that alarm, as a multiple of the budget; {histories} histories each")
    print(f"{'data':28s} {'budget':>7s}   {'single windows':24s} accumulated")
    for name, setting in SETTINGS.items():
        if only and not any(part in name for part in only):
            continue
        cells = []
        for accumulate in (False, True):
            mean, error, quarters, said = kept(setting, histories, accumulate=accumulate)
            warned = sum(map(bool, said))
            if mean is None:
                cells.append("refused")
                continue
            worst = max(quarters, key=lambda q: abs(np.log(max(q, 1e-3))))
            cells.append(f"{mean:4.2f} ±{error:4.2f} ({worst:4.1f}) {f'w{warned}' if warned else '':5s}")
        print(f"{name:28s} {setting.rate:7.2%}   " + "   ".join(f"{cell:24s}" for cell in cells), flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:])
