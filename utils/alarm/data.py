"""A learner's own latencies, read from a file with care: nothing is dropped without being counted.

A verdict is worth as much as the rows it rests on. So `load_latencies` says what it read, what it left out,
why, and on which line of the file each trouble begins. What kind of file it is, `formats` finds out.
"""

from __future__ import annotations

import csv
import os
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from .cells import (
    LATENCY_WORD,
    UNITS,
    is_plain_number,
    named_column,
    no_such_column,
    numbers_of,
    sample_of,
    times_of,
)
from .clock import duration
from .formats import read_table
from .table import LONGEST_LINE, Finding, Table, listed, plural, shown

# A step is a gap when it is longer than so many usual steps; arrivals at random need more patience.
REGULAR_GAP, IRREGULAR_GAP = 1.5, 20.0
SORTED = 0.95  # the share of steps in one direction from which a column counts as sorted by value
FEWEST_STEPS = 10  # by which that can be said
_IDENTICAL = "identical to an earlier row, kept"

# Numbers that are no measurement of a time.
_NO_LATENCY_WORD = re.compile(
    r"(^|[^a-z])(status|code|port|bytes|size|length|count|id|pid|line|table|level|v)$|status|bytes",
    re.IGNORECASE,
)
_COUNTER = re.compile(r"_(total|sum|count|bucket)$")  # as Prometheus names what only grows
# Columns that say what a row's number is a measurement of.
_METRIC_NAME = re.compile(
    r"(.*[._])?(__name__|metric([_ ]?name)?|series|variable|_?field|_?measurement)", re.IGNORECASE
)


class DataQualityWarning(UserWarning):
    """Some rows of a file could not be used; the message counts them and says where they begin."""


@dataclass(frozen=True)
class Recording:
    """Latencies from a file, in the order of time, with a report on what was found: print it.

    Attributes
    ----------
    path : Path
        The file.
    frame : pandas.DataFrame
        Every row that has a time, sorted by it, and every column of numbers; NaN where a row has no number.
        Durations are in ms where their unit is known.
    column : str or None
        The column that holds the latencies; None when several could.
    notes : tuple of str
        How the file was understood: columns, units, times.
    findings : tuple of Finding
        What was found in its rows.
    n_rows : int
        Rows of the file, the header not counted.
    unit : str
        Of the latencies: ``"ms"`` where the column's name, its cells or the file's format say a unit, else nothing.
    candidates : tuple of str
        The columns that may hold the latencies, where no one was taken.
    offsets : tuple of str
        The offsets from UTC at which the times are written; two or more where the clocks were changed.
    """

    path: Path
    frame: pd.DataFrame
    column: str | None
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    n_rows: int
    unit: str = ""
    candidates: tuple[str, ...] = ()
    offsets: tuple[str, ...] = ()

    @property
    def latencies(self) -> pd.Series:
        """The latencies in ms, sorted by time, without the rows that hold none (the report counts them)."""
        if self.column is None:
            raise ValueError(
                f"{self.path.name} has several columns of numbers ({listed(self.candidates)}): "
                "say which one holds the latencies, column=..."
            )
        latencies = self.frame[self.column].dropna()
        latencies.attrs["unit"] = self.unit
        return latencies

    @property
    def n_left_out(self) -> int:
        """Rows of the file that are not among the latencies."""
        if self.column is None:
            return self.n_rows - len(self.frame)
        return self.n_rows - len(self.latencies)

    @property
    def has_times(self) -> bool:
        """Whether the file has a column of times."""
        return isinstance(self.frame.index, pd.DatetimeIndex)

    @property
    def n_identical(self) -> int:
        """Rows that equal an earlier one in every field, their time included; 0 without times."""
        return sum(finding.count for finding in self.findings if finding.what == _IDENTICAL)

    def __str__(self):
        lines = [f"{self.path.name}: {plural(self.n_rows, 'row')}{self._span()}"]
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  {finding}{': left out' if finding.left_out else ''}" for finding in self.findings]
        if not self.findings:
            times = "no gaps, no duplicates, " if self.has_times else ""
            lines.append(f"  {times}nothing missing, every value a number")
        return "\n".join(lines)

    __repr__ = __str__

    def _span(self):
        if not self.has_times or self.frame.empty:
            return ""
        first, last = self.frame.index[0], self.frame.index[-1]
        return f", {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}"


