"""What services, proxies, load tests and dashboards write, as one table of text: DuckDB reads it, all in one way.

What the text means (times, units, which column holds the latencies) is for `data` to say.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import errno
import glob
import gzip
import itertools
import json
import lzma
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import duckdb

from . import logs
from .table import (
    LONGEST_LINE,
    MISSING_WORDS,
    ONE_COLUMN,
    Finding,
    NoNumbersError,
    Table,
    listed,
    plural,
    quoted,
    shown,
)

DELIMITERS = ("\t", ";", "|", ",")
NO_DELIMITER = "\x01"  # no text holds it
MEMORY = "350MB"  # for the cells of a CSV file; what is more lies on the disk
HEAD = 1 << 16  # characters of a file by which its format is recognized

# A number, a time or a duration, however they are written; a header may begin with a digit too: 95th_percentile.
_VALUE = re.compile(
    r"[+-]?[.,]?\d[\d.,:'’/ \u00a0\u202f+-]*([eE][+-]?\d+)?\s*([nuµμm]?s|min|h)?|[+-]?inf|0x[\dA-Fa-f]+"
    r"|\d{4}[-/]\d\d[-/]\d\d.*|P(\d+D)?T?[\d.]+[DHMS].*|\d{8}T\d{4}.*|\d{1,2}[/ -][A-Z][a-z]{2}[/ -].*"
    r"|[A-Z][a-z]{2},? .*\d\d:\d\d.*"
)
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}
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
_JMETER = {"ts": "timeStamp", "t": "elapsed", "lt": "Latency", "ct": "Connect", "it": "IdleTime"}
_JMETER |= {"lb": "label", "rc": "responseCode", "s": "success", "tn": "threadName"}


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
    config = {"temp_directory": str(folder), "threads": min(4, os.cpu_count() or 1)}
    con = duckdb.connect(config=config)
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    # Its time grows with the square of the number of columns.
    con.execute("SET disabled_optimizers = 'common_subexpressions'")
    table = Table(path, con, folder)
    kind, file = _plain(path, folder)
    if kind == "parquet":
        _read_parquet(table, file)
        return table
    with file.open(encoding="utf-8-sig") as text:
        head = (text.read(HEAD) + text.readline()).lstrip("\n ")
    if not head:
        raise NoNumbersError(
            f"{path.name} is empty: a row a measurement is expected, such as time,latency_ms."
        )
    lines = [line for line in head.splitlines() if line.strip()]
    if log_format is not None:
        logs.read_as(table, file, log_format)
    elif sum(map(_is_object, lines[:20])) > min(20, len(lines)) / 2 and len(lines) > 1:
        logs.read_ndjson(table, file)
    elif head[0] in "{[" and _is_json(head):
        _read_json(table, file)
    elif any(map(_is_object, lines[:200])):  # below what a program says when it starts
        logs.read_ndjson(table, file)
    elif head[0] == "<":
        _read_xml(table, file, head)
    elif re.match(r"# (HELP|TYPE) [a-zA-Z_:]", head):
        raise ValueError(
            f"{path.name} is Prometheus' text of one moment, counters and buckets without a history: ask its API for "
            "query_range, and give that JSON."
        )
    elif _ALB.match(head):
        _read_csv(table, file, " ", _ALB_NAMES)
        table.units |= {name: "s" for name in _ALB_NAMES if name.endswith("_time")}
    elif logs.is_log(lines):
        logs.read(table, file, lines)
    else:
        _read_csv(table, file)
    if not table.n_rows and table.n_broken:
        raise ValueError(f"{path.name} has no row that can be read ({table.findings[0]}): export it again.")
    if not table.n_rows:
        raise NoNumbersError(f"{path.name} has no rows.")
    return table


# From bytes to text ---------------------------------------------------------------------------------------------


def _plain(path: Path, folder: Path) -> tuple[str, Path]:
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
    kind = "zstd" if start[1:4] == b"\x2a\x4d\x18" else kind  # whose first frame is one to skip
    try:
        file = _unpacked(path, kind, folder) if kind else path
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise OSError(
                f"{path.name} could not be unpacked: the disk of temporary files is full."
            ) from None
        raise ValueError(f"{path.name} is a damaged {kind} file ({error}): fetch it again.") from None
    except (NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"{path.name} is a {kind} file of another kind ({error}): unpack it first."
        ) from None
    with file.open("rb") as content:
        start = content.read(4)
    if start == b"PAR1":
        return "parquet", file
    return "text", _as_utf8(path, file, folder)


def _unpacked(path: Path, kind: str, folder: Path) -> Path:
    """Unpack a file, and return where it lies now."""
    file = folder / "unpacked"
    if kind == "zstd":
        if not _is_whole_zstd(path.read_bytes().rstrip(b"\n")):  # DuckDB reads what there is of it
            raise EOFError("it is cut off")
        source = f"read_csv(?, {ONE_COLUMN}, compression='zstd', strict_mode=false)"
        target = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
        with duckdb.connect() as con:
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


def _is_whole_zstd(content: bytes) -> bool:
    """Whether frames of zstd are whole: RFC 8878, the last block of a frame says that it is the last."""
    place = 0
    while place + 5 <= len(content):
        if content[place + 1 : place + 4] == b"\x2a\x4d\x18":  # a frame to skip
            place += 8 + int.from_bytes(content[place + 4 : place + 8], "little")
            continue
        flags = content[place + 4]
        single = flags >> 5 & 1
        place += 5 + (not single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
        last = 0
        while not last and place + 3 <= len(content):
            block = int.from_bytes(content[place : place + 3], "little")
            last = block & 1
            place += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        place += 4 * (flags >> 2 & 1) if last else len(content) + 1
    return place == len(content)


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
    delimiter = delimiter or (said and said[1]) or _delimiter(sample, table.path.name)
    if delimiter == " " and not names:  # which may stand in columns
        aligned = table.folder / "aligned"
        with file.open(encoding="utf-8-sig") as text, aligned.open("w", encoding="utf-8") as plain:
            plain.writelines(" ".join(line.split()) + "\n" for line in text)
        file, sample = aligned, [" ".join(line.split()) for line in sample]
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
                f"{table.path.name} is one line of words ({shown(first[0])}): it is no table of rows."
            )
        raise NoNumbersError(f"{table.path.name} has a header and no rows below it: export it again.")

    columns = ", ".join(f"'x{i}': 'VARCHAR'" for i in range(len(first)))
    dialect = f"""delim={quoted(delimiter)}, quote='"', escape='"', skip={start}, columns={{{columns}}}"""
    source = f"read_csv(?, header=false, auto_detect=false, {dialect}, store_rejects=true, rejects_limit=0, "
    source += f"compression='none', hive_partitioning=false, allow_quoted_nulls=false, max_line_size={LONGEST_LINE})"
    source += " WHERE x0 IS NOT NULL" if len(first) == 1 else ""  # blank lines are rows there
    table.con.execute(f"SET memory_limit = '{MEMORY}'")
    table._fill([f"x{i}" for i in range(len(first))], source, [glob.escape(str(file))])
    table.con.execute("RESET memory_limit")
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


def _delimiter(lines: list[str], name: str) -> str:
    """Return the delimiter by which most lines have as many fields as the first; DuckDB's own guess takes others."""
    lines = [line for line in lines if line.strip()]

    def agreement(delimiter):
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
        return sum(width == widths[0] for width in widths) / len(widths) if widths[0] > 1 else 0.0

    best = max(DELIMITERS, key=agreement)  # the first of equals: a comma may be a decimal one
    if agreement(best) >= 0.5:
        return best
    words = [len(line.split()) for line in lines]
    alike = len(lines) > 3 and sum(n == words[0] > 1 for n in words) >= 0.9 * len(words)
    with_unit = sum(bool(re.fullmatch(r"[+-]?[\d.,]+\s*[a-zµμ]+", line.strip())) for line in lines[1:])
    named = _names_columns(lines[0].split()) and any(map(_VALUE.fullmatch, lines[-1].split()))
    if alike and named and '"' not in lines[0] and with_unit < len(lines) / 2:
        if all(re.fullmatch(r"[1-9]\d{0,2}(\s\d{3})+([.,]\d+)?", line.strip()) for line in lines[1:]):
            raise ValueError(
                f"{name}: {shown(lines[1].strip())} may be two columns or one number with its thousands apart: write "
                "commas between columns, or no spaces within numbers."
            )
        return " "
    decimal_commas = sum(bool(re.fullmatch(r"[+-]?[\d. ]*\d,\d+", line.strip())) for line in lines[1:])
    return NO_DELIMITER if "," not in lines[0] and decimal_commas > len(lines) / 2 else ","


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
    if any(
        re.fullmatch(r"[@_]?time(_?stamp)?|ts|date|date_?time|when", cell, re.IGNORECASE) for cell in cells
    ):
        return True
    return bool(cells) and not any(map(_VALUE.fullmatch, cells))


