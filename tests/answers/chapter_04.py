"""Answers to chapter 04: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import logging
import warnings
from contextlib import nullcontext
from functools import cache, partial

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, ttest_ind

from utils.alarm.drift import warn_if_drift
from utils.exercises.chapter_04 import D as LatencyDriftWarning

# What an alarm tells, in 4.1 and 4.6 ------------------------------------------------------------------------

TEXT = "drift, D = {d:.2g}, p = {p:.1g}"


class EarlyDriftWarning(FutureWarning):
    """A category of one's own, of a kind that libraries use for announcements."""


def _warning(text=TEXT, category=LatencyDriftWarning, level=3):
    """Return a way to warn; it is one caller further from the alarm's caller than the alarm."""
    return lambda **numbers: warnings.warn(text.format(**numbers), category, stacklevel=level)


def _raising(error):
    def tell(**numbers):
        raise error(TEXT.format(**numbers))

    return tell


def _logged(**numbers):
    logging.warning(TEXT.format(**numbers))


def _printed(**numbers):
    print(TEXT.format(**numbers))


def _warned_in_a_new_category(**numbers):
    _warning(category=type("DataDriftWarning", (UserWarning,), {}), level=4)(**numbers)


def _warned_by_instance(d, p):
    warnings.warn(EarlyDriftWarning(f"D in percent: {100 * d:.3g}, the p-value is {p}"), stacklevel=3)


def _told_in_numpys_way(d, p):
    d, p = (np.format_float_scientific(number, 3) for number in (d, p))
    warnings.warn(f"p = {p}, D = {d}", LatencyDriftWarning, stacklevel=3)


def _rings_twice(**numbers):
    for again in ("", " again"):
        warnings.warn(TEXT.format(**numbers) + again, LatencyDriftWarning, stacklevel=3)


def _under(action, tell=_warning(level=4), shelter=nullcontext):  # noqa: B008
    """Return a way to tell under a filter of one's own, by default one for the whole program."""

    def meddling(**numbers):
        with shelter():
            warnings.simplefilter(action)
            tell(**numbers)

    return meddling


# 4.1: two grades, and 4.2: the line that a warning points at ------------------------------------------------

UrgentDriftWarning = type("UrgentDriftWarning", (LatencyDriftWarning,), {})
SiblingWarning = type("SiblingWarning", (Warning,), {})


def _grades(urgent=UrgentDriftWarning, mild=LatencyDriftWarning, limits=(0.05, 0.001), text=TEXT, also=None):
    """Return an alarm in two grades, each given by its category or a way to tell."""

    def alarm_at(p_value):
        if p_value < limits[0]:
            grade = urgent if p_value < limits[1] else mild
            tell = _warning(text, grade) if isinstance(grade, type | None) else grade
            tell(p=p_value, d=p_value)
            if also and p_value < limits[1]:
                also(p=p_value, d=p_value)

    return alarm_at


def _sound(level, category=LatencyDriftWarning):
    return lambda message, helpers: warnings.warn(message, category, stacklevel=level(helpers))


# 4.3: counting every alarm ----------------------------------------------------------------------------------


def _always(category):
    warnings.simplefilter("always")


def _recorded(call, category=Warning, setting=_always):
    """Return what one call warns of, with the filters of a setting."""
    with warnings.catch_warnings(record=True) as record:
        setting(category)
        call()
    return record


def _is_heard(record, category):
    return any(issubclass(warning.category, category) for warning in record)


def _count(rang=_is_heard, setting=_always):
    """Return a way to count the nights on which, by `rang`, the record holds an alarm."""

    def count_alarms(alarm, windows, category):
        records = [_recorded(partial(alarm, window), category, setting) for window in windows]
        return sum(bool(rang(record, category)) for record in records)

    return count_alarms


def _count_by_error(errors=None, shelter=warnings.catch_warnings):
    """Return a way to count what is raised where some warnings, by default of the category, become errors."""

    def count_alarms(alarm, windows, category):
        counted = 0
        with shelter():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", errors or category)
            for window in windows:
                try:
                    alarm(window)
                except category:
                    counted += 1
        return np.int64(counted)

    return count_alarms


def _count_what_is_shown(alarm, windows, category):
    return len(_recorded(lambda: list(map(alarm, windows)), setting=lambda category: None))


def _count_warnings(alarm, windows, category):
    every = _recorded(lambda: list(map(alarm, windows)))
    return sum(issubclass(warning.category, category) for warning in every)


