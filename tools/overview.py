"""Who is where: read the verdicts stored in notebooks, without executing anything.

``python -m tools.overview FOLDER`` reads what was handed in, as folders, as one folder of files or as the zip of a
learning-management system. It prints a row for each person, then the exercises, the one at which most are stuck
first, then, of the twelve calls, how many had each kind of night right, before and after.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import re
import shutil
import sys
import textwrap
import time
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from utils.exercises.calls import Given, judged, score, stored_calls
from utils.exercises.engine import SOLUTIONS, SYMBOLS
from utils.exercises.nights import KINDS

_SYMBOLS = {**SYMBOLS, "error": "!", "not there": "·"}
_WORDS = {"right": "right", "not yet": "not yet", "unanswered": "not answered", "error": "error"}
_WORDS["not there"] = "not there"
_VERDICT = re.compile(
    rf"^(\d{{1,2}}\.\d{{1,2}})  ([{''.join(SYMBOLS.values())}]) (?:not answered yet|not yet|right): (.*)$",
    re.ASCII,
)
_BROKEN = re.compile(rf"^     {SYMBOLS['not yet']} (.*)$")  # a line of a scoreboard
_CHECK = re.compile(r"""check\(\s*["'](\d{1,2}\.\d{1,2})""", re.ASCII)

# Why a notebook shows no verdict; of a person's notebooks without one, the last reason here is the row's.
_NO_NOTEBOOK = "no notebook in the folder"
_NO_EXERCISE = "no exercise in the notebook"
_HANDED_OUT = "as it was handed out: not begun, or not saved"
_UNREADABLE = "can't be read as a notebook: "
_OLDER_FORMAT = "has an older format: open it in JupyterLab and save it"
_NO_OUTPUTS = "no outputs: ask for it again, saved with them"
_NO_VERDICT = "outputs, but no verdict: ask to run all and save"
_REASONS = ("", _NO_EXERCISE, _HANDED_OUT, _UNREADABLE, _OLDER_FORMAT, _NO_OUTPUTS, _NO_VERDICT)
_NO_NAME = "no name: put it into the file's name"
_WRONG = {
    RecursionError: "it is nested too deeply",
    UnicodeDecodeError: "its text is not UTF-8",
    json.JSONDecodeError: "it is empty, cut short or no JSON",
}

# What learning-management systems write before a file's name, or as a person's folder.
_MOODLE = re.compile(r"(?:^|/)(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_")
_CANVAS = re.compile(r"(?:^|/)(?P<name>[^/_]+)(?:_LATE)?_(?P<id>\d{3,})_\d{3,}_[^/]+$")
_COPY = re.compile(r"^(copy|kopie) (of|von) |([\s_-]*\(?\b(copy|kopie)[ ]?\d*\)?|\s*\(\d+\))+$", re.I)
_NO_WORDS = re.compile(r"(\d{1,3}|v\d+|final|done|new|answers?|untitled\d*)?", re.I)  # said of no person


@dataclass(frozen=True)
class Notebook:
    """What a saved notebook shows: of each exercise its state and the ideas that it names; the twelve calls."""

    states: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    chapters: frozenset[int] = frozenset()
    calls: Mapping[int, Given] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, eq=False)
class File:
    """A file handed in, its path's parts below the `source` that was named; `time` is its last change.

    Its `stamp` changes with it; it is empty for a folder, and None where looking failed and reading says why.
    """

    source: str
    parts: tuple[str, ...]
    time: datetime
    stamp: tuple
    read: Callable[[], bytes]

    @property
    def path(self) -> str:
        """Its path below the source."""
        return "/".join(self.parts)

    @property
    def is_notebook(self) -> bool:
        """Whether it is to be read; what else lies in a folder says only that the folder is there."""
        return self.stamp is None or (self.stamp != () and self.parts[-1].lower().endswith(".ipynb"))


