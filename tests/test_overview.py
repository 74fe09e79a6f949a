"""The class overview reads what notebooks have stored, and nothing else."""

import json

from utils.exercises.__main__ import main, stored_verdicts


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