def _count_twice(alarm, windows, category):
    _count()(alarm, windows, category)
    return _count()(alarm, windows, category)


# 4.4: a gate before a release -------------------------------------------------------------------------------


def _gate(errors=None, caught=None, words=("shipped", "stopped"), others=None):
    """Return a gate that makes some warnings errors and catches some, by default those of its category."""

    def gate(release, category):
        to_catch = caught or category
        with warnings.catch_warnings():
            if others:
                warnings.simplefilter(others)
            warnings.simplefilter("error", errors or category)
            try:
                release()
            except to_catch:
                return words[1]
        return words[0]

    return gate


def _gate_that_records(release, category):
    return "stopped" if _is_heard(_recorded(release), category) else "shipped"


def _gate_without_filter(release, category):
    try:
        release()
    except category:
        return "stopped"
    return "shipped"


def _gate_left_open(release, category):
    warnings.simplefilter("error", category)
    return _gate_without_filter(release, category)


def _gate_that_puts_back_by_hand(release, category):
    before = warnings.filters[:]
    said = _gate_left_open(release, category)
    warnings.filters[:] = before
    return said


def _gate_that_wraps_errors(release, category):
    try:
        return _gate()(release, category)
    except OSError as error:
        raise RuntimeError("the release failed") from error


# 4.5: input that can't be judged, also in 4.6 ---------------------------------------------------------------


def _value_error(text):
    raise ValueError(text)


def _floats(values):
    return np.array(values, dtype=float)


def _checks(refuse=_value_error, least=2, unusable=lambda array: not np.isfinite(array).all(), taken=_floats):
    """Return a check of input; what is no error of `refuse` lets the values through."""

    def as_latencies(values, name):
        array = taken(values)
        if array.size < least or unusable(array):
            refuse(f"{name} has {array.size} values, too few or with NaN")
        return array

    return as_latencies


_checked = _checks()


def _checked_one_by_one(values, name):
    if len(values) < 2 or not all(-np.inf < value < np.inf for value in values):
        raise ValueError(f"{name!r} has a value that is no latency, or too few")
    return np.array([float(value) for value in values])


def _checked_with_a_capital(values, name):
    numbers = pd.Series(values, dtype=float).to_numpy()
    if numbers.size < 2 or not np.isfinite(numbers).all():
        raise ValueError(f"{name.title()} latencies are too few, missing or infinite.")
    return numbers


def _without_nan(values):
    array = _floats(values)
    return array[~np.isnan(array)]


# 4.6: the challenge, a right answer in pieces, then what goes wrong when a piece is another ---------------


@cache
def _ks_of_bytes(historical: bytes, recent: bytes, alternative: str):
    method = "auto" if alternative == "two-sided" else "asymp"  # scipy's exact one-sided count is slow
    return ks_2samp(np.frombuffer(historical), np.frombuffer(recent), alternative, method)


def _ks(historical: np.ndarray, recent: np.ndarray, alternative: str = "two-sided"):
    """Test each pair once: the judges hand the same nights to every answer below."""
    return _ks_of_bytes(historical.tobytes(), recent.tobytes(), alternative)


def _alarm(
    tell=_warning(),  # noqa: B008
    checked=_checked,
    test=_ks,
    rings=lambda result, alpha: result.pvalue < alpha,
    default=0.05,
):
    """Return an answer to the challenge, by default a right one."""

    def warn_on_drift(historical, recent, alpha=default):
        result = test(checked(historical, "historical"), checked(recent, "recent"))
        return tell(d=result.statistic, p=result.pvalue) if rings(result, alpha) else None

    return warn_on_drift


challenge_right = _alarm()


def _cut_to_one_size(historical, recent):
    size = min(historical.size, recent.size)
    return _ks(historical[:size], recent[:size])


def _swallows_errors(historical, recent, alpha=0.05):
    try:
        challenge_right(historical, recent, alpha)
    except Exception:
        pass


def _sorts_in_place(historical, recent, alpha=0.05):
    challenge_right(historical, recent, alpha)
    historical.sort()
    recent.sort()


def _arrays_only(values, name):
    return _checked(values, name) if values.size else _value_error(name)


def _lets_words_through(values, name):
    words = np.asarray(values).dtype.kind == "U"
    return np.array(values) if words else _checked(values, name)


def _blames_both(values, name):
    try:
        return _checked(values, name)
    except ValueError:
        raise ValueError("historical and recent must hold two numbers or more, and no NaN.") from None


