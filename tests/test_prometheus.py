"""Counts from Prometheus: a real one that scrapes a service for a minute, and a fake one for its errors."""

import json
import math
import random
import shutil
import struct
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from prometheus_client import Histogram

from tests.test_alertmanager import free_port, respond, serving, wait_until
from tests.test_counts import FINE, hours_of
from utils import simulate
from utils.alarm import alertmanager, prometheus
from utils.alarm.buckets import load_counts
from utils.alarm.cli import main
from utils.alarm.counts import as_buckets, as_edges, coarsen, compare_counts, count_into_buckets
from utils.alarm.prometheus import PrometheusError, query_range

BINARY = shutil.which("prometheus")
HALF_S, STEP_S, A_SECOND = 30, 5, 200  # each half of the recording; a stretch; latencies of one instance
BEFORE, AFTER = (0.150, 0.020), (0.165, 0.022)  # mean and standard deviation, in seconds
QUERIES = {
    "classic": 'sum by (le) (increase(latency_seconds_bucket{job="shop"}[5s]))',
    "native": 'sum(increase(latency_native_seconds{job="shop"}[5s]))',
}
CONFIG = """
scrape_configs:
- {{job_name: shop, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{{targets: {targets}}}]}}
- {{job_name: often, scrape_interval: 250ms, scrape_timeout: 250ms, static_configs: [{{targets: {targets}}}]}}
"""  # often: the command wants 50 windows of history, which then are half a second long