def load_latencies(
    path: str | os.PathLike,
    column: str | None = None,
    *,
    time: str | None = None,
    time_format: str | None = None,
    decimal: str | None = None,
    where: Mapping[str, str] | Sequence[str] = (),
    log_format: str | None = None,
) -> Recording:
    """Return the latencies of a file in the order of time, with a report on what the file holds.

    The file has one row a measurement: a time and one or more columns of numbers, or only numbers. It may be
    CSV in any dialect, newline-delimited or other JSON, Parquet, an access log of nginx, Apache, Envoy or AWS'
    load balancer, a W3C extended log (IIS, CloudFront), an answer of Prometheus' query_range, JMeter's XML; plain
    or packed by gzip, bzip2, xz, zstd or zip. Found by themselves: the format, a header or none, the column of
    times (ISO 8601, those of logs, or seconds, ms, µs or ns since 1970), the columns of numbers, units (in a
    column's name or its cells; converted to ms), decimal commas, thousands separators. Where two readings are
    possible, nothing is guessed: an error says what to pass.

    Parameters
    ----------
    path : str or path-like
        The file.
    column : str, optional
        The column of latencies, when there are several columns of numbers.
    time : str, optional
        The column of times, when the one that is found is the wrong one.
    time_format : str, optional
        How times are written when not in ISO 8601, such as ``"%d/%m/%Y %H:%M"`` (see `strftime`).
    decimal : {".", ","}, optional
        What stands before the decimals, when the file leaves it open.
    where : mapping or sequence of str, optional
        The rows to read, such as ``{"metric_name": "http_req_duration"}`` or ``["status=200"]``, of a file that
        holds more than one metric; ``"host=*"`` reads those of every host together.
    log_format : str, optional
        How an access log is written, as in the server's configuration: nginx's ``log_format``, Apache's
        ``LogFormat``.

    Returns
    -------
    Recording
        ``latencies``, ``frame`` with every column of numbers, and the report: print it.

    Raises
    ------
    OSError
        If the file cannot be read; a missing file is a FileNotFoundError.
    ValueError
        If the file cannot be understood: empty, no numbers, ambiguous dates or decimals, several metrics in one
        column, or rows without times that are sorted by value, so that neighbors are no longer from one time.

    Warns
    -----
    DataQualityWarning
        If rows had to be left out, because they hold no number, no time, or too few or too many fields.

    Notes
    -----
    Rows that repeat an earlier time are kept and reported: in a log of requests they are natural, in a
    series of one value a minute they are not, and only its owner can tell. Without a column of times the
    rows are taken in the order of the file.
    """
    path = Path(path)
    if not path.name.isprintable():
        raise ValueError(f"{path.name!r} is no name for a file that is to be told of: rename it.")
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal must be '.' or ',' or left out, not {decimal!r}.")
    with tempfile.TemporaryDirectory(prefix="latencies-") as folder:
        try:
            table = read_table(path, Path(folder), log_format)
            with table.con:
                recording = _recording(table, column, time, time_format, decimal, where)
        except RecursionError:
            raise ValueError(f"{path.name} is nested too deeply: export it again, as CSV.") from None
        except (duckdb.Error, csv.Error) as error:
            raise ValueError(f"{path.name} cannot be read, {_why(error)}: export it again, as CSV.") from None
    left_out = [finding for finding in recording.findings if finding.left_out]
    if left_out:
        warnings.warn(
            f"{path.name}: {plural(recording.n_left_out, 'row')} of {recording.n_rows:,} left out: "
            f"{'; '.join(map(str, left_out))}.",
            DataQualityWarning,
            stacklevel=2,
        )
    return recording


