"""Every exercise: unanswered, right, wrong in each known way, and wrong in ways nobody thought of."""

import ast
import copy
import importlib
import json
import numbers
import re
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.chapter import definitions
from utils.exercises import engine, reveal, verdict

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted(int(path.stem[-2:]) for path in (ROOT / "utils" / "exercises").glob("chapter_*.py"))
EXERCISES = [exercise for chapter in CHAPTERS for exercise in engine.load_chapter(chapter)]


def _answers(table):
    """Return the wrong or the right answers of tests/answers, by exercise."""
    found = {exercise.id: [] for exercise in EXERCISES}
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
def test_nothing_at_all_is_never_right(exercise):
    for answer in (None, "", [], {}, float("nan"), _returns_nothing, object()):
        said = verdict(exercise.id, answer)
        assert said.state == "not yet" and said.message.strip()


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


def _solution_function(exercise):
    """Return the function that the solution notebook answers with, None where it answers otherwise."""
    asked = re.search(rf'^check\("{exercise.id}", (\w+)\)$', _cells_that_check(exercise.id)[-1][1], re.M)
    answer = getattr(definitions(f"{int(exercise.id.split('.')[0]):02d}"), asked[1], None) if asked else None
    return answer if callable(answer) else None


@pytest.mark.parametrize("exercise", EACH_FUNCTION.args[1], ids=lambda exercise: exercise.id)
def test_the_solution_notebooks_function_is_right(exercise):
    assert verdict(exercise.id, _solution_function(exercise)).state == "right"


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


@EACH_EXERCISE
def test_reveal_prints_the_solution_from_its_notebook(exercise, capsys):
    reveal(exercise.id)
    first, blank, solution = capsys.readouterr().out.split("\n", 2)
    assert first == f"{exercise.id}  one way to a right answer:" and blank == ""
    assert "SOLUTION" not in solution and "..." not in solution
    assert not re.search(r"^check\(", solution, flags=re.M)
    _, source, _ = _cells_that_check(exercise.id)[-1]
    (asked,) = re.findall(rf'^check\("{re.escape(exercise.id)}", (.+)\)$', source, flags=re.M)
    for name in re.findall(r"[a-z]\w*", asked):
        assert re.search(rf"^(def )?{name}\b", solution, flags=re.M), f"the solution does not define {name}"
    ast.parse(solution)
