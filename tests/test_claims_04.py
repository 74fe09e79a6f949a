"""Chapter 04's claims with other seeds, and the challenge's scoreboard turned against itself."""

import logging
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy.stats import binom, ks_2samp

from tests.answers import chapter_04 as answers
from utils.alarm.drift import DataDriftWarning, warn_if_drift
from utils.exercises import chapter_04, engine, verdict
from utils.simulate import course_latencies

CHALLENGE = engine.find("4.6")
NAMES = [name for name, _ in chapter_04.BEHAVIOURS]


def _broken(answer):
    return {name for name, problem in CHALLENGE.judge.problems(answer) if problem is not None}


def _heard(action, texts, stacklevel=1):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter(action)
        for text in texts:
            warnings.warn(text, DataDriftWarning, stacklevel=stacklevel)
    return len(record)


# What the chapter says of warnings --------------------------------------------------------------------------


def test_the_default_filter_shows_a_text_once_and_always_shows_every_one():
    same, different = ["drifted"] * 5, [f"drifted, p = {p:.0e}" for p in (1e-3, 2e-3, 1e-3, 4e-9, 5e-3)]
    assert (_heard("default", same), _heard("default", different)) == (1, 4)
    assert (_heard("always", same), _heard("ignore", same)) == (5, 0)


def test_at_level_one_the_second_service_is_silenced_by_the_first():
    def helper(level):
        warnings.warn("p is below alpha", DataDriftWarning, stacklevel=level)

    for level, expected in ((1, 1), (2, 2)):
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("default")
            helper(level)
            helper(level)
        assert len(record) == expected


def test_ignoring_a_category_silences_its_subclasses_and_no_other():
    for ignored, left in ((UserWarning, 0), (DataDriftWarning, 1)):
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", category=ignored)
            warnings.warn("the disk is nearly full", UserWarning, stacklevel=1)
            warnings.warn("drifted", DataDriftWarning, stacklevel=1)
        assert len(record) == left


@pytest.mark.parametrize(
    ("option", "exit_code", "heard"),
    [
        ("error::UserWarning", 1, "Alarm: drifted"),
        ("error::__main__.Alarm", 0, "Invalid -W option ignored"),
        ("error::utils.alarm.drift.DataDriftWarning", 0, "Invalid -W option ignored"),
    ],
)
def test_python_can_escalate_a_builtin_category_from_outside_and_ignores_your_own(option, exit_code, heard):
    script = (
        "import warnings\nclass Alarm(UserWarning): pass\nwarnings.warn('drifted', Alarm)\nprint('report')"
    )
    job = subprocess.run([sys.executable, "-I", "-W", option, "-c", script], capture_output=True, text=True)
    assert (job.returncode, "report" in job.stdout) == (exit_code, not exit_code)
    assert heard in job.stderr


# What the chapter says of the test --------------------------------------------------------------------------


def test_one_nan_turns_a_clear_drift_into_no_drift():
    historical, recent = course_latencies(7)
    assert ks_2samp(historical, recent).pvalue < 1e-20
    recent[-1] = np.nan
    assert not ks_2samp(historical, recent).pvalue < 0.05


def test_dropping_what_is_missing_hides_requests_that_hang():
    historical, healthy = course_latencies(8, drifted=False)
    hangs = np.random.default_rng(8).random(healthy.size) < 0.2
    assert hangs.mean() > 0.15
    assert min(ks_2samp(historical, window).pvalue for window in (healthy, healthy[~hangs])) > 0.05


def test_the_rate_of_false_alarms_is_alphas_and_a_bound_on_d_has_none():
    rng = np.random.default_rng(9)
    nights = 200
    for window, by_bound in ((50, 0.5), (500, 0.0)):
        results = [ks_2samp(rng.normal(size=1_000), rng.normal(size=window)) for _ in range(nights)]
        low, high = binom.interval(0.999, nights, 0.05)
        assert low <= sum(result.pvalue < 0.05 for result in results) <= high
        rate = np.mean([result.statistic > 0.1 for result in results])
        assert rate > by_bound if by_bound else rate < 0.02


def test_a_larger_window_finds_a_small_drift_more_often():
    rng = np.random.default_rng(10)
    power = [
        np.mean(
            [ks_2samp(rng.normal(150, 20, 1_000), rng.normal(154, 20, m)).pvalue < 0.05 for _ in range(80)]
        )
        for m in (100, 500)
    ]
    assert power[0] < 0.6 < 0.7 < power[1]


# The scoreboard ---------------------------------------------------------------------------------------------


def test_the_board_has_at_least_twelve_behaviours_each_named_once():
    assert len(NAMES) >= 12
    assert len(set(NAMES)) == len(NAMES)


def test_every_behaviour_is_broken_by_a_wrong_answer():
    enough = (
        answers._returns_true,
        answers._warns_always,
        answers._sets_a_filter,
        answers._sorts_in_place,
        answers._trusts_scipy,
    )
    assert set(enough) <= {answer for answer, _ in answers.WRONG["4.6"] if callable(answer)}
    assert set().union(*map(_broken, enough)) == set(NAMES)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (answers._other_default_alpha, "lets alpha decide, both ways"),
        (answers._one_sided, "catches a change to faster"),
        (answers._everybodys_category, "warns in a category of its own"),
        (answers._says_nothing, "says how large the drift is"),
        (answers._points_at_itself, "points at the caller's line"),
        (answers._points_too_far, "points at the caller's line"),
        (answers._blames_both, "names the argument that it refuses"),
        (answers._empty_only, "refuses a window of one value"),
        (answers._drops_nan, "refuses NaN"),
        (answers._names_nan_only, "names the argument that it refuses"),
        (answers._new_category_on_every_call, "warns in a category of its own"),
        (answers._halves_p, "keeps the false-alarm rate that alpha promises"),
    ],
)
def test_one_mistake_costs_one_line(answer, name):
    assert _broken(answer) == {name}


