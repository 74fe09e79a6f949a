"""Exercises of chapter 04, "How do I raise the alarm?"; the last one is the course's challenge.

Everything is judged by what it does: functions run under a filter of the judge's choosing, with their
warnings recorded. A learner's category may be any class of their own that Python can warn with.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom, ks_2samp, norm

from utils.exercises.engine import (
    Exercise,
    NotYet,
    Scoreboard,
    Unanswered,
    _describe,
    _describe_error,
    as_array,
    as_choice,
    as_function,
    as_number,
)
from utils.simulate import course_latencies

# Running a learner's function -------------------------------------------------------------------------------

# Libraries announce their own changes with these; they are nobody's drift alarm.
ANNOUNCEMENTS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)
NOT_THE_LEARNERS = ("builtins", "numpy", "scipy", "pandas", "matplotlib", "sklearn")


@dataclass(frozen=True)
class Call:
    """What one call of a learner's function did."""

    result: Any
    alarms: Sequence[warnings.WarningMessage]
    announced: Sequence[warnings.WarningMessage]
    printed: str
    logged: Sequence[logging.LogRecord]
    filters_changed: bool


@contextlib.contextmanager
def _log_records():
    """Collect what is logged meanwhile; a root logger with a handler sets up none that would outlive it."""
    logged: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = logged.append
    logging.root.addHandler(handler)
    try:
        yield logged
    finally:
        logging.root.removeHandler(handler)


def _run(function: Callable, *args: Any, case: str, action: str = "always", **kwargs: Any) -> Call:
    """Return what one call did under one warning filter; an exception becomes a sentence."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        _log_records() as logged,
        warnings.catch_warnings(record=True) as record,
    ):
        warnings.simplefilter(action)
        # What scipy has to say of its own work is no alarm. This filter has a second use: setting one that is
        # the first already changes nothing, so the action must not be the first.
        warnings.filterwarnings("ignore", message="ks_2samp: |One or more sample arguments")
        before = list(warnings.filters)
        try:
            result = function(*args, **kwargs)
        except Warning as raised:
            raise NotYet(
                f"your function raised {type(raised).__name__} as an exception for {case}: that stops its "
                "caller, where a warning lets the caller decide."
            ) from raised
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit and pytest.fail raise no Exception
            raise NotYet(
                f"your function raised {_describe_error(error)} for {case}.{_argument_slip(error)}"
            ) from error
        changed = list(warnings.filters) != before
    if result is Ellipsis:
        raise Unanswered
    announced = [warning for warning in record if _is_announcement(warning.category)]
    alarms = [warning for warning in record if warning not in announced]
    return Call(result, alarms, announced, printed.getvalue(), logged, changed)


def _is_announcement(category: type[Warning]) -> bool:
    return issubclass(category, ANNOUNCEMENTS) and not _is_the_learners(category)


def _is_the_learners(category: type[Warning]) -> bool:
    return category.__module__.partition(".")[0] not in NOT_THE_LEARNERS


def _argument_slip(error: BaseException) -> str:
    """Name the arguments of warnings.warn where an error comes of mixing them up."""
    slips = ("category must be a Warning subclass", "expected string or bytes-like object")
    if isinstance(error, TypeError) and str(error).startswith(slips):
        return " `warnings.warn` takes a text first, and then the category, which is the class itself."
    return ""


def _instead(call: Call) -> str:
    """Say what a function that did not warn did instead."""
    if call.announced:
        category = call.announced[0].category.__name__
        return (
            f"there was a {category} instead, by which libraries announce changes of their own. An alarm needs "
            "a category of its own."
        )
    if call.printed.strip():
        return "it printed a line instead, which no filter, test or pipeline can hear."
    if call.logged:
        return "it wrote a log record instead, which no caller can turn into an error."
    if call.result is not None:
        return f"it returned {_describe(call.result)} instead, which a caller who does not look never sees."
    return (
        "it did nothing that a caller could hear. Is `warnings.warn` reached, and does no filter of yours "
        "stand around it?"
    )


def _category_problem(alarm: warnings.WarningMessage) -> str | None:
    """Name a category that isn't the learner's own, or one that Python hides."""
    if _is_the_learners(alarm.category):
        if issubclass(alarm.category, DeprecationWarning | PendingDeprecationWarning | ResourceWarning):
            return (
                f"it warned with {alarm.category.__name__}, a kind of warning that Python's own filters hide in "
                "most places. Derive your category from one that is shown."
            )
        return None
    return (
        f"it warned with {alarm.category.__name__}, which everybody uses: a filter for it catches "
        "other people's warnings too. Name your own category in the call."
    )


class LatencyDriftWarning(UserWarning):
    """The category of the answers below."""


# 4.1: a first alarm -----------------------------------------------------------------------------------------


def first_alarm(answer):
    """Judge an alarm on a p-value: when it warns, when it doesn't, with which category and text."""
    alarm_at = as_function(answer)
    loud, quiet = _run(alarm_at, 0.001, case="p = 0.001"), _run(alarm_at, 0.4, case="p = 0.4")
    if quiet.alarms and not loud.alarms:
        return "it warned at p = 0.4 and kept silent at p = 0.001. Which of the two is rarer without drift?"
    if quiet.alarms:
        return "it warned at p = 0.4, where alpha is 0.05. On a quiet night it should be silent."
    if not loud.alarms:
        return f"at p = 0.001 no warning was issued; {_instead(loud)}"
    for p_value, alpha, expected in ((0.03, 0.01, False), (0.1, 0.2, True)):
        if bool(_run(alarm_at, p_value, alpha, case=f"alpha = {alpha}").alarms) is not expected:
            what = "did not warn" if expected else "warned"
            return f"with alpha = {alpha} it {what} at p = {p_value}. Does the alpha of the caller decide?"
    if len(loud.alarms) > 1:
        return f"one call issued {len(loud.alarms)} warnings; one is enough."
    text = str(loud.alarms[0].message)
    if not any(np.isclose(value, 0.001, rtol=0.2) for value in _numbers(text)):
        return f"its text is {text[:60]!r}. Whoever is woken wants to read the p-value in it."
    return _category_problem(loud.alarms[0])


