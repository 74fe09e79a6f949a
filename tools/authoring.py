"""From solutions/ to notebooks/: execute, store outputs, derive the learner's copy, and check both.

``python -m tools.authoring`` does it for every chapter, ``python -m tools.authoring 03`` for one. The
solution notebook is the only source; a learner's copy is never edited by hand.

The markers are those of otter-grader. In a solution notebook,

- ``x = 3  # SOLUTION`` becomes ``x = ...``, on however many lines the assignment stands,
- ``call(1, "page", sure=3)  # SOLUTION`` becomes ``call(1, ..., sure=...)``,
- the lines from ``# BEGIN SOLUTION`` to ``# END SOLUTION`` become one ``...`` of the same indentation,
- cells tagged ``answer`` or ``solution-only`` are left out.

otter-grader blanks any line that ends in ``# SOLUTION``; here one that is no assignment is refused, since a
learner's copy must run before anything is answered.

A cell tagged ``nbval-ignore-output`` prints what differs from run to run, such as timings; its stored output
is kept as long as no code in the notebook changes. The figure of the cell tagged ``readme-picture`` is also
written as a file, for the README.
"""

from __future__ import annotations

import argparse
import ast
import base64
import copy
import hashlib
import html
import json
import math
import re
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert.preprocessors import (
    ClearOutputPreprocessor,
    CoalesceStreamsPreprocessor,
    TagRemovePreprocessor,
)
from nbformat import NotebookNode

import tools

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS, NOTEBOOKS = ROOT / "solutions", ROOT / "notebooks"
README_PICTURE = NOTEBOOKS / "drift.png"
SECONDS_PER_CELL = 120
LONGEST_CELL, MEDIAN_CELL = 15, 6  # in lines that are not blank
PRESUMES = re.compile(r"(Why|How can|How could|How come)\b")
_WIDGET = "application/vnd.jupyter.widget-view+json"

_MARKED_LINE = re.compile(r"#\s*SOLUTION\s*$")
_MARKED_CALL = re.compile(r"^call\((\d+), [^#\n]+, sure=\d\)[ \t]*#[ \t]*SOLUTION[ \t]*$", flags=re.M)
_MARKED_BLOCK = re.compile(
    r"^([ \t]*)#[ \t]*BEGIN SOLUTION[ \t]*\n(?:(?![ \t]*#[ \t]*BEGIN SOLUTION).*\n)*?[ \t]*#[ \t]*END SOLUTION[ \t]*$",
    flags=re.M,
)
_HOW_TO_MARK = (
    "write `name = answer  # SOLUTION` with one assignment on the line, or put the answer's lines between "
    "lines `# BEGIN SOLUTION` and `# END SOLUTION`"
)


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


# Executing --------------------------------------------------------------------------------------------------


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return a copy of the notebook with the outputs of a fresh run, free of what differs between machines.

    Parameters
    ----------
    notebook : NotebookNode
        A solution notebook; it isn't changed.
    folder : Path
        The working directory of the run.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises and isn't tagged ``raises-exception``.
    RuntimeError
        If a cell runs to its end and what it shows cannot be displayed.
    """
    fresh = copy.deepcopy(notebook)
    NotebookClient(
        fresh, timeout=SECONDS_PER_CELL, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    same_code = notebook.metadata.get("executed") == code_hash(notebook)
    for old, new in zip(notebook.cells, fresh.cells, strict=True):
        new.metadata.pop("execution", None)
        if new.cell_type != "code":
            continue
        # Said before the stored output of an earlier run is put in its place.
        for output in new.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(new):
                raise RuntimeError(
                    f"what the cell that begins {new.source[:60]!r} shows cannot be displayed: "
                    f"{output.ename}: {output.evalue}"
                )
        if same_code and "nbval-ignore-output" in tags(new) and old.outputs:
            new.outputs = old.outputs
        # A slider is dead without its kernel; the picture beside it stays.
        alive = [output for output in new.outputs if _WIDGET not in output.get("data", {})]
        new.outputs = [_portable(output) for output in alive]
    CoalesceStreamsPreprocessor().preprocess(fresh, {})  # where a kernel cuts a stream is chance
    fresh.metadata = _plain_metadata()
    fresh.metadata["executed"] = code_hash(fresh)
    return fresh


def code_hash(notebook: NotebookNode) -> str:
    """Return a fingerprint of the notebook's code, to tell whether its outputs belong to it."""
    code = "\x00".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode("utf-8")).hexdigest()[:16]


