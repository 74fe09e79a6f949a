"""What Binder would build from this repository, read off repo2docker's plan; nothing is built."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REPO2DOCKER = shutil.which("jupyter-repo2docker", path=str(Path(sys.executable).parent)) or shutil.which(
    "jupyter-repo2docker"
)


@pytest.mark.browser
@pytest.mark.skipif(REPO2DOCKER is None, reason="jupyter-repo2docker is missing: make test-browser")
def test_binder_builds_from_the_conda_environment_with_the_course_in_it(tmp_path):
    clone = tmp_path / "course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    planned = subprocess.run(
        [REPO2DOCKER, "--no-build", "--debug", str(clone)], capture_output=True, text=True
    )
    plan = planned.stdout + planned.stderr
    assert planned.returncode == 0, plan[-2_000:]
    assert re.search(r"Building conda environment for python=3\.12", plan)
    update = plan.index('env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"')
    # `--editable .` in environment.yml needs the course's files to be there before the environment is made.
    assert re.search(r"COPY .*src/ \$\{REPO_DIR", plan[:update])
