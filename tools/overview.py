"""Who is where: read the verdicts stored in notebooks, without executing anything.

``python -m tools.overview FOLDER`` reads every notebook below the folder, one folder or file a learner, and
prints each learner's verdicts or why there are none, then each exercise's count and its most common diagnosis,
then, of the twelve calls, how many had each kind of night right, before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.exercises.calls import Given, judged, score, stored_calls
from utils.exercises.engine import SOLUTIONS, SYMBOLS, State
from utils.exercises.nights import KINDS

_STATE: dict[str, State] = {symbol: state for state, symbol in SYMBOLS.items()}
_LINE = re.compile(
    rf"^(\d{{1,2}}\.\d{{1,2}})  ([{''.join(SYMBOLS.values())}]) (?:not answered yet|not yet|right): (.*)$",
    re.ASCII,
)
_EXERCISE = re.compile(r"""check\(\s*["']\d""")

# Why a learner has no verdict. Of several notebooks the one that says most counts: the later reason.
_NO_NOTEBOOK = "no notebook in the folder"
_UNREADABLE = "no notebook that can be read"
_NO_EXERCISE = "no exercise in the notebook"
_NO_OUTPUTS = "no outputs: ask to run all and save"
_NO_VERDICT = "outputs, but no verdict: ask to run all and save"
_REASONS = (_NO_NOTEBOOK, _UNREADABLE, _NO_EXERCISE, _NO_OUTPUTS, _NO_VERDICT)

_OLDER_FORMAT = "has an older format: open it in JupyterLab and save it"
_WRONG = {
    RecursionError: "it is nested too deeply",
    UnicodeDecodeError: "its text is not UTF-8",
    json.JSONDecodeError: "it is empty, cut short or no JSON",
}


@dataclass(frozen=True)
class Stored:
    """One verdict as a saved notebook shows it."""

    learner: str
    id: str
    state: State
    message: str


Rounds = dict[tuple[str, int], Given]  # by learner and chapter


def stored_verdicts(folder: Path) -> tuple[list[Stored], dict[str, str], list[str], Rounds]:
    """Return the verdicts stored in the notebooks below a folder, who has none, what is doubtful, and the calls.

    Parameters
    ----------
    folder : Path
        A notebook's learner is the folder that it lies in below `folder`; where it lies in `folder` itself,
        its file name without the chapter.

    Returns
    -------
    verdicts : list of Stored
        At most one an exercise and learner: the last one in the notebook.
    silent : dict of str to str
        Each learner without a verdict, and why there is none.
    doubts : list of str
        Which files can't be read, and which answer an exercise that another file of the same name in the
        table answers too, as a copy does or a group that shares one folder.
    rounds : dict of (str, int) to dict
        The twelve calls by learner and chapter, as `utils.exercises.calls.stored_calls` reads them.

    Raises
    ------
    OSError
        If `folder` itself can't be read. Nothing below it raises.
    """
    last: dict[tuple[str, str], Stored] = {}
    source: dict[tuple[str, str], str] = {}
    silent: dict[str, str] = {}
    rounds: Rounds = {}
    doubts = []
    for entry in sorted(filter(_may_hold_answers, folder.iterdir())):
        paths = _notebooks(entry, {folder.resolve(), *folder.resolve().parents})
        is_folder = os.path.isdir(entry)
        if not paths and not is_folder:
            continue
        learner = _plain(entry.name if is_folder else _name_without_chapter(entry.stem))
        reasons = [silent.get(learner, _NO_NOTEBOOK)]
        for path in paths:
            inside = _plain(str(path.relative_to(folder)))
            try:
                lines, reason = _printed_lines(path)
            except Exception as error:  # whatever one file holds, the others are read
                lines, reason = [], _UNREADABLE
                name = _plain(str(path.relative_to(folder if path == entry else entry)))
                doubts.append(f"{learner}: {name} {_complaint(error)}.")
            reasons.append(reason)
            for chapter, given in stored_calls(lines).items():
                rounds.setdefault((learner, chapter), {}).update(given)
            others = set()
            for id, symbol, message in (match.groups() for match in map(_LINE.match, lines) if match):
                others.add(source.get((learner, id), inside))
                source[learner, id] = inside
                last[learner, id] = Stored(learner, id, _STATE[symbol], _plain(message))
            for other in sorted(others - {inside}):
                doubts.append(f"{other} and {inside} both answer as {learner}: the second one counts.")
        silent[learner] = max(reasons, key=_REASONS.index)
    for learner, _ in last:
        silent.pop(learner, None)
    return list(last.values()), silent, doubts, rounds


def _may_hold_answers(path: Path) -> bool:
    # A course handed in whole brings its solutions, a Mac's archive its shadows: no answers of the learner's.
    return not path.name.startswith(".") and path.name not in {"solutions", "__MACOSX"}


def _notebooks(entry: Path, seen: set[Path]) -> list[Path]:
    """Return the notebooks of one learner, a copy after its original, and what can't be looked into.

    Links are followed, but into no folder that was `seen`: two that link to each other would never end.
    """
    found, waiting = [], [entry]
    while waiting:
        path = waiting.pop()
        if not os.path.isdir(path):
            # Reading a link that leads nowhere says so; a pipe, which is no file, would be waited for.
            if not os.path.exists(path) or (os.path.isfile(path) and path.suffix.lower() == ".ipynb"):
                found.append(path)
        elif (real := path.resolve()) not in seen:
            seen.add(real)
            try:
                waiting += filter(_may_hold_answers, path.iterdir())
            except OSError:
                found.append(path)  # reading it will say why
    return sorted(found, key=lambda path: path.with_suffix(""))


def _complaint(error: Exception) -> str:
    if str(error) == _OLDER_FORMAT:
        return _OLDER_FORMAT
    why = _WRONG.get(type(error)) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"can't be read as a notebook: {_plain(why)}; ask for it again"


def _plain(text: str) -> str:
    """Return a text that stays in its line: what can't be printed is escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _name_without_chapter(stem: str) -> str:
    """Return the learner's part of ``03_ks_test_ada`` or ``ada_03_ks_test``."""
    for chapter in sorted(path.stem for path in SOLUTIONS.glob("*.ipynb")):
        parts = [part.strip("_- ") for part in stem.split(chapter)]
        if len(parts) > 1:
            return "_".join(filter(None, parts)) or "(no name)"
    return stem


def _printed_lines(path: Path) -> tuple[list[str], str]:
    """Return what the cells of a notebook have printed, and the reason should there be no verdict in it."""
    # From bytes, json finds the encoding itself, with a mark or without; as a float, no number is too long.
    notebook = json.loads(path.read_bytes(), parse_int=float)
    notebook = notebook if isinstance(notebook, dict) else {}
    if not isinstance(notebook.get("cells"), list):
        raise ValueError(_OLDER_FORMAT if "worksheets" in notebook else "it has no list of cells")
    cells = _dicts(notebook["cells"])
    outputs = [output for cell in cells for output in _dicts(cell.get("outputs"))]
    lines = [line for output in outputs for line in _text(output.get("text")).splitlines()]
    if not any(_EXERCISE.search(_text(cell.get("source"))) for cell in cells):
        return lines, _NO_EXERCISE
    return lines, _NO_VERDICT if outputs else _NO_OUTPUTS


def _dicts(items: object) -> list[dict]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(text: object) -> str:
    return "".join(part for part in text if isinstance(part, str)) if isinstance(text, str | list) else ""


def overview(verdicts: Sequence[Stored], silent: Mapping[str, str]) -> str:
    """Return the table of learners, with why the `silent` ones have no verdict, and that of exercises."""
    if not verdicts and not silent:
        return "No verdict is stored in this folder: it holds no notebook."
    symbols = {(said.learner, said.id): SYMBOLS[said.state] for said in verdicts}
    ids = sorted({said.id for said in verdicts}, key=lambda id: tuple(map(int, id.split("."))))
    last: dict[str, int] = {}  # exercise of each chapter, one column each
    for chapter, n in (id.split(".") for id in ids):
        last[chapter] = int(n)
    learners = sorted({learner for learner, _ in symbols} | set(silent))
    width = max(map(len, ["learner", *learners]))
    heads = [f"{chapter:>02}".ljust(n) for chapter, n in last.items()]
    lines = [f"{'learner':{width}}  right  {' '.join(heads)}".rstrip()]
    for learner in learners:
        if learner in silent:
            lines.append(f"{learner:{width}}  {'-':>5}  {silent[learner]}")
            continue
        cells = [
            "".join(symbols.get((learner, f"{chapter}.{i}"), "·") for i in range(1, n + 1)).ljust(2)
            for chapter, n in last.items()
        ]
        right = "".join(cells).count(SYMBOLS["right"])
        lines.append(f"{learner:{width}}  {right:>5}  {' '.join(cells)}".rstrip())
    if not verdicts:
        return "\n".join(lines)
    lines += [
        "",
        f"{SYMBOLS['right']} right, {SYMBOLS['not yet']} not yet, {SYMBOLS['unanswered']} not answered, "
        "· not run, or not saved",
        "",
        "exercise  right  not yet  not answered  most common diagnosis",
    ]
    for id in ids:
        here = [said for said in verdicts if said.id == id]
        count = Counter(said.state for said in here)
        diagnoses = Counter(said.message for said in here if said.state == "not yet")
        most = "".join(f"{times} x {message}" for message, times in diagnoses.most_common(1))
        row = f"{id:>8}  {count['right']:>5}  {count['not yet']:>7}  {count['unanswered']:>12}"
        lines += textwrap.wrap(f"{row}  {most}", 100, subsequent_indent=" " * 44) or [row]
    return "\n".join(lines)


def calls_table(rounds: Rounds, learners: Iterable[str]) -> str:
    """Return how many had each kind of night right in each round, and each learner's count; empty without calls."""
    found = {key: judged(key[1], given) for key, given in rounds.items()}
    chapters = sorted({chapter for _, chapter in found})
    rows = {"twelve calls": ["before" if chapter == 0 else f"after {chapter:02d}" for chapter in chapters]}
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
        rows[f"  {kind}"] = [f"{sum(flags)} of {len(flags)}" for flags in for_each]
    for learner in sorted({learner for learner, _ in found} | set(learners)):
        own = [found.get((learner, chapter)) for chapter in chapters]
        rows[learner] = ["-" if kinds is None else score(kinds) for kinds in own]
    width = max(map(len, rows))
    lines = [f"{name:{width}}" + "".join(f"{cell:>13}" for cell in row) for name, row in rows.items()]
    return "\n\n" + "\n".join(lines) if found else ""


def main(arguments: list[str] | None = None) -> int:
    """Print the overview of a folder; return 2 when there is no verdict, 1 when somebody is to be asked."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.overview", description="Who is where, from the verdicts stored in notebooks."
    )
    parser.add_argument("folder", type=Path, help="notebooks, one folder or one file a learner")
    folder = parser.parse_args(arguments).folder
    try:
        verdicts, silent, doubts, rounds = stored_verdicts(folder)
    except OSError:
        print(
            f"{_plain(str(folder))} is not a folder that can be read: name the one that holds the notebooks.",
            file=sys.stderr,
        )
        return 2
    learners = {said.learner for said in verdicts} | set(silent)
    print(overview(verdicts, silent) + calls_table(rounds, learners), flush=True)
    for sentence in doubts:
        print(sentence, file=sys.stderr)
    return 2 if not verdicts else int(bool(doubts or silent))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # else a table sent to a file on Windows has no ✓
    sys.exit(main())
