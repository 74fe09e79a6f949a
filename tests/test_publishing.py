"""The reading edition and the slides: whole, linked, and without a network."""

import re

import nbformat
import pytest

from tools import authoring, publishing

LEAVES_THE_MACHINE = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?:https?:)?//""")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return publishing.write_pages(tmp_path_factory.mktemp("html"))


def test_there_is_a_page_a_chapter_and_an_index(pages):
    stems = [path.stem for path in sorted(authoring.SOLUTIONS.glob("*.ipynb"))]
    assert [page.stem for page in pages] == ["index", *stems]


def test_no_page_fetches_anything(pages):
    for page in pages:
        assert not LEAVES_THE_MACHINE.search(page.read_text(encoding="utf-8")), page.name


def test_every_link_between_pages_leads_to_a_place_that_exists(pages):
    ids = {page.name: set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8"))) for page in pages}
    for page in pages:
        for target in re.findall(r'<a[^>]* href="([^"]+)"', page.read_text(encoding="utf-8")):
            if re.match(r"(https?|mailto):", target):
                continue
            name, _, anchor = target.partition("#")
            name = name or page.name
            assert name in ids, f"{page.name} links to {target}"
            assert not anchor or anchor in ids[name], f"{page.name} links to {target}"


def test_a_page_has_one_title_and_its_way_on_and_back(pages):
    for page in pages[1:]:
        text = page.read_text(encoding="utf-8")
        assert len(re.findall(r"<h1[ >]", text)) == 1, page.name
        assert "All chapters" in text
        assert (">Previous: " in text) == (page != pages[1])
        assert (">Next: " in text) == (page != pages[-1])


def test_formulas_are_drawn_without_a_script():
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(r"A gap $D = \max |F - G|$, `$HOME`, and $$\frac{1}{n}$$ for 5$.")
        ]
    )
    source = publishing._with_mathml(notebook).cells[0].source
    assert source.count("<math") == 2 and "`$HOME`" in source and "5$." in source


def test_every_cell_knows_its_slide_and_may_decide_it_itself():
    picture = nbformat.v4.new_output("display_data", {"text/html": "<img src='data:' alt='A gap'>"})
    cells = [
        nbformat.v4.new_markdown_cell("# 01. Title?"),
        nbformat.v4.new_markdown_cell("Prose.\n\n## Heading\n\nMore.\n\n**Exercise 1.1.** How many?"),
        nbformat.v4.new_code_cell("plot()", outputs=[picture]),
        nbformat.v4.new_code_cell("label()\n" * 20 + "plot()", outputs=[picture]),
        nbformat.v4.new_markdown_cell("Kept.\n\n# Whole", metadata={"slideshow": {"slide_type": "notes"}}),
        nbformat.v4.new_markdown_cell("## Further reading\n\n- A book"),
        nbformat.v4.new_markdown_cell("More of it."),
    ]
    deck = publishing.with_slides(nbformat.v4.new_notebook(cells=cells)).cells
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in deck]
    assert kinds == ["slide", "-", "slide", "subslide", "subslide", "subslide", "notes", "skip", "skip"]
    assert [cell.source for cell in deck[1:4]] == [
        "Prose.",
        "## Heading\n\nMore.",
        "**Exercise 1.1.** How many?",
    ]
    assert len({cell.id for cell in deck}) == len(deck)
    assert [publishing._PICTURE_ONLY in authoring.tags(cell) for cell in deck[4:6]] == [False, True]


def test_slides_without_npm_are_a_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(publishing, "BUILD", tmp_path)
    monkeypatch.setattr(publishing.shutil, "which", lambda name: None)
    assert publishing.main(["slides"]) == 2
    assert "npm" in capsys.readouterr().err
