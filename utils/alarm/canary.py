"""A release on trial: is the canary slower than the stable version in the same minutes? No history is needed.

Both serve the same minutes, so the hour of the day and the load cancel. What is left is how each wanders by
itself, and blocks of time tell how far.

References
----------
.. [1] R. A. Fisher (1935), The Design of Experiments, section 21, Oliver and Boyd.
.. [2] G. V. Bayley and J. M. Hammersley (1946), The "effective" number of independent observations in an
   autocorrelated time series, Supplement to the Journal of the Royal Statistical Society 8, 184-197.
.. [3] M. G. Kendall (1954), Note on bias in the estimation of autocorrelation, Biometrika 41, 403-404.
.. [4] P. van Elteren (1960), On the combination of independent two-sample tests of Wilcoxon, Bulletin of the
   International Statistical Institute 37, 351-361.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from .drift import _p, _short, as_fraction, as_sample

FEWEST_ROWS = 5  # of either side in a block
FEWEST_BLOCKS = 8  # fewer don't tell how neighbors hang together
GRID = 64  # latencies at which the shares are compared
ROUNDS, FLIPS = 20, 500  # rounds of so many flips: bounds the memory


@dataclass(frozen=True, kw_only=True)
class CanaryResult:
    """What `compare_canary` found. Printed, it is one sentence; as a condition, it is `drifted`.

    `statistic` is the gap between the two shares of values above `location`, where the evidence is strongest;
    `direction` is "slower", "faster" or "none"; `ratio` is the median of canary over that of stable. Gap and
    ratio are means over `blocks`; `correlation` is that of neighboring ones.
    """

    statistic: float
    p_value: float
    location: float
    direction: str
    ratio: float
    n_stable: int
    n_canary: int
    blocks: int
    correlation: float
    alpha: float
    drifted: bool

    def __bool__(self):
        return self.drifted

    def __str__(self):
        finding = f"Drift: canary is {self.direction}, " if self.drifted else "No drift found: "
        verb = "lower" if self.direction == "faster" else "higher"
        reason = "" if self.drifted else ", no more than chance can explain"
        return (
            f"{finding}the share of values above {_short(self.location)} is {_short(100 * self.statistic)} "
            f"percentage points {verb} than in stable{reason}, "
            f"and the median is {self.ratio:.3f} times that of stable ({_p(self.p_value)}, "
            f"{self.n_stable:,} stable and {self.n_canary:,} canary values in {self.blocks:,} blocks)."
        )


def compare_canary(stable, canary, block="5min", *, alpha=0.05):
    """Return whether `canary` differs from `stable` by more than chance can explain, as a `CanaryResult`.

    Parameters
    ----------
    stable, canary : Series with a DatetimeIndex
        Latencies, timed by one clock. The canary may have far fewer.
    block : str or timedelta, default "5min"
        Stretches of time to compare within, counted from when both have begun. A block in which either has
        fewer than five values is left out.
    alpha : float, default 0.05
        The share of false alarms accepted, between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        In one sentence. At least 8 blocks are needed, and ``log2(2 / alpha)``, which is 11 for 1/720.

    Notes
    -----
    Assumed is that the hosts were alike before the release, so compare two groups of stable hosts first
    (A/A): a host that has always been slower is found, and blamed on the release. Looked at k times while it
    runs, a canary is blamed up to k times as often: decide once, or divide alpha by k.

    In each block the gap between the shares of values above x is taken, at 64 quantiles x of all values.
    Their mean, weighted by the root of ``n m / (n + m)``, is divided by its standard error: that of the
    blocks' gaps, or of independent values if larger, as it may be where a canary has few. The statistic is
    the largest over x. If the release changes nothing, each gap might as well have had the other sign, so
    signs flipped at random, one a block, tell how large the statistic gets by chance [1]_.

    Blocks keep persistence inside. What lasts longer makes neighbors alike, and the flipped statistics are
    widened by ``sqrt((1 + r) / (1 - r))`` [2]_, where r is the correlation of neighbors in the gap summed
    over x, corrected for its bias [3]_. An hour is short for that: where each wanders for twenty minutes, 3
    in 100 healthy canaries alarm at an alpha of 0.01; from three hours on no more than alpha says. Rank tests
    summed over blocks [4]_ would take the values of a block as independent.
    """
    alpha = as_fraction(alpha, "alpha")
    values = np.concatenate([as_sample(stable, "stable"), as_sample(canary, "canary")])
    arm = np.repeat([0, 1], [len(stable), len(canary)])
    _, place = np.unique(_number_blocks(stable, canary, block), return_inverse=True)
    found = np.bincount(2 * place + arm, minlength=2 * place.max() + 2).reshape(-1, 2)
    enough = (found >= FEWEST_ROWS).all(axis=1)
    blocks, flips = int(enough.sum()), ROUNDS * FLIPS
    if alpha * (flips + 1) < 1:
        raise ValueError(f"alpha is {alpha:.2g}, but {flips:,} flips need 1/{flips + 1} or more; raise it.")
    # Of the flips of b blocks, two in 2 ** b have the same sign in all: no p-value is smaller.
    if blocks < (fewest := max(FEWEST_BLOCKS, math.ceil(math.log2(2 / alpha)))):
        raise ValueError(
            f"stable and canary both have {FEWEST_ROWS} values or more in only {blocks} of the blocks of "
            f"{block}, but an alpha of {_short(alpha)} needs {fewest}; wait for more, or pass another block."
        )
    values, arm, place = (column[enough[place]] for column in (values, arm, np.cumsum(enough)[place] - 1))

    grid = np.quantile(values, (np.arange(GRID) + 0.5) / GRID)
    cell = (arm * blocks + place) * (GRID + 1) + np.searchsorted(grid, values)
    below = np.bincount(cell, minlength=2 * blocks * (GRID + 1)).reshape(2, blocks, -1).cumsum(axis=2)
    rows = below[:, :, -1:]
    effective = rows.prod(axis=0) / rows.sum(axis=0)
    weights = np.sqrt(effective) / np.sqrt(effective).sum()
    gaps = weights * np.subtract(*below / rows)[:, :-1]
    share = below.sum(axis=(0, 1))[:-1] / values.size
    independent = (weights**2 / effective).sum() * share * (1 - share)
    error = np.sqrt(np.maximum((gaps**2).sum(axis=0), independent))  # no flip changes it
    scores = gaps / np.where(error > 0, error, np.inf)

    strongest = int(np.abs(scores.sum(axis=0)).argmax())
    gap = float(gaps[:, strongest].sum())
    medians = pd.Series(values).groupby(arm * blocks + place).median().to_numpy()
    levels = medians.reshape(2, -1) @ weights[:, 0]
    correlation = _correlation(scores.sum(axis=1))
    p_value = _p_value(scores, math.sqrt((1 + correlation) / (1 - correlation)))
    return CanaryResult(
        statistic=abs(gap),
        p_value=p_value,
        location=float(grid[strongest]),
        direction="slower" if gap > 0 else "faster" if gap < 0 else "none",
        ratio=float(levels[1] / levels[0]) if levels[0] > 0 else math.nan,
        n_stable=int(rows[0].sum()),
        n_canary=int(rows[1].sum()),
        blocks=blocks,
        correlation=correlation,
        alpha=alpha,
        drifted=p_value <= alpha,
    )


def _number_blocks(stable, canary, block):
    """Return the number of each value's block, those of stable first, counted from when both have begun."""
    for name, series in {"stable": stable, "canary": canary}.items():
        if not isinstance(getattr(series, "index", None), pd.DatetimeIndex):
            raise TypeError(
                f"{name} has no DatetimeIndex; pass a Series of latencies, indexed by their times."
            )
        if series.index.hasnans:
            raise ValueError(f"{name} has rows without a time (NaT); drop them.")
    if (stable.index.tz is None) != (canary.index.tz is None):
        raise ValueError(
            "stable and canary: only one has a time zone; give it to both, as in tz_localize('UTC')."
        )
    try:
        length = pd.Timedelta(block if isinstance(block, str | timedelta | np.timedelta64) else "")
    except ValueError:
        length = pd.NaT
    if not length > pd.Timedelta(0):
        raise ValueError(f'block is {block!r}, but must be a stretch of time, such as "5min".')
    begin = max(stable.index.min(), canary.index.min())
    return np.concatenate([(series.index - begin) // length for series in (stable, canary)])


def _correlation(gaps):
    """Return how closely neighbors hang together, 0 to 0.9; the estimate's bias is ``-(1 + 4 r) / n``."""
    gaps, count = gaps - gaps.mean(), gaps.size
    estimate = (gaps[1:] @ gaps[:-1]) / max(gaps @ gaps, np.finfo(float).tiny)
    return float(np.clip((estimate + 1 / count) / (1 - 4 / count), 0, 0.9))


def _p_value(scores, widening):
    """Return the share of sign flips, the actual signs among them, that reach the largest sum of scores."""
    rng, statistic, reached = np.random.default_rng(0), np.abs(scores.sum(axis=0)).max(), 1
    for _ in range(ROUNDS):
        signs = 2.0 * rng.integers(2, size=(FLIPS, len(scores))) - 1
        largest = widening * np.abs(signs @ scores).max(axis=1)
        reached += int((largest >= statistic * (1 - 1e-9)).sum())  # the same sum in another order is a tie
    return reached / (ROUNDS * FLIPS + 1)
