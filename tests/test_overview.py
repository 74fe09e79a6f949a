"""The class overview reads what notebooks have stored, and nothing else."""

import csv
import json
import os
import time
import zipfile

import pytest

from tools import overview
from tools.overview import main
from utils.exercises import engine

RIGHT, WRONG = "3.1  ✓ right: it matters.\n", "3.1  ✗ not yet: D is a gap, not a distance in ms.\n"
OPEN = "3.1  ○ not answered yet: replace\n"
NAME = "03_ks_test.ipynb"
NO_NAME = "no name: put it into the file's name"


def notebook(*printed, source='x = 1\ncheck("3.1", x)', **cell):
    """Return a notebook with one exercise, as the bytes of its file."""
    outputs = [{"output_type": "stream", "text": text} for text in printed]
    cells = [
        {"cell_type": "markdown", "source": "3.1  ✓ right: only prose"},
        {"cell_type": "code", "source": source, "outputs": outputs, **cell},
    ]
    return json.dumps({"cells": cells}).encode()


def error(name):
    return [{"output_type": "error", "ename": name, "evalue": "invalid"}]


def save(path, content, when=1_700_000_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when, when))


def rows(text):
    """Return the rows of people as (name, what the row says), and the notes below them."""
    table, below = text.split("\n\n")[:2]
    head, *lines = table.splitlines()
    at = head.index("right")
    return [(line[:at].strip(), line[at:].strip()) for line in lines], below.splitlines()[1:]


