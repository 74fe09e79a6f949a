"""Exercises of chapter 04, "How do I raise the alarm?"; the last one is the course's challenge.

Warnings are judged by what a function does: it runs under a filter of the judge's choosing, with its warnings
recorded. A learner's category may be any class of their own that Python can warn with.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np

from utils.exercises import engine
from utils.exercises.engine import Exercise, NotYet
from utils.simulate import course_latencies

# pandas and scipy are imported where they are needed: the first check need not wait for them.

# Running a learner's function -------------------------------------------------------------------------------

# Libraries announce their own changes with these; they are nobody's drift alarm.
ANNOUNCEMENTS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)
NOT_THE_LEARNERS = ("builtins", "numpy", "scipy", "pandas", "matplotlib", "sklearn")


class LatencyDriftWarning(Warning):
    """The category with which the judges' own checks and releases warn; no UserWarning, as a learner's may be."""


class TailDriftWarning(LatencyDriftWarning):
    """A category below it."""


def _observe(
    function: Callable, *args: Any, case: str, action: str = "always", **kwargs: Any
) -> SimpleNamespace:
    """Return what one call did under one warning filter, its exception included.

    That is its `result` or its `error`, the `alarms` and the warnings that libraries `announced`, the log records
    (`logged`), and whether it `printed`, `changed` its arguments, or left the filters changed (`meddled`).
    """
    engine.as_function(function)
    did = SimpleNamespace(result=None, error=None, stop=None, printed=False, changed=False, logged=[])
    handler = logging.Handler()  # a root logger that has one sets up none that would outlive the call
    handler.emit = did.logged.append

    def watched(*args, **kwargs):
        logging.root.addHandler(handler)
        with contextlib.redirect_stderr(sys.stdout), warnings.catch_warnings(record=True) as record:
            warnings.simplefilter(action)
            # What scipy has to say of its own work is no alarm. This filter has a second use: setting one that
            # is the first already changes nothing, so the action must not be the first.
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


def _run(function: Callable, *args: Any, case: str, escaped: str = "", **options: Any) -> SimpleNamespace:
    """Return what one call did; an exception becomes a sentence, with the question where a warning `escaped`."""
    did = _observe(function, *args, case=case, **options)
    if isinstance(did.error, Warning):
        name = type(did.error).__name__
        raise NotYet(
            f"for {case} a {name} came out of your function as an error. {escaped}"
            if escaped
            else f"your function raised {name} as an exception for {case}: that stops its caller, where a warning "
            "lets the caller decide."
        )
    if did.stop:
        raise NotYet(f"{did.stop}{_argument_slip(did.error)}")
    return did


def _is_announcement(category: type[Warning]) -> bool:
    return issubclass(category, ANNOUNCEMENTS) and not _is_the_learners(category)


def _is_the_learners(category: type[Warning]) -> bool:
    return category.__module__.partition(".")[0] not in NOT_THE_LEARNERS


def _argument_slip(error: BaseException) -> str:
    """Name what is wrong with the arguments of warnings.warn where an error comes of it."""
    text = str(error) if isinstance(error, TypeError) else ""
    if re.match("category must be a Warning subclass, not ('type'|class )", text):
        return " The class that it warns with is no kind of warning. What is yours derived from?"
    if text.startswith(("category must be a Warning subclass", "expected string or bytes-like object")):
        return " `warnings.warn` takes a text first, and then the category, which is the class itself."
    return ""


def _instead(did: SimpleNamespace) -> str:
    """Say what a function that did not warn did instead."""
    if did.announced:
        return (
            f"there was a {did.announced[0].category.__name__} instead, by which libraries announce changes of "
            "their own. An alarm needs a category of its own."
        )
    if did.printed:
        return "it printed a line instead, which no filter, test or pipeline can hear."
    if did.logged:
        return "it wrote a log record instead, which no caller can turn into an error."
    if did.result is not None:
        returned = engine.describe(did.result)
        return f"it returned {returned} instead, which a caller who does not look never sees."
    return (
        "it did nothing that a caller could hear. Is `warnings.warn` reached, and does no filter of yours "
        "stand around it?"
    )


def _category_problem(alarm: warnings.WarningMessage) -> str | None:
    """Name a category that isn't the learner's own, or one that Python hides."""
    name = alarm.category.__name__
    if not _is_the_learners(alarm.category):
        return (
            f"it warned with {name}, which everybody uses: a filter for it catches other people's warnings too. "
            "Name your own category in the call."
        )
    if issubclass(alarm.category, DeprecationWarning | PendingDeprecationWarning | ResourceWarning):
        return (
            f"it warned with {name}, a kind of warning that Python's own filters hide in most places. Derive "
            "your category from one that is shown."
        )
    return None


def _numbers(text: str) -> list[float]:
    """Return the numbers in a text; one given in percent counts as a share, too."""
    found = re.findall(r"((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(\s*%)?", text)
    return [float(number) for number, _ in found] + [float(number) / 100 for number, sign in found if sign]


def _first(problems: Iterable[str | None]) -> str | None:
    return next(filter(None, problems), None)


def _misjudged(function: Callable, nights: Iterable[tuple]) -> str | None:
    """Return the sentence for the first night on which a function rings or doesn't against what is expected.

    A night is what it is, the arguments, the alpha (None for none given), whether it rings, and a question.
    """
    for night, args, alpha, rings, question in nights:
        given = {} if alpha is None else {"alpha": alpha}
        if bool(_run(function, *args, case=night, **given).alarms) is not rings:
            return f"{night} brought {'no' if rings else 'a'} warning. {question}".strip()
    return None


# 4.1: a first alarm -----------------------------------------------------------------------------------------

THE_CALLERS = "Does the alpha of the caller decide?"
BY_ITSELF = "Which alpha does your function take when its caller names none?"
EQUAL = "Is a p-value below alpha when the two are equal?"
UNROUNDED = "Do you compare the p-value as it is, unrounded?"


def first_alarm(alarm_at):
    """Judge an alarm on a p-value: when it warns, when it doesn't, with which category and text."""
    loud, quiet = (_run(alarm_at, p_value, case=f"p = {p_value}") for p_value in (0.001, 0.4))
    if quiet.alarms and not loud.alarms:
        return "it warned at p = 0.4 and kept silent at p = 0.001. Which of the two is rarer without drift?"
    if quiet.alarms:
        return "it warned at p = 0.4, where alpha is 0.05. On a quiet night it should be silent."
    if not loud.alarms:
        return f"at p = 0.001 no warning was issued; {_instead(loud)}"
    problem = _misjudged(
        alarm_at,
        [
            ("p = 0.03 with alpha = 0.01", [0.03], 0.01, False, THE_CALLERS),
            ("p = 0.1 with alpha = 0.2", [0.1], 0.2, True, THE_CALLERS),
            ("p = 0.2 with alpha = 0.2", [0.2], 0.2, False, EQUAL),
            ("p = 0.046 with alpha = 0.05", [0.046], 0.05, True, UNROUNDED),
            ("p = 0.04 without an alpha", [0.04], None, True, BY_ITSELF),
            ("p = 0.06 without an alpha", [0.06], None, False, BY_ITSELF),
        ],
    )
    if problem:
        return problem
    if len(loud.alarms) > 1:
        return f"one call issued {len(loud.alarms)} warnings; one is enough."
    if loud.meddled or quiet.meddled:
        return "after a call the warning filters of the whole program are changed. Who else uses them?"
    for p_value in (0.001, 2e-6):
        text = " ".join(str(alarm.message) for alarm in _run(alarm_at, p_value, case=f"p = {p_value}").alarms)
        if not any(np.isclose(number, p_value, rtol=0.2, atol=0) for number in _numbers(text)):
            return (
                f"at p = {p_value} its text is {text[:60]!r}. Whoever is woken wants to read the p-value in it, "
                "however small it is. What does your text make of it?"
            )
    return _category_problem(loud.alarms[0])


