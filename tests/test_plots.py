"""The pictures say what they show, to those who see them and to those who do not."""

import base64
import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbconvert
import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tools import authoring
from utils import plots, simulate

mpl.use("agg")
COURSE = simulate.course_latencies()


@pytest.fixture(autouse=True)
def _course_style():
    plots.use_course_style()
    yield
    plt.close("all")


def test_the_alternative_text_is_the_figures_label_when_it_has_one():
    fig, ax = plt.subplots()
    ax.set(title="Recent requests are slower", xlabel="Latency (ms)", ylabel="Density")
    assert plots.alt_text(fig) == "Recent requests are slower: Density against Latency (ms)."
    ax.plot([0, 1], label="Control")
    ax.axvline(1, label="p95")
    ax.legend()
    said = "Recent requests are slower: Density against Latency (ms); drawn: Control, p95."
    assert plots.alt_text(fig) == said
    fig.set_label("The recent curve lies to the right.")
    assert plots.alt_text(fig) == "The recent curve lies to the right."


def test_a_title_on_any_side_and_several_axes_are_all_told():
    fig, axes = plt.subplots(1, 2)
    fig.suptitle("Two days")
    axes[0].set_title("Monday", loc="left")
    axes[1].set_title("Tuesday", loc="center")
    assert plots.alt_text(fig) == "Two days. Monday. Tuesday."


def test_a_figure_as_html_carries_its_alternative_text_escaped():
    fig, ax = plt.subplots()
    fig.set_label('5 < 6 & "so on"')
    shown = plots._shown(fig)
    markup = '<img alt="5 &lt; 6 &amp; &quot;so on&quot;" src="data:image/png;base64,'
    assert shown["text/html"].startswith(markup + shown["image/png"] + '"')
    assert shown["text/plain"] == '5 < 6 & "so on"'
    assert shown == plots._shown(fig)


def test_no_color_of_a_figure_moves_by_more_than_the_eye_sees():
    ax = plots.kde_overlay(*COURSE)
    ax.imshow(np.linspace(0, 1, 500)[None], aspect="auto", extent=(200, 300, 0, 0.02), cmap="viridis")
    exact = io.BytesIO()
    ax.figure.savefig(exact, format="png", bbox_inches="tight", facecolor="white")
    stored = io.BytesIO(base64.b64decode(plots._shown(ax.figure)["image/png"]))
    before, after = (np.asarray(Image.open(png).convert("RGB"), dtype=int) for png in (exact, stored))
    difference = np.abs(after - before)
    assert difference.mean() < 1.5 and difference.max() <= 16, "of 255"
    assert (after[(before == 255).all(axis=2)] == 255).all(), "white stays white"


@pytest.mark.parametrize(
    ("exporter", "picture"),
    [
        (nbconvert.LatexExporter, r"\\adjustimage\{.*?\}\{output_\d+_\d+\.png\}"),
        (nbconvert.MarkdownExporter, r'<img alt="[^"]{20,}" src="data:image/png'),
    ],
)
def test_every_figure_survives_an_export(exporter, picture):
    cells = [cell for path in authoring.SOLUTIONS.glob("*.ipynb") for cell in authoring.read(path).cells]
    code = [cell for cell in cells if cell.cell_type == "code"]  # LaTeX from prose would need pandoc
    exported, _ = exporter().from_notebook_node(nbformat.v4.new_notebook(cells=code))
    figures = sum(str(cell.outputs).count("<img") for cell in code)
    assert len(re.findall(picture, exported)) == figures > 0


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("draw", "legend"),
    [
        (plots.kde_overlay, ["Historical", "Recent"]),
        (
            lambda *two, **options: plots.ecdf_gap(*two, 159.0, **options),
            ["Historical", "Recent", "D = 0.327"],
        ),
        (
            lambda *two, **options: plots.null_histogram(two[0], 3, **options),
            ["Without drift", "Observed: 3"],
        ),
    ],
    ids=["kde_overlay", "ecdf_gap", "null_histogram"],
)
def test_a_picture_has_a_title_units_and_a_legend_and_goes_where_it_is_told(draw, legend):
    ax = draw(*COURSE, title="Slower")
    assert ax.get_title("left") == "Slower"
    assert ax.get_xlabel() and ax.get_ylabel()
    assert sorted(words(ax)) == sorted(legend)
    _, (_, mine) = plt.subplots(1, 2)
    assert draw(*COURSE, ax=mine) is mine


def test_historical_and_recent_keep_their_colors_and_differ_in_line_style():
    lines = plots.ecdf_gap(*COURSE, 159.0).get_lines()[:2]
    areas = plots.kde_overlay(*COURSE).collections
    for historical, recent, color in (
        (*lines, lambda line: line.get_color()),
        (*areas, lambda area: area.get_facecolor()[0]),
    ):
        assert mpl.colors.to_hex(color(historical)) == plots.HISTORICAL
        assert mpl.colors.to_hex(color(recent)) == plots.RECENT
        assert historical.get_linestyle() != recent.get_linestyle()


