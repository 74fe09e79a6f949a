"""What services, proxies, load tests and dashboards write, as one table of text: DuckDB reads it, all in one way.

What the text means (times, units, which column holds the latencies) is for `data` to say.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import csv
import glob
import gzip
import itertools
import json
import lzma
import re
import shlex
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

DELIMITERS = ("\t", ";", "|", ",")
MISSING_WORDS = "|--?|na|n/a|nan|nat|null|none|nil|undefined"  # also in capitals
HEAD = 1 << 16  # characters of a file by which its format is recognized
LONGEST_LINE = 8 << 20  # bytes
_ONE_COLUMN = "header=false, auto_detect=false, delim='\x01', quote='', escape='', columns={'line': 'VARCHAR'}"  # no text holds that delimiter

_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_TIME_IN_BRACKETS = r"\[([^\]]+)\]"

# host, the logged-in user, the time, the request, its status, its bytes; then, in the combined form, who asked.
_ACCESS = rf"^(?:\S+ )?\S+ \S+ (\S+) {_TIME_IN_BRACKETS} {_QUOTED} (\d{{3}}) (\d+|-)(?: {_QUOTED} {_QUOTED})?"
_ENVOY = rf"^{_TIME_IN_BRACKETS} {_QUOTED} (\d+) (\S+) (?:\S+ - \S+ )?(\d+) (\d+) (\d+) "
_ENVOY_NAMES = ("start_time", "request", "response_code", "response_flags", "bytes_received", "bytes_sent")
_ALB = re.compile(r"(?:https?|h2|wss?|grpcs?) \d{4}-\d\d-\d\dT\S+ app/\S+ \S+ \S+ ")
_ALB_NAMES = ("type", "time", "elb", "client_port", "target_port")
_ALB_NAMES += ("request_processing_time", "target_processing_time", "response_processing_time")
_ALB_NAMES += (
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request",
    "user_agent",
)
# What Apache's directives hold, and in which unit nginx counts; others keep their name.
_APACHE = {
    "h": "host",
    "u": "user",
    "t": "time",
    "r": "request",
    "s": "status",
    "b": "bytes",
    "O": "bytes_sent",
}
_APACHE |= {
    "D": "request_time_us",
    "T": "request_time_s",
    "{s}T": "request_time_s",
    "{ms}T": "request_time_ms",
}
_APACHE |= {"{us}T": "request_time_us", "^FB": "first_byte_us"}
_NGINX_S = ("request_time", "upstream_response_time", "upstream_header_time", "upstream_connect_time")
_JMETER = {"ts": "timeStamp", "t": "elapsed", "lt": "Latency", "ct": "Connect", "it": "IdleTime"}
_JMETER |= {"lb": "label", "rc": "responseCode", "s": "success", "tn": "threadName"}


class NoNumbersError(ValueError):
    """A file that can be read holds no numbers: no rows, or nothing but words where they should be."""


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
        return f"{plural(self.count, self.noun)}{what}, first at line {self.line:,}{example}"


@dataclass
class Table:
    """The cells of a file, by column, as text without spaces around it; None where nothing stands.

    Attributes
    ----------
    path : Path
        The file.
    con : duckdb.DuckDBPyConnection
        Where its cells lie: table ``t``, columns ``c0``, ``c1``, ..., in the order of the file.
    names : list of str
        Of the columns.
    notes, findings : list
        How the file was understood, and what was found in it.
    units : dict of str
        The unit of a column, where the format says it.
    n_broken : int
        Rows that could not be read, and so are not in the table.
    """

    path: Path
    con: object
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)
    n_broken: int = 0
    n_rows: int = 0
    _lines: object = None  # of the rows, where they are not `_first_line`, `_first_line` + 1, ...
    _first_line: int = 1

    def sql(self, name: str) -> str:
        """Return what a column is called in SQL."""
        return f"c{self.names.index(name)}"

    def values(self, expression: str, missing=float("nan")):
        """Return an expression's value of each row, and ``missing`` where it has none."""
        found = self.con.execute(f"SELECT {expression} AS value FROM t").fetchnumpy()["value"]
        return found.filled(missing) if hasattr(found, "filled") else found

    def one(self, *expressions: str) -> tuple:
        """Return the values of aggregates over all rows."""
        return self.con.execute(f"SELECT {', '.join(expressions)} FROM t").fetchall()[0]

    def cell(self, name: str, row: int) -> str | None:
        """Return one cell."""
        return self.con.execute(f"SELECT {self.sql(name)} FROM t WHERE rowid = ?", [int(row)]).fetchall()[0][
            0
        ]

    def line(self, row: int) -> int:
        """Return the line of the file, counted from 1, on which a row begins."""
        return int(self._first_line + row if self._lines is None else self._lines[row])

    def keep(self, where: str, parameters: list) -> None:
        """Keep the rows that fulfil a condition."""
        import numpy as np

        kept = self.con.execute(f"SELECT rowid FROM t WHERE {where} ORDER BY rowid", parameters).fetchnumpy()
        lines = np.arange(self.n_rows) + self._first_line if self._lines is None else self._lines
        self._lines = lines[kept["rowid"]]
        self.con.execute(f"CREATE TABLE kept AS SELECT * FROM t WHERE {where} ORDER BY rowid", parameters)
        self.con.execute("DROP TABLE t; ALTER TABLE kept RENAME TO t")
        self.n_rows = len(self._lines)

    def _fill(self, expressions: Iterable[str], source: str, parameters=(), lines: str = "") -> None:
        """Make the table of these expressions; a column of line numbers among them is kept apart."""
        # By a pattern: DuckDB makes a join of `IN (...)`, and a join of several threads loses the order of the rows.
        # What begins with a digit is no word, and most cells do.
        blank = "' \t\u00a0'"
        cells = ", ".join(
            f"CASE WHEN x{i} BETWEEN '0' AND ':' THEN rtrim(x{i}) WHEN NOT regexp_full_match(trim(x{i}, {blank}), "
            f"'(?i)({MISSING_WORDS})') THEN trim(x{i}, {blank}) END AS c{i}"
            for i in range(len(self.names))
        )
        raw = ", ".join(f"({expression})::VARCHAR AS x{i}" for i, expression in enumerate(expressions))
        query = f"SELECT {cells}, line FROM (SELECT {raw}, {lines or 0} AS line FROM {source})"
        self.con.execute(f"CREATE TABLE t AS {query} {'ORDER BY line' if lines else ''}", parameters)
        self.n_rows = self.one("count(*)")[0]
        if lines:
            self._lines = self.con.execute("SELECT line FROM t").fetchnumpy()["line"]
        self.con.execute("ALTER TABLE t DROP line")

    def _broken(self, count: int, what: str, line: int, example: str) -> None:
        self.n_broken += count
        self.findings.append(Finding(count, "row", what, line, example, left_out=True))

    def _named(self, names: Iterable[str]) -> None:
        """Take these names, each once."""
        for place, name in enumerate(names, start=1):
            name = "".join(
                letter if letter.isprintable() else " " for letter in name
            )  # also of escape sequences
            unique, copy = name or f"column {place}", 2
            while unique in self.names:
                unique, copy = f"{name} ({copy})", copy + 1
            if name and unique != name:
                self.notes.append(f"two columns are called {name!r}: the later one is {unique!r} here")
            self.names.append(unique)