# 4.2: the line that a warning points at ---------------------------------------------------------------------


def _no_level(level: float) -> str:
    if level != round(level):
        return f"a stacklevel counts callers, so it is a whole number; this is {level:g}."
    if level < 1:
        return f"a stacklevel counts callers, starting with 1 for the line that warns; this is {level:g}."
    return f"at {level:g} the warning points beyond the program: it does not have so many callers."


_LEVEL = engine.number_exercise(
    "4.2",
    right=3,
    within=0,
    slips={
        1: "the level of `warnings.warn(…)` itself, in sound. Who called sound?",
        2: "the level of `sound(…)`, in check_checkout. Run it, look at the line below the warning and count on.",
        4: "the level of the line at the very bottom. Is that line inside a function?",
    },
    otherwise=_no_level,
    hints=(
        "Level one is the line with `warnings.warn` itself. Each level more is one caller further up.",
        "Put a number in place of the 1 in the cell above and run it: the second line of the warning "
        "shows where it points.",
    ),
    why="a helper that warns for you is one caller more, and the level has to grow by as much.",
)


# 4.3: counting every alarm ----------------------------------------------------------------------------------

D, T, R = LatencyDriftWarning, TailDriftWarning, RuntimeWarning  # a drift, one of a subclass, a library's
HOW_MANY = (
    "On how many of them did the check warn? And which part of a record do you compare with the category?"
)
WHICH_CAUGHT = "Which warnings become errors inside your function, and which of them do you catch?"
WHICH_SPEAKS = "For which categories does the filter inside your function speak?"
LEFT_CHANGED = (
    "it leaves the warning filters changed behind it, for every later warning of the whole program. Which "
    "with-block puts them back?"
)
FIRST_OR_LAST = "Of all the warnings of a night, any one may be the alarm."
WEEKS = (
    ("seven nights, four with the same drift", [[D], [], [D], [D], [], [], [D]], 4, HOW_MANY),
    ("seven quiet nights", [[], [], [], [], [], [], []], 0, HOW_MANY),
    ("two nights, one of which warned twice", [[D, D], []], 1, "Count windows, not warnings."),
    ("two nights of other categories", [[R], [UserWarning]], 0, "Not every warning is a drift alarm."),
    ("two nights, one with another category first", [[R, D], []], 1, FIRST_OR_LAST),
    ("two nights, one with another category last", [[D, R], []], 1, FIRST_OR_LAST),
    ("a night with a subclass", [[T]], 1, "A filter covers its category's subclasses. Does your count?"),
)


