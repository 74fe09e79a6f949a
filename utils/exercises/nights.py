"""The nights of the twelve calls: one of each kind a learner, drawn from the learner's own number.

What is right follows from the policy and from what the night's lines show: `_is_clear` keeps each draw at some
distance from the policy's limits. What stands out in one kind, such as many requests or few, requests that resemble
their neighbors, many metrics, another baseline, stands in nights with the other answer too, wherever it can. Reading
on here gives answers away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from utils.alarm.drift import detect_drift, measure
from utils.simulate import autocorrelated_noise, bad_node, more_spread, slow_tail

_TABLE = """
a plain slowdown | page | the median is too far up, and p says that chance does not do that.
few requests | don't page | so few requests wander this far without a cause, and p says so.
many requests | don't page | p is tiny because there are so many requests; users wait about 2 ms longer.
a tail | page | a few in a hundred requests are far slower: the median is still, the p95 shows them.
spread alone | page | the middle has not moved, but whoever waits long waits longer: the p95 shows it.
a bad node | page | some requests are served more slowly: the median hides them, the p95 does not.
autocorrelation | don't page | requests like their neighbors count for fewer: p is too small, chance does this.
other hours | can't say | the baseline is of other hours, so nothing tells a drift from the time of day.
one of twenty | don't page | on many healthy nights one of twenty has such a p: twenty times p is above 0.01.
missing values | page | more than one in twenty has no latency, and the others say nothing about those.
faster | don't page | the curves differ and p is tiny, but users wait less: that can wait until morning.
a moved baseline | page | the seven nights before are as slow as this one; the approved baseline is not.
"""
ANSWER_AND_WHY = {
    kind: (answer, why) for kind, answer, why in (row.split(" | ") for row in _TABLE.strip().split("\n"))
}
KINDS = tuple(ANSWER_AND_WHY)


@dataclass(frozen=True)
class Night:
    """One night: its kind and the right answer, its latencies in ms in the order of time, and what a rule needs.

    ``historical`` is what ``recent`` was compared with, most often the approved baseline itself; ``missing`` counts
    requests without a latency; of several ``metrics`` watched this one has the smallest p; ``hours`` are the
    baseline's and the night's.
    """

    kind: str
    approved: np.ndarray
    historical: np.ndarray
    recent: np.ndarray
    missing: int
    metrics: int
    hours: tuple[str, str]

    @property
    def answer(self) -> str:
        """Return what is right by the policy."""
        return ANSWER_AND_WHY[self.kind][0]

    @property
    def facts(self) -> list[str]:
        """Return the lines that an operator would see, all measured on the night's own data."""
        lines = [f"Approved baseline ({self.hours[0]}): {_sizes(self.approved)}."]
        if self.historical is not self.approved:
            lines.append(f"Historical (the week before, not approved): {_sizes(self.historical)}.")
        p = detect_drift(self.historical, self.recent).p_value
        watched = "one metric" if self.metrics == 1 else f"the smallest of {self.metrics} metrics"
        return [
            *lines,
            f"Recent ({self.hours[1]}): {_sizes(self.recent)}, and {self.missing:,} without latency.",
            f"KS p {'< 1e-15' if p < 1e-15 else f'= {p:.1g}'} ({watched} watched); "
            f"correlation of successive requests {_neighbors(self.recent):z.2f}.",
        ]


def _sizes(latencies: np.ndarray) -> str:
    median, p95 = np.quantile(latencies, [0.5, 0.95])
    return f"{latencies.size:,} requests, median {median:.1f} ms, p95 {p95:.1f} ms"


def _neighbors(latencies: np.ndarray) -> float:
    return np.corrcoef(latencies[:-1], latencies[1:])[0, 1]


def night_calls(number: int, chapter: int = 0) -> tuple[Night, ...]:
    """Return the twelve nights of one learner's number, in the order of that learner's round."""
    return tuple(night_call(number, chapter, n) for n in range(1, 13))


def kinds(number: int, chapter: int = 0) -> tuple[str, ...]:
    """Return the kinds of the twelve nights, without drawing them."""
    return tuple(KINDS[i] for i in np.random.default_rng([number, chapter]).permutation(len(KINDS)))


def night_call(number: int, chapter: int, n: int) -> Night:
    """Return night `n` of the twelve, counted from 1, without drawing the others."""
    rng = np.random.default_rng([number, chapter, n])
    kind = kinds(number, chapter)[n - 1]
    while not _is_clear(night := _drawn(kind, rng)):
        pass
    return night


_FEW = {"few requests": (12, 18), "one of twenty": (30, 41)}
_OWN_BASELINE = (*_FEW, "many requests", "autocorrelation", "other hours")