def _numbers(text: str) -> list[float]:
    """Return the numbers in a text; one given in percent counts as a share, too."""
    found = re.findall(r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(\s*%)?", text)
    return [float(number) for number, _ in found] + [float(number) / 100 for number, sign in found if sign]


# 4.2: the line that a warning points at ---------------------------------------------------------------------

PROGRAM = """\
def sound(message):
    warnings.warn(message, category, stacklevel=level)


def check_checkout(p_value):
    if p_value < 0.05:
        sound(f"checkout drifted, p = {p_value:.1g}")


def nightly_job():
    check_checkout(1e-6)


nightly_job()
"""


def level_for_the_job(answer):
    """Judge a stacklevel by running the program with it and looking where its warning points."""
    number = as_number(answer)
    if number != round(number):
        return f"a stacklevel counts callers, so it is a whole number; this is {number:g}."
    if not 1 <= number <= 20:
        return f"a stacklevel counts callers, starting with 1 for the line that warns; this is {number:g}."
    level = int(number)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        exec(
            compile(PROGRAM, "nightly_job.py", "exec"),
            {"warnings": warnings, "category": LatencyDriftWarning, "level": level},
        )
    lines = PROGRAM.splitlines()
    where = record[0].lineno
    if record[0].filename != "nightly_job.py":
        return f"at {level} the warning points beyond the program: it does not have so many callers."
    owner = next((line[4:-1] for line in lines[where - 1 :: -1] if line.startswith("def ")), "")
    if owner.startswith("nightly_job()") and lines[where - 1].startswith(" "):
        return None
    within = f"in {owner.partition('(')[0]}" if lines[where - 1].startswith(" ") else "at the very bottom"
    return f"at {level} the warning points at `{lines[where - 1].strip()}`, {within}. Run it and count on."


# 4.3: counting every alarm ----------------------------------------------------------------------------------


def _check_window(window: dict) -> None:
    """Warn with the categories that a window holds, always the same text from the same line."""
    for category in window["warns"]:
        warnings.warn("checkout drifted", category, stacklevel=1)


def _week(*nights: Sequence[type[Warning]]) -> list[dict]:
    return [{"warns": night} for night in nights]


class TailDriftWarning(LatencyDriftWarning):
    """A category below the learner's."""


def counted_alarms(answer):
    """Judge a counter on weeks with repeated, doubled and foreign warnings, under several filters."""
    count_alarms = as_function(answer)
    quiet, loud = (), (LatencyDriftWarning,)
    weeks = (
        ("seven quiet nights", _week(*[quiet] * 7), 0),
        ("seven drifted nights with the same text", _week(*[loud] * 7), 7),
        ("three drifted nights of seven", _week(quiet, loud, loud, quiet, quiet, loud, quiet), 3),
        (
            "two nights, one of which warned twice",
            _week((LatencyDriftWarning, LatencyDriftWarning), quiet),
            1,
        ),
        ("two nights with another category only", _week((RuntimeWarning,), (UserWarning,)), 0),
        (
            "two nights on which another category came first",
            _week((RuntimeWarning, LatencyDriftWarning), quiet),
            1,
        ),
        (
            "two nights on which another category came last",
            _week((LatencyDriftWarning, RuntimeWarning), quiet),
            1,
        ),
        ("a night with a subclass of the category", _week((TailDriftWarning,)), 1),
    )
    for action in ("default", "ignore", "error"):
        for case, week, expected in weeks:
            under = case if action == "default" else f"{case}, while the caller's filter says {action!r}"
            call = _run_caller(
                count_alarms, _check_window, week, LatencyDriftWarning, case=under, action=action
            )
            counted = as_number(call.result)
            if counted != expected:
                return f"it counted {counted:g} for {under}. {_miscount(case, counted, action)}"
            if call.filters_changed:
                return (
                    "it leaves the warning filters changed behind it: every later warning of the whole "
                    "program is treated by your rule. Which with-block puts them back?"
                )
    return None


def _miscount(case: str, counted: float, action: str) -> str:
    """Return the question that a wrong count raises."""
    if action != "default":
        return "Whatever that filter says, inside your function it needs to be one of yours."
    if case.startswith("seven drifted") and counted == 1:
        return (
            "Python shows a text from one line once, unless a filter says otherwise. Or does your function return "
            "after the first window?"
        )
    if "warned twice" in case:
        return "The windows are to be counted, not their warnings."
    if "category came" in case:
        return "Of all the warnings of a night, any one may be the alarm."
    if "another category" in case:
        return "Not every warning is a drift alarm."
    if "subclass" in case:
        return "A filter for a category covers its subclasses. Does your count?"
    if case.startswith("seven drifted"):
        return "On how many of them did the check warn? And which part of a record do you compare with the category?"
    return "On how many of them did the check warn?"


def _run_caller(function: Callable, *args: Any, case: str, action: str) -> Call:
    """Run a function that calls a check; a warning that comes out of it as an error has its own sentence."""
    try:
        return _run(function, *args, case=case, action=action)
    except NotYet as stop:
        if not isinstance(stop.__cause__, Warning):
            raise
        question = (
            "For which categories does the filter inside your function speak?"
            if action == "error"
            else "Which warnings become errors inside your function, and which of them do you catch?"
        )
        raise NotYet(
            f"for {case} a {type(stop.__cause__).__name__} came out of your function as an error. {question}"
        ) from stop.__cause__


# 4.4: a gate before a release -------------------------------------------------------------------------------


def release_gate(answer):
    """Judge a gate by what it lets through, what it stops, and where."""
    gate = as_function(answer)
    releases = (
        ("a release without any warning", (), "shipped"),
        ("a release with a drift alarm", (LatencyDriftWarning,), "stopped"),
        ("a release with a RuntimeWarning of another library", (RuntimeWarning,), "shipped"),
        (
            "a release with a RuntimeWarning, then a drift alarm",
            (RuntimeWarning, LatencyDriftWarning),
            "stopped",
        ),
        ("a second release with the same drift alarm", (LatencyDriftWarning,), "stopped"),
        ("a release with an alarm of a subclass", (TailDriftWarning,), "stopped"),
    )
    for action in ("default", "ignore"):
        for case, warns, expected in releases:
            problem = _gate_problem(gate, case, warns, expected, action)
            if problem:
                return problem
    return _gate_hides_errors(gate)


def _gate_problem(gate, case, warns, expected, action) -> str | None:
    steps = []

    def release():
        _check_window({"warns": warns})
        steps.append("deployed")

    under = f"{case}, while the caller's filter says {action!r}" if action != "default" else case
    call = _run_caller(gate, release, LatencyDriftWarning, case=under, action=action)
    said = as_choice(call.result, ("shipped", "stopped"))
    if len(steps) > 1:
        return f"it ran the release {len(steps)} times for {under}."
    if expected == "stopped" and steps:
        return (
            f'for {under} it said "{said}", but the release had run to its end by then. A warning that '
            "becomes an error stops it where it stands."
        )
    if said != expected:
        return f'it said "{said}" for {under}. Which warnings are to become errors?'
    if call.filters_changed:
        return (
            "it leaves the warning filters changed behind it: the next job would stop at warnings that are "
            "none of your business. Which with-block puts them back?"
        )
    return None


def _gate_hides_errors(gate) -> str | None:
    disk_full = OSError("no space left on device")

    def broken_release():
        raise disk_full

    try:
        call = _run(gate, broken_release, LatencyDriftWarning, case="a release that fails")
    except NotYet as stop:
        return None if stop.__cause__ is disk_full else str(stop)
    return (
        f'for a release that failed with an OSError it said "{call.result}", and the error is gone. Catch '
        "what you asked for and nothing else."
    )


# 4.5: input that can't be judged ----------------------------------------------------------------------------


def clean_latencies(answer):
    """Judge a check of input: what it returns for good latencies, what it says of bad ones."""
    as_latencies = as_function(answer)
    good = (
        ("a list", [151.0, 149.5, 162.0]),
        ("integers", (151, 149, 162)),
        ("an array", np.array([151.0, 149.5, 162.0])),
        ("a Series with an index of its own", pd.Series([151.0, 149.5, 162.0], index=[7, 3, 5])),
    )
    for case, values in good:
        expected = [float(value) for value in values]
        call = _run(as_latencies, values, "recent", case=case)
        if call.result is None:
            return f"for {case} of good latencies it returned None: is a return missing?"
        if list(as_array(call.result)) != expected:
            return f"for {case} it returned other values than it was given, or in another order."
        if case == "integers" and any(isinstance(value, int | np.integer) for value in call.result):
            return "integers come back as integers. An array of floats is asked for, whatever comes in."
        if [float(value) for value in values] != expected:
            return f"it changes the caller's own data, given as {case}. Work on a copy."
    for name in ("recent", "historical"):
        for case, values in (
            ("no values", []),
            ("one value", [151.0]),
            ("one NaN at the end", np.array([151.0, 149.5, np.nan])),
            ("one NaN in a list", [np.nan, 151.0, 149.5]),
            ("words", ["fast", "slow"]),
        ):
            also = (TypeError,) if case == "words" else ()
            said = _refusal(as_latencies, values, name, case=case, also=also)
            if name not in said.casefold():
                return f"for {case} it says {said[:70]!r}. Which of the two arguments is at fault?"
    return None


def _refusal(function: Callable, *args: Any, case: str, also: tuple[type[Exception], ...] = ()) -> str:
    """Return what a function says when it refuses a case; anything but a refusal stops the judgement.

    A refusal is a ValueError, or `also` another error.
    """
    try:
        call = _run(function, *args, case=case)
    except NotYet as stop:
        error = stop.__cause__
        if isinstance(error, (ValueError, *also)):
            return str(error)
        if isinstance(error, AssertionError):
            raise NotYet(
                f"for {case} an assert stopped it; python -O leaves every assert out. Raise a ValueError."
            ) from error
        if isinstance(error, Warning):
            raise NotYet(
                f"for {case} it raised {type(error).__name__}, as if there were drift. Nobody can know: "
                "this is a ValueError."
            ) from error
        raise NotYet(
            f"for {case} it broke with {_describe_error(error)}. Refuse on purpose, with a ValueError, which is "
            "what the caller will look for."
        ) from error
    if call.alarms:
        raise NotYet(
            f"for {case} it warned ({str(call.alarms[0].message)[:40]!r}) and went on. A window that cannot "
            "be judged as a whole is to be refused, with a ValueError."
        )
    if call.printed.strip():
        raise NotYet(f"for {case} it printed a line and went on. Refuse with a ValueError.")
    if isinstance(call.result, BaseException):
        raise NotYet(
            f"for {case} it returned a {type(call.result).__name__}. An exception that is returned stops "
            "nobody; which word sends it off?"
        )
    raise NotYet(
        f"for {case} it went on as if nothing were wrong. Data that cannot be judged are no all-clear: "
        "refuse with a ValueError."
    )


# 4.6: the challenge, one judge a behaviour ------------------------------------------------------------------

# Small windows, here and below: a learner may try a one-sided test, and scipy takes its time over those.
QUIET_NIGHTS, NIGHT_SIZES, NIGHT_ALPHA = 300, (60, 41), 0.1
CALLER = "nightly_job.py"
CALLER_PROGRAM = """\
def one_check(warn_on_drift, historical, recent):
    warn_on_drift(historical, recent)


def nightly_job(callers, *arguments):
    if callers > 1:
        nightly_job(callers - 1, *arguments)
    else:
        one_check(*arguments)


nightly_job(20, function, historical, recent)  # so many that no stacklevel points beyond them
"""


@cache
def _even_scores(size: int) -> np.ndarray:
    return np.random.default_rng(size).permutation(norm.ppf((np.arange(size) + 0.5) / size))


def _latencies(size: int, mean: float = 150.0, sd: float = 20.0) -> np.ndarray:
    """Return normal latencies in ms as evenly spread as they can be: no luck of a draw, in no order."""
    return mean + sd * _even_scores(size)


def _drifted() -> tuple[np.ndarray, np.ndarray]:
    return _latencies(200), _latencies(100, mean=165, sd=22)


def _quiet() -> tuple[np.ndarray, np.ndarray]:
    return _latencies(200), _latencies(100)


# Shifts in ms, from far from significant to far beyond; the p-values are those of `_pair`.
P_ABOUT_A_TENTH, P_ABOUT_3_PERCENT, P_BELOW_A_THOUSANDTH, P_BELOW_A_MILLIONTH = 4.5, 5.5, 8.0, 11.0


def _pair(shift_ms: float) -> tuple[np.ndarray, np.ndarray]:
    return _latencies(400), _latencies(300, mean=150 + shift_ms)


def _needs_a_function(judge: Callable[[Callable], str | None]) -> Callable[[Any], str | None]:
    """Let a behaviour be judged only where there is a function; one line of the board says why not."""

    def judged(answer):
        if not callable(answer) and judge is not warns_when_latencies_drifted:
            return "there is no function to try yet."
        return judge(as_function(answer))

    return judged


def _first_alarm_of(function: Callable) -> warnings.WarningMessage:
    """Return the warning of a clear drift; where there is none, what hangs on it can't be judged."""
    call = _run(function, *_drifted(), case="a clear drift")
    if not call.alarms:
        raise NotYet("a clear drift brought no warning, so there is nothing to look at yet.")
    return call.alarms[0]


def warns_when_latencies_drifted(function):
    """The course's own data, twice, and a drift in small windows."""
    rang = False
    for seed in (41, 42):
        call = _run(function, *course_latencies(seed), case="drifted latencies")
        if not call.alarms:
            return _why_silent(function, call, rang)
        rang = True
    if not _run(function, _latencies(60), _latencies(40, mean=175), case="small drifted windows").alarms:
        return "60 requests against 40, 25 ms slower, brought no warning."
    return None


def _why_silent(function: Callable, call: Call, rang: bool) -> str:
    """Say what may keep an alarm silent on a drifted night: its memory, its condition, its side or its means."""
    if rang:
        return (
            "it warned on one drifted night and kept silent on the next. Does it remember that it has warned? "
            "Whether a repeated alarm is shown is the filter's business, not the function's."
        )
    silent = "recent requests are 15 ms slower and no warning was issued"
    with contextlib.suppress(NotYet):
        if _run(function, *_quiet(), case="latencies without drift").alarms:
            return f"{silent}, but there was one when nothing had changed. What is rare without drift, and what is not?"
        if _run(function, _latencies(200), _latencies(100, mean=135), case="faster requests").alarms:
            return f"{silent}, but there was one for faster requests. Which side does your test look at?"
    return f"{silent}; {_instead(call)}"


def is_silent_when_nothing_changed(function):
    """Pairs from one distribution whose p-value is far above any usual alpha."""
    for historical, recent in (course_latencies(41, drifted=False), _quiet()):
        if _run(function, historical, recent, case="latencies without drift").alarms:
            if _run(function, historical[1:], recent[1:], case="latencies without drift").alarms:
                return "it warned on a night on which nothing had changed."
            return (
                "it warned on a night on which nothing had changed, and not on the same night less one request. "
                "Does it remember an earlier night?"
            )
    return None


def keeps_its_false_alarm_rate(function):
    """Many nights without drift: the alarms are binomial, with alpha for their rate."""
    rng = np.random.default_rng(464)
    alarms = 0
    for _ in range(QUIET_NIGHTS):
        historical, recent = (rng.normal(150, 20, size) for size in NIGHT_SIZES)
        call = _run(function, historical, recent, alpha=NIGHT_ALPHA, case="a night without drift")
        alarms += len(call.alarms) > 0
    low, high = binom.interval(0.999, QUIET_NIGHTS, NIGHT_ALPHA)
    if low <= alarms <= high:
        return None
    more = "More" if alarms > high else "Fewer"
    return (
        f"it rang on {alarms} of {QUIET_NIGHTS} nights without drift. At alpha {NIGHT_ALPHA} chance makes "
        f"that {low:.0f} to {high:.0f}. {more} alarms than promised: what decides in your function, and does "
        "it know how many requests there are?"
    )


def lets_alpha_decide(function):
    """A pair between 0.05 and 0.2, one between 0.01 and 0.05, each with two alphas."""
    for shift_ms, alpha, expected in (
        (P_ABOUT_A_TENTH, 0.05, False),
        (P_ABOUT_A_TENTH, 0.2, True),
        (P_ABOUT_3_PERCENT, 0.05, True),
        (P_ABOUT_3_PERCENT, 0.01, False),
    ):
        historical, recent = _pair(shift_ms)
        case = f"alpha = {alpha}"
        if bool(_run(function, historical, recent, alpha=alpha, case=case).alarms) is not expected:
            p_value = ks_2samp(historical, recent).pvalue
            did = "kept silent" if expected else "warned"
            return f"by the KS test p is {p_value:.2g}, and alpha is {alpha}: it {did}."
    if not _run(function, *_pair(P_ABOUT_3_PERCENT), case="no alpha given").alarms:
        return "without an alpha it should take 0.05, and p is below that: it kept silent."
    return None


def catches_a_change_of_spread(function):
    """Twice the standard deviation, the same mean and the same median."""
    if _run(function, _latencies(600), _latencies(300, sd=40), case="twice the spread").alarms:
        return None
    return (
        "twice the spread around the same mean brought no warning. Half of those requests are much slower. "
        "Does your test compare whole distributions, or means?"
    )


def catches_a_change_to_faster(function):
    """The course's drift, the other way round."""
    if _run(function, _latencies(200), _latencies(100, mean=135), case="faster requests").alarms:
        return None
    return "15 ms faster brought no warning. A cache that answers for a broken service is fast, too."


def compares_windows_of_any_size(function):
    """Few against many and many against few: drifted, not, and so that it takes all of them to see it."""
    for n, m in ((400, 30), (30, 400), (7, 5)):
        case = f"{n} against {m} requests"
        if not _run(function, _latencies(n), _latencies(m, mean=260), case=case).alarms:
            return f"{case}, 110 ms slower, brought no warning."
        if _run(function, _latencies(n), _latencies(m), case=case).alarms:
            return f"{case} without drift brought a warning."
    for n, m in ((400, 30), (30, 400)):
        case = f"{n} against {m} requests"
        if not _run(function, _latencies(n), _latencies(m, mean=164), alpha=0.05, case=case).alarms:
            return f"{case}, 14 ms slower, brought no warning. Is every request of the larger window used?"
    return None


def warns_in_its_own_category(function):
    """Any subclass of Warning but Python's own ones, and the same one on every call."""
    alarm = _first_alarm_of(function)
    if _first_alarm_of(function).category is not alarm.category:
        return (
            f"every call makes a {alarm.category.__name__} of its own, so no caller's filter can name it. Where "
            "is a class defined once for all?"
        )
    return _category_problem(alarm)


def says_how_large_the_drift_is(function):
    """D or p, as a number, in the texts for two different drifts."""
    for shift_ms in (P_BELOW_A_THOUSANDTH, P_BELOW_A_MILLIONTH):
        historical, recent = _pair(shift_ms)
        result = ks_2samp(historical, recent)
        call = _run(function, historical, recent, case=f"p = {result.pvalue:.0e}")
        if not call.alarms:
            return f"p = {result.pvalue:.0e} brought no warning, so there is no text to read."
        text = str(call.alarms[0].message)
        has_d = any(
            min(abs(number - result.statistic), abs(number / 100 - result.statistic)) < 0.006
            for number in _numbers(text)
        )
        has_p = any(result.pvalue / 2 <= number <= result.pvalue * 2 for number in _numbers(text))
        if not has_d and not has_p:
            return (
                f"the text is {text[:70]!r}, and holds neither this night's D nor its p-value "
                f"({result.statistic:.2f}, {result.pvalue:.0e}) as a number."
            )
    return None


def points_at_the_callers_line(function):
    """A program that is no file, so that nothing but its own frames can bear its name."""
    historical, recent = _drifted()
    names = {"function": function, "historical": historical, "recent": recent}
    call = _run(exec, compile(CALLER_PROGRAM, CALLER, "exec"), names, case="a caller of its own")
    if not call.alarms:
        return "a clear drift brought no warning, so there is nothing to look at yet."
    alarm = call.alarms[0]
    if alarm.filename == CALLER and alarm.lineno == 2:
        return None
    if alarm.filename == CALLER:
        return "it points too far up, at the caller's caller or beyond. Where does the count of the stacklevel begin?"
    return (
        f"it points at line {alarm.lineno} of your own code. Whoever reads it wants to know which of their "
        "checks rang: look one caller further up."
    )


def rings_once_a_call_on_every_call(function):
    """The same drift from the same line, five times, under the filter that shows every warning."""
    historical, recent = _drifted()

    def five_nights():
        for _ in range(5):
            function(historical.copy(), recent.copy())

    heard = len(_run(five_nights, case="five calls").alarms)
    if heard == 5:
        return None
    if heard > 5:
        return f"five calls brought {heard} warnings; one drift is one alarm."
    return (
        f"of five calls with a drift {heard} warned, though the caller's filter shows every one. Whether a "
        "repeated alarm is shown is the filter's business, not the function's."
    )


def leaves_the_filters_alone(function):
    """On a drifted night and on a quiet one."""
    for case, pair in (("a drift", _drifted()), ("no drift", _quiet())):
        if _run(function, *pair, case=case).filters_changed:
            return (
                f"after a call with {case} the warning filters of the whole program are changed. They belong "
                "to the caller."
            )
    return None


def becomes_an_error_when_asked(function):
    """Under the filter "error": the alarm is raised, a quiet night is not."""
    if _run(function, *_quiet(), case="no drift", action="error").alarms:
        return "it warned on a night on which nothing had changed."
    try:
        call = _run(function, *_drifted(), case='a drift, under the filter "error"', action="error")
    except NotYet as stop:
        if isinstance(stop.__cause__, Warning):
            return None
        return f'under the filter "error" the alarm itself should come out; {str(stop).rstrip(".")}.'
    if call.alarms:
        return (
            'the caller asked for errors and got a warning: a filter inside your function overrides "error".'
        )
    return "the caller asked for errors, and a clear drift raised none: is it caught, or was it never issued?"


def keeps_quiet_when_ignored(function):
    """Under the filter "ignore": neither a warning nor an exception, drift or not."""
    if _run(function, *_drifted(), case='a drift, under the filter "ignore"', action="ignore").alarms:
        return "the caller ignores warnings and got one: a filter inside your function overrides theirs."
    return None


def takes_lists_tuples_and_series(function):
    """The same decision for the same numbers, however they are held."""
    historical, recent = _drifted()
    _, quiet = _quiet()
    index = np.arange(90_000, 90_000 + recent.size)[::-1]
    for case, hold in (
        ("lists", list),
        ("tuples", tuple),
        ("lists of whole ms", lambda values: [round(value) for value in values]),
        ("a Series with an index of its own", lambda values: pd.Series(values, index=index)),
    ):
        whole = list(historical) if case.startswith("a Series") else hold(historical)
        if not _run(function, whole, hold(recent), case=case).alarms:
            return f"a clear drift brought no warning when given as {case}."
        if _run(function, whole, hold(quiet), case=case).alarms:
            return f"no drift brought a warning when given as {case}."
    return None


def leaves_its_inputs_unchanged(function):
    """Arrays, lists and Series, drifted and not, compared with what they were."""
    for historical, recent in (_drifted(), _quiet()):
        for case, hold in (("arrays", np.array), ("lists", list), ("Series", pd.Series)):
            given = hold(historical), hold(recent)
            _run(function, *given, case=case)
            for name, now, before in zip(("historical", "recent"), given, (historical, recent), strict=True):
                if len(now) != len(before) or not np.array_equal(np.asarray(now), before):
                    return (
                        f"after the call the caller's own {name}, given as {case}, has changed. The order "
                        "of requests is data, too: work on a copy."
                    )
    return None


def _with_nan(values: np.ndarray, position: int) -> np.ndarray:
    holed = values.copy()
    holed[position] = np.nan
    return holed


def refuses_nan(function):
    """One NaN, in either argument, at either end, in arrays and lists."""
    historical, recent = _drifted()
    for case, pair in (
        ("a NaN at the start of recent", (historical, _with_nan(recent, 0))),
        ("a NaN at the end of recent", (historical, _with_nan(recent, -1))),
        ("a NaN in historical", (_with_nan(historical, 3), recent)),
        ("a NaN in a list", (list(historical), list(_with_nan(recent, 3)))),
        ("a NaN in recent, without drift", (historical, _with_nan(_quiet()[1], 3))),
    ):
        _refusal(function, *pair, case=case)
    return None


def refuses_an_empty_window(function):
    """No values, in either argument, as an array and as a list."""
    values = _latencies(100)
    for case, pair in (
        ("an empty recent", (values, np.array([]))),
        ("an empty list", (values, [])),
        ("an empty historical", (np.array([]), values)),
    ):
        _refusal(function, *pair, case=case)
    return None


def refuses_a_single_value(function):
    """One value, in either argument, near the middle and far out."""
    values = _latencies(1_000)
    for case, pair in (
        ("one recent value", (values, np.array([151.0]))),
        ("one recent value far out", (values, [900.0])),
        ("one historical value", ([151.0], values)),
    ):
        _refusal(function, *pair, case=case)
    return None


def names_what_it_refuses(function):
    """The argument at fault, in everything that is refused, and not the same sentence for both."""
    values, refused, let_through = _latencies(100), 0, None
    for kind, window in (("a NaN", _with_nan(values, 3)), ("no values", []), ("one value", [151.0])):
        said = {}
        for name, pair in (("recent", (values, window)), ("historical", (window, values))):
            try:
                said[name] = _refusal(function, *pair, case=f"{kind} in {name}")
            except NotYet as stop:  # it has a line of its own on the board
                let_through = let_through or stop
                continue
            if name not in said[name].casefold():
                return f"for {kind} in {name} it says {said[name][:70]!r}. Which of the two arguments is it?"
        if len(said) == 2 and said["recent"] == said["historical"]:
            return f"it says {said['recent'][:70]!r} whichever is at fault. Which of the two arguments is it?"
        refused += len(said)
    if not refused:
        raise let_through
    return None


BEHAVIOURS = tuple(
    (name, _needs_a_function(judge))
    for name, judge in (
        ("warns when latencies drifted", warns_when_latencies_drifted),
        ("is silent when nothing changed", is_silent_when_nothing_changed),
        ("lets alpha decide, both ways", lets_alpha_decide),
        ("keeps the false-alarm rate that alpha promises", keeps_its_false_alarm_rate),
        ("catches a change of spread alone", catches_a_change_of_spread),
        ("catches a change to faster", catches_a_change_to_faster),
        ("compares windows of any size", compares_windows_of_any_size),
        ("warns in a category of its own", warns_in_its_own_category),
        ("says how large the drift is", says_how_large_the_drift_is),
        ("points at the caller's line", points_at_the_callers_line),
        ("rings once a call, on every call", rings_once_a_call_on_every_call),
        ("leaves the warning filters alone", leaves_the_filters_alone),
        ('becomes an error under the filter "error"', becomes_an_error_when_asked),
        ('keeps quiet under the filter "ignore"', keeps_quiet_when_ignored),
        ("takes lists, tuples and Series", takes_lists_tuples_and_series),
        ("leaves its inputs unchanged", leaves_its_inputs_unchanged),
        ("refuses NaN", refuses_nan),
        ("refuses an empty window", refuses_an_empty_window),
        ("refuses a window of one value", refuses_a_single_value),
        ("names the argument that it refuses", names_what_it_refuses),
    )
)


# Answers to the challenge: a right one in pieces, then what goes wrong when a piece is another --------------


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
    Exercise(
        id="4.2",
        judge=level_for_the_job,
        hints=(
            "Level one is the line with `warnings.warn` itself. Each level more is one caller further up.",
            "Put a number in place of the 1 in the cell above and run it: the second line of the warning "
            "shows where it points.",
        ),
        why="a helper that warns for you is one caller more, and the level has to grow by as much.",
    ),
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
    Exercise(
        id="4.5",
        judge=clean_latencies,
        hints=(
            "First make an array of floats, and catch what that does with words. Then there are two more "
            "questions to ask of it.",
            "`array.size` tells how many values there are, `np.isnan(array).any()` whether one is missing. "
            "Put `name` into each sentence that you raise.",
        ),
        why="an alarm that cannot judge has to say so: silence is read as an all-clear.",
    ),
    Exercise(
        id="4.6",
        judge=Scoreboard(BEHAVIOURS),
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
