"""Exercises of chapter 04, "How do I raise the alarm?"; the last one is the course's challenge.

Warnings are judged by what a function does: it runs under a filter of the judge's choosing, with its warnings
recorded. A learner's category may be any class of their own that Python can warn with.
"""

from __future__ import annotations

import contextlib
import itertools
import linecache
import logging
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from utils.exercises import engine
from utils.exercises.engine import Exercise, NotYet
from utils.simulate import course_latencies

# Running a learner's function -------------------------------------------------------------------------------
HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning)
ANNOUNCED = (*HIDDEN, FutureWarning)  # a library's own changes: nobody's drift alarm
LIBRARIES = ("builtins", "numpy", "scipy", "pandas", "matplotlib", "sklearn")
STOPS = "As an exception, it stops the caller: which call leaves the decision to the caller?"
LEFT_CHANGED = "it leaves the filters of the whole program changed. Whose are they, and what puts them back?"

# The categories of the judges' own checks: a drift, one below it (no UserWarning, as a learner's may be none),
# and what a library warns of.
D = type("LatencyDriftWarning", (Warning,), {})
T, R = type("TailDriftWarning", (D,), {}), RuntimeWarning


def _run(function: Callable, *args: Any, case, action="always", escaped=STOPS, stops=True, **kwargs: Any):
    """Return what one call did under one warning filter: its result or error, its alarms, and what else.

    With `stops`, an exception becomes a sentence, that of a warning asks `escaped`; else it is in what is returned.
    """
    engine.as_function(function)
    did = SimpleNamespace(result=None, error=None, printed=False, changed=False, logged=[])
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
                did.alarms = [one for one in record if _is_own(one.category) or one.category not in ANNOUNCED]
                logging.root.removeHandler(handler)

    try:
        did.result, did.printed, did.changed = engine.watched_call(watched, args, kwargs, case)
    except engine.NeverReturned:
        raise
    except NotYet as stop:
        did.error = stop.__cause__
        if stops and isinstance(did.error, Warning):  # of every case alike, so that a board says it once
            raise NotYet(f"your function raised a {type(did.error).__name__}. {escaped}") from None
        if stops:
            raise
    return did


def _is_own(category: type[Warning]) -> bool:
    return category.__module__.partition(".")[0] not in LIBRARIES


def _instead(did: SimpleNamespace) -> str:
    """Say what a function that brought no warning did instead."""
    for happened, said in (
        (did.printed, "It printed a line instead: which filter, test or pipeline can hear that?"),
        (did.logged, "It wrote a log record instead: can a caller turn that into an error?"),
        (did.result is not None, f"It returned {engine.describe(did.result)} instead: who looks at that?"),
    ):
        if happened:
            return said
    return "Is `warnings.warn` reached, in a category that is shown, and does no filter of yours stand around it?"


def _category_problem(*alarms: warnings.WarningMessage) -> str | None:
    """Name a category that isn't the learner's own, one that Python hides, or one that every call makes anew."""
    category, *others = (alarm.category for alarm in alarms)
    if not _is_own(category):
        return f"it warned with {category.__name__}, which everybody uses. Which argument names your own category?"
    if issubclass(category, HIDDEN):
        return f"it warned with {category.__name__}, which Python's own filters hide. Which parent is shown?"
    if not set(others) <= {category}:
        return "two alarms that should be alike came in two classes. Where is each defined, and when is it chosen?"
    return None


def _tells(text: str, number: float) -> bool:
    """Return whether a text holds a number with one digit at least, as it is or in percent."""
    found = map(float, re.findall(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text))
    half_a_digit = 0.5000001 * 10 ** math.floor(math.log10(number))
    return any(abs(one / unit - number) <= half_a_digit for one in found for unit in (1, 100))


CALLER = "nightly_job.py"  # no file, so that nothing but the caller's own line can bear its name


def _called_from(file: str, function: Callable) -> Callable:
    """Return a function that does nothing but call another, from the only line of a file."""
    names = {"function": engine.as_function(function)}
    exec(compile("def caller(*args): return function(*args)", file, "exec"), names)
    return names["caller"]


