"""The slides: no answer for the class, what INSTRUCTORS.md says, and in a real browser nothing cut off."""

from __future__ import annotations

import functools
import re

import pytest

from tests.browsing import IN_A_BROWSER
from tools import authoring, plans, slides

CHAPTERS = sorted(authoring.SOLUTIONS.glob("*.ipynb"))
EACH_PLAN = pytest.mark.parametrize("plan", plans.plans(), ids=lambda plan: plan.slug)

# Goes through all slides of a deck at 1280 x 720 and returns what is wrong with them.
LOOK = """
() => {
  const wrong = [];
  const inside = box => box.left >= 0 && box.top >= 0 && box.right <= 1280 && box.bottom <= 720;
  for (const slide of Reveal.getSlides()) {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    const say = text => wrong.push(`slide ${h + 1}.${(v ?? 0) + 1} ${text}`);
    const {width, height} = slide.getBoundingClientRect();
    if (width !== 1280 || height !== 720) say(`is ${width} x ${height} pixels`);
    if (slide.scrollHeight > slide.clientHeight) say('is higher than the wall');
    for (const shown of slide.querySelectorAll(':not(aside, aside *)')) {
      const box = shown.getBoundingClientRect(), text = shown.textContent.trim().slice(0, 60);
      if (!inside(box)) say('cuts off ' + (text || shown.tagName));
      if (shown.clientWidth && shown.scrollWidth > shown.clientWidth + 1) say('has too wide a ' + shown.tagName);
      const own = [...shown.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
      if (own && parseFloat(getComputedStyle(shown).fontSize) * Reveal.getScale() < 20) say('has small ' + text);
      if (shown.tagName === 'IMG' && !(shown.naturalWidth && shown.alt && box.width > 400 && box.height > 400))
        say('has a picture that is not seen: ' + shown.alt);
    }
    if (!slide.innerText.trim() && !slide.querySelector('img')) say('is empty');
  }
  return wrong;
}
"""


@functools.cache
def _class_text(path):
    """Return all that a chapter's deck for the class says: its walls, with what is printed, and its notes."""
    cells = slides.chapter_deck(path, teacher=False).notebook().cells
    return _squeezed("\n".join(f"{cell.source}\n{_printed(cell)}" for cell in cells))


def _printed(cell):
    return authoring._output_text(cell) if cell.cell_type == "code" else ""


def _squeezed(text):
    return " ".join(text.split())


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_class_sees_no_answer(path):
    solution = authoring.read(path)
    learner = _squeezed("\n".join(cell.source for cell in authoring.derive(solution).cells))
    answers = []
    for cell in solution.cells:
        marked = cell.cell_type == "code" and cell.source != authoring.blank(cell.source)
        if {"answer", "solution-only"} & set(authoring.tags(cell)):
            answers.append(cell.source)
        elif marked:
            block = re.findall(r"# BEGIN SOLUTION\n(.*?)# END SOLUTION", cell.source, flags=re.S)
            lines = [*"".join(block).split("\n"), *re.findall(r".*(?=# SOLUTION)", cell.source)]
            answers += [line for line in lines if _squeezed(line) not in learner]
            answers += [line for line in _printed(cell).split("\n") if "right" in line]
    assert len(answers) > 5
    assert [answer for answer in map(_squeezed, answers) if answer and answer in _class_text(path)] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_notes_say_what_to_expect(path):
    said = slides.wrong_ideas(path.name[:2], "the title")
    assert len(said) == 4
    assert [idea for idea in said if idea not in _class_text(path)] == []


@EACH_PLAN
def test_a_plan_shows_its_parts_with_their_exercises(plan):
    deck = slides.plan_deck(plan, teacher=False)
    wall = "\n".join(cell.source for slide in deck.slides for cell in slide.wall)
    notes = "\n".join(text for slide in deck.slides for text in slide.notes)
    exercises = [exercise for part in plan.parts for exercise in part.exercises]
    assert [exercise for exercise in exercises if f"**Exercise {exercise}" not in wall] == []
    minutes = [int(number) for number in re.findall(r"\*\*(\d+) minutes\.\*\*", notes)]
    assert minutes == [part.minutes for part in plan.parts]


def test_the_teacher_has_the_solution_a_step_below_then_hints_and_wrong_ideas():
    deck = slides.chapter_deck(CHAPTERS[1], teacher=True)
    walls = ["\n".join(cell.source for cell in slide.wall) for slide in deck.slides]
    question = next(i for i, wall in enumerate(walls) if wall.startswith("**Exercise 1.2"))
    assert [slide.kind for slide in deck.slides[question + 1 : question + 3]] == ["subslide"] * 2
    assert "# SOLUTION" in walls[question + 1] or "# BEGIN SOLUTION" in walls[question + 1]
    assert re.fullmatch(r"### Hints for 1.2\n(- .+\n)+### Wrong ideas\n(- .+\n?){3}", walls[question + 2])


def test_a_sentence_says_that_reveal_is_missing(monkeypatch, capsys):
    def missing(name):
        raise slides.PackageNotFoundError(name)

    monkeypatch.setattr(slides, "distribution", missing)
    assert slides.main() == 2
    assert "make slides" in capsys.readouterr().err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("sphinx_revealjs", reason="reveal.js is not installed: make test-browser")
    folder = tmp_path_factory.mktemp("slides")
    slides.write_slides(folder)
    return folder


class TestInABrowser:
    """What a wall of 1280 x 720 pixels shows."""

    pytestmark = IN_A_BROWSER

    def test_nothing_is_cut_off_small_or_fetched(self, offline, folder):
        offline.set_viewport_size({"width": 1280, "height": 720})
        wrong = {}
        for deck in sorted(folder.glob("*.html")):
            offline.goto(deck.as_uri())
            offline.wait_for_function("() => window.Reveal?.isReady()")
            wrong[deck.name] = offline.evaluate(LOOK)
        assert {name: faults for name, faults in wrong.items() if faults} == {}
        assert len(wrong) == 2 * (len(CHAPTERS) + len(plans.plans()))
        assert offline.faults == []

    def test_the_speaker_view_has_the_notes(self, offline, folder):
        offline.goto((folder / "03_ks_test.class.html").as_uri())
        offline.wait_for_function("() => window.Reveal?.isReady()")
        with offline.expect_popup() as opened:
            offline.keyboard.press("s")
        notes = opened.value.locator(".speaker-controls-notes .value")
        notes.get_by_text("Halfway through, each of you will have a p-value of your own").wait_for()
        assert offline.faults == []
