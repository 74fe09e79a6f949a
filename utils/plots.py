"""The pictures that the course draws more than once, and how it draws them.

Colors: historical and recent latencies keep theirs through the whole course; lines and fills differ in style
too, so that nothing is said by color alone.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from PIL import Image

HISTORICAL, RECENT, THIRD = (mpl.colors.to_hex(sns.color_palette("colorblind")[i]) for i in (0, 1, 2))
ALARM = "#B2182B"
INK = "#222222"


def use_course_style() -> None:
    """Set the course's theme, and let every figure in a notebook carry an alternative text.

    In a notebook, a figure becomes an HTML image whose ``alt`` is its `alt_text`, the plain image for exports
    that take no HTML, and the text where no image can be shown. Outside a notebook only the theme is set.
    Calling it twice does no harm.
    """
    sns.set_theme(
        style="whitegrid",
        palette="colorblind",
        rc={
            "figure.figsize": (8, 4.2),
            "figure.dpi": 100,
            "axes.titlesize": 13,
            "axes.titlelocation": "left",
            "axes.labelcolor": INK,
            "text.color": INK,
            "legend.frameon": True,
            "legend.framealpha": 0.9,
        },
    )
    try:
        from IPython import get_ipython
        from matplotlib_inline.config import InlineBackend
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    shell.run_line_magic("matplotlib", "inline")
    InlineBackend.instance(parent=shell).figure_formats = set()
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _shown)


def alt_text(figure: Figure) -> str:
    """Return the text that stands for a figure: its label, else what its titles, axes and legends say.

    A title that states the finding needs no label. Where it can't say what a sighted reader would conclude,
    set one with ``fig.set_label("…")``.
    """
    if figure.get_label():
        return str(figure.get_label())
    parts = [figure.get_suptitle(), *map(_described, figure.axes), *map(_entries, figure.legends)]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _described(ax: Axes) -> str:
    title = ax.get_title("left") or ax.get_title("center") or ax.get_title("right")
    axes = f"{ax.get_ylabel()} against {ax.get_xlabel()}" if ax.get_xlabel() and ax.get_ylabel() else ""
    entries = _entries(ax.get_legend()) if ax.get_legend() else ""
    return ": ".join(part for part in (title, "; ".join(filter(None, (axes, entries)))) if part)


def _entries(legend: Legend) -> str:
    return "drawn: " + ", ".join(text.get_text() for text in legend.get_texts())


def _shown(figure: Figure) -> dict[str, str]:
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight", facecolor="white")
    # 256 colors look the same and take a third of the room, and each notebook stores the picture twice.
    picture = Image.open(drawn).convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    picture.save(small, format="png", optimize=True)
    png, said = base64.b64encode(small.getvalue()).decode("ascii"), alt_text(figure)
    markup = f'<img alt="{html.escape(said)}" src="data:image/png;base64,{png}"'
    return {
        "text/html": markup + ' style="max-width: 100%; height: auto;">',
        "image/png": png,
        "text/plain": said,
    }


def kde_overlay(
    historical, recent, ax: Axes | None = None, *, title: str = "", labels=("Historical", "Recent"), **options
) -> Axes:
    """Draw the filled KDEs of historical and recent latencies over each other.

    Parameters
    ----------
    historical, recent : array_like of shape (n,) and (m,)
        Latencies in ms.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    title : str
        The finding.
    labels : sequence of two str
        What the legend calls them; a control is no recent sample.
    **options
        For `seaborn.kdeplot`, such as ``bw_adjust``.
    """
    ax = plt.subplots()[1] if ax is None else ax
    style = {"fill": True, "alpha": 0.35, "linewidth": 2, "ax": ax} | options
    sns.kdeplot(historical, color=HISTORICAL, label=labels[0], **style)
    sns.kdeplot(recent, color=RECENT, label=labels[1], linestyle="--", **style)
    ax.set(title=title, xlabel="Latency (ms)", ylabel="Density (1/ms)")
    ax.legend()
    return ax


def dash_second(*axes: Axes) -> None:
    """Dash what seaborn's `hue` filled for the second of two groups, and its legend entry, for gray printouts."""
    for ax in axes:
        # seaborn draws the last group first
        for drawn in (ax.collections[0], ax.get_legend().legend_handles[1]):
            drawn.set(linestyle="--", linewidth=2)


