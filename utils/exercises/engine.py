"""Judge an answer, say in one sentence which idea went wrong, and never raise.

A chapter's exercises stand in ``utils/exercises/chapter_NN.py`` as a tuple ``EXERCISES``; they are loaded
when the first of them is checked. A judge gets the learner's answer and returns ``None`` when it is right,
else the sentence that helps; the functions ``as_number``, ``as_choice``, ``as_flag``, ``as_array``,
``as_function`` and ``call`` take the answer apart and stop the judgement with `NotYet` when it isn't even of
the right kind. `known_slip` names the mistake behind a function's wrong results.
"""

from __future__ import annotations

import contextlib
import dis
import importlib
import io
import json
import numbers
import re
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

State = Literal["unanswered", "not yet", "right"]
SYMBOLS: dict[State, str] = {"unanswered": "○", "not yet": "✗", "right": "✓"}
SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"


class NotYet(Exception):
    """Stops a judgement; its text is the sentence that the learner reads."""


class Unanswered(Exception):
    """Stops a judgement: the answer, or a part of it, is still the ``...`` of the exercise."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: how it is judged and what is said to its learner.

    Parameters
    ----------
    id : str
        Chapter and number, as in ``"3.2"``.
    judge : callable
        Takes the answer; returns None when it is right, else the sentence that helps. A `Scoreboard` is
        a judge that reports several behaviours, one line each.
    hints : sequence of str
        From a nudge to nearly there; at least two.
    why : str
        One sentence on why the right answer matters.
    wrong : sequence of (answer, str)
        Wrong answers that real learners give, each with words that its diagnosis must contain. The tests
        run them all; at least three.
    right : sequence
        Other right ways to answer than the solution notebook's; the tests run them too.
    """

    id: str
    judge: Callable[[Any], str | None]
    hints: Sequence[str]
    why: str
    wrong: Sequence[tuple[Any, str]]
    right: Sequence[Any] = ()


@dataclass(frozen=True)
class Scoreboard:
    """A judge for one answer with many behaviours.

    Parameters
    ----------
    behaviours : sequence of (str, callable)
        A behaviour's name and its judge, which takes the answer and returns None or the sentence that helps.
    """

    behaviours: Sequence[tuple[str, Callable[[Any], str | None]]]

    def problems(self, answer: Any) -> list[tuple[str, str | None]]:
        """Return every behaviour's name with its problem, or None where it holds."""
        return [(name, _problem(judge, answer)) for name, judge in self.behaviours]

    def __call__(self, answer: Any) -> str | None:
        """Return None when every behaviour holds, else how many do and what to mend first."""
        return self.summary(self.problems(answer))

    @staticmethod
    def summary(problems: Sequence[tuple[str, str | None]]) -> str | None:
        """Return the sentence over a board of problems, or None when there are none."""
        broken = [name for name, problem in problems if problem is not None]
        if not broken:
            return None
        held = len(problems) - len(broken)
        return f"{held} of {len(problems)} behaviors hold. Mend this one first: {broken[0]}."


@dataclass(frozen=True)
class Verdict:
    """What is said of one answer: a state, a sentence and, for a scoreboard, its lines."""

    id: str
    state: State
    message: str
    board: tuple[str, ...] = ()

    def __str__(self) -> str:
        word = "not answered yet" if self.state == "unanswered" else self.state
        first = f"{self.id}  {SYMBOLS[self.state]} {word}: {self.message}"
        return "\n".join([first, *(f"     {line}" for line in self.board)])


def verdict(id: str, answer: Any) -> Verdict:
    """Return the verdict on one answer, without printing, remembering or raising anything.

    Parameters
    ----------
    id : str
        The exercise, as in ``"3.2"``.
    answer : object
        Whatever the learner gives. ``...``, alone, in a container or as the body of a function, counts as
        not answered.

    Returns
    -------
    Verdict
        Its state is "unanswered", "not yet" or "right".
    """
    try:
        exercise = find(id)
    except LookupError as error:
        return Verdict(str(id), "not yet", str(error))
    board: tuple[str, ...] = ()
    try:
        if _is_unanswered(answer):
            raise Unanswered
        if isinstance(exercise.judge, Scoreboard):
            problems = exercise.judge.problems(answer)
            reasons = {detail for _, detail in problems}
            if len(reasons) == 1 and None not in reasons:  # one for all: it is no function, say
                (problem,) = reasons
            else:
                problem = Scoreboard.summary(problems)
                board = tuple(_board_line(name, detail) for name, detail in problems)
        else:
            problem = _problem(exercise.judge, answer)
    except Unanswered:
        nudge = f'replace the ... above and run this cell again.  hint("{exercise.id}") gives a nudge.'
        return Verdict(exercise.id, "unanswered", nudge)
    if problem is None:
        return Verdict(exercise.id, "right", exercise.why, board)
    return Verdict(exercise.id, "not yet", problem, board)


