"""A learner's own latencies, read from a CSV file with care: nothing is dropped without being counted.

A verdict is worth as much as the rows it rests on. So `load_latencies` says what it read, what it left out,
why, and on which line of the file each trouble begins.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

DELIMITERS = ("\t", ";", "|", ",")
MISSING_WORDS = frozenset({"", "-", "--", "na", "n/a", "nan", "nat", "null", "none", "nil", "undefined"})
# A step is a gap when it is longer than so many usual steps; arrivals at random need more patience.
REGULAR_GAP, IRREGULAR_GAP = 1.5, 20.0
_IDENTICAL = "identical to an earlier row, kept"
_END = "\x00end of the file\x00"  # no text file holds a zero byte

_TIME_NAMES = ("timestamp", "@timestamp", "time", "_time", "datetime", "date_time", "ts", "date", "time_utc")
_TIME_WORD = re.compile(r"time|date|(^|[^a-z])ts([^a-z]|$)", re.IGNORECASE)
_LATENCY_WORD = re.compile(
    r"latenc|duration|elapsed|respon[sc]e_?time|request_?time|service_?time|time_?taken|delay|rtt",
    re.IGNORECASE,
)
_ISO = re.compile(r"\d{4}[-/]\d\d[-/]\d\d([T ].*)?|\d{8}T\d{4,6}.*")
_ZONE = re.compile(r"(?:Z|[T ].*[+-]\d\d(?::?\d\d)?)$")  # +01:00, +0100 or +01
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[AaPp][Mm])?")
_CLOCK_OR_DATE = re.compile(r"\d{1,4}[./:-]\d{1,2}[./:-]\d{1,4}")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THREE_AFTER_COMMA = re.compile(r"[+-]?\d{1,3},\d{3}")
# Numbers by the mark before their decimals, with thousands apart or not: 1,234.5 and 1 234.5, 1.234,5 and 1'234,5.
_UNUSUAL = re.compile(r"\d[, '’\u00a0\u202f]\d")
_SEPARATORS = {".": re.compile(r"[, '’\u00a0\u202f]"), ",": re.compile(r"[. '’\u00a0\u202f]")}
_THOUSANDS = {
    ".": re.compile(r"[+-]?\d{1,3}(?P<apart>[, '’\u00a0\u202f])\d{3}(?:(?P=apart)\d{3})*(?:\.\d*)?"),
    ",": re.compile(
        r"[+-]?\d{1,3}(?:(?P<apart>[ '’\u00a0\u202f])\d{3}(?:(?P=apart)\d{3})*(?:,\d+)?|(?:\.\d{3})+,\d+)"
    ),
}
_NUMBER = {
    ".": re.compile(rf"{_THOUSANDS['.'].pattern}|[+-]?\d+\.\d*"),
    ",": re.compile(rf"{_THOUSANDS[','].pattern}|[+-]?\d+,\d+"),
}
# Seconds since 1970, from 2000 to 2100, and how many of each unit make one.
_EPOCH_S = (946_684_800, 4_102_444_800)
_EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_UNIT_NAMES = {
    "ns": ("ns", "nanos", "nanosec", "nanosecond", "nanoseconds"),
    "us": ("us", "µs", "μs", "micros", "microsec", "microsecond", "microseconds"),
    "ms": ("ms", "msec", "msecs", "millis", "millisec", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
}
_UNITS = {name: unit for unit, names in _UNIT_NAMES.items() for name in names}
_IN_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}


class NoNumbersError(ValueError):
    """A file that can be read holds no numbers: no rows, or nothing but words where they should be."""


class DataQualityWarning(UserWarning):
    """Some rows of a file could not be used; the message counts them and says where they begin."""


@dataclass(frozen=True)
class Finding:
    """One thing about a file that its owner should know.

    Attributes
    ----------
    count : int
        How many.
    noun : str
        Of what, in the singular: ``row``, ``gap``.
    what : str
        What is the matter with them.
    line : int
        The first line of the file (counted from 1) that shows it.
    example : str
        What stands there, or more about it; may be empty.
    left_out : bool
        Whether these rows are missing from the latencies.
    """

    count: int
    noun: str
    what: str
    line: int
    example: str = ""
    left_out: bool = False

    def __str__(self):
        example = f" ({self.example})" if self.example else ""
        what = f" {self.what}" if self.what else ""
        return f"{_plural(self.count, self.noun)}{what}, first at line {self.line:,}{example}"


@dataclass(frozen=True)
class Recording:
    """Latencies from a file, in the order of time, with a report on what was found: print it.

    Attributes
    ----------
    path : Path
        The file.
    frame : pandas.DataFrame
        Every row that has a time, sorted by it, and every column of numbers; NaN where a row has no number.
        Durations are in ms where the column's name says a unit.
    column : str or None
        The column that holds the latencies; None when several could.
    notes : tuple of str
        How the file was understood: columns, units, times.
    findings : tuple of Finding
        What was found in its rows.
    n_rows : int
        Rows of the file, the header not counted.
    unit : str
        Of the latencies: ``"ms"`` where the column's name says a unit, else nothing.
    """

    path: Path
    frame: pd.DataFrame
    column: str | None
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    n_rows: int
    unit: str = ""

    @property
    def latencies(self) -> pd.Series:
        """The latencies in ms, sorted by time, without the rows that hold none (the report counts them)."""
        if self.column is None:
            raise ValueError(
                f"{self.path.name} has several columns of numbers ({', '.join(self.frame.columns)}): "
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
        lines = [f"{self.path.name}: {_plural(self.n_rows, 'row')}{self._span()}"]
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
) -> Recording:
    """Return the latencies of a CSV file in the order of time, with a report on what the file holds.

    The file has one row a measurement: a time and one or more columns of numbers, or only numbers. Found by
    themselves: the delimiter (comma, semicolon, tab, bar), a header or none, the column of times (ISO 8601,
    or seconds, ms, µs or ns since 1970), the columns of numbers, the unit in a column's name (``_ms``,
    ``_seconds``; converted to ms), decimal commas, thousands separators, gzip, a byte order mark.
    Where two readings are possible, nothing is guessed: an error says what to pass.

    Parameters
    ----------
    path : str or path-like
        The file; may be compressed with gzip.
    column : str, optional
        The column of latencies, when there are several columns of numbers.
    time : str, optional
        The column of times, when the one that is found is the wrong one.
    time_format : str, optional
        How times are written when not in ISO 8601, such as ``"%d/%m/%Y %H:%M"`` (see `strftime`).
    decimal : {".", ","}, optional
        What stands before the decimals, when the file leaves it open.

    Returns
    -------
    Recording
        ``latencies``, ``frame`` with every column of numbers, and the report: print it.

    Raises
    ------
    OSError
        If the file cannot be read; a missing file is a FileNotFoundError.
    ValueError
        If the file cannot be understood: empty, not text, no numbers, ambiguous dates or decimals.

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
    table = _Table(path, _read_text(path))
    notes = list(table.notes)

    times, time_name = _times(table, time, time_format, notes)
    numbers = _numbers(table, time_name, column, decimal, notes)
    column = _main_column(numbers, column, notes)

    findings = list(table.findings)
    keep = np.ones(table.n_rows, dtype=bool)
    if times is None:
        order = np.arange(table.n_rows)
        index = pd.RangeIndex(table.n_rows, name="row")
    else:
        keep = times.notna().to_numpy()
        no_time = ~keep
        if no_time.any():
            where = int(np.argmax(no_time))
            cell = table.columns[time_name][where]
            findings.append(
                Finding(
                    int(no_time.sum()),
                    "row",
                    "without a time that can be read",
                    int(table.lines[where]),
                    repr(cell) if cell else "empty",
                    left_out=True,
                )
            )
        order = times[keep].reset_index(drop=True).sort_values(kind="stable").index.to_numpy()
        findings += _time_findings(table, times, keep, order, notes)
        index = pd.DatetimeIndex(times[keep].iloc[order], name=time_name)

    for name, (values, _) in numbers.items():
        findings += _number_findings(table, name, values, main=name == column)
    frame = pd.DataFrame({name: values[keep][order] for name, (values, _) in numbers.items()}, index=index)

    n_rows, unit = table.n_rows + table.n_ragged, "ms" if column and numbers[column][1] else ""
    recording = Recording(path, frame, column, tuple(notes), tuple(findings), n_rows, unit)
    left_out = [finding for finding in findings if finding.left_out]
    if left_out:
        warnings.warn(
            f"{path.name}: {_plural(recording.n_left_out, 'row')} of {recording.n_rows:,} left out: "
            f"{'; '.join(map(str, left_out))}.",
            DataQualityWarning,
            stacklevel=2,
        )
    return recording


