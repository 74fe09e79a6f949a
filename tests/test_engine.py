"""The engine of the exercises: what it says of any answer, whatever the exercise."""

import math
import re
import sys
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from utils.exercises import check, engine, hint, progress, reveal, verdict


@pytest.fixture(autouse=True)
def _fresh_kernel(monkeypatch):
    monkeypatch.setattr(engine, "_states", {})
    monkeypatch.setattr(engine, "_hints_given", {})


# Verdicts, hints, progress ----------------------------------------------------------------------------------


def _judge_512(answer):
    value = engine.as_number(answer)
    return None if value == 512 else "halving the wandering takes four times the requests."


@pytest.fixture
def toy(monkeypatch):
    """One small exercise, 99.1, in a chapter of its own."""
    exercise = engine.Exercise(
        id="99.1",
        judge=_judge_512,
        hints=("Simulate first.", "Then double."),
        why="a small window cries wolf.",
    )
    monkeypatch.setattr(
        engine,
        "load_chapter",
        lambda chapter: (exercise,) if chapter == 99 else pytest.fail("another chapter"),
    )
    return exercise


def test_the_three_verdicts_read_as_promised(toy, capsys):
    check("99.1", ...)
    check("99.1", 64)
    check("99.1", np.int64(512))
    assert capsys.readouterr().out.splitlines() == [
        "99.1  ○ not answered yet: replace the ... above and run this cell again.  "
        'hint("99.1") gives a nudge.',
        "99.1  ✗ not yet: halving the wandering takes four times the requests.",
        "99.1  ✓ right: a small window cries wolf.",
    ]


def test_hints_come_one_by_one_and_the_last_is_repeated(toy, capsys):
    for _ in range(3):
        hint("99.1")
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "99.1  hint 1 of 2: Simulate first."
    assert second.startswith("99.1  hint 2 of 2: Then double.") and 'reveal("99.1")' in second
    assert third == second


def test_progress_lists_every_exercise_of_the_chapters_at_hand(toy, capsys):
    progress()
    check("99.1", 64)
    progress()
    check("99.1", 512)
    check("99.1", 64)  # a later experiment
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Nothing checked yet")
    assert lines[2:4] == ["Chapter 99: 0 of 1 right", "  99.1  ✗ not yet"]
    assert lines[6:8] == ["Chapter 99: 1 of 1 right", "  99.1  ✓ right"]


@pytest.mark.parametrize("stub", [lambda x: ..., [1, ...], (..., ...), {"a": ...}], ids=str)
def test_a_part_still_missing_counts_as_unanswered(toy, stub):
    assert verdict("99.1", stub).state == "unanswered"


def _nested(depth):
    nest = []
    for _ in range(depth):
        nest = [nest]
    return nest


def test_a_list_that_holds_itself_is_judged_like_any_other(toy):
    itself, first, second, table = [], [], [], {}
    itself.append(itself)
    first.append(second)
    second.append(first)
    table["self"] = [table]
    for answer in (itself, first, table, _nested(100_000)):
        assert verdict("99.1", answer).state == "not yet"
    first.append(...)
    assert verdict("99.1", second).state == "unanswered"


def test_a_function_whose_body_is_still_dots_is_unanswered(toy):
    def plain(a, b): ...

    def documented(a, b):
        """Return the largest gap."""
        ...

    assert verdict("99.1", plain).state == "unanswered"
    assert verdict("99.1", documented).state == "unanswered"
    assert verdict("99.1", lambda a: None if a else 3).state == "not yet"


@pytest.mark.parametrize(
    ("id", "words"),
    [("7", "chapter and number"), (None, "chapter and number"), ("98.1", "no chapter 98"), ("1.99", "1.1")],
)
def test_a_wrong_exercise_number_is_a_sentence(id, words, capsys):
    check(id, 3)
    hint(id)
    reveal(id)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all(words in line for line in lines)


def test_a_number_given_as_a_float_finds_its_exercise(toy):
    assert verdict(99.1, 512).state == "right"


def test_a_scoreboard_has_a_line_a_behavior(toy):
    board = engine.Scoreboard(
        (
            ("is even", lambda n: None if engine.as_number(n) % 2 == 0 else "it is odd."),
            ("is large", lambda n: None if engine.as_number(n) > 9 else "it is small."),
        )
    )
    object.__setattr__(toy, "judge", board)
    said = verdict("99.1", 11)
    assert said.state == "not yet" and "1 of 2 behaviors hold" in said.message
    assert said.board == ("✗ is even: it is odd.", "✓ is large")
    assert verdict("99.1", 12).state == "right" and len(verdict("99.1", 12).board) == 2
    assert "a number is expected" in verdict("99.1", "x").message and not verdict("99.1", "x").board


