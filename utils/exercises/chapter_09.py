"""Exercises of chapter 09, "Does it work on a real system?".

The chapter measures a real service, so no answer is compared with a number: all of them are functions, judged
by what they return on inputs that are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
    Scoreboard,
    as_array,
    as_choice,
    as_function,
    call,
    function_exercise,
    one_number,
)

# 9.1: A against A ------------------------------------------------------------------------------------------


@cache
def _quiet_services():
    """Return services to judge 9.1 on, none with a p-value near its alpha: any KS test says the same.

    Each window is a shuffled normal distribution that lies so many ms above history's; the first is narrower.
    """
    rng = np.random.default_rng(91)

    def latencies(size):
        return rng.permutation([NormalDist(150, 20).inv_cdf((i + 0.5) / size) for i in range(size)])

    def service(shifts, window, alpha, left_over=0):
        narrow, *others = (latencies(window) + shift for shift in (0, *shifts, 99))
        unchanged = np.concatenate([150 + 0.1 * (narrow - 150), *others])
        return latencies(200), unchanged[: (1 + len(shifts)) * window + left_over], window, alpha

    return {
        "windows of 60 at alpha 0.3": service((0.1, -9, 0.2, 16, 9, -30, 0.3, -12), 60, 0.3),
        "windows of 50 and 30 requests left over": service(
            (8, -30, 0.1, 0.2, 30, -8, 0.3, 16, 0.4), 50, 0.05, 30
        ),
        "windows of 40 and 20 requests left over": service((0.1, 12, -45, 0.2, 12, 45, -12), 40, 0.001, 20),
    }


def _whole_windows(unchanged, window):
    return unchanged[: len(unchanged) // window * window].reshape(-1, window)


def _share_that_page(cut=_whole_windows, against=lambda historical, _: historical, of=lambda ks: ks.drifted):
    """Return the function of 9.1 that cuts, compares and averages so."""

    def share(historical, unchanged, window, alpha):
        from utils.alarm.drift import detect_drift  # brings scipy, for which other exercises need not wait

        history = against(historical, unchanged)
        return np.mean([of(detect_drift(history, one, alpha=alpha)) for one in cut(unchanged, window)])

    return share


def _of_neighbors(_, unchanged, window, alpha):
    whole = _whole_windows(unchanged, window)
    pairs = zip(whole[:-1], whole[1:], strict=True)
    return np.mean([_share_that_page()(*pair, window, alpha) for pair in pairs])


_FALSE_PAGES = function_exercise(
    "9.1",
    cases=_quiet_services,
    right=_share_that_page(),
    slips={
        lambda *case: _share_that_page()(*case) * len(_whole_windows(case[1], case[2])): (
            "this counts the pages. How many windows are there, and what share of them is it?"
        ),
        lambda *case: _share_that_page()(*case) / case[2]: (
            "this divides by the number of requests. How often can the pager go off in one window?"
        ),
        _share_that_page(cut=lambda unchanged, window: [unchanged]): (
            "this is one test of all requests together. How many requests does the pager look at each time?"
        ),
        _share_that_page(
            cut=lambda unchanged, window: np.split(unchanged, range(window, len(unchanged), window))
        ): (
            "the last few requests fill no window, and a shorter window is another test. Do you leave them out?"
        ),
        _share_that_page(cut=lambda unchanged, window: np.array_split(unchanged, len(unchanged) // window)): (
            "the requests left over are spread over the windows. How many does each window hold then?"
        ),
        _share_that_page(cut=lambda *of: _whole_windows(*of).reshape(of[1], -1).T): (
            "the requests are dealt out in turns. Which of them lie in one window, when they are cut end to end?"
        ),
        _share_that_page(cut=np.lib.stride_tricks.sliding_window_view): (
            "the windows overlap: one begins with each request. Where does the next one begin, end to end?"
        ),
        _share_that_page(against=lambda historical, unchanged: unchanged): (
            "each window is compared with a sample that contains it. What is `historical` there for?"
        ),
        _of_neighbors: "each window is compared with the one before. What is `historical` there for?",
        _share_that_page(of=lambda ks: ks.statistic > ks.alpha): (
            "this compares D with `alpha`. What is it that a test compares with its `alpha`?"
        ),
        _share_that_page(of=lambda ks: ks.p_value): (
            "this is the mean p-value. In what share of the windows is p below `alpha`?"
        ),
        lambda *case: case[3]: (
            "this is what the test promises for independent requests. What does it do on these?"
        ),
    },
    hints=(
        "Cut `unchanged` into whole windows first: `unchanged[: n * window].reshape(n, window)`.",
        "`detect_drift(historical, one_window, alpha=alpha).drifted` is True or False; average them.",
    ),
    why="a false-alarm rate that was counted on your own service is worth more than one that was "
    "promised for independent data.",
)


# 9.2: how late is a page -----------------------------------------------------------------------------------


def _delays(deployed_at, paged, window, first=1):
    """Return how many requests after the deployment each window in alarm is full."""
    return [window * number - deployed_at for number, page in enumerate(paged, start=first) if page]


def _requests_late(deployed_at, paged, window):
    return next((late for late in _delays(deployed_at, paged, window) if late > 0), None)


def _number_or_none(result):
    try:
        return None if result is None else one_number(result)
    except NotYet as stop:
        raise NotYet(f"{stop} Where no page counts, return None.") from None


_FROM_ITS_START = "a window is counted from its start. When can it be judged?"

_DELAY = function_exercise(
    "9.2",
    cases={
        "a page one window after the deployment": (100, [False, False, True, True], 60),
        "a page in the very window of the deployment": (100, [False, True, True], 60),
        "a false page before the deployment": (130, [True, False, False, False, True], 60),
        "two false pages before the deployment": (200, [True, True, False, False, False, True], 60),
        "a page in the window that ends with the deployment": (120, [False, True, False, True], 60),
        "a deployment before the first request": (0, [False, True], 50),
        "no page at all": (70, [False, False, False], 30),
        "no page since the deployment": (70, [True, False, False, False], 30),
        "windows of 25": (260, [False] * 12 + [True] * 4, 25),
    },
    right=_requests_late,
    returns=_number_or_none,
    slips={
        lambda *case: next((late for late in _delays(*case) if late >= 0), None): (
            "a window counts that ends with the last request of the old version. What of the new one is in it?"
        ),
        lambda *case: next(iter(_delays(*case)), None): (
            "a page before the deployment cannot be about it. Which pages can the new version have caused?"
        ),
        lambda *case: next((late for late in _delays(*case) if late >= case[2]), None): (
            "the window in which the deployment fell is passed over. Whose requests does it hold?"
        ),
        lambda *case: max((late for late in _delays(*case) if late > 0), default=None): (
            "this is the last page. By which one was Mira woken first, of those that the deployment can cause?"
        ),
        lambda *case: next((late for late in _delays(*case, first=0) if late > 0), None): _FROM_ITS_START,
        lambda *case: (late := _requests_late(*case)) and late - case[2]: _FROM_ITS_START,
        lambda *case: (late := _requests_late(*case)) and math.ceil(late / case[2]): (
            "this counts windows. How many requests did the new version serve?"
        ),
        lambda *case: (late := _requests_late(*case)) and late + case[0]: (
            "this is when the page came, counted from the first request. From where is a delay counted?"
        ),
        lambda *case: _requests_late(*case) or 0: (
            "0 says that the page came at once. What is to be returned when there was none?"
        ),
        lambda *case: _requests_late(*case) or -1: (
            "-1 is a number of requests, too. What is to be returned when there was no page?"
        ),
        lambda *case: _requests_late(*case) or len(case[1]) * case[2] - case[0]: (
            "so many requests without a page are no delay. What is to be returned when there was no page?"
        ),
    },
    hints=(
        "Window number 0 holds the first `window` requests, and is judged when the last of them is in.",
        "Go through the windows in alarm, and stop at the first that ends after the deployment.",
    ),
    why="the delay is what a window costs: up to one window until it is full, another one if the first "
    "holds too little of the new version.",
)


# 9.3: how long to look -------------------------------------------------------------------------------------


def _quiet_windows(share_caught, doubt):
    return next(number for number in range(1, 10_000) if (1 - share_caught) ** number <= doubt)


def _by_logarithm(rounded, at_least=1, quiet=lambda share_caught: 1 - share_caught):
    """Return the formula, rounded so; where every window pages, it would ask for no window."""
    return lambda share_caught, doubt: max(
        at_least, rounded(math.log(doubt) / math.log(quiet(share_caught))) if share_caught < 1 else 0
    )


_ROUNDED_DOWN = "so many windows leave more than the doubt that you accept. Which way do you round?"
_NOT_ROUNDED = "windows come in whole numbers. Which way must you round, so that the doubt is kept?"

_PATIENCE = function_exercise(
    "9.3",
    # With 0.5 and 0.25 two windows leave exactly the doubt; the rarest fault takes thousands.
    cases=[
        *((0.05, 0.4), (0.03, 0.2), (0.0004, 0.3), (0.1, 0.6), (0.9, 0.05)),
        *((0.5, 0.01), (0.5, 0.25), (0.999, 0.05), (1.0, 0.05)),
    ],
    right=_quiet_windows,
    slips={
        _by_logarithm(math.ceil, at_least=0): (
            "a fault that pages in every window is ruled out without a look. How many windows does it take at least?"
        ),
        _by_logarithm(math.floor): _ROUNDED_DOWN,
        _by_logarithm(math.floor, at_least=0): _ROUNDED_DOWN,
        _by_logarithm(round): _ROUNDED_DOWN,
        _by_logarithm(float): _NOT_ROUNDED,
        _by_logarithm(float, at_least=0): _NOT_ROUNDED,
        _by_logarithm(math.ceil, quiet=lambda share_caught: share_caught): (
            "this multiplies the chance that a window pages. What is the chance that it stays quiet?"
        ),
        lambda share_caught, doubt: next(n for n in range(1, 10_000) if (1 - share_caught) ** n < doubt): (
            "a chance of exactly `doubt` is not accepted here. What does the exercise say about it?"
        ),
        lambda share_caught, doubt: _quiet_windows(share_caught, doubt) - 1: (
            "this is one window fewer than it takes. Is the chance after so many still above the doubt?"
        ),
        lambda share_caught, doubt: math.ceil(1 / share_caught): (
            "this is how long you wait for a page on average. How likely is it that a fault hides so long?"
        ),
        lambda share_caught, doubt: math.ceil((1 - doubt) / share_caught): (
            "the chances of a page are added up. After a quiet window, how likely is it that the next is quiet, too?"
        ),
        lambda share_caught, doubt: math.ceil(1 / doubt): (
            "the fault's own share does not matter here. Is one that pages seldom ruled out as soon as any other?"
        ),
        lambda share_caught, doubt: _quiet_windows(share_caught, 1 - doubt): (
            "doubt and confidence have changed places. To what must the chance of being fooled fall?"
        ),
        lambda share_caught, doubt: min(100, _quiet_windows(share_caught, doubt)): (
            "the search ends at 100 windows. How many does a fault take that pages in one window of 2,500?"
        ),
    },
    hints=(
        "If the fault were there, one window would stay quiet with probability 1 - share_caught.",
        "Multiply until the probability is no longer above `doubt`: a loop does it, a logarithm too.",
    ),
    why="a rollback is believed once you have looked so long that the fault would have shown itself, and "
    "how long that is depends on how well the alarm sees that fault.",
)


# 9.4: what to retrain on -----------------------------------------------------------------------------------


def _rows_of(kept):
    """Return the function of 9.4 that keeps windows by whether each, the one before and the one after page."""

    def rows(latencies, paged, window):
        before, paged, after = (np.array([False, *paged, False])[i : i + len(paged)] for i in range(3))
        return latencies[np.repeat(kept(paged, before, after), window)]

    return rows


_healthy_rows = _rows_of(lambda paged, before, after: ~(paged | after))


def _faster_than_the_incident(latencies, paged, window):
    slow = latencies[np.repeat(paged, window)]
    return latencies[latencies < slow.min()] if slow.size else latencies


def _latencies(result):
    if np.asarray(result).dtype.kind == "b":
        raise NotYet("this is a mask. Pick the latencies with it: latencies[mask].")
    return as_array(result)


@cache
def _evenings():
    """Return, by name, latencies, pages among them and a window, to judge 9.4 on."""
    rng = np.random.default_rng(94)
    pages_of = {
        "pages in the middle": "...PP..",
        "two incidents": "..P...P.",
        "a page in the first window": "P...",
        "a page in the last window": "...P",
        "no page at all": "...",
        "a page in every window": "PP",
    }
    return {
        name: (rng.lognormal(5, 0.2, 3 * len(pages)).round(2), [sign == "P" for sign in pages], 3)
        for name, pages in pages_of.items()
    }


_TRAINING_ROWS = function_exercise(
    "9.4",
    cases=_evenings,
    right=_healthy_rows,
    returns=_latencies,
    slips={
        lambda latencies, paged, window: latencies: (
            "everything is kept, the incident too. What will a model take for normal that is trained on it?"
        ),
        _rows_of(lambda paged, before, after: ~paged): (
            "the windows in alarm are gone. Where may the beginning of a fault lie, too little of it to page?"
        ),
        _rows_of(lambda paged, before, after: ~after): (
            "the window before a page is left out, and the one that pages is kept. Is it healthy?"
        ),
        _rows_of(lambda paged, before, after: ~(paged | before)): (
            "the window after each page is left out. On which side of the first page does a fault begin?"
        ),
        _rows_of(lambda paged, before, after: ~(paged | before | after)): (
            "the window after the pages is thrown away, too. Which neighbor may hold a fault unseen?"
        ),
        _rows_of(lambda paged, before, after: ~(paged | np.roll(paged, -1))): (
            "the last window is taken to be followed by the first. Which window comes after the last one?"
        ),
        _rows_of(lambda paged, before, after: ~(paged | after) & (np.arange(paged.size) < paged.size - 1)): (
            "the last window is never kept. Is there a page after it?"
        ),
        _rows_of(lambda paged, before, after: ~np.logical_or.accumulate(paged | after)): (
            "everything after the first page is thrown away. What of the healthy windows after the rollback?"
        ),
        _rows_of(lambda paged, before, after: paged): (
            "this keeps the windows in alarm. Which ones is a model to learn from?"
        ),
        lambda *case: np.sort(_healthy_rows(*case)): "these are sorted. In which order did they come?",
        lambda *case: _healthy_rows(*case).reshape(-1, case[2]).mean(axis=1): (
            "this is one number a window, its mean. A model is trained on requests: where are they?"
        ),
        lambda latencies, *case: _healthy_rows(np.arange(latencies.size), *case)[:: case[1]] // case[1]: (
            "these are the numbers of windows. Which latencies lie in them?"
        ),
        _faster_than_the_incident: (
            "this sorts out slow requests, not bad windows. Is a slow request always part of an incident?"
        ),
    },
    hints=(
        "Decide for each window first: a list of True and False, as long as `paged`.",
        "A window is kept if neither it nor the next one pages; the last one has no next one.",
    ),
    why="an incident that slips into the training rows becomes what the model calls normal.",
)


# 9.5: what a mean does not see -----------------------------------------------------------------------------

_WAIT = function_exercise(
    "9.5",
    cases=[(153.7, 2.3, 0.023), (0.43, 3.0, 0.07), (80.9, 1.7, 0.24), (151.0, 3.1, 0.83)],
    right=lambda mean_ms, factor, share: (factor - 1) * mean_ms / share,
    slips={
        lambda mean_ms, factor, share: factor * mean_ms / share: (
            "this makes the mean grow *by* its factor. How much does it grow when it grows *to* factor times?"
        ),
        lambda mean_ms, factor, share: (factor - 1) * mean_ms: (
            "so much would do if every request waited. Only a share does: what must each of them add?"
        ),
        lambda mean_ms, factor, share: (factor - 1) * mean_ms * share: (
            "the fewer requests wait, the shorter this gets. Should it not be the other way round?"
        ),
        lambda mean_ms, factor, share: factor * mean_ms: (
            "this is the mean at which the alert pages. What must the unlucky requests wait for it?"
        ),
        lambda mean_ms, factor, share: (factor - 1) * mean_ms / (1 - share): (
            "this divides by the share of requests that do not wait. Who carries the growth?"
        ),
        lambda mean_ms, factor, share: (factor - 1) / share: (
            "this is how many times the mean they must wait. How many milliseconds is it?"
        ),
        lambda mean_ms, factor, share: (factor - 1) * mean_ms / share + mean_ms: (
            "this is how long such a request takes in all. What of it does it wait on top?"
        ),
        lambda mean_ms, factor, share: factor * mean_ms / share - mean_ms: (
            "only one of two terms is divided by the share. Is a pair of brackets missing?"
        ),
        lambda mean_ms, factor, share: mean_ms / share: (
            "this is the wait that doubles the mean. Where does the alert's factor come in?"
        ),
        lambda mean_ms, factor, share: (factor - 1) * mean_ms / share / 100: (
            "a hundredth of what is expected: is the share taken for a percentage?"
        ),
    },
    hints=(
        "If a share s of requests waits w ms on top, the mean grows by s times w.",
        "The alert pages when the mean has grown by (factor - 1) times what it was.",
    ),
    why="the rarer the victims, the longer they may wait before a mean tells you, and the mean of a "
    "healthy hour wanders on top of that.",
)


# 9.6: what cron does ---------------------------------------------------------------------------------------

_REACTIONS = ("nothing", "page", "service", "alarm")
_REPORT = "history  history.csv: 30,150 rows\n\nrecent   recent.csv: 60 rows\n"
_QUIET, _DRIFT = f"{_REPORT}verdict:  No drift found", f"{_REPORT}verdict:  Drift: recent is slower\n"
_REFUSAL = "can't say: recent.csv has no number in latency_ms\n"
_BOARD = {  # a behavior, which ends with its reaction, and the runs that it is tried on
    "0 with a verdict: nothing": [(0, _QUIET), (0, f"{_QUIET}\nnote: last")],
    "1 with a verdict: page": [(1, f"{_DRIFT}note: last"), (1, _DRIFT)],
    "2 with a refusal: service": [(2, _REFUSAL), (2, f"{_REPORT}\n{_REFUSAL}")],
    "2 without one: alarm": [
        (2, "usage: detect-drift history recent\nno such option: --budgte"),
        (2, "usage: detect-drift history recent\nthe command can't say: what is --budgte?"),
        (2, ""),
    ],
    "1 without a verdict: alarm": [
        (1, "ModuleNotFoundError: No module named 'utils'"),
        (1, f"{_REPORT}KeyError: the verdict: was not written"),
    ],
    "0 without a verdict: alarm": [(0, ""), (0, f"{_REPORT}note: no verdict: disk full")],
    "3, which the command never ends with: alarm": [
        (3, ""),
        (3, _QUIET),
        (3, _DRIFT),
        (3, _REFUSAL),
        (255, ""),
    ],
    "126 and 127, no such command: alarm": [
        (126, "permission denied: can't say more"),
        (127, "detect-drift: command not found"),
        (127, _REFUSAL),
    ],
    "137, killed: alarm": [(137, _REPORT), (137, _DRIFT), (139, _QUIET)],
    "-9, killed after its verdict: alarm": [(-9, _DRIFT), (-9, _QUIET), (-1, _DRIFT)],
}
_CLEAR = {
    "nothing": "The verdict is that nothing was found: no work for anyone.",
    "page": "1 with its verdict is drift, now, and the one case to wake for.",
    "service": "The command works and can't judge: the service's numbers are missing.",
}
_INSTEAD = {
    "nothing": "A monitor that has not judged is silent in every incident. Who would hear of it?",
    "page": "Is there a verdict, and was the command there to its end? Waking Mira teaches her to ignore the pager.",
    "service": "Did the command say that it can't judge the numbers? If not, what is it that needs mending?",
}


def _reacts(right: str, runs: list[tuple[int, str]]) -> Callable[[object], str | None]:
    def judge(answer):
        for status, output in runs:
            shown = f"status {status} and {(output.splitlines() or ['no output'])[-1]!r}"
            given = as_choice(call(as_function(answer), status, output, case=shown), _REACTIONS)
            if given != right:
                return f"for {shown} yours says {given}. {_CLEAR.get(right) or _INSTEAD[given]}"
        return None

    return judge


_CRON = Exercise(
    id="9.6",
    judge=Scoreboard(tuple((name, _reacts(name.split(": ")[-1], runs)) for name, runs in _BOARD.items())),
    hints=(
        "A status alone is ambiguous. Which line does the command print whenever it has judged, and which when it "
        "could not?",
        '`any(line.startswith("verdict:") for line in output.splitlines())` says whether there is a verdict. '
        "Status 0 or 1 counts only with it, 2 only with a line that begins with `can't say:`.",
    ),
    why="an alarm that cannot judge must say so to somebody, or its silence will be taken for health.",
)

EXERCISES = (_FALSE_PAGES, _DELAY, _PATIENCE, _TRAINING_ROWS, _WAIT, _CRON)
