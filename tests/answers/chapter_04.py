"""Answers to chapter 04: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import logging
import sys
import warnings
from contextlib import nullcontext
from functools import cache, partial

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, ttest_ind

from utils.alarm.drift import warn_if_drift
from utils.exercises.chapter_04 import LatencyDriftWarning

# What an alarm tells, in 4.1 and 4.6 ------------------------------------------------------------------------


class EarlyDriftWarning(FutureWarning):
    """A category of one's own, of a kind that libraries use for announcements."""


def _warning(text="drift, p = {p:.1g}", category=LatencyDriftWarning, level=3):
    """Return a way to warn; it is one caller further from the alarm's caller than the alarm."""
    return lambda **numbers: warnings.warn(text.format(**numbers), category, stacklevel=level)


def _raising(error):
    def tell(p, **_):
        raise error(f"drift, p = {p:.1g}")

    return tell


def _logged(p, **_):
    logging.warning("drift, p = %.1g", p)


def _printed(p, **_):
    print(f"drift, p = {p:.1g}")


def _warned_in_a_new_category(p, **_):
    class DataDriftWarning(UserWarning):
        pass

    warnings.warn(f"drift, p = {p:.1g}", DataDriftWarning, stacklevel=3)


def _warned_by_instance(p, **_):
    warnings.warn(LatencyDriftWarning(f"the p-value is {p}"), stacklevel=3)


def _told_in_percent(p, **_):
    warnings.warn(f"drift, p = {100 * p:.1g} %", EarlyDriftWarning, stacklevel=3)


def _told_in_numpys_way(p, **_):
    warnings.warn(f"p = {np.format_float_scientific(p, 3)}", LatencyDriftWarning, stacklevel=3)


def _rings_twice(p, **_):
    for again in ("", " again"):
        warnings.warn(f"drift{again}, p = {p:.1g}", LatencyDriftWarning, stacklevel=3)


def _filtered(tell, action):
    """Return a way to tell that sets a filter for the whole program first."""

    def meddling(**numbers):
        warnings.simplefilter(action)
        tell(**numbers)

    return meddling


def _in_a_with_block(action):
    def sheltered(p, **_):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            warnings.warn(f"drift, p = {p:.1g}", LatencyDriftWarning, stacklevel=3)

    return sheltered


# 4.1: a first alarm -----------------------------------------------------------------------------------------


def _alarm_at(tell=_warning(), rings=lambda p_value, alpha: p_value < alpha, default=0.05):  # noqa: B008
    def alarm_at(p_value, alpha=default):
        return tell(p=p_value) if rings(p_value, alpha) else None

    return alarm_at


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


def _count_from_one_record(alarm, windows, category):
    counted = 0
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        for window in windows:
            record.clear()
            alarm(window)
            counted += any(isinstance(warning.message, category) for warning in record)
    return counted


def _count_twice(alarm, windows, category):
    _count()(alarm, windows, category)
    return _count()(alarm, windows, category)


# 4.4: a gate before a release -------------------------------------------------------------------------------


def _gate(errors=None, caught=None, words=("shipped", "stopped"), before=lambda release: None):
    """Return a gate that makes some warnings errors and catches some, by default those of its category."""

    def gate(release, category):
        to_catch = caught or category
        before(release)
        with warnings.catch_warnings():
            warnings.simplefilter("error", errors or category)
            try:
                release()
            except to_catch:
                return words[1]
        return words[0]

    return gate


def _gate_that_records(release, category):
    record = _recorded(release)
    return "stopped" if _is_heard(record, category) else "shipped"


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


def _gate_that_ignores_the_rest(release, category):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", category)
        return _gate_without_filter(release, category)


# 4.5: input that can't be judged, also in 4.6 ---------------------------------------------------------------


def _value_error(text):
    raise ValueError(text)


def _floats(values):
    return np.array(values, dtype=float)


