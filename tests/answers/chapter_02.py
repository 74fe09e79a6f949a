"""Answers to chapter 02: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from utils.exercises.chapter_02 import INCIDENTS


def _largest(of_panel):
    """Return a rule that picks the panel with the largest result of a function of its two samples."""
    return lambda befores, afters: 1 + int(np.argmax(list(map(of_panel, befores, afters))))


def _between_quartiles(sample):
    return np.subtract(*np.quantile(sample, [0.75, 0.25]))


WRONG = {
    "2.1": (
        (0.125, "which is how many times the other"),
        (16, "two things make"),
        (6.7, "heights scatter"),
        (9.8, "heights scatter"),
        ("8", "a number is expected"),
    ),
    "2.2": (
        (0.5, "one window is one row"),
        (0.005, "or a smaller factor"),
        (91, "multiply by 100"),
        ("0.9", "a number is expected"),
    ),
    "2.3": ((100, "choose one of"), ("240", "a number is expected")),
    "2.4": (
        ({"factor": "steeper, all above"}, "queue and limit are missing"),
        (INCIDENTS | {"limit": "rounded"}, "choose one of"),
        ("last points leave", "3 things are expected"),
    ),
    "2.5": (
        (-5, "at least one request"),
        (0, "at least one request"),
        (1, "hold no retry"),
        (50, "on average"),
        (100, "hold no retry"),
        (149, "one window in twenty"),
        (205, "how many more"),
        (250, "how many fewer"),
        ([217, 239], "a number is expected"),
    ),
    "2.6": (
        (
            _largest(lambda before, after: abs(after.mean() - before.mean())),
            "does what it compares differ here",
        ),
        (lambda befores, afters: np.abs(afters.std(axis=1) - befores.std(axis=1)).argmax(), "panel 0"),
        (_largest(lambda before, after: ks_2samp(before, after).statistic), "at least 70"),
        (lambda befores, afters: 3, "picks panel 3 in every line-up"),
        (lambda befores, afters: afters.std(axis=1) - befores.std(axis=1), "a number is expected"),
        (lambda befores, afters: 1 + np.abs(np.std(afters) - np.std(befores)).argmax(), "panel 1 in every"),
        (lambda befores, afters: 1 + (befores.std(axis=1) - afters.std(axis=1)).argmax(), "wrong way round"),
        (3, "a function is expected"),
    ),
}

RIGHT = {
    "2.1": (8.0, np.float64(8.2), 7.4),
    "2.2": (np.float64(0.865), 0.97),
    "2.3": (240.0, np.int64(240)),
    "2.4": ({name.upper(): kind.upper() for name, kind in INCIDENTS.items()}, pd.Series(INCIDENTS)),
    "2.5": (228, np.int64(230), 228.0, np.log(0.01) / np.log(0.98), 219),
    "2.6": (
        _largest(lambda before, after: after.var() / before.var()),
        _largest(lambda before, after: abs(_between_quartiles(after) - _between_quartiles(before))),
        _largest(lambda before, after: np.abs(after - 150).mean() - np.abs(before - 150).mean()),
        lambda befores, afters: int(
            pd.DataFrame(afters.T - 0).std().sub(pd.DataFrame(befores.T).std()).argmax() + 1
        ),
    ),
}