def read_table(path: Path, folder: Path, log_format: str | None = None) -> Table:
    """Return the cells of a file.

    Parameters
    ----------
    path : Path
        The file; its format is recognized by what it holds, not by its name.
    folder : Path
        A folder for what is too large for memory; the table lives as long as it does.
    log_format : str, optional
        How an access log is written: nginx's ``log_format`` or Apache's ``LogFormat``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If no rows can be recognized in it; the message says what it seems to be.
    """
    import duckdb

    con = duckdb.connect(str(folder / "cells.db"), config={"temp_directory": str(folder)})
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    con.execute(
        "SET disabled_optimizers = 'common_subexpressions'"
    )  # it takes the square of the columns' number
    table = Table(path, con)
    try:
        kind, file = _plain(path, folder, con)
        if kind == "parquet":
            _read_parquet(table, file)
            return table
        with file.open(encoding="utf-8-sig") as text:
            head = text.read(HEAD).lstrip("\n ")
        if not head:
            raise NoNumbersError(
                f"{path.name} is empty: a row a measurement is expected, such as time,latency_ms."
            )
        lines = head.splitlines()
        if log_format is not None:
            _read_log(table, file, *_pattern_of(log_format))
        elif head[0] in "{[" and _is_json(lines[0], head):
            _read_json(table, file, lines)
        elif head[0] == "<":
            _read_xml(table, file, head)
        elif any(line.startswith("#Fields:") for line in lines[:20]):
            _read_w3c(table, file, head)
        elif re.match(r"# (HELP|TYPE) [a-zA-Z_:]", head):
            raise ValueError(
                f"{path.name} is Prometheus' text of one moment, counters and buckets without a history: ask its API "
                "for query_range, and give that JSON."
            )
        elif _share(_ENVOY, lines) >= 0.5:
            _read_log(table, file, rf"{_ENVOY}", [*_ENVOY_NAMES, "duration"], {"duration": "ms"})
        elif _ALB.match(head):
            _read_csv(table, file, " ", _ALB_NAMES)
            table.units |= {name: "s" for name in _ALB_NAMES if name.endswith("_time")}
        elif _share(_ACCESS, lines) >= 0.5:
            _read_access(table, file, next(line for line in lines if re.match(_ACCESS, line)))
        else:
            _read_csv(table, file)
    except RecursionError:
        raise ValueError(
            f"{path.name} has JSON that is nested too deeply: export it again, as CSV."
        ) from None
    except (duckdb.Error, csv.Error) as error:
        long = "line size" in str(error) or "field larger" in str(error)
        what = f"a line of more than {LONGEST_LINE >> 20} MB" if long else "damaged content"
        raise ValueError(f"{path.name} cannot be read, because of {what}: export it again, as CSV.") from None
    if not table.n_rows:
        raise NoNumbersError(f"{path.name} has no rows.")
    return table


