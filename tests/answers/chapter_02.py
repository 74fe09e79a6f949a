"""Answers to chapter 02: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.exercises.chapter_02 import DAYS


def _kinds(**changed: str) -> dict[str, str]:
    """Return the right kinds with some days changed."""
    return DAYS | changed


def _ecdf_by_search(sample, at):
    return np.searchsorted(np.sort(sample), at, side="right") / len(sample)


def _ecdf_one_by_one(sample, at):
    if np.ndim(at):
        return [_ecdf_one_by_one(sample, latency) for latency in at]
    return sum(latency <= at for latency in sample) / len(sample)


def _ecdf_in_a_list(sample, at):
    return [float(np.mean(np.asarray(sample) <= latency)) for latency in np.atleast_1d(at)]


def _ecdf_by_scipy(sample, at):
    from scipy.stats import ecdf

    return ecdf(sample).cdf.evaluate(at)


def _ecdf_right_for_sorted_input(sample, at):
    shares, counted = [], 0
    sample = np.sort(sample)
    for latency in at if np.ndim(at) else [at]:
        while counted < len(sample) and sample[counted] <= latency:
            counted += 1
        shares.append(counted / len(sample))
    return shares if np.ndim(at) else shares[0]


def _ecdf_of_arrays_only(sample, at):
    return [np.mean(np.asarray(sample) <= latency) for latency in at]


def _ecdf_that_needs_an_array(sample, at):
    return (sample[:, np.newaxis] <= at).mean(axis=0)


def _ecdf_of_pandas(sample, at):
    sample = pd.Series(sample)
    return (sample <= at).mean() if np.isscalar(at) else pd.Series(at).map(lambda ms: (sample <= ms).mean())


def _ecdf_by_comparing_all(sample, at):
    return (
        np.mean(np.asarray(sample)[:, None] <= at, axis=0) if np.ndim(at) else np.mean(np.array(sample) <= at)
    )


def _ecdf_by_interpolating_steps(sample, at):
    values, counts = np.unique(sample, return_counts=True)
    shares = np.append(0, np.cumsum(counts)) / len(sample)
    return shares[np.searchsorted(values, at, side="right")]


def _ecdf_above(sample, at):
    return 1 - _ecdf_by_search(sample, at)


def _ecdf_broadcast(sample, at):
    return (np.asarray(sample) <= at).mean()


def _ecdf_that_sorts_its_input(sample, at):
    sample.sort()
    return np.searchsorted(sample, at, side="right") / len(sample)


def _moved_ms(historical, recent) -> float:
    return float(np.median(recent) - np.median(historical))


def _title_right(historical, recent):
    moved = _moved_ms(historical, recent)
    if abs(moved) < 3:
        return "No visible shift of the median"
    return f"Recent requests: median {abs(moved):.0f} ms {'faster' if moved < 0 else 'slower'}"


def _title_in_tenths(historical, recent):
    return _title_right(historical, recent).replace(" ms", ".0 ms")


def _title_above_the_limit(historical, recent):
    return "no visible shift" if abs(_moved_ms(historical, recent)) <= 3 else _title_right(historical, recent)


def _title_of_one_sign(historical, recent):
    return "no visible shift" if _moved_ms(historical, recent) < 3 else _title_right(historical, recent)


def _title_by_quantile(historical, recent):
    before, after = (np.percentile(latencies, 50) for latencies in (historical, recent))
    if -3 < after - before < 3:
        return f"No visible shift ({round(after - before)} ms)"
    return "Median is {:.0f} ms {}".format(abs(after - before), "SLOWER" if after > before else "FASTER")


def _title_of_pandas(historical, recent):
    moved = pd.Series(recent).median() - pd.Series(historical).median()
    if abs(moved) >= 3:
        return f"{'Slower' if moved > 0 else 'Faster'} by {round(abs(moved))} ms"
    return "no visible shift"


def _title_printed(historical, recent):
    print(_title_right(historical, recent))


def _title_always(historical, recent):
    moved = _moved_ms(historical, recent)
    return f"Recent requests are {abs(moved):.0f} ms {'slower' if moved > 0 else 'faster'}"


def _title_of_means(historical, recent):
    moved = np.mean(recent) - np.mean(historical)
    return (
        "no visible shift" if abs(moved) < 3 else f"{abs(moved):.0f} ms {'slower' if moved > 0 else 'faster'}"
    )


def _title_signed(historical, recent):
    title, moved = _title_right(historical, recent), _moved_ms(historical, recent)
    return title.replace("median ", "median -") if moved < 0 else title


def _title_with_both_words(historical, recent):
    title = _title_right(historical, recent)
    return "no visible shift, neither slower nor faster" if title.startswith("No") else title


def _title_that_cuts(historical, recent):
    moved = int(_moved_ms(historical, recent))
    return "no visible shift" if abs(moved) < 3 else f"{abs(moved)} ms {'slower' if moved > 0 else 'faster'}"


def _title_rounded_first(historical, recent):
    moved = round(_moved_ms(historical, recent))
    return "no visible shift" if abs(moved) < 3 else f"{abs(moved)} ms {'slower' if moved > 0 else 'faster'}"


WRONG = {
    "2.1": (
        (0.018, "height of the curve"),
        (18, "multiply by 100"),
        (0.59, "how many edges"),
        (0.58, "how many edges"),
        (0.09, "more than a tenth"),
        (1.8, "between 0 and 1"),
        ("0.18", "a number is expected"),
        (np.array([True, False]), "a number is expected"),
    ),
    "2.2": (
        (0.6, "choose one of"),
        ("1.5", "a number is expected"),
    ),
    "2.3": (
        (_ecdf_above, "one minus"),
        (lambda sample, at: np.round(_ecdf_by_search(sample, at), 2), "rounds"),
        (lambda sample, at: 100 * _ecdf_by_search(sample, at), "percent"),
        (_ecdf_broadcast, "your function raised ValueError"),
        (_ecdf_that_sorts_its_input, "changes what it was given"),
        (_ecdf_in_a_list, "an array of one"),
        (_ecdf_right_for_sorted_input, "eight latencies"),
        (_ecdf_of_arrays_only, "for a single latency"),
        (_ecdf_that_needs_an_array, "a list"),
        (0.5, "a function is expected"),
    ),
    "2.4": (
        ({"Monday": "shift"}, "Tuesday, Wednesday and Thursday are missing"),
        (_kinds(Monday="mean"), "choose one of"),
        ("shift", "4 things are expected"),
    ),
    "2.5": (
        (50, "on average"),
        (100, "hold not one retry"),
        (149, "one window in twenty"),
        (205, "take more windows"),
        (250, "how many fewer"),
        ([217, 239], "a number is expected"),
    ),
    "2.6": (
        (_title_always, "claims nothing when nothing drifted"),
        (_title_of_means, "is not moved by a few timeouts"),
        (_title_above_the_limit, "medians +3 ms apart"),
        (_title_signed, "by a minus sign"),
        (_title_of_one_sign, "can a difference be below zero"),
        (_title_in_tenths, "round to whole ms"),
        (_title_with_both_words, "claims nothing when nothing drifted"),
        (_title_that_cuts, "by how much did the median move"),
        (_title_rounded_first, "before rounding"),
        (_title_printed, "is a return missing"),
        ("Recent requests are 15 ms slower", "a function is expected"),
    ),
}

RIGHT = {
    "2.1": (np.float64(0.174), 0.18, np.float32(0.1799)),
    "2.2": (np.float64(0.75),),
    "2.3": (
        _ecdf_by_search,
        _ecdf_one_by_one,
        _ecdf_by_scipy,
        _ecdf_of_pandas,
        _ecdf_by_comparing_all,
        _ecdf_by_interpolating_steps,
    ),
    "2.4": (
        {day: kind.upper() for day, kind in _kinds().items()},
        {day.lower(): kind for day, kind in _kinds().items()},
        pd.Series(_kinds()),
    ),
    "2.5": (228, np.int64(230), 228.0, np.log(0.01) / np.log(0.98), 219),
    "2.6": (_title_right, _title_by_quantile, _title_of_pandas),
}