def _read_parquet(table: Table, file: Path) -> None:
    source = f"read_parquet({quoted(glob.escape(str(file)))}, hive_partitioning=false)"
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


def _is_json(head: str) -> bool:
    """Whether a text that begins like JSON is JSON: Envoy and others put their time in brackets."""
    if head[0] == "[":
        return re.match(r'\[\s*([\[{"\]]|-?[\d.]+\s*[,\]])', head) is not None
    return re.match(r'\{\s*["}]', head) is not None


def _read_json(table: Table, file: Path) -> None:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        told = "nested too deeply" if deep else f"{error.msg}, at line {error.lineno:,}"
        raise ValueError(f"{table.path.name} is no valid JSON ({told}): fetch it again.") from None
    try:
        rows = _prometheus(table, content) if _is_prometheus(content) else _objects(table, content)
    except (TypeError, AttributeError, KeyError):
        raise ValueError(f"{table.path.name} is no answer that Prometheus gives: fetch it again.") from None
    if isinstance(content, dict) and not rows and not {"error", "data"} & set(content):
        numbers = [
            value for value in content.values() if isinstance(value, (int, float)) and value is not True
        ]
        rows = [content] if numbers else []
    if content == [] or (rows == [] and _is_prometheus(content)):
        raise NoNumbersError(f"{table.path.name} holds an empty list: there were no measurements.")
    if not rows:
        told = content.get("error", content.get("message")) if isinstance(content, dict) else None
        told = f", but says {shown(told, 200)}" if isinstance(told, str) else ""
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


