"""From solutions/ to notebooks/: execute, store outputs, derive the learner's copy, and check both.

``python -m utils.authoring`` does it for every chapter, ``python -m utils.authoring 03`` for one. The
solution notebook is the only source; a learner's copy is never edited by hand.

In a solution notebook,

- ``x = 3  # SOLUTION`` becomes ``x = ...``, on however many lines the assignment stands,
- the lines from ``# BEGIN SOLUTION`` to ``# END SOLUTION`` become one ``...`` of the same indentation,
- Markdown cells tagged ``answer`` and cells tagged ``solution-only`` are left out.

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
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS, NOTEBOOKS = ROOT / "solutions", ROOT / "notebooks"
README_PICTURE = NOTEBOOKS / "drift.png"
SECONDS_PER_CELL = 120
_WIDGET = "application/vnd.jupyter.widget-view+json"

_SOLUTION_LINE = re.compile(r"#\s*SOLUTION\s*$")
_BEGIN, _END = re.compile(r"^(\s*)#\s*BEGIN SOLUTION\s*$"), re.compile(r"^\s*#\s*END SOLUTION\s*$")


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
        new.outputs = _merge_streams([_portable(output) for output in alive])
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


def _merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream: where a kernel cuts them is chance."""
    merged: list[NotebookNode] = []
    for output in outputs:
        if (
            merged
            and output.output_type == "stream" == merged[-1].output_type
            and output.name == merged[-1].name
        ):
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


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
    learner.metadata = _plain_metadata()
    learner.cells = [
        cell
        for cell in learner.cells
        if "solution-only" not in tags(cell) and not (cell.cell_type == "markdown" and "answer" in tags(cell))
    ]
    for cell in learner.cells:
        if cell.cell_type == "code":
            cell.source = blank(cell.source)
            cell.outputs, cell.execution_count = [], None
    return learner


def blank(source: str) -> str:
    """Return a cell's source with its solution replaced by ``...``.

    Raises
    ------
    ValueError
        If a ``# BEGIN SOLUTION`` has no end or an ``# END SOLUTION`` no beginning, if a ``# SOLUTION``
        stands at anything but one assignment, and if a marker is left over.

    Examples
    --------
    >>> print(blank("size = 512  # SOLUTION"))
    size = ...
    """
    cell = f"the cell that begins {source[:60]!r}"
    lines, inside = [], False
    for line in source.split("\n"):
        begin, end = _BEGIN.match(line), _END.match(line)
        if begin and inside or end and not inside:
            raise ValueError(f"the solution markers do not pair up in {cell}")
        if begin:
            lines.append(f"{begin[1]}...")
            inside = True
        elif end:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"a # BEGIN SOLUTION has no end in {cell}")
    blanked = _blank_assignments(lines, cell)
    for line in blanked.split("\n"):
        if re.search(r"#.*\bSOLUTION\b", line):
            raise ValueError(f"{line.strip()!r} in {cell} is no marker that can be blanked: {_HOW_TO_MARK}")
    return blanked


_HOW_TO_MARK = (
    "write `name = answer  # SOLUTION` with one assignment on the line, or put the answer's lines between "
    "lines `# BEGIN SOLUTION` and `# END SOLUTION`"
)


def _blank_assignments(lines: list[str], cell: str) -> str:
    """Return the lines joined, each assignment with a ``# SOLUTION`` in it replaced by ``name = ...``."""
    source = "\n".join(lines)
    marked = [number for number, line in enumerate(lines, start=1) if _SOLUTION_LINE.search(line)]
    if not marked:
        return source
    try:
        tree = _parse(source)
        assignments = {_assignment_at(tree, number) for number in marked}
        for assignment in sorted(assignments, key=lambda node: node.lineno, reverse=True):
            last = assignment.targets[-1] if isinstance(assignment, ast.Assign) else assignment.annotation
            # The parser counts in bytes.
            name = lines[last.end_lineno - 1].encode("utf-8")[: last.end_col_offset].decode("utf-8")
            lines[last.end_lineno - 1 : assignment.end_lineno] = [f"{name} = ..."]
        blanked = "\n".join(lines)
        _parse(blanked)
    except SyntaxError as error:
        raise ValueError(f"a # SOLUTION cannot be blanked in {cell}: {_HOW_TO_MARK}") from error
    return blanked


def _assignment_at(tree: ast.Module, number: int) -> ast.Assign | ast.AnnAssign:
    """Return the assignment on a line; raise SyntaxError when its lines hold anything else as well."""
    simple = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not {"body", "cases"} & set(node._fields)
    ]
    here = [node for node in simple if node.lineno <= number <= node.end_lineno]
    if len(here) == 1 and isinstance(here[0], ast.Assign | ast.AnnAssign) and here[0].value:
        first, last = here[0].lineno, here[0].end_lineno
        if sum(node.lineno <= last and node.end_lineno >= first for node in simple) == 1:
            return here[0]
    raise SyntaxError(f"no single assignment on line {number}")


