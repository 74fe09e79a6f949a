"""Exercises of chapter 04, "How do I raise the alarm?"; the last one is the course's challenge.

Warnings are judged by what a function does: it runs under a filter of the judge's choosing, with its warnings
recorded. A learner's category may be any class of their own that Python can warn with.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np

from utils.exercises import engine
from utils.exercises.engine import Exercise, NotYet
from utils.simulate import course_latencies

# pandas and scipy are imported where they are needed: the first check need not wait for them.

# Running a learner's function -------------------------------------------------------------------------------

HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning)
ANNOUNCEMENTS = (*HIDDEN, FutureWarning)  # of libraries' own changes; they are nobody's drift alarm
NOT_THE_LEARNERS = ("builtins", "numpy", "scipy", "pandas", "matplotlib", "sklearn")
STOPS = "That stops its caller: which call leaves the decision to the caller?"
LEFT_CHANGED = "it leaves the filters of the whole program changed. Whose are they, and what puts them back?"


class LatencyDriftWarning(Warning):
    """The category of the judges' own checks; no UserWarning, as a learner's may be."""


class TailDriftWarning(LatencyDriftWarning):
    """A category below it."""


def _observe(
    function: Callable, *args: Any, case: str, action: str = "always", **kwargs: Any
) -> SimpleNamespace:
    """Return what one call did under one warning filter: its result or error, its alarms, and what else."""
    engine.as_function(function)
    did = SimpleNamespace(result=None, error=None, stop=None, printed=False, changed=False, logged=[])
    handler = logging.Handler()  # a root logger that has one sets up none that would outlive the call
    handler.emit = did.logged.append

    def watched(*args, **kwargs):
        logging.root.addHandler(handler)
        with contextlib.redirect_stderr(sys.stdout), warnings.catch_warnings(record=True) as record:
            warnings.simplefilter(action)
            # What scipy says of its own work is no alarm. And setting a filter that is the first already
            # changes nothing, so that the action must not be the first.
            warnings.filterwarnings("ignore", message="ks_2samp: |One or more sample arguments")
            before = list(warnings.filters)
            try:
                return function(*args, **kwargs)
            finally:
                did.meddled = list(warnings.filters) != before
                did.announced = [warning for warning in record if _is_announcement(warning.category)]
                did.alarms = [warning for warning in record if warning not in did.announced]
                logging.root.removeHandler(handler)

    try:
        did.result, did.printed, did.changed = engine.watched_call(watched, args, kwargs, case)
    except engine.NeverReturned:
        raise
    except NotYet as stop:
        did.stop, did.error = stop, stop.__cause__
    return did


def _run(function: Callable, *args: Any, case: str, escaped: str = STOPS, **options: Any) -> SimpleNamespace:
    """Return what one call did; an exception becomes a sentence, that of a warning asks `escaped`."""
    did = _observe(function, *args, case=case, **options)
    if isinstance(did.error, Warning):
        name = type(did.error).__name__
        raise NotYet(f"for {case} your function raised {name} as an exception. {escaped}")
    if did.stop:
        raise did.stop
    return did


def _is_the_learners(category: type[Warning]) -> bool:
    return category.__module__.partition(".")[0] not in NOT_THE_LEARNERS


def _is_announcement(category: type[Warning]) -> bool:
    return issubclass(category, ANNOUNCEMENTS) and not _is_the_learners(category)


def _instead(did: SimpleNamespace) -> str:
    """Say what a function that did not warn did instead."""
    if did.announced:
        name = did.announced[0].category.__name__
        return f"there was a {name} instead, which announces a library's changes. Which category is yours?"
    if did.printed:
        return "it printed a line instead. Which filter, test or pipeline can hear that?"
    if did.logged:
        return "it wrote a log record instead. Can a caller turn that into an error?"
    if did.result is not None:
        return f"it returned {engine.describe(did.result)} instead. Who looks at what comes back?"
    return "nothing else was heard. Is `warnings.warn` reached, and does no filter of yours stand around it?"


def _category_problem(alarm: warnings.WarningMessage) -> str | None:
    """Name a category that isn't the learner's own, or one that Python hides."""
    name = alarm.category.__name__
    if not _is_the_learners(alarm.category):
        return f"it warned with {name}, which everybody uses. Which argument names a category of your own?"
    if issubclass(alarm.category, HIDDEN):
        return f"it warned with {name}, a kind that Python's own filters hide. Which parent is shown?"
    return None


def _numbers(text: str) -> list[float]:
    """Return the numbers in a text; one given in percent counts as a share, too."""
    found = re.findall(r"((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(\s*%)?", text)
    return [float(number) for number, _ in found] + [float(number) / 100 for number, sign in found if sign]


def _misjudged(function: Callable, nights: Iterable[tuple]) -> str | None:
    """Return the sentence for the first night on which a function rings or doesn't against what is expected.

    A night is what it is, the arguments, the alpha (None for none given), whether it rings, and a question.
    """
    for night, args, alpha, rings, question in nights:
        given = {} if alpha is None else {"alpha": alpha}
        if bool(_run(function, *args, case=night, **given).alarms) is not rings:
            return f"{night} brought {'no' if rings else 'a'} warning. {question}"
    return None


# 4.1: a first alarm -----------------------------------------------------------------------------------------

THE_CALLERS = "Does the alpha of the caller decide, and the p-value as it is?"
BY_ITSELF = "Which alpha does your function take when its caller names none?"
EQUAL = "Is a p-value below alpha when the two are equal?"
P_VALUES = (
    ("p = 0.4 without an alpha", [0.4], None, False, "Which p-values are rare without drift?"),
    ("p = 0.03 with alpha = 0.01", [0.03], 0.01, False, THE_CALLERS),
    ("p = 0.196 with alpha = 0.2", [0.196], 0.2, True, THE_CALLERS),
    ("p = 0.2 with alpha = 0.2", [0.2], 0.2, False, EQUAL),
    ("p = 0.04 without an alpha", [0.04], None, True, BY_ITSELF),
    ("p = 0.06 without an alpha", [0.06], None, False, BY_ITSELF),
)


def first_alarm(alarm_at):
    """Judge an alarm on a p-value: when it warns, when it doesn't, with which category and text."""
    loud = _run(alarm_at, 2e-6, case="p = 2e-06")
    if not loud.alarms:
        silent = f"at p = 2e-06 no warning was issued; {_instead(loud)}"
        return _misjudged(alarm_at, P_VALUES[:1]) or silent
    if problem := _misjudged(alarm_at, P_VALUES):
        return problem
    if len(loud.alarms) > 1:
        return f"one call issued {len(loud.alarms)} warnings; one is enough."
    if loud.meddled:
        return LEFT_CHANGED
    text = str(loud.alarms[0].message)
    if not any(1.6e-6 < number < 2.4e-6 for number in _numbers(text)):
        return f"at p = 2e-06 its text is {text[:60]!r}. Which number in it is the p-value, small as it is?"
    return _category_problem(loud.alarms[0])


