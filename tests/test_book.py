"""The book in a real browser, from a file and without a network. Run by `make test-browser`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browsing import IN_A_BROWSER, unreadable
from tools import authoring, book
from utils.exercises import engine

pytestmark = IN_A_BROWSER

CHAPTERS = sorted(authoring.SOLUTIONS.glob("*.ipynb"))
ADDRESS = "https://github.com/somebody/a-course"


def built(folder, address):
    pytest.importorskip("sphinx_book_theme", reason="the book's packages are not installed: make book")
    book.stage(folder / "source", address)
    formula = "---\norphan: true\n---\n# Formula\n\n$$\\frac{D}{\\sqrt{n}}$$\n\nand $n$"
    (folder / "source" / "formula.md").write_text(formula, encoding="utf-8")
    assert book.build(folder / "source", folder / "book", address) == 0
    return folder / "book"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return built(tmp_path_factory.mktemp("without_address"), None)


def open_chapter(offline, pages, number):
    offline.goto((pages / f"{CHAPTERS[number].stem}.html").as_uri())


def test_the_book_is_read_from_the_first_page_to_the_last(offline, pages):
    ids, links, read = {}, {}, []
    offline.goto((pages / "index.html").as_uri())
    while True:
        offline.wait_for_load_state()
        name = Path(offline.url.partition("#")[0]).name
        read.append(name)
        ids[name] = offline.locator("[id]").evaluate_all("all => all.map(element => element.id)")
        links[name] = offline.locator("a[href]").evaluate_all("all => all.map(link => link.href)")
        assert offline.locator("img").evaluate_all(
            "all => all.every(image => image.alt && image.naturalWidth)"
        )
        assert offline.locator("th:not([scope])").count() == 0
        assert offline.locator("details[open]").count() == 0
        offline.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        for scheme in ("light", "dark"):
            offline.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no color on its way
            offline.wait_for_function(
                "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
            )
            assert unreadable(offline, "body *") == [], (name, scheme)
        offline.set_viewport_size({"width": 390, "height": 844})
        assert offline.evaluate("document.scrollingElement.scrollWidth") <= 390, name
        offline.set_viewport_size({"width": 1280, "height": 720})
        onward = offline.locator("a.right-next")
        if not onward.count():
            break
        onward.click()
    assert read == ["index.html", *(f"{path.stem}.html" for path in CHAPTERS), "glossary.html"]
    for name in read:
        for link in links[name]:
            address, _, anchor = link.partition("#")
            if address.startswith("file:"):
                page = Path(address.removeprefix("file://"))
                assert page.is_file(), f"{name} links to {link}"
                assert not anchor or anchor in ids.get(page.name, ()), f"{name} links to {link}"
    assert offline.faults == []


@pytest.mark.parametrize("number", range(len(CHAPTERS)))
def test_answers_are_read_only_after_a_click(offline, pages, number):
    open_chapter(offline, pages, number)
    shown = offline.locator("article").inner_text()
    offline.evaluate("document.querySelectorAll('details.fold').forEach(fold => fold.open = true)")
    opened = offline.locator("article").inner_text()
    solution = authoring.read(CHAPTERS[number])
    given = {line.strip() for cell in authoring.derive(solution).cells for line in cell.source.splitlines()}
    answers = set()
    for cell in solution.cells:
        if cell.cell_type == "code" and authoring.blank(cell.source) != cell.source:
            lines = {line.partition("  # SOLUTION")[0].strip() for line in cell.source.splitlines()}
            answers |= {line for line in lines - given if not line.startswith("#")}
            answers |= {line for line in cell.outputs[-1].get("text", "").splitlines() if "✓ right" in line}
    answers.discard("")
    hints = [hint for exercise in engine.load_chapter(number) for hint in exercise.hints]
    assert offline.get_by_text("Hint ", exact=False).locator("visible=true").count() >= len(hints)
    assert [answer for answer in answers if len(answer) > 20 and answer in shown] == []
    assert [answer for answer in answers if answer not in opened] == []


def test_hints_and_solution_open_one_by_one(offline, pages):
    open_chapter(offline, pages, 3)
    first, second = engine.find("3.1").hints
    solution = "observed = np.concatenate([historical, recent])"
    for summary, text in (("Hint 1", first), ("Hint 2", second), ("Solution", solution)):
        assert not offline.get_by_text(text).first.is_visible()
        offline.locator("summary", has_text=summary).first.click()
        assert offline.get_by_text(text).first.is_visible()


def test_the_search_finds_the_chapter(offline, pages):
    offline.goto((pages / "search.html").as_uri())
    field = offline.locator("article input[type=search], main input[type=search]").first
    field.fill("stacklevel")
    field.press("Enter")
    offline.locator("#search-results a").first.click()
    assert CHAPTERS[4].stem in offline.url and offline.faults == []


def test_a_formula_is_drawn_without_a_script(offline, pages):
    offline.goto((pages / "formula.html").as_uri())
    fraction, letter = offline.locator("math").evaluate_all(
        "all => all.map(m => m.getBoundingClientRect().height)"
    )
    assert fraction > 1.5 * letter > 0 and offline.faults == []


def test_buttons_lead_to_the_learners_copy_once_there_is_an_address(offline, pages, tmp_path):
    public = built(tmp_path, ADDRESS)
    buttons = ".article-header-buttons a"
    for number, path in enumerate(CHAPTERS):
        open_chapter(offline, public, number)
        binder, colab, download = offline.locator(buttons).evaluate_all("all => all.map(link => link.href)")
        assert (
            binder
            == f"https://mybinder.org/v2/gh/somebody/a-course/HEAD?urlpath=lab/tree/notebooks/{path.name}"
        )
        assert (
            colab
            == f"{ADDRESS.replace('github.com', 'colab.research.google.com/github')}/blob/HEAD/notebooks/{path.name}"
        )
        downloaded = Path(download.removeprefix("file://"))
        assert downloaded.read_bytes() == (authoring.NOTEBOOKS / path.name).read_bytes()
        open_chapter(offline, pages, number)
        assert offline.locator(buttons).count() == 0
    offline.goto((public / "index.html").as_uri())
    assert offline.locator(f"article a[href='{ADDRESS}/tree/HEAD/CONTRIBUTING.md']").count() == 1


def test_an_address_that_is_none_is_said(monkeypatch, capsys):
    monkeypatch.setenv("ADDRESS", "github.com/somebody")
    assert book.main() == 2
    assert "https://github.com/OWNER/NAME" in capsys.readouterr().err
