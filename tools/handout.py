"""Pages to print, in build/handout: a handout of two pages, an exit ticket, and its answers for the teacher.

``python -m tools.handout`` writes HTML that any browser prints on A4 and on letter paper. A number after it makes
other nights for the ticket. Ideas, pictures and table come from the chapters.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import re
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure
from nbconvert.filters import markdown2html

from tools import authoring
from utils import plots, simulate
from utils.alarm import detect_drift
from utils.exercises import calls, nights

FOLDER = authoring.ROOT / "build" / "handout"
IDEAS_A_CHAPTER = 3  # as many as fit on two pages
CHOOSER = "07"
ON_THE_TICKET = ("a plain slowdown", "few requests", "one of twenty")  # what a class of 90 minutes has seen
NO_CHAPTER = 99  # so that the nights are in nobody's notebook

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
@page {{ margin: 12mm; }}
body {{ max-width: 186mm; margin: 0 auto; font: 9pt/1.28 sans-serif; color: #222; background: #fff; }}
h1 {{ font-size: 15pt; margin: 0 0 4pt; }}
h2 {{ font-size: 10.5pt; margin: 5pt 0 1pt; break-after: avoid; }}
p {{ margin: 2pt 0; }} ul {{ margin: 0; padding-left: 12pt; }} li {{ break-inside: avoid; }}
table {{ border-collapse: collapse; }} td, th {{ border: 0.5pt solid #888; padding: 1pt 4pt; text-align: left; }}
.anchor-link {{ display: none; }}
.ideas {{ columns: 2; column-gap: 6mm; }}
.pictures {{ display: grid; grid-template-columns: 1fr 1fr; justify-items: center; break-inside: avoid; }}
img {{ max-width: 100%; height: auto; }}
.new-page {{ break-before: page; }}
.night {{ display: grid; grid-template-columns: auto 1fr; gap: 4mm; break-inside: avoid; margin: 4mm 0; }}
.facts, .policy {{ white-space: pre-line; }} .night h2 {{ grid-column: 1 / 3; margin: 0; }}
.boxes {{ grid-column: 1 / 3; margin: 0; font-size: 11pt; }}
</style></head><body><h1>{title}</h1>
{body}
</body></html>
"""