# From bytes to text ---------------------------------------------------------------------------------------------


def _plain(path: Path, folder: Path, con) -> tuple[str, Path]:
    """Return what a file is, text or parquet, and where it lies unpacked, in UTF-8, with a newline after each line."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of one file.")
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is no file but a pipe or device: write its content into a file first.")
        with path.open("rb") as content:
            start = content.read(8)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is not there: check the path; relative ones are looked up in {Path.cwd()}."
        ) from None
    except PermissionError:
        raise PermissionError(f"{path} may not be read by this user: change its permissions.") from None
    kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
    try:
        file = _unpacked(path, kind, folder, con) if kind else path
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is a damaged {kind} file ({error}): fetch it again.") from None
    with file.open("rb") as content:
        start = content.read(4)
    if start == b"PAR1":
        return "parquet", file
    return "text", _as_utf8(path, file, folder)


def _unpacked(path: Path, kind: str, folder: Path, con) -> Path:
    """Unpack a file, and return where it lies now."""
    file = folder / "unpacked"
    if kind == "zstd":
        source = f"read_csv(?, {_ONE_COLUMN}, compression='zstd')"
        target = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
        con.execute(f"COPY (FROM {source}) TO {quoted(str(file))} {target}", [glob.escape(str(path))])
        return file
    if kind == "zip":
        archive = zipfile.ZipFile(path)
        members = [name for name in archive.namelist() if not name.endswith("/")]
        if "[Content_Types].xml" in members or "mimetype" in members:
            raise ValueError(f"{path.name} is not a text file but a workbook or document: export it as CSV.")
        if len(members) != 1:
            raise ValueError(f"{path.name} holds {len(members)} files: unpack it, and give one of them.")
        if archive.infolist()[0].flag_bits & 1:
            raise ValueError(f"{path.name} is locked by a password: unpack it first.")
        packed = archive.open(members[0])
    else:
        packed = {"gzip": gzip, "bzip2": bz2, "xz": lzma}[kind].open(path)
    with packed, file.open("wb") as plain:
        shutil.copyfileobj(packed, plain, HEAD)
    return file


def _as_utf8(path: Path, file: Path, folder: Path) -> Path:
    """Return a file in UTF-8 whose lines end in a newline: the same one, unless it has to be written anew."""
    with file.open("rb") as content:
        start = content.read(HEAD)
        encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
        if encoding == "utf-8" and b"\x00" in start:
            raise ValueError(f"{path.name} is not a text file: export it as CSV.")
        content.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        newlines, as_it_is, done = 0, encoding == "utf-8", False
        try:
            while not done:
                chunk = content.read(1 << 24)
                done = not chunk
                decoder.decode(chunk, done)
                newlines += chunk.count(b"\n")
                as_it_is = as_it_is and b"\r" not in chunk and b"\x00" not in chunk
        except UnicodeDecodeError as error:
            line = newlines + chunk[: error.start].count(b"\n") + 1
            raise ValueError(
                f"{path.name} is not UTF-8 text, first at line {line:,}: save it as CSV in UTF-8."
            ) from None
    if as_it_is:
        return file
    target = folder / "text"
    with file.open(encoding=encoding) as text, target.open("w", encoding="utf-8", newline="\n") as plain:
        for chunk in iter(lambda: text.read(1 << 22), ""):
            plain.write(chunk.replace("\x00", "\ufffd"))
    return target


# Tables of fields between delimiters --------------------------------------------------------------------------------


def _read_csv(table: Table, file: Path, delimiter: str | None = None, names: Iterable[str] = ()) -> None:
    start, sample = 0, []
    with file.open(encoding="utf-8-sig") as text:
        said = re.fullmatch(r"sep=(.)", text.readline().strip(), re.IGNORECASE)  # what Excel asks for
        text.seek(0)
        start, comments = int(bool(said)), 0
        for line in itertools.islice(text, start, None):
            if line.strip() and not line.startswith("#"):
                break
            start, comments = start + 1, comments + line.startswith("#")
        text.seek(0)
        sample = list(itertools.islice(text, start, start + 200))
    if comments:
        table.notes.append(f"{plural(comments, 'comment line')} at the top skipped")
    if not sample:
        raise NoNumbersError(f"{table.path.name} holds no rows, only comments.")
    delimiter = delimiter or (said and said[1]) or _delimiter(sample)
    title = _lines_of_a_title(sample, delimiter)
    if title:
        table.notes.append(f"{plural(title, 'line')} of a title above the header skipped")
        start, sample = start + title, sample[title:]
    reader = csv.reader(sample, delimiter=delimiter, skipinitialspace=True)
    first = [cell.strip() for cell in next(reader)]
    header = not names and _names_columns(first)
    if header:
        table._named(first)
        start += reader.line_num
    elif names:
        table._named(
            [*names, *[f"column {place}" for place in range(len(names) + 1, len(first) + 1)]][: len(first)]
        )
    else:
        table._named([f"column {place}" for place in range(1, len(first) + 1)])
        table.notes.append("no header line: the columns are named by their place")
    if header and not any(line.strip() for line in sample[reader.line_num :]):
        if len(first) == 1 and " " in first[0]:
            raise ValueError(
                f"{table.path.name} is one line of words ({first[0][:60]!r}): it is no table of rows."
            )
        raise NoNumbersError(f"{table.path.name} has a header and no rows below it: export it again.")

    columns = ", ".join(f"'x{i}': 'VARCHAR'" for i in range(len(first)))
    dialect = f"""delim={quoted(delimiter)}, quote='"', escape='"', skip={start}, columns={{{columns}}}"""
    source = f"read_csv(?, header=false, auto_detect=false, {dialect}, store_rejects=true, rejects_limit=0, compression='none',"
    source += f" max_line_size={LONGEST_LINE})"
    source += " WHERE x0 IS NOT NULL" if len(first) == 1 else ""  # blank lines are rows there
    table._fill([f"x{i}" for i in range(len(first))], source, [glob.escape(str(file))])
    rejects = "SELECT line, any_value(error_type), any_value(csv_line) FROM reject_errors GROUP BY line ORDER BY line"
    rejects = table.con.execute(rejects).fetchall()
    _check_rejects(table, rejects, delimiter, file)
    _number_lines(table, file, delimiter, start, len(rejects))


def _check_rejects(table: Table, rejects, delimiter: str, file: Path) -> None:
    swallowed = [
        line for line, error, text in rejects if error == "UNQUOTED VALUE" and "\n" in text.strip("\n")
    ]
    if swallowed:
        raise ValueError(
            f"{table.path.name} has a quote that is opened and never closed, in the row that begins at line "
            f"{swallowed[0]:,}: close it, or export without quotes."
        )
    if not rejects:
        return
    line, _, text = rejects[0]
    found = len(next(csv.reader([text.strip("\n")], delimiter=delimiter), []))
    if not table.n_rows:
        raise ValueError(
            f"{table.path.name}: the header has {plural(len(table.names), 'field')}, the first row {found}, and no "
            "row has as many as the header: check the delimiter, and that the first line names the columns."
        )
    table._broken(
        len(rejects), f"without the {len(table.names)} fields of the others", line, f"{found} there"
    )


def _number_lines(table: Table, file: Path, delimiter: str, start: int, n_rejects: int) -> None:
    """Find the line of each row, and the blank ones between them."""
    table._first_line = start + 1
    with file.open("rb") as content:
        n_lines = sum(chunk.count(b"\n") for chunk in iter(lambda: content.read(1 << 24), b""))
        content.seek(max(0, content.tell() - 1))
        n_lines += content.read() != b"\n"
    if n_lines == start + table.n_rows + n_rejects and not n_rejects:
        return
    import numpy as np

    lines, blank, long = [], [], []
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(itertools.islice(text, start, None), delimiter=delimiter, skipinitialspace=True)
        before = 0
        for row in reader:
            if not row:
                blank.append(start + before + 1)
            elif len(row) == len(table.names):
                lines.append(start + before + 1)
                if reader.line_num > before + 1:
                    long.append((start + before + 1, reader.line_num - before))
            before = reader.line_num
    if len(lines) == table.n_rows:  # else the two readers disagree about quotes: the count is about right
        table._lines = np.array(lines, dtype=np.int64)
    if long:
        what = "that takes several lines" if len(long) == 1 else "that take several lines"
        most = max(n for _, n in long)
        table.findings.append(Finding(len(long), "row", what, long[0][0], f"up to {most:,} lines"))
    blank = [line for line in blank if lines and line < lines[-1]]
    if blank:
        table.findings.append(Finding(len(blank), "blank line", "", blank[0]))


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter by which most lines have as many fields as the first; DuckDB's own guess takes others."""
    lines = [line for line in lines if line.strip()]

    def agreement(delimiter):
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
        return sum(width == widths[0] for width in widths) / len(widths) if widths[0] > 1 else 0.0

    best = max(DELIMITERS, key=agreement)  # the first of equals: a comma may be a decimal one
    return best if agreement(best) >= 0.5 else ","


