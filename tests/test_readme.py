"""What the README says can be done, can be done."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.test_counts import hours_of
from tools import authoring
from utils import simulate
from utils.exercises import engine

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md", "INSTRUCTORS.md")
}
README = DOCUMENTS["README.md"]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.M | re.S)


def test_every_make_target_that_a_document_names_exists():
    named = {target for text in DOCUMENTS.values() for target in re.findall(r"`make ([a-z-]+)", text)}
    assert {"lab", "test", "notebooks"} <= named
    for target in named:
        plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
        assert plan.returncode == 0, plan.stderr


def test_the_python_example_runs_as_it_stands():
    example, _ = [block for language, block in BLOCKS if language == "python"]
    rng = np.random.default_rng(1)
    names = {"historical": rng.normal(150, 20, 60_000), "recent": rng.normal(165, 22, 60)}
    exec(example, names)
    assert names["monitor"].check(names["recent"]).drifted
    assert not names["monitor"].check(rng.normal(150, 20, 60)).drifted


def test_the_example_on_counts_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    _, example = [block for language, block in BLOCKS if language == "python"]
    latencies = simulate.service_latencies(36 * 24, np.random.default_rng(1))
    latencies[35 * 24 * 60 :] *= 1.3
    totals, series = hours_of(latencies)[1].cumsum(axis=1), []
    for le, values in zip(totals.columns.right, totals.to_numpy().T, strict=True):
        le = "+Inf" if np.isinf(le) else str(le)
        stamped = [[(1 + i) * 3_600, str(value)] for i, value in enumerate(values)]
        series.append({"metric": {"le": le}, "values": stamped})
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert "True" in capsys.readouterr().out


def test_the_conda_environment_has_the_readmes_name():
    name = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["name"]
    assert f"conda activate {name}\n" in README


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_inside_the_course_leads_somewhere(document):
    text = DOCUMENTS[document]
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```", "", text, flags=re.S)):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target


def _frame(path):
    """Return a chapter's question, minutes and number of exercises, as its first cell gives them."""
    first = authoring.read(path).cells[0].source
    question = re.match(r"# \d\d\. (.+)", first)[1]
    minutes, exercises = re.search(r"\*\*Time:\*\* (\d+) minutes, (\d+) exercises", first).groups()
    return question, int(minutes), int(exercises)


@pytest.mark.parametrize("path", sorted(authoring.SOLUTIONS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_syllabus_tells_each_chapters_question_minutes_and_exercises(path):
    question, minutes, exercises = _frame(path)
    link = re.escape(f"[{question}](notebooks/{path.name})")
    row = rf"\| {path.name[:2]} \| {link} \|[^|\n]+\| {minutes} \| {exercises} \|"
    assert re.search(row, README), f"the README's row for {path.stem} should have {minutes} and {exercises}"
    start = authoring.read(authoring.SOLUTIONS / "00_start_here.ipynb")
    prose = "\n".join(cell.source for cell in start.cells if cell.cell_type == "markdown")
    assert re.search(
        rf"chapter {path.name[:2]} \|[^|\n]*{re.escape(question)}[^|\n]*\| {minutes} minutes", prose
    )


@pytest.mark.parametrize("path", sorted(authoring.SOLUTIONS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_announces_as_many_exercises_as_it_has(path):
    assert _frame(path)[2] == len(engine.load_chapter(int(path.name[:2])))


def test_every_chapter_has_three_misconceptions_and_their_questions():
    sections = re.findall(r"^### \d\d\. .*\n((?:.*\n)*?)(?=^##)", DOCUMENTS["INSTRUCTORS.md"], flags=re.M)
    assert len(sections) == len(list(authoring.SOLUTIONS.glob("*.ipynb")))
    for section in sections:
        misconceptions = re.findall(r"^- .*(?:\n  .*)*", section, flags=re.M)
        assert len(misconceptions) == 3
