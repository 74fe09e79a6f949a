"""Judge an answer, say in one sentence which idea went wrong, and never raise.

A chapter's exercises stand in ``utils/exercises/chapter_NN.py`` as a tuple ``EXERCISES``, loaded when the first
of them is checked. An exercise is declared: `number_exercise`, `choice_exercise` and `function_exercise` take
what is right and the **slips**, the wrong ideas that learners have, each with its sentence. A slip is the
diagnosis and its own test: the tests hand each one in as an answer. What no table can say is an `Exercise` with
a judge in code, which takes an answer apart with ``as_number``, ``as_choice``, ``as_flag``, ``as_array``,
``as_parts`` and ``as_function``, and runs a learner's function with `call`.
"""

from __future__ import annotations

import contextlib
import copy
import dis
import importlib
import inspect
import io
import itertools
import json
import numbers
import re
import signal
import threading
import types
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

State = Literal["unanswered", "not yet", "right"]
SYMBOLS: dict[State, str] = {"unanswered": "○", "not yet": "✗", "right": "✓"}
SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"
LIMIT_SECONDS = 10  # for one call of a learner's function
EXACT = 1e-9  # two computations of one thing differ by less


class NotYet(Exception):
    """Stops a judgment; its text is the sentence that the learner reads."""


class NeverReturned(NotYet):
    """Stops a judgment, and all that would follow in the same verdict: a function ran too long."""


class _TimeUp(BaseException):
    """Raised inside a learner's function; no Exception, so that a net of the learner's doesn't catch it."""


class Unanswered(Exception):
    """Stops a judgment: the answer, or a part of it, is still the ``...`` of the exercise."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: how it is judged and what is said to its learner.

    Parameters
    ----------
    id : str
        Chapter and number, as in ``"3.2"``.
    judge : callable
        Takes the answer; returns None when it is right, else the sentence that helps. A `Scoreboard` is
        a judge that reports several behaviors, one line each.
    hints : sequence of str
        From a nudge to nearly there; at least two.
    why : str
        One sentence on why the right answer matters.
    slips : callable
        Returns the declared wrong answers, each with its sentence; the tests hand them in.
    """

    id: str
    judge: Callable[[Any], str | None]
    hints: Sequence[str]
    why: str
    slips: Callable[[], Iterable[tuple[Any, str]]] = tuple


@dataclass(frozen=True)
class Scoreboard:
    """A judge for one answer with many behaviors.

    Parameters
    ----------
    behaviors : sequence of (str, callable)
        A behavior's name and its judge, which takes the answer and returns None or the sentence that helps.
    """

    behaviors: Sequence[tuple[str, Callable[[Any], str | None]]]


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
            problem, board = _problem_and_board(exercise.judge.behaviors, answer)
        else:
            problem = _problem(exercise.judge, answer)
    except Unanswered:
        nudge = f'replace the ... above and run this cell again.  hint("{exercise.id}") gives a nudge.'
        return Verdict(exercise.id, "unanswered", nudge)
    except NeverReturned as stop:  # the rest of a board would wait as long
        return Verdict(exercise.id, "not yet", str(stop))
    if problem is None:
        return Verdict(exercise.id, "right", exercise.why, board)
    return Verdict(exercise.id, "not yet", problem, board)


def _problem(judge: Callable[[Any], str | None], answer: Any) -> str | None:
    """Run one judge; an exception, the learner's or ours, becomes a sentence."""
    try:
        return judge(answer)
    except (Unanswered, NeverReturned):
        raise
    except NotYet as stop:
        return str(stop)
    except KeyboardInterrupt:
        raise NeverReturned("interrupted before it was judged. Is there a loop that never ends?") from None
    except BaseException as error:
        # An answer of a kind that no judge thought of must not end in a traceback, sys.exit or pytest.fail either.
        return (
            f"this answer could not be judged, {describe_error(error)}. Is it of the kind that is asked for?"
        )


