"""The exercises of chapter 00: How do I use this?"""

from __future__ import annotations

import numpy as np

from utils.exercises.engine import Exercise, NotYet, as_function, as_number, call
from utils.simulate import HISTORICAL_MEAN_MS, RECENT_MEAN_MS, course_latencies

SLOW_MS = 190


def _close(value: float, other: float, tolerance: float) -> bool:
    return abs(value - other) <= tolerance


# 0.1 --------------------------------------------------------------------------------------------------------


def judge_how_much_slower(answer) -> str | None:
    """Judge the difference of the two means of the course's data, in ms."""
    slower_ms = as_number(answer)
    historical, recent = course_latencies()
    _, control = course_latencies(drifted=False)
    right = recent.mean() - historical.mean()
    if _close(slower_ms, right, 0.05):
        return None
    if _close(slower_ms, -right, 0.05):
        return (
            "the size is right, the sign is not. What is slower than what? Start from the recent "
            "requests, so that slower comes out as a positive number."
        )
    if _close(slower_ms, recent.mean(), 0.5) or _close(slower_ms, historical.mean(), 0.5):
        return "this is the mean of one data set. How much slower asks for the distance between two of them."
    if _close(slower_ms, RECENT_MEAN_MS - HISTORICAL_MEAN_MS, 1e-9):
        return (
            "this is the distance that the simulation was told to make. The samples that it drew came out "
            "a little different: measure them."
        )
    if any(
        _close(slower_ms, a.mean() - b.mean(), 0.0005)
        for a, b in ((recent, control), (control, recent), (control, historical), (historical, control))
    ):
        return "this is a distance from or to the no-drift control. The question asks for the other two data sets."
    if _close(slower_ms, np.median(recent) - np.median(historical), 0.05):
        return "this is the distance between the medians. A good number, but the question asks for the means."
    if any(_close(slower_ms, right / mean * scale, 0.002 * scale) for scale in (1, 100) for mean in (
        historical.mean(), recent.mean()
    )):  # fmt: skip
        return "this is a distance relative to a mean. The question asks for it in ms."
    if _close(slower_ms, recent.mean() / historical.mean(), 0.002):
        return (
            "this is one mean divided by the other. The question asks for the distance between them, in ms."
        )
    if _close(slower_ms, right, 0.6):
        return "close, but rounded. Hand in the number as it was computed, or with one decimal at least."
    if _close(abs(slower_ms), abs(historical - np.resize(recent, historical.size)).mean(), 0.5):
        return "this compares requests pair by pair, but they do not come in pairs: take the means first."
    return "take the mean of each data set first, then the recent one minus the historical one."


# 0.2 --------------------------------------------------------------------------------------------------------


def judge_share_of_slow_requests(answer) -> str | None:
    """Judge the share of the recent requests that took longer than 190 ms."""
    share = as_number(answer)
    historical, recent = course_latencies()
    _, control = course_latencies(drifted=False)
    right = (recent > SLOW_MS).mean()
    if _close(share, right, 0.0005):
        return None
    if _close(share, (recent > SLOW_MS).sum(), 0.5):
        return "this counts the slow requests. A share is that count divided by how many requests there are."
    if _close(share, 100 * right, 0.05):
        return "this is a percentage. A share lies between 0 and 1."
    if _close(share, (recent <= SLOW_MS).mean(), 0.0005):
        return f"this is the share of the fast requests. Which ones took longer than {SLOW_MS} ms?"
    if _close(share, (historical > SLOW_MS).mean(), 0.0005):
        return "this is the share among the historical requests. The question asks about the recent ones."
    if _close(share, (control > SLOW_MS).mean(), 0.0005):
        return "this is the share in the no-drift control. The question asks about the recent requests."
    if _close(share, (recent > SLOW_MS).sum() / historical.size, 0.0005):
        return "the slow requests are counted well, but divided by the size of the other data set."
    if _close(share, right / (historical > SLOW_MS).mean(), 0.01):
        return "this is how many times as large the share has become. The question asks for the share itself."
    if _close(share, 1.1 * (historical > SLOW_MS).mean(), 0.0005):
        return "this is a tenth more than the historical share, as if it grew with the mean. Count, and see."
    if _close(share, (recent > SLOW_MS).sum() / (historical.size + recent.size), 0.0005):
        return "the slow requests are counted well, but divided by the requests of both data sets together."
    if _close(share, right, 0.008):
        return "close, but rounded or counted a little differently. Hand in the number as it was computed."
    if not 0 <= share <= 1:
        return f"a share lies between 0 and 1, this is {share:g}."
    return f"compare every recent request with {SLOW_MS} ms; the mean of the True and False is the share."


