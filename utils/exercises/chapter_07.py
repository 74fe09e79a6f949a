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
)


def _changes(function, pair, case):
    """Return whether the learner's function changes the arrays that it is given."""

    def watched(*given):
        function(*given)
        return [not np.array_equal(one, was) for one, was in zip(given, pair, strict=True)]

    return any(call(watched, *pair, case=case))


_ON_A_COPY = "your function changes what it was given. Work on a copy."

# 7.1: how far the requests moved ---------------------------------------------------------------------------

_MOVED = number_exercise(
    "7.1",
    right=10,
    within=0.5,
    slips={
        0: "zero. Most requests stayed, but not all: what lies between the curves, low and long?",
        0.005: "the share that moved, the gap that D sees. How far did it move?",
        0.05: "what the squared gap gives, times its width. Does Wasserstein square the gap?",
        0.316: "the energy distance. Which of the two is the area itself?",
        0.5: "that share in percent. How far did it move?",
        141: "the root of a mean square. Does Wasserstein square how far each request moved?",
        160: "a latency, not a distance. By how much did the average change?",
        2_000: "how far the hanging requests moved. Over how many requests does Wasserstein average?",
        400_000: "width times 200. Does the area grow or shrink with each request that stays put?",
    },
    slips_within=0.001,
    otherwise="the area between the curves is another one, and never negative. How high is the gap, as a share of the "
    "requests, and over how many ms does it last?",
    hints=(
        "Draw the two curves: the gap is as high as the share that moved. How wide is it?",
        "Height times width is the area, and the area is the distance.",
    ),
    why="in milliseconds a threshold can be compared with what your users can spare; D has no such unit.",
)


# 7.2: PSI --------------------------------------------------------------------------------------------------

_FLOOR = 0.0001
_BY_ONE_SHARE = "this weighs the logarithm by one of the shares. What does PSI weigh it by?"
_ONE_SUM = "both samples' counts are divided by the same number. What do each sample's shares add up to then?"
_STAND_IN = "filled bins are right. Is what stands in for an empty one 0.0001, a share and not a count?"


def _shares(counts):
    return counts / np.sum(counts)


