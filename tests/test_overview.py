"""The class overview reads what notebooks have stored, and nothing else."""

import json
import os
from pathlib import Path

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
    assert lines[0].split() == ["learner", "right", "03"]
    assert lines[1].split() == ["ada", "1", "✓○"]
    assert lines[2].split() == ["bo", "0", "✗·"]
    assert lines[3].split() == ["cy", "0", "✗·"]
    assert lines[-2].split()[:4] == ["3.1", "1", "2", "0"]
    assert lines[-2].endswith("2 x D is a gap, not a distance in ms.")


def test_a_whole_course_stays_within_a_hundred_columns(tmp_path, capsys):
    verdicts = [
        f"{chapter}.{n}  ✗ not yet: {'many words ' * 20}\n" for chapter in range(11) for n in range(1, 7)
    ]
    save(tmp_path / "maximilian" / "all.ipynb", *verdicts)
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "maximilian      0  " + " ".join(11 * ["✗" * 6])
    assert max(map(len, lines)) <= 100 and lines[-1].endswith(" many words")


def test_the_last_verdict_in_a_notebook_counts(tmp_path):
    save(tmp_path / "ada" / "03_ks_test.ipynb", WRONG, RIGHT)
    (said,) = stored_verdicts(tmp_path)[0]
    assert (said.learner, said.id, said.state) == ("ada", "3.1", "right")


def test_every_state_is_read_as_the_engine_prints_it(tmp_path):
    states = [engine.Verdict(f"3.{i}", state, "so.") for i, state in enumerate(engine.SYMBOLS, start=1)]
    save(tmp_path / "ada" / "03_ks_test.ipynb", "\n".join(map(str, states)))
    said, _, doubts, _ = stored_verdicts(tmp_path)
    assert [(one.id, one.state, one.message) for one in said] == [(s.id, s.state, s.message) for s in states]
    assert doubts == []


def call_lines(chapter, number, answer):
    return "".join(
        f"Night {n} of 12 (chapter {chapter:02d}, my number {number}): {answer}, sure 2 of 3. Noted.\n"
        for n in range(1, 13)
    )


def test_the_twelve_calls_are_counted_by_kind_and_by_learner(tmp_path, capsys):
    save(tmp_path / "ada" / "00_start_here.ipynb", RIGHT, call_lines(0, 7, "page"))
    save(tmp_path / "ada" / "05_drift_and_the_model.ipynb", RIGHT, call_lines(5, 7, "don't page"))
    save(tmp_path / "bo" / "00_start_here.ipynb", RIGHT, "Night 1 of 12 (chapter 00, my number 8): sure\n")
    save(tmp_path / "cy" / "00_start_here.ipynb", RIGHT, call_lines(0, 9, "can't say"))
    main([str(tmp_path)])
    out = capsys.readouterr().out
    table = [line.split() for line in out[out.index("twelve calls") :].splitlines()]
    assert table[0] == ["twelve", "calls", "before", "after", "05"]
    assert table[1] == ["all", "7", "of", "24", "5", "of", "12"]
    assert ["a", "tail", "1", "of", "2", "0", "of", "1"] in table
    assert ["other", "hours", "1", "of", "2", "0", "of", "1"] in table
    ada = ["ada", "6", "of", "12", "5", "of", "12"]
    assert table[-3:] == [ada, ["bo", "-", "-"], ["cy", "1", "of", "12", "-"]]


def test_a_whole_course_handed_in_counts_without_its_solutions_and_checkpoints(tmp_path):
    course = tmp_path / "ada" / "course"
    save(course / "notebooks" / "03_ks_test.ipynb", WRONG)
    save(course / "notebooks" / ".ipynb_checkpoints" / "03_ks_test-checkpoint.ipynb", RIGHT)
    save(course / "solutions" / "03_ks_test.ipynb", RIGHT)
    (said,), _, doubts, _ = stored_verdicts(tmp_path)
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
    (said,) = stored_verdicts(tmp_path)[0]
    assert said.learner == learner