def _lines_of_a_title(lines: list[str], delimiter: str) -> int:
    """Return how many lines stand above the header that hold one cell at most, in a table of several columns."""
    rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    if len(rows) != len(lines) or sorted(map(len, rows))[len(rows) // 2] < 2:
        return 0
    filled = [[cell.strip() for cell in row if cell.strip()] for row in rows[:30]]
    if len(filled[0]) > 1:
        return 0
    return next((place for place, row in enumerate(filled) if len(row) > 1 and _names_columns(row)), 0)


def _names_columns(cells: list[str]) -> bool:
    """Whether a row names columns: none of its cells is a number, a time or a duration."""
    cells = [cell for cell in cells if not re.fullmatch(MISSING_WORDS, cell, re.IGNORECASE)]
    return bool(cells) and not any(
        re.match(r"[+-]?[.,]?\d[\d.,:' \u00a0\u202f-]*|[+-]?inf\b", cell) for cell in cells
    )


def _read_parquet(table: Table, file: Path) -> None:
    source = f"read_parquet({quoted(glob.escape(str(file)))})"
    described = table.con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    leaves = [
        leaf for name, kind, *_ in described for leaf in _leaves(name, _identifier(name), kind, table.con)
    ]
    table._named(name for name, _ in leaves)
    table._fill([expression for _, expression in leaves], source)
    table._first_line = 1  # there are no lines: rows are counted
    if not table.n_rows:
        raise NoNumbersError(f"{table.path.name} has columns and no rows.")


def _leaves(name: str, expression: str, kind: str, con):
    """Yield the name and expression of a column, and of each field within it."""
    if not kind.startswith("STRUCT("):
        yield name, expression
        return
    fields = con.execute(f"DESCRIBE SELECT unnest(NULL::{kind})").fetchall()
    for part, part_kind, *_ in fields:
        yield from _leaves(f"{name}.{part}", f"{expression}.{_identifier(part)}", part_kind, con)


# JSON and XML ---------------------------------------------------------------------------------------------------


def _is_json(line: str, head: str) -> bool:
    """Whether a text that begins like JSON is JSON: Envoy and others put their time in brackets."""
    if head[0] == "[":
        return re.match(r'\[\s*([\[{"\]]|-?[\d.]+\s*[,\]])', head) is not None
    return re.match(r'\{\s*["}]', head) is not None


def _read_json(table: Table, file: Path, lines: list[str]) -> None:
    whole = [line for line in lines[:-1] if line.strip()][:20] if len(lines) > 1 else []
    if sum(map(_is_object, whole)) > len(whole) / 2:
        _read_ndjson(table, file)
        return
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, RecursionError) as error:
        told = (
            f"{error.msg}, at line {error.lineno:,}" if isinstance(error, ValueError) else "nested too deeply"
        )
        raise ValueError(f"{table.path.name} is no valid JSON ({told}): fetch it again.") from None
    rows = _prometheus(table, content) if _is_prometheus(content) else _objects(content)
    if not rows:
        told = content.get("error", content.get("message")) if isinstance(content, dict) else None
        told = f", but says {told!r}" if isinstance(told, str) else ""
        raise ValueError(
            f"{table.path.name} is JSON without a list of rows{told}: give a list of objects, or one object a line."
        )
    import pandas as pd

    frame = pd.json_normalize(rows)
    table._named(map(str, frame.columns))
    frame.columns = [f"x{i}" for i in range(frame.shape[1])]
    frame = frame.map(lambda cell: None if cell is None or cell != cell else str(cell)).astype(object)
    table.con.register("frame", frame)
    table._fill(frame.columns, "frame")


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _objects(content, depth: int = 0) -> list[dict]:
    """Return the longest list of objects within a JSON document, or its columns as one."""
    if isinstance(content, list):
        objects = [item for item in content if isinstance(item, dict)]
        if content and len(objects) == len(content):
            return objects
        return [{"value": item} for item in content] if content and all(map(_is_plain, content)) else []
    if not isinstance(content, dict) or depth > 4:
        return []
    columns = {name: cells for name, cells in content.items() if isinstance(cells, list) and cells}
    if columns and all(map(_is_plain, itertools.chain(*columns.values()))):
        if len(set(map(len, columns.values()))) == 1:
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    names = next((content[key] for key in ("columns", "fields") if isinstance(content.get(key), list)), None)
    rows = next(
        (content[key] for key in ("values", "data", "rows") if isinstance(content.get(key), list)), None
    )
    if names and rows and all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return [dict(zip(map(str, names), row, strict=True)) for row in rows]
    return max((_objects(part, depth + 1) for part in content.values()), key=len, default=[])


