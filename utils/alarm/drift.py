"""One comparison: have recent measurements drifted away from the historical ones?

`detect_drift` answers, `warn_if_drift` answers and raises a `DataDriftWarning`. Both run the two-sample
Kolmogorov-Smirnov (KS) test and add what a person on call wants to know: where the two samples differ
most, in which direction, and by how much in the data's own units.

>>> import numpy as np
>>> rng = np.random.default_rng(42)
>>> historical = rng.normal(loc=150, scale=20, size=1_000)
>>> recent = rng.normal(loc=165, scale=22, size=500)
>>> result = detect_drift(historical, recent)
>>> result.drifted, result.direction, round(result.statistic, 3), round(result.location, 1)
(True, 'slower', 0.329, 159.0)

References
----------
.. [1] F. J. Massey (1951), The Kolmogorov-Smirnov test for goodness of fit, Journal of the American
   Statistical Association 46, 68-78.
.. [2] J. L. Hodges (1958), The significance probability of the Smirnov two-sample test, Arkiv för
   Matematik 3, 469-486.
.. [3] P. Massart (1990), The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, Annals of
   Probability 18, 1269-1283.
.. [4] F. Wei and R. M. Dudley (2012), Two-sample Dvoretzky-Kiefer-Wolfowitz inequalities, Statistics and
   Probability Letters 82, 636-644.
.. [5] T. W. Anderson (1955), The integral of a symmetric unimodal function over a symmetric convex set and
   some probability inequalities, Proceedings of the American Mathematical Society 6, 170-176.
.. [6] L. N. Vaserstein (1969), Markov processes over denumerable products of spaces, Problems of Information
   Transmission 5, 47-52.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from scipy import special

# scipy.stats.ks_2samp counts exactly up to this many values a sample; keeping its limit keeps its p-values.
LARGEST_EXACT = 10_000

# Units in which a larger value is a slower one.
TIMES = ("ns", "us", "µs", "ms", "s", "min", "h")


class DataDriftWarning(UserWarning):
    """Warns that recent data no longer look like the historical data."""


# --- input -------------------------------------------------------------------------------------------------


def as_sample(values, name, *, keep_missing=False):
    """Return `values` as a 1-D float64 array of at least two finite numbers, or say what is wrong.

    A list, tuple, NumPy array or pandas Series will do: anything one-dimensional that holds real numbers. It is
    never changed; the array returned may share its memory, so do not write to it. `name` is what the caller
    calls this argument; with `keep_missing`, missing values (NaN, None, NA, masked) are returned as NaN.

    Numbers are compared as float64. Integers beyond 2**53 are rounded to the nearest one that float64 holds.
    ``np.float32(0.1)`` is not a tie with ``0.1``, so compare measurements that were stored alike.

    >>> as_sample([3, float("nan"), 2], "recent")
    Traceback (most recent call last):
    ...
    ValueError: recent holds 1 missing value (NaN, None or NA), at position 1; count it, then drop or fill it.
    """
    array = _as_array(values, name)
    if array.ndim != 1:
        advice = "flatten it with .ravel()" if 1 in array.shape else "pass one column at a time"
        raise ValueError(f"{name} has {array.ndim} dimensions, shape {array.shape}; {advice}.")
    if array.size < 2:
        found = "is empty" if array.size == 0 else "holds one value only"
        raise ValueError(f"{name} {found}; at least two values are needed to compare distributions.")
    if array.dtype.kind not in "iufO":
        raise TypeError("{} holds {}; {}.".format(name, *_NOT_NUMBERS.get(array.dtype.kind, _RECORDS)))
    if array.dtype.kind == "O":
        array = _numbers_in_objects(array, name)
    array = array.astype(np.float64, copy=False)
    if np.isfinite(array).all():
        return array
    missing, infinite = np.isnan(array), np.isinf(array)
    if missing.any() and not keep_missing:
        them = "it" if missing.sum() == 1 else "them"
        found = _where(missing, "missing value{} (NaN, None or NA)")
        raise ValueError(f"{name} holds {found}; count {them}, then drop or fill {them}.")
    if infinite.any():
        found = _where(infinite, "infinite value{}")
        raise ValueError(
            f"{name} holds {found}; replace by the limit that was exceeded (a timeout, say) or drop."
        )
    return array


_NUMBERS = (int, float, np.integer, np.floating)
_TO_NUMBERS = "convert it to numbers first, as in pandas.to_numeric(values)"
_NOT_NUMBERS = {
    "b": ("truth values (bool), not measurements", "pass the numbers they were made from"),
    "c": ("complex numbers", "pass their real part or their absolute value"),
    "M": ("dates", "pass the measurements, not the time stamps"),
    "m": ("time differences", "convert them to numbers first, as in values / np.timedelta64(1, 'ms')"),
    "U": ("text", _TO_NUMBERS),
    "S": ("text", _TO_NUMBERS),
    "T": ("text", _TO_NUMBERS),
}
_RECORDS = ("records", "pick one field")


def _as_array(values, name):
    """Return `values` as an array; one of objects where NumPy would convert silently, such as True to 1."""
    kind = type(values).__name__
    if isinstance(values, (str, bytes, bytearray)):
        raise TypeError(f"{name} is text; pass a sequence of numbers, such as a list, an array or a Series.")
    if hasattr(values, "columns"):
        raise TypeError(f"{name} is a table ({kind}); pick one column, as in {name}['latency_ms'].")
    if isinstance(values, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(values)
        return np.where(masked, None, values.data) if masked.any() else values.data
    if hasattr(values, "__array__") or isinstance(values, (range, memoryview)):
        if np.ndim(values) == 0:
            raise TypeError(f"{name} is a single value ({kind}); pass a sequence of at least two numbers.")
        return np.asarray(values)
    if isinstance(values, Sequence):
        only_numbers = all(issubclass(one, _NUMBERS) and one is not bool for one in set(map(type, values)))
        return np.fromiter(values, dtype=np.float64 if only_numbers else object, count=len(values))
    if hasattr(values, "values"):
        advice = f"use list({name}.values())"
    else:
        advice = f"use list({name})" if hasattr(values, "__iter__") else "pass a list, an array or a Series"
    raise TypeError(f"{name} is of type {kind}, not a sequence of numbers; {advice}.")


def _numbers_in_objects(array, name):
    """Return objects as float64, None and NA as NaN, or name the first that is no number."""
    numbers = np.empty(array.size)
    for position, value in enumerate(array):
        if isinstance(value, _NUMBERS) and not isinstance(value, bool):
            numbers[position] = value
        # pandas.NA and NaT are known by name, so that pandas need not be imported.
        elif value is None or type(value).__name__ in ("NAType", "NaTType"):
            numbers[position] = np.nan
        else:
            what, advice = _not_a_number(value)
            raise TypeError(f"{name} holds {what}, the first at position {position:,}; {advice}.")
    return numbers


def _not_a_number(value):
    kind = type(value).__name__
    if isinstance(value, str):
        return f"text ({value!r:.40})", _TO_NUMBERS
    if kind in ("datetime", "date", "Timestamp"):
        return _NOT_NUMBERS["M"]
    if kind in ("timedelta", "Timedelta"):
        return _NOT_NUMBERS["m"]
    if np.isscalar(value) and np.asarray(value).dtype.kind in _NOT_NUMBERS:
        return _NOT_NUMBERS[np.asarray(value).dtype.kind]
    if hasattr(value, "__len__"):
        return f"nested values ({kind})", "pass one flat row of numbers"
    return f"values of type {kind}", "convert them first, as in [float(value) for value in values]"


def _where(found, noun):
    position = int(np.argmax(found))
    if found.sum() == 1:
        return f"1 {noun.format('')}, at position {position:,}"
    return f"{int(found.sum()):,} {noun.format('s')}, the first at position {position:,}"


def as_fraction(value, name, *, zero_allowed=False):
    """Return `value` as a float between 0 and 1, or say what is wrong; 0 itself may be allowed, 1 never is."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {value!r}, but must be a number between 0 and 1, such as 0.05.")
    if not (0 < value < 1 or (zero_allowed and value == 0)):
        limits = "be at least 0 and below 1" if zero_allowed else "lie between 0 and 1, both excluded"
        meant = f"; for {value:g} % pass {value / 100:g}" if 1 <= value < 100 else ""
        if value >= 100:
            meant = f"; for one in {value:g} pass 1/{value:g}"
        raise ValueError(f"{name} is {value:g}, but must {limits}{meant}.")
    return float(value)


