"""Counts in buckets are the same wherever they are made: in numpy, by DuckDB, and on a cluster through ibis."""

import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.buckets import ENDS, MONDAY, REQUESTS, by_duckdb
from utils.alarm.counts import count_into_buckets


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    """Return a Parquet file of a million requests, and as many as can go wrong: on a bound, and next to it."""
    bounds = ENDS[:-1]
    tricky = np.concatenate([[0.0, 1e6], bounds, np.nextafter(bounds, 0), np.nextafter(bounds, np.inf)])
    hours = pd.date_range(MONDAY, periods=tricky.size, freq="h")
    tricky = pd.DataFrame({"time": hours, "latency_ms": tricky})
    path = tmp_path_factory.mktemp("requests") / "requests.parquet"
    duckdb.execute(f"COPY ({REQUESTS.format(rows=1_000_000)} UNION ALL FROM tricky) TO '{path}'")
    return path


@pytest.fixture(scope="module")
def expected(requests):
    """Return the counts of each hour, one row an hour, by `count_into_buckets`."""
    table = duckdb.read_parquet(str(requests)).df()
    hours = table.groupby(table["time"].dt.floor("h"))["latency_ms"]
    return np.array([count_into_buckets(values, ENDS[:-1]) for _, values in hours])


def test_one_query_of_duckdb_counts_as_count_into_buckets_does(requests, expected):
    np.testing.assert_array_equal(by_duckdb(requests.with_suffix("")), expected)


def by_hour_and_bucket(table):
    """Return the counts as an ibis expression, which any of its backends can run."""
    bucket = table.latency_ms.bucket([0, *ENDS[:-1].tolist()], closed="right", include_over=True)
    return table.group_by(hour=table.time.truncate("h"), bucket=bucket).agg(count=table.count())


@pytest.mark.slow
def test_one_expression_counts_the_same_on_duckdb_and_on_spark(requests, expected):
    ibis = pytest.importorskip("ibis", reason="ibis is not installed: pip install 'ibis-framework[duckdb]'")
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or later, and there is no java on the path")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", False)
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    session = builder.config("spark.sql.warehouse.dir", str(requests.parent)).getOrCreate()
    try:
        for backend in (ibis.duckdb.connect(), ibis.pyspark.connect(session)):
            table = by_hour_and_bucket(backend.read_parquet(str(requests))).execute()
            table = table.pivot(index="hour", columns="bucket", values="count")
            counts = table.reindex(columns=range(ENDS.size)).fillna(0)
            np.testing.assert_array_equal(counts, expected, err_msg=backend.name)
    finally:
        session.stop()
