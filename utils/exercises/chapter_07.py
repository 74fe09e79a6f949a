"""Exercises of chapter 07, "Is KS the right ruler?"."""

from __future__ import annotations

from functools import cache

import numpy as np

from utils.exercises.engine import (
    Exercise,
    NotYet,
    as_function,
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
    right=10,
    within=0.5,
    slips={
        0.005: "the share that moved, the gap that D sees. How far did it move?",
        0.316: "the energy distance. Which of the two is the area itself?",
        2_000: "how far the hanging requests moved. Over how many requests is the average?",
    },
    slips_within=0.001,
    otherwise="the area between the curves is another one. How high, as a share, and how wide is the gap?",
    hints=(
        "Draw the two curves: the gap is as high as the share that moved. How wide is it?",
        "Height times width is the area, and the area is the distance.",
    ),
    why="in milliseconds a threshold can be compared with what your users can spare; D has no such unit.",
)


# 7.2: PSI --------------------------------------------------------------------------------------------------

_FLOOR = 0.0001


def _shares(counts):
    return counts / np.sum(counts)


def _psi(shares=lambda counts: np.maximum(_shares(counts), _FLOOR), weight=np.subtract):
    """Return the function for PSI with these shares, and this weight of the logarithm."""

    def psi(historical_counts, recent_counts):
        p, q = shares(historical_counts), shares(recent_counts)
        return np.sum(weight(q, p) * np.log(q / p))

    return psi


def _one_psi(result):
    if np.ndim(result) == 1:
        raise NotYet("this is a number for each bin. What does PSI do with the terms of all bins?")
    if isinstance(result, float) and not np.isfinite(result):
        raise NotYet(f"your function returns {result}. Where does the floor belong, and on how many sides?")
    return one_number(result)


_PSI = function_exercise(
    "7.2",
    cases=lambda: {
        "four filled bins": (np.array([30, 40, 20, 10]), np.array([25, 35, 22, 18])),
        "1,000 requests against 200": (np.array([100, 300, 400, 200]), np.array([35, 45, 70, 50])),
        "a bin that is empty in the recent sample": (np.array([50, 30, 20]), np.array([70, 30, 0])),
        "a bin that is empty in the historical sample": (np.array([70, 30, 0]), np.array([500, 300, 200])),
        "a bin with 2 of 100,002 requests": (np.array([60_000, 40_000, 2]), np.array([500, 300, 200])),
    },
    right=_psi(),
    returns=_one_psi,
    slips={
        _psi(weight=lambda q, p: q): "this weighs the logarithm by one share. What does PSI weigh it by?",
        lambda p, q: _psi()(p, q) / len(p): "this is an average. Does PSI grow with the number of bins?",
        _psi(lambda counts: np.maximum(counts, _FLOOR)): "this compares counts. What are p and q?",
        _psi(lambda counts: _shares(counts) + _FLOOR): (
            "0.0001 is added to every share. What does a floor do to the shares above it?"
        ),
        _psi(lambda counts: _shares(np.maximum(counts, _FLOOR))): (
            "filled bins are right. Is what stands in for an empty one 0.0001, a share and not a count?"
        ),
        _psi(lambda counts: np.where(counts == 0, _FLOOR, _shares(counts))): (
            "empty bins are right. What does a share count as that is below 0.0001 and not zero?"
        ),
        lambda p, q: _psi(lambda counts: _shares(counts)[(p > 0) & (q > 0)])(p, q): (
            "a bin that is empty on one side is left out. Is it a small change that a bin runs empty?"
        ),
    },
    hints=(
        "Shares first: each array of counts divided by its own sum.",
        "np.maximum(share, 0.0001) puts the floor in, on both sides. Then sum (q - p) * log(q / p).",
    ),
    why="with the floor in sight, you know how much of a PSI comes from a bin that ran empty.",
)


# 7.3: a ruler for a service with a heavy tail --------------------------------------------------------------

_QUIET_PAIRS, _DRIFTED_PAIRS, _WINDOW, _POWER = 160, 80, 500, 0.7
_TWO_WINDOWS = "two windows of 500 latencies"


@cache
def _search_pairs():
    """Return quiet pairs of windows of the search service, and pairs that got 3 % slower."""
    rng = np.random.default_rng(703)
    shape = (2, _QUIET_PAIRS + _DRIFTED_PAIRS, _WINDOW)
    normal, hangs = rng.normal(size=shape), rng.random(shape) < 0.02
    before, after = 150 * np.exp(0.13 * normal) * np.where(hangs, 4, 1)
    after[_QUIET_PAIRS:] *= 1.03
    return before, after


def ruler_for_search(answer):
    """Judge a measure by its power on the search service, calibrated to 5 % false alarms."""
    function = as_function(answer)

    def distances(befores, afters):
        pairs = zip(befores, afters, strict=True)
        return np.array([one_number(call(function, *pair, case=_TWO_WINDOWS)) for pair in pairs])

    before, after = _search_pairs()
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
    if power < 0.1:
        return f"{message} That is no better than the false alarms: does it look where this drift is?"
    hanging_longer = [np.where(one[:20] > 350, 2 * one[:20], one[:20]) for one in (before, after)]
    if np.allclose(distances(*hanging_longer), quiet[:20]):
        return f"{message} How much does it throw away of most requests, as bins and single quantiles do?"
    return f"{message} How much do a few hanging requests, more or less, move it on quiet days?"


_RULER = Exercise(
    id="7.3",
    judge=ruler_for_search,
    hints=(
        "power_table takes the function that makes healthy windows: give it search_windows.",
        "Which measures are not moved by how far away a hanging request is?",
        "Those that see only the order of the values do well here; return the statistic of one of them.",
    ),
    why="you chose by measured power on this service's own quiet windows, and the winner elsewhere lost.",
)