def test_reveal_without_the_solution_notebooks_is_a_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(engine, "SOLUTIONS", tmp_path)
    reveal("1.1")
    assert "no solution notebook" in capsys.readouterr().out


def test_a_function_that_leaves_python_is_a_sentence(toy):
    with pytest.raises(engine.NotYet, match=r"your function raised SystemExit \(2\) for one value"):
        engine.call(lambda sample: sys.exit(2), np.zeros(1), case="one value")
    with pytest.raises(engine.NotYet, match=r"your function raised Failed \(no drift\) for one value"):
        engine.call(lambda sample: pytest.fail("no drift"), np.zeros(1), case="one value")


def test_an_interrupt_ends_the_check_and_not_the_exercise(toy):
    def is_interrupted(sample):
        raise KeyboardInterrupt

    with pytest.raises(engine.NeverReturned, match="as long as you waited for one value"):
        engine.call(is_interrupted, np.zeros(1), case="one value")
    object.__setattr__(toy, "judge", is_interrupted)
    assert "interrupted" in verdict("99.1", 3).message


def test_call_hides_what_a_function_prints_and_keeps_the_arrays_as_they_were(capsys):
    def careless(sample):
        print("debugging")
        sample.sort()
        return sample[0]

    sample = np.array([3.0, 1.0, 2.0])
    assert engine.call(careless, sample, case="three values") == 1.0
    assert sample.tolist() == [3.0, 1.0, 2.0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("take", "answer", "words"),
    [
        (engine.as_number, "512", "the text '512'"),
        (engine.as_number, True, "truth value"),
        (engine.as_number, [1, 2], "a list of 2"),
        (engine.as_number, pd.Series([1, 2]), "an array of shape (2,)"),
        (engine.as_number, pd.Series([True]), "truth value"),
        (engine.as_number, pd.Series(["512"]), "the text '512'"),
        (engine.as_number, None, "return missing"),
        (engine.as_number, float("nan"), "nan"),
        (engine.as_number, len, "a function"),
        (engine.as_flag, 2, "True or False"),
        (engine.as_array, 3, "a list or an array"),
        (engine.as_array, "abc", "a list or an array"),
        (engine.as_array, [[1, 2]], "one-dimensional"),
        (engine.as_array, [1, np.nan], "finite"),
        (engine.as_array, ["a"], "one is the text 'a'"),
        (engine.as_function, 3, "without brackets"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_named(take, answer, words):
    with pytest.raises(engine.NotYet, match=re.escape(words)):
        take(answer)


def test_answers_of_the_right_kind_are_taken_in_any_form():
    assert engine.as_number(np.float32(1.5)) == engine.as_number(np.array([1.5])) == 1.5
    assert engine.as_number(pd.Series([1.5], index=["a"])) == engine.as_number(pd.Index([1.5])) == 1.5
    assert engine.as_choice(" KDE ", ("kde", "ecdf")) == "kde"
    for text in ("B", "b.", "(b)", "b) "):
        assert engine.as_choice(text, ("A", "B")) == "B"
    for text in (
        "don't page",
        "don\u2019t page",
        "Dont page",
        "DON`T PAGE ",
        "do not page",
        "**Do not page.**",
    ):
        assert engine.as_choice(text, engine.DECISIONS) == "don't page"
    assert engine.as_array(pd.Series([1, 2])).tolist() == engine.as_array((1, 2)).tolist() == [1.0, 2.0]
    assert engine.as_flag(np.bool_(True)) is True


# Numbers ----------------------------------------------------------------------------------------------------

SAID = dict(hints=("One.", "Two."), why="it matters.")


def number(**options):
    """Return an exercise that asks for 0.486, within 0.03, with two slips near each other."""
    declared = dict(right=0.486, within=0.03, slips={0.4: "the first idea.", 0.45: "the second idea."})
    return engine.number_exercise("99.1", **declared | options, otherwise="think again.", **SAID)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.486, None),
        (0.5, None),
        (Decimal("0.486"), None),
        (np.array(0.486), None),
        ((value for value in [0.486]), None),
        (0.41, "close to the first idea"),
        (0.428, "close to the second idea"),  # within the tolerance of both: the nearer one is named
        (0.45, "close to the second idea"),
        (0.7, "think again"),
        (-0.486, "the other sign"),
        (48.6, "percent"),
        (486, "a thousand times"),
        (0.000486, "a thousandth"),
        (0.002, "think again"),
    ],
)
def test_a_number_is_judged_by_the_nearest_idea(answer, words):
    said = number().judge(answer)
    assert said is None if words is None else words in said, said


def test_an_exact_slip_is_one_however_loose_the_tolerance():
    loose = number(within=0.1)
    assert "the second idea" in loose.judge(0.45)
    assert loose.judge(0.46) is None