# --- statistics --------------------------------------------------------------------------------------------


def measure(historical, recent):
    """Return the KS distance of two samples, its location and direction, and their Wasserstein-1 distance.

    With F and G the empirical distribution functions, the share of `historical` and of `recent` at or below
    x, the KS distance is ``D = max |F(x) - G(x)|`` [1]_, and the Wasserstein-1 distance is the area between
    the two, ``W = integral |F(x) - G(x)| dx`` [6]_. Gaps are kept as whole numbers, ``n m (F - G)``, so that ties
    are exact. The location is the smallest value at which the gap is that large; when gaps of equal size point
    both ways, the direction is "slower"; the shift is inf when it exceeds the largest float.

    >>> measure(np.array([1.0, 2.0]), np.array([4.0, 5.0]))
    (1.0, 2.0, 'slower', 3.0)
    """
    n, m = historical.size, recent.size
    values = np.concatenate([np.sort(historical), np.sort(recent)])
    order = values.argsort(kind="stable")  # a stable sort merges two sorted runs in one pass
    values = values[order]
    gap = np.cumsum(np.where(order < n, m, -n))[:-1]  # it ends at 0
    with np.errstate(over="ignore", invalid="ignore"):
        width = np.diff(values)
        shift = float(width @ np.abs(gap)) / (n * m)
    gap[width == 0] = 0  # between two tied values there is no gap
    slower, faster = int(gap.argmax()), int(gap.argmin())
    direction, i = ("slower", slower) if gap[slower] >= -gap[faster] else ("faster", faster)
    if gap[i] == 0:
        return 0.0, float(values[0]), "none", 0.0
    return abs(int(gap[i])) / (n * m), float(values[i]), direction, math.inf if math.isnan(shift) else shift


