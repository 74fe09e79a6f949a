"""What one window's check found."""

import math
from dataclasses import dataclass, field
from functools import cached_property

from .drift import ks_p_value
from .state import State


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """What one window's check found. Printed, it is one sentence; as a condition, it is `drifted`.

    Attributes
    ----------
    statistic : float
        How far the window lies from history: the KS distance D, or what `DriftMonitor` was asked for.
    p_value : float
        Its conformal p-value: the share of healthy windows expected to reach the statistic, on average over
        histories.
    drifted : bool
        Whether the window alarms.
    direction : str
        ``"slower"``, ``"faster"``, or ``"none"`` if the window is distributed exactly as history is. Of an
        alarm by accumulated evidence: the side whose evidence is larger.
    location : float
        Where the shares of values at or below differ most (the place of D), in the data's units.
    evidence : tuple of float
        What has been accumulated for slower and for faster, this window included; zeros if nothing is.
    start : int or Timestamp
        Where the window begins: in values counted from history's first, or in time.
    time : Timestamp or None
        When its first value was measured, or the window in time began.
    shift : float
        By how much values moved on average, the Wasserstein-1 distance, in the data's units.
    n_historical, n_recent : int
        How many values were compared.
    threshold : float
        What alarms beyond: the statistic, or with `accumulate` the evidence.
    false_alarm_rate, tolerance : float
        As the monitor was built.
    name, unit : str
        Of what was measured, as history's name says; may be empty.
    blind : str
        Of counts in buckets: what they can't see, a sentence.
    conclusive : bool
        Whether the window could have alarmed: one alone cannot, where evidence has to add up.
    state : State
        What `check` and `check_many` go on from: ``after=result.state``.
    """

    statistic: float
    p_value: float
    drifted: bool
    direction: str
    location: float
    shift: float
    evidence: tuple[float, float]
    start: object
    time: object
    n_historical: int
    n_recent: int
    threshold: float
    false_alarm_rate: float
    tolerance: float
    name: str
    unit: str
    blind: str
    conclusive: bool
    state: State | None = field(repr=False, compare=False)
    _accumulates: bool = field(repr=False)
    _ks_statistic: float = field(repr=False)

    @cached_property
    def ks_p_value(self):
        """The p-value of the KS test, which takes values as independent. Computed when read."""
        return ks_p_value(self._ks_statistic, self.n_historical, self.n_recent)

    def __bool__(self):
        return self.drifted

    def __str__(self):
        of, unit = f" in {self.name}" if self.name else "", f" {self.unit}" if self.unit else ""
        since = "" if self.time is None else f" from {self.time:%Y-%m-%d %H:%M %Z}".rstrip()
        if math.isnan(self.statistic):
            return f"Not judged{of}: {self.n_recent:,} values are too few for a window{since}."
        if self.drifted:
            verdict = f"Drift{of}: recent is {self.direction}{since}"
        elif self.conclusive:
            verdict = f"No drift found{of}: recent is unalarming{since}"
        else:
            verdict = f"Undecided{of}: evidence adds up, and one window alone cannot alarm{since}"
        difference = "the window is distributed exactly as history is"
        if self.direction != "none":
            difference = (
                f"the difference from history is largest at {self.location:.4g}{unit} and values moved by "
                f"{self.shift:.3g}{unit} on average"
            )
        if self._accumulates:
            reason = (
                f"evidence added up over the windows: {self.evidence[0]:.3g} for slower, "
                f"{self.evidence[1]:.3g} for faster, alarming above {self.threshold:.3g}"
            )
        else:
            reason = (
                f"statistic {self.statistic:.3g}, alarming above {self.threshold:.3g}; conformal p = "
                f"{self.p_value:.2g}, an average over histories"
            )
        return f"{verdict}, {difference} ({reason}). {self.blind}".rstrip()
