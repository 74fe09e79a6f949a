"""How cost grows with history and with the window: ours, scipy's, and sorting alone."""

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from scipy.stats import ks_2samp

from tests.benchmarks.timing import duration, median_seconds, print_table
from utils.alarm.drift import detect_drift
from utils.alarm.monitor import DriftMonitor

PLOT = Path("build/growth.png")
# Four windows are the shortest history that a monitor takes.
SIZES = (
    ((2 * 10**3, 500), (10**4, 500), (10**5, 500), (10**6, 500)),
    (
        (10**6, 50),
        (10**6, 500),
        (10**6, 5_000),
        (10**6, 50_000),
        (10**6, 250_000),
    ),
)
SERIES = {
    "scipy.stats.ks_2samp": dict(marker="s", linestyle="--"),
    "np.sort of both": dict(marker="x", linestyle=":"),
    "detect_drift": dict(marker="D", linestyle="-."),
    "DriftMonitor.check": dict(marker="o", linestyle="-"),
}


def main():
    """Print the table and draw the plot."""
    rng = np.random.default_rng(0)
    measured = [[(n, m, _measure(rng, n, m)) for n, m in sizes] for sizes in SIZES]
    rows = [
        [f"{n:,}", f"{m:,}", *(duration(times[name]) for name in SERIES)]
        for panel in measured
        for n, m, times in panel
    ]
    print_table(
        "How cost grows: medians, processor time (scipy by its asymptotic p-value; detect_drift, as scipy does "
        "by default,\ncounts a p-value near alpha out exactly for samples of up to 10,000 values)",
        ["History", "window", *SERIES],
        rows,
    )
    _draw(measured)
    print(f"Plotted in {PLOT}")


def _measure(rng, n, m):
    historical, recent = rng.lognormal(size=n), rng.lognormal(size=m)
    monitor = DriftMonitor(historical, window=m, false_alarm_rate=0.5)
    tasks = {
        "scipy.stats.ks_2samp": lambda: ks_2samp(historical, recent, method="asymp"),
        "np.sort of both": lambda: (np.sort(historical), np.sort(recent)),
        "detect_drift": lambda: detect_drift(historical, recent),
        "DriftMonitor.check": lambda: monitor.check(recent),
    }
    return median_seconds(rounds=3, **tasks)


def _draw(measured):
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    labels = "Values in history (window 500)", "Values in the window (history 1,000,000)"
    for varying, (ax, panel, label) in enumerate(zip(panels, measured, labels, strict=True)):
        sizes = [row[varying] for row in panel]
        for (name, style), color in zip(SERIES.items(), sns.color_palette("colorblind"), strict=False):
            ax.plot(sizes, [times[name] for _, _, times in panel], label=name, color=color, **style)
        ax.set(xscale="log", yscale="log", xlabel=label)
        ax.grid(alpha=0.3)
    panels[0].set(ylabel="Time of one check (s)", title="A fitted monitor hardly notices a longer history")
    panels[1].set(title="Its cost grows with the window")
    panels[0].legend()
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, dpi=120)
