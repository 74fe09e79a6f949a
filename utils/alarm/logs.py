"""Logs, a line a request: of web servers, proxies and load balancers."""

from __future__ import annotations

import contextlib
import glob
import itertools
import json
import re
import shlex
from pathlib import Path

from .table import LONGEST_LINE, ONE_COLUMN, Table, quoted, shown

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_TIME_IN_BRACKETS = r"\[([^\]]+)\]"

# host, the logged-in user, the time, the request, its status, its bytes; then, in the combined form, who asked.
_ACCESS = rf"^(?:\S+ )?\S+ \S+ (\S+) {_TIME_IN_BRACKETS} {_QUOTED} (\d{{3}}) (\d+|-)(?: {_QUOTED} {_QUOTED})?"
_ENVOY = rf"^{_TIME_IN_BRACKETS} {_QUOTED} (\d+) (\S+) (?:\S+ - \S+ )?(\d+) (\d+) (\d+) "
_ENVOY_NAMES = ("start_time", "request", "response_code", "response_flags", "bytes_received", "bytes_sent")
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


# Logs, a line a request --------------------------------------------------------------------------------------------


def is_log(lines: list[str]) -> bool:
    """Whether most of the first lines are of a log that is known here."""
    return _is_w3c(lines) or max(_share(_ENVOY, lines), _share(_ACCESS, lines)) >= 0.5


def read(table: Table, file: Path, lines: list[str]) -> None:
    """Read a log that is known by its first lines."""
    if _is_w3c(lines):
        _read_w3c(table, file, lines)
    elif _share(_ENVOY, lines) >= 0.5:
        _read_log(table, file, _ENVOY, [*_ENVOY_NAMES, "duration"], {"duration": "ms"})
    else:
        known = [line for line in lines[:200] if re.match(_ACCESS, line)]
        _read_access(table, file, max(known, key=lambda line: (len(line.split()), -line.count(" -"))))


def read_as(table: Table, file: Path, log_format: str) -> None:
    """Read a log of nginx or Apache by its format in the server's configuration."""
    _read_log(table, file, *_pattern_of(log_format))


def _is_w3c(lines: list[str]) -> bool:
    return any(line.startswith("#Fields:") for line in lines[:20])


def _lines_of(table: Table, file: Path) -> None:
    """Make a table of the lines of a file that are not blank, and their numbers."""
    source = f"read_csv(?, {ONE_COLUMN}, compression='none', max_line_size={LONGEST_LINE})"
    table.con.execute(
        f"CREATE TABLE lines AS SELECT * FROM (SELECT line, row_number() OVER () AS number FROM {source}) "
        "WHERE trim(line) <> ''",
        [glob.escape(str(file))],
    )


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


def read_ndjson(table: Table, file: Path) -> None:
    """Read a file with an object of JSON on each line."""
    _lines_of(table, file)
    is_object = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
    structure = f"SELECT json_group_structure(line::JSON) FROM lines WHERE {is_object}"
    structure = table.con.execute(structure).fetchall()[0][0]
    if structure is None:
        _tell_broken_lines(table, "true", "without an object of JSON", "export it again")
    pointers = list(_pointers(json.loads(structure)))
    table._named(name for name, _ in pointers)
    cells = f"json_extract_string(line::JSON, [{', '.join(quoted(pointer) for _, pointer in pointers)}])"
    source = f"(SELECT {cells} AS cells, number FROM lines WHERE {is_object})"
    table._fill([f"cells[{i}]" for i in range(1, len(pointers) + 1)], source, lines="number")
    _tell_broken_lines(table, f"NOT {is_object}", "without an object of JSON", "export it again")


def _pointers(structure, name: str = "", pointer: str = ""):
    """Yield the dotted name and the JSON pointer of each value that is no object."""
    if not isinstance(structure, dict):
        yield name, pointer
        return
    for key, part in structure.items():
        step = key.replace("~", "~0").replace("/", "~1")
        yield from _pointers(part, f"{name}.{key}" if name else key, f"{pointer}/{step}")


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
    _tell_broken_lines(table, others, "unlike the log's format", remedy)