@dataclass
class Person:
    """One row: a person, or a file that nobody's name is on."""

    name: str
    notebooks: dict[File, Notebook]
    states: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    calls: dict[int, Given] = field(default_factory=dict)
    named: bool = True
    ask: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let the newer of two notebooks of one chapter count, or the fuller one; say what is to be asked."""
        rest = dict(sorted(self.notebooks.items(), key=lambda item: item[0].time))
        for notebook in rest.values():
            self.calls |= notebook.calls
        for chapter in sorted({n for notebook in rest.values() for n in notebook.chapters}):
            rivals = [file for file, notebook in self.notebooks.items() if chapter in notebook.chapters]
            best = max(rivals, key=lambda file: self._rank(file, chapter))
            self.states |= _of_chapter(self.notebooks[best], chapter)
            for file in rivals:
                if file is not best:
                    rest.pop(file, None)
                    self.aside.append(f"{file.path} is left aside, {best.path} counts")
        inside = [file.path.partition(f"{self.name}/")[2] for file in rest if rest[file].chapters]
        folders = sorted({path.split("/")[0] for path in inside if "/" in path})
        if len(folders) > 1:
            self.aside.append(f"taken for one person, with notebooks in {', '.join(folders)}")
        found = sorted(
            ((_reason(notebook.problem), file.parts[-1], notebook.problem) for file, notebook in rest.items())
        )
        ask = _REASONS.index(_UNREADABLE), _REASONS.index(_NO_OUTPUTS)
        self.ask += [f"{name}: {why}" for n, name, why in reversed(found) if ask[0] <= n <= ask[1]]
        if not self.states and not self.ask:
            self.ask = [found[-1][2] if found else _NO_NOTEBOOK]

    def _rank(self, file: File, chapter: int) -> tuple:
        states = [state for state, _ in _of_chapter(self.notebooks[file], chapter).values()]
        return bool(states), file.time, len(states) - states.count("unanswered"), states.count("right")


def _of_chapter(notebook: Notebook, chapter: int) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {id: said for id, said in notebook.states.items() if _key(id)[0] == chapter}


def _reason(problem: str) -> int:
    return next(n for n in reversed(range(len(_REASONS))) if problem.startswith(_REASONS[n]))


def _key(id: str) -> tuple[int, int]:
    chapter, number = id.split(".")
    return int(chapter), int(number)


# Reading ----------------------------------------------------------------------------------------------------


def files_below(source: Path) -> list[File]:
    """Return the files in a folder or a zip, with those in zips inside, and its empty folders.

    Raises OSError or zipfile.BadZipFile if the source itself can't be read; nothing below it raises.
    """
    if source.is_dir():
        os.listdir(source)
        return list(_in_folder(source, (), str(source), {source.resolve(), *source.resolve().parents}))
    source.stat()
    found = list(_in_file(source, (source.name,), str(source)))
    if source.suffix.lower() == ".zip":
        zipfile.ZipFile(source).close()
        found = [replace(file, parts=file.parts[1:]) for file in found[1:]]
    return found


def _in_folder(folder: Path, parts: tuple[str, ...], source: str, seen: set[Path]) -> Iterator[File]:
    """Yield what lies in a folder. Links are followed, but into none that was `seen`: two could lead to each other."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # reading it says why
        yield File(source, parts, datetime.min, None, folder.read_bytes)
        return
    if parts:
        yield File(source, (*parts, ""), datetime.min, (), bytes)
    for path in entries:
        here = (*parts, path.name)
        if not _may_hold_answers(path.name):
            continue
        if not path.is_dir():
            yield from _in_file(path, here, source)
        elif (real := path.resolve()) not in seen:
            seen.add(real)
            yield from _in_folder(path, here, source, seen)
        else:
            yield File(source, (*here, ""), datetime.min, (), bytes)


def _in_file(path: Path, parts: tuple[str, ...], source: str) -> Iterator[File]:
    try:
        about = path.stat()
        if not path.is_file():  # a pipe would be waited for
            return
        changed, stamp = datetime.fromtimestamp(about.st_mtime), (about.st_mtime_ns, about.st_size)
    except OSError:  # a link that leads nowhere: reading it says so
        changed, stamp = datetime.min, None
    file = File(source, parts, changed, stamp, path.read_bytes)
    yield from _in_zip(file, path) if path.suffix.lower() == ".zip" else [file]