def ecdf_gap(
    historical,
    recent,
    location: float,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels=("Historical", "Recent"),
) -> Axes:
    """Draw two ECDFs and, at `location`, the vertical gap between them.

    Parameters
    ----------
    historical, recent : array_like of shape (n,) and (m,)
        Latencies in ms.
    location : float
        The latency in ms at which the gap is drawn, as `utils.alarm.drift.DriftResult.location` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    title : str
        The finding.
    labels : sequence of two str
        What the legend calls them.
    """
    ax = plt.subplots()[1] if ax is None else ax
    sns.ecdfplot(x=np.asarray(historical), color=HISTORICAL, label=labels[0], linewidth=2, ax=ax)
    sns.ecdfplot(x=np.asarray(recent), color=RECENT, label=labels[1], linewidth=2, linestyle="--", ax=ax)
    ends = [float(np.mean(np.asarray(sample) <= location)) for sample in (historical, recent)]
    gap = abs(ends[0] - ends[1])
    ax.plot(
        [location, location], ends, color=INK, linewidth=2.5, marker="o", markersize=5, label=f"D = {gap:.3f}"
    )
    ax.set(title=title, xlabel="Latency (ms)", ylabel="Share of requests at or below")
    ax.legend(loc="lower right")
    return ax


def small_overlays(line_ups, *, title: str = "", first_row: int = 1) -> Figure:
    """Draw the KDEs of many pairs of samples in small numbered panels, without scales, a line-up a row.

    Parameters
    ----------
    line_ups : sequence of tuples
        Historical and recent latencies in ms, one row a panel, first in each; what follows them is not drawn.
    title : str
        The finding, or what is to be found.
    first_row : int
        The number of the first row.
    """
    from scipy.stats import gaussian_kde  # a second, which nothing else here needs

    before, after = (np.array([line_up[period] for line_up in line_ups]) for period in (0, 1))
    rows, panels = before.shape[:2]
    inches = 1.3 + 0.75 * rows
    fig = plt.figure(figsize=(12, inches))
    room = {"top": 1 - 0.75 / inches, "bottom": 0.55 / inches, "wspace": 0.08, "hspace": 0.12}
    places = fig.add_gridspec(rows, panels, **room)
    at = np.linspace(min(before.min(), after.min()), max(before.max(), after.max()), 121)
    moved = [""] * rows
    for row, panel in np.ndindex(rows, panels):
        ax = fig.add_subplot(places[row, panel])
        for sample, color, style in ((before, HISTORICAL, "-"), (after, RECENT, "--")):
            density = gaussian_kde(sample[row, panel])(at)
            ax.fill_between(at, density, color=color, alpha=0.3)
            ax.plot(at, density, color=color, linestyle=style, linewidth=1.2)
        ax.set(xticks=[], yticks=[], title=f"{panel + 1}" if row == 0 else "")
        if panel == 0:
            ax.set_ylabel(f"{first_row + row}", rotation=0, ha="right", va="center", weight="bold")
        moved[row] += f" {after[row, panel].mean() - before[row, panel].mean():+.0f}"
    fig.legend(ax.lines, ("Historical", "Recent"), loc="lower right", ncols=2, bbox_to_anchor=(0.9, 0))
    fig.suptitle(title, y=1)
    unit = f"Across: latency, from {at[0]:.0f} to {at[-1]:.0f} ms."
    unit += " Upward: density, each panel on its own scale."
    fig.supxlabel(unit, fontsize=11, x=0.125, y=0.1 / inches, ha="left")
    told = "; ".join(f"row {row}:{ms}" for row, ms in enumerate(moved, start=first_row))
    fig.set_label(f"{title} (Recent minus Historical, means in ms, panel by panel: {told})")
    return fig


def kde_grid(pairs, bandwidths, *, labels, truth=None, title: str = "") -> Figure:
    """Draw pairs of samples as `kde_overlay` does, a row a pair and a column a bandwidth.

    Parameters
    ----------
    pairs : mapping of str to (first, second)
        Two samples of latencies in ms of each service.
    bandwidths : sequence of float
        The ``bw_adjust`` of each column.
    labels : sequence of two str
        What the legend calls the two samples.
    truth : (at, densities), optional
        Latencies in ms, and the true density there of each service.
    title : str
        The finding.
    """
    size = (4.4 * len(bandwidths), 0.8 + 3 * len(pairs))
    room = {"wspace": 0.08, "hspace": 0.25, "top": 1 - 0.8 / size[1]}
    shared = {"sharex": True, "sharey": "row", "squeeze": False, "gridspec_kw": room}
    fig, axes = plt.subplots(len(pairs), len(bandwidths), figsize=size, **shared)
    # A wide bandwidth draws far beyond the data, and so does one slow request.
    everything = np.concatenate([sample for pair in pairs.values() for sample in pair])
    low, high = np.quantile(everything, [0.001, 0.999])
    beyond = (high - low) / 5
    for row, (service, (first, second)) in zip(axes, pairs.items(), strict=True):
        for ax, bw_adjust in zip(row, bandwidths, strict=True):
            kde_overlay(first, second, ax, labels=labels, bw_adjust=bw_adjust)
            if truth is not None:
                ax.plot(truth[0], truth[1][service], ":", color=INK, linewidth=2, label="Truth")
            ax.set(title=f"{service}, bw_adjust {bw_adjust:g}", xlim=(low - beyond, high + beyond))
            ax.label_outer()
            ax.legend() if ax is axes[0, 0] else ax.get_legend().remove()
    fig.suptitle(title)
    return fig