# 4.2: the line that a warning points at ---------------------------------------------------------------------

_LEVEL = engine.number_exercise(
    "4.2",
    right=3,
    within=0,
    slips={
        1: "the level of `warnings.warn(…)` itself, in sound. Who called sound?",
        2: "the level of `sound(…)`, in check_checkout. Which line is one caller further up?",
        4: "the level of the line at the very bottom. Is that line inside a function?",
    },
    otherwise="no level of this program. The line that warns is 1; what does each one more count?",
    hints=(
        "Level one is the line with `warnings.warn` itself. Each level more is one caller further up.",
        "Put a number in place of the 1 in the cell above and run it: the second line of the warning "
        "shows where it points.",
    ),
    why="a helper that warns for you is one caller more, and the level has to grow by as much.",
)


# 4.3: counting every alarm ----------------------------------------------------------------------------------

D, T, R = LatencyDriftWarning, TailDriftWarning, RuntimeWarning  # a drift, one of a subclass, a library's
HOW_MANY = "Which filter shows a repeated text again, and which part of a record is the category?"
WHICH_CAUGHT = "Which warnings become errors inside it, and which of them do you catch?"
WEEKS = (
    ("seven nights, four with the same drift", [[D], [], [D], [D], [], [], [D]], 4, HOW_MANY),
    ("two nights, one of which warned twice", [[D, D], []], 1, "Do you count windows, or warnings?"),
    ("two nights of other categories", [[R], [UserWarning]], 0, "Is every warning a drift alarm?"),
    ("a night with a drift among others", [[R, D, R]], 1, "Which warnings of a night do you look at?"),
    ("a night with a subclass", [[T]], 1, "A filter covers its category's subclasses. Does your count?"),
)


