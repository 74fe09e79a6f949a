"""Twelve calls: should this night page? The same twelve kinds of night before, in the middle and at the end.

``call = twelve_calls(chapter, my_number)`` starts a round, ``call(1, ..., sure=...)`` shows a night, and
``call(1, "page", sure=3)`` answers it. Chapter 0 says nothing of the answers, later ones name the idea. Each
number has nights of its own, so that nobody can copy and nobody can learn a picture by heart. The answers stand
in what the saved notebooks show, and nowhere else.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from utils.exercises.engine import NotYet, as_choice, as_number
from utils.exercises.nights import ANSWER_AND_WHY, KINDS, Night, kinds, night_call, night_calls

ANSWERS = ("page", "don't page", "can't say")
POLICY = """\
Page if users wait at least 10 ms longer at the median, or 25 ms longer at the p95, than in the
approved baseline, and chance does that on fewer than one healthy night in a hundred.
Page also if more than one request in twenty has no latency.
Can't say only where the hours differ.
All else waits until morning: don't page."""
HOW = 'Answer "page", "don\'t page" or "can\'t say", and how sure you are: 1 (a guess), 2 or 3 (certain).'

__all__ = ["gain", "judged", "night_calls", "score", "stored_calls", "twelve_calls"]

Given = dict[int, tuple[int, str, int]]  # night: the learner's number, the answer, how sure
_rounds: dict[int, Given] = {}

_LINE = re.compile(
    r"^Night (\d{1,2}) of 12 \(chapter (\d\d), my number (\d{1,18})\): "
    r"(page|don't page|can't say), sure ([123]) of 3\.",
    re.ASCII,
)


def twelve_calls(chapter: int, my_number: Any) -> Callable[..., None]:
    """Start a round: print the policy and how to answer, return the function that shows and takes each night.

    Parameters
    ----------
    chapter : int
        0 notes the answers; a later one also says what is right, and why.
    my_number : int
        Any whole number of the learner's own; it makes the nights.
    """
    number = _whole(my_number)
    if number is None:
        print("Put a whole number of your own, 0 or more, in place of the ... and run this cell again.")
    else:
        print(f"{POLICY}\n\n{HOW}")
        noted = _rounds.get(chapter, {})  # the cell may be run again
        _rounds[chapter] = {n: given for n, given in noted.items() if given[0] == number}

    def call(n: int, answer: Any = ..., sure: Any = ...) -> None:
        """Show night `n`; with an answer and how sure, note it."""
        which = _whole(n)
        if number is None:
            print("Choose my_number first, in the cell that begins this round.")
        elif which is None or not 1 <= which <= 12:
            print("The nights are numbered from 1 to 12.")
        else:
            _show(night_call(number, chapter, which), which)
            print(_reply(chapter, number, which, answer, sure))

    return call


def _whole(value: Any) -> int | None:
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None
    return number if number is not None and 0 <= number < 10**18 else None


def _reply(chapter: int, number: int, n: int, answer: Any, sure: Any) -> str:
    """Return what is said of one answer, and remember it for `progress`."""
    if answer is ...:
        return HOW
    if sure is ...:
        return "Not noted: say how sure you are, too, with sure=1, 2 or 3."
    try:
        word, certainty = as_choice(answer, ANSWERS), as_number(sure)
    except NotYet as stop:
        return f"Not noted: {stop}"
    if certainty not in (1, 2, 3):
        return "Not noted: how sure you are is 1, 2 or 3."
    given, answer = _rounds.setdefault(chapter, {}), (number, word, int(certainty))
    right, why = ANSWER_AND_WHY[kinds(number, chapter)[n - 1]]
    if chapter == 0:
        given[n], said = answer, " Noted."
    else:  # the verdict has been read: what was said before it counts
        again = given.setdefault(n, answer) != answer and given[n][0] == number
        word, certainty = given[n][1:]
        said = (" This first answer counts." if again else "") + "\n"
        said += f"Right: {why}" if word == right else f"Not this one, but {right}:\n{why}"
    return f"Night {n} of 12 (chapter {chapter:02d}, my number {number}): {word}, sure {certainty:.0f} of 3.{said}"


def _show(night: Night, n: int) -> None:
    """Show a night's picture and its facts."""
    import matplotlib.pyplot as plt
    from IPython.display import display

    fig = picture(night, n)
    display(fig)
    plt.close(fig)
    print("\n".join(night.facts))


