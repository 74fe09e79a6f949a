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
    call,
    function_exercise,
    number_exercise,
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


def _outside(center, spread, judged, width=3):
    return np.mean(np.abs(judged - center) > width * spread)


def _flagged_share(historical, recent, ddof=0):
    return _outside(historical.mean(), historical.std(ddof=ddof), recent)


_FLAGGED_SHARE = function_exercise(
    "5.1",
    cases=_samples,
    right=[
        lambda historical, recent: _flagged_share(historical, recent),
        lambda historical, recent: _flagged_share(historical, recent, ddof=1),
    ],
    slips={  # h and r are the historical and the recent requests
        lambda h, r: _flagged_share(r, r): (
            "the rule was trained on the recent requests. A rule that learns from what it judges finds drift "
            "ordinary: which sample did it know?"
        ),
        lambda h, r: _flagged_share(np.concatenate([h, r]), r): (
            "the rule was trained on historical and recent requests together. Which of them may it know?"
        ),
        lambda h, r: _flagged_share(h, h): (
            "this is the flagged share of the historical requests. Which ones arrive after the drift?"
        ),
        lambda h, r: _flagged_share(h, np.concatenate([h, r])): (
            "this is the flagged share of historical and recent requests together. Which of them are judged?"
        ),
        lambda h, r: np.mean(r > h.mean() + 3 * h.std()): (
            "only slow requests are counted. Is a request odd that ends far too early?"
        ),
        lambda h, r: np.mean(r < h.mean() - 3 * h.std()): (
            "only fast requests are counted. Which other limit is there?"
        ),
        lambda h, r: 0.0: (
            "nothing is ever flagged. Does a request have to lie below one limit and above the other at once? Or "
            "is the spread a variance?"
        ),
        lambda h, r: _outside(h.mean(), r.std(), r): (
            "the center is a historical one, the spread a recent one. Which of the two was learned?"
        ),
        lambda h, r: _outside(r.mean(), h.std(), r): (
            "the spread is a historical one, the center a recent one. Which of the two was learned?"
        ),
        lambda h, r: _outside(h.mean(), h.std(), r, width=2): (
            "this rule draws its line at two standard deviations. How many does its name say?"
        ),
        lambda h, r: _outside(h.mean(), h.std(), r, width=1.5): (
            "this rule is three standard deviations wide altogether. How far does it reach to each side?"
        ),
        lambda h, r: _outside(h.mean(), h.std() / np.sqrt(len(h)), r): (
            "this rule takes the standard error of a mean. How far do single requests spread?"
        ),
        lambda h, r: np.mean((r < h.min()) | (r > h.max())): (
            "this flags what lies beyond the historical extremes. Which two numbers does a three-sigma rule learn?"
        ),
        lambda h, r: _flagged_share(h, r) - _flagged_share(h, h): (
            "this is by how much the flagged share has grown. How large is it on the recent requests?"
        ),
        lambda h, r: _flagged_share(h, r) * len(r) / len(h): (
            "the flagged recent requests are divided by the number of historical ones. A share of what is asked for?"
        ),
        lambda h, r: _flagged_share(h, r) * len(r): "this is a count. A share lies between 0 and 1.",
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


_BRACKETS = "a division goes before a sum. What belongs in brackets, for all of it to stand below the line?"

_PRECISION = function_exercise(
    "5.2",
    cases=[(0.02, 0.86, 0.003), (0.02, 0.78, 0.024), (0.001, 0.9, 0.01), (0.5, 0.7, 0.2), (0.3, 0.5, 0.1)],
    right=_precision,
    slips={  # f, r and a are failing, recall and false_alarm_rate
        lambda f, r, a: r / (r + a): (
            "this forgets how rare failures are. How many healthy requests are there to be wrong about?"
        ),
        lambda f, r, a: 1 - a: (
            "this is the share of healthy requests that pass. Precision asks about the flagged ones only."
        ),
        lambda f, r, a: 1 - _precision(f, r, a): (
            "this is the share of flagged requests that were healthy. Precision is the other part."
        ),
        lambda f, r, a: r: (
            "this is the recall: the share of failures that get flagged. Precision looks from the other side: "
            "which share of the flags are failures?"
        ),
        lambda f, r, a: f * r: (
            "this is the share of all requests that are flagged and failed. What is left to divide by: how many "
            "are flagged at all?"
        ),
        lambda f, r, a: f * r / (f * r + a): (
            "the false alarms are counted over all requests. From which ones can a false alarm come?"
        ),
        lambda f, r, a: f / (f + (1 - f) * a): (
            "this counts every failure as flagged. Which part of them does the detector catch?"
        ),
        lambda f, r, a: f * r / (f + (1 - f) * a): (
            "below the line every failure counts as flagged. Which part of them does the detector catch?"
        ),
        lambda f, r, a: _precision(f, r, 1 - a): (
            "the healthy requests that pass are counted as flagged. Which share of them raises an alarm?"
        ),
        lambda f, r, a: f * r / ((1 - f) * a): (
            "these are the true flags for each false one. By how many flags is a share of all flags divided?"
        ),
        lambda f, r, a: f * r / (f * r) + (1 - f) * a: _BRACKETS,
        lambda f, r, a: f * r / f * r + (1 - f) * a: _BRACKETS,
        lambda f, r, a: f * r + (1 - f) * a: (
            "this is the share of all requests that get flagged. Which part of those failed?"
        ),
        lambda f, r, a: f * r + (1 - f) * (1 - a): (
            "this is the share of all requests that are judged right. Which part of the flags is?"
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
    handed = latencies.copy()

    def limits(_):
        try:
            return function(handed)
        except AttributeError:  # the chapter's own rows are columns of a table
            import pandas as pd

            return function(pd.Series(handed))

    pair = as_parts(call(limits, None, case=case), ["low", "high"])
    if not np.array_equal(handed, latencies):
        raise NotYet("your function changes what it was given. Work on a copy.")
    return np.array([as_number(value) for value in pair])


def robust_limits(answer):
    """Judge limits from healthy rows, from rows with an incident in them, in another unit and elsewhere."""
    function = as_function(answer)
    rng = np.random.default_rng(53)
    clean, spoiled = rng.normal(165, 22, (2, 4_000))
    spoiled += 80 * (rng.random(4_000) < 0.1)
    given = _limits(function, clean, "4,000 healthy latencies")
    for center, spread in ((np.mean, np.std), (np.median, _mad)):
        for width in (spread(clean), 3 * spread(clean)):
            if np.allclose(given, [center(clean), width], rtol=1e-3):
                return "this is a center and a width. Which two limits do they draw?"
            if np.allclose(given, [-width, width], rtol=1e-3):
                return "these are distances to each side. Around which center?"
    if given[0] > given[1]:
        return "the lower limit comes first, then the upper one."
    wanted = clean.mean() + clean.std() * np.array([-3, 3])
    if np.allclose(given, wanted / 1_000, atol=0.005):
        return "these are limits in seconds, for latencies in ms. In which unit are they asked for?"
    seconds = _limits(function, clean / 1_000, "the same latencies in seconds")
    if np.allclose(seconds, given, rtol=1e-3):
        return (
            "your function returns the same pair for ms and for seconds. Does it use the latencies that it gets, "
            "or numbers and variables of the notebook?"
        )
    too_narrow, too_wide = (
        np.max(side * (given - wanted)) for side in (np.array([1, -1]), np.array([-1, 1]))
    )
    if too_narrow > 5:
        outside = np.mean((clean < given[0]) | (clean > given[1]))
        return (
            f"on healthy requests the limits are too narrow, by {too_narrow:.0f} ms: they flag {outside:.1%} of "
            "them, where three standard deviations flag 0.3 %. Were healthy rows cut off, or does your measure of "
            "spread need a factor to stand for one standard deviation?"
        )
    if too_wide > 5:
        return (
            f"on healthy requests the limits are {too_wide:.0f} ms wider than mean plus and minus three standard "
            "deviations. Which factor turns your measure of spread into one standard deviation?"
        )
    moved = np.max((_limits(function, spoiled, "latencies with an incident in them") - given) * (-1, 1))
    if moved > 20:
        return (
            f"one slow request in ten moves a limit by {moved:.0f} ms. Part of your rule still follows the "
            "slowest requests: look at both, the center and the spread."
        )
    later = _limits(function, clean + 1_000, "the same latencies, all 1,000 ms later")
    if not np.allclose([*seconds * 1_000, *later - 1_000], [*given, *given]):
        return (
            "in seconds, or all 1,000 ms later, the same latencies have limits that do not follow. Is a number of "
            "ms, or a rounding, written into your rule? Or does its width depend on the center?"
        )
    return None


# 5.4: rows to retrain on -----------------------------------------------------------------------------------


def _other_rows(value):
    if value < 2 or value != int(value) or int(value) & (int(value) - 1):
        return "the question asks for a power of two: 2, 4, 8, …"
    if value > 65_536:
        return "no drift waits for that many requests. Far fewer are enough: halve until they are not."
    if value > 128:
        return "that is enough, but is a smaller power of two enough as well? Drift does not wait."
    return (
        "with a spread estimated from a handful of rows a rule is a lottery ticket. For which share of the rules "
        "does the rate stay below the limit at that size?"
    )


_ROWS = number_exercise(
    "5.4",
    right=128,
    within=0,
    slips={
        16: "the size at which a typical rule is accepted. You get one of them: is it typical 19 times in 20?",
        32: "the size at which the average rate is below the limit. You get one rule: is it an average one?",
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


def _scores(name, trained_on=None, ddof=0, sides=(-3, 3)):
    """Return precision, recall, and the shares judged right, of healthy requests that pass, and flagged."""
    historical, nights = _nights()
    latency_ms, failed = nights[name]["latency_ms"], nights[name]["failed"]
    learned = historical if trained_on is None else trained_on(nights[name])
    flagged = ~latency_ms.between(*(learned.mean() + np.multiply(sides, learned.std(ddof=ddof))))
    caught = np.sum(flagged & failed)
    judged_right, passing = np.mean(flagged == failed), np.mean(~flagged[~failed])
    return caught / flagged.sum(), caught / failed.sum(), judged_right, passing, flagged.mean()


def _wrong_scores(name):
    precision, recall, judged_right, passing, flagged = _scores(name)
    rare = (
        "what you get when one of the two counts healthy requests that pass. With failures so rare, what does a "
        "detector score there that flags nothing?"
    )
    return {
        (recall, precision): (
            "the two with their places changed: which of them is a share of the flagged requests?"
        ),
        _scores(name, lambda night: night["latency_ms"])[:2]: (
            "the scores of limits trained on this very night. Which limits are in use?"
        ),
        _scores("AB".replace(name, ""))[:2]: "the scores of the other night. Which one is asked about?",
        _scores(name, sides=(-np.inf, 3))[:2]: (
            "the scores of the upper limit alone. On which sides does the rule flag?"
        ),
        _scores(name, sides=(-2, 2))[:2]: (
            "the scores of limits at two standard deviations. Which limits are in use?"
        ),
        (judged_right, recall): rare,
        (precision, judged_right): rare,
        (passing, recall): rare,
        (precision, passing): rare,
        (flagged, recall): "the flagged share and the recall. How many of the flagged requests had failed?",
        (1 - precision, recall): "one minus the precision, and the recall. What makes a flag right?",
        (
            precision,
            1 - recall,
        ): "the precision, and the share of failures that were missed. Which were caught?",
        (1 - precision, 1 - recall): "one minus what is asked for, twice. What makes a flag right?",
    }


def _night_exercise(id, name, decision, against, **said):
    """Return the exercise about one night: its evidence first, then the decision."""

    def judge(answer):
        decided, *shares = as_parts(answer, ["decision", "precision", "recall"])
        decided, shares = (
            as_choice(decided, (*DECISIONS, "do not page")),
            [as_number(share) for share in shares],
        )

        def are(pair, within=0.006):  # two decimals or better
            return np.allclose(shares, pair, rtol=0, atol=within)

        right = [_scores(name, ddof=ddof)[:2] for ddof in (0, 1)]
        if not any(map(are, right)):
            if min(shares) < 0 or max(shares) > 1:
                return "precision and recall are shares, between 0 and 1."
            for pair, sentence in _wrong_scores(name).items():
                if are(pair):
                    return f"close to {sentence}"
            if any(are(pair, within=0.05) for pair in right):
                return "nearly: give both shares to two decimals or better, as they are counted."
            return (
                "the scores are not those of the limits `low` and `high` on this night. Of the flagged requests, how "
                "many failed? Of the failed ones, how many were flagged?"
            )
        if (decided == "page") != (decision == "page"):
            return f"the evidence is right, and it speaks against the decision. {against}"
        return None

    return Exercise(
        id,
        judge,
        slips=lambda: [((decision, *pair), text) for pair, text in _wrong_scores(name).items()],
        **said,
    )


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
        "Hold both numbers against the team's rule: can a KS test that does not reject overrule a measured loss?",
        hints=(
            "Measure both numbers before you decide; one of them looks as good as ever.",
            "Recall is a share of the failed requests: how many of them lie outside the limits?",
        ),
        why="the inputs hardly show a failure that looks like an ordinary request; labels do.",
    ),
)