def counted_alarms(count_alarms):
    """Judge a counter on weeks with repeated, doubled and foreign warnings, under several filters."""
    return _first(
        _miscount(count_alarms, under, *week) for under in ("default", "ignore", "error") for week in WEEKS
    )


def _miscount(count_alarms, action, case, nights, rang, question) -> str | None:
    calls = []

    def check(window):
        if not isinstance(window, dict):
            raise TypeError(f"alarm takes one window, not {engine.describe(window)}")
        calls.append(window["night"])
        _warn_of(window["warns"])

    windows = [{"night": night, "warns": warns} for night, warns in enumerate(nights)]
    case = _under(case, action)
    escaped = WHICH_SPEAKS if action == "error" else WHICH_CAUGHT
    did = _run(count_alarms, check, windows, D, case=case, action=action, escaped=escaped)
    counted = engine.as_number(did.result)
    if counted != rang:
        if counted % 1:
            question = "Is that a share of the windows? How many of them is asked for."
        elif action != "default":
            question = "Whatever that filter says, inside your function it needs to be one of yours."
        elif counted == 1 < rang:
            question = (
                "Python shows a text from one line once, unless a filter says otherwise. Or does your function "
                "return after the first window?"
            )
        return f"it counted {counted:g} for {case}. {question}"
    if sorted(calls) != list(range(len(nights))):
        return (
            f"for {case} it called the alarm {len(calls)} times. A check may be slow, or do more than warn: can "
            "one call of each window tell you all you need?"
        )
    return LEFT_CHANGED if did.meddled else None


def _warn_of(categories: Iterable[type[Warning]]) -> None:
    """Warn with each category, always the same text from the same line."""
    for category in categories:
        warnings.warn("checkout drifted", category, stacklevel=1)


def _under(case: str, action: str) -> str:
    return case if action == "default" else f"{case}, while the caller's filter says {action!r}"


# 4.4: a gate before a release -------------------------------------------------------------------------------