@pytest.mark.parametrize(
    ("first", "second", "learner"),
    [
        ("03_ks_test_ada.ipynb", "ada_03_ks_test.ipynb", "ada"),
        ("group/ada.ipynb", "group/bo.ipynb", "group"),
        ("ada/03_ks_test.ipynb", "ada/03_ks_test (1).ipynb", "ada"),
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
    said, _, doubts, _ = stored_verdicts(tmp_path)
    assert len(said) == 2 and doubts == []


def notebook(**cell):
    """Return a notebook with one exercise, as the bytes of its file."""
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": 'x = ...\ncheck("3.1", x)', **cell}]}
    ).encode()


def printed(text):
    return [{"output_type": "stream", "text": text}]


def hand_in(folder, content, name="03_ks_test.ipynb"):
    folder.mkdir()
    (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 100_000, "it is nested too deeply"),
        (b"", "it is empty, cut short or no JSON"),
        (b"\xef\xbb\xbf \n", "it is empty, cut short or no JSON"),
        (bytes(100), "it is empty, cut short or no JSON"),
        (notebook(outputs=printed(RIGHT))[:-9], "it is empty, cut short or no JSON"),
        (notebook() + b"\n<<<<<<< HEAD", "it is empty, cut short or no JSON"),
        ("{'cells': 'é'}".encode("latin-1"), "its text is not UTF-8"),
        (b"[]", "it has no list of cells"),
        (b"17", "it has no list of cells"),
        (b'"cells"', "it has no list of cells"),
        (b"null", "it has no list of cells"),
        (b"{}", "it has no list of cells"),
        (b'{"cells": {"0": {}}}', "it has no list of cells"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_a_file_that_is_no_notebook_costs_one_line_and_the_others_are_read(tmp_path, capsys, content, said):
    save(tmp_path / "ada" / "03_ks_test.ipynb", RIGHT)
    hand_in(tmp_path / "bo", content)
    assert main([str(tmp_path)]) == 1
    table, below = capsys.readouterr()
    assert [line.split() for line in table.splitlines()[1:3]] == [
        ["ada", "1", "✓"],
        ["bo", "-", "no", "notebook", "that", "can", "be", "read"],
    ]
    assert below == f"bo: 03_ks_test.ipynb can't be read as a notebook: {said}; ask for it again.\n"


def test_a_notebook_of_an_older_format_is_to_be_saved_again(tmp_path, capsys):
    save(tmp_path / "ada" / "03_ks_test.ipynb", RIGHT)
    hand_in(tmp_path / "ada" / "old", b'{"nbformat": 3, "worksheets": [{"cells": []}]}')
    assert main([str(tmp_path)]) == 1
    table, below = capsys.readouterr()
    assert table.splitlines()[1].split() == ["ada", "1", "✓"]
    assert below == "ada: old/03_ks_test.ipynb has an older format: open it in JupyterLab and save it.\n"


@pytest.mark.parametrize(
    "content",
    [
        *(
            notebook(outputs=printed(RIGHT)).decode().encode(code)
            for code in ("utf-8-sig", "utf-16", "utf-32")
        ),
        notebook(outputs=printed(["3.1  ✓ right: ", "it matters.\n"])),
        notebook(outputs=[None, 7, {"text": None}, {"text": {}}, {"data": []}, *printed(["\n", 7, RIGHT])]),
        notebook(outputs=printed(RIGHT), source=None),
        notebook(outputs=printed(RIGHT), metadata={"n": float("nan")}),
        notebook(outputs=printed(RIGHT)).replace(b'"text"', b'"n": ' + b"9" * 5000 + b', "text"'),
        notebook(outputs=printed(RIGHT)).replace(b'{"cells"', b'{"cells": null, "cells"'),
        notebook(outputs=printed(RIGHT)).replace(
            b'"cells": [', b'"cells": [null, 7, [], {}, {"outputs": null}, '
        ),
    ],
)
def test_a_verdict_is_found_however_the_notebook_is_written(tmp_path, content):
    hand_in(tmp_path / "ada", content, "03_ks_test.IPYNB")
    verdicts, silent, doubts, _ = stored_verdicts(tmp_path)
    assert [(said.id, said.message) for said in verdicts] == [("3.1", "it matters.")]
    assert silent == {} and doubts == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (notebook(), "no outputs: ask to run all and save"),
        (notebook(outputs=[]), "no outputs: ask to run all and save"),
        (notebook(outputs=None), "no outputs: ask to run all and save"),
        (notebook(outputs=printed("9" * 5000 + RIGHT)), "outputs, but no verdict: ask to run all and save"),
        (notebook(source=["print(1)"], outputs=printed("1")), "no exercise in the notebook"),
        (b'{"cells": []}', "no exercise in the notebook"),
        (None, "no notebook in the folder"),
    ],
)
def test_a_learner_without_a_verdict_is_told_from_one_without_an_answer(tmp_path, capsys, content, why):
    save(tmp_path / "ada" / "03_ks_test.ipynb", "3.1  ○ not answered yet: replace\n")
    hand_in(tmp_path / "bo", content or b"", "03_ks_test.ipynb" if content else "notes.txt")
    assert main([str(tmp_path)]) == 1
    table, below = capsys.readouterr()
    assert [line.split(maxsplit=2) for line in table.splitlines()[1:3]] == [
        ["ada", "0", "○"],
        ["bo", "-", why],
    ]
    assert below == ""


