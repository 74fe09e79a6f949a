"""The exercises of chapter 07: which ruler for which drift."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

from utils import simulate
from utils.exercises.engine import Exercise, NotYet, as_function, as_number, call, known_slip

# 7.1: how far the requests moved ---------------------------------------------------------------------------

_HANGING, _DELAY_MS = 1 / 200, 2_000


@cache
def _moved_ms():
    """Return the Wasserstein distance of a large sample from the same sample with some requests delayed."""
    before = np.random.default_rng(701).normal(150, 20, 20_000)
    after = before.copy()
    after[: round(_HANGING * before.size)] += _DELAY_MS
    return float(stats.wasserstein_distance(before, after))


def moved_ms(answer):
    """Judge the distance, in ms, by computing it for a simulated service."""
    moved, truth = as_number(answer), _moved_ms()
    if abs(moved - truth) < 0.05 * truth:
        return None
    if moved < 0:
        return "a distance has no sign."
    if np.isclose(moved, _HANGING):
        return "that is the share that moved, the gap that D sees. How far did it move?"
    if np.isclose(moved, _DELAY_MS):
        return "that is how far the hanging requests moved. Wasserstein averages over all requests."
    if np.isclose(moved, truth / 1_000):
        return "this reads like seconds. Milliseconds are asked for."
    if np.isclose(moved, _DELAY_MS * 200):
        return "the area is a share times a width, so more requests that stay put make it smaller."
    if moved == 0:
        return "most requests stayed, but not all: there is an area between the curves, low and long."
    return "the area between the curves is a share of the requests times the distance that they moved."


# 7.2: PSI --------------------------------------------------------------------------------------------------

_FLOOR = 0.0001


def _psi(historical_counts, recent_counts):
    p, q = (np.maximum(np.asarray(c) / np.sum(c), _FLOOR) for c in (historical_counts, recent_counts))
    return float(np.sum((q - p) * np.log(q / p)))


def _psi_of_counts(historical_counts, recent_counts):
    p, q = np.maximum(historical_counts, _FLOOR), np.maximum(recent_counts, _FLOOR)
    return np.sum((q - p) * np.log(q / p))


def _kl(historical_counts, recent_counts):
    p, q = (np.maximum(np.asarray(c) / np.sum(c), _FLOOR) for c in (historical_counts, recent_counts))
    return np.sum(q * np.log(q / p))


def _kl_back(historical_counts, recent_counts):
    return _kl(recent_counts, historical_counts)


def _psi_base_2(historical_counts, recent_counts):
    return _psi(historical_counts, recent_counts) / np.log(2)


def _psi_base_10(historical_counts, recent_counts):
    return _psi(historical_counts, recent_counts) / np.log(10)


def _psi_joint_total(historical_counts, recent_counts):
    total = np.sum(historical_counts) + np.sum(recent_counts)
    p, q = (np.maximum(np.asarray(c) / total, _FLOOR) for c in (historical_counts, recent_counts))
    return np.sum((q - p) * np.log(q / p))


def _psi_floor_added(historical_counts, recent_counts):
    p, q = (np.asarray(c) / np.sum(c) + _FLOOR for c in (historical_counts, recent_counts))
    return np.sum((q - p) * np.log(q / p))


def _psi_in_two_digits(historical_counts, recent_counts):
    return round(_psi(historical_counts, recent_counts), 2)


def _psi_negative(historical_counts, recent_counts):
    return -_psi(historical_counts, recent_counts)


def _psi_mean(historical_counts, recent_counts):
    return _psi(historical_counts, recent_counts) / len(historical_counts)


_PSI_MISTAKES = (
    (_psi_negative, "PSI is never negative: both factors, q - p and log(q / p), have the same sign."),
    (_psi_base_2, "this is PSI in another logarithm, base 2. Thresholds for PSI are in the natural one."),
    (_psi_base_10, "this is PSI in another logarithm, base 10. The natural one is asked for."),
    (_psi_mean, "this is an average over the bins. PSI is their sum, so it grows with how many there are."),
    (_kl, "this weighs the logarithm by one of the shares. PSI weighs it by their difference."),
    (_kl_back, "this weighs the logarithm by one of the shares. PSI weighs it by their difference."),
    (_psi_of_counts, "this compares counts. Divide each sample's counts by their own sum first."),
    (
        _psi_joint_total,
        "these are shares of both samples together. Divide each sample's counts by their own sum.",
    ),
    (_psi_floor_added, "0.0001 is added to every share. A floor leaves the shares above it as they are."),
    (
        _psi_in_two_digits,
        "this is rounded, and a PSI is often small. Return it as it is, and round when you print.",
    ),
)


@cache
def _tables():
    """Return pairs of counts with every bin filled, the sizes equal first, then unequal."""
    rng = np.random.default_rng(702)
    shares = rng.dirichlet(np.full(8, 20), size=6)
    sizes = [(2_000, 2_000), (2_000, 2_000), (3_000, 400)]
    return [
        (rng.multinomial(n, shares[2 * i]), rng.multinomial(m, shares[2 * i + 1]))
        for i, (n, m) in enumerate(sizes)
    ]


def psi_by_hand(answer):
    """Judge a function for PSI on filled bins, on samples of unequal size, then on empty bins."""
    function = as_function(answer)

    def given(pair, case):
        result = call(function, *pair, case=case)
        if np.ndim(result) > 0 and np.size(result) > 1:
            return None
        return as_number(result)

    values = [given(pair, "counts in eight bins, none of them empty") for pair in _tables()]
    if None in values:
        return "one number is asked for, the sum over the bins. This is a number for each of them."
    truth = [_psi(*pair) for pair in _tables()]
    right = np.isclose(values, truth, rtol=1e-4) | np.isclose(values, np.round(truth, 4), rtol=0, atol=1e-9)
    if not right.all():
        diagnosis = known_slip(_tables(), values, _PSI_MISTAKES, rtol=1e-4)
        if diagnosis:
            return diagnosis
        if right[:2].all():
            return "samples of equal size are right, unequal ones are not: each has a total of its own."
        return f"for counts in eight bins PSI is {truth[0]:.4f}, your function returns {values[0]:.4f}."

    gone, born = ([50, 30, 20], [70, 30, 0]), ([70, 30, 0], [500, 300, 200])
    for pair, side in ((gone, "recent"), (born, "historical")):
        pair = tuple(np.array(counts) for counts in pair)
        value = call(function, *pair, case=f"a bin that is empty in the {side} sample")
        value = float(value) if np.ndim(value) == 0 else np.nan
        if not np.isfinite(value):
            return f"a bin that is empty in the {side} sample gives {value}. Where does the floor belong?"
        if not np.isclose(value, _psi(*pair), rtol=0.02):
            if value < 0.7 * _psi(*pair):
                return (
                    f"a bin that is empty in the {side} sample adds too little. A bin that empties is a "
                    "large change, so it must not be left out."
                )
            return (
                f"with a bin that is empty in the {side} sample the result is off. Is the share that stands in "
                "for it 0.0001, a share and not a count?"
            )
    rare = np.array([60_000, 40_000, 2]), np.array([500, 300, 200])
    if not np.isclose(call(function, *rare, case="a bin that is nearly empty"), _psi(*rare), rtol=0.02):
        return (
            "empty bins are right, but a bin with 2 of 100,000 requests is not: its share is below 0.0001, so it "
            "counts as 0.0001, too."
        )
    return None


# 7.3: a ruler for a service with a heavy tail --------------------------------------------------------------

_QUIET_PAIRS, _DRIFTED_PAIRS, _WINDOW, _POWER = 160, 80, 500, 0.7


@cache
def _search_pairs():
    """Return quiet pairs of windows of the search service, and pairs that got 3 % slower."""
    rng = np.random.default_rng(703)
    shape = (2, _QUIET_PAIRS + _DRIFTED_PAIRS, _WINDOW)
    before, after = simulate.slow_tail(150 * np.exp(0.13 * rng.normal(size=shape)), rng, share=0.02, factor=4)
    after[_QUIET_PAIRS:] *= 1.03
    return before, after


def ruler_for_search(answer):
    """Judge a measure by its power on the search service, calibrated to 5 % false alarms."""
    function = as_function(answer)
    distances = []
    for before, after in zip(*_search_pairs(), strict=True):
        result = call(function, before, after, case="two windows of 500 latencies")
        if isinstance(result, bool | np.bool_):
            return "a decision can't be calibrated any more. Return the distance, and leave the threshold."
        if hasattr(result, "statistic"):
            return "this is a whole result. Return one number of it: the one that grows with the distance."
        distances.append(as_number(result))
    quiet, drifted = np.array(distances[:_QUIET_PAIRS]), np.array(distances[_QUIET_PAIRS:])
    if np.ptp(distances) == 0:
        return "every pair of windows gets the same number. Does it look at both?"
    low, high = np.quantile(quiet, [0.05, 0.95])
    power = np.mean(drifted > high)
    if power >= _POWER:
        swapped = zip(*(one[_QUIET_PAIRS : _QUIET_PAIRS + 20] for one in _search_pairs()), strict=True)
        faster = [
            as_number(call(function, slow, usual, case="two windows of 500 latencies"))
            for usual, slow in swapped
        ]
        if np.mean(np.array(faster) < low) > 0.5:
            return (
                f"it catches {power:.0%} of these drifts, but your number has a direction: were the requests 3 % "
                "faster, it would be smaller than on a quiet day. Further apart is further apart on either side."
            )
        return None
    if np.mean(drifted < low) > 0.5:
        return (
            "drifted pairs get smaller numbers than quiet ones, so they never exceed the threshold. "
            "Larger must mean further apart."
        )
    message = f"calibrated to 5 % false alarms it catches {power:.0%} of these drifts."
    if power < 0.1:
        return f"{message} That is no better than the false alarms: it does not look where this drift is."
    slow_ms = 350  # no request of this service lies near it: slower ones hang
    longer = [np.where(one > slow_ms, 2 * one, one)[:_QUIET_PAIRS] for one in _search_pairs()]
    moved = [
        as_number(call(function, *pair, case="two windows of 500 latencies"))
        for pair in zip(*longer, strict=True)
    ]
    if np.allclose(moved, quiet, rtol=1e-6, atol=1e-9):
        return (
            f"{message} It does not mind how long a request hangs, and that is right. But it throws away too much "
            "of the others, as bins and single quantiles do."
        )
    return (
        f"{message} What does your measure do on two quiet windows of this service? A few hanging requests "
        "more or less should not move it much."
    )


# 7.4: a threshold for PSI ----------------------------------------------------------------------------------

_HISTORY_SIZE, _BINS = 1_200, 10


@cache
def _quiet_psi(n):
    """Return PSI in tenths of history for quiet windows of n requests; it depends on the order only."""
    rng = np.random.default_rng(704)
    # what lies, in truth, between the tenths of a sample of that size
    masses = rng.dirichlet(np.full(_BINS, _HISTORY_SIZE / _BINS), size=8_000)
    q = np.maximum(rng.multinomial(n, masses) / n, _FLOOR)
    return np.sum((q - 1 / _BINS) * np.log(q * _BINS), axis=1)


def psi_threshold(answer):
    """Judge a threshold by the false alarms that it gives at the size asked for."""
    threshold = as_number(answer)
    if threshold <= 0:
        return "PSI is never negative, and never quite zero between samples: every window would be flagged."
    rate = np.mean(_quiet_psi(150) > threshold)
    if 0.035 <= rate <= 0.065:
        return None
    flagged = f"of quiet windows of 150 this flags {rate:.1%}"
    if threshold in (0.1, 0.2, 0.25):
        return f"{flagged}. A rule of thumb knows nothing of your window. Simulate quiet ones of that size."
    for n in (50, 100, 200, 500):
        if 0.04 <= np.mean(_quiet_psi(n) > threshold) <= 0.06:
            return f"{flagged}. That is the threshold for another size of window, {n} requests."
    if 0.93 <= rate <= 0.97:
        return f"{flagged}. It is the wrong end of the quiet values: 5 % should lie above, not below."
    if 0.35 <= rate <= 0.6:
        return f"{flagged}. An average quiet window reaches this: it needs a quantile far up, not the middle."
    side = "Too low" if rate > 0.05 else "Too high"
    return f"{flagged}. {side}: take the quantile of PSI over many quiet windows that leaves 5 % above."


# 7.5: categories -------------------------------------------------------------------------------------------


def _table(historical, recent, categories):
    return [[np.sum(np.asarray(sample) == c) for c in categories] for sample in (historical, recent)]


def _category_p(historical, recent):
    table = _table(historical, recent, sorted(set(historical) | set(recent)))
    return stats.chi2_contingency(table, correction=False).pvalue


def _labels(**counts):
    """Return labels, each as often as asked for, in an order that tells nothing."""
    names = [name.lstrip("_") for name in counts]
    return np.random.default_rng(705).permutation(np.repeat(names, list(counts.values())))


def category_p(answer):
    """Judge a p-value for categories: quiet, changed shares, swapped names, new and gone categories."""
    function = as_function(answer)

    def p_of(historical, recent, case):
        result = call(function, historical, recent, case=case)
        if hasattr(result, "pvalue") or np.ndim(result) > 0:
            raise NotYet("the p-value alone is asked for, this is more. It is one field of the result.")
        return as_number(result)

    cases = {
        "quiet": (_labels(_200=900, _404=60, _500=40), _labels(_200=452, _404=27, _500=21)),
        "new": (_labels(_200=900, _404=60, _500=40), _labels(_200=444, _404=27, _500=17, _503=12)),
        "gone": (_labels(_200=900, _304=60, _500=40), _labels(_200=480, _500=20)),
        "swapped": (_labels(eu=500, us=300, asia=200), _labels(eu=250, us=100, asia=150)),
        "shifted": (_labels(eu=500, us=300, asia=200), _labels(eu=190, us=170, asia=140)),
        "small": (_labels(eu=50, us=30, asia=20), _labels(eu=41, us=36, asia=23)),
        "rare": (_labels(_200=900, _404=60, _500=40), _labels(_200=451, _404=27, _500=21, _503=1)),
    }
    p = {name: p_of(*pair, case=f"two arrays of labels ({name})") for name, pair in cases.items()}
    if any(not 0 <= value <= 1 for value in p.values()):
        return "a p-value lies between 0 and 1. Is this the statistic?"
    truth = {name: _category_p(*pair) for name, pair in cases.items()}
    if p["new"] > 0.05:
        if p["shifted"] > 0.2:
            return "clear changes get a large p. The test needs counts: shares have forgotten how many there were."
        return "a code that history never had goes unseen. Take the categories of both samples."
    if p["gone"] > 0.05:
        return (
            "a category that is gone from the recent labels goes unseen. Take the categories of both samples."
        )
    if p["swapped"] > 0.05:
        return (
            "two regions swapped their shares, unseen. Each column of the table must be one category by name."
        )
    if p["shifted"] > 0.05:
        return (
            "a clear change of shares gets a large p. The test compares the counts of all categories at once."
        )
    if abs(p["small"] - truth["small"]) > 0.1 or abs(p["quiet"] - truth["quiet"]) > 0.12:
        lower = p["small"] < truth["small"]
        if lower:
            return (
                "for small samples p comes out too small. The historical shares are a sample too, they are "
                "not known exactly, and the smallest of several p-values is no p-value. Give one test both rows "
                "of counts."
            )
        return (
            f"for samples without a clear change your p is {p['quiet']:.2f}, where the chi-square test has "
            f"{truth['quiet']:.2f}. Let it take both rows of counts and work out its degrees of freedom itself."
        )
    if p["rare"] < 0.05 < truth["rare"]:
        return (
            "one request of 500 with a code that is new gets a p below 0.05. A single one happens by chance: let "
            "the test weigh its count, as it does for the others."
        )
    return None


# 7.6: the domain classifier --------------------------------------------------------------------------------


def _rows(correlation, size, rng, shift=0.0):
    z = rng.normal(size=(size, 3))
    z[:, 1] = correlation * z[:, 0] + np.sqrt(1 - correlation**2) * z[:, 1]
    return z * [20, 8, 3] + [150 + 20 * shift, 40, 30]


@cache
def _domain_cases():
    rng = np.random.default_rng(706)
    old = _rows(0.6, 300, rng)
    return {
        "quiet": (old, _rows(0.6, 300, rng)),
        "unequal": (old, _rows(0.6, 100, rng)),
        "shifted": (old, _rows(0.6, 300, rng, shift=0.8)),
        "flipped": (old, _rows(-0.75, 300, rng)),
    }


def domain_auc(answer):
    """Judge a cross-validated AUC on rows without drift, with a shift, and with a flipped correlation."""
    function = as_function(answer)
    auc = {}
    for name, (historical, recent) in _domain_cases().items():
        case = f"{len(historical)} historical and {len(recent)} recent rows of three features"
        result = call(function, historical, recent, case=case)
        if np.ndim(result) > 0 and np.size(result) > 1:
            return "one number is asked for. Is this an AUC for each fold? Take their mean."
        if isinstance(result, float) and np.isnan(result):
            return (
                "the AUC is nan, as it is for a fold of one kind of rows only. Shuffle the rows into the folds, "
                "with both kinds in each."
            )
        auc[name] = as_number(result)
    if max(auc["quiet"], auc["unequal"]) < 0.25:
        return (
            f"without drift your number is {auc['quiet']:.2f}. The AUC of guessing is a half, not 0: is this "
            "rescaled, or another score?"
        )
    if any(not 0 <= value <= 1 for value in auc.values()):
        return "an AUC lies between 0 and 1."
    if auc["quiet"] > 0.95:
        return (
            f"without drift your AUC is {auc['quiet']:.2f}. Something among the features tells old from new: "
            "a row number, a time, or the label itself?"
        )
    if auc["quiet"] > 0.6:
        return (
            f"without drift your AUC is {auc['quiet']:.2f}, where a half is expected. Is every row scored by "
            "a classifier that has not seen it?"
        )
    if auc["shifted"] < 0.4:
        return (
            f"a clear shift gets an AUC of {auc['shifted']:.2f}, below a half. Is it the recent rows that "
            "should get the higher score?"
        )
    if auc["shifted"] < 0.6:
        return (
            f"a clear shift of one feature gets an AUC of {auc['shifted']:.2f}. Are the labels in the order "
            "of the rows? Or does the classifier learn single rows by heart, as a tree with leaves of one row does?"
        )
    if auc["flipped"] < 0.62:
        return (
            f"a correlation that flips gets an AUC of {auc['flipped']:.2f}. Can this classifier use two "
            "features together? A straight line cannot, nor can a single column, and a tree of a few leaves hardly."
        )
    if auc["unequal"] > 0.63:
        return (
            f"with three historical rows for each recent one, and no drift, the score is {auc['unequal']:.2f}. "
            "Guessing the larger class gets that in accuracy; the best fold gets it by luck. What does the mean "
            "AUC get?"
        )
    if auc["quiet"] < 0.4:
        return f"without drift your AUC is {auc['quiet']:.2f}, too far below a half for mere chance."
    return None


EXERCISES = (
    Exercise(
        id="7.1",
        judge=moved_ms,
        hints=(
            "Draw the two curves: the gap is as high as the share that moved. How wide is it?",
            "Height times width is the area, and the area is the distance.",
        ),
        why="in milliseconds a threshold can be compared with what your users can spare; D has no such unit.",
    ),
    Exercise(
        id="7.2",
        judge=psi_by_hand,
        hints=(
            "Shares first: each array of counts divided by its own sum.",
            "np.maximum(share, 0.0001) puts the floor in, on both sides. Then sum (q - p) * log(q / p).",
        ),
        why="with the floor in sight, you know how much of a PSI comes from a bin that ran empty.",
    ),
    Exercise(
        id="7.3",
        judge=ruler_for_search,
        hints=(
            "power_table takes the function that makes healthy windows: give it search_windows.",
            "Which measures are not moved by how far away a hanging request is?",
            "Those that see only the order of the values do well here; return the statistic of one of them.",
        ),
        why="you chose by measured power on this service's own quiet windows, and the winner elsewhere lost.",
    ),
    Exercise(
        id="7.4",
        judge=psi_threshold,
        hints=(
            "Draw many quiet pairs, 1,200 against 150 requests, and compute PSI for each.",
            'all_measures(healthy((2_000, 1_200), rng), healthy((2_000, 150), rng))["PSI"] does it.',
            "The threshold is the 0.95 quantile of these values.",
        ),
        why="the threshold now belongs to your window: with another size or other bins, draw again.",
    ),
    Exercise(
        id="7.5",
        judge=category_p,
        hints=(
            "Collect the categories of both: set(historical) | set(recent), sorted.",
            "Two rows of counts, one column a category, then stats.chi2_contingency(table).pvalue.",
        ),
        why="what has never been seen before is counted, and no rise in unknown codes can hide.",
    ),
    Exercise(
        id="7.6",
        judge=domain_auc,
        hints=(
            "Stack the rows with np.vstack, and make as many zeros as historical rows, ones as recent.",
            'cross_val_score(..., scoring="roc_auc") gives an AUC for each fold; the mean is asked for.',
            "A tree with min_samples_leaf=20 can use two features together.",
        ),
        why="one number now watches all features at once, and a control near a half says it is honest.",
    ),
)