def _place(alarm: warnings.WarningMessage) -> str:
    """Name the line that a warning points at: a learner's by its words, one of ours by where it is."""
    line = linecache.getline(alarm.filename, alarm.lineno).strip()[:50]
    above = Path(alarm.filename).parent == Path(__file__).parent
    return "a line above its caller's" if above else repr(line) if line else alarm.filename


# 4.1: two grades of one alarm -------------------------------------------------------------------------------
def two_grades(alarm_at):
    """Judge an alarm in two categories: when each is issued, what it tells, and which filter covers which."""
    alarms = []
    for p_value in (0.4, 0.04, 0.001, 9e-4, 2e-32, 0.05):
        at = f"p = {p_value:.1g}"
        did = _run(alarm_at, p_value, case=at)
        if (number := len(did.alarms)) != (p_value < 0.05):
            asks = "Which grade is it, if any?" if number else _instead(did)
            return f"{at} brought {number or 'no'} warning{'s'[number == 1 :]}. {asks}"
        if did.meddled:
            return LEFT_CHANGED
        if did.alarms and not _tells(text := str(did.alarms[0].message), p_value):
            return f"at {at} its text is {text[:60]!r}. Where is the p-value, small as it is?"
        alarms += did.alarms
    if problem := _category_problem(*alarms[:2]) or _category_problem(*alarms[2:]):
        return problem
    mild, urgent = alarms[0].category, alarms[2].category
    if mild is urgent:
        return "below 0.001 it warns as it does above. Which condition is asked first?"
    if issubclass(mild, urgent):
        return f"whoever ignores {urgent.__name__} no longer hears {mild.__name__}. Which covers the other?"
    if not issubclass(urgent, mild):
        return f"whoever ignores {mild.__name__} still hears {urgent.__name__}. What does a filter cover?"
    return None


# 4.2: the line that a warning points at ---------------------------------------------------------------------
def levels(sound):
    """Judge a helper that warns by the line that it points at, through none, one and three more helpers."""
    for helpers in (0, 1, 3):
        job = sound
        for number in range(1, helpers + 1):
            job = _called_from(f"helper {number} of {helpers}", job)
        did = _run(_called_from(CALLER, job), "checkout drifted", helpers, case=f"helpers = {helpers}")
        if [str(alarm.message) for alarm in did.alarms] != ["checkout drifted"]:
            said = "a text other than the message" if did.alarms else f"no warning. {_instead(did)}"
            return f"helpers = {helpers} brought {said}"
        if did.alarms[0].filename != CALLER:
            question = "Which level is right with none, and what does each one add?"
            return f"with helpers = {helpers} it points at {_place(did.alarms[0])}. {question}"
    return _category_problem(did.alarms[0])


# 4.3: counting every alarm ----------------------------------------------------------------------------------
ESCAPED = "That was for {}. Which warnings are errors there, and which of them do you catch?"
HOW_MANY = "Which filter shows a repeated text again, and which part of a record is the category?"
WEEKS = (
    ("seven nights, four with the same drift", [[D], [], [D], [D], [], [], [D]], 4, HOW_MANY),
    ("two nights, one of which warned twice", [[D, D], []], 1, "Do you count windows, or warnings?"),
    ("two nights of other categories", [[R], [UserWarning]], 0, "Is every warning a drift alarm?"),
    ("a night with a subclass", [[R, T, R]], 1, "A filter covers subclasses, too. Does your count?"),
)


def _warn_of(categories: Iterable, done: list) -> None:
    """Warn with each category, always the same text from the same line, or raise it; then note that it is done."""
    for category in categories:
        if isinstance(category, Exception):
            raise category
        warnings.warn("checkout drifted", category, stacklevel=1)
    done.append(categories)