def _objects(table: Table, content, depth: int = 0) -> list[dict]:
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
    lists = {name: _objects(table, part, depth + 1) for name, part in content.items()}
    longest = max(lists, key=lambda name: len(lists[name]), default=None)
    alike = [name for name, rows in lists.items() if rows and rows[0].keys() == lists[longest][0].keys()]
    if len(alike) > 1:
        raise ValueError(f"{table.path.name} has several lists of rows ({listed(alike)}): give one of them.")
    return lists.get(longest, [])


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
    plain = all(one.get("values") and all(len(pair) == 2 for pair in one["values"]) for one in series)
    if kind != "matrix" or not plain:
        what = f"an answer of type {kind}" if kind != "matrix" else "an answer without plain values"
        raise ValueError(
            f"{table.path.name} is {what}: ask Prometheus' API for query_range of one number over time."
        )
    names = {one.get("metric", {}).get("__name__", "value") for one in series}
    value = names.pop() if len(names) == 1 else "value"
    rows = []
    for one in series:
        labels = {
            name: text
            for name, text in one.get("metric", {}).items()
            if name != "__name__" or value == "value"
        }
        labels = {
            f"{name} (label)" if name in ("time", value) else name: text for name, text in labels.items()
        }
        rows += [labels | {"time": time, value: number} for time, number in one["values"]]
    return rows


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


def _identifier(name: str) -> str:
    """Return the name of a column as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