def _problem_and_board(behaviors: Sequence, answer: Any) -> tuple[str | None, tuple[str, ...]]:
    """Return the sentence over a board, None when every behavior holds, and the board's lines."""
    found = {name: _problem(judge, answer) for name, judge in behaviors}
    broken = [name for name, problem in found.items() if problem is not None]
    if not broken:
        return None, tuple(f"{SYMBOLS['right']} {name}" for name in found)
    if len(broken) == len(found) and len(set(found.values())) == 1:  # one for all: it is no function, say
        return found[broken[0]], ()
    held = f"{len(found) - len(broken)} of {len(found)} behaviors hold. Begin with the first that doesn't."
    lines, told = [], set()
    for name, problem in found.items():
        sentence = "as above." if problem in told else problem
        told.add(problem)
        mark = SYMBOLS["right" if problem is None else "not yet"]
        lines.append(f"{mark} {name}" if problem is None else f"{mark} {name}: {sentence}")
    return held, tuple(lines)


# What a notebook calls -------------------------------------------------------------------------------------

_states: dict[str, State] = {}
_hints_given: dict[str, int] = {}


def check(id: str, answer: Any) -> None:
    """Print the verdict on an answer, and remember it for `progress`: what was right stays right."""
    said = verdict(id, answer)
    with contextlib.suppress(LookupError):
        known = find(id).id
        if _states.get(known) != "right":
            _states[known] = said.state
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
    print(f"{exercise.id}  one way to a right answer:\n\n{found}")


def progress() -> None:
    """Print the state of every exercise of the chapters checked in this notebook, then of its twelve calls."""
    from utils.exercises.calls import gain  # which itself needs this module

    chapters = sorted({int(id.split(".")[0]) for id in _states})
    gained = gain()
    if not chapters and not gained:
        print("Nothing checked yet in this notebook: run an exercise's cell first.")
    for chapter in chapters:
        ids = [exercise.id for exercise in load_chapter(chapter)]
        right = sum(_states.get(id) == "right" for id in ids)
        print(f"Chapter {chapter:02d}: {right} of {len(ids)} right")
        for id in ids:
            state = _states.get(id, "unanswered")
            print(f"  {id}  {SYMBOLS[state]} {'not answered yet' if state == 'unanswered' else state}")
    if gained:
        print(gained)


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
    """Return the answer as a float; a text, a truth value, several values or nan stop the judgment."""
    value = _unwrapped(answer)
    if not isinstance(value, numbers.Real | Decimal) or isinstance(value, bool):
        raise NotYet(f"a number is expected, this is {describe(value)}.")
    if not np.isfinite(float(value)):
        raise NotYet(f"a finite number is expected, this is {float(value)}.")
    return float(value)


def one_number(result: Any) -> float:
    """Return what a function returned as a float; unlike an answer's, an array of one is no number."""
    if np.ndim(result) > 0 and not isinstance(result, str | bytes | dict | set):
        raise NotYet(f"a number is expected, this is {describe(result)}.")
    return as_number(result)


def as_choice(answer: Any, choices: Sequence[str]) -> str:
    """Return the answer as one of the choices, however it is typed; anything else stops the judgment."""
    value = _unwrapped(answer)
    if isinstance(value, str):
        for choice in choices:
            letter = len(choice) == 1 and re.match(rf"\W*{re.escape(choice)}\s*[.:)]", value, re.IGNORECASE)
            if letter or _plain_words(value) == _plain_words(choice):
                return choice
    listed = ", ".join(f'"{choice}"' for choice in choices)
    raise NotYet(f"choose one of {listed}; this is {describe(value)}.")


def _plain_words(text: str) -> str:
    """Return a text in one case, without what may stand around it: B., (b), don’t, do not, cannot."""
    plain = re.sub("['\u2019\u2018`\u00b4]", "", text).strip(" .,:;()*\t\n").casefold()
    return plain.replace("do not", "dont").replace("cannot", "cant")


def as_flag(answer: Any) -> bool:
    """Return the answer, True, False, 1 or 0, as a truth value; anything else stops the judgment."""
    value = _unwrapped(answer)
    if isinstance(value, bool) or (isinstance(value, numbers.Real) and value in (0, 1)):
        return bool(value)
    raise NotYet(f"True or False is expected, this is {describe(value)}.")