def _checks(refuse=_value_error, least=2, has_nan=lambda array: np.isnan(array).any(), taken=_floats):
    """Return a check of input; what is no error of `refuse` lets the values through."""

    def as_latencies(values, name):
        try:
            array = taken(values)
        except ValueError:
            return refuse(f"{name} should hold numbers only")
        if array.size < least or has_nan(array):
            refuse(f"{name} has {array.size} values, too few or with NaN")
        return array

    return as_latencies


_checked = _checks()


def _checked_one_by_one(values, name):
    numbers = []
    for value in values:
        if isinstance(value, str) or value != value:
            raise ValueError(f"{value!r} among the latencies of {name!r}")
        numbers.append(float(value))
    if len(numbers) < 2:
        raise ValueError(f"{name!r} needs two values or more")
    return np.array(numbers)


def _checked_with_a_capital(values, name):
    numbers = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce").to_numpy(dtype=float)
    if numbers.size < 2 or np.isnan(numbers).any():
        raise ValueError(f"{name.title()} latencies are too few, missing or no numbers.")
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


def _checked_in_arrays_alone(values, name):
    return _checked(values, name) if isinstance(values, np.ndarray) or len(values) < 2 else np.array(values)


def _checked_when_slower(values, name):
    if len(values) > 1 and np.nanmean(values) < 155:
        return np.array(values)
    return _checked(values, name)


def _d_by_hand(historical, recent, alpha=0.05):
    """Decide by D against its own critical value, which is as right for large samples."""
    historical, recent = np.sort(_checked(historical, "historical")), np.sort(_checked(recent, "recent"))
    both = np.concatenate([historical, recent])
    gaps = np.searchsorted(historical, both, side="right") / len(historical)
    gaps -= np.searchsorted(recent, both, side="right") / len(recent)
    d = np.abs(gaps).max()
    critical = np.sqrt(-np.log(alpha / 2) / 2 * (1 / len(historical) + 1 / len(recent)))
    if d > critical:
        warnings.warn(LatencyDriftWarning(f"the ECDFs are {d:.1%} apart"), stacklevel=2)
    return d > critical


def _cut_to_one_size(historical, recent):
    size = min(historical.size, recent.size)
    return _ks(historical[:size], recent[:size])


class _WarnsOfChangesOnly:
    """An alarm that a flag keeps silent from its first warning to the next quiet night."""

    rang = False

    def __call__(self, historical, recent, alpha=0.05):
        result = _ks(_checked(historical, "historical"), _checked(recent, "recent"))
        drifted = result.pvalue < alpha
        if drifted and not self.rang:
            warnings.warn(f"p = {result.pvalue:.1g}", LatencyDriftWarning, stacklevel=2)
        self.rang = drifted


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


def _returns_early(historical, recent, alpha=0.05):
    return challenge_right(historical, recent, alpha) if min(len(historical), len(recent)) > 1 else None


def _blames_both(values, name):
    try:
        return _checked(values, name)
    except ValueError:
        raise ValueError("historical and recent must hold two numbers or more, and no NaN.") from None


_trusts_scipy = _alarm(checked=lambda values, name: values, test=ks_2samp)

