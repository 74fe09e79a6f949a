"""The class overview reads what notebooks have stored, and nothing else."""

import json

import pytest

from tools.overview import main, stored_verdicts
from utils.exercises import engine


def save(path, *printed):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"cell_type": "markdown", "source": "3.1  ✓ right: only prose"}] + [
        {
            "cell_type": "code",
            "source": "raise SystemExit",
            "outputs": [{"output_type": "stream", "text": text}],
        }
        for text in printed
    ]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")


RIGHT, WRONG = "3.1  ✓ right: it matters.\n", "3.1  ✗ not yet: D is a gap, not a distance in ms.\n"


def test_the_class_is_shown_by_learner_and_by_exercise(tmp_path, capsys):
    save(tmp_path / "ada" / "03_ks_test.ipynb", RIGHT, "3.2  ○ not answered yet: replace\n")
    save(tmp_path / "bo" / "03_ks_test.ipynb", WRONG)
    save(tmp_path / "cy_03_ks_test.ipynb", "noise\n" + WRONG)
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["learner", "right", "3.1", "3.2"]
    assert lines[1].split() == ["ada", "1", "✓", "○"]
    assert lines[2].split() == ["bo", "0", "✗"]
    assert lines[3].split() == ["cy", "0", "✗"]
    assert lines[-2].split()[:4] == ["3.1", "1", "2", "0"]
    assert lines[-2].endswith("2 x D is a gap, not a distance in ms.")


def test_the_last_verdict_in_a_notebook_counts(tmp_path):
    save(tmp_path / "ada" / "03_ks_test.ipynb", WRONG, RIGHT)
    (said,) = stored_verdicts(tmp_path)[0]
    assert (said.learner, said.id, said.state) == ("ada", "3.1", "right")


def test_every_state_is_read_as_the_engine_prints_it(tmp_path):
    states = [engine.Verdict(f"3.{i}", state, "so.") for i, state in enumerate(engine.SYMBOLS, start=1)]
    save(tmp_path / "ada" / "03_ks_test.ipynb", "\n".join(map(str, states)))
    said, doubts = stored_verdicts(tmp_path)
    assert [(one.id, one.state, one.message) for one in said] == [(s.id, s.state, s.message) for s in states]
    assert doubts == []


def test_a_whole_course_handed_in_counts_without_its_solutions_and_checkpoints(tmp_path):
    course = tmp_path / "ada" / "course"
    save(course / "notebooks" / "03_ks_test.ipynb", WRONG)
    save(course / "notebooks" / ".ipynb_checkpoints" / "03_ks_test-checkpoint.ipynb", RIGHT)
    save(course / "solutions" / "03_ks_test.ipynb", RIGHT)
    (said,), doubts = stored_verdicts(tmp_path)
    assert (said.learner, said.state, doubts) == ("ada", "not yet", [])


def test_the_folder_asked_for_may_itself_be_called_solutions(tmp_path):
    save(tmp_path / "solutions" / "ada" / "03_ks_test.ipynb", RIGHT)
    assert len(stored_verdicts(tmp_path / "solutions")[0]) == 1


@pytest.mark.parametrize(
    ("stem", "learner"),
    [
        ("ada_03_ks_test", "ada"),
        ("03_ks_test_ada", "ada"),
        ("03_ks_test_bo_2", "bo_2"),
        ("03_ks_test-bo (1)", "bo (1)"),
        ("group_7_03_ks_test_cy", "group_7_cy"),
        ("07_beyond_ks_di", "di"),
        ("03_ks_test", "(no name)"),
        ("my_answers", "my_answers"),
    ],
)
def test_a_learner_is_what_the_file_name_says_beside_the_chapter(tmp_path, stem, learner):
    save(tmp_path / f"{stem}.ipynb", RIGHT)
    (said,), _ = stored_verdicts(tmp_path)
    assert said.learner == learner


@pytest.mark.parametrize(
    ("first", "second", "learner"),
    [
        ("03_ks_test_ada.ipynb", "ada_03_ks_test.ipynb", "ada"),
        ("group/ada.ipynb", "group/bo.ipynb", "group"),
    ],
)
def test_no_answer_is_overwritten_silently(tmp_path, capsys, first, second, learner):
    save(tmp_path / first, WRONG)
    save(tmp_path / second, RIGHT, RIGHT)
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == f"{first} and {second} both answer as {learner}: the second one counts.\n"


def test_one_learner_with_several_chapters_is_no_doubt(tmp_path):
    save(tmp_path / "ada" / "03_ks_test.ipynb", RIGHT)
    save(tmp_path / "ada" / "04_drift_warning.ipynb", RIGHT.replace("3.1", "4.1"))
    said, doubts = stored_verdicts(tmp_path)
    assert len(said) == 2 and doubts == []


def test_a_file_that_is_no_notebook_is_named_and_the_rest_is_read(tmp_path, capsys):
    save(tmp_path / "ada" / "03_ks_test.ipynb", RIGHT)
    (tmp_path / "bo.ipynb").write_text("not json", encoding="utf-8")
    (tmp_path / "cy.ipynb").write_text("[]", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert (
        "ada" in said.out and "bo.ipynb cannot be read" in said.err and "cy.ipynb cannot be read" in said.err
    )


def test_an_empty_or_missing_folder_is_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr()
    assert "No verdict is stored" in said.out and "is not a folder" in said.err