def as_array(answer: Any, *, size: int | None = None) -> np.ndarray:
    """Return the answer as a one-dimensional array of finite floats; anything else stops the judgment."""
    answer = _listed(answer)
    if isinstance(answer, str | bytes | dict | set) or np.ndim(answer) == 0:
        raise NotYet(f"a list or an array of numbers is expected, this is {describe(answer)}.")
    if np.ndim(answer) != 1:
        raise NotYet(f"a one-dimensional array is expected, this one has the shape {np.shape(answer)}.")
    kind = getattr(answer, "dtype", np.dtype(object)).kind
    if kind not in "iuf":  # numbers of any kind are taken, texts and truth values are not
        for value in answer:
            if isinstance(value, str | bytes | bool | np.bool_):
                raise NotYet(f"every value should be a number, but one is {describe(value)}.")
    try:
        array = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise NotYet("a list or an array of numbers is expected, this one holds something else.") from None
    if size is not None and array.size != size:
        raise NotYet(f"{size} values are expected, these are {array.size}.")
    if not np.isfinite(array).all():
        raise NotYet("every value should be a finite number, but some are nan or infinite.")
    return array


def as_parts(answer: Any, names: Sequence[str]) -> list[Any]:
    """Return the parts of an answer in the order of their names.

    They may come as a tuple, list, Series or array, as a generator, or by name in a dictionary or a Series.
    """
    answer = _listed(answer)
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = answer.tolist()
    wanted = [_plain_words(name) for name in names]
    by_name = answer if isinstance(answer, Mapping) else None
    if hasattr(answer, "index") and hasattr(answer, "to_dict"):  # a Series; one without names counts from 0
        by_name = answer.to_dict() if all(isinstance(name, str) for name in answer.index) else None
        answer = answer.tolist()
    if by_name is None and isinstance(answer, list | tuple) and answer:  # pairs, as items() gives them
        pairs = [part for part in answer if isinstance(part, tuple) and len(part) == 2]
        if len(pairs) == len(answer) and all(_plain_words(str(name)) in wanted for name, _ in pairs):
            by_name = dict(pairs)
    if by_name is not None:
        given = {_plain_words(str(name)): value for name, value in by_name.items()}
        missing = [name for name, plain in zip(names, wanted, strict=True) if plain not in given]
        if missing:
            raise NotYet(
                f"{_and(missing)} {'is' if len(missing) == 1 else 'are'} missing; give {_and(names)}."
            )
        return [given[name] for name in wanted]
    if isinstance(answer, str | bytes | set) or not hasattr(answer, "__len__") or len(answer) != len(names):
        raise NotYet(f"{len(names)} things are expected, ({', '.join(names)}); this is {describe(answer)}.")
    return list(answer)


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(map(str, words[:-1])), str(words[-1])]))


def _unwrapped(answer: Any) -> Any:
    """Return the one value that an array, a Series, a list or a generator holds; anything else as it is."""
    answer = _listed(answer)
    if isinstance(answer, list | tuple) and len(answer) == 1:
        return _unwrapped(answer[0]) if answer[0] is not answer else answer
    with contextlib.suppress(AttributeError, TypeError, ValueError, RuntimeError):
        return answer.item()  # of an array, a Series, a tensor; more than one value raise
    return answer


def _listed(answer: Any) -> Any:
    """Return a generator, an iterator or a range as the list of what it yields, at most a million values."""
    if isinstance(answer, range | types.GeneratorType | map | filter | zip):
        return list(itertools.islice(answer, 1_000_000))
    return answer


def as_function(answer: Any) -> Callable:
    """Return the answer when it can be called; anything else stops the judgment."""
    if not callable(answer):
        raise NotYet(f"a function is expected, this is {describe(answer)}. Pass it without brackets.")
    return answer