# Reading the file ---------------------------------------------------------------------------------


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of one CSV file.")
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is not there: check the path; relative ones are looked up in {Path.cwd()}."
        ) from None
    except PermissionError:
        raise PermissionError(f"{path} may not be read by this user: change its permissions.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name} is a damaged gzip file ({error}): fetch it again.") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in content or content.startswith(b"PK\x03\x04"):
        raise ValueError(f"{path.name} is not a text file: export it as CSV.")
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path.name} is not UTF-8 text, first at line {line:,}: save it as CSV in UTF-8."
        ) from None
    if not text.strip():
        raise NoNumbersError(
            f"{path.name} is empty: a row a measurement is expected, such as time,latency_ms."
        )
    return text


class _Table:
    """The cells of a file, by column, with the line on which each row begins."""

    def __init__(self, path: Path, text: str):
        self.path = path
        self.notes: list[str] = []
        self.findings: list[Finding] = []
        lines = io.StringIO(text, newline="").readlines()
        start = self._skip_preamble(lines)
        self.delimiter = self._find_delimiter(lines[start:])
        rows, numbers = self._parse(lines, start)
        header = _looks_like_header(rows)
        if header:
            names = self._unique_names(rows.pop(0))
            numbers.pop(0)
        else:
            names = [f"column {place}" for place in range(1, len(rows[0]) + 1)]
            self.notes.append("no header line: the columns are named by their place")
        if not rows:
            raise NoNumbersError(f"{path.name} has a header and no rows below it.")
        self._check_width(rows, numbers, len(names))
        self.columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        self.lines = np.array(numbers)
        self.n_rows = len(rows)

    def _skip_preamble(self, lines):
        start = 0
        self.said_delimiter = None
        if lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:  # what Excel asks for
            self.said_delimiter = lines[0][4]
            start = 1
        while start < len(lines) and (lines[start].startswith("#") or not lines[start].strip()):
            start += 1
        comments = sum(line.startswith("#") for line in lines[:start])
        if comments:
            self.notes.append(f"{_plural(comments, 'comment line')} at the top skipped")
        if start == len(lines):
            raise NoNumbersError(f"{self.path.name} holds no rows, only comments.")
        return start

    def _find_delimiter(self, lines):
        if self.said_delimiter:
            return self.said_delimiter
        sample = [line for line in lines[:200] if line.strip()]

        def agreement(delimiter):
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter, skipinitialspace=True)]
            return sum(width == widths[0] for width in widths) / len(widths) if widths[0] > 1 else 0.0

        try:
            best = max(DELIMITERS, key=agreement)  # the first of equals: a comma may be a decimal one
            return best if agreement(best) >= 0.5 else ","
        except csv.Error as error:
            raise ValueError(f"{self.path.name} cannot be read as CSV ({error}): export it again.") from None

    def _parse(self, lines, start):
        rows, numbers, blank = [], [], []
        reader = csv.reader([*lines[start:], _END], delimiter=self.delimiter, skipinitialspace=True)
        before = start
        long = []
        try:
            for row in reader:
                if row == [_END]:
                    break
                if start + reader.line_num > before + 1:
                    long.append((before + 1, start + reader.line_num - before))
                (rows if row else blank).append([cell.strip() for cell in row] if row else before + 1)
                if row:
                    numbers.append(before + 1)
                before = start + reader.line_num
        except csv.Error as error:
            raise ValueError(
                f"{self.path.name} cannot be read as CSV at line {before + 1:,} ({error}): export it again."
            ) from None
        if row != [_END]:  # it was swallowed: everything since the last opening quote would be one field
            raise ValueError(
                f"{self.path.name} has a quote that is opened and never closed, in the row that begins at line "
                f"{long[-1][0]:,}: close it, or export without quotes."
            )
        if long:
            what = "that takes several lines" if len(long) == 1 else "that take several lines"
            most = max(n_lines for _, n_lines in long)
            self.findings.append(Finding(len(long), "row", what, long[0][0], f"up to {most:,} lines"))
        blank = [line for line in blank if line < numbers[-1]]
        if blank:
            self.findings.append(Finding(len(blank), "blank line", "", blank[0]))
        return rows, numbers

    def _unique_names(self, header):
        names = []
        for place, name in enumerate(header, start=1):
            unique, copy = name or f"column {place}", 2
            while unique in names:
                unique, copy = f"{name} ({copy})", copy + 1
            if name and unique != name:
                self.notes.append(f"two columns are called {name!r}: the later one is {unique!r} here")
            names.append(unique)
        return names

    def _check_width(self, rows, numbers, width):
        ragged = [place for place, row in enumerate(rows) if len(row) != width]
        self.n_ragged = len(ragged)
        if not ragged:
            return
        if len(ragged) == len(rows):
            raise ValueError(
                f"{self.path.name}: the header has {_plural(width, 'field')}, the first row {len(rows[0])}, and no row "
                "has as many as the header: check the delimiter, and that the first line names the columns."
            )
        first = ragged[0]
        self.findings.append(
            Finding(
                len(ragged),
                "row",
                f"without the {width} fields of the others",
                numbers[first],
                f"{len(rows[first])} there",
                left_out=True,
            )
        )
        for place in reversed(ragged):
            del rows[place], numbers[place]