def counted_alarms(count_alarms):
    """Judge a counter on weeks with repeated, doubled and foreign warnings, under several filters."""
    for action, (week, nights, rang, question) in itertools.product(("default", "ignore", "error"), WEEKS):
        calls, case = [], f"{week} (under the filter {action!r})"
        alarm = lambda window: calls.append(window) or _warn_of(window, [])  # noqa: B023, E731
        did = _run(count_alarms, alarm, nights, D, case=case, action=action, escaped=ESCAPED.format(case))
        if (counted := engine.as_number(did.result)) != rang:
            question = question if action == "default" else "Does your function set a filter of its own?"
            return f"it counted {counted:g} for {case}. {question}"
        if len(calls) != len(nights):
            return f"for {case} it called the alarm {len(calls)} times. Can one call of each window do?"
        if did.meddled:
            return LEFT_CHANGED
    return None


# 4.4: a gate before a release -------------------------------------------------------------------------------
WHERE = "What stops it at the line that warns, and which word says so?"
RELEASES = (
    ("without any warning", [], "shipped", "Is it called once, and which word belongs to which end?"),
    ("with a drift alarm", [D], "stopped", WHERE),
    ("with a library's RuntimeWarning", [R], "shipped", "Which warnings are to become errors?"),
    ("with an alarm of a subclass", [T], "stopped", WHERE),
)


def release_gate(gate):
    """Judge a gate by what it lets through, what it stops, and where."""
    for action, (name, warns, expected, question) in itertools.product(("default", "ignore"), RELEASES):
        done, case = [], f"a release {name} (under the filter {action!r})"
        release = partial(_warn_of, warns, done)
        did = _run(gate, lambda: release(), D, case=case, action=action, escaped=ESCAPED.format(case))  # noqa: B023
        said, times = engine.as_choice(did.result, ("shipped", "stopped")), len(done)
        if (said, times) != (expected, int(expected == "shipped")):
            ended = ("never", "once", "twice or more")[min(times, 2)]
            return f'{case} {ended} ran to its end, and it said "{said}". {question}'
        if did.meddled:
            return LEFT_CHANGED
    did = _run(gate, partial(_warn_of, [OSError("the disk is full")], []), D, case="a failure", stops=False)
    if type(did.error) is not OSError:
        came_out = engine.describe_error(did.error) if did.error else f'"{did.result}"'
        return f"a release failed with an OSError, and {came_out} came out. Which errors are yours to catch?"
    return f"after a release that failed {LEFT_CHANGED}" if did.meddled else None


# 4.5: input that can't be judged ----------------------------------------------------------------------------
# Small windows, here and below: a learner may try a one-sided test, and scipy takes its time over those.
def _latencies(size: int, mean: float = 150, sd: float = 20) -> np.ndarray:
    """Return normal latencies in ms as evenly spread as they can be: no luck of a draw, in no order."""
    latencies = [NormalDist(mean, sd).inv_cdf((i + 0.5) / size) for i in range(size)]
    return np.random.default_rng(size).permutation(latencies)


HISTORICAL, QUIET = _latencies(200), _latencies(100)
DRIFT = HISTORICAL, _latencies(100, 165, 22)
UNUSABLE = {  # a value at either end, with a drift beside it or without, in an array or in a list
    "a NaN": (np.r_[QUIET, np.nan], np.r_[np.nan, DRIFT[1]], [*DRIFT[1], np.nan, 150.0]),
    "an infinite value": (np.r_[QUIET, np.inf], np.r_[-np.inf, DRIFT[1]], [np.inf] * 50),
    "no values": (np.array([]), []),
    "one value": (np.array([151.0]), [900.0]),
}
CONTAINERS = {
    "arrays": np.array,
    "lists of whole ms": lambda values: [round(value) for value in values],
    "tuples": tuple,
    "Series with an index of their own": lambda values: pd.Series(values, values.argsort() + 90_000),
}


def _array_of_floats(result: Any) -> np.ndarray:
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f":
        raise NotYet("NumPy's array of floats is asked for, whatever comes in. Of which type is yours?")
    return engine.as_array(result)


