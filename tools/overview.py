"""Who is where: read the verdicts stored in notebooks, without executing anything.

``python -m tools.overview FOLDER`` reads every notebook below the folder, one folder or file a learner, and
prints each learner's verdicts, then each exercise's count and its most common diagnosis.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.exercises.engine import SOLUTIONS, SYMBOLS, State

_STATE: dict[str, State] = {symbol: state for state, symbol in SYMBOLS.items()}
_LINE = re.compile(rf"^(\d+\.\d+)  ([{''.join(SYMBOLS.values())}]) (?:not answered yet|not yet|right): (.*)$")


@dataclass(frozen=True)
class Stored:
    """One verdict as a saved notebook shows it."""

    learner: str
    id: str
    state: State
    message: str


def stored_verdicts(folder: Path) -> tuple[list[Stored], list[str]]:
    """Return the verdicts stored in the notebooks below a folder, and a sentence for each doubtful file.

    Parameters
    ----------
    folder : Path
        A notebook's learner is the folder that it lies in below `folder`; where it lies in `folder` itself,
        its file name without the chapter.

    Returns
    -------
    verdicts : list of Stored
        At most one an exercise and learner: the last one in the notebook.
    doubts : list of str
        Which files cannot be read, and which answer an exercise that another file of the same name in the
        table answers too, as a copy does or a group that shares one folder.
    """
    last: dict[tuple[str, str], Stored] = {}
    source: dict[tuple[str, str], Path] = {}
    doubts = []
    for path in sorted(folder.rglob("*.ipynb")):
        inside = path.relative_to(folder)
        # A course handed in whole brings its solutions: they are not the learner's answers.
        if {".ipynb_checkpoints", "solutions"} & set(inside.parts):
            continue
        learner = inside.parts[0] if len(inside.parts) > 1 else _name_without_chapter(path.stem)
        try:
            lines = list(_printed_lines(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            doubts.append(f"{inside} cannot be read as a notebook ({type(error).__name__}).")
            continue
        others = set()
        for id, symbol, message in (match.groups() for match in map(_LINE.match, lines) if match):
            others.add(source.get((learner, id), inside))
            source[learner, id] = inside
            last[learner, id] = Stored(learner, id, _STATE[symbol], message)
        for other in sorted(others - {inside}):
            doubts.append(f"{other} and {inside} both answer as {learner}: the second one counts.")
    return list(last.values()), doubts


def _name_without_chapter(stem: str) -> str:
    """Return the learner's part of ``03_ks_test_ada`` or ``ada_03_ks_test``."""
    for chapter in sorted(path.stem for path in SOLUTIONS.glob("*.ipynb")):
        parts = [part.strip("_- ") for part in stem.split(chapter)]
        if len(parts) > 1:
            return "_".join(filter(None, parts)) or "(no name)"
    return stem


def _printed_lines(path: Path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            yield from "".join(output.get("text", "")).splitlines()


def overview(verdicts: Sequence[Stored]) -> str:
    """Return the table of learners and the table of exercises as plain text."""
    if not verdicts:
        return "No verdict is stored in these notebooks: have they been run and saved?"
    ids = sorted({said.id for said in verdicts}, key=lambda id: tuple(map(int, id.split("."))))
    learners = sorted({said.learner for said in verdicts})
    symbols = {(said.learner, said.id): SYMBOLS[said.state] for said in verdicts}
    width = max(len("learner"), *(len(learner) for learner in learners))

    lines = [f"{'learner':{width}}  right  " + " ".join(f"{id:>4}" for id in ids)]
    for learner in learners:
        row = [symbols.get((learner, id), " ") for id in ids]
        right = row.count(SYMBOLS["right"])
        lines.append(f"{learner:{width}}  {right:>5}  " + " ".join(f"{symbol:>4}" for symbol in row))
    lines += [
        "",
        f"{SYMBOLS['right']} right, {SYMBOLS['not yet']} not yet, {SYMBOLS['unanswered']} not answered, "
        "blank: not run",
        "",
        "exercise  right  not yet  not answered  most common diagnosis",
    ]
    for id in ids:
        here = [said for said in verdicts if said.id == id]
        count = Counter(said.state for said in here)
        diagnoses = Counter(said.message for said in here if said.state == "not yet")
        most = ""
        if diagnoses:
            message, times = diagnoses.most_common(1)[0]
            most = f"{times} x {message}"
        lines.append(
            f"{id:>8}  {count['right']:>5}  {count['not yet']:>7}  {count['unanswered']:>12}  {most}".rstrip()
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the overview of a folder; return 2 when nothing could be read, 1 when some files are doubtful."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.overview", description="Who is where, from the verdicts stored in notebooks."
    )
    parser.add_argument("folder", type=Path, help="notebooks, one folder or one file a learner")
    folder = parser.parse_args(arguments).folder
    if not folder.is_dir():
        print(f"{folder} is not a folder: name the one that holds the notebooks.", file=sys.stderr)
        return 2
    verdicts, doubts = stored_verdicts(folder)
    print(overview(verdicts))
    for sentence in doubts:
        print(sentence, file=sys.stderr)
    return 2 if not verdicts else int(bool(doubts))


if __name__ == "__main__":
    sys.exit(main())