def _parse(source: str) -> ast.Module:
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
    """Return the PNG that a cell tagged ``readme-picture`` shows, or None where no cell has the tag."""
    for cell in _code(notebook):
        if "readme-picture" in tags(cell):
            for output in cell.outputs:
                png = re.search(
                    r'src="data:image/png;base64,([^"]+)"', output.get("data", {}).get("text/html", "")
                )
                if png:
                    return base64.b64decode(png[1])
    return None


# Checking ---------------------------------------------------------------------------------------------------


def problems(solution: NotebookNode) -> list[str]:
    """Return what is wrong with an executed solution notebook, one sentence each; empty when nothing is."""
    found = [
        problem
        for check in (
            _id_problems,
            _heading_problems,
            _output_problems,
            _figure_problems,
            _name_problems,
            _path_problems,
            _number_problems,
            _prose_problems,
        )
        for problem in check(solution)
    ]
    return found


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
            if "image/png" in data or "image/svg+xml" in data:
                found.append(
                    f"a figure of code cell {number} has no alternative text; call plots.use_course_style()"
                )
            for image in re.findall(r"<img[^>]*>", "".join(data.get("text/html", ""))):
                alt = re.search(r'alt="([^"]*)"', image)
                if alt is None or len(html.unescape(alt[1]).strip()) < 20:
                    found.append(f"a figure of code cell {number} has an alternative text that says nothing")
    return found


def _name_problems(notebook: NotebookNode) -> list[str]:
    """Find given cells that use a name which only an answer defines: Run All on an unanswered copy breaks."""
    found, learner_names = [], set()
    for cell in _code(notebook):
        marked = _marked_lines(cell.source)
        statements = _parse(cell.source).body
        if marked:
            for statement in statements:
                if marked & set(range(statement.lineno, statement.end_lineno + 1)):
                    learner_names |= _names_bound(statement)
        elif "solution-only" not in tags(cell) and not re.search(
            r"^\s*(check|hint|reveal)\(", cell.source, flags=re.M
        ):
            used = set()
            for statement in statements:
                used |= _names_read(statement) & learner_names
                learner_names -= _names_bound(statement)
            for name in sorted(used):
                found.append(
                    f"a given cell uses {name!r}, which only the learner defines: {cell.source[:50]!r}"
                )
    return found


def _marked_lines(source: str) -> set[int]:
    marked, inside = set(), False
    for number, line in enumerate(source.split("\n"), start=1):
        inside = inside or bool(_BEGIN.match(line))
        if inside or _SOLUTION_LINE.search(line):
            marked.add(number)
        inside = inside and not _END.match(line)
    return marked


def _names_bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement leaves behind."""
    if isinstance(statement, _DEFINITION):
        return {statement.name}
    return _bindings(ast.walk(statement))


def _names_read(statement: ast.stmt) -> set[str]:
    """Return the names that a statement takes from what stands before it.

    A name that a block binds, a loop or a function, counts as bound before the block reads it.
    """
    nodes = list(ast.walk(statement))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        read.add(statement.target.id)
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}
    if hasattr(statement, "body"):
        own |= _bindings(nodes)
    for node in nodes:
        if isinstance(node, ast.comprehension):
            own |= _bindings(ast.walk(node.target))
    return read - own


def _bindings(nodes: Iterable[ast.AST]) -> set[str]:
    bound = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, _DEFINITION):
            bound.add(node.name)
    return bound


_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


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
        if cell.cell_type != "markdown":
            continue
        for value, decimals, percent in _numbers(_quoting_prose(cell.source)):
            candidates = [value, value / 100] if percent else [value]
            exact = any(abs(c - w) <= 1e-9 * max(1, abs(w)) for c in candidates for w in written)
            rounded = any(
                abs(round(p * scale, decimals) - value) < 1e-9 + 1e-9 * abs(value)
                for p in printed
                for scale in ((1, 100) if percent else (1,))
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
    parser = argparse.ArgumentParser(prog="python -m utils.authoring", description="solutions/ to notebooks/")
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapter numbers; all by default")
    parser.add_argument(
        "--keep-outputs",
        action="store_true",
        help="derive and check only; the stored outputs stay as they are",
    )
    options = parser.parse_args(arguments)
    for number in options.chapters:
        if not number.isdecimal():
            print(f"{number!r} is no chapter number: write 03, say.", file=sys.stderr)
            return 2
    paths = [
        path
        for path in sorted(SOLUTIONS.glob("*.ipynb"))
        if not options.chapters or path.name[:2] in {f"{int(number):02d}" for number in options.chapters}
    ]
    if not paths:
        print(
            f"no solution notebook for {' '.join(options.chapters) or 'any chapter'} in solutions/",
            file=sys.stderr,
        )
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
        print(f"{path.stem}: {'changed ' + ' and '.join(changed) if changed else 'unchanged'}")
        for problem in problems(solution):
            found += 1
            print(f"  {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
