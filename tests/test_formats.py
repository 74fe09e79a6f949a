"""What services, proxies, load tests and dashboards write: the same measurements from all of it, or a clear refusal."""

import bz2
import gzip
import io
import json
import lzma
import tempfile
import warnings
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utils.alarm.data import DataQualityWarning, load_latencies

TIMES = pd.date_range("2026-03-02", periods=40, freq="10s", tz="UTC")
MS = np.random.default_rng(42).gamma(8, 12, TIMES.size).round().astype(int)
REQUEST = '"GET /a?q=\\"x\\" HTTP/1.1" 200 612 "-" "curl/8 (a; b)"'


def lines(row, head="", foot=""):
    return head + "".join(row(time, int(ms)) + "\n" for time, ms in zip(TIMES, MS, strict=True)) + foot


def epoch(time):
    return int(time.timestamp())


def parquet(query):
    frame = pd.DataFrame({"time": TIMES.tz_localize(None), "ms": MS})  # noqa: F841, which DuckDB sees
    with tempfile.TemporaryDirectory() as folder:
        duckdb.sql(query).write_parquet(f"{folder}/p")
        return Path(folder, "p").read_bytes()


def zipped(**files):
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return target.getvalue()


def zstd(text):
    rows = ", ".join(f"('{line}')" for line in text.splitlines())
    target = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '|', COMPRESSION zstd)"
    with tempfile.TemporaryDirectory() as folder:
        duckdb.execute(f"COPY (FROM (VALUES {rows})) TO '{folder}/z' {target}")
        return Path(folder, "z").read_bytes()


CSV = lines(lambda t, ms: f"{t:%Y-%m-%dT%H:%M:%SZ},{ms}", "time,latency_ms\n")
NDJSON = lines(lambda t, ms: json.dumps({"ts": epoch(t), "msg": "done", "http": {"latency_ms": ms}}))
NGINX = lines(lambda t, ms: f"10.0.0.1 - - [{t:%d/%b/%Y:%H:%M:%S} +0000] {REQUEST} {ms / 1000:.3f}")
W3C = lines(
    lambda t, ms: f"{t:%Y-%m-%d} {t:%H:%M:%S} /a {ms}",
    "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs-uri-stem time-taken\n",
)
MATRIX = {
    "resultType": "matrix",
    "result": [
        {
            "metric": {"job": "a"},
            "values": [[epoch(t), f"{ms / 1000}"] for t, ms in zip(TIMES, MS, strict=True)],
        }
    ],
}
PROMETHEUS = json.dumps({"status": "success", "data": MATRIX})
JTL = lines(
    lambda t, ms: f'<httpSample t="{ms}" lt="{ms - 1}" ts="{epoch(t)}000" s="true" lb="a" rc="200"/>',
    '<?xml version="1.0"?>\n<testResults version="1.2">\n',
    "</testResults>\n",
)
K6 = lines(
    lambda t, ms: f"http_req_duration,{epoch(t)},{ms}.0,GET\nhttp_reqs,{epoch(t)},1.0,GET",
    "metric_name,timestamp,metric_value,method\n",
)

