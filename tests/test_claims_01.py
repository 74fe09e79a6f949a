"""What chapters 00 and 01 say, with other seeds, and the first cell of all where a machine isn't ready."""

import importlib.util
import re
import sys
import tomllib
from statistics import NormalDist

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.chapter import definitions
from tools import authoring
from utils import simulate
from utils.exercises import verdict
from utils.exercises.chapter_01 import MOVED, SUMMARY_NAMES
from utils.simulate import course_latencies

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
ROOT = authoring.ROOT
chapter = definitions("01")


# Chapter 00 -------------------------------------------------------------------------------------------------


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
    needed = set(re.search(r'needed = "(.+)"', source)[1].split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}
    tools = {"jupyterlab", "nbval", "pytest"}  # the chapters import none of these
    assert needed == {name.replace("scikit-learn", "sklearn") for name in names - tools} | {"utils.exercises"}


def test_the_environment_that_the_first_cell_names_is_the_one_that_conda_creates():
    name = re.search(r"^name: (\S+)", (ROOT / "environment.yml").read_text(encoding="utf-8"), flags=re.M)[1]
    assert f"conda activate {name} " in _first_cell()


@SEEDS
def test_a_mean_a_tenth_higher_brings_several_times_as_many_slow_requests(seed):
    historical, recent = course_latencies(seed)
    _, control = course_latencies(seed, drifted=False)
    mean_shift = definitions("00").mean_shift
    assert mean_shift(historical, recent) == pytest.approx(0.1 * historical.mean(), abs=4)
    assert abs(mean_shift(historical, control)) < 4
    assert (recent > 190).mean() > 3 * (historical > 190).mean()
    assert (control > 190).mean() < 3 * (historical > 190).mean()


# Chapter 01 -------------------------------------------------------------------------------------------------


def test_the_five_numbers_are_what_the_chapter_calls_them_row_by_row():
    hundred_and_one = np.random.default_rng(4).permutation(101)
    for table in (hundred_and_one, np.array([hundred_and_one, 2 * hundred_and_one])):
        factor = np.array([1, 2]) if table.ndim == 2 else 1
        wanted = {"mean": 50, "sd": np.sqrt(850), "p5": 5, "median": 50, "p99": 99}
        measured = chapter.summary(table)
        assert list(measured) == list(wanted) == list(SUMMARY_NAMES)
        for name, value in wanted.items():
            np.testing.assert_allclose(measured[name], factor * value)


@SEEDS
def test_a_mean_of_500_wanders_by_less_than_a_millisecond_and_the_drift_is_far_beyond(seed):
    means = chapter.summary(np.random.default_rng(seed).normal(150, 20, size=(1_000, 500)))["mean"]
    assert verdict("1.1", means.std()).state == "right"
    recent_mean = chapter.summary(course_latencies(seed)[1])["mean"]
    assert abs(means - 150).max() < 5 < abs(recent_mean - 150)


def _shifts_in_wanderings(seed):
    """Return, for each incident, by how much each of the chapter's numbers shifts, in units of its wandering."""
    rng = np.random.default_rng(seed)
    healthy = rng.normal(150, 20, size=(400, 500))
    days = {
        "no drift": rng.normal(150, 20, size=healthy.shape),
        "slower": simulate.slower(healthy),
        "spread": 150 + 1.5 * (healthy - 150),
        "timeouts": np.array([chapter.with_timeouts(day, rng) for day in healthy]),
        "bad node": np.where(rng.random(healthy.shape) < 1 / 3, healthy + 45, healthy),
    }
    quiet = chapter.summary(healthy)
    return {
        kind: {
            name: (values.mean() - quiet[name].mean()) / quiet[name].std()
            for name, values in chapter.summary(day).items()
        }
        for kind, day in days.items()
    }


