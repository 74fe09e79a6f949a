"""What is printed for a class: the pages' number on both papers, the size of their text, and the ticket's answers."""

from __future__ import annotations

import re

import pytest

from tests.browsing import IN_A_BROWSER
from tools import handout
from utils.exercises import nights

SMALLEST_TEXT = """
() => Math.min(...[...document.querySelectorAll('body *')]
  .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
  .map(element => parseFloat(getComputedStyle(element).fontSize) * 72 / 96))
"""


@pytest.mark.parametrize("number", [1, 7])
def test_the_ticket_shows_three_nights_whose_answers_stand_on_another_page(tmp_path, number):
    _, ticket, answers = (path.read_text(encoding="utf-8") for path in handout.write(tmp_path, number))
    said = re.findall(r"<h2>Night \d: (.+?)</h2>", answers)
    assert sorted(said) == sorted(nights.ANSWER_AND_WHY[kind][0] for kind in handout.ON_THE_TICKET)
    assert ticket.count("☐ page") == ticket.count("<img ") == len(said)
    assert not [why for _, why in nights.ANSWER_AND_WHY.values() if why in ticket]


@pytest.mark.parametrize("number", ["seven", "-1", "1.5"])
def test_what_is_no_number_is_one_sentence(capsys, number):
    assert handout.main(["--", number]) == 2
    assert capsys.readouterr().err == f"NUMBER={number} makes no nights: write a whole number, 0 or more.\n"


@pytest.mark.parametrize("paper", [pytest.param(paper, marks=IN_A_BROWSER) for paper in ("A4", "Letter")])
def test_the_pages_fit_on_either_paper_and_can_be_read(offline, tmp_path, paper):
    for path, pages in zip(handout.write(tmp_path), (2, 1, 1), strict=True):
        offline.goto(path.as_uri())
        printed = offline.pdf(format=paper)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == pages, path.name
        assert offline.evaluate(SMALLEST_TEXT) >= 9 - 0.01, path.name
        shrunk = "images => images.map(image => image.getBoundingClientRect().width / image.naturalWidth)"
        assert min(offline.locator("img").evaluate_all(shrunk), default=1) > 0.98, path.name  # drawn at 9 pt
    assert offline.faults == []


def test_a_folder_that_cannot_be_written_is_a_sentence(monkeypatch, capsys):
    def refused(**options):
        raise PermissionError(13, "Permission denied", "build")

    monkeypatch.setattr(handout, "write", refused)
    assert handout.main(["7"]) == 2
    assert "can't be written" in capsys.readouterr().err
