"""What the text in a file's cells means: times, numbers and their units.

DuckDB reads what any program would read in the same way; the rest is read here, or refused where it can be read in two.
"""

from __future__ import annotations

import re
import warnings

import duckdb
import numpy as np
import pandas as pd

from .table import NoNumbersError, Table, listed, quoted, shown

_TIME_NAMES = ("timestamp", "@timestamp", "time", "_time", "datetime", "date_time", "ts", "date", "time_utc")
_TIME_WORD = re.compile(
    r"time|date|stamp|epoch|unix|(^|[^a-z])(ts|at|when|begun|began|begin|start|started|ended)([^a-z]|$)|^(m?sec|seconds)$",
    re.IGNORECASE,
)
LATENCY_WORD = re.compile(
    r"latenc|duration|elapsed|(respon[sc]e|request|service|processing)[ _.-]?time|time[ _.-]?taken|delay|rtt",
    re.IGNORECASE,
)

# How SQL finds times: ISO 8601 by a pattern (DuckDB's own cast forgives too much), others that can be read in one way.
_ISO = r"\d{4}[-/]\d\d[-/]\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?( UTC)?))?)?"
_ZONE_AT_THE_END = r"(?:\d\d:\d\d|[.,]\d+|T\d{4,6}) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?: UTC)?$"
_OTHER_TIMES = (
    "%Y%m%dT%H%M%S%z",
    "%Y%m%dT%H%M%S",
    "%Y%m%dT%H%M",
    "%Y%m%d%H%M%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
)
_CLOCK = r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[AaPp][Mm])?"
_CLOCK_OR_DATE = re.compile(
    rf"{_CLOCK}$|\d{{1,4}}[./:-](\d{{1,2}}|[A-Za-z]{{3}})[./:-]\d{{1,4}}|[A-Z][a-z]{{2}},? .*\d\d:\d\d"
)
# Seconds since 1970, from 2000 to 2100, and how many of each unit make one.
_EPOCH_S = (946_684_800, 4_102_444_800)
_LOGS_BEGIN_S, _LONGEST_LOG_S = 1_262_304_000, 400 * 86_400  # 2010, and 400 days: ids and bytes reach further
_EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

# Numbers by the mark before their decimals, with thousands apart or not: 1,234.5 and 1 234.5, 1.234,5 and 1'234,5.
_APART = {".": "[, '’\u00a0\u202f]", ",": "[ '’\u00a0\u202f]"}
_GROUPS = {
    mark: rf"[1-9]\d{{0,2}}(?P<apart>{apart})\d{{3}}(?:(?P=apart)\d{{3}})*" for mark, apart in _APART.items()
}
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_NUMBER = {
    ".": re.compile(rf"[+-]?(?=[.]?\d)(?:(?P<groups>{_GROUPS['.']})|\d+)?(?:\.\d*)?{_EXPONENT}"),
    ",": re.compile(
        rf"[+-]?(?=,?\d)(?:(?P<groups>{_GROUPS[',']}|[1-9]\d{{0,2}}(?:\.\d{{3}})+(?=,))|\d+)?(?:,\d+)?{_EXPONENT}"
    ),
}
_THREE_AFTER_COMMA = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
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
UNITS = {name: unit for unit, names in _UNIT_NAMES.items() for name in names}
_IN_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6}


# Times --------------------------------------------------------------------------------------------------------


def sample_of(table: Table) -> dict[str, list[str]]:
    """Return some thousand cells of each column that hold anything, from all over the file."""
    rows = table.con.execute(f"SELECT * FROM t WHERE {_sampled(table)}").fetchall()
    cells = {name: [row[i] for row in rows if row[i] is not None] for i, name in enumerate(table.names)}
    for name in [name for name, some in cells.items() if len(some) < min(100, len(rows))]:  # hardly filled
        c = table.sql(name)
        more = f"SELECT {c} FROM t WHERE {c} IS NOT NULL LIMIT 200"
        cells[name] = [cell for (cell,) in table.con.execute(more).fetchall()]
    return cells


def _sampled(table: Table) -> str:
    """Return the SQL that chooses the sample; by chance, since every tenth row may be of one kind."""
    return f"hash(rowid) % {1 + table.n_rows // 2_000} = 0"


