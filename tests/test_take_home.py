"""The alarm's folder alone, copied to a place that knows nothing of the course, under another name."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
    start = (
        "import sys, runpy\n"
        "class NoCourse:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.partition('.')[0] in ('utils', 'tools', 'tests'):\n"
        "            raise ImportError(f'{name} belongs to the course')\n"
        "sys.meta_path.insert(0, NoCourse())\n"
        f"sys.path[0] = {str(project)!r}\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + arguments[0], *arguments[1:]],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_copy_works_from_python(project):
    done = _python(
        project,
        "import warnings\n"
        "import numpy as np\n"
        "import pager_alarm\n"
        "history = pager_alarm.load_latencies('history.csv').latencies.to_numpy()\n"
        "slower = pager_alarm.load_latencies('slower.csv').latencies.to_numpy()\n"
        "print(bool(pager_alarm.detect_drift(history, slower)))\n"
        "with warnings.catch_warnings(record=True) as record:\n"
        "    warnings.simplefilter('always')\n"
        "    pager_alarm.warn_if_drift(history, slower)\n"
        "print([warning.category is pager_alarm.DataDriftWarning for warning in record])\n"
        "monitor = pager_alarm.DriftMonitor(history, window=60, false_alarm_rate=1 / 50)\n"
        "print(bool(monitor.check(slower)), bool(monitor.check(history[:60])))\n",
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True", "[True]", "True", "False"]), done.stderr


@pytest.mark.parametrize(("recent", "status"), [("healthy", 0), ("slower", 1), ("missing", 2)])
def test_the_copy_works_as_a_command(project, recent, status):
    run = "runpy.run_module('pager_alarm', run_name='__main__', alter_sys=True)"
    options = ["--window", "60", "--budget", "1/50", "--picture", f"{recent}.png"]
    done = _python(project, run, "history.csv", f"{recent}.csv", *options)
    assert done.returncode == status, done.stderr
    assert ("verdict:" in done.stdout) is (status < 2)
    assert (project / f"{recent}.png").exists() is (status < 2)