def _in_zip(file: File, content: Path | io.BytesIO) -> Iterator[File]:
    """Yield what lies in a zip, as if it were a folder; the zip itself where it can't be read."""
    try:
        archive = zipfile.ZipFile(content)
    except (OSError, ValueError, zipfile.BadZipFile):
        yield replace(file, stamp=None)
        return
    yield replace(file, parts=(*file.parts, ""), stamp=())
    for entry in archive.infolist():
        inside = entry.filename.replace("\\", "/").split("/")
        if not all(map(_may_hold_answers, filter(None, inside))):
            continue
        parts = (*file.parts, *inside)
        stamp = () if entry.is_dir() else (entry.CRC, entry.file_size, entry.date_time)
        try:
            changed = datetime(*entry.date_time)
        except ValueError:  # no such day
            changed = datetime.min
        found = File(file.source, parts, changed, stamp, partial(archive.read, entry))
        if inside[-1].lower().endswith(".zip"):
            try:
                yield from _in_zip(found, io.BytesIO(found.read()))
            except Exception:  # cut short, or with a password: reading it says so
                yield replace(found, stamp=None)
        else:
            yield found


def _may_hold_answers(name: str) -> bool:
    # A course handed in whole brings its solutions, a Mac's archive its shadows: no answers of the learner's.
    return not name.startswith(".") and name not in {"solutions", "__MACOSX"}


def read(file: File) -> Notebook:
    """Return what a notebook shows; whatever the file holds, nothing raises."""
    try:
        return _shown(file.read())
    except Exception as error:
        if str(error) == _OLDER_FORMAT:
            return Notebook(problem=_OLDER_FORMAT)
        why = (
            _WRONG.get(type(error)) or getattr(error, "strerror", None) or str(error) or type(error).__name__
        )
        return Notebook(problem=f"{_UNREADABLE}{_plain(why)}; ask for it again")


def _shown(content: bytes) -> Notebook:
    # From bytes, json finds the encoding itself, with a mark or without; as a float, no number is too long.
    notebook = json.loads(content, parse_int=float)
    notebook = notebook if isinstance(notebook, dict) else {}
    if not isinstance(notebook.get("cells"), list):
        raise ValueError(_OLDER_FORMAT if "worksheets" in notebook else "it has no list of cells")
    states: dict[str, tuple[str, tuple[str, ...]]] = {}
    sources, all_lines, some_output = {}, [], False
    symbols = {symbol: state for state, symbol in SYMBOLS.items()}
    for cell in _dicts(notebook["cells"]):
        if cell.get("cell_type") == "markdown":
            continue
        source, outputs = _text(cell.get("source")), _dicts(cell.get("outputs"))
        sources |= dict.fromkeys(_CHECK.findall(source), source)
        some_output |= bool(outputs)
        lines = [line for output in outputs for line in _text(output.get("text")).splitlines()]
        all_lines += lines
        judged_here, board = "", ()
        for line in lines:
            if match := _VERDICT.match(line):
                judged_here, board = match[1], ()
                states[match[1]] = symbols[match[2]], (_plain(match[3]),)
            elif judged_here and (match := _BROKEN.match(line)):  # its lines say more than "3 of 17 hold"
                board += (_plain(match[1]),)
                states[judged_here] = states[judged_here][0], board
        for output in outputs:
            if output.get("output_type") == "error" and not judged_here:
                what = _plain(f"{output.get('ename')}: {output.get('evalue')}")
                states |= dict.fromkeys(_CHECK.findall(source), ("error", (what,)))
    calls = stored_calls(all_lines)
    if states or calls:
        problem = ""
    elif not sources:
        problem = _NO_EXERCISE
    elif some_output:
        problem = _NO_VERDICT
    else:  # in 0.1 the answer is given
        begun = any("..." not in source for id, source in sources.items() if id != "0.1")
        problem = _NO_OUTPUTS if begun else _HANDED_OUT
    return Notebook(states, frozenset(_key(id)[0] for id in {*sources, *states}), calls, problem)


