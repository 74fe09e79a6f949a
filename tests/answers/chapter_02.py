"""Answers to chapter 02: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np

from utils import simulate
from utils.exercises.chapter_02 import kind_by_quantiles
from utils.simulate import weekdays


def _kinds(**changed: str) -> dict[str, str]:
    """Return the right kinds with some days changed."""
    historical, _ = simulate.course_latencies()
    return {day: kind_by_quantiles(historical, ms) for day, ms in weekdays().items()} | changed


def _day_of(kind: str) -> str:
    return next(day for day, its_kind in _kinds().items() if its_kind == kind)


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


def _ecdf_strictly_below(sample, at):
    return np.searchsorted(np.sort(sample), at, side="left") / len(sample)


def _ecdf_unsorted(sample, at):
    return np.searchsorted(sample, at, side="right") / len(sample)


def _ecdf_counts(sample, at):
    return np.searchsorted(np.sort(sample), at, side="right")


def _ecdf_above(sample, at):
    return 1 - _ecdf_by_search(sample, at)


def _ecdf_interpolated(sample, at):
    values, counts = np.unique(sample, return_counts=True)
    return np.interp(at, values, np.cumsum(counts) / len(sample), left=0)


def _ecdf_one_value(sample, at):
    return np.mean(np.asarray(sample) <= np.mean(at))


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
    return f"Recent requests: median {abs(moved):.1f} ms {'faster' if moved < 0 else 'slower'}"


def _title_always(historical, recent):
    moved = _moved_ms(historical, recent)
    return f"Recent requests are {abs(moved):.0f} ms {'slower' if moved > 0 else 'faster'}"


def _title_of_means(historical, recent):
    moved = np.mean(recent) - np.mean(historical)
    if abs(moved) < 3:
        return "no visible shift"
    return f"Recent requests are {abs(moved):.0f} ms {'slower' if moved > 0 else 'faster'}"


def _title_with_another_limit(historical, recent):
    return "no visible shift" if abs(_moved_ms(historical, recent)) < 5 else _title_always(historical, recent)


def _title_signed(historical, recent):
    moved = _moved_ms(historical, recent)
    return "no visible shift" if abs(moved) < 3 else f"Recent requests are {moved:.0f} ms slower"


def _title_without_amount(historical, recent):
    moved = _moved_ms(historical, recent)
    return (
        "no visible shift"
        if abs(moved) < 3
        else "Requests are slower"
        if moved > 0
        else "Requests are faster"
    )


def _title_of_the_method(historical, recent):
    return "Kernel density estimate of latency, historical and recent"


def _title_with_both_words(historical, recent):
    title = _title_right(historical, recent)
    return "no visible shift, neither slower nor faster" if title.startswith("No") else title


def _title_that_cuts(historical, recent):
    moved = int(_moved_ms(historical, recent))
    return "no visible shift" if abs(moved) < 3 else f"{abs(moved)} ms {'slower' if moved > 0 else 'faster'}"


def _title_rounded_first(historical, recent):
    moved = round(_moved_ms(historical, recent))
    return "no visible shift" if abs(moved) < 3 else f"{abs(moved)} ms {'slower' if moved > 0 else 'faster'}"


def _title_slower_only(historical, recent):
    moved = _moved_ms(historical, recent)
    return f"{moved:.0f} ms slower" if moved >= 3 else "no visible shift"


def _title_unrounded(historical, recent):
    moved = _moved_ms(historical, recent)
    direction = "slower" if moved > 0 else "faster"
    return "no visible shift" if abs(moved) < 3 else f"Recent requests are {abs(moved)} ms {direction}"


WRONG = {
    "2.1": (
        (0.018, "height of the curve"),
        (18, "reads as percent"),
        (90, "counts requests"),
        (0.13, "historical requests"),
        (np.mean(np.abs(simulate.course_latencies(drifted=False)[1] - 165) <= 5), "no-drift control"),
        (0.59, "two edges"),
        ("0.18", "a number is expected"),
    ),
    "2.2": (
        (0.5, "where there is no bad node"),
        (1, "smooths over the bad node"),
        (2, "smooths over the bad node"),
        (0.6, "choose one of"),
    ),
    "2.3": (
        (_ecdf_strictly_below, "exactly as long"),
        (_ecdf_unsorted, "as if it were sorted"),
        (_ecdf_counts, "A share ends at 1"),
        (_ecdf_above, "the share above"),
        (lambda sample, at: np.round(_ecdf_by_search(sample, at), 2), "rounds"),
        (_ecdf_interpolated, "staircase"),
        (_ecdf_one_value, "one share per latency"),
        (_ecdf_broadcast, "your function raised ValueError"),
        (_ecdf_that_sorts_its_input, "caller's own list"),
        (0.5, "a function is expected"),
    ),
    "2.4": (
        (_kinds(**{_day_of("spread"): "shift"}), "every quantile by about the same"),
        (_kinds(**{_day_of("tail"): "spread"}), "too steep"),
        (_kinds(**{_day_of("tail"): "none"}), "near the line"),
        (_kinds(**{_day_of("none"): "tail"}), "last few points"),
        (_kinds(**{_day_of("shift"): "none"}), "near the line"),
        ({"Monday": "shift"}, "is missing"),
        (_kinds(Monday="mean"), "choose one of"),
        ("shift", "a dictionary is expected"),
    ),
    "2.5": (
        (50, "on average"),
        (100, "hold not one retry"),
        (149, "hold not one retry"),
        (459, "the smallest"),
        (0.99, "a whole number"),
    ),
    "2.6": (
        (_title_always, "claims nothing when nothing drifted"),
        (_title_of_means, "is not moved by a few timeouts"),
        (_title_with_another_limit, "draws the line at 3 ms"),
        (_title_signed, 'says "faster" when they are faster'),
        (_title_without_amount, "gives the amount in ms"),
        (_title_of_the_method, 'says "slower"'),
        (_title_unrounded, "one short line, rounded"),
        (_title_with_both_words, "claims nothing when nothing drifted"),
        (_title_that_cuts, "gives the amount in ms"),
        (_title_rounded_first, "draws the line at 3 ms"),
        (_title_slower_only, 'says "faster" when they are faster'),
        ("Recent requests are 15 ms slower", "a function is expected"),
    ),
}

RIGHT = {
    "2.1": (np.float64(0.18), 0.175),
    "2.2": (np.float64(0.75),),
    "2.3": (_ecdf_by_search, _ecdf_one_by_one, _ecdf_by_scipy, _ecdf_in_a_list),
    "2.4": ({day: kind.upper() for day, kind in _kinds().items()}, tuple(_kinds().items())),
    "2.5": (228, np.int64(230), 228.0),
    "2.6": (_title_right,),
}
