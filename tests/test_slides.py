"""The slides in a real browser, from a file and without a network. Run by `make test-browser`."""

from __future__ import annotations

import shutil

import pytest

from tests.browsing import IN_A_BROWSER
from tools import publishing

pytestmark = IN_A_BROWSER


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm, which fetches reveal.js, is not installed")
def test_the_slides_are_shown_to_the_last_one(offline, tmp_path):
    for deck in publishing.write_slides(tmp_path):
        offline.goto(deck.as_uri())
        offline.wait_for_function("() => window.Reveal?.isReady()")
        slides = offline.evaluate("Reveal.getTotalSlides()")
        assert slides >= 10
        for _ in range(slides - 1):
            assert not offline.evaluate("Reveal.isLastSlide()")
            offline.keyboard.press("Space")
        assert offline.evaluate("Reveal.isLastSlide()"), deck.name
        assert offline.locator("img").evaluate_all("images => images.every(image => image.naturalWidth > 0)")
    assert offline.faults == []
