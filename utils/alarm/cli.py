"""``detect-drift history.csv recent.csv``: the verdict on two files, for a shell, cron or CI.

The exit status is the verdict: 0 no drift found, 1 drift, 2 it can't be said, and the reason is on standard
error, 3 the service lost its numbers. Nothing but drift exits with 1, neither a wrong option nor a crash.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import math
import re
import shlex
import sys
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

NO_DRIFT, DRIFT, CANNOT_SAY, LOST_NUMBERS = 0, 1, 2, 3
# When so many more of the recent rows hold no number, the rows that do are no fair sample of them.
RISE_IN_ROWS_LEFT_OUT = 0.05
CALM = 0.5  # the p-value above which a window ends an alarm: half of the healthy ones have one
A_DAY = 86_400  # seconds
APART = 0.9  # of the windows of history's halves: healthy ones of many kinds reached 0.76
SILENCE = 0.05  # of history's windows in time: a service that is silent so often may be so again

_PERIOD = re.compile(r"\d*\.?\d+[A-Za-z]+")
# What decides a verdict, and so must stay as it was while a state file goes on.
_SETTINGS = ("column", "window", "budget", "tolerance", "statistic", "cycles", "holidays", "accumulate")
_SETTINGS += ("timezone", "minimum", "exclude", "where", "query")
# How a file is read may be said later, where a file first leaves it open, but not otherwise.
_READING = ("time", "time_format", "decimal", "log_format")

QUERY = (
    "--query 'sum by (le) (increase(NAME_bucket[1h]))', or of a native histogram 'sum(increase(NAME[1h]))'"
)
_UNITS = {"seconds": "s", "milliseconds": "ms"}
EXIT_STATUS = """exit status: 0 no drift found, 1 drift, 2 can't say (the reason is on standard error),
3 the service lost its numbers.
options that take several values, such as --statistic and --cycles, stand after the two files.
example: detect-drift march.csv today.csv --column latency_ms --budget 1/100 --picture today.png
in cron: detect-drift march.csv last_hours.csv --window 1h --cycles 1D 7D --state alarm.npz --until now
--json prints one object: status, verdict and notes always, and, when windows were looked at, windows (the new ones)
and firing_since (when the alarm began that is not over, or null)."""


class LostNumbers(Exception):
    """The recent file is there, and the service's numbers are not."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the verdict on a recent file against a file of history, and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    out = sys.stdout
    try:
        parser = _parser()
        options = parser.parse_args(arguments, argparse.Namespace(notes=[]))
        if options.prometheus is None and options.recent is None:
            parser.error("two files are needed, history and recent, or --prometheus URL and --query")
    except SystemExit as stop:  # after --help, or a wrong option, which argparse has told on standard error
        if stop.code and "--json" in arguments:
            print(json.dumps({"status": CANNOT_SAY, "verdict": "can't say: the command line is wrong."}))
        raise
    try:
        with contextlib.redirect_stdout(io.StringIO() if options.json else out):
            return _run(options, out)["status"]
    # Python exits with 1 after an uncaught exception, and 1 means drift: whatever went wrong ends here.
    except (ValueError, TypeError, OSError) as error:
        reason = _in_a_shell(str(error))
    except KeyboardInterrupt:
        reason = "interrupted."
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    with contextlib.suppress(OSError):  # where nobody listens any more, the status still tells
        _tell(options, {"status": CANNOT_SAY, "verdict": f"can't say: {reason}"}, out)
    return CANNOT_SAY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="detect-drift",
        description="Have recent measurements drifted away from the historical ones?\n"
        "Both files have one row a measurement, a time and columns of numbers, or numbers only: CSV, JSON, Parquet,\n"
        "access logs, what Prometheus, Grafana, k6, JMeter and others export; packed or not. Or both hold counts in\n"
        "buckets: Prometheus' answers to query_range, OpenTelemetry's JSON. A Prometheus is also asked itself.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("history", nargs="?", help="healthy measurements; the longer, the smaller the budget can be")
    add("recent", nargs="?", help="the measurements in question, at least one window")

    add = parser.add_argument_group("a Prometheus in place of the files").add_argument
    add("--prometheus", metavar="URL", help="ask this server for counts, one row a window; takes --query")
    add(
        "--query", metavar="PROMQL", help=f"what counts a window's requests: {QUERY.removeprefix('--query ')}"
    )
    reach = "how long history is: what came before the recent part; with --state, asked for by the first run only "
    add("--history", dest="reach", type=_length, metavar="35d", help=reach + "(default: 35d)")
    recent = "how long the recent part is, up to the last full window; with --state, since the last run "
    add("--recent", dest="lately", type=_length, metavar="1d", help=recent + "(default: 1d)")

    add = parser.add_argument_group("the files").add_argument
    add("--column", help="the column to compare, when there are several of numbers")
    only = "read these rows only, such as metric_name=http_req_duration; host=* reads all hosts as one; may be repeated"
    add("--where", action="append", type=_pair, default=[], metavar="COLUMN=VALUE", help=only)
    written = "how an access log is written: nginx's log_format or Apache's LogFormat, in single quotes"
    add("--log-format", metavar="FORMAT", help=written)
    add("--time-format", help="how times are written when not in ISO 8601: %%d/%%m/%%Y %%H:%%M")
    add("--time", metavar="COLUMN", help="the column of times, when another one is found")
    marks = "what stands before the decimals, . or , when a file leaves it open"
    add("--decimal", choices=(".", ","), metavar="MARK", help=marks)
    zone = (
        "whose clock cycles and windows follow, such as Europe/Berlin; times without a zone are then in UTC"
    )
    add("--timezone", metavar="ZONE", help=zone)
    cut = "stretches of history to leave out, such as 2026-03-01T10:00/2026-03-01T16:00"
    add("--exclude", nargs="+", metavar="A/B", type=_stretch, default=(), help=cut)

    add = parser.add_argument_group("the rule").add_argument
    length = "measurements a window, or its length: 1h (default: 60; of counts: 1h)"
    add("--window", type=_window, help=length)
    few = "measurements without which a window in time is not judged (default: 10)"
    add("--minimum", type=int, default=10, metavar="N", help=few)
    share = "share of healthy windows that may alarm, such as 1/720 or 0.01 (default: 1/720)"
    add("--budget", type=_fraction, default=Fraction(1, 720), help=share)
    add("--tolerance", type=float, default=0.0, help="the distance D to live with, 0 to 1 (default: 0)")
    names = "ks, wasserstein, tail, or several of them (default: ks)"
    add("--statistic", nargs="+", default=["ks"], metavar="NAME", help=names)
    periods = "cycles to take out first, such as 1D 7D; where the files have no times, in measurements"
    add("--cycles", nargs="+", metavar="PERIOD", default=(), help=periods)
    free = "days that are as free as Sundays, such as 2026-12-25; takes --cycles 1D 7D"
    add("--holidays", nargs="+", metavar="DATE", default=(), help=free)
    many = "let evidence add up over windows: a drift too small for one may show over six, but one window alone, "
    many += "however bad, hardly ever alarms"
    add("--accumulate", action="store_true", help=many)

    add = parser.add_argument_group("from one run to the next").add_argument
    kept = "go on where the last run with this file ended, and keep in it where this one ends; rows that were seen "
    kept += "are skipped, rows without a whole window wait"
    add("--state", metavar="FILE", type=_file, help=kept)
    complete = "until when the recent file is complete, a time or now: ends windows in time, also silent ones"
    add("--until", metavar="TIME", type=_until, help=complete)
    change = "after a release that was approved: the recent file holds healthy measurements since then. history is "
    change += "rescaled by how far they moved, or they replace it (restart), or are added to it (extend)"
    add("--rebase", choices=("rescale", "restart", "extend"), help=change)

    add = parser.add_argument_group("what comes out").add_argument
    add("--picture", metavar="FILE", help="write a picture of history beside the window shown")
    add("--json", action="store_true", help="print the verdict as JSON, for machines, and nothing else")
    add("--alertmanager", metavar="URL", help="raise or end an alert at Prometheus' Alertmanager (API v2)")
    more = "a label of that alert; may be repeated"
    add("--label", action="append", type=_pair, default=[], metavar="KEY=VALUE", help=more)
    test = "make a copy of the recent file's last six windows up to three times as slow, and say what would ring; "
    test += "changes no state. With --alertmanager "
    test += "an alert DataDriftSelfTest rings while this works: have the pager page when it stops"
    add("--self-test", action="store_true", help=test)
    return parser