LAYOUTS = {
    "a folder each": ({f"ada/{NAME}", f"bo/course/notebooks/{NAME}"}, {"ada", "bo"}),
    "a whole course": ({f"ada/{NAME}", f"ada/solutions/{NAME}", f"ada/.ipynb_checkpoints/{NAME}"}, {"ada"}),
    "Moodle, folders": (
        {f"Ada L_123_assignsubmission_file_/{NAME}", f"Bo M_124_assignsubmission_file_/{NAME}"},
        {"Ada L", "Bo M"},
    ),
    "Moodle, flat": (
        {f"Ada L_123_assignsubmission_file_{NAME}", "Bo M_124_assignsubmission_file_my.pdf"},
        {"Ada L", "Bo M"},
    ),
    "Moodle, namesakes": (
        {f"Ada L_123_assignsubmission_file_/{NAME}", f"Ada L_124_assignsubmission_file_/{NAME}"},
        {"Ada L (123)", "Ada L (124)"},
    ),
    "Canvas": (
        {"lada_123_678_03_ks_test-1.ipynb", f"mbo_LATE_124_679_{NAME}"},
        {"lada", "mbo"},
    ),
    "a shared drive": (
        {f"ada_{NAME}", "03_ks_test_bo (1).ipynb", "cy_03.ipynb", "group_7_03_ks_test_di.ipynb", "eva.ipynb"},
        {"ada", "bo", "cy", "group_7_di", "eva"},
    ),
    "no names": (
        {NAME, "03_ks_test (1).ipynb", "03_ks_test - Copy.ipynb", "Copy of 03_ks_test.ipynb", "03_ks_test-Copy1.ipynb"},
        {NAME, "03_ks_test (1).ipynb", "03_ks_test - Copy.ipynb", "Copy of 03_ks_test.ipynb", "03_ks_test-Copy1.ipynb"},
    ),
    "classes": (
        {f"class A/ada/{NAME}", f"class A/bo/{NAME}", f"class B/ada/{NAME}", f"cy/{NAME}"},
        {"class A/ada", "class A/bo", "class B/ada", "cy"},
    ),
    "a wrapper": ({f"all/in/ada/{NAME}", f"all/in/bo/{NAME}"}, {"ada", "bo"}),
    "a class of files": ({f"A/ada_{NAME}", f"A/bo_{NAME}", f"B/cy/{NAME}"}, {"A/ada", "A/bo", "B/cy"}),
    "one folder for a group": ({"all/ada.ipynb", "all/bo.ipynb", f"cy/{NAME}"}, {"all/ada", "all/bo", "cy"}),
    "homes": (
        {f"jupyter-ada/course/notebooks/{NAME}", f"bo/course/notebooks/{NAME}"},
        {"ada", "bo"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_nobody_is_merged_or_lost_however_it_is_handed_in(tmp_path, capsys, layout, zipped):
    paths, expected = LAYOUTS[layout]
    source = tmp_path / "handed in"
    for path in paths:
        save(source / path, notebook(RIGHT))
    if zipped:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for path in paths:
                archive.write(source / path, path)
        source = tmp_path / "all.zip"
    main([str(source)])
    found, notes = rows(capsys.readouterr().out)
    assert {name for name, _ in found} == expected and len(found) == len(expected) and notes == []
    nameless = {name for name, says in found if says.endswith(NO_NAME)}
    assert nameless == (expected if layout == "no names" else set())


def test_a_pattern_names_what_no_rule_knows_and_several_sources_are_one_class(tmp_path, capsys):
    save(tmp_path / "one" / "x" / "hw-ada.ipynb", notebook(RIGHT))
    save(tmp_path / "two" / "y" / "hw-ada.ipynb", notebook(RIGHT.replace("3.1", "4.1"), source="check('4.1"))
    save(tmp_path / "two" / "y" / "odd.ipynb", notebook(RIGHT))
    assert main([str(tmp_path / "one"), str(tmp_path / "two"), "--pattern", r"hw-(?P<name>\w+)"]) == 1
    found, _ = rows(capsys.readouterr().out)
    assert [name for name, _ in found] == ["ada", "y/odd.ipynb"] and found[0][1].split()[0] == "2"
    for bad in ("hw-(", "hw"):
        with pytest.raises(SystemExit) as stop:
            main([str(tmp_path), "--pattern", bad])
        assert stop.value.code == 2


@pytest.mark.parametrize(
    ("old", "new", "later", "counts"),
    [
        (RIGHT, WRONG, 60, "✗····"),
        (WRONG, RIGHT, 60, "✓····"),
        (OPEN, WRONG, 0, "✗····"),
        (WRONG, OPEN, 0, "✗····"),
        (RIGHT, "", 60, "✓····"),
    ],
)
def test_of_two_copies_the_newer_or_fuller_counts_and_the_other_is_named(
    tmp_path, capsys, old, new, later, counts
):
    save(tmp_path / "ada" / "03_ks_test (1).ipynb", notebook(*filter(None, [old])))
    save(tmp_path / "ada" / NAME, notebook(*filter(None, [new])), 1_700_000_000 + later)
    assert main([str(tmp_path)]) == 0
    ((_, says),), (note,) = rows(capsys.readouterr().out)
    assert says.split()[1] == counts and "is left aside" in note and note.startswith("ada: ada/03_ks_test")


BAD = "-  03_ks_test.ipynb: can't be read as a notebook: "
STATES = [
    (notebook(RIGHT), "1  ✓····"),
    (notebook(WRONG, RIGHT), "1  ✓····"),
    (notebook(WRONG), "0  ✗····"),
    (notebook(OPEN), "0  ○····"),
    (notebook(outputs=error("SyntaxError")), "0  !····"),
    (notebook(outputs=error("NameError"), source='check("3.2, x)'), "0  ·!···"),
    (notebook(), "-  03_ks_test.ipynb: no outputs: ask for it again, saved with them"),
    (notebook(source='x = ...\ncheck("3.1", x)'), "-  as it was handed out: not begun, or not saved"),
    (notebook("1"), "-  outputs, but no verdict: ask to run all and save"),
    (notebook("1", source="print(1)"), "-  no exercise in the notebook"),
    (b"", BAD + "it is empty, cut short or no JSON; ask for it again"),
    (b"[" * 100_000, BAD + "it is nested too deeply; ask for it again"),
    ("{'é'}".encode("latin-1"), BAD + "its text is not UTF-8; ask for it again"),
    (b"17", BAD + "it has no list of cells; ask for it again"),
    (b'{"worksheets": []}', "-  03_ks_test.ipynb: has an older format: open it in JupyterLab and save it"),
    *((notebook(RIGHT).decode().encode(code), "1  ✓····") for code in ("utf-8-sig", "utf-16", "utf-32")),
    (notebook(outputs=[None, 7, {"text": {}}, {"text": ["3.1  ✓ right: ", "so.\n"]}], n=float("nan")), "1  ✓····"),
    (notebook(RIGHT).replace(b'"cells": [', b'"n": ' + b"9" * 5000 + b', "cells": [null, 7, {}, '), "1  ✓····"),
    (None, "-  no notebook in the folder"),
]  # fmt: skip


@pytest.fixture
def class_(tmp_path):
    folder = tmp_path / "class"
    for n, (content, _) in enumerate(STATES):
        save(folder / f"{n:02d}" / ("notes.txt" if content is None else NAME), content or b"")
    return folder


def test_everyone_has_a_row_and_totals_add_up(class_, tmp_path, capsys):
    assert main([str(class_), "--csv", str(tmp_path / "book.csv")]) == 1
    out = capsys.readouterr().out
    found, notes = rows(out)
    assert found == [(f"{n:02d}", says) for n, (_, says) in enumerate(STATES)]
    assert notes == [] and f"\n{len(STATES)} rows." in out
    counts = [line.split() for line in out.splitlines() if line[22:26].startswith("3.")]
    assert len(counts) == 5 and all(sum(map(int, line[:5])) == len(STATES) for line in counts)
    assert counts[0][:6] == ["7", "1", "1", "1", str(len(STATES) - 10), "3.1"]
    assert "1 x D is a gap, not a distance in ms." in out and "1 x SyntaxError: invalid" in out
    assert "Where is the gap largest?" in out
    with (tmp_path / "book.csv").open(encoding="utf-8-sig", newline="") as file:
        book = list(csv.DictReader(file))
    assert [row["3.1 Where is the gap largest?"] for row in book[1:5]] == [
        "right",
        "not yet",
        "not answered",
        "error",
    ]


def test_a_notebook_without_outputs_is_asked_for_beside_others(tmp_path, capsys):
    save(tmp_path / "ada" / NAME, notebook(RIGHT))
    save(tmp_path / "ada" / "04.ipynb", notebook(source='check("4.1", 1)'))
    assert main([str(tmp_path)]) == 1
    assert rows(capsys.readouterr().out)[1] == [
        "ada: 04.ipynb: no outputs: ask for it again, saved with them."
    ]


def test_every_verdict_is_read_as_the_engine_prints_it(tmp_path, capsys):
    board = ("✓ warns", "✗ is silent: on a quiet night, it warns.")
    said = [engine.Verdict(f"3.{i}", state, "so.", board) for i, state in enumerate(engine.SYMBOLS, start=1)]
    save(tmp_path / "ada" / NAME, notebook("\n".join(map(str, said))))
    assert main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert rows(out)[0] == [("ada", "1  ○✗✓··")] and "1 x is silent: on a quiet night, it warns." in out


def test_the_exercise_with_most_stuck_comes_first_with_three_ideas(tmp_path, capsys):
    for name, ideas in {"ada": "abc", "bo": "abc", "cy": "bbd"}.items():
        said = [f"3.{n}  ✗ not yet: {idea}\n" for n, idea in zip((2, 3, 2), ideas, strict=True)]
        save(tmp_path / name / NAME, notebook(*said))
    main([str(tmp_path)])
    first = capsys.readouterr().out.split("most stuck first\n")[1].splitlines()
    assert first[0].split()[:6] == ["0", "3", "0", "0", "0", "3.2"] and first[1].strip() == "2 x c"


@pytest.mark.parametrize(("columns", "row"), [(120, "✗✗✗ ✗✗✗✗✗✗"), (60, " 0  0  0")])
def test_the_whole_course_fits_the_screen(tmp_path, capsys, monkeypatch, columns, row):
    monkeypatch.setenv("COLUMNS", str(columns))
    said = [f"{id}  ✗ not yet: {'many words ' * 20}\n" for id in _all_ids()]
    for n in range(25):
        save(tmp_path / f"maximilian {n:02d}" / "all.ipynb", notebook(*said))
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert row in lines[1] and max(map(len, lines)) <= columns


def _all_ids():
    return [exercise.id for chapter in range(11) for exercise in engine.load_chapter(chapter)]


def call_lines(chapter, number, answer):
    return "".join(
        f"Night {n} of 12 (chapter {chapter:02d}, my number {number}): {answer}, sure 2 of 3. Noted.\n"
        for n in range(1, 13)
    )


def test_the_twelve_calls_are_counted_by_kind_and_by_learner(tmp_path, capsys):
    save(tmp_path / "ada" / "00_start_here.ipynb", notebook(RIGHT, call_lines(0, 7, "page")))
    save(tmp_path / "ada" / "05.ipynb", notebook(call_lines(5, 7, "don't page"), source="check('5.1'"))
    save(
        tmp_path / "bo" / "00_start_here.ipynb",
        notebook(RIGHT, "Night 1 of 12 (chapter 00, my number 8): sure\n"),
    )
    save(tmp_path / "cy" / "00_start_here.ipynb", notebook(RIGHT, call_lines(0, 9, "can't say")))
    main([str(tmp_path)])
    out = capsys.readouterr().out
    table = [line.split() for line in out[out.index("twelve calls") :].splitlines()]
    assert table[0] == ["twelve", "calls", "before", "after", "05"]
    assert table[1] == ["all", "7", "of", "24", "5", "of", "12"]
    assert ["a", "tail", "1", "of", "2", "0", "of", "1"] in table
    ada = ["ada", "6", "of", "12", "5", "of", "12"]
    assert table[-3:] == [ada, ["bo", "-", "-"], ["cy", "1", "of", "12", "-"]]


def test_no_link_or_pipe_or_bad_zip_loses_a_learner_or_never_ends(tmp_path, capsys):
    class_, elsewhere = tmp_path / "class", tmp_path / "elsewhere"
    save(elsewhere / NAME, notebook(RIGHT))
    save(class_ / "eva" / "work.zip", b"no zip")
    (class_ / "bo.ipynb").mkdir()
    for link, target in [
        ("ada", elsewhere),
        ("bo.ipynb/up", ".."),
        ("cy", "nowhere"),
        ("di", "di"),
        ("all", "."),
    ]:
        (class_ / link).symlink_to(target)
    (elsewhere / "back").symlink_to(class_ / "ada")
    if hasattr(os, "mkfifo"):
        os.mkfifo(elsewhere / "pipe.ipynb")
    assert main([str(class_)]) == 1
    found, _ = rows(capsys.readouterr().out)
    assert [(name, says.split("  ")[1].split(":")[0]) for name, says in found] == [
        ("ada", "✓····"),
        ("all", "no notebook in the folder"),
        ("bo.ipynb", "no notebook in the folder"),
        ("cy", "cy"),
        ("di", "di"),
        ("eva", "work.zip"),
    ]


@pytest.mark.parametrize("name", ["bo\nada  9  ✓", "\x1b[31mbo", "bo\u202eob", "bo\udcff", "=1+1"])
def test_a_name_stays_in_its_line_and_is_no_formula(tmp_path, capsys, name):
    try:
        save(tmp_path / "in" / name / NAME, notebook(WRONG.replace("D", "\x1b[2JD")))
    except (OSError, ValueError):
        pytest.skip("no such name in this file system")
    assert main([str(tmp_path / "in"), "--csv", str(tmp_path / "book.csv")]) == 0
    out = capsys.readouterr().out
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)
    assert out.splitlines()[1].startswith(shown) and r"1 x \x1b[2JD is a gap" in out
    assert (tmp_path / "book.csv").read_text("utf-8-sig").splitlines()[1].startswith(("bo", "\\", "'="))


def test_a_certificate_is_one_line_and_a_watch_reads_only_what_changed(tmp_path, capsys, monkeypatch):
    save(tmp_path / "Ada" / NAME, notebook(RIGHT))
    save(tmp_path / "Bo" / NAME, notebook(RIGHT))
    assert main([str(tmp_path), "--certificate", "ada"]) == 0
    assert capsys.readouterr().out == "Ada. Chapter 03: 1 of 5 right\n"
    assert main([str(tmp_path), "--certificate", "Cy"]) == 2
    reads, read = [], overview.read
    monkeypatch.setattr(overview, "read", lambda file: reads.append(file.path) or read(file))

    def next_look(seconds):
        if len(reads) > 2:
            raise KeyboardInterrupt
        save(tmp_path / "Ada" / NAME, notebook(WRONG), 1_700_000_060)

    monkeypatch.setattr(time, "sleep", next_look)
    assert main([str(tmp_path), "--watch"]) == 0
    assert reads == [f"Ada/{NAME}", f"Bo/{NAME}", f"Ada/{NAME}"]
    assert "Ada          0  ✗" in capsys.readouterr().out


def test_a_certificate_prefers_the_exact_name_and_a_gradebook_writes_over_no_hand_in(tmp_path, capsys):
    save(tmp_path / "Ada" / NAME, notebook(RIGHT))
    save(tmp_path / "ADA" / NAME, notebook(WRONG))
    assert main([str(tmp_path), "--certificate", "ADA"]) == 0
    assert capsys.readouterr().out == "ADA. Chapter 03: 0 of 5 right\n"
    handed_in = tmp_path / "Ada" / NAME
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--csv", str(handed_in)])
    assert "must end in .csv" in capsys.readouterr().err
    assert handed_in.read_bytes() == notebook(RIGHT)


def test_the_zips_of_two_classes_in_one_folder_are_no_persons(tmp_path, capsys):
    for name in ("Ada L", "Bo M"):
        with zipfile.ZipFile(tmp_path / f"class of {name}.zip", "w") as archive:
            archive.writestr(f"{name}_123_assignsubmission_file_/{NAME}", notebook(RIGHT))
    assert main([str(tmp_path)]) == 0
    assert {name for name, _ in rows(capsys.readouterr().out)[0]} == {"Ada L", "Bo M"}


def test_an_empty_or_missing_folder_is_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr()
    assert "No verdict is stored" in said.out and "can't be read" in said.err
    save(tmp_path / "bad.zip", b"no zip")
    assert main([str(tmp_path / "bad.zip")]) == 2


def test_folders_taken_for_one_person_are_named_where_they_may_be_two(tmp_path, capsys):
    for path, id in {"A/ada": "3.1", "A/bo": "4.1", "B/cy": "3.1", "B/di": "4.1"}.items():
        save(tmp_path / path / "my.ipynb", notebook(RIGHT.replace("3.1", id), source=f"check('{id}', 1)"))
    main([str(tmp_path)])
    _, notes = rows(capsys.readouterr().out)
    said = "taken for one person, with notebooks in"
    assert notes == [f"A: {said} ada, bo.", f"B: {said} cy, di."]
