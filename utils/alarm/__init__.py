"""A drift alarm to take home: copy this folder into a project and import it under any name.

`detect_drift` compares two samples, `warn_if_drift` turns that into a warning, `DriftMonitor` compares many
windows under one budget of false alarms, `load_latencies` reads a file, and ``python -m alarm`` (or
``detect-drift``) does it all from a shell. The folder knows nothing of the course around it.
"""

from .data import load_latencies
from .drift import DataDriftWarning, detect_drift, warn_if_drift
from .monitor import DriftMonitor

__all__ = ["DataDriftWarning", "DriftMonitor", "detect_drift", "load_latencies", "warn_if_drift"]