def _problem(judge: Callable[[Any], str | None], answer: Any) -> str | None:
    """Run one judge; an exception, the learner's or ours, becomes a sentence."""
    try:
        return judge(answer)
    except NotYet as stop:
        return str(stop)
    except (Unanswered, KeyboardInterrupt):
        raise
    except BaseException as error:
        # An answer of a kind that no judge thought of must not end in a traceback, sys.exit or pytest.fail either.
        return (
            f"this answer could not be judged, {_describe_error(error)}. Is it of the kind that is asked for?"
        )


def _board_line(name: str, problem: str | None) -> str:
    return f"{SYMBOLS['right']} {name}" if problem is None else f"{SYMBOLS['not yet']} {name}: {problem}"


# What a notebook calls -------------------------------------------------------------------------------------

_states: dict[str, State] = {}
_hints_given: dict[str, int] = {}


def check(id: str, answer: Any) -> None:
    """Print the verdict on an answer, and remember it for `progress`."""
    said = verdict(id, answer)
    if _is_known(said.id):
        _states[said.id] = said.state
    print(said)


def hint(id: str) -> None:
    """Print the exercise's next hint; the last one is repeated."""
    exercise = _find_or_say(id)
    if exercise is None:
        return
    given = min(_hints_given.get(exercise.id, 0), len(exercise.hints) - 1)
    _hints_given[exercise.id] = given + 1
    line = f"{exercise.id}  hint {given + 1} of {len(exercise.hints)}: {exercise.hints[given]}"
    if given + 1 == len(exercise.hints):
        line += f'  (the last one; reveal("{exercise.id}") shows a solution)'
    print(line)


def reveal(id: str) -> None:
    """Print the exercise's solution as it stands in the solution notebook."""
    exercise = _find_or_say(id)
    if exercise is None:
        return
    found = _solution_cell(exercise.id)
    if found is None:
        print(f"{exercise.id}  no solution notebook stands beside this installation.")
        return
    print(f"{exercise.id}  one solution, of several right ones:\n\n{found}")


def progress() -> None:
    """Print the state of every exercise of the chapters checked in this notebook."""
    chapters = sorted({int(id.split(".")[0]) for id in _states})
    if not chapters:
        print("Nothing checked yet in this notebook: run an exercise's cell first.")
    for chapter in chapters:
        ids = [exercise.id for exercise in load_chapter(chapter)]
        right = sum(_states.get(id) == "right" for id in ids)
        print(f"Chapter {chapter:02d}: {right} of {len(ids)} right")
        for id in ids:
            state = _states.get(id, "unanswered")
            print(f"  {id}  {SYMBOLS[state]} {'not answered yet' if state == 'unanswered' else state}")


# Finding exercises and their solutions ---------------------------------------------------------------------


def load_chapter(chapter: int) -> tuple[Exercise, ...]:
    """Return the exercises of one chapter; raises LookupError where there is no such chapter."""
    name = f"{__package__}.chapter_{chapter:02d}"
    try:
        return tuple(importlib.import_module(name).EXERCISES)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise LookupError(f"there is no chapter {chapter:02d} with exercises.") from None


def find(id: str) -> Exercise:
    """Return one exercise; raises LookupError with a sentence for the learner where there is none."""
    match = re.fullmatch(r"(\d{1,2})\.\d{1,2}", str(id).strip())
    if not match:
        raise LookupError('an exercise is named by chapter and number, as in check("3.2", answer).')
    exercises = load_chapter(int(match[1]))
    for exercise in exercises:
        if exercise.id == match[0]:
            return exercise
    known = ", ".join(exercise.id for exercise in exercises)
    raise LookupError(f"there is no exercise {match[0]}; chapter {int(match[1]):02d} has {known}.")


