"""The exercises of chapter 05: what drift does to a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from utils.exercises.engine import (
    DECISIONS,
    Exercise,
    NotYet,
    as_choice,
    as_function,
    as_number,
    call,
    known_slip,
)
from utils.simulate import course_latencies, night


def _rule_in_use() -> tuple[float, float]:
    """Return the limits in ms of the three-sigma rule trained on the course's historical latencies."""
    historical, _ = course_latencies()
    return historical.mean() - 3 * historical.std(), historical.mean() + 3 * historical.std()


# 5.1 --------------------------------------------------------------------------------------------------------

_SHIFTS_AND_SPREADS_MS = ((15, 22), (-60, 20), (0, 45), (60, 8), (0, 20))


def _pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return historical and recent samples on which different mistakes give different shares."""
    rng = np.random.default_rng(51)
    return [
        (rng.normal(150, 20, 800), rng.normal(150 + shift_ms, spread_ms, 400))
        for shift_ms, spread_ms in _SHIFTS_AND_SPREADS_MS
    ]


def _outside(trained_on: np.ndarray, judged: np.ndarray, ddof: int = 0, width: float = 3) -> float:
    center, spread = trained_on.mean(), trained_on.std(ddof=ddof)
    return float(np.mean(np.abs(judged - center) > width * spread))


def judge_flagged_share(answer: Any) -> str | None:
    """Compare the learner's shares with the three-sigma rule's, then with those of known mistakes."""
    function = as_function(answer)
    pairs = _pairs()
    shares = [
        as_number(call(function, historical, recent, case="two samples of latencies"))
        for historical, recent in pairs
    ]
    if any(np.allclose(shares, [_outside(*pair, ddof) for pair in pairs], atol=1e-9) for ddof in (0, 1)):
        return None
    diagnosis = known_slip(pairs, shares, _FLAGGING_MISTAKES)
    if diagnosis:
        return diagnosis
    right = [_outside(*pair) for pair in pairs]
    worst = int(np.argmax(np.abs(np.subtract(shares, right))))
    shift_ms, spread_ms = _SHIFTS_AND_SPREADS_MS[worst]
    return (
        f"for recent requests {shift_ms:+d} ms away, with a spread of {spread_ms} ms, your function says "
        f"{shares[worst]:.4g} and the three-sigma rule flags {right[worst]:.4g}. Train on the first sample, "
        "count in the second, on both sides."
    )


def _trained_on_recent(historical, recent):
    return np.mean(np.abs(recent - recent.mean()) > 3 * recent.std())


def _trained_on_both(historical, recent):
    both = np.concatenate([historical, recent])
    return np.mean(np.abs(recent - both.mean()) > 3 * both.std())


def _slow_side_only(historical, recent):
    return np.mean(recent > historical.mean() + 3 * historical.std())


def _in_percent(historical, recent):
    return 100 * _outside(historical, recent)


def _flagged_before(historical, recent):
    return _outside(historical, historical)


def _on_both_sides_at_once(historical, recent):
    low, high = historical.mean() - 3 * historical.std(), historical.mean() + 3 * historical.std()
    return np.mean((recent < low) & (recent > high))


def _spread_of_recent(historical, recent):
    return np.mean(np.abs(recent - historical.mean()) > 3 * recent.std())


def _center_of_recent(historical, recent):
    return np.mean(np.abs(recent - recent.mean()) > 3 * historical.std())


def _two_sigma(historical, recent):
    return _outside(historical, recent, width=2)


def _share_that_passes(historical, recent):
    return 1 - _outside(historical, recent)


def _divided_by_historical(historical, recent):
    return _outside(historical, recent) * len(recent) / len(historical)


def _count(historical, recent):
    return _outside(historical, recent) * len(recent)


_FLAGGING_MISTAKES = (
    (
        _trained_on_recent,
        "the rule was trained on the recent requests. A rule that learns from what it judges finds drift "
        "ordinary.",
    ),
    (
        _trained_on_both,
        "the rule was trained on historical and recent requests together. It may know only the first.",
    ),
    (
        _flagged_before,
        "this is the flagged share of the historical requests. Which ones arrive after the drift?",
    ),
    (_slow_side_only, "only slow requests are counted. A request that ends far too early is odd as well."),
    (
        _on_both_sides_at_once,
        "no request is below one limit and above the other at once. Either one is enough to be flagged.",
    ),
    (
        _spread_of_recent,
        "the center is a historical one, the spread a recent one. Which of the two was learned?",
    ),
    (
        _center_of_recent,
        "the spread is a historical one, the center a recent one. Which of the two was learned?",
    ),
    (_two_sigma, "this rule draws its line at two standard deviations."),
    (_share_that_passes, "this is the share that passes. Which side of the limits gets flagged?"),
    (
        _divided_by_historical,
        "the flagged recent requests are divided by the number of historical ones. A share of what is asked for?",
    ),
    (_count, "this is a count. A share lies between 0 and 1."),
    (_in_percent, "this is a percentage. A share lies between 0 and 1."),
)


# 5.2 --------------------------------------------------------------------------------------------------------

_DAYS = ((0.02, 0.86, 0.003), (0.02, 0.78, 0.024), (0.001, 0.9, 0.01), (0.5, 0.7, 0.2), (0.3, 0.5, 0.1))


def judge_expected_precision(answer: Any) -> str | None:
    """Compare with true and false alarms counted in an imagined million requests, over several days."""
    function = as_function(answer)
    given = [
        as_number(call(function, *day, case="failing={}, recall={}, false_alarm_rate={}".format(*day)))
        for day in _DAYS
    ]
    right = [_precision_by_counting(*day) for day in _DAYS]
    if np.allclose(given, right, atol=1e-6):
        return None
    diagnosis = known_slip(_DAYS, given, _PRECISION_MISTAKES, atol=1e-6)
    if diagnosis:
        return diagnosis
    if np.allclose(given, right, atol=0.006):
        return "this looks like the precision, rounded. Return it with all its digits."
    return (
        "for failing={}, recall={}, false_alarm_rate={} ".format(*_DAYS[0])
        + f"your function says {given[0]:.3g}. Imagine a million requests: how many are flagged and failed, "
        "how many are flagged and healthy?"
    )


def _precision_by_counting(failing, recall, false_alarm_rate):
    flagged_and_failed = 1_000_000 * failing * recall
    flagged_and_healthy = 1_000_000 * (1 - failing) * false_alarm_rate
    return flagged_and_failed / (flagged_and_failed + flagged_and_healthy)


def _precision_from_odds(failing, recall, false_alarm_rate):
    odds = failing / (1 - failing) * recall / false_alarm_rate
    return odds / (1 + odds)


def _base_rate_forgotten(failing, recall, false_alarm_rate):
    return recall / (recall + false_alarm_rate)


def _share_of_healthy_that_pass(failing, recall, false_alarm_rate):
    return 1 - false_alarm_rate


def _false_share(failing, recall, false_alarm_rate):
    return 1 - _precision_by_counting(failing, recall, false_alarm_rate)


def _recall_itself(failing, recall, false_alarm_rate):
    return recall


def _flagged_and_failed(failing, recall, false_alarm_rate):
    return failing * recall


def _false_alarms_of_all(failing, recall, false_alarm_rate):
    return failing * recall / (failing * recall + false_alarm_rate)


def _true_to_false_flags(failing, recall, false_alarm_rate):
    return failing * recall / ((1 - failing) * false_alarm_rate)


def _share_flagged(failing, recall, false_alarm_rate):
    return failing * recall + (1 - failing) * false_alarm_rate


def _precision_in_percent(failing, recall, false_alarm_rate):
    return 100 * _precision_by_counting(failing, recall, false_alarm_rate)


_PRECISION_MISTAKES = (
    (
        _base_rate_forgotten,
        "this forgets how rare failures are. There are many more healthy requests to be wrong about.",
    ),
    (
        _share_of_healthy_that_pass,
        "this is the share of healthy requests that pass. Precision asks about the flagged ones only.",
    ),
    (
        _false_share,
        "this is the share of flagged requests that were healthy. Precision is the other part.",
    ),
    (
        _recall_itself,
        "this is the recall: the share of failures that get flagged. Precision looks from the other side, at "
        "the share of flags that are failures.",
    ),
    (
        _flagged_and_failed,
        "this is the share of all requests that are flagged and failed. What is left to divide by: how many "
        "are flagged at all?",
    ),
    (
        _false_alarms_of_all,
        "the false alarms are counted over all requests. A false alarm can come from a healthy request only.",
    ),
    (
        _true_to_false_flags,
        "these are the true flags for each false one. A share divides by all flags, the true and the false.",
    ),
    (_share_flagged, "this is the share of all requests that get flagged. Which part of those failed?"),
    (_precision_in_percent, "this is a percentage. A share lies between 0 and 1."),
)


# 5.3 --------------------------------------------------------------------------------------------------------


def _healthy(rng: np.random.Generator, incident: float = 0.0, rows: int = 4_000) -> np.ndarray:
    latency_ms = rng.normal(165, 22, rows)
    return latency_ms + 80 * (rng.random(rows) < incident)


def judge_robust_limits(answer: Any) -> str | None:
    """Ask for limits from healthy rows, from rows with an incident in them, and in another unit."""
    function = as_function(answer)
    rng = np.random.default_rng(53)
    clean = _healthy(rng)
    low, high = _limits(call(function, clean, case="4,000 healthy latencies"))
    if low > high:
        return "the lower limit comes first, then the upper one."
    wanted_low, wanted_high = clean.mean() - 3 * clean.std(), clean.mean() + 3 * clean.std()
    if wanted_high - high > 5 or low - wanted_low > 5:
        outside = np.mean((clean < low) | (clean > high))
        return (
            f"on healthy requests the limits are too narrow: they flag {outside:.1%} of them, where three "
            "standard deviations flag 0.3 %. Were healthy rows cut off, or does your measure of spread need a "
            "factor to stand for one standard deviation?"
        )
    if high - wanted_high > 5 or wanted_low - low > 5:
        return "on healthy requests the limits are more than 5 ms wider than mean plus and minus three sd."
    spoiled = _healthy(rng, incident=0.10)
    spoiled_low, spoiled_high = _limits(call(function, spoiled, case="latencies with an incident in them"))
    moved = max(spoiled_high - high, low - spoiled_low)
    if moved > 20:
        return (
            f"one slow request in ten moves a limit by {moved:.0f} ms. Part of your rule still follows the "
            "slowest requests: look at both, the center and the spread."
        )
    seconds = _limits(call(function, clean / 1_000, case="the same latencies in seconds"))
    if not np.allclose(seconds, np.array([low, high]) / 1_000, rtol=1e-6):
        return "in seconds the limits are other ones. A number in milliseconds is written into your rule."
    shifted = _limits(call(function, clean + 1_000, case="the same latencies, all 1,000 ms later"))
    if not np.allclose(shifted, np.array([low, high]) + 1_000, rtol=1e-6):
        return "latencies that are all slower by the same amount should move both limits by that amount."
    return None


def _limits(pair: Any) -> tuple[float, float]:
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise NotYet("a pair is expected from your function: the lower limit, the upper limit.") from None
    return as_number(low), as_number(high)


# 5.4 --------------------------------------------------------------------------------------------------------


def _share_of_good_retrainings(rows: int, limit: float = 0.01, repeats: int = 4_000) -> float:
    """Return the share of three-sigma rules, each trained on so many healthy rows, that keep the limit."""
    rng = np.random.default_rng(54)
    sample = rng.normal(size=(repeats, rows))
    center, spread = sample.mean(axis=1), sample.std(axis=1)
    rates = stats.norm.cdf(center - 3 * spread) + stats.norm.sf(center + 3 * spread)
    return float(np.mean(rates < limit))


def judge_rows_for_retraining(answer: Any) -> str | None:
    """Retrain thousands of rules on that many rows, and on half of them."""
    rows = as_number(answer)
    if rows != int(rows) or rows < 1 or int(rows) & (int(rows) - 1):
        return "the question asks for a power of two."
    if rows > 65_536:
        return "no drift waits for that many requests. Far fewer are enough: halve until they are not."
    share = _share_of_good_retrainings(int(rows)) if rows > 1 else 0.0
    if share < 0.5:
        return (
            f"of rules trained on so few requests only {share:.0%} stay below the limit: with a spread "
            "estimated from a handful of rows a rule is a lottery ticket."
        )
    if share < 0.95:
        return (
            f"only {share:.0%} of the rules trained on so many rows stay below the limit. You get one of them, not "
            "their average."
        )
    if _share_of_good_retrainings(int(rows) // 2) >= 0.95:
        return "that is enough, but a smaller power of two is enough as well. Drift does not wait."
    return None


# 5.5 and 5.6 ------------------------------------------------------------------------------------------------


def _scores(requests: pd.DataFrame, limits: tuple[float, float]) -> tuple[float, float]:
    """Return precision and recall of a pair of limits."""
    flagged = ~requests["latency_ms"].between(*limits)
    caught = int((flagged & requests["failed"]).sum())
    return caught / int(flagged.sum()), caught / int(requests["failed"].sum())


def judge_night(name: str) -> Callable[[Any], str | None]:
    """Return the judge of one night: precision and recall measured anew, then the decision."""

    def judge(answer: Any) -> str | None:
        """Compare the evidence with the night's own scores, then the decision with the evidence."""
        if not isinstance(answer, tuple | list) or len(answer) != 3:
            return 'give three things: (decision, precision, recall), the decision "page" or "don\'t page".'
        decision = as_choice(answer[0], DECISIONS)
        problem = _evidence_problem(as_number(answer[1]), as_number(answer[2]), night(name))
        if problem is not None:
            return problem
        should_page = min(_scores(night(name), _rule_in_use())) < 0.5
        if (decision == "page") == should_page:
            return None
        if should_page:
            return (
                "the evidence is right, and it speaks against the decision. Hold both numbers against the "
                "team's rule; a KS test that does not reject cannot overrule a measured loss."
            )
        return (
            "the evidence is right, and it speaks against the decision. The latencies did change, but the "
            "team's rule asks what the change does to the detector."
        )

    return judge