def counted_alarms(count_alarms):
    """Judge a counter on weeks with repeated, doubled and foreign warnings, under several filters."""
    for action, week in itertools.product(("default", "ignore", "error"), WEEKS):
        if problem := _miscount(count_alarms, action, *week):
            return problem
    return None


def _miscount(count_alarms, action, case, nights, rang, question) -> str | None:
    calls = []

    def check(window):
        calls.append(window)
        _warn_of(window)

    case = f"{case} (under the filter {action!r})"
    did = _run(count_alarms, check, nights, D, case=case, action=action, escaped=WHICH_CAUGHT)
    counted = engine.as_number(did.result)
    if counted != rang:
        if action != "default":
            question = "Does your function set a filter of its own?"
        return f"it counted {counted:g} for {case}. {question}"
    if len(calls) != len(nights):
        return f"for {case} it called the alarm {len(calls)} times. Can one call of each window do?"
    return LEFT_CHANGED if did.meddled else None


def _warn_of(categories: Iterable[type[Warning]]) -> None:
    """Warn with each category, always the same text from the same line."""
    for category in categories:
        warnings.warn("checkout drifted", category, stacklevel=1)


# 4.4: a gate before a release -------------------------------------------------------------------------------

ONCE = "Is the release called once, and which word belongs to which end?"
WHERE = "What stops it at the line that warns, and which word says so?"
RELEASES = (
    ("a release without any warning", [], "shipped", ONCE),
    ("a release with a drift alarm", [D], "stopped", WHERE),
    ("a release with a library's RuntimeWarning", [R], "shipped", "Which warnings are to become errors?"),
    ("a release with an alarm of a subclass", [T], "stopped", WHERE),
)


def release_gate(gate):
    """Judge a gate by what it lets through, what it stops, and where."""
    for action, release in itertools.product(("default", "ignore"), RELEASES):
        if problem := _gate_problem(gate, action, *release):
            return problem
    return _error_problem(gate)


def _gate_problem(gate, action, case, warns, expected, question) -> str | None:
    steps = []

    def release():
        _warn_of(warns)
        steps.append("deployed")

    case = f"{case} (under the filter {action!r})"
    did = _run(gate, release, D, case=case, action=action, escaped=WHICH_CAUGHT)
    said, times = engine.as_choice(did.result, ("shipped", "stopped")), len(steps)
    if (said, times) != (expected, int(expected == "shipped")):
        ended = "ran to its end" if times == 1 else f"ran to its end {times} times"
        return f'{case} {ended}, and it said "{said}". {question}'
    return LEFT_CHANGED if did.meddled else None


def _error_problem(gate) -> str | None:
    disk_full = OSError("no space left on device")

    def broken_release():
        raise disk_full

    did = _observe(gate, broken_release, D, case="a release that fails")
    if did.error is not disk_full:
        came_out = engine.describe_error(did.error) if did.error else f'"{did.result}"'
        return f"a release failed with an OSError, and {came_out} came out. Which errors are yours to catch?"
    return f"after a release that failed {LEFT_CHANGED}" if did.meddled else None


# 4.5: input that can't be judged ----------------------------------------------------------------------------

UNUSABLE = {
    "a NaN": np.array([151.0, 149.5, np.nan]),
    "no values": np.array([]),
    "one value": np.array([151.0]),
}