@contextlib.contextmanager
def time_limit(case: str):
    """Stop with `NeverReturned` what takes too long, and what the learner interrupts.

    Where the system has no timer signals (Windows) only the interrupt ends it.
    """
    sentence = f"your function had not returned after {{}} for {case}. Is there a loop that never ends?"

    def stop(signum, frame):
        raise _TimeUp

    timed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if timed:
        before = signal.signal(signal.SIGALRM, stop)
        # Again and again: a bare except around the endless part would swallow a single one.
        signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS, 0.5)
    try:
        yield
    except _TimeUp:
        raise NeverReturned(sentence.format(f"{LIMIT_SECONDS:g} seconds")) from None
    except KeyboardInterrupt:
        raise NeverReturned(sentence.format("as long as you waited")) from None
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def call(function: Callable, *args: Any, case: str, **kwargs: Any) -> Any:
    """Return what the learner's function returns for one case; its exception becomes a sentence.

    What it prints or warns of is not shown.

    Parameters
    ----------
    function : callable
        The learner's.
    *args, **kwargs
        What it is called with, handed over as copies, so that a function that changes what it is given
        spoils no later call.
    case : str
        The case in words, as in "an empty array"; it ends the sentence "your function raised … for …".

    Raises
    ------
    NotYet
        When the function raises or, as `NeverReturned`, takes longer than `LIMIT_SECONDS`.
    Unanswered
        When it returns ``...``.
    """
    return watched_call(function, args, kwargs, case)[0]


def watched_call(function: Callable, args: Sequence, kwargs: Mapping, case: str) -> tuple[Any, bool, bool]:
    """Return a call's result, whether it printed, and whether it changed what it was given."""
    handed, handed_by_name = copy.deepcopy((list(args), dict(kwargs)))
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings(), time_limit(case):
            warnings.simplefilter("ignore")
            result = function(*handed, **handed_by_name)
            result = _listed(result)  # a generator runs the learner's code when it is read
    except NeverReturned:
        raise
    except BaseException as error:
        raise NotYet(f"your function raised {describe_error(error)} for {case}.") from error
    if result is Ellipsis:
        raise Unanswered
    pairs = itertools.chain(
        zip(args, handed, strict=True), ((kwargs[name], handed_by_name[name]) for name in kwargs)
    )
    return result, bool(printed.getvalue().strip()), not all(itertools.starmap(_unchanged, pairs))


def _unchanged(before: Any, after: Any) -> bool:
    """Return whether data are still what they were; a generator of randomness may have been drawn from."""
    if hasattr(before, "equals"):
        return bool(before.equals(after))
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and all(
            a is b or a == b or (a != a and b != b)
            for a, b in zip(before.ravel().tolist(), after.ravel().tolist(), strict=True)
        )
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_unchanged(before[key], after[key]) for key in before)
    return True


def same_result(given: Any, expected: Any, *, rtol: float = EXACT, atol: float = EXACT) -> bool:
    """Return whether a number, a text, an array or None is the expected one; arrays need the same shape."""
    if given is None or expected is None or isinstance(given, str) or isinstance(expected, str):
        return type(given) is type(expected) and given == expected
    kind = complex if np.iscomplexobj(given) or np.iscomplexobj(expected) else float
    given, expected = np.asarray(given, dtype=kind), np.asarray(expected, dtype=kind)
    return given.shape == expected.shape and bool(
        np.allclose(given, expected, rtol=rtol, atol=atol, equal_nan=True)
    )


def describe(answer: Any) -> str:
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


def describe_error(error: BaseException) -> str:
    """Name an exception: its kind, and the first line of its text."""
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


# Declaring exercises ---------------------------------------------------------------------------------------


