"""Chapter 04's claims, by its own functions with other data, and the challenge's board turned against itself."""

import logging
import re
import sys
import warnings

import numpy as np
import pytest
from scipy.stats import binom, ks_2samp

from tests.answers import chapter_04 as answers
from tests.chapter import definitions
from utils.alarm.drift import warn_if_drift
from utils.exercises import chapter_04, engine, verdict
from utils.simulate import course_latencies

SEEDS = pytest.mark.parametrize("seed", [101, 202, 303])
chapter = definitions("04")


def _heard(action, call, *args, **kwargs):
    """Return the warnings that one call issues under one filter."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter(action)
        call(*args, **kwargs)
    return record


def _texts(record):
    return [str(warning.message) for warning in record]


# What an alarm does to the job that calls it ----------------------------------------------------------------


@pytest.fixture
def show_job(monkeypatch, capsys):
    """Return the chapter's show_job, for two nights on either side of 0.05, as what it prints."""
    monkeypatch.setitem(chapter.show_job.__globals__, "p_values", {"drifted": 0.049, "quiet": 0.051})

    def shown(*args):
        chapter.show_job(*args)
        return re.split(r"\s{2,}", capsys.readouterr().out.strip(), maxsplit=3)

    return shown


@pytest.mark.parametrize(
    ("way", "options", "exit_code", "report", "heard"),
    [
        ("exception", (), 1, "MISSING", "RuntimeError: drifted, p = 5e-02"),
        ("warning", (), 0, "written", "<string>:14: DataDriftWarning: drifted, p = 5e-02"),
        ("log record", (), 0, "written", "WARNING:root:drifted, p = 5e-02"),
        ("warning", ("-W", "error"), 1, "MISSING", "DataDriftWarning: drifted, p = 5e-02"),
        ("log record", ("-W", "error"), 0, "written", "WARNING:root:drifted, p = 5e-02"),
        ("warning", ("-W", "error::UserWarning"), 1, "MISSING", "DataDriftWarning: drifted, p = 5e-02"),
        ("warning", ("-W", "error::__main__.DataDriftWarning"), 0, "written", "Invalid -W option ignored"),
    ],
)
def test_an_exception_takes_the_report_and_a_caller_can_make_a_warning_do_so(
    show_job, way, options, exit_code, report, heard
):
    said = " ".join(show_job(way, "drifted", *options))
    assert f"exit code {exit_code} report {report} {heard}" in said
    said = " ".join(show_job(way, "quiet", *options))
    assert "exit code 0 report written" in said and "drifted" not in said
    assert ("silence" in said) == ("__main__" not in options[-1] if options else True)