RELEASES = (
    ("a release without any warning", [], "shipped"),
    ("a release with a drift alarm", [D], "stopped"),
    ("a release with a RuntimeWarning of another library", [R], "shipped"),
    ("a release with a RuntimeWarning, then a drift alarm", [R, D], "stopped"),
    ("a second release with the same drift alarm", [D], "stopped"),
    ("a release with an alarm of a subclass", [T], "stopped"),
)


def release_gate(gate):
    """Judge a gate by what it lets through, what it stops, and where."""
    problems = (
        _gate_problem(gate, under, *release) for under in ("default", "ignore") for release in RELEASES
    )
    return _first(problems) or _error_problem(gate)


def _gate_problem(gate, action, case, warns, expected) -> str | None:
    steps = []

    def release():
        steps.append("begun")
        _warn_of(warns)
        steps.append("deployed")

    case = _under(case, action)
    did = _run(gate, release, D, case=case, action=action, escaped=WHICH_CAUGHT)
    said, ran = engine.as_choice(did.result, ("shipped", "stopped")), "deployed" in steps
    if not steps:
        return f'it said "{said}" for {case}, and never called the release. Whom did it ask?'
    if steps.count("begun") > 1:
        return f"it ran the release {steps.count('begun')} times for {case}."
    if ran and expected == "stopped":
        return (
            f'for {case} it said "{said}", but the release had run to its end by then. A warning that '
            "becomes an error stops it where it stands."
        )
    if said != expected or ran is not (expected == "shipped"):
        foreign = expected == "shipped" and warns
        question = "Which warnings are to become errors?" if foreign else "Which word belongs to which end?"
        return f'{case} {"ran to its end" if ran else "was stopped"}, and it said "{said}". {question}'
    return LEFT_CHANGED if did.meddled else None


def _error_problem(gate) -> str | None:
    disk_full = OSError("no space left on device")

    def broken_release():
        raise disk_full

    did = _observe(gate, broken_release, D, case="a release that fails")
    if did.error is None:
        return (
            f'for a release that failed with an OSError it said "{did.result}", and the error is gone. Catch '
            "what you asked for and nothing else."
        )
    if did.error is not disk_full:
        came_out = engine.describe_error(did.error)
        return f"a release failed with an OSError, and {came_out} came out. Let its own error pass as it is."
    return f"after a release that failed {LEFT_CHANGED}" if did.meddled else None


# 4.5: input that can't be judged ----------------------------------------------------------------------------


def _good_latencies():
    import pandas as pd

    return {
        "a list": ([151.0, 149.5, 162.0, 149.5], "recent"),
        "a tuple of integers": ((151, 149, 162), "recent"),
        "an array": (np.array([151.0, 149.5, 162.0]), "recent"),
        "a Series with an index of its own": (pd.Series([151.0, 149.5, 162.0], index=[7, 3, 5]), "recent"),
        "a list of two values": ([162.0, 151.0], "recent"),
    }


def _array_of_floats(result: Any) -> np.ndarray:
    if not isinstance(result, np.ndarray):
        raise NotYet(f"an array of floats is asked for, NumPy's; this is of type {type(result).__name__}.")
    if result.dtype.kind != "f":
        raise NotYet(f"an array of floats is asked for, whatever comes in; these are {result.dtype.name}.")
    return engine.as_array(result)


def _refuses_what_is_no_data(as_latencies) -> str | None:
    for name in ("recent", "checkout"):
        for case, values in {
            "no values": [],
            "one value": [151.0],
            "one NaN at the end": np.array([151.0, 149.5, np.nan]),
            "one NaN in a list": [np.nan, 151.0, 149.5],
            "words": ["fast", "slow"],
            "a word among the numbers": [151.0, "slow", 149.5],
        }.items():
            said = _refusal(as_latencies, values, name, case=case)
            if name not in said.casefold():
                return (
                    f"for {case} in {name!r} it says {said[:70]!r}. Which of the two arguments is at fault?"
                )
    return None


