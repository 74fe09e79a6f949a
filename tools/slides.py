"""Slides from the solution notebooks, for a wall of 1280 x 720 pixels and without a network: ``make slides``.

On the wall stand headings, predictions, exercises, pictures, tables and printed lines with the code that makes
them, and the first sentence of each text. The whole text stands in the speaker notes (key S), with what
INSTRUCTORS.md says of the chapter. Code that shows nothing is left to the notebook, and so are the twelve calls,
which are other nights for everybody; a section that is only read is in the notes alone. A deck for the class has
no answers; one for the teacher has them, one step below each question.
"""

from __future__ import annotations

import importlib
import math
import re
import shutil
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from nbconvert import SlidesExporter
from nbformat import NotebookNode, v4

from tools import authoring, plans
from utils.exercises import engine

FOLDER = authoring.ROOT / "build" / "slides"
GUIDE = authoring.ROOT / "INSTRUCTORS.md"

# Heights in pixels, a little above what the style below gives them.
PAGE, HEADING, TEXT_LINE, CODE_LINE, TABLE_ROW, PICTURE, GAP = 672, 64, 37, 27, 38, 470, 14
TEXT_CHARACTERS, CODE_CHARACTERS = 82, 96  # in a line
_TASKS = ("**Exercise", "> **Predict")
_SHOWN = re.compile(r"[-|>] ?|```|\$\$|\d+\. |\*\*Exercise")  # how a text begins that is shown as it stands
_LEFT_OUT = re.compile(r"^(call|progress)\(")

# nbconvert's own template asks other hosts for scripts; these need reveal.js only, which lies beside them.
_TEMPLATE = """
{%- extends "index.html.j2" -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block notebook_css -%}
{{ resources.include_css("static/theme-light.css") }}
<style>
main { height: 100%; }
.anchor-link { display: none; }
.reveal .slides { font-size: 28px; line-height: 1.3; text-align: left; }
.reveal .slides section:not(.stack) {
  box-sizing: border-box; width: 1280px; height: 720px; padding: 24px 40px; flex-direction: column; gap: 12px;
}
.reveal .slides section div:not(.highlight) { display: contents; }
.reveal .slides section :is(h1, h2, h3, p, ul, ol, pre, table, blockquote, .highlight) { margin: 0; flex: none; }
.reveal .slides :is(h1, h2, h3) { text-transform: none; font-size: 38px; letter-spacing: 0; }
.reveal .slides :is(ul, ol) { padding-left: 1.2em; }
.reveal .slides blockquote { width: auto; padding: 8px 20px; box-shadow: none; font-style: normal;
  border-left: 6px solid #0b5394; }
.reveal .slides :is(pre, code) { font: 20px/1.3 monospace; }
.reveal .slides pre { width: auto; white-space: pre-wrap; overflow-wrap: anywhere; box-shadow: none; }
.reveal .slides .highlight { padding: 6px 12px; background: #f4f4f4; }
.reveal .slides table { font-size: 22px; align-self: flex-start; }
.reveal .slides :is(th, td) { padding: 3px 10px; }
.reveal .slides tbody th { white-space: nowrap; }
.reveal .slides img { flex: 1 1 0; min-height: 0; max-height: none; margin: 0; object-fit: contain; }
</style>
{%- endblock -%}
{%- block input_group -%}{%- if cell.source -%}{{ super() }}{%- endif -%}{%- endblock -%}
{%- block footer_js -%}
<script src="reveal.js/dist/reveal.js"></script>
<script src="reveal.js/plugin/notes/notes.js"></script>
<script>
Reveal.initialize({hash: true, slideNumber: true, controls: false, width: 1280, height: 720, margin: 0, center: false,
                   display: "flex", transition: "none", plugins: [RevealNotes]});
</script>
{%- endblock -%}
"""


@dataclass
class Slide:
    """What stands on one slide and in its notes.

    It goes to the right of the one before, or below it. Nothing is added to a full one, for it would answer a
    question; one that is only read has nothing but a heading and a sentence.
    """

    kind: str
    wall: list[NotebookNode] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    height: int = 0
    full: bool = False
    only_read: bool = False