def _drawn(kind: str, rng: np.random.Generator) -> Night:
    """Return one draw of a kind, clear or not."""
    median_ms, up_ms, rho = rng.uniform(140, 160), rng.uniform(14, 20), 0.0
    before, size = int(rng.integers(1_500, 4_500)), int(rng.integers(400, 900))
    if kind in _FEW:
        size = int(rng.integers(*_FEW[kind]))
    elif kind == "autocorrelation":
        rho = 0.97
    else:
        if kind == "many requests" or rng.random() < 0.15:
            before, size = (int(n) for n in rng.integers(8_000, 12_000, size=2))
        elif kind == "a tail" or rng.random() < 0.3:
            before, size = int(rng.integers(3_000, 5_000)), int(rng.integers(1_500, 2_500))
        elif kind == "a plain slowdown" and rng.random() < 0.5:
            size = int(rng.integers(36, 100))
        rho = rng.uniform(0.4, 0.9) if kind != "many requests" and rng.random() < 0.5 else 0.0

    def healthy(*size: int) -> np.ndarray:
        noise = autocorrelated_noise(size, rho, rng) if rho else rng.normal(size=size)
        return median_ms * np.exp(0.13 * noise)

    approved = historical = healthy(before)
    if kind in (*_FEW, "autocorrelation"):  # the first of many healthy nights that is far up
        nights = healthy(20 if rho else 200, size)
        recent = nights[np.argmax(np.median(nights, axis=1) > np.median(approved) + 10.5)]
    else:
        recent = healthy(size)
    if kind in ("a plain slowdown", "other hours", "a moved baseline"):
        recent = recent + up_ms
    elif kind == "many requests":
        recent = recent + rng.uniform(1.6, 2.3)
    elif kind == "a tail":
        recent = slow_tail(recent, rng, share=0.09, factor=rng.uniform(1.7, 2))
    elif kind == "spread alone":
        recent = more_spread(recent, 1.9)
    elif kind == "a bad node":
        recent = bad_node(recent, rng, share=0.2, factor=1.4)
    elif kind == "faster":
        recent = recent - up_ms
    if kind == "a moved baseline":
        historical = healthy(int(rng.integers(1_500, 4_500))) + up_ms
    elif kind not in _OWN_BASELINE and rng.random() < 0.3:
        historical = healthy(int(rng.integers(1_500, 4_500)))

    share = rng.uniform(0.08, 0.14) if kind == "missing values" else rng.uniform(0, 0.025)
    unsurprising = kind in ("missing values", "a moved baseline")  # no smallest p of twenty is that large
    metrics = 20 if kind == "one of twenty" or (not unsurprising and rng.random() < 0.4) else 1
    start = int(rng.integers(21, 27))
    other = start + (int(rng.integers(8, 17)) if kind == "other hours" else 0)
    hours = (f"{first % 24:02d}:00 to {(first + 4) % 24:02d}:00" for first in (other, start))
    return Night(kind, approved, historical, recent, int(share * size), metrics, tuple(hours))


_FAR_UP, _STILL, _ANY, _TINY = (10.5, 12.5), (-9, 9), (-np.inf, np.inf), (0, 1e-4)
_CLEAR = (
    {  # by how much median and p95 are up in ms, KS p, and p from the approved one where neighbors count for fewer
        "few requests": (_FAR_UP, _ANY, (0.03, 0.3), _ANY),
        "one of twenty": (_FAR_UP, _ANY, (0.0015, 0.008), _ANY),
        "many requests": ((1, 3), (-15, 15), _TINY, _ANY),
        "autocorrelation": (_FAR_UP, _ANY, _TINY, (0.05, 1)),
        "missing values": (_STILL, (-15, 15), (0.1, 1), _ANY),
        "a moved baseline": ((11, 25), _ANY, (0.1, 1), _TINY),
        "faster": ((-25, -11), _ANY, _TINY, _TINY),
    }
    | dict.fromkeys(("a tail", "spread alone", "a bad node"), (_STILL, (30, np.inf), _TINY, _TINY))
)


def _is_clear(night: Night) -> bool:
    """Return whether a draw shows what its kind is about."""
    neighbors = max(0, _neighbors(night.recent))
    found = (
        *np.quantile(night.recent, [0.5, 0.95]) - np.quantile(night.approved, [0.5, 0.95]),
        _p(night.historical, night.recent),
        _p(night.approved, night.recent, (1 - neighbors) / (1 + neighbors)),
    )
    limits = _CLEAR.get(night.kind, ((11.5, 25), _ANY, _TINY, _TINY))
    return all(low <= value <= high for value, (low, high) in zip(found, limits, strict=True))


def _p(before: np.ndarray, recent: np.ndarray, count_for: float = 1) -> float:
    pairs = 1 / (1 / before.size + 1 / recent.size)
    return special.kolmogorov(measure(before, recent)[0] * np.sqrt(count_for * pairs))