def _portable(output: NotebookNode) -> NotebookNode:
    """Replace the kernel's PID in the path of a cell, as warnings and tracebacks show it."""
    pattern, shown = re.compile(r"\S*ipykernel_\d+/\d+\.py"), "<cell>"
    if output.output_type == "stream":
        output.text = pattern.sub(shown, output.text)
    elif output.output_type == "error":
        output.traceback = [pattern.sub(shown, line) for line in output.traceback]
    return output


def _plain_metadata() -> NotebookNode:
    """Return metadata that is the same on every machine."""
    return nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )


# Deriving ---------------------------------------------------------------------------------------------------


def derive(solution: NotebookNode) -> NotebookNode:
    """Return the learner's copy of a solution notebook: answers blanked to ``...``, no outputs.

    Raises
    ------
    ValueError
        If a marker cannot be blanked.
    """
    learner = copy.deepcopy(solution)
    TagRemovePreprocessor(remove_cell_tags={"answer", "solution-only"}).preprocess(learner, {})
    ClearOutputPreprocessor().preprocess(learner, {})
    learner.metadata = _plain_metadata()
    for cell in _code(learner):
        cell.source = blank(cell.source)
    learner.cells[1:1] = _for_colab()
    return learner


def _for_colab() -> list[NotebookNode]:
    """Return the cell that makes a chapter run in Google Colab, folded up; none before the course has an address."""
    project = tools.project()
    if not (address := project.get("urls", {}).get("Repository")):
        return []
    of_jupyter = ("jupyterlab", "ipywidgets", "nbval")  # Colab has an interface of its own
    needed = " ".join(
        f'"{package}"' for package in project["dependencies"] if not package.startswith(of_jupyter)
    )
    source = f"""# In Google Colab, run this first: it fetches the course and what it needs. Elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    !test -d /content/course || git clone --quiet {address} /content/course
    %pip install --quiet {needed}
    %pip install --quiet --no-deps --editable /content/course
    sys.path.insert(0, "/content/course")
    %cd -q /content/course/notebooks"""
    folded = {"jupyter": {"source_hidden": True}}
    return [nbformat.v4.new_code_cell(source, id="colab", metadata=folded)]


def blank(source: str) -> str:
    """Return a cell's source with its solution replaced by ``...``.

    Raises
    ------
    ValueError
        If a ``# SOLUTION`` stands at anything but one assignment, and if a marker is left over, such as a
        ``# BEGIN SOLUTION`` without its end.

    Examples
    --------
    >>> print(blank("size = 512  # SOLUTION"))
    size = ...
    """
    cell = f"the cell that begins {source[:60]!r}"
    try:
        without_calls = _MARKED_CALL.sub(r"call(\1, ..., sure=...)", source)
        blanked = _blank_assignments(_MARKED_BLOCK.sub(r"\1...", without_calls))
    except SyntaxError as error:
        raise ValueError(f"a # SOLUTION cannot be blanked in {cell}: {_HOW_TO_MARK}") from error
    left_over = re.search(r"^.*#.*\bSOLUTION\b.*$", blanked, flags=re.M)
    if left_over:
        raise ValueError(
            f"{left_over[0].strip()!r} in {cell} is no marker that can be blanked: {_HOW_TO_MARK}"
        )
    return blanked