class Deck:
    """Slides that are filled one after the other."""

    def __init__(self):
        self.slides: list[Slide] = []

    def begin(self, kind: str = "subslide") -> None:
        """Begin a slide, a section's in place of a section that is only read."""
        unread = []
        if kind == "slide" and self.slides and self.slides[-1].only_read:
            unread = self.slides.pop().notes
        self.slides.append(Slide(kind, notes=unread))

    def fits(self, *cells: NotebookNode) -> bool:
        """Return whether cells can be shown on the last slide."""
        last = self.slides[-1]
        return not last.full and last.height + sum(map(_height, cells)) <= PAGE

    def show(self, *cells: NotebookNode, only_read: bool = False) -> None:
        """Show cells, together where they fit on one slide."""
        if cells and not self.fits(*cells) and self.slides[-1].wall:
            self.begin()
        for cell in cells:
            if not self.fits(cell) and self.slides[-1].wall:
                self.begin()
            last = self.slides[-1]
            last.wall.append(cell)
            last.height += _height(cell)
            last.only_read = only_read and (last.only_read or len(last.wall) == 1)

    def add_text(self, source: str, ideas: dict[str, str]) -> None:
        """Show a text's headings, tasks, lists and tables, and the first sentence of each run of prose.

        Wrong ideas, by their places, go to the notes of the slide with the place that they name.
        """
        blocks, in_exercise, in_prose = _blocks(source), False, False
        for block, following in zip(blocks, [*blocks[1:], ""], strict=True):
            heading, exercise = re.match(r"#+ (.+)", block), re.match(r"\*\*Exercise (\d+\.\d+)", block)
            in_exercise = bool(exercise) or in_exercise and not heading
            if heading:
                self.begin("slide")
            elif block.startswith(_TASKS) and not self.slides[-1].only_read:
                self.begin()
            prose = not (heading or in_exercise or _SHOWN.match(block))
            if not prose:
                self.show(_text(block), only_read=bool(heading))
            else:
                self.slides[-1].notes.append(block)
                first = _text(re.match(r".+?(?:[.?!](?=\s|$)|$)", block, flags=re.S)[0])
                if not in_prose and (self.fits(first) or _SHOWN.match(following)):
                    self.show(first, only_read=True)
            if heading or exercise:
                place = (heading or exercise)[1]
                self.slides[-1].notes += [idea for idea, places in ideas.items() if place in places]
            self.slides[-1].full |= block.startswith(_TASKS[1])
            in_prose = prose

    def notebook(self) -> NotebookNode:
        """Return the deck as a notebook for nbconvert's slides."""
        cells = []
        for slide in self.slides:
            notes = [_text("\n\n".join(slide.notes))] if slide.notes else []
            kinds = [slide.kind, *("-" for _ in slide.wall[1:]), *("notes" for _ in notes)]
            for cell, kind in zip([*slide.wall, *notes], kinds, strict=True):
                cell.metadata["slideshow"] = {"slide_type": kind}
                cells.append(cell)
        return v4.new_notebook(cells=cells)


def add_chapter(deck: Deck, number: str, cells: list[NotebookNode], *, teacher: bool) -> None:
    """Add cells of a solution notebook to a deck; for the class, without what only the solution has."""
    learner = {cell.id: cell.source for cell in authoring.derive(v4.new_notebook(cells=cells)).cells}
    title = re.match(r"# .+|", cells[0].source)[0]  # none where a chapter is continued
    ideas, helped, in_reading = wrong_ideas(number, title), [], False
    for cell in cells:
        if helped and cell.id in learner:
            _add_help(deck, helped.pop())
        if cell.source.startswith("#") and cell.cell_type == "markdown":
            in_reading = cell.source.startswith("## Further reading")
        if in_reading or cell.metadata.get("jupyter", {}).get("source_hidden"):
            continue
        if cell.cell_type == "markdown":
            if cell.id in learner:
                deck.add_text(cell.source, ideas)
            elif teacher:
                deck.show(_text(cell.source))
        elif cell.id not in learner:
            deck.show(*(_outputs(cell) if teacher else ()))
        elif _LEFT_OUT.match(cell.source):
            continue
        elif learner[cell.id] == cell.source:
            outputs = _outputs(cell)
            code = [] if any(map(_is_picture, outputs)) or not outputs else [v4.new_code_cell(cell.source)]
            deck.show(*code, *outputs)
        else:
            deck.show(v4.new_code_cell(learner[cell.id]))
            deck.slides[-1].full = True
            if teacher:
                deck.show(v4.new_code_cell(cell.source), *_outputs(cell))
                helped = re.findall(r"^check\(\"(.+?)\"", cell.source, flags=re.M)
    if helped:
        _add_help(deck, helped.pop())


