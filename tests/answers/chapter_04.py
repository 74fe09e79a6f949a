"""Answers to chapter 04: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, ttest_ind

from utils.alarm.drift import warn_if_drift
from utils.exercises.chapter_04 import LatencyDriftWarning


def _prints_it(p_value, alpha=0.05):
    if p_value < alpha:
        print(f"drift, p = {p_value:.1g}")


def _logs_it(p_value, alpha=0.05):
    if p_value < alpha:
        logging.warning("drift, p = %.1g", p_value)


def _raises_it(p_value, alpha=0.05):
    if p_value < alpha:
        raise LatencyDriftWarning(f"drift, p = {p_value:.1g}")


def _alarm_reversed(p_value, alpha=0.05):
    if p_value > alpha:
        warnings.warn(f"drift, p = {p_value:.1g}", LatencyDriftWarning, stacklevel=2)


def _alarm_on_its_own_alpha(p_value, alpha=0.05):
    if p_value < 0.05:
        warnings.warn(f"drift, p = {p_value:.1g}", LatencyDriftWarning, stacklevel=2)


def _alarm_without_category(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(f"drift, p = {p_value:.1g}", stacklevel=2)


def _alarm_without_number(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn("drift!", LatencyDriftWarning, stacklevel=2)


def _alarm_always(p_value, alpha=0.05):
    warnings.warn(f"p = {p_value:.1g}", LatencyDriftWarning, stacklevel=2)


def _alarm_as_announcement(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(f"drift, p = {p_value:.1g}", DeprecationWarning, stacklevel=2)


def _alarm_with_class_for_text(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(LatencyDriftWarning, stacklevel=2)


def _alarm_with_category_first(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(LatencyDriftWarning, f"drift, p = {p_value:.1g}", stacklevel=2)


def _alarm_rounded_away(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(f"drift, p = {p_value:.2f}", LatencyDriftWarning, stacklevel=2)


def _alarm_in_percent(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(f"drift, p = {100 * p_value:.1g} %", LatencyDriftWarning, stacklevel=2)


class EarlyDriftWarning(FutureWarning):
    """A category of one's own, of a kind that libraries use for announcements."""