def _blank_assignments(source: str) -> str:
    """Write ``name = ...`` for each assignment with a ``# SOLUTION`` in it; raise SyntaxError if in doubt."""
    lines = source.split("\n")
    marked = [number for number, line in enumerate(lines, start=1) if _MARKED_LINE.search(line)]
    if not marked:
        return source
    tree = parse(source)
    assignments = [
        node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
    ]
    answers = set()
    for number in marked:
        here = [node for node in assignments if node.lineno <= number <= node.end_lineno]
        if len(here) != 1:
            raise SyntaxError(f"{len(here)} assignments on line {number}")
        answers.add(here[0])
    for answer in sorted(answers, key=lambda node: node.lineno, reverse=True):
        last = answer.targets[-1] if isinstance(answer, ast.Assign) else answer.annotation
        # The parser counts in bytes.
        name = lines[last.end_lineno - 1].encode("utf-8")[: last.end_col_offset].decode("utf-8")
        lines[last.end_lineno - 1 : answer.end_lineno] = [f"{name} = ..."]
        answer.value = ast.Constant(...)
    blanked = "\n".join(lines)
    if ast.dump(parse(blanked)) != ast.dump(tree):
        raise SyntaxError("the lines of an answer hold something else as well")
    return blanked


def parse(source: str) -> ast.Module:
    """Parse a cell, its IPython magics and shell commands as ``pass``; raises SyntaxError."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))


def write(notebook: NotebookNode, path: Path) -> bool:
    """Write a notebook and return whether that changed the file."""
    text = nbformat.writes(notebook, version=4) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def read(path: Path) -> NotebookNode:
    """Read a notebook in format 4."""
    return nbformat.read(path, as_version=4)


def readme_picture(notebook: NotebookNode) -> bytes | None:
    """Return the PNG that the cell tagged ``readme-picture`` shows, or None where no cell has the tag."""
    for cell in _code(notebook):
        if "readme-picture" in tags(cell):
            pictures = [output.get("data", {}).get("image/png") for output in cell.outputs]
            return base64.b64decode(next(filter(None, pictures)))
    return None


# Minutes ----------------------------------------------------------------------------------------------------

WORDS_A_MINUTE, CODE_LINES_A_MINUTE = 200, 6
MINUTES_AN_EXERCISE = 5
CHALLENGE, MINUTES_OF_THE_CHALLENGE = "4.6", 15
MINUTES_A_CALL = 1  # one of the twelve calls: a picture and two facts to weigh


def announced_minutes(notebook: NotebookNode) -> int:
    """Return the minutes that a chapter's first cell announces."""
    return int(re.search(r"\*\*Time:\*\* (?:about )?(\d+) minutes", notebook.cells[0].source)[1])


def minutes(learner: NotebookNode) -> float:
    """Return how long a learner's copy takes: words to read, lines to run and read, exercises, calls.

    A section with *(optional)* in its heading doesn't count, up to the next heading of its level, and neither
    does a cell that is folded up.
    """
    words = lines = calls = optional = 0
    exercises = set()
    for cell in learner.cells:
        heading = re.match(r"(##+) (.*)", cell.source) if cell.cell_type == "markdown" else None
        if heading and (not optional or len(heading[1]) <= optional):
            optional = len(heading[1]) if "(optional)" in heading[2] else 0
        if optional or cell.metadata.get("jupyter", {}).get("source_hidden"):
            continue
        if cell.cell_type == "markdown":
            words += len(cell.source.split())
            continue
        asked = re.findall(r"^check\(\s*[\"'](\d+\.\d+)", cell.source, flags=re.M)
        called = re.findall(r"^call\(\d", cell.source, flags=re.M)
        exercises.update(asked)
        calls += len(called)
        lines += _code_lines(cell.source) - len(called)
    exercise_minutes = sum(
        MINUTES_OF_THE_CHALLENGE if exercise == CHALLENGE else MINUTES_AN_EXERCISE for exercise in exercises
    )
    return words / WORDS_A_MINUTE + lines / CODE_LINES_A_MINUTE + exercise_minutes + calls * MINUTES_A_CALL