def _psi(shares=lambda counts: np.maximum(_shares(counts), _FLOOR), weight=np.subtract, log=np.log):
    """Return the function for PSI with these shares, and a weight of the logarithm that takes q and p."""

    def psi(historical_counts, recent_counts):
        p, q = shares(historical_counts), shares(recent_counts)
        return np.sum(weight(q, p) * log(q / p))

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
        _psi(weight=lambda q, p: q): _BY_ONE_SHARE,
        _psi(weight=lambda q, p: -p): _BY_ONE_SHARE,
        _psi(lambda counts: _shares(np.maximum(_shares(counts), _FLOOR)), lambda q, p: q): _BY_ONE_SHARE,
        _psi(log=np.log2): "this is in base 2. Which logarithm is asked for?",
        _psi(log=np.log10): "this is in base 10. Which logarithm is asked for?",
        lambda p, q: _psi()(p, q) / len(p): "this is an average. Does PSI grow with the number of bins?",
        _psi(lambda counts: np.maximum(counts, _FLOOR)): "this compares counts. What are p and q?",
        lambda p, q: _psi(lambda counts: np.maximum(counts / np.sum(p), _FLOOR))(p, q): _ONE_SUM,
        lambda p, q: _psi(lambda counts: np.maximum(counts / np.sum([*p, *q]), _FLOOR))(p, q): _ONE_SUM,
        _psi(lambda counts: _shares(counts) + _FLOOR): (
            "0.0001 is added to every share. What does a floor do to the shares above it?"
        ),
        _psi(lambda counts: _shares(np.maximum(_shares(counts), _FLOOR))): (
            "after the floor the shares are divided by their sum again. How large is an empty bin's share then?"
        ),
        _psi(lambda counts: _shares(np.maximum(counts, _FLOOR))): _STAND_IN,
        _psi(lambda counts: _shares(np.maximum(counts, 1))): _STAND_IN,
        _psi(lambda counts: np.maximum(_shares(counts), 0.001)): _STAND_IN,
        _psi(lambda counts: np.maximum(_shares(counts), 1e-6)): _STAND_IN,
        _psi(lambda counts: _shares(counts + 1)): (
            "1 is added to every count. What is asked for where a share is above the floor?"
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
_TWO_WINDOWS, _TRUTHS = "two windows of 500 latencies", (bool, np.bool_)


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

    def distances(*windows):
        results = [call(function, *pair, case=_TWO_WINDOWS) for pair in zip(*windows, strict=True)]
        if hasattr(results[0], "statistic"):
            raise NotYet("this is a whole result. Which one of its numbers grows with the distance?")
        return np.array(
            [one_number(result + 0 if isinstance(result, _TRUTHS) else result) for result in results]
        )

    before, after = _search_pairs()
    found = distances(before, after)
    quiet, drifted = found[:_QUIET_PAIRS], found[_QUIET_PAIRS:]
    if np.unique(found).size <= 5:
        return (
            "your function returns hardly any different numbers, as a decision does, or one that looks at neither "
            "window. How is a threshold to be set on them?"
        )
    low, high = np.quantile(quiet, [0.05, 0.95])
    power = np.mean(drifted > high)
    message = f"calibrated to 5 % false alarms it catches {power:.0%} of these drifts."
    if power >= _POWER:
        for name, far in (("before", (2 * before[:5], after[:5])), ("after", (before[:5], 2 * after[:5]))):
            moved = distances(*far)
            if np.allclose(moved, quiet[:5]):
                return f"your number is the same whatever `{name}` is. Distance from what is it?"
            if np.median(moved) <= high:
                return (
                    f"{message} But your number has a direction: with `{name}` twice as slow it is no larger than "
                    "on a quiet day. Are faster requests not further apart?"
                )
        return _ON_A_COPY if _changes(function, (before[0], after[0]), _TWO_WINDOWS) else None
    if np.mean(drifted < low) > 0.5:
        return "drifted pairs get smaller numbers than quiet ones. Which way should they go?"
    if power < 0.1:
        return f"{message} That is no better than the false alarms: does it look where this drift is?"
    hanging_longer = [np.where(one[:20] > 350, 2 * one[:20], one[:20]) for one in (before, after)]
    if np.allclose(distances(*hanging_longer), quiet[:20]):
        return (
            f"{message} It does not mind how long a request hangs, and that is right. How much does it throw away "
            "of the others, as bins and single quantiles do?"
        )
    return f"{message} How much do a few hanging requests, more or less, move it between two quiet windows?"


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
def _quiet_psi(requests):
    """Return PSI in tenths of history for quiet windows of a size; it depends on the order only."""
    rng = np.random.default_rng(704)
    # what lies, in truth, between the tenths of a sample of that size
    masses = rng.dirichlet(np.full(_BINS, _HISTORY / _BINS), size=20_000)
    q = np.maximum(rng.multinomial(requests, masses) / requests, _FLOOR)
    return np.sum((q - 1 / _BINS) * np.log(q * _BINS), axis=1)


def _other_thresholds():
    quiet = _quiet_psi(150)
    return {
        **dict.fromkeys((0.1, 0.2, 0.25), "a rule of thumb. How many quiet windows of 150 does it flag?"),
        **dict.fromkeys((0, 0.001), "zero, and PSI is hardly ever quite zero. What would this flag?"),
        0.05: "the share that may be flagged, and to what larger windows need. Which PSI do so few of yours exceed?",
        np.quantile(quiet, 0.05): "the wrong end of the quiet values: how many of them should lie above?",
        np.mean(quiet): "an average of the quiet values: how many of them lie above it?",
        np.quantile(quiet, 0.9): "what one quiet window in ten exceeds. Which share is asked for?",
        np.quantile(quiet, 0.975): "what 2.5 % of quiet windows exceed. Has PSI a second side?",
        np.quantile(quiet, 0.99): "what one quiet window in a hundred exceeds. Which share is asked for?",
        1.36 * np.sqrt(1 / 150 + 1 / _HISTORY): "what the KS test takes for D. Does PSI have its scale?",
    }


def _flagged(threshold):
    for requests in (50, 100, 200, 500):
        if 0.035 < np.mean(_quiet_psi(requests) > threshold) < 0.065:
            return f"close to the threshold for windows of {requests} requests. What size are yours?"
    return (
        f"of quiet windows of 150 this flags {np.mean(_quiet_psi(150) > threshold):.1%}. Over how many quiet windows "
        "did you compute PSI, and which quantile of theirs leaves 5 % above?"
    )


_THRESHOLD = number_exercise(
    "7.4",
    right=lambda: np.quantile(_quiet_psi(150), 0.95),
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


def _p_of(table, freedom=-1):
    from scipy.special import chdtrc  # brings scipy, for which other exercises need not wait

    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return chdtrc(table.shape[1] + freedom, np.sum((table - expected) ** 2 / expected))


def _p_by(test=_p_of, categories=set.union):
    """Return the function that makes two rows of counts, a column for each of the categories, and tests them."""

    def category_p_value(historical, recent):
        names = sorted(categories(set(historical), set(recent)))
        return test(np.array([[np.sum(sample == name) for name in names] for sample in (historical, recent)]))

    return category_p_value


def _one_p(result):
    if hasattr(result, "pvalue") or (isinstance(result, tuple) and len(result) > 1):
        raise NotYet("the p-value alone is asked for, this is more. Which field of the result is it?")
    if isinstance(result, float) and np.isnan(result):
        raise NotYet("your function returns nan. What is the count of a category that one sample lacks?")
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


_LEFT_OUT = (
    "a category that one sample lacks is left out, a new one or one that is gone. Which occur in either?"
)
_ADDED = "counts are added that nobody counted. How often did a new category occur in history?"

_CATEGORIES = function_exercise(
    "7.5",
    cases=_label_pairs,
    right=_p_by(),
    returns=_one_p,
    within=0.1,  # as near as a p-value by a few hundred shuffles comes, or one by likelihood
    slips={
        _p_by(lambda table: 1 - _p_of(table)): (
            "your p is small where nothing changed. Is it the probability of a larger statistic or a smaller one?"
        ),
        _p_by(categories=lambda historical, recent: historical): _LEFT_OUT,
        _p_by(categories=lambda historical, recent: recent): _LEFT_OUT,
        _p_by(categories=set.intersection): _LEFT_OUT,
        _p_by(lambda table: _p_of(table[:, table.sum(axis=0) >= 5])): (
            "rare categories are left out, and what is new is rare. Over which is the test asked for?"
        ),
        _p_by(lambda table: _p_of(np.maximum(table, 1))): _ADDED,
        _p_by(lambda table: _p_of(np.where(table == 0, 0.5, table))): _ADDED,
        _p_by(lambda table: _p_of(table + 1)): _ADDED,
        _p_by(lambda table: _p_of(table + 0.5)): _ADDED,
        _p_by(lambda table: _p_of(table / table.sum(axis=1, keepdims=True))): (
            "the table holds shares, which have forgotten how many requests there were. What does the test count?"
        ),
        _p_by(lambda table: _p_of(-np.sort(-table, axis=1))): (
            "both rows are sorted by their counts. Which category is in which column then?"
        ),
        _p_by(lambda table: _p_of(table * [[1e12], [1]])): (
            "this takes history's shares as known. Are they not counted in a sample, too?"
        ),
        _p_by(lambda table: min(_p_of(np.c_[one, table.sum(axis=1) - one]) for one in table.T)): (
            "this is the smallest of several p-values. How small is that one when nothing changed?"
        ),
        _p_by(lambda table: _p_of(table) * np.all(table > 0)): (
            "p is 0 as soon as a code is new. May one request in 500 have one by chance? Let the test weigh it."
        ),
        _p_by(lambda table: _p_of(table, freedom=0)): (
            "there is a degree of freedom for each category. How many shares are free, when they add up to one?"
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
    """Return pairs of rows of latency, payload and load: without drift, with a shift, with a flipped correlation."""

    def rows(rng, size, correlation=0.6, shift=(0, 0, 0)):
        z = rng.normal(size=(size, 3))
        z[:, 1] = correlation * z[:, 0] + np.sqrt(1 - correlation**2) * z[:, 1]
        return (z + shift) * [20, 8, 3] + [150, 40, 30]

    # quiet rows on which classifiers come out near a half, drifted ones that tell leaves of one row from others
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
        if np.ndim(result) > 0 and np.size(result) > 1:
            return "one number is asked for. Is this an AUC for each fold? Take their mean."
        if isinstance(result, float) and np.isnan(result):
            return "the AUC is nan, as in a fold of one kind of rows. How do both kinds get into each?"
        auc[name] = one_number(result)
    even = np.mean([auc[i] for i in range(_QUIET)])
    quiet = (_QUIET * even + auc["few"]) / (_QUIET + 1)
    without = f"without drift your number is {quiet:.2f}, on average over six pairs."
    if quiet > 0.9:
        return f"{without} What among the features tells old from new: a row number, a time, a label?"
    if np.ptp(list(auc.values())) < 0.02:
        return (
            f"your function returns about {quiet:.2f} whatever it is given, drifted or not. Does it use its "
            "arguments, or the notebook's variables?"
        )
    if quiet < 0.25:
        return f"{without} What does the AUC of guessing come to? Is this rescaled, or another score?"
    if auc["few"] > 0.66 and even < 0.58:
        return (
            f"with four historical rows for each recent one, and no drift, the score is {auc['few']:.2f}. Which "
            "score does one get by always guessing the larger class?"
        )
    if quiet > 0.59:
        return (
            f"{without} Is every row scored by a classifier that has not seen it? And is it a mean over folds, or "
            "the best of several, which has luck?"
        )
    if auc["last"] < 0.4:
        return (
            f"a clear shift gets {auc['last']:.2f}, below a half. Is this an AUC, or a p-value? And do the recent rows "
            "get the higher score?"
        )
    if auc["last"] < 0.7:
        return (
            f"a large shift of the last feature gets an AUC of {auc['last']:.2f}, with 300 rows against 120. Are all "
            "columns used? Does each row have the label of its own sample, when the two differ in length?"
        )
    if auc["flipped"] < 0.62:
        return (
            f"a correlation that flips gets an AUC of {auc['flipped']:.2f}. Can this classifier use two "
            "features together? A straight line cannot, nor can a single column, and a tree of a few leaves hardly."
        )
    if np.mean([auc[name] for name in ("last", "shifted", "flipped")]) < 0.715:
        return (
            "it sees both kinds of drift, and little of either. Does the classifier learn single rows by heart, as a "
            "tree with leaves of one row does?"
        )
    return _ON_A_COPY if _changes(function, pair, case) else None


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