def ks_p_value(statistic, n_historical, n_recent):
    """Return the two-sided p-value of a KS statistic, the one that `scipy.stats.ks_2samp` gives by default.

    That is exact for samples of up to 10,000 values (paths on a lattice [2]_), else the distribution
    of the one-sample statistic at the effective size n*m / (n + m), rounded. With ties it errs on the safe
    side.

    >>> round(ks_p_value(0.5, 10, 8), 4)
    0.166
    """
    n, m = int(n_historical), int(n_recent)
    if statistic == 0:
        return 1.0
    if max(n, m) > LARGEST_EXACT:
        p = scipy.stats.kstwo.sf(statistic, np.round(n * m / (n + m)))
        return float(min(max(p, 0.0), 1.0))
    # The p-value depends on D and the sizes only. So scipy is handed the simplest samples with that D, zeros
    # and ones; this way a result need not keep its data for a p-value that may never be read.
    common = math.gcd(n, m)
    steps = statistic * (n // common) * m  # D as a whole number, in units of 1 / lcm(n, m)
    zeros_recent, remainder = np.divmod(np.arange(n + 1) * (m // common) - round(steps), n // common)
    possible = np.flatnonzero((remainder == 0) & (zeros_recent >= 0) & (zeros_recent <= m))
    if not possible.size or abs(steps - round(steps)) > 1e-3:
        raise ValueError(f"No two samples of {n:,} and {m:,} values have the KS statistic {statistic!r}.")
    zeros = possible[0]
    historical = (np.arange(n) >= zeros).astype(float)
    recent = (np.arange(m) >= zeros_recent[zeros]).astype(float)
    if special.kolmogorov(statistic * math.sqrt(n * m / (n + m))) < 0.99:
        return float(scipy.stats.ks_2samp(historical, recent).pvalue)
    with warnings.catch_warnings():
        # Next to p = 1 rounding may carry scipy's exact count beyond 1; it then falls back, and warns.
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(scipy.stats.ks_2samp(historical, recent).pvalue)


def sampling_error(n_historical, n_recent, alpha=0.05):
    """Return how far the measured D may exceed the true distance, at most, with probability 1 - alpha.

    The distance e that solves ``2 exp(-2 e**2 n m / (n + m)) = alpha``: the Dvoretzky-Kiefer-Wolfowitz
    inequality with Massart's constant 2 [3]_, in its form for two samples [4]_; the notes of `detect_drift` say
    for which sizes that is proved.

    Examples
    --------
    >>> round(sampling_error(1_000, 500), 3)
    0.074
    """
    n, m = int(n_historical), int(n_recent)
    return math.sqrt(math.log(2 / alpha) * (n + m) / (2 * n * m))


# --- the answer --------------------------------------------------------------------------------------------


class _ComputedWhenRead:
    """The field `p_value`: computed when first read, because the exact count costs more than all else."""

    def __get__(self, result, owner=None):
        if result is None:
            return None  # the field's default: not computed yet
        if result.__dict__["p_value"] is None:
            result.__dict__["p_value"] = ks_p_value(result.statistic, result.n_historical, result.n_recent)
        return result.__dict__["p_value"]

    def __set__(self, result, value):
        result.__dict__["p_value"] = value


@dataclass(frozen=True, kw_only=True)
class DriftResult:
    """What one comparison found. Printed, it is one sentence; as a condition, it is `drifted`.

    Attributes
    ----------
    statistic : float
        The KS distance D: the largest gap between the two shares of values at or below some x, 0 to 1.
    p_value : float
        How often two independent samples from one distribution have a D at least this large; computed when it
        is first read. It assumes independent values: on autocorrelated data it is far too small.
    location : float
        The value at which the gap is largest, in the data's units.
    direction : str
        ``"slower"`` when recent has more values above `location` than historical has, ``"faster"`` when it
        has fewer, ``"none"`` when the samples are the same. It speaks of that one place: when only the spread
        has changed, recent is faster on one side and slower on the other, and this is the side with the
        larger gap.
    shift : float
        The Wasserstein-1 distance: by how much values moved on average, in the data's units, never negative.
    n_historical, n_recent : int
        How many values were compared.
    alpha, tolerance : float
        As asked for.
    drifted : bool
        Whether the gap is significant at `alpha` and credibly more than `tolerance`; see `detect_drift`.
    unit : str
        As given: what the sentence calls the values; see `detect_drift`.
    """

    statistic: float
    p_value: float = _ComputedWhenRead()
    location: float
    direction: str
    shift: float
    n_historical: int
    n_recent: int
    alpha: float
    tolerance: float
    drifted: bool
    unit: str = "ms"

    def __bool__(self):
        return self.drifted

    def __str__(self):
        evidence = (
            f"(KS D = {_short(self.statistic)}, {_p(self.p_value)}, "
            f"{self.n_historical:,} historical and {self.n_recent:,} recent values)"
        )
        if self.direction == "none":
            return f"No drift found: the two samples are distributed alike {evidence}."
        verb = "higher" if self.direction == "slower" else "lower"
        points = _short(100 * self.statistic)
        unit = f" {self.unit}" if self.unit not in ("", "ms") else ""
        gap = f"the share of values above {_short(self.location)}{unit} is {points} percentage points {verb}"
        if self.drifted:
            beyond = (
                f", credibly more than the {_short(100 * self.tolerance)} tolerated" if self.tolerance else ""
            )
            word = self.direction if self.unit in TIMES else "larger" if verb == "higher" else "smaller"
            return (
                f"Drift: recent is {word}, {gap} than in history{beyond}, "
                f"and values moved by {_short(self.shift)}{unit} on average {evidence}."
            )
        if self.p_value < self.alpha:
            tolerated = _short(100 * self.tolerance)
            reason = f"more than chance explains, but not credibly more than the {tolerated} tolerated"
        else:
            reason = "no more than chance can explain"
        return f"No drift found: {gap} than in history, {reason} {evidence}."


def _short(number):
    """Return four digits, or all before the point: 0.3294, 159, 12,345."""
    return f"{number:,.0f}" if 1_000 <= abs(number) < 1e15 else f"{number:.4g}"


def _p(p_value):
    return f"p = {p_value:.2g}" if p_value > 1e-300 else "p < 1e-300"


def detect_drift(historical, recent, *, alpha=0.05, tolerance=0.0, unit="ms"):
    """Return whether `recent` has drifted away from `historical`, by a two-sample Kolmogorov-Smirnov test.

    Parameters
    ----------
    historical, recent : sequence of numbers
        Measurements, two or more each, in the same unit: lists, arrays, Series.
    alpha : float, default 0.05
        The share of false alarms accepted when nothing has drifted, between 0 and 1.
    tolerance : float, default 0.0
        The distance one is willing to live with, on the scale of D, at least 0 and below 1. 0.02 tolerates
        that at any latency up to 2 % of the requests have moved from one side to the other.
    unit : str, default "ms"
        What the sentence says behind a value, and whether it says slower or larger: of times ("ns" to "h")
        slower and faster, of anything else, such as ``"euros"`` or ``""``, larger and smaller. "ms" is not
        written out. Values are not converted.

    Returns
    -------
    DriftResult
        The finding; print it, read its fields, or use it as a condition.

    Raises
    ------
    TypeError, ValueError
        In one sentence, for input that cannot be compared; see `as_sample`.

    See Also
    --------
    warn_if_drift : the same, and a warning when something has drifted.

    Notes
    -----
    `drifted` is decided by one rule, D being the measured distance and n, m the sizes:

        ``p_value < alpha``  and, for a tolerance above 0,  ``D - tolerance > e``,
        with  ``e = sqrt(log(2 / alpha) * (n + m) / (2 * n * m))``.

    With no tolerance it is the plain KS test. `e` is the sampling error that D exceeds with probability alpha
    at most (`sampling_error`). So ``D - e`` is a lower confidence bound for the true distance: the alarm means
    that even this bound lies above what is tolerated, whatever the sample size. (Wei and Dudley prove their
    form for two samples of equal size from 458 on, found it to hold by computation for unequal sizes from 4 to
    200, and conjecture it beyond; equal sizes below 458 exceed it a little.)

    That inequality is about samples from one distribution; here F and G differ, by the tolerance. By the
    triangle inequality ``D <= true distance + sup |(F_n - F) - (G_m - G)|``, and for large samples this error
    is no larger than under the mixture (m F + n G) / (n + m), whose covariance exceeds the one under (F, G) by
    that of (F - G) times one random number: by Anderson's inequality [5]_ the smaller covariance has the
    smaller supremum. For small samples the tests simulate it: at an alpha of 0.1 or less, false alarms stay below.

    Should ``log(1 / alpha)`` do, since where F and G differ by the tolerance they do so to one side? No: where F
    jumps by twice the tolerance at the median of G, both sides meet where the error is largest. With 10,000 and
    60 values and a tolerance of 0.1 that smaller `e` alarms in 0.063 of the pairs at an alpha of 0.05; this one
    in 0.030.

    Values are taken as independent. Autocorrelated measurements, or a day compared with a night, alarm far
    more often than alpha says: `monitor` is made for those.

    Examples
    --------
    >>> historical = [101, 99, 104, 98, 103, 97, 102, 96]
    >>> print(detect_drift(historical, [121, 119, 124, 118, 123, 117, 122, 116]))
    Drift: recent is slower, the share of values above 104 is 100 percentage points higher than in history, \
and values moved by 20 on average (KS D = 1, p = 0.00016, 8 historical and 8 recent values).
    >>> detect_drift(historical, [100, 97, 103, 99, 105, 98, 101, 96]).drifted
    False
    >>> print(detect_drift([10, 12, 11, 13, 9, 14, 8, 15], [30, 32, 31, 33, 29, 34, 28, 35], unit="euros"))
    Drift: recent is larger, the share of values above 15 euros is 100 percentage points higher than in history, \
and values moved by 20 euros on average (KS D = 1, p = 0.00016, 8 historical and 8 recent values).
    """
    alpha = as_fraction(alpha, "alpha")
    tolerance = as_fraction(tolerance, "tolerance", zero_allowed=True)
    if not isinstance(unit, str):
        raise TypeError(f"unit is {unit!r}, but must be a text, such as 'ms', 'euros' or ''.")
    historical = as_sample(historical, "historical")
    recent = as_sample(recent, "recent")
    n, m = historical.size, recent.size
    statistic, location, direction, shift = measure(historical, recent)
    significant, p_value = _significance(statistic, n, m, alpha)
    return DriftResult(
        statistic=statistic,
        p_value=p_value,
        location=location,
        direction=direction,
        shift=shift,
        n_historical=n,
        n_recent=m,
        alpha=alpha,
        tolerance=tolerance,
        drifted=significant and (tolerance == 0 or statistic - tolerance > sampling_error(n, m, alpha)),
        unit=unit,
    )


def _significance(statistic, n, m, alpha):
    """Return whether the p-value is below `alpha`, and the p-value, or None if it was not needed to decide.

    The p-value of the large-sample limit costs next to nothing, and the exact one differs little: it is at
    most a quarter larger [4]_, and never below a third when the limit is 0.5, as the tests verify for small
    samples. Only when the limit leaves the decision open is the exact one counted out.
    """
    limit = special.kolmogorov(statistic * math.sqrt(n * m / (n + m)))
    if limit < alpha / 2:
        return True, None
    if limit > max(10 * alpha, 0.5):
        return False, None
    p_value = ks_p_value(statistic, n, m)
    return p_value < alpha, p_value


def warn_if_drift(historical, recent, *, alpha=0.05, tolerance=0.0, unit="ms"):
    """Return what `detect_drift` returns, and issue a `DataDriftWarning` when something has drifted.

    Parameters and errors are those of `detect_drift`. The warning names the line that called this function. As
    Python's warnings do, it is shown once for each line and text unless a filter says otherwise;
    ``warnings.simplefilter("always", DataDriftWarning)`` shows each, ``"error"`` makes it an exception.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     result = warn_if_drift(range(100), range(50, 150))
    >>> caught[0].category.__name__, result.drifted
    ('DataDriftWarning', True)
    """
    result = detect_drift(historical, recent, alpha=alpha, tolerance=tolerance, unit=unit)
    if result.drifted:
        warnings.warn(str(result), DataDriftWarning, stacklevel=2)
    return result