def test_of_several_notebooks_without_a_verdict_the_one_with_most_in_it_says_why(tmp_path):
    hand_in(tmp_path / "ada", notebook())
    hand_in(tmp_path / "ada" / "more", b'{"cells": []}')
    (tmp_path / "ada" / "04_drift_warning.ipynb").write_bytes(b"")
    (tmp_path / "03_ks_test_ada.ipynb").write_bytes(b"")
    assert stored_verdicts(tmp_path)[1] == {"ada": "no outputs: ask to run all and save"}


def test_no_link_or_pipe_or_folder_loses_a_learner_or_never_ends(tmp_path):
    class_, elsewhere = tmp_path / "class", tmp_path / "elsewhere"
    save(elsewhere / "03_ks_test.ipynb", RIGHT)
    (class_ / "bo.ipynb" / "03_ks_test.ipynb").mkdir(parents=True)
    for link, target in [
        ("ada", elsewhere),
        ("bo.ipynb/up", ".."),
        ("bo.ipynb/around", "."),
        ("cy", "nowhere"),
        ("di", "di"),
        ("everybody", "."),
    ]:
        (class_ / link).symlink_to(target)
    (elsewhere / "back").symlink_to(class_ / "ada")
    (elsewhere / ".hidden").symlink_to("nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(elsewhere / "pipe.ipynb")
    verdicts, silent, doubts, _ = stored_verdicts(class_)
    assert [said.learner for said in verdicts] == ["ada"]
    assert {learner: why.split()[:3] for learner, why in silent.items()} == {
        "bo.ipynb": ["no", "notebook", "in"],
        "cy": ["no", "notebook", "that"],
        "di": ["no", "notebook", "that"],
        "everybody": ["no", "notebook", "in"],
    }
    assert [doubt.split(" as ")[0] for doubt in doubts] == ["cy: cy can't be read", "di: di can't be read"]


@pytest.mark.parametrize(("method", "name"), [("read_bytes", "bo/03_ks_test.ipynb"), ("iterdir", "bo")])
def test_what_may_not_be_opened_is_named(tmp_path, monkeypatch, method, name):
    save(tmp_path / "ada" / "03_ks_test.ipynb", RIGHT)
    save(tmp_path / "bo" / "03_ks_test.ipynb", RIGHT)
    allowed = {"read_bytes": Path.read_bytes, "iterdir": Path.iterdir}

    def refuse(path, method):
        # A folder that can't be listed can't be read either; and root may open everything.
        if path == tmp_path / name:
            raise PermissionError(13, "Permission denied")
        return allowed[method](path)

    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path, "iterdir"))
    monkeypatch.setattr(Path, "read_bytes", lambda path: refuse(path, "read_bytes"))
    verdicts, silent, (doubt,), _ = stored_verdicts(tmp_path)
    assert [said.learner for said in verdicts] == ["ada"]
    assert silent == {"bo": "no notebook that can be read"}
    assert doubt.endswith("can't be read as a notebook: Permission denied; ask for it again.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("**bo** <b>|&amp;", "**bo** <b>|&amp;"),
        ("bo\nada  9  ✓", r"bo\nada  9  ✓"),
        ("\x1b[31mbo\x07", r"\x1b[31mbo\x07"),
        ("bo\u202eob", r"bo\u202eob"),
        ("bo\udcff", r"bo\udcff"),
        ("Zoë", "Zoë"),
    ],
)
def test_a_name_and_a_message_stay_in_their_line_and_are_shown_as_they_are(tmp_path, capsys, name, shown):
    try:
        hand_in(tmp_path / name, notebook(outputs=printed(WRONG.replace("D", "\x1b[2JD"))))
    except (OSError, ValueError):
        pytest.skip("no such name in this file system")
    (tmp_path / name / "04.ipynb").write_bytes(b"")
    assert main([str(tmp_path)]) == 1
    table, below = capsys.readouterr()
    assert table.splitlines()[1] == f"{shown:7}      0  ✗"
    assert table.splitlines()[-1].endswith(r"1 x \x1b[2JD is a gap, not a distance in ms.")
    assert below.startswith(f"{shown}: 04.ipynb can't be read") and len(below.splitlines()) == 1


def test_an_empty_or_missing_folder_is_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr()
    assert "No verdict is stored" in said.out and "is not a folder" in said.err
