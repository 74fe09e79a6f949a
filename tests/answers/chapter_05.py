"""Answers to chapter 05: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import numpy as np
from scipy import stats

from utils.exercises.chapter_05 import (
    _base_rate_forgotten,
    _center_of_recent,
    _divided_by_historical,
    _false_alarms_of_all,
    _false_share,
    _flagged_and_failed,
    _flagged_before,
    _in_percent,
    _on_both_sides_at_once,
    _precision_by_counting,
    _recall_itself,
    _rule_in_use,
    _scores,
    _share_flagged,
    _share_of_healthy_that_pass,
    _slow_side_only,
    _spread_of_recent,
    _trained_on_both,
    _trained_on_recent,
    _true_to_false_flags,
    _two_sigma,
)
from utils.simulate import night


def _by_z_scores(historical, recent):
    z = (np.asarray(recent) - np.mean(historical)) / np.std(historical, ddof=1)
    return sum(abs(value) > 3 for value in z) / len(z)


def _rounded_precision(failing, recall, false_alarm_rate):
    return round(_precision_by_counting(failing, recall, false_alarm_rate), 2)


def _plain_limits(latencies):
    return latencies.mean() - 3 * latencies.std(), latencies.mean() + 3 * latencies.std()


def _extremes(latencies):
    return latencies.min(), latencies.max()


def _median_but_plain_spread(latencies):
    return np.median(latencies) - 3 * latencies.std(), np.median(latencies) + 3 * latencies.std()


def _unscaled_deviation(latencies):
    median = np.median(latencies)
    spread = np.median(np.abs(latencies - median))
    return median - 3 * spread, median + 3 * spread


def _slowest_tenth_cut_off(latencies):
    return _plain_limits(np.sort(latencies)[: int(0.9 * len(latencies))])


def _known_by_heart(latencies):
    return 99.0, 231.0


def _upper_first(latencies):
    low, high = _scaled_deviation(latencies)
    return high, low


def _scaled_deviation(latencies):
    median = np.median(latencies)
    spread = 1.4826 * np.median(np.abs(latencies - median))
    return median - 3 * spread, median + 3 * spread


def _from_quartiles(latencies):
    first, median, third = np.quantile(latencies, [0.25, 0.5, 0.75])
    spread = (third - first) / (2 * stats.norm.ppf(0.75))
    return [median - 3 * spread, median + 3 * spread]


def _clipped_until_stable(latencies):
    low, high = -np.inf, np.inf
    for _ in range(20):
        low, high = _plain_limits(latencies[(latencies >= low) & (latencies <= high)])
    return low, high


def _measured(name: str) -> tuple[float, float]:
    return _scores(night(name), _rule_in_use())


WRONG = {
    "5.1": (
        (_trained_on_recent, "learns from what it judges"),
        (_trained_on_both, "historical and recent requests together"),
        (_slow_side_only, "ends far too early"),
        (_in_percent, "percentage"),
        (_flagged_before, "historical requests"),
        (_two_sigma, "two standard deviations"),
        (_on_both_sides_at_once, "at once"),
        (_spread_of_recent, "the spread a recent one"),
        (_center_of_recent, "the center a recent one"),
        (_divided_by_historical, "divided by the number"),
        (0.024, "a function is expected"),
    ),
    "5.2": (
        (_base_rate_forgotten, "how rare"),
        (_share_of_healthy_that_pass, "flagged ones only"),
        (_false_share, "the other part"),
        (_recall_itself, "this is the recall"),
        (_flagged_and_failed, "divide by"),
        (_false_alarms_of_all, "healthy request only"),
        (_rounded_precision, "the precision, rounded"),
        (_true_to_false_flags, "for each false one"),
        (_share_flagged, "Which part of those"),
        (lambda failing, recall: failing * recall, "raised TypeError"),
    ),
    "5.3": (
        (_plain_limits, "moves a limit"),
        (_median_but_plain_spread, "moves a limit"),
        (_unscaled_deviation, "too narrow"),
        (_extremes, "wider"),
        (_slowest_tenth_cut_off, "cut off"),
        (_known_by_heart, "in seconds"),
        (_upper_first, "comes first"),
        (np.median, "a pair is expected"),
    ),
    "5.4": (
        (16, "You get one"),
        (32, "You get one"),
        (64, "You get one"),
        (4, "lottery"),
        (1_024, "smaller power of two"),
        (100, "a power of two"),
        ("many", "a number is expected"),
    ),
    "5.5": (
        (("page", *_measured("A")), "speaks against the decision"),
        (("don't page", *_measured("A")[::-1]), "changed places"),
        (("don't page", *(100 * value for value in _measured("A"))), "between 0 and 1"),
        (("don't page", 0.995, _measured("A")[1]), "were judged right"),
        ("don't page", "three things"),
        (("ignore", *_measured("A")), "choose one of"),
    ),
    "5.6": (
        (("don't page", *_measured("B")), "cannot overrule"),
        (("page", *_measured("B")[::-1]), "changed places"),
        (("page", _measured("B")[0], 1 - _measured("B")[1]), "were missed"),
        (("don't page", 0.90, 0.86), "how many were flagged"),
        (("page", 0.5), "three things"),
        (("page", "high", "low"), "a number is expected"),
    ),
}

RIGHT = {
    "5.1": (_by_z_scores,),
    "5.2": (
        lambda failing, recall, false_alarm_rate: 1 / (1 + (1 / failing - 1) * false_alarm_rate / recall),
    ),
    "5.3": (_scaled_deviation, _from_quartiles, _clipped_until_stable),
    "5.4": (np.int64(128), 128.0),
    "5.5": (["Don't page", *_measured("A")],),
    "5.6": (("page", *np.round(_measured("B"), 2)),),
}
