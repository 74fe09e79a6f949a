"""Many comparisons against one history, under one alarm budget.

A `DriftMonitor` sorts the history once and then judges window after window. Its threshold is not a
significance level but a promise: `false_alarm_rate`, the share of healthy windows that may alarm.

>>> import numpy as np
>>> rng = np.random.default_rng(42)
>>> historical = rng.normal(loc=150, scale=20, size=60_000)
>>> monitor = DriftMonitor(historical, window=60, false_alarm_rate=1 / 720)
>>> monitor
DriftMonitor(1,000 blocks of 60, statistic ks, at most 1 false alarm in 720 windows)
>>> healthy, drifted = rng.normal(150, 20, size=60), rng.normal(165, 22, size=60)
>>> monitor.check(healthy).drifted, monitor.check(drifted).drifted
(False, True)

How it decides
--------------
*The budget.* History is cut into consecutive blocks as long as a window. Each block is compared with the rest
of history, which gives k healthy statistics S_1 ... S_k, and a recent window with statistic S gets the
conformal p-value [1]_

    ``p = (1 + #{i: S_i >= S}) / (k + 1)``.

It alarms when ``p <= false_alarm_rate``. If window and blocks are exchangeable, the ranks of S are as good as
equally likely (with four blocks simulations tell the difference, with nine no more), and P(alarm) is
`attainable_rate`, less if statistics are tied. p is an average over histories: of one history the share of
healthy windows that reach its largest block is Beta(1, k), above ``1 / (k + 1)`` in 37 of 100 histories. A block
carries its autocorrelation with it, which is why the budget holds where the KS p-value cries wolf.

*Memory.* Blocks that hang together from one to the next, for hours or for weeks, are not exchangeable with later
windows: they lie closer to a history that they are part of, and the largest come in clusters. How they hang
together is estimated from their scores (`evidence`); where that makes alarms more than a twentieth oftener than
promised, fewer ranks may alarm (so a window with ``p <= false_alarm_rate`` may not), and where no rank is rare
enough the monitor warns.

*Leaving a block out is free.* All of n values are the block's w and the rest's n - w, so
``F_block - F_rest = (F_block - F_all) * n / (n - w)`` at every x. Whatever is a maximum or an area of that
difference needs comparing with all of history only: the KS and the Wasserstein distance, and the mean excess
beyond a given limit. (The limits of "tail" stay those of all of history; with few blocks its tails are taken
so wide that no single block makes them up.)

*Windows in time.* An hour has as many requests as it has. A statistic of few values has more noise of sampling than
one of many, and both have as much of whatever else makes hours differ, so no power of their number makes them
comparable. Each is told by its place among the quantiles of the blocks of like size, and so is the largest of several
(`history.Usual`). The ranks of those places are told from all blocks.

*Cycles.* Least squares of the logarithm, taken out of history and recent alike: sines and cosines of each period,
or a week of free days and others, or of hours, whichever history votes for (`cycles`). Each stretch of history is
cleaned with the cycle that the other stretches suggest, as a recent window is cleaned with one that it had no
part in.

*Accumulation.* A drift too small for one window may be plain over six. Each window's conformal p-value, taken
for "slower" and "faster" separately, is turned into a normal score z (large when p is small), and two
cumulative sums (CUSUM, Page [2]_) add it up:

    ``evidence = max(0, evidence + z - 1)``,  and 0 as soon as z < 0.

The second half makes it forget: one in two healthy windows has z < 0, so evidence of an incident that is over
does not spill far into the hours after it. An alarm comes when one of them exceeds `threshold`, and sets both
back to 0. The p-value is smoothed [1]_: where blocks tie with the window, and in the gap between two blocks, its
place is drawn by lot (always the same for the same window of the same monitor). So z is standard normal, however
the latencies are distributed, for windows that are exchangeable with history. The threshold that alarms as rarely
as the budget says is found by simulating healthy runs, each with a history as long as this one and with its
memory; it is raised, with a warning, if history's own blocks alarm too often by it. That sums of transformed
conformal p-values detect changes is from [3]_. There p-values are computed online, each among all values before
it, which makes them independent, and bounds false alarms without simulation; here history is fixed, so that a
drift which lasts never becomes the reference, and all windows share its luck.

References
----------
.. [1] V. Vovk, A. Gammerman and G. Shafer (2005), Algorithmic Learning in a Random World, Springer.
.. [2] E. S. Page (1954), Continuous inspection schemes, Biometrika 41, 100-115.
.. [3] V. Vovk, I. Petej, I. Nouretdinov, E. Ahlberg, L. Carlsson and A. Gammerman (2021), Retrain or not
   retrain: conformal test martingales for change-point detection, Proceedings of Machine Learning Research
   152, 191-210.
.. [4] Y. Benjamini and Y. Hochberg (1995), Controlling the false discovery rate, Journal of the Royal
   Statistical Society B 57, 289-300.
"""

import math
import warnings
import zlib
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
import scipy
from scipy import special

from . import releases
from . import state as files
from .clock import FEWEST_PERIODS, Clock, as_days
from .counts import (
    COARSE,
    CountHistory,
    are_counts,
    blind_spot,
    coarsen,
    edges_of,
    mean_logs,
    moved,
    scaled,
    shared_buckets,
)
from .cycles import Cycles
from .drift import as_fraction, as_sample
from .evidence import (
    ALLOWANCE,
    FEWEST_FOR_MEMORY,
    LONGEST,
    accumulate,
    alarm_rates,
    count_alarms,
    evidence_threshold,
    moves,
    share_on_one_side,
)
from .history import FEWEST_BLOCKS, History
from .rows import (
    LONGEST_GAP,
    CountRows,
    Rows,
    as_columns,
    in_order,
    in_order_once,
    levels,
    nanoseconds,
    refuse_jumps,
    row_ids,
)
from .state import REMEMBERED, State
from .verdict import WindowResult

STATISTICS = ("ks", "wasserstein", "tail")
CLOSE_ENOUGH = 1.05  # times the budget, to which simulation knows how often a rank is reached
ALIKE = 1.3  # windows whose sizes differ by less are told apart by the root of their size alone
SLOW = 3  # windows in a row: a large drift should alarm within so many
# Days of history from which the promise was kept: a daily cycle whose height differs from day to day, a weekly one,
# and evidence, which the first weekend adds to: six days always hold a part of one.
NEEDS = {"cycles 1D": FEWEST_PERIODS, "cycles 7D": 14, "accumulate": 6}
UNITS = ("ns", "us", "µs", "ms", "s")


# --- the monitor -------------------------------------------------------------------------------------------