def _is_plain(item) -> bool:
    return not isinstance(item, (dict, list))


def _is_prometheus(content) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(content.get("data"), dict)
        and "resultType" in content["data"]
    )


def _prometheus(table: Table, content: dict) -> list[dict]:
    """Return the samples of a query_range answer, its labels beside them."""
    kind, series = content["data"]["resultType"], content["data"].get("result") or []
    if kind != "matrix" or not all(isinstance(one, dict) and one.get("values") for one in series):
        what = f"an answer of type {kind}" if kind != "matrix" else "an answer without plain values"
        raise ValueError(
            f"{table.path.name} is {what}: ask Prometheus' API for query_range of one number over time."
        )
    names = {one.get("metric", {}).get("__name__", "value") for one in series}
    value = names.pop() if len(names) == 1 else "value"
    return [
        {"time": time, value: number}
        | {
            label: text
            for label, text in one.get("metric", {}).items()
            if label != "__name__" or value == "value"
        }
        for one in series
        for time, number in one["values"]
    ]


def _read_ndjson(table: Table, file: Path) -> None:
    source = _lines_of(table, file)
    structure = "SELECT json_group_structure(line::JSON) FROM lines WHERE json_valid(line)"
    structure = table.con.execute(structure).fetchall()[0][0]
    if structure is None:
        _tell_broken_lines(table, "true", "that is no JSON", "export it again")
    pointers = list(_pointers(json.loads(structure)))
    table._named(name for name, _ in pointers)
    cells = f"json_extract_string(line::JSON, [{', '.join(quoted(pointer) for _, pointer in pointers)}])"
    source = f"(SELECT {cells} AS cells, number FROM lines WHERE json_valid(line))"
    table._fill([f"cells[{i}]" for i in range(1, len(pointers) + 1)], source, lines="number")
    _tell_broken_lines(table, "NOT json_valid(line)", "that is no JSON", "export it again")


