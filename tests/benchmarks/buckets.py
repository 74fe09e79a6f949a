"""Counts in buckets: how right their p-values are, what a pager on them misses, and what it takes to count.

Run it alone as ``python -m tests.benchmarks.buckets``, with the number of requests to be counted.
"""

import subprocess
import sys
import tempfile
from collections import defaultdict

import duckdb
import numpy as np
import pandas as pd
from scipy import stats

from tests.benchmarks.operator import CYCLES
from tests.benchmarks.pager import ALL, INCIDENTS, MONTH, WINDOW, Service, measure
from tests.benchmarks.timing import print_table
from tests.benchmarks.worlds import MINUTE, MONDAY, timed
from utils.alarm import counts as model
from utils.alarm.counts import compare_counts, count_into_buckets, exponential_bounds, shuffled_p_value
from utils.alarm.monitor import DriftMonitor

GROWTH = 2 ** (1 / 8)
BOUNDS = {
    "Prometheus' defaults": [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000],
    "growth 2": exponential_bounds(2, 10, 10_000),
    "growth 9 %": exponential_bounds(GROWTH, 10, 10_000),
    "growth 4.4 %": exponential_bounds(2 ** (1 / 16), 10, 10_000),
}
LEVELS = np.array([0.05, 0.01])


# --- p-values ----------------------------------------------------------------------------------------------


def rates(n=1_000, m=500, shift_ms=0.0, trials=2_000, seed=2026):
    """Return the share of p-values at most 5 % and at most 1 %: a dict by what is compared and how."""
    bounds = BOUNDS | {"20 quantiles": stats.norm(150, 20).ppf(np.arange(1, 21) / 21)}
    rng, found = np.random.default_rng([seed, n, m]), defaultdict(list)
    for _ in range(trials):
        values = rng.normal(150, 20, n), rng.normal(150 + shift_ms, 20, m)
        found["raw values, KS"].append(stats.ks_2samp(*values, method="asymp").pvalue)
        for name, ends in bounds.items():
            both = [count_into_buckets(some, ends) for some in values]
            result = compare_counts(*both)
            found[f"{name}, KS"].append(stats.kstwo.sf(result.statistic, round(n * m / (n + m))))
            found[f"{name}, shuffled"].append(shuffled_p_value(*both, rng=rng))
            found[f"{name}, compare_counts"].append(result.p_value)
    return {name: (np.array(p)[:, np.newaxis] <= LEVELS).mean(axis=0) for name, p in found.items()}


def print_rates(trials=2_000):
    """Print sizes, and what a shift of 3 ms does; an asterisk marks sizes outside the 95 % interval."""
    low, high = np.array([stats.binom.interval(0.95, trials, level) for level in LEVELS]).T / trials
    for n, m in ((1_000, 500), (100, 60)):
        sizes, powers = rates(n, m, trials=trials), rates(n, m, 3.0, trials)
        rows = []
        for name, size in sizes.items():
            marks = np.where((size < low) | (size > high), "*", " ")
            cells = [f"{share:.2%}{mark}" for share, mark in zip(size, marks, strict=True)]
            rows.append([name, *cells, *(f"{share:.1%}" for share in powers[name])])
        print_table(
            f"p-values, {n:,} against {m:,} of N(150, 20); * outside {low[0]:.2%} to {high[0]:.2%} or "
            f"{low[1]:.2%} to {high[1]:.2%}, the 95 % intervals of {trials:,} trials",
            ["bounds, p-value", "size at 5 %", "at 1 % ", "3 ms found at 5 %", "at 1 %"],
            rows,
        )


# --- on call -----------------------------------------------------------------------------------------------