def _containers() -> dict[str, Callable[[np.ndarray], Sequence]]:
    import pandas as pd

    return {
        "arrays": np.array,
        "lists of whole ms": lambda values: [round(value) for value in values],
        "tuples": tuple,
        "Series with an index of their own": lambda values: pd.Series(values, values.argsort() + 90_000),
    }


def _array_of_floats(result: Any) -> np.ndarray:
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f":
        raise NotYet("NumPy's array of floats is asked for, whatever comes in. Of which type is yours?")
    return engine.as_array(result)


def _refuses_what_is_no_data(as_latencies) -> str | None:
    further = {"a NaN in a list": [np.nan, 151.0, 149.5], "words": [151.0, "slow", 149.5]}
    for case, values in {**UNUSABLE, **further}.items():
        said = _refusal(as_latencies, values, "checkout", case=case)
        if "checkout" not in said.casefold():
            return f"for {case} in 'checkout' it says {said[:70]!r}. Which argument is at fault?"
    return None


def _refusal(function: Callable, *args: Any, case: str) -> str:
    """Return what a function says when it refuses a case; anything but a ValueError stops the judgment."""
    did = _observe(function, *args, case=case)
    if isinstance(did.error, ValueError):
        return str(did.error)
    if did.stop:
        instead = f"it broke with {engine.describe_error(did.error)}"
    elif did.alarms:
        instead = f"it warned ({str(did.alarms[0].message)[:40]!r}) and went on"
    else:
        instead = "it went on as if nothing were wrong"
    raise NotYet(f"for {case} {instead}. Is that an all-clear, or a case for a ValueError?")


_CLEAN = engine.function_exercise(
    "4.5",
    cases=lambda: {
        f"{window.size} values given as {kind}": (hold(window), "recent")
        for kind, hold in _containers().items()
        for window in (np.array([162.0, 151.0]), np.array([151.0, 149.0, 162.0, 149.0]))
    },
    right=lambda values, name: np.array(values, dtype=float),
    returns=_array_of_floats,
    slips={},
    further=_refuses_what_is_no_data,
    hints=(
        "First make an array of floats, and catch what that does with words. Then there are two more "
        "questions to ask of it.",
        "`array.size` tells how many values there are, `np.isnan(array).any()` whether one is missing. "
        "Put `name` into each sentence that you raise.",
    ),
    why="an alarm that cannot judge has to say so: silence is read as an all-clear.",
)


# 4.6: the challenge, one judge a behavior -------------------------------------------------------------------

# Small windows, here and below: a learner may try a one-sided test, and scipy takes its time over those.


def _latencies(size: int, mean: float = 150, sd: float = 20) -> np.ndarray:
    """Return normal latencies in ms as evenly spread as they can be: no luck of a draw, in no order."""
    latencies = [NormalDist(mean, sd).inv_cdf((i + 0.5) / size) for i in range(size)]
    return np.random.default_rng(size).permutation(latencies)


HISTORICAL, QUIET = _latencies(200), _latencies(100)
DRIFTED, FASTER = _latencies(100, 165, 22), _latencies(100, 135)
# Shifts in ms, from far from significant to far beyond; the p-values are those of `_shifted`.
P_ABOUT_7_PERCENT, P_ABOUT_3_PERCENT, P_BELOW_A_THOUSANDTH, P_BELOW_A_MILLIONTH = 4.8, 5.5, 8.0, 11.0
HONEST_ALARMS = (14, 48)  # on 300 nights at alpha 0.1: where 99.9 % of such counts lie


def _shifted(shift_ms: float) -> tuple[np.ndarray, np.ndarray]:
    return _latencies(400), _latencies(300, 150 + shift_ms)


@cache
def _ks_of_shifted(shift_ms: float) -> tuple[float, float]:
    from scipy.stats import ks_2samp

    result = ks_2samp(*_shifted(shift_ms))
    return float(result.statistic), float(result.pvalue)


def _rings(function: Callable, *pair: Sequence, case: str = "no drift", **options: Any) -> bool:
    return bool(_run(function, *pair, case=case, **options).alarms)


