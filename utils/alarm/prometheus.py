"""Counts over time from a Prometheus, by its HTTP API, with nothing but Python itself.

The API: https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
"""

import json
import urllib.request
import warnings
from datetime import UTC, datetime
from urllib.parse import urlencode

from .alertmanager import ask, endpoint

POINTS = 11_000  # what Prometheus gives of one series in one answer


class PrometheusError(OSError):
    """Prometheus gave no numbers."""


class NoSeriesError(PrometheusError):
    """Prometheus answered, and nothing was counted."""


def query_range(url, query, start, end, step_s, *, timeout=30, attempts=3):
    """Return the answer of the Prometheus at `url` to a PromQL query, as parsed JSON with the whole range.

    The moments are `start` and every `step_s` seconds on, to `end` at most; an ``increase`` counts what came
    before each. A time without a zone is in UTC, a number in seconds since 1970. Who is silent for `timeout`
    seconds, or answers with a 5xx, is asked again, `attempts` times in all. Prometheus' warnings are given on.

    Raise a ValueError for a bad `url`, range or step; a `PrometheusError` where there is no answer, where
    Prometheus refuses the query, in its own words, or where no series matches it.
    """
    address, headers = endpoint(url, "/api/v1/query_range", 9090)
    first, last, step = _ms(start, "start"), _ms(end, "end"), _ms(step_s, "step_s")
    if step < 1 or first > last:
        what = f"step_s is {step_s}" if step < 1 else f"start ({start}) is after end ({end})"
        raise ValueError(f"{what}: give a start, a later end, and a step of at least 0.001 seconds.")
    series, warned = {}, {}
    for begin in range(first, last + 1, step * POINTS):
        stop = min(last, begin + step * (POINTS - 1))
        asked = {"query": query, "start": begin / 1000, "end": stop / 1000, "step": step / 1000}
        request = urllib.request.Request(f"{address}?{urlencode(asked)}", headers=headers)
        answer = _answer(address, query, *ask(request, timeout=timeout, attempts=attempts))
        warned |= dict.fromkeys(answer.get("warnings") or ())
        for found in answer["data"]["result"] or ():
            labels = json.dumps(found["metric"], sort_keys=True)
            whole = series.setdefault(labels, {"metric": found["metric"]})
            for kind in found.keys() & {"values", "histograms"}:
                whole.setdefault(kind, []).extend(found[kind])
    for text in warned:
        warnings.warn(f"Prometheus: {text}", stacklevel=2)
    if not series:
        raise NoSeriesError(f"{address} has no series for {query}: check its names, labels and the range.")
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series.values())}}


def _ms(value, name):
    try:
        if isinstance(value, datetime):
            value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        return round(1000 * value)
    except (TypeError, ValueError, OverflowError):
        what = "a number of seconds" if name == "step_s" else "a time, or the seconds since 1970"
        raise ValueError(f"{name} is {value!r}: give {what}.") from None


def _answer(address, query, body, trouble):
    try:
        answer = json.loads(body)
        if not trouble and answer["data"]["resultType"] == "matrix":
            return answer
        error = " ".join(answer["error"].split())
    except (ValueError, LookupError, TypeError, AttributeError):
        trouble = trouble or f"no JSON of a range, it begins with {body[:60].decode(errors='replace')!r}"
        raise PrometheusError(
            f"{address} gave no answer ({trouble}): see that Prometheus runs there."
        ) from None
    raise PrometheusError(f"{address} answers the query {query} with an error: {error}.")