def _looks_like_header(rows) -> bool:
    """Whether the first row names columns: none of its cells is a number or a time."""
    first = [cell for cell in rows[0] if cell.lower() not in MISSING_WORDS]
    return bool(first) and not any(_is_number(cell) or _ISO.fullmatch(cell) for cell in first)


def _is_number(cell: str) -> bool:
    written = any(pattern.fullmatch(cell) for pattern in _NUMBER.values())
    return written or not np.isnan(pd.to_numeric(cell, errors="coerce"))


# Finding the columns ------------------------------------------------------------------------------


def _times(table: _Table, wanted: str | None, time_format: str | None, notes: list[str]):
    """Return the times, NaT where there is none, and their column's name; two None without such a column."""
    if wanted is not None and wanted not in table.columns:
        raise ValueError(_no_such_column(table.path, wanted, table.columns))
    by_name = [name for known in _TIME_NAMES for name in table.columns if name.lower() == known]
    worded = [name for name in table.columns if _TIME_WORD.search(name) and not _LATENCY_WORD.search(name)]
    candidates = dict.fromkeys([wanted] if wanted else [*by_name, *worded, *table.columns])

    readable = {}
    for name in candidates:
        trusted = name == wanted or name in by_name or name in worded or name.startswith("column ")
        times, how = _read_times(table, name, time_format, trusted)
        if times is not None and times.notna().sum() >= max(1, table.n_rows / 2):
            readable[name] = (times, how)
    if readable:
        name = next(iter(readable))
        times, how = readable[name]
        clock = next((other for other in table.columns if other != name and _all_clock(table, other)), None)
        if clock and wanted is None and (times.dropna() == times.dropna().dt.normalize()).all():
            raise ValueError(
                f"{table.path.name}: column {name!r} has only days and column {clock!r} the time of day: write "
                "both into one column, such as 2024-01-31T10:00:00."
            )
        notes.append(f"times: {name} ({how})")
        others = [other for other in readable if other != name]
        if others:
            notes.append(f"also times, not used: {', '.join(others)}; pass time=... for another one")
        return times, name

    for name in candidates:
        present = [cell for cell in table.columns[name] if cell.lower() not in MISSING_WORDS]
        cell = present[0] if present else ""
        words = present and sum(map(_is_number, present)) < len(present) / 2
        if name == wanted or (words and (name in by_name or _CLOCK_OR_DATE.match(cell))):
            tried = f"not as {time_format!r}" if time_format else "not in ISO 8601"
            raise ValueError(
                f"{table.path.name}: times such as {cell!r} in column {name!r} are {tried}: pass "
                "time_format=..., such as '%d/%m/%Y %H:%M' (day first) or '%m/%d/%Y %H:%M' (month first)."
            )
    notes.append("no column of times: the rows are taken in the order of the file, gaps cannot be seen")
    return None, None