def _warns_when_drifted(function):
    did = _run(function, *course_latencies(41), case="drifted latencies")
    return None if did.alarms else f"with requests 15 ms slower no warning was issued; {_instead(did)}"


def _lets_alpha_decide(function):
    seven, three = P_ABOUT_7_PERCENT, P_ABOUT_3_PERCENT
    question = "What does your function compare, and with which alpha?"
    nights = []
    for shift_ms, alpha, rings in (
        (seven, None, False),
        (seven, 0.2, True),
        (three, None, True),
        (three, 0.03, True),
        (three, 0.01, False),
    ):
        given = "without an alpha" if alpha is None else f"at alpha = {alpha}"
        night = f"a night whose KS test gives p = {_ks_of_shifted(shift_ms)[1]:.2g} {given}"
        nights.append((night, _shifted(shift_ms), alpha, rings, question))
    if problem := _misjudged(function, nights):
        return problem
    _, p_value = _ks_of_shifted(seven)  # other ways to compute it may be a little off, and ring below it, too
    below, equal = (_rings(function, *_shifted(seven), alpha=p_value * factor) for factor in (1 - 1e-9, 1))
    return f"with the p-value itself for alpha it warned. {EQUAL}" if equal and not below else None


def _keeps_its_false_alarm_rate(function):
    rng = np.random.default_rng(464)
    nights = [(rng.normal(150, 20, 60), rng.normal(150, 20, 41)) for _ in range(300)]
    alarms = sum(_rings(function, *pair, alpha=0.1) for pair in nights)
    low, high = HONEST_ALARMS
    if low <= alarms <= high:
        return None
    return (
        f"it rang on {alarms} of 300 nights without drift; alpha 0.1 promises {low} to {high}. Does what "
        "decides know how many requests there are?"
    )


def _night_of_sizes(n: int, m: int, slower_ms: int) -> tuple:
    pair = _latencies(n), _latencies(m, 150 + slower_ms)
    night = f"{n} against {m} requests that are {slower_ms} ms slower"
    return night, pair, 0.05, slower_ms > 0, "Is every request of the larger window used?"


SIZES = ((400, 30), (30, 400), (7, 5), (400, 2), (2, 400))
OF_SIZES = [_night_of_sizes(*sizes, 14) for sizes in SIZES[:2]]
OF_SIZES += [_night_of_sizes(*sizes, slower_ms) for slower_ms in (110, 0) for sizes in SIZES]
OF_NO_CHANGE = [
    ("a night without any change", pair, None, False, "What makes your function warn?")
    for pair in (course_latencies(41, drifted=False), (HISTORICAL, QUIET))
]
TWICE = _latencies(600), _latencies(300, sd=40)
WHOLE = "Does your test compare whole distributions, or means?"
OF_SPREAD = [("twice the spread around the same mean", TWICE, None, True, WHOLE)]
CACHE = "Would a cache that answers for a broken service make it slower?"
OF_FASTER = [("15 ms faster", (HISTORICAL, FASTER), None, True, CACHE)]


def _first_alarm_of(function: Callable, *pair: Sequence) -> warnings.WarningMessage:
    """Return the warning of a clear drift; where there is none, what hangs on it can't be judged."""
    alarms = _run(function, *(pair or (HISTORICAL, DRIFTED)), case="a clear drift").alarms
    if not alarms:
        raise NotYet("a clear drift brought no warning, so there is nothing to look at yet.")
    return alarms[0]


def _warns_in_its_own_category(function):
    first, second = _first_alarm_of(function), _first_alarm_of(function)
    if first.category is not second.category:
        name = first.category.__name__
        return f"every call makes a {name} of its own, which no filter can name. Where is it defined?"
    return _category_problem(first)


