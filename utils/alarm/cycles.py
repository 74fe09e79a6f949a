"""Daily, weekly and other cycles of one metric: told from its history, and taken out."""

import numpy as np

HARMONICS = 3  # sines and cosines a cycle: enough for a day with two peaks
BINS = 24  # of the shortest period: a fit sees the mean in each
WEEKS_FOR_HOURS = 4  # a week of hours needs each of them so often
BY_LUCK = 20  # parameters: a shape must gain more than so many would by fitting noise
SOME = 1 << 14  # rows of a design at a time: bounds the memory
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FREE_DAYS = [(first, (first + 1) % 7) for first in (5, 4, 6, 0, 1, 2, 3)]


class Cycles:
    """The cycles of one history, by least squares.

    If history has no negative value, a cycle multiplies (least squares on the logarithm; zeros stay zeros and
    have no part in the fit), else it adds. What is left has history's average level and its units.

    Sines and cosines of each period are one way to draw a cycle. If the periods hold a day and its week, there
    are two more: days of two kinds, five of work and two free ones in a row, each kind with a level and a daily
    cycle of its own; and, from four weeks on, every hour of the week for itself. Whichever predicts each stretch of
    history best from the others is taken (cross-validation), sines if it is close.

    Parameters
    ----------
    values : array
        NaN is left out of the fit.
    clock : array
        When each was measured, in the unit of `periods`.
    periods : list of float
    edges : array of int
        Where blocks begin among the values, and the last ends: stretches of history are cut between them.
    monday : float, optional
        How long before the clock's 0 a week began on a Monday; by default the calendar is unknown, and days are
        counted from the clock's 0.
    holidays : array of int, optional
        Days, counted from that Monday, that are as free as Sundays are.

    Attributes
    ----------
    multiplies : bool
        Whether a cycle multiplies; else it adds.
    shape : str
        How the cycles are drawn, in words.
    """

    def __init__(self, values, clock, periods, edges, monday=None, holidays=()):
        self.periods, self.monday, self.holidays = periods, monday or 0.0, holidays
        self.multiplies = bool(np.nanmin(values) >= 0 and np.nanmax(values) > 0)
        days = [day for day in periods for week in periods if abs(week / day - 7) < 1e-6]
        self._day = days[0] if days else None
        self._weekly = self._weekly_waves()
        # The last value lasts as long as the others do.
        covered = (clock[-1] - clock[0]) * values.size / (values.size - 1)
        stretches = int(min(5, covered / max(periods) + 1e-9))
        edges = edges[np.linspace(0, len(edges) - 1, stretches + 1).astype(int)]
        edges[0], edges[-1] = 0, values.size
        self._stretches = list(zip(edges[:-1], edges[1:], strict=True))
        parts = [self._means(values[a:b], clock[a:b]) for a, b in self._stretches]
        fits = [self._fit(free, parts) for free in self._candidates(covered)]
        simplest, best = fits[0], min(fits, key=lambda fit: fit[0].sum())
        # Of seven pairs of days one is always a little better than sines, by luck.
        by_more_than_luck = 1 - BY_LUCK / sum(counts.size for counts, *_ in parts)
        better = best[0].sum() < by_more_than_luck * simplest[0].sum() and (best[0] < simplest[0]).all()
        _, self._free, self._coefficients, self._without = best if better else simplest
        self.shape = "sines" if self._free is None else "hours of the week"
        if self._free:
            ordinals = ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th")
            names = ordinals if monday is None else _DAYS
            self.shape = f"days of two kinds, free: {names[self._free[0]]} and {names[self._free[1]]}"

    def facts(self):
        """Return what `of_facts` makes cycles of again, as JSON can hold it."""
        kept = {
            name: getattr(self, name)
            for name in ("periods", "monday", "multiplies", "shape", "_day", "_free")
        }
        return kept | {"holidays": list(self.holidays), "_coefficients": self._coefficients.tolist()}

    @classmethod
    def of_facts(cls, facts):
        """Return cycles that were told from another history."""
        cycles = cls.__new__(cls)
        vars(cycles).update(facts)
        cycles._coefficients = np.array(facts["_coefficients"])
        cycles._free = None if facts["_free"] is None else tuple(facts["_free"])
        cycles._weekly = cycles._weekly_waves()
        return cycles

    def _weekly_waves(self):
        """Return which waves have the period of a week, if there is a day to it."""
        weeks = [self._day is not None and abs(period / self._day - 7) < 1e-6 for period in self.periods]
        return np.repeat(weeks, 2 * HARMONICS)

    def clean_history(self, values, clock):
        """Return history without its cycles, each stretch by the cycles that the others suggest."""
        cleaned = np.empty(values.size)
        for (a, b), others in zip(self._stretches, self._without, strict=True):
            cleaned[a:b] = self.clean(values[a:b], clock[a:b], others)
        return cleaned

    def clean(self, values, clock, coefficients=None):
        """Return `values` without their cycles."""
        coefficients = self._coefficients if coefficients is None else coefficients
        cleaned = np.empty(values.size)
        for start in range(0, values.size, SOME):
            part = slice(start, start + SOME)
            cycle = self._design(self._free, clock[part], self._waves(clock[part])) @ coefficients
            cleaned[part] = values[part] / np.exp(cycle) if self.multiplies else values[part] - cycle
        return cleaned

    def _candidates(self, covered):
        """Return the ways to draw the cycles: None for sines, two free days, () for the hours of the week."""
        if self._day is None:
            return [None]
        hours = [()] if covered >= WEEKS_FOR_HOURS * 7 * self._day * (1 - 1e-9) else []
        sines = [] if len(self.holidays) else [None]  # a sine knows no holidays
        return sines + _FREE_DAYS + hours

    def _means(self, values, clock):
        """Return the mean of each bin of a stretch: how many values, waves, clock and height."""
        present = values > 0 if self.multiplies else ~np.isnan(values)
        values, clock = values[present], clock[present]
        bins = np.floor((clock + self.monday) / (min(self.periods) / BINS) + 1e-9)
        starts = np.flatnonzero(np.diff(bins, prepend=-np.inf))
        counts = np.diff(np.append(starts, bins.size))
        columns = np.column_stack([self._waves(clock), clock, np.log(values) if self.multiplies else values])
        means = np.add.reduceat(columns, starts, axis=0) / counts[:, np.newaxis]
        return counts, means[:, :-2], means[:, -2], means[:, -1]

    def _fit(self, free, parts):
        """Return the squared error of each stretch told from the others, `free`, and the coefficients of both."""
        stretches = [(counts, self._design(free, clock, waves), y) for counts, waves, clock, y in parts]
        grams = [design.T @ (counts[:, np.newaxis] * design) for counts, design, _ in stretches]
        moments = [design.T @ (counts * heights) for counts, design, heights in stretches]
        gram, moment = sum(grams), sum(moments)
        hold = 1e-9 * np.trace(gram) * np.eye(len(gram))  # columns may add up to others, or be empty
        whole = np.linalg.solve(gram + hold, moment)
        without = [np.linalg.solve(gram - g + hold, moment - m) for g, m in zip(grams, moments, strict=True)]
        errors = [
            counts @ (heights - design @ others) ** 2
            for (counts, design, heights), others in zip(stretches, without, strict=True)
        ]
        for solution in (whole, *without):  # the average level stays in the values
            solution[0] -= gram[0] @ solution / gram[0, 0]
        return np.array(errors), free, whole, without

    def _design(self, free, clock, waves):
        """Return one row a value: 1, and what the cycles are made of."""
        first = np.ones((clock.size, 1))
        if free is None:
            return np.hstack([first, waves])
        waves = waves[:, ~self._weekly]
        days = np.floor((clock + self.monday) / self._day + 1e-9)
        weekday = np.where(np.isin(days, self.holidays), free[1] if free else 6, days % 7)
        if not free:
            hour = np.floor((clock + self.monday) % self._day / self._day * 24 + 1e-9)
            return np.hstack([first, waves, (weekday * 24 + hour)[:, np.newaxis] == np.arange(168)])
        is_free = np.isin(weekday, free)[:, np.newaxis]
        return np.hstack([first, is_free, waves, waves * is_free])

    def _waves(self, clock):
        angles = [2 * np.pi * h * clock / period for period in self.periods for h in range(1, HARMONICS + 1)]
        return np.column_stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)])