def _evidence_problem(precision: float, recall: float, requests: pd.DataFrame) -> str | None:
    """Return what is wrong with a pair of scores, or None."""

    def given(*pair: float) -> bool:
        return bool(np.allclose((precision, recall), pair, atol=0.006))

    right_precision, right_recall = _scores(requests, _rule_in_use())
    if given(right_precision, right_recall):
        return None
    if given(right_recall, right_precision):
        return "precision and recall have changed places: precision is a share of the flagged requests."
    if max(precision, recall) > 1 or min(precision, recall) < 0:
        return "precision and recall are shares, between 0 and 1."
    center, spread = requests["latency_ms"].mean(), requests["latency_ms"].std()
    if given(*_scores(requests, (center - 3 * spread, center + 3 * spread))):
        return (
            "these are the scores of limits trained on this very night. The detector in use is the old one."
        )
    flagged = ~requests["latency_ms"].between(*_rule_in_use())
    accuracy = float(np.mean(flagged == requests["failed"]))
    if given(accuracy, right_recall) or given(right_precision, accuracy):
        return (
            "one of these is the share of requests that were judged right. With failures so rare, a detector "
            "that flags nothing scores as high."
        )
    if given(1 - right_precision, right_recall):
        return "this precision is the share of flagged requests that were healthy. Take the other part."
    if given(right_precision, 1 - right_recall):
        return "this recall is the share of failures that were missed. Take the other part."
    return (
        "the scores are not those of the limits `low` and `high` on this night. Of the flagged requests, how "
        "many failed? Of the failed ones, how many were flagged?"
    )


