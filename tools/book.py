"""The book: the chapters as stored, with their answers folded, as pages that need no network.

``python -m tools.book`` writes build/book. Nothing is executed. With an address (see `tools.address`) the pages
have buttons for Binder and Colab and for the download of the learner's notebook.

A code cell of `LONG_FOR_A_PICTURE` lines or more that shows a figure has its code folded.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

import tools
from tools import authoring
from utils.exercises import engine

BUILD = authoring.ROOT / "build" / "book"
LONG_FOR_A_PICTURE = 10
_MARKERS = re.compile(r"^[ \t]*# (?:BEGIN|END) SOLUTION\n|[ \t]*# SOLUTION$", flags=re.M)

_STYLE = """
details.fold { border-left: 3px solid var(--pst-color-border); margin: 0 0 1rem; padding-left: 1rem; }
details.fold[open] > summary { margin-bottom: .5rem; }
.cell_output { overflow-x: auto; }
.cell_output pre { white-space: pre-wrap; }
.cell_output .dataframe :is(th, td) { text-align: right; }
html[data-theme="dark"] .bd-content div.cell_output .output.text_html:has(img) { background: none; padding: 0; }
@media print { pre { white-space: pre-wrap; } }
.bd-article { overflow-wrap: break-word; }
.bd-article a.headerlink { color: var(--pst-color-text-muted); }
"""
_HOW_TO_READ = """*You are reading the book. Nothing runs here: below each cell stands what it printed,
where one learner had answered.*"""
_WHERE_TO_BEGIN = "*You are reading the book: [begin with chapter 00](notebooks/00_start_here.ipynb).*"
_CONTENTS = """
```{toctree}
:hidden:
:caption: Chapters
:glob:

[0-9]*
```

```{toctree}
:hidden:
:caption: To look up

glossary
```
"""


def stage(folder: Path, address: str | None) -> None:
    """Write what Sphinx reads: the README in two pages, the chapters with folds, their figures, the style."""
    figures = folder / "_static" / "figures"
    figures.mkdir(parents=True)
    (folder / "_static" / "book.css").write_text(_STYLE, encoding="utf-8")
    shutil.copy(authoring.README_PICTURE, folder)
    readme = (authoring.ROOT / "README.md").read_text(encoding="utf-8")
    before, glossary, after = re.fullmatch(r"(.*\n)## (Glossary\n.*?\n)(## .*)", readme, flags=re.S).groups()
    title, rest = before.split("\n", 1)
    start = f"{title}\n\n{_WHERE_TO_BEGIN}\n{rest}{after}"
    (folder / "index.md").write_text(_linked(start, address) + _CONTENTS, encoding="utf-8")
    (folder / "glossary.md").write_text(f"# {glossary}", encoding="utf-8")
    for path in sorted(authoring.SOLUTIONS.glob("*.ipynb")):
        hints = {exercise.id: exercise.hints for exercise in engine.load_chapter(int(path.name[:2]))}
        chapter = folded(authoring.read(path), hints)
        for cell in chapter.cells:
            for output in cell.get("outputs", []):
                _store_figures(output, figures)
        authoring.write(chapter, folder / path.name)


def _linked(readme: str, address: str | None) -> str:
    """Return the README with links that hold in the book; files that are no page are linked at the address."""

    def outside(link: re.Match) -> str:
        return f"[{link[1]}]({address}/tree/HEAD/{link[2]})" if address else link[1]

    readme = re.sub(r"\]\(notebooks/", "](", readme)
    return re.sub(r"(?<!!)\[([^]]+)\]\((?!\d\d_|#|https?:)([^)]+)\)", outside, readme)


def folded(solution: NotebookNode, hints: dict[str, Sequence[str]]) -> NotebookNode:
    """Return a chapter with each answer behind a click, below the learner's cell and the hints.

    Parameters
    ----------
    solution : NotebookNode
        A solution notebook; it isn't changed.
    hints : dict
        The hints by exercise, as in ``{"3.2": ("Shuffle …", …)}``.
    """
    chapter = copy.deepcopy(solution)
    cells, chapter.cells = chapter.cells, []
    is_open = False
    for cell in cells:
        asks = cell.cell_type == "code" and authoring.blank(cell.source) != cell.source
        if asks and "twelve_calls(" in cell.source:  # it prints the policy, which those who judge must see
            cell.source, asks = _MARKERS.sub("", cell.source), False
        answers = asks or {"answer", "solution-only"} & set(authoring.tags(cell))
        if is_open and (asks or not answers):
            chapter.cells.append(new_markdown_cell("</details>"))
            is_open = False
        if asks:
            chapter.cells.append(_question(cell))
            for exercise in re.findall(r"^check\(\s*\"(\d+\.\d+)", cell.source, flags=re.M):
                for number, hint in enumerate(hints[exercise], start=1):
                    chapter.cells.append(new_markdown_cell(_fold(f"Hint {number}", f"{hint}\n\n</details>")))
            cell.source = _MARKERS.sub("", cell.source)
        if answers and not is_open:
            called = cell.source.startswith("call(")  # rightly or not
            chapter.cells.append(
                new_markdown_cell(_fold("What one learner called" if called else "Solution"))
            )
            is_open = True
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if cell.cell_type == "code" and not answers and (hidden or _only_draws(cell)):
            cell.metadata.tags = [*authoring.tags(cell), "hide-input"]
        chapter.cells.append(cell)
    if is_open:
        chapter.cells.append(new_markdown_cell("</details>"))
    chapter.cells.insert(1, new_markdown_cell(_HOW_TO_READ))
    return chapter


def _fold(summary: str, inside: str = "") -> str:
    return f'<details class="fold"><summary>{summary}</summary>\n\n{inside}'


def _question(cell: NotebookNode) -> NotebookNode:
    """Return a cell as the learner has it; of the twelve calls it shows the night, which is moved out of the answer."""
    question = copy.deepcopy(cell)
    question.id, question.source, question.outputs = f"{cell.id}-asked", authoring.blank(cell.source), []
    if cell.source.startswith("call("):
        picture, text = cell.outputs
        facts, verdict = re.fullmatch(r"(.*\n)(Night \d+ of .*)", text.text, flags=re.S).groups()
        question.outputs = [picture, NotebookNode(text, text=facts)]
        cell.outputs = [NotebookNode(text, text=verdict)]
    return question


def _only_draws(cell: NotebookNode) -> bool:
    return cell.source.count("\n") + 1 >= LONG_FOR_A_PICTURE and "<img" in str(cell.outputs)


def _store_figures(output: NotebookNode, folder: Path) -> None:
    """Write an output's pictures to files, and name them there: the page shows its text before they are loaded."""

    def stored(source: re.Match) -> str:
        picture = base64.b64decode(source[1])
        name = f"{hashlib.sha256(picture).hexdigest()[:16]}.png"
        (folder / name).write_bytes(picture)
        return f'src="_static/figures/{name}"'

    if "text/html" in output.get("data", {}):
        output.data["text/html"] = re.sub(
            r'src="data:image/png;base64,([^"]+)"', stored, output.data["text/html"]
        )