def test_what_is_right_may_be_computed_when_it_is_first_needed():
    asked = []

    def right():
        asked.append(1)
        return 0.486

    late = number(right=right, slips=lambda: {0.4: "the first idea."})
    assert not asked
    assert late.judge(0.486) is None and "first idea" in late.judge(0.4) and len(asked) == 1


# Choices ----------------------------------------------------------------------------------------------------


def test_a_choice_gets_the_sentence_of_what_was_chosen():
    one = engine.choice_exercise(
        "99.1", right="B", choices=("A", "B", "C"), slips={"A": "not A.", "C": "not C."}, **SAID
    )
    assert one.judge("b") is one.judge("B. Whatever the text says") is one.judge(["B"]) is None
    assert one.judge(np.array("B")) is one.judge(np.where(True, "B", "A")) is None
    assert one.judge("A") == "not A." and one.judge(" c)") == "not C."
    with pytest.raises(engine.NotYet, match='choose one of "A", "B", "C"; this is the text \'D\''):
        one.judge("D")
    assert dict(one.slips()) == {"A": "not A.", "C": "not C."}


def test_the_parts_of_an_answer_come_in_order_or_by_name():
    right = {"Monday": "page", "Tuesday": "don't page"}
    two = engine.choice_exercise(
        "99.1",
        right=right,
        choices=engine.DECISIONS,
        slips={part: f"look at {part}." for part in right},
        **SAID,
    )
    in_order = ["page", "don't page"]
    for answer in (
        in_order,
        tuple(in_order),
        right,
        {"tuesday": "Dont page", "MONDAY": "page"},
        tuple(right.items())[::-1],
        pd.Series(in_order),
        pd.Series(right)[::-1],
        np.array(in_order, dtype=object),
        (part for part in in_order),
    ):
        assert two.judge(answer) is None
    assert two.judge(["don't page", "don't page"]) == "look at Monday."
    for answer, words in (
        ({"Monday": "page"}, "Tuesday is missing; give Monday and Tuesday"),
        ({}, "Monday and Tuesday are missing"),
        (["page"], "2 things are expected, (Monday, Tuesday); this is a list of 1"),
    ):
        with pytest.raises(engine.NotYet, match=re.escape(words)):
            two.judge(answer)
    assert len(list(two.slips())) == 2


# Functions --------------------------------------------------------------------------------------------------


def chance(alpha, checks):
    return 1 - (1 - alpha) ** checks


def function(**options):
    """Return an exercise that asks for the chance of an alarm."""
    declared = dict(
        cases=[(0.05, 24), (0.01, 100), (0.2, 1), (0.3, 2)],
        right=chance,
        slips={lambda alpha, checks: alpha * checks: "this adds the rates up."},
    )
    return engine.function_exercise("99.1", **declared | options, **SAID)


ALPHA, CHECKS = 0.05, 24  # as a notebook has them


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (chance, None),
        (lambda alpha, checks: Decimal(chance(alpha, checks)), None),
        (lambda alpha, checks: np.array(chance(alpha, checks)), None),
        (lambda *both: chance(*both), None),
        (lambda alpha, checks: alpha * checks, "adds the rates up"),
        (lambda alpha, checks: min(1, alpha * checks), "adds the rates up"),  # a guard hides some of it
        (lambda alpha, checks: 100 * chance(alpha, checks), "percent"),
        (lambda alpha, checks: 1_000 * chance(alpha, checks), "1,000 times"),
        (lambda alpha, checks: chance(alpha, checks) / 1_000, "seconds"),
        (lambda alpha, checks: -chance(alpha, checks), "the other sign"),
        (lambda alpha, checks: 1 - chance(alpha, checks), "one minus"),
        (lambda alpha, checks: round(chance(alpha, checks), 3), "rounds"),
        (lambda alpha, checks: int(chance(alpha, checks)), "for every case"),
        (lambda checks, alpha: chance(alpha, checks), "`alpha` and `checks` swapped"),
        (lambda alpha, checks: chance(ALPHA, CHECKS), "for every case. Does it use what it is given"),
        (lambda alpha, checks: chance(ALPHA, checks), "the same whatever `alpha` is"),
        (lambda alpha, checks: chance(alpha, CHECKS), "the same whatever `checks` is"),
        (lambda alpha, checks: None, "returns None. Is a return missing"),
        (lambda alpha, checks: print(chance(alpha, checks)), "It prints: return the result"),
        (lambda alpha, checks: np.array([chance(alpha, checks)]), "a number is expected, this is an array"),
        (lambda alpha, checks: str(chance(alpha, checks)), "for alpha = 0.05 and checks = 24: a number"),
        (lambda alpha, checks: True, "this is the truth value True"),
        (lambda alpha, checks: math.nan, "for alpha = 0.05 and checks = 24: a finite number"),
        (lambda alpha, checks: (alpha - 1) ** 0.5, "for alpha = 0.05 and checks = 24: a number"),
        (lambda alpha: alpha, "raised TypeError"),
        (lambda alpha, checks: 1 / 0, "raised ZeroDivisionError"),
        (lambda alpha, checks: chance(alpha, checks) ** 1.1, "is expected"),
        (0.7, "a function is expected"),
    ],
)
def test_a_function_is_judged_by_what_it_does_with_its_arguments(answer, words):
    said = engine._problem(function().judge, answer)
    assert said is None if words is None else words in said, said