def _refusal(function: Callable, *args: Any, case: str) -> str:
    """Return what a function says when it refuses a case with a ValueError, words with a TypeError too; or stop."""
    did = _run(function, *args, case=case, stops=False)
    if isinstance(did.error, (TypeError, ValueError) if case.startswith("words") else ValueError):
        return str(did.error)
    instead = "it warned and went on" if did.alarms else "it went on as if nothing were wrong"
    if did.error:
        instead = f"it broke with {engine.describe_error(did.error)}"
    raise NotYet(f"for {case} {instead}. Is that an all-clear, or a case for a ValueError?")


def _refuses_what_is_no_data(as_latencies) -> str | None:
    for kind, values in ((kind, values) for kind, windows in UNUSABLE.items() for values in windows):
        said = _refusal(as_latencies, values, "checkout", case=kind)
        if "checkout" not in said.casefold():
            return f"for {kind} in 'checkout' it says {said[:70]!r}. Which argument is at fault?"
    return None


# 4.6: the challenge, one judge a behavior -------------------------------------------------------------------
def _shifted(ms: float) -> tuple[np.ndarray, np.ndarray]:
    return _latencies(400), _latencies(300, 150 + ms)


SEVEN, THREE = 4.8, 5.5  # shifts in ms, for which the p-value of `_shifted` is about 7 % or 3 %
HONEST_ALARMS = (14, 48)  # on 300 nights at alpha 0.1: where 99.9 % of such counts lie
SIZES = ((400, 30), (30, 400), (7, 5), (400, 2), (2, 400))
EQUAL = _latencies(61), _latencies(53, 163)  # its exact p-value is below the usual approximations
UNCHANGED, SLOWER = course_latencies(41, drifted=False), course_latencies(41)
FASTER, SPREAD = (HISTORICAL, _latencies(100, 135)), (_latencies(600), _latencies(300, sd=40))
DISTRIBUTIONS = "Do you compare distributions, or means?"
WHICH_ALPHA = "What is compared, with which alpha, and by which operator?"
WHICH_SIDE = "15 ms less brought one. Which side does your test look at?"
HOW_MANY_REQUESTS = "Does what decides know how many requests there are, and use all of them?"
OF_SIZES = [
    (f"{n} against {m} requests and {ms} ms more", (_latencies(n), _latencies(m, 150 + ms)), 0.05, ms > 0)
    for ms, sizes in ((14, SIZES[:2]), (110, SIZES), (0, SIZES))
    for n, m in sizes
]
OF_ALPHA = [
    (f"p = {p:.2g} with alpha {alpha or 'left out'}", pair, alpha, p < (alpha or 0.05))
    for pair, alphas in ((_shifted(SEVEN), (None, 0.2)), (_shifted(THREE), (None, 0.03, 0.01)))
    for p in [ks_2samp(*pair).pvalue]
    for alpha in alphas
]
OF_ALPHA.append(("p equal to alpha", EQUAL, float(ks_2samp(*EQUAL).pvalue), False))
REFUSED = [
    (kind, name, pair)
    for kind, windows in (UNUSABLE | {"words": [["fast", "slow"] * 25]}).items()
    for window in windows
    for name, pair in (("recent", (QUIET, window)), ("historical", (window, QUIET)))
]


def _misjudged(function: Callable, nights: Iterable[tuple], question: str) -> str | None:
    """Return the sentence for the first night misjudged. A night: name, arguments, alpha or None, rings or not."""
    for night, args, alpha, rings in nights:
        did = _run(function, *args, case=night, **({} if alpha is None else {"alpha": alpha}))
        if bool(did.alarms) != rings:
            if rings:
                _first_alarm_of(function)
            return f"{night} brought {'no' if rings else 'a'} warning. {question}"
    return None


def _night(what: str, pair: Sequence, rings: bool, question: str) -> Callable:
    return partial(_misjudged, nights=[(what, pair, None, rings)], question=question)


def _warns_when_latencies_drifted(function):
    did = _run(function, *SLOWER, case="15 ms more")
    if did.alarms:
        return None
    one_sided = _run(function, *FASTER, case="15 ms less").alarms
    return f"15 ms more brought no warning. {WHICH_SIDE if one_sided else _instead(did)}"


