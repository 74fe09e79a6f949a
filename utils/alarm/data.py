"""A learner's own latencies, read from a file with care: nothing is dropped without being counted.

A verdict is worth as much as the rows it rests on. So `load_latencies` says what it read, what it left out,
why, and on which line of the file each trouble begins. What kind of file it is, `formats` finds out.
"""

from __future__ import annotations

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

from .clock import duration
from .formats import Finding, NoNumbersError, Table, listed, plural, quoted, read_table, shown

# A step is a gap when it is longer than so many usual steps; arrivals at random need more patience.
REGULAR_GAP, IRREGULAR_GAP = 1.5, 20.0
SORTED = 0.95  # the share of steps in one direction from which a column counts as sorted by value
FEWEST_STEPS = 10  # by which that can be said
_IDENTICAL = "identical to an earlier row, kept"

_TIME_NAMES = ("timestamp", "@timestamp", "time", "_time", "datetime", "date_time", "ts", "date", "time_utc")
_TIME_WORD = re.compile(r"time|date|(^|[^a-z])ts([^a-z]|$)|^msec$", re.IGNORECASE)
_LATENCY_WORD = re.compile(
    r"latenc|duration|elapsed|(respon[sc]e|request|service|processing)[ _.-]?time|time[ _.-]?taken|delay|rtt",
    re.IGNORECASE,
)
# Numbers that are no measurement of a time.
_NO_LATENCY_WORD = re.compile(
    r"(^|[^a-z])(status|code|port|bytes|size|length|count|id|pid|line|table|level|v)$|status|bytes",
    re.IGNORECASE,
)
# Columns that say what a row's number is a measurement of.
_METRIC_NAME = re.compile(
    r"(.*[._])?(__name__|metric([_ ]?name)?|series|variable|_?field|_?measurement)", re.IGNORECASE
)

# How SQL finds times: ISO 8601 by a pattern (DuckDB's own cast forgives too much), others that can be read in one way.
_ISO = r"\d{4}[-/]\d\d[-/]\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?( UTC)?))?)?"
_ZONE_AT_THE_END = r"(?:\d\d:\d\d|[.,]\d+|T\d{4,6}) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?: UTC)?$"
_OTHER_TIMES = (
    "%Y%m%dT%H%M%S%z",
    "%Y%m%dT%H%M%S",
    "%Y%m%dT%H%M",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
)
_OTHER_TIMES += (
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%Y%m%d%H%M%S",
)
_CLOCK = r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[AaPp][Mm])?"
_CLOCK_OR_DATE = re.compile(
    rf"{_CLOCK}$|\d{{1,4}}[./:-](\d{{1,2}}|[A-Za-z]{{3}})[./:-]\d{{1,4}}|[A-Z][a-z]{{2}},? .*\d\d:\d\d"
)
# Seconds since 1970, from 2000 to 2100, and how many of each unit make one.
_EPOCH_S = (946_684_800, 4_102_444_800)
_EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

# Numbers by the mark before their decimals, with thousands apart or not: 1,234.5 and 1 234.5, 1.234,5 and 1'234,5.
_APART = {".": "[, '’\u00a0\u202f]", ",": "[ '’\u00a0\u202f]"}
_GROUPS = {
    mark: rf"\d{{1,3}}(?P<apart>{apart})\d{{3}}(?:(?P=apart)\d{{3}})*" for mark, apart in _APART.items()
}
_NUMBER = {
    ".": re.compile(rf"[+-]?(?:(?P<groups>{_GROUPS['.']})|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?"),
    ",": re.compile(
        rf"[+-]?(?:(?P<groups>{_GROUPS[',']}|\d{{1,3}}(?:\.\d{{3}})+(?=,))|\d+)?(?:,\d+)?(?:[eE][+-]?\d+)?"
    ),
}
_THREE_AFTER_COMMA = re.compile(r"[+-]?\d{1,3},\d{3}")
_WITH_UNIT = re.compile(r"(?P<number>[^a-zµμ]*\d[^a-zµμ]*?(?:[eE][+-]?\d+)?)\s*(?P<unit>[A-Za-zµμ]+)")
_DURATION = re.compile(r"-?(PT[\d.HMS]+|\d+:\d\d:\d\d([.,]\d+)?|(\d+(\.\d+)?(h|m|s|ms|µs|us|ns)){2,})")

