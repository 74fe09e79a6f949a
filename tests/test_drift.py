"""One comparison: scipy's numbers, false alarms as promised, clear messages, a warning at the right line."""

import array
import copy
import dataclasses
import datetime
import decimal
import doctest
import pickle
import subprocess
import sys
import warnings
from collections import deque
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

import utils.alarm.drift
from utils.alarm.drift import (
    DataDriftWarning,
    DriftResult,
    _significance,
    as_sample,
    detect_drift,
    ks_p_value,
    measure,
    sampling_error,
    warn_if_drift,
)

HEALTHY = np.arange(100.0)
DRIFTED = HEALTHY + 50


def course_data():
    rng = np.random.default_rng(42)
    return rng.normal(loc=150, scale=20, size=1_000), rng.normal(loc=165, scale=22, size=500)


# --- the same numbers as scipy's ---------------------------------------------------------------------------


def draw_samples(rng):
    """Two samples of 2 to 60 values with no, few or many ties, close together or far apart."""
    distinct, shift = rng.choice([2, 5, 50, 0]), rng.choice([0.0, 0.5, 3.0])
    samples = rng.normal(size=rng.integers(2, 61)), rng.normal(loc=shift, size=rng.integers(2, 61))
    return [np.round(sample * distinct / 4) if distinct else sample for sample in samples]


def two_samples():
    seeds = st.integers(min_value=0, max_value=2**32)
    return seeds.map(lambda seed: draw_samples(np.random.default_rng(seed)))


def assert_equal_to_scipy(historical, recent):
    result = detect_drift(historical, recent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scipy warns when its exact count gives up at p = 1
        expected = stats.ks_2samp(historical, recent)
    assert abs(result.statistic - expected.statistic) <= 1e-12
    assert abs(result.p_value - expected.pvalue) <= 1e-9 * expected.pvalue


def test_statistic_and_p_value_are_those_of_scipy_in_thousands_of_cases():
    rng = np.random.default_rng(1951)
    for _ in range(2_000):
        assert_equal_to_scipy(*draw_samples(rng))


small_numbers = st.lists(st.integers(min_value=-3, max_value=3).map(float), min_size=2, max_size=12)


@settings(max_examples=300, deadline=None)
@given(small_numbers, small_numbers)
def test_statistic_and_p_value_are_those_of_scipy_where_ties_are_the_rule(historical, recent):
    assert_equal_to_scipy(historical, recent)


@settings(max_examples=250, deadline=None)
@given(two_samples())
def test_location_is_where_the_distribution_functions_are_that_far_apart(samples):
    historical, recent = samples
    statistic, location, direction, shift = measure(historical, recent)
    gap = np.mean(historical <= location) - np.mean(recent <= location)
    assert abs(gap) == pytest.approx(statistic, abs=1e-12)
    assert direction == ("none" if statistic == 0 else "slower" if gap > 0 else "faster")
    assert shift == pytest.approx(stats.wasserstein_distance(historical, recent), rel=1e-9, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20),
)
def test_any_finite_floats_are_compared_without_a_warning(historical, recent):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = detect_drift(historical, recent)
        assert 0 <= result.statistic <= 1 and 0 <= result.p_value <= 1
        assert result.shift >= 0
        assert str(result).endswith("values).")


@pytest.mark.parametrize(
    ("n", "m"), [(1_000, 500), (500, 1_000), (10_000, 10_000), (10_000, 60), (10_001, 60), (50_000, 20_000)]
)
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.6])
def test_large_samples_have_scipys_p_value_on_both_sides_of_its_exact_limit(n, m, shift):
    rng = np.random.default_rng(7)
    historical, recent = rng.normal(size=n), rng.normal(loc=shift, size=m)
    result, expected = detect_drift(historical, recent), stats.ks_2samp(historical, recent)
    assert result.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    gap = np.mean(historical <= result.location) - np.mean(recent <= result.location)
    assert abs(gap) == pytest.approx(expected.statistic, abs=1e-12)


