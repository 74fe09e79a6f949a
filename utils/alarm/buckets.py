"""Counts in buckets as services keep them, of Prometheus, OpenTelemetry or a database, in the one shape of `counts`.

Whatever the source, a row is a stretch of time and its counts are those of that stretch alone. What can't be brought
into that shape without a guess is refused, and what is left out or merged is told in a warning.
"""

import json
import os
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from .counts import are_counts, as_buckets, as_counts, as_edges
from .formats import _plain as unpacked
from .table import NoNumbersError, listed, plural, shown

FEW = 0.1  # rows without a bound: fewer are left out, with more the bound is
FEWEST_TOTALS = 4  # rows; fewer may grow by chance
EXTRAPOLATED = 0.01  # of a row, by which increase() may err: it tells each bucket's first moments for itself
MOST_BUCKETS = 1_000  # a quiet hour's scale can be so fine that there were millions
SUM = "sum by (le) (increase(NAME_bucket[1h])), or sum(increase(NAME[1h])) of a native histogram"
_COUNTS = re.compile(
    rb'^\s*{[^\0]*("le"|"histograms"|"exponentialHistogram"|"explicitBounds")\s*:|^\s*{[^\0]*"result"\s*:\s*\[\s*\]'
)
_UNITS = {"seconds": "s", "milliseconds": "ms", "ms": "ms"}
_CUMULATIVE = {"1": False, "DELTA": False, "2": True, "CUMULATIVE": True}  # else it is told by the times


def load_counts(source, *, unit=None, step=None, totals=None):
    """Return counts in buckets, one row a stretch of time, one column a bucket.

    Parameters
    ----------
    source : path, dict, list, DataFrame, or anything with a method ``df()``
        - An answer of Prometheus' query_range, a file or the parsed JSON, to
          ``sum by (le) (increase(NAME_bucket[1h]))`` at a step of 1h, or to ``sum(increase(NAME[1h]))`` of a native
          histogram. Range and step must be the same, and `rate` is not enough: it has no counts.
        - OTLP JSON, also one object a line as the collector's file exporter writes it, or a list of data points of
          opentelemetry-sdk, exponential or with explicit bounds. Points of several attributes add up.
        - A table of three columns: when the stretch begins, ``le`` (the bucket's upper bound, that of the last inf)
          and ``count`` (of that bucket alone); a bucket without a row counts 0.
    step : time, optional
        How long the stretch is that each row of Prometheus' answer counts; by default the usual step between rows.
    totals : bool, optional
        Whether Prometheus' answer holds totals since the start of the service; by default its rows tell.
    unit : str, optional
        Such as ``"ms"``; by default what OpenTelemetry or the end of the metric's name says.

    Returns
    -------
    DataFrame
        The index is when each stretch begins (UTC, but of a table as it stands there), the columns an IntervalIndex up
        to inf, named by the metric where the source names it; ``attrs["unit"]`` is the unit or ``""``. Of Prometheus'
        answer ``attrs`` also has the step and whether there were totals, to read the next answer alike.

    Raises
    ------
    OSError
        If a file cannot be read.
    TypeError, ValueError
        In one sentence, for what is no histogram, or not one alone.

    Warns
    -----
    UserWarning
        If rows are left out, bounds merged away, or totals differenced.

    Notes
    -----
    Where bounds change, those stay that every row has; of exponential buckets, the coarsest scale. A bound of 0 is
    left out if it is the lowest: its values count in the bucket above.

    Totals since the start of a service are told from counts by their name (functions drop it), or by this: whole
    numbers, four rows or more, no bucket that falls except where the service restarted. Counts of a few hours of rising
    traffic may look the same: load a longer stretch, in which they fall too.
    """
    name, told = "source", []
    if isinstance(source, (str, os.PathLike)):
        name, source = Path(source).name, _json_of(Path(source))
    if not isinstance(source, pd.DataFrame) and hasattr(source, "df"):
        source = source.df()
    try:
        if are_counts(source):
            frame, metric, said = source.copy(), source.columns.name, source.attrs.get("unit", "")
        else:
            frame, metric, said = _read(source, told, step, totals)
            frame = _in_model(frame, metric)
    except ValueError as error:
        raise type(error)(f"{name}: {error}") from None
    except (TypeError, AttributeError, KeyError, IndexError):
        raise (ValueError if isinstance(source, (dict, list)) else TypeError)(
            f"{name} is neither an answer of Prometheus' query_range, nor data points of OpenTelemetry, nor a table "
            "with the columns le, count and a time: give one of these."
        ) from None
    as_counts(frame, name)
    for what in told:
        warnings.warn(f"{name}: {what}", UserWarning, stacklevel=2)
    ending = re.search(r"_(seconds|milliseconds|ms)$", metric or "")
    frame.attrs["unit"] = unit if unit is not None else said or (_UNITS[ending[1]] if ending else "")
    return frame