def _in_a_shell(text: str) -> str:
    """Return a sentence of the library with the names that its arguments have here."""
    text = text.replace("false_alarm_rate", "--budget").replace('cycles=("1D", "7D")', "--cycles 1D 7D")
    text = re.sub(r"^(timezone|exclude|minimum|tolerance|window|statistic)(?= is | holds )", r"--\1", text)
    text = re.sub(r"where=(\[['\"].*?['\"]\])", lambda found: _wheres(ast.literal_eval(found[1])), text)
    option = re.compile(r"\b(column|time|time_format|decimal|log_format)=(\.\.\.|'[.,]')")
    return option.sub(lambda found: f"--{found[1].replace('_', '-')} {found[2]}", text)


def _wheres(pairs: list[str]) -> str:
    return " ".join(f"--where {shlex.quote(pair)}" for pair in pairs)


# --- the values of options ---------------------------------------------------------------------------------


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 1/720 or 0.01") from None


def _window(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        if _PERIOD.fullmatch(text):
            return text
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor a time such as 1h") from None


def _length(text: str):
    from pandas import Timedelta

    try:
        return Timedelta(text if _PERIOD.fullmatch(text) else None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time: write 35d or 12h") from None


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("no file is named")
    return text


def _stretch(text: str) -> str:
    if text.count("/") != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not two times with a / between them")
    return text


def _until(text: str):
    from pandas import Timestamp

    try:
        return Timestamp.now("UTC") if text == "now" else Timestamp(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-03-01T10:00 nor now"
        ) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no value: write team=checkout")
    return name, value


def _told(value) -> str:
    """Return an option's value as it would be written."""
    if isinstance(value, (list, tuple)):
        return " ".join("=".join(part) if isinstance(part, tuple) else str(part) for part in value)
    return str(value)


def _option(name: str, told: str | None) -> str:
    """Return an option as it was given, for a sentence."""
    if told in (None, "", "None", "False"):
        return f"no --{name}"
    return f"--{name}" if told == "True" else f"--{name} {told}"


def _separate(words: Sequence[str]) -> list[str]:
    """Return the values of an option, also of one that was written with commas: 1D,7D."""
    return [part for word in words for part in re.split(r"[,\s]+", word) if part]


def _periods(options: argparse.Namespace, file) -> tuple[str | float, ...]:
    """Return the periods of this file's cycles as `DriftMonitor` takes them: times as text, or numbers of rows."""
    periods = _separate(options.cycles)
    counts = [period for period in periods if period.replace(".", "", 1).isdecimal()]
    for period in periods:
        if period not in counts and not _PERIOD.fullmatch(period):
            raise ValueError(f"--cycles {period} is no period: write 1D for a day, 7D for a week, 8h, 90min.")
    if counts and file.has_times:  # pandas would take them for nanoseconds
        raise ValueError(f"--cycles {counts[0]} has no unit: write 1D for a day, 7D for a week, 8h, 90min.")
    if len(counts) < len(periods) and not file.has_times:
        raise ValueError(
            f"--cycles {' '.join(periods)} needs times, and {file.path.name} has none: give numbers of "
            "measurements, such as 1440 for a day of minutes."
        )
    return tuple(float(period) if period in counts else period for period in periods)


# --- a run -------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace, out) -> dict:
    """Return the report on the recent file, once it has been told and kept."""
    # Imported here, so that --help is quick and an installation in pieces exits with 2.
    from .state import locked

    _check(options)
    keeps = bool(options.state) and not options.self_test  # which reads a state, and leaves it alone
    with locked(options.state) if keeps else contextlib.nullcontext():
        monitor, recent, lost = _begin(options)
        if lost and options.rebase:
            raise ValueError(f"{lost} --rebase takes healthy measurements; the state is as it was.")
        if lost:
            report = {"status": LOST_NUMBERS, "verdict": f"the service lost its numbers: {_in_a_shell(lost)}"}
        elif options.self_test:
            report = _self_test(options, monitor, recent)
        elif options.rebase:
            monitor, report = _rebased(options, monitor, recent)
        else:
            report = _report(options, monitor, recent)
        about = monitor.about
        if not options.self_test:
            _add_untold(report, about.get("untold", []))
            _add_lost(report, about)
            _add_firing(report, about)
            if options.state and report["firing_since"]:
                told = f"on since {report['firing_since']}, until a window is calm{_once_in(monitor)}"
                print(f"alarm:    {told}")
        if keeps:  # judged from here on; told in the next run, should this one end before it could
            _keep(options, monitor, untold=report["windows"])
        _tell(options, report, out)
        posted = _posted(options, report, monitor)
        if keeps and (report["windows"] or about.get("unposted")):
            about["unposted"] = None if posted or not about["firing"] else about["firing"]
            _keep(options, monitor, untold=[])
    return report


def _keep(options: argparse.Namespace, monitor, *, untold) -> None:
    """Keep the state; that it can't be written is no reason to withhold the verdict."""
    try:
        monitor.save(options.state, about=monitor.about | {"untold": untold})
    except OSError as error:
        print(f"state not kept, so that the next run judges these windows again: {error}", file=sys.stderr)


def _check(options: argparse.Namespace) -> None:
    """Raise a ValueError for what no run could use, before anything is judged."""
    from .alertmanager import check_labels, endpoint

    _check_source(options)
    check_labels(dict(options.label))
    if options.alertmanager:
        endpoint(options.alertmanager)
    if options.until is not None and (options.state is None or isinstance(options.window, int)):
        raise ValueError(
            "--until ends windows in time of a --state file; add --window 1h and --state, or leave it out."
        )
    if options.rebase and (options.self_test or options.until or not options.state):
        raise ValueError(
            "--rebase changes the history in a --state file, and judges nothing; name that file, and leave --self-test "
            "and --until out."
        )
    if options.rebase and not Path(options.state).exists():
        raise FileNotFoundError(f"{options.state} is not there; --rebase changes one that a run began.")


def _check_source(options: argparse.Namespace) -> None:
    """Say so unless there are two files of one kind, or a Prometheus and a query; fill in what was left open."""
    if options.prometheus is not None:
        _check_query(options)
        return _refuse_reading(options)
    if options.query or options.reach or options.lately:
        raise ValueError("--query, --history and --recent belong to --prometheus URL; name the server.")
    from .buckets import holds_counts

    kinds = [Path(path).exists() and holds_counts(path) for path in (options.history, options.recent)]
    if kinds[0] != kinds[1] and all(Path(path).exists() for path in (options.history, options.recent)):
        raise ValueError(
            f"{[options.history, options.recent][kinds[0]]} holds no counts in buckets, the other file does."
        )
    options.counts = any(kinds)
    if options.window is None:
        options.window = "1h" if options.counts else 60
    if options.counts:
        _refuse_reading(options)


def _refuse_reading(options: argparse.Namespace) -> None:
    """Say so if an option tells how to read measurements where counts are read."""
    for name in ("column", "where", *_READING):
        if getattr(options, name):
            raise ValueError(
                f"--{name.replace('_', '-')} is for files of measurements, and these are counts."
            )


def _check_query(options: argparse.Namespace) -> None:
    from pandas import Timedelta, Timestamp

    if options.history is not None or not options.query:
        raise ValueError(f"--prometheus takes no files, but {QUERY}.")
    options.counts, options.window = True, "1h" if options.window is None else options.window
    if isinstance(options.window, int):
        raise ValueError(f"--window {options.window} is no time, and a Prometheus counts by time; write 1h.")
    try:
        length = Timedelta(options.window)
    except ValueError:
        raise ValueError(f"--window {options.window} is no length of time; write 1h or 15min.") from None
    if Timedelta("1D") % length or (length > Timedelta("1h") and options.timezone):
        raise ValueError(f"--window {options.window} doesn't divide a day, or one of 23 hours; write 1h.")
    query = re.sub(r"""(["'`])(?:\\.|(?!\1).)*\1""", "", options.query)
    ranges = re.findall(r"\[\s*(\w+)", query) if re.search(r"\bincrease\s*\(", query) else []
    ranges = ranges or re.findall(r":increase_?(\w+)", query)  # as a recording rule is named
    if not ranges or re.search(r"\bi?rate\s*\(", query):  # one row alone doesn't tell totals from counts
        raise ValueError(f"--query must count a window's requests: {QUERY}.")
    for found in ranges:
        if _PERIOD.fullmatch(found) is None or Timedelta(found) != length:
            raise ValueError(
                f"--query counts over {found}, and a window lasts {options.window}: write [{options.window}], so that "
                "each request is counted once."
            )
    now = Timestamp.now("UTC")
    until = options.until or now
    until = until if until.tz else until.tz_localize("UTC")
    if until > now:
        raise ValueError(
            f"--until {until} is in the future, of which no server has counted anything; leave it out."
        )
    # Full windows of the clock on the wall, which in some zones begin at half past.
    ahead = until.tz_convert(options.timezone or "UTC").utcoffset()
    options.end = (until.tz_convert("UTC") + ahead).floor(length) - ahead
    judges = options.state and not (options.rebase or options.self_test)
    options.until = options.end if judges else None


def _begin(options: argparse.Namespace):
    """Return the monitor, and the recent file or what is said of its numbers that are gone."""
    monitor = history = recent = lost = None
    if options.state and Path(options.state).exists():
        monitor = _kept(options)
        about = monitor.about
    else:
        if options.prometheus:
            start = _before(options, options.end, options.lately or timedelta(days=1))
            history = _asked(options, _before(options, start, options.reach or timedelta(days=35)), start)
        else:
            history = _load(options, options.history, options.column, {})
        print(_in_a_shell(f"history  {history}\n"))
        about = _about(options, history)
    try:
        recent = _recent(options, about, monitor)
    except LostNumbers as error:
        lost = str(error)
    if monitor is None:
        monitor = _built(options, history)
        monitor.about = about
    if options.counts and recent is not None:
        with _noting(options):
            monitor = monitor.in_shared_buckets(recent.latencies)
    return monitor, recent, lost


def _settings(options: argparse.Namespace) -> dict:
    """Return what decides a verdict, and so must stay as it was while a state file goes on."""
    settings = {name: _told(getattr(options, name)) for name in (*_SETTINGS, *_READING)}
    settings["where"] = _told([pair for pair in options.where if pair[1] != "*"])
    if not options.state or options.prometheus:
        return settings | {"history": 0}
    try:
        return settings | {"history": zlib.crc32(Path(options.history).read_bytes())}
    except FileNotFoundError:
        raise FileNotFoundError(f"{options.history} is not there: check the path.") from None


def _about(options: argparse.Namespace, history) -> dict:
    """Return what later runs need to know of the file of history."""
    return _settings(options) | {
        "read": history.column,
        "step": history.latencies.attrs.get("step") if options.counts else None,
        "totals": history.latencies.attrs.get("totals") if options.counts else None,
        "median": math.nan if options.counts else float(history.latencies.median()),
        "unit": history.unit,
        "zoned": history.has_times and history.frame.index.tz is not None,
        "offsets": list(history.offsets),
        "left_out": history.n_left_out / history.n_rows,
        "identical": history.n_identical / history.n_rows,
    }


def _kept(options: argparse.Namespace):
    """Return the monitor of the state file, if it was begun with the same settings."""
    from .monitor import DriftMonitor

    monitor = DriftMonitor.load(options.state)
    for name, now in _settings(options).items():
        before = monitor.about.get(name, now)
        if before != now and not (name in _READING and "None" in (before, now)):
            told = f"{_option(name, before)}, and this run has {_option(name, now)}"
            told = f"another history than {options.history} holds now" if name == "history" else told
            raise ValueError(
                f"{options.state} was begun with {told}: give the same again, or a new --state file."
            )
    print(f"history  as kept in {Path(options.state).name}: {monitor}\n")
    return monitor


def _built(options: argparse.Namespace, history):
    """Return a monitor of this history, by the options."""
    from .monitor import DriftMonitor

    with _noting(options):
        monitor = DriftMonitor(
            history.latencies,
            options.window,
            float(options.budget),
            statistic=tuple(_separate(options.statistic)),
            cycles=_periods(options, history) or None,
            holidays=_separate(options.holidays),
            accumulate=options.accumulate,
            tolerance=options.tolerance,
            timezone=options.timezone,
            minimum=options.minimum,
            exclude=[stretch.split("/") for stretch in options.exclude],
        )
    latencies = history.latencies
    days = (latencies.index[-1] - latencies.index[0]).total_seconds() / A_DAY if history.has_times else 2
    if monitor.halves_apart >= APART and days >= 2:  # the halves of a day are no halves
        raise ValueError(
            f"history's second half lies on one side of its first in {monitor.halves_apart:.0%} of pairs of windows, "
            "so no --budget can be promised: give history since it changed, or leave stretches out by --exclude; what "
            "only grows, or follows a day without --cycles 1D, has no history to be judged by."
        )
    return monitor


@dataclass(frozen=True)
class _Counts:
    """Counts in buckets, where else there is a `data.Recording`."""

    latencies: object
    path: Path
    column: str
    has_times = True
    offsets = ()
    n_left_out = n_identical = 0

    frame = property(lambda self: self.latencies)
    unit = property(lambda self: self.latencies.attrs.get("unit", ""))
    n_rows = property(lambda self: max(1, len(self.latencies)))

    def __str__(self):
        rows = self.latencies
        if not len(rows):
            return f"{self.path.name}: nothing new"
        return (
            f"{self.path.name}: {self.column}, {rows.to_numpy().sum():,.0f} values in {len(rows.columns):,} buckets, "
            f"{len(rows):,} rows from {rows.index[0]} to {rows.index[-1]}"
        )


def _before(options: argparse.Namespace, end, length):
    """Return when windows begin that last so long together, one at least."""
    from pandas import Timedelta

    window = Timedelta(options.window)
    return end - max(window, Timedelta(length).floor(window))


def _asked(options: argparse.Namespace, start, end, none=None) -> _Counts:
    """Return what the Prometheus has counted in the windows from `start` to `end`, or `none` if there are none yet."""
    from pandas import Timedelta

    from .buckets import load_counts
    from .prometheus import NoSeriesError, query_range
    from .table import NoNumbersError

    length = Timedelta(options.window)
    # With its labels, which tell two queries of one metric apart where both have one pager.
    name = re.search(r"increase\s*\(\s*([^[]+?)\s*\[", options.query)
    name = re.sub(r"_bucket\b", "", name[1]) if name else options.query
    if none is not None and start >= end:
        rows = none
    else:
        unit = re.search(r"_(seconds|milliseconds)(?=$|[{ ])", name)
        try:
            with _noting(options):
                asked = options.prometheus, options.query, start + length, end, length.total_seconds()
                rows = load_counts(
                    query_range(*asked), unit=unit and _UNITS[unit[1]], step=length, totals=False
                )
            rows.columns.name = name
        except (NoNumbersError, NoSeriesError):
            if none is None:
                raise
            rows = none  # whether silence is usual at this time of day, history knows
    return _Counts(rows, Path(urlsplit(options.prometheus).hostname), name)


def _load(options: argparse.Namespace, path: str, column: str | None, about: dict):
    from .data import DataQualityWarning, load_latencies

    if options.counts:
        from .buckets import load_counts

        # One row doesn't tell how long it lasts, and few don't tell totals from counts: history does.
        known = {name: about[name] for name in ("step", "totals") if about.get(name) is not None}
        with _noting(options):
            rows = load_counts(path, **known)
        return _Counts(rows, Path(path), rows.columns.name or "counts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)  # the reports say the same, and more
        reading = {name: getattr(options, name) for name in ("time", "time_format", "decimal", "log_format")}
        reading["where"] = [f"{name}={value}" for name, value in options.where]
        return load_latencies(path, column, **reading)


def _recent(options: argparse.Namespace, about: dict, monitor):
    """Return the recent file, or say that the service's numbers are gone."""
    from .prometheus import NoSeriesError
    from .table import NoNumbersError

    try:
        if options.prometheus:
            goes_on = monitor and not (options.rebase or options.self_test)
            start = _before(options, options.end, options.lately or timedelta(days=1))
            none = monitor.historical.iloc[:0] if goes_on else None
            recent = _asked(options, monitor.state.next_start if goes_on else start, options.end, none)
        else:
            recent = _load(options, options.recent, options.column or about["read"], about)
    except (NoNumbersError, NoSeriesError) as error:
        raise LostNumbers(str(error)) from None
    print(_in_a_shell(f"recent   {recent}\n"))
    if options.counts:
        return recent
    usual = about["left_out"]
    rise = recent.n_left_out / recent.n_rows - usual
    if rise > max(RISE_IN_ROWS_LEFT_OUT, 4 * math.sqrt((usual + 1 / recent.n_rows) / recent.n_rows)):
        raise LostNumbers(
            f"{recent.n_left_out:,} of {recent.n_rows:,} recent rows hold no usable number, "
            f"a share {rise:.0%} larger than in history: find out why, first."
        )
    if recent.n_identical / recent.n_rows - about["identical"] > RISE_IN_ROWS_LEFT_OUT:
        with _noting(options):
            warnings.warn(
                f"{recent.n_identical:,} recent rows repeat another one, more than in history; "
                "a file with its rows twice alarms too often",
                stacklevel=1,
            )
    _periods(options, recent)
    _check_units(recent, about.get("median", math.nan), about.get("unit", ""))
    zoned = recent.has_times and recent.frame.index.tz is not None
    if recent.has_times and zoned != about.get("zoned", zoned):
        with _noting(options):
            warnings.warn(
                "times of one file have a zone, those of the other none: these are read as UTC", stacklevel=1
            )
    offsets = sorted({*about.get("offsets", ()), *recent.offsets})
    if options.cycles and not options.timezone and len(offsets) > 1:
        raise ValueError(
            f"the times are written at {' and at '.join(offsets)}, as where clocks are changed: say whose clock cycles "
            "follow, --timezone Europe/Berlin or UTC."
        )
    return recent


def _check_units(recent, median: float, unit: str) -> None:
    """Refuse values that are a thousand times, or a million times, as large as in history, if a unit is unknown."""
    now = float(recent.latencies.median())
    if (recent.unit and unit) or not min(now, median) > 0:
        return
    thousands = round(math.log(now / median, 1_000))
    if thousands and 0.5 <= now / median / 1_000.0**thousands <= 2:
        times = f"{max(now / median, median / now):,.3g} times as {'large' if now > median else 'small'}"
        raise ValueError(
            f"recent values are {times} as history's, as if one file were in s and the other in ms: name the unit in "
            "the columns, such as latency_ms."
        )


# --- the verdict -------------------------------------------------------------------------------------------


def _report(options: argparse.Namespace, monitor, recent) -> dict:
    """Judge what is new, print how, and return the verdict with what it rests on."""
    before = monitor.state
    windows = _windows(options, monitor, recent)
    _print_settings(options, monitor)
    _print_counts(options, monitor, windows, recent)
    report = {"windows": [_record(monitor, row) for _, row in windows.iterrows()]}
    if options.state:
        state = monitor.state
        report |= {
            name: getattr(state, name) - getattr(before, name) for name in ("skipped", "late", "ahead")
        }
        report["waiting"] = 0 if state.leftover is None else len(state.leftover)
        print(
            "rows:     {skipped:,} seen before, {late:,} late, {waiting:,} wait for their window".format(
                **report
            )
        )
    useless = report.get("late", 0) + report.get("ahead", 0)
    useful = len(recent.latencies) - report.get("skipped", 0) - useless
    report["status"], report["verdict"] = _verdict(options, monitor, windows, useless, useful)
    shown = _shown(windows)
    if shown is not None:
        which = "first window in alarm" if windows["drifted"].any() else "window furthest from history"
        begins = f", from {windows.index[shown]}" if recent.has_times else ""
        print(f"          {which}: number {shown + 1:,}{begins}")
        if options.picture is not None:
            part = _rows_of(monitor, before.leftover, recent.latencies, windows.index[shown], shown)
            name = f"Window {shown + 1:,} of {len(windows):,}"
            _draw(options.picture, monitor.historical, part, monitor.explain(windows.iloc[shown]), name)
    return report


def _windows(options: argparse.Namespace, monitor, recent):
    """Return the windows that are new, one row each; print what the monitor doubts."""
    values = recent.latencies
    with _noting(options):
        if options.state:
            if not recent.has_times:
                unknown = (
                    "without times nobody can tell rows that were seen: a file read twice is judged twice"
                )
                warnings.warn(unknown, stacklevel=1)
            _doubt_zone(options, monitor, values)
            return monitor.follow(values, until=options.until)
        if recent.has_times and _begins_before_history_ends(monitor, values):
            warnings.warn(
                "recent begins before history ends; what stands in both hides a drift", stacklevel=1
            )
        if not monitor.by_time:
            values = _whole_windows(values, monitor.window, recent.path.name)
        return monitor.check_many(values)


def _doubt_zone(options: argparse.Namespace, monitor, values) -> None:
    """Warn if times without a zone are so far from --until that they must be in another one than UTC."""
    if options.until is None or options.until.tz is None or not len(values) or values.index.tz is not None:
        return
    newest, until = values.index.max(), options.until.tz_convert("UTC").tz_localize(None)
    behind = until - newest
    if behind < -timedelta(minutes=5) or behind > 2 * timedelta(seconds=monitor.window_seconds):
        warnings.warn(
            f"the newest row is of {newest}, and --until of {until} in UTC: times without a zone are read as UTC; if "
            "they are not, write their zone into the files",
            stacklevel=1,
        )


@contextlib.contextmanager
def _noting(options: argparse.Namespace):
    """Print what is warned of as notes, and keep them for --json."""
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        yield
    notes = [_in_a_shell(str(doubt.message)) for doubt in doubts]
    options.notes += notes
    for note in notes:
        print(f"note:     {note}\n")


def _budget(monitor) -> Fraction:
    """Return the budget as it is: while a history that began anew is short, it supports no smaller one."""
    return Fraction(monitor.false_alarm_rate).limit_denominator(10**6)


def _print_settings(options: argparse.Namespace, monitor) -> None:
    more = f", cycles {' '.join(_separate(options.cycles))} ({monitor.calendar})" if options.cycles else ""
    more += f", clock of {options.timezone}" if options.timezone else ""
    more += ", accumulated" if options.accumulate else ""
    window = monitor.window if monitor.by_time else f"{monitor.window:,}"
    print(
        f"settings: column {monitor.about['read']}, window {window}, budget {_budget(monitor)}, tolerance "
        f"{options.tolerance:g}, statistic {' '.join(_separate(options.statistic))}{more}"
    )


def _print_counts(options: argparse.Namespace, monitor, windows, recent) -> None:
    judged, alarms = int(windows["statistic"].notna().sum()), windows["drifted"].sum()
    expected = monitor.false_alarm_rate * judged
    print(
        f"windows:  {judged:,} judged, {alarms:,} in alarm; of so many healthy ones about {expected:.2g} would be"
    )
    if judged < len(windows):
        thin = len(windows) - judged
        print(
            f"          {thin:,} with fewer than {options.minimum:,} values, which is too few to judge them"
        )
    rest = 0 if options.state or monitor.by_time else len(recent.latencies) % monitor.window
    if rest:
        print(f"          the last {rest:,} values fill no window and were not judged")


def _verdict(options: argparse.Namespace, monitor, windows, useless, useful) -> tuple[int, str]:
    """Return the status and the sentence on the windows that are new, of so many new rows with wrong times or none."""
    told = (
        f"can't say: {useless:,} of {useless + useful:,} new rows lie before {monitor.state.next_start}, where judging "
        "has come to, or after --until; mend their times. If rows with a clock ahead were judged, begin with a new "
        "--state file."
    )
    mostly_useless = useless >= options.minimum and useless > useful
    if not len(windows):
        if mostly_useless:
            return CANNOT_SAY, told
        return NO_DRIFT, "nothing to judge yet: no new window is complete."
    judged, shown = windows["statistic"].notna(), _shown(windows)
    if windows["drifted"].any():
        return DRIFT, str(monitor.explain(windows.iloc[shown]))
    # What follow returns is complete, so that a last window without values is a service without numbers.
    if not judged.iloc[-1] if options.state else shown is None:
        start, rows = windows.index[-1], windows["rows"].iloc[-1]
        told = f"the window from {start} holds {rows:,} values, fewer than {options.minimum:,}"
        if monitor.usual_silence(start) >= SILENCE:
            if shown is None:
                return NO_DRIFT, f"nothing to judge: {told}, as history often does at this time of day."
        elif 2 * rows < options.minimum:
            return LOST_NUMBERS, f"the service lost its numbers: {told}; see that it runs."
        else:
            return CANNOT_SAY, f"can't say: {told}; give a longer --window, or a smaller --minimum."
    if mostly_useless:
        return CANNOT_SAY, told
    so_far = monitor.state.windows if options.state else int(judged.sum())
    if so_far < monitor.fewest_windows:
        more = "the next runs will tell" if options.state else "give a longer file, or go on with --state"
        told = f"where evidence adds up, it takes {monitor.fewest_windows} windows in a row to alarm, and there are"
        return CANNOT_SAY, f"can't say: {told} {so_far}: {more}."
    return NO_DRIFT, str(monitor.explain(windows.iloc[shown]))


def _shown(windows) -> int | None:
    """Return the number of the first window in alarm, or else of that furthest from history, if one is judged."""
    if windows["drifted"].any():
        return int(windows["drifted"].argmax())
    return int(windows["p_value"].argmin()) if windows["statistic"].notna().any() else None


def _record(monitor, row) -> dict:
    """Return one window as JSON can hold it."""
    result = monitor.explain(row)
    record = {"evidence_slower": 0.0, "evidence_faster": 0.0}
    record |= {name: None if row[name] != row[name] else row[name] for name in row.index}
    record = {name: getattr(value, "item", lambda value=value: value)() for name, value in record.items()}
    start = (result.time or row["start"]) if result.time is not None else int(row["start"])
    return record | {"start": str(start), "verdict": str(result), "unit": result.unit}


def _begins_before_history_ends(monitor, values) -> bool:
    last = getattr(monitor.historical, "index", values.index)[-1]
    try:
        return bool(values.index[0] <= last)
    except TypeError:  # no times, or in one file only with a zone
        return False


def _whole_windows(values, window: int, name: str):
    """Return the values that fill whole windows."""
    if len(values) < window:
        plural = "" if len(values) == 1 else "s"
        raise ValueError(
            f"{name} has {len(values):,} value{plural} and a window takes {window:,}: collect more, or choose a "
            "smaller --window."
        )
    return values.iloc[: len(values) // window * window]


def _rows_of(monitor, waiting, values, begins, number: int):
    """Return the measurements of one window, for its picture: of those that waited for it, and of the file's."""
    import numpy as np
    import pandas as pd

    from .rows import row_ids

    if not isinstance(values.index, pd.DatetimeIndex):
        rows = values if waiting is None else np.concatenate([waiting, values])
        return rows[number * monitor.window : (number + 1) * monitor.window]
    if waiting is not None and len(waiting):
        values = pd.concat([waiting, values]).sort_index(kind="stable")
        values = values[~pd.Series(row_ids(values)).duplicated().to_numpy()]
    if begins.tz is not None and values.index.tz is None:
        values = values.tz_localize("UTC")
    values = values[values.index >= begins]
    if not monitor.by_time:
        return values.iloc[: monitor.window]
    return values[values.index < begins + timedelta(seconds=monitor.window_seconds)]


def _self_test(options: argparse.Namespace, monitor, recent) -> dict:
    """Say how small a slowdown of the recent file would ring."""
    values = recent.latencies
    if not monitor.by_time:
        values = _whole_windows(values, monitor.window, recent.path.name)
    factor, windows = monitor.smallest_slowdown(values)
    if factor is None:
        return {
            "status": CANNOT_SAY,
            "verdict": f"can't say: even latencies {windows:g} times as long ring no alarm within six windows.",
        }
    after = f", {windows} windows in a row" if options.accumulate else ""
    told = f"{100 * (factor - 1):.2g} % longer" if factor < 2 else f"{factor:.2g} times as long"
    verdict = f"the alarm works: the recent latencies, {told}{after}, would ring."
    return {"status": NO_DRIFT, "verdict": verdict, "factor": factor, "after_windows": windows}


def _rebased(options: argparse.Namespace, monitor, recent):
    """Return the monitor with the history of the service as it is now, and what was done; its alarm is over."""
    adds = options.rebase == "extend"
    if recent.has_times and not adds and _begins_before_history_ends(monitor, recent.latencies):
        raise ValueError(
            f"{recent.path.name} begins before history ends; give the healthy rows since the release."
        )
    with _noting(options):
        monitor = monitor.rebase(recent.latencies, options.rebase)
    if adds:
        done = f"extended to {monitor.n_blocks:,} windows"
    else:
        done = f"begun anew, with {monitor.n_blocks:,} windows"
        if options.rebase == "rescale":
            done = f"times {monitor.factor:.4g}"
            if monitor.about["firing"] and abs(math.log(monitor.factor)) < 2 * monitor.factor_error:
                raise ValueError(
                    f"history would be {done}, no more than chance, and the alarm is on: give rows since the "
                    "release only, or more of them, or use --rebase restart if something else than the level changed."
                )
        monitor.about |= {"firing": None, "unposted": None}
    monitor.about["lost"] = None
    verdict = (
        f"nothing judged: history is {done}; what comes is judged by it, with a budget of {_budget(monitor)}."
    )
    return monitor, {"status": NO_DRIFT, "verdict": verdict}


# --- from one run to the next ------------------------------------------------------------------------------


def _add_untold(report: dict, untold: list[dict]) -> None:
    """Tell the windows of earlier runs again that nobody may have heard of."""
    report["windows"] = untold + report.get("windows", [])
    if untold:
        print(
            f"          told again, since nobody may have heard of it: {len(untold):,} of earlier runs' windows"
        )
    alarms = [window["verdict"] for window in untold if window["drifted"]]
    for verdict in alarms:
        print(f"          {verdict}")
    if alarms and report["status"] in (NO_DRIFT, CANNOT_SAY):
        report |= {"status": DRIFT, "verdict": alarms[0]}


def _add_lost(report: dict, about: dict) -> None:
    """Say so as long as nothing was judged since the numbers were lost."""
    if report["status"] == LOST_NUMBERS:
        about["lost"] = report["verdict"]
    elif any(window["statistic"] is not None for window in report["windows"]):
        about["lost"] = None
    elif about.get("lost"):
        report |= {"status": LOST_NUMBERS, "verdict": about["lost"]}


def _add_firing(report: dict, about: dict) -> None:
    """Say since when the alarm is on after these windows, if one is, and keep why."""
    firing = about.get("firing")
    for window in report["windows"]:
        if window["drifted"]:
            firing = firing or {"since": window["start"], "verdict": window["verdict"]}
        elif window["p_value"] is not None and window["p_value"] > CALM:
            firing = None
    about["firing"] = firing
    report["firing_since"] = firing and firing["since"]


def _once_in(monitor) -> str:
    """Return how often a healthy service rings, in days."""
    if monitor.window_seconds is None:
        return ""
    days = monitor.window_seconds / monitor.false_alarm_rate / 86_400
    return f"; a healthy service rings about once in {days:,.3g} days, on average"


def _tell(options: argparse.Namespace, report: dict, out) -> None:
    """Print the verdict; what is none on standard error."""
    if report["status"] not in (NO_DRIFT, DRIFT):
        print(report["verdict"], file=sys.stderr, flush=True)
    elif not options.json:
        print(f"verdict:  {report['verdict']}", file=out, flush=True)
    if options.json:
        print(json.dumps(report | {"notes": options.notes}), file=out, flush=True)


def _posted(options: argparse.Namespace, report: dict, monitor) -> bool:
    """Pass the verdict on to Alertmanager; that it doesn't answer is no reason to withhold the verdict."""
    if not options.alertmanager:
        return True
    from .alertmanager import AlertmanagerError, Verdict, send

    windows = report.get("windows", [])
    # An alarm that came and went within one run, or while nobody answered, is told once before it ends.
    gone = next(({"since": w["start"], "verdict": w["verdict"]} for w in windows if w["drifted"]), None)
    alarm = monitor.about.get("firing") or gone or monitor.about.get("unposted")
    try:
        since = datetime.fromisoformat(alarm["since"])
    except (TypeError, ValueError):  # no alarm, or no times
        since = None
    period_s = A_DAY if options.self_test else (monitor.window_seconds or 3_600) * max(1, len(windows))
    service = urlsplit(options.prometheus).hostname if options.prometheus else Path(options.history).stem
    shared = {"service": service, "column": monitor.about["read"], "period_s": period_s}
    summary = {"summary": report["verdict"]}
    if options.self_test:
        works = report["status"] == NO_DRIFT
        verdicts = [Verdict(drifted=works, alertname="DataDriftSelfTest", annotations=summary, **shared)]
    else:
        judged = any(window["statistic"] is not None for window in windows)
        lost = report["status"] == LOST_NUMBERS or (False if judged or options.rebase else None)
        verdicts = [Verdict(drifted=lost, alertname="DataLost", annotations=summary, **shared)]
        if alarm and (judged or monitor.about.get("unposted")):
            verdicts.append(
                Verdict(drifted=True, since=since, annotations={"summary": alarm["verdict"]}, **shared)
            )
        elif judged or (options.rebase and not alarm):
            verdicts.append(Verdict(drifted=False, annotations=summary, **shared))
    try:
        send(options.alertmanager, verdicts, labels=dict(options.label))
    except AlertmanagerError as error:
        print(f"alert not delivered: {error}", file=sys.stderr)
        return False
    return True


def _draw(path, historical, window, result, name) -> None:
    """Write the picture; that it can't be written is no reason to withhold the verdict."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    ends = []
    for values, style in (
        (historical, {"color": "#0173B2", "label": "Historical"}),
        (window, {"color": "#DE8F05", "linestyle": "--", "label": "Recent"}),
    ):
        if result.blind:  # counts: their shares are known at the bounds
            shares = values.sum().cumsum() / values.to_numpy().sum()
            ax.plot(shares.index.right[:-1], shares[:-1], marker=".", **style)
            ends.append(shares.iloc[np.searchsorted(shares.index.right, result.location)])
        else:
            ax.ecdf(values, **style)
            ends.append((values <= result.location).mean())
    gap = f"Gap: {abs(ends[0] - ends[1]):.3f}"
    ax.plot([result.location] * 2, ends, color="black", marker="o", label=gap)
    title = f"{name} is {result.direction} than history" if result else f"{name} is unalarming"
    ax.set(title=title, xlabel=str(result.name), ylabel="Share of measurements at or below")
    ax.legend(loc="lower right")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        print(f"picture not written: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