@SEEDS
def test_three_incidents_have_one_mean_and_three_patterns(seed):
    shifts = _shifts_in_wanderings(seed)
    means = [shifts[kind]["mean"] for kind in ("slower", "timeouts", "bad node")]
    assert min(means) > 10 and max(means) - min(means) < 1.5
    moved = {kind: {name for name, by in row.items() if abs(by) > 3} for kind, row in shifts.items()}
    assert {kind: moved[kind] for kind in MOVED} == MOVED, "exercise 1.3 asks for these"
    assert moved["bad node"] == {"mean", "sd", "median", "p99"}
    assert {"mean", "p5", "median", "p99"} <= moved["slower"]
    assert max(abs(by) for by in shifts["no drift"].values()) < 0.4


def test_what_is_measured_of_a_basket_is_what_its_name_says():
    items = np.array([10, 10, 10, 10, 15, 15, 2, 3])
    late = np.array([True, False, False, False, True, True, False, True])
    assert list(chapter.measured(items, late).values()) == pytest.approx([50, 9.375, 25, 100, 10.75, 8])


@SEEDS
@pytest.mark.parametrize("change", [{}, {"mean_items": 11.3}, {"ms_per_item": 6.7}], ids=str)
def test_a_basket_is_late_as_often_as_its_items_say(seed, change):
    items, late = chapter.requests(np.random.default_rng(seed), **change)
    assert items.size == late.size == 200_000 and items.min() == 1
    assert items.mean() == pytest.approx(change.get("mean_items", 10), abs=0.05)
    assert items.var() == pytest.approx(items.mean() - 1, rel=0.02)
    for basket in (9, 12, 15):
        too_long_by = 90 + change.get("ms_per_item", 6) * basket - 200
        assert late[items == basket].mean() == pytest.approx(NormalDist(0, 20).cdf(too_long_by), abs=0.03)


@SEEDS
def test_each_shift_leaves_its_own_probability_alone_and_doubles_the_late_requests(seed):
    rng = np.random.default_rng(seed)
    before = chapter.measured(*chapter.requests(rng))
    items, late = chapter.requests(rng)
    weeks = {
        "control": (items, late),
        "data": chapter.requests(rng, mean_items=11.3),
        "concept": chapter.requests(rng, ms_per_item=6.7),
        "label": (np.append(items, items[late]), np.append(late, late[late])),
    }
    wandering = {"P(y)": 0.25, "P(x)": 0.05, "P(y | x)": 3, "P(x | y)": 0.12}
    moved, more = {}, {}
    for week, sample in weeks.items():
        now = chapter.measured(*sample)
        shifts = {(name.split(":")[0], name): abs(now[name] - before[name]) for name in now}
        moved[week] = {kind for (kind, _), by in shifts.items() if by > wandering[kind]}
        more[week] = now["P(y): late (%)"] / before["P(y): late (%)"]
    assert moved == {
        "control": set(),
        "data": {"P(y)", "P(x)", "P(x | y)"},
        "concept": {"P(y)", "P(y | x)", "P(x | y)"},
        "label": {"P(y)", "P(x)", "P(y | x)"},
    }
    assert more.pop("control") == pytest.approx(1, abs=0.1)
    assert list(more.values()) == pytest.approx([2, 2, 2], abs=0.15)


def test_the_days_of_exercise_1_4_are_told_apart_by_the_chapters_numbers():
    numbers = {day: chapter.summary(latencies) for day, latencies in simulate.archive_days().items()}
    before = numbers.pop("before")
    by_day = {
        day: {name: value / before[name] for name, value in row.items()} for day, row in numbers.items()
    }
    of = {kind: by_day[day] for day, kind in simulate.ARCHIVE_KINDS.items()}
    assert list(of["no drift"].values()) == pytest.approx([1] * 5, abs=0.03)
    assert list(of["slower"].values()) == pytest.approx([1.1] * 5, abs=0.03), "one factor"
    bad_node, spread, timeouts = of["bad node"], of["spread"], of["timeouts"]
    assert 0.99 < bad_node["p5"] < 1.03 < bad_node["median"] < bad_node["p99"]
    assert spread["p5"] < 0.9 < 1.1 < spread["p99"]
    assert timeouts["median"] == pytest.approx(1, abs=0.02) and numbers["C"]["p99"] == 900
    means = [numbers[day]["mean"] for day in "ACD"]
    assert max(means) - min(means) < 4, "three days have nearly the same mean"