def test_the_shifts_of_the_judge_have_the_p_values_that_their_names_say():
    p_values = [
        ks_2samp(*chapter_04._pair(shift_ms)).pvalue
        for shift_ms in (
            chapter_04.P_ABOUT_A_TENTH,
            chapter_04.P_ABOUT_3_PERCENT,
            chapter_04.P_BELOW_A_THOUSANDTH,
            chapter_04.P_BELOW_A_MILLIONTH,
        )
    ]
    assert 0.07 < p_values[0] < 0.15 and 0.015 < p_values[1] < 0.04
    assert 1e-5 < p_values[2] < 1e-3 and 1e-8 < p_values[3] < 1e-6


def test_the_judges_quiet_pair_is_quiet_and_its_drift_is_clear():
    assert ks_2samp(*chapter_04._quiet()).pvalue > 0.9
    assert ks_2samp(*course_latencies(41, drifted=False)).pvalue > 0.2
    assert ks_2samp(*chapter_04._drifted()).pvalue < 1e-3


class _Mine(Warning):
    """A category that isn't a UserWarning."""


def _decorated(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@_decorated
def _three_levels_up(historical, recent, alpha=0.05):
    result = ks_2samp(
        answers._checked(historical, "historical"), answers._checked(recent, "recent"), method="asymp"
    )
    if result.pvalue < alpha:
        warnings.warn(f"D is {100 * result.statistic:.1f} %", _Mine, stacklevel=3)
    return result


class _Callable:
    def __call__(self, historical, recent, *, alpha=0.05):
        print("checking")
        with warnings.catch_warnings():
            result = ks_2samp(answers._checked(historical, "historical"), answers._checked(recent, "recent"))
        if alpha > result.pvalue:
            warnings.warn(_Mine(f"p={result.pvalue}"), stacklevel=2)
        return "anything"


@pytest.mark.parametrize("answer", [_three_levels_up, _Callable(), warn_if_drift])
def test_other_right_ways_to_solve_the_challenge_get_every_line(answer):
    said = verdict("4.6", answer)
    assert said.state == "right", str(said)


def _rings_once_for_all():
    def warn_on_drift(historical, recent, alpha=0.05, rung=[]):  # noqa: B006
        if answers._tested(historical, recent).pvalue < alpha and not rung:
            rung.append(True)
            warnings.warn("drift", _Mine, stacklevel=2)

    return warn_on_drift


def test_an_alarm_that_remembers_is_asked_about_its_memory_first():
    said = verdict("4.6", _rings_once_for_all())
    assert "Does it remember that it has warned?" in said.board[0]


def _counts_with_pytest(alarm, windows, category):
    for window in windows:
        with pytest.warns(category):
            alarm(window)
    return len(windows)


def _gate_with_pytest(release, category):
    with pytest.raises(category):
        release()
    return "stopped"


def _fails_the_test(historical, recent, alpha=0.05):
    if answers._tested(historical, recent).pvalue < alpha:
        pytest.fail("drift")


@pytest.mark.parametrize(
    ("id", "answer"), [("4.3", _counts_with_pytest), ("4.4", _gate_with_pytest), ("4.6", _fails_the_test)]
)
def test_pytests_own_way_to_fail_does_not_leave_the_judge(id, answer):
    said = verdict(id, answer)
    assert said.state == "not yet" and "your function raised Failed" in str(said)


def _meddles(historical, recent, alpha=0.05):
    warnings.resetwarnings()
    warnings.showwarning = print
    return iter([...])


def _recurses(historical, recent, alpha=0.05):
    return _recurses(historical, recent, alpha)


def _waits_for_three(historical, recent, third):
    return third


def _gives_a_generator(historical, recent, alpha=0.05):
    yield warnings.warn("drift", _Mine, stacklevel=2)


@pytest.mark.parametrize(
    "answer", [_meddles, _recurses, _waits_for_three, _gives_a_generator, sys.exit, dict, "warn", _Mine]
)
def test_no_mischief_breaks_the_board_or_leaks_out_of_it(answer, capsys):
    before, showwarning = list(warnings.filters), warnings.showwarning
    said = verdict("4.6", answer)
    assert said.state == "not yet" and len(said.board) == len(NAMES)
    assert warnings.filters == before and warnings.showwarning is showwarning
    assert capsys.readouterr().out == ""
    assert not re.search(r"object at 0x", str(said))


def test_a_log_record_is_named_as_such_and_leaves_no_handler_behind():
    handlers = list(logging.root.handlers)
    for id, answer in (("4.1", answers._logs_it), ("4.6", answers._logs)):
        assert "wrote a log record instead" in str(verdict(id, answer))
    assert logging.root.handlers == handlers


def test_the_board_hears_under_any_filter_of_the_notebook():
    for action in ("error", "ignore", "always"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            assert verdict("4.6", answers.challenge_right).state == "right"


def test_the_exercise_asks_for_what_the_board_judges():
    path = next(engine.SOLUTIONS.glob("04_*.ipynb"))
    text = path.read_text(encoding="utf-8")
    task = text[text.index("**Exercise 4.6") :]
    for word in ("two-sided", "spread", "faster", "two sizes", "as often as `alpha`", "class of your own"):
        assert word in task
    for word in (
        "D or the p-value",
        "points at the line",
        "on every call",
        "filters themselves",
        "unchanged",
    ):
        assert word in task
    for word in ("names the argument", "NaN", "empty window", "one value", "not accepted"):
        assert word in task