# 7.4: a threshold for PSI ----------------------------------------------------------------------------------

_HISTORY, _BINS = 1_200, 10


@cache
def _quiet_psi():
    """Return PSI in tenths of history for quiet windows of 150; it depends on the order only."""
    rng = np.random.default_rng(704)
    # what lies, in truth, between the tenths of a sample of that size
    masses = rng.dirichlet(np.full(_BINS, _HISTORY / _BINS), size=20_000)
    q = np.maximum(rng.multinomial(150, masses) / 150, _FLOOR)
    return np.sum((q - 1 / _BINS) * np.log(q * _BINS), axis=1)


def _other_thresholds():
    quiet = _quiet_psi()
    return {
        **dict.fromkeys((0.1, 0.2, 0.25), "a rule of thumb. How many quiet windows of 150 does it flag?"),
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
    "7.4",
    right=lambda: np.quantile(_quiet_psi(), 0.95),
    within=0.0075,  # three times the standard error of the quantile of 2,000 quiet windows
    slips=_other_thresholds,
    slips_within=0.002,
    otherwise=_flagged,
    hints=(
        "Draw many quiet pairs, 1,200 against 150 requests, and compute PSI for each.",
        'all_measures(healthy((2_000, 1_200), rng), healthy((2_000, 150), rng))["PSI"] does it.',
        "The threshold is the 0.95 quantile of these values.",
    ),
    why="the threshold now belongs to your window: with another size or other bins, draw again.",
)


# 7.5: categories -------------------------------------------------------------------------------------------


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
    "7.5",
    cases=_label_pairs,
    right=_p_by(_p_of),
    returns=_one_p,
    within=0.1,  # as near as a p-value by a few hundred shuffles comes, or one by likelihood
    slips={
        _p_by(lambda table: _p_of(table[:, table[0] > 0])): (
            "a category that one sample lacks is left out. Which occur in either?"
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


# 7.6: the domain classifier --------------------------------------------------------------------------------

_QUIET = 5


@cache
def _domain_cases():
    """Return pairs of rows of three features: without drift, shifted, with a flipped correlation."""

    def rows(rng, size, correlation=0.6, shift=(0, 0, 0)):
        z = rng.normal(size=(size, 3))
        z[:, 1] = correlation * z[:, 0] + np.sqrt(1 - correlation**2) * z[:, 1]
        return (z + shift) * [20, 8, 3] + [150, 40, 30]

    # quiet rows: classifiers come out near a half; drifted ones: leaves of one row come out worse
    quiet, drifted = np.random.default_rng(2011), np.random.default_rng(721)
    return {i: (rows(quiet, 40), rows(quiet, 40)) for i in range(_QUIET)} | {
        "few": (rows(quiet, 160), rows(quiet, 40)),
        "shifted": (rows(drifted, 300), rows(drifted, 300, shift=(0.8, 0, 0))),
        "last": (rows(drifted, 300), rows(drifted, 120, shift=(0, 0, 2))),
        "flipped": (rows(drifted, 300), rows(drifted, 300, correlation=-0.75)),
    }


def domain_auc(answer):
    """Judge a cross-validated AUC on rows without drift, with a shift, and with a flipped correlation."""
    function = as_function(answer)
    auc = {}
    for name, pair in _domain_cases().items():
        case = f"{len(pair[0])} historical and {len(pair[1])} recent rows of three features"
        result = call(function, *pair, case=case)
        if isinstance(result, float) and np.isnan(result):
            return "the AUC is nan, as in a fold of one kind of rows. How do both kinds get into each?"
        auc[name] = one_number(result)
    even = np.mean([auc[i] for i in range(_QUIET)])
    quiet = (_QUIET * even + auc["few"]) / (_QUIET + 1)
    without = f"without drift your number is {quiet:.2f}."
    if quiet > 0.9:
        return f"{without} What among the features tells old from new: a row number, a time, a label?"
    if np.ptp(list(auc.values())) < 0.02:
        return f"your function returns about {quiet:.2f} in any case. Does it use the notebook's variables?"
    if quiet < 0.25:
        return f"{without} What does the AUC of guessing come to? Is this rescaled, or another score?"
    if auc["few"] > 0.66 and even < 0.58:
        return f"without drift the score is {auc['few']:.2f}. What does always guessing the larger class get?"
    if quiet > 0.59:
        return f"{without} Is each row scored by a model that has not seen it, or is it the best of several?"
    if auc["last"] < 0.4:
        return f"a clear shift gets {auc['last']:.2f}. Is this a p-value, or have old rows the higher score?"
    if auc["last"] < 0.7:
        return f"a shift gets {auc['last']:.2f}. Has each row all columns, and the label of its own sample?"
    if auc["flipped"] < 0.62:
        return (
            f"a flipped correlation gets {auc['flipped']:.2f}. Can a straight line use two features together?"
        )
    if np.mean([auc[name] for name in ("last", "shifted", "flipped")]) < 0.715:
        return "it sees little of either kind of drift. Does it learn single rows by heart?"
    return _ON_A_COPY if watched_call(function, pair, {}, case)[2] else None


_DOMAIN = Exercise(
    id="7.6",
    judge=domain_auc,
    hints=(
        "Stack the rows with np.vstack, and make as many zeros as historical rows, ones as recent.",
        'cross_val_score(..., scoring="roc_auc") gives an AUC for each fold; the mean is asked for.',
        "A tree with min_samples_leaf=20 can use two features together.",
    ),
    why="one number now watches all features at once, and a control near a half says it is honest.",
)


EXERCISES = (_MOVED, _PSI, _RULER, _THRESHOLD, _CATEGORIES, _DOMAIN)