def wrong_ideas(number: str, title: str) -> dict[str, str]:
    """Return what INSTRUCTORS.md says of a chapter, each wrong idea with the places that it names.

    The sentence for the beginning, and ideas that name neither an exercise nor a heading, are for the title.
    """
    text = re.search(rf"^### {number}\. .+?\n(.+?)(?=^##|\Z)", GUIDE.read_text("utf-8"), flags=re.M | re.S)[1]
    said = [" ".join(piece.split()) for piece in re.split(r"^- ", text, flags=re.M)]
    places = {idea: re.search(r'" \((.+?)\) |$', idea)[1] or "" for idea in said}
    return {idea: place if re.search(r'\d\.\d|"', place) else title for idea, place in places.items()}


def _add_help(deck: Deck, id: str) -> None:
    """Add an exercise's hints and three wrong ideas, from its slips and from the answers of its tests."""
    exercise = engine.find(id)
    wrong = dict.fromkeys(sentence for _, sentence in exercise.slips())
    answers = importlib.import_module(f"tests.answers.chapter_{int(id.split('.')[0]):02d}").WRONG
    for answer, _ in answers.get(id, ()):
        if len(wrong) >= 3:
            break
        said = engine.verdict(id, answer)
        wrong[next((line[2:] for line in said.board if line.startswith("✗")), said.message)] = None
    deck.begin()
    for title, lines in ((f"Hints for {id}", exercise.hints), ("Wrong ideas", list(wrong)[:3])):
        deck.show(_text(f"### {title}"), _text("\n".join(f"- {line}" for line in lines)))
    deck.slides[-1].full = True


def chapter_deck(path: Path, *, teacher: bool) -> Deck:
    """Return the deck of one chapter."""
    deck = Deck()
    add_chapter(deck, path.name[:2], authoring.read(path).cells, teacher=teacher)
    return deck


def plan_deck(plan: plans.Plan, *, teacher: bool) -> Deck:
    """Return the deck of one plan: the slides of its chapters' cells and one for each of its other parts."""
    deck = Deck()
    deck.begin("slide")
    deck.show(_text(f"# {plan.name}"))
    for part in plan.parts:
        before = len(deck.slides)
        deck.slides[-1].only_read = False  # what this part begins with doesn't take its place
        if part.chapter:
            solution = authoring.read(next(authoring.SOLUTIONS.glob(f"{part.chapter}_*.ipynb")))
            add_chapter(deck, part.chapter, plans.cells(part, solution), teacher=teacher)
        else:
            _add_row(deck, part.what.removesuffix(" (below)"))
        exercises = f" Exercises: {', '.join(part.exercises)}." if part.exercises else ""
        how = f" {part.how.capitalize()}." if part.how else ""
        deck.slides[before].notes.insert(0, f"**{part.minutes} minutes.** {part.what}.{how}{exercises}")
    return deck


def _add_row(deck: Deck, what: str) -> None:
    """Add a part that is no chapter, with the code and the text of a section of INSTRUCTORS.md of its name."""
    deck.begin("slide")
    deck.show(_text(f"# {what[0].upper()}{what[1:]}"))
    for section in re.split(r"^## ", GUIDE.read_text("utf-8"), flags=re.M):
        heading, _, text = section.partition("\n")
        if what.startswith(heading or "#"):
            deck.show(*(_text(block) for block in _blocks(text) if block.startswith("```")))
            deck.slides[-1].notes.append(text)


def _blocks(source: str) -> list[str]:
    """Return a text's paragraphs, lists and tables; a fence with empty lines stays whole."""
    return re.findall(r"^```.*?^```|\S.*?(?=\n\s*\n|\s*\Z)", source, flags=re.S | re.M)


