"""Two editions made from the solution notebooks: pages to read and slides to show, both without a network.

``python -m tools.publishing html`` writes build/html/, ``python -m tools.publishing slides`` build/slides/.
"""

from __future__ import annotations

import argparse
import copy
import html
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from nbconvert import HTMLExporter, SlidesExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode

from tools import authoring

BUILD = authoring.ROOT / "build"
REVEAL_VERSION = "5.1.0"

_STYLE = """
:root {
  color-scheme: light dark;
  --ink: #222; --paper: #fff; --soft: #f4f4f4; --line: #ccc; --link: #0b5394;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e4e4; --paper: #181818; --soft: #262626; --line: #555; --link: #8ab8ff; }
}
body { color: var(--ink); background: var(--paper); font: 17px/1.6 system-ui, sans-serif; margin: 0; }
main, header, footer { max-width: 46rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); }
nav ol { padding-left: 1.4rem; columns: 2; }
header nav, footer nav { display: flex; gap: 1.5rem; flex-wrap: wrap; }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; font-size: .85rem; line-height: 1.45; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
.output pre { background: none; border-left: 3px solid var(--line); }
blockquote { border-left: 4px solid var(--link); margin-left: 0; padding-left: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; }
img { background: #fff; max-width: 100%; height: auto; }
.prompt, .anchor-link { display: none; }
:target { scroll-margin-top: 1rem; }
"""


# nbconvert's slides ask other hosts for jQuery, RequireJS, MathJax and Mermaid; these need reveal.js only, which
# lies beside them. What does not fit a slide is scrolled.
_SLIDES = """
{%- extends "index.html.j2" -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
:root { --jp-content-font-size1: 24px; --jp-code-font-size: 18px; }
.reveal .slides :is(h1, h2, h3) { text-transform: none; }
.reveal .slides section:not(.stack) { max-height: 100%; overflow-y: auto; }
</style>
{%- endblock -%}
{%- block footer_js -%}
<script src="reveal.js/dist/reveal.js"></script>
<script src="reveal.js/plugin/notes/notes.js"></script>
<script>Reveal.initialize({hash: true, slideNumber: true, width: 1200, height: 800, plugins: [RevealNotes]});</script>
{%- endblock -%}
"""


def chapters() -> list[tuple[Path, NotebookNode, str]]:
    """Return path, notebook and title of every solution notebook, in order."""
    found = []
    for path in sorted(authoring.SOLUTIONS.glob("*.ipynb")):
        notebook = authoring.read(path)
        found.append((path, notebook, re.search(r"^# (.+)$", notebook.cells[0].source, flags=re.M)[1]))
    return found