def test_a_script_runs_with_nobodys_settings_and_with_its_arguments(monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    job = chapter.run_script(chapter.JOB, "warning", "0.01")
    assert job.returncode == 0 and job.stdout == "report written\n"


@pytest.mark.parametrize(("night", "shown"), [("drifted", 1), ("quiet", 0)])
def test_outside_of_jupyter_one_alarm_of_fourteen_is_shown(night, shown):
    assert chapter.run_script(chapter.WEEKS, night).stderr.count("UserWarning") == shown


# Category, line, and why the second alarm is silent ---------------------------------------------------------


def test_ignoring_the_alarms_category_leaves_other_warnings_and_ignoring_a_parent_silences_both():
    left = {}
    for ignored in (chapter.DataDriftWarning, UserWarning, RuntimeWarning):
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", category=ignored)
            chapter.noisy_night()
        left[ignored] = len(record)
    assert list(left.values()) == [1, 0, 2]


def test_level_one_is_the_line_that_warns_and_each_level_more_one_caller_up():
    inside = [chapter.sound, chapter.check_checkout, chapter.nightly_job]
    for level, function in enumerate(inside, start=1):
        (alarm,) = _heard("always", chapter.nightly_job, stacklevel=level)
        lines = {line for *_, line in function.__code__.co_lines()}
        assert alarm.filename == function.__code__.co_filename and alarm.lineno in lines
        assert (verdict("4.2", level).state == "right") == (function is chapter.nightly_job)
    assert verdict("4.2", int(engine._solution_cell("4.2").split("=")[1])).state == "right"
    (alarm,) = _heard("always", chapter.nightly_job, stacklevel=4)
    assert alarm.filename == __file__
    assert not _heard("always", chapter.check_checkout, 0.051, 1)
    assert _heard("always", chapter.check_checkout, 0.049, 1)


def test_the_chapters_alarms_point_at_their_caller_and_ring_below_alpha_alone():
    pair, quiet = course_latencies(7), course_latencies(7, drifted=False)
    for alarm, loud, silent in (
        (chapter.alarm_at, [0.049], [0.051]),
        (chapter.ring, [0.049, 2], [0.051, 2]),
        (chapter.warn_on_drift, pair, quiet),
    ):
        (warning,) = _heard("always", alarm, *loud)
        assert warning.filename == __file__ and warning.category is chapter.DataDriftWarning
        assert not _heard("always", alarm, *silent)
    (warning,) = _heard("always", chapter.ring, 0.049)
    assert warning.filename == chapter.ring.__code__.co_filename


@SEEDS
def test_by_default_an_alarm_is_heard_once_a_text_and_under_always_every_night(seed):
    week = np.random.default_rng(seed).choice([0.001, 0.002, 0.003, 0.049, 0.051, 0.3], 20)
    rang = week[week < 0.05]
    for text, different in (("checkout drifted", 1), ("drifted, p = {:.0e}", len(set(rang)))):
        heard = [chapter.heard(action, week, text) for action in ("default", "always", "ignore")]
        assert heard == [different, len(rang), 0]
    assert chapter.heard("default", week) == 1
    assert not chapter.heard("always", week[week > 0.05])


def test_seven_calls_from_one_line_are_one_warning_and_at_level_one_a_service_silences_the_next():
    assert len(_heard("default", lambda: [chapter.ring_again() for _ in range(7)])) == 1
    assert len(_heard("always", lambda: [chapter.ring_again() for _ in range(7)])) == 7

    def two_lines():
        chapter.ring_again()
        chapter.ring_again()

    assert len(_heard("default", two_lines)) == 1

    def two_services(level):
        chapter.shared_helper(level)
        chapter.shared_helper(level)

    assert [len(_heard("default", two_services, level)) for level in (1, 2)] == [1, 2]


# Input that can't be judged ---------------------------------------------------------------------------------


@SEEDS
def test_one_nan_turns_the_clearest_drift_into_no_drift_and_the_chapters_alarm_refuses_it(seed):
    historical, recent = course_latencies(seed)
    holed = chapter.with_one_nan(recent)
    assert np.isnan(holed).sum() == 1 and not np.isnan(recent).any()
    assert ks_2samp(historical, recent).pvalue < 1e-20
    assert not ks_2samp(historical, holed).pvalue < 0.05
    with pytest.raises(ValueError, match=r"recent has 1 NaN"):
        chapter.warn_on_drift(historical, holed)
    with pytest.raises(ValueError, match="historical has 1 values"):
        chapter.warn_on_drift([151.0], recent)


def test_dropping_what_is_missing_hides_requests_that_hang():
    historical, healthy = course_latencies(8, drifted=False)
    hangs = np.random.default_rng(8).random(healthy.size) < 0.2
    assert not _heard("always", chapter.warn_on_drift, historical, healthy[~hangs])
    with pytest.raises(ValueError, match=f"recent has {hangs.sum()} NaN"):
        chapter.warn_on_drift(historical, np.where(hangs, np.nan, healthy))


# The alarm's promise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nights", "window", "shift"), [(300, 400, 0), (300, 50, 7)])
def test_the_simulated_nights_are_what_the_chapter_says(monkeypatch, nights, window, shift):
    drawn = []

    def compare(historical, recent):
        drawn.append((historical, recent))
        return ks_2samp([1, 2], [3, 4])

    monkeypatch.setitem(chapter.simulated_nights.__globals__, "ks_2samp", compare)
    d, p = chapter.simulated_nights(nights, window, shift, seed=9)
    chapter.simulated_nights(1, window, shift, seed=10)
    assert not np.array_equal(drawn.pop()[0], drawn[0][0])
    assert d.shape == p.shape == (nights,) and (d[0], p[0]) == (1, pytest.approx(1 / 3))
    for which, size, mean in ((0, 1_000, 150), (1, window, 150 + shift)):
        values = np.array([night[which] for night in drawn])
        assert values.shape == (nights, size)
        assert values.mean() == pytest.approx(mean, abs=5 * 20 / np.sqrt(values.size))
        assert values.std() == pytest.approx(20, abs=5 * 20 / np.sqrt(2 * values.size))


@SEEDS
def test_p_keeps_the_rate_that_alpha_promises_and_a_bound_on_d_has_none(seed):
    low, high = binom.interval(0.9999, 200, 0.05)
    rates = {}
    for window in (50, 500):
        d, p = chapter.simulated_nights(200, window, seed=seed)
        assert low <= np.sum(p < 0.05) <= high
        rates[window] = np.mean(d > 0.1)
    assert rates[50] > 0.5 and rates[500] < 0.02


@SEEDS
def test_four_ms_are_caught_on_most_nights_with_500_requests_and_a_minority_with_100(seed):
    small, large = (np.mean(chapter.simulated_nights(60, size, 4, seed)[1] < 0.05) for size in (100, 500))
    assert small < 0.55 < 0.65 < large
    assert np.mean(chapter.simulated_nights(30, 100, 15, seed)[1] < 0.05) > 0.95


def test_the_chapters_counter_and_gate_take_the_chapters_alarm():
    rng = np.random.default_rng(4)
    historical = rng.normal(150, 20, 300)
    nights = [rng.normal(mean, 20, 60) for mean in (150, 190, 150, 190, 190)]

    def alarm(recent):
        chapter.warn_on_drift(historical, recent, alpha=1e-4)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert chapter.count_alarms(alarm, nights, chapter.DataDriftWarning) == 3
        said = [chapter.gate(lambda night=night: alarm(night), chapter.DataDriftWarning) for night in nights]
    assert said == ["shipped", "stopped", "shipped", "stopped", "stopped"]


# The scoreboard ---------------------------------------------------------------------------------------------

NAMES = [name for name, _ in chapter_04.BEHAVIORS]


def _broken(answer):
    lines = verdict("4.6", answer).board
    assert len(lines) == len(NAMES)
    return {
        name for name, line in zip(NAMES, lines, strict=True) if line.startswith(engine.SYMBOLS["not yet"])
    }


def test_the_board_has_twenty_behaviors_and_each_is_broken_by_a_wrong_answer():
    assert len(NAMES) == len(set(NAMES)) == 20
    enough = (
        answers._alarm(lambda **_: True),
        answers._alarm(answers._filtered(answers._warning(), "always"), rings=lambda result, alpha: True),
        answers._sorts_in_place,
        answers._trusts_scipy,
    )
    assert set().union(*map(_broken, enough)) == set(NAMES)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"default": 0.01}, "lets alpha decide, both ways"),
        ({"rings": lambda result, alpha: result.pvalue <= alpha}, "lets alpha decide, both ways"),
        ({"tell": answers._warning(category=None)}, "warns in a category of its own"),
        ({"tell": answers._warned_in_a_new_category}, "warns in a category of its own"),
        ({"tell": answers._warning("drift!")}, "says how large the drift is"),
        ({"tell": answers._warning(level=2)}, "points at the caller's line"),
        ({"tell": answers._warning(level=4)}, "points at the caller's line"),
        ({"checked": answers._checks(least=3)}, "compares windows of any size"),
        ({"checked": answers._checks(least=1)}, "refuses a window of one value"),
        ({"checked": answers._checks(taken=answers._without_nan)}, "refuses NaN"),
        ({"checked": answers._blames_both}, "names the argument that it refuses"),
    ],
)
def test_one_mistake_costs_one_line(changed, name):
    assert _broken(answers._alarm(**changed)) == {name}


