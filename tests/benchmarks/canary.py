"""The canary benchmark: how often a release is blamed that changed nothing, and which releases are caught.

Stable and canary serve the same minutes. Latencies are log-normal around a level that both share, which
follows a daily cycle; on top of it each wanders by itself, AR(1) by the minute. The control is the KS test of
all values.

Run it alone as ``python -m tests.benchmarks.canary``, with the number of runs a row if not 200.
"""

import sys
import time
from itertools import product

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from utils.alarm.canary import compare_canary

DAY, NOISE, WANDER = 24 * 60, 0.13, 0.05
CHANGES = {
    "5 % slower": {"factor": 1.05},
    "10 % slower": {"factor": 1.10},
    "5 % timeouts": {"timeouts": 0.05},
}
ALPHAS = {"0.05": 0.05, "0.01": 0.01, "1/720": 1 / 720}


def serve(rng, hours, share, rho, a_minute=60, factor=1.0, timeouts=0.0, wander=WANDER, noise=NOISE):
    """Return the latencies of stable and canary in ms, each a Series by time.

    `share` of the `a_minute` requests go to the canary, which is slower by `factor` and answers `timeouts` of
    them four times as late. `wander` and `noise` are standard deviations on the logarithmic scale.
    """
    minutes = 60 * hours
    start = int(rng.integers(DAY))
    level = np.log(150) + 0.15 * np.sin(2 * np.pi * (start + np.arange(minutes)) / DAY)
    return [
        _arm(rng, start, level, a_minute * (1 - share), rho, wander, noise),
        _arm(rng, start, level + np.log(factor), a_minute * share, rho, wander, noise, timeouts),
    ]


def _arm(rng, start, level, a_minute, rho, wander, noise, timeouts=0.0):
    shocks = rng.normal(scale=np.sqrt(1 - rho**2), size=level.size + 400)
    own = lfilter([1], [1, -rho], shocks)[400:]
    minute = np.repeat(np.arange(level.size), rng.poisson(a_minute, level.size))
    latencies = np.exp((level + wander * own)[minute] + rng.normal(scale=noise, size=minute.size))
    latencies[rng.random(minute.size) < timeouts] *= 4
    return pd.Series(latencies, pd.Timestamp("2026-03-02") + pd.to_timedelta(start + minute, unit="min"))


def p_values(runs, seed=2026, pooled=False, block="5min", **service):
    """Return the p-values of so many runs, by the blocks' sign flips or by the KS test of all values."""
    rng = np.random.default_rng(seed)
    pairs = (serve(rng, **service) for _ in range(runs))
    if pooled:
        return np.array([ks_2samp(*pair, method="asymp").pvalue for pair in pairs])
    return np.array([compare_canary(*pair, block).p_value for pair in pairs])


def _shares(found, alphas=None):
    return "  ".join(f"{(found <= alpha).mean():6.1%}" for alpha in alphas or ALPHAS.values())


def main(runs=200):
    """Print false alarms and catches, then what a host that was always slower does."""
    started = time.perf_counter()
    print(f"Canary benchmark: {runs} runs a row, 60 requests a minute, blocks of 5 minutes.")
    print(
        "False alarms at three alphas (KS: of the pooled test, at 0.05); releases caught at an alpha of 0.01."
    )
    print(
        f"{'hours':>5s} {'canary':>6s} {'rho':>4s}  "
        + "  ".join(f"{alpha:>6s}" for alpha in ALPHAS)
        + "      KS   ",
        end="",
    )
    print("  ".join(f"{change:>12s}" for change in CHANGES))
    for hours, share, rho in product((1, 3, 6), (0.05, 0.2, 0.5), (0, 0.7, 0.95)):
        service = {"hours": hours, "share": share, "rho": rho}
        false = _shares(p_values(2 * runs, **service))
        pooled = _shares(p_values(runs // 2, pooled=True, **service), [0.05])
        caught = (_shares(p_values(runs, seed=1, **service, **change), [0.01]) for change in CHANGES.values())
        print(f"{hours:5d} {share:6.0%} {rho:4.2f}  {false}  {pooled}  ", end="")
        print("  ".join(f"{found:>12s}" for found in caught), flush=True)

    print("\nThe length of a block: false alarms of 6 hours, canary 20 %, at three alphas")
    for rho, block in product((0.7, 0.95), ("2min", "5min", "10min", "20min")):
        found = p_values(2 * runs, block=block, hours=6, share=0.2, rho=rho)
        print(f"rho {rho:4.2f}, {block:>5s}  {_shares(found)}", flush=True)

    print("\nOther services: false alarms of 3 hours at three alphas")
    services = {
        "2 canary requests a minute, sigma 1": dict(share=2 / 60, rho=0, noise=1.0),
        "600 requests a minute, canary 5 %": dict(share=0.05, rho=0.7, a_minute=600),
        "canary's host always 2 % slower": dict(share=0.2, rho=0.7, factor=1.02),
        "the same, neither wanders": dict(share=0.2, rho=0, wander=0.0, factor=1.02),
        "the same, neither wanders, 600 a minute": dict(
            share=0.2, rho=0, wander=0.0, factor=1.02, a_minute=600
        ),
    }
    for name, service in services.items():
        print(f"{name:40s} {_shares(p_values(runs, hours=3, **service))}", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
