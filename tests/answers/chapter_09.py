"""Answers to chapter 09: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from utils.alarm.drift import detect_drift

# 9.1: A against A ------------------------------------------------------------------------------------------


def _share_where(rejects):
    """Return the function of 9.1 that finds by this whether a window of it pages."""

    def share(historical, unchanged, window, alpha):
        starts = range(0, len(unchanged) - window + 1, window)
        return np.mean([rejects(historical, unchanged[first : first + window], alpha) for first in starts])

    return share


def _by_asymptotic_p(historical, window, alpha):
    return stats.ks_2samp(historical, window, method="asymp").pvalue <= alpha


def _by_kolmogorovs_limit(historical, window, alpha):
    n, m = len(historical), len(window)
    return detect_drift(historical, window).statistic > stats.kstwobign.isf(alpha) * np.sqrt(
        (n + m) / (n * m)
    )


def _counting(historical, unchanged, window, alpha):
    count = pages = 0
    while (count + 1) * window <= len(unchanged):
        one = list(unchanged[count * window : (count + 1) * window])
        pages += stats.ks_2samp(list(historical), one).pvalue < alpha
        count += 1
    return pages / count


def _only_the_first_window(historical, unchanged, window, alpha):
    return detect_drift(historical, unchanged[:window], alpha=alpha).drifted


# 9.2: how late is a page -----------------------------------------------------------------------------------


def _late_by_array(deployed_at, paged, window):
    late = window * (np.flatnonzero(paged) + 1) - deployed_at
    return late[late > 0].min() if (late > 0).any() else None


def _late_by_walking(deployed_at, paged, window):
    served = 0
    for page in paged:
        served += window
        if served > deployed_at and page:
            return served - deployed_at


def _late_or(never):
    def late(deployed_at, paged, window):
        found = _late_by_walking(deployed_at, paged, window)
        return never if found is None else found

    return late


# 9.3: how long to look -------------------------------------------------------------------------------------


def _quiet_by_product(share_caught, doubt):
    hidden, number = 1.0, 0
    while hidden > doubt:
        hidden *= 1 - share_caught
        number += 1
    return number


# 9.4: what to retrain on -----------------------------------------------------------------------------------


def _healthy_by_loop(latencies, paged, window):
    return [
        latency
        for number in range(len(paged))
        if not any(paged[number : number + 2])
        for latency in latencies[number * window : (number + 1) * window]
    ]


def _healthy_by_pandas(latencies, paged, window):
    pages = pd.Series(paged, dtype=bool)
    keep = ~(pages | pages.shift(-1, fill_value=False))
    return pd.Series(latencies)[keep.to_numpy().repeat(window)]


def _healthy_windows(latencies, paged, window):
    return [
        latencies[number * window : (number + 1) * window]
        for number in range(len(paged))
        if not any(paged[number : number + 2])
    ]


def _deletes_in_place(latencies, paged, window):
    right = _healthy_by_loop(latencies, paged, window)
    latencies.sort()
    return right


def _one_request_before(latencies, paged, window):
    bad = np.repeat(paged, window)
    return latencies[~(bad | np.append(bad[1:], False))]


# 9.6: what cron does ---------------------------------------------------------------------------------------


def _reads_words_anywhere(status, output):
    if "lost its numbers" in output:
        return "service"
    return {0: "nothing", 1: "page"}.get(status, "alarm") if "verdict:" in output else "alarm"


def _reads_the_last_line(status, output):
    last = output.splitlines()[-1] if output else ""
    if last.startswith("verdict:"):
        return {0: "nothing", 1: "page"}.get(status, "alarm")
    return "service" if status == 3 and last.startswith("the service lost its numbers:") else "alarm"


def _reads_the_output_only(status, output):
    beginnings = [line.partition(":")[0] for line in output.splitlines()]
    if "verdict" in beginnings:
        return "page" if "  Drift" in output else "nothing"
    return "service" if "the service lost its numbers" in beginnings else "alarm"


def _with_a_match(status, output):
    lines = output.splitlines()
    judged = any(line.startswith("verdict:") for line in lines)
    lost = any(line.startswith("the service lost its numbers:") for line in lines)
    match (int(status), judged, lost):
        case (0, True, _):
            return "Nothing"
        case (1, True, _):
            return np.array("page")
        case (3, _, True):
            return "service"
    return "alarm"


def _but(mistaken, codes):
    """Return a right function of 9.6, but for statuses that make it say something else."""
    return lambda status, output: mistaken if status in codes else _with_a_match(status, output)


WRONG = {
    "9.1": (
        (
            _share_where(lambda historical, one, alpha: stats.ks_2samp(historical, one).pvalue < 0.05),
            "`alpha` is",
        ),
        (
            _share_where(lambda historical, one, alpha: not _by_asymptotic_p(historical, one, alpha)),
            "one minus",
        ),
        (_share_where(lambda *case: stats.ttest_ind(case[0], case[1]).pvalue < case[2]), "is expected"),
        (_only_the_first_window, "a number is expected, this is the truth value"),
        (lambda *case: 100 * float(_counting(*case)), "percent"),
        (lambda *case: round(float(_counting(*case)), 2), "rounds"),
        (
            lambda historical, unchanged, window, alpha: unchanged[: window * 5].reshape(-1, window),
            "a number is",
        ),
        (lambda historical, unchanged, window, alpha: unchanged.reshape(-1, window).mean(), "cannot reshape"),
        (0.05, "a function is expected"),
    ),
    "9.2": (
        (_late_or(math.inf), "no page at all: a finite number is expected"),
        (_late_or(-1), "None is expected"),
        (lambda deployed_at, paged, window: paged.index(True) * window, "True is not in list"),
        (lambda deployed_at, paged, window: window - deployed_at % window, "whatever `paged` is"),
        (lambda deployed_at, paged, window: print(deployed_at), "return the result in place of printing"),
        (lambda *case: [_late_by_walking(*case)], "a list of 1"),
        (80, "a function is expected"),
    ),
    "9.3": (
        (lambda share, doubt: math.ceil(math.log(doubt) / math.log(1 - share)), "ValueError"),
        (lambda share, doubt: np.ceil(np.log(doubt) / np.log(1 - share)), "without a look"),
        (lambda share, doubt: math.log(doubt, 1 - share) if share < 1 else 1, "whole numbers"),
        (lambda share, doubt: _quiet_by_product(share, 0.05), "whatever `doubt` is"),
        (lambda share, doubt: max(1, math.ceil(doubt / share)), "is expected"),
        (lambda share, doubt: math.ceil(-math.log(doubt) / share), "is expected"),
        (2, "a function is expected"),
    ),
    "9.4": (
        (_healthy_windows, "one-dimensional"),
        (_deletes_in_place, "Work on a copy"),
        (_one_request_before, "is expected"),
        (
            lambda latencies, paged, window: np.concatenate(_healthy_windows(latencies, paged, window)),
            "page in every",
        ),
        (lambda latencies, paged, window: np.repeat(~np.array(paged), window), "should be a number"),
        (lambda latencies, paged, window: np.round(_healthy_by_loop(latencies, paged, window), 1), "rounds"),
        (lambda latencies, paged, window: print(len(latencies)), "in place of printing"),
        ([1.0, 2.0], "a function is expected"),
    ),
    "9.5": (
        (lambda mean_ms, factor, share: (factor - 1) * (mean_ms + share), "is expected"),
        (lambda mean_ms, factor, share: (factor - 1) * mean_ms / share / 1_000, "seconds in place of ms"),
        (lambda mean_ms, factor, share: round((factor - 1) * mean_ms / share, 2), "rounds"),
        (lambda mean_ms, factor, share: (factor - 1) * mean_ms // share, "cuts the decimals off"),
        (lambda mean_ms, factor, share: (1 - factor) * mean_ms / share, "other sign"),
        (lambda mean_ms, factor, share: 2 * mean_ms / share, "whatever `factor` is"),
        (lambda mean_ms, factor, share: np.array([(factor - 1) * mean_ms / share]), "array of shape"),
        (7_500, "a function is expected"),
    ),
    "9.6": (
        (lambda status, output: "page" if status else "nothing", "there to its end"),
        (lambda status, output: "page" if status == 1 else "nothing", "silent in every incident"),
        (lambda status, output: {0: "page", 1: "nothing"}.get(status, "alarm"), "no work for anyone"),
        (lambda status, output: "alarm" if status else "nothing", "the one case to wake for"),
        (lambda status, output: {0: "nothing", 1: "page", 3: "service"}[status], "KeyError (2)"),
        (lambda status, output: {0: "nothing", 1: "page", 3: "service"}.get(status, "alarm"), "8 of 11"),
        (
            lambda status, output: {0: "nothing", 1: "page", 3: "service"}.get(status, "nothing"),
            "silent in every",
        ),
        (
            lambda status, output: "page" if "verdict: " in output and status else "alarm",
            "no work for anyone",
        ),
        (_but("nothing", (4,)), "10 of 11"),
        (_but("service", (127,)), "what needs mending"),
        (_but("page", (137,)), "there to its end"),
        (_but("nothing", (4, 126, 137)), "8 of 11"),
        (_reads_words_anywhere, "no such command"),
        (_reads_the_last_line, "1 with its verdict is drift"),
        (_reads_the_output_only, "was the command there to its end"),
        (lambda status, output: _with_a_match(status, output[:9]), "no work for anyone"),
        (lambda status, output: status == 1, "choose one of"),
        (lambda status: "alarm", "positional argument"),
        ("page", "a function is expected"),
    ),
}

RIGHT = {
    "9.1": (_share_where(_by_asymptotic_p), _share_where(_by_kolmogorovs_limit), _counting),
    "9.2": (
        _late_by_array,
        _late_by_walking,
        lambda *case: float(late) if (late := _late_by_array(*case)) else None,
    ),
    "9.3": (
        _quiet_by_product,
        lambda share, doubt: 1 if share >= 1 else max(1, math.ceil(math.log(doubt) / math.log(1 - share))),
        lambda share, doubt: np.int64(next(k for k in range(1, 10_000) if (1 - share) ** k <= doubt)),
    ),
    "9.4": (_healthy_by_loop, _healthy_by_pandas),
    "9.5": (
        lambda mean_ms, factor, share: mean_ms * factor / share - mean_ms / share,
        lambda mean_ms, factor, share: np.float64(mean_ms * (factor - 1)) / share,
    ),
    "9.6": (_with_a_match,),
}
