"""Exercises of chapter 09, "Does it work on a real system?".

The chapter measures a real service, so no answer is compared with a number: all of them are functions, judged
by what they return on inputs that are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from utils import simulate
from utils.alarm.drift import detect_drift
from utils.exercises.engine import (
    Exercise,
    NotYet,
    Scoreboard,
    as_array,
    as_choice,
    as_function,
    as_number,
    call,
    known_slip,
    same_result,
)

# 9.1: A against A ------------------------------------------------------------------------------------------


def _windows(latencies, window):
    latencies = np.asarray(latencies)
    return latencies[: len(latencies) // window * window].reshape(-1, window)


def _share_of_pages(historical, unchanged, window, alpha):
    return float(
        np.mean([detect_drift(historical, w, alpha=alpha).drifted for w in _windows(unchanged, window)])
    )


def _number_of_pages(historical, unchanged, window, alpha):
    return _share_of_pages(historical, unchanged, window, alpha) * (len(unchanged) // window)


def _percent_of_pages(historical, unchanged, window, alpha):
    return 100 * _share_of_pages(historical, unchanged, window, alpha)


def _share_of_silence(historical, unchanged, window, alpha):
    return 1 - _share_of_pages(historical, unchanged, window, alpha)


def _one_test_of_everything(historical, unchanged, window, alpha):
    return float(detect_drift(historical, unchanged, alpha=alpha).drifted)


def _always_at_five_percent(historical, unchanged, window, alpha):
    return _share_of_pages(historical, unchanged, window, 0.05)


def _against_its_own_kind(historical, unchanged, window, alpha):
    return _share_of_pages(unchanged, unchanged, window, alpha)


def _against_the_window_before(historical, unchanged, window, alpha):
    windows = _windows(unchanged, window)
    pairs = zip(windows[:-1], windows[1:], strict=True)
    return float(np.mean([detect_drift(one, next_one, alpha=alpha).drifted for one, next_one in pairs]))


def _distance_for_p(historical, unchanged, window, alpha):
    return float(
        np.mean([detect_drift(historical, w).statistic > alpha for w in _windows(unchanged, window)])
    )


def _mean_p_value(historical, unchanged, window, alpha):
    return float(np.mean([detect_drift(historical, w).p_value for w in _windows(unchanged, window)]))


def _of_all_requests(historical, unchanged, window, alpha):
    return _number_of_pages(historical, unchanged, window, alpha) / len(unchanged)


def _with_the_leftover(historical, unchanged, window, alpha):
    parts = [unchanged[start : start + window] for start in range(0, len(unchanged), window)]
    return float(np.mean([detect_drift(historical, part, alpha=alpha).drifted for part in parts]))


@cache
def _quiet_services():
    """Return healthy services to judge 9.1 on; each slip shows on one of them."""
    cases = []
    for case, rho, window, left_over, alpha, seed in (
        ("windows of 60 that are independent", 0.0, 60, 0, 0.3, 901),
        ("windows of 60 whose neighbors are alike", 0.9, 60, 0, 0.05, 902),
        ("windows of 50 and 30 requests left over", 0.8, 50, 30, 0.001, 903),
        ("windows of 40 at alpha 0.001", 0.95, 40, 0, 0.001, 904),
    ):
        rng = np.random.default_rng(seed)
        historical = simulate.autocorrelated_latencies(400, rho, rng)
        unchanged = simulate.autocorrelated_latencies(8 * window + left_over, rho, rng)
        if left_over:
            unchanged[-left_over:] += 200  # whoever tests the rest as well has one page more
        cases.append((case, (historical, unchanged, window, alpha)))
    return tuple(cases), tuple(_share_of_pages(*case) for _, case in cases)


def judge_false_pages(answer):
    """Judge the share of windows of an unchanged service in which a KS test rejects."""
    function = as_function(answer)
    cases, truth = _quiet_services()
    given = [as_number(call(function, *case, case=name)) for name, case in cases]
    if same_result(given, truth):
        return None
    sentence = known_slip(
        [case for _, case in cases],
        given,
        (
            (_number_of_pages, "this counts the pages. Divide by the number of windows to get a share."),
            (_percent_of_pages, "a share between 0 and 1 is asked for, this is a percentage."),
            (_share_of_silence, "this is the share of windows that do not page."),
            (
                _one_test_of_everything,
                "this is one test of all requests together. The pager looks at one window at a time.",
            ),
            (
                _always_at_five_percent,
                "the result is the same for every alpha. Hand the function's own `alpha` to the test.",
            ),
            (
                _against_its_own_kind,
                "each window is compared with a sample that contains it. Compare it with `historical`.",
            ),
            (
                _against_the_window_before,
                "each window is compared with the one before. Compare every one with `historical`.",
            ),
            (
                _with_the_leftover,
                "the last few requests fill no window, and a shorter window is another test. Leave them out.",
            ),
            (
                _distance_for_p,
                "this compares D with `alpha`. A test rejects when its p-value is below `alpha`.",
            ),
            (_mean_p_value, "this is the mean p-value. In what share of the windows is p below `alpha`?"),
            (_of_all_requests, "this divides by the number of requests. The pager goes off once a window."),
        ),
    )
    if sentence:
        return sentence
    first = next(
        name
        for (name, _), value, right in zip(cases, given, truth, strict=True)
        if not same_result(value, right)
    )
    return (
        f"for {first} the share is another one. One KS test a window, each against all of `historical`, and "
        "each window begins where the one before ends."
    )


# 9.2: how late is a page -----------------------------------------------------------------------------------


def _requests_late(deployed_at, paged, window):
    ends = (window * number for number, page in enumerate(paged, start=1) if page)
    return next((end - deployed_at for end in ends if end > deployed_at), None)


def _from_the_first_page_of_all(deployed_at, paged, window):
    return next((window * number - deployed_at for number, page in enumerate(paged, start=1) if page), None)


def _from_the_start_of_the_window(deployed_at, paged, window):
    late = _requests_late(deployed_at, paged, window)
    return None if late is None else late - window


def _in_windows(deployed_at, paged, window):
    late = _requests_late(deployed_at, paged, window)
    return None if late is None else math.ceil(late / window)


def _from_a_window_wholly_after(deployed_at, paged, window):
    ends = (window * number for number, page in enumerate(paged, start=1) if page)
    return next((end - deployed_at for end in ends if end - window >= deployed_at), None)


def _the_moment_of_the_page(deployed_at, paged, window):
    late = _requests_late(deployed_at, paged, window)
    return None if late is None else late + deployed_at


def _never_means_zero(deployed_at, paged, window):
    return _requests_late(deployed_at, paged, window) or 0


def _never_means_everything(deployed_at, paged, window):
    late = _requests_late(deployed_at, paged, window)
    return len(paged) * window - deployed_at if late is None else late


def _never_means_minus_one(deployed_at, paged, window):
    late = _requests_late(deployed_at, paged, window)
    return -1 if late is None else late


def _last_page(deployed_at, paged, window):
    ends = [window * number for number, page in enumerate(paged, start=1) if page]
    return ends[-1] - deployed_at if ends and ends[-1] > deployed_at else None


def _page_at_the_very_end_counts(deployed_at, paged, window):
    ends = (window * number for number, page in enumerate(paged, start=1) if page)
    return next((end - deployed_at for end in ends if end >= deployed_at), None)


_INCIDENTS = (
    ("a page one window after the deployment", (100, [False, False, True, True], 60)),
    ("a page in the very window of the deployment", (100, [False, True, True], 60)),
    ("a false page before the deployment", (130, [True, False, False, False, True], 60)),
    ("a false page in the window that ends with the deployment", (120, [False, True, False, True], 60)),
    ("a deployment before the first request", (0, [False, True], 50)),
    ("a deployment that never pages", (70, [True, False, False, False], 30)),
    ("windows of 25", (260, [False] * 12 + [True] * 4, 25)),
)


def judge_requests_late(answer):
    """Judge how many requests the new version served before the page."""
    function = as_function(answer)
    given = [call(function, *case, case=name) for name, case in _INCIDENTS]
    if all(value is None for value in given):
        raise NotYet("your function returns None for every incident: is a return missing?")
    for (_, case), value in zip(_INCIDENTS, given, strict=True):
        never = isinstance(value, bool | str) or (isinstance(value, float) and not math.isfinite(value))
        if never and _requests_late(*case) is None:
            raise NotYet(f"when no page counts, return None, not {value!r}.")
    given = [None if value is None else as_number(value) for value in given]
    wrong = [
        name
        for (name, case), value in zip(_INCIDENTS, given, strict=True)
        if not same_result(value, _requests_late(*case))
    ]
    if not wrong:
        return None
    sentence = known_slip(
        [case for _, case in _INCIDENTS],
        given,
        (
            (
                _from_the_first_page_of_all,
                "a page before the deployment cannot be about it: a false page, and no negative delay.",
            ),
            (
                _from_the_start_of_the_window,
                "the delay is counted to the start of the window. It can only be judged once it is full.",
            ),
            (_in_windows, "this counts windows. How many requests did the new version serve?"),
            (
                _from_a_window_wholly_after,
                "the window in which the deployment fell may page too: it holds requests of both versions.",
            ),
            (
                _the_moment_of_the_page,
                "this is when the page came, counted from the first request. Count from the deployment.",
            ),
            (_never_means_zero, "0 says that the page came at once. When there was none, return None."),
            (_never_means_minus_one, "-1 is a number of requests too. When there was no page, return None."),
            (
                _last_page,
                "this is the last page. Mira was woken by the first one that the deployment can cause.",
            ),
            (
                _never_means_everything,
                "this many requests without a page is not a delay. When there was no page, return None.",
            ),
            (
                _page_at_the_very_end_counts,
                "a window that ends with the last request of the old version holds none of the new one.",
            ),
        ),
    )
    return sentence or (
        f"the count is another one for {wrong[0]}. When is a window full, and which is the first page that "
        "the new version can have caused?"
    )


# 9.3: how long to look -------------------------------------------------------------------------------------


def _quiet_windows(share_caught, doubt):
    number = 1
    while (1 - share_caught) ** number > doubt:
        number += 1
    return number


def _one_over_share(share_caught, doubt):
    return math.ceil(1 / share_caught)


def _powers_of_the_share(share_caught, doubt):
    return max(1, math.ceil(math.log(doubt) / math.log(share_caught))) if share_caught < 1 else 1


def _rounded_down(share_caught, doubt):
    return max(1, math.floor(math.log(doubt) / math.log(1 - share_caught))) if share_caught < 1 else 1


def _cut_off(share_caught, doubt):
    return int(math.log(doubt) / math.log(1 - share_caught)) if share_caught < 1 else 1


def _rounded_to_the_nearest(share_caught, doubt):
    return max(1, round(math.log(doubt) / math.log(1 - share_caught))) if share_caught < 1 else 1


def _not_one_window(share_caught, doubt):
    return _quiet_windows(share_caught, doubt) if share_caught < 1 else 0


def _below_the_doubt(share_caught, doubt):
    number = 1
    while (1 - share_caught) ** number >= doubt:
        number += 1
    return number


def _not_rounded(share_caught, doubt):
    return math.log(doubt) / math.log(1 - share_caught) if share_caught < 1 else 1


def _straight_line(share_caught, doubt):
    return math.ceil((1 - doubt) / share_caught)


def _one_less(share_caught, doubt):
    return _quiet_windows(share_caught, doubt) - 1


def _doubt_alone(share_caught, doubt):
    return math.ceil(1 / doubt)


def _confidence_for_doubt(share_caught, doubt):
    return _quiet_windows(share_caught, 1 - doubt)


_FAULTS = tuple(
    (f"a fault caught in a share {share} of windows, with a doubt of {doubt}", (share, doubt))
    for share, doubt in (
        (0.9, 0.05),
        (0.6, 0.05),
        (0.5, 0.01),
        (0.5, 0.25),  # two windows leave exactly the doubt
        (0.1, 0.05),
        (0.03, 0.2),
        (0.999, 0.05),
        (1.0, 0.05),
    )
)


def judge_quiet_windows(answer):
    """Judge how many quiet windows it takes to rule a fault out."""
    function = as_function(answer)
    given = [as_number(call(function, *case, case=name)) for name, case in _FAULTS]
    wrong = [
        name for (name, case), value in zip(_FAULTS, given, strict=True) if value != _quiet_windows(*case)
    ]
    if not wrong:
        return None
    sentence = known_slip(
        [case for _, case in _FAULTS],
        given,
        (
            (
                _one_over_share,
                "1 / share is how long you wait for a page on average. That leaves much doubt, and ignores "
                "how much you accept.",
            ),
            (
                _powers_of_the_share,
                "this multiplies the chance that a window pages. Quiet is the chance that it does not.",
            ),
            (
                _rounded_down,
                "so many windows leave more than the doubt that you accept. Round the other way.",
            ),
            (_cut_off, "so many windows leave more than the doubt that you accept. Round the other way."),
            (
                _rounded_to_the_nearest,
                "the nearest whole number can be too small: it leaves more than the doubt that you accept.",
            ),
            (
                _not_one_window,
                "a fault that pages in every window has to be looked for, too: in one window at least.",
            ),
            (
                _below_the_doubt,
                "this asks for less than `doubt`. A chance of exactly `doubt` is accepted: `doubt` at most.",
            ),
            (_not_rounded, "the formula is right. Windows come in whole numbers: which way must you round?"),
            (
                _straight_line,
                "chances of missing multiply, they do not add up: after a quiet window, the next is quiet "
                "with the same chance again.",
            ),
            (
                _one_less,
                "one window fewer than that is needed: after it the chance is still above the doubt.",
            ),
            (_doubt_alone, "the fault's own share matters: what is hard to catch takes longer to rule out."),
            (
                _confidence_for_doubt,
                "doubt and confidence have changed places: the chance of being fooled must fall to `doubt`.",
            ),
        ),
    )
    return sentence or (
        f"it is another number for {wrong[0]}. If the fault were there, how likely is one quiet window, and "
        "how likely are two in a row?"
    )


# 9.4: what to retrain on -----------------------------------------------------------------------------------


def _kept(paged):
    """Return which windows neither page nor come directly before one that does."""
    paged = np.asarray(paged, dtype=bool)
    return ~(paged | np.append(paged[1:], False))


def _healthy_rows(latencies, paged, window):
    return np.asarray(latencies)[np.repeat(_kept(paged), window)]


def _everything(latencies, paged, window):
    return np.asarray(latencies)


def _without_pages(latencies, paged, window):
    return np.asarray(latencies)[np.repeat(~np.asarray(paged, dtype=bool), window)]


def _without_the_window_after(latencies, paged, window):
    paged = np.asarray(paged, dtype=bool)
    return np.asarray(latencies)[np.repeat(~(paged | np.append(False, paged[:-1])), window)]


def _without_the_windows_around(latencies, paged, window):
    paged = np.asarray(paged, dtype=bool)
    after = np.append(False, paged[:-1])
    return np.asarray(latencies)[np.repeat(_kept(paged) & ~after, window)]


def _rolled(latencies, paged, window):
    paged = np.asarray(paged, dtype=bool)
    return np.asarray(latencies)[np.repeat(~(paged | np.roll(paged, -1)), window)]


def _sorted(latencies, paged, window):
    return np.sort(_healthy_rows(latencies, paged, window))


def _only_pages(latencies, paged, window):
    return np.asarray(latencies)[np.repeat(np.asarray(paged, dtype=bool), window)]


def _before_the_first_page(latencies, paged, window):
    first = list(paged).index(True) if any(paged) else len(paged)
    return np.asarray(latencies)[: window * max(0, first - 1)]


def _window_numbers(latencies, paged, window):
    return np.flatnonzero(_kept(paged))


def _fast_rows(latencies, paged, window):
    """Throw out slow requests instead of bad windows."""
    latencies = np.asarray(latencies)
    slow = np.asarray(latencies)[np.repeat(np.asarray(paged, dtype=bool), window)]
    return latencies[latencies < slow.min()] if slow.size else latencies


@cache
def _evenings():
    """Return latencies with pages among them, to judge 9.4 on."""
    rng = np.random.default_rng(94)
    patterns = (
        ("pages in the middle", (0, 0, 0, 1, 1, 0, 0), 20),
        ("two incidents", (0, 0, 1, 0, 0, 0, 1, 0), 15),
        ("a page in the first window", (1, 0, 0, 0), 10),
        ("a page in the last window", (0, 0, 0, 1), 10),
        ("no page at all", (0, 0, 0), 12),
    )
    return tuple(
        (name, (rng.lognormal(5, 0.2, window * len(pages)), [bool(page) for page in pages], window))
        for name, pages, window in patterns
    )


def judge_healthy_rows(answer):
    """Judge which requests are left to retrain on."""
    function = as_function(answer)
    given = []
    for name, case in _evenings():
        value = call(function, *case, case=name)
        if value is None:
            raise NotYet("your function returns None: is a return missing?")
        given.append(as_array(value))
    wrong = [
        name
        for (name, case), value in zip(_evenings(), given, strict=True)
        if not same_result(value, _healthy_rows(*case))
    ]
    if not wrong:
        return None
    sentence = known_slip(
        [case for _, case in _evenings()],
        given,
        (
            (_everything, "everything is kept, the incident too: a model trained on it takes it for normal."),
            (
                _without_pages,
                "the windows in alarm are gone. The window before the first of them may hold the beginning, "
                "too little of it to page.",
            ),
            (
                _without_the_window_after,
                "the window after the pages is left out. A fault begins in the window before.",
            ),
            (
                _without_the_windows_around,
                "the window after the pages is thrown away too. Only the one before may hold the fault unseen.",
            ),
            (
                _rolled,
                "the last window has no next one. Here it is taken to be followed by the first.",
            ),
            (_sorted, "the right requests, sorted. Leave them in their order."),
            (_only_pages, "this keeps the windows in alarm and throws the healthy ones away."),
            (
                _before_the_first_page,
                "everything after the first page is thrown away, the healthy windows after the rollback too.",
            ),
            (_window_numbers, "these are the numbers of windows. Return their latencies."),
            (
                _fast_rows,
                "this sorts out slow requests, not bad windows. Some healthy requests are slow.",
            ),
        ),
    )
    return sentence or (
        f"for {wrong[0]} other requests should be left: whole windows, in order, each either kept or not."
    )


# 9.5: what a mean does not see -----------------------------------------------------------------------------


def _wait_that_pages(mean_ms, factor, share):
    return (factor - 1) * mean_ms / share


def _factor_not_growth(mean_ms, factor, share):
    return factor * mean_ms / share


def _everybody_waits(mean_ms, factor, share):
    return (factor - 1) * mean_ms


def _multiplied_by_share(mean_ms, factor, share):
    return (factor - 1) * mean_ms * share


def _new_mean(mean_ms, factor, share):
    return factor * mean_ms


def _shared_with_the_rest(mean_ms, factor, share):
    return (factor - 1) * mean_ms / (1 - share)


def _in_seconds(mean_ms, factor, share):
    return _wait_that_pages(mean_ms, factor, share) / 1_000


def _in_means(mean_ms, factor, share):
    return (factor - 1) / share


def _total_of_the_slow(mean_ms, factor, share):
    return (factor - 1) * mean_ms / share + mean_ms


_ALERTS = tuple(
    (f"a mean of {mean_ms} ms, a factor of {factor} and a share of {share}", (mean_ms, factor, share))
    for mean_ms, factor, share in ((150.0, 2.0, 0.02), (0.4, 3.0, 0.02), (80.0, 1.5, 0.25), (150.0, 3.0, 0.8))
)


def judge_wait_that_pages(answer):
    """Judge how long a share of requests must wait until a mean alert sees it."""
    function = as_function(answer)
    given = [as_number(call(function, *case, case=name)) for name, case in _ALERTS]
    truth = [_wait_that_pages(*case) for _, case in _ALERTS]
    if same_result(given, truth):
        return None
    sentence = known_slip(
        [case for _, case in _ALERTS],
        given,
        (
            (
                _factor_not_growth,
                "this makes the mean grow *by* its factor. It has to grow *to* factor times what it was.",
            ),
            (
                _everybody_waits,
                "so much would do if every request waited. Only a share does: what must each of them add?",
            ),
            (
                _multiplied_by_share,
                "the fewer requests wait, the shorter this gets. Should it not be the other way round?",
            ),
            (
                _new_mean,
                "this is the mean at which the alert pages. What must the unlucky requests wait for it?",
            ),
            (
                _shared_with_the_rest,
                "this divides by the share of requests that do not wait. The others carry the growth.",
            ),
            (_in_seconds, "this is in seconds. Milliseconds are asked for."),
            (_in_means, "this is how many times the mean they must wait. How many milliseconds is it?"),
            (
                _total_of_the_slow,
                "this is how long such a request takes in all. Asked is what it waits on top.",
            ),
        ),
    )
    return sentence or (
        "the mean grows by the share of requests that wait, times the wait. Set that equal to the growth at "
        "which the alert pages, and solve for the wait."
    )


# 9.6: what cron does ---------------------------------------------------------------------------------------

_REACTIONS = ("nothing", "page", "service", "alarm")
_REPORT = "history  history.csv: 30,150 rows\n\nrecent   recent.csv: 60 rows\n"
_RUNS = {
    "0 with a verdict: nothing": (0, f"{_REPORT}verdict:  No drift found", "nothing"),
    "1 with a verdict: page": (1, f"{_REPORT}verdict:  Drift: recent is slower\nnote: last", "page"),
    "2 with a refusal: service": (2, "can't say: recent.csv has no number in latency_ms", "service"),
    "2 without one: alarm": (2, "usage: detect-drift history recent\nno such option: --budgte", "alarm"),
    "1 without a verdict: alarm": (1, "ModuleNotFoundError: No module named 'utils'", "alarm"),
    "0 without a verdict: alarm": (0, "", "alarm"),
    "3, which the command never ends with: alarm": (3, "", "alarm"),
    "126 and 127, no such command: alarm": (126, "permission denied: can't say more", "alarm"),
    "137, killed: alarm": (137, f"{_REPORT}", "alarm"),
    "-9, killed after its verdict: alarm": (-9, f"{_REPORT}verdict:  Drift", "alarm"),
}
_INSTEAD = {
    "nothing": "a monitor that has not judged is silent in every incident. Somebody has to hear of it.",
    "page": "there is no verdict drift here. Waking Mira for it teaches her to ignore the pager.",
    "service": "the command did not say that it can't judge the numbers: it is the alarm that needs mending.",
    "alarm": "the command ran and has said what it found.",
}


def _reacts(status: int, output: str, right: str) -> Callable[[Any], str | None]:
    def judge(answer):
        for code in (126, 127) if status == 126 else (status,):
            result = call(as_function(answer), code, output, case=f"status {code} and its output")
            given = as_choice(result, _REACTIONS)
            if given != right:
                return f"yours says {given}. {_CLEAR.get((status, right), _INSTEAD[given])}"
        return None

    return judge


_CLEAR = {
    (0, "nothing"): "The verdict is that nothing was found: no work for anyone.",
    (1, "page"): "1 with its verdict is drift, now, and the one case to wake for.",
    (2, "service"): "The command works and can't judge: the service's numbers are missing.",
}
_SCOREBOARD = Scoreboard(tuple((name, _reacts(*run)) for name, run in _RUNS.items()))


EXERCISES = (
    Exercise(
        id="9.1",
        judge=judge_false_pages,
        hints=(
            "Cut `unchanged` into whole windows first: `unchanged[: n * window].reshape(n, window)`.",
            "`detect_drift(historical, one_window, alpha=alpha).drifted` is True or False; average them.",
        ),
        why="a false-alarm rate that was counted on your own service is worth more than one that was "
        "promised for independent data.",
    ),
    Exercise(
        id="9.2",
        judge=judge_requests_late,
        hints=(
            "Window number 0 holds the first `window` requests, and is judged when the last of them is in.",
            "Go through the windows in alarm, and stop at the first that ends after the deployment.",
        ),
        why="the delay is what a window costs: up to one window until it is full, another one if the first "
        "holds too little of the new version.",
    ),
    Exercise(
        id="9.3",
        judge=judge_quiet_windows,
        hints=(
            "If the fault were there, one window would stay quiet with probability 1 - share_caught.",
            "Multiply until the probability is no longer above `doubt`: a loop does it, a logarithm too.",
        ),
        why="a rollback is believed once you have looked so long that the fault would have shown itself, and "
        "how long that is depends on how well the alarm sees that fault.",
    ),
    Exercise(
        id="9.4",
        judge=judge_healthy_rows,
        hints=(
            "Decide for each window first: a list of True and False, as long as `paged`.",
            "A window is kept if neither it nor the next one pages; the last one has no next one.",
        ),
        why="an incident that slips into the training rows becomes what the model calls normal.",
    ),
    Exercise(
        id="9.5",
        judge=judge_wait_that_pages,
        hints=(
            "If a share s of requests waits w ms on top, the mean grows by s times w.",
            "The alert pages when the mean has grown by (factor - 1) times what it was.",
        ),
        why="the rarer the victims, the longer they may wait before a mean tells you, and the mean of a "
        "healthy hour wanders on top of that.",
    ),
    Exercise(
        id="9.6",
        judge=_SCOREBOARD,
        hints=(
            "A status alone is ambiguous. Which line does the command print whenever it has judged, and which when it "
            "could not?",
            '`any(line.startswith("verdict:") for line in output.splitlines())` says whether there is a verdict. '
            "Status 0 or 1 counts only with it, 2 only with a line that begins with `can't say:`.",
        ),
        why="an alarm that cannot judge must say so to somebody, or its silence will be taken for health.",
    ),
)