def _find_or_say(id: str) -> Exercise | None:
    """Return one exercise; where there is none, print the sentence that says so."""
    try:
        return find(id)
    except LookupError as error:
        print(f"{id}  {error}")
        return None


def _is_known(id: str) -> bool:
    try:
        find(id)
    except LookupError:
        return False
    return True


def _solution_cell(id: str) -> str | None:
    """Return the source of the solution cell that checks this exercise, without its markers and its check."""
    chapter = int(id.split(".")[0])
    for path in sorted(SOLUTIONS.glob(f"{chapter:02d}_*.ipynb")):
        # The last one: chapter 00 shows wrong answers to its first exercise before the right one.
        for cell in reversed(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and f'check("{id}"' in source:
                lines = [
                    re.sub(r"\s*# SOLUTION\s*$", "", line)
                    for line in source.splitlines()
                    if not re.search(r"# (BEGIN|END) SOLUTION", line) and not line.startswith("check(")
                ]
                return "\n".join(lines).strip()
    return None


# Taking an answer apart ------------------------------------------------------------------------------------

DECISIONS = ("page", "don't page")  # what several chapters ask for, with the evidence


def as_number(answer: Any) -> float:
    """Return the answer as a float; a text, a flag, a collection or nan stops the judgement."""
    if isinstance(answer, bool | np.bool_):
        raise NotYet(f"a number is expected, this is the truth value {bool(answer)}.")
    with contextlib.suppress(AttributeError, TypeError, ValueError, RuntimeError):
        answer = answer.item()  # one element of an array, a Series, a tensor; more than one raise
    if not isinstance(answer, numbers.Real) or isinstance(answer, bool):
        raise NotYet(f"a number is expected, this is {_describe(answer)}.")
    if not np.isfinite(float(answer)):
        raise NotYet(f"a finite number is expected, this is {float(answer)}.")
    return float(answer)


def as_choice(answer: Any, choices: Sequence[str]) -> str:
    """Return the answer as one of the choices, however it is typed; anything else stops the judgement."""
    if isinstance(answer, str):
        for choice in choices:
            if _plain_words(answer) == _plain_words(choice):
                return choice
    listed = ", ".join(f'"{choice}"' for choice in choices)
    raise NotYet(f"choose one of {listed}; this is {_describe(answer)}.")


def _plain_words(text: str) -> str:
    """Return a text in one case, without apostrophes and without what may stand around it: B., (b), don’t."""
    return re.sub("['\u2019\u2018`\u00b4]", "", text).strip(" .,:;()\t\n").casefold()


def as_flag(answer: Any) -> bool:
    """Return the answer as True or False; anything else stops the judgement."""
    if isinstance(answer, bool | np.bool_):
        return bool(answer)
    raise NotYet(f"True or False is expected, this is {_describe(answer)}.")


def as_array(answer: Any, *, size: int | None = None) -> np.ndarray:
    """Return the answer as a one-dimensional array of finite floats; anything else stops the judgement."""
    if isinstance(answer, str | bytes | dict | set) or np.ndim(answer) == 0:
        raise NotYet(f"a list or an array of numbers is expected, this is {_describe(answer)}.")
    try:
        array = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise NotYet("a list or an array of numbers is expected, this one holds something else.") from None
    if array.ndim != 1:
        raise NotYet(f"a one-dimensional array is expected, this one has the shape {array.shape}.")
    if size is not None and array.size != size:
        raise NotYet(f"{size} values are expected, these are {array.size}.")
    if not np.isfinite(array).all():
        raise NotYet("every value should be a finite number, but some are nan or infinite.")
    return array


def as_function(answer: Any) -> Callable:
    """Return the answer when it can be called; anything else stops the judgement."""
    if not callable(answer):
        raise NotYet(f"a function is expected, this is {_describe(answer)}. Pass it without brackets.")
    return answer


def call(function: Callable, *args: Any, case: str, **kwargs: Any) -> Any:
    """Return what the learner's function returns for one case; its exception becomes a sentence.

    What it prints is not shown, what it warns of is not shown.

    Parameters
    ----------
    function : callable
        The learner's.
    *args, **kwargs
        What it is called with. Whatever can be copied (an array, a list, a DataFrame) is handed over as a
        copy, so that a function that changes what it is given spoils no later call.
    case : str
        The case in words, as in "an empty array"; it ends the sentence "your function raised … for …".

    Raises
    ------
    NotYet
        When the function raises.
    Unanswered
        When it returns ``...``.
    """
    args = [arg.copy() if hasattr(arg, "copy") else arg for arg in args]
    kwargs = {name: arg.copy() if hasattr(arg, "copy") else arg for name, arg in kwargs.items()}
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(*args, **kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise NotYet(f"your function raised {_describe_error(error)} for {case}.") from error
    if result is Ellipsis:
        raise Unanswered
    return result


def known_slip(
    cases: Sequence[Sequence[Any]],
    given: Sequence[Any],
    slips: Sequence[tuple[Callable, str]],
    *,
    rtol: float = 1e-9,
    atol: float = 1e-9,
) -> str | None:
    """Return the sentence of the first slip that gives what the learner's function gave, in every case.

    Parameters
    ----------
    cases : sequence of sequence
        The arguments of each call.
    given : sequence
        What the learner's function returned for each: a number, an array or None.
    slips : sequence of (callable, str)
        A wrong way to write the function, and the sentence for whoever took it. A slip that raises cannot
        be made on these cases; it is passed over.
    rtol, atol : float
        How far apart numbers may be and still be the same.

    Returns
    -------
    str or None
        None when no slip explains the results.
    """
    pairs = list(zip(cases, given, strict=True))
    for slip, sentence in slips:
        try:
            if all(same_result(value, slip(*case), rtol=rtol, atol=atol) for case, value in pairs):
                return sentence
        except Exception:
            continue
    return None


def same_result(given: Any, expected: Any, *, rtol: float = 1e-9, atol: float = 1e-9) -> bool:
    """Return whether a number, an array or None is the expected one; arrays need the same shape."""
    if given is None or expected is None:
        return given is expected
    given, expected = np.asarray(given, dtype=float), np.asarray(expected, dtype=float)
    return given.shape == expected.shape and bool(np.allclose(given, expected, rtol=rtol, atol=atol))


def _describe(answer: Any) -> str:
    """Name an answer in a few words: its kind, and its value where that is short."""
    if answer is None:
        return "None (is a return missing?)"
    if isinstance(answer, str):
        return f"the text {answer[:40]!r}"
    if isinstance(answer, bool | np.bool_):
        return f"the truth value {bool(answer)}"
    if isinstance(answer, numbers.Number):
        return f"the number {answer:g}" if isinstance(answer, numbers.Real) else f"the number {answer}"
    if callable(answer):
        return "a function; call it, and pass what it returns"
    if hasattr(answer, "shape"):
        return f"an array of shape {tuple(answer.shape)}"
    name = type(answer).__name__
    if isinstance(answer, list | tuple | set | dict):
        return f"a {name} of {len(answer)}"
    return f"an object of type {name}"


def _describe_error(error: BaseException) -> str:
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__} ({text})" if text else type(error).__name__


def _is_unanswered(answer: Any) -> bool:
    """Return whether the answer is still a ``...``: alone, in a container, or as a function's whole body."""
    waiting, seen = [answer], set()
    while waiting:  # no recursion: a list may hold itself
        part = waiting.pop()
        if part is Ellipsis or _is_stub(part):
            return True
        if isinstance(part, list | tuple | set | dict) and id(part) not in seen:
            seen.add(id(part))
            waiting.extend(part.values() if isinstance(part, dict) else part)
    return False


def _is_stub(answer: Any) -> bool:
    """Return whether the answer is a function whose body is ``...`` alone, with or without a docstring."""
    if not isinstance(answer, types.FunctionType):
        return False
    # Such a body compiles to nothing but returning a constant.
    steps = [step for step in dis.get_instructions(answer) if step.opname not in ("RESUME", "NOP")]
    return all(step.opname in ("LOAD_CONST", "RETURN_VALUE", "RETURN_CONST") for step in steps) and (
        steps[0].argval in (None, Ellipsis)
    )