# name: what the file holds, the options to read it, and whether the unit is known.
SAME = {
    "csv": (CSV, {}, True),
    "gzip": (gzip.compress(CSV.encode()), {}, True),
    "bzip2": (bz2.compress(CSV.encode()), {}, True),
    "xz": (lzma.compress(CSV.encode()), {}, True),
    "zip": (zipped(a=CSV), {}, True),
    "zstd": (zstd(CSV), {}, True),
    "carriage returns": (CSV.replace("\n", "\r"), {}, True),
    "seconds in the name": (
        lines(lambda t, ms: f"{epoch(t)},{ms / 1000}", "t,latency_s\n"),
        {"time": "t"},
        True,
    ),
    "units in cells": (
        lines(
            lambda t, ms: f'{epoch(t)},"{ms / 1000} s"' if ms > 90 else f"{epoch(t)},{ms * 1000} µs",
            "Time,p95\n",
        ),
        {},
        True,
    ),
    "durations of a clock": (
        lines(lambda t, ms: f"{epoch(t)},00:00:00.{ms:03d}", "time,duration\n"),
        {},
        True,
    ),
    "ISO durations": (lines(lambda t, ms: f"{epoch(t)},PT{ms / 1000}S", "time,duration\n"), {}, True),
    "decimal commas and exponents": (
        lines(lambda t, ms: f"{epoch(t)};{ms / 1000:.4e}".replace(".", ","), "time;latency_s\n"),
        {},
        True,
    ),
    "a title above": ("Report of March\n\n" + CSV, {}, True),
    "seconds whatever their name": (
        lines(lambda t, ms: f"{ms},{epoch(t)},a", "latency_ms,begun,x\n"),
        {},
        True,
    ),
    "parquet": (parquet("SELECT time, ms AS latency_ms FROM frame"), {}, True),
    "nested parquet": (
        parquet("SELECT time, {'latency_ms': ms::DECIMAL(9, 2), 'n': NULL} AS http FROM frame"),
        {},
        True,
    ),
    "lines of JSON": (NDJSON, {}, True),
    "an array of JSON": (json.dumps([json.loads(line) for line in NDJSON.splitlines()], indent=1), {}, True),
    "columns of JSON": (json.dumps({"time": list(map(str, TIMES)), "latency_ms": MS.tolist()}), {}, True),
    "k6": (K6, {"where": {"metric_name": "http_req_duration"}}, False),
    "hey": (
        lines(lambda t, ms: f"{ms},{ms - 5},{epoch(t)}", "response-time,Response-delay,at\n"),
        {"column": "response-time"},
        False,
    ),
    "ab": (
        "seconds\tctime\tttime\twait\n"
        + "".join(
            sorted(
                lines(lambda t, ms: f"{epoch(t)}\t1\t{ms}\t{ms - 1}").splitlines(True),
                key=lambda line: int(line.split("\t")[2]),
            )
        ),
        {"column": "ttime"},
        False,
    ),
    "JMeter's CSV": (
        lines(
            lambda t, ms: f"{epoch(t)}000,{ms},a,200,{ms - 1}",
            "timeStamp,elapsed,label,responseCode,Latency\n",
        ),
        {"column": "elapsed"},
        False,
    ),
    "JMeter's XML": (JTL, {"column": "elapsed"}, True),
    "Grafana": (
        "sep=,\n" + lines(lambda t, ms: f'"{t:%Y-%m-%d %H:%M:%S}","{ms} ms"', '"Time","p95"\n'),
        {},
        True,
    ),
    "Grafana, long": (
        lines(lambda t, ms: f"p50,{epoch(t)},{ms / 2}\np95,{epoch(t)},{ms}", "Series,Time,Value\n"),
        {"where": ["Series=p95"]},
        False,
    ),
    "Prometheus": (PROMETHEUS.replace('"job"', '"__name__": "request_duration_seconds", "job"'), {}, True),
    "nginx": (NGINX, {}, True),
    "nginx, its format": (
        lines(lambda t, ms: f"{t.isoformat()}|/a|{ms / 1000:.3f}|-"),
        {"log_format": "log_format x '$time_iso8601|$uri|$request_time|$upstream_status';"},
        True,
    ),
    "Apache, its format": (
        lines(lambda t, ms: f'::1 - - [{t:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/2" 200 5 {ms * 1000}'),
        {"log_format": '%h %l %u %t "%r" %>s %b %D'},
        True,
    ),
    "IIS": (W3C, {}, True),
    "CloudFront": (
        lines(
            lambda t, ms: f"{t:%Y-%m-%d}\t{t:%H:%M:%S}\tFRA\t{ms / 1000}",
            "#Version: 1.0\n#Fields: date time x-edge-location time-taken\n",
        ),
        {},
        True,
    ),
    "AWS' load balancer": (
        lines(
            lambda t, ms: (
                f"https {t:%Y-%m-%dT%H:%M:%S.%f}Z app/lb/1 1.2.3.4:5 10.0.0.1:80 0.000 {ms / 1000:.3f} 0.000 "
                '200 200 3 4 "GET https://a:443/ HTTP/1.1" "curl/8 x" - -'
            )
        ),
        {"column": "target_processing_time"},
        True,
    ),
    "Envoy": (
        lines(
            lambda t, ms: (
                f'[{t:%Y-%m-%dT%H:%M:%S.000Z}] "GET /a HTTP/2" 200 - 0 12 {ms} {ms - 1} "-" "curl" "1" "a" '
                '"10.0.0.1:80"'
            )
        ),
        {},
        True,
    ),
}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content, name="own.data"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def quietly(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        return load_latencies(path, **options)


@pytest.mark.parametrize("name", SAME)
def test_the_same_measurements_are_read_from_every_format(write, name):
    content, options, known = SAME[name]
    recording = quietly(write(content), **options)
    np.testing.assert_allclose(recording.latencies, MS, rtol=1e-12)
    index = recording.latencies.index
    assert (index.tz_localize("UTC") if index.tz is None else index).equals(TIMES.as_unit(index.unit))
    assert recording.unit == ("ms" if known else "") and recording.n_left_out == 0


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (SAME["hey"][0], {}, r"several columns of numbers \(response-time, Response-delay\)"),
        (SAME["JMeter's XML"][0], {}, r"several columns of numbers \(elapsed, Latency\)"),
        (SAME["ab"][0], {}, r"several columns of numbers \(ctime, ttime, wait\)"),
        (
            K6,
            {},
            r"several series .* told apart by 'metric_name' .*where=\['metric_name=http_req_duration'\]",
        ),
        (SAME["Grafana, long"][0], {}, "told apart by 'Series'"),
        (
            K6,
            {"where": {"metric_name": "vus"}},
            "no row where metric_name is 'vus': it has http_req_duration, http",
        ),
        (K6, {"where": ["metric_name"]}, "where has no value for 'metric_name'"),
        (
            lines(lambda t, ms: f"{epoch(t)},a,{ms}\n{epoch(t)},b,{ms}", "time,host,ms\n"),
            {},
            "apart by 'host'",
        ),
        ("latency_ms\n" + "\n".join(map(str, sorted(MS))), {}, "'latency_ms' is sorted by value"),
        ("latency_ms\n" + "\n".join(map(str, sorted(MS, reverse=True))), {}, "is sorted by value"),
        (lines(lambda t, ms: f"{t},{epoch(t) % 86_400}", "time,duration_ms_sum\n"), {}, "counts up"),
        (
            lines(lambda t, ms: f"{t},{ms},{'s' if ms > 90 else 'ms'}", "time,latency,unit\n"),
            {},
            r"where=\['unit=",
        ),
        (
            json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}),
            {},
            "type vector",
        ),
        ('{"error": "forbidden"}', {}, "JSON without a list of rows, but says 'forbidden'"),
        ("# HELP a b\n# TYPE a counter\na 1\n", {}, "query_range"),
        ("<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>", {}, r"a web page \(HTML\)"),
        ("<a><b/></a>", {}, "XML of a kind that is not known"),
        (NGINX.replace(" 0.", " 7 "), {}, "access log with more after its usual fields .*log_format="),
        (
            "\n".join(line.rpartition(" ")[0] for line in NGINX.splitlines()),
            {},
            "access log without durations",
        ),
        (NGINX, {"log_format": "$remote_addr $status"}, "names no duration"),
        (NGINX, {"log_format": "$status|$request_time"}, "no line can be read, .* pass the log_format="),
        (
            lines(lambda t, ms: f"Mar  2 {t:%H:%M:%S} host app[1]: took {ms} ms for a"),
            {},
            "lines such as .*no columns",
        ),
        (zipped(a=CSV, b=CSV), {}, "holds 2 files: unpack it"),
        (zipped(**{"[Content_Types].xml": "x"}), {}, "a workbook or document"),
        (bz2.compress(CSV.encode())[:60], {}, "damaged bzip2"),
        (lzma.compress(CSV.encode())[:60], {}, "damaged xz"),
        (SAME["parquet"][0][:-60], {}, "damaged content"),
        ("[" * 100_000, {}, "nested too deeply"),
        ("curl: (7) Failed to connect to port 9090", {}, "one line of words"),
        (
            "time,latency\n2026-03-02 00:00,5\n",
            {"time_format": "%Q"},
            "time_format has a code that is not known",
        ),
    ],
)
def test_what_could_be_read_in_two_ways_or_in_none_is_refused_in_a_sentence(write, content, options, words):
    with pytest.raises(ValueError, match=words) as error:
        load_latencies(write(content), **options).latencies  # noqa: B018
    message = str(error.value)
    assert (
        "\n" not in message
        and len(message) < 500
        and message.startswith(("own.data", "time_format", "where", "log_f"))
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            NDJSON.replace('"ts"', "ts", 3).replace("ts", '"ts"', 1),
            "2 rows without an object of JSON, first at line 2",
        ),
        ("cut off}\n[]\n" + NDJSON, "2 rows without an object of JSON, first at line 1"),
        (NGINX.replace("10.0.0.1 -", "-", 2), "2 rows unlike the log's format, first at line 1"),
        (W3C.replace(" /a ", " /a b ", 1), "1 row without the fields that #Fields names, first at line 3"),
    ],
)
def test_rows_that_are_left_out_are_counted_with_their_lines_in_every_format(write, content, told):
    recording = quietly(write(content))
    assert told in str(recording)
    assert recording.n_left_out == recording.n_rows - len(recording.latencies) == int(told[0])


