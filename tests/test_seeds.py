"""The sentences that `tests/seeds.py` holds against other seeds are those that the chapters print."""

import pytest

from tests import seeds

# Two of the seeds of `make bench PARTS=seeds` with which every sentence holds: a sentence that fails here was
# changed, or what it rests on was.
OTHER_SEEDS = 1, 10
SENTENCES = [(chapter, sentence) for chapter, claims in seeds.CLAIMS.items() for sentence, _ in claims]


@pytest.mark.parametrize(("chapter", "sentence"), SENTENCES)
def test_each_sentence_stands_in_its_chapter_once(chapter, sentence):
    found = sum(seeds.plain(source).count(sentence) for _, source, _ in seeds.cells(chapter))
    assert found == 1, f"found {found} times: copy it from the chapter anew, or make it longer"


def test_a_run_moves_every_seed_and_leaves_none_moved(monkeypatch):
    sentence = "the recent requests are slower"
    first = [seeds.np.random.default_rng(42).normal(), seeds.np.random.default_rng(1_042).normal()]
    drawn = []
    claim = sentence, lambda names: drawn.append(names["historical"][0]) or True
    monkeypatch.setitem(seeds.CLAIMS, "00", [claim])
    assert seeds.held("00") == seeds.held("00", 1_000) == {sentence: True}
    assert drawn == pytest.approx([150 + 20 * value for value in first])
    assert seeds.np.random.default_rng(42).normal() == first[0]
    moved = seeds._Moved(5).visit(seeds.ast.parse("tree(random_state=42, leaves=20)"))
    assert seeds.ast.unparse(moved) == "tree(random_state=47, leaves=20)"


@pytest.mark.slow
@pytest.mark.parametrize("chapter", seeds.CLAIMS)
@pytest.mark.parametrize("by", [0, *(seeds.STEP * number for number in OTHER_SEEDS)])
def test_each_sentence_holds_with_the_courses_seed_and_with_others(chapter, by):
    fails = [sentence for sentence, holds in seeds.held(chapter, by).items() if not holds]
    assert not fails, f"how often: python -m tests.seeds {chapter}"
