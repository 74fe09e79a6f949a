"""Answers to chapter 05: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
from scipy import stats

from utils.exercises.chapter_05 import _mad, _scores


def _by_z_scores(historical, recent):
    z = (np.asarray(recent) - np.mean(historical)) / np.std(historical, ddof=1)
    return sum(abs(value) > 3 for value in z) / len(z)


def _by_counting(historical, recent):
    center, spread, flagged = sum(historical) / len(historical), np.std(historical), 0
    for latency in recent:
        if latency < center - 3 * spread or latency > center + 3 * spread:
            flagged += 1
    return flagged / len(recent)


def _sorted_in_place(historical, recent):
    recent.sort()
    return np.mean(np.abs(recent - historical.mean()) > 3 * historical.std())


def _with_the_course_s_limits(historical, recent):
    return np.mean((recent < 90.1) | (recent > 208.7))


def _mean_of_the_flagged(historical, recent):
    return recent[np.abs(recent - historical.mean()) > 3 * historical.std()].mean()


def _precision_at_2_percent(failing, recall, false_alarm_rate):
    return 0.02 * recall / (0.02 * recall + 0.98 * false_alarm_rate)


def _by_counting_requests(failing, recall, false_alarm_rate):
    flagged_and_failed = 1_000_000 * failing * recall
    return flagged_and_failed / (flagged_and_failed + 1_000_000 * (1 - failing) * false_alarm_rate)


def _plain_limits(latencies):
    return latencies.mean() - 3 * latencies.std(), latencies.mean() + 3 * latencies.std()


def _median_but_plain_spread(latencies):
    return np.median(latencies) - 3 * latencies.std(), np.median(latencies) + 3 * latencies.std()


def _unscaled_deviation(latencies):
    median = np.median(latencies)
    return median - 2 * _mad(latencies), median + 2 * _mad(latencies)


def _slowest_tenth_cut_off(latencies):
    return _plain_limits(np.sort(latencies)[: int(0.9 * len(latencies))])


def _scaled_deviation(latencies):
    return np.median(latencies) - 3 * _mad(latencies), np.median(latencies) + 3 * _mad(latencies)


def _deviation_of_sorted(latencies):
    latencies.sort()
    return _scaled_deviation(latencies)


def _part_of_the_center(latencies):
    return 0.6 * np.median(latencies), 1.4 * np.median(latencies)


def _from_quartiles(latencies):
    first, median, third = np.quantile(latencies, [0.25, 0.5, 0.75])
    spread = (third - first) / (2 * stats.norm.ppf(0.75))
    return [median - 3 * spread, median + 3 * spread]


def _clipped_until_stable(latencies):
    low, high = -np.inf, np.inf
    for _ in range(20):
        low, high = _plain_limits(latencies[(latencies >= low) & (latencies <= high)])
    return low, high


def _by_pandas(latencies):
    center = latencies.median()
    spread = (latencies.quantile(0.75) - latencies.quantile(0.25)) / 1.349
    return {"low": center - 3 * spread, "high": center + 3 * spread}


def _measured(name, ddof=0):
    return _scores(name, ddof=ddof)[:2]


WRONG = {
    "5.1": (
        (_sorted_in_place, "Work on a copy"),
        (_with_the_course_s_limits, "whatever `historical` is"),
        (_mean_of_the_flagged, "is expected"),
        (
            lambda historical, recent: np.mean(abs(recent - historical.mean()) > 2.5 * historical.std()),
            "for recent",
        ),
        (
            lambda historical, recent: np.mean(abs(recent - historical.mean()) <= 3 * historical.std()),
            "one minus",
        ),
        (0.024, "a function is expected"),
    ),
    "5.2": (
        (_precision_at_2_percent, "whatever `failing` is"),
        (
            lambda failing, recall, false_alarm_rate: round(
                _by_counting_requests(failing, recall, false_alarm_rate), 2
            ),
            "rounds",
        ),
        (
            lambda recall, failing, false_alarm_rate: _by_counting_requests(
                failing, recall, false_alarm_rate
            ),
            "swapped",
        ),
        (lambda failing, recall: failing * recall, "raised TypeError"),
    ),
    "5.3": (
        (_plain_limits, "moves a limit"),
        (_median_but_plain_spread, "moves a limit"),
        (_unscaled_deviation, "too narrow"),
        (_slowest_tenth_cut_off, "cut off"),
        (lambda latencies: np.quantile(latencies, [0.00135, 0.99865]), "moves a limit"),
        (lambda latencies: (latencies.min(), latencies.max()), "too wide"),
        (lambda latencies: (99.0, 231.0), "that do not follow"),
        (lambda latencies: np.divide(_scaled_deviation(latencies), 1_000), "that do not follow"),
        (lambda latencies: _scaled_deviation(latencies)[::-1], "comes first"),
        (lambda latencies: (latencies.mean(), 3 * latencies.std()), "is a width"),
        (lambda latencies: (-3 * _mad(latencies), 3 * _mad(latencies)), "around which center"),
        (_part_of_the_center, "that do not follow"),
        (lambda latencies: (np.median(latencies) - 66, np.median(latencies) + 66), "that do not follow"),
        (_deviation_of_sorted, "Work on a copy"),
        (np.median, "2 things are expected"),
    ),
    "5.4": (
        (4, "lottery"),
        (8, "lottery"),
        (1_024, "smaller power of two"),
        (100, "a power of two"),
        (0, "a power of two"),
        ("many", "a number is expected"),
    ),
    "5.5": (
        (("page", *_measured("A")), "speaks against the decision"),
        (("don't page", *(100 * value for value in _measured("A"))), "between 0 and 1"),
        (("don't page", 0.9, 0.8), "to two decimals"),
        (("don't page", 0.30, 0.40), "were flagged"),
        ("don't page", "3 things"),
        (("ignore", *_measured("A")), "choose one of"),
    ),
    "5.6": (
        (("don't page", *_measured("B")), "overrule a measured loss"),
        (("don't page", 0.90, 0.86), "were flagged"),
        (("page", 0.5), "3 things"),
        (("page", "high", "low"), "a number is expected"),
    ),
}

RIGHT = {
    "5.1": (_by_z_scores, _by_counting),
    "5.2": (
        _by_counting_requests,
        lambda failing, recall, false_alarm_rate: 1 / (1 + (1 / failing - 1) * false_alarm_rate / recall),
    ),
    "5.3": (_scaled_deviation, _from_quartiles, _clipped_until_stable, _by_pandas),
    "5.4": (np.int64(128), 128.0),
    "5.5": (
        ["Don't page", *_measured("A")],
        ("do not page", *_measured("A", ddof=1)),
        {"decision": "don't page", "recall": _measured("A")[1], "precision": np.float64(_measured("A")[0])},
    ),
    "5.6": (("page", *np.round(_measured("B"), 2)),),
}
