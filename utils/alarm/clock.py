"""When values were measured: in which window they lie, and where in their cycles."""

import warnings
from datetime import date, tzinfo

import numpy as np
import pandas as pd

FEWEST_PERIODS = 7  # with fewer, how much one period differs from the next cannot be told
_DAY = 86_400 * 10**9


class Clock:
    """Cuts measurements into windows, of so many values or of a length of time, and knows their cycles.

    Parameters
    ----------
    window : int or str
        So many values, or a length of time, such as ``"1h"``.
    minimum : int
        How many values a window in time needs to be judged.
    timezone : str or None
        Whose clock windows and cycles follow; time stamps without a zone are then in UTC.
    historical : Series, DataFrame or array

    Attributes
    ----------
    by_time : bool
        Whether windows are cut by time.
    origin : Timestamp or None
        When history begins, on the clock of the cycles and windows; None if no time is needed.
    periods : list of float or None
        The cycles, in seconds, or in values if there is no origin.
    """

    def __init__(self, historical, window, *, minimum=10, timezone=None, cycles=None, holidays=()):
        self.window, self.minimum, self.step = _as_window(window)
        self.by_time = self.step is not None
        if self.by_time:
            self.minimum = _as_minimum(minimum)
        self.zone, self.origin, self.periods = _as_zone(timezone), None, None
        self._has_zone = None
        if isinstance(getattr(historical, "index", None), pd.DatetimeIndex):
            self._has_zone = historical.index.tz is not None
        if self.by_time:
            self.origin = self.index(historical, "historical")[0]
            # Midnight by the offset of the first row: some days on which clocks change have none, or two.
            wall = self.origin.tz_localize(None)
            midnight = wall.normalize() if self._by_days else self.origin - (wall - wall.normalize())
            self._anchor = midnight.value
            self._next_due = _shortest_usual_step(self.index(historical, "historical"))
        self.calendar = None, ()
        if cycles is not None:
            self._start_cycles(cycles, historical)
            self.calendar = self._start_calendar(as_days(holidays))
        elif len(as_days(holidays)):
            raise ValueError('holidays belong to a weekly cycle; give cycles=("1D", "7D") as well.')

    @property
    def told_periods(self):
        """The cycles as a person would write them: 1D 7D."""
        if self.origin is None:
            return " ".join(f"{period:g}" for period in self.periods)
        return " ".join(map(_told, self.periods))

    # --- windows -------------------------------------------------------------------------------------------

    def numbers(self, index):
        """Return in which window each time lies, counted from the midnight before history."""
        return (self._instants(index) - self._anchor) // self.step

    def number(self, time):
        """Return the number of the window in which one time lies."""
        return int(self.numbers(pd.DatetimeIndex([self.here(time)]))[0])

    def starts(self, numbers):
        """Return when windows begin."""
        instants = pd.DatetimeIndex(np.asarray(numbers) * self.step + self._anchor, name="window")
        if self.origin.tz is None:
            return instants
        if self._by_days:
            return instants.tz_localize(self.origin.tz, ambiguous=True, nonexistent="shift_forward")
        return instants.tz_localize("UTC").tz_convert(self.origin.tz)

    def last_closed(self, index, until=None):
        """Return the number of the last window that is complete: `until`, or else the next row, lies beyond it."""
        if until is not None:
            return self.number(until) - 1
        return self.number(index[-1] + pd.Timedelta(self._next_due, "ns")) - 1 if len(index) else None

    @property
    def windows_a_day(self):
        """How many windows a day has, or 1 if they don't divide it."""
        return 1 if _DAY % self.step else _DAY // self.step

    @property
    def _by_days(self):
        """Whether windows are whole days, which follow the wall's clock through its changes; hours do not."""
        return self.step % _DAY == 0

    def _instants(self, index):
        if self._by_days and index.tz is not None:
            index = index.tz_localize(None)
        return index.as_unit("ns").asi8

    # --- times ---------------------------------------------------------------------------------------------

    def index(self, values, argument, *, in_order=False, needs=None):
        """Return the time stamps of `values`, on this clock; `needs` says in words what takes them."""
        index = getattr(values, "index", None)
        if not isinstance(index, pd.DatetimeIndex):
            otherwise = "" if needs or self.by_time else ", or give cycles as numbers of values"
            needs = needs or ("windows are cut by time" if self.by_time else "cycles are given in time")
            raise TypeError(
                f"{argument} has no DatetimeIndex, but {needs}; pass a Series with its time stamps{otherwise}."
            )
        if index.hasnans:
            raise ValueError(
                f"{argument} has time stamps that are missing, {index.isna().sum():,} of {len(index):,}; leave "
                "these rows out."
            )
        if in_order and not index.is_monotonic_increasing:
            raise ValueError(f"{argument} has time stamps that are out of order; sort it by time first.")
        try:
            index = index.as_unit("ns")
        except pd.errors.OutOfBoundsDatetime:
            raise ValueError(
                f"{argument} has time stamps from {index.min()} to {index.max()}, but they must lie between 1678 "
                "and 2262; mend or leave out the others."
            ) from None
        if self.zone is not None:
            index = index.tz_localize("UTC") if index.tz is None else index
            return index.tz_convert(self.zone)
        if self._has_zone is not None and (index.tz is not None) != self._has_zone:
            raise TypeError("recent and historical must both have a time zone, or neither.")
        return index if self.origin is None or index.tz is None else index.tz_convert(self.origin.tz)

    def here(self, time):
        """Return one time on this clock."""
        time = pd.Timestamp(time)
        if time.tz is None:
            return time.tz_localize(self.origin.tz)
        return time.tz_convert(self.origin.tz)

    def read(self, time, argument, zone):
        """Return a time that somebody wrote, in this zone; one that names no zone is read as such rows are."""
        known = isinstance(time, (str, date, np.datetime64)) and not pd.isna(time)
        try:
            read = pd.Timestamp(time) if known else pd.NaT
            if zone is not None and read.tz is None:
                read = read.tz_localize(zone if self.zone is None else "UTC")
            read = read if read.tz is None else read.tz_convert(zone)
            known = not pd.isna(read)
        except (TypeError, ValueError):
            known = False
        if not known:
            raise ValueError(
                f"{argument} {time!r}, but must be a time that the clock shows once, such as "
                '"2026-03-01 14:00" or "2026-03-01 14:00+01:00".'
            )
        return read

    def cut_out(self, historical, stretches):
        """Return history without the rows that were measured in any of these stretches of time."""
        if isinstance(stretches, str) or not hasattr(stretches, "__len__"):
            raise TypeError(f"exclude is {stretches!r}, but must be a list of pairs of times.")
        if not len(stretches):
            return historical
        index = self.index(historical, "historical", in_order=True, needs="exclude names times")
        kept = np.ones(len(historical), bool)
        for stretch in stretches:
            if isinstance(stretch, str) or not hasattr(stretch, "__len__") or len(stretch) != 2:
                raise ValueError(
                    f"exclude holds {stretch!r}; give pairs of times, the first and the end of each stretch."
                )
            start, end = (self.read(time, "exclude holds", index.tz) for time in stretch)
            inside = (index >= start) & (index < end)
            if not inside.any():
                raise ValueError(f"exclude holds {start} to {end}, in which historical has no row.")
            if self.by_time:  # what is left of an hour is not an hour
                numbers = self.numbers(index)
                inside = np.isin(numbers, numbers[inside])
            kept &= ~inside
        if not kept.any():
            raise ValueError("exclude leaves nothing of historical; name the incidents only.")
        return historical[kept]

    # --- cycles --------------------------------------------------------------------------------------------

    def seconds(self, index):
        """Return the time on the wall, in seconds since history began."""
        if index.tz is not None:
            index = index.tz_localize(None)
        return ((index - self.origin.tz_localize(None)) / pd.Timedelta(seconds=1)).to_numpy(float)

    def follow_cycles(self, clock):
        """Take the cycles of another clock, and when it began to count, as they are."""
        self.origin, self.periods, self.calendar = clock.origin, clock.periods, clock.calendar

    def _start_cycles(self, cycles, historical):
        """Read `cycles`: the periods, and whose clock they follow."""
        periods = list(cycles) if isinstance(cycles, (tuple, list, np.ndarray)) else [cycles]
        if periods and all(_is_time(period) for period in periods):
            index = self.index(historical, "historical", in_order=not self.by_time)
            self.origin = index[0] if self.origin is None else self.origin
            periods = [pd.Timedelta(period).total_seconds() for period in periods]
        elif self.by_time or isinstance(historical, pd.DataFrame):
            what = "windows in time" if self.by_time else "a table"
            raise ValueError(
                f'cycles of {what} need a DatetimeIndex and periods in time, such as ("1D", "7D").'
            )
        usable = all(
            isinstance(period, (int, float, np.number)) and not isinstance(period, bool) and period > 0
            for period in periods
        )
        if not periods or not usable:
            raise ValueError(
                f"cycles is {cycles!r}; give periods in values, such as (24 * 60,), or all of them in time, "
                'each with its unit, such as ("1D", "7D").'
            )
        self.periods = [float(period) for period in periods]
        if self.origin is None:
            clock = np.arange(len(historical), dtype=float)
        else:
            clock = self.seconds(index)
        step = (clock[-1] - clock[0]) / (clock.size - 1)
        covered = clock[-1] - clock[0] + step
        told = "{:,.4g} values".format if self.origin is None else duration
        shortest, longest = min(self.periods), max(self.periods)
        if shortest <= 2 * step:
            raise ValueError(
                f"cycles holds a period of {told(shortest)}, but historical has a value every {told(step)}; "
                "it takes more than two values to tell a cycle."
            )
        if covered < 2 * longest * (1 - 1e-9):
            raise ValueError(
                f"cycles holds a period of {told(longest)}, but historical covers {told(covered)}; it "
                "takes two whole periods to tell a cycle from a trend."
            )
        if covered < FEWEST_PERIODS * shortest * (1 - 1e-9):
            warnings.warn(
                f"historical covers {covered / shortest:.3g} periods of {told(shortest)}, too few to tell "
                "how much one differs from the next: if they do, expect two to five times as many false alarms as "
                f"false_alarm_rate says; give {FEWEST_PERIODS} periods or more.",
                UserWarning,
                stacklevel=5,
            )

    def _start_calendar(self, holidays):
        """Return how long before the clock's 0 a Monday began, and the holidays in days from there."""
        if self.origin is None:
            if len(holidays):
                raise ValueError('holidays need a DatetimeIndex and cycles in time, such as ("1D", "7D").')
            return None, ()
        if len(holidays) and not any(
            abs(week / day - 7) < 1e-6 for day in self.periods for week in self.periods
        ):
            raise ValueError('holidays belong to a weekly cycle; give cycles=("1D", "7D").')
        start = self.origin.tz_localize(None)
        monday = start.normalize() - pd.Timedelta(days=start.day_of_week)
        return (start - monday).total_seconds(), [(day - monday.date()).days for day in holidays]


