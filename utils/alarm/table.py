"""The cells of a file, as text, in a table that DuckDB keeps; and what its owner should know about the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

LONGEST_LINE = 2 << 20  # bytes
ONE_COLUMN = "header=false, auto_detect=false, hive_partitioning=false, delim='\x01', quote='', escape='', "
ONE_COLUMN += "columns={'line': 'VARCHAR'}"
MISSING_WORDS = "|--?|na|n/a|nan|nat|null|none|nil|undefined"  # also in capitals


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
    folder : Path
        For what has to be written anew.
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
    folder: Path
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
        # Whether the broken rows were of those that are kept, nobody knows.
        self.findings = [
            replace(f, what=f"{f.what} (of the whole file)", left_out=False) for f in self.findings
        ]
        self.n_broken = 0
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


# Words --------------------------------------------------------------------------------------------------------------


def shown(cell: str, most: int = 60) -> str:
    """Return what stands in a file as a sentence can hold it: on one line, and not too long."""
    return repr(cell) if len(cell) <= most else f"{cell[: most - 3] + '...'!r}"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names as a sentence can hold them."""
    names = [name if len(name) <= 30 else f"{name[:27]}..." for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def quoted(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