# Checking ---------------------------------------------------------------------------------------------------


def problems(solution: NotebookNode) -> list[str]:
    """Return what is wrong with an executed solution notebook, one sentence each; empty when nothing is."""
    checks = (
        _id_problems,
        _heading_problems,
        _output_problems,
        _figure_problems,
        _name_problems,
        _path_problems,
        _number_problems,
        _prose_problems,
        _length_problems,
    )
    return [problem for check in checks for problem in check(solution)]


def _id_problems(notebook: NotebookNode) -> list[str]:
    ids = [cell.get("id") for cell in notebook.cells]
    return [f"cell id {id} is used more than once" for id in sorted({id for id in ids if ids.count(id) > 1})]


def _heading_problems(notebook: NotebookNode) -> list[str]:
    found, levels = [], []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```", "", cell.source, flags=re.S)
            for mark, title in re.findall(r"^(#{1,6}) (.+)$", prose, flags=re.M):
                if levels and len(mark) > levels[-1] + 1:
                    found.append(f"the heading {title!r} skips a level")
                levels.append(len(mark))
    if levels.count(1) != 1:
        found.append(f"{levels.count(1)} level-1 headings; one is expected")
    elif levels[0] != 1:
        found.append("the first heading is not the level-1 heading")
    return found


def _output_problems(notebook: NotebookNode) -> list[str]:
    found = []
    if notebook.metadata.get("executed") != code_hash(notebook):
        found.append("the stored outputs belong to other code; run make notebooks")
    for number, cell in enumerate(_code(notebook), start=1):
        if cell.execution_count != number:
            found.append(f"the code cell {number} was not run in order; run make notebooks")
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                found.append(f"the code cell {number} stores an error")
        text = _output_text(cell)
        for unwanted in ("np.float64(", "<Axes", "<seaborn", "<matplotlib", " object at 0x"):
            if unwanted in text:
                found.append(f"the code cell {number} shows {unwanted!r} in its output")
    return found


def _figure_problems(notebook: NotebookNode) -> list[str]:
    found = []
    for number, cell in enumerate(_code(notebook), start=1):
        for output in cell.outputs:
            data = output.get("data", {})
            images = re.findall(r"<img[^>]*>", "".join(data.get("text/html", "")))
            bare = not images and ("image/png" in data or "image/svg+xml" in data)
            lost = any(data.get("image/png", "nothing") not in image for image in images)
            for lacking, missing in (("alternative text", bare), ("image/png of its own for a PDF", lost)):
                if missing:
                    found.append(
                        f"a figure of code cell {number} has no {lacking}; call plots.use_course_style()"
                    )
            for image in images:
                alt = re.search(r'alt="([^"]*)"', image)
                if alt is None or len(html.unescape(alt[1]).strip()) < 20:
                    found.append(f"a figure of code cell {number} has an alternative text that says nothing")
    return found


def _name_problems(notebook: NotebookNode) -> list[str]:
    """Find given cells that use a name which only an answer defines: Run All on an unanswered copy breaks.

    ruff looks for undefined names in the notebook without its answers.
    """
    given = copy.deepcopy(notebook)
    for cell in _code(given):
        cell.source = "" if "solution-only" in tags(cell) else _without_answers(cell.source)
    cells = _code(notebook)
    found = sorted(_undefined_names(given) - _undefined_names(notebook))
    return [
        f"a given cell uses {name!r}, which only the learner defines: {cells[number].source[:50]!r}"
        for number, name in found
        # A cell that asks for an answer may use it.
        if _without_answers(cells[number].source) == cells[number].source
        and not re.search(r"^\s*(check|hint|reveal)\(", cells[number].source, flags=re.M)
    ]


def _undefined_names(notebook: NotebookNode) -> set[tuple[int, str]]:
    """Return the number of the code cell and the name, for each name that is used and not defined before."""
    looked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "--output-format=json"]
        + ["--stdin-filename=notebook.ipynb", "-"],
        input=nbformat.writes(nbformat.v4.new_notebook(cells=_code(notebook))),
        capture_output=True,
        encoding="utf-8",
    )
    if looked.returncode not in (0, 1):
        raise RuntimeError(f"ruff could not read the notebook: {looked.stderr.strip()}")
    return {
        (undefined["cell"] - 1, re.search(r"`(.+)`", undefined["message"])[1])
        for undefined in json.loads(looked.stdout)
    }


def _without_answers(source: str) -> str:
    """Return a cell's source without the statements that stand otherwise in the learner's copy."""
    blanked = blank(source)
    if blanked == source:
        return source
    in_solution = {ast.dump(statement) for statement in parse(source).body}
    kept = [statement for statement in parse(blanked).body if ast.dump(statement) in in_solution]
    return "\n".join(map(ast.unparse, kept))


def _path_problems(notebook: NotebookNode) -> list[str]:
    pattern = re.compile(r"(?<![\w.:/<])/(?:home|root|tmp|work|Users|usr|var|opt|private)/|\b[A-Z]:\\\w")
    return [
        f"an absolute path in the cell that begins {cell.source[:50]!r}"
        for cell in notebook.cells
        if pattern.search(cell.source) or (cell.cell_type == "code" and pattern.search(_output_text(cell)))
    ]


def _number_problems(notebook: NotebookNode) -> list[str]:
    """Find numbers in prose that no cell writes or prints, rounded as the prose rounds them."""
    written, printed = set(), set()
    for cell in _code(notebook):
        written |= {value for value, _, _ in _numbers(cell.source)}
        printed |= {value for value, _, _ in _numbers(_output_text(cell))}
    found = []
    for cell in notebook.cells:
        prose = _quoting_prose(cell.source) if cell.cell_type == "markdown" else ""
        for value, decimals, percent in _numbers(prose):
            scales = (1, 100) if percent else (1,)
            exact = any(math.isclose(scale * number, value) for number in written for scale in scales)
            rounded = any(
                math.isclose(round(scale * number, decimals), value, abs_tol=1e-9)
                for number in printed
                for scale in scales
            )
            if not (exact or rounded):
                found.append(
                    f"the number {value:g} in the prose {cell.source[:50]!r} is written or printed by no cell"
                )
    return found


def _quoting_prose(markdown: str) -> str:
    """Return a cell's prose without the numbers that quote nothing: code, links, references, times."""
    if re.match(r"#+ (Further reading|References)", markdown):
        return ""
    for quotes_nothing in (
        r"^#+ \d\d\. ",
        r"```.*?```",
        r"`[^`]*`",
        r"\]\([^)]*\)",
        r"https?://\S+",
        r"\b\d{1,2}:\d{2}\b",
        r"\bExercise \d+\.\d+",
        r"\b[Cc]hapters? \d\d(?:(?:,| to| and|, and) \d\d)*",
        r"\b\d+ minutes\b",
        r"^\s*\d+\. ",
        r"\((?:[^()]*\D)?(?:1[89]|20)\d\d[a-z]?\)",
        r"\w+-\d+\b|\b[A-Za-z_]+\d+\b",
    ):
        markdown = re.sub(quotes_nothing, " ", markdown, flags=re.S | re.M)
    return markdown