def holds_counts(path):
    """Return whether a file begins as counts in buckets do: Prometheus' JSON with le or histograms, or OTLP's."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with open(unpacked(Path(path), Path(folder))[1], "rb") as file:
                return _COUNTS.search(file.read(1 << 16)) is not None
        except (OSError, ValueError):
            return False  # whoever reads it says why


def increases(totals, restarted=None):
    """Return what totals that only grow, one row a reading, grew by: a row a stretch, named by when it begins.

    The total at the first reading is no increase. Where any total falls, or `restarted` (bools, one a row) says so, the
    counters began again, and the new totals count from zero.

    Raises
    ------
    ValueError
        If totals fall, but not to the beginning: they are sums of several counters, of which one began again.
    """
    values = totals.to_numpy(float)
    steps = np.diff(values, axis=0)
    fell = (steps < 0).any(axis=1)
    known = np.zeros_like(fell) if restarted is None else np.asarray(restarted)[1:]
    steps[fell | known] = values[1:][fell | known]
    grown, usual = steps.sum(axis=1), steps[~fell & ~known].sum(axis=1)
    doubtful = np.flatnonzero(fell & ~known & (grown > 3 * usual.max(initial=0.0))) if usual.size else usual
    if doubtful.size:
        raise ValueError(
            f"the totals fall at {totals.index[1 + doubtful[0]]} but not to the beginning, as of several hosts "
            f"when one restarts: take the increase of each before the sum, in Prometheus {SUM}."
        )
    return pd.DataFrame(steps, totals.index[:-1], totals.columns)


def _in_model(frame, metric):
    if not len(frame):
        raise ValueError("there is no row that can be used: ask for a longer stretch of time.")
    frame = frame.sort_index()
    if frame.columns[0] == 0:
        frame.iloc[:, 1] += frame.iloc[:, 0]
        frame = frame.iloc[:, 1:]
    if frame.columns[-1] < np.inf:
        frame[np.inf] = 0.0
    return frame.set_axis(as_buckets(as_edges(frame.columns), metric), axis=1)


def _json_of(path):
    with tempfile.TemporaryDirectory() as folder:
        text = unpacked(path, Path(folder))[1].read_text(encoding="utf-8-sig", errors="replace")
    one_a_line = re.match(r"\s*{.*}\s*\n\s*{", text)
    try:
        return [json.loads(line) for line in text.splitlines() if line] if one_a_line else json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(
            f"{path.name} is no whole JSON: fetch it again, or pass a table with a column of times, le and count."
        ) from None


def _read(source, told, step, totals):
    """Return the counts of each bucket, named by its upper bound; the metric, and its unit."""
    if isinstance(source, pd.DataFrame):
        return _of_table(source), None, ""
    first = source[0] if isinstance(source, list) and source else source
    if isinstance(first, dict) and "resourceMetrics" in first:
        return _of_otlp(source if isinstance(source, list) else [source], told)
    if isinstance(source, list) and not (isinstance(first, dict) and "metric" in first):
        return _of_points([(str(_get(p, "attributes")), None, p) for p in source], told), None, ""
    return _of_prometheus(source, told, step, totals)


# Tables ---------------------------------------------------------------------------------------------------------


def _of_table(table):
    times = list(table.select_dtypes(["datetime", "datetimetz"]))
    if len(times) != 1 or not {"le", "count"} <= set(table.columns):
        raise ValueError(
            f"the columns are {listed(map(str, table.columns))}: one of times, le and count are needed, or an "
            "IntervalIndex."
        )
    table = table[[*times, "le", "count"]].astype({"le": float, "count": float})
    if table.isna().any(axis=None):
        row = int(table.isna().any(axis=1).to_numpy().argmax())
        raise ValueError(f"a time, le or count is missing, first in row {row:,}: leave such rows out.")
    counts = table.pivot_table(index=times[0], columns="le", values="count", aggfunc="sum", fill_value=0.0)
    if (
        len(counts) >= FEWEST_TOTALS
        and counts.shape[1] > 2
        and (np.diff(counts.to_numpy(), axis=1) >= 0).all()
    ):
        raise ValueError(
            "the counts only rise over le, so they hold all values up to it: take the differences, so that each counts "
            "one bucket alone."
        )
    return counts


def _counts_per_bucket(below, told):
    """Return counts per bucket from counts at or below each bound, NaN where a row has no such bound."""
    absent = below.isna().mean()
    if absent.get(np.inf, 1.0) >= FEW:
        raise ValueError('le="+Inf" is missing, so that what lies above all bounds is not known: ask for it.')
    merged = absent.index[absent >= FEW]
    if len(merged):
        bounds = listed(f"{le:g}" for le in merged)
        told.append(f"not every row has the bounds {bounds}: they are merged into the next ones.")
        below = below.drop(columns=merged)
    if below.shape[1] < 2:
        raise ValueError("no bound but +Inf is in every row: ask for a stretch in which the bounds stay.")
    whole = below.notna().all(axis=1)
    if not whole.all():
        told.append(f"{plural(int((~whole).sum()), 'row')} left out in which a bound is missing.")
    below = below[whole].sort_index(axis=1)
    falls = below.diff(axis=1).lt(-EXTRAPOLATED * below[np.inf], axis=0).to_numpy()
    if not falls.any():
        rising = below.cummax(axis=1)
        return rising.diff(axis=1).fillna(rising.iloc[:, :1])
    row, column = np.argwhere(falls)[0]
    what = f"the counts fall from le={below.columns[column - 1]:g} to le={below.columns[column]:g}"
    if falls[:, -1].any():
        raise ValueError(f"{what} in row {row:,}, so that this is no histogram, or several: ask for one.")
    # While a release rolls out, some hosts count up to a bound that others don't have.
    rows = falls.any(axis=1)
    if rows.mean() < FEW:
        told.append(
            f"{plural(int(rows.sum()), 'row')} left out in which {what}, as not all hosts have this bound."
        )
        return _counts_per_bucket(below[~rows], told)
    told.append(f"{what}, as where not all hosts have this bound: it is merged into the next one.")
    return _counts_per_bucket(below.loc[:, ~falls.any(axis=0)], told)


def _merged(cells, n_rows, scale=None):
    """Return counts in the buckets that all rows can be brought into.

    `cells` are rows of (row, low, high, count); `scale` is that of exponential buckets, the coarsest of all.
    """
    row, low, high, count = cells[cells[:, 3] > 0].T
    if ((low < 0) & (high <= 0)).any():
        raise ValueError(
            "there are counts of negative values, and latencies have none: mend what is measured."
        )
    positive, zero = low > 0, high[low <= 0].max(initial=0.0)
    if not positive.any():
        bounds = np.array([zero] if zero else [])
    elif scale is None:  # the edges that no bucket straddles
        bounds = np.setdiff1d(np.append(low[positive], high), [np.inf])
        lows, highs = np.unique([low, high], axis=1)
        bounds = bounds[~((lows[:, None] < bounds) & (bounds < highs[:, None])).any(axis=0)]
    else:
        first, last = np.log2(low[positive].min()), np.log2(high[high < np.inf].max())
        while (last - first) * 2.0**scale > MOST_BUCKETS:
            scale -= 1
        ends = np.floor(first * 2.0**scale + 1e-6), np.ceil(last * 2.0**scale - 1e-6)
        bounds = 2.0 ** (np.arange(ends[0], ends[1] + 1) / 2.0**scale)
    if zeros := count[low <= 0].any():  # a bucket of their own, which any other buckets can take in
        zero = max(zero, np.finfo(float).tiny)
    bounds = np.append([zero] if zeros else [], bounds[bounds > zero * (1 + 1e-9)])
    if not bounds.size:
        raise NoNumbersError("nothing is counted above zero: ask for a stretch of time with requests in it.")
    counts = np.zeros((n_rows, bounds.size + 1))
    np.add.at(counts, (row.astype(int), np.searchsorted(bounds * (1 + 1e-9), high)), count)
    return pd.DataFrame(counts, columns=[*bounds, np.inf])


# Prometheus -----------------------------------------------------------------------------------------------------


def _of_prometheus(answer, told, step, totals):
    answer = {"data": {"resultType": "matrix", "result": answer}} if isinstance(answer, list) else answer
    if answer.get("status") == "error":
        raise ValueError(f"Prometheus answered with an error, {shown(answer['error'], 300)}: mend the query.")
    told += [f"Prometheus warns, {shown(what, 300)}." for what in answer.get("warnings") or ()]
    series, kind = answer["data"]["result"], answer["data"]["resultType"]
    if kind != "matrix":
        raise ValueError(f"this is an answer of type {kind}, of one moment: ask for query_range.")
    if not series:
        raise NoNumbersError("the answer is empty: check the metric's name, its labels, and start and end.")
    labels = [one["metric"] for one in series]
    apart = sorted(set().union(*labels) - {"le"})
    apart = [label for label in apart if len({one.get(label) for one in labels}) > 1]
    if apart:
        raise ValueError(f"the series differ by {listed(apart)}, and one histogram is needed: ask for {SUM}.")
    if len(series) == 1 and "histograms" in series[0]:
        if series[0].get("values"):
            told.append(
                f"{plural(len(series[0]['values']), 'row')} left out that are no histograms but numbers."
            )
        stamps, frame = _of_native(series[0]["histograms"])
    elif any("le" not in one for one in labels):
        raise ValueError(f"there is a series without the label le, so it is no histogram: ask for {SUM}.")
    else:
        cells = [(t, float(one["metric"]["le"]), float(n)) for one in series for t, n in one["values"]]
        cells = pd.DataFrame(cells, columns=["stamp", "le", "count"])
        unknown = cells["stamp"].isin(cells["stamp"][~np.isfinite(cells["count"])])
        if unknown.all():
            raise ValueError("every row holds NaN or Inf: ask for a time in which Prometheus held data.")
        if unknown.any():
            told.append(f"{plural(cells['stamp'][unknown].nunique(), 'row')} left out that hold NaN or Inf.")
        below = cells[~unknown].pivot_table(index="stamp", columns="le", values="count", aggfunc="sum")
        frame = _counts_per_bucket(below, told)
        stamps = frame.index
    if len(frame) < 2 and step is None:
        raise ValueError("there is one row only, whose length is not known: say how long, by step.")
    stamps = np.round(np.asarray(stamps, float) * 1000).astype("int64")
    metric = labels[0].get("__name__", "").removesuffix("_bucket") or None
    if totals is None:
        totals = _are_totals(frame, named=metric is not None and ":" not in metric)
    if step is None:
        steps, times = np.unique(np.diff(stamps), return_counts=True)
        length = steps[times.argmax()]
    else:
        length = pd.Timedelta(step) // pd.Timedelta("1ms")
    frame.index = pd.to_datetime(stamps - (0 if totals else length), unit="ms", utc=True)
    if totals:
        told.append(
            "these are totals since the service's start, so each row is what they grew by (if they are counts, load a "
            "longer stretch, in which they also fall); increase(...) is better, which sees every restart."
        )
        frame = increases(frame)
    frame.attrs |= {"step": f"{length}ms", "totals": bool(totals)}
    return frame.rename_axis("time"), metric, ""


def _of_native(rows):
    cells = [
        (i, float(low), float(high), float(count))
        for i, (_, one) in enumerate(rows)
        for _, low, high, count in one.get("buckets") or []
        if float(count)
    ]
    cells = np.array(cells, float).reshape(-1, 4)
    low, high = cells[(cells[:, 1] > 0) & (cells[:, 2] < np.inf), 1:3].T
    scales = -np.log2(np.log2(high / low))
    powers = np.log2(high) * 2.0 ** np.round(scales)
    exponential = scales.size and max(np.abs(x - np.round(x)).max() for x in (scales, powers)) < 1e-6
    frame = _merged(cells, len(rows), float(np.round(scales).min()) if exponential else None)
    return [stamp for stamp, _ in rows], frame


def _are_totals(counts, named):
    """Whether counts are totals that only grow: no bucket falls, but where the service begins anew."""
    steps = np.diff(counts.to_numpy(), axis=0)
    falls = (steps < 0).any(axis=1)
    if named:  # functions drop the name; a recording rule without a colon keeps one
        return falls.mean() <= 0.5
    sizes = counts.sum(axis=1).to_numpy()
    restarts = sizes[1:] < sizes[:-1] / 2
    rare = falls.mean() <= FEW or (falls.mean() <= 0.25 and restarts[falls].all())
    whole = (counts.to_numpy() % 1 == 0).all()  # increase() extrapolates, which leaves fractions
    return len(counts) >= FEWEST_TOTALS and whole and (steps > 0).any() and rare


# OpenTelemetry --------------------------------------------------------------------------------------------------


def _of_otlp(documents, told):
    found, others = {}, set()
    for resource in [resource for document in documents for resource in document["resourceMetrics"]]:
        for metric in [metric for scope in resource.get("scopeMetrics", ()) for metric in scope["metrics"]]:
            data = metric.get("exponentialHistogram") or metric.get("histogram")
            if data is None:
                others.add(metric["name"])
                continue
            said = str(data.get("aggregationTemporality")).removeprefix("AGGREGATION_TEMPORALITY_")
            points, _ = found.setdefault(metric["name"], ([], metric.get("unit", "")))
            for point in data.get("dataPoints", []):
                host = f"{resource.get('resource')} {point.get('attributes')}"
                points.append((host, _CUMULATIVE.get(said), point))
    if len(found) != 1:
        names, what = (found, "several histograms") if found else (others, "no histogram")
        raise ValueError(
            f"it holds {what} among its metrics ({listed(sorted(names))}): let the collector keep one."
        )
    ((metric, (points, unit)),) = found.items()
    return _of_points(points, told), metric, unit


def _get(point, name, default=0):
    """Return a field of a data point, an object of the SDK or OTLP's JSON, whose integers are texts."""
    if not isinstance(point, dict):
        return getattr(point, name, default)
    return point.get(re.sub("_(.)", lambda letter: letter[1].upper(), name), default)