def _dicts(items: object) -> list[dict]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(text: object) -> str:
    return "".join(part for part in text if isinstance(part, str)) if isinstance(text, str | list) else ""


def _plain(text: str) -> str:
    """Return a text that stays in its line: what can't be printed is escaped."""
    text = unicodedata.normalize("NFC", text)
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


# Whose is it? -----------------------------------------------------------------------------------------------


def people(
    files: Sequence[File], notebooks: Mapping[File, Notebook], pattern: re.Pattern | None
) -> list[Person]:
    """Return a row for each person and for each notebook without a name.

    By itself, a person is a folder. A folder is a group in place of a person if two of its folders, or two names
    in its files' names, hold the same chapter; then these are the persons.
    """
    owners: dict[File, str] = {}
    numbers = defaultdict(set)  # of namesakes: Moodle numbers each assignment anew, Canvas each person once
    rest = defaultdict(list)
    for file in files:
        if pattern:
            match = pattern.search(file.path)
            owners[file] = (match["name"] or "") if match else ""
        elif match := _MOODLE.search(file.path) or _CANVAS.search(file.path):
            owners[file] = match["name"]
            where = (file.source, file.path[: match.start()]) if match.re is _MOODLE else ()
            numbers[where, match["name"]].add(match["id"])
        else:
            rest[file.source].append(file)
    holders = {(file.source, file.parts[:n]) for file in owners for n in range(len(file.parts))}
    for (
        source,
        own,
    ) in rest.items():  # the zip of a class is a row of its own only where nothing in it is owned
        rest[source] = [file for file in own if file.parts[-1] or (source, file.parts[:-1]) not in holders]
    namesakes = {name for (_, name), ids in numbers.items() if len(ids) > 1}
    for file in [file for file, owner in owners.items() if owner in namesakes and not pattern]:
        match = _MOODLE.search(file.path) or _CANVAS.search(file.path)
        owners[file] += f" ({match['id']})"
    for own in rest.values():
        found: dict[File, tuple[str, ...]] = {}
        _name_owners(own, 0, notebooks, found)
        named = [parts for parts in found.values() if parts]
        while named and min(map(len, named)) > 1 and len({parts[0] for parts in named}) == 1:
            named = [parts[1:] for parts in named]
            found = {file: parts[1:] for file, parts in found.items()}
        owners |= {file: re.sub(r"^jupyter-", "", "/".join(parts)) for file, parts in found.items()}
    rows: dict[str, dict[File, Notebook]] = defaultdict(dict)
    nameless = []
    for file, owner in owners.items():
        own = {file: notebooks[file]} if file in notebooks else {}
        if owner:
            rows[_plain(owner)] |= own
        elif own:
            nameless.append(Person(_plain(file.path), own, named=False))
    return sorted(
        [*(Person(name, own) for name, own in rows.items()), *nameless],
        key=lambda person: (not person.named, person.name.casefold(), person.name),
    )


def _children(
    files: Sequence[File], level: int, notebooks: Mapping[File, Notebook]
) -> dict[tuple, list[File]]:
    """Return the files of one folder by the folder in it that they lie in, or by the name in their names."""
    children = defaultdict(list)
    for file in files:
        if len(file.parts) > level + 1:
            children["folder", file.parts[level]].append(file)
        elif file in notebooks:
            children["file", _name_in(file.parts[level], notebooks[file].chapters)].append(file)
    return children


def _is_group(
    files: Sequence[File], level: int, notebooks: Mapping[File, Notebook], alone: bool = False
) -> bool:
    children = _children([file for file in files if file in notebooks], level, notebooks)
    if (
        len(children) == 1
        and ("file", "") not in children
        and (only := next(iter(children.items())))[0][0] == "folder"
    ):
        return _is_group(only[1], level + 1, notebooks, alone)
    held = [
        {chapter for file in own for chapter in notebooks[file].chapters}
        for child, own in children.items()
        if child != ("file", "")
    ]
    if alone and ("file", "") not in children:  # a wrapper around all
        return sum(map(bool, held)) > 1
    return max(Counter(chapter for chapters in held for chapter in chapters).values(), default=0) > 1