def _alarm_of_future_kind(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(f"drift, p = {p_value:.1g}", EarlyDriftWarning, stacklevel=2)


def _alarm_as_instance(p_value, alpha=0.05):
    if p_value < alpha:
        warnings.warn(LatencyDriftWarning(f"the p-value is {p_value}"), stacklevel=1)


def _count_right(alarm, windows, category):
    counted = 0
    for window in windows:
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            alarm(window)
        counted += any(issubclass(warning.category, category) for warning in record)
    return counted


def _count_by_error(alarm, windows, category):
    counted = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", category=category)
        for window in windows:
            try:
                alarm(window)
            except category:
                counted += 1
    return np.int64(counted)


def _count_what_is_shown(alarm, windows, category):
    with warnings.catch_warnings(record=True) as record:
        for window in windows:
            alarm(window)
    return len([warning for warning in record if issubclass(warning.category, category)])


def _count_first_window_only(alarm, windows, category):
    for window in windows:
        return _count_right(alarm, [window], category)


def _count_by_callers_filter(alarm, windows, category):
    counted = 0
    for window in windows:
        with warnings.catch_warnings(record=True) as record:
            alarm(window)
        counted += any(issubclass(warning.category, category) for warning in record)
    return counted


def _count_warnings(alarm, windows, category):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        for window in windows:
            alarm(window)
    return sum(issubclass(warning.category, category) for warning in record)


def _count_any_category(alarm, windows, category):
    counted = 0
    for window in windows:
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            alarm(window)
        counted += len(record) > 0
    return counted


def _count_nights(rang: Callable) -> Callable:
    """Return a way to count the nights on which the record of warnings says, by `rang`, that an alarm rang."""

    def count(alarm, windows, category):
        counted = 0
        for window in windows:
            with warnings.catch_warnings(record=True) as record:
                warnings.simplefilter("always")
                alarm(window)
            counted += rang(record, category)
        return counted

    return count


_count_by_last_warning = _count_nights(
    lambda record, category: bool(record) and issubclass(record[-1].category, category)
)


_count_records_as_warnings = _count_nights(
    lambda record, category: any(isinstance(entry, category) for entry in record)
)


_count_without_subclasses = _count_nights(
    lambda record, category: any(warning.category is category for warning in record)
)


def _count_with_filter_for_one_category(alarm, windows, category):
    counted = 0
    for window in windows:
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always", category)
            alarm(window)
        counted += any(issubclass(warning.category, category) for warning in record)
    return counted


def _count_from_one_record(alarm, windows, category):
    counted = 0
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        for window in windows:
            record.clear()
            alarm(window)
            counted += any(isinstance(warning.message, category) for warning in record)
    return counted


def _count_with_global_filter(alarm, windows, category):
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", category)
    counted = 0
    for window in windows:
        try:
            alarm(window)
        except category:
            counted += 1
    return counted


def _count_true_results(alarm, windows, category):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sum(bool(alarm(window)) for window in windows)


def _count_everything_as_error(alarm, windows, category):
    counted = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for window in windows:
            try:
                alarm(window)
            except category:
                counted += 1
    return counted


def _gated(release, *, errors, caught):
    """Run a release with some warnings made errors; say "stopped" when what is to be caught comes out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors)
        try:
            release()
        except caught:
            return "stopped"
    return "shipped"


def _gate_right(release, category):
    return _gated(release, errors=category, caught=category)


def _gate_for_every_warning(release, category):
    return _gated(release, errors=Warning, caught=Warning)


def _gate_with_errors_of_all_kinds(release, category):
    return _gated(release, errors=Warning, caught=category)


def _gate_that_catches_all(release, category):
    return _gated(release, errors=category, caught=Exception)


def _gate_that_records(release, category):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        release()
    return "stopped" if any(issubclass(w.category, category) for w in record) else "shipped"


def _gate_left_open(release, category):
    warnings.simplefilter("error", category)
    try:
        release()
    except category:
        return "stopped"
    return "shipped"


def _gate_without_filter(release, category):
    try:
        release()
    except category:
        return "stopped"
    return "shipped"


def _gate_that_catches_another(release, category):
    return _gated(release, errors=category, caught=RuntimeError)


def _gate_with_a_rehearsal(release, category):
    if _gate_that_records(release, category) == "stopped":
        return "stopped"
    return _gate_right(release, category)


def _gate_that_ignores_the_rest(release, category):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", category)
        try:
            release()
        except category:
            return "stopped"
        else:
            return "shipped"


def _gate_that_answers_true(release, category):
    return _gate_right(release, category) == "shipped"


def _checked(values, name):
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} should hold numbers only.")
    array = array.astype(float)
    if array.size < 2:
        raise ValueError(f"{name} holds {array.size} values; pass at least two.")
    if np.isnan(array).any():
        raise ValueError(f"{name} holds {np.isnan(array).sum()} NaN; find out why, then drop them.")
    return array


def _checked_in_a_list(values, name):
    try:
        numbers = [float(value) for value in values]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if len(numbers) < 2 or any(number != number for number in numbers):
        raise ValueError(f"{name} is too short or holds NaN.")
    return numbers


def _nan_dropped(values, name):
    array = np.asarray(values, dtype=float)
    array = array[~np.isnan(array)]
    if array.size < 2:
        raise ValueError(f"{name} holds fewer than two values.")
    return array


def _nan_filled(values, name):
    array = np.nan_to_num(np.asarray(values, dtype=float))
    if array.size < 2:
        raise ValueError(f"{name} holds fewer than two values.")
    return array


def _asserted(values, name):
    array = np.asarray(values, dtype=float)
    assert array.size >= 2 and not np.isnan(array).any(), name
    return array


def _refused_without_name(values, name):
    array = np.asarray(values, dtype=float)
    if array.size < 2 or np.isnan(array).any():
        raise ValueError("bad input")
    return array


def _refused_by_printing(values, name):
    array = np.asarray(values, dtype=float)
    if array.size < 2 or np.isnan(array).any():
        print(f"{name} is no good")
        return None
    return array


def _refused_by_warning(values, name):
    array = np.asarray(values, dtype=float)
    if array.size < 2 or np.isnan(array).any():
        warnings.warn(f"{name} is no good", stacklevel=2)
    return array


def _sorted_on_the_way(values, name):
    return np.sort(_checked(values, name))


def _checks_and_forgets(values, name):
    _checked(values, name)


def _integers_left_alone(values, name):
    array = np.asarray(values)
    _checked(values, name)
    return array


def _refused_by_returning(values, name):
    try:
        return _checked(values, name)
    except ValueError as error:
        return error


def _refused_as_type_error(values, name):
    try:
        return _checked(values, name)
    except ValueError as error:
        raise TypeError(str(error)) from None


def _nan_compared(values, name):
    array = np.asarray(values, dtype=float)
    if array.size < 2 or (array == np.nan).any():
        raise ValueError(f"{name} is too short or holds NaN.")
    return array


def _refused_with_a_capital(values, name):
    numbers = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce").to_numpy(dtype=float)
    if numbers.size < 2 or np.isnan(numbers).any():
        raise ValueError(f"{name.title()} latencies are too few, missing or no numbers.")
    return numbers


def _one_value_let_through(values, name):
    array = np.asarray(values, dtype=float)
    if not array.size or np.isnan(array).any():
        raise ValueError(f"{name} is empty or holds NaN.")
    return array


@cache
def _ks_of_bytes(historical: bytes, recent: bytes, alternative: str):
    method = "auto" if alternative == "two-sided" else "asymp"  # scipy's exact one-sided count is slow
    return ks_2samp(np.frombuffer(historical), np.frombuffer(recent), alternative, method)


def _ks(historical: np.ndarray, recent: np.ndarray, alternative: str = "two-sided"):
    """Test each pair once: the judges hand the same nights to every answer below."""
    return _ks_of_bytes(historical.tobytes(), recent.tobytes(), alternative)


def _tested(historical, recent):
    return _ks(_checked(historical, "historical"), _checked(recent, "recent"))


def _text(result) -> str:
    return f"drift: D = {result.statistic:.2f}, p = {result.pvalue:.1g}"


def challenge_right(historical, recent, alpha=0.05):
    """Do everything that is asked for."""
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _d_by_hand(historical, recent, alpha=0.05):
    """Decide by D against its own critical value, which is as right for large samples."""
    historical, recent = _checked_in_a_list(historical, "historical"), _checked_in_a_list(recent, "recent")
    both = np.sort(np.concatenate([historical, recent]))
    gaps = np.searchsorted(np.sort(historical), both, side="right") / len(historical)
    gaps -= np.searchsorted(np.sort(recent), both, side="right") / len(recent)
    d = np.abs(gaps).max()
    critical = np.sqrt(-np.log(alpha / 2) / 2 * (1 / len(historical) + 1 / len(recent)))
    if d > critical:
        warnings.warn(LatencyDriftWarning(f"the ECDFs are {d:.1%} apart"), stacklevel=2)
    return d > critical


def _returns_true(historical, recent, alpha=0.05):
    return bool(_tested(historical, recent).pvalue < alpha)


def _prints(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        print(_text(result))


def _logs(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        logging.getLogger("nightly").warning(_text(result))


def _raises_its_warning(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        raise LatencyDriftWarning(_text(result))


def _raises_a_value_error(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        raise ValueError(_text(result))


def _exits(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        sys.exit(_text(result))


def _warns_always(historical, recent, alpha=0.05):
    warnings.warn(_text(_tested(historical, recent)), LatencyDriftWarning, stacklevel=2)


def _reversed(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue > alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _alpha_hard_coded(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < 0.05:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _other_default_alpha(historical, recent, alpha=0.01):
    challenge_like = _tested(historical, recent)
    if challenge_like.pvalue < alpha:
        warnings.warn(_text(challenge_like), LatencyDriftWarning, stacklevel=2)


def _compares_means(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    result = ttest_ind(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(_ks(historical, recent)), LatencyDriftWarning, stacklevel=2)


def _one_sided(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    result = _ks(historical, recent, alternative="greater")
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _threshold_on_d(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.statistic > 0.1:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _two_tests_for_one_alpha(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    result = _ks(historical, recent)
    halves = _ks(historical, recent[::2]), _ks(historical, recent[1::2])
    if min(result.pvalue, *(half.pvalue for half in halves)) < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _standardises_both(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    result = _tested(
        (historical - historical.mean()) / historical.std(), (recent - recent.mean()) / recent.std()
    )
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _pairs_them_up(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    gap = np.abs(historical - recent).mean()
    if gap > alpha:
        warnings.warn(f"drift: {gap:.2f} ms", LatencyDriftWarning, stacklevel=2)


def _cuts_to_one_size(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    size = min(historical.size, recent.size)
    result = _ks(historical[:size], recent[:size])
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


class _WarnsOfChangesOnly:
    """An alarm that a flag keeps silent from its first warning to the next quiet night."""

    rang = False

    def __call__(self, historical, recent, alpha=0.05):
        result = _tested(historical, recent)
        drifted = result.pvalue < alpha
        if drifted and not self.rang:
            warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)
        self.rang = drifted


class _RemembersBySize:
    """An alarm that looks a result up by what two windows may share: their sizes."""

    def __init__(self):
        self.results = {}

    def __call__(self, historical, recent, alpha=0.05):
        result = self.results.setdefault((len(historical), len(recent)), _tested(historical, recent))
        if result.pvalue < alpha:
            warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _other_side(historical, recent, alpha=0.05):
    historical, recent = _checked(historical, "historical"), _checked(recent, "recent")
    result = _ks(historical, recent, alternative="less")
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _halves_p(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue / 2 < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _halves_alpha(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha / 2:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _ignores_around_itself(historical, recent, alpha=0.05):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        challenge_right(historical, recent, alpha)


def _announces(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), FutureWarning, stacklevel=2)


class HiddenDriftWarning(DeprecationWarning):
    """A category of one's own, of a kind that Python's default filters hide."""


def _warns_in_a_hidden_category(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), HiddenDriftWarning, stacklevel=2)


def _new_category_on_every_call(historical, recent, alpha=0.05):
    class DataDriftWarning(UserWarning):
        pass

    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), DataDriftWarning, stacklevel=2)


def _class_for_text(historical, recent, alpha=0.05):
    if _tested(historical, recent).pvalue < alpha:
        warnings.warn(LatencyDriftWarning, stacklevel=2)


def _everybodys_category(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), stacklevel=2)


def _says_nothing(historical, recent, alpha=0.05):
    if _tested(historical, recent).pvalue < alpha:
        warnings.warn("Data drift detected!", LatencyDriftWarning, stacklevel=2)


def _rounds_p_away(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(f"drift: p = {result.pvalue:.3f}", LatencyDriftWarning, stacklevel=2)


def _points_at_itself(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning)  # noqa: B028


def _points_beyond_everything(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=9)


def _points_too_far(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=3)


class _DoesNotRepeatItself:
    """An alarm that remembers what it said last and says it once."""

    last = ""

    def __call__(self, historical, recent, alpha=0.05):
        result = _tested(historical, recent)
        if result.pvalue < alpha and _text(result) != self.last:
            self.last = _text(result)
            warnings.warn(self.last, LatencyDriftWarning, stacklevel=2)


def _rings_twice(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)
    if result.statistic > 0.2:
        warnings.warn(f"large {_text(result)}", LatencyDriftWarning, stacklevel=2)


def _sets_a_filter(historical, recent, alpha=0.05):
    warnings.simplefilter("always")
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _ignores_warnings(historical, recent, alpha=0.05):
    warnings.filterwarnings("ignore")
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _shows_it_whatever_the_caller_says(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        if result.pvalue < alpha:
            warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _swallows_errors(historical, recent, alpha=0.05):
    try:
        result = _tested(historical, recent)
        if result.pvalue < alpha:
            warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)
    except Exception:
        pass


def _sorts_in_place(historical, recent, alpha=0.05):
    result = _tested(historical, recent)
    historical.sort()
    recent.sort()
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _arrays_only(historical, recent, alpha=0.05):
    for name, values in (("historical", historical), ("recent", recent)):
        if values.size < 2 or np.isnan(values).any():
            raise ValueError(f"{name} holds NaN or fewer than two values.")
    result = _ks(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _trusts_scipy(historical, recent, alpha=0.05):
    result = ks_2samp(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _drops_nan(historical, recent, alpha=0.05):
    result = _ks(_nan_dropped(historical, "historical"), _nan_dropped(recent, "recent"))
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _warns_of_nan(historical, recent, alpha=0.05):
    result = ks_2samp(historical, recent)
    if result.pvalue < alpha or np.isnan(result.pvalue):
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _returns_early(historical, recent, alpha=0.05):
    if len(historical) < 2 or len(recent) < 2:
        return
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _empty_only(historical, recent, alpha=0.05):
    historical, recent = (
        _one_value_let_through(historical, "historical"),
        _one_value_let_through(recent, "recent"),
    )
    result = _ks(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _asserts(historical, recent, alpha=0.05):
    result = _ks(_asserted(historical, "historical"), _asserted(recent, "recent"))
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _names_nan_only(historical, recent, alpha=0.05):
    if min(len(historical), len(recent)) < 2:
        raise ValueError("too few values.")
    result = _tested(historical, recent)
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _refuses_as_type_error(historical, recent, alpha=0.05):
    try:
        result = _tested(historical, recent)
    except ValueError as error:
        raise TypeError(str(error)) from None
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _refuses_by_returning(historical, recent, alpha=0.05):
    try:
        result = _tested(historical, recent)
    except ValueError as error:
        return error
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


def _refuses_with_a_capital(historical, recent, alpha=0.05):
    """Name the argument at the start of a sentence, and p in percent."""
    for name, values in (("Historical", historical), ("Recent", recent)):
        if len(values) < 2 or pd.isna(pd.Series(values)).any():
            raise ValueError(f"{name} latencies are too few, or some are missing.")
    result = _ks(np.asarray(historical, dtype=float), np.asarray(recent, dtype=float))
    if result.pvalue < alpha:
        warnings.warn(f"drift, p = {100 * result.pvalue:.1g} %", EarlyDriftWarning, stacklevel=2)


def _blames_both(historical, recent, alpha=0.05):
    try:
        result = _tested(historical, recent)
    except ValueError:
        raise ValueError("historical and recent must hold two numbers or more, and no NaN.") from None
    if result.pvalue < alpha:
        warnings.warn(_text(result), LatencyDriftWarning, stacklevel=2)


WRONG = {
    "4.1": (
        (_prints_it, "printed a line instead"),
        (_logs_it, "wrote a log record instead"),
        (_raises_it, "as an exception"),
        (_alarm_reversed, "rarer without drift"),
        (_alarm_on_its_own_alpha, "alpha of the caller"),
        (_alarm_without_category, "your own category"),
        (_alarm_without_number, "wants to read the p-value"),
        (_alarm_always, "should be silent"),
        (_alarm_as_announcement, "DeprecationWarning instead"),
        (_alarm_with_class_for_text, "a text first"),
        (_alarm_with_category_first, "a text first"),
        (_alarm_rounded_away, "wants to read the p-value"),
        (lambda p_value, alpha=0.05: p_value < alpha, "returned the truth value True instead"),
        (0.05, "a function is expected"),
    ),
    "4.2": (
        (1, "in sound"),
        (2, "in check_checkout"),
        (4, "at the very bottom"),
        (9, "beyond the program"),
        (2.5, "whole number"),
        ("nightly_job", "a number is expected"),
    ),
    "4.3": (
        (_count_what_is_shown, "shows a text from one line once"),
        (_count_first_window_only, "return after the first window"),
        (_count_by_callers_filter, "one of yours"),
        (_count_warnings, "windows are to be counted"),
        (_count_any_category, "not every warning"),
        (_count_with_global_filter, "filters changed"),
        (_count_true_results, "on how many of them did the check warn"),
        (_count_everything_as_error, "which of them do you catch"),
        (_count_by_last_warning, "any one may be the alarm"),
        (_count_records_as_warnings, "which part of a record"),
        (_count_without_subclasses, "covers its subclasses"),
        (_count_with_filter_for_one_category, "for which categories"),
        (lambda alarm, windows, category: len(windows), "it counted 7 for seven quiet nights"),
    ),
    "4.4": (
        (_gate_that_records, "run to its end"),
        (_gate_for_every_warning, "which warnings are to become errors"),
        (_gate_with_errors_of_all_kinds, "which of them do you catch"),
        (_gate_that_catches_all, "the error is gone"),
        (_gate_left_open, "filters changed"),
        (_gate_without_filter, "run to its end"),
        (_gate_with_a_rehearsal, "ran the release 2 times"),
        (_gate_that_catches_another, "which of them do you catch"),
        (_gate_that_answers_true, "choose one of"),
    ),
    "4.5": (
        (_nan_dropped, "no all-clear"),
        (_nan_filled, "no all-clear"),
        (_asserted, "python -O"),
        (_refused_without_name, "which of the two arguments"),
        (_refused_by_printing, "printed a line"),
        (_refused_by_warning, "judged as a whole"),
        (_sorted_on_the_way, "in another order"),
        (_checks_and_forgets, "is a return missing"),
        (_one_value_let_through, "for one value it went on"),
        (_integers_left_alone, "an array of floats"),
        (_refused_by_returning, "stops nobody"),
        (_refused_as_type_error, "for no values it broke with TypeError"),
        (_nan_compared, "for one NaN at the end it went on"),
        (lambda values, name: np.asarray(values, dtype=float), "for no values it went on"),
    ),
    "4.6": (
        (_returns_true, "returned the truth value True instead"),
        (_prints, "printed a line instead"),
        (_logs, "wrote a log record instead"),
        (_raises_its_warning, "as an exception for drifted latencies"),
        (_raises_a_value_error, "raised ValueError (drift"),
        (_exits, "raised SystemExit"),
        (_warns_always, "on a night on which nothing had changed"),
        (_reversed, "one when nothing had changed"),
        (_WarnsOfChangesOnly(), "remember that it has warned"),
        (_RemembersBySize(), "remember an earlier night"),
        (_other_side, "which side does your test look at"),
        (_ignores_around_itself, "no filter of yours"),
        (_announces, "FutureWarning instead"),
        (_class_for_text, "a text first"),
        (_halves_p, "More alarms than promised"),
        (_halves_alpha, "alpha is 0.2: it kept silent"),
        (_alpha_hard_coded, "alpha is 0.2: it kept silent"),
        (_other_default_alpha, "it should take 0.05"),
        (_compares_means, "whole distributions, or means"),
        (_one_sided, "15 ms faster brought no warning"),
        (_threshold_on_d, "does it know how many requests"),
        (_two_tests_for_one_alpha, "More alarms than promised"),
        (_standardises_both, "Fewer alarms than promised"),
        (_pairs_them_up, "operands could not be broadcast"),
        (_cuts_to_one_size, "every request of the larger window"),
        (_everybodys_category, "UserWarning, which everybody uses"),
        (_warns_in_a_hidden_category, "own filters hide"),
        (_new_category_on_every_call, "no caller's filter can name it"),
        (_says_nothing, "neither this night's D nor its p-value"),
        (_rounds_p_away, "neither this night's D nor its p-value"),
        (_points_at_itself, "of your own code"),
        (_points_too_far, "the caller's caller"),
        (_points_beyond_everything, "too far up"),
        (_DoesNotRepeatItself(), "is the filter's business"),
        (_rings_twice, "one drift is one alarm"),
        (_sets_a_filter, "filters of the whole program are changed"),
        (_ignores_warnings, "filters of the whole program are changed"),
        (_shows_it_whatever_the_caller_says, "got a warning: a filter inside"),
        (_swallows_errors, "is it caught"),
        (_sorts_in_place, "work on a copy"),
        (_arrays_only, "for lists"),
        (_trusts_scipy, "for a NaN at the start of recent it went on"),
        (_drops_nan, "judged as a whole"),
        (_warns_of_nan, "p = nan') and went on"),
        (_returns_early, "for an empty recent it went on"),
        (_empty_only, "for one recent value it"),
        (_asserts, "python -O"),
        (_blames_both, "whichever is at fault"),
        (_names_nan_only, "for no values in recent it says 'too few"),
        (_refuses_as_type_error, "broke with TypeError"),
        (_refuses_by_returning, "stops nobody"),
        (None, "a function is expected"),
    ),
}

RIGHT = {
    "4.1": (_alarm_as_instance, _alarm_in_percent, _alarm_of_future_kind),
    "4.3": (_count_right, _count_by_error, _count_from_one_record),
    "4.4": (_gate_right, _gate_that_ignores_the_rest),
    "4.5": (_checked, _checked_in_a_list, _refused_with_a_capital),
    "4.6": (challenge_right, _d_by_hand, warn_if_drift, _refuses_with_a_capital),
}
