"""The operator's benchmark: a month on call with real exports, clock changes, releases and many metrics.

The service, its six kinds of incident and the budget of one page a month are those of `pager`: 35 days of
history, then 90 days in hourly windows with twelve incidents of each kind. What a naive program would do
stands beside. Pages a month are told beside incidents (false) and in the same days without any (quiet), with
standard errors over seeds.

Run it alone as ``python -m tests.benchmarks.operator``, with a factor for the seeds and the names of parts.
"""

import sys
import tempfile
import time
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks import worlds
from tests.benchmarks.pager import ALL, CLOCKS, HOURS, INCIDENTS, MONTH, WEEK, WINDOW
from utils.alarm.monitor import DriftMonitor

CYCLES = ("1D", "7D")
SHARES = {*INCIDENTS, *worlds.SHIFTS, "warned"}


# --- rules: what pages in which hour (nan where nothing is judged), and the budget of an hour ---------------


def build(historical, window="1h", **options):
    """Return the monitor that all rules use unless they say otherwise."""
    cycles = CYCLES if isinstance(historical, (pd.Series, pd.DataFrame)) else CLOCKS
    return DriftMonitor(historical, window, **{"statistic": ALL, "cycles": cycles} | options)


def judge(monitor, recent):
    """Return the table of windows that follow history."""
    return monitor.check_many(recent, after=monitor.start)


def by_hour(table, recent):
    """Return 1 for each hour that pages."""
    found = np.zeros(HOURS)
    found[worlds.hours_of(table.index[table["drifted"].to_numpy()], recent)] = 1
    return found


def ours(made, days, prepare=lambda monitor, made: monitor, **options):
    """Windows of an hour, after what is done with the monitor first."""
    monitor, recent = prepare(build(made.historical, **options), made), getattr(made, days)
    return by_hour(judge(monitor, recent), recent), monitor.false_alarm_rate