def write(folder: Path = FOLDER, number: int = 1) -> list[Path]:
    """Write the handout, the ticket and its answers, and return their paths; `number` makes the nights."""
    plots.use_course_style()
    ordered = [kind for kind in nights.kinds(number, NO_CHAPTER) if kind in ON_THE_TICKET]
    drawn = [
        nights.night_call(number, NO_CHAPTER, nights.kinds(number, NO_CHAPTER).index(kind) + 1)
        for kind in ordered
    ]
    pages = {
        "handout": ("Detecting Data Drift: the ideas", handout()),
        "ticket": ("Before you go: three nights", _ticket(drawn)),
        "answers": (f"Three nights: answers (number {number})", _answers(drawn)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, body) in pages.items():
        (folder / f"{name}.html").write_text(PAGE.format(title=title, body=body), encoding="utf-8")
    return [folder / f"{name}.html" for name in pages]


def handout() -> str:
    """Return the body of the handout: each chapter's first ideas, four pictures of one drift, the chooser."""
    ideas = "".join(
        map(_ideas, sorted(authoring.SOLUTIONS.glob("*.ipynb"))[1:])
    )  # 00 is how to use the course
    (chapter,) = authoring.SOLUTIONS.glob(f"{CHOOSER}_*.ipynb")
    table = markdown2html(_section(chapter, "The chooser"))
    return (
        f'<div class="ideas">{ideas}</div><h2 class="new-page">Four pictures of one drift</h2>'
        f'<div class="pictures">{"".join(map(_image, _pictures()))}</div><h2>Which measure?</h2>{table}'
    )


def _ideas(path: Path) -> str:
    """Return a chapter's question and the first points of its recap."""
    question = authoring.read(path).cells[0].source.partition("\n")[0].removeprefix("# ")
    points = re.match(rf"(?:(?!- ).*\n)*(?:- .*\n?){{1,{IDEAS_A_CHAPTER}}}", _section(path, "Recap"))
    return f"<h2>{html.escape(question)}</h2>{markdown2html(points[0])}"


def _section(path: Path, title: str) -> str:
    prose = "\n\n".join(c.source for c in authoring.read(path).cells if c.cell_type == "markdown")
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", prose, flags=re.M | re.S)[1]


def _pictures() -> list[Figure]:
    """Return the course's drift as KDE, histogram, ECDF and Q-Q plot, drawn at the size of print."""
    historical, recent = simulate.course_latencies()
    with mpl.rc_context({"figure.figsize": (3.5, 2.3), "figure.constrained_layout.use": True, **_sizes(9)}):
        kde, histogram, ecdf = (plt.subplots()[1] for _ in range(3))
        plots.kde_overlay(historical, recent, kde, title="KDE: the whole curve moved")
        for sample, label, color, line in (
            (historical, "Historical", plots.HISTORICAL, "-"),
            (recent, "Recent", plots.RECENT, "--"),
        ):
            style = {"element": "step", "stat": "density", "alpha": 0.35, "linestyle": line}
            sns.histplot(sample, color=color, label=label, ax=histogram, **style)
        histogram.set(title="Histogram: the same, in bins", xlabel="Latency (ms)", ylabel="Density (1/ms)")
        histogram.legend()
        location = detect_drift(historical, recent).location
        plots.ecdf_gap(historical, recent, location, ecdf, title="ECDF: the gap is D")
        ecdf.set_ylabel("Share at or below")
        quantiles = plots.qq_plots(historical, {"Q-Q: nearly all are slower": recent})
        quantiles.set_size_inches(3.5, 2.3)
        quantiles.axes[0].get_legend().remove()
    return [kde.figure, histogram.figure, ecdf.figure, quantiles]


def _sizes(points: float) -> dict[str, float]:
    names = ("axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    return dict.fromkeys(names, points)


def _image(figure: Figure) -> str:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", bbox_inches="tight")
    plt.close(figure)
    picture = base64.b64encode(drawn.getvalue()).decode("ascii")
    alt = html.escape(plots.alt_text(figure))
    return f'<img alt="{alt}" src="data:image/svg+xml;base64,{picture}">'


def _ticket(drawn: list[nights.Night]) -> str:
    found = [f'<p class="policy">{html.escape(calls.POLICY)}</p>']
    with mpl.rc_context(_sizes(9)):
        for n, night in enumerate(drawn, start=1):
            figure = calls.picture(night, n)
            figure.set_size_inches(4, 1.8)
            found.append(
                f'<section class="night"><h2>Night {n}</h2>{_image(figure)}'
                f'<p class="facts">{html.escape(chr(10).join(night.facts))}</p>'
                "<p class=\"boxes\">☐ page &emsp; ☐ don't page &emsp; ☐ can't say &emsp;&emsp; "
                "How sure? ☐ 1 (a guess) &emsp; ☐ 2 &emsp; ☐ 3 (certain)</p></section>"
            )
    return "".join(found)


def _answers(drawn: list[nights.Night]) -> str:
    return "".join(
        f"<h2>Night {n}: {night.answer}</h2><p>{night.kind.capitalize()}: {nights.ANSWER_AND_WHY[night.kind][1]}</p>"
        for n, night in enumerate(drawn, start=1)
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the pages and say where they are; return 2 when the number is none."""
    parser = argparse.ArgumentParser(prog="python -m tools.handout", description="pages to print")
    parser.add_argument(
        "number", nargs="?", default="1", help="a whole number, which makes the nights; 1 by default"
    )
    number = parser.parse_args(arguments).number
    if not re.fullmatch(r"\d{1,18}", number, flags=re.ASCII):
        print(f"NUMBER={number} makes no nights: write a whole number, 0 or more.", file=sys.stderr)
        return 2
    try:
        pages = write(number=int(number))
    except OSError as error:
        print(f"the handout can't be written: {error}", file=sys.stderr)
        return 2
    for path in pages:
        print(path.relative_to(authoring.ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
