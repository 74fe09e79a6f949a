"""Exercises of chapter 09, "Does it work on a real system?".

The chapter measures a real service, so no answer is compared with a number: all of them are functions, judged
by what they return on inputs that are the same on every machine.
"""

from __future__ import annotations

import math

import numpy as np

from utils.exercises.engine import as_choice, function_exercise

# 9.1: several windows in a row -----------------------------------------------------------------------------


def _rings(rejects, in_a_row):
    """Return, for each window, whether it and the `in_a_row` - 1 before it reject."""
    return [end >= in_a_row and all(rejects[end - in_a_row : end]) for end in range(1, len(rejects) + 1)]


def _first_rings(rejects, in_a_row):
    """Return the same, but only where a run gets long enough."""
    rings = [False, *_rings(rejects, in_a_row)]
    return [now and not before for before, now in zip(rings, rings[1:], strict=False)]


_IN_A_ROW = function_exercise(
    "9.1",
    cases={
        f"{in_a_row} in a row and {signs} (R for a window that rejects)": (
            [s == "R" for s in signs],
            in_a_row,
        )
        for signs, in_a_row in (
            *(("..RRR.R.", 2), ("RRRR.RRR.R", 3), ("RR.RRRRR..RR.", 2), ("R.R.R..", 2), ("..R.RR..R", 1)),
            *(("RRR.", 4), ("...RRRR", 4), ("RRRRR", 1)),
        )
    },
    right=lambda rejects, in_a_row: np.mean(_rings(rejects, in_a_row)),
    slips={
        lambda rejects, in_a_row: np.sum(_rings(rejects, in_a_row)): (
            "this counts the windows at which it rings. What share of all are they?"
        ),
        lambda rejects, in_a_row: np.mean(rejects) ** in_a_row: (
            "a share is raised to a power, as if windows were independent. Which windows stand in a row here?"
        ),
        lambda rejects, in_a_row: np.mean(_first_rings(rejects, in_a_row)): (
            "each run is counted once, where it gets long enough. Does the pager ring at its next window, too?"
        ),
        lambda rejects, in_a_row: np.sum(_rings(rejects, in_a_row)) / max(1, len(rejects) - in_a_row + 1): (
            "the first windows, at which it cannot ring, are left out. Of which windows is it the share?"
        ),
        lambda rejects, in_a_row: np.sum(_rings(rejects[:-1], in_a_row)) / len(rejects): (
            "the last window never rings. Does your loop end one too early?"
        ),
    },
    hints=(
        "For each window, look at the last `in_a_row` windows up to and with this one.",
        "`all(rejects[end - in_a_row : end])` looks at those before `end`. What is the first `end` that is possible?",
    ),
    why="waiting for several windows helps against single bad ones, and little against a stretch in which all are.",
)


# 9.2: looking more often -----------------------------------------------------------------------------------

_DELAY = function_exercise(
    "9.2",
    cases=[
        *((60, 40, 60), (60, 40, 10), (60, 1, 60), (60, 60, 1), (100, 30, 20), (50, 50, 25)),
        *((200, 7, 50), (200, 120, 90), (90, 45, 30)),
    ],
    right=lambda window, needed, step: needed - 1 + step,
    slips={
        lambda window, needed, step: needed - 1 + window: (
            "this waits for a window of requests since the last judgment. How many come between two judgments here?"
        ),
        lambda window, needed, step: needed + step: (
            "one request too many: with `needed` of them a judgment would have paged. What is the most that it can "
            "have seen in silence?"
        ),
        lambda window, needed, step: needed: "this is the best moment to deploy. Which is the worst?",
        lambda window, needed, step: step * math.ceil(needed / step): (
            "this holds if version 2 goes live right after a judgment. Is there a worse moment?"
        ),
        lambda window, needed, step: window - 1 + step: (
            "this waits until version 2 fills a window. How many of its requests does a page take?"
        ),
    },
    hints=(
        "How many requests of version 2 can the last quiet judgment have held at most?",
        "From there it takes `step` more requests until the next judgment.",
    ),
    why="looking more often brings the page sooner, by less than a window, and makes many judgments out of one: "
    "the budget has to be shared among them.",
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
    },
    hints=(
        "If the fault were there, one window would stay quiet with probability 1 - share_caught.",
        "Multiply until the probability is no longer above `doubt`: a loop does it, a logarithm too.",
    ),
    why="a rollback is believed once you have looked so long that the fault would have shown itself, and "
    "how long that is depends on how well the alarm sees that fault.",
)