def picture(night: Night, n: int) -> Any:
    """Return a night's figure, with its quantiles as alternative text."""
    import matplotlib.pyplot as plt

    from utils import plots  # a checker needs no pictures, and they take a second to load

    fig, ax = plt.subplots(figsize=(5, 2.3), dpi=72)
    grid, alt = np.arange(60, 345, 5), f"Two density curves of night {n}."
    for sample, label, color, style in (
        (night.historical, "Historical", plots.HISTORICAL, "-"),
        (night.recent, "Recent", plots.RECENT, "--"),
    ):
        ax.plot(grid, _density(sample, grid), color=color, linestyle=style, linewidth=2, label=label)
        below = np.quantile(sample, [0.05, 0.25, 0.5, 0.75, 0.95])
        alt += (
            f" {label}: 5, 25, 50, 75 and 95 % lie below {', '.join(f'{value:.0f}' for value in below)} ms."
        )
    ax.set(xlabel="Latency (ms)", ylabel="Density", yticks=[], xlim=(60, 340), ylim=(0, None))
    ax.legend()
    fig.set_label(alt)
    return fig


def _density(sample: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return a Gaussian KDE by Scott's rule; sums over counts in 0.5 ms, since 100,000 requests would take long."""
    counts, edges = np.histogram(sample, np.arange(0, 1_000, 0.5))
    width = min(sample.std(), 30) * sample.size**-0.2
    return np.exp(-0.5 * ((grid[:, None] - edges[:-1] - 0.25) / width) ** 2) @ counts / width / sample.size


# Before and after --------------------------------------------------------------------------------------------


def stored_calls(lines: Iterable[str]) -> dict[int, Given]:
    """Return the answers in what a notebook printed, by chapter; of several to one night the last counts."""
    rounds: dict[int, Given] = {}
    for match in filter(None, map(_LINE.match, lines)):
        n, chapter, number, sure = (int(match[i]) for i in (1, 2, 3, 5))
        if 1 <= n <= 12:
            rounds.setdefault(chapter, {})[n] = (number, match[4], sure)
    return rounds


def judged(chapter: int, given: Mapping[int, tuple[int, str, int]]) -> dict[str, tuple[bool, int]]:
    """Return, for each kind that was answered, whether that was right and how sure it was."""
    found = {}
    for n, (number, answer, sure) in given.items():
        kind = kinds(number, chapter)[n - 1]
        found[kind] = (answer == ANSWER_AND_WHY[kind][0], sure)
    return found


def score(found: Mapping[str, tuple[bool, int]]) -> str:
    """Return how many of the `judged` kinds were right, of those that were answered."""
    return f"{sum(right for right, _ in found.values())} of {len(found)}"


def gain() -> str:
    """Return what `progress` says of this notebook's round beside those saved before; empty without a round."""
    if not _rounds or not any(_rounds.values()):
        return ""
    chapter = max(_rounds)
    now = judged(chapter, _rounds[chapter])
    if chapter == 0:
        return f"Twelve calls: {len(now)} of 12 noted. Save this notebook (Ctrl+S): chapter 05 compares."
    saved = ((earlier, _saved(earlier)) for earlier in (0, 5) if earlier < chapter)
    before = {earlier: judged(earlier, given) for earlier, given in saved if given}
    counts = [f"{score(found)} in chapter {earlier:02d}" for earlier, found in before.items()]
    lines = ["Twelve calls: " + ", ".join([*counts, f"{score(now)} now"])]
    if 0 not in before:
        lines.append(
            "  No calls are saved in 00_start_here.ipynb beside this notebook. If you answered there, save it."
        )
    if not before:
        return "\n".join(lines)
    first, old = min(before.items())
    both = [kind for kind in KINDS if kind in old and kind in now]
    for title, gained in ((f"new since chapter {first:02d}", 1), ("no longer", -1)):
        changed = [kind for kind in both if now[kind][0] - old[kind][0] == gained]
        lines += [f"  {title}: {', '.join(changed)}"] if changed else []
    for sure in (3, 2, 1):
        shares = [[right for right, how in found.values() if how == sure] for found in (old, now)]
        if any(shares):
            was, now_is = (f"{sum(share)} of {len(share)}" if share else "none" for share in shares)
            lines.append(f"  right when sure {sure} of 3: {was} before, {now_is} now")
    return "\n".join(lines)


def _saved(chapter: int) -> Given:
    """Return the answers in a chapter's notebook as it is saved beside this one; none where it can't be read."""
    lines: list[str] = []
    for path in sorted(Path.cwd().glob(f"{chapter:02d}_*.ipynb")):
        try:
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                for output in cell.get("outputs", ()):
                    lines += "".join(output.get("text", "")).splitlines()
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return stored_calls(lines).get(chapter, {})
