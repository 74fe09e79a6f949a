"""The days that the operator's benchmark plays through: a healthy history, and what comes after it.

Each maker takes a random generator and returns a world: `historical`, then `healthy`, ninety days without
incidents, and `spoiled`, the same days with the incidents of `pager`, listed in `events`.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from tests.benchmarks.canary import serve
from tests.benchmarks.pager import DAY, HOURS, INCIDENTS, WINDOW, Service, plant
from tests.benchmarks.promises import ar1
from utils.alarm.canary import compare_canary

MONDAY, MINUTE, HOUR = pd.Timestamp("2026-01-05"), pd.Timedelta("1min"), pd.Timedelta("1h")
BUSY = {"quietest": 20, "busiest": 2_000, "hourly": 0.02}
SHIFTS = {
    f"{shift} % in {where}": 1 + shift / 100 for shift in (10, 25) for where in ("one host", "all hosts")
}


def timed(values, start=MONDAY):
    """Return values as a Series, one a minute."""
    return pd.Series(values, pd.date_range(start, periods=len(values), freq="min"))


def hours_of(times, recent):
    """Return in which hour of `recent` each time lies."""
    return ((times - recent.index[0].floor("h")) // HOUR).to_numpy()


def world(rng, historical, healthy, **facts):
    """Return history and what follows, to which incidents are added."""
    _, events = plant(np.ones(HOURS * WINDOW), rng)
    spoiled, hours = healthy.to_numpy(copy=True), hours_of(healthy.index, healthy)
    for kind, first, lasting in events:
        rows = slice(*np.searchsorted(hours, [first, first + lasting]))
        spoiled[rows] = INCIDENTS[kind][0](spoiled[rows], rng)
    spoiled = pd.Series(spoiled, healthy.index)
    return SimpleNamespace(historical=historical, healthy=healthy, spoiled=spoiled, events=events, **facts)


def every_minute(rng, export=None):
    """Return a world with one row a minute, or with what an export makes of it."""
    historical, healthy = Service().healthy(rng)
    made = world(rng, timed(historical), timed(healthy, MONDAY + historical.size * MINUTE))
    if export is not None:
        made.historical, made.healthy, made.spoiled = (
            export(rows, rng) for rows in (made.historical, made.healthy, made.spoiled)
        )
    return made


def with_gaps(rows, rng):
    """Return rows of which 3 % are missing."""
    return rows[rng.random(len(rows)) >= 0.03]


def delivered_twice(rows, rng):
    """Return rows of which one hour in fifty is delivered again, after itself."""
    hours = np.arange(len(rows)).reshape(-1, WINDOW)
    return rows.iloc[np.repeat(hours, np.where(rng.random(len(hours)) < 0.02, 2, 1), axis=0).ravel()]


def requests(rng, days, start=0, quietest=60, busiest=60, hourly=0.0):
    """Return requests at random times, fewest at midnight; hours differ in level by `hourly`."""
    hours = 24 * start + np.arange(24 * days)
    busy = (1 - np.cos(2 * np.pi * (hours + 0.5) / 24)) / 2
    hour = np.repeat(hours, rng.poisson(quietest * (busiest / quietest) ** busy))
    minutes = np.sort(hour + rng.random(hour.size)) * 60
    levels = hourly * rng.normal(size=hours.size)[hour - hours[0]]
    logs = Service().log_level(minutes) + levels + Service().noise * ar1(rng, hour.size, Service().rho)
    return pd.Series(np.exp(logs), MONDAY + pd.to_timedelta(minutes, unit="min"))


def at_random(rng, **traffic):
    """Return a world of requests that come at random."""
    return world(rng, requests(rng, 35, **traffic), requests(rng, HOURS // 24, start=35, **traffic))


def busy_weeks(rng, days=35):
    """Return history and healthy days, both with few requests by night and many by day."""
    return requests(rng, 35, **BUSY), requests(rng, days, start=35, **BUSY)


def released(rng, factor=1.05):
    """Return a world whose service is slower from a week (`trial`) before the ninety days on."""
    rows = timed(np.concatenate(Service(history_days=42).healthy(rng)))
    rows[35 * DAY :] *= factor
    ratio = compare_canary(*serve(rng, hours=3, share=0.2, rho=0.7, factor=factor)).ratio
    return world(rng, rows[: 35 * DAY], rows[42 * DAY :], trial=rows[35 * DAY : 42 * DAY], ratio=ratio)


def always_releasing(rng):
    """Return a world with a release of -3 % to +5 % each weekday at ten that has no incident until four."""
    made = every_minute(rng)
    every = [hour for hour in range(10, HOURS - 6, 24) if hour // 24 % 7 < 5]
    steps = dict(zip(every, np.exp(rng.uniform(-0.03, 0.05, len(every))), strict=True))
    clear = [h for h in every if all(h + 6 <= first or h >= first + n for _, first, n in made.events)]
    made.releases = {"healthy": every, "spoiled": clear}
    for days, hours in made.releases.items():
        factors = np.ones(HOURS)
        for hour in hours:
            factors[hour:] *= steps[hour]
        setattr(made, days, getattr(made, days) * np.repeat(factors, WINDOW))
    return made


def with_a_past(rng):
    """Return a world with three incidents in its history."""
    made = every_minute(rng)
    starts = 48 * WINDOW * np.sort(rng.choice(np.arange(1, 16), 3, replace=False))
    made.stretches = [(MONDAY + start * MINUTE, MONDAY + (start + 6 * WINDOW) * MINUTE) for start in starts]
    for kind, start in zip(("deploy 25 %", "bad node", "leak"), starts, strict=True):
        rows = made.historical.iloc[start : start + 6 * WINDOW]
        made.historical[rows.index] = INCIDENTS[kind][0](rows.to_numpy(), rng)
    return made


def in_berlin(rng, change, days=28):
    """Return history and the days after a change of the clock: used in Berlin, stamped in UTC."""
    index = pd.date_range(pd.Timestamp(change) - pd.Timedelta(days=35), periods=(35 + days) * DAY, freq="min")
    wall = index.tz_localize("UTC").tz_convert("Europe/Berlin").tz_localize(None)
    level = Service().log_level(((wall - MONDAY) / MINUTE).to_numpy())
    rows = pd.Series(np.exp(level + Service().noise * ar1(rng, index.size, Service().rho)), index)
    return rows[: 35 * DAY], rows[35 * DAY :]


def many_metrics(rng, endpoints, hosts, days=HOURS // 24, each=12):
    """Return a world of tables, one column a host of each endpoint, into which `SHIFTS` are planted."""
    names = pd.MultiIndex.from_product([range(endpoints), range(hosts)], names=["endpoint", "host"])
    level = Service().log_level(np.arange((35 + days) * DAY))
    columns = [np.exp(level + Service().noise * ar1(rng, level.size, Service().rho)) for _ in names]
    table = pd.DataFrame(np.column_stack(columns), timed(level).index, names)
    historical, healthy = table.iloc[: 35 * DAY], table.iloc[35 * DAY :]
    values, events = healthy.to_numpy(copy=True), []
    starts = rng.permutation(np.arange(24, 24 * days - 12, 12))
    for kind, first in zip(each * list(SHIFTS), starts, strict=False):
        columns = int(rng.integers(endpoints)) * hosts + np.arange(hosts)
        columns = columns if kind.endswith("all hosts") else rng.choice(columns, 1)
        values[first * WINDOW : (first + 6) * WINDOW, columns] *= SHIFTS[kind]
        events.append((kind, int(first), columns))
    spoiled = pd.DataFrame(values, healthy.index, names)
    return SimpleNamespace(historical=historical, healthy=healthy, spoiled=spoiled, events=events)