_UNIT_NAMES = {
    "ns": ("ns", "nsec", "nanos", "nanosec", "nanosecond", "nanoseconds"),
    "us": ("us", "µs", "μs", "usec", "usecs", "micros", "microsec", "microsecond", "microseconds"),
    "ms": ("ms", "msec", "msecs", "millis", "millisec", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("h", "hour", "hours"),
}
_UNITS = {name: unit for unit, names in _UNIT_NAMES.items() for name in names}
_IN_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6}


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
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal must be '.' or ',' or left out, not {decimal!r}.")
    with tempfile.TemporaryDirectory(prefix="latencies-") as folder:
        table = read_table(path, Path(folder), log_format)
        try:
            recording = _recording(table, column, time, time_format, decimal, where)
        finally:
            table.con.close()
    left_out = [finding for finding in recording.findings if finding.left_out]
    if left_out:
        warnings.warn(
            f"{path.name}: {plural(recording.n_left_out, 'row')} of {recording.n_rows:,} left out: "
            f"{'; '.join(map(str, left_out))}.",
            DataQualityWarning,
            stacklevel=2,
        )
    return recording


def _recording(table: Table, column, time, time_format, decimal, where) -> Recording:
    chosen = _choose_rows(table, where)
    _refuse_several_units(table)
    sample = _sample(table)
    times, time_names, zoned, offsets = _times(table, sample, time, time_format)
    time_name = time_names[0] if time_names else None
    column = _named_column(table, column, time_name)
    numbers = _numbers(table, sample, {*time_names, *chosen}, column, decimal)
    column, candidates = _main_column(table, numbers, column)
    _refuse_several_metrics(table, sample, times, chosen, [*time_names, *numbers])

    keep = np.ones(table.n_rows, dtype=bool) if times is None else ~np.isnat(times)
    if not keep.all():
        row = int(np.argmin(keep))
        cell = table.cell(time_name, row)
        example = "empty" if cell is None else shown(cell)
        what = "without a time that can be read"
        table.findings.append(
            Finding(int((~keep).sum()), "row", what, table.line(row), example, left_out=True)
        )
    rows = np.flatnonzero(keep)
    main = numbers[column][0] if column else None
    if times is None:
        index = pd.RangeIndex(table.n_rows, name="row")
    else:
        rows, stamps = _in_order(table, times[rows], rows, main, column)
        index = pd.DatetimeIndex(stamps, name=time_name)
        index = index.tz_localize("UTC") if zoned else index
    if main is not None:
        _refuse_sorted(table, column, main[rows], times is not None)
    for name, (values, _, source) in numbers.items():
        table.findings += _number_findings(table, name, values, source, main=name == column)
    whole = len(rows) == table.n_rows and (times is None or bool((rows[1:] > rows[:-1]).all()))
    frame = {name: values if whole else values[rows] for name, (values, *_) in numbers.items()}
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
            raise ValueError(_no_such_column(table, name))
        if value == "*":
            chosen.add(name)
            continue
        chosen.add(name)
        before, c = table.n_rows, table.sql(name)
        values = listed(_common_values(table, name), 8)
        table.keep(f"{c} = ?", [value])
        if not table.n_rows:
            raise ValueError(f"{table.path.name} has no row where {name} is {value!r}: it has {values}.")
        table.notes.append(f"{plural(table.n_rows, 'row')} of {before:,} read, where {name} is {value}")
    return chosen


