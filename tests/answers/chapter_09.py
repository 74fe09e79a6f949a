"""Answers to chapter 09: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import math

import numpy as np

from utils.alarm.drift import detect_drift
from utils.exercises.chapter_09 import (
    _against_its_own_kind,
    _against_the_window_before,
    _always_at_five_percent,
    _before_the_first_page,
    _below_the_doubt,
    _confidence_for_doubt,
    _cut_off,
    _distance_for_p,
    _doubt_alone,
    _everybody_waits,
    _everything,
    _factor_not_growth,
    _fast_rows,
    _from_a_window_wholly_after,
    _from_the_first_page_of_all,
    _from_the_start_of_the_window,
    _in_means,
    _in_seconds,
    _in_windows,
    _last_page,
    _mean_p_value,
    _multiplied_by_share,
    _never_means_everything,
    _never_means_minus_one,
    _never_means_zero,
    _new_mean,
    _not_one_window,
    _not_rounded,
    _number_of_pages,
    _of_all_requests,
    _one_less,
    _one_over_share,
    _one_test_of_everything,
    _only_pages,
    _page_at_the_very_end_counts,
    _percent_of_pages,
    _powers_of_the_share,
    _requests_late,
    _rolled,
    _rounded_down,
    _rounded_to_the_nearest,
    _share_of_pages,
    _share_of_silence,
    _shared_with_the_rest,
    _sorted,
    _straight_line,
    _the_moment_of_the_page,
    _total_of_the_slow,
    _window_numbers,
    _windows,
    _with_the_leftover,
    _without_pages,
    _without_the_window_after,
    _without_the_windows_around,
)


def _reads_words_anywhere(status, output):
    if "can't say" in output:
        return "service"
    return {0: "nothing", 1: "page"}.get(status, "alarm") if "verdict:" in output else "alarm"


def _with_a_match(status, output):
    lines = output.splitlines()
    judged = any(line.startswith("verdict:") for line in lines)
    refused = any(line.startswith("can't say:") for line in lines)
    match (int(status), judged, refused):
        case (0, True, _):
            return "Nothing"
        case (1, True, _):
            return np.array("page")
        case (2, _, True):
            return "service"
    return "alarm"


WRONG = {
    "9.1": (
        (_number_of_pages, "counts the pages"),
        (_percent_of_pages, "percentage"),
        (_share_of_silence, "do not page"),
        (_one_test_of_everything, "one test of all requests"),
        (_always_at_five_percent, "every alpha"),
        (_against_its_own_kind, "contains it"),
        (_against_the_window_before, "the one before"),
        (_with_the_leftover, "fill no window"),
        (_distance_for_p, "compares D with `alpha`"),
        (_mean_p_value, "mean p-value"),
        (_of_all_requests, "number of requests"),
        (lambda historical, unchanged, window, alpha: alpha, "One KS test a window"),
        (
            lambda historical, unchanged, window, alpha: unchanged.reshape(-1, window),
            "a number is expected",
        ),
        (0.05, "a function is expected"),
    ),
    "9.2": (
        (_from_the_first_page_of_all, "false page"),
        (_from_the_start_of_the_window, "once it is full"),
        (_in_windows, "counts windows"),
        (_from_a_window_wholly_after, "requests of both versions"),
        (_the_moment_of_the_page, "Count from the deployment"),
        (_never_means_zero, "return None"),
        (_never_means_everything, "not a delay"),
        (_never_means_minus_one, "return None"),
        (_last_page, "this is the last page"),
        (lambda *case: _requests_late(*case) or math.inf, "return None, not inf"),
        (lambda *case: _requests_late(*case) or False, "return None, not False"),
        (_page_at_the_very_end_counts, "none of the new one"),
        (lambda deployed_at, paged, window: paged.index(True) * window, "the count is another one"),
        (lambda deployed_at, paged, window: print(deployed_at), "return missing"),
        (80, "a function is expected"),
    ),
    "9.3": (
        (_one_over_share, "on average"),
        (_powers_of_the_share, "chance that it does not"),
        (_rounded_down, "Round the other way"),
        (_cut_off, "Round the other way"),
        (_rounded_to_the_nearest, "can be too small"),
        (_not_one_window, "in one window at least"),
        (_below_the_doubt, "exactly `doubt` is accepted"),
        (_not_rounded, "whole numbers"),
        (_straight_line, "chances of missing multiply"),
        (_one_less, "one window fewer"),
        (_doubt_alone, "own share matters"),
        (_confidence_for_doubt, "changed places"),
        (
            lambda share_caught, doubt: math.ceil(math.log(doubt) / math.log(1 - share_caught)),
            "ValueError",
        ),
        (2, "a function is expected"),
    ),
    "9.4": (
        (_everything, "takes it for normal"),
        (_without_pages, "may hold the beginning"),
        (_without_the_window_after, "begins in the window before"),
        (_only_pages, "throws the healthy ones away"),
        (_without_the_windows_around, "Only the one before"),
        (_rolled, "no next one"),
        (_sorted, "in their order"),
        (_before_the_first_page, "after the rollback"),
        (_window_numbers, "numbers of windows"),
        (_fast_rows, "sorts out slow requests"),
        (lambda latencies, paged, window: latencies[:-1], "whole windows"),
        (lambda latencies, paged, window: print(len(latencies)), "return missing"),
        ([1.0, 2.0], "a function is expected"),
    ),
    "9.5": (
        (_factor_not_growth, "grow *to* factor"),
        (_everybody_waits, "Only a share does"),
        (_multiplied_by_share, "other way round"),
        (_new_mean, "mean at which the alert pages"),
        (_shared_with_the_rest, "do not wait"),
        (_total_of_the_slow, "on top"),
        (_in_seconds, "in seconds"),
        (_in_means, "times the mean"),
        (lambda mean_ms, factor, share: mean_ms, "solve for the wait"),
        (7_500, "a function is expected"),
    ),
    "9.6": (
        (lambda status, output: "page" if status else "nothing", "teaches her to ignore the pager"),
        (lambda status, output: "page" if status == 1 else "nothing", "silent in every incident"),
        (lambda status, output: {0: "page", 1: "nothing"}.get(status, "alarm"), "no work for anyone"),
        (lambda status, output: "alarm" if status else "nothing", "the one case to wake for"),
        (lambda status, output: {0: "nothing", 1: "page", 2: "service"}[status], "KeyError (3)"),
        (lambda status, output: {0: "nothing", 1: "page", 2: "service"}.get(status, "alarm"), "7 of 10"),
        (
            lambda status, output: {0: "nothing", 1: "page", 2: "service"}.get(status, "nothing"),
            "silent in every",
        ),
        (
            lambda status, output: "page" if "verdict: " in output and status else "alarm",
            "no work for anyone",
        ),
        (_reads_words_anywhere, "no such command"),
        (lambda status, output: status == 1, "choose one of"),
        (lambda status: "alarm", "positional argument"),
        ("page", "a function is expected"),
    ),
}

RIGHT = {
    "9.1": (
        lambda h, u, w, a: sum(detect_drift(h, x, alpha=a).drifted for x in _windows(u, w)) / (len(u) // w),
        lambda h, u, w, a: np.array([_share_of_pages(list(h), list(u), w, a)]),
    ),
    "9.2": (lambda deployed_at, paged, window: _requests_late(deployed_at, np.array(paged), window),),
    "9.3": (
        lambda c, d: 1 if c >= 1 else max(1, math.ceil(math.log(d) / math.log(1 - c))),
        lambda c, d: np.int64(next(k for k in range(1, 10_000) if (1 - c) ** k <= d)),
    ),
    "9.4": (
        lambda latencies, paged, window: [
            latency
            for number in range(len(paged))
            if not any(paged[number : number + 2])
            for latency in latencies[number * window : (number + 1) * window]
        ],
    ),
    "9.5": (
        lambda mean_ms, factor, share: mean_ms * factor / share - mean_ms / share,
        lambda mean_ms, factor, share: np.array([(factor * mean_ms - mean_ms) / share]),
        lambda mean_ms, factor, share: round((factor - 1) * mean_ms / share, 2),
    ),
    "9.6": (_with_a_match,),
}
