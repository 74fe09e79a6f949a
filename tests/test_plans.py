"""The plans for workshops: they add up, name what there is, and run as they are written."""

from __future__ import annotations

from itertools import groupby

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_notebook

from tools import authoring, plans

PLANS = plans.plans()
PARTS = [(plan, part) for plan in PLANS for part in plan.parts if part.chapter]
EACH_PART = pytest.mark.parametrize(
    "part", [part for _, part in PARTS], ids=[f"{plan.slug}-{part.chapter}" for plan, part in PARTS]
)
# A continued part runs in the kernel of the part before it.
ONE_KERNEL = [
    [part for _, part in parts]
    for _, parts in groupby(PARTS, key=lambda pair: (pair[0].slug, pair[1].chapter))
]
SELECTED = {tuple(part.what + str(part.left_out) for part in parts): parts for parts in ONE_KERNEL}.values()
SELECTED = [parts for parts in SELECTED if '"' in parts[0].what]  # a whole chapter is run elsewhere


def _cells(part, folder):
    (path,) = folder.glob(f"{part.chapter}_*.ipynb")
    return plans.cells(part, authoring.read(path))


def test_three_plans_are_read_and_each_begins_and_ends_with_people():
    assert [plan.slug for plan in PLANS] == ["90-minutes", "half-a-day", "two-days"]
    for plan in PLANS:
        first, *_, last = plan.parts
        assert first.what.startswith("Arriving") and first.minutes in range(5, 11)
        assert last.what.startswith("The exit ticket")
    assert sum(part.minutes for part in PLANS[0].parts) == 90


@EACH_PART
def test_a_part_takes_the_minutes_of_exactly_its_cells(part):
    assert part.minutes == plans.minutes(_cells(part, authoring.NOTEBOOKS))


@EACH_PART
def test_a_part_lists_the_exercises_of_its_sections_or_names_them_as_left_out(part):
    whole = plans.Part(part.minutes, part.what, part.chapter, (), part.how)
    inside = plans.exercises(_cells(whole, authoring.NOTEBOOKS))
    assert sorted(part.exercises + part.left_out) == inside
    assert tuple(plans.exercises(_cells(part, authoring.NOTEBOOKS))) == part.exercises


@pytest.mark.parametrize("parts", SELECTED, ids=lambda parts: parts[0].what[:40])
@pytest.mark.parametrize("folder", [authoring.SOLUTIONS, authoring.NOTEBOOKS], ids=lambda folder: folder.name)
def test_no_cell_of_a_part_needs_a_name_that_the_part_leaves_out(parts, folder):
    cells = [cell for part in parts for cell in _cells(part, folder)]
    assert authoring._undefined_names(new_notebook(cells=cells)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("parts", SELECTED, ids=lambda parts: parts[0].what[:40])
def test_a_part_runs_in_a_fresh_kernel(parts):
    notebook = new_notebook(cells=[cell for part in parts for cell in _cells(part, authoring.SOLUTIONS)])
    NotebookClient(
        notebook,
        timeout=authoring.SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(authoring.SOLUTIONS)}},
    ).execute()


ROW = '| 10 | Chapter 02: "One table, two periods" | 2.1 | alone |'
TOTAL = "| **10** | **total** | | |"


def _plan(tmp_path, *rows):
    document = tmp_path / "PLANS.md"
    table = "\n".join(("| minutes | what | exercises | how |", "|---|---|---|---|", *rows))
    document.write_text(f"## Plans\n\n### An hour: this and that\n\n{table}\n")
    return plans.plans(document)


def test_a_row_says_what_to_take_and_what_to_leave_out(tmp_path):
    row = '| 10 | Chapter 02: "A" to "B", "D" | 2.1, 2.3 to 2.5; leave out 2.2 | pairs |'
    (plan,) = _plan(tmp_path, row, TOTAL)
    assert plan.slug == "an-hour"
    (part,) = plan.parts
    assert (part.chapter, part.exercises, part.left_out) == ("02", ("2.1", "2.3", "2.4", "2.5"), ("2.2",))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW, "| **15** | **total** | | |"], "add up to 10 minutes"),
        ([ROW], "no total"),
        ([ROW.replace("10", "ten"), TOTAL], "a number for the minutes"),
        ([ROW.replace(" | alone", ""), TOTAL], "| minutes | what | exercises | how |"),
        ([ROW.replace(": ", ", to the end of "), TOTAL], "Chapter 02"),
        ([ROW.replace("2.1", "all"), TOTAL], "2.1 to 2.3; leave out 2.4"),
        (["| 10 | Break | 2.1 | |", TOTAL], "2.1 to 2.3; leave out 2.4"),
    ],
)
def test_a_table_that_does_not_parse_is_a_sentence_that_names_its_row(tmp_path, rows, said):
    with pytest.raises(
        ValueError, match=r"^the row '.*' of the plan 'An hour: this and that' can't be read"
    ) as stop:
        _plan(tmp_path, *rows)
    assert said in str(stop.value) and "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ('Chapter 02: "No such section"', "has no section 'No such section'"),
        ('Chapter 02: "Recap" to "One table, two periods"', "in the order of the chapter"),
    ],
)
def test_a_section_that_a_chapter_does_not_have_is_named(what, said):
    with pytest.raises(ValueError, match=said):
        _cells(plans.Part(10, what, "02", (), ""), authoring.NOTEBOOKS)