def _refuse_several_metrics(table: Table, sample, times, chosen: set[str], used: list[str]) -> None:
    """Refuse to take the rows of several metrics, or of several hosts, for one series."""
    texts = [name for name in table.names if name not in used and name not in chosen]
    metric = None
    for name in texts:
        if len(set(filter(None, sample[name]))) > 1 and _METRIC_NAME.fullmatch(name):
            metric = name
            break
    if metric is None and times is not None and texts and table.n_rows > 3:
        begin = f"SELECT {', '.join(f'{table.sql(name)} AS x{i}' for i, name in enumerate(texts))} FROM t LIMIT 100000"
        begin = table.con.execute(begin).df().set_axis(texts, axis=1).assign(_time=times[:100_000])
        begin = begin.dropna(subset="_time")
        moments = begin["_time"].nunique()
        for name in texts if len(begin) > 1.5 * moments else ():
            kinds = begin[name].nunique(dropna=False)
            apart = begin.duplicated(["_time", name]).mean() <= 0.01
            if kinds > 1 and apart and len(begin) >= 0.5 * moments * kinds:
                metric = name
                break
    if metric is not None:
        found = _common_values(table, metric)
        example = next((value for value in found if _LATENCY_WORD.search(value)), found[0])
        raise ValueError(
            f"{table.path.name} has the rows of several series below one another, told apart by {metric!r} "
            f"({listed(found, 8)}): say which, where=[{f'{metric}={example}'!r}], or where=[{f'{metric}=*'!r}] for all of "
            "them together."
        )


def _common_values(table: Table, name: str) -> list[str]:
    c = table.sql(name)
    found = f"SELECT {c} FROM t WHERE {c} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1000"
    found = [cell for (cell,) in table.con.execute(found).fetchall()]
    return found


def _refuse_several_units(table: Table) -> None:
    """Refuse rows that each name another unit."""
    for name in table.names:
        if name.lower() in ("unit", "units", "uom"):
            found = _common_values(table, name)
            if len(found) > 1 and all(cell.lower() in _UNITS for cell in found):
                raise ValueError(
                    f"{table.path.name}: column {name!r} names {listed(found, 5)} row by row: convert all rows to one unit, "
                    f"or read those of one, where=[{f'{name}={found[0]}'!r}]."
                )


def _refuse_sorted(table: Table, column: str | None, values: np.ndarray | None, has_times: bool) -> None:
    """Refuse a counter, and rows in the order of their size: neighbors are not of one time there."""
    if has_times and not re.search(r"_(total|sum|count|bucket)$", column):
        return
    if _is_sorted(np.diff(values[~np.isnan(values)])):
        why = (
            "counts up"
            if has_times
            else "is sorted by value, or counts up, and has no times to restore its order"
        )
        raise ValueError(
            f"{table.path.name}: {column!r} {why}: export what it grows by, or the single measurements with their times."
        )


def _is_sorted(steps: np.ndarray) -> bool:
    """Whether nearly all steps that are any go in one direction."""
    up, down = np.count_nonzero(steps > 0), np.count_nonzero(steps < 0)
    return up + down >= FEWEST_STEPS and max(up, down) >= SORTED * (up + down)


# Times --------------------------------------------------------------------------------------------------------


def _sample(table: Table) -> dict[str, list[str | None]]:
    """Return some thousand cells of each column, from all over the file."""
    rows = table.con.execute(f"SELECT * FROM t WHERE {_sampled(table)}").fetchall()
    return dict(zip(table.names, map(list, zip(*rows, strict=True)), strict=True))


def _sampled(table: Table) -> str:
    """Return the SQL that chooses the sample; by chance, since every tenth row may be of one kind."""
    return f"hash(rowid) % {1 + table.n_rows // 2_000} = 0"


