"""A monitor for the service as it is after a change that somebody approved; `DriftMonitor.rebase` has the words."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from .rows import levels


def rescaled(monitor, recent):
    """Return a monitor of history times the factor by which `recent` moved from it."""
    clock, factors, wander = monitor._clock, {}, 0.0
    now = monitor._rows(recent, "recent", monitor.start if clock.by_time else monitor.state)
    then = monitor._rows(monitor.historical, "historical")
    for name, history in monitor._histories.items():
        if history.sorted[0] < 0:
            raise ValueError('historical holds negative values, which no factor moves; use how="restart".')
        cycles = monitor._cycles.get(name)
        values, first, sizes, seconds = then.column(name, clock)
        values = values if cycles is None else cycles.clean_history(values, seconds)
        before = levels(values, first, sizes, clock)
        values, first, sizes, seconds = now.column(name, clock)
        values = values if cycles is None else cycles.clean(values, seconds)
        after = levels(values, first, sizes, clock)
        if not after.size:
            raise ValueError("recent has no whole window to measure the change by; wait for more.")
        factors[name] = math.exp(after.mean() - before.mean())
        # How far stretches of history, as long as what was measured, lie from all of it.
        stretches = np.convolve(before, np.full(after.size, 1 / after.size), mode="valid")
        wander = max(wander, stretches.std(), before.std() / math.sqrt(after.size))
    history = monitor.historical * (pd.Series(factors) if monitor._is_table else factors[None])
    if isinstance(history, pd.Series):
        history.attrs["unit"] = monitor.unit
    successor = _successor(monitor, history, monitor.settings, wander=wander)
    successor.factor = factors if monitor._is_table else factors[None]
    return successor


def restarted(monitor, recent):
    """Return a monitor of `recent` alone, with the cycles and the budget that it supports."""
    settings, clock, wanted = dict(monitor.settings), monitor._clock, monitor._wanted["cycles"]
    settings["cycles"], kept = wanted, None
    if wanted is not None:
        in_time = clock.origin is not None
        periods = [pd.Timedelta(one).total_seconds() if in_time else one for one in np.atleast_1d(wanted)]
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
    settings["false_alarm_rate"] = max(monitor._wanted["false_alarm_rate"], 1 / (blocks + 1))
    return _successor(monitor, recent, settings, cycles=kept)


def extended(monitor, recent):
    """Return history and `recent` together, without the windows of `recent` that are in alarm."""
    check = monitor.check_frame if monitor._is_table else monitor.check_many
    judged = check(recent, after=monitor.start)
    if monitor._clock.by_time:
        alarms = judged.index.get_level_values("window")[_in_alarm(monitor, judged)]
        numbers = monitor._clock.numbers(monitor._clock.index(recent, "recent"))
        before = monitor._clock.numbers(monitor._clock.index(monitor.historical, "historical"))
        healthy = recent[~np.isin(numbers, monitor._clock.numbers(alarms))]
        return pd.concat([monitor.historical[~np.isin(before, numbers)], healthy])
    alarms = _in_alarm(monitor, judged).reshape(-1, len(monitor._histories)).any(axis=1)
    healthy = np.append(np.repeat(~alarms, monitor.window), np.zeros(len(recent) % monitor.window, bool))
    join = pd.concat if hasattr(recent, "index") else np.concatenate
    return join([monitor.historical, recent[healthy]])


def _in_alarm(monitor, judged):
    """Return which windows alarm, or bring up the evidence that does."""
    alarms = judged["drifted"].to_numpy(copy=True)
    if not monitor.accumulate:
        return alarms
    suspicious = judged[["evidence_slower", "evidence_faster"]].max(axis=1).to_numpy() > 0
    metrics = len(monitor._histories) if monitor._is_table else 1
    alarms, suspicious = (x.reshape(-1, metrics).T for x in (alarms, suspicious))
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
