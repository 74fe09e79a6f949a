"""What a chapter teaches, to be tested: the functions and constants of a solution notebook's cells."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"


@cache
def definitions(chapter: str) -> SimpleNamespace:
    """Return the names that a solution notebook imports and defines at the top level of its cells.

    Imports, functions, classes and constants in capitals are executed; experiments, pictures and checks are
    not, so that a test runs what the chapter teaches with data of its own.
    """
    (path,) = SOLUTIONS.glob(f"{chapter}_*.ipynb")
    names: dict = {"__name__": f"chapter_{chapter}"}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code" or "raises-exception" in cell["metadata"].get("tags", []):
            continue
        tree = ast.parse("".join(line for line in cell["source"] if not line.startswith(("%", "!"))))
        tree.body = [statement for statement in tree.body if _defines(statement)]
        exec(compile(tree, f"{path.name}, cell {number}", "exec"), names)
    return SimpleNamespace(**names)


def _defines(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        targets = [
            name for target in statement.targets for name in (getattr(target, "elts", None) or [target])
        ]
        return all(isinstance(name, ast.Name) and name.id.isupper() for name in targets)
    return isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