def _pointers(structure, name: str = "", pointer: str = ""):
    """Yield the dotted name and the JSON pointer of each value that is no object."""
    if not isinstance(structure, dict):
        yield name, pointer
        return
    for key, part in structure.items():
        step = key.replace("~", "~0").replace("/", "~1")
        yield from _pointers(part, f"{name}.{key}" if name else key, f"{pointer}/{step}")


def _read_xml(table: Table, file: Path, head: str) -> None:
    if "<testResults" not in head:
        html = re.search(r"<(!doctype )?html", head, re.IGNORECASE)
        what = (
            "a web page (HTML), perhaps of an error or a login"
            if html
            else "XML of a kind that is not known here"
        )
        raise ValueError(f"{table.path.name} is {what}: export the measurements as CSV.")
    from xml.etree import ElementTree

    import pandas as pd

    rows, depth = [], 0
    try:
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            depth += 1 if event == "start" else -1
            if event == "end" and depth == 1:  # samples within a sample are parts of it
                rows.append({_JMETER.get(name, name): text for name, text in element.attrib.items()})
                element.clear()
    except ElementTree.ParseError as error:
        raise ValueError(f"{table.path.name} is damaged XML ({error}): fetch it again.") from None
    if not rows:
        raise NoNumbersError(f"{table.path.name} holds no samples.")
    frame = pd.DataFrame(rows, dtype=object)
    table._named(frame.columns)
    frame.columns = [f"x{i}" for i in range(frame.shape[1])]
    table.con.register("frame", frame.where(frame.notna(), None))
    table._fill(frame.columns, "frame")
    table.units |= dict.fromkeys(
        {"elapsed", "Latency", "Connect", "IdleTime"}.intersection(table.names), "ms"
    )