def test_a_density_is_drawn_with_the_bandwidth_asked_for():
    def peak(**options):
        return max(
            path.vertices[:, 1].max()
            for path in plots.kde_overlay(*COURSE, **options).collections[0].get_paths()
        )

    assert peak(bw_adjust=0.2) > 1.05 * peak() > 1.2 * peak(bw_adjust=3)


def test_the_gap_is_drawn_where_and_as_large_as_it_is():
    ax = plots.ecdf_gap([1, 2, 3, 4], [3, 4, 5, 6], 2)
    assert "D = 0.500" in words(ax)
    gap = ax.get_lines()[2]
    assert list(gap.get_xdata()) == [2, 2] and list(gap.get_ydata()) == [0.5, 0]


def test_a_control_is_called_what_it_is():
    labels = ("Historical", "Control")
    for ax in (
        plots.kde_overlay(*COURSE, labels=labels),
        plots.ecdf_gap(*COURSE, 159.0, labels=labels),
        plots.tail_overlay(*COURSE, labels=labels),
    ):
        assert words(ax)[:2] == list(labels)


def test_a_tail_is_the_share_above_on_a_log_axis_down_to_a_single_request():
    ax = plots.tail_overlay([1, 2, 3, 4], [3, 4, 5, 6, 7], title="A shelf")
    historical, recent = ax.get_lines()
    assert recent.get_ydata()[list(recent.get_xdata()).index(5)] == pytest.approx(0.4)
    assert recent.get_linestyle() != historical.get_linestyle()
    assert ax.get_yscale() == "log" and 0.1 < ax.get_ylim()[0] < 1 / 5


def test_a_grid_of_densities_has_a_row_a_pair_a_column_a_bandwidth_and_the_truth_where_it_is_known():
    rng = np.random.default_rng(1)
    pairs = {"Odd": (rng.normal(150, 20, 80), rng.normal(150, 20, 81)), "Even": rng.normal(150, 20, (2, 80))}
    at = np.array([100.0, 200.0])
    truth = {"Odd": at / 1e4, "Even": at / 1e3}
    fig = plots.kde_grid(pairs, (0.5, 1, 3), labels=("A", "B"), truth=(at, truth), title="Two")
    assert [ax.get_title("left") for ax in fig.axes[2:4]] == ["Odd, bw_adjust 3", "Even, bw_adjust 0.5"]
    assert words(fig.axes[0]) == ["A", "B", "Truth"] and fig.axes[1].get_legend() is None
    assert list(fig.axes[5].get_lines()[-1].get_ydata()) == [0.1, 0.2]
    assert not plots.kde_grid(pairs, (1,), labels=("A", "B")).axes[0].get_lines()


def test_the_truth_beside_a_density_has_its_unit_per_ms_or_per_decade():
    at = np.array([1.0, 10.0])
    for log, expected in ((False, [0.5, 0.1]), (True, [0.5 * np.log(10), np.log(10)])):
        ax = plots.kde_beside_truth(
            [1.0, 2, 4, 8], at, np.array([0.5, 0.1]), plt.subplots()[1], log=log, title="So"
        )
        assert list(ax.get_lines()[-1].get_ydata()) == pytest.approx(expected)
        assert sorted(words(ax)) == ["KDE", "Truth"] and ax.get_xscale() == ("log" if log else "linear")


def test_a_qq_plot_sets_quantile_against_quantile_beside_the_line_of_equality():
    samples = {"Same": np.arange(101.0), "Steeper": 7 + 2 * np.arange(101.0)}
    axes = plots.qq_plots(np.arange(101.0), samples).axes
    points, line = axes[1].get_lines()
    np.testing.assert_allclose(points.get_xdata(), np.arange(1, 100))
    np.testing.assert_allclose(points.get_ydata(), 7 + 2 * np.arange(1, 100))
    assert line.get_slope() == 1 and len(set(line.get_xy1())) == 1
    assert {ax.get_xlim() for ax in axes} == {ax.get_ylim() for ax in axes} == {axes[0].get_xlim()}


def test_small_overlays_number_rows_and_panels_and_tell_every_pair():
    before = np.random.default_rng(1).normal(150, 20, (12, 2, 30))
    fig = plots.small_overlays([(row, row + 7, 1) for row in before], title="Which?")
    assert len(fig.axes) == 24
    assert [ax.get_ylabel() for ax in fig.axes[::2]] == [str(row) for row in range(1, 13)]
    assert [ax.get_title("left") for ax in fig.axes] == ["1", "2", *[""] * 22]
    assert plots.alt_text(fig).startswith("Which? (Recent minus") and plots.alt_text(fig).count("+7") == 24


