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

    def service(shifts, window, alpha, left_over):
        narrow, *others = (latencies(window) + shift for shift in (0, *shifts, 99))
        unchanged = np.concatenate([150 + 0.1 * (narrow - 150), *others])
        return latencies(200), unchanged[: (1 + len(shifts)) * window + left_over], window, alpha

    return {
        "windows of 60": service((0.1, -9, 0.2, 16, 9, -30, 0.3, -12), 60, 0.3, 0),
        "windows of 50 and 30 left over": service((8, -30, 0.1, 0.2, 30, -8, 0.3, 16, 0.4), 50, 0.05, 30),
        "windows of 40 and 20 left over": service((0.1, 12, -45, 0.2, 12, 45, -12), 40, 0.001, 20),
    }


def _whole_windows(unchanged, window):
    return unchanged[: len(unchanged) // window * window].reshape(-1, window)


def _share_that_page(cut=_whole_windows, of=np.mean):
    """Return the function of 9.1 that cuts and counts so."""

    def share(historical, unchanged, window, alpha):
        from utils.alarm.drift import detect_drift  # brings scipy, for which other exercises need not wait

        return of([detect_drift(historical, one, alpha=alpha).drifted for one in cut(unchanged, window)])

    return share


_FALSE_PAGES = function_exercise(
    "9.1",
    cases=_quiet_services,
    right=_share_that_page(),
    slips={
        _share_that_page(of=np.sum): "this counts the pages. What share of the windows is it?",
        _share_that_page(
            lambda rows, _: [rows]
        ): "one test of all requests gives this, too. Where are the windows?",
        _share_that_page(lambda rows, size: np.split(rows, range(size, len(rows), size))): (
            "the last few requests fill no window, which makes another test. Do you leave them out?"
        ),
        _share_that_page(np.lib.stride_tricks.sliding_window_view): (
            "the windows overlap: one begins with each request. Where does the next one begin, end to end?"
        ),
    },
    hints=(
        "Cut `unchanged` into whole windows first: `unchanged[: n * window].reshape(n, window)`.",
        "`detect_drift(historical, one_window, alpha=alpha).drifted` is True or False; average them.",
    ),
    why="a false-alarm rate that was counted on your own service holds for it; one that was promised for "
    "independent data need not.",
)


# 9.2: how late is a page -----------------------------------------------------------------------------------


def _requests_late(deployed_at, paged, window, after=0):
    """Return the delay of the first page that comes so many requests after the deployment, or more."""
    ends = (window * number for number, page in enumerate(paged, start=1) if page)
    return next((end - deployed_at for end in ends if end - deployed_at > after), None)


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
    right=lambda deployed_at, paged, window: _requests_late(deployed_at, paged, window),
    returns=lambda result: None if result is None else one_number(result),
    slips={
        lambda *case: _requests_late(*case, after=-1): (
            "a window counts that ends with the last request of the old version. Is the new one in it?"
        ),
        lambda *case: _requests_late(*case, after=-math.inf): (
            "a page before the deployment counts. Which pages can the new version have caused?"
        ),
        lambda *case: _requests_late(*case, after=case[2] - 1): (
            "the window in which the deployment fell is passed over. Whose requests does it hold?"
        ),
        lambda *case: (late := _requests_late(*case)) and late - case[2]: (
            "a window is counted from its start. When can it be judged?"
        ),
        lambda *case: _requests_late(*case) or 0: "0 says that the page came at once. Did one come at all?",
    },
    hints=(
        "Window number 0 holds the first `window` requests, and is judged when the last of them is in.",
        "Go through the windows in alarm, and stop at the first that ends after the deployment.",
    ),
    why="a window is judged when it is full, up to one window after the fault began, and the next one pages "
    "if the first holds too little of the new version.",
)


# 9.3: how long to look -------------------------------------------------------------------------------------


def _quiet_windows(share_caught, doubt):
    return next((number for number in range(1, 10_000) if (1 - share_caught) ** number <= doubt), 10_000)


