"""Exercises of chapter 05, "So what?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    DECISIONS,
    Exercise,
    NotYet,
    as_choice,
    as_function,
    as_number,
    as_parts,
    function_exercise,
    number_exercise,
    watched_call,
)

# 5.1: the share that an old rule flags ---------------------------------------------------------------------


def _samples():
    rng = np.random.default_rng(51)
    return {
        f"recent requests {shift_ms:+d} ms away with a spread of {spread_ms} ms": (
            rng.normal(150, 20, 800),
            rng.normal(150 + shift_ms, spread_ms, 400),
        )
        for shift_ms, spread_ms in ((15, 22), (-60, 20), (0, 45), (60, 8), (0, 20))
    }


def _share(learned, judged, width=3, ddof=0):
    return np.mean(np.abs(judged - learned.mean()) > width * learned.std(ddof=ddof))


_FLAGGED_SHARE = function_exercise(
    "5.1",
    cases=_samples,
    right=[
        lambda historical, recent: _share(historical, recent),
        lambda historical, recent: _share(historical, recent, ddof=1),
    ],
    slips={  # h and r are the historical and the recent requests
        lambda h, r: _share(r, r): "the rule was trained on the recent requests. Which ones did it know?",
        lambda h, r: _share(np.concatenate([h, r]), r): (
            "the rule was trained on historical and recent requests together. Which of them may it know?"
        ),
        lambda h, r: np.mean(r > h.mean() + 3 * h.std()): (
            "only slow requests are counted. Is a request odd that ends far too early?"
        ),
        lambda h, r: 0.0: "nothing is ever flagged. Can one request lie below one limit and above the other?",
        lambda h, r: np.mean(np.abs(r - h.mean()) > 3 * r.std()): (
            "the center is a historical one, the spread a recent one. Which of the two was learned?"
        ),
        lambda h, r: _share(h, r, width=2): "the line is drawn at two sigma. How many does the name say?",
        lambda h, r: _share(h, r) * len(r): "this is a count. Which share of the recent requests is it?",
    },
    hints=(
        "The mean and the standard deviation come from one of the two samples only.",
        "`np.abs(recent - center) > 3 * spread` is True where a request is flagged; its mean is a share.",
    ),
    why="the rule stays as it was trained, the requests do not, and more of them cross its limits.",
)


# 5.2: what a flag is worth ---------------------------------------------------------------------------------


def _precision(failing, recall, false_alarm_rate):
    return failing * recall / (failing * recall + (1 - failing) * false_alarm_rate)


_PRECISION = function_exercise(
    "5.2",
    cases=[(0.02, 0.86, 0.003), (0.02, 0.78, 0.024), (0.001, 0.9, 0.01), (0.5, 0.7, 0.2), (0.3, 0.5, 0.1)],
    right=_precision,
    slips={  # f, r and a are failing, recall and false_alarm_rate
        lambda f, r, a: r / (r + a): "this forgets how rare failures are. How many requests are healthy?",
        lambda f, r, a: 1 - a: "this is the share of healthy requests that pass. How many flags are right?",
        lambda f, r, a: r: "this is the recall, a share of the failures. Which share of the flagged failed?",
        lambda f, r, a: f * r: "this is the share that is flagged and failed. How many are flagged at all?",
        lambda f, r, a: f * r / (f * r + a): (
            "the false alarms are counted over all requests. From which ones can a false alarm come?"
        ),
        lambda f, r, a: f * r / (f * r) + (1 - f) * a: (
            "a division goes before a sum. What belongs in brackets, to stand below the line?"
        ),
        lambda f, r, a: f * r + (1 - f) * a: (
            "this is the share of all requests that get flagged. Which part of those failed?"
        ),
    },
    hints=(
        "Imagine 10,000 requests. How many fail? How many of those are flagged?",
        "Flagged and failed: failing * recall. Flagged and healthy: (1 - failing) * false_alarm_rate. "
        "Precision is a share of both together.",
    ),
    why="when failures are rare, a small false-alarm rate fills the pager with healthy requests.",
)


# 5.3: limits that an incident hardly moves -----------------------------------------------------------------


def _mad(latencies):
    return 1.4826 * np.median(np.abs(latencies - np.median(latencies)))


def _limits(function, latencies, case):
    def limits(handed):
        try:
            return function(handed)
        except AttributeError:  # the chapter's own rows are columns of a table
            import pandas as pd

            return function(pd.Series(handed))

    pair, _, changes = watched_call(limits, [latencies], {}, case)
    if changes:
        raise NotYet("your function changes what it was given. Work on a copy.")
    return np.array([as_number(value) for value in as_parts(pair, ["low", "high"])])


def robust_limits(answer):
    """Judge limits from healthy rows, from rows with an incident in them, in another unit and elsewhere."""
    function = as_function(answer)
    rng = np.random.default_rng(53)
    clean, spoiled = rng.normal(165, 22, (2, 4_000))
    spoiled += 80 * (rng.random(4_000) < 0.1)
    given = _limits(function, clean, "4,000 healthy latencies")
    widths = [width * spread(clean) for width in (1, 3) for spread in (np.std, _mad)]
    if np.isclose(given[1], widths, rtol=1e-3).any():
        return "the second number is a width, no limit. Which two limits does it draw, around which center?"
    if given[0] > given[1]:
        return "the lower limit comes first, then the upper one."
    seconds = _limits(function, clean / 1_000, "the same latencies in seconds")
    later = _limits(function, clean + 1_000, "the same latencies, all 1,000 ms later")
    if not np.allclose([*seconds * 1_000, *later - 1_000], [*given, *given]):
        return (
            "in seconds, or all 1,000 ms later, the same latencies have limits that do not follow. Is a "
            "fixed number or a notebook's variable in your rule? Or does its width depend on the center?"
        )
    outwards = (-1, 1) * (given - clean.mean()) - 3 * clean.std()
    off = max(outwards, key=abs)
    if abs(off) > 5:
        return (
            f"on healthy requests a limit is {abs(off):.0f} ms too {'wide' if off > 0 else 'narrow'}. Were "
            "rows cut off, or which factor turns your measure of spread into one standard deviation?"
        )
    moved = np.max((-1, 1) * (_limits(function, spoiled, "latencies with an incident in them") - given))
    if moved > 20:
        return (
            f"one slow request in ten moves a limit by {moved:.0f} ms. Which part of your rule still follows "
            "the slowest requests, the center or the spread?"
        )
    return None


# 5.4: rows to retrain on -----------------------------------------------------------------------------------


def _other_rows(value):
    if value < 2 or np.log2(value) % 1:
        return "the question asks for a power of two: 2, 4, 8, …"
    if value > 128:
        return "that is enough, but is a smaller power of two enough as well? Drift does not wait."
    return "so few rows make a rule a lottery ticket. Which share of the rules is accepted at that size?"


_ROWS = number_exercise(
    "5.4",
    right=128,
    within=0,
    slips={
        32: "the size at which the average rate is below the limit. Is your one rule an average one?",
        64: "the size at which nine rules in ten are accepted. You get one: is that often enough?",
    },
    otherwise=_other_rows,
    hints=(
        "Call `retrained_rates` for the sizes 2, 4, 8, … and take `np.mean(rates < 0.01)` of each.",
        "Look for the first size at which that share is above 0.95, not at the mean rate.",
    ),
    why="you get one rule, not the average of many: take enough rows that a bad one is rare.",
)


# 5.5 and 5.6: two nights -----------------------------------------------------------------------------------


@cache
def _nights():
    from utils.simulate import course_latencies, night  # brings scipy, for which others need not wait

    return course_latencies()[0], {name: night(name) for name in ("A", "B")}


def _scores(name, learned=None, ddof=0, sides=(-3, 3)):
    """Return precision, recall and the share of requests that are judged right."""
    historical, nights = _nights()
    latency_ms, failed = nights[name]["latency_ms"], nights[name]["failed"]
    learned = historical if learned is None else learned
    flagged = ~latency_ms.between(*(learned.mean() + np.multiply(sides, learned.std(ddof=ddof))))
    return failed[flagged].mean(), flagged[failed].mean(), np.mean(flagged == failed)


def _wrong_scores(name):
    precision, recall, judged_right = _scores(name)
    own = _scores(name, learned=_nights()[1][name]["latency_ms"])
    other, upper = _scores("AB".replace(name, "")), _scores(name, sides=(-np.inf, 3))
    return {
        (recall, precision): "the two with their places changed. Which is a share of the flagged requests?",
        own[:2]: "the scores of limits trained on this very night. Which limits are in use?",
        other[:2]: "the scores of the other night. Which one is asked about?",
        upper[:2]: "the scores of the upper limit alone. On which sides does the rule flag?",
        (judged_right, recall): "the share judged right, and the recall. What would no flag score there?",
    }


def _night_exercise(id, name, decision, against, **said):
    """Return the exercise about one night: its evidence first, then the decision."""

    def judge(answer):
        decided, *shares = as_parts(answer, ["decision", "precision", "recall"])
        decided = as_choice(decided, (*DECISIONS, "do not page"))
        shares = [as_number(share) for share in shares]

        def are(pair):  # two decimals or better
            return np.allclose(shares, pair, rtol=0, atol=0.006)

        if not any(are(_scores(name, ddof=ddof)[:2]) for ddof in (0, 1)):
            if min(shares) < 0 or max(shares) > 1:
                return "precision and recall are shares, between 0 and 1."
            for pair, sentence in _wrong_scores(name).items():
                if are(pair):
                    return f"close to {sentence}"
            return (
                "these are not the scores of `low` and `high` on this night, to two decimals. How many of "
                "the flagged requests failed, and how many of the failed ones were flagged?"
            )
        if (decided == "page") != (decision == "page"):
            return f"the evidence is right, and it speaks against the decision. {against}"
        return None

    def slips():
        return [((decision, *pair), sentence) for pair, sentence in _wrong_scores(name).items()]

    return Exercise(id, judge, slips=slips, **said)


EXERCISES = (
    _FLAGGED_SHARE,
    _PRECISION,
    Exercise(
        "5.3",
        robust_limits,
        hints=(
            "The median hardly moves when one request in ten is slow. Which measure of spread does the same?",
            "The median of the distances from the median, times 1.4826, estimates the standard deviation of "
            "normal data.",
        ),
        why="limits that a minority hardly moves survive an unnoticed incident in the training data.",
    ),
    _ROWS,
    _night_exercise(
        "5.5",
        "A",
        "don't page",
        "The latencies did change, but what does the team's rule ask about?",
        hints=(
            "Flag with the limits given, then use `score`, or count: flagged and failed, flagged, failed.",
            "The rule speaks of precision and recall only. Does either fall below one half?",
        ),
        why="the test found a real change that does the detector no harm: a ticket for tomorrow, not a page.",
    ),
    _night_exercise(
        "5.6",
        "B",
        "page",
        "Can a KS test that does not reject overrule a measured loss?",
        hints=(
            "Measure both numbers before you decide; one of them looks as good as ever.",
            "Recall is a share of the failed requests: how many of them lie outside the limits?",
        ),
        why="the inputs hardly show a failure that looks like an ordinary request; labels do.",
    ),
)
