"""The notebooks themselves: in step with each other, sound, and safe to run before anything is answered."""

import copy
import re
import sys

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tools import authoring
from utils.exercises import engine

SOLUTIONS = sorted(authoring.SOLUTIONS.glob("*.ipynb"))
NOTEBOOKS = sorted(authoring.NOTEBOOKS.glob("*.ipynb"))
EACH_SOLUTION = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
EACH_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _markdown(path):
    return "\n\n".join(cell.source for cell in authoring.read(path).cells if cell.cell_type == "markdown")


def test_every_solution_has_its_learners_copy_and_no_copy_stands_alone():
    assert [path.name for path in NOTEBOOKS] == [path.name for path in SOLUTIONS]
    assert SOLUTIONS, "there are no chapters"


@EACH_SOLUTION
def test_the_learners_copy_is_what_make_notebooks_derives(path):
    derived = authoring.derive(authoring.read(path))
    stored = (authoring.NOTEBOOKS / path.name).read_text(encoding="utf-8")
    assert authoring.nbformat.writes(derived, version=4) + "\n" == stored, "run make notebooks"


def test_the_readmes_picture_is_the_one_that_chapter_00_draws():
    (picture,) = filter(None, (authoring.readme_picture(authoring.read(path)) for path in SOLUTIONS))
    assert authoring.README_PICTURE.read_bytes() == picture, "run make notebooks"


@EACH_SOLUTION
def test_the_solution_passes_the_authoring_checks(path):
    assert authoring.problems(authoring.read(path)) == []


@EACH_SOLUTION
def test_the_chapter_has_its_frame(path):
    prose = _markdown(path)
    number = path.name[:2]
    assert re.match(rf"# {number}\. .+\?\n", prose), "the title asks the chapter's question"
    if number == "00":
        return
    assert "**Before this chapter:**" in prose
    objectives = re.search(r"By the end of this chapter you can\n\n((?:- .+\n?(?:  .+\n?)*)+)", prose)[1]
    assert 3 <= len(re.findall(r"^- ", objectives, flags=re.M)) <= 7
    for heading in ("## What can go wrong", "## Recap", "## Further reading"):
        assert re.search(rf"^{heading}", prose, flags=re.M), f"{heading!r} is missing"
    assert "**Predict.**" in prose


CORE = ("01", "02", "03", "04", "05")
LONGEST = dict.fromkeys(CORE, 75) | {"04": 90}  # minutes; the challenge stands in 04
LONGEST_OF_OTHERS, LONGEST_CORE = 90, 380
MINUTES = {path.name[:2]: authoring.announced_minutes(authoring.read(path)) for path in NOTEBOOKS}


@EACH_NOTEBOOK
def test_the_minutes_that_a_chapter_announces_are_those_that_it_takes(path):
    taken = authoring.minutes(authoring.read(path))
    assert MINUTES[path.name[:2]] == 5 * round(taken / 5), f"by the formula it takes {taken:.1f}"
    assert taken <= LONGEST.get(path.name[:2], LONGEST_OF_OTHERS)


def test_the_core_fits_into_a_day():
    assert sum(MINUTES[chapter] for chapter in CORE) <= LONGEST_CORE


PREDICTIONS = [pair for path in SOLUTIONS for pair in authoring.predictions(authoring.read(path))]


@pytest.mark.parametrize(
    ("heading", "prediction"), PREDICTIONS, ids=[" | ".join(pair) for pair in PREDICTIONS]
)
def test_a_heading_does_not_answer_the_predict_below_it(heading, prediction):
    # What no pattern sees, a reader does: pytest --collect-only -q -k answer lists the pairs.
    assert not authoring.PRESUMES.match(heading)


@EACH_SOLUTION
def test_every_link_to_a_file_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", _markdown(path)):
        if not re.match(r"(https?|mailto):", target):
            assert (authoring.NOTEBOOKS / target).exists(), f"{target} leads nowhere"


@pytest.fixture(scope="module")
def kernel():
    """Return a client of one kernel for all: starting ten of them takes longer than what they run."""
    client = NotebookClient(
        new_notebook(),
        timeout=authoring.SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(authoring.NOTEBOOKS)}},
    )
    with client.setup_kernel():
        yield client


# Nothing is left of the chapter before. No pictures: they are drawn when solutions/ is run, and in a browser.
A_CLEAN_START = """
%reset -f
get_ipython().display_formatter.mimebundle_formatter.enabled = False
"""
PEAK_MEMORY = """
import resource
print("peak memory:", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@EACH_NOTEBOOK
def test_run_all_on_an_untouched_notebook_raises_nothing_and_asks_every_exercise(path, kernel):
    kernel.nb = copy.deepcopy(authoring.read(path))
    kernel.nb.cells = [new_code_cell(A_CLEAN_START), *kernel.nb.cells, new_code_cell(PEAK_MEMORY)]
    printed = ""
    for number, cell in enumerate(kernel.nb.cells):
        kernel.execute_cell(cell, number)
        if cell.cell_type == "code":
            assert not [output for output in cell.outputs if output.output_type == "error"] or (
                "raises-exception" in authoring.tags(cell)
            )
            text = "".join(output.get("text", "") for output in cell.outputs)
            assert "could not be judged" not in text
            printed += text
    asked = set(re.findall(r"^(\d+\.\d+)  ○ not answered yet", printed, flags=re.M))
    answered_in_the_open = {"0.1"}
    ids = {exercise.id for exercise in engine.load_chapter(int(path.name[:2]))}
    assert ids - answered_in_the_open <= asked
    # Of this chapter and those before it in the same kernel: more than a chapter takes by itself.
    peak = int(re.search(r"peak memory: (\d+)", printed)[1]) / (2**20 if sys.platform == "darwin" else 2**10)
    assert peak < 1024, f"{peak:.0f} MB are more than a small Binder machine gives"