def number_exercise(
    id: str,
    *,
    right: float | Callable[[], float],
    within: float,
    slips: Mapping[Any, str] | Callable[[], Mapping[Any, str]],
    otherwise: str | Callable[[float], str],
    hints: Sequence[str],
    why: str,
    slips_within: float | None = None,
) -> Exercise:
    """Return an exercise that asks for one number.

    Parameters
    ----------
    right : float or callable
        The number, or a function that computes it when it is first needed.
    within : float
        How far off an answer may be and still be right.
    slips : mapping of float to str, or callable that returns one
        What a wrong idea gives, and what it is; the engine says "close to", since a number may be near it
        by chance: ``{66: "the count of slow requests. A share is a part of all."}``.
    otherwise : str or callable
        What is said of any other number; it must not print the right one.
    slips_within : float, optional
        How near a slip is recognized; `within` unless given.
    """

    @cache
    def known() -> tuple[float, list[tuple[float, str]]]:
        table = slips() if callable(slips) else slips
        return float(right() if callable(right) else right), [(float(at), text) for at, text in table.items()]

    def judge(answer: Any) -> str | None:
        value = as_number(answer)
        truth, table = known()
        for at, text in table:  # an exact slip is one, however near the truth
            if abs(value - at) <= EXACT * abs(at) < EXACT + abs(at - truth) and abs(at - truth) > EXACT:
                return f"close to {text}"
        if abs(value - truth) <= within:
            return None
        near = [(abs(value - at), text) for at, text in table]
        near += [(abs(value - factor * truth) / abs(factor), text) for factor, text in _NUMBER_SLIPS if truth]
        distance, text = min(near)
        if distance <= (within if slips_within is None else slips_within):
            return f"close to {text}"
        return otherwise(value) if callable(otherwise) else otherwise

    return Exercise(id, judge, hints, why, lambda: [(at, text) for at, text in known()[1]])


_NUMBER_SLIPS = (
    (-1, "what is asked for with the other sign. Which of the two is taken from which?"),
    (100, "what is asked for in percent: did you multiply by 100?"),
    (1_000, "a thousand times what is asked for. In which unit is it asked for?"),
    (1 / 1_000, "a thousandth of what is asked for. In which unit is it asked for?"),
)


def choice_exercise(
    id: str,
    *,
    right: str | Mapping[str, str],
    choices: Sequence[str],
    slips: Mapping[Any, str],
    hints: Sequence[str],
    why: str,
) -> Exercise:
    """Return an exercise that asks to choose, once or once for each of several parts.

    Parameters
    ----------
    right : str or mapping of str to str
        The right choice, or the right choice by the name of each part.
    choices : sequence of str
        What may be chosen.
    slips : mapping
        What is said of each wrong choice; with parts its keys are ``(part, choice)``, or a part alone for all
        its other wrong choices.
    """
    parts = {"": right} if isinstance(right, str) else dict(right)

    def judge(answer: Any) -> str | None:
        given = [answer] if isinstance(right, str) else as_parts(answer, list(parts))
        said = {part: as_choice(value, choices) for part, value in zip(parts, given, strict=True)}
        for part, choice in said.items():
            if choice != parts[part]:
                return slips.get((part, choice) if part else choice) or slips[part]
        return None

    def wrong() -> Iterable[tuple[Any, str]]:
        for part, truth in parts.items():
            for choice in choices:
                if choice != truth:
                    sentence = slips.get((part, choice) if part else choice) or slips[part]
                    yield ({**parts, part: choice} if part else choice), sentence

    return Exercise(id, judge, hints, why, wrong)


Cases = Sequence[tuple] | Mapping[str, tuple] | Callable[[], Sequence[tuple] | Mapping[str, tuple]]


def function_exercise(
    id: str,
    *,
    slips: Mapping[Callable, str],
    hints: Sequence[str],
    why: str,
    further: Callable[[Callable], str | None] | None = None,
    **table: Any,
) -> Exercise:
    """Return an exercise that asks for a function, judged by what it returns for a table of cases.

    Parameters
    ----------
    slips, **table
        As `judge_function` takes them.
    further : callable, optional
        A last judge in code, for what the table cannot see; takes the function when all cases are right.
    """

    def judge(answer: Any) -> str | None:
        problem = judge_function(answer, slips=slips, **table)
        return problem or (further(answer) if further else None)

    return Exercise(id, judge, hints, why, lambda: list(slips.items()))


