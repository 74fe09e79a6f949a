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


README = (ROOT / "README.md").read_text(encoding="utf-8")
# What the README says to type. conda isn't here, and Binder's address is a form to fill in.
# A fence that names a language holds an example, not a way to start.
WAYS = [
    block.strip()
    for language, block in re.findall(r"^```(.*?)\n(.*?)^```$", README, flags=re.M | re.S)
    if not language and not block.startswith(("conda", "https://"))
]


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.mark.fresh
@pytest.mark.parametrize("commands", WAYS, ids=lambda commands: commands.partition("\n")[0])
def test_the_readmes_commands_open_the_first_notebook_and_print_its_address(clone, commands):
    log = clone.parent / "lab.log"
    if "jupyter lab" in commands:  # where make knows: root needs leave, and no display has no browser
        commands += " --no-browser" + " --allow-root" * (os.name == "posix" and os.geteuid() == 0)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    with log.open("w") as output:
        lab = subprocess.Popen(
            ["sh", "-ec", commands],
            cwd=clone,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        address, end = None, time.monotonic() + 480
        while address is None and lab.poll() is None and time.monotonic() < end:
            time.sleep(1)
            address = re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\S+", log.read_text())
        assert address, log.read_text()[-2_000:]
        with urllib.request.urlopen(address[0], timeout=30) as page:
            assert page.status == 200 and b"JupyterLab" in page.read()
    finally:
        os.killpg(lab.pid, signal.SIGTERM)
        lab.wait(timeout=30)
    assert not subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True
    ).stdout, "starting leaves files that git sees"


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