# --- rows --------------------------------------------------------------------------------------------------


def _shortest_usual_step(index):
    """Return the time, in nanoseconds, until the next row at the earliest; 0 where rows come at random."""
    steps = np.diff(index.asi8)
    usual = np.median(steps) if steps.size else 0
    if not steps.size or np.mean(np.abs(steps - usual) <= 0.1 * usual) < 0.5:
        return 0
    return int(np.quantile(steps, 0.01, method="lower"))


# --- input -------------------------------------------------------------------------------------------------


def _as_window(window):
    """Return a window as it was given, the least number of values in one, and its length in nanoseconds or None."""
    if isinstance(window, np.timedelta64):  # which is also a whole number to numpy
        window = pd.Timedelta(window)
    if isinstance(window, str) or hasattr(window, "total_seconds"):
        if not _is_time(window):
            raise ValueError(
                f'window is {window!r}, which is no length of time; write "1h", "15min" or "1D".'
            )
        length = pd.Timedelta(window).as_unit("ns")
        return window if isinstance(window, str) else _told(length.total_seconds()), 2, length.value
    if isinstance(window, (bool, np.bool_)) or not isinstance(window, (int, np.integer)):
        raise TypeError(
            f'window is {window!r}, but must be a whole number of values, such as 60, or a time, such as "1h".'
        )
    if window < 2:
        raise ValueError(f"window is {window}, but must be at least 2.")
    return int(window), 2, None


