"""A newcomer's first minutes: a clean clone, one command, JupyterLab on the first notebook."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("newcomer") / "course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.mark.fresh
def test_make_lab_opens_the_first_notebook_and_prints_its_address(clone):
    log = clone.parent / "lab.log"
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    with log.open("w") as output:
        lab = subprocess.Popen(
            ["make", "lab"], cwd=clone, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        address, end = None, time.monotonic() + 480
        while address is None and lab.poll() is None and time.monotonic() < end:
            time.sleep(1)
            address = re.search(
                r"http://127\.0\.0\.1:\d+/lab\S*00_start_here\.ipynb\S*token=\S+", log.read_text()
            )
        assert address, log.read_text()[-2_000:]
        with urllib.request.urlopen(address[0], timeout=30) as page:
            assert page.status == 200 and b"JupyterLab" in page.read()
    finally:
        os.killpg(lab.pid, signal.SIGTERM)
        lab.wait(timeout=30)
    assert not subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True
    ).stdout, "make lab leaves files that git sees"


def test_an_old_or_missing_python_is_one_sentence(tmp_path):
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    # A make that runs these tests would have this one tell which directory it enters.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for python in (old, tmp_path / "nowhere"):
        done = subprocess.run(
            ["make", "lab", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert done.stdout.splitlines() == [
            "This course needs Python 3.11, 3.12 or 3.13. Install one, or name it: make lab PYTHON=python3.12"
        ]
        assert "Traceback" not in done.stderr
