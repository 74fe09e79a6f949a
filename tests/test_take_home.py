"""What a learner takes home: the alarm's folder alone, under another name, and the alarm of chapter 04."""

import linecache
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from utils.alarm.drift import warn_if_drift
from utils.exercises import save_alarm

ALARM = Path(__file__).resolve().parents[1] / "utils" / "alarm"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return an empty project that holds a copy of the folder as `pager_alarm`, and two files of latencies."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ALARM, folder / "pager_alarm", ignore=shutil.ignore_patterns("__pycache__"))
    rng = np.random.default_rng(5)
    for name, size, mean_ms in (("history", 6_000, 150), ("healthy", 60, 150), ("slower", 60, 190)):
        latencies = "\n".join(f"{value:.2f}" for value in rng.normal(mean_ms, 20, size))
        (folder / f"{name}.csv").write_text(f"latency_ms\n{latencies}\n", encoding="utf-8")
    return folder


def _python(project, *arguments):
    """Run Python in the project, and fail whoever imports anything of the course."""
    start = f"import sys, runpy\nsys.path[0] = {str(project)!r}\n"
    start += "sys.modules |= dict.fromkeys(('utils', 'tools', 'tests'))  # an import of the course fails\n"
    command = [sys.executable, "-c", start + arguments[0], *arguments[1:]]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)


def test_the_copy_works_from_python(project):
    done = _python(
        project,
        "import pager_alarm, warnings\n"
        "history = pager_alarm.load_latencies('history.csv').latencies.to_numpy()\n"
        "slower = pager_alarm.load_latencies('slower.csv').latencies.to_numpy()\n"
        "monitor = pager_alarm.DriftMonitor(history, window=60, false_alarm_rate=1 / 50)\n"
        "print(bool(monitor.check(slower)), bool(monitor.check(history[:60])))\n"
        "warnings.simplefilter('error', pager_alarm.DataDriftWarning)\n"
        "pager_alarm.warn_if_drift(history, slower)\n",
    )
    assert done.stdout.split() == ["True", "False"] and "DataDriftWarning" in done.stderr, done.stderr


@pytest.mark.parametrize(("recent", "status"), [("healthy", 0), ("slower", 1), ("missing", 2)])
def test_the_copy_works_as_a_command(project, recent, status):
    run = "runpy.run_module('pager_alarm', run_name='__main__', alter_sys=True)"
    options = ["--window", "60", "--budget", "1/50", "--picture", f"{recent}.png"]
    done = _python(project, run, "history.csv", f"{recent}.csv", *options)
    assert done.returncode == status, done.stderr
    assert ("verdict:" in done.stdout) is (project / f"{recent}.png").exists() is (status < 2)


CELLS = (  # the alarm of chapter 04, as a learner may have left it in the notebook
    "import warnings\nimport numpy as np\nfrom scipy.stats import ks_2samp\nLEAST, TEXT = 2, 'D = {:.2f}'\n",
    "class Drifted(UserWarning):\n    pass\n",
    "def checked(values, name):\n    return values\n",  # an earlier try
    "%config = 1\n",  # no Python: left out
    """
def checked(values, name):
    values = np.array(values, dtype=float)
    if len(values) < LEAST or not np.isfinite(values).all():
        raise ValueError(name)
    return values

def on_latencies(function):
    def inner(historical, recent, alpha=0.05):
        return function(checked(historical, "historical"), checked(recent, "recent"), alpha)
    return inner
""",
    """
@on_latencies
def warn_on_drift(historical, recent, alpha):
    d, p = ks_2samp(historical, recent)  # a comment
    _ = p < alpha and warnings.warn(TEXT.format(d), Drifted, stacklevel=3)

print("an experiment", values := [1, 2])
""",
)


def _in_cells(monkeypatch, *sources):
    """Return the alarm that a notebook's cells define; Jupyter keeps their sources where Python looks them up."""
    names = {"__name__": "__main__"}
    for number, source in enumerate(sources):
        lines, file = source.splitlines(keepends=True), f"/a/kernel/{number}.py"
        monkeypatch.setitem(linecache.cache, file, (len(source), None, lines, file))
        if not source.startswith("%"):
            exec(compile(source, file, "exec"), names)
    return names["warn_on_drift"]


def test_a_learners_alarm_is_saved_with_all_that_it_needs(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    alarm = _in_cells(monkeypatch, *CELLS)
    capsys.readouterr()
    assert save_alarm(alarm) is alarm
    assert capsys.readouterr().out == "Saved as my_alarm.py, beside this notebook.\n"
    done = _python(tmp_path, "import my_alarm\nmy_alarm.warn_on_drift(range(100), range(50, 150))\n")
    assert "<string>:" in done.stderr and "Drifted: D = 0.50" in done.stderr
    saved = (tmp_path / "my_alarm.py").read_text()
    assert "# a comment" in saved and "experiment" not in saved and saved.count("def checked") == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def warn_on_drift(historical, recent, alpha=0.05):\n    ...\n", "the challenge isn't answered."),
        ("def warn_on_drift(historical, recent, alpha=0.05):\n    print(1)\n", "its board isn't complete."),
        ("from numpy import *\nSIZE = array([1]).size\ndef warn_on_drift(alpha=SIZE): pass", "NameError"),
    ],
)
def test_an_alarm_that_is_not_right_is_not_saved(source, said, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert save_alarm(_in_cells(monkeypatch, source)) is warn_if_drift
    printed = capsys.readouterr().out
    assert said in printed and printed.count("\n") == 1 and not list(tmp_path.iterdir())