def hourly(values, bounds, start=MONDAY):
    """Return counts of latencies, one a minute: one row an hour, one column a bucket."""
    edges = model.as_edges(bounds)
    place = np.arange(values.size) // WINDOW * (edges.size - 1) + np.searchsorted(edges[1:], values)
    rows = np.bincount(place, minlength=values.size // WINDOW * (edges.size - 1)).reshape(-1, edges.size - 1)
    hours = pd.date_range(start, periods=len(rows), freq="h")
    return pd.DataFrame(rows, hours, model.as_buckets(edges, "latency_ms"))


def on_call(prepare):
    """Return the pager's rule on what `prepare` makes of latencies and of when they start."""

    def rule(historical, recent):
        options = {"statistic": ALL, "cycles": CYCLES, "accumulate": True}
        monitor = DriftMonitor(prepare(historical, MONDAY), "1h", 1 / MONTH, **options)
        after = prepare(recent, MONDAY + historical.size * MINUTE)
        return monitor.check_many(after, after=monitor.start)["drifted"].to_numpy()

    return rule


ON_CALL = {"raw values": on_call(timed)} | {
    name: on_call(lambda values, start, bounds=bounds: hourly(values, bounds, start))
    for name, bounds in BOUNDS.items()
}


def print_on_call(seeds=range(100, 116)):
    """Print the pager benchmark for each kind of bounds, with standard errors over the seeds."""
    rows = []
    for name, rule in ON_CALL.items():
        scores = [measure(rule, Service(), [seed]) for seed in seeds]
        row = [name]
        for pages in ("false_pages", "quiet_pages"):
            each = np.array([getattr(score, pages) for score in scores])
            row.append(f"{each.mean():.2f} ± {each.std(ddof=1) / np.sqrt(each.size):.2f}")
        row += [f"{np.mean([score.caught[kind] for score in scores]):.0%}" for kind in INCIDENTS]
        rows.append([*row, f"{np.median([score.delay for score in scores]):.0f} h"])
    print_table(
        f"On call: one false page a month allowed, three statistics, cycles, accumulated; {len(seeds)} seeds",
        ["what is kept", "false a month", "quiet", *INCIDENTS, "delay"],
        rows,
    )


# --- a hundred million requests ----------------------------------------------------------------------------

HOURS, CHUNK, FEW = 720, 200_000, 10_000_000
ENDS = model.as_edges(BOUNDS["growth 9 %"])[1:]
REQUESTS = f"""SELECT TIMESTAMP '{MONDAY}' + to_microseconds(range * ({HOURS * 3_600_000_000} // {{rows}})) AS time,
    round(150 * exp(0.3 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())), 3) AS latency_ms
FROM range({{rows}})"""
QUERY = """WITH counts AS (
    SELECT date_trunc('hour', time) AS hour, histogram(latency_ms, $ends) AS buckets FROM '{path}.parquet' GROUP BY hour
)
SELECT hour, unnest(map_keys(buckets)) AS le, unnest(map_values(buckets)) AS count FROM counts"""


def by_duckdb(path):
    """Return counts, hours by buckets, from one query within 400 MB."""
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '400MB'; SET enable_progress_bar = false")
        table = con.execute(QUERY.format(path=path), {"ends": ENDS.tolist()}).df()
    counts = np.zeros((HOURS, ENDS.size), np.int64)
    hour = (table["hour"] - MONDAY) // pd.Timedelta("1h")
    counts[hour, np.searchsorted(ENDS, table["le"])] = table["count"]
    return counts


def by_numpy(path, place):
    """Return the same from numbers as they lie in memory, read in chunks: nothing has to be unpacked."""
    counts, first = np.zeros(HOURS * ENDS.size, np.int64), int(MONDAY.timestamp()) * 1_000_000
    with open(f"{path}.times", "rb") as times, open(f"{path}.latencies", "rb") as latencies:
        while (stamps := np.fromfile(times, np.int64, CHUNK)).size:
            hour, bucket = (stamps - first) // 3_600_000_000, place(np.fromfile(latencies, float, CHUNK))
            counts += np.bincount(hour * ENDS.size + bucket, minlength=counts.size)
    return counts.reshape(HOURS, -1)


def logarithm(values):
    """Return the bucket of each value; where rounding may decide, the bound itself does."""
    place = np.log2(np.clip(values, ENDS[0], 1.01 * ENDS[-2]) / ENDS[0]) / np.log2(GROWTH)
    bucket = np.ceil(place).astype(np.int64)
    near = np.flatnonzero(np.abs(place - np.rint(place)) < 1e-9)
    bucket[near] = np.searchsorted(ENDS, values[near])
    return bucket


def by_pandas(path):
    """Return the same, the table in memory first."""
    table = duckdb.read_parquet(f"{path}.parquet").df()
    bucket = pd.cut(table["latency_ms"], np.append(0, ENDS), labels=False)
    counts = table.groupby([table["time"].dt.floor("h"), bucket]).size().unstack(fill_value=0)
    return counts.reindex(columns=range(ENDS.size), fill_value=0).to_numpy()


COUNTED = {
    "imports, and no more": "np.zeros(1)",
    "DuckDB, one query": "by_duckdb(path)",
    "numpy in chunks, by logarithms": "by_numpy(path, logarithm)",
    "numpy in chunks, by searchsorted": "by_numpy(path, ENDS.searchsorted)",
    "pandas": "by_pandas(path)",
}
CHILD = """
import re, sys, time, zlib
from tests.benchmarks.buckets import *
path, start, processor = sys.argv[1], time.perf_counter(), time.process_time()
counts = {task}
print(time.perf_counter() - start, time.process_time() - processor)
peak = re.search("VmHWM:(.*)kB", open("/proc/self/status").read())[1]  # ru_maxrss begins with the parent's
print(int(peak) / 1024, zlib.crc32(counts.tobytes()))
"""


def large(rows=100_000_000):
    """Yield for each way (name, rows, seconds, processor's, peak in MB, checksum): the fastest of three processes."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        for size in {rows, min(rows, FEW)}:
            con.sql(f"COPY ({REQUESTS.format(rows=size)}) TO '{folder}/{size}.parquet'")
        con.execute(f"SELECT epoch_us(time) AS t, latency_ms FROM '{folder}/{rows}.parquet'")
        raw = f"{folder}/{rows}"
        with open(f"{raw}.times", "wb") as times, open(f"{raw}.latencies", "wb") as values:
            while len(chunk := con.fetch_df_chunk(100)):
                chunk["t"].to_numpy().tofile(times)
                chunk["latency_ms"].to_numpy().tofile(values)
        for name, task in COUNTED.items():
            size = min(rows, FEW) if name == "pandas" else rows
            command = [sys.executable, "-c", CHILD.format(task=task), f"{folder}/{size}"]
            runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
            yield name, size, *min([float(number) for number in run.stdout.split()] for run in runs)


def print_large(rows=100_000_000):
    """Print what each way takes, and how many times as long a request as numpy takes where nothing is unpacked."""
    found, table = list(large(rows)), []
    base = next(seconds / size for name, size, seconds, *_ in found if "numpy" in name)
    assert len({checksum for _, size, *_, checksum in found[1:] if size == rows}) == 1, "the counts differ"
    for name, size, wall, processor, peak, _ in found:
        cells = f"{size:,}|{wall:.2f} s|{processor:.2f} s|{peak:,.0f} MB|{wall / size / base:.2f}"
        table.append([name, *cells.split("|")])
    print_table(
        "Counting by hour and bucket, fastest of three; DuckDB in 400 MB and on all cores, the others on one",
        ["how", "requests", "wall time", "processor", "peak of memory", "x numpy"],
        table,
    )


def main(rows=100_000_000):
    """Print the tables."""
    print_rates()
    print_on_call()
    print_large(rows)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