def judge_function(
    answer: Any,
    *,
    cases: Cases,
    right: Callable,
    slips: Mapping[Callable, str],
    returns: Callable[[Any], Any] = one_number,
    within: float = 1e-6,
) -> str | None:
    """Judge a function by what it returns for a table of cases.

    The engine tries what learners do to any function before it shows the first case that fails: it returns
    percent, or rounds, swaps or ignores an argument, prints, changes what it is given.

    Parameters
    ----------
    cases : sequence of tuple, mapping of str to tuple, or callable that returns either
        The arguments of each call; by name where the arguments do not speak for themselves, as in
        ``{"samples with ties": (…)}``.
    right : callable
        The function; its arguments' names stand in diagnoses.
    slips : mapping of callable to str
        Wrong functions, each with the sentence for whoever wrote it.
    returns : callable
        Takes one result apart: `one_number`, `as_array`, …
    within : float
        How far off, relative to the larger of 1 and the result, a right number may be.
    """
    function = as_function(answer)
    names = list(inspect.signature(right).parameters)
    table = cases() if callable(cases) else cases
    if not isinstance(table, Mapping):
        table = {_arguments(names, case): case for case in table}

    args = list(table.values())
    truth = _results(right, args, returns)

    raw, prints, changes = [], False, False
    for case, arguments in table.items():
        result, printed, changed = watched_call(function, arguments, {}, case)
        prints, changes = prints or printed, changes or changed
        raw.append(result)
    if all(result is None for result in raw) and any(value is not None for value in truth):
        printing = (
            "It prints: return the result in place of printing it." if prints else "Is a return missing?"
        )
        raise NotYet(f"your function returns None. {printing}")
    try:
        given = [_taken(returns, result, case) for case, result in zip(table, raw, strict=True)]
    except NotYet as stop:  # swapped arguments may lead to no number at all
        for results, sentence in _swapped(names, args, right, lambda result: result):
            if _explains(range(len(raw)), raw, results):
                return sentence
        raise stop

    tried = [(_results(slip, args, returns), sentence) for slip, sentence in slips.items()]
    if len(given) > 1 and all(same_result(value, given[0]) for value in given):
        what = (
            f"your function returns {_value(given[0])} for every case. Does it use what it is given, or the "
        )
        tried.append((given, what + "notebook's variables?"))
    tried += _general_slips(names, args, right, truth, returns)
    diagnosis = _slip(given, truth, tried)
    if diagnosis:
        return diagnosis
    if all(same_result(a, b, rtol=within, atol=within) for a, b in zip(given, truth, strict=True)):
        return "your function changes what it was given. Work on a copy." if changes else None
    ignored = _ignored_argument(function, args, right, returns)
    if ignored is not None:
        return (
            f"your function returns the same whatever `{names[ignored]}` is. Does it use a fixed value, or a "
            "variable of the notebook, in its place?"
        )
    for case, result, expected in zip(table, given, truth, strict=True):
        if not same_result(result, expected, rtol=within, atol=within):
            return f"for {case} your function returns {_value(result)}; {_value(expected)} is expected."
    raise AssertionError("no case is wrong")


def _taken(returns: Callable, result: Any, case: str) -> Any:
    try:
        return returns(result)
    except NotYet as stop:
        raise NotYet(f"for {case}: {stop}") from None


def _results(function: Callable, args: Sequence[tuple], returns: Callable) -> list[Any]:
    """Return what one of our own functions gives for each case, NotImplemented where it can't say."""
    results = []
    for case in args:
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                warnings.simplefilter("ignore")
                result = function(*copy.deepcopy(case))
            results.append(None if result is None else returns(result))
        except Exception:  # a slip that raises, or an argument that cannot be swapped
            results.append(NotImplemented)
    return results


def _slip(given: Sequence, truth: Sequence, tried: list[tuple[list, str]]) -> str | None:
    """Return the sentence of what explains the results: all of them, else all or most of the wrong ones."""
    # Rounding to a billionth is no slip.
    wrong = [i for i, value in enumerate(given) if not same_result(value, truth[i], rtol=1e-7, atol=EXACT)]
    if not wrong:
        return None
    for results, sentence in tried:
        if _explains(range(len(given)), given, results):
            return sentence
    for share in (1, 2 / 3):  # guards such as max(1, …) may hide a slip in some of the cases
        for results, sentence in tried:
            if len(wrong) > 1 and _explains(wrong, given, results, share):
                return sentence
    return None