def _keeps_its_false_alarm_rate(function):
    rng = np.random.default_rng(464)
    nights = [(rng.normal(150, 20, 60), rng.normal(150, 20, 41)) for _ in range(300)]
    alarms = sum(bool(_run(function, *pair, case="no drift", alpha=0.1).alarms) for pair in nights)
    low, high = HONEST_ALARMS
    promise = f"it rang on {alarms} of 300 nights without drift; alpha 0.1 promises {low} to {high}."
    if alarms < low and _first_alarm_of(function):
        return f"{promise} Is alpha what p is compared with?"
    return f"{promise} {HOW_MANY_REQUESTS}" if alarms > high else None


def _first_alarm_of(function: Callable, *pair: Sequence) -> warnings.WarningMessage:
    """Return the warning of a clear drift; where there is none, what hangs on it can't be judged."""
    for alarm in _run(function, *(pair or DRIFT), case="a clear drift").alarms:
        return alarm
    raise NotYet("a clear drift brought no warning, so there is nothing to look at yet.")


def _says_how_large_the_drift_is(function):
    for ms in (8, 20):
        d, p = ks_2samp(*_shifted(ms))
        if not _tells(text := str(_first_alarm_of(function, *_shifted(ms)).message), d):
            alone = " Is p the size of a drift?" if _tells(text, p) else ""
            return f"at D = {d:.2g} it says {text[:70]!r}. Where is D in it?{alone}"
    return None


def _points_at_the_callers_line(function):
    alarm = _first_alarm_of(_called_from(CALLER, function))
    question = "How many levels up is the line that calls your function?"
    return None if alarm.filename == CALLER else f"it points at {_place(alarm)}. {question}"


def _rings_once_a_call(function):
    def five_nights(function):
        for _ in range(5):
            function(*(latencies.copy() for latencies in DRIFT))

    heard = len(_run(five_nights, engine.as_function(function), case="five calls").alarms)
    question = "Is a repeat your business, or the filter's?"
    return None if heard == 5 else f"five calls with a drift brought {heard} warnings. {question}"


def _leaves_the_filters_to_its_caller(function):
    for action in ("always", "error", "ignore"):
        under = f'under the filter "{action}"'
        did = _run(function, *DRIFT, case=under, action=action, stops=False)
        if did.meddled:
            return LEFT_CHANGED
        if action == "always":
            _first_alarm_of(function)
        came_out = engine.describe_error(did.error) if did.error else "a warning" if did.alarms else "nothing"
        if (isinstance(did.error, Warning), bool(did.alarms)) != (action == "error", action == "always"):
            return f"{under} came out {came_out}. Do you catch the warning, raise it, or set a filter?"
    return None


def _takes_lists_tuples_and_series(function):
    for kind, hold in CONTAINERS.items():
        did = _run(function, *map(hold, DRIFT), case=f"a clear drift given as {kind}")
        if not did.alarms and _first_alarm_of(function):
            return f"a clear drift given as {kind} brought no warning. Which types does your function take?"
        if did.changed:
            return f"after the call the caller's {kind} have changed. What makes a copy?"
    return None


def _refuses(kinds: Sequence[str], function: Callable) -> None:
    for kind, name, pair in REFUSED:
        if kind in kinds:
            _refusal(function, *pair, case=f"{kind} in {name}")


def _names_what_it_refuses(function):
    engine.as_function(function)
    texts = {}
    for kind, name, pair in REFUSED[:-2]:  # the last two are words, whose refusal needs no name
        with contextlib.suppress(NotYet):  # what is let through has a line of its own on the board
            text = _refusal(function, *pair, case=kind)
            if name not in text.casefold() or texts.setdefault(text, name) != name:
                return f"for {kind} in {name} it says {text[:70]!r}. Which of the two arguments is it?"
    return None if texts else "it refuses nothing yet, so no argument is named."