def _times(table: Table, sample, wanted: str | None, time_format: str | None):
    """Return the times (datetime64[us], NaT where there is none), their column, whether in UTC, and their offsets."""
    if wanted is not None and wanted not in table.names:
        raise ValueError(_no_such_column(table, wanted))
    by_name = [
        name for known in _TIME_NAMES for name in table.names if name.lower().rpartition(".")[2] == known
    ]
    worded = [name for name in table.names if _TIME_WORD.search(name) and not _LATENCY_WORD.search(name)]
    candidates = dict.fromkeys([wanted] if wanted else [*by_name, *worded, *table.names])
    trusted = {wanted, *by_name, *worded, *(name for name in table.names if name.startswith("column "))}

    readable = {}
    for name in candidates:
        how = _how_times_are_written(table, name, sample[name], time_format, name in trusted)
        if how:
            readable[name] = how
    if readable:
        name, how = next(iter(readable.items()))
        times, zoned, offsets = _read_times(table, name, *how)
        clock = next((other for other in table.names if other != name and _all_clock(sample[other])), None)
        present = times[~np.isnat(times)]
        if clock and wanted is None and (present == present.astype("datetime64[D]")).all():
            raise ValueError(
                f"{table.path.name}: column {name!r} has only days and column {clock!r} the time of day: write "
                "both into one column, such as 2024-01-31T10:00:00."
            )
        table.notes.append(f"times: {name} ({how[1]}{', in UTC here' if zoned else ', no time zone'})")
        others = [other for other in readable if other != name]
        if others:
            table.notes.append(f"also times, not used: {listed(others)}; pass time=... for another one")
        return times, [name, *others], zoned, offsets

    for name in candidates:
        present = [cell for cell in sample[name] if cell]
        cell = present[0] if present else ""
        words = present and sum(_is_number(cell) and ":" not in cell for cell in present) < len(present) / 2
        if name == wanted or (
            words and (name in by_name or (_CLOCK_OR_DATE.match(cell) and not _LATENCY_WORD.search(name)))
        ):
            if len(table.names) == 1 and name.startswith("column ") and " " in cell.strip():
                raise ValueError(
                    f"{table.path.name} has lines such as {shown(cell)} and no columns: export it as CSV or JSON, or pass "
                    "log_format=... if it is an access log of nginx or Apache."
                )
            tried = f"not as {time_format!r}" if time_format else "not in ISO 8601"
            raise ValueError(
                f"{table.path.name}: times such as {shown(cell)} in column {name!r} are {tried}: pass "
                "time_format=..., such as '%d/%m/%Y %H:%M' (day first) or '%m/%d/%Y %H:%M' (month first)."
            )
    table.notes.append("no column of times: the rows are taken in the order of the file, gaps cannot be seen")
    return None, [], False, ()


def _how_times_are_written(table: Table, name: str, cells, time_format, trusted: bool):
    """Return the SQL of a column's times, in words, and whether there is a zone; None if half of them are no times."""
    c, few = table.sql(name), max(1, len(cells) / 2)
    present = [cell for cell in cells if cell]
    if time_format is not None:
        if not trusted and all(map(_is_plain_number, present)):
            return None
        sql = f"try_strptime({c}, {quoted(time_format)})"
        zone = "%z" in time_format.lower()
        return _if_readable(table, sql, few, f"read as {time_format!r}", zone)
    if sum(bool(re.fullmatch(_ISO, cell)) for cell in present) >= few:
        text = c
        if any(
            re.search("[,+-]..:?..( UTC)?$|,", cell) for cell in present
        ):  # as Python's logging and Go write them
            text = rf"regexp_replace({c}, '(\d\d),(\d)', '\1.\2')"
            text = rf"regexp_replace({text}, ' ?([+-]\d\d:?\d\d)( UTC)?$', '\1')"
        return (
            f"CASE WHEN regexp_full_match({c}, '{_ISO}') THEN TRY_CAST({text} AS TIMESTAMPTZ) END",
            "ISO 8601",
            None,
        )
    if sum(not _is_number(cell) or bool(re.fullmatch(r"(19|20)\d{12}", cell)) for cell in present) >= few:
        formats = ", ".join(map(quoted, _OTHER_TIMES))
        sql = f"try_strptime({c}, [{formats}])"
        return _if_readable(table, sql, few, f"such as {present[0]!r}", None)

    if any("," in cell for cell in present):  # a decimal comma
        c, present = f"replace({c}, ',', '.')", [cell.replace(",", ".") for cell in present]
    values = np.array([float(cell) for cell in present if _is_plain_number(cell)])
    counts = {
        unit: int(((values >= _EPOCH_S[0] * many) & (values < _EPOCH_S[1] * many)).sum())
        for unit, many in _EPOCH_UNITS.items()
    }
    unit, all_units = max(counts, key=counts.get), sum(counts.values())
    if all_units < few:
        return None
    if not trusted:  # an id or a count of bytes may be as large, and a duration in ns
        years = np.ptp(values) / _EPOCH_UNITS[unit] / 31_557_600
        may_be_latency = _unit(name) != unit and (_unit(name) or _LATENCY_WORD.search(name))
        if counts[unit] < len(present) or years > 5 or may_be_latency:
            return None
    elif counts[unit] <= all_units - counts[unit]:
        raise ValueError(
            f"{table.path.name}: column {name!r} has times in {' and in '.join(filter(counts.get, counts))} since 1970: "
            "write all of them in one unit."
        )
    many, value = _EPOCH_UNITS[unit], _number(c)
    inside = f"{value} BETWEEN {_EPOCH_S[0] * many} AND {_EPOCH_S[1] * many}"
    sql = f"CASE WHEN {inside} THEN make_timestamptz(CAST(round({value} * {1e6 / many!r}) AS BIGINT)) END"
    return sql, f"{unit.replace('us', 'µs')} since 1970", True


