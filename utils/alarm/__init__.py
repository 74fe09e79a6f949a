"""A drift alarm to take home: copy this folder into a project and import it under any name.

`detect_drift` compares two samples, `warn_if_drift` turns that into a warning, `DriftMonitor` compares many windows
under one budget of false alarms, `compare_canary` a release with the version beside it, `compare_counts` two
histograms; `load_latencies` and `load_counts` read files, and ``python -m alarm`` (or ``detect-drift``) does it all
from a shell. The folder knows nothing of the course around it.
"""

from importlib import import_module

_HOMES = {
    "DataDriftWarning": "drift",
    "DriftMonitor": "monitor",
    "compare_canary": "canary",
    "compare_counts": "counts",
    "detect_drift": "drift",
    "load_counts": "buckets",
    "load_latencies": "data",
    "warn_if_drift": "drift",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    """Import a public name when it is first used: a comparison of two samples needs no pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