def times_of(table: Table, sample, wanted: str | None, time_format: str | None):
    """Return the times (datetime64[us], NaT where there is none), their column, whether in UTC, and their offsets."""
    if wanted is not None and wanted not in table.names:
        raise ValueError(no_such_column(table, wanted))
    by_name = [
        name for known in _TIME_NAMES for name in table.names if name.lower().rpartition(".")[2] == known
    ]
    worded = [name for name in table.names if _TIME_WORD.search(name) and not LATENCY_WORD.search(name)]
    candidates = dict.fromkeys([wanted] if wanted else [*by_name, *worded, *table.names])
    trusted = {wanted, *by_name, *worded, *(name for name in table.names if name.startswith("column "))}

    readable = {}
    for name in candidates:
        how = _how_times_are_written(table, name, sample[name], time_format, name in trusted)
        if how:
            readable[name] = how
    # A column of numbers whose name says nothing is the time only if nothing else is, and if it goes one way.
    texts = [name for name, how in readable.items() if name in trusted or "1970" not in how[1]]
    readable = {name: readable[name] for name in texts or readable}
    if not texts:
        readable = {name: how for name, how in readable.items() if _goes_one_way(table, how[0])}
    if readable:
        name, how = next(iter(readable.items()))
        times, zoned, offsets = _read_times(table, name, *how)
        of_day = next((other for other in table.names if other != name and _all_clock(sample[other])), None)
        present = times[~np.isnat(times)]
        if of_day and wanted is None and (present == present.astype("datetime64[D]")).all():
            raise ValueError(
                f"{table.path.name}: column {name!r} has only days and column {of_day!r} the time of day: write "
                "both into one column, such as 2024-01-31T10:00:00."
            )
        table.notes.append(f"times: {name} ({how[1]}{', in UTC here' if zoned else ', no time zone'})")
        others = [other for other in readable if other != name]
        if others:
            table.notes.append(f"also times, not used: {listed(others)}; pass time=... for another one")
        return times, [name, *others], zoned, offsets, how[0]

    for name in candidates:
        present = sample[name]
        cell = present[0] if present else ""
        words = present and sum(_is_number(cell) and ":" not in cell for cell in present) < len(present) / 2
        if name == wanted or (
            words and (name in by_name or (_CLOCK_OR_DATE.match(cell) and not LATENCY_WORD.search(name)))
        ):
            if len(table.names) == 1 and len(cell.split()) > 4:
                raise ValueError(
                    f"{table.path.name} has lines such as {shown(cell)} and no columns: export it as CSV or JSON, "
                    "or pass log_format=... if it is an access log of nginx or Apache."
                )
            tried = f"not as {time_format!r}" if time_format else "not in ISO 8601"
            raise ValueError(
                f"{table.path.name}: times such as {shown(cell)} in column {name!r} are {tried}: pass "
                "time_format=..., such as '%d/%m/%Y %H:%M' (day first) or '%m/%d/%Y %H:%M' (month first)."
            )
    table.notes.append("no column of times: the rows are taken in the order of the file, gaps cannot be seen")
    return None, [], False, (), None


def _goes_one_way(table: Table, sql: str) -> bool:
    steps = np.diff(table.values(f"epoch_us({sql})::DOUBLE"))
    return max((steps >= 0).mean(), (steps <= 0).mean()) >= 0.9 if len(steps) else True