def _why(error: Exception) -> str:
    """Return what stopped DuckDB, whose own words are long and name temporary files."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "for it takes more memory than there is"
    if "line size" in str(error) or "field larger" in str(error):
        return f"because of a line of more than {LONGEST_LINE >> 20} MB"
    return "because of damaged content"


def _recording(table: Table, column, time, time_format, decimal, where) -> Recording:
    chosen = _choose_rows(table, where)
    _refuse_several_units(table)
    sample = sample_of(table)
    times, time_names, zoned, offsets, time_sql = times_of(table, sample, time, time_format)
    time_name = time_names[0] if time_names else None
    column = named_column(table, column, time_name)
    numbers = numbers_of(table, sample, {*time_names, *chosen}, column, decimal)
    column, candidates = _main_column(table, numbers, column)
    _refuse_several_series(table, time_sql, chosen, [*time_names, column])

    rows = np.arange(table.n_rows)
    if times is not None and np.isnat(times).any():
        unread = np.isnat(times)
        first, n_unread = int(np.argmax(unread)), int(unread.sum())
        cell = table.cell(time_name, first)
        example = "empty" if cell is None else shown(cell)
        what = "without a time that can be read"
        table.findings.append(Finding(n_unread, "row", what, table.line(first), example, left_out=True))
        rows, times = rows[~unread], times[~unread]
    main = numbers[column][0] if column else None
    if times is not None:
        rows, times = _in_order(table, times, rows, main, column)
    if main is not None and (times is None or _COUNTER.search(column)):
        _refuse_sorted(table, column, main[rows], times is not None)
    for name, (values, _, source) in numbers.items():
        table.findings += _number_findings(table, name, values, source, main=name == column)
    table.con.close()  # which gives its memory back
    whole = len(rows) == table.n_rows and (times is None or bool((rows[1:] > rows[:-1]).all()))
    frame = {name: values if whole else values[rows] for name, (values, *_) in numbers.items()}
    if times is None:
        index = pd.RangeIndex(table.n_rows, name="row")
    else:
        index = pd.DatetimeIndex(times, name=time_name)
        index = index.tz_localize("UTC") if zoned else index
    return Recording(
        table.path,
        pd.DataFrame(frame, index=index, copy=False),
        column,
        tuple(table.notes),
        tuple(table.findings),
        table.n_rows + table.n_broken,
        "ms" if column and numbers[column][1] else "",
        tuple(candidates),
        offsets,
    )


# Which rows -------------------------------------------------------------------------------------------------


def _choose_rows(table: Table, where) -> set[str | None]:
    """Keep the rows that were asked for; return the columns by which they were chosen, or to be read together."""
    pairs = where.items() if isinstance(where, Mapping) else [str(pair).partition("=")[::2] for pair in where]
    chosen = set()
    for name, value in pairs:
        name, value = str(name).strip(), str(value).strip()
        if not value:
            raise ValueError(f"where has no value for {name!r}: write where=['{name}=...'].")
        if name not in table.names:
            raise ValueError(no_such_column(table, name))
        chosen.add(name)
        if value == "*":
            continue
        before, c = table.n_rows, table.sql(name)
        values = listed(_common_values(table, name), 8)
        table.keep(f"{c} = ?", [value])
        if not table.n_rows:
            raise ValueError(f"{table.path.name} has no row where {name} is {value!r}: it has {values}.")
        table.notes.append(f"{plural(table.n_rows, 'row')} of {before:,} read, where {name} is {value}")
    return chosen


def _refuse_several_series(table: Table, time_sql: str | None, chosen: set[str], used: list[str]) -> None:
    """Refuse to take the rows of several metrics, or of several hosts, for one series."""
    labels = [name for name in table.names if name not in used and name not in chosen]
    apart = next(
        ([name] for name in labels if _METRIC_NAME.fullmatch(name) and len(_common_values(table, name)) > 1),
        None,
    )
    apart = apart or (_told_apart_by(table, time_sql, labels[:50]) if time_sql and labels else None)
    if apart is None:
        return
    found = {name: _common_values(table, name) for name in apart}
    latency = {name: next(filter(LATENCY_WORD.search, values), values[0]) for name, values in found.items()}
    told = " and ".join(f"{name!r} ({listed(values, 8)})" for name, values in found.items())
    one, together = [f"{name}={value}" for name, value in latency.items()], [f"{name}=*" for name in apart]
    raise ValueError(
        f"{table.path.name} has the rows of several series below one another, told apart by {told}: say which, "
        f"where={one}, or where={together} for all of them together."
    )


def _told_apart_by(table: Table, time_sql: str, labels: list[str]) -> list[str] | None:
    """Return the labels by which rows of one time differ, if nearly all of them do, as in regular reports."""
    columns = ", ".join(map(table.sql, labels))
    part = f"hash({time_sql}) % {1 + table.n_rows // 100_000} = 0"
    some = f"SELECT {time_sql} AS time, {columns} FROM t WHERE {part}"
    rows = table.con.execute(some).df().set_axis(["", *labels], axis=1).dropna(subset="")
    tied = rows[rows[""].duplicated(keep=False)]
    if tied[""].nunique() < 8 or len(tied) < 0.2 * len(rows):
        return None
    kinds = tied[labels].nunique(dropna=False)
    labels = [name for name in labels if 1 < kinds[name] <= 1_000]
    together = [
        name for name in labels if tied.groupby("", sort=False)[name].nunique(dropna=False).mean() > 1.2
    ]
    for names in [*([name] for name in labels), together]:
        if names and tied.duplicated(["", *names]).mean() <= 0.01:
            # Requests that come by turns meet others each time; a report has the same ones.
            keys = pd.Series(pd.factorize(pd.MultiIndex.from_frame(tied[names].fillna("")))[0], tied.index)
            sets = keys.groupby(tied[""], sort=False).agg(frozenset)
            if sets.value_counts(normalize=True).iloc[0] >= 0.6:
                return names
    return None


def _common_values(table: Table, name: str) -> list[str]:
    c = table.sql(name)
    found = f"SELECT {c} FROM t WHERE {c} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1000"
    return [cell for (cell,) in table.con.execute(found).fetchall()]


def _refuse_several_units(table: Table) -> None:
    """Refuse rows that each name another unit."""
    for name in table.names:
        if name.lower() in ("unit", "units", "uom"):
            found = _common_values(table, name)
            if len(found) > 1 and all(cell.lower() in UNITS for cell in found):
                raise ValueError(
                    f"{table.path.name}: column {name!r} names {listed(found, 5)} row by row: convert all rows to one "
                    f"unit, or read those of one, where=[{f'{name}={found[0]}'!r}]."
                )


def _refuse_sorted(table: Table, column: str | None, values: np.ndarray, has_times: bool) -> None:
    """Refuse a counter, and rows in the order of their size: neighbors are not of one time there."""
    if _is_sorted(np.diff(values[~np.isnan(values)])):
        why = (
            "counts up"
            if has_times
            else "is sorted by value, or counts up, without times to restore its order"
        )
        raise ValueError(
            f"{table.path.name}: {column!r} {why}: export what it grows by, or single measurements with their times."
        )


def _is_sorted(steps: np.ndarray) -> bool:
    """Whether nearly all steps that are any go in one direction."""
    up, down = np.count_nonzero(steps > 0), np.count_nonzero(steps < 0)
    return up + down >= FEWEST_STEPS and max(up, down) >= SORTED * (up + down)


# In which order, and what is odd -----------------------------------------------------------------------------


def _in_order(table: Table, stamps, rows, main, column):
    """Return the rows in the order of time, and their times; tell what is odd about them."""
    steps = np.diff(stamps.view(np.int64))
    backwards = np.flatnonzero(steps < 0)
    if len(backwards):
        if len(stamps) > 2 and len(backwards) >= 0.9 * np.count_nonzero(steps):
            table.notes.append("newest first in the file: turned around")
            rows, stamps = rows[::-1], stamps[::-1]
        else:
            line = table.line(rows[backwards[0] + 1])
            table.findings.append(Finding(len(backwards), "row", "out of order, sorted", line))
        order = np.argsort(stamps, kind="stable")
        rows, stamps = rows[order], stamps[order]
        steps = np.diff(stamps.view(np.int64))

    tied = steps == 0
    if tied.any():
        in_groups = np.flatnonzero(np.r_[tied, False] | np.r_[False, tied])
        everything = f"hash({', '.join(f'c{i}' for i in range(len(table.names)))})"
        prints = pd.DataFrame(
            {"time": stamps[in_groups], "row": table.values(everything, None)[rows[in_groups]]}
        )
        copies = np.zeros(len(rows), dtype=bool)
        copies[in_groups] = prints.duplicated()
        for which, what in (
            (copies, _IDENTICAL),
            (np.r_[False, tied] & ~copies, "with the time of an earlier row, kept"),
        ):
            if which.any():
                line = table.line(rows[which].min())
                table.findings.append(Finding(int(which.sum()), "row", what, line))
        if main is not None and _is_sorted(np.diff(main[rows])[tied]):
            table.notes.append(f"rows of one time are sorted by {column}: shuffled within each time")
            rows = rows[np.lexsort((np.random.default_rng(0).random(len(rows)), stamps))]

    moved = steps[steps > 0] if tied.any() else steps
    if len(moved) < 2:
        return rows, stamps
    some = moved[:: 1 + len(moved) // 1_000_000]
    usual = float(np.median(some))
    regular = np.mean(np.abs(some - usual) <= 0.1 * usual) >= 0.5
    patience = (REGULAR_GAP if regular else IRREGULAR_GAP) * usual
    table.notes.append(f"one time every {duration(usual / 1e6)}" + ("" if regular else ", irregularly"))
    gaps = np.flatnonzero(steps > patience)
    if len(gaps):
        line, longest = table.line(rows[gaps + 1].min()), duration(steps[gaps].max() / 1e6)
        what = f"longer than {duration(patience / 1e6)}"
        table.findings.append(Finding(len(gaps), "gap", what, line, f"the longest {longest}"))
    return rows, stamps


def _main_column(table: Table, numbers, column: str | None) -> tuple[str | None, list[str]]:
    """Return the column of latencies, or those that could be."""
    named = [name for name in numbers if LATENCY_WORD.search(name)]
    candidates = named or [name for name in numbers if not _NO_LATENCY_WORD.search(name)] or list(numbers)
    if column is None and len(candidates) == 1:
        (column,) = candidates
    for name, (_, unit, source) in numbers.items():
        label = "latencies" if name == column else "numbers"
        how = (
            f"in {unit.replace('us', 'µs')} by {source}, in ms here"
            if unit
            else "no unit in its name, taken as it stands"
        )
        how = f"in ms, by {source}" if unit == "ms" else how
        table.notes.append(f"{label}: {name} ({how})")
    if column is None:
        table.notes.append("several columns of numbers: pass column=... to say which one holds the latencies")
    return column, [] if column else candidates


def _number_findings(
    table: Table, name: str, values: np.ndarray, source: str, *, main: bool
) -> list[Finding]:
    findings, c = [], table.sql(name)
    without = np.flatnonzero(np.isnan(values))
    if len(without) == len(values) and not main:
        return findings
    if len(without):
        empty = table.con.execute(f"SELECT rowid AS row FROM t WHERE {c} IS NULL").fetchnumpy()["row"]
        other = np.setdiff1d(without, empty)
        if len(empty):
            findings.append(
                Finding(len(empty), "row", f"with nothing in {name}", table.line(empty[0]), left_out=main)
            )
        if len(other):
            line, cell = table.line(other[0]), table.cell(name, other[0])
            alone = source == "its cells" and is_plain_number(cell)
            what = f"with {'no unit' if alone else 'no number'} in {name}"
            findings.append(Finding(len(other), "row", what, line, shown(cell), left_out=main))
    if not main and not LATENCY_WORD.search(name):
        return findings
    negative = np.flatnonzero(values < 0)
    if len(negative):
        line, example = table.line(negative[0]), f"{values[negative[0]]:g}"
        findings.append(Finding(len(negative), "negative value", f"in {name}, kept", line, example))
    # The same value many times, far from all others, is a timeout or a sentinel.
    largest, some = np.nanmax(values), values[:: 1 + values.size // 1_000_000]
    below = np.nanmax(values, where=values < largest, initial=-np.inf)
    above_zero = np.nanmin(values, where=values > 0, initial=np.inf)
    odd = [largest] if largest > 2 * below > 0 else []
    odd += [0.0] if np.nanmedian(some) / 4 < above_zero < np.inf else []
    for value in odd:
        piled = np.flatnonzero(values == value)
        if len(piled) >= 3:
            what = f"of exactly {table.cell(name, piled[0])} in {name}, kept"
            example = "a timeout, or a word for nothing?"
            findings.append(Finding(len(piled), "value", what, table.line(piled[0]), example))
    return findings
