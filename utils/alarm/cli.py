"""``detect-drift history.csv recent.csv``: the verdict on two files, for a shell, cron or CI.

The exit status is the verdict: 0 no drift found, 1 drift, 2 it can't be said, and the reason is on standard
error. Nothing but drift exits with 1, neither a wrong option nor a crash.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Sequence
from fractions import Fraction

NO_DRIFT, DRIFT, CANNOT_SAY = 0, 1, 2
# When so many more of the recent rows hold no number, the rows that do are no fair sample of them.
RISE_IN_ROWS_LEFT_OUT = 0.05

_PERIOD = re.compile(r"\d*\.?\d+[A-Za-z]+")

EXIT_STATUS = """exit status: 0 no drift found, 1 drift, 2 can't say (the reason is on standard error).
options that take several values, --statistic, --cycles and --holidays, stand after the two files.
example: detect-drift march.csv today.csv --column latency_ms --budget 1/100 --picture today.png"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the verdict on a recent file against a file of history, and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _judge(options)
    # Python exits with 1 after an uncaught exception, and 1 means drift: whatever went wrong ends here.
    except (ValueError, TypeError, OSError) as error:
        reason = _in_a_shell(str(error))
    except KeyboardInterrupt:
        reason = "interrupted."
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    print(f"can't say: {reason}", file=sys.stderr)
    return CANNOT_SAY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="detect-drift",
        description="Have recent measurements drifted away from the historical ones?\n"
        "Both files are CSV, one row a measurement: a time and columns of numbers, or numbers only.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("history", help="healthy measurements; the longer, the smaller the budget can be")
    add("recent", help="the measurements in question, at least one window")
    add("--column", help="the column to compare, when there are several of numbers")
    add("--time-format", help="how times are written when not in ISO 8601: %%d/%%m/%%Y %%H:%%M")
    add("--time", metavar="COLUMN", help="the column of times, when another one is found")
    marks = "what stands before the decimals, . or , when a file leaves it open"
    add("--decimal", choices=(".", ","), metavar="MARK", help=marks)
    add("--window", type=int, default=60, help="measurements a window (default: 60)")
    share = "share of healthy windows that may alarm, such as 1/720 or 0.01 (default: 1/720)"
    add("--budget", type=_fraction, default=Fraction(1, 720), help=share)
    add("--tolerance", type=float, default=0.0, help="the distance D to live with, 0 to 1 (default: 0)")
    names = "ks, wasserstein, tail, or several of them (default: ks)"
    add("--statistic", nargs="+", default=["ks"], metavar="NAME", help=names)
    periods = "cycles to take out first, such as 1D 7D; where the files have no times, in measurements"
    add("--cycles", nargs="+", metavar="PERIOD", help=periods)
    free = "days that are as free as Sundays, such as 2026-12-25; takes --cycles 1D 7D"
    add("--holidays", nargs="+", metavar="DATE", default=(), help=free)
    many = "let evidence add up over the recent file's windows: a drift too small for one may show over six, but one "
    many += "window alone, however bad, hardly ever alarms"
    add("--accumulate", action="store_true", help=many)
    add("--picture", metavar="FILE", help="write a picture of history beside the window shown")
    return parser


def _in_a_shell(text: str) -> str:
    """Return a sentence of the library with the names that its arguments have here."""
    text = text.replace("false_alarm_rate", "--budget")
    option = re.compile(r"\b(column|time|time_format|decimal)=(\.\.\.|'[.,]')")
    return option.sub(lambda found: f"--{found[1].replace('_', '-')} {found[2]}", text)


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 1/720 or 0.01") from None