def _of_points(points, told):
    points = [one for one in points if not int(_get(one[2], "flags")) & 1]  # 1: no value was recorded
    hosts, cumulative, points = zip(*points, strict=True) if points else ((), (), ())
    when = pd.DataFrame(
        [(int(_get(p, "start_time_unix_nano")), int(_get(p, "time_unix_nano"))) for p in points],
        columns=["start", "end"],
    ).assign(host=hosts, cumulative=pd.Series(cumulative, dtype=object))
    if when.empty or (when["start"] <= 0).any():
        raise ValueError("there are no data points that say when they began: set startTimeUnixNano.")
    exponential = any(_get(p, name, None) is not None for name in ("scale", "positive") for p in points)
    if exponential and any(_get(p, "explicit_bounds", ()) for p in points):
        raise ValueError("some data points have a scale and some explicit bounds: give those of one kind.")
    counts = _of_exponential(points) if exponential else _of_explicit(points, told)
    parts = []
    for _, one in when.loc[counts.index].sort_values("end").groupby("host"):
        part, start, end = counts.loc[one.index], one["start"].to_numpy(), one["end"].to_numpy()
        cumulative = one["cumulative"].iloc[0]
        if cumulative is None:  # points of the SDK don't say: totals begin before the last ones ended
            cumulative = (start[1:] < end[:-1]).any()
        if cumulative and start[0] >= when["end"].min():  # a host that came later has counted from zero
            part = pd.concat([0 * part.iloc[:1], part])
            start, end = np.append(start[0], start), np.append(start[0], end)
        part.index = pd.to_datetime(end if cumulative else start, utc=True)
        parts.append(increases(part, np.diff(start, prepend=start[0]) > 0) if cumulative else part)
    return pd.concat(parts).groupby(level=0).sum().rename_axis("time")


def _of_explicit(points, told):
    rows = []
    for point in points:
        counts = [float(n) for n in _get(point, "bucket_counts", ()) or [_get(point, "count")]]
        rows.append(pd.Series(np.cumsum(counts), [*map(float, _get(point, "explicit_bounds", ())), np.inf]))
    return _counts_per_bucket(pd.DataFrame(rows).reset_index(drop=True), told)


def _of_exponential(points):
    cells, scales = [], []
    for row, point in enumerate(points):
        scale, positive = int(_get(point, "scale")), _get(point, "positive", {})
        below = sum(map(float, _get(_get(point, "negative", {}), "bucket_counts", ())))
        cells.append((row, -1.0, 0.0, below))
        cells.append((row, 0.0, float(_get(point, "zero_threshold")), float(_get(point, "zero_count"))))
        for i, n in enumerate(_get(positive, "bucket_counts", ()), start=int(_get(positive, "offset"))):
            if float(n):
                scales.append(scale)
                cells.append((row, *2.0 ** (np.array([i, i + 1]) / 2.0**scale), float(n)))
    return _merged(np.array(cells), len(points), min(scales, default=0))