def _numbers(text: str) -> list[tuple[float, int, bool]]:
    """Return the numbers in a text: value, decimals shown, whether a percent sign follows."""
    found = []
    pattern = r"(?<![\w.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d[\d_]*(?:\.\d+)?|\.\d+)(e[-+]?\d+)?(?![\d_])(\s?%)?"
    for digits, exponent, percent in re.findall(pattern, text):
        plain = digits.replace(",", "").replace("_", "")
        decimals = len(plain.partition(".")[2])
        if exponent:
            decimals -= int(exponent[1:])
        found.append((float(plain + exponent), decimals, bool(percent)))
    return found


def _prose_problems(notebook: NotebookNode) -> list[str]:
    in_a_row, found = 0, []
    for cell in notebook.cells:
        in_a_row = in_a_row + 1 if cell.cell_type == "code" else 0
        if in_a_row == 3:
            found.append(f"three code cells in a row with no prose between, up to {cell.source[:50]!r}")
    return found


def predictions(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return each *Predict* with the heading that it stands under, for a reader who asks whether that answers it."""
    found, heading = [], ""
    for cell in notebook.cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if match := re.match(r"#+ (.*)", line):
                heading = match[1]
            elif match := re.match(r"> \*\*Predict\.\*\* (.*)", line):
                found.append((heading, match[1]))
    return found


def _length_problems(notebook: NotebookNode) -> list[str]:
    shown = [cell for cell in _code(notebook) if not cell.metadata.get("jupyter", {}).get("source_hidden")]
    lengths = [_code_lines(cell.source) for cell in shown]
    found = [
        f"a cell of {length} lines, {LONGEST_CELL} at most: {cell.source[:50]!r}"
        for cell, length in zip(shown, lengths, strict=True)
        if length > LONGEST_CELL
    ]
    if lengths and statistics.median(lengths) > MEDIAN_CELL:
        found.append(f"the median cell has {statistics.median(lengths):g} lines, {MEDIAN_CELL} at most")
    return found


def _code_lines(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _output_text(cell: NotebookNode) -> str:
    parts = []
    for output in cell.outputs:
        parts.append(output.get("text", ""))
        data = output.get("data", {})
        parts.append("".join(data.get("text/plain", "")))
        markup = re.sub(r'src="data:[^"]*"', "", "".join(data.get("text/html", "")))
        parts.append(re.sub(r"<style.*?</style>", "", markup, flags=re.S))
    return "\n".join(parts)


# The command ------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Execute and derive the chapters asked for; return 1 when a check finds a problem."""
    parser = argparse.ArgumentParser(prog="python -m tools.authoring", description="solutions/ to notebooks/")
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapter numbers; all by default")
    parser.add_argument(
        "--keep-outputs",
        action="store_true",
        help="derive and check only; the stored outputs stay as they are",
    )
    options = parser.parse_args(arguments)
    paths = sorted(SOLUTIONS.glob("*.ipynb"))
    for number in options.chapters:
        if not number.isdecimal():
            print(f"{number!r} is no chapter number: write 03, say.", file=sys.stderr)
            return 2
    if options.chapters:
        wanted = {f"{int(number):02d}" for number in options.chapters}
        paths = [path for path in paths if path.name[:2] in wanted]
    if not paths:
        asked = " ".join(options.chapters) or "any chapter"
        print(f"no solution notebook for {asked} in solutions/", file=sys.stderr)
        return 2
    found = 0
    for path in paths:
        solution = read(path)
        try:
            derive(solution)  # what cannot be blanked is said now, before the minutes of a run
        except ValueError as error:
            found += 1
            print(f"{path.stem}: {error}", file=sys.stderr)
            continue
        if not options.keep_outputs:
            solution = execute(solution, SOLUTIONS)
        changed = [
            folder.name
            for folder, notebook in ((SOLUTIONS, solution), (NOTEBOOKS, derive(solution)))
            if write(notebook, folder / path.name)
        ]
        picture = readme_picture(solution)
        if picture is not None:
            README_PICTURE.write_bytes(picture)
        print(
            f"{path.stem}: {'changed ' + ' and '.join(changed) if changed else 'unchanged'}, "
            f"{minutes(derive(solution)):.0f} minutes"
        )
        for problem in problems(solution):
            found += 1
            print(f"  {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