def _refusal(function: Callable, *args: Any, case: str) -> str:
    """Return what a function says when it refuses a case; anything but a ValueError stops the judgment."""
    did = _observe(function, *args, case=case)
    if isinstance(did.error, ValueError):
        return str(did.error)
    if isinstance(did.error, AssertionError):
        instead = "an assert stopped it; python -O leaves every assert out. Raise a ValueError."
    elif isinstance(did.error, Warning):
        name = type(did.error).__name__
        instead = f"it raised {name}, as if there were drift. Nobody can know: this is a ValueError."
    elif did.stop:
        instead = (
            f"it broke with {engine.describe_error(did.error)}. Refuse on purpose, with a ValueError, which is "
            "what the caller will look for."
        )
    elif did.alarms:
        instead = (
            f"it warned ({str(did.alarms[0].message)[:40]!r}) and went on. A window that cannot be judged as a "
            "whole is to be refused, with a ValueError."
        )
    elif did.printed:
        instead = "it printed a line and went on. Refuse with a ValueError."
    elif isinstance(did.result, BaseException):
        name = type(did.result).__name__
        instead = (
            f"it returned a {name}. An exception that is returned stops nobody; which word sends it off?"
        )
    else:
        instead = (
            "it went on as if nothing were wrong. Data that cannot be judged are no all-clear: refuse with a "
            "ValueError."
        )
    raise NotYet(f"for {case} {instead}")