# 0.3 --------------------------------------------------------------------------------------------------------


def judge_mean_shift_function(answer) -> str | None:
    """Judge a function of two samples by what it returns for many pairs of them."""
    mean_shift = as_function(answer)
    rng = np.random.default_rng(0)
    pairs = [
        (rng.gamma(9, 16, size=rng.integers(5, 60)), rng.gamma(9, shift_to, size=rng.integers(5, 60)))
        for shift_to in np.linspace(10, 25, 12)
    ]
    right = np.array([recent.mean() - historical.mean() for historical, recent in pairs])
    said = []
    for historical, recent in pairs:
        result = call(mean_shift, historical, recent, case="two samples of different size")
        if result is None:
            raise NotYet("your function returns None. Does it print the number in place of returning it?")
        if np.size(result) != 1:
            raise NotYet("one number is expected of each pair of samples, your function returns several.")
        said.append(as_number(result))
    said = np.array(said)
    if np.allclose(said, right, rtol=0, atol=1e-6):
        return None
    if np.ptp(said) == 0:
        return (
            "your function returns the same number for every pair of samples. Does it use the samples that "
            "it is given, or the data that stand outside of it?"
        )
    if np.allclose(said, [recent.mean() for _, recent in pairs]):
        return "this is the mean of the second sample. By how much does it differ from that of the first?"
    if any(np.ptp(said - [sign * pair[i].mean() for pair in pairs]) < 1e-6 for i, sign in ((0, -1), (1, 1))):
        return (
            "your function uses one of the two samples that it is given, and for the other one data that stand "
            "outside of it."
        )
    if np.allclose(said, -right):
        return "slower should be positive: which of the two samples do you subtract from which?"
    if np.allclose(said, np.abs(right)) or np.allclose(said, np.maximum(right, 0)):
        return "a service can also become faster. Your function reports that as slower: the sign is lost."
    if np.allclose(said, np.trunc(right)) or any(
        np.allclose(said, np.round(right, decimals), rtol=0, atol=1e-9) for decimals in range(5)
    ):
        return "your function rounds. Return the number as it is, and round where you print it."
    if np.allclose(said, [np.median(recent) - np.median(historical) for historical, recent in pairs]):
        return "this is the distance between the medians. The question asks for the means."
    relative = right / [historical.mean() for historical, _ in pairs]
    if any(np.allclose(said, ratio) for ratio in (1 + relative, relative, 100 * relative)):
        return "this is a ratio. The question asks for a difference, in ms."
    wrong = int(np.argmax(np.abs(said - right)))
    return (
        f"for samples with the means {pairs[wrong][0].mean():.1f} and {pairs[wrong][1].mean():.1f} ms your "
        f"function returns {said[wrong]:.1f}. What would you return, by hand?"
    )


EXERCISES = (
    Exercise(
        id="0.1",
        judge=judge_how_much_slower,
        hints=(
            "`recent.mean()` is the mean of the recent latencies, in ms.",
            "Subtract one mean from the other, so that a slower service gives a positive number.",
        ),
        why="the recent requests are slower by about a tenth, and that is the drift you saw in the picture.",
    ),
    Exercise(
        id="0.2",
        judge=judge_share_of_slow_requests,
        hints=(
            f"`recent > {SLOW_MS}` is an array of True and False, one for each request.",
            "The mean of True and False, counted as 1 and 0, is the share of True.",
        ),
        why="a tenth slower on average, and several times as many slow requests: a detector that counts beyond "
        "an edge feels a small shift as a large one.",
    ),
    Exercise(
        id="0.3",
        judge=judge_mean_shift_function,
        hints=(
            "It is your answer to 0.1, with `return` before it, and with the two samples as the function's "
            "own.",
            "`np.mean(recent)` is one of the two numbers that you need.",
        ),
        why="a comparison that is a function can be asked of every pair of samples, also of the pair in "
        "which nothing has changed.",
    ),
)