def test_the_course_data_give_what_a_learner_sees_in_scipy():
    historical, recent = course_data()
    result, expected = detect_drift(historical, recent), stats.ks_2samp(historical, recent)
    assert result.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert result.location == expected.statistic_location
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (result.direction, expected.statistic_sign) == ("slower", 1)
    assert result.shift == pytest.approx(stats.wasserstein_distance(historical, recent), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.1, 0.3, 0.6])
def test_without_a_tolerance_drifted_is_the_plain_ks_decision(alpha):
    """Every D that small samples can have, and a very unequal pair, through the short cut and without it."""
    pairs = [(n, m) for n in range(2, 10) for m in range(2, n + 1)] + [(40, 2), (3, 50)]
    for n, m in pairs:
        for statistic in np.unique(
            np.abs(np.subtract.outer(np.arange(n + 1) / n, np.arange(m + 1) / m)).round(12)
        ):
            significant, _ = _significance(statistic, n, m, alpha)
            assert significant == (p_value_of(statistic, n, m) < alpha), (statistic, n, m)


@cache
def p_value_of(statistic, n, m):
    return ks_p_value(statistic, n, m)


def test_a_p_value_on_neither_side_of_the_short_cut_decides_as_well():
    # D = 0.07 and 0.08 of 1,000 and 500 values have p = 0.076 and 0.028.
    historical = np.arange(1_000.0)
    for moved, drifted in ((70, False), (80, True)):
        result = detect_drift(historical, historical[::2] + moved)
        assert (
            result.drifted == drifted == (stats.ks_2samp(historical, historical[::2] + moved).pvalue < 0.05)
        )


def test_exchanging_the_samples_turns_the_direction_round():
    historical, recent = course_data()
    forth, back = detect_drift(historical, recent), detect_drift(recent, historical)
    assert (forth.direction, back.direction) == ("slower", "faster")
    assert (forth.statistic, forth.location, forth.p_value) == (back.statistic, back.location, back.p_value)


def test_a_gap_that_points_both_ways_is_called_slower_whichever_way_it_is_asked():
    assert detect_drift([1, 4], [2, 3]).direction == "slower"
    assert detect_drift([2, 3], [1, 4]).direction == "slower"


def test_a_statistic_that_no_samples_can_have_is_refused():
    with pytest.raises(ValueError, match="No two samples of 10 and 10 values have the KS statistic 0.55"):
        ks_p_value(0.55, 10, 10)


# --- the rule of tolerance ---------------------------------------------------------------------------------


def shifted_normal(rng, distance, n, m):
    return rng.normal(size=n), rng.normal(loc=2 * stats.norm.ppf((1 + distance) / 2), size=m)


def slower_exponential(rng, distance, n, m):
    return rng.exponential(size=n), rng.exponential(scale=scale_at(distance), size=m)


@cache
def scale_at(distance):
    """The scale c at which exp(-x/c) - exp(-x), largest at x = c log(c) / (c - 1), reaches `distance`."""

    def too_little(c):
        x = c * np.log(c) / (c - 1)
        return np.exp(-x / c) - np.exp(-x) - distance

    return optimize.brentq(too_little, 1 + 1e-9, 1e6, xtol=1e-12)


def plateau(rng, distance, n, m):
    """The same gap at every value from `distance` to 1: the measured D picks the luckiest of them all."""
    return rng.random(n), rng.random(m) + distance


def two_plateaus(rng, distance, n, m):
    """A gap of that size to the slower side up to the middle, to the faster side beyond."""
    recent = rng.random(m)
    from_the_edges = (recent < distance) | (recent > 1 - distance)
    return rng.random(n), np.where(from_the_edges, 0.5 + (recent - 0.5) * 1e-6, recent)