# 9.4: how long a lock may last below a fixed limit ---------------------------------------------------------

_WAIT = function_exercise(
    "9.4",
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


# 9.5: what cron does ---------------------------------------------------------------------------------------

_REACTIONS = ("nothing", "page", "service", "alarm")
_REPORT = "history  history.csv: 30,150 rows\n\nrecent   recent.csv: 60 rows\n"
_QUIET, _DRIFT = f"{_REPORT}verdict:  No drift found", f"{_REPORT}verdict:  Drift: recent is slower\n"
_REFUSAL = "can't say: recent.csv has 30 values and a window takes 60\n"
_LOSS = "the service lost its numbers: column 'latency_ms' holds no number\n"
_USAGE = "usage: detect-drift history recent\n"


def _reaction(status, output):
    beginnings = [line.partition(":")[0] for line in output.splitlines()]
    if "verdict" in beginnings and status in (0, 1):
        return ("nothing", "page")[status]
    return "service" if status == 3 and "the service lost its numbers" in beginnings else "alarm"


def _by_status(status, _, others="alarm"):
    return {0: "nothing", 1: "page", 3: "service"}.get(status, others)


def _by_words(status, output):
    if "lost its numbers" in output and status == 3:
        return "service"
    return {0: "nothing", 1: "page"}.get(status, "alarm") if "verdict:" in output else "alarm"


def _by_output(status, output):
    found = _reaction(3, output)
    return found if "verdict:" not in output else "page" if "  Drift" in output else "nothing"


_CRON = function_exercise(
    "9.5",
    cases={
        "status 0 and a verdict": (0, _QUIET),
        "status 0, a verdict and a note after it": (0, f"{_QUIET}\nnote: last"),
        "status 1 and a verdict": (1, _DRIFT),
        "status 3 and a loss": (3, _LOSS),
        "status 3 and a loss after a report": (3, f"{_REPORT}\n{_LOSS}"),
        "status 2 and a line that begins with can't say": (2, f"{_REPORT}\n{_REFUSAL}"),
        "status 2 and an option that is misspelled": (2, f"{_USAGE}no such option: --budgte"),
        "status 1 and a Python that could not load the program": (
            1,
            "ModuleNotFoundError: No module 'utils'",
        ),
        "status 1 and 'verdict:' in the middle of a line": (
            1,
            f"{_REPORT}KeyError: the verdict: was not written",
        ),
        "status 0 and no output": (0, ""),
        "status 0 and 'verdict:' in the middle of a line": (0, f"{_REPORT}note: no verdict: disk full"),
        "status 3 and no output": (3, ""),
        "status 3 and a verdict": (3, _QUIET),
        "status 4 and a loss": (4, _LOSS),
        "status 126": (126, "permission denied: detect-drift"),
        "status 127 and a loss": (127, _LOSS),
        "status 137 after a verdict of drift": (137, _DRIFT),
        "status -9 after a verdict of drift": (-9, _DRIFT),
    },
    right=_reaction,
    returns=lambda result: as_choice(result, _REACTIONS),
    slips={
        _by_status: "the status alone decides. What else ends with 0, 1 or 3, and prints no verdict or loss?",
        lambda status, _: _by_status(status, _, "nothing"): (
            "the status alone decides, and others make nothing. Who hears of a monitor that could not judge?"
        ),
        lambda status, output: _reaction(status, output.partition("\n")[0]): (
            "only the beginning of what was printed is looked at. Which of its lines may be the verdict?"
        ),
        _by_words: "words count wherever they stand. Where does the line of a verdict have them?",
        _by_output: "the status is not used once a verdict is there. What of a program that was killed after it?",
    },
    hints=(
        "A status alone is ambiguous. Which line does the command print whenever it has judged, and which when the "
        "numbers are gone?",
        '`any(line.startswith("verdict:") for line in output.splitlines())` says whether there is a verdict. '
        "Status 0 or 1 counts only with it, 3 only with a loss.",
    ),
    why="an alarm that cannot judge must say so to somebody, or its silence will be taken for health.",
)

EXERCISES = (_IN_A_ROW, _DELAY, _PATIENCE, _WAIT, _CRON)