def _if_readable(table: Table, sql: str, few: float, how: str, zoned: bool | None):
    """Return how a column's times are written if enough of the sample can be read so."""
    try:
        n = table.one(f"count(CASE WHEN {_sampled(table)} THEN {sql} END)")[0]
    except duckdb.InvalidInputException as error:
        told = str(error).splitlines()[0].partition(": ")[2]
        raise ValueError(
            f"time_format cannot be used ({told}): write it as in '%d/%m/%Y %H:%M:%S'."
        ) from None
    return (sql, how, zoned) if n >= few else None


def _read_times(table: Table, name: str, sql: str, how: str, zoned: bool | None):
    """Return a column's times in µs, whether they are in UTC now, and the offsets at which they are written."""
    offsets = ()
    if zoned is None:
        c = table.sql(name)
        end = f"CASE WHEN {c} LIKE '%Z' THEN 'Z' ELSE regexp_extract({c}, '{_ZONE_AT_THE_END}', 1) END"
        ends = f"SELECT {end} AS zone, min(rowid) FROM t WHERE ({sql}) IS NOT NULL GROUP BY 1 ORDER BY 2"
        ends = table.con.execute(ends).fetchall()
        zoned = any(zone for zone, _ in ends)
        other = next((row for zone, row in ends if bool(zone) != bool(ends[0][0])), None)
        if other is not None:
            raise ValueError(
                f"{table.path.name}: column {name!r} has times with and without a time zone, the first of the other kind "
                f"at line {table.line(other):,}: write all of them in one way."
            )
        offsets = tuple(
            sorted(
                {
                    f"{zone[:3]}:{zone[-2:] if len(zone) > 3 else '00'}"
                    for zone, _ in ends
                    if zone[:1] in "+-" and zone
                }
            )
        )
    times = table.values(f"epoch_us(({sql})::TIMESTAMPTZ)", np.iinfo(np.int64).min).view("datetime64[us]")
    return times, zoned, offsets