_PATIENCE = function_exercise(
    "9.3",
    # With 0.5 and 0.25 two windows leave exactly the doubt; the rarest fault takes thousands.
    cases=[
        *((0.05, 0.4), (0.03, 0.2), (0.0004, 0.3), (0.1, 0.6), (0.9, 0.05)),
        *((0.5, 0.01), (0.5, 0.25), (0.999, 0.05), (1.0, 0.05)),
    ],
    right=_quiet_windows,
    slips={
        lambda share, doubt: 0 if share == 1 else _quiet_windows(share, doubt): (
            "a fault that pages in every window is ruled out without a look. How many does it take at least?"
        ),
        lambda share, doubt: max(1, _quiet_windows(share, doubt) - 1): (
            "so many windows leave more than the doubt that you accept. Did you round, and which way?"
        ),
        lambda share, doubt: np.log(doubt) / np.log(1 - share): (
            "windows come in whole numbers. Which way must you round, so that the doubt is kept?"
        ),
        lambda share, doubt: _quiet_windows(1 - share, doubt): (
            "this multiplies the chance that a window pages. What is the chance that it stays quiet?"
        ),
        lambda share, doubt: _quiet_windows(share, doubt - 1e-9): (
            "a chance of exactly `doubt` is not accepted here. What does the exercise say about it?"
        ),
        lambda share, doubt: math.ceil(1 / share): (
            "this is how long you wait for a page on average. How likely is it that a fault hides so long?"
        ),
        lambda share, doubt: math.ceil((1 - doubt) / share): (
            "the chances of a page are added up. Can they add up to more than 1?"
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
    """Return the function of 9.4 that keeps windows by whether they and their neighbors page."""

    def rows(latencies, paged, window):
        before, paged, after = (np.array([False, *paged, False])[i : i + len(paged)] for i in range(3))
        return latencies[np.repeat(kept(paged, before, after), window)]

    return rows


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
    right=_rows_of(lambda paged, before, after: ~(paged | after)),
    returns=as_array,
    slips={
        _rows_of(lambda paged, before, after: ~paged): (
            "only the windows in alarm are gone. Where may a fault begin, too little of it to page?"
        ),
        _rows_of(lambda paged, before, after: ~after): (
            "the window before a page is left out, and the one that pages is kept. Is it healthy?"
        ),
        _rows_of(lambda paged, before, after: ~(paged | before)): (
            "the window after each page is left out. On which side of the first page does a fault begin?"
        ),
        _rows_of(lambda paged, before, after: ~(paged | np.roll(paged, -1))): (
            "the last window is taken to be followed by the first. Which window comes after the last one?"
        ),
        _rows_of(lambda paged, before, after: ~np.logical_or.accumulate(paged | after)): (
            "what follows the first page is thrown away. What of the healthy windows after the rollback?"
        ),
    },
    hints=(
        "Decide for each window first: a list of True and False, as long as `paged`.",
        "A window is kept if neither it nor the next one pages; the last one has no next one.",
    ),
    why="an incident that slips into the training rows becomes what the model calls normal.",
)


# 9.5: how long a lock may last below a fixed limit ---------------------------------------------------------

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
        lambda mean_ms, factor, share: (factor - 1) * mean_ms / share + mean_ms: (
            "this is how long such a request takes in all. What of it does it wait on top?"
        ),
    },
    hints=(
        "If a share s of requests waits w ms on top, the mean grows by s times w.",
        "The alert pages when the mean has grown by (factor - 1) times what it was.",
    ),
    why="the rarer the victims, the longer they may wait before a mean reaches its limit, so draw that limit "
    "no higher than healthy windows need.",
)


# 9.6: what cron does ---------------------------------------------------------------------------------------

_REACTIONS = ("nothing", "page", "service", "alarm")
_REPORT = "history  history.csv: 30,150 rows\n\nrecent   recent.csv: 60 rows\n"
_QUIET, _DRIFT = f"{_REPORT}verdict:  No drift found", f"{_REPORT}verdict:  Drift: recent is slower\n"
_REFUSAL = "can't say: recent.csv has 30 values and a window takes 60\n"
_LOSS = "the service lost its numbers: column 'latency_ms' holds no number\n"
_BOARD = {  # a behavior, which ends with its reaction, and the runs that it is tried on
    "0 with a verdict: nothing": [(0, _QUIET), (0, f"{_QUIET}\nnote: last")],
    "1 with a verdict: page": [(1, f"{_DRIFT}note: last"), (1, _DRIFT)],
    "3 with the loss: service": [(3, _LOSS), (3, f"{_REPORT}\n{_LOSS}")],
    "2 with a refusal: alarm": [(2, _REFUSAL), (2, f"{_REPORT}\n{_REFUSAL}")],
    "2 without one: alarm": [
        (2, "usage: detect-drift history recent\nno such option: --budgte"),
        (2, "usage: detect-drift history recent\nthe command can't say: what is --budgte?"),
    ],
    "1 without a verdict: alarm": [
        (1, "ModuleNotFoundError: No module named 'utils'"),
        (1, f"{_REPORT}KeyError: the verdict: was not written"),
    ],
    "0 without a verdict: alarm": [(0, ""), (0, f"{_REPORT}note: no verdict: disk full")],
    "3 without the loss, 4 and more: alarm": [(3, ""), (3, _QUIET), (3, _REFUSAL), (4, _LOSS), (255, _LOSS)],
    "126 and 127, no such command: alarm": [
        (126, "permission denied: can't say more"),
        (127, "detect-drift: command not found"),
        (127, _LOSS),
    ],
    "137, killed: alarm": [(137, _REPORT), (137, _DRIFT), (139, _QUIET)],
    "-9, killed after its verdict: alarm": [(-9, _DRIFT), (-9, _QUIET), (-1, _DRIFT)],
}
_CLEAR = {
    "nothing": "The verdict is that nothing was found: no work for anyone.",
    "page": "1 with its verdict is drift, now, and the one case to wake for.",
    "service": "The command works, and says that the service's numbers are missing.",
}
_INSTEAD = {
    "nothing": "A monitor that has not judged is silent in every incident. Who would hear of it?",
    "page": "Is there a verdict, and was the command there to its end?",
    "service": "Did the command say that the numbers are gone? If not, what needs mending?",
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
        "A status alone is ambiguous. Which line does the command print whenever it has judged, and which when the "
        "numbers are gone?",
        '`any(line.startswith("verdict:") for line in output.splitlines())` says whether there is a verdict. '
        "Status 0 or 1 counts only with it, 3 only with a line that begins with `the service lost its numbers:`.",
    ),
    why="an alarm that cannot judge must say so to somebody, or its silence will be taken for health.",
)

EXERCISES = (_FALSE_PAGES, _DELAY, _PATIENCE, _TRAINING_ROWS, _WAIT, _CRON)
