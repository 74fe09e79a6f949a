"""Chapter 04's claims, by its own functions with other data, and the challenge's board turned against itself."""

import logging
import re
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import binom, ks_2samp

from tests.answers import chapter_04 as answers
from tests.chapter import definitions
from utils import plots
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


# What an alarm does to the job that calls it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "options", "exit_code", "report", "heard"),
    [
        ("exception", (), 1, "MISSING", "RuntimeError: drifted, p = 5e-02"),
        ("warning", (), 0, "written", "DataDriftWarning: drifted, p = 5e-02"),
        ("log record", (), 0, "written", "WARNING:root:drifted, p = 5e-02"),
        ("warning", ("-W", "error"), 1, "MISSING", "DataDriftWarning: drifted, p = 5e-02"),
        ("log record", ("-W", "error"), 0, "written", "WARNING:root:drifted, p = 5e-02"),
        ("warning", ("-W", "error::__main__.DataDriftWarning"), 0, "written", "DataDriftWarning: drifted"),
    ],
)
def test_an_exception_takes_the_report_and_a_caller_can_make_a_warning_do_so(
    monkeypatch, capsys, way, options, exit_code, report, heard
):
    monkeypatch.setitem(chapter.show_job.__globals__, "p_values", {"drifted": 0.049, "quiet": 0.051})
    monkeypatch.setenv("PYTHONWARNINGS", "error")  # a job runs with nobody's settings
    chapter.show_job(way, "drifted", *options)
    said = " ".join(capsys.readouterr().out.split())
    assert f"exit code {exit_code} report {report} " in said and heard in said
    chapter.show_job(way, "quiet", *options)
    assert "exit code 0 report written silence" in " ".join(capsys.readouterr().out.split())


# Category, line, and why the second alarm is silent ---------------------------------------------------------


@pytest.mark.parametrize(
    ("ignored", "left"), [(chapter.DataDriftWarning, 1), (UserWarning, 0), (RuntimeWarning, 2)]
)
def test_ignoring_the_alarms_category_leaves_other_warnings_and_ignoring_a_parent_silences_both(
    ignored, left
):
    def ignoring():
        warnings.simplefilter("ignore", category=ignored)
        chapter.noisy_night()

    assert len(_heard("always", ignoring)) == left


def test_the_chapters_alarms_point_at_their_caller_and_ring_below_alpha_alone():
    pair, quiet = course_latencies(7), course_latencies(7, drifted=False)
    for alarm, loud, silent in (
        (chapter.alarm_at, [0.049], [0.05]),
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
    assert not chapter.heard("always", week[week > 0.05])


def test_at_level_one_a_service_silences_the_next():
    for level, services in ((0, 1), (1, 2)):

        def two_services(level=level):
            chapter.sound("drifted", level - 1)
            chapter.sound("drifted", level - 1)

        assert len(_heard("default", two_services)) == services
    assert len(_heard("default", lambda: [chapter.ring_again() for _ in range(7)])) == 1


# Input that can't be judged, and the alarm's promise --------------------------------------------------------


@SEEDS
def test_one_nan_turns_a_clear_drift_into_no_drift_and_the_chapters_alarm_refuses_it(seed):
    historical, recent = course_latencies(seed)
    holed = np.where(np.arange(recent.size) == 7, np.nan, recent)
    assert ks_2samp(historical, recent).pvalue < 1e-20
    assert not ks_2samp(historical, holed).pvalue < 0.05
    with pytest.raises(ValueError, match=r"recent has 1 values that are NaN"):
        chapter.warn_on_drift(historical, holed)
    with pytest.raises(ValueError, match="historical has 1 values; at least two"):
        chapter.warn_on_drift([151.0], recent)


def test_the_nights_are_what_the_chapter_says_and_count_each_warning():
    drawn = []

    def alarm(old, new, alpha):
        drawn.append((old.size, old.mean(), new.size, new.mean()))
        if new.mean() > 170:
            warnings.warn("slow", stacklevel=1)

    slower_ms = np.repeat([0, 40, 0], 100)
    assert (chapter.rings(alarm, slower_ms, requests=50, seed=9) == (slower_ms > 0)).all()
    old_size, old_mean, new_size, new_mean = np.transpose(drawn)
    assert set(old_size) == {1_000} and set(new_size) == {50}
    assert [old_mean.mean(), (new_mean - slower_ms).mean()] == pytest.approx([150, 150], abs=1)


def test_the_calendar_shows_each_night_once_and_each_alarm():
    nights = np.arange(365)
    ax = plots.night_calendar(nights % 10 == 0, nights >= 300)
    assert [len(drawn.get_offsets()) for drawn in ax.collections] == [300, 65, 37]
    plt.close(ax.figure)


@SEEDS
def test_p_keeps_the_rate_that_alpha_promises_and_a_bound_on_d_has_none(seed):
    def by_d(old, new, alpha):
        if ks_2samp(old, new).statistic > 0.1:
            warnings.warn("D", stacklevel=1)

    low, high = binom.interval(0.9999, 200, 0.05)
    for requests, most in ((50, True), (500, False)):
        assert low <= chapter.rings(chapter.warn_on_drift, np.zeros(200), requests, seed=seed).sum() <= high
        assert (chapter.rings(by_d, np.zeros(100), requests, seed=seed).mean() > 0.5) == most


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
    return {name for name, line in zip(NAMES, lines, strict=True) if line.startswith("✗")}


def test_the_board_has_seventeen_behaviors_and_each_is_broken_by_a_wrong_answer():
    assert len(NAMES) == len(set(NAMES)) == 17
    enough = (
        answers._alarm(lambda **_: True),
        answers._alarm(answers._under("always"), rings=lambda result, alpha: True),
        answers._sorts_in_place,
        answers._trusts_scipy,
    )
    assert set().union(*map(_broken, enough)) == set(NAMES)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"default": 0.01}, "lets alpha decide, both ways"),
        ({"tell": answers._warning(category=None)}, "warns in a category of its own"),
        ({"tell": answers._warning("drift, p = {p}")}, "says how large the drift is, as D"),
        ({"tell": answers._warning(level=2)}, "points at the caller's line"),
        ({"checked": answers._checks(least=3)}, "compares windows of any two sizes"),
        ({"checked": answers._checks(least=1)}, "refuses windows of fewer than two values"),
        ({"checked": answers._checks(taken=answers._without_nan)}, "refuses NaN and infinite values"),
        ({"checked": answers._lets_words_through, "test": answers.ks_2samp}, "refuses words"),
        ({"checked": answers._blames_both}, "names the argument that it refuses"),
    ],
)
def test_one_mistake_breaks_one_line(changed, name):
    assert _broken(answers._alarm(**changed)) == {name}


