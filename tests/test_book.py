"""The book in a real browser, from a file and without a network. Run by `make test-browser`."""

from __future__ import annotations

from pathlib import Path

import nbformat

from tests.browsing import IN_A_BROWSER, unreadable
from tools import publishing

pytestmark = IN_A_BROWSER


def test_the_reading_edition_is_read_from_the_first_page_to_the_last(offline, tmp_path):
    pages = publishing.write_pages(tmp_path)
    offline.goto(pages[0].as_uri())
    offline.get_by_role("listitem").first.get_by_role("link").click()
    read = []
    while True:
        offline.wait_for_load_state()
        read.append(Path(offline.url.partition("#")[0]).name)
        dead = offline.evaluate(
            "() => [...document.querySelectorAll('a[href^=\"#\"]')].map(link => link.hash.slice(1))"
            ".filter(id => !document.getElementById(decodeURIComponent(id)))"
        )
        assert dead == []
        for link in offline.locator("a").evaluate_all("links => links.map(link => link.href)"):
            target = link.partition("#")[0]
            assert not target.startswith("file:") or Path(target.removeprefix("file://")).is_file(), link
        widths = offline.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
        assert all(width > 0 for width in widths)
        for scheme in ("light", "dark"):
            offline.emulate_media(color_scheme=scheme)
            assert unreadable(offline, "body *") == [], scheme
        onward = offline.get_by_role("link", name="Next: ").first
        if not onward.count():
            break
        onward.click()
    assert read == [page.name for page in pages[1:]]
    assert offline.faults == []


def test_a_formula_is_drawn_without_a_network(offline):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(r"$$\frac{D}{\sqrt{n}}$$ and $n$")]
    )
    offline.set_content(publishing._with_mathml(notebook).cells[0].source)
    fraction, letter = offline.locator("math").evaluate_all(
        "all => all.map(m => m.getBoundingClientRect().height)"
    )
    assert fraction > 1.5 * letter > 0 and offline.faults == []