def test_the_judges_data_are_what_their_names_say():
    p_values = [
        chapter_04._ks_of_shifted(shift_ms)[1]
        for shift_ms in (
            chapter_04.P_ABOUT_7_PERCENT,
            chapter_04.P_ABOUT_3_PERCENT,
            chapter_04.P_BELOW_A_THOUSANDTH,
            chapter_04.P_BELOW_A_MILLIONTH,
        )
    ]
    assert 0.055 < p_values[0] < 0.095 and 0.015 < p_values[1] < 0.029
    assert 1e-5 < p_values[2] < 1e-3 and 1e-8 < p_values[3] < 1e-6
    assert ks_2samp(chapter_04.HISTORICAL, chapter_04.QUIET).pvalue > 0.9
    assert ks_2samp(*course_latencies(41, drifted=False)).pvalue > 0.2
    assert binom.interval(0.999, 300, 0.1) == chapter_04.HONEST_ALARMS


class _Mine(Warning):
    """A category that isn't a UserWarning."""


def _decorated(function):
    return lambda *args, **kwargs: function(*args, **kwargs)


@_decorated
def _three_levels_up(historical, recent, alpha=0.05):
    result = ks_2samp(answers._checked(historical, "historical"), answers._checked(recent, "recent"))
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


@pytest.mark.parametrize("answer", [_three_levels_up, _Callable(), warn_if_drift, chapter.warn_on_drift])
@pytest.mark.parametrize("action", ["error", "ignore", "always"])
def test_other_right_ways_get_every_line_under_any_filter_of_the_notebook(answer, action):
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        said = verdict("4.6", answer)
    assert said.state == "right", str(said)