def _name_owners(
    files: Sequence[File], level: int, notebooks: Mapping[File, Notebook], found: dict[File, tuple[str, ...]]
) -> None:
    """Note whose each file is, for the files of one group."""
    children = _children(files, level, notebooks)
    full = {child: [file for file in own if file in notebooks] for child, own in children.items()}
    full = {child: own for child, own in full.items() if child[0] == "folder" and own}
    groups = {child for child in full if _is_group(full[child], level + 1, notebooks, len(children) == 1)}
    deep = {child for child, own in full.items() if all(len(file.parts) > level + 2 for file in own)}
    if groups and 2 * len(groups) >= len(deep):  # a class of one looks like a person, beside other classes
        groups |= deep
    for (kind, name), own in children.items():
        if (kind, name) in groups:
            _name_owners(own, level + 1, notebooks, found)
        else:
            owner = (*own[0].parts[:level], name) if name else ()
            found |= dict.fromkeys(own, owner)


def _name_in(file: str, chapters: frozenset[int]) -> str:
    """Return what a file's name says beside its chapter and the marks of a copy: a person's name, or nothing."""
    rest = _COPY.sub("", _COPY.sub("", file.rsplit(".", 1)[0]))
    for path in SOLUTIONS.glob("*.ipynb"):
        if len(parts := re.split(path.stem.replace("_", r"[\W_]*"), rest, flags=re.I)) > 1:
            rest = "_".join(filter(None, (part.strip("_-. ") for part in parts)))
    for chapter in chapters:
        rest = re.sub(rf"(?<![^\W_])(chapter|ch)?[\W_]*{chapter:02d}(?![^\W_])", "", rest, flags=re.I)
    rest = _COPY.sub("", rest.strip("_-. "))
    return "" if _NO_WORDS.fullmatch(rest) else rest


# Showing ----------------------------------------------------------------------------------------------------


def titles() -> dict[str, str]:
    """Return every exercise of the course with the heading that it stands under."""
    found, heading = {}, ""
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        for cell in json.loads(path.read_bytes())["cells"]:
            for line in "".join(cell["source"]).splitlines() if cell["cell_type"] == "markdown" else ():
                if line.startswith("#"):
                    heading = line.strip("# ")
                elif match := re.match(r"\*\*Exercise (\d+\.\d+)", line):
                    found[match[1]] = heading
    return found


def asked(rows: Sequence[Person]) -> dict[str, str]:
    """Return the exercises, with titles, of the chapters in which anybody has a verdict."""
    known, seen = titles(), {id for person in rows for id in person.states}
    chapters = {_key(id)[0] for id in seen}
    ids = seen | {id for id in known if _key(id)[0] in chapters}
    return {id: known.get(id, "") for id in sorted(ids, key=_key)}