def _says_how_large_the_drift_is(function):
    for shift_ms in (P_BELOW_A_THOUSANDTH, P_BELOW_A_MILLIONTH):
        d, p = _ks_of_shifted(shift_ms)
        text = str(_first_alarm_of(function, *_shifted(shift_ms)).message)
        found = [number for one in _numbers(text) for number in (one, one / 100)]  # D in percentage points
        if not any(abs(number - d) < 0.006 or p / 2 <= number <= 2 * p for number in found):
            return f"at D = {d:.2f} and p = {p:.0e} it says {text[:70]!r}. Which of the two is in it?"
    return None


CALLER = "nightly_job.py"  # no file, so that nothing but the caller's own line can bear its name


def _points_at_the_callers_line(function):
    def job(historical, recent):
        names = {"warn_on_drift": function, "historical": historical, "recent": recent}
        exec(compile("warn_on_drift(historical, recent)", CALLER, "exec"), names)

    alarm = _first_alarm_of(job)
    if alarm.filename == CALLER:
        return None
    line = f"line {alarm.lineno} of {Path(alarm.filename).name}"
    return f"it points at {line}, which does not call your function. How many levels up is its caller?"


def _rings_once_a_call(function):
    def five_nights():
        for _ in range(5):
            function(HISTORICAL.copy(), DRIFTED.copy())

    heard = len(_run(five_nights, case="five calls").alarms)
    if heard == 5:
        return None
    return f"five calls with a drift brought {heard} warnings. Is a repeat your business, or the filter's?"


def _leaves_the_filters_alone(function):
    return LEFT_CHANGED if _run(function, HISTORICAL, DRIFTED, case="a drift").meddled else None


def _becomes_an_error_when_asked(function):
    did = _observe(function, HISTORICAL, DRIFTED, case='a drift, under the filter "error"', action="error")
    if isinstance(did.error, Warning):
        return None
    if did.stop:
        raise did.stop
    return "the caller asked for errors and got none. Does your function catch it, or set its own filter?"


def _keeps_quiet_when_ignored(function):
    if _rings(function, HISTORICAL, DRIFTED, case='a drift, under the filter "ignore"', action="ignore"):
        return "the caller ignores warnings and got one. Does a filter inside your function override theirs?"
    return None


def _takes_lists_tuples_and_series(function):
    question = "Which types does your function take?"
    nights = [
        (f"{night} given as {kind}", (hold(HISTORICAL), hold(recent)), None, recent is DRIFTED, question)
        for kind, hold in _containers().items()
        for night, recent in (("a clear drift", DRIFTED), ("no drift", QUIET))
    ]
    return _misjudged(function, nights)


def _leaves_its_inputs_unchanged(function):
    for kind, hold in _containers().items():
        if _run(function, hold(HISTORICAL), hold(DRIFTED), case=kind).changed:
            return f"after the call the caller's own data, given as {kind}, have changed. What makes a copy?"
    return None


def _with_nan(values: np.ndarray, position: int) -> np.ndarray:
    holed = values.copy()
    holed[position] = np.nan
    return holed


def _further_unusable(kind: str) -> list[tuple[str, Sequence]]:
    """Return windows that a check might miss: at the other end, in a list, with a drift or without."""
    if kind != "a NaN":
        return [(f"{kind} in a list", [900.0] if kind == "one value" else [])]
    places = {"at the start": (DRIFTED, 0), "at the end": (DRIFTED, -1), "and no drift": (QUIET, 3)}
    holed = [(f"a NaN {where}", _with_nan(*place)) for where, place in places.items()]
    return [*holed, ("a NaN in a list", list(_with_nan(DRIFTED, 3)))]


def _refuses(kind: str, function: Callable) -> None:
    for case, window in ((kind, UNUSABLE[kind]), *_further_unusable(kind)):
        _refusal(function, QUIET, window, case=f"{case} in recent")
        _refusal(function, window, QUIET, case=f"{case} in historical")


def _names_what_it_refuses(function):
    said = {}
    for kind, window in UNUSABLE.items():
        for name, pair in (("recent", (QUIET, window)), ("historical", (window, QUIET))):
            with contextlib.suppress(NotYet):  # what is let through has a line of its own on the board
                text = said[kind, name] = _refusal(function, *pair, case=f"{kind} in {name}")
                whichever = name == "historical" and text == said.get((kind, "recent"))
                if name not in text.casefold() or whichever:
                    return f"for {kind} in {name} it says {text[:70]!r}. Which of the two arguments is it?"
    return None if said else "it refuses nothing yet, so no argument is named."


