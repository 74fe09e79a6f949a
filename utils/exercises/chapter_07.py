"""Exercises of chapter 07, "Is KS the right ruler?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_choice,
    as_function,
    as_parts,
    call,
    function_exercise,
    number_exercise,
    one_number,
    watched_call,
)

_ON_A_COPY = "your function changes what it was given. Work on a copy."

# 7.1: how far the requests moved ---------------------------------------------------------------------------

_MOVED = number_exercise(
    "7.1",
    right=19.4,
    within=1.1,
    slips={
        **dict.fromkeys((10, 9.95), "what one of the two moves makes by itself. Do the others not move?"),
        0.05: "how far the mean moved. Do moves in opposite directions cancel in an area without a sign?",
        0.995: "the share that got faster. How far did it move?",
        2_000: "how far the hanging requests moved. Over how many requests is the average?",
    },
    slips_within=0.02,
    otherwise="the area between the curves is another one. Or simulate: what does `stats.wasserstein_distance` say?",
    hints=(
        "Each move contributes its share of the requests times its milliseconds. Which moves are there?",
        "Moves in both directions count. Or draw many requests, move them, and call `stats.wasserstein_distance`.",
    ),
    why="moves in both directions add up, where in a mean they cancel; and the sum is in milliseconds.",
)


# 7.2: a ruler for a service with a cache -------------------------------------------------------------------

_QUIET_PAIRS, _DRIFTED_PAIRS, _WINDOW, _POWER = 400, 200, 500, 0.7
_TWO_WINDOWS = "two windows of 500 latencies"


@cache
def _catalog_pairs():
    """Return quiet pairs of windows of the catalog service, and pairs that got 3 % slower."""
    rng = np.random.default_rng(705)
    shape = (2, _QUIET_PAIRS + _DRIFTED_PAIRS, _WINDOW)
    normal, cached = rng.normal(size=shape), rng.random(shape) < 0.1
    before, after = 150 * np.exp(0.13 * normal) * np.where(cached, 0.1, 1)
    after[_QUIET_PAIRS:] *= 1.03
    return before, after


def ruler_for_catalog(answer):
    """Judge a measure by its power on the catalog service, calibrated to 5 % false alarms."""
    function = as_function(answer)

    def distances(befores, afters):
        pairs = zip(befores, afters, strict=True)
        return np.array([one_number(call(function, *pair, case=_TWO_WINDOWS)) for pair in pairs])

    before, after = _catalog_pairs()
    found = distances(before, after)
    quiet, drifted = found[:_QUIET_PAIRS], found[_QUIET_PAIRS:]
    if np.unique(found).size <= 5:
        return "your function returns hardly any different numbers. How is a threshold to be set on them?"
    low, high = np.quantile(quiet, [0.05, 0.95])
    power = np.mean(drifted > high)
    message = f"calibrated to 5 % false alarms it catches {power:.0%} of these drifts."
    if power >= _POWER:
        for name, far in (("before", (2 * before[:5], after[:5])), ("after", (before[:5], 2 * after[:5]))):
            moved = distances(*far)
            if np.allclose(moved, quiet[:5]):
                return f"your number is the same whatever `{name}` is. Distance from what is it?"
            if np.median(moved) <= high:
                return f"your number has a direction: a slower `{name}` makes it no larger. Should it?"
        changes = watched_call(function, (before[0], after[0]), {}, _TWO_WINDOWS)[2]
        return _ON_A_COPY if changes else None
    if np.mean(drifted < low) > 0.5:
        return "drifted pairs get smaller numbers than quiet ones. Which way should they go?"
    if power < 0.2:
        return f"{message} That is hardly better than the false alarms: does it look where this drift is?"
    cache_faster = [np.where(one[:20] < 50, one[:20] / 2, one[:20]) for one in (before, after)]
    if np.allclose(distances(*cache_faster), quiet[:20]):
        return f"{message} What does it throw away, as unordered bins and single quantiles do?"
    return f"{message} How much do a few cached requests, more or less, move it on quiet days?"


_RULER = Exercise(
    id="7.2",
    judge=ruler_for_catalog,
    hints=(
        "power_table takes the function that makes healthy windows: give it catalog_windows.",
        "Which measures are not moved by how far away a cached request is?",
        "Those that see only the order of the values do well here; return the statistic of one of them.",
    ),
    why="you chose by measured power on this service's own quiet windows, and the winner elsewhere lost.",
)


# 7.3: a threshold for PSI ----------------------------------------------------------------------------------

_HISTORY, _BINS, _FLOOR = 1_200, 20, 0.0001


@cache
def _quiet_psi():
    """Return PSI in twentieths of history for quiet windows of 150; it depends on the order only."""
    rng = np.random.default_rng(704)
    # what lies, in truth, between the twentieths of a sample of that size
    masses = rng.dirichlet(np.full(_BINS, _HISTORY / _BINS), size=20_000)
    q = np.maximum(rng.multinomial(150, masses) / 150, _FLOOR)
    return np.sum((q - 1 / _BINS) * np.log(q * _BINS), axis=1)


def _other_thresholds():
    quiet = _quiet_psi()
    return {
        0.128: "what ten bins need. How many bins are there here?",
        **dict.fromkeys((0.1, 0.2), "a rule of thumb. How many quiet windows of 150 does it flag?"),
        0.05: "the share that may be flagged. Which PSI do so few quiet windows exceed?",
        np.quantile(quiet, 0.05): "the wrong end of the quiet values: how many of them should lie above?",
        np.mean(quiet): "an average of the quiet values: how many of them lie above it?",
        np.quantile(quiet, 0.975): "what 2.5 % of quiet windows exceed. Has PSI a second side?",
        np.quantile(quiet, 0.99): "what one quiet window in a hundred exceeds. Which share is asked for?",
    }


def _flagged(threshold):
    share = np.mean(_quiet_psi() > threshold)
    return f"this flags {share:.1%} of quiet windows of 150. Which quantile leaves 5 % above, against 1,200?"


_THRESHOLD = number_exercise(
    "7.3",
    right=lambda: np.quantile(_quiet_psi(), 0.95),
    within=0.013,  # three times the standard error of the quantile of 2,000 quiet windows
    slips=_other_thresholds,
    slips_within=0.002,
    otherwise=_flagged,
    hints=(
        "Draw many quiet pairs, 1,200 against 150 requests, and compute PSI for each.",
        "bin_counts(histories, windows, bins=20) counts all of them at once, and psi takes what it returns.",
        "The threshold is the 0.95 quantile of these values.",
    ),
    why="the threshold now belongs to your window: with another size or other bins, draw again.",
)


# 7.4: categories -------------------------------------------------------------------------------------------


def _p_of(table):
    from scipy.special import chdtrc  # brings scipy, for which other exercises need not wait

    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return chdtrc(table.shape[1] - 1, np.sum((table - expected) ** 2 / expected))


def _p_by(test):
    """Return the function that counts both samples, a column for each category, and tests the table."""

    def category_p_value(historical, recent):
        names = sorted(set(historical) | set(recent))
        return test(np.array([[np.sum(sample == name) for name in names] for sample in (historical, recent)]))

    return category_p_value


def _one_p(result):
    if hasattr(result, "pvalue") or (isinstance(result, tuple) and len(result) > 1):
        raise NotYet("the p-value alone is asked for, this is more. Which field of the result is it?")
    if not 0 <= one_number(result) <= 1:
        raise NotYet("a p-value lies between 0 and 1. Is this the statistic?")
    return one_number(result)


@cache
def _label_pairs():
    """Return pairs of arrays of labels, in an order that tells nothing; none has two categories alone."""
    rng = np.random.default_rng(705)
    codes, regions = {"200": 900, "404": 60, "500": 40}, {"eu": 500, "us": 300, "asia": 200}
    gone, new = dict.fromkeys(("301", "308", "410", "429"), 2), dict.fromkeys(("418", "451", "502", "504"), 2)
    counts = {
        "two quiet windows": (codes, {"200": 452, "404": 24, "500": 24}),
        "a code that history never had": (codes, {"200": 444, "404": 27, "500": 17, "503": 12}),
        "rare codes that come and go": (codes | gone, {"200": 444, "404": 28, "500": 20} | new),
        "one request with a new code": (codes, {"200": 451, "404": 27, "500": 21, "503": 1}),
        "a code that is gone": (codes | {"304": 60}, {"200": 450, "404": 30, "500": 20}),
        "two regions that swap shares": (regions, {"eu": 250, "us": 100, "asia": 150}),
        "regions that shift": (regions, {"eu": 215, "us": 165, "asia": 120}),
        "100 requests against 100": ({"eu": 50, "us": 30, "asia": 20}, {"eu": 41, "us": 36, "asia": 23}),
    }
    return {
        case: tuple(rng.permutation(np.repeat(list(sample), list(sample.values()))) for sample in pair)
        for case, pair in counts.items()
    }


_CATEGORIES = function_exercise(
    "7.4",
    cases=_label_pairs,
    right=_p_by(_p_of),
    returns=_one_p,
    within=0.1,  # as near as a p-value by a few hundred shuffles comes, or one by likelihood
    slips={
        **dict.fromkeys(
            (
                _p_by(lambda table: _p_of(table[:, table[0] > 0])),
                _p_by(lambda table: _p_of(table[:, table[1] > 0])),
            ),
            "a category that one sample lacks is left out. Which occur in either?",
        ),
        _p_by(lambda table: _p_of(table + 0.5)): (
            "counts are added that nobody counted. How often did a new code occur before?"
        ),
        _p_by(lambda table: _p_of(table) * np.all(table > 0)): (
            "p is 0 as soon as a code is new. May one request in 500 have one by chance?"
        ),
        _p_by(lambda table: _p_of(table / table.sum(axis=1, keepdims=True))): (
            "the table holds shares. How does the test know how many requests there were?"
        ),
        _p_by(lambda table: _p_of(-np.sort(-table, axis=1))): (
            "both rows are sorted by their counts. Which category is in which column then?"
        ),
        _p_by(lambda table: _p_of(table * [[1e12], [1]])): (
            "this takes history's shares as known. Are they not counted in a sample, too?"
        ),
    },
    hints=(
        "Collect the categories of both: set(historical) | set(recent), sorted.",
        "Two rows of counts, one column a category, then stats.chi2_contingency(table).pvalue.",
    ),
    why="what has never been seen before is counted, and no rise in unknown codes can hide.",
)


# 7.5: two features together --------------------------------------------------------------------------------

_FEATURES = ("latency_ms", "payload_kb", "cpu_percent", "memory_mb", "queue_length")


def changed_together(answer):
    """Judge the names of two features, in any order."""
    named = {as_choice(name, _FEATURES) for name in as_parts(answer, ["one", "the other"])}
    if named == {"cpu_percent", "queue_length"}:
        return None
    if named == {"latency_ms", "payload_kb"}:
        return "these two go together, and strongly. In which of the two weeks?"
    if len(named) == 1:
        return "two features are asked for. What can one do together with itself?"
    if named & {"cpu_percent", "queue_length"}:
        return "one of the two is right. Which other column does the classifier need beside it?"
    return "a classifier tells the weeks apart without these two. How much AUC is lost when one is shuffled?"


_TOGETHER = Exercise(
    id="7.5",
    judge=changed_together,
    hints=(
        "Stack both tables with pd.concat, label the rows, train the tree on four folds and look at the importances.",
        "Or compare historical_week.corr() with recent_week.corr(): which entry differs most?",
    ),
    why="two columns that neither moved can have changed what they do together, and the importances name them.",
    slips=lambda: [
        (("latency_ms", "payload_kb"), "these two go together, and strongly"),
        (("cpu_percent", "memory_mb"), "one of the two is right"),
        (("memory_mb", "payload_kb"), "without these two"),
    ],
)


EXERCISES = (_MOVED, _RULER, _THRESHOLD, _CATEGORIES, _TOGETHER)
