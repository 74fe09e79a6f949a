"""Every exercise: unanswered, right, wrong in each known way, and wrong in ways nobody thought of."""

import ast
import copy
import importlib
import json
import numbers
import re
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils.exercises import check, engine, hint, progress, reveal, verdict

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted(int(path.stem[-2:]) for path in (ROOT / "utils" / "exercises").glob("chapter_*.py"))
EXERCISES = [exercise for chapter in CHAPTERS for exercise in engine.load_chapter(chapter)]


def _answers(table):
    """Return the wrong or the right answers of tests/answers, by exercise."""
    found = {exercise.id: list(getattr(exercise, table.lower(), ())) for exercise in EXERCISES}
    for path in sorted((ROOT / "tests" / "answers").glob("chapter_*.py")):
        for id, answers in getattr(importlib.import_module(f"tests.answers.{path.stem}"), table).items():
            found[id] += answers
    return found


WRONG, RIGHT = _answers("WRONG"), _answers("RIGHT")
for _exercise in EXERCISES:  # a slip is its own test
    WRONG[_exercise.id] = [*_exercise.slips(), *WRONG[_exercise.id]]
EACH_EXERCISE = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
EACH_FUNCTION = pytest.mark.parametrize(
    "exercise",
    [exercise for exercise in EXERCISES if any(callable(answer) for answer, _ in WRONG[exercise.id])],
    ids=lambda exercise: exercise.id,
)


def _named(exercise, answers):
    return [
        pytest.param(exercise.id, answer, id=f"{exercise.id}-{i}")
        for i, answer in enumerate(answers, start=1)
    ]


@pytest.fixture(autouse=True)
def _fresh_kernel(monkeypatch):
    monkeypatch.setattr(engine, "_states", {})
    monkeypatch.setattr(engine, "_hints_given", {})


# Every exercise of the course -------------------------------------------------------------------------------


@EACH_EXERCISE
def test_an_exercise_is_complete(exercise):
    assert len(exercise.hints) >= 2
    assert len(WRONG[exercise.id]) >= 3
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert exercise.why.strip().endswith(".")


@EACH_EXERCISE
def test_an_untouched_exercise_is_unanswered(exercise):
    said = verdict(exercise.id, ...)
    assert said.state == "unanswered"
    assert f'hint("{exercise.id}")' in str(said)


@cache
def _verdicts_on_wrong_answers(id):
    return [verdict(id, answer) for answer, _ in WRONG[id]]


@pytest.mark.parametrize(
    ("id", "number", "words"),
    [
        pytest.param(exercise.id, number, words, id=f"{exercise.id}-{number}")
        for exercise in EXERCISES
        for number, (_, words) in enumerate(WRONG[exercise.id], start=1)
    ],
)
def test_a_known_wrong_answer_gets_its_diagnosis(id, number, words):
    said = _verdicts_on_wrong_answers(id)[number - 1]
    assert said.state == "not yet"
    assert words.casefold() in str(said).casefold()


@pytest.mark.parametrize(("id", "answer"), [case for e in EXERCISES for case in _named(e, RIGHT[e.id])])
def test_another_right_way_is_accepted(id, answer):
    assert verdict(id, answer).state == "right", str(verdict(id, answer))


@EACH_EXERCISE
def test_the_wrong_answers_are_told_apart(exercise):
    said = set(map(str, _verdicts_on_wrong_answers(exercise.id)))
    assert len(said) >= 3, "at least three misconceptions need three diagnoses"


def _raises(*args, **kwargs):
    raise RuntimeError("out of coffee")


def _returns_nothing(*args, **kwargs):
    args = None
    return args


@EACH_EXERCISE
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
        _raises,
        _returns_nothing,
    ],
    ids=lambda answer: getattr(answer, "__name__", type(answer).__name__ + repr(answer)[:12]),
)
def test_no_answer_whatever_raises_or_is_right_by_chance(exercise, answer):
    said = verdict(exercise.id, answer)
    assert said.state == "not yet"
    assert said.message.strip()


@EACH_FUNCTION
def test_an_exception_of_the_learner_becomes_a_sentence(exercise):
    said = verdict(exercise.id, _raises)
    assert "RuntimeError" in str(said) and "out of coffee" in str(said)


def test_every_exercise_that_expects_a_function_is_tested_with_functions():
    expect_one = [e for e in EXERCISES if "a function is expected" in str(verdict(e.id, "no function"))]
    assert EACH_FUNCTION.args[1] == expect_one


@EACH_EXERCISE
def test_judging_twice_gives_the_same_verdict_and_leaves_the_filters_alone(exercise):
    before = list(warnings.filters)
    answer, _ = WRONG[exercise.id][0]
    assert str(verdict(exercise.id, answer)) == str(verdict(exercise.id, answer))
    assert warnings.filters == before


