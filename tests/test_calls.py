"""The twelve calls: each night has one right answer, no shortcut finds it, and the answers are read back."""

import json

import numpy as np
import pytest
from scipy import special

from utils.alarm.drift import measure
from utils.exercises import calls, engine, progress, twelve_calls


def measured(before, recent, count_for=1):
    """Return D and its p, where each recent request counts for one, or for less."""
    gap = measure(before, recent)[0]
    return gap, special.kolmogorov(gap * np.sqrt(count_for / (1 / before.size + 1 / recent.size)))


def taught(night):
    """Return what the course teaches to answer, and how far and how surprisingly the night lies apart."""
    gap, p = measured(night.historical, night.recent)
    if night.hours[0] != night.hours[1]:
        return "can't say", gap, p
    if night.missing > (night.recent.size + night.missing) / 20:
        return "page", gap, p
    median_up, p95_up = np.quantile(night.recent, [0.5, 0.95]) - np.quantile(night.approved, [0.5, 0.95])
    if median_up < 10 and p95_up < 25:
        return "don't page", gap, p
    neighbors = max(0, np.corrcoef(night.recent[:-1], night.recent[1:])[0, 1])
    _, by_chance = measured(night.approved, night.recent, (1 - neighbors) / (1 + neighbors))
    return ("page" if night.metrics * by_chance < 0.01 else "don't page"), gap, p


def test_the_rule_taught_is_always_right_and_no_shortcut_is():
    for number in range(100):
        chapter = (0, 5, 8)[number % 3]
        nights = calls.night_calls(number, chapter)
        assert [night.kind for night in nights] == list(calls.kinds(number, chapter))
        said = [(night.answer, *taught(night)) for night in nights]
        assert all(right == answer for right, answer, _, _ in said), number
        for least, paged in ((5, [gap > 0.07 for *_, gap, _ in said]), (0, [p < 0.05 for *_, p in said])):
            found = sum(
                right == ("page" if page else "don't page")
                for page, (right, *_) in zip(paged, said, strict=True)
            )
            assert least <= found <= 8, number


def test_five_or_six_nights_deserve_a_page_and_no_answer_is_always_right():
    answers = [night.answer for night in calls.night_calls(42, chapter=5)]
    assert [answers.count(answer) for answer in calls.ANSWERS] == [6, 5, 1]


def test_each_number_and_each_chapter_has_nights_of_its_own_and_the_same_ones_again():
    assert calls.kinds(1, 0) != calls.kinds(2, 0) != calls.kinds(2, 5)
    first, again, other = (calls.night_call(number, 0, 3) for number in (7, 7, 8))
    assert first.facts == again.facts != other.facts


@pytest.fixture
def shown(monkeypatch):
    """Return the alternative texts of the pictures that a test's calls show."""
    monkeypatch.setattr(calls, "_rounds", {})
    texts = []
    monkeypatch.setattr("IPython.display.display", lambda figure: texts.append(figure.get_label()))
    return texts


def test_an_untouched_round_runs_through_and_gives_nothing_away(shown, capsys):
    call = twelve_calls(0, ...)
    call(1, ..., sure=...)
    call = twelve_calls(5, 42)
    for n in range(1, 13):
        call(n, ..., sure=...)
    out = capsys.readouterr().out
    assert out.startswith("Put a whole number of your own") and "Choose my_number first" in out
    assert out.count(calls.HOW) == 13 and len(shown) == 12
    for kind in calls.KINDS:
        assert kind not in out + "".join(shown)
    whys = [f"Right: {why}" for _, why in calls.ANSWER_AND_WHY.values()]
    assert max(map(len, out.splitlines() + whys)) <= 100  # JupyterLab breaks longer lines within a word


@pytest.mark.parametrize(
    ("answer", "sure", "words"),
    [
        ("don’t page", 3, "Night 1 of 12 (chapter 00, my number 42): don't page, sure 3 of 3. Noted."),
        ("Cannot say.", 1.0, "Night 1 of 12 (chapter 00, my number 42): can't say, sure 1 of 3. Noted."),
        ("maybe", 3, 'Not noted: choose one of "page"'),
        ("page", 4, "Not noted: how sure you are is 1, 2 or 3."),
        ("page", "very", "Not noted: a number is expected"),
        ("page", ..., "Not noted: say how sure you are, too"),
        (..., 2, calls.HOW),
    ],
)
def test_an_answer_is_one_line(shown, capsys, answer, sure, words):
    twelve_calls(0, 42)(1, answer, sure)
    assert capsys.readouterr().out.splitlines()[-1].startswith(words)


