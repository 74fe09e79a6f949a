"""The way from solutions/ to notebooks/, and each of its checks on a notebook made to fail it."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import authoring


def notebook(*cells):
    made = new_notebook(cells=list(cells), metadata=authoring._plain_metadata())
    for number, cell in enumerate([cell for cell in made.cells if cell.cell_type == "code"], start=1):
        cell.execution_count = number
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    made.metadata["executed"] = authoring.code_hash(made)
    return made


def printing(source, text, **metadata):
    return new_code_cell(source, outputs=[new_output("stream", text=text)], metadata=metadata)


def showing(markup):
    data = {"text/html": markup, "image/png": "AAAA", "text/plain": "a figure"}
    return new_code_cell("plt.show()", outputs=[new_output("display_data", data=data)])


TITLE = new_markdown_cell("# 01. A title")


# Deriving ---------------------------------------------------------------------------------------------------


def test_the_cell_for_colab_is_there_once_the_course_has_an_address_and_takes_no_minutes(monkeypatch):
    solution = notebook(TITLE, new_code_cell("x = 1"))
    without = authoring.derive(solution)
    assert [cell.source for cell in without.cells] == [TITLE.source, "x = 1"]
    published = {
        "dependencies": ["numpy>=2", "ipywidgets>=8"],
        "urls": {"Repository": "https://example.org/course"},
    }
    monkeypatch.setattr("tools.project", lambda: published)
    learner = authoring.derive(solution)
    assert [cell.id for cell in learner.cells] == ["cell-0", "colab", "cell-1"]
    assert authoring.minutes(learner) == authoring.minutes(without)
    assert "git clone --quiet https://example.org/course " in learner.cells[1].source
    assert '"numpy>=2"' in learner.cells[1].source and "ipywidgets" not in learner.cells[1].source


@pytest.mark.parametrize(
    ("source", "blanked"),
    [
        ("size = 512  # SOLUTION", "size = ..."),
        ("if n:\n    size: int = 2 * n == 4  # SOLUTION", "if n:\n    size: int = ..."),
        ("a, b = 1, 2  # SOLUTION\nc = 3", "a, b = ...\nc = 3"),
        ('gap["x"] = 1 # SOLUTION', 'gap["x"] = ...'),
        ('gap["a=b"] = 1  # SOLUTION', 'gap["a=b"] = ...'),
        ("shares = [\n    0.1,\n    0.9,\n]  # SOLUTION\nc = 3", "shares = ...\nc = 3"),
        ("shares = [  # SOLUTION\n    0.1,\n]\nc = 3", "shares = ...\nc = 3"),
        ("first = second = 3  # SOLUTION", "first = second = ..."),
        ("if µ == 1: y = 4  # SOLUTION", "if µ == 1: y = ..."),
        ("%matplotlib inline\nx = 1  # in ms  # SOLUTION", "%matplotlib inline\nx = ..."),
        (
            'def f(x):\n    """Twice."""\n    # BEGIN SOLUTION\n    x += x\n    return x\n    # END SOLUTION',
            'def f(x):\n    """Twice."""\n    ...',
        ),
        ('call(1, "don\'t page", sure=3)  # SOLUTION', "call(1, ..., sure=...)"),
        ('x = 2  # SOLUTION\ncall(12, "page", sure=1)  # SOLUTION', "x = ...\ncall(12, ..., sure=...)"),
        ("x = 1  # the solution is below", "x = 1  # the solution is below"),
    ],
)
def test_answers_are_blanked(source, blanked):
    assert authoring.blank(source) == blanked


@pytest.mark.parametrize(
    "source",
    [
        "# BEGIN SOLUTION\nx = 1",
        "x = 1\n# END SOLUTION",
        "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION",
    ],
)
def test_markers_that_do_not_pair_up_are_refused(source):
    with pytest.raises(ValueError, match="SOLUTION|pair up"):
        authoring.blank(source)


@pytest.mark.parametrize(
    "source",
    [
        "print(7)  # SOLUTION",
        'call(1, "page")  # SOLUTION',
        "f(x, key=3)  # SOLUTION",
        "total += 3  # SOLUTION",
        "def f(): return 3  # SOLUTION",
        "x = 1; y = 2  # SOLUTION",
        "x = [  # SOLUTION\n    1]; y = 2",
        "for x in y:  # SOLUTION\n    pass",
        "# SOLUTION\nx = 3",
        "(x) = 3  # SOLUTION",
        "x = = 3  # SOLUTION",
        "x = 3  # SOLUTION: three",
        "x = 3  # BEGIN SOLUTION",
    ],
)
def test_a_marker_that_cannot_be_blanked_is_a_sentence_with_the_cell_and_the_remedy(source):
    with pytest.raises(ValueError, match="`name = answer  # SOLUTION`") as said:
        authoring.blank(source)
    assert f"the cell that begins {source!r}" in str(said.value)


def test_the_learners_copy_has_no_answers_and_no_outputs():
    solution = notebook(
        TITLE,
        printing("x = 3  # SOLUTION", "3"),
        new_markdown_cell("Because three.", metadata={"tags": ["answer"]}),
        printing("print(x)", "3", tags=["solution-only"]),
    )
    learner = authoring.derive(solution)
    assert [cell.source for cell in learner.cells] == ["# 01. A title", "x = ..."]
    assert learner.cells[1].outputs == [] and learner.cells[1].execution_count is None
    assert "executed" not in learner.metadata
    assert solution.cells[1].source == "x = 3  # SOLUTION", "the solution itself is not changed"


def test_writing_twice_changes_no_byte(tmp_path):
    path = tmp_path / "01.ipynb"
    assert authoring.write(notebook(TITLE), path)
    first = path.read_bytes()
    assert not authoring.write(authoring.read(path), path)
    assert path.read_bytes() == first


# Executing --------------------------------------------------------------------------------------------------


def test_executing_stores_portable_outputs_and_keeps_the_volatile_ones(tmp_path):
    before = notebook(
        TITLE,
        new_code_cell("import time, warnings\nwarnings.warn('slow')\nprint('a')\nprint('b')"),
        new_markdown_cell("Between."),
        new_code_cell("print(time.perf_counter())", metadata={"tags": ["nbval-ignore-output"]}),
    )
    once = authoring.execute(before, tmp_path)
    warning = "".join(output.text for output in once.cells[1].outputs if output.name == "stderr")
    assert warning.startswith("<cell>:2: UserWarning: slow")
    assert authoring.problems(once) == []
    twice = authoring.execute(once, tmp_path)
    assert nbformat.writes(twice) == nbformat.writes(once), "a timing must not change the stored notebook"
    once.cells[3].source += "  # changed"
    assert authoring.execute(once, tmp_path).cells[3].outputs != once.cells[3].outputs


# Checking ---------------------------------------------------------------------------------------------------


def test_a_sound_notebook_has_no_problems():
    sound = notebook(
        TITLE,
        new_markdown_cell(
            "## Idea\n\nIn chapter 02 at 02:13: 1,000 requests, 5 % of them slow, 149.6 ms on average."
        ),
        printing("n = 1_000\nalpha = 0.05", "149.58 ms"),
        showing('<img alt="Recent requests are about 15 ms slower" src="data:image/png;base64,AAAA">'),
    )
    assert authoring.problems(sound) == []


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([TITLE, new_markdown_cell("### Too deep")], "skips a level"),
        ([new_markdown_cell("no title")], "0 level-1 headings"),
        ([TITLE, new_markdown_cell("# Another")], "2 level-1 headings"),
        ([TITLE, showing('<img src="data:image/png;base64,AAAA">')], "says nothing"),
        ([TITLE, showing('<img alt="plot" src="data:image/png;base64,AAAA">')], "says nothing"),
        ([TITLE, showing("")], "no alternative text"),
        (
            [TITLE, showing('<img alt="Recent requests are slower" src="data:image/png;base64,BBBB">')],
            "for a PDF",
        ),
        ([TITLE, new_code_cell("x = 3  # SOLUTION"), new_code_cell("print(x)")], "only the learner defines"),
        (
            [
                TITLE,
                new_code_cell("def f():\n    # BEGIN SOLUTION\n    return 3\n    # END SOLUTION"),
                new_code_cell("print(f())"),
            ],
            "only the learner defines",
        ),
        (
            [TITLE, new_code_cell("x = 3  # SOLUTION"), new_code_cell("x = x + 1\nprint(x)")],
            "only the learner defines",
        ),
        ([TITLE, new_code_cell("x = 3  # SOLUTION"), new_code_cell("x += 1")], "only the learner defines"),
        (
            [TITLE, new_code_cell("x = 3  # SOLUTION"), new_code_cell("f(x)\ndef x(): pass")],
            "only the learner defines",
        ),
        (
            [TITLE, new_code_cell("x = 3  # SOLUTION"), new_code_cell("def f(): return x")],
            "only the learner defines",
        ),
        ([TITLE, new_code_cell("open('/home/mira/data.csv')")], "absolute path"),
        ([TITLE, printing("print(p)", "saved to /tmp/a")], "absolute path"),
        ([TITLE, new_markdown_cell("About 17 ms slower.")], "the number 17"),
        ([TITLE, new_markdown_cell("Slower by 3.4 %."), printing("f()", "3.5 %")], "the number 3.4"),
        ([TITLE, new_code_cell("a"), new_code_cell("b"), new_code_cell("c")], "three code cells in a row"),
        (
            [
                TITLE,
                new_code_cell("x"),
                new_code_cell("x"),
                new_markdown_cell("So."),
                new_code_cell("x\n" * 16),
            ],
            "a cell of 16 lines",
        ),
        ([TITLE, new_code_cell("x\n\n" * 7)], "the median cell has 7 lines"),
        ([TITLE, printing("x", "np.float64(3.0)")], "np.float64("),
        (
            [TITLE, new_code_cell("x", outputs=[new_output("error", ename="E", evalue="", traceback=[])])],
            "an error",
        ),
    ],
)
def test_each_check_finds_its_problem(cells, words):
    found = authoring.problems(notebook(*cells))
    assert len(found) == 1 and words in found[0], found


def test_minutes_count_words_lines_exercises_and_calls_but_nothing_optional():
    cells = [
        new_markdown_cell("## Q?\n" + "word " * 198),
        new_code_cell("x = 1\n\n" * 5 + 'check("1.1", x)'),
        new_code_cell('check("1.1", x)\n' * 6),
        new_markdown_cell("## More (optional)\n" + "word " * 400),
        new_markdown_cell("### Still more"),
        new_code_cell('check("1.2", x)'),
        new_markdown_cell("## Back"),
        new_code_cell('check(\n    "4.6",\n)'),
        new_code_cell("call(1, ..., sure=...)"),
    ]
    assert authoring.minutes(notebook(*cells)) == pytest.approx(202 / 200 + 15 / 6 + 5 + 15 + 1)


def test_each_predict_is_listed_with_its_heading():
    cells = [
        new_markdown_cell("## Which?\n\n> **Predict.** A or B?"),
        new_markdown_cell("> **Predict.** How many?"),
    ]
    assert authoring.predictions(notebook(*cells)) == [("Which?", "A or B?"), ("Which?", "How many?")]


def test_outputs_of_other_code_are_found():
    changed = notebook(TITLE, printing("x = 1", "1"))
    changed.cells[1].source = "x = 2"
    assert any("belong to other code" in problem for problem in authoring.problems(changed))


def test_a_cell_id_used_twice_is_found():
    twice = notebook(TITLE, new_code_cell("x = 1"))
    twice.cells[1]["id"] = twice.cells[0]["id"]
    assert any("used more than once" in problem for problem in authoring.problems(twice))


@pytest.mark.parametrize(
    "source",
    [
        "x = 4\nprint(x)",
        "def x(): return 4\nprint(x())",
        "def x(n): return x(n - 1) if n else 0",
        "class x: pass\nprint(x)",
        "from math import pi as x\nprint(x)",
        "for x in range(3): print(x)",
        "print([x for x in range(3)], lambda x: x)",
        "def f(x): return x",
        "try:\n    import x\nexcept ImportError:\n    x = None\nprint(x)",
        "y = (3\n     % 2)",
    ],
)
def test_a_name_that_the_given_code_defines_again_is_no_problem(source):
    given = notebook(TITLE, new_code_cell("x = 3  # SOLUTION"), new_code_cell(source))
    assert authoring.problems(given) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,000 and 1_000 and 0.05", [1000, 1000, 0.05]),
        ("p = 2e-32 at 159.0 ms", [2e-32, 159.0]),
        ("(150, 20)", [150, 20]),
        ("from 144.2 to 155.6.", [144.2, 155.6]),
    ],
)
def test_numbers_are_read_as_people_write_them(text, values):
    assert [value for value, _, _ in authoring._numbers(text)] == values


def test_an_unknown_chapter_is_a_sentence(capsys):
    assert authoring.main(["77"]) == 2
    assert "no solution notebook for 77" in capsys.readouterr().err


@pytest.mark.parametrize("chapters", [["abc"], ["03", "4.5"]])
def test_a_chapter_that_is_no_number_is_one_sentence(chapters, capsys):
    assert authoring.main(chapters) == 2
    said = capsys.readouterr().err
    assert said == f"{chapters[-1]!r} is no chapter number: write 03, say.\n"


def test_a_marker_that_cannot_be_blanked_is_said_before_anything_is_run_or_written(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(authoring, "SOLUTIONS", tmp_path)
    monkeypatch.setattr(authoring, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(authoring, "execute", lambda *_: pytest.fail("executed"))
    authoring.write(notebook(TITLE, new_code_cell("print(7)  # SOLUTION")), tmp_path / "03_ks_test.ipynb")
    before = (tmp_path / "03_ks_test.ipynb").read_bytes()
    assert authoring.main(["03"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("03_ks_test: a # SOLUTION cannot be blanked") and said.count("\n") == 1
    assert (tmp_path / "03_ks_test.ipynb").read_bytes() == before


def test_what_cannot_be_displayed_is_said_although_an_older_output_is_stored(tmp_path):
    source = """
class Figure:
    def _repr_html_(self):
        raise AttributeError("no renderer")

display(Figure())
"""
    cell = printing(source, "what an earlier run showed")
    cell.metadata["tags"] = ["nbval-ignore-output"]
    stored = notebook(TITLE, cell)
    stored.metadata["executed"] = authoring.code_hash(stored)
    with pytest.raises(RuntimeError, match="cannot be displayed: AttributeError: no renderer"):
        authoring.execute(stored, tmp_path)
