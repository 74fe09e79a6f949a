"""A monitor for the service as it is after a change that somebody approved; `DriftMonitor.rebase` has the words."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd

from .counts import coarsen
from .history import FEWEST_BLOCKS
from .rows import as_columns

FAR = 2.0  # times as far as any healthy window: an incident, though one window alone makes no evidence
SAME_UNIT = 10.0  # times: a service that became so much slower is more likely told in another unit
UNLIKE = 1.5  # times what any stretch of history did between its halves: more is no chance


def check(monitor, recent):
    """Say so if `recent` can't be what the service of this history does after a release."""
    for name, now in as_columns(recent, "recent").items():
        history = monitor._histories[name]
        what = "recent" if name is None else f"recent[{name!r}]"
        now = now[~np.isnan(now)]
        if not now.sum() and (monitor.counts or not now.size):
            raise ValueError(f"{what} holds no value; give healthy measurements since the change.")
        if history.smallest >= 0 and now.min() < 0:
            raise ValueError(f"{what} holds negative values, and history none; mend them, or leave them out.")
        usual, median = history.median, history.median_of(now)
        if usual > 0 and not usual / SAME_UNIT < median < usual * SAME_UNIT:
            raise ValueError(
                f"{what} has a median of {median:.4g}, and history one of {usual:.4g}; give it in the same unit, or "
                "build a monitor of its own."
            )


def rescaled(monitor, recent):
    """Return a monitor of history times the factor by which `recent` moved from it."""
    clock, factors, wander = monitor._clock, {}, 0.0
    now = monitor._rows(recent, "recent", monitor.start if clock.by_time else monitor.state)
    then = monitor._rows(monitor.historical, "historical")
    for name, history in monitor._histories.items():
        if history.smallest < 0:
            raise ValueError('historical holds negative values, which no factor moves; use how="restart".')
        values, first, sizes, seconds = then.column(name, clock)
        before = monitor._levels(monitor._clean(name, values, seconds, whole=True), first, sizes)
        values, first, sizes, seconds = now.column(name, clock)
        after = monitor._levels(monitor._clean(name, values, seconds), first, sizes)
        if not after.size:
            raise ValueError("recent has no whole window to measure the change by; wait for more.")
        _require_one_level(before, after)
        factors[name] = math.exp(after.mean() - before.mean())
        # How far stretches of history, as long as what was measured, lie from all of it.
        stretches = np.convolve(before, np.full(after.size, 1 / after.size), mode="valid")
        wander = max(wander, stretches.std(), before.std() / math.sqrt(after.size))
    history = monitor.historical
    if monitor.counts:
        counts = monitor._times(history.to_numpy(float), factors[None])
        history = pd.DataFrame(counts, index=history.index, columns=history.columns)
    else:
        history = history * (pd.Series(factors) if monitor._is_table else factors[None])
    if not monitor._is_table and hasattr(history, "attrs"):
        history.attrs["unit"] = monitor.unit
    successor = _successor(monitor, history, monitor.settings, wander=wander)
    successor.factor = factors if monitor._is_table else factors[None]
    successor.factor_error = wander
    if monitor.counts:
        alarms = successor.check_many(recent, after=successor.start)["drifted"]
        if alarms.sum() > max(2, alarms.size / 4):
            raise ValueError(
                f"history times {factors[None]:.4g} is still far from recent, since its buckets are too coarse to move "
                'values in; use how="restart".'
            )
    return successor


def in_buckets(monitor, buckets):
    """Return a monitor of history in coarser buckets, with its evidence."""
    history = coarsen(monitor.historical, buckets, "historical")
    history.attrs |= monitor.historical.attrs
    successor = _successor(monitor, history, monitor.settings, wander=monitor._wander)
    rest = monitor.state.leftover
    rest = rest if rest is None else coarsen(rest, buckets)
    successor.state = replace(successor.state, evidence=monitor.state.evidence, leftover=rest)
    return successor