def kde_beside_truth(sample, at, density, ax: Axes, *, log: bool = False, title: str = "") -> Axes:
    """Draw the KDE of one sample and the true density, on a linear or on a logarithmic axis.

    Parameters
    ----------
    sample : array_like of shape (n,)
        Latencies in ms.
    at, density : ndarray of shape (k,)
        Latencies in ms and the true density there, per ms.
    ax : matplotlib Axes
        Where to draw.
    log : bool
        Puts the bells on the logarithm; densities are then per decade.
    title : str
        The finding.
    """
    sns.kdeplot(sample, fill=True, color=HISTORICAL, log_scale=log or None, label="KDE", ax=ax)
    per_decade = at * np.log(10) if log else 1
    ax.plot(at, density * per_decade, ":", color=INK, linewidth=2, label="Truth")
    unit = ("Latency (ms, log)", "Density (per decade)") if log else ("Latency (ms)", "Density (1/ms)")
    ax.set(title=title, xlabel=unit[0], ylabel=unit[1])
    ax.legend()
    return ax


def tail_overlay(
    historical, recent, ax: Axes | None = None, *, title: str = "", labels=("Historical", "Recent")
) -> Axes:
    """Draw 1 - ECDF of historical and recent latencies on a log axis, where rare slow requests have room.

    Parameters are those of `kde_overlay`, without its options.
    """
    ax = plt.subplots()[1] if ax is None else ax
    style = {"complementary": True, "linewidth": 2, "ax": ax}
    sns.ecdfplot(x=np.asarray(historical), color=HISTORICAL, label=labels[0], **style)
    sns.ecdfplot(x=np.asarray(recent), color=RECENT, label=labels[1], linestyle="--", **style)
    lowest = 0.8 / max(len(historical), len(recent))
    ax.set(title=title, xlabel="Latency (ms)", ylabel="Share of requests above (log)", yscale="log")
    ax.set_ylim(lowest, 1.3)
    ax.legend()
    return ax


def qq_plots(historical, samples) -> Figure:
    """Draw a row of Q-Q plots: quantiles of each sample against the historical ones, from 1 % to 99 %.

    Parameters
    ----------
    historical : array_like of shape (n,)
        Latencies in ms.
    samples : mapping of str to array_like
        Latencies in ms by the title of their panel. All axes have the same limits.
    """
    levels = np.linspace(0.01, 0.99, 99)
    before = np.quantile(historical, levels)
    after = {title: np.quantile(sample, levels) for title, sample in samples.items()}
    everything = np.concatenate([before, *after.values()])
    limits = everything.min() - 10, everything.max() + 10
    fig, axes = plt.subplots(1, len(after), figsize=(3.7 * len(after), 4), sharey=True, squeeze=False)
    for ax, (title, quantiles) in zip(axes[0], after.items(), strict=True):
        ax.plot(before, quantiles, "o", color=RECENT, markersize=4, label="Quantiles, 1 % to 99 %")
        ax.axline((before[0], before[0]), slope=1, color=INK, linewidth=1, label="No change: y = x")
        ax.set(title=title, xlabel="Historical (ms)", xlim=limits, ylim=limits, aspect="equal")
    axes[0, 0].set_ylabel("Recent (ms)")
    axes[0, 0].legend(loc="lower right", fontsize=9)
    return fig