def _fails_the_test(p, **_):
    pytest.fail("drift")


def _expects_alarms(alarm, windows, category):
    for window in windows:
        with pytest.warns(category):
            alarm(window)
    return len(windows)


def _expects_a_stop(release, category):
    with pytest.raises(category):
        release()
    return "stopped"


@pytest.mark.parametrize(
    ("id", "answer"),
    [("4.3", _expects_alarms), ("4.4", _expects_a_stop), ("4.6", answers._alarm(_fails_the_test))],
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


def _gives_a_generator(historical, recent, alpha=0.05):
    yield warnings.warn("drift", _Mine, stacklevel=2)


@pytest.mark.parametrize(
    "answer",
    [_meddles, _recurses, _gives_a_generator, answers._alarm(answers._logged), sys.exit, dict, _Mine],
)
def test_no_mischief_breaks_the_board_or_leaks_out_of_it(answer, capsys):
    before, showwarning, handlers = list(warnings.filters), warnings.showwarning, list(logging.root.handlers)
    said = verdict("4.6", answer)
    assert said.state == "not yet" and len(said.board) == len(NAMES)
    assert warnings.filters == before and warnings.showwarning is showwarning
    assert logging.root.handlers == handlers
    assert capsys.readouterr().out == ""
    assert not re.search(r"object at 0x", str(said))


def test_the_exercise_asks_for_what_the_board_judges():
    text = next(engine.SOLUTIONS.glob("04_*.ipynb")).read_text(encoding="utf-8")
    task = text[text.index("**Exercise 4.6") :]
    for words in (
        *("two-sided", "spread", "faster", "two sizes", "as often as `alpha`", "below `alpha`"),
        *(
            "class of your own",
            "D or the p-value",
            "points at the line",
            "on every call",
            "filters themselves",
        ),
        *("unchanged", "names the argument", "NaN", "empty window", "one value", "not accepted"),
    ):
        assert words in task