@pytest.mark.parametrize("drift", [shifted_normal, slower_exponential, plateau, two_plateaus])
@pytest.mark.parametrize(
    ("n", "m", "tolerance", "runs"),
    [
        (8, 8, 0.02, 600),
        (30, 5, 0.1, 600),
        (100, 100, 0.1, 600),
        (2_000, 50, 0.02, 600),
        (1_000, 500, 0.1, 600),
        (20_000, 20_000, 0.02, 100),
    ],
)
def test_at_the_boundary_no_more_than_alpha_of_the_comparisons_alarm(drift, n, m, tolerance, runs):
    rng = np.random.default_rng(2024)
    alarms = sum(
        detect_drift(*drift(rng, tolerance, n, m), alpha=0.05, tolerance=tolerance).drifted
        for _ in range(runs)
    )
    assert alarms <= stats.binom.ppf(0.99, runs, 0.05)


@pytest.mark.parametrize("drift", [shifted_normal, slower_exponential])
def test_the_boundary_is_where_the_simulation_says_it_is(drift):
    historical, recent = drift(np.random.default_rng(5), 0.1, 1_000_000, 1_000_000)
    assert measure(historical, recent)[0] == pytest.approx(0.1, abs=0.003)


@pytest.mark.parametrize("drift", [shifted_normal, slower_exponential, plateau, two_plateaus])
def test_a_distance_well_beyond_the_tolerance_is_caught(drift):
    rng = np.random.default_rng(3)
    caught = sum(
        detect_drift(*drift(rng, 0.22, 1_000, 500), alpha=0.05, tolerance=0.1).drifted for _ in range(100)
    )
    assert caught >= 95


def distances(rng, changes, distance, n, m, runs):
    """Return D of `runs` pairs whose F - G is -distance, +distance, ... on plateaus of equal mass.

    Between the plateaus G and F rise alone, in turn, by twice the distance; at both ends by the distance. The
    m values are drawn first, then how many of the n fall between them.
    """
    jumps = distance * np.array([1] + [2] * changes + [1])
    f, g = np.full((2, 2 * changes + 3), (1 - jumps.sum() / 2) / (changes + 1))
    f[::2] = jumps * (np.arange(changes + 2) % 2 == 1)
    g[::2] = jumps * (np.arange(changes + 2) % 2 == 0)
    F, G = np.cumsum(np.append(0, f)), np.cumsum(np.append(0, g))
    F_there = np.interp(np.sort(rng.random((runs, m))), G, F)
    counts = rng.multinomial(n, np.diff(F_there, prepend=0, append=1).clip(0, 1))
    F_n, G_m = counts.cumsum(axis=1)[:, :-1] / n, np.arange(m + 1) / m
    return np.maximum(F_n - G_m[:-1], G_m[1:] - F_n).max(axis=1)


@pytest.mark.parametrize("changes", [0, 1, 4])
def test_plateaus_lie_at_the_distance_asked_for(changes):
    measured = distances(np.random.default_rng(5), changes, 0.1, 100_000, 100_000, 1)
    assert measured == pytest.approx(0.1, abs=0.01)


SIZES = [(30, 5), (100, 100), (500, 3), (400, 200), (2_000, 50), (10_000, 60)]
PLATEAUS = [(0.02, 8), (0.1, 1), (0.2, 1), (0.4, 0)]
RUNS = 10_000


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize(("tolerance", "changes"), PLATEAUS)
def test_plateaus_of_both_signs_alarm_no_more_often_than_alpha(tolerance, changes, n, m):
    beyond = distances(np.random.default_rng(11), changes, tolerance, n, m, RUNS) - tolerance
    for alpha in (0.01, 0.05, 0.1):
        alarms = np.sum(beyond > sampling_error(n, m, alpha))
        assert alarms <= stats.binom.ppf(0.999, RUNS, alpha)


@pytest.mark.parametrize(("tolerance", "changes", "n", "m"), [(0.02, 8, 1_000, 500), (0.1, 1, 10_000, 60)])
def test_an_error_to_one_side_only_would_alarm_too_often(tolerance, changes, n, m):
    beyond = distances(np.random.default_rng(12), changes, tolerance, n, m, RUNS) - tolerance
    one_sided = sampling_error(n, m, 2 * 0.05)
    assert np.sum(beyond > one_sided) > stats.binom.ppf(0.999, RUNS, 0.05)