def test_the_observed_statistic_stands_where_it_fell_and_only_when_there_is_one():
    null = np.linspace(0, 0.1, 50)
    assert list(plots.null_histogram(null, 0.3).get_lines()[0].get_xdata()) == [0.3, 0.3]
    alone = plots.null_histogram(null, xlabel="W (ms)")
    assert not alone.get_lines() and words(alone) == ["Without drift"]
    assert sum(bar.get_height() for bar in alone.patches) == 50 and alone.get_xlabel() == "W (ms)"
    shuffles = plots.null_histogram(null, ylabel="Rounds", label="Shuffles")
    assert shuffles.get_ylabel() == "Rounds" and words(shuffles) == ["Shuffles"]


def run(**columns):
    """Return what a monitor said of five windows, of which the third and the fourth alarmed."""
    drifted = [False, False, True, True, False]
    return pd.DataFrame({"statistic": [0.1, 0.2, 0.5, 0.6, 0.3], "drifted": drifted} | columns)


def test_a_monitors_run_shows_windows_threshold_alarms_and_incidents():
    ax = plots.monitor_run(run(), 0.4, incidents=[(2, 3), (4, 5)])
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines["Windows"].get_ydata()) == [0.1, 0.2, 0.5, 0.6, 0.3]
    assert set(lines["Threshold: 0.4"].get_ydata()) == {0.4}
    assert list(lines["Alarms"].get_xdata()) == [2, 3] and list(lines["Alarms"].get_ydata()) == [0.5, 0.6]
    assert words(ax).count("Incident") == 1
    assert [(shade.get_x(), shade.get_width()) for shade in ax.patches] == [(2, 1), (4, 1)]
    assert (ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()) == (
        "2 of 5 windows alarm, the first at 2",
        "Window",
        "Statistic",
    )
    assert ax.get_ylim()[0] == 0


def test_a_quiet_run_says_so_and_a_title_of_ones_own_stays():
    quiet = run(drifted=[False] * 5)
    assert plots.monitor_run(quiet, 0.7).get_title("left") == "None of 5 windows alarms"
    ax = plots.monitor_run(quiet, 0.7, title="All is well", ylabel="D")
    assert (ax.get_title("left"), ax.get_ylabel()) == ("All is well", "D")


def test_accumulated_evidence_is_drawn_for_the_direction_that_has_more_of_it_and_over_the_clock():
    rows = run(evidence_slower=[0, 1, 5, 6, 2], evidence_faster=[1, 0, 0, 0, 3])
    rows.index = pd.date_range("2024-03-01", periods=5, freq="h")
    ax = plots.monitor_run(rows, 4)
    assert list(ax.get_lines()[0].get_ydata()) == [1, 1, 5, 6, 3]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time", "Accumulated evidence")


def test_a_slider_redraws_the_picture_with_its_value(monkeypatch):
    shown, drawn = [], []

    class Picture:
        update = shown.append

    monkeypatch.setattr("IPython.display.display", lambda what, **_: shown.append(what) or Picture)

    def draw(**values):
        drawn.append(values)
        return plt.figure()

    plots.explore(draw, shift_ms=(3.0, -15.0, 15.0, 0.5), recent_requests=(500, 50, 5_000, 50))
    shift, requests = shown[0].children
    assert [shift.description, requests.description] == ["shift ms", "recent requests"]
    assert [(s.value, s.min, s.max, s.step) for s in shown[0].children] == [
        (3, -15, 15, 0.5),
        (500, 50, 5_000, 50),
    ]
    assert isinstance(requests.value, int)
    shift.value = 7
    requests.value = 100
    assert drawn == [
        {"shift_ms": 3, "recent_requests": 500},
        {"shift_ms": 7, "recent_requests": 500},
        {"shift_ms": 7, "recent_requests": 100},
    ]
    assert len(shown) == 4 and not plt.get_fignums(), "an open figure would be shown a second time"


# What three kinds of color blindness make of the palette ---------------------------------------------------

# Viénot, Brettel and Mollon (1999) for protanopia and deuteranopia; for tritanopia the single-plane
# approximation in the same LMS space. Rows act on linear RGB.
RGB_TO_LMS = np.array(
    [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
)
MISSING = {
    "protanopia": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "deuteranopia": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    "tritanopia": np.array([[1, 0, 0], [0, 1, 0], [-0.395913, 0.801109, 0]]),
}


def _linear(color):
    rgb = np.array(mpl.colors.to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(linear_rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ np.clip(linear_rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", MISSING)
def test_historical_and_recent_stay_apart_under_color_blindness(kind):
    through = np.linalg.inv(RGB_TO_LMS) @ MISSING[kind] @ RGB_TO_LMS
    seen = [_lab(through @ _linear(color)) for color in (plots.HISTORICAL, plots.RECENT)]
    assert np.linalg.norm(seen[0] - seen[1]) > 25, "CIE 1976 difference; 2.3 is just noticeable"


def test_text_is_readable_on_white():
    for color in (plots.INK, plots.ALARM):
        luminance = _linear(color) @ np.array([0.2126, 0.7152, 0.0722])
        assert 1.05 / (luminance + 0.05) >= 4.5