def _explains(wrong: Sequence[int], given: Sequence, results: Sequence, share: float = 1) -> bool:
    hits = sum(results[i] is not NotImplemented and _same_or_false(given[i], results[i]) for i in wrong)
    return hits == len(wrong) if share == 1 else hits >= max(2, share * len(wrong))


def _same_or_false(given: Any, result: Any) -> bool:
    try:
        return same_result(given, result)
    except (TypeError, ValueError):
        return False


def _general_slips(names, args, right, truth, returns) -> list[tuple[list, str]]:
    """Return what any function may do wrong: another unit or sign, rounding, arguments swapped."""
    found = []

    def add(change: Callable[[np.ndarray], Any], sentence: str) -> None:
        try:
            changed = [change(np.asarray(value, dtype=float)) for value in truth]
        except (TypeError, ValueError):  # texts, None
            return
        found.append((changed, sentence))

    for factor, unit in (
        (100, "100 times what is expected: did you return percent?"),
        (1_000, "1,000 times what is expected: a count per thousand, or another unit?"),
        (1 / 1_000, "a thousandth of what is expected: seconds in place of ms?"),
        (-1, "what is expected with the other sign: which is taken from which?"),
    ):
        add(lambda value, factor=factor: factor * value, f"your function returns {unit}")
    add(
        lambda value: 1 - value,
        "your function returns one minus what is expected: is it the other side's share?",
    )
    add(np.abs, "your function loses the sign of the result.")
    for decimals in range(6):
        add(
            lambda value, decimals=decimals: np.round(value, decimals),
            "your function rounds. Return the number as it is, and round where you print it.",
        )
    add(np.trunc, "your function cuts the decimals off. Return the number as it is.")
    return found + _swapped(names, args, right, returns)


def _swapped(names, args, right, returns) -> list[tuple[list, str]]:
    """Return the results of the right function with two of its arguments swapped, for each two."""
    found = []
    for i, j in itertools.combinations(range(len(names)), 2):
        swapped = [list(case) for case in args]
        for case in swapped:
            if j < len(case):
                case[i], case[j] = case[j], case[i]
        found.append(
            (
                _results(right, swapped, returns),
                f"your function returns what is expected with `{names[i]}` and `{names[j]}` swapped.",
            )
        )
    return found


def _ignored_argument(
    function: Callable, args: Sequence[tuple], right: Callable, returns: Callable
) -> int | None:
    """Return the place of an argument that changes nothing, found by varying one at a time."""
    if len(args[0]) < 2:
        return None
    for i in range(len(args[0])):
        seen = 0
        for case, other in itertools.islice(itertools.permutations(args, 2), 12):
            if i >= min(len(case), len(other)):
                continue
            varied = (*case[:i], other[i], *case[i + 1 :])
            want = _results(right, [case, varied], returns)
            if NotImplemented in [value for value in want if not isinstance(value, np.ndarray)]:
                continue
            if _same_or_false(*want):
                continue  # the truth does not change either
            got = _results(lambda *a: call(function, *a, case="a varied case"), [case, varied], returns)
            if any(value is NotImplemented for value in got) or not _same_or_false(*got):
                break
            seen += 1
        else:
            if seen:
                return i
    return None


def _arguments(names: Sequence[str], case: tuple) -> str:
    """Return a case in words: ``alpha = 0.05 and checks = 24``."""
    return _and([f"{name} = {_value(value)}" for name, value in zip(names, case, strict=False)])


def _value(value: Any) -> str:
    """Return a value as a sentence shows it; of many values only how many, and their mean."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, numbers.Real | np.ndarray) and np.ndim(value) == 0:
        return f"{float(value):.6g}"
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        if value.size <= 12 and value.ndim == 1:
            return "[" + ", ".join(_value(part) for part in value.tolist()) + "]"
        return f"an array of {value.size:,} values with the mean {value.mean():.4g}"
    if isinstance(value, list | tuple) and len(value) <= 12:
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value) if value is None or isinstance(value, str) else describe(value)
