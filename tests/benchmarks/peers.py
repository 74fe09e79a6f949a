"""The other tools, where they are installed, each behind the same two functions.

None is needed. `make bench PEERS=1` makes an environment of its own for them: some want older libraries.
"""

import importlib.util
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Peer:
    """One tool.

    Attributes
    ----------
    fit : callable
        Takes the history, returns a function that checks one window.
    check_many : callable, optional
        Takes the history and windows of one length, one a row; fits, and returns a function that checks all
        in one call.
    check_frame : callable, optional
        Takes two DataFrames; fits to the first, and returns a function that checks the second.
    """

    name: str
    fit: Callable[[np.ndarray], Callable[[np.ndarray], Any]]
    check_many: Callable | None = None
    check_frame: Callable | None = None


def _alibi_detect():
    from alibi_detect.cd import KSDrift

    def fit(history):
        detector = KSDrift(history.astype(np.float32)[:, np.newaxis], p_val=0.05)
        return lambda window: detector.predict(window.astype(np.float32)[:, np.newaxis])

    def frame(history, recent):
        detector = KSDrift(history.to_numpy(np.float32), p_val=0.05)
        return lambda: detector.predict(recent.to_numpy(np.float32))

    return fit, None, frame


def _frouros():
    from frouros.detectors.data_drift import KSTest

    def fit(history):
        detector = KSTest()
        detector.fit(X=history)
        return lambda window: detector.compare(X=window)

    return fit, None, None


def _evidently():
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def compare(recent, history):
        return Report([DataDriftPreset(method="ks")]).run(recent, history).dict()

    def fit(history):
        history = pd.DataFrame({"value": history})
        return lambda window: compare(pd.DataFrame({"value": window}), history)

    return fit, None, lambda history, recent: lambda: compare(recent, history)


def _nannyml():
    from nannyml import UnivariateDriftCalculator

    def calculator(history, size):
        return UnivariateDriftCalculator(
            column_names=list(history.columns), continuous_methods=["kolmogorov_smirnov"], chunk_size=size
        ).fit(history)

    def fit(history):
        history = pd.DataFrame({"value": history})
        fitted = {}

        def check(window):
            if window.size not in fitted:
                fitted[window.size] = calculator(history, window.size)
            return fitted[window.size].calculate(pd.DataFrame({"value": window}))

        return check

    def many(history, windows):
        fitted = calculator(pd.DataFrame({"value": history}), windows.shape[1])
        series = pd.DataFrame({"value": windows.ravel()})
        return lambda: fitted.calculate(series)

    def frame(history, recent):
        fitted = calculator(history, len(recent))
        return lambda: fitted.calculate(recent)

    return fit, many, frame


def _river():
    from river.drift import KSWIN

    def fit(history):
        detector = KSWIN(window_size=1_000, seed=1, window=history[-1_000:].tolist())

        def check(window):
            return [detector.update(value) for value in window]

        return check

    return fit, None, None


PEERS = {
    "alibi-detect": ("alibi_detect", _alibi_detect),
    "frouros": ("frouros", _frouros),
    "evidently": ("evidently", _evidently),
    "nannyml": ("nannyml", _nannyml),
    "river": ("river", _river),
}


def installed():
    """Return the tools that can be imported, and say of the others why not, one line each."""
    found = []
    for name, (module, adapt) in PEERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name}: not installed")
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                functions = adapt()
        except Exception as error:
            reason = f"{type(error).__name__}: {error!s:.80}"
            print(f"{name} {metadata.version(name)}: does not import here ({reason})")
            continue
        logging.getLogger(module).setLevel(logging.ERROR)
        print(f"{name} {metadata.version(name)}: installed")
        found.append(Peer(name, *functions))
    print(flush=True)
    return found
