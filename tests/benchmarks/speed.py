"""What a check costs, beside scipy, beside the cheapest thing that could work, and beside other tools."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from tests.benchmarks.peers import installed
from tests.benchmarks.timing import duration, median_seconds, print_table, seconds
from utils.alarm.drift import detect_drift
from utils.alarm.monitor import DriftMonitor

MILLION = 1_000_000
WINDOW = 500
FEW = 5  # windows given to a tool that would take minutes for a thousand of them


def scipy_check(historical, recent):
    """Return scipy's test in its faster mode: the one that our speed is held against."""
    return ks_2samp(historical, recent, method="asymp")


def latencies(rng, size):
    """Return log-normal latencies in milliseconds, as skewed as real ones."""
    return rng.lognormal(mean=np.log(150), sigma=0.3, size=size)


def main():
    """Print the tables."""
    print("Other tools")
    peers = installed()
    rng = np.random.default_rng(0)
    historical = latencies(rng, MILLION)
    ours(rng, historical)
    memory(historical)
    if peers:
        beside_peers(peers, rng, historical)


def ours(rng, historical):
    """Time this course's functions against scipy, and against the sorting that no method can do without."""
    rows = []

    def row(what, time, other, against, target, faster):
        ratio = other / time if faster else time / other
        met = ratio >= target if faster else ratio <= target
        shown = f"{ratio:,.{0 if ratio >= 9.95 else 2}f} x" + " faster" * faster
        wanted = f"at least {target:g} x" if faster else f"at most {target:.3g} x"
        rows.append([what, duration(time), against, duration(other), shown, wanted, "yes" if met else "NO"])

    monitor = DriftMonitor(historical, window=WINDOW)
    window = latencies(rng, WINDOW)
    t = median_seconds(check=lambda: monitor.check(window), scipy=lambda: scipy_check(historical, window))
    row("one window of 500 against 1,000,000", t["check"], t["scipy"], "scipy", 400, faster=True)

    windows = latencies(rng, (1_000, WINDOW))
    in_order = np.sort(historical)
    t = median_seconds(
        ours=lambda: monitor.check_many(windows),
        floor=lambda: np.searchsorted(in_order, np.sort(windows, axis=1)),
    )
    row("1,000 windows of 500 against 1,000,000", t["ours"], t["floor"], "sort, search", 3, faster=False)

    for n, m, target, is_faster in ((1_000, 500, 4 / 3, False), (MILLION, MILLION, 1, True)):
        for what, moved in (("no drift", 1.0), ("drift", 1.1)):
            first, second = latencies(rng, n), latencies(rng, m) * moved
            t = median_seconds(
                ours=lambda a=first, b=second: detect_drift(a, b),
                with_p=lambda a=first, b=second: detect_drift(a, b).p_value,
                scipy=lambda a=first, b=second: scipy_check(a, b),
                exact=lambda a=first, b=second: ks_2samp(a, b),
            )
            row(f"cold, {n:,} / {m:,}, {what}", t["ours"], t["scipy"], "scipy asymp", target, is_faster)
            if n == 1_000:
                row("  and its p-value read", t["with_p"], t["exact"], "scipy default", 4 / 3, faster=False)

    many_historical = pd.DataFrame(rng.normal(size=(100_000, 50)))
    many_recent = pd.DataFrame(rng.normal(size=(10_000, 50)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ten blocks are few for fifty features
        of_tables = DriftMonitor(many_historical, window=10_000, false_alarm_rate=0.1)
    t = median_seconds(
        ours=lambda: of_tables.check_frame(many_recent),
        scipy=lambda: [scipy_check(many_historical[name], many_recent[name]) for name in many_historical],
    )
    row("50 columns, 100,000 / 10,000", t["ours"], t["scipy"], "scipy loop", 8, faster=True)

    t = median_seconds(ours=lambda: DriftMonitor(historical, window=WINDOW), sort=lambda: np.sort(historical))
    row("building: 1,000,000, 2,000 blocks", t["ours"], t["sort"], "np.sort", 4, faster=False)
    header = ["Task", "ours", "beside", "takes", "ours is", "wanted", "met"]
    print_table("Speed: medians of seven rounds in which both took turns, processor time", header, rows)


def memory(historical):
    """Count the copies of history that a monitor makes, the caller's own left out."""

    def copies(task):
        tracemalloc.start()
        kept = task()
        after, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return kept, most / historical.nbytes, after / historical.nbytes

    rows = []
    monitor, most, after = copies(lambda: DriftMonitor(historical, window=WINDOW))
    rows.append(["building on 1,000,000 values", f"{most:.2f}", f"{after:.2f}", "3 and 1", _met(most, after)])
    windows = latencies(np.random.default_rng(1), (1_000, WINDOW))
    _, most, after = copies(lambda: monitor.check_many(windows))
    rows.append(["then checking 1,000 windows of 500", f"{most:.2f}", f"{after:.2f}", "", ""])
    print_table("Memory, in copies of the history", ["Task", "at most", "left", "wanted", "met"], rows)


def _met(most, after):
    return "yes" if most <= 3 and after <= 1.1 else "NO"


def beside_peers(peers, rng, historical):
    """Time other tools on the same tasks. What would take minutes is measured on a few windows and scaled."""
    window, windows = latencies(rng, WINDOW), latencies(rng, (1_000, WINDOW))
    small = latencies(rng, 1_000)
    monitor = DriftMonitor(historical, window=WINDOW)
    frames = (
        pd.DataFrame(rng.normal(size=(100_000, 50))).add_prefix("c"),
        pd.DataFrame(rng.normal(size=(10_000, 50))).add_prefix("c"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_tables = DriftMonitor(frames[0], window=10_000, false_alarm_rate=0.1)
        mine = median_seconds(
            cold=lambda: detect_drift(small, window).p_value,
            one=lambda: monitor.check(window),
            many=lambda: monitor.check_many(windows),
            frame=lambda: of_tables.check_frame(frames[1]),
        )
        theirs = {
            "scipy": {
                "cold": _once(lambda: ks_2samp(small, window)),
                "one": _once(lambda: scipy_check(historical, window)),
                "many": _scaled(lambda row: scipy_check(historical, row), windows),
                "frame": _once(lambda: [scipy_check(frames[0][name], frames[1][name]) for name in frames[0]]),
            }
        }
        for peer in peers:
            theirs[peer.name] = _time_peer(peer, small, historical, window, windows, frames)
    header = ["Tool", "cold 1k/500", "500 vs 1M, fitted", "1,000 x 500 vs 1M", "50 columns"]
    rows = [["ours", *(duration(mine[task]) for task in ("cold", "one", "many", "frame"))]]
    for name, times in theirs.items():
        cells = []
        for task in ("cold", "one", "many", "frame"):
            if task not in times:
                cells.append("-")
                continue
            measured_s, scaled = times[task]
            ratio = measured_s / mine[task]
            cells.append(f"{'~' * scaled}{duration(measured_s)} ({ratio:,.{0 if ratio >= 9.95 else 1}f} x)")
        rows.append([name, *cells])
    print_table(
        f"Other tools, and how many times as long as ours (~: scaled up from {FEW} windows; -: not offered)",
        header,
        rows,
    )


def _once(task, rounds=3):
    return median_seconds(rounds, task=task)["task"], False


def _scaled(check, windows):
    check(windows[0])
    return seconds(lambda: [check(row) for row in windows[:FEW]]) / FEW * len(windows), True


def _time_peer(peer, small, historical, window, windows, frames):
    times = {}

    def attempt(task, measure):
        try:
            times[task] = measure()
        except Exception as error:
            print(f"{peer.name}, {task}: {type(error).__name__}: {error!s:.100}", flush=True)

    attempt("cold", lambda: _once(lambda: peer.fit(small)(window)))
    try:
        fitted = peer.fit(historical)
    except Exception as error:
        print(f"{peer.name}, fit: {type(error).__name__}: {error!s:.100}", flush=True)
        return times
    attempt("one", lambda: _once(lambda: fitted(window)))
    if peer.check_many:
        check_all = peer.check_many(historical, windows)
        attempt("many", lambda: _once(check_all, rounds=1))
    else:
        attempt("many", lambda: _scaled(fitted, windows))
    if peer.check_frame:
        check_frame = peer.check_frame(*frames)
        attempt("frame", lambda: _once(check_frame, rounds=1))
    return times
