"""Answers to chapter 09: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import math

import numpy as np

# 9.3: how long to look -------------------------------------------------------------------------------------


def _quiet_by_product(share_caught, doubt):
    hidden, number = 1.0, 0
    while hidden > doubt:
        hidden *= 1 - share_caught
        number += 1
    return number


# 9.5: what cron does ---------------------------------------------------------------------------------------


def _reads_the_last_line(status, output):
    last = output.splitlines()[-1] if output else ""
    if last.startswith("verdict:"):
        return {0: "nothing", 1: "page"}.get(status, "alarm")
    return "service" if status == 3 and last.startswith("the service lost its numbers:") else "alarm"


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
    """Return a right function of 9.5, but for statuses that make it say something else."""
    return lambda status, output: mistaken if status in codes else _with_a_match(status, output)


def _in_a_row_by_counting(rejects, in_a_row):
    run = rings = 0
    for rejected in rejects:
        run = run + 1 if rejected else 0
        rings += run >= in_a_row
    return rings / len(rejects)


WRONG = {
    "9.1": (
        (lambda rejects, in_a_row: np.mean(rejects), "whatever `in_a_row` is"),
        (lambda rejects, in_a_row: _in_a_row_by_counting(rejects, 2), "whatever `in_a_row` is"),
        (lambda rejects, in_a_row: 100 * _in_a_row_by_counting(rejects, in_a_row), "percent"),
        (lambda rejects, in_a_row: 1 - _in_a_row_by_counting(rejects, in_a_row), "one minus"),
        (lambda rejects, in_a_row: any(rejects), "this is the truth value"),
        (lambda rejects, in_a_row: print(rejects), "in place of printing"),
        (0.5, "a function is expected"),
    ),
    "9.2": (
        (lambda window, needed, step: 2 * window - 1, "whatever `needed` is"),
        (lambda window, needed, step: needed + 9, "whatever `step` is"),
        (lambda window, needed, step: window - needed + step, "is expected"),
        (lambda needed, step: needed - 1 + step, "positional argument"),
        (99, "a function is expected"),
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
        (lambda mean_ms, factor, share: (factor - 1) * (mean_ms + share), "is expected"),
        (lambda mean_ms, factor, share: (factor - 1) * mean_ms / share / 1_000, "seconds in place of ms"),
        (lambda mean_ms, factor, share: round((factor - 1) * mean_ms / share, 2), "rounds"),
        (lambda mean_ms, factor, share: (factor - 1) * mean_ms // share, "cuts the decimals off"),
        (lambda mean_ms, factor, share: (1 - factor) * mean_ms / share, "other sign"),
        (lambda mean_ms, factor, share: 2 * mean_ms / share, "whatever `factor` is"),
        (lambda mean_ms, factor, share: np.array([(factor - 1) * mean_ms / share]), "array of shape"),
        (7_500, "a function is expected"),
    ),
    "9.5": (
        (lambda status, output: "page" if status == 1 else "nothing", "others make nothing"),
        (lambda status, output: "alarm" if status else "nothing", "whatever `output` is"),
        (lambda status, output: {0: "nothing", 1: "page", 3: "service"}[status], "KeyError (2)"),
        (_but("nothing", (4,)), "status 4 and a loss"),
        (_but("service", (127,)), "status 127"),
        (_but("nothing", (126,)), "status 126"),
        (_but("page", (137,)), "status 137"),
        (_but("service", (2,)), "begins with can't say"),
        (_reads_the_last_line, "a note after it"),
        (lambda status, output: _with_a_match(status, output[:9]), "for every case"),
        (lambda status, output: status == 1, "choose one of"),
        (lambda status: "alarm", "positional argument"),
        ("page", "a function is expected"),
    ),
}

RIGHT = {
    "9.1": (
        _in_a_row_by_counting,
        lambda rejects, in_a_row: np.sum(np.convolve(rejects, np.ones(in_a_row)) >= in_a_row) / len(rejects),
    ),
    "9.2": (lambda window, needed, step: float(step + needed - 1),),
    "9.3": (
        _quiet_by_product,
        lambda share, doubt: 1 if share >= 1 else max(1, math.ceil(math.log(doubt) / math.log(1 - share))),
        lambda share, doubt: np.int64(next(k for k in range(1, 10_000) if (1 - share) ** k <= doubt)),
    ),
    "9.4": (
        lambda mean_ms, factor, share: mean_ms * factor / share - mean_ms / share,
        lambda mean_ms, factor, share: np.float64(mean_ms * (factor - 1)) / share,
    ),
    "9.5": (_with_a_match,),
}