# Logs, a line a request --------------------------------------------------------------------------------------------


def _lines_of(table: Table, file: Path) -> str:
    """Make a table of the lines of a file that are not blank, and their numbers."""
    source = f"read_csv(?, {_ONE_COLUMN}, compression='none', max_line_size={LONGEST_LINE})"
    table.con.execute(
        f"CREATE TABLE lines AS SELECT * FROM (SELECT line, row_number() OVER () AS number FROM {source}) "
        "WHERE trim(line) <> ''",
        [glob.escape(str(file))],
    )
    return "lines"


def _tell_broken_lines(table: Table, condition: str, what: str, remedy: str) -> None:
    found = table.con.execute(
        f"SELECT count(*), min(number), arg_min(line, number) FROM lines WHERE {condition}"
    ).fetchall()[0]
    if found[0]:
        table._broken(found[0], what, found[1], shown(found[2]))
    if not table.n_rows:
        raise ValueError(
            f"{table.path.name}: no line can be read, the first is {shown(found[2] or '')}: {remedy}."
        )


def _read_log(table: Table, file: Path, pattern: str, names: list[str], units: dict[str, str]) -> None:
    """Read the lines that a pattern matches, one column for each of its groups."""
    _lines_of(table, file)
    table._named(names)
    groups = ", ".join(f"'x{i}'" for i in range(len(names)))
    source = f"(SELECT regexp_extract(line, {quoted(pattern)}, [{groups}]) AS cells, number FROM lines "
    source += f"WHERE regexp_matches(line, {quoted(pattern)}))"
    table._fill([f"cells.x{i}" for i in range(len(names))], source, lines="number")
    table.units |= {name: unit for name, unit in units.items() if name in table.names}
    remedy = "pass the log_format=... with which the server writes it"
    others = f"NOT regexp_matches(line, {quoted(pattern)})"
    _tell_broken_lines(table, others, "that is not of the log's format", remedy)


def _read_access(table: Table, file: Path, line: str) -> None:
    """Read a log in the common or the combined form, and what is written after it."""
    names = ["user", "time", "request", "status", "bytes", "referer", "user_agent"]
    rest = line[re.match(_ACCESS, line).end() :].strip()
    parts = re.findall(r'(?:(\w+)[=:])?("[^"]*"|\S+)', rest)
    parts = [(name, part.strip('"')) for name, part in parts]
    with_unit = [place for place, (_, part) in enumerate(parts) if re.fullmatch(r"[\d.]+(ms|us|µs|s)", part)]
    if not any(re.fullmatch(r"-|[\d.]+(ms|us|µs|s)?", part) for _, part in parts):
        raise ValueError(
            f"{table.path.name} is an access log without durations: add $request_time to nginx's log_format, or %D to "
            "Apache's LogFormat."
        )
    nginx = len(parts) == 1 and re.fullmatch(r"\d+\.\d{3}|-", parts[0][1])
    if not (len(with_unit) == 1 or nginx or all(name for name, _ in parts)):
        raise ValueError(
            f"{table.path.name} is an access log with more after its usual fields ({shown(rest)}): pass log_format=..., "
            "as it stands in the configuration of nginx or Apache."
        )
    pattern, units = _ACCESS, {}
    for place, (name, _) in enumerate(parts):
        used = place in with_unit or not with_unit
        pattern += rf' +{name + "[=:]" if name else ""}"?{"(" if used else "(?:"}[^\s"]*)"?'
        names += [name or ("duration" if with_unit else "request_time")] if used else []
    if nginx and not parts[0][0] and not with_unit:
        units = {"request_time": "s"}
        table.notes.append("the number after the usual fields is taken for nginx's $request_time, in seconds")
    _read_log(table, file, pattern, names, units)