_trusts_scipy = _alarm(checked=lambda values, name: values, test=ks_2samp)

WRONG = {
    "4.1": (
        (_grades(_printed, _printed), "printed a line instead"),
        (_grades(_logged, _logged), "wrote a log record instead"),
        (_grades(mild=_raising(LatencyDriftWarning)), "raised a LatencyDriftWarning"),
        (lambda p_value: p_value < 0.05, "returned the truth value True instead"),
        (_grades(limits=(1, 0.001)), "p = 0.4 brought 1 warning."),
        (_grades(limits=(0.0500001, 0.001)), "p = 0.05 brought 1 warning."),
        (_grades(limits=(0.05, 0.01)), "when is it chosen"),
        (_grades(mild=_warned_in_a_new_category), "where is each defined"),
        (_grades(urgent=LatencyDriftWarning), "asked first"),
        (_grades(urgent=SiblingWarning), "still hears SiblingWarning"),
        (_grades(LatencyDriftWarning, UrgentDriftWarning), "no longer hears UrgentDriftWarning"),
        (_grades(also=_warning()), "p = 0.0009 brought 2 warnings"),
        (_grades(mild=None), "your own category"),
        (_grades(mild=DeprecationWarning), "in a category that is shown"),
        (_grades(text="drift, p = {p:.3f}"), "its text is 'drift, p = 0.001'"),
        (_grades(text="drift, p = {p:.7f}"), "at p = 2e-32 its text is"),
        (_grades(_under("always"), _under("always")), "filters of the whole program changed"),
        (0.05, "a function is expected"),
    ),
    "4.2": (
        (_sound(lambda helpers: helpers + 1), "with helpers = 0 it points at 'return lambda message"),
        (_sound(lambda helpers: 2), "it points at helper 1 of 1"),
        (_sound(lambda helpers: 3), "with helpers = 0 it points at"),
        (lambda text, helpers: helpers < 3 and _sound(lambda h: h + 3)(text, helpers), "helpers = 3 brought"),
        (_sound(lambda helpers: 2 + min(helpers, 1)), "it points at helper 2 of 3"),
        (_sound(lambda helpers: helpers + 3), "with helpers = 0 it points at a line above its caller's"),
        (_sound(lambda helpers: helpers + 2, UserWarning), "your own category"),
        (lambda message, helpers: print(message), "printed a line instead"),
        (lambda message, helpers: _rings_twice(d=1, p=1), "helpers = 0 brought a text other"),
        (3, "a function is expected"),
    ),
    "4.3": (
        (_count_what_is_shown, "shows a repeated text again"),
        (_count(setting=lambda category: None), "a filter of its own"),
        (_count_warnings, "windows, or warnings"),
        (_count(lambda record, category: record), "is every warning"),
        (_count(lambda record, category: any(w.category is category for w in record)), "subclasses"),
        (_count(setting=partial(warnings.simplefilter, "always")), "(under the filter 'error'). which"),
        (_count_by_error(Warning), "which of them do you catch"),
        (_count_by_error(shelter=nullcontext), "filters of the whole program changed"),
        (_count_twice, "it called the alarm 14 times"),
        (lambda alarm, windows, category: len(windows), "it counted 7 for seven nights, four"),
        (lambda alarm, windows, category: [alarm(window) for window in windows], "a number is expected"),
    ),
    "4.4": (
        (_gate_that_records, "once ran to its end"),
        (_gate_without_filter, "ran to its end"),
        (_gate(errors=Warning, caught=Warning), "which warnings are to become errors"),
        (_gate(errors=Warning), "which of them do you catch"),
        (_gate(caught=UserWarning), "which of them do you catch"),
        (_gate(caught=Exception), "yours to catch"),
        (_gate_that_wraps_errors, "RuntimeError (the release failed) came out"),
        (_gate_left_open, "filters of the whole program changed"),
        (_gate_that_puts_back_by_hand, "after a release that failed"),
        (lambda release, category: "shipped", "is it called once"),
        (_gate(words=("stopped", "shipped")), "which end"),
        (_gate(words=(True, False)), "choose one of"),
    ),
    "4.5": (
        (_checks(taken=_without_nan), "for a NaN it went on"),
        (lambda values, name: _floats(values), "for a NaN it went on"),
        (_checks(unusable=lambda array: np.isnan(array).any()), "for an infinite value it went on"),
        (lambda values, name: values if len(values) > 9 else np.array(values), "of which type is yours"),
        (_checks(lambda text: _value_error("bad input")), "which argument"),
        (_checks(lambda text: warnings.warn(text, stacklevel=2)), "and went on"),
        (_checks(least=1), "for one value it went on"),
        (_checks(least=3), "raised ValueError (recent has 2 values, too few or with NaN)"),
        (_checks(unusable=lambda array: (array == np.nan).any()), "for a NaN it went on"),
        (lambda values, name: np.sort(_checked(values, name)), "is expected"),
        (lambda values, name: list(_checked(values, name)), "of which type"),
        (lambda values, name: print(_checked(values, name)), "return the result in place of printing it"),
        (lambda name, values: _checked(values, name), "raised ValueError"),
    ),
    "4.6": (
        (_alarm(_raising(LatencyDriftWarning)), "raised a LatencyDriftWarning"),
        (_alarm(_raising(ValueError)), "raised ValueError (drift"),
        (_alarm(rings=lambda result, alpha: True), "a quiet night brought a warning"),
        (_alarm(rings=lambda result, alpha: result.pvalue / 2 < alpha), "alpha 0.1 promises"),
        (_alarm(rings=lambda result, alpha: result.pvalue < 0.05), "is alpha what p is compared with"),
        (
            _alarm(rings=lambda result, alpha: result.pvalue <= alpha),
            "p equal to alpha brought a warning",
        ),
        (_alarm(_logged), "a clear drift brought no warning"),
        (_alarm(rings=lambda result, alpha: result.statistic > 0.1), "know how many requests"),
        (_alarm(default=0.01), "alpha left out brought no warning"),
        (_alarm(test=ttest_ind), "compare distributions, or means"),
        (_alarm(test=lambda *pair: _ks(*pair, "greater")), "15 ms less brought no warning"),
        (_alarm(test=lambda *pair: _ks(*pair, "less")), "which side does your test look at"),
        (_alarm(test=_cut_to_one_size), "use all of them"),
        (_alarm(cache(_warning())), "or the filter's"),
        (_alarm(_warned_in_a_new_category), "where is each defined"),
        (_alarm(_warning(category=None)), "UserWarning, which everybody uses"),
        (_alarm(_warning(category=type("Hidden", (DeprecationWarning,), {}))), "own filters hide"),
        (_alarm(_warning("Data drift detected!")), "where is D in it?"),
        (_alarm(_warning("drift, p = {p:.1g}")), "is p the size of a drift?"),
        (_alarm(_warning("drift, D = {d:.0f}")), "it says 'drift, D = 0'"),
        (_alarm(_warning(level=2)), "it points at 'return tell("),
        (_alarm(_warning(level=4)), "a line above its caller's"),
        (_alarm(_rings_twice), "five calls with a drift brought 10"),
        (_alarm(_under("always")), "filters of the whole program changed"),
        (_alarm(_under("ignore", shelter=warnings.catch_warnings)), "no filter of yours"),
        (_alarm(_under("always", shelter=warnings.catch_warnings)), "or set a filter"),
        (_swallows_errors, 'under the filter "error" came out nothing'),
        (_sorts_in_place, "what makes a copy"),
        (_alarm(checked=_arrays_only), "for a clear drift given as lists"),
        (_alarm(checked=_checks(least=3)), "for 400 against 2 requests"),
        (_alarm(checked=_lets_words_through, test=ks_2samp), "for words in recent it warned and went on"),
        (_trusts_scipy, "for no values in recent it went on"),
        (
            _alarm(checked=_checks(unusable=lambda array: np.isnan(array).any())),
            "an infinite value in recent it",
        ),
        (_alarm(checked=_checks(least=1)), "for one value in recent it"),
        (_alarm(checked=_blames_both), "which of the two arguments"),
        (None, "a function is expected"),
    ),
}

RIGHT = {
    "4.1": (_grades(), _grades(type("Urgent", (EarlyDriftWarning,), {}), EarlyDriftWarning)),
    "4.2": (_sound(lambda helpers: helpers + 2),),
    "4.3": (_count(), _count_by_error()),
    "4.4": (_gate(), _gate(others="ignore")),
    "4.5": (_checked, _checked_one_by_one, _checked_with_a_capital),
    "4.6": (
        challenge_right,
        warn_if_drift,
        _alarm(_told_in_numpys_way),
        _alarm(test=lambda historical, recent: ks_2samp(historical, recent, method="asymp")),
        _alarm(_warned_by_instance, _checked_with_a_capital),
    ),
}
