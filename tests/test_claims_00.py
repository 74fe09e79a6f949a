"""The first cell of all where a machine isn't ready, and what chapter 00 says, with other seeds."""

import importlib.util
import re
import sys
import tomllib

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.chapter import definitions
from tools import authoring
from utils.simulate import course_latencies

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
ROOT = authoring.ROOT


def _first_cell():
    (path,) = authoring.SOLUTIONS.glob("00_*.ipynb")
    return next(cell.source for cell in authoring.read(path).cells if cell.cell_type == "code")


def _run_first_cell(capsys):
    """Run the cell as Jupyter does; return all that it shows."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        result = shell.run_cell(_first_cell())
    finally:
        InteractiveShell.clear_instance()
    return result, capsys.readouterr()


def test_the_first_cell_says_that_all_is_ready(capsys):
    result, shown = _run_first_cell(capsys)
    assert result.success
    assert shown.out.startswith("Ready") and shown.err == ""


def test_a_missing_package_ends_in_one_sentence_that_says_what_to_type(monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("seaborn", "scipy") else find_spec(name)
    )
    result, shown = _run_first_cell(capsys)
    lines = (shown.out + shown.err).strip().splitlines()
    assert not result.success
    assert len(lines) == 1 and "Traceback" not in lines[0]
    assert "scipy, seaborn" in lines[0] and "%pip install --editable .." in lines[0]


def test_a_course_that_is_not_installed_is_named_even_where_another_utils_is(monkeypatch, capsys):
    find_spec = importlib.util.find_spec

    def without_the_course(name):
        if name == "utils.exercises":
            raise ModuleNotFoundError("__path__ attribute not found on 'utils'")
        return find_spec(name)

    monkeypatch.setattr(importlib.util, "find_spec", without_the_course)
    _, shown = _run_first_cell(capsys)
    lines = (shown.out + shown.err).strip().splitlines()
    assert len(lines) == 1 and "utils" in lines[0]


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 2), (3, 14, 0)], ids=str)
def test_a_python_that_the_course_does_not_run_on_ends_in_one_sentence(version, monkeypatch, capsys):
    source = _first_cell().replace("sys.version_info", "version_info")
    monkeypatch.setattr(sys.modules[__name__], "_first_cell", lambda: f"version_info = {version}\n{source}")
    result, shown = _run_first_cell(capsys)
    lines = (shown.out + shown.err).strip().splitlines()
    assert not result.success
    assert len(lines) == 1
    assert f"Python {version[0]}.{version[1]}," in lines[0] and "conda env create" in lines[0]


def test_the_first_cell_needs_only_the_standard_library_and_knows_every_package_of_the_course():
    source = _first_cell()
    assert set(re.findall(r"^(?:import|from) (\w+)", source, flags=re.M)) <= set(sys.stdlib_module_names)
    needed = set(" ".join(re.findall(r'needed \+?= "(.+)"', source)).split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}
    tools = {"jupyterlab", "nbval", "pytest"}  # the chapters import none of these
    called = {"scikit-learn": "sklearn", "opentelemetry-sdk": "opentelemetry.sdk"}
    assert needed == {called.get(name, name) for name in names - tools} | {"utils.exercises"}


def test_the_environment_that_the_first_cell_names_is_the_one_that_conda_creates():
    name = re.search(r"^name: (\S+)", (ROOT / "environment.yml").read_text(encoding="utf-8"), flags=re.M)[1]
    assert f"conda activate {name} " in _first_cell()


@SEEDS
def test_a_mean_a_tenth_higher_brings_several_times_as_many_slow_requests(seed):
    historical, recent = course_latencies(seed)
    _, control = course_latencies(seed, drifted=False)
    should_page = definitions("00").should_page
    assert recent.mean() - historical.mean() == pytest.approx(0.1 * historical.mean(), abs=4)
    assert should_page(historical, recent) and not should_page(historical, control)
    assert (recent > 190).mean() > 3 * (historical > 190).mean()
    assert (control > 190).mean() < 3 * (historical > 190).mean()