BEHAVIORS = (
    ("warns when latencies drifted", _warns_when_drifted),
    ("is silent when nothing changed", partial(_misjudged, nights=OF_NO_CHANGE)),
    ("lets alpha decide, both ways", _lets_alpha_decide),
    ("keeps the false-alarm rate that alpha promises", _keeps_its_false_alarm_rate),
    ("catches a change of spread alone", partial(_misjudged, nights=OF_SPREAD)),
    ("catches a change to faster", partial(_misjudged, nights=OF_FASTER)),
    ("compares windows of any size", partial(_misjudged, nights=OF_SIZES)),
    ("warns in a category of its own", _warns_in_its_own_category),
    ("says how large the drift is", _says_how_large_the_drift_is),
    ("points at the caller's line", _points_at_the_callers_line),
    ("rings once a call, on every call", _rings_once_a_call),
    ("leaves the warning filters alone", _leaves_the_filters_alone),
    ('becomes an error under the filter "error"', _becomes_an_error_when_asked),
    ('keeps quiet under the filter "ignore"', _keeps_quiet_when_ignored),
    ("takes lists, tuples and Series", _takes_lists_tuples_and_series),
    ("leaves its inputs unchanged", _leaves_its_inputs_unchanged),
    ("refuses NaN", partial(_refuses, "a NaN")),
    ("refuses an empty window", partial(_refuses, "no values")),
    ("refuses a window of one value", partial(_refuses, "one value")),
    ("names the argument that it refuses", _names_what_it_refuses),
)

EXERCISES = (
    Exercise(
        id="4.1",
        judge=first_alarm,
        hints=(
            "Two things are needed: the condition under which the test rejects, and one call that issues a "
            "warning.",
            "`warnings.warn` takes the text first and the category second. An f-string puts the p-value into "
            "the text; the format `.1g` keeps it short.",
        ),
        why="a warning with a category of its own can be heard, silenced, counted or escalated by whoever "
        "calls you.",
    ),
    _LEVEL,
    Exercise(
        id="4.3",
        judge=counted_alarms,
        hints=(
            "`warnings.catch_warnings(record=True)` hands you a list and puts everything back afterwards. "
            "Which filter makes sure that every warning arrives in it?",
            "Use one with-block for each window: set the filter, call the check, then ask whether any "
            "recorded warning's `.category` is a subclass of `category`.",
        ),
        why="whoever measures an alarm has to hear every ring, whatever filter the program runs under.",
    ),
    Exercise(
        id="4.4",
        judge=release_gate,
        hints=(
            "A recorded warning comes too late: the release has run on. Which action turns a warning into an "
            "exception at the line where it is issued?",
            'Inside `warnings.catch_warnings()`, `warnings.filterwarnings("error", category=category)` does '
            "it for one category. Then it can be caught, by that category's name and by no wider one.",
        ),
        why="the function warns as ever, and one caller has decided that here, a drift stops the release.",
    ),
    _CLEAN,
    Exercise(
        id="4.6",
        judge=engine.Scoreboard(BEHAVIORS),
        hints=(
            "You have the pieces: exercise 4.5 prepares the two windows, chapter 03's test compares them, "
            "exercise 4.1 warns. Write those three steps first and look at the board.",
            "No line of the function should mention filters, printing or exceptions: only the refusal of bad "
            "input raises. Everything else is left to the caller.",
            "`ks_2samp` gives `.statistic` and `.pvalue`. Compare the second with `alpha`, put the first "
            "into the text, and count for `stacklevel`: how far up is the caller of a function that calls "
            "`warnings.warn` itself?",
        ),
        why="this is an alarm that you can hand to somebody else: it rings for drift, errs as often as it "
        "says, and leaves the rest to its caller.",
    ),
)