@pytest.fixture(autouse=True)
def no_proxy_and_short_pauses(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(alertmanager, "PAUSE_S", 0.01)


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def zigzag(number):
    return varint(2 * number if number >= 0 else -2 * number - 1)


def field(number, value):
    """Return a field of a protobuf message: a double, a text or message, or an unsigned whole number."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def family(name, histogram):
    """Return a MetricFamily of type histogram (4), led by its length."""
    message = field(1, name) + field(3, 4) + field(4, field(7, histogram))
    return varint(len(message)) + message


class Service:
    """An instance that observes latencies until it is stopped, in a classic and in a native histogram."""

    def __init__(self, latency, seed):
        self.classic, self.native = Histogram("latency_seconds", "Default buckets.", registry=None), Counter()
        self.seen, self.lock, self.stopped = [], threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self.work, args=(latency, random.Random(seed)), daemon=True)
        self.thread.start()

    def work(self, latency, rng):
        begun = time.monotonic()
        while not self.stopped.wait(0.005):
            while len(self.seen) < A_SECOND * (time.monotonic() - begun):
                value = max(rng.gauss(*latency), 1e-3)
                with self.lock:
                    self.seen.append((time.time(), value))
                    self.classic.observe(value)
                    self.native[math.ceil(8 * math.log2(value))] += 1  # i of (2^((i - 1) / 8), 2^(i / 8)]

    def stop(self):
        self.stopped.set()
        self.thread.join()
        return self.seen

    def exposition(self):
        with self.lock:
            (metric,), native, seen = self.classic.collect(), self.native.copy(), list(self.seen)
        total = field(1, len(seen)) + field(2, math.fsum(value for _, value in seen))
        bounds = {float(sample.labels["le"]): sample.value for sample in metric.samples if sample.labels}
        buckets = [field(3, field(1, int(count)) + field(2, bound)) for bound, count in bounds.items()]
        lowest, highest = min(native, default=0), max(native, default=0)
        counts = [native[index] for index in range(lowest, highest + 1)]
        deltas = b"".join(zigzag(count - last) for count, last in zip(counts, [0, *counts[:-1]], strict=True))
        # Fields 5, 6, 7: schema, width and count of the bucket of zeros. Spans hold a gap, and how many buckets follow.
        schema = varint(5 << 3) + zigzag(3) + field(6, 2.0**-128) + field(7, 0)
        spans = field(12, varint(1 << 3) + zigzag(lowest) + field(2, len(counts))) + field(13, deltas)
        classic = family(b"latency_seconds", total + b"".join(buckets))
        return classic + family(b"latency_native_seconds", total + schema + spans)

    def expose(self, handler):
        kind = "proto=io.prometheus.client.MetricFamily; encoding=delimited"
        handler.send_response(200)
        handler.send_header("Content-Type", f"application/vnd.google.protobuf; {kind}")
        handler.end_headers()
        handler.wfile.write(self.exposition())


@contextmanager
def running_prometheus(folder, targets):
    (folder / "prometheus.yml").write_text(CONFIG.format(targets=targets), encoding="utf-8")
    port = free_port()
    options = ["--enable-feature=native-histograms", f"--config.file={folder / 'prometheus.yml'}"]
    options += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([BINARY, *options], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: scraped(url, len(targets)) or process.poll() is not None, 30)
        assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def scraped(url, instances):
    query, now = "count_over_time(latency_seconds_count{job='shop'}[1m]) >= 2", time.time()
    with suppress(PrometheusError):
        return len(query_range(url, query, now, now, 1, attempts=1)["data"]["result"]) == instances


@contextmanager
def recording(folder):
    """Let two instances serve for two halves, all restarted between them; give times and all latencies."""
    services = [Service(BEFORE, seed) for seed in (1, 2)]
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("no_proxy", "*")
        stack.callback(lambda: [service.stop() for service in services])
        answers = [lambda handler, _, i=i: services[i].expose(handler) for i in range(len(services))]
        targets = [stack.enter_context(serving(answer)).removeprefix("http://") for answer in answers]
        url = stack.enter_context(running_prometheus(folder, targets))
        start = math.ceil(time.time())
        time.sleep(start + HALF_S - time.time())
        seen = sum([service.stop() for service in services], [])
        services[:], restart = [Service(AFTER, seed) for seed in (3, 4)], time.time()
        time.sleep(start + 2 * HALF_S + 1 - time.time())
        seen = sum([service.stop() for service in services], seen)
        yield SimpleNamespace(url=url, start=start, restart=restart, end=start + 2 * HALF_S, seen=seen)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    if BINARY is None:
        pytest.skip("Prometheus isn't installed: apt-get install prometheus, or put its binary on the PATH.")
    with recording(tmp_path_factory.mktemp("prometheus")) as found:
        yield found


def asked(recorded, query, step_s=STEP_S):
    return query_range(recorded.url, query, recorded.start + STEP_S, recorded.end, step_s)


def halves(recorded, kind):
    """Return the counts before the restart and after it, and the latencies that were served then."""
    counts = load_counts(asked(recorded, QUERIES[kind]))
    times, values = np.array(sorted(recorded.seen)).T
    before = (recorded.start < times) & (times < recorded.restart)
    after = (recorded.restart <= times) & (times <= recorded.end)
    half = HALF_S // STEP_S
    return (counts[:half], counts[half:]), (values[before], values[after])


@pytest.mark.slow
@pytest.mark.parametrize("kind", QUERIES)
def test_the_counts_are_those_of_the_latencies_served_in_spite_of_a_restart(recorded, kind):
    both, served = halves(recorded, kind)
    begins = pd.to_datetime(recorded.start + STEP_S * np.arange(2 * HALF_S // STEP_S), unit="s")
    assert list(pd.concat(both).index.tz_localize(None)) == list(begins)
    for counts, values in zip(both, served, strict=True):
        assert counts.to_numpy().min() >= 0
        assert np.allclose(counts.sum(axis=1), 2 * A_SECOND * STEP_S, rtol=0.1)
        assert counts.to_numpy().sum() == pytest.approx(values.size, rel=0.03)
        assert compare_counts(count_into_buckets(values, counts.columns.right), counts).statistic < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least", "most"), [("classic", 0, 0.02), ("native", 0.23, 0.31)])
def test_native_buckets_see_the_drift_and_the_default_ones_do_not(recorded, kind, least, most):
    (before, after), _ = halves(recorded, kind)
    assert least <= compare_counts(before, after).statistic <= most
    assert compare_counts(before[::2], before[1::2]).statistic < 0.03


@pytest.mark.slow
def test_the_95th_percentile_by_histogram_quantile(recorded):
    def p95(kind):
        query = f"histogram_quantile(0.95, {QUERIES[kind].replace('[5s]', '[29s]')})"
        answer = query_range(recorded.url, query, recorded.start + HALF_S, recorded.end, HALF_S)
        return [float(value) for _, value in answer["data"]["result"][0]["values"]]

    truth = [np.quantile(values, 0.95) for values in halves(recorded, "native")[1]]
    assert truth == pytest.approx([0.183, 0.201], abs=0.003)
    assert p95("native") == pytest.approx(truth, rel=0.03)
    assert p95("classic") == pytest.approx([0.2425, 0.2425], abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "of"), [("classic", "values"), ("native", "histograms")])
def test_a_real_range_in_parts_is_the_whole_one(recorded, kind, of, monkeypatch):
    whole = asked(recorded, QUERIES[kind])
    points = asked(recorded, QUERIES[kind], 0.004)["data"]["result"][0][of]
    assert [time_s for time_s, _ in points] == [recorded.start + STEP_S + i * 4 / 1000 for i in range(13_751)]
    monkeypatch.setattr(prometheus, "POINTS", 5)
    assert asked(recorded, QUERIES[kind]) == whole
    monkeypatch.setattr(prometheus, "POINTS", 20_000)
    with pytest.raises(PrometheusError, match="exceeded maximum resolution of 11,000 points"):
        asked(recorded, QUERIES[kind], 0.004)


@pytest.mark.slow
def test_a_real_refusal_and_a_real_nothing(recorded):
    with pytest.raises(PrometheusError, match=r"answers the query sum\( with an error: .*parse error"):
        asked(recorded, "sum(")
    with pytest.raises(PrometheusError, match="has no series for no_such_bucket: check"):
        asked(recorded, "no_such_bucket")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "until_s", "status"), [("native", 60, 1), ("classic", 60, 0), ("native", 30, 0)]
)
def test_the_command_sees_it_too(recorded, kind, until_s, status, capsys):
    query = QUERIES[kind].replace("shop", "often").replace("[5s]", "[500ms]")
    until = datetime.fromtimestamp(recorded.start + until_s, UTC).isoformat()
    length = (
        ["--history", "28s", "--recent", "30s"] if until_s == 60 else ["--history", "26s", "--recent", "3s"]
    )
    rule = ["--window", "500ms", "--budget", "1/20", "--tolerance", "0.1"]
    arguments = ["--prometheus", recorded.url, "--query", query, "--until", until, *length, *rule]
    assert main(arguments) == status, capsys.readouterr()


def matrix(*series, **rest):
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}} | rest


@contextmanager
def fake(answer, status=200):
    """Serve what `answer` makes of the query's fields, as JSON or as it is; yield the URL and the requests."""
    requests = []

    def reply(handler, _):
        fields = {name: value for name, (value,) in parse_qs(urlsplit(handler.path).query).items()}
        requests.append((urlsplit(handler.path).path, handler.headers["Authorization"], fields))
        body = answer(fields) if callable(answer) else answer
        respond(handler, status, body if isinstance(body, str) else json.dumps(body))

    with serving(reply) as url:
        yield url, requests


def test_a_long_range_is_asked_for_in_parts_and_joined_by_labels():
    def answer(fields):
        start, stop, step = (round(1000 * float(fields[name])) for name in ("start", "end", "step"))
        times = [time_ms / 1000 for time_ms in range(start, stop + 1, step)]
        old = {"metric": {"le": "1", "job": "shop"}, "values": [[time_s, "1"] for time_s in times]}
        new = {"metric": {"job": "shop"}, "histograms": [[time_s, {"count": "1"}] for time_s in times]}
        if start == 1000:
            return matrix(old, new)
        return matrix(new, old | {"metric": {"job": "shop", "le": "1"}})

    with fake(answer) as (url, requests):
        series = query_range(url, "up", 1, 1 + 25_000 * 0.1, 0.1)["data"]["result"]
    parts = [("1.0", "1100.9"), ("1101.0", "2200.9"), ("2201.0", "2501.0")]
    assert [(fields["start"], fields["end"]) for _, _, fields in requests] == parts
    assert [one["metric"] for one in series] == [{"le": "1", "job": "shop"}, {"job": "shop"}]
    for points in (series[0]["values"], series[1]["histograms"]):
        assert [time_s for time_s, _ in points] == [(1000 + 100 * i) / 1000 for i in range(25_001)]


def test_address_user_and_times_as_people_write_them():
    start = datetime(2026, 3, 2, tzinfo=UTC)
    with fake(matrix({"metric": {}, "values": [[0, "1"]]}, warnings=["a store is slow"])) as (url, requests):
        url = url.replace("://", "://cron:p%40ss@") + "/prefix/"
        for first in (start, start.replace(tzinfo=None), pd.Timestamp("2026-03-02 01:00+01:00"), 1772409600):
            with pytest.warns(UserWarning, match="^Prometheus: a store is slow$") as warned:
                query_range(url, "up{a='b&c'}", first, start, 60)
            assert len(warned) == 1 and warned[0].filename == __file__
    fields = {"query": "up{a='b&c'}", "start": "1772409600.0", "end": "1772409600.0", "step": "60.0"}
    assert requests == [("/prefix/api/v1/query_range", "Basic Y3JvbjpwQHNz", fields)] * 4


@pytest.mark.parametrize(
    ("status", "answer", "asked_for", "sentence"),
    [
        (400, {"error": "1:5: parse\nerror"}, 1, "answers the query up with an error: 1:5: parse error."),
        (503, {"error": "query timed out"}, 3, "answers the query up with an error: query timed out."),
        (500, "oh\nno", 3, "gave no answer (attempt 3: 500 Internal Server Error oh no): see that"),
        (401, "Unauthorized", 1, "gave no answer (attempt 1: 401 Unauthorized Unauthorized): see that"),
        (302, "", 1, "gave no answer (attempt 1: 302 Found): see that"),
        (200, "<html>Log in", 1, "gave no answer (no JSON of a range, it begins with '<html>Log in'): see that"),
        (200, [1], 1, "gave no answer (no JSON of a range, it begins with '[1]'): see that"),
        (200, matrix(), 1, "has no series for up: check its names, labels and the range."),
    ],
)  # fmt: skip
def test_each_trouble_is_one_sentence_without_the_password(status, answer, asked_for, sentence):
    with fake(answer, status) as (url, requests), pytest.raises(PrometheusError) as error:
        query_range(url.replace("://", "://cron:secret@"), "up", 0, 60, 15)
    assert str(error.value).startswith(f"{url}/api/v1/query_range {sentence}")
    assert "secret" not in str(error.value) and "\n" not in str(error.value)
    assert len(requests) == asked_for


def test_nobody_there_is_an_os_error_without_the_password():
    with pytest.raises(OSError, match=r"gave no answer \(attempt 3: .*refused\): see that P") as error:
        query_range(f"http://cron:secret@127.0.0.1:{free_port()}", "up", 0, 60, 15)
    assert type(error.value) is PrometheusError and "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "ftp://cron:secret@host"}, "^url is '...@host': write http://host:9090 or"),
        ({"step_s": 0}, "^step_s is 0: give a start, a later end, and a step"),
        ({"step_s": math.inf}, "^step_s is inf: give a number of seconds"),
        ({"start": "today"}, "^start is 'today': give a time, or the seconds"),
        ({"end": pd.NaT}, "^end is NaT: give a time"),
        ({"start": 61}, r"^start \(61\) is after end \(60\): give"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(changes, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        query_range(**{"url": "http://host", "query": "up", "start": 0, "end": 60, "step_s": 15} | changes)
    assert "secret" not in str(error.value)


# The command -----------------------------------------------------------------------------------------------

QUERY = 'sum by (le) (increase(shop_seconds_bucket{handler="/pay"}[1h]))'
RULE = ["--statistic", "ks", "wasserstein", "tail", "--cycles", "1D", "7D", "--accumulate"]
DAYS = 47


@pytest.fixture(scope="module")
def counted():
    """Return seven weeks of hourly counts; the last three days are 15 % slower."""
    latencies = simulate.service_latencies(DAYS * 24, np.random.default_rng(3)) / 1_000
    latencies[(DAYS - 3) * 24 * 60 :] *= 1.15
    return hours_of(latencies, FINE / 1_000)[1]


@pytest.fixture
def server(counted, tmp_path, monkeypatch):
    """Return a run of the command, until an hour of those weeks; the server doesn't know the hours in `gone`."""
    gone, asked = [], []
    monkeypatch.chdir(tmp_path)

    def answer(fields):
        start, end = (pd.Timestamp(float(fields[name]), unit="s", tz="UTC") for name in ("start", "end"))
        asked.append((start, end))
        begins = pd.date_range(start, end, freq="h") - pd.Timedelta("1h")
        begins = begins[begins.floor("h").isin(counted.index.difference(gone))]
        return classic(counted.loc[begins.floor("h")].set_axis(begins))

    with fake(answer) as (url, _):

        def run(hour, *more, query=QUERY):
            until = str(counted.index[0] + pd.Timedelta(hours=hour, minutes=5))
            return main(["--prometheus", url, "--query", query, "--until", until, *RULE, *more])

        run.gone, run.asked = gone, asked
        yield run


def classic(hours):
    """Return counts as Prometheus answers them, cumulative over le, stamped by their end."""
    stamps = (hours.index.as_unit("s").asi8 + 3_600).tolist()
    series = []
    for le, totals in zip(hours.columns.right, hours.cumsum(axis=1).to_numpy().T, strict=True):
        values = [[stamp, repr(float(total))] for stamp, total in zip(stamps, totals, strict=True)]
        series.append({"metric": {"le": "+Inf" if np.isinf(le) else repr(float(le))}, "values": values})
    return matrix(*(series if stamps else []))


def test_from_cron_it_asks_for_five_weeks_once_and_then_for_what_is_new(server, counted, capsys):
    state = ["--state", "alarm.npz"]
    assert server(36 * 24, *state) == 0
    assert server.asked[0][0] == counted.index[1]  # the end of the first hour, 35 days before the last
    out = capsys.readouterr().out
    assert 'column shop_seconds{handler="/pay"}' in out and "24 judged, 0 in alarm" in out
    assert "these buckets see nothing" in out
    server.asked.clear()
    assert server(36 * 24, *state) == 0 and not server.asked
    assert "no new window is complete" in capsys.readouterr().out
    assert server(36 * 24 + 3, *state) == 0
    assert [(end - start).total_seconds() for start, end in server.asked] == [2 * 3_600]
    assert server((DAYS - 2) * 24, *state) == 1
    assert "Drift in shop_seconds" in capsys.readouterr().out


def test_hours_that_were_not_counted_are_lost_numbers_and_none_are_judged_twice(server, counted, capsys):
    state = ["--state", "alarm.npz", "--json"]
    server(36 * 24, *state)
    server.gone += list(counted.index[36 * 24 + 2 : 36 * 24 + 8])
    assert server(36 * 24 + 2, *state) == 0
    capsys.readouterr()
    assert server(36 * 24 + 5, *state) == 3
    assert "lost its numbers" in capsys.readouterr().out
    assert server(36 * 24 + 10, *state) == 0
    windows = json.loads(capsys.readouterr().out)["windows"]
    assert [window["rows"] for window in windows] == [0, 0, 0, 60, 60]


def test_a_release_and_a_drill(server, capsys):
    state = ["--state", "alarm.npz"]
    server(36 * 24, *state)
    assert server(36 * 24, *state, "--self-test") == 0
    assert "the alarm works" in capsys.readouterr().out
    assert server((DAYS - 1) * 24, *state) == 1
    assert server((DAYS - 1) * 24, *state, "--rebase", "rescale", "--recent", "2D") == 0
    assert "history is times 1.1" in capsys.readouterr().out
    assert server(DAYS * 24, *state) == 0


@pytest.mark.parametrize(
    ("query", "more", "sentence"),
    [
        (QUERY.replace("1h", "5m"), [], "counts over 5m, and a window lasts 1h: write [1h]"),
        (QUERY.replace("[1h]", "[ 5m ]"), [], "counts over 5m"),
        (QUERY.replace("increase", "rate"), [], "must count a window's requests"),
        ("sum by (le) (rate(increase_bucket[1h]))", [], "must count a window's requests"),
        ("job:shop:increase5m", [], "counts over 5m"),
        (QUERY, ["a.json", "b.json"], "takes no files"),
        (QUERY, ["--window", "60"], "--window 60 is no time"),
        (QUERY, ["--window", "7h"], "doesn't divide a day"),
        (QUERY, ["--window", "1M"], "--window 1M is no length of time"),
        (QUERY, ["--column", "x"], "--column is for files of measurements"),
        (QUERY, ["--until", "2999-01-01"], "is in the future"),
    ],
)
def test_what_the_command_cannot_use_is_2_and_a_sentence(server, capsys, query, more, sentence):
    assert server(36 * 24, *more, query=query) == 2
    assert sentence in capsys.readouterr().err and not server.asked


def test_a_code_in_the_labels_is_no_range_and_a_recorded_increase_will_do(server):
    assert server(36 * 24, query=QUERY.replace("/pay", '/pay", code=~"[23]..')) == 0
    assert server(36 * 24, query="job:shop:increase1h") == 0


def test_windows_follow_a_clock_of_half_hours(server):
    for hour in (36 * 24, 36 * 24, 36 * 24 + 1):
        assert server(hour, "--state", "alarm.npz", "--timezone", "Asia/Kolkata") == 0


def test_it_reads_the_same_from_files(counted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    parts = {"history": counted[: 35 * 24], "calm": counted[35 * 24 : 37 * 24], "slow": counted[-48:]}
    for name, hours in parts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(classic(hours)))
    assert main(["history.json", "calm.json", *RULE]) == 0
    assert main(["history.json", "slow.json", *RULE, "--picture", "slow.png"]) == 1
    assert (tmp_path / "slow.png").stat().st_size > 10_000
    (tmp_path / "values.csv").write_text("latency_ms\n1\n2\n")
    assert main(["history.json", "values.csv"]) == 2
    assert "values.csv holds no counts in buckets" in capsys.readouterr().err


def test_a_coarser_answer_is_judged_in_the_buckets_that_both_have(counted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "history.json").write_text(json.dumps(classic(counted[: 35 * 24])))
    coarser = as_buckets(as_edges(FINE[::2] / 1_000))
    (tmp_path / "slow.json").write_text(json.dumps(classic(coarsen(counted[-48:], coarser))))
    assert main(["history.json", "slow.json", *RULE]) == 1
    assert "in the 84 buckets that they share" in capsys.readouterr().out


def test_files_of_few_rows_are_read_as_history_was(counted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    totals = counted.cumsum()
    for name, rows in (("counts", counted), ("totals", totals)):
        (tmp_path / f"{name}.json").write_text(json.dumps(classic(rows[: 35 * 24])))
    rule = ["--statistic", "wasserstein", "--budget", "1/100"]
    (tmp_path / "one.json").write_text(json.dumps(classic(counted[-5:-4])))
    assert main(["counts.json", "one.json", *rule]) in (0, 1)
    assert "1 judged" in capsys.readouterr().out
    slow = hours_of(3 * np.random.default_rng(5).lognormal(-1.9, 0.1, 240), FINE / 1_000, "2026-02-20")[1]
    (tmp_path / "few.json").write_text(json.dumps(classic(totals.iloc[-1] + slow.cumsum())))
    assert main(["totals.json", "few.json", *rule]) == 1
    assert main(["counts.json", "one.json", "--window", "30min"]) == 2
    assert "of which 30min hold no whole number" in capsys.readouterr().err
