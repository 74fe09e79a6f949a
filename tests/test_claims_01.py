"""What chapters 00 and 01 say, with other seeds, and the first cell of all where a machine isn't ready."""

import importlib.util
import re
import sys
import tomllib

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tools import authoring
from utils import simulate
from utils.simulate import course_latencies

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
ROOT = authoring.ROOT


def _summary(latencies_ms):
    p5, median, p99 = np.quantile(latencies_ms, [0.05, 0.5, 0.99], axis=-1)
    mean, sd = latencies_ms.mean(axis=-1), latencies_ms.std(axis=-1)
    return {"mean": mean, "sd": sd, "p5": p5, "median": median, "p99": p99}


def _moves(seed):
    """Return, for each incident, every summary number's shift in units of its wandering."""
    rng = np.random.default_rng(seed)
    healthy = rng.normal(150, 20, size=(400, 500))
    incidents = {
        "no drift": rng.normal(150, 20, size=healthy.shape),
        "slower": 1.1 * healthy,
        "spread": 150 + 1.5 * (healthy - 150),
        "timeouts": np.where(rng.random(healthy.shape) < 1 / 50, 900, healthy),
        "bad node": np.where(rng.random(healthy.shape) < 1 / 3, healthy + 45, healthy),
    }
    quiet = _summary(healthy)

    def moves(days):
        return {
            name: (values.mean() - quiet[name].mean()) / quiet[name].std()
            for name, values in _summary(days).items()
        }

    return {kind: moves(days) for kind, days in incidents.items()}


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
    assert 1.08 < recent.mean() / historical.mean() < 1.12
    assert (recent > 190).mean() > 3 * (historical > 190).mean()
    assert (control > 190).mean() < 3 * (historical > 190).mean()


# Chapter 01 -------------------------------------------------------------------------------------------------


@SEEDS
def test_a_mean_of_500_wanders_by_less_than_a_millisecond(seed):
    means = np.random.default_rng(seed).normal(150, 20, size=(1_000, 500)).mean(axis=1)
    assert 0.82 < means.std() < 0.97
    _, recent = course_latencies(seed)
    assert abs(means - 150).max() < 5 < abs(recent.mean() - 150)


@SEEDS
def test_three_incidents_have_one_mean_and_three_patterns(seed):
    moves = _moves(seed)
    shifts = [moves[kind]["mean"] for kind in ("slower", "timeouts", "bad node")]
    assert min(shifts) > 10 and max(shifts) - min(shifts) < 1.5
    patterns = {
        kind: frozenset(name for name, by in moves[kind].items() if abs(by) > 3)
        for kind in ("slower", "spread", "timeouts", "bad node")
    }
    assert patterns["timeouts"] == {"mean", "sd", "p99"}
    assert patterns["spread"] == {"sd", "p5", "p99"}
    assert patterns["bad node"] == {"mean", "sd", "median", "p99"}
    assert {"mean", "p5", "median", "p99"} <= patterns["slower"]
    assert max(abs(by) for by in moves["no drift"].values()) < 0.4


@SEEDS
def test_three_sigma_breaks_its_promise_on_log_normal_latencies_without_drift(seed):
    rng = np.random.default_rng(seed)
    skewed, another_day = rng.lognormal(np.log(150), 0.5, size=(2, 100_000))
    normal = rng.normal(skewed.mean(), skewed.std(), size=100_000)
    limit_ms = skewed.mean() + 3 * skewed.std()
    assert (another_day > limit_ms).mean() > 8 * (normal > limit_ms).mean()
    assert (normal < 0).mean() > 0.02 and another_day.min() > 0


@SEEDS
def test_a_gradual_drift_is_noticed_later_than_it_begins_and_a_quiet_service_is_not(seed):
    rng = np.random.default_rng(seed)
    day = np.arange(1, 61)
    band_ms = 3 * 20 / np.sqrt(500)

    def outside(slower_by_ms):
        means = rng.normal(150 + slower_by_ms[:, None], 20, size=(60, 500)).mean(axis=1)
        return day[abs(means - 150) > band_ms]

    assert outside(0 * day).size <= 2
    assert 31 in outside(15 * (day > 30))
    assert 4 <= outside(15 * day / 60)[-45:].min() <= 25
    assert set(range(7, 61, 7)) <= set(outside(15 * (day % 7 == 0)))


@SEEDS
def test_each_shift_leaves_its_own_probability_alone(seed):
    rng = np.random.default_rng(seed)

    def requests(mean_items=10, ms_per_item=6):
        items = 1 + rng.poisson(mean_items - 1, 200_000)
        return items, 90 + ms_per_item * items + rng.normal(0, 20, items.size) > 200

    def measured(items, late):
        return late.mean(), items.mean(), late[items == 15].mean(), items[late].mean(), items[~late].mean()

    before = requests()
    items, late = requests()
    weeks = {
        "control": (items, late),
        "data": requests(mean_items=11.3),
        "concept": requests(ms_per_item=6.7),
        "label": (np.append(items, items[late]), np.append(late, late[late])),
    }
    y, x, y_given_x, x_late, x_on_time = measured(*before)
    moved = {}
    for week, sample in weeks.items():
        now = measured(*sample)
        moved[week] = (
            abs(now[0] - y) > 0.01,
            abs(now[1] - x) > 0.05,
            abs(now[2] - y_given_x) > 0.04,
            abs(now[3] - x_late) > 0.2 or abs(now[4] - x_on_time) > 0.08,
        )
    assert moved["control"] == (False, False, False, False)
    assert moved["data"][:3] == (True, True, False)
    assert moved["concept"][:3] == (True, False, True)
    assert moved["label"] == (True, True, True, False)


def test_the_days_of_exercise_1_4_are_told_apart_by_their_summary_numbers():
    archive = simulate.archive_days()
    before = _summary(archive["before"])
    quotient = {
        day: {name: value / before[name] for name, value in _summary(archive[day]).items()} for day in "ABCDE"
    }
    assert max(abs(q - 1) for q in quotient["B"].values()) < 0.03, "no drift"
    assert max(abs(q - 1.1) for q in quotient["D"].values()) < 0.03, "slower: one factor"
    assert quotient["A"]["p99"] - quotient["A"]["p5"] > 0.1 and quotient["A"]["p5"] > 0.99, "bad node"
    assert quotient["E"]["p5"] < 0.9 < 1.1 < quotient["E"]["p99"], "spread"
    assert abs(quotient["C"]["median"] - 1) < 0.02 and quotient["C"]["p99"] > 2, "timeouts"
    means = [archive[day].mean() for day in "ACD"]
    assert max(means) - min(means) < 4, "three days have nearly the same mean"