def write_pages(folder: Path) -> list[Path]:
    """Write one page a chapter and an index, and return their paths.

    Every page stands alone: pictures are inside, formulas are MathML, nothing is fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    course = chapters()
    pages = [folder / f"{path.stem}.html" for path, _, _ in course]
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    for i, (_, notebook, title) in enumerate(course):
        body, _ = exporter.from_notebook_node(_with_mathml(_with_page_links(notebook)))
        steps = []
        if i > 0:
            steps.append(_link(pages[i - 1].name, f"Previous: {course[i - 1][2]}"))
        steps.append(_link("index.html", "All chapters"))
        if i + 1 < len(course):
            steps.append(_link(pages[i + 1].name, f"Next: {course[i + 1][2]}"))
        navigation = f"<nav aria-label='Chapters'>{''.join(steps)}</nav>"
        contents = _contents(body)
        pages[i].write_text(_page(title, f"{navigation}{contents}", body, navigation), encoding="utf-8")
    entries = "".join(
        f"<li>{_link(page.name, title)}</li>" for page, (_, _, title) in zip(pages, course, strict=True)
    )
    index = folder / "index.html"
    listing = (
        f"<h1>Detecting Data Drift</h1><p>The chapters with their solutions, to read.</p><ul>{entries}</ul>"
    )
    index.write_text(_page("Detecting Data Drift", "", listing, ""), encoding="utf-8")
    return [index, *pages]


def _page(title: str, header: str, body: str, footer: str) -> str:
    from pygments.formatters import HtmlFormatter

    # Of the styles that come with Pygments, the two that stay above 4.5:1 on these backgrounds.
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="monokai").get_style_defs(".highlight")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{light}'
        f"@media (prefers-color-scheme: dark) {{ {dark} }}{_STYLE}</style></head>"
        f"<body><header>{header}</header><main>{body}</main><footer>{footer}</footer></body></html>\n"
    )


def _link(target: str, text: str) -> str:
    return f'<a href="{html.escape(target, quote=True)}">{html.escape(text)}</a>'


def _contents(body: str) -> str:
    headings = re.findall(r'<h2 id="([^"]+)">(.*?)(?:<a class="anchor-link"|</h2>)', body, flags=re.S)
    entries = "".join(
        f'<li><a href="#{id}">{re.sub("<[^>]+>", "", text).strip()}</a></li>' for id, text in headings
    )
    return f"<nav aria-label='On this page'><ol>{entries}</ol></nav>" if entries else ""


def _with_page_links(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with its links to other chapters leading to their pages."""
    linked = copy.deepcopy(notebook)
    for cell in linked.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\]\((?:\.\./\w+/)?(\d\d_\w+)\.ipynb(#[^)]*)?\)", r"](\1.html\2)", cell.source
            )
    return linked


def _with_mathml(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with its TeX formulas as MathML, which browsers draw without any script."""
    from latex2mathml.converter import convert

    drawn = copy.deepcopy(notebook)
    for cell in drawn.cells:
        if cell.cell_type == "markdown":
            pieces = re.split(r"(```.*?```|`[^`\n]*`)", cell.source, flags=re.S)
            for i in range(0, len(pieces), 2):  # the others are code
                pieces[i] = re.sub(
                    r"\$\$(.+?)\$\$", lambda tex: convert(tex[1], display="block"), pieces[i], flags=re.S
                )
                pieces[i] = re.sub(r"(?<![\\$])\$([^$\n]+?)\$(?!\d)", lambda tex: convert(tex[1]), pieces[i])
            cell.source = "".join(pieces)
    return drawn


def with_slides(notebook: NotebookNode) -> NotebookNode:
    """Return a copy in which every cell says where its slide begins; what a cell says itself is kept.

    A heading begins a slide; a prediction, an exercise, its answer or a picture's code a slide below it.
    Objectives, pitfalls and the recap are shown; references are not, and neither is code that would push the
    picture it draws off the slide.
    """
    deck = copy.deepcopy(notebook)
    deck.cells = [part for cell in deck.cells for part in _split_for_slides(cell)]
    skipping = False
    for i, cell in enumerate(deck.cells):
        heading = re.match(r"#+ (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            skipping = heading[1].startswith("Further reading")
        if skipping or {"answer", "solution-only"} & set(authoring.tags(cell)):
            kind = "skip"
        elif heading or i == 0:
            kind = "slide"
        elif cell.source.startswith(_TASKS) or cell.cell_type == "code":
            kind = "subslide"
        else:
            kind = "-"
        cell.metadata.setdefault("slideshow", {"slide_type": kind})
        if cell.cell_type == "code" and cell.source.count("\n") >= 10 and "<img" in str(cell.outputs):
            cell.metadata.tags = [*authoring.tags(cell), _PICTURE_ONLY]
    return deck


_TASKS = ("**Exercise", "> **Predict")
_PICTURE_ONLY = "picture-only"


def _split_for_slides(cell: NotebookNode) -> list[NotebookNode]:
    """Return a text cell in parts, each beginning with what begins a slide; other cells as they are."""
    if cell.cell_type != "markdown" or "slideshow" in cell.metadata:
        return [cell]
    begins = "|".join(map(re.escape, ("#", *_TASKS)))
    parts = []
    for source in filter(str.strip, re.split(rf"^(?={begins})", cell.source, flags=re.M)):
        part = copy.deepcopy(cell)
        part.id, part.source = f"{cell.id}-{len(parts)}", source.strip()
        parts.append(part)
    return parts


def write_slides(folder: Path) -> list[Path]:
    """Write one deck a chapter, with reveal.js beside them, and return their paths.

    Raises
    ------
    OSError
        If reveal.js is not in the folder yet and npm, which fetches it, is missing or fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _fetch_reveal(folder)
    exporter = SlidesExporter(
        raw_template=_SLIDES,
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    exporter.register_preprocessor(TagRemovePreprocessor(remove_input_tags={_PICTURE_ONLY}), enabled=True)
    decks = []
    for path, notebook, _ in chapters():
        body, _ = exporter.from_notebook_node(
            _with_mathml(with_slides(notebook)), {"metadata": {"name": path.stem}}
        )
        deck = folder / f"{path.stem}.slides.html"
        deck.write_text(body, encoding="utf-8")
        decks.append(deck)
    return decks


def _fetch_reveal(folder: Path) -> None:
    if (folder / "reveal.js" / "dist" / "reveal.js").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(
            "the slides need reveal.js, which npm fetches once: install npm, or put it in build/slides/."
        )
    done = subprocess.run(
        [npm, "pack", f"reveal.js@{REVEAL_VERSION}"], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise OSError(
            f"npm could not fetch reveal.js {REVEAL_VERSION}: {done.stderr.strip().splitlines()[-1]}"
        )
    archive = folder / done.stdout.strip().splitlines()[-1]
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    (folder / "package").rename(folder / "reveal.js")


def main(arguments: list[str] | None = None) -> int:
    """Write the edition asked for and say where it lies."""
    parser = argparse.ArgumentParser(prog="python -m tools.publishing", description=__doc__.splitlines()[0])
    parser.add_argument("edition", choices=("html", "slides"))
    edition = parser.parse_args(arguments).edition
    folder = BUILD / edition
    try:
        written = write_pages(folder) if edition == "html" else write_slides(folder)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"{len(written)} files in {folder.relative_to(authoring.ROOT)}; open {written[0].name} in a browser."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