def _judge(options: argparse.Namespace) -> int:
    # Imported here, so that --help is quick and an installation in pieces exits with 2.
    from .data import DataQualityWarning, load_latencies
    from .monitor import DriftMonitor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)  # the reports say the same, and more
        reading = {name: getattr(options, name) for name in ("time", "time_format", "decimal")}
        history = load_latencies(options.history, options.column, **reading)
        recent = load_latencies(options.recent, options.column or history.column, **reading)
    print(_in_a_shell(f"history  {history}\n\nrecent   {recent}\n"))

    historical, values = history.latencies, recent.latencies
    periods, statistics = _separate(options.cycles or ()), _separate(options.statistic)
    cycles = _periods(periods, history, recent) if periods else None
    if _overlap(historical, values):
        print("note:     recent begins before history ends; what stands in both hides a drift\n")
    if recent.n_identical / recent.n_rows - history.n_identical / history.n_rows > RISE_IN_ROWS_LEFT_OUT:
        print(
            f"note:     {recent.n_identical:,} recent rows repeat another one, more than in history; "
            "a file with its rows twice alarms too often\n"
        )
    rise = recent.n_left_out / recent.n_rows - history.n_left_out / history.n_rows
    if rise > RISE_IN_ROWS_LEFT_OUT:
        raise ValueError(
            f"{recent.n_left_out:,} of {recent.n_rows:,} recent rows hold no usable number, "
            f"a share {rise:.0%} larger than in history: find out why, first."
        )
    n_windows, left_over = divmod(len(values), options.window) if options.window > 0 else (0, 0)
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        monitor = DriftMonitor(
            historical,
            options.window,
            float(options.budget),
            statistic=tuple(statistics),
            cycles=cycles,
            holidays=_separate(options.holidays),
            accumulate=options.accumulate,
            tolerance=options.tolerance,
        )
    for doubt in doubts:
        print(_in_a_shell(f"note:     {doubt.message}\n"))
    if not n_windows:
        plural = "" if len(values) == 1 else "s"
        raise ValueError(
            f"{recent.path.name} has {len(values):,} value{plural} and a window takes {options.window:,}: "
            "collect more, or choose a smaller --window."
        )
    values = values.iloc[: n_windows * options.window]
    windows = monitor.check_many(values)
    alarms = windows["drifted"].to_numpy()
    shown = int(alarms.argmax()) if alarms.any() else int(windows["p_value"].to_numpy().argmin())
    window = values.iloc[shown * options.window : (shown + 1) * options.window]
    result = monitor.check(window, after=windows.iloc[:shown] if shown else None)

    more = f", cycles {' '.join(periods)} ({monitor.calendar})" if periods else ""
    more += ", accumulated" if options.accumulate else ""
    print(
        f"settings: column {history.column}, window {options.window:,}, budget {options.budget}, "
        f"tolerance {options.tolerance:g}, statistic {' '.join(statistics)}{more}"
    )
    print(
        f"windows:  {n_windows:,} judged, {alarms.sum():,} in alarm; of so many healthy ones about "
        f"{float(options.budget) * n_windows:.2g} would be"
    )
    if left_over:
        print(f"          the last {left_over:,} values fill no window and were not judged")
    which = "first window in alarm" if alarms.any() else "window furthest from history"
    begins = f", from {windows.index[shown]}" if recent.has_times else ""
    print(f"          {which}: number {shown + 1:,}{begins}")
    print(f"verdict:  {result}")
    if options.picture is not None:
        _draw(options.picture, historical, window, result, f"Window {shown + 1:,} of {n_windows:,}")
    return DRIFT if alarms.any() else NO_DRIFT


def _separate(words: Sequence[str]) -> list[str]:
    """Return the values of an option, also of one that was written with commas: 1D,7D."""
    return [part for word in words for part in re.split(r"[,\s]+", word) if part]


def _periods(periods: Sequence[str], history, recent) -> tuple[str | float, ...]:
    """Return periods as `DriftMonitor` takes them: times as text, or numbers of measurements."""
    counts = [period for period in periods if period.replace(".", "", 1).isdecimal()]
    for period in periods:
        if period not in counts and not _PERIOD.fullmatch(period):
            raise ValueError(f"--cycles {period} is no period: write 1D for a day, 7D for a week, 8h, 90min.")
    if counts and history.has_times:  # pandas would take them for nanoseconds
        raise ValueError(f"--cycles {counts[0]} has no unit: write 1D for a day, 7D for a week, 8h, 90min.")
    timeless = [file.path.name for file in (history, recent) if not file.has_times]
    if len(counts) < len(periods) and timeless:
        raise ValueError(
            f"--cycles {' '.join(periods)} needs times, and {timeless[0]} has none: give numbers of "
            "measurements, such as 1440 for a day of minutes."
        )
    return tuple(float(period) if period in counts else period for period in periods)


def _overlap(historical, values) -> bool:
    """Return whether the recent times begin before the historical ones end."""
    try:
        return bool(values.index[0] <= historical.index[-1]) and hasattr(values.index, "tz")
    except (TypeError, IndexError):  # no times, or in one file only with a zone
        return False


def _draw(path, historical, window, result, name) -> None:
    """Write the picture; that it can't be written is no reason to withhold the verdict."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    ax.ecdf(historical, color="#0173B2", label="Historical")
    ax.ecdf(window, color="#DE8F05", linestyle="--", label="Recent")
    ends = [(values <= result.location).mean() for values in (historical, window)]
    gap = f"Gap: {abs(ends[0] - ends[1]):.3f}"
    ax.plot([result.location] * 2, ends, color="black", marker="o", label=gap)
    title = f"{name} is {result.direction} than history" if result else f"{name} is unalarming"
    ax.set(title=title, xlabel=str(historical.name), ylabel="Share of measurements at or below")
    ax.legend(loc="lower right")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        print(f"picture not written: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