def _text(source: str) -> NotebookNode:
    """Return a text's cell: links to other chapters as words, formulas as MathML, which needs no script."""
    pieces = re.split(
        r"(```.*?```|`[^`\n]*`)", re.sub(r"\[([^]]+)\]\([^)]*\.ipynb[^)]*\)", r"\1", source), flags=re.S
    )
    for i in range(0, len(pieces), 2):  # the others are code
        pieces[i] = re.sub(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$(?!\d)", _formula, pieces[i], flags=re.S)
    return v4.new_markdown_cell("".join(pieces))


def _formula(tex: re.Match) -> str:
    from docutils.utils.math.latex2mathml import tex2mathml

    return tex2mathml(tex[1] or tex[2], as_block=bool(tex[1]))


def _outputs(cell: NotebookNode) -> list[NotebookNode]:
    """Return a cell for each output, and for each slide that a long print fills."""
    outputs = []
    for output in cell.outputs:
        outputs.append(output)
        if output.output_type == "stream":
            outputs[-1:] = [v4.new_output("stream", name=output.name, text="")]
            for line in output.text.splitlines(keepends=True):
                if _lines(outputs[-1].text + line, CODE_CHARACTERS) * CODE_LINE > PAGE - GAP:
                    outputs.append(v4.new_output("stream", name=output.name, text=""))
                outputs[-1].text += line
    return [v4.new_code_cell(outputs=[output]) for output in outputs]


def _is_picture(cell: NotebookNode) -> bool:
    data = cell.outputs[0].get("data", {}) if cell.cell_type == "code" and cell.outputs else {}
    return "image/png" in data or "<img" in data.get("text/html", "")


def _height(cell: NotebookNode) -> int:
    """Return about how many pixels a cell takes on the wall; a picture, how many at least."""
    source = cell.source
    if _is_picture(cell):
        return PICTURE
    if cell.cell_type == "code" and cell.outputs:
        output = cell.outputs[0]
        data = output.get("data", {})
        if rows := data.get("text/html", "").count("<tr"):
            return GAP + (rows + 1) * TABLE_ROW  # the heads of columns may take two lines
        source = output.get("text") or data.get("text/plain", "")
    if cell.cell_type == "code" or source.startswith("```"):
        return 2 * GAP + _lines(source, CODE_CHARACTERS) * CODE_LINE
    if source.startswith("#"):
        return HEADING * math.ceil(len(source) / 62)
    if source.startswith("|"):
        return GAP + TABLE_ROW * _lines(source, 95)
    if not _SHOWN.match(source):
        source = source.replace("\n", " ")
    return (
        GAP + _lines(re.sub(r"<math.*?</math>", "formula", source, flags=re.S), TEXT_CHARACTERS) * TEXT_LINE
    )


def _lines(text: str, characters: int) -> int:
    return sum(max(1, math.ceil(len(line) / characters)) for line in text.rstrip().split("\n"))


def write_slides(folder: Path) -> dict[str, Deck]:
    """Write each deck as a file, with reveal.js beside them, and return the decks by their files' names.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If sphinx-revealjs, in which reveal.js comes, isn't installed.
    """
    reveal = distribution("sphinx-revealjs").locate_file("sphinx_revealjs/_static/revealjs")
    for part in ("dist", "plugin/notes"):
        shutil.copytree(reveal / part, folder / "reveal.js" / part, dirs_exist_ok=True)
    exporter = SlidesExporter(
        raw_template=_TEMPLATE,
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    decks = {}
    for audience in ("class", "teacher"):
        teacher = audience == "teacher"
        for path in sorted(authoring.SOLUTIONS.glob("*.ipynb")):
            decks[f"{path.stem}.{audience}.html"] = chapter_deck(path, teacher=teacher)
        for plan in plans.plans():
            decks[f"{plan.slug}.{audience}.html"] = plan_deck(plan, teacher=teacher)
    for name, deck in decks.items():
        body, _ = exporter.from_notebook_node(deck.notebook(), {"metadata": {"name": name}})
        (folder / name).write_text(body, encoding="utf-8")
    return decks


def main() -> int:
    """Write the slides and say where they lie."""
    try:
        decks = write_slides(FOLDER)
    except PackageNotFoundError:
        print("reveal.js is missing: type `make slides`, or install sphinx-revealjs.", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{FOLDER} can't be written: {str(error)[:200]}", file=sys.stderr)
        return 2
    print(f"in {FOLDER.relative_to(authoring.ROOT)}, to open in a browser (key S: speaker notes):")
    for name, deck in decks.items():
        print(f"  {name:38} {len(deck.slides):3} slides")
    return 0


if __name__ == "__main__":
    sys.exit(main())
