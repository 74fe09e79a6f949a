"""What only maintainers and instructors run; no notebook imports it."""

import os
import tomllib
from pathlib import Path


def project() -> dict:
    """Return the table ``[project]`` of pyproject.toml."""
    pyproject = Path(__file__).resolve().parents[1] / "pyproject.toml"
    return tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]


def address() -> str | None:
    """Return the course's public address, or None while it has none.

    It is ``Repository`` under ``[project.urls]`` in pyproject.toml; the environment variable ``ADDRESS`` goes first.
    """
    return os.environ.get("ADDRESS") or project().get("urls", {}).get("Repository")