_CLEAN = engine.function_exercise(
    "4.5",
    cases=_good_latencies,
    right=lambda values, name: np.array(values, dtype=float),
    returns=_array_of_floats,
    slips={
        lambda values, name: np.sort(np.array(values, dtype=float)): (
            "your function returns the values in another order. When a request came is data, too."
        ),
        lambda values, name: np.unique(np.array(values, dtype=float)): (
            "your function returns each value once. Two requests may well have the same latency."
        ),
    },
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
DRIFTED, FASTER, WITH_NAN = _latencies(100, 165, 22), _latencies(100, 135), np.append(QUIET, np.nan)
# Shifts in ms, from far from significant to far beyond; the p-values are those of `_shifted`.
P_ABOUT_7_PERCENT, P_ABOUT_3_PERCENT, P_BELOW_A_THOUSANDTH, P_BELOW_A_MILLIONTH = 4.8, 5.5, 8.0, 11.0
HONEST_ALARMS = (14, 48)  # on 300 nights at alpha 0.1: where 99.9 % of such counts lie
COMPARES = "What does your function compare, and with which alpha?"
REPEATS = "Whether a repeated alarm is shown is the filter's business, not the function's."


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
    for seed in (41, 42):
        did = _run(function, *course_latencies(seed), case="drifted latencies")
        if not did.alarms:
            return _why_silent(function, did, rang=seed == 42)
    return _misjudged(function, [_night_of_sizes(60, 40, 25)])


def _why_silent(function: Callable, did: SimpleNamespace, rang: bool) -> str:
    """Say what may keep an alarm silent on a drifted night: its memory, its condition, its side or its means."""
    if rang:
        remembers = "Does it remember that it has warned?"
        return f"it warned on one drifted night and kept silent on the next. {remembers} {REPEATS}"
    silent = "recent requests are 15 ms slower and no warning was issued"
    with contextlib.suppress(NotYet):
        if _rings(function, HISTORICAL, QUIET):
            return f"{silent}, but there was one when nothing had changed. What is rare without drift, and what is not?"
        if _rings(function, HISTORICAL, FASTER):
            return f"{silent}, but there was one for faster requests. Which side does your test look at?"
    return f"{silent}; {_instead(did)}"


def _is_silent_when_nothing_changed(function):
    for historical, recent in (course_latencies(41, drifted=False), (HISTORICAL, QUIET)):
        if _rings(function, historical, recent):
            if _rings(function, historical[1:], recent[1:]):
                return "it warned on a night on which nothing had changed. What makes your function warn?"
            return (
                "it warned on a night on which nothing had changed, and not on the same night less one request. "
                "Does it remember an earlier night?"
            )
    return None


def _lets_alpha_decide(function):
    seven, three = P_ABOUT_7_PERCENT, P_ABOUT_3_PERCENT
    nights = []
    for shift_ms, alpha, rings, question in (
        (seven, 0.05, False, COMPARES),
        (seven, 0.2, True, COMPARES),
        (three, 0.05, True, COMPARES),
        (three, 0.01, False, COMPARES),
        (three, 0.03, True, UNROUNDED),
        (seven, None, False, BY_ITSELF),
        (three, None, True, BY_ITSELF),
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
        f"it rang on {alarms} of 300 nights without drift. At alpha 0.1 chance makes that {low} to {high}. "
        f"{'More' if alarms > high else 'Fewer'} alarms than promised: what decides in your function, and does it "
        "know how many requests there are?"
    )


def _night_of_sizes(n: int, m: int, slower_ms: int, rings: bool = True, question: str = "") -> tuple:
    pair = _latencies(n), _latencies(m, 150 + slower_ms)
    return f"{n} against {m} requests that are {slower_ms} ms slower", pair, 0.05, rings, question


ALL_OF_IT = "Is every request of the larger window used?"
SIZES = ((400, 30), (30, 400), (7, 5), (400, 2), (2, 400))
OF_SIZES = [_night_of_sizes(*sizes, 14, question=ALL_OF_IT) for sizes in SIZES[:2]]
OF_SIZES += [_night_of_sizes(*sizes, 110) for sizes in SIZES]
OF_SIZES += [_night_of_sizes(*sizes, 0, rings=False) for sizes in SIZES]
WHOLE = "Half of those requests are much slower. Does your test compare whole distributions, or means?"
TWICE = _latencies(600), _latencies(300, sd=40)
OF_SPREAD = [("twice the spread around the same mean", TWICE, None, True, WHOLE)]
CACHE = "A cache that answers for a broken service is fast, too."
OF_FASTER = [("15 ms faster", (HISTORICAL, FASTER), None, True, CACHE)]


def _first_alarm_of(function: Callable, case: str = "a clear drift") -> warnings.WarningMessage:
    """Return the warning of a clear drift; where there is none, what hangs on it can't be judged."""
    alarms = _run(function, HISTORICAL, DRIFTED, case=case).alarms
    if not alarms:
        raise NotYet("a clear drift brought no warning, so there is nothing to look at yet.")
    return alarms[0]


def _warns_in_its_own_category(function):
    first, second = _first_alarm_of(function), _first_alarm_of(function)
    if first.category is not second.category:
        return (
            f"every call makes a {first.category.__name__} of its own, so no caller's filter can name it. Where "
            "is a class defined once for all?"
        )
    return _category_problem(first)


def _says_how_large_the_drift_is(function):
    for shift_ms in (P_BELOW_A_THOUSANDTH, P_BELOW_A_MILLIONTH):
        d, p = _ks_of_shifted(shift_ms)
        did = _run(function, *_shifted(shift_ms), case=f"p = {p:.0e}")
        if not did.alarms:
            return f"p = {p:.0e} brought no warning, so there is no text to read."
        text = str(did.alarms[0].message)
        found = [number for one in _numbers(text) for number in (one, one / 100)]  # D in percentage points
        if not any(abs(number - d) < 0.006 or p / 2 <= number <= 2 * p for number in found):
            return (
                f"the text is {text[:70]!r}, and holds neither this night's D nor its p-value "
                f"({d:.2f}, {p:.0e}) as a number."
            )
    return None


CALLER = "nightly_job.py"  # no file, so that nothing but the program's own frames can bear its name
CALLER_PROGRAM = """\
def nightly_job(callers):
    if callers:
        return nightly_job(callers - 1)
    warn_on_drift(historical, recent)

nightly_job(20)  # so many callers that no stacklevel points beyond them
"""


def _points_at_the_callers_line(function):
    def job(historical, recent):
        names = {"warn_on_drift": function, "historical": historical, "recent": recent}
        exec(compile(CALLER_PROGRAM, CALLER, "exec"), names)

    alarm = _first_alarm_of(job, case="a caller of its own")
    if alarm.filename != CALLER:
        return (
            f"it points at line {alarm.lineno} of your own code. Whoever reads it wants to know which of their "
            "checks rang: look one caller further up."
        )
    if "warn_on_drift" not in CALLER_PROGRAM.splitlines()[alarm.lineno - 1]:
        return "it points too far up, at the caller's caller or beyond. Where does the count of the stacklevel begin?"
    return None


def _rings_once_a_call(function):
    def five_nights():
        for _ in range(5):
            function(HISTORICAL.copy(), DRIFTED.copy())

    heard = len(_run(five_nights, case="five calls").alarms)
    if heard > 5:
        return f"five calls brought {heard} warnings; one drift is one alarm."
    if heard < 5:
        return f"of five calls with a drift {heard} warned, though the caller's filter shows every one. {REPEATS}"
    return None


def _leaves_the_filters_alone(function):
    for case, recent in (("a drift", DRIFTED), ("no drift", QUIET)):
        if _run(function, HISTORICAL, recent, case=case).meddled:
            return f"after a call with {case} the filters of the whole program are changed. They are the caller's."
    return None


def _becomes_an_error_when_asked(function):
    did = _observe(function, HISTORICAL, DRIFTED, case='a drift, under the filter "error"', action="error")
    if isinstance(did.error, Warning):
        return None
    if did.stop:
        raised = engine.describe_error(did.error)
        return f'under the filter "error" the alarm itself should come out; your function raised {raised}.'
    if did.alarms:
        return (
            'the caller asked for errors and got a warning: a filter inside your function overrides "error".'
        )
    return "the caller asked for errors, and a clear drift raised none: is it caught, or was it never issued?"


def _keeps_quiet_when_ignored(function):
    if _rings(function, HISTORICAL, DRIFTED, case='a drift, under the filter "ignore"', action="ignore"):
        return "the caller ignores warnings and got one: a filter inside your function overrides theirs."
    return None


def _containers() -> dict[str, Callable[[np.ndarray], Sequence]]:
    import pandas as pd

    return {
        "arrays": np.array,
        "lists": list,
        "tuples": tuple,
        "lists of whole ms": lambda values: [round(value) for value in values],
        "Series with an index of their own": lambda values: pd.Series(values, values.argsort() + 90_000),
    }


def _takes_lists_tuples_and_series(function):
    nights = []
    for kind, hold in _containers().items():
        for night, recent in (("a clear drift", DRIFTED), ("no drift", QUIET)):
            pair = hold(HISTORICAL), hold(recent)
            nights.append((f"{night} given as {kind}", pair, None, recent is DRIFTED, ""))
    return _misjudged(function, nights)


def _leaves_its_inputs_unchanged(function):
    for kind, hold in _containers().items():
        for recent in (DRIFTED, QUIET):
            if _run(function, hold(HISTORICAL), hold(recent), case=kind).changed:
                return (
                    f"after the call the caller's own data, given as {kind}, have changed. The order of requests "
                    "is data, too: work on a copy."
                )
    return None


UNUSABLE = {
    "a NaN": (np.append(np.nan, DRIFTED), WITH_NAN, list(WITH_NAN)),
    "no values": (np.array([]), []),
    "one value": (np.array([151.0]), [900.0]),
}


def _refuses(kind: str, function: Callable) -> None:
    for window in UNUSABLE[kind]:
        _refusal(function, QUIET, window, case=f"{kind} in recent")
        _refusal(function, window, QUIET, case=f"{kind} in historical")


def _names_what_it_refuses(function):
    said = {}
    for kind, (window, *_) in UNUSABLE.items():
        for name, pair in (("recent", (QUIET, window)), ("historical", (window, QUIET))):
            with contextlib.suppress(NotYet):  # what is let through has a line of its own on the board
                said[kind, name] = _refusal(function, *pair, case=f"{kind} in {name}")
    for (kind, name), text in said.items():
        if name not in text.casefold():
            return f"for {kind} in {name} it says {text[:70]!r}. Which of the two arguments is it?"
        if name == "historical" and text == said.get((kind, "recent")):
            return f"it says {text[:70]!r} whichever is at fault. Which of the two arguments is it?"
    return None if said else "it refuses nothing yet, so no argument is named."


BEHAVIORS = (
    ("warns when latencies drifted", _warns_when_drifted),
    ("is silent when nothing changed", _is_silent_when_nothing_changed),
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