EXERCISES = (
    Exercise(
        id="5.1",
        judge=judge_flagged_share,
        hints=(
            "The mean and the standard deviation come from one of the two samples only.",
            "`np.abs(recent - center) > 3 * spread` is True where a request is flagged; its mean is a share.",
        ),
        why="the rule stays as it was trained, the requests do not, and more of them cross its limits.",
    ),
    Exercise(
        id="5.2",
        judge=judge_expected_precision,
        hints=(
            "Imagine 10,000 requests. How many fail? How many of those are flagged?",
            "Flagged and failed: failing * recall. Flagged and healthy: (1 - failing) * false_alarm_rate. "
            "Precision is a share of both together.",
        ),
        why="when failures are rare, a small false-alarm rate fills the pager with healthy requests.",
    ),
    Exercise(
        id="5.3",
        judge=judge_robust_limits,
        hints=(
            "The median hardly moves when one request in ten is slow. Which measure of spread does the same?",
            "The median of the distances from the median, times 1.4826, estimates the standard deviation of "
            "normal data.",
        ),
        why="limits that a minority hardly moves survive an unnoticed incident in the training data.",
    ),
    Exercise(
        id="5.4",
        judge=judge_rows_for_retraining,
        hints=(
            "Call `retrained_rates` for the sizes 2, 4, 8, … and take `np.mean(rates < 0.01)` of each.",
            "Look for the first size at which that share is above 0.95, not at the mean rate.",
        ),
        why="you get one rule, not the average of many: take enough rows that a bad one is rare.",
    ),
    Exercise(
        id="5.5",
        judge=judge_night("A"),
        hints=(
            "Flag with the limits given, then use `score`, or count: flagged and failed, flagged, failed.",
            "The rule speaks of precision and recall only. Does either fall below one half?",
        ),
        why="the test found a real change that does the detector no harm: a ticket for tomorrow, not a page.",
    ),
    Exercise(
        id="5.6",
        judge=judge_night("B"),
        hints=(
            "Measure both numbers before you decide; one of them looks as good as ever.",
            "Recall is a share of the failed requests: how many of them lie outside the limits?",
        ),
        why="the inputs hardly show a failure that looks like an ordinary request; labels do.",
    ),
)