WRONG = {
    "4.1": (
        (_alarm_at(_printed), "printed a line instead"),
        (_alarm_at(_logged), "wrote a log record instead"),
        (_alarm_at(_raising(LatencyDriftWarning)), "as an exception"),
        (_alarm_at(lambda p: True), "returned the truth value True instead"),
        (_alarm_at(rings=lambda p_value, alpha: p_value > alpha), "rare without drift"),
        (_alarm_at(rings=lambda p_value, alpha: True), "rare without drift"),
        (_alarm_at(rings=lambda p_value, alpha: p_value < 0.05), "alpha of the caller"),
        (_alarm_at(rings=lambda p_value, alpha: p_value <= alpha), "when the two are equal"),
        (_alarm_at(rings=lambda p_value, alpha: round(p_value, 2) < alpha), "the p-value as it is"),
        (_alarm_at(default=0.01), "names none"),
        (_alarm_at(default=0.1), "names none"),
        (_alarm_at(_warning(category=None)), "category of your own"),
        (_alarm_at(_warning(category=DeprecationWarning)), "DeprecationWarning instead"),
        (_alarm_at(_warning("p is below 0.001")), "is the p-value"),
        (_alarm_at(_warning("drift, p = {p:.3f}")), "small as it is"),
        (_alarm_at(_rings_twice), "one is enough"),
        (_alarm_at(_filtered(_warning(), "always")), "filters of the whole program changed"),
        (0.05, "a function is expected"),
    ),
    "4.2": (
        (9, "no level of this program"),
        (0, "the line that warns is 1"),
        ("sound", "a number is"),
    ),
    "4.3": (
        (_count_what_is_shown, "shows a repeated text again"),
        (_count(lambda record, _: any(isinstance(w, Warning) for w in record)), "part of a record"),
        (_count(setting=lambda category: None), "a filter of its own"),
        (_count_warnings, "windows, or warnings"),
        (_count(lambda record, category: record), "is every warning"),
        (_count(lambda record, category: any(w.category is category for w in record)), "subclasses"),
        (_count(lambda record, category: _is_heard(record[-1:], category)), "do you look at"),
        (_count(lambda record, category: _is_heard(record[:1], category)), "do you look at"),
        (_count(setting=partial(warnings.simplefilter, "always")), "which of them do you catch"),
        (_count_by_error(Warning), "which of them do you catch"),
        (_count_by_error(shelter=nullcontext), "filters of the whole program changed"),
        (_count_twice, "it called the alarm 14 times"),
        (lambda alarm, windows, category: len(windows), "it counted 7 for seven nights, four"),
        (lambda alarm, windows, category: [alarm(window) for window in windows], "a number is expected"),
    ),
    "4.4": (
        (_gate_that_records, "ran to its end"),
        (_gate_without_filter, "ran to its end"),
        (_gate(before=_recorded), "ran to its end 2 times"),
        (_gate(errors=Warning, caught=Warning), "which warnings are to become errors"),
        (_gate(errors=Warning), "which of them do you catch"),
        (_gate(caught=UserWarning), "which of them do you catch"),
        (_gate(caught=Exception), "yours to catch"),
        (_gate_that_wraps_errors, "RuntimeError (the release failed) came out"),
        (_gate_left_open, "filters of the whole program changed"),
        (_gate_that_puts_back_by_hand, "after a release that failed"),
        (lambda release, category: "shipped", "is the release called once"),
        (_gate(words=("stopped", "shipped")), "which end"),
        (_gate(words=("shipped", "shipped")), "which word"),
        (_gate(words=(True, False)), "choose one of"),
    ),
    "4.5": (
        (_checks(taken=_without_nan), "for a NaN it went on"),
        (_checks(taken=lambda values: np.nan_to_num(_floats(values))), "an all-clear"),
        (lambda values, name: _floats(values), "for a NaN it went on"),
        (_checks(lambda text: _value_error("bad input")), "which argument"),
        (_checks(lambda text: _value_error(f"recent: {text[-8:]}")), "which argument"),
        (_checks(lambda text: warnings.warn(text, stacklevel=2)), "and went on"),
        (_checks(sys.exit), "broke with SystemExit"),
        (_checks(least=1), "for one value it went on"),
        (_checks(least=3), "raised ValueError (recent has 2 values, too few or with NaN)"),
        (_checks(has_nan=lambda array: (array == np.nan).any()), "for a NaN it went on"),
        (lambda values, name: np.sort(_checked(values, name)), "is expected"),
        (lambda values, name: list(_checked(values, name)), "of which type"),
        (lambda values, name: _checked(values, name).astype(int), "array of floats"),
        (lambda values, name: _checked(values, name)[:, None], "one-dimensional"),
        (lambda values, name: print(_checked(values, name)), "return the result in place of printing it"),
        (lambda name, values: _checked(values, name), "raised ValueError"),
    ),
    "4.6": (
        (_alarm(checked=_checked_in_arrays_alone), "a NaN in a list"),
        (_alarm(checked=_checked_when_slower), "a NaN in recent"),
        (_alarm(lambda **_: True), "returned the truth value True instead"),
        (_alarm(_printed), "printed a line instead"),
        (_alarm(_logged), "wrote a log record instead"),
        (_alarm(_raising(LatencyDriftWarning)), "as an exception"),
        (_alarm(_raising(ValueError)), "raised ValueError (drift"),
        (_alarm(lambda **_: sys.exit("drift")), "raised SystemExit"),
        (_alarm(rings=lambda result, alpha: True), "without any change brought a warning"),
        (_alarm(rings=lambda result, alpha: result.pvalue > alpha), "what makes your function warn"),
        (_alarm(rings=lambda result, alpha: result.pvalue <= alpha), "when the two are equal"),
        (_alarm(rings=lambda result, alpha: result.pvalue / 2 < alpha), "alpha 0.1 promises"),
        (_alarm(rings=lambda result, alpha: result.pvalue < 0.05), "with which alpha"),
        (_alarm(rings=lambda result, alpha: round(result.pvalue, 2) < alpha), "at alpha = 0.03"),
        (_alarm(rings=lambda result, alpha: result.statistic > 0.1), "know how many requests"),
        (_alarm(default=0.01), "without an alpha brought no warning"),
        (_alarm(default=0.2), "without an alpha brought a warning"),
        (_alarm(test=ttest_ind), "whole distributions, or means"),
        (_alarm(test=lambda *pair: _ks(*pair, "greater")), "15 ms faster brought no warning"),
        (_alarm(test=_cut_to_one_size), "every request of the larger window"),
        (_WarnsOfChangesOnly(), "or the filter's"),
        (_alarm(_warned_in_a_new_category), "which no filter can name"),
        (_alarm(_warning(category=None)), "UserWarning, which everybody uses"),
        (_alarm(_warning(category=FutureWarning)), "FutureWarning instead"),
        (_alarm(_warning(category=type("Hidden", (DeprecationWarning,), {}))), "own filters hide"),
        (_alarm(_warning("Data drift detected!")), "which of the two is in it"),
        (_alarm(_warning("drift: p = {p:.3f}")), "which of the two is in it"),
        (_alarm(_warning(level=2)), "does not call your function"),
        (_alarm(_warning(level=4)), "does not call your function"),
        (_alarm(_warning(level=9)), "does not call your function"),
        (_alarm(_rings_twice), "five calls with a drift brought 10"),
        (_alarm(_filtered(_warning(), "always")), "filters of the whole program changed"),
        (_alarm(_in_a_with_block("ignore")), "no filter of yours"),
        (_alarm(_in_a_with_block("always")), "override theirs"),
        (_swallows_errors, "does your function catch it"),
        (_sorts_in_place, "what makes a copy"),
        (_alarm(checked=_arrays_only), "for a clear drift given as lists"),
        (_alarm(checked=_checks(least=3)), "for 400 against 2 requests"),
        (_trusts_scipy, "for a NaN in recent it went on"),
        (_alarm(checked=_checks(taken=_without_nan)), "for a NaN in recent it went on"),
        (_returns_early, "for no values in recent it went on"),
        (_alarm(checked=_checks(least=1)), "for one value in recent it"),
        (_alarm(checked=_blames_both), "which of the two arguments"),
        (None, "a function is expected"),
    ),
}

RIGHT = {
    "4.1": (
        _alarm_at(_warned_by_instance),
        _alarm_at(_told_in_numpys_way),
        _alarm_at(_told_in_percent),
        _alarm_at(rings=lambda p_value, alpha: not p_value >= alpha),
    ),
    "4.2": (np.int64(3), 3.0),
    "4.3": (_count(), _count_by_error(), _count_from_one_record),
    "4.4": (_gate(), _gate_that_ignores_the_rest),
    "4.5": (_checked, _checked_one_by_one, _checked_with_a_capital),
    "4.6": (
        challenge_right,
        _d_by_hand,
        warn_if_drift,
        _alarm(_told_in_numpys_way),
        _alarm(test=lambda historical, recent: ks_2samp(historical, recent, method="asymp")),
        _alarm(_told_in_percent, _checked_with_a_capital),
    ),
}