def build(source: Path, target: Path, address: str | None) -> int:
    """Make the pages from what was staged; return 1 if Sphinx warned of anything, else 0."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    theme = {
        "navbar_persistent": [],  # the search field of the sidebar is enough
        "footer_content_items": [],
        "use_download_button": bool(address),
    }
    if address:
        theme |= {
            "repository_url": address,
            "repository_branch": "HEAD",
            "path_to_docs": "notebooks",
            "launch_buttons": {
                "notebook_interface": "jupyterlab",
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
            },
        }
    options = {
        "project": "Detecting Data Drift",
        "html_title": "Detecting Data Drift",
        "language": "en",
        "extensions": ["myst_nb", "tools.book"],
        "myst_enable_extensions": ["dollarmath", "linkify"],
        "myst_linkify_fuzzy_links": False,  # README.md is no address
        "myst_heading_anchors": 3,
        "nb_execution_mode": "off",
        "nb_code_prompt_show": "Show the code",
        "nb_code_prompt_hide": "Hide the code",
        "html_theme": "sphinx_book_theme",
        "html_theme_options": theme,
        "html_context": {"default_mode": "auto"},
        "html_static_path": ["_static"],
        "html_css_files": ["book.css"],
        "html_math_renderer": "mathml",
        "html_show_search_summary": False,  # it would fetch the pages, which a browser refuses for files
        "html_copy_source": bool(address),
        "html_use_index": False,
    }
    folders = source, None, target, source / ".doctrees"
    with docutils_namespace():
        book = Sphinx(*folders, "html", options, status=None, warningiserror=True)
        book.build()
    if address:  # what the download button leads to
        for path in authoring.NOTEBOOKS.glob("*.ipynb"):
            shutil.copy(path, target / "_sources")
    return book.statuscode


def setup(app) -> dict:
    """Give Sphinx formulas that need no script, and tables that a screen reader can read."""
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("html-page-context", _scope_headers)
    return {"parallel_read_safe": True}


def _formula(page, node) -> None:
    from docutils.nodes import SkipNode
    from docutils.utils.math.latex2mathml import tex2mathml

    page.body.append(tex2mathml(node.astext(), as_block=node.tagname == "math_block"))
    raise SkipNode


def _scope_headers(app, name: str, template: str, context: dict, doctree) -> None:
    def scoped(table: re.Match) -> str:
        head, end, body = table[0].partition("</thead>")
        head, body = re.sub(r"<th\b", '<th scope="col"', head), re.sub(r"<th\b", '<th scope="row"', body)
        return head + end + body

    context["body"] = re.sub(r"<table\b.*?</table>", scoped, context.get("body", ""), flags=re.S)


def main() -> int:
    """Write the book and say where it lies."""
    address = tools.address()
    if address and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        print(f"ADDRESS is {address!r}: write https://github.com/OWNER/NAME.", file=sys.stderr)
        return 2
    source = BUILD.with_name("book-source")
    for folder in (source, BUILD):
        shutil.rmtree(folder, ignore_errors=True)
    stage(source, address)
    status = build(source, BUILD, address)
    print(f"Open {(BUILD / 'index.html').relative_to(authoring.ROOT)} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