def test_a_shift_that_is_nobodys_problem_is_tolerated_in_a_million_requests():
    rng = np.random.default_rng(42)
    historical, recent = rng.normal(150, 20, 1_000_000), rng.normal(150.2, 20, 1_000_000)
    assert detect_drift(historical, recent).drifted
    tolerant = detect_drift(historical, recent, tolerance=0.02)
    assert not tolerant.drifted and tolerant.p_value < 1e-6
    assert "more than chance explains, but not credibly more than the 2 tolerated" in str(tolerant)


def test_the_sampling_error_solves_its_inequality():
    error = sampling_error(1_000, 500, alpha=0.01)
    assert 2 * np.exp(-2 * error**2 * 1_000 * 500 / 1_500) == pytest.approx(0.01)


# --- the result --------------------------------------------------------------------------------------------


def test_printed_it_is_one_sentence_that_a_person_on_call_understands():
    historical, recent = course_data()
    assert str(detect_drift(historical, recent)) == (
        "Drift: recent is slower, the share of values above 159 is 32.9 percentage points higher than in "
        "history, and values moved by 15.49 on average (KS D = 0.329, p = 2.2e-32, 1,000 historical and 500 "
        "recent values)."
    )
    assert str(detect_drift(recent, historical)).startswith(
        "Drift: recent is faster, the share of values above 159 is 32.9 percentage points lower"
    )
    assert "higher than in history, credibly more than the 20 tolerated, and values moved" in str(
        detect_drift(historical, recent, tolerance=0.2)
    )


@pytest.mark.parametrize(
    ("unit", "up", "down", "place"),
    [
        ("ms", "slower", "faster", "159 is"),
        ("s", "slower", "faster", "159 s is"),
        ("euros", "larger", "smaller", "159 euros is"),
        ("", "larger", "smaller", "159 is"),
    ],
)
def test_the_sentence_speaks_of_the_values_in_words_that_fit_their_unit(unit, up, down, place):
    historical, recent = course_data()
    for word, pair in ((up, (historical, recent)), (down, (recent, historical))):
        said = str(detect_drift(*pair, unit=unit))
        assert said.startswith(f"Drift: recent is {word}, the share of values above {place}")
        assert f"moved by 15.49{' ' * (unit not in ('', 'ms')) + unit * (unit != 'ms')} on average" in said
    quiet = str(detect_drift(historical, historical[::2], unit=unit))
    assert quiet.startswith("No drift found: the share") and "slower" not in quiet


def test_without_drift_the_sentence_claims_no_more_than_the_test_does():
    rng = np.random.default_rng(1)
    result = detect_drift(rng.normal(150, 20, 1_000), rng.normal(150, 20, 500))
    assert not result.drifted
    assert str(result).startswith("No drift found: the share of values above ")
    assert "no more than chance can explain" in str(result)
    same = str(detect_drift(HEALTHY, HEALTHY))
    assert same.startswith("No drift found: the two samples are distributed alike (KS D = 0, p = 1,")


def test_a_tiny_p_value_never_reads_as_zero():
    assert "p = 2.2e-59" in str(detect_drift(HEALTHY, HEALTHY + 1_000))
    far_apart = detect_drift(np.arange(20_000.0), np.arange(20_000.0) + 1e6)
    assert far_apart.p_value == 0 and "p < 1e-300" in str(far_apart)


