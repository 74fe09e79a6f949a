"""The pictures say what they show, to those who see them and to those who do not."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

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
    markup = plots._figure_html(fig)
    assert markup.startswith('<img alt="5 &lt; 6 &amp; &quot;so on&quot;" src="data:image/png;base64,')


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.kde_overlay(*COURSE, title="Slower"),
        lambda: plots.ecdf_gap(*COURSE, 159.0, title="Slower"),
        lambda: plots.null_histogram(np.linspace(0, 0.1, 50), 0.3, title="Slower"),
    ],
    ids=["kde_overlay", "ecdf_gap", "null_histogram"],
)
def test_a_picture_has_a_title_units_and_a_legend(draw):
    ax = draw()
    assert ax.get_title("left") == "Slower"
    assert ax.get_xlabel() and ax.get_ylabel()
    assert len(ax.get_legend().get_texts()) >= 2


def test_historical_and_recent_keep_their_colours_and_differ_in_line_style():
    ax = plots.ecdf_gap(*COURSE, 159.0)
    historical, recent = ax.get_lines()[:2]
    assert mpl.colors.to_hex(historical.get_color()) == plots.HISTORICAL
    assert mpl.colors.to_hex(recent.get_color()) == plots.RECENT
    assert historical.get_linestyle() != recent.get_linestyle()


def test_the_gap_is_drawn_where_and_as_large_as_it_is():
    ax = plots.ecdf_gap([1, 2, 3, 4], [3, 4, 5, 6], 2)
    assert "D = 0.500" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_style_can_be_set_outside_a_notebook_and_twice():
    plots.use_course_style()
    assert mpl.rcParams["axes.titlelocation"] == "left"


# What three kinds of colour blindness make of the palette ---------------------------------------------------

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


def _linear(colour):
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(linear_rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ np.clip(linear_rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", MISSING)
def test_historical_and_recent_stay_apart_under_colour_blindness(kind):
    through = np.linalg.inv(RGB_TO_LMS) @ MISSING[kind] @ RGB_TO_LMS
    seen = [_lab(through @ _linear(colour)) for colour in (plots.HISTORICAL, plots.RECENT)]
    assert np.linalg.norm(seen[0] - seen[1]) > 25, "CIE 1976 difference; 2.3 is just noticeable"


def test_text_is_readable_on_white():
    for colour in (plots.INK, plots.ALARM):
        luminance = _linear(colour) @ np.array([0.2126, 0.7152, 0.0722])
        assert 1.05 / (luminance + 0.05) >= 4.5