def _read_times(table: _Table, name: str, time_format: str | None, trusted: bool):
    cells = pd.Series(table.columns[name], dtype=object)
    sample = cells.iloc[:: 1 + len(cells) // 500]
    if time_format is not None:
        zone = "%z" in time_format
        times = pd.to_datetime(cells, format=time_format, errors="coerce", utc=zone)
        return times, f"read as {time_format!r}" + (", in UTC here" if zone else ", no time zone")

    if sample.str.fullmatch(_ISO.pattern).mean() >= 0.5:
        iso = cells.str.fullmatch(_ISO.pattern)
        plain = cells.where(iso)
        if sample.str.contains("UTC|,").any():
            # Python's logging writes a comma before the ms, Go a zone's name after its offset.
            plain = plain.str.replace(r"(\d\d),(\d+)", r"\1.\2", regex=True)
            plain = plain.str.replace(r"([+-]\d{4}) UTC$", r"\1", regex=True).str.replace(" UTC", "Z")
        zoned = plain[iso].str.contains(_ZONE.pattern)
        if zoned.any() and not zoned.all():
            odd = int(np.argmax((zoned != zoned.iloc[0]).to_numpy()))
            line = int(table.lines[np.flatnonzero(iso)[odd]])
            raise ValueError(
                f"{table.path.name}: column {name!r} has times with and without a time zone, the first of "
                f"the other kind at line {line:,}: write all of them in one way."
            )
        times = pd.to_datetime(plain, format="ISO8601", errors="coerce", utc=True)
        if zoned.any():
            return times, "ISO 8601, in UTC here"
        return times.dt.tz_localize(None), "ISO 8601, no time zone"

    if trusted:
        values = pd.to_numeric(cells, errors="coerce")
        middle = values.median() if values.notna().any() else np.nan  # pandas 2.2 warns of nothing but NaN
        for unit, many in _EPOCH_UNITS.items():
            if _EPOCH_S[0] * many <= middle < _EPOCH_S[1] * many:
                in_range = values.between(_EPOCH_S[0] * many, _EPOCH_S[1] * many)
                times = pd.to_datetime(values.where(in_range), unit=unit, utc=True)
                return times, f"{unit.replace('us', 'µs')} since 1970, in UTC here"
        units = {
            unit: values.between(_EPOCH_S[0] * many, _EPOCH_S[1] * many)
            for unit, many in _EPOCH_UNITS.items()
        }
        units = {unit: rows for unit, rows in units.items() if rows.any()}
        if sum(rows.sum() for rows in units.values()) > len(cells) / 2 and len(units) > 1:
            raise ValueError(
                f"{table.path.name}: column {name!r} has times in {' and in '.join(units)} since 1970: "
                "write all of them in one unit."
            )
    return None, ""


def _all_clock(table: _Table, name: str) -> bool:
    """Whether a column holds times of day, and nothing else."""
    present = [cell for cell in table.columns[name] if cell.lower() not in MISSING_WORDS]
    return bool(present) and all(map(_CLOCK.fullmatch, present))


def _numbers(table: _Table, time_name, column, decimal, notes) -> dict[str, tuple[np.ndarray, str]]:
    """Return the columns of numbers, in ms where a unit is known, each with its unit."""
    if column is not None and column not in table.columns:
        raise ValueError(_no_such_column(table.path, column, table.columns))
    if column is not None and column == time_name:
        raise ValueError(
            f"{table.path.name}: column {column!r} holds the times: name the column of latencies."
        )
    numbers, aside = {}, []
    for name, cells in table.columns.items():
        if name == time_name:
            continue
        values, how = _read_numbers(table, name, cells, decimal)
        present = sum(cell.lower() not in MISSING_WORDS for cell in cells)
        unnamed = name.startswith("column ")
        if name != column and unnamed and len(values) > 1 and np.array_equal(values, np.arange(len(values))):
            notes.append(f"a row counter, not used: {name}")
            continue
        if name != column and np.isfinite(values).sum() < max(1, present / 2):
            aside.append(name)
            continue
        unit = _unit(name)
        if unit not in ("", "ms"):
            values = values * _IN_MS[unit]
        numbers[name] = (values, unit)
        if how:
            notes.append(f"{name}: written with {' and '.join(how)}")
    if column is not None and not np.isfinite(numbers[column][0]).any():
        raise NoNumbersError(
            f"{table.path.name}: column {column!r} holds no number{_such_as(table.columns[column])}."
        )
    if not numbers:
        cells = [cell for name in aside for cell in table.columns[name]]
        raise NoNumbersError(
            f"{table.path.name} has no column of numbers{_such_as(cells)}: export raw values, without units."
        )
    if aside:
        notes.append(f"not numbers, not used: {', '.join(aside)}")
    return numbers


def _read_numbers(table: _Table, name: str, cells: list[str], decimal: str | None):
    """Return the numbers, NaN where there is none, and what is unusual about the way they are written."""
    how = []
    if decimal == "," or any(map(_UNUSUAL.search, cells)):
        mark = decimal or _decimal_mark(table, name, cells)
        read = [_plain(cell, mark) for cell in cells]
        if mark == "," and any(map(_DECIMAL_COMMA.search, cells)):
            how.append("a decimal comma")
        if any(map(_THOUSANDS[mark].fullmatch, cells)):
            how.append("thousands separators")
        cells = read
    values = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values, how


def _decimal_mark(table: _Table, name: str, cells: list[str]) -> str:
    """Return what most numbers of a column have before their decimals; nothing is guessed."""
    both_ways = [cell for cell in cells if _THREE_AFTER_COMMA.fullmatch(cell)]
    commas = sum(bool(_NUMBER[","].fullmatch(cell)) and "," in cell for cell in cells) - len(both_ways)
    points = sum(bool(_NUMBER["."].fullmatch(cell)) and "." in cell for cell in cells)
    if both_ways and commas <= 0 and not points:
        raise ValueError(
            f"{table.path.name}: {both_ways[0]!r} in column {name!r} may be {both_ways[0].replace(',', '.')} or "
            f"{both_ways[0].replace(',', '')}: pass decimal=',' for the first, decimal='.' for the second."
        )
    return "," if commas > points else "."


def _plain(cell: str, mark: str) -> str:
    """Return a number as Python writes it, and anything else as something that is no number."""
    if not _NUMBER[mark].fullmatch(cell):
        return cell if mark == "." or "." not in cell else "with a point"
    return _SEPARATORS[mark].sub("", cell).replace(",", ".")


def _main_column(numbers, column, notes) -> str | None:
    if column is None:
        named = [name for name in numbers if _LATENCY_WORD.search(name)]
        column = next(iter(numbers)) if len(numbers) == 1 else named[0] if len(named) == 1 else None
    for name, (_, unit) in numbers.items():
        label = "latencies" if name == column else "numbers"
        if unit == "ms":
            how = "in ms, by its name"
        elif unit:
            how = f"in {unit.replace('us', 'µs')} by its name, in ms here"
        else:
            how = "no unit in its name, taken as it stands"
        notes.append(f"{label}: {name} ({how})")
    if column is None:
        notes.append("several columns of numbers: pass column=... to say which one holds the latencies")
    return column


def _unit(name: str) -> str:
    """Return the unit of time that a column's name ends in: ``latency_ms``, ``durationSeconds``."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    words = re.findall(r"[^\W\d_]+", spaced)
    if len(words) < 2 or "per" in words:
        return words[0] if words == ["ms"] else ""
    unit = _UNITS.get(words[-1], "")
    # A lone s may be a plural or "per second"; it counts beside a word for a duration.
    return "" if words[-1] == "s" and not _LATENCY_WORD.search(spaced) else unit


def _no_such_column(path, wanted, columns) -> str:
    return f"{path.name} has no column {wanted!r}: it has {', '.join(columns)}."


def _such_as(cells: Iterable[str]) -> str:
    cell = next((cell for cell in cells if cell.lower() not in MISSING_WORDS), "")
    return f", only entries such as {cell!r}" if cell else ", every entry is empty"


# What the rows show -------------------------------------------------------------------------------


def _number_findings(table: _Table, name: str, values: np.ndarray, *, main: bool) -> list[Finding]:
    findings = []
    cells = table.columns[name]
    without = np.flatnonzero(np.isnan(values))
    missing = [row for row in without if cells[row].lower() in MISSING_WORDS]
    other = [row for row in without if cells[row].lower() not in MISSING_WORDS]
    if missing:
        line = int(table.lines[missing[0]])
        findings.append(Finding(len(missing), "row", f"with nothing in {name}", line, left_out=main))
    if other:
        line, example = int(table.lines[other[0]]), repr(cells[other[0]])
        findings.append(Finding(len(other), "row", f"with no number in {name}", line, example, left_out=main))
    negative = np.flatnonzero(values < 0)
    if len(negative) and (main or _LATENCY_WORD.search(name)):
        line, example = int(table.lines[negative[0]]), f"{values[negative[0]]:g}"
        findings.append(Finding(len(negative), "negative value", f"in {name}, kept", line, example))
    return findings


def _time_findings(table: _Table, times: pd.Series, keep, order, notes: list[str]) -> list[Finding]:
    findings = []
    lines = table.lines[keep]
    stamps = times[keep].reset_index(drop=True)
    backwards = np.flatnonzero(stamps.diff() < pd.Timedelta(0))
    if len(backwards):
        if len(stamps) > 2 and len(backwards) >= 0.9 * stamps.diff().ne(pd.Timedelta(0)).iloc[1:].sum():
            notes.append("newest first in the file: turned around")
        else:
            findings.append(Finding(len(backwards), "row", "out of order, sorted", int(lines[backwards[0]])))

    rows = pd.DataFrame(table.columns)[keep]
    copies = np.flatnonzero(rows.duplicated())
    if len(copies):
        findings.append(Finding(len(copies), "row", _IDENTICAL, int(lines[copies[0]])))
    same_time = np.flatnonzero(stamps.duplicated() & ~rows.duplicated().to_numpy())
    if len(same_time):
        findings.append(
            Finding(len(same_time), "row", "with the time of an earlier row, kept", int(lines[same_time[0]]))
        )

    in_order = stamps.iloc[order]
    steps = in_order.diff().dt.total_seconds().to_numpy()
    moved = steps[1:][steps[1:] > 0]
    if len(moved) < 2:
        return findings
    usual = float(np.median(moved))
    regular = np.mean(np.abs(moved - usual) <= 0.1 * usual) >= 0.5
    patience = (REGULAR_GAP if regular else IRREGULAR_GAP) * usual
    notes.append(f"one time every {_duration(usual)}" + ("" if regular else ", irregularly"))
    gaps = np.flatnonzero(np.nan_to_num(steps) > patience)
    if len(gaps):
        first_line = min(lines[order][gaps])
        findings.append(
            Finding(
                len(gaps),
                "gap",
                f"longer than {_duration(patience)}",
                int(first_line),
                f"the longest {_duration(float(steps[gaps].max()))}",
            )
        )
    return findings


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1_000 * seconds:.3g} ms"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