def overview(rows: Sequence[Person], exercises: Mapping[str, str], columns: int = 100) -> str:
    """Return the table of people, what is to be asked and what was left aside, and the table of exercises."""
    by_chapter = defaultdict(list)
    for id in exercises:
        by_chapter[f"{_key(id)[0]:02d}"].append(id)
    width = max(map(len, ["learner", *(person.name for person in rows)]))
    heads = " ".join(chapter.ljust(len(ids)) for chapter, ids in by_chapter.items())
    compact = width + 9 + len(heads) > columns  # then how many are right in each chapter
    heads = " ".join(by_chapter) if compact else heads
    lines, notes = [f"{'learner':{width}}  right  {heads}".rstrip()], []
    for person in rows:
        marks = []
        for ids in by_chapter.values():
            states = [person.states.get(id, ("not there",))[0] for id in ids]
            if compact:
                marks.append(f"{states.count('right') if set(states) != {'not there'} else '·':>2}")
            else:
                marks.append("".join(_SYMBOLS[state] for state in states).ljust(2))
        ask = list(person.ask)
        right = sum(state == "right" for state, _ in person.states.values())
        says = [" ".join(marks)] if person.states else [ask.pop(0) if ask else _NO_NOTEBOOK]
        says += [] if person.named else [_NO_NAME]
        lines.append(
            f"{person.name:{width}}  {right if person.states else '-':>5}  {'  '.join(says)}".rstrip()
        )
        notes += [f"{person.name}: {said}." for said in [*ask, *person.aside]]
    legend = ", ".join(f"{_SYMBOLS[state]} {word}" for state, word in _WORDS.items())
    legend = f"{len(rows)} rows. {legend}" + ("; by chapter, how many are right" if compact else "")
    lines += ["", *textwrap.wrap(legend, columns)]
    for note in notes:
        lines += textwrap.wrap(_plain(note), columns, subsequent_indent="  ")
    if exercises:
        lines += ["", "".join(f"{_SYMBOLS[state]:>4}" for state in _WORDS) + "  exercise, most stuck first"]
    said_of = {id: [person.states.get(id, ("not there", ())) for person in rows] for id in exercises}
    counts = {id: Counter(state for state, _ in said) for id, said in said_of.items()}
    for id in sorted(exercises, key=lambda id: (-counts[id]["not yet"] - counts[id]["error"], _key(id))):
        said, count = said_of[id], counts[id]
        ideas = Counter(idea for state, own in said if state in ("not yet", "error") for idea in set(own))
        row = "".join(f"{count[state]:>4}" for state in _WORDS) + f"  {id}  {exercises[id]}"
        lines += textwrap.wrap(row.rstrip(), columns, subsequent_indent=" " * 27)
        for idea, times in ideas.most_common(3):
            lines += textwrap.wrap(
                f"{times} x {idea}", columns, initial_indent=" " * 22, subsequent_indent=" " * 26
            )
    return "\n".join(lines)


def calls_table(rows: Sequence[Person]) -> str:
    """Return how many had each kind of night right in each round, and each learner's count; empty without calls."""
    found = {
        (person.name, chapter): judged(chapter, given)
        for person in rows
        for chapter, given in person.calls.items()
    }
    chapters = sorted({chapter for _, chapter in found})
    table = {"twelve calls": ["before" if chapter == 0 else f"after {chapter:02d}" for chapter in chapters]}
    for kind in ("all", *KINDS):
        for_each = [
            [
                right
                for (_, at), kinds in found.items()
                if at == chapter
                for k, (right, _) in kinds.items()
                if kind in (k, "all")
            ]
            for chapter in chapters
        ]
        table[f"  {kind}"] = [f"{sum(flags)} of {len(flags)}" for flags in for_each]
    for person in rows:
        own = [found.get((person.name, chapter)) for chapter in chapters]
        table[person.name] = ["-" if kinds is None else score(kinds) for kinds in own]
    width = max(map(len, table))
    lines = [f"{name:{width}}" + "".join(f"{cell:>13}" for cell in row) for name, row in table.items()]
    return "\n\n" + "\n".join(lines) if found else ""


