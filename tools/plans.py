"""The plans for workshops, as the tables of INSTRUCTORS.md give them, and the cells that each part takes.

A plan is a heading below ``## Plans`` with its tables. A row that names a chapter takes it whole, or the sections
in quotes after a colon, single ones and runs: ``Chapter 02: "First" to "Third", "Fifth"``. The row lists the
exercises that people do, and those within its sections that they don't: ``2.1 to 2.3; leave out 2.4``. A part that
goes on in a notebook that an earlier part has opened says ``Chapter 03, continued: "Fourth" to "Last"``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import authoring

INSTRUCTORS = authoring.ROOT / "INSTRUCTORS.md"
_RUN = r'"[^"]+"(?: to "[^"]+")?'
_CHAPTER = re.compile(rf"Chapter (\d\d)(?:(?:, continued)?: {_RUN}(?:, {_RUN})*)?")
_IDS = r"\d+\.\d+(?: to \d+\.\d+)?"
_IDS = rf"{_IDS}(?:, {_IDS})*"
_EXERCISES = re.compile(rf"({_IDS})?(?:(?:^|; )leave out ({_IDS}))?")


@dataclass(frozen=True)
class Part:
    """One row of a plan.

    ``chapter`` is "03", or None for a talk or a break; ``exercises`` are done, ``left_out`` are not.
    """

    minutes: int
    what: str
    chapter: str | None
    exercises: tuple[str, ...]
    how: str
    left_out: tuple[str, ...] = ()

    @property
    def continued(self) -> bool:
        """Return whether an earlier part has opened the notebook."""
        return ", continued:" in self.what


@dataclass(frozen=True)
class Plan:
    """A workshop: its parts in the order of the day."""

    name: str
    slug: str
    parts: tuple[Part, ...]


def plans(path: Path = INSTRUCTORS) -> list[Plan]:
    """Return the plans of a document, in its order.

    Raises
    ------
    ValueError
        If a row can't be read, or if a table's minutes don't add up to its total.
    """
    text = path.read_text(encoding="utf-8")
    chapter = re.search(r"^## Plans$(.*?)(?=^## |\Z)", text, flags=re.M | re.S)
    if not chapter:
        raise ValueError(f"{path.name} has no heading '## Plans'")
    found = []
    for section in re.split(r"^### ", chapter[1], flags=re.M)[1:]:
        name = section.partition("\n")[0]
        slug = name.partition(":")[0].lower().replace(" ", "-")
        tables = re.findall(r"^\| minutes .*\n\|[-|]+\|\n((?:\|.*\n?)+)", section, flags=re.M)
        if not tables:
            raise ValueError(f"the plan {name!r} of {path.name} has no table that begins with | minutes |")
        parts = [part for table in tables for part in _parts(table.splitlines(), name)]
        found.append(Plan(name, slug, tuple(parts)))
    return found


def _parts(rows: list[str], plan: str) -> list[Part]:
    parts = [_part(row, plan) for row in rows[:-1]]
    total = re.fullmatch(r"\| \*\*(\d+)\*\* \| \*\*total\*\* \| \| \|", rows[-1])
    if not total:
        raise _unread(rows[-1], plan, "the last row is no total: write | **90** | **total** | | |")
    taken = sum(part.minutes for part in parts)
    if taken != int(total[1]):
        raise _unread(rows[-1], plan, f"the rows above it add up to {taken} minutes")
    return parts


def _part(row: str, plan: str) -> Part:
    columns = [column.strip() for column in row.strip().strip("|").split("|")]
    if len(columns) != 4 or not columns[0].isdecimal():
        raise _unread(row, plan, "write | minutes | what | exercises | how |, with a number for the minutes")
    minutes, what, exercises, how = columns
    chapter, ids = _CHAPTER.fullmatch(what), _EXERCISES.fullmatch(exercises)
    if what.startswith("Chapter") and not chapter:
        raise _unread(row, plan, 'write Chapter 02, or Chapter 02: "First" to "Third", "Fifth"')
    if not ids or (exercises and not chapter):
        raise _unread(row, plan, "write a chapter's exercises as 2.1, or 2.1 to 2.3; leave out 2.4")
    done, left_out = (_listed(group) for group in ids.groups())
    return Part(int(minutes), what, chapter and chapter[1], done, how, left_out)


def _unread(row: str, plan: str, why: str) -> ValueError:
    return ValueError(f"the row {row!r} of the plan {plan!r} can't be read: {why}")


def _listed(ids: str | None) -> tuple[str, ...]:
    """Return the exercises of ``2.1, 2.3 to 2.5``, one by one."""
    found = []
    for chapter, first, last in re.findall(r"(\d+)\.(\d+)(?: to \d+\.(\d+))?", ids or ""):
        found += [f"{chapter}.{number}" for number in range(int(first), int(last or first) + 1)]
    return tuple(found)


def cells(part: Part, notebook: NotebookNode) -> list[NotebookNode]:
    """Return copies of the cells that a part takes, in order: of a solution notebook or of a learner's copy.

    The opening, from the title to the imports, belongs to each part that isn't continued: nothing runs without it.
    Exercises that are left out are gone, with their cells.

    Raises
    ------
    ValueError
        If the part names a section that the notebook doesn't have, or sections in another order.
    """
    pieces = [piece for cell in notebook.cells for piece in _pieces(cell)]
    titles, section_of = [""], []
    for piece in pieces:
        if piece.cell_type == "markdown" and piece.source.startswith("## "):
            titles.append(piece.source.partition("\n")[0].removeprefix("## "))
        section_of.append(len(titles) - 1)
    taken = _sections(part, titles)
    opening = next(i for i, piece in enumerate(pieces) if "plots.use_course_style()" in piece.source)
    if part.continued:
        opening = -1
    kept = [piece for i, piece in enumerate(pieces) if i <= opening or section_of[i] in taken]
    return _without_exercises(part.left_out, kept)


def _pieces(cell: NotebookNode) -> Iterable[NotebookNode]:
    """Yield a cell, cut where a section or an exercise begins within its text."""
    texts = [cell.source]
    if cell.cell_type == "markdown":
        texts = re.split(r"\n\n(?=## |\*\*Exercise )", cell.source)
    for number, text in enumerate(texts):
        piece = copy.deepcopy(cell)
        piece.source = text
        if number:
            piece.id = f"{cell.id}-{number}"
        yield piece


def _sections(part: Part, titles: list[str]) -> set[int]:
    """Return the numbers of the sections that a part takes."""
    runs = re.findall(r'"([^"]+)"(?: to "([^"]+)")?', part.what)
    if not runs:
        return set(range(len(titles)))
    taken: list[int] = []
    for first, last in runs:
        for title in filter(None, (first, last)):
            if title not in titles:
                raise ValueError(
                    f"chapter {part.chapter} has no section {title!r}, which {part.what!r} names"
                )
        run = range(titles.index(first), titles.index(last or first) + 1)
        if not run or (taken and run[0] <= taken[-1]):
            raise ValueError(f"{part.what!r} doesn't name its sections in the order of the chapter")
        taken += run
    return set(taken)


def _without_exercises(left_out: tuple[str, ...], cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells without the text, the answer's cell and the explanation of some exercises."""
    kept, dropping = [], False
    for cell in cells:
        if cell.cell_type == "markdown":
            exercise = re.match(r"\*\*Exercise (\d+\.\d+)", cell.source)
            dropping = exercise[1] in left_out if exercise else dropping and "answer" in authoring.tags(cell)
        if not dropping:
            kept.append(cell)
    return kept


def exercises(cells: Iterable[NotebookNode]) -> list[str]:
    """Return the exercises that some cells check, in order."""
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return list(dict.fromkeys(re.findall(r"^check\(\s*[\"'](\d+\.\d+)", code, flags=re.M)))


def minutes(cells: Iterable[NotebookNode]) -> int:
    """Return how long cells of a learner's copy take, to the nearest five."""
    return 5 * round(authoring.minutes(nbformat.v4.new_notebook(cells=list(cells))) / 5)