def test_a_later_round_says_what_decides(shown, capsys):
    call = twelve_calls(8, 42)
    n = 1 + calls.kinds(42, 8).index("faster")
    call(n, "page", 2)
    call(n, "don't page", 2)  # too late
    call(n % 12 + 1, calls.ANSWER_AND_WHY[calls.kinds(42, 8)[n % 12]][0], 3)
    call(13)
    out = capsys.readouterr().out
    assert ": page, sure 2 of 3.\nNot this one, but don't page:\nthe curves differ" in out
    assert ": page, sure 2 of 3. This first answer counts.\nNot this one, but don't page:\nthe curves" in out
    assert "sure 3 of 3.\nRight: " in out
    assert out.endswith("\nThe nights are numbered from 1 to 12.\n")


@pytest.mark.parametrize("number", [-1, 4.5, "42", True, None, 10**18])
def test_a_number_that_is_none_is_asked_for(shown, capsys, number):
    twelve_calls(0, number)(1)
    assert capsys.readouterr().out.count("\n") == 2


def save(folder, chapter, number, answer, sure):
    """Save a notebook in which every night got the same answer; what is wrong in it is no call."""
    lines = [f"Night {n} of 12 (chapter {chapter:02d}, my number {number}): {answer}, sure {sure} of 3. Noted."
             for n in range(1, 14)]  # fmt: skip
    cell = {"outputs": [{"text": ["more\n", "\n".join(lines)]}, {"data": {}}]}
    path = folder / f"{chapter:02d}_start_here.ipynb"
    path.write_text(json.dumps({"cells": [{}, cell]}), encoding="utf-8")


def test_a_night_without_an_answer_is_neither_learned_nor_lost(shown, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    kinds = calls.kinds(42, 8)
    save(tmp_path, 5, 7, "page", 1)
    for _ in range(2):  # to run the first cell again forgets nothing
        call = twelve_calls(8, 42)
        call(1 + kinds.index("faster"), "don't page", sure=1)
    call(1 + kinds.index("a tail"), "don't page", sure=1)
    twelve_calls(8, 42)
    assert calls.gain().splitlines() == [
        "Twelve calls: 6 of 12 in chapter 05, 1 of 2 now",
        "  No calls are saved in 00_start_here.ipynb beside this notebook. If you answered there, save it.",
        "  new since chapter 05: faster",
        "  no longer: a tail",
        "  right when sure 1 of 3: 6 of 12 before, 1 of 2 now",
    ]


def test_progress_shows_what_was_gained_since_the_saved_round(shown, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "_states", {})
    save(tmp_path, 0, 7, "page", 1)
    save(tmp_path, 5, 8, "don't page", 2)
    call = twelve_calls(8, 42)
    call(1 + calls.kinds(42, 8).index("a tail"), "can't say", sure=1)
    for n, kind in enumerate(calls.kinds(42, 8), start=1):  # a second answer comes too late
        call(n, calls.ANSWER_AND_WHY[kind][0], sure=3)
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.splitlines() == [
        "Twelve calls: 6 of 12 in chapter 00, 5 of 12 in chapter 05, 11 of 12 now",
        "  new since chapter 00: few requests, many requests, autocorrelation, other hours, one of twenty, faster",
        "  no longer: a tail",
        "  right when sure 3 of 3: none before, 11 of 11 now",
        "  right when sure 1 of 3: 6 of 12 before, 0 of 1 now",
    ]


@pytest.mark.parametrize("content", [None, "", "[]", '{"cells": [7]}', '{"cells": [{"outputs": 3}]}'])
def test_where_no_round_is_saved_one_sentence_says_what_to_do(shown, monkeypatch, tmp_path, capsys, content):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "_states", {})
    if content is not None:
        (tmp_path / "00_start_here.ipynb").write_text(content, encoding="utf-8")
    twelve_calls(5, 42)(1, "page", 1)
    capsys.readouterr()
    progress()
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("of 1 now") and "00_start_here.ipynb" in second and "save it" in second
