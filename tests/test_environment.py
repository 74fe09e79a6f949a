"""The three ways to install the course agree with each other."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


def _split(requirement):
    name, range_ = re.fullmatch(r"([A-Za-z0-9_.-]+?)((?:[<>=!~].*)?)", requirement).groups()
    return name.lower(), range_.replace(" ", "")


CALLED_OTHERWISE_BY_CONDA = {"python-duckdb": "duckdb"}


def test_conda_and_pip_install_the_same_packages_in_the_same_ranges():
    conda = dict(_split(entry) for entry in CONDA if isinstance(entry, str))
    conda = {CALLED_OTHERWISE_BY_CONDA.get(name, name): range_ for name, range_ in conda.items()}
    conda.pop("pip")
    conda.pop("python")
    assert conda == dict(_split(requirement) for requirement in PROJECT["dependencies"])


def test_conda_takes_a_python_that_the_package_allows_and_binder_knows():
    (python,) = [entry for entry in CONDA if isinstance(entry, str) and entry.startswith("python=")]
    # Binder's builder falls back to an old base image unless the version is exact to the minor.
    version = re.fullmatch(r"python=(3\.\d+)", python)[1]
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert version in ("3.11", "3.12", "3.13")


def test_conda_installs_the_course_itself_by_pip():
    (pip,) = [entry["pip"] for entry in CONDA if isinstance(entry, dict)]
    assert pip == ["--editable ."]


def test_every_range_has_a_lower_and_an_upper_end():
    for requirement in PROJECT["dependencies"]:
        name, range_ = _split(requirement)
        assert re.fullmatch(r">=[\d.]+,<[\d.]+", range_), f"{name} is left open: {range_!r}"


def test_no_folder_hides_the_environment_from_binder():
    assert not (ROOT / "binder").exists() and not (ROOT / ".binder").exists()
    for name in (
        "requirements.txt",
        "setup.py",
        "Dockerfile",
        "apt.txt",
        "postBuild",
        "start",
        "runtime.txt",
    ):
        assert not (ROOT / name).exists(), f"{name} changes what Binder builds"