def test_broken_rows_are_not_held_against_the_rows_that_were_chosen(write):
    content = K6.replace("http_reqs,", "http,reqs,", 2)
    recording = quietly(write(content), where=["metric_name=http_req_duration"])
    assert recording.n_left_out == 0 and len(recording.latencies) == MS.size
    assert "2 rows without the 4 fields of the others (of the whole file), first at line 3" in str(recording)


def test_a_log_may_name_other_fields_half_way(write):
    later = "#Fields: date time time-taken\n2026-03-02 01:00:00 77\n"
    assert load_latencies(write(W3C + later)).latencies.tolist() == [*MS, 77]


def test_rows_of_all_hosts_are_read_together_if_that_is_said(write):
    path = write(lines(lambda t, ms: f"{epoch(t)},a,{ms}\n{epoch(t)},b,{ms}", "time,host,ms\n"))
    assert len(load_latencies(path, where=["host=*"]).latencies) == 2 * MS.size


def test_a_log_of_requests_is_one_series_whatever_words_stand_beside_it(write):
    rng = np.random.default_rng(5)
    seconds = np.sort(rng.integers(0, 300, 600)) + 1_772_000_000
    rows = "".join(
        f"{s},{rng.choice(['GET', 'PUT'])},h{rng.integers(3)},{rng.gamma(8, 12):.1f}\n" for s in seconds
    )
    assert len(load_latencies(write("time,method,host,latency_ms\n" + rows)).latencies) == 600