def _how_times_are_written(table: Table, name: str, cells, time_format, trusted: bool):
    """Return the SQL of a column's times, in words, and whether there is a zone; None if half of them are no times."""
    c, few, present = table.sql(name), max(1, len(cells) / 2), cells
    if time_format is not None:
        if not trusted and all(map(is_plain_number, present)):
            return None
        sql = f"try_strptime({c}, {quoted(time_format)})"
        zone = "%z" in time_format.lower()
        return _if_readable(table, c, sql, f"read as {time_format!r}", zone)
    if sum(bool(re.fullmatch(_ISO, cell)) for cell in present) >= few:
        text = c
        # So write Python's logging and Go.
        if any(re.search("[+-]..:?..( UTC)?$|,", cell) for cell in present):
            text = rf"regexp_replace({c}, '(\d\d),(\d)', '\1.\2')"
            text = rf"regexp_replace({text}, ' ?([+-]\d\d:?\d\d)( UTC)?$', '\1')"
        sql = f"CASE WHEN regexp_full_match({c}, '{_ISO}') THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
        return sql, "ISO 8601", None
    if sum(not _is_number(cell) or bool(re.fullmatch(r"(19|20)\d{12}", cell)) for cell in present) >= few:
        formats = ", ".join(map(quoted, _OTHER_TIMES))
        sql = f"try_strptime({c}, [{formats}])"
        return _if_readable(table, c, sql, f"such as {shown(present[0])}", None)

    if any("," in cell for cell in present):  # a decimal comma
        c, present = f"replace({c}, ',', '.')", [cell.replace(",", ".") for cell in present]
    values = np.array([float(cell) for cell in present if is_plain_number(cell)])
    counts = {
        unit: int(((values >= _EPOCH_S[0] * many) & (values < _EPOCH_S[1] * many)).sum())
        for unit, many in _EPOCH_UNITS.items()
    }
    unit, all_units = max(counts, key=counts.get), sum(counts.values())
    if all_units < few:
        return None
    if not trusted:
        first, last = values.min() / _EPOCH_UNITS[unit], values.max() / _EPOCH_UNITS[unit]
        may_be_latency = _unit(name) != unit and (_unit(name) or LATENCY_WORD.search(name))
        may_be_id = first < _LOGS_BEGIN_S or last - first > _LONGEST_LOG_S
        if counts[unit] < len(present) or may_be_id or may_be_latency:
            return None
    elif counts[unit] <= all_units - counts[unit]:
        found = " and in ".join(filter(counts.get, counts))
        raise ValueError(
            f"{table.path.name}: column {name!r} has times in {found} since 1970: write all of them in one unit."
        )
    many, value = _EPOCH_UNITS[unit], _number(c)
    inside = f"{value} BETWEEN {_EPOCH_S[0] * many} AND {_EPOCH_S[1] * many}"
    sql = f"CASE WHEN {inside} THEN make_timestamptz(CAST(round({value} * {1e6 / many!r}) AS BIGINT)) END"
    return sql, f"{unit.replace('us', 'µs')} since 1970", True


def _if_readable(table: Table, c: str, sql: str, how: str, zoned: bool | None):
    """Return how a column's times are written if enough of the sample can be read so."""
    try:
        read, some = table.one(*(f"count(CASE WHEN {_sampled(table)} THEN {x} END)" for x in (sql, c)))
        if not some:  # hardly any cell holds anything
            read, some = table.one(f"count({sql})", f"count({c})")
    except duckdb.InvalidInputException:
        told = "time_format has a code that is not known: write it as in '%d/%m/%Y %H:%M:%S'."
        raise ValueError(told) from None
    return (sql, how, zoned) if read >= max(1, some / 2) else None


def _read_times(table: Table, name: str, sql: str, how: str, zoned: bool | None):
    """Return a column's times in µs, whether they are in UTC now, and the offsets at which they are written."""
    c, offsets = table.sql(name), ()
    times = table.values(f"epoch_us(({sql})::TIMESTAMPTZ)", np.iinfo(np.int64).min).view("datetime64[us]")
    if zoned is None and table.one(f"bool_and({c} LIKE '%Z')")[0]:
        zoned = True
    if zoned is None:
        end = f"regexp_extract({c}, '{_ZONE_AT_THE_END}', 1)"
        ends = f"SELECT {end}, min(rowid) FROM t WHERE ({sql}) IS NOT NULL GROUP BY 1 ORDER BY 2"
        ends = table.con.execute(ends).fetchall()
        zoned = any(zone for zone, _ in ends)
        other = next((row for zone, row in ends if bool(zone) != bool(ends[0][0])), None)
        if other is not None:
            raise ValueError(
                f"{table.path.name}: column {name!r} has times with and without a time zone, the first of the other "
                f"kind at line {table.line(other):,}: write all of them in one way."
            )
        found = [zone for zone, _ in ends if zone.startswith(("+", "-"))]
        offsets = tuple(sorted({f"{zone[:3]}:{zone[3:].lstrip(':') or '00'}" for zone in found}))
    return times, zoned, offsets


def _all_clock(cells) -> bool:
    """Whether a column holds times of day, and nothing else."""
    return bool(cells) and all(re.fullmatch(_CLOCK, cell) for cell in cells)


# Numbers --------------------------------------------------------------------------------------------------------


def named_column(table: Table, wanted: str | None, time_name: str | None) -> str | None:
    """Return the column that is meant, also one of the same name that has another unit."""
    if wanted is not None and wanted in table.names and f"{wanted} (2)" in table.names:
        raise ValueError(
            f"{table.path.name} has two columns called {shown(wanted)}: pass column='{wanted} (2)' for the later one, "
            "or rename the one that is not meant."
        )
    if wanted is None or wanted in table.names:
        name = wanted
    else:
        same = [
            name for name in table.names if _unit(name) and _unit(wanted) and _stem(name) == _stem(wanted)
        ]
        if len(same) != 1:
            raise ValueError(no_such_column(table, wanted))
        (name,) = same
        table.notes.append(f"{name} stands for {wanted}: both are in ms here")
    if name is not None and name == time_name:
        raise ValueError(f"{table.path.name}: column {name!r} holds the times: name the column of latencies.")
    return name