def restarted(monitor, recent):
    """Return a monitor of `recent` alone, with the cycles and the budget that it supports."""
    settings, clock, wanted = dict(monitor.settings), monitor._clock, monitor._wanted["cycles"]
    settings["cycles"], kept = wanted, None
    if wanted is not None:
        in_time = clock.origin is not None
        periods = wanted if isinstance(wanted, (tuple, list, np.ndarray)) else [wanted]
        periods = [pd.Timedelta(one).total_seconds() if in_time else one for one in periods]
        when = clock.seconds(clock.index(recent, "recent")) if in_time else np.arange(len(recent))
        if np.ptp(when) * len(recent) / (len(recent) - 1) * (1 + 1e-9) < 2 * max(periods):
            if not in_time:
                raise ValueError(
                    "recent holds less than two of the longest cycle, and values have no times by which the old "
                    'cycles could go on; give more, or use how="rescale".'
                )
            settings["cycles"], kept = None, (clock, monitor._cycles)
    rows = monitor._rows(recent, "recent")
    blocks = min((rows.column_sizes(name) >= clock.minimum).sum() for name in rows.columns)
    if blocks < FEWEST_BLOCKS:
        raise ValueError(
            f"recent has {blocks} whole windows, and {FEWEST_BLOCKS} are the fewest to start with; wait for more, or "
            'use how="rescale".'
        )
    settings["false_alarm_rate"] = max(monitor._wanted["false_alarm_rate"], 1 / (blocks + 1))
    return _successor(monitor, recent, settings, cycles=kept)


def _require_one_level(before, after):
    """Say so if the windows after the change differ between their halves as no stretch of history did."""
    half = after.size // 2
    if not 1 <= half <= before.size // 4:
        return
    means = np.convolve(before, np.full(half, 1 / half), mode="valid")
    usual = np.abs(means[half:] - means[:-half]).max()
    moved = after[-half:].mean() - after[:half].mean()
    if abs(moved) > UNLIKE * usual:
        raise ValueError(
            f"recent is {math.exp(moved):.3g} times as slow in its second half as in its first; give rows since the "
            "change only."
        )


def extended(monitor, recent):
    """Return history and `recent` together, without the windows of `recent` that are in alarm."""
    judge = monitor.check_frame if monitor._is_table else monitor.check_many
    if not monitor._clock.by_time and isinstance(getattr(recent, "index", None), pd.DatetimeIndex):
        recent = recent[recent.index > monitor.historical.index[-1]]
        recent = recent.iloc[: len(recent) // monitor.window * monitor.window]
        if not len(recent):
            raise ValueError("recent has no whole window after history's end; give what came since then.")
    judged = judge(recent, after=monitor.start)
    found = _in_alarm(monitor, judged)
    if found.all():
        raise ValueError(
            'recent has no window that is not in alarm; after a change use how="rescale" or "restart" first.'
        )
    if found.any():
        warnings.warn(
            f"{found.sum():,} of {found.size:,} windows are in alarm and were left out.",
            UserWarning,
            stacklevel=4,
        )
    if monitor._clock.by_time:
        alarms = judged.index.get_level_values("window")[found]
        numbers = monitor._clock.numbers(monitor._clock.index(recent, "recent"))
        before = monitor._clock.numbers(monitor._clock.index(monitor.historical, "historical"))
        healthy = ~np.isin(numbers, monitor._clock.numbers(alarms))
        return pd.concat([monitor.historical[~np.isin(before, numbers[healthy])], recent[healthy]])
    alarms = found.reshape(-1, len(monitor._histories)).any(axis=1)
    healthy = np.append(np.repeat(~alarms, monitor.window), np.zeros(len(recent) % monitor.window, bool))
    join = pd.concat if hasattr(recent, "index") else np.concatenate
    return join([monitor.historical, recent[healthy]])


def _in_alarm(monitor, judged):
    """Return which windows alarm, or bring up the evidence that does, or by themselves are twice as far as any."""
    alarms = judged["drifted"].to_numpy(copy=True)
    if not monitor.accumulate:
        return alarms
    suspicious = judged[["evidence_slower", "evidence_faster"]].max(axis=1).to_numpy() > 0
    statistics = judged["statistic"].to_numpy()
    sizes = judged["rows"].to_numpy() if "rows" in judged else np.full(alarms.size, monitor.window)
    histories = monitor._histories.values()
    alarms, suspicious, statistics, sizes = (
        x.reshape(-1, len(histories)).T for x in (alarms, suspicious, statistics, sizes)
    )
    for history, mine, far, size in zip(histories, alarms, statistics, sizes, strict=True):
        mine |= far > FAR * history.threshold(1, np.maximum(size, 1))
    for mine, stretch in zip(alarms, suspicious | alarms, strict=True):
        number = np.cumsum(np.diff(stretch, prepend=False))
        mine |= stretch & np.isin(number, number[mine])
    return alarms.T.ravel()


def _successor(monitor, historical, settings, **known):
    """Return a monitor of another history that goes on where this one has come to."""
    successor = type(monitor).__new__(type(monitor))
    successor._build(historical, settings, wanted=monitor._wanted, **known)
    successor.about = monitor.about
    none = np.zeros_like(monitor.state.evidence)
    successor.state = replace(monitor.state, monitor=successor._identity, evidence=none)
    return successor