class DriftMonitor:
    """Judges recent windows against one history, with a false-alarm rate that the user states.

    Parameters
    ----------
    historical : sequence of numbers, or DataFrame
        Healthy measurements in the order of time; a Series may bring a DatetimeIndex as its clock, and in its
        name a unit (``latency_ms``). A DataFrame makes a monitor for `check_frame`, one column a metric; only there
        may values be missing. Counts in buckets, a DataFrame as `counts` has it, stand for one metric, and take
        windows in time.
    window : int or str, default 60
        How many values make a window, and a block of history; or how long it lasts, such as ``"1h"``: then windows
        have as many values as there are, and begin at full hours of the clock. It takes a DatetimeIndex.
    false_alarm_rate : float, default 1/720
        The budget: the share of healthy windows that may alarm. 1/720 of hourly windows is one in 30 days. Of a
        DataFrame: the share of windows in which any metric may.
    statistic : str or tuple of str, default "ks"
        How the distance from history is measured:

        - ``"ks"``: D, the largest gap between the two shares of values at or below some x;
        - ``"wasserstein"``: by how much values moved on average, in the data's units;
        - ``"tail"``: by how much the mean excess over history's 99 % quantile (or below its 1 % quantile)
          grew, in the data's units; it sees one request in twenty that times out, which D hardly does.

        Of several, each is divided by what one healthy block in a hundred exceeds (or told by its place among
        blocks of like size, where windows in time differ in it), and the largest counts.
    cycles : tuple, optional
        Periods to take out first: in values, such as ``(24 * 60, 168 * 60)``, or, if `historical` has a
        DatetimeIndex, in time, such as ``("1D", "7D")``. History must hold two of the longest, and seven of the
        shortest to tell how much they differ (six at the least to `accumulate`). A day with its week may be drawn
        as sines, as free days and others, or hour by hour; `calendar` says which history chose. What is left
        keeps history's average level; locations and shifts refer to it. `advice` tells what a history is enough for.
    holidays : sequence of dates, optional
        Days that are as free as Sundays are, in history and after it; needs cycles in time, a day and its week.
    accumulate : bool, default False
        Let evidence add up over windows, under the same budget. One window by itself, however bad, then hardly
        ever alarms: judge many, or go on with `follow`. The threshold is found by simulation, which takes a second.
    tolerance : float, default 0.0
        With the statistic "ks": the distance one is willing to live with, at least 0 and below 1. It is taken
        off D before D is compared with the healthy blocks.
    timezone : str, optional
        Whose clock cycles and windows follow, such as ``"Europe/Berlin"``; time stamps without a zone are then
        in UTC. By default the zone of history's index.
    minimum : int, default 10
        How many values a window in time must have; one with fewer is reported, not judged.
    exclude : sequence of pairs of times, optional
        Stretches of history to leave out, such as incidents; of windows in time, whole ones. Times without a zone
        are read as history's are.

    Attributes
    ----------
    n_historical, n_blocks : int
        The number of values and of healthy blocks.
    threshold : float
        What alarms beyond: the statistic (of a window of history's usual size), or with `accumulate` the evidence.
    attainable_rate : float
        The largest rate within the budget that so many exchangeable blocks can keep exactly, a multiple of
        ``1 / (n_blocks + 1)``.
    correlation, long_memory : float
        How blocks of one metric hang together in time: short memory, as the correlation of neighbors' scores that
        it makes, and long memory, the fractional difference d (0: none; from 0.5 on there would be no level to be
        near). The threshold allows for both. Fewer than 50 blocks tell little of it.
    start, state : State
        Where history ends, and how far `follow` has come.
    historical : as it was given
        Without the stretches that `exclude` names.
    settings : dict
        The other arguments.

    Raises
    ------
    TypeError, ValueError
        In one sentence, for input that cannot be used, and for a budget that history cannot support: k blocks
        support no rate below ``1 / (k + 1)``.

    Notes
    -----
    The module's text has the method. The promise is an average over histories: one particular history gives a
    rate somewhat above or below, the more so the fewer blocks exceed the threshold. It covers windows that
    are like history's blocks: a trend, or a cycle that `cycles` leaves in, is drift to it. Over the kinds of
    healthy data of ``make bench PARTS=promises`` alarms came 0.5 to 1.5 times as often as promised, or the
    monitor warned. Not covered, and not always warned of: a level that moves by a tenth of the spread in weeks,
    spells of large spread that last for days, a third kind of day in less than four weeks of history. Of hours with
    20 requests by night and 2,000 by day, which differ by more than chance, each third of traffic kept within about
    0.5 to 1.5 times the promise, from five weeks of history at 1/720: ``make bench PARTS=operator``.

    Examples
    --------
    A drift that grows, seen window by window, with its evidence added up:

    >>> import numpy as np
    >>> rng = np.random.default_rng(42)
    >>> historical = rng.normal(loc=150, scale=20, size=60_000)
    >>> recent = rng.normal(loc=150, scale=20, size=300) + np.linspace(0, 12, 300)
    >>> monitor = DriftMonitor(historical, window=60, accumulate=True)
    >>> rows = monitor.check_many(recent)
    >>> [bool(drifted) for drifted in rows["drifted"]]
    [False, False, False, False, True]

    The same as it comes in, from one run of a program to the next:

    >>> for part in np.split(recent, [130]):
    ...     print([bool(drifted) for drifted in monitor.follow(part)["drifted"]])
    [False, False]
    [False, False, True]
    """

    def __init__(
        self,
        historical,
        window=60,
        false_alarm_rate=1 / 720,
        *,
        statistic="ks",
        cycles=None,
        holidays=(),
        accumulate=False,
        tolerance=0.0,
        timezone=None,
        minimum=10,
        exclude=(),
    ):
        settings = {
            "window": window,
            "false_alarm_rate": false_alarm_rate,
            "statistic": statistic,
            "cycles": cycles,
            "holidays": holidays,
            "accumulate": accumulate,
            "tolerance": tolerance,
            "timezone": timezone,
            "minimum": minimum,
            "exclude": exclude,
        }
        self._build(historical, settings)

    def _build(self, historical, settings, *, thresholds=None, wander=0.0, wanted=None, cycles=None):
        """Build from settings.

        Known from before are the `thresholds`, `wander`, which is the error of a release's change, what was
        `wanted` before a restart, and the (clock, cycles by name) that a restarted monitor keeps.
        """
        self.false_alarm_rate = as_fraction(settings["false_alarm_rate"], "false_alarm_rate")
        self.statistic = _as_statistics(settings["statistic"])
        self.tolerance = as_fraction(settings["tolerance"], "tolerance", zero_allowed=True)
        if self.tolerance and self.statistic != ("ks",):
            raise ValueError('tolerance is a KS distance; use it with statistic="ks", or leave it 0.')
        if not isinstance(settings["accumulate"], (bool, np.bool_)):
            raise TypeError(f"accumulate is {settings['accumulate']!r}, but must be True or False.")
        self.accumulate = bool(settings["accumulate"])
        self._wander = wander
        # What a restarted monitor goes back to as soon as its history allows.
        self._wanted = wanted or {"false_alarm_rate": self.false_alarm_rate, "cycles": settings["cycles"]}
        as_columns(historical, "historical")  # before its times are looked at
        self._edges = edges_of(historical.columns) if are_counts(historical) else None
        self._is_table = isinstance(historical, pd.DataFrame) and not self.counts
        if self.counts and isinstance(settings["window"], (int, np.integer)):
            raise TypeError(
                'historical holds counts in buckets, whose windows are cut by time; give window="1h".'
            )
        options = {name: settings[name] for name in ("minimum", "timezone", "cycles", "holidays")}
        if not isinstance(settings["exclude"], (tuple, list)) or settings["exclude"]:
            clock = Clock(in_order(historical), settings["window"], timezone=options["timezone"])
            historical = clock.cut_out(in_order(historical), settings["exclude"])
        self._clock = Clock(in_order(historical), settings["window"], **options)
        self.window, self.settings = self._clock.window, settings | {"exclude": ()}
        self._keeps_cycles = cycles is not None
        if self._keeps_cycles:
            self._clock.follow_cycles(cycles[0])
        self.historical = historical
        named = historical.columns if self.counts else historical
        self.name = str(getattr(named, "name", None) or "")
        unit = self.name.rpartition("_")[2]
        self.unit = getattr(historical, "attrs", {}).get("unit") or (unit if unit in UNITS else "")
        rows = self._rows(historical, "historical")
        self.n_historical = int(rows.sizes.sum()) if self.counts else len(historical)
        self._require_blocks(len(rows.numbers))
        if self.counts:
            every = np.median(np.diff(rows.index.asi8))
            if abs(self._clock.step / every - max(1, round(self._clock.step / every))) > 0.01:
                raise ValueError(
                    f"historical has counts of every {pd.Timedelta(every)}, of which {self._told_window} hold no "
                    "whole number; give a window that does."
                )
        if self.accumulate and self._clock.periods is not None and thresholds is None and wanted is None:
            self._require_periods(rows)
        self._cycles, self._histories, self._rates, self._missing = {}, {}, {}, {}
        memories, doubts, self._common, self.halves_apart = {}, {}, {}, 0.5
        for name in rows.columns:
            values, first, sizes, seconds = rows.column(name, self._clock)
            if len(values) < 2:
                raise ValueError(f"historical[{name!r}] holds fewer than two values; leave the column out.")
            enough = sizes >= self._clock.minimum
            first, sizes = first[enough], sizes[enough]
            self._require_blocks(len(sizes), name)
            if self._keeps_cycles:
                self._cycles[name] = cycles[1][name]
                values = self._clean(name, values, seconds)
            elif self._clock.periods is not None:
                edges = np.append(first, len(values))
                heights = np.exp(mean_logs(values, self._edges)) if self.counts else values
                self._cycles[name] = Cycles(
                    heights, seconds, self._clock.periods, edges, *self._clock.calendar
                )
                values = self._clean(name, values, seconds, whole=True)
            self._histories[name] = history = self._history_of(
                values,
                first,
                sizes,
                self.statistic,
                window=sizes.max() if self._clock.by_time else self.window,
                by_size=self._clock.by_time and _differ(sizes),
                wander=wander,
            )
            # How much of what moves later windows they have in common, beside what moves each.
            in_time = self._levels(values, first, sizes)
            self.halves_apart = max(self.halves_apart, share_on_one_side(in_time))
            apart = in_time.var() if wander else 1.0
            self._common[name] = round(wander**2 / (wander**2 + apart), 2)
            self._missing[name] = np.sort(rows.missing_share(name))
            blocks_a_cycle = None
            if self._clock.periods is not None:
                blocks_a_cycle = min(self._clock.periods) / (seconds[-1] - seconds[0]) * history.n_blocks
            memory = history.memory(values, cycle=blocks_a_cycle)
            rates = alarm_rates(memory, history.n_blocks, self._may_alarm(history.n_blocks))
            self._rates[name] = rates / self.false_alarm_rate
            doubts[name] = self._doubt_of_memory(history, memory, name)
            # Of days that differ, each keeps its windows on one side for hours, which adds up like a memory.
            memories[name] = history.memory(values) if self.accumulate else memory
        self._doubts = {name: doubt for name, doubt in doubts.items() if doubt}
        self._warn_of_doubts(self._doubts)
        if self.counts and self._clock.periods is not None:
            self._warn_of_coarse_buckets()
        self.n_blocks = min(history.n_blocks for history in self._histories.values())
        self.attainable_rate = self._may_alarm(self.n_blocks) / (self.n_blocks + 1)
        if not self._is_table:
            self.correlation, self.long_memory = memory
        self._identity = self._check_sum(rows)
        self._set_thresholds(memories, thresholds)
        self._silence = _silence_by_time_of_day(rows, self._clock) if self._clock.by_time else None
        start = self._clock.number(rows.index[-1]) + 1 if self._clock.by_time else self.n_historical
        start = self._clock.starts([start])[0] if self._clock.by_time else start
        none = np.zeros((len(self._histories), 2))
        self.start = self.state = State(monitor=self._identity, next_start=start, evidence=none)
        self._has_judged = False
        self.about = {}

    def __repr__(self):
        options = f", cycles {self._clock.told_periods} ({self.calendar})" if self._clock.periods else ""
        options += f", clock of {self._clock.zone}" if self._clock.zone is not None else ""
        options += ", accumulated" if self.accumulate else ""
        window = self.window if self._clock.by_time else f"{self.window:,}"
        return (
            f"DriftMonitor({self.n_blocks:,} blocks of {window}, "
            f"statistic {' + '.join(self.statistic)}{options}, "
            f"at most 1 false alarm in {1 / self.false_alarm_rate:,.4g} windows)"
        )

    @property
    def calendar(self):
        """How the cycles run, as history tells it: in what shape, and whether they multiply or add."""
        told = {f"{c.shape}, {'multiplying' if c.multiplies else 'adding'}" for c in self._cycles.values()}
        return "; ".join(sorted(told))

    @property
    def fewest_windows(self):
        """How many windows in a row it takes to alarm, each beyond all of history: 1, unless evidence adds up."""
        if not self.accumulate:
            return 1
        each = float(-special.ndtri(0.5 / (self.n_blocks + 1))) - ALLOWANCE
        return math.ceil(max(self._thresholds.values()) / each)

    @property
    def counts(self):
        """Whether history is counts in buckets."""
        return self._edges is not None

    @property
    def by_time(self):
        """Whether windows are cut by time."""
        return self._clock.by_time

    @property
    def window_seconds(self):
        """How long a window lasts, as far as history tells: None if it has no times."""
        if self._clock.by_time:
            return self._clock.step / 1e9
        index = getattr(self.historical, "index", None)
        if not isinstance(index, pd.DatetimeIndex):
            return None
        return self.window * (index[-1] - index[0]).total_seconds() / max(1, len(index) - 1)

    def usual_silence(self, start):
        """Return the share of history's windows in time, of the same time of day, that have too few values."""
        return float(self._silence[self._clock.number(start) % self._silence.size])

    def advice(self):
        """Return in words what this history supports: how small a budget, which options, and what to pass.

        Its numbers were computed from this history, or measured: from `NEEDS` days on, healthy windows alarmed at
        most 1.5 times as often as promised where days differ in height by a third, and weekends by a tenth, or the
        monitor warned; evidence from less than `NEEDS` alarmed two to ten times as often.
        """
        days = None
        best = {
            "statistic": self.statistic if self.tolerance else STATISTICS,
            "cycles": self.settings["cycles"],
        }
        holidays = self.settings["holidays"]
        if isinstance(getattr(self.historical, "index", None), pd.DatetimeIndex):
            index = self._clock.index(self.historical, "historical").tz_localize(None)
            span = (index.max() - index.min()) / pd.Timedelta("1D") * index.size / (index.size - 1)
            days = min(span, float(index.normalize().nunique()))
            enough = [option for option, needed in NEEDS.items() if days >= needed * (1 - 1e-9)]
            best["cycles"] = tuple(option.split()[1] for option in enough if option != "accumulate") or None
            holidays = holidays if "cycles 7D" in enough else ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            settings = self.settings | best | {"holidays": holidays, "accumulate": False}
            other = type(self)(self.historical, **settings)
        lines = [
            f"{self.n_blocks:,} blocks of {self._told_window}{'' if days is None else f' in {days:.3g} days'}: "
            f"at best 1 false alarm in {1 / self._smallest_rate:,.4g} windows",
        ]
        for option, needed in NEEDS.items():
            if days is None:
                told = f"needs {needed} days, and historical has no time stamps to tell them by"
            elif option not in enough:
                told = f"needs {needed} days, has {math.floor(100 * days + 1e-6) / 100:g}"
            elif option == "accumulate" and other._doubts:
                told = "adds up how history wanders, so leave it out"
            else:
                told = "holds"
            lines.append(f"{option}: {told}")
        lines += [f"historical {doubt}" for doubt in list(other._doubts.values())[:1]]
        accumulates = lines[-1] == "accumulate: holds"
        smallest = 1 / (self.n_blocks + 1) if accumulates else other._smallest_rate
        best["accumulate"] = accumulates
        best |= {"tolerance": self.tolerance, "timezone": self.settings["timezone"], "holidays": holidays}
        told = "".join(f", {name}={value!r}" for name, value in best.items() if value)
        rate = 1 / max(self.false_alarm_rate, smallest)
        lines.append(f"pass: DriftMonitor(monitor.historical, {self.window!r}, 1 / {rate:.4g}{told})")
        return "\n".join(lines)

    @property
    def _smallest_rate(self):
        """The smallest budget that holds with these options."""
        known = () if self.accumulate else self._rates.values()
        return max([1 / (self.n_blocks + 1), *(rates[0] * self.false_alarm_rate for rates in known)])

    # --- checks --------------------------------------------------------------------------------------------

    def check(self, recent, *, after=None):
        """Return what one window looks like against history, a `WindowResult`.

        Parameters
        ----------
        recent : sequence of numbers
            One window, `window` values long (one of another length wanders more or less than history's blocks),
            or the rows of one window in time.
        after : State, optional
            Where to go on: the `state` of the window before. By default the window follows history directly,
            and no evidence has been accumulated.
        """
        self._refuse_table("check")
        if not self._clock.by_time and (size := as_sample(recent, "recent").size) != self.window:
            raise ValueError(
                f"recent has {size:,} values, but this monitor judges windows of {self.window:,}; "
                "pass that many, cut a longer series with check_many, or build a monitor for that length."
            )
        after = self._resume(after)
        rows = self._rows(recent, "recent", after)
        if len(rows.numbers) > 1 and not rows.sizes[0]:
            raise ValueError(
                f"recent begins at {rows.index[0]}, and a window is due from {rows.labels[0]}; use follow."
            )
        if len(rows.numbers) > 1:
            raise ValueError(
                f"recent lies in {len(rows.numbers):,} windows of {self.window}; use check_many."
            )
        if rows.sizes[0] < self._clock.minimum:
            raise ValueError(
                f"recent has {rows.sizes[0]:,} values, and minimum is {self._clock.minimum:,}; wait for more."
            )
        found, state, distance = self._find(rows, None, after)
        row, time = {name: column[0] for name, column in found.items()}, rows.labels[0]
        return self._result(row, time, self.name, state, float(distance[0]))

    def check_many(self, recent, *, after=None):
        """Return a DataFrame with one row a window.

        Parameters
        ----------
        recent : 2-D array, or sequence of numbers
            One window a row, or a series to be cut into windows; they follow each other in time.
        after : State, optional
            As for `check`.

        Returns
        -------
        DataFrame
            With the columns start, statistic, p_value, drifted, direction, location and shift of
            `WindowResult`, and, if evidence accumulates, evidence_slower and evidence_faster. The index is the
            time of each window's first value, or its number if `recent` has no DatetimeIndex. Of windows in time,
            all from the first to the last are there; index and start are when they begin, rows how many values
            they hold, and threshold what alarms beyond at that size; one with too few is not judged, and its
            statistic is NaN.
        """
        self._refuse_table("check_many")
        if not self._clock.by_time:
            flat = self._as_windows(recent)
            recent = recent if isinstance(getattr(recent, "index", None), pd.DatetimeIndex) else flat
        after = self._resume(after)
        return self._judge(self._rows(recent, "recent", after), after)[0]

    def check_frame(self, recent, *, after=None):
        """Return a DataFrame with one row a metric (and window, if there are several), corrected for testing many.

        Parameters
        ----------
        recent : DataFrame
            One window, or several: the columns of history in any order. Values may be missing.
        after : State, optional
            As for `check`.

        Returns
        -------
        DataFrame
            With, for each metric, statistic, p_value, corrected_p_value, drifted, direction, location and
            shift of the values that are there, and missing, missing_share, usual_missing_share,
            missing_p_value, corrected_missing_p_value and missing_rise. With `accumulate` there are
            evidence_slower, evidence_faster and once_in in place of the corrected p-value: so much evidence comes
            up once in so many windows where nothing drifts.

        Notes
        -----
        p-values are corrected by Benjamini and Hochberg [4]_ (`scipy.stats.false_discovery_control`), and a
        metric has drifted if the corrected one is within `false_alarm_rate`: if none has drifted, one window
        in ``1 / false_alarm_rate`` at most has any such alarm (the proof takes metrics as independent or
        positively dependent). Rises in missing values have a budget of the same size for themselves.
        Of k blocks no p-value is below ``1 / (k + 1)``, so that a drift in one of many metrics cannot be reported
        from one window. Accumulated, it can: each metric has an equal part of the budget (Bonferroni).

        The share missing in this window is ranked among the shares missing in history's blocks. Of windows of so
        many values, missing ones are left out of the statistic, which is then multiplied by the root of the share
        that is there, since a shorter window wanders more. A metric with too few values has no statistic, and
        no p-value.
        """
        if not self._is_table:
            raise TypeError("check_frame needs a monitor built on a DataFrame; use check or check_many.")
        if not isinstance(recent, pd.DataFrame):
            raise TypeError(f"recent is of type {type(recent).__name__}; check_frame takes a DataFrame.")
        recent = self._with_columns(recent)
        if not self._clock.by_time and (len(recent) % self.window or not len(recent)):
            raise ValueError(
                f"recent has {len(recent):,} rows, but this monitor judges windows of {self.window:,}."
            )
        after = self._resume(after)
        table = self._judge_frame(self._rows(recent, "recent", after), after)[0]
        alone = len(recent) == self.window and not self._clock.by_time
        return table.droplevel("window") if alone else table

    def follow(self, recent, *, until=None):
        """Return the windows that are complete now, as `check_many` or `check_frame` would, and go on from there.

        Rows without a whole window wait for the next call. Of rows with times, those seen before are skipped, so
        that a file may be read twice or overlap with the one before; those that come after their window was
        judged are left out, with a warning. `state` counts both. `save` and `load` take all that from one process
        to the next.

        Parameters
        ----------
        recent : Series, DataFrame or sequence of numbers
            What came in since the last call, or more. It may be empty.
        until : time, optional
            Until when `recent` is complete, which ends the windows in time before it; rows after it wait. Without it
            a window ends with a row after it, or, where rows come regularly, with its own last row. A time without
            a zone is read as those of history. Rows that lie more than a window after it have a wrong clock, and
            are left out with a warning.
        """
        if until is not None:
            if not self._clock.by_time:
                raise ValueError('until ends windows in time; give a window such as "1h", or leave it out.')
            until = self._clock.read(until, "until is", self._clock.origin.tz)
        rows, state = self._incoming(recent), self.state
        if until is not None:
            rows, state = self._without_ahead(rows, until)
        if isinstance(getattr(rows, "index", None), pd.DatetimeIndex):
            refuse_jumps(rows.index, "recent", after=state.last_time)
            rows, state = self._skip_seen(rows, state)
        if state.leftover is not None and len(state.leftover):
            join = np.concatenate if isinstance(rows, np.ndarray) else pd.concat
            if type(rows) is not type(state.leftover):
                raise TypeError(
                    "recent has times and what came before has none, or the other way round; give both alike."
                )
            waiting = state.leftover
            if self.counts:  # counts of one stretch of time, told again, hold what came in since
                waiting = waiting[~waiting.index.isin(rows.index)]
            rows = join([waiting, rows]) if len(rows) else waiting
        if not isinstance(rows, np.ndarray):
            rows = in_order(rows)
        last = None
        if self._clock.by_time:
            index = self._clock.index(rows, "recent")
            last = self._clock.last_closed(index, until)
            if until is not None and state.last_time is not None:
                refuse_jumps(pd.DatetimeIndex([until]).as_unit("ns"), "until", after=state.last_time)
            whole = (
                0 if last is None else int(np.searchsorted(self._clock.numbers(index), last, side="right"))
            )
        else:
            whole = len(rows) // self.window * self.window
        part = rows[:whole] if isinstance(rows, np.ndarray) else rows.iloc[:whole]
        rest = rows[whole:] if isinstance(rows, np.ndarray) else rows.iloc[whole:]
        cut = self._rows(part, "recent", state, last=last)
        table, state = (self._judge_frame if self._is_table else self._judge)(cut, state)
        judged_until = state.judged_until
        if self._clock.by_time:
            judged_until = state.next_start
        elif len(part) and isinstance(getattr(part, "index", None), pd.DatetimeIndex):
            judged_until = part.index[-1]
        self.state = replace(state, leftover=rest, judged_until=judged_until)
        return table

    def smallest_slowdown(self, recent, *, within=6, most=3.0):
        """Return the smallest factor by which `recent` would have to be longer to alarm, and after how many windows.

        For a drill: the last `within` windows of `recent`, or fewer repeated, are made longer and judged from no
        evidence; nothing of the monitor changes. Where not even `most` times as long alarms: (None, `most`).
        """
        self._refuse_table("smallest_slowdown")
        rows = self._rows(recent, "recent", self.start if self._clock.by_time else self.state)
        values, first, sizes, seconds = rows.column(None, self._clock)
        if values.min(initial=0) < 0:
            raise ValueError("recent holds negative values, which no factor makes longer.")
        values = self._clean(None, values, seconds)
        enough = sizes >= self._clock.minimum
        if not enough.any():
            raise ValueError(f"recent has no window of at least {self._clock.minimum:,} values to try.")
        first, sizes = (np.resize(x[enough][-within:], within) for x in (first, sizes))

        def alarm(factor):
            # Lying evenly in a coarse bucket, some values would cross its end at once, and most alarms look well.
            slower = moved(values, self._edges, factor) if self.counts else factor * values
            found = self._histories[None].look(slower, first, sizes, tolerance=self.tolerance)
            if self.accumulate:
                path, every = np.zeros((len(sizes), 2)), np.ones(len(sizes), bool)
                self._accumulate(
                    path, found, self._histories[None], np.arange(len(sizes)), every, np.zeros(2), None
                )
                alarms = path[:, 0] > self._thresholds[None]
            else:
                alarms = (found.p_value <= self._ranks() / (self.n_blocks + 1)) & (
                    found.direction == "slower"
                )
            return int(alarms.argmax()) + 1 if alarms.any() else None

        factors = 1 + np.geomspace(0.005, most - 1, 60)
        for factor in factors:
            if alarm(factor):
                return float(factor), alarm(factor)
        return None, most

    def explain(self, row):
        """Return one row of a table, from `check_many` or `follow`, as a `WindowResult`: printed, a sentence."""
        time, *names = row.name if isinstance(row.name, tuple) else (row.name, self.name)
        return self._result(row, time, " ".join(map(str, names)))

    # --- from one run to the next --------------------------------------------------------------------------

    def save(self, path, *, about=None):
        """Write history, settings, threshold and `state` into one file, in one step.

        A process that is killed meanwhile leaves the file as it was, or as it should be. Of two processes that
        write at the same time the second one gets a BlockingIOError. `about` is a dict of your own, as in JSON,
        which `load` gives back; by default what it gave.
        """
        state, facts = (
            self.state,
            {"settings": self._plain_settings(), "about": self.about if about is None else about},
        )
        arrays, facts["history"] = files.pack("history", self.historical)
        facts |= {
            "wander": self._wander,
            "wanted": self._wanted | {"cycles": self._plain_periods(self._wanted["cycles"])},
            "thresholds": list(self._thresholds.values()),
            "cycles": files.pack_cycles(self._clock, self._cycles) if self._keeps_cycles else None,
        }
        facts["state"] = {name: getattr(state, name) for name in ("windows", "skipped", "late", "ahead")}
        for name in ("next_start", "last_time", "judged_until"):
            value = getattr(state, name)
            facts["state"][name] = value.isoformat() if isinstance(value, pd.Timestamp) else value
        arrays |= {
            "evidence": state.evidence,
            "seen": state._seen,
            "seen_times": np.diff(state._seen_times, prepend=0),
        }
        leftover, facts["leftover"] = files.pack("leftover", state.leftover)
        files.write(path, arrays | leftover, facts)

    @classmethod
    def load(cls, path):
        """Return the monitor that `save` wrote, with its state; `about` is what was saved with it."""
        arrays, facts = files.read(path)
        monitor = cls.__new__(cls)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # they were given when it was built
            history = files.unpack("history", arrays, facts["history"])
            known = {name: facts[name] for name in ("thresholds", "wander", "wanted")}
            if facts["cycles"]:
                known["cycles"] = files.unpack_cycles(facts["cycles"], as_columns(history, "historical"))
            monitor._build(history, facts["settings"], **known)
        known = facts["state"]
        for name in ("next_start", "last_time", "judged_until"):
            known[name] = pd.Timestamp(known[name]) if isinstance(known[name], str) else known[name]
        monitor.state = State(
            monitor=monitor._identity,
            evidence=arrays["evidence"],
            leftover=files.unpack("leftover", arrays, facts["leftover"]),
            _seen=arrays["seen"],
            _seen_times=np.cumsum(arrays["seen_times"]),
            **known,
        )
        monitor.about = facts["about"]
        return monitor

    def rebase(self, recent, how="rescale"):
        """Return a monitor for the service as it is now, after a change that somebody approved.

        Parameters
        ----------
        recent : Series, DataFrame or sequence of numbers
            Healthy measurements since the change.
        how : {"rescale", "restart", "extend"}
            ``"rescale"``: history times the factor by which `recent` moved from it. What of the factor is chance
            is told from how far equally long stretches of history lie from all of it, and the budget allows for
            it. Measured over a day it still sees three of four slowdowns by a tenth, over six hours about half.

            ``"restart"``: `recent` is the new history. While it is short, the budget is what it supports (1/168
            after a week of hours), and until it holds two of each cycle they are those of the old one.

            ``"extend"``: history goes on with `recent`, but for its windows in alarm, which a warning counts. Windows
            in time that both have are taken from `recent`; else its rows up to history's end are skipped. The budget
            comes down to what was wanted.

        Raises
        ------
        ValueError
            If `recent` can't be that: in another unit, half from before the change, too short, all in alarm.
        """
        if how not in ("rescale", "restart", "extend"):
            raise ValueError(f'how is {how!r}, but must be "rescale", "restart" or "extend".')
        recent = self._of_kind(recent)
        releases.check(self, recent)
        if how == "rescale":
            return releases.rescaled(self, recent)
        return releases.restarted(self, releases.extended(self, recent) if how == "extend" else recent)

    def in_shared_buckets(self, recent):
        """Return this monitor, or one that goes on in fewer buckets: those that history and `recent` share.

        An exponential histogram coarsens when one request is very slow, and a release may change bounds.
        """
        self._require_unit(recent, "recent")
        try:
            self._in_buckets(recent, "recent")
            return self
        except ValueError:
            shared = shared_buckets(self.historical, recent)
        warnings.warn(
            f"recent lacks some of history's bounds, so both are taken in the {len(shared):,} buckets that they share.",
            UserWarning,
            stacklevel=2,
        )
        return releases.in_buckets(self, shared)

    # --- what the checks share -----------------------------------------------------------------------------

    def _history_of(self, values, *arguments, **options):
        """Return the `History` of one metric."""
        if self.counts:
            return CountHistory(self._edges, values, *arguments, **options)
        return History(values, *arguments, **options)

    def _levels(self, values, first, sizes):
        """Return the mean logarithm of each window that has enough values."""
        if self.counts:
            return mean_logs(values[first[sizes >= self._clock.minimum]], self._edges)
        return levels(values, first, sizes, self._clock)

    def _times(self, values, factors):
        """Return what is kept of values after each, or each row of counts, was multiplied."""
        if not self.counts:
            return factors * values
        return scaled(values, self._edges, np.broadcast_to(factors, len(values)))

    def _clean(self, name, values, seconds, *, whole=False):
        """Return the values of recent rows, or of history as a `whole`, without their cycles."""
        cycles = self._cycles.get(name)
        if cycles is None:
            return values
        clean = cycles.clean_history if whole else cycles.clean
        if not self.counts:
            return clean(values, seconds)
        return self._times(values, clean(np.ones(len(values)), seconds))

    def _rows(self, values, argument, after=None, *, last=None):
        """Return `values` cut into windows, a `Rows`: from where `after` says, up to window number `last`."""
        values = self._in_buckets(values, argument)
        columns = as_columns(values, argument)
        if self._clock.by_time:
            return self._rows_by_time(values, columns, argument, after, last)
        position, count = 0 if after is None else after.next_start, len(values) // self.window
        index, labels = None, getattr(values, "index", None)
        if self._clock.origin is not None and len(values):
            index = self._clock.index(values, argument, in_order=True)
        first = np.arange(count) * self.window
        timed = isinstance(labels, pd.DatetimeIndex)
        labels = labels[first].as_unit("ns") if timed else pd.RangeIndex(count, name="window")
        numbers = position // self.window + np.arange(count)
        return Rows(columns, index, first, np.full(count, self.window), numbers, labels, position)

    def _rows_by_time(self, values, columns, argument, after, last):
        clock, index = self._clock, self._clock.index(values, argument)
        if len(index):
            kept = in_order_once(values, index)
            columns, index = {name: column[kept] for name, column in columns.items()}, index[kept]
            refuse_jumps(index, argument, longest=LONGEST_GAP)
        numbers = clock.numbers(index)
        windows = np.unique(numbers)
        if after is not None:
            begin = clock.number(after.next_start)
            if len(index) and after.next_start == self.start.next_start:
                begin = numbers[0]  # what lies between history and the first row is no silence of the service
            elif len(index) and numbers[0] < begin:
                raise ValueError(
                    f"recent begins at {index[0]}, before {after.next_start}, where after ends; use follow, which "
                    "skips rows that were seen."
                )
            last = numbers[-1] if last is None and len(index) else last
            windows = np.arange(begin, begin if last is None else last + 1)
        first, end = np.searchsorted(numbers, windows), np.searchsorted(numbers, windows, side="right")
        if self.counts:
            if index.has_duplicates:
                raise ValueError(
                    f"{argument} has several rows of {index[index.duplicated()][0]}; add hosts up, as in "
                    "table.groupby(level=0).sum(), and keep only the last of what was told again."
                )
            whole = np.zeros((len(windows), self._edges.size - 1))
            np.add.at(whole, np.searchsorted(windows, numbers), columns[None])
            sizes, labels = np.rint(whole.sum(axis=1)).astype(int), clock.starts(windows)
            return CountRows({None: whole}, index, np.arange(len(windows)), sizes, windows, labels, None)
        return Rows(columns, index, first, end - first, windows, clock.starts(windows), None)

    def _find(self, rows, name, after):
        """Return what is found in each window of one metric, by column, the `State` after it, and each one's D."""
        values, first, sizes, seconds = rows.column(name, self._clock)
        values = self._clean(name, values, seconds)
        history, judged = self._histories[name], sizes >= self._clock.minimum
        found = history.look(values, first[judged], sizes[judged], tolerance=self.tolerance)
        as_it_is = history.by_size and len(self.statistic) == 1

        def of_all(column, otherwise=math.nan):
            if judged.all():
                return column
            whole = np.full(judged.size, otherwise, dtype=column.dtype)
            whole[judged] = column
            return whole

        drifted = found.p_value <= self._ranks(name) / (history.n_blocks + 1) * (1 + 1e-9)
        table = {
            "start": rows.labels if self._clock.by_time else self.window * rows.numbers,
            "statistic": of_all((found.own if as_it_is else found.sides[:, 0]) + self.tolerance),
            "p_value": of_all(found.p_value),
            "drifted": of_all(drifted, False),
            "direction": of_all(found.direction, "none"),
            "location": of_all(found.location),
            "shift": of_all(found.shift),
        }
        evidence, mine = after.evidence.copy(), list(self._histories).index(name)
        if self.accumulate:
            path = np.zeros((len(sizes), 2))
            evidence[mine] = self._accumulate(
                path, found, history, rows.numbers, judged, evidence[mine], name
            )
            table["drifted"] = judged & (path.max(axis=1, initial=0) > self._thresholds[name])
            sides = np.where(path[:, 0] >= path[:, 1], "slower", "faster").astype(object)
            table["direction"] = np.where(table["drifted"], sides, table["direction"])
            table["evidence_slower"], table["evidence_faster"] = path.T
        if self._clock.by_time:
            limit = np.broadcast_to(history.threshold(self._ranks(name), sizes[judged]), judged.sum())
            limit = self._thresholds[name] + 0 * limit if self.accumulate else limit + self.tolerance
            table["threshold"], table["rows"] = of_all(limit), sizes
        state = replace(
            after,
            next_start=self._next_start(rows, after),
            evidence=evidence,
            windows=after.windows + int(judged.sum()),
        )
        return table, state, found.distance

    def _judge(self, rows, after):
        """Return the table of `check_many`, and the `State` after it."""
        found, state, _ = self._find(rows, None, after)
        return pd.DataFrame(found, index=rows.labels), state

    def _accumulate(self, path, found, history, numbers, judged, evidence, name):
        """Write the evidence after each window into `path`, and return what is left of it after the last."""
        evidence = tuple(evidence.tolist())
        if judged.any():
            # A window's places are drawn by its number, whether it is checked alone or with others.
            lots = np.random.PCG64(self._identity).advance(2 * int(numbers[0]))
            places = np.random.Generator(lots).uniform(1e-9, 1, size=(numbers[-1] - numbers[0] + 1, 2))
            places = places[numbers - numbers[0]][judged]
            scores = history.scores(found.sides[:, 1:], places, found.tied[:, 1:])
            scores[found.distance == 0] = (
                0  # whatever lot it draws, a window just like history is no evidence
            )
            scores = iter(scores.tolist())
        for i, is_judged in enumerate(judged.tolist()):
            path[i] = evidence = tuple(map(accumulate, evidence, next(scores))) if is_judged else evidence
            if max(evidence) > self._thresholds[name]:
                evidence = (0.0, 0.0)
        return evidence

    def _judge_frame(self, rows, after):
        """Return the table of `check_frame`, and the `State` after it."""
        tables, evidence = {}, after.evidence.copy()
        for i, name in enumerate(self._histories):
            found, state, _ = self._find(rows, name, after)
            table, evidence[i] = pd.DataFrame(found, index=rows.labels), state.evidence[i]
            usual, share = self._missing[name], rows.missing_share(name)
            reached = usual.size - np.searchsorted(usual, share, side="left")
            table["p_value"] = np.minimum(1, table["p_value"] * self._clustering(name))
            if self.accumulate:
                largest = table[["evidence_slower", "evidence_faster"]].max(axis=1)
                beyond = np.exp(self._slope * (largest - self._thresholds[name]))
                table["once_in"] = np.maximum(1, beyond / self.false_alarm_rate)
            tables[name] = table.drop(columns="start").assign(
                missing=rows.sizes - rows.column_sizes(name),
                missing_share=share,
                usual_missing_share=usual.mean(),
                missing_p_value=np.where(np.isnan(share), np.nan, (1 + reached) / (usual.size + 1)),
            )
        columns = self.historical.columns
        levels = list(columns.names) if columns.nlevels > 1 else ["feature"]
        table = pd.concat(tables, names=[*levels, "window"])
        table = table.sort_index(level="window", sort_remaining=False, kind="stable")
        for p, corrected, verdict in (
            ("p_value", "corrected_p_value", "drifted"),
            ("missing_p_value", "corrected_missing_p_value", "missing_rise"),
        ):
            if self.accumulate and verdict == "drifted":
                continue
            table.insert(
                table.columns.get_loc(p) + 1, corrected, table.groupby("window")[p].transform(_corrected)
            )
            table[verdict] = table[corrected] <= self.false_alarm_rate * (1 + 1e-9)
        # Of many metrics no p-value of one is small enough; where history always had values, none need no p-value.
        always = {name for name, shares in self._missing.items() if not (shares == 1).any()}
        gone = (table["missing_share"] == 1) & table.index.droplevel("window").isin(always)
        table["missing_rise"] |= gone
        table = table.reorder_levels(["window", *levels])
        state = replace(
            after,
            next_start=self._next_start(rows, after),
            evidence=evidence,
            windows=after.windows + len(rows.numbers),
        )
        return table, state

    def _next_start(self, rows, after):
        if not self._clock.by_time:
            return after.next_start + self.window * len(rows.numbers)
        return self._clock.starts([rows.numbers[-1] + 1])[0] if len(rows.numbers) else after.next_start

    def _result(self, row, time, name, state=None, distance=math.nan):
        """Return a row of a table as a `WindowResult`."""
        return WindowResult(
            **{name: float(row[name]) for name in ("statistic", "p_value", "location", "shift")},
            drifted=bool(row["drifted"]),
            direction=row["direction"],
            evidence=(float(row.get("evidence_slower", 0)), float(row.get("evidence_faster", 0))),
            start=row.get("start", time),
            time=time if isinstance(time, pd.Timestamp) else None,
            n_historical=self.n_historical,
            n_recent=int(row.get("rows", self.window)),
            threshold=float(row.get("threshold", self.threshold)),
            false_alarm_rate=self.false_alarm_rate,
            tolerance=self.tolerance,
            name=name,
            unit=self.unit,
            blind=self._blind,
            conclusive=state is None or bool(row["drifted"]) or state.windows >= self.fewest_windows,
            state=state,
            _accumulates=self.accumulate,
            _ks_statistic=distance,
        )

    def _incoming(self, recent):
        """Return what came in as a table, a Series with times or an array, of any length; times on one clock."""
        recent = self._of_kind(recent)
        columns = as_columns(recent, "recent")
        if isinstance(getattr(recent, "index", None), pd.DatetimeIndex):
            index = self._clock.index(recent, "recent")
            index = index if index.tz is None or self._clock.origin is not None else index.tz_convert("UTC")
            if self.counts:
                rows = recent.set_axis(index, axis=0)
            elif self._is_table:
                rows = pd.DataFrame(columns, index=index).set_axis(recent.columns, axis=1)
            else:
                rows = pd.Series(columns[None], index=index, name=self.name or None)
            return rows
        if self._clock.by_time:
            self._clock.index(recent, "recent")
        return recent if self._is_table else columns[None]

    def _of_kind(self, recent):
        """Return what is a table, with history's columns, where history is one, and what is none otherwise."""
        if self.counts or are_counts(recent):
            return self._in_buckets(recent, "recent")
        if isinstance(recent, pd.DataFrame) != self._is_table:
            follows = "DataFrames" if self._is_table else "one metric; pick its column"
            raise TypeError(f"recent is of type {type(recent).__name__}; this monitor follows {follows}.")
        return self._with_columns(recent) if self._is_table else recent

    def _in_buckets(self, values, argument):
        """Return counts in history's buckets, where history is counts, and values as they are otherwise."""
        if not (self.counts or are_counts(values)):
            return values
        if not (self.counts and are_counts(values)):
            follows = "counts in buckets" if self.counts else "measurements"
            raise TypeError(f"{argument} is of type {type(values).__name__}; this monitor follows {follows}.")
        self._require_unit(values, argument)
        return coarsen(values, self.historical.columns, argument)

    def _require_unit(self, counts, argument):
        unit = counts.attrs.get("unit") or self.unit
        if self.unit and unit != self.unit:
            raise ValueError(
                f"{argument} is counted in {unit}, and history in {self.unit}; give both in one unit."
            )

    def _without_ahead(self, rows, until):
        """Return the rows that can have been measured by `until`, or in the window after it: clocks differ a little."""
        ahead = rows.index > until + pd.Timedelta(self._clock.step, "ns")
        if ahead.any():
            warnings.warn(
                f"{ahead.sum():,} rows lie after {until}, until when recent is complete, and were left out, the first "
                f"of {rows.index[ahead][0]}; mend their clock, or judge them later.",
                UserWarning,
                stacklevel=3,
            )
        return rows[~ahead], replace(self.state, ahead=self.state.ahead + int(ahead.sum()))

    def _skip_seen(self, rows, state):
        """Return the rows that are new, and the state with the others counted."""
        if state.last_time is None and isinstance(getattr(self.historical, "index", None), pd.DatetimeIndex):
            history = in_order(
                self.historical.set_axis(self._clock.index(self.historical, "historical"), axis=0)
            )
            state = _remember(state, history.iloc[-REMEMBERED:])
            end = state.next_start if self._clock.by_time else history.index[-1]
            state = replace(state, judged_until=end)
        ids, times = row_ids(rows), nanoseconds(rows.index)
        known, judged = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
        if state.last_time is not None and len(rows) and rows.index.min() <= state.last_time:
            known = np.isin(ids, state._seen)
        if state.judged_until is not None:
            judged = times < nanoseconds(pd.DatetimeIndex([state.judged_until]))[0]
        # Of rows from before all that are remembered nobody can say whether they had been seen.
        new = judged & ~known & (times >= state._seen_times.min(initial=np.iinfo(np.int64).max))
        late = new & (state.next_start != self.start.next_start)  # else they end history's last window
        if late.any():
            warnings.warn(
                f"{late.sum():,} rows came after their window had been judged and were left out, the first of "
                f"{rows.index[late][0]}; let a file be complete before it is judged.",
                UserWarning,
                stacklevel=3,
            )
        fresh = ~(known | judged)
        state = replace(
            state, skipped=state.skipped + int((~fresh & ~late).sum()), late=state.late + int(late.sum())
        )
        return rows[fresh], _remember(state, rows[fresh | new])

    def _set_thresholds(self, memories, known):
        """Find what alarms beyond, for each metric, or take it from before."""
        self._longest_memory = max(memories.values(), key=lambda memory: memory[::-1])
        if known is not None:
            self._thresholds = dict(zip(self._histories, known, strict=True))
        elif self.accumulate:
            rate, grouped = self.false_alarm_rate / 2 / len(self._histories), _in_groups(memories)
            self._thresholds = {
                name: evidence_threshold(rate, grouped[name], self.n_blocks, self._common[name])
                for name in self._histories
            }
            for name, history in self._histories.items():
                self._replay_history(history.scores_in_time, name)
        else:
            self._thresholds = {
                name: float(np.max(history.threshold(self._ranks(name), history.window))) + self.tolerance
                for name, history in self._histories.items()
            }
        self.threshold = max(self._thresholds.values())
        # In a table each metric has a small part of the budget, and so is slow by nature.
        if self.fewest_windows > SLOW and not self._is_table:
            why = "history is short, wanders, or holds incidents; give a longer one, or leave them out (exclude)"
            why = "the change was measured on so little; rebase with a day or more" if self._wander else why
            warnings.warn(
                f"An alarm takes {self.fewest_windows} windows in a row, however large the drift, since {why}.",
                UserWarning,
                stacklevel=5,
            )
        if not self.accumulate and self.statistic == ("ks",) and self.threshold >= 1:
            warnings.warn(
                "Some of history's windows lie so far from the others that no D would alarm beside them; leave "
                "incidents out of history (exclude), or give a longer one.",
                UserWarning,
                stacklevel=5,
            )
        if not self.accumulate and self._is_table:
            self._warn_if_one_feature_cannot_alarm()

    @cached_property
    def _slope(self):
        """How fast the logarithm of the false-alarm rate falls with the threshold."""
        rate = self.false_alarm_rate / 2 / len(self._histories)
        apart = [
            evidence_threshold(min(0.1, times * rate), self._longest_memory, self.n_blocks, 0.0)
            for times in (1, 10)
        ]
        return math.log(10) / max(0.1, apart[0] - apart[1])

    def _may_alarm(self, blocks):
        """Return how many of blocks + 1 equally likely ranks may alarm; 1/720 has no exact float."""
        return max(1, math.floor((blocks + 1) * self.false_alarm_rate * (1 + 1e-9)))

    def _ranks(self, name=None):
        """Return how many ranks may alarm for the budget to hold, at least 1."""
        return max(1, np.count_nonzero(self._rates[name] <= CLOSE_ENOUGH))

    def _clustering(self, name):
        """Return what a feature's p-values are multiplied by, if its blocks come in clusters."""
        times = self._may_alarm(self._histories[name].n_blocks) / self._ranks(name)
        return times if times >= 1.5 else 1.0

    @cached_property
    def _blind(self):
        """What history's buckets can't see, a sentence; nothing of measurements."""
        if not self.counts:
            return ""
        return blind_spot(as_columns(self.historical, "historical")[None].sum(axis=0), self._edges, self.unit)

    @property
    def _told_window(self):
        return self.window if self._clock.by_time else f"{self.window:,}"

    @property
    def _other_window(self):
        return "a window that more values fall into" if self._clock.by_time else "a shorter window"

    def _amount(self, blocks, noun="observations"):
        """Return how much history so many blocks are, in words."""
        if self._clock.by_time:
            return f"{blocks:,} windows of at least {self._clock.minimum:,} values"
        return f"{blocks * self.window:,} {noun}"

    def _require_blocks(self, blocks, name=None):
        column = "" if name is None else f", in column {name!r}"
        needed = math.ceil(1 / self.false_alarm_rate * (1 - 1e-9)) - 1
        if blocks < max(needed, FEWEST_BLOCKS) and needed <= FEWEST_BLOCKS:
            raise ValueError(
                f"historical has {blocks:,} blocks of {self._told_window}{column}, but {FEWEST_BLOCKS} are the fewest "
                f"to judge by; give {self._amount(FEWEST_BLOCKS)}, or a shorter window."
            )
        if blocks < needed:
            raise ValueError(
                f"false_alarm_rate is 1/{1 / self.false_alarm_rate:,.4g}, but {blocks:,} blocks of {self._told_window} "
                f"in historical{column} support no rate below 1/{blocks + 1:,}; give "
                f"{self._amount(needed)}, or {self._other_window}, or accept more false alarms."
            )

    def _require_periods(self, rows):
        """Say so if evidence would add up over a cycle that history shows too few times."""
        length = len(self.historical)
        if self._clock.origin is not None:
            length = np.ptp(self._clock.seconds(rows.index)) * length / (length - 1)
        periods = length / min(self._clock.periods)
        if periods < 0.99 * NEEDS["accumulate"]:  # requests at random don't begin and end at midnight
            raise ValueError(
                f"historical covers {periods:.3g} periods of the shortest cycle, and accumulate takes "
                f"{NEEDS['accumulate']}: evidence of a kind of day that history lacks adds up, to ten "
                "times as many false alarms as false_alarm_rate says; give more, or leave accumulate out."
            )

    def _doubt_of_memory(self, history, memory, name):
        """Return a sentence where the budget cannot hold: no rank is rare enough, or history has hardly a level."""
        expected = 1 if self.accumulate else self._rates[name][self._ranks(name) - 1]
        if expected > 1.5:
            told = (
                f"expect about {expected:.1f} times as many false alarms as false_alarm_rate says, in clusters; "
                "give a longer history or a longer window, or accept more false alarms."
            )
        elif memory.long >= LONGEST:
            told = (
                "false alarms may come twice as often as false_alarm_rate says, or more, in clusters; give a longer "
                "history or a longer window."
            )
        elif history.n_blocks >= FEWEST_FOR_MEMORY and moves(history.scores_in_time, memory):
            told = "a trend, or a level that moves, is drift to this monitor, and later windows will alarm."
        else:
            return None
        return (
            f"wanders (short memory {memory.correlation:.2g}, long memory {memory.long:.2g}), so that its "
            f"{history.n_blocks:,} blocks say less of later windows than they seem to: {told}"
        )

    def _warn_of_doubts(self, doubts):
        """Warn of the first doubt, and count the others."""
        for name, doubt in list(doubts.items())[:1]:
            of = "" if name is None else f"[{name!r}]"
            others = f" ({len(doubts)} of {len(self._histories)} columns do.)" if len(doubts) > 1 else ""
            warnings.warn(f"historical{of} {doubt}{others}", UserWarning, stacklevel=4)

    def _warn_of_coarse_buckets(self):
        counts = as_columns(self.historical, "historical")[None].sum(axis=0)
        if (share := counts.max() / counts.sum()) > COARSE:
            warnings.warn(
                f"{share:.0%} of history lies in one bucket, out of which no cycle can be taken: a slower service may "
                "alarm at some hours of the day only; give finer buckets, or leave cycles out.",
                UserWarning,
                stacklevel=4,
            )

    def _replay_history(self, scores, name):
        """Raise the threshold if history's own windows alarm more often than simulated ones do, and say so."""
        promised = self.false_alarm_rate / len(self._histories) * len(scores)
        simulated = threshold = self._thresholds[name]
        alarms = count_alarms(scores, threshold)
        if alarms > promised + max(1, 2 * math.sqrt(promised)):
            while count_alarms(scores, threshold) > promised:
                threshold += 0.1
            self._thresholds[name] = threshold
            of, coarse = (
                "" if name is None else f" in {name!r}",
                "for buckets too coarse, " if self.counts else "",
            )
            warnings.warn(
                f"History's own windows{of} would alarm {alarms:,} times, where {promised:.2g} are promised: the "
                f"threshold went from {simulated:.3g} to {threshold:.3g}, so smaller drifts pass; "
                f"look for a cycle that cycles does not name, for days off (holidays), {coarse}or for incidents in "
                "history.",
                UserWarning,
                stacklevel=5,
            )

    def _warn_if_one_feature_cannot_alarm(self):
        features = len(self._histories)
        worst = max(map(self._clustering, self._histories))
        together = math.ceil(features * worst / (self.n_blocks + 1) / self.false_alarm_rate * (1 - 1e-9))
        if together > 1:
            needed = math.ceil(features * worst / self.false_alarm_rate * (1 - 1e-9)) - 1
            warnings.warn(
                f"With {features} features and {self.n_blocks:,} blocks a drift can only be reported if at "
                f"least {together} features drift together; for a drift in one alone give "
                f"{self._amount(needed, 'rows')}, fewer features, a shorter window or a larger "
                "false_alarm_rate.",
                UserWarning,
                stacklevel=4,
            )

    def _refuse_table(self, method):
        if self._is_table:
            raise TypeError(
                f"{method} needs a monitor built on one metric; this one takes tables: use check_frame."
            )

    def _as_windows(self, recent):
        """Return `recent` as one row of values, a whole number of windows."""
        lengths = {self.window}
        if isinstance(recent, (list, tuple)) and recent and np.ndim(recent[0]):
            rows = [as_sample(row, f"recent[{i}]") for i, row in enumerate(recent)]
            lengths, recent = {row.size for row in rows}, np.concatenate(rows)
        elif getattr(recent, "ndim", 1) == 2 and not hasattr(recent, "columns"):
            lengths, recent = {recent.shape[1]}, recent.reshape(-1)
        if lengths != {self.window}:
            raise ValueError(
                f"recent has rows of {', '.join(map(str, sorted(lengths)))} values, but this monitor judges windows "
                f"of {self.window:,}; pass one window a row, or the whole series in one dimension."
            )
        values = as_sample(recent, "recent")
        left = values.size % self.window
        if values.size < self.window or left:
            raise ValueError(
                f"recent has {values.size:,} values, {values.size // self.window:,} windows of "
                f"{self.window:,} and {left:,} left over; pass whole windows and keep the rest for the next "
                "call."
            )
        return values

    def _resume(self, after):
        """Return the state to go on from: by default that where history ends."""
        in_values = self._clock.periods is not None and self._clock.origin is None
        if after is None:
            if self._has_judged and (self.accumulate or in_values):
                what = "evidence starts from nothing" if self.accumulate else "cycles go on from there"
                warnings.warn(
                    f"Another check that begins where history ends, so {what}; go on with follow, or say where: "
                    "after=result.state, or after=monitor.start if that is meant.",
                    UserWarning,
                    stacklevel=3,
                )
            self._has_judged = True
            return self.start
        if not isinstance(after, State):
            raise TypeError(
                f"after is of type {type(after).__name__}; give a State, such as that of a result."
            )
        if after.monitor != self._identity:
            raise ValueError(
                "after comes from another monitor, one that differs in history, window, statistic, cycles, "
                "accumulate or tolerance; pass a state of this one, or leave it out."
            )
        return after

    def _check_sum(self, rows):
        """Return what tells this monitor's results from another's, also in the next process."""
        clock = self._clock
        clock = clock.periods, str(clock.origin if clock.periods else None), tuple(clock.calendar[1])
        settings = self.window, self.statistic, clock, self.accumulate, self.tolerance
        settings += tuple(self._edges) if self.counts else ()
        if self._clock.by_time or self._clock.zone is not None or self._wander:
            settings += self._clock.minimum, str(self._clock.zone), self._wander
        texts = []
        for values in rows.columns.values():
            some = values[:: 1 + values.size // 1_000]
            texts.append(some.tobytes() + repr((values.size, settings)).encode())
        return zlib.crc32(b"".join(texts))

    def _plain_periods(self, cycles):
        """Return cycles as JSON can hold them."""
        if cycles is None:
            return None
        cycles = cycles if isinstance(cycles, (tuple, list, np.ndarray)) else [cycles]
        if self._clock.periods is not None and self._clock.origin is None:
            return [float(period) for period in cycles]
        return [f"{pd.Timedelta(period).total_seconds()}s" for period in cycles]

    def _plain_settings(self):
        """Return the settings as JSON can hold them."""
        return self.settings | {
            "window": self.window,
            "false_alarm_rate": float(self.false_alarm_rate),
            "statistic": list(self.statistic),
            "cycles": self._plain_periods(self.settings["cycles"]),
            "holidays": [str(day) for day in as_days(self.settings["holidays"])],
            "accumulate": self.accumulate,
            "tolerance": float(self.tolerance),
            "timezone": None if self._clock.zone is None else str(self._clock.zone),
            "minimum": int(self.settings["minimum"]),
        }

    def _with_columns(self, recent):
        """Return a table with history's columns, or say which are amiss."""
        absent = [name for name in self._histories if name not in recent.columns]
        unknown = [name for name in recent.columns if name not in self._histories]
        if absent or unknown:
            what = f"lacks {absent}" if absent else f"has {unknown}, which history has not"
            raise ValueError(f"recent {what}; pass the columns that the monitor was built on.")
        return recent[list(self._histories)]


# --- rows --------------------------------------------------------------------------------------------------


def _in_groups(memories, groups=4):
    """Return memories by name, of which many are put into groups: each gets the longest of its group."""
    ordered = sorted(memories, key=lambda name: memories[name][::-1])
    size = math.ceil(len(ordered) / groups) if len(ordered) > groups else 1
    longest = [ordered[min(i // size * size + size, len(ordered)) - 1] for i in range(len(ordered))]
    return {name: memories[like] for name, like in zip(ordered, longest, strict=True)}


def _differ(sizes):
    """Return whether windows in time differ in size by more than some rows that are missing."""
    few, many = np.quantile(sizes, [0.05, 0.95])
    return many > ALIKE * few


def _silence_by_time_of_day(rows, clock):
    """Return the share of windows with too few values, by their number within a day."""
    numbers = np.arange(rows.numbers[0], rows.numbers[-1] + 1)
    judged = np.isin(numbers, rows.numbers[rows.sizes >= clock.minimum])
    kinds = numbers % clock.windows_a_day
    return 1 - np.bincount(kinds, judged, clock.windows_a_day) / np.maximum(
        np.bincount(kinds, minlength=clock.windows_a_day), 1
    )


def _corrected(p_values):
    """Return p-values by Benjamini and Hochberg; those that are missing stay so."""
    known = p_values.notna()
    if known.any():
        p_values = p_values.copy()
        p_values[known] = scipy.stats.false_discovery_control(p_values[known].to_numpy(float))
    return p_values


def _remember(state, rows):
    """Return the state after these rows have been seen."""
    if not len(rows):
        return state
    waiting = 0 if state.leftover is None else len(state.leftover)
    many = max(REMEMBERED, 2 * (waiting + len(rows)))  # what waits must be known when it comes again
    times = np.concatenate([state._seen_times, nanoseconds(rows.index)])[-many:]
    last = rows.index.max() if state.last_time is None else max(state.last_time, rows.index.max())
    return replace(
        state,
        last_time=last,
        _seen=np.concatenate([state._seen, row_ids(rows)])[-many:],
        _seen_times=times,
    )


# --- input -------------------------------------------------------------------------------------------------


def _as_statistics(statistic):
    names = (statistic,) if isinstance(statistic, str) else statistic
    if not isinstance(names, (tuple, list)) or not names or any(name not in STATISTICS for name in names):
        raise ValueError(f"statistic is {statistic!r}, but must be one of {STATISTICS} or a tuple of them.")
    return tuple(dict.fromkeys(names))