def test_the_result_is_plain_python_frozen_comparable_and_can_be_stored():
    result = detect_drift(*course_data())
    assert "p_value" not in vars(result) or vars(result)["p_value"] is None  # not counted out yet
    as_dict = dataclasses.asdict(result)
    assert list(as_dict) == [
        "statistic", "p_value", "location", "direction", "shift",
        "n_historical", "n_recent", "alpha", "tolerance", "drifted", "unit",
    ]  # fmt: skip
    assert {type(value) for value in as_dict.values()} == {float, str, int, bool}
    assert pickle.loads(pickle.dumps(result)) == result == copy.deepcopy(result) == DriftResult(**as_dict)
    assert hash(result) == hash(copy.copy(result))
    assert "p_value=2.18" in repr(result) and "np." not in repr(result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.p_value = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.drifted = False


def test_as_a_condition_a_result_is_whether_something_drifted():
    assert detect_drift(HEALTHY, DRIFTED)
    assert not detect_drift(HEALTHY, HEALTHY)


# --- the warning -------------------------------------------------------------------------------------------


def test_the_warning_names_the_line_that_called():
    with pytest.warns(DataDriftWarning, match="Drift: recent is larger"):
        warn_if_drift(HEALTHY, DRIFTED, unit="euros")
    with pytest.warns(DataDriftWarning, match="Drift: recent is slower") as caught:
        result = warn_if_drift(HEALTHY, DRIFTED)
        line = sys._getframe().f_lineno - 1
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, line)]
    assert result == detect_drift(HEALTHY, DRIFTED)


def test_without_drift_there_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = warn_if_drift(HEALTHY, HEALTHY + 0.5)
        assert not result.drifted
        assert not warn_if_drift(HEALTHY, HEALTHY + 20, tolerance=0.5).drifted


