"""Keep the challenge's function beyond its notebook, as a file that later chapters import."""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
import types
from collections.abc import Callable
from pathlib import Path

from utils.alarm.drift import warn_if_drift
from utils.exercises.engine import describe_error, verdict

ALARM, CHALLENGE, FILE = "warn_on_drift", "4.6", "my_alarm.py"


def save_alarm(alarm: Callable) -> Callable:
    """Write ``warn_on_drift`` with all that it needs to ``my_alarm.py``, once its board is complete.

    The file is written into the working directory, which is the notebook's, and only when what it holds
    passes the challenge by itself. Else one sentence says why not.

    Returns
    -------
    callable
        The alarm when it was saved, else the library's, which stands in for it.
    """
    module = types.ModuleType(Path(FILE).stem)
    source = _source_of(alarm)
    try:
        exec(compile(source, FILE, "exec", dont_inherit=True), module.__dict__)
        state = verdict(CHALLENGE, getattr(module, ALARM, None)).state
    except Exception as error:
        problem = f"outside of this notebook it raises {describe_error(error)}"
    else:
        if state == "right":
            Path(FILE).write_text(source, encoding="utf-8")
            print(f"Saved as {FILE}, beside this notebook.")
            return alarm
        problem = {"unanswered": "the challenge isn't answered"}.get(state, "its board isn't complete")
    print(f"Not saved yet: {problem}. The library's alarm stands in for it here.")
    return warn_if_drift


def _source_of(alarm: Callable) -> str:
    """Return the statements that define the alarm and, before it, all that it needs."""
    bound, found = _statements(alarm), {}

    def collect(name: str) -> None:
        if name in bound and name not in found:
            found[name] = ""  # its place is taken, for a function that calls itself
            for needed in sorted(_names_read(bound[name])):
                collect(needed)
            found[name] = found.pop(name) or bound[name]

    collect(ALARM)
    title = '"""The alarm of chapter 04, saved from its notebook."""\n'
    each_once = dict.fromkeys(found.values())
    statements = sorted(each_once, key=lambda one: not one.startswith(("import ", "from ")))
    return "\n\n".join([title, *statements]) + "\n"


def _statements(alarm: Callable) -> dict[str, str]:
    """Return the notebook's last statement for each name, that of the alarm's own cell before any other."""
    bound = {}
    own = getattr(getattr(inspect.unwrap(alarm), "__code__", None), "co_filename", None)
    # What was typed, and read from no file, has no time of change.
    cells = [cell for cell in linecache.cache.values() if len(cell) == 4 and cell[1] is None]
    for _, _, lines, _ in sorted(cells, key=lambda cell: cell[3] == own):
        try:
            body = ast.parse("".join(lines)).body
        except SyntaxError:
            continue
        for statement in body:
            first = min(node.lineno for node in [statement, *getattr(statement, "decorator_list", [])])
            source = "".join(lines[first - 1 : statement.end_lineno]).rstrip()
            bound |= dict.fromkeys(_names_bound(statement), source)
    return bound


def _names_bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
        return [name.id for name in names if isinstance(name.ctx, ast.Store)]
    return []


def _names_read(source: str) -> set[str]:
    """Return the global names that a statement reads, when it is run or when its functions are called."""
    names, waiting = set(), [compile(source, FILE, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        waiting += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        steps = (step for step in dis.get_instructions(code) if step.opname.startswith("LOAD_"))
        names |= {step.argval for step in steps if "GLOBAL" in step.opname or step.opname == "LOAD_NAME"}
    return names