def test_the_judges_data_are_what_their_names_say():
    seven, three = (ks_2samp(*chapter_04._shifted(ms)).pvalue for ms in (chapter_04.SEVEN, chapter_04.THREE))
    assert 0.055 < seven < 0.095 and 0.015 < three < 0.029
    assert ks_2samp(chapter_04.HISTORICAL, chapter_04.QUIET).pvalue > 0.9
    assert ks_2samp(*course_latencies(41, drifted=False)).pvalue > 0.2
    assert ks_2samp(*chapter_04.EQUAL, method="asymp").pvalue > ks_2samp(*chapter_04.EQUAL).pvalue
    assert binom.interval(0.999, 300, 0.1) == chapter_04.HONEST_ALARMS


def _by_name(historical, recent, *, alpha=0.05):
    print("checking")
    with warnings.catch_warnings():
        result = ks_2samp(answers._checked(historical, "historical"), answers._checked(recent, "recent"))
    if alpha > result.pvalue:
        warnings.warn(chapter_04.D(f"D is {100 * result.statistic:.1f} %"), stacklevel=2)
    return "anything"


@pytest.mark.parametrize("answer", [_by_name, warn_if_drift, chapter.warn_on_drift])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_other_right_ways_get_every_line_under_any_filter_of_the_notebook(answer, action):
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        said = verdict("4.6", answer)
    assert said.state == "right", str(said)


def test_an_exception_in_place_of_a_warning_is_explained_once():
    said = verdict("4.6", answers._alarm(answers._raising(chapter_04.D)))
    assert str(said).count("which call leaves the decision") == 1 and str(said).count("as above") > 8


def _meddles(historical, recent, alpha=0.05):
    warnings.resetwarnings()
    warnings.showwarning = print
    return iter([...])


def _gives_a_generator(historical, recent, alpha=0.05):
    yield warnings.warn("drift", chapter_04.D, stacklevel=2)


@pytest.mark.parametrize(
    "answer",
    [_meddles, _gives_a_generator, answers._alarm(answers._logged), sys.exit, dict, chapter_04.D]
    + [answers._alarm(lambda **_: pytest.fail("drift"))],
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
    asked = (
        "two-sided, spread, faster, two sizes, as often as `alpha`, below `alpha`, class of your own, holds D, "
        "points at the line, on every call, filters themselves, unchanged, names the argument, infinite, "
        "NaN, empty window, one value, not accepted"
    )
    assert not [words for words in asked.split(", ") if words not in task]
