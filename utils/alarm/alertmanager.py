"""A verdict to the pager: alerts for Prometheus' Alertmanager, API v2, with nothing but Python itself.

Alertmanager knows an alert by its labels: they are the same in every run, and what changes, above all
numbers, stands in the annotations. An alert lives for `PERIODS` periods and is posted again by each run that
finds drift, so that it ends when the runs do. A run that finds none ends it, and does no harm where none was.
The API: https://prometheus.io/docs/alerting/latest/alerts_api
"""

import base64
import http.client
import json
import re
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

PERIODS = 2.5  # one missed run ends no alert: the next is due at 2
PAUSE_S = 0.5  # before the second attempt; three times that before the third
_URL = re.compile(r"(?ai)(https?://)(?:([^/@?#\s]+)@)?((?:[\w.-]+|\[[\da-f:]+])(?::\d+)?(?:/[\w./~%-]*)?)")


class AlertmanagerError(OSError):
    """Alertmanager didn't take the alerts; the verdict stands all the same."""


@dataclass(frozen=True)
class Verdict:
    """What a run found in one column of one service.

    `drifted` is None when it can't be said, which neither raises an alert nor ends one. The next verdict is
    due in `period_s` seconds: a window's length, or the time between two runs if that is longer. The drift
    began at `since`. `annotations` are what a person wants to read: a summary, the shift with its unit.
    """

    drifted: bool | None
    service: str
    column: str
    period_s: float
    since: datetime | None = None
    annotations: dict[str, object] | None = None
    alertname: str = "DataDrift"


def send(url, verdicts, *, labels=None, timeout=5, attempts=3):
    """Raise or end the alerts of a run's verdicts, one a service and column, with more `labels`."""
    alerts = []
    for found in (verdict for verdict in verdicts if verdict.drifted is not None):
        own = {"alertname": found.alertname, "service": found.service, "column": found.column}
        own |= labels or {}
        if own in [other["labels"] for other in alerts]:  # the last would win, and hide one in alarm
            raise ValueError(f"verdicts holds two with the labels {own}: give one a service and column.")
        rest = {"annotations": found.annotations, "starts_at": found.since, "period_s": found.period_s}
        alerts.append(alert(firing=found.drifted, labels=own, **rest))
    if alerts:
        post(url, alerts, timeout=timeout, attempts=attempts)


def alert(*, firing, labels, annotations=None, starts_at=None, period_s):
    """Return one alert as API v2 takes it: firing for `PERIODS` periods from now, or ended now.

    A time without a zone is in UTC. Raise what `check_labels` raises, and a ValueError for a bad `period_s`.
    """
    check_labels(labels)
    if not 0 < period_s < 1e9:
        raise ValueError(f"period_s is {period_s}: give the seconds until the next verdict, such as 3600.")
    # The system's clock, not that of the data: Alertmanager lives by it, and refuses a start after the end.
    now = datetime.now(UTC)
    began = now if starts_at is None else starts_at if starts_at.tzinfo else starts_at.replace(tzinfo=UTC)
    ends = now + timedelta(seconds=PERIODS * period_s) if firing else now
    return {
        "labels": dict(labels),
        "annotations": {name: str(value) for name, value in (annotations or {}).items()},
        "startsAt": min(began, now).astimezone(UTC).isoformat(timespec="milliseconds"),
        "endsAt": ends.isoformat(timespec="milliseconds"),
    }


def check_labels(labels):
    """Raise a ValueError for a name that Alertmanager refuses, a TypeError for a value that isn't text."""
    for name, value in labels.items():
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"The label {name!r} needs another name: letters, digits and _, no digit first.")
        if not isinstance(value, str):
            raise TypeError(f"The label {name} is {value!r}, not text: numbers belong in the annotations.")


def post(url, alerts, *, timeout=5, attempts=3):
    """Post alerts to the Alertmanager at `url`; try again when it doesn't answer, or answers with a 5xx.

    Raise what `endpoint` raises, and an `AlertmanagerError` when the alerts have not been taken.
    """
    address, headers = endpoint(url)
    request = urllib.request.Request(address, json.dumps(alerts).encode(), headers, method="POST")
    _, trouble = ask(request, timeout=timeout, attempts=attempts)
    if trouble:
        raise AlertmanagerError(f"{address} took no alert ({trouble}): see that it runs there.")


def ask(request, *, timeout, attempts):
    """Return the body of the answer, and what is wrong with it: "" for a 2xx; ask again after a 5xx or none."""
    for attempt in range(1, attempts + 1):
        time.sleep(PAUSE_S * (2 ** (attempt - 1) - 1))
        try:
            with urllib.request.build_opener(_EveryStatus).open(request, timeout=timeout) as response:
                if 200 <= response.status < 300:
                    return response.read(), ""
                body = response.read(2000)
                said = body[:200].decode(errors="replace")
                trouble = " ".join(f"{response.status} {response.reason} {said}".split())
                if response.status < 500:
                    break
        except (OSError, http.client.HTTPException) as error:
            body, trouble = b"", getattr(error, "reason", error)
    return body, f"attempt {attempt}: {trouble}"


def endpoint(url, path="/api/v2/alerts", port=9093):
    """Return the address of `path` and the headers; raise a ValueError where `url` is no address."""
    found = _URL.fullmatch(url)
    if not found:
        shown = re.sub("(?s).*@", "...@", url)  # no password on the screen
        raise ValueError(f"url is {shown!r}: write http://host:{port} or https://user:password@host/prefix.")
    scheme, user, host = found.groups()
    headers = {"Content-Type": "application/json"}
    if user:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(user).encode()).decode()}"
    return f"{scheme}{host.rstrip('/')}{path}", headers


class _EveryStatus(urllib.request.HTTPErrorProcessor):
    # A redirection, followed, would make a GET of the POST, and nobody is called: hand over every answer.
    http_response = https_response = staticmethod(lambda request, response: response)