BEHAVIORS = (
    ("warns when latencies drifted", _warns_when_latencies_drifted),
    ("is silent when nothing changed", _night("a quiet night", UNCHANGED, False, "What makes it warn?")),
    ("lets alpha decide, both ways", partial(_misjudged, nights=OF_ALPHA, question=WHICH_ALPHA)),
    ("keeps the false-alarm rate that alpha promises", _keeps_its_false_alarm_rate),
    ("catches a change of spread alone", _night("twice the spread", SPREAD, True, DISTRIBUTIONS)),
    ("catches a change to faster", _night("15 ms less", FASTER, True, "Can a broken service answer faster?")),
    ("compares windows of any two sizes", partial(_misjudged, nights=OF_SIZES, question=HOW_MANY_REQUESTS)),
    ("warns in a category of its own", lambda f: _category_problem(_first_alarm_of(f), _first_alarm_of(f))),
    ("says how large the drift is, as D", _says_how_large_the_drift_is),
    ("points at the caller's line", _points_at_the_callers_line),
    ("rings once a call, on every call", _rings_once_a_call),
    ("leaves the filters to its caller", _leaves_the_filters_to_its_caller),
    ("takes lists, tuples and Series, and leaves them as they are", _takes_lists_tuples_and_series),
    ("refuses NaN and infinite values", partial(_refuses, ("a NaN", "an infinite value"))),
    ("refuses words", partial(_refuses, ("words",))),
    ("refuses windows of fewer than two values", partial(_refuses, ("no values", "one value"))),
    ("names the argument that it refuses", _names_what_it_refuses),
)

EXERCISES = (
    Exercise(
        "4.1",
        two_grades,
        hints=(
            "Look once more at the two filters above: which categories did each of them cover?",
            "Define the second class first, as a subclass. Ask for the rarer p-values first; `.1g` keeps one digit.",
        ),
        why="a class and its subclass are two grades: one filter reaches both, another the urgent one alone.",
    ),
    Exercise(
        "4.2",
        levels,
        hints=(
            "Which level makes `ring` point at its caller? `sound` without helpers is such a function.",
            "Each helper is one caller more. So the level is that one, and something that grows with `helpers`.",
        ),
        why="a helper that warns for you is one caller more, and the level has to grow by as much.",
    ),
    Exercise(
        "4.3",
        counted_alarms,
        hints=(
            "Record the warnings of each window in a with-block. Which filter lets every one arrive in the list?",
            "After the call, ask whether any recorded warning's `.category` is a subclass of `category`.",
        ),
        why="whoever measures an alarm has to hear every ring, whatever filter the program runs under.",
    ),
    Exercise(
        "4.4",
        release_gate,
        hints=(
            "A recorded warning comes too late. Which action makes it an exception where it is issued?",
            "`simplefilter` takes a `category=`, as in the noisy night. Catch that category, and nothing wider.",
        ),
        why="the function warns as ever, and one caller has decided that here, a drift stops the release.",
    ),
    engine.function_exercise(
        "4.5",
        cases=lambda: {
            f"{window.size} values given as {kind}": (hold(window), "recent")
            for kind, hold in CONTAINERS.items()
            for window in (np.array([162.0, 151.0]), np.array([151.0, 149.0, 162.0, 149.0]))
        },
        right=lambda values, name: np.array(values, dtype=float),
        returns=_array_of_floats,
        slips={},
        further=_refuses_what_is_no_data,
        hints=(
            "First make an array of floats. Two questions to it remain: how many, and are all of them finite?",
            "`array.size` and `np.isfinite(array).all()` answer them. Put `name` into what you raise.",
        ),
        why="an alarm that cannot judge has to say so: silence is read as an all-clear.",
    ),
    Exercise(
        "4.6",
        engine.Scoreboard(BEHAVIORS),
        hints=(
            "Exercise 4.5 prepares the two windows, chapter 03's test compares them, `warnings.warn` tells.",
            "No line should mention filters, printing or exceptions: only the refusal of bad input raises.",
            "Compare `.pvalue` with `alpha`, put `.statistic` into the text, count for `stacklevel` as in 4.2.",
        ),
        why="this is an alarm that you can hand to somebody else: it rings for drift, errs as often as it says, "
        "and leaves the rest to its caller.",
    ),
)