def by_count(made, days, cycles=CLOCKS, **options):
    """The naive way: sixty rows are an hour, and perhaps a row is a minute."""
    historical, recent = made.historical.sort_index(), getattr(made, days).sort_index()
    recent = recent[: len(recent) // WINDOW * WINDOW]
    monitor = build(
        historical.to_numpy() if cycles == CLOCKS else historical, WINDOW, cycles=cycles, **options
    )
    return by_hour(judge(monitor, recent).set_axis(recent.index[WINDOW - 1 :: WINDOW]), recent), 1 / MONTH


def hourly(made, days, step, in_time=False, path=None, **options):
    """A program that runs once an hour, perhaps from a file, and takes a `step` with the rows of the hour."""
    historical, recent = made.historical, getattr(made, days)
    if not in_time:
        historical, recent = historical.to_numpy(), recent.to_numpy()
    monitor, tables = build(historical, "1h" if in_time else WINDOW, **options), []
    for start in range(0, len(recent), WINDOW):
        tables.append(step(monitor, recent[start : start + WINDOW]))
        if path is not None:
            monitor.save(path)
            monitor = DriftMonitor.load(path)
    found = pd.concat(tables, ignore_index=not in_time)
    if step is DriftMonitor.follow:  # bit for bit
        pd.testing.assert_frame_equal(
            found, judge(monitor, recent), check_exact=True, check_freq=False, check_names=False
        )
    return found["drifted"].to_numpy(float), 1 / MONTH


def rescaled(monitor, made, hours):
    """Rescale by so many hours of the release."""
    return monitor.rebase(made.trial[: hours * WINDOW], "rescale")


def multiplied(monitor, made, factor=None):
    """Multiply history by the canary's ratio, or naively by the factor of six hours."""
    factor = made.ratio if factor is None else factor(monitor, made).factor
    return build(factor * made.historical, accumulate=monitor.accumulate)


def restarted(monitor, made):
    """Start again with the week after the release."""
    return monitor.rebase(made.trial, "restart")


def extended(made, days, reviewed=False, **options):
    """Start again, and add each week to history: all of it, or what was no incident."""
    monitor, recent = restarted(build(made.historical, **options), made), getattr(made, days)
    found, budgets, healthy = np.zeros(HOURS), np.zeros(HOURS), np.ones(HOURS, bool)
    for _, first, lasting in made.events if reviewed and days == "spoiled" else ():
        healthy[first : first + lasting] = False
    for first in range(0, HOURS, WEEK // WINDOW):
        hours = slice(first, first + WEEK // WINDOW)
        week = recent[first * WINDOW : first * WINDOW + WEEK]
        found[hours], budgets[hours] = judge(monitor, week)["drifted"], monitor.false_alarm_rate
        monitor = monitor.rebase(week[np.repeat(healthy[hours], WINDOW)], "extend")
    return found, budgets


def each_time(made, days, rescale=True, **options):
    """Six hours after each release are left out, and history is rescaled by them, or stays as it was."""
    monitor, recent, found = build(made.historical, **options), getattr(made, days), np.full(HOURS, np.nan)
    for first, end in zip([-6, *made.releases[days]], [*made.releases[days], HOURS], strict=True):
        if rescale and first >= 0:
            monitor = monitor.rebase(recent[first * WINDOW : (first + 6) * WINDOW], "rescale")
        found[first + 6 : end] = judge(monitor, recent[(first + 6) * WINDOW : end * WINDOW])["drifted"]
    return found, 1 / MONTH


def excluded(made, days, **options):
    """History without the incidents that are known."""
    return ours(made, days, exclude=made.stretches, **options)


def both(name, rule, *arguments, **options):
    """Return a rule by its name with evidence accumulated, and the same with single windows."""
    rule = partial(rule, *arguments, **options)
    return {name: partial(rule, accumulate=True), f"{name}, single": partial(rule, accumulate=False)}


# --- the measurement ---------------------------------------------------------------------------------------


def measure(make, rules, score, seeds, seed=2026):
    """Return, by rule, a DataFrame with one row a seed: what `score` says of the rule in the world."""
    found = {name: [] for name in rules}
    for number in range(seeds):
        made = make(np.random.default_rng([seed, number]))
        for name, rule in rules.items():
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                found[name].append(score(rule, made))
            found[name][-1]["warned"] = bool(said)
    return {name: pd.DataFrame(rows) for name, rows in found.items()}


def pages(rule, made):
    """Return pages a month beside incidents, without any, and promised; and the share caught of each kind."""
    found, budget = rule(made, "spoiled")
    calm, caught = ~np.isnan(found), {kind: [] for kind in INCIDENTS}
    for kind, first, lasting in made.events:
        calm[first : first + lasting + 1] = False
        caught[kind].append(np.nansum(found[first : first + lasting]) > 0)
    rates = {
        "false": found[calm].mean(),
        "quiet": np.nanmean(rule(made, "healthy")[0]),
        "promise": np.mean(budget),
    }
    return {name: MONTH * rate for name, rate in rates.items()} | {
        k: np.mean(hits) for k, hits in caught.items()
    }


def quiet(rule, made):
    """Return pages a month in healthy days."""
    historical, recent = made
    return {"quiet": MONTH * judge(rule(historical), recent)["drifted"].mean()}


def thirds(rule, made, rate):
    """Return alarms as multiples of the rate, in each third of traffic and in all."""
    historical, recent = made
    table = rule(historical, recent, rate).sort_values("rows")
    parts = np.array_split(table["drifted"].to_numpy(), 3)
    names = "quiet hours", "middle", "busy hours", "all"
    return {name: part.mean() / rate for name, part in zip(names, [*parts, table["drifted"]], strict=True)}


def metrics_found(rule, made):
    """Return hours with any false page a month, and the share of each kind of shift found in its six hours."""
    healthy, spoiled = rule(made.historical, (made.healthy, made.spoiled))
    caught = defaultdict(list)
    for kind, first, columns in made.events:
        caught[kind].append(spoiled[first : first + 6, columns].any())
    return {"quiet": MONTH * healthy.any(axis=1).mean()} | {k: np.mean(hits) for k, hits in caught.items()}


def show(title, found):
    """Print a table of rules: means over seeds, of numbers that are no shares with their standard errors."""
    columns = {column: max(14, len(column) + 2) for column in next(iter(found.values()))}
    print(f"\n{title}; seeds: {len(next(iter(found.values())))}")
    print(f"{'':40s}" + "".join(f"{column:>{width}s}" for column, width in columns.items()))
    for name, rows in found.items():
        means, errors = rows.mean(), rows.astype(float).sem()
        cells = (
            f"{means[column]:.0%}" if column in SHARES else f"{means[column]:.2f} ±{errors[column]:.2f}"
            for column in columns
        )
        line = zip(cells, columns.values(), strict=True)
        print(f"{name:40s}" + "".join(f"{cell:>{width}s}" for cell, width in line), flush=True)


# --- the tables --------------------------------------------------------------------------------------------


def cron(seeds):
    """Run once an hour: from one state to the next, or afresh."""
    rules = both("follow, windows of 60", hourly, step=DriftMonitor.follow)
    rules |= both("follow, windows of 1h", hourly, step=DriftMonitor.follow, in_time=True)
    rules |= both("naive: each hour afresh", hourly, step=judge)
    title = "Run 2,160 times, found bit for bit what one check of all finds"
    show(title, measure(worlds.every_minute, rules, pages, seeds))
    with tempfile.TemporaryDirectory() as folder:
        path, made = Path(folder) / "monitor.npz", worlds.every_minute(np.random.default_rng([2026, 0]))
        found, _ = hourly(made, "healthy", DriftMonitor.follow, in_time=True, path=path, accumulate=True)
    print(f"Saved and loaded each hour, bit for bit the same: {found.sum():.0f} pages in 90 quiet days")


def exports(seeds):
    """Judge exports as they are."""
    rules, naive = both("windows of 1h", ours), both("naive: windows of 60 rows", by_count)
    in_time = both("naive: windows of 60 rows", by_count, cycles=CYCLES)
    gaps, twice = (
        partial(worlds.every_minute, export=export) for export in (worlds.with_gaps, worlds.delivered_twice)
    )
    show("3 % of rows missing", measure(gaps, rules | naive, pages, seeds))
    show("One hour in 50 delivered twice", measure(twice, rules | naive, pages, seeds))
    show("Requests at random, 60 an hour", measure(worlds.at_random, rules | in_time, pages, seeds))
    busy = partial(worlds.at_random, **worlds.BUSY)
    show("At random, 20 an hour by night, 2,000 by day", measure(busy, rules, pages, seeds))


def traffic(seeds):
    """Judge healthy weeks in which traffic differs."""
    rules = {
        "windows of 1h": partial(by_rank, accumulate=True),
        "windows of 1h, single": by_rank,
        "windows of 1h, KS, single": partial(by_rank, statistic="ks"),
        "naive: D times the root of the rows": by_root,
    }
    for often in (720, 100):
        found = measure(worlds.busy_weeks, rules, partial(thirds, rate=1 / often), seeds)
        show(f"20 requests an hour by night, 2,000 by day: healthy alarms as multiples of 1/{often}", found)


def by_rank(historical, recent, rate, **options):
    """Return the table of our monitor."""
    return judge(build(historical, false_alarm_rate=rate, **options), recent)


def by_root(historical, recent, rate):
    """Return the table of the naive way: D times the root of the rows is ranked."""
    monitor = build(historical, statistic="ks")
    blocks, table = judge(monitor, historical), judge(monitor, recent)
    share_left = 1 - blocks["rows"] / monitor.n_historical  # of history, when the block is left out of it
    healthy = np.sort(blocks["statistic"] / share_left * np.sqrt(blocks["rows"]))
    limit = healthy[-int((healthy.size + 1) * rate * (1 + 1e-9))]
    return table.assign(drifted=table["statistic"] * np.sqrt(table["rows"]) >= limit)


def clocks(seeds):
    """Judge the four weeks after each change of the clock."""
    rules = both("timezone", build, timezone="Europe/Berlin") | both("naive: UTC", build)
    for change in ("2026-03-29", "2026-10-25"):
        found = measure(partial(worlds.in_berlin, change=change), rules, quiet, seeds)
        show(f"From {change} on, used in Berlin, stamped in UTC", found)


def releases(seeds):
    """Judge what follows releases, and incidents in history."""
    rules, six = both("naive: the old baseline", ours), partial(rescaled, hours=6)
    for hours in (6, 24, 72):
        rules |= both(f"rescaled by {hours} h", ours, prepare=partial(rescaled, hours=hours))
    rules |= both("naive: times the factor of 6 h", ours, prepare=partial(multiplied, factor=six))
    rules |= both("times the canary's ratio, 3 h", ours, prepare=multiplied)
    rules |= both("restarted after a week", ours, prepare=restarted)
    rules |= both("extended each week", extended)
    rules |= both("extended, incidents left out", extended, reviewed=True)
    show("After a release that is 5 % slower", measure(worlds.released, rules, pages, seeds))
    rules = both("rescaled by 6 h each time", each_time)
    rules |= both("naive: the old baseline", each_time, rescale=False)
    show("Five releases a week of -3 to +5 %", measure(worlds.always_releasing, rules, pages, seeds))
    rules = both("excluded", excluded) | both("naive: left in", ours)
    show("Three incidents in history", measure(worlds.with_a_past, rules, pages, seeds))


def one_budget(historical, recents):
    """Return which metrics page in which hours, under one budget for all."""
    monitor = build(historical, accumulate=True)
    tables = (monitor.check_frame(recent, after=monitor.start) for recent in recents)
    return [table["drifted"].to_numpy().reshape(-1, historical.shape[1]) for table in tables]


def separately(historical, recents):
    """Return the same of a monitor for each metric, each with a budget of its own: the naive way."""
    monitors = {name: build(historical[name], accumulate=True) for name in historical}
    tables = ([judge(m, recent[name]) for name, m in monitors.items()] for recent in recents)
    return [np.column_stack([table["drifted"] for table in each]) for each in tables]


def metrics(seeds):
    """Judge many metrics under one budget."""
    rules = {"one budget for all": one_budget, "naive: each its own": separately}
    for endpoints, hosts, few in ((10, 3, seeds), (40, 6, max(2, seeds // 4))):
        make = partial(worlds.many_metrics, endpoints=endpoints, hosts=hosts)
        show(f"{endpoints} endpoints on {hosts} hosts", measure(make, rules, metrics_found, few))


PARTS = {cron: 4, exports: 16, traffic: 80, clocks: 32, releases: 8, metrics: 8}


def main(factor=1.0, *parts):
    """Print all tables, or those of some parts, with so many times the usual seeds."""
    started = time.perf_counter()
    print("Operator benchmark: ninety days in hourly windows, budget one false page a month")
    for part, seeds in PARTS.items():
        if not parts or part.__name__ in parts:
            part(max(2, round(float(factor) * seeds)))
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