@cache
def _solution_cells():
    return [
        (path, "".join(cell["source"]), cell)
        for path in sorted((ROOT / "solutions").glob("*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]


def _cells_that_check(id):
    return [case for case in _solution_cells() if f'\ncheck("{id}"' in "\n" + case[1]]


@EACH_EXERCISE
def test_the_solution_notebook_holds_the_exercise_once_and_answers_it_right(exercise):
    asking = _cells_that_check(exercise.id)
    # Chapter 00 shows wrong answers to its first exercise before the right one.
    assert len(asking) == (3 if exercise.id == "0.1" else 1)
    path, _, cell = asking[-1]
    assert path.name.startswith(f"{int(exercise.id.split('.')[0]):02d}_")
    printed = "".join("".join(output.get("text", "")) for output in cell["outputs"])
    assert f"{exercise.id}  ✓ right: {exercise.why}" in printed


def _numbers_in(answer):
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list | tuple):
        return [number for part in answer for number in _numbers_in(part)]
    return [abs(float(answer))] if isinstance(answer, numbers.Real) else []


def _right_numbers(exercise):
    """Return the right numbers, as a text may show them: three characters or more, shorter ones are chance."""
    literals = [
        literal
        for _, source, _ in _cells_that_check(exercise.id)
        for literal in re.findall(r"= *([\d_.]+) *# SOLUTION", source)
    ]
    found = _numbers_in([float(literal) for literal in literals]) + _numbers_in(list(RIGHT[exercise.id]))
    shown = {form.format(number) for number in found for form in ("{:g}", "{:.4g}", "{:.3g}", "{:.2g}")}
    return {text for text in shown if len(text) >= 3 and "e" not in text}


@pytest.mark.parametrize(
    "exercise", [e for e in EXERCISES if _right_numbers(e)], ids=lambda exercise: exercise.id
)
def test_neither_hints_nor_diagnoses_give_a_right_number_away(exercise):
    right = _right_numbers(exercise)
    single = [number for answer in RIGHT[exercise.id] for number in _numbers_in([answer])][:1]
    tries = [factor * number for number in single for factor in (0, -0.5, 0.01, 0.5, 0.8, 1.3, 2, 10, 100)]
    judged = [(answer, verdict(exercise.id, answer)) for answer in tries]
    known = [answer for answer, _ in WRONG[exercise.id]]
    judged += zip(known, _verdicts_on_wrong_answers(exercise.id), strict=True)
    # What is quoted from the learner, and the choices that the question lists, give nothing away.
    said = [str(given).replace(str(answer), "") for answer, given in judged]
    said = [text for text in said if "✗" in text and "choose one of" not in text] + list(exercise.hints)
    for text in said:
        plain = re.sub(r"(?<=\d)[,_](?=\d)", "", text)
        assert not [
            number for number in right if re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", plain)
        ], text


@EACH_FUNCTION
def test_a_function_that_changes_what_it_is_given_spoils_no_later_verdict(exercise):
    def spoils(*args, **kwargs):
        result = next(
            (copy.deepcopy(right(*args, **kwargs)) for right in RIGHT[exercise.id] if callable(right)), None
        )
        for given in (*args, *kwargs.values()):
            if isinstance(given, list | dict | set):
                given.clear()
            elif isinstance(given, np.ndarray) and given.dtype.kind in "biuf":
                given.fill(0)
        return result

    verdict(exercise.id, spoils)
    for answer, words in WRONG[exercise.id]:
        said = verdict(exercise.id, answer)
        assert said.state == "not yet" and words.casefold() in str(said).casefold()


# The engine -------------------------------------------------------------------------------------------------


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
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Nothing checked yet")
    assert lines[2:4] == ["Chapter 99: 0 of 1 right", "  99.1  ✗ not yet"]
    assert lines[5:7] == ["Chapter 99: 1 of 1 right", "  99.1  ✓ right"]


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


@EACH_EXERCISE
def test_reveal_prints_the_solution_from_its_notebook(exercise, capsys):
    reveal(exercise.id)
    first, blank, solution = capsys.readouterr().out.split("\n", 2)
    assert first == f"{exercise.id}  one solution, of several right ones:" and blank == ""
    assert "SOLUTION" not in solution and "..." not in solution
    assert not re.search(r"^check\(", solution, flags=re.M)
    _, source, _ = _cells_that_check(exercise.id)[-1]
    (asked,) = re.findall(rf'^check\("{re.escape(exercise.id)}", (.+)\)$', source, flags=re.M)
    for name in re.findall(r"[a-z]\w*", asked):
        assert re.search(rf"^(def )?{name}\b", solution, flags=re.M), f"the solution does not define {name}"
    ast.parse(solution)


def test_reveal_without_the_solution_notebooks_is_a_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(engine, "SOLUTIONS", tmp_path)
    reveal(EXERCISES[0].id)
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


def test_a_known_slip_is_named_and_one_that_cannot_be_made_is_passed_over():
    cases = [([1.0, 2.0], 2), ([4.0, 4.0, 0.0], 0)]
    slips = (
        (lambda sample, n: sum(sample) / n, "divided by n"),  # raises for the second case
        (lambda sample, n: sample[5], "the sixth"),
        (lambda sample, n: max(sample), "the largest"),
        (lambda sample, n: np.max(sample), "the largest, once more"),
        (lambda sample, n: np.sort(sample), "sorted"),
        (lambda sample, n: None, "nothing"),
    )
    assert engine.known_slip(cases, [2, np.float64(4)], slips) == "the largest"
    assert engine.known_slip(cases, [np.array([1, 2]), [0, 4, 4]], slips) == "sorted"
    assert engine.known_slip(cases, [None, None], slips) == "nothing"
    assert engine.known_slip(cases, [2.01, 4.01], slips) is None
    assert engine.known_slip(cases, [2.01, 4.01], slips, atol=0.02) == "the largest"
    assert engine.known_slip(cases, [None, 4], slips) is None
    assert engine.known_slip(cases, [np.array([2, 2]), 4], slips) is None


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
    for text in ("don't page", "don\u2019t page", "Dont page", "DON`T PAGE "):
        assert engine.as_choice(text, engine.DECISIONS) == "don't page"
    assert engine.as_array(pd.Series([1, 2])).tolist() == engine.as_array((1, 2)).tolist() == [1.0, 2.0]
    assert engine.as_flag(np.bool_(True)) is True