def _read_access(table: Table, file: Path, line: str) -> None:
    """Read a log in the common or the combined form, and what is written after it."""
    names = ["user", "time", "request", "status", "bytes", "referer", "user_agent"]
    rest = line[re.match(_ACCESS, line).end() :].strip()
    parts = [(name, part.strip('"')) for name, part in re.findall(r'(?:(\w+)[=:])?("[^"]*"|\S+)', rest)]
    with_unit = [place for place, (_, part) in enumerate(parts) if re.fullmatch(r"[\d.]+(ms|us|µs|s)", part)]
    if not any(re.fullmatch(r"[\d.]+(ms|us|µs|s)?", part) for _, part in parts):
        raise ValueError(
            f"{table.path.name} is an access log without durations: add $request_time to nginx's log_format, or %D to "
            "Apache's LogFormat."
        )
    nginx = len(parts) == 1 and re.fullmatch(r"\d+\.\d{3}", parts[0][1])
    if not (len(with_unit) == 1 or nginx or all(name for name, _ in parts)):
        raise ValueError(
            f"{table.path.name} is an access log with more after its usual fields ({shown(rest)}): pass "
            "log_format=..., as it stands in the configuration of nginx or Apache."
        )
    pattern, units = _ACCESS, {}
    for place, (name, _) in enumerate(parts):
        used = place in with_unit or not with_unit
        pattern += rf' +{name + "[=:]" if name else ""}"?{"(" if used else "(?:"}[^\s"]*)"?'
        names += [name or ("duration" if with_unit else "request_time")] if used else []
    pattern += r"\s*$"
    if nginx and not parts[0][0] and not with_unit:
        units = {"request_time": "s"}
        table.notes.append("the number after the usual fields is taken for nginx's $request_time, in seconds")
    _read_log(table, file, pattern, names, units)
    other = f"regexp_matches(line, {quoted(_ACCESS)}) AND NOT regexp_matches(line, {quoted(pattern)})"
    n_other, other = table.con.execute(
        f"SELECT count(*), any_value(line) FROM lines WHERE {other}"
    ).fetchall()[0]
    if n_other > 0.05 * table.n_rows:
        raise ValueError(
            f"{table.path.name} is an access log whose lines end in several ways, such as {shown(rest, 40)} and "
            f"{shown(other[-40:])}: write all in one, or keep those of one in a file of their own."
        )


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
        in_quotes = log_format[found.start() - 1 : found.start()] == log_format[last : last + 1] == '"'
        bracketed = name == "t" and "$" not in log_format  # Apache writes the brackets itself
        pattern += r"((?:[^\"\\]|\\.)*)" if in_quotes else _TIME_IN_BRACKETS if bracketed else "(.*?)"
        names.append(_APACHE.get(name, name) if "$" not in log_format else name)
    if not any(re.search("request_time|response_time|duration|latency|first_byte", name) for name in names):
        raise ValueError(
            f"log_format={shown(log_format)} names no duration: give it as the server's configuration has it, such as "
            "'$remote_addr [$time_local] \"$request\" $status $request_time'."
        )
    pattern += re.escape(log_format[last:].rstrip()) + r"\s*$"
    return pattern, names, dict.fromkeys(_NGINX_S, "s")


def _read_w3c(table: Table, file: Path, lines: list[str]) -> None:
    """Read a log whose #Fields lines name its columns; a later one may name others."""
    _lines_of(table, file)
    con = table.con
    marks = "SELECT number, line FROM lines WHERE starts_with(line, '#Fields:') ORDER BY number"
    marks = con.execute(marks).fetchall()
    delimiter = "\t" if any("\t" in line for line in lines if line[:1] != "#") else " "
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
    iis = any("Internet Information Services" in line for line in lines)
    cloudfront = any(name.startswith("x-edge-") for name in table.names)
    if "time-taken" in table.names and (iis or cloudfront):
        table.units["time-taken"] = "ms" if iis else "s"


def _share(pattern: str, lines: list[str]) -> float:
    """Return the share of the first lines that a pattern matches."""
    sample = [line for line in lines[:50] if line.strip()]
    return sum(bool(re.match(pattern, line)) for line in sample) / max(1, len(sample))