def write_csv(path: Path, rows: Sequence[Person], exercises: Mapping[str, str]) -> None:
    """Write a gradebook for spreadsheets: a row for each person, a column for each exercise."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(
            ["learner", *_WORDS.values(), *(f"{id} {title}" for id, title in exercises.items()), "ask"]
        )
        for person in rows:
            states = [person.states.get(id, ("not there",))[0] for id in exercises]
            ask = "; ".join([*([] if person.named else [_NO_NAME]), *person.ask])
            texts = [person.name, *map(states.count, _WORDS), *(_WORDS[state] for state in states), ask]
            # A spreadsheet would compute what begins like a formula.
            table.writerow(f"'{text}" if str(text).startswith(tuple("=+-@")) else text for text in texts)


def certificate(person: Person) -> str:
    """Return one line on a person, in the words of `progress`."""
    known = titles()
    done = []
    for chapter in sorted({_key(id)[0] for id in person.states}):
        states = [state for state, _ in _of_chapter(person, chapter).values()]
        of = max(len(states), sum(_key(id)[0] == chapter for id in known))
        done.append(f"Chapter {chapter:02d}: {states.count('right')} of {of} right")
    return f"{person.name}. {', '.join(done) or 'No verdict is stored.'}"


def _pattern(text: str) -> re.Pattern:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    if "name" not in pattern.groupindex:
        raise argparse.ArgumentTypeError("write the person's part of the path as a group, (?P<name>[^/]+)")
    return pattern


def _gradebook(text: str) -> Path:
    if not text.lower().endswith(".csv"):  # else a slip of order writes over what was handed in
        raise argparse.ArgumentTypeError(f"{text!r} is no gradebook: its name must end in .csv")
    return Path(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; name the folder before --watch")
    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Print the overview; return 2 when there is no verdict, 1 when somebody is to be asked."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.overview", description="Who is where, from the verdicts stored in notebooks."
    )
    parser.add_argument("source", type=Path, nargs="+", help="a folder, a zip or a notebook handed in")
    parser.add_argument(
        "--pattern", type=_pattern, help="regular expression on each path, with a group (?P<name>…)"
    )
    parser.add_argument(
        "--watch", type=_seconds, nargs="?", const=10, metavar="SECONDS", help="show it again, and again"
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--csv", type=_gradebook, metavar="FILE.csv", help="write a gradebook, too")
    either.add_argument("--certificate", metavar="NAME", help="print one line on this person, nothing else")
    options = parser.parse_args(arguments)
    known: dict[tuple, Notebook] = {}
    if options.watch is None:
        return _once(options, known)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            screen = io.StringIO()
            with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
                status = _once(options, known)
            size = shutil.get_terminal_size()
            lines = screen.getvalue().splitlines()
            if len(lines) >= size.lines:
                lines[size.lines - 2 :] = [f"… {len(lines) - size.lines + 2} lines more without --watch"]
            print("\033[H\033[2J" + "\n".join(line[: size.columns] for line in lines), flush=True)
            time.sleep(options.watch)
    return status


def _once(options: argparse.Namespace, known: dict[tuple, Notebook]) -> int:
    """Read what isn't `known` yet, and print what is asked for."""
    files = []
    for source in options.source:
        try:
            files += files_below(source)
        except (OSError, ValueError, zipfile.BadZipFile):
            print(
                f"{_plain(str(source))} can't be read: name a folder, a zip or a notebook.", file=sys.stderr
            )
            return 2
    notebooks = {}
    for file in filter(lambda file: file.is_notebook, files):
        key = file.source, file.parts, file.stamp
        if key not in known or not file.stamp:
            known[key] = read(file)
        notebooks[file] = known[key]
    rows = people(files, notebooks, options.pattern)
    if options.certificate is not None:
        named = [person for person in rows if person.named]
        found = [person for person in named if person.name == options.certificate] or [
            person for person in named if person.name.casefold() == options.certificate.casefold()
        ]
        if len(found) != 1:
            names = ", ".join(person.name for person in named)
            print(f"--certificate: {options.certificate!r} names no one of {names}.", file=sys.stderr)
            return 2
        print(certificate(found[0]))
        return 0
    if not rows:
        print("No verdict is stored here: there is no notebook.")
        return 2
    exercises = asked(rows)
    if options.csv:
        try:
            write_csv(options.csv, rows, exercises)
        except OSError as error:
            print(f"--csv: {options.csv} can't be written: {error.strerror}.", file=sys.stderr)
            return 2
    print(
        overview(rows, exercises, shutil.get_terminal_size((100, 50)).columns) + calls_table(rows), flush=True
    )
    return 2 if not exercises else int(any(person.ask or not person.named for person in rows))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # else a table sent to a file on Windows has no ✓
    sys.exit(main())