def numbers_of(table: Table, sample, others, column, decimal) -> dict[str, tuple[np.ndarray, str, str]]:
    """Return the columns of numbers, in ms where a unit is known, each with its unit and what says it."""
    kept, numbers = [], {}
    for name in table.names:
        present = sample[name]
        if name == column or (
            name not in others
            and (LATENCY_WORD.search(name) or not _all_clock(present))
            and sum(map(_is_number, present)) >= max(1, len(present) / 2)
        ):
            kept.append(name)
    for name, (values, n_present) in _plain_numbers(table, kept).items():
        try:
            unit, source, how = _read_unusual(table, name, values, n_present, decimal)
        except ValueError:  # a number that may be read in two ways, in a column that nobody asked for
            if column in (None, name):
                raise
            continue
        if name != column and name.startswith("column ") and len(values) > 1:
            if np.array_equal(values, np.arange(len(values))):
                table.notes.append(f"a row counter, not used: {name}")
                continue
        n_numbers = np.count_nonzero(~np.isnan(values))
        if name == column and not n_numbers:
            raise NoNumbersError(
                f"{table.path.name}: column {column!r} holds no number{_such_as(sample[name])}."
            )
        if name == column or n_numbers >= max(1, n_present / 2):
            numbers[name] = (values, unit, source)
            if how:
                table.notes.append(f"{name}: written with {' and '.join(how)}")
    aside = [name for name in table.names if name not in kept and name not in others]
    aside += [name for name in kept if name not in numbers and not name.startswith("column ")]
    if not numbers:
        cells = [cell for name in aside for cell in sample[name]]
        raise NoNumbersError(
            f"{table.path.name} has no column of numbers{_such_as(cells)}: export raw values, one row a measurement "
            f"(it has {listed(table.names, 6)})."
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
    if (
        told and not unit and sum(bool(read[cell][1]) for cell in cells) < n_present / 2
    ):  # a few that no one can place
        read = {cell: (np.nan if its else number, "") for cell, (number, its) in read.items()}
        told = []
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
    if with_unit and with_unit["unit"].lower() in UNITS:
        cell, unit = with_unit["number"].strip(), UNITS[with_unit["unit"].lower()]
    found = _NUMBER[mark].fullmatch(cell)
    if not found:
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
    if len(both_ways) > 10 * max(commas, points):
        raise ValueError(
            f"{table.path.name}: {both_ways[0]!r} in column {name!r} may be {both_ways[0].replace(',', '.')} or "
            f"{both_ways[0].replace(',', '')}: pass decimal=',' for the first, decimal='.' for the second."
        )
    return "," if commas > points else "."


def _number(c: str) -> str:
    """Return the SQL of a column's plain numbers: those that any program would read in the same way."""
    return f"CASE WHEN NOT contains({c}, '_') THEN TRY_CAST({c} AS DOUBLE) END"


def is_plain_number(cell: str) -> bool:
    """Whether any program would read a number here, and the same one."""
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell
    except ValueError:
        return False


def _is_number(cell: str) -> bool:
    return is_plain_number(cell) or any(_parsed(cell, mark)[0] == _parsed(cell, mark)[0] for mark in _NUMBER)


def _unit(name: str) -> str:
    """Return the unit of time that a column's name ends in: ``latency_ms``, ``durationSeconds``."""
    words = _words(name)
    if len(words) < 2 or "per" in words or re.search(r"\d\W*$", name):
        return words[0] if words == ["ms"] else ""
    unit = UNITS.get(words[-1], "")
    # A lone s may be a plural or "per second", and counts beside a word for a duration; a min may be the least.
    if unit in ("min", "h") or (words[-1] == "s" and not LATENCY_WORD.search("_".join(words))):
        return ""
    return unit


def _stem(name: str) -> list[str]:
    return _words(name)[:-1]


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())


def no_such_column(table: Table, wanted: str) -> str:
    """Return a sentence that names the columns which are there."""
    return f"{table.path.name} has no column {shown(wanted)}: it has {listed(table.names)}."


def _such_as(cells) -> str:
    return f", only entries such as {shown(cells[0])}" if cells else ", every entry is empty"