def test_the_first_case_that_fails_is_shown_with_what_was_returned_and_expected():
    said = function().judge(lambda alpha, checks: 0.5 * chance(alpha, checks) + 0.1 * alpha)
    assert said == ("for alpha = 0.05 and checks = 24 your function returns 0.359005; 0.708011 is expected.")


def test_swapped_arguments_are_named_also_where_they_lead_to_no_number():
    root = function(
        cases=[(4.0, 5.0), (2.0, 9.0)], right=lambda small, large: np.sqrt(large - small), slips={}
    )
    with np.errstate(invalid="ignore"):
        assert "`small` and `large` swapped" in root.judge(lambda large, small: np.sqrt(large - small))


def sorted_copy(sample):
    return np.sort(sample)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sorted_copy, None),
        (lambda sample: sorted(sample), None),
        (lambda sample: pd.Series(sample).sort_values(), None),
        (lambda sample: (value for value in sorted(sample)), None),
        (lambda sample: sample.sort() or sample, "changes what it was given"),
        (lambda sample: np.sort(sample)[::-1], "largest first"),
        (lambda sample: sample, "is expected"),
        (lambda sample: np.sort(sample)[:2], "is expected"),
        (lambda sample: ["a", "b"], "for ties: every value should be a number, but one is the text 'a'"),
        (lambda sample: np.sort(sample) > 1, "one is the truth value"),
        (lambda sample: np.sort(sample)[:, np.newaxis], "one-dimensional"),
    ],
)
def test_a_function_of_an_array_that_returns_one(answer, words):
    exercise = function(
        cases={"ties": (np.array([2.0, 1.0, 2.0]),), "four values": (np.array([3.0, 0.0, 7.0, -1.0]),)},
        right=sorted_copy,
        slips={lambda sample: np.sort(sample)[::-1]: "this is the largest first."},
        returns=engine.as_array,
    )
    said = engine._problem(exercise.judge, answer)
    assert said is None if words is None else words in said, said


def test_a_last_judge_sees_what_the_table_cannot():
    exercise = function(further=lambda answer: None if answer(0.5, 10**6) == 1 else "many checks?")
    assert exercise.judge(chance) is None
    assert (
        exercise.judge(lambda alpha, checks: chance(alpha, min(checks, 200)) * 0.999999999) == "many checks?"
    )


def test_a_function_that_never_returns_is_stopped_and_so_are_the_other_lines_of_a_board(toy, monkeypatch):
    monkeypatch.setattr(engine, "LIMIT_SECONDS", 0.2)

    def endless(*args):
        while True:
            try:
                time.sleep(1)
            except Exception:  # a learner's own net must not catch what stops the function
                pass

    begun = time.monotonic()
    with pytest.raises(engine.NeverReturned, match="not returned after 0.2 seconds for alpha = 0.05 and"):
        function().judge(endless)
    board = engine.Scoreboard(
        [("one", lambda f: engine.call(f, case="one")), ("two", lambda f: engine.call(f, case="two"))]
    )
    object.__setattr__(toy, "judge", board)
    said = verdict("99.1", endless)
    assert said.state == "not yet" and "never ends" in said.message and not said.board
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "no idea",
        b"bytes",
        [],
        {},
        set(),
        (),
        float("nan"),
        float("inf"),
        -1e300,
        1j,
        np.array([]),
        np.array(["a", "b"]),
        np.full((2, 2), np.nan),
        pd.DataFrame({"a": [1, 2]}),
        pd.Series([], dtype=float),
        object(),
        Exception("an instance"),
        ValueError,
        print,
    ],
    ids=lambda answer: type(answer).__name__ + repr(answer)[:12],
)
def test_no_answer_whatever_raises_or_is_right_by_chance(toy, answer):
    parts = engine.choice_exercise(
        "99.1", right={"a": "x", "b": "y"}, choices="xy", slips={"a": "a.", "b": "b."}, **SAID
    )
    for exercise in (number(), function(), parts):
        object.__setattr__(toy, "judge", exercise.judge)
        said = verdict("99.1", answer)
        assert said.state == "not yet" and said.message.strip()