@pytest.mark.parametrize("rate", [0.5, 1, 3])
@pytest.mark.parametrize("n", [6, 60, 600])
def test_requests_that_come_by_turns_are_one_series(write, rate, n):
    rng = np.random.default_rng(8)
    seconds = 1_772_000_000 + np.floor(np.cumsum(rng.exponential(1 / rate, n))).astype(int)
    rows = "".join(
        f"{s},h{i % 3},{rng.integers(9_999)},{rng.gamma(8, 12):.1f}\n" for i, s in enumerate(seconds)
    )
    assert len(load_latencies(write("time,host,bytes,latency_ms\n" + rows)).latencies) == n


def test_one_object_is_one_row(write):
    recording = load_latencies(write('{"time": "2026-03-02T00:00:00Z", "path": "/", "latency_ms": 7}\n'))
    assert recording.latencies.tolist() == [7] and recording.has_times


def test_rows_of_one_second_that_are_sorted_by_value_are_shuffled_within_it(write):
    rng = np.random.default_rng(6)
    rows = [(1_772_000_000 + i // 50, ms) for i, ms in enumerate(rng.gamma(8, 12, 2_000).round(3))]
    text = "".join(f"{second},{ms}\n" for second, ms in sorted(rows))
    recording = load_latencies(write("time,latency_ms\n" + text))
    assert "rows of one time are sorted by latency_ms: shuffled within each time" in recording.notes
    assert 0.4 < (np.diff(recording.latencies) > 0).mean() < 0.6
    assert sorted(recording.latencies) == sorted(ms for _, ms in rows)


@pytest.mark.parametrize("memory", [0.0, 0.99])
def test_what_wanders_without_times_is_not_taken_for_sorted(write, memory):
    values = np.zeros(500)
    for i, noise in enumerate(np.random.default_rng(7).normal(size=499)):
        values[i + 1] = memory * values[i] + noise
    assert len(load_latencies(write("latency\n" + "\n".join(map(str, 100 + values)))).latencies) == 500


def test_sentinels_that_pile_up_are_counted(write):
    cells = [*map(str, MS), "9999", "9999", "9999", "0", "0", "0"]
    text = str(load_latencies(write("latency_ms\n" + "\n".join(cells))))
    assert "3 values of exactly 9999 in latency_ms, kept, first at line 42" in text
    assert "3 values of exactly 0 in latency_ms, kept, first at line 45" in text


def test_a_column_may_be_named_with_another_unit(write):
    recording = load_latencies(write(CSV.replace("latency_ms", "latency_s")), column="latency_ms")
    assert recording.column == "latency_s" and recording.latencies.tolist() == [1000 * ms for ms in MS]
    with pytest.raises(ValueError, match="no column 'latency_ms': it has time, latency"):
        load_latencies(write(CSV.replace("latency_ms", "latency")), column="latency_ms")


def test_the_offsets_at_which_times_are_written_are_told(write):
    path = write("time,v\n2026-03-29T01:59:00+01:00,1\n2026-03-29T03:00:00+0200,2\n")
    assert load_latencies(path).offsets == ("+01:00", "+02:00")
    assert load_latencies(write(CSV)).offsets == ()


def matrix(*series):
    """Return Prometheus' answer for these labels, the second series ten times as large."""
    values = [
        [[epoch(t), str(10**i * int(ms))] for t, ms in zip(TIMES, MS, strict=True)]
        for i in range(len(series))
    ]
    result = [{"metric": labels, "values": one} for labels, one in zip(series, values, strict=True)]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (matrix({"quantile": "0.5"}, {"quantile": "0.99"}), r"told apart by 'quantile' \(0.5, 0.99\)"),
        (
            matrix(*({"h": h, "m": m} for h in "ab" for m in "xy")),
            r"by 'h' .* and 'm' .*where=\['h=a', 'm=x'\]",
        ),
        (
            lines(lambda t, ms: f"{t},a,{ms}" + f"\n{t},b,{ms}" * (t > TIMES[25]), "time,host,latency_ms\n"),
            "'host'",
        ),
        (
            json.dumps({"before": [{"ms": 1}] * 9, "after": [{"ms": 2}] * 10}),
            r"several lists of rows \(before, after",
        ),
        (
            "latency;x\n" + "".join(f"1,{n};a\n" for n in range(100, 130)) + "12,5;a\n",
            "'1,100' .* may be 1.100",
        ),
        (zstd(CSV)[:-1], "damaged zstd"),
        (
            "total  latency\n" + "1 234\n2 345\n" * 3,
            "may be two columns or one number with its thousands apart",
        ),
        (
            "".join(
                f"{line} rt=0.1{' urt=0.2' * (i % 2)}\n" for i, line in enumerate(NGINX.splitlines())
            ).replace(" 0.", " a=0."),
            "lines end in several ways",
        ),
        (zstd(CSV)[:-40], "damaged zstd"),
    ],
)
def test_what_would_be_read_wrongly_without_a_word_is_refused(write, content, words):
    with pytest.raises(ValueError, match=words):
        load_latencies(write(content)).latencies  # noqa: B018


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("status  latency_ms\n" + "200 177\n404    13\n" * 3, [177, 13] * 3),
        ("request duration\n" + "900 ms\n1.2 s\n" * 3, [900, 1_200] * 3),
        ("P95 latency (s),n\n0.5,1\n0.75,1\n", [500, 750]),
        ("x;latency\n" + "a;0,123\n" * 12 + "a;0.5\n", [0.123] * 12),
        ("latency_ms\n1,5\n2,25\n", [1.5, 2.25]),
        ("95th_percentile_ms,n\n5,1\n6,1\n7,2\n", [5, 6, 7]),
        ("user_id,latency\n1700000000,5\n1790000000,7\n1750000000,6\n", [5, 7, 6]),
        ("latency,code\n5,E17\n6,e5\n7,3\n", [5, 6, 7]),
        (
            "id,created_at,latency_ms\n1700000300,2026-03-01T10:00Z,1\n1700000000,2026-03-01T10:01Z,2\n",
            [1, 2],
        ),
        ('npm run\nlistening on 8080\n{"latency_ms": 5}\n{"latency_ms": 6}\n', [5, 6]),
        ("latency\n" + "7\n" * 9 + "93.0 ms\n", [7] * 9),
        (
            "time,latency\n" + "".join(f"2026-03-0{3 - i // 2} 00:00,{i}\n" for i in range(6)),
            [5, 4, 3, 2, 1, 0],
        ),
        ('latency_ms\n5\n""\n6\n', [5, 6]),
    ],
)
def test_what_is_told_by_a_detail_is_read_rightly(write, content, expected):
    recording = quietly(write(content), column=None)
    column = recording.column or next(
        name for name in recording.frame if "laten" in name or "percent" in name
    )
    recording = quietly(write(content), column=column)
    assert recording.latencies.tolist() == expected
    assert recording.n_left_out == content.count("\n") - (content[:3] != "npm") - len(expected)


