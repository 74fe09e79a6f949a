"""The way to the pager: a real Alertmanager tells what it heard, a flaky server how often it was asked."""

import ast
import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from utils.alarm import alertmanager
from utils.alarm.alertmanager import PERIODS, AlertmanagerError, Verdict, alert, endpoint, post, send

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
needs_alertmanager = pytest.mark.skipif(
    BINARY is None,
    reason="Alertmanager isn't installed: apt-get install prometheus-alertmanager, or put its binary on the PATH.",
)
CONFIG = """
route: {{receiver: pager, group_by: [alertname, service], group_wait: 100ms, group_interval: 200ms}}
receivers:
  - name: pager
    webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""
# The user `cron` with the password p@ss:w/rd.
USERS = "basic_auth_users: {cron: $2b$04$KK2mrp4M/9agV4usI5igsOZm0vhbnJv1rJbcsKx2Xde8h4balsu0W}"


@pytest.fixture(autouse=True)
def no_proxy_and_short_pauses(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(alertmanager, "PAUSE_S", 0.01)


@contextmanager
def serving(answer):
    """Serve on a loopback port; `answer` takes the handler and the posted body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self):
            answer(self, None)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def respond(handler, status, text="", **headers):
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(text)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(text.encode())


def wait_until(condition, patience_s=10):
    deadline = time.monotonic() + patience_s
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def get(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
        return json.load(response)


@contextmanager
def running_alertmanager(folder, pager_url, prefix="", users=None):
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(url=pager_url), encoding="utf-8")
    port = free_port()
    options = [f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    options += [f"--web.listen-address=127.0.0.1:{port}", f"--web.route-prefix={prefix or '/'}"]
    if users:
        (folder / "web.yml").write_text(users, encoding="utf-8")
        options.append(f"--web.config.file={folder / 'web.yml'}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([BINARY, *options], stdout=log, stderr=log)
    try:
        wait_until(lambda: b"Listening" in (folder / "log").read_bytes() or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Return a running Alertmanager: its `url`, what it has `active` of a service, what its `pager` heard of it."""
    pages = []

    def hear(handler, body):
        pages.extend(json.loads(body)["alerts"])
        respond(handler, 200)

    def of(service, alerts):
        return [found for found in alerts if found["labels"]["service"] == service]

    folder = tmp_path_factory.mktemp("alertmanager")
    with serving(hear) as pager_url, running_alertmanager(folder, pager_url) as url:
        yield SimpleNamespace(
            url=url,
            active=lambda service: of(service, get(f"{url}/api/v2/alerts")),
            pager=lambda service: of(service, list(pages)),
        )


def verdict(service, drifted=True, **changes):
    return Verdict(
        **{"drifted": drifted, "service": service, "column": "latency_ms", "period_s": 3600} | changes
    )


def moment(text):
    return datetime.fromisoformat(text)


@needs_alertmanager
def test_three_runs_with_other_numbers_are_one_alert_with_the_last_numbers(real):
    since = datetime.now(UTC) - timedelta(hours=3)
    for shift in ("14.2 ms", "15.9 ms", "17.1 ms"):
        before = datetime.now(UTC)
        numbers = {"summary": f"slower by {shift}", "shift": shift, "statistic": np.float64(0.25)}
        send(real.url, [verdict("checkout", since=since, annotations=numbers)], labels={"team": "shop"})
    (found,) = real.active("checkout")
    assert found["labels"] == {
        "alertname": "DataDrift",
        "service": "checkout",
        "column": "latency_ms",
        "team": "shop",
    }
    assert found["annotations"] == {"summary": "slower by 17.1 ms", "shift": "17.1 ms", "statistic": "0.25"}
    assert abs(moment(found["startsAt"]) - since) < timedelta(milliseconds=2)
    lease = moment(found["endsAt"]) - before
    assert abs(lease - timedelta(seconds=PERIODS * 3600)) < timedelta(seconds=5)
    assert 2 < PERIODS < 3


@needs_alertmanager
def test_two_services_or_columns_are_two_alerts_and_only_the_calm_one_ends(real):
    both = [verdict("basket"), verdict("basket", column="queue_ms"), verdict("search")]
    send(real.url, both)
    assert len(real.active("basket")) == 2 and len(real.active("search")) == 1
    send(real.url, [verdict("basket", drifted=False), *both[1:]])
    assert [found["labels"]["column"] for found in real.active("basket")] == ["queue_ms"]
    assert len(real.active("search")) == 1


@needs_alertmanager
def test_the_pager_hears_of_the_start_and_of_the_end_once_each(real):
    since = pd.Timestamp("2026-03-02 14:00")  # of the data, without a zone
    for _ in range(2):
        send(real.url, [verdict("orders", since=since)])
        wait_until(lambda: real.pager("orders"))
    for _ in range(2):
        send(real.url, [verdict("orders", drifted=False)])
        assert not real.active("orders")
        wait_until(lambda: len(real.pager("orders")) == 2)
    time.sleep(0.5)  # two more group intervals, in which nothing may come
    assert [page["status"] for page in real.pager("orders")] == ["firing", "resolved"]
    assert {moment(page["startsAt"]) for page in real.pager("orders")} == {since.tz_localize("UTC")}
    send(real.url, [verdict("orders")])
    wait_until(lambda: [page["status"] for page in real.pager("orders")][2:] == ["firing"])


@needs_alertmanager
def test_a_calm_run_without_an_alert_calls_nobody(real):
    send(real.url, [verdict("calm", drifted=False), verdict("loud")])
    wait_until(lambda: real.pager("loud"))
    time.sleep(0.5)
    assert not real.active("calm") and not real.pager("calm")


@needs_alertmanager
def test_an_alert_lives_on_with_each_run_and_ends_when_the_runs_do(real):
    ends = []
    for _ in range(3):
        send(real.url, [verdict("cron", period_s=0.6)])
        (found,) = real.active("cron")
        ends.append(moment(found["endsAt"]))
    assert ends[0] < ends[1] < ends[2]
    wait_until(lambda: not real.active("cron"))
    assert datetime.now(UTC) >= ends[-1]
    wait_until(lambda: len(real.pager("cron")) == 2)
    assert [page["status"] for page in real.pager("cron")] == ["firing", "resolved"]


@needs_alertmanager
def test_a_run_that_cannot_say_neither_raises_nor_ends_an_alert(real):
    send(real.url, [verdict("thin", annotations={"summary": "slower"})])
    before = real.active("thin")
    send(real.url, [verdict("thin", drifted=None), verdict("thinner", drifted=None)])
    assert real.active("thin") == before and len(before) == 1
    assert not real.active("thinner")
    send("http://127.0.0.1:1", [verdict("thin", drifted=None)])  # nothing to tell, so nobody is asked


@needs_alertmanager
@pytest.mark.parametrize("drifted", [True, False])
def test_data_ahead_of_the_clock_is_taken(real, drifted):
    ahead = pd.Timestamp.now(tz="Europe/Berlin") + pd.Timedelta(days=400)
    send(real.url, [verdict("ahead", drifted=drifted, since=ahead)])
    assert len(real.active("ahead")) == drifted


@needs_alertmanager
def test_what_alertmanager_refuses_is_said_in_its_words(real):
    bad = alert(firing=True, labels={"alertname": "DataDrift"}, annotations={"no name": 1}, period_s=60)
    with pytest.raises(AlertmanagerError, match=r"attempt 1: 400 Bad Request .*invalid annotations"):
        post(real.url, [bad])


@needs_alertmanager
def test_a_path_prefix_and_basic_authentication(tmp_path):
    with running_alertmanager(tmp_path, "http://127.0.0.1:1", prefix="/alertmanager", users=USERS) as url:
        host = url.removeprefix("http://")
        for slash in ("", "/"):
            send(f"http://cron:p%40ss%3Aw%2Frd@{host}/alertmanager{slash}", [verdict("checkout")])
        for wrong, status in (
            (f"cron:guess@{host}/alertmanager", 401),
            (f"cron:p%40ss%3Aw%2Frd@{host}", 404),
        ):
            with pytest.raises(AlertmanagerError, match=f"attempt 1: {status}") as error:
                send(f"http://{wrong}", [verdict("checkout")])
            assert "guess" not in str(error.value) and "rd@" not in str(error.value)


@contextmanager
def flaky(*statuses, **headers):
    """Serve these statuses one after the other, the last for ever; yield the URL and the list of requests."""
    requests = []

    def answer(handler, body):
        requests.append((handler.command, handler.path, body))
        respond(handler, statuses[min(len(requests), len(statuses)) - 1], "busy\n", **headers)

    with serving(answer) as url:
        yield url, requests


def test_the_third_attempt_delivers_after_growing_pauses(monkeypatch):
    pauses = []
    monkeypatch.setattr(alertmanager, "PAUSE_S", 0.5)
    monkeypatch.setattr(time, "sleep", pauses.append)
    with flaky(503, 500, 200) as (url, requests):
        post(url, [{"labels": {"alertname": "DataDrift"}}])
    assert pauses == [0, 0.5, 1.5]
    assert requests == [("POST", "/api/v2/alerts", b'[{"labels": {"alertname": "DataDrift"}}]')] * 3


@pytest.mark.parametrize(("status", "asked"), [(503, 3), (400, 1), (404, 1), (429, 1)])
def test_only_a_5xx_is_tried_again_and_not_for_ever(status, asked):
    with (
        flaky(status) as (url, requests),
        pytest.raises(AlertmanagerError, match=f"attempt {asked}: {status}.*busy"),
    ):
        post(url, [])
    assert len(requests) == asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_taken_for_a_delivery(status):
    with flaky(200) as (elsewhere, lost), flaky(status, Location=elsewhere) as (url, requests):
        with pytest.raises(AlertmanagerError, match=f"attempt 1: {status}"):
            post(url, [])
    assert len(requests) == 1 and not lost


def test_who_hangs_is_left_in_time():
    released = threading.Event()
    with serving(lambda *_: released.wait(20)) as url:
        start = time.monotonic()
        with pytest.raises(AlertmanagerError, match="attempt 2: .*timed out"):
            post(url, [], timeout=0.2, attempts=2)
        assert 0.4 <= time.monotonic() - start < 3
        released.set()


def test_an_answer_that_breaks_off_is_tried_again():
    asked = []

    def break_off(handler, body):
        asked.append(body)
        handler.wfile.write(
            (b"", b"no HTTP\r\n", b"HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n")[len(asked) - 1]
        )
        handler.close_connection = True

    with serving(break_off) as url, pytest.raises(AlertmanagerError, match="attempt 3: 400 Bad"):
        post(url, [])
    assert len(asked) == 3


def test_a_refused_connection_is_one_sentence_that_a_command_can_catch():
    url = f"http://cron:secret@127.0.0.1:{free_port()}"
    with pytest.raises(
        OSError, match=r"attempt 3: .*[Cc]onnection refused\): see that it runs there\.$"
    ) as error:
        send(url, [verdict("checkout")])
    assert type(error.value) is AlertmanagerError
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://host:9093", "http://host:9093"),
        ("http://host:9093/", "http://host:9093"),
        ("https://monitor.example.com/alertmanager/", "https://monitor.example.com/alertmanager"),
        ("http://[::1]:9093", "http://[::1]:9093"),
        ("HTTP://host/a/b//", "HTTP://host/a/b"),
    ],
)
def test_the_address_of_a_url(url, address):
    assert endpoint(url) == (f"{address}/api/v2/alerts", {"Content-Type": "application/json"})
    with_user, headers = endpoint(url.replace("://", "://user:pass@"))
    assert with_user == f"{address}/api/v2/alerts"
    assert headers["Authorization"] == "Basic dXNlcjpwYXNz"


@pytest.mark.parametrize(
    "url",
    [
        "host:9093",
        "ftp://user:secret@host",
        "file:///etc/passwd",
        "http://",
        "http://user:secret@",
        "http://user:sec/ret@host",
        "http://user:sec#ret@host",
        "http://host:port",
        "http://host:9093/?user=secret",
        "http://host name",
        "http://host:9093\n",
        "http://user:secret@\nhost",
        "",
    ],
)
def test_another_url_is_refused_before_anything_is_sent(url):
    with pytest.raises(ValueError, match=r"^url is .*: write http://host:9093 or https://\S+\.$") as error:
        post(url, [])
    if "@" in url:
        assert "sec" not in str(error.value)


@pytest.mark.parametrize("name", ["a-b", "1st", "", "größe", "a b", "a\n"])
def test_a_label_name_that_alertmanager_refuses_is_refused(name):
    with pytest.raises(ValueError, match="^The label .* needs another name"):
        send("http://127.0.0.1:1", [verdict("checkout")], labels={name: "x"})


@pytest.mark.parametrize("value", [0.25, 3, None, np.float64(1)])
def test_a_number_is_no_label(value):
    with pytest.raises(TypeError, match="^The label shift is .*, not text"):
        alert(firing=True, labels={"shift": value}, period_s=60)


@pytest.mark.parametrize("period_s", [0, -60, float("nan"), float("inf")])
def test_a_period_that_is_none_is_refused(period_s):
    with pytest.raises(ValueError, match="^period_s is .*: give the seconds"):
        alert(firing=True, labels={"alertname": "DataDrift"}, period_s=period_s)


@pytest.mark.parametrize("second", [{"drifted": False}, {"column": "queue_ms"}])
def test_two_verdicts_under_the_same_labels_are_refused_since_one_would_hide_the_other(second):
    with pytest.raises(ValueError, match="^verdicts holds two with the labels"):
        send(
            "http://127.0.0.1:1",
            [verdict("checkout"), verdict("checkout", **second)],
            labels={"column": "all"},
        )


def test_times_are_utc_whatever_the_zone_and_a_start_is_never_after_the_end():
    berlin = pd.Timestamp("2026-07-01 14:00:00.123456789", tz="Europe/Berlin")
    labels = {"alertname": "DataDrift"}
    for starts_at in (berlin, berlin.tz_convert(None), berlin.to_pydatetime(warn=False)):
        assert alert(firing=True, labels=labels, starts_at=starts_at, period_s=60)["startsAt"] == (
            "2026-07-01T12:00:00.123+00:00"
        )
    for starts_at in (None, datetime.now(UTC) + timedelta(days=1)):
        ended = alert(firing=np.bool_(False), labels=labels, starts_at=starts_at, period_s=60)
        assert ended["startsAt"] == ended["endsAt"]


def test_the_file_imports_nothing_but_the_standard_library():
    with open(alertmanager.__file__, encoding="utf-8") as file:
        nodes = list(ast.walk(ast.parse(file.read())))
    names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    assert names and {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