def _as_minimum(minimum):
    if isinstance(minimum, (bool, np.bool_)) or not isinstance(minimum, (int, np.integer)) or minimum < 2:
        raise ValueError(f"minimum is {minimum!r}, but must be a whole number of values, at least 2.")
    return int(minimum)


def _as_zone(timezone):
    if timezone is None:
        return None
    try:
        zone = pd.Timestamp(0, tz=timezone).tz
        pd.Timestamp(0, tz=str(zone))  # a file holds its name
        known = isinstance(timezone, (str, tzinfo))
    except Exception:  # each library of time zones has an error of its own
        known = False
    if not known:
        raise ValueError(f'timezone is {timezone!r}, but must be a name such as "Europe/Berlin".')
    return zone


def as_days(holidays):
    """Return a list of dates, each from a date, a time stamp or its text as in ISO 8601."""
    if isinstance(holidays, str) or not hasattr(holidays, "__iter__"):
        raise TypeError(f'holidays is {holidays!r}, but must be a list of dates, such as ["2026-12-25"].')
    days = []
    for day in holidays:
        try:
            stamp = pd.Timestamp(date.fromisoformat(day) if isinstance(day, str) else day)
            known = isinstance(day, (str, date, np.datetime64)) and not pd.isna(stamp)
        except (ValueError, TypeError):
            known = False
        if not known:
            raise ValueError(f'holidays holds {day!r}, which is no date; write dates as "2026-12-25".')
        days.append(stamp.date())
    return days


def _told(seconds):
    """Return a length of time as a person would write it: 7D."""
    units = [(86_400, "D"), (3_600, "h"), (60, "min"), (1, "s")]
    n, unit = next((n, unit) for n, unit in units if seconds >= n and seconds % n == 0 or n == 1)
    return f"{seconds / n:.10g}{unit}"


def duration(seconds):
    """Return a length of time in words, in the largest unit of which it has two or more."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1_000 * seconds:.3g} ms"


def _is_time(period):
    """Return whether this is a length of time; a number in quotation marks has no unit."""
    try:
        known = pd.Timedelta(period) > pd.Timedelta(0)
    except (ValueError, TypeError):
        return False
    return known and (hasattr(period, "total_seconds") or any(map(str.isalpha, str(period))))
