"""What it costs to read a large file of each kind, beside pandas' reading of the same CSV."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from tests.benchmarks.timing import print_table

ROWS = 10_000_000
MEASURE = """
import resource, sys, time
{imports}
start = time.perf_counter()
n = {read}
print(n, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
OURS = "from utils.alarm.data import load_latencies", "len(load_latencies(sys.argv[1]).latencies)"
PANDAS = "import pandas as pd", "len(pd.read_csv(sys.argv[1], parse_dates=['time']))"
STAMP = "strftime(TIMESTAMP '2026-01-01' + INTERVAL 100 MILLISECOND * range, '%Y-%m-%dT%H:%M:%S.%gZ')"
CELLS = f"SELECT {STAMP} AS time, 100 + (range * 7919 % 10007) / 100 AS latency_ms FROM range({{rows}})"


def cost(path, imports, read):
    """Return the rows read, the seconds, and the peak of memory in MB, in a process of its own."""
    code = MEASURE.format(imports=imports, read=read)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


def main():
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        csv, ndjson, parquet = (Path(folder, f"latencies.{kind}") for kind in ("csv", "json", "parquet"))
        duckdb.sql(CELLS.format(rows=ROWS)).write_csv(str(csv))
        duckdb.sql(CELLS.format(rows=ROWS)).write_parquet(str(parquet))
        with ndjson.open("w") as lines:
            for i in range(ROWS // 10):
                lines.write(
                    json.dumps({"ts": 1_772_000_000 + i, "path": "/a", "duration_ms": i % 997}) + "\n"
                )
        for what, path, measured in (
            (f"CSV, {ROWS:,} rows", csv, OURS),
            ("the same by pandas", csv, PANDAS),
            (f"Parquet, {ROWS:,} rows", parquet, OURS),
            (f"lines of JSON, {ROWS // 10:,}", ndjson, OURS),
        ):
            n, seconds, megabytes = cost(path, *measured)
            rows.append([what, f"{n:,.0f}", f"{seconds:.1f} s", f"{megabytes:,.0f} MB"])
    print_table("Reading files (wall time; all cores)", ["what", "rows", "time", "peak of memory"], rows)
