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

HISTORICAL, RECENT, THIRD = (mpl.colors.to_hex(sns.color_palette("colorblind")[i]) for i in (0, 1, 2))
ALARM = "#B2182B"
INK = "#222222"


def use_course_style() -> None:
    """Set the course's theme, and let every figure in a notebook carry an alternative text.

    In a notebook, a figure becomes an HTML image whose ``alt`` is its `alt_text`, and the same text where no
    image can be shown. Outside a notebook only the theme is set. Calling it twice does no harm.
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
    shell.display_formatter.formatters["text/html"].for_type(Figure, _figure_html)
    shell.display_formatter.formatters["text/plain"].for_type(
        Figure, lambda figure, printer, cycle: printer.text(alt_text(figure))
    )


def alt_text(figure: Figure) -> str:
    """Return the text that stands for a figure: its label, else what its titles and axes say.

    Set the label with ``fig.set_label("…")`` to the conclusion that a sighted reader would draw.
    """
    label = figure.get_label()
    if label:
        return str(label)
    parts = [figure.get_suptitle()]
    for ax in figure.axes:
        title = ax.get_title("left") or ax.get_title("center") or ax.get_title("right")
        axes = f"{ax.get_ylabel()} against {ax.get_xlabel()}" if ax.get_xlabel() and ax.get_ylabel() else ""
        parts.append(": ".join(part for part in (title, axes) if part))
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _figure_html(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", facecolor="white", metadata={"Software": None})
    image = base64.b64encode(buffer.getvalue()).decode("ascii")
    alt = html.escape(alt_text(figure), quote=True)
    return f'<img alt="{alt}" src="data:image/png;base64,{image}" style="max-width: 100%; height: auto;">'


def kde_overlay(historical, recent, ax: Axes | None = None, *, title: str = "", **options) -> Axes:
    """Draw the filled KDEs of historical and recent latencies over each other.

    Parameters
    ----------
    historical, recent : array_like of shape (n,) and (m,)
        Latencies in ms.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    title : str
        The finding.
    **options
        For `seaborn.kdeplot`, such as ``bw_adjust``.
    """
    ax = plt.subplots()[1] if ax is None else ax
    style = {"fill": True, "alpha": 0.35, "linewidth": 2, "ax": ax} | options
    sns.kdeplot(historical, color=HISTORICAL, label="Historical", **style)
    sns.kdeplot(recent, color=RECENT, label="Recent", linestyle="--", **style)
    ax.set(title=title, xlabel="Latency (ms)", ylabel="Density (1/ms)")
    ax.legend()
    return ax


def ecdf_gap(historical, recent, location: float, ax: Axes | None = None, *, title: str = "") -> Axes:
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
    """
    ax = plt.subplots()[1] if ax is None else ax
    sns.ecdfplot(x=np.asarray(historical), color=HISTORICAL, label="Historical", linewidth=2, ax=ax)
    sns.ecdfplot(x=np.asarray(recent), color=RECENT, label="Recent", linewidth=2, linestyle="--", ax=ax)
    ends = [float(np.mean(np.asarray(sample) <= location)) for sample in (historical, recent)]
    gap = abs(ends[0] - ends[1])
    ax.plot(
        [location, location], ends, color=INK, linewidth=2.5, marker="o", markersize=5, label=f"D = {gap:.3f}"
    )
    ax.set(title=title, xlabel="Latency (ms)", ylabel="Share of requests at or below")
    ax.legend(loc="lower right")
    return ax


def null_histogram(
    null_statistics,
    observed: float | None = None,
    ax: Axes | None = None,
    *,
    title: str = "",
    xlabel: str = "D",
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
    """
    ax = plt.subplots()[1] if ax is None else ax
    sns.histplot(np.asarray(null_statistics), color=HISTORICAL, label="Without drift", ax=ax)
    if observed is not None:
        ax.axvline(observed, color=INK, linestyle="--", linewidth=2, label=f"Observed: {observed:.4g}")
    ax.set(title=title, xlabel=xlabel, ylabel="Comparisons")
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