SCRIPT = """\
import numpy as np
from utils.alarm.drift import warn_if_drift
healthy = np.arange(100.0)
for again in range(3):
    warn_if_drift(healthy, healthy + 50)
    warn_if_drift(healthy, healthy + 0.5)
print("reached the end")
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "nightly_check.py"
    path.write_text(SCRIPT, encoding="utf-8")

    def run(*options):
        command = [sys.executable, *options, str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


def test_in_a_script_the_warning_shows_the_callers_line_and_repeats_only_when_asked(script):
    once = script()
    assert once.returncode == 0 and once.stdout == "reached the end\n"
    assert once.stderr.count("nightly_check.py:5: DataDriftWarning: Drift: recent is slower") == 1
    assert script("-W", "always").stderr.count("DataDriftWarning: Drift") == 3


def test_in_a_pipeline_the_warning_becomes_an_error_that_stops_it(script):
    stopped = script("-W", "error")
    assert stopped.returncode == 1 and stopped.stdout == ""
    assert "line 5, in <module>" in stopped.stderr
    assert stopped.stderr.splitlines()[-1].startswith(
        "utils.alarm.drift.DataDriftWarning: Drift: recent is slower"
    )


# --- input -------------------------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")
NO_SEQUENCE = "recent is of type {}, not a sequence of numbers; "

BAD_SAMPLES = {
    "empty list": ([], ValueError, "recent is empty; at least two values are needed"),
    "empty Series": (pd.Series([], dtype=float), ValueError, "recent is empty; at least two"),
    "one value": ([5.0], ValueError, "recent holds one value only; at least two values are needed"),
    "one NaN": (
        [1.0, NAN, 2.0],
        ValueError,
        "recent holds 1 missing value (NaN, None or NA), at position 1; count it, then drop or fill it.",
    ),
    "NaN in an array": (
        np.where(np.arange(5_000) % 1_000 == 999, NAN, 1.0),
        ValueError,
        "recent holds 5 missing values (NaN, None or NA), the first at position 999; count them, then drop",
    ),
    "only NaN": (np.full(3, NAN), ValueError, "recent holds 3 missing values"),
    "None among numbers": ([1, None, 2], ValueError, "recent holds 1 missing value"),
    "None in an object array": (np.array([None, 1, None]), ValueError, "2 missing values"),
    "pandas.NA in a list": ([1, 2, pd.NA], ValueError, "1 missing value (NaN, None or NA), at position 2"),
    "NaT in a list": ([pd.NaT, 1], ValueError, "1 missing value (NaN, None or NA), at position 0"),
    "nullable integers": (pd.Series([1, None, None], dtype="Int64"), ValueError, "2 missing values"),
    "nullable floats": (pd.Series([1.5, pd.NA], dtype="Float64"), ValueError, "at position 1"),
    "a nullable extension array": (pd.array([1, None, 2]), ValueError, "1 missing value"),
    "masked values": (
        np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]),
        ValueError,
        "recent holds 1 missing value (NaN, None or NA), at position 1",
    ),
    "infinite": (
        [1.0, INF, -INF],
        ValueError,
        "recent holds 2 infinite values, the first at position 1; replace by the limit that was exceeded",
    ),
    "minus infinite": (np.array([1.0, -INF]), ValueError, "recent holds 1 infinite value, at position 1"),
    "words": (["fast", "slow"], TypeError, "recent holds text ('fast'), the first at position 0; convert it"),
    "numeric strings": (
        ["1.5", "2.5"],
        TypeError,
        "text ('1.5'), the first at position 0; convert it to num",
    ),
    "a numeric string among numbers": ([1, "2"], TypeError, "text ('2'), the first at position 1"),
    "an array of strings": (
        np.array(["1", "2"]),
        TypeError,
        "recent holds text; convert it to numbers first",
    ),
    "an array of bytes": (np.array([b"1", b"2"]), TypeError, "recent holds text; convert it"),
    "a Series of strings": (pd.Series(["1", "2"]), TypeError, "text ('1'), the first at position 0"),
    "a Series of text with gaps": (pd.Series([None, "x"]), TypeError, "text ('x'), the first at position 1"),
    "a categorical Series": (pd.Series(["a", "b"], dtype="category"), TypeError, "text ('a')"),
    "one string": ("1, 2, 3", TypeError, "recent is text; pass a sequence of numbers, such as a list"),
    "one bytes": (b"123", TypeError, "recent is text; pass a sequence of numbers"),
    "None": (None, TypeError, NO_SEQUENCE.format("NoneType") + "pass a list, an array or a Series"),
    "bools": (
        [True, False],
        TypeError,
        "recent holds truth values (bool), not measurements, the first at po",
    ),
    "a bool among numbers": (
        [1.5, True],
        TypeError,
        "not measurements, the first at position 1; pass the num",
    ),
    "an array of bools": (np.array([True, False]), TypeError, "recent holds truth values (bool), not measur"),
    "nullable bools": (pd.Series([True, None], dtype="boolean"), TypeError, "truth values (bool)"),
    "complex": ([1j, 2], TypeError, "recent holds complex numbers, the first at position 0; pass their real"),
    "an array of complex": (
        np.array([1 + 0j, 2]),
        TypeError,
        "recent holds complex numbers; pass their real",
    ),
    "two dimensions": (np.ones((3, 2)), ValueError, "recent has 2 dimensions, shape (3, 2); pass one column"),
    "one column": (
        np.ones((3, 1)),
        ValueError,
        "recent has 2 dimensions, shape (3, 1); flatten it with .rav",
    ),
    "three dimensions": (np.ones((2, 2, 2)), ValueError, "recent has 3 dimensions, shape (2, 2, 2)"),
    "nested lists": (
        [[1, 2], [3, 4]],
        TypeError,
        "recent holds nested values (list), the first at position 0",
    ),
    "ragged lists": ([1, [2, 3]], TypeError, "recent holds nested values (list), the first at position 1"),
    "a DataFrame": (
        pd.DataFrame({"latency_ms": [1, 2]}),
        TypeError,
        "recent is a table (DataFrame); pick one column, as in recent['latency_ms'].",
    ),
    "dates": (pd.date_range("2024-01-01", periods=3), TypeError, "recent holds dates; pass the measurements"),
    "a Series of dates": (pd.Series(pd.date_range("2024", periods=3)), TypeError, "recent holds dates; pass"),
    "datetimes": (
        [datetime.datetime(2024, 1, 1)] * 2,
        TypeError,
        "recent holds dates, the first at position",
    ),
    "date strings": (["2024-01-01", "2024-01-02"], TypeError, "recent holds text ('2024-01-01')"),
    "timedeltas": (
        pd.to_timedelta([1, 2], unit="s"),
        TypeError,
        "recent holds time differences; convert them",
    ),
    "Python timedeltas": ([datetime.timedelta(1)] * 2, TypeError, "recent holds time differences, the first"),
    "a number": (5.0, TypeError, NO_SEQUENCE.format("float") + "pass a list, an array or a Series"),
    "a NumPy number": (np.float64(5), TypeError, "recent is a single value (float64); pass a sequence of at"),
    "an array of no dimension": (np.array(5.0), TypeError, "recent is a single value (ndarray)"),
    "a set": ({1.0, 2.0}, TypeError, NO_SEQUENCE.format("set") + "use list(recent)"),
    "a dict": ({0: 1.0, 1: 2.0}, TypeError, NO_SEQUENCE.format("dict") + "use list(recent.values())"),
    "a generator": ((x for x in (1, 2)), TypeError, NO_SEQUENCE.format("generator") + "use list(recent)"),
    "a function": (len, TypeError, NO_SEQUENCE.format("builtin_function_or_method")),
    "decimals": (
        [decimal.Decimal(1)] * 2,
        TypeError,
        "recent holds values of type Decimal, the first at pos",
    ),
    "an object array of objects": (np.array([object(), 1]), TypeError, "recent holds values of type object"),
    "records": (np.zeros(2, dtype=[("ms", float)]), TypeError, "recent holds records; pick one field."),
}


@pytest.mark.parametrize("case", BAD_SAMPLES)
def test_bad_input_gets_one_clear_sentence(case):
    values, error, message = BAD_SAMPLES[case]
    with pytest.raises(error) as raised:
        detect_drift(HEALTHY, values)
    said = str(raised.value)
    assert message in said
    assert said.startswith("recent ") and said.endswith(".") and "\n" not in said
    # Which argument is at fault is told for the other one too.
    if not hasattr(values, "__next__"):
        with pytest.raises(error, match="^historical "):
            warn_if_drift(values, HEALTHY)


BAD_OPTIONS = {
    "alpha 0": ({"alpha": 0}, ValueError, "alpha is 0, but must lie between 0 and 1, both excluded."),
    "alpha 1": ({"alpha": 1.0}, ValueError, "alpha is 1, but must lie between 0 and 1"),
    "alpha in percent": ({"alpha": 5}, ValueError, "both excluded; for 5 % pass 0.05."),
    "alpha negative": ({"alpha": -0.05}, ValueError, "alpha is -0.05, but must lie between"),
    "alpha NaN": ({"alpha": NAN}, ValueError, "alpha is nan, but must lie between"),
    "alpha True": ({"alpha": True}, TypeError, "alpha is True, but must be a number between 0 and 1"),
    "alpha text": ({"alpha": "0.05"}, TypeError, "alpha is '0.05', but must be a number between 0 and 1"),
    "alpha None": ({"alpha": None}, TypeError, "alpha is None, but must be a number"),
    "alpha complex": ({"alpha": 0.05j}, TypeError, "alpha is 0.05j, but must be a number"),
    "alpha list": ({"alpha": [0.05]}, TypeError, "alpha is [0.05], but must be a number"),
    "tolerance 1": ({"tolerance": 1}, ValueError, "tolerance is 1, but must be at least 0 and below 1"),
    "tolerance negative": ({"tolerance": -0.1}, ValueError, "tolerance is -0.1, but must be at least 0"),
    "tolerance NaN": ({"tolerance": NAN}, ValueError, "tolerance is nan, but must be at least 0"),
    "tolerance False": ({"tolerance": False}, TypeError, "tolerance is False, but must be a number"),
    "tolerance text": ({"tolerance": "0.1"}, TypeError, "tolerance is '0.1', but must be a number"),
    "tolerance None": ({"tolerance": None}, TypeError, "tolerance is None, but must be a number"),
    "unit None": ({"unit": None}, TypeError, "unit is None, but must be a text, such as 'ms'"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options_get_one_clear_sentence(case):
    options, error, message = BAD_OPTIONS[case]
    for compare in (detect_drift, warn_if_drift):
        with pytest.raises(error) as raised:
            compare(HEALTHY, DRIFTED, **options)
        assert message in str(raised.value)


NUMBERS = [3, 1, 4, 1, 5, 9, 2, 6]
READ_ONLY = np.array(NUMBERS, dtype=float)
READ_ONLY.setflags(write=False)
GOOD_SAMPLES = {
    "list": NUMBERS,
    "tuple": tuple(NUMBERS),
    "range of another kind": deque(NUMBERS),
    "array.array": array.array("d", NUMBERS),
    "int64": np.array(NUMBERS),
    "uint8": np.array(NUMBERS, dtype=np.uint8),
    "float32": np.array(NUMBERS, dtype=np.float32),
    "float16": np.array(NUMBERS, dtype=np.float16),
    "big-endian": np.array(NUMBERS, dtype=">f8"),
    "NumPy numbers in a list": list(np.array(NUMBERS)),
    "numbers as objects": np.array(NUMBERS, dtype=object),
    "read-only": READ_ONLY,
    "non-contiguous": np.repeat(np.array(NUMBERS, dtype=float), 3)[::3],
    "reversed": np.array(NUMBERS[::-1], dtype=float)[::-1],
    "masked, nothing hidden": np.ma.masked_array(NUMBERS, mask=False),
    "Series": pd.Series(NUMBERS),
    "Series with another index": pd.Series(NUMBERS, index=list("hgfedcba")),
    "Series with a repeated index": pd.Series(NUMBERS, index=[0] * 8),
    "nullable Series, nothing missing": pd.Series(NUMBERS, dtype="Int64"),
    "Index": pd.Index(NUMBERS),
}


@pytest.mark.parametrize("kind", GOOD_SAMPLES)
def test_every_sequence_of_numbers_works_and_is_left_as_it_was(kind):
    values = GOOD_SAMPLES[kind]
    before = copy.deepcopy(values)
    result = detect_drift(values, [2, 7, 1, 8])
    assert result == detect_drift(np.array(NUMBERS, dtype=float), np.array([2.0, 7.0, 1.0, 8.0]))
    assert list(values) == list(before) == NUMBERS
    assert not detect_drift(values, values).drifted
    np.testing.assert_array_equal(as_sample(values, "recent"), np.array(NUMBERS, dtype=np.float64))


def test_missing_values_can_be_kept_to_be_counted():
    for values in ([1, None, NAN, 4], pd.Series([1, None, None, 4], dtype="Int64")):
        np.testing.assert_array_equal(as_sample(values, "recent", keep_missing=True), [1, NAN, NAN, 4])
    with pytest.raises(ValueError, match="1 infinite value, at position 0"):
        as_sample([INF, NAN], "recent", keep_missing=True)


def test_ties_are_exact():
    # 0.1 + 0.2 and 0.3 differ in the last bit; 0.3 and 0.3 do not differ, nor do -0.0 and 0.0.
    assert measure(np.array([0.3, 1.0]), np.array([0.1 + 0.2, 1.0]))[:3] == (0.5, 0.3, "slower")
    assert measure(np.array([0.3, 0.0]), np.array([0.3, -0.0]))[0] == 0
    zeros, ones = [0] * 92 + [1] * 8, [0] * 90 + [1] * 10
    assert detect_drift(zeros * 3, ones * 7).statistic == pytest.approx(0.02, abs=1e-15)


def test_pandas_is_not_needed():
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from utils.alarm.drift import detect_drift\n"
        "print(detect_drift([1, 2], [1, 3]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_examples_in_the_docstrings_are_true():
    outcome = doctest.testmod(utils.alarm.drift)
    assert outcome.attempted > 10 and outcome.failed == 0