def _in_order(table: Table, stamps, rows, main, column):
    """Return the rows in the order of time, and their times; tell what is odd about them."""
    steps = np.diff(stamps).astype(np.int64)
    backwards = np.flatnonzero(steps < 0)
    if len(backwards):
        if len(stamps) > 2 and len(backwards) >= 0.9 * np.count_nonzero(steps):
            table.notes.append("newest first in the file: turned around")
        else:
            line = table.line(rows[backwards[0] + 1])
            table.findings.append(Finding(len(backwards), "row", "out of order, sorted", line))
        order = np.argsort(stamps, kind="stable")
        rows, stamps = rows[order], stamps[order]
        steps = np.diff(stamps).astype(np.int64)

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
        if main is not None:
            if _is_sorted(np.diff(main[rows])[tied]):
                table.notes.append(f"rows of one time are sorted by {column}: shuffled within each time")
                shuffled = np.lexsort((np.random.default_rng(0).random(len(rows)), stamps))
                rows = rows[shuffled]

    moved = steps[steps > 0] / 1e6
    if len(moved) < 2:
        return rows, stamps
    usual = float(np.median(moved))
    regular = np.mean(np.abs(moved - usual) <= 0.1 * usual) >= 0.5
    patience = (REGULAR_GAP if regular else IRREGULAR_GAP) * usual
    table.notes.append(f"one time every {duration(usual)}" + ("" if regular else ", irregularly"))
    gaps = np.flatnonzero(steps / 1e6 > patience)
    if len(gaps):
        line, longest = table.line(rows[gaps + 1].min()), duration(steps[gaps].max() / 1e6)
        what = f"longer than {duration(patience)}"
        table.findings.append(Finding(len(gaps), "gap", what, line, f"the longest {longest}"))
    return rows, stamps


def _all_clock(cells) -> bool:
    """Whether a column holds times of day, and nothing else."""
    present = [cell for cell in cells if cell]
    return bool(present) and all(re.fullmatch(_CLOCK, cell) for cell in present)


# Numbers --------------------------------------------------------------------------------------------------------


def _named_column(table: Table, wanted: str | None, time_name: str | None) -> str | None:
    """Return the column that is meant, also one of the same name that has another unit."""
    if wanted is None or wanted in table.names:
        name = wanted
    else:
        same = [
            name for name in table.names if _unit(name) and _unit(wanted) and _stem(name) == _stem(wanted)
        ]
        if len(same) != 1:
            raise ValueError(_no_such_column(table, wanted))
        (name,) = same
        table.notes.append(f"{name} stands for {wanted}: both are in ms here")
    if name is not None and name == time_name:
        raise ValueError(f"{table.path.name}: column {name!r} holds the times: name the column of latencies.")
    return name


def _numbers(table: Table, sample, others, column, decimal) -> dict[str, tuple[np.ndarray, str, str]]:
    """Return the columns of numbers, in ms where a unit is known, each with its unit and what says it."""
    kept, numbers = [], {}
    for name in table.names:
        present = [cell for cell in sample[name] if cell]
        if name == column or (
            name not in others
            and (_LATENCY_WORD.search(name) or not _all_clock(present))
            and sum(map(_is_number, present)) >= max(1, len(present) / 2)
        ):
            kept.append(name)
    for name, (values, n_present) in _plain_numbers(table, kept).items():
        unit, source, how = _read_unusual(table, name, values, n_present, decimal)
        if name != column and name.startswith("column ") and len(values) > 1:
            if np.array_equal(values, np.arange(len(values))):
                table.notes.append(f"a row counter, not used: {name}")
                continue
        n_numbers = np.count_nonzero(~np.isnan(values))
        if name == column and not n_numbers:
            cells = [cell for cell in sample[name] if cell]
            raise NoNumbersError(f"{table.path.name}: column {column!r} holds no number{_such_as(cells)}.")
        if name == column or n_numbers >= max(1, n_present / 2):
            numbers[name] = (values, unit, source)
            if how:
                table.notes.append(f"{name}: written with {' and '.join(how)}")
    aside = [name for name in table.names if name not in kept and name not in others]
    aside += [name for name in kept if name not in numbers and not name.startswith("column ")]
    if not numbers:
        cells = [cell for name in aside for cell in sample[name] if cell]
        raise NoNumbersError(
            f"{table.path.name} has no column of numbers{_such_as(cells)}: export raw values, one row a measurement (it has "
            f"{listed(table.names, 6)})."
        )
    if aside:
        table.notes.append(f"not numbers, not used: {listed(aside)}")
    return numbers