def null_histogram(
    null_statistics,
    observed: float | None = None,
    ax: Axes | None = None,
    *,
    title: str = "",
    xlabel: str = "D",
    ylabel: str = "Comparisons",
    label: str = "Without drift",
) -> Axes:
    """Draw what a statistic looks like without drift and, when given, where the observed one falls.

    Parameters
    ----------
    null_statistics : array_like of shape (k,)
        The statistic of k comparisons without drift.
    observed : float, optional
        The statistic in question.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    title : str
        The finding.
    xlabel : str
        The statistic's name and unit.
    ylabel, label : str
        What is counted, and what the bars show.
    """
    ax = plt.subplots()[1] if ax is None else ax
    sns.histplot(np.asarray(null_statistics), color=HISTORICAL, label=label, ax=ax)
    if observed is not None:
        ax.axvline(observed, color=INK, linestyle="--", linewidth=2, label=f"Observed: {observed:.4g}")
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def monitor_run(
    rows,
    threshold: float,
    ax: Axes | None = None,
    *,
    title: str = "",
    incidents=(),
    ylabel: str = "",
) -> Axes:
    """Draw a monitor's run over time: what it measured in each window, its threshold and its alarms.

    Parameters
    ----------
    rows : DataFrame
        What `utils.alarm.monitor.DriftMonitor.check_many` returned. Accumulated evidence is drawn if there is any,
        else the statistic.
    threshold : float
        The monitor's.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    title : str
        The finding; by default how many windows alarmed, and which was the first.
    incidents : sequence of (first, last)
        Stretches to shade, in the index of `rows`: when something was wrong.
    ylabel : str
        By default the name of what is drawn.
    """
    ax = plt.subplots()[1] if ax is None else ax
    accumulated = "evidence_slower" in rows
    drawn = rows[["evidence_slower", "evidence_faster"]].max(axis=1) if accumulated else rows["statistic"]
    alarms = drawn[rows["drifted"]]
    for number, (first, last) in enumerate(incidents):
        label = "Incident" if number == 0 else None
        ax.axvspan(
            first, last, facecolor="#DDDDDD", edgecolor="#999999", hatch="//", linewidth=0, label=label
        )
    ax.plot(drawn.index, drawn, color=HISTORICAL, linewidth=1.2, marker=".", markersize=4, label="Windows")
    ax.axhline(threshold, color=INK, linestyle="--", linewidth=1.5, label=f"Threshold: {threshold:.3g}")
    ax.plot(alarms.index, alarms, color=ALARM, linestyle="", marker="X", markersize=9, label="Alarms")
    if not title:
        count = f"{len(alarms)} of {len(rows)} windows alarm"
        title = (
            f"{count}, the first at {alarms.index[0]}"
            if len(alarms)
            else f"None of {len(rows)} windows alarms"
        )
    timed = hasattr(rows.index, "hour")
    ax.set(title=title, xlabel="Time" if timed else "Window", ylim=(0, None))
    ax.set_ylabel(ylabel or ("Accumulated evidence" if accumulated else "Statistic"))
    if timed:
        ax.figure.autofmt_xdate()
    ax.legend(loc="upper left")
    return ax


def night_calendar(rang, drifted=None, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw a year of nights, one column a week, and cross out those on which an alarm rang.

    Parameters
    ----------
    rang : array_like of bool, shape (n,)
        Whether the alarm rang, night by night from 1 January on.
    drifted : array_like of bool, shape (n,), optional
        The truth: on which nights something had changed.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    title : str
        The finding.
    """
    ax = plt.subplots(figsize=(9, 2))[1] if ax is None else ax
    rang = np.asarray(rang, dtype=bool)
    drifted = np.zeros_like(rang) if drifted is None else np.asarray(drifted, dtype=bool)
    for nights, label, style in (
        (~drifted, "Nothing changed", {"color": "#DDDDDD", "marker": "s", "s": 40}),
        (drifted, "Drifted", {"color": RECENT, "marker": "D", "s": 26}),
        (rang, "Alarm", {"color": INK, "marker": "x", "s": 30}),
    ):
        week, weekday = np.divmod(np.flatnonzero(nights), 7)
        if week.size:
            ax.scatter(week, weekday, label=label, **style)
    days_to_month = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    ax.set_xticks(days_to_month / 7, list("JFMAMJJASOND"))
    ax.set(title=title, xlabel="Month", ylabel="Weekday", yticks=[], ylim=(6.7, -0.7))
    ax.grid(False)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def explore(draw: Callable[..., Figure], **sliders: tuple[float, float, float, float]) -> None:
    """Show a figure with sliders that redraw it; where there is no kernel the figure stays, as a plain picture.

    Parameters
    ----------
    draw : callable
        Takes one keyword argument a slider and returns a new figure, not yet shown.
    **sliders : tuple of (start, lowest, highest, step)
        The sliders by the names of `draw`'s arguments; underscores become spaces in their labels.
    """
    import ipywidgets
    from IPython.display import display

    controls = {}
    for name, (start, lowest, highest, step) in sliders.items():
        whole = all(isinstance(value, int) for value in (start, lowest, highest, step))
        controls[name] = (ipywidgets.IntSlider if whole else ipywidgets.FloatSlider)(
            value=start,
            min=lowest,
            max=highest,
            step=step,
            description=name.replace("_", " "),
            continuous_update=False,
            style={"description_width": "initial"},
        )

    def current() -> Figure:
        figure = draw(**{name: control.value for name, control in controls.items()})
        plt.close(figure)  # else the inline backend shows it a second time
        return figure

    display(ipywidgets.VBox(list(controls.values())))
    # The picture is an ordinary output that is updated in place, not a part of the widget: so it is saved.
    picture = display(current(), display_id=True)
    for control in controls.values():
        control.observe(lambda change: picture.update(current()), names="value")
