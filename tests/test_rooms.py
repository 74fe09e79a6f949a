"""Who knows whom: imports go one way, so that each room can be read, changed and taken home alone."""

import ast
from pathlib import Path

import pytest

from tools import authoring

UTILS = Path(__file__).resolve().parents[1] / "utils"
COURSE = ("utils", "tools", "tests")
MAY_IMPORT = {
    "alarm": (),
    "exercises": ("utils.exercises", "utils.alarm", "utils.simulate", "utils.plots"),
    "simulate.py": (),
    "plots.py": (),
    "service.py": (),
}


def course_imports(source):
    """Return what of the course a source imports by absolute names, such as ``utils.simulate.slower``."""
    for node in ast.walk(authoring.parse(source)):
        names = [alias.name for alias in getattr(node, "names", []) if isinstance(node, ast.Import)]
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.partition(".")[0] in COURSE)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room):
    home = UTILS / room
    sources = sorted(home.glob("*.py")) if home.is_dir() else [home]
    assert sources
    for path in sources:
        for name in course_imports(path.read_text(encoding="utf-8")):
            allowed = any(f"{name}.".startswith(f"{known}.") for known in MAY_IMPORT[room])
            assert allowed, f"{path.name} imports {name}"


def test_every_file_of_utils_stands_in_a_room():
    found = {path.relative_to(UTILS).parts[0] for path in UTILS.rglob("*.py")}
    assert found == {*MAY_IMPORT, "__init__.py"}


@pytest.mark.parametrize("path", sorted(authoring.SOLUTIONS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_imports_of_the_exercises_only_what_learners_call(path):
    cells = [cell.source for cell in authoring.read(path).cells if cell.cell_type == "code"]
    names = {name for cell in cells for name in course_imports(cell)}
    exercises = {name for name in names if name.startswith("utils.exercises")}
    called = ("check", "hint", "reveal", "progress", "save_alarm", "twelve_calls")
    assert exercises <= {f"utils.exercises.{name}" for name in called}
    others = {name.split(".")[1] for name in names - exercises}
    assert others <= {"alarm", "plots", "service", "simulate"}