def _plain_numbers(table: Table, names: list[str]) -> dict[str, tuple[np.ndarray, int]]:
    """Return the columns as DuckDB reads them, NaN where it can't, and how many of their cells hold anything."""
    if not names:
        return {}
    counts = table.one(*(f"count({table.sql(name)})" for name in names))
    query = ", ".join(f"{_number(table.sql(name))} AS {table.sql(name)}" for name in names)
    found = table.con.execute(f"SELECT {query} FROM t").fetchnumpy()
    found = [np.ma.filled(found[table.sql(name)], np.nan) for name in names]
    return dict(zip(names, zip(found, counts, strict=True), strict=True))


def _read_unusual(table: Table, name: str, values: np.ndarray, n_present: int, decimal: str | None):
    """Read the other cells into ``values``, and bring all to ms; return the unit, what says it, and what is unusual."""
    c, how = table.sql(name), []
    unit = table.units.get(name) or _unit(name)
    source = "the format" if name in table.units else "its name" if unit else ""
    if n_present == np.count_nonzero(~np.isnan(values)) and decimal != ",":
        values *= _IN_MS.get(unit, 1.0)
        values[~np.isfinite(values)] = np.nan
        return unit, source, how
    odd = f"SELECT rowid AS row, {c} AS cell FROM t WHERE {c} IS NOT NULL AND ({_number(c)}) IS NULL"
    odd = table.con.execute(odd).fetchnumpy()
    cells, factor = pd.Series(odd["cell"], dtype=object), _IN_MS.get(unit, 1.0)
    mark = decimal or "."
    if len(cells) and decimal is None:
        mark = _decimal_mark(table, name, list(cells))
    if mark == ",":
        values[table.values(f"contains({c}, '.')", False).astype(bool)] = np.nan
    values *= factor
    read = {cell: _parsed(cell, mark) for cell in cells.unique()}
    told = sorted({its for _, its in read.values() if its})
    if told:
        how.append(f"their unit ({', '.join(told).replace('us', 'µs')}; in ms here)")
    if told and not unit:  # beside others that have one, a number without a unit says nothing
        unit, factor, source = "ms", np.nan, "its cells"
        values[values != 0] = np.nan
    numbers = {cell: number * (_IN_MS[its] if its else factor) for cell, (number, its) in read.items()}
    values[odd["row"]] = cells.map(numbers).to_numpy(dtype=float)
    if mark == "," and any("," in cell for cell in read):
        how.append("a decimal comma")
    if any((found := _NUMBER[mark].fullmatch(cell)) and found["groups"] for cell in read):
        how.append("thousands separators")
    values[~np.isfinite(values)] = np.nan
    return unit, source, how


def _parsed(cell: str, mark: str) -> tuple[float, str]:
    """Return the number in a cell and its unit, if it has one; NaN if there is none."""
    if _DURATION.fullmatch(cell):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return 1e3 * pd.to_timedelta(cell.replace(",", "."), errors="coerce").total_seconds(), "ms"
    unit = ""
    with_unit = _WITH_UNIT.fullmatch(cell)
    if with_unit and with_unit["unit"].lower() in _UNITS:
        cell, unit = with_unit["number"].strip(), _UNITS[with_unit["unit"].lower()]
    found = _NUMBER[mark].fullmatch(cell)
    if not found or not any(map(str.isdecimal, cell)):
        return np.nan, ""
    groups = found["groups"]
    if groups:
        cell = cell.replace(groups, re.sub(r"\D", "", groups))
    return float(cell.replace(",", ".")), unit


def _decimal_mark(table: Table, name: str, cells: list[str]) -> str:
    """Return what most numbers of a column have before their decimals; nothing is guessed."""
    found = [_WITH_UNIT.fullmatch(cell) for cell in cells]
    cells = [one["number"].strip() if one else cell for one, cell in zip(found, cells, strict=True)]
    both_ways = [cell for cell in cells if _THREE_AFTER_COMMA.fullmatch(cell)]
    commas = sum("," in cell and bool(_NUMBER[","].fullmatch(cell)) for cell in cells) - len(both_ways)
    points = sum("." in cell and bool(_NUMBER["."].fullmatch(cell)) for cell in cells)
    if both_ways or commas:
        points += table.one(
            f"count_if(contains({table.sql(name)}, '.') AND ({_number(table.sql(name))}) IS NOT NULL)"
        )[0]
    if both_ways and commas <= 0 and not points:
        raise ValueError(
            f"{table.path.name}: {both_ways[0]!r} in column {name!r} may be {both_ways[0].replace(',', '.')} or "
            f"{both_ways[0].replace(',', '')}: pass decimal=',' for the first, decimal='.' for the second."
        )
    return "," if commas > points else "."