def test_the_names_of_folders_are_not_read(tmp_path):
    folder = tmp_path / "latency_ms=5"
    folder.mkdir()
    for name, content in (
        ("f.parquet", SAME["parquet"][0]),
        ("f.csv", CSV.encode()),
        ("f.json", NDJSON.encode()),
    ):
        (folder / name).write_bytes(content)
        assert load_latencies(folder / name).latencies.tolist() == MS.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "json", "log"])
def test_the_order_of_the_file_is_kept_however_many_threads_read_it(write, kind):
    row = {"csv": "a,%d", "json": '{"request_time": %d}', "log": "a %d"}[kind]
    values = np.arange(3_000_000) * 514_229 % 1_000_003
    text = ("host,request_time\n" if kind == "csv" else "") + "\n".join(row % value for value in values)
    recording = quietly(write(text), log_format="$x $request_time" if kind == "log" else None)
    assert (recording.latencies.to_numpy() == values * (1_000 if kind == "log" else 1)).all()


# Half broken files of each format: read, or refused in a sentence; nothing else.
SEEDS = [content.encode() if isinstance(content, str) else content for content, _, _ in SAME.values()]


@st.composite
def broken(draw):
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["cut", "drop", "insert", "twice", "swap"]))
        if kind == "cut":
            del content[place:]
        elif kind == "drop":
            del content[place : place + draw(st.integers(1, 60))]
        elif kind == "twice":
            content[place:place] = content[place : place + draw(st.integers(1, 200))]
        elif kind == "insert":
            content[place:place] = draw(
                st.binary(min_size=1, max_size=4)
                | st.sampled_from([b'"', b",", b"\n", b"\r", b"{", b"\x00", b"e9", b"-"])
            )
        else:
            old, new = draw(st.tuples(st.sampled_from(b',;\t" :.-[]{}0'), st.sampled_from(b',;\t" :.-[]{}0')))
            content = bytearray(bytes(content).replace(bytes([old]), bytes([new])))
    return bytes(content)


def reads_or_refuses(folder, content):
    path = folder / "broken.data"
    path.write_bytes(content)
    try:
        recording = quietly(path)
        recording.column is None or recording.latencies  # noqa: B018
        told = sum(finding.count for finding in recording.findings if finding.left_out)
        assert told >= recording.n_left_out  # a row may lack both its time and its number
        assert str(recording).startswith("broken.data: ")
    except ValueError as error:
        assert str(error).startswith("broken.data") and "\n" not in str(error) and len(str(error)) < 600


LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=60, **LIMITS)
@given(content=broken())
def test_broken_files_are_read_or_refused_in_a_sentence(tmp_path_factory, content):
    reads_or_refuses(tmp_path_factory.getbasetemp(), content)


@pytest.mark.slow
@settings(max_examples=1_000, **LIMITS)
@given(content=broken())
def test_many_broken_files_are_read_or_refused_in_a_sentence(tmp_path_factory, content):
    reads_or_refuses(tmp_path_factory.getbasetemp(), content)