def _pattern_of(log_format: str) -> tuple[str, list[str], dict[str, str]]:
    """Return the pattern of a line in nginx's or Apache's notation, the names of its fields, and their units."""
    directive = re.match(r"\s*(log_format|LogFormat)\s", log_format)
    if directive:  # the whole line of a configuration, or several
        with contextlib.suppress(ValueError):
            words = shlex.split(log_format.strip().rstrip(";"))
            nginx = [word for word in words[2:] if not word.startswith("escape=")]
            log_format = "".join(nginx if directive[1] == "log_format" else words[1:2])
    if "$" in log_format:
        variable = re.compile(r"\$\{?(\w+)\}?")
    else:
        log_format = log_format.replace('\\"', '"')
        variable = re.compile(r"%[!\d,]*[<>]?((?:\{[^}]*\})?\^?[A-Za-z]+?)(?![A-Za-z])|%[<>]?([A-Za-z])")
    pattern, names, last = "^", [], 0
    for found in variable.finditer(log_format):
        pattern += re.escape(log_format[last : found.start()])
        last = found.end()
        name = found[1] or found[2]
        quoted = log_format[found.start() - 1 : found.start()] == log_format[last : last + 1] == '"'
        bracketed = name == "t" and "$" not in log_format  # Apache writes the brackets itself
        pattern += r"((?:[^\"\\]|\\.)*)" if quoted else _TIME_IN_BRACKETS if bracketed else "(.*?)"
        names.append(_APACHE.get(name, name) if "$" not in log_format else name)
    if not any(re.search("request_time|response_time|duration|latency|first_byte", name) for name in names):
        raise ValueError(
            f"log_format={shown(log_format)} names no duration: give it as the server's configuration has it, such as "
            "'$remote_addr [$time_local] \"$request\" $status $request_time'."
        )
    pattern += re.escape(log_format[last:].rstrip()) + r"\s*$"
    return pattern, names, dict.fromkeys(_NGINX_S, "s")


def _read_w3c(table: Table, file: Path, head: str) -> None:
    """Read a log whose #Fields lines name its columns; a later one may name others."""
    _lines_of(table, file)
    con = table.con
    marks = "SELECT number, line FROM lines WHERE starts_with(line, '#Fields:') ORDER BY number"
    marks = con.execute(marks).fetchall()
    delimiter = "\t" if re.search(r"^[^#\n]*\t", head, re.MULTILINE) else " "
    headers = [text.removeprefix("#Fields:").split() for _, text in marks]
    table._named(dict.fromkeys(itertools.chain(*headers)))
    ends = [number for number, _ in marks[1:]] + [1 << 62]
    parts, fits = [], []
    for header, (begin, _), end in zip(headers, marks, ends, strict=True):
        inside = f"number > {begin} AND number < {end} AND NOT starts_with(line, '#')"
        fits.append(f"({inside} AND len(string_split(line, '{delimiter}')) = {len(header)})")
        places = [header.index(name) + 1 if name in header else 0 for name in table.names]
        cells = ", ".join(
            f"cells[{place}] AS x{i}" if place else f"NULL AS x{i}" for i, place in enumerate(places)
        )
        split = f"SELECT string_split(line, '{delimiter}') AS cells, number FROM lines WHERE {fits[-1]}"
        parts.append(f"SELECT {cells}, number FROM ({split})")
    source = f"({' UNION ALL '.join(parts)} ORDER BY number)"
    table._fill([f"x{i}" for i in range(len(table.names))], source, lines="number")
    others = f"NOT starts_with(line, '#') AND NOT ({' OR '.join(fits)})"
    _tell_broken_lines(table, others, "without the fields that #Fields names", "export it again")
    if {"date", "time"} <= set(table.names):
        date, time = table.sql("date"), table.sql("time")
        con.execute(f"UPDATE t SET {time} = {date} || 'T' || {time} || 'Z'")
    # The standard counts seconds, as CloudFront does; IIS counts milliseconds.
    iis, cloudfront = "Internet Information Services" in head, "x-edge-" in head
    if "time-taken" in table.names and (iis or cloudfront):
        table.units["time-taken"] = "ms" if iis else "s"


# Words --------------------------------------------------------------------------------------------------------------


def _share(pattern: str, lines: list[str]) -> float:
    """Return the share of the first lines that a pattern matches."""
    sample = [line for line in lines[:50] if line.strip()]
    return sum(bool(re.match(pattern, line)) for line in sample) / max(1, len(sample))


def shown(cell: str, most: int = 60) -> str:
    """Return what stands in a file as a sentence can hold it: on one line, and not too long."""
    return repr(cell) if len(cell) <= most else f"{cell[: most - 3] + '...'!r}"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names as a sentence can hold them."""
    names = [name if len(name) <= 60 else f"{name[:57]}..." for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def quoted(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    """Return the name of a column as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