def _number(c: str) -> str:
    """Return the SQL of a column's plain numbers: those that any program would read in the same way."""
    return f"CASE WHEN NOT contains({c}, '_') THEN TRY_CAST({c} AS DOUBLE) END"


def _is_plain_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell
    except ValueError:
        return False


def _is_number(cell: str) -> bool:
    return _is_plain_number(cell) or any(_parsed(cell, mark)[0] == _parsed(cell, mark)[0] for mark in _NUMBER)


def _main_column(table: Table, numbers, column: str | None) -> tuple[str | None, list[str]]:
    """Return the column of latencies, or those that could be."""
    named = [name for name in numbers if _LATENCY_WORD.search(name)]
    candidates = named or [name for name in numbers if not _NO_LATENCY_WORD.search(name)] or list(numbers)
    if column is None and len(candidates) == 1:
        (column,) = candidates
    for name, (_, unit, source) in numbers.items():
        label = "latencies" if name == column else "numbers"
        if not unit:
            how = "no unit in its name, taken as it stands"
        else:
            how = (
                f"in ms, by {source}"
                if unit == "ms"
                else f"in {unit.replace('us', 'µs')} by {source}, in ms here"
            )
        table.notes.append(f"{label}: {name} ({how})")
    if column is None:
        table.notes.append("several columns of numbers: pass column=... to say which one holds the latencies")
    return column, [] if column else candidates


def _unit(name: str) -> str:
    """Return the unit of time that a column's name ends in: ``latency_ms``, ``durationSeconds``."""
    words = _words(name)
    if len(words) < 2 or "per" in words or re.search(r"\d\W*$", name):
        return words[0] if words == ["ms"] else ""
    unit = _UNITS.get(words[-1], "")
    # A lone s may be a plural or "per second", a min the least; they count beside a word for a duration, or not at all.
    return (
        ""
        if unit in ("min", "h") or (words[-1] == "s" and not _LATENCY_WORD.search("_".join(words)))
        else unit
    )


def _stem(name: str) -> list[str]:
    return _words(name)[:-1]


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())


def _no_such_column(table: Table, wanted: str) -> str:
    return f"{table.path.name} has no column {shown(wanted)}: it has {listed(table.names)}."


def _such_as(cells) -> str:
    return f", only entries such as {shown(cells[0])}" if cells else ", every entry is empty"


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
            alone = source == "its cells" and _is_plain_number(cell)
            what = f"with {'no unit' if alone else 'no number'} in {name}"
            findings.append(Finding(len(other), "row", what, line, shown(cell), left_out=main))
    if not main and not _LATENCY_WORD.search(name):
        return findings
    negative = np.flatnonzero(values < 0)
    if len(negative):
        line, example = table.line(negative[0]), f"{values[negative[0]]:g}"
        findings.append(Finding(len(negative), "negative value", f"in {name}, kept", line, example))
    # The same value many times, far from all others, is a timeout or a sentinel.
    for extreme, following, apart in (
        (np.nanmax(values), np.nanmax(values, where=values < np.nanmax(values), initial=-np.inf), 2.0),
        (0.0, np.nanmin(values, where=values > 0, initial=np.inf), 0.25 * np.nanmedian(values)),
    ):
        piled = np.flatnonzero(values == extreme)
        if len(piled) >= 3 and (following > apart if extreme == 0 else extreme > apart * following > 0):
            line, cell = table.line(piled[0]), table.cell(name, piled[0])
            example = "a timeout, or a word for nothing?"
            what = f"of exactly {shown(cell, 20).strip(chr(39))} in {name}, kept"
            findings.append(Finding(len(piled), "value", what, line, example))
    return findings
